// SPDX-License-Identifier: Apache-2.0
// MDL routines: exactly the fields and flags Windows sets, PFNs that mean something, and mappings of scattered pages.
#include <array>
#include <cstring>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using trace::Rule;

constexpr ULONG tag = 0x726F5820;

class MdlTest : public KernelTest {
 public:
  std::byte* pool(std::size_t bytes) {
    return static_cast<std::byte*>(K(ExAllocatePoolWithTag)(NonPagedPoolNx, bytes, tag));
  }
  PMDL mdl_of(void* at, ULONG bytes) { return K(IoAllocateMdl)(at, bytes, FALSE, FALSE, nullptr); }
  Pfn pfn(const void* at) { return kernel().memory().pfn_of(at); }
};
DUMPSIM_BOTH_CONVENTIONS(MdlTest);

TEST_P(MdlTest, SizesCountSpannedPages) {
  struct {
    std::uintptr_t base;
    SIZE_T length;
    SIZE_T pages;
  } const rows[] = {{0x1000, 0, 0}, {0x1000, 1, 1}, {0x1000, 4096, 1},   {0x1000, 4097, 2},
                    {0x1FFF, 1, 1}, {0x1FFF, 2, 2}, {0x1200, 65536, 17}, {0x1000, 65536, 16}};
  for (const auto& row : rows) {
    EXPECT_EQ(K(MmSizeOfMdl)(reinterpret_cast<void*>(row.base), row.length), 48 + 8 * row.pages)
        << row.base << " " << row.length;
  }
}

TEST_P(MdlTest, ANonPagedMdlHasItsAddressAlready) {
  std::byte* at = pool(3 * page_size) + 0x200;
  PMDL mdl = mdl_of(at, 2 * page_size);
  ASSERT_NE(mdl, nullptr);
  EXPECT_EQ(mdl->Next, nullptr);
  EXPECT_EQ(mdl->Size, 48 + 3 * 8);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE);
  EXPECT_EQ(mdl->StartVa, at - 0x200);
  EXPECT_EQ(mdl->ByteOffset, 0x200u);
  EXPECT_EQ(mdl->ByteCount, 2 * page_size);
  K(MmBuildMdlForNonPagedPool)(mdl);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_SOURCE_IS_NONPAGED_POOL);
  EXPECT_EQ(mdl->MappedSystemVa, at);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(MmGetMdlPfnArray(mdl)[i], pfn(at + i * page_size));
  K(IoFreeMdl)(mdl);
  EXPECT_EQ(violations(Rule::pool_bad_free), 0u);
  K(IoFreeMdl)(mdl);
  EXPECT_EQ(violations(Rule::pool_bad_free), 1u) << "freed twice";
  K(IoFreeMdl)(reinterpret_cast<PMDL>(at - 0x200));
  EXPECT_EQ(violations(Rule::pool_bad_free), 2u) << "not an MDL";
}

TEST_P(MdlTest, LockingMappingAndBack) {
  std::byte* at = pool(2 * page_size);
  PMDL mdl = mdl_of(at + 8, page_size);
  K(MmProbeAndLockPages)(mdl, KernelMode, IoWriteAccess);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
  EXPECT_EQ(MmGetMdlPfnArray(mdl)[1], pfn(at + page_size));
  void* mapped = K(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, nullptr, FALSE, NormalPagePriority);
  EXPECT_EQ(mapped, at + 8) << "already contiguous: the same address";
  EXPECT_EQ(mdl->MappedSystemVa, mapped);
  EXPECT_TRUE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  K(MmUnlockPages)(mdl);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE) << "unlocking unmaps";
}

/// What a driver cannot write: a constant page of this program.
alignas(page_size) const std::array<char, page_size> constant_page{1};

