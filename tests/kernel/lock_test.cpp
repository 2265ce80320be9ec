// SPDX-License-Identifier: Apache-2.0
// Locks between threads: fast and guarded mutexes, resources, push locks, rundown protection, spin locks with readers,
// and the lists that go with them.
#include <deque>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Kind;
using trace::Rule;

class LockTest : public KernelTest {
 public:
  PKTHREAD start(std::function<void()> code) {
    codes_.push_back(std::move(code));
    HANDLE handle = nullptr;
    void* object = nullptr;
    K(PsCreateSystemThread)(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, &run_code, &codes_.back());
    K(ObReferenceObjectByHandle)(handle, 0, nullptr, KernelMode, &object, nullptr);
    return static_cast<PKTHREAD>(object);
  }
  void sleep(LONGLONG hundred_ns) {
    LARGE_INTEGER time{};
    time.QuadPart = -hundred_ns;
    K(KeDelayExecutionThread)(KernelMode, FALSE, &time);
  }
  void join(PKTHREAD thread) { K(KeWaitForSingleObject)(thread, Executive, KernelMode, FALSE, nullptr); }
  void note(std::string what) { said.push_back(std::move(what)); }
  std::string hang_of(std::function<void()> code) {
    const machine::CallResult result = in_driver(std::move(code));
    EXPECT_FALSE(result.returned);
    const auto faults = noted(Kind::fault);
    return faults.empty() ? "nothing recorded" : faults.back().text;
  }
  std::vector<std::string> said;

 private:
  static void run_code(PVOID code) { (*static_cast<std::function<void()>*>(code))(); }
  std::deque<std::function<void()>> codes_;
};
DUMPSIM_BOTH_CONVENTIONS(LockTest);

TEST_P(LockTest, AFastMutexIsWaitedFor) {
  FAST_MUTEX mutex{};
  mutex.Count = FM_LOCK_BIT;
  in_driver([&] {
    K(ExAcquireFastMutex)(&mutex);
    PKTHREAD thread = start([&] {
      EXPECT_EQ(K(ExTryToAcquireFastMutex)(&mutex), FALSE);
      K(ExAcquireFastMutex)(&mutex);
      note("thread");
      EXPECT_EQ(K(KeGetCurrentIrql)(), APC_LEVEL);
      K(ExReleaseFastMutex)(&mutex);
      EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
    });
    sleep(1);
    note("owner");
    K(ExReleaseFastMutex)(&mutex);
    join(thread);
  });
  EXPECT_THAT(said, ElementsAre("owner", "thread"));
  EXPECT_EQ(mutex.Contention, 1u);
}

TEST_P(LockTest, WhoHoldsAFastMutexIsSaid) {
  auto* mutexes = static_cast<PFAST_MUTEX>(K(ExAllocatePoolWithTag)(NonPagedPool, 2 * sizeof(FAST_MUTEX), 1));
  for (int i = 0; i < 2; ++i) {
    mutexes[i] = FAST_MUTEX{};
    mutexes[i].Count = FM_LOCK_BIT;
  }
  EXPECT_EQ(hang_of([&] {
              K(ExAcquireFastMutexUnsafe)(&mutexes[0]);
              start([&] {
                K(ExAcquireFastMutexUnsafe)(&mutexes[1]);
                K(ExAcquireFastMutexUnsafe)(&mutexes[0]);
              });
              sleep(1);
              K(ExAcquireFastMutexUnsafe)(&mutexes[1]);
            }),
            "ExAcquireFastMutexUnsafe: thread#1 (the system's) waits for the fast mutex at pool#1+0x38, which thread#2 "
            "holds; thread#2 (?) waits for the fast mutex at pool#1, which thread#1 holds");
}

