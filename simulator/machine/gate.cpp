// SPDX-License-Identifier: Apache-2.0
// The host's half of the gate: stacks, frames and the sanitizer's view of the change of stacks. The frame of a call
// lives in call()'s own frame, on the stack that made the call; a thread-local pointer leads the assembly back to it,
// because after a driver returned no register can be trusted to.
#include "machine/gate.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cassert>
#include <cerrno>
#include <cstring>

#include "machine/gate_layout.h"

#if defined(__SANITIZE_ADDRESS__)
#define DUMPSIM_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPSIM_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef DUMPSIM_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace dumpsim::machine {

struct GateFrame {
  void* host_rsp;
  void* guest_rsp;  ///< before: the stack's top or nullptr to go on below the caller; after: the driver's first rsp
  std::uint32_t mxcsr;
  std::uint32_t mxcsr_after;
  std::uint16_t x87;
  std::uint16_t x87_after;
  std::uint32_t changed;
  std::uint64_t left;
  const void* entry;
  const std::uint64_t* arguments;  ///< Arguments::limit of them
  GateFrame* previous;             ///< of this thread
  GateFrame* outer;                ///< of this gate
  Gate* gate;
};

static_assert(offsetof(GateFrame, host_rsp) == GATE_HOST_RSP);
static_assert(offsetof(GateFrame, guest_rsp) == GATE_GUEST_RSP);
static_assert(offsetof(GateFrame, mxcsr) == GATE_MXCSR);
static_assert(offsetof(GateFrame, mxcsr_after) == GATE_MXCSR_AFTER);
static_assert(offsetof(GateFrame, x87) == GATE_X87);
static_assert(offsetof(GateFrame, x87_after) == GATE_X87_AFTER);
static_assert(offsetof(GateFrame, changed) == GATE_CHANGED);
static_assert(offsetof(GateFrame, left) == GATE_LEFT);
static_assert(offsetof(GateFrame, entry) == GATE_ENTRY);
static_assert(offsetof(GateFrame, arguments) == GATE_ARGUMENTS);
static_assert(changed_rbx == GATE_CHANGED_RBX && changed_rbp == GATE_CHANGED_RBP && changed_rdi == GATE_CHANGED_RDI);
static_assert(changed_rsi == GATE_CHANGED_RSI && changed_r12 == GATE_CHANGED_R12 && changed_r13 == GATE_CHANGED_R13);
static_assert(changed_r14 == GATE_CHANGED_R14 && changed_r15 == GATE_CHANGED_R15 && changed_xmm == GATE_CHANGED_XMM);
static_assert(changed_mxcsr == GATE_CHANGED_MXCSR && changed_x87 == GATE_CHANGED_X87);
static_assert(changed_direction == GATE_CHANGED_DIRECTION && changed_rsp == GATE_CHANGED_RSP);

extern "C" {
// The assembly reads it with the initial-exec model, so a signal handler may too.
__attribute__((visibility("hidden"), tls_model("initial-exec"))) thread_local GateFrame* dumpsim_gate_current = nullptr;
std::uint64_t dumpsim_gate_system_v(GateFrame* frame);
std::uint64_t dumpsim_gate_microsoft(GateFrame* frame);
[[noreturn]] void dumpsim_gate_leave(GateFrame* frame, std::uint64_t reason);
void dumpsim_gate_switch(void** rest, void* go_on);
void dumpsim_gate_begin();
}

namespace {

// Below the arena; the sanitizer's larger ones need more room and lie below the control region.
constexpr std::uintptr_t first_stack = GuestStack::growth == 1 ? 0x1ff000000000 : 0x1f0000000000;
constexpr std::size_t stack_limit = std::size_t{16} << 20;
constexpr std::size_t stack_slot_bytes = 2 * stack_limit * GuestStack::growth;
// Up to the arena, or to the control region: as many either way.
constexpr std::size_t stack_slots = 0xe00000000 * GuestStack::growth / stack_slot_bytes;
constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t canary = 0xc0dec0dec0dec0deULL;

std::uint32_t read_mxcsr() {
  std::uint32_t word = 0;
  asm volatile("stmxcsr %0" : "=m"(word));
  return word;
}

std::uint16_t read_x87() {
  std::uint16_t word = 0;
  asm volatile("fnstcw %0" : "=m"(word));
  return word;
}

Result<Mapping> reserve(std::size_t bytes) {
  Result<Mapping> mapping = Error{};
  for (std::size_t slot = 0; slot < stack_slots; ++slot) {
    mapping = Mapping::at(first_stack + slot * stack_slot_bytes, bytes, PROT_NONE);
    if (mapping) return mapping;
  }
  return mapping;
}

}  // namespace

