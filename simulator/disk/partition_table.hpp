// SPDX-License-Identifier: Apache-2.0
// How a disk is divided: the value behind the tables written to the disk, behind the answers a filter gets from
// IOCTL_DISK_GET_PARTITION_INFO(_EX) and IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, and behind the dump port's disk identity.
// One value, so that the three cannot disagree. The tables are real: sfdisk, fdisk and parted read them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"

namespace dumpsim::disk {

enum class PartitionStyle : std::uint8_t { mbr, gpt, none };
std::string_view name_of(PartitionStyle style);  ///< "mbr", "gpt", "none"

/// As it lies on disk and in memory of the simulated machine: the first three fields little-endian.
struct Guid {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const Guid&, const Guid&) = default;
  /// "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
  std::string text() const;
};

/// EBD0A0A2-B9E5-4433-87C0-68B6B72699C7: what Windows keeps volumes in [doc].
extern const Guid basic_data_partition;
inline constexpr std::uint8_t mbr_type_ntfs = 0x07;

/// Where a partition is wanted.
struct PartitionPlace {
  DiskOffset start;
  std::uint64_t size = 0;
};

struct PartitionEntry {
  DiskOffset start;
  std::uint64_t size = 0;
  std::uint32_t number = 1;             ///< 1-based, the slot in its table; 0 for the whole of a disk without a table
  std::uint8_t mbr_type = 0;            ///< mbr only
  bool bootable = false;                ///< mbr only
  Guid type;                            ///< gpt only
  Guid id;                              ///< gpt only
  std::uint64_t attributes = 0;         ///< gpt only
  std::array<char16_t, 36> gpt_name{};  ///< gpt only, zero-terminated when shorter
  friend bool operator==(const PartitionEntry&, const PartitionEntry&) = default;
};

/// What a BIOS would see: Windows makes it up for a disk that has none [doc: 255 tracks of 63 sectors].
struct Geometry {
  std::uint64_t cylinders = 0;  ///< rounded down
  std::uint32_t tracks_per_cylinder = 255;
  std::uint32_t sectors_per_track = 63;
  std::uint32_t bytes_per_sector = 512;
};

struct PartitionTable {
  PartitionStyle style = PartitionStyle::none;
  std::uint64_t disk_size = 0;
  std::uint32_t sector_size = 512;
  std::uint32_t mbr_signature = 0;  ///< mbr only
  Guid disk_id;                     ///< gpt only
  std::vector<PartitionEntry> partitions;

  /// A table for the places, each checked: whole sectors, apart, and where the style allows partitions (after the
  /// tables; 4 of them and 2^32 sectors for mbr, 128 for gpt; exactly the disk for none). Identities come from the
  /// seed alone. Fails naming the first place that is wrong.
  static Result<PartitionTable> make(PartitionStyle style, std::uint64_t disk_size, std::uint32_t sector_size,
                                     const std::vector<PartitionPlace>& places, std::uint64_t seed);

  /// Puts the tables on the disk: sector 0 for mbr; the protective MBR, both headers and both arrays for gpt; nothing
  /// for none. Fails when the disk has another shape than the table or refuses a write.
  Result<void> write(BlockDevice& disk) const;

  /// Reads what is on a disk that may be damaged or hostile. A disk without a table (or one that begins with a file
  /// system) is `none` with one partition of number 0. GPT's backup is used when the primary is damaged. Only primary
  /// partitions of an MBR are read. Fails for tables that contradict themselves or the disk.
  static Result<PartitionTable> read(BlockDevice& disk);

  Geometry geometry() const;
  /// What DISK_PARTITION_INFO carries beside the signature: the number that makes the 32-bit sum of sector 0 zero
  /// [assumed: as the ARC disk checksum is documented]. 0 unless style is mbr.
  std::uint32_t mbr_checksum() const;
};

/// Bytes at the start (and, for gpt, at the end) of a disk that its tables take.
std::uint64_t table_bytes_at_start(PartitionStyle style, std::uint32_t sector_size);
std::uint64_t table_bytes_at_end(PartitionStyle style, std::uint32_t sector_size);

}  // namespace dumpsim::disk
