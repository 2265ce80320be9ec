// SPDX-License-Identifier: Apache-2.0
// What a dump costs, as ratios in one run: 64 KiB writes to a file on tmpfs beside a plain pwrite loop over the same
// memory (ratio_to_pwrite), and 4 KiB writes through a long chain to the null disk (writes and callbacks a second).
// Absolute times are the machine's; the ratios are ours.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "bench_machine.hpp"

namespace dumpsim::bench {
namespace {

constexpr std::size_t transfer = 64 * 1024;

std::string scratch_disk() {
  return (std::filesystem::path("/dev/shm") / ("dumpsim-bench-" + std::to_string(getpid()) + ".img")).string();
}

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// The limit: the same bytes, from memory as cold, to a file as large, by nothing but pwrite.
class PlainLoop {
 public:
  explicit PlainLoop(std::size_t bytes) : bytes_(bytes) {
    const std::string path = scratch_disk() + ".plain";
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink(path.c_str());
    memory_ = static_cast<std::byte*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory_, 0x5a, bytes);
    write_all();
  }
  ~PlainLoop() {
    munmap(memory_, bytes_);
    close(fd_);
  }
  void write_all() {
    for (std::size_t at = 0; at < bytes_; at += transfer) write(at, at);
  }
  void write_one_buffer() {
    for (std::size_t at = 0; at < bytes_; at += transfer) write(0, at);
  }

 private:
  std::size_t bytes_;
  int fd_ = -1;
  void write(std::size_t from, std::size_t to) {
    if (pwrite(fd_, memory_ + from, transfer, static_cast<off_t>(to)) != static_cast<ssize_t>(transfer)) std::abort();
  }

  std::byte* memory_ = nullptr;
};

template <class Ours, class Theirs>
void measure_beside_pwrite(benchmark::State& state, Ours&& ours_writes, Theirs&& plain_writes) {
  const std::string path = scratch_disk();
  BenchMachine machine({.filters = static_cast<unsigned>(state.range(0)), .backend = "raw", .path = path});
  PlainLoop plain(machine.memory());
  double ours = 0, theirs = 0;
  for (auto _ : state) {
    // Pair by pair, so that a machine whose speed drifts slows both.
    const auto start = std::chrono::steady_clock::now();
    ours_writes(machine);
    const auto middle = std::chrono::steady_clock::now();
    plain_writes(plain);
    const auto end = std::chrono::steady_clock::now();
    ours += seconds(middle - start);
    theirs += seconds(end - middle);
    state.SetIterationTime(seconds(middle - start));
  }
  state.counters["ratio_to_pwrite"] = theirs / ours;
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * machine.memory()));
  std::filesystem::remove(path);
}

void raw_64k(benchmark::State& state) {
  measure_beside_pwrite(
      state, [](BenchMachine& machine) { machine.write_all(); }, [](PlainLoop& plain) { plain.write_all(); });
}
BENCHMARK(raw_64k)->Arg(0)->Arg(1)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);

/// Both from one buffer that stays in the processor's cache, to compare with clients that send such a one.
void raw_64k_one_buffer(benchmark::State& state) {
  measure_beside_pwrite(
      state, [](BenchMachine& machine) { machine.write_one_buffer(); },
      [](PlainLoop& plain) { plain.write_one_buffer(); });
}
BENCHMARK(raw_64k_one_buffer)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);

/// The same writes through one filter with every check on and with those off that can be: turn by turn, so that the
/// ratio is theirs and not the machine's. The filter copies and re-encrypts, with blocks of its own to be watched.
void raw_64k_checks(benchmark::State& state) {
  const std::string path = scratch_disk();
  double with = 0, without = 0;
  std::uint64_t bytes = 0;
  Shape shape{.filters = 1, .backend = "raw", .path = path, .image = DUMPSIM_FILTERS "/xor.so"};
  shape.like.parameters["Key"] = scenario::RegistryValue::dword(0xa5);
  for (auto _ : state) {
    for (const bool checks : {true, false}) {
      shape.checks = checks;
      BenchMachine machine(shape);  // one at a time: simulated memory has one place
      const auto start = std::chrono::steady_clock::now();
      for (int round = 0; round < 4; ++round) machine.write_all();
      const double spent = seconds(std::chrono::steady_clock::now() - start);
      (checks ? with : without) += spent;
      if (checks) state.SetIterationTime(spent);
      if (checks) bytes += 4 * machine.memory();
      std::filesystem::remove(path);
    }
  }
  state.counters["ratio_to_no_checks"] = without / with;
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(raw_64k_checks)->UseManualTime()->Unit(benchmark::kMillisecond);

void null_4k(benchmark::State& state) {
  const auto filters = static_cast<unsigned>(state.range(0));
  const bool materialised = state.range(1) != 0;
  BenchMachine machine({.filters = filters, .pages = 1, .materialised = materialised});
  std::uint64_t writes = 0;
  for (auto _ : state) writes += machine.write_all();
  state.counters["writes"] = benchmark::Counter(static_cast<double>(writes), benchmark::Counter::kIsRate);
  if (filters != 0) {
    state.counters["ns_per_callback"] = benchmark::Counter(static_cast<double>(writes) * filters * 1e-9,
                                                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  }
}
BENCHMARK(null_4k)
    ->ArgNames({"filters", "materialised"})
    ->Args({0, 1})
    ->Args({1, 1})
    ->Args({8, 1})
    ->Args({8, 0})
    ->Unit(benchmark::kMillisecond);

/// What a traced callback of a filter that does nothing adds to a write: through eight of them and through none, turn
/// by turn, and the difference shared out. `times_gate` is that as a multiple of a call through the gate alone, which
/// changes stacks, checks what must be given back, and tells nobody.
void traced_callback(benchmark::State& state) {
  constexpr unsigned filters = 8;
  double with = 0, without = 0, gate = 0;
  std::uint64_t writes = 0;
  for (auto _ : state) {
    for (const bool chain : {true, false}) {
      BenchMachine machine({.filters = chain ? filters : 0, .pages = 1});  // one at a time: memory has one place
      const auto start = std::chrono::steady_clock::now();
      std::uint64_t done = 0;
      for (int round = 0; round < 4; ++round) done += machine.write_all();
      const double spent = seconds(std::chrono::steady_clock::now() - start);
      (chain ? with : without) += spent;
      if (chain) state.SetIterationTime(spent);
      if (!chain) continue;
      writes += done;
      const auto bare = std::chrono::steady_clock::now();
      machine.call_nobody(done * filters);
      gate += seconds(std::chrono::steady_clock::now() - bare);
    }
  }
  state.counters["times_gate"] = (with - without) / gate;
  state.counters["ns"] = (with - without) * 1e9 / (static_cast<double>(writes) * filters);
}
BENCHMARK(traced_callback)->UseManualTime()->Unit(benchmark::kMillisecond);

void windowed_64k(benchmark::State& state) {
  BenchMachine machine(
      {.filters = 1, .memory = static_cast<std::uint64_t>(state.range(0)) << 20, .materialised = false});
  std::uint64_t writes = 0;
  for (auto _ : state) writes += machine.write_all();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * machine.memory()));
  state.counters["ns_per_page"] = benchmark::Counter(static_cast<double>(writes) * 16 * 1e-9,
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(windowed_64k)->ArgName("MiB")->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dumpsim::bench

BENCHMARK_MAIN();
