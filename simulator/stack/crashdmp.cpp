// SPDX-License-Identifier: Apache-2.0
#include "stack/crashdmp.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/dump_witness.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using trace::Kind;

// The log record crashdmp finalises after DumpFinish: a page read and a page written [seen: DmpFlt].
constexpr std::uint64_t log_page = 0;

std::string_view words_for(dumpfile::Section section) {
  switch (section) {
    case dumpfile::Section::header_not_valid:
      return "header, not yet valid";
    case dumpfile::Section::header_valid:
      return "header";
    case dumpfile::Section::bitmap:
      return "bitmap";
    case dumpfile::Section::pages:
      return "pages";
    case dumpfile::Section::secondary:
      return "secondary data";
    case dumpfile::Section::header_made_valid:
      return "header made valid";
  }
  return "";
}

void announce(Environment& env, std::string_view section) {
  env.recorder.emit({.kind = Kind::section}, section);
}

}  // namespace

FileWriter::FileWriter(Environment& env, DumpStack& stack, const disk::ExtentMap& extents)
    : env_(env), stack_(stack), extents_(extents), abort_on_failure_(env.policies.is(Policy::write_failure, "abort")) {
  stack_.set_file(&extents_);
}

bool FileWriter::after(const TransferResult& result, std::uint64_t bytes) {
  if (stack_.ended()) return false;
  env_.totals.bytes_done += bytes;
  if (result.port_status >= 0) return true;
  if (env_.totals.write_status == 0) env_.totals.write_status = result.port_status;
  env_.totals.rest_on(Policy::write_failure);
  return !abort_on_failure_;
}

// Cuts [file_offset, +length) at extents and at MaxPagesPerWrite. Memory begins at a page; a piece behind an extent's
// end may begin inside one, and then is shorter, so that it never spans more pages than the filters were told.
template <class Show>
bool FileWriter::pieces(std::uint64_t file_offset, std::uint64_t length, Show&& show) {
  const std::uint64_t most = stack_.max_pages() * page_size;
  std::uint64_t done = 0;
  while (done < length) {
    const std::uint64_t into_page = done % page_size;
    const disk::Extent piece = extents_.piece(file_offset + done, std::min(length - done, most - into_page));
    if (piece.bytes == 0) return false;  // the file is too small
    const std::byte* va = show(done, piece.bytes);
    const auto announce = [this, offset = file_offset + done, bytes = std::span(va, piece.bytes)] {
      calls_->dump_io(type_, offset, bytes);
    };
    const TransferResult result = calls_ == nullptr ? stack_.write(piece.at, {va, piece.bytes})
                                                    : stack_.write(piece.at, {va, piece.bytes}, announce);
    if (!after(result, piece.bytes)) return false;
    done += piece.bytes;
  }
  return true;
}

void FileWriter::announce_to(BugcheckCalls* calls, DumpIo type) {
  calls_ = calls;
  type_ = type;
}

bool FileWriter::write(std::uint64_t file_offset, std::span<const std::byte> bytes) {
  return pieces(file_offset, bytes.size(), [&](std::uint64_t done, std::uint64_t length) {
    return env_.machine.memory.show_bytes(bytes.subspan(done, length), done % page_size);
  });
}

bool FileWriter::write_ram(std::uint64_t file_offset, Pfn first, std::uint64_t pages) {
  return pieces(file_offset, pages * page_size, [&](std::uint64_t done, std::uint64_t length) {
    const std::uint64_t in_page = done % page_size;
    const std::uint64_t count = (in_page + length + page_size - 1) / page_size;
    return env_.machine.memory.show_ram(first + done / page_size, count) + in_page;
  });
}

bool FileWriter::write_ram_at_partition(PartitionOffset at, Pfn first, std::uint64_t pages) {
  for (std::uint64_t done = 0; done < pages;) {
    const std::uint64_t now = std::min(pages - done, stack_.max_pages());
    const std::uint64_t bytes = now * page_size;
    const std::byte* va = env_.machine.memory.show_ram(first + done, now);
    if (!after(stack_.write(at + done * page_size, {va, bytes}), bytes)) return false;
    done += now;
  }
  return true;
}

namespace {

FileReader::Take copier(std::span<std::byte> into) {
  return [into](std::span<const std::byte> piece) mutable {
    std::ranges::copy(piece, into.begin());
    into = into.subspan(piece.size());
  };
}

}  // namespace

FileReader::FileReader(Environment& env, DumpStack& stack, const disk::ExtentMap& extents)
    : env_(env), stack_(stack), extents_(extents), pages_(env.machine.memory.allocate_pages(stack.max_pages(), true)) {
  assert(pages_ != nullptr);
}

