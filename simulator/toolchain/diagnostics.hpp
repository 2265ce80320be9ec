// SPDX-License-Identifier: Apache-2.0
// What compilers and linkers say of names they do not know, read back from their messages: GCC, Clang, GNU ld (for ELF
// and for PE), LLD in both its shapes. What is not recognised is left to be read by a person; nothing depends on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::toolchain {

struct MissingName {
  enum class Kind : unsigned char {
    reference,   ///< the linker found no definition
    undeclared,  ///< the compiler knows no such function, type or constant
    header,      ///< no such file to include
  };
  Kind kind = Kind::reference;
  std::string name;
  std::string place;     ///< "driver.c:12", or an object file; may be empty
  std::string function;  ///< where it is used; may be empty
};

/// Every name once, in the order of the messages, with the first place that was told.
std::vector<MissingName> read_diagnostics(std::string_view said);

}  // namespace dumpsim::toolchain