TEST_P(LockTest, AGuardedMutexDisablesApcs) {
  KGUARDED_MUTEX mutex;
  in_driver([&] {
    K(KeInitializeGuardedMutex)(&mutex);
    K(KeAcquireGuardedMutex)(&mutex);
    EXPECT_EQ(K(KeAreAllApcsDisabled)(), TRUE);
    EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
    PKTHREAD thread = start([&] {
      EXPECT_EQ(K(KeAreAllApcsDisabled)(), FALSE) << "another thread's region";
      EXPECT_EQ(K(KeTryToAcquireGuardedMutex)(&mutex), FALSE);
      K(KeAcquireGuardedMutexUnsafe)(&mutex);
      note("thread");
      K(KeReleaseGuardedMutexUnsafe)(&mutex);
    });
    sleep(1);
    note("owner");
    K(KeReleaseGuardedMutex)(&mutex);
    join(thread);
    EXPECT_EQ(K(KeTryToAcquireGuardedMutex)(&mutex), TRUE);
  });
  EXPECT_THAT(said, ElementsAre("owner", "thread"));
}

TEST_P(LockTest, AResourceHasReadersOrOneWriter) {
  ERESOURCE resource;
  in_driver([&] {
    K(ExInitializeResourceLite)(&resource);
    K(ExAcquireResourceSharedLite)(&resource, TRUE);
    PKTHREAD reader = start([&] {
      EXPECT_EQ(K(ExAcquireResourceSharedLite)(&resource, TRUE), TRUE);
      note("a second reader");
      EXPECT_EQ(K(ExIsResourceAcquiredSharedLite)(&resource), 1u);
      EXPECT_EQ(K(ExIsResourceAcquiredExclusiveLite)(&resource), FALSE);
      sleep(20);
      K(ExReleaseResourceLite)(&resource);
    });
    PKTHREAD writer = start([&] {
      EXPECT_EQ(K(ExTryToAcquireResourceExclusiveLite)(&resource), FALSE);
      K(ExAcquireResourceExclusiveLite)(&resource, TRUE);
      note("the writer");
      K(ExConvertExclusiveToSharedLite)(&resource);
      sleep(10);
      note("the writer, now reading");
      K(ExReleaseResourceLite)(&resource);
    });
    sleep(5);
    EXPECT_EQ(K(ExGetExclusiveWaiterCount)(&resource), 1u);
    PKTHREAD late = start([&] {
      EXPECT_EQ(K(ExAcquireResourceSharedLite)(&resource, FALSE), FALSE) << "a writer waits";
      EXPECT_EQ(K(ExAcquireSharedStarveExclusive)(&resource, FALSE), TRUE);
      K(ExReleaseResourceLite)(&resource);
      K(ExAcquireResourceSharedLite)(&resource, TRUE);
      note("a late reader");
      K(ExReleaseResourceLite)(&resource);
    });
    sleep(1);
    EXPECT_EQ(K(ExGetSharedWaiterCount)(&resource), 1u);
    EXPECT_EQ(K(ExAcquireResourceSharedLite)(&resource, FALSE), TRUE) << "it reads already";
    EXPECT_EQ(K(ExAcquireSharedWaitForExclusive)(&resource, FALSE), FALSE);
    K(ExReleaseResourceLite)(&resource);
    K(ExReleaseResourceForThreadLite)(&resource, reinterpret_cast<ERESOURCE_THREAD>(K(KeGetCurrentThread)()));
    for (PKTHREAD each : {reader, writer, late}) join(each);
    EXPECT_EQ(K(ExDeleteResourceLite)(&resource), STATUS_SUCCESS);
  });
  EXPECT_THAT(said, ElementsAre("a second reader", "the writer", "a late reader", "the writer, now reading"));
  EXPECT_EQ(resource.ContentionCount, 2u);
}

TEST_P(LockTest, ReleasingAnothersResourceStops) {
  ERESOURCE resource;
  bugcheck_of(0xE3, [&] {
    K(ExInitializeResourceLite)(&resource);
    K(ExEnterCriticalRegionAndAcquireResourceExclusive)(&resource);
    EXPECT_EQ(K(KeAreApcsDisabled)(), TRUE);
    EXPECT_EQ(K(ExIsResourceAcquiredExclusiveLite)(&resource), TRUE);
    join(start([&] { K(ExReleaseResourceLite)(&resource); }));
  });
}

