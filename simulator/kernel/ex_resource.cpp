// SPDX-License-Identifier: Apache-2.0
// ERESOURCE: many readers or one writer, each as often as it likes. Who has it how often is kept aside, by resource;
// the structure shows what Windows shows in it: ActiveCount, the exclusive owner, the numbers of waiters.
#include <algorithm>

#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

using Owners = std::vector<ResourceOwner>;

constexpr USHORT owned_exclusive = 0x80;  // ResourceOwnedExclusive
constexpr ULONG resource_not_owned = 0xE3;

Owners& owners_of(PERESOURCE resource) {
  return current().scheduler().resources()[resource];
}

std::uint64_t this_thread() {
  return number_of(kernel::KeGetCurrentThread());
}

ResourceOwner* find(Owners& owners, std::uint64_t thread) {
  const auto at =
      std::find_if(owners.begin(), owners.end(), [thread](const auto& each) { return each.thread == thread; });
  return at == owners.end() ? nullptr : &*at;
}

bool is_exclusive(const ERESOURCE& resource) {
  return (resource.Flag & owned_exclusive) != 0;
}

void show(PERESOURCE resource, const Owners& owners) {
  resource->ActiveEntries = static_cast<ULONG>(owners.size());
  resource->ActiveCount = static_cast<SHORT>(owners.size());
  resource->OwnerEntry.OwnerThread = owners.empty() ? 0 : owners.front().thread;
  resource->OwnerEntry.OwnerCount = owners.empty() ? 0 : static_cast<ULONG>(owners.front().count) & 0x3FFFFFFF;
}

void own(PERESOURCE resource, Owners& owners, std::uint64_t thread) {
  if (ResourceOwner* mine = find(owners, thread); mine != nullptr) {
    ++mine->count;
  } else {
    owners.push_back({thread, 1});
  }
  show(resource, owners);
}

bool acquire_exclusive(std::string_view function, PERESOURCE resource, bool wait) {
  Kernel& kernel = current();
  const std::uint64_t thread = this_thread();
  const auto available = [&] {
    const Owners& owners = owners_of(resource);
    return owners.empty() || (is_exclusive(*resource) && owners.front().thread == thread);
  };
  if (!available()) {
    if (!wait) return false;
    ++resource->ContentionCount;
    ++resource->NumberOfExclusiveWaiters;
    rest_until(kernel, WaitKind::resource_exclusive, function, resource, available);
    --resource->NumberOfExclusiveWaiters;
  }
  resource->Flag |= owned_exclusive;
  own(resource, owners_of(resource), thread);
  return true;
}

enum class Before : std::uint8_t { nobody, writers_unless_reader, writers };

/// `waits_for`: which waiting writers go first.
bool acquire_shared(std::string_view function, PERESOURCE resource, bool wait, Before waits_for) {
  Kernel& kernel = current();
  const std::uint64_t thread = this_thread();
  const auto available = [&] {
    Owners& owners = owners_of(resource);
    const bool mine = find(owners, thread) != nullptr;
    if (is_exclusive(*resource)) return mine;
    if (resource->NumberOfExclusiveWaiters == 0 || waits_for == Before::nobody) return true;
    return waits_for == Before::writers_unless_reader && mine;
  };
  if (!available()) {
    if (!wait) return false;
    ++resource->ContentionCount;
    ++resource->NumberOfSharedWaiters;
    rest_until(kernel, WaitKind::resource_shared, function, resource, available);
    --resource->NumberOfSharedWaiters;
  }
  own(resource, owners_of(resource), thread);
  return true;
}

