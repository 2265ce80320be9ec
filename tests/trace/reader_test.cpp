// SPDX-License-Identifier: Apache-2.0
// The parent's side: garbled blocks give an error or a shorter view with a note, never a crash, and the corpus that the
// fuzz replay runs is this version's. tests/fuzz/trace_fuzz.cpp runs the whole surface over it.
#include "trace/reader.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "corpus.hpp"
#include "trace/jsonl.hpp"
#include "trace/text.hpp"

namespace dumpsim::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::span<const std::byte> bytes_of(const std::string& file) {
  return std::as_bytes(std::span(file));
}

std::map<std::string, std::string> corpus() {
  const auto files = test::corpus_files();
  return {files.begin(), files.end()};
}

std::string error_of(const std::string& file) {
  const auto view = TraceView::open(bytes_of(file));
  return view ? "" : view.error().message;
}

std::string note_of(const std::string& file) {
  const auto view = TraceView::open(bytes_of(file));
  return view ? view->note() : "refused: " + view.error().message;
}

std::size_t events_in(const std::string& file) {
  const auto view = TraceView::open(bytes_of(file));
  return view ? static_cast<std::size_t>(std::distance(view->begin(), view->end())) : 0;
}

TEST(TraceView, ShowsWhatWasRecorded) {
  const std::string file = test::small_trace(16384);
  const auto view = TraceView::open(bytes_of(file));
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->note(), "");
  EXPECT_EQ(view->outcome(), "bugchecked");
  EXPECT_EQ(view->image_name(0), "dump_xor");
  EXPECT_EQ(view->image_name(1), "image#1");
  EXPECT_EQ(view->image_name(no_image), "");
  EXPECT_EQ(view->writes().count, 4u);
  EXPECT_EQ(view->tally(0, Callback::write).calls, 4u);
  EXPECT_EQ(view->tally(99, Callback::write).calls, 0u);
  EXPECT_EQ(view->violations(Rule::mdl_flags_changed), 1u);
  EXPECT_TRUE(view->folds());
  ASSERT_EQ(view->calls().size(), 3u);
  EXPECT_EQ(view->calls()[1].count, 4u);
  EXPECT_EQ(view->calls()[2].count, 0u);
}

TEST(TraceView, RefusesWhatIsNoTrace) {
  auto files = corpus();
  EXPECT_THAT(error_of(files["empty"]), StartsWith("trace: 0 bytes, expected at least the header"));
  EXPECT_THAT(error_of(files["wrong-magic"]), HasSubstr("magic 0x"));
  EXPECT_THAT(error_of(files["other-version"]), HasSubstr("another version"));
  EXPECT_THAT(error_of(files["huge-tables"]), HasSubstr("tables for 4294967295 images"));
  EXPECT_THAT(error_of(files["records-elsewhere"]), HasSubstr("records at byte 18446744073709551615"));
  EXPECT_THAT(error_of(files["cut-in-the-tables"]), HasSubstr("records at byte"));
  EXPECT_EQ(error_of(files["valid"]), "") << "the control is accepted";
}

TEST(TraceView, CutsWhatIsGarbledWithANote) {
  auto files = corpus();
  EXPECT_EQ(note_of(files["valid"]), "");
  EXPECT_EQ(note_of(files["died"]), "");
  EXPECT_EQ(note_of(files["full"]), "");
  EXPECT_THAT(note_of(files["cut-in-a-record"]), HasSubstr("where there is room for"));
  EXPECT_THAT(note_of(files["written-beyond-the-end"]), HasSubstr("18446744073709551608 bytes of records"));
  EXPECT_EQ(note_of(files["kind-unknown"]).substr(0, 8), "record 4");
  EXPECT_EQ(events_in(files["kind-unknown"]), 4u);
  EXPECT_EQ(events_in(files["callback-unknown"]), 2u);
  EXPECT_EQ(events_in(files["payload-too-long"]), 3u);
  EXPECT_EQ(events_in(files["payload-beyond-the-end"]), 14u);
  EXPECT_EQ(events_in(files["repeat-of-nothing"]), 10u);
  EXPECT_THAT(note_of(files["more-runs-than-fit"]), HasSubstr("none is believed"));
  EXPECT_THAT(note_of(files["round-beyond-the-runs"]), HasSubstr("claims a round of 255"));
}

TEST(TraceView, GarbledRunsCannotBeJudged) {
  auto files = corpus();
  const auto view = TraceView::open(bytes_of(files["round-beyond-the-runs"]));
  ASSERT_TRUE(view);
  EXPECT_NE(view->calls_missed(), 0u);
}

TEST(TraceView, ARepeatForEverEndsWhereTheCallerSays) {
  auto files = corpus();
  const auto view = TraceView::open(bytes_of(files["repeat-for-ever"]));
  ASSERT_TRUE(view);
  std::uint64_t seen = 0;
  view->unfolded(5000, [&](const Event&) { return ++seen != 0; });
  EXPECT_EQ(seen, 5000u);
  seen = 0;
  view->unfolded(UINT64_MAX, [&](const Event&) { return ++seen < 70; });
  EXPECT_EQ(seen, 70u);
}

TEST(TraceView, TheKeptCorpusIsThisVersions) {
  for (const auto& [name, bytes] : test::corpus_files()) {
    std::ifstream file(std::filesystem::path(DUMPSIM_TESTS) / "fuzz/corpus/trace" / name, std::ios::binary);
    ASSERT_TRUE(file) << name << " is missing; run trace_make_corpus";
    const std::string kept((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_TRUE(kept == bytes) << name << " differs from what is made now; run trace_make_corpus";
    EXPECT_LT(bytes.size(), 8192u) << name;
  }
}

// Any byte may be anything: all of the surface over random damage, under the sanitizers in their preset.
TEST(TraceView, SurvivesRandomDamage) {
  const std::string valid = test::small_trace(16384);
  Random random(42);
  std::size_t opened = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string file = valid;
    for (std::uint64_t n = 1 + random.below(6); n != 0; --n) {
      file[random.below(file.size())] = static_cast<char>(random.next());
    }
    if (round % 3 == 0) file.resize(random.below(file.size() + 1));
    const auto view = TraceView::open(bytes_of(file));
    if (!view) continue;
    ++opened;
    for (const char c : to_text(*view)) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
    for (const char c : to_jsonl(*view)) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
    view->unfolded(1000, [](const Event&) { return true; });
  }
  EXPECT_GT(opened, 1000u);
}

}  // namespace
}  // namespace dumpsim::trace
