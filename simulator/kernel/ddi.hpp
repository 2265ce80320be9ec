// SPDX-License-Identifier: Apache-2.0
// The kernel's implementations, declared with the very types of the driver headers: `decltype(::Name) Name` cannot
// drift from include/wdk. They live in this namespace, so that no driver name stands in the host's global scope, where
// it would capture the callers of the other convention. Calls among them are qualified (kernel::Name), since argument
// types would otherwise also find the global prototypes. Include after all other headers: it brings the WDK's macros.
#pragma once

#include "wdk/ntddk.h"
//
#include "wdk/ntdddisk.h"
#include "wdk/ntdddump.h"
#include "wdk/ntddscsi.h"
#include "wdk/ntddstor.h"
#include "wdk/ntddvol.h"

namespace dumpsim::kernel {

#define DUMPSIM_EXPORT(name) decltype(::name) name

// ex_pool.cpp
DUMPSIM_EXPORT(ExAllocatePool);
DUMPSIM_EXPORT(ExAllocatePoolWithTag);
DUMPSIM_EXPORT(ExAllocatePoolWithQuota);
DUMPSIM_EXPORT(ExAllocatePoolWithQuotaTag);
DUMPSIM_EXPORT(ExAllocatePoolWithTagPriority);
DUMPSIM_EXPORT(ExAllocatePool2);
DUMPSIM_EXPORT(ExFreePool);
DUMPSIM_EXPORT(ExFreePoolWithTag);
DUMPSIM_EXPORT(ExFreePool2);

// mm_contiguous.cpp
DUMPSIM_EXPORT(MmAllocateContiguousMemory);
DUMPSIM_EXPORT(MmAllocateContiguousMemorySpecifyCache);
DUMPSIM_EXPORT(MmAllocateContiguousMemorySpecifyCacheNode);
DUMPSIM_EXPORT(MmAllocateContiguousNodeMemory);
DUMPSIM_EXPORT(MmFreeContiguousMemory);
DUMPSIM_EXPORT(MmFreeContiguousMemorySpecifyCache);
DUMPSIM_EXPORT(MmAllocateNonCachedMemory);
DUMPSIM_EXPORT(MmFreeNonCachedMemory);

// mm_mdl.cpp
DUMPSIM_EXPORT(IoAllocateMdl);
DUMPSIM_EXPORT(IoFreeMdl);
DUMPSIM_EXPORT(IoBuildPartialMdl);
DUMPSIM_EXPORT(MmSizeOfMdl);
DUMPSIM_EXPORT(MmBuildMdlForNonPagedPool);
DUMPSIM_EXPORT(MmProbeAndLockPages);
DUMPSIM_EXPORT(MmUnlockPages);
DUMPSIM_EXPORT(MmMapLockedPages);
DUMPSIM_EXPORT(MmMapLockedPagesSpecifyCache);
DUMPSIM_EXPORT(MmUnmapLockedPages);
DUMPSIM_EXPORT(MmAllocatePagesForMdl);
DUMPSIM_EXPORT(MmAllocatePagesForMdlEx);
DUMPSIM_EXPORT(MmFreePagesFromMdl);

// mm_address.cpp
DUMPSIM_EXPORT(MmGetPhysicalAddress);
DUMPSIM_EXPORT(MmGetVirtualForPhysical);
DUMPSIM_EXPORT(MmIsAddressValid);
DUMPSIM_EXPORT(MmGetSystemRoutineAddress);
DUMPSIM_EXPORT(MmQuerySystemSize);

// ke_irql.cpp
DUMPSIM_EXPORT(KeGetCurrentIrql);
DUMPSIM_EXPORT(KfRaiseIrql);
DUMPSIM_EXPORT(KeLowerIrql);
DUMPSIM_EXPORT(KeRaiseIrqlToDpcLevel);
DUMPSIM_EXPORT(KeRaiseIrqlToSynchLevel);

// ke_bugcheck.cpp
[[noreturn]] VOID KeBugCheck(ULONG BugCheckCode);
[[noreturn]] VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                               ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4);
[[noreturn]] VOID ExRaiseStatus(NTSTATUS Status);

// io_device.cpp
DUMPSIM_EXPORT(IoGetDeviceObjectPointer);
DUMPSIM_EXPORT(IoGetAttachedDevice);
DUMPSIM_EXPORT(IoGetAttachedDeviceReference);
DUMPSIM_EXPORT(IoGetRelatedDeviceObject);
DUMPSIM_EXPORT(ObfReferenceObject);
DUMPSIM_EXPORT(ObfDereferenceObject);

// io_irp.cpp
DUMPSIM_EXPORT(IoInitializeIrp);
DUMPSIM_EXPORT(IoAllocateIrp);
DUMPSIM_EXPORT(IoReuseIrp);
DUMPSIM_EXPORT(IoFreeIrp);
DUMPSIM_EXPORT(IoBuildDeviceIoControlRequest);
DUMPSIM_EXPORT(IoBuildSynchronousFsdRequest);
DUMPSIM_EXPORT(IoBuildAsynchronousFsdRequest);
DUMPSIM_EXPORT(IofCallDriver);
DUMPSIM_EXPORT(IofCompleteRequest);

// ke_event.cpp
DUMPSIM_EXPORT(KeGetCurrentThread);
DUMPSIM_EXPORT(KeInitializeEvent);
DUMPSIM_EXPORT(KeSetEvent);
DUMPSIM_EXPORT(KeClearEvent);
DUMPSIM_EXPORT(KeResetEvent);
DUMPSIM_EXPORT(KeReadStateEvent);
DUMPSIM_EXPORT(KeInitializeMutex);
DUMPSIM_EXPORT(KeReleaseMutex);
DUMPSIM_EXPORT(KeReadStateMutex);
DUMPSIM_EXPORT(KeInitializeSemaphore);
DUMPSIM_EXPORT(KeReleaseSemaphore);
DUMPSIM_EXPORT(KeReadStateSemaphore);
DUMPSIM_EXPORT(KeWaitForSingleObject);
DUMPSIM_EXPORT(KeWaitForMultipleObjects);
DUMPSIM_EXPORT(KeDelayExecutionThread);

#undef DUMPSIM_EXPORT

}  // namespace dumpsim::kernel
