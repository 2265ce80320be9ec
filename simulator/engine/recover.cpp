// SPDX-License-Identifier: Apache-2.0
#include "engine/recover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "disk/file_view.hpp"
#include "engine/life.hpp"
#include "engine/verdict.hpp"
#include "kernel/volume_read.hpp"
#include "machine/system_calls.hpp"
#include "stack/crashdmp.hpp"
#include "stack/invoke.hpp"
#include "trace/reader.hpp"
#include "trace/statuses.hpp"

namespace dumpsim::engine {
namespace {

class RawBytes final : public dumpfile::ByteReader {
 public:
  RawBytes(std::string name, disk::BlockDevice& disk, const disk::ExtentMap& file, DiskOffset partition_start,
           std::int64_t shift)
      : name_(std::move(name)), view_(disk, file, partition_start, shift) {}
  std::uint64_t size() const override { return view_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    return view_.read_at(offset, into);
  }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
  disk::FileView view_;
};

}  // namespace

std::shared_ptr<const dumpfile::ByteReader> raw_bytes(std::string name, disk::BlockDevice& disk,
                                                      const disk::ExtentMap& file, DiskOffset partition_start,
                                                      std::int64_t shift) {
  return std::make_shared<RawBytes>(std::move(name), disk, file, partition_start, shift);
}

namespace {

/// Memory that the child filled.
class SharedBytes final : public dumpfile::ByteReader {
 public:
  SharedBytes(std::string name, SharedPages pages, std::uint64_t size)
      : name_(std::move(name)), pages_(std::move(pages)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset > size_ || into.size() > size_ - offset) {
      return Error{fmt::format("{}: expected {} bytes at offset {:#x}, the file ends after {}", name_, into.size(),
                               offset, size_ - std::min(offset, size_))};
    }
    if (!into.empty()) std::memcpy(into.data(), pages_.begin() + offset, into.size());
    return {};
  }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
  SharedPages pages_;
  std::uint64_t size_;
};

constexpr std::size_t recovery_trace_bytes = std::size_t{1} << 20;
constexpr std::int32_t status_pending = 0x103;      // [doc]
constexpr std::uint64_t required_space_at = 0xFA0;  // RequiredDumpSpace in DUMP_HEADER64 [doc]

std::string read_through_filters(Session& session, const disk::ExtentMap& extents, HowMuch how_much, const File& into) {
  stack::Environment& env = session.environment();
  if (auto started = session.start_drivers(stack::DriverStart::boot); !started) return started.error().message;
  if (env.totals.ended != stack::Ended::no) return "an ordinary driver ended the machine";
  stack::DumpStack stack(env, stack::Usage::crash, session.filters());
  auto status = stack.load();
  if (!status) return status.error().message;
  if (*status < 0) return "the dump stack did not load for reading";
  if (!stack.reads_through_filters()) return "no filter has a read callback that this profile calls";
  stack.open_port();
  stack.set_file(&extents);
  stack::FileReader reader(env, stack, extents);
  return copy_dump(
      extents.size(), how_much, "the filters give back",
      [&](std::uint64_t at, std::span<std::byte> piece) {
        return reader.read(at, piece) ? std::string() : fmt::format("reading back failed at file offset {:#x}", at);
      },
      into, env.totals);
}

}  // namespace

std::string copy_dump(std::uint64_t file_size, HowMuch bytes, std::string_view giver, const ReadPiece& read,
                      const File& into, stack::Totals& totals) {
  std::vector<std::byte> piece(most_piece_bytes);
  const std::span<std::byte> header = std::span(piece).first(dumpfile::header_bytes);
  if (file_size < header.size()) return "the dump file is shorter than a dump's header";
  std::uint64_t needed = std::min(file_size, bytes.value_or(0));
  std::uint64_t done = 0;
  if (!bytes) {
    if (std::string why = read(0, header); !why.empty()) return why;
    if (std::memcmp(header.data(), "PAGEDU64", 8) != 0) {
      return fmt::format("what {} does not begin with a dump's header", giver);
    }
    std::memcpy(&needed, header.data() + required_space_at, sizeof needed);
    // Whole pages, whatever the header says: nothing else can be asked of a disk.
    needed = std::clamp<std::uint64_t>(needed, header.size(), file_size);
    needed = std::min((needed + page_size - 1) / page_size * page_size, file_size);
    if (auto written = into.write_at(0, header); !written) return written.error().message;
    done = header.size();
    totals.bytes_done = done;
  }
  while (done < needed) {
    const std::span<std::byte> now = std::span(piece).first(std::min<std::uint64_t>(piece.size(), needed - done));
    if (std::string why = read(done, now); !why.empty()) return why;
    if (auto written = into.write_at(done, now); !written) return written.error().message;
    done += now.size();
    totals.bytes_done = done;
  }
  return {};
}

Result<ReadBack> read_in_child(
    std::string name, std::uint64_t most, std::uint32_t stuck_seconds, const PageShelf& shelf,
    const std::function<std::string(SharedTexts& shared, const File& into)>& work,
    const std::function<std::string(const ChildEnd& end, const SharedTexts& shared)>& death) {
  auto shared = SharedBlock::create();
  if (!shared) return shared.error();
  auto into = shelf.take("MEMORY.DMP", std::max<std::uint64_t>(most, 1));
  if (!into) return into.error();
  auto end = run_in_child(
      [&] {
        write_text(shared->texts().mistake, work(shared->texts(), into->file()));
        shared->totals().finished.store(1, std::memory_order_release);
      },
      shared->totals(), stuck_seconds, {});
  if (!end) return end.error();
  const bool by_itself = end->how == ChildEnd::How::finished;
  if (!by_itself || shared->totals().ended != stack::Ended::no) {
    return ReadBack{nullptr, death(*end, shared->texts()), by_itself};
  }
  if (std::string why = read_text(shared->texts().mistake); !why.empty()) return ReadBack{nullptr, std::move(why)};
  const std::uint64_t size = std::min<std::uint64_t>(shared->totals().bytes_done, into->size());
  return ReadBack{std::make_shared<SharedBytes>(std::move(name), std::move(*into), size), {}};
}

