// SPDX-License-Identifier: Apache-2.0
// The signal side of the trap. Everything below handle() runs in a signal handler on the alternate stack: no
// allocation, no locks, and reads of the interrupted stack only inside its bounds.
#include "machine/fault_trap.hpp"

#include <fmt/format.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "machine/instruction.hpp"
#include "machine/system_calls.hpp"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace dumpsim::machine {

static_assert(std::is_trivially_copyable_v<FaultReport>);

namespace {

constexpr std::array trapped_signals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
constexpr std::size_t handler_stack_bytes = std::size_t{256} << 10;
constexpr std::uint64_t trap_protection = 13;
constexpr std::uint64_t trap_page_fault = 14;

std::atomic<FaultTrap*> installed{nullptr};

// A real-time signal, so that it is nobody's by tradition: SIGPROF and SIGXCPU are profilers' and limits'.
int watchdog_signal() {
  return SIGRTMIN + 6;
}

std::uint64_t processor_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

timespec to_timespec(std::chrono::nanoseconds duration) {
  timespec value{};
  value.tv_sec = static_cast<time_t>(duration.count() / 1'000'000'000);
  value.tv_nsec = static_cast<long>(duration.count() % 1'000'000'000);
  return value;
}

/// What an instruction that the processor refused with a general protection fault is.
void classify_refused(FaultReport& report) {
  const RefusedInstruction refused = decode_refused(reinterpret_cast<const void*>(report.registers.rip));
  switch (refused.what) {
    case Refused::nothing:
      report.kind = FaultKind::access;  // a non-canonical address
      return;
    case Refused::interrupt:
      report.code = refused.number;
      if (refused.number == 0x29) {
        report.kind = FaultKind::fast_fail;
        report.code = static_cast<std::uint32_t>(report.registers.rcx);
      } else if (refused.number == 0x2c || refused.number == 0x2d) {
        report.kind = FaultKind::breakpoint;
      } else {
        report.kind = FaultKind::privileged_instruction;
        report.instruction = refused.mnemonic;
      }
      return;
    default:
      report.kind = FaultKind::privileged_instruction;
      report.instruction = refused.mnemonic;
      return;
  }
}

constexpr std::uint64_t instruction_bytes = 2;  // of syscall, int 0x80 and sysenter alike
constexpr std::uint16_t narrow_code_segment = 0x23;

/// sysenter forgets where it was: Linux comes back from it in 32-bit code, at an address of its own.
bool came_from_sysenter(const ucontext_t& context) {
  return static_cast<std::uint16_t>(context.uc_mcontext.gregs[REG_CSGSFS]) == narrow_code_segment;
}

bool is_sysenter(const std::uint8_t* code) {
  return code[0] == 0x0F && code[1] == 0x34;
}

void classify_system_call(FaultReport& report, std::uint64_t number, bool narrow, const ucontext_t& context) {
  report.kind = FaultKind::system_call;
  report.code = number;
  report.instruction = narrow ? "int 0x80" : "syscall";
  if (came_from_sysenter(context)) {
    report.instruction = "sysenter";
    report.registers.rip = 0;
  } else {
    report.registers.rip -= instruction_bytes;
  }
}

void classify(FaultReport& report, const siginfo_t& information, const ucontext_t& context, const GuestStack& stack) {
  const auto& registers = context.uc_mcontext.gregs;
  const auto trap = static_cast<std::uint64_t>(registers[REG_TRAPNO]);
  const auto error = static_cast<std::uint64_t>(registers[REG_ERR]);
  const bool sent = information.si_code <= 0;  // by a process, not by the processor
  switch (report.signal) {
    case SIGSEGV:
    case SIGBUS:
      if (sent) return;
      if (came_from_sysenter(context)) return classify_system_call(report, FaultReport::code_unknown, true, context);
      if (trap == trap_page_fault || report.signal == SIGBUS) {
        report.kind = FaultKind::access;
        report.address_known = true;
        report.address = reinterpret_cast<std::uint64_t>(information.si_addr);
        if (trap == trap_page_fault) {
          report.access = (error & 16) != 0  ? FaultAccess::execute
                          : (error & 2) != 0 ? FaultAccess::write
                                             : FaultAccess::read;
          // Of the upper half Linux tells nothing: it says present for every address.
          report.present = (error & 1) != 0 && report.address >> 63 == 0;
        }
      } else if (trap == trap_protection) {
        classify_refused(report);
      } else {
        report.kind = FaultKind::access;
      }
      if (stack.guard_contains(information.si_addr) ||
          stack.guard_contains(reinterpret_cast<const void*>(registers[REG_RSP]))) {
        report.kind = FaultKind::stack_overflow;
      }
      return;
    case SIGILL:
      if (sent) return;
      report.kind = FaultKind::illegal_instruction;
      // AMD's processors know no sysenter in 64-bit code. What begins with 0f was fetched with its second byte.
      if (is_sysenter(reinterpret_cast<const std::uint8_t*>(report.registers.rip))) {
        report.kind = FaultKind::system_call;
        report.instruction = "sysenter";
        report.code = report.registers.rax;
      }
      return;
    case SIGFPE:
      if (!sent) report.kind = FaultKind::arithmetic;
      return;
    case SIGTRAP:
      report.kind = FaultKind::breakpoint;
      report.code = trap;  // 3: int 3, 1: a single step
      return;
    case SIGABRT:
      report.kind = FaultKind::abort;
      return;
    case SIGSYS:
      if (sent) return;
      return classify_system_call(report, static_cast<std::uint32_t>(information.si_syscall),
                                  information.si_arch == AUDIT_ARCH_I386, context);
    default:
      report.kind = FaultKind::hang;
      return;
  }
}

void copy_registers(FaultReport::Registers& into, const ucontext_t& context) {
  const auto of = [&context](int index) { return static_cast<std::uint64_t>(context.uc_mcontext.gregs[index]); };
  into = {of(REG_RAX), of(REG_RBX), of(REG_RCX), of(REG_RDX), of(REG_RSI), of(REG_RDI),
          of(REG_RBP), of(REG_RSP), of(REG_R8),  of(REG_R9),  of(REG_R10), of(REG_R11),
          of(REG_R12), of(REG_R13), of(REG_R14), of(REG_R15), of(REG_RIP), of(REG_EFL)};
}

/// Frames of the host's own functions among them are poisoned for the sanitizer, and rightly so; here bytes are bytes.
__attribute__((no_sanitize("address"))) void walk(FaultReport& report, const GuestStack& stack) {
  const auto low = reinterpret_cast<std::uint64_t>(stack.low());
  const auto high = reinterpret_cast<std::uint64_t>(stack.high());
  const auto readable = [low, high](std::uint64_t at) { return at % 8 == 0 && at >= low && at <= high - 8; };
  const auto word = [](std::uint64_t at) __attribute__((no_sanitize("address"))) {
    return *reinterpret_cast<const volatile std::uint64_t*>(at);
  };
  for (std::uint64_t at = report.registers.rsp; report.stack_word_count < report.stack_words.size() && readable(at);
       at += 8) {
    report.stack_words[report.stack_word_count++] = word(at);
  }
  auto& count = report.return_address_count;
  if (count != 0) return;  // somebody who knows the frames has been here
  report.return_addresses[count++] = report.registers.rip;
  // A jump to nowhere: the caller is still on top of the stack.
  if (report.access == FaultAccess::execute && readable(report.registers.rsp)) {
    report.return_addresses[count++] = word(report.registers.rsp);
  }
  std::uint64_t frame = report.registers.rbp;
  while (count < report.return_addresses.size() && readable(frame) && readable(frame + 8)) {
    report.return_addresses[count++] = word(frame + 8);
    const std::uint64_t outer = word(frame);
    if (outer <= frame) break;
    frame = outer;
  }
}

}  // namespace

struct FaultTrap::State {
  std::array<struct sigaction, trapped_signals.size()> former{};
  struct sigaction former_watchdog {};
  std::size_t replaced = 0;  ///< how many of `former` hold a handler to put back
  bool watchdog_replaced = false;
  stack_t former_stack{};
  bool stack_replaced = false;
  std::unique_ptr<std::byte[]> stack;
  timer_t timer{};
  bool timer_made = false;
  std::uint64_t limit = 0;         ///< nanoseconds
  std::uint64_t watched_call = 0;  ///< the handler's own, as the next
  std::uint64_t watched_since = 0;
};

FaultTrap::FaultTrap(Gate& gate, FaultHooks hooks) : gate_(gate), hooks_(hooks), state_(std::make_unique<State>()) {}

Result<std::unique_ptr<FaultTrap>> FaultTrap::install(Gate& gate, FaultHooks hooks,
                                                      std::chrono::nanoseconds processor_time) {
  if (installed.load() != nullptr) return Error{"cannot trap faults: a trap is installed in this process already"};
  const auto refused = [](const char* what) {
    return Error{fmt::format("cannot trap faults: {}: {}", what, std::strerror(errno))};
  };
  std::unique_ptr<FaultTrap> trap(new FaultTrap(gate, hooks));
  State& state = *trap->state_;

  state.stack = std::make_unique_for_overwrite<std::byte[]>(handler_stack_bytes);
  stack_t alternate{};
  alternate.ss_sp = state.stack.get();
  alternate.ss_size = handler_stack_bytes;
  if (sigaltstack(&alternate, &state.former_stack) != 0) return refused("the signal stack");
  state.stack_replaced = true;

  installed.store(trap.get());
  struct sigaction action {};
  action.sa_sigaction = [](int signal, siginfo_t* information, void* ucontext) {
    handle(signal, information, ucontext);
  };
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const int signal : trapped_signals) sigaddset(&action.sa_mask, signal);
  sigaddset(&action.sa_mask, watchdog_signal());
  for (; state.replaced < trapped_signals.size(); ++state.replaced) {
    if (sigaction(trapped_signals[state.replaced], &action, &state.former[state.replaced]) != 0) {
      return refused("a signal handler");
    }
  }
  if (processor_time.count() <= 0) return trap;

  action.sa_flags |= SA_RESTART;
  if (sigaction(watchdog_signal(), &action, &state.former_watchdog) != 0) return refused("the watchdog's handler");
  state.watchdog_replaced = true;
  state.limit = static_cast<std::uint64_t>(processor_time.count());
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = watchdog_signal();
  event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
  if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &state.timer) != 0) return refused("the watchdog's timer");
  state.timer_made = true;
  itimerspec period{};
  period.it_interval = to_timespec(std::max(processor_time / 8, std::chrono::nanoseconds(1'000'000)));
  period.it_value = period.it_interval;
  if (timer_settime(state.timer, 0, &period, nullptr) != 0) return refused("the watchdog's timer");
  return trap;
}

