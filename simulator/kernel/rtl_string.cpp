// SPDX-License-Identifier: Apache-2.0
// Counted strings. Lengths are in bytes, terminators are optional, and what does not fit is refused or cut exactly as
// documented: drivers rely on the difference.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "kernel/crt.hpp"
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::size_t longest = 0xFFFE;   // bytes of a UNICODE_STRING
constexpr ULONG string_tag = 0x67727453;  // "Strg"

std::u16string_view view(PCUNICODE_STRING string) {
  return {string->Buffer, string->Length / sizeof(WCHAR)};
}
std::string_view view(const STRING* string) {
  return {string->Buffer, string->Length};
}

char fold(char character) {
  return character >= 'a' && character <= 'z' ? static_cast<char>(character - 0x20) : character;
}

LONG compare(std::u16string_view a, std::u16string_view b, bool ignore_case) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const char16_t x = ignore_case ? upcase(a[i]) : a[i];
    const char16_t y = ignore_case ? upcase(b[i]) : b[i];
    if (x != y) return LONG{x} - LONG{y};
  }
  return static_cast<LONG>(a.size()) - static_cast<LONG>(b.size());
}

std::byte* allocate(std::size_t bytes) {
  Kernel& kernel = current();
  BlockRequest request;
  request.paged = true;  // [doc]
  request.image = kernel.image();
  request.tag = string_tag;
  request.bytes = bytes;
  return kernel.pool().allocate(request);
}

/// Room for `length` bytes and a terminator in `destination`, allocated when asked for; the status otherwise.
template <class String>
NTSTATUS make_room(String* destination, std::size_t length, std::size_t terminator, bool allocates) {
  if (length + terminator > longest) return STATUS_INVALID_PARAMETER_2;
  if (allocates) {
    destination->Buffer = reinterpret_cast<decltype(destination->Buffer)>(allocate(length + terminator));
    if (destination->Buffer == nullptr) return STATUS_NO_MEMORY;
    destination->MaximumLength = static_cast<USHORT>(length + terminator);
  } else if (length + terminator > destination->MaximumLength) {
    return STATUS_BUFFER_OVERFLOW;
  }
  destination->Length = static_cast<USHORT>(length);
  return STATUS_SUCCESS;
}

void free_string(PVOID buffer) {
  if (buffer == nullptr) return;
  Kernel& kernel = current();
  if (kernel.pool().block_at(buffer) == nullptr) {
    kernel.bad_pool_caller(trace::Rule::pool_bad_free,
                           "RtlFreeUnicodeString or RtlFreeAnsiString: not a buffer from the pool",
                           {0x46, reinterpret_cast<std::uintptr_t>(buffer), 0, 0});
    return;
  }
  kernel.pool().free(static_cast<std::byte*>(buffer));
}

int digit_of(char16_t unit) {
  if (unit >= u'0' && unit <= u'9') return unit - u'0';
  if (unit >= u'a' && unit <= u'f') return unit - u'a' + 10;
  if (unit >= u'A' && unit <= u'F') return unit - u'A' + 10;
  return 16;
}

/// White space, a sign, a prefix when `base` is 0, digits until one does not fit [doc].
NTSTATUS to_integer(std::u16string_view text, ULONG base, PULONG value) {
  std::size_t at = 0;
  while (at < text.size() && text[at] <= u' ') ++at;
  bool negative = false;
  if (at < text.size() && (text[at] == u'-' || text[at] == u'+')) negative = text[at++] == u'-';
  if (base == 0) {
    base = 10;
    if (at + 1 < text.size() && text[at] == u'0') {
      const char16_t mark = text[at + 1];
      base = mark == u'x' ? 16 : mark == u'o' ? 8 : mark == u'b' ? 2 : 10;
      if (base != 10) at += 2;
    }
  }
  if (base != 2 && base != 8 && base != 10 && base != 16) return STATUS_INVALID_PARAMETER;
  ULONG number = 0;
  for (; at < text.size() && digit_of(text[at]) < static_cast<int>(base); ++at) {
    number = number * base + static_cast<ULONG>(digit_of(text[at]));
  }
  *value = negative ? 0 - number : number;
  return STATUS_SUCCESS;
}

