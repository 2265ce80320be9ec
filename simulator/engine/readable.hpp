// SPDX-License-Identifier: Apache-2.0
// The oracle of an encrypting filter: no sector of memory lies readable on the disk where the filter says it encrypts.
// It looks at the disk itself, in the end and, when asked to, after every single write, and takes no status for what is
// there: a write that failed may have written, and one that succeeded may not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapping.hpp"
#include "base/offsets.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/plan.hpp"
#include "scenario/scenario.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::engine {

/// Bytes of the disk.
struct DiskRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// What one filter says it encrypts.
struct Promise {
  std::size_t filter = 0;         ///< which of the scenario's
  std::vector<DiskRange> ranges;  ///< ascending; they may touch or overlap

  bool covers(std::uint64_t at) const;
  bool touches(std::uint64_t begin, std::uint64_t end) const;
};

/// Of the filters that promise anything, in their order.
std::vector<Promise> promises_of(const scenario::Scenario& scenario, const Plan& plan);

/// Tells sectors of memory from everything else: by its tag, or, for memory without tags, by an index of all sectors.
class SectorFinder {
 public:
  using Found = std::function<void(DiskOffset at, Pfn pfn, std::uint32_t sector)>;
  virtual ~SectorFinder() = default;
  /// Sectors at multiples of 512 (or anywhere, if it was made so) of `bytes`, which lie at `at`, a multiple of 512.
  virtual void scan(DiskOffset at, std::span<const std::byte> bytes, const Found& found) const = 0;
  /// How many bytes before and behind a stretch have to be shown with it, so that nothing across its border is missed.
  virtual std::uint64_t margin() const { return 0; }

  /// `memory` is what the machine's RAM holds. Sectors of one value all over are not told from others. Fails when
  /// memory cannot be read.
  static Result<std::unique_ptr<SectorFinder>> make(const scenario::Scenario& scenario, const Plan& plan,
                                                    const dumpfile::MemorySource& memory);
};

/// What was seen of one promise, for one of the filter's instances. Lies in memory shared with the child.
struct Sighting {
  std::uint64_t count = 0;  ///< sectors; the same one again counts again
  std::uint64_t at = 0;     ///< of the first, on the disk
  std::uint64_t pfn = 0;
  std::uint64_t sector = 0;
  std::uint64_t write = 0;  ///< that it was seen after; 0: in the end
  std::uint64_t callback = 0;
  std::uint64_t failed = 0;  ///< 1: the write's status was none of success
};

/// One row a promise and instance: [2 * promise] for the crash stack's, the next for hibernation's.
struct Sightings {
  std::span<Sighting> rows;
  std::uint64_t* unread = nullptr;  ///< ranges that could not be looked at

  static std::size_t bytes_for(std::size_t promises) { return sizeof(std::uint64_t) + 2 * promises * sizeof(Sighting); }
  /// REQUIRES: `memory` has bytes_for() bytes, all zero at first.
  static Sightings in(std::span<std::byte> memory, std::size_t promises);
};

/// The disk as it is below whatever goes wrong with it: after each write, looks at what the write touched.
class DiskWatch final : public disk::BlockDevice {
 public:
  /// All outlive it.
  DiskWatch(disk::BlockDevice& below, const std::vector<Promise>& promises, const Plan& plan,
            const SectorFinder& finder, Sightings sightings, const trace::Recorder& recorder);

  std::uint64_t size() const override { return below_.size(); }
  std::uint32_t sector_size() const override { return below_.sector_size(); }
  disk::IoStatus read(DiskOffset at, std::span<std::byte> into) override { return below_.read(at, into); }
  disk::IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override;
  disk::IoStatus flush() override { return below_.flush(); }
  disk::IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) override;
  bool keeps_content() const override { return below_.keeps_content(); }
  Result<void> for_each_data_range(const disk::DataVisitor& visit) override {
    return below_.for_each_data_range(visit);
  }

 private:
  void look(DiskOffset at, std::uint64_t length, disk::IoStatus status);

  disk::BlockDevice& below_;
  const std::vector<Promise>& promises_;
  const Plan& plan_;
  const SectorFinder& finder_;
  Sightings sightings_;
  const trace::Recorder& recorder_;
  std::vector<std::byte> buffer_;
};

/// The same look at all of the disk, now.
Result<void> look_at_disk(disk::BlockDevice& disk, const std::vector<Promise>& promises, const Plan& plan,
                          const SectorFinder& finder, Sightings sightings);

}  // namespace dumpsim::engine
