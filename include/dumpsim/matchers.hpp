// SPDX-License-Identifier: Apache-2.0
// GoogleTest matchers for the unit test of a dump filter, and printers, so that a failing line says what the filter did
// and what to do next:
//
//   EXPECT_THAT(run, Completed());
//   EXPECT_THAT(run, AllOf(RecoveredIdentical(), Protects(), HasNoViolations()));
//   EXPECT_THAT(stack.start(), Success());
//   EXPECT_THAT(stack.write(0x3000, page), AllOf(Carried(encrypted), LeftSourceUntouched()));
//
// A name that does not exist (a rule, a callback) throws UsageError, so that a misspelt expectation cannot hold.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace dumpsim::api {

inline void PrintTo(const Violation& violation, std::ostream* to) {
  *to << describe(violation);
}
inline void PrintTo(const Call& call, std::ostream* to) {
  *to << describe(call);
}
inline void PrintTo(const Transfer& transfer, std::ostream* to) {
  *to << describe(transfer);
}
inline void PrintTo(const Run& run, std::ostream* to) {
  *to << describe(run);
}
inline void PrintTo(const Stack& stack, std::ostream* to) {
  *to << describe(stack);
}

}  // namespace dumpsim::api

namespace dumpsim::matchers {
namespace internal {

inline const std::vector<api::Violation>& violations_of(const api::Run& run) {
  return run.violations;
}
inline std::vector<api::Violation> violations_of(const api::Stack& stack) {
  return stack.violations();
}
inline const std::vector<api::Violation>& violations_of(const std::vector<api::Violation>& violations) {
  return violations;
}

inline std::string rules_of(const std::vector<api::Violation>& violations) {
  std::string text;
  for (const api::Violation& violation : violations) text += (text.empty() ? "" : ", ") + violation.rule;
  return text.empty() ? "none" : text;
}

/// What to do about an outcome that was not expected.
inline std::string advice(const api::Run& run) {
  if (run.outcome == "completed") return "the filter let the machine write its dump";
  if (run.outcome == "bugchecked") {
    return "a driver stopped the machine with KeBugCheckEx; its parameters are in run.trace, and a filter's own bug "
           "check says what it was not prepared for";
  }
  if (run.outcome == "crashed") {
    return "run.evidence has the registers and the backtrace; Machine::load() takes the same steps one by one in this "
           "process, under a debugger";
  }
  if (run.outcome == "hung") return "a callback does not come back, or waits for what nobody does any more";
  if (run.outcome == "exited") return "a driver has no process to end: look for exit() or abort() in its code";
  if (run.outcome == "stack-not-loaded") {
    return "DriverEntry failed, and the filter is critical (DUMP_FILTER_CRITICAL, or Flags left as they came): does it "
           "find its parameters (Machine::parameter) and its main driver (Machine::add_driver)?";
  }
  if (run.outcome == "dump-failed") return "a write failed: the filter's status or offset, or the dump does not fit";
  return "run.trace tells what happened";
}

inline std::string in_hex(std::span<const std::byte> bytes, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < std::min(from + 8, bytes.size()); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", static_cast<unsigned>(bytes[i]));
    text += digits;
  }
  if (text.empty()) return "the end";
  text.pop_back();
  return text;
}

/// Where the bytes part, for people; empty when they do not.
inline std::string first_difference(std::span<const std::byte> expected, std::span<const std::byte> actual) {
  const auto [left, right] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  if (left == expected.end() && right == actual.end()) return {};
  const auto at = static_cast<std::size_t>(left - expected.begin());
  std::string text = "at byte " + std::to_string(at) + " (sector " + std::to_string(at / 512) + ", byte " +
                     std::to_string(at % 512) + " of it) " + in_hex(expected, at) + " was expected, and it is " +
                     in_hex(actual, at);
  if (expected.size() != actual.size()) {
    text += "; " + std::to_string(expected.size()) + " bytes were expected, " + std::to_string(actual.size()) + " came";
  }
  return text;
}

template <class Words>
std::string in_a_row(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

MATCHER_P(Ended, outcome, (negation ? "did not end " : "ended ") + std::string(outcome)) {
  if (arg.outcome == outcome) return true;
  *result_listener << "it ended " << arg.outcome
                   << (arg.outcome_detail.empty() ? std::string() : ": " + arg.outcome_detail) << "; " << advice(arg);
  return false;
}

MATCHER_P(HasRule, rule, (negation ? "does not break " : "breaks ") + std::string(rule)) {
  const auto& violations = violations_of(arg);
  for (const api::Violation& violation : violations) {
    if (violation.rule == rule) {
      *result_listener << api::describe(violation);
      return true;
    }
  }
  *result_listener << "rules broken: " << rules_of(violations)
                   << "; a rule is seen only when the callback that breaks it is called in this test";
  return false;
}

MATCHER_P(HasOnlyRule, rule, (negation ? "breaks something other than " : "breaks nothing but ") + std::string(rule)) {
  const auto& violations = violations_of(arg);
  bool broken = false;
  bool others = false;
  for (const api::Violation& violation : violations) {
    if (violation.rule == rule) {
      broken = true;
    } else {
      others = true;
      *result_listener << "\n  also: " << api::describe(violation);
    }
  }
  if (!broken) *result_listener << "rules broken: " << rules_of(violations);
  return broken && !others;
}

MATCHER_P(CallsSubsequence, wanted, (negation ? "does not call " : "calls ") + in_a_row(wanted) + " in this order") {
  std::size_t next = 0;
  std::string seen;
  for (const api::Call& call : arg.calls) {
    if (next < wanted.size() && call.callback == wanted[next]) {
      ++next;
      // "DumpWrite, DumpWrite" is met by one entry that stands for several equal calls.
      for (std::uint64_t more = 1; more < call.count && next < wanted.size() && call.callback == wanted[next]; ++more) {
        ++next;
      }
    }
    if (seen.empty() || !seen.ends_with(call.callback)) seen += (seen.empty() ? "" : ", ") + call.callback;
  }
  if (next == wanted.size()) return true;
  *result_listener << wanted[next]
                   << (next == 0 ? std::string(" does not come at all") : " does not come after " + wanted[next - 1])
                   << "; called were: " << (seen.empty() ? "none" : seen)
                   << ". A callback that the filter leaves NULL, and one of a filter that is disabled, is not called";
  if (!arg.disabled.empty()) *result_listener << " (disabled: " << in_a_row(arg.disabled) << ")";
  return false;
}

MATCHER_P(HasStatus, status, (negation ? "is not " : "is ") + api::status_text(status)) {
  if (arg == status) return true;
  *result_listener << "which is " << api::status_text(arg);
  return false;
}

/// Whether there is anything to judge, and what to say when there is not.
inline bool reached(const api::Transfer& transfer, testing::MatchResultListener* listener) {
  if (transfer.reached) return true;
  *listener << "nothing got through: a filter ended the stack (stack.ended(), the last lines of stack.trace()), or the "
               "port failed a read; its status is "
            << api::status_text(transfer.port_status);
  return false;
}

MATCHER_P(CarriedBytes, expected,
          (negation ? "carried other than the " : "carried the ") + std::to_string(expected.size()) +
              " expected bytes") {
  if (!reached(arg, result_listener)) return false;
  if (arg.port_status < 0) {
    *result_listener << "the port failed with " << api::status_text(arg.port_status)
                     << ": the bytes are on no disk; is the offset, as the filter leaves it, on the disk?";
    return false;
  }
  const std::string difference = first_difference(expected, arg.data);
  if (difference.empty()) return true;
  *result_listener << difference
                   << ". For a write these are the bytes at the port, so the offset they are tied to is "
                      "DiskByteOffset as the filter leaves it";
  return false;
}

MATCHER_P(HasChanged, word, (negation ? "did not change " : "changed ") + std::string(word)) {
  if (!reached(arg, result_listener)) return false;
  if (std::find(arg.changed.begin(), arg.changed.end(), word) != arg.changed.end()) return true;
  *result_listener << "changed were: " << (arg.changed.empty() ? "none" : in_a_row(arg.changed));
  return false;
}

MATCHER_P(HoldsBytes, bytes,
          (negation ? "holds none of the " : "holds the ") + std::to_string(bytes.size()) + " bytes " +
              in_hex(bytes, 0) + (bytes.size() > 8 ? " …" : "")) {
  const auto at = arg.find(bytes);
  if (!at) {
    *result_listener << "they are nowhere on the disk, at no alignment";
    return false;
  }
  char place[40];
  std::snprintf(place, sizeof place, "they lie at disk offset %#llx", static_cast<unsigned long long>(*at));
  *result_listener << place;
  return true;
}

inline std::vector<std::byte> copied(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace internal

// ---- of a Run ----

/// The dump was written to its end.
inline auto Completed() {
  return internal::Ended(std::string("completed"));
}

/// The run ended in this way: "bugchecked", "crashed", … (Run::outcome).
inline auto Ended(const std::string& outcome) {
  for (const char* known :
       {"completed", "bugchecked", "crashed", "hung", "exited", "stack-not-loaded", "dump-failed"}) {
    if (outcome == known) return internal::Ended(outcome);
  }
  throw api::UsageError("no run ends \"" + outcome +
                        "\"; expected completed, bugchecked, crashed, hung, exited, stack-not-loaded or dump-failed");
}

/// The next boot found a dump, and every page of it is what memory held.
MATCHER(RecoveredIdentical, negation ? "was not recovered identical" : "was recovered identical") {
  if (arg.recovered == "identical") return true;
  *result_listener << "recovered: " << arg.recovered
                   << (arg.recovered_detail.empty() ? std::string() : " (" + arg.recovered_detail + ")") << "; ";
  if (arg.recovered == "different") {
    *result_listener << "DumpRead does not undo what DumpWrite did there: compare the two at that offset";
  } else if (arg.recovered == "unreadable") {
    *result_listener << "what was read is no dump: is DumpRead set, with DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ and "
                        "MajorVersion 2 (Windows 7 has none)?";
  } else {
    *result_listener << "there was nothing to recover: " << internal::advice(arg);
  }
  return false;
}

/// Something was written, and no sector of memory lies readable on the disk.
MATCHER(Protects, negation ? "leaves memory readable on the disk" : "leaves no memory readable on the disk") {
  if (!arg.readable_sectors_counted) {
    *result_listener << "readable sectors were not counted: that takes memory that is filled with \"canary\"";
    return false;
  }
  if (arg.writes == 0) {
    *result_listener << "nothing was written, so nothing was protected: " << internal::advice(arg);
    return false;
  }
  if (arg.readable_sectors == 0) return true;
  *result_listener << arg.readable_sectors << " sectors lie readable";
  if (!arg.readable_examples.empty()) *result_listener << ", the first: " << arg.readable_examples.front();
  *result_listener << "; ";
  if (!arg.disabled.empty()) {
    *result_listener << internal::in_a_row(arg.disabled)
                     << " was disabled because of its status, and writes went on without it";
  } else {
    *result_listener << "DumpWrite left the MDL as it was there, transformed less than MmGetMdlByteCount says, or with "
                        "what changes nothing at that offset";
  }
  return false;
}

/// Callbacks came in this order, others in between or not: CallsInOrder("DriverEntry", "DumpStart", "DumpWrite").
template <class... Names>
auto CallsInOrder(const Names&... names) {
  std::vector<std::string> wanted{std::string(names)...};
  if (wanted.empty()) throw api::UsageError("CallsInOrder() of no callback holds for everything");
  for (const std::string& name : wanted) api::require_callback(name);
  return internal::CallsSubsequence(wanted);
}

// ---- of a Run, a Stack or its violations ----

/// No rule was broken, not even one that only informs.
MATCHER(HasNoViolations, negation ? "breaks a rule" : "breaks no rule") {
  const auto& violations = internal::violations_of(arg);
  if (violations.empty()) return true;
  *result_listener << violations.size() << (violations.size() == 1 ? " rule was" : " rules were") << " broken:";
  for (const api::Violation& violation : violations) *result_listener << "\n  " << api::describe(violation);
  return false;
}

/// No rule of severity "error" was broken: what a scenario would pass. Warnings and information are let by.
MATCHER(HasNoErrors, negation ? "breaks a rule of severity error" : "breaks no rule of severity error") {
  bool good = true;
  const auto& violations = internal::violations_of(arg);
  for (const api::Violation& violation : violations) {
    if (violation.severity != "error") continue;
    good = false;
    *result_listener << "\n  " << api::describe(violation);
  }
  return good;
}

/// This rule was broken: HasViolation("mdl.pfn-mismatch"). Others may have been too.
inline auto HasViolation(const std::string& rule) {
  api::require_rule(rule);
  return internal::HasRule(rule);
}

/// This rule was broken and no other.
inline auto HasOnlyViolation(const std::string& rule) {
  api::require_rule(rule);
  return internal::HasOnlyRule(rule);
}

// ---- of a Stack ----

/// No filter has stopped the machine.
MATCHER(StillRuns, negation ? "was ended by a filter" : "still runs") {
  const std::string ended = arg.ended();
  if (ended.empty()) return true;
  *result_listener << "a filter ended it: " << ended << "; the last lines of stack.trace() say where and why";
  return false;
}

// ---- of a status ----

/// NT_SUCCESS: STATUS_SUCCESS or another status that is not negative.
MATCHER(Success, negation ? "is a failure" : "is a success") {
  if (arg >= 0) return true;
  *result_listener << "which is " << api::status_text(arg)
                   << "; a negative status disables the filter and lets the data go on in clear";
  return false;
}

/// Exactly this status: Status(0xC0000001).
inline auto Status(std::uint32_t status) {
  return internal::HasStatus(static_cast<std::int32_t>(status));
}

// ---- of a Transfer ----

// Each fails for a transfer that did not get through, so that it cannot hold for nothing. Not() of one would: say
// AllOf(GotThrough(), Not(Carried(clear))).

/// No filter ended the stack before or in it, and a read was read (Transfer::reached).
MATCHER(GotThrough, negation ? "did not get through" : "got through") {
  return internal::reached(arg, result_listener);
}

/// These bytes reached the port, which has written them (write), or the caller (read).
inline auto Carried(std::span<const std::byte> expected) {
  return internal::CarriedBytes(internal::copied(expected));
}

/// The pages that are dumped still hold what they held.
MATCHER(LeftSourceUntouched, negation ? "wrote to the original pages" : "left the original pages untouched") {
  if (!internal::reached(arg, result_listener)) return false;
  if (arg.source_untouched) return true;
  *result_listener << "the original pages were written to: they are the memory being dumped, and may be needed again; "
                      "transform into a buffer of your own and point the MDL at it";
  return false;
}

/// A field of the MDL or the offset was changed: "PFNs", "MappedSystemVa", "StartVa", "ByteOffset", "DiskByteOffset", …
inline auto Changed(const std::string& what) {
  for (const std::string& known : api::changes()) {
    if (what == known) return internal::HasChanged(what);
  }
  throw api::UsageError("nothing that can change is called \"" + what +
                        "\"; expected one of: " + internal::in_a_row(api::changes()));
}

/// MDL and offset came out as they went in.
MATCHER(ChangedNothing, negation ? "changed something" : "changed nothing") {
  if (!internal::reached(arg, result_listener)) return false;
  if (arg.changed.empty()) return true;
  *result_listener << "changed were: " << internal::in_a_row(arg.changed);
  return false;
}

// ---- of a Disk (Run::disk, after Machine::keep_disk()) ----

/// These bytes, a key for instance, lie somewhere on the disk: EXPECT_THAT(run.disk, Not(Holds(key))).
inline auto Holds(std::span<const std::byte> bytes) {
  return internal::HoldsBytes(internal::copied(bytes));
}

}  // namespace dumpsim::matchers
