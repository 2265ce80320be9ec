// SPDX-License-Identifier: Apache-2.0
#include "report/try_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "report/fingerprint.hpp"
#include "report/places.hpp"
#include "report/words.hpp"
#include "trace/rules.hpp"
#include "trace/statuses.hpp"

namespace dumpsim::report {
namespace {

using engine::BatteryCase;
using engine::CalledOnce;
using engine::Finding;
using engine::Trial;
using scenario::Outcome;
using scenario::Recovered;

/// A finding as a person counts: one rule at one place.
using Where = std::tuple<trace::Rule, std::string, trace::Callback, std::string, std::uint32_t, std::string>;

/// "xor" of dump_xor and hiber_xor, and of dump_xor_again: the second instance of two is the same filter.
std::string filter_of(const std::string& instance) {
  std::string_view name = service_of(instance);
  if (constexpr std::string_view again = "_again"; name.size() != instance.size() && name.ends_with(again))
    name.remove_suffix(again.size());
  return std::string(name);
}

Where where(const Finding& finding) {
  return {finding.rule, filter_of(finding.filter), finding.callback, finding.source, finding.line, finding.function};
}

struct Met {
  const Finding* first = nullptr;
  std::uint64_t count = 0;
  std::vector<std::size_t> cases;
};

/// Every finding once, worst first, then as met.
std::vector<Met> findings_of(const std::vector<Trial>& trials) {
  std::vector<Met> met;
  std::map<Where, std::size_t> known;
  for (const Trial& trial : trials) {
    for (const Finding& finding : trial.findings) {
      const auto [at, is_new] = known.try_emplace(where(finding), met.size());
      if (is_new) met.push_back({&finding, 0, {}});
      Met& one = met[at->second];
      one.count += finding.count;
      if (one.cases.empty() || one.cases.back() != trial.which) one.cases.push_back(trial.which);
    }
  }
  std::stable_sort(met.begin(), met.end(),
                   [](const Met& a, const Met& b) { return a.first->severity > b.first->severity; });
  return met;
}

std::string case_of(const BatteryCase& one) {
  return fmt::format("{}: {}", one.group, one.name);
}

std::string some_cases(const std::vector<std::size_t>& which, const std::vector<BatteryCase>& cases) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(which.size(), most); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : "; ", case_of(cases[which[i]]));
  if (which.size() > most) text += fmt::format("; and {} more", which.size() - most);
  return text;
}

struct Answers {
  std::size_t loaded = 0, with_entry = 0;
  std::set<std::string> entry_statuses;
  std::uint64_t readable_most = 0, readable_least = UINT64_MAX, of = 0;
  std::size_t read_back = 0, read_back_wrong = 0, not_read_back = 0;
  std::set<std::string> callbacks;
  std::size_t failed = 0, stopped = 0;
};

Answers answers_of(const std::vector<BatteryCase>& cases, const std::vector<Trial>& trials) {
  Answers all;
  for (const Trial& trial : trials) {
    bool entered = false, refused = false;
    for (const CalledOnce& call : trial.calls) {
      if (filter_of(call.filter) == "failing") continue;
      all.callbacks.insert(std::string(trace::name_of(call.callback)));
      if (call.callback != trace::Callback::driver_entry || call.filter == filter_of(call.filter)) continue;
      entered = true;
      if (call.status < 0 || call.count == 0) {
        refused = true;
        all.entry_statuses.insert(call.count == 0 ? "never returned" : trace::format_status(call.status));
      }
    }
    all.with_entry += entered ? 1 : 0;
    all.loaded += entered && !refused ? 1 : 0;
    all.failed += trial.as_expected() ? 0 : 1;
    all.stopped += trial.stopped ? 1 : 0;
    // Where a neighbour fails the chain is not the filter's own any more.
    if (cases[trial.which].group == "stacks" && cases[trial.which].name != "two instances at once" &&
        trial.readable_sectors && trial.outcome == Outcome::completed && trial.recovered != Recovered::not_tried) {
      all.readable_most = std::max(all.readable_most, *trial.readable_sectors);
      all.readable_least = std::min(all.readable_least, *trial.readable_sectors);
      all.of = trial.memory_sectors;
    }
    if (trial.recovered == Recovered::identical) ++all.read_back;
    if (trial.recovered == Recovered::different) ++all.read_back_wrong;
    if (trial.recovered == Recovered::unreadable) ++all.not_read_back;
  }
  return all;
}

