// SPDX-License-Identifier: Apache-2.0
// The state all kernel functions share: records and violations, the ways out of a driver, names for addresses, handles.
#include "kernel/kernel.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
#include "kernel/ddi.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_state.hpp"
#include "kernel/line.hpp"

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
      pool_(machine.memory, config.memory_limit),
      io_(std::make_unique<IoState>()) {
  assert(detail::current_kernel == nullptr && all_exports().size() <= max_exports);
  detail::current_kernel = this;
}

Kernel::~Kernel() {
  detail::current_kernel = nullptr;
}

// ---- images ----

void Kernel::register_image(std::uint16_t id, std::string_view name, const void* base, std::size_t bytes,
                            machine::Convention convention) {
  forget_image(id);
  images_.push_back({id, std::string(name), static_cast<const std::byte*>(base), bytes, convention});
}

void Kernel::forget_image(std::uint16_t id) {
  std::erase_if(images_, [id](const ImageRange& image) { return image.id == id; });
  bugcheck_callbacks_.image_gone(id);
}

const ImageRange* Kernel::image_at(const void* address) const {
  for (const ImageRange& image : images_) {
    if (number(address) - number(image.base) < image.bytes) return &image;
  }
  return nullptr;
}

machine::Convention Kernel::convention_of(const void* code) const {
  const ImageRange* image = image_at(code);
  return image == nullptr ? machine::Convention::system_v : image->convention;
}

// ---- calls ----

void Kernel::irql_too_high(std::size_t export_index, std::uint8_t maximum, trace::Severity at_most) {
  for (IrqlViolation& known : irql_violations_) {
    if (known.export_index == export_index && known.image == image_ && known.callback == callback_) {
      ++known.count;
      return;
    }
  }
  const std::uint8_t irql = machine_.processor.irql;
  irql_violations_.push_back({static_cast<std::uint16_t>(export_index), image_, callback_, irql, 1});
  char text[160];
  Line line(text);
  line.put(all_exports()[export_index].name);
  line.put(" called at IRQL ");
  line.put_decimal(irql);
  line.put(", its documented maximum is ");
  line.put_decimal(maximum);
  const trace::Severity severity = std::min(at_most, recorder_.severity_of(trace::Rule::irql_too_high));
  if (severity != trace::Severity::off) {
    recorder_.violation(image_, callback_, trace::Rule::irql_too_high, severity, line.text());
  }
}

// ---- calls into drivers ----

machine::CallResult Kernel::call_routine(const Routine& routine, std::span<const std::uint64_t> arguments) {
  const std::uint16_t outer_image = image_;
  const trace::Callback outer_callback = callback_;
  const ImageRange* range = image_at(routine.code);
  const std::uint16_t id = routine.image != trace::no_image || range == nullptr ? routine.image : range->id;
  const std::uint8_t irql = machine_.processor.irql;
  // A routine that lies nowhere (a null pointer) is called as its driver's others are.
  machine::Convention convention = machine::Convention::system_v;
  for (const ImageRange& image : images_) {
    if (range == nullptr && image.id == id) convention = image.convention;
  }
  if (range != nullptr) convention = range->convention;
  image_ = id;
  callback_ = routine.callback;
  recorder_.emit({.kind = trace::Kind::callback_entered,
                  .callback = routine.callback,
                  .irql = irql,
                  .image = id,
                  .arg = routine.request});
  if (running_hook_ != nullptr) running_hook_(running_context_, id, routine.callback, true);
  const machine::CallResult call = gate_.call(convention, routine.code, arguments);
  if (!call.returned) {
    left_ = call.value;
    return call;
  }
  check_given_back(id, routine.callback, routine.returns_at.value_or(irql), call);
  recorder_.callback_left(id, routine.callback, irql,
                          routine.returns_status ? static_cast<std::int32_t>(call.value) : 0);
  image_ = outer_image;
  callback_ = outer_callback;
  if (running_hook_ != nullptr) running_hook_(running_context_, outer_image, outer_callback, false);
  return call;
}

