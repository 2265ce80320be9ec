// SPDX-License-Identifier: Apache-2.0
// What the next boot finds: the dump read off the disk, raw along the file's extents as smss does it where nothing is
// encrypted, or in a child of its own through something that turns the disk's bytes back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/shared_pages.hpp"
#include "disk/block_device.hpp"
#include "disk/extents.hpp"
#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/next_boot.hpp"
#include "engine/plan.hpp"
#include "engine/sandbox.hpp"
#include "engine/shared_block.hpp"
#include "machine/machine.hpp"
#include "stack/environment.hpp"

namespace dumpsim::engine {

/// The bytes of a file on the disk, for a DumpReader. Borrowed things outlive it; `shift` as in disk::FileView.
std::shared_ptr<const dumpfile::ByteReader> raw_bytes(std::string name, disk::BlockDevice& disk,
                                                      const disk::ExtentMap& file, DiskOffset partition_start,
                                                      std::int64_t shift);

/// Whether the first bytes are a kernel dump's at all: what the next boot looks at before anything else.
bool looks_like_dump(const dumpfile::ByteReader& bytes);

/// The dump as some way of reading gives it back; no bytes and a reason when it does not.
struct ReadBack {
  std::shared_ptr<const dumpfile::ByteReader> bytes;
  std::string why_not;
  bool ended_by_itself = true;  ///< false: something of the child may still run
};

/// Reads `bytes` from `file_offset` of the dump file and shows them to `take` in order. Why it could not, or empty.
using TakeBytes = std::function<void(std::span<const std::byte>)>;
using ReadPiece = std::function<std::string(std::uint64_t file_offset, std::size_t bytes, const TakeBytes& take)>;

/// How much of a dump file is read: as much as the header says the dump needs, which must be one, or so many bytes
/// whatever they are (at most the file's).
using HowMuch = std::optional<std::uint64_t>;

/// Copies the dump, header first, of a file of `file_size` bytes. `giver` ("the filters give back") goes into the
/// message for what is no dump. Why it could not, or empty. Never reads more than most_piece_bytes at once. How much
/// there is stands in totals.bytes_done.
std::string copy_dump(std::uint64_t file_size, HowMuch bytes, std::string_view giver, const ReadPiece& read,
                      const File& into, stack::Totals& totals);
inline constexpr std::size_t most_piece_bytes = std::size_t{64} << 10;

/// A child that reads the dump.
class ReadingChild {
 public:
  /// `work` fills `into` with at most `most` bytes by copy_dump() and returns why it could not, or nothing. `name` is
  /// the bytes'.
  static Result<ReadingChild> start(std::string name, std::uint64_t most, const PageShelf& shelf,
                                    const std::function<std::string(SharedTexts& shared, const File& into)>& work);
  /// Puts into words what the child says of its own death.
  using Death = std::function<std::string(const ChildEnd& end, const SharedTexts& shared)>;
  /// What there is once the child says that it is done. What is made of that counts if ended_badly() has nothing to
  /// say: the system takes the child down meanwhile. Once.
  ReadBack read(std::uint32_t stuck_seconds, const Death& death);
  /// After read(): waits for the end, and gives another answer if it was no end of a child that is done. Once.
  std::optional<ReadBack> ended_badly(std::uint32_t stuck_seconds, const Death& death);
  /// Both.
  ReadBack finish(std::uint32_t stuck_seconds, const Death& death);

 private:
  ReadingChild(std::string name, SharedBlock shared, SharedPages into, Signal done)
      : name_(std::move(name)), shared_(std::move(shared)), into_(std::move(into)), done_(std::move(done)) {}
  std::string name_;
  SharedBlock shared_;
  SharedPages into_;
  Signal done_;
  std::optional<ChildEnd> end_;  // when there was one before read() returned
  Child child_;                  // ends before what it writes to
};

/// Reads through a fresh instance of the filters, as DumpRead gives it back, in a machine that has just booted. With
/// `crash_over` the machine may boot while another still crashes: the disk is there for it once that signal is given.
Result<ReadingChild> read_through_filters(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                          const PageShelf& shelf, const Signal* crash_over);
std::string death_through_filters(const ChildEnd& end, const SharedTexts& shared);
/// From its start to its end.
Result<ReadBack> bytes_through_filters(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                       const PageShelf& shelf);

/// Through the volume at a fresh boot, as smss does after a crash: the drivers are loaded and attached, and the file's
/// extents read by IRP_MJ_READ from the top of the volume's device stack.
Result<ReadBack> bytes_through_volume(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                      const PageShelf& shelf);

/// Writes the first `size` bytes to a new file, whole or not at all.
Result<void> copy_out(const dumpfile::ByteReader& bytes, std::uint64_t size, const std::filesystem::path& to,
                      bool replace);

}  // namespace dumpsim::engine
