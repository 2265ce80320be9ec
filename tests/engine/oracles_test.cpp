// SPDX-License-Identifier: Apache-2.0
// The oracles of [verify], `protects` and `secrets`: each is silent where it should be, and red where it must be, with
// the place in its words. The filters that break one rule each are in tests/bad_filters.
#include "engine/oracles.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "disk/memory_disk.hpp"
#include "engine/dump_places.hpp"
#include "engine/reference.hpp"
#include "engine/round_trip.hpp"
#include "engine/write_history.hpp"
#include "engine_fixture.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using trace::Rule;

std::vector<std::string> details_of(const Report& report, Rule rule) {
  std::vector<std::string> details;
  for (const Finding& finding : report.findings) {
    if (finding.rule == rule) details.push_back(finding.detail);
  }
  return details;
}

/// For texts that have the word "memory" in them, which the fixture takes for a size.
constexpr const char* small_memory = "[system.memory]\nsize = \"256 KiB\"\n";
constexpr const char* passthrough = "[[filter]]\nimage = \"passthrough\"\n";
constexpr const char* xor_filter = "[[filter]]\nimage = \"xor\"\nparameters = { Key = 0xa5 }\n";

// ---- what is protected in part ----

TEST(WriteAfterFinish, MayGoAsItIsWhereNothingIsPromised) {
  const auto found = [](const std::string& protects) {
    return details_of(
        run_of("[[filter]]\nimage = \"lifecycle_write_after_finish_without_keys\"\n" + protects + small_memory),
        Rule::lifecycle_write_after_finish_without_keys);
  };
  // The dump file begins at 0xb000 of the partition; the log lies behind it.
  EXPECT_THAT(found(""), SizeIs(1));
  EXPECT_THAT(found("protects = true\n"), SizeIs(1));
  EXPECT_THAT(found("protects = [{ offset = 0, size = \"2 MiB\" }]\n"), SizeIs(1));
  EXPECT_THAT(found("protects = [{ offset = 0xb000, size = 0x60000 }]\n"), IsEmpty());
}

// ---- memory in clear ----

TEST(ReadableSectors, ArePlacedInEveryWay) {
  const Report report = run_of(std::string(passthrough) + "protects = true\n");
  EXPECT_FALSE(report.as_expected());
  const auto details = details_of(report, Rule::data_readable_sector);
  ASSERT_THAT(details, SizeIs(1));
  // 64 pages of 8 sectors. The dump file begins behind header and bitmap.
  EXPECT_THAT(details[0], AllOf(HasSubstr("512 sectors of memory"), HasSubstr("disk offset 0x"),
                                HasSubstr("(dump file offset 0x3000, page data) holds sector 0 of pfn 0x0"),
                                HasSubstr("put there by write 3 (callback ")));
  EXPECT_EQ(report.findings[0].filter, "dump_passthrough");
  EXPECT_EQ(view_of(report).violations(Rule::data_readable_sector), 1u);
  EXPECT_EQ(view_of(report).outcome(), "completed") << "what is found stands before the end";
}

TEST(ReadableSectors, AreOfNoInterestWithoutAPromise) {
  EXPECT_THAT(run_of(passthrough).findings, IsEmpty());
  EXPECT_THAT(run_of(std::string(passthrough) + "protects = false\n").findings, IsEmpty());
}

TEST(ReadableSectors, CanBeSwitchedOff) {
  const Report report =
      run_of(std::string(passthrough) + "protects = true\n[rules]\n\"data.readable-sector\" = \"off\"\n");
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.as_expected());
}

TEST(ReadableSectors, AreToldWholeThoughTheTraceIsFull) {
  const std::string text = std::string(passthrough) + "protects = true\n";
  const Report report = run_of(text + "[policy]\nmax_pages_per_write = 1\n[trace]\nfold = false\nlimit = \"64 KiB\"\n");
  ASSERT_GT(view_of(report).dropped(), 0u) << "the test needs a trace that is full";
  ASSERT_THAT(report.findings, SizeIs(1));
  EXPECT_EQ(report.findings[0].filter, "dump_passthrough");
  EXPECT_EQ(report.findings[0].callback, trace::Callback::write);
  EXPECT_THAT(report.findings[0].detail, AllOf(HasSubstr("512 sectors of memory"), HasSubstr("disk offset 0x")));
  EXPECT_THAT(report.mismatches, ElementsAre(HasSubstr("data.readable-sector by dump_passthrough in DumpWrite")));
}

