// SPDX-License-Identifier: Apache-2.0
// Mappings across a fork, at fixed places and of files. Memory that is private must stay so, or a child would leak into
// the next run.
#include "base/mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/file.hpp"
#include "base/offsets.hpp"

namespace dumpsim {
namespace {

using ::testing::HasSubstr;

bool in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// An address nobody has taken: that of a mapping which is gone again.
std::uintptr_t free_address(std::size_t bytes) {
  auto there = Mapping::shared(bytes);
  return there ? reinterpret_cast<std::uintptr_t>(there->begin()) : 0;
}

TEST(SharedMapping, ShowsTheParentWhatTheChildWrote) {
  auto mapping = Mapping::shared(2 * page_size);
  ASSERT_TRUE(mapping) << mapping.error().message;
  EXPECT_EQ(mapping->size(), 2 * page_size);
  EXPECT_EQ(mapping->bytes()[5000], std::byte{0});
  ASSERT_TRUE(in_child([&] { mapping->bytes()[5000] = std::byte{42}; }));
  EXPECT_EQ(mapping->bytes()[5000], std::byte{42});
}

TEST(SharedMapping, CostsNothingUntilTouched) {
  auto mapping = Mapping::shared(std::size_t{1} << 40);
  ASSERT_TRUE(mapping) << mapping.error().message;
  mapping->bytes().back() = std::byte{1};
  EXPECT_EQ(mapping->bytes().back(), std::byte{1});
}

TEST(FixedMapping, StandsWhereItIsToldAndIsPrivate) {
  const std::uintptr_t address = free_address(4 * page_size);
  ASSERT_NE(address, 0U);
  auto mapping = Mapping::at(address, 4 * page_size, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(mapping) << mapping.error().message;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapping->begin()), address);
  ASSERT_TRUE(in_child([&] { mapping->bytes()[0] = std::byte{42}; }));
  EXPECT_EQ(mapping->bytes()[0], std::byte{0});
}

TEST(FixedMapping, IsRefusedWhereTheRangeIsTaken) {
  auto there = Mapping::shared(4 * page_size);
  ASSERT_TRUE(there);
  there->bytes()[page_size] = std::byte{7};
  const std::uintptr_t taken = reinterpret_cast<std::uintptr_t>(there->begin());
  for (const std::uintptr_t address : {taken, taken + page_size, taken - page_size}) {
    const auto refused = Mapping::at(address, 2 * page_size, PROT_READ);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("cannot map 8192 bytes at 0x"));
    EXPECT_THAT(refused.error().message, HasSubstr("File exists"));
  }
  EXPECT_EQ(there->bytes()[page_size], std::byte{7});
}

TEST(FixedMapping, GivesItsPlaceBack) {
  const std::uintptr_t address = free_address(page_size);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Mapping::at(address, page_size, PROT_READ)) << i;
}

TEST(FileMapping, IsSharedOrACopyAsAsked) {
  auto file = File::in_memory("mapping test");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->resize(2 * page_size));
  auto shared = Mapping::of_file(file->fd(), page_size, page_size, PROT_READ | PROT_WRITE, true);
  auto copy = Mapping::of_file(file->fd(), page_size, page_size, PROT_READ | PROT_WRITE, false);
  ASSERT_TRUE(shared && copy);
  shared->bytes()[0] = std::byte{1};
  EXPECT_EQ(copy->bytes()[0], std::byte{1});
  copy->bytes()[0] = std::byte{2};
  EXPECT_EQ(shared->bytes()[0], std::byte{1});
  std::byte on_file{};
  ASSERT_TRUE(file->read_at(page_size, {&on_file, 1}));
  EXPECT_EQ(on_file, std::byte{1});
}

TEST(FileMapping, IsRefusedForAFileThatIsNotOpenAndWhereTheRangeIsTaken) {
  EXPECT_THAT(Mapping::of_file(-1, 0, page_size, PROT_READ, true).error().message, HasSubstr("cannot map 4096 bytes"));
  auto file = File::in_memory("mapping test");
  ASSERT_TRUE(file && file->resize(page_size));
  auto there = Mapping::shared(page_size);
  ASSERT_TRUE(there);
  const auto taken = reinterpret_cast<std::uintptr_t>(there->begin());
  EXPECT_FALSE(Mapping::of_file(file->fd(), 0, page_size, PROT_READ, true, taken));
}

TEST(MappingTest, MovesAndKnowsItsRange) {
  auto made = Mapping::shared(page_size);
  ASSERT_TRUE(made);
  Mapping mapping = std::move(*made);
  EXPECT_FALSE(static_cast<bool>(*made));
  EXPECT_TRUE(static_cast<bool>(mapping));
  EXPECT_TRUE(mapping.contains(mapping.begin()));
  EXPECT_TRUE(mapping.contains(mapping.begin() + page_size - 1));
  EXPECT_FALSE(mapping.contains(mapping.begin() + page_size));
  EXPECT_FALSE(mapping.contains(nullptr));
  const auto address = reinterpret_cast<std::uintptr_t>(mapping.begin());
  mapping = Mapping();
  EXPECT_TRUE(Mapping::at(address, page_size, PROT_READ));  // unmapped when replaced
}

}  // namespace
}  // namespace dumpsim
