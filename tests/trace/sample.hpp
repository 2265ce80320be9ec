// SPDX-License-Identifier: Apache-2.0
// One small life of a machine with an XOR filter, as the stack would report it: what the golden files, the fuzz corpus
// and the reader's tests are made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "trace/recorder.hpp"

namespace dumpsim::trace::test {

/// A block aligned as shared memory is, filled with a pattern so that nothing relies on zeroed memory.
class Block {
 public:
  explicit Block(std::size_t bytes)
      : bytes_(bytes), memory_(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64}))) {
    std::fill_n(memory_.get(), bytes, std::byte{0xa5});
  }
  std::span<std::byte> bytes() const { return {memory_.get(), bytes_}; }
  TraceHeader& header() const { return *reinterpret_cast<TraceHeader*>(memory_.get()); }

 private:
  struct Delete {
    void operator()(std::byte* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::size_t bytes_;
  std::unique_ptr<std::byte, Delete> memory_;
};

inline constexpr std::int32_t success = 0;
inline constexpr std::int32_t unsuccessful = static_cast<std::int32_t>(0xc0000001);
inline constexpr std::uint32_t mdl_mapped = 1;

/// One write of `length` bytes at `offset` through a filter that retargets the MDL.
inline void write_step(Recorder& recorder, std::uint64_t offset, std::uint32_t length, std::uint16_t image = 0) {
  recorder.begin_step();
  recorder.callback_entered(image, Callback::write, 15, length, offset, mdl_mapped, 1);
  recorder.callback_left(image, Callback::write, 15, success, change_mapped_va | change_start_va | change_pfns, length,
                         offset, offset, 1);
  recorder.port_write(success, 0x100000 + offset, length);
  recorder.end_step();
}

/// Boot, crash, a dump of `pages` writes of 64 KiB, a violation, a filter that fails in the end.
inline void record_sample(Recorder& recorder, std::uint64_t& clock, std::uint64_t pages) {
  recorder.timeline_step("boot");
  for (std::uint32_t stage = 0x2001; stage <= 0x2005; ++stage) recorder.stack_stage(stage, success);
  recorder.image_loaded(0, "dump_xor");
  recorder.callback_entered(0, Callback::driver_entry, 0);
  recorder.registry_read(0, success, "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\xor\\Parameters",
                         "Key");
  recorder.kernel_call(0, 0, 17, success, "MmAllocateContiguousMemory(0x10000, 0x7ffffffffff)");
  recorder.debug_print(0, 3, "xor: ready\r\n");
  recorder.callback_left(0, Callback::driver_entry, 0, success, change_init);
  recorder.stack_stage(0x2006, success);
  recorder.usage_notification(3, true, success);
  clock += 20;
  recorder.timeline_step("crash");
  recorder.crash_started(0xe2, {1, 2, 3, 0});
  recorder.callback_entered(0, Callback::start, 15);
  recorder.callback_left(0, Callback::start, 15, success);
  recorder.port_opened(success, 0x100000);
  recorder.section("header");
  write_step(recorder, 0x100000, 8192);
  recorder.section("pages");
  for (std::uint64_t i = 0; i < pages; ++i) {
    clock += 100;
    write_step(recorder, 0x102000 + i * 65536, 65536);
  }
  recorder.begin_step();
  recorder.callback_entered(0, Callback::write, 15, 4096, 0x900000, mdl_mapped, 1);
  recorder.irql_changed(0, 15, 2);
  recorder.violation(0, Callback::write, Rule::mdl_flags_changed, Severity::warning, "MdlFlags 0x1 became 0x5");
  recorder.violation(0, Callback::write, Rule::write_buffer_modified, Severity::error,
                     "byte 0x10 of 0x1000 changed from 0x41 to 0xeb");
  recorder.callback_left(0, Callback::write, 15, unsuccessful, change_mdl_flags | change_buffer | change_offset, 4096,
                         0xa00000, 0x900000, 1);
  recorder.redirected(0, 4096, 0xa00000, 0x900000);
  recorder.port_write(success, 0xb00000, 4096);
  recorder.end_step();
  recorder.filter_disabled(0, Callback::write, unsuccessful);
  recorder.callback_absent(0, Callback::read);
  recorder.port_finished(success);
  recorder.policy(6, "filter-failure = disable");
  recorder.reboot();
  recorder.ended("completed");
}

}  // namespace dumpsim::trace::test
