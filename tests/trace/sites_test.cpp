// SPDX-License-Identifier: Apache-2.0
// The table of places at which rules were broken: what a finding's count, place and words are made of. The recorder's
// half counts into it; the reader's believes none of it.
#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <vector>

#include "sample.hpp"
#include "trace/reader.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::trace {
namespace {

using test::Block;
using ::testing::ElementsAre;

const RecorderOptions four_sites{.images = 2, .call_runs = 16, .sites = 4};
constexpr std::size_t text_bytes = sizeof(ViolationSite::text);

struct Recording {
  explicit Recording(RecorderOptions options = {}) : block(1 << 18), recorder(block.bytes(), &clock, options) {}
  TraceView view() const {
    auto opened = TraceView::open(block.bytes());
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  void again(std::uint16_t image, Callback callback, Rule rule, CodeSite site, std::string_view detail = "again") {
    recorder.violation_again(image, callback, rule, Severity::error, detail, site);
  }
  std::uint64_t clock = 0;
  Block block;
  Recorder recorder;
};

std::vector<std::uint64_t> counts(const TraceView& view) {
  std::vector<std::uint64_t> all;
  for (const Site& site : view.sites()) all.push_back(site.count);
  return all;
}

TEST(ViolationSites, OneRowAPlaceWithItsCountAndTheFirstWords) {
  Recording run;
  const CodeSite here{.offset = 0x1234, .exact = true};
  run.recorder.violation(1, Callback::write, Rule::irql_too_high, Severity::warning, "first", here);
  run.recorder.violation(1, Callback::write, Rule::irql_too_high, Severity::error, "second", {.offset = 0x1234});
  run.again(1, Callback::write, Rule::irql_too_high, here);
  const TraceView view = run.view();
  ASSERT_EQ(view.sites().size(), 1u);
  const Site& site = view.sites()[0];
  EXPECT_EQ(site.rule, Rule::irql_too_high);
  EXPECT_EQ(site.image, 1);
  EXPECT_EQ(site.callback, Callback::write);
  EXPECT_EQ(site.severity, Severity::warning);
  EXPECT_EQ(site.offset, 0x1234u);
  EXPECT_TRUE(site.exact);
  EXPECT_EQ(site.text, "first");
  EXPECT_EQ(site.count, 3u);
  EXPECT_EQ(view.count(Kind::violation), 2u) << "what is counted again gets no record";
  EXPECT_EQ(view.violations(Rule::irql_too_high), 2u);
}

TEST(ViolationSites, RuleImageCallbackAndOffsetTellPlacesApart) {
  Recording run;
  const CodeSite here{.offset = 0x10};
  run.again(0, Callback::write, Rule::irql_too_high, here);
  run.again(0, Callback::write, Rule::pool_leak, here);
  run.again(1, Callback::write, Rule::irql_too_high, here);
  run.again(0, Callback::finish, Rule::irql_too_high, here);
  run.again(0, Callback::write, Rule::irql_too_high, {.offset = 0x11});
  run.again(0, Callback::write, Rule::irql_too_high, {});
  run.again(no_image, Callback::none, Rule::irql_too_high, {});
  EXPECT_THAT(counts(run.view()), ElementsAre(1, 1, 1, 1, 1, 1, 1));
  run.again(0, Callback::write, Rule::irql_too_high, {});
  run.again(no_image, Callback::none, Rule::irql_too_high, {});
  EXPECT_THAT(counts(run.view()), ElementsAre(1, 1, 1, 1, 1, 2, 2)) << "in the order they were first met";
}

TEST(ViolationSites, WhatIsOffHasNoPlace) {
  RecorderOptions options;
  options.severities[static_cast<std::size_t>(Rule::pool_leak)] = Severity::off;
  Recording run(options);
  run.recorder.violation(0, Callback::unload, Rule::pool_leak, "4 KiB", {.offset = 1});
  EXPECT_TRUE(run.view().sites().empty());
}

TEST(ViolationSites, AFullTableGoesOnCountingWhatItKnows) {
  Recording run(four_sites);
  for (std::uint32_t offset = 1; offset <= 6; ++offset)
    run.recorder.violation(0, Callback::write, Rule::irql_too_high, Severity::error, "x", {.offset = offset});
  run.again(0, Callback::write, Rule::irql_too_high, {.offset = 4});
  run.again(0, Callback::write, Rule::irql_too_high, {.offset = 5});
  const TraceView view = run.view();
  EXPECT_THAT(counts(view), ElementsAre(1, 1, 1, 2));
  EXPECT_EQ(view.violations(Rule::irql_too_high), 6u) << "the records have all of them";
  EXPECT_EQ(view.note(), "");
  EXPECT_EQ(std::distance(view.begin(), view.end()), 6) << "no row grew into the records behind the table";
}

TEST(ViolationSites, WithoutATableThereAreRecords) {
  Recording run({.images = 1, .call_runs = 1, .sites = 0});
  run.recorder.violation(0, Callback::write, Rule::irql_too_high, Severity::error, "x", {.offset = 1});
  EXPECT_TRUE(run.view().sites().empty());
  EXPECT_EQ(run.view().violations(Rule::irql_too_high), 1u);
}

TEST(ViolationSites, LongWordsAreCutAtACharacter) {
  struct Row {
    std::size_t before;  // bytes of "a" before the characters
    const char* behind;
    std::size_t kept;
  };
  // Two, three and four bytes a character, each cut at every place inside it and just behind it.
  const Row rows[] = {{text_bytes - 1, "ää", text_bytes - 1}, {text_bytes - 2, "ää", text_bytes},
                      {text_bytes - 1, "€€", text_bytes - 1}, {text_bytes - 2, "€€", text_bytes - 2},
                      {text_bytes - 3, "€€", text_bytes},     {text_bytes - 1, "😀😀", text_bytes - 1},
                      {text_bytes - 2, "😀😀", text_bytes - 2}, {text_bytes - 3, "😀😀", text_bytes - 3},
                      {text_bytes - 4, "😀😀", text_bytes},     {text_bytes, "", text_bytes},
                      {text_bytes, "a", text_bytes},          {0, "", 0}};
  for (const Row& row : rows) {
    SCOPED_TRACE(testing::Message() << row.before << " and " << row.behind);
    Recording run(four_sites);
    const std::string whole = std::string(row.before, 'a') + row.behind;
    run.recorder.violation(0, Callback::write, Rule::irql_too_high, Severity::error, whole);
    const TraceView view = run.view();
    ASSERT_EQ(view.sites().size(), 1u);
    EXPECT_EQ(view.sites()[0].text, whole.substr(0, row.kept));
    EXPECT_EQ(view.begin()->text(), whole) << "the record has more room";
  }
}

TEST(ViolationSites, TheParentGoesOnWithTheChildsTable) {
  Recording run(four_sites);
  Recorder parents = run.recorder;  // as the fork leaves it
  run.recorder.violation(0, Callback::write, Rule::irql_too_high, Severity::error, "child's", {.offset = 1});
  ASSERT_TRUE(parents.catch_up());
  parents.violation(0, Callback::write, Rule::irql_too_high, Severity::error, "parent's", {.offset = 1});
  parents.violation(0, Callback::none, Rule::pool_leak, Severity::error, "found afterwards");
  EXPECT_THAT(counts(run.view()), ElementsAre(2, 1));
  // A count beyond this table would have the parent look at, and add to, rows where the records lie.
  for (const std::uint64_t claimed : {std::uint64_t{5}, std::uint64_t{max_sites}, UINT64_MAX}) {
    run.block.header().site_count = claimed;
    EXPECT_FALSE(parents.catch_up()) << claimed;
  }
  run.block.header().site_count = 4;
  EXPECT_TRUE(parents.catch_up()) << "full is no damage";
}

// ---- read back from a block that may say anything

class HostileSites : public testing::Test {
 protected:
  HostileSites() : run_(four_sites) {
    for (std::uint32_t offset = 1; offset <= 3; ++offset)
      run_.recorder.violation(0, Callback::write, Rule::irql_too_high, Severity::error, "words", {.offset = offset});
  }
  /// In the table behind the other three (layout.hpp).
  ViolationSite& row(std::size_t index) {
    const std::size_t at =
        sizeof(TraceHeader) +
        four_sites.images * (sizeof(ImageName) + static_cast<std::size_t>(Callback::count_) * sizeof(CallbackTally)) +
        four_sites.call_runs * sizeof(CallRun);
    return reinterpret_cast<ViolationSite*>(run_.block.bytes().data() + at)[index];
  }
  std::vector<std::uint32_t> offsets() {
    std::vector<std::uint32_t> all;
    const TraceView view = run_.view();
    for (const Site& site : view.sites()) all.push_back(site.offset);
    return all;
  }
  Recording run_;
};

TEST_F(HostileSites, RowsThatNameNothingArePassedOver) {
  ASSERT_THAT(offsets(), ElementsAre(1, 2, 3)) << "the control";
  const ViolationSite sound = row(1);
  const auto with = [&](auto change) {
    row(1) = sound;
    change(row(1));
    return offsets();
  };
  EXPECT_THAT(with([](ViolationSite& r) { r.rule = static_cast<std::uint16_t>(Rule::count_); }), ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.rule = 0xffff; }), ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.callback = Callback::count_; }), ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.callback = static_cast<Callback>(0xff); }), ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.severity = static_cast<std::uint8_t>(Severity::error) + 1; }),
              ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.severity = 0xff; }), ElementsAre(1, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.callback = Callback::none; }), ElementsAre(1, 2, 3));
  EXPECT_THAT(with([](ViolationSite& r) { r.offset = UINT32_MAX; }), ElementsAre(1, UINT32_MAX, 3));
}

