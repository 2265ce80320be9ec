// SPDX-License-Identifier: Apache-2.0
// Headers and sections of a PE32+ image, and what its facts mean for a driver.
#include "loader/pe_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <system_error>
#include <utility>

#include "loader/pe_format.hpp"
#include "loader/pe_reader.hpp"

namespace dumpsim::loader {
namespace pe {
namespace {

constexpr std::uint16_t section_limit = 96;  // Windows' own [doc]

}  // namespace

Result<void> Reader::read_headers() {
  if (bytes_.size() < 2 || at<std::uint16_t>(0) != dos_magic) {
    return Error{"not a Windows image: expected it to begin with \"MZ\""};
  }
  if (bytes_.size() < header_offset_at + 4) {
    return damaged("{} bytes, expected at least the 64 of its first header", bytes_.size());
  }
  const std::uint64_t start = at<std::uint32_t>(header_offset_at);
  if (!in_file(start, 4 + sizeof(FileHeader))) {
    return damaged("its header is at {:#x}, expected it inside the file's {} bytes", start, bytes_.size());
  }
  if (at<std::uint32_t>(start) != signature) {
    if (in_file(start, 2) && (at<std::uint16_t>(start) == 0x454E || at<std::uint16_t>(start) == 0x454C)) {
      return Error{"a 16-bit Windows image, expected a 64-bit driver for x64"};
    }
    return Error{"a DOS program, expected a 64-bit Windows driver for x64"};
  }
  const auto file = at<FileHeader>(start + 4);
  if (file.machine != machine_x64) {
    return Error{fmt::format("a Windows image for {}, expected one for x64", pe_machine_name(file.machine))};
  }
  const std::uint64_t optional_at = start + 4 + sizeof(FileHeader);
  if (file.optional_header_bytes < sizeof(OptionalHeader) || !in_file(optional_at, file.optional_header_bytes)) {
    return damaged("an optional header of {} bytes at {:#x} of {}, expected at least {}", file.optional_header_bytes,
                   optional_at, bytes_.size(), sizeof(OptionalHeader));
  }
  const auto header = at<OptionalHeader>(optional_at);
  if (header.magic == magic_32) return Error{"a 32-bit Windows image (PE32), expected a 64-bit driver for x64"};
  if (header.magic != magic_64) {
    return damaged("its optional header begins with {:#x}, expected {:#x} (PE32+)", header.magic, magic_64);
  }
  if ((file.characteristics & file_executable) == 0) {
    return Error{"a Windows image that its linker marked as unfinished, expected a driver without link errors"};
  }
  facts_.subsystem = header.subsystem;
  facts_.characteristics = file.characteristics;
  facts_.dll_characteristics = header.dll_characteristics;
  facts_.time_stamp = file.time_stamp;
  facts_.checksum = header.checksum;
  facts_.preferred_base = header.image_base;
  facts_.section_alignment = header.section_alignment;
  facts_.entry = header.entry;
  facts_.relocations_stripped = (file.characteristics & file_relocations_stripped) != 0;
  if (file.symbols != 0 && in_file(file.symbols, std::uint64_t{file.symbol_count} * sizeof(Symbol))) {
    symbols_at_ = file.symbols;
    symbol_count_ = file.symbol_count;
    const std::uint64_t strings = symbols_at_ + std::uint64_t{symbol_count_} * sizeof(Symbol);
    strings_ = {reinterpret_cast<const char*>(bytes_.data()) + strings, bytes_.size() - strings};
  }

  const auto power = [](std::uint32_t value) { return value != 0 && (value & (value - 1)) == 0; };
  if (!power(header.section_alignment) || !power(header.file_alignment) ||
      header.section_alignment < header.file_alignment || header.section_alignment > (std::uint32_t{64} << 10) ||
      (header.section_alignment < page && header.section_alignment != header.file_alignment)) {
    return damaged("sections aligned to {:#x} in memory and {:#x} in the file", header.section_alignment,
                   header.file_alignment);
  }
  if (header.image_base % (std::uint32_t{64} << 10) != 0) {
    return damaged("its preferred base {:#x} is no multiple of 64 KiB", header.image_base);
  }
  if (header.image_bytes == 0 || header.image_bytes > image_limit) {
    return damaged("{} bytes in memory, expected 1 byte to {} MiB", header.image_bytes, image_limit >> 20);
  }
  facts_.bytes = static_cast<std::uint32_t>(up_to(header.image_bytes, page));
  if (header.header_bytes > bytes_.size() || header.header_bytes > facts_.bytes) {
    return damaged("headers of {} bytes in a file of {}", header.header_bytes, bytes_.size());
  }
  facts_.header_bytes = header.header_bytes;

  const std::uint64_t room = (file.optional_header_bytes - sizeof(OptionalHeader)) / sizeof(Directory);
  const std::uint64_t count = std::min<std::uint64_t>({header.directories, directory_count, room});
  for (std::uint64_t i = 0; i < count; ++i) {
    directories_[i] = at<Directory>(optional_at + sizeof(OptionalHeader) + i * sizeof(Directory));
  }
  facts_.checksum_offset = static_cast<std::uint32_t>(optional_at + offsetof(OptionalHeader, checksum));
  if (count > directory_security) {
    facts_.security_directory_offset =
        static_cast<std::uint32_t>(optional_at + sizeof(OptionalHeader) + directory_security * sizeof(Directory));
  }
  if (directory(directory_clr).address != 0) return Error{"a .NET image, expected a driver of machine code"};
  sections_at_ = optional_at + file.optional_header_bytes;
  section_count_ = file.sections;
  return {};
}

Result<void> Reader::read_sections() {
  if (section_count_ == 0 || section_count_ > section_limit) {
    return damaged("{} sections, expected 1 to {}", section_count_, section_limit);
  }
  const std::uint64_t table_bytes = section_count_ * sizeof(SectionHeader);
  if (!in_file(sections_at_, table_bytes)) return damaged("the file ends within its table of sections");
  if (sections_at_ + table_bytes > facts_.header_bytes) return damaged("its table of sections is not in its headers");
  for (std::uint16_t index = 0; index < section_count_; ++index) {
    const auto header = at<SectionHeader>(sections_at_ + index * sizeof(SectionHeader));
    if (Result<void> good = add_section(index, header); !good) return good;
  }
  return {};
}

Result<void> Reader::add_section(std::uint16_t index, const SectionHeader& header) {
  std::string name = clean({header.name, strnlen(header.name, sizeof header.name)});
  if (std::uint32_t offset = 0; name.size() > 1 && name[0] == '/' &&
                                std::from_chars(name.data() + 1, name.data() + name.size(), offset).ec == std::errc()) {
    if (std::string whole = string_of(offset); !whole.empty()) name = std::move(whole);
  }
  section_addresses_.push_back(header.address);
  const std::uint64_t bytes = header.bytes != 0 ? header.bytes : header.file_bytes;
  if (bytes == 0) return {};  // takes no room; linkers leave some behind
  const std::uint64_t before = facts_.sections.empty()
                                   ? facts_.header_bytes
                                   : std::uint64_t{facts_.sections.back().address} + facts_.sections.back().bytes;
  if (header.address % facts_.section_alignment != 0) {
    return damaged("section {} ({}) is at {:#x}, no multiple of {:#x}", index, name, header.address,
                   facts_.section_alignment);
  }
  if (header.address < up_to(before, facts_.section_alignment)) {
    return damaged("section {} ({}) at {:#x} overlaps what is before it, which ends at {:#x}", index, name,
                   header.address, before);
  }
  if (header.address > facts_.bytes || bytes > facts_.bytes - header.address) {
    return damaged("section {} ({}) has {:#x} bytes at {:#x}, expected it inside the image's {:#x}", index, name, bytes,
                   header.address, facts_.bytes);
  }
  // The file's part is rounded up to its alignment and may be longer than the section; what is over is not mapped.
  const auto file_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(header.file_bytes, bytes));
  if (file_bytes != 0 && !in_file(header.file_offset, file_bytes)) {
    return damaged("section {} ({}) has {:#x} bytes at {:#x} of the file, which has {:#x} in all: cut short?", index,
                   name, file_bytes, header.file_offset, bytes_.size());
  }
  if (facts_.section_alignment < page && file_bytes != 0 && header.file_offset != header.address) {
    return damaged(
        "section {} ({}) is at {:#x} in memory and {:#x} in the file, expected the same in an image whose "
        "sections share pages",
        index, name, header.address, header.file_offset);
  }
  facts_.sections.push_back({name, header.address, static_cast<std::uint32_t>(bytes), header.file_offset, file_bytes,
                             header.characteristics});
  return {};
}

Result<void> Reader::check_entry() {
  if (facts_.entry == 0) return {};
  const PeSection* section = section_of(facts_.entry, 1);
  if (section == nullptr || !section->executable() || facts_.entry - section->address >= section->file_bytes) {
    return damaged(
        "its entry point is at {:#x}, {}", facts_.entry,
        section == nullptr ? "outside its sections" : fmt::format("where section {} has no code", section->name));
  }
  return {};
}

}  // namespace pe

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& character : result) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return result;
}

}  // namespace

