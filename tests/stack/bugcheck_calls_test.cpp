// SPDX-License-Identifier: Apache-2.0
// Bug check callbacks as crashdmp calls them: what each routine is given, what is done with its answer, and that no
// answer, however wrong, is believed.
#include "stack/bugcheck_calls.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_reader.hpp"
#include "kernel/kernel.hpp"
#include "stack/crashdmp.hpp"
#include "stack/dump_witness.hpp"
#include "world.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::stack {
namespace {

using kernel::BugcheckReason;
using policy::Policy;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using trace::Kind;

const GUID tag{0x1b0c7a52, 0x3d0f, 0x4a8e, {0x9d, 0x6c, 0x5e, 0x1f, 0x2a, 0x3b, 0x4c, 0x5d}};

/// A driver's registration whose routine is a function of the test's, on the driver's stack.
class Driver {
 public:
  using Routine = std::function<void(void* data, std::size_t bytes)>;
  Driver(KBUGCHECK_CALLBACK_REASON reason, Routine routine) : routine_(std::move(routine)) {
    KeInitializeCallbackRecord(&record_.reason);
    EXPECT_EQ(kernel::KeRegisterBugCheckReasonCallback(&record_.reason, on_reason, reason, nullptr), TRUE);
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  int calls = 0;

 private:
  struct Record {
    KBUGCHECK_REASON_CALLBACK_RECORD reason;
    Driver* self;
  };
  static void on_reason(KBUGCHECK_CALLBACK_REASON, PKBUGCHECK_REASON_CALLBACK_RECORD record, PVOID data, ULONG bytes) {
    Driver& self = *reinterpret_cast<Record*>(record)->self;
    ++self.calls;
    self.routine_(data, bytes);
  }
  Routine routine_;
  Record record_{{}, this};
};

class Witness final : public DumpWitness {
 public:
  void pages_changed(std::span<const dumpfile::PageRun> in, std::span<const dumpfile::PageRun> out) override {
    added.assign(in.begin(), in.end());
    removed.assign(out.begin(), out.end());
  }
  void page_written(Pfn pfn, std::span<const std::byte> bytes) override { pages.emplace_back(pfn, bytes[0]); }
  void secondary(std::uint16_t, const std::array<std::byte, 16>&, std::span<const std::byte> bytes) override {
    blobs.push_back(bytes.size());
  }
  std::vector<dumpfile::PageRun> added, removed;
  std::vector<std::pair<Pfn, std::byte>> pages;
  std::vector<std::size_t> blobs;
};

class BugcheckCallsTest : public testing::Test {
 public:
  void start(WorldOptions options = {}) {
    world_.reset();
    options.ram = {{1, 5}, {16, 40}};
    world_ = std::make_unique<World>(std::move(options));
    world_->env().witness = &witness;
  }
  World& world() {
    if (!world_) start();
    return *world_;
  }
  BugcheckCalls calls() { return {world().env(), {0xE2, {1, 2, 3, 4}}}; }
  std::vector<dumpfile::SecondaryBlob> secondary(std::uint64_t room = 1 << 20) {
    BugcheckCalls all{world().env(), {0xE2, {1, 2, 3, 4}}};
    return all.secondary_data(room, 6);
  }
  PageChanges pages() {
    BugcheckCalls all{world().env(), {0xE2, {1, 2, 3, 4}}};
    return all.pages(*dumpfile::PageSet::of_runs(std::vector<dumpfile::PageRun>{{1, 5}, {16, 4}}));
  }
  std::vector<std::string> refusals() const {
    std::vector<std::string> all;
    const trace::TraceView view = world_->view();
    for (const trace::Event& event : view) {
      if (event.record.kind == Kind::violation) all.emplace_back(event.text());
    }
    return all;
  }
  Witness witness;

