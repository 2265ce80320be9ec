// SPDX-License-Identifier: Apache-2.0
// Bug check callbacks as drivers register them, the triage data array, and the crash dump header.
#include <cstring>

#include "dumpfile/dump_layout.hpp"
#include "dumpfile/header64.hpp"
#include "dumpfile/little_endian.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Rule;

void on_bugcheck(PVOID, ULONG) {}
void on_reason(KBUGCHECK_CALLBACK_REASON, PKBUGCHECK_REASON_CALLBACK_RECORD, PVOID, ULONG) {}

UCHAR component[] = "test";

class BugcheckCallbackTest : public KernelTest {
 public:
  BOOLEAN add(KBUGCHECK_CALLBACK_RECORD& record) {
    return K(KeRegisterBugCheckCallback)(&record, on_bugcheck, component, sizeof component, component);
  }
  BOOLEAN add(KBUGCHECK_REASON_CALLBACK_RECORD& record, KBUGCHECK_CALLBACK_REASON reason) {
    return K(KeRegisterBugCheckReasonCallback)(&record, on_reason, reason, component);
  }
  std::size_t registered() { return kernel().bugcheck_callbacks().all().size(); }
};
DUMPSIM_BOTH_CONVENTIONS(BugcheckCallbackTest);

TEST_P(BugcheckCallbackTest, ARecordIsEnteredOnceAndLeavesOnce) {
  KBUGCHECK_CALLBACK_RECORD record{};
  KeInitializeCallbackRecord(&record);
  EXPECT_EQ(K(KeDeregisterBugCheckCallback)(&record), FALSE) << "not registered";
  set_irql(HIGH_LEVEL);
  EXPECT_EQ(add(record), TRUE);
  EXPECT_EQ(record.State, BufferInserted);
  EXPECT_EQ(record.Buffer, component);
  EXPECT_EQ(record.Length, sizeof component);
  EXPECT_EQ(add(record), FALSE) << "registered already";
  ASSERT_EQ(registered(), 1u);
  const BugcheckRegistration entry = kernel().bugcheck_callbacks().all()[0];
  EXPECT_EQ(entry.record, &record);
  EXPECT_EQ(entry.routine, reinterpret_cast<const void*>(&on_bugcheck));
  EXPECT_EQ(entry.image, image) << "whoever calls";
  EXPECT_EQ(entry.reason, BugcheckReason::none);
  EXPECT_TRUE(kernel().record_intact(entry));
  EXPECT_EQ(K(KeDeregisterBugCheckCallback)(&record), TRUE);
  EXPECT_EQ(record.State, BufferEmpty);
  EXPECT_EQ(K(KeDeregisterBugCheckCallback)(&record), FALSE);
  EXPECT_EQ(registered(), 0u);
  EXPECT_EQ(add(record), TRUE) << "and may come again";
  EXPECT_THAT(noted(trace::Kind::violation), IsEmpty()) << "any IRQL will do";
}

TEST_P(BugcheckCallbackTest, ARecordThatWasNeverInitialisedIsRefused) {
  KBUGCHECK_CALLBACK_RECORD record;
  std::memset(&record, 0xCC, sizeof record);
  EXPECT_EQ(add(record), FALSE);
  KBUGCHECK_REASON_CALLBACK_RECORD reason;
  std::memset(&reason, 0xCC, sizeof reason);
  EXPECT_EQ(add(reason, KbCallbackDumpIo), FALSE);
  EXPECT_EQ(registered(), 0u);
}

