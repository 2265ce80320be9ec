// SPDX-License-Identifier: Apache-2.0
#include "engine/reader_plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dumpsim/reader.h"

namespace dumpsim::engine {
namespace {

using Entry = decltype(&dumpsim_reader_v1);
constexpr const char* entry_name = "dumpsim_reader_v1";
/// Neither a sector's content nor a guard's: what was not written shows.
constexpr std::byte untouched{0xA7};
constexpr std::size_t guard_bytes = 4096;

/// The disk as the reader's `read` reaches it.
int read_disk(void* context, std::uint64_t disk_offset, void* into, std::uint64_t length) {
  auto& disk = *static_cast<disk::BlockDevice*>(context);
  const DiskOffset at{disk_offset};
  if (disk::check_transfer(at, length, disk.size(), disk.sector_size()) != disk::IoStatus::ok) return 1;
  return disk.read(at, {static_cast<std::byte*>(into), length}) == disk::IoStatus::ok ? 0 : 2;
}

bool is_untouched(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == untouched; });
}

/// The child's side: one library, asked for one stretch of the partition after the other.
class Reader {
 public:
  Reader(Entry entry, disk::BlockDevice& disk, DiskOffset partition_start, std::uint64_t partition_size,
         SharedTexts& shared)
      : entry_(entry), shared_(shared), buffer_(guard_bytes + most_piece_bytes + guard_bytes) {
    disk_.size = sizeof disk_;
    disk_.sector_size = disk.sector_size();
    disk_.disk_size = disk.size();
    disk_.partition_start = partition_start.bytes;
    disk_.partition_length = partition_size;
    disk_.context = &disk;
    disk_.read = read_disk;
  }

  /// REQUIRES: whole sectors, at most most_piece_bytes.
  std::string read(PartitionOffset at, std::span<std::byte> into) {
    const std::string asked = fmt::format("asked for {} bytes at partition offset {:#x}", into.size(), at.bytes);
    write_text(shared_.evidence, asked);
    std::fill(buffer_.begin(), buffer_.end(), untouched);
    std::array<char, 256> message{};
    dumpsim_reader_disk shown = disk_;  // a reader that writes to it harms its own call
    shown.message = message.data();
    shown.message_size = message.size();
    std::byte* data = buffer_.data() + guard_bytes;
    const std::int64_t got = entry_(&shown, at.bytes, data, into.size());
    shared_.totals.ordinal.fetch_add(1, std::memory_order_release);
    const std::span<const std::byte> all(buffer_);
    if (!is_untouched(all.first(guard_bytes)) || !is_untouched(all.subspan(guard_bytes + into.size()))) {
      return fmt::format("{}, it wrote outside the buffer it was given", asked);
    }
    if (got < 0) {
      const std::string why(message.data(), strnlen(message.data(), message.size()));
      return fmt::format("{}, it returned {}{}{}", asked, got, why.empty() ? "" : ": ", why);
    }
    if (static_cast<std::uint64_t>(got) != into.size()) {
      return fmt::format("{}, it returned {}: a reader gives all of them or a negative number", asked, got);
    }
    // It says that it wrote all of them. A whole sector of the pattern is no plaintext.
    const std::size_t sector = disk_.sector_size;
    for (std::size_t done = 0; done < into.size(); done += sector) {
      if (!is_untouched(all.subspan(guard_bytes + done, std::min(sector, into.size() - done)))) continue;
      return fmt::format("{}, it returned {} and left the bytes from {} on untouched", asked, got, done);
    }
    std::copy_n(data, into.size(), into.begin());
    return {};
  }

 private:
  Entry entry_;
  SharedTexts& shared_;
  dumpsim_reader_disk disk_{};
  std::vector<std::byte> buffer_;
};

/// A version of the interface that this library was built for, when it is not ours.
std::optional<int> other_version(void* library) {
  for (int version = 2; version < 10; ++version) {
    if (dlsym(library, fmt::format("dumpsim_reader_v{}", version).c_str()) != nullptr) return version;
  }
  return std::nullopt;
}

