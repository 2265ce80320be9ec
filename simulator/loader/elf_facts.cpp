// SPDX-License-Identifier: Apache-2.0
// Reads an image the way the system's loader would, through the program headers and the dynamic section, but believes
// nothing: every offset, size and index is checked against the file before it is used. Section headers serve only for
// names of functions, and are ignored when they make no sense.
#include "loader/elf_facts.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>
#include <unordered_map>

namespace dumpsim::loader {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t image_limit = std::uint64_t{256} << 20;
constexpr std::size_t segment_limit = 64;
constexpr std::uint64_t alignment_limit = std::uint64_t{2} << 20;
constexpr std::string_view system_v_library = "libntoskrnl.so";
constexpr std::string_view microsoft_library = "libntoskrnl-ms.so";

std::uint64_t up_to_page(std::uint64_t address) {
  return (address + page - 1) / page * page;
}

template <class... Arguments>
Error damaged(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return Error{"a damaged ELF image: " + fmt::format(format, std::forward<Arguments>(arguments)...)};
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<ElfFacts> read() {
    for (auto step : {&Reader::read_header, &Reader::read_segments, &Reader::read_dynamic, &Reader::read_strings,
                      &Reader::read_symbols, &Reader::read_relocations, &Reader::read_functions, &Reader::plan_copy}) {
      if (Result<void> done = (this->*step)(); !done) return done.error();
    }
    return std::move(facts_);
  }

 private:
  // ---- bounded access ----
  bool in_file(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  /// REQUIRES: in_file.
  template <class T>
  T at(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  /// The segment that holds [address, address + size) of memory.
  const Elf64_Phdr* segment_of(std::uint64_t address, std::uint64_t size) const {
    for (const Elf64_Phdr& load : loads_) {
      if (address >= load.p_vaddr && address - load.p_vaddr <= load.p_memsz &&
          size <= load.p_memsz - (address - load.p_vaddr)) {
        return &load;
      }
    }
    return nullptr;
  }
  /// Where `size` bytes at `address` lie in the file.
  std::optional<std::uint64_t> file_offset(std::uint64_t address, std::uint64_t size) const {
    const Elf64_Phdr* load = segment_of(address, size);
    if (load == nullptr) return {};
    const std::uint64_t into = address - load->p_vaddr;
    if (into > load->p_filesz || size > load->p_filesz - into) return {};
    return load->p_offset + into;
  }
  std::optional<std::string_view> string(std::uint64_t index) const {
    if (index >= strings_.size()) return {};
    const std::string_view rest = strings_.substr(index);
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return {};
    return rest.substr(0, end);
  }

  // ---- the steps ----
  Result<void> read_header() {
    if (bytes_.size() >= 2 && at<char>(0) == 'M' && at<char>(1) == 'Z') {
      return Error{"a Windows image (PE), expected an ELF shared library"};
    }
    constexpr std::string_view not_elf = "not an ELF shared library";
    if (bytes_.size() < SELFMAG || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) {
      if (bytes_.empty()) return Error{fmt::format("{}: the file is empty", not_elf)};
      return Error{fmt::format("{}: expected it to begin with 7f 45 4c 46", not_elf)};
    }
    if (bytes_.size() < sizeof(Elf64_Ehdr)) {
      return damaged("{} bytes, expected at least the {} of its header", bytes_.size(), sizeof(Elf64_Ehdr));
    }
    header_ = at<Elf64_Ehdr>(0);
    if (header_.e_ident[EI_CLASS] == ELFCLASS32) return Error{"a 32-bit image, expected a 64-bit one for x86-64"};
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
        header_.e_ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT) {
      return Error{"not an ELF image for x86-64: expected 64 bits, little endian, version 1"};
    }
    if (header_.e_machine != EM_X86_64) {
      return Error{
          fmt::format("an image for another processor (ELF machine {}), expected x86-64 (62)", header_.e_machine)};
    }
    if (header_.e_type == ET_REL) return Error{"an object file, expected a shared library: link it with -shared"};
    if (header_.e_type == ET_EXEC) return Error{"a program, expected a shared library: link it with -shared"};
    if (header_.e_type == ET_CORE) return Error{"a core dump, expected a shared library"};
    if (header_.e_type != ET_DYN) return damaged("type {}, expected a shared library (3)", header_.e_type);
    const unsigned char system = header_.e_ident[EI_OSABI];
    if ((system != ELFOSABI_SYSV && system != ELFOSABI_GNU) || header_.e_ident[EI_ABIVERSION] != 0) {
      return Error{fmt::format("an image for another system (ABI {} version {}), expected System V or GNU", system,
                               header_.e_ident[EI_ABIVERSION])};
    }
    if (header_.e_phentsize != sizeof(Elf64_Phdr)) {
      return damaged("program headers of {} bytes, expected {}", header_.e_phentsize, sizeof(Elf64_Phdr));
    }
    if (header_.e_phnum == 0 || header_.e_phnum > segment_limit) {
      return damaged("{} program headers, expected 1 to {}", header_.e_phnum, segment_limit);
    }
    if (header_.e_phoff % 8 != 0 || !in_file(header_.e_phoff, header_.e_phnum * sizeof(Elf64_Phdr))) {
      return damaged("program headers at {:#x}, expected them inside the file's {} bytes", header_.e_phoff,
                     bytes_.size());
    }
    return {};
  }

  Result<void> read_segments() {
    for (std::uint16_t index = 0; index < header_.e_phnum; ++index) {
      const std::uint64_t offset = header_.e_phoff + index * sizeof(Elf64_Phdr);
      const auto segment = at<Elf64_Phdr>(offset);
      switch (segment.p_type) {
        case PT_LOAD:
          if (Result<void> good = add_load(index, segment); !good) return good;
          break;
        case PT_DYNAMIC:
          if (dynamic_) return damaged("two dynamic segments");
          dynamic_ = segment;
          break;
        case PT_INTERP:
          return Error{"a program, expected a shared library: link it with -shared"};
        case PT_TLS:
          return Error{"uses thread-local storage, which a Windows driver does not have"};
        case PT_GNU_RELRO:
          // Protected by whoever relocates, which is not the system's loader.
          relro_ = segment;
          facts_.patches.push_back({offset + offsetof(Elf64_Phdr, p_type), PT_NULL, 4});
          break;
        case PT_GNU_STACK:
          // An executable stack would be made so for the whole host.
          facts_.patches.push_back({offset + offsetof(Elf64_Phdr, p_flags), PF_R | PF_W, 4});
          break;
        case PT_NOTE:
        case PT_GNU_PROPERTY:
          // Notes are read by the system's loader before it checks them; those of debuggers stand in the sections too.
          facts_.patches.push_back({offset + offsetof(Elf64_Phdr, p_type), PT_NULL, 4});
          break;
        case PT_GNU_EH_FRAME:
          eh_frame_ = segment;
          break;
        default:
          break;
      }
    }
    if (loads_.empty()) return damaged("no segment to load");
    if (!dynamic_) return damaged("no dynamic section, expected a shared library");
    facts_.first_page = loads_.front().p_vaddr / page * page;
    facts_.bytes = loads_.back().p_vaddr + loads_.back().p_memsz - facts_.first_page;
    if (eh_frame_ && segment_of(eh_frame_->p_vaddr, eh_frame_->p_memsz) == nullptr) {
      return damaged("unwind tables outside its segments");
    }
    if (relro_) {
      // Linkers let it run to the end of the page when nothing writable follows.
      const Elf64_Phdr* load = segment_of(relro_->p_vaddr, 0);
      const std::uint64_t room = load == nullptr ? 0 : up_to_page(load->p_vaddr + load->p_memsz) - relro_->p_vaddr;
      if (load == nullptr || (load->p_flags & PF_W) == 0 || relro_->p_memsz > room) {
        return damaged("RELRO outside its writable segments");
      }
      // A page that is only half covered at the end stays writable.
      const std::uint64_t begin = relro_->p_vaddr / page * page;
      const std::uint64_t end = (relro_->p_vaddr + relro_->p_memsz) / page * page;
      if (end > begin) facts_.relro = {begin, end - begin};
    }
    for (const Elf64_Phdr& load : loads_) {
      if ((load.p_flags & PF_W) != 0) add_writable(load.p_vaddr, load.p_vaddr + load.p_memsz);
    }
    return {};
  }

  Result<void> add_load(std::size_t index, const Elf64_Phdr& load) {
    if (load.p_memsz == 0 && load.p_filesz == 0) return {};  // GNU ld leaves one where a filter has no constants
    if (load.p_filesz > load.p_memsz || !in_file(load.p_offset, load.p_filesz)) {
      return damaged("segment {} has {} bytes at {:#x} of the file, which has {} in all", index, load.p_filesz,
                     load.p_offset, bytes_.size());
    }
    if (load.p_vaddr > image_limit || load.p_memsz > image_limit - load.p_vaddr) {
      return damaged("segment {} ends beyond {} MiB", index, image_limit >> 20);
    }
    if (load.p_align > alignment_limit || load.p_align < page || (load.p_align & (load.p_align - 1)) != 0 ||
        (load.p_vaddr - load.p_offset) % load.p_align != 0) {
      return damaged("segment {} is aligned to {:#x}, expected a power of two from {} to 2 MiB that suits its place",
                     index, load.p_align, page);
    }
    if (!loads_.empty()) {
      const Elf64_Phdr& last = loads_.back();
      if (load.p_vaddr / page * page < up_to_page(last.p_vaddr + last.p_memsz))
        return damaged("segment {} overlaps the one before it", index);
    }
    loads_.push_back(load);
    return {};
  }

  void add_writable(std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t hole_begin = std::clamp(facts_.relro.address, begin, end);
    const std::uint64_t hole_end = std::clamp(facts_.relro.address + facts_.relro.bytes, begin, end);
    if (facts_.relro.bytes == 0 || hole_end == hole_begin) {
      facts_.writable.push_back({begin, end - begin});
      return;
    }
    if (hole_begin > begin) facts_.writable.push_back({begin, hole_begin - begin});
    if (end > hole_end) facts_.writable.push_back({hole_end, end - hole_end});
  }

  Result<void> read_dynamic() {
    const std::optional<std::uint64_t> offset = file_offset(dynamic_->p_vaddr, dynamic_->p_filesz);
    const Elf64_Phdr* load = segment_of(dynamic_->p_vaddr, dynamic_->p_memsz);
    if (!offset || load == nullptr || dynamic_->p_vaddr % 8 != 0) return damaged("its dynamic section is not loaded");
    // The system's loader writes into it.
    if ((load->p_flags & PF_W) == 0) return damaged("its dynamic section is read-only");
    dynamic_offset_ = *offset;
    const std::uint64_t rows = dynamic_->p_filesz / sizeof(Elf64_Dyn);
    for (std::uint64_t row = 0; row < rows; ++row) {
      const auto entry = at<Elf64_Dyn>(*offset + row * sizeof(Elf64_Dyn));
      if (entry.d_tag == DT_NULL) {
        dynamic_rows_ = row;
        break;
      }
      switch (entry.d_tag) {
        case DT_NEEDED:
          needed_.push_back(entry.d_un.d_val);
          break;
        case DT_TEXTREL:
          return Error{"has text relocations, expected position independent code: compile with -fPIC"};
        case DT_FLAGS:
          if ((entry.d_un.d_val & DF_TEXTREL) != 0) {
            return Error{"has text relocations, expected position independent code: compile with -fPIC"};
          }
          break;
        case DT_FLAGS_1:
          if ((entry.d_un.d_val & DF_1_PIE) != 0) {
            return Error{"a program, expected a shared library: link it with -shared"};
          }
          break;
        case DT_REL:
          return damaged("relocations without addends, which x86-64 does not have");
        case 36:  // DT_RELR
          return Error{"has packed relocations: link it without -z pack-relative-relocs"};
        default:
          values_.emplace(entry.d_tag, entry.d_un.d_val);
          break;
      }
    }
    if (!dynamic_rows_) return damaged("its dynamic section has no end");
    return {};
  }

  std::optional<std::uint64_t> value(std::int64_t tag) const {
    const auto found = values_.find(tag);
    if (found == values_.end()) return {};
    return found->second;
  }

  Result<void> read_strings() {
    const std::optional<std::uint64_t> address = value(DT_STRTAB);
    const std::optional<std::uint64_t> size = value(DT_STRSZ);
    if (!address || !size) return damaged("no table of names");
    const std::optional<std::uint64_t> offset = file_offset(*address, *size);
    if (!offset || *size == 0) return damaged("its table of names is not loaded");
    strings_ = {reinterpret_cast<const char*>(bytes_.data()) + *offset, *size};
    for (const std::uint64_t index : needed_) {
      const std::optional<std::string_view> name = string(index);
      if (!name) return damaged("the name of a needed library lies outside its table of names");
      facts_.needed.emplace_back(*name);
    }
    if (const std::optional<std::uint64_t> index = value(DT_SONAME)) {
      const std::optional<std::string_view> name = string(*index);
      if (!name) return damaged("its own name lies outside its table of names");
      facts_.soname = *name;
    }
    const bool system_v = std::count(facts_.needed.begin(), facts_.needed.end(), system_v_library) != 0;
    const bool microsoft = std::count(facts_.needed.begin(), facts_.needed.end(), microsoft_library) != 0;
    if (system_v && microsoft) {
      return Error{fmt::format("linked with both {} and {}, expected one: an image has one calling convention",
                               system_v_library, microsoft_library)};
    }
    if (system_v) facts_.convention = machine::Convention::system_v;
    if (microsoft) facts_.convention = machine::Convention::microsoft;
    return {};
  }

  Result<void> read_symbols() {
    const std::optional<std::uint64_t> address = value(DT_SYMTAB);
    if (!address || value(DT_SYMENT).value_or(sizeof(Elf64_Sym)) != sizeof(Elf64_Sym)) {
      return damaged("no symbol table of the expected form");
    }
    const Elf64_Phdr* load = segment_of(*address, 0);
    const std::optional<std::uint64_t> offset = file_offset(*address, 0);
    if (load == nullptr || !offset || *address % 8 != 0) return damaged("its symbol table is not loaded");
    symbols_offset_ = *offset;
    symbols_limit_ = (load->p_filesz - (*address - load->p_vaddr)) / sizeof(Elf64_Sym);
    const std::uint64_t count = count_symbols(*address);
    if (count > symbols_limit_) return damaged("{} symbols, expected at most {}", count, symbols_limit_);
    for (std::uint64_t index = 1; index < count; ++index) {
      if (Result<void> good = add_symbol(static_cast<std::uint32_t>(index)); !good) return good;
    }
    return {};
  }

  /// Nothing in the format says it outright: the section does, or the hash tables imply it.
  std::uint64_t count_symbols(std::uint64_t address) const {
    if (const std::optional<Elf64_Shdr> section = find_section(SHT_DYNSYM); section && section->sh_addr == address) {
      return section->sh_size / sizeof(Elf64_Sym);
    }
    if (const std::optional<std::uint64_t> hash = value(DT_HASH)) {
      if (const std::optional<std::uint64_t> offset = file_offset(*hash, 8)) return at<std::uint32_t>(*offset + 4);
    }
    return count_by_gnu_hash();
  }

  std::uint64_t count_by_gnu_hash() const {
    const std::optional<std::uint64_t> hash = value(DT_GNU_HASH);
    if (!hash) return 0;
    const std::optional<std::uint64_t> offset = file_offset(*hash, 16);
    if (!offset) return 0;
    const std::uint64_t buckets = at<std::uint32_t>(*offset);
    const std::uint64_t first = at<std::uint32_t>(*offset + 4);
    const std::uint64_t bloom = at<std::uint32_t>(*offset + 8);
    const std::uint64_t buckets_at = *offset + 16 + bloom * 8;
    if (!in_file(buckets_at, buckets * 4)) return 0;
    std::uint64_t last = 0;
    for (std::uint64_t bucket = 0; bucket < buckets; ++bucket) {
      last = std::max<std::uint64_t>(last, at<std::uint32_t>(buckets_at + bucket * 4));
    }
    if (last < first) return first;
    const std::uint64_t chains_at = buckets_at + buckets * 4;
    for (; in_file(chains_at + (last - first) * 4, 4); ++last) {
      if ((at<std::uint32_t>(chains_at + (last - first) * 4) & 1) != 0) return last + 1;
    }
    return 0;
  }

  Result<void> add_symbol(std::uint32_t index) {
    const auto symbol = at<Elf64_Sym>(symbols_offset_ + index * sizeof(Elf64_Sym));
    const std::optional<std::string_view> name = string(symbol.st_name);
    if (!name) return damaged("the name of symbol {} lies outside its table of names", index);
    const unsigned binding = ELF64_ST_BIND(symbol.st_info);
    const unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if (type == STT_GNU_IFUNC) {
      return Error{
          fmt::format("chooses {} when it is loaded (ifunc, target_clones), which Windows does not do", *name)};
    }
    if (type == STT_TLS) return Error{"uses thread-local storage, which a Windows driver does not have"};
    if (binding == STB_LOCAL || name->empty()) return {};
    if (symbol.st_shndx == SHN_UNDEF) {
      import_of_symbol_.emplace(index, static_cast<std::uint32_t>(facts_.imports.size()));
      facts_.imports.push_back({std::string(*name), binding == STB_WEAK});
      return {};
    }
    const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    if (symbol.st_shndx == SHN_ABS || visibility == STV_HIDDEN || visibility == STV_INTERNAL) return {};
    if (segment_of(symbol.st_value, 0) == nullptr) {
      return damaged("{} is at {:#x}, outside its segments", *name, symbol.st_value);
    }
    facts_.exports.push_back({std::string(*name), symbol.st_value, type == STT_FUNC});
    return {};
  }

  Result<void> read_relocations() {
    if (value(DT_RELAENT).value_or(sizeof(Elf64_Rela)) != sizeof(Elf64_Rela)) return damaged("relocations of odd size");
    if (value(DT_PLTREL).value_or(DT_RELA) != DT_RELA) return damaged("relocations without addends");
    if (Result<void> good = read_table(value(DT_RELA), value(DT_RELASZ)); !good) return good;
    return read_table(value(DT_JMPREL), value(DT_PLTRELSZ));
  }

  Result<void> read_table(std::optional<std::uint64_t> address, std::optional<std::uint64_t> size) {
    if (!size || *size == 0) return {};
    const std::optional<std::uint64_t> offset = address ? file_offset(*address, *size) : std::nullopt;
    if (!offset || *size % sizeof(Elf64_Rela) != 0) return damaged("its relocations are not loaded");
    for (std::uint64_t at_byte = 0; at_byte < *size; at_byte += sizeof(Elf64_Rela)) {
      if (Result<void> good = add_relocation(at<Elf64_Rela>(*offset + at_byte)); !good) return good;
    }
    return {};
  }

  Result<void> add_relocation(const Elf64_Rela& row) {
    const std::uint64_t type = ELF64_R_TYPE(row.r_info);
    const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(row.r_info));
    if (type == R_X86_64_NONE) return {};
    const Elf64_Phdr* load = segment_of(row.r_offset, 8);
    if (load == nullptr) return damaged("a relocation at {:#x}, outside its segments", row.r_offset);
    if ((load->p_flags & PF_W) == 0) {
      return Error{"has text relocations, expected position independent code: compile with -fPIC"};
    }
    ElfRelocation relocation{row.r_offset, ElfRelocation::Value::base, 0, static_cast<std::uint64_t>(row.r_addend)};
    switch (type) {
      case R_X86_64_RELATIVE:
        break;
      case R_X86_64_GLOB_DAT:
      case R_X86_64_JUMP_SLOT:
        relocation.addend = 0;
        [[fallthrough]];
      case R_X86_64_64:
        if (Result<void> good = resolve(relocation, symbol); !good) return good;
        break;
      case R_X86_64_IRELATIVE:
        return Error{"chooses functions when it is loaded (ifunc, target_clones), which Windows does not do"};
      case R_X86_64_DTPMOD64:
      case R_X86_64_DTPOFF64:
      case R_X86_64_TPOFF64:
      case R_X86_64_TLSDESC:
        return Error{"uses thread-local storage, which a Windows driver does not have"};
      case R_X86_64_32:
      case R_X86_64_32S:
      case R_X86_64_PC32:
        return Error{"has relocations of 32 bits, expected position independent code: compile with -fPIC"};
      default:
        return damaged("a relocation of type {} at {:#x}", type, row.r_offset);
    }
    facts_.relocations.push_back(relocation);
    return {};
  }

  Result<void> resolve(ElfRelocation& relocation, std::uint32_t index) {
    if (index == 0) {
      relocation.value = ElfRelocation::Value::absolute;
      return {};
    }
    if (index >= symbols_limit_) return damaged("a relocation against symbol {}, which it does not have", index);
    const auto symbol = at<Elf64_Sym>(symbols_offset_ + std::uint64_t{index} * sizeof(Elf64_Sym));
    if (symbol.st_shndx == SHN_UNDEF) {
      if (import_of_symbol_.count(index) == 0) {  // behind the end that the tables imply
        if (Result<void> good = add_symbol(index); !good) return good;
      }
      const auto found = import_of_symbol_.find(index);
      if (found == import_of_symbol_.end()) return damaged("a relocation against symbol {}, which has no name", index);
      relocation.value = ElfRelocation::Value::import;
      relocation.index = found->second;
      return {};
    }
    const unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if (symbol.st_shndx == SHN_COMMON || type == STT_TLS || type == STT_GNU_IFUNC) {
      return damaged("a relocation against symbol {} of type {}", index, type);
    }
    relocation.value = symbol.st_shndx == SHN_ABS ? ElfRelocation::Value::absolute : ElfRelocation::Value::own;
    relocation.addend += symbol.st_value;
    return {};
  }

  // ---- names of functions ----
  std::optional<Elf64_Shdr> section(std::uint64_t index) const {
    const std::uint64_t offset = header_.e_shoff + index * sizeof(Elf64_Shdr);
    if (header_.e_shentsize != sizeof(Elf64_Shdr) || index >= header_.e_shnum || header_.e_shoff > bytes_.size() ||
        !in_file(offset, sizeof(Elf64_Shdr))) {
      return {};
    }
    const auto found = at<Elf64_Shdr>(offset);
    if (found.sh_type != SHT_NOBITS && !in_file(found.sh_offset, found.sh_size)) return {};
    return found;
  }
  std::optional<Elf64_Shdr> find_section(std::uint32_t type) const {
    for (std::uint64_t index = 0; index < header_.e_shnum; ++index) {
      const std::optional<Elf64_Shdr> found = section(index);
      if (found && found->sh_type == type) return found;
    }
    return {};
  }

  Result<void> read_functions() {
    if (const std::optional<Elf64_Shdr> table = find_section(SHT_SYMTAB)) {
      const std::optional<Elf64_Shdr> names = section(table->sh_link);
      if (names && names->sh_type == SHT_STRTAB) {
        const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + names->sh_offset, names->sh_size);
        for (std::uint64_t at_byte = 0; at_byte + sizeof(Elf64_Sym) <= table->sh_size; at_byte += sizeof(Elf64_Sym)) {
          add_function(at<Elf64_Sym>(table->sh_offset + at_byte), text);
        }
      }
    }
    if (facts_.functions.empty()) {
      for (const ElfExport& symbol : facts_.exports) {
        if (symbol.function) facts_.functions.push_back({symbol.address, 0, symbol.name});
      }
    }
    std::sort(facts_.functions.begin(), facts_.functions.end(), [](const ElfFunction& a, const ElfFunction& b) {
      return a.address != b.address ? a.address < b.address : a.name < b.name;
    });
    return {};
  }

