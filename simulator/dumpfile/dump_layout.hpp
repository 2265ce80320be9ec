// SPDX-License-Identifier: Apache-2.0
// A dump file as bytes, before any of it is written: how large it is, what stands at which offset, and in what order
// the real stack writes it. No I/O happens here and no page is held: the dump stack asks for the header, for pieces of
// the bitmap and for the next pages, and makes writes of them itself. docs/dump-formats.md says what rests on what
// evidence.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/memory_source.hpp"
#include "dumpfile/page_set.hpp"

namespace dumpsim::dumpfile {

inline constexpr std::size_t header_bytes = 0x2000;  ///< of a 64-bit dump [doc]
inline constexpr std::size_t full_form_runs = 42;    ///< room in PhysicalMemoryBlock: (700 - 16) / 16 [doc]

enum class DumpKind : std::uint8_t { complete, kernel, automatic, active };
enum class DumpForm : std::uint8_t {
  full,    ///< DumpType 1: the header's runs say where pages belong; complete dumps only
  bitmap,  ///< DumpType 5 (complete, FDMP) or 6 (the others, SDMP)
};

/// A bugcheck callback's data (KbCallbackSecondaryDumpData): stored behind the pages under its GUID.
struct SecondaryBlob {
  std::array<std::byte, 16> guid{};
  std::vector<std::byte> bytes;
};
/// Windows reserves up to 256 MiB for all blobs together behind the primary dump [doc: Windows Internals 6].
inline constexpr std::uint64_t secondary_limit = std::uint64_t{256} << 20;

/// Kernel addresses the header names. The defaults are plausible places of a Windows 10 or 11 kernel; nothing is at
/// them: simulated memory stays what its source says, so readers that walk page tables find a pattern.
struct KernelAddresses {
  std::uint64_t directory_table_base = 0x1AD000;              // physical
  std::uint64_t pfn_database = 0xFFFFF80410CFC500;            // of the variable MmPfnDatabase, not the array
  std::uint64_t ps_loaded_module_list = 0xFFFFF80410C2A390;   // LIST_ENTRY
  std::uint64_t ps_active_process_head = 0xFFFFF80410C1E200;  // LIST_ENTRY
  std::uint64_t kd_debugger_block = 0xFFFFF80410C00B20;       // KDDEBUGGER_DATA64
  std::uint64_t instruction_pointer = 0xFFFFF804103F5780;     // of the crashing processor, in KeBugCheckEx
  std::uint64_t stack_pointer = 0xFFFFF80413E6B3C8;
};

struct DumpRequest {
  DumpKind kind = DumpKind::complete;
  DumpForm form = DumpForm::bitmap;
  std::vector<PageRun> memory;   ///< all RAM of the machine: ascending, apart, not empty
  std::optional<PageSet> pages;  ///< what a kernel, automatic or active dump stores; absent: all of `memory`
  std::uint32_t build = 22000;   ///< MinorVersion
  std::uint32_t processors = 1;
  std::uint32_t bugcheck_code = 0;
  std::array<std::uint64_t, 4> bugcheck_parameters{};
  KernelAddresses addresses;
  std::uint64_t system_time = 0;  ///< FILETIME, UTC
  std::uint64_t up_time = 0;      ///< 100 ns units since boot
  std::string comment;            ///< ASCII, up to 127 characters; empty leaves the field unset, as Windows does
  std::vector<SecondaryBlob> secondary;
};

enum class Section : std::uint8_t {
  header_not_valid,   ///< the header without its second half of the magic: the next boot ignores the file
  header_valid,       ///< the header as it stays
  bitmap,             ///< bitmap header, bitmap, zeros up to the first page
  pages,              ///< see DumpLayout::pages_at
  secondary,          ///< the bugcheck callbacks' blobs
  header_made_valid,  ///< the header's first page once more, valid
};
std::string_view name_of(Section section);  ///< "header-not-valid"

struct SectionPlace {
  Section section = Section::header_valid;
  std::uint64_t file_offset = 0;
  std::uint64_t length = 0;
};

/// Consecutive pages at consecutive file offsets.
struct PagePiece {
  std::uint64_t file_offset = 0;
  Pfn first = 0;
  std::uint64_t count = 0;
};

class DumpLayout {
 public:
  /// Fails, with the reason, when the form cannot hold the request: more than 42 runs in the full form, an empty run,
  /// pages outside of memory, a full form of anything but a complete dump, blobs over secondary_limit.
  static Result<DumpLayout> plan(DumpRequest request);

  /// Other pages than were planned, as bugcheck callbacks add and remove them before the first is written; they may lie
  /// beyond memory (pool, images). None at all is fine. Fails beyond what a bitmap reaches. REQUIRES: type() is not 1.
  Result<void> set_pages(PageSet pages);
  /// The callbacks' data, known once the pages are written. RequiredDumpSpace covers it from then on [seen: real small
  /// dumps]. Fails over secondary_limit.
  Result<void> set_secondary(std::span<const SecondaryBlob> blobs);

  std::uint32_t type() const { return type_; }  ///< DumpType: 1, 5 or 6
  /// Bytes of the whole file, blobs included.
  std::uint64_t size() const { return secondary_offset_ + secondary_.size(); }
  /// RequiredDumpSpace: what the next boot has to copy.
  std::uint64_t required_space() const { return size(); }
  /// Where blobs go: header, bitmap and pages end here.
  std::uint64_t secondary_offset() const { return secondary_offset_; }
  std::uint64_t first_page_offset() const { return first_page_; }
  const PageSet& pages() const { return pages_; }

  /// header_bytes bytes, `PAGE`-filled where unset.
  std::span<const std::byte> header() const { return header_; }
  /// The same with ValidDump unset.
  std::span<const std::byte> header_not_valid() const { return not_valid_; }
  /// Of the bitmap section, a multiple of the page size with the header in front of it; 0 in the full form.
  std::uint64_t bitmap_length() const { return first_page_ - header_bytes; }
  /// Bytes of the bitmap section from `offset` (0 is its first byte) on. REQUIRES: within bitmap_length().
  void bitmap_bytes(std::uint64_t offset, std::span<std::byte> out) const;
  /// The blob section; empty without blobs.
  std::span<const std::byte> secondary() const { return secondary_; }

  /// The pages that stand at `file_offset` and behind it: at most `limit`, as far as their PFNs are consecutive.
  /// Nothing when `file_offset` is not in the pages section. In file order: ask again at the end of each piece.
  /// REQUIRES: file_offset is first_page_offset() plus a multiple of the page size.
  std::optional<PagePiece> pages_at(std::uint64_t file_offset, std::uint64_t limit = UINT64_MAX) const;

  /// What is written, in order. `header_valid_last`: not valid first, its first page made valid at the very end, so
  /// that a dump cut short is never taken for one [assumed; precedent: Microsoft's offline dump marks DUMP_VALID last].
  std::vector<SectionPlace> sections(bool header_valid_last) const;

  /// Any bytes of the finished (valid) file, pages taken from `source`. REQUIRES: within size().
  void fill(std::uint64_t file_offset, std::span<std::byte> out, const MemorySource& source) const;

 private:
  void place_pages();
  void store_required_space();
  std::vector<std::byte> header_, not_valid_, bitmap_front_, secondary_;
  PageSet pages_;
  Pfn memory_end_ = 0;
  std::uint32_t type_ = 0;
  std::uint32_t build_ = 0;
  std::uint64_t first_page_ = 0;
  std::uint64_t secondary_offset_ = 0;
};

}  // namespace dumpsim::dumpfile
