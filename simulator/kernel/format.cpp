// SPDX-License-Identifier: Apache-2.0
// The formatter. Written out instead of handed to the C library, because argument sizes (a Windows long has 32 bits)
// and the meaning of s and S differ, and because it runs on the driver's small stack.
#include "kernel/format.hpp"

#include <string_view>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

template <class Unit>
class Output {
 public:
  explicit Output(std::span<Unit> into) : into_(into) {}
  void put(Unit unit) {
    if (length_ < into_.size()) into_[length_] = unit;
    ++length_;
  }
  void repeat(Unit unit, std::size_t count) {
    for (; count != 0; --count) put(unit);
  }
  std::size_t length() const { return length_; }

 private:
  std::span<Unit> into_;
  std::size_t length_ = 0;
};

enum class Size { none, byte, half, full, wide64 };
enum class TextWidth { by_letter, narrow, wide };

template <class Unit>
struct Conversion {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  std::size_t width = 0;
  bool has_precision = false;
  std::size_t precision = 0;
  Size size = Size::none;
  TextWidth text = TextWidth::by_letter;
  Unit letter = 0;
};

constexpr std::size_t field_limit = 0x10000;  // a hostile width must not take forever

template <class Unit>
std::size_t read_number(const Unit*& at) {
  std::size_t value = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    value = value < field_limit ? value * 10 + static_cast<std::size_t>(*at - '0') : field_limit;
  }
  return value;
}

template <class Unit>
bool starts(const Unit* at, const char* with) {
  for (; *with != 0; ++at, ++with) {
    if (*at != static_cast<Unit>(*with)) return false;
  }
  return true;
}

template <class Unit>
Conversion<Unit> read_conversion(const Unit*& at, ArgumentReader& arguments) {
  Conversion<Unit> c;
  for (;; ++at) {
    if (*at == '-') {
      c.left = true;
    } else if (*at == '+') {
      c.plus = true;
    } else if (*at == ' ') {
      c.space = true;
    } else if (*at == '#') {
      c.alternate = true;
    } else if (*at == '0') {
      c.zero = true;
    } else {
      break;
    }
  }
  if (*at == '*') {
    ++at;
    const auto given = static_cast<std::int32_t>(arguments.next());
    c.left = c.left || given < 0;
    c.width = given < 0 ? static_cast<std::size_t>(-static_cast<std::int64_t>(given)) : static_cast<std::size_t>(given);
    if (c.width > field_limit) c.width = field_limit;
  } else {
    c.width = read_number(at);
  }
  if (*at == '.') {
    ++at;
    c.has_precision = true;
    if (*at == '*') {
      ++at;
      const auto given = static_cast<std::int32_t>(arguments.next());
      c.has_precision = given >= 0;  // a negative one counts as none
      c.precision = given < 0 ? 0 : static_cast<std::size_t>(given);
      if (c.precision > field_limit) c.precision = field_limit;
    } else {
      c.precision = read_number(at);
    }
  }
  for (;;) {
    if (starts(at, "I64")) {
      c.size = Size::wide64;
      at += 3;
    } else if (starts(at, "I32")) {
      c.size = Size::full;
      at += 3;
    } else if (starts(at, "ll")) {
      c.size = Size::wide64;
      at += 2;
    } else if (*at == 'I' || *at == 'z' || *at == 't' || *at == 'j') {
      c.size = Size::wide64;  // pointer-sized
      ++at;
    } else if (starts(at, "hh")) {
      c.size = Size::byte;
      at += 2;
    } else if (*at == 'h') {
      c.size = Size::half;
      c.text = TextWidth::narrow;
      ++at;
    } else if (*at == 'l') {
      c.size = Size::full;  // a Windows long has 32 bits
      c.text = TextWidth::wide;
      ++at;
    } else if (*at == 'w') {
      c.text = TextWidth::wide;
      ++at;
    } else {
      break;
    }
  }
  c.letter = *at;
  if (*at != 0) ++at;
  return c;
}

template <class Unit>
void put_padded(Output<Unit>& out, const Conversion<Unit>& c, std::string_view prefix, std::size_t zeros,
                std::string_view digits) {
  const std::size_t length = prefix.size() + zeros + digits.size();
  std::size_t padding = c.width > length ? c.width - length : 0;
  if (!c.left && c.zero && !c.has_precision) {
    zeros += padding;
    padding = 0;
  }
  if (!c.left) out.repeat(' ', padding);
  for (const char character : prefix) out.put(static_cast<Unit>(character));
  out.repeat('0', zeros);
  for (const char character : digits) out.put(static_cast<Unit>(character));
  if (c.left) out.repeat(' ', padding);
}

std::uint64_t cut(std::uint64_t value, Size size, bool is_signed) {
  switch (size) {
    case Size::byte:
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int8_t>(value)) : value & 0xFF;
    case Size::half:
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int16_t>(value)) : value & 0xFFFF;
    case Size::wide64:
      return value;
    default:
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int32_t>(value)) : value & 0xFFFFFFFF;
  }
}

