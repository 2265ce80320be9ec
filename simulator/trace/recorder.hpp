// SPDX-License-Identifier: Apache-2.0
// Writes events into memory shared with the parent, under a fixed bound, at a few nanoseconds each. Folding happens
// here, while the step is still in the cache; so do the tallies that expectations read, which stay exact however much
// was folded or did not fit. Single-threaded, allocation-free after construction, async-signal-safe (a fault handler
// emits). What has no payload is inline, since a dump of a terabyte passes here a hundred million times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string_view>

#include "base/alone.hpp"
#include "trace/layout.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"

namespace dumpsim::trace {

struct RecorderOptions {
  bool fold = true;      ///< equal steps become one `repeat`
  bool digests = false;  ///< digests of transferred data in port_write/callback records (breaks folding by nature)
  /// By rule; a scenario's [rules] overrides the table's defaults.
  std::array<Severity, static_cast<std::size_t>(Rule::count_)> severities = default_severities();
  std::uint32_t images = max_images;        ///< size of the table of images; ids at or above it get no tally
  std::uint32_t call_runs = max_call_runs;  ///< size of the table of runs
  std::uint32_t sites = max_sites;          ///< size of the table of places at which rules were broken
  bool untouched = false;  ///< the memory is fresh from the system: zeros, which are not written once more
};

/// Where in an image something happened: an offset from its base.
struct CodeSite {
  std::uint32_t offset = 0;  ///< 0: not known
  bool exact = false;        ///< of the instruction itself, not of the one behind a call
};

class Recorder {
 public:
  /// `memory` is the shared block, aligned to 64 bytes and at least minimum_bytes(options); what it held is lost.
  /// `clock` is the machine's virtual time, read at each record. Both outlive the recorder.
  Recorder(std::span<std::byte> memory, const std::uint64_t* clock, RecorderOptions options);

  /// The tables, the reserve, and room for a few records.
  static std::size_t minimum_bytes(const RecorderOptions& options = {});

  /// `time`, `moves` and `payload` are the recorder's to fill. REQUIRES: the latter two are 0, the kind is a valid one.
  [[gnu::always_inline]] void emit(const Record& record) {
    ++header_->kinds[static_cast<std::size_t>(record.kind)];
    if (next_at_ != kept_end_ && is_next(record, 0)) {
      pass(sizeof(Record));
      return;
    }
    settle();
    tally(record);
    if (at_ > last_slot_) [[unlikely]] {
      const Record copy = record;
      emit_at_the_end(copy, {}, *clock_);
      return;
    }
    // Field by field, so that a record given as constants and registers goes straight to its place.
    auto* slot = new (area_ + at_) Record;
    slot->kind = record.kind;
    slot->callback = record.callback;
    slot->irql = record.irql;
    slot->image = record.image;
    slot->payload = 0;
    slot->status = record.status;
    slot->length = record.length;
    slot->flags = record.flags;
    slot->moves = 0;
    slot->arg = record.arg;
    slot->offset = record.offset;
    slot->before = record.before;
    slot->object = record.object;
    slot->time = *clock_;
    publish(at_ + sizeof(Record));
  }
  /// A payload above max_payload is cut.
  void emit(const Record& record, std::span<const std::byte> payload);
  /// Cut at a UTF-8 boundary and marked with "…" when too long.
  void emit(const Record& record, std::string_view payload);

  /// Brackets one foldable unit (a physical write with its callbacks). Steps do not nest; a fault inside leaves it
  /// open, and what was recorded stays.
  ///
  /// A step folds into the one kept before it when no record stands between them, both have the same records with
  /// equal shapes and payloads and the same `object` (an MDL's id stays; a digest does not, so digests do not fold),
  /// and every `offset` and `before` is where the kept one's would be after so many repeats: unmoved, or moved on by
  /// exactly the transfer's length each time. The transfer's length is that of the step's first callback_entered that
  /// has one, or else the sum over its port records. Time does not count. Expanded by its `repeat` record, the kept
  /// step gives back every record but its time.
  ///
  /// From the third on such a step is not written at all but compared as it comes, time included; at the first
  /// difference what was passed over is written down after all. So the block lags behind until settle().
  void begin_step() {
    if (in_step_) [[unlikely]]
      settle();  // the one before was left open
    in_step_ = true;
    step_at_ = at_;
    step_run_ = run_count_;
    began_ = *clock_;
    if (!follows_) return;
    next_at_ = kept_at_;
    moved_[1] = transfer_ * (repeats_ + 1);
    header_->later = later_ = began_ - kept_began_;
  }
  void end_step() {
    if (!in_step_) return;
    if (follows_) {
      if (next_at_ == kept_end_) [[likely]] {
        in_step_ = false;
        ++repeats_;
        tell_repeat_time();
        return;
      }
      settle();
    }
    in_step_ = false;
    const bool calls = run_count_ != step_run_;
    const bool again = close_unit(step_run_);
    if (options_.fold && fold_step() && again && header_->runs_missed == 0) follow(calls);
  }
  /// Makes the block say all that was recorded, for whoever looks at it while the recorder goes on. Async-signal-safe.
  void settle() {
    if (follows_) stop_following();
  }