 private:
  std::unique_ptr<World> world_;
};

TEST_F(BugcheckCallsTest, SecondaryDataIsAskedForItsSizeAndThenForTheData) {
  world();
  std::vector<std::string> seen;
  Driver driver(KbCallbackSecondaryDumpData, [&](void* from, std::size_t bytes) {
    auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA*>(from);
    seen.push_back(data.OutBuffer == nullptr ? "size" : data.OutBuffer == data.InBuffer ? "data" : "?");
    EXPECT_EQ(bytes, sizeof data);
    EXPECT_EQ(data.InBufferLength, 4096u);
    EXPECT_EQ(data.MaximumAllowed, (1u << 20) - 0x30u);
    EXPECT_EQ(kernel::KeGetCurrentIrql(), HIGH_LEVEL);
    std::memcpy(data.InBuffer, "thirteen byte", 13);
    data.Guid = tag;
    data.OutBuffer = data.InBuffer;
    data.OutBufferLength = 13;
  });
  const auto blobs = secondary();
  EXPECT_THAT(seen, ElementsAre("size", "data"));
  ASSERT_EQ(blobs.size(), 1u);
  EXPECT_EQ(std::memcmp(blobs[0].guid.data(), &tag, sizeof tag), 0);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(blobs[0].bytes.data()), 13), "thirteen byte");
  EXPECT_THAT(witness.blobs, ElementsAre(13u));
  EXPECT_THAT(refusals(), IsEmpty());
  EXPECT_EQ(world().machine().processor.irql, machine::passive_level);
}

TEST_F(BugcheckCallsTest, ABufferOfTheDriversOwnIsTaken) {
  world();
  std::vector<std::byte> own = pattern(20000);
  Driver driver(KbCallbackSecondaryDumpData, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA*>(from);
    data.Guid = tag;
    data.OutBuffer = own.data();
    data.OutBufferLength = static_cast<ULONG>(own.size());
  });
  const auto blobs = secondary();
  ASSERT_EQ(blobs.size(), 1u);
  EXPECT_EQ(blobs[0].bytes, own);
}

TEST_F(BugcheckCallsTest, WhoHasNothingLeavesAnEmptyBlockAndIsAskedOnce) {
  world();
  Driver driver(KbCallbackSecondaryDumpData, [](void*, std::size_t) {});
  const auto blobs = secondary();
  EXPECT_EQ(driver.calls, 1);
  ASSERT_EQ(blobs.size(), 1u);
  EXPECT_THAT(blobs[0].bytes, IsEmpty());
}

TEST_F(BugcheckCallsTest, NoAnswerAboutDataIsBelieved) {
  world();
  void* out = nullptr;
  ULONG length = 0, size_answer = 16;
  Driver driver(KbCallbackSecondaryDumpData, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA*>(from);
    const bool asks_for_size = data.OutBuffer == nullptr;
    data.OutBuffer = out == nullptr ? data.InBuffer : out;
    data.OutBufferLength = asks_for_size ? size_answer : length;
  });
  size_answer = 1 << 20;
  EXPECT_THAT(secondary(), IsEmpty());
  EXPECT_EQ(driver.calls, 1) << "more than is allowed: not asked for the data";
  size_answer = 16;
  length = 0x200000;
  EXPECT_THAT(secondary(), IsEmpty());
  length = 4097;
  EXPECT_THAT(secondary(), IsEmpty()) << "more than the small buffer has";
  length = 16;
  out = reinterpret_cast<void*>(0x10000);
  EXPECT_THAT(secondary(), IsEmpty());
  std::byte* page = world().memory().allocate_pages(1, true);
  out = page + 4000;
  length = 4096;
  EXPECT_THAT(secondary(), IsEmpty()) << "the second page is not there";
  const std::vector<std::string> said = refusals();
  ASSERT_EQ(said.size(), 5u);
  EXPECT_THAT(said[0], HasSubstr("it has 1048576 bytes, MaximumAllowed is 1048528"));
  EXPECT_THAT(said[1], HasSubstr("OutBufferLength is 2097152"));
  EXPECT_THAT(said[2], HasSubstr("InBuffer has 4096 bytes"));
  EXPECT_THAT(said[3], HasSubstr("OutBuffer leads to unmapped, where there are not 16 bytes"));
  EXPECT_THAT(said[4], HasSubstr("where there are not 4096 bytes"));
  EXPECT_THAT(witness.blobs, IsEmpty());
  length = 90;
  EXPECT_EQ(secondary().size(), 1u) << "the control: what fits is taken";
}

