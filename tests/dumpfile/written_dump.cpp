// SPDX-License-Identifier: Apache-2.0
// A little dump stack for tests: no chain, no disk, only the order and the places of the writes.
#include "written_dump.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>

namespace dumpsim::dumpfile {

DumpRequest sample_request(DumpKind kind, DumpForm form, std::vector<PageRun> memory) {
  DumpRequest request;
  request.kind = kind;
  request.form = form;
  request.memory = std::move(memory);
  request.build = 19045;
  request.processors = 4;
  request.bugcheck_code = 0xE2;
  request.bugcheck_parameters = {0x1111, 0x2222222222, 0xFFFFF80000003333, 4};
  request.system_time = 134116992000000000ULL;
  request.up_time = 1234567890;
  return request;
}

std::vector<PageRun> random_runs(Random& random, std::size_t runs) {
  std::vector<PageRun> result;
  Pfn at = random.below(3);
  for (std::size_t i = 0; i < runs; ++i) {
    const std::uint64_t pages = 1 + random.below(40);
    result.push_back({at, pages});
    at += pages + 1 + random.below(300);
  }
  return result;
}

std::optional<PageSet> random_selection(Random& random, const std::vector<PageRun>& memory) {
  std::vector<PageRun> chosen;
  for (const PageRun& run : memory) {
    if (random.below(4) == 0) continue;
    const std::uint64_t skip = random.below(run.pages);
    chosen.push_back({run.base + skip, 1 + random.below(run.pages - skip)});
  }
  if (chosen.empty()) chosen.push_back({memory.front().base, 1});
  Result<PageSet> set = PageSet::of_runs(chosen);
  EXPECT_TRUE(set) << set.error().message;
  return *std::move(set);
}

std::vector<std::byte> write_dump(const DumpLayout& layout, const MemorySource& source, bool header_valid_last) {
  std::vector<std::byte> file(layout.size(), std::byte{0xEE});
  const auto put = [&file](std::uint64_t offset, std::span<const std::byte> bytes) {
    ASSERT_LE(offset + bytes.size(), file.size());
    std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  for (const SectionPlace& place : layout.sections(header_valid_last)) {
    switch (place.section) {
      case Section::header_not_valid:
        put(place.file_offset, layout.header_not_valid());
        break;
      case Section::header_valid:
        put(place.file_offset, layout.header());
        break;
      case Section::header_made_valid:
        put(place.file_offset, layout.header().first(place.length));
        break;
      case Section::secondary:
        put(place.file_offset, layout.secondary());
        break;
      case Section::bitmap: {
        std::vector<std::byte> piece(3 * 512);  // odd pieces: the bitmap must not care
        for (std::uint64_t done = 0; done < place.length;) {
          const std::uint64_t length = std::min<std::uint64_t>(piece.size(), place.length - done);
          layout.bitmap_bytes(done, std::span(piece).first(length));
          put(place.file_offset + done, std::span(piece).first(length));
          done += length;
        }
        break;
      }
      case Section::pages: {
        std::uint64_t at = place.file_offset;
        while (const auto piece = layout.pages_at(at, 16)) {
          std::vector<std::byte> pages(piece->count * page_size);
          source.read_pages(piece->first, piece->count, pages.data());
          put(piece->file_offset, pages);
          at = piece->file_offset + pages.size();
        }
        EXPECT_EQ(at, place.file_offset + place.length);
        break;
      }
    }
  }
  return file;
}

DumpLayout plan_or_fail(DumpRequest request) {
  Result<DumpLayout> layout = DumpLayout::plan(std::move(request));
  if (!layout) {
    ADD_FAILURE() << layout.error().message;
    std::abort();
  }
  return *std::move(layout);
}

std::shared_ptr<const ByteReader> bytes_of(std::vector<std::byte> bytes) {
  return memory_bytes("test.dmp", std::move(bytes));
}

std::string refusal(std::vector<std::byte> bytes) {
  const Result<DumpReader> dump = DumpReader::open(bytes_of(std::move(bytes)));
  return dump ? "" : dump.error().message;
}

std::uint64_t peek(const std::vector<std::byte>& bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(bytes.at(offset + i)) << 8 * i;
  return value;
}

Scratch::Scratch() {
  std::string pattern = (std::filesystem::temp_directory_path() / "dumpsim-dumpfile-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  folder_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::filesystem::path Scratch::file(const std::string& name, const std::vector<std::byte>& bytes) const {
  const std::filesystem::path path = folder_ / name;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  EXPECT_TRUE(out) << path;
  return path;
}

CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, n);
  const int status = ::pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace dumpsim::dumpfile
