// SPDX-License-Identifier: Apache-2.0
// A driver may call an export with next to no stack left, and what has been passed over is written down just then:
// wherever the stack ends in that, nothing that was recorded is lost. AddressSanitizer does not know of this stack.
#if !defined(__SANITIZE_ADDRESS__)
#include <alloca.h>
#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sample.hpp"
#include "trace/reader.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::trace {
namespace {

constexpr std::size_t stack_bytes = 24 * 1024;
constexpr std::size_t guard_bytes = 16 * 1024;

/// What the handler and the code on the small stack share.
struct World {
  Recorder* recorder = nullptr;
  std::byte* stack = nullptr;
  std::size_t left = 0;  ///< of the stack when the export is called
  bool overflowed = false;
  sigjmp_buf out;
  ucontext_t host, guest;
} world;

void on_fault(int, siginfo_t* fault, void*) {
  const auto* at = static_cast<const std::byte*>(fault->si_addr);
  if (at < world.stack - guard_bytes || at >= world.stack) _exit(9);
  world.recorder->violation(0, Callback::write, Rule::stack_overflow, "no stack is left", {.offset = 0x10});
  world.overflowed = true;
  siglongjmp(world.out, 1);
}

[[gnu::noinline]] void call_export() {
  world.recorder->kernel_call(0, 15, 9, 0, "MmIsAddressValid(pool#1)");
}

[[gnu::noinline]] void in_driver() {
  const auto used = static_cast<std::size_t>(static_cast<std::byte*>(__builtin_frame_address(0)) - world.stack);
  volatile auto* const locals = static_cast<volatile char*>(alloca(used - world.left));
  locals[0] = 1;
  call_export();
}

TEST(RecorderOnASmallStack, LosesNothingWhereverTheStackEnds) {
  constexpr std::uint64_t steps = 100;
  void* const memory =
      mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory, guard_bytes, PROT_NONE), 0);
  world.stack = static_cast<std::byte*>(memory) + guard_bytes;
  std::vector<std::byte> other(std::size_t{64} << 10);
  stack_t handlers{}, before{};
  handlers.ss_sp = other.data();
  handlers.ss_size = other.size();
  using Action = struct sigaction;
  Action act = {};
  act.sa_sigaction = on_fault;
  act.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  Action old;
  ASSERT_EQ(sigaltstack(&handlers, &before), 0);
  ASSERT_EQ(sigaction(SIGSEGV, &act, &old), 0);
  std::size_t overflows = 0;
  for (world.left = 96; world.left < 2048; world.left += 8) {
    SCOPED_TRACE(std::to_string(world.left) + " bytes left");
    const test::Block block(256 << 10);
    std::uint64_t clock = 0;
    Recorder recorder(block.bytes(), &clock, {.images = 2, .call_runs = 16, .sites = 4});
    Recorder parents = recorder;
    world.recorder = &recorder;
    for (std::uint64_t i = 0; i < steps; ++i) test::write_step(recorder, i * 4096, 4096);
    recorder.begin_step();
    recorder.callback_entered(0, Callback::write, 15, 4096, steps * 4096, test::mdl_mapped, 1);
    world.overflowed = false;
    if (sigsetjmp(world.out, 1) == 0) {
      getcontext(&world.guest);
      world.guest.uc_stack.ss_sp = world.stack;
      world.guest.uc_stack.ss_size = stack_bytes;
      world.guest.uc_link = &world.host;
      makecontext(&world.guest, in_driver, 0);
      swapcontext(&world.host, &world.guest);
    }
    overflows += world.overflowed ? 1 : 0;
    EXPECT_TRUE(parents.catch_up());
    const auto view = TraceView::open(block.bytes());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->writes().count, steps);
    std::uint64_t entered = 0;
    view->unfolded(UINT64_MAX, [&](const Event& event) {
      entered += event.record.kind == Kind::callback_entered ? 1 : 0;
      return true;
    });
    EXPECT_EQ(entered, steps + 1);
    ASSERT_EQ(view->calls().size(), 2u);
    EXPECT_EQ(view->calls()[0].count, steps);
    EXPECT_EQ(view->calls()[1].count, 0u) << "entered and never left";
  }
  EXPECT_GT(overflows, 20u) << "the control: some of these stacks end";
  EXPECT_LT(overflows, 200u) << "and some do not";
  sigaction(SIGSEGV, &old, nullptr);
  sigaltstack(&before, nullptr);
  munmap(memory, guard_bytes + stack_bytes);
}

}  // namespace
}  // namespace dumpsim::trace
#endif
