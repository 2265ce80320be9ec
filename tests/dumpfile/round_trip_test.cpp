// SPDX-License-Identifier: Apache-2.0
// What is written is read back, page for page, under seeds: random runs and holes, every kind, both orders of writing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dumpfile/compare.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/dump_reader.hpp"
#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using testing::HasSubstr;

DumpRequest random_request(Random& random) {
  const auto kind = static_cast<DumpKind>(random.below(4));
  const bool full = kind == DumpKind::complete && random.below(2) == 0;
  DumpRequest request = sample_request(kind, full ? DumpForm::full : DumpForm::bitmap,
                                       random_runs(random, 1 + random.below(full ? 42 : 60)));
  if (kind != DumpKind::complete) request.pages = random_selection(random, request.memory);
  for (std::uint64_t blobs = random.below(4); blobs != 0; --blobs) {
    SecondaryBlob blob;
    for (auto& byte : blob.guid) byte = static_cast<std::byte>(random.below(256));
    blob.bytes.resize(random.below(100));
    for (auto& byte : blob.bytes) byte = static_cast<std::byte>(random.below(256));
    request.secondary.push_back(std::move(blob));
  }
  return request;
}

TEST(RoundTrip, EveryKindUnderSeeds) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const DumpRequest request = random_request(random);
    const DumpLayout layout = plan_or_fail(request);
    const auto source = random.below(2) == 0 ? canary_source() : random_source(seed);
    const std::vector<std::byte> file = write_dump(layout, *source, random.below(2) == 0);

    // Written in sections or asked for in any pieces: the same bytes.
    std::vector<std::byte> filled(file.size());
    for (std::uint64_t at = 0; at < filled.size();) {
      const std::uint64_t length = std::min<std::uint64_t>(1 + random.below(30000), filled.size() - at);
      layout.fill(at, std::span(filled).subspan(at, length), *source);
      at += length;
    }
    ASSERT_TRUE(file == filled);

    Result<DumpReader> dump = DumpReader::open(bytes_of(file));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(dump->header().type, layout.type());
    EXPECT_EQ(dump->header().minor_version, request.build);
    EXPECT_EQ(dump->header().bugcheck_code, request.bugcheck_code);
    EXPECT_EQ(dump->header().bugcheck_parameters, request.bugcheck_parameters);
    EXPECT_EQ(dump->header().system_time, request.system_time);
    EXPECT_EQ(dump->header().up_time, request.up_time);
    EXPECT_EQ(dump->header().attributes, request.kind == DumpKind::active ? attribute_filtered : 0u);
    EXPECT_EQ(dump->primary_size(), layout.secondary_offset());
    EXPECT_EQ(dump->header().required_space, file.size()) << "blobs included";
    EXPECT_EQ(dump->recovered_size(), file.size());
    const std::size_t runs = request.memory.size();
    EXPECT_EQ(std::vector(dump->header_runs().begin(), dump->header_runs().end()),
              runs <= full_form_runs ? request.memory : std::vector<PageRun>());
    Result<Comparison> verdict = compare(*dump, layout.pages(), *source);
    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_TRUE(verdict->identical()) << describe(*verdict);
    EXPECT_EQ(verdict->same, layout.pages().count());

    ASSERT_EQ(dump->secondary().size(), request.secondary.size());
    for (std::size_t i = 0; i < request.secondary.size(); ++i) {
      const SecondaryPlace& place = dump->secondary()[i];
      EXPECT_EQ(place.guid, request.secondary[i].guid);
      ASSERT_EQ(place.size, request.secondary[i].bytes.size());
      EXPECT_TRUE(std::equal(request.secondary[i].bytes.begin(), request.secondary[i].bytes.end(),
                             file.begin() + static_cast<std::ptrdiff_t>(place.file_offset)));
    }
  }
}

TEST(RoundTrip, ADumpCutAtAnySectionIsNeverTakenForOne) {
  DumpRequest request = sample_request(DumpKind::automatic, DumpForm::bitmap, {{0, 16}, {32, 4}});
  const DumpLayout layout = plan_or_fail(request);
  std::vector<std::byte> file = write_dump(layout, *canary_source(), true);
  EXPECT_EQ(refusal(file), "");
  const auto not_valid = layout.header_not_valid();
  std::copy(not_valid.begin(), not_valid.end(), file.begin());
  EXPECT_THAT(refusal(file), HasSubstr("never made valid"));
}

TEST(RoundTrip, APageFileLargerThanItsDumpIsReadAndCut) {
  const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{0, 8}}));
  std::vector<std::byte> file = write_dump(layout, *canary_source(), true);
  file.resize(file.size() + 12345, std::byte{0x77});
  Result<DumpReader> dump = DumpReader::open(bytes_of(file));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->recovered_size(), layout.size());
  EXPECT_THAT(describe(*dump), HasSubstr("(12,345 bytes) that are not the dump's"));
}

class Compare : public testing::Test {
 protected:
  DumpReader open(const std::vector<std::byte>& bytes) {
    Result<DumpReader> dump = DumpReader::open(bytes_of(bytes));
    EXPECT_TRUE(dump) << dump.error().message;
    return *std::move(dump);
  }
  PageSet set(std::vector<PageRun> runs) { return *PageSet::of_runs(runs); }
  DumpLayout layout_ = plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{2, 600}, {1000, 10}}));
  std::vector<std::byte> file_ = write_dump(layout_, *canary_source(), true);
};

TEST_F(Compare, NamesTheFirstByteThatDiffers) {
  file_[0x2000 + 300 * page_size + 17] ^= std::byte{1};
  file_[0x2000 + 605 * page_size] ^= std::byte{1};
  const Comparison verdict = *compare(open(file_), layout_.pages(), *canary_source());
  EXPECT_FALSE(verdict.identical());
  EXPECT_EQ(verdict.different, 2u);
  EXPECT_EQ(verdict.same, 608u);
  ASSERT_TRUE(verdict.first_different);
  EXPECT_EQ(verdict.first_different->pfn, 302u);
  EXPECT_EQ(verdict.first_different->byte_in_page, 17u);
  EXPECT_EQ(verdict.first_different->file_offset, 0x2000 + 300 * page_size);
  EXPECT_THAT(describe(verdict), HasSubstr("2 of 610 pages differ, the first pfn 0x12e at byte 0x11"));
}

TEST_F(Compare, CountsMissingAndExtraPages) {
  const Comparison verdict = *compare(open(file_), set({{0, 50}, {60, 600}, {1005, 10}}), *canary_source());
  EXPECT_EQ(verdict.missing, 2u + 58 + 5);
  EXPECT_EQ(*verdict.first_missing, 0u);
  EXPECT_EQ(verdict.extra, 10u + 5);
  EXPECT_EQ(*verdict.first_extra, 50u);
  EXPECT_EQ(verdict.same, 48u + 542 + 5);
  EXPECT_EQ(verdict.different, 0u);
  EXPECT_FALSE(verdict.identical());
}

TEST_F(Compare, AnotherSourceDiffersEverywhere) {
  const Comparison verdict = *compare(open(file_), layout_.pages(), *zero_source());
  EXPECT_EQ(verdict.different, 610u);
  EXPECT_EQ(verdict.same, 0u);
}

}  // namespace
}  // namespace dumpsim::dumpfile
