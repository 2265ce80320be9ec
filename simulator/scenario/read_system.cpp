// SPDX-License-Identifier: Apache-2.0
// [system] and [policy]: which computer, which Windows, and what is not certain about it.
#include <fmt/format.h>

#include "base/text.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

bool page_sized(Section& section, std::string_view key, std::uint64_t bytes) {
  if (bytes % page_size == 0) return true;
  section.mistake(key,
                  fmt::format("{}: {} is no multiple of the page size, 4 KiB", section.full(key), format_size(bytes)));
  return false;
}

void read_runs(Section& memory, std::vector<dumpfile::PageRun>& runs) {
  std::uint64_t end = 0;
  bool first = true;
  for (Section& item : memory.tables("runs")) {
    item.require_all({"base", "size"});
    const auto base = item.size("base");
    const auto size = item.size("size");
    if (!base || !size) continue;
    const bool base_good = page_sized(item, "base", *base), size_good = page_sized(item, "size", *size);
    if (!base_good || !size_good) continue;
    if (*base > highest_memory - *size) {
      item.mistake("size", fmt::format("{}: the run ends beyond {}, the highest address", item.full("size"),
                                       format_size(highest_memory)));
      continue;
    }
    if (!first && *base <= end) {
      const bool touches = *base == end;
      item.mistake("base",
                   fmt::format("{}: {} where the run before it ends at {}; {}", item.full("base"),
                               touches ? "the run starts" : "the run starts before its place,", format_size(end),
                               touches ? "write the two as one" : "runs are ascending and apart"));
      continue;
    }
    runs.push_back({*base >> page_shift, *size >> page_shift});
    end = *base + *size;
    first = false;
  }
  if (runs.empty() && first && memory.has("runs")) {
    const Node* list = memory.any("runs");
    if (list->kind == NodeKind::array && list->items.empty())
      memory.mistake("runs", "system.memory.runs: a machine needs memory; the list is empty");
  }
}

void read_memory(Section memory, Reading& reading) {
  Memory& into = reading.scenario.system.memory;
  memory.exclusive("size", "runs", "the runs say how much memory there is");
  if (const auto size = memory.size("size"); size && page_sized(memory, "size", *size)) {
    into.runs = {{0, *size >> page_shift}};
  }
  if (memory.has("runs")) {
    into.runs.clear();
    read_runs(memory, into.runs);
  }
  if (const auto fill = memory.word("fill")) into.fill = static_cast<Fill>(*fill);
  if (const auto seed = memory.number("seed")) into.seed = *seed;
  if (const auto image = memory.text("image")) {
    if (image->empty()) memory.mistake("image", "system.memory.image: expected a path, got an empty text");
    into.image = reading.folder / *image;
  }
  if (memory.has("seed") && into.fill != Fill::random) {
    memory.mistake("seed", "system.memory.seed: only random content has a seed; add fill = \"random\"");
  }
  if (memory.has("image") && into.fill != Fill::image) {
    memory.mistake("image", "system.memory.image: only an image fill reads it; add fill = \"image\"");
  }
  if (into.fill == Fill::image && !memory.has("image")) {
    memory.mistake("fill", "system.memory.fill: an image fill needs image = \"FILE\"");
  }
}

}  // namespace

void read_system(Reading& reading) {
  auto system = reading.top.table("system");
  if (!system) return;
  System& into = reading.scenario.system;
  if (const auto profile = system->word("profile")) into.profile = static_cast<policy::Profile>(*profile);
  if (const auto processors = system->integer("processors")) into.processors = static_cast<std::uint32_t>(*processors);
  if (auto memory = system->table("memory")) read_memory(*memory, reading);
}

void read_policies(Reading& reading) {
  policy::Policies& into = reading.scenario.policies;
  into = policy::Policies(reading.scenario.system.profile);
  auto section = reading.top.table("policy");
  if (!section) return;
  for (const Entry& entry : section->node().entries) {
    const auto policy = policy::find_policy_key(entry.key);
    if (!policy) {
      section->mistake_at(entry.place, fmt::format("unknown policy {}{}", in_quotes(entry.key),
                                                   policy::hint_for_policy_key(entry.key)));
      continue;
    }
    const Node& node = entry.value;
    std::string text;
    if (node.kind == NodeKind::text) {
      text = node.text;
    } else if (node.kind == NodeKind::integer) {
      text = std::to_string(node.integer);
    } else if (node.kind == NodeKind::boolean) {
      text = node.boolean ? "yes" : "no";
    } else {
      section->mistake_at(
          node.place, fmt::format("policy.{}: expected a word, number or boolean, got {}", entry.key, describe(node)));
      continue;
    }
    const Result<policy::Value> value = policy::parse_value(*policy, text);
    if (value) {
      into.set(*policy, *value);
    } else {
      section->mistake_at(node.place, value.error().message);
    }
  }
}

}  // namespace dumpsim::scenario
