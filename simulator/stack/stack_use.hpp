// SPDX-License-Identifier: Apache-2.0
// How deep callbacks go on the kernel's stack: the stack is filled before a call, and after it the lowest byte that is
// different is looked for. Filling and looking cost a microsecond and a half for 24 KiB, twenty times a traced
// callback, so each callback of each image is measured for its first calls and now and then later. The kernel functions
// it calls run on the same stack and count, as they do on Windows; that ours go no deeper is [assumed].
#pragma once

#include <array>
#include <cstdint>

#include "machine/gate.hpp"
#include "stack/totals.hpp"

namespace dumpsim::stack {

class StackUse {
 public:
  /// Fills the stack when this call is to be measured. REQUIRES: nothing runs on it.
  void before(const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback) {
    measures_ = false;
    if (image >= trace::max_images) return;
    const std::uint32_t call = calls_[image][static_cast<std::size_t>(callback)]++;
    if (call < measured_first || call % measured_every == 0) [[unlikely]]
      arm(stack);
  }
  /// The call is over, however it ended.
  void after(Totals& totals, const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback) {
    if (measures_) [[unlikely]]
      look(totals, stack, image, callback);
  }

  static constexpr std::uint32_t measured_first = 32;
  static constexpr std::uint32_t measured_every = 1024;
  /// Larger stacks are no kernel's; filling them would be all a run does.
  static constexpr std::size_t largest_stack = std::size_t{1} << 20;

 private:
  void arm(const machine::GuestStack& stack);
  void look(Totals& totals, const machine::GuestStack& stack, std::uint16_t image, trace::Callback callback);

  bool measures_ = false;
  std::array<std::array<std::uint32_t, static_cast<std::size_t>(trace::Callback::count_)>, trace::max_images> calls_{};
};

}  // namespace dumpsim::stack
