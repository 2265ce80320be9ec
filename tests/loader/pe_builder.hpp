// SPDX-License-Identifier: Apache-2.0
// Makes small PE32+ images byte by byte, so that a test can say exactly what is wrong with one. What build() gives is
// sound: a driver of three sections whose DriverEntry returns 42, with one import, one relocation and a function table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "loader/pe_format.hpp"

namespace dumpsim::loader {

class PeBuilder {
 public:
  static constexpr std::uint32_t header_at = 0x80;
  static constexpr std::uint32_t optional_at = header_at + 4 + sizeof(pe::FileHeader);
  static constexpr std::uint32_t directories_at = optional_at + sizeof(pe::OptionalHeader);
  static constexpr std::uint32_t sections_at = directories_at + 16 * sizeof(pe::Directory);
  static constexpr std::uint32_t alignment = 0x200;
  static constexpr std::uint64_t base = 0x140000000;
  static constexpr std::uint32_t text = 0x1000, rdata = 0x2000, data = 0x3000, reloc = 0x4000;
  static constexpr std::uint32_t slots = rdata + 0x40, imports = rdata + 0x80, pdata = rdata + 0x100;
  static constexpr std::uint32_t config = rdata + 0x180, cookie = data, check = data + 8, dispatch = data + 16;

  PeBuilder() {
    add(".text", text, std::string("\xb8\x2a\x00\x00\x00\xc3", 6), 0x60000020);
    std::string read_only(0x400, '\0');
    const auto put = [&](std::uint32_t address, const auto& value) {
      std::memcpy(read_only.data() + (address - rdata), &value, sizeof value);
    };
    put(slots, std::uint64_t{rdata + 0xE0});
    put(slots + 0x20, std::uint64_t{rdata + 0xE0});
    put(imports, pe::ImportDescriptor{slots + 0x20, 0, 0, rdata + 0xC0, slots});
    std::memcpy(read_only.data() + 0xC0, "ntoskrnl.exe", 13);
    std::memcpy(read_only.data() + 0xE2, "KeGetCurrentIrql", 17);
    put(pdata, pe::RuntimeFunction{text, text + 6, rdata + 0x170});
    pe::LoadConfig load{};
    load.bytes = sizeof load;
    load.security_cookie = base + cookie;
    load.guard_check = base + check;
    load.guard_dispatch = base + dispatch;
    put(config, load);
    add(".rdata", rdata, read_only, 0x40000040);
    std::string writable(0x100, '\0');
    const std::uint64_t default_cookie = 0x2B992DDFA232;
    const std::uint64_t pointer = base + text;
    std::memcpy(writable.data(), &default_cookie, 8);
    std::memcpy(writable.data() + 0x20, &pointer, 8);
    add(".data", data, writable, 0xC0000040);
    std::string relocations(12, '\0');
    const pe::RelocationBlock block{data, 12};
    const std::uint16_t entry = 10 << 12 | 0x20;
    std::memcpy(relocations.data(), &block, 8);
    std::memcpy(relocations.data() + 8, &entry, 2);
    add(".reloc", reloc, relocations, 0x42000040);

    header.magic = pe::magic_64;
    header.entry = text;
    header.image_base = base;
    header.section_alignment = 0x1000;
    header.file_alignment = alignment;
    header.image_bytes = 0x5000;
    header.header_bytes = 0x400;
    header.subsystem = 1;
    header.directories = 16;
    file.machine = pe::machine_x64;
    file.optional_header_bytes = sizeof(pe::OptionalHeader) + 16 * sizeof(pe::Directory);
    file.characteristics = 0x22;
    directories[pe::directory_import] = {imports, 40};
    directories[pe::directory_import_addresses] = {slots, 16};
    directories[pe::directory_exception] = {pdata, 12};
    directories[pe::directory_relocation] = {reloc, 12};
    directories[pe::directory_load_config] = {config, sizeof(pe::LoadConfig)};
  }

  struct Section {
    pe::SectionHeader header{};
    std::string bytes;
  };
  Section& section(std::size_t index) { return sections[index]; }
  /// Overwrites bytes of a section by their address in memory.
  template <class T>
  PeBuilder& put(std::uint32_t address, T value) {
    for (Section& section : sections) {
      if (address - section.header.address < section.bytes.size()) {
        std::memcpy(section.bytes.data() + (address - section.header.address), &value, sizeof value);
      }
    }
    return *this;
  }
  PeBuilder& add(const char* name, std::uint32_t address, const std::string& bytes, std::uint32_t characteristics) {
    Section section;
    std::strncpy(section.header.name, name, sizeof section.header.name);
    section.header.bytes = static_cast<std::uint32_t>(bytes.size());
    section.header.address = address;
    section.header.characteristics = characteristics;
    section.bytes = bytes;
    sections.push_back(section);
    return *this;
  }

  std::string build() const {
    std::string bytes(header.header_bytes, '\0');
    bytes[0] = 'M';
    bytes[1] = 'Z';
    const auto put_at = [&bytes](std::size_t at, const void* from, std::size_t size) {
      if (bytes.size() < at + size) bytes.resize(at + size);
      std::memcpy(bytes.data() + at, from, size);
    };
    const std::uint32_t start = header_at;
    put_at(pe::header_offset_at, &start, 4);
    put_at(header_at, &pe::signature, 4);
    pe::FileHeader finished = file;
    finished.sections = static_cast<std::uint16_t>(sections.size());
    put_at(header_at + 4, &finished, sizeof finished);
    put_at(optional_at, &header, sizeof header);
    put_at(directories_at, directories, sizeof directories);
    std::uint32_t offset = header.header_bytes;
    std::size_t index = 0;
    for (Section section : sections) {
      const auto size = static_cast<std::uint32_t>((section.bytes.size() + alignment - 1) / alignment * alignment);
      if (section.header.file_offset == 0) section.header.file_offset = offset;
      if (section.header.file_bytes == 0) section.header.file_bytes = size;
      put_at(sections_at + index++ * sizeof section.header, &section.header, sizeof section.header);
      bytes.resize(std::max<std::size_t>(bytes.size(), offset + size));
      std::memcpy(bytes.data() + offset, section.bytes.data(), section.bytes.size());
      offset += size;
    }
    bytes += trailer;
    return bytes;
  }

  pe::FileHeader file{};
  pe::OptionalHeader header{};
  pe::Directory directories[16]{};
  std::vector<Section> sections;
  std::string trailer;  ///< behind the last section: a signature
};

}  // namespace dumpsim::loader
