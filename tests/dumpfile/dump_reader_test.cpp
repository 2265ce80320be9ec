// SPDX-License-Identifier: Apache-2.0
// Dumps that lie: each refusal is one message with the file's name, the offset and what was expected. The small real
// dump is read where it is present.
#include "dumpfile/dump_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/guid.hpp"
#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::byte> text_bytes(std::string_view text, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::vector<std::byte> full_dump() {
  return write_dump(plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{1, 4}, {16, 4}})),
                    *canary_source(), true);
}
std::vector<std::byte> kernel_dump() {
  return write_dump(plan_or_fail(sample_request(DumpKind::kernel, DumpForm::bitmap, {{1, 4}, {16, 4}})),
                    *canary_source(), true);
}

TEST(DumpReader, RefusesOtherFilesByName) {
  const std::pair<std::string_view, std::string_view> forms[] = {{"PAGEDUMP", "32-bit kernel dump"},
                                                                 {"PAGEPAGE", "never made valid"},
                                                                 {"MDMP\x93\xA7", "user minidump"},
                                                                 {"HIBR", "hibernation file"},
                                                                 {"WAKE", "hibernation file"},
                                                                 {"Raw_Dmp!", "firmware offline dump"},
                                                                 {"Enc_Dmp!", "encrypted firmware"},
                                                                 {"\x7f"
                                                                  "ELF",
                                                                  "the first bytes are"}};
  for (const auto& [magic, words] : forms) {
    EXPECT_THAT(refusal(text_bytes(magic, 0x3000)),
                AllOf(StartsWith("test.dmp: offset 0x0: "), HasSubstr(std::string(words)), HasSubstr("expected")));
  }
  EXPECT_THAT(refusal({}), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal(text_bytes("PAGE", 4)), HasSubstr("first bytes are \"PAGE\""));
  EXPECT_THAT(refusal(text_bytes("PAGEDU64", 0x1FFF)),
              HasSubstr("the file ends at 0x1fff, expected 8192 bytes of header"));
}

TEST(DumpReader, RefusesTypesItCannotServe) {
  const std::pair<std::uint32_t, std::string_view> types[] = {
      {0, "DumpType 0 is unknown"}, {2, "summary dump of Windows 7"}, {3, "header without memory"},
      {7, "DumpType 7 is unknown"}, {11, "DumpType 11 is unknown"},   {0xFFFFFFFF, "DumpType 4294967295 is unknown"}};
  for (const auto& [type, words] : types) {
    auto file = full_dump();
    poke(file, 0xF98, type);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("offset 0xf98"), HasSubstr(std::string(words))));
  }
}

TEST(DumpReader, RefusesRunsThatCannotBe) {
  const auto with = [](std::size_t offset, std::uint64_t value, std::size_t size) {
    auto file = full_dump();
    if (size == 4) poke(file, offset, static_cast<std::uint32_t>(value));
    if (size == 8) poke(file, offset, value);
    return refusal(file);
  };
  EXPECT_THAT(with(0x88, 0, 4), HasSubstr("offset 0x88: NumberOfRuns is 0, expected 1 to 42"));
  EXPECT_THAT(with(0x88, 43, 4), HasSubstr("NumberOfRuns is 43, expected 1 to 42"));
  EXPECT_THAT(with(0x88, 0x45474150, 4), HasSubstr("NumberOfRuns is unset"));
  EXPECT_THAT(with(0x90, 9, 8), HasSubstr("offset 0x90: NumberOfPages is 9, expected 8"));
  EXPECT_THAT(with(0xA0, 0, 8), HasSubstr("run 0 (pfn 0x1) is empty"));
  EXPECT_THAT(with(0xA8, 3, 8), HasSubstr("run 1 (pfn 0x3) begins before the end of run 0"));
  EXPECT_THAT(with(0xB0, UINT64_MAX, 8), HasSubstr("passes the 52 bits"));
  EXPECT_THAT(with(0xA8, UINT64_MAX - 1, 8), HasSubstr("passes the 52 bits"));
}

