// SPDX-License-Identifier: Apache-2.0
#include "loader/image_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>

#include "loader/elf_image.hpp"
#include "loader/pe_image.hpp"

namespace dumpsim::loader {
namespace {

constexpr std::uint64_t file_limit = std::uint64_t{256} << 20;

Result<void> read_file(const std::filesystem::path& path, std::vector<std::byte>& bytes) {
  Result<File> file = File::open(path, File::Mode::read);
  if (!file) return Error{fmt::format("image {}", file.error().message)};
  const Result<std::uint64_t> size = file->size();
  if (!size) return about_image(path, size.error().message);
  if (*size > file_limit) {
    return about_image(path, fmt::format("{} bytes, expected at most {} MiB", *size, file_limit >> 20));
  }
  bytes.resize(static_cast<std::size_t>(*size));
  if (Result<void> done = file->read_at(0, bytes); !done) return about_image(path, done.error().message);
  return {};
}

/// Enough for a battery of scenarios over a handful of filters; the files of a build directory are not hoarded.
constexpr std::size_t images_kept = 16;

ReadAhead* in_use = nullptr;

}  // namespace

ImageFile::ImageFile(std::filesystem::path path, std::vector<std::byte> bytes)
    : path_(std::move(path)), bytes_(std::move(bytes)) {}
ImageFile::~ImageFile() = default;

Result<std::shared_ptr<ImageFile>> ImageFile::read(const std::filesystem::path& path) {
  std::vector<std::byte> bytes;
  if (Result<void> done = read_file(path, bytes); !done) return done.error();
  return std::shared_ptr<ImageFile>(new ImageFile(path, std::move(bytes)));
}

bool ImageFile::is_current(std::vector<std::byte>& scratch) const {
  return read_file(path_, scratch) && scratch.size() == bytes_.size() &&
         std::memcmp(scratch.data(), bytes_.data(), bytes_.size()) == 0;
}

bool ImageFile::is_windows() const {
  return bytes_.size() >= 2 && std::memcmp(bytes_.data(), "MZ", 2) == 0;
}

Result<std::shared_ptr<const ElfTemplate>> ImageFile::elf() {
  if (elf_) return elf_;
  Result<ElfTemplate> made = ElfTemplate::of(bytes_);
  if (!made) return about_image(path_, made.error().message);
  elf_ = std::make_shared<const ElfTemplate>(*std::move(made));
  return elf_;
}

void ImageFile::prepare(const std::string& instance) {
  if (is_windows() || std::ranges::any_of(copies_, [&](const auto& copy) { return copy.first == instance; })) return;
  const auto image = elf();
  if (!image) return;
  if (Result<File> copy = ElfImage::copy_of(**image, instance)) copies_.emplace_back(instance, *std::move(copy));
}

Result<std::unique_ptr<Image>> ImageFile::load(const ExportTable& exports, LoadOptions options) {
  if (is_windows()) return PeImage::load(path_, bytes_, exports, options);
  auto image = elf();
  if (!image) return image.error();
  // Taken out: the system's loader would take a second mapping of the same file for the first.
  std::optional<File> copy;
  const auto ready = std::ranges::find(copies_, options.instance, &std::pair<std::string, File>::first);
  if (ready != copies_.end()) {
    copy = std::move(ready->second);
    copies_.erase(ready);
  }
  return ElfImage::load(path_, *std::move(image), std::move(copy), exports, std::move(options));
}

ReadAhead::Use::Use(ReadAhead& ahead) {
  assert(in_use == nullptr);
  for (Kept& kept : ahead.images_) kept.current = false;
  in_use = &ahead;
}

ReadAhead::Use::~Use() {
  in_use = nullptr;
}

void ReadAhead::read(const std::filesystem::path& path, const std::string& instance) {
  auto kept = std::ranges::find_if(images_, [&](const Kept& one) { return one.file->path() == path; });
  Kept image;
  if (kept != images_.end()) {
    if (kept->current || kept->file->is_current(scratch_)) image = *kept;
    images_.erase(kept);
  }
  if (!image.file) {
    auto read = ImageFile::read(path);
    if (!read) return;
    image.file = *std::move(read);
  }
  image.current = true;
  image.file->prepare(instance);
  if (images_.size() == images_kept) images_.erase(images_.begin());
  images_.push_back(std::move(image));
}

ImageFile* ReadAhead::find(const std::filesystem::path& path) {
  if (in_use == nullptr) return nullptr;
  for (const Kept& kept : in_use->images_) {
    if (kept.current && kept.file->path() == path) return kept.file.get();
  }
  return nullptr;
}

Result<std::unique_ptr<Image>> Image::load(const std::filesystem::path& path, const ExportTable& exports,
                                           LoadOptions options) {
  if (ImageFile* const ahead = ReadAhead::find(path)) return ahead->load(exports, std::move(options));
  auto file = ImageFile::read(path);
  if (!file) return file.error();
  return (*file)->load(exports, std::move(options));
}

}  // namespace dumpsim::loader
