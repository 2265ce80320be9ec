// SPDX-License-Identifier: Apache-2.0
#include "toolchain/ways.hpp"

#include <cassert>

namespace dumpsim::toolchain {

std::string_view name_of(Way way) {
  switch (way) {
    case Way::system_v:
      return "system-v";
    case Way::microsoft:
      return "microsoft";
    case Way::windows:
      return "windows";
    case Way::sys:
      return "sys";
  }
  assert(false);
  return {};
}

std::optional<Way> way_named(std::string_view name) {
  for (const Way way : all_ways) {
    if (name_of(way) == name) return way;
  }
  return std::nullopt;
}

std::string_view suffix_of(Way way) {
  switch (way) {
    case Way::system_v:
      return ".so";
    case Way::microsoft:
      return "-ms.so";
    case Way::windows:
      return "-windows.so";
    case Way::sys:
      return ".sys";
  }
  assert(false);
  return {};
}

}  // namespace dumpsim::toolchain