  /// For the parent, when the child that shared the block is dead: settles what the child did not, and goes on where it
  /// stopped, so that the last words (fault, ended) can be added. False when what the child left cannot be continued.
  bool catch_up();

  /// Records of that kind so far, whether they fitted or not.
  std::uint64_t emitted(Kind kind) const { return header_->kinds[static_cast<std::size_t>(kind)]; }

  Severity severity_of(Rule rule) const { return options_.severities[static_cast<std::size_t>(rule)]; }
  bool digests() const { return options_.digests; }

  // One call per kind, named after it: what each slot means is record.hpp's and docs/trace.md's. `image` is an id below
  // max_images that the caller gives out, or no_image.
  void timeline_step(std::string_view name) { emit({.kind = Kind::timeline_step}, name); }
  void crash_started(std::uint32_t code, const std::array<std::uint64_t, 4>& parameters) {
    emit({.kind = Kind::crash_started, .arg = code}, std::as_bytes(std::span(parameters)));
  }
  void reboot() { emit({.kind = Kind::reboot}); }
  void power_cut() { emit({.kind = Kind::power_cut}); }

  void stack_stage(std::uint32_t stage, std::int32_t status) {
    emit({.kind = Kind::stack_stage, .status = status, .arg = stage});
  }
  /// Also enters `name` ("dump_xor") into the table of images. Ids are given out in order and not given again.
  void image_loaded(std::uint16_t image, std::string_view name);
  void image_unloaded(std::uint16_t image) { emit({.kind = Kind::image_unloaded, .image = image}); }
  /// Write and read have a transfer: `length`, `offset` and the MDL's flags and id; the others leave them 0.
  void callback_entered(std::uint16_t image, Callback callback, std::uint8_t irql, std::uint32_t length = 0,
                        std::uint64_t offset = 0, std::uint32_t mdl_flags = 0, std::uint64_t mdl = 0) {
    emit({.kind = Kind::callback_entered,
          .callback = callback,
          .irql = irql,
          .image = image,
          .length = length,
          .flags = mdl_flags,
          .offset = offset,
          .object = mdl});
  }
  /// `offset` as the callback left it, `before` as it was entered; `changes` are Change bits.
  void callback_left(std::uint16_t image, Callback callback, std::uint8_t irql, std::int32_t status,
                     std::uint32_t changes = 0, std::uint32_t length = 0, std::uint64_t offset = 0,
                     std::uint64_t before = 0, std::uint64_t object = 0) {
    emit({.kind = Kind::callback_left,
          .callback = callback,
          .irql = irql,
          .image = image,
          .status = status,
          .length = length,
          .flags = changes,
          .offset = offset,
          .before = before,
          .object = object});
  }
  void callback_absent(std::uint16_t image, Callback callback) {
    emit({.kind = Kind::callback_absent, .callback = callback, .image = image});
  }
  void filter_disabled(std::uint16_t image, Callback callback, std::int32_t status) {
    emit({.kind = Kind::filter_disabled, .callback = callback, .image = image, .status = status});
  }
  void usage_notification(std::uint32_t type, bool entering, std::int32_t status) {
    emit({.kind = Kind::usage_notification, .status = status, .flags = entering ? 1u : 0u, .arg = type});
  }
  void section(std::string_view name) { emit({.kind = Kind::section}, name); }
  void port_opened(std::int32_t status, std::uint64_t partition_start) {
    emit({.kind = Kind::port_opened, .status = status, .offset = partition_start});
  }
  /// `offset` is absolute on the disk; `digest` of the bytes when digests() asks for it.
  void port_write(std::int32_t status, std::uint64_t offset, std::uint32_t length, std::uint64_t digest = 0) {
    emit({.kind = Kind::port_write, .status = status, .length = length, .offset = offset, .object = digest});
  }
  void port_read(std::int32_t status, std::uint64_t offset, std::uint32_t length, std::uint64_t digest = 0) {
    emit({.kind = Kind::port_read, .status = status, .length = length, .offset = offset, .object = digest});
  }
  void port_finished(std::int32_t status) { emit({.kind = Kind::port_finished, .status = status}); }
  /// Both offsets are relative to the partition: where it went, where crashdmp sent it.
  void redirected(std::uint16_t image, std::uint32_t length, std::uint64_t went, std::uint64_t sent) {
    emit({.kind = Kind::redirected, .image = image, .length = length, .offset = went, .before = sent});
  }

