// SPDX-License-Identifier: Apache-2.0
#include "engine/oracles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "engine/dump_places.hpp"
#include "engine/reference.hpp"
#include "engine/round_trip.hpp"
#include "engine/secrets.hpp"
#include "engine/write_history.hpp"
#include "wdk/ntstatus.h"

namespace dumpsim::engine {
namespace {

using trace::Callback;
using trace::Rule;

// A reference disk lies in the host's memory.
constexpr std::uint64_t most_reference_bytes = std::uint64_t{4} << 30;

class Oracles {
 public:
  Oracles(const FinishedRun& run, const dumpfile::DumpLayout* layout)
      : run_(run),
        scenario_(run.next.scenario),
        layout_(layout),
        places_(run.next.plan, layout),
        history_(run.view),
        memory_(with_account(run.memory, run.account, run.account_file)) {}

  Result<OracleAnswers> all() {
    if (auto done = readable(); !done) return done.error();
    if (auto done = secrets(); !done) return done.error();
    if (auto done = round_trip(); !done) return done.error();
    if (auto done = reference(); !done) return done.error();
    if (auto done = repeated(); !done) return done.error();
    return std::move(answers_);
  }

 private:
  void found(Rule rule, std::uint16_t image, Callback callback, std::string detail,
             const trace::ChangedBytes& bytes = {}) {
    answers_.findings.push_back({rule, image, callback, std::move(detail), bytes});
  }
  void not_judged(std::string_view key, std::string_view why) {
    answers_.not_judged.push_back(fmt::format("{}: not judged: {}", key, why));
  }
  bool dump_was_made() const { return run_.totals.dump == stack::DumpState::completed; }

  std::uint16_t image_of(const std::string& name) const {
    const auto& names = run_.view.image_names();
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? trace::no_image : static_cast<std::uint16_t>(found - names.begin());
  }
  /// Of the filter, when there is no other who could have done it.
  std::uint16_t only_filter() const {
    return scenario_.filters.size() == 1 ? image_of("dump_" + scenario_.filters[0].name) : trace::no_image;
  }
  /// A filter whose DumpStart said so promises nothing, for that instance [seen: DiskCryptor].
  bool said_not_encrypted(const std::string& name) const {
    return std::any_of(run_.view.calls().begin(), run_.view.calls().end(), [&](const trace::CallRun& call) {
      return call.callback == Callback::start && call.status == STATUS_FVE_NOT_ENCRYPTED && call.count != 0 &&
             run_.view.image_name(call.image) == name;
    });
  }

  // ---- memory that lies readable ----

  Result<void> readable() {
    const std::vector<Promise>& promises = run_.promises;
    if (promises.empty()) return {};
    std::vector<std::byte> rows(Sightings::bytes_for(promises.size()));
    const Sightings in_the_end = Sightings::in(rows, promises.size());
    if (auto seen = look_at_disk(run_.next.disk, promises, run_.next.plan, *run_.finder, in_the_end); !seen)
      return seen;
    bool clean = true;
    if (!run_.sightings.rows.empty() && *run_.sightings.unread != 0) {
      clean = false;
      not_judged("verify.readable", fmt::format("the disk could not be read after {} of the writes",
                                                with_thousands(*run_.sightings.unread)));
    }
    for (std::size_t i = 0; i < promises.size(); ++i) {
      for (const std::size_t instance : {0u, 1u}) {
        const std::size_t row = 2 * i + instance;
        const Sighting early = run_.sightings.rows.empty() ? Sighting{} : run_.sightings.rows[row];
        clean &= judge_promise(promises[i], instance == 1, early, in_the_end.rows[row]);
      }
    }
    if (clean) {
      answers_.told.push_back(fmt::format("protected: no sector of memory lies readable{}",
                                          scenario_.verify.every_write ? ", after no write and not in the end" : ""));
    }
    return {};
  }

