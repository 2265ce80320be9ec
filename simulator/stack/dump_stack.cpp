// SPDX-License-Identifier: Apache-2.0
#include "stack/dump_stack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>

#include "kernel/kernel.hpp"
#include "machine/peek.hpp"
#include "stack/dump_port.hpp"
#include "stack/export_table.hpp"
#include "stack/invoke.hpp"
#include "stack/main_drivers.hpp"
#include "stack/transfer_mdl.hpp"
#include "verifier/transfer_watch.hpp"
#include "wdk/ntdddump.h"
#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using trace::Callback;
using trace::Kind;
using trace::Rule;

// crashdmp's own stage codes, as it logs them when a step fails [seen: RE7].
enum Stage : std::uint32_t {
  stage_allocate = 0x2001,
  stage_open_volume = 0x2002,
  stage_query_port = 0x2003,
  stage_load_port = 0x2004,
  stage_load_filters = 0x2005,
  stage_initialize_filters = 0x2006,
  stage_usage_notification = 0x2007,
};

// DEVICE_USAGE_NOTIFICATION_TYPE [doc].
constexpr std::uint64_t usage_hibernation = 2;
constexpr std::uint64_t usage_dump_file = 3;

TransferMdl::Shape shape_of(const policy::Policies& policies, Policy policy) {
  return static_cast<TransferMdl::Shape>(policies.number(policy));  // its words are in the order of the shapes
}

template <class T>
std::uint64_t argument(T* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

}  // namespace

struct DumpStack::State {
  State(Environment& environment, Usage stack_usage, std::span<const FilterSpec> filter_specs)
      : env(environment),
        usage(stack_usage),
        specs(filter_specs.begin(), filter_specs.end()),
        max_pages(environment.policies.number(usage == Usage::crash ? Policy::max_pages_per_write
                                                                    : Policy::hibernation_max_pages)),
        transfer(environment.machine.memory, max_pages,
                 shape_of(environment.policies, usage == Usage::crash ? Policy::crash_mdl : Policy::hibernation_mdl),
                 environment.policies.is(Policy::mapped_va, "page")),
        watch(max_pages + 1),
        port(environment, max_pages + 1),
        mdl_id(usage == Usage::crash ? 1 : 2),
        disable_on_failure(environment.policies.is(Policy::filter_failure, "disable")),
        reads_reversed(environment.policies.is(Policy::read_order, "reverse")) {}

  bool ended() const { return env.totals.ended != Ended::no; }

  Result<std::int32_t> load_filters();
  std::int32_t initialize(FilterInstance& filter);
  /// What DriverEntry left in the two structures.
  void judge_entry(FilterInstance& filter, std::int32_t status);
  /// That a later callback left the initialisation data alone.
  void judge_structures(FilterInstance& filter, Callback callback) {
    if (filter.differs_since_entry()) [[unlikely]]
      tell_structures(filter, callback);
  }
  void tell_structures(FilterInstance& filter, Callback callback);
  /// The buffer that an MDL was pointed at.
  void judge_buffer(const FilterInstance& filter);
  void judge_offset(const FilterInstance& filter);
  void fill_structures(FilterInstance& filter);
  /// Sends the notification down the volume's stack; its status. The run may have ended in it.
  std::int32_t notify_usage(bool entering);
  /// Takes the images out, as after DumpUnload or a failed load.
  void drop_filters();
  void disable(FilterInstance& filter, Callback callback, std::int32_t status);
  /// Calls a callback without a transfer on every filter that is not disabled; the last status.
  std::int32_t call_each(Callback callback, std::uint8_t irql);
  /// False when there was nobody to call, or it did not return. Not an optional: one that is returned is written in two
  /// pieces and read as one, 5 ns.
  template <Callback callback>
  [[gnu::always_inline]] bool call_transfer(FilterInstance& filter, std::int32_t& status, std::uint32_t& changes);
  void judge_write(const FilterInstance& filter, std::uint32_t changes, std::uint32_t length);
  void judge_read(const FilterInstance& filter, std::uint32_t changes);
  /// Where a write's bytes lie as its MDL says it now; where they lay before, when it is not mapped.
  const std::byte* data_now(const std::byte* before) const;
  /// With the findings of this write from number `from` on: what the filter was given, and what it hands on.
  void show_data(const FilterInstance& filter, std::uint64_t from, const std::byte* given);
  void note_plaintext(const FilterInstance& filter, Callback callback, std::int32_t status);

