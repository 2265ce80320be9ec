// SPDX-License-Identifier: Apache-2.0
// Which scenarios there are. A case expects nothing that only some filters do: the closed world of a scenario without
// [expect] is what it is held to, except where the neighbour's own failure has to be declared and where a filter turned
// out to do what is right and cannot be known beforehand.
#include "engine/battery.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "dumpfile/dump_layout.hpp"
#include "policy/policy.hpp"
#include "trace/reader.hpp"
#include "trace/utf8.hpp"
#include "wdk/ntstatus.h"

namespace dumpsim::engine {
namespace {

constexpr std::string_view hibernates = R"(["boot", "hibernate", "resume"])";

/// A scenario's lines, in the order in which a person would write them.
struct Draft {
  std::string timeline, sequence;
  std::string profile = "windows-11";
  std::string memory = "256 KiB";
  std::uint32_t sector = 512;
  std::string dump;    // of [dump]
  std::string policy;  // of [policy]
  std::string before;  // [[filter]] tables ahead of those that are tried
  std::string rules;
  std::vector<std::string> statuses, disabled;  // of [expect]
  std::string recovered;
  std::optional<std::uint64_t> readable_sectors;
  std::string tables;  // empty: the filters' own
  bool twice = false;
  bool may_stop = false;
};

/// A row of [expect] statuses.
std::string status_row(std::string_view filter, std::string_view callback, std::string_view status) {
  return fmt::format("{{ filter = \"{}\", callback = \"{}\", status = \"{}\" }}", filter, callback, status);
}

class Battery {
 public:
  Battery(const BatteryFilters& filters, bool reads, const Boundary* boundary)
      : filters_(filters), reads_(reads), boundary_(boundary) {}

  std::vector<BatteryCase> all() {
    loading();
    stacks();
    profiles();
    sizes();
    files();
    shapes();
    neighbours();
    boundaries();
    return std::move(cases_);
  }

 private:
  void add(std::string group, std::string name, const Draft& draft) {
    std::string text = fmt::format("# Made by dumpsim try.\ntitle = \"{}: {}\"\n", group, name);
    if (!draft.timeline.empty()) text += fmt::format("timeline = {}\n", draft.timeline);
    if (!draft.sequence.empty()) text += fmt::format("sequence = {}\n", draft.sequence);
    text += fmt::format("\n[system]\nprofile = \"{}\"\nmemory = {{ size = \"{}\" }}\n", draft.profile, draft.memory);
    text += fmt::format("\n[disk]\nsize = \"96 MiB\"\nsector_size = {}\n", draft.sector);
    if (!draft.dump.empty()) text += fmt::format("\n[dump]\n{}", draft.dump);
    const bool resumes = draft.timeline.find("resume") != std::string::npos && draft.profile != "windows-7";
    const std::string policy = draft.policy + (resumes && !reads_ ? "resume_reads = false\n" : "");
    if (!policy.empty()) text += fmt::format("\n[policy]\n{}", policy);
    if (!draft.rules.empty()) text += fmt::format("\n[rules]\n{}", draft.rules);
    if (!draft.before.empty()) text += "\n" + draft.before;
    const std::string& tables = draft.twice ? filters_.tables_twice : filters_.tables;
    text += "\n" + (draft.tables.empty() ? tables : draft.tables);
    cases_.push_back({.group = std::move(group),
                      .name = std::move(name),
                      .setup = std::move(text),
                      .outcome = {},
                      .statuses = draft.statuses,
                      .disabled = draft.disabled,
                      .recovered = draft.recovered,
                      .readable_sectors = draft.readable_sectors,
                      .may_stop = draft.may_stop});
  }

  void loading() {
    Draft draft;
    draft.sequence = R"(["load", "unload", "load", "unload"])";
    add("loading", "crash stack, loaded and unloaded twice, never started", draft);
    draft.sequence =
        R"([{ load = { stack = "hibernation" } }, { unload = { stack = "hibernation" } }, { load = { stack = "hibernation" } }, { unload = { stack = "hibernation" } }])";
    add("loading", "hibernation stack, loaded and unloaded twice, never started", draft);
    draft.sequence.clear();
    draft.timeline = R"(["boot", "disable-dumps", "enable-dumps", "crash", "next-boot"])";
    add("loading", "dumps switched off and on, then a crash", draft);
  }

