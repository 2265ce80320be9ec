// SPDX-License-Identifier: Apache-2.0
// Addresses in words: the same in every run, as exact as the place they are for allows.
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

class WordsTest : public KernelTest {};
INSTANTIATE_TEST_SUITE_P(Conventions, WordsTest, ::testing::Values(Convention::system_v), convention_name);

const void* at(std::uintptr_t address) {
  return reinterpret_cast<const void*>(address);
}

TEST_P(WordsTest, EveryRegionHasAName) {
  auto* block = static_cast<std::byte*>(K(ExAllocatePoolWithTag)(NonPagedPool, 100, 1));
  auto* contiguous = static_cast<std::byte*>(K(MmAllocateContiguousMemory)(8192, PHYSICAL_ADDRESS{.QuadPart = -1}));
  auto* freed = static_cast<std::byte*>(K(ExAllocatePoolWithTag)(NonPagedPool, 32, 1));
  K(ExFreePool)(freed);
  const std::array<std::byte, 8> bytes{};
  const std::byte* shown = kernel().memory().show_bytes(bytes, 0x200);
  static const std::byte image_bytes[64] = {};
  kernel().register_image(5, "dump_xor", image_bytes, sizeof image_bytes);
  const struct {
    const void* address;
    std::string words;
  } rows[] = {{nullptr, "null"},
              {at(0x1B0), "null+0x1b0"},
              {block, "pool#1"},
              {block + 99, "pool#1+0x63"},
              {contiguous + 0x1000, "contiguous#1+0x1000"},
              {freed + 8, "freed pool#2+0x8"},
              {at(machine::arena_base + 0x100000), "arena+0x100000"},
              {kernel().memory().address_of(3) + 0x10, "ram pfn 0x3+0x10"},
              {shown, "window+0x200"},
              {image_bytes + 0x12, "image dump_xor+0x12"},
              {&rows, "host"},
              {at(0x600000000000), "unmapped"},
              {at(0xFFFFF78000000014), "unmapped"}};
  for (const auto& row : rows) EXPECT_EQ(kernel().words(row.address), row.words);
}

TEST_P(WordsTest, WhatACompilerDecidesStaysOutOfTraces) {
  static const std::byte image_bytes[64] = {};
  kernel().register_image(5, "dump_xor", image_bytes, sizeof image_bytes);
  EXPECT_EQ(kernel().words(image_bytes + 8, Words::full), "image dump_xor+0x8");
  EXPECT_EQ(kernel().words(image_bytes + 8, Words::printed), "image dump_xor+0x8");
  EXPECT_EQ(kernel().words(image_bytes + 8, Words::canonical), "image dump_xor");
  std::string full, printed, canonical;
  in_driver([&] {
    int local = 0;
    full = kernel().words(&local, Words::full);
    printed = kernel().words(&local, Words::printed);
    canonical = kernel().words(&local, Words::canonical);
  });
  EXPECT_EQ(full.substr(0, 8), "stack+0x");
  EXPECT_EQ(printed, "stack");
  EXPECT_EQ(canonical, "stack");
  kernel().forget_image(5);
  EXPECT_EQ(kernel().words(image_bytes), "host");
}

TEST_P(WordsTest, NumbersAreNotTakenForAddresses) {
  void* block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, 1);
  EXPECT_TRUE(kernel().is_address(reinterpret_cast<std::uintptr_t>(block)));
  EXPECT_TRUE(kernel().is_address(reinterpret_cast<std::uintptr_t>(this)));
  EXPECT_TRUE(kernel().is_address(0x7F1234567890));
  for (const std::uint64_t number :
       {0ULL, 0x1000ULL, 0xFFFFFFFFULL, 0x7FFFFFFFFFFULL, 0x7FFFFFFFFFFFULL, ~0ULL, 0xFFFFF80012345678ULL}) {
    EXPECT_FALSE(kernel().is_address(number)) << std::hex << number;
  }
}

TEST_P(WordsTest, ShortRoomCutsTheText) {
  char text[6];
  EXPECT_EQ(kernel().words(at(0x1B0), text), 6u);
  EXPECT_EQ(std::string_view(text, 6), "null+0");
  EXPECT_EQ(kernel().words(at(0x1B0), std::span<char>()), 0u);
}

}  // namespace
}  // namespace dumpsim::kernel::test
