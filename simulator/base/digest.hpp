// SPDX-License-Identifier: Apache-2.0
// Digests of content: what stands in a trace instead of the bytes. XXH3 with 64 bits: not for security, only for "the
// same".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace dumpsim {

std::uint64_t digest(std::span<const std::byte> bytes);

/// A digest fed in pieces. The order of pieces matters, their boundaries do not.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dumpsim
