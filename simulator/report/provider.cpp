// SPDX-License-Identifier: Apache-2.0
#include "report/provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/words.hpp"
#include "trace/requests.hpp"

namespace dumpsim::report {
namespace {

constexpr std::uint64_t most_written = 256;  // longer answers are better given as a file

std::string zeros(std::uint64_t bytes) {
  std::string text;
  for (std::uint64_t i = 0; i < bytes; ++i) text += i == 0 ? "00" : " 00";
  return text;
}

/// A device's name as a TOML literal: backslashes stay, and a name with a quote has no literal.
std::string literal(std::string_view name) {
  if (name.find('\'') == std::string_view::npos) return fmt::format("'{}'", name);
  std::string text = "\"";
  for (const char c : name) text += c == '\\' || c == '"' ? std::string("\\") + c : std::string(1, c);
  return text + "\"";
}

std::string reply_of(const engine::Asked& asked) {
  std::string text = fmt::format("[[device.reply]]  # asked by {}, {} in, {} out\ncode = {:#010x}  # {}\n",
                                 asked.driver, plural(asked.input, "byte"), plural(asked.output, "byte"), asked.code,
                                 trace::control_code_words(asked.code));
  text += "status = \"STATUS_SUCCESS\"\n";
  if (asked.output != 0 && asked.output <= most_written) text += fmt::format("bytes = \"{}\"\n", zeros(asked.output));
  if (asked.output > most_written)
    text += fmt::format("file = \"reply-{:x}.bin\"  # {} bytes\n", asked.code, asked.output);
  return text;
}

}  // namespace

std::string to_provider(const engine::Report& report) {
  std::vector<std::string> devices;
  for (const engine::Asked& asked : report.asked) {
    if (std::find(devices.begin(), devices.end(), asked.device) == devices.end()) devices.push_back(asked.device);
  }
  std::string text;
  for (const std::string& device : devices) {
    if (text.empty()) {
      text =
          "# Put these tables into the scenario and fill in what the main driver would answer. A device that the "
          "scenario\n"
          "# has already keeps its table: move the replies there. Run again: what follows an answer is asked only "
          "then.\n";
    }
    text += fmt::format("\n[[device]]\nname = {}\n", literal(device));
    for (const engine::Asked& asked : report.asked) {
      if (asked.device == device && asked.opened) text += fmt::format("\n{}", reply_of(asked));
    }
  }
  return text;
}

}  // namespace dumpsim::report
