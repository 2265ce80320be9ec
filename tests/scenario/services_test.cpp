// SPDX-License-Identifier: Apache-2.0
// The tables of filters that are told where protection ends: what a scenario says of it, wherever it says it, is
// replaced, and nothing else is. Judged by the parser, and by what [registry] is known to win over.
#include "scenario/services.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/scenario.hpp"

namespace dumpsim::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::string mistake_of(std::string_view tables, std::string parameter) {
  const auto made = BoundedTables::make(tables, std::move(parameter));
  return made ? std::string() : made.error().message;
}

Scenario bounded(std::string_view tables, std::uint64_t end) {
  const auto made = BoundedTables::make(tables, "End");
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  if (!made) return {};
  auto scenario = parse(made->up_to(end), {});
  EXPECT_TRUE(scenario.has_value()) << made->up_to(end);
  return scenario ? *std::move(scenario) : Scenario{};
}

TEST(BoundedTables, TellEveryFilterAndNoDriver) {
  const Scenario scenario =
      bounded("[[filter]]\nimage = \"a\"\n[[filter]]\nimage = \"b\"\n[[driver]]\nimage = \"c\"\n", 0x1200);
  ASSERT_THAT(scenario.filters, SizeIs(2));
  for (const Filter& filter : scenario.filters) {
    EXPECT_THAT(filter.parameters, ElementsAre(Pair("End", RegistryValue::qword(0x1200))));
    EXPECT_FALSE(filter.protects_all);
    ASSERT_THAT(filter.protects, SizeIs(1));
    EXPECT_EQ(filter.protects[0].first.bytes, 0u);
    EXPECT_EQ(filter.protects[0].second, 0x1200u);
  }
  EXPECT_THAT(scenario.drivers.at(0).parameters, IsEmpty());
}

TEST(BoundedTables, ReplaceWhatTheFilterSaysAndKeepTheRest) {
  const Scenario scenario = bounded(
      "[[filter]]\nimage = \"a\"\nredirects = true\nprotects = true\nparameters = { END = 7, Key = 3 "
      "}\n[[device]]\nname = \"\\\\Device\\\\x\"\n",
      512);
  const Filter& filter = scenario.filters.at(0);
  EXPECT_THAT(filter.parameters,
              UnorderedElementsAre(Pair("End", RegistryValue::qword(512)), Pair("Key", RegistryValue::dword(3))));
  EXPECT_TRUE(filter.redirects);
  EXPECT_FALSE(filter.protects_all);
  EXPECT_THAT(scenario.devices, SizeIs(1));
}

TEST(BoundedTables, HaveTheLastWordInTheRegistry) {
  const Scenario scenario = bounded(
      "[[filter]]\nimage = \"a\"\n[registry]\n'HKLM\\SYSTEM\\ControlSet001\\services\\A\\parameters' = { end = 9, "
      "Other = 1 }\n"
      "'HKLM\\SYSTEM\\CurrentControlSet\\Services\\other\\Parameters' = { End = 9 }\n",
      1024);
  std::vector<std::string> values, ends;
  for (const RegistryEdit& edit : scenario.registry.edits) {
    if (edit.what != RegistryEdit::What::value) continue;
    values.push_back(edit.name);
    if (edit.value == RegistryValue::qword(1024)) ends.push_back(edit.key + "\\" + edit.name);
  }
  EXPECT_THAT(ends, ElementsAre("\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Services\\a\\Parameters\\End"));
  EXPECT_THAT(values, UnorderedElementsAre("End", "Other", "End")) << "what is another's stays";
}

TEST(BoundedTables, TakeOnlyNamesOfValuesAndSomeFilter) {
  constexpr std::string_view filter = "[[filter]]\nimage = \"a\"\n";
  EXPECT_EQ(mistake_of(filter, "Encrypted end, \"x\" \xc3\xa4"), "");
  for (const std::string& name :
       {std::string(), std::string("a\\b"), std::string(256, 'x'), std::string("a\nb"), std::string("\xff")})
    EXPECT_THAT(mistake_of(filter, name), HasSubstr("no name of a registry value")) << name;
  EXPECT_THAT(mistake_of("[[driver]]\nimage = \"a\"\n", "End"), HasSubstr("no [[filter]]"));
  EXPECT_THAT(mistake_of("[[filter]]\n", "End"), HasSubstr("image"));
}

}  // namespace
}  // namespace dumpsim::scenario
