// SPDX-License-Identifier: Apache-2.0
// Device objects as drivers see them, and the directory in which they are found by name. The objects lie in nonpaged
// pool with the layout of x64 Windows, since filters read DeviceObject->DriverObject->DriverName and StackSize.
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG driver_tag = 0x76697244;  // "Driv"
constexpr ULONG device_tag = 0x69766544;  // "Devi"
constexpr ULONG file_tag = 0x656C6946;    // "File"

std::byte* allocate_object(Kernel& kernel, ULONG tag, std::size_t bytes) {
  BlockRequest request;
  request.image = trace::no_image;  // the I/O manager's own: no driver leaks it
  request.tag = tag;
  request.bytes = bytes;
  std::byte* at = kernel.pool().allocate(request);
  if (at != nullptr) std::memset(at, 0, bytes);
  return at;
}

/// MajorFunction of a host-made driver: host code takes its IRPs through its HostDispatch, so this is only reached by a
/// driver that calls another's dispatch routine by hand, which goes around the I/O manager.
NTSTATUS host_dispatch_entry(PDEVICE_OBJECT device, PIRP irp) {
  for (const IoState::HostDriver& driver : current().io().host_drivers) {
    if (driver.object == device->DriverObject) return driver.dispatch(device, irp);
  }
  return STATUS_INVALID_DEVICE_REQUEST;
}

}  // namespace

PDRIVER_OBJECT create_host_driver(Kernel& kernel, std::u16string_view name, HostDispatch dispatch) {
  const std::size_t bytes = sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION) + (name.size() + 1) * sizeof(WCHAR);
  std::byte* at = allocate_object(kernel, driver_tag, bytes);
  if (at == nullptr) return nullptr;
  auto* driver = reinterpret_cast<PDRIVER_OBJECT>(at);
  driver->Type = IO_TYPE_DRIVER;
  driver->Size = sizeof(DRIVER_OBJECT);
  driver->Flags = DRVO_BUILTIN_DRIVER;
  driver->DriverExtension = reinterpret_cast<PDRIVER_EXTENSION>(at + sizeof(DRIVER_OBJECT));
  driver->DriverExtension->DriverObject = driver;
  auto* text = reinterpret_cast<PWCH>(at + sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION));
  std::memcpy(text, name.data(), name.size() * sizeof(WCHAR));
  driver->DriverName.Buffer = text;
  driver->DriverName.Length = static_cast<USHORT>(name.size() * sizeof(WCHAR));
  driver->DriverName.MaximumLength = static_cast<USHORT>((name.size() + 1) * sizeof(WCHAR));
  for (PDRIVER_DISPATCH& entry : driver->MajorFunction) entry = host_dispatch_entry;
  kernel.io().host_drivers.push_back({driver, dispatch});
  kernel.io().references[driver] = 1;
  return driver;
}

PDEVICE_OBJECT create_device(Kernel& kernel, PDRIVER_OBJECT driver, ULONG extension_bytes, DEVICE_TYPE type,
                             ULONG characteristics) {
  const std::size_t extension_at = (sizeof(DEVICE_OBJECT) + 15) / 16 * 16;
  const std::size_t devobj_at = extension_at + (std::size_t{extension_bytes} + 15) / 16 * 16;
  std::byte* at = allocate_object(kernel, device_tag, devobj_at + sizeof(DEVOBJ_EXTENSION));
  if (at == nullptr) return nullptr;
  auto* device = reinterpret_cast<PDEVICE_OBJECT>(at);
  device->Type = IO_TYPE_DEVICE;
  device->Size = static_cast<USHORT>(sizeof(DEVICE_OBJECT) + extension_bytes);
  device->DriverObject = driver;
  device->NextDevice = driver->DeviceObject;
  driver->DeviceObject = device;
  device->Characteristics = characteristics;
  device->DeviceType = type;
  device->DeviceExtension = extension_bytes == 0 ? nullptr : at + extension_at;
  device->StackSize = 1;
  device->DeviceObjectExtension = reinterpret_cast<PDEVOBJ_EXTENSION>(at + devobj_at);
  device->DeviceObjectExtension->Type = 13;  // IO_TYPE_DEVICE_OBJECT_EXTENSION
  device->DeviceObjectExtension->DeviceObject = device;
  kernel.io().references[device] = 1;
  return device;
}

