// SPDX-License-Identifier: Apache-2.0
// The pattern is a line of states (item by item), so a set of states is all the matcher needs, and a round of calls
// that repeats moves that set only so often: a path through m states that takes more than m rounds begins and ends one
// of them in the same state, so dropping or doubling that round changes nothing. A run of any length is therefore
// matched in at most m + 1 rounds.
#include "trace/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "trace/reader.hpp"

namespace dumpsim::trace {

namespace {

constexpr std::string_view prefixes[] = {"dump_", "hiber_"};

/// "xor" for dump_xor and hiber_xor, empty for an image that is no filter.
std::string_view filter_of(std::string_view image) {
  for (const std::string_view prefix : prefixes) {
    if (image.substr(0, prefix.size()) == prefix) return image.substr(prefix.size());
  }
  return {};
}

struct Call {
  std::string_view image;  // "dump_xor"
  Callback callback = Callback::none;
};

struct Round {
  std::vector<Call> calls;
  std::uint64_t count = 1;
};

using Names = std::span<const std::string>;

bool names_image(std::string_view filter, std::string_view image) {
  return image == filter || (!image.empty() && filter_of(image) == filter);
}

std::vector<Round> rounds_of(std::span<const CallRun> runs, Names names, auto&& wanted) {
  std::vector<Round> rounds;
  for (std::size_t i = 0; i < runs.size();) {
    const std::size_t cycle = std::clamp<std::size_t>(runs[i].cycle, 1, runs.size() - i);
    Round round;
    round.count = std::max<std::uint64_t>(runs[i].count, 1);
    for (std::size_t k = 0; k < cycle; ++k, ++i) {
      const std::uint16_t image = runs[i].image;
      const std::string_view name = image < names.size() ? std::string_view(names[image]) : std::string_view();
      if (wanted(name)) round.calls.push_back({name, runs[i].callback});
    }
    if (!round.calls.empty()) rounds.push_back(std::move(round));
  }
  return rounds;
}

/// The pattern as a line of states: '+' is one and then any number.
struct State {
  const CallPatternItem* item = nullptr;
  char repeat = 0;  // 0, '*' or '?'
};

class Matcher {
 public:
  Matcher(std::span<const CallPatternItem> pattern, bool show_filter) : show_filter_(show_filter) {
    for (const CallPatternItem& item : pattern) {
      if (item.repeat == '+') states_.push_back({&item, 0});
      states_.push_back({&item, item.repeat == '+' ? '*' : item.repeat});
    }
    now_.assign(states_.size() + 1, false);
    now_[0] = true;
    close(now_);
  }

  /// Empty when it matches, the first mismatch otherwise.
  std::string run(std::span<const Round> rounds) {
    std::uint64_t before = 0;
    const Call* last = nullptr;
    for (const Round& round : rounds) {
      for (std::uint64_t n = 0; n < round.count && n <= states_.size() + 1; ++n) {
        const std::vector<bool> at_the_start = now_;
        for (std::size_t k = 0; k < round.calls.size(); ++k) {
          const Call& call = round.calls[k];
          const std::string expected = expectation();
          if (!step(call)) {
            return fmt::format("call {} is {}{}, expected {}", with_thousands(before + n * round.calls.size() + k + 1),
                               name(call), last != nullptr ? " after " + name(*last) : "", expected);
          }
          last = &call;
        }
        if (now_ == at_the_start) break;
      }
      before += round.count * round.calls.size();
    }
    if (now_.back()) return {};
    if (last == nullptr) return fmt::format("no call at all, expected {}", expectation());
    return fmt::format("the calls end after {}, expected {}", name(*last), expectation());
  }

  std::string name(const Call& call) const {
    return show_filter_ ? fmt::format("{}:{}", call.image, name_of(call.callback))
                        : std::string(name_of(call.callback));
  }

 private:
  void close(std::vector<bool>& set) const {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (set[i] && states_[i].repeat != 0) set[i + 1] = true;
    }
  }

  bool step(const Call& call) {
    std::vector<bool> next(now_.size(), false);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const CallPatternItem& item = *states_[i].item;
      if (!now_[i] || item.callback != call.callback) continue;
      if (!item.filter.empty() && !names_image(item.filter, call.image)) continue;
      next[states_[i].repeat == '*' ? i : i + 1] = true;
    }
    close(next);
    if (std::find(next.begin(), next.end(), true) == next.end()) return false;
    now_ = std::move(next);
    return true;
  }

