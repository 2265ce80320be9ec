// SPDX-License-Identifier: Apache-2.0
// Can it happen, and can it be judged? A timeline is a life that Windows allows; a sequence may be anything but must
// name pages and places that exist; an expectation that nothing can decide is a mistake, never a silent success.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

enum class State : std::uint8_t { off, running, hibernated, crashed };

struct Step {
  TimelineStep step;
  State from;
  State to;
};
constexpr std::array<Step, 9> steps{{
    {TimelineStep::boot, State::off, State::running},
    {TimelineStep::disable_dumps, State::running, State::running},
    {TimelineStep::enable_dumps, State::running, State::running},
    {TimelineStep::hibernate, State::running, State::hibernated},
    {TimelineStep::resume, State::hibernated, State::running},
    {TimelineStep::crash, State::running, State::crashed},
    {TimelineStep::next_boot, State::crashed, State::running},
    {TimelineStep::stop_drivers, State::running, State::running},
    {TimelineStep::shutdown, State::running, State::off},
}};

std::string_view what_is(State state) {
  constexpr std::array<std::string_view, 4> words{"off", "running", "hibernated", "crashed"};
  return words[static_cast<std::size_t>(state)];
}

const Node* step_table(const Node& root, std::size_t index) {
  const Entry* list = root.find("sequence");
  if (list == nullptr || index >= list->value.items.size()) return nullptr;
  const Node& item = list->value.items[index];
  if (item.kind != NodeKind::table || item.entries.size() != 1) return nullptr;
  return &item.entries.front().value;
}

}  // namespace

bool dumps_and_boots(const Scenario& scenario) {
  const auto crash = std::find(scenario.timeline.begin(), scenario.timeline.end(), TimelineStep::crash);
  return std::find(crash, scenario.timeline.end(), TimelineStep::next_boot) != scenario.timeline.end();
}

void check_timeline(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  State state = State::off;
  bool enabled = true;
  for (std::size_t i = 0; i < scenario.timeline.size(); ++i) {
    const TimelineStep step = scenario.timeline[i];
    const Step& row = steps[static_cast<std::size_t>(step)];
    const std::string_view word = words::timeline[static_cast<std::size_t>(step)];
    const Place place = place_of(root, fmt::format("timeline[{}]", i));
    if (row.from != state) {
      mistakes.add(place, "timeline",
                   fmt::format("timeline: \"{}\" needs a machine that is {}, and here it is {}", word,
                               what_is(row.from), what_is(state)));
      return;
    }
    if ((step == TimelineStep::disable_dumps && !enabled) || (step == TimelineStep::enable_dumps && enabled)) {
      mistakes.add(
          place, "timeline",
          fmt::format("timeline: \"{}\" changes nothing: dumps are {} here", word, enabled ? "enabled" : "disabled"));
    }
    if (step == TimelineStep::stop_drivers && scenario.drivers.empty()) {
      mistakes.add(place, "timeline", "timeline: \"stop-drivers\" needs a [[driver]]; filters are unloaded with dumps");
    }
    if (step == TimelineStep::shutdown) enabled = true;
    if (step == TimelineStep::disable_dumps) enabled = false;
    if (step == TimelineStep::enable_dumps) enabled = true;
    state = row.to;
  }
}

