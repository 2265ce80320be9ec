// SPDX-License-Identifier: Apache-2.0
#include "engine/life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/disk_medium.hpp"
#include "engine/fault_evidence.hpp"
#include "engine/file_seed.hpp"
#include "engine/registry_seed.hpp"
#include "kernel/drivers.hpp"
#include "kernel/kernel.hpp"
#include "kernel/scheduler.hpp"
#include "kernel/trap.hpp"
#include "machine/fault_trap.hpp"
#include "machine/gate.hpp"
#include "stack/dump_filters.hpp"
#include "stack/invoke.hpp"

namespace dumpsim::engine {
namespace {

using scenario::SequenceStep;
using scenario::TimelineStep;
using stack::DumpStack;
using stack::Usage;

std::string_view name_of(TimelineStep step) {
  switch (step) {
    case TimelineStep::boot:
      return "boot";
    case TimelineStep::disable_dumps:
      return "disable-dumps";
    case TimelineStep::enable_dumps:
      return "enable-dumps";
    case TimelineStep::hibernate:
      return "hibernate";
    case TimelineStep::resume:
      return "resume";
    case TimelineStep::crash:
      return "crash";
    case TimelineStep::next_boot:
      return "next-boot";
    case TimelineStep::stop_drivers:
      return "stop-drivers";
    case TimelineStep::shutdown:
      return "shutdown";
  }
  return "";
}

std::string_view name_of(SequenceStep::Action action) {
  switch (action) {
    case SequenceStep::Action::load:
      return "load";
    case SequenceStep::Action::start:
      return "start";
    case SequenceStep::Action::open:
      return "open";
    case SequenceStep::Action::write:
      return "write";
    case SequenceStep::Action::read:
      return "read";
    case SequenceStep::Action::finish:
      return "finish";
    case SequenceStep::Action::unload:
      return "unload";
    case SequenceStep::Action::power_cut:
      return "power-cut";
  }
  return "";
}

}  // namespace

namespace {

/// PO_CB_SYSTEM_STATE_LOCK [doc]: the second argument is 0 when the machine is about to leave the working state, 1 when
/// it is back.
constexpr std::uint64_t system_state_lock = 3;

kernel::SpecialPool special_pool(const policy::Policies& policies) {
  if (policies.is(policy::Policy::special_pool, "off")) return kernel::SpecialPool::off;
  return policies.is(policy::Policy::special_pool, "end") ? kernel::SpecialPool::end : kernel::SpecialPool::start;
}

kernel::RaisedFiles raised_files(const policy::Policies& policies) {
  if (policies.is(policy::Policy::raised_files, "work")) return kernel::RaisedFiles::work;
  return policies.is(policy::Policy::raised_files, "bugcheck") ? kernel::RaisedFiles::bugcheck
                                                               : kernel::RaisedFiles::fail;
}

}  // namespace

struct Session::State {
  State(const scenario::Scenario& s, const Plan& p, Images i, machine::Machine& m, disk::BlockDevice& d,
        trace::Recorder& r, SharedTexts& t, machine::GuestStack g)
      : scenario(s),
        plan(p),
        images(std::move(i)),
        machine(m),
        texts(t),
        medium(d, m.clock),
        guest_stack(std::move(g)),
        gate(guest_stack),
        recorder(r),
        pageable_stops(s.policies.is(policy::Policy::pageable_sections, "bugcheck")),
        paged_pool_stops(s.policies.is(policy::Policy::pageable_pool, "bugcheck")),
        environment{m,
                    gate,
                    recorder,
                    d,
                    s.policies,
                    t.totals,
                    {plan.partition_start, plan.partition_size, s.disk.sector_size},
                    s.system.memory.seed} {
    environment.driver_memory = s.dump.driver_memory;
    environment.tell_fault = [this](std::uint16_t image, trace::Callback callback) {
      const machine::FaultReport& fault = environment.trap->last();
      recorder.fault(image, callback, trace_kind(fault.kind), fault_words(fault, *kernel, environment.images));
      write_text(texts.evidence, fault_evidence(fault, *kernel, environment.images));
    };
    power_on();
  }

