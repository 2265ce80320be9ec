// SPDX-License-Identifier: Apache-2.0
// Instructions of ring 0 and reads of KUSER_SHARED_DATA, executed by this test's own code as a driver would, inside the
// gate. The control of each: without Ring0 the same code is a fault.
#include "machine/ring0.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <immintrin.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dumpfile/memory_source.hpp"
#include "machine/gate.hpp"
#include "machine/instruction.hpp"

namespace dumpsim::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t user = shared_user_address;

class Ring0Test : public ::testing::Test {
 public:
  void SetUp() override {
    const std::vector<dumpfile::PageRun> runs{{0, 16}};
    auto memory = PhysicalMemory::create(runs, std::shared_ptr(dumpfile::zero_source()), {});
    auto stack = GuestStack::create(64 * 1024);
    ASSERT_TRUE(memory && stack);
    machine_ = std::make_unique<Machine>(Machine{std::move(*memory)});
    stack_ = *std::move(stack);
    gate_ = std::make_unique<Gate>(stack_);
    auto trap = FaultTrap::install(*gate_, {.context = this, .resolve = resolve}, std::chrono::nanoseconds(0));
    ASSERT_TRUE(trap) << trap.error().message;
    trap_ = *std::move(trap);
    auto ring0 = Ring0::create(*machine_, SystemFacts{.major = 10, .minor = 0, .build = 19045, .processors = 2},
                               {.context = this, .on_instruction = note, .on_irql = set_irql});
    ASSERT_TRUE(ring0) << ring0.error().message;
    ring0_ = *std::move(ring0);
  }

  CallResult run(std::function<void()> code) {
    const std::uint64_t arguments[] = {reinterpret_cast<std::uintptr_t>(&code)};
    return gate_->call(Convention::system_v, reinterpret_cast<const void*>(&entry), arguments);
  }
  void goes_through(std::function<void()> code) {
    EXPECT_TRUE(run(std::move(code)).returned) << describe(trap_->last());
  }
  FaultReport fault(std::function<void()> code) {
    const CallResult result = run(std::move(code));
    EXPECT_FALSE(result.returned);
    EXPECT_EQ(result.value, FaultTrap::reason);
    return trap_->last();
  }

  std::unique_ptr<Machine> machine_;
  GuestStack stack_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<FaultTrap> trap_;
  std::unique_ptr<Ring0> ring0_;
  std::vector<std::string> told_;
  std::vector<std::string> foreign_;
  Ring0::Done done_ = Ring0::Done::no;

 private:
  static void entry(std::function<void()>* code) { (*code)(); }
  static bool resolve(void* context, FaultReport& report, void* ucontext) {
    auto* self = static_cast<Ring0Test*>(context);
    if (!self->ring0_) return false;
    self->done_ = self->ring0_->emulate(ucontext, report);
    return self->done_ == Ring0::Done::resumed;
  }
  static void note(void* context, std::string_view words, bool foreign) {
    auto* self = static_cast<Ring0Test*>(context);
    (foreign ? self->foreign_ : self->told_).emplace_back(words);
  }
  static void set_irql(void* context, std::uint8_t irql) {
    static_cast<Ring0Test*>(context)->machine_->processor.irql = irql;
  }
};

TEST_F(Ring0Test, GsLeadsToTheControlRegion) {
  std::uint64_t self = 0;
  std::uint64_t prcb = 0;
  std::uint64_t thread = 0;
  std::uint8_t number = 0xFF;
  asm volatile("movq %%gs:0x18, %0" : "=r"(self));
  asm volatile("movq %%gs:0x20, %0" : "=r"(prcb));
  asm volatile("movq %%gs:0x188, %0" : "=r"(thread));
  asm volatile("movb %%gs:0x184, %0" : "=r"(number));
  EXPECT_EQ(self, control_region_base);
  EXPECT_EQ(prcb, control_region_base + 0x180);
  EXPECT_EQ(thread, reinterpret_cast<std::uint64_t>(machine_->processor.initial_thread()));
  EXPECT_EQ(number, 0);
  machine_->processor.set_current_thread(this);
  asm volatile("movq %%gs:0x188, %0" : "=r"(thread));
  EXPECT_EQ(thread, reinterpret_cast<std::uint64_t>(this));
}

