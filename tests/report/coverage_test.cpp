// SPDX-License-Identifier: Apache-2.0
// What counts as exercised, from traces made by hand; and the figures.
#include "report/coverage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "trace/recorder.hpp"

namespace dumpsim::report {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using trace::Callback;

std::vector<std::string> exercised(const std::function<void(trace::Recorder&)>& work,
                                   const std::function<void(scenario::Scenario&)>& change = {}) {
  auto block = Mapping::shared(trace::Recorder::minimum_bytes());
  if (!block) throw std::runtime_error(block.error().message);
  std::uint64_t clock = 0;
  trace::Recorder recorder(block->bytes(), &clock, {});
  work(recorder);
  engine::Report report;
  report.trace = *std::move(block);
  scenario::Scenario scenario;
  if (change) change(scenario);
  return exercised_by(scenario, report);
}

void call(trace::Recorder& recorder, std::uint16_t image, Callback callback) {
  recorder.callback_entered(image, callback, 15);
  recorder.callback_left(image, callback, 15, 0);
}

TEST(Exercised, IsNothingWithoutAFilterThatWasCalled) {
  EXPECT_THAT(exercised([](trace::Recorder& recorder) { recorder.image_loaded(0, "dump_xor"); }), IsEmpty());
  EXPECT_THAT(exercised([](trace::Recorder& recorder) {
                recorder.image_loaded(0, "driver");
                call(recorder, 0, Callback::dispatch);
              }),
              IsEmpty());
}

TEST(Exercised, FollowsTheCallbacks) {
  const auto items = exercised([](trace::Recorder& recorder) {
    recorder.image_loaded(0, "dump_xor");
    call(recorder, 0, Callback::driver_entry);
    call(recorder, 0, Callback::write);
  });
  EXPECT_THAT(items, Contains("callbacks: crash DriverEntry"));
  EXPECT_THAT(items, Contains("callbacks: crash DumpWrite"));
  EXPECT_THAT(items, Not(Contains("callbacks: hibernation DumpWrite")));
  EXPECT_THAT(items, Contains("shapes: crash nonpaged"));
  EXPECT_THAT(items, Contains("shapes: MappedSystemVa at data"));
  EXPECT_THAT(items, Contains("rules: write.buffer-modified"));
  EXPECT_THAT(items, Not(Contains("rules: read.mdl-changed")));
  EXPECT_THAT(items, Contains("profiles: windows-11"));
  EXPECT_THAT(items, Contains("policies: filter-failure = disable"));
  EXPECT_THAT(items, Not(Contains("policies: filter-failure = ignore")));
}

TEST(Exercised, KnowsTheOtherStackAndItsShape) {
  const auto items = exercised(
      [](trace::Recorder& recorder) {
        recorder.image_loaded(0, "hiber_xor");
        call(recorder, 0, Callback::write);
      },
      [](scenario::Scenario& scenario) {
        scenario.policies.set(policy::Policy::hibernation_mdl,
                              *policy::parse_value(policy::Policy::hibernation_mdl, "mapped-stale-startva"));
      });
  EXPECT_THAT(items, Contains("callbacks: hibernation DumpWrite"));
  EXPECT_THAT(items, Contains("shapes: hibernation mapped-stale-startva"));
  EXPECT_THAT(items, Not(Contains("shapes: crash nonpaged")));
}

TEST(Exercised, CountsACallThatNeverReturned) {
  const auto items = exercised([](trace::Recorder& recorder) {
    recorder.image_loaded(0, "dump_xor");
    recorder.callback_entered(0, Callback::write, 15);
  });
  EXPECT_THAT(items, Contains("callbacks: crash DumpWrite"));
}

TEST(Exercised, IsARuleThatFiredAndNoneThatIsOff) {
  const auto leak = [](trace::Recorder& recorder) {
    recorder.image_loaded(0, "dump_xor");
    call(recorder, 0, Callback::write);
    recorder.violation(0, Callback::unload, trace::Rule::pool_leak, "16 bytes");
  };
  EXPECT_THAT(exercised(leak), Contains("rules: pool.leak"));
  const auto items = exercised(leak, [](scenario::Scenario& scenario) {
    scenario.severities[trace::Rule::write_buffer_modified] = trace::Severity::off;
  });
  EXPECT_THAT(items, Not(Contains("rules: write.buffer-modified")));
}

TEST(Figures, AddUpAndNameWhatIsMissing) {
  const Coverage none = coverage_of({});
  EXPECT_EQ(none.exercised, 0u);
  std::set<std::string> all;
  std::size_t of = 0;
  for (const CoverageRow& row : none.rows) {
    EXPECT_EQ(row.missing.size(), row.of) << row.dimension;
    EXPECT_GT(row.of, 0u) << row.dimension;
    of += row.of;
    for (const std::string& item : row.missing) EXPECT_TRUE(all.insert(row.dimension + ": " + item).second) << item;
  }
  EXPECT_EQ(none.of, of);
  const Coverage everything = coverage_of(all);
  EXPECT_EQ(everything.exercised, everything.of);
  EXPECT_TRUE(everything.reaches(100));
  EXPECT_THAT(to_text(everything, true), Not(HasSubstr("not exercised")));
  all.erase("rules: pool.leak");
  const Coverage nearly = coverage_of(all);
  EXPECT_FALSE(nearly.reaches(100));
  EXPECT_THAT(to_text(nearly, true), HasSubstr("not exercised, rules\n  pool.leak\n"));
  EXPECT_THAT(to_text(nearly, false), Not(HasSubstr("pool.leak")));
}

TEST(Figures, AreNeverRoundedUp) {
  EXPECT_EQ(Coverage::tenths(1999, 2000), 999u);
  EXPECT_EQ(Coverage::tenths(2000, 2000), 1000u);
  EXPECT_EQ(Coverage::tenths(0, 0), 0u);
  EXPECT_FALSE((Coverage{.exercised = 1, .of = 3}.reaches(33.34)));
  EXPECT_TRUE((Coverage{.exercised = 1, .of = 3}.reaches(33.3)));
}

TEST(Figures, KnowEveryItemThatARunMayExercise) {
  const Coverage none = coverage_of({});
  std::set<std::string> known;
  for (const CoverageRow& row : none.rows) {
    for (const std::string& item : row.missing) known.insert(row.dimension + ": " + item);
  }
  for (const policy::ProfileRow& profile : policy::all_profiles()) {
    const auto items = exercised(
        [](trace::Recorder& recorder) {
          recorder.image_loaded(0, "dump_xor");
          recorder.image_loaded(1, "hiber_xor");
          for (const std::uint16_t image : {0, 1}) {
            for (const Callback callback : {Callback::driver_entry, Callback::start, Callback::write, Callback::read,
                                            Callback::finish, Callback::unload}) {
              call(recorder, image, callback);
            }
          }
        },
        [&](scenario::Scenario& scenario) {
          scenario.system.profile = profile.profile;
          scenario.policies = policy::Policies(profile.profile);
        });
    for (const std::string& item : items) EXPECT_TRUE(known.contains(item)) << item;
  }
}

}  // namespace
}  // namespace dumpsim::report
