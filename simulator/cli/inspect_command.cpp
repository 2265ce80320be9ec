// SPDX-License-Identifier: Apache-2.0
// `dumpsim inspect FILE`: what a dump or an image says about itself. An image is parsed, never loaded. With --hvci:
// what memory integrity would refuse of a .sys, as an exit code too.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "engine/inspect.hpp"

namespace dumpsim::cli {
void add_inspect_command(CLI::App& app, Context& context) {
  const auto files = std::make_shared<std::vector<std::filesystem::path>>();
  const auto hvci = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "inspect", "Show a dump's header and runs, or an image's exports and imports, without running it");
  command->add_option("FILE", *files, "Dumps or images")->required();
  command->add_flag(
      "--hvci", *hvci,
      "Say instead what memory integrity (HVCI) of Windows 11 refuses of a .sys; exit code 1 if anything");
  command->callback([files, hvci, &context] {
    for (const std::filesystem::path& file : *files) {
      auto found = *hvci ? engine::inspect_memory_integrity(file) : engine::inspect(file);
      if (found) {
        std::cout << found->text;
        if (found->refused) context.exit_code = std::max<int>(context.exit_code, not_as_expected);
      } else {
        complain(found.error().message);
        context.exit_code = std::max(context.exit_code, exit_code_of(found.error()));
      }
    }
  });
}

}  // namespace dumpsim::cli
