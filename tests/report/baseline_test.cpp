// SPDX-License-Identifier: Apache-2.0
// The baseline as a file and as an account: what is written comes back, what is damaged is refused by name.
#include "report/baseline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dumpsim::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Found found(std::string rule, std::string fingerprint) {
  return {.rule = std::move(rule),
          .severity = "error",
          .filter = "dump_xor",
          .callback = "DumpWrite",
          .count = 1,
          .fingerprint = std::move(fingerprint)};
}

Entry entry(std::string path, std::vector<Found> findings) {
  return {.path = std::move(path), .findings = std::move(findings)};
}

const std::string one = "1111111111111111", two = "2222222222222222", three = "3333333333333333";

TEST(Baseline, IsSortedAFindingALine) {
  const std::vector<Entry> entries = {entry("b.toml", {found("write.buffer-modified", two), found("pool.leak", one)}),
                                      entry("a.toml", {found("pool.leak", one)})};
  EXPECT_EQ(
      to_text(baseline_of(entries)),
      "{\n"
      "  \"format\": \"dumpsim-baseline\",\n"
      "  \"version\": 1,\n"
      "  \"findings\": [\n"
      "    {\"rule\":\"pool.leak\",\"filter\":\"xor\",\"callback\":\"DumpWrite\",\"function\":\"\",\"source\":\"\","
      "\"scenarios\":[\"a.toml\",\"b.toml\"],\"fingerprint\":\"1111111111111111\"},\n"
      "    {\"rule\":\"write.buffer-modified\",\"filter\":\"xor\",\"callback\":\"DumpWrite\",\"function\":\"\","
      "\"source\":\"\",\"scenarios\":[\"b.toml\"],\"fingerprint\":\"2222222222222222\"}\n"
      "  ]\n"
      "}\n");
  EXPECT_EQ(to_text({}), "{\n  \"format\": \"dumpsim-baseline\",\n  \"version\": 1,\n  \"findings\": []\n}\n");
}

TEST(Baseline, ComesBackFromItsText) {
  const Baseline written =
      baseline_of(std::vector{entry("b.toml", {found("pool.leak", one), found("irql.too-high", two)})});
  const auto read = parse_baseline(to_text(written), "base.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_text(*read), to_text(written));
}

TEST(Baseline, LeavesOutWhatAScenarioDeclares) {
  Found declared = found("pool.leak", one);
  declared.declared = true;
  EXPECT_THAT(baseline_of(std::vector{entry("a.toml", {declared})}), IsEmpty());
}

TEST(Baseline, IsRefusedWhenDamagedOrForeign) {
  const std::string sound = to_text(baseline_of(std::vector{entry("a.toml", {found("pool.leak", one)})}));
  const auto with = [&](const std::string& old, const std::string& now) {
    std::string text = sound;
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return text.replace(at, old.size(), now);
  };
  const std::vector<std::pair<std::string, std::string>> damaged = {
      {"", "no JSON at line 1"},
      {sound.substr(0, sound.size() - 3), "no JSON at line"},
      {"[]", "no baseline: \"format\" is not \"dumpsim-baseline\""},
      {with("dumpsim-baseline", "eslint"), "no baseline"},
      {with("\"version\": 1", "\"version\": 2"), "a baseline of version 2; this program knows version 1"},
      {with("\"version\": 1", "\"version\": \"1\""), "a baseline of version \"1\""},
      {with("\"version\": 1", "\"version\": " + std::string(200000, '[') + std::string(200000, ']')),
       "more than 16 levels"},
      {with("\"findings\": [", "\"finding\": ["), "no list \"findings\""},
      {with("{\"rule\"", "1, {\"rule\""), "finding 1 is no object"},
      {with("\"rule\"", "\"role\""), "finding 1 has no text \"rule\""},
      {with("\"filter\":\"xor\"", "\"filter\":1"), "finding 1 has no text \"filter\""},
      {with(one, "111"), "finding 1 has a fingerprint that is not 16 hexadecimal digits"},
      {with("[\"a.toml\"]", "\"a.toml\""), "finding 1 has no list \"scenarios\""},
      {with("[\"a.toml\"]", "[1]"), "finding 1 has scenarios that are no texts"},
  };
  for (const auto& [text, message] : damaged) {
    const auto read = parse_baseline(text, "base.json");
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr(message));
    EXPECT_THAT(read.error().message, testing::StartsWith("base.json: "));
    EXPECT_FALSE(read.error().host);
  }
  const std::size_t at = sound.find("    {");
  const std::string line = sound.substr(at, sound.find('\n', at) - at);
  EXPECT_THAT(parse_baseline(with(line, line + ",\n" + line), "b").error().message,
              HasSubstr("finding 2 has a fingerprint that stands there twice"));
}

TEST(Account, TellsKnownNewAndGone) {
  const Baseline baseline = baseline_of(
      std::vector{entry("a.toml", {found("pool.leak", one)}), entry("b.toml", {found("irql.too-high", two)})});
  const std::vector<Entry> now = {entry("a.toml", {found("mdl.pfn-mismatch", three)}),
                                  entry("b.toml", {found("irql.too-high", two)})};
  const BaselineAccount account = account_of(baseline, now);
  EXPECT_EQ(account.known, 1u);
  EXPECT_EQ(account.added, 1u);
  EXPECT_THAT(account.gone, ElementsAre("pool.leak by xor in DumpWrite: a.toml"));
}

TEST(Account, DoesNotMissWhatWasNotLookedFor) {
  const Baseline baseline =
      baseline_of(std::vector{entry("a.toml", {found("pool.leak", one)}), entry("b.toml", {found("pool.leak", one)})});
  EXPECT_THAT(account_of(baseline, std::vector{entry("a.toml", {})}).gone, IsEmpty()) << "b.toml was not run";
  Entry failed = entry("b.toml", {});
  failed.verdict = Entry::Verdict::mistake;
  EXPECT_THAT(account_of(baseline, std::vector{entry("a.toml", {}), failed}).gone, IsEmpty()) << "b.toml did not run";
  Found declared = found("pool.leak", one);
  declared.declared = true;
  EXPECT_THAT(account_of(baseline, std::vector{entry("a.toml", {declared}), entry("b.toml", {})}).gone, IsEmpty())
      << "it is there, and declared by now";
}

}  // namespace
}  // namespace dumpsim::report