TEST_F(HostileSites, AnImageThatNeverWasHasANameAllTheSame) {
  row(0).image = 77;
  row(1).image = no_image;
  const TraceView view = run_.view();
  EXPECT_EQ(view.image_name(view.sites()[0].image), "image#77");
  EXPECT_EQ(view.image_name(view.sites()[1].image), "");
}

TEST_F(HostileSites, TextEndsWithItsRowAndIsMadePrintable) {
  row(0).length = 0xffff;
  std::memset(row(0).text.data(), 'z', text_bytes);
  row(1).length = 8;
  std::memcpy(row(1).text.data(), "\x1b[31m\n\xff\xc3", 8);
  row(2).length = 0;
  const TraceView view = run_.view();
  ASSERT_EQ(view.sites().size(), 3u);
  EXPECT_EQ(view.sites()[0].text, std::string(text_bytes, 'z'));
  EXPECT_EQ(view.sites()[1].text, "\\x1b[31m\\n\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(view.sites()[2].text, "");
}

TEST_F(HostileSites, NoMoreRowsThanTheTableHas) {
  row(3) = row(0);
  row(3).offset = 4;
  for (const std::uint64_t claimed : {std::uint64_t{4}, std::uint64_t{5}, std::uint64_t{max_sites}, UINT64_MAX}) {
    run_.block.header().site_count = claimed;
    EXPECT_THAT(offsets(), ElementsAre(1, 2, 3, 4)) << claimed;
  }
  run_.block.header().site_count = 0;
  EXPECT_THAT(offsets(), ElementsAre());
}

TEST_F(HostileSites, ATableThatIsTooLargeIsRefused) {
  run_.block.header().site_capacity = max_sites + 1;
  const auto view = TraceView::open(run_.block.bytes());
  ASSERT_FALSE(view);
  EXPECT_THAT(view.error().message, testing::HasSubstr("129 places"));
  run_.block.header().site_capacity = four_sites.sites + 1;
  EXPECT_FALSE(TraceView::open(run_.block.bytes())) << "the records would begin elsewhere";
}

}  // namespace
}  // namespace dumpsim::trace
