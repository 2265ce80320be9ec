// SPDX-License-Identifier: Apache-2.0
// Parses a dump. DumpParser checks one block after the other and gives up at the first thing that is wrong, with the
// offset of the field that says so; DumpReader then only serves what was checked.
#include "dumpfile/dump_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "dumpfile/header64.hpp"
#include "dumpfile/little_endian.hpp"

namespace dumpsim::dumpfile {
namespace {

namespace at = header64;

constexpr std::size_t secondary_count_limit = 4096;
constexpr std::size_t range_count_limit = std::size_t{1} << 20;

/// Why a file that is no 64-bit kernel dump is none, by its first bytes.
std::string refusal_of(std::string_view magic) {
  const auto begins = [magic](std::string_view with) { return magic.substr(0, with.size()) == with; };
  if (begins("PAGEDUMP")) return "this is a 32-bit kernel dump, expected a 64-bit one (PAGEDU64)";
  if (begins("PAGEPAGE")) {
    return "the dump was begun and never made valid (ValidDump is unset), expected a finished 64-bit kernel dump";
  }
  if (begins("MDMP")) return "this is a user minidump, expected a 64-bit kernel dump (PAGEDU64)";
  if (begins("Raw_Dmp!")) return "this is a firmware offline dump, expected a 64-bit kernel dump (PAGEDU64)";
  if (begins("Enc_Dmp!")) return "this is an encrypted firmware offline dump, expected a 64-bit kernel dump (PAGEDU64)";
  for (const char* word : {"HIBR", "WAKE", "RSTR", "hibr", "wake"}) {
    if (begins(word)) return "this is a hibernation file, expected a 64-bit kernel dump (PAGEDU64)";
  }
  std::string shown;
  for (const char c : magic) shown += c >= ' ' && c <= '~' ? c : '.';
  return fmt::format("the first bytes are \"{}\", expected a 64-bit kernel dump (PAGEDU64)", shown);
}

}  // namespace

class DumpParser {
 public:
  explicit DumpParser(std::shared_ptr<const ByteReader> bytes) { dump_.bytes_ = std::move(bytes); }

  Result<DumpReader> parse() {
    if (Result<void> done = parse_header(); !done) return std::move(done).error();
    Result<void> body;
    switch (dump_.header_.type) {
      case 1:
        body = parse_full();
        break;
      case 4:
        body = parse_triage();
        break;
      case 5:
      case 6:
        body = parse_bitmap();
        break;
      case 8:
      case 9:
      case 10:
        body = parse_ranges();
        break;
      case 2:
        return fail(at::dump_type,
                    "DumpType 2 is a kernel summary dump of Windows 7 and older, expected type 1, 4, 5, 6, 8, 9 or 10");
      case 3:
        return fail(at::dump_type, "DumpType 3 is a header without memory, expected type 1, 4, 5, 6, 8, 9 or 10");
      default:
        return fail(at::dump_type,
                    fmt::format("DumpType {} is unknown, expected type 1, 4, 5, 6, 8, 9 or 10", dump_.header_.type));
    }
    if (!body) return std::move(body).error();
    if (Result<void> done = parse_secondary(); !done) return std::move(done).error();
    return std::move(dump_);
  }

 private:
  std::uint64_t size() const { return dump_.bytes_->size(); }

  Error fail(std::uint64_t offset, std::string_view message) const {
    return Error{fmt::format("{}: offset {:#x}: {}", dump_.bytes_->name(), offset, message)};
  }

  /// `length` bytes from `offset`, once it is certain that the file has them.
  Result<std::vector<std::byte>> bytes_at(std::uint64_t offset, std::uint64_t length, std::string_view what) const {
    if (offset > size() || length > size() - offset) {
      return fail(offset, fmt::format("the file ends at {:#x}, expected {} bytes of {}", size(), length, what));
    }
    std::vector<std::byte> bytes(length);
    if (Result<void> read = dump_.bytes_->read_at(offset, bytes); !read) return std::move(read).error();
    return bytes;
  }

