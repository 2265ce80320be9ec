// SPDX-License-Identifier: Apache-2.0
#include "engine/fault_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "loader/pe_facts.hpp"
#include "machine/system_calls.hpp"

#include "machine/unwind.hpp"

namespace dumpsim::engine {
namespace {

const void* pointer(std::uint64_t address) {
  return reinterpret_cast<const void*>(address);
}

/// "image dump_x+0x1234 (encrypt_page)".
std::string place(std::uint64_t address, const kernel::Kernel& kernel, std::span<const loader::Image* const> images,
                  kernel::Words detail) {
  std::string words = kernel.words(pointer(address), detail);
  for (const loader::Image* image : images) {
    if (!image->contains(pointer(address))) continue;
    if (const std::string function = image->function_at(pointer(address)); !function.empty())
      words += fmt::format(" ({})", function);
  }
  return words;
}

/// Whether an image without a table is a .sys all the same: its headers are mapped with it.
bool is_pe(const kernel::ImageRange& range) {
  return range.bytes >= 2 && range.base[0] == std::byte{'M'} && range.base[1] == std::byte{'Z'};
}

/// "dump_x!encrypt_page+0x12". An image with tables knows where its functions begin, so a name of one before it is
/// none of its own; the place in the image is told beside, for source_lines.hpp: "dump_x!sub_1000+0x12 [0x1012]". A
/// leaf function is in no table, and an image of nothing else has none: "dump_x!DriverEntry+0x14 [0x1014?]" is the
/// nearest name before it, "dump_x+0x1014 [0x1014?]" not even that.
std::string frame(std::uint64_t address, const kernel::Kernel& kernel, std::span<const loader::Image* const> images) {
  const kernel::ImageRange* range = kernel.image_at(pointer(address));
  const auto holds = [address](const loader::Image* each) { return each->contains(pointer(address)); };
  const auto found = std::find_if(images.begin(), images.end(), holds);
  if (range == nullptr || found == images.end()) return kernel.words(pointer(address), kernel::Words::full);
  const auto base = reinterpret_cast<std::uint64_t>(range->base);
  if (range->functions.empty()) {
    const std::string function = (*found)->function_at(pointer(address));
    // In an ELF image the symbol table says for sure.
    const std::string_view guess = function.empty() || is_pe(*range) ? "?" : "";
    return function.empty() ? fmt::format("{0}+{1:#x} [{1:#x}{2}]", range->name, address - base, guess)
                            : fmt::format("{}!{} [{:#x}{}]", range->name, function, address - base, guess);
  }
  const machine::FunctionRow* row = machine::find_function({base, range->bytes, range->functions}, address);
  if (row == nullptr) return fmt::format("{0}+{1:#x} [{1:#x}?]", range->name, address - base);
  std::string function = (*found)->function_at(range->base + row->begin);
  if (function.empty() || function.find('+') != std::string::npos) function = fmt::format("sub_{:x}", row->begin);
  const std::uint64_t distance = address - base - row->begin;
  const std::string behind = distance == 0 ? std::string() : fmt::format("+{:#x}", distance);
  return fmt::format("{}!{}{} [{:#x}]", range->name, function, behind, address - base);
}

std::string_view verb(machine::FaultAccess access) {
  switch (access) {
    case machine::FaultAccess::read:
      return "read of";
    case machine::FaultAccess::write:
      return "write to";
    case machine::FaultAccess::execute:
      return "jump to";
    case machine::FaultAccess::none:
      break;
  }
  return "access to";
}

/// Places of an image where nothing is any more, or never was: an import that nobody provides, a section that was
/// discarded. Empty for every other address.
std::string section_or_import(const machine::FaultReport& fault, const kernel::Kernel& kernel,
                              std::span<const loader::Image* const> images) {
  const bool called = fault.access == machine::FaultAccess::execute;
  // What was jumped to is on top of the stack's backtrace, who jumped is below it.
  const std::uint64_t by = called && fault.return_address_count > 1 ? fault.return_addresses[1] : fault.registers.rip;
  const std::string at = place(by, kernel, images, kernel::Words::canonical);
  if (const auto* row = kernel.machine().sections.at(pointer(fault.address)); row != nullptr && row->paged_out) {
    return fmt::format("{} {}{}, which is paged out, {} {}", verb(fault.access), row->pool ? "" : "its section ",
                       row->section.name, called ? "from" : "at", at);
  }
  for (const loader::Image* image : images) {
    if (const std::string_view import = image->missing_import_at(pointer(fault.address)); !import.empty()) {
      const std::string_view role = loader::role_of_library(import.substr(0, import.find('!')));
      return fmt::format("{} {}{}, which dumpsim does not simulate, {} {}", called ? "call of" : verb(fault.access),
                         import, role.empty() ? "" : fmt::format(" ({})", role), called ? "from" : "at", at);
    }
    if (const std::string_view section = image->discarded_section_at(pointer(fault.address)); !section.empty()) {
      return fmt::format("{} its section {}, which is discarded after DriverEntry, {} {}", verb(fault.access), section,
                         called ? "from" : "at", at);
    }
  }
  return {};
}

/// A driver that ends its process, or reads its files, leaves no trace where nothing catches its system calls.
std::string_view what_system_calls_would_do() {
  switch (machine::system_call_wall()) {
    case machine::SystemCallWall::complete:
      return {};
    case machine::SystemCallWall::list:
      return "system calls of drivers are made here, but for a short list: this kernel does not dispatch them to user "
             "mode (Linux 5.11 and later do)\n";
    case machine::SystemCallWall::none:
      break;
  }
  return "system calls of drivers are made here: there is no sandbox, or neither this kernel nor this build can refuse "
         "them\n";
}

}  // namespace

trace::FaultKind trace_kind(machine::FaultKind kind) {
  switch (kind) {
    case machine::FaultKind::access:
      return trace::FaultKind::access;
    case machine::FaultKind::stack_overflow:
      return trace::FaultKind::stack_overflow;
    case machine::FaultKind::illegal_instruction:
    case machine::FaultKind::privileged_instruction:
      return trace::FaultKind::illegal_instruction;
    case machine::FaultKind::arithmetic:
      return trace::FaultKind::arithmetic;
    case machine::FaultKind::abort:
      return trace::FaultKind::abort;
    case machine::FaultKind::hang:
      return trace::FaultKind::hang;
    case machine::FaultKind::system_call:
      return trace::FaultKind::system_call;
    case machine::FaultKind::breakpoint:
    case machine::FaultKind::fast_fail:
    case machine::FaultKind::other:
      break;
  }
  return trace::FaultKind::other;
}

std::string fault_words(const machine::FaultReport& fault, const kernel::Kernel& kernel,
                        std::span<const loader::Image* const> images) {
  if (fault.kind == machine::FaultKind::access && fault.address_known) {
    if (std::string words = section_or_import(fault, kernel, images); !words.empty()) return words;
  }
  const std::string at = place(fault.registers.rip, kernel, images, kernel::Words::canonical);
  // A bad pointer that a kernel routine was given: its name says more than that it is no image's code.
  const std::string_view routine = at == "host" ? kernel.running_call() : std::string_view();
  switch (fault.kind) {
    case machine::FaultKind::access:
      if (!fault.address_known) return fmt::format("access to an address that is not canonical, at {}", at);
      return fmt::format("{} {} {}", verb(fault.access), kernel.words(pointer(fault.address), kernel::Words::canonical),
                         routine.empty() ? "at " + at : fmt::format("in {}", routine));
    case machine::FaultKind::hang:
      return "its processor time is used up";  // where it was caught is chance
    case machine::FaultKind::fast_fail:
      return fmt::format("int 29h fast fail, code {}, at {}", fault.code, at);
    case machine::FaultKind::system_call:
      return fmt::format("{}{}: a system call of Linux, which was not made", machine::describe_system_call(fault),
                         fault.registers.rip == 0 ? "" : " at " + at);
    default:
      return fmt::format("{} at {}", machine::name_of(fault.kind), at);
  }
}

std::string fault_evidence(const machine::FaultReport& fault, const kernel::Kernel& kernel,
                           std::span<const loader::Image* const> images) {
  const machine::FaultReport::Registers& r = fault.registers;
  const std::array<std::pair<std::string_view, std::uint64_t>, 18> all{{{"rax", r.rax},
                                                                        {"rbx", r.rbx},
                                                                        {"rcx", r.rcx},
                                                                        {"rdx", r.rdx},
                                                                        {"rsi", r.rsi},
                                                                        {"rdi", r.rdi},
                                                                        {"rbp", r.rbp},
                                                                        {"rsp", r.rsp},
                                                                        {"r8", r.r8},
                                                                        {"r9", r.r9},
                                                                        {"r10", r.r10},
                                                                        {"r11", r.r11},
                                                                        {"r12", r.r12},
                                                                        {"r13", r.r13},
                                                                        {"r14", r.r14},
                                                                        {"r15", r.r15},
                                                                        {"rip", r.rip},
                                                                        {"efl", r.rflags}}};
  std::string text = fmt::format("evidence (differs from run to run): {}\n", machine::describe(fault));
  for (std::size_t i = 0; i < all.size(); ++i) {
    text += fmt::format("  {:>3}={:016x}{}", all[i].first, all[i].second, i % 3 == 2 ? "\n" : "");
  }
  text += "backtrace\n";
  for (std::uint32_t i = 0; i < fault.return_address_count && i < fault.return_addresses.size(); ++i) {
    text += fmt::format("  #{:<2} {}\n", i, frame(fault.return_addresses[i], kernel, images));
  }
  // Code that keeps no frame pointers ends the chain early; what may be return addresses still lies on the stack.
  std::size_t shown = fault.return_address_count < 3 ? 8 : 0;
  for (std::uint32_t i = 0; i < fault.stack_word_count && i < fault.stack_words.size() && shown != 0; ++i) {
    const std::uint64_t word = fault.stack_words[i];
    const auto known = fault.return_addresses.begin() +
                       std::min<std::size_t>(fault.return_address_count, fault.return_addresses.size());
    const auto holds = [word](const loader::Image* each) { return each->contains(pointer(word)); };
    if (std::none_of(images.begin(), images.end(), holds) ||
        std::find(fault.return_addresses.begin(), known, word) != known) {
      continue;
    }
    text += fmt::format("  #?  {}\n", frame(word, kernel, images));
    --shown;
  }
  return text + std::string(what_system_calls_would_do());
}

}  // namespace dumpsim::engine