TEST(DumpReader, RefusesBitmapsThatCannotBe) {
  const auto with = [](std::size_t offset, std::uint64_t value) {
    auto file = kernel_dump();
    poke(file, offset, value);
    return refusal(file);
  };
  EXPECT_EQ(refusal(kernel_dump()), "");
  EXPECT_THAT(with(0x2000, 0), HasSubstr("offset 0x2000: no bitmap header, expected SDMPDUMP or FDMPDUMP"));
  EXPECT_THAT(with(0x2030, 0), HasSubstr("offset 0x2030: the bitmap has 0 bits"));
  EXPECT_THAT(with(0x2030, UINT64_MAX), HasSubstr("expected 1 to 4294967296"));
  EXPECT_THAT(with(0x2030, 1 << 20), HasSubstr("expected it behind the bitmap, which ends at 0x22038"));
  EXPECT_THAT(with(0x2028, 7), HasSubstr("TotalPresentPages is 7, expected 8, the bits set"));
  EXPECT_THAT(with(0x2038, 0xFFFF), HasSubstr("TotalPresentPages is 8, expected"));
  EXPECT_THAT(with(0x2020, 0x2038), HasSubstr("expected it behind the bitmap"));
  EXPECT_THAT(with(0x2020, UINT64_MAX - 0xFFF), HasSubstr("expected its first page at"));
  // A bitmap as long as it says, in a file that is not.
  auto file = kernel_dump();
  poke(file, 0x2030, std::uint64_t{1} << 30);
  poke(file, 0x2020, std::uint64_t{1} << 40);
  EXPECT_THAT(refusal(file), HasSubstr("expected 134217728 bytes of bitmap"));
}

TEST(DumpReader, RefusesEveryTruncation) {
  for (const auto& whole : {full_dump(), kernel_dump()}) {
    ASSERT_EQ(refusal(whole), "");
    for (std::size_t size = 0; size < whole.size(); size += size < 0x2100 ? 61 : 1013) {
      const std::string message = refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      EXPECT_THAT(message, AllOf(StartsWith("test.dmp: offset 0x"), HasSubstr("expected"))) << size;
    }
  }
  auto file = full_dump();
  file.resize(file.size() - 1);
  EXPECT_THAT(refusal(file),
              HasSubstr("offset 0x9fff: the file ends here, after 7 of 8 pages, expected 40960 bytes in all"));
}

TEST(DumpReader, ServesPagesByTheirNumber) {
  Result<DumpReader> dump = DumpReader::open(bytes_of(kernel_dump()));
  ASSERT_TRUE(dump) << dump.error().message;
  std::vector<std::byte> page(page_size), expected(page_size);
  for (const Pfn pfn : {1, 4, 16, 19}) {
    EXPECT_TRUE(dump->present(pfn));
    ASSERT_TRUE(dump->read_page(pfn, page));
    canary_source()->read_pages(pfn, 1, expected.data());
    EXPECT_EQ(page, expected);
  }
  EXPECT_FALSE(dump->present(5));
  const Result<void> absent = dump->read_page(5, page);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message, "test.dmp: pfn 0x5 is not in the dump");
}

TEST(DumpReader, TakesDebuggerBitmapsWithUnalignedPages) {
  // The debugger puts the first page right behind the bitmap and leaves the header's runs unset.
  auto file = kernel_dump();
  for (std::size_t i = 0x88; i < 0x348; ++i) file[i] = static_cast<std::byte>("PAGE"[i % 4]);
  std::vector<std::byte> pages(file.begin() + 0x3000, file.end());
  file.resize(0x2038 + 8);
  poke(file, 0x2020, std::uint64_t{0x2040});
  file.insert(file.end(), pages.begin(), pages.end());
  Result<DumpReader> dump = DumpReader::open(bytes_of(file));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_TRUE(dump->header_runs().empty());
  std::vector<std::byte> page(page_size), expected(page_size);
  ASSERT_TRUE(dump->read_page(17, page));
  canary_source()->read_pages(17, 1, expected.data());
  EXPECT_EQ(page, expected);
  EXPECT_THAT(describe(*dump), HasSubstr("(not page aligned)"));
}

std::vector<std::byte> range_dump(std::uint32_t type) {
  auto file = full_dump();
  const std::vector<std::byte> pages(file.begin() + 0x2000, file.end());
  file.resize(0x2000);
  file.resize(0x2000 + 0x30 + 3 * 16);
  poke(file, 0xF98, type);
  std::memcpy(file.data() + 0x2004, "RDMPDUMP", 8);
  const std::uint64_t first_page = file.size();
  poke(file, 0x2018, first_page);
  poke(file, 0x2010, first_page - 0x2040 + 0x20);
  if (type == 10) poke(file, 0x2028, std::uint64_t{8});
  poke(file, 0x2030, std::uint64_t{1});
  poke(file, 0x2038, std::uint64_t{4});
  poke(file, 0x2040, std::uint64_t{16});
  poke(file, 0x2048, std::uint64_t{4});
  file.insert(file.end(), pages.begin(), pages.end());
  return file;
}

