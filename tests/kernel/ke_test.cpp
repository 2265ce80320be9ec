// SPDX-License-Identifier: Apache-2.0
// IRQL, bug checks, waiting, locks and time.
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trace::Kind;
using trace::Rule;

class KeTest : public KernelTest {
 public:
  /// Expects that `code` can never end; what the record says.
  std::string deadlock_of(std::function<void()> code) {
    const machine::CallResult result = in_driver(std::move(code));
    EXPECT_FALSE(result.returned);
    EXPECT_EQ(result.value, static_cast<std::uint64_t>(Left::deadlock));
    EXPECT_FALSE(machine().bugcheck.raised);
    const auto faults = noted(Kind::fault);
    if (faults.empty()) return "nothing recorded";
    EXPECT_EQ(faults.back().record.arg, static_cast<std::uint64_t>(trace::FaultKind::hang));
    return faults.back().text;
  }
};
DUMPSIM_BOTH_CONVENTIONS(KeTest);

TEST_P(KeTest, RaisesAndLowersWithARecord) {
  EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  EXPECT_EQ(K(KfRaiseIrql)(DISPATCH_LEVEL), PASSIVE_LEVEL);
  EXPECT_EQ(K(KfRaiseIrql)(DISPATCH_LEVEL), DISPATCH_LEVEL);
  EXPECT_EQ(K(KeRaiseIrqlToSynchLevel)(), DISPATCH_LEVEL);
  EXPECT_EQ(K(KeGetCurrentIrql)(), 12);
  K(KeLowerIrql)(PASSIVE_LEVEL);
  EXPECT_EQ(K(KeRaiseIrqlToDpcLevel)(), PASSIVE_LEVEL);
  const auto changes = noted(Kind::irql_changed);
  ASSERT_EQ(changes.size(), 4u) << "raising to where one is changes nothing";
  EXPECT_EQ(changes[1].record.arg, (2u << 8) | 12u);
  EXPECT_EQ(changes[2].record.arg, (12u << 8) | 0u);
}

TEST_P(KeTest, TheWrongWayIsABugCheck) {
  set_irql(DISPATCH_LEVEL);
  EXPECT_THAT(bugcheck_of(0x09, [&] { K(KfRaiseIrql)(APC_LEVEL); }), ElementsAre(2, 1, 0, 0));
  EXPECT_THAT(bugcheck_of(IRQL_NOT_LESS_OR_EQUAL, [&] { K(KeLowerIrql)(HIGH_LEVEL); }), ElementsAre(15, 2, 0, 0));
}

TEST_P(KeTest, ABugCheckLeavesEveryFrame) {
  bool went_on = false;
  const auto parameters = bugcheck_of(SECURITY_SYSTEM, [&] {
    in_driver([&] { K(KeBugCheckEx)(SECURITY_SYSTEM, 1, 2, 3, 4); });
    went_on = true;
  });
  EXPECT_FALSE(went_on) << "the outer call is left too";
  EXPECT_THAT(parameters, ElementsAre(1, 2, 3, 4));
  const auto records = noted(Kind::bugcheck);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].record.arg, SECURITY_SYSTEM);
  EXPECT_EQ(records[0].record.image, image);
  EXPECT_EQ(records[0].text.size(), 32u);
  EXPECT_THAT(bugcheck_of(0x1234, [&] { K(KeBugCheck)(0x1234); }), ElementsAre(0, 0, 0, 0));
  const auto raised = bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(ExRaiseStatus)(STATUS_UNSUCCESSFUL); });
  EXPECT_EQ(static_cast<NTSTATUS>(raised[0]), STATUS_UNSUCCESSFUL);
}

TEST_P(KeTest, NoHostAddressStandsInABugchecksRecord) {
  int local = 0;
  void* block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, 1);
  bugcheck_of(1, [&] {
    int on_stack = 0;
    K(KeBugCheckEx)
    (1, reinterpret_cast<ULONG_PTR>(&local), reinterpret_cast<ULONG_PTR>(&on_stack), reinterpret_cast<ULONG_PTR>(block),
     0xFFFFFFFFC0000001);
  });
  const auto record = noted(Kind::bugcheck).back();
  std::array<std::uint64_t, 4> recorded{};
  std::memcpy(recorded.data(), record.text.data(), sizeof recorded);
  EXPECT_THAT(recorded, ElementsAre(Kernel::host_marker, Kernel::stack_marker, reinterpret_cast<std::uintptr_t>(block),
                                    0xFFFFFFFFC0000001));
  EXPECT_EQ(machine().bugcheck.parameters[0], reinterpret_cast<std::uintptr_t>(&local)) << "evidence keeps it";
}

