// SPDX-License-Identifier: Apache-2.0
// How the shared block is laid out: a header, three tables, then the records. Written by the scenario's child, which
// may die at any instant, and read by the parent, which trusts none of it. Tallies and runs of calls stand apart from
// the records so that they stay exact however much was folded or did not fit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "trace/changed_bytes.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"

namespace dumpsim::trace {

inline constexpr std::size_t max_images = 64;
inline constexpr std::size_t max_call_runs = 8192;
inline constexpr std::size_t max_sites = 128;

/// Exact counts per image and callback, of calls that returned.
struct CallbackTally {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;  ///< negative statuses
  std::int32_t last_status = 0;
  std::uint32_t min_length = 0;  ///< of the transfers; 0 when there were none
  std::uint32_t max_length = 0;
  std::uint32_t reserved = 0;
  std::uint64_t bytes = 0;
};

/// A run of equal calls in the order they were entered: what `calls = [...]` matches, exact under a bound of runs.
/// With several filters a dump calls them in turn; such a round is `cycle` consecutive entries that were called one
/// after the other, `count` times over (the count of the round's first entry holds for all of it).
struct CallRun {
  std::uint16_t image = no_image;
  Callback callback = Callback::none;
  std::uint8_t cycle = 1;
  std::int32_t status = 0;
  std::uint64_t count = 0;  ///< 0: entered once and never left (it faulted, bugchecked or hung)
};
static_assert(sizeof(CallRun) == 16);

/// What the dump port moved, exact.
struct PortTally {
  std::uint64_t count = 0;
  std::uint64_t failures = 0;  ///< negative statuses
  std::uint64_t bytes = 0;     ///< of the successful ones
  std::uint32_t min_length = 0;
  std::uint32_t max_length = 0;
};

/// A row of the table of image names. The name is cut to fit, at a UTF-8 boundary.
struct ImageName {
  std::uint16_t length = 0;  ///< bytes; 0: no image with this id
  std::array<char, 62> text{};
};
static_assert(sizeof(ImageName) == 64);

/// All violations of one rule from one place in an image: what a finding is made of. Beside the records, since where
/// code lies in an image is its compiler's, and a trace is the same for all of them.
struct ViolationSite {
  std::uint16_t rule = 0;
  std::uint16_t image = no_image;
  Callback callback = Callback::none;
  std::uint8_t severity = 0;
  std::uint16_t length = 0;  ///< of the text
  std::uint32_t offset = 0;  ///< of the instruction behind the call, or of the callback, in the image; 0: not known
  std::uint32_t exact = 0;   ///< 1: the offset is of the instruction itself
  std::uint64_t count = 0;
  // Of the first of them.
  std::uint64_t call = 0;   ///< which call of the callback it was, from 1; 0: not known, or in none
  std::uint64_t at = 0;     ///< of that call's transfer, relative to the partition
  std::uint32_t moved = 0;  ///< bytes of that transfer; 0: it had none
  ChangedBytes bytes;
  std::array<char, 236> text{};  ///< cut to fit at a UTF-8 boundary
};
static_assert(sizeof(ViolationSite) == 320);

inline constexpr std::uint64_t trace_magic = 0x3130454341525444;  // "DTRACE01"

/// Lies at the front of the shared block; the parent treats every field as untrusted. Behind it, in this order:
/// ImageName[image_capacity], CallbackTally[image_capacity][Callback::count_], CallRun[run_capacity],
/// ViolationSite[site_capacity], and at `records_at` (a multiple of 64) the records.
struct TraceHeader {
  std::uint64_t magic = trace_magic;
  std::uint32_t header_bytes = 0;  ///< sizeof(TraceHeader) of the writer
  std::uint32_t kind_count = 0;    ///< of the writer's enumerations; a reader of another version refuses
  std::uint32_t rule_count = 0;
  std::uint32_t options = 0;  ///< bit 0: folding, bit 1: digests
  std::uint64_t block_bytes = 0;
  std::uint32_t image_capacity = 0;
  std::uint32_t run_capacity = 0;
  std::uint32_t site_capacity = 0;
  std::uint32_t reserved = 0;
  std::uint64_t records_at = 0;
  std::uint64_t written = 0;  ///< bytes of records; published last, with a release store
  std::uint64_t dropped = 0;  ///< records that did not fit
  std::uint64_t run_count = 0;
  std::uint64_t runs_missed = 0;  ///< calls that found the runs full; the order is known only up to there
  std::uint64_t site_count = 0;
  // How far a step that repeats has come since it was last written down: what a dead child leaves unsaid.
  std::uint64_t followed = 0;     ///< records of further rounds that were as the kept step's and stand nowhere else
  std::uint64_t later = 0;        ///< by how much the last of these rounds is later than the kept step
  std::uint64_t round_calls = 0;  ///< the run of calls that each round adds to, from 1; 0: it calls nobody
  PortTally writes;
  PortTally reads;
  std::array<std::uint64_t, static_cast<std::size_t>(Kind::count_)> kinds{};  ///< records emitted, before folding
  std::array<std::uint64_t, static_cast<std::size_t>(Rule::count_)> violations{};
};
static_assert(sizeof(TraceHeader) % 8 == 0);

/// Bytes a payload takes behind its record.
constexpr std::size_t padded(std::size_t payload) {
  return (payload + 7) & ~std::size_t{7};
}

/// Where the records begin in a block with these tables. REQUIRES: the capacities are within their bounds.
constexpr std::size_t records_offset(std::size_t image_capacity, std::size_t run_capacity, std::size_t site_capacity) {
  const std::size_t tables =
      sizeof(TraceHeader) +
      image_capacity * (sizeof(ImageName) + static_cast<std::size_t>(Callback::count_) * sizeof(CallbackTally)) +
      run_capacity * sizeof(CallRun) + site_capacity * sizeof(ViolationSite);
  return (tables + 63) & ~std::size_t{63};
}

/// Kept free at the end of the block: for `truncated`, for one record that says how it came to an end (fault,
/// bugcheck, power cut), and for `ended`.
inline constexpr std::size_t reserve_for_ended = sizeof(Record) + 64;
inline constexpr std::size_t reserve_for_last_words = sizeof(Record) + max_payload;
inline constexpr std::size_t reserve_at_end = sizeof(Record) + reserve_for_last_words + reserve_for_ended;

}  // namespace dumpsim::trace
