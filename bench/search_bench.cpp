// SPDX-License-Identifier: Apache-2.0
// What a look at a disk costs, beside memcpy of the same bytes in the same run: the scan for sector tags, and the
// search for byte strings at any offset. Buffers are larger than the caches, and touched before anything is timed.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/byte_search.hpp"
#include "base/random.hpp"
#include "dumpfile/memory_source.hpp"

namespace dumpsim::bench {
namespace {

constexpr std::size_t bytes = std::size_t{64} << 20;

/// Like ciphertext: what a disk behind a filter holds.
std::vector<std::byte> ciphertext() {
  std::vector<std::byte> content(bytes);
  dumpfile::random_source(1)->read_pages(0, bytes / page_size, content.data());
  return content;
}

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

template <class Look>
void measure_beside_memcpy(benchmark::State& state, Look&& look) {
  const std::vector<std::byte> content = ciphertext();
  std::vector<std::byte> copy(bytes);
  double ours = 0, memcpys = 0;
  for (auto _ : state) {
    // Pair by pair, so that a machine whose speed drifts slows both.
    const auto start = std::chrono::steady_clock::now();
    look(content);
    const auto middle = std::chrono::steady_clock::now();
    std::memcpy(copy.data(), content.data(), bytes);
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
    const auto end = std::chrono::steady_clock::now();
    ours += seconds(middle - start);
    memcpys += seconds(end - middle);
    state.SetIterationTime(seconds(middle - start));
  }
  state.counters["times_memcpy"] = memcpys / ours;
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void sector_tags(benchmark::State& state) {
  std::uint64_t found = 0;
  measure_beside_memcpy(state, [&](std::span<const std::byte> content) {
    dumpfile::scan_canary(content, [&](std::size_t, const dumpfile::CanaryTag&) { ++found; });
    benchmark::DoNotOptimize(found);
  });
}
BENCHMARK(sector_tags)->UseManualTime()->Unit(benchmark::kMillisecond);

void tags_at_any_byte(benchmark::State& state) {
  std::uint64_t found = 0;
  measure_beside_memcpy(state, [&](std::span<const std::byte> content) {
    dumpfile::scan_canary_anywhere(content, [&](std::size_t, const dumpfile::CanaryTag&) { ++found; });
    benchmark::DoNotOptimize(found);
  });
}
BENCHMARK(tags_at_any_byte)->UseManualTime()->Unit(benchmark::kMillisecond);

std::vector<std::vector<std::byte>> keys(std::size_t count) {
  std::vector<std::vector<std::byte>> strings(count, std::vector<std::byte>(32));
  Random random(2);
  for (auto& string : strings) {
    for (std::byte& byte : string) byte = static_cast<std::byte>(random.next());
  }
  return strings;
}

void byte_strings(benchmark::State& state) {
  const ByteSearch search(keys(static_cast<std::size_t>(state.range(0))),
                          state.range(1) != 0 ? ByteSearch::Way::portable : ByteSearch::Way::quickest);
  std::uint64_t found = 0;
  measure_beside_memcpy(state, [&](std::span<const std::byte> content) {
    search.scan(content, [&](std::size_t, std::size_t) {
      ++found;
      return true;
    });
    benchmark::DoNotOptimize(found);
  });
}
BENCHMARK(byte_strings)
    ->ArgNames({"strings", "portable"})
    ->Args({1, 0})
    ->Args({4, 0})
    ->Args({16, 0})
    ->Args({64, 0})
    ->Args({4, 1})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

/// What the C library has, string by string, for comparison.
void memmem_each(benchmark::State& state) {
  const auto strings = keys(static_cast<std::size_t>(state.range(0)));
  measure_beside_memcpy(state, [&](std::span<const std::byte> content) {
    for (const auto& string : strings) {
      const void* at = memmem(content.data(), content.size(), string.data(), string.size());
      benchmark::DoNotOptimize(at);
    }
  });
}
BENCHMARK(memmem_each)->ArgName("strings")->Arg(1)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dumpsim::bench
