// SPDX-License-Identifier: Apache-2.0
// The ways to build a driver from source, as `dumpsim cc --way` names them and as cmake/DumpsimFilter.cmake builds
// them. They differ in the calling convention, in how wide a long is, and in what comes out.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace dumpsim::toolchain {

enum class Way {
  system_v,   ///< gcc or clang for the platform: 64-bit long, sanitizers and valgrind know it; ELF
  microsoft,  ///< gcc with Microsoft's calling convention: 64-bit long; ELF
  windows,    ///< clang with Windows' data model: 32-bit long, Microsoft's convention and extensions; ELF
  sys,        ///< a native driver: PE32+
};

inline constexpr std::array<Way, 4> all_ways = {Way::system_v, Way::microsoft, Way::windows, Way::sys};

/// "system-v", "microsoft", "windows", "sys".
std::string_view name_of(Way way);
std::optional<Way> way_named(std::string_view name);

/// What an image's file name ends in, as dumpsim_add_filter and dumpsim_add_sys have it: "NAME-ms.so".
std::string_view suffix_of(Way way);

}  // namespace dumpsim::toolchain