  /// `call` is the whole call as text: "ExFreePoolWithTag(pool#3, 'roX ')".
  void kernel_call(std::uint16_t image, std::uint8_t irql, std::uint64_t export_index, std::int32_t status,
                   std::string_view call) {
    emit({.kind = Kind::kernel_call, .irql = irql, .image = image, .status = status, .arg = export_index}, call);
  }
  void irql_changed(std::uint16_t image, std::uint8_t from, std::uint8_t to) {
    emit({.kind = Kind::irql_changed, .irql = to, .image = image, .arg = (static_cast<std::uint64_t>(from) << 8) | to});
  }
  void debug_print(std::uint16_t image, std::uint32_t level, std::string_view text) {
    emit({.kind = Kind::debug_print, .image = image, .arg = level}, text);
  }
  void filter_missing(std::int32_t status, std::string_view file) {
    emit({.kind = Kind::filter_missing, .status = status}, file);
  }
  /// Recorded as `KEY\VALUE`.
  void registry_read(std::uint16_t image, std::int32_t status, std::string_view key, std::string_view value);
  /// `data` in words (trace/registry_words.hpp).
  void registry_written(std::uint16_t image, std::int32_t status, std::string_view key, std::string_view value,
                        std::uint32_t type, std::string_view data);
  void registry_created(std::uint16_t image, std::int32_t status, std::string_view key) {
    emit({.kind = Kind::registry_created, .image = image, .status = status}, key);
  }
  /// A value of `key`; the key itself when there is no value.
  void registry_deleted(std::uint16_t image, std::int32_t status, std::string_view key,
                        std::optional<std::string_view> value = {});
  void file_opened(std::uint16_t image, std::int32_t status, std::uint64_t action, std::string_view path) {
    emit({.kind = Kind::file_opened, .image = image, .status = status, .arg = action}, path);
  }
  void file_read(std::uint16_t image, std::int32_t status, std::uint64_t offset, std::uint32_t length,
                 std::string_view path) {
    emit({.kind = Kind::file_read, .image = image, .status = status, .length = length, .offset = offset}, path);
  }
  void file_written(std::uint16_t image, std::int32_t status, std::uint64_t offset, std::uint32_t length,
                    std::string_view path) {
    emit({.kind = Kind::file_written, .image = image, .status = status, .length = length, .offset = offset}, path);
  }
  void file_changed(std::uint16_t image, std::int32_t status, std::string_view path, std::string_view change);
  void device_opened(std::uint16_t image, std::string_view name, std::int32_t status) {
    emit({.kind = Kind::device_opened, .image = image, .status = status}, name);
  }
  /// `detail`: strings and dump data in words.
  void error_logged(std::uint16_t image, std::uint32_t code, std::int32_t final_status, std::uint32_t unique,
                    std::string_view device, std::string_view detail);
  void device_control(std::uint16_t image, std::string_view device, std::uint32_t code, std::uint32_t input_length,
                      std::uint32_t output_length, std::int32_t status) {
    emit({.kind = Kind::device_control,
          .image = image,
          .status = status,
          .length = output_length,
          .flags = input_length,
          .arg = code},
         device);
  }
  /// `request` is request_of()'s; length and offset are those of a read or write.
  void request(std::uint16_t image, std::string_view device, std::uint64_t request, std::uint32_t length,
               std::uint64_t offset, std::int32_t status) {
    emit({.kind = Kind::request, .image = image, .status = status, .length = length, .arg = request, .offset = offset},
         device);
  }
  /// An IRP's transfer at the bottom of the storage stack; `offset` and `digest` as for the port's.
  void disk_transfer(std::uint16_t image, bool write, std::int32_t status, std::uint64_t offset, std::uint32_t length,
                     std::uint64_t digest) {
    emit({.kind = write ? Kind::disk_write : Kind::disk_read,
          .image = image,
          .status = status,
          .length = length,
          .offset = offset,
          .object = digest});
  }
  void disk_flushed(std::uint16_t image, std::int32_t status) {
    emit({.kind = Kind::disk_flushed, .image = image, .status = status});
  }
  /// `words` name what was done: "read cr8 = 0xf".
  void instruction(std::uint16_t image, std::uint8_t irql, bool foreign, std::string_view words) {
    emit({.kind = Kind::instruction, .irql = irql, .image = image, .flags = foreign ? 1u : 0u}, words);
  }
  void exception(std::uint16_t image, std::uint8_t irql, std::int32_t status, std::string_view outcome) {
    emit({.kind = Kind::exception, .irql = irql, .image = image, .status = status}, outcome);
  }

