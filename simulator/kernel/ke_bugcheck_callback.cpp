// SPDX-License-Identifier: Apache-2.0
// Bug check callbacks: registration, and the array in which a driver names memory for small dumps. Who calls the
// routines, and when, is the dump stack's.
#include "kernel/bugcheck_callbacks.hpp"

#include <cstddef>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

template <class T>
ULONG_PTR number(T* pointer) {
  return reinterpret_cast<ULONG_PTR>(pointer);
}

// Windows keeps such a sum too; what it is made of is not documented.
ULONG_PTR checksum_of(const KBUGCHECK_CALLBACK_RECORD& record) {
  return number(record.CallbackRoutine) + number(record.Buffer) + record.Length + number(record.Component);
}
ULONG_PTR checksum_of(const KBUGCHECK_REASON_CALLBACK_RECORD& record) {
  return number(record.CallbackRoutine) + record.Reason + number(record.Component);
}

std::uint16_t owner_of(const Kernel& kernel, const void* routine) {
  const ImageRange* image = kernel.image_at(routine);
  return image == nullptr ? kernel.image() : image->id;
}

/// Whether the record may be entered: KeInitializeCallbackRecord has marked it empty. One that was never initialised,
/// or is registered, is refused [doc: FALSE]. One that is registered and was initialised all the same would be chained
/// twice.
bool admits(Kernel& kernel, std::string_view function, const void* record, UCHAR state) {
  if (state != BufferEmpty) return false;
  if (!kernel.bugcheck_callbacks().remove(record)) return true;
  char text[224];
  Line line(text);
  line.put(function);
  line.put(": the record at ");
  line.skip(kernel.words(record, line.rest(), Words::canonical));
  line.put(" is registered, and was initialised anew; Windows would chain it twice");
  kernel.violate(trace::Rule::bugcheck_record_damaged, line.text());
  return true;
}

template <class Record>
void enter(Kernel& kernel, Record* record, BugcheckRegistration registration) {
  record->Entry.Flink = record->Entry.Blink = &record->Entry;
  record->Checksum = checksum_of(*record);
  record->State = BufferInserted;
  registration.record = record;
  registration.image = owner_of(kernel, registration.routine);
  kernel.bugcheck_callbacks().add(registration);
}

template <class Record>
BOOLEAN leave(Record* record) {
  if (record->State != BufferInserted || !current().bugcheck_callbacks().remove(record)) return FALSE;
  record->State = BufferEmpty;
  return TRUE;
}

/// Triage data came with Windows 10 1809 [doc]; the Windows 7 kit knows all the others [seen: mingw-w64's headers].
bool knows(const Kernel& kernel, KBUGCHECK_CALLBACK_REASON reason) {
  constexpr std::uint32_t windows_10_1809 = 17763;
  switch (reason) {
    case KbCallbackSecondaryDumpData:
    case KbCallbackDumpIo:
    case KbCallbackAddPages:
    case KbCallbackSecondaryMultiPartDumpData:
    case KbCallbackRemovePages:
      return true;
    case KbCallbackTriageDumpData:
      return kernel.config().build >= windows_10_1809;
    default:
      return false;
  }
}

template <class Record>
bool as_registered(const void* at, const BugcheckRegistration& registration) {
  const auto& record = *static_cast<const Record*>(at);
  return record.State == BufferInserted && record.CallbackRoutine == registration.routine &&
         record.Checksum == checksum_of(record);
}

}  // namespace

bool Kernel::record_intact(const BugcheckRegistration& registration) const {
  const bool plain = registration.reason == BugcheckReason::none;
  const std::size_t bytes = plain ? sizeof(KBUGCHECK_CALLBACK_RECORD) : sizeof(KBUGCHECK_REASON_CALLBACK_RECORD);
  const auto* first = static_cast<const std::byte*>(registration.record);
  if (registration.gone || !machine_.memory.is_readable(first) || !machine_.memory.is_readable(first + bytes - 1))
    return false;
  if (plain) return as_registered<KBUGCHECK_CALLBACK_RECORD>(first, registration);
  const auto reason = static_cast<const KBUGCHECK_REASON_CALLBACK_RECORD*>(registration.record)->Reason;
  return static_cast<std::uint32_t>(reason) == static_cast<std::uint32_t>(registration.reason) &&
         as_registered<KBUGCHECK_REASON_CALLBACK_RECORD>(first, registration);
}

