// SPDX-License-Identifier: Apache-2.0
#include "stack/stack_use.hpp"

#include <algorithm>

namespace dumpsim::stack {

void StackUse::before(const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback) {
  measures_ = false;
  if (image >= trace::max_images) return;
  const std::uint32_t call = calls_[image][static_cast<std::size_t>(callback)]++;
  if (call >= measured_first && call % measured_every != 0) [[likely]]
    return;
  if (static_cast<std::size_t>(stack.high() - stack.low()) > largest_stack) return;
  stack.arm_high_water();
  measures_ = true;
}

void StackUse::after(Totals& totals, const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback) {
  if (!measures_) return;
  measures_ = false;
  std::uint32_t& deepest = totals.stack_use[image][static_cast<std::size_t>(callback)];
  deepest = std::max(deepest, static_cast<std::uint32_t>(stack.high_water()));
}

}  // namespace dumpsim::stack
