// SPDX-License-Identifier: Apache-2.0
#include "report/fingerprint.hpp"

#include <fmt/format.h>

#include <map>
#include <span>

#include "base/digest.hpp"
#include "trace/record.hpp"

namespace dumpsim::report {

std::string_view service_of(std::string_view instance) {
  for (const std::string_view prefix : {"dump_", "hiber_"}) {
    if (instance.starts_with(prefix)) return instance.substr(prefix.size());
  }
  return instance;
}

std::vector<std::string> fingerprints(const engine::Report& report, const Places& places) {
  std::vector<std::string> names;
  const std::string scenario = places.of_argument(report.file);
  std::map<std::string, unsigned> met;
  for (const engine::Finding& finding : report.findings) {
    const bool has_place = !finding.source.empty() || !finding.function.empty();
    std::string key = fmt::format("{}\n{}\n{}\n{}\n{}", trace::row_of(finding.rule).slug, service_of(finding.filter),
                                  trace::name_of(finding.callback),
                                  has_place ? places.of_source(finding.source) : scenario, finding.function);
    if (const unsigned nth = ++met[key]; nth > 1) key += fmt::format("\n{}", nth);
    names.push_back(fmt::format("{:016x}", digest(std::as_bytes(std::span<const char>(key)))));
  }
  return names;
}

}  // namespace dumpsim::report
