// SPDX-License-Identifier: Apache-2.0
// All that a dump stack stands on, small and in this process, so that each behaviour can be driven by itself. A filter
// is seen only through the trace, as a scenario sees it: story() is what happened, one short line an event.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mapping.hpp"
#include "disk/block_device.hpp"
#include "disk/extents.hpp"
#include "kernel/kernel.hpp"
#include "stack/dump_stack.hpp"
#include "stack/environment.hpp"
#include "stack/invoke.hpp"
#include "trace/reader.hpp"

namespace dumpsim::stack {

/// A disk in memory that remembers each transfer, and fails when told to.
class LoggingDisk final : public disk::BlockDevice {
 public:
  struct Transfer {
    bool write = false;
    std::uint64_t at = 0;
    std::uint64_t length = 0;
    friend bool operator==(const Transfer&, const Transfer&) = default;
  };
  LoggingDisk(std::uint64_t bytes, std::uint32_t sector_size) : content_(bytes), sector_size_(sector_size) {}
  std::uint64_t size() const override { return content_.size(); }
  std::uint32_t sector_size() const override { return sector_size_; }
  disk::IoStatus read(DiskOffset at, std::span<std::byte> into) override;
  disk::IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override;
  disk::IoStatus flush() override;

  std::vector<std::byte>& content() { return content_; }
  std::vector<Transfer> log;
  int flushes = 0;
  /// The write with this number (from 1) and those after it fail; 0: none does.
  std::size_t fails_from = 0;
  bool flush_fails = false;

 private:
  std::vector<std::byte> content_;
  std::uint32_t sector_size_;
  std::size_t writes_ = 0;
};

struct WorldOptions {
  policy::Profile profile = policy::Profile::windows_11;
  std::vector<std::pair<policy::Policy, std::string>> policies;
  std::vector<dumpfile::PageRun> ram{{0, 512}};
  std::uint64_t partition_start = 64 * 1024;
  std::uint64_t disk_bytes = std::uint64_t{16} << 20;
  std::uint32_t sector_size = 512;
  bool fold = false;
  bool digests = false;
};

class World {
 public:
  explicit World(WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Environment& env() { return *env_; }
  machine::PhysicalMemory& memory() { return machine_.memory; }
  machine::Machine& machine() { return machine_; }
  LoggingDisk& disk() { return disk_; }
  Totals& totals() { return totals_; }
  kernel::Kernel& kernel() { return *kernel_; }

  /// Fixtures by name, in DumpFilters order.
  static std::vector<FilterSpec> filters(std::initializer_list<std::string_view> names);
  static std::string fixture(std::string_view name);

  trace::TraceView view() const;
  /// "dump_plain DumpWrite", "port write 0x10000 +4096", "dump_plain disabled", "violation mdl.size-changed", …
  /// Kernel calls and stages are left out.
  std::vector<std::string> story() const;
  /// Those lines of the story that contain one of the words.
  std::vector<std::string> story(std::initializer_list<std::string_view> words) const;
  std::vector<std::string> debug_output() const;
  std::vector<std::uint32_t> changes_of(trace::Callback callback) const;

 private:
  static bool open_page(void* context, const void* address, const machine::FaultReport& report);
  policy::Policies policies_;
  machine::Machine machine_;
  Mapping block_;
  Totals totals_;
  LoggingDisk disk_;
  machine::GuestStack guest_stack_;
  machine::Gate gate_;
  std::unique_ptr<trace::Recorder> recorder_;
  std::unique_ptr<kernel::Kernel> kernel_;
  std::unique_ptr<Environment> env_;
  std::unique_ptr<machine::FaultTrap> trap_;
};

/// Bytes that say where they belong: the same for a seed, different everywhere.
std::vector<std::byte> pattern(std::size_t bytes, std::uint64_t seed = 1);

/// Loads and expects success.
std::unique_ptr<DumpStack> loaded(World& world, std::initializer_list<std::string_view> names,
                                  Usage usage = Usage::crash);

disk::ExtentMap file_of(std::vector<disk::Extent> extents);

}  // namespace dumpsim::stack