  Environment& env;
  Usage usage;
  std::vector<FilterSpec> specs;
  std::vector<std::unique_ptr<FilterInstance>> filters;
  std::vector<std::int32_t> entry_statuses;
  std::uint64_t max_pages;
  TransferMdl transfer;
  verifier::TransferWatch watch;
  DumpPort port;
  std::uint64_t mdl_id;
  bool disable_on_failure;
  bool reads_reversed;
  bool loaded = false;
  bool finished = false;  // DumpFinish has been called since the last DumpStart
  const disk::ExtentMap* file = nullptr;
};

DumpStack::DumpStack(Environment& env, Usage usage, std::span<const FilterSpec> filters)
    : state_(std::make_unique<State>(env, usage, filters)) {}
DumpStack::~DumpStack() = default;

Usage DumpStack::usage() const {
  return state_->usage;
}
std::uint64_t DumpStack::max_pages() const {
  return state_->transfer.most_pages(state_->max_pages);
}
bool DumpStack::loaded() const {
  return state_->loaded;
}
bool DumpStack::ended() const {
  return state_->ended();
}
void DumpStack::set_file(const disk::ExtentMap* extents) {
  state_->file = extents;
}
std::size_t DumpStack::filter_count() const {
  return state_->filters.size();
}
void DumpStack::keep_port_data(bool keep) {
  state_->port.keep_data(keep);
}
const std::vector<std::byte>& DumpStack::port_data() const {
  return state_->port.kept();
}

std::int32_t DumpStack::entry_status(std::size_t filter) const {
  return filter < state_->entry_statuses.size() ? state_->entry_statuses[filter] : STATUS_NOT_FOUND;
}

bool DumpStack::reads_through_filters() const {
  return std::any_of(state_->filters.begin(), state_->filters.end(),
                     [](const auto& filter) { return filter->reads() && !filter->disabled(); });
}

void DumpStack::State::fill_structures(FilterInstance& filter) {
  FILTER_INITIALIZATION_DATA& init = *filter.init();
  init.MajorVersion = static_cast<ULONG>(env.policies.number(Policy::init_version));
  init.MinorVersion = DUMP_FILTER_MINOR_VERSION;
  init.MaxPagesPerWrite = static_cast<ULONG>(max_pages);
  init.Flags = static_cast<ULONG>(env.policies.number(Policy::init_flags));
  FILTER_EXTENSION& extension = *filter.extension();
  extension.DumpType = usage == Usage::crash ? DumpTypeCrashdump : DumpTypeHibernation;
  env.kernel->describe_volume(extension);
  if (filter.extension_size() >= sizeof(FILTER_EXTENSION)) {
    extension.Size = static_cast<ULONG>(filter.extension_size());
    extension.Flags = 0;
  }
}

std::int32_t DumpStack::State::initialize(FilterInstance& filter) {
  fill_structures(filter);
  filter.arm_guard();
  const std::array<std::uint64_t, 2> arguments{argument(filter.extension()), argument(filter.init())};
  const Invoked call = invoke(env, filter, Callback::driver_entry, machine::passive_level, arguments);
  if (!call.returned) return STATUS_UNSUCCESSFUL;
  filter.discard_initialization();
  std::uint32_t changes = trace::change_init;
  const std::uint64_t site = env.recorder.sites();
  if (const std::size_t bytes = filter.written_past_init(); bytes != 0) {
    changes |= trace::change_extension;
    env.totals.rest_on(Policy::init_size);
    report(env, Rule::init_written_past_host_size, filter.id(), Callback::driver_entry,
           fmt::format("this system's FILTER_INITIALIZATION_DATA has {} bytes; {} bytes behind it, in the "
                       "filter's own FILTER_EXTENSION, were overwritten",
                       filter.init_size(), bytes));
  } else if (const std::size_t past = filter.written_past_extension(); past != 0) {
    env.totals.rest_on(Policy::extension_size);
    report(env, trace::Rule::init_written_past_host_size, filter.id(), Callback::driver_entry,
           fmt::format("{} bytes behind the {} bytes of FILTER_EXTENSION were overwritten", past,
                       filter.extension_size()));
  }
  if (env.recorder.sites() != site) env.recorder.show_bytes(site, filter.change_past_init());
  record_left(env, filter, Callback::driver_entry, machine::passive_level, call.status, changes);
  judge_entry(filter, call.status);
  if (!let_others_run(env, 0)) return STATUS_UNSUCCESSFUL;  // threads that it created begin now
  return call.status;
}

