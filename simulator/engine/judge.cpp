// SPDX-License-Identifier: Apache-2.0
// The closed world: outcome completed, statuses not negative, nobody disabled, no bugcheck, no redirection, no
// violation of error severity, the memory recovered; each unless the scenario asks for something else, and then exactly
// that.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/guid.hpp"
#include "base/text.hpp"
#include "engine/verdict.hpp"
#include "trace/calls.hpp"
#include "trace/statuses.hpp"

namespace dumpsim::engine {
namespace {

using scenario::CountRange;
using scenario::Outcome;
using scenario::Recovered;
using trace::Callback;

class Judge {
 public:
  Judge(const scenario::Scenario& scenario, const stack::Totals& totals, const trace::TraceView& view, Report& report)
      : scenario_(scenario), expect_(scenario.expect), totals_(totals), view_(view), report_(report) {}

  void all() {
    outcome();
    recovered();
    volume_path();
    statuses();
    disabled();
    violations();
    count("redirected", "writes went elsewhere", expect_.redirected, report_.redirected,
          {0, declared_redirects() ? UINT64_MAX : 0});
    count("writes", "physical writes", expect_.writes, report_.writes);
    size_range();
    count("bytes_on_disk", "bytes were written to the disk", expect_.bytes_on_disk, report_.write_bytes);
    readable();
    calls();
    debug_output();
    count("pages_added", "pages were added by bug check callbacks", expect_.pages_added, report_.pages_added);
    count("pages_removed", "pages were taken out by bug check callbacks", expect_.pages_removed, report_.pages_removed);
    secondary_data();
  }

 private:
  template <class... A>
  void miss(fmt::format_string<A...> text, A&&... arguments) {
    report_.mismatches.push_back(fmt::format(text, std::forward<A>(arguments)...));
  }

  static bool matches(std::string_view expected, std::string_view image) {
    return expected.empty() || image == expected || image == fmt::format("dump_{}", expected) ||
           image == fmt::format("hiber_{}", expected);
  }

  bool declared_redirects() const {
    return std::any_of(scenario_.filters.begin(), scenario_.filters.end(),
                       [](const auto& filter) { return filter.redirects; });
  }

  static std::string range(const CountRange& range) {
    if (range.least == range.most) return with_thousands(range.least);
    if (range.most == UINT64_MAX) return fmt::format("at least {}", with_thousands(range.least));
    if (range.least == 0) return fmt::format("at most {}", with_thousands(range.most));
    return fmt::format("{} to {}", with_thousands(range.least), with_thousands(range.most));
  }

  void count(std::string_view key, std::string_view what, const std::optional<CountRange>& expected,
             std::uint64_t found, CountRange normal = {}) {
    const CountRange allowed = expected.value_or(normal);
    if (found >= allowed.least && found <= allowed.most) return;
    miss("{}: expected {}, {} {}", key, range(allowed), with_thousands(found), what);
  }

  void outcome() {
    if (report_.outcome != expect_.outcome) {
      miss("outcome: expected {}, it {}{}{}", scenario::name_of(expect_.outcome),
           report_.outcome == Outcome::completed ? "" : "is ", scenario::name_of(report_.outcome),
           report_.outcome_detail.empty() ? "" : fmt::format(" ({})", report_.outcome_detail));
    } else if (expect_.bugcheck && totals_.bugcheck_code != *expect_.bugcheck) {
      miss("bugcheck: expected {:#010x}, the filter stopped with {:#010x}", *expect_.bugcheck, totals_.bugcheck_code);
    }
  }

  void recovered() {
    const Recovered found = report_.recovered;
    if (expect_.recovered) {
      if (*expect_.recovered != found) {
        miss("recovered: expected {}, it is {}{}", scenario::name_of(*expect_.recovered), scenario::name_of(found),
             report_.recovered_detail.empty() ? "" : fmt::format(" ({})", report_.recovered_detail));
      }
    } else if (found == Recovered::different) {
      miss("recovered: the dump is not what memory held: {}", report_.recovered_detail);
    }
    if (totals_.resumed_different != 0 && expect_.recovered.value_or(Recovered::identical) == Recovered::identical) {
      miss(
          "resume: {} of {} pages read back through the filters are not what was written; where a boot loader decrypts "
          "the file and no DumpRead does, say so: [policy] resume_reads = false",
          with_thousands(totals_.resumed_different), with_thousands(totals_.resumed_pages));
    }
  }

