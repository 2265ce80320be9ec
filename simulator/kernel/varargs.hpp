// SPDX-License-Identifier: Apache-2.0
// Variable arguments in either convention. A Microsoft va_list is a pointer to 8-byte slots, a System V one a small
// machine; formatted output reads both through one reader. Entries of functions with an ellipsis or a va_list are
// written by hand and named here.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace dumpsim::kernel {

class ArgumentReader {
 public:
  /// As a parameter of type va_list arrives.
  using SystemVList = std::decay_t<std::va_list>;
  using MicrosoftList = const char*;

  explicit ArgumentReader(SystemVList list) : list_(list) {}
  explicit ArgumentReader(MicrosoftList slots) : slots_(slots) {}

  /// The next integer or pointer; the upper half of a 32-bit one is undefined.
  std::uint64_t next() {
    if (slots_ == nullptr) return va_arg(list_, std::uint64_t);
    std::uint64_t value = 0;
    std::memcpy(&value, slots_, sizeof value);
    slots_ += sizeof value;
    return value;
  }

 private:
  SystemVList list_ = nullptr;
  MicrosoftList slots_ = nullptr;
};

/// Specialised with `system_v` and `microsoft` where the generated entries will not do.
template <auto Function>
struct OwnEntries {};
template <auto Function>
inline constexpr bool has_own_entries = false;

}  // namespace dumpsim::kernel
