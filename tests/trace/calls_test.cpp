// SPDX-License-Identifier: Apache-2.0
// Patterns of calls: by example, and against a textbook matcher over the expanded calls under random patterns.
#include "trace/calls.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace dumpsim::trace {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> names = {"dump_xor", "dump_aes", "hiber_xor", "xor", ""};

CallRun run(std::uint16_t image, Callback callback, std::uint64_t count = 1, std::uint8_t cycle = 1) {
  return {.image = image, .callback = callback, .cycle = cycle, .status = 0, .count = count};
}

const std::vector<CallPatternItem> usual = {
    {"", Callback::driver_entry, 0}, {"", Callback::start, 0}, {"", Callback::write, '*'}, {"", Callback::finish, 0}};

std::vector<CallRun> two_filters(std::uint64_t writes) {
  return {run(0, Callback::driver_entry),
          run(1, Callback::driver_entry),
          run(3, Callback::driver_entry),
          run(0, Callback::start),
          run(1, Callback::start),
          run(0, Callback::write, writes, 2),
          run(1, Callback::write, writes, 2),
          run(0, Callback::finish),
          run(1, Callback::finish)};
}

const std::vector<std::string> two_names = {"dump_xor", "dump_aes", "", "maindriver"};

TEST(Calls, APatternHoldsForEachFilter) {
  EXPECT_TRUE(match_calls(two_filters(std::uint64_t{1} << 40), usual, two_names).matched);
  auto runs = two_filters(16);
  runs.back() = run(1, Callback::unload);
  const CallMatch match = match_calls(runs, usual, two_names);
  EXPECT_FALSE(match.matched);
  EXPECT_EQ(
      match.explanation,
      "filter aes: call 19 is DumpUnload after DumpWrite, expected DumpWrite* or DumpFinish; called: DriverEntry, "
      "DumpStart, DumpWrite x16, DumpUnload");
}

TEST(Calls, TheWorldIsClosed) {
  const std::vector<std::string> one = {"dump_xor"};
  std::vector<CallRun> runs = {run(0, Callback::driver_entry), run(0, Callback::start)};
  EXPECT_EQ(match_calls(runs, usual, one).explanation,
            "filter xor: the calls end after DumpStart, expected DumpWrite* or DumpFinish; called: DriverEntry, "
            "DumpStart");
  runs.push_back(run(0, Callback::finish));
  EXPECT_TRUE(match_calls(runs, usual, one).matched);
  runs.push_back(run(0, Callback::finish, 0));
  EXPECT_THAT(match_calls(runs, usual, one).explanation,
              HasSubstr("call 4 is DumpFinish after DumpFinish, expected no further call"));
  EXPECT_FALSE(match_calls({}, usual, one).matched) << "loaded and never called";
  EXPECT_THAT(match_calls({}, usual, one).explanation, HasSubstr("no call at all, expected DriverEntry"));
  EXPECT_THAT(match_calls({}, usual, {}).explanation, HasSubstr("no filter was loaded"));
  EXPECT_TRUE(match_calls({}, {}, {}).matched);
  EXPECT_FALSE(match_calls(runs, {}, one).matched);
}

TEST(Calls, NamedItemsHoldForTheInterleavedCallsOfTheNamed) {
  const std::vector<CallPatternItem> order = {{"xor", Callback::driver_entry, 0}, {"aes", Callback::driver_entry, 0},
                                              {"xor", Callback::start, 0},        {"aes", Callback::start, 0},
                                              {"xor", Callback::write, 0},        {"aes", Callback::write, 0},
                                              {"xor", Callback::finish, 0},       {"aes", Callback::finish, 0}};
  EXPECT_TRUE(match_calls(two_filters(1), order, two_names).matched);
  const CallMatch twice = match_calls(two_filters(2), order, two_names);
  EXPECT_THAT(twice.explanation,
              HasSubstr("call 7 is dump_xor:DumpWrite after dump_aes:DumpWrite, expected xor:DumpFinish"));
  EXPECT_THAT(twice.explanation, HasSubstr("(dump_xor:DumpWrite, dump_aes:DumpWrite) x2"));
  const std::vector<CallPatternItem> only = {{"dump_aes", Callback::driver_entry, 0},
                                             {"aes", Callback::start, '?'},
                                             {"aes", Callback::write, '+'},
                                             {"aes", Callback::finish, 0}};
  EXPECT_TRUE(match_calls(two_filters(7), only, two_names).matched) << "xor is not looked at";
  const std::vector<CallPatternItem> unknown = {{"rot13", Callback::start, '*'}};
  EXPECT_EQ(match_calls(two_filters(7), unknown, two_names).explanation,
            "no filter or driver \"rot13\" was loaded, expected rot13:DumpStart*");
  const std::vector<CallPatternItem> driver = {{"maindriver", Callback::driver_entry, 0}};
  EXPECT_TRUE(match_calls(two_filters(7), driver, two_names).matched) << "an ordinary driver goes by its own name";
  const std::vector<CallPatternItem> nobody = {{"driver", Callback::driver_entry, 0}};
  EXPECT_EQ(match_calls(two_filters(7), nobody, two_names).explanation,
            "no filter or driver \"driver\" was loaded, expected driver:DriverEntry");
}