std::string row(const Paint& paint, std::string_view question, bool good, std::string_view answer,
                std::string_view detail) {
  return fmt::format("  {:<11} {}  {}\n", question,
                     good ? paint.good(fmt::format("{:<6}", answer)) : paint.bad(fmt::format("{:<6}", answer)), detail);
}

std::string calls_text(const CalledOnce& call) {
  return fmt::format("{} {} {}{}", call.filter, trace::name_of(call.callback),
                     call.count == 0 ? "never returned" : trace::format_status(call.status),
                     call.count > 1 ? fmt::format(" ({} times)", with_thousands(call.count)) : "");
}

/// How a count of readable sectors in the group "boundary" is wrong.
struct Boundary {
  std::size_t cases = 0, right = 0;
  std::uint64_t too_little = 0, too_much = 0;  ///< sectors at most
};

Boundary boundary_of(const std::vector<BatteryCase>& cases, const std::vector<Trial>& trials) {
  Boundary all;
  for (const Trial& trial : trials) {
    const BatteryCase& one = cases[trial.which];
    if (one.group != engine::boundary_group) continue;
    ++all.cases;
    all.right += trial.as_expected() ? 1 : 0;
    if (!trial.readable_sectors || trial.outcome != Outcome::completed) continue;
    const std::uint64_t expected = one.readable_sectors.value_or(0), found = *trial.readable_sectors;
    all.too_little = std::max(all.too_little, found - std::min(found, expected));
    all.too_much = std::max(all.too_much, expected - std::min(found, expected));
  }
  return all;
}

std::string boundary_row(const Boundary& boundary, const Paint& paint) {
  if (boundary.cases == 0) return {};
  std::string how;
  if (boundary.too_little != 0)
    how += fmt::format("; up to {} too few {} protected", plural(boundary.too_little, "sector"),
                       boundary.too_little == 1 ? "is" : "are");
  if (boundary.too_much != 0)
    how += fmt::format("; up to {} too many {} protected", plural(boundary.too_much, "sector"),
                       boundary.too_much == 1 ? "is" : "are");
  const bool good = boundary.right == boundary.cases;
  return row(paint, "boundary?", good, good ? "yes" : "no",
             good ? fmt::format("kept to the sector in each of {} places", boundary.cases)
                  : fmt::format("right in {} of {} places{}", boundary.right, boundary.cases, how));
}

/// A wrong count at a boundary, the same words whatever the count; empty for anything else. One that a broken rule
/// tells better has no words.
std::optional<std::string> wrong_boundary(const std::string& mismatch, const BatteryCase& one, const Trial& trial) {
  if (one.group != engine::boundary_group || !mismatch.starts_with("readable_sectors_on_disk: ")) return std::nullopt;
  if (!trial.readable_sectors || !one.readable_sectors) return std::nullopt;
  if (*trial.readable_sectors < *one.readable_sectors)
    return "boundary: sectors behind it do not lie on the disk as memory held them: too many are protected";
  const bool told = std::ranges::any_of(
      trial.findings, [](const Finding& finding) { return finding.rule == trace::Rule::data_readable_sector; });
  return told ? "" : "boundary: sectors in front of it lie readable on the disk: too few are protected";
}

