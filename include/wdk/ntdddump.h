// SPDX-License-Identifier: Apache-2.0
//
// The dump filter interface. DriverEntry of a dump filter is called with a FILTER_EXTENSION and a
// FILTER_INITIALIZATION_DATA in place of a driver object and a registry path, and fills in the callbacks of the latter.
// NTDDI_VERSION decides the length of both structures; neither has a field that tells the host which one it was. [doc]
#ifndef WDK_NTDDDUMP_H
#define WDK_NTDDDUMP_H

#include "ddi/io_types.h"
#include "ntdddisk.h"

WDK_EXTERN_C_BEGIN

#if NTDDI_VERSION >= NTDDI_WIN8
#define DUMP_FILTER_MAJOR_VERSION 2
#define DUMP_FILTER_MAJOR_VERSION_1 1
#else
#define DUMP_FILTER_MAJOR_VERSION 1
#endif
#define DUMP_FILTER_MINOR_VERSION 0

// FILTER_INITIALIZATION_DATA.Flags as the filter leaves it: a failing DriverEntry then fails the whole dump stack.
// [doc]
#define DUMP_FILTER_CRITICAL 0x00000001

#if NTDDI_VERSION >= NTDDI_WIN8
// The same field as the host hands it out. Bit 0 is DUMP_FILTER_CRITICAL on the way back, so a filter that or-s into
// Flags becomes critical. [doc; the direction seen: a listing of the Windows 10 BitLocker filter]
#define DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ 0x00000001
#define DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX 0x00000002

// FILTER_EXTENSION.Flags. When the system sets it is unknown.
#define DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF 0x00000001
#endif

typedef enum _FILTER_DUMP_TYPE {
  DumpTypeUndefined = 0,
  DumpTypeCrashdump = 1,
  DumpTypeHibernation = 2
} FILTER_DUMP_TYPE,
    *PFILTER_DUMP_TYPE;

// What the stack's own dispatcher is asked to do with every filter. There is no value for unload. [doc]
typedef enum _FILTER_CALLBACK {
  CallbackDumpInit = 0,
  CallbackDumpStart = 1,
  CallbackDumpWrite = 2,
  CallbackDumpFinish = 3,
#if NTDDI_VERSION >= NTDDI_WIN8
  CallbackDumpRead = 4,
#endif
  CallbackMaxCallback
} FILTER_CALLBACK,
    *PFILTER_CALLBACK;

typedef struct _FILTER_EXTENSION {
  FILTER_DUMP_TYPE DumpType;
  PDEVICE_OBJECT DeviceObject;  // top of the dump volume's device stack
  DISK_GEOMETRY Geometry;
  LARGE_INTEGER DiskSize;
  DISK_PARTITION_INFO PartitionInfo;  // identity of the disk; has no partition offset
  PVOID DumpData;                     // copied from FILTER_INITIALIZATION_DATA after DriverEntry
#if NTDDI_VERSION >= NTDDI_WIN8
  ULONG Size;  // bytes the host provides: test before touching a later field
  ULONG Flags;
#endif
} FILTER_EXTENSION, *PFILTER_EXTENSION;

#if NTDDI_VERSION >= NTDDI_WIN8
#define DUMP_FILTER_EXTENSION_SIZE_V1 FIELD_OFFSET(FILTER_EXTENSION, Size)
#define DUMP_FILTER_EXTENSION_SIZE_V2 sizeof(FILTER_EXTENSION)
#endif

// DumpWrite and DumpRead: DiskByteOffset is relative to the partition. The MDL is lent for the call. A write must not
// change the buffer in place: retarget the MDL at a buffer of the same size instead. HIGH_LEVEL. [doc]
typedef NTSTATUS DUMP_START(PFILTER_EXTENSION FilterExtension);
typedef DUMP_START* PDUMP_START;
typedef NTSTATUS DUMP_WRITE(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl);
typedef DUMP_WRITE* PDUMP_WRITE;
typedef NTSTATUS DUMP_FINISH(PFILTER_EXTENSION FilterExtension);
typedef DUMP_FINISH* PDUMP_FINISH;
typedef NTSTATUS DUMP_UNLOAD(PFILTER_EXTENSION FilterExtension);
typedef DUMP_UNLOAD* PDUMP_UNLOAD;
#if NTDDI_VERSION >= NTDDI_WIN8
typedef NTSTATUS DUMP_READ(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl);
typedef DUMP_READ* PDUMP_READ;
#endif
#if NTDDI_VERSION >= NTDDI_WIN10_NI
// Only the field is public: neither its signature nor when it is called is documented, so it is an opaque pointer here,
// and which kit first had it is a guess. [doc: the field; assumed: from NTDDI_WIN10_NI on]
typedef PVOID PDUMP_PRE_READ_WRITE;
#endif

typedef struct _FILTER_INITIALIZATION_DATA {
  ULONG MajorVersion;
  ULONG MinorVersion;
  PDUMP_START DumpStart;
  PDUMP_WRITE DumpWrite;
  PDUMP_FINISH DumpFinish;
  PDUMP_UNLOAD DumpUnload;
  PVOID DumpData;
  ULONG MaxPagesPerWrite;
  ULONG Flags;
#if NTDDI_VERSION >= NTDDI_WIN8
  PDUMP_READ DumpRead;
#endif
#if NTDDI_VERSION >= NTDDI_WIN10_NI
  PDUMP_PRE_READ_WRITE DumpPreReadWrite;
#endif
} FILTER_INITIALIZATION_DATA, *PFILTER_INITIALIZATION_DATA;

WDK_EXTERN_C_END

#endif  // WDK_NTDDDUMP_H
