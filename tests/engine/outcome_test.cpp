// SPDX-License-Identifier: Apache-2.0
// Every way a filter can end a run, and what the report says of it: who, in which callback, the how-manyth.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "engine/shared_block.hpp"
#include "engine/verdict.hpp"
#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Outcome;
using scenario::Recovered;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Row {
  const char* filter;
  Outcome outcome;
  const char* detail;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.filter;
}

class BadFilter : public testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(
    Ends, BadFilter,
    testing::Values(
        Row{"bugcheck_in_write", Outcome::bugchecked,
            "dump_bugcheck_in_write in DumpWrite, callback 4: KeBugCheckEx(0x0000bad1)"},
        Row{"null_dereference", Outcome::crashed, "dump_null_dereference in DumpWrite, callback 2: read of null"},
        Row{"wild_pointer", Outcome::crashed, "dump_wild_pointer in DumpWrite, callback 2: read of "},
        Row{"null_to_kernel", Outcome::crashed,
            "dump_null_to_kernel in DumpWrite, callback 2: write to null in KeInitializeEvent"},
        Row{"divide_by_zero", Outcome::crashed, "dump_divide_by_zero in DumpWrite, callback 2: "},
        Row{"illegal_instruction", Outcome::crashed, "dump_illegal_instruction in DumpWrite, callback 2: "},
        Row{"stack_overflow", Outcome::crashed, "dump_stack_overflow in DumpWrite, callback 2: stack overflow"},
        Row{"system_call", Outcome::crashed, "dump_system_call in DumpWrite, callback 2: syscall 231 (exit_group) at "},
        Row{"system_call_32", Outcome::crashed, "dump_system_call_32 in DumpWrite, callback 2: "},
        Row{"hang", Outcome::hung, "dump_hang in DumpWrite, callback "},
        Row{"entry_fails_critical", Outcome::stack_not_loaded, "stage 0x2006 ended with "},
        Row{"entry_fails", Outcome::completed, ""}),
    [](const auto& each) { return std::string(each.param.filter); });

TEST_P(BadFilter, IsAnOutcomeWithItsPlace) {
  const Report report =
      run_of(std::string("[[filter]]\nimage = \"") + GetParam().filter + "\"\n[limits]\ncpu_seconds = 1\n");
  EXPECT_EQ(report.outcome, GetParam().outcome) << report.outcome_detail;
  EXPECT_THAT(report.outcome_detail, StartsWith(GetParam().detail));
  EXPECT_FALSE(report.as_expected()) << "none of these is normal";
  EXPECT_EQ(view_of(report).outcome(), scenario::name_of(GetParam().outcome));
  if (GetParam().outcome != Outcome::completed) {
    EXPECT_EQ(report.recovered, Recovered::not_tried);
  }
  EXPECT_EQ(report.evidence.empty(), GetParam().outcome != Outcome::crashed && GetParam().outcome != Outcome::hung)
      << report.evidence;
}

TEST(Outcome, AFaultLeavesEvidenceBesideTheTrace) {
  const Report report = run_of("[[filter]]\nimage = \"null_dereference\"\n");
  EXPECT_THAT(report.evidence, AllOf(HasSubstr("rip="), HasSubstr("backtrace"), HasSubstr("BadWrite")));
  EXPECT_EQ(trace::to_jsonl(view_of(report)).find("rip="), std::string::npos);
}

TEST(Outcome, AFaultInACopyIsWhereTheCopyWasAskedFor) {
  const Report report = run_of("[[filter]]\nimage = \"scratch_overrun\"\n[policy]\ncrash_mdl = \"unaligned-full\"\n");
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].rule, trace::Rule::scratch_overrun);
  EXPECT_EQ(report.findings[0].function, "BadWrite");
  EXPECT_THAT(report.findings[0].source, testing::EndsWith("scratch_overrun.c"));
  EXPECT_THAT(report.evidence,
              AllOf(HasSubstr("#0  dump_scratch_overrun!memcpy"), HasSubstr("#1  dump_scratch_overrun!BadWrite")));
}

