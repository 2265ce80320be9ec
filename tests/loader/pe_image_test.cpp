// SPDX-License-Identifier: Apache-2.0
// A .sys in memory: protections, what is missing, what is discarded, what the load configuration asks for, and damaged
// images that must be harmless to the host.
#include "loader/pe_image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "base/random.hpp"
#include "machine/fault_trap.hpp"
#include "machine/gate.hpp"
#include "pe_builder.hpp"

namespace dumpsim::loader {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path fixtures = DUMPSIM_FIXTURES;

__attribute__((ms_abi)) std::uint8_t irql() {
  return 3;
}
__attribute__((ms_abi)) std::uint64_t wide_length(const char16_t* text) {
  return std::char_traits<char16_t>::length(text) + 100;
}
constexpr std::array<std::string_view, 2> names = {"KeGetCurrentIrql", "dumpsim_wcslen"};
const std::array<const void*, 2> nothing = {};
const std::array<const void*, 2> microsoft = {reinterpret_cast<const void*>(&irql),
                                              reinterpret_cast<const void*>(&wide_length)};
const ExportTable exports = {names, nothing, microsoft};

class PeImageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<machine::GuestStack> stack = machine::GuestStack::create(24 * 1024);
    ASSERT_TRUE(stack) << stack.error().message;
    stack_ = *std::move(stack);
    gate_ = std::make_unique<machine::Gate>(stack_);
    auto trap = machine::FaultTrap::install(*gate_, {}, std::chrono::nanoseconds(0));
    ASSERT_TRUE(trap) << trap.error().message;
    trap_ = *std::move(trap);
  }
  static Result<std::unique_ptr<Image>> load_bytes(const std::string& bytes, std::uint64_t seed = 0,
                                                   const std::string& name = "dump_built") {
    Result<File> copy = File::in_memory("built");
    EXPECT_TRUE(copy && copy->write_at(0, std::as_bytes(std::span(bytes))));
    return Image::load("/proc/self/fd/" + std::to_string(copy->fd()), exports, {name, {}, seed});
  }
  static std::unique_ptr<Image> load(const std::string& file) {
    Result<std::unique_ptr<Image>> image = Image::load(fixtures / file, exports, {"dump_probe", {}});
    EXPECT_TRUE(image) << (image ? "" : image.error().message);
    return image ? *std::move(image) : nullptr;
  }
  machine::CallResult call(const Image& image, std::uint64_t command, std::uint64_t argument = 0) {
    const std::uint64_t arguments[] = {command, argument};
    return gate_->call(image.convention(), image.entry(), arguments);
  }
  const void* faulted() const { return reinterpret_cast<const void*>(trap_->last().address); }

  machine::GuestStack stack_;
  std::unique_ptr<machine::Gate> gate_;
  std::unique_ptr<machine::FaultTrap> trap_;
};

std::uint64_t word_at(const Image& image, std::uint32_t address) {
  std::uint64_t value = 0;
  std::memcpy(&value, image.base() + address, sizeof value);
  return value;
}

TEST_F(PeImageTest, IsRelocatedBoundAndProtected) {
  const auto loaded = load_bytes(PeBuilder().build());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Image& image = **loaded;
  EXPECT_EQ(call(image, 0).value, 42u);
  EXPECT_EQ(word_at(image, PeBuilder::data + 0x20), reinterpret_cast<std::uint64_t>(image.base()) + PeBuilder::text);
  EXPECT_EQ(word_at(image, PeBuilder::slots), reinterpret_cast<std::uint64_t>(microsoft[0]));
  EXPECT_EQ(image.bytes(), 0x5000u);
  ASSERT_EQ(image.writable().size(), 1u);
  EXPECT_EQ(image.writable()[0].data(), image.base() + PeBuilder::data);
  EXPECT_EQ(image.function_table().size(), 12u);
  EXPECT_EQ(image.function_table().data(), image.base() + PeBuilder::pdata);
  EXPECT_EQ(image.function_at(image.base() + PeBuilder::text + 5), "DriverEntry+0x5");
  EXPECT_TRUE(image.missing_import_at(image.base()).empty());

  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr("dump_built")) << "a debugger shows its name";
}

TEST_F(PeImageTest, LiesWhereItLayBefore) {
  const std::byte* first = (*load_bytes(PeBuilder().build()))->base();
  const auto one = load_bytes(PeBuilder().build());
  const auto two = load_bytes(PeBuilder().build());
  EXPECT_EQ((*one)->base(), first);
  EXPECT_NE((*two)->base(), first);
}

