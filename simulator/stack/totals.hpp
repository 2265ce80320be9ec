// SPDX-License-Identifier: Apache-2.0
// What the child tells the parent besides the trace: where it is (so that a death can be attributed to a callback), and
// the few facts a verdict needs exactly. Lies in shared memory, is plain bytes, and is untrusted to the parent: every
// field is a number it range-checks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/pool.hpp"
#include "kernel/whereabouts.hpp"
#include "policy/policy.hpp"
#include "trace/record.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::stack {

/// How a filter ended the run, if it did. Values are stored in shared memory.
enum class Ended : std::uint32_t {
  no,
  bugchecked,  ///< KeBugCheck(Ex)
  crashed,     ///< a fault
  hung,        ///< processor time used up, or a wait that nothing can end
};

/// What became of the dump, as crashdmp sees it.
enum class DumpState : std::uint32_t {
  not_begun,
  begun,
  failed,     ///< a port error under policy write-failure = abort, or the file is too small
  completed,  ///< the header was made valid
};

struct Totals : kernel::Whereabouts {
  std::atomic<std::uint32_t> finished{0};  ///< 1 once the child has done all it was asked

  Ended ended = Ended::no;
  DumpState dump = DumpState::not_begun;
  std::uint32_t stack_not_loaded = 0;    ///< 1: a critical filter failed or the usage notification was vetoed
  std::uint32_t hibernation_failed = 0;  ///< 1: the hibernation image was begun and not finished
  std::uint32_t bugcheck_code = 0;
  std::uint32_t stage = 0;  ///< crashdmp's stage code of a failed load, else 0
  std::int32_t stage_status = 0;
  std::uint16_t stage_image = trace::no_image;  ///< whose doing that was, of a usage notification or a power request
  std::uint32_t power_refused = 0;              ///< 1: the volume's drivers refused to hibernate; stage_status says how
  std::int32_t write_status = 0;                ///< the first port failure
  std::uint64_t redirected = 0;                 ///< physical writes that went outside the file they belong to
  std::uint64_t bytes_done = 0;                 ///< of the dump, for a progress bar
  std::uint64_t bytes_expected = 0;
  std::uint64_t dump_bytes = 0;                                 ///< size of the dump file that was laid out
  std::uint64_t policies_rested_on = 0;                         ///< bit per policy that decided something doubtful
  std::array<std::int32_t, trace::max_images> disabled_with{};  ///< by image: the status that disabled it, 0 if none
  std::uint64_t pages_added = 0, pages_removed = 0;  ///< by bug check callbacks, against the dump that was planned
  std::uint32_t reads_through_filters = 0;  ///< 1 when a crash stack was loaded in which a filter takes part in reads
  std::uint64_t hibernation_bytes = 0;      ///< size of the image that was to be written
  std::uint64_t hibernated_pages = 0;
  std::uint64_t resumed_pages = 0;      ///< read back through the filters
  std::uint64_t resumed_different = 0;  ///< of them: not what was written

  /// By image and callback: the deepest use of the stack that was measured (stack_use.hpp), in bytes.
  std::array<std::array<std::uint32_t, static_cast<std::size_t>(trace::Callback::count_)>, trace::max_images>
      stack_use{};
  std::array<kernel::TagUse, 64> tags{};  ///< what drivers had of memory; unused rows have no allocations

  void rest_on(policy::Policy policy) { policies_rested_on |= std::uint64_t{1} << static_cast<unsigned>(policy); }
};

}  // namespace dumpsim::stack