TEST(Calls, AMixedPatternTakesAllFilters) {
  const std::vector<CallPatternItem> mixed = {{"", Callback::driver_entry, '+'},
                                              {"", Callback::start, '+'},
                                              {"", Callback::write, '*'},
                                              {"xor", Callback::finish, 0},
                                              {"", Callback::finish, 0}};
  EXPECT_TRUE(match_calls(two_filters(3), mixed, two_names).matched);
  EXPECT_FALSE(match_calls(two_filters(3), std::span(mixed).first(4), two_names).matched);
}

TEST(Calls, InstancesOfAFilterAreOneLife) {
  const std::vector<CallRun> runs = {run(0, Callback::driver_entry), run(2, Callback::driver_entry),
                                     run(2, Callback::start), run(2, Callback::unload), run(0, Callback::start)};
  const std::vector<std::string> instances = {"dump_xor", "", "hiber_xor"};
  const std::vector<CallPatternItem> life = {
      {"", Callback::driver_entry, '+'}, {"", Callback::start, 0}, {"", Callback::unload, 0}, {"", Callback::start, 0}};
  EXPECT_TRUE(match_calls(runs, life, instances).matched);
  const std::vector<CallPatternItem> crash = {{"dump_xor", Callback::driver_entry, 0},
                                              {"dump_xor", Callback::start, 0}};
  EXPECT_TRUE(match_calls(runs, crash, instances).matched);
}

TEST(Calls, WithoutAllRunsNothingIsJudged) {
  EXPECT_THAT(match_calls(two_filters(1), usual, two_names, 5).explanation, HasSubstr("it cannot be judged"));
}

/// The textbook way: does pattern[i..] match calls[k..], over the expanded calls.
bool matches(std::span<const CallPatternItem> pattern, std::span<const Callback> calls) {
  if (pattern.empty()) return calls.empty();
  const char repeat = pattern[0].repeat;
  const std::size_t most = repeat == '*' || repeat == '+' ? calls.size() : 1;
  const std::size_t least = repeat == 0 || repeat == '+' ? 1 : 0;
  for (std::size_t n = 0; n <= std::min(most, calls.size()); ++n) {
    if (n != 0 && calls[n - 1] != pattern[0].callback) return false;
    if (n >= least && matches(pattern.subspan(1), calls.subspan(n))) return true;
  }
  return false;
}

TEST(CallsModel, AgreesWithTheTextbookMatcher) {
  std::size_t matched = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    Random random(seed);
    const auto callback = [&] { return static_cast<Callback>(3 + random.below(2)); };
    std::vector<CallPatternItem> pattern;
    for (std::uint64_t n = 1 + random.below(5); n != 0; --n) {
      const CallPatternItem item{"", callback(), "\0*+?"[random.below(4)]};
      pattern.push_back(item);
    }
    std::vector<CallRun> runs;
    std::vector<Callback> calls;
    for (std::uint64_t n = random.below(4); n != 0; --n) {
      const auto cycle = static_cast<std::uint8_t>(1 + random.below(3));
      const std::uint64_t count = 1 + random.below(9);
      std::vector<Callback> round;
      for (std::uint8_t k = 0; k < cycle; ++k) {
        runs.push_back(run(0, callback(), count, cycle));
        round.push_back(runs.back().callback);
      }
      for (std::uint64_t i = 0; i < count; ++i) calls.insert(calls.end(), round.begin(), round.end());
    }
    const bool expected = matches(pattern, calls);
    const std::vector<std::string> one = {"dump_xor"};
    const CallMatch match = match_calls(runs, pattern, one);
    ASSERT_EQ(match.matched, expected) << "seed " << seed;
    ASSERT_EQ(match.explanation.empty(), match.matched);
    ++(expected ? matched : refused);
  }
  EXPECT_GT(matched, 100u);
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace dumpsim::trace
