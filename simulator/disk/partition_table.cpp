// SPDX-License-Identifier: Apache-2.0
// Making a partition table and putting it on a disk. Identities are drawn from the seed, so that a scenario's disk has
// the same GUIDs in every run.
#include "disk/partition_table.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/random.hpp"
#include "disk/backends.hpp"
#include "disk/partition_format.hpp"

namespace dumpsim::disk {
namespace {

using namespace format;

Guid random_guid(Random& random) {
  Guid guid;
  for (std::size_t i = 0; i < guid.bytes.size(); ++i) guid.bytes[i] = static_cast<std::uint8_t>(random.below(256));
  // RFC 4122, version 4: the version is in the high half of the third field, which is little-endian here.
  guid.bytes[7] = static_cast<std::uint8_t>((guid.bytes[7] & 0x0F) | 0x40);
  guid.bytes[8] = static_cast<std::uint8_t>((guid.bytes[8] & 0x3F) | 0x80);
  return guid;
}

std::array<char16_t, 36> basic_data_name() {
  constexpr std::u16string_view text = u"Basic data partition";
  std::array<char16_t, 36> name{};
  std::copy(text.begin(), text.end(), name.begin());
  return name;
}

void store_guid(std::span<std::byte> to, std::size_t at, const Guid& guid) {
  for (std::size_t i = 0; i < guid.bytes.size(); ++i) to[at + i] = std::byte{guid.bytes[i]};
}

/// Cylinder, head and sector as three bytes, for 255 heads of 63 sectors; beyond cylinder 1023 the customary maximum.
void store_chs(std::span<std::byte> to, std::size_t at, std::uint64_t sector) {
  std::uint64_t cylinder = sector / (255 * 63);
  std::uint64_t head = sector / 63 % 255;
  std::uint64_t in_track = sector % 63 + 1;
  if (cylinder > 1023) {
    cylinder = 1023;
    head = 254;
    in_track = 63;
  }
  store(to, at, static_cast<std::uint8_t>(head));
  store(to, at + 1, static_cast<std::uint8_t>(in_track | (cylinder >> 8 << 6)));
  store(to, at + 2, static_cast<std::uint8_t>(cylinder & 0xFF));
}

void store_mbr_entry(std::span<std::byte> sector0, std::size_t slot, bool bootable, std::uint8_t type,
                     std::uint64_t first, std::uint64_t count) {
  const std::size_t at = mbr_entries + slot * mbr_entry_bytes;
  store(sector0, at, static_cast<std::uint8_t>(bootable ? 0x80 : 0x00));
  store_chs(sector0, at + 1, first);
  store(sector0, at + 4, type);
  store_chs(sector0, at + 5, first + count - 1);
  store(sector0, at + 8, static_cast<std::uint32_t>(first));
  store(sector0, at + 12, static_cast<std::uint32_t>(count));
}

std::vector<std::byte> mbr_sector(const PartitionTable& table) {
  std::vector<std::byte> sector0(table.sector_size);
  if (table.style == PartitionStyle::gpt) {
    const std::uint64_t count = std::min<std::uint64_t>(table.disk_size / table.sector_size - 1, 0xFFFFFFFF);
    store_mbr_entry(sector0, 0, false, mbr_type_protective, 1, count);
    // UEFI fixes the protective partition's first and last CHS, whatever the geometry [doc].
    store(sector0, mbr_entries + 1, std::uint8_t{0x00});
    store(sector0, mbr_entries + 2, std::uint8_t{0x02});
    store(sector0, mbr_entries + 3, std::uint8_t{0x00});
    if (count == 0xFFFFFFFF) {
      for (std::size_t i = 5; i < 8; ++i) store(sector0, mbr_entries + i, std::uint8_t{0xFF});
    }
  } else {
    store(sector0, mbr_signature, table.mbr_signature);
    for (const PartitionEntry& each : table.partitions) {
      store_mbr_entry(sector0, each.number - 1, each.bootable, each.mbr_type, each.start.bytes / table.sector_size,
                      each.size / table.sector_size);
    }
  }
  store(sector0, mbr_magic, mbr_magic_value);
  return sector0;
}

std::vector<std::byte> gpt_array(const PartitionTable& table) {
  std::vector<std::byte> array(gpt_array_bytes);
  for (const PartitionEntry& each : table.partitions) {
    const std::span<std::byte> entry = std::span(array).subspan((each.number - 1) * gpt_entry_bytes, gpt_entry_bytes);
    store_guid(entry, 0, each.type);
    store_guid(entry, 16, each.id);
    store(entry, 32, each.start.bytes / table.sector_size);
    store(entry, 40, (each.start.bytes + each.size) / table.sector_size - 1);
    store(entry, 48, each.attributes);
    for (std::size_t i = 0; i < each.gpt_name.size(); ++i) {
      store(entry, 56 + 2 * i, static_cast<std::uint16_t>(each.gpt_name[i]));
    }
  }
  return array;
}

std::vector<std::byte> gpt_header(const PartitionTable& table, std::uint32_t array_crc, bool backup) {
  const std::uint64_t last = table.disk_size / table.sector_size - 1;
  const std::uint64_t array_sectors = gpt_array_bytes / table.sector_size;
  std::vector<std::byte> header(table.sector_size);
  store(header, 0, gpt_magic);
  store(header, 8, gpt_revision);
  store(header, 12, gpt_header_bytes);
  store(header, 24, backup ? last : std::uint64_t{1});
  store(header, 32, backup ? std::uint64_t{1} : last);
  store(header, 40, table_bytes_at_start(table.style, table.sector_size) / table.sector_size);
  store(header, 48, last - table_bytes_at_end(table.style, table.sector_size) / table.sector_size);
  store_guid(header, 56, table.disk_id);
  store(header, 72, backup ? last - array_sectors : std::uint64_t{2});
  store(header, 80, gpt_entry_count);
  store(header, 84, gpt_entry_bytes);
  store(header, 88, array_crc);
  store(header, 16, crc32_of(std::span(header).first(gpt_header_bytes)));
  return header;
}

Result<void> check_place(PartitionStyle style, std::uint64_t disk_size, std::uint32_t sector_size,
                         const PartitionPlace& place, std::size_t number) {
  const auto wrong = [&](std::string what) {
    return Error{
        fmt::format("partition {} (start {:#x}, {} bytes) {}", number, place.start.bytes, place.size, std::move(what))};
  };
  if (place.size == 0) return wrong("is empty");
  if (place.start.bytes % sector_size != 0 || place.size % sector_size != 0) {
    return wrong(fmt::format("does not begin and end at multiples of the sector size {}", sector_size));
  }
  if (place.start.bytes > disk_size || place.size > disk_size - place.start.bytes) {
    return wrong(fmt::format("does not fit on the disk of {} bytes", disk_size));
  }
  if (style == PartitionStyle::none) {
    if (place.start.bytes == 0 && place.size == disk_size) return {};
    return wrong("is not the whole disk, as it must be on a disk without a partition table");
  }
  const std::uint64_t first = table_bytes_at_start(style, sector_size);
  if (place.start.bytes < first) {
    return wrong(fmt::format("lies on the {} partition table; the first free byte is {:#x}", name_of(style), first));
  }
  const std::uint64_t tail = table_bytes_at_end(style, sector_size);
  if (disk_size < tail || place.start.bytes + place.size > disk_size - tail) {
    return wrong(fmt::format("lies on the backup of the gpt partition table, the disk's last {} bytes", tail));
  }
  constexpr std::uint64_t mbr_limit = 0xFFFFFFFF;
  if (style == PartitionStyle::mbr &&
      (place.start.bytes / sector_size > mbr_limit || place.size / sector_size > mbr_limit)) {
    return wrong("begins or ends beyond the 2^32 sectors that mbr can count; gpt can");
  }
  return {};
}

}  // namespace

std::uint32_t format::crc32_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

const Guid basic_data_partition{
    {0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7}};

std::string_view name_of(PartitionStyle style) {
  switch (style) {
    case PartitionStyle::mbr:
      return "mbr";
    case PartitionStyle::gpt:
      return "gpt";
    case PartitionStyle::none:
      return "none";
  }
  return "unknown";
}

std::string Guid::text() const {
  const auto& b = bytes;
  return fmt::format(
      "{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", b[3],
      b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

std::uint64_t table_bytes_at_start(PartitionStyle style, std::uint32_t sector_size) {
  if (style == PartitionStyle::none) return 0;
  return style == PartitionStyle::mbr ? sector_size : 2 * std::uint64_t{sector_size} + gpt_array_bytes;
}

std::uint64_t table_bytes_at_end(PartitionStyle style, std::uint32_t sector_size) {
  return style == PartitionStyle::gpt ? std::uint64_t{sector_size} + gpt_array_bytes : 0;
}

Result<PartitionTable> PartitionTable::make(PartitionStyle style, std::uint64_t disk_size, std::uint32_t sector_size,
                                            const std::vector<PartitionPlace>& places, std::uint64_t seed) {
  if (auto checked = check_geometry(disk_size, sector_size); !checked) return checked.error();
  const std::size_t most = style == PartitionStyle::none  ? 1
                           : style == PartitionStyle::mbr ? mbr_entry_count
                                                          : std::size_t{gpt_entry_count};
  if (places.size() > most) {
    return Error{fmt::format("{} partitions; at most {} with style {}", places.size(), most, name_of(style))};
  }
  if (style == PartitionStyle::gpt &&
      disk_size < table_bytes_at_start(style, sector_size) + sector_size + table_bytes_at_end(style, sector_size)) {
    return Error{fmt::format("a disk of {} bytes has no room for a gpt partition table", disk_size)};
  }
  Random random(mix64(seed ^ 0x7061'7274'6974'696fULL));
  PartitionTable table;
  table.style = style;
  table.disk_size = disk_size;
  table.sector_size = sector_size;
  if (style == PartitionStyle::gpt) table.disk_id = random_guid(random);
  if (style == PartitionStyle::mbr) table.mbr_signature = static_cast<std::uint32_t>(1 + random.below(0xFFFFFFFF));
  for (const PartitionPlace& place : places) {
    const std::size_t number = table.partitions.size() + 1;
    if (auto checked = check_place(style, disk_size, sector_size, place, number); !checked) return checked.error();
    for (const PartitionEntry& other : table.partitions) {
      if (place.start >= other.start + other.size || other.start >= place.start + place.size) continue;
      return Error{fmt::format("partitions {} and {} overlap: {:#x} with {} bytes, {:#x} with {} bytes", other.number,
                               number, other.start.bytes, other.size, place.start.bytes, place.size)};
    }
    PartitionEntry entry;
    entry.start = place.start;
    entry.size = place.size;
    entry.number = style == PartitionStyle::none ? 0 : static_cast<std::uint32_t>(number);
    if (style == PartitionStyle::mbr) entry.mbr_type = mbr_type_ntfs;
    if (style == PartitionStyle::gpt) {
      entry.type = basic_data_partition;
      entry.id = random_guid(random);
      entry.gpt_name = basic_data_name();
    }
    table.partitions.push_back(entry);
  }
  return table;
}

Result<void> PartitionTable::write(BlockDevice& disk) const {
  if (disk.size() != disk_size || disk.sector_size() != sector_size) {
    return Error{fmt::format("the partition table is for {} bytes in sectors of {}, the disk has {} in sectors of {}",
                             disk_size, sector_size, disk.size(), disk.sector_size())};
  }
  const auto put = [&](std::uint64_t sector, std::span<const std::byte> bytes) -> Result<void> {
    const IoStatus status = disk.write(DiskOffset{sector * sector_size}, bytes);
    if (status == IoStatus::ok) return {};
    return Error{fmt::format("cannot write the partition table to sector {}: {}", sector, name_of(status))};
  };
  if (style == PartitionStyle::none) return {};
  if (style == PartitionStyle::gpt) {
    const std::vector<std::byte> array = gpt_array(*this);
    const std::uint32_t crc = crc32_of(array);
    const std::uint64_t last = disk_size / sector_size - 1;
    // The backup first and the protective MBR last, so that a write that fails leaves no table that looks whole.
    if (auto done = put(last - gpt_array_bytes / sector_size, array); !done) return done;
    if (auto done = put(last, gpt_header(*this, crc, true)); !done) return done;
    if (auto done = put(2, array); !done) return done;
    if (auto done = put(1, gpt_header(*this, crc, false)); !done) return done;
  }
  return put(0, mbr_sector(*this));
}

Geometry PartitionTable::geometry() const {
  Geometry made;
  made.bytes_per_sector = sector_size;
  made.cylinders = disk_size / sector_size / (std::uint64_t{made.tracks_per_cylinder} * made.sectors_per_track);
  return made;
}

std::uint32_t PartitionTable::mbr_checksum() const {
  if (style != PartitionStyle::mbr) return 0;
  const std::vector<std::byte> sector0 = mbr_sector(*this);
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < mbr_bytes; at += 4) sum += load<std::uint32_t>(sector0, at);
  return 0U - sum;
}

}  // namespace dumpsim::disk
