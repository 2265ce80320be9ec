// SPDX-License-Identifier: Apache-2.0
// Everything a dump stack works with, handed down by the engine: one machine, one kernel, one gate, one trace, one
// disk.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "loader/image.hpp"
#include "machine/fault_trap.hpp"
#include "machine/gate.hpp"
#include "machine/machine.hpp"
#include "policy/policy.hpp"
#include "stack/stack_use.hpp"
#include "stack/totals.hpp"
#include "trace/recorder.hpp"
#include "trace/rules.hpp"

namespace dumpsim::kernel {
class Kernel;
}  // namespace dumpsim::kernel

namespace dumpsim::stack {

class DumpWitness;

/// One filter as the registry names it. The image is loaded anew for every stack instance.
struct FilterSpec {
  std::string path;        ///< empty: there is no such file, see listed_filters()
  std::string name;        ///< "xor"; becomes dump_xor or hiber_xor
  bool redirects = false;  ///< declares that it moves offsets on purpose
  /// The parts of the partition that it declares to protect, with their sizes; empty: it declares none, or all.
  std::vector<std::pair<PartitionOffset, std::uint64_t>> protects = {};
  std::optional<machine::Convention> convention;  ///< overrides what the image says
  bool trap_missing = false;                      ///< an ELF image may lack functions until it calls them
  /// Of its crash and its hibernation instance; by position in the stack where none are given.
  std::optional<std::array<std::uint16_t, 2>> ids = {};
};

/// Where the stack's files lie.
struct Volume {
  DiskOffset partition_start;
  std::uint64_t partition_size = 0;
  std::uint32_t sector_size = 512;
};

/// A page of memory that a driver wrote to though it is being dumped: what it held, for the finding that says so.
struct OpenedPage {
  std::uint64_t site = 0;         ///< the place in the trace's table
  const std::byte* at = nullptr;  ///< nullptr: none since the last callback
  std::array<std::byte, page_size> before;
};

struct Environment {
  machine::Machine& machine;
  machine::Gate& gate;
  trace::Recorder& recorder;
  disk::BlockDevice& disk;
  const policy::Policies& policies;
  Totals& totals;
  Volume volume;
  std::uint64_t seed = 0;                    ///< what images' random numbers are made from
  kernel::Kernel* kernel = nullptr;          ///< a new one at every boot
  machine::FaultTrap* trap = nullptr;        ///< told which callback runs
  std::vector<const loader::Image*> images;  ///< loaded now, for naming addresses
  bool driver_memory = false;                ///< a crash dump holds the drivers' pool and images too
  DumpWitness* witness = nullptr;            ///< told what bug check callbacks make of the dump, when somebody asks
  /// Called once a faulting callback has been left: says in the trace and beside it what happened.
  std::function<void(std::uint16_t image, trace::Callback callback)> tell_fault;
  StackUse stack_use = {};
  OpenedPage opened = {};
};

/// A broken rule, with the severity that the scenario gives it.
void report(Environment& env, trace::Rule rule, std::uint16_t image, trace::Callback callback, std::string_view detail);

}  // namespace dumpsim::stack