TEST_F(BugcheckCallsTest, MaximumAllowedShrinksWithWhatWasGiven) {
  world();
  std::vector<ULONG> allowed;
  const auto give = [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA*>(from);
    if (data.OutBuffer == nullptr) allowed.push_back(data.MaximumAllowed);
    data.Guid.Data1 = static_cast<ULONG>(allowed.size());
    data.OutBuffer = data.InBuffer;
    data.OutBufferLength = 100;
  };
  Driver one(KbCallbackSecondaryDumpData, give), two(KbCallbackSecondaryDumpData, give);
  EXPECT_EQ(secondary(8191).size(), 2u);
  EXPECT_THAT(allowed, ElementsAre(4096u - 0x10 - 0x20, 4096u - 0x10 - 0x20 - 104 - 0x20)) << "whole pages, no more";
  allowed.clear();
  EXPECT_THAT(secondary(100), IsEmpty());
  EXPECT_THAT(allowed, ElementsAre(0u, 0u));
}

TEST_F(BugcheckCallsTest, PartsComeOneAfterTheOther) {
  for (const bool query : {true, false}) {
    SCOPED_TRACE(query);
    start({.policies = {{Policy::multi_part_query, query ? "yes" : "no"}}});
    Driver driver(KbCallbackSecondaryMultiPartDumpData, [&](void* from, std::size_t bytes) {
      auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA_EX*>(from);
      EXPECT_EQ(bytes, sizeof data);
      EXPECT_EQ(data.Flags, 0u) << "initialised anew for each call";
      EXPECT_EQ(data.DumpType, 6u);
      EXPECT_EQ(data.BugCheckCode, 0xE2u);
      EXPECT_EQ(data.BugCheckParameter4, 4u);
      const bool gives = data.OutBuffer != nullptr;
      const auto part = reinterpret_cast<std::uintptr_t>(data.Context) + (gives ? 1 : 0);
      data.Context = reinterpret_cast<void*>(part);
      data.Guid.Data1 = static_cast<ULONG>(part);
      data.OutBuffer = data.InBuffer;
      data.OutBufferLength = 8;
      if (part < 3) data.Flags = KB_SECONDARY_DATA_FLAG_ADDITIONAL_DATA;
    });
    const auto blobs = secondary();
    EXPECT_EQ(blobs.size(), 3u);
    EXPECT_EQ(driver.calls, query ? 6 : 3);
    EXPECT_THAT(refusals(), IsEmpty());
  }
}

