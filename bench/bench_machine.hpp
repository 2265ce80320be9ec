// SPDX-License-Identifier: Apache-2.0
// A machine with its dump stack loaded in this process, for measuring what one write costs. Memory and disk are touched
// before anything is timed: first touch costs ten times as much and would be all a figure shows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "disk/backends.hpp"
#include "engine/life.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "engine/warm_host.hpp"
#include "stack/crashdmp.hpp"

namespace dumpsim::bench {

struct Shape {
  unsigned filters = 1;      ///< pass-through filters in the chain
  std::uint64_t pages = 16;  ///< MaxPagesPerWrite
  std::uint64_t memory = std::uint64_t{64} << 20;
  std::string backend = "null";  ///< or "raw", at `path`
  std::string path;
  std::string image = DUMPSIM_FILTERS "/passthrough.so";
  scenario::Filter like;     ///< each filter's parameters
  bool checks = true;        ///< false: no special pool; nothing is looked at that a policy can leave out
  bool materialised = true;  ///< false: RAM is made in the window as it is written
};

class BenchMachine {
 public:
  /// Ends the program with a message when something is missing.
  explicit BenchMachine(const Shape& shape);
  /// Writes all of memory to the dump file once; the number of physical writes.
  std::uint64_t write_all();
  /// Fills the same part of the dump file with the first pages of memory over and over: what a client costs that sends
  /// one buffer again and again.
  std::uint64_t write_one_buffer();
  /// Calls a function that does nothing through the gate alone.
  void call_nobody(std::uint64_t times);
  std::uint64_t memory() const { return memory_; }

 private:
  std::uint64_t memory_;
  std::uint64_t pages_;
  scenario::Scenario scenario_;
  engine::Plan plan_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<disk::BlockDevice> disk_;
  std::unique_ptr<engine::SharedBlock> shared_;
  Mapping trace_;
  std::unique_ptr<trace::Recorder> recorder_;
  std::unique_ptr<engine::Session> session_;
  std::unique_ptr<stack::DumpStack> stack_;
};

}  // namespace dumpsim::bench
