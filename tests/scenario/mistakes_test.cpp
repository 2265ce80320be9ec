// SPDX-License-Identifier: Apache-2.0
// A user fixes a scenario in one round: all mistakes at once, in the order of the text, each at its place, and no
// follow-up mistakes of the first ones. And whatever the text is, it costs little.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "scenario/document.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::scenario {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string mistakes_in(std::string_view text, const std::filesystem::path& file = "x.toml") {
  const Result<Scenario> scenario = parse(text, file);
  return scenario ? std::string() : scenario.error().message;
}

TEST(Mistakes, ComeAllAtOnceInTheOrderOfTheText) {
  EXPECT_EQ(mistakes_in(R"(titles = "x"
[system]
processors = "four"
profile = "windows-11"
memory = { size = "64MB", fil = "canary" }
[disk]
size = "1 MiB"
partiton_offset = "1 MiB"
[[filter]]
imag = "x"
[policy]
filter-failure = "disable"
[expect]
outcome = "complete"
)"),
            R"(x.toml:1:1: unknown key "titles"; did you mean "title"?
x.toml:3:14: system.processors: expected integer, 1 to 64, got the text "four"
x.toml:5:19: system.memory.size: size "64MB" has the unit "MB"; write "MiB" (binary units only)
x.toml:5:27: unknown key "fil" in system.memory; did you mean "fill"?
x.toml:8:1: unknown key "partiton_offset" in disk; did you mean "partition_offset"?
x.toml:9:1: filter[].image is missing
x.toml:10:1: unknown key "imag" in filter[]; did you mean "image"?
x.toml:12:1: unknown policy "filter-failure"; did you mean "filter_failure"?
x.toml:14:11: expect.outcome: expected "completed", "bugchecked", "crashed", "hung", "exited", "stack-not-loaded" or "dump-failed", got "complete"; did you mean "completed"?)");
}

TEST(Mistakes, AKeyInTheWrongTableIsSentHome) {
  EXPECT_THAT(mistakes_in("profile = \"windows-7\""), HasSubstr("did you mean \"profile\" in [system]?"));
  EXPECT_THAT(mistakes_in("[system]\ntimeline = [\"boot\"]"),
              HasSubstr("it belongs at the top of the file, before the first [table]"));
  EXPECT_THAT(mistakes_in("[trace]\nnonsense = 1"), HasSubstr("expected one of fold, digests, limit"));
}

TEST(Mistakes, DoNotCascade) {
  EXPECT_EQ(mistakes_in("[[filter]]\nimage = 1\n[expect]\ndisabled = [\"xor\"]\ncalls = [\"xor:DumpStart\"]"),
            "x.toml:2:9: filter[].image: expected text, got the integer 1");
  EXPECT_EQ(mistakes_in("[system]\nmemory = { size = \"1 GB\" }\n[dump]\nfile = { offset = \"1 TiB\" }"),
            "x.toml:2:19: system.memory.size: size \"1 GB\" has the unit \"GB\"; write \"GiB\" (binary units only)");
}

TEST(Mistakes, OfTomlItselfStandAtTheirPlace) {
  EXPECT_THAT(mistakes_in("title = \"x\"\n[disk\n"), StartsWith("x.toml:2:6: not TOML: "));
  EXPECT_THAT(mistakes_in("title = 1\ntitle = 2"), AllOf(StartsWith("x.toml:2:"), HasSubstr("redefine")));
  EXPECT_THAT(mistakes_in("[{a]"), StartsWith("x.toml:1:2: not TOML: key: expected bare key"));
  EXPECT_THAT(mistakes_in("a = 99999999999999999999"), StartsWith("x.toml:1:"));
}

