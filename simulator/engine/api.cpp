// SPDX-License-Identifier: Apache-2.0
// The embedding API over the engine: options become a scenario, results become strings and numbers, errors become
// UsageError, so that include/dumpsim stays free of everything inside.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <utility>

#include "disk/backends.hpp"
#include "dumpsim/dumpsim.hpp"
#include "engine/life.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "engine/shared_block.hpp"
#include "engine/verdict.hpp"
#include "engine/warm_host.hpp"
#include "trace/event_table.hpp"
#include "trace/reader.hpp"
#include "trace/text.hpp"
#include "wdk/ntstatus.h"

namespace dumpsim::api {
namespace {

template <class T>
T or_throw(Result<T> result) {
  if (!result) throw UsageError(result.error().message);
  return std::move(*result);
}

void or_throw(const Result<void>& done) {
  if (!done) throw UsageError(done.error().message);
}

scenario::Fill fill_of(const std::string& word) {
  if (word == "canary") return scenario::Fill::canary;
  if (word == "zeros") return scenario::Fill::zeros;
  if (word == "random") return scenario::Fill::random;
  throw UsageError(fmt::format("fill \"{}\": expected \"canary\", \"zeros\" or \"random\"", word));
}

scenario::DumpKind kind_of(const std::string& word) {
  if (word == "complete") return scenario::DumpKind::complete;
  if (word == "kernel") return scenario::DumpKind::kernel;
  if (word == "automatic") return scenario::DumpKind::automatic;
  if (word == "active") return scenario::DumpKind::active;
  throw UsageError(
      fmt::format("dump_kind \"{}\": expected \"complete\", \"kernel\", \"automatic\" or \"active\"", word));
}

/// Simulated memory has one place in a process, so the process is what keeps it: whoever runs next finds it warm.
struct Warm {
  std::mutex one_at_a_time;
  engine::WarmHost host;
};
Warm& warm() {
  static Warm kept;
  return kept;
}

/// Taken for as long as a Stack is there: its memory has the place that any other machine's would need. Throws
/// UsageError while it is taken.
class OneStack {
 public:
  OneStack() {
    if (taken().exchange(true)) refuse();
  }
  ~OneStack() { taken() = false; }
  OneStack(const OneStack&) = delete;
  OneStack& operator=(const OneStack&) = delete;

  static void expect_none() {
    if (taken()) refuse();
  }

 private:
  static std::atomic<bool>& taken() {
    static std::atomic<bool> stack{false};
    return stack;
  }
  [[noreturn]] static void refuse() {
    throw UsageError("a Stack is loaded in this process: destroy it before load() or run()");
  }
};

std::vector<Violation> violations_of(const engine::Report& report) {
  std::vector<Violation> violations;
  for (const engine::Finding& finding : report.findings) {
    const trace::RuleRow& row = trace::row_of(finding.rule);
    violations.push_back({.rule = std::string(row.slug),
                          .severity = std::string(trace::name_of(finding.severity)),
                          .filter = finding.filter,
                          .detail = finding.detail,
                          .callback = std::string(trace::name_of(finding.callback)),
                          .count = finding.count,
                          .hint = std::string(row.hint)});
  }
  return violations;
}

std::vector<std::string> words_of(std::uint32_t changes) {
  std::vector<std::string> words;
  for (const trace::ChangeName& name : trace::all_changes()) {
    if ((changes & name.change) != 0) words.emplace_back(name.word);
  }
  return words;
}

}  // namespace

std::vector<std::byte> Disk::read(std::uint64_t disk_offset, std::size_t bytes) const {
  if (size_ == 0) throw UsageError("the disk was not kept: ask for it with Machine::keep_disk() before run()");
  if (disk_offset > size_ || bytes > size_ - disk_offset) {
    throw UsageError(fmt::format("{} bytes at disk offset {:#x}: the disk has {:#x}", bytes, disk_offset, size_));
  }
  std::vector<std::byte> content(bytes);
  auto range = written_.upper_bound(disk_offset);
  if (range != written_.begin()) --range;
  for (; range != written_.end() && range->first < disk_offset + bytes; ++range) {
    const std::uint64_t from = std::max(disk_offset, range->first);
    const std::uint64_t to = std::min(disk_offset + bytes, range->first + range->second.size());
    if (from >= to) continue;
    std::copy_n(range->second.begin() + static_cast<std::ptrdiff_t>(from - range->first), to - from,
                content.begin() + static_cast<std::ptrdiff_t>(from - disk_offset));
  }
  return content;
}

std::optional<std::uint64_t> Disk::find(std::span<const std::byte> bytes) const {
  if (size_ == 0) throw UsageError("the disk was not kept: ask for it with Machine::keep_disk() before run()");
  if (std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; })) {
    throw UsageError("looked for nothing but zeros, which lie wherever nothing was written");
  }
  const std::uint64_t around = bytes.size() - 1;
  const std::boyer_moore_horspool_searcher searcher(bytes.begin(), bytes.end());
  for (const auto& [start, content] : written_) {
    // What begins before a stretch or goes on behind it is found too.
    const std::uint64_t from = start - std::min(start, around);
    const std::vector<std::byte> window = read(from, std::min(size_ - from, start - from + content.size() + around));
    const auto found = std::search(window.begin(), window.end(), searcher);
    if (found != window.end()) return from + static_cast<std::uint64_t>(found - window.begin());
  }
  return std::nullopt;
}

