// SPDX-License-Identifier: Apache-2.0
// The rules by topic, which is what stands before the dot of a slug: what the topic is about, and when a run has given
// a rule of it the chance to be broken. A rule of a topic that is here needs no row of its own.
#pragma once

#include <span>
#include <string_view>

#include "trace/reader.hpp"
#include "trace/rules.hpp"

namespace dumpsim::report {

struct TopicRow {
  std::string_view topic;   ///< "write"; or a whole slug that differs from its topic
  std::string_view title;   ///< "the memory that a filter is given to write"; empty for a slug
  std::string_view chance;  ///< "a filter's DumpWrite was called"
  bool (*had_chance)(const trace::TraceView& view);
};

std::span<const TopicRow> all_topics();
/// Before the dot.
std::string_view topic_of(std::string_view slug);
/// nullptr when the table has none.
const TopicRow* find_topic(std::string_view topic);
/// The slug's own row, or its topic's; nullptr when the table has neither.
const TopicRow* row_for(std::string_view slug);

/// Whether a callback from `first` to `last` was entered at all, in an image whose name begins with `prefix`. The runs
/// of calls know those that never returned, the tallies those that no run had room for.
bool called(const trace::TraceView& view, trace::Callback first, trace::Callback last, std::string_view prefix = {});

}  // namespace dumpsim::report
