// SPDX-License-Identifier: Apache-2.0
// Threads: they take turns in an order that follows from priorities and the order of events, wait for each other, end,
// and are told apart when nothing can go on. A test's main function runs as a driver's, on the machine's first thread.
#include <deque>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Kind;
using trace::Rule;

class ThreadTest : public KernelTest {
 public:
  /// A system thread that runs `code`; its handle.
  HANDLE start(std::function<void()> code) {
    codes_.push_back(std::move(code));
    HANDLE handle = nullptr;
    EXPECT_EQ(K(PsCreateSystemThread)(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, &run_code, &codes_.back()),
              STATUS_SUCCESS);
    return handle;
  }
  PKTHREAD object_of(HANDLE handle) {
    void* object = nullptr;
    EXPECT_EQ(K(ObReferenceObjectByHandle)(handle, 0, nullptr, KernelMode, &object, nullptr), STATUS_SUCCESS);
    return static_cast<PKTHREAD>(object);
  }
  NTSTATUS wait(void* object, LONGLONG timeout = 0, bool timed = false) {
    LARGE_INTEGER time{};
    time.QuadPart = timeout;
    return K(KeWaitForSingleObject)(object, Executive, KernelMode, FALSE, timed ? &time : nullptr);
  }
  void sleep(LONGLONG hundred_ns) {
    LARGE_INTEGER time{};
    time.QuadPart = -hundred_ns;
    K(KeDelayExecutionThread)(KernelMode, FALSE, &time);
  }
  void note(std::string what) { said.push_back(std::move(what)); }
  std::string hang_of(std::function<void()> code) {
    const machine::CallResult result = in_driver(std::move(code));
    EXPECT_FALSE(result.returned);
    EXPECT_EQ(result.value, static_cast<std::uint64_t>(Left::deadlock));
    const auto faults = noted(Kind::fault);
    return faults.empty() ? "nothing recorded" : faults.back().text;
  }
  std::vector<std::string> said;

 private:
  static void run_code(PVOID code) { (*static_cast<std::function<void()>*>(code))(); }
  std::deque<std::function<void()>> codes_;
};
DUMPSIM_BOTH_CONVENTIONS(ThreadTest);

TEST_P(ThreadTest, AThreadRunsOnceItsCreatorWaits) {
  in_driver([&] {
    HANDLE handle = start([&] { note("thread"); });
    note("creator");
    EXPECT_EQ(K(ZwWaitForSingleObject)(handle, FALSE, nullptr), STATUS_SUCCESS);
    note("creator again");
    EXPECT_EQ(K(ZwClose)(handle), STATUS_SUCCESS);
    EXPECT_EQ(K(ZwClose)(handle), STATUS_INVALID_HANDLE);
  });
  EXPECT_THAT(said, ElementsAre("creator", "thread", "creator again"));
  EXPECT_EQ(noted(Kind::thread_created).size(), 1u);
  EXPECT_EQ(noted(Kind::thread_ended).size(), 1u);
  const auto turns = noted(Kind::thread_switched);
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].record.before, 1u);
  EXPECT_EQ(turns[0].record.object, 2u);
}

TEST_P(ThreadTest, AThreadRunsWhenTheHostHasNothingToCall) {
  in_driver([&] { start([&] { note("ran"); }); });
  EXPECT_THAT(said, IsEmpty());
  EXPECT_TRUE(kernel().let_others_run(0).returned);
  EXPECT_THAT(said, ElementsAre("ran"));
  EXPECT_EQ(machine().clock.now, 0u);
}

TEST_P(ThreadTest, TimePassesWhileSomebodyCountsOnIt) {
  in_driver([&] {
    start([&] {
      sleep(500);
      note("first");
      sleep(5000);
      note("second");
    });
  });
  EXPECT_TRUE(kernel().let_others_run(1000).returned);
  EXPECT_THAT(said, ElementsAre("first"));
  EXPECT_EQ(machine().clock.now, 1000u);
  EXPECT_TRUE(kernel().let_others_run(10000).returned);
  EXPECT_THAT(said, ElementsAre("first", "second"));
  EXPECT_EQ(machine().clock.now, 5500u) << "nobody waits for the rest of it";
  EXPECT_TRUE(kernel().let_others_run(10000).returned);
  EXPECT_EQ(machine().clock.now, 5500u);
}

