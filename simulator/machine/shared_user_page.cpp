// SPDX-License-Identifier: Apache-2.0
// Offsets and meanings are those of KUSER_SHARED_DATA in ntddk.h [doc].
#include "machine/shared_user_page.hpp"

#include <cpuid.h>

#include <array>
#include <cstring>

#include "machine/machine.hpp"

namespace dumpsim::machine {
namespace {

struct Field {
  std::uint16_t offset;
  std::uint16_t bytes;
  std::string_view name;
  bool time = false;
};

constexpr std::array fields{
    Field{0x000, 4, "TickCountLowDeprecated", true},
    Field{0x004, 4, "TickCountMultiplier"},
    Field{0x008, 12, "InterruptTime", true},
    Field{0x014, 12, "SystemTime", true},
    Field{0x020, 12, "TimeZoneBias"},
    Field{0x02C, 2, "ImageNumberLow"},
    Field{0x02E, 2, "ImageNumberHigh"},
    Field{0x030, 0x208, "NtSystemRoot"},
    Field{0x244, 4, "LargePageMinimum"},
    Field{0x260, 4, "NtBuildNumber"},
    Field{0x264, 4, "NtProductType"},
    Field{0x268, 1, "ProductTypeIsValid"},
    Field{0x26A, 2, "NativeProcessorArchitecture"},
    Field{0x26C, 4, "NtMajorVersion"},
    Field{0x270, 4, "NtMinorVersion"},
    Field{0x274, 64, "ProcessorFeatures"},
    Field{0x2D0, 4, "SuiteMask"},
    Field{0x2D4, 1, "KdDebuggerEnabled"},
    Field{0x2D5, 1, "NXSupportPolicy"},
    Field{0x2E8, 4, "NumberOfPhysicalPages"},
    Field{0x2EC, 1, "SafeBootMode"},
    Field{0x300, 8, "QpcFrequency"},
    Field{0x320, 12, "TickCount", true},
    Field{0x330, 4, "Cookie"},
    Field{0x3C0, 4, "ActiveProcessorCount"},
};

constexpr const Field* field_at(std::size_t offset) {
  for (const Field& field : fields) {
    if (offset >= field.offset && offset < std::size_t{field.offset} + field.bytes) return &field;
  }
  return nullptr;
}

constexpr std::uint64_t tick = 156250;  // 15.625 ms in 100 ns units, as the kernel's clock

template <class T>
void put(std::span<std::byte> page, std::size_t offset, T value) {
  std::memcpy(page.data() + offset, &value, sizeof value);
}

/// KSYSTEM_TIME: the high half twice, so that a reader on another processor notices a change.
void put_time(std::span<std::byte> page, std::size_t offset, std::uint64_t value) {
  put(page, offset, static_cast<std::uint32_t>(value));
  put(page, offset + 4, static_cast<std::uint32_t>(value >> 32));
  put(page, offset + 8, static_cast<std::uint32_t>(value >> 32));
}

void put_processor_features(std::span<std::byte> page) {
  constexpr std::size_t at = 0x274;
  // What every x64 processor has, by PF_ number [doc]: 2 cmpxchg8b, 3 MMX, 6 SSE, 8 rdtsc, 9 PAE, 10 SSE2, 12 NX,
  // 14 cmpxchg16b, 23 int 29h.
  for (const std::size_t feature : {2, 3, 6, 8, 9, 10, 12, 14, 23}) put<std::uint8_t>(page, at + feature, 1);
  const unsigned c = processor_features();
  const auto say = [page](std::size_t feature, bool has) {
    if (has) put<std::uint8_t>(page, at + feature, 1);
  };
  say(13, (c & bit_SSE3) != 0);
  say(17, (c & bit_OSXSAVE) != 0);
  say(28, (c & bit_RDRND) != 0);
  say(36, (c & bit_SSSE3) != 0);
  say(37, (c & bit_SSE4_1) != 0);
  say(38, (c & bit_SSE4_2) != 0);
  say(39, (c & bit_AVX) != 0 && (c & bit_OSXSAVE) != 0);
}

}  // namespace

unsigned processor_features() {
  static const unsigned features = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) == 0 ? 0 : c;
  }();
  return features;
}

void fill_shared_user_page(std::span<std::byte> page, const SystemFacts& facts) {
  put<std::uint32_t>(page, 0x004, 0x0FA00000);  // milliseconds a tick in 8.24 fixed point: 15.625
  put<std::uint16_t>(page, 0x02C, 0x8664);
  put<std::uint16_t>(page, 0x02E, 0x8664);
  constexpr std::u16string_view root = u"C:\\Windows";
  std::memcpy(page.data() + 0x030, root.data(), root.size() * sizeof(char16_t));
  put<std::uint32_t>(page, 0x244, 0x200000);
  if (facts.major >= 10) put(page, 0x260, facts.build);  // a reserved field before
  put<std::uint32_t>(page, 0x264, 1);                    // NtProductWinNt
  put<std::uint8_t>(page, 0x268, 1);
  put<std::uint16_t>(page, 0x26A, 9);  // PROCESSOR_ARCHITECTURE_AMD64
  put(page, 0x26C, facts.major);
  put(page, 0x270, facts.minor);
  put_processor_features(page);
  put<std::uint32_t>(page, 0x2D0, 0x110);  // terminal, single user terminal
  put<std::uint8_t>(page, 0x2D5, 2);       // NX_SUPPORT_POLICY_OPTIN
  put(page, 0x2E8, facts.physical_pages);
  put<std::uint64_t>(page, 0x300, 10000000);
  put<std::uint32_t>(page, 0x330, 0x5EEDC00C);  // any value, the same in each run
  put(page, 0x3C0, facts.processors);
  set_shared_user_time(page, 0);
}

void set_shared_user_time(std::span<std::byte> page, std::uint64_t now) {
  const std::uint64_t ticks = now / tick;
  put(page, 0x000, static_cast<std::uint32_t>(ticks));
  put_time(page, 0x008, ticks * tick);
  put_time(page, 0x014, boot_filetime + ticks * tick);
  put_time(page, 0x320, ticks);
}

std::string_view shared_user_field(std::size_t offset) {
  const Field* field = field_at(offset);
  return field != nullptr ? field->name : std::string_view();
}

bool is_shared_user_time(std::size_t offset) {
  const Field* field = field_at(offset);
  return field != nullptr && field->time;
}

}  // namespace dumpsim::machine