FaultTrap::~FaultTrap() {
  State& state = *state_;
  if (state.timer_made) timer_delete(state.timer);
  // A tick may be on its way: it must find our handler, not the default action, which ends the process.
  if (state.watchdog_replaced) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(watchdog_signal(), &ignore, nullptr);  // discards what is pending
    sigaction(watchdog_signal(), &state.former_watchdog, nullptr);
  }
  for (std::size_t index = 0; index < state.replaced; ++index) {
    sigaction(trapped_signals[index], &state.former[index], nullptr);
  }
  if (state.stack_replaced) sigaltstack(&state.former_stack, nullptr);
  FaultTrap* self = this;
  installed.compare_exchange_strong(self, nullptr);
}

bool FaultTrap::hanging() {
  State& state = *state_;
  const std::uint64_t call = published_.load(std::memory_order_relaxed);
  const std::uint64_t now = processor_nanoseconds();
  if (ordinal_.load(std::memory_order_relaxed) == 0 || call != state.watched_call) {
    state.watched_call = call;
    state.watched_since = now;
    return false;
  }
  return now - state.watched_since >= state.limit;
}

void FaultTrap::handle(int signal, void* information, void* ucontext) {
  const int kept_errno = errno;
  FaultTrap* const trap = installed.load();
  const siginfo_t& told = *static_cast<const siginfo_t*>(information);
  const ucontext_t& context = *static_cast<const ucontext_t*>(ucontext);

  const bool in_driver = Gate::current() != nullptr && trap->gate_.active();
  if (signal == watchdog_signal()) {
    if (!trap->hanging() || !in_driver) {
      errno = kept_errno;
      return;
    }
  } else if (!in_driver) {
    if (signal == SIGSEGV && told.si_code > 0 && trap->hooks_.on_host_access != nullptr &&
        trap->hooks_.on_host_access(trap->hooks_.context, told.si_addr)) {
      errno = kept_errno;
      return;
    }
    // The host's own bug. With the former action back, a faulting instruction faults again and a sent signal is sent
    // again; the process dies, or its own handler speaks, exactly as without us.
    for (std::size_t index = 0; index < trapped_signals.size(); ++index) {
      if (trapped_signals[index] == signal) sigaction(signal, &trap->state_->former[index], nullptr);
    }
    if (told.si_code <= 0) raise(signal);
    errno = kept_errno;
    return;
  }

  FaultReport report;
  report.signal = signal;
  report.signal_code = told.si_code;
  report.ordinal = trap->ordinal_.load(std::memory_order_relaxed);
  copy_registers(report.registers, context);
  classify(report, told, context, trap->gate_.stack());
  if (report.kind == FaultKind::access && report.access == FaultAccess::write &&
      trap->hooks_.on_write_fault != nullptr &&
      trap->hooks_.on_write_fault(trap->hooks_.context, told.si_addr, report)) {
    errno = kept_errno;
    return;
  }
  if (trap->hooks_.resolve != nullptr && trap->hooks_.resolve(trap->hooks_.context, report, ucontext)) {
    errno = kept_errno;
    return;
  }
  trap->keep(report);
  if (trap->hooks_.on_fault != nullptr) trap->hooks_.on_fault(trap->hooks_.context, trap->report_);
  trap->gate_.leave_all_from_signal(ucontext, reason);
}

