// SPDX-License-Identifier: Apache-2.0
// The parent's side of a trace. The child that wrote it ran somebody's driver and may have died anywhere, so every byte
// is untrusted: the header and the tables are copied once, every record is checked before it is shown, and what is
// garbled is cut off with a note instead of guessed at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "trace/layout.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"

namespace dumpsim::trace {

struct Event {
  Record record;
  std::span<const std::byte> payload;  ///< lies in the block; untrusted

  /// The payload as text, as it was recorded: printable() or valid_utf8() before showing it.
  std::string_view text() const { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }
  /// The payload as 64-bit numbers (crash_started, bugcheck); those missing are 0.
  std::array<std::uint64_t, 4> parameters() const;
  /// The payload as a GUID's text (secondary_data); bytes that are missing are 0.
  std::string guid() const;
};

/// Violations of one rule from one place.
struct Site {
  Rule rule{};
  std::uint16_t image = no_image;
  Callback callback{};
  Severity severity{};
  std::uint32_t offset = 0;  ///< in the image; 0: not known
  bool exact = false;        ///< of the instruction itself, not of the one behind a call
  std::uint64_t count = 0;
  // Of the first.
  std::uint64_t call = 0;   ///< which call of the callback, from 1; 0: not known, or in none
  std::uint64_t at = 0;     ///< of the call's transfer, relative to the partition
  std::uint32_t moved = 0;  ///< bytes of that transfer; 0: it had none
  ChangedBytes bytes;       ///< empty when there is nothing to show
  std::string text;         ///< made printable
};

/// A block that a Recorder filled, or that claims so. The block stays with the caller and outlives the view.
class TraceView {
 public:
  /// Fails when the header is no trace's, is another version's, or its sizes contradict each other. Records that are
  /// garbled or missing are no failure: the view ends before the first of them, and note() says so.
  static Result<TraceView> open(std::span<const std::byte> block);

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event*;
    using reference = const Event&;

    Iterator() = default;
    explicit Iterator(std::span<const std::byte> records) : rest_(records) { load(); }
    const Event& operator*() const { return event_; }
    const Event* operator->() const { return &event_; }
    Iterator& operator++() {
      rest_ = rest_.subspan(sizeof(Record) + padded(event_.payload.size()));
      load();
      return *this;
    }
    void operator++(int) { ++*this; }
    /// Equal when as many bytes are left: meaningful within one view only.
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void load();
    std::span<const std::byte> rest_;
    Event event_;
  };
  /// Records in the order they were written; a folded step stands once, its `repeat` behind it.
  Iterator begin() const { return Iterator(records_); }
  Iterator end() const { return Iterator(); }

  /// As though nothing had been folded: kept steps are repeated with their offsets moved on, `repeat` records are not
  /// shown. Ends when `visit` returns false or after `limit` events (a repeat may claim any count).
  void unfolded(std::uint64_t limit, const std::function<bool(const Event&)>& visit) const;

  /// Names by id, made printable; empty where no image was loaded. Its size is the table's.
  const std::vector<std::string>& image_names() const { return image_names_; }
  /// "dump_xor", "image#5" when the name is not known, "" for no_image.
  std::string image_name(std::uint16_t image) const;

  /// Exact, whatever was folded or dropped; all zero for an image without a tally.
  CallbackTally tally(std::uint16_t image, Callback callback) const;
  /// In order; in a round (cycle > 1) every entry carries the round's count.
  std::span<const CallRun> calls() const { return calls_; }
  /// Calls that found the table of runs full: calls() is only the beginning then.
  std::uint64_t calls_missed() const { return header_.runs_missed; }
  /// In the order they were first met; whatever found the table full is in the records alone.
  std::span<const Site> sites() const { return sites_; }
  const PortTally& writes() const { return header_.writes; }
  const PortTally& reads() const { return header_.reads; }
  /// Records of a kind that were emitted, before folding, whether they fitted or not.
  std::uint64_t count(Kind kind) const;
  std::uint64_t violations(Rule rule) const;
  /// Records that did not fit.
  std::uint64_t dropped() const { return header_.dropped; }
  /// The outcome's name from the `ended` record, made printable; empty when the trace has none.
  const std::string& outcome() const { return outcome_; }
  bool folds() const { return (header_.options & 1u) != 0; }

  /// Why the view is shorter than the trace; empty when it is whole.
  const std::string& note() const { return note_; }

 private:
  TraceView() = default;
  void check_records();

  TraceHeader header_;
  std::vector<std::string> image_names_;
  std::vector<CallbackTally> tallies_;
  std::vector<CallRun> calls_;
  std::vector<Site> sites_;
  std::span<const std::byte> records_;
  std::string outcome_;
  std::string note_;
};

}  // namespace dumpsim::trace
