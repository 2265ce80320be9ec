// SPDX-License-Identifier: Apache-2.0
// The parent reads a trace that a driver's process left behind: any bytes at all must give an error or a view that
// ends, and whatever the view shows must be printable. The view's whole surface runs on each input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "trace/calls.hpp"
#include "trace/jsonl.hpp"
#include "trace/reader.hpp"
#include "trace/text.hpp"

using namespace dumpsim;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_one_plain_line(std::string_view line) {
  require(!line.empty() && line.back() == '\n');
  for (const char c : line.substr(0, line.size() - 1)) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto view = trace::TraceView::open(std::as_bytes(std::span(bytes, size)));
  if (!view) {
    require(!view.error().message.empty());
    return 0;
  }
  std::size_t events = 0;
  for (const trace::Event& event : *view) {
    require(event.record.kind > trace::Kind::none && event.record.kind < trace::Kind::count_);
    require(event.payload.size() <= trace::max_payload);
    ++events;
  }
  require(events * sizeof(trace::Record) <= size);
  std::size_t lines = 0;
  trace::write_jsonl(*view, [&](std::string_view line) {
    require_one_plain_line(line);
    ++lines;
  });
  require(lines == events + (view->note().empty() ? 0 : 1));
  trace::write_text(*view, require_one_plain_line);

  std::size_t unfolded = 0;
  view->unfolded(10000, [&](const trace::Event&) { return ++unfolded < 10000; });

  const trace::CallPatternItem pattern[] = {{"", trace::Callback::driver_entry, 0},
                                            {"", trace::Callback::start, '?'},
                                            {"", trace::Callback::write, '*'},
                                            {"", trace::Callback::finish, '+'}};
  const trace::CallMatch match = trace::match_calls(*view, pattern);
  require(match.matched == match.explanation.empty());
  for (std::uint16_t image = 0; image < 80; ++image) {
    view->image_name(image);
    view->tally(image, trace::Callback::write);
  }
  return 0;
}
