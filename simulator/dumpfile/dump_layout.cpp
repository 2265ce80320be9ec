// SPDX-License-Identifier: Apache-2.0
// Lays a dump out: the checks that keep every reader content, the header, the bitmap and the blobs. What each value
// rests on is in docs/dump-formats.md.
#include "dumpfile/dump_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "dumpfile/header64.hpp"
#include "dumpfile/little_endian.hpp"

namespace dumpsim::dumpfile {
namespace {

namespace at = header64;

Result<void> check_blobs(std::span<const SecondaryBlob> blobs) {
  std::uint64_t bytes = 0;
  for (const SecondaryBlob& blob : blobs) {
    if (blob.bytes.size() > secondary_limit - bytes) {
      return Error{fmt::format("the secondary blobs pass {}, the space Windows reserves behind a dump",
                               format_size(secondary_limit))};
    }
    bytes += blob.bytes.size();
  }
  return {};
}

Result<void> check(const DumpRequest& request, const PageSet& memory) {
  if (request.memory.empty()) return Error{"a dump needs memory, expected at least one run of pages"};
  if (request.form == DumpForm::full) {
    if (request.kind != DumpKind::complete) {
      return Error{"the full form (DumpType 1) holds all of memory, expected a complete dump; use the bitmap form"};
    }
    if (request.memory.size() > full_form_runs) {
      return Error{
          fmt::format("memory has {} runs, and the header of the full form (DumpType 1) has room for {}; merge "
                      "runs or use the bitmap form",
                      request.memory.size(), full_form_runs)};
    }
  }
  if (request.form == DumpForm::bitmap && memory.end() > bitmap_limit) {
    return Error{fmt::format("memory reaches to pfn {:#x}, and a bitmap here reaches to {:#x} (16 TiB)",
                             memory.end() - 1, bitmap_limit)};
  }
  if (request.processors == 0) return Error{"a dump needs at least one processor"};
  if (request.comment.size() >= at::comment_bytes) {
    return Error{fmt::format("the comment has {} characters, expected at most {}", request.comment.size(),
                             at::comment_bytes - 1)};
  }
  if (request.pages) {
    if (request.kind == DumpKind::complete && request.pages->count() != memory.count()) {
      return Error{fmt::format("a complete dump stores all {} pages of memory, expected no selection of {} of them",
                               memory.count(), request.pages->count())};
    }
    if (request.pages->empty()) return Error{"the dump's selection of pages is empty, expected at least one"};
    for (auto run = request.pages->next(0); run; run = request.pages->next(run->base + run->pages)) {
      if (memory.rank(run->base + run->pages) - memory.rank(run->base) != run->pages) {
        return Error{
            fmt::format("the dump's pages from pfn {:#x} on ({}) are not all in memory", run->base, run->pages)};
      }
    }
  }
  return check_blobs(request.secondary);
}

/// The crashing processor as KeBugCheckEx's caller left it: code and parameters in the argument registers.
void store_context(std::span<std::byte> context, const DumpRequest& request) {
  std::fill(context.begin(), context.end(), std::byte{0});
  store<std::uint32_t>(context, at::amd64::flags, 0x10001F);
  // Readers refuse a file whose two copies of MxCsr differ.
  store<std::uint32_t>(context, at::amd64::mx_csr, 0x1F80);
  store<std::uint32_t>(context, at::amd64::float_mx_csr, 0x1F80);
  store<std::uint32_t>(context, at::amd64::float_mx_csr_mask, 0xFFFF);
  store<std::uint16_t>(context, at::amd64::float_control, 0x27F);
  store<std::uint16_t>(context, at::amd64::cs, 0x10);
  store<std::uint16_t>(context, at::amd64::ss, 0x18);
  store<std::uint16_t>(context, at::amd64::ds, 0x2B);
  store<std::uint16_t>(context, at::amd64::es, 0x2B);
  store<std::uint16_t>(context, at::amd64::gs, 0x2B);
  store<std::uint16_t>(context, at::amd64::fs, 0x53);
  store<std::uint32_t>(context, at::amd64::eflags, 0x46);  // interrupts off
  store<std::uint64_t>(context, at::amd64::rcx, request.bugcheck_code);
  store<std::uint64_t>(context, at::amd64::rdx, request.bugcheck_parameters[0]);
  store<std::uint64_t>(context, at::amd64::r8, request.bugcheck_parameters[1]);
  store<std::uint64_t>(context, at::amd64::r9, request.bugcheck_parameters[2]);
  store<std::uint64_t>(context, at::amd64::rsp, request.addresses.stack_pointer);
  store<std::uint64_t>(context, at::amd64::rip, request.addresses.instruction_pointer);
}

std::vector<std::byte> make_header(const DumpRequest& request, std::uint32_t type) {
  std::vector<std::byte> bytes(header_bytes);
  const std::span<std::byte> header(bytes);
  for (std::size_t i = 0; i < header_bytes; i += 4) store(header, i, at::page_magic);
  store(header, at::valid_dump, at::du64_magic);
  store<std::uint32_t>(header, at::major_version, 0xF);  // a free build
  store(header, at::minor_version, request.build);
  store(header, at::directory_table_base, request.addresses.directory_table_base);
  store(header, at::pfn_database, request.addresses.pfn_database);
  store(header, at::ps_loaded_module_list, request.addresses.ps_loaded_module_list);
  store(header, at::ps_active_process_head, request.addresses.ps_active_process_head);
  store<std::uint32_t>(header, at::machine, 0x8664);
  store(header, at::processors, request.processors);
  store(header, at::bugcheck_code, request.bugcheck_code);
  for (std::size_t i = 0; i < 4; ++i) store(header, at::bugcheck_parameters + 8 * i, request.bugcheck_parameters[i]);
  store(header, at::kd_debugger_block, request.addresses.kd_debugger_block);
  // Bitmap forms do not use the block; kept valid where memory fits, because file(1) prints it.
  if (request.memory.size() <= full_form_runs) {
    store(header, at::run_count, static_cast<std::uint32_t>(request.memory.size()));
    store(header, at::run_pages, total_pages(request.memory));
    for (std::size_t i = 0; i < request.memory.size(); ++i) {
      store(header, at::runs + 16 * i, request.memory[i].base);
      store(header, at::runs + 16 * i + 8, request.memory[i].pages);
    }
  }
  store_context(header.subspan(at::context, at::context_bytes), request);
  store<std::uint32_t>(header, at::exception, 0x80000003);
  store<std::uint32_t>(header, at::exception + 0x04, 1);
  store<std::uint64_t>(header, at::exception + 0x08, 0);
  store(header, at::exception + 0x10, request.addresses.instruction_pointer);
  store<std::uint32_t>(header, at::exception + 0x18, 0);
  store(header, at::dump_type, type);
  store(header, at::system_time, request.system_time);
  if (!request.comment.empty()) {
    std::memset(bytes.data() + at::comment, 0, at::comment_bytes);
    std::memcpy(bytes.data() + at::comment, request.comment.data(), request.comment.size());
  }
  store(header, at::up_time, request.up_time);
  store<std::uint32_t>(header, at::product_type, 1);    // workstation
  store<std::uint32_t>(header, at::suite_mask, 0x110);  // terminal, single-user terminal services
  store<std::uint32_t>(header, at::writer_status, 0);
  // SecondaryDataState stays unset, also where secondary data follows [seen: real small dumps].
  store<std::uint8_t>(header, at::kd_secondary_version, 0);
  store<std::uint32_t>(header, at::attributes, request.kind == DumpKind::active ? 1u << 6 : 0u);
  return bytes;
}

std::vector<std::byte> make_secondary(std::span<const SecondaryBlob> blobs, std::uint32_t build) {
  if (blobs.empty()) return {};
  std::vector<std::byte> bytes(at::blob::section_header);
  store(std::span(bytes), 0, at::blob_magic);
  store(std::span(bytes), 8, at::blob::section_header);
  store(std::span(bytes), 12, 0xF0000000u | build);
  for (const SecondaryBlob& blob : blobs) {
    const std::size_t front = bytes.size();
    const auto length = static_cast<std::uint32_t>(blob.bytes.size());
    const auto post_pad = static_cast<std::uint32_t>(round_up(length, 8) - length);
    bytes.resize(front + at::blob::header + length + post_pad);
    const std::span<std::byte> header = std::span(bytes).subspan(front);
    store(header, 0, at::blob::header);
    std::memcpy(header.data() + at::blob::tag, blob.guid.data(), blob.guid.size());
    store(header, at::blob::size, length);
    store<std::uint32_t>(header, at::blob::pre_pad, 0);
    store(header, at::blob::post_pad, post_pad);
    if (length != 0) std::memcpy(header.data() + at::blob::header, blob.bytes.data(), length);
  }
  return bytes;
}

}  // namespace

std::string_view name_of(Section section) {
  switch (section) {
    case Section::header_not_valid:
      return "header-not-valid";
    case Section::header_valid:
      return "header";
    case Section::bitmap:
      return "bitmap";
    case Section::pages:
      return "pages";
    case Section::secondary:
      return "secondary";
    case Section::header_made_valid:
      return "header-made-valid";
  }
  return "unknown";
}

Result<DumpLayout> DumpLayout::plan(DumpRequest request) {
  Result<PageSet> memory = PageSet::of_runs(request.memory);
  if (!memory) return Error{"memory: " + memory.error().message};
  if (Result<void> checked = check(request, *memory); !checked) return std::move(checked).error();

  DumpLayout layout;
  layout.memory_end_ = memory->end();
  layout.build_ = request.build;
  layout.pages_ = request.pages ? *std::move(request.pages) : *std::move(memory);
  if (request.form == DumpForm::full) {
    layout.type_ = 1;
  } else {
    layout.type_ = request.kind == DumpKind::complete ? 5 : 6;
    layout.bitmap_front_.resize(at::bitmap::map);
    const std::span<std::byte> front(layout.bitmap_front_);
    store(front, at::bitmap::signature, layout.type_ == 5 ? at::fdmp_magic : at::sdmp_magic);
    store(front, at::bitmap::valid_dump, at::dump_magic);
    // Kernel addresses can be resolved; in a complete dump those of the current process too.
    store<std::uint32_t>(front, at::bitmap::options, request.kind == DumpKind::complete ? 3 : 1);
  }
  layout.secondary_ = make_secondary(request.secondary, request.build);
  layout.header_ = make_header(request, layout.type_);
  layout.not_valid_ = layout.header_;
  store(std::span(layout.not_valid_), at::valid_dump, at::page_magic);
  layout.place_pages();
  return layout;
}

/// What follows from how many pages there are and where the last one lies.
void DumpLayout::place_pages() {
  if (type_ == 1) {
    first_page_ = header_bytes;
  } else {
    // Some readers drop bits in a partial byte or a partial 64-bit word: whole words only. Page alignment of the first
    // page is what one reader insists on.
    const std::uint64_t bits = round_up(memory_end_, 64);
    first_page_ = round_up(header_bytes + at::bitmap::map + bits / 8, page_size);
    const std::span<std::byte> front(bitmap_front_);
    store(front, at::bitmap::first_page, first_page_);
    store(front, at::bitmap::present, pages_.count());
    store(front, at::bitmap::bits, bits);
  }
  secondary_offset_ = first_page_ + pages_.count() * page_size;
  store_required_space();
}

// SecondaryDataState is left unset: so it is in real dumps that have blobs.
void DumpLayout::store_required_space() {
  store(std::span(header_), at::required_space, required_space());
  store(std::span(not_valid_), at::required_space, required_space());
}

Result<void> DumpLayout::set_pages(PageSet pages) {
  assert(type_ != 1);
  if (pages.end() > bitmap_limit) {
    return Error{fmt::format("pages reach to pfn {:#x}, and a bitmap here reaches to {:#x} (16 TiB)", pages.end() - 1,
                             bitmap_limit)};
  }
  memory_end_ = std::max(memory_end_, pages.end());
  pages_ = std::move(pages);
  place_pages();
  return {};
}

Result<void> DumpLayout::set_secondary(std::span<const SecondaryBlob> blobs) {
  if (Result<void> checked = check_blobs(blobs); !checked) return checked;
  secondary_ = make_secondary(blobs, build_);
  store_required_space();
  return {};
}

void DumpLayout::bitmap_bytes(std::uint64_t offset, std::span<std::byte> out) const {
  assert(offset <= bitmap_length() && out.size() <= bitmap_length() - offset);
  if (offset < bitmap_front_.size()) {
    const std::size_t front = std::min<std::size_t>(out.size(), bitmap_front_.size() - offset);
    std::copy_n(bitmap_front_.begin() + static_cast<std::ptrdiff_t>(offset), front, out.begin());
    out = out.subspan(front);
    offset += front;
  }
  pages_.bitmap_bytes(offset - bitmap_front_.size(), out);
}

std::optional<PagePiece> DumpLayout::pages_at(std::uint64_t file_offset, std::uint64_t limit) const {
  if (file_offset < first_page_ || file_offset >= secondary_offset_ || limit == 0) return std::nullopt;
  assert((file_offset - first_page_) % page_size == 0);
  const PageRun run = pages_.at((file_offset - first_page_) / page_size, limit);
  return PagePiece{file_offset, run.base, run.pages};
}

std::vector<SectionPlace> DumpLayout::sections(bool header_valid_last) const {
  std::vector<SectionPlace> places;
  places.push_back({header_valid_last ? Section::header_not_valid : Section::header_valid, 0, header_bytes});
  if (bitmap_length() != 0) places.push_back({Section::bitmap, header_bytes, bitmap_length()});
  places.push_back({Section::pages, first_page_, pages_.count() * page_size});
  if (!secondary_.empty()) places.push_back({Section::secondary, secondary_offset_, secondary_.size()});
  if (header_valid_last) places.push_back({Section::header_made_valid, 0, page_size});
  return places;
}

void DumpLayout::fill(std::uint64_t file_offset, std::span<std::byte> out, const MemorySource& source) const {
  assert(file_offset <= size() && out.size() <= size() - file_offset);
  std::vector<std::byte> page(page_size);
  while (!out.empty()) {
    std::uint64_t taken = 0;
    if (file_offset < header_bytes) {
      taken = std::min<std::uint64_t>(out.size(), header_bytes - file_offset);
      std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(file_offset), taken, out.begin());
    } else if (file_offset < first_page_) {
      taken = std::min<std::uint64_t>(out.size(), first_page_ - file_offset);
      bitmap_bytes(file_offset - header_bytes, out.first(taken));
    } else if (file_offset < secondary_offset_) {
      const std::uint64_t in_page = (file_offset - first_page_) % page_size;
      if (in_page == 0 && out.size() >= page_size) {
        const PagePiece piece = *pages_at(file_offset, out.size() / page_size);
        source.read_pages(piece.first, piece.count, out.data());
        taken = piece.count * page_size;
      } else {
        source.read_pages(pages_at(file_offset - in_page, 1)->first, 1, page.data());
        taken = std::min<std::uint64_t>(out.size(), page_size - in_page);
        std::copy_n(page.begin() + static_cast<std::ptrdiff_t>(in_page), taken, out.begin());
      }
    } else {
      taken = out.size();
      std::copy_n(secondary_.begin() + static_cast<std::ptrdiff_t>(file_offset - secondary_offset_), taken,
                  out.begin());
    }
    out = out.subspan(taken);
    file_offset += taken;
  }
}

}  // namespace dumpsim::dumpfile
