// SPDX-License-Identifier: Apache-2.0
// A second opinion on the dumps we write: file(1), and a reader of its own in Python (read_dump.py) that knows the
// format but not our code. Corrupted dumps are the control: both readers must notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "dumpfile/compare.hpp"
#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using nlohmann::json;
using testing::HasSubstr;

CommandResult run_reader(const std::filesystem::path& path, const std::string& options = "") {
  CommandResult result = run_command("python3 \"" DUMPSIM_READ_DUMP "\" " + options + " \"" + path.string() + "\"");
  EXPECT_NE(result.exit_code, 127) << "python3 is needed for this test and was not found: " << result.output;
  return result;
}

/// SHA-256 as read_dump.py defines it, of what memory holds, by coreutils.
std::string expected_digest(const Scratch& scratch, const PageSet& pages, const MemorySource& source) {
  std::vector<std::byte> stream;
  for (auto run = pages.next(0); run; run = pages.next(run->base + run->pages)) {
    for (Pfn pfn = run->base; pfn < run->base + run->pages; ++pfn) {
      for (int i = 0; i < 8; ++i) stream.push_back(static_cast<std::byte>(pfn >> 8 * i));
      stream.resize(stream.size() + page_size);
      source.read_pages(pfn, 1, stream.data() + stream.size() - page_size);
    }
  }
  const auto path = scratch.file("expected.stream", stream);
  const CommandResult result = run_command("sha256sum < \"" + path.string() + "\"");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return result.output.substr(0, 64);
}

TEST(IndependentReader, AgreesAboutEveryKindUnderSeeds) {
  struct Form {
    DumpKind kind;
    DumpForm form;
    unsigned type;
  };
  const Form forms[] = {{DumpKind::complete, DumpForm::full, 1},
                        {DumpKind::complete, DumpForm::bitmap, 5},
                        {DumpKind::kernel, DumpForm::bitmap, 6},
                        {DumpKind::active, DumpForm::bitmap, 6}};
  std::uint64_t seed = 100;
  for (const Form& form : forms) {
    SCOPED_TRACE(++seed);
    Random random(seed);
    Scratch scratch;
    DumpRequest request = sample_request(form.kind, form.form, random_runs(random, 30));
    if (form.kind != DumpKind::complete) request.pages = random_selection(random, request.memory);
    request.comment = "second opinion";
    request.secondary.push_back({{std::byte{0xAB}}, std::vector<std::byte>(13, std::byte{'x'})});
    request.secondary.push_back({{std::byte{0xCD}}, {}});
    const DumpLayout layout = plan_or_fail(request);
    const auto source = canary_source();
    const auto path = scratch.file("memory.dmp", write_dump(layout, *source, true));

    const CommandResult result = run_reader(path, "--canary");
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const json facts = json::parse(result.output, nullptr, false);
    ASSERT_TRUE(facts.is_object()) << result.output;
    EXPECT_EQ(facts["type"], form.type);
    EXPECT_EQ(facts["build"], request.build);
    EXPECT_EQ(facts["machine"], 0x8664);
    EXPECT_EQ(facts["processors"], request.processors);
    EXPECT_EQ(facts["bugcheck"], request.bugcheck_code);
    EXPECT_EQ(facts["parameters"], json(request.bugcheck_parameters));
    EXPECT_EQ(facts["mxcsr"], json({0x1F80, 0x1F80}));
    EXPECT_EQ(facts["exception"], json({0x80000003u, 1, request.addresses.instruction_pointer}));
    EXPECT_EQ(facts["directory_table_base"], 0x1AD000);
    EXPECT_EQ(facts["system_time"], request.system_time);
    EXPECT_EQ(facts["up_time"], request.up_time);
    EXPECT_EQ(facts["attributes"], form.kind == DumpKind::active ? 0x40 : 0);
    EXPECT_EQ(facts["comment"], "second opinion");
    EXPECT_EQ(facts["required_space"], layout.required_space());
    EXPECT_EQ(facts["first_page"], layout.first_page_offset());
    EXPECT_EQ(facts["pages"], layout.pages().count());
    EXPECT_EQ(facts["wrong_sectors"], 0);
    EXPECT_EQ(facts["header_runs"].size(), 30u);
    EXPECT_EQ(facts["blobs"].size(), 2u);
    EXPECT_EQ(facts["blobs"][0]["size"], 13);
    EXPECT_EQ(facts["end"], layout.size());
    if (form.form == DumpForm::bitmap) {
      EXPECT_EQ(facts["bitmap"]["signature"], form.type == 5 ? "FDMP" : "SDMP");
      EXPECT_EQ(facts["bitmap"]["bits"].get<std::uint64_t>() % 64, 0u);
      EXPECT_EQ(facts["first_page"].get<std::uint64_t>() % page_size, 0u);
    }
    EXPECT_EQ(facts["sha256"], expected_digest(scratch, layout.pages(), *source));
  }
}

