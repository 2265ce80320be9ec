// SPDX-License-Identifier: Apache-2.0
// The dump volume: the device a filter finds in FILTER_EXTENSION.DeviceObject and asks where its partition lies. Two
// devices, as on Windows: the volume itself and one attached on top, whose driver passes everything down.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

/// An answer of `size` bytes into the IRP's system buffer. A buffer that is too short gets nothing [doc].
template <class Answer>
NTSTATUS give(PIRP irp, const Answer& answer) {
  const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof answer) {
    return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  }
  std::memcpy(irp->AssociatedIrp.SystemBuffer, &answer, sizeof answer);
  return complete(irp, STATUS_SUCCESS, sizeof answer);
}

template <class T>
T zeroed() {
  T value;
  std::memset(static_cast<void*>(&value), 0, sizeof value);
  return value;
}

GUID guid_of(const VolumeFacts::Guid& bytes) {
  GUID guid;
  static_assert(sizeof guid == sizeof bytes);
  std::memcpy(&guid, bytes.data(), sizeof guid);
  return guid;
}

DISK_GEOMETRY geometry_of(const VolumeFacts& facts) {
  auto geometry = zeroed<DISK_GEOMETRY>();
  const std::uint64_t cylinder = std::uint64_t{facts.tracks_per_cylinder} * facts.sectors_per_track * facts.sector_size;
  geometry.Cylinders.QuadPart = static_cast<LONGLONG>(cylinder == 0 ? 0 : facts.disk_size / cylinder);
  geometry.MediaType = FixedMedia;
  geometry.TracksPerCylinder = facts.tracks_per_cylinder;
  geometry.SectorsPerTrack = facts.sectors_per_track;
  geometry.BytesPerSector = facts.sector_size;
  return geometry;
}

DISK_PARTITION_INFO identity_of(const VolumeFacts& facts) {
  auto identity = zeroed<DISK_PARTITION_INFO>();
  identity.SizeOfPartitionInfo = sizeof identity;
  switch (facts.style) {
    case VolumeFacts::Style::mbr:
      identity.PartitionStyle = PARTITION_STYLE_MBR;
      identity.Mbr.Signature = facts.mbr_signature;
      break;
    case VolumeFacts::Style::gpt:
      identity.PartitionStyle = PARTITION_STYLE_GPT;
      identity.Gpt.DiskId = guid_of(facts.gpt_disk);
      break;
    case VolumeFacts::Style::raw:
      identity.PartitionStyle = PARTITION_STYLE_RAW;
      break;
  }
  return identity;
}

ULONG hidden_sectors(const VolumeFacts& facts) {
  return static_cast<ULONG>(facts.partition_start / std::max<std::uint32_t>(facts.sector_size, 1));
}

// The old form knows MBR only: on GPT it fails, and filters fall back to the _EX form [seen: VeraCrypt].
NTSTATUS partition_information(PIRP irp, const VolumeFacts& facts) {
  if (facts.style != VolumeFacts::Style::mbr) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  auto answer = zeroed<PARTITION_INFORMATION>();
  answer.StartingOffset.QuadPart = static_cast<LONGLONG>(facts.partition_start);
  answer.PartitionLength.QuadPart = static_cast<LONGLONG>(facts.partition_length);
  answer.HiddenSectors = hidden_sectors(facts);
  answer.PartitionNumber = facts.partition_number;
  answer.PartitionType = facts.mbr_type;
  answer.BootIndicator = facts.mbr_active;
  answer.RecognizedPartition = TRUE;
  return give(irp, answer);
}

NTSTATUS partition_information_ex(PIRP irp, const VolumeFacts& facts) {
  auto answer = zeroed<PARTITION_INFORMATION_EX>();
  answer.PartitionStyle = identity_of(facts).PartitionStyle;
  answer.StartingOffset.QuadPart = static_cast<LONGLONG>(facts.partition_start);
  answer.PartitionLength.QuadPart = static_cast<LONGLONG>(facts.partition_length);
  answer.PartitionNumber = facts.partition_number;
  if (facts.style == VolumeFacts::Style::mbr) {
    answer.Mbr.PartitionType = facts.mbr_type;
    answer.Mbr.BootIndicator = facts.mbr_active;
    answer.Mbr.RecognizedPartition = TRUE;
    answer.Mbr.HiddenSectors = hidden_sectors(facts);
  } else if (facts.style == VolumeFacts::Style::gpt) {
    answer.Gpt.PartitionType = guid_of(facts.gpt_type);
    answer.Gpt.PartitionId = guid_of(facts.gpt_partition);
    answer.Gpt.Attributes = facts.gpt_attributes;
    const std::size_t units = std::min(facts.gpt_name.size(), RTL_NUMBER_OF(answer.Gpt.Name));
    std::memcpy(answer.Gpt.Name, facts.gpt_name.data(), units * sizeof(WCHAR));
  }
  return give(irp, answer);
}

// The disk's identity follows where there is room for it; without, geometry and size alone are a success [assumed].
NTSTATUS geometry_ex(PIRP irp, const VolumeFacts& facts) {
  constexpr std::size_t fixed = FIELD_OFFSET(DISK_GEOMETRY_EX, Data);
  const std::size_t room = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength;
  if (room < fixed) return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  auto answer = zeroed<DISK_GEOMETRY_EX>();
  answer.Geometry = geometry_of(facts);
  answer.DiskSize.QuadPart = static_cast<LONGLONG>(facts.disk_size);
  auto* into = static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer);
  std::memcpy(into, &answer, fixed);
  const DISK_PARTITION_INFO identity = identity_of(facts);
  if (room < fixed + sizeof identity) return complete(irp, STATUS_SUCCESS, fixed);
  std::memcpy(into + fixed, &identity, sizeof identity);
  return complete(irp, STATUS_SUCCESS, fixed + sizeof identity);
}

