// SPDX-License-Identifier: Apache-2.0
// Stacks of devices: who sits on whom.
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

PDEVICE_OBJECT referenced(PDEVICE_OBJECT device) {
  if (device != nullptr) kernel::ObfReferenceObject(device);
  return device;
}

/// Puts `upper` on the stack of `target`; the device it sits on then, or nullptr when that is on its way in or out.
PDEVICE_OBJECT attach(PDEVICE_OBJECT upper, PDEVICE_OBJECT target) {
  Kernel& kernel = current();
  for (PDEVICE_OBJECT device : {upper, target}) {
    if (find_device_object(kernel, device) == nullptr) {
      no_such_object(kernel, "IoAttachDeviceToDeviceStack", "device", device);
    }
  }
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(target);
  const IoState::Device* known = find_device_object(kernel, top);
  if (known == nullptr || known->deleted || (top->Flags & DO_DEVICE_INITIALIZING) != 0) return nullptr;
  attach_device(upper, top);
  return top;
}

}  // namespace

void attach_device(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower) {
  lower->AttachedDevice = upper;
  upper->StackSize = static_cast<CCHAR>(lower->StackSize + 1);
  upper->AlignmentRequirement = lower->AlignmentRequirement;
  upper->SectorSize = lower->SectorSize;
}

PDEVICE_OBJECT lower_device(Kernel& kernel, const DEVICE_OBJECT* device) {
  for (const IoState::Device& known : kernel.io().devices) {
    if (known.object->AttachedDevice == device) return known.object;
  }
  return nullptr;
}

PDEVICE_OBJECT IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject) {
  while (DeviceObject->AttachedDevice != nullptr) DeviceObject = DeviceObject->AttachedDevice;
  return DeviceObject;
}

PDEVICE_OBJECT IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject) {
  return referenced(kernel::IoGetAttachedDevice(DeviceObject));
}

PDEVICE_OBJECT IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject) {
  return referenced(lower_device(current(), DeviceObject));
}

PDEVICE_OBJECT IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject) {
  PDEVICE_OBJECT base = DeviceObject;
  while (PDEVICE_OBJECT lower = lower_device(current(), base)) base = lower;
  return referenced(base);
}

PDEVICE_OBJECT IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice) {
  return attach(SourceDevice, TargetDevice);
}

NTSTATUS IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                         PDEVICE_OBJECT* AttachedToDeviceObject) {
  *AttachedToDeviceObject = attach(SourceDevice, TargetDevice);
  return *AttachedToDeviceObject == nullptr ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

NTSTATUS IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice, PDEVICE_OBJECT* AttachedDevice) {
  *AttachedDevice = nullptr;
  if (current().injected_failure(export_index::IoAttachDevice)) return STATUS_INSUFFICIENT_RESOURCES;
  PFILE_OBJECT file = nullptr;
  PDEVICE_OBJECT device = nullptr;
  const NTSTATUS opened = kernel::IoGetDeviceObjectPointer(TargetDevice, FILE_READ_ATTRIBUTES, &file, &device);
  if (!NT_SUCCESS(opened)) return opened;
  *AttachedDevice = attach(SourceDevice, device);
  kernel::ObfDereferenceObject(file);
  return *AttachedDevice == nullptr ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

VOID IoDetachDevice(PDEVICE_OBJECT TargetDevice) {
  TargetDevice->AttachedDevice = nullptr;
}

}  // namespace dumpsim::kernel