template <class Unit>
void put_integer(Output<Unit>& out, const Conversion<Unit>& c, std::uint64_t value) {
  const bool is_signed = c.letter == 'd' || c.letter == 'i';
  const unsigned base = c.letter == 'o' ? 8 : c.letter == 'x' || c.letter == 'X' ? 16 : 10;
  const char* symbols = c.letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string_view prefix;
  if (is_signed) {
    if (static_cast<std::int64_t>(value) < 0) {
      prefix = "-";
      value = 0 - value;
    } else if (c.plus) {
      prefix = "+";
    } else if (c.space) {
      prefix = " ";
    }
  } else if (c.alternate && value != 0 && base == 16) {
    prefix = c.letter == 'X' ? "0X" : "0x";
  }
  char digits[24];
  std::size_t at = sizeof digits;
  for (std::uint64_t left = value; left != 0; left /= base) digits[--at] = symbols[left % base];
  std::size_t count = sizeof digits - at;
  std::size_t wanted = c.has_precision ? c.precision : 1;
  if (base == 8 && c.alternate && wanted <= count) wanted = count + 1;
  put_padded(out, c, prefix, wanted > count ? wanted - count : 0, {digits + at, count});
}

/// Text of either width, `length` units or up to the terminator, at most the precision.
template <class Unit, class Source>
void put_text(Output<Unit>& out, const Conversion<Unit>& c, const Source* text, std::size_t length, bool counted) {
  std::size_t limit = c.has_precision ? c.precision : ~std::size_t{0};
  if (counted && length < limit) limit = length;
  std::size_t count = 0;
  while (count < limit && (counted || text[count] != 0)) ++count;
  const std::size_t padding = c.width > count ? c.width - count : 0;
  if (!c.left) out.repeat(c.zero ? '0' : ' ', padding);
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (sizeof(Unit) == 1 && sizeof(Source) == 2) {
      char32_t point = text[i];
      if (point >= 0xD800 && point < 0xDC00 && i + 1 < count && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (text[++i] - 0xDC00);
      }
      char bytes[4];
      const std::size_t used = put_utf8(point, bytes, sizeof bytes);
      for (std::size_t k = 0; k < used; ++k) out.put(bytes[k]);
    } else if constexpr (sizeof(Source) == 1) {
      out.put(static_cast<Unit>(static_cast<unsigned char>(text[i])));
    } else {
      out.put(static_cast<Unit>(text[i]));
    }
  }
  if (c.left) out.repeat(' ', padding);
}

template <class Unit>
void put_pointer(Output<Unit>& out, Conversion<Unit> c, std::uint64_t value, FormatOptions options) {
  if (options.addresses_in_words && has_current()) {
    char text[96];
    const std::size_t length = current().words(reinterpret_cast<const void*>(value), text, Words::printed);
    c.has_precision = false;
    return put_text(out, c, text, length, true);
  }
  c.letter = 'X';
  c.has_precision = true;
  c.precision = 16;  // all digits, as the Microsoft library prints pointers [doc]
  put_integer(out, c, value);
}

template <class Unit>
FormatResult format_any(std::span<Unit> into, const Unit* at, ArgumentReader& arguments, FormatOptions options) {
  Output<Unit> out(into);
  FormatResult result;
  while (*at != 0) {
    if (*at != '%') {
      out.put(*at++);
      continue;
    }
    ++at;
    const Conversion<Unit> c = read_conversion(at, arguments);
    switch (c.letter) {
      case 0:
        break;
      case 'd':
      case 'i':
        put_integer(out, c, cut(arguments.next(), c.size, true));
        break;
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        put_integer(out, c, cut(arguments.next(), c.size, false));
        break;
      case 'p':
        put_pointer(out, c, arguments.next(), options);
        break;
      case 'c':
      case 'C': {
        const bool natural = (c.letter == 'c') == (sizeof(Unit) == 1);  // c is the format's own width, C the other
        const bool wide = c.text == TextWidth::by_letter ? !natural : c.text == TextWidth::wide;
        const auto value = static_cast<char16_t>(arguments.next());
        if (wide) {
          result.wide_used = true;
          put_text(out, c, &value, 1, true);
        } else {
          const char narrow = static_cast<char>(value);
          put_text(out, c, &narrow, 1, true);
        }
        break;
      }
      case 's':
      case 'S': {
        const bool natural = (c.letter == 's') == (sizeof(Unit) == 1);
        const bool wide = c.text == TextWidth::by_letter ? !natural : c.text == TextWidth::wide;
        const std::uint64_t address = arguments.next();
        result.wide_used = result.wide_used || wide;
        if (address == 0) {
          put_text(out, c, "(null)", 6, true);
        } else if (wide) {
          put_text(out, c, reinterpret_cast<const char16_t*>(address), 0, false);
        } else {
          put_text(out, c, reinterpret_cast<const char*>(address), 0, false);
        }
        break;
      }
      case 'Z': {
        // A counted string: UNICODE_STRING with w or l, ANSI_STRING without. Both have the same layout.
        const auto* counted = reinterpret_cast<const STRING*>(arguments.next());
        const bool wide = c.text == TextWidth::wide;
        result.wide_used = true;
        if (counted == nullptr || counted->Buffer == nullptr) {
          put_text(out, c, "(null)", 6, true);
        } else if (wide) {
          put_text(out, c, reinterpret_cast<const char16_t*>(counted->Buffer), counted->Length / 2u, true);
        } else {
          put_text(out, c, static_cast<const char*>(counted->Buffer), counted->Length, true);
        }
        break;
      }
      default:  // "%%", and what is no conversion
        out.put(c.letter);
        break;
    }
  }
  result.length = out.length();
  return result;
}

}  // namespace

FormatResult format(std::span<char> into, const char* format, ArgumentReader& arguments, FormatOptions options) {
  return format_any(into, format, arguments, options);
}

FormatResult format(std::span<char16_t> into, const char16_t* format, ArgumentReader& arguments,
                    FormatOptions options) {
  return format_any(into, format, arguments, options);
}

}  // namespace dumpsim::kernel
