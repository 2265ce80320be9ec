// SPDX-License-Identifier: Apache-2.0
// Dumps read through the volume's drivers, and the oracle that sets that reading beside DumpRead's and memory.
#include "engine/volume_path.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "dumpfile/dump_layout.hpp"
#include "engine/recover_disk.hpp"
#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Recovered;
using testing::AllOf;
using testing::HasSubstr;

RunOptions with_volume_drivers() {
  RunOptions options = with_filters();
  options.filter_path.emplace_back(DUMPSIM_VOLUME_DRIVERS);
  return options;
}

// ---- the oracle on two readings ----

class Oracle : public testing::Test {
 protected:
  Oracle() {
    dumpfile::DumpRequest request;
    request.memory = {{0, 16}};
    auto layout = dumpfile::DumpLayout::plan(std::move(request));
    if (!layout) throw std::runtime_error(layout.error().message);
    bytes_.resize(layout->size());
    layout->fill(0, bytes_, *memory_);
    first_page_ = layout->first_page_offset();
    const std::uint64_t half = bytes_.size() / 2 / 4096 * 4096;
    auto file = disk::ExtentMap::make(
        "dump file", {{PartitionOffset{1 << 20}, half}, {PartitionOffset{64 << 20}, bytes_.size() - half}}, 128 << 20,
        512);
    if (!file) throw std::runtime_error(file.error().message);
    file_ = std::move(*file);
  }
  static ReadBack reading(std::vector<std::byte> bytes) { return {dumpfile::memory_bytes("x", std::move(bytes)), {}}; }
  VolumePath compare(const ReadBack& volume, const ReadBack& filters) {
    auto compared = compare_volume_path(volume, filters, file_, *memory_, 512);
    if (!compared) throw std::runtime_error(compared.error().message);
    return *compared;
  }
  std::unique_ptr<dumpfile::MemorySource> memory_ = dumpfile::canary_source();
  std::vector<std::byte> bytes_;
  std::uint64_t first_page_ = 0;
  disk::ExtentMap file_;
};

TEST_F(Oracle, SaysIdentical) {
  const VolumePath both = compare(reading(bytes_), reading(bytes_));
  EXPECT_EQ(both.found, Recovered::identical);
  EXPECT_THAT(both.detail, HasSubstr("as DumpRead gives them back and memory held them"));
  const VolumePath alone = compare(reading(bytes_), {nullptr, "no filter reads"});
  EXPECT_EQ(alone.found, Recovered::identical);
  EXPECT_THAT(alone.detail, HasSubstr("128 sectors, as memory held them"));
}

TEST_F(Oracle, NamesThePlaceAndWhoIsRight) {
  std::vector<std::byte> spoilt = bytes_;
  const std::uint64_t at = first_page_ + 14 * page_size + 512;
  spoilt[at] ^= std::byte{1};
  const std::uint64_t on_partition = file_.piece(at, 1).at.bytes;
  const VolumePath volume = compare(reading(spoilt), reading(bytes_));
  EXPECT_EQ(volume.found, Recovered::different);
  EXPECT_THAT(volume.detail, AllOf(HasSubstr(fmt::format("1 of {} sectors, the first at partition offset {:#x}",
                                                         bytes_.size() / 512, on_partition)),
                                   HasSubstr(fmt::format("file offset {:#x}, sector 1 of pfn 0xe", at)),
                                   HasSubstr("DumpRead gives back what memory held, the volume does not")));
  EXPECT_THAT(compare(reading(bytes_), reading(spoilt)).detail,
              HasSubstr("the volume gives back what memory held, DumpRead does not"));
  EXPECT_THAT(compare(reading(spoilt), {nullptr, "none"}).detail, HasSubstr("something else than memory held"));
  const VolumePath alike = compare(reading(spoilt), reading(spoilt));
  EXPECT_EQ(alike.found, Recovered::different);
  EXPECT_THAT(alike.detail, HasSubstr("agree, but 1 of"));
}

TEST_F(Oracle, SaysWhatItCannotRead) {
  const VolumePath nothing = compare({nullptr, "IRP_MJ_READ failed"}, reading(bytes_));
  EXPECT_EQ(nothing.found, Recovered::unreadable);
  EXPECT_EQ(nothing.detail, "IRP_MJ_READ failed");
  std::vector<std::byte> noise(bytes_.size(), std::byte{0x11});
  EXPECT_THAT(compare(reading(noise), reading(bytes_)).detail,
              HasSubstr("what DumpRead gives back is a dump, what the volume gives back is none"));
  EXPECT_THAT(compare(reading(bytes_), reading(noise)).detail, HasSubstr("what DumpRead gives back is none"));
  EXPECT_THAT(compare(reading(noise), {nullptr, "no filter has a read callback"}).detail,
              AllOf(HasSubstr("is no dump"), HasSubstr("no filter has a read callback")));
}

