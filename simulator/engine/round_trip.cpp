// SPDX-License-Identifier: Apache-2.0
#include "engine/round_trip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "base/text.hpp"
#include "engine/next_boot.hpp"

namespace dumpsim::engine {
namespace {

/// Every split of a dump of half a MiB into up to 16 pages comes to this, and takes less than a second.
constexpr std::uint64_t most_bytes_read = std::uint64_t{128} << 20;

/// The dump file's bytes as they were written, and zeros up to the end of its last page.
void fill_written(const dumpfile::DumpLayout& layout, const dumpfile::MemorySource& memory, std::uint64_t at,
                  std::span<std::byte> into) {
  const std::uint64_t within = at < layout.size() ? std::min<std::uint64_t>(into.size(), layout.size() - at) : 0;
  if (within != 0) layout.fill(at, into.first(within), memory);
  std::fill(into.begin() + static_cast<std::ptrdiff_t>(within), into.end(), std::byte{0});
}

struct Trip {
  Session& session;
  const dumpfile::DumpLayout& layout;
  const DumpPlaces& places;
  const dumpfile::MemorySource& memory;
  const disk::ExtentMap& file;
  const scenario::Scenario& scenario;
};

/// In the child.
void read_in_splits(const Trip& trip, SharedTexts& shared) {
  const auto not_judged = [&](std::string_view why) { write_text(shared.mistake, why); };
  stack::Environment& env = trip.session.environment();
  auto fresh = FreshStack::load(trip.session, trip.file);
  if (!fresh) return not_judged(fresh.error().message);
  const bool through_filters = fresh->stack().reads_through_filters();
  const std::uint64_t most_pages = fresh->stack().max_pages();
  const std::uint64_t size = std::min((trip.layout.size() + page_size - 1) / page_size * page_size, trip.file.size());
  const Splits splits(size, env.volume.sector_size, most_pages, trip.scenario.verify.seed, most_bytes_read);
  std::vector<std::byte> got(most_pages * page_size), written(got.size());
  std::uint64_t transfers = 0, bytes = 0;
  bool same = true;
  splits.for_each([&](std::uint64_t offset, std::uint64_t length) {
    const std::span<std::byte> now = std::span(got).first(length), then = std::span(written).first(length);
    if (!fresh->reader().read(offset, now)) {
      not_judged(fmt::format("reading {} bytes back from dump file offset {:#x} failed", length, offset));
      return same = false;
    }
    ++transfers;
    bytes += length;
    fill_written(trip.layout, trip.memory, offset, then);
    if (std::memcmp(now.data(), then.data(), length) == 0) return true;
    same = false;
    if (!through_filters) {
      not_judged("no filter has a read callback that this profile calls, and the disk is not what was written");
      return false;
    }
    const auto at = static_cast<std::uint64_t>(std::mismatch(now.begin(), now.end(), then.begin()).first - now.begin());
    write_text(
        shared.unmet,
        fmt::format("reading {} bytes ({}) from dump file offset {:#x} gives {:#04x} at offset {:#x} ({}), where "
                    "{:#04x} was written (read {} of {})",
                    with_thousands(length), format_size(length), offset, static_cast<unsigned>(now[at]), offset + at,
                    trip.places.words_in_dump(offset + at), static_cast<unsigned>(then[at]), with_thousands(transfers),
                    splits.words()));
    shared.bytes = trace::beginnings(trace::Held::read_back, then.subspan(at), now.subspan(at));
    return false;
  });
  fresh->leave_standing();
  if (!same || env.totals.ended != stack::Ended::no) return;
  shared.totals.bytes_done = bytes;
  write_text(shared.evidence, fmt::format("{}: {} reads of {} in all give back what was written{}", splits.words(),
                                          with_thousands(transfers), format_size(bytes),
                                          through_filters ? "" : ", by the port alone: no filter reads"));
}

}  // namespace

Splits::Splits(std::uint64_t bytes, std::uint32_t sector_size, std::uint64_t most_pages, std::uint64_t seed,
               std::uint64_t limit)
    : bytes_(bytes), sector_(sector_size), most_pages_(most_pages), seed_(seed), limit_(limit) {
  const std::uint64_t ways = most_pages * (most_pages + 1) / 2 + most_pages * (page_size / sector_ - 1);
  all_ = ways <= limit / bytes;
}

bool Splits::whole_file(std::uint64_t lead, std::uint64_t length,
                        const std::function<bool(std::uint64_t, std::uint64_t)>& visit) const {
  for (std::uint64_t at = 0; at < bytes_;) {
    const std::uint64_t now = std::min(at == 0 && lead != 0 ? lead : length, bytes_ - at);
    if (!visit(at, now)) return false;
    at += now;
  }
  return true;
}

void Splits::for_each(const std::function<bool(std::uint64_t offset, std::uint64_t length)>& visit) const {
  if (all_) {
    for (std::uint64_t pages = 1; pages <= most_pages_; ++pages) {
      for (std::uint64_t lead = 0; lead < pages; ++lead) {
        if (!whole_file(lead * page_size, pages * page_size, visit)) return;
      }
      for (std::uint64_t lead = sector_; lead < page_size; lead += sector_) {
        if (!whole_file(lead, pages * page_size, visit)) return;
      }
    }
    return;
  }
  std::uint64_t done = 0;
  const auto visit_one = [&](std::uint64_t at, std::uint64_t length) {
    done += length;
    return visit(at, length);
  };
  const std::uint64_t longest = std::min(most_pages_, std::max<std::uint64_t>(bytes_ / page_size, 1));
  for (std::uint64_t pages = 1; pages <= longest; ++pages) {
    const std::uint64_t length = std::min(pages * page_size, bytes_);
    if (!visit_one(0, length) || !visit_one(bytes_ - length, length)) return;
  }
  Random random(seed_);
  while (done < limit_) {
    for (std::uint64_t pages = 1; pages <= longest; ++pages) {
      std::uint64_t length = std::min(pages * page_size, bytes_);
      // Every other one ends inside a page.
      if (random.below(2) == 1) length -= std::min(random.below(page_size / sector_) * sector_, length - sector_);
      const std::uint64_t at = random.below((bytes_ - length) / sector_ + 1) * sector_;
      if (!visit_one(at, length)) return;
    }
  }
}

std::string Splits::words() const {
  if (all_) return fmt::format("every split into 1 to {} pages, from every page and sector", most_pages_);
  return fmt::format("a sample of the splits into 1 to {} pages (seed {})", most_pages_, seed_);
}

Result<RoundTrip> check_round_trip(const NextBoot& boot, const dumpfile::DumpLayout& layout, const DumpPlaces& places,
                                   const dumpfile::MemorySource& memory) {
  auto shared = SharedBlock::create();
  if (!shared) return shared.error();
  auto trace = NextBootTrace::create(boot.machine);
  if (!trace) return trace.error();
  auto child = Child::start([&] {
    auto session = boot_next(boot, trace->recorder(), shared->texts());
    if (session) {
      read_in_splits({**session, layout, places, memory, boot.plan.dump_file, boot.scenario}, shared->texts());
      static_cast<void>(session->release());
    } else {
      write_text(shared->texts().mistake, session.error().message);
    }
    shared->totals().finished.store(1, std::memory_order_release);
  });
  if (!child) return child.error();
  const ChildEnd end = child->wait(shared->totals(), stuck_seconds(boot.scenario), {});
  RoundTrip trip;
  trip.ended_by_itself = end.how == ChildEnd::How::finished;
  if (!trip.ended_by_itself || shared->totals().ended != stack::Ended::no) {
    trip.not_judged = trace->death(end, shared->texts());
    return trip;
  }
  trip.not_judged = read_text(shared->texts().mistake);
  trip.difference = read_text(shared->texts().unmet);
  trip.bytes = trace::checked(shared->texts().bytes);
  if (trip.not_judged.empty() && trip.difference.empty()) trip.told = read_text(shared->texts().evidence);
  return trip;
}

}  // namespace dumpsim::engine
