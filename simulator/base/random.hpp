// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers: one seed is one run, on every compiler and library, which std::mt19937 with the standard
// distributions does not promise. SplitMix64 is small, fast and good enough for content, layouts and tests.
#pragma once

#include <cstdint>

namespace dumpsim {

/// A well-mixed 64-bit value of `x`; a bijection.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  /// Uniform in [0, bound). REQUIRES: bound > 0.
  constexpr std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace dumpsim