FileReader::~FileReader() {
  env_.machine.memory.free_pages(pages_, stack_.max_pages(), true);
}

bool FileReader::read(std::uint64_t file_offset, std::span<std::byte> into) {
  return show(file_offset, into.size(), copier(into));
}

bool FileReader::read_at_partition(PartitionOffset at, std::span<std::byte> into) {
  return show_at_partition(at, into.size(), copier(into));
}

bool FileReader::show(std::uint64_t file_offset, std::uint64_t bytes, const Take& take) {
  for (std::uint64_t done = 0; done < bytes;) {
    const disk::Extent piece = extents_.piece(file_offset + done, bytes - done);
    if (piece.bytes == 0 || !show_at_partition(piece.at, piece.bytes, take)) return false;
    done += piece.bytes;
  }
  return true;
}

bool FileReader::show_at_partition(PartitionOffset at, std::uint64_t bytes, const Take& take) {
  const std::uint64_t most = stack_.max_pages() * page_size;
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t now = std::min(bytes - done, most);
    const TransferResult result = stack_.read(at + done, {pages_, now});
    if (stack_.ended() || result.port_status < 0) return false;
    take({pages_, now});
    done += now;
  }
  return true;
}

namespace {

/// One dump being written: as planned, or as bug check callbacks have made it.
class CrashDump {
 public:
  CrashDump(Environment& env, DumpStack& stack, const dumpfile::DumpLayout& planned, const disk::ExtentMap& file,
            BugcheckCalls& calls)
      : env_(env), stack_(stack), planned_(planned), file_(file), calls_(calls), writer_(env, stack, file) {}

  /// Callbacks that decide which pages the dump holds. False when one of them ended the machine.
  bool change_pages() {
    using kernel::BugcheckReason;
    calls_.triage_data();
    // A dump of type 1 stores the runs in its header [assumed]; complete dumps have asked since Windows 8 [doc].
    const bool asks =
        planned_.type() == 6 || (planned_.type() == 5 && env_.policies.profile() != policy::Profile::windows_7);
    if (!asks || (!calls_.wants(BugcheckReason::add_pages) && !calls_.wants(BugcheckReason::remove_pages)))
      return !stack_.ended();
    const PageChanges changes = calls_.pages(planned_.pages());
    if (stack_.ended()) return false;
    if (changes.empty()) return true;
    auto pages = planned_.pages().changed(changes.added, changes.removed);
    good_ = pages && changed().set_pages(std::move(*pages));
    return true;
  }

  /// Everything between the port's opening and DumpFinish.
  bool write() {
    using dumpfile::Section;
    env_.totals.dump_bytes = env_.totals.bytes_expected = layout().size();
    // Nothing that does not fit is begun: the size is known before the first write. When Windows notices is not known.
    if (!good_ || layout().size() > file_.size()) {
      announce(env_, "nothing: the dump file is too small");
      return false;
    }
    const bool valid_last = env_.policies.is(Policy::header_valid_last, "yes");
    for (const dumpfile::SectionPlace& place : layout().sections(valid_last)) {
      if (place.section == Section::secondary || place.section == Section::header_made_valid) break;
      announce(env_, words_for(place.section));
      if (!write_section(place)) return false;
    }
    if (!write_secondary_data()) return false;
    if (!valid_last && !given_) return complete();
    // RequiredDumpSpace is known now.
    announce(env_, valid_last ? words_for(Section::header_made_valid) : "header, with the secondary data");
    writer_.announce_to(sequential() ? nullptr : io(), DumpIo::header);
    return writer_.write(0, layout().header().first(page_size)) && complete();
  }

 private:
  const dumpfile::DumpLayout& layout() const { return own_ ? *own_ : planned_; }
  dumpfile::DumpLayout& changed() {
    if (!own_) own_ = planned_;
    return *own_;
  }
  BugcheckCalls* io() { return calls_.wants(kernel::BugcheckReason::dump_io) ? &calls_ : nullptr; }
  bool sequential() const { return env_.policies.is(Policy::dump_io_offset, "sequential"); }

