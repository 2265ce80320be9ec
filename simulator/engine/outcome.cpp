// SPDX-License-Identifier: Apache-2.0
// What happened, in words: from how the child ended, its totals and its trace, each of which a filter may have damaged.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "engine/verdict.hpp"
#include "machine/gate.hpp"
#include "trace/statuses.hpp"
#include "trace/utf8.hpp"
#include "wdk/ntstatus.h"

namespace dumpsim::engine {
namespace {

using scenario::Outcome;
using stack::DumpState;
using stack::Ended;
using trace::Callback;
using trace::Kind;

struct Place {
  bool in_callback = false;
  std::string words;  // "dump_xor in DumpWrite, callback 17"
};

Place place_of(const stack::Totals& totals, const trace::TraceView& view) {
  const std::uint32_t running = totals.running.load(std::memory_order_relaxed);
  if (running == 0) return {};
  const auto callback =
      static_cast<Callback>(std::min<std::uint32_t>(running & 0xff, static_cast<std::uint32_t>(Callback::count_) - 1));
  const std::string image = view.image_name(static_cast<std::uint16_t>(running >> 8));
  const std::uint64_t ordinal = totals.ordinal.load(std::memory_order_relaxed);
  switch (callback) {
    case Callback::thread:
      return {true, fmt::format("{} in a thread, after callback {}", image, ordinal)};
    case Callback::dpc:
      return {true, fmt::format("{} in a DPC, after callback {}", image, ordinal)};
    case Callback::work_item:
      return {true, fmt::format("{} in a work item, after callback {}", image, ordinal)};
    default:
      return {true, fmt::format("{} in {}, callback {}", image, trace::name_of(callback), ordinal)};
  }
}

std::string last_fault(const trace::TraceView& view) {
  std::string words;
  for (const trace::Event& event : view) {
    if (event.record.kind == Kind::fault) words = trace::printable(event.text());
  }
  return words;
}

bool is_filter(std::string_view instance) {
  return instance.starts_with("dump_") || instance.starts_with("hiber_");
}

/// Requests for what is not there. The old question for partition information is none: on a GPT disk it is meant to
/// fail. Nor is a main driver's for its own device, by which an image of two roles finds out which one it has: that
/// device is opened by somebody later.
void tell_asked(const trace::Event& event, const trace::TraceView& view, Report& report) {
  constexpr std::uint64_t disk_get_partition_info = 0x74004;
  const trace::Record& record = event.record;
  const bool opened = record.kind == Kind::device_control;
  if (!opened && record.status >= 0) {
    std::erase_if(report.asked, [name = trace::printable(event.text())](const Asked& each) {
      return !each.opened && each.device == name && !is_filter(each.driver);
    });
    return;
  }
  if (record.status != (opened ? STATUS_INVALID_DEVICE_REQUEST : STATUS_OBJECT_NAME_NOT_FOUND)) return;
  if (opened && record.arg == disk_get_partition_info) return;
  Asked asked{.driver = view.image_name(record.image),
              .device = trace::printable(event.text()),
              .opened = opened,
              .code = opened ? static_cast<std::uint32_t>(record.arg) : 0,
              .input = opened ? record.flags : 0,
              .output = opened ? record.length : 0,
              .status = record.status};
  const bool known = std::any_of(report.asked.begin(), report.asked.end(), [&](const Asked& each) {
    return each.device == asked.device && each.opened == asked.opened && each.code == asked.code;
  });
  if (!known) report.asked.push_back(std::move(asked));
}

/// A pool tag as its source spells it, or what the memory is.
std::string tag_words(const kernel::TagUse& use) {
  if (use.kind == kernel::BlockKind::contiguous) return "contiguous";
  if (use.kind == kernel::BlockKind::pages) return "pages for an MDL";
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const char character = static_cast<char>(use.tag >> shift & 0x7F);
    text += character >= 0x20 && character < 0x7F ? character : '.';
  }
  return text;
}

}  // namespace

