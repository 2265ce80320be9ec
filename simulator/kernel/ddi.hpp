// SPDX-License-Identifier: Apache-2.0
// The kernel's implementations, declared with the very types of the driver headers: `decltype(::Name) Name` cannot
// drift from include/wdk. They live in this namespace, so that no driver name stands in the host's global scope, where
// it would capture the callers of the other convention. Calls among them are qualified (kernel::Name), since argument
// types would otherwise also find the global prototypes. Include after all other headers: it brings the WDK's macros.
#pragma once

#include "wdk/ntifs.h"
//
#include "wdk/mountdev.h"
#include "wdk/ntdddisk.h"
#include "wdk/ntdddump.h"
#include "wdk/ntddscsi.h"
#include "wdk/ntddstor.h"
#include "wdk/ntddvol.h"
//
#include "wdk/aux_klib.h"

namespace dumpsim::kernel {

#define DUMPSIM_EXPORT(name) decltype(::name) name

// rtl_exception.cpp
[[noreturn]] VOID ExRaiseStatus(NTSTATUS Status);
[[noreturn]] VOID ExRaiseAccessViolation();
[[noreturn]] VOID ExRaiseDatatypeMisalignment();
[[noreturn]] VOID RtlRaiseStatus(NTSTATUS Status);
DUMPSIM_EXPORT(RtlRaiseException);
DUMPSIM_EXPORT(ProbeForRead);
DUMPSIM_EXPORT(ProbeForWrite);
DUMPSIM_EXPORT(__C_specific_handler);
[[noreturn]] VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp);
// No header declares it: only compilers call it, and a driver may have one of its own.
[[noreturn]] int _purecall();
[[noreturn]] VOID __cxa_pure_virtual();

// rtl_unwind.cpp
[[noreturn]] VOID RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue);
[[noreturn]] VOID RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue,
                              PCONTEXT ContextRecord, PUNWIND_HISTORY_TABLE HistoryTable);
DUMPSIM_EXPORT(RtlCaptureContext);
[[noreturn]] VOID RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD ExceptionRecord);
DUMPSIM_EXPORT(RtlLookupFunctionEntry);
DUMPSIM_EXPORT(RtlVirtualUnwind);
DUMPSIM_EXPORT(RtlPcToFileHeader);
DUMPSIM_EXPORT(RtlCaptureStackBackTrace);

// source_frames.cpp
DUMPSIM_EXPORT(_dumpsim_seh_enter);
DUMPSIM_EXPORT(_dumpsim_seh_runs);
DUMPSIM_EXPORT(_dumpsim_seh_scope);
DUMPSIM_EXPORT(_dumpsim_seh_leave);
DUMPSIM_EXPORT(_dumpsim_seh_except);
DUMPSIM_EXPORT(_dumpsim_seh_filters);
DUMPSIM_EXPORT(_dumpsim_seh_filtered);
DUMPSIM_EXPORT(_dumpsim_seh_finally);
DUMPSIM_EXPORT(_dumpsim_seh_finally_done);
DUMPSIM_EXPORT(_dumpsim_seh_abnormal);
DUMPSIM_EXPORT(_dumpsim_seh_code);
DUMPSIM_EXPORT(_dumpsim_seh_pointers);

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
DUMPSIM_EXPORT(MmLockPagableDataSection);
DUMPSIM_EXPORT(MmLockPagableSectionByHandle);
DUMPSIM_EXPORT(MmUnlockPagableImageSection);
DUMPSIM_EXPORT(MmPageEntireDriver);
DUMPSIM_EXPORT(MmResetDriverPaging);

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
DUMPSIM_EXPORT(IoForwardIrpSynchronously);
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

// ke_wait.cpp
DUMPSIM_EXPORT(KeWaitForSingleObject);
DUMPSIM_EXPORT(KeWaitForMultipleObjects);
DUMPSIM_EXPORT(KeDelayExecutionThread);

