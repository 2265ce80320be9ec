// SPDX-License-Identifier: Apache-2.0
// Embed the simulator, or unit-test a dump filter: build a machine, add filters, crash it or drive single callbacks,
// look at what happened. Small on purpose and free of internals: strings and numbers in, strings and numbers out, so
// that a filter's test does not break when the simulator moves its walls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::api {

/// A mistake in how the simulator was asked (a missing image, an unknown profile): the message a user of the command
/// line would get. What a filter does wrong is never an exception but part of the result.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct MachineOptions {
  std::string profile = "windows-11";
  std::uint64_t memory = std::uint64_t{1} << 20;  ///< bytes of RAM, a multiple of 4096
  std::string fill = "canary";                    ///< "canary", "zeros", "random"
  std::uint64_t seed = 1;
  std::uint64_t partition_offset = std::uint64_t{1} << 20;  ///< bytes from the start of the disk
  std::uint32_t sector_size = 512;                          ///< 512 or 4096
  std::uint32_t fragments = 1;                              ///< of the dump file
  std::string dump_kind = "complete";                       ///< "complete", "kernel", "automatic", "active"
};

/// One rule that a filter broke, in one callback.
struct Violation {
  std::string rule;      ///< "write.buffer-modified"
  std::string severity;  ///< "error", "warning", "information"
  std::string filter;    ///< "dump_xor"
  std::string detail;    ///< of the first time
  std::string callback;  ///< "DumpWrite"
  std::uint64_t count = 0;
  std::string hint;  ///< what to do instead, a sentence
};

/// One call of a filter's callback or a driver's routine, in order.
struct Call {
  std::string filter;    ///< "dump_xor"; a driver's bare name
  std::string callback;  ///< "DumpWrite"
  std::int32_t status = 0;
  std::uint64_t count = 1;  ///< equal calls in a row are one entry
};

/// The disk as a run left it, without any filter in between. What was never written is zeros.
class Disk {
 public:
  /// In bytes; 0 when Machine::keep_disk() was not asked for.
  std::uint64_t size() const { return size_; }
  /// Where the partition begins: what DiskByteOffset is relative to.
  std::uint64_t partition_offset() const { return partition_offset_; }
  /// Bytes from `disk_offset` on. Throws UsageError when the disk was not kept, or ends before.
  [[nodiscard]] std::vector<std::byte> read(std::uint64_t disk_offset, std::size_t bytes) const;
  /// Where `bytes` (a key, say) first lie on the disk, at any alignment. Throws UsageError when the disk was not kept,
  /// or when there is nothing to look for.
  [[nodiscard]] std::optional<std::uint64_t> find(std::span<const std::byte> bytes) const;

 private:
  friend class Machine;
  std::uint64_t size_ = 0;
  std::uint64_t partition_offset_ = 0;
  std::map<std::uint64_t, std::vector<std::byte>> written_;  // by disk offset, apart
};

/// What a whole run came to. In the body of a TEST() its name is dumpsim::api::Run, in full: `Run` alone is a function
/// of testing::Test there, whatever was said with `using`.
struct Run {
  std::string outcome;    ///< "completed", "bugchecked", "crashed", "hung", "exited", "stack-not-loaded", "dump-failed"
  std::string recovered;  ///< "identical", "different", "unreadable", "not-tried"
  std::uint64_t readable_sectors = 0;  ///< sectors of memory found in clear on the disk (canary memory only)
  /// Whether they were counted at all: false for memory of zeros or random bytes, where 0 says nothing.
  bool readable_sectors_counted = false;
  /// The first of them: "disk offset 0x120000 holds sector 0 of pfn 0x12".
  std::vector<std::string> readable_examples;
  std::uint64_t writes = 0;      ///< physical writes the port made
  std::uint64_t redirected = 0;  ///< of them: where a filter sent them
  std::vector<Call> calls;
  std::vector<Violation> violations;
  /// Of the dump file through the drivers on the volume: "identical", "different", "unreadable"; "not-tried" unless
  /// Machine::compare_volume_path() asked for it.
  std::string volume_path;
  std::string volume_path_detail;     ///< where it first differs, and who is right; or how much was compared
  std::vector<std::string> disabled;  ///< filters that were disabled
  std::vector<std::string> debug_output;
  std::string trace;             ///< canonical text
  std::string outcome_detail;    ///< who, where, why; empty when completed
  std::string evidence;          ///< registers and a backtrace; empty without a fault
  std::string recovered_detail;  ///< "1,024 pages, through the filters"; or what is different
  Disk disk;                     ///< empty unless Machine::keep_disk() asked for it
};

