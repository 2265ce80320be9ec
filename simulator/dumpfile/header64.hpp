// SPDX-License-Identifier: Apache-2.0
// Where the fields of DUMP_HEADER64 and of the blocks behind it stand: one table for the writer and the reader, from
// Microsoft's published mindumpdef.h and from real dumps [doc, seen: real dumps]. The tests' golden offsets and their
// Python reader are written apart from it, so that a slip here is noticed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dumpsim::dumpfile::header64 {

inline constexpr std::size_t signature = 0x000;
inline constexpr std::size_t valid_dump = 0x004;
inline constexpr std::size_t major_version = 0x008;
inline constexpr std::size_t minor_version = 0x00C;
inline constexpr std::size_t directory_table_base = 0x010;
inline constexpr std::size_t pfn_database = 0x018;
inline constexpr std::size_t ps_loaded_module_list = 0x020;
inline constexpr std::size_t ps_active_process_head = 0x028;
inline constexpr std::size_t machine = 0x030;
inline constexpr std::size_t processors = 0x034;
inline constexpr std::size_t bugcheck_code = 0x038;
inline constexpr std::size_t bugcheck_parameters = 0x040;
inline constexpr std::size_t kd_debugger_block = 0x080;
inline constexpr std::size_t run_count = 0x088;
inline constexpr std::size_t run_pages = 0x090;
inline constexpr std::size_t runs = 0x098;
inline constexpr std::size_t context = 0x348;
inline constexpr std::size_t context_bytes = 3000;
inline constexpr std::size_t exception = 0xF00;
inline constexpr std::size_t dump_type = 0xF98;
inline constexpr std::size_t required_space = 0xFA0;
inline constexpr std::size_t system_time = 0xFA8;
inline constexpr std::size_t comment = 0xFB0;
inline constexpr std::size_t comment_bytes = 128;
inline constexpr std::size_t up_time = 0x1030;
inline constexpr std::size_t mini_dump_fields = 0x1038;
inline constexpr std::size_t secondary_state = 0x103C;
inline constexpr std::size_t product_type = 0x1040;
inline constexpr std::size_t suite_mask = 0x1044;
inline constexpr std::size_t writer_status = 0x1048;
inline constexpr std::size_t kd_secondary_version = 0x104D;
inline constexpr std::size_t attributes = 0x1050;
inline constexpr std::size_t boot_id = 0x1054;

inline constexpr std::uint32_t page_magic = 0x45474150;          // "PAGE"
inline constexpr std::uint32_t du64_magic = 0x34365544;          // "DU64"
inline constexpr std::uint32_t dump_magic = 0x504D5544;          // "DUMP"
inline constexpr std::uint32_t sdmp_magic = 0x504D4453;          // "SDMP"
inline constexpr std::uint32_t fdmp_magic = 0x504D4446;          // "FDMP"
inline constexpr std::uint32_t rdmp_magic = 0x504D4452;          // "RDMP"
inline constexpr std::uint64_t blob_magic = 0x626F6C42706D7544;  // "DumpBlob"

// The bitmap block, relative to 0x2000.
namespace bitmap {
inline constexpr std::size_t signature = 0x00;
inline constexpr std::size_t valid_dump = 0x04;
inline constexpr std::size_t options = 0x08;
inline constexpr std::size_t first_page = 0x20;
inline constexpr std::size_t present = 0x28;
inline constexpr std::size_t bits = 0x30;
inline constexpr std::size_t map = 0x38;
}  // namespace bitmap

// CONTEXT of x64, relative to the context record.
namespace amd64 {
inline constexpr std::size_t flags = 0x30;
inline constexpr std::size_t mx_csr = 0x34;
inline constexpr std::size_t cs = 0x38, ds = 0x3A, es = 0x3C, fs = 0x3E, gs = 0x40, ss = 0x42;
inline constexpr std::size_t eflags = 0x44;
inline constexpr std::size_t rcx = 0x80, rdx = 0x88, rbx = 0x90, rsp = 0x98, rbp = 0xA0, rsi = 0xA8, rdi = 0xB0;
inline constexpr std::size_t rax = 0x78, r8 = 0xB8, r9 = 0xC0, rip = 0xF8;
inline constexpr std::size_t float_control = 0x100;
inline constexpr std::size_t float_mx_csr = 0x118, float_mx_csr_mask = 0x11C;
inline constexpr std::size_t size = 0x4D0;
}  // namespace amd64

// CONTEXT of ARM64.
namespace arm64 {
inline constexpr std::size_t flags = 0x00, cpsr = 0x04, fp = 0xF0, lr = 0xF8, sp = 0x100, pc = 0x108;
}  // namespace arm64

// The blob section: one section header, then blobs.
namespace blob {
inline constexpr std::uint32_t section_header = 0x10;
inline constexpr std::uint32_t header = 0x20;
inline constexpr std::size_t tag = 0x04, size = 0x14, pre_pad = 0x18, post_pad = 0x1C;
}  // namespace blob

}  // namespace dumpsim::dumpfile::header64
