// SPDX-License-Identifier: Apache-2.0
// The MDL and the offset that crashdmp lends its filters for one transfer: built afresh each time, in host-owned
// nonpaged memory at a fixed place, in the shape that the policies name. What a filter leaves in it is the port's, and
// then gone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/offsets.hpp"
#include "machine/machine.hpp"
#include "policy/policy.hpp"

struct _MDL;

namespace dumpsim::stack {

class TransferMdl {
 public:
  enum class Shape : std::uint8_t { nonpaged, mapped, mapped_stale_startva };

  /// Room for `max_pages` + 1 pages: a full-length transfer with a ByteOffset spans one more.
  TransferMdl(machine::PhysicalMemory& memory, std::uint64_t max_pages, Shape shape, bool mapped_va_at_page);
  ~TransferMdl();
  TransferMdl(const TransferMdl&) = delete;
  TransferMdl& operator=(const TransferMdl&) = delete;

  /// REQUIRES: the bytes span at most pages_capacity() pages.
  void describe(const std::byte* va, std::uint32_t length, PartitionOffset at);

  _MDL* mdl() const { return mdl_; }
  std::int64_t* offset() const { return offset_; }
  std::size_t pages_capacity() const { return capacity_; }

 private:
  machine::PhysicalMemory& memory_;
  Shape shape_;
  bool mapped_va_at_page_;
  std::size_t capacity_;
  std::size_t pages_;
  std::byte* block_ = nullptr;
  std::int64_t* offset_ = nullptr;
  _MDL* mdl_ = nullptr;
};

}  // namespace dumpsim::stack