  Result<void> parse_header() {
    const std::uint64_t magic_bytes = std::min<std::uint64_t>(8, size());
    Result<std::vector<std::byte>> magic = bytes_at(0, magic_bytes, "magic");
    if (!magic) return std::move(magic).error();
    const std::string_view text(reinterpret_cast<const char*>(magic->data()), magic->size());
    if (text.empty()) return fail(0, "the file is empty, expected a 64-bit kernel dump (PAGEDU64)");
    if (text != "PAGEDU64") return fail(0, refusal_of(text));
    Result<std::vector<std::byte>> raw = bytes_at(0, header_bytes, "header");
    if (!raw) return std::move(raw).error();
    dump_.raw_header_ = *std::move(raw);

    const std::span<const std::byte> from(dump_.raw_header_);
    const auto u32 = [from](std::size_t offset) { return load<std::uint32_t>(from, offset); };
    const auto u64 = [from](std::size_t offset) { return load<std::uint64_t>(from, offset); };
    DumpHeader& header = dump_.header_;
    header.major_version = u32(at::major_version);
    header.minor_version = u32(at::minor_version);
    header.directory_table_base = u64(at::directory_table_base);
    header.pfn_database = u64(at::pfn_database);
    header.ps_loaded_module_list = u64(at::ps_loaded_module_list);
    header.ps_active_process_head = u64(at::ps_active_process_head);
    header.machine = u32(at::machine);
    header.processors = u32(at::processors);
    header.bugcheck_code = u32(at::bugcheck_code);
    for (std::size_t i = 0; i < 4; ++i) header.bugcheck_parameters[i] = u64(at::bugcheck_parameters + 8 * i);
    header.kd_debugger_block = u64(at::kd_debugger_block);
    header.exception_code = u32(at::exception);
    header.exception_flags = u32(at::exception + 0x04);
    header.exception_address = u64(at::exception + 0x10);
    header.type = u32(at::dump_type);
    header.required_space = u64(at::required_space);
    header.system_time = u64(at::system_time);
    header.up_time = u64(at::up_time);
    header.mini_dump_fields = u32(at::mini_dump_fields);
    header.secondary_state = u32(at::secondary_state);
    header.product_type = u32(at::product_type);
    header.suite_mask = u32(at::suite_mask);
    header.writer_status = u32(at::writer_status);
    header.attributes = u32(at::attributes);
    header.boot_id = u32(at::boot_id);
    return read_header_runs();
  }

  /// The PhysicalMemoryBlock. Only the full form depends on it; elsewhere an unusable one is left out.
  Result<void> read_header_runs() {
    const std::span<const std::byte> from(dump_.raw_header_);
    const bool needed = dump_.header_.type == 1;
    const auto count = load<std::uint32_t>(from, at::run_count);
    if (count == 0 || count > full_form_runs) {
      if (!needed) return {};
      const std::string shown = count == unset32 ? "unset" : std::to_string(count);
      return fail(at::run_count, fmt::format("NumberOfRuns is {}, expected 1 to {}", shown, full_form_runs));
    }
    std::vector<PageRun> runs(count);
    for (std::size_t i = 0; i < count; ++i) {
      runs[i].base = load<std::uint64_t>(from, at::runs + 16 * i);
      runs[i].pages = load<std::uint64_t>(from, at::runs + 16 * i + 8);
    }
    Result<PageSet> set = PageSet::of_runs(runs);
    if (!set) return needed ? Result<void>(fail(at::runs, set.error().message)) : Result<void>();
    const auto pages = load<std::uint64_t>(from, at::run_pages);
    if (pages != set->count()) {
      if (!needed) return {};
      return fail(at::run_pages,
                  fmt::format("NumberOfPages is {}, expected {}, the sum of the runs", pages, set->count()));
    }
    dump_.header_runs_ = std::move(runs);
    if (needed) dump_.pages_ = *std::move(set);
    return {};
  }