TEST_F(BugcheckCallsTest, PagesAreNamedByVirtualOrPhysicalAddress) {
  World& w = world();
  std::byte* own = w.memory().allocate_pages(2, true);
  int round = 0;
  Driver adds(KbCallbackAddPages, [&](void* from, std::size_t bytes) {
    auto& data = *static_cast<KBUGCHECK_ADD_PAGES*>(from);
    EXPECT_EQ(bytes, sizeof data);
    EXPECT_EQ(data.BugCheckCode, 0xE2u);
    EXPECT_EQ(data.Flags, 0u) << "initialised anew for each call";
    EXPECT_EQ(data.Context == nullptr, round == 0);
    data.Context = &round;
    if (round++ == 0) {
      data.Flags = KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS | KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST;
      data.Address = reinterpret_cast<ULONG_PTR>(own + 8);
      data.Count = 2;
    } else {
      data.Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS;
      data.Address = 18 * page_size;
      data.Count = 10;
    }
  });
  Driver removes(KbCallbackRemovePages, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_REMOVE_PAGES*>(from);
    data.Flags = KB_REMOVE_PAGES_FLAG_PHYSICAL_ADDRESS;
    data.Address = 2 * page_size;
    data.Count = 2;
  });
  const PageChanges changes = pages();
  const Pfn arena = w.memory().pfn_of(own);
  EXPECT_THAT(changes.added, ElementsAre(dumpfile::PageRun{arena, 2}, dumpfile::PageRun{18, 10}));
  EXPECT_THAT(changes.removed, ElementsAre(dumpfile::PageRun{2, 2}));
  EXPECT_EQ(w.totals().pages_added, 2u + 8u) << "18 and 19 are in the dump anyway";
  EXPECT_EQ(w.totals().pages_removed, 2u);
  EXPECT_EQ(witness.added, changes.added);
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(BugcheckCallsTest, NoAnswerAboutPagesIsBelieved) {
  world();
  KBUGCHECK_ADD_PAGES answer{};
  Driver driver(KbCallbackAddPages, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_ADD_PAGES*>(from);
    data.Flags = answer.Flags;
    data.Address = answer.Address;
    data.Count = answer.Count;
  });
  answer = {.Flags = 0, .Address = 0x1000, .Count = 1};
  EXPECT_TRUE(pages().empty());
  answer.Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS | KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS;
  EXPECT_TRUE(pages().empty());
  answer = {.Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS, .Address = 5 * page_size, .Count = ~ULONG_PTR{0}};
  EXPECT_THAT(pages().added, ElementsAre(dumpfile::PageRun{5, 1})) << "what is there is taken, the hole is not";
  answer = {.Flags = KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS, .Address = 0x10000, .Count = 3};
  EXPECT_TRUE(pages().empty());
  answer = {.Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS | KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST};
  driver.calls = 0;
  EXPECT_TRUE(pages().empty());
  EXPECT_EQ(driver.calls, 16384);
  const std::vector<std::string> said = refusals();
  ASSERT_EQ(said.size(), 5u);
  EXPECT_THAT(said[0], HasSubstr("Flags are 0x0"));
  EXPECT_THAT(said[1], HasSubstr("Flags are 0x3"));
  EXPECT_THAT(said[2], HasSubstr("there is no page at pfn 0x6"));
  EXPECT_THAT(said[3], HasSubstr("there is no page at unmapped"));
  EXPECT_THAT(said[4], HasSubstr("asks to be called again after 16384 calls"));
}

TEST_F(BugcheckCallsTest, TheOrderIsThatOfRegistrationOrTheReverse) {
  for (const bool reverse : {false, true}) {
    start({.policies = {{Policy::bugcheck_callback_order, reverse ? "reverse" : "registration"}}});
    std::string order;
    Driver a(KbCallbackDumpIo, [&](void*, std::size_t) { order += 'a'; });
    Driver other(KbCallbackAddPages, [&](void*, std::size_t) { order += '!'; });
    Driver b(KbCallbackDumpIo, [&](void*, std::size_t) { order += 'b'; });
    BugcheckCalls all{world().env(), {}};
    all.dump_io(DumpIo::body, 0x3000, world().env().witness == nullptr ? std::span<const std::byte>{} : pattern(16));
    EXPECT_EQ(order, reverse ? "ba" : "ab");
  }
}

TEST_F(BugcheckCallsTest, DumpIoSaysWhatIsWrittenWhere) {
  for (const bool in_file : {false, true}) {
    start({.policies = {{Policy::dump_io_offset, in_file ? "file" : "sequential"}}});
    const std::vector<std::byte> bytes = pattern(4096);
    std::vector<KBUGCHECK_DUMP_IO> seen;
    Driver driver(KbCallbackDumpIo,
                  [&](void* from, std::size_t) { seen.push_back(*static_cast<KBUGCHECK_DUMP_IO*>(from)); });
    BugcheckCalls all{world().env(), {}};
    all.dump_io(DumpIo::header, 0x3000, bytes);
    all.dump_io(DumpIo::complete, 0, {});
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].Offset, in_file ? 0x3000u : ~ULONG64{0});
    EXPECT_EQ(seen[0].Buffer, bytes.data());
    EXPECT_EQ(seen[0].BufferLength, 4096u);
    EXPECT_EQ(seen[0].Type, KbDumpIoHeader);
    EXPECT_EQ(seen[1].Buffer, nullptr);
    EXPECT_EQ(seen[1].BufferLength, 0u);
    EXPECT_EQ(seen[1].Type, KbDumpIoComplete);
  }
}