TEST(ReadableSectors, AreLookedForInThePartsThatAreProtected) {
  // The file begins at 1 MiB of the partition; pages at 12 KiB of it. Eight sectors are a page.
  const std::string dump = "[dump]\nfile = { size = \"2 MiB\", offset = \"1 MiB\" }\n";
  const auto of = [&](std::uint64_t offset, std::uint64_t size) {
    return details_of(
        run_of(fmt::format("{}{}protects = [{{ offset = {}, size = {} }}]\n", dump, passthrough, offset, size)),
        Rule::data_readable_sector);
  };
  const std::uint64_t first = (std::uint64_t{1} << 20) + 0x3000;
  EXPECT_THAT(of(first - 512, 512), IsEmpty());
  EXPECT_THAT(of(first - 512, 1024), ElementsAre(HasSubstr("1 sector of memory")));
  EXPECT_THAT(of(first + 512, 7 * 512), ElementsAre(AllOf(HasSubstr("7 sectors"), HasSubstr("sector 1 of pfn 0x0"))));
  EXPECT_THAT(of(first + 64 * page_size - 512, 4096), ElementsAre(HasSubstr("sector 7 of pfn 0x3f")));
  EXPECT_THAT(of(first + 64 * page_size, 4096), IsEmpty());
}

TEST(ReadableSectors, AreAccountedToWhoPromised) {
  const Report report =
      run_of("[[filter]]\nimage = \"passthrough\"\nname = \"one\"\n" + std::string(passthrough) + "protects = true\n");
  ASSERT_THAT(report.findings, SizeIs(1));
  EXPECT_EQ(report.findings[0].filter, "dump_passthrough");
}

TEST(ReadableSectors, AreToldWithoutTagsToo) {
  const std::string memory = "[system.memory]\nsize = \"256 KiB\"\nfill = \"random\"\nseed = 3\n";
  EXPECT_THAT(details_of(run_of(memory + passthrough + "protects = true\n"), Rule::data_readable_sector),
              ElementsAre(AllOf(HasSubstr("512 sectors"), HasSubstr("sector 0 of pfn 0x0"))));
  const Report protects = run_of(memory + xor_filter + "protects = true\n");
  EXPECT_THAT(protects.findings, IsEmpty());
  EXPECT_THAT(protects.verified, ElementsAre(HasSubstr("no sector of memory lies readable")));
}

TEST(ReadableSectors, OfHibernationAreTheOtherInstances) {
  const Report report = run_of("timeline = [\"boot\", \"hibernate\", \"resume\"]\n" + std::string(passthrough) +
                               "protects = true\n[verify]\nreadable = \"every-write\"\n");
  ASSERT_THAT(report.findings, SizeIs(1));
  EXPECT_EQ(report.findings[0].filter, "hiber_passthrough");
  EXPECT_THAT(report.findings[0].detail, HasSubstr("hibernation file offset 0x1000"));
}

TEST(ReadableSectors, SeenAfterAWriteAndInTheEndAreTheSame) {
  for (const char* fold : {"true", "false"}) {
    const std::string text = fmt::format("{}protects = true\n[trace]\nfold = {}\n", passthrough, fold);
    const auto last = details_of(run_of(text), Rule::data_readable_sector);
    const auto early = details_of(run_of(text + "[verify]\nreadable = \"every-write\"\n"), Rule::data_readable_sector);
    ASSERT_THAT(last, SizeIs(1));
    ASSERT_THAT(early, SizeIs(1));
    EXPECT_THAT(early[0], HasSubstr("after write 3 (callback ")) << "the number that the trace gives it";
    EXPECT_THAT(early[0], HasSubstr("512 in the end"));
    const auto callback = [](const std::string& detail) {
      const std::size_t at = detail.find("(callback ");
      return detail.substr(at, detail.find(')', at) - at);
    };
    EXPECT_EQ(callback(early[0]), callback(last[0]));
  }
}

