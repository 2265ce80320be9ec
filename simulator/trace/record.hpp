// SPDX-License-Identifier: Apache-2.0
// The closed set of events, as they lie in memory shared between the scenario's child and the parent. A record is one
// cache line in two halves: the "shape" (what repeats when a dump writes page after page) and the "progress" (what
// moves on). Two steps with equal shapes and steady progress fold into one line, which is how a terabyte fits into a
// trace. No host pointer, wall-clock time or path ever stands in a record: ids, virtual time, digests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dumpsim::trace {

enum class Kind : std::uint16_t {
  none = 0,
  // The machine's life.
  timeline_step,  ///< payload: the step's name ("boot", "crash", …)
  crash_started,  ///< arg: bugcheck code; payload: the four parameters, 8 bytes each
  reboot,         ///< the machine restarts after a crash
  power_cut,      ///< the machine loses power; nothing after this reaches the disk
  // The dump stack.
  stack_stage,     ///< arg: crashdmp's stage code (0x2001 …); status
  filter_missing,  ///< status; payload: the file name that DumpFilters lists and that nothing stands behind
  image_loaded,  ///< image: its id from here on; payload: its name ("dump_xor"). Its size is its compiler's: no part of
                 ///< a trace
  image_unloaded,    ///< image
  callback_entered,  ///< image, callback, irql; length, offset (DiskByteOffset), flags: MdlFlags, object: MDL id; arg:
                     ///< of a Dispatch, the request (requests.hpp)
  callback_left,     ///< image, callback, irql; status, length, flags: Change bits, offset: as left, before: as entered
  callback_absent,   ///< image, callback: the pointer is NULL; only once per callback and image
  filter_disabled,   ///< image, callback, status: skipped from here on
  usage_notification,  ///< arg: DEVICE_USAGE_NOTIFICATION_TYPE; flags: 1 entering the path, 0 leaving; status
  section,  ///< payload: what crashdmp writes next ("header", "bitmap", "pages", "secondary data", "header made valid",
            ///< "dump log", …)
  port_opened,     ///< status; offset: the partition's start
  port_write,      ///< status; length, offset: absolute on the disk; object: digest when asked for
  port_read,       ///< as port_write
  port_finished,   ///< status
  redirected,      ///< image; length, offset: where the write went (partition-relative), before: where crashdmp sent it
  dump_pages,      ///< image, callback: AddPages or RemovePages; arg: how many, offset: physical address of the first
  secondary_data,  ///< image, callback; length; payload: the GUID, 16 bytes
  triage_data,     ///< image; arg: blocks, length: their bytes
  // The kernel, as the filter sees it.
  kernel_call,       ///< image, irql; arg: export index; status or low result in `status`; payload: the call as text,
                     ///< "ExFreePool(pool#3)", since the trace knows no export table
  irql_changed,      ///< image; arg: from << 8 | to
  debug_print,       ///< image; arg: DPFLTR level; payload: the text
  registry_read,     ///< image; status; payload: key and value name
  registry_written,  ///< image; arg: REG_* type; status; payload: key and value name, NUL, the data in words
  registry_created,  ///< image; status; payload: the key
  registry_deleted,  ///< image; status; payload: the key, or key and value name
  file_opened,       ///< image; status; arg: what was done (FILE_OPENED 1, FILE_CREATED 2, …); payload: the path
  file_read,         ///< image; status; offset, length; payload: the path
  file_written,      ///< as file_read
  file_changed,      ///< image; status; payload: the path, NUL, what became of it in words
  device_opened,     ///< image; status; payload: the name asked for
  device_control,    ///< image; arg: control code; flags: input length, length: output length; status; payload: the
                     ///< device
  request,  ///< image; arg: the request (requests.hpp); length, offset of a read or write; status; payload: the device
  error_logged,  ///< image; arg: the error's code; status: FinalStatus; flags: UniqueErrorValue; payload: the device,
                 ///< NUL, strings and dump data in words
  disk_read,     ///< image, status; length, offset: absolute on the disk; object: digest when asked for
  disk_write,    ///< as disk_read
  disk_flushed,  ///< image; status
  instruction,   ///< image, irql; flags: 1 when nothing of this machine is behind it; payload: what was done, "cli"
  // Drivers' threads and what runs later.
  thread_created,   ///< image: of its start routine; object: the thread's id
  thread_ended,     ///< image; object: the thread's id; status
  thread_switched,  ///< image: whose code runs from here on; object: the thread's id; before: of the one that rests
  timer_expired,    ///< image: that set it; payload: where the timer lies
  dpc_run,          ///< image: of its routine; irql
  work_item_run,    ///< image: of its routine; object: the worker thread's id
  exception,        ///< image, irql; status: its code; payload: what became of it, "handled by dump_x"
  // What goes wrong.
  violation,  ///< image, callback; arg: rule index; flags: severity; payload: the detail in words
  fault,      ///< image, callback; arg: FaultKind; payload: in words, region-relative
  bugcheck,   ///< image, callback; arg: code; payload: the four parameters, 8 bytes each
  policy,     ///< arg: policy index; payload: "slug = value": a verdict rests on this
  // The recorder's own.
  repeat,  ///< arg: how many further steps like the one before; flags: how many records make that step; length: by how
           ///< many bytes each moves on; offset: where the first of them begins (the last ends at offset + arg *
           ///< length)
  truncated,  ///< arg: how many records did not fit and were only counted
  ended,      ///< payload: the outcome's name; the last record of a complete trace
  count_
};

