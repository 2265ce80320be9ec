// SPDX-License-Identifier: Apache-2.0
// The Rtl memory and number routines that are exports and not macros over the C library.
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::size_t guid_units = 38;  // {12345678-1234-1234-1234-123456789012}

int hex_digit(char16_t unit) {
  const char16_t folded = upcase(unit);
  if (folded >= u'0' && folded <= u'9') return folded - u'0';
  return folded >= u'A' && folded <= u'F' ? folded - u'A' + 10 : -1;
}

}  // namespace

// The number of equal bytes from the start, not an order [doc].
SIZE_T RtlCompareMemory(const VOID* Source1, const VOID* Source2, SIZE_T Length) {
  const auto* a = static_cast<const std::byte*>(Source1);
  const auto* b = static_cast<const std::byte*>(Source2);
  SIZE_T equal = 0;
  while (equal < Length && a[equal] == b[equal]) ++equal;
  return equal;
}

// Lehmer's generator modulo 2^31 - 1 [assumed]: the same seed gives the same numbers, which is all that is promised.
ULONG RtlRandomEx(PULONG Seed) {
  constexpr std::uint64_t modulus = 0x7FFFFFFF;
  *Seed = static_cast<ULONG>((std::uint64_t{*Seed} * 0x7FFFFFED + 0x7FFFFFC3) % modulus);
  return *Seed;
}

NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID* Guid) {
  constexpr char16_t shape[] = u"{00000000-0000-0000-0000-000000000000}";
  if (GuidString->Length < guid_units * sizeof(WCHAR)) return STATUS_INVALID_PARAMETER;
  UCHAR bytes[16];
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < guid_units; ++i) {
    const WCHAR unit = GuidString->Buffer[i];
    if (shape[i] != u'0') {
      if (unit != shape[i]) return STATUS_INVALID_PARAMETER;
      continue;
    }
    const int digit = hex_digit(unit);
    if (digit < 0) return STATUS_INVALID_PARAMETER;
    UCHAR& byte = bytes[nibble / 2];
    byte = static_cast<UCHAR>(nibble % 2 == 0 ? digit << 4 : byte | digit);
    ++nibble;
  }
  Guid->Data1 = ULONG{bytes[0]} << 24 | ULONG{bytes[1]} << 16 | ULONG{bytes[2]} << 8 | bytes[3];
  Guid->Data2 = static_cast<USHORT>(bytes[4] << 8 | bytes[5]);
  Guid->Data3 = static_cast<USHORT>(bytes[6] << 8 | bytes[7]);
  std::memcpy(Guid->Data4, bytes + 8, 8);
  return STATUS_SUCCESS;
}

// Allocates the buffer; RtlFreeUnicodeString gives it back [doc]. Small letters [assumed].
NTSTATUS RtlStringFromGUID(const GUID* Guid, PUNICODE_STRING GuidString) {
  Kernel& kernel = current();
  BlockRequest request;
  request.paged = true;
  request.image = kernel.image();
  request.tag = 0x67727453;  // "Strg"
  request.bytes = (guid_units + 1) * sizeof(WCHAR);
  std::byte* at = kernel.injected_failure(export_index::RtlStringFromGUID) ? nullptr : kernel.pool().allocate(request);
  if (at == nullptr) return STATUS_NO_MEMORY;
  auto* out = reinterpret_cast<PWCH>(at);
  *GuidString = UNICODE_STRING{guid_units * sizeof(WCHAR), (guid_units + 1) * sizeof(WCHAR), out};
  const auto put = [&out](std::uint64_t value, int digits) {
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      *out++ = static_cast<WCHAR>(u"0123456789abcdef"[(value >> shift) & 15]);
    }
  };
  *out++ = u'{';
  put(Guid->Data1, 8);
  *out++ = u'-';
  put(Guid->Data2, 4);
  *out++ = u'-';
  put(Guid->Data3, 4);
  *out++ = u'-';
  for (int i = 0; i < 8; ++i) {
    put(Guid->Data4[i], 2);
    if (i == 1) *out++ = u'-';
  }
  *out++ = u'}';
  *out = 0;
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
