// SPDX-License-Identifier: Apache-2.0
//
// The auxiliary kernel library: the loaded modules, in documented words. On Windows it is linked from aux_klib.lib;
// here the simulated kernel has it. [doc]
#ifndef WDK_AUX_KLIB_H
#define WDK_AUX_KLIB_H

#include "ntddk.h"

WDK_EXTERN_C_BEGIN

#define AUX_KLIB_MODULE_PATH_LEN 256

typedef struct _AUX_MODULE_BASIC_INFO {
  PVOID ImageBase;
} AUX_MODULE_BASIC_INFO, *PAUX_MODULE_BASIC_INFO;

typedef struct _AUX_MODULE_EXTENDED_INFO {
  AUX_MODULE_BASIC_INFO BasicInfo;
  ULONG ImageSize;
  USHORT FileNameOffset;
  UCHAR FullPathName[AUX_KLIB_MODULE_PATH_LEN];
} AUX_MODULE_EXTENDED_INFO, *PAUX_MODULE_EXTENDED_INFO;

NTSTATUS AuxKlibInitialize(VOID);
NTSTATUS AuxKlibQueryModuleInformation(PULONG BufferSize, ULONG ElementSize, PVOID QueryInfo);

WDK_EXTERN_C_END

#endif  // WDK_AUX_KLIB_H