TEST(Mistakes, CharactersThatTomlCannotMeetAreHarmless) {
  const std::string text = "title = \"\u26a0\ufe0f \u00e4 \U0001f600 \ufefe\" # \ufe0f\n[disk] # \u00e4\ufefe";
  const Result<Scenario> scenario = parse("\ufeff" + text, "x.toml");
  ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
  EXPECT_EQ(scenario->title, "\u26a0\ufe0f \u00e4 \U0001f600 \ufefe") << "texts keep them";
  EXPECT_EQ(parse(text, "x.toml")->title, scenario->title);
  EXPECT_EQ(parse("title = \"\\u00e4\\ue000\"", "x.toml")->title, "\u00e4\ue000");
  EXPECT_THAT(mistakes_in("gr\u00f6\u00dfe = 1"), StartsWith("x.toml:1:3: not TOML: "));
  EXPECT_THAT(mistakes_in("\ufec0title = 1"), StartsWith("x.toml:1:1: not TOML: "));
  EXPECT_THAT(mistakes_in("title = \u00e4 1"), StartsWith("x.toml:1:9: not TOML: "));
  EXPECT_THAT(mistakes_in("title = 1\u0252"), StartsWith("x.toml:1:10: not TOML: "));
  EXPECT_THAT(mistakes_in("\"\ufefe\" = 1"), StartsWith("x.toml:1:1: unknown key \"\ufefe\""));
  const Result<Scenario> lines = parse("title = \"\"\"a\\\n \ufe0f\"\"\"", "x.toml");
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(lines->title, "a\ufe0f");
  EXPECT_THAT(mistakes_in("title = \"\U0010ffff\""), StartsWith("x.toml:1:10: characters from U+100000 on"));
  EXPECT_THAT(mistakes_in("title = \"\\U00100080\""), HasSubstr("characters from U+100000 on"));
}

TEST(Mistakes, OnlyUtf8IsRead) {
  for (const std::string_view bad : {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xef\xbb",
                                     "\xf0\x8f\xbb\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_THAT(mistakes_in("# \u00e4\ntitle = \"\u00e4" + std::string(bad) + "\""),
                StartsWith("x.toml:2:11: not UTF-8"));
  }
  for (const std::string_view good :
       {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbd"}) {
    EXPECT_EQ(mistakes_in("title = \"" + std::string(good) + "\""), "");
  }
}

TEST(Mistakes, ColumnsCountCharacters) {
  EXPECT_THAT(mistakes_in("disk = { \"größe\" = 1 }"), StartsWith("x.toml:1:10: unknown key \"größe\""));
  EXPECT_THAT(mistakes_in("title = \"größe\"\ndisk = { style = \"ä\", sise = 1 }"),
              HasSubstr("x.toml:2:23: unknown key"));
}

TEST(Mistakes, WithoutAFileHaveAName) {
  EXPECT_THAT(mistakes_in("x = 1", {}), StartsWith("scenario:1:1: "));
}

TEST(Mistakes, ShowForeignTextOnOneLineAndCut) {
  const std::string message = mistakes_in("\"a\\nb\\u001b[31m" + std::string(300, 'x') + "\" = 1");
  EXPECT_THAT(message, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b")), HasSubstr("…")));
  EXPECT_LT(message.size(), 400u);
}

TEST(Mistakes, ManyAreCut) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += fmt::format("key_{} = 1\n", i);
  const std::string message = mistakes_in(text);
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 100);
  EXPECT_THAT(message, EndsWith("x.toml:101:1: and 900 more mistakes from here on"));
}

TEST(Mistakes, AFullDumpHasRoomForFewRuns) {
  const auto with_runs = [](int runs, std::string_view rest) {
    std::string text = "[system]\nmemory = { runs = [";
    for (int i = 0; i < runs; ++i) text += fmt::format("{{ base = {}, size = 4096 }},", i * 8192);
    return text + "] }\n" + std::string(rest);
  };
  EXPECT_EQ(mistakes_in(with_runs(42, "[dump]\nformat = \"full\"")), "");
  EXPECT_EQ(mistakes_in(with_runs(43, "")), "");
  EXPECT_THAT(
      mistakes_in(with_runs(43, "[dump]\nformat = \"full\"")),
      HasSubstr("x.toml:2:19: system.memory.runs: the header of a full dump (type 1) has room for 42 runs, got 43"));
  EXPECT_THAT(mistakes_in(with_runs(43, "[policy]\ncomplete_format = \"full\"")), HasSubstr("room for 42 runs"));
}

