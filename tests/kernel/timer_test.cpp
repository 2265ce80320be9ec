// SPDX-License-Identifier: Apache-2.0
// What runs later: timers, DPCs, work items, in virtual time and in a fixed order.
#include <deque>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Kind;
using trace::Rule;

/// A routine with a name for what it was called with.
struct Routine {
  std::vector<std::string>* said;
  std::string name;
  std::function<void()> then = [] {};
  std::uint8_t irql = 99;
};

void deferred(PKDPC, PVOID context, PVOID, PVOID) {
  auto& routine = *static_cast<Routine*>(context);
  routine.irql = current().machine().processor.irql;
  routine.said->push_back(routine.name);
  routine.then();
}
void worker(PVOID parameter) {
  deferred(nullptr, parameter, nullptr, nullptr);
}
void io_worker(PDEVICE_OBJECT device, PVOID context) {
  static_cast<Routine*>(context)->name += device == nullptr ? " without" : " with its device";
  deferred(nullptr, context, nullptr, nullptr);
}
void io_worker_ex(PVOID, PVOID context, PIO_WORKITEM item) {
  static_cast<Routine*>(context)->name += item == nullptr ? " without" : " with its item";
  deferred(nullptr, context, nullptr, nullptr);
}
void expired(PEX_TIMER, PVOID context) {
  deferred(nullptr, context, nullptr, nullptr);
}

class TimerTest : public KernelTest {
 public:
  LARGE_INTEGER in(LONGLONG hundred_ns) {
    LARGE_INTEGER time{};
    time.QuadPart = -hundred_ns;
    return time;
  }
  void sleep(LONGLONG hundred_ns) {
    LARGE_INTEGER time = in(hundred_ns);
    K(KeDelayExecutionThread)(KernelMode, FALSE, &time);
  }
  NTSTATUS wait(void* object) { return K(KeWaitForSingleObject)(object, Executive, KernelMode, FALSE, nullptr); }
  Routine& routine(std::string name) { return routines_.emplace_back(Routine{&said, std::move(name)}); }
  void make(KDPC& dpc, Routine& what) { K(KeInitializeDpc)(&dpc, &deferred, &what); }
  std::vector<std::string> said;

 private:
  std::deque<Routine> routines_;
};
DUMPSIM_BOTH_CONVENTIONS(TimerTest);

TEST_P(TimerTest, ATimerIsSignalledWhenItsTimeHasCome) {
  KTIMER timer;
  K(KeInitializeTimer)(&timer);
  EXPECT_EQ(timer.Header.Type, 8);
  in_driver([&] {
    EXPECT_EQ(K(KeSetTimer)(&timer, in(1000), nullptr), FALSE);
    EXPECT_EQ(K(KeSetTimer)(&timer, in(2000), nullptr), TRUE) << "it was set: set anew";
    EXPECT_EQ(K(KeReadStateTimer)(&timer), FALSE);
    EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
    EXPECT_EQ(machine().clock.now, 2000u);
    EXPECT_EQ(K(KeReadStateTimer)(&timer), TRUE) << "a notification timer stays signalled";
    EXPECT_EQ(K(KeCancelTimer)(&timer), FALSE);
    LARGE_INTEGER absolute{};
    absolute.QuadPart = static_cast<LONGLONG>(machine::boot_filetime + 5000);
    K(KeSetTimer)(&timer, absolute, nullptr);
    EXPECT_EQ(K(KeReadStateTimer)(&timer), FALSE);
    wait(&timer);
    EXPECT_EQ(machine().clock.now, 5000u);
    K(KeInitializeTimerEx)(&timer, SynchronizationTimer);
    K(KeSetTimer)(&timer, in(1), nullptr);
    wait(&timer);
    EXPECT_EQ(K(KeReadStateTimer)(&timer), FALSE) << "who waited took it";
    K(KeSetTimer)(&timer, in(1), nullptr);
    EXPECT_EQ(K(KeCancelTimer)(&timer), TRUE);
  });
  EXPECT_EQ(noted(Kind::timer_expired).size(), 3u);
}

TEST_P(TimerTest, TimersComeDueInTheOrderOfTheirTimes) {
  KTIMER timers[3];
  KDPC dpcs[3];
  const char* names[] = {"late", "early", "early too"};
  const LONGLONG times[] = {300, 100, 100};
  in_driver([&] {
    for (int i = 0; i < 3; ++i) {
      K(KeInitializeTimer)(&timers[i]);
      make(dpcs[i], routine(names[i]));
      K(KeSetTimer)(&timers[i], in(times[i]), &dpcs[i]);
    }
    sleep(200);
    EXPECT_THAT(said, ElementsAre("early", "early too"));
    sleep(200);
  });
  EXPECT_THAT(said, ElementsAre("early", "early too", "late"));
}

