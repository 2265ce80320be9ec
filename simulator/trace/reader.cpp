// SPDX-License-Identifier: Apache-2.0
// Checks before it believes: sizes against each other, every record against the bytes that are left. Nothing is read
// through a pointer into the block but bytes, by memcpy, so that alignment and a child that still writes do no harm.
#include "trace/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/guid.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::trace {

namespace {

/// The record at the front of `bytes`; false when it cannot be one.
bool load_record(std::span<const std::byte> bytes, Record& record) {
  if (bytes.size() < sizeof(Record)) return false;
  std::memcpy(&record, bytes.data(), sizeof(Record));
  return record.kind > Kind::none && record.kind < Kind::count_ && record.callback < Callback::count_ &&
         record.payload <= max_payload && padded(record.payload) <= bytes.size() - sizeof(Record);
}

template <class Row>
Row load_row(std::span<const std::byte> block, std::size_t at) {
  Row row;
  std::memcpy(&row, block.data() + at, sizeof(Row));
  return row;
}

std::string name_in(const ImageName& row) {
  return printable({row.text.data(), std::min<std::size_t>(row.length, row.text.size())});
}

std::vector<CallRun> checked_runs(std::span<const std::byte> block, std::size_t at, std::uint64_t count,
                                  std::string& note) {
  std::vector<CallRun> runs;
  runs.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto run = load_row<CallRun>(block, at + i * sizeof(CallRun));
    if (run.callback == Callback::none || run.callback >= Callback::count_ || run.cycle == 0) {
      note = fmt::format("the run of calls {} is garbled, cut before it", i);
      return runs;
    }
    runs.push_back(run);
  }
  for (std::size_t i = 0; i < runs.size();) {
    const CallRun head = runs[i];
    const std::size_t cycle = head.count == 0 ? 1 : head.cycle;
    if (cycle > runs.size() - i) {
      note = fmt::format("the run of calls {} claims a round of {}, cut before it", i, cycle);
      runs.resize(i);
      return runs;
    }
    for (std::size_t k = 0; k < cycle; ++k, ++i) {
      runs[i].count = head.count;
      runs[i].cycle = static_cast<std::uint8_t>(cycle);
    }
  }
  return runs;
}

/// Rows that name no rule, callback or severity are passed over.
std::vector<Site> checked_sites(std::span<const std::byte> block, std::size_t at, std::uint64_t count) {
  std::vector<Site> sites;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto row = load_row<ViolationSite>(block, at + i * sizeof(ViolationSite));
    if (row.rule >= static_cast<std::uint16_t>(Rule::count_) || row.callback >= Callback::count_ ||
        row.severity > static_cast<std::uint8_t>(Severity::error))
      continue;
    sites.push_back({static_cast<Rule>(row.rule), row.image, row.callback, static_cast<Severity>(row.severity),
                     row.offset, row.exact != 0, row.count, row.call, row.at, row.moved, checked(row.bytes),
                     printable({row.text.data(), std::min<std::size_t>(row.length, row.text.size())})});
  }
  return sites;
}

}  // namespace

std::array<std::uint64_t, 4> Event::parameters() const {
  std::array<std::uint64_t, 4> values{};
  const std::size_t bytes = std::min(payload.size(), sizeof values);
  if (bytes != 0) std::memcpy(values.data(), payload.data(), bytes);
  return values;
}

std::string Event::guid() const {
  std::array<std::byte, 16> bytes{};
  std::copy_n(payload.begin(), std::min(payload.size(), bytes.size()), bytes.begin());
  return format_guid(bytes);
}

