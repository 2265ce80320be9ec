// SPDX-License-Identifier: Apache-2.0
// More of the counted strings: hashes, case, and the ways between 16-bit, one-byte and UTF-8 text. One-byte text is
// Latin-1 here as in the rest of this room [assumed: code page 1252 differs in 27 characters].
#include <algorithm>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

std::byte* allocate(std::size_t bytes) {
  Kernel& kernel = current();
  BlockRequest request;
  request.paged = true;
  request.image = kernel.image();
  request.tag = 0x67727453;  // "Strg"
  request.bytes = bytes;
  return kernel.pool().allocate(request);
}

constexpr NTSTATUS some_not_mapped = 0x00000107;  // STATUS_SOME_NOT_MAPPED

}  // namespace

// x65599: each unit is added to the hash times that number [doc].
NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm, PULONG HashValue) {
  if (String == nullptr || HashValue == nullptr) return STATUS_INVALID_PARAMETER;
  if (HashAlgorithm != HASH_STRING_ALGORITHM_DEFAULT && HashAlgorithm != HASH_STRING_ALGORITHM_X65599) {
    return STATUS_INVALID_PARAMETER;
  }
  ULONG hash = 0;
  for (std::size_t i = 0; i < String->Length / sizeof(WCHAR); ++i) {
    const WCHAR unit = String->Buffer[i];
    hash = hash * 65599 + (CaseInSensitive != FALSE ? upcase(unit) : unit);
  }
  *HashValue = hash;
  return STATUS_SUCCESS;
}

NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                  BOOLEAN AllocateDestinationString) {
  if (AllocateDestinationString != FALSE) {
    if (current().injected_failure(export_index::RtlDowncaseUnicodeString)) return STATUS_NO_MEMORY;
    DestinationString->Buffer = reinterpret_cast<PWCH>(allocate(std::max<std::size_t>(SourceString->Length, 2)));
    if (DestinationString->Buffer == nullptr) return STATUS_NO_MEMORY;
    DestinationString->MaximumLength = SourceString->Length;
  } else if (DestinationString->MaximumLength < SourceString->Length) {
    return STATUS_BUFFER_OVERFLOW;
  }
  for (std::size_t i = 0; i < SourceString->Length / sizeof(WCHAR); ++i) {
    DestinationString->Buffer[i] = downcase(SourceString->Buffer[i]);
  }
  DestinationString->Length = SourceString->Length;
  return STATUS_SUCCESS;
}

VOID RtlUpperString(PSTRING DestinationString, const STRING* SourceString) {
  const USHORT length = std::min(DestinationString->MaximumLength, SourceString->Length);
  for (USHORT i = 0; i < length; ++i) DestinationString->Buffer[i] = kernel::RtlUpperChar(SourceString->Buffer[i]);
  DestinationString->Length = length;
}

BOOLEAN RtlPrefixString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive) {
  if (String1->Length > String2->Length) return FALSE;
  for (USHORT i = 0; i < String1->Length; ++i) {
    const CHAR a = String1->Buffer[i], b = String2->Buffer[i];
    if (a != b && (CaseInSensitive == FALSE || kernel::RtlUpperChar(a) != kernel::RtlUpperChar(b))) return FALSE;
  }
  return TRUE;
}

// In paged pool, with a terminator; RtlFreeUnicodeString frees it [doc].
BOOLEAN RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  const std::u16string_view text(SourceString);
  const std::size_t bytes = (text.size() + 1) * sizeof(WCHAR);
  if (bytes > 0xFFFE || current().injected_failure(export_index::RtlCreateUnicodeString)) return FALSE;
  std::byte* at = allocate(bytes);
  if (at == nullptr) return FALSE;
  std::memcpy(at, SourceString, bytes);
  *DestinationString = UNICODE_STRING{static_cast<USHORT>(bytes - sizeof(WCHAR)), static_cast<USHORT>(bytes),
                                      reinterpret_cast<PWCH>(at)};
  return TRUE;
}

ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString) {
  return UnicodeString->Length / sizeof(WCHAR) + 1;
}
ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString) {
  return (AnsiString->Length + 1u) * sizeof(WCHAR);
}

