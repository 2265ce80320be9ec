// SPDX-License-Identifier: Apache-2.0
// The next boot, and `dumpsim recover`: a dump taken off a disk raw or through the filters, with the layout beside the
// disk or without; what is no dump, and what must not be overwritten.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "disk/backends.hpp"
#include "disk/layout.hpp"
#include "dumpfile/compare.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/reader_plugin.hpp"
#include "engine/recover.hpp"
#include "engine/recover_disk.hpp"
#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Recovered;
using testing::AllOf;
using testing::HasSubstr;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A disk that a run left, with its scenario beside it.
class LeftDisk : public testing::Test {
 protected:
  void crash(std::string_view filter) {
    text_ =
        "[disk]\nbackend = \"raw\"\npath = \"disk.img\"\nsize = \"32 MiB\"\n[dump]\nfile = { size = \"2 MiB\", "
        "fragments = 6, seed = "
        "2 }\n[system.memory]\nsize = \"256 KiB\"\n";
    text_ += filter;
    std::ofstream(folder_ / "crash.toml") << text_;
    const Report report = run_of(scenario_of(text_, folder_ / "crash.toml"));
    ASSERT_EQ(report.outcome, scenario::Outcome::completed);
  }
  RecoverRequest request() { return {.disk = folder_ / "disk.img", .output = folder_ / "MEMORY.DMP"}; }
  std::string refusal(const RecoverRequest& request) {
    auto done = recover_disk(request, with_filters());
    return done ? std::string{} : done.error().message;
  }
  void expect_memory() {
    auto dump = dumpfile::DumpReader::open_file(folder_ / "MEMORY.DMP");
    ASSERT_TRUE(dump) << dump.error().message;
    const std::vector<dumpfile::PageRun> runs{{0, 64}};
    auto same = dumpfile::compare(*dump, *dumpfile::PageSet::of_runs(runs), *dumpfile::canary_source());
    ASSERT_TRUE(same);
    EXPECT_TRUE(same->identical()) << dumpfile::describe(*same);
  }
  ScratchFolder folder_;
  std::string text_;
};

constexpr std::string_view plain = "[[filter]]\nimage = \"passthrough\"\n";
constexpr std::string_view with_xor = "[[filter]]\nimage = \"xor\"\nparameters = { Key = 90 }\n";
constexpr std::string_view with_remap =
    "[[filter]]\nimage = \"remap\"\nredirects = true\nparameters = { Delta = 8388608 }\n[recover]\nvia = "
    "\"raw\"\nshift = \"8 MiB\"\n";

TEST_F(LeftDisk, IsRecoveredRaw) {
  crash(plain);
  auto done = recover_disk(request(), with_filters());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(*done, AllOf(HasSubstr("MEMORY.DMP"), HasSubstr("recovered raw")));
  expect_memory();
}

TEST_F(LeftDisk, IsRecoveredThroughTheFilters) {
  crash(with_xor);
  EXPECT_THAT(refusal(request()), AllOf(HasSubstr("no dump at disk offset 0x"), HasSubstr("--via filters SCENARIO")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "MEMORY.DMP"));
  RecoverRequest through = request();
  through.via_filters_of = folder_ / "crash.toml";
  auto done = recover_disk(through, with_filters());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(*done, HasSubstr("through the filters"));
  expect_memory();
}

TEST_F(LeftDisk, IsNotRecoveredThroughTheWrongFilters) {
  crash(with_xor);
  RecoverRequest through = request();
  through.via_filters_of = folder_ / "other.toml";
  std::ofstream(folder_ / "other.toml") << "[[filter]]\nimage = \"xor\"\nparameters = { Key = 91 }\n";
  EXPECT_THAT(refusal(through), HasSubstr("does not begin with a dump's header"));
  std::ofstream(folder_ / "other.toml") << "[[filter]]\nimage = \"remap\"\nparameters = { Delta = 512 }\n";
  EXPECT_THAT(refusal(through), HasSubstr("no filter has a read callback"));
  std::ofstream(folder_ / "other.toml") << "[[filter]]\nimage = \"nobody\"\n";
  EXPECT_THAT(refusal(through), HasSubstr("nobody"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "MEMORY.DMP"));
}

TEST_F(LeftDisk, ShiftIsPartOfTheLayout) {
  crash(with_remap);
  ASSERT_TRUE(recover_disk(request(), with_filters()));
  expect_memory();
  RecoverRequest wrong = request();
  wrong.shift = 4096;
  wrong.replace = true;
  EXPECT_THAT(refusal(wrong), HasSubstr("no dump at disk offset"));
}

TEST_F(LeftDisk, WithoutALayoutItMustBeSaid) {
  crash(plain);
  auto layout = disk::read_layout(folder_ / "disk.img");
  ASSERT_TRUE(layout);
  std::filesystem::remove(disk::layout_path(folder_ / "disk.img"));
  EXPECT_THAT(refusal(request()), AllOf(HasSubstr("has no layout beside it"), HasSubstr("--extent OFFSET:LENGTH")));
  RecoverRequest told = request();
  told.extents = layout->dump_file;
  ASSERT_TRUE(recover_disk(told, with_filters())) << "the partition table says where the only partition is";
  expect_memory();
  told.replace = true;
  told.partition_offset = layout->partition_start.bytes;
  told.partition_size = layout->partition_size;
  EXPECT_TRUE(recover_disk(told, with_filters()));
  told.partition_offset = layout->partition_start.bytes + 4096;
  EXPECT_NE(refusal(told), "");
}