  /// The file must hold every page that the map promises.
  Result<void> place_pages(std::uint64_t first_page) {
    const std::uint64_t pages = dump_.pages_.count();
    if (first_page > size()) {
      return fail(size(), fmt::format("the file ends here, expected its first page at {:#x}", first_page));
    }
    if (pages > (size() - first_page) / page_size) {
      const std::uint64_t there = (size() - first_page) / page_size;
      return fail(size(), fmt::format("the file ends here, after {} of {} pages, expected {} bytes in all", there,
                                      pages, first_page + pages * page_size));
    }
    dump_.first_page_ = first_page;
    dump_.primary_size_ = first_page + pages * page_size;
    return {};
  }

  Result<void> parse_full() { return place_pages(header_bytes); }

  Result<void> parse_bitmap() {
    Result<std::vector<std::byte>> block = bytes_at(header_bytes, at::bitmap::map, "bitmap header");
    if (!block) return std::move(block).error();
    const std::span<const std::byte> from(*block);
    const auto signature = load<std::uint32_t>(from, at::bitmap::signature);
    if ((signature != at::sdmp_magic && signature != at::fdmp_magic) ||
        load<std::uint32_t>(from, at::bitmap::valid_dump) != at::dump_magic) {
      return fail(header_bytes, "no bitmap header, expected SDMPDUMP or FDMPDUMP");
    }
    BitmapFacts facts{};
    std::memcpy(facts.signature.data(), from.data(), facts.signature.size());
    facts.options = load<std::uint32_t>(from, at::bitmap::options);
    facts.first_page = load<std::uint64_t>(from, at::bitmap::first_page);
    facts.present = load<std::uint64_t>(from, at::bitmap::present);
    facts.bits = load<std::uint64_t>(from, at::bitmap::bits);
    if (facts.bits == 0 || facts.bits > bitmap_limit) {
      return fail(header_bytes + at::bitmap::bits,
                  fmt::format("the bitmap has {} bits, expected 1 to {} (16 TiB of memory)", facts.bits, bitmap_limit));
    }
    const std::uint64_t length = (facts.bits + 7) / 8;
    const std::uint64_t begin = header_bytes + at::bitmap::map;
    if (facts.first_page < begin + length) {
      return fail(header_bytes + at::bitmap::first_page,
                  fmt::format("the first page is at {:#x}, expected it behind the bitmap, which ends at {:#x}",
                              facts.first_page, begin + length));
    }
    if (begin + length > size()) {
      return fail(begin, fmt::format("the file ends at {:#x}, expected {} bytes of bitmap", size(), length));
    }
    std::vector<std::uint64_t> words((length + 7) / 8);
    const std::span<std::byte> map(reinterpret_cast<std::byte*>(words.data()), length);
    if (Result<void> read = dump_.bytes_->read_at(begin, map); !read) return std::move(read).error();
    dump_.pages_ = PageSet::of_bitmap(std::move(words), facts.bits);
    if (dump_.pages_.count() != facts.present) {
      return fail(header_bytes + at::bitmap::present, fmt::format("TotalPresentPages is {}, expected {}, the bits set",
                                                                  facts.present, dump_.pages_.count()));
    }
    dump_.bitmap_ = facts;
    return place_pages(facts.first_page);
  }

