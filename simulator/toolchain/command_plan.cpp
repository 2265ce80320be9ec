// SPDX-License-Identifier: Apache-2.0
#include "toolchain/command_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string_view>

#include "toolchain/options.hpp"
#include "toolchain/process.hpp"

namespace dumpsim::toolchain {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view c_standard = "-std=gnu11";
constexpr std::string_view cxx_standard = "-std=gnu++20";
// C allows calls of what was never declared, with an int for a result: half a pointer. Microsoft's compiler warns.
constexpr std::string_view no_guessing = "-Werror=implicit-function-declaration";
// What is not declared is not simulated either, and a call of it ends in a trap: its result does not matter.
constexpr std::string_view guessing = "-Wno-error=implicit-function-declaration";

template <class Options>
void add(std::vector<std::string>& command, const Options& options) {
  for (const std::string_view option : options) command.emplace_back(option);
}

std::string lower_extension(const fs::path& source) {
  std::string extension = source.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
  });
  return extension;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_assembly(const fs::path& source) {
  return source.extension() == ".S" || source.extension() == ".s";
}

bool is_linked(const fs::path& source) {
  return one_of(lower_extension(source), {".o", ".obj", ".a", ".lib"});
}

Error not_installed(std::string_view what, std::string_view packages, std::string_view why) {
  return Error{fmt::format("{} is not installed, which {}: install the package {}", what, why, packages)};
}

/// The words of Microsoft's compiler, which a product's own header may use before it includes any of the kit's.
void add_words(std::vector<std::string>& command, const Kit& kit) {
  command.insert(command.end(), {"-include", (kit.headers / "ddi" / "compiler.h").string()});
}

void add_users(std::vector<std::string>& command, const Request& request) {
  for (const std::string& name : request.undefines) command.push_back("-U" + name);
  for (const std::string& name : request.defines) command.push_back("-D" + name);
  for (const std::string& folder : request.includes) command.push_back("-I" + folder);
}

/// -O2, unless the compiler makes code of __try that has to find its variables in memory.
std::string_view optimisation(const fs::path& source, const Request& request, bool has_tables) {
  const auto& with = request.with_exceptions;
  return !has_tables && std::find(with.begin(), with.end(), source) != with.end() ? "-O0" : "-O2";
}

/// The compiler of an ELF way, or what is missing.
Result<fs::path> compiler_for(Way way, bool cpp, const Compilers& compilers) {
  if (way == Way::windows) {
    if (compilers.clang.empty()) {
      return not_installed("clang", "clang (apt-get install clang)", "is what compiles with the data model of Windows");
    }
    return compilers.clang;
  }
  const fs::path& gnu = cpp ? compilers.gxx : compilers.gcc;
  if (!gnu.empty()) return gnu;
  if (way == Way::system_v && !compilers.clang.empty()) return compilers.clang;
  return not_installed(cpp ? "g++" : "gcc", cpp ? "g++ (apt-get install g++)" : "gcc (apt-get install gcc)",
                       way == Way::system_v ? "compiles for the platform, as clang would"
                                            : "alone compiles with Microsoft's calling convention into ELF");
}

Result<std::vector<std::string>> compile_elf(Way way, const fs::path& source, const fs::path& object,
                                             const Request& request, const Kit& kit, const Compilers& compilers) {
  const Result<fs::path> compiler = compiler_for(way, is_cpp(source), compilers);
  if (!compiler) return compiler.error();
  std::vector<std::string> command = {compiler->filename().string()};
  const bool cpp = is_cpp(source);
  if (!is_assembly(source)) command.emplace_back(cpp ? cxx_standard : c_standard);
  command.emplace_back(optimisation(source, request, false));
  if (way == Way::windows) {
    add(command, options::windows);
  } else {
    if (way == Way::microsoft) command.emplace_back("-mabi=ms");
    add(command, options::filter);
  }
  if (cpp) add(command, options::filter_cxx);
  if (!cpp && !is_assembly(source)) command.emplace_back(request.trap_missing ? guessing : no_guessing);
  if (!is_assembly(source)) add_words(command, kit);
  add_users(command, request);
  command.push_back("-I" + kit.headers.string());
  if (way == Way::windows) command.push_back("-I" + (kit.headers / "crt").string());
  command.insert(command.end(), request.options.begin(), request.options.end());
  command.insert(command.end(), {"-c", source.string(), "-o", object.string()});
  return command;
}

/// GNU ld's options for a compiler driver: -Wl, before each.
void add_linker_option(std::vector<std::string>& command, bool direct, std::string option) {
  command.push_back(direct ? std::move(option) : "-Wl," + option);
}

