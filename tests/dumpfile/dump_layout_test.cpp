// SPDX-License-Identifier: Apache-2.0
// The bytes a debugger will look at: every header field at its documented offset, written here as numbers and not taken
// from the table that the writer uses.
#include "dumpfile/dump_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using testing::HasSubstr;

const std::vector<PageRun> windows_like = {{1, 0x9E}, {0x100, 0x200}, {0x400, 0x100}};

std::vector<std::byte> header_of(const DumpRequest& request) {
  const DumpLayout layout = plan_or_fail(request);
  return {layout.header().begin(), layout.header().end()};
}

std::string text_at(const std::vector<std::byte>& bytes, std::size_t offset, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
}

bool is_unset(const std::vector<std::byte>& header, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (header[i] != static_cast<std::byte>("PAGE"[i % 4])) return false;
  }
  return true;
}

TEST(DumpHeader, HasEveryFieldAtItsDocumentedOffset) {
  DumpRequest request = sample_request(DumpKind::complete, DumpForm::full, windows_like);
  const auto header = header_of(request);
  ASSERT_EQ(header.size(), 0x2000u);
  EXPECT_EQ(text_at(header, 0, 8), "PAGEDU64");
  EXPECT_EQ(peek(header, 0x008, 4), 0xFu);
  EXPECT_EQ(peek(header, 0x00C, 4), 19045u);
  EXPECT_EQ(peek(header, 0x010, 8), 0x1AD000u);
  EXPECT_EQ(peek(header, 0x018, 8), request.addresses.pfn_database);
  EXPECT_EQ(peek(header, 0x020, 8), request.addresses.ps_loaded_module_list);
  EXPECT_EQ(peek(header, 0x028, 8), request.addresses.ps_active_process_head);
  EXPECT_EQ(peek(header, 0x030, 4), 0x8664u);
  EXPECT_EQ(peek(header, 0x034, 4), 4u);
  EXPECT_EQ(peek(header, 0x038, 4), 0xE2u);
  EXPECT_EQ(peek(header, 0x040, 8), 0x1111u);
  EXPECT_EQ(peek(header, 0x048, 8), 0x2222222222u);
  EXPECT_EQ(peek(header, 0x050, 8), 0xFFFFF80000003333u);
  EXPECT_EQ(peek(header, 0x058, 8), 4u);
  EXPECT_EQ(peek(header, 0x080, 8), request.addresses.kd_debugger_block);
  EXPECT_EQ(peek(header, 0x088, 4), 3u);
  EXPECT_EQ(peek(header, 0x090, 8), 0x9Eu + 0x200u + 0x100u);
  EXPECT_EQ(peek(header, 0x098, 8), 1u);
  EXPECT_EQ(peek(header, 0x0A0, 8), 0x9Eu);
  EXPECT_EQ(peek(header, 0x0B8, 8), 0x400u);
  EXPECT_EQ(peek(header, 0x0C0, 8), 0x100u);
  // CONTEXT at 0x348: flags, both copies of MxCsr, segments, rip; zero behind its 0x4D0 bytes.
  EXPECT_EQ(peek(header, 0x378, 4), 0x10001Fu);
  EXPECT_EQ(peek(header, 0x37C, 4), 0x1F80u);
  EXPECT_EQ(peek(header, 0x460, 4), 0x1F80u);
  EXPECT_EQ(peek(header, 0x380, 2), 0x10u);
  EXPECT_EQ(peek(header, 0x38A, 2), 0x18u);
  EXPECT_EQ(peek(header, 0x3E0, 8), request.addresses.stack_pointer);
  EXPECT_EQ(peek(header, 0x440, 8), request.addresses.instruction_pointer);
  for (std::size_t i = 0x348 + 0x4D0; i < 0x348 + 3000; ++i) ASSERT_EQ(header[i], std::byte{0}) << i;
  // EXCEPTION_RECORD64 at 0xF00.
  EXPECT_EQ(peek(header, 0xF00, 4), 0x80000003u);
  EXPECT_EQ(peek(header, 0xF04, 4), 1u);
  EXPECT_EQ(peek(header, 0xF08, 8), 0u);
  EXPECT_EQ(peek(header, 0xF10, 8), request.addresses.instruction_pointer);
  EXPECT_EQ(peek(header, 0xF18, 4), 0u);
  EXPECT_EQ(peek(header, 0xF98, 4), 1u);
  EXPECT_EQ(peek(header, 0xFA0, 8), 0x2000u + 0x39Eu * 0x1000u);
  EXPECT_EQ(peek(header, 0xFA8, 8), 134116992000000000u);
  EXPECT_EQ(peek(header, 0x1030, 8), 1234567890u);
  EXPECT_EQ(peek(header, 0x1040, 4), 1u);
  EXPECT_EQ(peek(header, 0x1044, 4), 0x110u);
  EXPECT_EQ(peek(header, 0x1048, 4), 0u);
  EXPECT_EQ(text_at(header, 0x104C, 4), std::string("P\0GE", 4));
  EXPECT_EQ(peek(header, 0x1050, 4), 0u);
}