void check_sequence(const Node& root, Scenario& scenario, Mistakes& mistakes) {
  const std::vector<dumpfile::PageRun>& runs = scenario.system.memory.runs;
  // Where the next plain write and read of each stack goes.
  std::array<std::array<std::uint64_t, 2>, 2> next{};
  for (std::size_t i = 0; i < scenario.sequence.size(); ++i) {
    SequenceStep& step = scenario.sequence[i];
    const bool write = step.action == SequenceStep::Action::write;
    if (!write && step.action != SequenceStep::Action::read) continue;
    const Node* table = step_table(root, i);
    const auto refuse = [&](std::string_view key, std::string message) {
      const std::string path = fmt::format("sequence[{}].{}.{}", i, write ? "write" : "read", key);
      mistakes.add(place_of(root, path), "sequence", fmt::format("sequence: {}", message));
    };
    if (write) {
      if (table == nullptr || table->find("first") == nullptr) step.first = runs.front().base;
      const bool there = std::any_of(runs.begin(), runs.end(), [&](const dumpfile::PageRun& run) {
        return step.first >= run.base && step.first - run.base < run.pages &&
               step.pages <= run.pages - (step.first - run.base);
      });
      if (!there)
        refuse("first",
               fmt::format("{} pages from page {} on do not all exist in one run of memory", step.pages, step.first));
    }
    const bool in_file = table == nullptr || table->find("offset") == nullptr;
    const std::uint32_t sector = scenario.disk.sector_size;
    if (!in_file) {
      if (step.offset.bytes % sector != 0)
        refuse("offset",
               fmt::format("offset {} is no multiple of the sector size, {} bytes", step.offset.bytes, sector));
      continue;
    }
    std::uint64_t& cursor = next[step.hibernation ? 1 : 0][write ? 0 : 1];
    if (!step.file_offset) step.file_offset = cursor;
    cursor = saturating_add(*step.file_offset, step.pages * page_size);
    const std::uint64_t size = step.hibernation ? scenario.hibernation.file.size : scenario.dump.file.size;
    if (*step.file_offset % sector != 0) {
      refuse("file_offset",
             fmt::format("file_offset {} is no multiple of the sector size, {} bytes", *step.file_offset, sector));
    } else if (cursor > size) {
      refuse("file_offset",
             fmt::format("{} pages at {} of the file end beyond it, at {}; offset counts on the partition and may "
                         "lie anywhere",
                         step.pages, format_size(*step.file_offset), format_size(size)));
    }
  }
}

void check_judgement(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  const auto refuse = [&](std::string_view path, std::string_view why) {
    mistakes.add(place_of(root, path), path, fmt::format("{}: {}", path, why));
  };
  const Expect& expect = scenario.expect;
  const bool blind = scenario.disk.backend == Backend::null;
  const Recover::Via via = scenario.recover.via;
  if (blind && via != Recover::Via::automatic && via != Recover::Via::none) {
    refuse("recover.via", "the null backend keeps no bytes to recover");
  }
  if (expect.recovered && *expect.recovered != Recovered::not_tried) {
    if (blind) {
      refuse("expect.recovered",
             "the null backend keeps no bytes to judge; expected \"not-tried\", or another backend");
    } else if (via == Recover::Via::none) {
      refuse("expect.recovered", "recover.via is \"none\", so that nothing is judged; expected \"not-tried\"");
    } else if (scenario.dump.kind == DumpKind::none) {
      refuse("expect.recovered", "dump.kind is \"none\", so that there is no dump; expected \"not-tried\"");
    } else if (!dumps_and_boots(scenario)) {
      refuse("expect.recovered", "a dump is recovered by \"next-boot\" after a \"crash\", which this life lacks");
    }
  }
  if (expect.volume_path && *expect.volume_path != Recovered::not_tried) {
    if (blind) {
      refuse("expect.volume_path", "the null backend keeps no bytes to read through the volume");
    } else if (scenario.dump.kind == DumpKind::none) {
      refuse("expect.volume_path", "dump.kind is \"none\", so that there is no dump; expected \"not-tried\"");
    } else if (!dumps_and_boots(scenario)) {
      refuse("expect.volume_path", "a dump is read by \"next-boot\" after a \"crash\", which this life lacks");
    }
  }
  if (expect.readable_sectors) {
    if (blind) {
      refuse("expect.readable_sectors_on_disk", "the null backend keeps no bytes to look at");
    } else if (scenario.system.memory.fill != Fill::canary) {
      refuse("expect.readable_sectors_on_disk", "only canary memory can be told on a disk; use fill = \"canary\"");
    }
  }
  if (expect.bugcheck && expect.outcome != Outcome::bugchecked && expect.outcome != Outcome::crashed) {
    refuse("expect.bugcheck",
           "a filter's bugcheck ends the run; add outcome = \"bugchecked\", or \"crashed\" for a fault's");
  }
}

}  // namespace dumpsim::scenario
