// SPDX-License-Identifier: Apache-2.0
// What a PE32+ image (a Windows driver's .sys) says about itself, read without running any of it: for
// `dumpsim inspect`, for messages before anything is loaded, and for the loader, which lays images out from these facts
// alone. The file is untrusted; whatever passes here can be laid out, relocated and bound without touching memory
// outside the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::loader {

/// Addresses are relative to the image's base ("RVA").
struct PeSection {
  std::string name;
  std::uint32_t address = 0;
  std::uint32_t bytes = 0;  ///< in memory; what the file does not fill is zero
  std::uint32_t file_offset = 0;
  std::uint32_t file_bytes = 0;  ///< at most `bytes`
  std::uint32_t characteristics = 0;

  bool readable() const;
  bool writable() const;
  bool executable() const;
  /// Gone once DriverEntry has returned: marked discardable, or INIT by name [doc].
  bool discarded() const;
  /// May be paged out, so not to be touched at DISPATCH_LEVEL and above: PAGE or PAGExxxx by name [doc], unless marked
  /// as not paged or discarded anyway.
  bool pageable() const;
};

struct PeImport {
  std::string library;                   ///< "ntoskrnl.exe", as the image spells it
  std::string name;                      ///< "#12" for an ordinal
  std::optional<std::uint16_t> ordinal;  ///< imported by number alone
  std::uint32_t slot = 0;                ///< eight bytes that get the address
};

struct PeExport {
  std::string name;  ///< "#12" when it has none
  std::uint32_t ordinal = 0;
  std::uint32_t address = 0;
  std::string forward;  ///< "HAL.KfRaiseIrql" when it stands for another image's; `address` means nothing then
};

struct PeFunction {
  std::uint32_t address = 0;
  std::string name;
};

struct PeLoadConfig {
  std::uint32_t bytes = 0;
  std::uint32_t security_cookie = 0;  ///< eight writable bytes; 0 when there is none
  std::uint32_t guard_check = 0;      ///< eight bytes that hold a function's address; 0 when there is none
  std::uint32_t guard_dispatch = 0;
  std::uint32_t extended_check =
      0;  ///< the same of extended flow guard (XFG), whose targets carry a hash of their type
  std::uint32_t extended_dispatch = 0;
  std::uint32_t extended_table_dispatch = 0;
  std::uint32_t guard_flags = 0;
  /// Rewrites calls for retpolines and import optimisation on systems that want those; without it the image runs as it
  /// is, so nothing is read of it.
  bool dynamic_relocations = false;
};

struct PeTls {
  std::uint32_t callbacks = 0;  ///< how many
};

struct PeCertificate {
  std::uint16_t revision = 0;
  std::uint16_t type = 0;
  std::uint32_t file_offset = 0;  ///< of what follows the header
  std::uint32_t bytes = 0;
};

struct PeRange {
  std::uint32_t address = 0;
  std::uint32_t bytes = 0;
};

struct PeFacts {
  std::uint16_t subsystem = 0;
  std::uint16_t characteristics = 0;
  std::uint16_t dll_characteristics = 0;
  std::uint32_t time_stamp = 0;
  std::uint32_t checksum = 0;
  std::uint64_t preferred_base = 0;
  std::uint32_t bytes = 0;         ///< address space, whole pages
  std::uint32_t header_bytes = 0;  ///< of the file, mapped at the base
  std::uint32_t section_alignment = 0;
  std::uint32_t entry = 0;          ///< 0 when there is none
  std::vector<PeSection> sections;  ///< ascending, disjoint
  std::vector<PeImport> imports;    ///< of all libraries, delay-loaded ones not counted
  std::uint32_t delay_imports = 0;  ///< libraries; nothing in a kernel loads them
  PeRange import_table;             ///< the descriptors
  std::vector<PeExport> exports;
  std::string export_name;                 ///< what the export directory calls the image
  std::vector<std::uint32_t> relocations;  ///< eight bytes each, to which base - preferred_base is added
  bool relocations_stripped = false;
  PeRange function_table;  ///< .pdata: whole rows, ascending
  std::optional<PeLoadConfig> load_config;
  std::optional<PeTls> tls;
  std::vector<PeFunction> functions;  ///< ascending; of the symbol table that GNU linkers leave in the file, or none
  std::string pdb;                    ///< path of the symbols, as the linker wrote it
  std::vector<PeCertificate> certificates;
  // What a hash over the image leaves out: offsets in the file.
  std::uint32_t checksum_offset = 0;
  std::uint32_t security_directory_offset = 0;  ///< 0 when there is no such directory
  PeRange signatures;                           ///< of the file, not of memory; 0 bytes when there are none

  const PeSection* section_at(std::uint32_t address) const;
};

/// "x64", "ARM64", "32-bit x86", …; "machine 0x1234" for others.
std::string pe_machine_name(std::uint16_t machine);
/// "native", "Windows GUI", …
std::string pe_subsystem_name(std::uint16_t subsystem);

/// Fails with what is wrong and what was expected; the caller puts the file's name before it. Images for other
/// machines, of other kinds and other files are told by name.
Result<PeFacts> read_pe(std::span<const std::byte> bytes);

/// Whether Windows would load it as a driver beside a dump stack; the reason why not, and what the image is instead.
Result<void> check_pe_driver(const PeFacts& facts);

/// Whether `library` is one whose functions the kernel provides: ntoskrnl.exe, hal.dll, their API sets and the names
/// they had. Case does not count.
bool is_kernel_library(std::string_view library);
/// What another library of Windows' kernel mode is, with its article: "the filter manager"; empty for one that is not
/// known. Case does not count.
std::string_view role_of_library(std::string_view library);
/// __chkstk: what compilers call by a convention of its own, so that the loader provides it and not the export table.
bool is_compiler_support(std::string_view name);

}  // namespace dumpsim::loader
