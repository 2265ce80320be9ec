// SPDX-License-Identifier: Apache-2.0
#include "stack/bugcheck_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include "base/guid.hpp"

#include "kernel/kernel.hpp"
#include "stack/dump_witness.hpp"
#include "stack/invoke.hpp"
#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

using kernel::BugcheckReason;
using kernel::BugcheckRegistration;
using policy::Policy;
using trace::Callback;
using trace::Kind;
using trace::Rule;

// A routine that asks to be called once more is, up to here; Windows' own bound, if any, is not known.
constexpr std::uint32_t call_limit = 16384;
// Pages in one answer that are looked at one by one: 4 GiB. RAM named by physical address has no bound but itself.
constexpr std::uint64_t page_limit = std::uint64_t{1} << 20;
// InBuffer is "a small buffer for the routine's use" [doc]; a page is [assumed].
constexpr std::uint32_t small_buffer_bytes = page_size;
// What a reader takes; Windows' bound is in bytes.
constexpr std::size_t blob_limit = 4096;
// A blob's header in the file, and that of the section [seen: real dumps].
constexpr std::uint64_t blob_header_bytes = 0x20, section_header_bytes = 0x10;

static_assert(sizeof(KBUGCHECK_ADD_PAGES) == sizeof(KBUGCHECK_REMOVE_PAGES) &&
              KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS == KB_REMOVE_PAGES_FLAG_VIRTUAL_ADDRESS &&
              KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS == KB_REMOVE_PAGES_FLAG_PHYSICAL_ADDRESS &&
              KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST == KB_REMOVE_PAGES_FLAG_ADDITIONAL_RANGES_EXIST);

template <class T>
std::uint64_t argument(T* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

std::array<std::byte, 16> bytes_of(const GUID& guid) {
  std::array<std::byte, 16> bytes{};
  static_assert(sizeof guid == sizeof bytes);
  std::memcpy(bytes.data(), &guid, sizeof guid);
  return bytes;
}

void append(std::vector<dumpfile::PageRun>& runs, Pfn base, std::uint64_t pages) {
  if (!runs.empty() && runs.back().base + runs.back().pages == base) {
    runs.back().pages += pages;
  } else {
    runs.push_back({base, pages});
  }
}

}  // namespace

/// What has been given so far.
struct BugcheckCalls::Blobs {
  std::vector<dumpfile::SecondaryBlob> given;
  std::uint64_t room = 0;   ///< bytes of the file for the whole section
  std::uint64_t used = 0;   ///< of them
  std::uint64_t bytes = 0;  ///< of data, against what Windows reserves

  /// Data that one more block may have.
  std::uint32_t most() const {
    const std::uint64_t behind = room > used + blob_header_bytes ? room - used - blob_header_bytes : 0;
    const std::uint64_t budget = std::min(behind, dumpfile::secondary_limit - bytes);
    return static_cast<std::uint32_t>(given.size() < blob_limit ? budget / 8 * 8 : 0);
  }
};

BugcheckCalls::BugcheckCalls(Environment& env, const CrashCause& crash) : env_(env), crash_(crash) {}

BugcheckCalls::~BugcheckCalls() {
  if (frame_ != nullptr) env_.machine.memory.free_pages(frame_, 2, true);
}

bool BugcheckCalls::wants(BugcheckReason reason) const {
  const auto all = env_.kernel->bugcheck_callbacks().all();
  return std::any_of(all.begin(), all.end(), [reason](const auto& each) { return each.reason == reason; });
}

std::byte* BugcheckCalls::frame() {
  if (frame_ == nullptr) frame_ = env_.machine.memory.allocate_pages(2, true);
  assert(frame_ != nullptr);
  return frame_;
}