TEST_P(KeTest, EventsRememberAsTheirTypeSays) {
  KEVENT event;
  for (const EVENT_TYPE type : {NotificationEvent, SynchronizationEvent}) {
    K(KeInitializeEvent)(&event, type, FALSE);
    EXPECT_EQ(event.Header.Type, type);
    EXPECT_EQ(event.Header.Size, 6);
    EXPECT_EQ(K(KeReadStateEvent)(&event), 0);
    EXPECT_EQ(K(KeSetEvent)(&event, 0, FALSE), 0);
    EXPECT_EQ(K(KeSetEvent)(&event, 0, FALSE), 1);
    EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(K(KeReadStateEvent)(&event), type == NotificationEvent ? 1 : 0);
    K(KeSetEvent)(&event, 0, FALSE);
    EXPECT_EQ(K(KeResetEvent)(&event), 1);
    EXPECT_EQ(K(KeResetEvent)(&event), 0);
    K(KeInitializeEvent)(&event, type, TRUE);
    K(KeClearEvent)(&event);
    EXPECT_EQ(K(KeReadStateEvent)(&event), 0);
  }
}

TEST_P(KeTest, ATimeoutPassesInVirtualTime) {
  KEVENT event;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  LARGE_INTEGER timeout{.QuadPart = -5000};
  EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
  EXPECT_EQ(machine().clock.now, 5000u);
  timeout.QuadPart = static_cast<LONGLONG>(machine::boot_filetime + 9000);
  EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
  EXPECT_EQ(machine().clock.now, 9000u);
  EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
  EXPECT_EQ(machine().clock.now, 9000u) << "a moment that is over";
  LARGE_INTEGER interval{.QuadPart = -1};
  K(KeDelayExecutionThread)(KernelMode, FALSE, &interval);
  EXPECT_EQ(machine().clock.now, 9001u);
}

TEST_P(KeTest, AWaitThatNothingCanEndIsADeadlock) {
  KEVENT event;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  EXPECT_EQ(deadlock_of([&] {
              K(KeWaitForSingleObject)
              (&event, Executive, KernelMode, FALSE, nullptr);
            }),
            "KeWaitForSingleObject: nothing will ever signal host, and the wait has no timeout");
  auto* pooled = static_cast<PKEVENT>(K(ExAllocatePoolWithTag)(NonPagedPool, sizeof(KEVENT), 1));
  K(KeInitializeEvent)(pooled, NotificationEvent, FALSE);
  void* both[] = {&event, pooled};
  K(KeSetEvent)(&event, 0, FALSE);
  EXPECT_THAT(deadlock_of([&] {
                K(KeWaitForMultipleObjects)(2, both, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr);
              }),
              HasSubstr("nothing will ever signal pool#1"));
  EXPECT_EQ(K(KeWaitForMultipleObjects)(2, both, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr),
            STATUS_WAIT_0);
  K(KeSetEvent)(pooled, 0, FALSE);
  EXPECT_EQ(K(KeWaitForMultipleObjects)(2, both, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr),
            STATUS_SUCCESS);
  void* many[] = {&event, &event, &event, &event};
  bugcheck_of(0x0C, [&] {
    K(KeWaitForMultipleObjects)(4, many, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr);
  });
}

