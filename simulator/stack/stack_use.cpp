// SPDX-License-Identifier: Apache-2.0
#include "stack/stack_use.hpp"

#include <algorithm>

namespace dumpsim::stack {

void StackUse::arm(const machine::GuestStack& stack) {
  if (static_cast<std::size_t>(stack.high() - stack.low()) > largest_stack) return;
  stack.arm_high_water();
  measures_ = true;
}

void StackUse::look(Totals& totals, const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback) {
  measures_ = false;
  std::uint32_t& deepest = totals.stack_use[image][static_cast<std::size_t>(callback)];
  deepest = std::max(deepest, static_cast<std::uint32_t>(stack.high_water()));
}

}  // namespace dumpsim::stack
