// SPDX-License-Identifier: Apache-2.0
// Words between people and numbers: sizes with units, hex, and the nearest known word for "did you mean".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim {

/// "64 MiB", "512", "0x200", "4KiB", "1 TiB" to bytes. Binary units only (B, KiB, MiB, GiB, TiB); a decimal unit such
/// as "MB" is refused with a hint, since it would be read as either. Fails on overflow, sign, fraction or trailing
/// text.
Result<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact form: 65536 is "64 KiB", 513 is "513 B".
std::string format_size(std::uint64_t bytes);

/// "0x" and lower-case digits, no leading zeros.
std::string hex(std::uint64_t value);
/// Two lower-case digits a byte, no prefix.
std::string hex(std::span<const std::byte> bytes);

/// Hex digits (either case, spaces, ':' and '-' between bytes allowed) to bytes. Fails naming the first bad character.
Result<std::vector<std::byte>> parse_hex(std::string_view text);

/// The candidate nearest to `word` by edit distance, or empty when none is near enough to be worth offering.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// ` "; did you mean "nearest"?` style suffix: `; did you mean "x"?`, or empty.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// 1234567 is "1,234,567".
std::string with_thousands(std::uint64_t value);

}  // namespace dumpsim
