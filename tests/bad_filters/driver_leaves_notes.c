// SPDX-License-Identifier: Apache-2.0
// Not bad: an ordinary driver with bug check callbacks, which no dump filter has to be loaded for. It leaves a block in
// the secondary data, takes a page out of the dump, and wipes its key when the dump is written. DriverUnload gives up
// one record too few when Parameters\Forgetful says so.
#include <ntddk.h>

// {8e4c1d07-6b4f-4a57-9a3d-2f0e7c5b1a46}
static const GUID NotesGuid = {0x8e4c1d07, 0x6b4f, 0x4a57, {0x9a, 0x3d, 0x2f, 0x0e, 0x7c, 0x5b, 0x1a, 0x46}};
static CHAR Notes[24] = "notes of the driver";
static UCHAR Component[] = "leaves_notes";
static KBUGCHECK_REASON_CALLBACK_RECORD NotesRecord, RemoveRecord;
static KBUGCHECK_CALLBACK_RECORD WipeRecord;
static PUCHAR Key;
static BOOLEAN Forgetful;

static VOID LeaveNotes(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID Specific,
                       ULONG Length) {
  PKBUGCHECK_SECONDARY_DUMP_DATA Data = (PKBUGCHECK_SECONDARY_DUMP_DATA)Specific;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  if (Length < sizeof(*Data) || Data->MaximumAllowed < sizeof(Notes)) return;
  Data->Guid = NotesGuid;
  Data->OutBuffer = Notes;
  Data->OutBufferLength = sizeof(Notes);
}

static VOID RemoveKey(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID Specific,
                      ULONG Length) {
  PKBUGCHECK_REMOVE_PAGES Pages = (PKBUGCHECK_REMOVE_PAGES)Specific;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(Length);
  Pages->Flags = KB_REMOVE_PAGES_FLAG_PHYSICAL_ADDRESS;
  Pages->Address = 0x5000;
  Pages->Count = 1;
}

static VOID Wipe(PVOID Buffer, ULONG Length) {
  RtlSecureZeroMemory(Buffer, Length);
}

static VOID Unload(PDRIVER_OBJECT DriverObject) {
  UNREFERENCED_PARAMETER(DriverObject);
  KeDeregisterBugCheckReasonCallback(&NotesRecord);
  KeDeregisterBugCheckReasonCallback(&RemoveRecord);
  if (!Forgetful) KeDeregisterBugCheckCallback(&WipeRecord);
  ExFreePoolWithTag(Key, 'toNL');
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  RTL_QUERY_REGISTRY_TABLE Table[2];
  ULONG Value = 0;
  UNREFERENCED_PARAMETER(RegistryPath);
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
  Table[0].Name = (PWSTR)L"Forgetful";
  Table[0].EntryContext = &Value;
  RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"driver_leaves_notes\\Parameters", Table, NULL, NULL);
  Forgetful = Value != 0;
  Key = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, 'toNL');
  if (Key == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeCallbackRecord(&NotesRecord);
  KeInitializeCallbackRecord(&RemoveRecord);
  KeInitializeCallbackRecord(&WipeRecord);
  if (!KeRegisterBugCheckReasonCallback(&NotesRecord, LeaveNotes, KbCallbackSecondaryDumpData, Component) ||
      !KeRegisterBugCheckReasonCallback(&RemoveRecord, RemoveKey, KbCallbackRemovePages, Component) ||
      !KeRegisterBugCheckCallback(&WipeRecord, Wipe, Key, PAGE_SIZE, Component)) {
    return STATUS_UNSUCCESSFUL;
  }
  DriverObject->DriverUnload = Unload;
  return STATUS_SUCCESS;
}
