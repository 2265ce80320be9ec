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

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    for (const std::string& name : option->get_snames()) words.push_back("-" + name);
  }
  return words;
}

/// The option as it is written on its own: "-j2" is "-j", "--jobs=2" is "--jobs".
std::string_view bare(std::string_view word) {
  if (word.size() > 2 && word[0] == '-' && word[1] != '-') return word.substr(0, 2);
  return word.substr(0, word.find('='));
}

/// The first command that has the option; empty when none has.
std::string who_has(const CLI::App& app, std::string_view option) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) {
    const std::vector<std::string> words = options_of(*command);
    if (std::ranges::find(words, option) != words.end()) return command->get_name();
  }
  return {};
}

/// The first word that is no command, or no option of the command it stands behind, with the nearest one that is; empty
/// when there is none.
std::string unknown_word(const CLI::App& app, const std::vector<std::string>& given) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& asked = chosen.empty() ? app : *chosen[0];
  std::vector<std::string> words = options_of(asked);
  if (chosen.empty()) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
      words.push_back(command->get_name());
  }
  const std::vector<std::string_view> known(words.begin(), words.end());
  const std::string help = fmt::format("see dumpsim {}--help", chosen.empty() ? "" : asked.get_name() + " ");
  bool before_command = !chosen.empty();
  for (const std::string& each : given) {
    const bool is_option = each.size() > 1 && each[0] == '-' && (each[1] < '0' || each[1] > '9');  // "-4096" is a value
    if (before_command) {  // the program's own options stand there
      before_command = each != asked.get_name();
      const std::vector<std::string> own = options_of(app);
      if (!before_command || std::ranges::find(own, bare(each)) != own.end()) continue;
      if (std::find(known.begin(), known.end(), bare(each)) != known.end())
        return fmt::format("{0} is an option of {1}: dumpsim {1} {0}", bare(each), asked.get_name());
      return fmt::format("unknown option \"{}\"; see dumpsim --help", bare(each));
    }
    if (each == "--") break;
    if (!chosen.empty() && !is_option) continue;
    const std::string_view word = is_option ? bare(each) : std::string_view(each);
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    if (!is_option) return fmt::format("unknown command \"{}\"{}; {}", word, did_you_mean(word, known), help);
    const std::vector<std::string> of_program = options_of(app);
    if (!chosen.empty() && std::ranges::find(of_program, word) != of_program.end())
      return fmt::format("{} stands before the command: dumpsim {} {}", word, word, asked.get_name());
    if (const std::string command = chosen.empty() ? who_has(app, word) : ""; !command.empty())
      return fmt::format("{} is an option of a command: dumpsim {} {}", word, command, word);
    return fmt::format("unknown option \"{}\"{}; {}", word, word.size() > 2 ? did_you_mean(word, known) : "", help);
  }
  return {};
}

/// The words of the command line as the parser takes them: "-j=2" is "-j2" to it. A value that is empty, as a variable
/// that is not set leaves it, is a mistake whatever the option.
Result<std::vector<std::string>> words_of(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    const std::string before = words.empty() ? "dumpsim" : words.back();
    const bool names_one = word.starts_with("--") && word.find('=') == word.size() - 1;
    if (word.empty() || names_one)
      return Error{fmt::format("{}: an empty value", names_one ? word.substr(0, word.size() - 1) : before)};
    if (word.size() > 2 && word[0] == '-' && word[1] != '-' && word[2] == '=') word.erase(2, 1);
    words.push_back(std::move(word));
  }
  return words;
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
  const auto words = words_of(argc, argv);
  if (!words) {
    complain(words.error().message);
    return usage;
  }
  try {
    app.parse(std::vector<std::string>(words->rbegin(), words->rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);  // help, or the version
      return as_expected;
    }
    // A word that nobody knows is the reason, whatever the parser missed for want of it.
    std::string message = unknown_word(app, *words);
    if (message.empty()) {
      const auto chosen = app.get_subcommands();
      const bool extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
      std::string why = extra ? "too many arguments" : chosen.empty() ? "no command is given" : error.what();
      // It takes what stands behind it for its own.
      const bool swallowed = std::ranges::find(*words, "--via") != words->end();
      if (swallowed && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
        why += " before --via, which takes up to two words";
      message = fmt::format("{}; see dumpsim {}--help", why, chosen.empty() ? "" : chosen.front()->get_name() + " ");
    }
    complain(message);
    return usage;
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