TEST(Outcome, WhatEachDriverUsedOfStackAndMemory) {
  const Report report = run_of("[[filter]]\nimage = \"xor\"\nparameters = { Key = 3 }\n");
  bool wrote = false;
  for (const StackUse& use : report.stack_use) {
    EXPECT_EQ(use.filter, "dump_xor");
    EXPECT_GT(use.bytes, 0u);
    EXPECT_LE(use.bytes, report.kernel_stack);
    wrote = wrote || use.callback == trace::Callback::write;
  }
  EXPECT_TRUE(wrote);
  ASSERT_FALSE(report.memory_use.empty());
  EXPECT_EQ(report.memory_use[0].filter, "dump_xor");
  EXPECT_EQ(report.memory_use[0].allocations, 1u);
  EXPECT_EQ(report.memory_use[0].frees, 0u) << "nobody unloads a filter in a crash";
}

TEST(Outcome, ACriticalFailureNamesStatusAndEvent) {
  EXPECT_THAT(run_of("[[filter]]\nimage = \"entry_fails_critical\"\n").outcome_detail, HasSubstr("System event 45"));
}

TEST(Outcome, ADumpFileThatIsTooSmall) {
  const Report report = run_of("[[filter]]\nimage = \"passthrough\"\n[dump]\nfile = { size = \"64 KiB\" }\n");
  EXPECT_EQ(report.outcome, Outcome::dump_failed);
  EXPECT_THAT(report.outcome_detail, HasSubstr("more than its file has"));
  EXPECT_EQ(report.recovered, Recovered::not_tried);
}

TEST(Outcome, APortThatFailsAWrite) {
  const Report report = run_of("[[filter]]\nimage = \"mdl_size_changed\"\n");
  if (report.outcome == Outcome::dump_failed) {
    EXPECT_THAT(report.outcome_detail, HasSubstr("a write failed with"));
  }
  EXPECT_FALSE(report.as_expected());
}

TEST(Outcome, AFilterThatFailsIsDisabledAndThePolicyNamed) {
  const Report report = run_of("[[filter]]\nimage = \"start_fails\"\n");
  EXPECT_EQ(report.outcome, Outcome::completed);
  EXPECT_THAT(report.disabled, ElementsAre("dump_start_fails"));
  EXPECT_THAT(report.policies, Contains(HasSubstr("filter-failure")));
  EXPECT_THAT(report.mismatches, Contains(HasSubstr("dump_start_fails was disabled")));
}

TEST(Outcome, AWriteIntoTheMemoryBeingDumpedHappensAndIsReported) {
  const Report report = run_of("[[filter]]\nimage = \"write_buffer_modified\"\n");
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].rule, trace::Rule::write_buffer_modified);
  EXPECT_THAT(report.findings[0].detail, HasSubstr("the memory that is being dumped"));
  // The next run of the same host has memory as it was.
  EXPECT_EQ(run_of("[[filter]]\nimage = \"passthrough\"\n").recovered, Recovered::identical);
}

// What the parent makes of what a child left behind, when that is not what a child would write.

class Untrusted : public testing::Test {
 protected:
  Untrusted() {
    auto block = Mapping::shared(trace::Recorder::minimum_bytes());
    EXPECT_TRUE(block);
    block_ = *std::move(block);
    recorder_ = std::make_unique<trace::Recorder>(block_.bytes(), &clock_, trace::RecorderOptions{});
  }
  trace::TraceView view() {
    auto view = trace::TraceView::open(block_.bytes());
    EXPECT_TRUE(view);
    return *std::move(view);
  }
  Mapping block_;
  std::uint64_t clock_ = 0;
  std::unique_ptr<trace::Recorder> recorder_;
  SharedTexts shared_;
  Report report_;
};

TEST_F(Untrusted, ADeathWhileNoFilterRanIsTheHostsFailure) {
  for (const ChildEnd::How how : {ChildEnd::How::killed, ChildEnd::How::exited}) {
    const auto told = tell_outcome({how, 9}, shared_, view(), report_);
    ASSERT_FALSE(told);
    EXPECT_THAT(told.error().message, HasSubstr("while no filter was running"));
  }
}