// ke_event.cpp
DUMPSIM_EXPORT(KeInitializeEvent);
DUMPSIM_EXPORT(KeSetEvent);
DUMPSIM_EXPORT(KePulseEvent);
DUMPSIM_EXPORT(KeClearEvent);
DUMPSIM_EXPORT(KeResetEvent);
DUMPSIM_EXPORT(KeReadStateEvent);
DUMPSIM_EXPORT(KeInitializeMutex);
DUMPSIM_EXPORT(KeReleaseMutex);
DUMPSIM_EXPORT(KeReadStateMutex);
DUMPSIM_EXPORT(KeInitializeSemaphore);
DUMPSIM_EXPORT(KeReleaseSemaphore);
DUMPSIM_EXPORT(KeReadStateSemaphore);

// ke_thread.cpp
DUMPSIM_EXPORT(KeGetCurrentThread);
DUMPSIM_EXPORT(KeQueryPriorityThread);
DUMPSIM_EXPORT(KeSetPriorityThread);
DUMPSIM_EXPORT(KeSetSystemAffinityThread);
DUMPSIM_EXPORT(KeRevertToUserAffinityThread);
DUMPSIM_EXPORT(KeSetSystemAffinityThreadEx);
DUMPSIM_EXPORT(KeRevertToUserAffinityThreadEx);
DUMPSIM_EXPORT(KeSetSystemGroupAffinityThread);
DUMPSIM_EXPORT(KeRevertToUserGroupAffinityThread);

// ps_thread.cpp
DUMPSIM_EXPORT(PsCreateSystemThread);
DUMPSIM_EXPORT(PsTerminateSystemThread);
DUMPSIM_EXPORT(PsGetCurrentThread);
DUMPSIM_EXPORT(PsGetThreadId);
DUMPSIM_EXPORT(PsGetThreadProcessId);
DUMPSIM_EXPORT(PsIsSystemThread);
DUMPSIM_EXPORT(PsIsThreadTerminating);
DUMPSIM_EXPORT(PsGetCurrentThreadId);

// ob_handle.cpp
DUMPSIM_EXPORT(ObReferenceObjectByHandle);
DUMPSIM_EXPORT(ObReferenceObjectByPointer);
DUMPSIM_EXPORT(ObOpenObjectByPointer);
DUMPSIM_EXPORT(ObQueryNameString);
DUMPSIM_EXPORT(ZwWaitForSingleObject);
DUMPSIM_EXPORT(dumpsim_MmHighestUserAddress);
DUMPSIM_EXPORT(dumpsim_MmSystemRangeStart);
DUMPSIM_EXPORT(dumpsim_MmUserProbeAddress);
DUMPSIM_EXPORT(dumpsim_PsThreadType);
DUMPSIM_EXPORT(dumpsim_PsProcessType);
DUMPSIM_EXPORT(dumpsim_IoFileObjectType);
DUMPSIM_EXPORT(dumpsim_IoDriverObjectType);
DUMPSIM_EXPORT(dumpsim_IoDeviceObjectType);
DUMPSIM_EXPORT(dumpsim_ExEventObjectType);
DUMPSIM_EXPORT(dumpsim_ExSemaphoreObjectType);

// ke_timer.cpp
DUMPSIM_EXPORT(KeInitializeTimer);
DUMPSIM_EXPORT(KeInitializeTimerEx);
DUMPSIM_EXPORT(KeSetTimer);
DUMPSIM_EXPORT(KeSetTimerEx);
DUMPSIM_EXPORT(KeSetCoalescableTimer);
DUMPSIM_EXPORT(KeCancelTimer);
DUMPSIM_EXPORT(KeReadStateTimer);

// ex_timer.cpp
DUMPSIM_EXPORT(ExAllocateTimer);
DUMPSIM_EXPORT(ExSetTimer);
DUMPSIM_EXPORT(ExCancelTimer);
DUMPSIM_EXPORT(ExDeleteTimer);