/// A disk whose writes say one thing and do another.
class Liar final : public disk::BlockDevice {
 public:
  explicit Liar(disk::BlockDevice& below) : below_(below) {}
  std::uint64_t size() const override { return below_.size(); }
  std::uint32_t sector_size() const override { return below_.sector_size(); }
  disk::IoStatus read(DiskOffset at, std::span<std::byte> into) override {
    return reads ? below_.read(at, into) : disk::IoStatus::failed;
  }
  disk::IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override {
    if (writes) static_cast<void>(below_.write(at, bytes));
    return says;
  }
  disk::IoStatus flush() override { return disk::IoStatus::ok; }
  bool reads = true;
  bool writes = true;
  disk::IoStatus says = disk::IoStatus::ok;

 private:
  disk::BlockDevice& below_;
};

class Watched : public testing::Test {
 protected:
  Watched() {
    auto made = disk::MemoryDisk::make({.size = std::uint64_t{8} << 20});
    if (!made) throw std::runtime_error(made.error().message);
    memory_disk_ = std::move(*made);
    plan_.partition_start = {std::uint64_t{1} << 20};
    plan_.partition_size = std::uint64_t{4} << 20;
    promises_ = {{0, {{std::uint64_t{1} << 20, std::uint64_t{5} << 20}}}};
    scenario_.system.memory.runs = {{0, 16}};
    rows_.resize(Sightings::bytes_for(1) / 8 + 1);
    sightings_ = Sightings::in(std::as_writable_bytes(std::span(rows_)), 1);
    page_.resize(page_size);
    source_->read_pages(5, 1, page_.data());
  }
  void write(disk::BlockDevice& below, std::uint64_t at, std::span<const std::byte> bytes) {
    auto finder = SectorFinder::make(scenario_, plan_, *source_);
    if (!finder) throw std::runtime_error(finder.error().message);
    DiskWatch watch(below, promises_, plan_, **finder, sightings_, recorder_);
    static_cast<void>(watch.write({at}, bytes));
  }

  std::vector<std::byte> trace_ = std::vector<std::byte>(std::size_t{4} << 20);
  std::uint64_t now_ = 0;
  trace::Recorder recorder_{aligned(), &now_, {}};
  std::unique_ptr<disk::BlockDevice> memory_disk_;
  Plan plan_;
  std::vector<Promise> promises_;
  scenario::Scenario scenario_;
  std::unique_ptr<dumpfile::MemorySource> source_ = dumpfile::canary_source();
  std::vector<std::uint64_t> rows_;
  Sightings sightings_;
  std::vector<std::byte> page_;
  std::span<std::byte> aligned() {
    const auto at = reinterpret_cast<std::uintptr_t>(trace_.data());
    return std::span(trace_).subspan((64 - at % 64) % 64);
  }
};

TEST_F(Watched, AFailedWriteIsNotTakenForAbsence) {
  Liar disk(*memory_disk_);
  disk.says = disk::IoStatus::failed;
  write(disk, std::uint64_t{2} << 20, page_);
  EXPECT_EQ(sightings_.rows[0].count, 8u);
  EXPECT_EQ(sightings_.rows[0].failed, 1u);
  EXPECT_EQ(sightings_.rows[0].write, 1u);
  EXPECT_EQ(sightings_.rows[0].pfn, 5u);
}

TEST_F(Watched, ASuccessfulWriteIsNotTakenForPresence) {
  Liar disk(*memory_disk_);
  disk.writes = false;
  write(disk, std::uint64_t{2} << 20, page_);
  EXPECT_EQ(sightings_.rows[0].count, 0u);
}