/// Visits the intact registrations of one reason in the order of policy bugcheck-callback-order. The routines of
/// KeRegisterBugCheckCallback and all the reasons are one list each; a record that went with its image ends the walk
/// [assumed], because the way on lies in it.
void BugcheckCalls::walk(BugcheckReason reason, auto&& visit) {
  const auto span = env_.kernel->bugcheck_callbacks().all();
  std::vector<BugcheckRegistration> list;  // a copy: a routine may deregister itself
  for (const BugcheckRegistration& each : span) {
    if ((each.reason == BugcheckReason::none) == (reason == BugcheckReason::none)) list.push_back(each);
  }
  if (env_.policies.is(Policy::bugcheck_callback_order, "reverse")) std::reverse(list.begin(), list.end());
  for (auto each = list.begin(); each != list.end(); ++each) {
    if (env_.totals.ended != Ended::no) return;
    if (each->gone) {
      const auto behind = std::distance(each, list.end()) - 1;
      if (!std::exchange(list_end_told_, true) && behind != 0) {
        report(env_, Rule::bugcheck_record_left_behind, each->image, Callback::none,
               fmt::format("the crash walks into a record that is no longer there: {} bug check callback{} behind it "
                           "{} not called",
                           behind, behind == 1 ? "" : "s", behind == 1 ? "is" : "are"));
      }
      return;
    }
    if (each->reason != reason || std::find(abandoned_.begin(), abandoned_.end(), each->record) != abandoned_.end()) {
      continue;
    }
    if (!env_.kernel->record_intact(*each)) {
      abandoned_.push_back(each->record);
      report(env_, Rule::bugcheck_record_damaged, each->image, Callback::none,
             fmt::format("at the crash the record at {} is not what was registered; it is not called",
                         env_.kernel->words(each->record, kernel::Words::canonical)));
      continue;
    }
    visit(*each);
  }
  env_.machine.processor.irql = machine::passive_level;
}

bool BugcheckCalls::call(const BugcheckRegistration& to, Callback callback, const machine::Arguments& arguments,
                         std::uint32_t length, std::uint64_t offset) {
  const Callee callee{to.image, env_.kernel->convention_of(to.routine), to.routine};
  const Transfer transfer{.length = length, .offset = offset};
  const Invoked call = invoke(env_, callee, callback, machine::high_level, arguments, transfer);
  const bool modified = close_opened(env_);
  if (call.returned) {
    // It returns nothing: whatever is in the register is no status.
    record_left(env_, to.image, callback, machine::high_level, 0, transfer,
                modified ? static_cast<std::uint32_t>(trace::change_buffer) : 0);
    return true;
  }
  env_.totals.rest_on(Policy::bugcheck_callback_failure);
  // One that hangs may hold the host's own locks: nothing can go on after it.
  if (env_.totals.ended != Ended::hung && env_.policies.is(Policy::bugcheck_callback_failure, "skip")) {
    report(env_, Rule::bugcheck_callback_failed, to.image, callback,
           env_.totals.ended == Ended::crashed ? "it faulted; the dump goes on without it"
                                               : "it called KeBugCheckEx; the dump goes on without it");
    env_.totals.ended = Ended::no;
    env_.totals.bugcheck_code = 0;
    env_.totals.running.store(0, std::memory_order_relaxed);
    env_.machine.bugcheck = {};
    abandoned_.push_back(to.record);
  }
  return false;
}

bool BugcheckCalls::call_reason(const BugcheckRegistration& to, Callback callback, void* data, std::size_t bytes,
                                std::uint32_t length, std::uint64_t offset) {
  const std::array<std::uint64_t, 4> arguments{static_cast<std::uint64_t>(to.reason), argument(to.record),
                                               argument(data), bytes};
  return call(to, callback, arguments, length, offset);
}

void BugcheckCalls::refuse(const BugcheckRegistration& to, Callback callback, std::string_view why) {
  report(env_, Rule::bugcheck_answer_refused, to.image, callback, why);
}

// ---- pages ----