  bool write_section(const dumpfile::SectionPlace& place) {
    using dumpfile::Section;
    switch (place.section) {
      case Section::header_not_valid:
      case Section::header_valid:
        return write_header(place);
      case Section::bitmap: {
        writer_.announce_to(io(), DumpIo::header);
        std::vector<std::byte> piece;
        for (std::uint64_t done = 0; done < place.length; done += piece.size()) {
          piece.resize(std::min(place.length - done, stack_.max_pages() * page_size));
          layout().bitmap_bytes(done, piece);
          if (!writer_.write(place.file_offset + done, piece)) return false;
        }
        return true;
      }
      case Section::pages:
        writer_.announce_to(io(), DumpIo::body);
        for (auto piece = layout().pages_at(place.file_offset); piece;
             piece = layout().pages_at(piece->file_offset + piece->count * page_size)) {
          if (!(own_ ? write_pages(*piece) : writer_.write_ram(piece->file_offset, piece->first, piece->count)))
            return false;
        }
        return true;
      case Section::secondary:
      case Section::header_made_valid:
        break;
    }
    return true;
  }

  /// A dump that is sent elsewhere in one go must have its header valid from the start [assumed].
  bool write_header(const dumpfile::SectionPlace& place) {
    const bool valid = place.section == dumpfile::Section::header_valid;
    const bool shown_valid = !valid && sequential() && io() != nullptr;
    if (shown_valid) {
      const std::span<const std::byte> header = layout().header();
      calls_.dump_io(DumpIo::header, 0, {env_.machine.memory.show_bytes(header, 0), header.size()});
      if (stack_.ended()) return false;
    }
    writer_.announce_to(shown_valid ? nullptr : io(), DumpIo::header);
    return writer_.write(place.file_offset,
                         (valid ? layout().header() : layout().header_not_valid()).first(place.length));
  }

  /// Pages that may not all be RAM. What is none is copied first: it may change while it is written.
  bool write_pages(const dumpfile::PagePiece& piece) {
    const std::span<const dumpfile::PageRun> ram = env_.machine.memory.ram();
    for (std::uint64_t done = 0; done < piece.count;) {
      const Pfn pfn = piece.first + done;
      const std::uint64_t offset = piece.file_offset + done * page_size;
      const auto run = std::partition_point(ram.begin(), ram.end(),
                                            [pfn](const auto& each) { return each.base + each.pages <= pfn; });
      if (run != ram.end() && run->base <= pfn) {
        const std::uint64_t pages = std::min(piece.count - done, run->base + run->pages - pfn);
        if (!writer_.write_ram(offset, pfn, pages)) return false;
        done += pages;
        continue;
      }
      const std::uint64_t before_ram = run != ram.end() ? run->base - pfn : UINT64_MAX;
      const std::uint64_t pages = std::min({piece.count - done, before_ram, stack_.max_pages()});
      std::vector<std::byte> copy(pages * page_size);
      for (std::uint64_t i = 0; i < pages; ++i) {
        const std::span<std::byte> page = std::span(copy).subspan(i * page_size, page_size);
        // One that has been freed since it was named is dumped as zeros.
        const std::byte* from = env_.machine.memory.address_of(pfn + i);
        if (from != nullptr && env_.machine.memory.is_readable(from)) std::memcpy(page.data(), from, page_size);
        if (env_.witness != nullptr) env_.witness->page_written(pfn + i, page);
      }
      if (!writer_.write(offset, copy)) return false;
      done += pages;
    }
    return true;
  }

  bool write_secondary_data() {
    using kernel::BugcheckReason;
    if (calls_.wants(BugcheckReason::secondary_data) || calls_.wants(BugcheckReason::multi_part_data)) {
      const std::uint64_t room = file_.size() - layout().secondary_offset();
      const std::vector<dumpfile::SecondaryBlob> blobs = calls_.secondary_data(room, layout().type());
      if (stack_.ended()) return false;
      given_ = !blobs.empty();
      if (given_ && !changed().set_secondary(blobs)) return false;
      env_.totals.dump_bytes = env_.totals.bytes_expected = layout().size();
    }
    if (layout().secondary().empty()) return true;
    announce(env_, words_for(dumpfile::Section::secondary));
    writer_.announce_to(io(), DumpIo::secondary_data);
    // The section ends where its data does; the disk takes whole sectors.
    std::vector<std::byte> padded(layout().secondary().begin(), layout().secondary().end());
    padded.resize((padded.size() + page_size - 1) / page_size * page_size);
    return writer_.write(layout().secondary_offset(), padded);
  }

  bool complete() {
    if (io() != nullptr) calls_.dump_io(DumpIo::complete, 0, {});
    return !stack_.ended();
  }

  Environment& env_;
  DumpStack& stack_;
  const dumpfile::DumpLayout& planned_;
  const disk::ExtentMap& file_;
  BugcheckCalls& calls_;
  FileWriter writer_;
  std::optional<dumpfile::DumpLayout> own_;  // once something is not as planned
  bool good_ = true;
  bool given_ = false;  // secondary data
};

void write_log(Environment& env, DumpStack& stack, const disk::ExtentMap& log) {
  announce(env, "dump log");
  stack.set_file(&log);
  std::vector<std::byte> record(page_size);
  FileReader reader(env, stack, log);
  if (!reader.read(log_page, record)) return;
  static constexpr std::string_view text = "Dump completed successfully.\r\n";
  std::memcpy(record.data(), text.data(), text.size());
  FileWriter(env, stack, log).write(log_page, record);
}

}  // namespace

