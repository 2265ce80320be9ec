// SPDX-License-Identifier: Apache-2.0
// Registry values in words: the names of their types, and their data as a scenario would write it. Events, expectations
// and mistakes share these, so that what a report prints can be copied into a scenario.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dumpsim::trace {

/// REG_* of the driver kit's headers [doc].
enum RegistryType : std::uint32_t {
  reg_none = 0,
  reg_sz = 1,
  reg_expand_sz = 2,
  reg_binary = 3,
  reg_dword = 4,
  reg_dword_big_endian = 5,
  reg_link = 6,
  reg_multi_sz = 7,
  reg_resource_list = 8,
  reg_full_resource_descriptor = 9,
  reg_resource_requirements_list = 10,
  reg_qword = 11,
};

/// Every name, in the order of the numbers.
std::span<const std::string_view> all_registry_types();
/// "REG_MULTI_SZ"; "type 0x1000" for a number without a name.
std::string registry_type_name(std::uint32_t type);
std::optional<std::uint32_t> find_registry_type(std::string_view name);

/// `7`, `"text"`, `["a", "b"]`, `"hex:00 ff"`: data that is not what its type says is shown in hex. Cut after about
/// `most` bytes, with "…".
std::string registry_data_words(std::uint32_t type, std::span<const std::byte> bytes, std::size_t most = 200);

}  // namespace dumpsim::trace
