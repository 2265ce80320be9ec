// SPDX-License-Identifier: Apache-2.0
// An image's file, read and checked once for any number of loads: by the parent, before it forks, so that children
// neither read nor parse. Nothing of it is mapped or run here.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "loader/image.hpp"

namespace dumpsim::loader {

struct ElfTemplate;

class ImageFile {
 public:
  /// Fails naming the file when it is missing or too large. What is in it is judged by load().
  static Result<std::shared_ptr<ImageFile>> read(const std::filesystem::path& path);
  ~ImageFile();
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;

  /// As Image::load.
  Result<std::unique_ptr<Image>> load(const ExportTable& exports, LoadOptions options);
  /// Makes the private copy of the next load as `instance` ahead of time, once; a later load makes its own again. No
  /// more than an advance: what goes wrong here goes wrong, and is told, in load().
  void prepare(const std::string& instance);
  /// Whether the file still holds these bytes. `scratch` is room to read them into, for whoever asks often.
  bool is_current(std::vector<std::byte>& scratch) const;

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  ImageFile(std::filesystem::path path, std::vector<std::byte> bytes);
  bool is_windows() const;
  /// Fails with the path in the message.
  Result<std::shared_ptr<const ElfTemplate>> elf();

  std::filesystem::path path_;
  std::vector<std::byte> bytes_;
  std::shared_ptr<const ElfTemplate> elf_;
  std::vector<std::pair<std::string, File>> copies_;
};

/// Images read ahead by a process that runs many scenarios. In one Use after the other, Image::load() in this process
/// and in its children takes what was read in that Use from here.
class ReadAhead {
 public:
  /// One at a time in a process.
  class Use {
   public:
    explicit Use(ReadAhead& ahead);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  /// Reads the file, unless it is kept and still the same, and has a copy ready for the first load as `instance`. What
  /// cannot be read is left for load() to find, and tell.
  void read(const std::filesystem::path& path, const std::string& instance);
  /// What Image::load() finds in this process now; nullptr when it has to read for itself.
  static ImageFile* find(const std::filesystem::path& path);

 private:
  struct Kept {
    std::shared_ptr<ImageFile> file;
    bool current = false;  // read, or compared with the file, in the present Use
  };
  std::vector<Kept> images_;  // latest use last
  std::vector<std::byte> scratch_;
};

}  // namespace dumpsim::loader
