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

/// What the two readings are.
struct Readings {
  bool with_filters = false;
  bool volume_is_dump = false;
  bool filters_are_dump = false;
};

std::string whose(PathComparison::Right right, const Readings& readings) {
  switch (right) {
    case PathComparison::Right::first:
      return "the volume gives back what memory held, DumpRead does not";
    case PathComparison::Right::second:
      return readings.with_filters ? "DumpRead gives back what memory held, the volume does not"
                                   : "the volume gives back something else than memory held";
    case PathComparison::Right::neither:
      return "neither the volume nor DumpRead gives back what memory held";
    case PathComparison::Right::unknown:
      break;
  }
  // No page lies there; but only one of them may begin as a dump does.
  if (readings.filters_are_dump && !readings.volume_is_dump) {
    return "what DumpRead gives back is a dump, what the volume gives back is none";
  }
  if (readings.volume_is_dump && !readings.filters_are_dump) {
    return "what the volume gives back is a dump, what DumpRead gives back is none";
  }
  return "the volume and DumpRead give back different bytes of the dump's header, bitmap or secondary data";
}

std::string described(const PathComparison& result, const disk::ExtentMap& file, const Readings& readings) {
  if (result.different != 0) {
    return fmt::format("{} of {} sectors, the first at {}: {}", with_thousands(result.different),
                       with_thousands(result.sectors), place(*result.difference, file),
                       whose(result.difference->right, readings));
  }
  if (result.alike_wrong != 0) {
    return fmt::format("volume and DumpRead agree, but {} of {} sectors are not what memory held, the first at {}",
                       with_thousands(result.alike_wrong), with_thousands(result.sectors), place(*result.wrong, file));
  }
  return fmt::format(
      "{} sectors, {}", with_thousands(result.sectors),
      readings.with_filters ? "as DumpRead gives them back and memory held them" : "as memory held them");
}

}  // namespace

Result<VolumePath> compare_volume_path(const ReadBack& volume, const ReadBack& filters, const disk::ExtentMap& file,
                                       const dumpfile::MemorySource& memory, std::uint32_t sector_size) {
  if (!volume.bytes) return VolumePath{Recovered::unreadable, volume.why_not};
  std::uint64_t bytes = volume.bytes->size();
  if (filters.bytes) bytes = std::min(bytes, filters.bytes->size());
  const auto dump_of = [](const ReadBack& reading) -> std::optional<dumpfile::DumpReader> {
    if (!reading.bytes) return std::nullopt;
    auto dump = dumpfile::DumpReader::open(reading.bytes);
    if (!dump) return std::nullopt;
    return std::move(*dump);
  };
  std::optional<dumpfile::DumpReader> of_volume = dump_of(volume), of_filters = dump_of(filters);
  const Readings readings{filters.bytes != nullptr, of_volume.has_value(), of_filters.has_value()};
  // Where which page lies is what a dump says itself. DumpRead's comes first: its writer is its reader.
  const std::optional<dumpfile::DumpReader>& layout = of_filters ? of_filters : of_volume;
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
  return VolumePath{good ? Recovered::identical : Recovered::different, described(*result, file, readings)};
}

}  // namespace dumpsim::engine
