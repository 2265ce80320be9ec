// SPDX-License-Identifier: Apache-2.0
// The parent reads a trace that a driver's process left behind: any bytes at all must give an error or a view that
// ends, and whatever the view shows must be printable. The view's whole surface runs on each input. The parent also
// goes on with such a trace: it stays within the block, and what it adds can be read when the rest could.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "trace/calls.hpp"
#include "trace/jsonl.hpp"
#include "trace/reader.hpp"
#include "trace/recorder.hpp"
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

void go_on(const std::uint8_t* bytes, std::size_t size) {
  const trace::RecorderOptions tables{.images = 2, .call_runs = 16, .sites = 2};  // the corpus's
  const std::size_t all = (std::max(size, trace::Recorder::minimum_bytes(tables)) + 127) & ~std::size_t{63};
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  const std::unique_ptr<std::byte, Free> memory(static_cast<std::byte*>(std::aligned_alloc(64, all)));
  std::uint64_t clock = 0;
  trace::Recorder recorder({memory.get(), all}, &clock, tables);
  std::memset(memory.get(), 0, all);
  if (size != 0) std::memcpy(memory.get(), bytes, size);
  if (!recorder.catch_up()) return;
  recorder.violation(0, trace::Callback::write, trace::Rule::pool_leak, "at last");
  recorder.fault(0, trace::Callback::write, trace::FaultKind::hang, "used up 10 s");
  recorder.ended("hung");
  const auto view = trace::TraceView::open({memory.get(), all});
  if (view && view->note().empty()) require(view->outcome() == "hung");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  go_on(bytes, size);
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
