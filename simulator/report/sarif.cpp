// SPDX-License-Identifier: Apache-2.0
// SARIF 2.1.0, for code scanning: a result a finding and one for each scenario that is not as expected for another
// reason. What a scenario declares is left out: it is no alert. Where the source is not known, the scenario stands for
// it. Nothing in it depends on when or where the job ran, so that a report of the same runs is the same.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "report/job.hpp"
#include "report/rule_examples.hpp"
#include "report/rule_topics.hpp"
#include "trace/rules.hpp"

namespace dumpsim::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view not_as_expected_id = "scenario.not-as-expected";
constexpr const char* fingerprint_name = "dumpsimFinding/v1";

std::string_view level_of(std::string_view severity) {
  return is_grave(severity) ? severity : "note";
}

Json text(std::string_view words) {
  return {{"text", words}};
}

/// A list of one, which braces alone do not say to every compiler.
Json one_of(Json item) {
  Json list = Json::array();
  list.push_back(std::move(item));
  return list;
}

/// "write.buffer-modified" is WriteBufferModified: SARIF's name for people.
std::string name_of_rule(std::string_view slug) {
  std::string name;
  bool upper = true;
  for (const char c : slug) {
    if (c == '.' || c == '-') {
      upper = true;
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return name;
}

Json rule_of(const trace::RuleRow& row) {
  std::string plain = fmt::format("Broken when {}.\nInstead: {}.\nEvidence: {}\n", row.summary, row.hint, row.evidence);
  std::string markdown =
      fmt::format("Broken when {}.\n\n**Instead:** {}.\n\n**Evidence:** {}\n", row.summary, row.hint, row.evidence);
  if (const auto example = example_of(row.slug)) {
    plain += fmt::format("\nWrong:\n{}\nRight:\n{}", example->wrong, example->right);
    markdown +=
        fmt::format("\n**Wrong:**\n\n```c\n{}```\n\n**Right:**\n\n```c\n{}```\n", example->wrong, example->right);
  }
  return {{"id", row.slug},
          {"name", name_of_rule(row.slug)},
          {"shortDescription", text(row.summary)},
          {"fullDescription", text(fmt::format("{}; {}", row.summary, row.hint))},
          {"help", {{"text", plain}, {"markdown", markdown}}},
          {"defaultConfiguration", {{"enabled", true}, {"level", level_of(trace::name_of(row.severity))}}},
          {"properties", {{"tags", {"dump-filter", topic_of(row.slug)}}, {"evidence", row.evidence}}}};
}

Json rules() {
  Json all = Json::array();
  for (const trace::RuleRow& row : trace::all_rules()) all.push_back(rule_of(row));
  all.push_back({{"id", not_as_expected_id},
                 {"name", name_of_rule(not_as_expected_id)},
                 {"shortDescription", text("a scenario did not come out as it expects")},
                 {"fullDescription", text("a scenario did not come out as it expects; what it does not ask for must be "
                                          "normal")},
                 {"help", text("The message names each expectation that was not met. The command in the properties "
                               "repeats the run and shows its trace.")},
                 {"defaultConfiguration", {{"enabled", true}, {"level", "error"}}},
                 {"properties", {{"tags", {"dump-filter", "scenario"}}}}});
  return all;
}

class Log {
 public:
  explicit Log(const Job& job) : job_(job) {}

  Json run() {
    for (const Entry& entry : job_.entries) {
      if (entry.verdict == Entry::Verdict::mistake) mistakes_.push_back(notification(entry));
      if (entry.verdict == Entry::Verdict::host_failure) failures_.push_back(notification(entry));
      for (const Found& found : entry.findings) {
        if (!found.declared) results_.push_back(of_finding(entry, found));
      }
      if (!entry.other_mismatches.empty()) results_.push_back(of_mismatches(entry));
    }
    // SARIF wants all results to say so, or none.
    const bool suppresses = std::ranges::any_of(results_, [](const Json& one) { return one.contains("suppressions"); });
    for (Json& result : results_) {
      if (suppresses && !result.contains("suppressions")) result["suppressions"] = Json::array();
    }
    Json run;
    run["tool"]["driver"] = {{"name", "dumpsim"},
                             {"fullName", "dumpsim, the crash-dump filter simulator"},
                             {"semanticVersion", job_.version},
                             {"rules", rules()}};
    const bool worked = mistakes_.empty() && failures_.empty();
    run["invocations"] = one_of({{"commandLine", job_.command_line},
                                 {"executionSuccessful", worked},
                                 {"exitCode", job_.exit_code},
                                 {"exitCodeDescription", exit_words()},
                                 {"toolConfigurationNotifications", std::move(mistakes_)},
                                 {"toolExecutionNotifications", std::move(failures_)}});
    run["originalUriBaseIds"] = {{"SRCROOT", {{"description", text("the top folder of the repository")}}}};
    run["artifacts"] = std::move(artifacts_);
    run["columnKind"] = "unicodeCodePoints";
    run["results"] = std::move(results_);
    return run;
  }

 private:
  std::string_view exit_words() const {
    switch (job_.exit_code) {
      case 0:
        return "everything came out as expected";
      case 1:
        return "something ran and did not come out as expected";
      case 2:
        return "a scenario is wrong or cannot be read";
      default:
        return "the simulator failed, or the system under it";
    }
  }

  Json artifact(const std::string& path) {
    Json location{{"uri", uri_of(path)}};
    if (!path.starts_with('/')) location["uriBaseId"] = "SRCROOT";
    const auto [at, is_new] = indices_.try_emplace(path, artifacts_.size());
    if (is_new) artifacts_.push_back({{"location", location}});
    location["index"] = at->second;
    return location;
  }

  Json place(const std::string& path, std::uint32_t line) {
    return {{"artifactLocation", artifact(path)}, {"region", {{"startLine", std::max(line, 1u)}}}};
  }

  static std::size_t index_of(std::string_view slug) {
    const auto rule = trace::find_rule(slug);
    return rule ? static_cast<std::size_t>(*rule) : trace::all_rules().size();
  }

  Json where(const Entry& entry, const Found& found) {
    Json location;
    location["physicalLocation"] = found.source.empty() ? place(entry.path, 1) : place(found.source, found.line);
    const std::string called = found.filter.empty() || found.who == found.filter ? "" : found.callback;
    if (const std::string name = found.function.empty() ? called : found.function; !name.empty()) {
      location["logicalLocations"] = one_of(
          {{"name", name}, {"fullyQualifiedName", fmt::format("{}!{}", found.filter, name)}, {"kind", "function"}});
    }
    return location;
  }

  Json of_finding(const Entry& entry, const Found& found) {
    const auto rule = trace::find_rule(found.rule);
    Json result;
    result["ruleId"] = found.rule;
    result["ruleIndex"] = index_of(found.rule);
    result["kind"] = "fail";
    result["level"] = level_of(found.severity);
    result["message"] =
        text(fmt::format("{}: {}: {}", found.who, rule ? trace::row_of(*rule).summary : found.rule, found.detail));
    result["locations"] = one_of(where(entry, found));
    if (!found.source.empty()) {
      result["relatedLocations"] = one_of(
          {{"id", 1}, {"physicalLocation", place(entry.path, 1)}, {"message", text("the scenario that shows it")}});
    }
    result["partialFingerprints"] = {{fingerprint_name, found.fingerprint}};
    result["occurrenceCount"] = found.count;
    if (job_.baseline) result["baselineState"] = found.in_baseline ? "unchanged" : "new";
    if (found.known) {
      result["suppressions"] = one_of(
          {{"kind", "external"},
           {"status", "accepted"},
           {"justification", found.in_baseline ? "it is in the baseline" : "this run writes it into a baseline"}});
    }
    if (!found.history.empty()) {
      const Json thread{{"locations", flow(entry, found)}};
      result["codeFlows"] = one_of({{"threadFlows", one_of(thread)}});
    }
    result["properties"] = properties(entry);
    result["properties"]["filter"] = found.filter;
    result["properties"]["callback"] = found.callback;
    if (!found.times.empty()) result["properties"]["when"] = found.times.substr(2);
    if (!found.mdl_shape.empty()) result["properties"]["mdl_shape"] = found.mdl_shape;
    if (!found.bytes.empty()) result["properties"]["bytes"] = found.bytes;
    return result;
  }

  /// The history: its steps stand at the scenario, the violation where the finding does.
  Json flow(const Entry& entry, const Found& found) {
    Json locations = Json::array();
    for (std::size_t i = 0; i < found.history.size(); ++i) {
      const Step& step = found.history[i];
      const bool last = i + 1 == found.history.size();
      Json location = last ? where(entry, found) : Json{{"physicalLocation", place(entry.path, 1)}};
      location["message"] = text(step.words);
      locations.push_back({{"location", std::move(location)},
                           {"nestingLevel", step.depth},
                           {"executionOrder", i + 1},
                           {"importance", last ? "essential" : "important"}});
    }
    return locations;
  }

  Json of_mismatches(const Entry& entry) {
    Json result;
    result["ruleId"] = not_as_expected_id;
    result["ruleIndex"] = trace::all_rules().size();
    result["kind"] = "fail";
    result["level"] = "error";
    result["message"] = text(fmt::format("{}", fmt::join(entry.other_mismatches, "\n")));
    result["locations"] = one_of({{"physicalLocation", place(entry.path, 1)}});
    const std::string key = fmt::format("{}\n{}", not_as_expected_id, entry.path);
    result["partialFingerprints"] = {
        {fingerprint_name, fmt::format("{:016x}", digest(std::as_bytes(std::span<const char>(key))))}};
    if (job_.baseline) result["baselineState"] = "new";
    result["properties"] = properties(entry);
    return result;
  }

  static Json properties(const Entry& entry) {
    return {{"scenario", entry.path}, {"command", entry.command}, {"seed", entry.seed}};
  }

  Json notification(const Entry& entry) {
    return {{"level", "error"},
            {"message", text(entry.error)},
            {"locations", one_of({{"physicalLocation", place(entry.path, entry.line)}})},
            {"descriptor", {{"id", name_of(entry.verdict)}}}};
  }

  const Job& job_;
  Json artifacts_ = Json::array();
  Json results_ = Json::array();
  Json mistakes_ = Json::array();
  Json failures_ = Json::array();
  std::map<std::string, std::size_t> indices_;
};

}  // namespace

std::string to_sarif(const Job& job) {
  Json log;
  log["$schema"] = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
  log["version"] = "2.1.0";
  log["runs"] = Json::array({Log(job).run()});
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dumpsim::report