TEST_P(LockTest, PushLocksAndRundownProtection) {
  EX_PUSH_LOCK lock;
  EX_RUNDOWN_REF rundown;
  in_driver([&] {
    K(ExInitializePushLock)(&lock);
    K(ExAcquirePushLockSharedEx)(&lock, 0);
    K(ExAcquirePushLockSharedEx)(&lock, 0);
    PKTHREAD writer = start([&] {
      K(ExAcquirePushLockExclusiveEx)(&lock, 0);
      note("writer");
      K(ExReleasePushLockExclusiveEx)(&lock, 0);
    });
    sleep(1);
    K(ExReleasePushLockSharedEx)(&lock, 0);
    sleep(1);
    EXPECT_THAT(said, IsEmpty());
    K(ExReleasePushLockSharedEx)(&lock, 0);
    join(writer);

    K(ExInitializeRundownProtection)(&rundown);
    EXPECT_EQ(K(ExAcquireRundownProtection)(&rundown), TRUE);
    EXPECT_EQ(K(ExAcquireRundownProtectionEx)(&rundown, 2), TRUE);
    PKTHREAD owner = start([&] {
      K(ExWaitForRundownProtectionRelease)(&rundown);
      note("run down");
    });
    sleep(1);
    EXPECT_EQ(K(ExAcquireRundownProtection)(&rundown), FALSE) << "it runs down";
    K(ExReleaseRundownProtectionEx)(&rundown, 2);
    sleep(1);
    EXPECT_EQ(said.size(), 1u);
    K(ExReleaseRundownProtection)(&rundown);
    join(owner);
    K(ExRundownCompleted)(&rundown);
    K(ExReInitializeRundownProtection)(&rundown);
    EXPECT_EQ(K(ExAcquireRundownProtection)(&rundown), TRUE);
  });
  EXPECT_THAT(said, ElementsAre("writer", "run down"));
}

TEST_P(LockTest, ReaderWriterSpinLocks) {
  EX_SPIN_LOCK lock = 0;
  in_driver([&] {
    const KIRQL before = K(ExAcquireSpinLockShared)(&lock);
    K(ExAcquireSpinLockSharedAtDpcLevel)(&lock);
    EXPECT_EQ(K(ExTryConvertSharedSpinLockExclusive)(&lock), FALSE) << "two readers";
    K(ExReleaseSpinLockSharedFromDpcLevel)(&lock);
    EXPECT_EQ(K(ExTryConvertSharedSpinLockExclusive)(&lock), TRUE);
    K(ExReleaseSpinLockExclusive)(&lock, before);
    EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
    K(ExReleaseSpinLockExclusive)(&lock, K(ExAcquireSpinLockExclusive)(&lock));
    K(ExReleaseSpinLockShared)(&lock, K(ExAcquireSpinLockShared)(&lock));
    K(ExAcquireSpinLockExclusiveAtDpcLevel)(&lock);
    K(ExReleaseSpinLockExclusiveFromDpcLevel)(&lock);
    KSPIN_LOCK plain = 0;
    K(KeReleaseSpinLockForDpc)(&plain, K(KeAcquireSpinLockForDpc)(&plain));
    EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  });
  EXPECT_THAT(hang_of([&] {
                K(ExAcquireSpinLockShared)(&lock);
                K(ExAcquireSpinLockExclusiveAtDpcLevel)(&lock);
              }),
              HasSubstr("already"));
}

