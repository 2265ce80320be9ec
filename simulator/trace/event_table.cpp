// SPDX-License-Identifier: Apache-2.0
// The rows themselves. Keys are stable once published: programs read them.
#include "trace/event_table.hpp"

#include <array>
#include <cassert>

namespace dumpsim::trace {

namespace {

constexpr FieldRow filter{"filter", Slot::image, Format::image, When::always,
                          "name of the image, `dump_` or `hiber_` before a filter's; null when it concerns none"};
constexpr FieldRow callback{"callback", Slot::callback, Format::callback, When::always, "the callback"};
constexpr FieldRow irql{"irql", Slot::irql, Format::number, When::always, "IRQL at that moment"};
constexpr FieldRow status{"status", Slot::status, Format::status, When::always, "the NTSTATUS"};
constexpr FieldRow length{"length", Slot::length, Format::number, When::if_transfer, "bytes of the transfer"};
constexpr FieldRow mdl{"mdl", Slot::object, Format::mdl, When::if_set, "the MDL"};
constexpr FieldRow digest{"digest", Slot::object, Format::digest, When::if_set,
                          "XXH3 of the bytes, when digests are asked for"};

constexpr std::array timeline_step{
    FieldRow{"step", Slot::payload, Format::text, When::always, "name of the step, as in the scenario's timeline"}};
constexpr std::array crash_started{
    FieldRow{"code", Slot::arg, Format::hex, When::always, "bugcheck code"},
    FieldRow{"parameters", Slot::payload, Format::parameters, When::always, "the bugcheck's four parameters"}};
constexpr std::array stack_stage{
    FieldRow{"stage", Slot::arg, Format::hex, When::always, "crashdmp's stage code, 0x2001 to 0x2007"}, status};
constexpr std::array filter_missing{FieldRow{"file", Slot::payload, Format::text, When::always, "the file name"},
                                    status};
constexpr std::array image_loaded{filter};
constexpr std::array image_unloaded{filter};
constexpr std::array callback_entered{
    filter,
    callback,
    irql,
    length,
    FieldRow{"offset", Slot::offset, Format::hex, When::if_transfer,
             "DiskByteOffset, relative to the partition; of a DumpIo, from the start of the dump file"},
    FieldRow{"mdl_flags", Slot::flags, Format::hex, When::if_transfer, "MdlFlags"},
    mdl,
    FieldRow{"request", Slot::arg, Format::request, When::if_set, "what a Dispatch is asked for"}};
constexpr std::array callback_left{
    filter,
    callback,
    irql,
    status,
    FieldRow{"changes", Slot::flags, Format::changes, When::always, "what the callback changed, an array of names"},
    length,
    FieldRow{"offset", Slot::offset, Format::hex, When::if_transfer,
             "DiskByteOffset as the callback left it; of a DumpIo as above"},
    FieldRow{"before", Slot::before, Format::hex, When::if_transfer, "DiskByteOffset as the callback was entered"},
    mdl};
constexpr std::array callback_absent{filter, callback};
constexpr std::array filter_disabled{filter, callback, status};
constexpr std::array usage_notification{
    FieldRow{"type", Slot::arg, Format::number, When::always,
             "DEVICE_USAGE_NOTIFICATION_TYPE: 2 hibernation, 3 dump file"},
    FieldRow{"entering", Slot::flags, Format::boolean, When::always, "true: the device enters the path"}, status};
constexpr std::array section{
    FieldRow{"section", Slot::payload, Format::text, When::always, "what crashdmp writes from here on"}};
constexpr std::array port_opened{
    status, FieldRow{"partition", Slot::offset, Format::hex, When::always, "where the partition starts on the disk"}};
constexpr std::array port_transfer{
    status, length,
    FieldRow{"offset", Slot::offset, Format::hex, When::if_transfer, "bytes from the start of the disk"}, digest};
constexpr std::array port_finished{status};
constexpr std::array redirected{
    filter, length,
    FieldRow{"offset", Slot::offset, Format::hex, When::always, "where the write went, relative to the partition"},
    FieldRow{"before", Slot::before, Format::hex, When::always, "where crashdmp sent it"}};
constexpr std::array dump_pages{
    filter, callback, FieldRow{"pages", Slot::arg, Format::number, When::always, "how many, one behind the other"},
    FieldRow{"address", Slot::offset, Format::hex, When::always, "physical address of the first"}};
constexpr std::array secondary_data{filter, callback,
                                    FieldRow{"guid", Slot::payload, Format::guid, When::always, "the tag of the block"},
                                    FieldRow{"length", Slot::length, Format::number, When::always, "bytes of data"}};
constexpr std::array triage_data{
    filter, FieldRow{"blocks", Slot::arg, Format::number, When::always, "how many blocks of memory"},
    FieldRow{"length", Slot::length, Format::number, When::always, "bytes of all of them"}};
constexpr std::array kernel_call{
    filter, irql, FieldRow{"export", Slot::arg, Format::number, When::always, "index in the export table"},
    FieldRow{"result", Slot::status, Format::status, When::always, "the NTSTATUS, or the low half of the result"},
    FieldRow{"call", Slot::payload, Format::text, When::always, "the routine and its arguments"}};
constexpr std::array irql_changed{filter, FieldRow{"from", Slot::arg, Format::irql_from, When::always, "IRQL before"},
                                  FieldRow{"to", Slot::arg, Format::irql_to, When::always, "IRQL from here on"}};
constexpr std::array debug_print{filter, FieldRow{"level", Slot::arg, Format::number, When::always, "DPFLTR level"},
                                 FieldRow{"text", Slot::payload, Format::text, When::always, "what was printed"}};
constexpr std::array registry_read{
    filter, status, FieldRow{"value", Slot::payload, Format::text, When::always, "key and name of the value"}};
constexpr std::array registry_written{
    filter, status, FieldRow{"value", Slot::payload, Format::before_nul, When::always, "key and name of the value"},
    FieldRow{"type", Slot::arg, Format::registry_type, When::always, "type of the value"},
    FieldRow{"data", Slot::payload, Format::after_nul, When::always, "what was written, as a scenario writes it"}};
constexpr std::array registry_created{filter, status,
                                      FieldRow{"key", Slot::payload, Format::text, When::always, "the key"}};
constexpr std::array registry_deleted{
    filter, status,
    FieldRow{"name", Slot::payload, Format::text, When::always, "the key, or key and name of the value"}};
constexpr std::array file_opened{
    filter, status,
    FieldRow{"action", Slot::arg, Format::number, When::always,
             "0 superseded, 1 opened, 2 created, 3 overwritten, 4 it exists, 5 it does not"},
    FieldRow{"path", Slot::payload, Format::text, When::always, "the file or folder"}};
constexpr std::array file_transfer{filter, status,
                                   FieldRow{"offset", Slot::offset, Format::hex, When::always, "where in the file"},
                                   FieldRow{"length", Slot::length, Format::number, When::always, "bytes"},
                                   FieldRow{"path", Slot::payload, Format::text, When::always, "the file"}};
constexpr std::array file_changed{
    filter, status, FieldRow{"path", Slot::payload, Format::before_nul, When::always, "the file or folder"},
    FieldRow{"change", Slot::payload, Format::after_nul, When::always, "what becomes of it"}};
constexpr FieldRow device{"device", Slot::payload, Format::text, When::always,
                          "name of the device, or of the one its stack stands on"};
constexpr std::array device_opened{
    filter, status, FieldRow{"device", Slot::payload, Format::text, When::always, "the name that was asked for"}};
constexpr std::array device_control{
    filter,
    FieldRow{"code", Slot::arg, Format::hex, When::always, "the control code"},
    FieldRow{"input", Slot::flags, Format::number, When::always, "bytes of input"},
    FieldRow{"length", Slot::length, Format::number, When::always, "room for output, in bytes"},
    status,
    device};
constexpr std::array request{
    filter, FieldRow{"request", Slot::arg, Format::request, When::always, "the IRP's function"},
    length, FieldRow{"offset", Slot::offset, Format::hex, When::if_transfer, "where on the device"},
    status, device};
constexpr std::array disk_transfer{
    filter, status, length,
    FieldRow{"offset", Slot::offset, Format::hex, When::if_transfer, "bytes from the start of the disk"}, digest};
constexpr std::array disk_flushed{filter, status};
constexpr std::array instruction{
    filter, irql,
    FieldRow{"foreign", Slot::flags, Format::boolean, When::always,
             "true: nothing of this machine is behind it (a port, a model-specific register)"},
    FieldRow{"instruction", Slot::payload, Format::text, When::always, "what was done, the same from every compiler"}};
constexpr FieldRow thread{"thread", Slot::object, Format::number, When::always,
                          "number of the thread; 1 is the one the machine starts with"};
constexpr std::array thread_created{filter, thread};
constexpr std::array thread_ended{filter, thread, status};
constexpr std::array thread_switched{
    filter, thread, FieldRow{"from", Slot::before, Format::number, When::always, "number of the thread that rests"}};
constexpr std::array timer_expired{
    filter, FieldRow{"timer", Slot::payload, Format::text, When::always, "where the timer lies"}};
constexpr std::array dpc_run{filter, irql};
constexpr std::array work_item_run{filter, thread};
constexpr std::array exception{
    filter, irql, FieldRow{"status", Slot::status, Format::status, When::always, "the exception's code"},
    FieldRow{
        "outcome", Slot::payload, Format::text, When::always,
        "what became of it: `handled by` or `continued by` the image whose handler or filter said so, or where its "
        "frames were lost"}};
constexpr std::array violation{
    filter, callback, FieldRow{"rule", Slot::arg, Format::rule, When::always, "slug of the rule"},
    FieldRow{"severity", Slot::flags, Format::severity, When::always, "information, warning or error"},
    FieldRow{"detail", Slot::payload, Format::text, When::always, "what was seen"}};
constexpr std::array fault{
    filter, callback, FieldRow{"fault", Slot::arg, Format::fault, When::always, "kind of fault"},
    FieldRow{"detail", Slot::payload, Format::text, When::always, "in words, relative to known regions"}};
constexpr std::array bugcheck{filter, callback, crash_started[0], crash_started[1]};
constexpr std::array policy{FieldRow{"policy", Slot::arg, Format::number, When::always, "index of the policy"},
                            FieldRow{"text", Slot::payload, Format::text, When::always, "`slug = value`"}};
constexpr std::array repeat{
    FieldRow{"count", Slot::arg, Format::number, When::always, "how many further steps"},
    FieldRow{"records", Slot::flags, Format::number, When::always,
             "how many of the events before this one make the step"},
    FieldRow{"length", Slot::length, Format::number, When::always,
             "by how many bytes each step moves on what its `moves` names"},
    FieldRow{"offset", Slot::offset, Format::hex, When::always, "where the first of the further steps begins"}};
constexpr std::array truncated{
    FieldRow{"dropped", Slot::arg, Format::number, When::always, "how many events did not fit"}};
constexpr std::array ended{FieldRow{"outcome", Slot::payload, Format::text, When::always, "the outcome's name"}};

constexpr std::array rows{
    EventRow{Kind::timeline_step, "a step of the machine's life begins", timeline_step},
    EventRow{Kind::crash_started, "the machine crashes", crash_started},
    EventRow{Kind::reboot, "the machine restarts after a crash", {}},
    EventRow{Kind::power_cut, "the machine loses power; nothing after this reaches the disk", {}},
    EventRow{Kind::stack_stage, "crashdmp has gone through a stage of loading a dump stack", stack_stage},
    EventRow{Kind::filter_missing, "DumpFilters lists a file that is not there", filter_missing},
    EventRow{Kind::image_loaded, "a driver image was loaded", image_loaded},
    EventRow{Kind::image_unloaded, "and unloaded", image_unloaded},
    EventRow{Kind::callback_entered, "a callback is called", callback_entered},
    EventRow{Kind::callback_left, "a callback returned", callback_left},
    EventRow{Kind::callback_absent, "a filter has no such callback; said once", callback_absent},
    EventRow{Kind::filter_disabled, "a filter failed and is skipped from here on", filter_disabled},
    EventRow{Kind::usage_notification, "the volume's drivers learn that the device holds a dump or hibernation file",
             usage_notification},
    EventRow{Kind::section, "crashdmp begins a section of the dump", section},
    EventRow{Kind::port_opened, "the dump port is opened", port_opened},
    EventRow{Kind::port_write, "the dump port wrote to the disk", port_transfer},
    EventRow{Kind::port_read, "the dump port read from the disk", port_transfer},
    EventRow{Kind::port_finished, "the dump port flushed and closed", port_finished},
    EventRow{Kind::redirected, "a filter moved a write", redirected},
    EventRow{Kind::dump_pages, "pages got into the dump, or out of it: by a bug check callback, or as drivers' memory",
             dump_pages},
    EventRow{Kind::secondary_data, "a bug check callback gave a block of secondary data", secondary_data},
    EventRow{Kind::triage_data, "a bug check callback named memory for a small dump", triage_data},
    EventRow{Kind::kernel_call, "a driver called a kernel routine", kernel_call},
    EventRow{Kind::irql_changed, "a driver changed the IRQL", irql_changed},
    EventRow{Kind::debug_print, "a driver printed to the debugger", debug_print},
    EventRow{Kind::registry_read, "a driver read the registry", registry_read},
    EventRow{Kind::registry_written, "a driver wrote a value of the registry", registry_written},
    EventRow{Kind::registry_created, "a driver made a key of the registry", registry_created},
    EventRow{Kind::registry_deleted, "a driver deleted a key or value of the registry", registry_deleted},
    EventRow{Kind::file_opened, "a driver opened or created a file", file_opened},
    EventRow{Kind::file_read, "a driver read from a file", file_transfer},
    EventRow{Kind::file_written, "a driver wrote to a file", file_transfer},
    EventRow{Kind::file_changed, "a driver changed a file otherwise", file_changed},
    EventRow{Kind::device_opened, "a driver asked for a device by name", device_opened},
    EventRow{Kind::device_control, "a driver sent a control request", device_control},
    EventRow{Kind::request, "a driver sent another IRP", request},
    EventRow{Kind::disk_read, "a driver's read of a volume or disk device came to the disk", disk_transfer},
    EventRow{Kind::disk_write, "a driver's write to a volume or disk device came to the disk", disk_transfer},
    EventRow{Kind::disk_flushed, "a driver's flush came to the disk", disk_flushed},
    EventRow{Kind::instruction, "a driver executed what only ring 0 may, on the simulated processor", instruction},
    EventRow{Kind::thread_created, "a driver's thread was created", thread_created},
    EventRow{Kind::thread_ended, "and ended", thread_ended},
    EventRow{Kind::thread_switched, "another thread runs from here on", thread_switched},
    EventRow{Kind::timer_expired, "a timer's time has come", timer_expired},
    EventRow{Kind::dpc_run, "a DPC routine is called", dpc_run},
    EventRow{Kind::work_item_run, "a worker thread calls a work item's routine", work_item_run},
    EventRow{Kind::exception, "an exception was raised in a driver, and did not stop the machine there", exception},
    EventRow{Kind::violation, "a rule was broken", violation},
    EventRow{Kind::fault, "a driver faulted, hung or ended the process", fault},
    EventRow{Kind::bugcheck, "a driver stopped the machine", bugcheck},
    EventRow{Kind::policy, "a verdict rests on this policy", policy},
    EventRow{Kind::repeat, "the step before this was repeated", repeat},
    EventRow{Kind::truncated, "the trace was full; what follows was only counted", truncated},
    EventRow{Kind::ended, "the scenario is over; the last event of a complete trace", ended},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].kind) != i + 1) return false;
  }
  return rows.size() + 1 == static_cast<std::size_t>(Kind::count_);
}
static_assert(in_order(), "one row a kind, in the order of the enumeration");

