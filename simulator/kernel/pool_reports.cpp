// SPDX-License-Identifier: Apache-2.0
// What is said of memory that was used wrongly: whose block it is, its tag and size, how far beside it. The words are
// those of a trace, the same in every run.
#include <algorithm>

#include "base/text.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
#include "machine/fault_trap.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

using Where = Pool::Place::Where;
using trace::Rule;

void put_count(Line& line, std::size_t count, std::string_view what) {
  line.put_decimal(count);
  line.put(' ');
  line.put(what);
  if (count != 1) line.put('s');
}

/// "pool#3 'roX ' of dump_xor, 512 bytes".
void put_block(Line& line, const Kernel& kernel, const Block& block, const std::byte* start) {
  line.skip(kernel.words(start, line.rest(), Words::canonical));
  if (block.tag != 0) {
    line.put(' ');
    line.put_tag(block.tag & 0x7FFFFFFF);
  }
  if (block.image != trace::no_image) {
    line.put(" of ");
    line.put(kernel.image_name(block.image));
  }
  line.put(", ");
  put_count(line, block.bytes, "byte");
}

/// Whether the block was made for `pages` pages: a buffer of just so many, or an MDL with a frame number for each.
bool is_made_for(const Block& block, std::uint64_t pages) {
  if (block.kind == BlockKind::pool && block.tag == mdl_tag) {
    return block.bytes == sizeof(MDL) + pages * sizeof(PFN_NUMBER);
  }
  return block.bytes == pages * page_size;
}

}  // namespace

PoolOptions Kernel::pool_options(Kernel& kernel, const Config& config) {
  PoolOptions options;
  options.limit = config.memory_limit;
  options.special = config.special_pool;
  options.tags = config.tags;
  options.hooks = {
      .context = &kernel, .damaged = pool_damaged, .over_limit = pool_over_limit, .unguarded = pool_unguarded};
  return options;
}

// Windows stops with 0xC1 when such a block is freed [doc]; here the run goes on, so that one run shows all
// that a filter does.
void Kernel::pool_damaged(void* kernel, const PoolDamage& damage) {
  Kernel& self = *static_cast<Kernel*>(kernel);
  const Block& block = *damage.block;
  char text[256];
  Line line(text);
  put_count(line, damage.bytes, "byte");
  line.put(damage.bytes == 1 ? " was written " : " were written ");
  line.put(damage.before ? "before the start of " : "behind the end of ");
  put_block(line, self, block, damage.start);
  if (damage.distance != 1) {
    line.put("; the nearest is ");
    line.put_decimal(damage.distance);
    line.put(" bytes away");
  }
  // Seen in a callback of the owner's it is that callback's; else nobody knows whose.
  const bool own = self.image() == block.image;
  const std::uint64_t site = self.recorder_.sites();
  self.recorder_.violation(block.image, own ? self.callback() : trace::Callback::none,
                           damage.before ? Rule::pool_underrun : Rule::pool_overrun, line.text(),
                           own ? self.site_of(block.image) : trace::CodeSite{});
  self.recorder_.show_bytes(site, damage.change);
}

void Kernel::pool_over_limit(void* kernel, std::uint16_t image, std::uint64_t bytes) {
  Kernel& self = *static_cast<Kernel*>(kernel);
  if (std::find(self.over_limit_.begin(), self.over_limit_.end(), image) != self.over_limit_.end()) return;
  self.over_limit_.push_back(image);
  if (image == trace::no_image) return;
  const Pool::Outstanding held = self.pool_.outstanding(image);
  char text[160];
  Line line(text);
  line.put("has ");
  put_count(line, held.blocks, "block");
  line.put(" with ");
  line.put_decimal(held.bytes);
  line.put(" bytes and asked for ");
  line.put_decimal(bytes);
  line.put(" more; limits.memory is ");
  line.put_decimal(self.config_.memory_limit);
  self.violate(Rule::pool_quota_exceeded, line.text());
}

void Kernel::pool_unguarded(void* kernel, std::size_t blocks) {
  Kernel& self = *static_cast<Kernel*>(kernel);
  char text[160];
  Line line(text);
  line.put("special-pool = off for every block beyond ");
  line.put_decimal(blocks);
  line.put(": the host has no room for more guard pages (vm.max_map_count)");
  self.recorder_.policy(self.config_.special_pool_policy, line.text());
}

bool Kernel::report_pool_fault(const machine::FaultReport& fault) {
  if (fault.kind != machine::FaultKind::access || !fault.address_known) return false;
  const auto place = pool_.place_of(reinterpret_cast<const void*>(fault.address));
  if (!place || (place->where == Where::inside && !place->freed)) return false;
  const Block& block = *place->block;
  const ImageRange* by = image_at(reinterpret_cast<const void*>(fault.registers.rip));
  const std::uint16_t who = by != nullptr ? by->id : image();
  const trace::CodeSite site = site_of_fault(who, fault);
  char text[320];
  Line line(text);
  line.put(fault.access == machine::FaultAccess::write     ? "wrote"
           : fault.access == machine::FaultAccess::execute ? "jumped"
                                                           : "read");
  Rule rule = Rule::pool_use_after_free;
  if (place->freed) {
    line.put(fault.access == machine::FaultAccess::execute ? " into " : " at ");
    line.put_decimal(fault.address - reinterpret_cast<std::uintptr_t>(place->start));
    line.put(" of ");
    put_block(line, *this, block, place->start);
  } else if (place->where == Where::before) {
    rule = Rule::pool_underrun;
    line.put(' ');
    put_count(line, place->distance, "byte");
    line.put(" before the start of ");
    put_block(line, *this, block, place->start);
  } else {
    const bool scratch = callback() == trace::Callback::write && transfer_.max_pages != 0 &&
                         transfer_.pages > transfer_.max_pages && is_made_for(block, transfer_.max_pages);
    rule = scratch ? Rule::scratch_overrun : Rule::pool_overrun;
    line.put(' ');
    put_count(line, place->distance, "byte");
    line.put(" behind the end of ");
    put_block(line, *this, block, place->start);
    if (scratch) {
      line.put(": it was made for ");
      put_count(line, transfer_.max_pages, "page");
      line.put(" and the write spans ");
      line.put_decimal(transfer_.pages);
    }
  }
  recorder_.violation(who, callback(), rule, line.text(), site);
  return true;
}

}  // namespace dumpsim::kernel
