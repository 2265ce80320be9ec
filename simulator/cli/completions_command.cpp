// SPDX-License-Identifier: Apache-2.0
// `dumpsim completions SHELL`, which --help does not list: the build runs it once per shell and installs what it
// prints. Everything comes from the commands themselves, so that a new option is completed as soon as it is there.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "policy/policy.hpp"
#include "trace/rules.hpp"

namespace dumpsim::cli {
namespace {

struct Word {
  std::vector<std::string> longs, shorts;  ///< without dashes; both empty for what is given by its place
  std::string description;
  bool takes_value = false;
  std::vector<std::string> values;  ///< empty: anything, so files are offered
};

struct Command {
  std::string name;  ///< empty for the program itself
  std::string description;
  std::vector<Word> options;
  std::vector<std::string> places;  ///< words that what is given by its place may be; empty: files
};

/// "TEXT:{text,jsonl,none}" names its values.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  std::vector<std::string> values;
  if (open == std::string::npos || close == std::string::npos) return values;
  std::string_view rest = std::string_view(type).substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    values.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return values;
}

/// Those whose command checks them itself, for the sake of a better message.
std::vector<std::string> words_for_place(const std::string& place) {
  std::vector<std::string> words;
  if (place == "KIND") words = {"filter"};
  if (place == "RULE") {
    for (const trace::RuleRow& row : trace::all_rules()) words.emplace_back(row.slug);
  }
  if (place == "PROFILE") {
    for (const policy::ProfileRow& row : policy::all_profiles()) words.emplace_back(row.name);
  }
  return words;
}

Command read(const CLI::App& app, std::string name) {
  Command command{std::move(name), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string> values = values_of(*option);
    if (option->get_lnames().empty() && option->get_snames().empty()) {
      const std::vector<std::string> words = values.empty() ? words_for_place(option->get_name()) : values;
      command.places.insert(command.places.end(), words.begin(), words.end());
      continue;
    }
    command.options.push_back({option->get_lnames(), option->get_snames(), option->get_description(),
                               option->get_items_expected_max() > 0, values});
  }
  return command;
}

std::vector<Command> read_all(const CLI::App& app) {
  std::vector<Command> commands{read(app, "")};
  for (const CLI::App* each : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) {
    commands.push_back(read(*each, each->get_name()));
  }
  return commands;
}

std::vector<std::string> dashed(const Word& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.longs) names.push_back("--" + name);
  for (const std::string& name : option.shorts) names.push_back("-" + name);
  return names;
}

std::string with_backslashes(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// In single quotes for a shell of Bourne's family.
std::string single_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// ---- bash ----

std::string bash(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (!command.name.empty()) names.push_back(command.name);
  }
  std::string text = fmt::format(
      "# bash completion for dumpsim, made by the program itself\n"
      "_dumpsim() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command= options= places= i\n"
      "  # --option=value comes as three words.\n"
      "  [[ $word == = ]] && word=\n"
      "  [[ $before == = ]] && before=${{COMP_WORDS[COMP_CWORD - 2]}}\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${{COMP_WORDS[i]}} in\n"
      "      {}) command=${{COMP_WORDS[i]}}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  case $command in\n",
      fmt::join(names, "|"));
  for (const Command& command : commands) {
    std::vector<std::string> all;
    std::string cases;
    for (const Word& option : command.options) {
      const std::vector<std::string> each = dashed(option);
      all.insert(all.end(), each.begin(), each.end());
      if (!option.takes_value) continue;
      // Without words of its own nothing is offered, which makes bash offer files.
      cases += fmt::format("        {}) {}return ;;\n", fmt::join(each, "|"),
                           option.values.empty()
                               ? std::string()
                               : fmt::format("COMPREPLY=($(compgen -W {} -- \"$word\")); ",
                                             single_quoted(fmt::format("{}", fmt::join(option.values, " ")))));
    }
    text +=
        fmt::format("    {})\n      options={}\n      places={}\n", command.name.empty() ? "''" : command.name,
                    single_quoted(fmt::format("{}", fmt::join(all, " "))),
                    single_quoted(fmt::format("{}", fmt::join(command.name.empty() ? names : command.places, " "))));
    if (!cases.empty()) text += "      case $before in\n" + cases + "      esac\n";
    text += "      ;;\n";
  }
  return text +
         "  esac\n"
         "  [[ $word == -* ]] && places=$options\n"
         "  [[ -n $places ]] && COMPREPLY=($(compgen -W \"$places\" -- \"$word\"))\n"
         "}\n"
         "complete -o bashdefault -o default -F _dumpsim dumpsim\n";
}

