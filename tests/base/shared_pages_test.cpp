// SPDX-License-Identifier: Apache-2.0
// Pages that are used again: what one use left, the next must not find, wherever it was written.
#include "base/shared_pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <stdexcept>

#include "base/offsets.hpp"

namespace dumpsim {
namespace {

constexpr std::size_t bytes = 64 * page_size;

SharedPages taken(const PageShelf& shelf, std::string_view use = "test pages", std::size_t size = bytes) {
  auto pages = shelf.take(use, size);
  if (!pages) throw std::runtime_error(pages.error().message);
  return *std::move(pages);
}

bool in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool all_zero(const SharedPages& pages) {
  return std::ranges::all_of(pages.bytes(), [](std::byte b) { return b == std::byte{0}; });
}

bool write_byte(const SharedPages& pages, std::size_t at) {
  const std::byte value{7};
  return static_cast<bool>(pages.file().write_at(at, {&value, 1}));
}

TEST(SharedPages, ShowTheParentWhatAChildWrote) {
  const PageShelf shelf;
  const SharedPages pages = taken(shelf);
  EXPECT_EQ(pages.size(), bytes);
  EXPECT_TRUE(all_zero(pages));
  ASSERT_TRUE(in_child([&] {
    if (!write_byte(pages, 9 * page_size)) _exit(1);
  }));
  EXPECT_EQ(pages.bytes()[9 * page_size], std::byte{7});
}

// A stray write in a child finds nothing there: the kernel, asked to write to that place, has no such address.
TEST(SharedPages, AreNotMappedInAChild) {
  const PageShelf shelf;
  const SharedPages pages = taken(shelf);
  std::byte own{};
  const auto reads_into = [&](std::byte* place) { return pread(pages.file().fd(), place, 1, 0) == 1; };
  EXPECT_TRUE(reads_into(pages.begin())) << "the control: the parent has it";
  EXPECT_TRUE(in_child([&] {
    if (!reads_into(&own) || reads_into(pages.begin()) || errno != EFAULT) _exit(1);
  }));
}

TEST(SharedPages, TakenAgainAreTheSameMemoryAndZeros) {
  const PageShelf shelf;
  const std::byte* first = nullptr;
  {
    const SharedPages pages = taken(shelf);
    first = pages.begin();
    ASSERT_TRUE(in_child([&] {
      for (const std::size_t at : {std::size_t{0}, 7 * page_size + 9, bytes - 1}) {
        if (!write_byte(pages, at)) _exit(1);
      }
    }));
    EXPECT_FALSE(all_zero(pages)) << "the control: there is something to clear";
  }
  const SharedPages again = taken(shelf, "test pages", bytes - page_size);
  EXPECT_EQ(again.begin(), first);
  EXPECT_EQ(again.size(), bytes - page_size);
  EXPECT_TRUE(all_zero(again));
}

TEST(SharedPages, ServeOneUseAtATime) {
  const PageShelf shelf;
  const SharedPages one = taken(shelf), two = taken(shelf), other = taken(shelf, "another use");
  EXPECT_NE(one.begin(), two.begin());
  EXPECT_NE(one.begin(), other.begin());
  one.bytes()[0] = std::byte{1};
  EXPECT_TRUE(all_zero(two));
}

std::uint64_t inode_of(const SharedPages& pages) {
  struct stat status {};
  EXPECT_EQ(fstat(pages.file().fd(), &status), 0);
  return status.st_ino;
}

TEST(SharedPages, ThatAreTooSmallAreNotTakenAgain) {
  const PageShelf shelf;
  { taken(shelf).bytes()[0] = std::byte{1}; }
  const SharedPages larger = taken(shelf, "test pages", 2 * bytes);
  EXPECT_EQ(larger.size(), 2 * bytes);
  EXPECT_TRUE(all_zero(larger));
}

TEST(SharedPages, AShelfThatStartsOverTakesNothingBack) {
  PageShelf shelf;
  const std::uint64_t first = inode_of(taken(shelf));
  EXPECT_EQ(inode_of(taken(shelf)), first) << "the control: the same file otherwise";
  {
    const SharedPages with_a_survivor = taken(shelf);
    shelf.start_over();
  }
  EXPECT_NE(inode_of(taken(shelf)), first);
}

TEST(SharedPages, KeepTheirLengthWhateverAChildTries) {
  const PageShelf shelf;
  const SharedPages pages = taken(shelf);
  pages.bytes()[bytes - 1] = std::byte{3};
  EXPECT_FALSE(pages.file().resize(page_size));
  EXPECT_FALSE(pages.file().resize(2 * bytes));
  EXPECT_EQ(pages.bytes()[bytes - 1], std::byte{3}) << "the parent's look at it does not fault";
}

TEST(SharedPages, OutliveTheirShelf) {
  SharedPages pages;
  EXPECT_TRUE(pages.bytes().empty());
  {
    const PageShelf shelf;
    pages = taken(shelf);
  }
  pages.bytes()[0] = std::byte{1};
  EXPECT_EQ(pages.bytes()[0], std::byte{1});
}

}  // namespace
}  // namespace dumpsim
