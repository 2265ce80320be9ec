// SPDX-License-Identifier: Apache-2.0
//
// What a filter can do for the dump besides its writes, by bug check callbacks: it leaves a block of notes in the
// secondary data, has its own context dumped so that support can look at it, takes the page with its keys out again,
// and wipes them when the dump is written. It encrypts nothing: put it beside a filter that does.
#include <ntddk.h>

#include <ntdddump.h>

#define NOTES_TAG 'toNC'

// {1b0c7a52-3d0f-4a8e-9d6c-5e1f2a3b4c5d}: every block needs a tag of its own.
static const GUID NotesGuid = {0x1b0c7a52, 0x3d0f, 0x4a8e, {0x9d, 0x6c, 0x5e, 0x1f, 0x2a, 0x3b, 0x4c, 0x5d}};

// What the block says, in a form that a debugger extension can rely on.
typedef struct _NOTES {
  CHAR Label[16];
  ULONG Version;
  ULONG Writes;
  ULONGLONG Bytes;
  ULONGLONG LastOffset;
} NOTES, *PNOTES;
C_ASSERT(sizeof(NOTES) == 40);

// A page each, so that one can be taken out of the dump without the others.
typedef struct _NOTES_CONTEXT {
  union {
    NOTES Notes;
    UCHAR NotesPage[PAGE_SIZE];
  } u;
  UCHAR Keys[PAGE_SIZE];
  UCHAR Log[PAGE_SIZE];
} NOTES_CONTEXT, *PNOTES_CONTEXT;
C_ASSERT(sizeof(NOTES_CONTEXT) == 3 * PAGE_SIZE);

static PNOTES_CONTEXT Context;
static UCHAR Component[] = "crash_notes";
static KBUGCHECK_REASON_CALLBACK_RECORD SecondaryRecord, AddRecord, RemoveRecord;
static KBUGCHECK_CALLBACK_RECORD WipeRecord;

static DUMP_WRITE NotesWrite;
static DUMP_UNLOAD NotesUnload;

static NTSTATUS NotesWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  ++Context->u.Notes.Writes;
  Context->u.Notes.Bytes += MmGetMdlByteCount(Mdl);
  Context->u.Notes.LastOffset = (ULONGLONG)DiskByteOffset->QuadPart;
  return STATUS_SUCCESS;
}

// Called twice: for the size, then for the data, which is small enough for the system's own buffer.
static VOID NotesSecondaryData(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                               PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_SECONDARY_DUMP_DATA Data = (PKBUGCHECK_SECONDARY_DUMP_DATA)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  if (ReasonSpecificDataLength < sizeof(*Data) || Data->MaximumAllowed < sizeof(NOTES) ||
      Data->InBufferLength < sizeof(NOTES)) {
    return;
  }
  if (Data->OutBuffer != NULL) RtlCopyMemory(Data->InBuffer, &Context->u.Notes, sizeof(NOTES));
  Data->Guid = NotesGuid;
  Data->OutBuffer = Data->InBuffer;
  Data->OutBufferLength = sizeof(NOTES);
}

static VOID NotesAddPages(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                          PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_ADD_PAGES Data = (PKBUGCHECK_ADD_PAGES)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  if (ReasonSpecificDataLength < sizeof(*Data)) return;
  Data->Flags = KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS;
  Data->Address = (ULONG_PTR)Context;
  Data->Count = sizeof(*Context) / PAGE_SIZE;
}

static VOID NotesRemovePages(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                             PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_REMOVE_PAGES Data = (PKBUGCHECK_REMOVE_PAGES)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  if (ReasonSpecificDataLength < sizeof(*Data)) return;
  Data->Flags = KB_REMOVE_PAGES_FLAG_VIRTUAL_ADDRESS;
  Data->Address = (ULONG_PTR)Context->Keys;
  Data->Count = 1;
}

// After the dump: nobody needs the keys any more, and memory keeps its content through a reset.
static VOID NotesWipe(PVOID Buffer, ULONG Length) {
  RtlSecureZeroMemory(Buffer, Length);
}

static VOID NotesDeregister(VOID) {
  KeDeregisterBugCheckReasonCallback(&SecondaryRecord);
  KeDeregisterBugCheckReasonCallback(&AddRecord);
  KeDeregisterBugCheckReasonCallback(&RemoveRecord);
  KeDeregisterBugCheckCallback(&WipeRecord);
}

static BOOLEAN NotesRegister(VOID) {
  KeInitializeCallbackRecord(&SecondaryRecord);
  KeInitializeCallbackRecord(&AddRecord);
  KeInitializeCallbackRecord(&RemoveRecord);
  KeInitializeCallbackRecord(&WipeRecord);
  return KeRegisterBugCheckReasonCallback(&SecondaryRecord, NotesSecondaryData, KbCallbackSecondaryDumpData,
                                          Component) &&
         KeRegisterBugCheckReasonCallback(&AddRecord, NotesAddPages, KbCallbackAddPages, Component) &&
         KeRegisterBugCheckReasonCallback(&RemoveRecord, NotesRemovePages, KbCallbackRemovePages, Component) &&
         KeRegisterBugCheckCallback(&WipeRecord, NotesWipe, Context->Keys, PAGE_SIZE, Component);
}

static VOID NotesFree(VOID) {
  RtlSecureZeroMemory(Context->Keys, PAGE_SIZE);
  ExFreePoolWithTag(Context, NOTES_TAG);
  Context = NULL;
}

static NTSTATUS NotesUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  // The records lie in this image: they must leave the kernel's list before it goes.
  NotesDeregister();
  NotesFree();
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  static const CHAR Label[] = "crash_notes";
  UNREFERENCED_PARAMETER(FilterExtension);
  Context = (PNOTES_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), NOTES_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  RtlCopyMemory(Context->u.Notes.Label, Label, sizeof(Label));
  Context->u.Notes.Version = 1;
  RtlFillMemory(Context->Keys, PAGE_SIZE, 0x4B);
  RtlFillMemory(Context->Log, PAGE_SIZE, 0x2E);
  if (!NotesRegister()) {
    NotesDeregister();
    NotesFree();
    return STATUS_UNSUCCESSFUL;
  }
  InitializationData->DumpWrite = NotesWrite;
  InitializationData->DumpUnload = NotesUnload;
  return STATUS_SUCCESS;
}
