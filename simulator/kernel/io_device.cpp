// SPDX-License-Identifier: Apache-2.0
// Device objects as drivers see them. They lie in nonpaged pool with the layout of x64 Windows, since filters read
// DeviceObject->DriverObject->DriverName and StackSize.
#include <algorithm>
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

constexpr ULONG system_thread_exception_not_handled = 0x7E;
constexpr ULONG device_tag = 0x69766544;  // "Devi"
constexpr CSHORT device_extension_type = 13;
constexpr ULONG device_has_name = 0x40;                                    // DO_DEVICE_HAS_NAME
constexpr std::size_t largest_extension = 0xFFFF - sizeof(DEVICE_OBJECT);  // Size has 16 bits

/// Types whose devices have sectors before anybody says of what size [doc: 512 is the default].
bool is_storage(DEVICE_TYPE type) {
  return type == FILE_DEVICE_DISK || type == FILE_DEVICE_VIRTUAL_DISK;
}

}  // namespace

std::byte* allocate_object(Kernel& kernel, ULONG tag, std::size_t bytes) {
  BlockRequest request;
  request.image = trace::no_image;  // the I/O manager's own: no driver leaks it
  request.tag = tag;
  request.bytes = bytes;
  std::byte* at = kernel.pool().allocate(request);
  if (at != nullptr) std::memset(at, 0, bytes);
  return at;
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
  if (is_storage(type)) device->SectorSize = 512;
  device->DeviceQueue.Type = 20;  // IO_TYPE of a device queue object: DeviceQueueObject
  device->DeviceQueue.Size = sizeof(KDEVICE_QUEUE);
  device->DeviceQueue.DeviceListHead.Flink = device->DeviceQueue.DeviceListHead.Blink =
      &device->DeviceQueue.DeviceListHead;
  device->DeviceObjectExtension = reinterpret_cast<PDEVOBJ_EXTENSION>(at + devobj_at);
  device->DeviceObjectExtension->Type = device_extension_type;
  device->DeviceObjectExtension->DeviceObject = device;
  kernel.io().devices.push_back({device, false});
  kernel.io().references[device] = 1;
  return device;
}

IoState::Device* find_device_object(Kernel& kernel, const DEVICE_OBJECT* device) {
  for (IoState::Device& known : kernel.io().devices) {
    if (known.object == device) return &known;
  }
  return nullptr;
}

void no_such_object(Kernel& kernel, std::string_view function, std::string_view what, const void* address) {
  char text[192];
  Line line(text);
  line.put(function);
  line.put(" was given ");
  line.skip(kernel.words(address, line.rest(), Words::canonical));
  line.put(", which is no ");
  line.put(what);
  line.put(" object");
  kernel.recorder().fault(kernel.image(), kernel.callback(), trace::FaultKind::access, line.text());
  kernel.bugcheck(system_thread_exception_not_handled,
                  {static_cast<std::uint32_t>(STATUS_ACCESS_VIOLATION), 0, number_of(address), 0});
}

void free_device(Kernel& kernel, PDEVICE_OBJECT device) {
  // What lies below must not lead here any more: the host itself follows these pointers.
  if (PDEVICE_OBJECT lower = lower_device(kernel, device); lower != nullptr) lower->AttachedDevice = nullptr;
  std::erase_if(kernel.io().devices, [device](const IoState::Device& known) { return known.object == device; });
  kernel.io().references.erase(device);
  kernel.pool().free(reinterpret_cast<std::byte*>(device));
}

void* Kernel::volume_device() const {
  return io_->volume_device == nullptr ? nullptr : kernel::IoGetAttachedDevice(io_->volume_device);
}

NTSTATUS IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize, PUNICODE_STRING DeviceName,
                        DEVICE_TYPE DeviceType, ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                        PDEVICE_OBJECT* DeviceObject) {
  Kernel& kernel = current();
  if (find_driver(kernel, DriverObject) == nullptr) no_such_object(kernel, "IoCreateDevice", "driver", DriverObject);
  if (DeviceObject != nullptr) *DeviceObject = nullptr;
  if (kernel.injected_failure(export_index::IoCreateDevice)) return STATUS_INSUFFICIENT_RESOURCES;
  if (DeviceExtensionSize > largest_extension) return STATUS_INSUFFICIENT_RESOURCES;
  std::u16string name;
  const bool named = DeviceName != nullptr && DeviceName->Length != 0;
  if (named) {
    const std::u16string_view given(DeviceName->Buffer, DeviceName->Length / sizeof(WCHAR));
    if (!is_object_name(given)) return STATUS_OBJECT_PATH_SYNTAX_BAD;
    name = directory_name(given);
    if (find_name(kernel, name) != nullptr) return STATUS_OBJECT_NAME_COLLISION;
  }
  PDEVICE_OBJECT device = create_device(kernel, DriverObject, DeviceExtensionSize, DeviceType, DeviceCharacteristics);
  if (device == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  // DriverEntry's end clears it; a device made later opens when its driver does that itself [doc].
  device->Flags = DO_DEVICE_INITIALIZING;
  if (Exclusive) device->Flags |= DO_EXCLUSIVE;
  if (named) {
    device->Flags |= device_has_name;
    kernel.io().names.push_back({std::move(name), device, {}, kernel.image()});
  }
  *DeviceObject = device;
  return STATUS_SUCCESS;
}

VOID IoDeleteDevice(PDEVICE_OBJECT DeviceObject) {
  Kernel& kernel = current();
  IoState::Device* known = find_device_object(kernel, DeviceObject);
  // Deleting what is no device, or is deleted already, frees an object twice: REFERENCE_BY_POINTER [assumed].
  if (known == nullptr || known->deleted) kernel.bugcheck(0x18, {0, number_of(DeviceObject), 2, 0});
  if (PDEVICE_OBJECT lower = lower_device(kernel, DeviceObject); lower != nullptr) {
    char text[192];
    Line line(text);
    line.put("deleted while it is attached to ");
    put_device_name(kernel, line, lower);
    line.put(", without IoDetachDevice");
    kernel.violate(trace::Rule::object_device_left, line.text());
  }
  known->deleted = true;
  std::erase_if(kernel.io().names, [&](const IoState::Name& entry) { return entry.device == DeviceObject; });
  std::erase(kernel.io().shutdown, DeviceObject);
  std::erase(kernel.io().last_chance_shutdown, DeviceObject);
  for (PDEVICE_OBJECT* link = &DeviceObject->DriverObject->DeviceObject; *link != nullptr;
       link = &(*link)->NextDevice) {
    if (*link == DeviceObject) {
      *link = DeviceObject->NextDevice;
      break;
    }
  }
  kernel::ObfDereferenceObject(DeviceObject);
}

NTSTATUS IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject) {
  DeviceObject->Flags |= DO_SHUTDOWN_REGISTERED;
  current().io().shutdown.push_back(DeviceObject);
  return STATUS_SUCCESS;
}

NTSTATUS IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject) {
  DeviceObject->Flags |= DO_SHUTDOWN_REGISTERED;
  current().io().last_chance_shutdown.push_back(DeviceObject);
  return STATUS_SUCCESS;
}

VOID IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject) {
  DeviceObject->Flags &= ~static_cast<ULONG>(DO_SHUTDOWN_REGISTERED);
  std::erase(current().io().shutdown, DeviceObject);
  std::erase(current().io().last_chance_shutdown, DeviceObject);
}

}  // namespace dumpsim::kernel