// ke_dpc.cpp
DUMPSIM_EXPORT(KeInitializeDpc);
DUMPSIM_EXPORT(KeInitializeThreadedDpc);
DUMPSIM_EXPORT(KeInsertQueueDpc);
DUMPSIM_EXPORT(KeRemoveQueueDpc);
DUMPSIM_EXPORT(KeSetImportanceDpc);
DUMPSIM_EXPORT(KeSetTargetProcessorDpc);
DUMPSIM_EXPORT(KeFlushQueuedDpcs);

// ex_work.cpp
DUMPSIM_EXPORT(ExQueueWorkItem);
DUMPSIM_EXPORT(IoAllocateWorkItem);
DUMPSIM_EXPORT(IoFreeWorkItem);
DUMPSIM_EXPORT(IoQueueWorkItem);
DUMPSIM_EXPORT(IoQueueWorkItemEx);
DUMPSIM_EXPORT(IoSizeofWorkItem);
DUMPSIM_EXPORT(IoInitializeWorkItem);
DUMPSIM_EXPORT(IoUninitializeWorkItem);

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
DUMPSIM_EXPORT(KeAcquireSpinLockForDpc);
DUMPSIM_EXPORT(KeReleaseSpinLockForDpc);
DUMPSIM_EXPORT(ExAcquireSpinLockExclusive);
DUMPSIM_EXPORT(ExReleaseSpinLockExclusive);
DUMPSIM_EXPORT(ExAcquireSpinLockExclusiveAtDpcLevel);
DUMPSIM_EXPORT(ExReleaseSpinLockExclusiveFromDpcLevel);
DUMPSIM_EXPORT(ExAcquireSpinLockShared);
DUMPSIM_EXPORT(ExReleaseSpinLockShared);
DUMPSIM_EXPORT(ExAcquireSpinLockSharedAtDpcLevel);
DUMPSIM_EXPORT(ExReleaseSpinLockSharedFromDpcLevel);
DUMPSIM_EXPORT(ExTryConvertSharedSpinLockExclusive);
DUMPSIM_EXPORT(KeEnterCriticalRegion);
DUMPSIM_EXPORT(KeLeaveCriticalRegion);
DUMPSIM_EXPORT(KeEnterGuardedRegion);
DUMPSIM_EXPORT(KeLeaveGuardedRegion);
DUMPSIM_EXPORT(KeAreAllApcsDisabled);
DUMPSIM_EXPORT(KeAreApcsDisabled);

// ex_mutex.cpp
DUMPSIM_EXPORT(ExAcquireFastMutex);
DUMPSIM_EXPORT(ExReleaseFastMutex);
DUMPSIM_EXPORT(ExTryToAcquireFastMutex);
DUMPSIM_EXPORT(ExAcquireFastMutexUnsafe);
DUMPSIM_EXPORT(ExReleaseFastMutexUnsafe);
DUMPSIM_EXPORT(KeInitializeGuardedMutex);
DUMPSIM_EXPORT(KeAcquireGuardedMutex);
DUMPSIM_EXPORT(KeReleaseGuardedMutex);
DUMPSIM_EXPORT(KeAcquireGuardedMutexUnsafe);
DUMPSIM_EXPORT(KeReleaseGuardedMutexUnsafe);
DUMPSIM_EXPORT(KeTryToAcquireGuardedMutex);

// ex_rundown.cpp
DUMPSIM_EXPORT(ExInitializePushLock);
DUMPSIM_EXPORT(ExAcquirePushLockExclusiveEx);
DUMPSIM_EXPORT(ExReleasePushLockExclusiveEx);
DUMPSIM_EXPORT(ExAcquirePushLockSharedEx);
DUMPSIM_EXPORT(ExReleasePushLockSharedEx);
DUMPSIM_EXPORT(ExInitializeRundownProtection);
DUMPSIM_EXPORT(ExReInitializeRundownProtection);
DUMPSIM_EXPORT(ExAcquireRundownProtection);
DUMPSIM_EXPORT(ExAcquireRundownProtectionEx);
DUMPSIM_EXPORT(ExReleaseRundownProtection);
DUMPSIM_EXPORT(ExReleaseRundownProtectionEx);
DUMPSIM_EXPORT(ExRundownCompleted);
DUMPSIM_EXPORT(ExWaitForRundownProtectionRelease);

