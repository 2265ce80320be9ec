// SPDX-License-Identifier: Apache-2.0
// What every command of the program shares: exit codes, where output goes, whether it may have colours. A command adds
// itself to the CLI11 application and leaves what it came to in `exit_code`.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace CLI {
class App;
}

namespace dumpsim::cli {

/// Documented in docs/scenarios.md and in --help: scripts rely on them.
enum ExitCode : int {
  as_expected = 0,
  not_as_expected = 1,
  usage = 2,         ///< wrong arguments, a wrong scenario, input that cannot be read
  host_failure = 3,  ///< the simulator or the system under it failed
};

struct Context {
  std::filesystem::path program;  ///< this executable, for what is found beside it
  std::string command_line;       ///< as it was typed, in a shell's words
  int exit_code = as_expected;
};

/// Whether standard output (1) or error (2) is a terminal that takes colours; NO_COLOR turns them off.
bool colours(int descriptor);

/// 2 for a mistake, 3 for the host's failure.
int exit_code_of(const Error& error);

/// Prints `dumpsim: MESSAGE` for each line of the message on standard error.
void complain(std::string_view message);

void add_run_command(CLI::App& app, Context& context);
void add_try_command(CLI::App& app, Context& context);
void add_compare_command(CLI::App& app, Context& context);
void add_lint_command(CLI::App& app, Context& context);
void add_recover_command(CLI::App& app, Context& context);
void add_inspect_command(CLI::App& app, Context& context);
void add_rules_command(CLI::App& app, Context& context);
void add_policies_command(CLI::App& app, Context& context);
void add_cc_command(CLI::App& app, Context& context);
void add_new_command(CLI::App& app, Context& context);
void add_completions_command(CLI::App& app, Context& context);

}  // namespace dumpsim::cli
