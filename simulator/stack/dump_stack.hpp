// SPDX-License-Identifier: Apache-2.0
// One stack instance as crashdmp keeps it: port below, filters above, for a crash or for a hibernation. Every step can
// be taken on its own, legal or not; what order Windows takes them in is crashdmp.hpp's. Behaviour follows the
// published listings of Vista SP1 to Windows 7 [seen: RE7] where a policy does not say otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/offsets.hpp"
#include "disk/extents.hpp"
#include "stack/environment.hpp"

namespace dumpsim::stack {

enum class Usage : std::uint8_t { crash, hibernation };

/// What the host gives a physical write: bytes at one virtual address, read-only for filters.
struct Source {
  const std::byte* va = nullptr;
  std::uint64_t length = 0;  ///< a multiple of the sector size
};

/// How one physical transfer went.
struct TransferResult {
  std::int32_t filter_status = 0;  ///< of the last filter called
  std::int32_t port_status = 0;
  std::uint32_t changes = 0;  ///< trace::Change bits over all filters
  PartitionOffset offset;     ///< where the port went
};

class DumpStack {
 public:
  DumpStack(Environment& env, Usage usage, std::span<const FilterSpec> filters);
  ~DumpStack();
  DumpStack(const DumpStack&) = delete;
  DumpStack& operator=(const DumpStack&) = delete;

  Usage usage() const;
  /// Pages a write never exceeds: what the filters are told in MaxPagesPerWrite.
  std::uint64_t max_pages() const;

  /// crashdmp's stages 0x2001 to 0x2007: images, DriverEntry of each filter in DumpFilters order, usage notification.
  /// The status of the first failure that stops the load; the load failing is an outcome, an image that cannot be
  /// loaded at all (missing, not an image) is a user's mistake.
  Result<std::int32_t> load();
  bool loaded() const;

  std::int32_t start_filters();
  std::int32_t open_port();
  /// Both, in the order of policy start-order.
  std::int32_t start();
  /// Physical write or read at a partition offset: filters, then port; a read passes the port first. `before`, when
  /// there is one, is called within the write's step, ahead of the filters: it sees what they are about to be given.
  TransferResult write(PartitionOffset at, Source source, const std::function<void()>& before = {});
  TransferResult read(PartitionOffset at, std::span<std::byte> into);
  std::int32_t finish_filters();
  std::int32_t finish_port();
  std::int32_t finish();
  /// DumpUnload of each filter, then the images go. Reports pool a filter still holds.
  void unload();

  /// The file that writes belong to: what lies outside its extents has been redirected by a filter. nullptr: not
  /// judged.
  void set_file(const disk::ExtentMap* extents);

  std::size_t filter_count() const;
  std::int32_t entry_status(std::size_t filter) const;
  /// No filter would see a read: raw disk content comes back.
  bool reads_through_filters() const;
  bool ended() const;
  /// Bytes the last write()'s port step took from memory, in order; kept only when asked for (driven single steps).
  void keep_port_data(bool keep);
  const std::vector<std::byte>& port_data() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dumpsim::stack
