// SPDX-License-Identifier: Apache-2.0
// The commands that make an image of sources: plain compiler and linker calls, which `dumpsim cc` runs and
// `dumpsim cc -n` prints, so that they can be put into any build system. Pure: nothing is run or written here. The
// options come from the CMake lists that build the project's own filters, by way of a generated header, so that the two
// cannot part.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "toolchain/ways.hpp"

namespace dumpsim::toolchain {

/// What images are built against.
struct Kit {
  std::filesystem::path headers;    ///< include/wdk
  std::filesystem::path libraries;  ///< import libraries, runtimes, the export map
};

/// What stands beside the program: ../include/wdk with ../lib in a build tree, ../include/wdk with ../lib/dumpsim where
/// it is installed. Fails naming both when neither is there.
Result<Kit> find_kit(const std::filesystem::path& program);

/// The compilers that are there; empty paths for those that are not.
struct Compilers {
  std::filesystem::path gcc, gxx, clang, linker, lld_link, mingw, mingw_dlltool, llvm_dlltool;
};
Compilers find_compilers();

struct Request {
  std::vector<std::filesystem::path> sources;  ///< C, C++ and assembly, and objects and archives, which are linked in
  std::filesystem::path output;
  std::vector<std::string> includes, defines, undefines;  ///< without -I, -D, -U
  std::vector<std::string> options;                       ///< handed to the compiler as they are, for each source
  /// Those with structured exceptions: GCC compiles them with -O0 (wdk/ddi/source_seh.h says why).
  std::vector<std::filesystem::path> with_exceptions;
  bool trap_missing = false;      ///< a function that is not simulated is no obstacle: it is bound when the image loads
  std::filesystem::path trapped;  ///< of a .sys with trap_missing: the import library of what it lacks, once known
};

struct Plan {
  struct Compile {
    std::filesystem::path source;
    std::vector<std::string> command;
    std::filesystem::path object;
  };
  std::vector<Compile> compiles;
  std::vector<std::string> link;
};

/// The commands for `way`; objects go into `folder` under the names of their sources (numbered where two are alike).
/// Fails when a compiler that is needed is not there, naming the package to install, or on a source of unknown kind.
Result<Plan> plan_commands(Way way, const Request& request, const Kit& kit, const Compilers& compilers,
                           const std::filesystem::path& folder);

/// The command that preprocesses `source` for the platform with the words of Microsoft's compiler left standing, for
/// source_signs.hpp. Fails when there is neither gcc nor clang.
Result<std::vector<std::string>> plan_preprocessing(const std::filesystem::path& source, const Request& request,
                                                    const Kit& kit, const Compilers& compilers);

/// The command that makes `library`, for the linker of a .sys, of the module definition in `definition`.
Result<std::vector<std::string>> plan_import_library(const std::filesystem::path& definition,
                                                     const std::filesystem::path& library, const Compilers& compilers);

/// Whether sources of this name are C++ (.cpp, .cc, .cxx), and whether they are compiled at all.
bool is_cpp(const std::filesystem::path& source);
bool is_compiled(const std::filesystem::path& source);

/// One line for a shell; words are quoted only where they must be.
std::string shell_line(const std::vector<std::string>& command);

}  // namespace dumpsim::toolchain
