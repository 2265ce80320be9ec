// SPDX-License-Identifier: Apache-2.0
// Numbers at offsets of a byte block. Dump headers are little-endian, and so is every host that runs x64 filters; the
// assert keeps that assumption in one place.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace dumpsim::dumpfile {

static_assert(std::endian::native == std::endian::little, "dump headers are stored as the host's own integers");

/// REQUIRES: offset + sizeof(T) <= bytes.size().
template <class T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  assert(offset + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// REQUIRES: offset + sizeof(T) <= bytes.size().
template <class T>
void store(std::span<std::byte> bytes, std::size_t offset, T value) {
  assert(offset + sizeof(T) <= bytes.size());
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace dumpsim::dumpfile