TEST_P(TimerTest, APeriodicTimerGoesOnUntilItIsCancelled) {
  KTIMER timer;
  KDPC dpc;
  in_driver([&] {
    K(KeInitializeTimerEx)(&timer, SynchronizationTimer);
    make(dpc, routine("tick"));
    K(KeSetTimerEx)(&timer, in(10000), 2, &dpc);  // after 1 ms, then every 2
    sleep(10000 * 10);
    EXPECT_EQ(said.size(), 5u);
    EXPECT_EQ(K(KeCancelTimer)(&timer), TRUE);
    sleep(10000 * 10);
    EXPECT_EQ(said.size(), 5u);
  });
  EXPECT_EQ(machine().clock.now, 200000u);
}

TEST_P(TimerTest, ATimerInterruptsWhoAsksForTheTime) {
  KTIMER timer;
  KDPC dpc;
  in_driver([&] {
    K(KeInitializeTimer)(&timer);
    make(dpc, routine("tick"));
    K(KeSetTimer)(&timer, in(50), &dpc);
    int rounds = 0;
    while (said.empty() && rounds < 1000) {
      K(KeQueryPerformanceCounter)(nullptr);
      ++rounds;
    }
    EXPECT_EQ(rounds, 50);
    said.clear();
    K(KeSetTimer)(&timer, in(50), &dpc);
    const KIRQL before = K(KfRaiseIrql)(DISPATCH_LEVEL);
    K(KeStallExecutionProcessor)(100);
    EXPECT_THAT(said, IsEmpty()) << "nothing interrupts at this level";
    K(KeLowerIrql)(before);
    EXPECT_THAT(said, ElementsAre("tick"));
  });
}

TEST_P(TimerTest, DpcsRunWhenTheIrqlFalls) {
  KDPC one, two, urgent;
  Routine& first = routine("one");
  make(one, first);
  make(two, routine("two"));
  make(urgent, routine("urgent"));
  K(KeSetImportanceDpc)(&urgent, HighImportance);
  K(KeSetTargetProcessorDpc)(&one, 0);
  in_driver([&] {
    PKTHREAD thread = K(KeGetCurrentThread)();
    first.then = [&] { EXPECT_EQ(K(KeGetCurrentThread)(), thread) << "the one it interrupts"; };
    const KIRQL before = K(KfRaiseIrql)(DISPATCH_LEVEL);
    EXPECT_EQ(K(KeInsertQueueDpc)(&one, nullptr, nullptr), TRUE);
    EXPECT_EQ(K(KeInsertQueueDpc)(&one, nullptr, nullptr), FALSE) << "queued already";
    EXPECT_EQ(K(KeInsertQueueDpc)(&two, nullptr, nullptr), TRUE);
    EXPECT_EQ(K(KeInsertQueueDpc)(&urgent, nullptr, nullptr), TRUE);
    EXPECT_EQ(K(KeRemoveQueueDpc)(&two), TRUE);
    EXPECT_EQ(K(KeRemoveQueueDpc)(&two), FALSE);
    EXPECT_THAT(said, IsEmpty());
    K(KeLowerIrql)(before);
    EXPECT_THAT(said, ElementsAre("urgent", "one"));
    EXPECT_EQ(first.irql, DISPATCH_LEVEL);
    EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
    K(KeInsertQueueDpc)(&two, nullptr, nullptr);
    EXPECT_EQ(said.back(), "two") << "below DISPATCH_LEVEL it runs at once";
    K(KeFlushQueuedDpcs)();
  });
  EXPECT_EQ(noted(Kind::dpc_run).size(), 3u);
}

TEST_P(TimerTest, ADpcSignalsAnEvent) {
  KEVENT event;
  KTIMER timer;
  KDPC dpc;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  K(KeInitializeTimer)(&timer);
  Routine& signals = routine("dpc");
  signals.then = [&] { K(KeSetEvent)(&event, 0, FALSE); };
  make(dpc, signals);
  in_driver([&] {
    K(KeSetTimer)(&timer, in(70), &dpc);
    EXPECT_EQ(wait(&event), STATUS_SUCCESS);
    said.push_back("event");
  });
  EXPECT_THAT(said, ElementsAre("dpc", "event"));
  EXPECT_EQ(machine().clock.now, 70u);
}

TEST_P(TimerTest, ADpcMustNotWait) {
  KEVENT event;
  KDPC dpc;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  Routine& waits = routine("waits");
  waits.then = [&] { wait(&event); };
  make(dpc, waits);
  bugcheck_of(0xB8, [&] { K(KeInsertQueueDpc)(&dpc, nullptr, nullptr); });
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 1u);
  EXPECT_EQ(noted(Kind::bugcheck).back().record.callback, trace::Callback::dpc);
  said.clear();
  set_irql(PASSIVE_LEVEL);
  make(dpc, routine("fine"));
  EXPECT_TRUE(in_driver([&] { K(KeInsertQueueDpc)(&dpc, nullptr, nullptr); }).returned);
  EXPECT_THAT(said, ElementsAre("fine")) << "the next call starts over";
}

TEST_P(TimerTest, ADpcThatLeavesAnotherIrqlIsReported) {
  KDPC dpc;
  Routine& lowers = routine("lowers");
  lowers.then = [&] { set_irql(PASSIVE_LEVEL); };
  make(dpc, lowers);
  in_driver([&] {
    K(KeInsertQueueDpc)(&dpc, nullptr, nullptr);
    EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  });
  EXPECT_EQ(violations(Rule::irql_not_restored), 1u);
}

