// SPDX-License-Identifier: Apache-2.0
// Loading a .sys, step by step: facts, layout in a memory file (so that /proc/self/maps and debuggers show the image's
// name), relocation, imports, what the load configuration asks of a loader, protections.
#include "loader/pe_image.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/digest.hpp"
#include "loader/pe_format.hpp"

// compiler_support.S
extern "C" const std::byte dumpsim_guard_check[];
extern "C" const std::byte dumpsim_guard_dispatch[];
extern "C" const std::byte dumpsim_chkstk[];

namespace dumpsim::loader {
namespace {

constexpr std::size_t page = 4096;
// Fixed, so that addresses repeat from run to run; between the machine's arena and its RAM.
constexpr std::uintptr_t area_begin = 0x280000000000;
constexpr std::uintptr_t area_end = 0x281000000000;
constexpr std::size_t granularity = 65536;  // as Windows aligns images

/// What linkers leave in the security cookie for the loader to replace [doc: /GS].
constexpr std::uint64_t default_cookie = 0x2B992DDFA232;

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

/// The places taken in the area, ascending. One thread loads images.
std::vector<Range>& taken() {
  static std::vector<Range> ranges;
  return ranges;
}

std::byte* reserve(std::size_t bytes) {
  std::uintptr_t begin = area_begin;
  std::vector<Range>& ranges = taken();
  auto before = ranges.begin();
  for (; before != ranges.end() && before->begin - begin < bytes; ++before) {
    begin = (before->end + granularity - 1) / granularity * granularity;
  }
  constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* place = MAP_FAILED;
  if (begin < area_end && bytes <= area_end - begin) {
    place = mmap(reinterpret_cast<void*>(begin), bytes, PROT_NONE, kind | MAP_FIXED_NOREPLACE, -1, 0);
  }
  if (place == reinterpret_cast<void*>(begin)) {
    ranges.insert(before, {begin, begin + bytes});
    return static_cast<std::byte*>(place);
  }
  // Something of the host's lies there, or a kernel before 4.17 took the address for a hint: anywhere will do.
  if (place == MAP_FAILED) place = mmap(nullptr, bytes, PROT_NONE, kind, -1, 0);
  return place == MAP_FAILED ? nullptr : static_cast<std::byte*>(place);
}

void release(std::byte* place, std::size_t bytes) {
  munmap(place, bytes);
  std::erase_if(taken(),
                [place](const Range& range) { return range.begin == reinterpret_cast<std::uintptr_t>(place); });
}

int protection_of(const PeSection& section) {
  return (section.readable() ? PROT_READ : 0) | (section.writable() ? PROT_READ | PROT_WRITE : 0) |
         (section.executable() ? PROT_READ | PROT_EXEC : 0);
}

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + page - 1) / page * page;
}

/// Wide C functions are exported under a name of their own, for the sake of ELF images; a .sys asks by the real one.
const void* find(const ExportTable& exports, std::string_view name) {
  constexpr std::string_view wide = "dumpsim_";
  if (is_compiler_support(name)) return dumpsim_chkstk;
  for (std::size_t i = 0; i < exports.names.size(); ++i) {
    const std::string_view row = exports.names[i];
    if (row == name || (row.size() == name.size() + wide.size() && row.starts_with(wide) && row.ends_with(name))) {
      return exports.microsoft[i];
    }
  }
  return nullptr;
}

}  // namespace

PeImage::PeImage(std::filesystem::path path, const LoadOptions& options, PeFacts facts)
    : Image(std::move(path), options, machine::Convention::microsoft), facts_(std::move(facts)), seed_(options.seed) {
  bytes_ = facts_.bytes;
}