  void stacks() {
    Draft draft;
    draft.memory = "1 MiB";
    add("stacks", "crash", draft);
    draft.timeline = hibernates;
    add("stacks", "hibernate and resume", draft);
    draft.timeline = R"(["boot", "hibernate", "resume", "hibernate", "resume", "crash", "next-boot"])";
    add("stacks", "hibernate twice, then crash", draft);
    draft.timeline = R"(["boot", "crash", "next-boot"])";
    draft.twice = true;
    add("stacks", "two instances at once", draft);
  }

  void profiles() {
    for (const policy::ProfileRow& row : policy::all_profiles()) {
      Draft draft;
      draft.profile = row.name;
      add("profiles", fmt::format("crash, {}", row.name), draft);
      draft.timeline = hibernates;
      add("profiles", fmt::format("hibernate, {}", row.name), draft);
    }
  }

  void sizes() {
    Draft draft;
    draft.sequence = R"(["load", "start", "open", "finish", "unload"])";
    add("sizes", "empty dump", draft);
    draft.sequence.clear();
    draft.dump = "kind = \"kernel\"\npages = { ranges = [{ first = 3, count = 1 }] }\n";
    add("sizes", "one page", draft);
    draft.dump = "kind = \"kernel\"\npages = { ranges = [{ first = 1, count = 3 }, { first = 9, count = 18 }] }\n";
    add("sizes", "ends that fill no write", draft);
    for (const unsigned pages : {1u, 16u, 17u, 256u}) {
      Draft sized;
      sized.memory = pages > 17 ? "2 MiB" : "256 KiB";
      sized.policy = fmt::format("max_pages_per_write = {}\n", pages);
      add("sizes", fmt::format("crash, MaxPagesPerWrite {}", pages), sized);
      sized.policy = fmt::format("hibernation_max_pages = {}\n", pages);
      sized.timeline = hibernates;
      add("sizes", fmt::format("hibernate, MaxPagesPerWrite {}", pages), sized);
    }
  }

  void files() {
    for (const unsigned fragments : {3u, 25u}) {
      Draft draft;
      draft.memory = "512 KiB";
      // Pieces of 40 KiB in no order, each with a write across its end, all in the first half of the volume.
      std::string extents;
      for (unsigned i = 0; i < fragments; ++i) {
        const std::uint64_t bytes = i + 1 == fragments ? std::uint64_t{1} << 20 : 40960;
        extents += fmt::format("{}{{ offset = {}, size = {} }}", i == 0 ? "" : ", ",
                               (std::uint64_t{4} + (i * 7) % fragments) << 20, bytes);
      }
      draft.dump = fmt::format("file = {{ extents = [{}] }}\n", extents);
      add("files", fmt::format("crash, {} fragments", fragments), draft);
    }
    for (const std::uint32_t sector : {512u, 4096u}) {
      Draft draft;
      draft.sector = sector;
      add("files", fmt::format("crash, sectors of {}", sector), draft);
      draft.timeline = hibernates;
      add("files", fmt::format("hibernate, sectors of {}", sector), draft);
    }
    // Wherever a product draws a line on the volume, it comes to lie in each sector of a write: the file begins one
    // sector further on each time.
    for (unsigned sectors = 0; sectors < 8; ++sectors) {
      Draft draft;
      draft.dump =
          fmt::format("file = {{ size = \"1 MiB\", offset = {} }}\n", (std::uint64_t{8} << 20) + sectors * 512);
      add("files", fmt::format("crash, {} sectors into a page", sectors), draft);
    }
  }

  void shapes() {
    for (const std::string_view shape : policy::row_of(policy::Policy::crash_mdl).words) {
      for (const std::string_view va : {"data", "page"}) {
        Draft draft;
        const std::string_view where = va == "data" ? "" : ", MappedSystemVa at the page";
        draft.may_stop = shape == "unmapped";
        draft.policy = fmt::format("crash_mdl = \"{}\"\nmapped_va = \"{}\"\n", shape, va);
        add("MDL shapes", fmt::format("crash, {}{}", shape, where), draft);
        draft.policy = fmt::format("hibernation_mdl = \"{}\"\nmapped_va = \"{}\"\n", shape, va);
        draft.timeline = hibernates;
        add("MDL shapes", fmt::format("hibernate, {}{}", shape, where), draft);
      }
    }
  }

