// SPDX-License-Identifier: Apache-2.0
// The sidecar: what is where on a disk the simulator wrote, kept beside the image, so that `recover` needs no options.
// Windows has the file system and the registry for this; a simulated disk has neither. Read back it is untrusted: every
// field is checked against the others before anyone uses it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/offsets.hpp"
#include "base/result.hpp"
#include "disk/extents.hpp"

namespace dumpsim::disk {

struct Layout {
  std::uint32_t sector_size = 512;
  std::uint64_t disk_size = 0;
  DiskOffset partition_start;  ///< of the partition that holds the files
  std::uint64_t partition_size = 0;
  std::vector<Extent> dump_file;  ///< empty: there is none; so for the others
  std::vector<Extent> hibernation_file;
  std::vector<Extent> dump_log;
  /// What filters declared to add to every offset they write to: bytes, a sector multiple, either sign.
  std::int64_t shift = 0;
  friend bool operator==(const Layout&, const Layout&) = default;
};

/// Sectors of 512 or 4096; the partition on the disk; every extent a non-empty run of sectors of the partition, no two
/// of them, of whichever files, overlapping; a shift of whole sectors. Fails naming the key and what was expected.
Result<void> check_layout(const Layout& layout);

/// Where the sidecar of an image lies: the image's name with ".layout.json" after it, in the same folder.
std::filesystem::path layout_path(const std::filesystem::path& image);

/// The layout as JSON text: fixed key order, the same bytes for the same layout. REQUIRES: check_layout passes.
std::string layout_text(const Layout& layout);
/// The reverse. Every message is `NAME: key: what; expected what` (or NAME:LINE:COLUMN for text that is no JSON);
/// unknown, missing and repeated keys are errors.
Result<Layout> parse_layout(std::string_view text, std::string_view name);

/// The sidecar of `image`, written and not committed. Fails for a layout that check_layout refuses.
Result<NewFile> new_layout(const std::filesystem::path& image, const Layout& layout, bool replace);
/// Reads the sidecar of `image`; one larger than 64 MiB is refused.
Result<Layout> read_layout(const std::filesystem::path& image);

}  // namespace dumpsim::disk
