// SPDX-License-Identifier: Apache-2.0
// The program: CLI11 commands over the engine, exit codes, logging. Standard output belongs to results; everything else
// goes to standard error.
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/version.hpp"
#include "report/places.hpp"

namespace dumpsim::cli {

bool colours(int descriptor) {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (off == nullptr || *off == '\0') && isatty(descriptor) == 1 &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

int exit_code_of(const Error& error) {
  return error.host ? host_failure : usage;
}

void complain(std::string_view message) {
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    std::cerr << "dumpsim: " << message.substr(0, end) << '\n';
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
  }
}

namespace {

/// The first word that is no command, or no option of the command it stands behind, with the nearest one that is.
void complain_of_unknown(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> words;
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& asked = chosen.empty() ? app : *chosen[0];
  if (chosen.empty()) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
      words.push_back(command->get_name());
  }
  for (const CLI::Option* option : asked.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    for (const std::string& name : option->get_snames()) words.push_back("-" + name);
  }
  const std::vector<std::string_view> known(words.begin(), words.end());
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = std::string_view(argv[i]).substr(0, std::string_view(argv[i]).find('='));
    if (word == asked.get_name() || std::find(known.begin(), known.end(), word) != known.end()) continue;
    if (!chosen.empty() && !word.starts_with('-')) continue;
    complain(fmt::format("unknown {} \"{}\"{}; see dumpsim {}--help", word.starts_with('-') ? "option" : "command",
                         word, did_you_mean(word, known), chosen.empty() ? "" : asked.get_name() + " "));
    return;
  }
  complain(fmt::format("too many arguments; see dumpsim {}--help", chosen.empty() ? "" : asked.get_name() + " "));
}

int run_program(int argc, char** argv) {
  Context context;
  std::error_code ignored;
  context.program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (context.program.empty()) context.program = argv[0];
  context.command_line = "dumpsim";
  for (int i = 1; i < argc; ++i) context.command_line += " " + report::shell_word(argv[i]);

  CLI::App app{
      "Simulates the Windows crash-dump stack: loads dump filters, crashes a machine, judges what reached the disk.",
      "dumpsim"};
  app.set_version_flag("--version", fmt::format("dumpsim {}", version));
  app.require_subcommand(1);
  app.footer("Exit codes: 0 as expected, 1 not as expected, 2 usage or a wrong input, 3 the host failed.");
  int verbose = 0;
  app.add_flag("-v,--verbose", verbose, "Say on standard error what is done (twice: in detail)");
  app.parse_complete_callback([&verbose] {
    spdlog::set_level(verbose == 0 ? spdlog::level::warn : verbose == 1 ? spdlog::level::info : spdlog::level::debug);
  });
  add_run_command(app, context);
  add_try_command(app, context);
  add_compare_command(app, context);
  add_lint_command(app, context);
  add_recover_command(app, context);
  add_inspect_command(app, context);
  add_rules_command(app, context);
  add_policies_command(app, context);
  add_cc_command(app, context);
  add_new_command(app, context);
  add_completions_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    complain_of_unknown(app, argc, argv);
    return usage;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0 && app.get_subcommands().empty() && argc > 1) {
      complain_of_unknown(app, argc, argv);
      return usage;
    }
    if (error.get_exit_code() != 0) {
      const auto chosen = app.get_subcommands();
      complain(fmt::format("{}; see dumpsim {}--help", error.what(),
                           chosen.empty() ? "" : chosen.front()->get_name() + " "));
      return usage;
    }
    app.exit(error);  // help, or the version
    return as_expected;
  }
  return context.exit_code;
}

}  // namespace
}  // namespace dumpsim::cli

namespace {

/// A stream that is closed leaves its number to the next file that is opened, and what is printed goes there. What
/// stands in its place here can be written to by nobody: that is noticed, as it should be.
void take_the_place_of_closed_streams() {
  for (int stream = 0; stream < 3; ++stream) {
    if (fcntl(stream, F_GETFD) < 0) static_cast<void>(open("/dev/null", O_RDONLY));
  }
}

}  // namespace

int main(int argc, char** argv) {
  take_the_place_of_closed_streams();
  std::ios::sync_with_stdio(false);
  auto logger = spdlog::stderr_color_mt("dumpsim");
  logger->set_pattern("dumpsim: %v");
  spdlog::set_default_logger(logger);
  try {
    const int code = dumpsim::cli::run_program(argc, argv);
    std::cout.flush();
    if (!std::cout) {
      dumpsim::cli::complain("standard output could not be written");
      return dumpsim::cli::host_failure;
    }
    return code;
  } catch (const std::exception& error) {
    // Only the host's own failures get here: memory, threads, the standard library. A user's mistake is a Result.
    dumpsim::cli::complain(error.what());
    return dumpsim::cli::host_failure;
  }
}
