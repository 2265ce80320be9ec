// SPDX-License-Identifier: Apache-2.0
// The wide way is the "Teddy" scheme of Hyperscan's authors, in the form for few strings: three table look-ups by
// nibble for 32 offsets at once. It takes AVX2; a processor without it, and the last bytes of a range, get a loop over
// a table of first bytes.
#include "base/byte_search.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dumpsim {
namespace {

/// How little a byte says: those that pages are full of come last.
int weight(std::byte byte) {
  const auto value = static_cast<unsigned>(byte);
  if (value == 0) return 0;
  if (value == 0xff || value == 0x20) return 1;
  return value < 0x20 || (value >= 'a' && value <= 'z') ? 3 : 4;
}

/// Where in a string the bytes are that other memory is least likely to have.
std::size_t best_anchor(std::span<const std::byte> string, std::size_t bytes) {
  std::size_t best = 0;
  int most = -1;
  for (std::size_t at = 0; at + bytes <= string.size(); ++at) {
    int score = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      const bool repeated = std::find(string.begin() + static_cast<std::ptrdiff_t>(at),
                                      string.begin() + static_cast<std::ptrdiff_t>(at + i),
                                      string[at + i]) != string.begin() + static_cast<std::ptrdiff_t>(at + i);
      score += repeated ? 1 : weight(string[at + i]) * 2;
    }
    if (score > most) {
      most = score;
      best = at;
    }
  }
  return best;
}

bool has_wide_instructions() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

}  // namespace

ByteSearch::ByteSearch(std::vector<std::vector<std::byte>> strings, Way way)
    : wide_(way == Way::quickest && has_wide_instructions()) {
  // Two bytes are enough where a bucket has one string; where it has several, nibbles of different strings match too.
  anchor_bytes_ = strings.size() <= buckets ? 2 : strings.size() <= 6 * buckets ? 3 : 4;
  std::vector<String> all;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    assert(strings[i].size() >= shortest);
    longest_ = std::max(longest_, strings[i].size());
    sizes_.push_back(strings[i].size());
    const std::size_t anchor = best_anchor(strings[i], anchor_bytes_);
    all.push_back({std::move(strings[i]), anchor, i});
  }
  // Those whose first nibbles are alike share a bucket, which keeps its tables thin.
  const auto first_of = [](const String& string) { return static_cast<unsigned>(string.bytes[string.anchor]); };
  std::stable_sort(all.begin(), all.end(), [&](const String& a, const String& b) {
    const unsigned x = first_of(a), y = first_of(b);
    return std::pair(x & 15, x >> 4) < std::pair(y & 15, y >> 4);
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t bucket = i * buckets / std::max(all.size(), buckets);
    const auto bit = static_cast<std::uint8_t>(1u << bucket);
    for (std::size_t a = 0; a < anchor_bytes_; ++a) {
      const auto byte = static_cast<unsigned>(all[i].bytes[all[i].anchor + a]);
      low_[a][byte & 15] |= bit;
      high_[a][byte >> 4] |= bit;
    }
    first_[first_of(all[i])] |= bit;
    strings_[bucket].push_back(std::move(all[i]));
  }
}

/// Strings whose anchor is at `anchor_at`, of the buckets whose bits are set. False when no more are to be shown.
bool ByteSearch::look_at(std::span<const std::byte> bytes, std::size_t anchor_at, unsigned bucket_bits,
                         const Found& found) const {
  for (; bucket_bits != 0; bucket_bits &= bucket_bits - 1) {
    for (const String& string : strings_[static_cast<unsigned>(__builtin_ctz(bucket_bits))]) {
      if (anchor_at < string.anchor || bytes.size() - (anchor_at - string.anchor) < string.bytes.size()) continue;
      const std::size_t at = anchor_at - string.anchor;
      if (std::memcmp(bytes.data() + at, string.bytes.data(), string.bytes.size()) != 0) continue;
      if (!found(at, string.index)) return false;
    }
  }
  return true;
}

bool ByteSearch::scan_portable(std::span<const std::byte> bytes, std::size_t from, const Found& found) const {
  for (std::size_t at = from; at + anchor_bytes_ <= bytes.size(); ++at) {
    const unsigned bits = first_[static_cast<unsigned>(bytes[at])];
    if (bits != 0 && !look_at(bytes, at, bits, found)) return false;
  }
  return true;
}

