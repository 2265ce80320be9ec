// SPDX-License-Identifier: Apache-2.0
// A driver has no operating system below it, but here it lies in a process of Linux: an instruction that enters Linux's
// kernel would reach it. Two walls keep it from that. The first is Linux's own dispatch of system calls to user mode
// (5.11): each instruction that does not lie among the process's libraries is a signal instead of a call, and the fault
// trap tells it; what lies among them, the C library's, costs and means what it did. The second is a short list of
// calls that nothing in a scenario's process needs, refused wherever they come from, and all of the 32-bit ones: it
// holds where the first is not to be had, and against code that jumps into the C library.
#pragma once

#include <cstdint>
#include <string_view>

namespace dumpsim::machine {

enum class SystemCallWall : std::uint8_t {
  none,      ///< drivers' system calls are made
  list,      ///< those on the list and the 32-bit ones are refused, all others are made
  complete,  ///< none is made
};

/// Makes the libraries' part of the address space one that no driver's image will be mapped into: takes what lies free
/// between them. Once for a process and its children, before the first wall and before threads; later calls do nothing.
void prepare_system_call_wall();
/// Raises what this kernel has of the two, for this process until it ends, and says what that is. A build that carries
/// its C library or a sanitizer's run-time in the program itself gets no more than the list, one with sanitizers no
/// list: theirs start processes to name addresses. Fails in nothing: a wall that cannot be had is not there.
SystemCallWall raise_system_call_wall();
/// What raise_system_call_wall() said last in this process.
SystemCallWall system_call_wall();

enum class SystemCallTable : std::uint8_t { wide, narrow };
/// "exit_group"; empty for a number that had no name when the table was made (Linux 6.1).
std::string_view system_call_name(std::uint64_t number, SystemCallTable table);

}  // namespace dumpsim::machine