TEST_P(ThreadTest, EachHasItsStackItsObjectAndItsNumber) {
  int here = 0;
  PKTHREAD first = nullptr, second = nullptr;
  HANDLE id = nullptr;
  in_driver([&] {
    int on_first = 0;
    first = K(KeGetCurrentThread)();
    EXPECT_EQ(K(PsGetCurrentThread)(), reinterpret_cast<PETHREAD>(first));
    EXPECT_EQ(K(PsGetCurrentThreadId)(), reinterpret_cast<HANDLE>(8));
    CLIENT_ID client{};
    HANDLE handle = start([&] {
      int on_second = 0;
      second = K(KeGetCurrentThread)();
      id = K(PsGetCurrentThreadId)();
      EXPECT_EQ(kernel().words(&on_second, Words::printed), "stack");
      EXPECT_EQ(kernel().words(&on_first, Words::printed), "stack") << "another thread's";
      EXPECT_EQ(kernel().words(second), "thread#2");
      EXPECT_EQ(K(PsIsSystemThread)(reinterpret_cast<PETHREAD>(second)), TRUE);
      EXPECT_EQ(kernel().image(), image);
      EXPECT_EQ(kernel().callback(), trace::Callback::thread);
    });
    wait(object_of(handle));
    EXPECT_EQ(K(PsGetThreadId)(reinterpret_cast<PETHREAD>(second)), id);
    EXPECT_EQ(K(PsIsThreadTerminating)(reinterpret_cast<PETHREAD>(second)), TRUE);
    EXPECT_EQ(kernel().callback(), trace::Callback::driver_entry);
    (void)client;
  });
  EXPECT_NE(first, second);
  EXPECT_EQ(id, reinterpret_cast<HANDLE>(12));
  EXPECT_EQ(kernel().words(&here, Words::printed), "host");
}