#if defined(__x86_64__)
template <std::size_t AnchorBytes>
__attribute__((target("avx2"))) bool ByteSearch::scan_wide(std::span<const std::byte> bytes, std::size_t& from,
                                                           const Found& found) const {
  constexpr std::size_t width = 32, step = 2 * width;
  __m256i low[AnchorBytes], high[AnchorBytes];
  for (std::size_t a = 0; a < AnchorBytes; ++a) {
    low[a] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(low_[a].data())));
    high[a] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(high_[a].data())));
  }
  const __m256i nibble = _mm256_set1_epi8(15);
  const std::byte* const begin = bytes.data();
  std::size_t at = from;
  for (; at + step + AnchorBytes - 1 <= bytes.size(); at += step) {
    __m256i here[2];
    for (std::size_t half = 0; half < 2; ++half) {
      here[half] = _mm256_set1_epi8(-1);
      for (std::size_t a = 0; a < AnchorBytes; ++a) {
        const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(begin + at + half * width + a));
        const __m256i by_low = _mm256_shuffle_epi8(low[a], _mm256_and_si256(loaded, nibble));
        const __m256i by_high = _mm256_shuffle_epi8(high[a], _mm256_and_si256(_mm256_srli_epi16(loaded, 4), nibble));
        here[half] = _mm256_and_si256(here[half], _mm256_and_si256(by_low, by_high));
      }
    }
    const __m256i either = _mm256_or_si256(here[0], here[1]);
    if (_mm256_testz_si256(either, either) != 0) [[likely]]
      continue;
    alignas(width) std::uint8_t bits[step];
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits), here[0]);
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits + width), here[1]);
    const __m256i none = _mm256_setzero_si256();
    std::uint64_t any = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      const auto empty = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(here[half], none)));
      any |= static_cast<std::uint64_t>(~empty) << (half * width);
    }
    for (; any != 0; any &= any - 1) {
      const auto i = static_cast<unsigned>(__builtin_ctzll(any));
      if (!look_at(bytes, at + i, bits[i], found)) return false;
    }
  }
  from = at;
  return true;
}
#else
template <std::size_t AnchorBytes>
bool ByteSearch::scan_wide(std::span<const std::byte>, std::size_t&, const Found&) const {
  return true;
}
#endif

void ByteSearch::scan(std::span<const std::byte> bytes, const Found& found) const {
  if (longest_ == 0) return;
  std::size_t from = 0;
  if (wide_) {
    const bool more = anchor_bytes_ == 2   ? scan_wide<2>(bytes, from, found)
                      : anchor_bytes_ == 3 ? scan_wide<3>(bytes, from, found)
                                           : scan_wide<4>(bytes, from, found);
    if (!more) return;
  }
  scan_portable(bytes, from, found);
}

void ByteSearchStream::feed(std::uint64_t at, std::span<const std::byte> bytes, const Found& found) {
  const std::size_t longest = search_.longest();
  if (longest == 0) return;
  if (at != next_) tail_.clear();
  if (!tail_.empty()) {
    // Only what lies across the border: the rest is found on either side of it.
    const std::size_t before = tail_.size();
    std::vector<std::byte> border = tail_;
    const std::span<const std::byte> front = bytes.first(std::min(longest - 1, bytes.size()));
    border.insert(border.end(), front.begin(), front.end());
    const std::uint64_t border_at = at - before;
    const auto across = [&](std::size_t where, std::size_t string) {
      if (where < before && where + search_.size_of(string) > before) found(border_at + where, string);
      return true;
    };
    search_.scan(border, across);
  }
  search_.scan(bytes, [&](std::size_t where, std::size_t string) {
    found(at + where, string);
    return true;
  });
  if (bytes.size() >= longest - 1) {
    tail_.assign(bytes.end() - static_cast<std::ptrdiff_t>(longest - 1), bytes.end());
  } else {
    tail_.insert(tail_.end(), bytes.begin(), bytes.end());
    if (tail_.size() > longest - 1) tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(longest - 1));
  }
  next_ = at + bytes.size();
}

}  // namespace dumpsim
