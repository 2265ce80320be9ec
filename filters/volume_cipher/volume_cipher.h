// SPDX-License-Identifier: Apache-2.0
//
// What the volume's driver and the dump filter must agree about: the cipher, and that its tweak is the number of the
// sector on the partition, counted from the partition's first. A dump that the filter has written is read by the driver
// after the next boot. A keystream that is used twice protects nothing; put a cipher here.
#ifndef VOLUME_CIPHER_H
#define VOLUME_CIPHER_H

#include <ntddk.h>

#define VOLUME_CIPHER_TAG 'hCoV'
#define VOLUME_CIPHER_SECTOR 512
// Both read the key of the driver's service: a dump filter has no registry path of its own.
#define VOLUME_CIPHER_PARAMETERS L"volume_cipher\\Parameters"

static inline ULONGLONG VolumeCipherMix(ULONGLONG Value) {
  Value = (Value ^ (Value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  Value = (Value ^ (Value >> 27)) * 0x94D049BB133111EBULL;
  return Value ^ (Value >> 31);
}

// Whole sectors from Sector on. The same both ways; From and To may be one.
static inline VOID VolumeCipher(ULONGLONG Key, ULONGLONG Sector, const UCHAR* From, PUCHAR To, ULONG Length) {
  const ULONG Words = VOLUME_CIPHER_SECTOR / sizeof(ULONGLONG);
  for (ULONG i = 0; i < Length / sizeof(ULONGLONG); ++i) {
    const ULONGLONG Tweak = (Sector + i / Words) * Words + i % Words;
    ((ULONGLONG UNALIGNED*)To)[i] = ((const ULONGLONG UNALIGNED*)From)[i] ^ VolumeCipherMix(Key + Tweak);
  }
}

static inline NTSTATUS VolumeCipherReadKey(PULONGLONG Key) {
  ULONG Value = 0, None = 0;
  RTL_QUERY_REGISTRY_TABLE Table[2];
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
  Table[0].Name = (PWSTR)L"Key";
  Table[0].EntryContext = &Value;
  Table[0].DefaultType = REG_DWORD;
  Table[0].DefaultData = &None;
  Table[0].DefaultLength = sizeof(None);
  NTSTATUS Status = RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, VOLUME_CIPHER_PARAMETERS, Table, NULL, NULL);
  if (!NT_SUCCESS(Status)) return Status;
  if (Value == 0) return STATUS_NOT_FOUND;
  *Key = VolumeCipherMix(Value);
  return STATUS_SUCCESS;
}

#endif  // VOLUME_CIPHER_H
