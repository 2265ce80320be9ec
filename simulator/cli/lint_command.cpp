// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::cli {

void add_lint_command(CLI::App& app, Context& context) {
  struct Options {
    std::vector<std::filesystem::path> files;
    std::vector<std::filesystem::path> filter_path;
    bool quiet = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("lint", "Check scenario files: every mistake at once, nothing is run");
  command->add_option("FILE", options->files, "Scenario files")->required();
  command
      ->add_option("--filter-path", options->filter_path,
                   "Folder in which images named without a slash are looked up (repeatable)")
      ->allow_extra_args(false);
  command->add_flag("-q,--quiet", options->quiet, "Say nothing of files without mistakes");
  command->callback([options, &context] {
    for (const std::filesystem::path& file : options->files) {
      auto scenario = scenario::load(file);
      if (!scenario) {
        complain(scenario.error().message);
        context.exit_code = std::max(context.exit_code, exit_code_of(scenario.error()));
        continue;
      }
      const engine::RunOptions run{.filter_path = engine::default_filter_path(context.program, options->filter_path)};
      auto images = engine::find_images(*scenario, run);
      auto planned = engine::plan(*scenario);
      if (!images) complain(images.error().message);
      if (!planned) complain(fmt::format("{}: {}", file.string(), planned.error().message));
      if (!images || !planned) {
        context.exit_code = std::max<int>(context.exit_code, usage);
      } else if (!options->quiet) {
        std::cout << fmt::format("{}: ok\n", file.string());
      }
    }
  });
}

}  // namespace dumpsim::cli
