// SPDX-License-Identifier: Apache-2.0
// A driver's system call becomes a fault and is not made; the host's own, reached from a driver, is. The walls hold for
// a process until it ends, so each test has one of its own.
#include "machine/system_calls.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fixtures.hpp"
#include "machine/fault_trap.hpp"

namespace dumpsim::machine {
namespace {

using Entry = std::uint64_t (*)();

/// What a process behind the walls does; true is what a test hopes for.
class Walled {
 public:
  explicit Walled(SystemCallWall least) {
    prepare_system_call_wall();
    if (raise_system_call_wall() < least) {
      std::fputs("wall not to be had\n", stderr);
      std::exit(0);
    }
    auto stack = GuestStack::create(24 * 1024);
    if (!stack) std::exit(2);
    stack_ = *std::move(stack);
    gate_ = std::make_unique<Gate>(stack_);
    auto trap = FaultTrap::install(*gate_, {}, std::chrono::milliseconds(0));
    if (!trap) std::exit(3);
    trap_ = *std::move(trap);
  }
  CallResult call(const void* entry, std::vector<std::uint64_t> arguments) {
    return gate_->call(Convention::system_v, entry, arguments);
  }
  CallResult call(Entry entry, std::vector<std::uint64_t> arguments) {
    return call(reinterpret_cast<const void*>(entry), std::move(arguments));
  }
  std::string words() const { return describe(trap_->last()); }
  const FaultReport& last() const { return trap_->last(); }
  /// Ends the process: well, or saying what came instead.
  [[noreturn]] void end(bool good) {
    if (!good) std::fprintf(stderr, "got: %s\n", words().c_str());
    std::exit(good ? 0 : 1);
  }

 private:
  GuestStack stack_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<FaultTrap> trap_;
};

std::uint64_t number_of(Entry entry) {
  return reinterpret_cast<std::uint64_t>(entry);
}

/// Runs `work` in a process of its own, which it ends.
void expect_good(const std::function<void()>& work) {
  EXPECT_EXIT(work(), ::testing::ExitedWithCode(0), "");
}

TEST(SystemCallWallDeathTest, SyscallIsAFaultWithItsNumberAndName) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    const CallResult call = walled.call(&system_v_syscall, {SYS_exit_group, 17});
    walled.end(!call.returned && call.value == FaultTrap::reason && walled.words() == "syscall 231 (exit_group)" &&
               walled.last().kind == FaultKind::system_call &&
               walled.last().registers.rip == number_of(&system_v_syscall) + 6);
  });
}

TEST(SystemCallWallDeathTest, ANumberThatLinuxDoesNotHaveIsOneToo) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    walled.call(&system_v_syscall, {0x1234, 0});
    walled.end(walled.words() == "syscall 4660 (no call of Linux)");
  });
}

TEST(SystemCallWallDeathTest, Int80HasNumbersOfItsOwn) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    walled.call(&system_v_int80, {1, 0});
    // Without 32-bit programs in the kernel it is no system call, but an interrupt like others.
    walled.end(walled.words() == "int 0x80 1 (exit)" || walled.words() == "privileged instruction int");
  });
}

TEST(SystemCallWallDeathTest, SysenterIsSurvivedThoughItForgetsWhereItWas) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    const CallResult call = walled.call(&system_v_sysenter, {1, 0});
    const bool told = walled.last().kind == FaultKind::system_call && walled.words().substr(0, 8) == "sysenter";
    // Good for the next, in 64-bit code.
    walled.end(!call.returned && told && walled.call(&system_v_return, {77}).value == 77);
  });
}

std::uint64_t host_code(std::uint64_t) {
  // Opens, reads, maps, allocates: all of them the C library's calls.
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page, 4096);
  return !text.empty() && page != MAP_FAILED && syscall(SYS_getpid) == getpid() ? 55 : 0;
}

TEST(SystemCallWallDeathTest, WhatTheHostDoesForADriverIsDone) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    const CallResult call = walled.call(&system_v_call, {reinterpret_cast<std::uint64_t>(&host_code), 0});
    walled.end(call.returned && call.value == 55);
  });
}

TEST(SystemCallWallDeathTest, NothingIsMappedAmongTheLibraries) {
  expect_good([] {
    Walled walled(SystemCallWall::complete);
    bool good = true;
    // More than one, each filling what room there is: code in any of them is a driver's.
    for (const std::size_t bytes : {std::size_t{4096}, std::size_t{65536}, std::size_t{1} << 20}) {
      void* place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      auto* code = static_cast<unsigned char*>(place);
      const unsigned char bytes_of_code[] = {0xB8, SYS_getpid, 0, 0, 0, 0x0F, 0x05, 0xC3};
      std::copy(std::begin(bytes_of_code), std::end(bytes_of_code), code);
      good = good && !walled.call(code, {}).returned && walled.words() == "syscall 39 (getpid)";
    }
    walled.end(good);
  });
}

// As from code that found its way into the C library.
TEST(SystemCallWallDeathTest, TheListHoldsForTheCLibraryToo) {
  expect_good([] {
    Walled walled(SystemCallWall::list);
#if defined(__SANITIZE_ADDRESS__)
    std::exit(0);  // no list in such a build
#endif
    const auto entry = reinterpret_cast<const void*>(&::syscall);
    for (const std::uint64_t refused : {SYS_execve, SYS_socket, SYS_ptrace, SYS_mount, SYS_clone}) {
      if (walled.call(entry, {refused, 0, 0}).returned || walled.last().kind != FaultKind::system_call)
        walled.end(false);
    }
    if (walled.words() != "syscall 56 (clone)") walled.end(false);
    walled.end(walled.call(entry, {SYS_getppid}).returned);
  });
}

// The control: without the walls the same fixtures do what they say.
TEST(SystemCallWallDeathTest, WithoutItTheCallIsMade) {
  const auto work = [] {
    auto stack = GuestStack::create(24 * 1024);
    Gate gate(*stack);
    const std::uint64_t arguments[] = {SYS_exit_group, 17};
    gate.call(Convention::system_v, reinterpret_cast<const void*>(&system_v_syscall), arguments);
  };
  EXPECT_EXIT(work(), ::testing::ExitedWithCode(17), "");
}

TEST(SystemCallName, OfEitherTable) {
  EXPECT_EQ(system_call_name(1, SystemCallTable::wide), "write");
  EXPECT_EQ(system_call_name(1, SystemCallTable::narrow), "exit");
  EXPECT_EQ(system_call_name(~std::uint64_t{0}, SystemCallTable::wide), "");
}

}  // namespace
}  // namespace dumpsim::machine