Result<TraceView> TraceView::open(std::span<const std::byte> block) {
  if (block.size() < sizeof(TraceHeader)) {
    return Error{fmt::format("trace: {} bytes, expected at least the header of {}", block.size(), sizeof(TraceHeader))};
  }
  TraceView view;
  TraceHeader& header = view.header_;
  std::memcpy(&header, block.data(), sizeof header);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (header.magic != trace_magic) {
    return Error{fmt::format("trace: magic {:#018x}, expected {:#018x}; was it ever begun?", header.magic,
                             std::uint64_t{trace_magic})};
  }
  if (header.header_bytes != sizeof(TraceHeader) || header.kind_count != static_cast<std::uint32_t>(Kind::count_) ||
      header.rule_count != static_cast<std::uint32_t>(Rule::count_)) {
    return Error{
        fmt::format("trace: header of {} bytes with {} events and {} rules, expected {}, {} and {}; it comes "
                    "from another version",
                    header.header_bytes, header.kind_count, header.rule_count, sizeof(TraceHeader),
                    static_cast<std::uint32_t>(Kind::count_), static_cast<std::uint32_t>(Rule::count_))};
  }
  if (header.image_capacity > max_images || header.run_capacity > max_call_runs || header.site_capacity > max_sites) {
    return Error{fmt::format("trace: tables for {} images, {} runs and {} places, expected at most {}, {} and {}",
                             header.image_capacity, header.run_capacity, header.site_capacity, std::size_t{max_images},
                             std::size_t{max_call_runs}, std::size_t{max_sites})};
  }
  const std::size_t records_at = records_offset(header.image_capacity, header.run_capacity, header.site_capacity);
  if (header.records_at != records_at || block.size() < records_at) {
    return Error{
        fmt::format("trace: records at byte {} of {}, expected at {}", header.records_at, block.size(), records_at)};
  }

  std::size_t at = sizeof(TraceHeader);
  for (std::uint32_t i = 0; i < header.image_capacity; ++i, at += sizeof(ImageName)) {
    view.image_names_.push_back(name_in(load_row<ImageName>(block, at)));
  }
  const std::size_t tallies_at = at;
  constexpr std::size_t columns = static_cast<std::size_t>(Callback::count_);
  at += header.image_capacity * columns * sizeof(CallbackTally);
  if (header.run_count > header.run_capacity) {
    view.note_ =
        fmt::format("{} runs of calls in a table of {}, none is believed", header.run_count, header.run_capacity);
    header.run_count = 0;
    header.runs_missed = std::max<std::uint64_t>(header.runs_missed, 1);
  }
  view.calls_ = checked_runs(block, at, header.run_count, view.note_);
  if (view.calls_.size() != header.run_count) header.runs_missed = std::max<std::uint64_t>(header.runs_missed, 1);

  // Behind the last image that has a name or was called the table is zeros that nobody has touched: nor is it here.
  std::size_t images = view.image_names_.size();
  while (images > 0 && view.image_names_[images - 1].empty()) --images;
  for (const CallRun& run : view.calls_) {
    if (run.image < header.image_capacity) images = std::max(images, run.image + std::size_t{1});
  }
  for (std::size_t i = 0; i < images * columns; ++i) {
    view.tallies_.push_back(load_row<CallbackTally>(block, tallies_at + i * sizeof(CallbackTally)));
  }

  at += std::size_t{header.run_capacity} * sizeof(CallRun);
  view.sites_ = checked_sites(block, at, std::min<std::uint64_t>(header.site_count, header.site_capacity));

  const std::size_t present = block.size() - records_at;
  if (header.written > present) {
    view.note_ = fmt::format("{} bytes of records where there is room for {}, cut there", header.written, present);
  }
  view.records_ = block.subspan(records_at, std::min<std::uint64_t>(header.written, present));
  view.check_records();
  return view;
}

void TraceView::check_records() {
  std::size_t at = 0;
  std::uint64_t number = 0;
  std::uint64_t foldable = 0;  // records since the last repeat: what the next one may refer to
  while (at < records_.size()) {
    Record record;
    const std::span<const std::byte> rest = records_.subspan(at);
    const bool sound =
        load_record(rest, record) && (record.kind != Kind::repeat || (record.flags != 0 && record.flags <= foldable));
    if (!sound) {
      if (note_.empty()) note_ = fmt::format("record {} at byte {} is garbled, cut before it", number, at);
      records_ = records_.first(at);
      return;
    }
    foldable = record.kind == Kind::repeat ? 0 : foldable + 1;
    if (record.kind == Kind::ended)
      outcome_ = printable(Event{record, rest.subspan(sizeof(Record), record.payload)}.text());
    at += sizeof(Record) + padded(record.payload);
    ++number;
  }
}

void TraceView::Iterator::load() {
  if (!load_record(rest_, event_.record)) {
    // Checked by open(); a child that still writes could have changed it since.
    rest_ = {};
    event_ = {};
    return;
  }
  event_.payload = rest_.subspan(sizeof(Record), event_.record.payload);
}

void TraceView::unfolded(std::uint64_t limit, const std::function<bool(const Event&)>& visit) const {
  std::vector<Iterator> recent;  // since the last repeat
  std::uint64_t shown = 0;
  const auto show = [&](const Event& event) { return shown++ < limit && visit(event); };
  for (Iterator i = begin(); i != end(); ++i) {
    if (i->record.kind != Kind::repeat) {
      recent.push_back(i);
      if (!show(*i)) return;
      continue;
    }
    const Record& repeat = i->record;
    if (repeat.flags > recent.size()) return;
    const std::span<const Iterator> step = std::span(recent).last(repeat.flags);
    for (std::uint64_t n = 1; n != 0 && n <= repeat.arg; ++n) {
      for (const Iterator& kept : step) {
        Event event = *kept;
        if ((event.record.moves & move_offset) != 0) event.record.offset += n * repeat.length;
        if ((event.record.moves & move_before) != 0) event.record.before += n * repeat.length;
        if (!show(event)) return;
      }
    }
    recent.clear();
  }
}

std::string TraceView::image_name(std::uint16_t image) const {
  if (image == no_image) return {};
  if (image < image_names_.size() && !image_names_[image].empty()) return image_names_[image];
  return fmt::format("image#{}", image);
}

CallbackTally TraceView::tally(std::uint16_t image, Callback callback) const {
  const std::size_t at = image * static_cast<std::size_t>(Callback::count_) + static_cast<std::size_t>(callback);
  return callback < Callback::count_ && at < tallies_.size() ? tallies_[at] : CallbackTally{};
}

std::uint64_t TraceView::count(Kind kind) const {
  return kind < Kind::count_ ? header_.kinds[static_cast<std::size_t>(kind)] : 0;
}

std::uint64_t TraceView::violations(Rule rule) const {
  return rule < Rule::count_ ? header_.violations[static_cast<std::size_t>(rule)] : 0;
}

}  // namespace dumpsim::trace