TEST(DumpReader, ReadsTheDebuggersRangeDumps) {
  for (const std::uint32_t type : {8u, 9u, 10u}) {
    auto file = range_dump(type);
    Result<DumpReader> dump = DumpReader::open(bytes_of(file));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(dump->pages().count(), 8u);
    std::vector<std::byte> page(page_size), expected(page_size);
    ASSERT_TRUE(dump->read_page(18, page));
    canary_source()->read_pages(18, 1, expected.data());
    EXPECT_EQ(page, expected);
    poke(file, 0x2010, std::uint64_t{16});
    EXPECT_THAT(refusal(file), HasSubstr("do not agree"));
    file = range_dump(type);
    poke(file, 0x2048, std::uint64_t{40});
    EXPECT_NE(refusal(file), "");
    file = range_dump(type);
    poke(file, 0x2048, UINT64_MAX);
    EXPECT_THAT(refusal(file), HasSubstr("passes physical memory"));
  }
}

TEST(DumpReader, RefusesBlobsThatPassTheEnd) {
  DumpRequest request = sample_request(DumpKind::complete, DumpForm::full, {{0, 2}});
  request.secondary.push_back({{}, std::vector<std::byte>(20)});
  const auto file = write_dump(plan_or_fail(request), *canary_source(), true);
  ASSERT_EQ(refusal(file), "");
  const std::size_t section = 0x4000;
  auto changed = file;
  poke(changed, section + 0x10 + 0x14, std::uint32_t{0xFFFFFFFF});
  EXPECT_THAT(refusal(changed), HasSubstr("offset 0x4010: a blob of 4294967299 bytes passes the file's end"));
  changed = file;
  poke(changed, section + 8, std::uint32_t{0x11});
  EXPECT_THAT(refusal(changed), HasSubstr("header has 0x11 bytes, expected 0x10"));
  // Without the magic there is no section at all.
  changed = file;
  poke(changed, section, std::uint32_t{0});
  Result<DumpReader> dump = DumpReader::open(bytes_of(changed));
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->secondary().empty());
}

TEST(DumpReader, EndsItsBlobsWhereRequiredDumpSpaceDoes) {
  DumpRequest request = sample_request(DumpKind::complete, DumpForm::full, {{0, 2}});
  request.secondary.push_back({{}, std::vector<std::byte>(24)});
  const auto file = write_dump(plan_or_fail(request), *canary_source(), true);
  // Behind the dump a page file holds what an older one left.
  auto longer = file;
  const std::vector<std::byte> older(file.begin() + 0x4010, file.end());
  longer.insert(longer.end(), older.begin(), older.end());
  Result<DumpReader> dump = DumpReader::open(bytes_of(longer));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->secondary().size(), 1u);
  EXPECT_EQ(dump->recovered_size(), file.size());
  // Where it does not cover blobs they go on as long as one follows the other.
  poke(longer, 0xFA0, std::uint64_t{0x4000});
  dump = DumpReader::open(bytes_of(longer));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->secondary().size(), 2u);
  longer.resize(file.size());
  longer.resize(file.size() + 12);
  EXPECT_EQ(refusal(longer), "") << "zeros behind it are nobody's";
  poke(longer, file.size(), std::uint32_t{0x20});
  EXPECT_THAT(refusal(longer), HasSubstr("the file ends inside a blob's header"));
}

TEST(Describe, AWrittenDumpReadsLikeThis) {
  DumpRequest request = sample_request(DumpKind::active, DumpForm::bitmap, {{1, 0x9E}, {0x100, 0x300}});
  const std::vector<PageRun> chosen = {{0x10, 0x20}, {0x180, 3}};
  request.pages = *PageSet::of_runs(chosen);
  request.secondary.push_back(
      {{std::byte{0x88}, std::byte{0x48}, std::byte{0xC8}, std::byte{0x54}}, std::vector<std::byte>(20)});
  Result<DumpReader> dump = DumpReader::open(bytes_of(write_dump(plan_or_fail(request), *canary_source(), true)));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(describe(*dump), R"(file            test.dmp
size            152.07 KiB (155,720 bytes)
type            6, kernel memory dump with a bitmap
system          build 19045 (major 15), x64, 4 processors
bugcheck        0xe2 MANUALLY_INITIATED_CRASH (0x1111, 0x2222222222, 0xfffff80000003333, 0x4)
crashed         2026-01-01 00:00:00.00 UTC
up time         2 min 3 s
exception       0x80000003, flags 0x1, at 0xfffff804103f5780
context         rip=fffff804103f5780  rsp=fffff80413e6b3c8  efl=00000046  cs=0010
                rcx=00000000000000e2  rdx=0000000000001111  r8=0000002222222222  r9=fffff80000003333
page tables     0x1ad000
debugger block  0xfffff80410c00b20
modules         0xfffff80410c2a390
processes       0xfffff80410c1e200
pfn database    0xfffff80410cfc500
attributes      0x40: filtered
writer status   0
required space  152.07 KiB (155,720 bytes)
memory          3.62 MiB (3,792,896 bytes) in 2 runs
                pfn      0x1 ..     0x9e           158 pages  632 KiB
                pfn    0x100 ..    0x3ff           768 pages  3 MiB
bitmap          SDMP, 1,024 bits (memory below 4 MiB), options 0x1
stored pages    35, 140 KiB, from file offset 0x3000
                pfn     0x10 ..     0x2f            32 pages  128 KiB
                pfn    0x180 ..    0x182             3 pages  12 KiB
blobs           1 in 72 B at file offset 0x26000
                {54c84888-0000-0000-0000-000000000000}  20 B
)");
}

