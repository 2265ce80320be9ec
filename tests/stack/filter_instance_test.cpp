// SPDX-License-Identifier: Apache-2.0
// The two structures a filter is given: their sizes by version, one right behind the other, and what notices a filter
// that writes past the host's idea of them.
#include "stack/filter_instance.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "kernel/exports.hpp"
#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

std::unique_ptr<FilterInstance> make(World& world, std::size_t init_size, std::size_t extension_size) {
  std::vector<std::string_view> names;
  std::vector<const void*> system_v, microsoft;
  for (const kernel::Export& row : kernel::all_exports()) {
    names.push_back(row.name);
    system_v.push_back(row.system_v);
    microsoft.push_back(row.microsoft);
  }
  auto image = loader::Image::load(World::fixture("plain"), {names, system_v, microsoft}, {.instance = "dump_plain"});
  if (!image) throw std::runtime_error(image.error().message);
  return std::make_unique<FilterInstance>(std::move(*image), FilterSpec{}, std::uint16_t{0}, init_size, extension_size,
                                          world.memory());
}

struct Sizes {
  std::size_t init, extension;
};

class Layout : public testing::TestWithParam<Sizes> {};

INSTANTIATE_TEST_SUITE_P(AllSizes, Layout,
                         testing::Values(Sizes{56, 80}, Sizes{56, 88}, Sizes{64, 80}, Sizes{64, 88}, Sizes{72, 80},
                                         Sizes{72, 88}),
                         [](const auto& each) {
                           return std::to_string(each.param.init) + "And" + std::to_string(each.param.extension);
                         });

TEST_P(Layout, TheExtensionLiesRightBehindTheInitialisationData) {
  World world;
  const auto filter = make(world, GetParam().init, GetParam().extension);
  auto* init = reinterpret_cast<std::byte*>(filter->init());
  auto* extension = reinterpret_cast<std::byte*>(filter->extension());
  EXPECT_EQ(extension - init, static_cast<std::ptrdiff_t>(GetParam().init));
  EXPECT_EQ(filter->init_size(), GetParam().init);
  EXPECT_EQ(filter->extension_size(), GetParam().extension);
  for (std::byte* byte = init; byte < extension + GetParam().extension; ++byte) EXPECT_EQ(*byte, std::byte{0});
  EXPECT_NE(extension[GetParam().extension], std::byte{0}) << "the guard behind is no zero that a filter could miss";
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(init) % 8, 0u);
  EXPECT_EQ(world.memory().region_of(init), machine::PhysicalMemory::Region::arena);
  // A runaway write behind the guard meets a page that is not there.
  std::byte* page_end = extension + (page_size - reinterpret_cast<std::uintptr_t>(extension) % page_size);
  EXPECT_TRUE(world.memory().is_readable(page_end - 1));
  EXPECT_FALSE(world.memory().is_readable(page_end));
}

TEST_P(Layout, FieldsBeyondTheHostsStructureAreAbsent) {
  World world;
  const auto filter = make(world, GetParam().init, GetParam().extension);
  auto* init = filter->init();
  const auto address = [](std::uintptr_t value) { return reinterpret_cast<void*>(value); };
  std::memset(reinterpret_cast<std::byte*>(init), 0x11, GetParam().init);
  // What would be DumpRead of a longer structure is the extension's first field here.
  filter->extension()->DumpType = DumpTypeCrashdump;
  EXPECT_EQ(filter->callback(trace::Callback::start), address(0x1111111111111111));
  EXPECT_EQ(filter->callback(trace::Callback::write), address(0x1111111111111111));
  EXPECT_EQ(filter->callback(trace::Callback::finish), address(0x1111111111111111));
  EXPECT_EQ(filter->callback(trace::Callback::unload), address(0x1111111111111111));
  EXPECT_EQ(filter->callback(trace::Callback::read), GetParam().init >= 64 ? address(0x1111111111111111) : nullptr);
  EXPECT_EQ(filter->callback(trace::Callback::driver_entry), filter->image().entry());
  EXPECT_EQ(filter->callback(trace::Callback::none), nullptr);
}

TEST_P(Layout, AWritePastTheInitialisationDataIsNoticed) {
  World world;
  const auto filter = make(world, GetParam().init, GetParam().extension);
  filter->extension()->DumpType = DumpTypeCrashdump;
  filter->extension()->DeviceObject = reinterpret_cast<PDEVICE_OBJECT>(0x2000000012340000);
  filter->arm_guard();
  EXPECT_EQ(filter->written_past_init(), 0u);
  EXPECT_EQ(filter->written_past_extension(), 0u);
  std::memset(reinterpret_cast<std::byte*>(filter->init()), 0, GetParam().init);
  EXPECT_EQ(filter->written_past_init(), 0u) << "the control: its own structure is the filter's to write";
  std::memset(reinterpret_cast<std::byte*>(filter->init()), 0, GetParam().init + 8);
  EXPECT_GE(filter->written_past_init(), 1u);
  EXPECT_LE(filter->written_past_init(), 8u);
  std::memset(reinterpret_cast<std::byte*>(filter->init()), 0, GetParam().init + 16);
  EXPECT_EQ(filter->written_past_init(), 16u);
}

TEST_P(Layout, ItsOwnExtensionIsTheFiltersToWrite) {
  World world;
  const auto filter = make(world, GetParam().init, GetParam().extension);
  filter->extension()->DumpType = DumpTypeCrashdump;
  filter->arm_guard();
  filter->extension()->DumpData = &world;
  filter->extension()->DiskSize.QuadPart = 1;
  EXPECT_EQ(filter->written_past_init(), 0u);
  EXPECT_EQ(filter->written_past_extension(), 0u);
  auto* behind = reinterpret_cast<std::byte*>(filter->extension()) + GetParam().extension;
  behind[0] ^= std::byte{1};
  behind[100] ^= std::byte{1};
  EXPECT_EQ(filter->written_past_extension(), 2u);
  EXPECT_EQ(filter->written_past_init(), 0u);
}

TEST(FilterInstance, GivesItsPageBack) {
  World world;
  const std::size_t before = world.memory().allocated_pages();
  auto filter = make(world, 72, 88);
  EXPECT_EQ(world.memory().allocated_pages(), before + 1);
  filter.reset();
  EXPECT_EQ(world.memory().allocated_pages(), before);
}

TEST(FilterInstance, TellsOfAnAbsentCallbackOnce) {
  World world;
  const auto filter = make(world, 72, 88);
  EXPECT_FALSE(filter->absence_reported(trace::Callback::start));
  EXPECT_TRUE(filter->absence_reported(trace::Callback::start));
  EXPECT_FALSE(filter->absence_reported(trace::Callback::write));
}

}  // namespace
}  // namespace dumpsim::stack
