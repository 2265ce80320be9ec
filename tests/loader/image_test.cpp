// SPDX-License-Identifier: Apache-2.0
// Images in memory: both conventions, private copies, unloading, and the messages for what cannot be loaded.
#include "loader/image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "loader/elf_image.hpp"
#include "machine/fault_trap.hpp"
#include "machine/gate.hpp"

namespace dumpsim::loader {
namespace {

using machine::Convention;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path fixtures = DUMPSIM_FIXTURES;

// A kernel of three functions; each answers differently by convention, so that a wrong binding shows.
std::uint8_t irql_system_v() {
  return 2;
}
__attribute__((ms_abi)) std::uint8_t irql_microsoft() {
  return 3;
}
void* allocate_system_v(int type, std::uint64_t bytes, std::uint32_t tag) {
  return reinterpret_cast<void*>(bytes * 1000 + static_cast<std::uint64_t>(type) * 10 + (tag == 0x58726f58 ? 2 : 0));
}
__attribute__((ms_abi)) void* allocate_microsoft(int type, std::uint64_t bytes, std::uint32_t tag) {
  return reinterpret_cast<void*>(bytes * 1000 + static_cast<std::uint64_t>(type) * 10 + (tag == 0x58726f58 ? 3 : 0));
}
// Compilers call it unasked, and a .sys takes it from the kernel.
__attribute__((ms_abi)) void* copy_microsoft(void* to, const void* from, std::size_t bytes) {
  return std::memcpy(to, from, bytes);
}
constexpr std::array<std::string_view, 4> names = {"ExAllocatePoolWithTag", "KeGetCurrentIrql", "FltGetVolumeNam",
                                                   "memcpy"};
const std::array<const void*, 4> system_v = {reinterpret_cast<const void*>(&allocate_system_v),
                                             reinterpret_cast<const void*>(&irql_system_v), nullptr, nullptr};
const std::array<const void*, 4> microsoft = {reinterpret_cast<const void*>(&allocate_microsoft),
                                              reinterpret_cast<const void*>(&irql_microsoft), nullptr,
                                              reinterpret_cast<const void*>(&copy_microsoft)};
const ExportTable exports = {names, system_v, microsoft};

class ImageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<machine::GuestStack> stack = machine::GuestStack::create(24 * 1024);
    ASSERT_TRUE(stack) << stack.error().message;
    stack_ = *std::move(stack);
    gate_ = std::make_unique<machine::Gate>(stack_);
  }
  static std::unique_ptr<Image> load(const std::string& file, const std::string& instance = "dump_test") {
    Result<std::unique_ptr<Image>> image = Image::load(fixtures / file, exports, {instance, {}});
    EXPECT_TRUE(image) << (image ? "" : image.error().message);
    return image ? *std::move(image) : nullptr;
  }
  static std::string refusal(const std::filesystem::path& file) {
    const Result<std::unique_ptr<Image>> image = Image::load(fixtures / file, exports, {"dump_test", {}});
    return image ? "loaded" : image.error().message;
  }
  std::uint64_t call(const Image& image, std::uint64_t command, std::uint64_t argument = 0) {
    const std::uint64_t arguments[] = {command, argument};
    const machine::CallResult result = gate_->call(image.convention(), image.entry(), arguments);
    EXPECT_TRUE(result.returned);
    EXPECT_EQ(result.changed, 0u);
    return result.value;
  }
  machine::GuestStack stack_;
  std::unique_ptr<machine::Gate> gate_;
};

struct Twin {
  const char* file;
  Convention convention;
  std::uint64_t mark;
};

class TwinTest : public ImageTest, public ::testing::WithParamInterface<Twin> {};

TEST_P(TwinTest, RunsWithImportsOfItsOwnConvention) {
  const std::unique_ptr<Image> image = load(GetParam().file);
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->convention(), GetParam().convention);
  EXPECT_EQ(call(*image, 1) & 0xff, GetParam().mark);
  EXPECT_EQ(call(*image, 2, 64), 64 * 1000 + 10 + GetParam().mark);
  EXPECT_EQ(call(*image, 3, 0), 42u);
  EXPECT_EQ(call(*image, 3, 1), 63u);
  EXPECT_EQ(call(*image, 4) & 0xff, GetParam().mark) << "an import whose address stands in data";
  EXPECT_EQ(call(*image, 7, 5), 200u * 5 + 199 * 200 / 2);
  EXPECT_TRUE(image->notes().empty()) << image->notes().front();
}