Result<GuestStack> GuestStack::create(std::size_t bytes) {
  if (bytes == 0 || bytes > stack_limit) {
    return Error{fmt::format("cannot make a kernel stack of {} bytes: expected 1 to {}", bytes, stack_limit)};
  }
  bytes = (bytes * growth + page_bytes - 1) / page_bytes * page_bytes;
  Result<Mapping> mapping = reserve(guard_bytes + bytes);
  if (!mapping) return Error{fmt::format("cannot make a kernel stack: {}", mapping.error().message)};
  GuestStack stack;
  stack.mapping_ = *std::move(mapping);
  stack.low_ = stack.mapping_.begin() + guard_bytes;
  stack.bytes_ = bytes;
  if (mprotect(stack.low_, bytes, PROT_READ | PROT_WRITE) != 0) {
    return Error{fmt::format("cannot open a kernel stack of {} bytes: {}", bytes, std::strerror(errno))};
  }
  return stack;
}

__attribute__((no_sanitize("address"))) std::size_t GuestStack::high_water() const {
  if (!armed_) return 0;
  const auto* word = reinterpret_cast<const std::uint64_t*>(low());
  const auto* const end = reinterpret_cast<const std::uint64_t*>(high());
  // Eight at a time, a cache line, as long as all of them are.
  for (std::uint64_t different = 0; end - word >= 8; word += 8) {
    for (std::size_t i = 0; i < 8; ++i) different |= word[i] ^ canary;
    if (different != 0) break;
  }
  while (word != end && *word == canary) ++word;
  return static_cast<std::size_t>(end - word) * sizeof canary;
}

__attribute__((no_sanitize("address"))) void GuestStack::arm_high_water() const {
  auto* word = reinterpret_cast<std::uint64_t*>(low());
  auto* const end = reinterpret_cast<std::uint64_t*>(high());
  for (; word != end; ++word) *word = canary;
  armed_ = true;
}

Gate::Gate(GuestStack& stack) : main_(stack), host_mxcsr_(read_mxcsr()), host_x87_(read_x87()) {}

// Inlined into both callers would keep two copies of the frame alive under the sanitizer, where there are two.
#ifdef DUMPSIM_ADDRESS_SANITIZER
__attribute__((noinline))
#else
[[gnu::always_inline]] inline
#endif
CallResult
Gate::call_on_stack(Convention convention, const void* entry, const Arguments& arguments, void* stack_top) {
  GateFrame frame;
  frame.guest_rsp = stack_top;
  frame.left = 0;
  frame.entry = entry;
  frame.arguments = arguments.data();
  frame.previous = dumpsim_gate_current;
  frame.gate = this;
  frame.outer = innermost_;
  if (frame.outer == nullptr) [[likely]] {
    // Reading MXCSR takes 3.5 ns, more than the rest of an outermost call: there the host's own value is expected back.
    frame.mxcsr = host_mxcsr_;
    frame.x87 = host_x87_;
    if (running_ == &main_) outermost_ = &frame;
  } else {
    frame.mxcsr = read_mxcsr();
    frame.x87 = read_x87();
  }
  innermost_ = &frame;
  dumpsim_gate_current = &frame;
  const std::uint64_t value =
      convention == Convention::system_v ? dumpsim_gate_system_v(&frame) : dumpsim_gate_microsoft(&frame);
  // Found by the frame alone: what was kept in registers over the call would be saved here as well as by the assembly.
  Gate& gate = *frame.gate;
  // Inner calls that were left did not get here: this restores for them too. What a strand's first call found may have
  // been a frame of a call from the host that is over.
  const bool on_main = gate.running_ == &gate.main_;
  dumpsim_gate_current = frame.outer == nullptr && !on_main ? gate.outermost_ : frame.previous;
  gate.innermost_ = frame.outer;
  if (gate.outermost_ == &frame) gate.outermost_ = nullptr;
#ifdef DUMPSIM_ADDRESS_SANITIZER
  if (frame.left != 0) {
    if (gate.crossed_) __sanitizer_finish_switch_fiber(gate.main_.fake_stack_, nullptr, nullptr);
    // The frames that were left never ran their epilogues, which would have cleared the shadow of their locals.
    const std::byte* const low = gate.stack().low();
    __asan_unpoison_memory_region(low, static_cast<std::size_t>(static_cast<std::byte*>(frame.guest_rsp) - low));
  }
  gate.crossed_ = false;
#endif
  return CallResult{value, frame.changed, frame.left == 0};
}

