// SPDX-License-Identifier: Apache-2.0
// Writes a partition table to a raw disk and prints what it should say, for table_reader.py to compare with what
// other programs and its own reader of the formats find there.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "disk/backends.hpp"
#include "disk/partition_table.hpp"

namespace {

using namespace dumpsim;
using namespace dumpsim::disk;

int fail(const std::string& message) {
  std::fprintf(stderr, "table_writer: %s\n", message.c_str());
  return 1;
}

}  // namespace

// table_writer STYLE SECTOR_SIZE IMAGE
int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: table_writer STYLE SECTOR_SIZE IMAGE");
  const PartitionStyle style = std::strcmp(argv[1], "mbr") == 0 ? PartitionStyle::mbr : PartitionStyle::gpt;
  constexpr std::uint64_t mib = 1 << 20;
  // The third lies beyond cylinder 1023 and not in the order of the disk, where tables go wrong.
  const std::vector<PartitionPlace> places{
      {DiskOffset{mib}, 100 * mib}, {DiskOffset{12000 * mib}, 64 * mib}, {DiskOffset{9000 * mib}, 2000 * mib}};
  DiskOptions options;
  options.path = argv[3];
  options.size = 16384 * mib;
  options.sector_size = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  auto disk = make_disk("raw", options);
  if (!disk) return fail(disk.error().message);
  const auto table = PartitionTable::make(style, options.size, options.sector_size, places, 42);
  if (!table) return fail(table.error().message);
  if (auto written = table->write(**disk); !written) return fail(written.error().message);

  char signature[16];
  std::snprintf(signature, sizeof signature, "0x%08x", table->mbr_signature);
  std::printf("{\"style\": \"%s\", \"sector\": %u, \"id\": \"%s\", \"partitions\": [", argv[1], options.sector_size,
              style == PartitionStyle::mbr ? signature : table->disk_id.text().c_str());
  const char* before = "";
  for (const PartitionEntry& each : table->partitions) {
    std::printf("%s{\"start\": %llu, \"size\": %llu, \"id\": \"%s\", \"type\": \"%s\"}", before,
                static_cast<unsigned long long>(each.start.bytes), static_cast<unsigned long long>(each.size),
                style == PartitionStyle::mbr ? "" : each.id.text().c_str(),
                style == PartitionStyle::mbr ? "7" : each.type.text().c_str());
    before = ", ";
  }
  std::printf("]}\n");
  return 0;
}
