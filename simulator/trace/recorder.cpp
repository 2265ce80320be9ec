// SPDX-License-Identifier: Apache-2.0
// The recorder's less frequent half: payloads, the end of the block, and folding. Whatever is stored becomes visible to
// the parent only by the release store of `written`, so a child that dies between two instructions leaves whole records
// behind. A `repeat` grows by one 8-byte store: how many of the kept step's records have come again, from which
// everything else about it follows.
#include "trace/recorder.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "trace/utf8.hpp"

namespace dumpsim::trace {

namespace {

constexpr std::string_view ellipsis = "…";

Record& record_at(std::byte* area, std::uint64_t at) {
  return *std::launder(reinterpret_cast<Record*>(area + at));
}

std::uint64_t bytes_of(const Record& record) {
  return sizeof(Record) + padded(record.payload);
}

// What the words of a record are put together from.
static_assert(offsetof(Record, callback) == 2 && offsetof(Record, irql) == 3 && offsetof(Record, image) == 4 &&
              offsetof(Record, payload) == 6 && offsetof(Record, status) == 8 && offsetof(Record, length) == 12);

}  // namespace

std::size_t Recorder::minimum_bytes(const RecorderOptions& options) {
  return records_offset(options.images, options.call_runs, options.sites) + 8 * sizeof(Record) + reserve_at_end;
}

Recorder::Recorder(std::span<std::byte> memory, const std::uint64_t* clock, RecorderOptions options)
    : options_(options), clock_(clock) {
  assert(options.images <= max_images && options.call_runs <= max_call_runs && options.sites <= max_sites);
  assert(memory.size() >= minimum_bytes(options) && reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
  const std::size_t records_at = records_offset(options.images, options.call_runs, options.sites);
  area_bytes_ = (memory.size() - records_at) & ~std::uint64_t{7};
  last_slot_ = area_bytes_ - reserve_at_end - sizeof(Record);

  // The runs are governed by run_count and need no clearing: 128 KiB less to touch before each run.
  std::byte* table = memory.data();
  header_ = new (table) TraceHeader{};
  table += sizeof(TraceHeader);
  images_ = reinterpret_cast<ImageName*>(table);
  const std::size_t tallies = options.images * static_cast<std::size_t>(Callback::count_);
  if (!options.untouched) std::memset(table, 0, options.images * sizeof(ImageName) + tallies * sizeof(CallbackTally));
  table += options.images * sizeof(ImageName);
  tallies_ = reinterpret_cast<CallbackTally*>(table);
  table += tallies * sizeof(CallbackTally);
  runs_ = reinterpret_cast<CallRun*>(table);
  sites_ = reinterpret_cast<ViolationSite*>(table + options.call_runs * sizeof(CallRun));
  area_ = memory.data() + records_at;

  header_->header_bytes = sizeof(TraceHeader);
  header_->kind_count = static_cast<std::uint32_t>(Kind::count_);
  header_->rule_count = static_cast<std::uint32_t>(Rule::count_);
  header_->options = (options.fold ? 1u : 0u) | (options.digests ? 2u : 0u);
  header_->block_bytes = memory.size();
  header_->image_capacity = options.images;
  header_->run_capacity = options.call_runs;
  header_->site_capacity = options.sites;
  header_->records_at = records_at;
}

void Recorder::append(const Record& record, std::span<const std::byte> payload, std::uint64_t time) {
  auto* slot = new (area_ + at_) Record(record);
  slot->time = time;
  slot->payload = static_cast<std::uint16_t>(payload.size());
  std::byte* bytes = area_ + at_ + sizeof(Record);
  if (!payload.empty()) std::memcpy(bytes, payload.data(), payload.size());
  // The padding too, or a reused block would show in the trace.
  std::memset(bytes + payload.size(), 0, padded(payload.size()) - payload.size());
  publish(at_ + sizeof(Record) + padded(payload.size()));
}

void Recorder::emit(const Record& record, std::span<const std::byte> payload) {
  ++header_->kinds[static_cast<std::size_t>(record.kind)];
  payload = payload.first(std::min(payload.size(), max_payload));
  if (next_at_ != kept_end_ && is_next(record, payload.size()) &&
      std::memcmp(area_ + next_at_ + sizeof(Record), payload.data(), payload.size()) == 0) {
    pass(sizeof(Record) + padded(payload.size()));
    return;
  }
  settle();
  tally(record);
  put(record, payload, *clock_);
}

void Recorder::put(const Record& record, std::span<const std::byte> payload, std::uint64_t time) {
  if (at_ + sizeof(Record) + padded(payload.size()) > last_slot_ + sizeof(Record)) {
    emit_at_the_end(record, payload, time);
    return;
  }
  append(record, payload, time);
}

void Recorder::emit(const Record& record, std::string_view payload) {
  if (payload.size() <= max_payload) {
    emit(record, std::as_bytes(std::span(payload)));
    return;
  }
  std::array<char, max_payload> cut;
  const std::string_view kept = utf8_prefix(payload, cut.size() - ellipsis.size());
  std::memcpy(cut.data(), kept.data(), kept.size());
  std::memcpy(cut.data() + kept.size(), ellipsis.data(), ellipsis.size());
  emit(record, std::as_bytes(std::span(cut)).first(kept.size() + ellipsis.size()));
}

// The ordinary records have used up their room. How it came to an end is still said, in the reserve.
void Recorder::emit_at_the_end(const Record& record, std::span<const std::byte> payload, std::uint64_t time) {
  const std::uint64_t for_truncated = truncated_ ? 0 : sizeof(Record);
  std::uint64_t end = 0;
  if (record.kind == Kind::ended) {
    end = area_bytes_ - for_truncated;
    payload = payload.first(std::min(payload.size(), reserve_for_ended - sizeof(Record)));
  } else if (record.kind == Kind::fault || record.kind == Kind::bugcheck || record.kind == Kind::power_cut) {
    end = area_bytes_ - for_truncated - reserve_for_ended;
  }
  if (at_ + sizeof(Record) + padded(payload.size()) <= end) {
    append(record, payload, time);
    return;
  }
  if (!truncated_) {
    truncated_ = true;
    truncated_at_ = at_;
    last_slot_ = 0;
    append({.kind = Kind::truncated}, {}, time);
  }
  ++header_->dropped;
  __atomic_store_n(&record_at(area_, truncated_at_).arg, header_->dropped, __ATOMIC_RELAXED);
}

void Recorder::violation_again(std::uint16_t image, Callback callback, Rule rule, Severity severity,
                               std::string_view detail, CodeSite site) {
  const std::uint64_t known = header_->site_count;
  for (std::uint64_t i = 0; i < known; ++i) {
    ViolationSite& row = sites_[i];
    if (row.rule == static_cast<std::uint16_t>(rule) && row.image == image && row.callback == callback &&
        row.offset == site.offset) {
      ++row.count;
      return;
    }
  }
  if (known == options_.sites) return;
  settle();  // which call it is, is looked up in the block
  auto* row = new (sites_ + known) ViolationSite;
  row->rule = static_cast<std::uint16_t>(rule);
  row->image = image;
  row->callback = callback;
  row->severity = static_cast<std::uint8_t>(severity);
  row->offset = site.offset;
  row->exact = site.exact ? 1 : 0;
  row->count = 1;
  const std::string_view kept = utf8_prefix(detail, row->text.size());
  row->length = static_cast<std::uint16_t>(kept.size());
  std::memcpy(row->text.data(), kept.data(), kept.size());
  tell_call(*row);
  __atomic_store_n(&header_->site_count, known + 1, __ATOMIC_RELEASE);
}

void Recorder::tell_call(ViolationSite& row) const {
  if (row.image >= options_.images || row.callback == Callback::none || header_->runs_missed != 0) return;
  if (found_afterwards(static_cast<Rule>(row.rule))) return;
  row.call =
      tallies_[row.image * static_cast<std::size_t>(Callback::count_) + static_cast<std::size_t>(row.callback)].calls;
  for (std::size_t i = 0; i < open_calls_; ++i) {
    const CallRun& run = runs_[open_[i]];
    if (run.image != row.image || run.callback != row.callback) continue;
    ++row.call;
    break;
  }
  if (!in_step_ || truncated_) return;
  for (std::uint64_t at = step_at_; at < at_;) {
    const Record& record = record_at(area_, at);
    if (record.kind == Kind::callback_entered && record.image == row.image && record.callback == row.callback) {
      row.at = record.offset;
      row.moved = record.length;
    }
    at += bytes_of(record);
  }
}

void Recorder::show_bytes(std::uint64_t site, const ChangedBytes& bytes) {
  if (site < header_->site_count && sites_[site].bytes.empty()) sites_[site].bytes = bytes;
}

void Recorder::show_bytes(std::uint64_t from, std::uint16_t image, Callback callback, const ChangedBytes& bytes) {
  for (std::uint64_t site = from; site < header_->site_count; ++site) {
    const ViolationSite& row = sites_[site];
    if (row.image == image && row.callback == callback && about_the_write(static_cast<Rule>(row.rule)))
      show_bytes(site, bytes);
  }
}

std::uint64_t Recorder::transfer_of_step() const {
  std::uint64_t moved = 0;
  for (std::uint64_t at = step_at_; at < at_;) {
    const Record& record = record_at(area_, at);
    if (record.kind == Kind::callback_entered && record.length != 0) return record.length;
    if (record.kind == Kind::port_write || record.kind == Kind::port_read) moved += record.length;
    at += bytes_of(record);
  }
  return moved;
}

// Compares the step just ended with where the kept one's next repeat would be. Both lie in the cache.
bool Recorder::same_as_kept(std::uint64_t transfer) const {
  const std::array<std::uint64_t, 2> moved{0, transfer * (repeats_ + 1)};
  std::uint64_t kept_at = kept_at_;
  for (std::uint64_t at = step_at_; at < at_;) {
    const Record& record = record_at(area_, at);
    const Record& kept = record_at(area_, kept_at);
    std::uint64_t different = shapes_differ(kept, record, record.payload);
    if (repeats_ == 0) {
      const std::uint64_t offset = record.offset - kept.offset;
      const std::uint64_t before = record.before - kept.before;
      different |= (offset == 0 || offset == transfer) && (before == 0 || before == transfer) ? 0 : 1;
    } else {
      different |= places_differ(kept, record, moved);
    }
    if (different != 0) return false;
    if (record.payload != 0 &&
        std::memcmp(area_ + at + sizeof(Record), area_ + kept_at + sizeof(Record), record.payload) != 0) {
      return false;
    }
    // Equal shapes have equal payloads.
    const std::uint64_t bytes = bytes_of(record);
    at += bytes;
    kept_at += bytes;
  }
  return true;
}

/// Whether the step became a repeat.
bool Recorder::fold_step() {
  if (at_ == step_at_ || truncated_) return false;
  const std::uint64_t kept_bytes = kept_end_ - kept_at_;
  const std::uint64_t repeat_at = kept_end_;
  const bool adjacent = kept_bytes != 0 && step_at_ == repeat_at + (repeats_ == 0 ? 0 : sizeof(Record));
  const std::uint64_t transfer = transfer_of_step();
  if (!adjacent || at_ - step_at_ != kept_bytes || transfer > UINT32_MAX || !same_as_kept(transfer)) {
    kept_at_ = step_at_;
    kept_end_ = next_at_ = at_;
    kept_began_ = began_;
    repeats_ = 0;
    return false;
  }
  if (repeats_ != 0) {
    publish(step_at_);
    tell_repeat_time();
    __atomic_store_n(&record_at(area_, repeat_at).arg, ++repeats_, __ATOMIC_RELAXED);
    return true;
  }
  // The first repeat tells which fields move; it is noted in the kept step, and the repeat's record takes the place
  // of the step's first.
  std::uint32_t records = 0;
  std::uint64_t first = 0;
  bool found = false;
  for (std::uint64_t at = step_at_, kept_at = kept_at_; at < at_; ++records) {
    const Record& record = record_at(area_, at);
    Record& kept = record_at(area_, kept_at);
    kept.moves = (record.offset != kept.offset ? move_offset : 0u) | (record.before != kept.before ? move_before : 0u);
    if (!found && (kept.moves & move_offset) != 0) {
      found = true;
      first = record.offset;
    }
    at += bytes_of(record);
    kept_at += bytes_of(kept);
  }
  publish(repeat_at);
  repeats_ = 1;
  transfer_ = transfer;
  append({.kind = Kind::repeat,
          .length = static_cast<std::uint32_t>(transfer),
          .flags = records,
          .arg = repeats_,
          .offset = first},
         {}, *clock_);
  return true;
}

// ---- following ----

namespace {

/// What settling uses of the stack, which is some 400 bytes.
[[gnu::noinline]] void touch_stack() {
  unsigned char used[640];
  asm volatile("movb $0, %0" : "=m"(used[0]));
}

}  // namespace

// The next step may be as this one was. What it counts for follows from how many such steps there were.
void Recorder::follow(bool calls) {
  follows_ = true;
  next_at_ = kept_end_;
  told_ = repeats_;
  followed_ = 0;
  header_->round_calls = calls ? unit_at_ + 1 : 0;
}

void Recorder::stop_following() {
  // On a driver's stack, which may end here: then nothing has been done yet, and the handler of that fault does it.
  touch_stack();
  follows_ = false;
  settle_rounds(kept_at_, kept_end_, repeats_ - told_, header_->round_calls);
  __atomic_store_n(&record_at(area_, kept_end_).arg, repeats_, __ATOMIC_RELAXED);
  header_->followed = 0;
  const std::uint64_t passed = std::exchange(next_at_, kept_end_);
  if (in_step_) write_passed(kept_at_, passed, moved_[1], later_);
}

/// `rounds` more of the step from `kept_at` to `kept_end`.
void Recorder::settle_rounds(std::uint64_t kept_at, std::uint64_t kept_end, std::uint64_t rounds, std::uint64_t calls) {
  if (rounds == 0) return;
  for (std::uint64_t at = kept_at; at < kept_end; at += bytes_of(record_at(area_, at))) {
    const Record& record = record_at(area_, at);
    if (record.kind == Kind::callback_left) tally_call(record, rounds);
    tally_others(record, rounds);
  }
  if (calls != 0) runs_[calls - 1].count += rounds;
}

/// What of the round that is not over had come, as if it had been written at once.
void Recorder::write_passed(std::uint64_t kept_at, std::uint64_t end, std::uint64_t moved, std::uint64_t later) {
  for (std::uint64_t at = kept_at; at + sizeof(Record) <= end;) {
    Record record = record_at(area_, at);
    // Of a dead child's block nothing is believed twice.
    const std::uint64_t bytes = std::min<std::uint64_t>(record.payload, end - at - sizeof(Record));
    const std::span<const std::byte> payload(area_ + at + sizeof(Record), bytes);
    at += bytes_of(record);
    if ((record.moves & move_offset) != 0) record.offset += moved;
    if ((record.moves & move_before) != 0) record.before += moved;
    record.moves = 0;
    tally(record);
    put(record, payload, record.time + later);
  }
}

// A unit is what a step called, or one call outside a step with the calls nested in it. Equal to the unit before it, it
// becomes one more of that; so two filters that are called in turn a million times take two entries.
// True when it did, or when there is none.
bool Recorder::close_unit(std::uint64_t first) {
  const std::uint64_t size = run_count_ - first;
  if (size == 0) return true;
  bool plain = size <= UINT8_MAX && header_->runs_missed == 0;
  for (std::uint64_t i = first; plain && i < run_count_; ++i) plain = runs_[i].count == 1 && runs_[i].cycle == 1;
  bool same = plain && unit_size_ == size && unit_at_ + size == first;
  for (std::uint64_t i = 0; same && i < size; ++i) {
    const CallRun& before = runs_[unit_at_ + i];
    const CallRun& now = runs_[first + i];
    same = before.image == now.image && before.callback == now.callback && before.status == now.status;
  }
  if (!same) {
    unit_at_ = first;
    unit_size_ = plain ? size : 0;
    return false;
  }
  run_count_ = first;
  header_->run_count = run_count_;
  CallRun& head = runs_[unit_at_];
  if (head.count == 1) {
    for (std::uint64_t i = 0; i < size; ++i) runs_[unit_at_ + i].cycle = static_cast<std::uint8_t>(size);
  }
  ++head.count;
  return true;
}

bool Recorder::catch_up() {
  const std::uint64_t written = __atomic_load_n(&header_->written, __ATOMIC_ACQUIRE);
  if (written > area_bytes_ || written % 8 != 0 || header_->run_count > options_.call_runs ||
      header_->site_count > options_.sites)
    return false;
  bool truncated = false;
  std::uint64_t truncated_at = 0;
  std::uint64_t at = 0;
  std::uint64_t records = 0;
  std::uint64_t last = 0;  // where the last record is
  while (at < written) {
    if (written - at < sizeof(Record)) return false;
    const Record& record = record_at(area_, at);
    if (record.payload > max_payload || bytes_of(record) > written - at) return false;
    if (record.kind == Kind::truncated) {
      truncated = true;
      truncated_at = at;
    }
    last = at;
    at += bytes_of(record);
    ++records;
  }
  // Where there is no room to say that there was no room, no recorder of ours has written.
  if (!truncated && area_bytes_ - written < sizeof(Record)) return false;
  at_ = written;
  truncated_ = truncated;
  truncated_at_ = truncated_at;
  last_slot_ = truncated ? 0 : area_bytes_ - reserve_at_end - sizeof(Record);
  in_step_ = false;
  kept_at_ = kept_end_ = next_at_ = 0;
  repeats_ = 0;
  run_count_ = header_->run_count;
  unit_size_ = 0;
  open_calls_ = 0;
  follows_ = false;
  return header_->followed == 0 || (records != 0 && settle_for_the_dead(last, records - 1));
}

/// `before`: how many records lie before the repeat. False when what the header says of them cannot be.
bool Recorder::settle_for_the_dead(std::uint64_t repeat_at, std::uint64_t before) {
  Record& repeat = record_at(area_, repeat_at);
  const std::uint64_t calls = header_->round_calls;
  if (repeat.kind != Kind::repeat || repeat.flags == 0 || repeat.flags > before || calls > run_count_) return false;
  std::uint64_t kept_at = 0;
  for (std::uint64_t i = repeat.flags; i < before; ++i) kept_at += bytes_of(record_at(area_, kept_at));
  const std::uint64_t further = header_->followed % repeat.flags;
  std::uint64_t end = kept_at;
  std::uint64_t index = 0;
  for (std::uint64_t at = kept_at; at < repeat_at; at += bytes_of(record_at(area_, at))) {
    if (record_at(area_, at).callback >= Callback::count_) return false;
    if (++index == further) end = at + bytes_of(record_at(area_, at));
  }
  const std::uint64_t rounds = header_->followed / repeat.flags;
  repeat.arg += rounds;
  settle_rounds(kept_at, repeat_at, rounds, calls);
  header_->followed = 0;
  in_step_ = true;
  write_passed(kept_at, end, repeat.length * (repeat.arg + 1), header_->later);
  in_step_ = false;
  open_calls_ = 0;
  return true;
}

void Recorder::image_loaded(std::uint16_t image, std::string_view name) {
  if (image < options_.images) {
    ImageName& row = images_[image];
    const std::string_view kept = utf8_prefix(name, row.text.size());
    std::memcpy(row.text.data(), kept.data(), kept.size());
    row.length = static_cast<std::uint16_t>(kept.size());
  }
  emit({.kind = Kind::image_loaded, .image = image}, name);
}

namespace {

/// Payload text put together from parts. One byte more than fits, so that emit() sees that it was cut.
class Joined {
 public:
  Joined(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) {
      const std::size_t bytes = std::min(part.size(), text_.size() - size_);
      if (bytes != 0) std::memcpy(text_.data() + size_, part.data(), bytes);
      size_ += bytes;
    }
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, max_payload + 1> text_;
  std::size_t size_ = 0;
};

}  // namespace

void Recorder::registry_read(std::uint16_t image, std::int32_t status, std::string_view key, std::string_view value) {
  emit({.kind = Kind::registry_read, .image = image, .status = status}, Joined({key, "\\", value}).text());
}

void Recorder::registry_written(std::uint16_t image, std::int32_t status, std::string_view key, std::string_view value,
                                std::uint32_t type, std::string_view data) {
  emit({.kind = Kind::registry_written, .image = image, .status = status, .arg = type},
       Joined({key, "\\", value, std::string_view("\0", 1), data}).text());
}

void Recorder::registry_deleted(std::uint16_t image, std::int32_t status, std::string_view key,
                                std::optional<std::string_view> value) {
  emit({.kind = Kind::registry_deleted, .image = image, .status = status},
       value ? Joined({key, "\\", *value}).text() : key);
}

void Recorder::error_logged(std::uint16_t image, std::uint32_t code, std::int32_t final_status, std::uint32_t unique,
                            std::string_view device, std::string_view detail) {
  emit({.kind = Kind::error_logged, .image = image, .status = final_status, .flags = unique, .arg = code},
       Joined({device, std::string_view("\0", 1), detail}).text());
}
void Recorder::file_changed(std::uint16_t image, std::int32_t status, std::string_view path, std::string_view change) {
  emit({.kind = Kind::file_changed, .image = image, .status = status},
       Joined({path, std::string_view("\0", 1), change}).text());
}

}  // namespace dumpsim::trace
