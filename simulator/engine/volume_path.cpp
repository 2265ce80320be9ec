// SPDX-License-Identifier: Apache-2.0
#include "engine/volume_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "dumpfile/compare_paths.hpp"

namespace dumpsim::engine {
namespace {

using dumpfile::PathComparison;
using scenario::Recovered;

std::string place(const PathComparison::Difference& at, const disk::ExtentMap& file) {
  const disk::Extent piece = file.piece(at.file_offset, 1);
  std::string text = fmt::format("partition offset {:#x} (file offset {:#x}", piece.at.bytes, at.file_offset);
  if (at.pfn) text += fmt::format(", sector {} of pfn {:#x}", at.file_offset % page_size / 512, *at.pfn);
  return text + ")";
}

std::string whose(PathComparison::Right right, bool with_filters) {
  switch (right) {
    case PathComparison::Right::first:
      return "the volume gives back what memory held, DumpRead does not";
    case PathComparison::Right::second:
      return with_filters ? "DumpRead gives back what memory held, the volume does not"
                          : "the volume gives back something else than memory held";
    case PathComparison::Right::neither:
      return "neither the volume nor DumpRead gives back what memory held";
    case PathComparison::Right::unknown:
      break;
  }
  return "the volume and DumpRead give back different bytes of the dump's header, bitmap or secondary data";
}

std::string described(const PathComparison& result, const disk::ExtentMap& file, bool with_filters) {
  if (result.different != 0) {
    return fmt::format("{} of {} sectors, the first at {}: {}", with_thousands(result.different),
                       with_thousands(result.sectors), place(*result.difference, file),
                       whose(result.difference->right, with_filters));
  }
  if (result.alike_wrong != 0) {
    return fmt::format("volume and DumpRead agree, but {} of {} sectors are not what memory held, the first at {}",
                       with_thousands(result.alike_wrong), with_thousands(result.sectors), place(*result.wrong, file));
  }
  return fmt::format("{} sectors, {}", with_thousands(result.sectors),
                     with_filters ? "as DumpRead gives them back and memory held them" : "as memory held them");
}

}  // namespace

Result<VolumePath> compare_volume_path(const ReadBack& volume, const ReadBack& filters, const disk::ExtentMap& file,
                                       const dumpfile::MemorySource& memory, std::uint32_t sector_size) {
  if (!volume.bytes) return VolumePath{Recovered::unreadable, volume.why_not};
  std::uint64_t bytes = volume.bytes->size();
  if (filters.bytes) bytes = std::min(bytes, filters.bytes->size());
  // Where which page lies: as one of the two says that is a dump. DumpRead's comes first: its writer is its reader.
  std::optional<dumpfile::DumpReader> layout;
  for (const auto& reading : {filters.bytes, volume.bytes}) {
    if (layout || !reading) continue;
    if (auto dump = dumpfile::DumpReader::open(reading)) layout = std::move(*dump);
  }
  if (!layout && !filters.bytes) {
    return VolumePath{Recovered::different,
                      fmt::format("what the volume gives back is no dump, and there is no other reading to compare it "
                                  "with: {}",
                                  filters.why_not)};
  }
  auto result = dumpfile::compare_paths(*volume.bytes, filters.bytes.get(), layout ? &*layout : nullptr, memory, bytes,
                                        sector_size);
  if (!result) return result.error();
  const bool good = result->identical() && result->alike_wrong == 0;
  return VolumePath{good ? Recovered::identical : Recovered::different,
                    described(*result, file, filters.bytes != nullptr)};
}

}  // namespace dumpsim::engine
