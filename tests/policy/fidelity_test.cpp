// SPDX-License-Identifier: Apache-2.0
// docs/fidelity.md is the ledger a reader judges the simulator by, so its policy part may not drift from the table the
// simulator runs on: it must hold exactly the lines that follow from the rows, no fewer and no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace dumpsim::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The lines of the section, from the rows.
std::vector<std::string> lines_of_rows() {
  std::vector<std::string> lines;
  for (const PolicyRow& row : all_policies()) {
    lines.push_back("### " + std::string(row.slug));
    lines.push_back("Meaning: " + std::string(row.summary));
    std::string values = "Values: ";
    for (const std::string_view word : row.words) {
      values += (word == row.words.front() ? "`" : ", `") + std::string(word) + "`";
    }
    if (row.words.empty()) {
      values += std::to_string(row.least) + " to " + std::to_string(row.most);
      if (row.multiple > 1) values += ", a multiple of " + std::to_string(row.multiple);
    }
    lines.push_back(values);
    for (std::size_t i = 0; i < row.defaults.size(); ++i) {
      lines.push_back("| " + std::string(all_profiles()[i].name) + " | `" + std::string(row.defaults[i].value) +
                      "` | " + std::string(row.defaults[i].evidence) + " |");
    }
  }
  return lines;
}

/// The lines of the ledger that must follow from rows: headings, meanings, values and table rows of "## Policies".
std::vector<std::string> lines_of_ledger(const std::string& document) {
  std::vector<std::string> lines;
  std::istringstream stream(document);
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("## ")) inside = line == "## Policies";
    const bool head = line.starts_with("| profile") || line.starts_with("| ---");
    const bool checked = line.starts_with("### ") || line.starts_with("Meaning: ") || line.starts_with("Values: ") ||
                         line.starts_with("| ");
    if (inside && checked && !head) lines.push_back(line);
  }
  return lines;
}

/// Each line that one side has and the other has not at that place, with the side's name.
std::vector<std::string> differences(const std::vector<std::string>& rows, const std::vector<std::string>& ledger) {
  std::vector<std::string> found;
  for (const std::string& line : rows) {
    if (std::find(ledger.begin(), ledger.end(), line) == ledger.end()) found.push_back("ledger lacks: " + line);
  }
  for (const std::string& line : ledger) {
    if (std::find(rows.begin(), rows.end(), line) == rows.end()) found.push_back("ledger invents: " + line);
  }
  if (found.empty() && rows != ledger) found.push_back("the order differs");
  return found;
}

std::string read_ledger() {
  std::ifstream file(DUMPSIM_SOURCE_FOLDER "/docs/fidelity.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Fidelity, TheLedgerHoldsExactlyTheRows) {
  const std::vector<std::string> wrong = differences(lines_of_rows(), lines_of_ledger(read_ledger()));
  EXPECT_THAT(wrong, IsEmpty()) << ::testing::PrintToString(wrong);
}

TEST(Fidelity, TheComparisonSeesALostAChangedAndAnInventedLine) {
  const std::string ledger = read_ledger();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = ledger;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) changed.replace(at, from.size(), to);
    return differences(lines_of_rows(), lines_of_ledger(changed));
  };
  EXPECT_THAT(with("### read-order\n", "### reading-order\n"),
              ElementsAre("ledger lacks: ### read-order", "ledger invents: ### reading-order"));
  EXPECT_THAT(with("Values: `disable`, `ignore`\n", ""), ElementsAre("ledger lacks: Values: `disable`, `ignore`"));
  EXPECT_THAT(with("| windows-7 | `56` | [doc]", "| windows-7 | `64` | [doc]").size(), 2u);
  EXPECT_THAT(differences(lines_of_rows(), lines_of_ledger("")).size(), lines_of_rows().size());
}

}  // namespace
}  // namespace dumpsim::policy