/// What one driven DumpWrite or DumpRead did, as the port below saw it.
struct Transfer {
  /// It went its way to the end: a write past the filters to the port, a read from the port past the filters. False
  /// when a filter has ended the stack (Stack::ended()), before or now, and for a read that the port failed, of which
  /// no filter was asked. Then there is nothing to judge: both statuses are failures, there is no data, and the
  /// matchers about what changed fail.
  bool reached = false;
  std::int32_t status = 0;       ///< of the (last) filter's callback
  std::int32_t port_status = 0;  ///< of the port: a failure for what lies outside the disk, whatever the filters said
  std::uint64_t offset = 0;      ///< partition-relative, as the filters left it
  /// Write: what reached the port, which has written it unless port_status is a failure. Read: what the caller got.
  std::vector<std::byte> data;
  bool source_untouched = true;      ///< write: the original pages still hold what they held
  std::vector<std::string> changed;  ///< "PFNs", "MappedSystemVa", "DiskByteOffset", …
};

class Stack;

/// A machine with its filters and drivers. Values are set before run() or load(); each of those starts from the same
/// pristine machine. A value that is wrong by itself is refused where it is set; what only the whole shows (a dump file
/// that does not fit the partition, a dump kind that this Windows does not have, a file that is no image) is a
/// UsageError of run() and load().
class Machine {
 public:
  explicit Machine(MachineOptions options = {});
  ~Machine();
  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) noexcept;

  /// Adds a filter at the end of DumpFilters: a path to its shared library. Throws UsageError when there is none, or no
  /// room: 64 images, of which a filter takes two (dump_ and hiber_) and a driver one.
  Machine& add_filter(const std::string& image);
  /// Adds an ordinary driver, loaded before the dump stack ("boot") or after it ("system"); it may be the same file as
  /// a filter, as a copy of its own. `attach_to_volume`: its AddDevice is called for the dump volume. Throws UsageError
  /// when there is no such file, or a driver of that name was added already.
  Machine& add_driver(const std::string& image, const std::string& start = "boot", bool attach_to_volume = false);
  /// Services\NAME\Parameters of the filter or driver added last: REG_DWORD, REG_SZ, REG_BINARY.
  Machine& parameter(const std::string& name, std::uint32_t value);
  Machine& parameter(const std::string& name, const std::string& value);
  Machine& parameter(const std::string& name, std::span<const std::byte> value);
  /// A policy by the name it has under [policy] in a scenario: `policy("read_order", "list")`.
  Machine& policy(const std::string& name, const std::string& value);
  /// Says that the filter added last moves offsets on purpose, so that it is not reported.
  Machine& redirects();
  /// Has run() read the dump through the drivers on the volume, sector by sector beside DumpRead and memory: does the
  /// volume driver read back what the dump filter wrote?
  Machine& compare_volume_path();
  /// How a rule is taken, as under [rules] in a scenario: "off", "information", "warning", "error". Throws UsageError
  /// when there is no such rule or word.
  Machine& severity(const std::string& rule, const std::string& severity);
  /// What run() goes through, in the words of a scenario's `timeline`: {"boot", "hibernate", "resume"}. Unless set:
  /// boot, crash, next-boot. Throws UsageError for a life that Windows does not allow.
  Machine& timeline(const std::vector<std::string>& steps);
  /// Has run() hand over the disk, in Run::disk.
  Machine& keep_disk();

  /// Boot, crash, next boot, in a forked child: whatever the filter does, the caller stands. One at a time in a
  /// process, and none while a Stack is there: UsageError. The process keeps memory for the next run, about what the
  /// largest took; the result does not depend on it.
  [[nodiscard]] Run run() const;
  /// Loads a dump stack in this process (DriverEntry of every filter) for single steps under a debugger or in a test:
  /// the "crash" stack (instances dump_NAME) or that of "hibernation" (hiber_NAME). Throws UsageError for other words,
  /// and while another Stack is there: `stack = machine.load()` loads before it destroys the old one.
  [[nodiscard]] Stack load(const std::string& stack = "crash") const;

 private:
  friend class Stack;
  struct State;
  std::unique_ptr<State> state_;
};

