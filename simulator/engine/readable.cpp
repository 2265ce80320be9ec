// SPDX-License-Identifier: Apache-2.0
#include "engine/readable.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/digest.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::uint64_t sector_bytes = dumpfile::canary_sector;
constexpr std::size_t sectors_a_page = page_size / sector_bytes;
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

class TagFinder final : public SectorFinder {
 public:
  void scan(DiskOffset at, std::span<const std::byte> bytes, const Found& found) const override {
    dumpfile::scan_canary(
        bytes, [&](std::size_t offset, const dumpfile::CanaryTag& tag) { found(at + offset, tag.pfn, tag.sector); });
  }
};

class TagFinderAnywhere final : public SectorFinder {
 public:
  void scan(DiskOffset at, std::span<const std::byte> bytes, const Found& found) const override {
    dumpfile::scan_canary_anywhere(
        bytes, [&](std::size_t offset, const dumpfile::CanaryTag& tag) { found(at + offset, tag.pfn, tag.sector); });
  }
  std::uint64_t margin() const override { return sizeof(dumpfile::CanaryTag); }
};

/// Digests of every sector, in a table of open places that is half full at most.
class IndexFinder final : public SectorFinder {
 public:
  static Result<std::unique_ptr<SectorFinder>> make(std::span<const dumpfile::PageRun> runs,
                                                    const dumpfile::MemorySource& memory) {
    auto index = std::make_unique<IndexFinder>();
    const std::uint64_t sectors = dumpfile::total_pages(runs) * sectors_a_page;
    index->rows_.resize(std::bit_ceil(2 * sectors + 1));
    std::vector<std::byte> page(page_size);
    for (const dumpfile::PageRun& run : runs) {
      for (Pfn pfn = run.base; pfn != run.base + run.pages; ++pfn) {
        memory.read_pages(pfn, 1, page.data());
        for (std::uint32_t s = 0; s < sectors_a_page; ++s)
          index->add(std::span(page).subspan(s * sector_bytes, sector_bytes), pfn, s);
      }
    }
    if (auto healthy = memory.health(); !healthy) return healthy.error();
    return std::unique_ptr<SectorFinder>(std::move(index));
  }

  void scan(DiskOffset at, std::span<const std::byte> bytes, const Found& found) const override {
    for (std::size_t done = 0; done + sector_bytes <= bytes.size(); done += sector_bytes) {
      const std::span<const std::byte> sector = bytes.subspan(done, sector_bytes);
      if (says_nothing(sector)) continue;
      const std::uint64_t key = digest(sector);
      for (std::size_t i = key & (rows_.size() - 1); rows_[i].place != 0; i = (i + 1) & (rows_.size() - 1)) {
        if (rows_[i].key != key) continue;
        const std::uint64_t place = rows_[i].place - 1;
        found(at + done, place / sectors_a_page, static_cast<std::uint32_t>(place % sectors_a_page));
        break;
      }
    }
  }

 private:
  struct Row {
    std::uint64_t key = 0;
    std::uint64_t place = 0;  // pfn * 8 + sector + 1; 0: free
  };
  /// One word over and over: zeros, filler, what was never used.
  static bool says_nothing(std::span<const std::byte> sector) {
    return std::memcmp(sector.data(), sector.data() + sizeof(std::uint64_t), sector.size() - sizeof(std::uint64_t)) ==
           0;
  }
  void add(std::span<const std::byte> sector, Pfn pfn, std::uint32_t number) {
    if (says_nothing(sector)) return;
    const std::uint64_t key = digest(sector);
    std::size_t i = key & (rows_.size() - 1);
    for (; rows_[i].place != 0; i = (i + 1) & (rows_.size() - 1)) {
      if (rows_[i].key == key) return;  // the first of sectors that are alike
    }
    rows_[i] = {key, pfn * sectors_a_page + number + 1};
  }

  std::vector<Row> rows_;
};

/// Enters one sector into the rows of every promise that covers it.
void enter(const std::vector<Promise>& promises, const Plan& plan, Sightings sightings, DiskOffset at, Pfn pfn,
           std::uint32_t sector, const Sighting& after) {
  for (std::size_t i = 0; i < promises.size(); ++i) {
    if (!promises[i].covers(at.bytes)) continue;
    const bool hibernation =
        plan.hibernation_file.file_offset_of(PartitionOffset{at.bytes - std::min(at.bytes, plan.partition_start.bytes)})
            .has_value();
    Sighting& row = sightings.rows[2 * i + (hibernation ? 1 : 0)];
    if (row.count++ != 0) continue;
    const std::uint64_t count = row.count;
    row = after;
    row.count = count;
    row.at = at.bytes;
    row.pfn = pfn;
    row.sector = sector;
  }
}

}  // namespace

bool Promise::covers(std::uint64_t at) const {
  return touches(at, at + 1);
}

bool Promise::touches(std::uint64_t begin, std::uint64_t end) const {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const DiskRange& range) { return begin < range.end && range.begin < end; });
}

std::vector<Promise> promises_of(const scenario::Scenario& scenario, const Plan& plan) {
  std::vector<Promise> promises;
  for (std::size_t i = 0; i < scenario.filters.size(); ++i) {
    const scenario::Filter& filter = scenario.filters[i];
    if (!filter.promises()) continue;
    Promise promise{i, {}};
    const std::uint64_t start = plan.partition_start.bytes;
    if (filter.protects_all) promise.ranges.push_back({start, start + plan.partition_size});
    for (const auto& [offset, bytes] : filter.protects) {
      promise.ranges.push_back({start + offset.bytes, start + offset.bytes + bytes});
    }
    std::sort(promise.ranges.begin(), promise.ranges.end(),
              [](const DiskRange& a, const DiskRange& b) { return a.begin < b.begin; });
    promises.push_back(std::move(promise));
  }
  return promises;
}