/// Warnings and what is only told: a line a rule, with its places.
std::string lesser(const std::vector<Met>& all, const Paint& paint) {
  std::map<trace::Rule, std::pair<std::uint64_t, std::set<std::string>>> rules;
  std::vector<const Finding*> order;
  for (const Met& met : all) {
    if (met.first->severity == trace::Severity::error) continue;
    auto& [count, places] = rules[met.first->rule];
    if (count == 0) order.push_back(met.first);
    count += met.count;
    const std::string place = place_of(*met.first);
    places.insert(place.empty() ? std::string(trace::name_of(met.first->callback)) : place);
  }
  std::string text;
  for (const Finding* first : order) {
    const auto& [count, places] = rules[first->rule];
    constexpr std::size_t most = 4;
    std::string where;
    std::size_t shown = 0;
    for (const std::string& place : places) {
      if (shown++ == most) break;
      where += fmt::format("{}{}", where.empty() ? "" : "; ", place);
    }
    if (places.size() > most) where += fmt::format("; and {} more places", places.size() - most);
    text += fmt::format("\n{} {}  {}, dumpsim rules {} explains it\n  {}\n  at {}\n",
                        paint.severity(first->severity, trace::name_of(first->severity)),
                        paint.bold(trace::row_of(first->rule).slug), plural(count, "time"),
                        trace::row_of(first->rule).slug, first->detail, where);
  }
  return text;
}

bool explained(const Trial& trial) {
  return std::ranges::any_of(trial.findings,
                             [](const Finding& finding) { return finding.severity == trace::Severity::error; });
}

}  // namespace

bool passes(const std::vector<Trial>& trials) {
  return std::ranges::all_of(trials, [](const Trial& trial) { return trial.as_expected(); });
}

