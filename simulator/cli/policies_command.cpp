// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "policy/policy.hpp"

namespace dumpsim::cli {

void add_policies_command(CLI::App& app, Context& context) {
  const auto profile_name = std::make_shared<std::string>("windows-11");
  CLI::App* command = app.add_subcommand(
      "policies", "List the doubtful points of the dump stack, their values in a profile, and the evidence");
  command->add_option("PROFILE", *profile_name, "windows-7, windows-8.1, windows-10, windows-11 or windows-11-25h2")
      ->capture_default_str();
  command->callback([profile_name, &context] {
    const auto profile = policy::parse_profile(*profile_name);
    if (!profile) {
      complain(profile.error().message);
      context.exit_code = usage;
      return;
    }
    for (const policy::PolicyRow& row : policy::all_policies()) {
      const policy::Default& value = row.defaults[static_cast<std::size_t>(*profile)];
      std::cout << fmt::format("{} = {}\n  {}\n  {}\n", policy::key_of(row.policy), value.value, row.summary,
                               value.evidence);
    }
  });
}

}  // namespace dumpsim::cli