  void volume_path() {
    if (!expect_.volume_path || *expect_.volume_path == report_.volume_path) return;
    miss("volume_path: expected {}, it is {}{}", scenario::name_of(*expect_.volume_path),
         scenario::name_of(report_.volume_path),
         report_.volume_path_detail.empty() ? "" : fmt::format(" ({})", report_.volume_path_detail));
  }

  void statuses() {
    for (const scenario::StatusExpectation& wanted : expect_.statuses) {
      const bool found = std::any_of(view_.calls().begin(), view_.calls().end(), [&](const trace::CallRun& run) {
        return run.callback == wanted.callback && run.status == wanted.status && run.count != 0 &&
               matches(wanted.filter, view_.image_name(run.image));
      });
      if (!found) {
        miss("statuses: no {} of {} returned {}", trace::name_of(wanted.callback),
             wanted.filter.empty() ? "any driver" : wanted.filter, trace::format_status(wanted.status));
      }
    }
    std::set<std::string> reported;
    for (const trace::CallRun& run : view_.calls()) {
      if (run.status >= 0 || run.count == 0) continue;
      // Answers to requests, as good as any other.
      if (run.callback == Callback::dispatch || run.callback == Callback::completion) continue;
      const std::string image = view_.image_name(run.image);
      const bool declared = std::any_of(expect_.statuses.begin(), expect_.statuses.end(), [&](const auto& wanted) {
        return run.callback == wanted.callback && run.status == wanted.status && matches(wanted.filter, image);
      });
      if (declared) continue;
      std::string text = fmt::format("statuses: {} of {} returned {}, which was not expected",
                                     trace::name_of(run.callback), image, trace::format_status(run.status));
      if (reported.insert(text).second) report_.mismatches.push_back(std::move(text));
    }
  }

  void disabled() {
    for (const std::string& wanted : expect_.disabled) {
      if (std::none_of(report_.disabled.begin(), report_.disabled.end(),
                       [&](const std::string& name) { return matches(wanted, name); })) {
        miss("disabled: {} was not disabled", wanted);
      }
    }
    for (const std::string& name : report_.disabled) {
      if (std::none_of(expect_.disabled.begin(), expect_.disabled.end(),
                       [&](const std::string& wanted) { return matches(wanted, name); })) {
        miss("disabled: {} was disabled, which was not expected", name);
      }
    }
  }

  /// How often a rule was broken in this run. What the oracles found may not have come into the trace.
  std::uint64_t violations_of(trace::Rule rule) const {
    if (!trace::found_afterwards(rule)) return view_.violations(rule);
    std::uint64_t found = 0;
    for (const Finding& finding : report_.findings) {
      if (finding.rule == rule && finding.mdl_shape.empty()) found += finding.count;
    }
    return found;
  }

  void violations() {
    for (Finding& finding : report_.findings) {
      finding.declared =
          expect_.any_violation || std::any_of(expect_.violations.begin(), expect_.violations.end(),
                                               [&](const auto& wanted) { return wanted.rule == finding.rule; });
    }
    if (expect_.any_violation) return;
    for (const scenario::ViolationExpectation& wanted : expect_.violations) {
      const std::uint64_t found = violations_of(wanted.rule);
      if (found < wanted.count.least || found > wanted.count.most) {
        miss("violations: expected {} of {}, there are {}", range(wanted.count), trace::row_of(wanted.rule).slug,
             with_thousands(found));
      }
    }
    for (const Finding& finding : report_.findings) {
      if (finding.fails()) report_.mismatches.push_back(mismatch_of(finding));
    }
  }

  void size_range() {
    if (!expect_.write_size || report_.writes == 0) return;
    if (report_.write_least < expect_.write_size->least || report_.write_most > expect_.write_size->most) {
      miss("write_size: expected {} bytes, the writes have {} to {}", range(*expect_.write_size),
           with_thousands(report_.write_least), with_thousands(report_.write_most));
    }
  }

