// SPDX-License-Identifier: Apache-2.0
#include "engine/recover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "disk/file_view.hpp"
#include "engine/next_boot.hpp"
#include "kernel/volume_read.hpp"
#include "stack/invoke.hpp"
#include "trace/statuses.hpp"
#include "wdk/ntstatus.h"

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
  const std::byte* lend(std::uint64_t offset, std::size_t) const override { return pages_.begin() + offset; }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
  SharedPages pages_;
  std::uint64_t size_;
};

constexpr std::uint64_t required_space_at = 0xFA0;  // RequiredDumpSpace in DUMP_HEADER64 [doc]

std::string read_file(Session& session, const disk::ExtentMap& extents, HowMuch how_much, const File& into) {
  auto fresh = FreshStack::load(session, extents);
  if (!fresh) return fresh.error().message;
  std::string why = "no filter has a read callback that this profile calls";
  if (fresh->stack().reads_through_filters()) {
    why = copy_dump(
        extents.size(), how_much, "the filters give back",
        [&](std::uint64_t at, std::size_t bytes, const TakeBytes& take) {
          return fresh->reader().show(at, bytes, take) ? std::string()
                                                       : fmt::format("reading back failed at file offset {:#x}", at);
        },
        into, session.environment().totals);
  }
  fresh->leave_standing();
  return why;
}

bool begins_a_dump(std::span<const std::byte> bytes) {
  constexpr std::string_view signature = "PAGEDU64";  // Signature and ValidDump of DUMP_HEADER64 [doc]
  return bytes.size() >= signature.size() && std::memcmp(bytes.data(), signature.data(), signature.size()) == 0;
}

}  // namespace

std::string copy_dump(std::uint64_t file_size, HowMuch bytes, std::string_view giver, const ReadPiece& read,
                      const File& into, stack::Totals& totals) {
  std::array<std::byte, dumpfile::header_bytes> header;
  if (file_size < header.size()) return "the dump file is shorter than a dump's header";
  std::uint64_t needed = std::min(file_size, bytes.value_or(0));
  std::uint64_t done = 0;
  std::string not_written;
  const auto put = [&](std::span<const std::byte> piece) {
    if (auto written = into.write_at(done, piece); !written && not_written.empty()) {
      not_written = written.error().message;
    }
    done += piece.size();
  };
  if (!bytes) {
    std::size_t seen = 0;
    const auto look = [&](std::span<const std::byte> piece) {
      std::ranges::copy(piece, header.begin() + static_cast<std::ptrdiff_t>(seen));
      seen += piece.size();
    };
    if (std::string why = read(0, header.size(), look); !why.empty()) return why;
    if (!begins_a_dump(header)) {
      return fmt::format("what {} does not begin with a dump's header", giver);
    }
    std::memcpy(&needed, header.data() + required_space_at, sizeof needed);
    // Whole pages, whatever the header says: nothing else can be asked of a disk.
    needed = std::clamp<std::uint64_t>(needed, header.size(), file_size);
    needed = std::min((needed + page_size - 1) / page_size * page_size, file_size);
    put(header);
    totals.bytes_done = done;
  }
  while (done < needed && not_written.empty()) {
    if (std::string why = read(done, std::min<std::uint64_t>(most_piece_bytes, needed - done), put); !why.empty()) {
      return why;
    }
    totals.bytes_done = done;
  }
  return not_written;
}

Result<ReadingChild> ReadingChild::start(
    std::string name, std::uint64_t most, const PageShelf& shelf,
    const std::function<std::string(SharedTexts& shared, const File& into)>& work) {
  auto shared = SharedBlock::create();
  if (!shared) return shared.error();
  auto into = shelf.take("MEMORY.DMP", std::max<std::uint64_t>(most, 1));
  if (!into) return into.error();
  auto done = Signal::create();
  if (!done) return done.error();
  ReadingChild reading(std::move(name), *std::move(shared), *std::move(into), *std::move(done));
  auto child = Child::start([&] {
    SharedTexts& texts = reading.shared_.texts();
    write_text(texts.mistake, work(texts, reading.into_.file()));
    texts.totals.finished.store(1, std::memory_order_release);
    reading.done_.give();
  });
  if (!child) return child.error();
  reading.child_ = *std::move(child);
  return reading;
}

ReadBack ReadingChild::read(std::uint32_t stuck_seconds, const Death& death) {
  const stack::Totals& totals = shared_.totals();
  end_ = child_.wait_until(done_, totals, stuck_seconds);
  const bool by_itself = !end_ || end_->how == ChildEnd::How::finished;
  if (!by_itself || totals.ended != stack::Ended::no) {
    return {nullptr, death(end_.value_or(ChildEnd{}), shared_.texts()), by_itself};
  }
  if (std::string why = read_text(shared_.texts().mistake); !why.empty()) return {nullptr, std::move(why)};
  const std::uint64_t size = std::min<std::uint64_t>(totals.bytes_done, into_.size());
  return {std::make_shared<SharedBytes>(std::move(name_), std::move(into_), size), {}};
}

std::optional<ReadBack> ReadingChild::ended_badly(std::uint32_t stuck_seconds, const Death& death) {
  if (end_) return std::nullopt;  // read() has told it
  end_ = child_.wait(shared_.totals(), stuck_seconds, {});
  if (end_->how == ChildEnd::How::finished) return std::nullopt;
  return ReadBack{nullptr, death(*end_, shared_.texts()), false};
}