// Releasing one that is not owned stops Windows with RESOURCE_NOT_OWNED [doc].
void release(PERESOURCE resource, std::uint64_t thread) {
  Kernel& kernel = current();
  Owners& owners = owners_of(resource);
  ResourceOwner* mine = find(owners, thread);
  if (mine == nullptr) kernel.bugcheck(resource_not_owned, {number_of(resource), thread, 0, 0});
  if (--mine->count == 0) {
    owners.erase(owners.begin() + (mine - owners.data()));
    if (owners.empty()) resource->Flag &= static_cast<USHORT>(~owned_exclusive);
    show(resource, owners);
    kernel.scheduler().wake(resource);
  } else {
    show(resource, owners);
  }
  kernel.scheduler().poll();
}

}  // namespace

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource) {
  *Resource = ERESOURCE{};
  Resource->SystemResourcesList.Flink = Resource->SystemResourcesList.Blink = &Resource->SystemResourcesList;
  owners_of(Resource).clear();
  return STATUS_SUCCESS;
}
NTSTATUS ExReinitializeResourceLite(PERESOURCE Resource) {
  return kernel::ExInitializeResourceLite(Resource);
}
NTSTATUS ExDeleteResourceLite(PERESOURCE Resource) {
  current().scheduler().resources().erase(Resource);
  Resource->SystemResourcesList.Flink = Resource->SystemResourcesList.Blink = nullptr;
  return STATUS_SUCCESS;
}

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
  return acquire_exclusive("ExAcquireResourceExclusiveLite", Resource, Wait != FALSE) ? TRUE : FALSE;
}
BOOLEAN ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource) {
  return acquire_exclusive("ExTryToAcquireResourceExclusiveLite", Resource, false) ? TRUE : FALSE;
}
// A thread that has it already does not wait behind writers, or it would wait for itself [doc].
BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait) {
  return acquire_shared("ExAcquireResourceSharedLite", Resource, Wait != FALSE, Before::writers_unless_reader) ? TRUE
                                                                                                               : FALSE;
}
BOOLEAN ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait) {
  return acquire_shared("ExAcquireSharedStarveExclusive", Resource, Wait != FALSE, Before::nobody) ? TRUE : FALSE;
}
BOOLEAN ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait) {
  return acquire_shared("ExAcquireSharedWaitForExclusive", Resource, Wait != FALSE, Before::writers) ? TRUE : FALSE;
}

VOID ExReleaseResourceLite(PERESOURCE Resource) {
  release(Resource, this_thread());
}
VOID ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId) {
  release(Resource, ResourceThreadId);
}

VOID ExConvertExclusiveToSharedLite(PERESOURCE Resource) {
  Kernel& kernel = current();
  if (!is_exclusive(*Resource) || find(owners_of(Resource), this_thread()) == nullptr) {
    kernel.bugcheck(resource_not_owned, {number_of(Resource), this_thread(), 0, 0});
  }
  Resource->Flag &= static_cast<USHORT>(~owned_exclusive);
  kernel.scheduler().wake(Resource);
  kernel.scheduler().poll();
}

BOOLEAN ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource) {
  return is_exclusive(*Resource) && find(owners_of(Resource), this_thread()) != nullptr ? TRUE : FALSE;
}
// How often, whether shared or exclusive [doc].
ULONG ExIsResourceAcquiredSharedLite(PERESOURCE Resource) {
  const ResourceOwner* mine = find(owners_of(Resource), this_thread());
  return mine == nullptr ? 0 : mine->count;
}
ULONG ExGetExclusiveWaiterCount(PERESOURCE Resource) {
  return Resource->NumberOfExclusiveWaiters;
}
ULONG ExGetSharedWaiterCount(PERESOURCE Resource) {
  return Resource->NumberOfSharedWaiters;
}

// What they return is for Win32 threads: NULL for a system thread [doc].
PVOID ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource) {
  kernel::KeEnterCriticalRegion();
  kernel::ExAcquireResourceExclusiveLite(Resource, TRUE);
  return nullptr;
}
PVOID ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource) {
  kernel::KeEnterCriticalRegion();
  kernel::ExAcquireResourceSharedLite(Resource, TRUE);
  return nullptr;
}
VOID ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource) {
  kernel::ExReleaseResourceLite(Resource);
  kernel::KeLeaveCriticalRegion();
}

}  // namespace dumpsim::kernel
