// SPDX-License-Identifier: Apache-2.0
// One pass, one event of look-ahead: a callback_entered waits for its callback_left, a timeline step for the crash that
// it announces. Columns are absolute, so that offsets and statuses stand below each other at every depth.
#include "trace/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "trace/event_table.hpp"
#include "trace/field_names.hpp"
#include "trace/registry_words.hpp"
#include "trace/requests.hpp"
#include "trace/statuses.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::trace {

namespace {

// Where columns begin. A line whose text before one is longer goes on after a space.
constexpr std::size_t who_column = 21;
constexpr std::size_t offset_end = 46;
constexpr std::size_t size_end = 55;
constexpr std::size_t mdl_column = 57;
constexpr std::size_t result_column = 64;
constexpr std::size_t changes_column = 87;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::size_t deepest = 16;  // a garbled trace could nest without end

enum class Colour { plain, yellow, red };

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

/// Characters, not bytes, so that names with accents stay aligned. REQUIRES: valid UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string changes_in_words(const Record& left) {
  std::string words;
  std::uint32_t flags = left.flags;
  for (const ChangeName& row : all_changes()) {
    if ((flags & row.change) == 0) continue;
    words += words.empty() ? "" : ", ";
    words += row.word;
    if (row.change == change_offset) words += fmt::format(" from {:#x} to {:#x}", left.before, left.offset);
    flags &= ~static_cast<std::uint32_t>(row.change);
  }
  if (flags != 0) words += fmt::format("{}{:#x}", words.empty() ? "" : ", ", flags);
  return words;
}

std::string code_with_name(std::uint64_t code) {
  const std::string_view name = bugcheck_name(code);
  return fmt::format("{:#010x}{}{}", code, name.empty() ? "" : " ", name);
}

std::string parameters_in_words(const Event& event) {
  const auto values = event.parameters();
  if (std::all_of(values.begin(), values.end(), [](std::uint64_t value) { return value == 0; })) return {};
  return fmt::format(" ({:#x}, {:#x}, {:#x}, {:#x})", values[0], values[1], values[2], values[3]);
}

class Writer {
 public:
  Writer(const TraceView& view, const std::function<void(std::string_view)>& sink, TextOptions options)
      : view_(view), sink_(sink), options_(options) {}

  void run() {
    for (const Event& event : view_) {
      show(event);
    }
    flush();
    if (!view_.note().empty()) {
      begin(0, "… " + view_.note());
      end(Colour::red);
    }
  }

 private:
  struct Waiting {
    Event event;
    std::string text;  // of a timeline step
  };

  std::size_t depth() const {
    return std::min<std::size_t>((in_life_ ? 1u : 0u) + (in_section_ ? 1u : 0u) + open_, deepest);
  }

  // Building a line.
  void begin(std::size_t depth, std::string_view label) {
    line_.assign(2 * depth, ' ');
    line_ += label;
  }
  void column(std::size_t at, std::string_view text) {
    if (text.empty()) return;
    const std::size_t now = width(line_);
    line_.append(now < at ? at - now : 1, ' ');
    line_ += text;
  }
  void column_ending(std::size_t at, std::string_view text) { column(at > text.size() ? at - text.size() : 0, text); }
  void result(std::int32_t status) { column(result_column, "-> " + format_status(status)); }
  void end(Colour colour = Colour::plain) {
    if (options_.colour && colour != Colour::plain) {
      const std::size_t text = std::min(line_.find_first_not_of(' '), line_.size());
      line_.insert(text, colour == Colour::red ? "\x1b[31m" : "\x1b[33m");
      line_ += "\x1b[0m";
    }
    line_ += '\n';
    sink_(line_);
    ++lines_;
  }

  void transfer(const Record& record) {
    if (record.length == 0) return;
    column_ending(offset_end, hex(record.offset));
    column_ending(size_end, format_size(record.length));
    if (record.object != 0 && (record.kind == Kind::callback_entered || record.kind == Kind::callback_left)) {
      column(mdl_column, fmt::format("mdl#{}", record.object));
    }
  }