  Result<void> install_trap() {
    const policy::ProfileRow& profile = policy::row_of(scenario.system.profile);
    auto made = kernel::Traps::create(machine, {.major = profile.major,
                                                .minor = profile.minor,
                                                .build = profile.build,
                                                .processors = machine.processors,
                                                .physical_pages = ram_pages()});
    if (!made) return made.error();
    traps = std::move(*made);
    auto installed = machine::FaultTrap::install(
        gate, {.context = this, .on_write_fault = open_page, .on_host_access = page_in, .resolve = resolve},
        std::chrono::seconds(scenario.limits.cpu_seconds));
    if (!installed) return installed.error();
    trap = std::move(*installed);
    environment.trap = trap.get();
    traps->attach(*trap);
    kernel->tell_whereabouts(environment.totals, *trap);  // the first boot's, which was before
    return {};
  }

  /// In the signal handler: a write into memory that is shown read-only is reported, and then happens, as it does on
  /// Windows.
  static bool open_page(void* context, const void* address, const machine::FaultReport& report) {
    State& state = *static_cast<State*>(context);
    Pfn pfn = 0;
    if (!state.machine.memory.open_for_write(address, pfn)) return false;
    char where[96];
    const std::size_t length = state.kernel->words(address, where, kernel::Words::canonical);
    char text[160];
    const int n = std::snprintf(text, sizeof text, "wrote to %.*s, the memory that is being dumped",
                                static_cast<int>(length), where);
    const std::uint64_t sites = state.recorder.sites();
    state.recorder.violation(state.kernel->image(), state.kernel->callback(), trace::Rule::write_buffer_modified,
                             std::string_view(text, static_cast<std::size_t>(n)),
                             state.kernel->site_of_fault(state.kernel->image(), report));
    if (stack::OpenedPage& kept = state.environment.opened; kept.at == nullptr && state.recorder.sites() != sites) {
      kept.site = sites;
      kept.at = reinterpret_cast<const std::byte*>(reinterpret_cast<std::uintptr_t>(address) & ~(page_size - 1));
      std::memcpy(kept.before.data(), kept.at, page_size);
    }
    return true;
  }

  static bool resolve(void* context, machine::FaultReport& report, void* ucontext) {
    State& state = *static_cast<State*>(context);
    if (state.report_pageable(report)) return true;
    if (state.kernel->report_pool_fault(report)) state.environment.totals.rest_on(policy::Policy::special_pool);
    if (report.kind == machine::FaultKind::stack_overflow) state.report_stack(report);
    return state.traps->resolve(report, ucontext);
  }

  /// In the signal handler: into the guard below the stack.
  void report_stack(const machine::FaultReport& report) {
    environment.totals.rest_on(policy::Policy::kernel_stack);
    char text[96];
    const int n =
        std::snprintf(text, sizeof text, "more than the %llu bytes of stack that a kernel thread has",
                      static_cast<unsigned long long>(scenario.policies.number(policy::Policy::kernel_stack)));
    const kernel::ImageRange* by = kernel->image_at(reinterpret_cast<const void*>(report.registers.rip));
    const std::uint16_t image = by != nullptr ? by->id : kernel->image();
    recorder.violation(image, kernel->callback(), trace::Rule::stack_overflow,
                       std::string_view(text, static_cast<std::size_t>(n)), kernel->site_of_fault(image, report));
  }

  /// What the host does with a driver's section (the port writes from it, say) is no driver's fault.
  static bool page_in(void* context, const void* address) {
    machine::DriverSections& sections = static_cast<State*>(context)->machine.sections;
    machine::DriverSections::Row* row = sections.at(address);
    if (row == nullptr || !row->paged_out) return false;
    sections.page_in(*row);
    return true;
  }