Result<ReadBack> bytes_through_filters(const scenario::Scenario& scenario, const Plan& plan,
                                       const disk::ExtentMap& file, HowMuch how_much, const Images& images,
                                       machine::Machine& machine, disk::BlockDevice& disk, std::uint32_t stuck_seconds,
                                       const PageShelf& shelf) {
  auto block = shelf.take("dumpsim recovery trace", recovery_trace_bytes);
  if (!block) return block.error();
  // Nobody matches the calls of a recovery: a small table of them is touched in fewer pages.
  trace::Recorder recorder(block->bytes(), &machine.clock.now, {.call_runs = 64, .sites = 8});
  return read_in_child(
      "MEMORY.DMP through the filters", file.size(), stuck_seconds, shelf,
      [&](SharedTexts& shared, const File& into) {
        machine::raise_system_call_wall();
        auto session = Session::create(scenario, plan, images, machine, disk, recorder, shared);
        return session ? read_through_filters(**session, file, how_much, into) : session.error().message;
      },
      [](const ChildEnd&, const SharedTexts&) -> std::string {
        return "a filter ended the process while reading back";
      });
}

namespace {

std::string read_through_volume(Session& session, const disk::ExtentMap& extents, HowMuch how_much, const File& into) {
  stack::Environment& env = session.environment();
  if (auto booted = session.boot(); !booted) return booted.error().message;
  if (env.totals.ended != stack::Ended::no) return "the machine did not boot";
  std::byte* buffer = env.machine.memory.allocate_pages(most_piece_bytes / page_size, true);
  if (buffer == nullptr) return "no memory to read into";
  const auto read = [&](disk::Extent part, std::span<std::byte> piece) -> std::string {
    const std::string request =
        fmt::format("IRP_MJ_READ of {} bytes at partition offset {:#x}", part.bytes, part.at.bytes);
    const kernel::VolumeReading got =
        kernel::read_volume(*env.kernel, part.at, buffer, static_cast<std::uint32_t>(part.bytes));
    if (stack::ended_in_driver(env)) return request + " ended the machine";
    if (got.status == status_pending) return request + " was never completed";
    if (got.status < 0) return fmt::format("{} came back with {}", request, trace::format_status(got.status));
    if (got.bytes != part.bytes) return fmt::format("{} succeeded, but with {} bytes", request, got.bytes);
    std::copy_n(buffer, part.bytes, piece.begin());
    return {};
  };
  return copy_dump(
      extents.size(), how_much, "the volume gives back",
      [&](std::uint64_t at, std::span<std::byte> piece) {
        std::string failed;
        const bool whole = extents.for_each_piece(at, piece.size(), [&](disk::Extent part, std::uint64_t file_offset) {
          failed = read(part, piece.subspan(file_offset - at, part.bytes));
          return failed.empty();
        });
        return whole || !failed.empty() ? failed : std::string("the dump file ends too early");
      },
      into, env.totals);
}

}  // namespace

Result<ReadBack> bytes_through_volume(const scenario::Scenario& scenario, const Plan& plan, const disk::ExtentMap& file,
                                      HowMuch how_much, const Images& images, machine::Machine& machine,
                                      disk::BlockDevice& disk, std::uint32_t stuck_seconds, const PageShelf& shelf) {
  auto block = shelf.take("dumpsim recovery trace", recovery_trace_bytes);
  if (!block) return block.error();
  trace::Recorder recorder(block->bytes(), &machine.clock.now, {.call_runs = 64, .sites = 8});
  return read_in_child(
      "MEMORY.DMP through the volume", file.size(), stuck_seconds, shelf,
      [&](SharedTexts& shared, const File& into) {
        machine::raise_system_call_wall();
        auto session = Session::create(scenario, plan, images, machine, disk, recorder, shared);
        return session ? read_through_volume(**session, file, how_much, into) : session.error().message;
      },
      [&](const ChildEnd& end, const SharedTexts& shared) -> std::string {
        // As for a run: who did what, from totals and trace.
        Report told;
        const auto view = trace::TraceView::open(block->bytes());
        const bool known = view && tell_outcome(end, shared, *view, told) && !told.outcome_detail.empty();
        return fmt::format("reading back {}: {}", scenario::name_of(told.outcome),
                           known ? told.outcome_detail : std::string("nothing is known of why"));
      });
}

bool looks_like_dump(const dumpfile::ByteReader& bytes) {
  std::array<std::byte, 8> front{};
  if (bytes.size() < front.size() || !bytes.read_at(0, front)) return false;
  return std::memcmp(front.data(), "PAGEDU64", front.size()) == 0;
}

Result<void> copy_out(const dumpfile::ByteReader& bytes, std::uint64_t size, const std::filesystem::path& to,
                      bool replace) {
  auto made = NewFile::create(to, replace);
  if (!made) return made.error();
  std::vector<std::byte> piece(std::min<std::uint64_t>(size, most_piece_bytes));
  for (std::uint64_t done = 0; done < size;) {
    const std::span<std::byte> now = std::span(piece).first(std::min<std::uint64_t>(piece.size(), size - done));
    if (auto read = bytes.read_at(done, now); !read) return read;
    if (auto written = made->file().write_at(done, now); !written) return written;
    done += now.size();
  }
  return made->commit();
}

}  // namespace dumpsim::engine
