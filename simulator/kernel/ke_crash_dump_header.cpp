// SPDX-License-Identifier: Apache-2.0
// The header of a complete dump for drivers that write one themselves: the machine's memory, no exception, no secondary
// data [doc].
#include <algorithm>
#include <cstring>

#include "dumpfile/dump_layout.hpp"
#include "dumpfile/header64.hpp"
#include "dumpfile/little_endian.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

NTSTATUS KeInitializeCrashDumpHeader(ULONG DumpType, ULONG Flags, PVOID Buffer, ULONG BufferSize, PULONG BufferNeeded) {
  if (DumpType != DUMP_TYPE_FULL || Flags != 0) return STATUS_INVALID_PARAMETER;
  if (BufferNeeded != nullptr) *BufferNeeded = dumpfile::header_bytes;
  // Which error it is, is [assumed].
  if (Buffer == nullptr || BufferSize < dumpfile::header_bytes) return STATUS_BUFFER_TOO_SMALL;
  Kernel& kernel = current();
  dumpfile::DumpRequest request;
  request.form = dumpfile::DumpForm::full;
  const std::span<const dumpfile::PageRun> ram = kernel.memory().ram();
  request.memory.assign(ram.begin(), ram.end());
  request.build = kernel.config().build;
  request.processors = kernel.machine().processors;
  request.system_time = machine::boot_filetime + kernel.machine().clock.now;
  request.up_time = kernel.machine().clock.now;
  const auto layout = dumpfile::DumpLayout::plan(std::move(request));
  if (!layout) return STATUS_NOT_SUPPORTED;  // more runs of memory than the header has room for [assumed]
  auto* const header = static_cast<std::byte*>(Buffer);
  std::copy(layout->header().begin(), layout->header().end(), header);
  constexpr std::size_t exception_bytes = 0x98;
  for (std::size_t at = 0; at < exception_bytes; at += sizeof dumpfile::header64::page_magic) {
    dumpfile::store(std::span(header + dumpfile::header64::exception, exception_bytes), at,
                    dumpfile::header64::page_magic);
  }
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