  /// In the signal handler: what could have been paged out is in memory after all, unless the policy says that it is
  /// not.
  bool report_pageable(const machine::FaultReport& report) {
    if (report.kind != machine::FaultKind::access || !report.address_known) return false;
    machine::DriverSections::Row* row = machine.sections.at(reinterpret_cast<const void*>(report.address));
    if (row == nullptr || !row->paged_out) return false;
    environment.totals.rest_on(row->pool ? policy::Policy::pageable_pool : policy::Policy::pageable_sections);
    char text[128];
    const int n =
        std::snprintf(text, sizeof text, "%s %s %.32s at IRQL %u",
                      report.access == machine::FaultAccess::write     ? "wrote to"
                      : report.access == machine::FaultAccess::execute ? "ran"
                                                                       : "read",
                      row->pool ? "paged" : "its pageable section", row->section.name.c_str(), machine.processor.irql);
    // Pool may be touched by another driver than its owner, or by the kernel on a driver's behalf.
    const kernel::ImageRange* by = kernel->image_at(reinterpret_cast<const void*>(report.registers.rip));
    const std::uint16_t image = !row->pool ? row->image : by != nullptr ? by->id : kernel->image();
    recorder.violation(image, kernel->callback(),
                       row->pool ? trace::Rule::irql_pageable_pool : trace::Rule::irql_pageable_code,
                       std::string_view(text, std::min(static_cast<std::size_t>(n), sizeof text - 1)),
                       kernel->site_of_fault(image, report));
    if (row->pool ? paged_pool_stops : pageable_stops) return false;
    machine.sections.page_in(*row);
    return true;
  }

  std::uint32_t ram_pages() const {
    std::uint64_t pages = 0;
    for (const dumpfile::PageRun& run : machine.memory.ram()) pages += run.pages;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(pages, UINT32_MAX));
  }

  /// A kernel with nothing in it: what a boot starts from. Registry and files are what the boot before left, all of it:
  /// what was written is on the disk before the machine crashes [assumed: the lazy writer had its time].
  void power_on() {
    std::optional<kernel::Registry> registry;
    std::optional<kernel::FileTree> files;
    if (kernel) {
      registry = std::move(kernel->registry());
      files = std::move(kernel->files());
    }
    kernel.reset();
    const policy::ProfileRow& profile = policy::row_of(scenario.system.profile);
    kernel = std::make_unique<kernel::Kernel>(
        machine, recorder, gate,
        kernel::Config{.major = profile.major,
                       .minor = profile.minor,
                       .build = profile.build,
                       .memory_limit = scenario.limits.memory,
                       .special_pool = special_pool(scenario.policies),
                       .special_pool_policy = static_cast<std::uint64_t>(policy::Policy::special_pool),
                       .tags = environment.totals.tags,
                       .bad_free_stops = scenario.policies.is(policy::Policy::pool_caller, "bugcheck"),
                       .raised_files = raised_files(scenario.policies),
                       .uefi = scenario.disk.style == scenario::PartitionStyle::gpt});
    kernel->create_volume(volume_facts(scenario, plan), &medium);
    if (registry) {
      kernel->registry() = std::move(*registry);
      kernel->registry().restart();
      kernel->files() = std::move(*files);
      kernel->files().restart();
    } else {
      seed_registry(kernel->registry(), scenario, plan.registry);
      seed_files(kernel->files(), plan.files);
    }
    kernel->set_volume_number(std::max<std::uint32_t>(plan.table.partitions[scenario.disk.dump_partition].number, 1));
    environment.kernel = kernel.get();
    for (const kernel::ScriptedDevice& device : images.devices) kernel::create_scripted_device(*kernel, device);
    if (trap) kernel->tell_whereabouts(environment.totals, *trap);
    drivers = std::make_unique<stack::MainDrivers>(environment, images.drivers,
                                                   static_cast<std::uint16_t>(2 * images.filters.size()));
    boot_drivers_started = system_drivers_started = false;
  }

  /// Between two steps: what drivers have started goes on for as long as the policy says.
  void idle() {
    constexpr std::uint64_t per_millisecond = 10000;
    if (ended()) return;
    const std::uint64_t before = machine.clock.now;
    stack::let_others_run(environment, scenario.policies.number(policy::Policy::idle_time) * per_millisecond);
    if (machine.clock.now != before) environment.totals.rest_on(policy::Policy::idle_time);
  }