TEST_P(KeTest, WaitingNeedsAPClevelUnlessItCannotBlock) {
  KEVENT event;
  K(KeInitializeEvent)(&event, NotificationEvent, TRUE);
  set_irql(DISPATCH_LEVEL);
  LARGE_INTEGER poll{};
  K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &poll);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u);
  K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, nullptr);
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 1u);
  EXPECT_EQ(noted(trace::Kind::violation).back().text,
            "KeWaitForSingleObject may have to wait at IRQL 2, where no other thread can run");
  LARGE_INTEGER some{.QuadPart = -10};
  void* objects[] = {&event};
  K(KeWaitForMultipleObjects)(1, objects, WaitAny, Executive, KernelMode, FALSE, &some, nullptr);
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 2u);
  K(KeDelayExecutionThread)(KernelMode, FALSE, &some);
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 3u);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u) << "one cause, one finding";
  set_irql(HIGH_LEVEL);
  K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &poll);
  EXPECT_EQ(violations(Rule::irql_too_high), 1u) << "a look is for DISPATCH_LEVEL at most";
  set_irql(APC_LEVEL);
  LARGE_INTEGER soon{.QuadPart = -10};
  K(KeDelayExecutionThread)(KernelMode, FALSE, &soon);
  EXPECT_EQ(violations(Rule::irql_wait_at_high_level), 3u);
}

TEST_P(KeTest, MutexesAndSemaphores) {
  KMUTEX mutex;
  K(KeInitializeMutex)(&mutex, 0);
  LARGE_INTEGER poll{};
  EXPECT_EQ(K(KeReadStateMutex)(&mutex), 1);
  EXPECT_EQ(K(KeWaitForSingleObject)(&mutex, Executive, KernelMode, FALSE, &poll), STATUS_SUCCESS);
  EXPECT_EQ(K(KeWaitForSingleObject)(&mutex, Executive, KernelMode, FALSE, &poll), STATUS_SUCCESS) << "its owner again";
  EXPECT_EQ(mutex.OwnerThread, K(KeGetCurrentThread)());
  EXPECT_EQ(K(KeReleaseMutex)(&mutex, FALSE), -1);
  EXPECT_EQ(K(KeReleaseMutex)(&mutex, FALSE), 0);
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(KeReleaseMutex)(&mutex, FALSE); });

  KSEMAPHORE semaphore;
  K(KeInitializeSemaphore)(&semaphore, 1, 2);
  EXPECT_EQ(K(KeWaitForSingleObject)(&semaphore, Executive, KernelMode, FALSE, &poll), STATUS_SUCCESS);
  EXPECT_EQ(K(KeWaitForSingleObject)(&semaphore, Executive, KernelMode, FALSE, &poll), STATUS_TIMEOUT);
  EXPECT_EQ(K(KeReleaseSemaphore)(&semaphore, 0, 2, FALSE), 0);
  EXPECT_EQ(K(KeReadStateSemaphore)(&semaphore), 2);
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(KeReleaseSemaphore)(&semaphore, 0, 1, FALSE); });
}

TEST_P(KeTest, SpinLocksRaiseAndDeadlock) {
  KSPIN_LOCK lock = 0;
  const KIRQL before = K(KeAcquireSpinLockRaiseToDpc)(&lock);
  EXPECT_EQ(K(KeGetCurrentIrql)(), DISPATCH_LEVEL);
  EXPECT_EQ(K(KeTestSpinLock)(&lock), FALSE);
  EXPECT_EQ(K(KeTryToAcquireSpinLockAtDpcLevel)(&lock), FALSE);
  EXPECT_EQ(deadlock_of([&] {
              K(KeAcquireSpinLockAtDpcLevel)
              (&lock);
            }),
            "KeAcquireSpinLockAtDpcLevel: the caller holds host already");
  K(KeReleaseSpinLock)(&lock, before);
  EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  KLOCK_QUEUE_HANDLE handle;
  K(KeAcquireInStackQueuedSpinLock)(&lock, &handle);
  EXPECT_NE(lock, 0u);
  K(KeReleaseInStackQueuedSpinLock)(&handle);
  EXPECT_EQ(lock, 0u);
  EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  K(KeAcquireInStackQueuedSpinLockAtDpcLevel)(&lock, &handle);
  K(KeReleaseInStackQueuedSpinLockFromDpcLevel)(&handle);
  EXPECT_EQ(K(KeTryToAcquireSpinLockAtDpcLevel)(&lock), TRUE);
  K(KeReleaseSpinLockFromDpcLevel)(&lock);
  set_irql(HIGH_LEVEL);
  K(KeAcquireSpinLockAtDpcLevel)(&lock);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u) << "the AtDpcLevel form is for any level from there on";
}

