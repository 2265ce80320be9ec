// SPDX-License-Identifier: Apache-2.0
// Reading a partition table from a disk nobody vouches for: every number is checked before it is used, and the two
// copies of a GPT get one chance each.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "disk/backends.hpp"
#include "disk/partition_format.hpp"
#include "disk/partition_table.hpp"

namespace dumpsim::disk {
namespace {

using namespace format;

// UEFI sets no limit; this is 32 times what any tool writes, and 4 MiB at most are read.
constexpr std::uint32_t most_entries = 4096;
constexpr std::uint32_t largest_entry = 1024;

Result<std::vector<std::byte>> read_sectors(BlockDevice& disk, std::uint64_t first, std::uint64_t bytes) {
  const std::uint64_t sector = disk.sector_size();
  std::vector<std::byte> buffer((bytes + sector - 1) / sector * sector);
  if (const IoStatus status = disk.read(DiskOffset{first * sector}, buffer); status != IoStatus::ok) {
    return Error{fmt::format("cannot read {} bytes at sector {}: {}", buffer.size(), first, name_of(status))};
  }
  return buffer;
}

Guid load_guid(std::span<const std::byte> from, std::size_t at) {
  Guid guid;
  for (std::size_t i = 0; i < guid.bytes.size(); ++i) guid.bytes[i] = std::to_integer<std::uint8_t>(from[at + i]);
  return guid;
}

PartitionTable whole_disk(const BlockDevice& disk) {
  PartitionTable table;
  table.disk_size = disk.size();
  table.sector_size = disk.sector_size();
  PartitionEntry all;
  all.size = disk.size();
  all.number = 0;
  table.partitions.push_back(all);
  return table;
}

/// Whether sector 0 is a boot sector of a file system: it ends like an MBR, but its "entries" are code.
bool is_file_system(std::span<const std::byte> sector0) {
  for (const std::string_view name : {"NTFS    ", "EXFAT   ", "MSDOS5.0", "MSWIN4.1", "mkfs.fat", "-FVE-FS-", "ReFS"}) {
    if (std::memcmp(sector0.data() + 3, name.data(), name.size()) == 0) return true;
  }
  return false;
}

Result<void> check_apart(std::vector<PartitionEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const PartitionEntry& a, const PartitionEntry& b) { return a.start < b.start; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i - 1].start + entries[i - 1].size <= entries[i].start) continue;
    return Error{fmt::format("partitions {} and {} overlap", entries[i - 1].number, entries[i].number)};
  }
  return {};
}

Result<PartitionTable> read_mbr(const BlockDevice& disk, std::span<const std::byte> sector0) {
  PartitionTable table;
  table.style = PartitionStyle::mbr;
  table.disk_size = disk.size();
  table.sector_size = disk.sector_size();
  table.mbr_signature = load<std::uint32_t>(sector0, mbr_signature);
  const std::uint64_t sectors = disk.size() / disk.sector_size();
  for (std::uint32_t slot = 0; slot < mbr_entry_count; ++slot) {
    const std::span<const std::byte> entry = sector0.subspan(mbr_entries + slot * mbr_entry_bytes, mbr_entry_bytes);
    const auto type = load<std::uint8_t>(entry, 4);
    if (type == 0) continue;
    const std::uint64_t first = load<std::uint32_t>(entry, 8);
    const std::uint64_t count = load<std::uint32_t>(entry, 12);
    if (first == 0 || count == 0 || first + count > sectors) {
      return Error{fmt::format("mbr partition {}: sectors {} to {} do not fit on a disk of {} sectors of {} bytes",
                               slot + 1, first, first + count, sectors, disk.sector_size())};
    }
    PartitionEntry made;
    made.start = DiskOffset{first * disk.sector_size()};
    made.size = count * disk.sector_size();
    made.number = slot + 1;
    made.mbr_type = type;
    made.bootable = load<std::uint8_t>(entry, 0) == 0x80;
    table.partitions.push_back(made);
  }
  if (auto apart = check_apart(table.partitions); !apart) {
    return Error{fmt::format("mbr: {}", apart.error().message)};
  }
  return table;
}

