// SPDX-License-Identifier: Apache-2.0
// What a volume answers itself: where its partition lies, how long it is, which volume it is. The rest is its disk's.
#include <algorithm>
#include <string>
#include <string_view>

#include "kernel/exports.hpp"
#include "kernel/io_storage.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {

GUID guid_of(const GuidBytes& bytes) {
  GUID guid;
  static_assert(sizeof guid == sizeof bytes);
  std::memcpy(&guid, bytes.data(), sizeof guid);
  return guid;
}

PARTITION_STYLE style_of(const VolumeFacts& facts) {
  switch (facts.style) {
    case VolumeFacts::Style::mbr:
      return PARTITION_STYLE_MBR;
    case VolumeFacts::Style::gpt:
      return PARTITION_STYLE_GPT;
    case VolumeFacts::Style::raw:
      break;
  }
  return PARTITION_STYLE_RAW;
}

namespace {

ULONG hidden_sectors(const VolumeFacts& facts, const PartitionFacts& partition) {
  return static_cast<ULONG>(partition.start.bytes / std::max<std::uint32_t>(facts.sector_size, 1));
}

/// A variable-length answer whose first field says how long it is: {USHORT length, then `length` bytes}. A buffer that
/// holds only the structure's fixed part gets the length and STATUS_BUFFER_OVERFLOW [doc].
NTSTATUS give_counted(PIRP irp, const void* bytes, std::size_t length, std::size_t fixed) {
  const std::size_t room = output_room(irp);
  if (room < fixed) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  const auto count = static_cast<USHORT>(length);
  auto* into = static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer);
  std::memcpy(into, &count, sizeof count);
  if (room < sizeof count + length) return complete(irp, STATUS_BUFFER_OVERFLOW, fixed);
  std::memcpy(into + sizeof count, bytes, length);
  return complete(irp, STATUS_SUCCESS, sizeof count + length);
}

NTSTATUS device_name(PIRP irp, const PartitionFacts& partition) {
  const std::u16string name =
      to_utf16("\\Device\\HarddiskVolume" + std::to_string(std::max<std::uint32_t>(partition.number, 1)));
  return give_counted(irp, name.data(), name.size() * sizeof(char16_t), sizeof(MOUNTDEV_NAME));
}

// What the mount manager files a basic volume under: the disk's signature and the offset on MBR, the partition's GUID
// behind a mark on GPT [seen: the values of HKLM\SYSTEM\MountedDevices].
NTSTATUS unique_id(PIRP irp, const VolumeFacts& facts, const PartitionFacts& partition) {
  std::byte id[24];
  std::size_t length = 0;
  const auto add = [&](const void* bytes, std::size_t count) {
    std::memcpy(id + length, bytes, count);
    length += count;
  };
  if (facts.style == VolumeFacts::Style::gpt) {
    add("DMIO:ID:", 8);
    add(partition.gpt_id.data(), partition.gpt_id.size());
  } else {
    add(&facts.mbr_signature, sizeof facts.mbr_signature);
    add(&partition.start.bytes, sizeof partition.start.bytes);
  }
  return give_counted(irp, id, length, sizeof(MOUNTDEV_UNIQUE_ID));
}

NTSTATUS disk_extents(PIRP irp, const VolumeFacts& facts, const PartitionFacts& partition) {
  auto answer = zeroed<VOLUME_DISK_EXTENTS>();
  answer.NumberOfDiskExtents = 1;
  answer.Extents[0].DiskNumber = facts.disk_number;
  answer.Extents[0].StartingOffset.QuadPart = static_cast<LONGLONG>(partition.start.bytes);
  answer.Extents[0].ExtentLength.QuadPart = static_cast<LONGLONG>(partition.length);
  return give(irp, answer);
}

NTSTATUS to_physical(PIRP irp, const VolumeFacts& facts, const PartitionFacts& partition) {
  VOLUME_LOGICAL_OFFSET asked;
  if (!take(irp, asked)) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  if (asked.LogicalOffset < 0 || static_cast<std::uint64_t>(asked.LogicalOffset) >= partition.length) {
    return complete(irp, STATUS_INVALID_PARAMETER, 0);
  }
  auto answer = zeroed<VOLUME_PHYSICAL_OFFSETS>();
  answer.NumberOfPhysicalOffsets = 1;
  answer.PhysicalOffset[0].DiskNumber = facts.disk_number;
  answer.PhysicalOffset[0].Offset = asked.LogicalOffset + static_cast<LONGLONG>(partition.start.bytes);
  return give(irp, answer);
}

NTSTATUS to_logical(PIRP irp, const VolumeFacts& facts, const PartitionFacts& partition) {
  VOLUME_PHYSICAL_OFFSET asked;
  if (!take(irp, asked)) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  const std::uint64_t within = static_cast<std::uint64_t>(asked.Offset) - partition.start.bytes;
  if (asked.DiskNumber != facts.disk_number || within >= partition.length) {
    return complete(irp, STATUS_INVALID_PARAMETER, 0);
  }
  return give(irp, VOLUME_LOGICAL_OFFSET{static_cast<LONGLONG>(within)});
}

