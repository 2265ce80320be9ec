// SPDX-License-Identifier: Apache-2.0
// Sees one transfer's MDL and offset as they were handed out, and after each callback says what is different. One
// memcmp when nothing changed, which is what a pass-through filter costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "machine/machine.hpp"

struct _MDL;

namespace dumpsim::verifier {

class TransferWatch {
 public:
  /// `pages_capacity`: the PFN entries an MDL of this stack has room for; all of them are compared.
  explicit TransferWatch(std::size_t pages_capacity);

  /// Takes the state that the next changes() compares with. `mdl` and `offset` stay the host's.
  void arm(const _MDL* mdl, const std::int64_t* offset);

  /// trace::Change bits of what is different since arm() or the last changes(); remembers the new state.
  std::uint32_t changes() {
    offset_before_ = seen_offset_;
    if (*offset_ == seen_offset_ && std::memcmp(seen_.data(), mdl_, seen_.size() * sizeof(std::uint64_t)) == 0)
        [[likely]]
      return 0;
    return tell_changes();
  }

  std::int64_t offset_before() const { return offset_before_; }
  std::uint32_t byte_count_before() const { return byte_count_before_; }
  std::uint16_t flags_before() const { return flags_before_; }
  std::size_t pages_capacity() const { return capacity_; }

 private:
  std::uint32_t tell_changes();

  std::size_t capacity_;
  const _MDL* mdl_ = nullptr;
  const std::int64_t* offset_ = nullptr;
  std::vector<std::uint64_t> seen_;  // the MDL's head and PFN array, as words
  std::int64_t seen_offset_ = 0;
  std::int64_t offset_before_ = 0;
  std::uint32_t byte_count_before_ = 0;
  std::uint16_t flags_before_ = 0;
};

/// Compares the PFN array with the pages behind the mapped address, page by page. Empty when they agree or when nothing
/// is mapped; otherwise the first disagreement in words.
std::string pfn_mismatch(const _MDL* mdl, std::size_t pages_capacity, machine::PhysicalMemory& memory);

}  // namespace dumpsim::verifier