#ifdef DUMPSIM_ADDRESS_SANITIZER

// AddressSanitizer must hear of a change of stacks from both of its sides. So the outermost call enters the guest stack
// with this function of the host's first, and the driver is called from here as any inner call is: leaving then ends on
// the guest stack again, and both changes are made here, in pairs, whatever the driver does.
struct GateFiber {
  Gate* gate;
  Convention convention;
  const void* entry;
  const Arguments& arguments;
  CallResult result;
  const void* host_stack = nullptr;
  std::size_t host_stack_bytes = 0;

  __attribute__((no_sanitize("address"))) static void run(GateFiber* fiber) {
    __sanitizer_finish_switch_fiber(nullptr, &fiber->host_stack, &fiber->host_stack_bytes);
    fiber->call();
    __sanitizer_start_switch_fiber(nullptr, fiber->host_stack, fiber->host_stack_bytes);
  }
  void call() {
    gate->innermost_ = nullptr;  // the driver's call is the outermost that can be left
    result = gate->call_on_stack(convention, entry, arguments, nullptr);
  }
};

CallResult Gate::call(Convention convention, const void* entry, const Arguments& arguments) {
  assert(entry != nullptr);
  if (active()) return call_on_stack(convention, entry, arguments, nullptr);
  GateFiber fiber{this, convention, entry, arguments, {}};
  const std::uint64_t argument[1] = {reinterpret_cast<std::uint64_t>(&fiber)};
  void* fake_stack = nullptr;
  const GuestStack& stack = main_.stack();
  __sanitizer_start_switch_fiber(&fake_stack, stack.low(), static_cast<std::size_t>(stack.high() - stack.low()));
  call_on_stack(Convention::system_v, reinterpret_cast<const void*>(&GateFiber::run), argument, stack.high());
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  return fiber.result;
}

#else

CallResult Gate::call(Convention convention, const void* entry, const Arguments& arguments) {
  assert(entry != nullptr);
  return call_on_stack(convention, entry, arguments, active() ? nullptr : main_.stack().high());
}

#endif

// ---- strands ----

namespace {

/// What dumpsim_gate_switch leaves on the stack of one that rests.
struct Resting {
  std::uint32_t mxcsr;
  std::uint16_t x87;
  std::uint16_t padding;
  std::uint64_t r15, r14, r13, r12, rbx, rbp;
  std::uint64_t rip;
  std::uint64_t top[2];  // a frame chain and a return address that end here
};

}  // namespace

__attribute__((no_sanitize("address"))) void Strand::run(Start* start) {
#ifdef DUMPSIM_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  start->body(start->context);
}

__attribute__((no_sanitize("address"))) void Gate::prepare(Strand& strand, void (*body)(void* context), void* context) {
  assert(&strand != running_ && &strand != &main_);
  const GuestStack& stack = strand.stack();
#ifdef DUMPSIM_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(stack.low(), static_cast<std::size_t>(stack.high() - stack.low()));
#endif
  strand.start_ = {body, context};
  strand.innermost_ = nullptr;
  strand.fake_stack_ = nullptr;
  auto* const at = reinterpret_cast<Resting*>(stack.high() - sizeof(Resting));
  *at = Resting{};
  at->mxcsr = host_mxcsr_;
  at->x87 = host_x87_;
  at->rbx = reinterpret_cast<std::uint64_t>(&Strand::run);
  at->r12 = reinterpret_cast<std::uint64_t>(&strand.start_);
  at->rip = reinterpret_cast<std::uint64_t>(&dumpsim_gate_begin);
  static_assert(offsetof(Resting, rip) == 56 && sizeof(Resting) % 16 == 0);
  strand.rests_at_ = at;
}

