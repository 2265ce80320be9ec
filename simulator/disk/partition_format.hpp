// SPDX-License-Identifier: Apache-2.0
// Numbers of the two partition tables that both the writer and the reader need, and little-endian access to bytes that
// lie at any address. Inside the room only. Offsets are UEFI's, chapter 5, and the classic MBR's [doc].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace dumpsim::disk::format {

inline constexpr std::size_t mbr_bytes = 512;  ///< at the start of sector 0, whatever the sector size
inline constexpr std::size_t mbr_signature = 0x1B8;
inline constexpr std::size_t mbr_entries = 0x1BE;
inline constexpr std::size_t mbr_entry_bytes = 16;
inline constexpr std::size_t mbr_entry_count = 4;
inline constexpr std::size_t mbr_magic = 0x1FE;
inline constexpr std::uint16_t mbr_magic_value = 0xAA55;
inline constexpr std::uint8_t mbr_type_protective = 0xEE;

inline constexpr std::uint64_t gpt_magic = 0x5452415020494645ULL;  // "EFI PART"
inline constexpr std::uint32_t gpt_revision = 0x00010000;
inline constexpr std::uint32_t gpt_header_bytes = 92;
inline constexpr std::uint32_t gpt_entry_bytes = 128;
inline constexpr std::uint32_t gpt_entry_count = 128;
inline constexpr std::uint32_t gpt_array_bytes = gpt_entry_bytes * gpt_entry_count;

template <class T>
T load(std::span<const std::byte> from, std::size_t at) {
  static_assert(std::is_unsigned_v<T>);
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>((value << (sizeof(T) > 1 ? 8 : 0)) | std::to_integer<T>(from[at + i]));
  return value;
}

template <class T>
void store(std::span<std::byte> to, std::size_t at, T value) {
  static_assert(std::is_unsigned_v<T>);
  for (std::size_t i = 0; i < sizeof(T); ++i) to[at + i] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
}

/// zlib's crc32 of the bytes: GPT's.
std::uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace dumpsim::disk::format
