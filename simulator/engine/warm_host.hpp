// SPDX-License-Identifier: Apache-2.0
// What a process that runs many scenarios keeps from one run to the next. Only what cannot make a difference: memory
// that is a pure function of the scenario and that no child can change, files compared with what is on the disk before
// they are used again, and pages that are cleared. A run gives the same report and trace here as anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/shared_pages.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "loader/image_file.hpp"
#include "machine/machine.hpp"

namespace dumpsim::engine {

/// One in a process, since simulated memory has one place there: whoever makes such memory beside it calls
/// let_go_of_memory() first.
class WarmHost {
 public:
  WarmHost() = default;
  WarmHost(const WarmHost&) = delete;
  WarmHost& operator=(const WarmHost&) = delete;

  /// As engine::run(). One after the other. In this process (without sandbox) nothing that is kept is used: filters
  /// that run here may write to all of it.
  Result<Report> run(const scenario::Scenario& scenario, const RunOptions& options);

  void let_go_of_memory() { memory_.reset(); }

  // ---- for the run ----
  /// Where memory that a run shares with its children comes from.
  const PageShelf& shelf() const { return shelf_; }
  /// After a child that did not end by itself: it may have left something behind that still writes to such memory.
  void start_over() { shelf_.start_over(); }
  /// The machine's memory as the plan says, pristine. What is kept and does not fit goes first.
  Result<machine::PhysicalMemory> take_memory(const scenario::Memory& memory, const Plan& plan);
  /// After a run in which only children have used it.
  void give_back(machine::PhysicalMemory memory);
  loader::ReadAhead& images() { return images_; }
  /// What the last run that found out had to do. The next one may guess from it, which changes no more than its time.
  bool last_read_through_filters() const { return last_read_through_filters_; }
  void read_through_filters(bool did) { last_read_through_filters_ = did; }

 private:
  /// What the content of memory follows from.
  struct MemoryKey {
    scenario::Fill fill{};
    std::uint64_t seed = 0;
    std::vector<dumpfile::PageRun> runs;
    friend bool operator==(const MemoryKey&, const MemoryKey&) = default;
  };

  PageShelf shelf_;
  std::optional<MemoryKey> key_;  // of the memory that is kept or was taken last; none when it is not to be kept
  std::optional<machine::PhysicalMemory> memory_;
  loader::ReadAhead images_;
  bool last_read_through_filters_ = false;
};

}  // namespace dumpsim::engine
