// SPDX-License-Identifier: Apache-2.0
// The two ordinary sources of outside bytes: a file and a block of memory.
#include "dumpfile/byte_reader.hpp"

#include <cassert>
#include <cstring>
#include <utility>

#include "base/file.hpp"

namespace dumpsim::dumpfile {
namespace {

class FileBytes final : public ByteReader {
 public:
  FileBytes(File file, std::uint64_t size) : file_(std::move(file)), size_(size), name_(file_.path().string()) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    return file_.read_at(offset, into);
  }
  const std::string& name() const override { return name_; }

 private:
  File file_;
  std::uint64_t size_;
  std::string name_;
};

class MemoryBytes final : public ByteReader {
 public:
  MemoryBytes(std::string name, std::vector<std::byte> bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    assert(offset <= bytes_.size() && into.size() <= bytes_.size() - offset);
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return {};
  }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
  std::vector<std::byte> bytes_;
};

}  // namespace

Result<std::shared_ptr<const ByteReader>> file_bytes(const std::filesystem::path& path) {
  Result<File> file = File::open(path, File::Mode::read);
  if (!file) return std::move(file).error();
  Result<std::uint64_t> size = file->size();
  if (!size) return std::move(size).error();
  return std::shared_ptr<const ByteReader>(std::make_shared<FileBytes>(*std::move(file), *size));
}

std::shared_ptr<const ByteReader> memory_bytes(std::string name, std::vector<std::byte> bytes) {
  return std::make_shared<MemoryBytes>(std::move(name), std::move(bytes));
}

}  // namespace dumpsim::dumpfile