Result<std::vector<std::string>> link_elf(Way way, const std::vector<std::string>& objects, const Request& request,
                                          const Kit& kit, const Compilers& compilers) {
  const bool direct = way == Way::windows;
  std::vector<std::string> command;
  if (direct) {
    if (compilers.linker.empty()) return not_installed("ld", "binutils (apt-get install binutils)", "links images");
    command = {compilers.linker.filename().string()};
    add(command, options::windows_link);
  } else {
    const Result<fs::path> compiler = compiler_for(way, false, compilers);
    if (!compiler) return compiler.error();
    command = {compiler->filename().string(), "-shared"};
    add(command, options::filter_link);
  }
  // Behind -z defs, which it takes back.
  if (request.trap_missing) add_linker_option(command, direct, "--unresolved-symbols=ignore-all");
  add_linker_option(command, direct, "--version-script=" + (kit.libraries / "filter_exports.map").string());
  command.insert(command.end(), {"-o", request.output.string()});
  command.insert(command.end(), objects.begin(), objects.end());
  const bool system_v = way == Way::system_v;
  command.push_back((kit.libraries / (system_v ? "libdumpsim_crt.a" : "libdumpsim_ms_crt.a")).string());
  add_linker_option(command, direct, "--no-as-needed");
  command.push_back((kit.libraries / (system_v ? "libntoskrnl.so" : "libntoskrnl-ms.so")).string());
  // 128-bit division and its like; static, depends on nothing.
  if (system_v) command.emplace_back("-lgcc");
  return command;
}

/// A .sys is made by clang with lld-link where both are, else by mingw-w64.
bool by_clang(const Compilers& compilers) {
  return !compilers.clang.empty() && !compilers.lld_link.empty();
}

Result<std::vector<std::string>> compile_sys(const fs::path& source, const fs::path& object, const Request& request,
                                             const Kit& kit, const Compilers& compilers) {
  const bool clang = by_clang(compilers);
  if (!clang && compilers.mingw.empty()) {
    return not_installed("neither clang with lld-link nor mingw-w64's gcc",
                         "clang and lld (apt-get install clang lld) or gcc-mingw-w64-x86-64", "make a .sys");
  }
  const bool cpp = is_cpp(source);
  fs::path compiler = (clang ? compilers.clang : compilers.mingw).filename();
  if (!clang && cpp) compiler = "x86_64-w64-mingw32-g++";
  std::vector<std::string> command = {compiler.string()};
  if (!is_assembly(source)) command.emplace_back(cpp ? cxx_standard : c_standard);
  command.emplace_back(optimisation(source, request, clang));
  if (clang) {
    add(command, options::sys_clang);
  } else {
    add(command, options::sys_mingw);
  }
  if (cpp) add(command, options::filter_cxx);
  if (!cpp && !is_assembly(source)) command.emplace_back(request.trap_missing ? guessing : no_guessing);
  if (!is_assembly(source)) add_words(command, kit);
  add_users(command, request);
  command.push_back("-I" + kit.headers.string());
  if (clang) command.push_back("-I" + (kit.headers / "crt").string());
  command.insert(command.end(), request.options.begin(), request.options.end());
  command.insert(command.end(), {"-c", source.string(), "-o", object.string()});
  return command;
}

std::vector<std::string> link_sys(const std::vector<std::string>& objects, const Request& request, const Kit& kit,
                                  const Compilers& compilers) {
  const bool clang = by_clang(compilers);
  std::vector<std::string> command = {(clang ? compilers.lld_link : compilers.mingw).filename().string()};
  if (clang) {
    add(command, options::sys_clang_link);
    command.emplace_back("/errorlimit:0");  // every missing name is explained
    command.push_back("/out:" + request.output.string());
  } else {
    add(command, options::sys_mingw_link);
    command.insert(command.end(), {"-o", request.output.string()});
  }
  command.insert(command.end(), objects.begin(), objects.end());
  command.push_back((kit.libraries / (clang ? "sys-clang" : "sys-mingw") / "ntoskrnl.lib").string());
  if (!request.trapped.empty()) command.push_back(request.trapped.string());
  if (!clang) command.emplace_back("-lgcc");
  return command;
}

}  // namespace

bool is_cpp(const fs::path& source) {
  return one_of(lower_extension(source), {".cpp", ".cc", ".cxx"});
}

bool is_compiled(const fs::path& source) {
  return is_cpp(source) || lower_extension(source) == ".c" || is_assembly(source);
}

