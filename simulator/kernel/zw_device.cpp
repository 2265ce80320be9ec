// SPDX-License-Identifier: Apache-2.0
// Devices by handle: what ZwCreateFile opens that is no file of the system volume, and the requests that go through
// such a handle. Each is an IRP to the top of the device's stack. A synchronous handle waits for its end and has a
// position; an asynchronous one does not, and its end signals the event in the file object, which waiting for the
// handle waits for [doc]. Access rights are not checked, as elsewhere for the kernel's own handles.
#include <algorithm>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {
namespace {

bool is_synchronous(const FILE_OBJECT* file) {
  return (file->Flags & FO_SYNCHRONOUS_IO) != 0;
}

/// Sends a request that was built for the top of the file's device stack.
NTSTATUS send(Kernel& kernel, PFILE_OBJECT file, PDEVICE_OBJECT top, PIRP irp, PIO_STATUS_BLOCK status_block) {
  kernel::KeClearEvent(&file->Event);
  irp->UserIosb = status_block;
  irp->UserEvent = &file->Event;
  irp->Tail.Overlay.OriginalFileObject = file;
  IoGetNextIrpStackLocation(irp)->FileObject = file;
  if (is_synchronous(file)) irp->Flags |= IRP_SYNCHRONOUS_API;
  kernel::ObfReferenceObject(file);
  kernel.io().handle_requests.push_back(irp);
  const NTSTATUS status = kernel::IofCallDriver(top, irp);
  if (status != STATUS_PENDING || !is_synchronous(file)) return status;
  kernel::KeWaitForSingleObject(&file->Event, Executive, KernelMode, FALSE, nullptr);
  return status_block->Status;
}

NTSTATUS control(std::size_t index, HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, PIO_STATUS_BLOCK status_block,
                 ControlRequest request) {
  Kernel& kernel = current();
  if (kernel.injected_failure(index)) return STATUS_INSUFFICIENT_RESOURCES;
  if (const NTSTATUS status = files_available(kernel); !NT_SUCCESS(status)) return status;
  PFILE_OBJECT file = device_behind(kernel, handle);
  const std::uint64_t number = number_of(handle);
  if (file == nullptr) {
    // A file system takes device controls for its volume alone, and has none of its own here [assumed].
    if (kernel.file_of(number) != nullptr) {
      return request.major == IRP_MJ_DEVICE_CONTROL ? STATUS_INVALID_PARAMETER : STATUS_INVALID_DEVICE_REQUEST;
    }
    const bool other = kernel.key_of(number) != nullptr || kernel.object_of(number) != nullptr;
    return other ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_INVALID_HANDLE;
  }
  if (event != nullptr) return STATUS_INVALID_HANDLE;
  if (apc != nullptr) return STATUS_INVALID_PARAMETER;
  if (request.input == nullptr) request.input_length = 0;  // ignored then [doc]
  if (request.output == nullptr) request.output_length = 0;
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(file->DeviceObject);
  PIRP irp = build_control(kernel, top, request);
  return irp == nullptr ? STATUS_INSUFFICIENT_RESOURCES : send(kernel, file, top, irp, status_block);
}

/// `\Device\X`, `\??\X` and its other names, with nothing behind X.
bool looks_like_device(std::u16string_view path) {
  std::u16string_view rest;
  for (const std::u16string_view folder : {u"\\Device\\", u"\\??\\", u"\\DosDevices\\", u"\\GLOBAL??\\"}) {
    if (path.size() > folder.size() && equal_without_case(path.substr(0, folder.size()), folder)) {
      rest = path.substr(folder.size());
    }
  }
  return !rest.empty() && rest.find(u'\\') == std::u16string_view::npos;
}

}  // namespace

bool is_device_path(Kernel& kernel, std::u16string_view path) {
  if (const auto rest = on_system_volume(std::u16string(path), kernel.volume_number()); rest) return rest->empty();
  std::u16string rest;
  const PDEVICE_OBJECT device = find_device(kernel, path, &rest);
  if (device == nullptr) return looks_like_device(path);
  const IoState::Driver* driver = find_driver(kernel, device->DriverObject);
  const bool hosts = driver != nullptr && driver->dispatch != nullptr;
  // Behind a disk's or a volume's name would lie the files of a file system that is not there.
  return rest.empty() || !hosts || device->DeviceType != FILE_DEVICE_DISK;
}

NTSTATUS open_device(Kernel& kernel, std::u16string_view path, ACCESS_MASK access, ULONG disposition, ULONG options,
                     PHANDLE handle, PIO_STATUS_BLOCK status_block) {
  PFILE_OBJECT file = nullptr;
  const NTSTATUS status = open_file(kernel, path, access, disposition, options, file);
  kernel.recorder().device_opened(kernel.image(), to_utf8(path), status);
  if (!NT_SUCCESS(status)) return status;
  *handle = reinterpret_cast<HANDLE>(kernel.open_object_handle(file));
  *status_block = IO_STATUS_BLOCK{{STATUS_SUCCESS}, FILE_OPENED};
  return STATUS_SUCCESS;
}

PFILE_OBJECT device_behind(Kernel& kernel, HANDLE handle) {
  const void* object = kernel.object_of(number_of(handle));
  return object == nullptr ? nullptr : find_file(kernel, object);
}

NTSTATUS transfer(Kernel& kernel, PFILE_OBJECT file, UCHAR major, PVOID buffer, ULONG length,
                  const LARGE_INTEGER* offset, PIO_STATUS_BLOCK status_block) {
  const bool positioned = at_position(offset);
  if (positioned && !is_synchronous(file)) return STATUS_INVALID_PARAMETER;
  const LARGE_INTEGER start = positioned ? file->CurrentByteOffset : *offset;
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(file->DeviceObject);
  PIRP irp = build_transfer(kernel, major, top, buffer, length, &start);
  if (irp == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  const NTSTATUS status = send(kernel, file, top, irp, status_block);
  if (NT_SUCCESS(status) && is_synchronous(file)) {
    file->CurrentByteOffset.QuadPart = start.QuadPart + static_cast<LONGLONG>(status_block->Information);
  }
  return status;
}

NTSTATUS flush(Kernel& kernel, PFILE_OBJECT file, PIO_STATUS_BLOCK status_block) {
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(file->DeviceObject);
  PIRP irp = build_transfer(kernel, IRP_MJ_FLUSH_BUFFERS, top, nullptr, 0, nullptr);
  return irp == nullptr ? STATUS_INSUFFICIENT_RESOURCES : send(kernel, file, top, irp, status_block);
}

NTSTATUS ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength) {
  return control(
      export_index::ZwDeviceIoControlFile, FileHandle, Event, ApcRoutine, IoStatusBlock,
      {IRP_MJ_DEVICE_CONTROL, IoControlCode, InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength});
}

NTSTATUS ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID,
                         PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                         ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength) {
  return control(
      export_index::ZwFsControlFile, FileHandle, Event, ApcRoutine, IoStatusBlock,
      {IRP_MJ_FILE_SYSTEM_CONTROL, FsControlCode, InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength});
}

}  // namespace dumpsim::kernel