constexpr std::array changes{
    ChangeName{change_offset, "offset", "DiskByteOffset"},
    ChangeName{change_mapped_va, "mapped_va", "MappedSystemVa"},
    ChangeName{change_start_va, "start_va", "StartVa"},
    ChangeName{change_byte_offset, "byte_offset", "ByteOffset"},
    ChangeName{change_byte_count, "byte_count", "ByteCount"},
    ChangeName{change_mdl_flags, "mdl_flags", "MdlFlags"},
    ChangeName{change_pfns, "pfns", "PFNs"},
    ChangeName{change_mdl_size, "mdl_size", "Size"},
    ChangeName{change_mdl_next, "mdl_next", "Next"},
    ChangeName{change_buffer, "buffer", "the buffer in place"},
    ChangeName{change_init, "init", "FILTER_INITIALIZATION_DATA"},
    ChangeName{change_extension, "extension", "FILTER_EXTENSION"},
};

}  // namespace

std::span<const EventRow> all_events() {
  return rows;
}

const EventRow& row_of(Kind kind) {
  assert(kind > Kind::none && kind < Kind::count_);
  return rows[static_cast<std::size_t>(kind) - 1];
}

std::span<const ChangeName> all_changes() {
  return changes;
}

}  // namespace dumpsim::trace