TEST_F(Watched, WhatCannotBeReadIsCounted) {
  Liar disk(*memory_disk_);
  disk.reads = false;
  write(disk, std::uint64_t{2} << 20, page_);
  EXPECT_EQ(sightings_.rows[0].count, 0u);
  EXPECT_EQ(*sightings_.unread, 1u);
}

TEST_F(Watched, WhatCouldNotBeReadIsNotSaidToBeClean) {
  auto finder = SectorFinder::make(scenario_, plan_, *source_);
  auto view = trace::TraceView::open(aligned());
  auto ram = machine::PhysicalMemory::create(scenario_.system.memory.runs, dumpfile::canary_source(), {});
  ASSERT_TRUE(finder && view && ram);
  machine::Machine machine{.memory = *std::move(ram)};
  const stack::Totals totals{};
  const File no_file;
  const Images no_images;
  const NextBoot next{scenario_, plan_, no_images, machine, *memory_disk_};
  const auto answers = [&] {
    return ask_oracles({next, totals, *view, *source_, {}, no_file, {}, promises_, finder->get(), sightings_, {}});
  };
  const auto good = answers();
  ASSERT_TRUE(good.has_value());
  EXPECT_THAT(good->told, ElementsAre(HasSubstr("no sector of memory lies readable")));
  EXPECT_THAT(good->not_judged, IsEmpty());
  *sightings_.unread = 3;
  const auto unread = answers();
  ASSERT_TRUE(unread.has_value());
  EXPECT_THAT(unread->told, IsEmpty());
  EXPECT_THAT(unread->not_judged,
              ElementsAre(HasSubstr("verify.readable: not judged: the disk could not be read after 3")));
}

TEST_F(Watched, OnlyWhatAWriteTouchedIsLookedAt) {
  ASSERT_EQ(memory_disk_->write({std::uint64_t{2} << 20}, page_), disk::IoStatus::ok);
  const std::vector<std::byte> zeros(page_size);
  write(*memory_disk_, (std::uint64_t{2} << 20) + page_size, zeros);
  EXPECT_EQ(sightings_.rows[0].count, 0u);
  write(*memory_disk_, std::uint64_t{6} << 20, page_);
  EXPECT_EQ(sightings_.rows[0].count, 0u) << "that is not protected";
}

TEST_F(Watched, ATagAcrossTwoWritesIsFoundWithTheSecond) {
  scenario_.verify.anywhere = true;
  std::vector<std::byte> moved(2 * page_size);
  std::copy(page_.begin(), page_.end(), moved.begin() + 500);  // the first tag from byte 500 to 523
  const std::uint64_t at = std::uint64_t{2} << 20;
  write(*memory_disk_, at, std::span(moved).first(512));
  EXPECT_EQ(sightings_.rows[0].count, 0u);
  write(*memory_disk_, at + 512, std::span(moved).subspan(512, 512));
  EXPECT_EQ(sightings_.rows[0].count, 1u);
  EXPECT_EQ(sightings_.rows[0].at, at + 500);
  Sightings last = sightings_;
  last.rows[0] = {};
  auto finder = SectorFinder::make(scenario_, plan_, *source_);
  ASSERT_TRUE(finder.has_value());
  ASSERT_TRUE(look_at_disk(*memory_disk_, promises_, plan_, **finder, last).has_value());
  EXPECT_EQ(last.rows[0].count, 1u);
}

// ---- which write it was ----