std::vector<dumpfile::PageRun> BugcheckCalls::pages_named(const BugcheckRegistration& to, Callback callback,
                                                          std::uint32_t flags, std::uint64_t address,
                                                          std::uint64_t count) {
  machine::PhysicalMemory& memory = env_.machine.memory;
  const bool is_virtual = (flags & KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS) != 0;
  std::vector<dumpfile::PageRun> runs;
  if (is_virtual == ((flags & KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS) != 0)) {
    refuse(to, callback,
           fmt::format("Flags are {:#x}: expected one of the flags for a virtual and a physical address", flags));
    return runs;
  }
  const auto missing = [&](const std::string& where) {
    refuse(
        to, callback,
        fmt::format("there is no page at {}, {} of {} from the one named", where, dumpfile::total_pages(runs), count));
  };
  const std::uint64_t first = address / page_size;
  for (std::uint64_t done = 0, looked_at = 0; done < count; ++looked_at) {
    if (looked_at == page_limit) {
      refuse(to, callback, fmt::format("Count is {}: what is behind the first {} pages is left out", count, done));
      break;
    }
    if (is_virtual) {
      const auto* at = reinterpret_cast<const std::byte*>((first + done) * page_size);
      // Where the host shows what is being dumped, there is nothing of the machine's own.
      if (memory.region_of(at) == machine::PhysicalMemory::Region::window || !memory.is_readable(at)) {
        missing(env_.kernel->words(at, kernel::Words::canonical));
        break;
      }
      append(runs, memory.pfn_of(at), 1);
      ++done;
      continue;
    }
    const Pfn pfn = first + done;
    const auto ram = memory.ram();
    const auto run =
        std::partition_point(ram.begin(), ram.end(), [pfn](const auto& each) { return each.base + each.pages <= pfn; });
    if (run != ram.end() && run->base <= pfn) {
      const std::uint64_t pages = std::min(count - done, run->base + run->pages - pfn);
      append(runs, pfn, pages);
      done += pages;
      continue;
    }
    const std::byte* at = memory.address_of(pfn);
    if (at == nullptr || memory.region_of(at) == machine::PhysicalMemory::Region::window) {
      missing(fmt::format("pfn {:#x}", pfn));
      break;
    }
    append(runs, pfn, 1);
    ++done;
  }
  return runs;
}

void BugcheckCalls::change_pages(BugcheckReason reason, Callback callback, std::vector<dumpfile::PageRun>& into) {
  walk(reason, [&](const BugcheckRegistration& to) {
    // Both reasons have structures of one layout.
    auto* const data = new (frame()) KBUGCHECK_ADD_PAGES{};
    for (std::uint32_t calls = 1;; ++calls) {
      data->Flags = 0;
      data->BugCheckCode = crash_.code;
      data->Address = data->Count = 0;
      if (!call_reason(to, callback, data, sizeof *data)) return;
      const KBUGCHECK_ADD_PAGES answer = *data;
      if (answer.Count != 0) {
        for (const dumpfile::PageRun& run : pages_named(to, callback, answer.Flags, answer.Address, answer.Count)) {
          append(into, run.base, run.pages);
          env_.recorder.emit({.kind = Kind::dump_pages,
                              .callback = callback,
                              .image = to.image,
                              .arg = run.pages,
                              .offset = run.base * page_size});
        }
      }
      if ((answer.Flags & KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST) == 0) return;
      if (calls == call_limit) {
        refuse(to, callback, fmt::format("it asks to be called again after {} calls; it is not", calls));
        return;
      }
    }
  });
}