TEST_P(MdlTest, WhatCannotBeLockedIsRaised) {
  std::byte* at = pool(2 * page_size);
  const auto status_of = [&](void* address, ULONG bytes, KPROCESSOR_MODE mode, LOCK_OPERATION operation) {
    PMDL mdl = mdl_of(address, bytes);
    const CSHORT before = mdl->MdlFlags;
    const auto parameters = bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] {
      K(MmProbeAndLockPages)
      (mdl, mode, operation);
    });
    EXPECT_EQ(mdl->MdlFlags, before) << "nothing is locked";
    K(IoFreeMdl)(mdl);
    return static_cast<NTSTATUS>(parameters[0]);
  };
  auto* constant = const_cast<char*>(constant_page.data());
  EXPECT_EQ(status_of(reinterpret_cast<void*>(0x10000), 8, KernelMode, IoReadAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(status_of(nullptr, 8, KernelMode, IoReadAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(status_of(constant, page_size, KernelMode, IoWriteAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(status_of(constant, page_size, KernelMode, IoModifyAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(status_of(at, 8, UserMode, IoReadAccess), STATUS_ACCESS_VIOLATION) << "a kernel address";
  K(ExFreePoolWithTag)(at, tag);
  EXPECT_EQ(status_of(at, 8, KernelMode, IoReadAccess), STATUS_ACCESS_VIOLATION) << "freed";
}

TEST_P(MdlTest, ALaterPageCountsToo) {
  std::byte* at = kernel().memory().allocate_pages(1, true);  // nothing lies behind it
  PMDL mdl = mdl_of(at, 2 * page_size);
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(MmProbeAndLockPages)(mdl, KernelMode, IoReadAccess); });
  EXPECT_FALSE(mdl->MdlFlags & MDL_PAGES_LOCKED);
}

TEST_P(MdlTest, WhatWindowsLetsBeWrittenIsLocked) {
  // Its writes are reported when they happen; the page itself is a page.
  PMDL ram = mdl_of(kernel().memory().address_of(4), page_size);
  K(MmProbeAndLockPages)(ram, KernelMode, IoWriteAccess);
  EXPECT_TRUE(ram->MdlFlags & MDL_PAGES_LOCKED);
  PMDL constant = mdl_of(const_cast<char*>(constant_page.data()), page_size);
  K(MmProbeAndLockPages)(constant, KernelMode, IoReadAccess);
  EXPECT_FALSE(constant->MdlFlags & MDL_WRITE_OPERATION);
  char mine[8] = "mine";
  PMDL host = mdl_of(mine, sizeof mine);
  K(MmProbeAndLockPages)(host, KernelMode, IoModifyAccess);
  EXPECT_STREQ(mine, "mine") << "probing changes nothing";
}

TEST_P(MdlTest, ScatteredPagesGetOneAddress) {
  std::byte* at = pool(4 * page_size);
  PMDL mdl = mdl_of(at, 3 * page_size);
  K(MmBuildMdlForNonPagedPool)(mdl);
  std::swap(MmGetMdlPfnArray(mdl)[0], MmGetMdlPfnArray(mdl)[2]);
  at[0] = std::byte{1};
  at[2 * page_size] = std::byte{3};
  mdl->MdlFlags = MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED;
  auto* mapped = static_cast<std::byte*>(K(MmMapLockedPages)(mdl, KernelMode));
  ASSERT_NE(mapped, nullptr);
  EXPECT_NE(mapped, at);
  EXPECT_EQ(mapped[0], std::byte{3});
  EXPECT_EQ(mapped[2 * page_size], std::byte{1});
  mapped[page_size] = std::byte{8};
  EXPECT_EQ(at[page_size], std::byte{8});
  EXPECT_EQ(K(MmGetPhysicalAddress)(mapped).QuadPart, static_cast<LONGLONG>(pfn(at + 2 * page_size) * page_size));
  EXPECT_EQ(kernel().words(mapped + 4), "mapped pool#1+0x2004");
  K(MmUnmapLockedPages)(mapped, mdl);
  EXPECT_FALSE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  EXPECT_EQ(K(MmIsAddressValid)(mapped), FALSE);
  EXPECT_EQ(K(MmIsAddressValid)(at), TRUE);
}

TEST_P(MdlTest, RamIsMappedWhereItLies) {
  std::byte* ram = kernel().memory().address_of(4);
  PMDL mdl = mdl_of(nullptr, 2 * page_size);
  MmGetMdlPfnArray(mdl)[0] = 4;
  MmGetMdlPfnArray(mdl)[1] = 5;
  mdl->MdlFlags |= MDL_PAGES_LOCKED;
  EXPECT_EQ(K(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, nullptr, FALSE, 16), ram);
}

TEST_P(MdlTest, AMappingThatCannotBeMade) {
  PMDL mdl = mdl_of(nullptr, page_size);
  MmGetMdlPfnArray(mdl)[0] = 0x7FFFFFFF;  // no such page
  EXPECT_EQ(K(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, nullptr, FALSE, 16), nullptr);
  EXPECT_FALSE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  bugcheck_of(0x3F, [&] { K(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, nullptr, TRUE, 16); });
}

TEST_P(MdlTest, APartialMdlDescribesAPart) {
  std::byte* at = pool(4 * page_size);
  PMDL source = mdl_of(at + 0x100, 3 * page_size);
  K(MmBuildMdlForNonPagedPool)(source);
  PMDL part = mdl_of(at + page_size + 0x300, 0x1000);
  K(IoBuildPartialMdl)(source, part, at + page_size + 0x300, 0x1000);
  EXPECT_EQ(part->StartVa, at + page_size);
  EXPECT_EQ(part->ByteOffset, 0x300u);
  EXPECT_EQ(part->ByteCount, 0x1000u);
  EXPECT_EQ(part->MappedSystemVa, at + page_size + 0x300);
  EXPECT_EQ(part->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL);
  EXPECT_EQ(MmGetMdlPfnArray(part)[0], pfn(at + page_size));
  EXPECT_EQ(MmGetMdlPfnArray(part)[1], pfn(at + 2 * page_size));
  PMDL rest = mdl_of(at + 2 * page_size, 2 * page_size);
  K(IoBuildPartialMdl)(source, rest, at + 2 * page_size, 0);
  EXPECT_EQ(rest->ByteCount, 0x100 + page_size) << "0 means the rest";
  PMDL small = mdl_of(at, 16);
  bugcheck_of(0x12, [&] { K(IoBuildPartialMdl)(source, small, at + 0x100, 3 * page_size); });
}

TEST_P(MdlTest, PagesWithoutAnAddress) {
  const auto physical = [](std::uint64_t value) { return PHYSICAL_ADDRESS{.QuadPart = static_cast<LONGLONG>(value)}; };
  const std::size_t before = kernel().memory().allocated_pages();
  PMDL mdl = K(MmAllocatePagesForMdlEx)(physical(0), physical(~0ULL >> 1), physical(0), 3 * page_size, MmCached, 0);
  ASSERT_NE(mdl, nullptr);
  EXPECT_EQ(mdl->ByteCount, 3 * page_size);
  EXPECT_TRUE(mdl->MdlFlags & MDL_PAGES_LOCKED);
  EXPECT_FALSE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  auto* at = static_cast<char*>(K(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, nullptr, FALSE, 16));
  ASSERT_NE(at, nullptr);
  std::memset(at, 1, 3 * page_size);
  K(MmUnmapLockedPages)(at, mdl);
  K(MmFreePagesFromMdl)(mdl);
  K(ExFreePool)(mdl);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_EQ(violations(Rule::pool_bad_free), 0u) << "an MDL from here is freed with ExFreePool";
  EXPECT_EQ(K(MmAllocatePagesForMdl)(physical(0), physical(0x1000), physical(0), page_size), nullptr) << "that is RAM";
  const Pfn base = kernel().memory().first_arena_pfn() + 1000;
  const auto two = [&](ULONG flags) {
    return K(MmAllocatePagesForMdlEx)(physical(base * page_size), physical((base + 2) * page_size - 1), physical(0),
                                      5 * page_size, MmCached, flags);
  };
  EXPECT_EQ(two(MM_ALLOCATE_FULLY_REQUIRED), nullptr);
  mdl = two(0);
  ASSERT_NE(mdl, nullptr);
  EXPECT_EQ(mdl->ByteCount, 2 * page_size) << "fewer than asked for";
  EXPECT_LE(kernel().memory().allocated_pages(), before + 16 + 2) << "nothing else is held";
}

TEST_P(MdlTest, AnIrpKeepsItsMdls) {
  PIRP irp = K(IoAllocateIrp)(1, FALSE);
  char buffer[16];
  PMDL first = K(IoAllocateMdl)(buffer, 16, FALSE, FALSE, irp);
  PMDL second = K(IoAllocateMdl)(buffer, 16, TRUE, FALSE, irp);
  EXPECT_EQ(irp->MdlAddress, first);
  EXPECT_EQ(first->Next, second);
}

}  // namespace
}  // namespace dumpsim::kernel::test