// ex_resource.cpp
DUMPSIM_EXPORT(ExInitializeResourceLite);
DUMPSIM_EXPORT(ExDeleteResourceLite);
DUMPSIM_EXPORT(ExAcquireResourceExclusiveLite);
DUMPSIM_EXPORT(ExAcquireResourceSharedLite);
DUMPSIM_EXPORT(ExReleaseResourceLite);
DUMPSIM_EXPORT(ExReinitializeResourceLite);
DUMPSIM_EXPORT(ExTryToAcquireResourceExclusiveLite);
DUMPSIM_EXPORT(ExAcquireSharedStarveExclusive);
DUMPSIM_EXPORT(ExAcquireSharedWaitForExclusive);
DUMPSIM_EXPORT(ExConvertExclusiveToSharedLite);
DUMPSIM_EXPORT(ExReleaseResourceForThreadLite);
DUMPSIM_EXPORT(ExIsResourceAcquiredExclusiveLite);
DUMPSIM_EXPORT(ExIsResourceAcquiredSharedLite);
DUMPSIM_EXPORT(ExGetExclusiveWaiterCount);
DUMPSIM_EXPORT(ExGetSharedWaiterCount);
DUMPSIM_EXPORT(ExEnterCriticalRegionAndAcquireResourceExclusive);
DUMPSIM_EXPORT(ExEnterCriticalRegionAndAcquireResourceShared);
DUMPSIM_EXPORT(ExReleaseResourceAndLeaveCriticalRegion);

// ex_list.cpp
DUMPSIM_EXPORT(ExInterlockedInsertHeadList);
DUMPSIM_EXPORT(ExInterlockedInsertTailList);
DUMPSIM_EXPORT(ExInterlockedRemoveHeadList);
DUMPSIM_EXPORT(ExInterlockedPushEntryList);
DUMPSIM_EXPORT(ExInterlockedPopEntryList);
DUMPSIM_EXPORT(ExInterlockedAddLargeInteger);
DUMPSIM_EXPORT(ExInterlockedAddUlong);
DUMPSIM_EXPORT(InitializeSListHead);
DUMPSIM_EXPORT(ExQueryDepthSList);
DUMPSIM_EXPORT(ExpInterlockedPushEntrySList);
DUMPSIM_EXPORT(ExpInterlockedPopEntrySList);
DUMPSIM_EXPORT(ExpInterlockedFlushSList);
DUMPSIM_EXPORT(ExInitializeNPagedLookasideList);
DUMPSIM_EXPORT(ExDeleteNPagedLookasideList);
DUMPSIM_EXPORT(ExInitializePagedLookasideList);
DUMPSIM_EXPORT(ExDeletePagedLookasideList);
DUMPSIM_EXPORT(ExInitializeLookasideListEx);
DUMPSIM_EXPORT(ExFlushLookasideListEx);
DUMPSIM_EXPORT(ExDeleteLookasideListEx);

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
DUMPSIM_EXPORT(ExLocalTimeToSystemTime);
DUMPSIM_EXPORT(RtlTimeToSecondsSince1970);
DUMPSIM_EXPORT(RtlSecondsSince1970ToTime);
DUMPSIM_EXPORT(RtlTimeToTimeFields);
DUMPSIM_EXPORT(RtlTimeFieldsToTime);

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
DUMPSIM_EXPORT(IoGetCurrentProcess);
DUMPSIM_EXPORT(PsGetProcessId);
DUMPSIM_EXPORT(IoGetRequestorProcess);
DUMPSIM_EXPORT(IoGetRequestorProcessId);
DUMPSIM_EXPORT(IoIs32bitProcess);

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

// zw_file.cpp
DUMPSIM_EXPORT(ZwCreateFile);
DUMPSIM_EXPORT(ZwOpenFile);
DUMPSIM_EXPORT(IoCreateFile);
DUMPSIM_EXPORT(IoCreateFileEx);
DUMPSIM_EXPORT(ZwReadFile);
DUMPSIM_EXPORT(ZwWriteFile);
DUMPSIM_EXPORT(ZwFlushBuffersFile);
DUMPSIM_EXPORT(ZwDeleteFile);