TEST_P(TwinTest, CopiesShareNothing) {
  const std::unique_ptr<Image> dump = load(GetParam().file, "dump_plain");
  const std::unique_ptr<Image> hibernation = load(GetParam().file, "hiber_plain");
  ASSERT_TRUE(dump && hibernation);
  EXPECT_EQ(call(*dump, 0), 41u);
  EXPECT_EQ(call(*dump, 0), 42u);
  EXPECT_EQ(call(*hibernation, 0), 41u);
  EXPECT_EQ(call(*dump, 5, 8999), 1u);
  EXPECT_EQ(call(*hibernation, 5, 8999), 1u);
  EXPECT_NE(dump->base(), hibernation->base());
}

TEST_P(TwinTest, LoadingAgainStartsPristine) {
  for (int round = 0; round < 3; ++round) {
    const std::unique_ptr<Image> image = load(GetParam().file);
    ASSERT_NE(image, nullptr);
    EXPECT_EQ(call(*image, 0), 41u);
  }
}

TEST_P(TwinTest, NothingStaysBehind) {
  std::unique_ptr<Image> image = load(GetParam().file);
  ASSERT_NE(image, nullptr);
  std::byte* const base = const_cast<std::byte*>(image->base());
  unsigned char resident = 0;
  EXPECT_EQ(mincore(base, 4096, &resident), 0);
  image = nullptr;
  EXPECT_EQ(mincore(base, 4096, &resident), -1) << "still mapped";
}

TEST_P(TwinTest, KnowsItsOwnState) {
  const std::unique_ptr<Image> image = load(GetParam().file);
  ASSERT_NE(image, nullptr);
  const auto* const counter = reinterpret_cast<const std::byte*>(call(*image, 8));
  const auto* const table = reinterpret_cast<const std::byte*>(call(*image, 9));
  const auto in_state = [&image](const std::byte* at) {
    for (const std::span<std::byte> range : image->writable()) {
      if (at >= range.data() && at < range.data() + range.size()) return true;
    }
    return false;
  };
  EXPECT_TRUE(image->contains(counter));
  EXPECT_TRUE(in_state(counter));
  EXPECT_TRUE(image->contains(table));
  EXPECT_FALSE(in_state(table)) << "constant after relocation";
  EXPECT_FALSE(image->contains(image->base() + image->bytes()));
  EXPECT_FALSE(image->contains(image->base() - 1));

  // Saving and restoring those ranges restores the driver: what a snapshot does.
  std::vector<std::vector<std::byte>> saved;
  for (const std::span<std::byte> range : image->writable()) saved.emplace_back(range.begin(), range.end());
  EXPECT_EQ(call(*image, 0), 41u);
  EXPECT_EQ(call(*image, 5, 8999), 1u);
  for (std::size_t index = 0; index < saved.size(); ++index) {
    std::memcpy(image->writable()[index].data(), saved[index].data(), saved[index].size());
  }
  EXPECT_EQ(call(*image, 0), 41u);
  EXPECT_EQ(call(*image, 5, 8999), 1u);
}

TEST_P(TwinTest, NamesTheFunctionThatCrashed) {
  const std::unique_ptr<Image> image = load(GetParam().file, "dump_plain");
  ASSERT_NE(image, nullptr);
  Result<std::unique_ptr<machine::FaultTrap>> trap =
      machine::FaultTrap::install(*gate_, {}, std::chrono::nanoseconds(0));
  ASSERT_TRUE(trap);
  const std::uint64_t arguments[] = {6, 0x10};
  EXPECT_FALSE(gate_->call(image->convention(), image->entry(), arguments).returned);
  const machine::FaultReport& report = (*trap)->last();
  const void* const where = reinterpret_cast<const void*>(report.return_addresses[0]);
  ASSERT_TRUE(image->contains(where));
  EXPECT_THAT(image->function_at(where), ::testing::StartsWith("crash_here"));
  EXPECT_THAT(image->describe(where), ::testing::MatchesRegex("dump_plain\\+0x[0-9a-f]+"));
  // A .sys keeps no chain of frames: its callers are found by its unwind information, which is not the loader's.
  if (image->path().extension() == ".so") {
    ASSERT_GE(report.return_address_count, 2u);
    EXPECT_THAT(image->function_at(reinterpret_cast<const void*>(report.return_addresses[1])),
                ::testing::StartsWith("DriverEntry"));
  }
  EXPECT_EQ(image->function_at(image->entry()), "DriverEntry");
  EXPECT_EQ(image->function_at(&report), "");
}

