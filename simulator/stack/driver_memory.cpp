// SPDX-License-Identifier: Apache-2.0
#include "stack/driver_memory.hpp"

#include <cstdint>
#include <map>

#include "kernel/kernel.hpp"

namespace dumpsim::stack {
namespace {

/// Pages by frame, with the image they belong to.
using Owners = std::map<Pfn, std::uint16_t>;

void add_arena(Environment& env, Owners& owners) {
  const machine::PhysicalMemory& memory = env.machine.memory;
  std::size_t left = memory.allocated_pages();
  for (Pfn pfn = memory.first_arena_pfn(); left != 0; ++pfn) {
    const std::byte* page = memory.address_of(pfn);
    if (page == nullptr) continue;
    --left;
    if (memory.is_readable(page)) owners.emplace(pfn, trace::no_image);
  }
  for (const auto& [at, block] : env.kernel->pool().state().live) {
    if (block.image == trace::no_image) continue;
    for (std::uintptr_t page = at / page_size; page * page_size < at + block.bytes; ++page) {
      Pfn pfn = 0;
      if (!memory.known_pfn(reinterpret_cast<const void*>(page * page_size), pfn)) continue;
      if (const auto owner = owners.find(pfn); owner != owners.end()) owner->second = block.image;
    }
  }
}

void add_images(Environment& env, Owners& owners) {
  for (const loader::Image* image : env.images) {
    const kernel::ImageRange* range = env.kernel->image_at(image->base());
    const std::uint16_t id = range == nullptr ? trace::no_image : range->id;
    for (const std::byte* page = image->base(); page < image->base() + image->bytes(); page += page_size) {
      if (env.machine.memory.is_readable(page)) owners.emplace(env.machine.memory.pfn_of(page), id);
    }
  }
}

}  // namespace

std::vector<dumpfile::PageRun> driver_pages(Environment& env) {
  Owners owners;
  add_arena(env, owners);
  add_images(env, owners);
  std::vector<dumpfile::PageRun> runs;
  const auto tell = [&](const dumpfile::PageRun& run, std::uint16_t image) {
    env.recorder.emit(
        {.kind = trace::Kind::dump_pages, .image = image, .arg = run.pages, .offset = run.base * page_size});
    runs.push_back(run);
  };
  dumpfile::PageRun run;
  std::uint16_t image = trace::no_image;
  for (const auto& [pfn, owner] : owners) {
    if (run.pages != 0 && (pfn != run.base + run.pages || owner != image)) {
      tell(run, image);
      run = {};
    }
    if (run.pages == 0) run.base = pfn;
    ++run.pages;
    image = owner;
  }
  if (run.pages != 0) tell(run, image);
  return runs;
}

}  // namespace dumpsim::stack