void write_crash_dump(Environment& env, DumpStack& stack, const dumpfile::DumpLayout& layout, const CrashFiles& files,
                      BugcheckCalls& calls) {
  env.totals.dump = DumpState::begun;
  env.totals.dump_bytes = layout.size();
  env.totals.bytes_expected = layout.size();
  const bool pages_first = env.policies.is(Policy::page_callbacks, "before-start");
  CrashDump dump(env, stack, layout, *files.dump, calls);
  if (pages_first && !dump.change_pages()) return;
  stack.start();
  if (stack.ended()) return;
  if (!pages_first && !dump.change_pages()) return;
  const bool good = dump.write();
  if (stack.ended()) return;
  env.totals.dump = good && env.totals.write_status == 0 ? DumpState::completed : DumpState::failed;
  stack.finish();
  if (stack.ended()) return;
  if (files.log != nullptr && env.policies.is(Policy::dump_log, "after-finish")) write_log(env, stack, *files.log);
}

namespace {

// The first page of the image: PO_MEMORY_IMAGE's signature and the size of what follows [doc: dump-formats 15]; the
// rest zeros.
std::vector<std::byte> hibernation_header(bool valid, std::uint64_t pages) {
  std::vector<std::byte> page(page_size);
  if (valid) std::memcpy(page.data(), "HIBR", 4);
  const std::uint32_t size_of_page = page_size;
  std::memcpy(page.data() + 0x18, &size_of_page, sizeof size_of_page);
  std::memcpy(page.data() + 0x58, &pages, sizeof pages);
  return page;
}

}  // namespace

bool write_hibernation(Environment& env, DumpStack& stack, const disk::ExtentMap& file,
                       std::span<const dumpfile::PageRun> pages) {
  const std::uint64_t total = dumpfile::total_pages(pages);
  env.totals.bytes_done = 0;
  env.totals.bytes_expected = (total + 2) * page_size;
  env.totals.hibernation_bytes = (total + 1) * page_size;
  stack.start();
  if (stack.ended()) return false;
  FileWriter writer(env, stack, file);
  announce(env, "hibernation header, not yet valid");
  bool good = (total + 1) * page_size <= file.size() && writer.write(0, hibernation_header(false, total));
  if (good) announce(env, "hibernation pages");
  std::uint64_t at = page_size;
  for (const dumpfile::PageRun& run : pages) {
    if (!good) break;
    good = writer.write_ram(at, run.base, run.pages);
    at += run.pages * page_size;
    if (good) env.totals.hibernated_pages += run.pages;
  }
  if (good) {
    announce(env, "hibernation header made valid");
    good = writer.write(0, hibernation_header(true, total));
  }
  if (stack.ended()) return false;
  stack.finish();
  good = good && env.totals.write_status == 0 && !stack.ended();
  if (!good) env.totals.hibernation_failed = 1;
  return good;
}

void read_hibernation(Environment& env, DumpStack& stack, const disk::ExtentMap& file,
                      std::span<const dumpfile::PageRun> pages) {
  announce(env, "hibernation image read back");
  stack.set_file(&file);
  FileReader reader(env, stack, file);
  const std::uint64_t batch = stack.max_pages();
  std::vector<std::byte> got(batch * page_size);
  if (!reader.read(0, std::span(got).first(page_size))) return;
  if (std::memcmp(got.data(), "HIBR", 4) != 0) ++env.totals.resumed_different;
  ++env.totals.resumed_pages;
  std::uint64_t at = page_size;
  for (const dumpfile::PageRun& run : pages) {
    for (std::uint64_t done = 0; done < run.pages; done += batch) {
      const std::uint64_t now = std::min(batch, run.pages - done);
      const std::span<std::byte> bytes = std::span(got).first(now * page_size);
      if (!reader.read(at, bytes)) return;
      const std::byte* memory = env.machine.memory.show_ram(run.base + done, now);
      for (std::uint64_t i = 0; i < now; ++i) {
        if (std::memcmp(bytes.data() + i * page_size, memory + i * page_size, page_size) != 0)
          ++env.totals.resumed_different;
      }
      env.totals.resumed_pages += now;
      at += now * page_size;
    }
  }
}

}  // namespace dumpsim::stack