/// A loaded dump stack in this process. Steps may come in any order, legal or not; a bugcheck or fault in a filter ends
/// that step and shows as `ended()`. One Stack at a time per process: destroy it before the next load() or run().
/// Destroying it gives its memory back and calls no filter: DumpUnload is called by unload() alone.
class Stack {
 public:
  ~Stack();
  Stack(Stack&&) noexcept;
  Stack& operator=(Stack&&) noexcept;

  /// Status of DriverEntry of the filter at `index` in DumpFilters order.
  [[nodiscard]] std::int32_t entry_status(std::size_t index = 0) const;
  /// DumpStart of every filter; the last filter's status. STATUS_UNSUCCESSFUL when a filter has ended the stack, before
  /// or in this call.
  std::int32_t start();
  /// One physical write through the filters to a memory disk: `data` is whole sectors, at most MaxPagesPerWrite pages
  /// of bytes, at an offset of whole sectors; `byte_offset` is the MDL's ByteOffset, within a page. Throws UsageError
  /// for anything else, which no Windows asks of a filter [assumed]. An offset behind the partition is taken: the port
  /// refuses it.
  Transfer write(std::uint64_t partition_offset, std::span<const std::byte> data, std::uint32_t byte_offset = 0);
  /// Reads back through the port and the filters' DumpRead: whole sectors as in write(), and UsageError for others.
  Transfer read(std::uint64_t partition_offset, std::size_t bytes);
  /// What lies on the disk there, past all filters. Throws UsageError unless it is whole sectors on the partition.
  [[nodiscard]] std::vector<std::byte> disk(std::uint64_t partition_offset, std::size_t bytes) const;
  /// DumpFinish of every filter; the status as of start().
  std::int32_t finish();
  /// DumpUnload of every filter, with or without a start() before; then what they still hold is reported.
  void unload();
  /// Empty, or how a filter ended the run: "bugchecked", "crashed", "hung".
  [[nodiscard]] std::string ended() const;
  [[nodiscard]] std::vector<Violation> violations() const;
  std::vector<std::string> debug_output() const;
  std::string trace() const;

 private:
  friend class Machine;
  struct State;
  explicit Stack(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Throws UsageError, with the nearest name, when no rule is called that: an expectation about it would be empty.
void require_rule(const std::string& rule);
/// The same for a callback's name: "DumpWrite".
void require_callback(const std::string& callback);
/// The words of Transfer::changed.
std::vector<std::string> changes();
/// "STATUS_UNSUCCESSFUL"; eight hex digits for one without a name.
std::string status_text(std::int32_t status);

/// Short text for people: what a failing test prints. Of a run or a transfer several lines, without its trace and data.
std::string describe(const Violation& violation);
std::string describe(const Call& call);
std::string describe(const Transfer& transfer);
std::string describe(const Run& run);
std::string describe(const Stack& stack);

}  // namespace dumpsim::api
