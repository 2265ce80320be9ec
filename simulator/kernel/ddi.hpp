// SPDX-License-Identifier: Apache-2.0
// The kernel's implementations, declared with the very types of the driver headers: `decltype(::Name) Name` cannot
// drift from include/wdk. They live in this namespace, so that no driver name stands in the host's global scope, where
// it would capture the callers of the other convention. Calls among them are qualified (kernel::Name), since argument
// types would otherwise also find the global prototypes. Include after all other headers: it brings the WDK's macros.
#pragma once

#include "wdk/ntddk.h"
//
#include "wdk/mountdev.h"
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

// ke_bugcheck_callback.cpp
DUMPSIM_EXPORT(KeRegisterBugCheckCallback);
DUMPSIM_EXPORT(KeDeregisterBugCheckCallback);
DUMPSIM_EXPORT(KeRegisterBugCheckReasonCallback);
DUMPSIM_EXPORT(KeDeregisterBugCheckReasonCallback);
DUMPSIM_EXPORT(KeInitializeTriageDumpDataArray);
DUMPSIM_EXPORT(KeAddTriageDumpDataBlock);

// ke_crash_dump_header.cpp
DUMPSIM_EXPORT(KeInitializeCrashDumpHeader);

// io_device.cpp
DUMPSIM_EXPORT(IoCreateDevice);
DUMPSIM_EXPORT(IoDeleteDevice);
DUMPSIM_EXPORT(IoRegisterShutdownNotification);
DUMPSIM_EXPORT(IoRegisterLastChanceShutdownNotification);
DUMPSIM_EXPORT(IoUnregisterShutdownNotification);

// io_attach.cpp
DUMPSIM_EXPORT(IoGetAttachedDevice);
DUMPSIM_EXPORT(IoGetAttachedDeviceReference);
DUMPSIM_EXPORT(IoGetLowerDeviceObject);
DUMPSIM_EXPORT(IoGetDeviceAttachmentBaseRef);
DUMPSIM_EXPORT(IoAttachDevice);
DUMPSIM_EXPORT(IoAttachDeviceToDeviceStack);
DUMPSIM_EXPORT(IoAttachDeviceToDeviceStackSafe);
DUMPSIM_EXPORT(IoDetachDevice);

// io_directory.cpp
DUMPSIM_EXPORT(IoCreateSymbolicLink);
DUMPSIM_EXPORT(IoCreateUnprotectedSymbolicLink);
DUMPSIM_EXPORT(IoDeleteSymbolicLink);

// io_driver.cpp
DUMPSIM_EXPORT(IoRegisterDriverReinitialization);
DUMPSIM_EXPORT(IoRegisterBootDriverReinitialization);
DUMPSIM_EXPORT(IoAllocateDriverObjectExtension);
DUMPSIM_EXPORT(IoGetDriverObjectExtension);

// io_file.cpp
DUMPSIM_EXPORT(IoGetDeviceObjectPointer);
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

// io_call.cpp
DUMPSIM_EXPORT(IofCallDriver);
DUMPSIM_EXPORT(IofCompleteRequest);
DUMPSIM_EXPORT(IoSetCompletionRoutineEx);
DUMPSIM_EXPORT(IoAcquireCancelSpinLock);
DUMPSIM_EXPORT(IoReleaseCancelSpinLock);
DUMPSIM_EXPORT(IoCancelIrp);
DUMPSIM_EXPORT(PoCallDriver);
DUMPSIM_EXPORT(PoStartNextPowerIrp);

// io_remove_lock.cpp
DUMPSIM_EXPORT(IoInitializeRemoveLockEx);
DUMPSIM_EXPORT(IoAcquireRemoveLockEx);
DUMPSIM_EXPORT(IoReleaseRemoveLockEx);
DUMPSIM_EXPORT(IoReleaseRemoveLockAndWaitEx);

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

// ke_time.cpp
DUMPSIM_EXPORT(KeStallExecutionProcessor);
DUMPSIM_EXPORT(KeQuerySystemTime);
DUMPSIM_EXPORT(KeQuerySystemTimePrecise);
DUMPSIM_EXPORT(KeQueryPerformanceCounter);
DUMPSIM_EXPORT(KeQueryTickCount);
DUMPSIM_EXPORT(KeQueryTimeIncrement);
DUMPSIM_EXPORT(KeQueryInterruptTime);
DUMPSIM_EXPORT(KeQueryInterruptTimePrecise);
DUMPSIM_EXPORT(KeQueryUnbiasedInterruptTime);
DUMPSIM_EXPORT(ExSystemTimeToLocalTime);
DUMPSIM_EXPORT(RtlTimeToTimeFields);
DUMPSIM_EXPORT(RtlTimeFieldsToTime);