std::string to_text(const std::string& what, const std::vector<BatteryCase>& cases, const std::vector<Trial>& trials,
                    const TryOptions& options) {
  const Paint paint(options.colour);
  const Answers all = answers_of(cases, trials);
  std::string text = fmt::format("{}: {} cases\n\n", paint.bold(what), trials.size());
  std::string statuses;
  for (const std::string& status : all.entry_statuses) statuses += (statuses.empty() ? "" : ", ") + status;
  std::string callbacks;
  for (const std::string_view name : {"DumpStart", "DumpWrite", "DumpRead", "DumpFinish", "DumpUnload"}) {
    if (all.callbacks.contains(std::string(name)))
      callbacks += fmt::format("{}{}", callbacks.empty() ? "" : ", ", name);
  }
  const bool loads = all.loaded == all.with_entry && all.with_entry != 0;
  text += row(paint, "loads?", loads,
              loads             ? "yes"
              : all.loaded == 0 ? "no"
                                : "partly",
              loads ? fmt::format("in all of them; called: {}", callbacks.empty() ? "nothing" : callbacks)
                    : fmt::format("in {} of {}; DriverEntry: {}", all.loaded, all.with_entry,
                                  statuses.empty() ? "not called" : statuses));
  if (all.of == 0) {
    text += row(paint, "protects?", false, "?", "no dump was completed, so nothing can be said");
  } else if (all.readable_most == 0) {
    text += row(paint, "protects?", true, "yes",
                fmt::format("none of {} sectors of memory readable on the disk", with_thousands(all.of)));
  } else {
    const bool none = all.readable_least >= all.of;
    text += fmt::format("  {:<11} {}  {}\n", "protects?", paint.bold(fmt::format("{:<6}", none ? "no" : "partly")),
                        fmt::format("{} of {} sectors of memory readable on the disk{}",
                                    with_thousands(std::min(all.readable_most, all.of)), with_thousands(all.of),
                                    none ? ": right for a filter that protects nothing" : ""));
  }
  text += boundary_row(boundary_of(cases, trials), paint);
  if (all.read_back_wrong != 0) {
    text += row(paint, "reads back?", false, "no",
                fmt::format("{} of {} dumps come back different", all.read_back_wrong,
                            all.read_back + all.read_back_wrong + all.not_read_back));
  } else if (all.read_back != 0) {
    text += row(paint, "reads back?", true, "yes",
                fmt::format("{} dumps come back as they were{}", all.read_back,
                            all.not_read_back == 0 ? "" : fmt::format("; {} cannot be read here", all.not_read_back)));
  } else {
    text += fmt::format("  {:<11} {}  {}\n", "reads back?", paint.bold(fmt::format("{:<6}", "?")),
                        "no DumpRead, and the disk holds no plain dump: only your own reader can tell");
  }
  const bool survives = all.failed == 0;
  text += row(
      paint, "survives?", survives, survives ? "yes" : "no",
      survives
          ? fmt::format(
                "every case came out as it should{}",
                all.stopped == 0 ? "" : "; it stops the machine at an MDL that is not mapped, as some in the field do")
          : fmt::format("{} of {} cases did not come out as they should", all.failed, trials.size()));
  const std::vector<Met> all_met = findings_of(trials);
  for (const Met& met : all_met) {
    if (met.first->severity != trace::Severity::error) continue;
    const trace::RuleRow& rule = trace::row_of(met.first->rule);
    text +=
        fmt::format("\n{} {}  {} in {}{}\n", paint.severity(met.first->severity, trace::name_of(met.first->severity)),
                    paint.bold(rule.slug), filter_of(met.first->filter), trace::name_of(met.first->callback),
                    met.count > 1 ? fmt::format(", {} times", with_thousands(met.count)) : "");
    if (const std::string place = place_of(*met.first); !place.empty()) text += fmt::format("  at {}\n", place);
    text += fmt::format("  {}\n  {}\n", rule.summary, met.first->detail);
    for (const std::string& bytes : rows_of(met.first->bytes)) text += fmt::format("  {}\n", bytes);
    text += fmt::format("  hint: {}\n  {}\n", rule.hint, paint.faint(rule.evidence));
    text += fmt::format("  in {}\n", some_cases(met.cases, cases));
    if (!options.folder.empty())
      text += fmt::format("  again: dumpsim run {}\n",
                          shell_word((options.folder / cases[met.cases.front()].file_name()).string()));
  }
  text += lesser(all_met, paint);
  // What no rule names: deaths and wrong ends, the same one once.
  std::map<std::string, std::vector<std::size_t>> ends;
  std::vector<std::string> order;
  for (const Trial& trial : trials) {
    for (const std::string& mismatch : trial.mismatches) {
      if (mismatch.starts_with("violations: ")) continue;
      // A death that a broken rule explains is told there.
      if (mismatch.starts_with("outcome: ") && explained(trial)) continue;
      const std::string end = wrong_boundary(mismatch, cases[trial.which], trial).value_or(mismatch);
      if (end.empty()) continue;
      auto& which = ends[end];
      if (which.empty()) order.push_back(end);
      which.push_back(trial.which);
    }
  }
  constexpr std::size_t most_ends = 8;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == most_ends) {
      text += fmt::format("\nand {} more; each scenario says its own\n", order.size() - most_ends);
      break;
    }
    const std::vector<std::size_t>& which = ends[order[i]];
    text += fmt::format("\n{}\n  in {}\n", paint.bad(order[i]), some_cases(which, cases));
    const Trial& first = trials[which.front()];
    for (const std::string& mismatch : first.mismatches) {
      if (mismatch != order[i] && wrong_boundary(mismatch, cases[first.which], first) == order[i])
        text += fmt::format("  the first: {}\n", mismatch);
    }
    if (!first.evidence.empty() && order[i].starts_with("outcome")) text += first.evidence;
    if (!options.folder.empty())
      text += fmt::format("  again: dumpsim run {}\n",
                          shell_word((options.folder / cases[which.front()].file_name()).string()));
  }
  text += fmt::format("\n{}\n", passes(trials) ? paint.good("nothing to mend") : paint.bad("TO BE MENDED"));
  if (!options.folder.empty()) text += fmt::format("the scenarios are in {}\n", options.folder.string());
  return text;
}

