// SPDX-License-Identifier: Apache-2.0
#include "toolchain/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace dumpsim::toolchain {
namespace {

/// C library functions that drivers are tempted by, and what a kernel has in their place; an empty one has nothing.
constexpr std::array<std::pair<std::string_view, std::string_view>, 58> c_library = {{
    {"malloc", "ExAllocatePoolWithTag"},
    {"calloc", "ExAllocatePoolWithTag and RtlZeroMemory"},
    {"realloc", "ExAllocatePoolWithTag"},
    {"free", "ExFreePoolWithTag"},
    {"printf", "DbgPrintEx"},
    {"fprintf", "DbgPrintEx"},
    {"puts", "DbgPrintEx"},
    {"putchar", "DbgPrintEx"},
    {"perror", "DbgPrintEx"},
    {"wprintf", "DbgPrintEx"},
    {"sprintf", "RtlStringCbPrintfA or _snprintf"},
    {"snprintf", "RtlStringCbPrintfA or _snprintf"},
    {"vsprintf", "RtlStringCbVPrintfA or _vsnprintf"},
    {"vsnprintf", "RtlStringCbVPrintfA or _vsnprintf"},
    {"sscanf", ""},
    {"strdup", "ExAllocatePoolWithTag and strcpy"},
    {"wcsdup", "ExAllocatePoolWithTag and wcscpy"},
    {"strtok", ""},
    {"strtol", "RtlCharToInteger"},
    {"strtoul", "RtlCharToInteger"},
    {"atoi", "RtlCharToInteger"},
    {"atol", "RtlCharToInteger"},
    {"strcasecmp", "_stricmp"},
    {"strncasecmp", "_strnicmp"},
    {"wcscasecmp", "_wcsicmp"},
    {"fopen", "ZwCreateFile"},
    {"fclose", "ZwClose"},
    {"fread", "ZwReadFile"},
    {"fwrite", "ZwWriteFile"},
    {"fseek", "the offset that ZwReadFile takes"},
    {"open", "ZwCreateFile"},
    {"close", "ZwClose"},
    {"read", "ZwReadFile"},
    {"write", "ZwWriteFile"},
    {"exit", "a status to return, or KeBugCheckEx"},
    {"_exit", "a status to return, or KeBugCheckEx"},
    {"abort", "KeBugCheckEx"},
    {"assert", "NT_ASSERT"},
    {"__assert_fail", "NT_ASSERT"},
    {"time", "KeQuerySystemTime"},
    {"clock", "KeQueryInterruptTime"},
    {"gettimeofday", "KeQuerySystemTime"},
    {"sleep", "KeDelayExecutionThread"},
    {"usleep", "KeDelayExecutionThread"},
    {"rand", "RtlRandomEx"},
    {"srand", "RtlRandomEx"},
    {"qsort", ""},
    {"bsearch", ""},
    {"getenv", "RtlQueryRegistryValues"},
    {"signal", ""},
    {"setjmp", ""},
    {"longjmp", ""},
    {"pthread_create", "PsCreateSystemThread"},
    {"pthread_mutex_lock", "KeWaitForSingleObject on a KMUTEX"},
    {"errno", "an NTSTATUS"},
    {"__errno_location", "an NTSTATUS"},
    {"floor", "integers: a driver does not compute with floating point"},
    {"pow", "integers: a driver does not compute with floating point"},
}};

/// What compilers ask for by themselves.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> compiler_names = {{
    {"__stack_chk_fail", "is the stack protector's, which a driver here is built without: -fno-stack-protector"},
    {"__C_specific_handler",
     "serves __try and __except: build it as a driver of Windows, --way sys, where exceptions are handled"},
    {"_GLOBAL_OFFSET_TABLE_", "is the linker's: an object was compiled without -fPIC"},
    {"__cxa_atexit",
     "registers destructors of static objects, which nobody runs for a driver: use pointers set in DriverEntry"},
    {"__dso_handle",
     "registers destructors of static objects, which nobody runs for a driver: use pointers set in DriverEntry"},
    {"__cxa_guard_acquire", "guards static locals of C++: compile with -fno-threadsafe-statics"},
    {"__gxx_personality_v0", "serves C++ exceptions, which a kernel does not have: -fno-exceptions"},
    {"__cxa_throw", "throws a C++ exception, which a kernel does not have"},
    {"__CxxFrameHandler3", "serves C++ exceptions, which a kernel does not have: -fno-exceptions"},
    {"__tls_get_addr", "serves thread-local variables, which a driver does not have"},
    {"_Znwm", "is operator new, which a driver defines itself, from ExAllocatePoolWithTag"},
    {"_Znam", "is operator new[], which a driver defines itself, from ExAllocatePoolWithTag"},
    {"_ZdlPv", "is operator delete, which a driver defines itself, from ExFreePoolWithTag"},
    {"_ZdlPvm", "is operator delete, which a driver defines itself, from ExFreePoolWithTag"},
    {"_ZdaPv", "is operator delete[], which a driver defines itself, from ExFreePoolWithTag"},
}};

// Microsoft's prefixes of kernel routines: a capital letter has to follow.
constexpr std::array<std::string_view, 40> kernel_prefixes = {
    "Aux", "Cc",  "Cm",        "Dbg", "Em", "Etw", "Ex",  "Exf", "Exp", "FsRtl", "Flt", "Hal", "Inbv", "Interlocked",
    "Io",  "Iof", "Kd",        "Ke",  "Kf", "Ki",  "Mm",  "Nt",  "Ob",  "Obf",   "Pcw", "Pf",  "Pfx",  "Po",
    "Ps",  "Rtl", "RtlString", "Se",  "Tm", "Vf",  "Vsl", "Wdf", "Wmi", "Whea",  "Wsk", "Zw"};

