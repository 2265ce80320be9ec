// SPDX-License-Identifier: Apache-2.0
// What the system itself asks of the dump volume's device stack: whether it may hold a dump or hibernation file, and
// that power goes. Both begin at the top with STATUS_NOT_SUPPORTED, as every PnP and power IRP does [doc].
#include "kernel/io_objects.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

/// An IRP for the top of the volume's stack; nullptr when pool is used up.
PIRP new_request(Kernel& kernel, PDEVICE_OBJECT top, UCHAR major, UCHAR minor) {
  PIRP irp = new_irp(kernel, top->StackSize);
  if (irp == nullptr) return nullptr;
  irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
  irp->RequestorMode = KernelMode;
  PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
  stack->MajorFunction = major;
  stack->MinorFunction = minor;
  return irp;
}

NTSTATUS send(Kernel& kernel, PDEVICE_OBJECT top, PIRP irp) {
  kernel.io().sendings.clear();
  kernel.io().last_completed_by = trace::no_image;
  return send_and_wait(kernel, top, irp);
}

}  // namespace

std::int32_t Kernel::notify_usage(std::uint32_t type, bool in_path) {
  auto* top = static_cast<PDEVICE_OBJECT>(volume_device());
  if (top == nullptr) return STATUS_SUCCESS;
  PIRP irp = new_request(*this, top, IRP_MJ_PNP, IRP_MN_DEVICE_USAGE_NOTIFICATION);
  if (irp == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  auto& notification = IoGetNextIrpStackLocation(irp)->Parameters.UsageNotification;
  notification.InPath = in_path ? TRUE : FALSE;
  notification.Type = static_cast<DEVICE_USAGE_NOTIFICATION_TYPE>(type);
  return send(*this, top, irp);
}

std::int32_t Kernel::send_power(PowerRequest request) {
  auto* top = static_cast<PDEVICE_OBJECT>(volume_device());
  if (top == nullptr) return STATUS_SUCCESS;
  const UCHAR minor = request == PowerRequest::may_hibernate ? IRP_MN_QUERY_POWER : IRP_MN_SET_POWER;
  PIRP irp = new_request(*this, top, IRP_MJ_POWER, minor);
  if (irp == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  auto& power = IoGetNextIrpStackLocation(irp)->Parameters.Power;
  power.Type = SystemPowerState;
  power.State.SystemState = request == PowerRequest::resume ? PowerSystemWorking : PowerSystemHibernate;
  power.ShutdownType = PowerActionHibernate;
  return send(*this, top, irp);
}

std::uint16_t Kernel::last_completed_by() const {
  return io_->last_completed_by;
}

}  // namespace dumpsim::kernel