TEST_F(LeftDisk, ExtentsThatAreNoneAreRefused) {
  crash(plain);
  std::filesystem::remove(disk::layout_path(folder_ / "disk.img"));
  RecoverRequest told = request();
  for (const disk::Extent& wrong :
       {disk::Extent{PartitionOffset{0}, 0}, disk::Extent{PartitionOffset{100}, 4096},
        disk::Extent{PartitionOffset{UINT64_MAX - 511}, 4096}, disk::Extent{PartitionOffset{0}, UINT64_MAX - 511}}) {
    told.extents = {wrong};
    EXPECT_NE(refusal(told), "");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "MEMORY.DMP"));
}

TEST_F(LeftDisk, TheOutputIsNotOverwrittenUnasked) {
  crash(plain);
  std::ofstream(folder_ / "MEMORY.DMP") << "precious";
  EXPECT_THAT(refusal(request()), HasSubstr("MEMORY.DMP"));
  EXPECT_EQ(content(folder_ / "MEMORY.DMP"), "precious");
  RecoverRequest replacing = request();
  replacing.replace = true;
  EXPECT_TRUE(recover_disk(replacing, with_filters()));
  expect_memory();
}

TEST_F(LeftDisk, IsNotChangedByRecovering) {
  crash(with_xor);
  const std::string before = content(folder_ / "disk.img");
  RecoverRequest through = request();
  through.via_filters_of = folder_ / "crash.toml";
  ASSERT_TRUE(recover_disk(through, with_filters()));
  EXPECT_TRUE(content(folder_ / "disk.img") == before);
}

TEST_F(LeftDisk, ADiskThatIsNotThereIsNamed) {
  RecoverRequest missing = request();
  missing.disk = folder_ / "nothing.img";
  missing.extents = {{PartitionOffset{0}, 4096}};
  EXPECT_THAT(refusal(missing), HasSubstr("nothing.img"));
}

TEST_F(LeftDisk, AGarbledLayoutIsNamed) {
  crash(plain);
  for (const std::string_view text : {"", "{", "[]", "{\"sector_size\": -1}", "nonsense"}) {
    std::ofstream(disk::layout_path(folder_ / "disk.img")) << text;
    EXPECT_NE(refusal(request()), "") << text;
  }
}

// A wild pointer of its drivers must find nothing of the run that is judged.
TEST(NextBootTest, GivesUpWhatItsChildSharesWithTheParent) {
  const scenario::Scenario scenario = scenario_of("[[filter]]\nimage = \"passthrough\"\n");
  auto planned = plan(scenario);
  auto images = find_images(scenario, with_filters());
  auto disk = disk::make_disk("memory", {.size = scenario.disk.size});
  auto evidence = Mapping::shared(page_size);
  ASSERT_TRUE(planned && images && disk && evidence);
  auto memory = machine::PhysicalMemory::create(planned->ram, planned->source, {});
  ASSERT_TRUE(memory);
  machine::Machine machine{.memory = *std::move(memory)};
  auto gone = Mapping::shared(page_size);
  ASSERT_TRUE(gone);
  auto& counter = *reinterpret_cast<std::uint64_t*>(gone->begin());
  const NextBoot boot{scenario, *planned, *images, machine, **disk, [&] {
                        *evidence = {};
                        ++counter;
                      }};
  const std::byte untouched = evidence->bytes()[0];
  ASSERT_TRUE(bytes_through_filters(boot, planned->dump_file, {}, {}));
  EXPECT_EQ(counter, 1u);
  ASSERT_TRUE(bytes_through_volume(boot, planned->dump_file, {}, {}));
  EXPECT_EQ(counter, 2u);
  ASSERT_TRUE(bytes_through_reader("no-such-reader.so", **disk, planned->partition_start, planned->partition_size,
                                   planned->dump_file, stuck_seconds(scenario), boot.give_up_shared));
  EXPECT_EQ(counter, 3u) << "a reader's too, before it is loaded";
  EXPECT_EQ(evidence->bytes()[0], untouched) << "the parent keeps it";
}

TEST(Recovery, ViaNoneIsNotTried) {
  EXPECT_EQ(run_of("[recover]\nvia = \"none\"\n[[filter]]\nimage = \"passthrough\"\n").recovered, Recovered::not_tried);
  EXPECT_EQ(run_of("timeline = [\"boot\", \"crash\"]\n[[filter]]\nimage = \"passthrough\"\n").recovered,
            Recovered::not_tried);
  EXPECT_EQ(run_of("[disk]\nbackend = \"null\"\n[[filter]]\nimage = \"passthrough\"\n").recovered,
            Recovered::not_tried);
}

TEST(Recovery, ViaFiltersIsPossibleForClearDumpsToo) {
  const Report report = run_of("[recover]\nvia = \"filters\"\n[[filter]]\nimage = \"passthrough\"\n");
  EXPECT_EQ(report.recovered, Recovered::identical);
  EXPECT_THAT(report.recovered_detail, HasSubstr("through the filters"));
}

TEST(Recovery, RawOfAnEncryptedDiskIsUnreadable) {
  const Report report = run_of(std::string("[recover]\nvia = \"raw\"\n") + std::string(with_xor) +
                               "[expect]\nrecovered = \"unreadable\"\n");
  EXPECT_EQ(report.recovered, Recovered::unreadable);
  EXPECT_TRUE(report.as_expected());
}

}  // namespace
}  // namespace dumpsim::engine
