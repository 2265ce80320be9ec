// SPDX-License-Identifier: Apache-2.0
// Appends to one reused line instead of building a JSON value per event: a full trace has a quarter of a million.
#include "trace/jsonl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "trace/event_table.hpp"
#include "trace/registry_words.hpp"
#include "trace/requests.hpp"
#include "trace/rules.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::trace {

namespace {

void append_string(std::string& line, std::string_view untrusted) {
  line += '"';
  for (const char c : valid_utf8(untrusted)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", byte);
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_changes(std::string& line, std::uint32_t flags) {
  line += '[';
  const char* comma = "";
  for (const ChangeName& row : all_changes()) {
    if ((flags & row.change) == 0) continue;
    fmt::format_to(std::back_inserter(line), "{}\"{}\"", comma, row.key);
    flags &= ~static_cast<std::uint32_t>(row.change);
    comma = ",";
  }
  if (flags != 0) fmt::format_to(std::back_inserter(line), "{}\"{:#x}\"", comma, flags);
  line += ']';
}

std::uint64_t number_in(const Record& record, Slot slot) {
  switch (slot) {
    case Slot::image:
      return record.image;
    case Slot::callback:
      return static_cast<std::uint64_t>(record.callback);
    case Slot::irql:
      return record.irql;
    case Slot::status:
      return static_cast<std::uint32_t>(record.status);
    case Slot::length:
      return record.length;
    case Slot::offset:
      return record.offset;
    case Slot::before:
      return record.before;
    case Slot::object:
      return record.object;
    case Slot::flags:
      return record.flags;
    case Slot::arg:
      return record.arg;
    case Slot::payload:
      return record.payload;
  }
  return 0;
}

void append_value(std::string& line, const TraceView& view, const Event& event, const FieldRow& field) {
  const std::uint64_t number = number_in(event.record, field.slot);
  const auto out = std::back_inserter(line);
  switch (field.format) {
    case Format::image:
      if (event.record.image == no_image) {
        line += "null";
      } else {
        append_string(line, view.image_name(event.record.image));
      }
      break;
    case Format::callback:
      fmt::format_to(out, "\"{}\"", name_of(event.record.callback));
      break;
    case Format::number:
      fmt::format_to(out, "{}", number);
      break;
    case Format::hex:
      fmt::format_to(out, "\"{:#x}\"", number);
      break;
    case Format::status:
      fmt::format_to(out, "\"{:#010x}\"", number);
      break;
    case Format::boolean:
      line += (number & 1) != 0 ? "true" : "false";
      break;
    case Format::mdl:
      fmt::format_to(out, "\"mdl#{}\"", number);
      break;
    case Format::digest:
      fmt::format_to(out, "\"{:016x}\"", number);
      break;
    case Format::changes:
      append_changes(line, event.record.flags);
      break;
    case Format::rule:
      if (number < all_rules().size()) {
        append_string(line, all_rules()[number].slug);
      } else {
        fmt::format_to(out, "\"rule#{}\"", number);
      }
      break;
    case Format::severity: {
      const bool known = number <= static_cast<std::uint64_t>(Severity::error);
      append_string(line, known ? name_of(static_cast<Severity>(number)) : "unknown");
      break;
    }
    case Format::fault: {
      const bool known = number <= static_cast<std::uint64_t>(FaultKind::other);
      append_string(line, known ? name_of(static_cast<FaultKind>(number)) : "unknown");
      break;
    }
    case Format::request:
      append_string(line, request_words(number));
      break;
    case Format::irql_from:
      fmt::format_to(out, "{}", (number >> 8) & 0xff);
      break;
    case Format::irql_to:
      fmt::format_to(out, "{}", number & 0xff);
      break;
    case Format::text:
      append_string(line, event.text());
      break;
    case Format::guid:
      fmt::format_to(out, "\"{}\"", event.guid());
      break;
    case Format::before_nul:
    case Format::after_nul: {
      const std::string_view text = event.text();
      const std::size_t nul = std::min(text.find('\0'), text.size());
      append_string(
          line, field.format == Format::before_nul ? text.substr(0, nul) : text.substr(std::min(nul + 1, text.size())));
      break;
    }
    case Format::registry_type:
      append_string(line, registry_type_name(static_cast<std::uint32_t>(number)));
      break;
    case Format::parameters: {
      const auto values = event.parameters();
      fmt::format_to(out, "[\"{:#x}\",\"{:#x}\",\"{:#x}\",\"{:#x}\"]", values[0], values[1], values[2], values[3]);
      break;
    }
  }
}

bool written(const Record& record, const FieldRow& field) {
  switch (field.when) {
    case When::always:
      return true;
    case When::if_set:
      return number_in(record, field.slot) != 0;
    case When::if_transfer:
      return record.length != 0;
  }
  return true;
}

void append_moves(std::string& line, std::uint32_t moves) {
  if (moves == 0) return;
  line += ",\"moves\":[";
  if ((moves & move_offset) != 0) line += "\"offset\"";
  if ((moves & move_offset) != 0 && (moves & move_before) != 0) line += ',';
  if ((moves & move_before) != 0) line += "\"before\"";
  line += ']';
}

}  // namespace

void write_jsonl(const TraceView& view, const std::function<void(std::string_view line)>& sink) {
  std::string line;
  for (const Event& event : view) {
    line.clear();
    fmt::format_to(std::back_inserter(line), "{{\"event\":\"{}\",\"time\":{}", name_of(event.record.kind),
                   event.record.time);
    for (const FieldRow& field : row_of(event.record.kind).fields) {
      if (!written(event.record, field)) continue;
      fmt::format_to(std::back_inserter(line), ",\"{}\":", field.key);
      append_value(line, view, event, field);
    }
    append_moves(line, event.record.moves);
    line += "}\n";
    sink(line);
  }
  if (view.note().empty()) return;
  line = "{\"event\":\"note\",\"text\":";
  append_string(line, view.note());
  line += "}\n";
  sink(line);
}

std::string to_jsonl(const TraceView& view) {
  std::string all;
  write_jsonl(view, [&](std::string_view line) { all += line; });
  return all;
}

}  // namespace dumpsim::trace
