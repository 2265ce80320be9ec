// SPDX-License-Identifier: Apache-2.0
// What happens, step by step (title, timeline, sequence), and how the run is conducted ([recover], [trace], [limits],
// [rules]).
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t longest_timeline = 1000;

void read_timeline(Reading& reading) {
  const std::vector<Node>* steps = reading.top.list("timeline");
  if (steps == nullptr) return;
  if (steps->empty() || steps->size() > longest_timeline) {
    reading.top.mistake("timeline",
                        fmt::format("timeline: expected 1 to {} steps, got {}", longest_timeline, steps->size()));
    return;
  }
  for (const Node& step : *steps) {
    if (const auto word = reading.top.word_of(step, *find_key("timeline"))) {
      reading.scenario.timeline.push_back(static_cast<TimelineStep>(*word));
    }
  }
}

/// `{ write = { pages = 4 } }`: the action is the only key.
void read_step_table(const Node& node, Mistakes& mistakes, SequenceStep& into) {
  Section outer(node, "sequence[]", mistakes);
  if (node.entries.size() != 1) {
    outer.mistake_at(node.place, fmt::format("sequence: a step in braces has exactly one action, got {}; write "
                                             "{{ write = {{ pages = 4 }} }}",
                                             node.entries.size()));
    return;
  }
  const Entry& entry = node.entries.front();
  const auto action = std::find(words::action.begin(), words::action.end(), entry.key);
  if (action == words::action.end() || find_key("sequence[]." + entry.key) == nullptr) return;
  into.action = static_cast<SequenceStep::Action>(action - words::action.begin());
  if (entry.value.kind != NodeKind::table) {
    outer.mistake_at(entry.value.place,
                     fmt::format("sequence[].{}: expected a table, got {}", entry.key, describe(entry.value)));
    return;
  }
  Section step(entry.value, "sequence[]." + entry.key, mistakes);
  if (const auto stack = step.word("stack")) into.hibernation = *stack == 1;
  if (into.action != SequenceStep::Action::write && into.action != SequenceStep::Action::read) return;
  if (const auto pages = step.integer("pages")) into.pages = *pages;
  if (const auto offset = step.size("offset")) into.offset = PartitionOffset{*offset};
  if (const auto offset = step.size("file_offset")) into.file_offset = *offset;
  if (into.action == SequenceStep::Action::write) {
    if (const auto first = step.integer("first")) into.first = *first;
  }
  step.exclusive("offset", "file_offset", "one counts from the partition's start, the other in the file");
}

}  // namespace

void read_life(Reading& reading) {
  if (const auto title = reading.top.text("title")) {
    reading.scenario.title = *title;
  } else {
    reading.scenario.title = reading.scenario.file.stem().string();
  }
  reading.top.exclusive("timeline", "sequence", "a sequence drives single steps, a timeline whole lives");
  read_timeline(reading);
}

void read_sequence(Reading& reading) {
  const std::vector<Node>* steps = reading.top.list("sequence");
  if (steps == nullptr) return;
  if (steps->empty()) reading.top.mistake("sequence", "sequence: the list is empty; leave it out for a timeline");
  for (const Node& node : *steps) {
    SequenceStep step;
    if (node.kind == NodeKind::table) {
      read_step_table(node, reading.mistakes, step);
    } else if (const auto word = reading.top.word_of(node, *find_key("sequence"))) {
      step.action = static_cast<SequenceStep::Action>(*word);
    }
    reading.scenario.sequence.push_back(step);
  }
}

void read_run(Reading& reading) {
  if (auto recover = reading.top.table("recover")) {
    Recover& into = reading.scenario.recover;
    if (const auto via = recover->way("via", into.reader)) into.via = static_cast<Recover::Via>(*via);
    if (const auto shift = recover->signed_size("shift")) into.shift = *shift;
    if (const auto output = recover->text("output")) {
      if (output->empty()) recover->mistake("output", "recover.output: expected a path, got an empty text");
      into.output = reading.folder / *output;
    }
    if (recover->has("shift") && into.via != Recover::Via::raw) {
      recover->mistake("shift", "recover.shift: only a raw recovery knows a shift; add via = \"raw\"");
    }
    if (recover->has("output") && into.via == Recover::Via::none) {
      recover->mistake("output", "recover.output: via = \"none\" recovers nothing");
    }
  }
  if (auto trace = reading.top.table("trace")) {
    TraceOptions& into = reading.scenario.trace;
    if (const auto fold = trace->boolean("fold")) into.fold = *fold;
    if (const auto digests = trace->boolean("digests")) into.digests = *digests;
    if (const auto limit = trace->size("limit")) into.limit = *limit;
  }
  if (auto limits = reading.top.table("limits")) {
    if (const auto seconds = limits->integer("cpu_seconds")) {
      reading.scenario.limits.cpu_seconds = static_cast<std::uint32_t>(*seconds);
    }
    if (const auto memory = limits->size("memory")) reading.scenario.limits.memory = *memory;
  }
  if (auto rules = reading.top.table("rules")) {
    std::vector<std::string_view> slugs;
    for (const trace::RuleRow& row : trace::all_rules()) slugs.push_back(row.slug);
    for (const Entry& entry : rules->node().entries) {
      const auto rule = trace::find_rule(entry.key);
      if (!rule) {
        // Without quotes TOML reads irql.too-high as a table in a table.
        const std::string inner = entry.value.kind == NodeKind::table && entry.value.entries.size() == 1
                                      ? entry.key + "." + entry.value.entries.front().key
                                      : std::string();
        rules->mistake_at(
            entry.place,
            trace::find_rule(inner)
                ? fmt::format("the name of a rule has a dot and needs quotes; write {} = …", in_quotes(inner))
                : fmt::format("unknown rule {}{}", in_quotes(entry.key), did_you_mean(entry.key, slugs)));
        continue;
      }
      if (const auto severity = rules->word_of(entry.value, *find_key("rules.*"))) {
        reading.scenario.severities[*rule] = static_cast<trace::Severity>(*severity);
      }
    }
  }
}

}  // namespace dumpsim::scenario
