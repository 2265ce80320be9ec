// SPDX-License-Identifier: Apache-2.0
// Ordinary drivers, for whoever loads their images: the driver object, the calls of a driver's life, and what it leaves
// behind. Free of WDK names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/kernel.hpp"

struct _DRIVER_OBJECT;

namespace dumpsim::kernel {

/// How a call into a driver went.
struct DriverCall {
  bool returned = false;  ///< false: it ended the machine; Kernel::left() says how
  std::int32_t status = 0;
};

/// Makes the driver object of a loaded image, which has been registered under `image`: \Driver\NAME, every function
/// refused with STATUS_INVALID_DEVICE_REQUEST until the driver says otherwise. nullptr when the pool is used up.
_DRIVER_OBJECT* create_driver(Kernel& kernel, std::uint16_t image, std::string_view name, const void* entry);
/// DriverEntry with \Registry\Machine\System\CurrentControlSet\Services\NAME, where Windows spells out ControlSet001
/// [assumed: drivers do not tell]. When it fails, the object is only good
/// for remove_driver().
DriverCall call_driver_entry(Kernel& kernel, _DRIVER_OBJECT* driver);
bool has_add_device(const _DRIVER_OBJECT* driver);
/// AddDevice with the dump volume's physical device object. REQUIRES: has_add_device(), Kernel::create_volume().
DriverCall call_add_device(Kernel& kernel, _DRIVER_OBJECT* driver);
/// Calls what drivers registered with IoRegisterBootDriverReinitialization (`boot`) or
/// IoRegisterDriverReinitialization, also what they register meanwhile, up to a bound. False: one ended the machine.
bool reinitialize_drivers(Kernel& kernel, bool boot);
bool has_unload(const _DRIVER_OBJECT* driver);
/// DriverUnload. REQUIRES: has_unload().
DriverCall call_driver_unload(Kernel& kernel, _DRIVER_OBJECT* driver);
/// Gives the driver object back, once the image is about to go. What the driver left stays, as on Windows.
void remove_driver(Kernel& kernel, _DRIVER_OBJECT* driver);
/// IRP_MJ_SHUTDOWN to every device that registered for it, last chances last; each once. False: one ended the machine.
bool shut_down_devices(Kernel& kernel);

/// What an image has made and not given back, in words, each empty when there is nothing.
struct LeftBehind {
  std::string devices;     ///< "\Device\x, an unnamed device"
  std::string links;       ///< "\??\x"
  std::string references;  ///< file objects: "\Device\y"
};
LeftBehind left_behind(Kernel& kernel, std::uint16_t image);

}  // namespace dumpsim::kernel