void FaultTrap::keep(const FaultReport& report) {
  report_ = report;
  report_.stack_word_count = 0;
  walk(report_, gate_.stack());
}

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::access:
      return "access violation";
    case FaultKind::stack_overflow:
      return "stack overflow";
    case FaultKind::illegal_instruction:
      return "illegal instruction";
    case FaultKind::privileged_instruction:
      return "privileged instruction";
    case FaultKind::breakpoint:
      return "breakpoint";
    case FaultKind::fast_fail:
      return "fast fail";
    case FaultKind::arithmetic:
      return "arithmetic error";
    case FaultKind::abort:
      return "abort";
    case FaultKind::system_call:
      return "system call";
    case FaultKind::hang:
      return "hang";
    case FaultKind::other:
      break;
  }
  return "signal";
}

std::string describe_system_call(const FaultReport& report) {
  if (report.code == FaultReport::code_unknown) return report.instruction;
  const bool wide = std::string_view(report.instruction) == "syscall";
  const std::string_view name = system_call_name(report.code, wide ? SystemCallTable::wide : SystemCallTable::narrow);
  return fmt::format("{} {} ({})", report.instruction, report.code, name.empty() ? "no call of Linux" : name);
}

std::string describe(const FaultReport& report) {
  switch (report.kind) {
    case FaultKind::access: {
      const char* what = report.access == FaultAccess::write     ? "write to"
                         : report.access == FaultAccess::execute ? "jump to"
                                                                 : "read of";
      if (!report.address_known) return "access to a non-canonical address";
      return fmt::format("{} {:#x}", what, report.address);
    }
    case FaultKind::fast_fail:
      return fmt::format("fast fail, code {}", report.code);
    case FaultKind::privileged_instruction:
      return fmt::format("privileged instruction {}", report.instruction);
    case FaultKind::system_call:
      return describe_system_call(report);
    case FaultKind::other:
      return fmt::format("signal {}", report.signal);
    default:
      return std::string(name_of(report.kind));
  }
}

}  // namespace dumpsim::machine
