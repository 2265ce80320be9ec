// SPDX-License-Identifier: Apache-2.0
// The common header of an invented product, "Vault": a stand-in for the kind of file that every real one has.
#ifndef VAULT_DEFS_H
#define VAULT_DEFS_H

#ifdef VAULT_WINDOWS_DRIVER
#include <ntifs.h>

#include <ntdddisk.h>
#include <ntddvol.h>
#endif

typedef unsigned __int8 uint8;
typedef unsigned __int32 uint32;
typedef unsigned __int64 uint64;
typedef int BOOL;

#define VAULT_SECTOR_SIZE 512
#define VAULT_DRIVER_VERSION 0x0204
#define VAULT_DEVICE_NAME L"\\Device\\Vault"

#define VAULT_IOCTL(function) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (function), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define VAULT_IOCTL_GET_DRIVER_VERSION VAULT_IOCTL(1)
#define VAULT_IOCTL_GET_BOOT_DRIVE VAULT_IOCTL(38)

// Of the boot drive: made by the driver, lent to its dump filter.
typedef struct {
  uint64 MagicNumber;
  BOOL DriveMounted;
  uint64 EncryptedAreaStart;  // bytes from the start of the disk
  uint64 EncryptedAreaEnd;    // the last byte
  uint8 MasterKey[32];
} VaultBootDrive;

#define VAULT_BOOT_DRIVE_MAGIC 0x544F4F42544C5641ull

#endif