  void neighbours() {
    struct Row {
      std::string_view callback;
      unsigned value;
      bool read;
    };
    constexpr std::array rows{Row{"DriverEntry", 1, false}, Row{"DumpStart", 2, false},  Row{"DumpWrite", 3, false},
                              Row{"DumpRead", 4, true},     Row{"DumpFinish", 5, false}, Row{"DumpUnload", 6, false}};
    for (const Row& row : rows) {
      for (const bool hibernate : {false, true}) {
        Draft draft;
        if (hibernate) draft.timeline = hibernates;
        draft.before = fmt::format("[[filter]]\nimage = \"failing\"\nparameters = {{ FailAt = {} }}\n", row.value);
        // That one's failure is what is asked for.
        draft.rules =
            "\"lifecycle.error-lets-plaintext-through\" = \"off\"\n\"lifecycle.failed-without-critical\" = \"off\"\n";
        // Unloaded is only what hibernates; reads are seen where a resume reads back.
        const bool called = row.value == 6 ? hibernate : !row.read || (hibernate && reads_);
        if (!called) continue;
        draft.statuses = {status_row("failing", row.callback, "STATUS_UNSUCCESSFUL")};
        if (row.value != 6) draft.disabled = {"failing"};
        add("neighbour fails", fmt::format("{}, {}", hibernate ? "hibernate" : "crash", row.callback), draft);
      }
    }
  }

  /// Three full writes of pages: protection ends in the one in the middle, so that the one before is protected as a
  /// whole and the one behind not at all.
  void boundaries() {
    if (boundary_ == nullptr) return;
    constexpr std::uint64_t file = std::uint64_t{8} << 20, file_bytes = std::uint64_t{1} << 20;
    constexpr std::uint64_t write = 16 * page_size, writes = 3;
    constexpr std::uint64_t pages = file + dumpfile::header_bytes + page_size;  // the bitmap has a page of its own
    for (const std::uint32_t sector : {512u, 4096u}) {
      const std::string_view sectors = sector == 512 ? "" : "sectors of 4096, ";
      const auto ends = [&](std::uint64_t end, const std::string& where) {
        constexpr std::uint64_t tagged = dumpfile::canary_sector;
        const std::uint64_t hidden = std::min(end - std::min(end, pages), write * writes);
        Draft draft;
        draft.sector = sector;
        draft.memory = fmt::format("{} KiB", write * writes >> 10);
        draft.dump = fmt::format("kind = \"complete\"\nformat = \"bitmap\"\nfile = {{ offset = {}, size = {} }}\n",
                                 file, file_bytes);
        draft.policy = fmt::format("max_pages_per_write = {}\n", write / page_size);
        draft.tables = boundary_->tables.up_to(end);
        if (boundary_->reads) draft.recovered = "identical";
        draft.readable_sectors = (write * writes - hidden) / tagged;
        add(std::string(boundary_group), fmt::format("crash, {}{}", sectors, where), draft);
      };
      ends(file, "in front of the file");
      for (std::uint64_t i = 0; i < write / sector; ++i)
        ends(pages + write + i * sector, fmt::format("at sector {} of a write", i));
      ends(file + file_bytes, "behind the file");
    }
  }