TEST(DumpHeader, KeepsThePagePatternWhereNothingIsSet) {
  const auto header = header_of(sample_request(DumpKind::complete, DumpForm::full, windows_like));
  const std::pair<std::size_t, std::size_t> unset[] = {{0x3C, 0x40},    {0x60, 0x80},     {0x8C, 0x90},
                                                       {0xC8, 0x348},   {0xF1C, 0xF98},   {0xF9C, 0xFA0},
                                                       {0xFB0, 0x1030}, {0x1038, 0x1040}, {0x1054, 0x2000}};
  for (const auto& [from, to] : unset) EXPECT_TRUE(is_unset(header, from, to)) << std::hex << from;
  // The control: a field that is set is not taken for the pattern.
  EXPECT_FALSE(is_unset(header, 0x38, 0x3C));
}

TEST(DumpHeader, NotValidDiffersInTheSecondHalfOfTheMagicOnly) {
  const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, windows_like));
  std::vector<std::byte> header(layout.header_not_valid().begin(), layout.header_not_valid().end());
  EXPECT_EQ(text_at(header, 0, 8), "PAGEPAGE");
  std::memcpy(header.data() + 4, "DU64", 4);
  EXPECT_TRUE(std::equal(header.begin(), header.end(), layout.header().begin(), layout.header().end()));
}

TEST(DumpHeader, CommentAndActiveAttribute) {
  DumpRequest request = sample_request(DumpKind::active, DumpForm::bitmap, windows_like);
  request.comment = "simulated";
  const auto header = header_of(request);
  EXPECT_EQ(text_at(header, 0xFB0, 10), std::string("simulated\0", 10));
  EXPECT_EQ(peek(header, 0x102F, 1), 0u);
  EXPECT_EQ(peek(header, 0x1050, 4), 0x40u);
}

TEST(BitmapBlock, HasItsFieldsAndWholeWords) {
  DumpRequest request = sample_request(DumpKind::kernel, DumpForm::bitmap, {{0, 70}, {100, 31}});
  const std::vector<PageRun> chosen = {{0, 9}, {69, 1}, {101, 30}};
  request.pages = *PageSet::of_runs(chosen);
  const DumpLayout layout = plan_or_fail(request);
  EXPECT_EQ(layout.type(), 6u);
  std::vector<std::byte> block(layout.bitmap_length());
  layout.bitmap_bytes(0, block);
  EXPECT_EQ(block.size(), 0x1000u);
  EXPECT_EQ(text_at(block, 0, 8), "SDMPDUMP");
  EXPECT_EQ(peek(block, 0x08, 4), 1u);
  EXPECT_EQ(peek(block, 0x20, 8), 0x3000u);
  EXPECT_EQ(peek(block, 0x28, 8), 40u);
  EXPECT_EQ(peek(block, 0x30, 8), 192u) << "131 pages of memory, rounded up to 64 bits";
  EXPECT_EQ(peek(block, 0x38, 8), 0x1FFu);
  EXPECT_EQ(peek(block, 0x40, 8), (std::uint64_t{1} << 5) | ~((std::uint64_t{1} << 37) - 1));
  EXPECT_EQ(peek(block, 0x48, 8), 7u);
  for (std::size_t i = 0x50; i < block.size(); ++i) ASSERT_EQ(block[i], std::byte{0}) << i;
  EXPECT_EQ(layout.required_space(), 0x3000u + 40 * 0x1000u);
}

