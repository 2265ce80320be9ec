// SPDX-License-Identifier: Apache-2.0
// Every backend against the shared suite, and what is special about each: what raw does to files, what null counts, how
// little a large disk costs. A broken device at the end shows that the suite's refusals can fail.
#include "disk/backends.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <fstream>

#include "base/file.hpp"
#include "base/text.hpp"
#include "block_device_suite.hpp"
#include "disk/memory_disk.hpp"
#include "disk/null_disk.hpp"
#include "disk/raw_disk.hpp"
#include "scratch_folder.hpp"

namespace dumpsim::disk {
namespace {

using suite::Case;
using suite::noise;
using suite::ScratchFolder;
using ::testing::HasSubstr;

/// The default paths of BlockDevice: what a decorator gets that overrides nothing but read and write.
class PlainDevice final : public BlockDevice {
 public:
  explicit PlainDevice(std::unique_ptr<BlockDevice> inner) : inner_(std::move(inner)) {}
  std::uint64_t size() const override { return inner_->size(); }
  std::uint32_t sector_size() const override { return inner_->sector_size(); }
  IoStatus read(DiskOffset at, std::span<std::byte> into) override { return inner_->read(at, into); }
  IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override { return inner_->write(at, bytes); }
  IoStatus flush() override { return inner_->flush(); }

 private:
  std::unique_ptr<BlockDevice> inner_;
};

std::unique_ptr<BlockDevice> made(std::string_view scheme, std::uint64_t size, std::uint32_t sector,
                                  bool digest = false) {
  DiskOptions options;
  options.size = size;
  options.sector_size = sector;
  options.digest = digest;
  auto disk = make_disk(scheme, options);
  EXPECT_TRUE(disk) << disk.error().message;
  return disk ? std::move(*disk) : nullptr;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::uint32_t sector : {512U, 4096U}) {
    for (const Backend& backend : backends()) {
      const std::string scheme(backend.scheme);
      all.push_back({scheme + "_" + std::to_string(sector), sector,
                     [scheme](std::uint64_t size, std::uint32_t s) { return made(scheme, size, s); }});
    }
    all.push_back({"null_digest_" + std::to_string(sector), sector,
                   [](std::uint64_t size, std::uint32_t s) { return made("null", size, s, true); }});
    all.push_back({"default_paths_" + std::to_string(sector), sector, [](std::uint64_t size, std::uint32_t s) {
                     return std::make_unique<PlainDevice>(made("memory", size, s));
                   }});
  }
  return all;
}

}  // namespace

namespace suite {
INSTANTIATE_TEST_SUITE_P(Backends, BlockDeviceSuite, ::testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param.name; });
}  // namespace suite

