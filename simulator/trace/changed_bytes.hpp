// SPDX-License-Identifier: Apache-2.0
// What lay in a place before a filter's doing and what lies there after it: the bytes that a finding shows beside its
// sentence. They may be addresses, so they stand in the table of places and in no record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dumpsim::trace {

/// Whose bytes they are; its words are in changed_bytes.cpp.
enum class Held : std::uint8_t {
  nothing,
  page,                 ///< of the memory that is being dumped
  write_data,           ///< of a write, as the callback was given it and as it hands it on
  initialization_data,  ///< FILTER_INITIALIZATION_DATA
  extension,            ///< FILTER_EXTENSION, and what lies behind it
  before_block,         ///< of pool
  behind_block,
  disk_sector,  ///< beside what memory held
  read_back,    ///< through DumpRead, beside what was written
  dump_file,    ///< what the disk would hold without filters, beside what it holds
  count_
};

struct ChangedBytes {
  static constexpr std::size_t most = 16;
  Held held = Held::nothing;
  std::uint8_t length = 0;  ///< of both; 0: nothing to show
  std::uint16_t reserved = 0;
  std::uint32_t at = 0;  ///< where the first of them lies in what is held
  std::array<std::byte, most> before{}, after{};

  bool empty() const { return length == 0; }
};
static_assert(sizeof(ChangedBytes) == 40);

/// From the first byte that differs; empty when none does. REQUIRES: both are of the same length. Async-signal-safe.
ChangedBytes first_change(Held held, std::span<const std::byte> before, std::span<const std::byte> after);
/// The first of both, whether or not they differ; none when either has none.
ChangedBytes beginnings(Held held, std::span<const std::byte> before, std::span<const std::byte> after);

/// As they came from a block that somebody else wrote: empty when they cannot be shown.
ChangedBytes checked(const ChangedBytes& bytes);

/// "43 41 4e".
std::string spaced_hex(std::span<const std::byte> bytes);

/// What the two rows of bytes are called: "before" and "after".
struct HeldWords {
  std::string_view before, after;
};
HeldWords words_of(Held held);
/// Where the first byte lies: "byte 0x40 of the page"; "that byte" when the finding's sentence names it.
std::string place_in_words(const ChangedBytes& bytes);

}  // namespace dumpsim::trace
