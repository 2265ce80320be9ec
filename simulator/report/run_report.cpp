// SPDX-License-Identifier: Apache-2.0
#include "report/run_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/guid.hpp"
#include "base/text.hpp"
#include "report/history.hpp"
#include "report/words.hpp"
#include "trace/reader.hpp"
#include "trace/requests.hpp"
#include "trace/rules.hpp"
#include "trace/statuses.hpp"
#include "trace/text.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::report {
namespace {

using engine::Report;
using scenario::Outcome;
using scenario::Recovered;

std::string findings(const Report& report, const Paint& paint) {
  std::string text;
  for (const engine::Finding& finding : report.findings) {
    const trace::RuleRow& row = trace::row_of(finding.rule);
    text += fmt::format("\n{} {}  {}{}{}\n", paint.severity(finding.severity, trace::name_of(finding.severity)),
                        paint.bold(row.slug), engine::who(finding), times_of(finding), finding.known ? ", known" : "");
    if (!finding.mdl_shape.empty()) text += fmt::format("  in an earlier run, under MDL shape {}\n", finding.mdl_shape);
    if (const std::string place = place_of(finding); !place.empty()) text += fmt::format("  at {}\n", place);
    text += fmt::format("  {}\n  {}\n", row.summary, finding.detail);
    for (const std::string& bytes : rows_of(finding.bytes)) text += fmt::format("  {}\n", bytes);
    text += fmt::format("  hint: {}\n  {}\n", row.hint, paint.faint(row.evidence));
  }
  return text;
}

/// Callbacks that leave less than half of the kernel's stack: what crashed before them has used some of it too.
std::string deep_stacks(const Report& report) {
  std::string text;
  for (const engine::StackUse& use : report.stack_use) {
    if (use.bytes <= report.kernel_stack / 2) continue;
    text += fmt::format("\nstack   {} in {} used {} of {} bytes\n", use.filter, trace::name_of(use.callback),
                        with_thousands(use.bytes), with_thousands(report.kernel_stack));
  }
  return text;
}

std::string asked_in_words(const engine::Asked& asked) {
  if (!asked.opened) {
    return fmt::format("{} opened {}: {}", asked.driver, asked.device, trace::format_status(asked.status));
  }
  return fmt::format("{} sent {} {:#x} ({}), {} in, {} out: {}", asked.driver, asked.device, asked.code,
                     trace::control_code_words(asked.code), plural(asked.input, "byte"), plural(asked.output, "byte"),
                     trace::format_status(asked.status));
}

/// What a scenario quotes may have lines of its own: they stay beside the first.
std::string line_of(const std::string& mismatch, std::string_view margin) {
  std::string text(margin);
  for (const char c : mismatch) {
    text += c;
    if (c == '\n') text += margin;
  }
  return text + "\n";
}

}  // namespace

std::string facts_of(const Report& report) {
  std::string text(scenario::name_of(report.outcome));
  if (!report.mdl_shape.empty()) text += fmt::format("; MDL shape {}", report.mdl_shape);
  if (report.recovered != Recovered::not_tried) {
    text += fmt::format("; recovered {}", scenario::name_of(report.recovered));
    if (!report.recovered_detail.empty()) text += fmt::format(" ({})", report.recovered_detail);
  }
  if (report.volume_path != Recovered::not_tried) {
    text += fmt::format("; volume path {}", scenario::name_of(report.volume_path));
    if (!report.volume_path_detail.empty()) text += fmt::format(" ({})", report.volume_path_detail);
  }
  if (report.readable_sectors)
    text += fmt::format("; {} readable on the disk", plural(*report.readable_sectors, "sector"));
  if (report.redirected != 0) text += fmt::format("; {} redirected", plural(report.redirected, "write"));
  if (report.pages_added != 0) text += fmt::format("; {} added", plural(report.pages_added, "page"));
  if (report.pages_removed != 0) text += fmt::format("; {} removed", plural(report.pages_removed, "page"));
  if (!report.secondary_data.empty())
    text += fmt::format("; {} of secondary data", plural(report.secondary_data.size(), "block"));
  return text;
}

