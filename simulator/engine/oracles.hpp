// SPDX-License-Identifier: Apache-2.0
// The questions that a scenario asks about its bytes beside what it expects of the run: does memory lie readable where
// a filter protects, can a secret be found, does DumpRead give back what was written, does a chain that changes nothing
// leave the disk that no chain leaves, does the same come out twice. An oracle that cannot answer says so, and that is
// not as expected either.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/shared_pages.hpp"
#include "disk/block_device.hpp"
#include "dumpfile/byte_reader.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/dump_account.hpp"
#include "engine/finding.hpp"
#include "engine/next_boot.hpp"
#include "engine/plan.hpp"
#include "engine/readable.hpp"
#include "engine/rehearsal.hpp"
#include "machine/machine.hpp"
#include "scenario/scenario.hpp"
#include "stack/totals.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {

/// The dump as the next boot has it.
struct RecoveredBytes {
  std::shared_ptr<const dumpfile::ByteReader> bytes;  ///< nullptr: there is none
  std::uint64_t size = 0;
  bool raw = false;  ///< as they lie on the disk
};

/// A run of which the child has ended.
struct FinishedRun {
  const NextBoot& next;  ///< made from what the run itself was made from
  const stack::Totals& totals;
  const trace::TraceView& view;          ///< what the child recorded, and nothing else
  const dumpfile::MemorySource& memory;  ///< what RAM held
  const DumpAccount& account;
  const File& account_file;
  const RecoveredBytes& recovered;
  const std::vector<Promise>& promises;
  const SectorFinder* finder;  ///< nullptr: nothing is promised
  Sightings sightings;         ///< after each write; no rows when nobody looked
  std::span<const Rehearsal> rehearsals;
};

struct OracleAnswers {
  std::vector<OracleFinding> findings;
  std::vector<std::string> told;        ///< what was looked at and is good
  std::vector<std::string> not_judged;  ///< what was asked and cannot be answered
  bool ended_by_itself = true;          ///< false: something of a child that was asked may still run
};

/// Whether the scenario asks anything.
bool asks_oracles(const scenario::Scenario& scenario);

/// Fails when the host does.
Result<OracleAnswers> ask_oracles(const FinishedRun& run);

}  // namespace dumpsim::engine