  /// `image` is its start routine's; threads by their number.
  void thread_created(std::uint16_t image, std::uint32_t thread) {
    emit({.kind = Kind::thread_created, .image = image, .object = thread});
  }
  void thread_ended(std::uint16_t image, std::uint32_t thread, std::int32_t status) {
    emit({.kind = Kind::thread_ended, .image = image, .status = status, .object = thread});
  }
  void thread_switched(std::uint16_t image, std::uint32_t from, std::uint32_t to) {
    emit({.kind = Kind::thread_switched, .image = image, .before = from, .object = to});
  }
  void timer_expired(std::uint16_t image, std::string_view where) {
    emit({.kind = Kind::timer_expired, .image = image}, where);
  }
  void dpc_run(std::uint16_t image, std::uint8_t irql) { emit({.kind = Kind::dpc_run, .irql = irql, .image = image}); }
  void work_item_run(std::uint16_t image, std::uint32_t worker) {
    emit({.kind = Kind::work_item_run, .image = image, .object = worker});
  }

  /// With the severity that the options give the rule; nothing when that is `off`.
  void violation(std::uint16_t image, Callback callback, Rule rule, std::string_view detail, CodeSite site = {}) {
    const Severity severity = severity_of(rule);
    if (severity != Severity::off) violation(image, callback, rule, severity, detail, site);
  }
  void violation(std::uint16_t image, Callback callback, Rule rule, Severity severity, std::string_view detail,
                 CodeSite site = {}) {
    violation_again(image, callback, rule, severity, detail, site);
    emit({.kind = Kind::violation,
          .callback = callback,
          .image = image,
          .flags = static_cast<std::uint32_t>(severity),
          .arg = static_cast<std::uint64_t>(rule)},
         detail);
  }
  /// Counts one more of what has a record already; `detail` is kept when the place is new.
  void violation_again(std::uint16_t image, Callback callback, Rule rule, Severity severity, std::string_view detail,
                       CodeSite site);
  /// How many places have broken a rule so far.
  std::uint64_t sites() const { return header_->site_count; }
  /// Shows `bytes` with the place of that number: nothing when there is none, or when it shows some already.
  void show_bytes(std::uint64_t site, const ChangedBytes& bytes);
  /// The same with those from number `from` on that are of `callback` in `image` and about_the_write().
  void show_bytes(std::uint64_t from, std::uint16_t image, Callback callback, const ChangedBytes& bytes);
  void fault(std::uint16_t image, Callback callback, FaultKind kind, std::string_view words) {
    emit({.kind = Kind::fault, .callback = callback, .image = image, .arg = static_cast<std::uint64_t>(kind)}, words);
  }
  void bugcheck(std::uint16_t image, Callback callback, std::uint32_t code,
                const std::array<std::uint64_t, 4>& parameters) {
    emit({.kind = Kind::bugcheck, .callback = callback, .image = image, .arg = code},
         std::as_bytes(std::span(parameters)));
  }
  /// `text` is "slug = value".
  void policy(std::uint64_t index, std::string_view text) { emit({.kind = Kind::policy, .arg = index}, text); }
  void ended(std::string_view outcome) { emit({.kind = Kind::ended}, outcome); }