Result<PeFacts> read_pe(std::span<const std::byte> bytes) {
  return pe::Reader(bytes).read();
}

bool PeSection::readable() const {
  return (characteristics & pe::section_read) != 0;
}
bool PeSection::writable() const {
  return (characteristics & pe::section_write) != 0;
}
bool PeSection::executable() const {
  return (characteristics & pe::section_execute) != 0;
}
bool PeSection::discarded() const {
  return (characteristics & pe::section_discardable) != 0 || name == "INIT";
}
bool PeSection::pageable() const {
  return name.starts_with("PAGE") && !discarded() && (characteristics & pe::section_not_paged) == 0;
}

const PeSection* PeFacts::section_at(std::uint32_t address) const {
  const auto after = std::upper_bound(sections.begin(), sections.end(), address,
                                      [](std::uint32_t value, const PeSection& row) { return value < row.address; });
  if (after == sections.begin()) return nullptr;
  const PeSection& section = *std::prev(after);
  return address - section.address < section.bytes ? &section : nullptr;
}

std::string pe_machine_name(std::uint16_t machine) {
  switch (machine) {
    case pe::machine_x64:
      return "x64";
    case 0x014C:
      return "32-bit x86";
    case 0xAA64:
      return "ARM64";
    case 0xA641:
      return "ARM64EC";
    case 0x01C0:
    case 0x01C2:
    case 0x01C4:
      return "32-bit ARM";
    case 0x0200:
      return "Itanium";
    case 0x0EBC:
      return "EFI byte code";
    default:
      return fmt::format("another machine ({:#06x})", machine);
  }
}