  void call_line(const Record& record, std::string_view prefix) {
    begin(depth(), fmt::format("{}{}", prefix, name_of(record.callback)));
    column(who_column, view_.image_name(record.image));
    if (record.kind == Kind::callback_entered && record.arg != 0) line_ += "  " + request_words(record.arg);
  }

  /// Prints what still waits for its successor.
  void flush() {
    if (!waiting_) return;
    const Waiting waiting = *std::move(waiting_);
    waiting_.reset();
    if (waiting.event.record.kind == Kind::timeline_step) {
      begin(0, waiting.text);
      end();
      return;
    }
    call_line(waiting.event.record, "");
    transfer(waiting.event.record);
    end();
    ++open_;
  }

  void left(const Record& record) {
    if (waiting_ && waiting_->event.record.kind == Kind::callback_entered &&
        waiting_->event.record.image == record.image && waiting_->event.record.callback == record.callback) {
      const Record entered = waiting_->event.record;
      waiting_.reset();
      call_line(entered, "");
      transfer(entered);
    } else {
      flush();
      if (open_ != 0) --open_;
      call_line(record, "left ");
    }
    if (record.callback < Callback::bugcheck) result(record.status);  // bug check callbacks return nothing
    column(changes_column, changes_in_words(record));
    end(record.status < 0 ? Colour::yellow : Colour::plain);
  }

  void begins_a_life_step(std::string_view text) {
    begin(0, text);
    end();
    in_life_ = true;
    in_section_ = false;
    open_ = 0;
  }

  void wrong(const Event& event, std::string_view what, Colour colour) {
    begin(depth(), fmt::format("! {}", what));
    const std::string image = view_.image_name(event.record.image);
    if (!image.empty()) {
      line_ += fmt::format(" in {}", image);
      if (event.record.callback != Callback::none) line_ += fmt::format("'s {}", name_of(event.record.callback));
    }
    if (event.record.kind == Kind::bugcheck) {
      line_ += parameters_in_words(event);
    } else if (!event.payload.empty()) {
      line_ += ": " + printable(event.text());
    }
    end(colour);
  }

  void violation(const Event& event) {
    const Record& record = event.record;
    const std::string rule = record.arg < all_rules().size() ? std::string(all_rules()[record.arg].slug)
                                                             : fmt::format("rule#{}", record.arg);
    const auto severity = static_cast<Severity>(std::min<std::uint32_t>(record.flags, 3));
    wrong(event, fmt::format("{} {}", name_of(severity), rule),
          severity == Severity::error     ? Colour::red
          : severity == Severity::warning ? Colour::yellow
                                          : Colour::plain);
  }

  /// How many lines the last `records` records took, 0 when that is too long ago to know.
  std::uint64_t lines_of_last(std::uint64_t records) const {
    if (records == 0 || records > lines_before_.size() || records > shown_) return 0;
    return lines_ - lines_before_[(shown_ - records) % lines_before_.size()];
  }

  void repeat(const Record& record) {
    const std::uint64_t lines = lines_of_last(record.flags);
    std::string text = fmt::format("… {} more", with_thousands(record.arg));
    if (lines == 0) {
      text += " like the step above";
    } else if (lines > 1) {
      text += fmt::format(" like these {} lines", lines);
    }
    const std::uint64_t bytes = product(record.arg, record.length);
    if (record.length != 0 && bytes != UINT64_MAX) {
      text += fmt::format(", {}, to {:#x}", format_size(bytes), record.offset + bytes);
    }
    begin(depth(), text);
    end();
  }

  void show(const Event& event) {
    const Record& record = event.record;
    if (record.kind == Kind::callback_left) {
      // A pair in one line begins where its callback_entered did.
      note_record(lines_);
      left(record);
      return;
    }
    if (record.kind == Kind::crash_started && waiting_ && waiting_->event.record.kind == Kind::timeline_step &&
        waiting_->text == "crash") {
      waiting_.reset();
    }
    flush();
    if (record.kind == Kind::repeat) {
      repeat(record);
      note_record(lines_);
      return;
    }
    note_record(lines_);
    show_in_place(event);
  }

