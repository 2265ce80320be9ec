// SPDX-License-Identifier: Apache-2.0
// The reader behind read_pe(): headers and sections first (pe_facts.cpp), then one directory after the other
// (pe_directories.cpp). Nothing is believed: every address is checked against the sections and every offset against the
// file before it is used, and what a hostile table could repeat is counted.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/pe_facts.hpp"
#include "loader/pe_format.hpp"

namespace dumpsim::loader::pe {

inline constexpr std::uint32_t page = 4096;
inline constexpr std::uint32_t image_limit = std::uint32_t{256} << 20;
inline constexpr std::size_t name_limit = 4096;

inline std::uint64_t up_to(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

template <class... Arguments>
Error damaged(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return Error{"a damaged Windows image: " + fmt::format(format, std::forward<Arguments>(arguments)...)};
}

/// Names go into messages and traces: what no name has becomes a question mark.
inline std::string clean(std::string_view name) {
  std::string text(name);
  for (char& character : text) {
    if (character < 0x20 || character > 0x7E) character = '?';
  }
  return text;
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<PeFacts> read() {
    for (auto step :
         {&Reader::read_headers, &Reader::read_sections, &Reader::check_entry, &Reader::read_imports,
          &Reader::read_exports, &Reader::read_relocations, &Reader::read_functions, &Reader::read_load_config,
          &Reader::read_tls, &Reader::read_debug, &Reader::read_symbols, &Reader::read_certificates}) {
      if (Result<void> done = (this->*step)(); !done) return done.error();
    }
    return std::move(facts_);
  }

 private:
  // ---- bounded access ----
  bool in_file(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  /// REQUIRES: in_file.
  template <class T>
  T at(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  /// The file's bytes that are mapped from `address` on, to the end of their section; empty when there are none.
  std::span<const std::byte> mapped_from(std::uint64_t address) const {
    if (address < facts_.header_bytes) return bytes_.subspan(address, facts_.header_bytes - address);
    const PeSection* section = address > image_limit ? nullptr : facts_.section_at(static_cast<std::uint32_t>(address));
    if (section == nullptr || address - section->address >= section->file_bytes) return {};
    const std::uint64_t into = address - section->address;
    return bytes_.subspan(section->file_offset + into, section->file_bytes - into);
  }
  template <class T>
  std::optional<T> mapped(std::uint64_t address) const {
    const std::span<const std::byte> from = mapped_from(address);
    if (from.size() < sizeof(T)) return {};
    T value;
    std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::optional<std::string> string(std::uint64_t address) const {
    const std::span<const std::byte> from = mapped_from(address);
    const std::string_view text(reinterpret_cast<const char*>(from.data()), std::min(from.size(), name_limit));
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return {};
    return clean(text.substr(0, end));
  }
  /// Whether [address, address + size) of memory lies in one section; zeros beyond the file's bytes included.
  const PeSection* section_of(std::uint64_t address, std::uint64_t size) const {
    if (address > image_limit) return nullptr;
    const PeSection* section = facts_.section_at(static_cast<std::uint32_t>(address));
    if (section == nullptr || size > section->bytes - (address - section->address)) return nullptr;
    return section;
  }
  /// An address that the image holds as if it lay at its preferred base. 0 stays 0: absent.
  std::optional<std::uint32_t> relative(std::uint64_t value) const {
    if (value == 0) return 0;
    if (value < facts_.preferred_base || value - facts_.preferred_base >= facts_.bytes) return {};
    return static_cast<std::uint32_t>(value - facts_.preferred_base);
  }
  Directory directory(DirectoryIndex index) const { return directories_[index]; }

  // ---- the steps ----
  Result<void> read_headers();
  Result<void> read_sections();
  Result<void> add_section(std::uint16_t index, const SectionHeader& header);
  Result<void> check_entry();
  Result<void> read_imports();
  Result<void> read_thunks(const std::string& library, const ImportDescriptor& descriptor);
  Result<void> read_exports();
  Result<void> read_relocations();
  Result<void> read_functions();
  Result<void> read_load_config();
  Result<void> read_tls();
  Result<void> read_debug();
  Result<void> read_symbols();
  std::string string_of(std::uint32_t offset) const;
  Result<void> read_certificates();

  std::span<const std::byte> bytes_;
  PeFacts facts_;
  std::uint64_t sections_at_ = 0;
  std::uint16_t section_count_ = 0;
  std::uint64_t symbols_at_ = 0;
  std::uint32_t symbol_count_ = 0;
  std::string_view strings_;                      // behind the symbols
  std::vector<std::uint32_t> section_addresses_;  // of all of the table, also of those that take no room
  std::array<Directory, directory_count> directories_{};
};

}  // namespace dumpsim::loader::pe
