// SPDX-License-Identifier: Apache-2.0
#include "engine/code_places.hpp"

#include <elfutils/libdwfl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

#include "toolchain/process.hpp"

namespace dumpsim::engine {
namespace {

bool is_elf(const std::filesystem::path& image) {
  std::array<char, 4> front{};
  std::ifstream file(image, std::ios::binary);
  return file.read(front.data(), front.size()) && std::string_view(front.data(), front.size()) == "\177ELF";
}

std::vector<CodePlace> by_dwarf(const std::filesystem::path& image, std::span<const std::uint64_t> offsets) {
  std::vector<CodePlace> places(offsets.size());
  static const Dwfl_Callbacks callbacks{.find_elf = nullptr,
                                        .find_debuginfo = dwfl_standard_find_debuginfo,
                                        .section_address = dwfl_offline_section_address,
                                        .debuginfo_path = nullptr};
  const std::unique_ptr<Dwfl, decltype(&dwfl_end)> session(dwfl_begin(&callbacks), &dwfl_end);
  if (!session) return places;
  Dwfl_Module* module = dwfl_report_offline(session.get(), "", image.c_str(), -1);
  dwfl_report_end(session.get(), nullptr, nullptr);
  GElf_Addr bias = 0;
  if (module == nullptr || dwfl_module_getelf(module, &bias) == nullptr) return places;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const GElf_Addr address = offsets[i] + bias;
    if (const char* name = dwfl_module_addrname(module, address); name != nullptr) places[i].function = name;
    Dwfl_Line* line = dwfl_module_getsrc(module, address);
    int number = 0;
    if (line == nullptr) continue;
    const char* source = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    if (source == nullptr || number <= 0) continue;
    const char* folder = dwfl_line_comp_dir(line);
    places[i].source = (std::filesystem::path(folder == nullptr ? "" : folder) / source).lexically_normal();
    places[i].line = static_cast<std::uint32_t>(number);
  }
  return places;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Two lines an address: the function, then file:line:column; "??" for what is not known.
std::vector<CodePlace> by_symbolizer(const std::filesystem::path& image, std::span<const std::uint64_t> offsets) {
  std::vector<CodePlace> places(offsets.size());
  const std::filesystem::path program =
      toolchain::find_program({"llvm-symbolizer", "llvm-symbolizer-19", "llvm-symbolizer-18", "llvm-symbolizer-17",
                               "llvm-symbolizer-16", "llvm-symbolizer-15", "llvm-symbolizer-14"});
  if (program.empty()) return places;
  std::vector<std::string> command = {program.string(),      "--obj=" + image.string(), "--relative-address",
                                      "--output-style=LLVM", "--functions=linkage",     "--no-inlines"};
  for (const std::uint64_t offset : offsets) command.push_back(fmt::format("{:#x}", offset));
  const auto said = toolchain::run(command);
  if (!said || said->exit_code != 0) return places;
  const std::vector<std::string> lines = lines_of(said->output);
  if (lines.size() != 2 * offsets.size()) return places;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (!lines[2 * i].starts_with("??")) places[i].function = lines[2 * i];
    std::string_view place = lines[2 * i + 1];
    const std::size_t column = place.rfind(':');
    const std::size_t line = column == std::string_view::npos ? column : place.rfind(':', column - 1);
    if (place.starts_with("??") || line == std::string_view::npos) continue;
    std::uint32_t number = 0;
    std::from_chars(place.data() + line + 1, place.data() + column, number);
    if (number == 0) continue;
    places[i].source = place.substr(0, line);
    places[i].line = number;
  }
  return places;
}

}  // namespace

std::vector<CodePlace> code_places(const std::filesystem::path& image, std::span<const std::uint64_t> offsets) {
  return is_elf(image) ? by_dwarf(image, offsets) : by_symbolizer(image, offsets);
}

std::string shown_source(const std::filesystem::path& source) {
  if (!source.is_absolute() && source.string().find('\\') == std::string::npos) return source.string();
  std::error_code failed;
  const std::filesystem::path here = std::filesystem::current_path(failed);
  if (!failed) {
    const std::filesystem::path relative = source.lexically_normal().lexically_relative(here);
    if (!relative.empty() && *relative.begin() != "..") return relative.string();
  }
  const std::string text = source.string();
  const std::size_t folders = text.find_last_of("/\\");
  return folders == std::string::npos ? text : text.substr(folders + 1);
}

}  // namespace dumpsim::engine