TEST_F(PeImageTest, TheCookieComesFromTheSeedAndTheName) {
  const auto cookie = [](std::uint64_t seed, const std::string& name) {
    return word_at(**load_bytes(PeBuilder().build(), seed, name), PeBuilder::cookie);
  };
  const std::uint64_t one = cookie(1, "dump_a");
  EXPECT_EQ(one, cookie(1, "dump_a"));
  EXPECT_NE(one, cookie(2, "dump_a"));
  EXPECT_NE(one, cookie(1, "hiber_a"));
  EXPECT_NE(one, 0x2B992DDFA232u);
  EXPECT_EQ(one >> 48, 0u);
  PeBuilder own;
  own.put(PeBuilder::cookie, 0x1234ull);
  EXPECT_EQ(word_at(**load_bytes(own.build(), 1), PeBuilder::cookie), 0x1234u) << "it has one of its own";
}

TEST_F(PeImageTest, GuardSlotsLeadSomewhere) {
  PeBuilder builder;
  builder.put(PeBuilder::check, PeBuilder::base + PeBuilder::text);  // its own, by a relocation
  builder.put(PeBuilder::reloc + 10, std::uint16_t{10 << 12 | 8});
  const auto image = load_bytes(builder.build());
  EXPECT_EQ(word_at(**image, PeBuilder::check), reinterpret_cast<std::uint64_t>((*image)->base()) + PeBuilder::text);
  EXPECT_NE(word_at(**image, PeBuilder::dispatch), 0u);
}

TEST_F(PeImageTest, ExtendedGuardSlotsLeadSomewhereToo) {
  PeBuilder builder;
  for (std::uint32_t i = 0; i < 3; ++i) {
    builder.put(PeBuilder::config + 0x118 + 8 * i, PeBuilder::base + PeBuilder::data + 0x40 + 8 * i);
  }
  const auto image = load_bytes(builder.build());
  ASSERT_TRUE(image) << image.error().message;
  const auto slot = [&](std::uint32_t i) { return word_at(**image, PeBuilder::data + 0x40 + 8 * i); };
  EXPECT_EQ(slot(0), word_at(**image, PeBuilder::check));
  EXPECT_EQ(slot(1), word_at(**image, PeBuilder::dispatch));
  EXPECT_EQ(slot(2), slot(1));
  EXPECT_NE(slot(0), slot(1));
}

TEST_F(PeImageTest, SectionsAreToldWithWhatBecomesOfThem) {
  PeBuilder builder;
  std::memcpy(builder.section(2).header.name, "PAGEDATA", 8);
  const auto image = load_bytes(builder.build());
  ASSERT_TRUE(image) << image.error().message;
  const auto sections = (*image)->sections();
  ASSERT_EQ(sections.size(), 3u) << "the relocations are discarded";
  EXPECT_EQ(sections[0].name, ".text");
  EXPECT_EQ(sections[0].protection, PROT_READ | PROT_EXEC);
  EXPECT_FALSE(sections[0].pageable);
  EXPECT_EQ(sections[2].name, "PAGEDATA");
  EXPECT_TRUE(sections[2].pageable);
  EXPECT_EQ(sections[2].pages.size(), 4096u);
}

TEST_F(PeImageTest, SectionsThatSharePagesMayDoEverything) {
  PeBuilder builder;
  builder.sections.erase(builder.sections.begin() + 1, builder.sections.end());
  for (auto& directory : builder.directories) directory = {};
  builder.header.section_alignment = builder.header.file_alignment = 0x20;
  builder.header.header_bytes = 0x400;
  builder.section(0).header.address = builder.section(0).header.file_offset = 0x400;
  builder.header.entry = 0x400;
  const auto image = load_bytes(builder.build());
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(call(**image, 0).value, 42u);
  ASSERT_EQ((*image)->writable().size(), 1u);
  EXPECT_EQ((*image)->writable()[0].size(), (*image)->bytes());
}

