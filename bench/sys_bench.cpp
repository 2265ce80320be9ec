// SPDX-License-Identifier: Apache-2.0
// A filter as .sys beside the same source as .so: what a callback costs, what a cipher moves, and what loading takes.
// Rounds take turns on machines made anew, each warmed by a whole dump, so that what disturbs one disturbs the other.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "bench_machine.hpp"
#include "kernel/exports.hpp"
#include "loader/image.hpp"

namespace dumpsim::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// The compiler whose .sys stand beside the .so: what this machine could build.
std::string sys_of(const std::string& filter) {
  for (const char* kind : {"clang", "mingw"}) {
    std::string path = std::string(DUMPSIM_FILTERS "/") + filter + "-" + kind + ".sys";
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

/// Nanoseconds that a write took at the best of several times over all of memory.
double write_nanoseconds(Shape shape, const std::string& image) {
  shape.image = image;
  BenchMachine machine(shape);
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    const std::uint64_t writes = machine.write_all();
    const std::chrono::duration<double, std::nano> time = Clock::now() - start;
    best = std::min(best, time.count() / static_cast<double>(writes));
  }
  return best;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Pair {
  std::vector<double> so, sys;
};

bool measure(benchmark::State& state, const Shape& shape, const std::string& filter, Pair& pair) {
  const std::string sys = sys_of(filter);
  if (sys.empty()) {
    state.SkipWithError("this machine has no compiler for .sys");
    return false;
  }
  for (auto _ : state) {
    pair.so.push_back(write_nanoseconds(shape, std::string(DUMPSIM_FILTERS "/") + filter + ".so"));
    pair.sys.push_back(write_nanoseconds(shape, sys));
    state.SetIterationTime(pair.sys.back() * 1e-9);
  }
  return true;
}

void sys_callback(benchmark::State& state) {
  constexpr unsigned filters = 8;
  Shape shape{.filters = filters, .pages = 1, .memory = std::uint64_t{16} << 20};
  Shape bare = shape;
  bare.filters = 0;
  Pair pair;
  if (!measure(state, shape, "passthrough", pair)) return;
  const double without = write_nanoseconds(bare, bare.image);
  const double so = (median(pair.so) - without) / filters, sys = (median(pair.sys) - without) / filters;
  state.counters["so_ns"] = so;
  state.counters["sys_ns"] = sys;
  state.counters["ratio"] = sys / so;
}
BENCHMARK(sys_callback)->UseManualTime()->Iterations(15)->Unit(benchmark::kNanosecond);

void sys_aes_xts(benchmark::State& state) {
  Shape shape{.filters = 1, .pages = 16, .memory = std::uint64_t{16} << 20};
  std::vector<std::byte> key(64);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i * 7 + 1);
  shape.like.parameters["Key"] = scenario::RegistryValue::binary(key);
  Pair pair;
  if (!measure(state, shape, "aes_xts", pair)) return;
  state.counters["so_MB/s"] = 65536e3 / median(pair.so);
  state.counters["sys_MB/s"] = 65536e3 / median(pair.sys);
  state.counters["ratio"] = median(pair.so) / median(pair.sys);
}
BENCHMARK(sys_aes_xts)->UseManualTime()->Iterations(9)->Unit(benchmark::kMicrosecond);

/// Reads, maps, relocates (16384 places), binds and takes away again a .sys of 1 MiB.
void sys_load(benchmark::State& state) {
  const std::string path = DUMPSIM_BENCH_IMAGES "/large-mingw.sys";
  if (!std::filesystem::exists(path)) return state.SkipWithError("this machine has no compiler for .sys");
  std::vector<std::string_view> names;
  std::vector<const void*> system_v, microsoft;
  for (const kernel::Export& row : kernel::all_exports()) {
    names.push_back(row.name);
    system_v.push_back(row.system_v);
    microsoft.push_back(row.microsoft);
  }
  for (auto _ : state) {
    auto image = loader::Image::load(path, {names, system_v, microsoft}, {.instance = "dump_large"});
    if (!image) return state.SkipWithError(image.error().message.c_str());
    benchmark::DoNotOptimize(image);
  }
}
BENCHMARK(sys_load)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace dumpsim::bench
