// SPDX-License-Identifier: Apache-2.0
// [expect]. An expectation that names a filter, callback or rule that does not exist could never be met, or never be
// broken, so it is a mistake here and not a silent result later.
#include <fmt/format.h>

#include <algorithm>

#include "base/guid.hpp"
#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"
#include "trace/statuses.hpp"

namespace dumpsim::scenario {
namespace {

std::optional<trace::Callback> find_callback(std::string_view name) {
  const auto found = std::find(words::callback.begin(), words::callback.end(), name);
  if (found == words::callback.end()) return std::nullopt;
  return static_cast<trace::Callback>(found - words::callback.begin() +
                                      static_cast<std::ptrdiff_t>(trace::Callback::driver_entry));
}

/// What is wrong with a filter's name in an expectation, or nothing. Instances: "dump_xor", "hiber_xor".
std::string wrong_filter(std::string_view name, const Reading& reading) {
  if (!reading.mistakes.clean("filter") || !reading.mistakes.clean("driver")) return {};  // its name may be the mistake
  std::vector<std::string_view> known;
  for (const Filter& filter : reading.scenario.filters) {
    if (name == filter.name || name == "dump_" + filter.name || name == "hiber_" + filter.name) return {};
    known.push_back(filter.name);
  }
  for (const Driver& driver : reading.scenario.drivers) {
    if (name == driver.name) return {};
    known.push_back(driver.name);
  }
  return fmt::format("no filter is named {}{}", in_quotes(name), did_you_mean(name, known));
}

void read_calls(Section& expect, Reading& reading) {
  const std::vector<Node>* calls = expect.list("calls");
  if (calls == nullptr) return;
  for (const Node& node : *calls) {
    if (node.kind != NodeKind::text) {
      expect.mistake_at(node.place,
                        fmt::format("expect.calls: expected a text such as \"DumpWrite*\", got {}", describe(node)));
      continue;
    }
    CallPattern pattern;
    std::string_view text = node.text;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
      pattern.filter = text.substr(0, colon);
      text.remove_prefix(colon + 1);
      if (const std::string wrong = wrong_filter(pattern.filter, reading); !wrong.empty()) {
        expect.mistake_at(node.place, fmt::format("expect.calls: {}", wrong));
      }
    }
    if (!text.empty() && std::string_view("*+?").find(text.back()) != std::string_view::npos) {
      pattern.repeat = text.back();
      text.remove_suffix(1);
    }
    if (const auto callback = find_callback(text)) {
      pattern.callback = *callback;
      reading.scenario.expect.calls.push_back(std::move(pattern));
    } else {
      expect.mistake_at(node.place, fmt::format("expect.calls: {} is no callback{}", in_quotes(text),
                                                did_you_mean(text, words::callback)));
    }
  }
}

void read_statuses(Section& expect, Reading& reading) {
  for (Section& item : expect.tables("statuses")) {
    StatusExpectation expectation;
    item.require_all({"callback", "status"});
    if (const auto filter = item.text("filter")) {
      expectation.filter = *filter;
      if (const std::string wrong = wrong_filter(*filter, reading); !wrong.empty()) {
        item.mistake("filter", fmt::format("expect.statuses[].filter: {}", wrong));
      }
    }
    const auto callback = item.word("callback");
    if (callback) expectation.callback = *find_callback(words::callback[*callback]);
    const Node* node = item.any("status");
    const auto status = node == nullptr ? std::nullopt : read_status(item, *node, "expect.statuses[].status");
    if (!callback || !status) continue;
    expectation.status = *status;
    reading.scenario.expect.statuses.push_back(std::move(expectation));
  }
}

std::optional<trace::Rule> rule_of(Section& section, const Node& node) {
  if (node.kind == NodeKind::text) {
    if (const auto rule = trace::find_rule(node.text)) return rule;
    std::vector<std::string_view> slugs;
    for (const trace::RuleRow& row : trace::all_rules()) slugs.push_back(row.slug);
    section.mistake_at(node.place,
                       fmt::format("unknown rule {}{}", in_quotes(node.text), did_you_mean(node.text, slugs)));
  } else {
    section.mistake_at(node.place, fmt::format("expected the name of a rule, got {}", describe(node)));
  }
  return std::nullopt;
}

void read_violation(const Node& node, Mistakes& mistakes, Expect& into) {
  Section item(node, "expect.violations[]", mistakes);
  item.exclusive("count", "at_least", "count is exact");
  item.exclusive("count", "at_most", "count is exact");
  CountRange range{1, UINT64_MAX};
  if (const auto least = item.integer("at_least")) range.least = *least;
  if (const auto most = item.integer("at_most")) {
    range.most = *most;
    if (!item.has("at_least")) range.least = 0;
  }
  if (const auto count = item.integer("count")) range = {*count, *count};
  if (range.least > range.most) {
    item.mistake("at_most",
                 fmt::format("expect.violations[]: at_least {} is more than at_most {}", range.least, range.most));
  }
  if (!item.require("rule")) return;
  if (const auto rule = rule_of(item, *item.any("rule"))) into.violations.push_back({*rule, range});
}

void read_violations(Section& expect, Mistakes& mistakes, Expect& into) {
  const Node* node = expect.any("violations");
  if (node == nullptr) return;
  if (node->kind == NodeKind::text && node->text == "any") {
    into.any_violation = true;
    return;
  }
  if (node->kind == NodeKind::text && trace::find_rule(node->text)) {
    expect.mistake("violations", fmt::format("expect.violations: write it as a list, [{}]", in_quotes(node->text)));
    return;
  }
  const std::vector<Node>* items = expect.list("violations");
  if (items == nullptr) return;
  for (const Node& item : *items) {
    if (item.kind == NodeKind::table) {
      read_violation(item, mistakes, into);
    } else if (const auto rule = rule_of(expect, item)) {
      into.violations.push_back({*rule, {1, UINT64_MAX}});
    }
  }
}

/// "hex:…" as bytes, or, where that is allowed, the text itself.
std::optional<std::vector<std::byte>> bytes_of(Section& item, std::string_view key, bool hex_only) {
  const auto text = item.text(key);
  if (!text) return std::nullopt;
  constexpr std::string_view prefix = "hex:";
  if (!text->starts_with(prefix)) {
    if (!hex_only && !text->empty()) {
      const auto* first = reinterpret_cast<const std::byte*>(text->data());
      return std::vector<std::byte>(first, first + text->size());
    }
    item.mistake(key, fmt::format("expect.secondary_data[].{}: expected {}\"hex:…\", got {}", key,
                                  hex_only ? "" : "a text or ", in_quotes(*text)));
    return std::nullopt;
  }
  auto bytes = parse_hex(std::string_view(*text).substr(prefix.size()));
  if (!bytes) {
    item.mistake(key, fmt::format("expect.secondary_data[].{}: {}", key, bytes.error().message));
    return std::nullopt;
  }
  return std::move(*bytes);
}

void read_secondary_data(Section& expect, Reading& reading) {
  if (!expect.has("secondary_data")) return;
  std::vector<SecondaryExpectation>& into = reading.scenario.expect.secondary_data.emplace();
  for (Section& item : expect.tables("secondary_data")) {
    SecondaryExpectation expectation;
    item.exclusive("bytes", "size", "bytes say how many there are");
    item.exclusive("bytes", "contains", "bytes say all there is");
    if (const auto filter = item.text("filter")) {
      expectation.filter = *filter;
      if (const std::string wrong = wrong_filter(*filter, reading); !wrong.empty()) {
        item.mistake("filter", fmt::format("expect.secondary_data[].filter: {}", wrong));
      }
    }
    expectation.size = item.count("size");
    expectation.bytes = bytes_of(item, "bytes", true);
    if (auto contains = bytes_of(item, "contains", false)) expectation.contains = std::move(*contains);
    if (!item.require("guid")) continue;
    const auto text = item.text("guid");
    if (!text) continue;
    const auto guid = parse_guid(*text);
    if (!guid) {
      item.mistake("guid",
                   fmt::format("expect.secondary_data[].guid: {}, got {}", guid.error().message, in_quotes(*text)));
      continue;
    }
    expectation.guid = *guid;
    into.push_back(std::move(expectation));
  }
}

}  // namespace

