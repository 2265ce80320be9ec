// SPDX-License-Identifier: Apache-2.0
// Reads 64-bit kernel dumps that anyone may have written: every number in the file is outside bytes until it has been
// checked against the file's size. What opens here can be read to its end; what cannot be is refused with one message
// that names the file, the offset and what was expected there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/page_set.hpp"

namespace dumpsim::dumpfile {

/// What unset 32-bit and 64-bit fields of a header hold: the filler `PAGE` [seen: real dumps].
inline constexpr std::uint32_t unset32 = 0x45474150;
inline constexpr std::uint64_t unset64 = 0x4547415045474150;

/// DUMP_HEADER64's fields as they stand in the file; unset ones hold unset32 or unset64.
struct DumpHeader {
  std::uint32_t major_version, minor_version;
  std::uint64_t directory_table_base, pfn_database, ps_loaded_module_list, ps_active_process_head;
  std::uint32_t machine, processors;
  std::uint32_t bugcheck_code;
  std::array<std::uint64_t, 4> bugcheck_parameters;
  std::uint64_t kd_debugger_block;
  std::uint32_t exception_code, exception_flags;
  std::uint64_t exception_address;
  std::uint32_t type;
  std::uint64_t required_space;
  std::uint64_t system_time;  ///< FILETIME
  std::uint64_t up_time;      ///< 100 ns
  std::uint32_t mini_dump_fields, secondary_state, product_type, suite_mask, writer_status;
  std::uint32_t attributes, boot_id;
};
inline constexpr std::uint32_t machine_amd64 = 0x8664;
inline constexpr std::uint32_t machine_arm64 = 0xAA64;
inline constexpr std::uint32_t attribute_filtered = 1u << 6;   ///< FilterDumpFile [doc]
inline constexpr std::uint32_t attribute_encrypted = 1u << 8;  ///< EncryptedDumpData [doc]

/// The block at 0x2000 of types 5 and 6.
struct BitmapFacts {
  std::array<char, 4> signature;  ///< SDMP or FDMP
  std::uint32_t options;
  std::uint64_t first_page, present, bits;
};

/// The block at 0x2000 of type 4, as far as it says how much there is.
struct TriageFacts {
  std::uint32_t size, valid_offset, stack_offset, stack_size, driver_list_offset, drivers, data_blocks;
  std::uint64_t top_of_stack;
};

struct SecondaryPlace {
  std::array<std::byte, 16> guid;
  std::uint64_t file_offset;  ///< of its data
  std::uint32_t size;
};

class DumpReader {
 public:
  /// Reads types 1, 5, 6, the debugger's range dumps 8, 9, 10, and the frame of type 4 (which has no pages to serve).
  /// Refuses everything else by name, and whatever is truncated or contradicts itself. Costs one bit a page.
  static Result<DumpReader> open(std::shared_ptr<const ByteReader> bytes);
  static Result<DumpReader> open_file(const std::filesystem::path& path);

  const std::string& name() const { return bytes_->name(); }
  std::uint64_t file_size() const { return bytes_->size(); }
  const DumpHeader& header() const { return header_; }
  /// The header's bytes (header_bytes of them): context record, comment and whatever else a caller wants.
  std::span<const std::byte> header_span() const { return raw_header_; }
  /// The header's PhysicalMemoryBlock; empty when unset or, in a form that does not use it, unusable.
  std::span<const PageRun> header_runs() const { return header_runs_; }
  const std::optional<BitmapFacts>& bitmap() const { return bitmap_; }
  const std::optional<TriageFacts>& triage() const { return triage_; }

  const PageSet& pages() const { return pages_; }
  bool present(Pfn pfn) const { return pages_.contains(pfn); }
  std::uint64_t first_page_offset() const { return first_page_; }
  /// Where a stored page lies in the file. REQUIRES: present(pfn).
  std::uint64_t offset_of(Pfn pfn) const { return first_page_ + pages_.rank(pfn) * page_size; }
  /// One page. Fails when it is not stored. REQUIRES: into.size() == page_size.
  Result<void> read_page(Pfn pfn, std::span<std::byte> into) const;
  /// Consecutive stored pages. REQUIRES: all of them are present; into.size() is a multiple of the page size.
  Result<void> read_pages(Pfn first, std::span<std::byte> into) const;
  /// The same where they lie in memory, or nullptr.
  const std::byte* lend_pages(Pfn first, std::uint64_t count) const {
    return bytes_->lend(offset_of(first), count * page_size);
  }

  /// Bytes of the primary dump: header to last page, or the triage dump's own size.
  std::uint64_t primary_size() const { return primary_size_; }
  std::span<const SecondaryPlace> secondary() const { return secondary_; }
  /// End of the blob section, or primary_size() without one.
  std::uint64_t secondary_end() const { return secondary_end_; }
  /// How much of the bytes is the dump: what the next boot copies out of a page file larger than that: the larger of
  /// RequiredDumpSpace (as far as there are bytes) and the end of the blobs [assumed].
  std::uint64_t recovered_size() const;

 private:
  friend class DumpParser;
  DumpReader() = default;
  std::shared_ptr<const ByteReader> bytes_;
  std::vector<std::byte> raw_header_;
  DumpHeader header_{};
  std::vector<PageRun> header_runs_;
  std::optional<BitmapFacts> bitmap_;
  std::optional<TriageFacts> triage_;
  PageSet pages_;
  std::uint64_t first_page_ = 0;
  std::uint64_t primary_size_ = 0;
  std::vector<SecondaryPlace> secondary_;
  std::uint64_t secondary_end_ = 0;
};

/// "complete memory dump", "bitmap dump (kernel, automatic or active)" …; empty for an unknown type.
std::string_view name_of_type(std::uint32_t type);
/// The dump in words, several lines, for `dumpsim inspect`.
std::string describe(const DumpReader& dump);

}  // namespace dumpsim::dumpfile
