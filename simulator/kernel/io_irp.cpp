// SPDX-License-Identifier: Apache-2.0
// The life of an IRP: built, sent down, completed, given back. Dispatch and completion routines of drivers are called
// through the gate in the convention of the image they lie in; host-made drivers are called directly.
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
constexpr ULONG no_more_irp_stack_locations = 0x35;
constexpr ULONG multiple_irp_complete_requests = 0x44;

std::byte* allocate(Kernel& kernel, ULONG tag, std::size_t bytes) {
  BlockRequest request;
  request.image = kernel.image();
  request.tag = tag;
  request.bytes = bytes;
  return kernel.pool().allocate(request);
}

/// What `Irp->AssociatedIrp.SystemBuffer` holds at most: a completing driver may claim more.
std::size_t system_buffer_bytes(Kernel& kernel, PIRP irp) {
  const Block* block = kernel.pool().block_at(irp->AssociatedIrp.SystemBuffer);
  return block == nullptr ? 0 : block->bytes;
}

std::uint64_t argument(const void* pointer) {
  return number_of(pointer);
}

NTSTATUS call_driver(Kernel& kernel, const void* routine, PDEVICE_OBJECT device, PIRP irp) {
  const std::uint64_t arguments[] = {argument(device), argument(irp)};
  const machine::CallResult call = kernel.gate().call(kernel.convention_of(routine), routine, arguments);
  return call.returned ? static_cast<NTSTATUS>(call.value) : STATUS_UNSUCCESSFUL;
}

NTSTATUS call_completion(Kernel& kernel, PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp,
                         PVOID context) {
  const void* code = reinterpret_cast<const void*>(routine);
  const std::uint64_t arguments[] = {argument(device), argument(irp), argument(context)};
  const machine::CallResult call = kernel.gate().call(kernel.convention_of(code), code, arguments);
  return call.returned ? static_cast<NTSTATUS>(call.value) : STATUS_UNSUCCESSFUL;
}

/// The I/O manager's part at the end: results to the requester, buffers and the IRP back to the pool.
void finish(Kernel& kernel, PIRP irp) {
  const NTSTATUS status = irp->IoStatus.Status;
  if ((irp->Flags & IRP_BUFFERED_IO) != 0) {
    const bool copies = (irp->Flags & IRP_INPUT_OPERATION) != 0 && irp->UserBuffer != nullptr && !NT_ERROR(status);
    if (copies && irp->AssociatedIrp.SystemBuffer != nullptr) {
      std::memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer,
                  std::min<std::size_t>(irp->IoStatus.Information, system_buffer_bytes(kernel, irp)));
    }
    if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0 && irp->AssociatedIrp.SystemBuffer != nullptr) {
      kernel.pool().free(static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer));
      irp->AssociatedIrp.SystemBuffer = nullptr;
    }
  }
  while (irp->MdlAddress != nullptr) {
    PMDL mdl = irp->MdlAddress;
    irp->MdlAddress = mdl->Next;
    if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0) kernel::MmUnlockPages(mdl);
    kernel::IoFreeMdl(mdl);
  }
  // Written even when the request failed at once [assumed].
  if (irp->UserIosb != nullptr) *irp->UserIosb = irp->IoStatus;
  if (irp->UserEvent != nullptr) kernel::KeSetEvent(irp->UserEvent, 0, FALSE);
  kernel::IoFreeIrp(irp);
}

PIRP new_irp(Kernel& kernel, CCHAR stack_size) {
  if (stack_size <= 0) return nullptr;
  std::byte* at = allocate(kernel, irp_tag, IoSizeOfIrp(stack_size));
  if (at == nullptr) return nullptr;
  auto* irp = reinterpret_cast<PIRP>(at);
  kernel::IoInitializeIrp(irp, IoSizeOfIrp(stack_size), stack_size);
  return irp;
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

bool lock_buffer(PIRP irp, PVOID buffer, ULONG length, LOCK_OPERATION operation) {
  if (kernel::IoAllocateMdl(buffer, length, FALSE, FALSE, irp) == nullptr) return false;
  kernel::MmProbeAndLockPages(irp->MdlAddress, KernelMode, operation);
  return true;
}

PIRP build_transfer(std::size_t index, ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG length,
                    PLARGE_INTEGER start, PIO_STATUS_BLOCK iosb) {
  Kernel& kernel = current();
  if (kernel.injected_failure(index)) return nullptr;
  PIRP irp = new_irp(kernel, device->StackSize);
  if (irp == nullptr) return nullptr;
  irp->UserIosb = iosb;
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

}  // namespace

VOID IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize) {
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
  kernel.pool().free(reinterpret_cast<std::byte*>(Irp));
}