NTSTATUS query_property(PIRP irp, const VolumeFacts& facts) {
  const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  constexpr std::size_t least = FIELD_OFFSET(STORAGE_PROPERTY_QUERY, AdditionalParameters);
  if (stack->Parameters.DeviceIoControl.InputBufferLength < least) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  STORAGE_PROPERTY_QUERY query{};
  std::memcpy(&query, irp->AssociatedIrp.SystemBuffer, least);
  if (query.PropertyId != StorageAccessAlignmentProperty) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  if (query.QueryType == PropertyExistsQuery) return complete(irp, STATUS_SUCCESS, 0);
  if (query.QueryType != PropertyStandardQuery) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  auto answer = zeroed<STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR>();
  answer.Version = sizeof answer;
  answer.Size = sizeof answer;
  answer.BytesPerLogicalSector = facts.sector_size;
  answer.BytesPerPhysicalSector = facts.sector_size;
  return give(irp, answer);
}

NTSTATUS device_control(PIRP irp, const VolumeFacts& facts) {
  switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_STORAGE_GET_DEVICE_NUMBER:
      return give(irp, STORAGE_DEVICE_NUMBER{FILE_DEVICE_DISK, facts.disk_number, facts.partition_number});
    case IOCTL_DISK_GET_PARTITION_INFO:
      return partition_information(irp, facts);
    case IOCTL_DISK_GET_PARTITION_INFO_EX:
      return partition_information_ex(irp, facts);
    case IOCTL_DISK_GET_LENGTH_INFO: {
      auto answer = zeroed<GET_LENGTH_INFORMATION>();
      answer.Length.QuadPart = static_cast<LONGLONG>(facts.partition_length);
      return give(irp, answer);
    }
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
      return give(irp, geometry_of(facts));
    case IOCTL_DISK_GET_DRIVE_GEOMETRY_EX:
      return geometry_ex(irp, facts);
    case IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS: {
      auto answer = zeroed<VOLUME_DISK_EXTENTS>();
      answer.NumberOfDiskExtents = 1;
      answer.Extents[0].DiskNumber = facts.disk_number;
      answer.Extents[0].StartingOffset.QuadPart = static_cast<LONGLONG>(facts.partition_start);
      answer.Extents[0].ExtentLength.QuadPart = static_cast<LONGLONG>(facts.partition_length);
      return give(irp, answer);
    }
    case IOCTL_SCSI_GET_ADDRESS:
      return give(
          irp, SCSI_ADDRESS{sizeof(SCSI_ADDRESS), facts.scsi_port, facts.scsi_path, facts.scsi_target, facts.scsi_lun});
    case IOCTL_STORAGE_QUERY_PROPERTY:
      return query_property(irp, facts);
    case IOCTL_DISK_IS_WRITABLE:
    case IOCTL_DISK_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY2:
      return complete(irp, STATUS_SUCCESS, 0);
    default:
      return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

NTSTATUS volume_dispatch(PDEVICE_OBJECT, PIRP irp) {
  switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
      return device_control(irp, current().io().volume);
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

/// The upper driver keeps nothing: it lets the volume have the same stack location.
NTSTATUS pass_down(PDEVICE_OBJECT device, PIRP irp) {
  PDEVICE_OBJECT lower = *static_cast<PDEVICE_OBJECT*>(device->DeviceExtension);
  IoGetCurrentIrpStackLocation(irp)->DeviceObject = lower;
  return volume_dispatch(lower, irp);
}

}  // namespace

void Kernel::create_volume(const VolumeFacts& facts) {
  assert(io_->volume_device == nullptr);
  io_->volume = facts;
  PDRIVER_OBJECT driver = create_host_driver(*this, u"\\Driver\\volmgr", volume_dispatch);
  PDRIVER_OBJECT upper_driver = create_host_driver(*this, u"\\Driver\\volsnap", pass_down);
  assert(driver != nullptr && upper_driver != nullptr && "the pool is used up before anything runs");
  PDEVICE_OBJECT volume = create_device(*this, driver, 0, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN);
  PDEVICE_OBJECT top = create_device(*this, upper_driver, sizeof(PDEVICE_OBJECT), FILE_DEVICE_DISK, 0);
  assert(volume != nullptr && top != nullptr);
  volume->Flags = top->Flags = DO_DIRECT_IO | DO_POWER_PAGABLE;
  volume->SectorSize = static_cast<USHORT>(facts.sector_size);
  attach_device(top, volume);
  *static_cast<PDEVICE_OBJECT*>(top->DeviceExtension) = volume;
  io_->volume_device = top;
  name_device("\\Device\\HarddiskVolume" + std::to_string(std::max<std::uint32_t>(facts.partition_number, 1)), volume);
}

void Kernel::describe_volume(::_FILTER_EXTENSION& extension) const {
  assert(io_->volume_device != nullptr);
  extension.DeviceObject = static_cast<PDEVICE_OBJECT>(volume_device());
  extension.Geometry = geometry_of(io_->volume);
  extension.DiskSize.QuadPart = static_cast<LONGLONG>(io_->volume.disk_size);
  extension.PartitionInfo = identity_of(io_->volume);
}

}  // namespace dumpsim::kernel