TEST_F(Ring0Test, Cr8IsTheIrql) {
  machine_->processor.irql = 2;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  goes_through([&] {
    asm volatile("movq %%cr8, %%r13; movq %%r13, %0" : "=r"(before)::"r13");
    asm volatile("movq %0, %%cr8" ::"r"(std::uint64_t{15}));
    asm volatile("movq %%cr8, %0" : "=r"(after));
  });
  EXPECT_EQ(before, 2u);
  EXPECT_EQ(after, 15u);
  EXPECT_EQ(machine_->processor.irql, 15);
  EXPECT_THAT(told_, ElementsAre("read cr8 = 0x2", "write cr8 = 0xf", "read cr8 = 0xf"));
  EXPECT_THAT(foreign_, IsEmpty());
}

TEST_F(Ring0Test, Cr8TakesNoMoreThanFifteen) {
  const FaultReport report = fault([] { asm volatile("movq %0, %%cr8" ::"r"(std::uint64_t{16})); });
  EXPECT_EQ(report.kind, FaultKind::privileged_instruction);
  EXPECT_EQ(machine_->processor.irql, 0);
}

TEST_F(Ring0Test, InterruptsAreAFlag) {
  goes_through([] { asm volatile("cli"); });
  EXPECT_FALSE(machine_->processor.interrupts);
  goes_through([] { asm volatile("sti"); });
  EXPECT_TRUE(machine_->processor.interrupts);
  EXPECT_THAT(told_, ElementsAre("cli", "sti"));
}

TEST_F(Ring0Test, ModelSpecificRegistersOfWindowsAnswerOthersAreTold) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  const auto read = [&](std::uint32_t index) {
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (std::uint64_t{high} << 32) | low;
  };
  std::uint64_t gs = 0;
  std::uint64_t kernel_gs = 1;
  std::uint64_t odd = 1;
  std::uint64_t written = 0;
  goes_through([&] {
    gs = read(0xC0000101);
    kernel_gs = read(0xC0000102);
    odd = read(0x1234);
    asm volatile("wrmsr" ::"a"(0x55u), "d"(0x66u), "c"(0x1234u));
    written = read(0x1234);
  });
  EXPECT_EQ(gs, control_region_base);
  EXPECT_EQ(kernel_gs, 0u);
  EXPECT_EQ(odd, 0u);
  EXPECT_EQ(written, 0x6600000055u);
  EXPECT_THAT(told_, ElementsAre("rdmsr 0xc0000101", "rdmsr 0xc0000102", "rdmsr 0x1234"));
  EXPECT_THAT(foreign_, ElementsAre("rdmsr 0x1234", "wrmsr 0x1234"));
}

TEST_F(Ring0Test, PortsAreAnEmptyBus) {
  std::uint64_t narrow = 0x1122334455667700;
  std::uint64_t wide = ~std::uint64_t{0};
  goes_through([&] {
    asm volatile("inb $0x60, %%al" : "+a"(narrow));
    asm volatile("inl %%dx, %%eax" : "+a"(wide) : "d"(0xCF8));
    asm volatile("outw %%ax, $0x70" ::"a"(0x1234));
  });
  EXPECT_EQ(narrow, 0x11223344556677FFu);
  EXPECT_EQ(wide, 0xFFFFFFFFu);
  EXPECT_THAT(foreign_,
              ElementsAre("in from port 0x60 = 0xff", "in from port 0xcf8 = 0xffffffff", "out to port 0x70 = 0x1234"));
}

TEST_F(Ring0Test, HaltWaitsForTheClockAndForNothingElse) {
  machine_->clock.now = 5;
  goes_through([] { asm volatile("hlt"); });
  EXPECT_EQ(machine_->clock.now, 156250u);
  machine_->processor.irql = high_level;
  fault([] { asm volatile("hlt"); });
  EXPECT_EQ(done_, Ring0::Done::stopped);
}

TEST_F(Ring0Test, ControlAndDebugRegistersHoldWhatIsWritten) {
  std::uint64_t cr0 = 0;
  std::uint64_t again = 0;
  std::uint64_t dr7 = 0;
  goes_through([&] {
    asm volatile("movq %%cr0, %0" : "=r"(cr0));
    asm volatile("movq %0, %%cr0" ::"r"(cr0 & ~std::uint64_t{0x10000}));
    asm volatile("movq %%cr0, %0" : "=r"(again));
    asm volatile("movq %%dr7, %0" : "=r"(dr7));
    asm volatile("wbinvd");
  });
  EXPECT_EQ(cr0, 0x80050033u);
  EXPECT_EQ(again, 0x80040033u);
  EXPECT_EQ(dr7, 0x400u);
  EXPECT_THAT(foreign_, ElementsAre("write control register 0x0 = 0x80040033"));
}

