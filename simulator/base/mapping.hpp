// SPDX-License-Identifier: Apache-2.0
// Memory that outlives a fork or stands at a chosen place: every shared block between the parent and the scenario's
// child, simulated RAM and the arena are Mappings. Owning; unmapped on destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"

namespace dumpsim {

class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;

  /// Zeroed pages shared with children forked later. Pages cost memory only once touched.
  static Result<Mapping> shared(std::size_t bytes);
  /// Zeroed private pages at exactly `address` (a multiple of the page size), or an error when the range is taken.
  static Result<Mapping> at(std::uintptr_t address, std::size_t bytes, int protection);
  /// A view of `bytes` of the open file `fd` from `offset`; `shared` false gives a private copy-on-write view.
  static Result<Mapping> of_file(int fd, std::uint64_t offset, std::size_t bytes, int protection, bool shared,
                                 std::uintptr_t address = 0);

  std::byte* begin() const { return begin_; }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {begin_, size_}; }
  bool contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= begin_ && at < begin_ + size_;
  }
  explicit operator bool() const { return begin_ != nullptr; }

 private:
  Mapping(std::byte* begin, std::size_t size) : begin_(begin), size_(size) {}
  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace dumpsim