void Gate::switch_to(Strand& to) {
  assert(active() && &to != running_ && to.rests_at_ != nullptr);
  Strand& from = *running_;
  from.innermost_ = innermost_;
  from.current_ = dumpsim_gate_current;
  innermost_ = to.innermost_;
  // A strand outside of any call of its own is reached from the host's.
  dumpsim_gate_current = innermost_ == nullptr && &to != &main_ ? outermost_ : to.current_;
  running_ = &to;
  void* const go_on = to.rests_at_;
  to.rests_at_ = nullptr;
#ifdef DUMPSIM_ADDRESS_SANITIZER
  const GuestStack& stack = to.stack();
  __sanitizer_start_switch_fiber(&from.fake_stack_, stack.low(), static_cast<std::size_t>(stack.high() - stack.low()));
#endif
  dumpsim_gate_switch(&from.rests_at_, go_on);
#ifdef DUMPSIM_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(from.fake_stack_, nullptr, nullptr);
#endif
}

/// Before control jumps to a frame of the main strand's. Async-signal-safe.
void Gate::go_to_main() {
  if (running_ == &main_) return;
#ifdef DUMPSIM_ADDRESS_SANITIZER
  const GuestStack& stack = main_.stack();
  __sanitizer_start_switch_fiber(nullptr, stack.low(), static_cast<std::size_t>(stack.high() - stack.low()));
#endif
  running_ = &main_;
  main_.rests_at_ = nullptr;
  crossed_ = true;
}

void Gate::leave(std::uint64_t reason) {
  assert(active() && innermost_ != nullptr);
  dumpsim_gate_leave(innermost_, reason);
}

void Gate::leave_all(std::uint64_t reason) {
  assert(active());
  go_to_main();
  dumpsim_gate_leave(outermost_, reason);
}

namespace {

void edit(void* ucontext, GateFrame* frame, std::uint64_t reason) {
  greg_t* const registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  constexpr greg_t trap = 0x100;
  constexpr greg_t alignment_check = 0x40000;
  constexpr greg_t wide_code_segment = 0x33;
  registers[REG_RIP] = reinterpret_cast<greg_t>(&dumpsim_gate_leave);
  registers[REG_RDI] = reinterpret_cast<greg_t>(frame);
  registers[REG_RSI] = static_cast<greg_t>(reason);
  // Somewhere valid should another signal come before the first instruction sets it.
  registers[REG_RSP] = reinterpret_cast<greg_t>(frame->host_rsp);
  // After a sysenter the context is one of 32-bit code.
  registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~greg_t{0xFFFF}) | wide_code_segment;
  registers[REG_EFL] &= ~(trap | alignment_check | GATE_DIRECTION_FLAG);
}

}  // namespace

void Gate::leave_from_signal(void* ucontext, std::uint64_t reason) {
  edit(ucontext, innermost_, reason);
}

void Gate::leave_all_from_signal(void* ucontext, std::uint64_t reason) {
  go_to_main();
  edit(ucontext, outermost_, reason);
}

const GateFrame* Gate::outer(const GateFrame* call) {
  return call->outer;
}

std::uint64_t Gate::first_rsp(const GateFrame* call) {
  return reinterpret_cast<std::uint64_t>(call->guest_rsp);
}

// As GATE_ENTER pushed them, below the slot that aligns the stack.
__attribute__((no_sanitize("address"))) Context Gate::caller_of(const GateFrame* call) {
  const auto* const pushed = static_cast<const volatile std::uint64_t*>(call->host_rsp);
  Context context;
  context.gpr[15] = pushed[1];
  context.gpr[14] = pushed[2];
  context.gpr[13] = pushed[3];
  context.gpr[12] = pushed[4];
  context.gpr[gpr_rbx] = pushed[5];
  context.gpr[gpr_rbp] = pushed[6];
  context.rip = pushed[7];
  context.gpr[gpr_rsp] = reinterpret_cast<std::uint64_t>(call->host_rsp) + 8 * sizeof *pushed;
  return context;
}

void Gate::resume(const GateFrame* call, Context& context) {
  while (innermost_ != call) {
    assert(innermost_ != nullptr);
    innermost_ = innermost_->outer;
  }
  dumpsim_gate_current = innermost_;
#ifdef DUMPSIM_ADDRESS_SANITIZER
  // The frames that are left never run their epilogues.
  auto* const to = reinterpret_cast<std::byte*>(context.rsp());
  __asan_unpoison_memory_region(stack().low(), static_cast<std::size_t>(to - stack().low()));
#endif
  dumpsim_resume_context(&context);
}

Gate* Gate::current() {
  return dumpsim_gate_current != nullptr ? dumpsim_gate_current->gate : nullptr;
}

}  // namespace dumpsim::machine
