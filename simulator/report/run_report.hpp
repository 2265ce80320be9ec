// SPDX-License-Identifier: Apache-2.0
// A finished run in words and in JSON. Formatting, nothing else: what it says was decided by the engine. Text is for
// people and may change; the JSON's keys are a promise, kept by docs/report.schema.json.
#pragma once

#include <string>

#include "engine/run.hpp"
#include "report/places.hpp"

namespace dumpsim::report {

struct TextOptions {
  bool colour = false;
  bool trace = true;  ///< the whole trace before the verdict
};

/// What can be said in one line whatever was expected: outcome, recovery, what lies readable.
std::string facts_of(const engine::Report& report);

/// Title, trace, findings, what the outcome rests on, verdict. Ends in a newline.
std::string to_text(const engine::Report& report, const TextOptions& options);

/// One line for a run among many: "ok  FILE  completed, identical".
std::string to_line(const engine::Report& report, const TextOptions& options);

/// One JSON object with everything a program may want, ending in a newline. Keys keep their order. `indent` spaces a
/// level; -1 puts it on one line, for many in a row (JSON Lines). With `places`, sources are the repository's; without,
/// they are seen from the current folder.
std::string to_json(const engine::Report& report, int indent = 2, const Places* places = nullptr);

}  // namespace dumpsim::report
