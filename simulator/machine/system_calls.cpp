// SPDX-License-Identifier: Apache-2.0
#include "machine/system_calls.hpp"

#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <limits>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DUMPSIM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DUMPSIM_SANITIZED 1
#endif
#endif

// Kernel headers older than the feature do not name it.
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

namespace dumpsim::machine {
namespace {

struct Range {
  std::uintptr_t begin = std::numeric_limits<std::uintptr_t>::max();
  std::uintptr_t end = 0;
  bool contains(std::uintptr_t address) const { return address >= begin && address < end; }
};

/// From the lowest library to the end of the highest, the kernel's own (the vDSO) among them; the program is none.
Range libraries() {
  Range range;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* context) {
        if (object->dlpi_name == nullptr || object->dlpi_name[0] == '\0') return 0;
        Range& all = *static_cast<Range*>(context);
        for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = object->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD) continue;
          const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
          all.begin = std::min(all.begin, begin & ~std::uintptr_t{0xFFF});
          all.end = std::max(all.end, begin + segment.p_memsz);
        }
        return 0;
      },
      &range);
  return range;
}

// The C library's and, where a sanitizer's run-time is in the program, that one's too, must be able to make calls.
bool covers_the_host([[maybe_unused]] const Range& range) {
#if defined(DUMPSIM_SANITIZED) && defined(__clang__)
  return false;
#else
  return range.contains(reinterpret_cast<std::uintptr_t>(&::syscall)) &&
         range.contains(reinterpret_cast<std::uintptr_t>(&::munmap));
#endif
}

Range guarded;  // what prepare_system_call_wall() found
bool prepared = false;
SystemCallWall raised = SystemCallWall::none;

bool dispatch_to_user() {
  const Range range = guarded;
  if (!covers_the_host(range)) return false;
  return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, range.begin, range.end - range.begin, nullptr) == 0;
}

#ifndef DUMPSIM_SANITIZED
// What a scenario's process has no use for: other programs, other processes, the network, other views of the file
// system, the kernel itself.
constexpr std::array refused = {SYS_execve,
                                SYS_execveat,
                                SYS_fork,
                                SYS_vfork,
                                SYS_clone,
                                SYS_clone3,
                                SYS_ptrace,

                                SYS_process_vm_writev,
                                SYS_socket,
                                SYS_socketpair,
                                SYS_connect,
                                SYS_bind,
                                SYS_listen,
                                SYS_accept,
                                SYS_accept4,
                                SYS_mount,
                                SYS_umount2,
                                SYS_pivot_root,
                                SYS_chroot,
                                SYS_fsopen,
                                SYS_fsmount,
                                SYS_open_tree,
                                SYS_move_mount,
                                SYS_setns,
                                SYS_unshare,
                                SYS_init_module,
                                SYS_finit_module,
                                SYS_delete_module,
                                SYS_kexec_load,
                                SYS_kexec_file_load,
                                SYS_bpf,
                                SYS_perf_event_open,
                                SYS_userfaultfd,
                                SYS_io_uring_setup,
                                SYS_io_uring_enter,
                                SYS_io_uring_register,
                                SYS_add_key,
                                SYS_request_key,
                                SYS_keyctl,
                                SYS_reboot,
                                SYS_swapon,
                                SYS_swapoff,
                                SYS_acct,
                                SYS_quotactl,
                                SYS_iopl,
                                SYS_ioperm,
                                SYS_modify_ldt,
                                SYS_setuid,
                                SYS_setgid,
                                SYS_setreuid,
                                SYS_setregid,
                                SYS_setresuid,
                                SYS_setresgid,
                                SYS_settimeofday,
                                SYS_clock_settime,
                                SYS_adjtimex,
                                SYS_sethostname,
                                SYS_setdomainname};

bool refuse_listed() {
  constexpr std::uint32_t x32_bit = 0x40000000;
  constexpr std::size_t head = 5, tail = 2;
  std::array<sock_filter, head + refused.size() + tail> program{};
  constexpr std::size_t last = head + refused.size() + tail - 1;
  const auto to_trap = [](std::size_t from) { return static_cast<std::uint8_t>(last - from - 1); };
  program[0] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[1] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  program[2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  program[3] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  program[4] = BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, to_trap(4), 0);
  for (std::size_t i = 0; i < refused.size(); ++i) {
    program[head + i] =
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(refused[i]), to_trap(head + i), 0);
  }
  program[last - 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[last] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  static_assert(last < 250, "jumps have eight bits");
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  // Without that flag kernels before 5.16 would slow the whole process down: a filter once meant distrust of its code.
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0;
}
#endif

// Not std::array: deducing its size from so many rows is beyond Clang's limits.
struct Name {
  std::uint32_t number;
  std::string_view name;
};
constexpr Name wide_names[] = {
#define SYSTEM_CALL(number, name) {number, #name},
#include "machine/system_calls_64.def"
#undef SYSTEM_CALL
};
constexpr Name narrow_names[] = {
#define SYSTEM_CALL(number, name) {number, #name},
#include "machine/system_calls_32.def"
#undef SYSTEM_CALL
};

}  // namespace

void prepare_system_call_wall() {
  if (prepared) return;
  prepared = true;
  guarded = libraries();
  if (!covers_the_host(guarded)) return;
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) {
    guarded = {};
    return;
  }
  // Not while reading: what is taken would show up in the file.
  struct Gap {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  std::array<Gap, 512> gaps{};
  std::size_t count = 0;
  std::uintptr_t before = guarded.begin;
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr && count < gaps.size()) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line, "%lx-%lx", &begin, &end) != 2 || begin < guarded.begin) continue;
    if (begin >= guarded.end) break;
    // Below a stack it needs its room to grow; nothing is mapped there unasked either.
    if (begin > before && std::strstr(line, "[stack]") == nullptr) gaps[count++] = {before, begin};
    before = end;
  }
  std::fclose(maps);
  for (std::size_t i = 0; i < count; ++i) {
    // Refused only where something has been mapped since, or by a limit: then the gap is no worse than it was.
    (void)mmap(reinterpret_cast<void*>(gaps[i].begin), gaps[i].end - gaps[i].begin, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  }
}

SystemCallWall raise_system_call_wall() {
  prepare_system_call_wall();
  raised = SystemCallWall::none;
#ifndef DUMPSIM_SANITIZED
  if (refuse_listed()) raised = SystemCallWall::list;
#endif
  if (dispatch_to_user()) raised = SystemCallWall::complete;
  return raised;
}

SystemCallWall system_call_wall() {
  return raised;
}

std::string_view system_call_name(std::uint64_t number, SystemCallTable table) {
  const auto find = [number](const auto& names) -> std::string_view {
    const auto found =
        std::find_if(std::begin(names), std::end(names), [&](const Name& row) { return row.number == number; });
    return found == std::end(names) ? std::string_view() : found->name;
  };
  return table == SystemCallTable::wide ? find(wide_names) : find(narrow_names);
}

}  // namespace dumpsim::machine