TEST(BitmapBlock, CompleteDumpsAreType5WithFdmp) {
  const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::bitmap, windows_like));
  EXPECT_EQ(layout.type(), 5u);
  std::vector<std::byte> block(layout.bitmap_length());
  layout.bitmap_bytes(0, block);
  EXPECT_EQ(text_at(block, 0, 8), "FDMPDUMP");
  EXPECT_EQ(peek({layout.header().begin(), layout.header().end()}, 0xF98, 4), 5u);
}

TEST(DumpLayout, FullFormTakes42RunsAndRefuses43WithTheReason) {
  std::vector<PageRun> runs;
  for (Pfn i = 0; i < 42; ++i) runs.push_back({i * 10, 3});
  const DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::full, runs));
  EXPECT_EQ(peek({layout.header().begin(), layout.header().end()}, 0x98 + 41 * 16, 8), 410u);
  runs.push_back({420, 1});
  Result<DumpLayout> refused = DumpLayout::plan(sample_request(DumpKind::complete, DumpForm::full, runs));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("memory has 43 runs"));
  EXPECT_THAT(refused.error().message, HasSubstr("room for 42"));
  // The bitmap form takes them, with the header's block left unset.
  const auto header = header_of(sample_request(DumpKind::complete, DumpForm::bitmap, runs));
  EXPECT_TRUE(is_unset(header, 0x88, 0x348));
}

TEST(DumpLayout, RefusesWhatNoFormCanHold) {
  const auto message = [](DumpRequest request) {
    Result<DumpLayout> layout = DumpLayout::plan(std::move(request));
    return layout ? std::string() : layout.error().message;
  };
  DumpRequest request = sample_request(DumpKind::complete, DumpForm::full, {{0, 4}, {8, 0}});
  EXPECT_THAT(message(request), HasSubstr("run 1 (pfn 0x8) is empty"));
  request.memory = {};
  EXPECT_THAT(message(request), HasSubstr("at least one run"));
  request.memory = {{0, 16}};
  EXPECT_EQ(message(request), "");
  request.kind = DumpKind::kernel;
  EXPECT_THAT(message(request), HasSubstr("expected a complete dump"));
  request.form = DumpForm::bitmap;
  const std::vector<PageRun> outside = {{10, 7}};
  request.pages = *PageSet::of_runs(outside);
  EXPECT_THAT(message(request), HasSubstr("not all in memory"));
  request.pages = PageSet();
  EXPECT_THAT(message(request), HasSubstr("selection of pages is empty"));
  request.pages.reset();
  request.comment = std::string(128, 'x');
  EXPECT_THAT(message(request), HasSubstr("at most 127"));
  request.comment.clear();
  request.memory = {{bitmap_limit, 1}};
  EXPECT_THAT(message(request), HasSubstr("16 TiB"));
  request.memory = {{0, 16}};
  request.processors = 0;
  EXPECT_THAT(message(request), HasSubstr("processor"));
}

TEST(DumpLayout, WriteOrderWithAndWithoutTheHeaderLast) {
  DumpRequest request = sample_request(DumpKind::automatic, DumpForm::bitmap, {{0, 16}});
  request.secondary.push_back({{}, std::vector<std::byte>(100)});
  const DumpLayout layout = plan_or_fail(request);
  std::string order;
  std::uint64_t length = 0;
  for (const SectionPlace& place : layout.sections(true)) {
    order += std::string(name_of(place.section)) + " ";
    length += place.length;
  }
  EXPECT_EQ(order, "header-not-valid bitmap pages secondary header-made-valid ");
  EXPECT_EQ(length, layout.size() + page_size);
  order.clear();
  for (const SectionPlace& place : layout.sections(false)) order += std::string(name_of(place.section)) + " ";
  EXPECT_EQ(order, "header bitmap pages secondary ");
  request.form = DumpForm::full;
  request.kind = DumpKind::complete;
  request.secondary.clear();
  order.clear();
  for (const SectionPlace& place : plan_or_fail(request).sections(true))
    order += std::string(name_of(place.section)) + " ";
  EXPECT_EQ(order, "header-not-valid pages header-made-valid ");
}

