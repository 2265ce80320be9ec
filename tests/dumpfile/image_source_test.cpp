// SPDX-License-Identifier: Apache-2.0
// Memory from files: the same pages come back whether a machine's memory was kept raw, as a dump or as an ELF core.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "dumpfile/memory_source.hpp"
#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using testing::HasSubstr;

std::vector<std::byte> pages_of(const MemorySource& source, Pfn first, std::uint64_t count) {
  std::vector<std::byte> bytes(count * page_size, std::byte{0xCC});
  source.read_pages(first, count, bytes.data());
  return bytes;
}

std::string refused(std::vector<std::byte> bytes) {
  Result<ImageSource> image = open_image_source(bytes_of(std::move(bytes)));
  return image ? "" : image.error().message;
}

TEST(RawImage, BeginsAtPageZeroAndEndsInZeros) {
  Scratch scratch;
  std::vector<std::byte> raw = pages_of(*canary_source(), 0, 5);
  raw.resize(4 * page_size + 100);
  const auto path = scratch.file("memory.raw", raw);
  Result<ImageSource> image = open_image_source(path);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->form, "raw image");
  EXPECT_EQ(image->runs, (std::vector<PageRun>{{0, 5}}));
  Result<std::unique_ptr<MemorySource>> source = raw_image_source(path);
  ASSERT_TRUE(source);
  for (const MemorySource* each : {image->source.get(), source->get()}) {
    std::vector<std::byte> expected = raw;
    expected.resize(8 * page_size);
    EXPECT_EQ(pages_of(*each, 0, 8), expected);
    EXPECT_EQ(pages_of(*each, 4, 1),
              std::vector<std::byte>(expected.begin() + 4 * page_size, expected.begin() + 5 * page_size));
    EXPECT_TRUE(each->health());
  }
}

TEST(RawImage, AFileThatShrinksIsNotedAsUnhealthy) {
  Scratch scratch;
  const auto path = scratch.file("memory.raw", pages_of(*canary_source(), 0, 4));
  Result<ImageSource> image = open_image_source(path);
  ASSERT_TRUE(image);
  std::filesystem::resize_file(path, 2 * page_size);
  EXPECT_EQ(pages_of(*image->source, 3, 1), std::vector<std::byte>(page_size));
  ASSERT_FALSE(image->source->health());
  EXPECT_THAT(image->source->health().error().message, HasSubstr("memory.raw"));
}

TEST(RawImage, RefusesWhatIsNone) {
  EXPECT_THAT(refused({}), HasSubstr("the image is empty"));
  std::vector<std::byte> hibernation(page_size);
  std::memcpy(hibernation.data(), "HIBR", 4);
  EXPECT_THAT(refused(hibernation), HasSubstr("hibernation file"));
  Result<ImageSource> missing = open_image_source("no-such-file.raw");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no-such-file.raw"));
}

TEST(DumpImage, ServesStoredPagesAndZerosBetween) {
  for (const DumpForm form : {DumpForm::full, DumpForm::bitmap}) {
    const std::vector<PageRun> memory = {{3, 20}, {40, 5}, {45, 2}, {100, 1}};
    const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, form, memory));
    Result<ImageSource> image = open_image_source(bytes_of(write_dump(layout, *random_source(5), true)));
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->form, "dump");
    EXPECT_EQ(image->runs, (std::vector<PageRun>{{3, 20}, {40, 7}, {100, 1}}));
    std::vector<std::byte> expected(110 * page_size);
    for (const PageRun& run : memory)
      random_source(5)->read_pages(run.base, run.pages, expected.data() + run.base * page_size);
    EXPECT_EQ(pages_of(*image->source, 0, 110), expected);
    EXPECT_EQ(pages_of(*image->source, 30, 12),
              std::vector<std::byte>(expected.begin() + 30 * page_size, expected.begin() + 42 * page_size));
  }
}

TEST(DumpImage, RefusesEncryptedPages) {
  auto file =
      write_dump(plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{0, 2}})), *zero_source(), true);
  EXPECT_EQ(refused(file), "");
  poke(file, 0x1050, std::uint32_t{0x100});
  EXPECT_THAT(refused(file), HasSubstr("offset 0x1050: the dump's pages are encrypted"));
}