ReadBack ReadingChild::finish(std::uint32_t stuck_seconds, const Death& death) {
  ReadBack back = read(stuck_seconds, death);
  if (auto otherwise = ended_badly(stuck_seconds, death)) return *std::move(otherwise);
  return back;
}

namespace {

/// A disk on which another machine may still be writing its dump: whoever touches it waits for the end of that.
class DiskAfterCrash final : public disk::BlockDevice {
 public:
  DiskAfterCrash(disk::BlockDevice& disk, const Signal* crash_over) : disk_(disk), crash_over_(crash_over) {}
  std::uint64_t size() const override { return disk_.size(); }
  std::uint32_t sector_size() const override { return disk_.sector_size(); }
  disk::IoStatus read(DiskOffset at, std::span<std::byte> into) override { return there().read(at, into); }
  disk::IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override { return there().write(at, bytes); }
  disk::IoStatus flush() override { return there().flush(); }
  disk::IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) override {
    return there().write_gathered(at, pieces);
  }
  bool keeps_content() const override { return disk_.keeps_content(); }
  Result<void> for_each_data_range(const disk::DataVisitor& visit) override {
    return there().for_each_data_range(visit);
  }

 private:
  disk::BlockDevice& there() {
    if (const Signal* const signal = std::exchange(crash_over_, nullptr); signal != nullptr) signal->await();
    return disk_;
  }
  disk::BlockDevice& disk_;
  const Signal* crash_over_;
};

}  // namespace

Result<ReadingChild> read_through_filters(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                          const PageShelf& shelf, const Signal* crash_over) {
  return ReadingChild::start(
      "MEMORY.DMP through the filters", file.size(), shelf, [&](SharedTexts& shared, const File& into) -> std::string {
        auto made = NextBootTrace::create(boot.machine);
        if (!made) return made.error().message;
        auto trace = std::make_unique<NextBootTrace>(*std::move(made));
        DiskAfterCrash disk(boot.disk, crash_over);
        auto session = boot_next({boot.scenario, boot.plan, boot.images, boot.machine, disk, boot.give_up_shared},
                                 trace->recorder(), shared);
        if (!session) return session.error().message;
        std::string why = read_file(**session, file, how_much, into);
        // The parent waits for what was read, and the child's end takes all of this down at once.
        static_cast<void>(session->release());
        static_cast<void>(trace.release());
        return why;
      });
}

std::string death_through_filters(const ChildEnd&, const SharedTexts&) {
  return "a filter ended the process while reading back";
}

Result<ReadBack> bytes_through_filters(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                       const PageShelf& shelf) {
  auto reading = read_through_filters(boot, file, how_much, shelf, nullptr);
  if (!reading) return reading.error();
  return reading->finish(stuck_seconds(boot.scenario), death_through_filters);
}

namespace {

std::string read_through_volume(Session& session, const disk::ExtentMap& extents, HowMuch how_much, const File& into) {
  stack::Environment& env = session.environment();
  if (auto booted = session.boot(); !booted) return booted.error().message;
  if (env.totals.ended != stack::Ended::no) return "the machine did not boot";
  std::byte* buffer = env.machine.memory.allocate_pages(most_piece_bytes / page_size, true);
  if (buffer == nullptr) return "no memory to read into";
  const auto read = [&](disk::Extent part, const TakeBytes& take) -> std::string {
    const std::string request =
        fmt::format("IRP_MJ_READ of {} bytes at partition offset {:#x}", part.bytes, part.at.bytes);
    const kernel::VolumeReading got =
        kernel::read_volume(*env.kernel, part.at, buffer, static_cast<std::uint32_t>(part.bytes));
    if (stack::ended_in_driver(env)) return request + " ended the machine";
    if (got.status == STATUS_PENDING) return request + " was never completed";
    if (got.status < 0) return fmt::format("{} came back with {}", request, trace::format_status(got.status));
    if (got.bytes != part.bytes) return fmt::format("{} succeeded, but with {} bytes", request, got.bytes);
    take({buffer, part.bytes});
    return {};
  };
  return copy_dump(
      extents.size(), how_much, "the volume gives back",
      [&](std::uint64_t at, std::size_t bytes, const TakeBytes& take) {
        std::string failed;
        const bool whole = extents.for_each_piece(at, bytes, [&](disk::Extent part, std::uint64_t) {
          failed = read(part, take);
          return failed.empty();
        });
        return whole || !failed.empty() ? failed : std::string("the dump file ends too early");
      },
      into, env.totals);
}

}  // namespace

Result<ReadBack> bytes_through_volume(const NextBoot& boot, const disk::ExtentMap& file, HowMuch how_much,
                                      const PageShelf& shelf) {
  auto trace = NextBootTrace::create(boot.machine);
  if (!trace) return trace.error();
  auto reading = ReadingChild::start(
      "MEMORY.DMP through the volume", file.size(), shelf, [&](SharedTexts& shared, const File& into) {
        auto session = boot_next(boot, trace->recorder(), shared);
        return session ? read_through_volume(**session, file, how_much, into) : session.error().message;
      });
  if (!reading) return reading.error();
  return reading->finish(stuck_seconds(boot.scenario),
                         [&](const ChildEnd& end, const SharedTexts& shared) { return trace->death(end, shared); });
}

bool looks_like_dump(const dumpfile::ByteReader& bytes) {
  std::array<std::byte, 8> front{};
  return bytes.size() >= front.size() && bytes.read_at(0, front) && begins_a_dump(front);
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