Result<PartitionTable> read_gpt(BlockDevice& disk, std::uint64_t header_sector) {
  const std::uint64_t sectors = disk.size() / disk.sector_size();
  auto header = read_sectors(disk, header_sector, disk.sector_size());
  if (!header) return header.error();
  std::span<std::byte> h = *header;
  if (load<std::uint64_t>(h, 0) != gpt_magic) return Error{"no \"EFI PART\" where the header should be"};
  const auto header_bytes = load<std::uint32_t>(h, 12);
  if (header_bytes < gpt_header_bytes || header_bytes > disk.sector_size()) {
    return Error{fmt::format("header of {} bytes; expected 92 to {}", header_bytes, disk.sector_size())};
  }
  const auto header_crc = load<std::uint32_t>(h, 16);
  store(h, 16, std::uint32_t{0});
  if (crc32_of(h.first(header_bytes)) != header_crc) return Error{"header checksum does not match"};
  if (load<std::uint64_t>(h, 24) != header_sector) {
    return Error{fmt::format("header says it is in sector {}", load<std::uint64_t>(h, 24))};
  }
  const auto first_usable = load<std::uint64_t>(h, 40);
  const auto last_usable = load<std::uint64_t>(h, 48);
  if (first_usable > last_usable || last_usable >= sectors) {
    return Error{fmt::format("usable sectors {} to {} do not fit on a disk of {}", first_usable, last_usable, sectors)};
  }
  const auto array_sector = load<std::uint64_t>(h, 72);
  const auto count = load<std::uint32_t>(h, 80);
  const auto entry_bytes = load<std::uint32_t>(h, 84);
  if (count > most_entries || entry_bytes < gpt_entry_bytes || entry_bytes > largest_entry || entry_bytes % 128 != 0) {
    return Error{fmt::format("{} entries of {} bytes; expected at most {} of 128 to {}", count, entry_bytes,
                             most_entries, largest_entry)};
  }
  const std::uint64_t array_bytes = std::uint64_t{count} * entry_bytes;
  if (array_sector >= sectors || array_bytes > (sectors - array_sector) * disk.sector_size()) {
    return Error{fmt::format("the entries at sector {} do not fit on a disk of {} sectors", array_sector, sectors)};
  }
  auto array = read_sectors(disk, array_sector, array_bytes);
  if (!array) return array.error();
  if (crc32_of(std::span<const std::byte>(*array).first(array_bytes)) != load<std::uint32_t>(h, 88)) {
    return Error{"checksum of the entries does not match"};
  }

  PartitionTable table;
  table.style = PartitionStyle::gpt;
  table.disk_size = disk.size();
  table.sector_size = disk.sector_size();
  table.disk_id = load_guid(h, 56);
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    const std::span<const std::byte> entry =
        std::span<const std::byte>(*array).subspan(std::size_t{slot} * entry_bytes, entry_bytes);
    PartitionEntry made;
    made.type = load_guid(entry, 0);
    if (made.type == Guid{}) continue;
    const auto first = load<std::uint64_t>(entry, 32);
    const auto last = load<std::uint64_t>(entry, 40);
    if (first > last || first < first_usable || last > last_usable) {
      return Error{fmt::format("partition {}: sectors {} to {} are not within the usable {} to {}", slot + 1, first,
                               last, first_usable, last_usable)};
    }
    made.start = DiskOffset{first * disk.sector_size()};
    made.size = (last - first + 1) * disk.sector_size();
    made.number = slot + 1;
    made.id = load_guid(entry, 16);
    made.attributes = load<std::uint64_t>(entry, 48);
    for (std::size_t i = 0; i < made.gpt_name.size(); ++i) {
      made.gpt_name[i] = static_cast<char16_t>(load<std::uint16_t>(entry, 56 + 2 * i));
    }
    table.partitions.push_back(made);
  }
  if (auto apart = check_apart(table.partitions); !apart) return apart.error();
  return table;
}

/// A GPT looked for with the wrong sector size is the commonest mistake with a foreign image: say so.
std::string sector_size_hint(BlockDevice& disk) {
  const std::uint32_t other = disk.sector_size() == 512 ? 4096 : 512;
  if (disk.size() < 8192) return {};
  std::vector<std::byte> start(8192);
  if (disk.read(DiskOffset{0}, start) != IoStatus::ok || load<std::uint64_t>(start, other) != gpt_magic) return {};
  return fmt::format("; it has \"EFI PART\" at byte {}: its sectors have {} bytes", other, other);
}

}  // namespace

Result<PartitionTable> PartitionTable::read(BlockDevice& disk) {
  if (auto checked = check_geometry(disk.size(), disk.sector_size()); !checked) return checked.error();
  auto sector0 = read_sectors(disk, 0, mbr_bytes);
  if (!sector0) return sector0.error();
  if (load<std::uint16_t>(*sector0, mbr_magic) != mbr_magic_value || is_file_system(*sector0)) return whole_disk(disk);
  bool protective = false;
  for (std::size_t slot = 0; slot < mbr_entry_count; ++slot) {
    const std::size_t at = mbr_entries + slot * mbr_entry_bytes;
    const auto status = load<std::uint8_t>(*sector0, at);
    if (status != 0 && status != 0x80) return whole_disk(disk);
    protective = protective || load<std::uint8_t>(*sector0, at + 4) == mbr_type_protective;
  }
  if (!protective) return read_mbr(disk, *sector0);

  const std::uint64_t sectors = disk.size() / disk.sector_size();
  if (sectors < 3) return Error{fmt::format("gpt: a disk of {} sectors cannot hold its headers", sectors)};
  auto primary = read_gpt(disk, 1);
  if (primary) return primary;
  auto backup = read_gpt(disk, sectors - 1);
  if (backup) return backup;
  return Error{fmt::format("gpt: primary table: {}; backup table: {}{}", primary.error().message,
                           backup.error().message, sector_size_hint(disk))};
}

}  // namespace dumpsim::disk
