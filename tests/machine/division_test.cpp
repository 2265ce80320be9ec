// SPDX-License-Identifier: Apache-2.0
// Divisors in every place an instruction can have them.
#include "machine/division.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace dumpsim::machine {
namespace {

class DivisionTest : public ::testing::Test {
 public:
  /// Of the instruction with these bytes.
  bool by_zero(std::vector<std::uint8_t> code) {
    code.resize(32, 0x90);
    report_.kind = FaultKind::arithmetic;
    report_.registers.rip = reinterpret_cast<std::uint64_t>(code.data());
    return divided_by_zero(report_);
  }
  FaultReport::Registers& registers() { return report_.registers; }

 private:
  FaultReport report_;
};

TEST_F(DivisionTest, ARegisterAsWideAsTheDivisionIs) {
  registers().rcx = 0xFFFFFFFF;
  EXPECT_FALSE(by_zero({0xF7, 0xF9})) << "idiv ecx";
  registers().rcx = 0x100000000;
  EXPECT_TRUE(by_zero({0xF7, 0xF9})) << "idiv ecx: what stands above it is no part of it";
  EXPECT_FALSE(by_zero({0x48, 0xF7, 0xF9})) << "idiv rcx";
  EXPECT_TRUE(by_zero({0x66, 0xF7, 0xF1})) << "div cx";
  registers().rbx = 0x100;
  EXPECT_TRUE(by_zero({0xF6, 0xF3})) << "div bl";
  EXPECT_FALSE(by_zero({0xF6, 0xF7})) << "div bh";
  registers().r12 = 3;
  EXPECT_FALSE(by_zero({0x49, 0xF7, 0xFC})) << "idiv r12";
}

TEST_F(DivisionTest, MemoryByEveryRoute) {
  std::int32_t values[4] = {0, -1, 0, 7};
  registers().rsp = reinterpret_cast<std::uint64_t>(values);
  EXPECT_TRUE(by_zero({0xF7, 0x3C, 0x24})) << "idiv dword [rsp]";
  EXPECT_FALSE(by_zero({0xF7, 0x7C, 0x24, 0x04})) << "idiv dword [rsp+4]";
  registers().rdi = registers().rsp;
  registers().rax = 3;
  EXPECT_FALSE(by_zero({0xF7, 0x3C, 0x87})) << "idiv dword [rdi+rax*4]";
  registers().rax = 2;
  EXPECT_TRUE(by_zero({0xF7, 0x3C, 0x87}));
  EXPECT_TRUE(
      by_zero({0xF7, 0x3D, 0x0A, 0, 0, 0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0, 0, 0, 0}))
      << "idiv dword [rip+10]";
  EXPECT_FALSE(
      by_zero({0xF7, 0x3D, 0x0A, 0, 0, 0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 5, 0, 0, 0}));
}

TEST_F(DivisionTest, WhatCannotBeToldCountsAsZero) {
  registers().rcx = 1;
  EXPECT_TRUE(by_zero({0x48, 0x89, 0xC8})) << "mov rax, rcx";
  EXPECT_TRUE(by_zero({0x06})) << "no instruction";
  registers().rdi = 0x10;
  EXPECT_TRUE(by_zero({0xF7, 0x3F})) << "its operand is nowhere";
  FaultReport nowhere;
  nowhere.registers.rip = 0x10;
  EXPECT_TRUE(divided_by_zero(nowhere));
}

}  // namespace
}  // namespace dumpsim::machine
