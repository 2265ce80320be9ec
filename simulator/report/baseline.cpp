// SPDX-License-Identifier: Apache-2.0
#include "report/baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "report/fingerprint.hpp"
#include "report/places.hpp"

namespace dumpsim::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view format_name = "dumpsim-baseline";
constexpr int format_version = 1;

std::string words_of(const KnownFinding& finding) {
  std::string text = fmt::format("{} by {} in {}", finding.rule, finding.filter.empty() ? "the stack" : finding.filter,
                                 finding.callback);
  if (!finding.function.empty()) text += fmt::format(", {}", finding.function);
  if (!finding.source.empty()) text += fmt::format(" ({})", finding.source);
  return text + fmt::format(": {}", fmt::join(finding.scenarios, ", "));
}

bool is_fingerprint(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// One entry into the baseline; what is wrong with it, or nothing.
std::string take(const Json& json, Baseline& into) {
  if (!json.is_object()) return "is no object";
  std::string missing;
  const auto text = [&](const char* key) -> std::string {
    if (json.contains(key) && json[key].is_string()) return json[key].get<std::string>();
    if (missing.empty()) missing = fmt::format("has no text \"{}\"", key);
    return {};
  };
  const std::string fingerprint = text("fingerprint");
  KnownFinding finding{.rule = text("rule"),
                       .filter = text("filter"),
                       .callback = text("callback"),
                       .function = text("function"),
                       .source = text("source")};
  if (!missing.empty()) return missing;
  if (!is_fingerprint(fingerprint)) return "has a fingerprint that is not 16 hexadecimal digits";
  if (!json.contains("scenarios") || !json["scenarios"].is_array()) return "has no list \"scenarios\"";
  for (const Json& scenario : json["scenarios"]) {
    if (!scenario.is_string()) return "has scenarios that are no texts";
    finding.scenarios.push_back(scenario.get<std::string>());
  }
  if (!into.try_emplace(fingerprint, std::move(finding)).second) return "has a fingerprint that stands there twice";
  return {};
}

}  // namespace

Baseline baseline_of(std::span<const Entry> entries) {
  Baseline baseline;
  for (const Entry& entry : entries) {
    for (const Found& found : entry.findings) {
      if (found.declared) continue;
      KnownFinding& known = baseline[found.fingerprint];
      known.rule = found.rule;
      known.filter = service_of(found.filter);
      known.callback = found.callback;
      known.function = found.function;
      known.source = found.source;
      if (std::find(known.scenarios.begin(), known.scenarios.end(), entry.path) == known.scenarios.end())
        known.scenarios.push_back(entry.path);
    }
  }
  for (auto& [fingerprint, known] : baseline) std::sort(known.scenarios.begin(), known.scenarios.end());
  return baseline;
}

std::string to_text(const Baseline& baseline) {
  std::vector<const Baseline::value_type*> sorted;
  for (const auto& each : baseline) sorted.push_back(&each);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    const auto key = [](const Baseline::value_type& one) {
      const KnownFinding& known = one.second;
      return std::tie(known.rule, known.filter, known.callback, known.source, known.function, known.scenarios,
                      one.first);
    };
    return key(*a) < key(*b);
  });
  std::string text =
      fmt::format("{{\n  \"format\": \"{}\",\n  \"version\": {},\n  \"findings\": [", format_name, format_version);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [fingerprint, known] = *sorted[i];
    Json json{{"rule", known.rule},         {"filter", known.filter}, {"callback", known.callback},
              {"function", known.function}, {"source", known.source}, {"scenarios", known.scenarios},
              {"fingerprint", fingerprint}};
    text += fmt::format("{}\n    {}", i == 0 ? "" : ",", json.dump());
  }
  return text + (sorted.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

Result<Baseline> parse_baseline(std::string_view text, std::string_view file) {
  const auto wrong = [&](std::string_view what) {
    return Error{
        fmt::format("{}: {}; dumpsim run --write-baseline {} --replace makes it anew", file, what, shell_word(file))};
  };
  // The library copies what it nests, call within call.
  constexpr int deepest = 16;
  bool too_deep = false;
  const Json::parser_callback_t shallow = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > deepest;
    return depth <= deepest;
  };
  Json json;
  try {
    json = Json::parse(text, shallow);
  } catch (const Json::parse_error& error) {
    const auto before = text.substr(0, std::min<std::size_t>(error.byte, text.size()));
    return wrong(fmt::format("no JSON at line {}", 1 + std::count(before.begin(), before.end(), '\n')));
  }
  if (too_deep) return wrong(fmt::format("more than {} levels", deepest));
  if (!json.is_object() || json.value("format", Json()) != format_name)
    return wrong(fmt::format("no baseline: \"format\" is not \"{}\"", format_name));
  if (json.value("version", Json()) != format_version) {
    return wrong(fmt::format("a baseline of version {}; this program knows version {}",
                             json.value("version", Json()).dump(), format_version));
  }
  if (!json.contains("findings") || !json["findings"].is_array()) return wrong("no list \"findings\"");
  Baseline baseline;
  std::size_t number = 0;
  for (const Json& each : json["findings"]) {
    ++number;
    if (const std::string mistake = take(each, baseline); !mistake.empty())
      return wrong(fmt::format("finding {} {}", number, mistake));
  }
  return baseline;
}

BaselineAccount account_of(const Baseline& baseline, std::span<const Entry> entries) {
  BaselineAccount account;
  const Baseline now = baseline_of(entries);
  for (const auto& [fingerprint, finding] : now) ++(baseline.contains(fingerprint) ? account.known : account.added);
  std::set<std::string> found;  // declared ones too: they have not gone
  std::set<std::string> run;
  for (const Entry& entry : entries) {
    if (entry.ran()) run.insert(entry.path);
    for (const Found& each : entry.findings) found.insert(each.fingerprint);
  }
  for (const auto& [fingerprint, finding] : baseline) {
    const bool all_run = std::all_of(finding.scenarios.begin(), finding.scenarios.end(),
                                     [&](const std::string& each) { return run.contains(each); });
    if (all_run && !found.contains(fingerprint)) account.gone.push_back(words_of(finding));
  }
  std::sort(account.gone.begin(), account.gone.end());
  return account;
}

}  // namespace dumpsim::report