std::string to_text(const Report& report, const TextOptions& options) {
  const Paint paint(options.colour);
  std::string text;
  if (!report.title.empty()) text += paint.bold(trace::printable(report.title)) + "\n";
  if (options.trace) {
    text += "\n";
    if (auto view = trace::TraceView::open(report.trace.bytes()); view) {
      trace::write_text(*view, [&](std::string_view line) { text += line; }, {.colour = options.colour});
    }
  }
  text += findings(report, paint);
  if (!report.asked.empty()) {
    text += "\nasked for and not there\n";
    for (const engine::Asked& asked : report.asked) text += fmt::format("  {}\n", asked_in_words(asked));
    text += "  a [[driver]] or a [[device]] can answer; `dumpsim run --write-provider FILE` writes the frame of one\n";
  }
  if (!report.evidence.empty()) text += "\n" + report.evidence;
  if (!report.readable_examples.empty() && *report.readable_sectors != 0) {
    const engine::ReadableSector& first = report.readable_examples.front();
    text +=
        fmt::format("\n{} of memory in clear on the disk; the first: disk offset {:#x} holds sector {} of pfn {:#x}\n",
                    plural(*report.readable_sectors, "sector"), first.at.bytes, first.sector, first.pfn);
  }
  text += deep_stacks(report);
  if (!report.policies.empty()) {
    text += "\nthis rests on\n";
    for (const std::string& policy : report.policies) text += fmt::format("  {}\n", policy);
  }
  if (!report.verified.empty()) {
    text += "\nlooked at\n";
    for (const std::string& line : report.verified) text += fmt::format("  {}\n", line);
  }
  text += "\n";
  if (!report.outcome_detail.empty())
    text += fmt::format("{}: {}\n", scenario::name_of(report.outcome), report.outcome_detail);
  if (report.as_expected()) {
    text += fmt::format("{}  {}\n", paint.good("as expected"), facts_of(report));
  } else {
    text += fmt::format("{}  {}\n", paint.bad("NOT AS EXPECTED"), facts_of(report));
    for (const std::string& mismatch : report.mismatches) text += line_of(mismatch, "  ");
  }
  return text;
}

std::string to_line(const Report& report, const TextOptions& options) {
  const Paint paint(options.colour);
  std::string text = fmt::format("{}  {}  {}\n", report.as_expected() ? paint.good("ok    ") : paint.bad("FAILED"),
                                 trace::printable(report.file.string()), facts_of(report));
  for (const std::string& mismatch : report.mismatches) text += line_of(mismatch, "          ");
  return text;
}

namespace {

using Json = nlohmann::ordered_json;

Json transfer_of(const engine::Finding& finding) {
  if (finding.length == 0) return nullptr;
  return {{"offset", finding.offset}, {"length", finding.length}};
}

Json bytes_of(const trace::ChangedBytes& bytes) {
  if (bytes.empty()) return nullptr;
  const auto shown = [&](const auto& held) { return trace::spaced_hex(std::span(held).first(bytes.length)); };
  return {{"from", trace::place_in_words(bytes)}, {"before", shown(bytes.before)}, {"after", shown(bytes.after)}};
}

}  // namespace