std::optional<std::int32_t> read_status(Section& section, const Node& node, std::string_view key) {
  if (node.kind == NodeKind::integer && node.integer >= INT32_MIN && node.integer <= UINT32_MAX) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(node.integer));
  }
  if (node.kind == NodeKind::text) {
    if (const auto status = trace::find_status(node.text)) return status;
    std::vector<std::string_view> known;
    for (const trace::StatusName& each : trace::all_statuses()) known.push_back(each.name);
    section.mistake_at(node.place, fmt::format("{}: {} is no known NTSTATUS{}", key, in_quotes(node.text),
                                               did_you_mean(node.text, known)));
    return std::nullopt;
  }
  section.mistake_at(node.place, fmt::format("{}: expected an NTSTATUS such as 0xC0000001 or "
                                             "\"STATUS_UNSUCCESSFUL\", got {}",
                                             key, describe(node)));
  return std::nullopt;
}

void read_expect(Reading& reading) {
  auto expect = reading.top.table("expect");
  if (!expect) return;
  Expect& into = reading.scenario.expect;
  if (const auto outcome = expect->word("outcome")) into.outcome = static_cast<Outcome>(*outcome);
  if (const auto recovered = expect->word("recovered")) into.recovered = static_cast<Recovered>(*recovered);
  if (const auto path = expect->word("volume_path")) into.volume_path = static_cast<Recovered>(*path);
  into.readable_sectors = expect->count("readable_sectors_on_disk");
  into.redirected = expect->count("redirected");
  into.writes = expect->count("writes");
  into.write_size = expect->count("write_size");
  into.bytes_on_disk = expect->count("bytes_on_disk");
  if (const auto code = expect->integer("bugcheck")) into.bugcheck = static_cast<std::uint32_t>(*code);
  for (const Node* name : expect->texts("disabled")) {
    if (const std::string wrong = wrong_filter(name->text, reading); !wrong.empty()) {
      expect->mistake_at(name->place, fmt::format("expect.disabled: {}", wrong));
    }
    into.disabled.push_back(name->text);
  }
  if (auto files = expect->table("files")) read_file_specs(*files, reading, true, into.files);
  if (auto registry = expect->table("registry")) read_registry_keys(*registry, into.registry);
  for (const Node* text : expect->texts("debug_output")) into.debug_output.push_back(text->text);
  into.pages_added = expect->count("pages_added");
  into.pages_removed = expect->count("pages_removed");
  read_secondary_data(*expect, reading);
  read_calls(*expect, reading);
  read_statuses(*expect, reading);
  read_violations(*expect, reading.mistakes, into);
}

}  // namespace dumpsim::scenario
