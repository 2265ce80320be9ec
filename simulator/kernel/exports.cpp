// SPDX-License-Identifier: Apache-2.0
// Makes the two entry points of every export from its implementation: a plain System V function and its ms_abi twin,
// both counting, checking the IRQL and recording before they call the same code. What takes a variable number of
// arguments has its entries written by hand (dbg_print.cpp), since each convention has a va_list of its own.
#include "kernel/exports.hpp"

#include <array>
#include <type_traits>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
// The driver's world last: it defines macros.
#include "kernel/variadic.hpp"

namespace dumpsim::kernel {
namespace {

using machine::Convention;

constexpr std::array<std::uint8_t, export_index::count> maximum_irql{
#define EXPORT(name, max_irql, may_fault) max_irql,
#include "kernel/exports.def"
#undef EXPORT
};
constexpr std::array<std::string_view, export_index::count> export_names{
#define EXPORT(name, max_irql, may_fault) #name,
#include "kernel/exports.def"
#undef EXPORT
};

/// The C library's part: pure functions that even HIGH_LEVEL may call, and that compilers call unasked. They are
/// neither counted nor recorded.
constexpr bool is_plain_c(std::string_view name) {
  return (name.front() >= 'a' && name.front() <= 'z') || name.front() == '_';
}

/// A number of a call: pool tags as text, addresses in words even where the type is an integer.
void put_number(Line& line, const Kernel& kernel, std::uint64_t value, std::size_t bytes) {
  if (bytes == 4) {
    bool printable = true;
    for (int shift = 0; shift < 32; shift += 8) {
      const auto character = static_cast<std::uint8_t>(value >> shift);
      printable = printable && character >= 0x20 && character < 0x7F;
    }
    if (printable) return line.put_tag(static_cast<std::uint32_t>(value));
  }
  if (bytes == 8 && kernel.is_address(value)) {
    return line.skip(kernel.words(reinterpret_cast<const void*>(value), line.rest(), Words::canonical));
  }
  if (value < 10) return line.put_decimal(value);
  line.put_hex(value);
}

template <class T>
std::uint64_t bits_of(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else if constexpr (std::is_same_v<T, LARGE_INTEGER>) {
    return static_cast<std::uint64_t>(value.QuadPart);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::uint32_t>(value);
  } else {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
}

template <class T>
void put_value(Line& line, const Kernel& kernel, T value) {
  if constexpr (std::is_pointer_v<T>) {
    const auto address = reinterpret_cast<std::uintptr_t>(value);
    line.skip(kernel.words(reinterpret_cast<const void*>(address), line.rest(), Words::canonical));
  } else {
    put_number(line, kernel, bits_of(value), sizeof(T));
  }
}

/// What may be an NTSTATUS goes into the record as a number; addresses are in the text only, as words.
template <class Return>
constexpr bool shows_number = sizeof(Return) <= 4;
template <class Pointee>
constexpr bool shows_number<Pointee*> = false;

template <auto Function, std::size_t Index, class Signature = decltype(Function)>
struct Entry;

/// Functions with an ellipsis or a va_list: varargs.hpp names their two entries.
template <auto Function, std::size_t Index, class Signature>
requires has_own_entries<Function>
struct Entry<Function, Index, Signature> {
  static constexpr auto system_v = OwnEntries<Function>::system_v;
  static constexpr auto microsoft = OwnEntries<Function>::microsoft;
};

template <auto Function, std::size_t Index, class Return, class... Arguments>
requires(!has_own_entries<Function>) struct Entry<Function, Index, Return (*)(Arguments...)> {
  static Return system_v(Arguments... arguments) {
    return call<Convention::system_v>(__builtin_return_address(0), arguments...);
  }
  static Return __attribute__((ms_abi)) microsoft(Arguments... arguments) {
    return call<Convention::microsoft>(__builtin_return_address(0), arguments...);
  }

 private:
  template <Convention Which>
  [[gnu::always_inline]] static Return call([[maybe_unused]] const void* caller, Arguments... arguments) {
    if constexpr (!is_plain_c(export_names[Index])) {
      if (current().enter(Index, Which, maximum_irql[Index], caller)) return recorded(arguments...);
    }
    return Function(arguments...);
  }

  [[gnu::noinline]] static Return recorded(Arguments... arguments) {
    Kernel& kernel = current();
    Line line(kernel.call_text());
    const std::uint8_t irql = kernel.machine().processor.irql;
    line.put(export_names[Index]);
    line.put('(');
    [[maybe_unused]] bool first = true;
    (((first ? void() : line.put(", ")), first = false, put_value(line, kernel, arguments)), ...);
    line.put(')');
    kernel.begin_call();
    if constexpr (std::is_void_v<Return>) {
      Function(arguments...);
      kernel.end_call();
      kernel.recorder().kernel_call(kernel.image(), irql, Index, 0, line.text());
    } else {
      const Return result = Function(arguments...);
      kernel.end_call();
      line.put(" = ");
      put_value(line, kernel, result);
      const auto status = shows_number<Return> ? static_cast<std::int32_t>(bits_of(result)) : 0;
      kernel.recorder().kernel_call(kernel.image(), irql, Index, status, line.text());
      return result;
    }
  }
};

}  // namespace

std::span<const Export> all_exports() {
  static const std::array<Export, export_index::count> table{{
#define EXPORT(name, max_irql, may_fault)                                                                         \
  {#name, max_irql, may_fault, reinterpret_cast<const void*>(Entry<&kernel::name, export_index::name>::system_v), \
   reinterpret_cast<const void*>(Entry<&kernel::name, export_index::name>::microsoft)},
#include "kernel/exports.def"
#undef EXPORT
  }};
  return table;
}

const Export* find_export(std::string_view name) {
  constexpr std::string_view wide = "dumpsim_";
  for (const Export& row : all_exports()) {
    if (row.name == name) return &row;
    if (row.name.starts_with(wide) && row.name.substr(wide.size()) == name) return &row;
  }
  return nullptr;
}

}  // namespace dumpsim::kernel
