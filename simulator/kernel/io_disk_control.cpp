// SPDX-License-Identifier: Apache-2.0
// What the disk and its port answer: geometry, the layout of all partitions, identity, cache, address. Statuses as the
// documentation of each request has them.
#include <algorithm>
#include <vector>

#include "kernel/exports.hpp"
#include "kernel/io_storage.hpp"

namespace dumpsim::kernel {

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
  identity.PartitionStyle = style_of(facts);
  if (facts.style == VolumeFacts::Style::mbr) {
    identity.Mbr.Signature = facts.mbr_signature;
    identity.Mbr.CheckSum = facts.mbr_checksum;
  } else if (facts.style == VolumeFacts::Style::gpt) {
    identity.Gpt.DiskId = guid_of(facts.gpt_disk);
  }
  return identity;
}

namespace {

// The disk's identity follows where there is room for it; without, geometry and size alone are a success [assumed].
NTSTATUS geometry_ex(PIRP irp, const VolumeFacts& facts) {
  constexpr std::size_t fixed = FIELD_OFFSET(DISK_GEOMETRY_EX, Data);
  const std::size_t room = output_room(irp);
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

/// The whole disk, as a device without a partition of its own tells of it.
PartitionFacts whole_disk(const VolumeFacts& facts) {
  PartitionFacts whole;
  whole.number = 0;
  whole.length = facts.disk_size;
  whole.mbr_type = PARTITION_ENTRY_UNUSED;
  whole.mbr_active = false;
  return whole;
}

/// An MBR's entries come in fours, the unused ones of type 0 [doc].
std::size_t entries_of(const VolumeFacts& facts) {
  if (facts.style == VolumeFacts::Style::raw) return 0;
  const std::size_t count = facts.partitions.size();
  return facts.style == VolumeFacts::Style::mbr ? (count + 3) / 4 * 4 : count;
}

/// Header and entries in one answer; a buffer must hold the structure with its one entry, and all entries [doc].
template <class Layout, class Entry>
NTSTATUS give_layout(PIRP irp, const Layout& head, const std::vector<Entry>& entries) {
  const std::size_t fixed = FIELD_OFFSET(Layout, PartitionEntry);
  const std::size_t needed = std::max(sizeof(Layout), fixed + entries.size() * sizeof(Entry));
  std::vector<std::byte> answer(needed);
  std::memcpy(answer.data(), &head, fixed);
  if (!entries.empty()) std::memcpy(answer.data() + fixed, entries.data(), entries.size() * sizeof(Entry));
  return give(irp, answer.data(), answer.size());
}

NTSTATUS drive_layout(PIRP irp, const VolumeFacts& facts) {
  if (facts.style != VolumeFacts::Style::mbr) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  auto head = zeroed<DRIVE_LAYOUT_INFORMATION>();
  std::vector<PARTITION_INFORMATION> entries(entries_of(facts), zeroed<PARTITION_INFORMATION>());
  for (std::size_t i = 0; i < facts.partitions.size(); ++i) entries[i] = partition_of(facts, facts.partitions[i]);
  head.PartitionCount = static_cast<ULONG>(entries.size());
  head.Signature = facts.mbr_signature;
  return give_layout(irp, head, entries);
}

NTSTATUS drive_layout_ex(PIRP irp, const VolumeFacts& facts) {
  auto head = zeroed<DRIVE_LAYOUT_INFORMATION_EX>();
  auto unused = zeroed<PARTITION_INFORMATION_EX>();
  unused.PartitionStyle = style_of(facts);
  std::vector<PARTITION_INFORMATION_EX> entries(entries_of(facts), unused);
  if (!entries.empty()) {
    for (std::size_t i = 0; i < facts.partitions.size(); ++i) entries[i] = partition_ex_of(facts, facts.partitions[i]);
  }
  head.PartitionStyle = style_of(facts);
  head.PartitionCount = static_cast<ULONG>(entries.size());
  if (facts.style == VolumeFacts::Style::mbr) {
    head.Mbr.Signature = facts.mbr_signature;
  } else if (facts.style == VolumeFacts::Style::gpt) {
    head.Gpt.DiskId = guid_of(facts.gpt_disk);
    head.Gpt.StartingUsableOffset.QuadPart = static_cast<LONGLONG>(facts.gpt_usable_start.bytes);
    head.Gpt.UsableLength.QuadPart = static_cast<LONGLONG>(facts.gpt_usable_length);
    head.Gpt.MaxPartitionCount = facts.gpt_most_partitions;
  }
  return give_layout(irp, head, entries);
}

NTSTATUS verify(PIRP irp, const VolumeFacts& facts) {
  VERIFY_INFORMATION asked;
  if (!take(irp, asked)) return complete(irp, STATUS_INFO_LENGTH_MISMATCH, 0);
  const auto at = static_cast<std::uint64_t>(asked.StartingOffset.QuadPart);
  if (((at | asked.Length) & (facts.sector_size - 1)) != 0) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  const bool inside = at <= facts.disk_size && asked.Length <= facts.disk_size - at;
  return complete(irp, inside ? STATUS_SUCCESS : STATUS_NONEXISTENT_SECTOR, 0);
}

NTSTATUS media_types(PIRP irp, const VolumeFacts& facts) {
  const DISK_GEOMETRY geometry = geometry_of(facts);
  auto answer = zeroed<GET_MEDIA_TYPES>();
  answer.DeviceType = FILE_DEVICE_DISK;
  answer.MediaInfoCount = 1;
  auto& medium = answer.MediaInfo[0].DeviceSpecific.DiskInfo;
  medium.Cylinders = geometry.Cylinders;
  // A value of MEDIA_TYPE in a field of the other enumeration: documented so for disks.
  const auto fixed = static_cast<ULONG>(FixedMedia);
  std::memcpy(&medium.MediaType, &fixed, sizeof fixed);
  medium.TracksPerCylinder = geometry.TracksPerCylinder;
  medium.SectorsPerTrack = geometry.SectorsPerTrack;
  medium.BytesPerSector = geometry.BytesPerSector;
  medium.NumberMediaSides = 1;
  medium.MediaCharacteristics = MEDIA_CURRENTLY_MOUNTED | MEDIA_READ_WRITE;
  return give(irp, answer);
}

NTSTATUS hotplug(PIRP irp) {
  auto answer = zeroed<STORAGE_HOTPLUG_INFO>();  // an internal disk: neither medium nor device comes and goes
  answer.Size = sizeof answer;
  return give(irp, answer);
}

// A disk with a volatile write cache that is on, as disks are delivered. [assumed]
NTSTATUS cache(PIRP irp) {
  auto answer = zeroed<DISK_CACHE_INFORMATION>();
  answer.ReadCacheEnabled = TRUE;
  answer.WriteCacheEnabled = TRUE;
  answer.ReadRetentionPriority = EqualPriority;
  answer.WriteRetentionPriority = EqualPriority;
  return give(irp, answer);
}

NTSTATUS capabilities(PIRP irp, const VolumeFacts& facts) {
  auto answer = zeroed<IO_SCSI_CAPABILITIES>();
  answer.Length = sizeof answer;
  answer.MaximumTransferLength = facts.transfer_limit;
  answer.MaximumPhysicalPages = static_cast<ULONG>(facts.transfer_limit / page_size + 1);
  answer.TaggedQueuing = TRUE;
  return give(irp, answer);
}

}  // namespace

NTSTATUS disk_control(PDEVICE_OBJECT device, PIRP irp) {
  const VolumeFacts& facts = current().io().volume;
  switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_STORAGE_GET_DEVICE_NUMBER:
      return give(irp, STORAGE_DEVICE_NUMBER{FILE_DEVICE_DISK, facts.disk_number, 0});
    case IOCTL_DISK_GET_PARTITION_INFO:
      if (facts.style != VolumeFacts::Style::mbr) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
      return give(irp, partition_of(facts, whole_disk(facts)));
    case IOCTL_DISK_GET_PARTITION_INFO_EX:
      return give(irp, partition_ex_of(facts, whole_disk(facts)));
    case IOCTL_DISK_GET_LENGTH_INFO: {
      auto answer = zeroed<GET_LENGTH_INFORMATION>();
      answer.Length.QuadPart = static_cast<LONGLONG>(facts.disk_size);
      return give(irp, answer);
    }
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
      return give(irp, geometry_of(facts));
    case IOCTL_DISK_GET_DRIVE_GEOMETRY_EX:
      return geometry_ex(irp, facts);
    case IOCTL_DISK_GET_DRIVE_LAYOUT:
      return drive_layout(irp, facts);
    case IOCTL_DISK_GET_DRIVE_LAYOUT_EX:
      return drive_layout_ex(irp, facts);
    case IOCTL_DISK_VERIFY:
      return verify(irp, facts);
    case IOCTL_DISK_GET_CACHE_INFORMATION:
      return cache(irp);
    case IOCTL_STORAGE_GET_MEDIA_TYPES_EX:
      return media_types(irp, facts);
    case IOCTL_STORAGE_GET_HOTPLUG_INFO:
      return hotplug(irp);
    case IOCTL_STORAGE_QUERY_PROPERTY:
      return query_property(irp);
    case IOCTL_SCSI_GET_ADDRESS:
      return give(
          irp, SCSI_ADDRESS{sizeof(SCSI_ADDRESS), facts.scsi_port, facts.scsi_path, facts.scsi_target, facts.scsi_lun});
    case IOCTL_SCSI_GET_CAPABILITIES:
      return capabilities(irp, facts);
    case IOCTL_SCSI_GET_DUMP_POINTERS:
      return dump_pointers(device, irp);
    case IOCTL_SCSI_FREE_DUMP_POINTERS:
    case IOCTL_DISK_UPDATE_PROPERTIES:
    case IOCTL_DISK_IS_WRITABLE:
    case IOCTL_DISK_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY2:
      return complete(irp, STATUS_SUCCESS, 0);
    default:
      return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

}  // namespace dumpsim::kernel
