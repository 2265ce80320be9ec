// SPDX-License-Identifier: Apache-2.0
// A whole scenario in a warm host beside what the system itself asks for its two processes and its bytes, turn by turn
// in one run (times_floor). What is above 1 is the simulator's.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dumpfile/memory_source.hpp"
#include "engine/run.hpp"
#include "engine/warm_host.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::bench {
namespace {

constexpr std::size_t pages = 256;
constexpr std::size_t memory_bytes = pages * 4096;
constexpr std::size_t transfer = 64 * 1024;

void must(bool done) {
  if (!done) std::abort();
}

/// A file in memory that the parent alone has mapped, with all its pages there: as a warm host keeps them.
struct SharedFile {
  explicit SharedFile(const char* name) : fd(memfd_create(name, MFD_CLOEXEC)) {
    must(fd >= 0 && ftruncate(fd, memory_bytes) == 0);
    at = static_cast<std::byte*>(mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0));
    must(at != MAP_FAILED && madvise(at, memory_bytes, MADV_DONTFORK) == 0);
  }
  ~SharedFile() {
    munmap(at, memory_bytes);
    close(fd);
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  int fd;
  std::byte* at;
};

void give(int event) {
  const std::uint64_t one = 1;
  must(write(event, &one, sizeof one) == sizeof one);
}
void await(int event) {
  pollfd wanted{.fd = event, .events = POLLIN, .revents = 0};
  must(poll(&wanted, 1, -1) == 1);
}

/// The same bytes through the same two processes with nothing else: a child writes memory to a disk, enciphered with
/// XOR; another, forked meanwhile, reads that back and writes what it deciphers to a file; the parent compares it with
/// memory and looks for readable sectors on the disk.
class Floor {
 public:
  Floor() {
    must(memory_ != MAP_FAILED);
    dumpfile::canary_source()->read_pages(0, pages, memory_);
  }
  ~Floor() { munmap(memory_, memory_bytes); }
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;

  void run() {
    std::memset(disk_.at, 0, memory_bytes);
    std::memset(dump_.at, 0, memory_bytes);
    const int crash_over = eventfd(0, EFD_CLOEXEC), read_back = eventfd(0, EFD_CLOEXEC);
    const pid_t crashes = child([&] {
      for_each_piece([&](std::byte* buffer, std::size_t at) {
        encipher(memory_ + at, buffer);
        must(pwrite(disk_.fd, buffer, transfer, static_cast<off_t>(at)) == transfer);
      });
      give(crash_over);
    });
    const pid_t reads = child([&] {
      await(crash_over);
      for_each_piece([&](std::byte* buffer, std::size_t at) {
        must(pread(disk_.fd, buffer, transfer, static_cast<off_t>(at)) == transfer);
        encipher(buffer, buffer);
        must(pwrite(dump_.fd, buffer, transfer, static_cast<off_t>(at)) == transfer);
      });
      give(read_back);
    });
    must(waitpid(crashes, nullptr, 0) == crashes);
    await(read_back);
    must(std::memcmp(dump_.at, memory_, memory_bytes) == 0);
    std::size_t readable = 0;
    dumpfile::scan_canary({disk_.at, memory_bytes}, [&](std::size_t, const dumpfile::CanaryTag&) { ++readable; });
    must(readable == 0);
    must(waitpid(reads, nullptr, 0) == reads);
    close(crash_over);
    close(read_back);
  }

 private:
  template <class Work>
  static pid_t child(const Work& work) {
    const pid_t pid = fork();
    must(pid >= 0);
    if (pid != 0) return pid;
    work();
    _exit(0);
  }
  template <class Work>
  static void for_each_piece(const Work& work) {
    auto* const buffer =
        static_cast<std::byte*>(mmap(nullptr, transfer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    must(buffer != MAP_FAILED);
    for (std::size_t at = 0; at < memory_bytes; at += transfer) work(buffer, at);
  }
  static void encipher(const std::byte* from, std::byte* to) {
    std::transform(from, from + transfer, to, [](std::byte byte) { return byte ^ std::byte{0xa5}; });
  }

  std::byte* memory_ =
      static_cast<std::byte*>(mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  SharedFile disk_{"floor disk"}, dump_{"floor dump"};
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void warm_run(benchmark::State& state) {
  scenario::Scenario scenario;
  scenario.system.memory.runs = {{0, pages}};
  scenario::Filter filter;
  filter.image = DUMPSIM_FILTERS "/xor.so";
  filter.name = "xor";
  filter.parameters["Key"] = scenario::RegistryValue::dword(0xa5);
  scenario.filters.push_back(filter);
  scenario::fill_defaults(scenario);
  engine::WarmHost host;
  Floor floor;
  std::vector<double> floors, ratios;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    bool as_expected = false;
    {
      auto report = host.run(scenario, {});
      as_expected = report && report->as_expected();
      benchmark::DoNotOptimize(report);
    }
    const auto between = std::chrono::steady_clock::now();
    floor.run();
    const auto ended = std::chrono::steady_clock::now();
    if (!as_expected) {
      state.SkipWithError("the run is not as expected");
      break;
    }
    const double ours = std::chrono::duration<double>(between - began).count();
    state.SetIterationTime(ours);
    floors.push_back(std::chrono::duration<double>(ended - between).count());
    ratios.push_back(ours / floors.back());
  }
  if (ratios.empty()) return;
  state.counters["floor_us"] = median(floors) * 1e6;
  state.counters["times_floor"] = median(ratios);
}
BENCHMARK(warm_run)->Unit(benchmark::kMicrosecond)->UseManualTime()->MinTime(2);

}  // namespace
}  // namespace dumpsim::bench
