// SPDX-License-Identifier: Apache-2.0
#include "verifier/transfer_watch.hpp"

#include <fmt/format.h>

#include <cstring>

#include "trace/record.hpp"
#include "wdk/wdm.h"

namespace dumpsim::verifier {
namespace {

constexpr std::size_t head_words = sizeof(MDL) / sizeof(std::uint64_t);
static_assert(sizeof(MDL) == 48);

template <class T>
bool differs(const std::byte* before, const MDL* now, std::size_t offset) {
  return std::memcmp(before + offset, reinterpret_cast<const std::byte*>(now) + offset, sizeof(T)) != 0;
}

}  // namespace

TransferWatch::TransferWatch(std::size_t pages_capacity)
    : capacity_(pages_capacity), seen_(head_words + pages_capacity) {}

void TransferWatch::arm(const _MDL* mdl, const std::int64_t* offset) {
  mdl_ = mdl;
  offset_ = offset;
  std::memcpy(seen_.data(), mdl, seen_.size() * sizeof(std::uint64_t));
  seen_offset_ = *offset;
}

std::uint32_t TransferWatch::tell_changes() {
  const auto* before = reinterpret_cast<const std::byte*>(seen_.data());
  std::uint32_t changed = 0;
  if (*offset_ != seen_offset_) {
    changed |= trace::change_offset;
    seen_offset_ = *offset_;
  }
  if (std::memcmp(before, mdl_, seen_.size() * sizeof(std::uint64_t)) == 0) return changed;
  std::memcpy(&byte_count_before_, before + offsetof(MDL, ByteCount), sizeof byte_count_before_);
  std::memcpy(&flags_before_, before + offsetof(MDL, MdlFlags), sizeof flags_before_);
  if (differs<PVOID>(before, mdl_, offsetof(MDL, Next))) changed |= trace::change_mdl_next;
  if (differs<CSHORT>(before, mdl_, offsetof(MDL, Size))) changed |= trace::change_mdl_size;
  if (differs<CSHORT>(before, mdl_, offsetof(MDL, MdlFlags))) changed |= trace::change_mdl_flags;
  if (differs<PVOID>(before, mdl_, offsetof(MDL, MappedSystemVa))) changed |= trace::change_mapped_va;
  if (differs<PVOID>(before, mdl_, offsetof(MDL, StartVa))) changed |= trace::change_start_va;
  if (differs<ULONG>(before, mdl_, offsetof(MDL, ByteCount))) changed |= trace::change_byte_count;
  if (differs<ULONG>(before, mdl_, offsetof(MDL, ByteOffset))) changed |= trace::change_byte_offset;
  if (std::memcmp(seen_.data() + head_words, mdl_ + 1, capacity_ * sizeof(std::uint64_t)) != 0) {
    changed |= trace::change_pfns;
  }
  std::memcpy(seen_.data(), mdl_, seen_.size() * sizeof(std::uint64_t));
  return changed;
}

std::string pfn_mismatch(const _MDL* mdl, std::size_t pages_capacity, machine::PhysicalMemory& memory) {
  if ((mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0) return {};
  const auto* pfns = reinterpret_cast<const std::uint64_t*>(mdl + 1);
  // Filters in the field leave MappedSystemVa at the page or at the data; both are masked to the page [seen: dumpfve,
  // DmpFlt].
  const auto va = reinterpret_cast<std::uintptr_t>(mdl->MappedSystemVa) & ~(page_size - 1);
  const std::uint64_t pages = (mdl->ByteOffset + std::uint64_t{mdl->ByteCount} + page_size - 1) / page_size;
  for (std::uint64_t i = 0; i < pages && i < pages_capacity; ++i) {
    const auto* page = reinterpret_cast<const std::byte*>(va) + i * page_size;
    if (memory.region_of(page) == machine::PhysicalMemory::Region::null_page) {
      return fmt::format("MappedSystemVa is null while MdlFlags say the MDL is mapped");
    }
    const Pfn behind = memory.pfn_of(page);
    if (behind != pfns[i]) {
      return fmt::format("page {} of {}: the PFN array says {:#x}, the page behind MappedSystemVa has {:#x}", i, pages,
                         pfns[i], behind);
    }
  }
  return {};
}

}  // namespace dumpsim::verifier