  std::string expectation() const {
    std::string words;
    const CallPatternItem* previous = nullptr;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (!now_[i] || states_[i].item == previous) continue;
      previous = states_[i].item;
      words += (words.empty() ? "" : " or ") + format_item(*previous);
    }
    if (now_.back()) words += words.empty() ? "no further call" : " or the end";
    return words;
  }

  bool show_filter_;
  std::vector<State> states_;
  std::vector<bool> now_;
};

/// "DriverEntry, DumpStart, DumpWrite x1,024", so that a mismatch can be understood without the trace.
std::string summary(std::span<const Round> rounds, const Matcher& matcher) {
  constexpr std::size_t most = 12;
  std::string words;
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    if (i == most) return words + ", …";
    const bool several = rounds[i].calls.size() > 1 && rounds[i].count > 1;
    if (!words.empty()) words += ", ";
    if (several) words += '(';
    const char* between = "";
    for (const Call& call : rounds[i].calls) {
      words.append(between).append(matcher.name(call));
      between = ", ";
    }
    if (several) words += ')';
    if (rounds[i].count > 1) words.append(" x").append(with_thousands(rounds[i].count));
  }
  return words;
}

CallMatch judge(std::span<const Round> rounds, std::span<const CallPatternItem> pattern, std::string_view whose,
                bool show_filter) {
  Matcher matcher(pattern, show_filter);
  const std::string mismatch = matcher.run(rounds);
  if (mismatch.empty()) return {.matched = true, .explanation = {}};
  const std::string called = summary(rounds, matcher);
  return {.matched = false,
          .explanation = fmt::format("{}{}{}", whose, mismatch, called.empty() ? "" : "; called: " + called)};
}

}  // namespace

std::string format_item(const CallPatternItem& item) {
  std::string text = item.filter.empty() ? std::string() : item.filter + ":";
  text += name_of(item.callback);
  if (item.repeat != 0) text += item.repeat;
  return text;
}

CallMatch match_calls(std::span<const CallRun> runs, std::span<const CallPatternItem> pattern,
                      std::span<const std::string> names, std::uint64_t missed) {
  if (missed != 0) {
    return {.matched = false,
            .explanation = fmt::format("the order of calls changed more often than the trace keeps ({} runs, {} calls "
                                       "behind them), it cannot be judged",
                                       with_thousands(runs.size()), with_thousands(missed))};
  }
  const auto named = [](const CallPatternItem& item) { return !item.filter.empty(); };
  for (const CallPatternItem& item : pattern) {
    const auto matches = [&](const std::string& image) { return names_image(item.filter, image); };
    if (named(item) && std::none_of(names.begin(), names.end(), matches)) {
      return {.matched = false,
              .explanation =
                  fmt::format("no filter or driver \"{}\" was loaded, expected {}", item.filter, format_item(item))};
    }
  }
  if (!pattern.empty() && std::any_of(pattern.begin(), pattern.end(), named)) {
    const bool all_named = std::all_of(pattern.begin(), pattern.end(), named);
    const auto wanted = [&](std::string_view image) {
      return (!all_named && !filter_of(image).empty()) ||
             std::any_of(pattern.begin(), pattern.end(),
                         [&](const CallPatternItem& item) { return names_image(item.filter, image); });
    };
    return judge(rounds_of(runs, names, wanted), pattern, "", true);
  }

  std::vector<std::string_view> filters;
  for (const std::string& name : names) {
    const std::string_view filter = filter_of(name);
    if (!filter.empty() && std::find(filters.begin(), filters.end(), filter) == filters.end())
      filters.push_back(filter);
  }
  if (filters.empty() && !pattern.empty()) {
    return {.matched = false,
            .explanation = fmt::format("no filter was loaded, expected {}", format_item(pattern.front()))};
  }
  for (const std::string_view filter : filters) {
    const auto wanted = [&](std::string_view image) { return filter_of(image) == filter; };
    CallMatch match = judge(rounds_of(runs, names, wanted), pattern, fmt::format("filter {}: ", filter), false);
    if (!match.matched) return match;
  }
  return {.matched = true, .explanation = {}};
}

CallMatch match_calls(const TraceView& view, std::span<const CallPatternItem> pattern) {
  return match_calls(view.calls(), pattern, view.image_names(), view.calls_missed());
}

}  // namespace dumpsim::trace