  /// The debugger's range dumps: a list of {pfn, count}, ended by pfn 0 (types 8, 9) or by the page sum (type 10).
  Result<void> parse_ranges() {
    constexpr std::uint64_t list = header_bytes + 0x30;
    Result<std::vector<std::byte>> block = bytes_at(header_bytes, 0x30, "range header");
    if (!block) return std::move(block).error();
    const std::span<const std::byte> from(*block);
    if (load<std::uint32_t>(from, 4) != at::rdmp_magic || load<std::uint32_t>(from, 8) != at::dump_magic) {
      return fail(header_bytes + 4, "no range header, expected RDMPDUMP");
    }
    const auto metadata = load<std::uint64_t>(from, 0x10);
    const auto first_page = load<std::uint64_t>(from, 0x18);
    if (first_page < list || first_page > size() || first_page - 0x2040 != metadata - 0x20 || metadata % 16 != 0) {
      return fail(header_bytes + 0x10,
                  fmt::format("MetadataSize {:#x} and FirstPageOffset {:#x} do not agree with each "
                              "other and the file's size {:#x}",
                              metadata, first_page, size()));
    }
    const bool complete = dump_.header_.type == 10;
    const auto promised = load<std::uint64_t>(from, 0x28);
    std::vector<PageRun> runs;
    std::uint64_t pages = 0;
    for (std::uint64_t offset = list; first_page - offset >= 16; offset += 16) {
      if (complete && pages >= promised) break;
      if (runs.size() == range_count_limit) {
        return fail(offset, fmt::format("more than {} ranges, expected at most that", range_count_limit));
      }
      Result<std::vector<std::byte>> entry = bytes_at(offset, 16, "range");
      if (!entry) return std::move(entry).error();
      const PageRun run{load<std::uint64_t>(*entry, 0), load<std::uint64_t>(*entry, 8)};
      if (!complete && run.base == 0) break;
      if (run.pages > pfn_limit)
        return fail(offset, fmt::format("a range of {:#x} pages passes physical memory", run.pages));
      runs.push_back(run);
      pages += run.pages;
    }
    if (complete && pages != promised) {
      return fail(header_bytes + 0x28,
                  fmt::format("TotalNumberOfPages is {}, expected {}, the sum of the ranges", promised, pages));
    }
    Result<PageSet> set = PageSet::of_runs(runs);
    if (!set) return fail(list, set.error().message);
    dump_.pages_ = *std::move(set);
    return place_pages(first_page);
  }

  Result<void> parse_triage() {
    Result<std::vector<std::byte>> block = bytes_at(header_bytes, 0x80, "triage header");
    if (!block) return std::move(block).error();
    const std::span<const std::byte> from(*block);
    const auto u32 = [from](std::size_t offset) { return load<std::uint32_t>(from, offset); };
    TriageFacts facts{};
    facts.size = u32(0x04);
    facts.valid_offset = u32(0x08);
    facts.stack_offset = u32(0x28);
    facts.stack_size = u32(0x2C);
    facts.driver_list_offset = u32(0x30);
    facts.drivers = u32(0x34);
    facts.data_blocks = u32(0x7C);
    facts.top_of_stack = load<std::uint64_t>(from, 0x48);
    if (facts.size < header_bytes + 0x80 || facts.size > size()) {
      return fail(header_bytes + 0x04,
                  fmt::format("SizeOfDump is {:#x}, expected at most the file's size {:#x}", facts.size, size()));
    }
    if (facts.valid_offset > facts.size - 4) {
      return fail(header_bytes + 0x08, fmt::format("ValidOffset is {:#x}, expected it inside the dump's {:#x} bytes",
                                                   facts.valid_offset, facts.size));
    }
    Result<std::vector<std::byte>> trailer = bytes_at(facts.valid_offset, 4, "trailer");
    if (!trailer) return std::move(trailer).error();
    if (std::memcmp(trailer->data(), "TRGD", 4) != 0) return fail(facts.valid_offset, "no trailer, expected TRGD");
    dump_.triage_ = facts;
    dump_.first_page_ = dump_.primary_size_ = facts.size;
    return {};
  }