#ifdef DUMPSIM_TRIAGE_DUMP  // somebody's own dump cannot be part of the repository
TEST(TriageDump, TheRealOneIsReadToItsEnd) {
  const std::filesystem::path path = DUMPSIM_TRIAGE_DUMP;
  Result<DumpReader> dump = DumpReader::open_file(path);
  ASSERT_TRUE(dump) << dump.error().message;
  const DumpHeader& header = dump->header();
  EXPECT_EQ(header.type, 4u);
  EXPECT_EQ(header.major_version, 0xFu);
  EXPECT_EQ(header.minor_version, 0x4A61u);
  EXPECT_EQ(header.directory_table_base, 0x1AD000u);
  EXPECT_EQ(header.pfn_database, 0xFFFFF8047C6FC500u);
  EXPECT_EQ(header.machine, machine_amd64);
  EXPECT_EQ(header.processors, 16u);
  EXPECT_EQ(header.bugcheck_code, 0x1000007Eu);
  EXPECT_EQ(header.bugcheck_parameters[1], 0xFFFFF8048B58334Cu);
  EXPECT_EQ(header.kd_debugger_block, 0xFFFFF8047C600B20u);
  EXPECT_EQ(header.exception_code, 0x80000003u);
  EXPECT_EQ(header.required_space, 0x197915u);
  EXPECT_EQ(header.mini_dump_fields, 0xCFFu);
  EXPECT_EQ(header.attributes, unset32);
  EXPECT_TRUE(dump->header_runs().empty());
  EXPECT_TRUE(dump->pages().empty());
  ASSERT_TRUE(dump->triage());
  EXPECT_EQ(dump->triage()->drivers, 151u);
  EXPECT_EQ(dump->triage()->data_blocks, 1831u);
  EXPECT_EQ(dump->triage()->stack_size, 0x2118u);
  EXPECT_EQ(dump->primary_size(), 0x13A28Cu);
  EXPECT_EQ(dump->secondary().size(), 20u);
  EXPECT_EQ(dump->secondary_end(), 0x160AB4u) << "the blobs end exactly with the file";
  EXPECT_EQ(format_guid(dump->secondary()[4].guid), "{10ec8168-313c-488c-afea-272cd2094616}");
  EXPECT_EQ(dump->secondary()[4].size, 0xD20u);
  EXPECT_EQ(dump->secondary()[7].size, 0u) << "crashdmp's own, empty";
  const std::string words = describe(*dump);
  EXPECT_THAT(words, HasSubstr("bugcheck        0x1000007e SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M"));
  EXPECT_THAT(words, HasSubstr("crashed         2021-02-21 01:38:22.98 UTC"));
  EXPECT_THAT(words, HasSubstr("more than the file has"));
  EXPECT_THAT(words, HasSubstr("{65755a40-f146-43ea-8c91-36b85728fd35}  0 B  crashdmp"));
  EXPECT_THAT(words, HasSubstr("{2b88b710-1c93-4f7c-b06c-655ecc50decc}  41.28 KiB")) << "all of them are listed";
  Result<ImageSource> memory = open_image_source(path);
  ASSERT_FALSE(memory);
  EXPECT_THAT(memory.error().message, HasSubstr("a small memory dump stores no pages"));
}
#endif

TEST(TriageDump, RefusesAFrameThatLies) {
  auto file = full_dump();
  poke(file, 0xF98, std::uint32_t{4});
  std::memset(file.data() + 0x2000, 0, 0x80);
  EXPECT_THAT(refusal(file), HasSubstr("offset 0x2004: SizeOfDump is 0x0"));
  poke(file, 0x2004, std::uint32_t{0x3000});
  poke(file, 0x2008, std::uint32_t{0xFFFFFFFF});
  EXPECT_THAT(refusal(file), HasSubstr("offset 0x2008: ValidOffset is 0xffffffff"));
  poke(file, 0x2008, std::uint32_t{0x2FFC});
  EXPECT_THAT(refusal(file), HasSubstr("offset 0x2ffc: no trailer, expected TRGD"));
  std::memcpy(file.data() + 0x2FFC, "TRGD", 4);
  EXPECT_EQ(refusal(file), "");
}

}  // namespace
}  // namespace dumpsim::dumpfile
