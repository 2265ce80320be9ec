// SPDX-License-Identifier: Apache-2.0
// Memory that someone else recorded: raw images, dumps, ELF cores. The files are outside bytes; what they say is
// checked before a page is served. A failing read after that is kept for health(), since serving pages has no error
// path.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"

namespace dumpsim::dumpfile {
namespace {

constexpr std::size_t run_limit = std::size_t{1} << 22;

/// Serves stretches of bytes as pages and remembers the first failure.
class FileSource : public MemorySource {
 public:
  Result<void> health() const override {
    const std::lock_guard lock(mutex_);
    return health_;
  }

 protected:
  /// Notes the failure, if it is one, and says whether it was.
  bool failed(Result<void> read) const {
    if (read) return false;
    const std::lock_guard lock(mutex_);
    if (health_) health_ = std::move(read);
    return true;
  }

 private:
  mutable std::mutex mutex_;
  mutable Result<void> health_;
};

/// Bytes of the file that stand at a physical address; the rest of `memory_bytes` behind them are zeros.
struct Segment {
  std::uint64_t physical, memory_bytes, file_offset, file_bytes;
};

class SegmentSource final : public FileSource {
 public:
  SegmentSource(std::shared_ptr<const ByteReader> bytes, std::vector<Segment> segments)
      : bytes_(std::move(bytes)), segments_(std::move(segments)) {}

  void read_pages(Pfn first, std::uint64_t count, std::byte* into) const override {
    const std::uint64_t begin = first * page_size, end = begin + count * page_size;
    std::memset(into, 0, count * page_size);
    // Backwards, so that the first segment of the file has the last word where segments overlap.
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
      const std::uint64_t from = std::max(begin, segment->physical);
      const std::uint64_t memory_end = std::min(end, segment->physical + segment->memory_bytes);
      if (from >= memory_end) continue;
      const std::uint64_t file_end = std::clamp(segment->physical + segment->file_bytes, from, memory_end);
      const std::span<std::byte> part(into + (from - begin), file_end - from);
      if (!part.empty() && failed(bytes_->read_at(segment->file_offset + (from - segment->physical), part))) {
        std::memset(part.data(), 0, part.size());
      }
      std::memset(into + (file_end - begin), 0, memory_end - file_end);
    }
  }

 private:
  std::shared_ptr<const ByteReader> bytes_;
  std::vector<Segment> segments_;
};

class DumpSource final : public FileSource {
 public:
  explicit DumpSource(DumpReader dump) : dump_(std::move(dump)) {}
  const DumpReader& dump() const { return dump_; }

  void read_pages(Pfn first, std::uint64_t count, std::byte* into) const override {
    std::memset(into, 0, count * page_size);
    const Pfn end = first + count;
    for (auto run = dump_.pages().next(first, count); run && run->base < end;
         run = dump_.pages().next(run->base + run->pages, count)) {
      const std::uint64_t pages = std::min(run->pages, end - run->base);
      const std::span<std::byte> part(into + (run->base - first) * page_size, pages * page_size);
      if (failed(dump_.read_pages(run->base, part))) std::memset(part.data(), 0, part.size());
    }
  }

