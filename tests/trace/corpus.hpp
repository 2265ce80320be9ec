// SPDX-License-Identifier: Apache-2.0
// The fuzz corpus of the trace reader, made here and kept under tests/fuzz/corpus/trace: a test compares the two, since
// a corpus of another version's traces would be refused at the header and exercise nothing behind it.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"
#include "trace/layout.hpp"

namespace dumpsim::trace::test {

inline const RecorderOptions small_tables{.images = 2, .call_runs = 16, .sites = 2};

inline std::string small_trace(std::size_t bytes, bool with_end = true) {
  const Block block(bytes);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, small_tables);
  recorder.timeline_step("boot");
  recorder.image_loaded(0, "dump_xor");
  recorder.callback_entered(0, Callback::driver_entry, 0);
  recorder.debug_print(0, 3, "gr\xc3\xbc\xc3\x9f dich\x1b[31m\n");
  recorder.callback_left(0, Callback::driver_entry, 0, success, change_init);
  recorder.crash_started(0xe2, {1, 2, 3, 4});
  recorder.section("pages");
  for (std::uint64_t i = 0; i < 4; ++i) write_step(recorder, 0x100000 + i * 4096, 4096);
  recorder.violation(0, Callback::write, Rule::mdl_flags_changed, Severity::warning, "MdlFlags 0x1 became 0x5");
  recorder.callback_entered(0, Callback::finish, 15);
  recorder.bugcheck(0, Callback::finish, 0xd1, {1, 2, 3, 4});
  if (with_end) recorder.ended("bugchecked");
  const std::span<const std::byte> all = block.bytes();
  // Only what was used: the rest of the block is not part of a saved trace.
  const std::size_t used = block.header().records_at + block.header().written;
  return std::string(reinterpret_cast<const char*>(all.data()), used);
}

/// What a child leaves that dies while its steps are passed over.
inline std::string unsaid_trace() {
  const Block block(16384);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, small_tables);
  recorder.image_loaded(0, "dump_xor");
  for (std::uint64_t i = 0; i < 5; ++i) write_step(recorder, 0x100000 + i * 4096, 4096);
  recorder.begin_step();
  recorder.callback_entered(0, Callback::write, 15, 4096, 0x100000 + 5 * 4096, mdl_mapped, 1);
  const std::span<const std::byte> all = block.bytes();
  return std::string(reinterpret_cast<const char*>(all.data()), block.header().records_at + block.header().written);
}

inline std::string changed(std::string trace, const auto& change) {
  TraceHeader header;
  std::memcpy(&header, trace.data(), sizeof header);
  std::vector<Record*> records;
  const auto record_at = [&](std::size_t index) {
    // Records are found by walking, so that the corpus follows the layout.
    std::size_t at = header.records_at;
    Record record;
    for (;; --index) {
      std::memcpy(&record, trace.data() + at, sizeof record);
      if (index == 0) return at;
      at += sizeof record + padded(record.payload);
    }
  };
  const auto edit_record = [&](std::size_t index, const auto& edit) {
    const std::size_t at = record_at(index);
    Record record;
    std::memcpy(&record, trace.data() + at, sizeof record);
    edit(record);
    std::memcpy(trace.data() + at, &record, sizeof record);
  };
  change(header, edit_record);
  std::memcpy(trace.data(), &header, sizeof header);
  return trace;
}

inline std::size_t runs_at() {
  return sizeof(TraceHeader) +
         small_tables.images * (sizeof(ImageName) + static_cast<std::size_t>(Callback::count_) * sizeof(CallbackTally));
}

inline std::size_t sites_at() {
  return runs_at() + small_tables.call_runs * sizeof(CallRun);
}

