// SPDX-License-Identifier: Apache-2.0
// The parts of the PE32+ format that the loader reads, with their sizes pinned [doc: Microsoft's "PE Format"]. Names
// are ours; every field stands where the format has it. Little endian, as the host is.
#pragma once

#include <cstdint>

namespace dumpsim::loader::pe {

inline constexpr std::uint16_t dos_magic = 0x5A4D;       // "MZ"
inline constexpr std::uint32_t signature = 0x00004550;   // "PE\0\0"
inline constexpr std::uint64_t header_offset_at = 0x3C;  // of the DOS header: where the signature is
inline constexpr std::uint16_t magic_32 = 0x10B;
inline constexpr std::uint16_t magic_64 = 0x20B;

inline constexpr std::uint16_t machine_x64 = 0x8664;
inline constexpr std::uint16_t subsystem_native = 1;

inline constexpr std::uint16_t file_relocations_stripped = 0x0001;
inline constexpr std::uint16_t file_executable = 0x0002;

inline constexpr std::uint32_t section_code = 0x00000020;
inline constexpr std::uint32_t section_discardable = 0x02000000;
inline constexpr std::uint32_t section_not_paged = 0x08000000;
inline constexpr std::uint32_t section_execute = 0x20000000;
inline constexpr std::uint32_t section_read = 0x40000000;
inline constexpr std::uint32_t section_write = 0x80000000;

struct FileHeader {
  std::uint16_t machine;
  std::uint16_t sections;
  std::uint32_t time_stamp;
  std::uint32_t symbols;
  std::uint32_t symbol_count;
  std::uint16_t optional_header_bytes;
  std::uint16_t characteristics;
};
static_assert(sizeof(FileHeader) == 20);

struct Directory {
  std::uint32_t address;
  std::uint32_t bytes;
};

enum DirectoryIndex : std::uint32_t {
  directory_export,
  directory_import,
  directory_resource,
  directory_exception,
  directory_security,  // its address is an offset in the file
  directory_relocation,
  directory_debug,
  directory_architecture,
  directory_global_pointer,
  directory_tls,
  directory_load_config,
  directory_bound_import,
  directory_import_addresses,
  directory_delay_import,
  directory_clr,
  directory_reserved,
  directory_count
};

/// Up to the directories, of which `directories` many follow.
struct OptionalHeader {
  std::uint16_t magic;
  std::uint8_t linker_major, linker_minor;
  std::uint32_t code_bytes, initialized_bytes, uninitialized_bytes;
  std::uint32_t entry;
  std::uint32_t code_base;
  std::uint64_t image_base;
  std::uint32_t section_alignment, file_alignment;
  std::uint16_t system_major, system_minor, image_major, image_minor, subsystem_major, subsystem_minor;
  std::uint32_t reserved;
  std::uint32_t image_bytes, header_bytes, checksum;
  std::uint16_t subsystem, dll_characteristics;
  std::uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
  std::uint32_t loader_flags, directories;
};
static_assert(sizeof(OptionalHeader) == 112);

struct SectionHeader {
  char name[8];
  std::uint32_t bytes;
  std::uint32_t address;
  std::uint32_t file_bytes;
  std::uint32_t file_offset;
  std::uint32_t relocations, line_numbers;
  std::uint16_t relocation_count, line_number_count;
  std::uint32_t characteristics;
};
static_assert(sizeof(SectionHeader) == 40);

struct Symbol {
  char name[8];  ///< or four zero bytes and an offset into the strings behind the symbols
  std::uint32_t value;
  std::int16_t section;  ///< from 1 on
  std::uint16_t type;
  std::uint8_t storage, auxiliary;
} __attribute__((packed));
static_assert(sizeof(Symbol) == 18);
inline constexpr std::uint16_t symbol_function = 0x20;

struct ImportDescriptor {
  std::uint32_t names;  ///< "original first thunk"; 0 with some linkers, then the slots themselves hold the names
  std::uint32_t time_stamp, forwarder;
  std::uint32_t library;
  std::uint32_t slots;
};
static_assert(sizeof(ImportDescriptor) == 20);
inline constexpr std::uint64_t import_by_ordinal = 0x8000000000000000;

struct ExportDirectory {
  std::uint32_t flags, time_stamp;
  std::uint16_t major, minor;
  std::uint32_t name, ordinal_base, functions, names;
  std::uint32_t function_table, name_table, ordinal_table;
};
static_assert(sizeof(ExportDirectory) == 40);

struct RelocationBlock {
  std::uint32_t page;
  std::uint32_t bytes;  ///< with this header
};
static_assert(sizeof(RelocationBlock) == 8);
inline constexpr unsigned relocation_none = 0;
inline constexpr unsigned relocation_64 = 10;

struct TlsDirectory {
  std::uint64_t begin, end, index, callbacks;
  std::uint32_t zero_bytes, characteristics;
};
static_assert(sizeof(TlsDirectory) == 40);

/// As far as the loader fills it; longer and shorter ones exist, `bytes` says.
struct LoadConfig {
  std::uint32_t bytes, time_stamp;
  std::uint16_t major, minor;
  std::uint32_t clear_flags, set_flags, critical_section_timeout;
  std::uint64_t free_block, free_total, lock_prefix, maximum_allocation, virtual_threshold, affinity;
  std::uint32_t heap_flags;
  std::uint16_t service_pack, dependent_flags;
  std::uint64_t edit_list, security_cookie, handler_table, handler_count;
  std::uint64_t guard_check, guard_dispatch, guard_table, guard_count;
  std::uint32_t guard_flags;
  std::uint16_t code_integrity_flags, code_integrity_catalog;
  std::uint32_t code_integrity_offset, code_integrity_reserved;
  std::uint64_t address_taken, address_taken_count, long_jumps, long_jump_count;
  std::uint64_t dynamic_relocations, hybrid_metadata;
  std::uint64_t return_flow_failure, return_flow_failure_slot;
  std::uint32_t dynamic_relocations_offset;
  std::uint16_t dynamic_relocations_section, reserved;
  std::uint64_t return_flow_verify_slot;
  std::uint32_t hot_patches, reserved_too;
  std::uint64_t enclave, volatile_metadata, exception_continuations, exception_continuation_count;
  std::uint64_t extended_check, extended_dispatch, extended_table_dispatch;
};
static_assert(__builtin_offsetof(LoadConfig, security_cookie) == 0x58);
static_assert(__builtin_offsetof(LoadConfig, guard_check) == 0x70);
static_assert(__builtin_offsetof(LoadConfig, guard_flags) == 0x90);
static_assert(__builtin_offsetof(LoadConfig, hybrid_metadata) == 0xC8);
static_assert(__builtin_offsetof(LoadConfig, dynamic_relocations_offset) == 0xE0);
static_assert(__builtin_offsetof(LoadConfig, extended_check) == 0x118);

struct DebugDirectory {
  std::uint32_t characteristics, time_stamp;
  std::uint16_t major, minor;
  std::uint32_t type, bytes, address, file_offset;
};
static_assert(sizeof(DebugDirectory) == 28);
inline constexpr std::uint32_t debug_codeview = 2;
inline constexpr std::uint32_t codeview_rsds = 0x53445352;  // then a GUID, an age, the PDB's name

struct RuntimeFunction {
  std::uint32_t begin, end, unwind;
};
static_assert(sizeof(RuntimeFunction) == 12);

struct Certificate {
  std::uint32_t bytes;  ///< with this header
  std::uint16_t revision, type;
};
static_assert(sizeof(Certificate) == 8);

}  // namespace dumpsim::loader::pe
