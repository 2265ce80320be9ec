// SPDX-License-Identifier: Apache-2.0
#include "bench_machine.hpp"

#include <cstdio>
#include <cstdlib>

#include "engine/registry_seed.hpp"

namespace dumpsim::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(3);
  }
  return std::move(*result);
}

}  // namespace

BenchMachine::BenchMachine(const Shape& shape) : memory_(shape.memory), pages_(shape.pages) {
  scenario_.system.memory.runs = {{0, shape.memory >> page_shift}};
  scenario_.dump.file.size = shape.memory + (std::uint64_t{4} << 20);
  scenario_.policies.set(policy::Policy::max_pages_per_write, {shape.pages});
  if (!shape.checks) scenario_.policies.set(policy::Policy::special_pool, {0});
  for (unsigned i = 0; i < shape.filters; ++i) {
    scenario::Filter filter = shape.like;
    filter.image = shape.image;
    filter.name = "filter" + std::to_string(i);
    scenario_.filters.push_back(filter);
  }
  scenario::fill_defaults(scenario_);
  plan_ = must(engine::plan(scenario_));
  plan_.registry = must(engine::registry_edits(scenario_));
  machine::PhysicalMemory::Options options;
  if (!shape.materialised) options.materialise_limit = 0;
  machine_ = std::make_unique<machine::Machine>(
      machine::Machine{.memory = must(machine::PhysicalMemory::create(plan_.ram, plan_.source, options))});
  disk_ = must(disk::make_disk(shape.backend,
                               {.path = shape.path, .access = disk::Access::replace, .size = scenario_.disk.size}));
  shared_ = std::make_unique<engine::SharedBlock>(must(engine::SharedBlock::create()));
  trace_ = must(Mapping::shared(std::size_t{16} << 20));
  recorder_ = std::make_unique<trace::Recorder>(trace_.bytes(), &machine_->clock.now, trace::RecorderOptions{});
  session_ = must(engine::Session::create(scenario_, plan_, must(engine::find_images(scenario_, {})), *machine_, *disk_,
                                          *recorder_, shared_->texts()));
  stack_ = std::make_unique<stack::DumpStack>(session_->environment(), stack::Usage::crash, session_->filters());
  must(stack_->load());
  stack_->start();
  write_all();  // touches memory, window and disk
}

std::uint64_t BenchMachine::write_all() {
  stack::FileWriter writer(session_->environment(), *stack_, plan_.dump_file);
  if (!writer.write_ram(0, 0, memory_ >> page_shift)) {
    std::fprintf(stderr, "bench: a write failed\n");
    std::exit(3);
  }
  return memory_ / (pages_ * page_size);
}

void BenchMachine::call_nobody(std::uint64_t times) {
  struct Nobody {
    static std::uint64_t call(const void*, const void*, const void*) { return 0; }
  };
  machine::Gate& gate = session_->environment().gate;
  const std::uint64_t arguments[] = {1, 2, 3};
  for (std::uint64_t i = 0; i < times; ++i)
    gate.call(machine::Convention::system_v, reinterpret_cast<const void*>(&Nobody::call), arguments);
}

std::uint64_t BenchMachine::write_one_buffer() {
  stack::FileWriter writer(session_->environment(), *stack_, plan_.dump_file);
  const std::uint64_t length = pages_ * page_size;
  for (std::uint64_t at = 0; at < memory_; at += length) {
    if (!writer.write_ram(at, 0, pages_)) {
      std::fprintf(stderr, "bench: a write failed\n");
      std::exit(3);
    }
  }
  return memory_ / length;
}

}  // namespace dumpsim::bench