  /// Whether it was made and kept.
  bool judge_promise(const Promise& promise, bool hibernation, const Sighting& early, const Sighting& last) {
    if (early.count == 0 && last.count == 0) return true;
    const std::string& filter = scenario_.filters[promise.filter].name;
    const std::string name = (hibernation ? "hiber_" : "dump_") + filter;
    if (said_not_encrypted(name)) {
      answers_.told.push_back(fmt::format("protected: nothing, {}'s DumpStart said", name));
      return false;
    }
    const bool was_early = early.count != 0;
    const Sighting& first = was_early ? early : last;
    const DiskOffset at{first.at};
    std::string how;
    if (was_early) {
      how = fmt::format("after {}; {} in the end", words_for({first.write, first.callback, first.failed != 0}),
                        last.count == 0 ? std::string("none") : with_thousands(last.count));
    } else {
      how = history_.words(at);
    }
    found(Rule::data_readable_sector, image_of(name), Callback::write,
          fmt::format("{} of memory in what it protects; the first: {} holds sector {} of pfn {:#x}, {}",
                      first.count == 1 ? "1 sector" : with_thousands(first.count) + " sectors", places_.words(at),
                      first.sector, first.pfn, how),
          last.count != 0 ? bytes_of_sector(last) : trace::ChangedBytes{});
    return false;
  }

  /// What memory held, and what the disk holds in its place.
  trace::ChangedBytes bytes_of_sector(const Sighting& seen) {
    // A tag is what a filter left there: it may name what is no sector.
    const bool in_memory = std::any_of(run_.next.plan.ram.begin(), run_.next.plan.ram.end(),
                                       [&](const dumpfile::PageRun& run) { return seen.pfn - run.base < run.pages; });
    if (!in_memory || seen.sector >= page_size / dumpfile::canary_sector) return {};
    const std::vector<std::byte> on_disk = bytes_at(run_.next.disk, DiskOffset{seen.at});
    std::vector<std::byte> page(page_size);
    memory_->read_pages(seen.pfn, 1, page.data());
    return trace::beginnings(trace::Held::disk_sector,
                             std::span(page).subspan(seen.sector * dumpfile::canary_sector, on_disk.size()), on_disk);
  }

  /// As many as a finding shows; none when they cannot be read.
  static std::vector<std::byte> bytes_at(disk::BlockDevice& disk, DiskOffset at) {
    const std::uint64_t into_sector = at.bytes % disk.sector_size();
    const std::uint64_t begin = at.bytes - into_sector;
    std::vector<std::byte> bytes(std::min<std::uint64_t>(std::uint64_t{2} * disk.sector_size(), disk.size() - begin));
    if (disk.read(DiskOffset{begin}, bytes) != disk::IoStatus::ok) return {};
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(into_sector));
    bytes.resize(std::min(bytes.size(), trace::ChangedBytes::most));
    return bytes;
  }

  // ---- secrets ----

  Result<void> secrets() {
    if (scenario_.secrets.empty()) return {};
    auto findings = find_secrets({.secrets = scenario_.secrets,
                                  .plan = run_.next.plan,
                                  .places = places_,
                                  .history = history_,
                                  .view = run_.view,
                                  .disk = run_.next.disk,
                                  .recovered = run_.recovered.bytes.get(),
                                  .recovered_size = run_.recovered.size,
                                  .recovered_raw = run_.recovered.raw,
                                  .account = run_.account,
                                  .account_file = run_.account_file});
    if (!findings) return findings.error();
    if (findings->empty()) {
      answers_.told.push_back(fmt::format(
          "secrets: none of {} on the disk, in secondary data or debug output{}", scenario_.secrets.size(),
          run_.recovered.bytes == nullptr ? "; no dump was recovered to look at" : " or the recovered dump"));
    }
    std::move(findings->begin(), findings->end(), std::back_inserter(answers_.findings));
    return {};
  }

  // ---- reading back ----