std::string pe_subsystem_name(std::uint16_t subsystem) {
  switch (subsystem) {
    case pe::subsystem_native:
      return "native";
    case 2:
      return "Windows GUI";
    case 3:
      return "Windows console";
    case 10:
      return "EFI application";
    case 11:
      return "EFI boot service driver";
    case 12:
      return "EFI runtime driver";
    case 16:
      return "Windows boot application";
    default:
      return fmt::format("subsystem {}", subsystem);
  }
}

bool is_kernel_library(std::string_view library) {
  const std::string name = lower(library);
  if (name == "ntoskrnl.exe" || name == "ntkrnlmp.exe" || name == "ntkrnlpa.exe" || name == "hal.dll") return true;
  return name.starts_with("ext-ms-win-ntos-") || name.starts_with("api-ms-win-ntos-");
}

std::string_view role_of_library(std::string_view library) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 30> roles{{
      {"fltmgr.sys", "the filter manager for file system minifilters"},
      {"wdfldr.sys", "the loader of the driver framework (KMDF)"},
      {"wdf01000.sys", "the driver framework (KMDF)"},
      {"wpprecorder.sys", "the trace recorder"},
      {"ksecdd.sys", "the kernel's security support and BCrypt functions"},
      {"cng.sys", "the kernel's BCrypt functions"},
      {"storport.sys", "the storage port driver's library for miniports"},
      {"scsiport.sys", "the SCSI port driver's library for miniports"},
      {"ataport.sys", "the ATA port driver's library for miniports"},
      {"classpnp.sys", "the storage class drivers' library"},
      {"ndis.sys", "the network driver interface"},
      {"netio.sys", "the network stack's kernel interface"},
      {"tdi.sys", "the transport driver interface"},
      {"fwpkclnt.sys", "the Windows Filtering Platform's kernel interface"},
      {"ks.sys", "kernel streaming"},
      {"portcls.sys", "the audio port class"},
      {"dxgkrnl.sys", "the graphics kernel"},
      {"videoprt.sys", "the video port driver"},
      {"win32k.sys", "the window manager's kernel part"},
      {"hidclass.sys", "the HID class driver"},
      {"hidparse.sys", "the parser of HID descriptors"},
      {"usbd.sys", "the USB driver interface"},
      {"clfs.sys", "the common log file system"},
      {"ci.dll", "code integrity"},
      {"kdcom.dll", "the debugger's transport"},
      {"bootvid.dll", "the boot screen's driver"},
      {"pshed.dll", "the platform's hardware error driver"},
      {"tm.sys", "the transaction manager"},
      {"msrpc.sys", "the kernel's RPC run-time"},
      {"crashdmp.sys", "the crash dump stack itself"},
  }};
  const std::string name = lower(library);
  for (const auto& [file, role] : roles) {
    if (name == file) return role;
  }
  return {};
}