PageChanges BugcheckCalls::pages(const dumpfile::PageSet& planned) {
  PageChanges changes;
  change_pages(BugcheckReason::add_pages, Callback::add_pages, changes.added);
  if (env_.totals.ended == Ended::no)
    change_pages(BugcheckReason::remove_pages, Callback::remove_pages, changes.removed);
  if (!changes.empty()) {
    // A page that is named twice over counts once: what matters is the dump that comes of it.
    const auto after = planned.changed(changes.added, changes.removed);
    const auto kept = planned.changed({}, changes.removed);
    if (after && kept) {
      env_.totals.pages_added = after->count() - kept->count();
      env_.totals.pages_removed = planned.count() - kept->count();
    }
    if (env_.witness != nullptr) env_.witness->pages_changed(changes.added, changes.removed);
  }
  return changes;
}

// ---- small dumps ----

void BugcheckCalls::triage_data() {
  walk(BugcheckReason::triage_data, [&](const BugcheckRegistration& to) {
    auto* const data = new (frame()) KBUGCHECK_TRIAGE_DUMP_DATA{};
    data->Flags = KB_TRIAGE_DUMP_DATA_FLAG_BUGCHECK_ACTIVE;
    data->MaxVirtMemSize = triage_memory_bytes;
    data->BugCheckCode = crash_.code;
    data->BugCheckParameter1 = crash_.parameters[0];
    data->BugCheckParameter2 = crash_.parameters[1];
    data->BugCheckParameter3 = crash_.parameters[2];
    data->BugCheckParameter4 = crash_.parameters[3];
    if (!call_reason(to, Callback::triage_data, data, sizeof *data)) return;
    const auto* array = data->DataArray;
    if (array == nullptr) return;
    const auto readable = [&](const void* from, std::size_t bytes) { return is_readable(from, bytes); };
    if (!readable(array, sizeof *array) || array->NumBlocksUsed > array->NumBlocksTotal ||
        !readable(array->Blocks, array->NumBlocksUsed * sizeof(KADDRESS_RANGE))) {
      refuse(to, Callback::triage_data,
             fmt::format("DataArray leads to {}, expected an array made by KeInitializeTriageDumpDataArray",
                         env_.kernel->words(array, kernel::Words::canonical)));
      return;
    }
    std::uint64_t bytes = 0;
    const KADDRESS_RANGE* const blocks = array->Blocks;
    for (std::uint32_t i = 0; i < array->NumBlocksUsed; ++i) {
      const bool too_much = blocks[i].Size > triage_memory_bytes - bytes;
      bytes += too_much ? 0 : blocks[i].Size;
      if (too_much || !readable(blocks[i].Address, blocks[i].Size)) {
        refuse(to, Callback::triage_data,
               too_much ? fmt::format("its blocks pass MaxVirtMemSize, {} bytes", triage_memory_bytes)
                        : fmt::format("block {} leads to {}", i,
                                      env_.kernel->words(blocks[i].Address, kernel::Words::canonical)));
        return;
      }
    }
    env_.recorder.emit({.kind = Kind::triage_data,
                        .image = to.image,
                        .length = static_cast<std::uint32_t>(bytes),
                        .arg = array->NumBlocksUsed});
  });
}

// ---- secondary data ----

