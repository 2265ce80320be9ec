// SPDX-License-Identifier: Apache-2.0
// What runs later: timers by their due time, DPCs and work items in the order they were queued. The queues are kept
// aside; of a driver's structures only what Windows shows in them is written. Free of WDK names.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

#include "trace/record.hpp"

namespace dumpsim::kernel {

class Timers {
 public:
  struct Entry {
    void* timer = nullptr;
    bool extended = false;                  ///< an EX_TIMER, otherwise a KTIMER
    std::uint64_t due = 0;                  ///< on the machine's clock
    std::uint64_t order = 0;                ///< among those due together
    std::uint16_t image = trace::no_image;  ///< that set it
  };
  /// REQUIRES: it is not in the queue.
  void insert(void* timer, bool extended, std::uint64_t due, std::uint16_t image) {
    entries_.push_back({timer, extended, due, next_order_++, image});
  }
  /// Whether it was in the queue.
  bool remove(const void* timer) {
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->timer != timer) continue;
      entries_.erase(at);
      return true;
    }
    return false;
  }
  const Entry* find(const void* timer) const {
    for (const Entry& entry : entries_) {
      if (entry.timer == timer) return &entry;
    }
    return nullptr;
  }
  bool empty() const { return entries_.empty(); }
  const Entry* next() const {
    const Entry* first = nullptr;
    for (const Entry& entry : entries_) {
      if (first == nullptr || entry.due < first->due || (entry.due == first->due && entry.order < first->order)) {
        first = &entry;
      }
    }
    return first;
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::uint64_t next_order_ = 1;
};

class Dpcs {
 public:
  /// A KDPC is free to be queued again, or freed, once its routine has been called: what the call needs is here [doc].
  struct Entry {
    void* dpc = nullptr;
    const void* routine = nullptr;
    std::uint64_t context = 0;
    std::uint64_t argument1 = 0;
    std::uint64_t argument2 = 0;
    bool extended = false;  ///< an EX_TIMER's callback: timer and context only
  };
  void push(const Entry& entry, bool first) {
    if (first) {
      entries_.push_front(entry);
    } else {
      entries_.push_back(entry);
    }
  }
  std::optional<Entry> pop() {
    if (entries_.empty()) return std::nullopt;
    const Entry entry = entries_.front();
    entries_.pop_front();
    return entry;
  }
  bool remove(const void* dpc) {
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->dpc != dpc) continue;
      entries_.erase(at);
      return true;
    }
    return false;
  }
  bool contains(const void* dpc) const {
    for (const Entry& entry : entries_) {
      if (entry.dpc == dpc) return true;
    }
    return false;
  }
  bool empty() const { return entries_.empty(); }
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;
};

/// Work for the system's worker threads.
struct WorkItem {
  void* item = nullptr;  ///< WORK_QUEUE_ITEM or IO_WORKITEM
  const void* routine = nullptr;
  std::uint64_t arguments[3] = {};
  std::size_t argument_count = 0;
  void* device = nullptr;                 ///< referenced until the routine has returned
  std::uint16_t image = trace::no_image;  ///< around the routine
};

}  // namespace dumpsim::kernel
