// SPDX-License-Identifier: Apache-2.0
// The export table: every name once, both entries, and what each call leaves behind: a count, a check of the IRQL, a
// record in words that repeat.
#include <set>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Kind;
using trace::Rule;

constexpr ULONG tag = 0x726F5820;  // 'roX '

class ExportsTest : public KernelTest {};
DUMPSIM_BOTH_CONVENTIONS(ExportsTest);

TEST(Exports, EveryNameHasTwoEntriesOfItsOwn) {
  std::set<std::string_view> names;
  std::set<const void*> entries;
  for (const Export& row : all_exports()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    ASSERT_NE(row.system_v, nullptr);
    ASSERT_NE(row.microsoft, nullptr);
    EXPECT_NE(row.system_v, row.microsoft);
    entries.insert(row.system_v);
    entries.insert(row.microsoft);
    EXPECT_TRUE(row.max_irql <= 2 || row.max_irql == 15) << int{row.max_irql};
    EXPECT_EQ(find_export(row.name), &row);
  }
  EXPECT_EQ(entries.size(), 2 * names.size()) << "entries tell exports apart";
  EXPECT_EQ(all_exports().size(), std::size_t{export_index::count});
  EXPECT_GT(names.size(), 150u);
  EXPECT_EQ(find_export("wcslen"), find_export("dumpsim_wcslen")) << "PE images use the plain name";
  EXPECT_EQ(find_export("ExAllocatePool3"), nullptr) << "not simulated, so not there";
}

TEST_P(ExportsTest, ACallIsCountedAndRecordedInWords) {
  void* block = K(ExAllocatePoolWithTag)(NonPagedPoolNx, 0x1000, tag);
  K(ExFreePoolWithTag)(block, tag);
  EXPECT_EQ(kernel().calls(export_index::ExAllocatePoolWithTag), 1u);
  const auto calls = noted(Kind::kernel_call);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].text, "ExAllocatePoolWithTag(0x200, 0x1000, 'roX ') = pool#1");
  EXPECT_EQ(calls[1].text, "ExFreePoolWithTag(pool#1, 'roX ')");
  EXPECT_EQ(calls[0].record.image, image);
  EXPECT_EQ(calls[0].record.arg, std::uint64_t{export_index::ExAllocatePoolWithTag});
  EXPECT_EQ(calls[0].record.irql, 0);
}

TEST_P(ExportsTest, StatusesStandInTheRecord) {
  LARGE_INTEGER timeout{};
  KEVENT event;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
  const auto calls = noted(Kind::kernel_call);
  EXPECT_EQ(calls.back().record.status, STATUS_TIMEOUT);
  EXPECT_THAT(calls.back().text, HasSubstr("(host, 0, 0, 0, host) = 0x102"));
}

TEST_P(ExportsTest, RecordsCanBeSwitchedOffWithoutTheChecks) {
  kernel().set_record_calls(false);
  set_irql(HIGH_LEVEL);
  K(ExFreePool)(K(ExAllocatePool)(NonPagedPool, 8));
  EXPECT_THAT(texts(Kind::kernel_call), IsEmpty());
  EXPECT_EQ(kernel().calls(export_index::ExFreePool), 1u);
  EXPECT_EQ(violations(Rule::pool_used_while_crashing), 2u);
}

TEST_P(ExportsTest, TooHighAnIrqlIsReportedOnceWithACount) {
  void* blocks[3];
  set_irql(DISPATCH_LEVEL);
  for (void*& block : blocks) block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u) << "the documented maximum itself is fine";
  set_irql(HIGH_LEVEL);
  for (void* block : blocks) K(ExFreePoolWithTag)(block, tag);
  EXPECT_EQ(violations(Rule::pool_used_while_crashing), 1u);
  EXPECT_EQ(noted(Kind::violation).back().text, "ExFreePoolWithTag called at IRQL 15, its documented maximum is 2");
  ASSERT_EQ(kernel().irql_violations().size(), 1u);
  EXPECT_EQ(kernel().irql_violations()[0].count, 3u);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u) << "the calls went on, as on Windows";
  kernel().set_current(image, trace::Callback::write);
  K(ExFreePoolWithTag)(K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag), tag);
  EXPECT_EQ(violations(Rule::pool_used_while_crashing), 3u) << "another callback, another place: two exports";
}