// zw_device.cpp
DUMPSIM_EXPORT(ZwDeviceIoControlFile);
DUMPSIM_EXPORT(ZwFsControlFile);

// io_error_log.cpp
DUMPSIM_EXPORT(IoAllocateErrorLogEntry);
DUMPSIM_EXPORT(IoWriteErrorLogEntry);
DUMPSIM_EXPORT(IoFreeErrorLogEntry);

// zw_file_query.cpp
DUMPSIM_EXPORT(ZwQueryInformationFile);
DUMPSIM_EXPORT(ZwSetInformationFile);
DUMPSIM_EXPORT(ZwQueryFullAttributesFile);
DUMPSIM_EXPORT(ZwQueryDirectoryFile);

// zw_system.cpp, rtl_image.cpp; what the kit's headers do not declare, since drivers do it themselves
NTSTATUS ZwQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation, ULONG SystemInformationLength,
                                  PULONG ReturnLength);
PVOID RtlImageNtHeader(PVOID Base);
PVOID RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry, PULONG Size);
DUMPSIM_EXPORT(AuxKlibInitialize);
DUMPSIM_EXPORT(AuxKlibQueryModuleInformation);

// rtl_version.cpp
DUMPSIM_EXPORT(VerSetConditionMask);
DUMPSIM_EXPORT(RtlVerifyVersionInfo);
DUMPSIM_EXPORT(RtlIsNtDdiVersionAvailable);
DUMPSIM_EXPORT(RtlIsServicePackVersionInstalled);

// ex_system.cpp
DUMPSIM_EXPORT(ExGetFirmwareEnvironmentVariable);
DUMPSIM_EXPORT(ExSetFirmwareEnvironmentVariable);
DUMPSIM_EXPORT(ExIsProcessorFeaturePresent);
DUMPSIM_EXPORT(ExGetPreviousMode);
DUMPSIM_EXPORT(ExUuidCreate);

// ke_processor.cpp
DUMPSIM_EXPORT(KeGetRecommendedSharedDataAlignment);
DUMPSIM_EXPORT(KeGetCurrentNodeNumber);
DUMPSIM_EXPORT(KeQueryHighestNodeNumber);
DUMPSIM_EXPORT(KeQueryNodeActiveAffinity);
DUMPSIM_EXPORT(KeQueryNodeMaximumProcessorCount);
DUMPSIM_EXPORT(KeQueryMaximumGroupCount);
DUMPSIM_EXPORT(KeQueryGroupAffinity);
DUMPSIM_EXPORT(KeGetProcessorNumberFromIndex);
DUMPSIM_EXPORT(KeGetProcessorIndexFromNumber);
DUMPSIM_EXPORT(KeSaveExtendedProcessorState);
DUMPSIM_EXPORT(KeRestoreExtendedProcessorState);
DUMPSIM_EXPORT(KeSaveFloatingPointState);
DUMPSIM_EXPORT(KeRestoreFloatingPointState);
DUMPSIM_EXPORT(KeStackAttachProcess);
DUMPSIM_EXPORT(KeUnstackDetachProcess);

// rtl_text.cpp
DUMPSIM_EXPORT(RtlHashUnicodeString);
DUMPSIM_EXPORT(RtlDowncaseUnicodeString);
DUMPSIM_EXPORT(RtlUpperString);
DUMPSIM_EXPORT(RtlPrefixString);
DUMPSIM_EXPORT(RtlCreateUnicodeString);
DUMPSIM_EXPORT(RtlxUnicodeStringToAnsiSize);
DUMPSIM_EXPORT(RtlxAnsiStringToUnicodeSize);
DUMPSIM_EXPORT(RtlUnicodeToMultiByteN);
DUMPSIM_EXPORT(RtlMultiByteToUnicodeN);
DUMPSIM_EXPORT(RtlUTF8ToUnicodeN);
DUMPSIM_EXPORT(RtlUnicodeToUTF8N);
DUMPSIM_EXPORT(RtlRandom);

