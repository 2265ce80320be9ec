// SPDX-License-Identifier: Apache-2.0
// The bytes that a finding shows, and the call it names: from the recorder through a block that may be garbled.
#include "trace/changed_bytes.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "sample.hpp"
#include "trace/reader.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::trace {
namespace {

using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::byte> counted(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

std::string before_of(const ChangedBytes& bytes) {
  return spaced_hex(std::span(bytes.before).first(bytes.length));
}
std::string after_of(const ChangedBytes& bytes) {
  return spaced_hex(std::span(bytes.after).first(bytes.length));
}

TEST(ChangedBytes, AreShownFromTheFirstThatDiffers) {
  const std::vector<std::byte> before = counted(40);
  std::vector<std::byte> after = before;
  EXPECT_TRUE(first_change(Held::page, before, after).empty());
  after[20] = std::byte{0xff};
  after[39] = std::byte{0xfe};
  const ChangedBytes bytes = first_change(Held::page, before, after);
  EXPECT_EQ(bytes.held, Held::page);
  EXPECT_EQ(bytes.at, 20u);
  EXPECT_EQ(before_of(bytes), "14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23");
  EXPECT_EQ(after_of(bytes), "ff 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23");
  EXPECT_EQ(place_in_words(bytes), "byte 0x14 of the page");
}

TEST(ChangedBytes, EndWhereWhatIsHeldEnds) {
  const std::vector<std::byte> before = counted(40);
  std::vector<std::byte> after = before;
  after[38] = std::byte{0xff};
  const ChangedBytes bytes = first_change(Held::page, before, after);
  EXPECT_EQ(before_of(bytes), "26 27");
  EXPECT_EQ(after_of(bytes), "ff 27");
}

TEST(ChangedBytes, BeginningsAreShownWhetherOrNotTheyDiffer) {
  const std::vector<std::byte> bytes = counted(3);
  const ChangedBytes shown = beginnings(Held::write_data, bytes, bytes);
  EXPECT_EQ(before_of(shown), "00 01 02");
  EXPECT_EQ(after_of(shown), "00 01 02");
  EXPECT_EQ(place_in_words(shown), "byte 0x0 of the write");
  EXPECT_TRUE(beginnings(Held::write_data, {}, {}).empty());
}

TEST(ChangedBytes, EverythingThatHoldsThemHasWords) {
  for (std::size_t held = 1; held < static_cast<std::size_t>(Held::count_); ++held) {
    const ChangedBytes bytes{.held = static_cast<Held>(held), .length = 1};
    EXPECT_THAT(std::string(words_of(bytes.held).before), Not(IsEmpty())) << held;
    EXPECT_THAT(std::string(words_of(bytes.held).after), Not(IsEmpty())) << held;
    EXPECT_THAT(place_in_words(bytes), Not(EndsWith(" "))) << held;
  }
}

struct Recording {
  Recording() : block(1 << 20), recorder(block.bytes(), &clock, RecorderOptions{}) {}
  std::vector<Site> sites() const {
    auto view = TraceView::open(block.bytes());
    EXPECT_TRUE(view) << view.error().message;
    return {view->sites().begin(), view->sites().end()};
  }
  void violate(Rule rule, std::uint16_t image = 0, Callback callback = Callback::write) {
    recorder.violation(image, callback, rule, Severity::error, "text", CodeSite{.offset = ++places});
  }
  std::uint64_t clock = 0;
  std::uint32_t places = 0;
  test::Block block;
  Recorder recorder;
};

const ChangedBytes one = beginnings(Held::page, counted(4), counted(4));
const ChangedBytes other = beginnings(Held::write_data, counted(2), counted(2));

TEST(ShownBytes, StayWithTheFirstThatWereShown) {
  Recording run;
  run.violate(Rule::write_buffer_modified);
  run.recorder.show_bytes(0, one);
  run.recorder.show_bytes(0, other);
  run.recorder.show_bytes(1, other);  // no such place
  ASSERT_THAT(run.sites(), SizeIs(1));
  EXPECT_EQ(run.sites()[0].bytes.held, Held::page);
}

TEST(ShownBytes, OfAWriteGoToItsCallbacksFindingsAboutTheWrite) {
  Recording run;
  run.violate(Rule::mdl_size_changed);
  const std::uint64_t from = run.recorder.sites();
  run.violate(Rule::mdl_size_changed);
  run.violate(Rule::irql_too_high);
  run.violate(Rule::mdl_size_changed, 1);
  run.violate(Rule::mdl_size_changed, 0, Callback::read);
  run.violate(Rule::offset_unaligned);
  run.recorder.show_bytes(from, 0, Callback::write, one);
  std::vector<bool> shown;
  for (const Site& site : run.sites()) shown.push_back(!site.bytes.empty());
  EXPECT_EQ(shown, (std::vector<bool>{false, true, false, false, false, true}));
}

TEST(ShownBytes, ThatAreGarbledAreNotShown) {
  Recording run;
  run.violate(Rule::mdl_size_changed);
  run.violate(Rule::mdl_size_changed);
  run.recorder.show_bytes(0, one);
  run.recorder.show_bytes(1, one);
  auto* rows = reinterpret_cast<ViolationSite*>(
      run.block.bytes().data() + sizeof(TraceHeader) +
      max_images * (sizeof(ImageName) + static_cast<std::size_t>(Callback::count_) * sizeof(CallbackTally)) +
      max_call_runs * sizeof(CallRun));
  rows[0].bytes.length = ChangedBytes::most + 1;
  rows[1].bytes.held = Held::count_;
  ASSERT_THAT(run.sites(), SizeIs(2));
  EXPECT_TRUE(run.sites()[0].bytes.empty());
  EXPECT_TRUE(run.sites()[1].bytes.empty());
}

TEST(ShownCall, IsTheOneThatIsOpenOrHasJustReturned) {
  Recording run;
  for (std::uint64_t i = 0; i < 3; ++i) test::write_step(run.recorder, i * 4096, 4096);
  run.recorder.begin_step();
  run.recorder.callback_entered(0, Callback::write, 15, 512, 0x9000);
  run.violate(Rule::irql_too_high);  // within the fourth
  run.recorder.callback_left(0, Callback::write, 15, 0);
  run.violate(Rule::mdl_size_changed);  // after it
  run.violate(Rule::mdl_size_changed, 1);
  run.recorder.end_step();
  const auto sites = run.sites();
  ASSERT_THAT(sites, SizeIs(3));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(sites[i].call, 4u) << i;
    EXPECT_EQ(sites[i].at, 0x9000u) << i;
    EXPECT_EQ(sites[i].moved, 512u) << i;
  }
  EXPECT_EQ(sites[2].call, 0u) << "the other image was not called";
  EXPECT_EQ(sites[2].moved, 0u);
}

TEST(ShownCall, IsNoneOfWhatIsFoundAfterwards) {
  Recording run;
  test::write_step(run.recorder, 0, 4096);
  run.violate(Rule::data_readable_sector);
  run.violate(Rule::pool_leak, no_image, Callback::none);
  for (const Site& site : run.sites()) EXPECT_EQ(site.call, 0u);
}

TEST(ShownCall, HasNoTransferWhereThereIsNone) {
  Recording run;
  run.recorder.callback_entered(0, Callback::start, 15);
  run.violate(Rule::irql_too_high, 0, Callback::start);
  ASSERT_THAT(run.sites(), SizeIs(1));
  EXPECT_EQ(run.sites()[0].call, 1u);
  EXPECT_EQ(run.sites()[0].moved, 0u);
}

}  // namespace
}  // namespace dumpsim::trace
