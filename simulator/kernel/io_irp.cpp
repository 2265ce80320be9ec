// SPDX-License-Identifier: Apache-2.0
// IRPs made, built into requests, and given back. Sending and completing them is in io_call.cpp.
#include <algorithm>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG irp_tag = 0x20707249;     // "Irp "
constexpr ULONG buffer_tag = 0x42737949;  // "IysB"
constexpr ULONG multiple_irp_complete_requests = 0x44;

std::byte* allocate(Kernel& kernel, ULONG tag, std::size_t bytes) {
  BlockRequest request;
  request.image = kernel.image();
  request.tag = tag;
  request.bytes = bytes;
  return kernel.pool().allocate(request);
}

/// Gives back what a failed build has made so far.
PIRP abandon(Kernel& kernel, PIRP irp) {
  if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0 && irp->AssociatedIrp.SystemBuffer != nullptr) {
    kernel.pool().free(static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer));
  }
  if (irp->MdlAddress != nullptr) kernel::IoFreeMdl(irp->MdlAddress);
  kernel::IoFreeIrp(irp);
  return nullptr;
}

/// False for a buffer that cannot be locked too: the requests' builders answer NULL and raise nothing [assumed: they
/// are documented to answer NULL when they fail, and no exception is mentioned].
bool lock_buffer(PIRP irp, PVOID buffer, ULONG length, LOCK_OPERATION operation) {
  return kernel::IoAllocateMdl(buffer, length, FALSE, FALSE, irp) != nullptr &&
         NT_SUCCESS(probe_and_lock(irp->MdlAddress, KernelMode, operation));
}

}  // namespace

PIRP build_transfer(Kernel& kernel, ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG length,
                    const LARGE_INTEGER* start) {
  PIRP irp = new_irp(kernel, device->StackSize);
  if (irp == nullptr) return nullptr;
  irp->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(kernel::KeGetCurrentThread());
  PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
  stack->MajorFunction = static_cast<UCHAR>(major);
  if (major != IRP_MJ_READ && major != IRP_MJ_WRITE) return irp;
  const bool reads = major == IRP_MJ_READ;
  if ((device->Flags & DO_BUFFERED_IO) != 0) {
    std::byte* copy = length == 0 ? nullptr : allocate(kernel, buffer_tag, length);
    if (length != 0 && copy == nullptr) return abandon(kernel, irp);
    irp->AssociatedIrp.SystemBuffer = copy;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (reads ? IRP_INPUT_OPERATION : 0);
    if (!reads && length != 0) std::memcpy(copy, buffer, length);
    irp->UserBuffer = buffer;
  } else if ((device->Flags & DO_DIRECT_IO) != 0) {
    if (length != 0 && !lock_buffer(irp, buffer, length, reads ? IoWriteAccess : IoReadAccess)) {
      return abandon(kernel, irp);
    }
  } else {
    irp->UserBuffer = buffer;
  }
  irp->Flags |= reads ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
  // Read and Write lie at the same place of the union.
  stack->Parameters.Read.Length = length;
  stack->Parameters.Read.Key = 0;
  if (start != nullptr) stack->Parameters.Read.ByteOffset = *start;
  return irp;
}

PIRP new_irp(Kernel& kernel, CCHAR stack_size) {
  if (stack_size <= 0) return nullptr;
  std::byte* at = allocate(kernel, irp_tag, IoSizeOfIrp(stack_size));
  if (at == nullptr) return nullptr;
  auto* irp = reinterpret_cast<PIRP>(at);
  kernel::IoInitializeIrp(irp, IoSizeOfIrp(stack_size), stack_size);
  return irp;
}

VOID IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize) {
  current().io().flights.erase(Irp);
  std::memset(static_cast<void*>(Irp), 0, PacketSize);
  Irp->Type = IO_TYPE_IRP;
  Irp->Size = PacketSize;
  Irp->StackCount = StackSize;
  Irp->CurrentLocation = static_cast<CHAR>(StackSize + 1);
  Irp->ApcEnvironment = 0;
  Irp->ThreadListEntry.Flink = Irp->ThreadListEntry.Blink = &Irp->ThreadListEntry;
  Irp->Tail.Overlay.CurrentStackLocation = reinterpret_cast<PIO_STACK_LOCATION>(Irp + 1) + StackSize;
}

PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN) {
  Kernel& kernel = current();
  return kernel.injected_failure(export_index::IoAllocateIrp) ? nullptr : new_irp(kernel, StackSize);
}

VOID IoReuseIrp(PIRP Irp, NTSTATUS Iostatus) {
  const UCHAR flags = Irp->AllocationFlags;
  kernel::IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
  Irp->AllocationFlags = flags;
  Irp->IoStatus.Status = Iostatus;
}

VOID IoFreeIrp(PIRP Irp) {
  Kernel& kernel = current();
  const Block* block = kernel.pool().block_at(Irp);
  if (block == nullptr || block->tag != irp_tag) {
    kernel.bugcheck(multiple_irp_complete_requests, {number_of(Irp), 0, 0, 0});
  }
  Irp->Type = 0;
  kernel.io().flights.erase(Irp);
  kernel.pool().free(reinterpret_cast<std::byte*>(Irp));
}

PIRP IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                                   ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                                   BOOLEAN InternalDeviceIoControl, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoBuildDeviceIoControlRequest)) return nullptr;
  PIRP irp = build_control(
      kernel, DeviceObject,
      {static_cast<UCHAR>(InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL),
       IoControlCode, InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength});
  if (irp == nullptr) return nullptr;
  irp->UserIosb = IoStatusBlock;
  irp->UserEvent = Event;
  return irp;
}

PIRP build_control(Kernel& kernel, PDEVICE_OBJECT device, const ControlRequest& request) {
  PIRP irp = new_irp(kernel, device->StackSize);
  if (irp == nullptr) return nullptr;
  irp->RequestorMode = KernelMode;
  irp->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(kernel::KeGetCurrentThread());
  PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
  stack->MajorFunction = request.major;
  // FileSystemControl lies at the same place of the union.
  stack->Parameters.DeviceIoControl.OutputBufferLength = request.output_length;
  stack->Parameters.DeviceIoControl.InputBufferLength = request.input_length;
  stack->Parameters.DeviceIoControl.IoControlCode = request.code;
  const ULONG method = METHOD_FROM_CTL_CODE(request.code);
  if (method == METHOD_NEITHER) {
    irp->UserBuffer = request.output;
    stack->Parameters.DeviceIoControl.Type3InputBuffer = request.input;
    return irp;
  }
  // The input goes through a system buffer; with METHOD_BUFFERED the output comes back through the same one [doc].
  const ULONG shared = method == METHOD_BUFFERED  ? std::max(request.input_length, request.output_length)
                       : request.input != nullptr ? request.input_length
                                                  : 0;
  if (shared != 0) {
    std::byte* buffer = allocate(kernel, buffer_tag, shared);
    if (buffer == nullptr) return abandon(kernel, irp);
    irp->AssociatedIrp.SystemBuffer = buffer;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    if (request.input != nullptr) std::memcpy(buffer, request.input, request.input_length);
  }
  if (method == METHOD_BUFFERED) {
    irp->UserBuffer = request.output;
    if (request.output != nullptr && shared != 0) irp->Flags |= IRP_INPUT_OPERATION;
  } else if (request.output != nullptr && request.output_length != 0) {
    const LOCK_OPERATION operation = method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess;
    if (!lock_buffer(irp, request.output, request.output_length, operation)) return abandon(kernel, irp);
  }
  return irp;
}

PIRP IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                  PLARGE_INTEGER StartingOffset, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoBuildSynchronousFsdRequest)) return nullptr;
  PIRP irp = build_transfer(kernel, MajorFunction, DeviceObject, Buffer, Length, StartingOffset);
  if (irp == nullptr) return nullptr;
  irp->UserIosb = IoStatusBlock;
  irp->UserEvent = Event;
  return irp;
}

PIRP IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                   PLARGE_INTEGER StartingOffset, PIO_STATUS_BLOCK IoStatusBlock) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoBuildAsynchronousFsdRequest)) return nullptr;
  PIRP irp = build_transfer(kernel, MajorFunction, DeviceObject, Buffer, Length, StartingOffset);
  if (irp != nullptr) irp->UserIosb = IoStatusBlock;
  return irp;
}

}  // namespace dumpsim::kernel