  void note_record(std::uint64_t lines) { lines_before_[shown_++ % lines_before_.size()] = lines; }

  // The order of the enumeration; each case is one line of text.
  void show_in_place(const Event& event) {
    const Record& record = event.record;
    switch (record.kind) {
      case Kind::timeline_step:
        in_life_ = true;
        in_section_ = false;
        open_ = 0;
        waiting_ = Waiting{event, printable(event.text())};
        break;
      case Kind::crash_started:
        begins_a_life_step("crash " + code_with_name(record.arg) + parameters_in_words(event));
        break;
      case Kind::reboot:
        begins_a_life_step("reboot");
        break;
      case Kind::power_cut:
        begins_a_life_step("power cut");
        break;
      case Kind::callback_entered:
        // Between sections only the dump itself is written: any other callback is crashdmp's next phase.
        if (open_ == 0 && record.callback != Callback::write && record.callback != Callback::read &&
            record.callback != Callback::dump_io) {
          in_section_ = false;
        }
        waiting_ = Waiting{event, {}};
        break;
      case Kind::section:
        in_section_ = false;
        begin(depth(), printable(event.text()));
        end();
        in_section_ = true;
        break;
      case Kind::violation:
        violation(event);
        break;
      case Kind::fault: {
        const auto kind = static_cast<FaultKind>(std::min<std::uint64_t>(record.arg, 0xff));
        wrong(event, fmt::format("fault ({})", name_of(kind)), Colour::red);
        open_ = 0;  // control does not come back to the callbacks that were open
        break;
      }
      case Kind::bugcheck:
        wrong(event, "bugcheck " + code_with_name(record.arg), Colour::red);
        open_ = 0;
        break;
      case Kind::truncated:
        begin(0, fmt::format("… {} more records did not fit and were only counted", with_thousands(record.arg)));
        end(Colour::yellow);
        break;
      case Kind::ended:
        begin(0, "ended: " + printable(event.text()));
        end();
        break;
      case Kind::port_opened:
      case Kind::port_write:
      case Kind::port_read:
      case Kind::port_finished:
        port(record);
        break;
      default:
        detail(event);
        break;
    }
  }

  void port(const Record& record) {
    if (record.kind == Kind::port_opened || record.kind == Kind::port_finished) in_section_ = in_section_ && open_ != 0;
    begin(depth(), record.kind == Kind::port_opened  ? "port opened"
                   : record.kind == Kind::port_write ? "port write"
                   : record.kind == Kind::port_read  ? "port read"
                                                     : "port finished");
    if (record.kind == Kind::port_opened) column_ending(offset_end, hex(record.offset));
    transfer(record);
    const bool moved = record.kind == Kind::port_write || record.kind == Kind::port_read;
    if (moved && record.object != 0) column(mdl_column, fmt::format("{:016x}", record.object));
    if (record.status != 0) result(record.status);
    end(record.status < 0 ? Colour::red : Colour::plain);
  }

