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
    RuleRow{Rule::mdl_next_set, "mdl.next-set", Severity::error,
            "the callback chained another MDL behind the one it was given",
            "put all of the data behind the one MDL: crashdmp hands one on, and its port looks at no other",
            "[doc] a dump write is one MDL; [assumed] Next is not followed"},
    RuleRow{Rule::mdl_buffer_unaligned, "mdl.buffer-unaligned", Severity::error,
            "the MDL points at a buffer that begins elsewhere in its page than ByteOffset says",
            "use a buffer that is page aligned and set ByteOffset to 0, or keep the ByteOffset you were given in your "
            "own pages",
            "[seen: VeraCrypt, DiskCryptor, BitLocker's filter] all swap to page-aligned buffers; a port by PFN starts "
            "at ByteOffset, one by address at MappedSystemVa"},
    RuleRow{Rule::mdl_buffer_too_small, "mdl.buffer-too-small", Severity::error,
            "the MDL points at a buffer that ends before the write does",
            "allocate MaxPagesPerWrite pages, and one more if you keep ByteOffset: a full-length write that does not "
            "begin at a page spans that many",
            "[doc] the size of the transfer must not change, so the buffer has to hold all of it"},
    RuleRow{Rule::mdl_buffer_paged, "mdl.buffer-paged", Severity::error, "the MDL points at a buffer from paged pool",
            "allocate nonpaged or contiguous memory in DriverEntry: at HIGH_LEVEL nobody brings a page back, and its "
            "frame is not locked",
            "[doc] no page fault can be served at DISPATCH_LEVEL or above"},
    RuleRow{Rule::mdl_buffer_freed, "mdl.buffer-freed", Severity::error, "the MDL points at memory that was freed",
            "keep the buffer from DriverEntry to DumpUnload: the port reads it after your callback has returned",
            "[doc] the port below moves the data after the callbacks"},
    RuleRow{
        Rule::mdl_stale_startva_used, "mdl.stale-startva-used", Severity::error,
        "the bytes of a write were looked for where an MDL field points that is no address",
        "test MDL_MAPPED_TO_SYSTEM_VA and MDL_SOURCE_IS_NONPAGED_POOL first: use MappedSystemVa when either is set, "
        "map the MDL when none is, and never StartVa",
        "[seen: VeraCrypt pull request 1671] Windows 11 25H2 hibernates with mapped MDLs whose StartVa is no address"},
    RuleRow{Rule::mdl_used_after_callback, "mdl.used-after-callback", Severity::error,
            "an MDL was followed after the transfer it was lent for",
            "take what you need out of the MDL before the callback returns: it is the host's, and the next write's",
            "[assumed] the MDL is lent for one callback; nothing documents that it stays"},
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
    RuleRow{Rule::offset_taken_as_absolute, "offset.taken-as-absolute", Severity::error,
            "DiskByteOffset was changed by exactly the partition's own offset",
            "leave DiskByteOffset alone: it counts from the start of the partition that holds the dump file, and the "
            "port adds the rest",
            "[doc] the header's comment says \"disk\", the port adds PartitionOffset [seen: Windows 7]"},
    RuleRow{Rule::offset_outside_partition, "offset.outside-partition", Severity::error,
            "the write goes beyond the end of the partition",
            "check the offset against PartitionInfo or IOCTL_DISK_GET_LENGTH_INFO before you move it: what lies behind "
            "is another volume's",
            "[seen: DiskCryptor] filters check it themselves; nothing in the stack does [assumed]"},
    RuleRow{
        Rule::offset_moved_with_read_support, "offset.moved-with-read-support", Severity::error,
        "a filter that announces DumpRead moves its writes",
        "give up read support, or keep the offset: the port has read from the unmoved place before DumpRead is called",
        "[doc] DumpRead runs after the port's read; [seen: VeraCrypt, DiskCryptor] those that move writes have no "
        "DumpRead"},
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
    RuleRow{
        Rule::irql_pageable_pool, "irql.pageable-pool", Severity::warning,
        "paged pool was touched at DISPATCH_LEVEL or above",
        "allocate what the dump callbacks need from nonpaged pool (NonPagedPoolNx, POOL_FLAG_NON_PAGED), or lock it in "
        "memory with an MDL and MmProbeAndLockPages",
        "[doc] no page fault can be served there: bug check 0xD1 if the page is paged out, as Driver Verifier sees to"},
    RuleRow{Rule::irql_wait_at_high_level, "irql.wait-at-high-level", Severity::error,
            "a wait that may block was made above APC_LEVEL",
            "poll with a timeout of zero, or do without: in DumpStart, DumpWrite and DumpFinish no other thread runs "
            "that could end a wait",
            "[doc] a wait with a timeout other than zero is for APC_LEVEL at most; in a crash the other processors are "
            "stopped"},
    RuleRow{Rule::irql_lowered_in_callback, "irql.lowered-in-callback", Severity::error,
            "a callback that is entered at HIGH_LEVEL lowered the IRQL",
            "stay at the level you are called at: prepare in DriverEntry whatever needs a lower one",
            "[doc] a routine must not lower the IRQL below that of its call; [assumed] in a crash, interrupts come in "
            "then and nobody serves them"},
    RuleRow{Rule::pool_double_free, "pool.double-free", Severity::error, "pool was freed twice",
            "set the pointer to NULL when you free it", "[doc] Windows stops with BAD_POOL_CALLER (0xC2)"},
    RuleRow{Rule::pool_bad_free, "pool.bad-free", Severity::error,
            "something was freed that is no pool allocation, or with another tag",
            "free exactly the pointer you were given, with its tag and with the routine that belongs to its allocation",
            "[doc] Windows stops with BAD_POOL_CALLER (0xC2)"},
    RuleRow{Rule::pool_leak, "pool.leak", Severity::warning, "memory was still allocated after DumpUnload",
            "free in DumpUnload what DriverEntry allocated: every hibernation loads the filter anew",
            "[doc] Dump_Unload releases what the filter holds; never judged after a crash, which ends without it"},
    RuleRow{Rule::pool_overrun, "pool.overrun", Severity::error, "memory behind the end of an allocation was accessed",
            "compare the size you ask for with what you write; count the terminating zero, and the bytes before the "
            "first page boundary",
            "[doc] with special pool 0xD6 or 0xCD at the access, 0xC1 when the block is freed, 0xD1 at DISPATCH_LEVEL "
            "and above; without it the neighbour is damaged: 0x19 or 0xC5, later and elsewhere"},
    RuleRow{Rule::pool_underrun, "pool.underrun", Severity::error,
            "memory before the start of an allocation was accessed",
            "look for an index or a length that can become negative, and for pointers moved back once too often",
            "[doc] with special pool 0xD6 or 0xCD at the access, or 0xC1 when the block is freed; without it the "
            "block's own header is damaged: 0x19 or 0xC2 when it is freed"},
    RuleRow{Rule::pool_use_after_free, "pool.use-after-free", Severity::error, "memory was accessed after it was freed",
            "set the pointer to NULL when you free it, and free only what no callback, timer, DPC or other instance "
            "can still reach",
            "[doc] with special pool 0xD5 or 0xCC, 0xD1 at DISPATCH_LEVEL and above; without it the access finds "
            "whatever is there by then: 0xC5 or 0x19 once the pool notices"},
    RuleRow{Rule::pool_default_tag, "pool.default-tag", Severity::information,
            "memory was allocated with no tag or with a default one",
            "give each kind of allocation a tag of its own: it is what a leak or a damaged pool is traced by",
            "[doc] Driver Verifier stops a tag of zero with 0xC2, parameter 1 is 0x9B; ExAllocatePool2 refuses it"},
    RuleRow{Rule::pool_executable, "pool.executable", Severity::warning, "executable memory was allocated",
            "use NonPagedPoolNx, POOL_FLAG_NON_PAGED or PAGE_READWRITE, or build with POOL_NX_OPTIN: with memory "
            "integrity no such memory can be executed anyway",
            "[doc] memory integrity (HVCI) does not allow it; Driver Verifier's code integrity checks stop with 0xC4, "
            "0x2000 or 0x2001"},
    RuleRow{Rule::pool_used_while_crashing, "pool.used-while-crashing", Severity::warning,
            "memory was allocated or freed while a dump was written, or above DISPATCH_LEVEL",
            "allocate in DriverEntry what DumpStart, DumpWrite and DumpFinish will need, and free in DumpUnload: the "
            "pool may be what crashed",
            "[doc] these routines are for DISPATCH_LEVEL at most; [seen: third-party filters] Windows does not stop "
            "it: it works until the pool's own state or lock is the casualty"},
    RuleRow{Rule::pool_quota_exceeded, "pool.quota-exceeded", Severity::error,
            "the driver asked for more memory than the scenario lets one driver have",
            "look for an allocation in a loop or in DumpWrite that is never freed; if so much is meant, raise "
            "limits.memory",
            "[assumed] a quota of the simulator's: from here on allocations fail as they are documented to"},
    RuleRow{
        Rule::scratch_overrun, "scratch.overrun", Severity::error,
        "a write that spans one page more than MaxPagesPerWrite ran over the end of a buffer of MaxPagesPerWrite pages",
        "allocate MaxPagesPerWrite + 1 pages, and as many page frame numbers in your MDL: a full-length MDL whose "
        "ByteOffset is not 0 spans one more",
        "[doc] MaxPagesPerWrite limits the length, and ADDRESS_AND_SIZE_TO_SPAN_PAGES counts the first page in part; "
        "[seen: VeraCrypt] the page-count arithmetic"},
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
    RuleRow{Rule::stack_overflow, "stack.overflow", Severity::error, "a routine used more than the kernel stack",
            "keep large variables in memory allocated in DriverEntry: a dump callback shares the stack with whatever "
            "crashed",
            "[doc] x64 Windows gives 24 KiB; the guard page below ends in a double fault, 0x7F with parameter 1 = 8"},
    RuleRow{
        Rule::lifecycle_error_lets_plaintext_through, "lifecycle.error-lets-plaintext-through", Severity::error,
        "a callback returned an error: the write went to the disk all the same and the filter is skipped from here on",
        "an error does not stop a dump; a filter that must not let plaintext through stops the machine (KeBugCheckEx)",
        "[seen: Windows 7's dispatcher, VeraCrypt's comments] later versions [assumed] alike"},
    RuleRow{Rule::lifecycle_write_after_finish_without_keys, "lifecycle.write-after-finish-without-keys",
            Severity::error, "a write after DumpFinish was not protected as those before it were",
            "keep the keys until DumpUnload: the dump log is written through the same filters after DumpFinish",
            "[seen: DiskCryptor wipes its keys in Dump_Finish; LeMasters saw writes after it]"},
    RuleRow{Rule::lifecycle_read_support_incomplete, "lifecycle.read-support-incomplete", Severity::warning,
            "DumpRead is given without what makes it count",
            "set DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ in Flags and MajorVersion to 2 beside DumpRead: all three, or "
            "the stack takes the filter for one that cannot read",
            "[doc] read support needs the flag, version 2 and the callback"},
    RuleRow{Rule::lifecycle_failed_without_critical, "lifecycle.failed-without-critical", Severity::warning,
            "DriverEntry failed and the filter had not said that it is critical",
            "set DUMP_FILTER_CRITICAL before anything that can fail if data must not be written without the filter; "
            "without it a failure only disables the filter",
            "[seen: Windows 7's loader; VeraCrypt, DiskCryptor and BitLocker's filter set it first]"},
    RuleRow{
        Rule::lifecycle_init_changed_later, "lifecycle.init-changed-later", Severity::warning,
        "the initialization data was changed after DriverEntry had returned",
        "set callbacks, Flags and versions in DriverEntry: whether anybody looks at them again is nowhere documented",
        "[doc] the structure is filled in by DriverEntry; [seen: Windows 7] callbacks are read from it at each call"},
    RuleRow{
        Rule::lifecycle_context_lost, "lifecycle.context-lost", Severity::warning,
        "DriverEntry kept its context where the host overwrites it",
        "set InitializationData->DumpData; it is copied to FilterExtension->DumpData when DriverEntry has succeeded",
        "[seen: Windows 7, upstream VeraCrypt] the copy is made after DriverEntry"},
    RuleRow{Rule::lifecycle_max_pages_changed, "lifecycle.max-pages-changed", Severity::warning,
            "DriverEntry changed MaxPagesPerWrite, which is the host's to say",
            "size your buffer by MaxPagesPerWrite, or fail DriverEntry if it is too large for you: writes do not "
            "become smaller",
            "[seen: Windows 7] the field is not read back; later versions [assumed] alike"},
    RuleRow{Rule::lifecycle_unload_missing, "lifecycle.unload-missing", Severity::warning,
            "the filter holds memory and has no DumpUnload to free it in",
            "give a DumpUnload that frees what DriverEntry allocated: dumps can be switched off and on, and every "
            "hibernation loads the filter anew",
            "[doc] Dump_Unload releases what the filter holds; none is needed where nothing is held"},
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