TEST_P(ThreadTest, HandlesAreOfTheTypeTheyAreAskedFor) {
  in_driver([&] {
    HANDLE handle = start([] {});
    void* object = nullptr;
    EXPECT_EQ(K(ObReferenceObjectByHandle)(handle, 0, *K(dumpsim_PsThreadType)(), KernelMode, &object, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(K(ObReferenceObjectByHandle)(handle, 0, *K(dumpsim_ExEventObjectType)(), KernelMode, &object, nullptr),
              STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(K(ObReferenceObjectByHandle)(reinterpret_cast<HANDLE>(std::uintptr_t{0x404}), 0, nullptr, KernelMode,
                                           &object, nullptr),
              STATUS_INVALID_HANDLE);
    EXPECT_EQ(K(ObReferenceObjectByHandle)(handle, 0, nullptr, KernelMode, &object, nullptr), STATUS_SUCCESS);
    HANDLE again = nullptr;
    EXPECT_EQ(K(ObOpenObjectByPointer)(object, 0, nullptr, 0, *K(dumpsim_PsThreadType)(), KernelMode, &again),
              STATUS_SUCCESS);
    EXPECT_NE(again, handle);
    K(ZwClose)(again);
    K(ZwClose)(handle);
    EXPECT_EQ(wait(object), STATUS_SUCCESS);
    const std::size_t before = kernel().pool().state().live.size();
    K(ObfDereferenceObject)(object);
    K(ObfDereferenceObject)(object);
    EXPECT_EQ(kernel().pool().state().live.size(), before - 1) << "the last reference";
  });
}

TEST_P(ThreadTest, TerminatingLeavesTheThreadFromAnyDepth) {
  in_driver([&] {
    HANDLE handle = start([&] {
      note("before");
      in_driver([&] { K(PsTerminateSystemThread)(STATUS_UNSUCCESSFUL); });
      note("never");
    });
    wait(object_of(handle));
  });
  EXPECT_THAT(said, ElementsAre("before"));
  EXPECT_EQ(noted(Kind::thread_ended)[0].record.status, STATUS_UNSUCCESSFUL);
  EXPECT_THAT(hang_of([&] { K(PsTerminateSystemThread)(STATUS_SUCCESS); }), HasSubstr("nothing follows"));
}

TEST_P(ThreadTest, EventsHandOverInTheOrderTheyWereWaitedFor) {
  KEVENT one, all;
  in_driver([&] {
    K(KeInitializeEvent)(&one, SynchronizationEvent, FALSE);
    K(KeInitializeEvent)(&all, NotificationEvent, FALSE);
    for (const char* name : {"a", "b", "c"}) {
      start([&, name] {
        wait(&one);
        note(name);
        wait(&all);
        note(std::string(name) + " too");
      });
    }
    sleep(1);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(K(KeSetEvent)(&one, 0, FALSE), 0) << "one waiter took it at once";
      sleep(1);
    }
    EXPECT_EQ(K(KeReadStateEvent)(&one), 0);
    K(KeSetEvent)(&all, 0, FALSE);
    sleep(1);
  });
  EXPECT_THAT(said, ElementsAre("a", "b", "c", "a too", "b too", "c too"));
}

TEST_P(ThreadTest, APulseWakesWhoWaitsAndNobodyLater) {
  KEVENT event;
  in_driver([&] {
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    start([&] {
      wait(&event);
      note("woken");
    });
    sleep(1);
    EXPECT_EQ(K(KePulseEvent)(&event, 0, FALSE), 0);
    EXPECT_EQ(K(KeReadStateEvent)(&event), 0);
    EXPECT_EQ(wait(&event, -10, true), STATUS_TIMEOUT);
  });
  EXPECT_THAT(said, ElementsAre("woken"));
}

TEST_P(ThreadTest, AHigherPriorityTakesOver) {
  KEVENT event;
  in_driver([&] {
    K(KeInitializeEvent)(&event, SynchronizationEvent, FALSE);
    HANDLE handle = start([&] {
      EXPECT_EQ(K(KeSetPriorityThread)(K(KeGetCurrentThread)(), LOW_REALTIME_PRIORITY), 8);
      wait(&event);
      note("urgent");
    });
    sleep(1);
    EXPECT_EQ(K(KeQueryPriorityThread)(object_of(handle)), LOW_REALTIME_PRIORITY);
    const KIRQL before = K(KfRaiseIrql)(DISPATCH_LEVEL);
    K(KeSetEvent)(&event, 0, FALSE);
    note("still at dispatch level");
    K(KeLowerIrql)(before);
    note("afterwards");
  });
  EXPECT_THAT(said, ElementsAre("still at dispatch level", "urgent", "afterwards"));
}

TEST_P(ThreadTest, EqualPrioritiesShareTheProcessor) {
  bool stop = false;
  in_driver([&] {
    HANDLE handle = start([&] {
      sleep(1);
      stop = true;
    });
    int rounds = 0;
    while (!stop && ++rounds < 1000) K(KeStallExecutionProcessor)(1000);
    EXPECT_LT(rounds, 100) << "a quantum is two clock ticks";
    wait(object_of(handle));
  });
  EXPECT_TRUE(stop);
}

TEST_P(ThreadTest, WaitingForAllTakesAllOrNothing) {
  KEVENT event;
  KSEMAPHORE semaphore;
  in_driver([&] {
    K(KeInitializeEvent)(&event, SynchronizationEvent, FALSE);
    K(KeInitializeSemaphore)(&semaphore, 0, 2);
    HANDLE handle = start([&] {
      void* both[] = {&event, &semaphore};
      EXPECT_EQ(K(KeWaitForMultipleObjects)(2, both, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr),
                STATUS_SUCCESS);
      note("both");
      EXPECT_EQ(K(KeWaitForMultipleObjects)(2, both, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr),
                STATUS_WAIT_0 + 1);
      note("the second");
      LARGE_INTEGER soon{};
      soon.QuadPart = -7;
      EXPECT_EQ(K(KeWaitForMultipleObjects)(2, both, WaitAny, Executive, KernelMode, TRUE, &soon, nullptr),
                STATUS_TIMEOUT);
    });
    sleep(1);
    K(KeSetEvent)(&event, 0, FALSE);
    sleep(1);
    EXPECT_THAT(said, IsEmpty());
    EXPECT_EQ(K(KeReadStateEvent)(&event), 1) << "not taken while the other is missing";
    K(KeReleaseSemaphore)(&semaphore, 0, 2, FALSE);
    wait(object_of(handle));
    EXPECT_EQ(K(KeReadStateSemaphore)(&semaphore), 0);
  });
  EXPECT_THAT(said, ElementsAre("both", "the second"));
}

TEST_P(ThreadTest, AMutexBelongsToTheThreadThatTookIt) {
  KMUTEX mutex;
  in_driver([&] {
    K(KeInitializeMutex)(&mutex, 0);
    EXPECT_EQ(wait(&mutex), STATUS_SUCCESS);
    EXPECT_EQ(wait(&mutex), STATUS_SUCCESS) << "its owner again";
    EXPECT_EQ(K(KeAreApcsDisabled)(), TRUE);
    HANDLE handle = start([&] {
      EXPECT_EQ(wait(&mutex, 0, true), STATUS_TIMEOUT);
      wait(&mutex);
      note("taken over");
      EXPECT_EQ(mutex.OwnerThread, K(KeGetCurrentThread)());
      EXPECT_EQ(K(KeReleaseMutex)(&mutex, FALSE), 0);
    });
    sleep(1);
    EXPECT_EQ(K(KeReleaseMutex)(&mutex, FALSE), -1);
    EXPECT_THAT(said, IsEmpty());
    EXPECT_EQ(K(KeReleaseMutex)(&mutex, FALSE), 0);
    EXPECT_EQ(K(KeAreApcsDisabled)(), FALSE);
    wait(object_of(handle));
    EXPECT_EQ(K(KeReadStateMutex)(&mutex), 1);
  });
  EXPECT_THAT(said, ElementsAre("taken over"));
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] {
    wait(&mutex);
    HANDLE handle = start([&] { K(KeReleaseMutex)(&mutex, FALSE); });
    wait(object_of(handle));
  });
}

