// SPDX-License-Identifier: Apache-2.0
// The storage stack's devices and their names. As on Windows a volume is a device of volmgr with one of volsnap on top,
// which keeps nothing, and sends reads and writes to the top of its disk's stack: partmgr's device above the disk's
// [seen: device stacks and object directories of running systems].
#include <algorithm>
#include <cassert>
#include <string>

#include "kernel/exports.hpp"
#include "kernel/io_storage.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {
namespace {

// A driver that attaches to the disk at boot does so before the volumes appear, so that theirs are taller by one stack
// location for each. Here volumes are there first: they leave room for as many. [assumed]
constexpr CCHAR room_for_disk_filters = 4;

NTSTATUS disk_dispatch(PDEVICE_OBJECT device, PIRP irp) {
  switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
    case IRP_MJ_SHUTDOWN:
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
      return disk_transfer(irp);
    case IRP_MJ_FLUSH_BUFFERS:
      return disk_flush(irp);
    case IRP_MJ_DEVICE_CONTROL:
      return disk_control(device, irp);
    case IRP_MJ_POWER:
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_PNP:
      // What a bus does not know keeps the status it came with [doc]; the disk may hold any file.
      return complete(irp,
                      IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION
                          ? STATUS_SUCCESS
                          : irp->IoStatus.Status,
                      0);
    default:
      return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

/// A volume ends where its partition does: the disk goes on behind it. The status is [assumed].
NTSTATUS volume_transfer(PDEVICE_OBJECT device, PIRP irp) {
  const PartitionFacts& partition = current().io().volume.partitions[extension_of(device).partition];
  const auto& request = IoGetCurrentIrpStackLocation(irp)->Parameters.Read;  // Write has the same fields
  const auto at = static_cast<std::uint64_t>(request.ByteOffset.QuadPart);
  if (request.ByteOffset.QuadPart < 0 || at > partition.length || request.Length > partition.length - at) {
    return complete(irp, STATUS_INVALID_PARAMETER, 0);
  }
  return pass_to_lower(device, irp, partition.start.bytes);
}

NTSTATUS volume_dispatch(PDEVICE_OBJECT device, PIRP irp) {
  switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
    case IRP_MJ_SHUTDOWN:
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
      return volume_transfer(device, irp);
    case IRP_MJ_FLUSH_BUFFERS:
      return pass_to_lower(device, irp, 0);
    case IRP_MJ_DEVICE_CONTROL:
      return volume_control(device, irp);
    case IRP_MJ_POWER:
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_PNP:
      return pass_to_lower(device, irp, 0);
    default:
      return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

/// A driver that keeps nothing lets the one below have the same stack location.
NTSTATUS hand_down(PDEVICE_OBJECT device, PIRP irp) {
  PDEVICE_OBJECT lower = extension_of(device).lower;
  IoGetCurrentIrpStackLocation(irp)->DeviceObject = lower;
  return find_driver(current(), lower->DriverObject)->dispatch(lower, irp);
}

PDRIVER_OBJECT make_driver(Kernel& kernel, std::u16string_view name, HostDispatch dispatch) {
  PDRIVER_OBJECT driver = create_host_driver(kernel, name, dispatch);
  assert(driver != nullptr && "the pool is used up before anything runs");
  return driver;
}

/// A disk-like device above `lower`, or at the bottom of a stack of its own.
PDEVICE_OBJECT make_device(Kernel& kernel, PDRIVER_OBJECT driver, PDEVICE_OBJECT lower, ULONG partition) {
  PDEVICE_OBJECT device =
      create_device(kernel, driver, sizeof(StorageExtension), FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN);
  assert(device != nullptr);
  device->Flags = DO_DIRECT_IO | DO_POWER_PAGABLE;
  device->SectorSize = static_cast<USHORT>(kernel.io().volume.sector_size);
  extension_of(device) = {lower, partition};
  return device;
}

PDEVICE_OBJECT put_above(Kernel& kernel, PDRIVER_OBJECT driver, PDEVICE_OBJECT lower, ULONG partition) {
  PDEVICE_OBJECT device = make_device(kernel, driver, lower, partition);
  device->Characteristics = 0;
  attach_device(device, lower);
  return device;
}

}  // namespace

NTSTATUS pass_to_lower(PDEVICE_OBJECT device, PIRP irp, std::uint64_t moved_by) {
  constexpr ULONG no_more_irp_stack_locations = 0x35;
  PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(extension_of(device).lower);
  // Made for fewer drivers than the stack has: there is no next location to write to [doc].
  if (irp->CurrentLocation <= 1) current().bugcheck(no_more_irp_stack_locations, {number_of(irp), 0, 0, 0});
  IoCopyCurrentIrpStackLocationToNext(irp);
  PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
  if (moved_by != 0) next->Parameters.Read.ByteOffset.QuadPart += static_cast<LONGLONG>(moved_by);
  const IoState::Driver* host = find_driver(current(), top->DriverObject);
  if (host == nullptr || host->dispatch == nullptr) return kernel::IofCallDriver(top, irp);
  IoSetNextIrpStackLocation(irp);
  next->DeviceObject = top;
  return host->dispatch(top, irp);
}

void Kernel::create_volume(const VolumeFacts& facts, Medium* medium) {
  assert(io_->volume_device == nullptr);
  io_->volume = facts;
  // A disk that nobody has cut up is one volume from end to end.
  if (io_->volume.partitions.empty()) io_->volume.partitions.push_back({.number = 0, .length = facts.disk_size});
  assert(facts.dump_partition < io_->volume.partitions.size());
  io_->medium = medium;
  PDRIVER_OBJECT disk_driver = make_driver(*this, u"\\Driver\\Disk", disk_dispatch);
  PDRIVER_OBJECT partition_driver = make_driver(*this, u"\\Driver\\partmgr", hand_down);
  PDRIVER_OBJECT volume_driver = make_driver(*this, u"\\Driver\\volmgr", volume_dispatch);
  PDRIVER_OBJECT upper_driver = make_driver(*this, u"\\Driver\\volsnap", hand_down);

  const std::string disk_folder = "\\Device\\Harddisk" + std::to_string(facts.disk_number);
  const std::string disk_name = disk_folder + "\\DR" + std::to_string(facts.disk_number);
  const std::string arc_name = "\\ArcName\\multi(0)disk(0)rdisk(" + std::to_string(facts.disk_number) + ")";
  PDEVICE_OBJECT disk = make_device(*this, disk_driver, nullptr, 0);
  PDEVICE_OBJECT disk_top = put_above(*this, partition_driver, disk, 0);
  io_->disk_device = disk;
  name_device(disk_name, disk);
  link_device(disk_folder + "\\Partition0", disk_name);
  link_device("\\??\\PhysicalDrive" + std::to_string(facts.disk_number), disk_name);
  link_device(arc_name, disk_folder + "\\Partition0");

  // The system volume is C:, the others follow it. [assumed: the mount manager keeps letters in the registry]
  char next_letter = 'D';
  for (std::size_t i = 0; i < io_->volume.partitions.size(); ++i) {
    const PartitionFacts& partition = io_->volume.partitions[i];
    PDEVICE_OBJECT volume = make_device(*this, volume_driver, disk, static_cast<ULONG>(i));
    volume->StackSize = static_cast<CCHAR>(disk_top->StackSize + 1 + room_for_disk_filters);
    PDEVICE_OBJECT top = put_above(*this, upper_driver, volume, static_cast<ULONG>(i));
    const std::string number = std::to_string(std::max<std::uint32_t>(partition.number, 1));
    const std::string name = "\\Device\\HarddiskVolume" + number;
    name_device(name, volume);
    link_device("\\??\\HarddiskVolume" + number, name);
    std::string partition_name = disk_folder;
    partition_name.append("\\Partition").append(number);
    std::string partition_arc_name = arc_name;
    partition_arc_name.append("partition(").append(number).append(")");
    link_device(partition_name, name);
    link_device(partition_arc_name, partition_name);
    const bool dumps = i == facts.dump_partition;
    if (dumps) io_->volume_device = top;
    if (dumps || next_letter <= 'Z') {
      link_device(std::string("\\??\\") + (dumps ? 'C' : next_letter++) + ":", name);
    }
  }
}

void Kernel::describe_volume(::_FILTER_EXTENSION& extension) const {
  assert(io_->volume_device != nullptr);
  extension.DeviceObject = static_cast<PDEVICE_OBJECT>(volume_device());
  extension.Geometry = geometry_of(io_->volume);
  extension.DiskSize.QuadPart = static_cast<LONGLONG>(io_->volume.disk_size);
  extension.PartitionInfo = identity_of(io_->volume);
}

}  // namespace dumpsim::kernel