  void add_function(const Elf64_Sym& symbol, std::string_view names) {
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size() ||
        segment_of(symbol.st_value, 0) == nullptr) {
      return;
    }
    const std::string_view rest = names.substr(symbol.st_name);
    const std::size_t end = rest.find('\0');
    if (end == 0 || end == std::string_view::npos) return;
    facts_.functions.push_back({symbol.st_value, symbol.st_size, std::string(rest.substr(0, end))});
  }

  // ---- what the private copy says differently ----
  /// The system's loader gets to see segments and nothing else: no libraries to search, no symbols to look up (which
  /// would find the host's, or share STB_GNU_UNIQUE ones between copies), no code to run. The rest is the loader's.
  Result<void> plan_copy() {
    const std::uint64_t own = value(DT_INIT) ? 1 : 0;  // frame_dummy comes with the same start files as _init
    const std::uint64_t listed = value(DT_INIT_ARRAYSZ).value_or(0) / 8;
    facts_.constructors = static_cast<std::size_t>(listed > own ? listed - own : 0);
    const std::array<std::pair<std::int64_t, std::uint64_t>, 4> kept = {{{DT_STRTAB, *value(DT_STRTAB)},
                                                                         {DT_SYMTAB, *value(DT_SYMTAB)},
                                                                         {DT_STRSZ, *value(DT_STRSZ)},
                                                                         {DT_SYMENT, sizeof(Elf64_Sym)}}};
    if (*dynamic_rows_ < kept.size()) return damaged("its dynamic section has {} rows", *dynamic_rows_);
    for (std::uint64_t row = 0; row <= *dynamic_rows_; ++row) {
      const bool keep = row < kept.size();
      const std::uint64_t offset = dynamic_offset_ + row * sizeof(Elf64_Dyn);
      facts_.patches.push_back({offset, keep ? static_cast<std::uint64_t>(kept[row].first) : DT_NULL, 8});
      facts_.patches.push_back({offset + 8, keep ? kept[row].second : 0, 8});
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  ElfFacts facts_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> loads_;
  std::optional<Elf64_Phdr> dynamic_;
  std::optional<Elf64_Phdr> relro_;
  std::optional<Elf64_Phdr> eh_frame_;
  std::uint64_t dynamic_offset_ = 0;
  std::optional<std::uint64_t> dynamic_rows_;
  std::unordered_map<std::int64_t, std::uint64_t> values_;
  std::vector<std::uint64_t> needed_;
  std::string_view strings_;
  std::uint64_t symbols_offset_ = 0;
  std::uint64_t symbols_limit_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> import_of_symbol_;
};

}  // namespace

Result<ElfFacts> read_elf(std::span<const std::byte> bytes) {
  return Reader(bytes).read();
}

Result<const ElfExport*> find_driver_entry(const ElfFacts& facts) {
  constexpr std::string_view mangled = "_Z11DriverEntry";
  std::vector<const ElfExport*> found;
  for (const ElfExport& symbol : facts.exports) {
    if (symbol.name == "DriverEntry") return &symbol;
    if (std::string_view(symbol.name).substr(0, mangled.size()) == mangled) found.push_back(&symbol);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Error{
        "has no DriverEntry: expected a function of that name with default visibility, not static and not hidden by a "
        "version script"};
  }
  return Error{fmt::format("has {} functions named DriverEntry ({} and {}), expected one", found.size(), found[0]->name,
                           found[1]->name)};
}

std::vector<std::string> foreign_libraries(const ElfFacts& facts) {
  std::vector<std::string> foreign;
  std::copy_if(facts.needed.begin(), facts.needed.end(), std::back_inserter(foreign),
               [](const std::string& name) { return name != system_v_library && name != microsoft_library; });
  return foreign;
}

}  // namespace dumpsim::loader