TEST_P(TimerTest, AllocatedTimersCallBack) {
  in_driver([&] {
    Routine& tick = routine("tick");
    PEX_TIMER timer = K(ExAllocateTimer)(&expired, &tick, 0);
    ASSERT_NE(timer, nullptr);
    EXPECT_EQ(K(ExSetTimer)(timer, -100, 50, nullptr), FALSE);
    sleep(220);
    EXPECT_EQ(said.size(), 3u);
    EXPECT_EQ(tick.irql, DISPATCH_LEVEL);
    EXPECT_EQ(K(ExCancelTimer)(timer, nullptr), TRUE);
    EXPECT_EQ(K(ExCancelTimer)(timer, nullptr), FALSE);
    K(ExSetTimer)(timer, -100, 0, nullptr);
    EXPECT_EQ(wait(timer), STATUS_SUCCESS);
    EXPECT_EQ(K(ExDeleteTimer)(timer, TRUE, TRUE, nullptr), FALSE);
  });
  EXPECT_EQ(said.size(), 4u);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(TimerTest, WorkItemsRunInAWorkerThread) {
  WORK_QUEUE_ITEM items[2];
  in_driver([&] {
    for (WORK_QUEUE_ITEM& item : items) {
      item.WorkerRoutine = &worker;
      item.Parameter = &routine(&item == items ? "one" : "two");
      K(ExQueueWorkItem)(&item, DelayedWorkQueue);
    }
    EXPECT_EQ(said.size(), 2u) << "workers have a higher priority";
    sleep(1);
  });
  EXPECT_THAT(said, ElementsAre("one", "two"));
  EXPECT_EQ(noted(Kind::work_item_run).size(), 2u);
  EXPECT_EQ(noted(Kind::work_item_run)[0].record.object, noted(Kind::work_item_run)[1].record.object);
  EXPECT_EQ(noted(Kind::thread_created).size(), 1u);
}

TEST_P(TimerTest, AnotherWorkerTakesOverWhenOneWaits) {
  KEVENT event;
  WORK_QUEUE_ITEM items[2];
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  in_driver([&] {
    Routine& waits = routine("waits");
    waits.then = [&] {
      wait(&event);
      said.push_back("woken");
    };
    Routine& sets = routine("sets");
    sets.then = [&] { K(KeSetEvent)(&event, 0, FALSE); };
    items[0] = {{}, &worker, &waits};
    items[1] = {{}, &worker, &sets};
    for (WORK_QUEUE_ITEM& item : items) K(ExQueueWorkItem)(&item, DelayedWorkQueue);
    sleep(1);
  });
  EXPECT_THAT(said, ElementsAre("waits", "sets", "woken"));
}

TEST_P(TimerTest, AnItemIsQueuedOnceAndFreedOnlyThen) {
  WORK_QUEUE_ITEM item{{}, &worker, &routine("x")};
  const auto parameters = bugcheck_of(0xE4, [&] {
    kernel().scheduler().freeze(true);
    K(ExQueueWorkItem)(&item, DelayedWorkQueue);
    K(ExQueueWorkItem)(&item, DelayedWorkQueue);
  });
  EXPECT_EQ(parameters[0], 1u);
}

TEST_P(TimerTest, IoWorkItemsGetTheirArguments) {
  in_driver([&] {
    int device = 0;
    auto* object = reinterpret_cast<PDEVICE_OBJECT>(&device);
    PIO_WORKITEM item = K(IoAllocateWorkItem)(object);
    K(IoQueueWorkItem)(item, &io_worker, DelayedWorkQueue, &routine("io"));
    sleep(1);
    K(IoQueueWorkItemEx)(item, &io_worker_ex, DelayedWorkQueue, &routine("io ex"));
    sleep(1);
    K(IoFreeWorkItem)(item);
    std::vector<std::byte> own(K(IoSizeofWorkItem)());
    auto* mine = reinterpret_cast<PIO_WORKITEM>(own.data());
    K(IoInitializeWorkItem)(object, mine);
    K(IoQueueWorkItem)(mine, &io_worker, DelayedWorkQueue, &routine("own"));
    sleep(1);
    K(IoUninitializeWorkItem)(mine);
  });
  EXPECT_THAT(said, ElementsAre("io with its device", "io ex with its item", "own with its device"));
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(TimerTest, ADpcsStackIsItsOwn) {
  KDPC dpc;
  const void* in_dpc = nullptr;
  Routine& looks = routine("looks");
  looks.then = [&] {
    int local = 0;
    in_dpc = &local;
    EXPECT_EQ(kernel().words(&local, Words::printed), "stack");
  };
  make(dpc, looks);
  in_driver([&] {
    const machine::GuestStack& mine = kernel().gate().stack();
    K(KeInsertQueueDpc)(&dpc, nullptr, nullptr);
    EXPECT_FALSE(mine.contains(in_dpc));
  });
}

}  // namespace
}  // namespace dumpsim::kernel::test
