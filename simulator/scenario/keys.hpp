// SPDX-License-Identifier: Apache-2.0
// Every key a scenario may have, once: the reader refuses what is not here, and asks for nothing that is not here.
// docs/scenarios.md and scenarios/scenario.schema.json repeat the rows for people and editors; a test compares them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::scenario {

enum class Type : std::uint8_t {
  text,
  path,  ///< text; relative to the scenario's folder
  boolean,
  integer,      ///< within bounds
  number,       ///< an integer, or text such as "0xFFFFF80000000000", since TOML's integers end at 2^63
  size,         ///< an integer of bytes, or text with a unit
  signed_size,  ///< as size, with a sign
  share,        ///< a real number above 0, up to 1
  word,         ///< one of `words`
  way,          ///< one of `words`, or "reader:" and a path: of recover.via
  word_list,    ///< a list of `words`
  text_list,
  number_list,
  table,
  table_list,
  count,         ///< an integer, or a table of at_least and at_most
  status,        ///< an integer, or an NTSTATUS by name
  step_list,     ///< sequence
  step,          ///< a table inside sequence
  pattern_list,  ///< expect.calls
  violation_list,
  protection,  ///< a boolean, or a list of tables
  value,       ///< of a policy: its word, number or boolean
  parameter,   ///< of a filter: a registry value
  file,        ///< content of a file: text, or a table
};

struct Key {
  std::string_view path;  ///< "system.memory.runs[].base"; "[]" is an item of a list, "*" any name
  Type type = Type::text;
  std::string_view standard;  ///< the default, in words; empty: required
  std::string_view meaning;
  std::span<const std::string_view> words{};
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

std::span<const Key> all_keys();
/// The row, or nullptr.
const Key* find_key(std::string_view path);
/// The names that may stand in the table at `path` ("" is the top). Contains "*" where any name may.
std::vector<std::string_view> names_in(std::string_view path);
/// What may be written, as documentation and messages say it: `integer, 1 to 64`, `"mbr", "gpt" or "none"`.
std::string describe_type(const Key& key);
/// The part of a path behind its last dot.
std::string_view last_name(std::string_view path);

}  // namespace dumpsim::scenario