TEST_F(Ring0Test, WhatIsNotSimulatedFaultsByName) {
  static std::array<std::uint8_t, 16> table{};
  const struct {
    std::function<void()> code;
    const char* name;
  } all[] = {
      {[] { asm volatile("lgdt (%0)" ::"r"(table.data())
                         : "memory"); }, "lgdt"},
      {[] { asm volatile("swapgs"); }, "swapgs"},
      {[] { asm volatile("clts"); }, "clts"},
      {[] { asm volatile("ltr %%ax" ::"a"(0)); }, "ltr"},
      {[] {
         asm volatile("insb" ::: "memory");
       },
       "insb"},
  };
  for (const auto& one : all) {
    const FaultReport report = fault(one.code);
    EXPECT_EQ(report.kind, FaultKind::privileged_instruction) << one.name;
    EXPECT_THAT(describe(report), HasSubstr(one.name));
  }
}

TEST_F(Ring0Test, InterruptsBySoftwareAreToldApart) {
  EXPECT_EQ(fault([] { asm volatile("int $0x29" ::"c"(6)); }).kind, FaultKind::fast_fail);
  EXPECT_EQ(trap_->last().code, 6u);
  EXPECT_EQ(fault([] { asm volatile("int3"); }).code, 3u);
  EXPECT_EQ(fault([] { asm volatile("int $0x2c"); }).code, 0x2cu);
  EXPECT_EQ(fault([] { asm volatile("int $0x2d"); }).code, 0x2du);
  EXPECT_EQ(trap_->last().kind, FaultKind::breakpoint);
}

// ---- KUSER_SHARED_DATA ----

TEST_F(Ring0Test, TheSharedPageIsReadByManyInstructions) {
  std::uint32_t by_move = 0;
  std::uint32_t by_offset = 0;
  std::uint32_t into_its_base = 0;
  std::uint64_t low_byte = 0;
  std::uint64_t added = 100;
  bool equal = false;
  std::uint32_t absolute = 0;
  __m128i vector{};
  std::uint8_t high_byte = 0;
  goes_through([&] {
    asm volatile("movl (%1), %0" : "=r"(by_move) : "r"(user + 0x26C));
    asm volatile("movl 0x26c(%1,%2,4), %0" : "=r"(by_offset) : "r"(user - 40), "r"(std::uint64_t{10}));
    asm volatile("movq %1, %%rcx; movl (%%rcx), %%ecx; movl %%ecx, %0"
                 : "=r"(into_its_base)
                 : "r"(user + 0x26C)
                 : "rcx");
    std::uint64_t base = user + 0x26C;
    asm volatile("movb (%0), %b0" : "+q"(base));
    low_byte = base;
    asm volatile("addl (%1), %k0" : "+r"(added) : "r"(user + 0x26C) : "cc");
    asm volatile("cmpl $10, (%1); sete %0" : "=q"(equal) : "r"(user + 0x26C) : "cc");
    asm volatile("movabsl 0xfffff7800000026c, %%eax" : "=a"(absolute));
    asm volatile("movdqu (%1), %0" : "=x"(vector) : "r"(user + 0x26C));
    asm volatile("movb (%1), %%ah; movb %%ah, %0" : "=q"(high_byte) : "r"(user + 0x26C) : "rax");
  });
  EXPECT_EQ(by_move, 10u);
  EXPECT_EQ(by_offset, 10u);
  EXPECT_EQ(into_its_base, 10u);
  EXPECT_EQ(low_byte, ((user + 0x26C) & ~std::uint64_t{0xFF}) | 10);
  EXPECT_EQ(added, 110u);
  EXPECT_TRUE(equal);
  EXPECT_EQ(absolute, 10u);
  EXPECT_EQ(_mm_cvtsi128_si32(vector), 10);
  EXPECT_EQ(high_byte, 10);
  EXPECT_EQ(told_.size(), 9u);
  EXPECT_THAT(told_.front(), "read KUSER_SHARED_DATA.NtMajorVersion");
}

TEST_F(Ring0Test, StringInstructionsReadTheSharedPageToo) {
  std::array<char16_t, 11> root{};
  std::uint64_t left = 1;
  std::uint64_t source = user + 0x30;
  goes_through([&] {
    void* to = root.data();
    left = 20;
    asm volatile("rep movsb" : "+S"(source), "+D"(to), "+c"(left)::"memory");
  });
  EXPECT_EQ(std::u16string_view(root.data()), u"C:\\Windows");
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(source, user + 0x30 + 20);
  EXPECT_THAT(told_, ElementsAre("read KUSER_SHARED_DATA.NtSystemRoot"));
}