 private:
  static constexpr std::size_t max_open_calls = 16;

  void publish(std::uint64_t written) {
    at_ = written;
    __atomic_store_n(&header_->written, written, __ATOMIC_RELEASE);
  }
  CallbackTally& tally_of(std::uint16_t image, Callback callback) {
    return tallies_[image * static_cast<std::size_t>(Callback::count_) + static_cast<std::size_t>(callback)];
  }
  [[gnu::always_inline]] void tally(const Record& record) {
    switch (record.kind) {
      case Kind::callback_entered:
        enter_call(record);
        break;
      case Kind::callback_left:
        tally_call(record, 1);
        leave_call(record);
        break;
      default:
        tally_others(record, 1);
        break;
    }
  }
  /// What `record` counts for, `times` over, but in the runs of calls.
  void tally_others(const Record& record, std::uint64_t times) {
    switch (record.kind) {
      case Kind::port_write:
        tally_transfer(header_->writes, record, times);
        break;
      case Kind::port_read:
        tally_transfer(header_->reads, record, times);
        break;
      case Kind::violation:
        if (record.arg < header_->violations.size()) header_->violations[record.arg] += times;
        break;
      default:
        break;
    }
  }
  static void tally_transfer(PortTally& port, const Record& record, std::uint64_t times) {
    port.count += times;
    if (record.status < 0) {
      port.failures += times;
    } else {
      port.bytes += record.length * times;
    }
    if (port.min_length == 0 || record.length < port.min_length) port.min_length = record.length;
    if (record.length > port.max_length) port.max_length = record.length;
  }
  void tally_call(const Record& record, std::uint64_t times) {
    if (record.image >= options_.images) return;
    CallbackTally& row = tally_of(record.image, record.callback);
    row.calls += times;
    if (record.status < 0) row.failures += times;
    row.last_status = record.status;
    if (record.length == 0) return;
    row.bytes += record.length * times;
    if (row.min_length == 0 || record.length < row.min_length) row.min_length = record.length;
    if (record.length > row.max_length) row.max_length = record.length;
  }
  void enter_call(const Record& record) {
    if (run_count_ >= options_.call_runs || open_calls_ == max_open_calls || header_->runs_missed != 0) [[unlikely]] {
      ++header_->runs_missed;
      return;
    }
    runs_[run_count_] = {.image = record.image, .callback = record.callback, .status = 0, .count = 0};
    open_[open_calls_++] = run_count_;
    header_->run_count = ++run_count_;
  }
  void leave_call(const Record& record) {
    while (open_calls_ != 0) {
      const std::uint64_t index = open_[--open_calls_];
      CallRun& run = runs_[index];
      if (run.image != record.image || run.callback != record.callback) continue;  // never left: a nested call's fault
      run.status = record.status;
      run.count = 1;
      if (!in_step_ && open_calls_ == 0) close_unit(index);
      return;
    }
  }