Result<std::unique_ptr<Image>> PeImage::load(const std::filesystem::path& path, std::span<const std::byte> file,
                                             const ExportTable& exports, const LoadOptions& options) {
  Result<PeFacts> facts = read_pe(file);
  if (!facts) return about_image(path, facts.error().message);
  if (const Result<void> good = check_pe_driver(*facts); !good) return about_image(path, good.error().message);
  if (options.convention == machine::Convention::system_v) {
    return about_image(path, "a .sys has Microsoft's calling convention, and the scenario says system-v");
  }
  std::unique_ptr<PeImage> image(new PeImage(path, options, *std::move(facts)));
  if (Result<void> done = image->map(file); !done) return done.error();
  image->relocate();
  image->bind(exports);
  image->seed_cookie();
  image->fill_guard_slots();
  if (Result<void> done = image->protect(); !done) return done.error();
  image->find_functions();
  image->entry_ = image->at(image->facts_.entry);
  if (image->facts_.tls) {
    image->notes_.emplace_back("has thread-local storage, which Windows does not set up for a driver");
  }
  if (image->facts_.delay_imports != 0) {
    image->notes_.emplace_back("has imports loaded with delay, which nothing in a kernel resolves");
  }
  return std::unique_ptr<Image>(std::move(image));
}

PeImage::~PeImage() {
  if (reserved_ != nullptr) release(reserved_, reserved_bytes_);
}

Result<void> PeImage::map(std::span<const std::byte> file) {
  Result<File> copy = File::in_memory(name_);
  if (!copy) return about_image(path_, copy.error().message);
  if (Result<void> done = copy->resize(bytes_); !done) return about_image(path_, done.error().message);
  const auto place = [&](std::uint32_t address, std::span<const std::byte> part) {
    return copy->write_at(address, part);
  };
  if (Result<void> done = place(0, file.first(facts_.header_bytes)); !done) {
    return about_image(path_, done.error().message);
  }
  for (const PeSection& section : facts_.sections) {
    if (section.file_bytes == 0) continue;
    if (Result<void> done = place(section.address, file.subspan(section.file_offset, section.file_bytes)); !done) {
      return about_image(path_, done.error().message);
    }
  }
  // At most a page for each import; those that are provided leave theirs unused, which costs nothing.
  reserved_bytes_ = bytes_ + page + facts_.imports.size() * page;
  reserved_ = reserve(reserved_bytes_);
  if (reserved_ == nullptr) {
    return about_image(path_,
                       fmt::format("no address space for its {} bytes: {}", reserved_bytes_, std::strerror(errno)));
  }
  if (mmap(reserved_, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, copy->fd(), 0) == MAP_FAILED) {
    return about_image(path_, fmt::format("cannot be mapped: {}", std::strerror(errno)));
  }
  base_ = reserved_;
  function_table_ = {reserved_ + facts_.function_table.address, facts_.function_table.bytes};
  return {};
}

void PeImage::relocate() {
  const std::uint64_t delta = reinterpret_cast<std::uint64_t>(reserved_) - facts_.preferred_base;
  for (const std::uint32_t address : facts_.relocations) {
    std::uint64_t value = 0;
    std::memcpy(&value, at(address), sizeof value);
    value += delta;
    std::memcpy(at(address), &value, sizeof value);
  }
}

void PeImage::bind(const ExportTable& exports) {
  for (const PeImport& import : facts_.imports) {
    const void* target = !import.ordinal && is_kernel_library(import.library) ? find(exports, import.name) : nullptr;
    if (target == nullptr) {
      target = reserved_ + bytes_ + page + missing_.size() * page;
      missing_.push_back(fmt::format("{}!{}", import.library, import.name));
    }
    std::memcpy(at(import.slot), &target, sizeof target);
  }
}

void PeImage::seed_cookie() {
  if (!facts_.load_config || facts_.load_config->security_cookie == 0) return;
  std::byte* slot = at(facts_.load_config->security_cookie);
  std::uint64_t value = 0;
  std::memcpy(&value, slot, sizeof value);
  if (value != default_cookie) return;  // it has one of its own
  Digest digest;
  digest.add(std::as_bytes(std::span(&seed_, 1)));
  digest.add(std::as_bytes(std::span(name_)));
  // The upper 16 bits of a cookie are clear [doc: /GS on x64], and the default one must not come out again.
  value = digest.value() >> 16;
  if (value == 0 || value == default_cookie) value ^= 1;
  std::memcpy(slot, &value, sizeof value);
}

