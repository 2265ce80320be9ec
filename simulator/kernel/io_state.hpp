// SPDX-License-Identifier: Apache-2.0
// What the I/O manager knows beside the objects that lie in the driver's reach: names of devices, host-made drivers and
// the facts the dump volume answers from.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernel/volume.hpp"

struct _DEVICE_OBJECT;
struct _DRIVER_OBJECT;
struct _FILE_OBJECT;
struct _IRP;

namespace dumpsim::kernel {

/// Answers an IRP for a driver that is part of the host: completes it and returns its status.
using HostDispatch = std::int32_t (*)(_DEVICE_OBJECT* device, _IRP* irp);

struct IoState {
  struct HostDriver {
    _DRIVER_OBJECT* object = nullptr;
    HostDispatch dispatch = nullptr;
  };
  struct Name {
    std::u16string name;
    _DEVICE_OBJECT* device = nullptr;
    std::u16string link;  ///< of a symbolic link: what it leads to
  };

  std::vector<HostDriver> host_drivers;
  std::vector<Name> names;
  VolumeFacts volume;
  _DEVICE_OBJECT* volume_device = nullptr;
  /// The one thread, as an address drivers may compare; made when first asked for.
  void* thread = nullptr;
  void* process = nullptr;
  int critical_regions = 0;
  int guarded_regions = 0;
  /// References held on objects this kernel made, for ObfReferenceObject; an object not in it is not one.
  std::map<const void*, long> references;
};

}  // namespace dumpsim::kernel
