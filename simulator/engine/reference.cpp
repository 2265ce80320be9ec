// SPDX-License-Identifier: Apache-2.0
#include "engine/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "disk/memory_disk.hpp"
#include "stack/crashdmp.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;

class Painter {
 public:
  Painter(disk::BlockDevice& disk, const Plan& plan, const dumpfile::MemorySource& memory)
      : disk_(disk), plan_(plan), memory_(memory) {}

  /// `bytes` to a file; what it has no room for is left out.
  void write(const disk::ExtentMap& file, std::uint64_t file_offset, std::span<const std::byte> bytes) {
    file.for_each_piece(file_offset, bytes.size(), [&](disk::Extent part, std::uint64_t at) {
      put(part.at, bytes.subspan(at - file_offset, part.bytes));
      return true;
    });
  }

  void write_memory(const disk::ExtentMap& file, std::uint64_t file_offset, Pfn first, std::uint64_t pages) {
    for_each_piece(first, pages, [&](std::uint64_t done, std::span<const std::byte> bytes) {
      write(file, file_offset + done, bytes);
    });
  }
  void write_memory(PartitionOffset at, Pfn first, std::uint64_t pages) {
    for_each_piece(first, pages, [&](std::uint64_t done, std::span<const std::byte> bytes) { put(at + done, bytes); });
  }

  void write_dump(const dumpfile::DumpLayout& dump) {
    // What lies behind the last byte, up to its page's end, is written as zeros.
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t at = 0; at < dump.size();) {
      const std::uint64_t now = std::min(piece_bytes, dump.size() - at);
      const std::uint64_t padded = (now + page_size - 1) / page_size * page_size;
      std::fill(piece.begin(), piece.end(), std::byte{0});
      dump.fill(at, std::span(piece).first(now), memory_);
      write(plan_.dump_file, at, std::span(piece).first(padded));
      at += now;
    }
  }

  Result<void> good() const {
    if (good_) return {};
    return Error{.message = "the reference disk cannot be written", .host = true};
  }

 private:
  template <class Take>
  void for_each_piece(Pfn first, std::uint64_t pages, Take&& take) {
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t done = 0; done < pages;) {
      const std::uint64_t now = std::min(pages - done, piece_bytes / page_size);
      memory_.read_pages(first + done, now, piece.data());
      take(done * page_size, std::span<const std::byte>(piece).first(now * page_size));
      done += now;
    }
  }
  void put(PartitionOffset at, std::span<const std::byte> bytes) {
    const disk::IoStatus status = disk_.write(at.on_disk(plan_.partition_start), bytes);
    // A step of a sequence may aim beyond the disk.
    if (status == disk::IoStatus::failed) good_ = false;
  }

  disk::BlockDevice& disk_;
  const Plan& plan_;
  const dumpfile::MemorySource& memory_;
  bool good_ = true;
};

bool has(const scenario::Scenario& scenario, scenario::TimelineStep step) {
  return std::find(scenario.timeline.begin(), scenario.timeline.end(), step) != scenario.timeline.end();
}

void write_hibernation(Painter& painter, const Plan& plan) {
  const std::uint64_t pages = dumpfile::total_pages(plan.hibernated);
  painter.write(plan.hibernation_file, 0, stack::hibernation_header(true, pages));
  std::uint64_t at = page_size;
  for (const dumpfile::PageRun& run : plan.hibernated) {
    painter.write_memory(plan.hibernation_file, at, run.base, run.pages);
    at += run.pages * page_size;
  }
}

void write_sequence(Painter& painter, const scenario::Scenario& scenario, const Plan& plan) {
  for (const scenario::SequenceStep& step : scenario.sequence) {
    if (step.action != scenario::SequenceStep::Action::write) continue;
    if (step.file_offset) {
      painter.write_memory(step.hibernation ? plan.hibernation_file : plan.dump_file, *step.file_offset, step.first,
                           step.pages);
    } else {
      painter.write_memory(step.offset, step.first, step.pages);
    }
  }
}

/// What `first` stores and `second` has otherwise.
Result<std::optional<DiskDifference>> first_stored_difference(disk::BlockDevice& first, disk::BlockDevice& second) {
  std::optional<DiskDifference> difference;
  std::vector<std::byte> other;
  bool good = true;
  auto seen = first.for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const std::span<const std::byte> now =
          bytes.subspan(done, std::min<std::size_t>(piece_bytes, bytes.size() - done));
      other.resize(now.size());
      good = second.read(at + done, other) == disk::IoStatus::ok;
      if (!good) return false;
      if (std::memcmp(now.data(), other.data(), now.size()) != 0) {
        const auto where = std::mismatch(now.begin(), now.end(), other.begin());
        difference = DiskDifference{at + done + static_cast<std::uint64_t>(where.first - now.begin()), *where.first,
                                    *where.second};
        return false;
      }
      done += now.size();
    }
    return true;
  });
  if (!seen) return seen.error();
  if (!good) return Error{.message = "a disk cannot be read for comparing", .host = true};
  return difference;
}

}  // namespace

Result<std::unique_ptr<disk::BlockDevice>> reference_disk(const scenario::Scenario& scenario, const Plan& plan,
                                                          const dumpfile::DumpLayout* dump,
                                                          const dumpfile::MemorySource& memory) {
  auto made = disk::MemoryDisk::make({.size = scenario.disk.size, .sector_size = scenario.disk.sector_size});
  if (!made) return made.error();
  std::unique_ptr<disk::BlockDevice> disk = std::move(*made);
  if (auto written = plan.table.write(*disk); !written) return written.error();
  Painter painter(*disk, plan, memory);
  if (has(scenario, scenario::TimelineStep::hibernate)) write_hibernation(painter, plan);
  write_sequence(painter, scenario, plan);
  if (dump != nullptr) {
    painter.write_dump(*dump);
    if (!plan.log_file.empty()) painter.write(plan.log_file, 0, stack::dump_log_record());
  }
  if (auto good = painter.good(); !good) return good.error();
  if (auto healthy = memory.health(); !healthy) return healthy.error();
  return disk;
}

Result<std::optional<DiskDifference>> first_difference(disk::BlockDevice& first, disk::BlockDevice& second) {
  auto there = first_stored_difference(first, second);
  if (!there) return there.error();
  auto back = first_stored_difference(second, first);
  if (!back) return back.error();
  if (*back) std::swap((*back)->first, (*back)->second);
  if (!*there || (*back && (*back)->at < (*there)->at)) return *back;
  return *there;
}

}  // namespace dumpsim::engine