void Kernel::not_given_back(std::uint16_t image, trace::Callback callback, std::uint8_t irql,
                            const machine::CallResult& call) {
  char text[160];
  if (machine_.processor.irql != irql) {
    Line line(text);
    line.put("entered at IRQL ");
    line.put_decimal(irql);
    line.put(", returned at ");
    line.put_decimal(machine_.processor.irql);
    recorder_.violation(image, callback, trace::Rule::irql_not_restored, line.text());
    machine_.processor.irql = irql;
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
  recorder_.violation(image, callback, trace::Rule::stack_callee_saved_changed, line.text());
}

// ---- records ----

void Kernel::violate(trace::Rule rule, std::string_view detail) {
  recorder_.violation(image_, callback_, rule, detail);
}

void Kernel::bad_pool_caller(trace::Rule rule, std::string_view detail, std::array<std::uint64_t, 4> parameters) {
  violate(rule, detail);
  if (config_.bad_free_stops) bugcheck(BAD_POOL_CALLER, parameters);
}

void Kernel::set_irql(std::uint8_t irql) {
  const std::uint8_t before = machine_.processor.irql;
  if (before == irql) return;
  machine_.processor.irql = irql;
  recorder_.irql_changed(image_, before, irql);
}

void Kernel::bugcheck(std::uint32_t code, std::array<std::uint64_t, 4> parameters) {
  machine_.bugcheck = {true, code, parameters};
  record_bugcheck(image_, callback_);
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
  recorder_.fault(image_, callback_, trace::FaultKind::hang, what);
  assert(gate_.active() && "a deadlock needs a driver's frames to leave");
  if (!gate_.active()) std::abort();
  gate_.leave_all(static_cast<std::uint64_t>(Left::deadlock));
}

void Kernel::stop_waiting(std::uint16_t image, trace::Callback callback, std::string_view what) {
  image_ = image;
  callback_ = callback;
  if (running_hook_ != nullptr) running_hook_(running_context_, image, callback, true);
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
         value - machine::control_region_base < machine::control_region_bytes || gate_.stack().contains(address) ||
         image_at(address) != nullptr || (value >= lowest_host && (value & (value + 1)) != 0);
}

std::uint64_t Kernel::repeatable(std::uint64_t value) const {
  const void* address = reinterpret_cast<const void*>(value);
  using Region = machine::PhysicalMemory::Region;
  if (!is_address(value) || machine_.memory.region_of(address) != Region::unknown ||
      value - machine::control_region_base < machine::control_region_bytes) {
    return value;  // fixed addresses
  }
  if (gate_.stack().contains(address)) return stack_marker;
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
      const std::byte* start = nullptr;
      const Block* block = pool_.block_containing(address, start);
      if (block == nullptr) {
        block = pool_.freed_containing(address, start);
        if (block != nullptr) line.put("freed ");
      }
      if (block == nullptr) {
        line.put("arena");
        line.put_offset(number(address) - machine::arena_base);
        break;
      }
      if (block->kind == BlockKind::pool && block->image == trace::no_image) line.put("system ");
      line.put(block->kind == BlockKind::pool ? "pool#" : "contiguous#");
      line.put_decimal(block->id);
      line.put_offset(number(address) - number(start));
      break;
    }
    case Region::unknown:
      if (gate_.stack().contains(address)) {
        line.put("stack");
        if (detail == Words::full) line.put_offset(number(address) - number(gate_.stack().low()));
      } else if (number(address) - machine::control_region_base < machine::control_region_bytes) {
        line.put("kpcr");
        line.put_offset(number(address) - machine::control_region_base);
      } else if (const ImageRange* image = image_at(address)) {
        line.put("image ");
        line.put(image->name);
        if (detail != Words::canonical) line.put_offset(number(address) - number(image->base));
      } else {
        line.put(memory.is_readable(address) ? "host" : "unmapped");
      }
      break;
  }
  return line.size();
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

// ---- handles ----

std::uint64_t Kernel::open_handle(Registry::Key* key) {
  std::size_t slot = 0;
  while (slot < handles_.size() && handles_[slot].key != nullptr) ++slot;
  if (slot == handles_.size()) handles_.emplace_back();
  handles_[slot] = {key, image_};
  return first_handle + 4 * slot;
}

Registry::Key* Kernel::key_of(std::uint64_t handle) const {
  const std::uint64_t slot = (handle - first_handle) / 4;
  return handle % 4 == 0 && slot < handles_.size() ? handles_[slot].key : nullptr;
}

bool Kernel::close_handle(std::uint64_t handle) {
  if (key_of(handle) == nullptr) return false;
  handles_[(handle - first_handle) / 4].key = nullptr;
  return true;
}

std::size_t Kernel::open_handles(std::uint16_t image) const {
  return static_cast<std::size_t>(std::count_if(handles_.begin(), handles_.end(), [image](const Handle& handle) {
    return handle.key != nullptr && handle.image == image;
  }));
}

}  // namespace dumpsim::kernel