inline std::vector<std::pair<std::string, std::string>> corpus_files() {
  const std::string valid = small_trace(16384);
  const auto ignore = [](TraceHeader&, const auto&) {};
  std::vector<std::pair<std::string, std::string>> files;
  const auto add = [&](const char* name, std::string bytes) { files.emplace_back(name, std::move(bytes)); };
  add("valid", valid);
  add("died", small_trace(16384, false));
  add("full", small_trace(Recorder::minimum_bytes(small_tables)));
  add("empty", "");
  add("header-only", valid.substr(0, sizeof(TraceHeader)));
  add("cut-in-a-record", valid.substr(0, valid.size() - 100));
  add("cut-in-the-tables", valid.substr(0, sizeof(TraceHeader) + 10));
  add("wrong-magic", changed(valid, [](TraceHeader& h, const auto&) { h.magic ^= 1; }));
  add("other-version", changed(valid, [](TraceHeader& h, const auto&) { ++h.kind_count; }));
  add("written-beyond-the-end", changed(valid, [](TraceHeader& h, const auto&) { h.written = UINT64_MAX - 7; }));
  add("huge-tables", changed(valid, [](TraceHeader& h, const auto&) { h.image_capacity = UINT32_MAX; }));
  add("records-elsewhere", changed(valid, [](TraceHeader& h, const auto&) { h.records_at = UINT64_MAX; }));
  add("more-runs-than-fit", changed(valid, [](TraceHeader& h, const auto&) { h.run_count = UINT64_MAX; }));
  add("kind-unknown", changed(valid, [](TraceHeader&, const auto& edit) {
        edit(4, [](Record& r) { r.kind = static_cast<Kind>(0xffff); });
      }));
  add("callback-unknown", changed(valid, [](TraceHeader&, const auto& edit) {
        edit(2, [](Record& r) { r.callback = static_cast<Callback>(0xff); });
      }));
  add("payload-too-long",
      changed(valid, [](TraceHeader&, const auto& edit) { edit(3, [](Record& r) { r.payload = 0xffff; }); }));
  add("payload-beyond-the-end",
      changed(valid, [](TraceHeader&, const auto& edit) { edit(14, [](Record& r) { r.payload = 512; }); }));
  add("repeat-for-ever", changed(valid, [](TraceHeader&, const auto& edit) {
        edit(10, [](Record& r) { r.arg = UINT64_MAX, r.length = UINT32_MAX; });
      }));
  add("repeat-of-nothing",
      changed(valid, [](TraceHeader&, const auto& edit) { edit(10, [](Record& r) { r.flags = 1000; }); }));
  add("values-out-of-range", changed(valid, [](TraceHeader&, const auto& edit) {
        for (std::size_t i = 0; i < 10; ++i) {
          edit(i, [](Record& r) {
            r.image = 77, r.status = -1, r.flags = UINT32_MAX, r.moves = UINT32_MAX;
            r.arg = r.offset = r.before = r.object = r.time = UINT64_MAX;
          });
        }
        edit(11, [](Record& r) { r.arg = UINT64_MAX, r.flags = UINT32_MAX; });
      }));
  std::string runs = changed(valid, ignore);
  const CallRun garbled{.image = 1, .callback = Callback::write, .cycle = 255, .status = 1, .count = UINT64_MAX};
  std::memcpy(runs.data() + runs_at() + sizeof(CallRun), &garbled, sizeof garbled);
  add("round-beyond-the-runs", runs);
  std::string sites = changed(valid, [](TraceHeader& h, const auto&) { h.site_count = UINT64_MAX; });
  ViolationSite wild;
  wild.rule = 0xffff, wild.image = 77, wild.callback = static_cast<Callback>(0xff), wild.severity = 0xff;
  std::memcpy(sites.data() + sites_at(), &wild, sizeof wild);
  wild.rule = 0, wild.callback = Callback::write, wild.severity = 3, wild.length = 0xffff, wild.count = UINT64_MAX;
  wild.text.fill('\x1b');
  std::memcpy(sites.data() + sites_at() + sizeof wild, &wild, sizeof wild);
  add("sites-garbled", sites);
  std::string nested = changed(valid, [](TraceHeader&, const auto& edit) {
    for (const std::size_t i : {2u, 4u, 7u, 8u, 9u, 12u}) edit(i, [](Record& r) { r.kind = Kind::callback_entered; });
  });
  add("never-left", nested);
  add("unsaid", unsaid_trace());
  add("unsaid-for-ever", changed(unsaid_trace(), [](TraceHeader& h, const auto&) { h.followed = UINT64_MAX; }));
  add("unsaid-of-too-many",
      changed(unsaid_trace(), [](TraceHeader&, const auto& edit) { edit(4, [](Record& r) { r.flags = 5; }); }));
  add("unsaid-callback-unknown", changed(unsaid_trace(), [](TraceHeader&, const auto& edit) {
        edit(2, [](Record& r) { r.callback = static_cast<Callback>(0xff); });
      }));
  add("unsaid-run-unknown", changed(unsaid_trace(), [](TraceHeader& h, const auto&) { h.round_calls = UINT64_MAX; }));
  return files;
}

}  // namespace dumpsim::trace::test
