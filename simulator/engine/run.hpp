// SPDX-License-Identifier: Apache-2.0
// One scenario from start to verdict: lay out the machine and its disk, let a forked child live the machine's life,
// recover what the next boot would, judge. Whatever a filter does is in the report; an Error is a user's mistake (a
// missing image, a disk that is there already) or the host's failure, and then nothing was left behind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "scenario/scenario.hpp"
#include "trace/changed_bytes.hpp"
#include "trace/rules.hpp"

namespace dumpsim::engine {

struct Report;
struct Plan;

struct RunOptions {
  /// Folders in which an image without a slash is looked up, in order.
  std::vector<std::filesystem::path> filter_path;
  /// False runs everything in this process, for debuggers: a filter's crash is then this process's.
  bool sandbox = true;
  /// Loads ELF images though functions that they need are not simulated; calling one ends the run.
  bool trap_missing = false;
  /// False leaves the expectations alone: the report tells what happened, and nothing is a mistake in the scenario.
  bool judge = true;
  /// Lets outputs (a raw disk, a recovered dump) take the place of what is there.
  bool replace = false;
  /// Called in the parent while a long dump is written: bytes done, bytes expected.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
  /// Called once the findings are told and before they are judged: gives each its fingerprint, and says which of them
  /// were known before. Under verify.mdl_shape = "all" once a run, with the findings of the runs before it.
  std::function<void(Report&)> identify;
  /// Called with the disk as the run left it; what it fails with is the run's failure. Once, but under verify.mdl_shape
  /// = "all" once a run, last with the disk of the run that is told.
  std::function<Result<void>(disk::BlockDevice&, const Plan&)> with_disk;
};

/// All violations of one rule from one place in one filter's callback.
struct Finding {
  trace::Rule rule{};
  trace::Severity severity{};
  std::string filter;  ///< "dump_xor"; empty when not known
  trace::Callback callback{};
  std::uint64_t count = 0;
  // Of the first of them.
  std::string detail;
  std::uint64_t call = 0;     ///< which call of the callback, from 1; 0: not known, or in none
  std::uint64_t offset = 0;   ///< of that call's transfer, relative to the partition
  std::uint32_t length = 0;   ///< bytes of that transfer; 0: it had none
  trace::ChangedBytes bytes;  ///< empty when there is nothing to show
  /// Where in the image: the instruction, or (not exact) the one behind the call; 0 when not known.
  std::uint32_t site = 0;
  bool site_exact = false;
  std::string function;  ///< there; empty when not known
  std::string source;    ///< as the compiler was given it, see shown_source(); empty when not known
  std::uint32_t line = 0;
  std::string fingerprint;  ///< the same from run to run; empty unless `identify` gave it
  bool declared = false;    ///< the scenario expects it
  bool known = false;       ///< known before: it is told, and not judged
  /// Under which verify.mdl_shape = "all" met it, when it was in none of the runs from there on; empty: in this one.
  std::string mdl_shape;