struct Machine::State {
  scenario::Scenario scenario;  // without what follows from the rest, which may still change

  bool driver_last = false;
  bool keep_disk = false;

  scenario::Scenario complete() const {
    scenario::Scenario whole = scenario;
    scenario::fill_defaults(whole);
    return whole;
  }

  scenario::Filter& last_filter() {
    if (driver_last || scenario.filters.empty()) {
      throw UsageError("no filter was added last that this could belong to");
    }
    return scenario.filters.back();
  }
  scenario::Service& last() {
    if (driver_last) return scenario.drivers.back();
    if (scenario.filters.empty()) throw UsageError("no filter was added yet that this could belong to");
    return scenario.filters.back();
  }
};

Machine::Machine(MachineOptions options) : state_(std::make_unique<State>()) {
  scenario::Scenario& s = state_->scenario;
  const policy::Profile profile = or_throw(policy::parse_profile(options.profile));
  if (options.memory == 0 || options.memory % page_size != 0) {
    throw UsageError(fmt::format("memory is {} bytes; expected a multiple of {}", options.memory, page_size));
  }
  if (options.sector_size != 512 && options.sector_size != 4096) {
    throw UsageError(fmt::format("sector_size is {}; expected 512 or 4096 bytes", options.sector_size));
  }
  s.system.profile = profile;
  s.policies = policy::Policies(profile);
  s.system.memory.runs = {{0, options.memory / page_size}};
  s.system.memory.fill = fill_of(options.fill);
  s.system.memory.seed = options.seed;
  s.disk.sector_size = options.sector_size;
  s.disk.partitions = {{DiskOffset{options.partition_offset}, 0}};
  s.dump.kind = kind_of(options.dump_kind);
  s.dump.file.fragments = options.fragments;
  s.expect.any_violation = true;
}

namespace {

/// Before something is added that takes so many images. A scenario file is refused with the place; here there is none.
void check_room(const scenario::Scenario& scenario, std::size_t more) {
  if (2 * scenario.filters.size() + scenario.drivers.size() + more <= trace::max_images) return;
  throw UsageError(fmt::format("there is room for {} images, of which a filter takes two and a driver one",
                               std::size_t{trace::max_images}));
}

}  // namespace

Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;

Machine& Machine::add_filter(const std::string& image) {
  scenario::Filter filter;
  filter.image = image.find('/') == std::string::npos ? "./" + image : image;
  filter.name = std::filesystem::path(image).stem().string();
  // Two instances of one image are two services, as two entries of DumpFilters would have to be.
  const auto taken = [&](const std::string& name) {
    return std::any_of(state_->scenario.filters.begin(), state_->scenario.filters.end(),
                       [&](const auto& other) { return other.name == name; });
  };
  const std::string base = filter.name;
  for (int n = 2; taken(filter.name); ++n) filter.name = fmt::format("{}{}", base, n);
  or_throw(engine::find_image(filter, {}));
  check_room(state_->scenario, 2);
  state_->scenario.filters.push_back(std::move(filter));
  state_->driver_last = false;
  return *this;
}

Machine& Machine::add_driver(const std::string& image, const std::string& start, bool attach_to_volume) {
  scenario::Driver driver;
  driver.image = image.find('/') == std::string::npos ? "./" + image : image;
  driver.name = std::filesystem::path(image).stem().string();
  if (start != "boot" && start != "system") {
    throw UsageError(fmt::format("start \"{}\": expected \"boot\" or \"system\"", start));
  }
  driver.start = start == "boot" ? scenario::Driver::Start::boot : scenario::Driver::Start::system;
  driver.attach_to_volume = attach_to_volume;
  for (const scenario::Driver& other : state_->scenario.drivers) {
    if (other.name == driver.name) throw UsageError(fmt::format("driver {} was added already", driver.name));
  }
  or_throw(engine::find_image(driver, {}));
  check_room(state_->scenario, 1);
  state_->scenario.drivers.push_back(std::move(driver));
  state_->driver_last = true;
  return *this;
}