NTSTATUS volume_number(PIRP irp, const PartitionFacts& partition) {
  constexpr std::u16string_view manager = u"VOLMGR  ";  // padded with spaces [doc]
  auto answer = zeroed<VOLUME_NUMBER>();
  answer.VolumeNumber = std::max<std::uint32_t>(partition.number, 1);
  static_assert(sizeof answer.VolumeManagerName == manager.size() * sizeof(char16_t));
  std::memcpy(answer.VolumeManagerName, manager.data(), sizeof answer.VolumeManagerName);
  return give(irp, answer);
}

}  // namespace

PARTITION_INFORMATION partition_of(const VolumeFacts& facts, const PartitionFacts& partition) {
  auto answer = zeroed<PARTITION_INFORMATION>();
  answer.StartingOffset.QuadPart = static_cast<LONGLONG>(partition.start.bytes);
  answer.PartitionLength.QuadPart = static_cast<LONGLONG>(partition.length);
  answer.HiddenSectors = hidden_sectors(facts, partition);
  answer.PartitionNumber = partition.number;
  answer.PartitionType = partition.mbr_type;
  answer.BootIndicator = partition.mbr_active;
  answer.RecognizedPartition = TRUE;
  return answer;
}

PARTITION_INFORMATION_EX partition_ex_of(const VolumeFacts& facts, const PartitionFacts& partition) {
  auto answer = zeroed<PARTITION_INFORMATION_EX>();
  answer.PartitionStyle = style_of(facts);
  answer.StartingOffset.QuadPart = static_cast<LONGLONG>(partition.start.bytes);
  answer.PartitionLength.QuadPart = static_cast<LONGLONG>(partition.length);
  answer.PartitionNumber = partition.number;
  if (facts.style == VolumeFacts::Style::mbr) {
    answer.Mbr.PartitionType = partition.mbr_type;
    answer.Mbr.BootIndicator = partition.mbr_active;
    answer.Mbr.RecognizedPartition = TRUE;
    answer.Mbr.HiddenSectors = hidden_sectors(facts, partition);
  } else if (facts.style == VolumeFacts::Style::gpt) {
    answer.Gpt.PartitionType = guid_of(partition.gpt_type);
    answer.Gpt.PartitionId = guid_of(partition.gpt_id);
    answer.Gpt.Attributes = partition.gpt_attributes;
    const std::size_t units = std::min(partition.gpt_name.size(), RTL_NUMBER_OF(answer.Gpt.Name));
    std::memcpy(answer.Gpt.Name, partition.gpt_name.data(), units * sizeof(WCHAR));
  }
  return answer;
}

NTSTATUS volume_control(PDEVICE_OBJECT device, PIRP irp) {
  const VolumeFacts& facts = current().io().volume;
  const PartitionFacts& partition = facts.partitions[extension_of(device).partition];
  switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_STORAGE_GET_DEVICE_NUMBER:
      return give(irp, STORAGE_DEVICE_NUMBER{FILE_DEVICE_DISK, facts.disk_number, partition.number});
    case IOCTL_DISK_GET_PARTITION_INFO:
      // The old form knows MBR only: on GPT it fails, and filters fall back to the _EX form [seen: VeraCrypt].
      if (facts.style != VolumeFacts::Style::mbr) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
      return give(irp, partition_of(facts, partition));
    case IOCTL_DISK_GET_PARTITION_INFO_EX:
      return give(irp, partition_ex_of(facts, partition));
    case IOCTL_DISK_GET_LENGTH_INFO: {
      auto answer = zeroed<GET_LENGTH_INFORMATION>();
      answer.Length.QuadPart = static_cast<LONGLONG>(partition.length);
      return give(irp, answer);
    }
    case IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS:
      return disk_extents(irp, facts, partition);
    case IOCTL_VOLUME_LOGICAL_TO_PHYSICAL:
      return to_physical(irp, facts, partition);
    case IOCTL_VOLUME_PHYSICAL_TO_LOGICAL:
      return to_logical(irp, facts, partition);
    case IOCTL_VOLUME_QUERY_VOLUME_NUMBER:
      return volume_number(irp, partition);
    case IOCTL_VOLUME_GET_GPT_ATTRIBUTES:
      if (facts.style != VolumeFacts::Style::gpt) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
      return give(irp, VOLUME_GET_GPT_ATTRIBUTES_INFORMATION{partition.gpt_attributes});
    // Questions whose answer is whether they succeed [doc]; what no is, we chose [assumed]. This volume is online, one
    // partition of a basic disk.
    case IOCTL_VOLUME_ONLINE:
    case IOCTL_VOLUME_SUPPORTS_ONLINE_OFFLINE:
    case IOCTL_VOLUME_IS_IO_CAPABLE:
    case IOCTL_VOLUME_IS_PARTITION:
      return complete(irp, STATUS_SUCCESS, 0);
    case IOCTL_VOLUME_IS_OFFLINE:
    case IOCTL_VOLUME_IS_CLUSTERED:
      return complete(irp, STATUS_UNSUCCESSFUL, 0);
    case IOCTL_MOUNTDEV_QUERY_DEVICE_NAME:
      return device_name(irp, partition);
    case IOCTL_MOUNTDEV_QUERY_UNIQUE_ID:
      return unique_id(irp, facts, partition);
    default:
      return pass_to_lower(device, irp, 0);
  }
}

}  // namespace dumpsim::kernel
