// SPDX-License-Identifier: Apache-2.0
// What a finding shows besides its sentence: the call and its transfer, and the bytes before and after. One filter for
// each way in which bytes come to be known.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "engine_fixture.hpp"
#include "trace/changed_bytes.hpp"

namespace dumpsim::engine {
namespace {

using testing::StartsWith;
using trace::Held;
using trace::Rule;

std::string before_of(const Finding& finding) {
  return trace::spaced_hex(std::span(finding.bytes.before).first(finding.bytes.length));
}
std::string after_of(const Finding& finding) {
  return trace::spaced_hex(std::span(finding.bytes.after).first(finding.bytes.length));
}

/// The first of that rule in a run of the bad filter's.
Finding finding_of(std::string_view filter, Rule rule, const std::string& more = {}) {
  const Report report = run_of("[[filter]]\nimage = \"" + std::string(filter) + "\"\n" + more);
  const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                  [&](const Finding& finding) { return finding.rule == rule; });
  if (found == report.findings.end()) throw std::runtime_error("no such finding");
  return *found;
}

// The header's first bytes, not yet valid, and the same with every byte turned over by 0x5a.
constexpr std::string_view header = "50 41 47 45 50 41 47 45 0f 00 00 00";
constexpr std::string_view turned = "0a 1b 1d 1f 0a 1b 1d 1f 55 5a 5a 5a";

TEST(Evidence, OfMemoryWrittenInPlaceIsThePage) {
  const Finding finding = finding_of("write_buffer_modified", Rule::write_buffer_modified);
  EXPECT_EQ(finding.call, 1u);
  EXPECT_EQ(finding.length, 8192u);
  EXPECT_EQ(finding.bytes.held, Held::page);
  EXPECT_EQ(finding.bytes.at, 0u);
  EXPECT_THAT(before_of(finding), StartsWith(header));
  EXPECT_THAT(after_of(finding), StartsWith(turned));
}

TEST(Evidence, OfACopyWrittenInPlaceIsTheCopy) {
  const Finding finding =
      finding_of("write_buffer_modified", Rule::write_buffer_modified, "[verify]\nmdl_shape = \"byte-offset\"\n");
  EXPECT_EQ(finding.bytes.held, Held::write_data);
  EXPECT_THAT(before_of(finding), StartsWith(header));
  EXPECT_THAT(after_of(finding), StartsWith(turned));
}

TEST(Evidence, OfAWriteIsWhatWasGivenAndHandedOn) {
  const Finding swapped = finding_of("mdl_pfn_mismatch", Rule::mdl_pfn_mismatch);
  EXPECT_EQ(swapped.bytes.held, Held::write_data);
  EXPECT_THAT(before_of(swapped), StartsWith(header));
  EXPECT_THAT(after_of(swapped), StartsWith(turned));

  const Finding let_through =
      finding_of("lifecycle_error_lets_plaintext_through", Rule::lifecycle_error_lets_plaintext_through);
  EXPECT_GT(let_through.call, 1u);
  EXPECT_EQ(before_of(let_through), after_of(let_through));
  EXPECT_THAT(before_of(let_through), StartsWith("44 73 43 41 4e 41 52 59")) << "DsCANARY";
}

TEST(Evidence, OfTheInitializationDataIsWhereItChanged) {
  const Finding later = finding_of("lifecycle_init_changed_later", Rule::lifecycle_init_changed_later);
  EXPECT_EQ(later.bytes.held, Held::initialization_data);
  EXPECT_EQ(later.bytes.at, 4u);
  EXPECT_THAT(before_of(later), StartsWith("00 00 00 00 "));
  EXPECT_THAT(after_of(later), StartsWith("07 00 00 00 "));

  const Finding past = finding_of("init_written_past_host_size", Rule::init_written_past_host_size,
                                  "[system]\nprofile = \"windows-7\"\n");
  EXPECT_EQ(past.bytes.held, Held::extension);
  EXPECT_EQ(past.bytes.at, 0u);
  EXPECT_NE(before_of(past), after_of(past));
}

TEST(Evidence, OfDamagedPoolIsThePatternBesideIt) {
  const Finding finding = finding_of("pool_overrun_terminator", Rule::pool_overrun);
  EXPECT_EQ(finding.bytes.held, Held::behind_block);
  EXPECT_NE(before_of(finding), after_of(finding));
}

TEST(Evidence, OfASectorInClearIsMemoryAndTheDisk) {
  const Finding finding = finding_of("passthrough", Rule::data_readable_sector, "protects = true\n");
  EXPECT_EQ(finding.bytes.held, Held::disk_sector);
  EXPECT_EQ(before_of(finding), after_of(finding));
  EXPECT_THAT(before_of(finding), StartsWith("44 73 43 41 4e 41 52 59 00 00 00 00")) << "DsCANARY, pfn 0";
}

TEST(Evidence, OfATripThatDiffersIsWhatWasWrittenAndReadBack) {
  const Finding finding =
      finding_of("data_round_trip_differs", Rule::data_round_trip_differs, "[verify]\nround_trip = true\n");
  EXPECT_EQ(finding.bytes.held, Held::read_back);
  EXPECT_NE(finding.bytes.before[0], finding.bytes.after[0]);
  EXPECT_EQ(trace::place_in_words(finding.bytes), "that byte");
}

TEST(Evidence, OfADiskThatIsNotTheReferenceIsBoth) {
  const Finding finding =
      finding_of("data_reference_differs", Rule::data_reference_differs, "[verify]\nreference = true\n");
  EXPECT_EQ(finding.bytes.held, Held::dump_file);
  EXPECT_NE(finding.bytes.before[0], finding.bytes.after[0]);
}

TEST(Evidence, IsNotInventedWhereNoBytesAreMeant) {
  const Finding finding = finding_of("irql_too_high", Rule::irql_too_high);
  EXPECT_TRUE(finding.bytes.empty());
  EXPECT_NE(finding.call, 0u);
}

}  // namespace
}  // namespace dumpsim::engine
