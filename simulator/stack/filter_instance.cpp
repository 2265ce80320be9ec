// SPDX-License-Identifier: Apache-2.0
#include "stack/filter_instance.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

namespace dumpsim::stack {
namespace {

// What a filter sees that looks behind its extension. On Windows 7 a list link of the host's lies there [seen: RE7].
constexpr std::byte guard_pattern{0xA5};

}  // namespace

FilterInstance::FilterInstance(std::unique_ptr<loader::Image> image, const FilterSpec& spec, std::uint16_t id,
                               std::size_t init_size, std::size_t extension_size, machine::PhysicalMemory& memory)
    : image_(std::move(image)),
      id_(id),
      convention_(image_->convention()),
      redirects_(spec.redirects),
      protects_(spec.protects),
      init_size_(init_size),
      extension_size_(extension_size),
      memory_(memory) {
  page_ = memory_.allocate_pages(1, true);
  assert(page_ != nullptr);
  // At the end of the page: what runs past the guard pattern as well runs into an inaccessible page.
  std::byte* at = page_ + page_size - guard_bytes - extension_size_ - init_size_;
  init_ = reinterpret_cast<FILTER_INITIALIZATION_DATA*>(at);
  extension_ = reinterpret_cast<FILTER_EXTENSION*>(at + init_size_);
  std::memset(at, 0, init_size_ + extension_size_);
  std::memset(at + init_size_ + extension_size_, static_cast<int>(guard_pattern), guard_bytes);
}

FilterInstance::~FilterInstance() {
  memory_.free_pages(page_, 1, true);
}

bool FilterInstance::protects(PartitionOffset at, std::uint64_t bytes) const {
  if (protects_.empty()) return true;
  return std::any_of(protects_.begin(), protects_.end(), [&](const auto& part) {
    const auto& [start, size] = part;
    return at.bytes < start.bytes ? start.bytes - at.bytes < bytes : at.bytes - start.bytes < size;
  });
}

bool FilterInstance::absence_reported(trace::Callback callback) {
  const std::uint32_t bit = 1u << static_cast<unsigned>(callback);
  const bool before = (absences_ & bit) != 0;
  absences_ |= bit;
  return before;
}

void FilterInstance::arm_guard() {
  std::memcpy(armed_.data(), extension_, extension_size_ + guard_bytes);
}

std::size_t FilterInstance::written_past_init() const {
  // A write that runs over the end of the initialisation data reaches the extension's first field: DumpType. A filter
  // that changes later fields of its extension on purpose does not.
  const auto* now = reinterpret_cast<const std::byte*>(extension_);
  if (std::memcmp(now, armed_.data(), sizeof extension_->DumpType) == 0) return 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < offsetof(FILTER_EXTENSION, DumpData); ++i) {
    if (now[i] != armed_[i]) last = i + 1;
  }
  return last;
}

std::size_t FilterInstance::written_past_extension() const {
  const auto* now = reinterpret_cast<const std::byte*>(extension_) + extension_size_;
  const std::byte* before = armed_.data() + extension_size_;
  return static_cast<std::size_t>(
      std::count_if(now, now + guard_bytes, [&](const std::byte& b) { return b != before[&b - now]; }));
}

trace::ChangedBytes FilterInstance::change_past_init() const {
  // DumpData, which filters may set, lies between the two.
  const std::size_t from = written_past_init() != 0 ? 0 : extension_size_;
  const std::size_t bytes = extension_size_ + guard_bytes - from;
  trace::ChangedBytes change = trace::first_change(trace::Held::extension, std::span(armed_).subspan(from, bytes),
                                                   {reinterpret_cast<const std::byte*>(extension_) + from, bytes});
  change.at += static_cast<std::uint32_t>(from);
  return change;
}

void FilterInstance::entry_done() {
  compared_ = std::min(init_size_, sizeof init_after_entry_);
  std::memcpy(&init_after_entry_, init_, compared_);
  compares_init_ = true;
}

std::size_t FilterInstance::changed_since_entry(trace::ChangedBytes& shown) {
  if (!differs_since_entry()) return unchanged;
  const std::size_t bytes = compared_;
  const auto* before = reinterpret_cast<const std::byte*>(&init_after_entry_);
  const auto* now = reinterpret_cast<const std::byte*>(init_);
  for (std::size_t i = 0; i < bytes; ++i) {
    const bool dump_data = i - offsetof(FILTER_INITIALIZATION_DATA, DumpData) < sizeof init_->DumpData;
    if (before[i] == now[i] || dump_data) continue;
    shown = trace::first_change(trace::Held::initialization_data, {before + i, bytes - i}, {now + i, bytes - i});
    shown.at = static_cast<std::uint32_t>(i);
    entry_done();
    return i;
  }
  entry_done();  // DumpData alone: the next look is a quick one again
  return unchanged;
}

}  // namespace dumpsim::stack
