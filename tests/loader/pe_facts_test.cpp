// SPDX-License-Identifier: Apache-2.0
// What is read from a .sys, and the words for what is none, is damaged, or is a driver of another kind.
#include "loader/pe_facts.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "loader/pe_integrity.hpp"
#include "pe_builder.hpp"

namespace dumpsim::loader {
namespace {

using ::testing::HasSubstr;
using Change = std::function<void(PeBuilder&)>;

Result<PeFacts> read(const std::string& bytes) {
  return read_pe(std::as_bytes(std::span(bytes)));
}
Result<PeFacts> read_changed(const Change& change) {
  PeBuilder builder;
  change(builder);
  return read(builder.build());
}
std::string refusal(const std::string& bytes) {
  const Result<PeFacts> facts = read(bytes);
  if (!facts) return facts.error().message;
  const Result<void> good = check_pe_driver(*facts);
  return good ? "accepted" : good.error().message;
}

TEST(PeFacts, TellsWhatASoundImageIs) {
  const Result<PeFacts> facts = read(PeBuilder().build());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_TRUE(check_pe_driver(*facts));
  EXPECT_EQ(facts->subsystem, 1);
  EXPECT_EQ(facts->bytes, 0x5000u);
  EXPECT_EQ(facts->entry, PeBuilder::text);
  ASSERT_EQ(facts->sections.size(), 4u);
  EXPECT_EQ(facts->sections[0].name, ".text");
  EXPECT_TRUE(facts->sections[0].executable());
  EXPECT_FALSE(facts->sections[0].writable());
  EXPECT_TRUE(facts->sections[2].writable());
  EXPECT_TRUE(facts->sections[3].discarded());
  EXPECT_FALSE(facts->sections[2].discarded());
  ASSERT_EQ(facts->imports.size(), 1u);
  EXPECT_EQ(facts->imports[0].library, "ntoskrnl.exe");
  EXPECT_EQ(facts->imports[0].name, "KeGetCurrentIrql");
  EXPECT_EQ(facts->imports[0].slot, PeBuilder::slots);
  EXPECT_THAT(facts->relocations, ::testing::ElementsAre(PeBuilder::data + 0x20));
  EXPECT_EQ(facts->function_table.bytes, 12u);
  ASSERT_TRUE(facts->load_config);
  EXPECT_EQ(facts->load_config->security_cookie, PeBuilder::cookie);
  EXPECT_EQ(facts->load_config->guard_dispatch, PeBuilder::dispatch);
  EXPECT_TRUE(facts->certificates.empty());
}

TEST(PeFacts, SectionsArePageableAndDiscardedByNameAndMark) {
  const auto section = [](const char* name, std::uint32_t marks) {
    return PeSection{name, 0x1000, 0x1000, 0, 0, marks};
  };
  EXPECT_TRUE(section("PAGE", 0x60000020).pageable());
  EXPECT_TRUE(section("PAGELK", 0x60000020).pageable());
  EXPECT_FALSE(section("PAGE", 0x68000020).pageable()) << "marked as not paged";
  EXPECT_FALSE(section(".text", 0x60000020).pageable());
  EXPECT_TRUE(section("INIT", 0x60000020).discarded());
  EXPECT_TRUE(section("anything", 0x62000020).discarded());
  EXPECT_FALSE(section("PAGE", 0x62000020).pageable());
}

TEST(PeFacts, ReadsImportsByNumberAndForwardedExports) {
  PeBuilder builder;
  builder.put(PeBuilder::slots, std::uint64_t{0x8000000000000007});
  builder.put(PeBuilder::slots + 0x20, std::uint64_t{0x8000000000000007});
  // An export directory in the free part of .rdata: one function, one forward.
  constexpr std::uint32_t at = PeBuilder::rdata + 0x300;
  builder.put(at, pe::ExportDirectory{0, 0, 0, 0, at + 0x80, 5, 2, 2, at + 0x40, at + 0x50, at + 0x60});
  builder.put(at + 0x40, PeBuilder::text).put(at + 0x44, at + 0xA0);
  builder.put(at + 0x50, at + 0x90).put(at + 0x54, at + 0x98);
  builder.put(at + 0x60, std::uint16_t{0}).put(at + 0x62, std::uint16_t{1});
  builder.put(at + 0x80, std::uint64_t{0x7379732E78});  // "x.sys"
  builder.put(at + 0x90, std::uint32_t{0x656E6F}).put(at + 0x98, std::uint32_t{0x6F7774});
  builder.put(at + 0xA0, std::uint64_t{0x662E6C6168});  // "hal.f"
  builder.directories[pe::directory_export] = {at, 0x100};
  const Result<PeFacts> facts = read(builder.build());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->imports.at(0).name, "#7");
  EXPECT_EQ(facts->imports.at(0).ordinal, 7);
  EXPECT_EQ(facts->export_name, "x.sys");
  ASSERT_EQ(facts->exports.size(), 2u);
  EXPECT_EQ(facts->exports[0].name, "one");
  EXPECT_EQ(facts->exports[0].ordinal, 5u);
  EXPECT_EQ(facts->exports[1].name, "two");
  EXPECT_EQ(facts->exports[1].forward, "hal.f");
}

TEST(PeFacts, WhatALoaderMayPassOver) {
  // Bound imports whose names are there, dynamic relocations at a wild place, delayed imports, thread-local storage.
  PeBuilder builder;
  builder.put(PeBuilder::imports + 4, 0x5F5E100u);
  builder.directories[pe::directory_bound_import] = {0xFFFFFF00, 0xFFFF};
  builder.put(PeBuilder::config + 0xE0, 0xFFFFFFF0u);
  builder.put(PeBuilder::config + 0xD0, ~0ull).put(PeBuilder::config + 0xD8, ~0ull);
  builder.put(PeBuilder::rdata + 0x304, PeBuilder::rdata + 0xC0);
  builder.directories[pe::directory_delay_import] = {PeBuilder::rdata + 0x300, 64};
  builder.directories[pe::directory_tls] = {PeBuilder::rdata + 0x340, 40};
  const Result<PeFacts> facts = read(builder.build());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_TRUE(check_pe_driver(*facts));
  EXPECT_EQ(facts->imports.at(0).name, "KeGetCurrentIrql");
  EXPECT_TRUE(facts->load_config->dynamic_relocations);
  EXPECT_EQ(facts->delay_imports, 1u);
  EXPECT_EQ(facts->tls->callbacks, 0u);
}

TEST(PeFacts, TellsWhatOtherLibrariesAre) {
  EXPECT_TRUE(is_kernel_library("HAL.dll"));
  EXPECT_TRUE(is_kernel_library("NTOSKRNL.EXE"));
  EXPECT_FALSE(is_kernel_library("FLTMGR.SYS"));
  EXPECT_EQ(role_of_library("FLTMGR.SYS"), "the filter manager for file system minifilters");
  EXPECT_EQ(role_of_library("cng.sys"), "the kernel's BCrypt functions");
  EXPECT_EQ(role_of_library("mine.sys"), "");
}

TEST(PeFacts, ReadsTheKindOfASignature) {
  PeBuilder builder;
  const std::string sound = builder.build();
  builder.directories[pe::directory_security] = {static_cast<std::uint32_t>(sound.size()), 24};
  const pe::Certificate certificate{20, 0x200, 2};
  builder.trailer.assign(24, '\0');
  std::memcpy(builder.trailer.data(), &certificate, sizeof certificate);
  const Result<PeFacts> facts = read(builder.build());
  ASSERT_TRUE(facts) << facts.error().message;
  ASSERT_EQ(facts->certificates.size(), 1u);
  EXPECT_EQ(facts->certificates[0].type, 2);
  EXPECT_EQ(facts->certificates[0].bytes, 12u);
  EXPECT_THAT(refusal(builder.build().substr(0, sound.size() + 8)), HasSubstr("its signature has 24 bytes"));
}

struct Mistake {
  const char* name;
  Change change;
  const char* words;
};
const Mistake mistakes[] = {
    {"arm64", [](PeBuilder& b) { b.file.machine = 0xAA64; }, "a Windows image for ARM64, expected one for x64"},
    {"x86", [](PeBuilder& b) { b.file.machine = 0x14C; }, "a Windows image for 32-bit x86"},
    {"pe32", [](PeBuilder& b) { b.header.magic = 0x10B; }, "a 32-bit Windows image (PE32)"},
    {"magic", [](PeBuilder& b) { b.header.magic = 0x107; }, "begins with 0x107"},
    {"unfinished", [](PeBuilder& b) { b.file.characteristics = 0; }, "marked as unfinished"},
    {"dotnet",
     [](PeBuilder& b) {
       b.directories[14] = {PeBuilder::rdata, 72};
     },
     "a .NET image"},
    {"program", [](PeBuilder& b) { b.header.subsystem = 3; }, "subsystem 3 (Windows console), expected a driver"},
    {"efi", [](PeBuilder& b) { b.header.subsystem = 11; }, "EFI boot service driver"},
    {"stripped", [](PeBuilder& b) { b.file.characteristics |= 1; }, "its relocations were stripped"},
    {"no_entry", [](PeBuilder& b) { b.header.entry = 0; }, "without an entry point"},
    {"wild_entry", [](PeBuilder& b) { b.header.entry = 0x7000; }, "its entry point is at 0x7000, outside its sections"},
    {"entry_in_data", [](PeBuilder& b) { b.header.entry = PeBuilder::data; }, "section .data has no code"},
    {"alignment", [](PeBuilder& b) { b.header.section_alignment = 0x1001; }, "aligned to 0x1001"},
    {"alignment_shared", [](PeBuilder& b) { b.header.section_alignment = 0x400; }, "aligned to 0x400"},
    {"base", [](PeBuilder& b) { b.header.image_base = 0x140001000; }, "no multiple of 64 KiB"},
    {"huge", [](PeBuilder& b) { b.header.image_bytes = 0xFFFFF000; }, "expected 1 byte to 256 MiB"},
    {"headers", [](PeBuilder& b) { b.file.optional_header_bytes = 100; }, "an optional header of 100 bytes"},
    {"no_sections", [](PeBuilder& b) { b.sections.clear(); }, "0 sections, expected 1 to 96"},
    {"overlap", [](PeBuilder& b) { b.section(1).header.bytes = 0x2000; },
     "(.data) at 0x3000 overlaps what is before it"},
    {"descending", [](PeBuilder& b) { b.section(2).header.address = 0x1000; }, "overlaps what is before it"},
    {"over_headers", [](PeBuilder& b) { b.section(0).header.address = 0; }, "overlaps what is before it"},
    {"unaligned", [](PeBuilder& b) { b.section(0).header.address = 0x1800; }, "at 0x1800, no multiple of 0x1000"},
    {"huge_section", [](PeBuilder& b) { b.section(3).header.bytes = 0xFFFFFFFF; }, "expected it inside the image's"},
    {"outside", [](PeBuilder& b) { b.section(3).header.address = 0x8000; }, "expected it inside the image's 0x5000"},
    {"not_in_file", [](PeBuilder& b) { b.section(2).header.file_offset = 0x10000; }, "cut short?"},
    {"import_names", [](PeBuilder& b) { b.directories[1].address = 0x9000; }, "table of imports at 0x9000 has no end"},
    {"import_library", [](PeBuilder& b) { b.put(PeBuilder::imports + 12, 0x9000); },
     "library's name is not in the image"},
    {"import_list", [](PeBuilder& b) { b.put(PeBuilder::imports, 0x23F8u).put(0x23F8u, ~0ull >> 1 | 1ull << 63); },
     "by no ordinal"},
    {"import_name", [](PeBuilder& b) { b.put(PeBuilder::slots + 0x20, 0x8FF0ull); },
     "name of an import from ntoskrnl.exe"},
    {"import_slot", [](PeBuilder& b) { b.put(PeBuilder::imports + 16, 0x9000); }, "is to be written at 0x9000"},
    {"relocation_type", [](PeBuilder& b) { b.put(PeBuilder::reloc + 8, std::uint16_t{0x3020}); },
     "a relocation of type 3"},
    {"relocation_wild", [](PeBuilder& b) { b.put(PeBuilder::reloc, 0x9000); },
     "a relocation of 0x9020, outside its sections"},
    {"relocation_far", [](PeBuilder& b) { b.put(PeBuilder::reloc, 0xFFFFF000); }, "a relocation of 0xfffff020"},
    {"relocation_across", [](PeBuilder& b) { b.put(PeBuilder::reloc + 8, std::uint16_t{0xA0FC}); },
     "a relocation of 0x30fc, outside its sections"},
    {"relocation_block", [](PeBuilder& b) { b.put(PeBuilder::reloc + 4, 0x1000); },
     "a block of relocations has 4096 bytes"},
    {"relocation_table", [](PeBuilder& b) { b.directories[5].bytes = 0x10000; }, "its relocations at 0x4000 are not"},
    {"functions", [](PeBuilder& b) { b.put(PeBuilder::pdata, 0x9000); }, "function 0 of its table is from 0x9000"},
    {"functions_table",
     [](PeBuilder& b) {
       b.directories[3] = {0x9000, 12};
     },
     "table of functions at 0x9000"},
    {"config", [](PeBuilder& b) { b.directories[10].address = 0x9000; }, "load configuration at 0x9000 is not"},
    {"cookie", [](PeBuilder& b) { b.put(PeBuilder::config + 0x58, PeBuilder::base + PeBuilder::rdata); },
     "its security cookie is at 0x140002000, expected it in a writable of its sections"},
    {"cookie_wild", [](PeBuilder& b) { b.put(PeBuilder::config + 0x58, 0xFFFFFFFFFFFFFFF8ull); },
     "its security cookie"},
    {"guard", [](PeBuilder& b) { b.put(PeBuilder::config + 0x78, 1ull); }, "control flow guard's dispatch is at 0x1"},
    {"tls",
     [](PeBuilder& b) {
       b.directories[9] = {0x9000, 40};
     },
     "thread-local storage directory at 0x9000"},
    {"exports",
     [](PeBuilder& b) {
       b.directories[0] = {0x9000, 40};
     },
     "table of exports at 0x9000 is not"},
    {"arm64ec", [](PeBuilder& b) { b.put(PeBuilder::config + 0xC8, PeBuilder::base + PeBuilder::rdata); },
     "a Windows image for ARM64EC, whose code is ARM64's though its header says x64"},
    {"x86_in_pe32plus", [](PeBuilder& b) { b.file.machine = 0x1C4; }, "a Windows image for 32-bit ARM"},
    {"dll", [](PeBuilder& b) { b.header.subsystem = 2; }, "subsystem 2 (Windows GUI), expected a driver"},
    {"xfg", [](PeBuilder& b) { b.put(PeBuilder::config + 0x120, 1ull); },
     "its extended flow guard's dispatch is at 0x1, expected it in one of its sections"},
    {"bound", [](PeBuilder& b) { b.put(PeBuilder::imports, 0u).put(PeBuilder::imports + 4, 0x5F5E100u); },
     "its imports from ntoskrnl.exe are bound to addresses, and their names are gone"},
    {"import_loop", [](PeBuilder& b) { b.put(PeBuilder::imports, PeBuilder::text).put(PeBuilder::text, ~0ull); },
     "its list of imports from ntoskrnl.exe has no end"},
    {"delay_loop",
     [](PeBuilder& b) {
       // A descriptor's name is 1 wherever one looks, to the end of the section.
       for (std::uint32_t i = 0; i < 0x100; i += 4) b.put(PeBuilder::rdata + 0x300 + i, 1u);
       b.directories[13] = {PeBuilder::rdata + 0x300, 32};
     },
     "its table of delayed imports has no end"},
    {"tls_loop",
     [](PeBuilder& b) {
       b.put(PeBuilder::rdata + 0x318, PeBuilder::base + PeBuilder::rdata + 0x340);
       for (std::uint32_t i = 0x340; i < 0x400; i += 8) b.put(PeBuilder::rdata + i, 1ull);
       b.directories[9] = {PeBuilder::rdata + 0x300, 40};
     },
     "its thread-local storage callbacks have no end"},
    {"tls_wild",
     [](PeBuilder& b) {
       b.put(PeBuilder::rdata + 0x318, 0x10ull);
       b.directories[9] = {PeBuilder::rdata + 0x300, 40};
     },
     "its thread-local storage callbacks are at 0x10, outside the image"},
    {"exports_many",
     [](PeBuilder& b) {
       b.put(PeBuilder::rdata + 0x300, pe::ExportDirectory{0, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0, 0, 0, 0});
       b.directories[0] = {PeBuilder::rdata + 0x300, 40};
     },
     "4294967295 exports with 0 names, expected at most 65536"},
    {"export_wild",
     [](PeBuilder& b) {
       constexpr std::uint32_t at = PeBuilder::rdata + 0x300;
       b.put(at, pe::ExportDirectory{0, 0, 0, 0, 0, 5, 1, 0, at + 0x40, 0, 0}).put(at + 0x40, 0x9000u);
       b.directories[0] = {at, 40};
     },
     "export #5 is at 0x9000, outside its sections"},
    {"forward_to_nothing",
     [](PeBuilder& b) {
       constexpr std::uint32_t at = PeBuilder::rdata + 0x300;
       b.put(at, pe::ExportDirectory{0, 0, 0, 0, 0, 5, 1, 0, at + 0x40, 0, 0}).put(at + 0x40, at + 0x44);
       b.directories[0] = {at, 0x60};
     },
     "export #5 forwards to nothing"},
    {"functions_overlap",
     [](PeBuilder& b) {
       b.put(PeBuilder::pdata + 12, pe::RuntimeFunction{PeBuilder::text + 2, PeBuilder::text + 6, 0});
       b.directories[3] = {PeBuilder::pdata, 24};
     },
     "function 1 of its table is from 0x1002 to 0x1006, expected them ascending"},
    {"signature_cut",
     [](PeBuilder& b) {
       b.directories[4] = {static_cast<std::uint32_t>(b.build().size()), 0x1000};
     },
     "its signature has 4096 bytes at"},
    {"signature_block",
     [](PeBuilder& b) {
       b.directories[4] = {static_cast<std::uint32_t>(b.build().size()), 16};
       b.trailer.assign(16, '\x7f');
     },
     "a signature of 2139062143 bytes, with 16 left"},
    {"kmdf", [](PeBuilder& b) { std::memcpy(b.section(1).header.name, ".kmdf\0\0", 8); },
     "a WDF driver (it has the framework's section .kmdf)"},
    {"wdf", [](PeBuilder& b) { std::memcpy(b.section(1).bytes.data() + 0xC0, "WDFLDR.SYS\0\0", 13); }, "a WDF driver"},
    {"user_mode", [](PeBuilder& b) { std::memcpy(b.section(1).bytes.data() + 0xC0, "KERNEL32.dll", 13); },
     "a library of user mode"},
};

class Damaged : public ::testing::TestWithParam<Mistake> {};
TEST_P(Damaged, IsRefusedInWords) {
  PeBuilder builder;
  ASSERT_EQ(refusal(builder.build()), "accepted");
  GetParam().change(builder);
  EXPECT_THAT(refusal(builder.build()), HasSubstr(GetParam().words));
}
INSTANTIATE_TEST_SUITE_P(Each, Damaged, ::testing::ValuesIn(mistakes),
                         [](const auto& tested) { return tested.param.name; });

TEST(PeFacts, TellsOtherFilesByName) {
  EXPECT_THAT(refusal(""), HasSubstr("not a Windows image"));
  EXPECT_THAT(refusal("\x7f"
                      "ELF"),
              HasSubstr("not a Windows image"));
  EXPECT_THAT(refusal("MZ"), HasSubstr("2 bytes, expected at least the 64"));
  std::string dos(0x100, '\0');
  dos.replace(0, 2, "MZ");
  EXPECT_THAT(refusal(dos), HasSubstr("a DOS program"));
  dos[0x3C] = 0x40;
  dos.replace(0x40, 2, "NE");
  EXPECT_THAT(refusal(dos), HasSubstr("a 16-bit Windows image"));
  dos.replace(0x3C, 4, "\xff\xff\xff\xff");
  EXPECT_THAT(refusal(dos), HasSubstr("its header is at 0xffffffff"));
}

// Cut anywhere, it is refused, or it lacks nothing that was read.
TEST(PeFacts, EveryTruncationIsRefused) {
  const std::string whole = PeBuilder().build();
  for (std::size_t bytes = 0; bytes < whole.size() - PeBuilder::alignment; bytes += 7) {
    EXPECT_NE(refusal(whole.substr(0, bytes)), "accepted") << bytes;
  }
}

TEST(MemoryIntegrity, SaysWhatWindows11Refuses) {
  const auto codes = [](const Change& change) {
    const Result<PeFacts> facts = read_changed(change);
    std::string text;
    if (!facts) return facts.error().message;
    for (const IntegrityFinding& finding : check_memory_integrity(*facts)) {
      text += fmt::format("{}{:x} {};", finding.refused ? "" : "?", finding.code, finding.text);
    }
    return text;
  };
  EXPECT_EQ(codes([](PeBuilder&) {}), "");
  EXPECT_EQ(codes([](PeBuilder& b) { b.section(2).header.characteristics |= 0x20000000; }),
            "2003 section .data is writable and executable;");
  EXPECT_EQ(codes([](PeBuilder& b) { b.section(1).header.characteristics |= 0x20000000; }),
            "2005 the import address table is in section .rdata, which is executable;");
  EXPECT_THAT(codes([](PeBuilder& b) { std::memcpy(b.section(1).bytes.data() + 0xE2, "ExAllocatePool\0\0", 17); }),
              HasSubstr("?2000 ExAllocatePool allocates executable pool"));
}

}  // namespace
}  // namespace dumpsim::loader