// What does not fit is cut, and that is a success [doc]. A character without a place is '?'.
NTSTATUS RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString, PULONG BytesInMultiByteString,
                                PCWCH UnicodeString, ULONG BytesInUnicodeString) {
  const ULONG count = std::min<ULONG>(BytesInUnicodeString / sizeof(WCHAR), MaxBytesInMultiByteString);
  for (ULONG i = 0; i < count; ++i) {
    MultiByteString[i] = UnicodeString[i] < 0x100 ? static_cast<CHAR>(UnicodeString[i]) : '?';
  }
  if (BytesInMultiByteString != nullptr) *BytesInMultiByteString = count;
  return STATUS_SUCCESS;
}

NTSTATUS RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString,
                                const CHAR* MultiByteString, ULONG BytesInMultiByteString) {
  const ULONG count = std::min<ULONG>(BytesInMultiByteString, MaxBytesInUnicodeString / sizeof(WCHAR));
  for (ULONG i = 0; i < count; ++i) UnicodeString[i] = static_cast<UCHAR>(MultiByteString[i]);
  if (BytesInUnicodeString != nullptr) *BytesInUnicodeString = count * sizeof(WCHAR);
  return STATUS_SUCCESS;
}

// STATUS_SOME_NOT_MAPPED when something became U+FFFD, STATUS_BUFFER_TOO_SMALL when not everything fits; without a
// buffer the size is told [doc]. A character is never split.
NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                           PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource, ULONG UTF8StringByteCount) {
  if (UTF8StringSource == nullptr || (UnicodeStringDestination == nullptr && UnicodeStringActualByteCount == nullptr)) {
    return STATUS_INVALID_PARAMETER;
  }
  const std::string_view source(UTF8StringSource, UTF8StringByteCount);
  const std::u16string text = to_utf16(source);
  const NTSTATUS mapped = to_utf8(text) == source ? STATUS_SUCCESS : some_not_mapped;
  auto bytes = static_cast<ULONG>(text.size() * sizeof(WCHAR));
  if (UnicodeStringDestination == nullptr) {
    *UnicodeStringActualByteCount = bytes;
    return mapped;
  }
  const bool fits = bytes <= UnicodeStringMaxByteCount;
  if (!fits) {
    std::size_t units = UnicodeStringMaxByteCount / sizeof(WCHAR);
    if (units > 0 && text[units - 1] >= 0xD800 && text[units - 1] < 0xDC00) --units;
    bytes = static_cast<ULONG>(units * sizeof(WCHAR));
  }
  text.copy(UnicodeStringDestination, bytes / sizeof(WCHAR));
  if (UnicodeStringActualByteCount != nullptr) *UnicodeStringActualByteCount = bytes;
  return fits ? mapped : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount, PULONG UTF8StringActualByteCount,
                           PCWCH UnicodeStringSource, ULONG UnicodeStringByteCount) {
  if (UnicodeStringSource == nullptr || (UTF8StringDestination == nullptr && UTF8StringActualByteCount == nullptr)) {
    return STATUS_INVALID_PARAMETER;
  }
  if (UnicodeStringByteCount % sizeof(WCHAR) != 0) return static_cast<NTSTATUS>(0xC00000F3);  // _PARAMETER_5 [doc]
  const std::u16string_view source(UnicodeStringSource, UnicodeStringByteCount / sizeof(WCHAR));
  const std::string text = to_utf8(source);
  const NTSTATUS mapped = to_utf16(text) == source ? STATUS_SUCCESS : some_not_mapped;
  auto bytes = static_cast<ULONG>(text.size());
  if (UTF8StringDestination == nullptr) {
    *UTF8StringActualByteCount = bytes;
    return mapped;
  }
  const bool fits = bytes <= UTF8StringMaxByteCount;
  if (!fits) {
    bytes = UTF8StringMaxByteCount;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  }
  text.copy(UTF8StringDestination, bytes);
  if (UTF8StringActualByteCount != nullptr) *UTF8StringActualByteCount = bytes;
  return fits ? mapped : STATUS_BUFFER_TOO_SMALL;
}

// The older generator of the two; which numbers it gives is documented for neither [assumed: the same].
ULONG RtlRandom(PULONG Seed) {
  return kernel::RtlRandomEx(Seed);
}

}  // namespace dumpsim::kernel