namespace {

TEST(BackendTable, NamesEachSchemeOnce) {
  std::map<std::string_view, int> seen;
  for (const Backend& backend : backends()) {
    EXPECT_EQ(++seen[backend.scheme], 1) << backend.scheme;
    EXPECT_FALSE(backend.summary.empty());
  }
  EXPECT_EQ(seen.size(), 3U);
}

TEST(BackendTable, OffersTheNearestScheme) {
  const auto disk = make_disk("memori", {});
  ASSERT_FALSE(disk);
  EXPECT_EQ(disk.error().message,
            "unknown disk backend \"memori\"; expected memory, raw or null; did you mean \"memory\"?");
}

TEST(BackendTable, RefusesShapesThatAreNoDisk) {
  struct Refused {
    std::uint64_t size;
    std::uint32_t sector;
    const char* message;
  };
  for (const Backend& backend : backends()) {
    for (const Refused& each : {Refused{0, 512, "a disk cannot be empty"}, Refused{512, 1024, "sectors of 1024 bytes"},
                                Refused{512, 0, "sectors of 0 bytes"}, Refused{1000, 512, "no multiple"},
                                Refused{6144, 4096, "no multiple"}, Refused{UINT64_MAX - 4095, 4096, "2^62"}}) {
      DiskOptions options;
      options.size = each.size;
      options.sector_size = each.sector;
      const auto disk = backend.make(options);
      ASSERT_FALSE(disk) << backend.scheme;
      EXPECT_THAT(disk.error().message, HasSubstr(each.message)) << backend.scheme;
    }
  }
}

TEST(LargeDisks, CostWhatIsWrittenToThem) {
  constexpr std::uint64_t size = std::uint64_t{1} << 40;
  for (const Backend& backend : backends()) {
    SCOPED_TRACE(backend.scheme);
    auto disk = made(backend.scheme, size, 4096);
    ASSERT_NE(disk, nullptr);
    ASSERT_EQ(disk->write(DiskOffset{size - 4096}, noise(1, 4096)), IoStatus::ok);
    ASSERT_EQ(disk->write(DiskOffset{size / 2}, noise(2, 4096)), IoStatus::ok);
    std::vector<std::byte> hole(4096);
    ASSERT_EQ(disk->read(DiskOffset{size / 4}, hole), IoStatus::ok);
    std::uint64_t seen = 0;
    ASSERT_TRUE(disk->for_each_data_range([&](DiskOffset, std::span<const std::byte> bytes) {
      seen += bytes.size();
      return true;
    }));
    // A file system may store more than was written, though nothing like the whole.
    EXPECT_LE(seen, 4U << 20);
    EXPECT_GE(seen, disk->keeps_content() ? 8192U : 0U);
  }
}

TEST(MemoryDiskTest, ShowsItsBytes) {
  DiskOptions options;
  options.size = 1 << 20;
  auto disk = MemoryDisk::make(options);
  ASSERT_TRUE(disk) << disk.error().message;
  const auto bytes = noise(3, 1024);
  ASSERT_EQ((*disk)->write(DiskOffset{4096}, bytes), IoStatus::ok);
  ASSERT_EQ((*disk)->bytes().size(), options.size);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), (*disk)->bytes().begin() + 4096));
}

TEST(MemoryDiskTest, DoesNotStoreAHoleThatIsRead) {
  auto disk = made("memory", 64 << 20, 512);
  std::vector<std::byte> all(64 << 20);
  ASSERT_EQ(disk->read(DiskOffset{0}, all), IoStatus::ok);
  ASSERT_TRUE(disk->for_each_data_range([](DiskOffset at, std::span<const std::byte> bytes) {
    ADD_FAILURE() << bytes.size() << " bytes are stored at " << at.bytes;
    return true;
  }));
}

class RawDiskTest : public ::testing::Test {
 protected:
  DiskOptions options(Access access) const {
    DiskOptions made;
    made.path = image_;
    made.access = access;
    made.size = 1 << 20;
    return made;
  }
  ScratchFolder folder_;
  std::filesystem::path image_ = folder_ / "disk.img";
};

TEST_F(RawDiskTest, WritesByteZeroOfTheDiskToByteZeroOfTheFile) {
  const auto bytes = noise(4, 1024);
  {
    auto disk = RawDisk::make(options(Access::create));
    ASSERT_TRUE(disk) << disk.error().message;
    ASSERT_EQ((*disk)->write(DiskOffset{512}, bytes), IoStatus::ok);
  }
  EXPECT_EQ(std::filesystem::file_size(image_), 1U << 20);
  std::ifstream file(image_, std::ios::binary);
  std::string text(1 << 20, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  EXPECT_EQ(std::memcmp(text.data() + 512, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(text[511], '\0');

  auto again = RawDisk::make(options(Access::read_only));
  ASSERT_TRUE(again) << again.error().message;
  std::vector<std::byte> got(1024);
  EXPECT_EQ((*again)->read(DiskOffset{512}, got), IoStatus::ok);
  EXPECT_EQ(got, bytes);
}

TEST_F(RawDiskTest, IsSparse) {
  DiskOptions large = options(Access::create);
  large.size = std::uint64_t{1} << 34;
  auto disk = RawDisk::make(large);
  ASSERT_TRUE(disk) << disk.error().message;
  ASSERT_EQ((*disk)->write(DiskOffset{large.size - 4096}, noise(5, 4096)), IoStatus::ok);
  struct stat status {};
  ASSERT_EQ(stat(image_.c_str(), &status), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), large.size);
  EXPECT_LE(status.st_blocks * 512, 1 << 20);
}

TEST_F(RawDiskTest, DoesNotOverwriteUnlessTold) {
  ASSERT_TRUE(write_text(image_, "precious", false));
  const auto refused = RawDisk::make(options(Access::create));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, image_.string() + " exists already; nothing was written");
  EXPECT_EQ(*read_text(image_, 100), "precious");
  ASSERT_TRUE(RawDisk::make(options(Access::replace)));
  EXPECT_EQ(std::filesystem::file_size(image_), 1U << 20);
  EXPECT_EQ(read_text(image_, 1 << 20)->substr(0, 8), std::string(8, '\0'));
}

TEST_F(RawDiskTest, LeavesNothingBehindWhenTheHostRefusesTheSize) {
  EXPECT_TRUE(suite::in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &small) != 0) return false;
    const auto disk = RawDisk::make(options(Access::create));
    return !disk && disk.error().message == "cannot resize " + image_.string() + ": File too large";
  }));
  EXPECT_FALSE(std::filesystem::exists(image_));
}