constexpr Twin twins[] = {
    {"loader_plain.so", Convention::system_v, 2},
    {"loader_plain-ms.so", Convention::microsoft, 3},
#ifdef DUMPSIM_SYS_mingw
    {"loader_plain-mingw.sys", Convention::microsoft, 3},
#endif
#ifdef DUMPSIM_SYS_clang
    {"loader_plain-clang.sys", Convention::microsoft, 3},
#endif
};
INSTANTIATE_TEST_SUITE_P(Each, TwinTest, ::testing::ValuesIn(twins), [](const auto& tested) {
  std::string name = tested.param.file;
  for (char& character : name) {
    if (std::isalnum(static_cast<unsigned char>(character)) == 0) character = '_';
  }
  return name;
});

TEST_F(ImageTest, CxxStaticsOfTwoCopiesAreTheirOwn) {
  const std::unique_ptr<Image> dump = load("statics.so", "dump_statics");
  const std::unique_ptr<Image> hibernation = load("statics.so", "hiber_statics");
  ASSERT_TRUE(dump && hibernation);
  for (const std::uint64_t command : {1u, 2u, 3u}) {
    EXPECT_EQ(call(*dump, command) & 0xffffffff, command * 10);
    EXPECT_EQ(call(*dump, command) & 0xffffffff, command * 10 + 1);
    EXPECT_EQ(call(*hibernation, command) & 0xffffffff, command * 10);
  }
  // The control: the fixture does have such symbols, or the test would prove nothing.
  std::vector<std::string> shown;
  for (const ElfExport& symbol : dynamic_cast<const ElfImage&>(*dump).facts().exports) shown.push_back(symbol.name);
  EXPECT_THAT(shown, ::testing::Contains("inline_variable"));
  EXPECT_THAT(shown, ::testing::Contains("_ZN6HolderIcE11of_templateE"));
}

TEST_F(ImageTest, TheConventionCanBeToldOtherwise) {
  const Result<std::unique_ptr<Image>> image =
      Image::load(fixtures / "only_linked.so", exports, {"dump_test", Convention::microsoft});
  ASSERT_TRUE(image);
  EXPECT_EQ((*image)->convention(), Convention::microsoft);
  EXPECT_EQ(load("only_linked.so")->convention(), Convention::system_v);
}

TEST_F(ImageTest, FindsAMangledDriverEntry) {
  const std::unique_ptr<Image> image = load("entry_mangled.so");
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(call(*image, 0, 0) & 0xffffffff, 61u);
  EXPECT_THAT(refusal("entry_two.so"), AllOf(HasSubstr("entry_two.so: has 2 functions named DriverEntry"),
                                             HasSubstr("_Z11DriverEntryi"), HasSubstr("expected one")));
  EXPECT_THAT(refusal("entry_none.so"), HasSubstr("entry_none.so: has no DriverEntry: expected a function"));
  EXPECT_THAT(refusal("entry_hidden.so"), HasSubstr("has no DriverEntry"));
}

TEST_F(ImageTest, ListsAllThatIsNotSimulated) {
  const std::string message = refusal("needs_missing.so");
  EXPECT_THAT(message, HasSubstr("needs_missing.so needs KeGetCurrentIrq, which dumpsim does not simulate; did you "
                                 "mean \"KeGetCurrentIrql\"?"));
  EXPECT_THAT(message, HasSubstr("needs FltGetVolumeName, which dumpsim does not simulate"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("SomethingOptional")));
  const std::unique_ptr<Image> weak = load("needs_weak.so");
  ASSERT_NE(weak, nullptr);
  EXPECT_EQ(call(*weak, 0), 71u);
}

