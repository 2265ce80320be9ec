// SPDX-License-Identifier: Apache-2.0
// What stands where on a disk that a machine has dumped to: for every oracle that finds something there and has to say
// in people's words what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"
#include "dumpfile/dump_layout.hpp"
#include "engine/dump_account.hpp"
#include "engine/plan.hpp"

namespace dumpsim::engine {

/// The dump as bug check callbacks have made it of what was planned; nothing when dumps are off.
Result<std::optional<dumpfile::DumpLayout>> layout_as_written(const Plan& plan, const DumpAccount& account,
                                                              const File& account_file);

class DumpPlaces {
 public:
  enum class Where : std::uint8_t { header, bitmap, pages, secondary, rest_of_dump, hibernation, log, partition, disk };
  struct Place {
    Where where = Where::disk;
    std::uint64_t file_offset = 0;  ///< of the files
  };

  /// Both outlive it; `layout` is nullptr when there is no dump.
  DumpPlaces(const Plan& plan, const dumpfile::DumpLayout* layout) : plan_(plan), layout_(layout) {}

  Place at(DiskOffset at) const;
  /// "disk offset 0x104000 (dump file offset 0x3000, page data)".
  std::string words(DiskOffset at) const;
  /// Which part of the dump file that is. REQUIRES: an offset of it.
  Where part_of_dump(std::uint64_t file_offset) const;
  /// "byte 0x10 of pfn 0x3" where pages lie, else the part's name.
  std::string words_in_dump(std::uint64_t file_offset) const;
  /// The page that lies there, in the page data of the dump file.
  std::optional<Pfn> page_at(std::uint64_t file_offset) const;

 private:
  const Plan& plan_;
  const dumpfile::DumpLayout* layout_;
};

std::string_view name_of(DumpPlaces::Where where);

}  // namespace dumpsim::engine