  /// Once a boot each, whatever loads a dump stack how often.
  Result<void> start_drivers(stack::DriverStart which) {
    bool& started = which == stack::DriverStart::boot ? boot_drivers_started : system_drivers_started;
    if (std::exchange(started, true) || ended()) return {};
    return drivers->start(which);
  }

  /// Power goes: what was loaded is gone without DumpUnload. The images stay mapped until the process ends, since
  /// taking them away would run their destructors, which no crash does.
  void power_off() {
    kernel->pool().check();
    for (auto* held : {&crash, &hibernation}) {
      if (*held) gone.push_back(std::move(*held));
    }
    drivers_gone.push_back(std::move(drivers));
    environment.images.clear();
    machine.sections.clear();
  }

  bool ended() const { return environment.totals.ended != stack::Ended::no; }

  Result<void> load(std::unique_ptr<DumpStack>& into, Usage usage) {
    into = std::make_unique<DumpStack>(environment, usage, stack::listed_filters(kernel->registry(), images.filters));
    auto status = into->load();
    if (!status) return status.error();
    if (*status < 0 && !ended()) {
      environment.totals.stack_not_loaded = 1;
      into.reset();
    }
    return {};
  }

  /// The crash of the timeline, to the reboot.
  void die() {
    dying = true;
    stack::BugcheckCalls calls(environment, {scenario.dump.bugcheck.code, scenario.dump.bugcheck.parameters});
    if (crash) {
      stack::write_crash_dump(environment, *crash, *plan.layout,
                              {&plan.dump_file, plan.log_file.empty() ? nullptr : &plan.log_file}, calls);
    }
    if (!ended()) calls.bugcheck_callbacks();
    if (ended()) return;
    dying = false;
    recorder.reboot();
  }

  /// A callback object of the system is notified; a routine may end the machine in it.
  void notify(std::u16string_view name, std::uint64_t first, std::uint64_t second) {
    if (ended()) return;
    kernel->notify_callback(name, first, second);
    stack::ended_in_driver(environment);
  }

  Result<void> take(TimelineStep step);
  Result<void> take(const SequenceStep& step);
  void hibernate();
  void write_step(DumpStack& stack, const SequenceStep& step);
  void read_step(DumpStack& stack, const SequenceStep& step);

  const scenario::Scenario& scenario;
  const Plan& plan;
  Images images;
  machine::Machine& machine;
  SharedTexts& texts;
  DiskMedium medium;
  machine::GuestStack guest_stack;
  machine::Gate gate;
  trace::Recorder& recorder;
  const bool pageable_stops;
  const bool paged_pool_stops;
  std::unique_ptr<kernel::Kernel> kernel;
  stack::Environment environment;
  std::unique_ptr<kernel::Traps> traps;
  std::unique_ptr<machine::FaultTrap> trap;
  std::unique_ptr<stack::MainDrivers> drivers;
  bool boot_drivers_started = false, system_drivers_started = false;
  std::vector<std::unique_ptr<stack::MainDrivers>> drivers_gone;
  std::vector<std::unique_ptr<DumpStack>> gone;
  std::unique_ptr<DumpStack> crash;
  std::unique_ptr<DumpStack> hibernation;
  const std::function<void()>* crash_over = nullptr;  // at the last crash, if anybody wants to know
  bool last_step = false;                             // of what happens in this machine
  bool off = false;                                   // for good: no step that needs it on will come
  bool dying = false;  // the machine crashes already: what stops it now stops it for good
};