TEST_P(ThreadTest, AThreadMustNotEndWithAMutex) {
  KMUTEX mutex;
  K(KeInitializeMutex)(&mutex, 0);
  const auto parameters = bugcheck_of(0x4000008A, [&] {
    HANDLE handle = start([&] { wait(&mutex); });
    wait(object_of(handle));
  });
  EXPECT_EQ(parameters[1], reinterpret_cast<std::uintptr_t>(&mutex));
}

TEST_P(ThreadTest, ABugcheckInOneThreadEndsAll) {
  bool went_on = false;
  bugcheck_of(0x77, [&] {
    HANDLE handle = start([&] { K(KeBugCheckEx)(0x77, 1, 2, 3, 4); });
    wait(object_of(handle));
    went_on = true;
  });
  EXPECT_FALSE(went_on);
  const auto record = noted(Kind::bugcheck).back().record;
  EXPECT_EQ(record.image, image);
  EXPECT_EQ(record.callback, trace::Callback::thread);
  EXPECT_TRUE(in_driver([&] { note("the gate is whole"); }).returned);
  EXPECT_THAT(said, ElementsAre("the gate is whole"));
}

TEST_P(ThreadTest, ADeadlockSaysWhoWaitsForWhat) {
  kernel().register_image(image, "dump_x", reinterpret_cast<const void*>(std::uintptr_t{0x1000}), 16);
  auto* mutexes = static_cast<PKMUTEX>(K(ExAllocatePoolWithTag)(NonPagedPool, 2 * sizeof(KMUTEX), 1));
  for (int i = 0; i < 2; ++i) K(KeInitializeMutex)(&mutexes[i], 0);
  const std::string text = hang_of([&] {
    wait(&mutexes[0]);
    start([&] {
      wait(&mutexes[1]);
      wait(&mutexes[0]);
    });
    sleep(1);
    wait(&mutexes[1]);
  });
  EXPECT_EQ(text,
            "KeWaitForSingleObject: thread#1 (the system's) waits for the mutex at pool#1+0x38, which thread#2 holds; "
            "thread#2 (dump_x) waits for the mutex at pool#1, which thread#1 holds");
  EXPECT_EQ(noted(Kind::fault).back().record.image, image);
  EXPECT_EQ(noted(Kind::fault).back().record.callback, trace::Callback::driver_entry) << "whom the machine waits for";
}