// Images bring functions of their own that check nothing [seen: VeraCrypt, DiskCryptor]; those stay. A slot that leads
// nowhere gets ours, which check nothing either: as on a Windows without kernel control flow guard.
void PeImage::fill_guard_slots() {
  if (!facts_.load_config) return;
  const PeLoadConfig& config = *facts_.load_config;
  for (const auto& [slot, function] :
       {std::pair{config.guard_check, dumpsim_guard_check}, std::pair{config.guard_dispatch, dumpsim_guard_dispatch},
        std::pair{config.extended_check, dumpsim_guard_check},
        std::pair{config.extended_dispatch, dumpsim_guard_dispatch},
        std::pair{config.extended_table_dispatch, dumpsim_guard_dispatch}}) {
    if (slot == 0) continue;
    const void* target = nullptr;
    std::memcpy(&target, at(slot), sizeof target);
    if (!contains(target)) std::memcpy(at(slot), &function, sizeof function);
  }
}

Result<void> PeImage::protect() {
  const auto set = [this](std::uint32_t address, std::size_t bytes, int protection) -> Result<void> {
    if (mprotect(at(address), whole_pages(bytes), protection) == 0) return {};
    return about_image(path_, fmt::format("cannot be protected: {}", std::strerror(errno)));
  };
  if (facts_.section_alignment < page) {
    // Sections share pages, so all of them may do everything [assumed].
    writable_.emplace_back(reserved_, bytes_);
    return set(0, bytes_, PROT_READ | PROT_WRITE | PROT_EXEC);
  }
  std::uint32_t next = 0;
  if (Result<void> done = set(0, facts_.header_bytes, PROT_READ); !done) return done;
  next = static_cast<std::uint32_t>(whole_pages(facts_.header_bytes));
  for (const PeSection& section : facts_.sections) {
    if (section.address > next) {
      if (Result<void> done = set(next, section.address - next, PROT_NONE); !done) return done;
    }
    if (Result<void> done = set(section.address, section.bytes, protection_of(section)); !done) return done;
    if (section.writable()) writable_.emplace_back(at(section.address), section.bytes);
    if (!section.discarded()) {
      sections_.push_back({section.name,
                           {at(section.address), whole_pages(section.bytes)},
                           protection_of(section),
                           section.pageable()});
    }
    next = static_cast<std::uint32_t>(section.address + whole_pages(section.bytes));
  }
  if (next < bytes_) return set(next, bytes_ - next, PROT_NONE);
  return {};
}

void PeImage::find_functions() {
  for (const PeExport& row : facts_.exports) {
    if (row.forward.empty()) functions_.push_back({row.address, row.name});
  }
  for (PeFunction& row : facts_.functions) functions_.push_back({row.address, std::move(row.name)});
  // Whatever the linker called it: a debug runtime's GsDriverEntry, say, leads there.
  const bool named = std::any_of(functions_.begin(), functions_.end(),
                                 [this](const Function& row) { return row.address == facts_.entry; });
  if (!named) functions_.push_back({facts_.entry, "DriverEntry"});
  std::stable_sort(functions_.begin(), functions_.end(),
                   [](const Function& a, const Function& b) { return a.address < b.address; });
}

std::string_view PeImage::missing_import_at(const void* address) const {
  const auto distance = static_cast<std::size_t>(static_cast<const std::byte*>(address) - (base_ + bytes_ + page));
  return distance / page < missing_.size() ? std::string_view(missing_[distance / page]) : std::string_view();
}

void PeImage::discard_initialization() {
  if (facts_.section_alignment < page) return;  // they share pages with what stays
  for (const PeSection& section : facts_.sections) {
    if (!section.discarded()) continue;
    mprotect(at(section.address), whole_pages(section.bytes), PROT_NONE);
    std::erase_if(writable_, [&](const auto& range) { return range.data() == at(section.address); });
    discarded_ = true;
  }
}

std::string_view PeImage::discarded_section_at(const void* address) const {
  if (!discarded_ || !contains(address)) return {};
  const PeSection* section =
      facts_.section_at(static_cast<std::uint32_t>(static_cast<const std::byte*>(address) - base_));
  return section != nullptr && section->discarded() ? std::string_view(section->name) : std::string_view();
}

}  // namespace dumpsim::loader
