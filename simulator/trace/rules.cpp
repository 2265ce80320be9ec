// SPDX-License-Identifier: Apache-2.0
// The rule table: severities, words and evidence in one place, so that console, reports and docs/rules.md agree. An
// error is something that leaves wrong, unprotected or lost data, or would corrupt a running kernel; a warning is
// something the documentation forbids and shipped filters do without Windows stopping them.
#include "trace/rules.hpp"

#include <array>
#include <cassert>

namespace dumpsim::trace {

namespace {

constexpr std::array rows = {
    RuleRow{Rule::write_buffer_modified, "write.buffer-modified", Severity::error,
            "DumpWrite changed the memory it was given to write",
            "copy to a buffer of your own and let the MDL describe that: the memory may still have to be dumped, or "
            "runs on",
            "[doc] the Dump_Write page forbids changing the buffer in place"},
    RuleRow{Rule::mdl_pfn_mismatch, "mdl.pfn-mismatch", Severity::error,
            "the MDL's page frame numbers and its mapped address describe different memory",
            "change the PFN array, MappedSystemVa and StartVa together: some ports read by PFN (DMA), some by address "
            "(PIO)",
            "[seen: Windows 7's BitLocker filter, VeraCrypt and DiskCryptor set all of them]"},
    RuleRow{Rule::mdl_size_changed, "mdl.size-changed", Severity::error,
            "the callback changed the size of the transfer (ByteCount) or of the MDL",
            "keep ByteCount and Size as they are: the port transfers what the MDL says, and the dump's layout is fixed",
            "[doc] the size of the transfer must not change; [seen: Windows 7] nothing enforces it"},
    RuleRow{Rule::mdl_flags_changed, "mdl.flags-changed", Severity::warning,
            "the callback left the MDL with other MdlFlags than it was given",
            "restore MdlFlags after the MDL routines: some storage miniports test MDL_MAPPED_TO_SYSTEM_VA alone",
            "[seen: VeraCrypt's comments, BitLocker restores them too]"},
    RuleRow{Rule::read_mdl_changed, "read.mdl-changed", Severity::error, "DumpRead changed the MDL it was given",
            "change the bytes that the MDL describes, never its fields: the data has been read already",
            "[doc] DumpRead runs after the port's read and transforms in place; [assumed] a changed MDL misleads the "
            "reader"},
    RuleRow{Rule::read_offset_changed, "read.offset-changed", Severity::error, "DumpRead changed DiskByteOffset",
            "leave the offset alone in DumpRead: the data has been read already",
            "[doc] the documentation lets no callback change the offset; [assumed] in a read it can only mislead"},
    RuleRow{Rule::offset_outside_dump_file, "offset.outside-dump-file", Severity::error,
            "the write goes to disk sectors that do not belong to the dump file",
            "DiskByteOffset is relative to the partition, not absolute; declare `redirects = true` if the filter moves "
            "writes on purpose",
            "[doc] the offset must not change; [seen: VeraCrypt, DiskCryptor] it is honoured and relied upon"},
    RuleRow{Rule::offset_unaligned, "offset.unaligned", Severity::error,
            "the callback left an offset that is no multiple of the sector size",
            "move offsets by whole sectors, of 4096 bytes on some disks",
            "[seen: VeraCrypt, DiskCryptor] filters stop with a bugcheck when the offset is no multiple of 512"},
    RuleRow{Rule::init_written_past_host_size, "init.written-past-host-size", Severity::error,
            "the filter wrote behind the FILTER_INITIALIZATION_DATA that this Windows has",
            "go by the MajorVersion you were given: the structure has no size field, and FILTER_EXTENSION lies right "
            "behind it",
            "[seen: Windows 7, 8] the two structures are adjacent; [assumed] sizes 56, 64 and 72 by version"},
    RuleRow{
        Rule::irql_too_high, "irql.too-high", Severity::warning,
        "a kernel routine was called above the IRQL it is documented for",
        "prepare it in DriverEntry, at PASSIVE_LEVEL: DumpStart, DumpWrite and DumpFinish run at HIGH_LEVEL in a crash",
        "[doc] each routine's maximum IRQL; [seen: VeraCrypt until 2025] Windows does not stop it in a dump"},
    RuleRow{Rule::irql_not_restored, "irql.not-restored", Severity::error,
            "the callback returned at another IRQL than it was entered with",
            "pair every KeRaiseIrql with KeLowerIrql, on error paths as well",
            "[doc] a routine that raises the IRQL restores it before it returns"},
    RuleRow{
        Rule::irql_pageable_code, "irql.pageable-code", Severity::warning,
        "code or data of a pageable section was touched at DISPATCH_LEVEL or above",
        "keep what the dump callbacks need out of PAGE sections (no alloc_text, no PAGED_CODE), or lock the section "
        "in DriverEntry with MmLockPagableCodeSection",
        "[doc] no page fault can be served there: bug check 0xD1 if the section is paged out, as Driver Verifier "
        "sees to"},
    RuleRow{Rule::pool_double_free, "pool.double-free", Severity::error, "pool was freed twice",
            "set the pointer to NULL when you free it", "[doc] Windows stops with BAD_POOL_CALLER (0xC2)"},
    RuleRow{Rule::pool_bad_free, "pool.bad-free", Severity::error,
            "something was freed that is no pool allocation, or with another tag",
            "free exactly the pointer you were given, with its tag and with the routine that belongs to its allocation",
            "[doc] Windows stops with BAD_POOL_CALLER (0xC2)"},
    RuleRow{Rule::pool_leak, "pool.leak", Severity::warning, "memory was still allocated after DumpUnload",
            "free in DumpUnload what DriverEntry allocated: every hibernation loads the filter anew",
            "[doc] Dump_Unload releases what the filter holds; never judged after a crash, which ends without it"},
    RuleRow{Rule::object_device_left, "object.device-left", Severity::error,
            "a driver was unloaded, or failed to load, and left device objects behind",
            "call IoDeleteDevice for each device in DriverUnload, and in DriverEntry before it fails: whoever opens "
            "the device later jumps to where the driver was",
            "[doc] a driver deletes its devices before it is unloaded"},
    RuleRow{Rule::object_callback_left, "object.callback-left", Severity::error,
            "an image was unloaded and left a routine registered with a callback object",
            "call ExUnregisterCallback in DumpUnload or DriverUnload, and in DriverEntry before it fails: the next "
            "notification jumps to where the image was",
            "[doc] a driver takes its routine back before it is unloaded"},
    RuleRow{Rule::object_link_left, "object.link-left", Severity::warning,
            "a driver was unloaded, or failed to load, and left a symbolic link behind",
            "call IoDeleteSymbolicLink before IoDeleteDevice: the next load finds its name taken",
            "[doc] IoCreateSymbolicLink's page pairs the two; the link is no part of the device"},
    RuleRow{Rule::object_reference_left, "object.reference-left", Severity::warning,
            "an image was unloaded and still held a device by a file object",
            "dereference the file object of IoGetDeviceObjectPointer when the device is not needed any more; the "
            "device's driver cannot go before",
            "[doc] dereferencing the file object is the caller's duty"},
    RuleRow{Rule::irp_not_completed, "irp.not-completed", Severity::error,
            "a dispatch routine returned a final status and had neither completed nor passed on the IRP",
            "complete the IRP with the status you return, or mark it pending and return STATUS_PENDING: its requester "
            "gets no answer and the IRP is lost",
            "[doc] every IRP is completed, passed on or marked pending"},
    RuleRow{Rule::irp_pending_mismatch, "irp.pending-mismatch", Severity::error,
            "STATUS_PENDING was returned without IoMarkIrpPending, or another status with it",
            "call IoMarkIrpPending exactly when the dispatch routine returns STATUS_PENDING",
            "[doc] the two go together; Driver Verifier stops with DRIVER_VERIFIER_IOMANAGER_VIOLATION (0xC9)"},
    RuleRow{Rule::irp_status_mismatch, "irp.status-mismatch", Severity::warning,
            "a dispatch routine returned another status than it completed the IRP with",
            "return what Irp->IoStatus.Status was when you completed the IRP, kept in a variable of your own",
            "[doc] the status returned is the status completed with; Driver Verifier reports it (0xC9)"},
    RuleRow{
        Rule::irp_information_beyond_buffer, "irp.information-beyond-buffer", Severity::error,
        "an IRP was completed with more bytes of output than the requester has room for",
        "answer STATUS_BUFFER_TOO_SMALL, or set IoStatus.Information to what you have written: Windows copies as many "
        "bytes as it says, over the end of the requester's buffer",
        "[doc] the I/O manager copies Information bytes from the system buffer; here no more than there is room for"},
    RuleRow{Rule::stack_callee_saved_changed, "stack.callee-saved-changed", Severity::error,
            "the callback did not restore a register or control word that belongs to its caller",
            "save and restore it: rbx, rbp, r12-r15 (Microsoft convention: rdi, rsi, xmm6-15 too), MXCSR and x87 "
            "control, the direction flag",
            "[doc] the calling convention's callee-saved state"},
    RuleRow{
        Rule::lifecycle_error_lets_plaintext_through, "lifecycle.error-lets-plaintext-through", Severity::error,
        "a callback returned an error: the write went to the disk all the same and the filter is skipped from here on",
        "an error does not stop a dump; a filter that must not let plaintext through stops the machine (KeBugCheckEx)",
        "[seen: Windows 7's dispatcher, VeraCrypt's comments] later versions [assumed] alike"},
    RuleRow{
        Rule::processor_no_such_hardware, "processor.no-such-hardware", Severity::warning,
        "an instruction talked to hardware that the simulated machine does not have",
        "a dump filter has no device of its own: leave ports, model-specific and debug registers to the drivers that "
        "own them",
        "[doc] the port driver alone talks to hardware in a dump; a port reads as ones here, what is written is lost"},
    RuleRow{Rule::bugcheck_record_left_behind, "bugcheck.record-left-behind", Severity::error,
            "an image was unloaded with a bug check callback still registered",
            "call KeDeregisterBugCheck(Reason)Callback in DumpUnload, and where DriverEntry fails: the record lies in "
            "the kernel's list, and the next crash walks through it",
            "[doc] a driver that can be unloaded must remove its callbacks; [assumed] the walk ends at what is no "
            "longer there"},
    RuleRow{Rule::bugcheck_record_damaged, "bugcheck.record-damaged", Severity::error,
            "a registered bug check callback record was initialised anew, written over or freed",
            "leave the record alone, in memory that stays, from KeRegisterBugCheck(Reason)Callback until it is "
            "deregistered; KeInitializeCallbackRecord comes first, and once",
            "[doc] the record is the system's while it is registered; [assumed] one that is damaged is not called"},
    RuleRow{Rule::bugcheck_answer_refused, "bugcheck.answer-refused", Severity::error,
            "a bug check callback answered with something that cannot be used: too much data, memory or pages that "
            "are not there, flags that contradict each other",
            "stay within MaximumAllowed and within InBufferLength, keep the data in memory that is resident, set "
            "exactly one of the address flags, and stop asking to be called again",
            "[doc] the structures' pages say what may be answered; [assumed] what cannot be used is left out"},
    RuleRow{Rule::bugcheck_guid_repeated, "bugcheck.guid-repeated", Severity::warning,
            "two blocks of secondary data have the same GUID",
            "give each block a GUID of its own: only the first of a GUID can be read with a debugger",
            "[doc] writing several blocks with one GUID is called very poor practice"},
    RuleRow{Rule::bugcheck_callback_failed, "bugcheck.callback-failed", Severity::error,
            "a bug check callback faulted or called KeBugCheckEx",
            "touch only memory that is resident and known to be valid, and call nothing that is not allowed at "
            "HIGH_LEVEL: the machine is crashing already",
            "[doc] a fault in a callback may prevent the dump from being written"},
    RuleRow{Rule::lock_deadlock, "lock.deadlock", Severity::error,
            "threads wait for each other in a circle, each for a lock that the next one holds",
            "take locks in the same order everywhere, or give up the one you hold before you wait for another",
            "[doc] none of them runs again; the rest of the machine goes on"},
    RuleRow{Rule::unload_still_in_use, "unload.still-in-use", Severity::error,
            "the image was unloaded while a thread, timer, DPC or work item of it was still to run",
            "before DumpUnload returns: end the threads and wait for them, KeCancelTimer, KeFlushQueuedDpcs, wait for "
            "work items",
            "[doc] bug check 0xCE, DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, once it runs"},
    RuleRow{Rule::exception_finally_skipped, "exception.finally-skipped", Severity::error,
            "a __try or __finally was left in a way in which this build of the source cannot run the block",
            "leave a __try with __finally by __leave or at its end, as Microsoft's own guidance has it; or build the "
            "driver as a .sys with clang, which does it",
            "[doc] the block runs however the __try is left; GCC has no __try, and its stand-in sees only exceptions"},
    RuleRow{
        Rule::data_readable_sector, "data.readable-sector", Severity::error,
        "memory lies readable on the disk where the filter promises to encrypt",
        "encrypt every write whose sectors lie in what the filter protects, whatever its length and offset; one that "
        "cannot be encrypted stops the machine (KeBugCheckEx), since an error lets it through",
        "[doc] a dump filter sees each write before the port does, so that the dump of an encrypted volume is "
        "encrypted"},
    RuleRow{Rule::data_secret_found, "data.secret-found", Severity::error,
            "a secret of the scenario can be read outside of the driver's own memory",
            "never print or store a key; wipe its copies, and take the pages that hold it out of the dump "
            "(KbCallbackRemovePages)",
            "[doc] KbCallbackRemovePages is there for pages whose content must not get into a dump"},
    RuleRow{
        Rule::data_round_trip_differs, "data.round-trip-differs", Severity::error,
        "DumpRead does not give back what was written, for some way of splitting the reads",
        "undo in DumpRead what DumpWrite does from the sectors' own offsets alone: who reads need not cut where the "
        "writer did",
        "[doc] DumpRead gets any read of the dump stack; [assumed] readers split at sectors, up to MaxPagesPerWrite"},
    RuleRow{
        Rule::data_reference_differs, "data.reference-differs", Severity::error,
        "the disk is not what the same dump without filters leaves there",
        "leave data and offset alone in a filter that only watches, or declare what it `protects` or `redirects`",
        "[doc] without a filter crashdmp writes the dump as its format says; [assumed] the disk's other sectors stay "
        "as they were"},
    RuleRow{Rule::data_not_deterministic, "data.not-deterministic", Severity::error,
            "the same scenario run again came out differently",
            "make nothing depend on addresses, uninitialised memory or the processor's counters (rdtsc, rdrand): what "
            "cannot be repeated cannot be debugged, and a key made so cannot be found again",
            "[assumed] nothing repeats on a real machine; here time, interrupts and memory do, and what differs is the "
            "driver's"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].rule) != i) return false;
  }
  return rows.size() == static_cast<std::size_t>(Rule::count_);
}
static_assert(in_order(), "one row a rule, in the order of the enumeration");

constexpr std::array<std::string_view, 4> severity_names = {"off", "information", "warning", "error"};

}  // namespace

std::span<const RuleRow> all_rules() {
  return rows;
}

const RuleRow& row_of(Rule rule) {
  assert(rule < Rule::count_);
  return rows[static_cast<std::size_t>(rule)];
}

std::array<Severity, static_cast<std::size_t>(Rule::count_)> default_severities() {
  std::array<Severity, static_cast<std::size_t>(Rule::count_)> severities{};
  for (const RuleRow& row : all_rules()) severities[static_cast<std::size_t>(row.rule)] = row.severity;
  return severities;
}

std::optional<Rule> find_rule(std::string_view slug) {
  for (const RuleRow& row : rows) {
    if (row.slug == slug) return row.rule;
  }
  return std::nullopt;
}

std::string_view name_of(Severity severity) {
  const auto index = static_cast<std::size_t>(severity);
  return index < severity_names.size() ? severity_names[index] : std::string_view("unknown");
}

}  // namespace dumpsim::trace
