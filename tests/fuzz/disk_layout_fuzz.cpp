// SPDX-License-Identifier: Apache-2.0
// The two readers of a disk somebody else may have made: the layout sidecar (inputs that begin with '{') and the
// partition tables (all others, as the first bytes of a disk). What is accepted must be sound and survive a round trip.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "disk/file_view.hpp"
#include "disk/layout.hpp"
#include "disk/partition_table.hpp"

namespace {

using namespace dumpsim;
using namespace dumpsim::disk;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

/// The input, with zeros after it up to 1 MiB; the last sector of the input is the disk's last, so that an input can
/// hold a backup table.
class InputDisk final : public BlockDevice {
 public:
  InputDisk(const std::uint8_t* bytes, std::size_t size, std::uint32_t sector) : sector_(sector), bytes_(1 << 20) {
    if (size == 0) return;
    std::memcpy(bytes_.data(), bytes, std::min(size, bytes_.size()));
    if (size > 8 * sector) std::memcpy(bytes_.data() + bytes_.size() - sector, bytes + size - sector, sector);
  }
  std::uint64_t size() const override { return bytes_.size(); }
  std::uint32_t sector_size() const override { return sector_; }
  IoStatus read(DiskOffset at, std::span<std::byte> into) override {
    const IoStatus status = check_transfer(at, into.size(), size(), sector_);
    if (status == IoStatus::ok && !into.empty()) std::memcpy(into.data(), bytes_.data() + at.bytes, into.size());
    return status;
  }
  IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override {
    const IoStatus status = check_transfer(at, bytes.size(), size(), sector_);
    if (status == IoStatus::ok && !bytes.empty()) std::memcpy(bytes_.data() + at.bytes, bytes.data(), bytes.size());
    return status;
  }
  IoStatus flush() override { return IoStatus::ok; }

 private:
  std::uint32_t sector_;
  std::vector<std::byte> bytes_;
};

void fuzz_layout(std::string_view text) {
  const auto layout = parse_layout(text, "input");
  if (!layout) {
    require(layout.error().message.starts_with("input:"), "a refusal does not name its file");
    return;
  }
  require(check_layout(*layout).has_value(), "an accepted layout is unsound");
  const auto again = parse_layout(layout_text(*layout), "again");
  require(again && *again == *layout, "an accepted layout does not survive a round trip");

  // Whatever the numbers, reading the file through them fails or succeeds, and touches nothing else.
  InputDisk disk(nullptr, 0, layout->sector_size);
  const auto map = ExtentMap::make("dump file", layout->dump_file, layout->partition_size, layout->sector_size);
  require(map.has_value(), "an accepted dump file is unsound");
  const FileView view(disk, *map, layout->partition_start, layout->shift);
  std::array<std::byte, 600> bytes;
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{300}, map->size() / 2, map->size() - 300}) {
    (void)view.read_at(at, bytes);
  }
}

void fuzz_table(const std::uint8_t* bytes, std::size_t size, std::uint32_t sector) {
  InputDisk disk(bytes, size, sector);
  const auto table = PartitionTable::read(disk);
  if (!table) {
    require(!table.error().message.empty(), "a refusal says nothing");
    return;
  }
  std::uint64_t sum = 0;
  for (const PartitionEntry& each : table->partitions) {
    require(each.size > 0 && each.size <= disk.size() && each.start.bytes <= disk.size() - each.size,
            "an accepted partition is not on the disk");
    sum += each.size;
  }
  require(sum <= disk.size(), "accepted partitions overlap");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 0 && bytes[0] == '{') {
    fuzz_layout({reinterpret_cast<const char*>(bytes), size});
  } else {
    fuzz_table(bytes, size, 512);
    fuzz_table(bytes, size, 4096);
  }
  return 0;
}