std::string to_json(const std::string& what, const std::vector<BatteryCase>& cases, const std::vector<Trial>& trials) {
  using Json = nlohmann::ordered_json;
  Json json;
  json["filters"] = what;
  json["passes"] = passes(trials);
  json["cases"] = Json::array();
  for (const Trial& trial : trials) {
    Json one{{"group", cases[trial.which].group},
             {"name", cases[trial.which].name},
             {"scenario", cases[trial.which].file_name()},
             {"as_expected", trial.as_expected()},
             {"outcome", scenario::name_of(trial.outcome)},
             {"recovered", scenario::name_of(trial.recovered)},
             {"readable_sectors_on_disk", trial.readable_sectors ? Json(*trial.readable_sectors) : Json(nullptr)},
             {"mismatches", trial.mismatches}};
    one["violations"] = Json::array();
    for (const Finding& finding : trial.findings) {
      one["violations"].push_back({{"rule", trace::row_of(finding.rule).slug},
                                   {"severity", trace::name_of(finding.severity)},
                                   {"filter", finding.filter},
                                   {"callback", trace::name_of(finding.callback)},
                                   {"count", finding.count},
                                   {"detail", finding.detail},
                                   {"function", finding.function},
                                   {"source", engine::shown_source(finding.source)},
                                   {"line", finding.line}});
    }
    json["cases"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Comparison compare(const std::vector<BatteryCase>& cases, const std::vector<Trial>& before,
                   const std::vector<Trial>& after, const TryOptions& options) {
  const Paint paint(options.colour);
  Comparison result;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const Trial& a = before[i];
    const Trial& b = after[i];
    std::string text;
    const auto say = [&text](std::string_view key, const std::string& from, const std::string& to) {
      if (from != to) text += fmt::format("  {}: {} -> {}\n", key, from, to);
    };
    const auto ended = [](const Trial& trial) {
      return fmt::format("{}{}", scenario::name_of(trial.outcome),
                         trial.outcome_detail.empty() ? "" : fmt::format(" ({})", trial.outcome_detail));
    };
    say("outcome", ended(a), ended(b));
    say("recovered", std::string(scenario::name_of(a.recovered)), std::string(scenario::name_of(b.recovered)));
    const auto readable = [](const Trial& trial) {
      return trial.readable_sectors ? std::to_string(*trial.readable_sectors) : "not counted";
    };
    say("readable sectors", readable(a), readable(b));
    for (std::size_t call = 0; call < std::max(a.calls.size(), b.calls.size()); ++call) {
      const std::string from = call < a.calls.size() ? calls_text(a.calls[call]) : "nothing";
      const std::string to = call < b.calls.size() ? calls_text(b.calls[call]) : "nothing";
      if (from == to) continue;
      text += fmt::format("  call {}: {} -> {}\n", call + 1, from, to);
      break;  // what follows is shifted
    }
    const auto rules = [](const Trial& trial) {
      std::set<std::string> set;
      for (const Finding& finding : trial.findings) {
        set.insert(fmt::format("{} in {}", trace::row_of(finding.rule).slug, trace::name_of(finding.callback)));
      }
      return set;
    };
    const std::set<std::string> had = rules(a), has = rules(b);
    for (const std::string& rule : has) {
      if (!had.contains(rule)) text += fmt::format("  {} {}\n", paint.bad("new:"), rule);
    }
    for (const std::string& rule : had) {
      if (!has.contains(rule)) text += fmt::format("  {} {}\n", paint.good("gone:"), rule);
    }
    if (a.disk_digest != b.disk_digest)
      text += fmt::format("  disk: {:016x} -> {:016x}\n", a.disk_digest, b.disk_digest);
    if (text.empty()) continue;
    ++result.differing;
    result.text += fmt::format("{}\n{}", paint.bold(case_of(cases[a.which])), text);
  }
  const Answers was = answers_of(cases, before), is = answers_of(cases, after);
  if (was.loaded == 0 && is.loaded == 0) result.never_loaded = fmt::format("{}", fmt::join(was.entry_statuses, ", "));
  result.text += result.differing == 0 ? fmt::format("{}  {} cases: same statuses, order and disk\n",
                                                     paint.good("no difference"), before.size())
                                       : fmt::format("\n{} of {} cases differ\n", result.differing, before.size());
  return result;
}

}  // namespace dumpsim::report