TEST_P(LockTest, ListsWithALockAndWithout) {
  LIST_ENTRY head{&head, &head}, entries[2];
  KSPIN_LOCK lock = 0;
  EXPECT_EQ(K(ExInterlockedInsertHeadList)(&head, &entries[0], &lock), nullptr);
  EXPECT_EQ(K(ExInterlockedInsertTailList)(&head, &entries[1], &lock), &entries[0]);
  EXPECT_EQ(K(ExInterlockedRemoveHeadList)(&head, &lock), &entries[0]);
  EXPECT_EQ(K(ExInterlockedRemoveHeadList)(&head, &lock), &entries[1]);
  EXPECT_EQ(K(ExInterlockedRemoveHeadList)(&head, &lock), nullptr);
  SINGLE_LIST_ENTRY single{nullptr}, one;
  EXPECT_EQ(K(ExInterlockedPushEntryList)(&single, &one, &lock), nullptr);
  EXPECT_EQ(K(ExInterlockedPopEntryList)(&single, &lock), &one);
  ULONG number = 3;
  EXPECT_EQ(K(ExInterlockedAddUlong)(&number, 4, &lock), 3u);
  EXPECT_EQ(number, 7u);
  LARGE_INTEGER large{}, more{};
  more.QuadPart = 1ll << 40;
  EXPECT_EQ(K(ExInterlockedAddLargeInteger)(&large, more, &lock).QuadPart, 0);
  EXPECT_EQ(large.QuadPart, 1ll << 40);

  SLIST_HEADER list;
  SLIST_ENTRY items[2];
  K(InitializeSListHead)(&list);
  EXPECT_EQ(K(ExpInterlockedPopEntrySList)(&list), nullptr);
  EXPECT_EQ(K(ExpInterlockedPushEntrySList)(&list, &items[0]), nullptr);
  EXPECT_EQ(K(ExpInterlockedPushEntrySList)(&list, &items[1]), &items[0]);
  EXPECT_EQ(K(ExQueryDepthSList)(&list), 2);
  EXPECT_EQ(K(ExpInterlockedPopEntrySList)(&list), &items[1]);
  EXPECT_EQ(K(ExpInterlockedFlushSList)(&list), &items[0]);
  EXPECT_EQ(K(ExQueryDepthSList)(&list), 0);
}

TEST_P(LockTest, LookasideListsAskThePoolInTheCallersConvention) {
  NPAGED_LOOKASIDE_LIST list;
  K(ExInitializeNPagedLookasideList)(&list, nullptr, nullptr, 0, 40, 0x6B6F6F4C, 0);
  EXPECT_EQ(reinterpret_cast<const void*>(list.L.Allocate), find_export("ExAllocatePoolWithTag")->entry(GetParam()));
  EXPECT_EQ(list.L.Size, 40u);
  void* block = K(ExAllocatePoolWithTag)(list.L.Type, list.L.Size, list.L.Tag);
  K(ExpInterlockedPushEntrySList)(&list.L.ListHead, static_cast<PSLIST_ENTRY>(block));
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 1u);
  K(ExDeleteNPagedLookasideList)(&list);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  PAGED_LOOKASIDE_LIST paged;
  K(ExInitializePagedLookasideList)(&paged, nullptr, nullptr, 0, 4, 1, 0);
  EXPECT_EQ(paged.L.Type, PagedPool);
  EXPECT_GE(paged.L.Size, sizeof(SLIST_ENTRY));
  K(ExDeletePagedLookasideList)(&paged);
}

/// What the free routine of an extended list is called with. Its allocate routine is called by the inline functions
/// alone (tests/wdk/values_test.cpp).
struct ListCalls {
  PLOOKASIDE_LIST_EX list = nullptr;
  int freed = 0;
} list_calls;
PVOID allocate_entry(POOL_TYPE, SIZE_T, ULONG, PLOOKASIDE_LIST_EX) {
  return nullptr;
}
void free_entry(PVOID, PLOOKASIDE_LIST_EX list) {
  list_calls.list = list;
  ++list_calls.freed;
}
__attribute__((ms_abi)) void free_entry_microsoft(PVOID entry, PLOOKASIDE_LIST_EX list) {
  free_entry(entry, list);
}