  void detail(const Event& event) {
    const Record& record = event.record;
    const std::string who = view_.image_name(record.image);
    Colour colour = Colour::plain;
    switch (record.kind) {
      case Kind::stack_stage: {
        const std::string_view name = stage_name(record.arg);
        begin(depth(), fmt::format("{:#06x}{}{}", record.arg, name.empty() ? "" : " ", name));
        if (record.status != 0) result(record.status);
        if (record.status < 0) colour = Colour::red;
        break;
      }
      case Kind::filter_missing:
        begin(depth(), fmt::format("! DumpFilters lists {}, which is not there", printable(event.text())));
        result(record.status);
        colour = Colour::yellow;
        break;
      case Kind::image_loaded:
        begin(depth(), "loaded");
        column(who_column, who);
        break;
      case Kind::image_unloaded:
        begin(depth(), "unloaded");
        column(who_column, who);
        break;
      case Kind::callback_absent:
        call_line(record, "");
        column(result_column, "absent");
        break;
      case Kind::filter_disabled:
        begin(depth(), fmt::format("! {} is skipped from here on: its {} returned {}", who, name_of(record.callback),
                                   format_status(record.status)));
        colour = Colour::yellow;
        break;
      case Kind::usage_notification: {
        const std::string_view name = usage_name(record.arg);
        begin(depth(), fmt::format("usage notification: {} {}", (record.flags & 1) != 0 ? "entering" : "leaving",
                                   name.empty() ? fmt::format("type {}", record.arg) : std::string(name)));
        result(record.status);
        if (record.status < 0) colour = Colour::yellow;
        break;
      }
      case Kind::redirected:
        begin(depth(), "redirected");
        column(who_column, who);
        column_ending(offset_end, hex(record.offset));
        column_ending(size_end, format_size(record.length));
        column(mdl_column, fmt::format("instead of {:#x}", record.before));
        colour = Colour::yellow;
        break;
      case Kind::dump_pages:
        begin(depth(), record.callback == Callback::remove_pages ? "removes" : "adds");
        column(who_column, who);
        column_ending(offset_end, hex(record.offset));
        column_ending(size_end, format_size(product(record.arg, page_bytes)));
        break;
      case Kind::secondary_data:
        begin(depth(), "gives");
        column(who_column, who);
        column_ending(size_end, format_size(record.length));
        column(mdl_column, event.guid());
        break;
      case Kind::triage_data:
        begin(depth(), "for a small dump");
        column(who_column, who);
        column_ending(size_end, format_size(record.length));
        column(mdl_column, fmt::format("in {} block{}", record.arg, record.arg == 1 ? "" : "s"));
        break;
      case Kind::kernel_call:
        begin(depth(), printable(event.text()));
        if (record.status != 0) result(record.status);
        break;
      case Kind::irql_changed:
        begin(depth(), fmt::format("IRQL {} to {}", (record.arg >> 8) & 0xff, record.arg & 0xff));
        break;
      case Kind::debug_print: {
        std::string_view text = event.text();
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
        begin(depth(), "prints");
        column(who_column, who.empty() ? std::string("-") : who);
        line_ += "  \"" + printable(text) + '"';
        break;
      }
      case Kind::registry_read:
        begin(depth(), "reads " + printable(event.text()));
        if (record.status != 0) result(record.status);
        break;
      case Kind::registry_written: {
        const std::string_view text = event.text();
        const std::size_t nul = std::min(text.find('\0'), text.size());
        begin(depth(), fmt::format("writes {} = {} {}", printable(text.substr(0, nul)),
                                   registry_type_name(static_cast<std::uint32_t>(record.arg)),
                                   printable(text.substr(std::min(nul + 1, text.size())))));
        if (record.status != 0) result(record.status);
        break;
      }
      case Kind::registry_created:
        begin(depth(), "creates " + printable(event.text()));
        if (record.status != 0) result(record.status);
        break;
      case Kind::registry_deleted:
        begin(depth(), "deletes " + printable(event.text()));
        if (record.status != 0) result(record.status);
        break;
      case Kind::file_opened: {
        constexpr std::array<std::string_view, 4> done{"supersedes ", "opens ", "creates ", "overwrites "};
        const bool known = record.status >= 0 && record.arg < done.size();
        begin(depth(), std::string(known ? done[record.arg] : "opens ") + printable(event.text()));
        if (record.status != 0) result(record.status);
        break;
      }
      case Kind::file_read:
      case Kind::file_written:
        begin(depth(), fmt::format("{} {}, {} at {:#x}", record.kind == Kind::file_read ? "reads" : "writes",
                                   printable(event.text()), format_size(record.length), record.offset));
        if (record.status != 0) result(record.status);
        break;
      case Kind::file_changed: {
        const std::string_view text = event.text();
        const std::size_t nul = std::min(text.find('\0'), text.size());
        begin(depth(), fmt::format("changes {}: {}", printable(text.substr(0, nul)),
                                   printable(text.substr(std::min(nul + 1, text.size())))));
        if (record.status != 0) result(record.status);
        break;
      }
      case Kind::device_control:
        begin(depth(), fmt::format("device control {:#x}", record.arg));
        column(who_column, who);
        column_ending(size_end, format_size(record.length));
        result(record.status);
        column(changes_column, printable(event.text()));
        break;
      case Kind::device_opened:
        begin(depth(), "opens " + printable(event.text()));
        result(record.status);
        break;
      case Kind::request:
        begin(depth(), request_words(record.arg));
        column(who_column, who);
        transfer(record);
        result(record.status);
        column(changes_column, printable(event.text()));
        break;
      case Kind::error_logged: {
        const std::string_view text = event.text();
        const std::size_t nul = std::min(text.find('\0'), text.size());
        const std::string_view detail = text.substr(std::min(nul + 1, text.size()));
        begin(depth(), fmt::format("logs the error {:#x} of {}{}{}", record.arg, printable(text.substr(0, nul)),
                                   detail.empty() ? "" : ": ", printable(detail)));
        if (record.status != 0) result(record.status);
        break;
      }
      case Kind::disk_read:
      case Kind::disk_write:
        begin(depth(), record.kind == Kind::disk_read ? "disk read" : "disk write");
        column(who_column, who);
        transfer(record);
        if (record.object != 0) column(mdl_column, fmt::format("{:016x}", record.object));
        result(record.status);
        if (record.status < 0) colour = Colour::red;
        break;
      case Kind::disk_flushed:
        begin(depth(), "disk flushed");
        column(who_column, who);
        result(record.status);
        break;
      case Kind::instruction:
        begin(depth(), printable(event.text()));
        if (record.flags != 0) colour = Colour::yellow;
        break;
      case Kind::thread_created:
        begin(depth(), fmt::format("thread#{} created", record.object));
        column(who_column, who);
        break;
      case Kind::thread_ended:
        begin(depth(), fmt::format("thread#{} ended", record.object));
        column(who_column, who);
        result(record.status);
        break;
      case Kind::thread_switched:
        begin(depth(), fmt::format("thread#{} runs", record.object));
        column(who_column, who);
        break;
      case Kind::timer_expired:
        begin(depth(), "timer");
        column(who_column, who);
        line_ += "  " + printable(event.text());
        break;
      case Kind::dpc_run:
        begin(depth(), "DPC");
        column(who_column, who);
        break;
      case Kind::work_item_run:
        begin(depth(), "work item");
        column(who_column, who);
        break;
      case Kind::exception:
        begin(depth(), fmt::format("exception {}", format_status(record.status)));
        column(who_column, who);
        line_ += "  " + printable(event.text());
        colour = Colour::yellow;
        break;
      case Kind::policy:
        begin(depth(), "policy " + printable(event.text()));
        break;
      default:
        begin(depth(), name_of(record.kind));
        break;
    }
    end(colour);
  }

  const TraceView& view_;
  const std::function<void(std::string_view)>& sink_;
  TextOptions options_;
  std::string line_;
  std::optional<Waiting> waiting_;
  bool in_life_ = false;
  bool in_section_ = false;
  std::size_t open_ = 0;  // callbacks entered, printed and not left
  std::uint64_t lines_ = 0;
  std::uint64_t shown_ = 0;
  std::array<std::uint64_t, 1024> lines_before_{};
};

}  // namespace

void write_text(const TraceView& view, const std::function<void(std::string_view line)>& sink, TextOptions options) {
  Writer(view, sink, options).run();
}

std::string to_text(const TraceView& view, TextOptions options) {
  std::string all;
  write_text(
      view, [&](std::string_view line) { all += line; }, options);
  return all;
}

}  // namespace dumpsim::trace