TEST_F(Untrusted, NumbersOutOfRangeAreNamedNotFollowed) {
  shared_.totals.running = 0xFFFFFFFF;
  shared_.totals.ordinal = UINT64_MAX;
  ASSERT_TRUE(tell_outcome({ChildEnd::How::killed, 11}, shared_, view(), report_));
  EXPECT_EQ(report_.outcome, Outcome::crashed);
  EXPECT_THAT(report_.outcome_detail, HasSubstr("its process died of signal 11"));
  std::memset(shared_.evidence, 'x', sizeof shared_.evidence);
  shared_.totals.ended = static_cast<stack::Ended>(77);
  shared_.totals.dump = static_cast<stack::DumpState>(77);
  ASSERT_TRUE(tell_outcome({}, shared_, view(), report_));
  EXPECT_EQ(report_.evidence.size(), sizeof shared_.evidence);
  shared_.totals.policies_rested_on = UINT64_MAX;
  std::fill(shared_.totals.disabled_with.begin(), shared_.totals.disabled_with.end(), -1);
  tell_trace(scenario_of(""), shared_.totals, view(), {}, report_);
  EXPECT_EQ(report_.policies.size(), static_cast<std::size_t>(policy::Policy::count_));
  EXPECT_EQ(report_.disabled.size(), trace::max_images);
}

TEST_F(Untrusted, WhatOraclesFoundIsToldAndJudgedThoughTheTraceCannotHoldIt) {
  recorder_->image_loaded(0, "dump_x");
  recorder_->violation(0, trace::Callback::write, trace::Rule::irql_too_high, "a warning");
  const OracleFinding secret{trace::Rule::data_secret_found, 0, trace::Callback::none, "secret 1 of 1"};
  const auto told_of = [&](const std::string& text) {
    const scenario::Scenario scenario =
        scenario_of(text + "[expect]\nviolations = [{ rule = \"data.secret-found\", count = 2 }]\n");
    Report report;
    tell_trace(scenario, shared_.totals, view(), std::vector{secret, secret}, report);
    judge(scenario, shared_.totals, view(), report);
    return report;
  };
  const Report report = told_of("");
  ASSERT_EQ(report.findings.size(), 3u);
  EXPECT_EQ(report.findings[0].rule, trace::Rule::data_secret_found) << "worst first";
  EXPECT_EQ(report.findings[0].filter, "dump_x");
  EXPECT_EQ(report.findings[0].detail, "secret 1 of 1");
  EXPECT_THAT(report.mismatches, testing::IsEmpty());
  const Report off = told_of("[rules]\n\"data.secret-found\" = \"off\"\n");
  EXPECT_EQ(off.findings.size(), 1u);
  EXPECT_THAT(off.mismatches, ElementsAre(HasSubstr("expected 2 of data.secret-found, there are 0")));
}

TEST_F(Untrusted, AStuckChildSleeps) {
  shared_.totals.running = 0x002;
  shared_.totals.ordinal = 3;
  recorder_->image_loaded(0, "dump_sleeper");
  ASSERT_TRUE(tell_outcome({ChildEnd::How::stuck, 9}, shared_, view(), report_));
  EXPECT_EQ(report_.outcome, Outcome::hung);
  EXPECT_EQ(report_.outcome_detail, "dump_sleeper in DumpStart, callback 3: it sleeps and uses no processor time");
}

TEST_F(Untrusted, RepeatsMultiplyTheFindingsOfTheirOwnStepOnly) {
  recorder_->image_loaded(0, "dump_x");
  const auto step = [&](trace::Rule rule, std::uint32_t length, std::uint64_t offset) {
    recorder_->begin_step();
    recorder_->callback_entered(0, trace::Callback::write, 15, length, offset);
    recorder_->violation(0, trace::Callback::write, rule, "detail");
    recorder_->callback_left(0, trace::Callback::write, 15, 0, 0, length, offset, offset);
    recorder_->port_write(0, offset, length);
    recorder_->end_step();
  };
  step(trace::Rule::mdl_size_changed, 512, 0);
  for (std::uint64_t i = 0; i < 10; ++i) step(trace::Rule::mdl_flags_changed, 4096, 4096 * (1 + i));
  step(trace::Rule::irql_too_high, 512, 0x100000);
  tell_trace(scenario_of(""), shared_.totals, view(), {}, report_);
  std::map<trace::Rule, std::uint64_t> counts;
  for (const Finding& finding : report_.findings) counts[finding.rule] += finding.count;
  for (const trace::Rule rule :
       {trace::Rule::mdl_size_changed, trace::Rule::mdl_flags_changed, trace::Rule::irql_too_high}) {
    EXPECT_EQ(counts[rule], view().violations(rule)) << trace::row_of(rule).slug;
  }
}

}  // namespace
}  // namespace dumpsim::engine
