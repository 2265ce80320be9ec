// SPDX-License-Identifier: Apache-2.0
// A compiled Windows driver (.sys), mapped as Windows' kernel maps it: at an address of our choice, relocated, bound to
// the Microsoft-convention entry points of the exports, each section with its own protection. Unlike an ELF image it
// loads though imports are missing, because drivers link far more than they call as a dump filter [seen: VeraCrypt
// calls 14 of its 106 imports].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "loader/image.hpp"
#include "loader/pe_facts.hpp"

namespace dumpsim::loader {

class PeImage final : public Image {
 public:
  /// `file` is the whole of `path`. As Image::load.
  static Result<std::unique_ptr<Image>> load(const std::filesystem::path& path, std::span<const std::byte> file,
                                             const ExportTable& exports, const LoadOptions& options);
  ~PeImage() override;

  const PeFacts& facts() const { return facts_; }
  std::string_view missing_import_at(const void* address) const override;
  void discard_initialization() override;
  std::string_view discarded_section_at(const void* address) const override;

 private:
  PeImage(std::filesystem::path path, const LoadOptions& options, PeFacts facts);
  Result<void> map(std::span<const std::byte> file);
  void relocate();
  void bind(const ExportTable& exports);
  void seed_cookie();
  void fill_guard_slots();
  Result<void> protect();
  void find_functions();
  std::byte* at(std::uint32_t address) const { return reserved_ + address; }

  PeFacts facts_;
  std::uint64_t seed_;
  std::byte* reserved_ = nullptr;  // the image, a page nobody may touch, a page for each missing import
  std::size_t reserved_bytes_ = 0;
  std::vector<std::string> missing_;
  bool discarded_ = false;
};

}  // namespace dumpsim::loader
