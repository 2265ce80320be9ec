// SPDX-License-Identifier: Apache-2.0
#include "engine/dump_places.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace dumpsim::engine {

Result<std::optional<dumpfile::DumpLayout>> layout_as_written(const Plan& plan, const DumpAccount& account,
                                                              const File& account_file) {
  if (!plan.layout) return std::optional<dumpfile::DumpLayout>();
  std::optional<dumpfile::DumpLayout> layout = plan.layout;
  if (!account.added.empty() || !account.removed.empty()) {
    auto pages = layout->pages().changed(account.added, account.removed);
    if (!pages) return pages.error();
    if (auto set = layout->set_pages(std::move(*pages)); !set) return set.error();
  }
  if (!account.blobs.empty()) {
    std::vector<dumpfile::SecondaryBlob> blobs;
    for (const DumpAccount::Blob& blob : account.blobs) {
      auto bytes = bytes_of(account_file, blob);
      if (!bytes) return bytes.error();
      blobs.push_back({blob.guid, std::move(*bytes)});
    }
    if (auto set = layout->set_secondary(blobs); !set) return set.error();
  }
  return layout;
}

std::string_view name_of(DumpPlaces::Where where) {
  using Where = DumpPlaces::Where;
  switch (where) {
    case Where::header:
      return "header";
    case Where::bitmap:
      return "bitmap";
    case Where::pages:
      return "page data";
    case Where::secondary:
      return "secondary data";
    case Where::rest_of_dump:
      return "behind the dump";
    case Where::hibernation:
      return "hibernation file";
    case Where::log:
      return "dump log";
    case Where::partition:
      return "in none of the dump stack's files";
    case Where::disk:
      break;
  }
  return "outside of the partition";
}

DumpPlaces::Where DumpPlaces::part_of_dump(std::uint64_t file_offset) const {
  if (layout_ == nullptr) return Where::rest_of_dump;
  if (file_offset < dumpfile::header_bytes) return Where::header;
  if (file_offset < layout_->first_page_offset()) return Where::bitmap;
  if (file_offset < layout_->secondary_offset()) return Where::pages;
  return file_offset < layout_->size() ? Where::secondary : Where::rest_of_dump;
}

DumpPlaces::Place DumpPlaces::at(DiskOffset at) const {
  Place place;
  if (at < plan_.partition_start || at.bytes - plan_.partition_start.bytes >= plan_.partition_size) return place;
  const PartitionOffset on_partition{at.bytes - plan_.partition_start.bytes};
  if (const auto offset = plan_.dump_file.file_offset_of(on_partition)) {
    place.where = part_of_dump(*offset);
    place.file_offset = *offset;
  } else if (const auto hibernation = plan_.hibernation_file.file_offset_of(on_partition)) {
    place.where = Where::hibernation;
    place.file_offset = *hibernation;
  } else if (const auto log = plan_.log_file.file_offset_of(on_partition)) {
    place.where = Where::log;
    place.file_offset = *log;
  } else {
    place.where = Where::partition;
  }
  return place;
}

std::string DumpPlaces::words(DiskOffset at) const {
  const Place place = this->at(at);
  switch (place.where) {
    case Where::disk:
    case Where::partition:
      return fmt::format("disk offset {:#x} ({})", at.bytes, name_of(place.where));
    case Where::hibernation:
    case Where::log:
      return fmt::format("disk offset {:#x} ({} offset {:#x})", at.bytes, name_of(place.where), place.file_offset);
    default:
      return fmt::format("disk offset {:#x} (dump file offset {:#x}, {})", at.bytes, place.file_offset,
                         name_of(place.where));
  }
}

std::optional<Pfn> DumpPlaces::page_at(std::uint64_t file_offset) const {
  if (part_of_dump(file_offset) != Where::pages) return std::nullopt;
  const auto piece = layout_->pages_at(file_offset / page_size * page_size, 1);
  return piece ? std::optional(piece->first) : std::nullopt;
}

std::string DumpPlaces::words_in_dump(std::uint64_t file_offset) const {
  const auto page = page_at(file_offset);
  return page ? fmt::format("byte {:#x} of pfn {:#x}", file_offset % page_size, *page)
              : std::string(name_of(part_of_dump(file_offset)));
}

}  // namespace dumpsim::engine
