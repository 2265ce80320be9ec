// SPDX-License-Identifier: Apache-2.0
// How the I/O files of this room make and find each other's objects. Not for other rooms: it speaks the WDK's types.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

inline std::uint64_t number_of(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

/// A driver whose dispatch routine is host code. Lives as long as the kernel. nullptr when pool is used up.
PDRIVER_OBJECT create_host_driver(Kernel& kernel, std::u16string_view name, HostDispatch dispatch);
/// A device object in nonpaged pool, entered in its driver's list.
PDEVICE_OBJECT create_device(Kernel& kernel, PDRIVER_OBJECT driver, ULONG extension_bytes, DEVICE_TYPE type,
                             ULONG characteristics);
void attach_device(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower);
const HostDispatch* host_dispatch_of(Kernel& kernel, PDRIVER_OBJECT driver);
/// By absolute name in any case, through symbolic links; nullptr when there is none.
PDEVICE_OBJECT find_device(Kernel& kernel, std::u16string_view name);

/// Finishes an IRP for a host-made driver: IofCompleteRequest with these results.
NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information);

}  // namespace dumpsim::kernel
