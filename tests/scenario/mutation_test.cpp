// SPDX-License-Identifier: Apache-2.0
// Whatever a valid scenario turns into by accident, the answer is a scenario or a list of located mistakes: never a
// crash, and never a scenario that breaks what the engine relies on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "examples.hpp"
#include "invariants.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::scenario {
namespace {

const std::vector<std::string_view> pieces{
    "[",       "]",    "{",          "}",       "=",         "\"",         "\n",
    ".",       ",",    "-1",         "0",       "1",         "0x",         "9223372036854775807",
    "true",    "nan",  "[disk]",     "size",    "\"1 TiB\"", "[[filter]]", "offset",
    "\\u0000", "4096", "1979-05-27", "extents", "\xff",      "'''",        "runs"};

std::string mutated(std::string text, const std::vector<std::string>& originals, Random& random) {
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    const std::size_t at = static_cast<std::size_t>(random.below(text.size() + 1));
    const std::string_view piece = pieces[static_cast<std::size_t>(random.below(pieces.size()))];
    switch (random.below(8)) {
      case 0:
        text.insert(at, piece);
        break;
      case 1:
        text.erase(at, static_cast<std::size_t>(1 + random.below(12)));
        break;
      case 2:
        text.replace(at, piece.size(), piece);
        break;
      case 3:
        text.replace(at, 0, originals[static_cast<std::size_t>(random.below(originals.size()))] + "\n");
        break;
      case 4:
      case 5:
      case 6: {  // another number where there is one
        const std::size_t digit = text.find_first_of("0123456789", at);
        if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random.below(10));
        break;
      }
      default:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
    }
  }
  return text;
}

/// All lines of a message that do not have the form of one.
std::string malformed_line(const std::string& message) {
  static const std::regex form("x\\.toml:[1-9][0-9]*:[1-9][0-9]*: .+");
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_match(line, form)) return line;
  }
  return message.empty() ? "an empty message" : "";
}

TEST(Mutations, GiveAScenarioOrLocatedMistakes) {
  std::vector<std::string> originals;
  for (const Accepted& example : accepted_examples()) originals.emplace_back(example.text);
  std::size_t accepted = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Random random(seed);
    const std::string text =
        mutated(originals[static_cast<std::size_t>(random.below(originals.size()))], originals, random);
    const Result<Scenario> scenario = parse(text, "x.toml");
    if (scenario) {
      ++accepted;
      EXPECT_EQ(broken_invariant(*scenario), "") << "seed " << seed << "\n" << text;
    } else {
      ++refused;
      EXPECT_EQ(malformed_line(scenario.error().message), "") << "seed " << seed << "\n" << text;
    }
  }
  EXPECT_GT(accepted, 500u) << "the mutations no longer reach what is legal";
  EXPECT_GT(refused, 5000u);
}

TEST(Mutations, TheirChecksCanFail) {
  EXPECT_EQ(malformed_line("x.toml:0:1: y"), "x.toml:0:1: y");
  EXPECT_EQ(malformed_line("x.toml:1:1: y\nz"), "z");
  EXPECT_EQ(malformed_line(""), "an empty message");
  Scenario scenario;
  fill_defaults(scenario);
  EXPECT_EQ(broken_invariant(scenario), "");
  scenario.disk.size = 4096;
  EXPECT_EQ(broken_invariant(scenario), "a partition ends behind the disk");
  fill_defaults(scenario = {});
  scenario.dump.file.offset = PartitionOffset{UINT64_MAX - 511};
  EXPECT_EQ(broken_invariant(scenario), "a file ends behind its partition");
  fill_defaults(scenario = {});
  scenario.system.memory.runs.push_back({0, 1});
  EXPECT_EQ(broken_invariant(scenario), "runs are not apart");
}

}  // namespace
}  // namespace dumpsim::scenario
