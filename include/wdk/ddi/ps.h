// SPDX-License-Identifier: Apache-2.0
//
// Processes, threads, object references and versions: what a main driver beside the filter uses at PASSIVE_LEVEL.
#ifndef WDK_DDI_PS_H
#define WDK_DDI_PS_H

#include "objects.h"

WDK_EXTERN_C_BEGIN

BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber, PUNICODE_STRING CSDVersion);
HANDLE PsGetCurrentProcessId(VOID);
HANDLE PsGetProcessId(PEPROCESS Process);
HANDLE PsGetCurrentThreadId(VOID);
PEPROCESS IoGetCurrentProcess(VOID);
#define PsGetCurrentProcess IoGetCurrentProcess
#define PsGetCurrentThread() ((PETHREAD)KeGetCurrentThread())
NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                              HANDLE ProcessHandle, PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                              PVOID StartContext);
NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus);
PETHREAD(PsGetCurrentThread)(VOID);
HANDLE PsGetThreadId(PETHREAD Thread);
HANDLE PsGetThreadProcessId(PETHREAD Thread);
BOOLEAN PsIsSystemThread(PETHREAD Thread);
BOOLEAN PsIsThreadTerminating(PETHREAD Thread);

typedef struct _OBJECT_HANDLE_INFORMATION {
  ULONG HandleAttributes;
  ACCESS_MASK GrantedAccess;
} OBJECT_HANDLE_INFORMATION, *POBJECT_HANDLE_INFORMATION;

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                   KPROCESSOR_MODE AccessMode, PVOID* Object,
                                   POBJECT_HANDLE_INFORMATION HandleInformation);
NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                    KPROCESSOR_MODE AccessMode);
LONG_PTR ObfReferenceObject(PVOID Object);
LONG_PTR ObfDereferenceObject(PVOID Object);
#define ObReferenceObject(Object) ObfReferenceObject(Object)
#define ObDereferenceObject(Object) ObfDereferenceObject(Object)

typedef struct _ACCESS_STATE* PACCESS_STATE;
NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
                               ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                               PHANDLE Handle);

typedef struct _OBJECT_NAME_INFORMATION {
  UNICODE_STRING Name;
} OBJECT_NAME_INFORMATION, *POBJECT_NAME_INFORMATION;
// The name follows the structure, with a terminator; an object without one has an empty Name. [doc]
NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length, PULONG ReturnLength);

// Pointers to the type objects: data that the kernel exports. A shared library cannot refer to another image's data in
// every code model, so there a function gives each variable's address; declaring one as the kit does stays legal C. A
// Windows linker has the import table's entry under this name, which holds that address.
#if defined(__ELF__)
POBJECT_TYPE* dumpsim_PsThreadType(VOID);
POBJECT_TYPE* dumpsim_PsProcessType(VOID);
POBJECT_TYPE* dumpsim_IoFileObjectType(VOID);
POBJECT_TYPE* dumpsim_IoDriverObjectType(VOID);
POBJECT_TYPE* dumpsim_IoDeviceObjectType(VOID);
POBJECT_TYPE* dumpsim_ExEventObjectType(VOID);
POBJECT_TYPE* dumpsim_ExSemaphoreObjectType(VOID);
#define PsThreadType (dumpsim_PsThreadType())
#define PsProcessType (dumpsim_PsProcessType())
#define IoFileObjectType (dumpsim_IoFileObjectType())
#define IoDriverObjectType (dumpsim_IoDriverObjectType())
#define IoDeviceObjectType (dumpsim_IoDeviceObjectType())
#define ExEventObjectType (dumpsim_ExEventObjectType())
#define ExSemaphoreObjectType (dumpsim_ExSemaphoreObjectType())
#else
extern POBJECT_TYPE* __imp_PsThreadType;
#define PsThreadType __imp_PsThreadType
extern POBJECT_TYPE* __imp_PsProcessType;
#define PsProcessType __imp_PsProcessType
extern POBJECT_TYPE* __imp_IoFileObjectType;
#define IoFileObjectType __imp_IoFileObjectType
extern POBJECT_TYPE* __imp_IoDriverObjectType;
#define IoDriverObjectType __imp_IoDriverObjectType
extern POBJECT_TYPE* __imp_IoDeviceObjectType;
#define IoDeviceObjectType __imp_IoDeviceObjectType
extern POBJECT_TYPE* __imp_ExEventObjectType;
#define ExEventObjectType __imp_ExEventObjectType
extern POBJECT_TYPE* __imp_ExSemaphoreObjectType;
#define ExSemaphoreObjectType __imp_ExSemaphoreObjectType
#endif

#define THREAD_ALL_ACCESS 0x001FFFFF

WDK_EXTERN_C_END

#endif  // WDK_DDI_PS_H