class Corrupted : public testing::Test {
 protected:
  std::filesystem::path place(const std::vector<std::byte>& bytes) { return scratch_.file("memory.dmp", bytes); }
  Scratch scratch_;
  DumpLayout layout_ = plan_or_fail(sample_request(DumpKind::automatic, DumpForm::bitmap, {{0, 12}, {40, 9}}));
  std::vector<std::byte> file_ = write_dump(layout_, *canary_source(), true);
};

TEST_F(Corrupted, AByteOfAPageIsNoticedByBoth) {
  ASSERT_EQ(json::parse(run_reader(place(file_)).output)["sha256"],
            expected_digest(scratch_, layout_.pages(), *canary_source()));
  file_[layout_.first_page_offset() + 3 * page_size + 512] ^= std::byte{0x80};
  const json facts = json::parse(run_reader(place(file_), "--canary").output);
  EXPECT_NE(facts["sha256"], expected_digest(scratch_, layout_.pages(), *canary_source()));
  EXPECT_EQ(facts["wrong_sectors"], 1);
  Result<DumpReader> dump = DumpReader::open(bytes_of(file_));
  ASSERT_TRUE(dump);
  EXPECT_EQ(compare(*dump, layout_.pages(), *canary_source())->first_different->pfn, 3u);
}

TEST_F(Corrupted, PagesThatChangedPlacesAreNoticedByBoth) {
  const auto first = file_.begin() + static_cast<std::ptrdiff_t>(layout_.first_page_offset());
  std::swap_ranges(first, first + page_size, first + 15 * page_size);
  EXPECT_EQ(json::parse(run_reader(place(file_), "--canary").output)["wrong_sectors"], 16);
  Result<DumpReader> dump = DumpReader::open(bytes_of(file_));
  EXPECT_EQ(compare(*dump, layout_.pages(), *canary_source())->different, 2u);
}

TEST_F(Corrupted, ABitOfTheBitmapIsNoticedByBoth) {
  file_[0x2038 + 2] ^= std::byte{1};
  const CommandResult result = run_reader(place(file_));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("22 bits are set, the header says 21"));
  EXPECT_THAT(refusal(file_), HasSubstr("TotalPresentPages is 21, expected 22"));
}

TEST_F(Corrupted, TheMagicAndTheRunsAreNoticedByBoth) {
  auto changed = file_;
  std::copy(layout_.header_not_valid().begin(), layout_.header_not_valid().end(), changed.begin());
  EXPECT_EQ(run_reader(place(changed)).exit_code, 1);
  EXPECT_NE(refusal(changed), "");
  changed = write_dump(plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{0, 12}, {40, 9}})),
                       *canary_source(), true);
  EXPECT_EQ(run_reader(place(changed)).exit_code, 0);
  poke(changed, 0xA8, std::uint64_t{5});
  EXPECT_THAT(run_reader(place(changed)).output, HasSubstr("runs overlap"));
  EXPECT_NE(refusal(changed), "");
}

TEST_F(Corrupted, ATruncatedFileIsNoticedByBoth) {
  file_.resize(file_.size() - 1);
  EXPECT_THAT(run_reader(place(file_)).output, HasSubstr("the file ends inside the page of pfn 0x30"));
  EXPECT_NE(refusal(file_), "");
}

CommandResult run_file(const std::filesystem::path& path) {
  const CommandResult result = run_command("file -b \"" + path.string() + "\"");
  EXPECT_NE(result.exit_code, 127) << "file(1) is needed for this test and was not found: " << result.output;
  return result;
}

TEST(FileCommand, NamesOurDumps) {
  Scratch scratch;
  const auto words_of = [&scratch](DumpKind kind, DumpForm form) {
    const DumpLayout layout = plan_or_fail(sample_request(kind, form, {{1, 30}, {50, 12}}));
    return run_file(scratch.file("memory.dmp", write_dump(layout, *zero_source(), true))).output;
  };
  EXPECT_THAT(words_of(DumpKind::complete, DumpForm::full), HasSubstr("MS Windows 64bit crash dump"));
  EXPECT_THAT(words_of(DumpKind::complete, DumpForm::full), HasSubstr("42 pages"));
  EXPECT_THAT(words_of(DumpKind::kernel, DumpForm::bitmap), HasSubstr("MS Windows 64bit crash dump"));
}

TEST(FileCommand, DoesNotTakeANotYetValidDumpForOne) {
  Scratch scratch;
  const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, {{1, 30}}));
  const auto header = layout.header_not_valid();
  EXPECT_THAT(run_file(scratch.file("memory.dmp", {header.begin(), header.end()})).output,
              testing::Not(HasSubstr("crash dump")));
}

}  // namespace
}  // namespace dumpsim::dumpfile
