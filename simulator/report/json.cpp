// SPDX-License-Identifier: Apache-2.0
// Everything as one JSON object. docs/report.schema.json is its schema, and a test holds the two together.
#include <nlohmann/json.hpp>

#include "report/job.hpp"

namespace dumpsim::report {
namespace {

using Json = nlohmann::ordered_json;

Json of_coverage(const Coverage& coverage) {
  const auto percent = [](std::size_t exercised, std::size_t of) {
    return static_cast<double>(Coverage::tenths(exercised, of)) / 10;
  };
  Json json{{"exercised", coverage.exercised},
            {"of", coverage.of},
            {"percent", percent(coverage.exercised, coverage.of)},
            {"dimensions", Json::array()}};
  for (const CoverageRow& row : coverage.rows) {
    json["dimensions"].push_back({{"name", row.dimension},
                                  {"exercised", row.exercised},
                                  {"of", row.of},
                                  {"percent", percent(row.exercised, row.of)},
                                  {"missing", row.missing}});
  }
  return json;
}

Json of_entry(const Entry& entry) {
  Json json;
  json["path"] = entry.path;
  json["verdict"] = name_of(entry.verdict);
  json["error"] = entry.error.empty() ? Json(nullptr) : Json(entry.error);
  json["command"] = entry.command;
  json["seed"] = entry.seed;
  json["result"] = entry.json.empty() ? Json(nullptr) : Json::parse(entry.json);
  return json;
}

}  // namespace

std::string to_json(const Coverage& coverage) {
  return Json{{"coverage", of_coverage(coverage)}}.dump() + "\n";
}

std::string to_json(const Job& job) {
  Json json;
  json["format"] = "dumpsim-report";
  json["version"] = 1;
  json["tool"] = {{"name", "dumpsim"}, {"version", job.version}};
  json["command"] = job.command_line;
  json["exit_code"] = job.exit_code;
  std::size_t counts[4] = {};
  for (const Entry& entry : job.entries) ++counts[static_cast<std::size_t>(entry.verdict)];
  json["scenarios"] = {{"all", job.entries.size()},
                       {"as_expected", counts[0]},
                       {"not_as_expected", counts[1]},
                       {"mistake", counts[2]},
                       {"host_failure", counts[3]}};
  json["baseline"] = nullptr;
  if (job.baseline) {
    json["baseline"] = {
        {"known", job.baseline->known}, {"new", job.baseline->added}, {"no_longer_found", job.baseline->gone}};
  }
  json["coverage"] = of_coverage(job.coverage);
  json["runs"] = Json::array();
  for (const Entry& entry : job.entries) json["runs"].push_back(of_entry(entry));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dumpsim::report