Machine& Machine::parameter(const std::string& name, std::uint32_t value) {
  state_->last().parameters[name] = scenario::RegistryValue::dword(value);
  return *this;
}

Machine& Machine::parameter(const std::string& name, const std::string& value) {
  state_->last().parameters[name] = scenario::RegistryValue::text(value);
  return *this;
}

Machine& Machine::parameter(const std::string& name, std::span<const std::byte> value) {
  state_->last().parameters[name] = scenario::RegistryValue::binary(value);
  return *this;
}

Machine& Machine::policy(const std::string& name, const std::string& value) {
  const auto policy = policy::find_policy_key(name);
  if (!policy) throw UsageError(fmt::format("unknown policy \"{}\"{}", name, policy::hint_for_policy_key(name)));
  state_->scenario.policies.set(*policy, or_throw(policy::parse_value(*policy, value)));
  return *this;
}

Machine& Machine::compare_volume_path() {
  state_->scenario.expect.volume_path = scenario::Recovered::identical;
  return *this;
}

Machine& Machine::severity(const std::string& rule, const std::string& severity) {
  require_rule(rule);
  for (const auto level :
       {trace::Severity::off, trace::Severity::information, trace::Severity::warning, trace::Severity::error}) {
    if (trace::name_of(level) != severity) continue;
    state_->scenario.severities[*trace::find_rule(rule)] = level;
    return *this;
  }
  throw UsageError(
      fmt::format("severity \"{}\": expected \"off\", \"information\", \"warning\" or \"error\"", severity));
}

Machine& Machine::timeline(const std::vector<std::string>& steps) {
  // What a scenario may say is what may be said here, and in the same words when it may not.
  std::string text = "timeline = [";
  for (const std::string& step : steps) text += fmt::format("'{}', ", step);
  text += "]\n";
  if (!state_->scenario.drivers.empty()) text += "[[driver]]\nimage = 'any'\n";
  state_->scenario.timeline = or_throw(scenario::parse(text, "timeline")).timeline;
  return *this;
}

Machine& Machine::keep_disk() {
  state_->keep_disk = true;
  return *this;
}

Machine& Machine::redirects() {
  state_->last_filter().redirects = true;
  return *this;
}

Run Machine::run() const {
  const std::lock_guard lock(warm().one_at_a_time);
  OneStack::expect_none();
  Run run;
  engine::RunOptions options{.judge = false};
  if (state_->keep_disk) {
    options.with_disk = [&](disk::BlockDevice& disk, const engine::Plan& plan) {
      run.disk.size_ = disk.size();
      run.disk.partition_offset_ = plan.partition_start.bytes;
      return disk.for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
        run.disk.written_.emplace(at.bytes, std::vector<std::byte>(bytes.begin(), bytes.end()));
        return true;
      });
    };
  }
  const engine::Report report = or_throw(warm().host.run(state_->complete(), options));
  const trace::TraceView view = or_throw(trace::TraceView::open(report.trace.bytes()));
  run.outcome = scenario::name_of(report.outcome);
  run.recovered = scenario::name_of(report.recovered);
  run.volume_path = scenario::name_of(report.volume_path);
  run.volume_path_detail = report.volume_path_detail;
  run.outcome_detail = report.outcome_detail;
  run.evidence = report.evidence;
  run.recovered_detail = report.recovered_detail;
  run.readable_sectors = report.readable_sectors.value_or(0);
  run.readable_sectors_counted = report.readable_sectors.has_value();
  for (const engine::ReadableSector& sector : report.readable_examples) {
    run.readable_examples.push_back(
        fmt::format("disk offset {:#x} holds sector {} of pfn {:#x}", sector.at.bytes, sector.sector, sector.pfn));
  }
  run.writes = report.writes;
  run.redirected = report.redirected;
  for (const trace::CallRun& call : view.calls()) {
    run.calls.push_back(
        {view.image_name(call.image), std::string(trace::name_of(call.callback)), call.status, call.count});
  }
  run.violations = violations_of(report);
  run.disabled = report.disabled;
  for (const engine::DebugLine& line : report.debug_output) run.debug_output.push_back(line.text);
  run.trace = trace::to_text(view);
  return run;
}

