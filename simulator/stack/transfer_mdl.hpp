// SPDX-License-Identifier: Apache-2.0
// The MDL and the offset that crashdmp lends its filters for one transfer: in host-owned nonpaged memory at a fixed
// place, in the shape that the policies name. What a filter leaves in it is the port's, and then gone: between two
// transfers its addresses lead nowhere, so that a filter that kept the pointer is found out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/offsets.hpp"
#include "machine/machine.hpp"
#include "policy/policy.hpp"
#include "trace/changed_bytes.hpp"

struct _MDL;

namespace dumpsim::stack {

class TransferMdl {
 public:
  /// In the order of the words of policy crash-mdl.
  enum class Shape : std::uint8_t {
    nonpaged,              ///< mapped and from nonpaged pool: every field is an address
    mapped,                ///< mapped and locked
    mapped_stale_startva,  ///< the same; StartVa is no address [seen: Windows 11 25H2, VeraCrypt pull request 1671]
    unmapped,              ///< locked alone: who wants to see the bytes maps them
    byte_offset,           ///< mapped, ByteOffset is not 0, never more than MaxPagesPerWrite pages spanned
    unaligned_full,        ///< the same at full length: MaxPagesPerWrite + 1 pages
    discontiguous,         ///< mapped, page frames in descending order
    reused,                ///< nonpaged, not rebuilt: flags, Size and Next are as the last write left them
  };

  /// Room for `max_pages` + 1 pages: a full-length transfer with a ByteOffset spans one more.
  TransferMdl(machine::PhysicalMemory& memory, std::uint64_t max_pages, Shape shape, bool mapped_va_at_page);
  ~TransferMdl();
  TransferMdl(const TransferMdl&) = delete;
  TransferMdl& operator=(const TransferMdl&) = delete;

  /// What a write hands out. REQUIRES: the bytes span at most pages_capacity() pages where they lie and, in a shape
  /// that moves them, at its own offset.
  void describe_write(const std::byte* va, std::uint32_t length, PartitionOffset at);
  /// What a read hands out: memory that is to be filled lies where it is, whatever the shape of writes.
  void describe_read(const std::byte* va, std::uint32_t length, PartitionOffset at);
  /// The transfer is over.
  void retire();
  /// Whether somebody wrote into the bytes of a write in a shape that has a copy of them; other shapes show them
  /// read-only.
  bool copy_changed() const { return source_bytes_ != 0 && compare_copy(); }
  /// Where it was changed first. REQUIRES: copy_changed().
  trace::ChangedBytes change_of_copy() const;
  /// From here on the changed copy is what was to be written: it is reported once, and then happens.
  void take_changed_copy() { source_bytes_ = 0; }
  /// No address of this machine, but one that only this could give: StartVa of a stale shape, or either address of an
  /// MDL after its transfer.
  static bool is_stale_start(const void* address);
  static bool is_retired(const void* address);
  /// Handed out as not mapped: a filter may map it. Its pages lie one behind the other, so that takes no room.
  bool may_be_mapped() const { return shape_ == Shape::unmapped; }
  /// Pages that one write may have, of `max_pages` that filters are told.
  std::uint64_t most_pages(std::uint64_t max_pages) const {
    return shape_ == Shape::byte_offset && max_pages > 1 ? max_pages - 1 : max_pages;
  }

  _MDL* mdl() const { return mdl_; }
  std::int64_t* offset() const { return offset_; }
  std::size_t pages_capacity() const { return capacity_; }

 private:
  const std::byte* copied() const;
  bool compare_copy() const;
  void describe(const std::byte* va, std::uint32_t length, PartitionOffset at, Shape shape);
  bool copies() const {
    return shape_ == Shape::byte_offset || shape_ == Shape::unaligned_full || shape_ == Shape::discontiguous;
  }

  machine::PhysicalMemory& memory_;
  Shape shape_;
  bool mapped_va_at_page_;
  std::size_t capacity_;
  std::size_t pages_;
  std::byte* block_ = nullptr;
  std::int64_t* offset_ = nullptr;
  _MDL* mdl_ = nullptr;
  bool built_ = false;
  // Of a shape that copies.
  std::byte* pages_of_copy_ = nullptr;
  std::byte* copy_ = nullptr;  // where they are shown
  const std::byte* source_ = nullptr;
  std::size_t source_bytes_ = 0;
};

}  // namespace dumpsim::stack
