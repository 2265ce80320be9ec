// SPDX-License-Identifier: Apache-2.0
// Where a filter's image is looked for, and what a user reads when it is not there.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

scenario::Filter filter(const std::string& image, const std::filesystem::path& folder = {}) {
  scenario::Filter filter;
  filter.image = image;
  filter.folder = folder;
  return filter;
}

void touch(const std::filesystem::path& path) {
  std::ofstream(path) << "x";
}

TEST(FindImage, ANameIsLookedUpOnTheFilterPathInOrder) {
  ScratchFolder first, second;
  touch(second / "one.so");
  const RunOptions options{.filter_path = {first / "", second / ""}};
  EXPECT_EQ(*find_image(filter("one"), options), second / "one.so");
  EXPECT_EQ(*find_image(filter("one.so"), options), second / "one.so");
  touch(first / "one.so");
  EXPECT_EQ(*find_image(filter("one"), options), first / "one.so");
}

TEST(FindImage, ANameThatIsNowhereSaysWhereItLookedAndWhatIsNear) {
  ScratchFolder folder;
  touch(folder / "passthrough.so");
  touch(folder / "readme.txt");
  const auto refused = find_image(filter("pasthrough"), {.filter_path = {folder / ""}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("no filter \"pasthrough\" on the filter path"), HasSubstr((folder / "").string()),
                    HasSubstr("did you mean \"passthrough\"?"), HasSubstr("\"./pasthrough.so\"")));
  EXPECT_THAT(find_image(filter("zzz"), {.filter_path = {folder / ""}}).error().message,
              AllOf(Not(HasSubstr("did you mean")), Not(HasSubstr("readme"))));
  EXPECT_THAT(find_image(filter("zzz.sys"), {.filter_path = {folder / ""}}).error().message,
              HasSubstr("\"./zzz.sys\""));
}

TEST(FindImage, AFolderOfThatNameIsNoImage) {
  ScratchFolder folder;
  std::filesystem::create_directory(folder / "one.so");
  EXPECT_FALSE(find_image(filter("one"), {.filter_path = {folder / ""}}));
}

TEST(FindImage, AFolderThatIsNotThereIsPassedOver) {
  ScratchFolder folder;
  touch(folder / "one.so");
  EXPECT_TRUE(find_image(filter("one"), {.filter_path = {"no/such/folder", folder / ""}}));
}

TEST(FindImage, AnImageWithASlashIsRelativeToItsScenario) {
  ScratchFolder folder;
  touch(folder / "one.so");
  EXPECT_EQ(*find_image(filter("./one.so", folder / ""), {}), folder / "./one.so");
  EXPECT_EQ(*find_image(filter((folder / "one.so").string(), "elsewhere"), {}), folder / "one.so");
  const auto refused = find_image(filter("./two.so", folder / ""), {.filter_path = {folder / ""}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("two.so does not exist"), HasSubstr("relative to the scenario")));
  // Of an absolute path nothing is relative.
  EXPECT_EQ(find_image(filter("/nowhere/two.so", folder / ""), {}).error().message,
            "image /nowhere/two.so does not exist");
}

TEST(FindImage, TheDefaultPathIsWhatWasGivenThenTheEnvironmentThenBesideTheProgram) {
  ASSERT_EQ(setenv("DUMPSIM_FILTER_PATH", "/env/one::/env/two:", 1), 0);
  const auto path = default_filter_path("/opt/dumpsim/bin/dumpsim", {"given"});
  unsetenv("DUMPSIM_FILTER_PATH");
  ASSERT_EQ(path.size(), 5u);
  EXPECT_EQ(path[0], "given");
  EXPECT_EQ(path[1], "/env/one");
  EXPECT_EQ(path[2], "/env/two");
  EXPECT_EQ(path[3].lexically_normal(), "/opt/dumpsim/filters");
  EXPECT_EQ(path[4].lexically_normal(), "/opt/dumpsim/lib/dumpsim/filters");
  EXPECT_EQ(default_filter_path("/opt/bin/dumpsim", {}).size(), 2u);
}

}  // namespace
}  // namespace dumpsim::engine