struct Load {
  std::uint64_t physical, memory, file;
};

/// A core whose segments hold the canary of their own pages.
std::vector<std::byte> core_of(const std::vector<Load>& loads, std::uint16_t type = ET_CORE) {
  std::vector<std::byte> file(page_size);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = type;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(loads.size());
  std::memcpy(file.data(), &header, sizeof header);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    Elf64_Phdr entry{};
    entry.p_type = PT_LOAD;
    entry.p_paddr = loads[i].physical;
    entry.p_memsz = loads[i].memory;
    entry.p_filesz = loads[i].file;
    entry.p_offset = file.size();
    std::memcpy(file.data() + sizeof header + i * sizeof entry, &entry, sizeof entry);
    std::vector<std::byte> content =
        pages_of(*canary_source(), loads[i].physical / page_size, loads[i].file / page_size + 1);
    content.resize(loads[i].file);
    file.insert(file.end(), content.begin(), content.end());
  }
  return file;
}

TEST(ElfCore, ServesSegmentsAtTheirPhysicalAddresses) {
  Scratch scratch;
  // The third segment has less in the file than in memory, the last overlaps the first as a kernel's text does.
  const auto path = scratch.file("memory.elf", core_of({{0x100000, 8 * page_size, 8 * page_size},
                                                        {0, 4 * page_size, 4 * page_size},
                                                        {0x200000, 4 * page_size, page_size + 100},
                                                        {0x102000, 2 * page_size, 2 * page_size}}));
  for (const bool by_magic : {false, true}) {
    const Result<ImageSource> image = by_magic ? open_image_source(path) : elf_core_source(path);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->form, "ELF core");
    EXPECT_EQ(image->runs, (std::vector<PageRun>{{0, 4}, {0x100, 8}, {0x200, 4}}));
    EXPECT_EQ(pages_of(*image->source, 0x100, 8), pages_of(*canary_source(), 0x100, 8));
    EXPECT_EQ(pages_of(*image->source, 1, 2), pages_of(*canary_source(), 1, 2));
    std::vector<std::byte> expected = pages_of(*canary_source(), 0x200, 2);
    std::fill(expected.begin() + page_size + 100, expected.end(), std::byte{0});
    EXPECT_EQ(pages_of(*image->source, 0x200, 2), expected);
    EXPECT_EQ(pages_of(*image->source, 0x50, 1), std::vector<std::byte>(page_size));
  }
}

TEST(ElfCore, RefusesWhatLies) {
  const Load good{0x100000, page_size, page_size};
  EXPECT_EQ(refused(core_of({good})), "");
  EXPECT_THAT(refused(core_of({good}, ET_DYN)), HasSubstr("ELF type 3, expected a core (4)"));
  EXPECT_THAT(refused(core_of({})), HasSubstr("0 program headers"));
  EXPECT_THAT(refused(core_of({{0x100800, page_size, page_size}})), HasSubstr("expected page-aligned memory"));
  EXPECT_THAT(refused(core_of({{0x100000, UINT64_MAX, 0}})), HasSubstr("expected page-aligned memory below 52 bits"));
  EXPECT_THAT(refused(core_of({{0, page_size, page_size}, {0, page_size, page_size}})), HasSubstr("a process core"));
  EXPECT_THAT(refused(core_of({{0x100000, page_size, 2 * page_size}})), HasSubstr("segment 0 has 0x2000 bytes"));
  auto file = core_of({good});
  poke(file, 4, std::uint8_t{1});
  EXPECT_THAT(refused(file), HasSubstr("64-bit little-endian"));
  file = core_of({good});
  poke(file, 0x20, UINT64_MAX - 8);
  EXPECT_THAT(refused(file), HasSubstr("pass the file's end"));
  file = core_of({good});
  file.resize(file.size() - 1);
  EXPECT_THAT(refused(file), HasSubstr("segment 0 has 0x1000 bytes at file offset 0x1000"));
  file.resize(40);
  EXPECT_THAT(refused(file), HasSubstr("too short for an ELF header"));
}

}  // namespace
}  // namespace dumpsim::dumpfile