/// A handler of the host's, of the program around it or of a sanitizer would take the reader's fault for its own: it
/// could end the process as it likes, or go on.
void die_of_faults() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT}) std::signal(signal, SIG_DFL);
}

std::string read_all(const std::filesystem::path& path, disk::BlockDevice& disk, DiskOffset partition_start,
                     std::uint64_t partition_size, const disk::ExtentMap& file, SharedTexts& shared, const File& into) {
  // From here on code of the library's may run: a death is its own.
  die_of_faults();
  write_text(shared.evidence, "while it was loaded");
  shared.totals.ordinal.store(1, std::memory_order_relaxed);
  shared.totals.running.store(1, std::memory_order_release);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fmt::format("it cannot be loaded: {}", dlerror());
  void* found = dlsym(library, entry_name);
  if (found == nullptr) {
    if (const auto version = other_version(library)) {
      return fmt::format("it was built for version {} of the interface, this program knows version 1", *version);
    }
    return fmt::format("it has no function {}: see include/dumpsim/reader.h", entry_name);
  }
  Reader reader(reinterpret_cast<Entry>(found), disk, partition_start, partition_size, shared);
  std::vector<std::byte> buffer(most_piece_bytes);
  std::string why = copy_dump(
      file.size(), std::nullopt, "it gives back",
      [&](std::uint64_t at, std::size_t bytes, const TakeBytes& take) {
        std::string failed;
        const bool whole = file.for_each_piece(at, bytes, [&](disk::Extent part, std::uint64_t) {
          const std::span<std::byte> piece = std::span(buffer).first(part.bytes);
          failed = reader.read(part.at, piece);
          if (failed.empty()) take(piece);
          return failed.empty();
        });
        return whole || !failed.empty() ? failed : std::string("the dump file ends too early");
      },
      into, shared.totals);
  shared.totals.running.store(0, std::memory_order_release);
  return why;
}

std::string death_of(const ChildEnd& end, const SharedTexts& shared) {
  const std::string when = read_text(shared.evidence);
  switch (end.how) {
    case ChildEnd::How::stuck:
      return fmt::format("{}, it made no progress and was ended", when);
    case ChildEnd::How::killed:
      return fmt::format("{}, its process died of signal {} ({})", when, end.detail, strsignal(end.detail));
    case ChildEnd::How::exited:
    case ChildEnd::How::finished:
      break;
  }
  return fmt::format("{}, it ended the process with status {}", when, end.detail);
}

}  // namespace

Result<std::filesystem::path> find_reader(const std::string& reader, const std::filesystem::path& folder,
                                          const RunOptions& options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> places{folder};
  if (reader.find('/') == std::string::npos) {
    places.insert(places.end(), options.filter_path.begin(), options.filter_path.end());
  }
  std::string looked;
  for (const fs::path& place : places) {
    for (const std::string& name : {reader, reader + ".so"}) {
      // Absolute, since dlopen looks up a name without a slash elsewhere.
      if (fs::is_regular_file(place / name, ignored)) return fs::absolute(place / name, ignored);
    }
    looked += (looked.empty() ? "" : ", ") + (place.empty() ? std::string(".") : place.lexically_normal().string());
  }
  return Error{fmt::format("there is no reader \"{}\" in {}", reader, looked)};
}

Result<ReadBack> bytes_through_reader(const std::filesystem::path& library, disk::BlockDevice& disk,
                                      DiskOffset partition_start, std::uint64_t partition_size,
                                      const disk::ExtentMap& file, std::uint32_t stuck_seconds,
                                      const std::function<void()>& give_up_shared) {
  auto reading =
      ReadingChild::start(fmt::format("MEMORY.DMP through {}", library.filename().string()), file.size(), PageShelf(),
                          [&](SharedTexts& shared, const File& into) {
                            if (give_up_shared) give_up_shared();
                            return read_all(library, disk, partition_start, partition_size, file, shared, into);
                          });
  if (!reading) return reading.error();
  ReadBack back = reading->finish(stuck_seconds, death_of);
  if (!back.bytes) back.why_not = fmt::format("reader {}: {}", library.filename().string(), back.why_not);
  return back;
}

}  // namespace dumpsim::engine
