// SPDX-License-Identifier: Apache-2.0
// The memory a child shares with its parent, made before the fork: the trace, the totals, and a few texts. To the
// parent all of it is outside bytes: a filter may have written anywhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "stack/totals.hpp"
#include "trace/changed_bytes.hpp"

namespace dumpsim::engine {

struct SharedTexts {
  stack::Totals totals;
  // Texts begin empty. Their other bytes are not written: pages that nobody needs are not touched.
  SharedTexts() { mistake[0] = evidence[0] = unmet[0] = '\0'; }
  char mistake[4096];         ///< a user's mistake found in the child (an image that cannot be loaded)
  char evidence[16384];       ///< of a fault: registers, backtrace
  char unmet[8192];           ///< expectations of the registry that were not met, a line each
  trace::ChangedBytes bytes;  ///< where `unmet` says that what was read back is not what was written
  std::atomic<std::uint32_t> left_behind_judged{0};  ///< 1 once `unmet` is complete
};

/// Bounded, terminated, never trusted to be either.
template <std::size_t N>
std::string read_text(const char (&text)[N]) {
  return {text, strnlen(text, N)};
}
template <std::size_t N>
void write_text(char (&into)[N], std::string_view text) {
  into[text.copy(into, N - 1)] = '\0';
}

class SharedBlock {
 public:
  static Result<SharedBlock> create() {
    auto mapping = Mapping::shared(sizeof(SharedTexts));
    if (!mapping) return mapping.error();
    SharedBlock block;
    block.mapping_ = std::move(*mapping);
    block.texts_ = new (block.mapping_.begin()) SharedTexts;
    return block;
  }
  SharedTexts& texts() const { return *texts_; }
  stack::Totals& totals() const { return texts_->totals; }

 private:
  SharedBlock() = default;
  Mapping mapping_;
  SharedTexts* texts_ = nullptr;
};

}  // namespace dumpsim::engine