TEST_F(PeImageTest, RefusesTheOtherConventionAndTellsWhatKernelsDoNotDo) {
  Result<File> copy = File::in_memory("built");
  PeBuilder builder;
  builder.directories[pe::directory_tls] = {PeBuilder::rdata + 0x300, 40};
  const std::string bytes = builder.build();
  ASSERT_TRUE(copy && copy->write_at(0, std::as_bytes(std::span(bytes))));
  const std::string name = "/proc/self/fd/" + std::to_string(copy->fd());
  const auto refused = Image::load(name, exports, {"x", machine::Convention::system_v});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("a .sys has Microsoft's calling convention"));
  const auto image = Image::load(name, exports, {"x", machine::Convention::microsoft});
  ASSERT_TRUE(image);
  EXPECT_THAT((*image)->notes(), ::testing::ElementsAre(HasSubstr("thread-local storage")));
}

class ProbeTest : public PeImageTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ProbeTest, WhatNobodyProvidesIsNamedWhenItIsUsed) {
  const std::unique_ptr<Image> image = load(GetParam());
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(call(*image, 6).value, 104u) << "wcslen by its plain name";
  EXPECT_FALSE(call(*image, 3).returned);
  EXPECT_EQ(trap_->last().access, machine::FaultAccess::execute);
  EXPECT_EQ(image->missing_import_at(faulted()), "ntoskrnl.exe!KeDoesNotExist");
  EXPECT_TRUE(image->contains(reinterpret_cast<const void*>(trap_->last().return_addresses[1]))) << "the caller";
  EXPECT_FALSE(call(*image, 4).returned);
  EXPECT_EQ(trap_->last().access, machine::FaultAccess::read);
  EXPECT_EQ(image->missing_import_at(faulted()), "ntoskrnl.exe!NoSuchVariable");
  EXPECT_FALSE(call(*image, 5).returned);
  EXPECT_EQ(image->missing_import_at(faulted()), "other.sys!#7");
}

TEST_P(ProbeTest, InitIsGoneAfterDriverEntryAndPageIsNot) {
  const std::unique_ptr<Image> image = load(GetParam());
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(call(*image, 0, 7).value, 8u);
  EXPECT_EQ(call(*image, 7, 7).value, 15u) << "a frame beyond a page";
  image->discard_initialization();
  EXPECT_EQ(call(*image, 1, 7).value, 9u);
  EXPECT_EQ(call(*image, 2).value, 5u);
  EXPECT_FALSE(call(*image, 0, 7).returned);
  EXPECT_EQ(image->discarded_section_at(faulted()), "INIT");
}

#if defined(DUMPSIM_SYS_mingw) || defined(DUMPSIM_SYS_clang)
constexpr const char* probes[] = {
#ifdef DUMPSIM_SYS_mingw
    "probe-mingw.sys",
#endif
#ifdef DUMPSIM_SYS_clang
    "probe-clang.sys",
#endif
};
INSTANTIATE_TEST_SUITE_P(Each, ProbeTest, ::testing::ValuesIn(probes), [](const auto& tested) {
  return std::string(tested.param).find("mingw") != std::string::npos ? "mingw" : "clang";
});
#else
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ProbeTest);
#endif

#ifdef DUMPSIM_SYS_clang
TEST_F(PeImageTest, ALinkersLoadConfigurationIsFilled) {
  const std::unique_ptr<Image> image = load("config-clang.sys");
  ASSERT_NE(image, nullptr);
  EXPECT_NE(call(*image, 8).value, 0x2B992DDFA232u);
  EXPECT_NE(call(*image, 8).value, 0u);
}
#endif

// Whatever the facts accept must map, relocate, bind and unmap without harm to the process.
TEST_F(PeImageTest, DamagedImagesAreRefusedOrHarmless) {
  const std::string pristine = PeBuilder().build();
  Random random(20261123);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = pristine;
    const std::uint64_t changes = 1 + random.below(4);
    for (std::uint64_t change = 0; change < changes; ++change) {
      const std::uint64_t place = random.below(3) == 0 ? random.below(bytes.size()) : 0x80 + random.below(0x200);
      bytes[place] = random.below(2) == 0 ? static_cast<char>(random.below(256))
                                          : static_cast<char>(bytes[place] ^ (1 << random.below(8)));
    }
    if (random.below(10) == 0) bytes.resize(random.below(bytes.size()));
    const auto image = load_bytes(bytes);
    if (image) {
      accepted += 1;
      for (const std::span<std::byte> range : (*image)->writable()) {
        EXPECT_TRUE((*image)->contains(range.data()));
        range.front() = range.back();
      }
      (*image)->discard_initialization();
    } else {
      refused += 1;
      EXPECT_THAT(image.error().message, HasSubstr("image /proc/self/fd/"));
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace dumpsim::loader
