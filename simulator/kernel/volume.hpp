// SPDX-License-Identifier: Apache-2.0
// What the dump volume's device answers: numbers that whoever knows the disk fills in, since the kernel must not know
// disks. A filter learns its partition offset no other way than by asking this device.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace dumpsim::kernel {

struct VolumeFacts {
  enum class Style : std::uint8_t { mbr, gpt, raw };
  using Guid = std::array<std::uint8_t, 16>;  ///< as it lies in memory and on the disk

  std::uint32_t disk_number = 0;
  std::uint32_t partition_number = 1;  ///< 0 means the whole disk
  Style style = Style::mbr;
  std::uint64_t partition_start = 0;   ///< bytes from the start of the disk
  std::uint64_t partition_length = 0;  ///< bytes
  std::uint64_t disk_size = 0;         ///< bytes
  std::uint32_t sector_size = 512;
  std::uint32_t tracks_per_cylinder = 255;  ///< the geometry every modern disk makes up
  std::uint32_t sectors_per_track = 63;

  std::uint8_t mbr_type = 0x07;
  bool mbr_active = true;
  std::uint32_t mbr_signature = 0;

  Guid gpt_disk{};
  Guid gpt_type{};
  Guid gpt_partition{};
  std::uint64_t gpt_attributes = 0;
  std::u16string gpt_name;  ///< at most 36 units are given

  std::uint8_t scsi_port = 0;
  std::uint8_t scsi_path = 0;
  std::uint8_t scsi_target = 0;
  std::uint8_t scsi_lun = 0;
};

}  // namespace dumpsim::kernel