// ke_lock.cpp
DUMPSIM_EXPORT(KeAcquireSpinLockRaiseToDpc);
DUMPSIM_EXPORT(KeReleaseSpinLock);
DUMPSIM_EXPORT(KeAcquireSpinLockAtDpcLevel);
DUMPSIM_EXPORT(KeReleaseSpinLockFromDpcLevel);
DUMPSIM_EXPORT(KeTryToAcquireSpinLockAtDpcLevel);
DUMPSIM_EXPORT(KeTestSpinLock);
DUMPSIM_EXPORT(KeAcquireInStackQueuedSpinLock);
DUMPSIM_EXPORT(KeReleaseInStackQueuedSpinLock);
DUMPSIM_EXPORT(KeAcquireInStackQueuedSpinLockAtDpcLevel);
DUMPSIM_EXPORT(KeReleaseInStackQueuedSpinLockFromDpcLevel);
DUMPSIM_EXPORT(ExAcquireFastMutex);
DUMPSIM_EXPORT(ExReleaseFastMutex);
DUMPSIM_EXPORT(ExTryToAcquireFastMutex);
DUMPSIM_EXPORT(ExAcquireFastMutexUnsafe);
DUMPSIM_EXPORT(ExReleaseFastMutexUnsafe);
DUMPSIM_EXPORT(ExInitializeResourceLite);
DUMPSIM_EXPORT(ExDeleteResourceLite);
DUMPSIM_EXPORT(ExAcquireResourceExclusiveLite);
DUMPSIM_EXPORT(ExAcquireResourceSharedLite);
DUMPSIM_EXPORT(ExReleaseResourceLite);
DUMPSIM_EXPORT(KeEnterCriticalRegion);
DUMPSIM_EXPORT(KeLeaveCriticalRegion);
DUMPSIM_EXPORT(KeEnterGuardedRegion);
DUMPSIM_EXPORT(KeLeaveGuardedRegion);
DUMPSIM_EXPORT(KeAreAllApcsDisabled);
DUMPSIM_EXPORT(KeAreApcsDisabled);

// ps_system.cpp
DUMPSIM_EXPORT(PsGetVersion);
DUMPSIM_EXPORT(RtlGetVersion);
DUMPSIM_EXPORT(KeGetCurrentProcessorNumber);
DUMPSIM_EXPORT(KeGetCurrentProcessorNumberEx);
DUMPSIM_EXPORT(KeQueryActiveProcessorCount);
DUMPSIM_EXPORT(KeQueryActiveProcessorCountEx);
DUMPSIM_EXPORT(KeQueryActiveGroupCount);
DUMPSIM_EXPORT(KeQueryMaximumProcessorCount);
DUMPSIM_EXPORT(KeQueryMaximumProcessorCountEx);
DUMPSIM_EXPORT(KeQueryActiveProcessors);
DUMPSIM_EXPORT(PsGetCurrentProcessId);
DUMPSIM_EXPORT(PsGetCurrentThreadId);
DUMPSIM_EXPORT(IoGetCurrentProcess);

// rtl_memory.cpp
DUMPSIM_EXPORT(RtlCompareMemory);
DUMPSIM_EXPORT(RtlRandomEx);
DUMPSIM_EXPORT(RtlGUIDFromString);
DUMPSIM_EXPORT(RtlStringFromGUID);

// rtl_string.cpp
DUMPSIM_EXPORT(RtlInitUnicodeString);
DUMPSIM_EXPORT(RtlInitString);
DUMPSIM_EXPORT(RtlInitAnsiString);
DUMPSIM_EXPORT(RtlCopyUnicodeString);
DUMPSIM_EXPORT(RtlCopyString);
DUMPSIM_EXPORT(RtlCompareUnicodeString);
DUMPSIM_EXPORT(RtlEqualUnicodeString);
DUMPSIM_EXPORT(RtlPrefixUnicodeString);
DUMPSIM_EXPORT(RtlCompareString);
DUMPSIM_EXPORT(RtlEqualString);
DUMPSIM_EXPORT(RtlAppendUnicodeStringToString);
DUMPSIM_EXPORT(RtlAppendUnicodeToString);
DUMPSIM_EXPORT(RtlUpcaseUnicodeChar);
DUMPSIM_EXPORT(RtlDowncaseUnicodeChar);
DUMPSIM_EXPORT(RtlUpperChar);
DUMPSIM_EXPORT(RtlUpcaseUnicodeString);
DUMPSIM_EXPORT(RtlUnicodeStringToInteger);
DUMPSIM_EXPORT(RtlCharToInteger);
DUMPSIM_EXPORT(RtlIntegerToUnicodeString);
DUMPSIM_EXPORT(RtlInt64ToUnicodeString);
DUMPSIM_EXPORT(RtlAnsiStringToUnicodeString);
DUMPSIM_EXPORT(RtlUnicodeStringToAnsiString);
DUMPSIM_EXPORT(RtlFreeUnicodeString);
DUMPSIM_EXPORT(RtlFreeAnsiString);

// rtl_registry.cpp
DUMPSIM_EXPORT(RtlQueryRegistryValues);
DUMPSIM_EXPORT(RtlWriteRegistryValue);
DUMPSIM_EXPORT(RtlDeleteRegistryValue);
DUMPSIM_EXPORT(RtlCheckRegistryKey);
DUMPSIM_EXPORT(RtlCreateRegistryKey);

// zw_registry.cpp
DUMPSIM_EXPORT(ZwOpenKey);
DUMPSIM_EXPORT(ZwOpenKeyEx);
DUMPSIM_EXPORT(ZwCreateKey);
DUMPSIM_EXPORT(ZwQueryKey);
DUMPSIM_EXPORT(ZwEnumerateKey);
DUMPSIM_EXPORT(ZwQueryValueKey);
DUMPSIM_EXPORT(ZwEnumerateValueKey);
DUMPSIM_EXPORT(ZwSetValueKey);
DUMPSIM_EXPORT(ZwDeleteValueKey);
DUMPSIM_EXPORT(ZwDeleteKey);
DUMPSIM_EXPORT(ZwFlushKey);
DUMPSIM_EXPORT(ZwClose);

// dbg_print.cpp; what it has with variable arguments is in variadic.hpp
DUMPSIM_EXPORT(RtlAssert);
DUMPSIM_EXPORT(DbgBreakPoint);
DUMPSIM_EXPORT(DbgBreakPointWithStatus);

#undef DUMPSIM_EXPORT

}  // namespace dumpsim::kernel