TEST_P(BugcheckCallbackTest, ReasonsAreThoseTheWindowsKnows) {
  for (int reason = -1; reason < 12; ++reason) {
    SCOPED_TRACE(reason);
    KBUGCHECK_REASON_CALLBACK_RECORD record{};
    const bool known = reason >= KbCallbackSecondaryDumpData && reason <= KbCallbackTriageDumpData;
    EXPECT_EQ(add(record, static_cast<KBUGCHECK_CALLBACK_REASON>(reason)), known ? TRUE : FALSE);
    EXPECT_EQ(record.State, known ? BufferInserted : BufferEmpty);
    if (known) {
      EXPECT_EQ(static_cast<int>(kernel().bugcheck_callbacks().all().back().reason), reason);
      EXPECT_EQ(K(KeDeregisterBugCheckReasonCallback)(&record), TRUE);
    }
  }
  restart({.major = 6, .minor = 1, .build = 7601});
  KBUGCHECK_REASON_CALLBACK_RECORD record{};
  EXPECT_EQ(add(record, KbCallbackTriageDumpData), FALSE) << "Windows 10 1809 brought it";
  EXPECT_EQ(add(record, KbCallbackSecondaryMultiPartDumpData), TRUE);
}

TEST_P(BugcheckCallbackTest, ARecordThatIsInitialisedWhileRegisteredIsDamaged) {
  KBUGCHECK_REASON_CALLBACK_RECORD record{};
  EXPECT_EQ(add(record, KbCallbackDumpIo), TRUE);
  KeInitializeCallbackRecord(&record);
  EXPECT_FALSE(kernel().record_intact(kernel().bugcheck_callbacks().all()[0]));
  EXPECT_EQ(add(record, KbCallbackAddPages), TRUE);
  EXPECT_EQ(registered(), 1u) << "never twice";
  EXPECT_EQ(violations(Rule::bugcheck_record_damaged), 1u);
  EXPECT_THAT(texts(trace::Kind::violation)[0], HasSubstr("KeRegisterBugCheckReasonCallback: the record at host"));
}

TEST_P(BugcheckCallbackTest, ARecordThatIsWrittenOverOrFreedIsNotIntact) {
  KBUGCHECK_REASON_CALLBACK_RECORD record{};
  EXPECT_EQ(add(record, KbCallbackDumpIo), TRUE);
  const BugcheckRegistration entry = kernel().bugcheck_callbacks().all()[0];
  const auto intact = [&] { return kernel().record_intact(entry); };
  EXPECT_TRUE(intact());
  record.Reason = KbCallbackAddPages;
  EXPECT_FALSE(intact());
  record.Reason = KbCallbackDumpIo;
  record.Component = nullptr;
  EXPECT_FALSE(intact()) << "the checksum tells";
  record.Component = component;
  record.CallbackRoutine = nullptr;
  EXPECT_FALSE(intact());
  record.CallbackRoutine = on_reason;
  EXPECT_TRUE(intact());

  void* page = K(ExAllocatePoolWithTag)(NonPagedPoolNx, PAGE_SIZE, 1);
  auto* in_pool = static_cast<KBUGCHECK_CALLBACK_RECORD*>(page);
  KeInitializeCallbackRecord(in_pool);
  EXPECT_EQ(add(*in_pool), TRUE);
  K(ExFreePoolWithTag)(page, 1);
  EXPECT_FALSE(kernel().record_intact(kernel().bugcheck_callbacks().all()[1])) << "its page is not there";
}

TEST_P(BugcheckCallbackTest, WhatAnImageLeavesBehindStaysInTheListAndIsNamed) {
  EXPECT_THAT(kernel().registered_by(image), IsEmpty());
  KBUGCHECK_CALLBACK_RECORD one{};
  KBUGCHECK_REASON_CALLBACK_RECORD two{};
  EXPECT_EQ(add(one), TRUE);
  EXPECT_EQ(kernel().registered_by(image),
            "1 bug check callback is still registered, the first with the record at host");
  EXPECT_EQ(add(two, KbCallbackRemovePages), TRUE);
  EXPECT_THAT(kernel().registered_by(image), HasSubstr("2 bug check callbacks are"));
  EXPECT_THAT(kernel().registered_by(image + 1), IsEmpty());
  kernel().forget_image(image);
  EXPECT_THAT(kernel().registered_by(image), IsEmpty()) << "said once";
  ASSERT_EQ(registered(), 2u);
  EXPECT_TRUE(kernel().bugcheck_callbacks().all()[1].gone);
  EXPECT_FALSE(kernel().record_intact(kernel().bugcheck_callbacks().all()[0]));
  EXPECT_EQ(K(KeDeregisterBugCheckCallback)(&one), FALSE);
}

