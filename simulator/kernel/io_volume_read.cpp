// SPDX-License-Identifier: Apache-2.0
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/volume_read.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

VolumeReading read_volume(Kernel& kernel, PartitionOffset at, std::byte* into, std::uint32_t length) {
  kernel.set_current(trace::no_image, trace::Callback::none);
  kernel.io().sendings.clear();
  auto* top = static_cast<PDEVICE_OBJECT>(kernel.volume_device());
  LARGE_INTEGER start;
  start.QuadPart = static_cast<LONGLONG>(at.bytes);
  PIRP irp = kernel::IoBuildSynchronousFsdRequest(IRP_MJ_READ, top, into, length, &start, nullptr, nullptr);
  if (irp == nullptr) return {STATUS_INSUFFICIENT_RESOURCES, 0};
  ULONG_PTR bytes = 0;
  const NTSTATUS status = send_and_wait(kernel, top, irp, &bytes);
  return {status, bytes};
}

}  // namespace dumpsim::kernel
