// SPDX-License-Identifier: Apache-2.0
// A dump in words: what a person wants to know before opening a debugger, one aligned line a fact, nothing that is
// unset. Times are UTC and every address is as the file has it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/guid.hpp"
#include "base/text.hpp"
#include "dumpfile/dump_reader.hpp"
#include "dumpfile/header64.hpp"
#include "dumpfile/little_endian.hpp"

namespace dumpsim::dumpfile {
namespace {

constexpr std::size_t shown_runs = 16;
constexpr std::size_t shown_blobs = 64;

/// "1.38 MiB"; exact sizes stay exact.
std::string about(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  if (unit == 0 || bytes % (std::uint64_t{1} << 10 * unit) == 0) return fmt::format("{:.0f} {}", value, units[unit]);
  return fmt::format("{:.2f} {}", value, units[unit]);
}

std::string size_in_full(std::uint64_t bytes) {
  return fmt::format("{} ({} bytes)", about(bytes), with_thousands(bytes));
}

/// Names of the codes this field meets most [doc: bug check code reference].
std::string_view name_of_bugcheck(std::uint32_t code) {
  switch (code) {
    case 0x0000000A:
      return "IRQL_NOT_LESS_OR_EQUAL";
    case 0x0000001A:
      return "MEMORY_MANAGEMENT";
    case 0x0000001E:
      return "KMODE_EXCEPTION_NOT_HANDLED";
    case 0x0000003B:
      return "SYSTEM_SERVICE_EXCEPTION";
    case 0x00000050:
      return "PAGE_FAULT_IN_NONPAGED_AREA";
    case 0x0000007A:
      return "KERNEL_DATA_INPAGE_ERROR";
    case 0x0000007B:
      return "INACCESSIBLE_BOOT_DEVICE";
    case 0x0000007E:
      return "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED";
    case 0x0000007F:
      return "UNEXPECTED_KERNEL_MODE_TRAP";
    case 0x0000009F:
      return "DRIVER_POWER_STATE_FAILURE";
    case 0x000000C4:
      return "DRIVER_VERIFIER_DETECTED_VIOLATION";
    case 0x000000D1:
      return "DRIVER_IRQL_NOT_LESS_OR_EQUAL";
    case 0x000000E2:
      return "MANUALLY_INITIATED_CRASH";
    case 0x000000EF:
      return "CRITICAL_PROCESS_DIED";
    case 0x00000101:
      return "CLOCK_WATCHDOG_TIMEOUT";
    case 0x00000133:
      return "DPC_WATCHDOG_VIOLATION";
    case 0x00000139:
      return "KERNEL_SECURITY_CHECK_FAILURE";
    case 0x00000161:
      return "LIVE_SYSTEM_DUMP";
    case 0x1000007E:
      return "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M";
    default:
      return "";
  }
}

std::string machine_of(std::uint32_t machine) {
  if (machine == machine_amd64) return "x64";
  if (machine == machine_arm64) return "ARM64";
  return fmt::format("machine {:#x}", machine);
}

/// FILETIME to "2021-02-21 01:38:22.98 UTC"; outside of 1970..2600 the number itself.
std::string moment_of(std::uint64_t filetime) {
  constexpr std::uint64_t unix_epoch = 116444736000000000ULL, last = unix_epoch + 198811584000000000ULL;
  if (filetime < unix_epoch || filetime > last) return fmt::format("FILETIME {:#x}", filetime);
  const std::uint64_t hundredths = (filetime - unix_epoch) / 100000;
  const auto days = std::chrono::sys_days(std::chrono::days(hundredths / 8640000));
  const std::chrono::year_month_day date(days);
  const std::uint64_t rest = hundredths % 8640000;
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02}.{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 360000,
                     rest / 6000 % 60, rest / 100 % 60, rest % 100);
}

std::string span_of(std::uint64_t hundred_ns) {
  const std::uint64_t seconds = hundred_ns / 10000000;
  if (seconds < 60) return fmt::format("{}.{} s", seconds, hundred_ns / 1000000 % 10);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

/// Whose data it is, for the tags that are known [seen: a published list of GUIDs].
std::string_view name_of_blob(std::string_view guid) {
  if (guid == "{65755a40-f146-43ea-8c91-36b85728fd35}") return "  crashdmp";
  if (guid == "{c939c73b-17dc-4a44-904c-e2d987f52649}") return "  storport, the paging device";
  if (guid == "{da82441d-7142-4bc1-b844-0807c5a4b67f}") return "  storport";
  return "";
}

std::string attributes_text(std::uint32_t attributes) {
  static constexpr std::string_view names[] = {"hibernation crash",
                                               "dump device powered off",
                                               "insufficient dump file size",
                                               "kernel-generated triage dump",
                                               "live dump",
                                               "generated offline",
                                               "filtered",
                                               "early boot crash",
                                               "ENCRYPTED",
                                               "decrypted"};
  std::vector<std::string> set;
  for (std::size_t bit = 0; bit < 32; ++bit) {
    if ((attributes >> bit & 1) != 0)
      set.push_back(bit < std::size(names) ? std::string(names[bit]) : fmt::format("bit {}", bit));
  }
  return fmt::format("{:#x}{}{}", attributes, set.empty() ? "" : ": ", fmt::join(set, ", "));
}

class Sheet {
 public:
  template <class... Arguments>
  void line(std::string_view label, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), "{:<16}", label);
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void address(std::string_view label, std::uint64_t value) {
    if (value != unset64 && value != 0) line(label, "{:#x}", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void describe_runs(Sheet& sheet, std::string_view label, std::span<const PageRun> runs) {
  if (runs.empty()) return;
  sheet.line(label, "{} in {} run{}", size_in_full(total_pages(runs) * page_size), runs.size(),
             runs.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < std::min(runs.size(), shown_runs); ++i) {
    sheet.line("", "pfn {:#8x} .. {:#8x}  {:>12} pages  {}", runs[i].base, runs[i].base + runs[i].pages - 1,
               with_thousands(runs[i].pages), about(runs[i].pages * page_size));
  }
  if (runs.size() > shown_runs) sheet.line("", "and {} more", runs.size() - shown_runs);
}

void describe_context(Sheet& sheet, const DumpReader& dump) {
  const std::span<const std::byte> context = dump.header_span().subspan(header64::context, header64::context_bytes);
  const auto u64 = [context](std::size_t offset) { return load<std::uint64_t>(context, offset); };
  const auto u32 = [context](std::size_t offset) { return load<std::uint32_t>(context, offset); };
  if (dump.header().machine == machine_amd64) {
    namespace amd64 = header64::amd64;
    if (u32(amd64::flags) == unset32) return;
    sheet.line("context", "rip={:016x}  rsp={:016x}  efl={:08x}  cs={:04x}", u64(amd64::rip), u64(amd64::rsp),
               u32(amd64::eflags), load<std::uint16_t>(context, amd64::cs));
    sheet.line("", "rcx={:016x}  rdx={:016x}  r8={:016x}  r9={:016x}", u64(amd64::rcx), u64(amd64::rdx), u64(amd64::r8),
               u64(amd64::r9));
    if (u32(amd64::mx_csr) != u32(amd64::float_mx_csr)) {
      sheet.line("", "MxCsr {:#x} and its copy {:#x} differ: some readers refuse the file", u32(amd64::mx_csr),
                 u32(amd64::float_mx_csr));
    }
  } else if (dump.header().machine == machine_arm64) {
    namespace arm64 = header64::arm64;
    if (u32(arm64::flags) == unset32) return;
    sheet.line("context", "pc={:016x}  sp={:016x}  lr={:016x}  cpsr={:08x}", u64(arm64::pc), u64(arm64::sp),
               u64(arm64::lr), u32(arm64::cpsr));
  }
}

void describe_pages(Sheet& sheet, const DumpReader& dump) {
  const PageSet& pages = dump.pages();
  if (const auto& bitmap = dump.bitmap()) {
    sheet.line("bitmap", "{}, {} bits (memory below {}), options {:#x}",
               std::string_view(bitmap->signature.data(), bitmap->signature.size()), with_thousands(bitmap->bits),
               about(bitmap->bits * page_size), bitmap->options);
  }
  if (pages.empty()) return;
  sheet.line("stored pages", "{}, {}, from file offset {:#x}{}", with_thousands(pages.count()),
             about(pages.count() * page_size), dump.first_page_offset(),
             dump.first_page_offset() % page_size == 0 ? "" : " (not page aligned)");
  std::vector<PageRun> stored;
  std::uint64_t pieces = 0;
  for (auto run = pages.next(0); run; run = pages.next(run->base + run->pages)) {
    if (pieces++ < shown_runs) stored.push_back(*run);
  }
  if (!std::ranges::equal(stored, dump.header_runs().first(std::min(dump.header_runs().size(), stored.size())))) {
    for (const PageRun& run : stored) {
      sheet.line("", "pfn {:#8x} .. {:#8x}  {:>12} pages  {}", run.base, run.base + run.pages - 1,
                 with_thousands(run.pages), about(run.pages * page_size));
    }
    if (pieces > shown_runs) sheet.line("", "and {} more", with_thousands(pieces - shown_runs));
  }
}

}  // namespace

std::string_view name_of_type(std::uint32_t type) {
  switch (type) {
    case 1:
      return "complete memory dump";
    case 2:
      return "kernel summary dump";
    case 3:
      return "header without memory";
    case 4:
      return "small memory dump";
    case 5:
      return "complete memory dump with a bitmap";
    case 6:
      return "kernel memory dump with a bitmap";
    case 8:
      return "kernel range dump";
    case 9:
      return "kernel and user range dump";
    case 10:
      return "complete range dump";
    default:
      return "";
  }
}

std::string describe(const DumpReader& dump) {
  const DumpHeader& header = dump.header();
  Sheet sheet;
  sheet.line("file", "{}", dump.name());
  sheet.line("size", "{}", size_in_full(dump.file_size()));
  sheet.line("type", "{}, {}", header.type, name_of_type(header.type));
  sheet.line("system", "build {} (major {}), {}, {} processor{}", header.minor_version, header.major_version,
             machine_of(header.machine), header.processors, header.processors == 1 ? "" : "s");
  const std::string_view bugcheck = name_of_bugcheck(header.bugcheck_code);
  const auto& parameters = header.bugcheck_parameters;
  sheet.line("bugcheck", "{:#x}{}{} ({:#x}, {:#x}, {:#x}, {:#x})", header.bugcheck_code, bugcheck.empty() ? "" : " ",
             bugcheck, parameters[0], parameters[1], parameters[2], parameters[3]);
  if (header.system_time != unset64) sheet.line("crashed", "{}", moment_of(header.system_time));
  if (header.up_time != unset64) sheet.line("up time", "{}", span_of(header.up_time));
  if (header.exception_code != unset32) {
    sheet.line("exception", "{:#x}, flags {:#x}, at {:#x}", header.exception_code, header.exception_flags,
               header.exception_address);
  }
  describe_context(sheet, dump);
  sheet.address("page tables", header.directory_table_base);
  sheet.address("debugger block", header.kd_debugger_block);
  sheet.address("modules", header.ps_loaded_module_list);
  sheet.address("processes", header.ps_active_process_head);
  sheet.address("pfn database", header.pfn_database);
  if (header.attributes != unset32) sheet.line("attributes", "{}", attributes_text(header.attributes));
  if (header.writer_status != unset32) sheet.line("writer status", "{}", header.writer_status);
  if (header.required_space != unset64) {
    sheet.line("required space", "{}{}", size_in_full(header.required_space),
               header.required_space > dump.file_size() ? ", more than the file has" : "");
  }
  describe_runs(sheet, "memory", dump.header_runs());
  describe_pages(sheet, dump);
  if (const auto& triage = dump.triage()) {
    sheet.line("small dump", "{} of {}, {} drivers, {} data blocks", about(triage->size), about(dump.file_size()),
               triage->drivers, with_thousands(triage->data_blocks));
    sheet.line("", "stack {} from {:#x}", about(triage->stack_size), triage->top_of_stack);
  }
  if (!dump.secondary().empty()) {
    sheet.line("blobs", "{} in {} at file offset {:#x}", dump.secondary().size(),
               about(dump.secondary_end() - dump.primary_size()), dump.primary_size());
    for (std::size_t i = 0; i < std::min(dump.secondary().size(), shown_blobs); ++i) {
      const SecondaryPlace& blob = dump.secondary()[i];
      const std::string guid = format_guid(blob.guid);
      sheet.line("", "{}  {}{}", guid, about(blob.size), name_of_blob(guid));
    }
    if (dump.secondary().size() > shown_blobs) sheet.line("", "and {} more", dump.secondary().size() - shown_blobs);
  }
  const std::uint64_t end = std::max(dump.secondary_end(), std::min(dump.recovered_size(), dump.file_size()));
  if (end < dump.file_size())
    sheet.line("behind it", "{} that are not the dump's", size_in_full(dump.file_size() - end));
  return sheet.take();
}

}  // namespace dumpsim::dumpfile