TEST_F(BugcheckCallsTest, TriageDataIsLookedAtAndRecorded) {
  world();
  alignas(KTRIAGE_DUMP_DATA_ARRAY) std::array<std::byte, 256> room{};
  auto* array = reinterpret_cast<KTRIAGE_DUMP_DATA_ARRAY*>(room.data());
  EXPECT_EQ(kernel::KeInitializeTriageDumpDataArray(array, sizeof room), STATUS_SUCCESS);
  EXPECT_EQ(kernel::KeAddTriageDumpDataBlock(array, room.data(), 100), STATUS_SUCCESS);
  Driver driver(KbCallbackTriageDumpData, [&](void* from, std::size_t bytes) {
    auto& data = *static_cast<KBUGCHECK_TRIAGE_DUMP_DATA*>(from);
    EXPECT_EQ(bytes, sizeof data);
    EXPECT_EQ(data.Flags, KB_TRIAGE_DUMP_DATA_FLAG_BUGCHECK_ACTIVE);
    EXPECT_EQ(data.BugCheckCode, 0xE2u);
    EXPECT_EQ(data.BugCheckParameter1, 1u);
    data.DataArray = array;
  });
  calls().triage_data();
  EXPECT_THAT(refusals(), IsEmpty());
  const trace::TraceView view = world().view();
  bool found = false;
  for (const trace::Event& event : view) {
    if (event.record.kind != Kind::triage_data) continue;
    found = true;
    EXPECT_EQ(event.record.arg, 1u);
    EXPECT_EQ(event.record.length, 100u);
  }
  EXPECT_TRUE(found);
  array->Blocks[0].Address = reinterpret_cast<void*>(0x10000);
  calls().triage_data();
  array->Blocks[0] = {room.data(), ~ULONG_PTR{0}};
  calls().triage_data();
  array->NumBlocksUsed = array->NumBlocksTotal + 1;
  calls().triage_data();
  const std::vector<std::string> said = refusals();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_THAT(said[0], HasSubstr("block 0 leads to unmapped"));
  EXPECT_THAT(said[1], HasSubstr("its blocks pass MaxVirtMemSize"));
  EXPECT_THAT(said[2], HasSubstr("expected an array made by"));
}

TEST_F(BugcheckCallsTest, ADamagedRecordIsPassedOverAndAGoneOneEndsTheWalk) {
  world();
  std::string order;
  Driver a(KbCallbackDumpIo, [&](void*, std::size_t) { order += 'a'; });
  auto wild = std::make_unique<KBUGCHECK_REASON_CALLBACK_RECORD>();
  KeInitializeCallbackRecord(wild.get());
  const auto unwanted = [](KBUGCHECK_CALLBACK_REASON, PKBUGCHECK_REASON_CALLBACK_RECORD, PVOID, ULONG) {};
  kernel::KeRegisterBugCheckReasonCallback(wild.get(), unwanted, KbCallbackDumpIo, nullptr);
  Driver b(KbCallbackDumpIo, [&](void*, std::size_t) { order += 'b'; });
  wild->CallbackRoutine = nullptr;
  BugcheckCalls all{world().env(), {}};
  all.dump_io(DumpIo::body, 0, {});
  all.dump_io(DumpIo::body, 0, {});
  EXPECT_EQ(order, "abab");
  EXPECT_THAT(refusals(), ElementsAre(HasSubstr("is not what was registered"))) << "said once";
  // All of the test's records are of no image; they go with it.
  world().kernel().forget_image(trace::no_image);
  all.dump_io(DumpIo::body, 0, {});
  EXPECT_EQ(order, "abab");
  EXPECT_THAT(refusals().back(), HasSubstr("2 bug check callbacks behind it are not called"));
}

TEST_F(BugcheckCallsTest, ARoutineThatFailsStopsTheMachineOrIsLeftOut) {
  for (const bool skip : {false, true}) {
    start({.policies = {{Policy::bugcheck_callback_failure, skip ? "skip" : "stop"}}});
    Driver bad(KbCallbackDumpIo, [](void*, std::size_t) { kernel::KeBugCheckEx(0xBAD, 1, 2, 3, 4); });
    int called = 0;
    Driver good(KbCallbackDumpIo, [&](void*, std::size_t) { ++called; });
    BugcheckCalls all{world().env(), {}};
    all.dump_io(DumpIo::body, 0, {});
    all.dump_io(DumpIo::complete, 0, {});
    EXPECT_EQ(bad.calls, 1) << "never again";
    EXPECT_EQ(called, skip ? 2 : 0);
    EXPECT_EQ(world().totals().ended, skip ? Ended::no : Ended::bugchecked);
    EXPECT_EQ(world().story({"callback-failed"}).size(), skip ? 1u : 0u);
    EXPECT_EQ(world().machine().bugcheck.raised, !skip);
  }
}

