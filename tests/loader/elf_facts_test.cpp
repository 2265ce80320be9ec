// SPDX-License-Identifier: Apache-2.0
// What an image says about itself, and the words for what is no image.
#include "loader/elf_facts.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace dumpsim::loader {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::string contents(const std::string& name) {
  std::ifstream file(std::filesystem::path(DUMPSIM_FIXTURES) / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Result<ElfFacts> read(const std::string& bytes) {
  return read_elf(std::as_bytes(std::span(bytes)));
}

std::string refusal(const std::string& bytes) {
  const Result<ElfFacts> facts = read(bytes);
  return facts ? "accepted" : facts.error().message;
}

template <class T>
std::string with(std::string bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

TEST(ElfFacts, TellsImportsExportsAndConvention) {
  for (const auto& [file, convention, library] :
       {std::tuple{"loader_plain.so", machine::Convention::system_v, "libntoskrnl.so"},
        std::tuple{"loader_plain-ms.so", machine::Convention::microsoft, "libntoskrnl-ms.so"}}) {
    const Result<ElfFacts> facts = read(contents(file));
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->convention, convention);
    EXPECT_THAT(facts->needed, ElementsAre(library));
    EXPECT_TRUE(foreign_libraries(*facts).empty());
    std::vector<std::string> imports;
    for (const ElfImport& import : facts->imports) imports.push_back(import.name);
    EXPECT_THAT(imports, ::testing::UnorderedElementsAre("KeGetCurrentIrql", "ExAllocatePoolWithTag"))
        << "memcpy and its like are linked in";
    EXPECT_THAT(facts->exports, ElementsAre(Field(&ElfExport::name, "DriverEntry")));
    EXPECT_THAT(facts->functions, Contains(Field(&ElfFunction::name, "crash_here")));
    const Result<const ElfExport*> entry = find_driver_entry(*facts);
    ASSERT_TRUE(entry);
    EXPECT_TRUE((*entry)->function);
  }
}

TEST(ElfFacts, WordsForWhatIsNoImage) {
  const std::string good = contents("loader_plain.so");
  ASSERT_EQ(refusal(good), "accepted");
  EXPECT_THAT(refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("MZ\x90"), HasSubstr("a Windows image (PE), expected an ELF shared library"));
  EXPECT_THAT(refusal("#include <ntddk.h>"), HasSubstr("not an ELF shared library: expected it to begin with 7f 45"));
  EXPECT_THAT(refusal(good.substr(0, 20)), HasSubstr("20 bytes, expected at least the 64"));
  EXPECT_THAT(refusal(with<char>(good, EI_CLASS, ELFCLASS32)), HasSubstr("a 32-bit image, expected a 64-bit one"));
  EXPECT_THAT(refusal(with<char>(good, EI_DATA, ELFDATA2MSB)), HasSubstr("not an ELF image for x86-64"));
  EXPECT_THAT(refusal(with<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_machine), EM_AARCH64)),
              HasSubstr("an image for another processor (ELF machine 183), expected x86-64 (62)"));
  EXPECT_THAT(refusal(with<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_type), ET_REL)), HasSubstr("an object file"));
  EXPECT_THAT(refusal(with<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_type), ET_EXEC)), HasSubstr("a program"));
  EXPECT_THAT(refusal(with<std::uint64_t>(good, offsetof(Elf64_Ehdr, e_phoff), ~std::uint64_t{0} - 7)),
              HasSubstr("program headers at"));
  EXPECT_THAT(refusal(with<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_phnum), 0)), HasSubstr("0 program headers"));
  EXPECT_THAT(refusal(good.substr(0, 0x800)), HasSubstr("a damaged ELF image"));
}

TEST(ElfFacts, AnEmptySegmentIsNoMistake) {
  const std::string good = contents("loader_plain.so");
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof header);
  int tried = 0;
  for (std::uint16_t index = 0; index < header.e_phnum; ++index) {
    const std::size_t offset = header.e_phoff + index * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, good.data() + offset, sizeof segment);
    if (segment.p_type != PT_GNU_STACK) continue;
    const std::string with_empty = with<std::uint32_t>(good, offset + offsetof(Elf64_Phdr, p_type), PT_LOAD);
    EXPECT_EQ(refusal(with_empty), "accepted");
    EXPECT_THAT(refusal(with<std::uint64_t>(with_empty, offset + offsetof(Elf64_Phdr, p_filesz), 1)),
                HasSubstr("damaged"));
    ++tried;
  }
  EXPECT_EQ(tried, 1);
}

TEST(ElfFacts, SizesThatOverflowAreRefused) {
  const std::string good = contents("loader_plain.so");
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof header);
  int tried = 0;
  for (std::uint16_t index = 0; index < header.e_phnum; ++index) {
    const std::size_t offset = header.e_phoff + index * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, good.data() + offset, sizeof segment);
    if (segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC) continue;
    for (const std::size_t field : {offsetof(Elf64_Phdr, p_filesz), offsetof(Elf64_Phdr, p_vaddr)}) {
      for (const std::uint64_t value : {~std::uint64_t{0}, ~std::uint64_t{0} << 12, std::uint64_t{1} << 63}) {
        EXPECT_THAT(refusal(with(good, offset + field, value)), HasSubstr("damaged")) << index << " " << value;
        ++tried;
      }
    }
  }
  EXPECT_GE(tried, 24);
}

}  // namespace
}  // namespace dumpsim::loader