  const BatteryFilters& filters_;
  bool reads_;
  const Boundary* boundary_;
  std::vector<BatteryCase> cases_;
};

/// Makes a case expect what is right for a filter to do and known only now; whether it did any of it.
bool expect_what_is_right(BatteryCase& one, const Trial& trial) {
  bool any = false;
  if (one.may_stop && trial.outcome == scenario::Outcome::bugchecked) {
    one.outcome = "bugchecked";
    any = true;
  }
  for (const CalledOnce& call : trial.calls) {
    if (call.callback != trace::Callback::start || call.status != STATUS_FVE_NOT_ENCRYPTED) continue;
    std::string row = status_row(call.filter, "DumpStart", "STATUS_FVE_NOT_ENCRYPTED");
    if (std::ranges::find(one.statuses, row) != one.statuses.end()) continue;
    one.statuses.push_back(std::move(row));
    if (std::ranges::find(trial.disabled, call.filter) != trial.disabled.end()) one.disabled.push_back(call.filter);
    any = true;
  }
  return any;
}

/// Of what stands on the disk, and where. Zeros do not count: pages that were another case's are stored and cleared.
Result<std::uint64_t> digest_of(disk::BlockDevice& disk) {
  Digest digest;
  auto seen = disk.for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
    for (std::size_t done = 0; done < bytes.size(); done += page_size) {
      const std::span<const std::byte> page =
          bytes.subspan(done, std::min<std::size_t>(page_size, bytes.size() - done));
      if (std::ranges::all_of(page, [](std::byte byte) { return byte == std::byte{0}; })) continue;
      const std::uint64_t offset = at.bytes + done;
      digest.add(std::as_bytes(std::span(&offset, 1)));
      digest.add(page);
    }
    return true;
  });
  if (!seen) return seen.error();
  return digest.value();
}

Result<Trial> try_case(WarmHost& host, const BatteryCase& one, const RunOptions& options) {
  auto scenario = scenario::parse(one.text(), {});  // no file: a mistake in it is the images'
  if (!scenario) return scenario.error();
  Trial trial;
  RunOptions with_disk = options;
  with_disk.with_disk = [&trial](disk::BlockDevice& disk, const Plan&) -> Result<void> {
    auto digest = digest_of(disk);
    if (!digest) return digest.error();
    trial.disk_digest = *digest;
    return {};
  };
  auto report = host.run(*scenario, with_disk);
  if (!report) return report.error();
  trial.outcome = report->outcome;
  trial.outcome_detail = std::move(report->outcome_detail);
  trial.evidence = std::move(report->evidence);
  trial.recovered = report->recovered;
  trial.recovered_detail = std::move(report->recovered_detail);
  trial.readable_sectors = report->readable_sectors;
  for (const auto& run : scenario->system.memory.runs) trial.memory_sectors += run.pages * (page_size / 512);
  trial.findings = std::move(report->findings);
  trial.mismatches = std::move(report->mismatches);
  trial.disabled = std::move(report->disabled);
  trial.policies = std::move(report->policies);
  trial.stopped = one.may_stop && trial.outcome == scenario::Outcome::bugchecked;
  auto view = trace::TraceView::open(report->trace.bytes());
  if (!view) return view.error();
  for (const trace::CallRun& run : view->calls())
    trial.calls.push_back({view->image_name(run.image), run.callback, run.status, run.count});
  for (const trace::Event& event : *view) {
    if (event.record.kind != trace::Kind::registry_read) continue;
    std::string asked = trace::printable(event.text());
    if (std::ranges::find(trial.values_asked, asked) == trial.values_asked.end())
      trial.values_asked.push_back(std::move(asked));
  }
  return trial;
}

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return text;
}

/// Names of values that somebody looked for among the filters' parameters.
std::vector<std::string> parameters_asked(const Trial& trial, const std::vector<std::string>& filters) {
  std::vector<std::string> names;
  for (const std::string& asked : trial.values_asked) {
    for (const std::string& filter : filters) {
      const std::string key = in_lower_case(fmt::format("\\Services\\{}\\Parameters\\", filter));
      const std::size_t at = in_lower_case(asked).rfind(key);
      if (at == std::string::npos) continue;
      names.push_back(asked.substr(at + key.size()));
      break;
    }
  }
  return names;
}

Error nobody_reads(const scenario::BoundedTables& tables, const std::vector<std::string>& asked) {
  const std::vector<std::string_view> known(asked.begin(), asked.end());
  const std::string meant = did_you_mean(tables.parameter(), known);
  return Error{
      fmt::format("no filter read the value {} of its Services\\{}\\Parameters, so that it cannot say where "
                  "protection ends{}",
                  trace::printable(tables.parameter()), tables.names().size() == 1 ? tables.names()[0] : "NAME",
                  !meant.empty() ? meant
                                 : "; expected a name as a filter asks for it; one that fails before, for want "
                                   "of other parameters, gets them by --like")};
}

}  // namespace

