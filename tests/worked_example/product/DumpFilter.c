// SPDX-License-Identifier: Apache-2.0
// The product's dump filter, as its repository has it. What it calls and does not define lives in the main driver's
// files: the entry, the function that sends a request, a flag that another module sets.
#include "DumpFilter.h"

#include "Cipher.h"

extern BOOL VaultPagingBlocked;
NTSTATUS VaultDeviceIoControl(PDEVICE_OBJECT deviceObject, ULONG code, void* input, ULONG inputSize, void* output,
                              ULONG outputSize);
NTSTATUS VaultSendLocal(PWSTR deviceName, ULONG code, void* output, ULONG outputSize);

static VaultBootDrive* BootDrive = NULL;
static uint8* WriteBuffer = NULL;
static SIZE_T WriteBufferSize;
static MDL* WriteBufferMdl = NULL;
static LARGE_INTEGER PartitionOffset;

static NTSTATUS VaultDumpStart(PFILTER_EXTENSION filterExtension) {
  (void)filterExtension;
  if (BootDrive->MagicNumber != VAULT_BOOT_DRIVE_MAGIC) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, 0, 0, 'VLT');
  return BootDrive->DriveMounted ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS VaultDumpWrite(PFILTER_EXTENSION filterExtension, PLARGE_INTEGER diskWriteOffset, PMDL writeMdl) {
  ULONG dataLength = MmGetMdlByteCount(writeMdl);
  uint64 offset = (uint64)(PartitionOffset.QuadPart + diskWriteOffset->QuadPart);
  uint8* data;
  (void)filterExtension;

  if (VaultPagingBlocked) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, 0, 0, 'VLT');
  if (dataLength > WriteBufferSize) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, dataLength, WriteBufferSize, 'VLT');
  if ((dataLength & (VAULT_SECTOR_SIZE - 1)) != 0 || (offset & (VAULT_SECTOR_SIZE - 1)) != 0)
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, dataLength, (ULONG_PTR)offset, 'VLT');
  if ((writeMdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, 0, 0, 'VLT');

  data = (uint8*)PAGE_ALIGN(writeMdl->MappedSystemVa) + MmGetMdlByteOffset(writeMdl);
  RtlCopyMemory(WriteBuffer, data, dataLength);
  if (offset >= BootDrive->EncryptedAreaStart && offset + dataLength - 1 <= BootDrive->EncryptedAreaEnd) {
    VaultEncryptUnits(BootDrive->MasterKey, WriteBuffer, offset / VAULT_SECTOR_SIZE, dataLength / VAULT_SECTOR_SIZE);
  }

  RtlCopyMemory(MmGetMdlPfnArray(writeMdl), MmGetMdlPfnArray(WriteBufferMdl),
                ADDRESS_AND_SIZE_TO_SPAN_PAGES(WriteBuffer, dataLength) * sizeof(PFN_NUMBER));
  writeMdl->StartVa = WriteBufferMdl->StartVa;
  writeMdl->ByteOffset = WriteBufferMdl->ByteOffset;
  writeMdl->MappedSystemVa = WriteBufferMdl->MappedSystemVa;
  return STATUS_SUCCESS;
}

static NTSTATUS VaultDumpFinish(PFILTER_EXTENSION filterExtension) {
  (void)filterExtension;
  return STATUS_SUCCESS;
}

static NTSTATUS VaultDumpUnload(PFILTER_EXTENSION filterExtension) {
  (void)filterExtension;
  IoFreeMdl(WriteBufferMdl);
  RtlSecureZeroMemory(WriteBuffer, WriteBufferSize);
  MmFreeContiguousMemory(WriteBuffer);
  WriteBuffer = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS VaultDumpFilterEntry(PFILTER_EXTENSION filterExtension, PFILTER_INITIALIZATION_DATA filterInitData) {
  PARTITION_INFORMATION_EX partition;
  PHYSICAL_ADDRESS highest;
  uint32 version = 0;
  NTSTATUS status;

  filterInitData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  filterInitData->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  filterInitData->Flags |= DUMP_FILTER_CRITICAL;

  status = VaultSendLocal((PWSTR)VAULT_DEVICE_NAME, VAULT_IOCTL_GET_DRIVER_VERSION, &version, sizeof(version));
  if (!NT_SUCCESS(status)) return status;
  if (version != VAULT_DRIVER_VERSION) return STATUS_INVALID_PARAMETER;
  status = VaultSendLocal((PWSTR)VAULT_DEVICE_NAME, VAULT_IOCTL_GET_BOOT_DRIVE, &BootDrive, sizeof(BootDrive));
  if (!NT_SUCCESS(status)) return status;
  if (BootDrive == NULL || BootDrive->MagicNumber != VAULT_BOOT_DRIVE_MAGIC) return STATUS_CRC_ERROR;

  status = VaultDeviceIoControl(filterExtension->DeviceObject, IOCTL_DISK_GET_PARTITION_INFO_EX, NULL, 0, &partition,
                                sizeof(partition));
  if (!NT_SUCCESS(status)) return status;
  PartitionOffset = partition.StartingOffset;

  if (filterInitData->MaxPagesPerWrite == 0) return STATUS_INVALID_PARAMETER;
  WriteBufferSize = (SIZE_T)filterInitData->MaxPagesPerWrite * PAGE_SIZE;
  highest.QuadPart = 0x7ffffffffffLL;
  WriteBuffer = MmAllocateContiguousMemory(WriteBufferSize, highest);
  if (!WriteBuffer) return STATUS_INSUFFICIENT_RESOURCES;
  WriteBufferMdl = IoAllocateMdl(WriteBuffer, (ULONG)WriteBufferSize, FALSE, FALSE, NULL);
  if (!WriteBufferMdl) return STATUS_INSUFFICIENT_RESOURCES;
  MmBuildMdlForNonPagedPool(WriteBufferMdl);

  filterInitData->DumpStart = VaultDumpStart;
  filterInitData->DumpWrite = VaultDumpWrite;
  filterInitData->DumpFinish = VaultDumpFinish;
  filterInitData->DumpUnload = VaultDumpUnload;
  return STATUS_SUCCESS;
}