Result<std::unique_ptr<SectorFinder>> SectorFinder::make(const scenario::Scenario& scenario, const Plan& plan,
                                                         const dumpfile::MemorySource& memory) {
  if (scenario.system.memory.fill != scenario::Fill::canary) return IndexFinder::make(plan.ram, memory);
  if (scenario.verify.anywhere) return std::unique_ptr<SectorFinder>(std::make_unique<TagFinderAnywhere>());
  return std::unique_ptr<SectorFinder>(std::make_unique<TagFinder>());
}

Sightings Sightings::in(std::span<std::byte> memory, std::size_t promises) {
  return {{reinterpret_cast<Sighting*>(memory.data() + sizeof(std::uint64_t)), 2 * promises},
          reinterpret_cast<std::uint64_t*>(memory.data())};
}

DiskWatch::DiskWatch(disk::BlockDevice& below, const std::vector<Promise>& promises, const Plan& plan,
                     const SectorFinder& finder, Sightings sightings, const trace::Recorder& recorder)
    : below_(below),
      promises_(promises),
      plan_(plan),
      finder_(finder),
      sightings_(sightings),
      recorder_(recorder),
      buffer_(buffer_bytes) {}

disk::IoStatus DiskWatch::write(DiskOffset at, std::span<const std::byte> bytes) {
  const disk::IoStatus status = below_.write(at, bytes);
  look(at, bytes.size(), status);
  return status;
}

disk::IoStatus DiskWatch::write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) {
  const disk::IoStatus status = below_.write_gathered(at, pieces);
  std::uint64_t length = 0;
  if (disk::total_bytes(pieces, length)) look(at, length, status);
  return status;
}

void DiskWatch::look(DiskOffset at, std::uint64_t length, disk::IoStatus status) {
  using trace::Kind;
  // What was refused as a whole touched nothing.
  if (status == disk::IoStatus::misaligned || status == disk::IoStatus::out_of_range || length == 0) return;
  const bool concerned = std::any_of(promises_.begin(), promises_.end(), [&](const Promise& promise) {
    return promise.touches(at.bytes, at.bytes + length);
  });
  if (!concerned) return;
  // The event of the write comes after it.
  const Sighting after{.write = recorder_.emitted(Kind::port_write) + recorder_.emitted(Kind::disk_write) + 1,
                       .callback = recorder_.emitted(Kind::callback_entered),
                       .failed = status == disk::IoStatus::ok ? 0u : 1u};
  const std::uint64_t sector = below_.sector_size();
  const std::uint64_t margin = finder_.margin() == 0 ? 0 : sector;
  const std::uint64_t reach = finder_.margin() == 0 ? sector_bytes : finder_.margin();
  const std::uint64_t begin = at.bytes - std::min(at.bytes, margin);
  const std::uint64_t end = std::min(below_.size(), at.bytes + length + margin);
  for (std::uint64_t now = begin; now < end;) {
    const std::span<std::byte> piece = std::span(buffer_).first(std::min<std::uint64_t>(buffer_.size(), end - now));
    if (below_.read({now}, piece) != disk::IoStatus::ok) {
      ++*sightings_.unread;
      return;
    }
    finder_.scan({now}, piece, [&](DiskOffset where, Pfn pfn, std::uint32_t number) {
      // What the margin shows and the write did not touch was there before.
      if (where.bytes + reach <= at.bytes || where.bytes >= at.bytes + length) return;
      enter(promises_, plan_, sightings_, where, pfn, number, after);
    });
    if (now + piece.size() == end) return;
    now += piece.size() - margin;  // what lies across two pieces is in the second
  }
}

Result<void> look_at_disk(disk::BlockDevice& disk, const std::vector<Promise>& promises, const Plan& plan,
                          const SectorFinder& finder, Sightings sightings) {
  const std::uint64_t margin = finder.margin();
  std::vector<std::byte> border;  // the end of the stretch before, and the front of this one
  std::uint64_t next = UINT64_MAX;
  const auto found = [&](DiskOffset at, Pfn pfn, std::uint32_t sector) {
    enter(promises, plan, sightings, at, pfn, sector, {});
  };
  return disk.for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
    if (margin != 0 && at.bytes == next && border.size() >= margin) {
      const std::uint64_t kept = border.size();
      const std::span<const std::byte> front = bytes.first(std::min<std::uint64_t>(bytes.size(), margin - 1));
      border.insert(border.end(), front.begin(), front.end());
      const std::uint64_t border_at = at.bytes - kept;
      finder.scan({border_at}, border, [&](DiskOffset where, Pfn pfn, std::uint32_t sector) {
        if (where.bytes < at.bytes && where.bytes + margin > at.bytes) found(where, pfn, sector);
      });
    }
    finder.scan(at, bytes, found);
    if (margin != 0) {
      const std::uint64_t kept = std::min<std::uint64_t>(bytes.size(), sector_bytes);
      border.assign(bytes.end() - static_cast<std::ptrdiff_t>(kept), bytes.end());
      next = at.bytes + bytes.size();
    }
    return true;
  });
}

}  // namespace dumpsim::engine