std::string Kernel::registered_by(std::uint16_t image) const {
  std::size_t count = 0;
  const void* first = nullptr;
  for (const BugcheckRegistration& each : bugcheck_callbacks_.all()) {
    if (each.image != image || each.gone) continue;
    if (count++ == 0) first = each.record;
  }
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " bug check callback is" : " bug check callbacks are") +
         " still registered, the first with the record at " + words(first, Words::canonical);
}

BOOLEAN KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                   PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer, ULONG Length,
                                   PUCHAR Component) {
  Kernel& kernel = current();
  if (!admits(kernel, "KeRegisterBugCheckCallback", CallbackRecord, CallbackRecord->State)) return FALSE;
  CallbackRecord->CallbackRoutine = CallbackRoutine;
  CallbackRecord->Buffer = Buffer;
  CallbackRecord->Length = Length;
  CallbackRecord->Component = Component;
  enter(kernel, CallbackRecord,
        {.routine = reinterpret_cast<const void*>(CallbackRoutine), .buffer = Buffer, .length = Length});
  return TRUE;
}

BOOLEAN KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord) {
  return leave(CallbackRecord);
}

BOOLEAN KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                         KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component) {
  Kernel& kernel = current();
  // A reason that this Windows does not know is refused [assumed].
  if (!knows(kernel, Reason)) return FALSE;
  if (!admits(kernel, "KeRegisterBugCheckReasonCallback", CallbackRecord, CallbackRecord->State)) return FALSE;
  CallbackRecord->CallbackRoutine = CallbackRoutine;
  CallbackRecord->Component = Component;
  CallbackRecord->Reason = Reason;
  enter(kernel, CallbackRecord,
        {.routine = reinterpret_cast<const void*>(CallbackRoutine), .reason = static_cast<BugcheckReason>(Reason)});
  return TRUE;
}

BOOLEAN KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord) {
  return leave(CallbackRecord);
}

// Which statuses the two return for what is documented as "an appropriate one" is [assumed].
NTSTATUS KeInitializeTriageDumpDataArray(PKTRIAGE_DUMP_DATA_ARRAY KtriageDumpDataArray, ULONG Size) {
  if (KtriageDumpDataArray == nullptr) return STATUS_INVALID_PARAMETER;
  if (Size < sizeof(KTRIAGE_DUMP_DATA_ARRAY)) return STATUS_BUFFER_TOO_SMALL;
  KTRIAGE_DUMP_DATA_ARRAY& array = *KtriageDumpDataArray;
  array = {};
  array.List.Flink = array.List.Blink = &array.List;
  array.NumBlocksTotal =
      static_cast<ULONG>((Size - offsetof(KTRIAGE_DUMP_DATA_ARRAY, Blocks)) / sizeof(KADDRESS_RANGE));
  return STATUS_SUCCESS;
}

NTSTATUS KeAddTriageDumpDataBlock(PKTRIAGE_DUMP_DATA_ARRAY KtriageDumpDataArray, PVOID Address, SIZE_T Size) {
  if (KtriageDumpDataArray == nullptr || Address == nullptr || Size == 0) return STATUS_INVALID_PARAMETER;
  KTRIAGE_DUMP_DATA_ARRAY& array = *KtriageDumpDataArray;
  if (array.NumBlocksUsed >= array.NumBlocksTotal || Size > MAXULONG - array.DataSize) return STATUS_BUFFER_TOO_SMALL;
  if (array.MaxDataSize != 0 && array.DataSize + Size > array.MaxDataSize) return STATUS_BUFFER_TOO_SMALL;
  KADDRESS_RANGE* const blocks = array.Blocks;
  blocks[array.NumBlocksUsed++] = {Address, Size};
  array.DataSize += static_cast<ULONG>(Size);
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