 private:
  DumpReader dump_;
};

Result<ImageSource> raw_image(std::shared_ptr<const ByteReader> bytes) {
  const std::uint64_t size = bytes->size();
  if (size == 0) return Error{bytes->name() + ": the image is empty, expected at least one page of memory"};
  const std::uint64_t pages = size / page_size + (size % page_size != 0);
  if (pages > pfn_limit) return Error{bytes->name() + ": the image passes the 52 bits of a physical address"};
  ImageSource image;
  image.runs = {{0, pages}};
  image.form = "raw image";
  image.source = std::make_unique<SegmentSource>(std::move(bytes), std::vector<Segment>{{0, size, 0, size}});
  return image;
}

Result<ImageSource> dump_image(std::shared_ptr<const ByteReader> bytes) {
  Result<DumpReader> dump = DumpReader::open(std::move(bytes));
  if (!dump) return std::move(dump).error();
  const std::string name = dump->name();
  if (dump->pages().empty()) {
    return Error{fmt::format("{}: a {} stores no pages of memory, expected a dump that does", name,
                             name_of_type(dump->header().type))};
  }
  const std::uint32_t attributes = dump->header().attributes;
  if (attributes != unset32 && (attributes & attribute_encrypted) != 0) {
    return Error{fmt::format("{}: offset 0x1050: the dump's pages are encrypted, expected a decrypted dump", name)};
  }
  ImageSource image;
  for (auto run = dump->pages().next(0); run; run = dump->pages().next(run->base + run->pages)) {
    // Runs of a machine do not touch; those of a header may.
    if (!image.runs.empty() && image.runs.back().base + image.runs.back().pages == run->base) {
      image.runs.back().pages += run->pages;
      continue;
    }
    if (image.runs.size() == run_limit) {
      return Error{fmt::format("{}: the stored pages lie in more than {} pieces, expected fewer", name, run_limit)};
    }
    image.runs.push_back(*run);
  }
  image.form = "dump";
  image.source = std::make_unique<DumpSource>(*std::move(dump));
  return image;
}

Result<ImageSource> elf_core(std::shared_ptr<const ByteReader> bytes) {
  const std::uint64_t size = bytes->size();
  const auto fail = [&bytes](std::uint64_t offset, std::string_view message) {
    return Error{fmt::format("{}: offset {:#x}: {}", bytes->name(), offset, message)};
  };
  Elf64_Ehdr header;
  if (size < sizeof header) return fail(0, "the file is too short for an ELF header, expected a 64-bit ELF core");
  if (Result<void> read = bytes->read_at(0, std::as_writable_bytes(std::span(&header, 1))); !read) {
    return std::move(read).error();
  }
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return fail(0, "no ELF magic, expected a 64-bit ELF core");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return fail(EI_CLASS, "expected a 64-bit little-endian ELF core");
  }
  if (header.e_type != ET_CORE) return fail(0x10, fmt::format("ELF type {}, expected a core (4)", header.e_type));
  if (header.e_phnum == 0 || header.e_phnum == PN_XNUM || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return fail(0x36, fmt::format("{} program headers of {} bytes, expected 1 to {} of {}", header.e_phnum,
                                  header.e_phentsize, PN_XNUM - 1, sizeof(Elf64_Phdr)));
  }
  const std::uint64_t table = std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (header.e_phoff > size || table > size - header.e_phoff) {
    return fail(0x20, fmt::format("the program headers at {:#x} pass the file's end at {:#x}", header.e_phoff, size));
  }
  std::vector<Elf64_Phdr> entries(header.e_phnum);
  if (Result<void> read = bytes->read_at(header.e_phoff, std::as_writable_bytes(std::span(entries))); !read) {
    return std::move(read).error();
  }
  std::vector<Segment> segments;
  std::size_t at_zero = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Elf64_Phdr& entry = entries[i];
    if (entry.p_type != PT_LOAD || entry.p_memsz == 0) continue;
    if (entry.p_paddr == UINT64_MAX) continue;  // kernel cores: a virtual mapping without memory of its own
    const std::uint64_t place = header.e_phoff + i * sizeof(Elf64_Phdr);
    constexpr std::uint64_t limit = pfn_limit * page_size;
    if (entry.p_paddr % page_size != 0 || entry.p_paddr >= limit || entry.p_memsz > limit - entry.p_paddr) {
      return fail(
          place, fmt::format("segment {} lies at {:#x} with {:#x} bytes, expected page-aligned memory below 52 bits", i,
                             entry.p_paddr, entry.p_memsz));
    }
    if (entry.p_filesz > entry.p_memsz || entry.p_offset > size || entry.p_filesz > size - entry.p_offset) {
      return fail(place,
                  fmt::format("segment {} has {:#x} bytes at file offset {:#x}, expected them within its memory and "
                              "the file's {:#x} bytes",
                              i, entry.p_filesz, entry.p_offset, size));
    }
    at_zero += entry.p_paddr == 0;
    segments.push_back({entry.p_paddr, entry.p_memsz, entry.p_offset, entry.p_filesz});
  }
  if (segments.empty()) return fail(header.e_phoff, "no PT_LOAD segment with memory, expected at least one");
  if (at_zero > 1) {
    return fail(header.e_phoff,
                "the segments have no physical addresses (a process core), expected a core of a machine's "
                "memory, as QEMU's dump-guest-memory writes it");
  }
  ImageSource image;
  for (const Segment& segment : segments) {
    const std::uint64_t pages = segment.memory_bytes / page_size + (segment.memory_bytes % page_size != 0);
    image.runs.push_back({segment.physical / page_size, pages});
  }
  std::sort(image.runs.begin(), image.runs.end(), [](const PageRun& a, const PageRun& b) { return a.base < b.base; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < image.runs.size(); ++i) {
    PageRun& last = image.runs[kept];
    const PageRun& run = image.runs[i];
    if (run.base <= last.base + last.pages) {
      last.pages = std::max(last.pages, run.base + run.pages - last.base);
    } else {
      image.runs[++kept] = run;
    }
  }
  image.runs.resize(kept + 1);
  image.form = "ELF core";
  image.source = std::make_unique<SegmentSource>(std::move(bytes), std::move(segments));
  return image;
}

}  // namespace

Result<std::unique_ptr<MemorySource>> raw_image_source(const std::filesystem::path& path) {
  Result<std::shared_ptr<const ByteReader>> bytes = file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  Result<ImageSource> image = raw_image(*std::move(bytes));
  if (!image) return std::move(image).error();
  return std::move(image->source);
}

Result<ImageSource> dump_source(const std::filesystem::path& path) {
  Result<std::shared_ptr<const ByteReader>> bytes = file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return dump_image(*std::move(bytes));
}

Result<ImageSource> elf_core_source(const std::filesystem::path& path) {
  Result<std::shared_ptr<const ByteReader>> bytes = file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return elf_core(*std::move(bytes));
}

Result<ImageSource> open_image_source(const std::filesystem::path& path) {
  Result<std::shared_ptr<const ByteReader>> bytes = file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return open_image_source(*std::move(bytes));
}

Result<ImageSource> open_image_source(std::shared_ptr<const ByteReader> bytes) {
  char magic[8] = {};
  const std::size_t there = static_cast<std::size_t>(std::min<std::uint64_t>(sizeof magic, bytes->size()));
  if (Result<void> read = bytes->read_at(0, std::as_writable_bytes(std::span(magic, there))); !read) {
    return std::move(read).error();
  }
  const std::string_view text(magic, sizeof magic);
  if (text.substr(0, SELFMAG) == ELFMAG) return elf_core(std::move(bytes));
  // Whatever the dump reader knows by name it also refuses by name.
  for (const std::string_view known :
       {"PAGEDU64", "PAGEDUMP", "PAGEPAGE", "MDMP", "Raw_Dmp!", "Enc_Dmp!", "HIBR", "WAKE", "RSTR", "hibr", "wake"}) {
    if (text.substr(0, known.size()) == known) return dump_image(std::move(bytes));
  }
  return raw_image(std::move(bytes));
}

}  // namespace dumpsim::dumpfile
