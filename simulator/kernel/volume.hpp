// SPDX-License-Identifier: Apache-2.0
// The disk and its volumes as their devices answer for them: numbers, and a medium behind reads and writes. Whoever
// knows the disk fills both in, since the kernel must not know disks. A filter learns its partition's offset no other
// way than by asking the dump volume's device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/offsets.hpp"

namespace dumpsim::kernel {

using GuidBytes = std::array<std::uint8_t, 16>;  ///< as it lies in memory and on the disk

struct PartitionFacts {
  std::uint32_t number = 1;  ///< 0: the whole of a disk without a table
  DiskOffset start;
  std::uint64_t length = 0;  ///< bytes
  std::uint8_t mbr_type = 0x07;
  bool mbr_active = true;
  GuidBytes gpt_type{};
  GuidBytes gpt_id{};
  std::uint64_t gpt_attributes = 0;
  std::u16string gpt_name;  ///< at most 36 units are given
};

struct VolumeFacts {
  enum class Style : std::uint8_t { mbr, gpt, raw };

  std::uint32_t disk_number = 0;
  Style style = Style::mbr;
  std::uint64_t disk_size = 0;  ///< bytes
  std::uint32_t sector_size = 512;
  std::uint32_t tracks_per_cylinder = 255;  ///< the geometry every modern disk makes up
  std::uint32_t sectors_per_track = 63;

  std::uint32_t mbr_signature = 0;
  std::uint32_t mbr_checksum = 0;
  GuidBytes gpt_disk{};
  DiskOffset gpt_usable_start;
  std::uint64_t gpt_usable_length = 0;
  std::uint32_t gpt_most_partitions = 128;

  std::uint8_t scsi_port = 0;
  std::uint8_t scsi_path = 0;
  std::uint8_t scsi_target = 0;
  std::uint8_t scsi_lun = 0;
  std::uint32_t transfer_limit = 1u << 20;  ///< bytes one command moves at most
  std::uint32_t dump_pointers_version = 4;  ///< the newest form of DUMP_POINTERS the port knows, 1 to 4

  std::vector<PartitionFacts> partitions;  ///< at least one
  std::size_t dump_partition = 0;          ///< index of the one that holds the dump file

  const PartitionFacts& dump_volume() const { return partitions[dump_partition]; }
};

/// What reads and writes of the disk's device reach. Offsets and lengths are whole sectors, checked before.
class Medium {
 public:
  enum class Moved : std::uint8_t {
    all,
    beyond_the_end,  ///< nothing was moved
    failed,          ///< how much was moved is unknown
  };
  virtual ~Medium() = default;
  virtual Moved read(DiskOffset at, std::span<std::byte> into) = 0;
  virtual Moved write(DiskOffset at, std::span<const std::byte> bytes) = 0;
  virtual Moved flush() = 0;
};

}  // namespace dumpsim::kernel