void count(PVOID buffer, ULONG length) {
  *static_cast<ULONG*>(buffer) += length;
}

TEST_F(BugcheckCallsTest, PlainCallbacksGetTheirBufferAndAStop) {
  world();
  ULONG sum = 0;
  KBUGCHECK_CALLBACK_RECORD record{};
  kernel::KeRegisterBugCheckCallback(&record, count, &sum, 4, nullptr);
  calls().bugcheck_callbacks();
  EXPECT_EQ(sum, 4u);
  EXPECT_EQ(record.State, BufferFinished);

  start();
  record = {};
  kernel::KeRegisterBugCheckCallback(&record, count, &sum, 4, nullptr);
  Totals& totals = world().totals();
  call_bugcheck_callbacks_after_stop(world().env());
  EXPECT_EQ(sum, 4u) << "nothing has stopped the machine";
  totals.ended = Ended::bugchecked;
  totals.bugcheck_code = 0xABCD;
  totals.running = 0x102;
  totals.ordinal = 7;
  world().machine().bugcheck = {true, 0xABCD, {}};
  call_bugcheck_callbacks_after_stop(world().env());
  EXPECT_EQ(sum, 8u);
  EXPECT_EQ(totals.ended, Ended::bugchecked);
  EXPECT_EQ(totals.bugcheck_code, 0xABCDu);
  EXPECT_EQ(totals.running, 0x102u) << "what ended the run stays what ended it";
  EXPECT_EQ(totals.ordinal, 7u);
}

// ---- in a dump ----

class CallbackDumpTest : public BugcheckCallsTest {
 public:
  dumpfile::DumpLayout planned(dumpfile::DumpForm form = dumpfile::DumpForm::bitmap) {
    dumpfile::DumpRequest request;
    request.memory = {{1, 5}, {16, 40}};
    request.form = form;
    auto layout = dumpfile::DumpLayout::plan(std::move(request));
    if (!layout) throw std::runtime_error(layout.error().message);
    return *std::move(layout);
  }
  void crash(const dumpfile::DumpLayout& layout) {
    DumpStack stack(world().env(), Usage::crash, {});
    ASSERT_TRUE(stack.load());
    BugcheckCalls all{world().env(), {0xE2, {}}};
    write_crash_dump(world().env(), stack, layout, {&file, nullptr}, all);
  }
  dumpfile::DumpReader recovered() {
    std::vector<std::byte> bytes(file.size());
    const auto& disk = world().disk().content();
    std::memcpy(bytes.data(), disk.data() + 64 * 1024 + 0x40000, bytes.size());
    auto dump = dumpfile::DumpReader::open(dumpfile::memory_bytes("dump", std::move(bytes)));
    if (!dump) throw std::runtime_error(dump.error().message);
    return *std::move(dump);
  }
  disk::ExtentMap file = file_of({{PartitionOffset{0x40000}, 0x100000}});
};

