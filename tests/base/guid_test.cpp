// SPDX-License-Identifier: Apache-2.0
#include "base/guid.hpp"

#include <gtest/gtest.h>

namespace dumpsim {
namespace {

TEST(Guid, IsWrittenAsWindowsDoesAndReadBack) {
  const std::array<std::byte, 16> guid{std::byte{0x40}, std::byte{0x5A}, std::byte{0x75}, std::byte{0x65},
                                       std::byte{0x46}, std::byte{0xF1}, std::byte{0xEA}, std::byte{0x43},
                                       std::byte{0x8C}, std::byte{0x91}, std::byte{0x36}, std::byte{0xB8},
                                       std::byte{0x57}, std::byte{0x28}, std::byte{0xFD}, std::byte{0x35}};
  const std::string text = "{65755a40-f146-43ea-8c91-36b85728fd35}";
  EXPECT_EQ(format_guid(guid), text);
  EXPECT_EQ(*parse_guid(text), guid);
  EXPECT_EQ(*parse_guid("65755A40-F146-43EA-8C91-36B85728FD35"), guid);
  for (const char* wrong : {"", "{}", "{65755a40-f146-43ea-8c91-36b85728fd3}", "{65755a40-f146-43ea-8c91-36b85728fd35",
                            "65755a40f146-43ea-8c91-36b85728fd35-", "g5755a40-f146-43ea-8c91-36b85728fd35",
                            "{65755a40-f146-43ea-8c91-36b85728fd35}}"}) {
    EXPECT_FALSE(parse_guid(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace dumpsim