std::string to_json(const Report& report, int indent, const Places* places) {
  Json json;
  json["file"] = report.file.string();
  json["title"] = report.title;
  json["as_expected"] = report.as_expected();
  json["mismatches"] = report.mismatches;
  json["outcome"] = scenario::name_of(report.outcome);
  json["outcome_detail"] = report.outcome_detail;
  json["recovered"] = scenario::name_of(report.recovered);
  json["recovered_detail"] = report.recovered_detail;
  json["volume_path"] = scenario::name_of(report.volume_path);
  json["volume_path_detail"] = report.volume_path_detail;
  json["readable_sectors_on_disk"] = report.readable_sectors ? Json(*report.readable_sectors) : Json(nullptr);
  json["readable_examples"] = Json::array();
  for (const engine::ReadableSector& sector : report.readable_examples) {
    json["readable_examples"].push_back(
        {{"disk_offset", sector.at.bytes}, {"pfn", sector.pfn}, {"sector", sector.sector}});
  }
  json["violations"] = Json::array();
  const auto view = trace::TraceView::open(report.trace.bytes());
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const engine::Finding& finding = report.findings[i];
    Json history = Json::array();
    for (const Step& step : view ? history_of(*view, report.findings, i) : std::vector<Step>{})
      history.push_back(step.words);
    json["violations"].push_back(
        {{"rule", trace::row_of(finding.rule).slug},
         {"severity", trace::name_of(finding.severity)},
         {"filter", finding.filter},
         {"callback", trace::name_of(finding.callback)},
         {"count", finding.count},
         {"detail", finding.detail},
         {"call", finding.call},
         {"transfer", transfer_of(finding)},
         {"bytes", bytes_of(finding.bytes)},
         {"function", finding.function},
         {"source", places != nullptr ? places->of_source(finding.source) : engine::shown_source(finding.source)},
         {"line", finding.line},
         {"fingerprint", finding.fingerprint},
         {"declared", finding.declared},
         {"known", finding.known},
         {"history", std::move(history)}});
    if (!finding.mdl_shape.empty()) json["violations"].back()["mdl_shape"] = finding.mdl_shape;
  }
  if (!report.verified.empty()) json["verified"] = report.verified;
  if (!report.mdl_shape.empty()) json["mdl_shape"] = report.mdl_shape;
  json["disabled"] = report.disabled;
  json["rests_on"] = report.policies;
  json["writes"] = {{"count", report.writes},
                    {"bytes", report.write_bytes},
                    {"least", report.write_least},
                    {"most", report.write_most}};
  json["redirected"] = report.redirected;
  json["pages_added"] = report.pages_added;
  json["pages_removed"] = report.pages_removed;
  json["secondary_data"] = Json::array();
  for (const engine::SecondaryData& data : report.secondary_data) {
    json["secondary_data"].push_back(
        {{"guid", format_guid(data.guid)}, {"filter", data.filter}, {"bytes", data.bytes.size()}});
  }
  json["debug_output"] = Json::array();
  for (const engine::DebugLine& line : report.debug_output) {
    json["debug_output"].push_back({{"filter", line.filter}, {"text", line.text}});
  }
  json["asked_for_and_not_there"] = Json::array();
  for (const engine::Asked& asked : report.asked) {
    Json row{{"driver", asked.driver}, {"device", asked.device}, {"status", trace::format_status(asked.status)}};
    if (asked.opened) {
      row["code"] = fmt::format("{:#x}", asked.code);
      row["input"] = asked.input;
      row["output"] = asked.output;
    }
    json["asked_for_and_not_there"].push_back(std::move(row));
  }
  json["memory_use"] = Json::array();
  for (const engine::MemoryUse& use : report.memory_use) {
    json["memory_use"].push_back({{"filter", use.filter},
                                  {"tag", use.tag},
                                  {"allocations", use.allocations},
                                  {"frees", use.frees},
                                  {"most_bytes", use.most_bytes}});
  }
  json["virtual_time_100ns"] = report.virtual_time;
  // What follows differs from host to host: addresses, and what a compiler made of the code.
  json["kernel_stack"] = report.kernel_stack;
  json["stack_use"] = Json::array();
  for (const engine::StackUse& use : report.stack_use) {
    json["stack_use"].push_back(
        {{"filter", use.filter}, {"callback", trace::name_of(use.callback)}, {"bytes", use.bytes}});
  }
  json["evidence"] = report.evidence;
  // Names and debug output come from a filter: whatever is no UTF-8 is replaced rather than thrown over.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dumpsim::report