void attach_device(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower) {
  lower->AttachedDevice = upper;
  upper->StackSize = static_cast<CCHAR>(lower->StackSize + 1);
  upper->AlignmentRequirement = lower->AlignmentRequirement;
  upper->SectorSize = lower->SectorSize;
}

const HostDispatch* host_dispatch_of(Kernel& kernel, PDRIVER_OBJECT driver) {
  for (const IoState::HostDriver& known : kernel.io().host_drivers) {
    if (known.object == driver) return &known.dispatch;
  }
  return nullptr;
}

void* Kernel::volume_device() const {
  return io_->volume_device;
}

void Kernel::name_device(std::string_view name, void* device_object) {
  io_->names.push_back({to_utf16(name), static_cast<PDEVICE_OBJECT>(device_object), {}});
}

PDEVICE_OBJECT find_device(Kernel& kernel, std::u16string_view name) {
  constexpr int links_followed = 8;  // a loop of links ends somewhere
  std::u16string_view wanted = name;
  for (int i = 0; i < links_followed; ++i) {
    const IoState::Name* found = nullptr;
    for (const IoState::Name& entry : kernel.io().names) {
      if (equal_without_case(entry.name, wanted)) found = &entry;
    }
    if (found == nullptr) return nullptr;
    if (found->link.empty()) return found->device;
    wanted = found->link;
  }
  return nullptr;
}

// Both come back referenced through the file object: dereferencing it later is the caller's duty [doc].
NTSTATUS IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK, PFILE_OBJECT* FileObject,
                                  PDEVICE_OBJECT* DeviceObject) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoGetDeviceObjectPointer)) return STATUS_INSUFFICIENT_RESOURCES;
  const std::u16string_view name(ObjectName->Buffer, ObjectName->Length / sizeof(WCHAR));
  if (name.empty() || name.front() != u'\\') return STATUS_OBJECT_NAME_INVALID;
  PDEVICE_OBJECT device = find_device(kernel, name);
  if (device == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  auto* file = reinterpret_cast<PFILE_OBJECT>(allocate_object(kernel, file_tag, sizeof(FILE_OBJECT)));
  if (file == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  file->Type = IO_TYPE_FILE;
  file->Size = sizeof(FILE_OBJECT);
  file->DeviceObject = device;
  kernel.io().references[file] = 1;
  *FileObject = file;
  *DeviceObject = kernel::IoGetAttachedDevice(device);
  return STATUS_SUCCESS;
}

PDEVICE_OBJECT IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject) {
  while (DeviceObject->AttachedDevice != nullptr) DeviceObject = DeviceObject->AttachedDevice;
  return DeviceObject;
}

PDEVICE_OBJECT IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject) {
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(DeviceObject);
  kernel::ObfReferenceObject(top);
  return top;
}

PDEVICE_OBJECT IoGetRelatedDeviceObject(PFILE_OBJECT FileObject) {
  return kernel::IoGetAttachedDevice(FileObject->DeviceObject);
}

// ---- references ----

LONG_PTR ObfReferenceObject(PVOID Object) {
  Kernel& kernel = current();
  const auto known = kernel.io().references.find(Object);
  if (known == kernel.io().references.end()) kernel.bugcheck(0x18, {0, number_of(Object), 0, 0});
  return ++known->second;
}

// REFERENCE_BY_POINTER (0x18) is Windows' answer to a count that goes below zero [doc].
LONG_PTR ObfDereferenceObject(PVOID Object) {
  Kernel& kernel = current();
  const auto known = kernel.io().references.find(Object);
  if (known == kernel.io().references.end()) kernel.bugcheck(0x18, {0, number_of(Object), 2, 0});
  const long left = --known->second;
  if (left == 0) {
    kernel.io().references.erase(known);
    if (kernel.pool().block_at(Object) != nullptr) kernel.pool().free(static_cast<std::byte*>(Object));
  }
  return left;
}

}  // namespace dumpsim::kernel
