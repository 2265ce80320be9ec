// SPDX-License-Identifier: Apache-2.0
// Where public evidence about the real dump stack ends, a named policy begins: each doubtful point has a slug, a
// default per profile, and the evidence for that default. A scenario overrides it under [policy]; a verdict that rests
// on one prints it. The rows are docs/fidelity.md's source; tests check that the two agree.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dumpsim::policy {

enum class Profile : std::uint8_t { windows_7, windows_8_1, windows_10, windows_11, windows_11_25h2, count_ };

struct ProfileRow {
  Profile profile;
  std::string_view name;       ///< "windows-11"
  std::uint32_t major, minor;  ///< RtlGetVersion
  std::uint32_t build;
  std::string_view description;
};
std::span<const ProfileRow> all_profiles();
const ProfileRow& row_of(Profile profile);
std::optional<Profile> find_profile(std::string_view name);
/// The same; fails naming what was given and what is possible.
Result<Profile> parse_profile(std::string_view name);

enum class Policy : std::uint8_t {
  max_pages_per_write,      ///< pages handed to filters in MaxPagesPerWrite and never exceeded by a write
  init_version,             ///< MajorVersion pre-filled before DriverEntry: 1 or 2
  init_size,                ///< bytes of FILTER_INITIALIZATION_DATA the host knows: 56, 64, 72
  init_flags,               ///< Flags pre-filled before DriverEntry
  extension_size,           ///< bytes of FILTER_EXTENSION the host knows: 80 (version 1) or 88
  critical_test,            ///< which status of a critical filter's DriverEntry fails the stack: negative | not-success
  filter_failure,           ///< a negative status after DriverEntry: disable | ignore
  start_order,              ///< before-port-open | after-port-open
  finish_order,             ///< before-port-finish | after-port-finish
  read_order,               ///< list | reverse
  unload_order,             ///< list | reverse
  unload_disabled,          ///< DumpUnload of a filter that was disabled: no | yes
  read_support,             ///< reads pass the filters: no | yes (Windows 7 has no DumpRead)
  dump_log,                 ///< after-finish | none
  crash_mdl,                ///< MDL shape of crash writes, see stack::TransferMdl::Shape
  hibernation_mdl,          ///< MDL shape of hibernation writes, as above
  mapped_va,                ///< MappedSystemVa points at: data | page (with or without ByteOffset)
  port_data_path,           ///< how the port finds the data: pfn (DMA) | mapped-va (PIO)
  port_transfer_limit,      ///< bytes the port moves at once
  dump_pointers_version,    ///< the newest form of IOCTL_SCSI_GET_DUMP_POINTERS the port knows
  write_failure,            ///< what crashdmp does when the port fails a write: abort | continue
  complete_format,          ///< full | bitmap: the file form of a complete dump
  kernel_stack,             ///< bytes of stack a filter gets
  header_valid_last,        ///< the header is made valid by the last write: no | yes
  resume_reads,             ///< a resume reads the hibernation file back through the filters: no | yes
  hibernation_max_pages,    ///< MaxPagesPerWrite of the hibernation stack
  raised_files,             ///< a file call at DISPATCH_LEVEL and above: fail | work | bugcheck
  missing_filter,           ///< DumpFilters lists a file that is not there: stack-fails | skip
  idle_time,                ///< milliseconds for threads and timers between two steps of the machine's life
  pageable_sections,        ///< a pageable section touched at DISPATCH_LEVEL: report | bugcheck (0xD1)
  pageable_pool,            ///< paged pool touched at DISPATCH_LEVEL: report | bugcheck (0xD1)
  special_pool,             ///< where a block lies between guard pages: off | end | start
  pool_caller,              ///< a bad free of pool: bugcheck (0xC2) | report, and the machine goes on
  bugcheck_callback_order,  ///< registration | reverse
  bugcheck_callback_failure,  ///< a bug check callback that faults or bugchecks: stop | skip
  page_callbacks,             ///< AddPages and RemovePages are called: before-start | before-header
  dump_io_offset,             ///< KBUGCHECK_DUMP_IO.Offset: sequential (-1) | file
  multi_part_query,           ///< each part of multi-part data is asked for its size first: no | yes
  count_
};

/// A policy's value: a number, or one of the words of its row (its index). Of "no" and "yes", "no" is 0.
struct Value {
  std::uint64_t number = 0;
};

struct Default {
  std::string_view value;     ///< as a scenario would write it
  std::string_view evidence;  ///< "[seen: Windows 7] …", "[doc] …", "[assumed] …"
};

struct PolicyRow {
  Policy policy;
  std::string_view slug;  ///< "max-pages-per-write"
  std::string_view summary;
  std::span<const std::string_view> words;  ///< the choices in the order of their enumerators; empty: a number
  std::uint64_t least = 0, most = 0;        ///< bounds of a number
  std::uint64_t multiple = 1;               ///< a number must be a multiple of this
  std::array<Default, static_cast<std::size_t>(Profile::count_)> defaults;
};
std::span<const PolicyRow> all_policies();
const PolicyRow& row_of(Policy policy);
std::optional<Policy> find_policy(std::string_view slug);
/// The slug as a key of TOML, under [policy] in a scenario: "max_pages_per_write".
std::string key_of(Policy policy);
std::optional<Policy> find_policy_key(std::string_view key);
/// What to say behind a key that is none: "; did you mean "read_order"?", or every key when none is near.
std::string hint_for_policy_key(std::string_view key);
/// A scenario's text to a value: one of the row's words, or a number with an optional unit ("128 KiB", "0x10").
/// Fails naming the policy, what was given and what is possible.
Result<Value> parse_value(Policy policy, std::string_view text);
/// The canonical text: a word, or a decimal number. parse_value() takes it back.
std::string format_value(Policy policy, Value value);

/// All policies of one machine.
class Policies {
 public:
  explicit Policies(Profile profile);
  Profile profile() const { return profile_; }
  std::uint64_t number(Policy policy) const { return values_[static_cast<std::size_t>(policy)].number; }
  /// Compares with a word of the row. REQUIRES: `word` is one of its words.
  bool is(Policy policy, std::string_view word) const;
  /// Overrides the profile's default, also when it is the same value. REQUIRES: `value` came from parse_value().
  void set(Policy policy, Value value);
  bool overridden(Policy policy) const { return overridden_[static_cast<std::size_t>(policy)]; }
  /// For people: `filter-failure = disable (windows-11: [assumed] …)`; an overridden one also says the default.
  std::string explain(Policy policy) const;

 private:
  Profile profile_;
  std::array<Value, static_cast<std::size_t>(Policy::count_)> values_{};
  std::array<bool, static_cast<std::size_t>(Policy::count_)> overridden_{};
};

}  // namespace dumpsim::policy
