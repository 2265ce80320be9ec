// SPDX-License-Identifier: Apache-2.0
// Frames undone by hand-made tables: every unwind code, in the prologue, the body and the epilogue, and tables that
// make no sense.
#include "machine/unwind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace dumpsim::machine {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t base = 0x140000000;
constexpr std::uint32_t code_at = 0x1000, table_at = 0x2000, other_at = 0x2200, image_bytes = 0x3000;
constexpr std::uint64_t stack_at = 0x700000;
constexpr std::uint64_t return_address = 0x1234;
constexpr Gpr rsi = static_cast<Gpr>(6), rdi = static_cast<Gpr>(7), r12 = static_cast<Gpr>(12);

constexpr std::uint16_t code(unsigned offset, unsigned operation, unsigned argument) {
  return static_cast<std::uint16_t>(offset | operation << 8 | argument << 12);
}

/// An image of one function of 0x100 bytes, and a stack.
class World final : public Memory {
 public:
  World() : image_(image_bytes), stack_(0x400) {
    for (std::size_t i = 0; i < 0x100; ++i) image_[code_at + i] = std::byte{0x90};
    for (std::size_t i = 0; i + 8 <= stack_.size(); i += 8) push(stack_at + i, 0xAA00 + i);
    context_.gpr[gpr_rsp] = stack_at;
    context_.rip = base + code_at + 0x80;
  }
  bool read(std::uint64_t address, std::span<std::byte> into) const override {
    const auto from = [&](const std::vector<std::byte>& bytes, std::uint64_t begin) {
      if (address < begin || address - begin > bytes.size() || into.size() > bytes.size() - (address - begin)) {
        return false;
      }
      std::memcpy(into.data(), bytes.data() + (address - begin), into.size());
      return true;
    };
    return from(image_, base) || from(stack_, stack_at);
  }
  World& put(std::uint32_t at, const std::string& bytes) {
    std::memcpy(image_.data() + at, bytes.data(), bytes.size());
    return *this;
  }
  World& push(std::uint64_t at, std::uint64_t value) {
    std::memcpy(stack_.data() + (at - stack_at), &value, sizeof value);
    return *this;
  }
  /// UNWIND_INFO; `tail` follows the codes, aligned.
  World& table(std::uint32_t at, unsigned version, unsigned flags, unsigned prologue, unsigned frame,
               std::vector<std::uint16_t> codes, std::vector<std::uint32_t> tail = {}) {
    std::string bytes = {static_cast<char>(version | flags << 3), static_cast<char>(prologue),
                         static_cast<char>(codes.size()), static_cast<char>(frame)};
    if (codes.size() % 2 == 1) codes.push_back(0);
    bytes.append(reinterpret_cast<const char*>(codes.data()), codes.size() * 2);
    bytes.append(reinterpret_cast<const char*>(tail.data()), tail.size() * 4);
    return put(at, bytes);
  }
  World& at(std::uint32_t offset) {
    context_.rip = base + code_at + offset;
    return *this;
  }
  std::string undo(HandlerKind wanted = HandlerKind::none, FunctionRow row = {code_at, code_at + 0x100, table_at}) {
    const std::vector<FunctionRow> rows = {row};
    const char* wrong = unwind_frame(*this, {base, image_bytes, rows}, row, wanted, context_, frame_, &places_);
    return wrong == nullptr ? "" : wrong;
  }
  Context& context() { return context_; }
  const UnwoundFrame& frame() const { return frame_; }
  const SavedPlaces& places() const { return places_; }
  std::uint64_t word(std::uint64_t offset) const { return 0xAA00 + offset; }

 private:
  std::vector<std::byte> image_, stack_;
  Context context_;
  UnwoundFrame frame_;
  SavedPlaces places_;
};

TEST(Unwind, FindsTheRowOfAnAddress) {
  const std::vector<FunctionRow> rows = {{0x1000, 0x1010, 1}, {0x1020, 0x1030, 2}};
  const UnwindImage image{base, image_bytes, rows};
  EXPECT_EQ(find_function(image, base + 0xFFF), nullptr);
  EXPECT_EQ(find_function(image, base + 0x1000), &rows[0]);
  EXPECT_EQ(find_function(image, base + 0x100F), &rows[0]);
  EXPECT_EQ(find_function(image, base + 0x1010), nullptr);
  EXPECT_EQ(find_function(image, base + 0x102F), &rows[1]);
  EXPECT_EQ(find_function(image, base - 1), nullptr);
  EXPECT_EQ(find_function(image, base + image_bytes), nullptr);
}