// rtl_bitmap.cpp
DUMPSIM_EXPORT(RtlInitializeBitMap);
DUMPSIM_EXPORT(RtlClearBit);
DUMPSIM_EXPORT(RtlSetBit);
DUMPSIM_EXPORT(RtlTestBit);
DUMPSIM_EXPORT(RtlClearAllBits);
DUMPSIM_EXPORT(RtlSetAllBits);
DUMPSIM_EXPORT(RtlClearBits);
DUMPSIM_EXPORT(RtlSetBits);
DUMPSIM_EXPORT(RtlFindClearBits);
DUMPSIM_EXPORT(RtlFindSetBits);
DUMPSIM_EXPORT(RtlFindClearBitsAndSet);
DUMPSIM_EXPORT(RtlFindSetBitsAndClear);
DUMPSIM_EXPORT(RtlFindClearRuns);
DUMPSIM_EXPORT(RtlFindLongestRunClear);
DUMPSIM_EXPORT(RtlFindFirstRunClear);
DUMPSIM_EXPORT(RtlFindNextForwardRunClear);
DUMPSIM_EXPORT(RtlFindLastBackwardRunClear);
DUMPSIM_EXPORT(RtlNumberOfClearBits);
DUMPSIM_EXPORT(RtlNumberOfSetBits);
DUMPSIM_EXPORT(RtlAreBitsClear);
DUMPSIM_EXPORT(RtlAreBitsSet);
DUMPSIM_EXPORT(RtlFindLeastSignificantBit);
DUMPSIM_EXPORT(RtlFindMostSignificantBit);

// rtl_security.cpp
DUMPSIM_EXPORT(RtlCreateSecurityDescriptor);
DUMPSIM_EXPORT(RtlSetDaclSecurityDescriptor);
DUMPSIM_EXPORT(RtlGetDaclSecurityDescriptor);
DUMPSIM_EXPORT(RtlSetOwnerSecurityDescriptor);
DUMPSIM_EXPORT(RtlSetGroupSecurityDescriptor);
DUMPSIM_EXPORT(RtlValidSecurityDescriptor);
DUMPSIM_EXPORT(RtlLengthSecurityDescriptor);
DUMPSIM_EXPORT(RtlCreateAcl);
DUMPSIM_EXPORT(RtlAddAccessAllowedAce);
DUMPSIM_EXPORT(RtlInitializeSid);
DUMPSIM_EXPORT(RtlSubAuthoritySid);
DUMPSIM_EXPORT(RtlLengthRequiredSid);
DUMPSIM_EXPORT(RtlLengthSid);
DUMPSIM_EXPORT(RtlValidSid);
DUMPSIM_EXPORT(RtlEqualSid);
DUMPSIM_EXPORT(ZwSetSecurityObject);

// ex_callback.cpp
DUMPSIM_EXPORT(ExCreateCallback);
DUMPSIM_EXPORT(ExRegisterCallback);
DUMPSIM_EXPORT(ExUnregisterCallback);
DUMPSIM_EXPORT(ExNotifyCallback);

// etw.cpp
DUMPSIM_EXPORT(EtwRegister);
DUMPSIM_EXPORT(EtwUnregister);
DUMPSIM_EXPORT(EtwProviderEnabled);
DUMPSIM_EXPORT(EtwEventEnabled);
DUMPSIM_EXPORT(EtwWrite);
DUMPSIM_EXPORT(EtwWriteTransfer);
DUMPSIM_EXPORT(EtwWriteString);
DUMPSIM_EXPORT(EtwSetInformation);
DUMPSIM_EXPORT(IoWMIRegistrationControl);

// dbg_print.cpp; what it has with variable arguments is in variadic.hpp
DUMPSIM_EXPORT(RtlAssert);
DUMPSIM_EXPORT(DbgBreakPoint);
DUMPSIM_EXPORT(DbgBreakPointWithStatus);

#undef DUMPSIM_EXPORT

}  // namespace dumpsim::kernel