void DumpStack::State::judge_entry(FilterInstance& filter, std::int32_t status) {
  const FILTER_INITIALIZATION_DATA& init = *filter.init();
  const auto tell = [&](Rule rule, std::string_view text) {
    report(env, rule, filter.id(), Callback::driver_entry, text);
  };
  if (status < 0) {
    if ((init.Flags & DUMP_FILTER_CRITICAL) == 0) {
      tell(Rule::lifecycle_failed_without_critical,
           fmt::format("returned {:#010x} and is not critical: the dump is written without it",
                       static_cast<std::uint32_t>(status)));
    }
    return;
  }
  if (filter.extension()->DumpData != nullptr && filter.extension()->DumpData != init.DumpData) {
    tell(Rule::lifecycle_context_lost,
         "FilterExtension->DumpData was set, InitializationData->DumpData was not to the same: it takes its place");
  }
  if (init.MaxPagesPerWrite != max_pages) {
    tell(Rule::lifecycle_max_pages_changed,
         fmt::format("MaxPagesPerWrite was {} and is {}: writes keep their size", max_pages, init.MaxPagesPerWrite));
  }
  // The bit alone proves nothing: it is DUMP_FILTER_CRITICAL too.
  const bool flag = (init.Flags & DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ) != 0;
  if (env.policies.is(Policy::read_support, "yes") && filter.callback(Callback::read) != nullptr &&
      (!flag || init.MajorVersion != DUMP_FILTER_MAJOR_VERSION)) {
    tell(Rule::lifecycle_read_support_incomplete,
         fmt::format("DumpRead is set, {}: it is never called",
                     flag ? fmt::format("MajorVersion is {}, not 2", init.MajorVersion)
                          : "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ is not"));
  }
}

void DumpStack::State::tell_structures(FilterInstance& filter, Callback callback) {
  trace::ChangedBytes bytes;
  const std::size_t at = filter.changed_since_entry(bytes);
  if (at == FilterInstance::unchanged) return;
  const std::uint64_t site = env.recorder.sites();
  report(env, Rule::lifecycle_init_changed_later, filter.id(), callback,
         fmt::format("InitializationData changed at byte {:#x} after DriverEntry had returned", at));
  env.recorder.show_bytes(site, bytes);
}

void DumpStack::State::disable(FilterInstance& filter, Callback callback, std::int32_t status) {
  filter.disable();
  if (filter.id() < env.totals.disabled_with.size()) env.totals.disabled_with[filter.id()] = status;
  env.recorder.emit({.kind = Kind::filter_disabled, .callback = callback, .image = filter.id(), .status = status});
}

void DumpStack::State::note_plaintext(const FilterInstance& filter, Callback callback, std::int32_t status) {
  env.totals.rest_on(Policy::filter_failure);
  // A Start that says the volume is not protected has nothing to let through [seen: DiskCryptor].
  if (callback == Callback::start && status == STATUS_FVE_NOT_ENCRYPTED) return;
  if (filter.callback(Callback::write) == nullptr) return;
  if (callback == Callback::write && finished) {
    report(
        env, Rule::lifecycle_write_after_finish_without_keys, filter.id(), callback,
        fmt::format("returned {:#010x} for a write after DumpFinish, and what it was to write is on the disk as it is",
                    static_cast<std::uint32_t>(status)));
    return;
  }
  report(env, Rule::lifecycle_error_lets_plaintext_through, filter.id(), callback,
         disable_on_failure
             ? fmt::format("returned {:#010x}: an error does not stop a write, and the filter sees no later one",
                           static_cast<std::uint32_t>(status))
             : fmt::format("returned {:#010x}: an error does not stop a write", static_cast<std::uint32_t>(status)));
}

