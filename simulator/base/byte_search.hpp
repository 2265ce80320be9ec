// SPDX-License-Identifier: Apache-2.0
// Looks for several byte strings at every offset at once: keys on a disk, tags that lie beside sectors. The price does
// not depend on how many strings there are, and hardly on what is searched; bench/README.md has what was measured.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace dumpsim {

class ByteSearch {
 public:
  /// A shorter string cannot be looked for.
  static constexpr std::size_t shortest = 4;
  enum class Way : std::uint8_t { quickest, portable };

  /// Keeps copies. No strings at all are fine: nothing is found. REQUIRES: each has at least `shortest` bytes.
  explicit ByteSearch(std::vector<std::vector<std::byte>> strings, Way way = Way::quickest);

  /// Called with where it begins and which one it is; returns false to see no more.
  using Found = std::function<bool(std::size_t at, std::size_t string)>;
  /// Every occurrence that lies wholly in `bytes`, overlapping ones too. One string's come in ascending order; those of
  /// different strings that lie close together may come in any.
  void scan(std::span<const std::byte> bytes, const Found& found) const;

  /// Bytes of the longest string; 0 without any.
  std::size_t longest() const { return longest_; }
  /// Bytes of one of the strings.
  std::size_t size_of(std::size_t string) const { return sizes_[string]; }

 private:
  // Strings are told apart by two to four bytes in each, which are looked up nibble by nibble for many offsets at a
  // time: bit b of a byte says that a string of bucket b may have its anchor there.
  static constexpr std::size_t most_anchor_bytes = 4;
  static constexpr std::size_t buckets = 8;
  struct String {
    std::vector<std::byte> bytes;
    std::size_t anchor = 0;  // where in it those bytes are
    std::size_t index = 0;
  };
  bool look_at(std::span<const std::byte> bytes, std::size_t anchor_at, unsigned bucket_bits, const Found& found) const;
  bool scan_portable(std::span<const std::byte> bytes, std::size_t from, const Found& found) const;
  template <std::size_t AnchorBytes>
  bool scan_wide(std::span<const std::byte> bytes, std::size_t& from, const Found& found) const;

  std::array<std::vector<String>, buckets> strings_;
  alignas(32) std::array<std::array<std::uint8_t, 16>, most_anchor_bytes> low_{}, high_{};
  std::array<std::uint8_t, 256> first_{};  // buckets by the anchor's first byte
  std::vector<std::size_t> sizes_;
  std::size_t longest_ = 0;
  std::size_t anchor_bytes_ = 2;
  bool wide_ = false;
};

/// The same over bytes that come in pieces: strings that lie across two of them are found as well.
class ByteSearchStream {
 public:
  using Found = std::function<void(std::uint64_t at, std::size_t string)>;
  /// `search` outlives it.
  explicit ByteSearchStream(const ByteSearch& search) : search_(search) {}
  /// `bytes` lie at `at`. What does not follow the piece before begins anew.
  void feed(std::uint64_t at, std::span<const std::byte> bytes, const Found& found);

 private:
  const ByteSearch& search_;
  std::vector<std::byte> tail_;  // the last bytes before next_, fewer than the longest string has
  std::uint64_t next_ = 0;
};

}  // namespace dumpsim
