// SPDX-License-Identifier: Apache-2.0
// Windows' 16-bit text to and from the UTF-8 of scenarios and traces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dumpsim {

/// Surrogates without a partner become U+FFFD.
std::string to_utf8(std::u16string_view text);
/// Bytes that are no UTF-8 become U+FFFD each.
std::u16string to_utf16(std::string_view text);
/// Appends one UTF-16 unit that is no surrogate, or a code point, to `into`; returns the bytes written, 0 when it does
/// not fit. No allocation.
std::size_t put_utf8(char32_t point, char* into, std::size_t room);
/// Whether NTFS takes it for the name of a file or folder: 1 to 255 units, none of them special [doc], and not "." or
/// "..", which only Windows' own programs resolve.
bool is_file_name(std::u16string_view name);

}  // namespace dumpsim
