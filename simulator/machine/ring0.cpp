// SPDX-License-Identifier: Apache-2.0
#include "machine/ring0.hpp"

#include <asm/prctl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "machine/general_registers.hpp"
#include "machine/instruction.hpp"

namespace dumpsim::machine {
namespace {

// Offsets in the x64 KPCR and the KPRCB within it [doc: ntddk.h; seen: public symbols].
constexpr std::size_t pcr_self = 0x18;
constexpr std::size_t pcr_current_prcb = 0x20;
constexpr std::size_t pcr_major_version = 0x60;
constexpr std::size_t pcr_minor_version = 0x62;
constexpr std::size_t pcr_prcb = 0x180;
constexpr std::size_t prcb_mxcsr = 0x0;
constexpr std::size_t prcb_number = 0x4;
constexpr std::size_t prcb_idle_thread = 0x18;

constexpr std::uint32_t msr_tsc = 0x10;
constexpr std::uint32_t msr_apic_base = 0x1B;
constexpr std::uint32_t msr_efer = 0xC0000080;
constexpr std::uint32_t msr_fs_base = 0xC0000100;
constexpr std::uint32_t msr_gs_base = 0xC0000101;
constexpr std::uint32_t msr_kernel_gs_base = 0xC0000102;

constexpr std::uint64_t tick = 156250;
constexpr std::uint8_t clock_level = 13;  // from here on the clock does not interrupt [doc: CLOCK_LEVEL on x64]

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

}  // namespace

Ring0::Ring0(Machine& machine, Ring0Hooks hooks, Mapping region, Mapping page, Redirect redirect)
    : machine_(machine),
      hooks_(hooks),
      region_(std::move(region)),
      page_(std::move(page)),
      redirect_(std::move(redirect)) {
  // As a running Windows has them [assumed]: protected mode, paging and write protection on; PAE, SSE, XSAVE, SMEP.
  control_[0] = 0x80050033;
  control_[3] = 0x1AA000;
  control_[4] = 0x1406F8;
  debug_[6] = 0xFFFF0FF0;
  debug_[7] = 0x400;
}

Result<std::unique_ptr<Ring0>> Ring0::create(Machine& machine, const SystemFacts& facts, Ring0Hooks hooks) {
  auto region = Mapping::at(control_region_base, control_region_bytes, PROT_READ | PROT_WRITE);
  if (!region) return Error{fmt::format("cannot make a processor's control region: {}", region.error().message), true};
  auto page = Mapping::at(control_region_base + control_region_bytes, shared_user_bytes, PROT_READ | PROT_WRITE);
  if (!page) return Error{fmt::format("cannot make the shared user page: {}", page.error().message), true};
  auto redirect = Redirect::create();
  if (!redirect) return redirect.error();

  std::byte* const pcr = region->begin();
  std::byte* const prcb = pcr + pcr_prcb;
  put(pcr + pcr_self, reinterpret_cast<std::uint64_t>(pcr));
  put(pcr + pcr_current_prcb, reinterpret_cast<std::uint64_t>(prcb));
  put<std::uint16_t>(pcr + pcr_major_version, 1);
  put<std::uint16_t>(pcr + pcr_minor_version, 1);
  put<std::uint32_t>(prcb + prcb_mxcsr, 0x1F80);
  put(prcb + prcb_number, static_cast<std::uint8_t>(machine.processor.number));
  fill_shared_user_page(page->bytes(), facts);
  if (syscall(SYS_arch_prctl, ARCH_SET_GS, reinterpret_cast<unsigned long>(pcr)) != 0) {
    return Error{fmt::format("cannot set the base of gs: {}", std::strerror(errno)), true};
  }
  machine.processor.control_region = pcr;
  put(prcb + prcb_idle_thread, reinterpret_cast<std::uint64_t>(machine.processor.initial_thread()));
  machine.processor.set_current_thread(machine.processor.initial_thread());
  return std::unique_ptr<Ring0>(new Ring0(machine, hooks, *std::move(region), *std::move(page), *std::move(redirect)));
}

Ring0::~Ring0() {
  machine_.processor.control_region = nullptr;
  syscall(SYS_arch_prctl, ARCH_SET_GS, 0UL);
}

void Ring0::tell(std::string_view what, std::uint64_t number, bool numbered, std::uint64_t value, bool valued,
                 bool foreign) {
  if (hooks_.on_instruction == nullptr) return;
  // By hand: fmt may allocate, and this is a signal handler.
  char text[96];
  std::size_t size = 0;
  const auto put_text = [&](std::string_view more) {
    for (const char c : more) {
      if (size < sizeof text) text[size++] = c;
    }
  };
  const auto put_hex = [&](std::uint64_t left) {
    char digits[16];
    std::size_t count = 0;
    do digits[count++] = "0123456789abcdef"[left % 16];
    while ((left /= 16) != 0);
    put_text("0x");
    while (count != 0) put_text(std::string_view(&digits[--count], 1));
  };
  put_text(what);
  if (numbered) put_hex(number);
  if (valued) {
    put_text(" = ");
    put_hex(value);
  }
  hooks_.on_instruction(hooks_.context, std::string_view(text, size), foreign);
}

std::uint64_t Ring0::read_msr(std::uint32_t index, bool& known) const {
  known = true;
  for (std::size_t i = 0; i < msr_count_; ++i) {
    if (msrs_[i].index == index) return msrs_[i].value;
  }
  switch (index) {
    case msr_tsc:
      return machine_.clock.now;
    case msr_apic_base:
      return 0xFEE00900;
    case msr_efer:
      return 0xD01;  // syscall, long mode, no-execute
    case msr_gs_base:
      return reinterpret_cast<std::uint64_t>(region_.begin());
    case msr_fs_base:
    case msr_kernel_gs_base:
      return 0;  // no user-mode process is running
    default:
      known = false;
      return 0;
  }
}

void Ring0::write_msr(std::uint32_t index, std::uint64_t value) {
  for (std::size_t i = 0; i < msr_count_; ++i) {
    if (msrs_[i].index == index) {
      msrs_[i].value = value;
      return;
    }
  }
  if (msr_count_ < msrs_.size()) msrs_[msr_count_++] = {index, value};
}

bool Ring0::shared_user_read(void* ucontext, std::uint64_t address) {
  const std::uint64_t offset = address - shared_user_address;
  if (offset >= shared_user_bytes) return false;
  // Looking at the clock takes one unit of time, so that a loop which polls it ends here as it does on Windows.
  const bool time = is_shared_user_time(offset);
  if (!redirect_.start(ucontext, shared_user_address, shared_user_bytes, page_.begin())) return false;
  if (time) machine_.clock.advance(1);
  set_shared_user_time(page_.bytes(), machine_.clock.now);
  const std::string_view field = shared_user_field(offset);
  if (field.empty()) {
    tell("read KUSER_SHARED_DATA+", offset, true, 0, false, false);
  } else {
    char text[64] = "read KUSER_SHARED_DATA.";
    const std::size_t start = std::strlen(text);
    const std::size_t length = std::min(field.size(), sizeof text - start);
    std::memcpy(text + start, field.data(), length);
    tell(std::string_view(text, start + length), 0, false, 0, false, false);
  }
  return true;
}

Ring0::Done Ring0::emulate(void* ucontext, FaultReport& report) {
  switch (redirect_.settle(ucontext, report.kind == FaultKind::breakpoint)) {
    case Redirect::Met::finished:
      return Done::resumed;
    case Redirect::Met::undone: {
      const greg_t* const registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
      report.registers.rip = static_cast<std::uint64_t>(registers[REG_RIP]);
      return Done::no;
    }
    case Redirect::Met::elsewhere:
      break;
  }
  if (report.kind == FaultKind::access && report.address_known && report.access == FaultAccess::read) {
    return shared_user_read(ucontext, report.address) ? Done::resumed : Done::no;
  }
  return report.kind == FaultKind::privileged_instruction ? instruction(ucontext, report) : Done::no;
}

Ring0::Done Ring0::instruction(void* ucontext, const FaultReport& report) {
  greg_t* const registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  const RefusedInstruction refused = decode_refused(reinterpret_cast<const void*>(report.registers.rip));
  greg_t& gpr = registers[general_registers[refused.gpr % 16]];
  const auto low = [registers](int which) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(registers[which]));
  };
  const std::uint16_t port = refused.port_in_dx ? static_cast<std::uint16_t>(low(REG_RDX)) : refused.number;
  const std::uint64_t port_mask = refused.width >= 4 ? 0xFFFFFFFF : (std::uint64_t{1} << refused.width * 8) - 1;
  switch (refused.what) {
    case Refused::read_control:
      if (refused.number == 8) {
        gpr = machine_.processor.irql;
        tell("read cr8", 0, false, machine_.processor.irql, true, false);
        break;
      }
      if (refused.number != 0 && refused.number != 2 && refused.number != 3 && refused.number != 4) return Done::no;
      gpr = static_cast<greg_t>(control_[refused.number]);
      tell("read control register ", refused.number, true, 0, false, false);
      break;
    case Refused::write_control: {
      const auto value = static_cast<std::uint64_t>(gpr);
      if (refused.number == 8) {
        if (value > high_level) return Done::no;
        tell("write cr8", 0, false, value, true, false);
        if (hooks_.on_irql != nullptr) hooks_.on_irql(hooks_.context, static_cast<std::uint8_t>(value));
        break;
      }
      if (refused.number != 0 && refused.number != 2 && refused.number != 3 && refused.number != 4) return Done::no;
      control_[refused.number] = value;
      tell("write control register ", refused.number, true, value, true, true);
      break;
    }
    case Refused::read_debug:
      gpr = static_cast<greg_t>(debug_[refused.number % 16]);
      tell("read debug register ", refused.number, true, 0, false, false);
      break;
    case Refused::write_debug:
      debug_[refused.number % 16] = static_cast<std::uint64_t>(gpr);
      tell("write debug register ", refused.number, true, 0, false, true);
      break;
    case Refused::clear_interrupts:
      machine_.processor.interrupts = false;
      tell("cli", 0, false, 0, false, false);
      break;
    case Refused::set_interrupts:
      machine_.processor.interrupts = true;
      tell("sti", 0, false, 0, false, false);
      break;
    case Refused::halt:
      tell("hlt", 0, false, 0, false, true);
      if (!machine_.processor.interrupts || machine_.processor.irql >= clock_level) return Done::stopped;
      machine_.clock.advance(tick - machine_.clock.now % tick);  // the clock's next interrupt wakes it
      break;
    case Refused::read_port:
      // An empty bus: all ones. A narrow in keeps the rest of rax, a 32-bit one clears the upper half.
      registers[REG_RAX] = refused.width >= 4 ? 0xFFFFFFFF : registers[REG_RAX] | static_cast<greg_t>(port_mask);
      tell("in from port ", port, true, port_mask, true, true);
      break;
    case Refused::write_port:
      tell("out to port ", port, true, low(REG_RAX) & port_mask, true, true);
      break;
    case Refused::read_msr: {
      bool known = false;
      const std::uint64_t value = read_msr(low(REG_RCX), known);
      registers[REG_RAX] = static_cast<std::uint32_t>(value);
      registers[REG_RDX] = static_cast<greg_t>(value >> 32);
      tell("rdmsr ", low(REG_RCX), true, 0, false, !known);
      break;
    }
    case Refused::write_msr:
      write_msr(low(REG_RCX), (std::uint64_t{low(REG_RDX)} << 32) | low(REG_RAX));
      tell("wrmsr ", low(REG_RCX), true, 0, false, true);
      break;
    case Refused::flush_caches:
    case Refused::flush_page:
      tell(refused.mnemonic, 0, false, 0, false, false);
      break;
    case Refused::nothing:
    case Refused::interrupt:
    case Refused::other:
      return Done::no;
  }
  registers[REG_RIP] += refused.length;
  return Done::resumed;
}

}  // namespace dumpsim::machine
