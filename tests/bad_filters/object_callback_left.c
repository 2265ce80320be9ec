// SPDX-License-Identifier: Apache-2.0
// Defers work to the end of phase 1, as filters do that are loaded too early for it, and forgets to take its routine
// back.
#include <ntdddump.h>
#include <ntddk.h>

static PVOID registration;

static VOID NTAPI phase_1_is_over(PVOID Context, PVOID Argument1, PVOID Argument2) {
  UNREFERENCED_PARAMETER(Argument1);
  UNREFERENCED_PARAMETER(Argument2);
  if (Context == &registration) DbgPrint("object_callback_left: phase 1 is over\n");
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA FilterInitialization) {
  UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\Phase1InitComplete");
  OBJECT_ATTRIBUTES attributes;
  PCALLBACK_OBJECT object;
  NTSTATUS status;
  UNREFERENCED_PARAMETER(FilterExtension);
  FilterInitialization->Flags &= ~DUMP_FILTER_CRITICAL;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  status = ExCreateCallback(&object, &attributes, FALSE, TRUE);
  if (!NT_SUCCESS(status)) return status;
  registration = ExRegisterCallback(object, phase_1_is_over, &registration);
  ObDereferenceObject(object);
  return registration != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