TEST_P(LockTest, ExtendedLookasideListsTakeAnyPool) {
  LOOKASIDE_LIST_EX list;
  ASSERT_EQ(K(ExInitializeLookasideListEx)(&list, nullptr, nullptr, PagedPool, 0, 40, 0x6B6F6F4C, 0), STATUS_SUCCESS);
  EXPECT_EQ(list.L.Type, PagedPool);
  EXPECT_EQ(list.L.Size, 40u);
  EXPECT_EQ(reinterpret_cast<const void*>(list.L.AllocateEx), find_export("ExAllocatePoolWithTag")->entry(GetParam()));
  for (int i = 0; i < 2; ++i) {
    void* entry = K(ExAllocatePoolWithTag)(list.L.Type, list.L.Size, list.L.Tag);
    K(ExpInterlockedPushEntrySList)(&list.L.ListHead, static_cast<PSLIST_ENTRY>(entry));
  }
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 2u);
  K(ExFlushLookasideListEx)(&list);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  K(ExFlushLookasideListEx)(&list);
  K(ExDeleteLookasideListEx)(&list);
}

TEST_P(LockTest, ExtendedLookasideListsHandTheirRoutinesTheList) {
  list_calls = {};
  LOOKASIDE_LIST_EX list;
  const void* code = GetParam() == Convention::system_v ? reinterpret_cast<const void*>(&free_entry)
                                                        : reinterpret_cast<const void*>(&free_entry_microsoft);
  kernel().register_image(9, "main", code, 64, GetParam());
  const auto free = reinterpret_cast<PFREE_FUNCTION_EX>(const_cast<void*>(code));
  const auto initialize = [&](POOL_TYPE type, ULONG flags) {
    return K(ExInitializeLookasideListEx)(&list, allocate_entry, free, type, flags, 64, 1, 0);
  };
  EXPECT_EQ(initialize(static_cast<POOL_TYPE>(3), 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(initialize(static_cast<POOL_TYPE>(0x10000), 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(initialize(NonPagedPoolNx, 3), STATUS_INVALID_PARAMETER_5);
  EXPECT_EQ(initialize(NonPagedPoolNx, EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE), STATUS_SUCCESS);
  EXPECT_EQ(list.L.Type, NonPagedPoolNx | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
  EXPECT_EQ(initialize(NonPagedPoolNx, EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL), STATUS_SUCCESS);
  EXPECT_EQ(list.L.Type, NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE);
  EXPECT_EQ(list.L.AllocateEx, &allocate_entry);
  alignas(16) SLIST_ENTRY entry{};
  K(ExpInterlockedPushEntrySList)(&list.L.ListHead, &entry);
  in_driver([&] { K(ExDeleteLookasideListEx)(&list); });
  EXPECT_EQ(list_calls.freed, 1);
  EXPECT_EQ(list_calls.list, &list);
  kernel().forget_image(9);
}

TEST_P(LockTest, AffinitiesAreRemembered) {
  machine().processors = 4;
  in_driver([&] {
    EXPECT_EQ(K(KeSetSystemAffinityThreadEx)(2), 0u);
    EXPECT_EQ(K(KeSetSystemAffinityThreadEx)(~KAFFINITY{0}), 2u);
    K(KeRevertToUserAffinityThreadEx)(0);
    GROUP_AFFINITY wanted{4, 0, {}}, before{};
    K(KeSetSystemGroupAffinityThread)(&wanted, &before);
    EXPECT_EQ(before.Mask, 0u);
    K(KeSetSystemGroupAffinityThread)(&before, &wanted);
    EXPECT_EQ(wanted.Mask, 4u) << "a mask without a processor changes nothing";
    K(KeRevertToUserGroupAffinityThread)(&before);
    K(KeSetSystemAffinityThread)(1);
    K(KeRevertToUserAffinityThread)();
  });
}

}  // namespace
}  // namespace dumpsim::kernel::test