TEST_F(RawDiskTest, OpensWhatIsThereWithItsOwnSize) {
  ASSERT_TRUE(write_text(image_, std::string(4096, 'x'), false));
  auto disk = RawDisk::make(options(Access::existing));
  ASSERT_TRUE(disk) << disk.error().message;
  EXPECT_EQ((*disk)->size(), 4096U);
  EXPECT_EQ((*disk)->write(DiskOffset{0}, noise(6, 512)), IoStatus::ok);
  auto read_only = RawDisk::make(options(Access::read_only));
  ASSERT_TRUE(read_only) << read_only.error().message;
  EXPECT_EQ((*read_only)->write(DiskOffset{0}, noise(6, 512)), IoStatus::failed);
}

TEST_F(RawDiskTest, RefusesWhatIsNoImage) {
  const auto absent = RawDisk::make(options(Access::existing));
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message, HasSubstr("cannot open " + image_.string()));
  ASSERT_TRUE(write_text(image_, std::string(1000, 'x'), false));
  const auto odd = RawDisk::make(options(Access::existing));
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().message, image_.string() + ": disk size 1000 is no multiple of the sector size 512");
  for (const Access access : {Access::existing, Access::read_only, Access::replace}) {
    DiskOptions device = options(access);
    device.path = "/dev/null";
    const auto disk = RawDisk::make(device);
    ASSERT_FALSE(disk);
    EXPECT_EQ(disk.error().message, "/dev/null is no regular file; a disk image was expected");
  }
}

TEST_F(RawDiskTest, FailsAReadWhenTheImageShrank) {
  auto disk = RawDisk::make(options(Access::create));
  ASSERT_TRUE(disk) << disk.error().message;
  ASSERT_EQ((*disk)->write(DiskOffset{0}, noise(7, 8192)), IoStatus::ok);
  std::filesystem::resize_file(image_, 4096);
  std::vector<std::byte> bytes(8192);
  EXPECT_EQ((*disk)->read(DiskOffset{0}, bytes), IoStatus::failed);
}

TEST(NullDiskTest, CountsInMemoryTheParentReads) {
  DiskOptions options;
  options.size = 1 << 20;
  options.digest = true;
  auto disk = NullDisk::make(options);
  ASSERT_TRUE(disk) << disk.error().message;
  EXPECT_EQ((*disk)->counters(), NullDisk::Counters{});
  ASSERT_TRUE(suite::in_child([&] {
    return (*disk)->write(DiskOffset{512}, noise(8, 4096)) == IoStatus::ok &&
           (*disk)->write(DiskOffset{1 << 20}, noise(8, 4096)) == IoStatus::out_of_range &&
           (*disk)->write(DiskOffset{0}, noise(8, 512)) == IoStatus::ok;
  }));
  EXPECT_EQ((*disk)->counters().writes, 2U);
  EXPECT_EQ((*disk)->counters().bytes, 4608U);
  EXPECT_EQ((*disk)->counters().reads, 0U);
  EXPECT_NE((*disk)->counters().digest, 0U);
}