Result<void> tell_outcome(const ChildEnd& end, const SharedTexts& shared, const trace::TraceView& view,
                          Report& report) {
  const stack::Totals& totals = shared.totals;
  const Place place = place_of(totals, view);
  report.evidence = read_text(shared.evidence);
  if (end.how != ChildEnd::How::finished) {
    if (!place.in_callback) {
      return Error{
          .message =
              end.how == ChildEnd::How::killed
                  ? fmt::format("the scenario's process died of signal {} while no filter was running", end.detail)
                  : fmt::format("the scenario's process ended with status {} while no filter was running", end.detail),
          .host = true};
    }
    switch (end.how) {
      case ChildEnd::How::exited:
        report.outcome = Outcome::exited;
        report.outcome_detail =
            fmt::format("{}: it ended the process with status {}; a driver cannot", place.words, end.detail);
        return {};
      case ChildEnd::How::stuck:
        report.outcome = Outcome::hung;
        report.outcome_detail = fmt::format("{}: it sleeps and uses no processor time", place.words);
        return {};
      default:
        report.outcome = Outcome::crashed;
        report.outcome_detail = fmt::format("{}: its process died of signal {}", place.words, end.detail);
        return {};
    }
  }
  switch (totals.ended) {
    case Ended::bugchecked:
      report.outcome = Outcome::bugchecked;
      report.outcome_detail = fmt::format("{}: KeBugCheckEx({:#010x})", place.words, totals.bugcheck_code);
      return {};
    case Ended::crashed:
      report.outcome = Outcome::crashed;
      report.outcome_detail = fmt::format("{}: {}", place.words, last_fault(view));
      if (totals.bugcheck_code != 0) {
        report.outcome_detail += fmt::format("; Windows stops with bugcheck {:#x}", totals.bugcheck_code);
      }
      return {};
    case Ended::hung:
      report.outcome = Outcome::hung;
      report.outcome_detail = fmt::format("{}: {}", place.words, last_fault(view));
      return {};
    case Ended::no:
      break;
  }
  if (totals.stack_not_loaded != 0) {
    report.outcome = Outcome::stack_not_loaded;
    report.outcome_detail = fmt::format("stage {:#x} ended with {}: no dump can be written (System event 45)",
                                        totals.stage, trace::format_status(totals.stage_status));
    if (const std::string driver = view.image_name(totals.stage_image); !driver.empty()) {
      report.outcome_detail += fmt::format("; driver {} refused the usage notification", driver);
    }
    for (const trace::Event& event : view) {
      if (event.record.kind != trace::Kind::filter_missing) continue;
      report.outcome_detail +=
          fmt::format("; DumpFilters lists \"{}\", which no [[filter]] stands for", trace::printable(event.text()));
      break;
    }
    return {};
  }
  if (totals.power_refused != 0) {
    report.outcome = Outcome::stack_not_loaded;
    const std::string driver = view.image_name(totals.stage_image);
    report.outcome_detail =
        fmt::format("the volume's drivers do not let the machine hibernate: IRP_MN_QUERY_POWER ended with {}{}",
                    trace::format_status(totals.stage_status), driver.empty() ? "" : " in driver " + driver);
    return {};
  }
  const bool dump_failed = totals.dump == DumpState::failed || totals.dump == DumpState::begun;
  if (dump_failed || totals.hibernation_failed != 0) {
    report.outcome = Outcome::dump_failed;
    report.outcome_detail =
        totals.write_status != 0
            ? fmt::format("a write failed with {}", trace::format_status(totals.write_status))
            : fmt::format("the {} needs {}, more than its file has", dump_failed ? "dump" : "hibernation image",
                          format_size(dump_failed ? totals.dump_bytes : totals.hibernation_bytes));
    return {};
  }
  report.outcome = Outcome::completed;
  return {};
}