void BugcheckCalls::take_blob(const BugcheckRegistration& to, Callback callback, const std::byte* from,
                              std::uint32_t bytes, std::uint32_t most, const std::array<std::byte, 16>& guid,
                              Blobs& blobs) {
  // One that gives nothing leaves an empty block under whatever GUID it left [seen: real small dumps].
  if (from == nullptr) bytes = 0;
  if (blobs.used + blob_header_bytes > blobs.room || blobs.given.size() == blob_limit) {
    refuse(to, callback, "the dump file has no room for another block of secondary data");
    return;
  }
  if (bytes > most) {
    refuse(to, callback, fmt::format("OutBufferLength is {}, MaximumAllowed is {}: the data is left out", bytes, most));
    return;
  }
  const std::byte* const small = frame() + page_size;
  if (from >= small && from < small + small_buffer_bytes && bytes > small + small_buffer_bytes - from) {
    refuse(to, callback,
           fmt::format("OutBufferLength is {}, and InBuffer has {} bytes: the data is left out", bytes,
                       small_buffer_bytes));
    return;
  }
  if (!is_readable(from, bytes)) {
    refuse(to, callback,
           fmt::format("OutBuffer leads to {}, where there are not {} bytes: the data is left out",
                       env_.kernel->words(from, kernel::Words::canonical), bytes));
    return;
  }
  if (bytes != 0 &&
      std::any_of(blobs.given.begin(), blobs.given.end(), [&](const auto& blob) { return blob.guid == guid; })) {
    report(env_, Rule::bugcheck_guid_repeated, to.image, callback,
           fmt::format("{} tags a block already; a debugger finds the first only", format_guid(guid)));
  }
  blobs.given.push_back({guid, {from, from + bytes}});
  blobs.bytes += bytes;
  blobs.used += blob_header_bytes + (bytes + 7) / 8 * 8;
  env_.recorder.emit({.kind = Kind::secondary_data, .callback = callback, .image = to.image, .length = bytes},
                     std::span<const std::byte>(guid));
  if (env_.witness != nullptr) env_.witness->secondary(to.image, guid, blobs.given.back().bytes);
}

/// One block: the size, then the data. False when the routine has nothing more to say, or did not return.
template <class Data>
bool BugcheckCalls::take_data(const BugcheckRegistration& to, Callback callback, Data& data, bool query, Blobs& blobs) {
  std::byte* const small = frame() + page_size;
  const std::uint32_t most = blobs.most();
  // Flags answer for one call: what stands after the last one says whether another part follows [assumed].
  const auto ask = [&] {
    if constexpr (requires { data.Flags; }) data.Flags = 0;
    return call_reason(to, callback, &data, sizeof data);
  };
  std::memset(small, 0, small_buffer_bytes);
  data.InBuffer = small;
  data.InBufferLength = small_buffer_bytes;
  data.MaximumAllowed = most;
  data.OutBuffer = nullptr;
  data.OutBufferLength = 0;
  if (query) {
    if (!ask()) return false;
    const std::uint32_t wanted = data.OutBufferLength;
    if (wanted == 0) {  // nothing to give: not asked for data [assumed]
      take_blob(to, callback, nullptr, 0, most, bytes_of(data.Guid), blobs);
      return true;
    }
    if (wanted > most) {
      refuse(to, callback,
             fmt::format("it has {} bytes, MaximumAllowed is {}: it is not asked for its data", wanted, most));
      return true;
    }
  }
  // "The data itself" is asked for with OutBuffer equal to InBuffer [doc].
  data.InBuffer = data.OutBuffer = small;
  data.InBufferLength = small_buffer_bytes;
  data.MaximumAllowed = most;
  if (!ask()) return false;
  const Data answer = data;
  take_blob(to, callback, static_cast<const std::byte*>(answer.OutBuffer), answer.OutBufferLength, most,
            bytes_of(answer.Guid), blobs);
  return true;
}

std::vector<dumpfile::SecondaryBlob> BugcheckCalls::secondary_data(std::uint64_t room, std::uint32_t dump_type) {
  Blobs blobs;
  blobs.room = room / page_size * page_size;  // the section is written in whole pages
  blobs.used = section_header_bytes;
  walk(BugcheckReason::secondary_data, [&](const BugcheckRegistration& to) {
    auto* const data = new (frame()) KBUGCHECK_SECONDARY_DUMP_DATA{};
    take_data(to, Callback::secondary_data, *data, true, blobs);
  });
  const bool query = env_.policies.is(Policy::multi_part_query, "yes");
  walk(BugcheckReason::multi_part_data, [&](const BugcheckRegistration& to) {
    env_.totals.rest_on(Policy::multi_part_query);
    auto* const data = new (frame()) KBUGCHECK_SECONDARY_DUMP_DATA_EX{};
    for (std::uint32_t parts = 1;; ++parts) {
      data->DumpType = dump_type;
      data->BugCheckCode = crash_.code;
      data->BugCheckParameter1 = crash_.parameters[0];
      data->BugCheckParameter2 = crash_.parameters[1];
      data->BugCheckParameter3 = crash_.parameters[2];
      data->BugCheckParameter4 = crash_.parameters[3];
      if (!take_data(to, Callback::multi_part_data, *data, query, blobs)) return;
      if ((data->Flags & KB_SECONDARY_DATA_FLAG_ADDITIONAL_DATA) == 0) return;
      if (parts == blob_limit) {
        refuse(to, Callback::multi_part_data,
               fmt::format("it asks to be called again after {} parts; it is not", parts));
        return;
      }
    }
  });
  return std::move(blobs.given);
}