TEST_P(KeTest, FastMutexesAndResources) {
  FAST_MUTEX mutex{};
  mutex.Count = FM_LOCK_BIT;
  K(KeInitializeEvent)(&mutex.Event, SynchronizationEvent, FALSE);
  K(ExAcquireFastMutex)(&mutex);
  EXPECT_EQ(K(KeGetCurrentIrql)(), APC_LEVEL);
  EXPECT_EQ(K(ExTryToAcquireFastMutex)(&mutex), FALSE);
  EXPECT_THAT(deadlock_of([&] { K(ExAcquireFastMutexUnsafe)(&mutex); }), HasSubstr("already"));
  K(ExReleaseFastMutex)(&mutex);
  EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  EXPECT_EQ(K(ExTryToAcquireFastMutex)(&mutex), TRUE);
  K(ExReleaseFastMutex)(&mutex);
  K(ExAcquireFastMutexUnsafe)(&mutex);
  K(ExReleaseFastMutexUnsafe)(&mutex);

  ERESOURCE resource;
  K(ExInitializeResourceLite)(&resource);
  EXPECT_EQ(K(ExAcquireResourceSharedLite)(&resource, TRUE), TRUE);
  EXPECT_EQ(K(ExAcquireResourceExclusiveLite)(&resource, FALSE), FALSE);
  K(ExReleaseResourceLite)(&resource);
  EXPECT_EQ(K(ExAcquireResourceExclusiveLite)(&resource, TRUE), TRUE);
  EXPECT_EQ(K(ExAcquireResourceSharedLite)(&resource, FALSE), TRUE) << "its owner may";
  K(ExReleaseResourceLite)(&resource);
  K(ExReleaseResourceLite)(&resource);
  bugcheck_of(0xE3, [&] { K(ExReleaseResourceLite)(&resource); });
  EXPECT_EQ(K(ExDeleteResourceLite)(&resource), STATUS_SUCCESS);
}

TEST_P(KeTest, RegionsDisableApcs) {
  EXPECT_EQ(K(KeAreApcsDisabled)(), FALSE);
  K(KeEnterCriticalRegion)();
  EXPECT_EQ(K(KeAreApcsDisabled)(), TRUE);
  EXPECT_EQ(K(KeAreAllApcsDisabled)(), FALSE);
  K(KeLeaveCriticalRegion)();
  K(KeEnterGuardedRegion)();
  EXPECT_EQ(K(KeAreAllApcsDisabled)(), TRUE);
  K(KeLeaveGuardedRegion)();
  EXPECT_EQ(K(KeAreAllApcsDisabled)(), FALSE);
  set_irql(APC_LEVEL);
  EXPECT_EQ(K(KeAreAllApcsDisabled)(), TRUE);
}

TEST_P(KeTest, TimeMovesOnlyWhenSomethingTakesTime) {
  K(KeStallExecutionProcessor)(50);
  EXPECT_EQ(machine().clock.now, 500u);
  LARGE_INTEGER frequency;
  const LONGLONG first = K(KeQueryPerformanceCounter)(&frequency).QuadPart;
  EXPECT_EQ(frequency.QuadPart, 10000000);
  EXPECT_EQ(K(KeQueryPerformanceCounter)(nullptr).QuadPart, first + 1) << "asking takes a unit: polling ends";
  machine().clock.now = 3 * 156250 + 7;
  LARGE_INTEGER value;
  K(KeQueryTickCount)(&value);
  EXPECT_EQ(value.QuadPart, 3);
  EXPECT_EQ(K(KeQueryInterruptTime)(), 3u * 156250);
  EXPECT_EQ(K(KeQueryTimeIncrement)(), 156250u);
  K(KeQuerySystemTime)(&value);
  EXPECT_EQ(value.QuadPart, static_cast<LONGLONG>(machine::boot_filetime + 3 * 156250));
  K(KeQuerySystemTimePrecise)(&value);
  TIME_FIELDS fields;
  K(RtlTimeToTimeFields)(&value, &fields);
  EXPECT_EQ(fields.Year, 2026);
  EXPECT_EQ(fields.Month, 1);
  EXPECT_EQ(fields.Day, 1);
  EXPECT_EQ(fields.Weekday, 4) << "a Thursday";
}

