// SPDX-License-Identifier: Apache-2.0
// Event tracing without a consumer: nobody has started a session on this machine. Registering succeeds, nothing is ever
// enabled, and what is written goes nowhere and is a success [doc], which is what a provider meets on most machines.
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

NTSTATUS checked(REGHANDLE handle) {
  return current().is_event_provider(handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

}  // namespace

NTSTATUS EtwRegister(const GUID* ProviderId, PETWENABLECALLBACK, PVOID, PREGHANDLE RegHandle) {
  Kernel& kernel = current();
  if (ProviderId == nullptr || RegHandle == nullptr) return STATUS_INVALID_PARAMETER;
  if (kernel.injected_failure(export_index::EtwRegister)) return STATUS_INSUFFICIENT_RESOURCES;
  *RegHandle = kernel.add_event_provider();
  return STATUS_SUCCESS;
}

NTSTATUS EtwUnregister(REGHANDLE RegHandle) {
  return current().remove_event_provider(RegHandle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

BOOLEAN EtwProviderEnabled(REGHANDLE, UCHAR, ULONGLONG) {
  return FALSE;
}
BOOLEAN EtwEventEnabled(REGHANDLE, PCEVENT_DESCRIPTOR) {
  return FALSE;
}

NTSTATUS EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR, const GUID*, ULONG, PEVENT_DATA_DESCRIPTOR) {
  return checked(RegHandle);
}
NTSTATUS EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR, const GUID*, const GUID*, ULONG,
                          PEVENT_DATA_DESCRIPTOR) {
  return checked(RegHandle);
}
NTSTATUS EtwWriteString(REGHANDLE RegHandle, UCHAR, ULONGLONG, const GUID*, PCWSTR) {
  return checked(RegHandle);
}
NTSTATUS EtwSetInformation(REGHANDLE RegHandle, ULONG, PVOID, ULONG) {
  return checked(RegHandle);
}

// WMI takes the registration and never asks for anything: no request of its comes to a driver.
NTSTATUS IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action) {
  const ULONG action = Action & 0xFFFF;  // flags stand above
  if (DeviceObject == nullptr || action < WMIREG_ACTION_REGISTER || action > WMIREG_ACTION_BLOCK_IRPS) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