TEST(WriteHistory, IsTheSameFoldedAndNot) {
  const std::string text = "[dump]\nfile = { size = \"2 MiB\", fragments = 3, seed = 5 }\n" + std::string(passthrough) +
                           "[policy]\nport_transfer_limit = \"16 KiB\"\nmax_pages_per_write = 8\n";
  const Report folded = run_of(text), plain = run_of(text + "[trace]\nfold = false\n");
  const WriteHistory of_folded(view_of(folded)), of_plain(view_of(plain));
  std::map<std::uint64_t, std::uint64_t> last;  // by disk page, from the events as they are
  std::uint64_t number = 0;
  for (const trace::Event& event : view_of(plain)) {
    if (event.record.kind != trace::Kind::port_write) continue;
    ++number;
    for (std::uint64_t done = 0; done < event.record.length; done += page_size)
      last[event.record.offset + done] = number;
  }
  ASSERT_GT(last.size(), 60u);
  for (const auto& [at, expected] : last) {
    const auto a = of_folded.last_over({at + 100}), b = of_plain.last_over({at + 100});
    ASSERT_TRUE(a && b) << at;
    EXPECT_EQ(a->number, expected) << at;
    EXPECT_EQ(b->number, expected) << at;
    EXPECT_EQ(a->callback, b->callback) << at;
  }
  EXPECT_FALSE(of_folded.last_over({0}).has_value());
  EXPECT_EQ(of_folded.words({0}), "by a write that is not in the trace");
}

// ---- secrets ----

class Secrets : public testing::Test {
 protected:
  /// 256 KiB of memory with `secret` at an odd place of page 9.
  std::string memory_with(std::string_view secret) {
    std::string image(256 * 1024, '\0');
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<char>(i * 7 + i / 4096);
    image.replace(9 * page_size + 77, secret.size(), secret);
    std::ofstream(folder_ / "ram.bin", std::ios::binary) << image;
    return fmt::format("[system.memory]\nsize = \"256 KiB\"\nfill = \"image\"\nimage = \"{}\"\n",
                       (folder_ / "ram.bin").string());
  }
  ScratchFolder folder_;
};

TEST_F(Secrets, OnTheRawDiskAreFoundOnceForAll) {
  const std::string memory = memory_with("correct horse");
  const auto found =
      details_of(run_of("secrets = [\"text:correct horse\", \"text:battery staple\"]\n" + memory + passthrough),
                 Rule::data_secret_found);
  ASSERT_THAT(found, SizeIs(1)) << "the recovered dump is the same bytes";
  EXPECT_THAT(found[0], AllOf(HasSubstr("secret 1 of 2 on the raw disk"), HasSubstr("page data"),
                              HasSubstr("put there by write "), Not(HasSubstr("horse"))));
}

TEST_F(Secrets, BehindAFilterAreInTheRecoveredDump) {
  const std::string memory = memory_with(std::string("c\0o\0r\0r\0e\0c\0t\0", 14));
  const auto found =
      details_of(run_of("secrets = [\"text:correct\"]\n" + memory + xor_filter), Rule::data_secret_found);
  EXPECT_THAT(found,
              ElementsAre(AllOf(HasSubstr("secret 1 of 1 in the recovered dump"), HasSubstr("byte 0x4d of pfn 0x9"))));
}

TEST_F(Secrets, ThatAreNowhereAreToldSo) {
  const Report report = run_of("secrets = [\"hex:01 23 45 67 89 ab cd ef\"]\n" + std::string(xor_filter));
  EXPECT_TRUE(report.as_expected());
  EXPECT_THAT(report.verified, ElementsAre("secrets: none of 1 on the disk, in secondary data or debug output or the "
                                           "recovered dump"));
}

TEST_F(Secrets, InSecondaryDataAreFoundThereAlone) {
  // The label of crash_notes' block; the pages that hold it too are not in a dump of RAM.
  const Report report = run_of("secrets = [\"text:crash_notes\"]\n[[filter]]\nimage = \"crash_notes\"\n");
  const auto found = details_of(report, Rule::data_secret_found);
  EXPECT_THAT(found, Contains(HasSubstr("in secondary data {1b0c7a52-")));
}

TEST_F(Secrets, InADriversOwnMemoryAreAccountedToIt) {
  const std::string key = "hex:10 17 1e 25 2c 33 3a 41 48 4f 56 5d 64 6b 72 79";
  const Report report = run_of("secrets = [\"" + key + "\"]\n" + small_memory +
                               "[dump]\ndriver_memory = true\n[recover]\nvia = \"filters\"\n" +
                               std::string(xor_filter) + "[[filter]]\nimage = \"data_secret_found\"\n");
  const auto found = details_of(report, Rule::data_secret_found);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0], HasSubstr("memory of dump_data_secret_found"));
  EXPECT_EQ(report.findings[0].filter, "dump_data_secret_found");
  EXPECT_EQ(report.recovered, scenario::Recovered::identical) << report.recovered_detail;
}

