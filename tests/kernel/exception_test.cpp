// SPDX-License-Identifier: Apache-2.0
// Exceptions as far as no driver's frames are needed: what raises what, what nobody handles, and looking at tables.
// What handlers do with them is told by the scenario tests/variants/seh.toml, in every way of building.
#include "kernel/trap.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using trace::Kind;

class ExceptionTest : public KernelTest {
 public:
  /// The status that `code` raises.
  NTSTATUS raised(std::function<void()> code) {
    return static_cast<NTSTATUS>(bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, std::move(code))[0]);
  }
};

TEST_P(ExceptionTest, WhatRaisesWhat) {
  EXPECT_EQ(raised([&] { K(ExRaiseStatus)(STATUS_UNSUCCESSFUL); }), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(raised([&] { K(RtlRaiseStatus)(STATUS_CANCELLED); }), STATUS_CANCELLED);
  EXPECT_EQ(raised([&] { K(ExRaiseAccessViolation)(); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(raised([&] { K(ExRaiseDatatypeMisalignment)(); }), STATUS_DATATYPE_MISALIGNMENT);
  EXPECT_EQ(raised([&] { K(DbgBreakPoint)(); }), STATUS_BREAKPOINT);
  EXPECT_EQ(raised([&] {
              EXCEPTION_RECORD record{};
              record.ExceptionCode = STATUS_INTEGER_OVERFLOW;
              record.NumberParameters = 1000;
              K(RtlRaiseException)(&record);
            }),
            STATUS_INTEGER_OVERFLOW);
}

TEST_P(ExceptionTest, AboveDispatchLevelItIsAnotherBugcheckWithItsInformation) {
  set_irql(HIGH_LEVEL);
  const auto parameters = bugcheck_of(KMODE_EXCEPTION_NOT_HANDLED, [&] {
    EXCEPTION_RECORD record{};
    record.ExceptionCode = STATUS_ACCESS_VIOLATION;
    record.NumberParameters = 2;
    record.ExceptionInformation[0] = 1;
    record.ExceptionInformation[1] = 0x18;
    K(RtlRaiseException)(&record);
  });
  EXPECT_EQ(static_cast<NTSTATUS>(parameters[0]), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(parameters[2], 1u);
  EXPECT_EQ(parameters[3], 0x18u);
}

TEST_P(ExceptionTest, ProbesLetUserAddressesPassAndNothingElse) {
  const auto address = [](std::uint64_t value) { return reinterpret_cast<PVOID>(value); };
  K(ProbeForRead)(address(0x10000), 64, 4);
  K(ProbeForRead)(address(user_probe_address - 1), 1, 1);
  K(ProbeForRead)(address(0xFFFF800000000001), 0, 8);  // nothing is asked of no bytes
  void* block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, 1);
  EXPECT_EQ(raised([&] { K(ProbeForRead)(address(0x10002), 64, 4); }), STATUS_DATATYPE_MISALIGNMENT);
  EXPECT_EQ(raised([&] { K(ProbeForRead)(block, 16, 1); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(raised([&] { K(ProbeForRead)(address(0xFFFF800000000000), 1, 1); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(raised([&] { K(ProbeForRead)(address(user_probe_address - 1), 2, 1); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(raised([&] { K(ProbeForRead)(address(0x10000), ~SIZE_T{0}, 1); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(raised([&] { K(ProbeForWrite)(block, 16, 1); }), STATUS_ACCESS_VIOLATION);
  K(ExFreePool)(block);
}

/// An image in memory with one function: push rbx; sub rsp, 0x20; …
struct Tables {
  RUNTIME_FUNCTION row{0x40, 0x60, {0x20}};
  std::uint8_t padding[0x20 - sizeof(RUNTIME_FUNCTION)]{};
  std::uint8_t unwind[0x20] = {0x01 | UNW_FLAG_EHANDLER << 3, 5, 2, 0, 5, 0x32, 1, 0x30, 0x40, 0, 0, 0};
  std::uint8_t code[0x40]{};
};

TEST_P(ExceptionTest, LooksAtTables) {
  alignas(16) static Tables image_bytes;
  const auto base = reinterpret_cast<std::uint64_t>(&image_bytes);
  kernel().register_image(image, "dump_x", &image_bytes, sizeof image_bytes, Convention::microsoft,
                          std::as_bytes(std::span(&image_bytes.row, 1)));
  ULONG64 found = 0;
  EXPECT_EQ(K(RtlLookupFunctionEntry)(base + 0x48, &found, nullptr), &image_bytes.row);
  EXPECT_EQ(found, base);
  EXPECT_EQ(K(RtlLookupFunctionEntry)(base + 0x60, &found, nullptr), nullptr);
  EXPECT_EQ(K(RtlLookupFunctionEntry)(0x1000, &found, nullptr), nullptr);
  PVOID at = nullptr;
  EXPECT_EQ(K(RtlPcToFileHeader)(image_bytes.code, &at), &image_bytes);
  EXPECT_EQ(at, &image_bytes);
  EXPECT_EQ(K(RtlPcToFileHeader)(&found, &at), nullptr);

  std::uint64_t stack[8] = {0, 0, 0, 0, 0xB0B, 0x1234, 0, 0};
  CONTEXT context{};
  context.Rsp = reinterpret_cast<std::uint64_t>(stack);
  PVOID data = nullptr;
  ULONG64 establisher = 0;
  KNONVOLATILE_CONTEXT_POINTERS pointers{};
  const PEXCEPTION_ROUTINE handler = K(RtlVirtualUnwind)(UNW_FLAG_EHANDLER, base, base + 0x50, &image_bytes.row,
                                                         &context, &data, &establisher, &pointers);
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(handler), base + 0x40);
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(data), base + 0x20 + 4 + 4 + 4);
  EXPECT_EQ(establisher, reinterpret_cast<std::uint64_t>(stack));
  EXPECT_EQ(context.Rbx, 0xB0Bu);
  EXPECT_EQ(context.Rip, 0x1234u);
  EXPECT_EQ(context.Rsp, reinterpret_cast<std::uint64_t>(stack + 6));
  EXPECT_EQ(pointers.IntegerContext[3], &stack[4]);
  image_bytes.unwind[0] = 0x07;
  EXPECT_EQ(raised([&] {
              K(RtlVirtualUnwind)(0, base, base + 0x50, &image_bytes.row, &context, &data, &establisher, nullptr);
            }),
            STATUS_BAD_FUNCTION_TABLE);
  image_bytes.unwind[0] = 0x01 | UNW_FLAG_EHANDLER << 3;
  kernel().forget_image(image);
}

TEST_P(ExceptionTest, AStackWithoutDriversHasNoBacktrace) {
  PVOID frames[4] = {};
  ULONG hash = 7;
  USHORT count = 7;
  in_driver([&] { count = K(RtlCaptureStackBackTrace)(0, 4, frames, &hash); });
  EXPECT_EQ(count, 0);
  EXPECT_EQ(hash, 0u);
}

TEST_P(ExceptionTest, WhoeverCalledGoesOnAsItselfWhenTheRoutineIsUnwound) {
  static Kernel* unwinding;
  static std::uint64_t target;
  struct Inner {
    static void run() {
      unwinding->forget_below(target);
      unwinding->gate().leave(9);
    }
  };
  constexpr std::uint16_t other = 4;
  static const char entry = 0;
  unwinding = &kernel();
  in_driver([&] {
    target = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    Context& context = kernel().context();
    context.entry = &entry;
    context.entry_irql = APC_LEVEL;
    set_irql(HIGH_LEVEL);
    EXPECT_FALSE(kernel()
                     .call_routine({.code = reinterpret_cast<const void*>(&Inner::run),
                                    .callback = trace::Callback::dispatch,
                                    .image = other,
                                    .convention = Convention::system_v,
                                    .callers_end = true},
                                   {})
                     .returned);
    set_irql(PASSIVE_LEVEL);
    EXPECT_EQ(context.image, image);
    EXPECT_EQ(context.callback, trace::Callback::driver_entry);
    EXPECT_EQ(context.entry, &entry);
    EXPECT_EQ(context.entry_irql, APC_LEVEL);
    EXPECT_EQ(context.exceptions.calls, nullptr);
  });
  const std::vector<Noted> left = noted(Kind::callback_left);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].record.image, other);
  EXPECT_EQ(left[0].record.status, static_cast<std::int32_t>(STATUS_UNWIND));
}

DUMPSIM_BOTH_CONVENTIONS(ExceptionTest);

}  // namespace
}  // namespace dumpsim::kernel::test