TEST_F(CallbackDumpTest, HoldsWhatWasAddedAndNotWhatWasRemoved) {
  std::byte* own = world().memory().allocate_pages(1, true);
  std::memset(own, 0x5A, page_size);
  Driver adds(KbCallbackAddPages, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_ADD_PAGES*>(from);
    data.Flags = KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS;
    data.Address = reinterpret_cast<ULONG_PTR>(own);
    data.Count = 1;
  });
  Driver removes(KbCallbackRemovePages, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_REMOVE_PAGES*>(from);
    data.Flags = KB_REMOVE_PAGES_FLAG_PHYSICAL_ADDRESS;
    data.Address = 20 * page_size;
    data.Count = 3;
  });
  Driver gives(KbCallbackSecondaryDumpData, [&](void* from, std::size_t) {
    auto& data = *static_cast<KBUGCHECK_SECONDARY_DUMP_DATA*>(from);
    data.Guid = tag;
    data.OutBuffer = own;
    data.OutBufferLength = 1001;
  });
  crash(planned());
  EXPECT_EQ(world().totals().dump, DumpState::completed);
  const dumpfile::DumpReader dump = recovered();
  const Pfn arena = world().memory().pfn_of(own);
  EXPECT_EQ(dump.pages().count(), 45u + 1u - 3u);
  EXPECT_TRUE(dump.present(arena));
  EXPECT_TRUE(dump.present(19) && dump.present(23));
  for (Pfn pfn = 20; pfn < 23; ++pfn) EXPECT_FALSE(dump.present(pfn));
  std::vector<std::byte> page(page_size);
  ASSERT_TRUE(dump.read_page(arena, page));
  EXPECT_EQ(page, std::vector<std::byte>(page_size, std::byte{0x5A}));
  EXPECT_THAT(witness.pages, ElementsAre(std::pair(arena, std::byte{0x5A})));
  ASSERT_EQ(dump.secondary().size(), 1u);
  EXPECT_EQ(dump.secondary()[0].size, 1001u);
  EXPECT_EQ(dump.header().required_space, dump.secondary_end()) << "made known with the header's last write";
  EXPECT_THAT(world().story({"section"}),
              ElementsAre("section header, not yet valid", "section bitmap", "section pages", "section secondary data",
                          "section header made valid"));
}

TEST_F(CallbackDumpTest, AFullDumpOfType1IsNotAskedForPages) {
  world();
  Driver adds(KbCallbackAddPages, [](void*, std::size_t) {});
  crash(planned(dumpfile::DumpForm::full));
  EXPECT_EQ(adds.calls, 0);
  crash(planned());
  EXPECT_EQ(adds.calls, 1) << "the control: a bitmap is";
  start({.profile = policy::Profile::windows_7});
  Driver seven(KbCallbackAddPages, [](void*, std::size_t) {});
  crash(planned());
  EXPECT_EQ(seven.calls, 0) << "nor complete dumps before Windows 8";
}

TEST_F(CallbackDumpTest, DumpIoSeesTheWholeDumpInOrder) {
  world();
  std::vector<std::pair<int, ULONG>> seen;
  std::vector<std::byte> copy;
  Driver watcher(KbCallbackDumpIo, [&](void* from, std::size_t) {
    const auto& data = *static_cast<KBUGCHECK_DUMP_IO*>(from);
    seen.emplace_back(data.Type, data.BufferLength);
    const auto* bytes = static_cast<const std::byte*>(data.Buffer);
    copy.insert(copy.end(), bytes, bytes + data.BufferLength);
  });
  const dumpfile::DumpLayout layout = planned();
  crash(layout);
  ASSERT_GT(seen.size(), 3u);
  EXPECT_EQ(seen.front(), std::pair(1, ULONG{0x2000}));
  EXPECT_EQ(seen[1], std::pair(1, ULONG{0x1000})) << "the bitmap";
  EXPECT_EQ(seen[2].first, 2);
  EXPECT_EQ(seen.back(), std::pair(4, ULONG{0}));
  std::vector<std::byte> whole(layout.size());
  layout.fill(0, whole, world().memory().source());
  EXPECT_TRUE(copy == whole) << "a dump sent elsewhere is a dump, with its header valid";
}

TEST_F(CallbackDumpTest, NobodyWhoAsksChangesNothing) {
  crash(planned());
  const std::vector<std::byte> plain = world().disk().content();
  const std::vector<std::string> story = world().story();
  start();
  Driver adds(KbCallbackAddPages, [](void*, std::size_t) {});
  Driver removes(KbCallbackRemovePages, [](void*, std::size_t) {});
  crash(planned());
  EXPECT_TRUE(world().disk().content() == plain);
  EXPECT_EQ(world().totals().pages_added, 0u);
  EXPECT_EQ(story.size() + 2, world().story().size());
}

}  // namespace
}  // namespace dumpsim::stack
