// SPDX-License-Identifier: Apache-2.0
// Looks at a preprocessed source for what only Windows' data model and Microsoft's extensions give, to pick the way to
// build it. Only the user's own lines count: the headers of the kit and of the system fit every way.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dumpsim::toolchain {

struct WindowsSign {
  std::string place;  ///< "driver.c:12", as the line markers name it
  std::string what;   ///< "a plain long, which has 32 bits on Windows"
};

/// The first sign, in the order of the text: a long that is no long long, an __asm block of Microsoft's, a
/// __declspec that the headers do not turn into an attribute. `text` is what `gcc -E -DWDK_KEEP_WORDS` wrote;
/// `headers` is the folder of the kit, whose lines are not the user's.
std::optional<WindowsSign> find_windows_sign(std::string_view text, const std::filesystem::path& headers);

/// The first word of structured exception handling, of the same text: only a PE image can carry the tables that clang
/// makes of it, and GCC needs -O0 to do without.
std::optional<WindowsSign> find_exception_sign(std::string_view text, const std::filesystem::path& headers);

}  // namespace dumpsim::toolchain