std::string BatteryCase::text() const {
  std::string expect;
  if (!outcome.empty()) expect += fmt::format("outcome = \"{}\"\n", outcome);
  if (!statuses.empty()) expect += fmt::format("statuses = [{}]\n", fmt::join(statuses, ", "));
  if (!disabled.empty()) expect += fmt::format("disabled = [\"{}\"]\n", fmt::join(disabled, "\", \""));
  if (!recovered.empty()) expect += fmt::format("recovered = \"{}\"\n", recovered);
  if (readable_sectors) expect += fmt::format("readable_sectors_on_disk = {}\n", *readable_sectors);
  return expect.empty() ? setup : fmt::format("{}\n[expect]\n{}", setup, expect);
}

std::string BatteryCase::file_name() const {
  std::string file;
  for (const char c : group + " " + name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      file += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else if (!file.empty() && file.back() != '-') {
      file += '-';
    }
  }
  return file + ".toml";
}

Result<BatteryFilters> battery_filters(const std::vector<std::filesystem::path>& filters,
                                       const std::vector<std::filesystem::path>& drivers, std::string_view name) {
  return BatteryFilters{scenario::service_tables(filters, drivers, false, name),
                        scenario::service_tables(filters, drivers, true, name)};
}

Result<BatteryFilters> battery_filters(const std::filesystem::path& file) {
  auto once = scenario::service_tables_of(file, false);
  if (!once) return once.error();
  auto twice = scenario::service_tables_of(file, true);
  if (!twice) return twice.error();
  return BatteryFilters{std::move(*once), std::move(*twice)};
}

Result<BatteryFilters> battery_filters(const std::filesystem::path& file, const std::filesystem::path& image,
                                       const std::string& name) {
  auto once = scenario::service_tables_of(file, false, image, name);
  if (!once) return once.error();
  auto twice = scenario::service_tables_of(file, true, image, name);
  if (!twice) return twice.error();
  return BatteryFilters{std::move(*once), std::move(*twice)};
}

std::vector<BatteryCase> battery(const BatteryFilters& filters, bool reads, const Boundary* boundary) {
  return Battery(filters, reads, boundary).all();
}

Result<Boundary> find_boundary(const BatteryFilters& filters, std::string parameter, const RunOptions& options) {
  auto tables = scenario::BoundedTables::make(filters.tables, std::move(parameter));
  if (!tables) return tables.error();
  Boundary boundary{*std::move(tables), false};
  std::vector<BatteryCase> cases = battery(filters, false, &boundary);
  std::erase_if(cases, [](const BatteryCase& one) {
    return one.group != boundary_group || one.name != "crash, at sector 1 of a write";
  });
  auto trials = try_battery(cases, options, {});
  if (!trials) return trials.error();
  const Trial& trial = trials->front();
  const std::vector<std::string> asked = parameters_asked(trial, boundary.tables.names());
  const std::string name = in_lower_case(boundary.tables.parameter());
  if (std::ranges::none_of(asked, [&](const std::string& each) { return in_lower_case(each) == name; }))
    return nobody_reads(boundary.tables, asked);
  // Of the crash itself: its log is read before it is written.
  boundary.reads =
      std::ranges::any_of(trial.calls, [](const CalledOnce& call) { return call.callback == trace::Callback::read; });
  return boundary;
}

Result<bool> reads_back(const BatteryFilters& filters, const RunOptions& options) {
  std::vector<BatteryCase> cases = battery(filters, true);
  std::erase_if(cases, [](const BatteryCase& one) { return one.name != "hibernate and resume"; });
  auto trials = try_battery(cases, options, {});
  if (!trials) return trials.error();
  for (const Trial& trial : *trials) {
    for (const CalledOnce& call : trial.calls) {
      if (call.callback == trace::Callback::read) return true;
    }
  }
  return false;
}

Result<std::vector<Trial>> try_battery(std::vector<BatteryCase>& cases, const RunOptions& options,
                                       const std::function<void(std::size_t done)>& progress) {
  WarmHost host;
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto trial = try_case(host, cases[i], options);
    if (trial && expect_what_is_right(cases[i], *trial)) trial = try_case(host, cases[i], options);
    if (!trial) return trial.error();
    trial->which = i;
    trials.push_back(*std::move(trial));
    if (progress) progress(i + 1);
  }
  return trials;
}

}  // namespace dumpsim::engine
