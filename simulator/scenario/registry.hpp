// SPDX-License-Identifier: Apache-2.0
// The registry a scenario asks for: single edits over what the machine has by default, from [registry], from a .reg
// file, or expected in [expect]. Values are bytes with a type, as Windows keeps them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::scenario {

struct RegistryValue {
  std::uint32_t type = 0;        ///< REG_*
  std::vector<std::byte> bytes;  ///< text as UTF-16 with its terminator
  friend bool operator==(const RegistryValue&, const RegistryValue&) = default;

  static RegistryValue dword(std::uint32_t value);
  static RegistryValue qword(std::uint64_t value);
  /// From UTF-8, as REG_SZ or REG_EXPAND_SZ.
  static RegistryValue text(std::string_view value, bool expand = false);
  static RegistryValue list(std::span<const std::string> values);
  static RegistryValue binary(std::span<const std::byte> value);
};

/// What is to be so: as a seed it is made so, as an expectation it is compared.
struct RegistryEdit {
  enum class What : std::uint8_t { value, no_value, key, no_key };
  What what = What::value;
  std::string key;   ///< `\Registry\Machine\…`, UTF-8
  std::string name;  ///< of the value; empty: the default one
  RegistryValue value;
  std::uint32_t line = 1, column = 1;  ///< where it is asked for, for messages
};

/// A key as people write it ("HKLM\…", "HKEY_LOCAL_MACHINE\…", "\Registry\Machine\…") as the kernel names it. The error
/// says what was expected.
Result<std::string> registry_path(std::string_view written);

/// Of a value that crashdmp or the service controller reads: what is wrong with its type or data, or nothing.
std::string wrong_registry_value(const RegistryEdit& edit);

/// The text of a .reg file, version 5.00, in UTF-16LE with a byte order mark or in UTF-8, to edits in its order. On
/// failure the error holds every mistake as `FILE:LINE:COLUMN: what; hint`. `file` is for messages.
Result<std::vector<RegistryEdit>> parse_registry_file(std::string_view bytes, const std::filesystem::path& file);

/// A registry file larger than this is refused.
inline constexpr std::uint64_t largest_registry_file = std::uint64_t{64} << 20;

}  // namespace dumpsim::scenario