Result<std::int32_t> DumpStack::State::load_filters() {
  filters.clear();
  const auto init_size = static_cast<std::size_t>(env.policies.number(Policy::init_size));
  const auto extension_size = static_cast<std::size_t>(env.policies.number(Policy::extension_size));
  const char* prefix = usage == Usage::crash ? "dump_" : "hiber_";
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].path.empty()) {
      env.recorder.filter_missing(STATUS_OBJECT_NAME_NOT_FOUND, specs[i].name);
      env.totals.rest_on(Policy::missing_filter);
      if (env.policies.is(Policy::missing_filter, "skip")) continue;
      return static_cast<std::int32_t>(STATUS_OBJECT_NAME_NOT_FOUND);
    }
    const std::string name = prefix + specs[i].name;
    auto image = loader::Image::load(
        specs[i].path, export_table(),
        {.instance = name, .convention = specs[i].convention, .seed = env.seed, .trap_missing = specs[i].trap_missing});
    if (!image) return image.error();
    // One id per filter and kind of stack, however often it is loaded: a life may load it many times.
    const auto by_position = static_cast<std::uint16_t>((usage == Usage::crash ? 0 : specs.size()) + i);
    const std::uint16_t id = specs[i].ids ? (*specs[i].ids)[usage == Usage::crash ? 0 : 1] : by_position;
    env.machine.sections.add(id, (*image)->sections());
    env.kernel->register_image(id, name, (*image)->base(), (*image)->bytes(), (*image)->convention(),
                               (*image)->function_table());
    env.kernel->set_c_library(id, (*image)->c_library());
    env.images.push_back(image->get());
    env.recorder.image_loaded(id, name);
    filters.push_back(std::make_unique<FilterInstance>(std::move(*image), specs[i], id, init_size, extension_size,
                                                       env.machine.memory));
  }
  return STATUS_SUCCESS;
}

Result<std::int32_t> DumpStack::load() {
  State& s = *state_;
  assert(!s.loaded);
  s.entry_statuses.clear();
  const auto stage = [&](Stage code, std::int32_t status) {
    s.env.recorder.emit({.kind = Kind::stack_stage, .status = status, .arg = code});
    if (status < 0) {
      s.env.totals.stage = code;
      s.env.totals.stage_status = status;
    }
    return status;
  };
  for (const Stage code : {stage_allocate, stage_open_volume, stage_query_port, stage_load_port})
    stage(code, STATUS_SUCCESS);
  auto loaded = s.load_filters();
  if (!loaded) return loaded.error();
  if (stage(stage_load_filters, *loaded) < 0) {
    s.drop_filters();
    return *loaded;
  }
  for (const auto& filter : s.filters) {
    const std::int32_t status = s.initialize(*filter);
    s.entry_statuses.push_back(status);
    if (s.ended()) return status;
    const bool critical = (filter->init()->Flags & DUMP_FILTER_CRITICAL) != 0;
    const bool strict = s.env.policies.is(Policy::critical_test, "not-success");
    if (status < 0 || (critical && strict && status != STATUS_SUCCESS)) {
      if (critical) {
        // The two sources differ on what a critical filter's success is; only a positive status tells them apart.
        if (status >= 0) s.env.totals.rest_on(Policy::critical_test);
        const std::int32_t failure = status < 0 ? status : static_cast<std::int32_t>(STATUS_UNSUCCESSFUL);
        stage(stage_initialize_filters, failure);
        s.drop_filters();
        return failure;
      }
      s.disable(*filter, Callback::driver_entry, status);
      continue;
    }
    if (critical && status > 0) s.env.totals.rest_on(Policy::critical_test);
    filter->extension()->DumpData = filter->init()->DumpData;
    const FILTER_INITIALIZATION_DATA& init = *filter->init();
    filter->entry_done();
    filter->set_reads(s.env.policies.is(Policy::read_support, "yes") && filter->callback(Callback::read) != nullptr &&
                      init.MajorVersion == 2 && (init.Flags & DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ) != 0);
  }
  stage(stage_initialize_filters, STATUS_SUCCESS);
  const std::int32_t usage_status = s.notify_usage(true);
  if (s.ended()) return usage_status;
  if (usage_status < 0) {
    // The filters are initialised by then and go without another call [seen: Windows 7], [assumed] without DumpUnload.
    stage(stage_usage_notification, usage_status);
    s.env.totals.stage_image = s.env.kernel->last_completed_by();
    s.drop_filters();
    return usage_status;
  }
  stage(stage_usage_notification, STATUS_SUCCESS);
  s.loaded = true;
  if (s.usage == Usage::crash && reads_through_filters()) s.env.totals.reads_through_filters = 1;
  return STATUS_SUCCESS;
}

void DumpStack::State::drop_filters() {
  for (const auto& filter : filters) {
    if (const std::string left = env.kernel->registered_by(filter->id()); !left.empty())
      report(env, Rule::bugcheck_record_left_behind, filter->id(), Callback::unload, left);
    if (const std::string used = env.kernel->scheduler().outlives(filter->id()); !used.empty()) {
      report(env, Rule::unload_still_in_use, filter->id(), Callback::unload, used);
    }
    env.recorder.image_unloaded(filter->id());
    env.kernel->forget_image(filter->id());
    env.machine.sections.forget(filter->id());
    std::erase(env.images, &filter->image());
  }
  filters.clear();
}