/// Those of a filter, then others.
enum class Callback : std::uint8_t {
  none,
  driver_entry,
  start,
  write,
  read,
  finish,
  unload,
  // Of ordinary drivers.
  add_device,
  dispatch,
  completion,
  cancel,
  reinitialize,
  driver_unload,
  // Bug check callbacks: no filter's, any driver's.
  bugcheck,         ///< registered by KeRegisterBugCheckCallback
  secondary_data,   ///< by KeRegisterBugCheckReasonCallback, this and what follows
  multi_part_data,  //
  dump_io,          ///< length, offset: what is written, and where in the dump file
  add_pages,
  remove_pages,
  triage_data,
  object_callback,  ///< what an image registered with a callback object
  // What else of a driver's runs.
  thread,
  dpc,
  work_item,
  count_
};

/// What a callback changed, as seen by comparing before and after.
enum Change : std::uint32_t {
  change_offset = 1u << 0,
  change_mapped_va = 1u << 1,
  change_start_va = 1u << 2,
  change_byte_offset = 1u << 3,
  change_byte_count = 1u << 4,
  change_mdl_flags = 1u << 5,
  change_pfns = 1u << 6,
  change_mdl_size = 1u << 7,
  change_mdl_next = 1u << 8,
  change_buffer = 1u << 9,
  change_init = 1u << 10,       ///< FILTER_INITIALIZATION_DATA
  change_extension = 1u << 11,  ///< FILTER_EXTENSION
};

enum class FaultKind : std::uint64_t {
  none,
  access,
  stack_overflow,
  illegal_instruction,
  arithmetic,
  abort,
  hang,
  exit,
  system_call,
  other
};

/// Which fields of a folded step's record move on from repeat to repeat, by the `repeat` record's length.
enum Move : std::uint32_t { move_offset = 1u << 0, move_before = 1u << 1 };

/// Longer payloads are cut, text at a UTF-8 boundary and marked with "…".
inline constexpr std::size_t max_payload = 512;

inline constexpr std::uint16_t no_image = 0xffff;

struct Record {
  // Shape: equal in two steps that fold.
  Kind kind = Kind::none;
  Callback callback = Callback::none;
  std::uint8_t irql = 0;
  std::uint16_t image = no_image;
  std::uint16_t payload = 0;  ///< bytes that follow this record, rounded up to a multiple of 8 in memory
  std::int32_t status = 0;    ///< an NTSTATUS
  std::uint32_t length = 0;   ///< bytes
  std::uint32_t flags = 0;
  std::uint32_t moves = 0;  ///< Move bits, set by the recorder in a step that a `repeat` follows
  std::uint64_t arg = 0;
  // Progress: moves on from step to step.
  std::uint64_t offset = 0;
  std::uint64_t before = 0;
  std::uint64_t object = 0;  ///< an id ("mdl#3" is 3) or a digest
  std::uint64_t time = 0;    ///< virtual, 100 ns units since the machine's boot; filled in by the recorder
};
static_assert(sizeof(Record) == 64);

std::string_view name_of(Kind kind);          ///< "callback_entered"
std::string_view name_of(Callback callback);  ///< "DumpWrite"; DriverEntry for driver_entry
std::string_view name_of(FaultKind kind);

}  // namespace dumpsim::trace