TEST(DriverMemory, IsInTheDumpUnlessSomebodyTakesItOut) {
  const Report without = run_of("[[filter]]\nimage = \"crash_notes\"\n");
  const Report with =
      run_of(std::string(small_memory) + "[dump]\ndriver_memory = true\n[[filter]]\nimage = \"crash_notes\"\n");
  EXPECT_EQ(with.recovered, scenario::Recovered::identical) << with.recovered_detail;
  EXPECT_TRUE(with.as_expected()) << testing::PrintToString(with.mismatches);
  EXPECT_GT(with.write_bytes, without.write_bytes + 16 * page_size);
  EXPECT_EQ(without.pages_added, 2u);
  EXPECT_EQ(with.pages_added, 0u) << "they were there already";
  EXPECT_EQ(with.pages_removed, 1u);
}

// ---- reading back ----

TEST(Splits, CoverAFileInEveryWayThereIs) {
  const std::uint64_t size = 5 * page_size + 512;
  const Splits splits(size, 512, 4, 1, std::uint64_t{1} << 30);
  ASSERT_TRUE(splits.all());
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::uint64_t bytes = 0;
  splits.for_each([&](std::uint64_t at, std::uint64_t length) {
    EXPECT_LE(at + length, size);
    EXPECT_GT(length, 0u);
    EXPECT_LE(length, 4 * page_size);
    EXPECT_EQ((at | length) % 512, 0u);
    seen.insert({at, length});
    bytes += length;
    return true;
  });
  EXPECT_EQ(bytes, size * (4 * 5 / 2 + 4 * 7));
  for (std::uint64_t pages = 1; pages <= 4; ++pages) {
    for (std::uint64_t at = 0; at + pages * page_size <= size; at += page_size)
      EXPECT_TRUE(seen.count({at, pages * page_size})) << at << " " << pages;
    for (std::uint64_t at = 512; at < page_size; at += 512)
      EXPECT_TRUE(seen.count({at, std::min(pages * page_size, size - at)})) << at << " " << pages;
  }
  EXPECT_THAT(splits.words(), HasSubstr("every split into 1 to 4 pages"));
}

TEST(Splits, AreASampleWhereThereAreTooMany) {
  const std::uint64_t size = std::uint64_t{8} << 20, limit = std::uint64_t{2} << 20;
  const Splits splits(size, 512, 16, 9, limit);
  EXPECT_FALSE(splits.all());
  EXPECT_THAT(splits.words(), HasSubstr("seed 9"));
  std::set<std::uint64_t> lengths;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> first, second;
  std::uint64_t bytes = 0;
  splits.for_each([&](std::uint64_t at, std::uint64_t length) {
    EXPECT_LE(at + length, size);
    EXPECT_EQ((at | length) % 512, 0u);
    lengths.insert((length + page_size - 1) / page_size);
    first.emplace_back(at, length);
    bytes += length;
    return true;
  });
  EXPECT_EQ(lengths.size(), 16u);
  EXPECT_GE(bytes, limit);
  EXPECT_LT(bytes, 2 * limit);
  EXPECT_THAT(first, AllOf(Contains(std::pair{std::uint64_t{0}, 16 * page_size}),
                           Contains(std::pair{size - page_size, page_size})));
  splits.for_each([&](std::uint64_t at, std::uint64_t length) {
    second.emplace_back(at, length);
    return true;
  });
  EXPECT_EQ(first, second);
  std::size_t seen = 0;
  splits.for_each([&](std::uint64_t, std::uint64_t) { return ++seen < 3; });
  EXPECT_EQ(seen, 3u);
}

