// SPDX-License-Identifier: Apache-2.0
// The state all kernel functions share: records and violations, the ways out of a driver, names for addresses, handles.
#include "kernel/kernel.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/alone.hpp"
#include "base/text.hpp"
#include "kernel/ddi.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_state.hpp"
#include "kernel/line.hpp"
#include "kernel/modules.hpp"
#include "machine/fault_trap.hpp"

namespace dumpsim::kernel {

namespace detail {
Kernel* current_kernel = nullptr;
}

namespace {

constexpr std::uint64_t first_handle = 0xFFFFFFFF80000004;  // kernel handles have the upper half set [seen: Windows 7]

std::uint64_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

Kernel::Kernel(machine::Machine& machine, trace::Recorder& recorder, machine::Gate& gate, Config config)
    : machine_(machine),
      recorder_(recorder),
      gate_(gate),
      config_(config),
      scheduler_(*this),
      context_(&scheduler_.first().context),
      pool_(machine, pool_options(*this, config)),
      io_(std::make_unique<IoState>()) {
  assert(detail::current_kernel == nullptr && all_exports().size() <= max_exports);
  detail::current_kernel = this;
}

Kernel::~Kernel() {
  detail::current_kernel = nullptr;
}

// ---- images ----

void Kernel::register_image(std::uint16_t id, std::string_view name, const void* base, std::size_t bytes,
                            machine::Convention convention, std::span<const std::byte> function_table) {
  forget_image(id);
  std::erase_if(unloaded_, [base](const ImageRange& image) { return image.base == base; });
  std::vector<machine::FunctionRow> functions(function_table.size() / sizeof(machine::FunctionRow));
  if (!functions.empty()) {
    std::memcpy(functions.data(), function_table.data(), functions.size() * sizeof(machine::FunctionRow));
  }
  images_.push_back({id, std::string(name), static_cast<const std::byte*>(base), bytes, convention,
                     function_table.data(), std::move(functions)});
}

void Kernel::set_c_library(std::uint16_t id, std::vector<std::pair<std::uint32_t, std::uint32_t>> functions) {
  for (ImageRange& image : images_) {
    if (image.id != id) continue;
    image.c_library = std::move(functions);
    return;
  }
}

void Kernel::forget_image(std::uint16_t id) {
  if (const ImageRange* image = image_range(id); image != nullptr) unloaded_.push_back(*image);
  std::erase_if(images_, [id](const ImageRange& image) { return image.id == id; });
  bugcheck_callbacks_.image_gone(id);
  // Windows would jump to where the image was: said when it goes (object.callback-left), and not done here.
  for (const auto& object : callbacks_.objects) {
    std::erase_if(object->registrations, [id](const auto& each) { return each.image == id; });
  }
}

const ImageRange* Kernel::image_at(const void* address) const {
  for (const ImageRange& image : images_) {
    if (number(address) - number(image.base) < image.bytes) return &image;
  }
  return nullptr;
}

const ImageRange* Kernel::image_range(std::uint16_t id) const {
  for (const ImageRange& image : images_) {
    if (image.id == id) return &image;
  }
  return nullptr;
}

std::string_view Kernel::image_name(std::uint16_t id) const {
  const ImageRange* image = image_range(id);
  return image == nullptr ? "?" : std::string_view(image->name);
}

bool Kernel::was_image(const void* address) const {
  return image_at(address) == nullptr &&
         std::any_of(unloaded_.begin(), unloaded_.end(),
                     [address](const ImageRange& image) { return number(address) - number(image.base) < image.bytes; });
}

machine::CallResult Kernel::let_others_run(std::uint64_t hundred_ns) {
  assert(!gate_.active());
  machine::CallResult result;
  result.returned = true;
  const std::uint64_t until = machine_.clock.now + hundred_ns;
  scheduler_.host_calls();
  if (scheduler_.pending(until)) {
    struct Idle {
      static void run(Scheduler* scheduler, std::uint64_t until) { scheduler->idle(until); }
    };
    const std::uint64_t arguments[] = {number(&scheduler_), until};
    result = gate_.call(machine::Convention::system_v, reinterpret_cast<const void*>(&Idle::run), arguments);
    if (!result.returned) left_ = result.value;
  }
  if (result.returned && scheduler_.counts_on_time()) machine_.clock.now = std::max(machine_.clock.now, until);
  return result;
}

machine::Convention Kernel::convention_of(const void* code) const {
  const ImageRange* image = image_at(code);
  return image == nullptr ? machine::Convention::system_v : image->convention;
}

// ---- calls ----

[[gnu::always_inline]] inline machine::CallResult Kernel::enter_driver(machine::Convention convention, const void* code,
                                                                       const machine::Arguments& arguments,
                                                                       CallIntoDriver& as) {
  Context& context = *context_;
  context.exceptions.calls = &as;
  const machine::CallResult call = gate_.call(convention, code, arguments);
  context.exceptions.calls = as.outer;
  return call;
}

// Whom the host called is judged when it is back: where its code began stays known. Whoever was interrupted goes on.
inline void Kernel::go_on_after(const CallIntoDriver& call) {
  Context& context = *context_;
  context.image = call.image;
  context.callback = call.callback;
  context.entry_irql = call.entry_irql;
  if (call.image != trace::no_image) context.entry = call.entry;
  context.caller = nullptr;
}

machine::CallResult Kernel::call_driver(const void* routine, const machine::Arguments& arguments) {
  CallIntoDriver as = call_from(__builtin_frame_address(0), false);
  return enter_driver(convention_of(routine), routine, arguments, as);
}

void Kernel::forget_below(std::uint64_t rsp) {
  ExceptionState& state = context_->exceptions;
  while (state.dispatches != nullptr && state.dispatches->at < rsp) {
    state.dispatches = state.dispatches->outer;
  }
  while (state.handlers != nullptr && state.handlers->at < rsp) {
    state.handlers = state.handlers->outer;
  }
  while (state.calls != nullptr && state.calls->at < rsp) {
    const CallIntoDriver& call = *state.calls;
    state.calls = call.outer;
    if (!call.told) continue;
    recorder_.callback_left(context_->image, context_->callback, call.irql, STATUS_UNWIND);
    go_on_after(call);
    tell_running(call.image, call.callback);
  }
  while (state.evaluations != nullptr && state.evaluations->at < rsp) {
    state.evaluations = state.evaluations->outer;
  }
  context_->depth = state.calls == nullptr ? 0 : state.calls->depth;
  // Requests on their way through a driver that is left: their notes lie on its stack.
  std::erase_if(io_->sendings, [this, rsp](const IoState::Sending* sending) {
    return gate_.stack().contains(sending) && number(sending) < rsp;
  });
}

namespace {

enum class Judged : std::uint8_t {
  by_its_level,
  as_memory,  ///< gives or takes memory: in a dump that is a rule of its own
  by_itself,  ///< waits: whether it may depends on its arguments
};

constexpr Judged judged(std::size_t index) {
  switch (index) {
    case export_index::ExAllocatePool:
    case export_index::ExAllocatePoolWithTag:
    case export_index::ExAllocatePoolWithQuota:
    case export_index::ExAllocatePoolWithQuotaTag:
    case export_index::ExAllocatePoolWithTagPriority:
    case export_index::ExAllocatePool2:
    case export_index::ExFreePool:
    case export_index::ExFreePoolWithTag:
    case export_index::ExFreePool2:
    case export_index::MmAllocateContiguousMemory:
    case export_index::MmAllocateContiguousMemorySpecifyCache:
    case export_index::MmAllocateContiguousMemorySpecifyCacheNode:
    case export_index::MmAllocateContiguousNodeMemory:
    case export_index::MmFreeContiguousMemory:
    case export_index::MmFreeContiguousMemorySpecifyCache:
    case export_index::MmAllocateNonCachedMemory:
    case export_index::MmFreeNonCachedMemory:
    case export_index::MmAllocatePagesForMdl:
    case export_index::MmAllocatePagesForMdlEx:
    case export_index::MmFreePagesFromMdl:
      return Judged::as_memory;
    case export_index::KeWaitForSingleObject:
    case export_index::KeWaitForMultipleObjects:
    case export_index::KeDelayExecutionThread:
      return Judged::by_itself;
    default:
      return Judged::by_its_level;
  }
}

}  // namespace

void Kernel::above_maximum(std::size_t export_index, std::uint8_t maximum) {
  const Judged how = judged(export_index);
  if (how == Judged::by_itself) return;
  if (how == Judged::as_memory && machine_.processor.irql > machine::dispatch_level) {
    return misuse(trace::Rule::pool_used_while_crashing, export_index, maximum, trace::Severity::error);
  }
  irql_too_high(export_index, maximum, trace::Severity::error);
}

void Kernel::pool_in_crash(std::size_t export_index) {
  using trace::Callback;
  const Callback now = callback();
  if (now == Callback::start || now == Callback::write || now == Callback::read || now == Callback::finish) {
    misuse(trace::Rule::pool_used_while_crashing, export_index, machine::high_level, trace::Severity::error);
  }
}

void Kernel::wait_call(std::size_t export_index) {
  if (machine_.processor.irql > machine::apc_level) {
    misuse(trace::Rule::irql_wait_at_high_level, export_index, machine::apc_level, trace::Severity::error);
  }
}

void Kernel::irql_too_high(std::size_t export_index, std::uint8_t maximum, trace::Severity at_most) {
  misuse(trace::Rule::irql_too_high, export_index, maximum, at_most);
}

void Kernel::misuse(trace::Rule rule, std::size_t export_index, std::uint8_t maximum, trace::Severity at_most) {
  for (IrqlViolation& known : irql_violations_) {
    if (known.rule == rule && known.export_index == export_index && known.image == image() &&
        known.callback == callback()) {
      ++known.count;
      // One record says it; how often and where from is counted.
      tell_irql(known, at_most, false);
      return;
    }
  }
  irql_violations_.push_back(
      {rule, static_cast<std::uint16_t>(export_index), image(), callback(), machine_.processor.irql, maximum, 1});
  tell_irql(irql_violations_.back(), at_most, true);
}

void Kernel::tell_irql(const IrqlViolation& violation, trace::Severity at_most, bool first) {
  const trace::Severity severity = std::min(at_most, recorder_.severity_of(violation.rule));
  if (severity == trace::Severity::off) return;
  char text[160];
  Line line(text);
  line.put(all_exports()[violation.export_index].name);
  const bool waits = violation.rule == trace::Rule::irql_wait_at_high_level;
  line.put(waits ? " may have to wait at IRQL " : " called at IRQL ");
  line.put_decimal(violation.irql);
  if (violation.irql <= violation.maximum) {
    line.put(" while a dump is written");
  } else if (waits) {
    line.put(", where no other thread can run");
  } else {
    line.put(", its documented maximum is ");
    line.put_decimal(violation.maximum);
  }
  if (first) {
    recorder_.violation(image(), callback(), violation.rule, severity, line.text(), site_of(image()));
  } else {
    recorder_.violation_again(image(), callback(), violation.rule, severity, line.text(), site_of(image()));
  }
}

trace::CodeSite Kernel::site_of(std::uint16_t image) const {
  if (trace::CodeSite site = site_at(image, number(context_->caller)); site.offset != 0) {
    site.exact = false;
    return site;
  }
  return site_at(image, number(context_->entry));
}

trace::CodeSite Kernel::site_at(std::uint16_t image, std::uint64_t rip) const {
  const ImageRange* range = image_range(image);
  if (range == nullptr || rip - number(range->base) >= range->bytes) return {};
  return {.offset = static_cast<std::uint32_t>(rip - number(range->base)), .exact = true};
}

// The library's functions keep nothing on the stack but what they save, so the first address of the image above the
// stack pointer is where the call returns to.
__attribute__((no_sanitize("address"))) trace::CodeSite Kernel::site_of_fault(std::uint16_t image,
                                                                              const machine::FaultReport& fault) const {
  const ImageRange* range = image_range(image);
  const std::uint64_t offset = range == nullptr ? 0 : fault.registers.rip - number(range->base);
  if (range == nullptr || offset >= range->bytes) return site_of(image);
  const auto in_library = [range](std::uint64_t at) {
    return std::any_of(range->c_library.begin(), range->c_library.end(),
                       [at](const auto& function) { return at >= function.first && at < function.second; });
  };
  if (!in_library(offset)) return site_at(image, fault.registers.rip);
  const auto readable = [this](std::uint64_t at) { return gate_.stack().contains(reinterpret_cast<const void*>(at)); };
  constexpr std::size_t words_looked_at = 64;
  for (std::size_t i = 0; i < words_looked_at; ++i) {
    const std::uint64_t at = fault.registers.rsp + 8 * i;
    if (fault.stack_word_count == 0 ? !readable(at) || !readable(at + 7) : i >= fault.stack_word_count) break;
    const std::uint64_t word =
        fault.stack_word_count != 0 ? fault.stack_words[i] : *reinterpret_cast<const volatile std::uint64_t*>(at);
    const std::uint64_t there = word - number(range->base);
    if (there >= range->bytes || in_library(there)) continue;
    return {.offset = static_cast<std::uint32_t>(there), .exact = false};
  }
  return site_at(image, fault.registers.rip);
}

// ---- calls into drivers ----

Kernel::Owner Kernel::owner_of(const Routine& routine) const {
  // A routine that lies nowhere (a null pointer) is called as its driver's others are.
  const ImageRange* lies_in = image_at(routine.code);
  const bool known = routine.image != trace::no_image;
  const std::uint16_t id = known || lies_in == nullptr ? routine.image : lies_in->id;
  if (lies_in == nullptr) lies_in = image_range(id);
  const auto otherwise = lies_in != nullptr ? lies_in->convention : machine::Convention::system_v;
  return {id, routine.convention.value_or(otherwise)};
}

machine::CallResult Kernel::call_routine(const Routine& routine, const machine::Arguments& arguments) {
  if (!gate_.active()) {
    scheduler_.host_calls();
    context_->exceptions = {};  // a call that was left may have left some behind
  }
  const auto [id, convention] = routine.convention && routine.image != trace::no_image
                                    ? Owner{routine.image, *routine.convention}
                                    : owner_of(routine);
  CallIntoDriver as = call_from(__builtin_frame_address(0), true);
  Context& context = *context_;
  context.image = id;
  context.callback = routine.callback;
  context.entry = routine.code;
  context.entry_irql = as.irql;
  context.caller = nullptr;
  recorder_.emit({.kind = trace::Kind::callback_entered,
                  .callback = routine.callback,
                  .irql = as.irql,
                  .image = id,
                  .length = alone(routine.given.length),
                  .flags = alone(routine.given.flags),
                  .arg = routine.request,
                  .offset = alone(routine.given.offset),
                  .object = alone(routine.given.object)});
  tell_running(id, routine.callback, true);
  machine_.sections.at_irql(as.irql);
  const machine::CallResult call = enter_driver(convention, routine.code, arguments, as);
  if (!call.returned) {
    if (!routine.callers_end) left_ = call.value;
    return call;
  }
  check_given_back(id, routine.callback, routine.returns_at.value_or(as.irql), call);
  if (!routine.callers_end) {
    recorder_.callback_left(id, routine.callback, as.irql,
                            routine.returns_status ? static_cast<std::int32_t>(call.value) : 0);
  }
  go_on_after(as);
  tell_running(as.image, as.callback);
  return call;
}

void Kernel::not_given_back(std::uint16_t image, trace::Callback callback, std::uint8_t irql,
                            machine::CallResult call) {
  char text[160];
  if (machine_.processor.irql != irql) {
    Line line(text);
    line.put("entered at IRQL ");
    line.put_decimal(irql);
    line.put(", returned at ");
    line.put_decimal(machine_.processor.irql);
    recorder_.violation(image, callback, trace::Rule::irql_not_restored, line.text(), site_of(image));
    machine_.processor.irql = irql;
    machine_.sections.at_irql(irql);
  }
  if (call.changed == 0) return;
  static constexpr std::array<std::string_view, 13> names{
      "rbx", "rbp", "rdi", "rsi", "r12", "r13", "r14", "r15", "xmm", "mxcsr", "x87 control word", "direction flag",
      "rsp"};
  Line line(text);
  line.put("not given back: ");
  const char* comma = "";
  for (std::size_t bit = 0; bit < names.size(); ++bit) {
    if ((call.changed & (1u << bit)) == 0) continue;
    line.put(comma);
    line.put(names[bit]);
    comma = ", ";
  }
  recorder_.violation(image, callback, trace::Rule::stack_callee_saved_changed, line.text(), site_of(image));
}

// ---- records ----

void Kernel::violate(trace::Rule rule, std::string_view detail) {
  recorder_.violation(image(), callback(), rule, detail, site_of(image()));
}

void Kernel::bad_pool_caller(trace::Rule rule, std::string_view detail, std::array<std::uint64_t, 4> parameters) {
  violate(rule, detail);
  if (config_.bad_free_stops) bugcheck(BAD_POOL_CALLER, parameters);
}

void Kernel::set_irql(std::uint8_t irql) {
  const std::uint8_t before = machine_.processor.irql;
  if (before == irql) return;
  if (irql < before && context_->entry_irql == machine::high_level) [[unlikely]]
    lowered(irql);
  machine_.processor.irql = irql;
  machine_.sections.at_irql(irql);
  recorder_.irql_changed(image(), before, irql);
}

void Kernel::lowered(std::uint8_t irql) {
  char text[96];
  Line line(text);
  line.put("lowered the IRQL to ");
  line.put_decimal(irql);
  line.put(" in a callback that is entered at ");
  line.put_decimal(context_->entry_irql);
  violate(trace::Rule::irql_lowered_in_callback, line.text());
}

void Kernel::bugcheck(std::uint32_t code, std::array<std::uint64_t, 4> parameters) {
  machine_.bugcheck = {true, code, parameters};
  record_bugcheck(image(), callback());
  assert(gate_.active() && "a bugcheck needs a driver's frames to leave");
  if (!gate_.active()) std::abort();
  gate_.leave_all(static_cast<std::uint64_t>(Left::bugcheck));
}

void Kernel::record_bugcheck(std::uint16_t image, trace::Callback callback) {
  if (!machine_.bugcheck.raised) return;
  // Addresses differ from host to host: what stands in the record is where they point, as a number that repeats.
  std::array<std::uint64_t, 4> recorded = machine_.bugcheck.parameters;
  for (std::uint64_t& parameter : recorded) parameter = repeatable(parameter);
  recorder_.bugcheck(image, callback, machine_.bugcheck.code, recorded);
}

void Kernel::deadlock(std::string_view what) {
  recorder_.fault(image(), callback(), trace::FaultKind::hang, what);
  assert(gate_.active() && "a deadlock needs a driver's frames to leave");
  if (!gate_.active()) std::abort();
  gate_.leave_all(static_cast<std::uint64_t>(Left::deadlock));
}

void Kernel::stop_waiting(std::uint16_t image, trace::Callback callback, std::string_view what) {
  context_->image = image;
  context_->callback = callback;
  tell_running(image, callback, true);
  recorder_.fault(image, callback, trace::FaultKind::hang, what);
  left_ = static_cast<std::uint64_t>(Left::deadlock);
}

// Decided by the value alone where nothing is known of it: asking the host would make a trace depend on what happens to
// be mapped there (a sanitizer's shadow, say). Linux puts programs, libraries, heaps and stacks from 0x55… on; a limit
// such as 0x7fffffffffff, all ones, is a number.
bool Kernel::is_address(std::uint64_t value) const {
  constexpr std::uint64_t lowest_host = 0x550000000000;
  if (value >> 32 == 0 || value >> 47 != 0) return false;
  const void* address = reinterpret_cast<const void*>(value);
  using Region = machine::PhysicalMemory::Region;
  return machine_.memory.region_of(address) != Region::unknown ||
         value - machine::control_region_base < machine::control_region_bytes || scheduler_.on_a_stack(address) ||
         image_at(address) != nullptr || (value >= lowest_host && (value & (value + 1)) != 0);
}

std::uint64_t Kernel::repeatable(std::uint64_t value) const {
  const void* address = reinterpret_cast<const void*>(value);
  using Region = machine::PhysicalMemory::Region;
  if (!is_address(value) || machine_.memory.region_of(address) != Region::unknown ||
      value - machine::control_region_base < machine::control_region_bytes) {
    return value;  // fixed addresses
  }
  if (scheduler_.on_a_stack(address)) return stack_marker;
  return image_at(address) != nullptr ? image_marker : host_marker;
}

// ---- addresses in words ----

std::size_t Kernel::words(const void* address, std::span<char> into, Words detail) const {
  using Region = machine::PhysicalMemory::Region;
  const machine::PhysicalMemory& memory = machine_.memory;
  Line line(into);
  Pfn pfn = 0;
  switch (memory.region_of(address)) {
    case Region::null_page:
      line.put("null");
      line.put_offset(number(address));
      break;
    case Region::ram:
      memory.known_pfn(address, pfn);
      line.put("ram pfn ");
      line.put_hex(pfn);
      line.put_offset(number(address) % page_size);
      break;
    case Region::window:
      if (memory.known_pfn(address, pfn) && memory.is_ram(pfn)) {
        line.put("ram pfn ");
        line.put_hex(pfn);
        line.put_offset(number(address) % page_size);
      } else {
        line.put("window");
        line.put_offset(number(address) - machine::window_base);
      }
      break;
    case Region::mapping:
      line.put("mapped ");
      if (!memory.known_pfn(address, pfn)) {
        line.put("nothing");
        break;
      }
      if (memory.is_ram(pfn)) {
        line.put("ram pfn ");
        line.put_hex(pfn);
        line.put_offset(number(address) % page_size);
        break;
      }
      line.skip(words(memory.address_of(pfn) + number(address) % page_size, line.rest(), detail));
      break;
    case Region::arena: {
      const std::optional<Pool::Place> place = pool_.place_of(address);
      if (!place) {
        line.put("arena");
        line.put_offset(number(address) - machine::arena_base);
        break;
      }
      const Block* const block = place->block;
      const std::byte* const start = place->start;
      if (place->freed) line.put("freed ");
      if (const Thread* thread = const_cast<Scheduler&>(scheduler_).thread_of(start); thread != nullptr) {
        line.put("thread#");
        line.put_decimal(thread->id);
      } else {
        if (block->kind == BlockKind::pool && block->image == trace::no_image) line.put("system ");
        line.put(block->kind == BlockKind::pool ? "pool#" : block->kind == BlockKind::pages ? "pages#" : "contiguous#");
        line.put_decimal(block->id);
      }
      if (place->where == Pool::Place::Where::before) {
        line.put('-');
        line.put_hex(place->distance);
        line.put(" (before its start)");
        break;
      }
      line.put_offset(number(address) - number(start));
      if (place->where == Pool::Place::Where::behind) line.put(" (behind its end)");
      break;
    }
    case Region::unknown:
      if (scheduler_.on_a_stack(address)) {
        line.put("stack");
        if (detail == Words::full && gate_.stack().contains(address)) {
          line.put_offset(number(address) - number(gate_.stack().low()));
        }
      } else if (number(address) - machine::control_region_base < machine::control_region_bytes) {
        line.put("kpcr");
        line.put_offset(number(address) - machine::control_region_base);
      } else if (const ImageRange* image = image_at(address)) {
        line.put("image ");
        line.put(image->name);
        if (detail != Words::canonical) line.put_offset(number(address) - number(image->base));
      } else if (std::uint64_t offset = 0; !absent_module_at(number(address), offset).empty()) {
        line.put("module ");
        line.put(absent_module_at(number(address), offset));
        line.put_offset(offset);
      } else {
        line.put(memory.is_readable(address) ? "host" : "unmapped");
      }
      break;
  }
  return line.size();
}

std::string_view Kernel::running_call() const {
  if (context_->depth == 0 || context_->depth > Context::text_depth) return {};
  const auto& text = context_->call_text[context_->depth - 1];
  const std::string_view call(std::data(text), std::size(text));
  const std::size_t end = call.find('(');
  return end == std::string_view::npos ? std::string_view() : call.substr(0, end);
}

std::string Kernel::words(const void* address, Words detail) const {
  char text[160];
  return std::string(text, words(address, text, detail));
}

std::string Kernel::held_by(std::uint16_t image) const {
  const Pool::Outstanding held = pool_.outstanding(image);
  if (held.blocks == 0) return {};
  constexpr std::size_t named = 4;
  std::string text = std::to_string(held.blocks) + (held.blocks == 1 ? " block (" : " blocks (") +
                     with_thousands(held.bytes) + " bytes): ";
  std::size_t count = 0;
  pool_.for_each(image, [&](const std::byte* at, const Block& block) {
    if (++count > named) return;
    if (count > 1) text += ", ";
    text += words(at);
    if (block.tag != 0) {
      char tag[8];
      Line line(tag);
      line.put_tag(block.tag);
      // Piece by piece: GCC 12 sees an overlap in "literal" + string that is not there, and -O3 is built with -Werror.
      text += ' ';
      text += line.text();
    }
    text += ' ';
    text += with_thousands(block.bytes);
  });
  if (held.blocks > named) text += ", …";
  return text;
}

// ---- event providers ----

bool Kernel::is_event_provider(std::uint64_t handle) const {
  return std::find(event_providers_.begin(), event_providers_.end(), handle) != event_providers_.end();
}
bool Kernel::remove_event_provider(std::uint64_t handle) {
  return std::erase(event_providers_, handle) != 0;
}

// ---- handles ----

std::uint64_t Kernel::new_handle(Handle made) {
  std::size_t slot = 0;
  while (slot < handles_.size() && handles_[slot].open()) ++slot;
  if (slot == handles_.size()) handles_.emplace_back();
  made.image = image();
  handles_[slot] = std::move(made);
  return first_handle + 4 * slot;
}

std::uint64_t Kernel::open_handle(Registry::Key* key) {
  return new_handle({.key = key});
}
std::uint64_t Kernel::open_object_handle(void* object) {
  return new_handle({.object = object});
}
std::uint64_t Kernel::open_file_handle(std::unique_ptr<OpenFile> file) {
  return new_handle({.file = std::move(file)});
}

const Kernel::Handle* Kernel::handle_at(std::uint64_t handle) const {
  const std::uint64_t slot = (handle - first_handle) / 4;
  return handle % 4 == 0 && slot < handles_.size() ? &handles_[slot] : nullptr;
}

Registry::Key* Kernel::key_of(std::uint64_t handle) const {
  const Handle* known = handle_at(handle);
  return known == nullptr ? nullptr : known->key;
}

void* Kernel::object_of(std::uint64_t handle) const {
  const Handle* known = handle_at(handle);
  return known == nullptr ? nullptr : known->object;
}

OpenFile* Kernel::file_of(std::uint64_t handle) const {
  const Handle* known = handle_at(handle);
  return known == nullptr ? nullptr : known->file.get();
}

bool Kernel::is_open(const FileTree::Node& node) const {
  return std::any_of(handles_.begin(), handles_.end(),
                     [&](const Handle& handle) { return handle.file != nullptr && handle.file->node == &node; });
}

bool Kernel::is_open(const void* object) const {
  return std::any_of(handles_.begin(), handles_.end(),
                     [object](const Handle& handle) { return handle.object == object; });
}

bool Kernel::close_handle(std::uint64_t handle) {
  const Handle* known = handle_at(handle);
  if (known == nullptr || !known->open()) return false;
  const Handle closed = std::exchange(handles_[(handle - first_handle) / 4], Handle{});
  if (closed.file != nullptr) close_file(*this, *closed.file);
  return true;
}

std::size_t Kernel::open_handles(std::uint16_t image) const {
  return static_cast<std::size_t>(std::count_if(handles_.begin(), handles_.end(), [image](const Handle& handle) {
    return handle.open() && handle.image == image;
  }));
}

}  // namespace dumpsim::kernel