std::int32_t DumpStack::State::notify_usage(bool entering) {
  const std::uint64_t type = usage == Usage::crash ? usage_dump_file : usage_hibernation;
  env.machine.processor.irql = machine::passive_level;
  const std::int32_t status = env.kernel->notify_usage(static_cast<std::uint32_t>(type), entering);
  if (ended_in_driver(env)) return STATUS_UNSUCCESSFUL;
  env.recorder.emit({.kind = Kind::usage_notification, .status = status, .flags = entering ? 1u : 0u, .arg = type});
  return status;
}

std::int32_t DumpStack::State::call_each(Callback callback, std::uint8_t irql) {
  std::int32_t last = STATUS_SUCCESS;
  for (const auto& filter : filters) {
    if (ended()) break;
    if (filter->disabled()) continue;
    if (filter->callback(callback) == nullptr) {
      if (!filter->absence_reported(callback)) {
        env.recorder.emit({.kind = Kind::callback_absent, .callback = callback, .image = filter->id()});
      }
      continue;
    }
    const std::array<std::uint64_t, 1> arguments{argument(filter->extension())};
    const Invoked call = invoke(env, *filter, callback, irql, arguments);
    if (!call.returned) break;
    record_left(env, *filter, callback, irql, call.status, 0);
    judge_structures(*filter, callback);
    last = call.status;
    if (call.status < 0) {
      if (callback == Callback::start) note_plaintext(*filter, callback, call.status);
      if (disable_on_failure) disable(*filter, callback, call.status);
    }
  }
  env.machine.processor.irql = machine::passive_level;
  return last;
}

std::int32_t DumpStack::start_filters() {
  state_->finished = false;
  return state_->call_each(Callback::start, machine::high_level);
}

std::int32_t DumpStack::open_port() {
  return state_->port.open();
}

std::int32_t DumpStack::start() {
  State& s = *state_;
  const bool filters_first = s.env.policies.is(Policy::start_order, "before-port-open");
  std::int32_t status = STATUS_SUCCESS;
  if (filters_first) status = start_filters();
  if (!s.ended()) open_port();
  if (!filters_first && !s.ended()) status = start_filters();
  return status;
}

template <Callback callback>
inline bool DumpStack::State::call_transfer(FilterInstance& filter, std::int32_t& status, std::uint32_t& changes) {
  if (filter.disabled()) return false;
  const void* const code = filter.callback(callback);
  if (code == nullptr) {
    if (!filter.absence_reported(callback)) {
      env.recorder.emit({.kind = Kind::callback_absent, .callback = callback, .image = filter.id()});
    }
    return false;
  }
  const MDL* const mdl = transfer.mdl();
  const auto before = static_cast<std::uint64_t>(*transfer.offset());
  const std::uint32_t length = mdl->ByteCount;
  const std::array arguments{argument(filter.extension()), argument(transfer.offset()), argument(mdl)};
  env.kernel->set_transfer(
      {.pages = static_cast<std::uint32_t>((mdl->ByteOffset + std::uint64_t{length} + page_size - 1) / page_size),
       .max_pages = static_cast<std::uint32_t>(max_pages)});
  const Invoked call = invoke(env,
                              {.code = code,
                               .callback = callback,
                               .image = filter.id(),
                               .convention = filter.convention(),
                               .given = {length, static_cast<std::uint16_t>(mdl->MdlFlags), before, mdl_id},
                               .callers_end = true},
                              machine::high_level, arguments);
  if (!call.returned) return false;
  env.kernel->set_transfer({});
  changes = watch.changes();
  if (close_opened(env)) [[unlikely]]
    changes |= trace::change_buffer;
  const bool copy_changed = callback == Callback::write && transfer.copy_changed();
  if (copy_changed) [[unlikely]]
    changes |= trace::change_buffer;
  env.recorder.emit({.kind = Kind::callback_left,
                     .callback = callback,
                     .irql = machine::high_level,
                     .image = filter.id(),
                     .status = call.status,
                     .length = mdl->ByteCount,
                     .flags = changes,
                     .offset = static_cast<std::uint64_t>(*transfer.offset()),
                     .before = before,
                     .object = mdl_id});
  if (copy_changed) {
    const std::uint64_t site = env.recorder.sites();
    report(env, Rule::write_buffer_modified, filter.id(), callback, "wrote to the memory that is being dumped");
    env.recorder.show_bytes(site, transfer.change_of_copy());
    transfer.take_changed_copy();
  }
  judge_structures(filter, callback);
  status = call.status;
  return true;
}