TEST_F(Ring0Test, TheLibrarysOwnCopyReadsTheSharedPageAsWell) {
#if !defined(__SANITIZE_ADDRESS__)
  char text[20] = {};
  const void* volatile from = reinterpret_cast<const void*>(user + 0x30);
  goes_through([&] { std::memcpy(text, from, sizeof text); });
  EXPECT_EQ(std::memcmp(text, u"C:\\Windows", sizeof text), 0);
#endif
}

TEST_F(Ring0Test, ItsClocksMoveWhenTheyAreLookedAt) {
  machine_->clock.now = 156250 * 7 - 1;
  std::array<std::uint32_t, 3> ticks{};
  std::uint32_t system = 0;
  goes_through([&] {
    for (std::uint32_t& one : ticks) asm volatile("movl (%1), %0" : "=r"(one) : "r"(user + 0x320));
    asm volatile("movl (%1), %0" : "=r"(system) : "r"(user + 0x14));
  });
  EXPECT_THAT(ticks, ElementsAre(7, 7, 7));
  EXPECT_EQ(machine_->clock.now, 156250 * 7 + 3u);
  EXPECT_EQ(system, static_cast<std::uint32_t>(boot_filetime + 156250 * 7));
}

TEST_F(Ring0Test, FlagsAndRegistersAreUntouchedByTheDetour) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  std::uint64_t rax = 0x1111;
  std::uint64_t rcx = 0x2222;
  goes_through([&] {
    asm volatile("stc; pushfq; popq %0; movl (%4), %%edx; pushfq; popq %1"
                 : "=&r"(before), "=&r"(after), "+a"(rax), "+c"(rcx)
                 : "r"(user + 0x26C)
                 : "rdx", "cc", "memory");
  });
  EXPECT_EQ(before & 0xCD5, after & 0xCD5);
  EXPECT_EQ(rax, 0x1111u);
  EXPECT_EQ(rcx, 0x2222u);
}

TEST_F(Ring0Test, AWriteToTheSharedPageFaults) {
  const FaultReport report = fault([] { asm volatile("movl $1, (%0)" ::"r"(user + 0x26C) : "memory"); });
  EXPECT_EQ(report.kind, FaultKind::access);
  EXPECT_EQ(report.access, FaultAccess::write);
  EXPECT_EQ(report.address, user + 0x26C);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(Ring0Test, ReadsBesideTheSharedPageFault) {
  for (const std::uint64_t address : {user - 8, user + 4096, user + 4094}) {
    const FaultReport report = fault([&] { asm volatile("movl (%0), %%eax" ::"r"(address) : "rax"); });
    EXPECT_EQ(report.kind, FaultKind::access);
    EXPECT_EQ(report.access, FaultAccess::read);
  }
}

TEST_F(Ring0Test, ACopyThatFaultsOnItsOtherSideIsReportedWhereItWasWritten) {
  std::uint64_t at = 0;
  const FaultReport report = fault([&] {
    std::uint64_t source = user + 0x30;
    std::uint64_t to = 0x18;
    std::uint64_t count = 4;
    asm volatile("leaq 1f(%%rip), %%rax; movq %%rax, %3; 1: rep movsb"
                 : "+S"(source), "+D"(to), "+c"(count), "=m"(at)::"rax", "memory");
  });
  EXPECT_EQ(report.access, FaultAccess::write);
  EXPECT_EQ(report.address, 0x18u);
  EXPECT_EQ(report.registers.rip, at);
}

TEST_F(Ring0Test, WithoutTheProcessorTheSameCodeFaults) {
  ring0_.reset();
  EXPECT_EQ(fault([] { asm volatile("cli"); }).kind, FaultKind::privileged_instruction);
  EXPECT_EQ(fault([] { asm volatile("movl (%0), %%eax" ::"r"(user) : "rax"); }).address, user);
}

TEST(RefusedInstruction, IsDecodedAtTheVeryEndOfAPage) {
  auto* page =
      static_cast<std::uint8_t*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  ASSERT_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
  page[4095] = 0xFA;
  EXPECT_EQ(decode_refused(page + 4095).what, Refused::clear_interrupts);
  const std::uint8_t move[] = {0x44, 0x0F, 0x20, 0xC0};  // mov rax, cr8
  std::memcpy(page + 4092, move, sizeof move);
  const RefusedInstruction refused = decode_refused(page + 4092);
  EXPECT_EQ(refused.what, Refused::read_control);
  EXPECT_EQ(refused.number, 8);
  EXPECT_EQ(refused.gpr, 0);
  EXPECT_EQ(refused.length, 4);
  munmap(page, 8192);
}

}  // namespace
}  // namespace dumpsim::machine