  Result<void> round_trip() {
    if (!scenario_.verify.round_trip) return {};
    if (!dump_was_made() || layout_ == nullptr) {
      not_judged("verify.round_trip", "no dump was written to its end");
      return {};
    }
    auto trip = check_round_trip(run_.next, *layout_, places_, *memory_);
    if (!trip) return trip.error();
    answers_.ended_by_itself &= trip->ended_by_itself;
    if (!trip->not_judged.empty()) not_judged("verify.round_trip", trip->not_judged);
    if (!trip->difference.empty())
      found(Rule::data_round_trip_differs, only_filter(), Callback::read, std::move(trip->difference), trip->bytes);
    if (!trip->told.empty()) answers_.told.push_back("round trip: " + trip->told);
    return {};
  }

  // ---- the disk that no filter leaves ----

  std::string why_no_reference() const {
    if (run_.totals.ended != stack::Ended::no || run_.totals.finished.load(std::memory_order_acquire) == 0) {
      return "the run did not come to its end";
    }
    if (run_.totals.dump == stack::DumpState::begun || run_.totals.dump == stack::DumpState::failed ||
        run_.totals.hibernation_failed != 0) {
      return "not all was written";
    }
    if (run_.view.count(trace::Kind::disk_write) != 0) return "drivers wrote to the disk beside the dump stack";
    if (dump_was_made() && layout_->size() > most_reference_bytes)
      return fmt::format("a dump of more than {} has no room beside the host's memory",
                         format_size(most_reference_bytes));
    return {};
  }

  Result<void> reference() {
    if (!scenario_.verify.reference) return {};
    if (const std::string why = why_no_reference(); !why.empty()) {
      not_judged("verify.reference", why);
      return {};
    }
    auto reference = reference_disk(scenario_, run_.next.plan, dump_was_made() ? layout_ : nullptr, *memory_);
    if (!reference) return reference.error();
    auto difference = first_difference(**reference, run_.next.disk);
    if (!difference) return difference.error();
    if (!*difference) {
      answers_.told.emplace_back("reference: the disk is what no filter leaves there");
      return {};
    }
    const DiskDifference& first = **difference;
    found(
        Rule::data_reference_differs, only_filter(), Callback::write,
        fmt::format("{} holds {:#04x}, without filters it would be {:#04x}; {}", places_.words(first.at),
                    static_cast<unsigned>(first.second), static_cast<unsigned>(first.first), history_.words(first.at)),
        trace::beginnings(trace::Held::dump_file, bytes_at(**reference, first.at), bytes_at(run_.next.disk, first.at)));
    return {};
  }

  // ---- the same again ----

  Result<void> repeated() {
    if (run_.rehearsals.empty()) return {};
    for (std::size_t i = 0; i < run_.rehearsals.size(); ++i) {
      auto difference = difference_from(run_.rehearsals[i], run_.view, run_.next.disk, places_);
      if (!difference) return difference.error();
      if (difference->empty()) continue;
      found(Rule::data_not_deterministic, only_filter(), Callback::none,
            fmt::format("run {} and run {} of the same: {}", i + 1, run_.rehearsals.size() + 1, *difference));
      return {};
    }
    answers_.told.push_back(fmt::format("repeat: {} runs, traces{} the same byte for byte", run_.rehearsals.size() + 1,
                                        run_.next.disk.keeps_content() ? " and disks" : ""));
    return {};
  }

  const FinishedRun& run_;
  const scenario::Scenario& scenario_;
  const dumpfile::DumpLayout* layout_;
  DumpPlaces places_;
  WriteHistory history_;
  std::unique_ptr<dumpfile::MemorySource> memory_;
  OracleAnswers answers_;
};

}  // namespace

bool asks_oracles(const scenario::Scenario& scenario) {
  const scenario::Verify& verify = scenario.verify;
  return verify.round_trip || verify.reference || verify.repeat > 1 || !scenario.secrets.empty() ||
         std::any_of(scenario.filters.begin(), scenario.filters.end(),
                     [](const scenario::Filter& filter) { return filter.promises(); });
}

Result<OracleAnswers> ask_oracles(const FinishedRun& run) {
  auto layout = layout_as_written(run.next.plan, run.account, run.account_file);
  if (!layout) return layout.error();
  return Oracles(run, *layout ? &**layout : nullptr).all();
}

}  // namespace dumpsim::engine
