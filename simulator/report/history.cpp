// SPDX-License-Identifier: Apache-2.0
#include "report/history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "trace/record.hpp"
#include "trace/statuses.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::report {
namespace {

using trace::Kind;

constexpr std::size_t kept_first = 16;  // of a history that is too long: how the machine came up

std::string entered(const trace::Event& event, const trace::TraceView& view) {
  const trace::Record& record = event.record;
  std::string words = fmt::format("{} of {}", trace::name_of(record.callback), view.image_name(record.image));
  if (record.length != 0) words += fmt::format(": {} at {:#x}", format_size(record.length), record.offset);
  return words;
}

std::string words_of(const trace::Event& event, const trace::TraceView& view) {
  const trace::Record& record = event.record;
  switch (record.kind) {
    case Kind::timeline_step:
      return trace::printable(event.text());
    case Kind::crash_started:
      return fmt::format("bug check {:#010x}", record.arg);
    case Kind::reboot:
      return "reboot";
    case Kind::power_cut:
      return "power cut";
    case Kind::image_loaded:
      return fmt::format("{} loaded", view.image_name(record.image));
    case Kind::image_unloaded:
      return fmt::format("{} unloaded", view.image_name(record.image));
    case Kind::callback_entered:
      return entered(event, view);
    case Kind::filter_disabled:
      return fmt::format("{} is skipped from here on: {}", view.image_name(record.image),
                         trace::format_status(record.status));
    case Kind::section:
      return fmt::format("crashdmp writes: {}", trace::printable(event.text()));
    case Kind::port_opened:
      return "dump port opened";
    case Kind::port_finished:
      return "dump port finished";
    case Kind::bugcheck:
      return fmt::format("bug check {:#010x}", record.arg);
    case Kind::fault:
      return trace::printable(event.text());
    case Kind::violation:
      return record.arg < static_cast<std::uint64_t>(trace::Rule::count_)
                 ? fmt::format("{}: {}", trace::row_of(static_cast<trace::Rule>(record.arg)).slug,
                               trace::printable(event.text()))
                 : std::string{};
    case Kind::repeat:
      return fmt::format("{} more like that", with_thousands(record.arg));
    default:
      return {};
  }
}

}  // namespace

std::vector<Step> history_of(const trace::TraceView& view, std::span<const engine::Finding> findings,
                             std::size_t which) {
  const engine::Finding& finding = findings[which];
  const auto the_same = [&](const engine::Finding& other) {
    return other.rule == finding.rule && other.callback == finding.callback && other.filter == finding.filter &&
           other.detail == finding.detail;
  };
  if (std::ranges::any_of(findings.first(which), the_same)) return {};
  std::vector<Step> steps;
  std::uint32_t depth = 0;
  bool found = false;
  for (const trace::Event& event : view) {
    const trace::Record& record = event.record;
    if (record.kind == Kind::callback_left && depth > 0) --depth;
    if (std::string words = words_of(event, view); !words.empty()) steps.push_back({std::move(words), depth});
    if (record.kind == Kind::callback_entered) ++depth;
    found = record.kind == Kind::violation && record.arg == static_cast<std::uint64_t>(finding.rule) &&
            record.callback == finding.callback && view.image_name(record.image) == finding.filter &&
            trace::printable(event.text()) == finding.detail;
    if (found) break;
  }
  if (!found) return {};
  if (steps.size() > longest_history) {
    const std::size_t left_out = steps.size() - longest_history + 1;
    const auto first = steps.begin() + kept_first;
    *first = {fmt::format("… {} more steps", with_thousands(left_out)), 0};
    steps.erase(first + 1, first + static_cast<std::ptrdiff_t>(left_out));
  }
  return steps;
}

}  // namespace dumpsim::report
