// SPDX-License-Identifier: Apache-2.0
// The bug check callbacks of one crash: who is called, with what, and what comes back. Nothing that a callback answers
// is believed: a length, an address or a flag that cannot be used is reported and left out, and the dump goes on. Which
// step of the dump calls which reason is crashdmp's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dumpfile/dump_layout.hpp"
#include "kernel/bugcheck_callbacks.hpp"
#include "stack/environment.hpp"

namespace dumpsim::stack {

/// Why the machine crashes, as callbacks are told.
struct CrashCause {
  std::uint32_t code = 0;
  std::array<std::uint64_t, 4> parameters{};
};

/// KBUGCHECK_DUMP_IO_TYPE [doc].
enum class DumpIo : std::uint32_t { header = 1, body = 2, secondary_data = 3, complete = 4 };

/// What KbCallbackTriageDumpData is allowed in all: MaxVirtMemSize. Windows' value is not documented [assumed].
inline constexpr std::uint32_t triage_memory_bytes = 1u << 20;

struct PageChanges {
  std::vector<dumpfile::PageRun> added, removed;  ///< as they were named: in any order, overlaps included
  bool empty() const { return added.empty() && removed.empty(); }
};

class BugcheckCalls {
 public:
  BugcheckCalls(Environment& env, const CrashCause& crash);
  ~BugcheckCalls();
  BugcheckCalls(const BugcheckCalls&) = delete;
  BugcheckCalls& operator=(const BugcheckCalls&) = delete;

  /// Whether anybody registered for it.
  bool wants(kernel::BugcheckReason reason) const;

  /// KbCallbackAddPages, then KbCallbackRemovePages; each routine as often as it asks for, up to a bound. Only pages
  /// that this machine has come back.
  PageChanges pages(const dumpfile::PageSet& planned);
  /// KbCallbackTriageDumpData: each routine names memory that a small dump should hold; recorded, since none is
  /// written.
  void triage_data();
  /// KbCallbackSecondaryDumpData and its multi-part form: each routine's size, then its data. `room` is what the dump
  /// file has behind the pages; together they stay within that and within what Windows reserves.
  std::vector<dumpfile::SecondaryBlob> secondary_data(std::uint64_t room, std::uint32_t dump_type);
  /// KbCallbackDumpIo: `bytes` go to `file_offset` of the dump next.
  void dump_io(DumpIo type, std::uint64_t file_offset, std::span<const std::byte> bytes);
  /// The routines of KeRegisterBugCheckCallback.
  void bugcheck_callbacks();

 private:
  struct Blobs;
  void walk(kernel::BugcheckReason reason, auto&& visit);
  bool call(const kernel::BugcheckRegistration& to, trace::Callback callback, const machine::Arguments& arguments,
            std::uint32_t length = 0, std::uint64_t offset = 0);
  bool call_reason(const kernel::BugcheckRegistration& to, trace::Callback callback, void* data, std::size_t bytes,
                   std::uint32_t length = 0, std::uint64_t offset = 0);
  void refuse(const kernel::BugcheckRegistration& to, trace::Callback callback, std::string_view why);
  void change_pages(kernel::BugcheckReason reason, trace::Callback callback, std::vector<dumpfile::PageRun>& into);
  std::vector<dumpfile::PageRun> pages_named(const kernel::BugcheckRegistration& to, trace::Callback callback,
                                             std::uint32_t flags, std::uint64_t address, std::uint64_t count);
  template <class Data>
  bool take_data(const kernel::BugcheckRegistration& to, trace::Callback callback, Data& data, bool query,
                 Blobs& blobs);
  void take_blob(const kernel::BugcheckRegistration& to, trace::Callback callback, const std::byte* from,
                 std::uint32_t bytes, std::uint32_t most, const std::array<std::byte, 16>& guid, Blobs& blobs);
  std::byte* frame();
  bool is_readable(const void* from, std::uint64_t bytes) const;

  Environment& env_;
  CrashCause crash_;
  std::byte* frame_ = nullptr;          // a page for the structure a routine is given, and one for its small buffer
  std::vector<const void*> abandoned_;  // records whose routine failed
  bool list_end_told_ = false;
};

/// After a driver stopped the machine outside of a dump: the routines of KeRegisterBugCheckCallback, as for any crash.
/// What ended the run stays what ended it.
void call_bugcheck_callbacks_after_stop(Environment& env);

}  // namespace dumpsim::stack