TEST_F(ImageTest, WhatIsMissingCanBeTrappedInstead) {
  EXPECT_THAT(refusal("needs_missing.so"), HasSubstr("--trap-missing loads it all the same"));
  const auto image = Image::load(fixtures / "needs_missing.so", exports, {.instance = "dump_x", .trap_missing = true});
  ASSERT_TRUE(image) << image.error().message;
  auto trap = machine::FaultTrap::install(*gate_, {}, std::chrono::nanoseconds(0));
  ASSERT_TRUE(trap);
  EXPECT_FALSE(gate_->call((*image)->convention(), (*image)->entry(), {}).returned);
  const machine::FaultReport& fault = (*trap)->last();
  EXPECT_EQ(fault.access, machine::FaultAccess::execute);
  EXPECT_EQ((*image)->missing_import_at(reinterpret_cast<const void*>(fault.address)), "KeGetCurrentIrq");
  EXPECT_EQ((*image)->missing_import_at(image->get()), "");
  ASSERT_GE(fault.return_address_count, 2u);
  EXPECT_TRUE((*image)->contains(reinterpret_cast<const void*>(fault.return_addresses[1]))) << "the caller";
}

TEST_F(ImageTest, TakesNothingFromTheCLibrary) {
  EXPECT_THAT(
      refusal("needs_libc.so"),
      AllOf(HasSubstr("needs puts, which dumpsim does not simulate"),
            HasSubstr("links against libc.so.6, from which a driver can take nothing: link it with -nostdlib")));
  const std::unique_ptr<Image> linked = load("only_linked.so");
  ASSERT_NE(linked, nullptr);
  EXPECT_EQ(call(*linked, 0), 72u);
  EXPECT_THAT(linked->notes(), ::testing::Contains(HasSubstr("links against libc.so.6")));
}

TEST_F(ImageTest, RunsNoConstructorsAndSaysSo) {
  std::unique_ptr<Image> image = load("has_constructor.so");
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(call(*image, 0), 80u);
  EXPECT_THAT(image->notes(), ::testing::Contains(HasSubstr("has 1 static constructor, which Windows does not run")));
  image = nullptr;  // nor destructors: this one's would end the process
}

TEST_F(ImageTest, RefusesWhatADriverCannotHave) {
  EXPECT_THAT(refusal("has_tls.so"), HasSubstr("has_tls.so: uses thread-local storage"));
  EXPECT_THAT(refusal("has_ifunc.so"), HasSubstr("when it is loaded (ifunc, target_clones)"));
  EXPECT_THAT(refusal("both_libraries.so"), HasSubstr("linked with both libntoskrnl.so and libntoskrnl-ms.so"));
}

TEST_F(ImageTest, NamesTheFileThatIsNotThere) {
  EXPECT_THAT(refusal("no_such.so"), AllOf(HasSubstr("no_such.so"), HasSubstr("No such file")));
  EXPECT_THAT(refusal(""), HasSubstr("directory"));
  EXPECT_THAT(refusal("/proc/self/exe"), HasSubstr("a program, expected a shared library"));
}

// Whatever the facts accept must map, relocate and unmap without harm to the process: the same claim the fuzz target
// makes of the reader, made here of the system's loader behind it.
TEST_F(ImageTest, DamagedImagesAreRefusedOrHarmless) {
  std::ifstream file(fixtures / "loader_plain.so", std::ios::binary);
  const std::string pristine((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_GT(pristine.size(), 4096u);
  constexpr std::uint64_t seed = 20240611;
  RecordProperty("seed", std::to_string(seed));
  Random random(seed);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = pristine;
    // Headers and tables stand at both ends of the file; code in the middle is not what is tested.
    const std::uint64_t changes = 1 + random.below(4);
    for (std::uint64_t change = 0; change < changes; ++change) {
      const bool front = random.below(3) != 0;
      const std::uint64_t place = front ? random.below(0x900) : pristine.size() - 1 - random.below(0x1000);
      bytes[place] = random.below(2) == 0 ? static_cast<char>(random.below(256))
                                          : static_cast<char>(bytes[place] ^ (1 << random.below(8)));
    }
    if (random.below(10) == 0) bytes.resize(random.below(bytes.size()));
    Result<File> copy = File::in_memory("damaged");
    ASSERT_TRUE(copy);
    ASSERT_TRUE(copy->write_at(0, std::as_bytes(std::span(bytes))));
    const std::string name = "/proc/self/fd/" + std::to_string(copy->fd());
    const Result<std::unique_ptr<Image>> image = Image::load(name, exports, {"dump_damaged", {}});
    if (image) {
      accepted += 1;
      for (const std::span<std::byte> range : (*image)->writable()) EXPECT_TRUE((*image)->contains(range.data()));
    } else {
      refused += 1;
      EXPECT_THAT(image.error().message, HasSubstr(name));
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace dumpsim::loader