TEST(RoundTrip, OfFiltersThatUndoThemselvesIsWhole) {
  for (const char* image : {"xor", "passthrough"}) {
    const Report report =
        run_of(fmt::format("[dump]\nfile = {{ size = \"2 MiB\", fragments = 5, seed = 3 }}\n[[filter]]\n"
                           "image = \"{}\"\n{}[verify]\nround_trip = true\n",
                           image, image == std::string("xor") ? "parameters = { Key = 7 }\n" : ""));
    EXPECT_TRUE(report.as_expected()) << image << testing::PrintToString(report.mismatches);
    EXPECT_THAT(report.verified, ElementsAre(HasSubstr("round trip: every split into 1 to 16 pages"))) << image;
  }
}

TEST(RoundTrip, CountsSecondaryDataToTheLastByte) {
  const Report report = run_of("[[filter]]\nimage = \"crash_notes\"\n[verify]\nround_trip = true\n");
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
}

TEST(RoundTrip, SaysWhereWhatAndHow) {
  const Report report = run_of("[[filter]]\nimage = \"data_round_trip_differs\"\n[verify]\nround_trip = true\n");
  EXPECT_THAT(details_of(report, Rule::data_round_trip_differs),
              ElementsAre(AllOf(HasSubstr("reading "), HasSubstr("from dump file offset 0x"), HasSubstr(" gives 0x"),
                                HasSubstr(" was written (read "))));
  EXPECT_EQ(report.recovered, scenario::Recovered::identical) << "the plain reading does not show it";
}

TEST(RoundTrip, ThatCannotBeMadeIsNotAsExpected) {
  const Report report =
      run_of("[[filter]]\nimage = \"data_readable_sector\"\n[recover]\nvia = \"none\"\n[verify]\nround_trip = true\n");
  EXPECT_THAT(report.mismatches, ElementsAre(AllOf(HasSubstr("verify.round_trip: not judged"),
                                                   HasSubstr("no filter has a read callback"))));
}

TEST(RoundTrip, ThatEndsTheMachineSaysWhoDidIt) {
  const Report report =
      run_of("[[filter]]\nimage = \"read_faults\"\n[recover]\nvia = \"none\"\n[verify]\nround_trip = true\n");
  EXPECT_THAT(report.mismatches,
              ElementsAre(AllOf(HasSubstr("verify.round_trip: not judged: reading back crashed"),
                                HasSubstr("dump_read_faults in DumpRead, callback "), HasSubstr("write to null"))));
  EXPECT_THAT(report.verified, IsEmpty()) << "that was not found good";
}

// ---- the disk that no filter leaves ----

TEST(Reference, IsMetByChainsThatChangeNothing) {
  for (const char* text : {
           "[dump]\nfile = { size = \"2 MiB\", fragments = 7, seed = 4 }\n",
           "[dump]\nkind = \"kernel\"\n",
           "[system]\nprofile = \"windows-7\"\n",
           "[policy]\nheader_valid_last = false\n",
           "timeline = [\"boot\", \"hibernate\", \"resume\", \"crash\", \"next-boot\"]\n[disk]\nsector_size = 4096\n",
           "sequence = [\"load\", \"start\", \"open\", { write = { pages = 20, file_offset = 8192 } }, { write = { "
           "pages = 2, "
           "offset = \"64 KiB\" } }, \"finish\"]\n",
       }) {
    const Report report =
        run_of(std::string(text) + passthrough + "[[filter]]\nimage = \"logger\"\n[verify]\nreference = true\n");
    EXPECT_TRUE(report.as_expected()) << text << testing::PrintToString(report.mismatches);
    EXPECT_THAT(report.verified, ElementsAre("reference: the disk is what no filter leaves there")) << text;
  }
}

TEST(Reference, HoldsWhatCallbacksAdded) {
  const Report report =
      run_of(std::string(small_memory) +
             "[dump]\ndriver_memory = true\n[[filter]]\nimage = \"crash_notes\"\n[verify]\nreference = true\n");
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
}