void DumpStack::State::judge_write(const FilterInstance& filter, std::uint32_t changes, std::uint32_t length) {
  const MDL* mdl = transfer.mdl();
  if ((changes & trace::change_byte_count) != 0) {
    report(env, trace::Rule::mdl_size_changed, filter.id(), Callback::write,
           fmt::format("ByteCount was {:#x} and is {:#x}", length, mdl->ByteCount));
  }
  const auto flags = static_cast<std::uint16_t>(mdl->MdlFlags);
  // One that was lent unmapped may be mapped.
  const bool mapped = transfer.may_be_mapped() && (flags & ~MDL_MAPPED_TO_SYSTEM_VA) == watch.flags_before();
  if ((changes & trace::change_mdl_next) != 0 && mdl->Next != nullptr) {
    report(env, Rule::mdl_next_set, filter.id(), Callback::write, "Next was NULL and is not: nobody follows it");
  }
  if ((changes & trace::change_mdl_flags) != 0 && !mapped) {
    report(env, trace::Rule::mdl_flags_changed, filter.id(), Callback::write,
           fmt::format("MdlFlags were {:#x} and are {:#x}", watch.flags_before(),
                       static_cast<std::uint16_t>(mdl->MdlFlags)));
  }
  if ((changes & (trace::change_pfns | trace::change_mapped_va | trace::change_byte_offset)) != 0) {
    if (const std::string mismatch = verifier::pfn_mismatch(mdl, watch.pages_capacity(), env.machine.memory);
        !mismatch.empty()) {
      report(env, trace::Rule::mdl_pfn_mismatch, filter.id(), Callback::write, mismatch);
    } else {
      judge_buffer(filter);
    }
  }
  if ((changes & trace::change_offset) != 0) judge_offset(filter);
}

void DumpStack::State::judge_buffer(const FilterInstance& filter) {
  const MDL* mdl = transfer.mdl();
  const auto tell = [&](Rule rule, std::string_view text) { report(env, rule, filter.id(), Callback::write, text); };
  if ((mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0) return;
  const auto va = reinterpret_cast<std::uintptr_t>(mdl->MappedSystemVa);
  const std::size_t in_page = va % page_size;
  if (in_page != 0 && in_page != mdl->ByteOffset) {
    return tell(
        Rule::mdl_buffer_unaligned,
        fmt::format("MappedSystemVa is {:#x} bytes into its page, ByteOffset is {:#x}", in_page, mdl->ByteOffset));
  }
  const auto* first = reinterpret_cast<const std::byte*>(va - in_page) + mdl->ByteOffset;
  const kernel::Pool& pool = env.kernel->pool();
  const std::byte* start = nullptr;
  if (const kernel::Block* block = pool.block_containing(first, start); block != nullptr) {
    if (block->paged) {
      return tell(Rule::mdl_buffer_paged,
                  fmt::format("the buffer is {}, which is paged", env.kernel->words(start, kernel::Words::canonical)));
    }
    const auto room = static_cast<std::uint64_t>(start + block->bytes - first);
    if (room < mdl->ByteCount) {
      tell(Rule::mdl_buffer_too_small,
           fmt::format("{} has {:#x} bytes from there on, the write has {:#x}",
                       env.kernel->words(first, kernel::Words::canonical), room, mdl->ByteCount));
    }
  } else if (pool.freed_containing(first, start) != nullptr) {
    tell(Rule::mdl_buffer_freed, fmt::format("the buffer is {}", env.kernel->words(first, kernel::Words::canonical)));
  }
}

void DumpStack::State::judge_offset(const FilterInstance& filter) {
  const MDL* mdl = transfer.mdl();
  const auto now = static_cast<std::uint64_t>(*transfer.offset());
  const auto before = static_cast<std::uint64_t>(watch.offset_before());
  if (now % env.volume.sector_size != 0) {
    report(env, trace::Rule::offset_unaligned, filter.id(), Callback::write,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}, no multiple of the {}-byte sector", before, now,
                       env.volume.sector_size));
  }
  if (filter.reads()) {
    report(env, Rule::offset_moved_with_read_support, filter.id(), Callback::write,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}; a read of {:#x} will look there", before, now, before));
  }
  // What explains the place best is said, and nothing else.
  const std::uint64_t start = env.volume.partition_start.bytes;
  if (start != 0 && (now - before == start || before - now == start)) {
    report(env, Rule::offset_taken_as_absolute, filter.id(), Callback::write,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}: the partition's own offset, {:#x}, was {}", before, now,
                       start, now > before ? "added" : "taken away"));
  } else if (now > env.volume.partition_size || env.volume.partition_size - now < mdl->ByteCount) {
    report(env, Rule::offset_outside_partition, filter.id(), Callback::write,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}, the partition has {:#x} bytes", before, now,
                       env.volume.partition_size));
  } else if (!filter.redirects() && file != nullptr && !file->contains(PartitionOffset{now}, mdl->ByteCount)) {
    report(env, Rule::offset_outside_dump_file, filter.id(), Callback::write,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}, outside the file's extents", before, now));
  }
}

