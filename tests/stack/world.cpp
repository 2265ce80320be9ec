// SPDX-License-Identifier: Apache-2.0
// The world of the stack's tests: see world.hpp. Built in the order in which the engine builds a session.
#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/random.hpp"
#include "trace/rules.hpp"

namespace dumpsim::stack {
namespace {

template <class T>
T or_die(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

constexpr std::size_t trace_bytes = std::size_t{8} << 20;
constexpr std::chrono::seconds patience{10};

}  // namespace

disk::IoStatus LoggingDisk::read(DiskOffset at, std::span<std::byte> into) {
  const disk::IoStatus status = disk::check_transfer(at, into.size(), size(), sector_size_);
  if (status != disk::IoStatus::ok) return status;
  log.push_back({false, at.bytes, into.size()});
  std::memcpy(into.data(), content_.data() + at.bytes, into.size());
  return status;
}

disk::IoStatus LoggingDisk::write(DiskOffset at, std::span<const std::byte> bytes) {
  const disk::IoStatus status = disk::check_transfer(at, bytes.size(), size(), sector_size_);
  if (status != disk::IoStatus::ok) return status;
  if (++writes_ >= fails_from && fails_from != 0) return disk::IoStatus::failed;
  log.push_back({true, at.bytes, bytes.size()});
  std::memcpy(content_.data() + at.bytes, bytes.data(), bytes.size());
  return status;
}

disk::IoStatus LoggingDisk::flush() {
  ++flushes;
  return flush_fails ? disk::IoStatus::failed : disk::IoStatus::ok;
}

World::World(WorldOptions options)
    : policies_(options.profile),
      machine_{.memory = or_die(machine::PhysicalMemory::create(options.ram, dumpfile::canary_source(), {}))},
      block_(or_die(Mapping::shared(trace_bytes))),
      disk_(options.disk_bytes, options.sector_size),
      guest_stack_(or_die(machine::GuestStack::create(24576))),
      gate_(guest_stack_) {
  for (const auto& [policy, value] : options.policies)
    policies_.set(policy, or_die(policy::parse_value(policy, value)));
  recorder_ = std::make_unique<trace::Recorder>(
      block_.bytes(), &machine_.clock.now, trace::RecorderOptions{.fold = options.fold, .digests = options.digests});
  kernel_ = std::make_unique<kernel::Kernel>(machine_, *recorder_, gate_, kernel::Config{});
  kernel_->create_volume({.disk_size = options.disk_bytes,
                          .sector_size = options.sector_size,
                          .partitions = {{.start = DiskOffset{options.partition_start},
                                          .length = options.disk_bytes - options.partition_start}}});
  env_.reset(new Environment{
      machine_,
      gate_,
      *recorder_,
      disk_,
      policies_,
      totals_,
      {DiskOffset{options.partition_start}, options.disk_bytes - options.partition_start, options.sector_size}});
  env_->kernel = kernel_.get();
  env_->tell_fault = [this](std::uint16_t image, trace::Callback callback) {
    recorder_->fault(image, callback, trace::FaultKind::access, "fault");
  };
  trap_ = or_die(machine::FaultTrap::install(gate_, {.context = this, .on_write_fault = open_page}, patience));
  env_->trap = trap_.get();
  kernel_->tell_whereabouts(totals_, *trap_);
}

World::~World() = default;

bool World::open_page(void* context, const void* address, const machine::FaultReport&) {
  World& world = *static_cast<World*>(context);
  Pfn pfn = 0;
  return world.machine_.memory.open_for_write(address, pfn);
}

std::string World::fixture(std::string_view name) {
  return fmt::format("{}stack_{}.so", DUMPSIM_STACK_FIXTURES, name);
}

std::vector<FilterSpec> World::filters(std::initializer_list<std::string_view> names) {
  std::vector<FilterSpec> specs;
  for (const std::string_view name : names) specs.push_back({.path = fixture(name), .name = std::string(name)});
  return specs;
}

trace::TraceView World::view() const {
  recorder_->settle();
  return or_die(trace::TraceView::open(block_.bytes()));
}

std::vector<std::string> World::story() const {
  using trace::Kind;
  std::vector<std::string> lines;
  const trace::TraceView view = this->view();
  for (const trace::Event& event : view) {
    const trace::Record& record = event.record;
    const std::string who = view.image_name(record.image);
    switch (record.kind) {
      case Kind::callback_entered:
        lines.push_back(fmt::format("{} {}", who, trace::name_of(record.callback)));
        break;
      case Kind::callback_absent:
        lines.push_back(fmt::format("{} has no {}", who, trace::name_of(record.callback)));
        break;
      case Kind::filter_disabled:
        lines.push_back(fmt::format("{} disabled by {}", who, trace::name_of(record.callback)));
        break;
      case Kind::image_unloaded:
        lines.push_back(fmt::format("{} gone", who));
        break;
      case Kind::usage_notification:
        lines.push_back(fmt::format("usage {} {}", record.arg, record.flags != 0 ? "in" : "out"));
        break;
      case Kind::section:
        lines.push_back(fmt::format("section {}", event.text()));
        break;
      case Kind::port_opened:
        lines.emplace_back("port opened");
        break;
      case Kind::port_finished:
        lines.emplace_back("port finished");
        break;
      case Kind::port_write:
      case Kind::port_read:
        lines.push_back(fmt::format("port {} {:#x} +{}{}", record.kind == Kind::port_write ? "write" : "read",
                                    record.offset, record.length, record.status < 0 ? " failed" : ""));
        break;
      case Kind::redirected:
        lines.push_back(fmt::format("redirected by {} from {:#x} to {:#x}", who, record.before, record.offset));
        break;
      case Kind::violation:
        lines.push_back(fmt::format("violation {}", trace::row_of(static_cast<trace::Rule>(record.arg)).slug));
        break;
      case Kind::bugcheck:
        lines.push_back(fmt::format("{} bugcheck {:#x}", who, record.arg));
        break;
      case Kind::fault:
        lines.push_back(fmt::format("{} fault", who));
        break;
      default:
        break;
    }
  }
  return lines;
}

std::vector<std::string> World::story(std::initializer_list<std::string_view> words) const {
  std::vector<std::string> lines = story();
  std::erase_if(lines, [&](const std::string& line) {
    return std::none_of(words.begin(), words.end(),
                        [&](std::string_view word) { return line.find(word) != std::string::npos; });
  });
  return lines;
}

std::vector<std::string> World::debug_output() const {
  std::vector<std::string> lines;
  const trace::TraceView view = this->view();
  for (const trace::Event& event : view) {
    if (event.record.kind != trace::Kind::debug_print) continue;
    std::string text(event.text());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    lines.push_back(fmt::format("{} {}", view.image_name(event.record.image), text));
  }
  return lines;
}

std::vector<std::uint32_t> World::changes_of(trace::Callback callback) const {
  std::vector<std::uint32_t> changes;
  const trace::TraceView view = this->view();
  for (const trace::Event& event : view) {
    if (event.record.kind == trace::Kind::callback_left && event.record.callback == callback)
      changes.push_back(event.record.flags);
  }
  return changes;
}

std::vector<std::byte> pattern(std::size_t bytes, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> made(bytes);
  for (std::byte& byte : made) byte = static_cast<std::byte>(random.next());
  return made;
}

std::unique_ptr<DumpStack> loaded(World& world, std::initializer_list<std::string_view> names, Usage usage) {
  auto stack = std::make_unique<DumpStack>(world.env(), usage, World::filters(names));
  auto status = stack->load();
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, 0);
  EXPECT_TRUE(stack->loaded());
  return stack;
}

disk::ExtentMap file_of(std::vector<disk::Extent> extents) {
  auto map = disk::ExtentMap::make("file", std::move(extents), std::uint64_t{15} << 20, 512);
  if (!map) throw std::runtime_error(map.error().message);
  return *std::move(map);
}

}  // namespace dumpsim::stack
