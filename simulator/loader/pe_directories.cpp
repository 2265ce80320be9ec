// SPDX-License-Identifier: Apache-2.0
// The directories of a PE32+ image: imports, exports, relocations, functions, load configuration, and what is read for
// people alone.
#include <fmt/format.h>

#include <tuple>

#include "loader/pe_reader.hpp"

namespace dumpsim::loader::pe {
namespace {

constexpr std::size_t import_limit = 16384;
constexpr std::size_t export_limit = 65536;
constexpr std::size_t library_limit = 256;
constexpr std::size_t certificate_limit = 16;
constexpr std::uint32_t callback_limit = 4096;

}  // namespace

Result<void> Reader::read_imports() {
  const Directory imports = directory(directory_import);
  // Counted and passed over, as is all else that a driver can run without: nothing in the kernel resolves them
  // [assumed].
  for (std::uint64_t address = directory(directory_delay_import).address, count = 0; address != 0; address += 32) {
    const std::optional<std::uint32_t> name = mapped<std::uint32_t>(address + 4);
    if (!name) return damaged("its table of delayed imports has no end");
    if (*name == 0) break;
    if (++count > library_limit) return damaged("more than {} libraries loaded with delay", library_limit);
    facts_.delay_imports = static_cast<std::uint32_t>(count);
  }
  if (imports.address == 0) return {};
  facts_.import_table = {imports.address, imports.bytes};
  std::size_t libraries = 0;
  for (std::uint64_t address = imports.address;; address += sizeof(ImportDescriptor)) {
    const std::optional<ImportDescriptor> descriptor = mapped<ImportDescriptor>(address);
    if (!descriptor) return damaged("its table of imports at {:#x} has no end", imports.address);
    if (descriptor->library == 0 || descriptor->slots == 0) return {};
    if (++libraries > library_limit) return damaged("imports from more than {} libraries", library_limit);
    const std::optional<std::string> library = string(descriptor->library);
    if (!library || library->empty()) return damaged("an imported library's name is not in the image");
    if (Result<void> good = read_thunks(*library, *descriptor); !good) return good;
  }
}

Result<void> Reader::read_thunks(const std::string& library, const ImportDescriptor& descriptor) {
  // Bound in advance to addresses of another machine: those are replaced, as long as the names stand elsewhere.
  if (descriptor.names == 0 && descriptor.time_stamp != 0) {
    return damaged("its imports from {} are bound to addresses, and their names are gone", library);
  }
  const std::uint64_t names = descriptor.names != 0 ? descriptor.names : descriptor.slots;
  for (std::uint64_t i = 0;; ++i) {
    const std::optional<std::uint64_t> thunk = mapped<std::uint64_t>(names + 8 * i);
    if (!thunk) return damaged("its list of imports from {} has no end", library);
    if (*thunk == 0) return {};
    if (facts_.imports.size() == import_limit) return damaged("more than {} imports", import_limit);
    const std::uint64_t slot = descriptor.slots + 8 * i;
    if (section_of(slot, 8) == nullptr) {
      return damaged("an import from {} is to be written at {:#x}, outside its sections", library, slot);
    }
    PeImport import{.library = library, .name = {}, .ordinal = {}, .slot = static_cast<std::uint32_t>(slot)};
    if ((*thunk & import_by_ordinal) != 0) {
      if ((*thunk & ~import_by_ordinal) > 0xFFFF) return damaged("an import from {} by no ordinal", library);
      import.ordinal = static_cast<std::uint16_t>(*thunk);
      import.name = fmt::format("#{}", *import.ordinal);
    } else {
      std::optional<std::string> name = *thunk > image_limit ? std::nullopt : string(*thunk + 2);
      if (!name || name->empty()) return damaged("the name of an import from {} is not in the image", library);
      import.name = *std::move(name);
    }
    facts_.imports.push_back(std::move(import));
  }
}

Result<void> Reader::read_exports() {
  const Directory exports = directory(directory_export);
  if (exports.address == 0 || exports.bytes == 0) return {};
  const std::optional<ExportDirectory> table = mapped<ExportDirectory>(exports.address);
  if (!table) return damaged("its table of exports at {:#x} is not in the image", exports.address);
  if (table->functions > export_limit || table->names > export_limit) {
    return damaged("{} exports with {} names, expected at most {}", table->functions, table->names, export_limit);
  }
  if (const std::optional<std::string> name = string(table->name)) facts_.export_name = *name;
  std::vector<std::string> names(table->functions);
  for (std::uint64_t i = 0; i < table->names; ++i) {
    const auto name_at = mapped<std::uint32_t>(table->name_table + 4 * i);
    const auto index = mapped<std::uint16_t>(table->ordinal_table + 2 * i);
    const std::optional<std::string> name = name_at ? string(*name_at) : std::nullopt;
    if (!name || !index || *index >= names.size()) return damaged("the name of export {} is not in the image", i);
    if (names[*index].empty()) names[*index] = *name;
  }
  for (std::uint64_t i = 0; i < table->functions; ++i) {
    const auto address = mapped<std::uint32_t>(table->function_table + 4 * i);
    if (!address) return damaged("the address of export {} is not in the image", i);
    if (*address == 0) continue;
    const auto ordinal = static_cast<std::uint32_t>(table->ordinal_base + i);
    PeExport row{names[i].empty() ? fmt::format("#{}", ordinal) : names[i], ordinal, *address, {}};
    if (*address >= exports.address && *address - exports.address < exports.bytes) {
      const std::optional<std::string> forward = string(*address);
      if (!forward || forward->find('.') == std::string::npos)
        return damaged("export {} forwards to nothing", row.name);
      row.forward = *forward;
    } else if (section_of(*address, 0) == nullptr) {
      return damaged("export {} is at {:#x}, outside its sections", row.name, *address);
    }
    facts_.exports.push_back(std::move(row));
  }
  return {};
}

Result<void> Reader::read_relocations() {
  const Directory table = directory(directory_relocation);
  if (table.address == 0 || table.bytes == 0) return {};
  const std::span<const std::byte> from = mapped_from(table.address);
  if (from.size() < table.bytes) return damaged("its relocations at {:#x} are not in the image", table.address);
  const std::uint64_t start = static_cast<std::uint64_t>(from.data() - bytes_.data());
  std::uint64_t next = 0;
  while (table.bytes - next >= sizeof(RelocationBlock)) {
    const auto block = at<RelocationBlock>(start + next);
    if (block.bytes == 0) break;  // the rest is padding
    if (block.bytes < sizeof block || block.bytes > table.bytes - next || block.bytes % 2 != 0) {
      return damaged("a block of relocations has {} bytes, with {} left", block.bytes, table.bytes - next);
    }
    for (std::uint64_t row = next + sizeof block; row < next + block.bytes; row += 2) {
      const auto entry = at<std::uint16_t>(start + row);
      const unsigned type = entry >> 12;
      if (type == relocation_none) continue;
      if (type != relocation_64) {
        return damaged("a relocation of type {}, expected {} as x64 images have", type, relocation_64);
      }
      const std::uint64_t target = std::uint64_t{block.page} + (entry & 0xFFF);
      if (section_of(target, 8) == nullptr) return damaged("a relocation of {:#x}, outside its sections", target);
      facts_.relocations.push_back(static_cast<std::uint32_t>(target));
    }
    next += block.bytes;
  }
  return {};
}

Result<void> Reader::read_functions() {
  const Directory table = directory(directory_exception);
  if (table.address == 0 || table.bytes == 0) return {};
  const std::span<const std::byte> from = mapped_from(table.address);
  if (from.size() < table.bytes || table.address % 4 != 0) {
    return damaged("its table of functions at {:#x} is not in the image", table.address);
  }
  const std::uint32_t rows = table.bytes / sizeof(RuntimeFunction);
  std::uint32_t before = 0;
  for (std::uint32_t i = 0; i < rows; ++i) {
    RuntimeFunction row{};
    std::memcpy(&row, from.data() + std::size_t{i} * sizeof row, sizeof row);
    if (row.begin < before || row.end <= row.begin || section_of(row.begin, row.end - row.begin) == nullptr) {
      return damaged("function {} of its table is from {:#x} to {:#x}, expected them ascending and in its sections", i,
                     row.begin, row.end);
    }
    before = row.end;
  }
  facts_.function_table = {table.address, rows * static_cast<std::uint32_t>(sizeof(RuntimeFunction))};
  return {};
}

Result<void> Reader::read_load_config() {
  const Directory table = directory(directory_load_config);
  if (table.address == 0) return {};
  const std::span<const std::byte> from = mapped_from(table.address);
  if (from.size() < 4) return damaged("its load configuration at {:#x} is not in the image", table.address);
  LoadConfig config{};
  std::memcpy(&config.bytes, from.data(), 4);
  std::memcpy(&config, from.data(), std::min<std::size_t>({config.bytes, from.size(), sizeof config}));
  const auto slot = [this](std::uint64_t value, std::string_view what, bool write) -> Result<std::uint32_t> {
    const std::optional<std::uint32_t> address = relative(value);
    if (address && *address == 0) return std::uint32_t{0};
    const PeSection* section = address ? section_of(*address, 8) : nullptr;
    if (section == nullptr || (write && !section->writable()))
      return damaged("its {} is at {:#x}, expected it in {} of its sections", what, value,
                     write ? "a writable" : "one");
    return *address;
  };
  const Result<std::uint32_t> cookie = slot(config.security_cookie, "security cookie", true);
  if (!cookie) return cookie.error();
  // An image whose code is ARM64 says x64 in its header, so that x64 processes load it [doc: ARM64EC].
  if (config.hybrid_metadata != 0) {
    return Error{"a Windows image for ARM64EC, whose code is ARM64's though its header says x64; expected one for x64"};
  }
  const Result<std::uint32_t> check = slot(config.guard_check, "control flow guard's check", false);
  if (!check) return check.error();
  const Result<std::uint32_t> dispatch = slot(config.guard_dispatch, "control flow guard's dispatch", false);
  if (!dispatch) return dispatch.error();
  PeLoadConfig known{.bytes = config.bytes,
                     .security_cookie = *cookie,
                     .guard_check = *check,
                     .guard_dispatch = *dispatch,
                     .guard_flags = config.guard_flags,
                     .dynamic_relocations = config.dynamic_relocations != 0 || config.dynamic_relocations_offset != 0};
  for (const auto& [value, into, what] :
       {std::tuple{config.extended_check, &known.extended_check, "extended flow guard's check"},
        std::tuple{config.extended_dispatch, &known.extended_dispatch, "extended flow guard's dispatch"},
        std::tuple{config.extended_table_dispatch, &known.extended_table_dispatch,
                   "extended flow guard's table dispatch"}}) {
    const Result<std::uint32_t> address = slot(value, what, false);
    if (!address) return address.error();
    *into = *address;
  }
  facts_.load_config = known;
  return {};
}

Result<void> Reader::read_tls() {
  const Directory table = directory(directory_tls);
  if (table.address == 0) return {};
  const std::optional<TlsDirectory> tls = mapped<TlsDirectory>(table.address);
  if (!tls) return damaged("its thread-local storage directory at {:#x} is not in the image", table.address);
  const std::optional<std::uint32_t> callbacks = relative(tls->callbacks);
  if (!callbacks) return damaged("its thread-local storage callbacks are at {:#x}, outside the image", tls->callbacks);
  facts_.tls = PeTls{};
  if (*callbacks == 0) return {};
  for (std::uint32_t i = 0;; ++i) {
    const std::optional<std::uint64_t> callback = mapped<std::uint64_t>(std::uint64_t{*callbacks} + 8 * i);
    if (!callback || i == callback_limit) return damaged("its thread-local storage callbacks have no end");
    if (*callback == 0) return {};
    facts_.tls->callbacks = i + 1;
  }
}

// Only a name for people is taken from it: what makes no sense is passed over.
Result<void> Reader::read_debug() {
  const Directory table = directory(directory_debug);
  const std::uint32_t rows = std::min<std::uint32_t>(table.bytes / sizeof(DebugDirectory), 64);
  for (std::uint64_t i = 0; table.address != 0 && i < rows; ++i) {
    const auto row = mapped<DebugDirectory>(table.address + i * sizeof(DebugDirectory));
    if (!row) return {};
    if (row->type != debug_codeview || row->bytes < 25) continue;
    if (mapped<std::uint32_t>(row->address) != codeview_rsds) continue;
    if (std::optional<std::string> name = string(std::uint64_t{row->address} + 24)) facts_.pdb = *std::move(name);
  }
  return {};
}

std::string Reader::string_of(std::uint32_t offset) const {
  if (offset < 4 || offset >= strings_.size()) return {};
  const std::string_view rest = strings_.substr(offset, name_limit);
  const std::size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string() : clean(rest.substr(0, end));
}

// For people too: names of functions, where a GNU linker left its symbols in the file.
Result<void> Reader::read_symbols() {
  for (std::uint64_t i = 0; i < symbol_count_; ++i) {
    const auto symbol = at<Symbol>(symbols_at_ + i * sizeof(Symbol));
    i += symbol.auxiliary;
    if (symbol.type != symbol_function || symbol.section < 1) continue;
    if (static_cast<std::size_t>(symbol.section) > section_addresses_.size()) continue;
    const std::uint64_t address =
        std::uint64_t{section_addresses_[static_cast<std::size_t>(symbol.section) - 1]} + symbol.value;
    const PeSection* section = section_of(address, 1);
    if (section == nullptr || !section->executable()) continue;
    std::uint32_t offset = 0;
    std::memcpy(&offset, symbol.name + 4, sizeof offset);
    const bool is_short = symbol.name[0] != 0 || symbol.name[1] != 0 || symbol.name[2] != 0 || symbol.name[3] != 0;
    std::string name = is_short ? clean({symbol.name, strnlen(symbol.name, sizeof symbol.name)}) : string_of(offset);
    if (!name.empty()) facts_.functions.push_back({static_cast<std::uint32_t>(address), std::move(name)});
  }
  std::stable_sort(facts_.functions.begin(), facts_.functions.end(),
                   [](const PeFunction& a, const PeFunction& b) { return a.address < b.address; });
  return {};
}

Result<void> Reader::read_certificates() {
  const Directory table = directory(directory_security);
  if (table.address == 0 || table.bytes == 0) return {};
  if (!in_file(table.address, table.bytes)) {
    return damaged("its signature has {} bytes at {:#x} of the file, which has {} in all: cut short?", table.bytes,
                   table.address, bytes_.size());
  }
  facts_.signatures = {table.address, table.bytes};
  std::uint64_t next = table.address;
  const std::uint64_t end = next + table.bytes;
  while (end - next >= sizeof(Certificate)) {
    const auto certificate = at<Certificate>(next);
    if (certificate.bytes == 0) break;
    if (certificate.bytes < sizeof certificate || certificate.bytes > end - next) {
      return damaged("a signature of {} bytes, with {} left", certificate.bytes, end - next);
    }
    if (facts_.certificates.size() == certificate_limit) return damaged("more than {} signatures", certificate_limit);
    facts_.certificates.push_back({certificate.revision, certificate.type,
                                   static_cast<std::uint32_t>(next + sizeof certificate),
                                   static_cast<std::uint32_t>(certificate.bytes - sizeof certificate)});
    next += std::min<std::uint64_t>(up_to(certificate.bytes, 8), end - next);
  }
  return {};
}

}  // namespace dumpsim::loader::pe