TEST(Mistakes, TheTraceHasRoomForSixtyFourImages) {
  const auto with_images = [](int filters, int drivers) {
    std::string text;
    for (int i = 0; i < filters; ++i) text += fmt::format("[[filter]]\nimage = \"filter{}\"\n", i);
    for (int i = 0; i < drivers; ++i) text += fmt::format("[[driver]]\nimage = \"driver{}\"\n", i);
    return mistakes_in(text);
  };
  EXPECT_EQ(with_images(32, 0), "");
  EXPECT_EQ(with_images(0, 64), "");
  EXPECT_EQ(with_images(31, 2), "");
  // Told once, of the first that is too many.
  EXPECT_EQ(
      with_images(34, 1),
      "x.toml:66:9: filter[].image: one [[filter]] too many: a scenario has room for 64 images, of which a filter "
      "takes two (dump_NAME and hiber_NAME) and a driver one");
  EXPECT_THAT(with_images(31, 4),
              AllOf(StartsWith("x.toml:68:9: driver[].image: one [[driver]] too many"), Not(HasSubstr("x.toml:70"))));
}

TEST(Mistakes, HostileNestingIsRefusedBeforeItCostsAStack) {
  std::string dotted;
  for (int i = 0; i < 100000; ++i) dotted += "a.";
  EXPECT_EQ(mistakes_in("title = \"x\"\n" + dotted + "a = 1"),
            "x.toml:2:1: more than 256 dots on one line; break the text over several lines");
  EXPECT_THAT(mistakes_in("[" + dotted + "a]"), HasSubstr("more than 256 dots"));
  EXPECT_THAT(mistakes_in("a = " + std::string(100000, '[')), HasSubstr("nest"));
  std::string tables;
  for (int i = 0; i < 100000; ++i) tables += "a={";
  EXPECT_THAT(mistakes_in(tables), HasSubstr("nest"));
  std::string lines;
  for (int level = 0; level < 1000; ++level) {
    lines += "x = [{ ";
    for (int i = 0; i < 250; ++i) lines += "a.";
    lines += "a = [\n";
  }
  EXPECT_THAT(mistakes_in(lines), StartsWith("x.toml:"));
  EXPECT_EQ(mistakes_in("title = \"" + std::string(256, '.') + "\""), "") << "many dots are fine";
}

TEST(Mistakes, ALargeTextIsRefused) {
  EXPECT_EQ(mistakes_in(std::string(1u << 20, '#')), "");
  EXPECT_EQ(mistakes_in(std::string((1u << 20) + 1, '#')), "x.toml:1:1: the scenario is larger than 1 MiB");
}

TEST(Places, FallBackToTheNearestThingThere) {
  Node root;
  SyntaxError error;
  ASSERT_TRUE(parse_document("[a]\nb = [1, { c = 2 }]\n", root, error));
  EXPECT_EQ(place_of(root, "a.b[0]"), (Place{2, 6}));
  EXPECT_EQ(place_of(root, "a.b[1].c"), (Place{2, 15}));
  EXPECT_EQ(place_of(root, "a.b[1].d"), (Place{2, 9}));
  EXPECT_EQ(place_of(root, "a.b[7].d"), (Place{2, 5}));
  EXPECT_EQ(place_of(root, "a.x.y"), (Place{1, 1}));
  EXPECT_EQ(place_of(root, "z"), (Place{1, 1}));
}

}  // namespace
}  // namespace dumpsim::scenario
