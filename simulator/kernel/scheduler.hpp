// SPDX-License-Identifier: Apache-2.0
// Drivers' threads on the host's one thread. They take turns where Windows would change threads anyway: at waits, ends,
// yields, when a higher priority becomes ready, when the IRQL falls below DISPATCH_LEVEL. Who is next follows from
// priorities and the order of events alone, and time is the machine's virtual clock: when everybody waits, it jumps to
// what is due next. So two runs take the same turns. When nothing is due either, that is a deadlock, and this is where
// it can be explained. Free of WDK names.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/deferred.hpp"
#include "kernel/exception_state.hpp"
#include "machine/gate.hpp"
#include "trace/record.hpp"

namespace dumpsim::kernel {

class Kernel;
class Line;

/// What the kernel keeps of a line of execution while another one runs.
struct Context {
  std::uint16_t image = trace::no_image;
  trace::Callback callback = trace::Callback::none;
  machine::Convention convention = machine::Convention::system_v;
  unsigned depth = 0;
  std::uint8_t entry_irql = 0;   ///< at which the callback or routine was entered
  const void* entry = nullptr;   ///< of the callback or routine that runs, or ran last
  const void* caller = nullptr;  ///< where the last call of an export returns to; nullptr: none was made since
  ExceptionState exceptions;     ///< what is being handled on this stack
  static constexpr std::size_t text_bytes = 384;
  static constexpr std::size_t text_depth = 8;
  std::array<std::array<char, text_bytes>, text_depth> call_text{};
};

inline constexpr std::uint64_t no_deadline = std::numeric_limits<std::uint64_t>::max();

/// What a thread waits for. Dispatcher objects say themselves when they are ready; of the rest, whoever changes it
/// calls Scheduler::wake(), and the thread looks again.
enum class WaitKind : std::uint8_t {
  none,
  dispatcher,  ///< KEVENT, KMUTEX, KSEMAPHORE, KTIMER, a thread
  delay,       ///< nothing but its time
  fast_mutex,
  resource_exclusive,
  resource_shared,
  push_lock,
  rundown,
  work,  ///< a worker without work
  idle,  ///< the machine's first thread, while the host lets the others run
};

struct Wait {
  static constexpr std::size_t limit = 64;  ///< MAXIMUM_WAIT_OBJECTS
  WaitKind kind = WaitKind::none;
  std::string_view function;  ///< which was called; static
  std::array<void*, limit> objects{};
  std::size_t count = 0;
  bool all = false;
  std::uint64_t deadline = no_deadline;  ///< on the machine's clock
  std::uint64_t order = 0;               ///< of all waits
  bool timed_out = false;
  std::size_t satisfied = 0;  ///< which object ended it
};

struct Thread {
  enum class State : std::uint8_t { running, ready, waiting, ended };

  std::uint32_t id = 1;    ///< "thread#1" is the one the machine starts with
  void* object = nullptr;  ///< its KTHREAD
  std::uint16_t creator = trace::no_image;
  std::uint16_t image = trace::no_image;  ///< of its start routine
  const void* start = nullptr;
  void* argument = nullptr;
  bool worker = false;  ///< runs work items
  bool at_work = false;
  int priority = 8;
  int critical_regions = 0;
  int guarded_regions = 0;
  std::uint64_t affinity = 0;  ///< 0: as the system gave it
  std::uint8_t irql = 0;       ///< while it does not run
  State state = State::ready;
  std::uint64_t turn_began = 0;
  bool circle_told = false;
  Context context;
  Wait wait;
  std::vector<void*> mutexes;  ///< held, in the order they were taken
  // The thread the machine starts with is the gate's main strand.
  std::unique_ptr<machine::GuestStack> stack;
  std::unique_ptr<machine::Strand> strand;

  /// "8", "12": as PsGetCurrentThreadId tells it.
  std::uint64_t client_id() const { return 4 + 4 * std::uint64_t{id}; }
};

/// One thread that has a resource, and how often.
struct ResourceOwner {
  std::uint64_t thread = 0;  ///< as an ERESOURCE_THREAD
  std::uint32_t count = 0;
};

class Scheduler {
 public:
  static constexpr std::size_t thread_limit = 256;
  /// Two clock ticks: how long a thread goes on while another of its priority is ready [doc: the quantum of a client].
  static constexpr std::uint64_t quantum = 2 * std::uint64_t{156250};