// push rdi; push rsi; sub rsp, 0x28
std::vector<std::uint16_t> pushes() {
  return {code(6, 2, 4), code(2, 0, rsi), code(1, 0, rdi)};
}

TEST(Unwind, PushesAndASmallAllocation) {
  World world;
  world.table(table_at, 1, 0, 6, 0, pushes()).push(stack_at + 0x38, return_address);
  EXPECT_EQ(world.undo(), "");
  EXPECT_EQ(world.context().gpr[rsi], world.word(0x28));
  EXPECT_EQ(world.context().gpr[rdi], world.word(0x30));
  EXPECT_EQ(world.context().rip, return_address);
  EXPECT_EQ(world.context().rsp(), stack_at + 0x40);
  EXPECT_EQ(world.frame().establisher, stack_at);
  EXPECT_EQ(world.places().gpr[rsi], stack_at + 0x28);
  EXPECT_EQ(world.places().gpr[gpr_rbx], 0u);
}

TEST(Unwind, InThePrologueOnlyWhatHasHappened) {
  World world;
  world.table(table_at, 1, 1, 6, 0, pushes(), {code_at}).at(1).push(stack_at + 8, return_address);
  EXPECT_EQ(world.undo(HandlerKind::exception), "");
  EXPECT_EQ(world.context().gpr[rdi], world.word(0));
  EXPECT_EQ(world.context().gpr[rsi], 0u);
  EXPECT_EQ(world.context().rip, return_address);
  EXPECT_EQ(world.frame().handler, 0u) << "no handler is called for a fault in the prologue";
}

TEST(Unwind, LargeAllocationsOfBothForms) {
  World world;
  world.table(table_at, 1, 0, 7, 0, {code(7, 1, 0), 0x108 / 8}).push(stack_at + 0x108, return_address);
  EXPECT_EQ(world.undo(), "");
  EXPECT_EQ(world.context().rip, return_address);
  World wide;
  wide.table(table_at, 1, 0, 7, 0, {code(7, 1, 1), 0x200, 0}).push(stack_at + 0x200, return_address);
  EXPECT_EQ(wide.undo(), "");
  EXPECT_EQ(wide.context().rip, return_address);
}

TEST(Unwind, AFramePointerLeadsBackWhateverTheStackPointerIs) {
  World world;
  world.context().gpr[gpr_rbp] = stack_at + 0x60;
  world.table(table_at, 1, 0, 10, 5 | 2 << 4, {code(10, 3, 0), code(5, 2, 9), code(1, 0, gpr_rbp)})
      .push(stack_at + 0x98, return_address);
  EXPECT_EQ(world.undo(), "");
  EXPECT_EQ(world.frame().establisher, stack_at + 0x40);
  EXPECT_EQ(world.context().gpr[gpr_rbp], world.word(0x90));
  EXPECT_EQ(world.context().rip, return_address);
}

TEST(Unwind, SavedRegistersNearAndFar) {
  World world;
  world
      .table(table_at, 1, 0, 0x30, 0,
             {code(0x30, 9, 7), 0x80, 0, code(0x28, 8, 6), 0x70 / 16, code(0x20, 5, r12), 0x60, 0,
              code(0x10, 4, gpr_rbx), 0x50 / 8, code(4, 1, 0), 0x100 / 8})
      .push(stack_at + 0x100, return_address);
  EXPECT_EQ(world.undo(), "");
  EXPECT_EQ(world.context().gpr[gpr_rbx], world.word(0x50));
  EXPECT_EQ(world.context().gpr[r12], world.word(0x60));
  EXPECT_EQ(world.context().xmm[6].low, world.word(0x70));
  EXPECT_EQ(world.context().xmm[6].high, world.word(0x78));
  EXPECT_EQ(world.context().xmm[7].low, world.word(0x80));
  EXPECT_EQ(world.places().xmm[7], stack_at + 0x80);
  EXPECT_EQ(world.context().rip, return_address);
}