TEST(Reference, SaysWhatIsThereAndWhatWouldBe) {
  const Report report = run_of("[[filter]]\nimage = \"data_reference_differs\"\n[verify]\nreference = true\n");
  EXPECT_THAT(
      details_of(report, Rule::data_reference_differs),
      ElementsAre(AllOf(HasSubstr("(dump file offset 0x1ff0, header) holds 0x46, without filters it would be 0x"),
                        HasSubstr("put there by write "))));
}

TEST(Reference, OfADumpThatFailedIsNotJudged) {
  const Report report = run_of("[dump]\nfile = { size = \"64 KiB\" }\n" + std::string(passthrough) +
                               "[verify]\nreference = true\n[expect]\noutcome = \"dump-failed\"\n");
  EXPECT_THAT(report.mismatches, ElementsAre(HasSubstr("verify.reference: not judged: not all was written")));
}

std::unique_ptr<disk::BlockDevice> small_disk() {
  auto made = disk::MemoryDisk::make({.size = std::uint64_t{4} << 20});
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

TEST(FirstDifference, IsFoundOnWhicheverDiskHasMore) {
  const auto a = small_disk(), b = small_disk();
  const auto same = first_difference(*a, *b);
  ASSERT_TRUE(same.has_value());
  EXPECT_FALSE(same->has_value());
  std::vector<std::byte> sector(512);
  sector[3] = std::byte{7};
  ASSERT_EQ(b->write({std::uint64_t{3} << 20}, sector), disk::IoStatus::ok);
  for (const bool swapped : {false, true}) {
    const auto found = swapped ? first_difference(*b, *a) : first_difference(*a, *b);
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->at.bytes, (std::uint64_t{3} << 20) + 3);
    EXPECT_EQ((*found)->first, swapped ? std::byte{7} : std::byte{0});
    EXPECT_EQ((*found)->second, swapped ? std::byte{0} : std::byte{7});
  }
  sector[3] = std::byte{9};
  ASSERT_EQ(a->write({std::uint64_t{1} << 20}, sector), disk::IoStatus::ok);
  const auto earlier = first_difference(*b, *a);
  ASSERT_TRUE(earlier.has_value() && earlier->has_value());
  EXPECT_EQ((*earlier)->at.bytes, (std::uint64_t{1} << 20) + 3);
}

// ---- the same again ----

TEST(Repeat, OfTheSameIsTheSame) {
  const Report report = run_of("timeline = [\"boot\", \"hibernate\", \"resume\", \"crash\", \"next-boot\"]\n" +
                               std::string(xor_filter) + "[trace]\ndigests = true\n[verify]\nrepeat = 3\n");
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
  EXPECT_THAT(report.verified, ElementsAre("repeat: 3 runs, traces and disks the same byte for byte"));
}

TEST(Repeat, SaysWhereTheTracesPart) {
  const Report report = run_of("[[filter]]\nimage = \"data_prints_counter\"\n[verify]\nrepeat = 2\n");
  EXPECT_THAT(details_of(report, Rule::data_not_deterministic),
              ElementsAre(AllOf(HasSubstr("run 1 and run 2"), HasSubstr("line "), HasSubstr("started at "))));
}

TEST(Repeat, SaysWhereTheDisksPart) {
  const Report report = run_of("[[filter]]\nimage = \"data_not_deterministic\"\n[verify]\nrepeat = 2\n");
  EXPECT_THAT(details_of(report, Rule::data_not_deterministic),
              ElementsAre(AllOf(HasSubstr("the traces are the same, the disks are not"), HasSubstr("header"))));
}

TEST(Repeat, LeavesOneRunsOutputsBehind) {
  const ScratchFolder folder;
  const std::string text =
      fmt::format("[disk]\nbackend = \"raw\"\npath = \"{}\"\n{}[recover]\noutput = \"{}\"\n[verify]\nrepeat = 2\n",
                  (folder / "disk.img").string(), xor_filter, (folder / "MEMORY.DMP").string());
  const Report report = run_of(text);
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
  EXPECT_TRUE(std::filesystem::exists(folder / "disk.img"));
  EXPECT_TRUE(std::filesystem::exists(folder / "MEMORY.DMP"));
}

}  // namespace
}  // namespace dumpsim::engine