  /// Whether the run is not as expected because of it.
  bool fails() const { return severity == trace::Severity::error && !declared && !known; }
};

/// "dump_xor in DumpWrite"; without the callback where none is meant.
std::string who(const Finding& finding);
/// The sentence in `mismatches` of a finding that fails.
std::string mismatch_of(const Finding& finding);

/// A sector of memory that lies readable on the disk.
struct ReadableSector {
  DiskOffset at;
  Pfn pfn = 0;
  std::uint32_t sector = 0;
};

/// What a bug check callback added to the dump.
struct SecondaryData {
  std::string filter;
  std::array<std::byte, 16> guid{};
  std::vector<std::byte> bytes;
};

struct DebugLine {
  std::string filter;
  std::string text;
};

/// What a driver asked for and is not there: a device, or a control code that its device does not know.
struct Asked {
  std::string driver;  ///< "dump_x"
  std::string device;
  bool opened = false;  ///< false: the device itself is missing, and what follows is not known
  std::uint32_t code = 0;
  std::uint64_t input = 0, output = 0;  ///< bytes
  std::int32_t status = 0;
};

/// The deepest that one callback went on the kernel's stack, of the calls that were measured.
struct StackUse {
  std::string filter;
  trace::Callback callback{};
  std::uint32_t bytes = 0;
};

/// What one driver had of memory, by tag.
struct MemoryUse {
  std::string filter;
  std::string tag;  ///< as its source spells it; "contiguous", "pages for an MDL"
  std::uint64_t allocations = 0, frees = 0;
  std::uint64_t most_bytes = 0;  ///< at once
};

struct Report {
  std::string title;
  std::filesystem::path file;
  scenario::Outcome outcome = scenario::Outcome::completed;
  std::string outcome_detail;  ///< who, where, why; empty when completed
  std::string evidence;        ///< registers, backtrace: what a trace must not hold; empty without a fault
  scenario::Recovered recovered = scenario::Recovered::not_tried;
  std::string recovered_detail;  ///< "16,384 pages, through the filters"; or what is different
  /// The dump file through the volume's drivers, beside DumpRead and memory; tried when the scenario expects something.
  scenario::Recovered volume_path = scenario::Recovered::not_tried;
  std::string volume_path_detail;                 ///< how many sectors; or the first that is different, and whose it is
  std::optional<std::uint64_t> readable_sectors;  ///< absent when memory is no canary or the disk keeps nothing
  std::vector<ReadableSector> readable_examples;  ///< the first few
  std::vector<Finding> findings;                  ///< worst first, then in the order they were met
  std::vector<std::string> disabled;              ///< "dump_xor"
  std::vector<std::string> policies;              ///< that the outcome rests on, with their evidence
  std::vector<DebugLine> debug_output;
  std::vector<Asked> asked;  ///< each once, in the order it was asked
  std::uint64_t writes = 0, write_bytes = 0;
  std::uint32_t write_least = 0, write_most = 0;
  std::uint64_t redirected = 0;
  std::vector<SecondaryData> secondary_data;         ///< in the order of the dump
  std::uint64_t pages_added = 0, pages_removed = 0;  ///< by bug check callbacks
  std::vector<StackUse> stack_use;                   ///< depends on compilers and options: evidence, like registers
  std::uint64_t kernel_stack = 0;                    ///< bytes there are
  std::vector<MemoryUse> memory_use;
  std::uint64_t virtual_time = 0;     ///< 100 ns units at the end
  std::vector<std::string> verified;  ///< what oracles looked at and found good, a line each
  /// Under which verify.mdl_shape = "all" met what is not as expected; empty when nothing is.
  std::string mdl_shape;
  /// What was expected and is not so, a sentence each; empty: as expected.
  std::vector<std::string> mismatches;
  Mapping trace;  ///< the recorder's block: untrusted bytes, read with trace::TraceView

  bool as_expected() const { return mismatches.empty(); }
};

/// A warm host: what is costly to set up and the same for every run is kept between runs.
Result<Report> run(const scenario::Scenario& scenario, const RunOptions& options);

/// A file or folder that a run leaves behind because the scenario asks for it.
struct Output {
  std::string_view key;  ///< of the scenario: "disk.path"
  std::filesystem::path path;
};
std::vector<Output> outputs_of(const scenario::Scenario& scenario);

/// The folders of --filter-path, of DUMPSIM_FILTER_PATH, and beside the program (../lib/dumpsim/filters, ../filters).
std::vector<std::filesystem::path> default_filter_path(const std::filesystem::path& program,
                                                       const std::vector<std::filesystem::path>& given);

/// Where an image is: with a slash relative to its scenario, without one on the filter path. Fails naming where it
/// looked.
Result<std::filesystem::path> find_image(const scenario::Service& service, const RunOptions& options);

}  // namespace dumpsim::engine