TEST(Unwind, AMachineFrameHasNoReturnAddress) {
  for (const unsigned error : {0u, 1u}) {
    World world;
    const std::uint64_t frame = stack_at + 8 + error * 8;
    world.table(table_at, 1, 0, 1, 0, {code(1, 2, 0), code(0, 10, error)})
        .push(frame, 0x5555)
        .push(frame + 24, stack_at + 0x300);
    EXPECT_EQ(world.undo(), "");
    EXPECT_EQ(world.context().rip, 0x5555u);
    EXPECT_EQ(world.context().rsp(), stack_at + 0x300);
  }
}

TEST(Unwind, AnEpilogueIsReadFromItsInstructions) {
  struct Case {
    std::string bytes;
    unsigned at;
    std::uint64_t rsp;
  };
  const std::string release("\x48\x83\xc4\x28\x5e\x5f\xc3", 7);
  const std::string tail("\x48\x83\xc4\x28\x5e\x5f\xe9\x00\x10\x00\x00", 11);
  const std::string rep("\x5e\x5f\xf3\xc3", 4);
  const std::string through("\x5e\x5f\x48\xff\x25\x00\x00\x00\x00", 9);
  for (const Case& one : {Case{release, 0, 0x40}, Case{release, 4, 0x18}, Case{release, 5, 0x10}, Case{release, 6, 8},
                          Case{tail, 0, 0x40}, Case{tail, 6, 8}, Case{rep, 0, 0x18}, Case{through, 0, 0x18}}) {
    World world;
    world.table(table_at, 1, 1, 6, 0, pushes(), {code_at}).put(code_at + 0x80, one.bytes).at(0x80 + one.at);
    world.push(stack_at + one.rsp - 8, return_address);
    EXPECT_EQ(world.undo(HandlerKind::exception), "");
    EXPECT_EQ(world.context().rip, return_address) << one.at;
    EXPECT_EQ(world.context().rsp(), stack_at + one.rsp) << one.at;
    EXPECT_EQ(world.frame().handler, 0u);
  }
  // The same by lea from the frame register; and a jump within the function is none.
  World framed;
  framed.context().gpr[gpr_rbp] = stack_at + 0x60;
  framed.table(table_at, 1, 0, 10, 5 | 2 << 4, {code(10, 3, 0), code(5, 2, 9), code(1, 0, gpr_rbp)})
      .put(code_at + 0x80, "\x48\x8d\x65\x30\x5d\xc3")
      .push(stack_at + 0x98, return_address);
  EXPECT_EQ(framed.undo(), "");
  EXPECT_EQ(framed.context().gpr[gpr_rbp], framed.word(0x90));
  EXPECT_EQ(framed.context().rip, return_address);
  World within;
  within.table(table_at, 1, 0, 6, 0, pushes()).put(code_at + 0x80, "\xeb\x10").push(stack_at + 0x38, return_address);
  EXPECT_EQ(within.undo(), "");
  EXPECT_EQ(within.context().rip, return_address);
}

TEST(Unwind, VersionTwoListsItsEpilogues) {
  // At the end of the function, three bytes from the first pop on; another one 0x40 bytes before the end.
  const std::vector<std::uint16_t> codes = {code(3, 6, 1), code(0x40, 6, 0), code(6, 2, 4), code(2, 0, rsi),
                                            code(1, 0, rdi)};
  const std::string pops("\x5e\x5f\xc3", 3);
  for (const unsigned at : {0xFDu, 0xC0u}) {
    World world;
    world.table(table_at, 2, 0, 6, 0, codes).put(code_at + at, pops).at(at).push(stack_at + 0x10, return_address);
    EXPECT_EQ(world.undo(), "");
    EXPECT_EQ(world.context().rip, return_address) << at;
    EXPECT_EQ(world.context().gpr[rsi], world.word(0));
  }
  // The same instructions where none is listed are the body's, and a padding slot is no code.
  World body;
  body.table(table_at, 2, 0, 6, 0, {code(3, 6, 1), 0, code(6, 2, 4), code(2, 0, rsi), code(1, 0, rdi)})
      .put(code_at + 0x80, pops)
      .push(stack_at + 0x38, return_address);
  EXPECT_EQ(body.undo(), "");
  EXPECT_EQ(body.context().rip, return_address);
}

