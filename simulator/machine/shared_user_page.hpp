// SPDX-License-Identifier: Apache-2.0
// KUSER_SHARED_DATA, the page at 0xFFFFF78000000000 that drivers read versions and clocks from without a call. No Linux
// process can map that address: the page lies elsewhere, is brought up to date at each access, and the access is led
// there (redirect.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dumpsim::machine {

/// What of the machine never changes while it runs.
struct SystemFacts {
  std::uint32_t major = 10;
  std::uint32_t minor = 0;
  std::uint32_t build = 22631;
  std::uint32_t processors = 1;
  std::uint32_t physical_pages = 0;
};

inline constexpr std::uint64_t shared_user_address = 0xFFFFF78000000000;  ///< [doc]
inline constexpr std::size_t shared_user_bytes = 4096;

/// What cpuid's first leaf says in ecx. Asked once in a process and its children: in a virtual machine each question
/// leaves it, which takes 10 to 20 us.
unsigned processor_features();
/// REQUIRES: `page` is zeroed and has shared_user_bytes.
void fill_shared_user_page(std::span<std::byte> page, const SystemFacts& facts);
/// Sets the clocks: `now` is virtual time since boot in 100 ns units.
void set_shared_user_time(std::span<std::byte> page, std::uint64_t now);
/// The field at `offset`: "TickCount"; empty when no name is known.
std::string_view shared_user_field(std::size_t offset);
/// Whether it is one of those that set_shared_user_time() moves.
bool is_shared_user_time(std::size_t offset);

}  // namespace dumpsim::machine