TEST_P(BugcheckCallbackTest, TheTriageArrayTakesAsManyBlocksAsItHasRoomFor) {
  alignas(KTRIAGE_DUMP_DATA_ARRAY) std::array<std::byte, sizeof(KTRIAGE_DUMP_DATA_ARRAY) + sizeof(KADDRESS_RANGE)> room;
  auto* array = reinterpret_cast<KTRIAGE_DUMP_DATA_ARRAY*>(room.data());
  EXPECT_EQ(K(KeInitializeTriageDumpDataArray)(nullptr, sizeof room), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(KeInitializeTriageDumpDataArray)(array, sizeof(KTRIAGE_DUMP_DATA_ARRAY) - 1), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(K(KeInitializeTriageDumpDataArray)(array, sizeof room), STATUS_SUCCESS);
  EXPECT_EQ(array->NumBlocksTotal, 2u);
  EXPECT_EQ(array->NumBlocksUsed, 0u);
  EXPECT_EQ(array->List.Flink, &array->List);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, component, 0), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, nullptr, 8), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, component, SIZE_T{1} << 32), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, component, sizeof component), STATUS_SUCCESS);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, component + 1, 2), STATUS_SUCCESS);
  EXPECT_EQ(array->DataSize, sizeof component + 2);
  const KADDRESS_RANGE* const blocks = array->Blocks;
  EXPECT_EQ(blocks[1].Address, component + 1);
  EXPECT_EQ(blocks[1].Size, 2u);
  EXPECT_EQ(K(KeAddTriageDumpDataBlock)(array, component, 1), STATUS_BUFFER_TOO_SMALL) << "full";
  EXPECT_EQ(array->NumBlocksUsed, 2u);
}

TEST_P(BugcheckCallbackTest, TheCrashDumpHeaderIsThatOfACompleteDump) {
  restart({.build = 19045}, {{0, 16}, {0x100, 0x40}});
  std::vector<std::byte> header(dumpfile::header_bytes + 8, std::byte{0xEE});
  ULONG needed = 0;
  const auto make = [&](ULONG type, ULONG flags, ULONG size) {
    return K(KeInitializeCrashDumpHeader)(type, flags, header.data(), size, &needed);
  };
  EXPECT_EQ(make(DUMP_TYPE_BITMAP_FULL, 0, 0x2000), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(make(DUMP_TYPE_FULL, 1, 0x2000), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(make(DUMP_TYPE_FULL, 0, 0x1FFF), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(needed, 0x2000u);
  EXPECT_EQ(make(DUMP_TYPE_FULL, 0, 0x2000), STATUS_SUCCESS);
  namespace at = dumpfile::header64;
  const std::span<const std::byte> bytes(header);
  EXPECT_EQ(std::memcmp(header.data(), "PAGEDU64", 8), 0);
  EXPECT_EQ(dumpfile::load<std::uint32_t>(bytes, at::minor_version), 19045u);
  EXPECT_EQ(dumpfile::load<std::uint32_t>(bytes, at::dump_type), 1u);
  EXPECT_EQ(dumpfile::load<std::uint32_t>(bytes, at::run_count), 2u);
  EXPECT_EQ(dumpfile::load<std::uint64_t>(bytes, at::run_pages), 0x50u);
  EXPECT_EQ(dumpfile::load<std::uint32_t>(bytes, at::exception), at::page_magic) << "no exception is recorded";
  EXPECT_EQ(dumpfile::load<std::uint32_t>(bytes, at::exception + 0x94), at::page_magic);
  EXPECT_EQ(header[dumpfile::header_bytes], std::byte{0xEE}) << "and nothing behind it is written";
  EXPECT_EQ(K(KeInitializeCrashDumpHeader)(DUMP_TYPE_FULL, 0, header.data(), 0x2000, nullptr), STATUS_SUCCESS);
}

}  // namespace
}  // namespace dumpsim::kernel::test
