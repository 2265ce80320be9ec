// SPDX-License-Identifier: Apache-2.0
#include "engine/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "dumpfile/dump_reader.hpp"
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
                        provided != nullptr ? fmt::format("provided, IRQL <= {}", provided->max_irql)
                        : row.weak          ? "not provided (weak: stays 0)"
                                            : "NOT SIMULATED");
  }
  if (auto entry = loader::find_driver_entry(facts); !entry) {
    text += fmt::format("\ndoes not load: {}\n", entry.error().message);
  } else if (missing != 0) {
    text += fmt::format("\ndoes not load: {} import{} not simulated\n", missing, missing == 1 ? " is" : "s are");
  } else {
    text += "\nloads: every import is provided\n";
  }
  return text;
}

}  // namespace

Result<std::string> inspect(const std::filesystem::path& path) {
  auto file = File::open(path, File::Mode::read);
  if (!file) return file.error();
  auto size = file->size();
  if (!size) return size.error();
  std::vector<std::byte> front(std::min<std::uint64_t>(*size, 4));
  if (auto read = file->read_at(0, front); !read) return read.error();
  if (front.size() == 4 && std::memcmp(front.data(),
                                       "\x7f"
                                       "ELF",
                                       4) == 0) {
    if (*size > largest_image) {
      return Error{fmt::format("{} has {}; an image of more than {} is not read", path.string(), format_size(*size),
                               format_size(largest_image))};
    }
    std::vector<std::byte> bytes(*size);
    if (auto read = file->read_at(0, bytes); !read) return read.error();
    auto facts = loader::read_elf(bytes);
    if (!facts) return Error{fmt::format("{}: {}", path.string(), facts.error().message)};
    return describe_image(path, *facts);
  }
  if (front.size() >= 2 && std::memcmp(front.data(), "MZ", 2) == 0) {
    return Error{
        fmt::format("{} is a Windows image (PE); dumpsim inspects dumps and ELF shared libraries", path.string())};
  }
  auto dump = dumpfile::DumpReader::open_file(path);
  if (!dump) return dump.error();
  return dumpfile::describe(*dump);
}

}  // namespace dumpsim::engine
