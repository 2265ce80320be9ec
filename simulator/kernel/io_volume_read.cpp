// SPDX-License-Identifier: Apache-2.0
// The reader runs as a driver's code would, on the guest stack: a driver below may bugcheck, fault or never complete,
// and each leaves it the way it leaves any driver.
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/volume_read.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

struct Request {
  std::int64_t at;
  std::byte* into;
  std::uint32_t length;
  std::int32_t status;
  std::uint64_t bytes;
};

/// Owns nothing: it may be left at any call.
NTSTATUS send_read(Request* request) {
  Kernel& kernel = current();
  auto* top = static_cast<PDEVICE_OBJECT>(kernel.volume_device());
  top = kernel::IoGetAttachedDevice(top);
  KEVENT event;
  kernel::KeInitializeEvent(&event, NotificationEvent, FALSE);
  IO_STATUS_BLOCK iosb{};
  LARGE_INTEGER start;
  start.QuadPart = request->at;
  PIRP irp = kernel::IoBuildSynchronousFsdRequest(IRP_MJ_READ, top, request->into, request->length, &start, &event,
                                                  &iosb);
  if (irp == nullptr) {
    request->status = STATUS_INSUFFICIENT_RESOURCES;
    return request->status;
  }
  NTSTATUS status = kernel::IofCallDriver(top, irp);
  if (status == STATUS_PENDING) {
    kernel::KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr);
    status = iosb.Status;
  }
  request->status = status;
  request->bytes = iosb.Information;
  return status;
}

}  // namespace

VolumeReading read_volume(Kernel& kernel, PartitionOffset at, std::byte* into, std::uint32_t length) {
  Request request{static_cast<std::int64_t>(at.bytes), into, length, 0, 0};
  const std::uint64_t arguments[] = {number_of(&request)};
  kernel.set_current(trace::no_image, trace::Callback::none);
  const machine::CallResult call =
      kernel.gate().call(machine::Convention::system_v, reinterpret_cast<const void*>(&send_read), arguments);
  if (!call.returned) return {.returned = false, .reason = call.value};
  return {.returned = true, .status = request.status, .bytes = request.bytes};
}

}  // namespace dumpsim::kernel
