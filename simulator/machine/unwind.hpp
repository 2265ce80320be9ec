// SPDX-License-Identifier: Apache-2.0
// x64 unwind information of PE images [doc: x64 exception handling]: which function an address lies in, and what its
// caller's registers were. The image and the stack are a driver's: every read goes through Memory, and a table that
// makes no sense is a result, never a crash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "machine/context.hpp"

namespace dumpsim::machine {

/// A row of .pdata: addresses relative to the image's base.
struct FunctionRow {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t unwind = 0;
};
static_assert(sizeof(FunctionRow) == 12);

/// Reads of what may not be there.
class Memory {
 public:
  /// All of `into` or nothing.
  virtual bool read(std::uint64_t address, std::span<std::byte> into) const = 0;

 protected:
  ~Memory() = default;
};

/// Where an image lies and what it says of its functions, ascending by address.
struct UnwindImage {
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  std::span<const FunctionRow> rows;

  bool contains(std::uint64_t address) const { return address - base < bytes; }
};

/// The row that `address` lies in; nullptr for leaf functions, which have none.
const FunctionRow* find_function(const UnwindImage& image, std::uint64_t address);

enum class HandlerKind : std::uint8_t { none = 0, exception = 1, termination = 2 };

struct UnwoundFrame {
  std::uint64_t establisher = 0;   ///< the function's frame, as its handlers are given it
  std::uint64_t handler = 0;       ///< of the wanted kind, when the function has one and was in its body; else 0
  std::uint64_t handler_data = 0;  ///< what stands behind the handler's address in the table
};

/// Where the caller's registers were saved; 0 for those that were not.
struct SavedPlaces {
  std::array<std::uint64_t, 16> gpr{};
  std::array<std::uint64_t, 16> xmm{};
};

/// Undoes the frame of the function that context.rip lies in, in the prologue, body or epilogue: afterwards `context`
/// holds the caller's registers. nullptr when done, else what is wrong, in words; `context` means nothing then.
/// REQUIRES: `row` is of `image` and holds context.rip.
const char* unwind_frame(const Memory& memory, const UnwindImage& image, FunctionRow row, HandlerKind wanted,
                         Context& context, UnwoundFrame& frame, SavedPlaces* places = nullptr);

/// The same for a function without a row: its return address is on top of the stack.
const char* unwind_leaf(const Memory& memory, Context& context);

}  // namespace dumpsim::machine
