// SPDX-License-Identifier: Apache-2.0
// `dumpsim inspect FILE`: what a dump or an image says about itself. An image is parsed, never loaded.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "engine/inspect.hpp"

namespace dumpsim::cli {
void add_inspect_command(CLI::App& app, Context& context) {
  const auto files = std::make_shared<std::vector<std::filesystem::path>>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Show a dump's header and runs, or an image's exports and imports, without running it");
  command->add_option("FILE", *files, "Dumps or images")->required();
  command->callback([files, &context] {
    for (const std::filesystem::path& file : *files) {
      auto text = engine::inspect(file);
      if (text) {
        std::cout << *text;
      } else {
        complain(text.error().message);
        context.exit_code = usage;
      }
    }
  });
}

}  // namespace dumpsim::cli