// ---- through a volume's drivers ----

std::string crash_on(const std::string& driver, const std::string& more = {}) {
  return "[system.memory]\nsize = \"256 KiB\"\n[dump]\nfile = { size = \"2 MiB\", fragments = 5, seed = 2 }\n"
         "[[driver]]\nimage = \"" +
         driver + "\"\nname = \"volume_cipher\"\nattach = \"volume\"\nparameters = { Key = 9 }\n" + more;
}
constexpr const char* cipher_filter = "[[filter]]\nimage = \"volume_cipher_filter\"\n";

TEST(VolumeRecovery, WithoutDriversIsTheRawReading) {
  const Report report = run_of("[recover]\nvia = \"volume\"\n[expect]\nvolume_path = \"identical\"\n");
  EXPECT_EQ(report.recovered, Recovered::identical) << report.recovered_detail;
  EXPECT_THAT(report.recovered_detail, HasSubstr("through the volume"));
  EXPECT_EQ(report.volume_path, Recovered::identical) << report.volume_path_detail;
  EXPECT_TRUE(report.as_expected());
}

TEST(VolumeRecovery, GoesThroughTheDriverOnTheVolume) {
  const Report report =
      run_of(scenario_of(crash_on("volume_cipher", std::string(cipher_filter) +
                                                       "[recover]\nvia = \"volume\"\n[expect]\nvolume_path = "
                                                       "\"identical\"\n")),
             with_volume_drivers());
  EXPECT_EQ(report.recovered, Recovered::identical) << report.recovered_detail;
  EXPECT_EQ(report.volume_path, Recovered::identical) << report.volume_path_detail;
}

struct Wrong {
  const char* driver;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
  return out << wrong.said;
}
class WrongVolumeDriver : public testing::TestWithParam<Wrong> {};

TEST_P(WrongVolumeDriver, LeavesTheVolumeUnreadable) {
  const Report report = run_of(
      scenario_of(crash_on(GetParam().driver, "[recover]\nvia = \"volume\"\n[expect]\nvolume_path = \"unreadable\"\n")),
      with_volume_drivers());
  EXPECT_EQ(report.outcome, scenario::Outcome::completed) << "the crash was written all the same";
  EXPECT_EQ(report.recovered, Recovered::unreadable);
  EXPECT_THAT(report.recovered_detail, HasSubstr(GetParam().said));
  EXPECT_EQ(report.volume_path, Recovered::unreadable);
}
INSTANTIATE_TEST_SUITE_P(Drivers, WrongVolumeDriver,
                         testing::Values(Wrong{"volume_fails", "came back with STATUS_DEVICE_NOT_READY"},
                                         Wrong{"volume_short", "but with 512 bytes"},
                                         Wrong{"volume_never", "nobody has completed it"},
                                         Wrong{"volume_never_busy", "nobody has completed it"},
                                         Wrong{"volume_crashes", "crashed"},
                                         Wrong{"volume_bugchecks", "KeBugCheckEx(0x0000e0f8)"}),
                         [](const auto& test) { return std::string(test.param.driver); });

TEST(VolumeRecovery, TakesTheDumpOffADisk) {
  ScratchFolder folder;
  const std::string text =
      crash_on("volume_cipher", std::string(cipher_filter) + "[disk]\nbackend = \"raw\"\npath = \"disk.img\"\n");
  std::ofstream(folder / "crash.toml") << text;
  run_of(scenario_of(text, folder / "crash.toml"), with_volume_drivers());
  RecoverRequest request{
      .disk = folder / "disk.img", .output = folder / "MEMORY.DMP", .via_volume_of = folder / "crash.toml"};
  auto done = recover_disk(request, with_volume_drivers());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(*done, HasSubstr("recovered through the volume"));
  std::ofstream(folder / "fails.toml") << crash_on("volume_fails");
  request.via_volume_of = folder / "fails.toml";
  request.output = folder / "other.dmp";
  auto refused = recover_disk(request, with_volume_drivers());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("disk.img: IRP_MJ_READ of 8192 bytes at partition offset 0x"),
                                             HasSubstr("STATUS_DEVICE_NOT_READY")));
  EXPECT_FALSE(std::filesystem::exists(request.output));
}

}  // namespace
}  // namespace dumpsim::engine
