// SPDX-License-Identifier: Apache-2.0
// Loading, step by step: facts, imports, private copy, relocation. The system's loader is used for what it is good at
// (mapping segments, telling debuggers) and kept from the rest, see Reader::plan_copy().
#include "loader/image.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace dumpsim::loader {
namespace {

constexpr std::uint64_t file_limit = std::uint64_t{256} << 20;
constexpr std::size_t missing_shown = 20;

Error about(const std::filesystem::path& path, std::string_view what) {
  return Error{fmt::format("image {}: {}", path.string(), what)};
}

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path) {
  Result<File> file = File::open(path, File::Mode::read);
  if (!file) return Error{fmt::format("image {}", file.error().message)};
  const Result<std::uint64_t> size = file->size();
  if (!size) return about(path, size.error().message);
  if (*size > file_limit) {
    return about(path, fmt::format("{} bytes, expected at most {} MiB", *size, file_limit >> 20));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(*size));
  if (Result<void> done = file->read_at(0, bytes); !done) return about(path, done.error().message);
  return bytes;
}

void overwrite(const ElfPatch& patch, std::span<std::byte> bytes) {
  std::memcpy(bytes.data() + patch.offset, &patch.value, patch.bytes);  // little endian, as the host is
}

}  // namespace

Result<std::unique_ptr<Image>> Image::load(const std::filesystem::path& path, const ExportTable& exports,
                                           LoadOptions options) {
  Result<std::vector<std::byte>> file = read_file(path);
  if (!file) return file.error();
  Result<ElfFacts> facts = read_elf(*file);
  if (!facts) return about(path, facts.error().message);

  std::unique_ptr<Image> image(new Image);
  image->path_ = path;
  image->name_ = std::move(options.instance);
  image->facts_ = *std::move(facts);
  image->convention_ = options.convention.value_or(image->facts_.convention.value_or(machine::Convention::system_v));
  const Result<const ElfExport*> entry = find_driver_entry(image->facts_);
  if (!entry) return about(path, entry.error().message);
  if (Result<void> done = image->bind(exports); !done) return done.error();
  if (Result<void> done = image->map(*std::move(file)); !done) return done.error();
  if (Result<void> done = image->relocate(); !done) return done.error();
  image->entry_ = image->at((*entry)->address);

  for (const std::string& library : foreign_libraries(image->facts_)) {
    image->notes_.push_back(
        fmt::format("links against {}, which a driver does not have; nothing is taken from it", library));
  }
  if (image->facts_.constructors != 0) {
    image->notes_.push_back(fmt::format("has {} static constructor{}, which Windows does not run for a driver",
                                        image->facts_.constructors, image->facts_.constructors == 1 ? "" : "s"));
  }
  return image;
}

Image::~Image() {
  if (handle_ != nullptr) dlclose(handle_);
}

Result<void> Image::bind(const ExportTable& exports) {
  const std::span<const void* const> table =
      convention_ == machine::Convention::system_v ? exports.system_v : exports.microsoft;
  std::string message;
  std::size_t missing = 0;
  for (const ElfImport& import : facts_.imports) {
    const auto found = std::find(exports.names.begin(), exports.names.end(), import.name);
    if (found != exports.names.end()) {
      imports_.push_back(table[static_cast<std::size_t>(found - exports.names.begin())]);
      continue;
    }
    imports_.push_back(nullptr);
    if (import.weak || ++missing > missing_shown) continue;
    message += fmt::format("{}image {} needs {}, which dumpsim does not simulate{}", message.empty() ? "" : "\n",
                           path_.string(), import.name, did_you_mean(import.name, exports.names));
  }
  if (missing == 0) return {};
  if (missing > missing_shown) {
    message += fmt::format("\nimage {} needs {} more functions that dumpsim does not simulate", path_.string(),
                           missing - missing_shown);
  }
  const std::vector<std::string> foreign = foreign_libraries(facts_);
  if (!foreign.empty()) {
    message += fmt::format(
        "\nimage {} links against {}, from which a driver can take nothing: link it with -nostdlib "
        "and libdumpsim_crt.a, as dumpsim_add_filter does",
        path_.string(), foreign.front());
  }
  return Error{message};
}

Result<void> Image::map(std::vector<std::byte> bytes) {
  for (const ElfPatch& patch : facts_.patches) overwrite(patch, bytes);
  Result<File> copy = File::in_memory(name_);
  if (!copy) return about(path_, copy.error().message);
  if (Result<void> done = copy->write_at(0, bytes); !done) return about(path_, done.error().message);
  copy_ = *std::move(copy);
  // By the process's number rather than "self", so that a debugger finds it too.
  const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), copy_.fd());
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) return about(path_, fmt::format("cannot be mapped: {}", dlerror()));
  link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0) return about(path_, fmt::format("cannot be found: {}", dlerror()));
  bias_ = reinterpret_cast<std::byte*>(map->l_addr);
  base_ = at(facts_.first_page);
  for (const ElfRange& range : facts_.writable) {
    writable_.emplace_back(at(range.address), static_cast<std::size_t>(range.bytes));
  }
  return {};
}

Result<void> Image::relocate() {
  for (const ElfRelocation& relocation : facts_.relocations) {
    std::uint64_t value = relocation.addend;
    switch (relocation.value) {
      case ElfRelocation::Value::base:
      case ElfRelocation::Value::own:
        value += reinterpret_cast<std::uint64_t>(bias_);
        break;
      case ElfRelocation::Value::import:
        value += reinterpret_cast<std::uint64_t>(imports_[relocation.index]);
        break;
      case ElfRelocation::Value::absolute:
        break;
    }
    std::memcpy(at(relocation.address), &value, sizeof value);
  }
  if (facts_.relro.bytes != 0 && mprotect(at(facts_.relro.address), facts_.relro.bytes, PROT_READ) != 0) {
    return about(path_, fmt::format("cannot be protected: {}", std::strerror(errno)));
  }
  return {};
}

std::string Image::describe(const void* address) const {
  return fmt::format("{}+{:#x}", name_, static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_));
}

std::string Image::function_at(const void* address) const {
  if (!contains(address)) return {};
  const auto wanted = static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - bias_);
  const auto after = std::upper_bound(facts_.functions.begin(), facts_.functions.end(), wanted,
                                      [](std::uint64_t value, const ElfFunction& row) { return value < row.address; });
  if (after == facts_.functions.begin()) return {};
  const ElfFunction& function = *std::prev(after);
  return wanted == function.address ? function.name : fmt::format("{}+{:#x}", function.name, wanted - function.address);
}

}  // namespace dumpsim::loader
