// SPDX-License-Identifier: Apache-2.0
// What the examples of docs/rules.md leave out: the rest of the filter they are taken from.
#include <ntddk.h>

#include <ntdddump.h>

#define HEADER_BYTES 4096

PUCHAR MdlBytes(PMDL Mdl);
void EncryptMdl(PMDL Mdl);
void Encrypt(PUCHAR To, const UCHAR* From, ULONG Length);
void Decrypt(PUCHAR To, const UCHAR* From, ULONG Length);
void EncryptAt(ULONGLONG Place, PUCHAR To, const UCHAR* From, ULONG Length);
void DecryptAt(ULONGLONG Place, PUCHAR Bytes, ULONG Length);
void PointMdlAt(PMDL Mdl, PMDL To);
PUCHAR AllocatePages(ULONG Pages);
PUCHAR EncryptedCopy(PMDL Mdl);
void PointMdlAtBytes(PMDL Mdl, PUCHAR To);
ULONG ChecksumOf(ULONG Before, const UCHAR* Bytes, ULONG Length);
BOOLEAN FindMainDriver(void);
NTSTATUS MovesEveryWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl);
NTSTATUS FreesDumpData(PFILTER_EXTENSION Extension);
NTSTATUS Ask(PDEVICE_OBJECT Device);
void QueueForLater(PIRP Irp);
NTSTATUS OnWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl);
NTSTATUS OnRead(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl);
void OnBugCheck(PVOID Buffer, ULONG Length);

extern PUCHAR Scratch;
extern PMDL ScratchMdl;
extern PMDL LastMdl;
extern LONGLONG PartitionStart, PartitionLength;
extern PVOID Context;
extern PFILTER_INITIALIZATION_DATA KeptInit;
extern ULONG Checksum;
extern BOOLEAN KeyIsReady;
extern ULONG InUse;
extern UNICODE_STRING LinkName;
extern PVOID Registration;
extern PVOID Thread;
extern KEVENT Stop;
extern KMUTEX KeysLock, LogLock;
extern KBUGCHECK_CALLBACK_RECORD Record;
extern KBUGCHECK_REASON_CALLBACK_RECORD LogRecord;
extern UCHAR Component[];
extern UCHAR Log[512], Keys[512];
extern const GUID LogGuid, KeysGuid;
extern struct {
  ULONG Version;
} Answer;