PIRP IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                                   ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                                   BOOLEAN InternalDeviceIoControl, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoBuildDeviceIoControlRequest)) return nullptr;
  PIRP irp = new_irp(kernel, DeviceObject->StackSize);
  if (irp == nullptr) return nullptr;
  irp->UserIosb = IoStatusBlock;
  irp->UserEvent = Event;
  irp->RequestorMode = KernelMode;
  irp->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(kernel::KeGetCurrentThread());
  PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
  stack->MajorFunction = InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
  stack->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
  stack->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
  stack->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
  const ULONG method = METHOD_FROM_CTL_CODE(IoControlCode);
  if (method == METHOD_NEITHER) {
    irp->UserBuffer = OutputBuffer;
    stack->Parameters.DeviceIoControl.Type3InputBuffer = InputBuffer;
    return irp;
  }
  // The input goes through a system buffer; with METHOD_BUFFERED the output comes back through the same one [doc].
  const ULONG shared = method == METHOD_BUFFERED ? std::max(InputBufferLength, OutputBufferLength)
                       : InputBuffer != nullptr  ? InputBufferLength
                                                 : 0;
  if (shared != 0) {
    std::byte* buffer = allocate(kernel, buffer_tag, shared);
    if (buffer == nullptr) return abandon(kernel, irp);
    irp->AssociatedIrp.SystemBuffer = buffer;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    if (InputBuffer != nullptr) std::memcpy(buffer, InputBuffer, InputBufferLength);
  }
  if (method == METHOD_BUFFERED) {
    irp->UserBuffer = OutputBuffer;
    if (OutputBuffer != nullptr && shared != 0) irp->Flags |= IRP_INPUT_OPERATION;
  } else if (OutputBuffer != nullptr && OutputBufferLength != 0) {
    const LOCK_OPERATION operation = method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess;
    if (!lock_buffer(irp, OutputBuffer, OutputBufferLength, operation)) return abandon(kernel, irp);
  }
  return irp;
}

PIRP IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                  PLARGE_INTEGER StartingOffset, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  PIRP irp = build_transfer(export_index::IoBuildSynchronousFsdRequest, MajorFunction, DeviceObject, Buffer, Length,
                            StartingOffset, IoStatusBlock);
  if (irp != nullptr) irp->UserEvent = Event;
  return irp;
}

PIRP IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                   PLARGE_INTEGER StartingOffset, PIO_STATUS_BLOCK IoStatusBlock) {
  return build_transfer(export_index::IoBuildAsynchronousFsdRequest, MajorFunction, DeviceObject, Buffer, Length,
                        StartingOffset, IoStatusBlock);
}

NTSTATUS IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  Kernel& kernel = current();
  if (--Irp->CurrentLocation <= 0) kernel.bugcheck(no_more_irp_stack_locations, {number_of(Irp), 0, 0, 0});
  PIO_STACK_LOCATION stack = --Irp->Tail.Overlay.CurrentStackLocation;
  stack->DeviceObject = DeviceObject;
  const UCHAR major = stack->MajorFunction;
  // Copied now: the IRP is gone when the driver has completed it.
  const bool control = major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL;
  const ULONG code = control ? stack->Parameters.DeviceIoControl.IoControlCode : 0;
  const ULONG length = control ? stack->Parameters.DeviceIoControl.OutputBufferLength : 0;
  NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
  PDRIVER_OBJECT driver = DeviceObject->DriverObject;
  if (major > IRP_MJ_MAXIMUM_FUNCTION) {
    complete(Irp, status, 0);
  } else if (const HostDispatch* dispatch = host_dispatch_of(kernel, driver); dispatch != nullptr) {
    status = (*dispatch)(DeviceObject, Irp);
  } else if (driver->MajorFunction[major] == nullptr) {
    complete(Irp, status, 0);
  } else {
    status = call_driver(kernel, reinterpret_cast<const void*>(driver->MajorFunction[major]), DeviceObject, Irp);
  }
  if (control) kernel.recorder().device_control(kernel.image(), code, length, status);
  return status;
}

VOID IofCompleteRequest(PIRP Irp, CCHAR) {
  Kernel& kernel = current();
  if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1) {
    kernel.bugcheck(multiple_irp_complete_requests, {number_of(Irp), 0, 0, 0});
  }
  // Each stack location on the way up holds the completion routine of the driver above it.
  while (Irp->CurrentLocation <= Irp->StackCount) {
    PIO_STACK_LOCATION left = Irp->Tail.Overlay.CurrentStackLocation;
    const UCHAR control = left->Control;
    PIO_COMPLETION_ROUTINE routine = left->CompletionRoutine;
    PVOID context = left->Context;
    Irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
    ++Irp->CurrentLocation;
    ++Irp->Tail.Overlay.CurrentStackLocation;
    const bool top = Irp->CurrentLocation > Irp->StackCount;
    PDEVICE_OBJECT device = top ? nullptr : Irp->Tail.Overlay.CurrentStackLocation->DeviceObject;
    const NTSTATUS status = Irp->IoStatus.Status;
    const bool wanted = (NT_SUCCESS(status) && (control & SL_INVOKE_ON_SUCCESS) != 0) ||
                        (!NT_SUCCESS(status) && (control & SL_INVOKE_ON_ERROR) != 0) ||
                        (Irp->Cancel && (control & SL_INVOKE_ON_CANCEL) != 0);
    if (wanted && routine != nullptr) {
      if (call_completion(kernel, routine, device, Irp, context) == STATUS_MORE_PROCESSING_REQUIRED) return;
    } else if (Irp->PendingReturned && !top) {
      IoMarkIrpPending(Irp);
    }
  }
  finish(kernel, Irp);
}

NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  kernel::IofCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

}  // namespace dumpsim::kernel
