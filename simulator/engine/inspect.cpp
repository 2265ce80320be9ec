// SPDX-License-Identifier: Apache-2.0
#include "engine/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/inspect_sys.hpp"
#include "kernel/documented.hpp"
#include "kernel/exports.hpp"
#include "loader/elf_facts.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::uint64_t largest_image = std::uint64_t{256} << 20;

std::string describe_image(const std::filesystem::path& path, const loader::ElfFacts& facts) {
  std::string text =
      fmt::format("{}: ELF shared library for x86-64, {} in memory\n", path.string(), format_size(facts.bytes));
  text += fmt::format("  convention  {}\n", !facts.convention ? "not said (linked with no import library); System V"
                                            : *facts.convention == machine::Convention::microsoft ? "Microsoft x64"
                                                                                                  : "System V");
  for (const std::string& library : loader::foreign_libraries(facts)) {
    text += fmt::format("  needs       {}: a driver has no such library; nothing is taken from it\n", library);
  }
  if (facts.constructors != 0) {
    text += fmt::format("  note        {} static constructor{}: Windows runs none for a driver, so neither do we\n",
                        facts.constructors, facts.constructors == 1 ? "" : "s");
  }
  text += fmt::format("\nexports ({})\n", facts.exports.size());
  for (const loader::ElfExport& row : facts.exports) text += fmt::format("  {:<40} +{:#x}\n", row.name, row.address);
  text += fmt::format("\nimports ({})\n", facts.imports.size());
  std::size_t missing = 0;
  for (const loader::ElfImport& row : facts.imports) {
    const kernel::Export* provided = kernel::find_export(row.name);
    if (provided == nullptr && !row.weak) ++missing;
    text += fmt::format("  {:<40} {}\n", row.name,
                        provided != nullptr               ? fmt::format("provided, IRQL <= {}", provided->max_irql)
                        : row.weak                        ? "not provided (weak: stays 0)"
                        : kernel::is_documented(row.name) ? "NOT SIMULATED, a documented function"
                                                          : "NOT SIMULATED");
  }
  if (auto entry = loader::find_driver_entry(facts); !entry) {
    text += fmt::format("\ndoes not load: {}\n", entry.error().message);
  } else if (missing != 0) {
    text += fmt::format("\nloads with --trap-missing alone: {} import{} not simulated\n", missing,
                        missing == 1 ? " is" : "s are");
  } else {
    text += "\nloads: every import is provided\n";
  }
  return text;
}

enum class Kind { elf, windows, other };

/// The whole of an image, nothing of what is none: a dump may be as large as a machine's memory.
Result<Kind> read_image(const std::filesystem::path& path, std::vector<std::byte>& bytes) {
  auto file = File::open(path, File::Mode::read);
  if (!file) return file.error();
  auto size = file->size();
  if (!size) return size.error();
  std::array<std::byte, 4> front{};
  const std::span<std::byte> there = std::span(front).first(std::min<std::uint64_t>(*size, front.size()));
  if (auto read = file->read_at(0, there); !read) return read.error();
  Kind kind = Kind::other;
  if (there.size() == 4 && std::memcmp(there.data(),
                                       "\x7f"
                                       "ELF",
                                       4) == 0)
    kind = Kind::elf;
  if (there.size() >= 2 && std::memcmp(there.data(), "MZ", 2) == 0) kind = Kind::windows;
  if (kind == Kind::other) return kind;
  if (*size > largest_image) {
    return Error{fmt::format("{} has {}; an image of more than {} is not read", path.string(), format_size(*size),
                             format_size(largest_image))};
  }
  bytes.resize(*size);
  if (auto read = file->read_at(0, bytes); !read) return read.error();
  return kind;
}

}  // namespace

Result<Inspection> inspect(const std::filesystem::path& path) {
  std::vector<std::byte> bytes;
  auto kind = read_image(path, bytes);
  if (!kind) return kind.error();
  switch (*kind) {
    case Kind::elf: {
      auto facts = loader::read_elf(bytes);
      if (!facts) return Error{fmt::format("{}: {}", path.string(), facts.error().message)};
      return Inspection{.text = describe_image(path, *facts)};
    }
    case Kind::windows: {
      auto facts = loader::read_pe(bytes);
      if (!facts) return Error{fmt::format("{}: {}", path.string(), facts.error().message)};
      return Inspection{.text = describe_sys(path, bytes, *facts)};
    }
    case Kind::other:
      break;
  }
  auto dump = dumpfile::DumpReader::open_file(path);
  if (!dump) return dump.error();
  return Inspection{.text = dumpfile::describe(*dump)};
}

Result<Inspection> inspect_memory_integrity(const std::filesystem::path& path) {
  std::vector<std::byte> bytes;
  auto kind = read_image(path, bytes);
  if (!kind) return kind.error();
  if (*kind != Kind::windows) {
    return Error{fmt::format("{}: not a Windows image: memory integrity concerns a .sys alone", path.string())};
  }
  auto facts = loader::read_pe(bytes);
  if (!facts) return Error{fmt::format("{}: {}", path.string(), facts.error().message)};
  return describe_memory_integrity(path, *facts);
}

}  // namespace dumpsim::engine