Result<std::unique_ptr<Session>> Session::create(const scenario::Scenario& scenario, const Plan& plan, Images images,
                                                 machine::Machine& machine, disk::BlockDevice& disk,
                                                 trace::Recorder& recorder, SharedTexts& shared) {
  auto guest_stack = machine::GuestStack::create(scenario.policies.number(policy::Policy::kernel_stack));
  if (!guest_stack) return guest_stack.error();
  auto state = std::make_unique<State>(scenario, plan, std::move(images), machine, disk, recorder, shared,
                                       std::move(*guest_stack));
  if (auto installed = state->install_trap(); !installed) return installed.error();
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

Result<void> Session::boot() {
  return state_->take(TimelineStep::boot);
}

Result<void> Session::start_drivers(stack::DriverStart which) {
  return state_->start_drivers(which);
}
stack::Environment& Session::environment() {
  return state_->environment;
}
trace::Recorder& Session::recorder() {
  return state_->recorder;
}
const Plan& Session::plan() const {
  return state_->plan;
}
std::vector<stack::FilterSpec> Session::filters() const {
  return stack::listed_filters(state_->kernel->registry(), state_->images.filters);
}

Result<void> Session::State::take(TimelineStep step) {
  recorder.timeline_step(name_of(step));
  kernel::Scheduler& scheduler = kernel->scheduler();
  switch (step) {
    case TimelineStep::boot:
      scheduler.freeze(false);
      if (auto started = start_drivers(stack::DriverStart::boot); !started) return started;
      if (!ended() && scenario.dump.kind != scenario::DumpKind::none) {
        if (auto loaded = load(crash, Usage::crash); !loaded) return loaded;
      }
      if (auto started = start_drivers(stack::DriverStart::system); !started) return started;
      notify(u"\\Callback\\Phase1InitComplete", 0, 0);
      return {};
    case TimelineStep::enable_dumps:
      scheduler.freeze(false);
      if (crash || scenario.dump.kind == scenario::DumpKind::none) return {};
      return load(crash, Usage::crash);
    case TimelineStep::disable_dumps:
      if (crash) crash->unload();
      crash.reset();
      return {};
    case TimelineStep::hibernate:
      notify(u"\\Callback\\PowerState", system_state_lock, 0);
      if (ended()) return {};
      if (auto loaded = load(hibernation, Usage::hibernation); !loaded) return loaded;
      if (hibernation && !ended()) hibernate();
      return {};
    case TimelineStep::resume:
      scheduler.freeze(false);
      if (!hibernation) return {};
      stack::send_power(environment, kernel::PowerRequest::resume);
      if (ended()) return {};
      scheduler.freeze(true);
      if (scenario.policies.is(policy::Policy::resume_reads, "yes")) {
        stack::read_hibernation(environment, *hibernation, plan.hibernation_file, plan.hibernated);
        // That they give back what lies on the disk is wrong only if they are what reads it.
        if (environment.totals.resumed_different != 0) environment.totals.rest_on(policy::Policy::resume_reads);
      }
      scheduler.freeze(false);
      if (!ended()) hibernation->unload();
      if (!ended()) hibernation.reset();
      notify(u"\\Callback\\PowerState", system_state_lock, 1);
      return {};
    case TimelineStep::crash:
      scheduler.freeze(true);
      recorder.crash_started(scenario.dump.bugcheck.code, scenario.dump.bugcheck.parameters);
      die();
      if (ended()) return {};
      if (crash_over != nullptr) (*crash_over)();
      power_off();
      off = last_step;
      if (!off) {
        power_on();
        return {};
      }
      // What the next boot finds is all that anybody will look at.
      kernel->registry().restart();
      kernel->files().restart();
      return {};
    case TimelineStep::next_boot:
      return {};  // the parent's: recovery goes past the dump stack
    case TimelineStep::stop_drivers:
      drivers->stop();
      return {};
    case TimelineStep::shutdown:
      if (!kernel::shut_down_devices(*kernel)) {
        stack::ended_in_driver(environment);
        return {};
      }
      power_off();
      power_on();
      return {};
  }
  return {};
}

// The stack is there before devices are asked for their power [seen: Windows 7's PopAllocateHiberContext]; that the
// question and the order both come between is [assumed].
void Session::State::hibernate() {
  const std::int32_t allowed = stack::send_power(environment, kernel::PowerRequest::may_hibernate);
  if (ended()) return;
  if (allowed < 0) {
    environment.totals.power_refused = 1;
    environment.totals.stage_status = allowed;
    environment.totals.stage_image = kernel->last_completed_by();
    hibernation->unload();
    if (!ended()) hibernation.reset();
    return;
  }
  stack::send_power(environment, kernel::PowerRequest::hibernate);
  if (ended()) return;
  kernel->scheduler().freeze(true);
  stack::write_hibernation(environment, *hibernation, plan.hibernation_file, plan.hibernated);
}

void Session::State::write_step(DumpStack& stack, const SequenceStep& step) {
  stack::FileWriter writer(environment, stack, step.hibernation ? plan.hibernation_file : plan.dump_file);
  if (step.file_offset) {
    writer.write_ram(*step.file_offset, step.first, step.pages);
  } else {
    writer.write_ram_at_partition(step.offset, step.first, step.pages);
  }
}

void Session::State::read_step(DumpStack& stack, const SequenceStep& step) {
  stack::FileReader reader(environment, stack, step.hibernation ? plan.hibernation_file : plan.dump_file);
  std::vector<std::byte> into(step.pages * page_size);
  if (step.file_offset) {
    reader.read(*step.file_offset, into);
  } else {
    reader.read_at_partition(step.offset, into);
  }
}

Result<void> Session::State::take(const SequenceStep& step) {
  recorder.timeline_step(name_of(step.action));
  std::unique_ptr<DumpStack>& held = step.hibernation ? hibernation : crash;
  // From its start to its end a dump has the machine for itself.
  kernel->scheduler().freeze(step.action != SequenceStep::Action::load && step.action != SequenceStep::Action::unload);
  if (step.action == SequenceStep::Action::load) {
    if (held) gone.push_back(std::move(held));
    if (auto started = start_drivers(stack::DriverStart::boot); !started || ended()) return started;
    if (auto loaded = load(held, step.hibernation ? Usage::hibernation : Usage::crash); !loaded) return loaded;
    return start_drivers(stack::DriverStart::system);
  }
  if (step.action == SequenceStep::Action::power_cut) {
    recorder.power_cut();
    power_off();
    power_on();
    return {};
  }
  if (!held) {
    recorder.section("no stack is loaded: nothing to call");
    return {};
  }
  switch (step.action) {
    case SequenceStep::Action::start:
      held->start_filters();
      break;
    case SequenceStep::Action::open:
      held->open_port();
      break;
    case SequenceStep::Action::write:
      write_step(*held, step);
      break;
    case SequenceStep::Action::read:
      read_step(*held, step);
      break;
    case SequenceStep::Action::finish:
      held->finish();
      break;
    case SequenceStep::Action::unload:
      held->unload();
      if (!ended()) held.reset();
      break;
    case SequenceStep::Action::load:
    case SequenceStep::Action::power_cut:
      break;
  }
  return {};
}

const kernel::FileTree& Session::files() const {
  return state_->kernel->files();
}

std::string Session::unmet_expectations() const {
  return unmet_in_registry(state_->kernel->registry(), state_->scenario.expect.registry) +
         unmet_in_files(state_->kernel->files(), state_->plan.expected_files);
}

Result<void> Session::live(const std::function<void()>& crash_over) {
  State& s = *state_;
  const std::vector<TimelineStep>& timeline = s.scenario.timeline;
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    if (s.ended()) break;
    // Of what is left only the parent's part may be the next boot's.
    const auto rest = timeline.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    const bool last = s.scenario.sequence.empty() &&
                      std::all_of(rest, timeline.end(), [](auto step) { return step == TimelineStep::next_boot; });
    s.crash_over = last && crash_over ? &crash_over : nullptr;
    s.last_step = last;
    if (auto taken = s.take(timeline[i]); !taken) return taken;
    if (!s.off) s.idle();
  }
  for (const SequenceStep& step : s.scenario.sequence) {
    if (s.ended()) break;
    if (auto taken = s.take(step); !taken) return taken;
    s.idle();
  }
  // A driver that stops the machine outside of a crash crashes it: no dump is written here, but whoever asked to be
  // called is.
  if (s.ended() && !s.dying) stack::call_bugcheck_callbacks_after_stop(s.environment);
  if (!s.off) s.kernel->pool().check();
  return {};
}

}  // namespace dumpsim::engine