void tell_trace(const scenario::Scenario& scenario, const stack::Totals& totals, const trace::TraceView& view,
                std::span<const OracleFinding> afterwards, Report& report) {
  const auto severity_of = [&](trace::Rule rule) {
    const auto given = scenario.severities.find(rule);
    return given == scenario.severities.end() ? trace::row_of(rule).severity : given->second;
  };
  // One a place, in the order they were first met.
  std::set<std::tuple<trace::Rule, std::uint16_t, Callback>> with_sites;
  for (const trace::Site& site : view.sites()) {
    if (trace::found_afterwards(site.rule)) continue;
    with_sites.insert({site.rule, site.image, site.callback});
    report.findings.push_back({.rule = site.rule,
                               .severity = site.severity,
                               .filter = view.image_name(site.image),
                               .callback = site.callback,
                               .count = site.count,
                               .detail = site.text,
                               .call = site.call,
                               .offset = site.at,
                               .length = site.moved,
                               .bytes = site.bytes,
                               .site = site.offset,
                               .site_exact = site.exact});
  }
  // Records whose place is not known: the table was full, or the host itself found it out.
  std::map<std::tuple<std::uint64_t, std::uint16_t, Callback>, std::size_t> known;
  struct Met {
    std::uint64_t record;  // which one it is
    std::size_t finding;
  };
  std::vector<Met> step;  // of the records before this one, those that a `repeat` may multiply
  std::uint64_t record_number = 0;
  for (const trace::Event& event : view) {
    const trace::Record& record = event.record;
    ++record_number;
    report.virtual_time = std::max(report.virtual_time, record.time);
    if (record.kind == Kind::violation && record.arg < static_cast<std::uint64_t>(trace::Rule::count_) &&
        !trace::found_afterwards(static_cast<trace::Rule>(record.arg)) &&
        !with_sites.contains({static_cast<trace::Rule>(record.arg), record.image, record.callback})) {
      const auto [at, is_new] = known.try_emplace({record.arg, record.image, record.callback}, report.findings.size());
      if (is_new) {
        report.findings.push_back({.rule = static_cast<trace::Rule>(record.arg),
                                   .severity = static_cast<trace::Severity>(std::min<std::uint32_t>(record.flags, 3)),
                                   .filter = view.image_name(record.image),
                                   .callback = record.callback,
                                   .count = 0,
                                   .detail = trace::printable(event.text())});
      }
      ++report.findings[at->second].count;
      step.push_back({record_number, at->second});
    } else if (record.kind == Kind::repeat) {
      // The step that is repeated is the last `flags` records before this one.
      for (const Met& met : step) {
        if (met.record + record.flags >= record_number) report.findings[met.finding].count += record.arg;
      }
      step.clear();
    } else if (record.kind == Kind::device_opened || record.kind == Kind::device_control) {
      tell_asked(event, view, report);
    } else if (record.kind == Kind::policy) {
      report.policies.push_back(trace::printable(event.text()));
    } else if (record.kind == Kind::debug_print) {
      report.debug_output.push_back({view.image_name(record.image), trace::printable(event.text())});
    }
  }
  for (const OracleFinding& each : afterwards) {
    const trace::Severity severity = severity_of(each.rule);
    if (severity == trace::Severity::off) continue;
    report.findings.push_back({.rule = each.rule,
                               .severity = severity,
                               .filter = view.image_name(each.image),
                               .callback = each.callback,
                               .count = 1,
                               .detail = trace::printable(each.detail),
                               .bytes = each.bytes});
  }
  // What did not fit into the trace was counted all the same, and must not go unjudged.
  for (const trace::RuleRow& row : trace::all_rules()) {
    std::uint64_t told = 0;
    for (const Finding& finding : report.findings) told += finding.rule == row.rule ? finding.count : 0;
    if (view.violations(row.rule) <= told) continue;
    report.findings.push_back({.rule = row.rule,
                               .severity = severity_of(row.rule),
                               .count = view.violations(row.rule) - told,
                               .detail = "not in the trace, which was full"});
  }
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  for (std::size_t image = 0; image < totals.disabled_with.size(); ++image) {
    if (totals.disabled_with[image] != 0) report.disabled.push_back(view.image_name(static_cast<std::uint16_t>(image)));
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(policy::Policy::count_); ++i) {
    if ((totals.policies_rested_on >> i & 1) != 0)
      report.policies.push_back(scenario.policies.explain(static_cast<policy::Policy>(i)));
  }
  for (std::size_t image = 0; image < totals.stack_use.size(); ++image) {
    for (std::size_t callback = 0; callback < totals.stack_use[image].size(); ++callback) {
      // In bytes of the kernel's stack, which was made larger than that for a sanitizer's frames.
      const auto bytes = static_cast<std::uint32_t>(totals.stack_use[image][callback] / machine::GuestStack::growth);
      if (bytes == 0) continue;
      report.stack_use.push_back(
          {view.image_name(static_cast<std::uint16_t>(image)), static_cast<Callback>(callback), bytes});
    }
  }
  report.kernel_stack = scenario.policies.number(policy::Policy::kernel_stack);
  for (const kernel::TagUse& use : totals.tags) {
    if (use.allocations == 0) continue;
    report.memory_use.push_back({.filter = view.image_name(use.image),
                                 .tag = tag_words(use),
                                 .allocations = use.allocations,
                                 .frees = use.frees,
                                 .most_bytes = use.most_bytes});
  }
  report.writes = view.writes().count;
  report.write_bytes = view.writes().bytes;
  report.write_least = view.writes().min_length;
  report.write_most = view.writes().max_length;
  report.redirected = totals.redirected;
}

}  // namespace dumpsim::engine
