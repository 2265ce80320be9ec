// SPDX-License-Identifier: Apache-2.0
// docs/trace.md against the event table, both ways: each event and field is documented as it is, and nothing is
// documented that does not exist. The controls are the same document with one thing wrong.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "trace/event_table.hpp"

namespace dumpsim::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string_view words(Format format) {
  switch (format) {
    case Format::image:
      return "string or null";
    case Format::callback:
    case Format::mdl:
    case Format::rule:
    case Format::severity:
    case Format::fault:
    case Format::text:
    case Format::request:
    case Format::guid:
    case Format::before_nul:
    case Format::after_nul:
    case Format::registry_type:
      return "string";
    case Format::number:
    case Format::irql_from:
    case Format::irql_to:
      return "number";
    case Format::hex:
      return "hex string";
    case Format::status:
      return "hex string, 8 digits";
    case Format::digest:
      return "hex string, 16 digits, no 0x";
    case Format::boolean:
      return "boolean";
    case Format::changes:
      return "array of strings";
    case Format::parameters:
      return "array of 4 hex strings";
  }
  return "?";
}

std::string_view words(When when) {
  switch (when) {
    case When::always:
      return "always";
    case When::if_set:
      return "if set";
    case When::if_transfer:
      return "if it transfers";
  }
  return "?";
}

/// The lines that the document must have under "## Events", and no other headings or rows.
std::set<std::string> expected_lines() {
  std::set<std::string> lines;
  for (const EventRow& row : all_events()) {
    const std::string name(name_of(row.kind));
    lines.insert("### `" + name + "`: " + std::string(row.meaning));
    for (const FieldRow& field : row.fields) {
      lines.insert(name + " | `" + std::string(field.key) + "` | " + std::string(words(field.format)) + " | " +
                   std::string(words(field.when)) + " | " + std::string(field.meaning) + " |");
    }
  }
  for (const ChangeName& change : all_changes()) {
    lines.insert("change | `" + std::string(change.key) + "` | " + std::string(change.word) + " |");
  }
  return lines;
}

std::set<std::string> documented_lines(const std::string& document) {
  std::set<std::string> lines;
  std::istringstream in(document);
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("## ", 0) == 0) section = line == "## Changes" ? "change" : "";
    if (line.rfind("### `", 0) == 0) {
      lines.insert(line);
      section = line.substr(5, line.find('`', 5) - 5);
    } else if (!section.empty() && line.rfind("| `", 0) == 0) {
      lines.insert(section + " " + line);
    }
  }
  return lines;
}

std::vector<std::string> difference(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> only;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
  return only;
}

std::string document() {
  std::ifstream file(std::filesystem::path(DUMPSIM_TESTS) / "../docs/trace.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(TraceDocument, SaysWhatTheTableSaysAndNothingElse) {
  const auto documented = documented_lines(document());
  EXPECT_THAT(difference(expected_lines(), documented), IsEmpty()) << "missing in docs/trace.md";
  EXPECT_THAT(difference(documented, expected_lines()), IsEmpty()) << "in docs/trace.md, but not so";
}

TEST(TraceDocument, ControlMistakesAreSeen) {
  const auto with = [](std::string from, std::string to) {
    std::string text = document();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return documented_lines(text.replace(at, from.size(), to));
  };
  EXPECT_THAT(difference(expected_lines(), with("### `reboot`", "### reboot")),
              ElementsAre("### `reboot`: the machine restarts after a crash"));
  EXPECT_THAT(difference(with("### `reboot`", "### `rebooted`"), expected_lines()),
              ElementsAre("### `rebooted`: the machine restarts after a crash"));
  EXPECT_THAT(difference(with("| `step` | string |", "| `step` | number |"), expected_lines()).size(), 1u);
  EXPECT_THAT(difference(expected_lines(), with("| `step` |", "|")).size(), 1u);
}

}  // namespace
}  // namespace dumpsim::trace