TEST_P(KeTest, TheCalendarGoesBothWays) {
  LARGE_INTEGER time{};
  TIME_FIELDS fields;
  K(RtlTimeToTimeFields)(&time, &fields);
  EXPECT_EQ(fields.Year, 1601);
  EXPECT_EQ(fields.Weekday, 1) << "a Monday";
  for (LONGLONG day = 0; day < 160000; day += 13) {
    time.QuadPart = (day * 86400 + day % 86400) * 10000000 + 1230000;
    K(RtlTimeToTimeFields)(&time, &fields);
    LARGE_INTEGER back{};
    ASSERT_EQ(K(RtlTimeFieldsToTime)(&fields, &back), TRUE) << day;
    ASSERT_EQ(back.QuadPart, time.QuadPart) << day;
  }
  fields = {2023, 2, 29, 0, 0, 0, 0, 0};
  EXPECT_EQ(K(RtlTimeFieldsToTime)(&fields, &time), FALSE) << "no leap year";
  fields.Year = 2024;
  EXPECT_EQ(K(RtlTimeFieldsToTime)(&fields, &time), TRUE);
}

TEST_P(KeTest, SecondsAreCountedFrom1970) {
  LARGE_INTEGER time{};
  ULONG seconds = 7;
  for (const ULONG each : {0u, 1u, 1767225600u, 0xFFFFFFFFu}) {
    K(RtlSecondsSince1970ToTime)(each, &time);
    ASSERT_EQ(K(RtlTimeToSecondsSince1970)(&time, &seconds), TRUE);
    EXPECT_EQ(seconds, each);
  }
  TIME_FIELDS fields;
  K(RtlSecondsSince1970ToTime)(1767225600, &time);
  K(RtlTimeToTimeFields)(&time, &fields);
  EXPECT_EQ(fields.Year, 2026);
  EXPECT_EQ(fields.Hour, 0);
  seconds = 7;
  K(RtlSecondsSince1970ToTime)(0, &time);
  --time.QuadPart;
  EXPECT_EQ(K(RtlTimeToSecondsSince1970)(&time, &seconds), FALSE) << "before 1970";
  K(RtlSecondsSince1970ToTime)(0xFFFFFFFF, &time);
  time.QuadPart += 10000000;
  EXPECT_EQ(K(RtlTimeToSecondsSince1970)(&time, &seconds), FALSE) << "beyond 2106";
  EXPECT_EQ(seconds, 7u) << "and nothing is written";
  LARGE_INTEGER local{};
  K(ExSystemTimeToLocalTime)(&time, &local);
  LARGE_INTEGER back{};
  K(ExLocalTimeToSystemTime)(&local, &back);
  EXPECT_EQ(back.QuadPart, time.QuadPart);
}

TEST_P(KeTest, TheSystemIsWhatTheProfileSays) {
  restart({.major = 6, .minor = 1, .build = 7601});
  machine().processors = 4;
  ULONG major = 0, minor = 0, build = 0;
  UNICODE_STRING pack{2, 2, nullptr};
  EXPECT_EQ(K(PsGetVersion)(&major, &minor, &build, &pack), FALSE);
  EXPECT_EQ(major * 10 + minor, 61u);
  EXPECT_EQ(build, 7601u);
  EXPECT_EQ(pack.Length, 0);
  RTL_OSVERSIONINFOEXW version{};
  version.dwOSVersionInfoSize = sizeof version;
  EXPECT_EQ(K(RtlGetVersion)(reinterpret_cast<PRTL_OSVERSIONINFOW>(&version)), STATUS_SUCCESS);
  EXPECT_EQ(version.dwBuildNumber, 7601u);
  EXPECT_EQ(version.wProductType, VER_NT_WORKSTATION);
  KAFFINITY mask = 0;
  EXPECT_EQ(K(KeQueryActiveProcessorCount)(&mask), 4u);
  EXPECT_EQ(mask, 15u);
  EXPECT_EQ(K(KeQueryActiveProcessorCountEx)(ALL_PROCESSOR_GROUPS), 4u);
  EXPECT_EQ(K(KeQueryActiveProcessorCountEx)(1), 0u);
  PROCESSOR_NUMBER number{1, 1, 1};
  EXPECT_EQ(K(KeGetCurrentProcessorNumberEx)(&number), 0u);
  EXPECT_EQ(number.Group + number.Number, 0);
  EXPECT_EQ(K(IoGetCurrentProcess)(), K(IoGetCurrentProcess)());
}

}  // namespace
}  // namespace dumpsim::kernel::test