  void readable() {
    if (!expect_.readable_sectors) return;
    if (!report_.readable_sectors) {
      miss("readable_sectors_on_disk: cannot be counted; it takes canary memory and a disk that keeps its content");
      return;
    }
    const std::uint64_t found = *report_.readable_sectors;
    if (found >= expect_.readable_sectors->least && found <= expect_.readable_sectors->most) return;
    const std::string first = report_.readable_examples.empty()
                                  ? std::string{}
                                  : fmt::format("; the first at disk offset {:#x} is sector {} of pfn {:#x}",
                                                report_.readable_examples[0].at.bytes,
                                                report_.readable_examples[0].sector, report_.readable_examples[0].pfn);
    miss("readable_sectors_on_disk: expected {}, {} sectors of memory lie readable on the disk{}",
         range(*expect_.readable_sectors), with_thousands(found), first);
  }

  void calls() {
    if (expect_.calls.empty()) return;
    std::vector<trace::CallPatternItem> pattern;
    for (const scenario::CallPattern& item : expect_.calls) {
      pattern.push_back({.filter = item.filter, .callback = item.callback, .repeat = item.repeat});
    }
    const trace::CallMatch match = trace::match_calls(view_, pattern);
    if (!match.matched) miss("calls: {}", match.explanation);
  }

  void debug_output() {
    for (const std::string& wanted : expect_.debug_output) {
      if (std::none_of(report_.debug_output.begin(), report_.debug_output.end(),
                       [&](const DebugLine& line) { return line.text.find(wanted) != std::string::npos; })) {
        miss("debug_output: no DbgPrint contains \"{}\"", wanted);
      }
    }
  }

  /// What keeps `data` from being what was expected; empty when nothing does.
  static std::string mismatch(const scenario::SecondaryExpectation& wanted, const SecondaryData& data) {
    if (!matches(wanted.filter, data.filter)) return fmt::format("it is {}'s", data.filter);
    const std::uint64_t size = data.bytes.size();
    if (wanted.size && (size < wanted.size->least || size > wanted.size->most))
      return fmt::format("expected {} bytes, it has {}", range(*wanted.size), with_thousands(size));
    if (wanted.bytes && *wanted.bytes != data.bytes) {
      const auto at = std::mismatch(data.bytes.begin(), data.bytes.end(), wanted.bytes->begin(), wanted.bytes->end());
      return fmt::format("expected {} bytes, it has {} and differs at byte {:#x}", wanted.bytes->size(), size,
                         at.first - data.bytes.begin());
    }
    if (std::search(data.bytes.begin(), data.bytes.end(), wanted.contains.begin(), wanted.contains.end()) ==
        data.bytes.end()) {
      return wanted.contains.empty() ? std::string{} : "it does not contain what was expected";
    }
    return {};
  }

  void secondary_data() {
    if (!expect_.secondary_data) return;
    std::vector<bool> taken(report_.secondary_data.size());
    for (const scenario::SecondaryExpectation& wanted : *expect_.secondary_data) {
      std::string why = "nobody gave it";
      bool found = false;
      for (std::size_t i = 0; i < taken.size() && !found; ++i) {
        if (taken[i] || report_.secondary_data[i].guid != wanted.guid) continue;
        why = mismatch(wanted, report_.secondary_data[i]);
        found = why.empty();
        taken[i] = true;
      }
      if (!found) miss("secondary_data: {}: {}", format_guid(wanted.guid), why);
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (taken[i]) continue;
      const SecondaryData& data = report_.secondary_data[i];
      miss("secondary_data: {} gave {} bytes as {}, which was not expected", data.filter,
           with_thousands(data.bytes.size()), format_guid(data.guid));
    }
  }

  const scenario::Scenario& scenario_;
  const scenario::Expect& expect_;
  const stack::Totals& totals_;
  const trace::TraceView& view_;
  Report& report_;
};

}  // namespace

std::string who(const Finding& finding) {
  const std::string name = finding.filter.empty() ? "the stack" : finding.filter;
  return finding.callback == Callback::none ? name : fmt::format("{} in {}", name, trace::name_of(finding.callback));
}

std::string mismatch_of(const Finding& finding) {
  return fmt::format("violations: {} by {}, which was not expected: {}", trace::row_of(finding.rule).slug, who(finding),
                     finding.detail);
}

void judge(const scenario::Scenario& scenario, const stack::Totals& totals, const trace::TraceView& view,
           Report& report) {
  Judge(scenario, totals, view, report).all();
}

}  // namespace dumpsim::engine