// ---- zsh ----

std::string zsh_options(const Command& command, std::string_view indent) {
  std::string text;
  for (const Word& option : command.options) {
    for (const std::string& name : dashed(option)) {
      std::string spec = fmt::format("{}[{}]", name, with_backslashes(option.description, "[]:\\"));
      if (option.takes_value) {
        spec += option.values.empty() ? ":value:_files" : fmt::format(":value:({})", fmt::join(option.values, " "));
      }
      text += fmt::format(" \\\n{}{}", indent, single_quoted(spec));
    }
  }
  return text;
}

std::string zsh(const std::vector<Command>& commands) {
  std::string text =
      "#compdef dumpsim\n"
      "# zsh completion for dumpsim, made by the program itself\n"
      "_dumpsim() {\n"
      "  local context state state_descr line\n"
      "  typeset -A opt_args\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const Command& command : commands) {
    if (command.name.empty()) continue;
    text += fmt::format(
        "    {}\n", single_quoted(fmt::format("{}:{}", command.name, with_backslashes(command.description, ":\\"))));
  }
  text += "  )\n  _arguments -C" + zsh_options(commands.front(), "    ") +
          " \\\n    '1: :->command' \\\n    '*:: :->rest'\n"
          "  case $state in\n"
          "    command) _describe command commands ;;\n"
          "    rest)\n"
          "      case $words[1] in\n";
  for (const Command& command : commands) {
    if (command.name.empty()) continue;
    text += fmt::format("        {})\n          _arguments{} \\\n            {}\n          ;;\n", command.name,
                        zsh_options(command, "            "),
                        command.places.empty() ? std::string("'*:file:_files'")
                                               : fmt::format("'*:word:({})'", fmt::join(command.places, " ")));
  }
  return text +
         "      esac\n"
         "      ;;\n"
         "  esac\n"
         "}\n"
         "_dumpsim \"$@\"\n";
}

// ---- fish ----

std::string fish(const std::vector<Command>& commands) {
  std::string text = "# fish completion for dumpsim, made by the program itself\n";
  for (const Command& command : commands) {
    const bool program = command.name.empty();
    const std::string when =
        program ? std::string("__fish_use_subcommand") : fmt::format("'__fish_seen_subcommand_from {}'", command.name);
    if (!program) {
      text += fmt::format("complete -c dumpsim -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                          with_backslashes(command.description, "'\\"));
    }
    if (!command.places.empty()) {
      text += fmt::format("complete -c dumpsim -n {} -f -a '{}'\n", when, fmt::join(command.places, " "));
    }
    for (const Word& option : command.options) {
      text += fmt::format("complete -c dumpsim -n {}", when);
      for (const std::string& name : option.longs) text += " -l " + name;
      for (const std::string& name : option.shorts) text += " -s " + name;
      if (option.takes_value) {
        text += option.values.empty() ? std::string(" -r") : fmt::format(" -x -a '{}'", fmt::join(option.values, " "));
      }
      text += fmt::format(" -d '{}'\n", with_backslashes(option.description, "'\\"));
    }
  }
  return text;
}

}  // namespace

void add_completions_command(CLI::App& app, Context& context) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completions", "Print the completions for a shell");
  command->group("");
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  command->callback([shell, &app, &context] {
    const std::vector<Command> commands = read_all(app);
    if (*shell == "bash") {
      std::cout << bash(commands);
    } else if (*shell == "zsh") {
      std::cout << zsh(commands);
    } else if (*shell == "fish") {
      std::cout << fish(commands);
    } else {
      const std::vector<std::string_view> shells{"bash", "zsh", "fish"};
      complain(
          fmt::format("no completions for \"{}\"; expected bash, zsh or fish{}", *shell, did_you_mean(*shell, shells)));
      context.exit_code = usage;
    }
  });
}

}  // namespace dumpsim::cli