NTSTATUS from_integer(std::uint64_t value, ULONG base, PUNICODE_STRING string) {
  if (base == 0) base = 10;
  if (base != 2 && base != 8 && base != 10 && base != 16) return STATUS_INVALID_PARAMETER;
  WCHAR digits[64];
  std::size_t at = RTL_NUMBER_OF(digits);
  do digits[--at] = static_cast<WCHAR>(u"0123456789ABCDEF"[value % base]);
  while ((value /= base) != 0);
  const std::size_t bytes = (RTL_NUMBER_OF(digits) - at) * sizeof(WCHAR);
  if (bytes > string->MaximumLength) return STATUS_BUFFER_OVERFLOW;
  std::memcpy(string->Buffer, digits + at, bytes);
  string->Length = static_cast<USHORT>(bytes);
  if (bytes + sizeof(WCHAR) <= string->MaximumLength) string->Buffer[bytes / sizeof(WCHAR)] = 0;
  return STATUS_SUCCESS;
}

}  // namespace

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  *DestinationString = UNICODE_STRING{0, 0, const_cast<PWCH>(SourceString)};
  if (SourceString == nullptr) return;
  const std::size_t bytes = std::min(dumpsim_wcslen(SourceString) * sizeof(WCHAR), longest - sizeof(WCHAR));
  DestinationString->Length = static_cast<USHORT>(bytes);
  DestinationString->MaximumLength = static_cast<USHORT>(bytes + sizeof(WCHAR));
}
VOID RtlInitString(PSTRING DestinationString, PCSTR SourceString) {
  *DestinationString = STRING{0, 0, const_cast<PCHAR>(SourceString)};
  if (SourceString == nullptr) return;
  const std::size_t bytes = std::min<std::size_t>(std::strlen(SourceString), 0xFFFE);
  DestinationString->Length = static_cast<USHORT>(bytes);
  DestinationString->MaximumLength = static_cast<USHORT>(bytes + 1);
}
VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString) {
  kernel::RtlInitString(DestinationString, SourceString);
}

// As much as fits; a terminator where there is room [doc].
VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
  DestinationString->Length = 0;
  if (SourceString == nullptr) return;
  const USHORT bytes = std::min(SourceString->Length, DestinationString->MaximumLength);
  if (bytes != 0) std::memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
  DestinationString->Length = bytes;
  if (bytes + sizeof(WCHAR) <= DestinationString->MaximumLength) DestinationString->Buffer[bytes / sizeof(WCHAR)] = 0;
}
VOID RtlCopyString(PSTRING DestinationString, const STRING* SourceString) {
  DestinationString->Length = 0;
  if (SourceString == nullptr) return;
  const USHORT bytes = std::min(SourceString->Length, DestinationString->MaximumLength);
  if (bytes != 0) std::memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
  DestinationString->Length = bytes;
}

LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  return compare(view(String1), view(String2), CaseInSensitive != FALSE);
}
BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  return String1->Length == String2->Length && compare(view(String1), view(String2), CaseInSensitive != FALSE) == 0
             ? TRUE
             : FALSE;
}
BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  if (String1->Length > String2->Length) return FALSE;
  const std::u16string_view whole = view(String2);
  return compare(view(String1), whole.substr(0, view(String1).size()), CaseInSensitive != FALSE) == 0 ? TRUE : FALSE;
}
LONG RtlCompareString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive) {
  const std::string_view a = view(String1);
  const std::string_view b = view(String2);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const auto x = static_cast<unsigned char>(CaseInSensitive ? fold(a[i]) : a[i]);
    const auto y = static_cast<unsigned char>(CaseInSensitive ? fold(b[i]) : b[i]);
    if (x != y) return LONG{x} - LONG{y};
  }
  return static_cast<LONG>(a.size()) - static_cast<LONG>(b.size());
}
BOOLEAN RtlEqualString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive) {
  return kernel::RtlCompareString(String1, String2, CaseInSensitive) == 0 ? TRUE : FALSE;
}

NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
  const std::size_t bytes = std::size_t{Destination->Length} + Source->Length;
  if (bytes > Destination->MaximumLength) return STATUS_BUFFER_TOO_SMALL;
  if (Source->Length != 0) {
    std::memmove(reinterpret_cast<std::byte*>(Destination->Buffer) + Destination->Length, Source->Buffer,
                 Source->Length);
  }
  Destination->Length = static_cast<USHORT>(bytes);
  if (bytes + sizeof(WCHAR) <= Destination->MaximumLength) Destination->Buffer[bytes / sizeof(WCHAR)] = 0;
  return STATUS_SUCCESS;
}
NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source) {
  if (Source == nullptr) return STATUS_SUCCESS;
  UNICODE_STRING source;
  kernel::RtlInitUnicodeString(&source, Source);
  return kernel::RtlAppendUnicodeStringToString(Destination, &source);
}

WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter) {
  return upcase(SourceCharacter);
}
WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter) {
  return downcase(SourceCharacter);
}
CHAR RtlUpperChar(CHAR Character) {
  return fold(Character);
}

NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString) {
  if (current().injected_failure(export_index::RtlUpcaseUnicodeString)) return STATUS_NO_MEMORY;
  const NTSTATUS status = make_room(DestinationString, SourceString->Length, 0, AllocateDestinationString != FALSE);
  if (!NT_SUCCESS(status)) return status;
  std::transform(view(SourceString).begin(), view(SourceString).end(), DestinationString->Buffer, upcase);
  return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value) {
  if (String->Length == 0) return STATUS_INVALID_PARAMETER;
  return to_integer(view(String), Base, Value);
}
NTSTATUS RtlCharToInteger(PCSTR String, ULONG Base, PULONG Value) {
  char16_t units[80];  // more digits than any number has; leading blanks are skipped here
  while (*String != 0 && static_cast<unsigned char>(*String) <= ' ') ++String;
  std::size_t count = 0;
  for (; String[count] != 0 && count < RTL_NUMBER_OF(units); ++count) {
    units[count] = static_cast<unsigned char>(String[count]);
  }
  return to_integer({units, count}, Base, Value);
}
NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String) {
  return from_integer(Value, Base, String);
}
NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String) {
  return from_integer(Value, Base, String);
}

// The ANSI code page here is Latin-1, in which a byte is its own code point [assumed].
NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString) {
  if (current().injected_failure(export_index::RtlAnsiStringToUnicodeString)) return STATUS_NO_MEMORY;
  const NTSTATUS status = make_room(DestinationString, SourceString->Length * sizeof(WCHAR), sizeof(WCHAR),
                                    AllocateDestinationString != FALSE);
  if (!NT_SUCCESS(status)) return status;
  for (std::size_t i = 0; i < SourceString->Length; ++i) {
    DestinationString->Buffer[i] = static_cast<unsigned char>(SourceString->Buffer[i]);
  }
  DestinationString->Buffer[SourceString->Length] = 0;
  return STATUS_SUCCESS;
}
NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString) {
  if (current().injected_failure(export_index::RtlUnicodeStringToAnsiString)) return STATUS_NO_MEMORY;
  const std::size_t count = SourceString->Length / sizeof(WCHAR);
  const NTSTATUS status = make_room(DestinationString, count, 1, AllocateDestinationString != FALSE);
  if (!NT_SUCCESS(status)) return status;
  for (std::size_t i = 0; i < count; ++i) {
    const WCHAR unit = SourceString->Buffer[i];
    DestinationString->Buffer[i] = unit < 0x100 ? static_cast<char>(unit) : '?';  // the default character [doc]
  }
  DestinationString->Buffer[count] = 0;
  return STATUS_SUCCESS;
}

VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString) {
  free_string(UnicodeString->Buffer);
  *UnicodeString = UNICODE_STRING{0, 0, nullptr};
}
VOID RtlFreeAnsiString(PANSI_STRING AnsiString) {
  free_string(AnsiString->Buffer);
  *AnsiString = ANSI_STRING{0, 0, nullptr};
}

}  // namespace dumpsim::kernel