TEST(DumpLayout, ATebibyteCostsNoPageTable) {
  // 1 TiB with the usual holes; the bitmap is asked for in pieces, the pages lazily from anywhere.
  const Pfn top = Pfn{1} << 28;
  const DumpLayout layout = plan_or_fail(
      sample_request(DumpKind::complete, DumpForm::bitmap, {{1, 0x9E}, {0x100, 0xBFF00}, {0x100000, top - 0x100000}}));
  EXPECT_EQ(layout.bitmap_length(), 0x38u + (top / 8) + (0x1000 - 0x38));
  std::vector<std::byte> piece(1 << 16);
  std::uint64_t bits = 0;
  for (std::uint64_t at = 0x38; at < layout.bitmap_length(); at += piece.size()) {
    const std::size_t length = std::min<std::uint64_t>(piece.size(), layout.bitmap_length() - at);
    layout.bitmap_bytes(at, std::span(piece).first(length));
    for (std::size_t i = 0; i < length; ++i)
      bits += static_cast<unsigned>(__builtin_popcount(static_cast<unsigned>(piece[i])));
  }
  EXPECT_EQ(bits, layout.pages().count());
  const auto last = layout.pages_at(layout.required_space() - page_size);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, top - 1);
  EXPECT_EQ(last->count, 1u);
  EXPECT_FALSE(layout.pages_at(layout.required_space()));
  EXPECT_EQ(layout.pages_at(layout.first_page_offset(), 64)->count, 64u);
}

TEST(ChangedLayout, IsTheDumpOfTheOtherPages) {
  DumpLayout layout = plan_or_fail(sample_request(DumpKind::complete, DumpForm::bitmap, windows_like));
  const PageSet planned = layout.pages();
  // Beyond memory: the bitmap grows, and the pages move.
  const Pfn far = 0x40000;
  const PageSet pages = *planned.changed(std::vector<PageRun>{{far, 2}}, std::vector<PageRun>{{1, 3}});
  ASSERT_TRUE(layout.set_pages(pages));
  EXPECT_EQ(layout.pages().count(), planned.count() + 2 - 3);
  EXPECT_EQ(layout.first_page_offset(), 0x2000u + 0x9000u) << "0x38 and 0x8008 bytes, whole pages";
  std::vector<std::byte> block(layout.bitmap_length());
  layout.bitmap_bytes(0, block);
  EXPECT_EQ(peek(block, 0x20, 8), layout.first_page_offset());
  EXPECT_EQ(peek(block, 0x28, 8), layout.pages().count());
  EXPECT_EQ(peek(block, 0x30, 8), far + 64);
  EXPECT_EQ(peek(block, 0x38 + far / 8, 1), 3u);
  const auto field = [](std::span<const std::byte> header, std::size_t at, std::size_t size) {
    return peek(std::vector<std::byte>(header.begin(), header.end()), at, size);
  };
  EXPECT_EQ(field(layout.header(), 0xFA0, 8), layout.size());
  EXPECT_EQ(layout.pages_at(layout.first_page_offset())->first, 4u);

  const std::uint64_t before = layout.size();
  ASSERT_TRUE(layout.set_secondary(std::vector<SecondaryBlob>{{{}, std::vector<std::byte>(13)}}));
  EXPECT_EQ(layout.secondary_offset(), before);
  EXPECT_EQ(layout.size(), before + 0x10 + 0x20 + 16);
  EXPECT_EQ(field(layout.header(), 0xFA0, 8), layout.size());
  EXPECT_EQ(field(layout.header_not_valid(), 0xFA0, 8), layout.size());
  EXPECT_EQ(field(layout.header(), 0x103C, 4), 0x45474150u) << "SecondaryDataState stays unset";
  ASSERT_TRUE(layout.set_pages({})) << "all pages may be taken away";
  EXPECT_FALSE(layout.pages_at(layout.first_page_offset()));
}

}  // namespace
}  // namespace dumpsim::dumpfile