constexpr std::array<std::string_view, 12> user_headers = {"windows.h",  "winbase.h",  "winuser.h", "winnt.h",
                                                           "winioctl.h", "winsock2.h", "tchar.h",   "process.h",
                                                           "io.h",       "conio.h",    "unistd.h",  "pthread.h"};
constexpr std::array<std::string_view, 14> library_headers = {"stdio.h",  "stdlib.h", "math.h",   "time.h",   "errno.h",
                                                              "assert.h", "signal.h", "setjmp.h", "locale.h", "vector",
                                                              "string",   "memory",   "map",      "iostream"};

template <std::size_t count>
std::optional<std::string_view> looked_up(
    std::string_view name, const std::array<std::pair<std::string_view, std::string_view>, count>& table) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == name; });
  if (found == table.end()) return std::nullopt;
  return found->second;
}

template <std::size_t count>
bool among(std::string_view name, const std::array<std::string_view, count>& table) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

bool of_a_kernel(std::string_view name) {
  return std::any_of(kernel_prefixes.begin(), kernel_prefixes.end(), [&](std::string_view prefix) {
    return name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] >= 'A' &&
           name[prefix.size()] <= 'Z';
  });
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) letter = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
  return result;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

/// The one function of an Itanium name: "_Z7KeStallm" is KeStall.
std::string_view unmangled(std::string_view name) {
  if (!name.starts_with("_Z")) return {};
  std::size_t at = 2;
  std::size_t length = 0;
  for (; at < name.size() && name[at] >= '0' && name[at] <= '9' && at < 6; ++at) {
    length = length * 10 + static_cast<std::size_t>(name[at] - '0');
  }
  if (length == 0 || length > name.size() - at) return {};
  return name.substr(at, length);
}

std::string c_library_words(std::string_view instead) {
  if (instead.empty()) return "is of the C library, and a kernel has none";
  return fmt::format("is of the C library, and a kernel has none: use {}", instead);
}

bool exported(const Known& known, std::string_view name) {
  return std::find(known.exports.begin(), known.exports.end(), name) != known.exports.end();
}

std::string about_reference(std::string_view name, const Known& known) {
  std::string_view plain = name;
  for (const std::string_view prefix : {"__imp_", "dumpsim_"}) {
    if (plain.starts_with(prefix)) plain.remove_prefix(prefix.size());
  }
  if (const auto words = looked_up(plain, compiler_names)) return std::string(*words);
  if (const auto instead = looked_up(plain, c_library)) return c_library_words(*instead);
  if (const std::string_view inner = unmangled(plain); !inner.empty() && exported(known, inner)) {
    return fmt::format("is {} with a mangled name: declare it extern \"C\", as the headers do", inner);
  }
  const std::string header = known.headers.header_of(plain);
  const std::string offer = did_you_mean(plain, views(known.exports));
  if (!header.empty()) {
    return fmt::format("is declared in <{}> but not simulated as a function to link against{}", header, offer);
  }
  if (of_a_kernel(plain)) return fmt::format("is not simulated{}", offer);
  return fmt::format("is nobody's: no source defines it and the kernel does not export it{}", offer);
}

std::string about_undeclared(std::string_view name, const Known& known) {
  if (const std::string header = known.headers.header_of(name); !header.empty()) {
    return fmt::format("is declared in <{}>: include it (if it is, NTDDI_VERSION leaves the name out)", header);
  }
  if (const auto instead = looked_up(name, c_library)) return c_library_words(*instead);
  std::vector<std::string_view> names = known.headers.names();
  const std::string offer = did_you_mean(name, names);
  if (exported(known, name)) return "is exported by the kernel but declared in no header: declare it yourself";
  if (of_a_kernel(name)) return fmt::format("is not simulated{}", offer);
  return fmt::format("is declared neither by the headers of the kit nor by yours{}", offer);
}

std::string about_header(std::string_view name, const Known& known) {
  const std::string_view file = name.substr(name.rfind('/') + 1);
  for (const std::vector<std::string>* folder : {&known.own_headers, &known.headers.headers()}) {
    for (const std::string& own : *folder) {
      if (lower(own) == lower(file) && own != file) {
        return fmt::format(
            "is there, but spelled {}: Windows does not tell the two apart, a file of one line does "
            "(#include \"{}\")",
            own, own);
      }
      if (own == file) {
        return fmt::format("is there as {}, but not where the compiler looks: give its folder with -I", own);
      }
    }
  }
  const std::string plain = lower(file);
  if (plain.starts_with("wdf"))
    return "is the driver framework's (WDF), which is not simulated: dump filters run without it";
  if (among(plain, user_headers)) return "is a header of user mode: a driver has <ntddk.h>";
  if (among(plain, library_headers))
    return "is of the C or C++ library, and a kernel has none; the kit's own are in its crt folder";
  return fmt::format("is no header of the kit{}", did_you_mean(file, views(known.headers.headers())));
}

}  // namespace

std::string explain(const MissingName& missing, const Known& known) {
  std::string words;
  switch (missing.kind) {
    case MissingName::Kind::reference:
      words = about_reference(missing.name, known);
      break;
    case MissingName::Kind::undeclared:
      words = about_undeclared(missing.name, known);
      break;
    case MissingName::Kind::header:
      words = about_header(missing.name, known);
      break;
  }
  const std::string place = missing.place.empty() ? std::string() : missing.place + ": ";
  if (missing.kind == MissingName::Kind::header) return fmt::format("{}<{}> {}", place, missing.name, words);
  if (missing.function.empty()) return fmt::format("{}{} {}", place, missing.name, words);
  return fmt::format("{}{}, used in {}, {}", place, missing.name, missing.function, words);
}

}  // namespace dumpsim::toolchain