  explicit Scheduler(Kernel& kernel);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Thread& running() { return *running_; }
  const Thread& running() const { return *running_; }
  Thread& first() { return first_; }
  bool in_dpc() const { return in_dpc_; }
  /// The thread whose KTHREAD this is, running or not; nullptr.
  Thread* thread_of(const void* object);
  /// Whether it lies on some thread's stack.
  bool on_a_stack(const void* address) const;
  Timers& timers() { return timers_; }
  Dpcs& dpcs() { return dpcs_; }
  std::deque<WorkItem>& work() { return work_; }
  /// By the address of the ERESOURCE.
  std::map<void*, std::vector<ResourceOwner>>& resources() { return resources_; }

  // ---- threads ----
  /// A ready thread at `start`, which belongs to the image around it; its turn comes once its creator rests [assumed:
  /// Windows may run it at once on another processor]. nullptr when there is no room for its stack. `object`: its
  /// KTHREAD.
  Thread* create(const void* start, void* argument, void* object);
  /// One that runs work items.
  Thread* create_worker(void* object);
  /// The running thread ends. REQUIRES: it is not the machine's first.
  [[noreturn]] void end(std::int32_t status);
  void set_priority(Thread& thread, int priority);
  /// Lets others of this priority run first.
  void yield();

  // ---- waiting ----
  /// The running thread rests until what its `wait` says is there or its deadline has come. REQUIRES: not in a DPC.
  void rest();
  /// A dispatcher object has become signalled: those who wait for it get it, in the order they came.
  void signalled(void* object);
  /// Something behind `object` has changed: who rests on it looks again.
  void wake(const void* object);
  bool waited_for(const void* object) const;

  // ---- turns ----
  /// Where an interrupt could come in: what is due is delivered, DPCs run, and a thread with a higher priority takes
  /// over. Does nothing from DISPATCH_LEVEL on.
  void poll() {
    if (threads_.empty() && timers_.empty() && dpcs_.empty()) return;
    interrupt();
  }
  /// While a dump or a hibernation image is written nothing runs but who writes it [doc].
  void freeze(bool frozen) { frozen_ = frozen; }
  bool frozen() const { return frozen_; }
  /// For the host between two calls: anything to run, now or by `until`?
  bool pending(std::uint64_t until) const;
  /// A timer is set, or a thread waits with a timeout.
  bool counts_on_time() const { return next_due() != no_deadline; }
  /// Lets the others run until all wait for something that is not due by `until`, or for `turn_limit` turns. REQUIRES:
  /// on the first thread, inside the gate.
  void idle(std::uint64_t until);
  static constexpr std::uint64_t turn_limit = 50000;
  /// A call from the host begins: on the first thread, whatever was left before.
  void host_calls() {
    if (running_ != &first_ || first_.state != Thread::State::running || in_dpc_ || delivering_) start_over();
  }
  /// Called when the kernel's work queue was filled or a worker comes to rest inside an item.
  void want_worker();

  // ---- in words ----
  /// "thread#2 (dump_x)".
  void put_name(Line& line, const Thread& thread) const;
  /// "waits for the mutex at image dump_x, which thread#1 holds".
  void put_wait(Line& line, const Thread& thread) const;
  /// What of this image is still to run: threads, timers, DPCs, work items; empty when nothing.
  std::string outlives(std::uint16_t image) const;

 private:
  void interrupt();
  void deliver();
  bool expire_one();
  void run_dpcs();
  static void dpc_strand(void* scheduler);
  void run_one_dpc(const Dpcs::Entry& entry);
  std::uint64_t next_due() const;
  Thread* take_best();
  const Thread* best() const;
  bool may_switch() const;
  void switch_to(Thread& next);
  void make_ready(Thread& thread);
  void start_over();
  void give_turn();
  Thread* add(void* object);
  static void thread_strand(void* thread);
  [[noreturn]] void deadlock();
  void report_circles();
  const Thread* holder(const Thread& waiting) const;

  Kernel& kernel_;
  Thread first_;
  std::vector<std::unique_ptr<Thread>> threads_;  // without the first; ended ones too, for who still has their object
  std::deque<Thread*> ready_;
  Thread* running_ = &first_;
  Timers timers_;
  Dpcs dpcs_;
  std::deque<WorkItem> work_;
  std::map<void*, std::vector<ResourceOwner>> resources_;
  std::unique_ptr<machine::GuestStack> dpc_stack_;
  std::unique_ptr<machine::Strand> dpc_strand_;
  machine::Strand* interrupted_ = nullptr;
  Context dpc_context_;
  std::uint64_t next_order_ = 1;
  std::uint32_t next_id_ = 2;
  std::uint64_t turns_ = 0;
  std::uint64_t idle_until_ = 0;
  bool idle_ = false;
  bool frozen_ = false;
  bool in_dpc_ = false;
  bool delivering_ = false;
};

}  // namespace dumpsim::kernel
