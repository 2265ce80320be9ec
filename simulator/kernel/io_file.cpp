// SPDX-License-Identifier: Apache-2.0
// Opening a device by name, and references to the I/O manager's objects. A kernel-mode open as IoGetDeviceObjectPointer
// makes it is a handle that is closed again at once, which leaves a referenced file object: so the device's driver gets
// IRP_MJ_CREATE and IRP_MJ_CLEANUP before the call returns, and IRP_MJ_CLOSE when the last reference goes [doc].
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG file_tag = 0x656C6946;  // "File"
constexpr ULONG reference_by_pointer = 0x18;

/// Sends one of the three requests about a file to the top of its device's stack.
NTSTATUS send(Kernel& kernel, PFILE_OBJECT file, UCHAR major, PIO_SECURITY_CONTEXT security, ULONG options = 0) {
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(file->DeviceObject);
  PIRP irp = new_irp(kernel, top->StackSize);
  if (irp == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  irp->RequestorMode = KernelMode;
  irp->Flags = IRP_SYNCHRONOUS_API;
  if (major == IRP_MJ_CREATE) irp->Flags |= IRP_CREATE_OPERATION;
  if (major == IRP_MJ_CLOSE) irp->Flags |= IRP_CLOSE_OPERATION;
  irp->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(kernel::KeGetCurrentThread());
  irp->Tail.Overlay.OriginalFileObject = file;
  PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
  stack->MajorFunction = major;
  stack->FileObject = file;
  if (major == IRP_MJ_CREATE) {
    stack->Parameters.Create.SecurityContext = security;
    stack->Parameters.Create.Options = options;
  }
  return send_and_wait(kernel, top, irp);
}

/// What keeps a device from being opened at all, before its driver is asked.
NTSTATUS refusal(Kernel& kernel, PDEVICE_OBJECT device) {
  const IoState::Device* known = find_device_object(kernel, device);
  if (known == nullptr || known->deleted || (device->Flags & DO_DEVICE_INITIALIZING) != 0) return STATUS_NO_SUCH_DEVICE;
  if (is_unloading(device->DriverObject)) return STATUS_NO_SUCH_DEVICE;
  if ((device->Flags & DO_EXCLUSIVE) != 0 && device->ReferenceCount != 0) return STATUS_ACCESS_DENIED;
  return STATUS_SUCCESS;
}

void free_file(Kernel& kernel, PFILE_OBJECT file) {
  PDEVICE_OBJECT device = file->DeviceObject;
  std::erase_if(kernel.io().files, [file](const IoState::OpenFile& open) { return open.object == file; });
  kernel.io().references.erase(file);
  kernel.pool().free(reinterpret_cast<std::byte*>(file));
  --device->ReferenceCount;
  kernel::ObfDereferenceObject(device);
}

/// A file object on `device`, counted as one opening of it; nullptr when pool is used up.
PFILE_OBJECT make_file(Kernel& kernel, PDEVICE_OBJECT device, std::u16string_view rest, ACCESS_MASK access,
                       ULONG options) {
  std::byte* at = allocate_object(kernel, file_tag, sizeof(FILE_OBJECT) + (rest.size() + 1) * sizeof(WCHAR));
  if (at == nullptr) return nullptr;
  auto* file = reinterpret_cast<PFILE_OBJECT>(at);
  file->Type = IO_TYPE_FILE;
  file->Size = sizeof(FILE_OBJECT);
  file->DeviceObject = device;
  if ((options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0) file->Flags = FO_SYNCHRONOUS_IO;
  file->ReadAccess = (access & (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL)) != 0 ? TRUE : FALSE;
  file->WriteAccess = (access & (FILE_WRITE_DATA | GENERIC_WRITE | GENERIC_ALL)) != 0 ? TRUE : FALSE;
  file->FileName.Buffer = reinterpret_cast<PWCH>(at + sizeof(FILE_OBJECT));
  if (!rest.empty()) std::memcpy(file->FileName.Buffer, rest.data(), rest.size() * sizeof(WCHAR));
  file->FileName.Length = static_cast<USHORT>(rest.size() * sizeof(WCHAR));
  file->FileName.MaximumLength = static_cast<USHORT>((rest.size() + 1) * sizeof(WCHAR));
  kernel::KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
  kernel::KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
  kernel.io().references[file] = 1;
  kernel.io().files.push_back({file, kernel.image()});
  ++device->ReferenceCount;
  kernel::ObfReferenceObject(device);
  return file;
}

/// The part before a driver is called, in a frame of its own, since it owns a string.
[[gnu::noinline]] NTSTATUS find_and_make(Kernel& kernel, std::u16string_view name, ACCESS_MASK access, ULONG options,
                                         PFILE_OBJECT& file) {
  std::u16string rest;
  PDEVICE_OBJECT device = find_device(kernel, name, &rest);
  if (device == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (const NTSTATUS refused = refusal(kernel, device); !NT_SUCCESS(refused)) return refused;
  file = make_file(kernel, device, rest, access, options);
  return file == nullptr ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

}  // namespace

NTSTATUS open_file(Kernel& kernel, std::u16string_view name, ACCESS_MASK access, ULONG disposition, ULONG options,
                   PFILE_OBJECT& file) {
  if (!is_object_name(name)) return STATUS_OBJECT_NAME_INVALID;
  if (const NTSTATUS status = find_and_make(kernel, name, access, options, file); !NT_SUCCESS(status)) return status;
  IO_SECURITY_CONTEXT security{};
  security.DesiredAccess = access;
  const NTSTATUS status = send(kernel, file, IRP_MJ_CREATE, &security, (disposition << 24) | options);
  if (!NT_SUCCESS(status)) free_file(kernel, file);
  return status;
}

void close_handle(Kernel& kernel, PFILE_OBJECT file) {
  if ((file->Flags & FO_CLEANUP_COMPLETE) != 0) return;
  file->Flags |= FO_CLEANUP_COMPLETE;
  send(kernel, file, IRP_MJ_CLEANUP, nullptr);
}

PFILE_OBJECT find_file(Kernel& kernel, const void* object) {
  for (const IoState::OpenFile& file : kernel.io().files) {
    if (file.object == object) return file.object;
  }
  return nullptr;
}

void close_file(Kernel& kernel, PFILE_OBJECT file) {
  send(kernel, file, IRP_MJ_CLOSE, nullptr);
  free_file(kernel, file);
}

// Both come back referenced through the file object: dereferencing it later is the caller's duty [doc].
NTSTATUS IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess, PFILE_OBJECT* FileObject,
                                  PDEVICE_OBJECT* DeviceObject) {
  Kernel& kernel = current();
  const std::u16string_view name(ObjectName->Buffer, ObjectName->Length / sizeof(WCHAR));
  PFILE_OBJECT file = nullptr;
  const NTSTATUS status = kernel.injected_failure(export_index::IoGetDeviceObjectPointer)
                              ? STATUS_INSUFFICIENT_RESOURCES
                              : open_file(kernel, name, DesiredAccess, FILE_OPEN,
                                          FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, file);
  kernel.recorder().device_opened(kernel.image(), to_utf8(name), status);
  if (!NT_SUCCESS(status)) return status;
  close_handle(kernel, file);
  *FileObject = file;
  *DeviceObject = kernel::IoGetAttachedDevice(file->DeviceObject);
  return STATUS_SUCCESS;
}

PDEVICE_OBJECT IoGetRelatedDeviceObject(PFILE_OBJECT FileObject) {
  return kernel::IoGetAttachedDevice(FileObject->DeviceObject);
}

// ---- references ----

LONG_PTR ObfReferenceObject(PVOID Object) {
  Kernel& kernel = current();
  const auto known = kernel.io().references.find(Object);
  if (known == kernel.io().references.end()) kernel.bugcheck(reference_by_pointer, {0, number_of(Object), 0, 0});
  return ++known->second;
}

// REFERENCE_BY_POINTER (0x18) is Windows' answer to a count that goes below zero [doc].
LONG_PTR ObfDereferenceObject(PVOID Object) {
  Kernel& kernel = current();
  const auto known = kernel.io().references.find(Object);
  if (known == kernel.io().references.end() || known->second <= 0) {
    kernel.bugcheck(reference_by_pointer, {0, number_of(Object), 2, 0});
  }
  const long left = --known->second;
  if (left != 0) return left;
  if (PFILE_OBJECT file = find_file(kernel, Object); file != nullptr) {
    close_file(kernel, file);
    return 0;
  }
  if (find_device_object(kernel, static_cast<PDEVICE_OBJECT>(Object)) != nullptr) {
    free_device(kernel, static_cast<PDEVICE_OBJECT>(Object));
    return 0;
  }
  kernel.io().references.erase(known);
  if (Thread* thread = kernel.scheduler().thread_of(Object); thread != nullptr) thread->object = nullptr;
  if (kernel.pool().block_at(Object) != nullptr) kernel.pool().free(static_cast<std::byte*>(Object));
  return 0;
}

}  // namespace dumpsim::kernel