// Built up in this order, taken down in the reverse.
struct Stack::State {
  OneStack alone;
  scenario::Scenario scenario;
  engine::Plan plan;
  std::unique_ptr<machine::Machine> machine;
  std::unique_ptr<disk::BlockDevice> disk;
  std::unique_ptr<engine::SharedBlock> shared;
  Mapping trace;
  std::unique_ptr<trace::Recorder> recorder;
  std::unique_ptr<engine::Session> session;
  std::unique_ptr<stack::DumpStack> stack;

  stack::Environment& env() { return session->environment(); }

  /// Steps after a filter ended the run do nothing, like a machine that has stopped.
  bool over() { return stack == nullptr || stack->ended(); }

  /// A step of which a filter may be the end: what it came to is no success then.
  template <class Step>
  std::int32_t taken(const Step& step) {
    if (over()) return STATUS_UNSUCCESSFUL;
    const std::int32_t status = step();
    return over() ? STATUS_UNSUCCESSFUL : status;
  }

  /// What crashdmp asks of a stack: whole sectors [assumed], and no more than the filters were told [doc].
  void check_transfer(std::string_view what, std::uint64_t partition_offset, std::uint64_t bytes) const {
    const std::uint32_t sector = disk->sector_size();
    const std::uint64_t most = stack->max_pages() * page_size;
    if (bytes != 0 && bytes <= most && bytes % sector == 0 && partition_offset % sector == 0) return;
    throw UsageError(fmt::format(
        "a {} of {} bytes at partition offset {:#x}: expected whole sectors of {} bytes, at an offset of whole "
        "sectors, and at most {} bytes (MaxPagesPerWrite is {})",
        what, bytes, partition_offset, sector, most, stack->max_pages()));
  }

  /// What has been recorded so far.
  trace::TraceView view() const {
    recorder->settle();
    return or_throw(trace::TraceView::open(trace.bytes()));
  }

  engine::Report report() const {
    engine::Report report;
    engine::tell_trace(scenario, shared->totals(), view(), {}, report);
    return report;
  }
};

Stack Machine::load(const std::string& stack) const {
  if (stack != "crash" && stack != "hibernation") {
    throw UsageError(fmt::format("stack \"{}\": expected \"crash\" or \"hibernation\"", stack));
  }
  const bool hibernates = stack == "hibernation";
  auto state = std::make_unique<Stack::State>();
  state->scenario = state_->scenario;
  // A machine that hibernates has a file for it.
  if (hibernates) state->scenario.timeline = {scenario::TimelineStep::boot, scenario::TimelineStep::hibernate};
  scenario::fill_defaults(state->scenario);
  state->plan = or_throw(engine::plan(state->scenario));
  {
    const std::lock_guard lock(warm().one_at_a_time);
    warm().host.let_go_of_memory();
  }
  state->machine = std::make_unique<machine::Machine>(
      machine::Machine{.memory = or_throw(machine::PhysicalMemory::create(state->plan.ram, state->plan.source, {}))});
  state->disk = or_throw(
      disk::make_disk("memory", {.size = state->scenario.disk.size, .sector_size = state->scenario.disk.sector_size}));
  state->shared = std::make_unique<engine::SharedBlock>(or_throw(engine::SharedBlock::create()));
  state->trace =
      or_throw(Mapping::shared(std::max<std::uint64_t>(state->scenario.trace.limit, trace::Recorder::minimum_bytes())));
  trace::RecorderOptions options{.fold = false};
  for (const auto& [rule, severity] : state->scenario.severities) {
    options.severities[static_cast<std::size_t>(rule)] = severity;
  }
  state->recorder = std::make_unique<trace::Recorder>(state->trace.bytes(), &state->machine->clock.now, options);
  state->session =
      or_throw(engine::Session::create(state->scenario, state->plan, or_throw(engine::find_images(state->scenario, {})),
                                       *state->machine, *state->disk, *state->recorder, state->shared->texts()));
  or_throw(state->session->start_drivers(stack::DriverStart::boot));
  state->stack = std::make_unique<stack::DumpStack>(
      state->env(), hibernates ? stack::Usage::hibernation : stack::Usage::crash, state->session->filters());
  state->stack->set_file(hibernates ? &state->plan.hibernation_file : &state->plan.dump_file);
  state->stack->keep_port_data(true);
  if (!state->stack->ended()) or_throw(state->stack->load());
  if (!state->stack->ended()) or_throw(state->session->start_drivers(stack::DriverStart::system));
  return Stack(std::move(state));
}