  /// Whether `record`, with a payload of that size, is the one that the kept step has next, moved on and as much later.
  /// REQUIRES: there is one.
  [[gnu::always_inline]] bool is_next(const Record& record, std::size_t payload) const {
    const Record& kept = *std::launder(reinterpret_cast<const Record*>(area_ + next_at_));
    return (shapes_differ(kept, record, payload) | places_differ(kept, record, moved_) |
            ((kept.time + later_) ^ *clock_)) == 0;
  }
  /// 0 when all of the shape but `moves`, which the recorder itself sets, and the object are equal.
  [[gnu::always_inline]] static std::uint64_t shapes_differ(const Record& kept, const Record& record,
                                                            std::size_t payload) {
    return (word(kept, 0) ^ (first_word(record) | std::uint64_t{payload} << 48)) |
           (word(kept, 1) ^ second_word(record)) | (kept.flags ^ record.flags) | (kept.arg ^ record.arg) |
           (kept.object ^ record.object);
  }
  /// 0 when what moves is moved on by the second of `moved`, and what does not by the first. Without a branch.
  [[gnu::always_inline]] static std::uint64_t places_differ(const Record& kept, const Record& record,
                                                            const std::array<std::uint64_t, 2>& moved) {
    const std::uint64_t moves = kept.moves;
    return ((kept.offset + moved[moves & move_offset]) ^ record.offset) |
           ((kept.before + moved[moves / move_before & 1]) ^ record.before);
  }
  /// A stored record's eight words, which cost half of what its fields do one by one.
  static std::uint64_t word(const Record& record, std::size_t index) {
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(&record) + index * sizeof value, sizeof value);
    return value;
  }
  // The first two of a record that may be in registers; its payload's size is not told.
  static std::uint64_t first_word(const Record& record) {
    return static_cast<std::uint64_t>(record.kind) | static_cast<std::uint64_t>(record.callback) << 16 |
           std::uint64_t{record.irql} << 24 | std::uint64_t{record.image} << 32;
  }
  static std::uint64_t second_word(const Record& record) {
    // The length by itself: in a register that is written to the stack it would be read back together with what lies
    // behind it.
    return static_cast<std::uint32_t>(record.status) | alone(std::uint64_t{record.length}) << 32;
  }
  void pass(std::size_t bytes) {
    next_at_ += bytes;
    __atomic_store_n(&header_->followed, ++followed_, __ATOMIC_RELEASE);
  }
  void tell_repeat_time() { std::launder(reinterpret_cast<Record*>(area_ + kept_end_))->time = *clock_; }

  /// Which call of `callback` this is, and its transfer: the one that is open, or the one that has just returned.
  void tell_call(ViolationSite& row) const;
  bool close_unit(std::uint64_t first);
  bool fold_step();
  void follow(bool calls);
  void stop_following();
  void settle_rounds(std::uint64_t kept_at, std::uint64_t kept_end, std::uint64_t rounds, std::uint64_t calls);
  void write_passed(std::uint64_t kept_at, std::uint64_t end, std::uint64_t moved, std::uint64_t later);
  bool settle_for_the_dead(std::uint64_t repeat_at, std::uint64_t before);
  bool same_as_kept(std::uint64_t transfer) const;
  std::uint64_t transfer_of_step() const;
  void put(const Record& record, std::span<const std::byte> payload, std::uint64_t time);
  void emit_at_the_end(const Record& record, std::span<const std::byte> payload, std::uint64_t time);
  void append(const Record& record, std::span<const std::byte> payload, std::uint64_t time);

  RecorderOptions options_;
  const std::uint64_t* clock_;
  TraceHeader* header_;
  ImageName* images_;
  CallbackTally* tallies_;
  CallRun* runs_;
  ViolationSite* sites_;
  std::byte* area_;
  std::uint64_t area_bytes_ = 0;
  std::uint64_t at_ = 0;         // where the next record goes, from area_
  std::uint64_t last_slot_ = 0;  // the last place where an ordinary record without payload fits
  std::uint64_t truncated_at_ = 0;
  bool truncated_ = false;
  // Folding: the step kept, which a `repeat` record follows when repeats_ is not 0.
  bool in_step_ = false;
  std::uint64_t step_at_ = 0;
  std::uint64_t kept_at_ = 0;
  std::uint64_t kept_end_ = 0;  // kept_at_ when there is no kept step
  std::uint64_t repeats_ = 0;
  std::uint64_t transfer_ = 0;    // of the kept step, when there are repeats
  std::uint64_t began_ = 0;       // the time at which the step began,
  std::uint64_t kept_began_ = 0;  // and the kept one
  // Following: steps that repeat the kept one are compared and not written.
  bool follows_ = false;
  std::uint64_t next_at_ = 0;             // the kept step's record that is to come; kept_end_ when there is none
  std::array<std::uint64_t, 2> moved_{};  // from the kept step to this one: what stays and what moves,
  std::uint64_t later_ = 0;               // and how much later it is
  std::uint64_t told_ = 0;                // repeats that the block tells of
  std::uint64_t followed_ = 0;            // as in the header
  // Runs of calls.
  std::uint64_t run_count_ = 0;
  std::uint64_t step_run_ = 0;
  std::uint64_t unit_at_ = 0;    // the last round of calls
  std::uint64_t unit_size_ = 0;  // 0: none to compare with
  std::size_t open_calls_ = 0;
  std::array<std::uint64_t, max_open_calls> open_{};
};

}  // namespace dumpsim::trace
