// SPDX-License-Identifier: Apache-2.0
// Which sections are accessible at which IRQL, as locks and MmPageEntireDriver have it.
#include "machine/driver_sections.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <string>

#include "base/mapping.hpp"

namespace dumpsim::machine {
namespace {

class DriverSectionsTest : public testing::Test {
 protected:
  static constexpr std::size_t page = 4096;
  void SetUp() override {
    auto mapping = Mapping::shared(4 * page);
    ASSERT_TRUE(mapping);
    memory_ = *std::move(mapping);
    const auto pages = [this](std::size_t first, std::size_t count) {
      return std::span(memory_.begin() + first * page, count * page);
    };
    const std::array sections{DriverSection{".text", pages(0, 1), PROT_READ, false},
                              DriverSection{"PAGE", pages(1, 2), PROT_READ | PROT_WRITE, true},
                              DriverSection{"PAGECONS", pages(3, 1), PROT_READ, true}};
    sections_.add(7, sections);
  }
  /// "r-w-" page by page, as /proc/self/maps has it: '-' inaccessible, 'r' read-only, 'w' writable.
  std::string pages() {
    std::string text;
    for (std::size_t i = 0; i < 4; ++i) text += access(memory_.begin() + i * page);
    return text;
  }
  static char access(const std::byte* at) {
    std::FILE* maps = std::fopen("/proc/self/maps", "re");
    char found = '?';
    char line[512];
    unsigned long begin = 0, end = 0;
    char read = 0, write = 0;
    while (std::fgets(line, sizeof line, maps) != nullptr) {
      if (std::sscanf(line, "%lx-%lx %c%c", &begin, &end, &read, &write) != 4) continue;
      const auto address = reinterpret_cast<unsigned long>(at);
      if (address >= begin && address < end) found = write == 'w' ? 'w' : read == 'r' ? 'r' : '-';
    }
    std::fclose(maps);
    return found;
  }
  std::byte* at(std::size_t page_number) { return memory_.begin() + page_number * page; }

  Mapping memory_;
  DriverSections sections_;
};

TEST_F(DriverSectionsTest, PageableOnesAreGoneFromDispatchLevelOn) {
  sections_.at_irql(1);
  EXPECT_EQ(pages(), "wwww") << "nothing was changed: as the loader left them";
  sections_.at_irql(2);
  EXPECT_EQ(pages(), "w---");
  sections_.at_irql(15);
  EXPECT_EQ(pages(), "w---");
  sections_.at_irql(0);
  EXPECT_EQ(pages(), "wwwr") << "with the protection the section has";
}

TEST_F(DriverSectionsTest, WhatWasPagedInStaysUntilTheIrqlFalls) {
  sections_.at_irql(15);
  auto* row = sections_.at(at(2) + 5);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->section.name, "PAGE");
  EXPECT_TRUE(row->paged_out);
  sections_.page_in(*row);
  EXPECT_EQ(pages(), "www-");
  sections_.at_irql(15);
  EXPECT_EQ(pages(), "www-");
  sections_.at_irql(0);
  sections_.at_irql(2);
  EXPECT_EQ(pages(), "w---");
}

TEST_F(DriverSectionsTest, LocksAreCounted) {
  auto& row = *sections_.at(at(1));
  sections_.lock(row);
  sections_.lock(row);
  sections_.at_irql(15);
  EXPECT_EQ(pages(), "www-");
  sections_.unlock(row);
  EXPECT_EQ(pages(), "www-");
  sections_.unlock(row);
  EXPECT_EQ(pages(), "w---");
  sections_.unlock(row);
  sections_.lock(row);
  EXPECT_EQ(pages(), "www-") << "one unlock too many counts for nothing; a lock brings it in";
}

TEST_F(DriverSectionsTest, AWholeDriverCanBePaged) {
  EXPECT_TRUE(sections_.make_pageable(at(0)));
  sections_.at_irql(2);
  EXPECT_EQ(pages(), "----");
  EXPECT_TRUE(sections_.reset_paging(at(3)));
  EXPECT_EQ(pages(), "r---");
  EXPECT_FALSE(sections_.make_pageable(&sections_));
}

TEST_F(DriverSectionsTest, WhatIsForgottenIsLeftAlone) {
  sections_.forget(8);
  sections_.at_irql(2);
  EXPECT_EQ(pages(), "w---");
  sections_.at_irql(0);
  sections_.forget(7);
  sections_.at_irql(2);
  EXPECT_EQ(pages(), "wwwr");
  EXPECT_EQ(sections_.at(at(1)), nullptr);
}

TEST_F(DriverSectionsTest, BlocksOfPagedPoolAreNoSections) {
  sections_.forget(7);
  const std::span<std::byte> block(at(1), page);
  ASSERT_TRUE(sections_.add_pool(7, "pool#1", block));
  EXPECT_FALSE(sections_.make_pageable(at(1))) << "not of an image";
  sections_.at_irql(2);
  EXPECT_EQ(pages()[1], '-');
  sections_.page_in_at(at(1) + 5);
  EXPECT_EQ(pages()[1], 'w');
  sections_.at_irql(0);
  sections_.at_irql(2);
  EXPECT_EQ(pages()[1], '-');
  sections_.forget(7);
  ASSERT_NE(sections_.at(at(1)), nullptr) << "it is not the image's";
  sections_.forget_pool(at(1));
  EXPECT_EQ(pages()[1], 'w');
  EXPECT_EQ(sections_.at(at(1)), nullptr);
  for (std::size_t i = 0; i < DriverSections::pool_limit; ++i) ASSERT_TRUE(sections_.add_pool(7, "", block));
  EXPECT_FALSE(sections_.add_pool(7, "", block)) << "each costs something wherever the IRQL crosses";
  sections_.clear();
}

}  // namespace
}  // namespace dumpsim::machine
