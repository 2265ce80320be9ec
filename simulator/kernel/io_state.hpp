// SPDX-License-Identifier: Apache-2.0
// What the I/O manager knows beside the objects that lie in the driver's reach: drivers and devices, the directory of
// names, open files, IRPs on their way, and the facts the dump volume answers from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernel/scripted_device.hpp"
#include "kernel/volume.hpp"
#include "trace/record.hpp"

struct _DEVICE_OBJECT;
struct _DRIVER_OBJECT;
struct _FILE_OBJECT;
struct _IRP;

namespace dumpsim::kernel {

/// Answers an IRP for a driver that is part of the host: completes it and returns its status.
using HostDispatch = std::int32_t (*)(_DEVICE_OBJECT* device, _IRP* irp);

struct IoState {
  struct Driver {
    _DRIVER_OBJECT* object = nullptr;
    HostDispatch dispatch = nullptr;        ///< of a host-made driver; nullptr: a loaded one, called through the gate
    std::uint16_t image = trace::no_image;  ///< of a loaded one
  };
  struct Device {
    _DEVICE_OBJECT* object = nullptr;
    bool deleted = false;  ///< IoDeleteDevice was called; it goes with its last reference
  };
  struct Name {
    std::u16string name;  ///< as directory_name() spells it
    _DEVICE_OBJECT* device = nullptr;
    std::u16string link;                    ///< of a symbolic link: what it leads to
    std::uint16_t image = trace::no_image;  ///< who made the link
  };
  struct OpenFile {
    _FILE_OBJECT* object = nullptr;
    std::uint16_t image = trace::no_image;  ///< who opened it
  };
  /// An IRP between IofCallDriver and its end, as of the last driver it was sent to.
  struct Flight {
    std::uint64_t request = 0;        ///< trace::request_of()
    std::uint32_t output_length = 0;  ///< of a device control, as it was first sent
    _DEVICE_OBJECT* device = nullptr;
    const void* event = nullptr;  ///< the requester's, if it has one
  };
  /// One IofCallDriver that has not returned; lies in its frame.
  struct Sending {
    const _IRP* irp = nullptr;
    std::int8_t location = 0;  ///< of the stack location that the called driver owns
    bool completed = false;    ///< completion has passed that location: with the two below
    bool pending = false;      ///< SL_PENDING_RETURNED was set in it
    std::int32_t status = 0;
  };
  struct Reinitialization {
    _DRIVER_OBJECT* driver = nullptr;
    const void* routine = nullptr;
    void* context = nullptr;
    bool boot = false;
  };
  struct DriverExtension {
    const _DRIVER_OBJECT* driver = nullptr;
    const void* client = nullptr;
    void* bytes = nullptr;
  };

  struct Scripted {
    _DEVICE_OBJECT* device = nullptr;
    ScriptedDevice script;
  };

  std::vector<Driver> drivers;
  std::vector<Device> devices;
  std::vector<Name> names;
  std::vector<OpenFile> files;
  std::vector<const _IRP*> handle_requests;  ///< each holds a reference on its file until it is completed
  std::map<void*, void*> error_log_entries;  ///< allocated and not yet written: the device or driver each is about
  std::map<const _IRP*, Flight> flights;
  std::vector<Sending*> sendings;
  std::vector<Reinitialization> reinitializations;
  std::vector<DriverExtension> driver_extensions;
  std::vector<_DEVICE_OBJECT*> shutdown, last_chance_shutdown;
  std::vector<Scripted> scripted;
  bool cancel_lock_held = false;
  std::uint16_t last_completed_by = trace::no_image;
  VolumeFacts volume;
  Medium* medium = nullptr;                 ///< behind the disk; nullptr: it is not ready
  _DEVICE_OBJECT* disk_device = nullptr;    ///< the bottom of the disk's stack
  _DEVICE_OBJECT* volume_device = nullptr;  ///< the top of the dump volume's, when it was made
  void* process = nullptr;
  /// References held on objects this kernel made, for ObfReferenceObject; an object not in it is not one.
  std::map<const void*, long> references;
};

}  // namespace dumpsim::kernel