Stack::Stack(std::unique_ptr<State> state) : state_(std::move(state)) {}
Stack::~Stack() = default;
Stack::Stack(Stack&&) noexcept = default;
Stack& Stack::operator=(Stack&&) noexcept = default;

std::int32_t Stack::entry_status(std::size_t index) const {
  return state_->stack->entry_status(index);
}

std::int32_t Stack::start() {
  return state_->taken([&] { return state_->stack->start(); });
}

Transfer Stack::write(std::uint64_t partition_offset, std::span<const std::byte> data, std::uint32_t byte_offset) {
  Transfer transfer{.status = STATUS_UNSUCCESSFUL, .port_status = STATUS_UNSUCCESSFUL, .offset = partition_offset};
  if (state_->over()) return transfer;
  state_->check_transfer("write", partition_offset, data.size());
  if (byte_offset >= page_size) {
    throw UsageError(fmt::format("a write with a byte offset of {}: expected an offset within a page, below {}",
                                 byte_offset, page_size));
  }
  const std::byte* shown = state_->machine->memory.show_bytes(data, byte_offset);
  const stack::TransferResult result = state_->stack->write(PartitionOffset{partition_offset}, {shown, data.size()});
  if (state_->over()) return transfer;
  transfer.reached = true;
  transfer.status = result.filter_status;
  transfer.port_status = result.port_status;
  transfer.offset = result.offset.bytes;
  transfer.data = state_->stack->port_data();
  transfer.source_untouched =
      std::memcmp(shown, data.data(), data.size()) == 0 && (result.changes & trace::change_buffer) == 0;
  transfer.changed = words_of(result.changes);
  return transfer;
}

Transfer Stack::read(std::uint64_t partition_offset, std::size_t bytes) {
  Transfer transfer{.status = STATUS_UNSUCCESSFUL, .port_status = STATUS_UNSUCCESSFUL, .offset = partition_offset};
  if (state_->over()) return transfer;
  state_->check_transfer("read", partition_offset, bytes);
  const std::uint64_t pages = (bytes + page_size - 1) / page_size;
  machine::PhysicalMemory& memory = state_->machine->memory;
  std::byte* into = memory.allocate_pages(pages, true);
  const stack::TransferResult result = state_->stack->read(PartitionOffset{partition_offset}, {into, bytes});
  if (!state_->over()) {
    // No filter is asked about what was not read.
    transfer.reached = result.port_status >= 0;
    transfer.status = transfer.reached ? result.filter_status : result.port_status;
    transfer.port_status = result.port_status;
    transfer.offset = result.offset.bytes;
    if (transfer.reached) transfer.data.assign(into, into + bytes);
    transfer.changed = words_of(result.changes);
  }
  memory.free_pages(into, pages, true);
  return transfer;
}

std::vector<std::byte> Stack::disk(std::uint64_t partition_offset, std::size_t bytes) const {
  std::vector<std::byte> content;
  const std::uint64_t on_partition = state_->plan.partition_size;
  const auto read = [&] {
    content.resize(bytes);
    return state_->disk->read(state_->plan.partition_start + partition_offset, content) == disk::IoStatus::ok;
  };
  if (bytes == 0 || partition_offset > on_partition || bytes > on_partition - partition_offset || !read()) {
    throw UsageError(fmt::format(
        "{} bytes of the disk at partition offset {:#x}: expected whole sectors of {} bytes on a partition of {:#x}",
        bytes, partition_offset, state_->disk->sector_size(), on_partition));
  }
  return content;
}

std::int32_t Stack::finish() {
  return state_->taken([&] { return state_->stack->finish(); });
}

void Stack::unload() {
  if (!state_->over()) state_->stack->unload();
}

std::string Stack::ended() const {
  switch (state_->shared->totals().ended) {
    case stack::Ended::no:
      return {};
    case stack::Ended::bugchecked:
      return "bugchecked";
    case stack::Ended::crashed:
      return "crashed";
    case stack::Ended::hung:
      return "hung";
  }
  return "crashed";
}

std::vector<Violation> Stack::violations() const {
  return violations_of(state_->report());
}

std::vector<std::string> Stack::debug_output() const {
  std::vector<std::string> lines;
  for (const engine::DebugLine& line : state_->report().debug_output) lines.push_back(line.text);
  return lines;
}

std::string Stack::trace() const {
  return trace::to_text(state_->view());
}

}  // namespace dumpsim::api