bool is_compiler_support(std::string_view name) {
  return name == "__chkstk";
}

Result<void> check_pe_driver(const PeFacts& facts) {
  if (facts.subsystem != pe::subsystem_native) {
    return Error{fmt::format("a Windows image of subsystem {} ({}), expected a driver of the native one (1)",
                             facts.subsystem, pe_subsystem_name(facts.subsystem))};
  }
  for (const PeSection& section : facts.sections) {
    if (!section.name.starts_with(".kmdf")) continue;
    return Error{
        fmt::format("a WDF driver (it has the framework's section {}): the framework is not simulated", section.name)};
  }
  for (const PeImport& import : facts.imports) {
    const std::string library = lower(import.library);
    if (library.starts_with("wdfldr")) {
      return Error{fmt::format(
          "a WDF driver (it imports {} from {}): the framework is not simulated, and its entry point reads a "
          "registry path where a dump filter's DriverEntry is given something else",
          import.name, import.library)};
    }
    if (library == "kernel32.dll" || library == "ntdll.dll" || library == "user32.dll" || library == "msvcrt.dll" ||
        library.starts_with("api-ms-win-crt-") || library.starts_with("ucrtbase")) {
      return Error{fmt::format(
          "imports {} from {}, a library of user mode: a driver is linked with /nodefaultlib (-nostdlib) against "
          "ntoskrnl.lib alone",
          import.name, import.library)};
    }
  }
  if (facts.entry == 0)
    return Error{"a Windows image without an entry point, expected one: link it with /entry:DriverEntry"};
  if (facts.relocations_stripped) {
    return Error{
        "its relocations were stripped, and Windows loads drivers wherever there is room: link it without /fixed "
        "(GNU ld: with --dynamicbase)"};
  }
  return {};
}

}  // namespace dumpsim::loader