TEST_P(ExportsTest, EveryLimitedExportIsHeldToItsLimit) {
  for (std::size_t index = 0; index < all_exports().size(); ++index) {
    const Export& row = all_exports()[index];
    SCOPED_TRACE(row.name);
    const std::size_t before = kernel().irql_violations().size();
    set_irql(row.max_irql);
    kernel().enter(index, GetParam(), row.max_irql, nullptr);
    EXPECT_EQ(kernel().irql_violations().size(), before);
    // Waits are judged by their timeout (ke_test.cpp).
    if (row.max_irql == HIGH_LEVEL || row.name.starts_with("KeWait") || row.name.starts_with("KeDelay")) continue;
    set_irql(static_cast<std::uint8_t>(row.max_irql + 1));
    kernel().enter(index, GetParam(), row.max_irql, nullptr);
    EXPECT_EQ(kernel().irql_violations().size(), before + 1);
  }
}

TEST_P(ExportsTest, AStructureByValueArrivesInEitherConvention) {
  PHYSICAL_ADDRESS highest;
  highest.QuadPart = 0x7FFFFFFFFFF;
  void* memory = K(MmAllocateContiguousMemory)(0x3000, highest);
  ASSERT_NE(memory, nullptr);
  const PHYSICAL_ADDRESS where = K(MmGetPhysicalAddress)(static_cast<std::byte*>(memory) + 0x1234);
  EXPECT_EQ(where.QuadPart, static_cast<LONGLONG>(kernel().memory().pfn_of(memory) * page_size + 0x1234));
  EXPECT_EQ(K(MmGetVirtualForPhysical)(where), static_cast<std::byte*>(memory) + 0x1234);
  EXPECT_EQ(texts(Kind::kernel_call)[0], "MmAllocateContiguousMemory(0x3000, 0x7ffffffffff) = contiguous#1");
}

TEST_P(ExportsTest, MmGetSystemRoutineAddressGivesTheCallersConvention) {
  Counted known(u"KeGetCurrentIrql");
  Counted unknown(u"KeNobodyHasThis");
  Counted foreign(u"Ke\u00e4");
  void* found = K(MmGetSystemRoutineAddress)(&known);
  EXPECT_EQ(found, find_export("KeGetCurrentIrql")->entry(GetParam()));
  set_irql(7);
  EXPECT_EQ((Caller<KIRQL()>{found, GetParam()}()), 7);
  EXPECT_EQ(K(MmGetSystemRoutineAddress)(&unknown), nullptr);
  EXPECT_EQ(K(MmGetSystemRoutineAddress)(&foreign), nullptr);
}

TEST_P(ExportsTest, AFaultPlanReachesEachFailableCall) {
  struct Plan {
    std::size_t fails = export_index::IoAllocateMdl;
    int asked = 0;
  } plan;
  kernel().set_failure_hook(
      [](void* context, std::size_t index) {
        auto& the_plan = *static_cast<Plan*>(context);
        ++the_plan.asked;
        return index == the_plan.fails;
      },
      &plan);
  char buffer[64];
  EXPECT_EQ(K(IoAllocateMdl)(buffer, sizeof buffer, FALSE, FALSE, nullptr), nullptr);
  plan.fails = export_index::ExAllocatePool2;
  EXPECT_EQ(K(ExAllocatePool2)(POOL_FLAG_NON_PAGED, 16, tag), nullptr);
  EXPECT_NE(K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag), nullptr);
  plan.fails = export_index::MmAllocateContiguousMemory;
  EXPECT_EQ(K(MmAllocateContiguousMemory)(16, PHYSICAL_ADDRESS{.QuadPart = -1}), nullptr);
  plan.fails = export_index::ExAllocatePoolWithQuotaTag;
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(ExAllocatePoolWithQuotaTag)(NonPagedPool, 16, tag); });
  EXPECT_EQ(plan.asked, 5);
}

}  // namespace
}  // namespace dumpsim::kernel::test
