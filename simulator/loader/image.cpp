// SPDX-License-Identifier: Apache-2.0
#include "loader/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/file.hpp"
#include "loader/elf_image.hpp"
#include "loader/pe_image.hpp"

namespace dumpsim::loader {
namespace {

constexpr std::uint64_t file_limit = std::uint64_t{256} << 20;

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path) {
  Result<File> file = File::open(path, File::Mode::read);
  if (!file) return Error{fmt::format("image {}", file.error().message)};
  const Result<std::uint64_t> size = file->size();
  if (!size) return about_image(path, size.error().message);
  if (*size > file_limit) {
    return about_image(path, fmt::format("{} bytes, expected at most {} MiB", *size, file_limit >> 20));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(*size));
  if (Result<void> done = file->read_at(0, bytes); !done) return about_image(path, done.error().message);
  return bytes;
}

}  // namespace

Error about_image(const std::filesystem::path& path, std::string_view what) {
  return Error{fmt::format("image {}: {}", path.string(), what)};
}

Result<std::unique_ptr<Image>> Image::load(const std::filesystem::path& path, const ExportTable& exports,
                                           LoadOptions options) {
  Result<std::vector<std::byte>> file = read_file(path);
  if (!file) return file.error();
  const bool windows = file->size() >= 2 && std::memcmp(file->data(), "MZ", 2) == 0;
  if (windows) return PeImage::load(path, *file, exports, options);
  return ElfImage::load(path, *std::move(file), exports, std::move(options));
}

std::string Image::describe(const void* address) const {
  return fmt::format("{}+{:#x}", name_, static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_));
}

std::string Image::function_at(const void* address) const {
  if (!contains(address)) return {};
  const auto wanted = static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - base_);
  const auto after = std::upper_bound(functions_.begin(), functions_.end(), wanted,
                                      [](std::uint64_t value, const Function& row) { return value < row.address; });
  if (after == functions_.begin()) return {};
  const Function& function = *std::prev(after);
  return wanted == function.address ? function.name : fmt::format("{}+{:#x}", function.name, wanted - function.address);
}

std::string_view Image::missing_import_at(const void*) const {
  return {};
}

std::string_view Image::discarded_section_at(const void*) const {
  return {};
}

}  // namespace dumpsim::loader