void DumpStack::State::judge_read(const FilterInstance& filter, std::uint32_t changes) {
  if ((changes & ~static_cast<std::uint32_t>(trace::change_offset | trace::change_buffer)) != 0) {
    report(env, trace::Rule::read_mdl_changed, filter.id(), Callback::read,
           "the MDL was changed; in a read only the bytes it describes are the filter's");
  }
  if ((changes & trace::change_offset) != 0) {
    report(env, Rule::read_offset_changed, filter.id(), Callback::read,
           fmt::format("DiskByteOffset was {:#x} and is {:#x}", watch.offset_before(), *transfer.offset()));
  }
}

const std::byte* DumpStack::State::data_now(const std::byte* before) const {
  const MDL* mdl = transfer.mdl();
  if ((mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0) return before;
  const auto page = reinterpret_cast<std::uintptr_t>(mdl->MappedSystemVa) & ~(page_size - 1);
  return reinterpret_cast<const std::byte*>(page + mdl->ByteOffset);
}

void DumpStack::State::show_data(const FilterInstance& filter, std::uint64_t from, const std::byte* given) {
  std::array<std::byte, trace::ChangedBytes::most> before, after;
  const auto peek = [](const std::byte* at, std::span<std::byte> into) {
    return machine::peek(reinterpret_cast<std::uint64_t>(at), into) == into.size();
  };
  // Not all of it may be there: whatever the filter put into the MDL.
  if (!peek(given, before) || !peek(data_now(given), after)) return;
  env.recorder.show_bytes(from, filter.id(), Callback::write,
                          trace::beginnings(trace::Held::write_data, before, after));
}

TransferResult DumpStack::write(PartitionOffset at, Source source, const std::function<void()>& before) {
  State& s = *state_;
  TransferResult result;
  const auto length = static_cast<std::uint32_t>(source.length);
  s.env.recorder.begin_step();
  if (before) before();
  if (s.ended()) {
    result.filter_status = result.port_status = STATUS_UNSUCCESSFUL;
    return result;
  }
  s.transfer.describe_write(source.va, length, at);
  s.watch.arm(s.transfer.mdl(), s.transfer.offset());
  std::uint16_t mover = trace::no_image;  // the last filter that changed the offset
  const std::byte* given = source.va;
  for (const auto& filter : s.filters) {
    const std::uint64_t sites = s.env.recorder.sites();
    std::uint32_t changes = 0;
    std::int32_t status = STATUS_SUCCESS;
    const bool called = s.call_transfer<Callback::write>(*filter, status, changes);
    if (s.ended()) {
      result.filter_status = result.port_status = STATUS_UNSUCCESSFUL;
      return result;  // a dead machine writes nothing more; the step stays open
    }
    if (!called) continue;
    result.filter_status = status;
    result.changes |= changes;
    if ((changes & trace::change_offset) != 0) mover = filter->id();
    if (changes != 0) s.judge_write(*filter, changes, length);
    // A filter that has worked on every write leaves one alone, after its DumpFinish.
    if (filter->works_on_writes(changes != 0) && s.finished && status >= 0 && filter->protects(at, length)) {
      report(s.env, Rule::lifecycle_write_after_finish_without_keys, filter->id(), Callback::write,
             "a write after DumpFinish was let through as it is; every write before it was not");
    }
    if (status < 0) {
      s.note_plaintext(*filter, Callback::write, status);
      if (s.disable_on_failure) s.disable(*filter, Callback::write, status);
    }
    if (s.env.recorder.sites() != sites) s.show_data(*filter, sites, given);
    if (changes != 0) given = s.data_now(given);
  }
  result.offset = PartitionOffset{static_cast<std::uint64_t>(*s.transfer.offset())};
  result.port_status = s.port.write(result.offset, s.transfer.mdl());
  s.transfer.retire();
  if (mover != trace::no_image && s.file != nullptr && !s.file->contains(result.offset, s.transfer.mdl()->ByteCount)) {
    ++s.env.totals.redirected;
    s.env.recorder.emit({.kind = Kind::redirected,
                         .image = mover,
                         .length = s.transfer.mdl()->ByteCount,
                         .offset = result.offset.bytes,
                         .before = at.bytes});
  }
  s.env.recorder.end_step();
  s.env.machine.processor.irql = machine::passive_level;
  return result;
}

TransferResult DumpStack::read(PartitionOffset at, std::span<std::byte> into) {
  State& s = *state_;
  TransferResult result;
  s.env.recorder.begin_step();
  s.transfer.describe_read(into.data(), static_cast<std::uint32_t>(into.size()), at);
  result.offset = at;
  result.port_status = s.port.read(at, s.transfer.mdl());
  if (result.port_status >= 0) {
    s.watch.arm(s.transfer.mdl(), s.transfer.offset());
    for (std::size_t i = 0; i < s.filters.size(); ++i) {
      FilterInstance& filter = *s.filters[s.reads_reversed ? s.filters.size() - 1 - i : i];
      if (!filter.reads()) continue;
      if (s.filters.size() > 1) s.env.totals.rest_on(Policy::read_order);
      std::uint32_t changes = 0;
      std::int32_t status = STATUS_SUCCESS;
      const bool called = s.call_transfer<Callback::read>(filter, status, changes);
      if (s.ended()) {
        result.filter_status = STATUS_UNSUCCESSFUL;
        return result;
      }
      if (!called) continue;
      result.filter_status = status;
      result.changes |= changes;
      if (changes != 0) {
        s.judge_read(filter, changes);
        // The next filter gets the host's own MDL again, not what this one made of it.
        s.transfer.describe_read(into.data(), static_cast<std::uint32_t>(into.size()), at);
        s.watch.arm(s.transfer.mdl(), s.transfer.offset());
      }
      if (status < 0 && s.disable_on_failure) {
        s.env.totals.rest_on(Policy::filter_failure);
        s.disable(filter, Callback::read, status);
      }
    }
  }
  s.transfer.retire();
  s.env.recorder.end_step();
  s.env.machine.processor.irql = machine::passive_level;
  return result;
}

std::int32_t DumpStack::finish_filters() {
  const std::int32_t status = state_->call_each(Callback::finish, machine::high_level);
  state_->finished = true;
  return status;
}

std::int32_t DumpStack::finish_port() {
  return state_->port.finish();
}

std::int32_t DumpStack::finish() {
  State& s = *state_;
  const bool filters_first = s.env.policies.is(Policy::finish_order, "before-port-finish");
  std::int32_t status = STATUS_SUCCESS;
  if (filters_first) status = finish_filters();
  if (!s.ended()) finish_port();
  if (!filters_first && !s.ended()) status = finish_filters();
  return status;
}

void DumpStack::unload() {
  State& s = *state_;
  const bool reverse = s.env.policies.is(Policy::unload_order, "reverse");
  const bool disabled_too = s.env.policies.is(Policy::unload_disabled, "yes");
  if (s.filters.size() > 1) s.env.totals.rest_on(Policy::unload_order);
  for (std::size_t i = 0; i < s.filters.size() && !s.ended(); ++i) {
    FilterInstance& filter = *s.filters[reverse ? s.filters.size() - 1 - i : i];
    if (filter.disabled()) {
      s.env.totals.rest_on(Policy::unload_disabled);
      if (!disabled_too) continue;
    }
    if (filter.callback(Callback::unload) == nullptr) {
      if (!filter.absence_reported(Callback::unload)) {
        s.env.recorder.emit({.kind = Kind::callback_absent, .callback = Callback::unload, .image = filter.id()});
      }
      if (const std::string held = s.env.kernel->held_by(filter.id()); !held.empty()) {
        report(s.env, Rule::lifecycle_unload_missing, filter.id(), Callback::unload, held);
        continue;
      }
    } else {
      const std::array<std::uint64_t, 1> arguments{argument(filter.extension())};
      const Invoked call = invoke(s.env, filter, Callback::unload, machine::passive_level, arguments);
      if (!call.returned) break;
      record_left(s.env, filter, Callback::unload, machine::passive_level, call.status, 0);
    }
    report_left_behind(s.env, filter.id(), Callback::unload);
  }
  if (s.ended()) return;  // the machine has stopped: nothing is taken out any more
  s.notify_usage(false);
  if (s.ended()) return;
  s.drop_filters();
  s.loaded = false;
}

}  // namespace dumpsim::stack