TEST_P(ThreadTest, ThreadsInACircleAreReportedWhileTheMachineGoesOn) {
  kernel().register_image(image, "dump_x", reinterpret_cast<const void*>(std::uintptr_t{0x1000}), 16);
  auto* mutexes = static_cast<PKMUTEX>(K(ExAllocatePoolWithTag)(NonPagedPool, 2 * sizeof(KMUTEX), 1));
  for (int i = 0; i < 2; ++i) K(KeInitializeMutex)(&mutexes[i], 0);
  in_driver([&] {
    for (int i = 0; i < 2; ++i) {
      start([&, i] {
        wait(&mutexes[i]);
        sleep(10);
        wait(&mutexes[1 - i]);
      });
    }
  });
  EXPECT_TRUE(kernel().let_others_run(1000).returned);
  ASSERT_EQ(violations(Rule::lock_deadlock), 1u);
  EXPECT_EQ(noted(Kind::violation).back().text,
            "thread#2 (dump_x) waits for the mutex at pool#1+0x38, which thread#3 holds; thread#3 (dump_x) waits for "
            "the mutex at pool#1, which thread#2 holds");
  EXPECT_TRUE(kernel().let_others_run(1000).returned);
  EXPECT_EQ(violations(Rule::lock_deadlock), 1u) << "once";
  EXPECT_THAT(kernel().scheduler().outlives(image), HasSubstr("thread#2 (dump_x) waits for the mutex"));
}

TEST_P(ThreadTest, NothingElseRunsWhileTheMachineIsFrozen) {
  KEVENT event;
  in_driver([&] {
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    start([&] {
      note("ran");
      K(KeSetEvent)(&event, 0, FALSE);
    });
    kernel().scheduler().freeze(true);
    EXPECT_EQ(wait(&event, -1000, true), STATUS_TIMEOUT);
    EXPECT_EQ(machine().clock.now, 1000u);
    EXPECT_THAT(said, IsEmpty());
  });
  EXPECT_THAT(hang_of([&] { wait(&event); }),
              HasSubstr("nothing will ever signal host, and the wait has no timeout; thread#2 (?) may not run"));
  kernel().scheduler().freeze(false);
  EXPECT_TRUE(in_driver([&] { wait(&event); }).returned);
  EXPECT_THAT(said, ElementsAre("ran"));
}

TEST_P(ThreadTest, AWaitAboveDispatchLevelLetsOnlyTimePass) {
  KEVENT event;
  in_driver([&] {
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    start([&] { K(KeSetEvent)(&event, 0, FALSE); });
    set_irql(HIGH_LEVEL);
    EXPECT_EQ(wait(&event, -1000, true), STATUS_TIMEOUT);
    set_irql(PASSIVE_LEVEL);
  });
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 1u);
}

TEST_P(ThreadTest, RoomForThreadsEnds) {
  in_driver([&] {
    HANDLE handle = nullptr;
    NTSTATUS status = STATUS_SUCCESS;
    std::size_t made = 0;
    for (; made <= Scheduler::thread_limit && status == STATUS_SUCCESS; ++made) {
      status = K(PsCreateSystemThread)(
          &handle, 0, nullptr, nullptr, nullptr, +[](PVOID) {}, nullptr);
    }
    EXPECT_EQ(status, STATUS_INSUFFICIENT_RESOURCES);
    EXPECT_EQ(made, Scheduler::thread_limit + 1);
    sleep(1);
    EXPECT_EQ(K(PsCreateSystemThread)(
                  &handle, 0, nullptr, nullptr, nullptr, +[](PVOID) {}, nullptr),
              STATUS_SUCCESS)
        << "the stacks of those that ended serve again";
  });
}

TEST_P(ThreadTest, FloatingPointControlIsEachThreadsOwn) {
  std::uint32_t first = 0, second = 0;
  in_driver([&] {
    const std::uint32_t mine = 0x3F80, usual = 0x1F80;
    asm volatile("ldmxcsr %0" ::"m"(mine));
    HANDLE handle = start([&] { asm volatile("stmxcsr %0" : "=m"(second)); });
    K(ZwWaitForSingleObject)(handle, FALSE, nullptr);
    asm volatile("stmxcsr %0" : "=m"(first));
    asm volatile("ldmxcsr %0" ::"m"(usual));
  });
  EXPECT_EQ(first & 0xFFC0, 0x3F80u);
  EXPECT_EQ(second & 0xFFC0, 0x1F80u);
}

}  // namespace
}  // namespace dumpsim::kernel::test