std::uint64_t digest_of(const std::function<void(BlockDevice&)>& body, bool digest = true) {
  DiskOptions options;
  options.size = 1 << 20;
  options.digest = digest;
  auto disk = NullDisk::make(options);
  EXPECT_TRUE(disk);
  body(**disk);
  return (*disk)->counters().digest;
}

TEST(NullDiskTest, DigestsPlaceOrderAndContent) {
  const auto a = noise(9, 1024);
  const auto b = noise(10, 1024);
  const auto write = [](std::uint64_t at, const std::vector<std::byte>& bytes) {
    return [at, &bytes](BlockDevice& disk) { EXPECT_EQ(disk.write(DiskOffset{at}, bytes), IoStatus::ok); };
  };
  const std::uint64_t plain = digest_of(write(0, a));
  EXPECT_EQ(plain, digest_of(write(0, a)));
  EXPECT_NE(plain, digest_of(write(512, a)));
  EXPECT_NE(plain, digest_of(write(0, b)));
  EXPECT_NE(digest_of([&](BlockDevice& disk) { write(0, a)(disk), write(4096, b)(disk); }),
            digest_of([&](BlockDevice& disk) { write(4096, b)(disk), write(0, a)(disk); }));
  EXPECT_EQ(plain, digest_of([&](BlockDevice& disk) {
              const std::array<std::span<const std::byte>, 3> pieces{
                  std::span(a).first(1), std::span(a).subspan(1, 700), std::span(a).subspan(701)};
              EXPECT_EQ(disk.write_gathered(DiskOffset{0}, pieces), IoStatus::ok);
            }));
  EXPECT_EQ(digest_of(write(0, a), false), 0U);
}

// Controls: the contract's check has been seen to refuse each way, and a device that forgets it is told apart.
TEST(CheckTransfer, JudgesAlignmentBeforeRange) {
  static_assert(check_transfer(DiskOffset{0}, 512, 512, 512) == IoStatus::ok);
  static_assert(check_transfer(DiskOffset{512}, 512, 512, 512) == IoStatus::out_of_range);
  static_assert(check_transfer(DiskOffset{513}, 512, 512, 512) == IoStatus::misaligned);
  static_assert(check_transfer(DiskOffset{0}, 512, 4096, 4096) == IoStatus::misaligned);
  static_assert(check_transfer(DiskOffset{512}, UINT64_MAX - 511, 1024, 512) == IoStatus::out_of_range);
  EXPECT_EQ(name_of(IoStatus::out_of_range), "out-of-range");
  EXPECT_EQ(name_of(IoStatus{77}), "unknown");
}

TEST(Control, ADeviceThatFailsShowsInTheDefaultScanAndGather) {
  class Failing final : public BlockDevice {
   public:
    std::uint64_t size() const override { return 1 << 20; }
    std::uint32_t sector_size() const override { return 512; }
    IoStatus read(DiskOffset, std::span<std::byte>) override { return IoStatus::failed; }
    IoStatus write(DiskOffset at, std::span<const std::byte>) override {
      return at.bytes >= 512 ? IoStatus::failed : IoStatus::ok;
    }
    IoStatus flush() override { return IoStatus::failed; }
  } failing;
  const auto scanned = failing.for_each_data_range([](DiskOffset, std::span<const std::byte>) { return true; });
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().message, "cannot read 1048576 bytes of the disk at 0x0: failed");
  const auto bytes = noise(11, 1024);
  const std::array<std::span<const std::byte>, 2> pieces{std::span(bytes).first(512), std::span(bytes).subspan(512)};
  EXPECT_EQ(failing.write_gathered(DiskOffset{0}, pieces), IoStatus::failed);
  EXPECT_EQ(failing.write_gathered(DiskOffset{0}, std::span(pieces).first(1)), IoStatus::ok);
}

}  // namespace
}  // namespace dumpsim::disk