TEST(Unwind, ChainedTablesAreUndoneOneAfterTheOther) {
  World world;
  world.table(table_at, 1, 4, 4, 0, {code(4, 4, gpr_rbx), 2}, {code_at, code_at + 0x100, other_at})
      .table(other_at, 1, 2, 6, 0, pushes(), {code_at + 0x40})
      .push(stack_at + 0x38, return_address);
  EXPECT_EQ(world.undo(HandlerKind::termination), "");
  EXPECT_EQ(world.context().gpr[gpr_rbx], world.word(0x10));
  EXPECT_EQ(world.context().gpr[rdi], world.word(0x30));
  EXPECT_EQ(world.context().rip, return_address);
  EXPECT_EQ(world.frame().handler, base + code_at + 0x40) << "of the last in the chain";
}

TEST(Unwind, HandlersOfTheWantedKind) {
  World world;
  world.table(table_at, 1, 1, 6, 0, pushes(), {code_at + 0x20});
  EXPECT_EQ(world.undo(HandlerKind::termination), "");
  EXPECT_EQ(world.frame().handler, 0u);
  World asked;
  asked.table(table_at, 1, 1, 6, 0, pushes(), {code_at + 0x20});
  EXPECT_EQ(asked.undo(HandlerKind::exception), "");
  EXPECT_EQ(asked.frame().handler, base + code_at + 0x20);
  EXPECT_EQ(asked.frame().handler_data, base + table_at + 4 + 8 + 4);
}

TEST(Unwind, TablesThatMakeNoSenseSayWhy) {
  const auto wrong = [](auto change, FunctionRow row = {code_at, code_at + 0x100, table_at}) {
    World world;
    change(world);
    return world.undo(HandlerKind::exception, row);
  };
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 3, 0, 0, 0, {}); }), HasSubstr("unknown version"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 12, 0)}); }),
              HasSubstr("unknown unwind code"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 1, 2), 0}); }), HasSubstr("no known way"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 5, 3), 0}); }), HasSubstr("in the middle"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 0, gpr_rsp)}); }),
              HasSubstr("pushes the stack pointer"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 3, 0)}); }), HasSubstr("no such register"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 0, 0, 0, {code(0, 10, 2)}); }), HasSubstr("machine frame"));
  EXPECT_THAT(wrong([](World& w) { w.table(table_at, 1, 1, 0, 0, {}, {image_bytes}); }),
              HasSubstr("a handler outside"));
  EXPECT_THAT(wrong([](World& w) {
                w.table(table_at, 1, 4, 0, 0, {}, {code_at, code_at + 1, table_at});
              }),
              HasSubstr("in a circle"));
  EXPECT_THAT(wrong([](World& w) {
                w.table(table_at, 1, 0, 0, 0, {code(0, 1, 1), 0xFFFF, 0x7FFF});
              }),
              HasSubstr("ends before a return address"));
  EXPECT_THAT(wrong([](World&) {}, {code_at, code_at + 0x100, image_bytes - 2}), HasSubstr("outside the image"));
  EXPECT_THAT(wrong([](World&) {}, {code_at, code_at + 0x100, image_bytes | 1}), HasSubstr("leads outside"));
}

TEST(Unwind, WhateverTheBytesItEnds) {
  Random random(7);
  for (int round = 0; round < 20000; ++round) {
    World world;
    std::string table(64, '\0');
    for (char& byte : table) byte = static_cast<char>(random.next());
    table[0] = static_cast<char>((table[0] & 0xF8) | (1 + (random.next() & 1)));
    std::string instructions(48, '\0');
    for (char& byte : instructions) byte = static_cast<char>(random.next());
    world.put(table_at, table).put(code_at + 0x80, instructions);
    for (std::uint64_t& value : world.context().gpr) value = stack_at + random.next() % 0x400;
    world.undo(HandlerKind::exception);
  }
}

}  // namespace
}  // namespace dumpsim::machine