  /// The blobs behind the dump. Whatever else stands there (a page file is larger than its dump) is not ours; but a
  /// section that begins must hold together.
  Result<void> parse_secondary() {
    std::uint64_t offset = dump_.secondary_end_ = dump_.primary_size_;
    if (size() - offset < at::blob::section_header) return {};
    Result<std::vector<std::byte>> front = bytes_at(offset, at::blob::section_header, "blob section");
    if (!front) return std::move(front).error();
    if (load<std::uint64_t>(*front, 0) != at::blob_magic) return {};
    if (load<std::uint32_t>(*front, 8) != at::blob::section_header) {
      return fail(offset + 8, fmt::format("the blob section's header has {:#x} bytes, expected {:#x}",
                                          load<std::uint32_t>(*front, 8), at::blob::section_header));
    }
    offset += at::blob::section_header;
    // A page file may hold an older dump's blobs behind this one's: RequiredDumpSpace ends what is ours, where it
    // covers blobs at all.
    const std::uint64_t required = dump_.header_.required_space;
    const std::uint64_t ours =
        required != unset64 && required > dump_.primary_size_ ? std::min(required, size()) : size();
    while (offset < ours && size() - offset >= at::blob::header) {
      Result<std::vector<std::byte>> header = bytes_at(offset, at::blob::header, "blob header");
      if (!header) return std::move(header).error();
      // No count and no terminator: the section ends with the file or where no further blob begins.
      if (load<std::uint32_t>(*header, 0) != at::blob::header) break;
      if (dump_.secondary_.size() == secondary_count_limit) {
        return fail(offset, fmt::format("more than {} blobs, expected at most that", secondary_count_limit));
      }
      const std::uint64_t pre_pad = load<std::uint32_t>(*header, at::blob::pre_pad);
      const std::uint64_t post_pad = load<std::uint32_t>(*header, at::blob::post_pad);
      SecondaryPlace place{};
      std::memcpy(place.guid.data(), header->data() + at::blob::tag, place.guid.size());
      place.size = load<std::uint32_t>(*header, at::blob::size);
      place.file_offset = offset + at::blob::header + pre_pad;
      const std::uint64_t behind = pre_pad + place.size + post_pad;
      if (behind > size() - offset - at::blob::header) {
        return fail(offset, fmt::format("a blob of {} bytes passes the file's end at {:#x}", behind, size()));
      }
      dump_.secondary_.push_back(place);
      offset += at::blob::header + behind;
    }
    if (const std::uint64_t rest = size() - offset; offset < ours && rest != 0 && rest < at::blob::header) {
      Result<std::vector<std::byte>> bytes = bytes_at(offset, rest, "blob header");
      if (!bytes) return std::move(bytes).error();
      if (std::any_of(bytes->begin(), bytes->end(), [](std::byte byte) { return byte != std::byte{0}; }))
        return fail(offset, fmt::format("the file ends inside a blob's header, {} bytes into it", rest));
    }
    dump_.secondary_end_ = offset;
    return {};
  }

  DumpReader dump_;
};

Result<DumpReader> DumpReader::open(std::shared_ptr<const ByteReader> bytes) {
  return DumpParser(std::move(bytes)).parse();
}

Result<DumpReader> DumpReader::open_file(const std::filesystem::path& path) {
  Result<std::shared_ptr<const ByteReader>> bytes = file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return open(*std::move(bytes));
}

Result<void> DumpReader::read_page(Pfn pfn, std::span<std::byte> into) const {
  assert(into.size() == page_size);
  if (!present(pfn)) return Error{fmt::format("{}: pfn {:#x} is not in the dump", name(), pfn)};
  return bytes_->read_at(offset_of(pfn), into);
}

Result<void> DumpReader::read_pages(Pfn first, std::span<std::byte> into) const {
  assert(into.size() % page_size == 0);
  assert(pages_.rank(first + into.size() / page_size) - pages_.rank(first) == into.size() / page_size);
  return bytes_->read_at(offset_of(first), into);
}

std::uint64_t DumpReader::recovered_size() const {
  const std::uint64_t required = header_.required_space == unset64 ? 0 : header_.required_space;
  return std::max(std::min(required, file_size()), secondary_end_);
}

}  // namespace dumpsim::dumpfile