Result<Kit> find_kit(const fs::path& program) {
  const fs::path prefix = program.parent_path().parent_path();
  const fs::path headers = prefix / "include" / "wdk";
  std::error_code ignored;
  for (const fs::path& libraries : {prefix / "lib", prefix / "lib" / "dumpsim"}) {
    if (fs::exists(headers / "ntddk.h", ignored) && fs::exists(libraries / "libntoskrnl.so", ignored)) {
      return Kit{headers, libraries};
    }
  }
  return Error{
      fmt::format("neither the headers ({0}/ntddk.h) nor the import libraries ({1}/lib/libntoskrnl.so or "
                  "{1}/lib/dumpsim/libntoskrnl.so) are beside the program: it was taken out of its place",
                  headers.string(), prefix.string())};
}

Compilers find_compilers() {
  return {.gcc = find_program({"gcc"}),
          .gxx = find_program({"g++"}),
          .clang = find_program({"clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"}),
          .linker = find_program({"ld", "ld.bfd", "ld.lld"}),
          .lld_link = find_program(
              {"lld-link", "lld-link-19", "lld-link-18", "lld-link-17", "lld-link-16", "lld-link-15", "lld-link-14"}),
          .mingw = find_program({"x86_64-w64-mingw32-gcc"}),
          .mingw_dlltool = find_program({"x86_64-w64-mingw32-dlltool"}),
          .llvm_dlltool = find_program({"llvm-dlltool", "llvm-dlltool-19", "llvm-dlltool-18", "llvm-dlltool-17",
                                        "llvm-dlltool-16", "llvm-dlltool-15", "llvm-dlltool-14"})};
}

Result<Plan> plan_commands(Way way, const Request& request, const Kit& kit, const Compilers& compilers,
                           const fs::path& folder) {
  Plan plan;
  std::vector<std::string> objects;
  std::set<fs::path> taken;
  for (const fs::path& source : request.sources) {
    if (is_linked(source)) {
      objects.push_back(source.string());
      continue;
    }
    if (!is_compiled(source)) {
      return Error{fmt::format("{}: expected a source (.c, .cpp, .cc, .cxx, .S) or what is linked in (.o, .a)",
                               source.string())};
    }
    fs::path object = folder / source.stem();
    object += ".o";
    for (int number = 2; !taken.insert(object).second; ++number) {
      object = folder / fmt::format("{}-{}.o", source.stem().string(), number);
    }
    auto command = way == Way::sys ? compile_sys(source, object, request, kit, compilers)
                                   : compile_elf(way, source, object, request, kit, compilers);
    if (!command) return command.error();
    plan.compiles.push_back({source, *std::move(command), object});
    objects.push_back(object.string());
  }
  if (way == Way::sys) {
    plan.link = link_sys(objects, request, kit, compilers);
    return plan;
  }
  Result<std::vector<std::string>> link = link_elf(way, objects, request, kit, compilers);
  if (!link) return link.error();
  plan.link = *std::move(link);
  return plan;
}

Result<std::vector<std::string>> plan_preprocessing(const fs::path& source, const Request& request, const Kit& kit,
                                                    const Compilers& compilers) {
  const Result<fs::path> compiler = compiler_for(Way::system_v, is_cpp(source), compilers);
  if (!compiler) return compiler.error();
  std::vector<std::string> command = {compiler->filename().string(),
                                      std::string(is_cpp(source) ? cxx_standard : c_standard), "-E",
                                      "-DWDK_KEEP_WORDS=1"};
  add(command, options::filter);
  add_users(command, request);
  command.push_back("-I" + kit.headers.string());
  command.insert(command.end(), request.options.begin(), request.options.end());
  command.push_back(source.string());
  return command;
}

Result<std::vector<std::string>> plan_import_library(const fs::path& definition, const fs::path& library,
                                                     const Compilers& compilers) {
  const bool clang = by_clang(compilers);
  const fs::path& maker = clang ? compilers.llvm_dlltool : compilers.mingw_dlltool;
  if (maker.empty()) {
    return not_installed(clang ? "llvm-dlltool" : "x86_64-w64-mingw32-dlltool",
                         clang ? "llvm (apt-get install llvm)" : "binutils-mingw-w64-x86-64",
                         "lets a .sys import what is not simulated");
  }
  return std::vector<std::string>{maker.filename().string(), "-m", "i386:x86-64",   "-d",
                                  definition.string(),       "-l", library.string()};
}

std::string shell_line(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char letter) {
      return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
             std::string_view("-_./=+,:@%").find(static_cast<char>(letter)) != std::string_view::npos;
    });
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char letter : word) line += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    line += '\'';
  }
  return line;
}

}  // namespace dumpsim::toolchain