// ---- the others ----

void BugcheckCalls::dump_io(DumpIo type, std::uint64_t file_offset, std::span<const std::byte> bytes) {
  const bool sequential = env_.policies.is(Policy::dump_io_offset, "sequential");
  walk(BugcheckReason::dump_io, [&](const BugcheckRegistration& to) {
    auto* const data = new (frame()) KBUGCHECK_DUMP_IO{};
    data->Offset = sequential ? ~std::uint64_t{0} : file_offset;
    // The routine is only to look: the memory is read-only to drivers, and a write is reported.
    data->Buffer = const_cast<std::byte*>(bytes.data());
    data->BufferLength = static_cast<ULONG>(bytes.size());
    data->Type = static_cast<KBUGCHECK_DUMP_IO_TYPE>(type);
    call_reason(to, Callback::dump_io, data, sizeof *data, data->BufferLength, bytes.empty() ? 0 : file_offset);
  });
}

void BugcheckCalls::bugcheck_callbacks() {
  walk(BugcheckReason::none, [&](const BugcheckRegistration& to) {
    auto* const record = static_cast<KBUGCHECK_CALLBACK_RECORD*>(to.record);
    record->State = BufferStarted;
    const std::array<std::uint64_t, 2> arguments{argument(to.buffer), to.length};
    if (call(to, Callback::bugcheck, arguments)) record->State = BufferFinished;
  });
}

bool BugcheckCalls::is_readable(const void* from, std::uint64_t bytes) const {
  const auto first = reinterpret_cast<std::uintptr_t>(from);
  if (bytes == 0) return true;
  if (bytes - 1 > UINTPTR_MAX - first) return false;
  for (std::uintptr_t at = first; at <= first + bytes - 1; at = (at / page_size + 1) * page_size) {
    if (!env_.machine.memory.is_readable(reinterpret_cast<const void*>(at))) return false;
  }
  return true;
}

void call_bugcheck_callbacks_after_stop(Environment& env) {
  if (env.totals.ended != Ended::bugchecked && env.totals.ended != Ended::crashed) return;
  BugcheckCalls calls(env, {env.machine.bugcheck.code, env.machine.bugcheck.parameters});
  if (!calls.wants(BugcheckReason::none)) return;
  Totals& totals = env.totals;
  const Ended ended = totals.ended;
  const std::uint32_t code = totals.bugcheck_code, running = totals.running.load(std::memory_order_relaxed);
  const std::uint64_t ordinal = totals.ordinal.load(std::memory_order_relaxed);
  const machine::BugcheckState bugcheck = env.machine.bugcheck;
  // The fault that is told of stays the first.
  auto tell = std::exchange(env.tell_fault, [](std::uint16_t, Callback) {});
  totals.ended = Ended::no;
  calls.bugcheck_callbacks();
  env.tell_fault = std::move(tell);
  totals.ended = ended;
  totals.bugcheck_code = code;
  totals.running.store(running, std::memory_order_relaxed);
  totals.ordinal.store(ordinal, std::memory_order_release);
  env.machine.bugcheck = bugcheck;
}

}  // namespace dumpsim::stack
