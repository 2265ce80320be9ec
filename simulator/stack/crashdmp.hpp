// SPDX-License-Identifier: Apache-2.0
// The order in which Windows takes the steps: what a crash writes to the dump file, what a hibernation writes and a
// resume reads back. Above the filters, crashdmp turns ranges of a file into physical writes: it splits at extents and
// at MaxPagesPerWrite, so that each physical piece is what a filter sees [assumed from the partition-relative offset,
// crashdmp.md 4.2].
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "dumpfile/dump_layout.hpp"
#include "stack/bugcheck_calls.hpp"
#include "stack/dump_stack.hpp"

namespace dumpsim::stack {

/// Writes a file on the volume through a dump stack, piece by piece.
class FileWriter {
 public:
  FileWriter(Environment& env, DumpStack& stack, const disk::ExtentMap& extents);
  /// Host-made bytes (a header, a bitmap), shown to the filters read-only. False when a write failed or a filter ended
  /// it.
  bool write(std::uint64_t file_offset, std::span<const std::byte> bytes);
  /// RAM, in place.
  bool write_ram(std::uint64_t file_offset, Pfn first, std::uint64_t pages);
  /// RAM to a place on the partition, inside the file or not.
  bool write_ram_at_partition(PartitionOffset at, Pfn first, std::uint64_t pages);
  /// From here on dump I/O callbacks are told of each write to the file, as one of `type`. nullptr: nobody is.
  void announce_to(BugcheckCalls* calls, DumpIo type);

 private:
  template <class Show>
  bool pieces(std::uint64_t file_offset, std::uint64_t length, Show&& show);
  bool after(const TransferResult& result, std::uint64_t bytes);

  Environment& env_;
  DumpStack& stack_;
  const disk::ExtentMap& extents_;
  bool abort_on_failure_;
  BugcheckCalls* calls_ = nullptr;
  DumpIo type_{};
};

/// Reads a file on the volume through a dump stack into fresh pages of simulated memory.
class FileReader {
 public:
  using Take = std::function<void(std::span<const std::byte> piece)>;
  FileReader(Environment& env, DumpStack& stack, const disk::ExtentMap& extents);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  /// False when the range is not in the file, the port failed or a filter ended the run.
  bool read(std::uint64_t file_offset, std::span<std::byte> into);
  /// The same without a copy: shows the bytes to `take` in order, piece by piece where the port left them.
  bool show(std::uint64_t file_offset, std::uint64_t bytes, const Take& take);
  /// As read() at a place on the partition, whatever file that is.
  bool read_at_partition(PartitionOffset at, std::span<std::byte> into);

 private:
  bool show_at_partition(PartitionOffset at, std::uint64_t bytes, const Take& take);
  Environment& env_;
  DumpStack& stack_;
  const disk::ExtentMap& extents_;
  std::byte* pages_;
};

struct CrashFiles {
  const disk::ExtentMap* dump = nullptr;
  const disk::ExtentMap* log = nullptr;  ///< C:\DumpStack.log.tmp
};

/// Everything from the bugcheck to the last of the dump: Start and port, header, bitmap, pages, secondary data, header
/// made valid, Finish, the dump log; and in between the bug check reason callbacks. `layout` is the dump as planned:
/// callbacks may add to it and take away. totals.dump tells how it went; DumpUnload is not called [doc]. The routines
/// of KeRegisterBugCheckCallback come after it [doc]: calls.bugcheck_callbacks().
void write_crash_dump(Environment& env, DumpStack& stack, const dumpfile::DumpLayout& layout, const CrashFiles& files,
                      BugcheckCalls& calls);

/// Writes a hibernation image through the hibernation stack: a header page not yet valid, the pages as they are, the
/// header made valid. The real image is compressed; what matters here is what the filters see [assumed]. False when it
/// failed.
bool write_hibernation(Environment& env, DumpStack& stack, const disk::ExtentMap& file,
                       std::span<const dumpfile::PageRun> pages);

/// Reads the image back through the stack's read callbacks and compares it with memory; counts in totals.resumed_*.
void read_hibernation(Environment& env, DumpStack& stack, const disk::ExtentMap& file,
                      std::span<const dumpfile::PageRun> pages);

}  // namespace dumpsim::stack
