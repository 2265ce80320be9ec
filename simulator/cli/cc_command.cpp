// SPDX-License-Identifier: Apache-2.0
// `dumpsim cc SOURCES…`: builds a driver from its unchanged source, in the way that the source needs, and says of every
// name that is missing whether it is simulated and where it is declared.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "toolchain/build.hpp"

namespace dumpsim::cli {
namespace {

namespace fs = std::filesystem;

struct CcArguments {
  toolchain::Request request;
  std::string way;
  bool dry_run = false;
  bool replace = false;
};

Result<toolchain::Choice> chosen_way(const CcArguments& arguments, const toolchain::Kit& kit,
                                     const toolchain::Compilers& compilers) {
  if (arguments.way.empty()) return toolchain::choose_way(arguments.request, kit, compilers);
  return toolchain::Choice{*toolchain::way_named(arguments.way), {}};
}

Result<void> print_commands(toolchain::Way way, const toolchain::Request& request, const toolchain::Kit& kit,
                            const toolchain::Compilers& compilers) {
  const auto plan = toolchain::plan_commands(way, request, kit, compilers, {});
  if (!plan) return plan.error();
  for (const auto& compile : plan->compiles) std::cout << toolchain::shell_line(compile.command) << '\n';
  std::cout << toolchain::shell_line(plan->link) << '\n';
  return {};
}

Result<void> build_image(toolchain::Way way, const CcArguments& arguments, const toolchain::Kit& kit,
                         const toolchain::Compilers& compilers) {
  const auto built = toolchain::build(way, arguments.request, kit, compilers, arguments.replace);
  if (!built) return built.error();
  std::cerr << built->said;
  if (!built->trapped.empty()) {
    const bool one = built->trapped.size() == 1;
    std::cerr << fmt::format("dumpsim: {} {} not simulated: calling {} ends the run{}\n",
                             fmt::join(built->trapped, ", "), one ? "is" : "are", one ? "it" : "one of them",
                             way == toolchain::Way::sys ? "" : " (dumpsim run --trap-missing)");
  }
  if (built->made) return {};
  std::string message;
  for (const std::string& line : built->explanations) message += line + "\n";
  // The way was given, and may be the reason.
  if (!arguments.way.empty()) {
    const auto needed = toolchain::choose_way(arguments.request, kit, compilers);
    if (needed && needed->way != way && needed->way != toolchain::Way::system_v) {
      message += fmt::format("{}: --way {} fits that\n", needed->reason, toolchain::name_of(needed->way));
    }
  }
  message += fmt::format("{} is not made", arguments.request.output.string());
  return Error{message};
}

Result<void> all_there(const std::vector<fs::path>& sources) {
  for (const fs::path& source : sources) {
    std::error_code ignored;
    if (!fs::exists(source, ignored)) return Error{fmt::format("{}: no such file", source.string())};
  }
  return {};
}

/// An image with another kind's ending would mislead whoever loads it; one in the place of a source would be the end of
/// that.
Result<void> sound_files(const toolchain::Request& request, toolchain::Way way) {
  if (request.output.empty()) return {};
  const bool sys = way == toolchain::Way::sys;
  const std::string ending = request.output.extension().string();
  if (ending == (sys ? ".so" : ".sys")) {
    return Error{fmt::format("-o {}: the {} way makes a {}{}", request.output.string(), toolchain::name_of(way),
                             toolchain::suffix_of(way), sys ? "" : "; --way sys makes a .sys")};
  }
  std::error_code ignored;
  for (const fs::path& source : request.sources) {
    if (fs::equivalent(source, request.output, ignored))
      return Error{fmt::format("-o {}: that is a source; nothing was written", request.output.string())};
  }
  return {};
}

Result<void> compile(CcArguments& arguments, const Context& context) {
  if (auto there = all_there(arguments.request.sources); !there) return there;
  const auto kit = toolchain::find_kit(context.program);
  if (!kit) return kit.error();
  const toolchain::Compilers compilers = toolchain::find_compilers();
  const auto choice = chosen_way(arguments, *kit, compilers);
  if (!choice) return choice.error();
  toolchain::Request& request = arguments.request;
  if (auto sound = sound_files(request, choice->way); !sound) return sound;
  toolchain::find_exceptions(request, *kit, compilers);
  if (request.output.empty()) {
    request.output = request.sources.front().stem().string() + std::string(toolchain::suffix_of(choice->way));
  }
  if (!choice->reason.empty()) {
    std::cerr << fmt::format("dumpsim: the {} way: {}\n", toolchain::name_of(choice->way), choice->reason);
  }
  if (arguments.dry_run) return print_commands(choice->way, request, *kit, compilers);
  return build_image(choice->way, arguments, *kit, compilers);
}

}  // namespace

void add_cc_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<CcArguments>();
  CLI::App* command = app.add_subcommand("cc", "Build a driver from its source, in the way the source needs");
  toolchain::Request& request = arguments->request;
  command->add_option("SOURCES", request.sources, "C and C++ sources, assembly (.S), objects and archives")->required();
  command
      ->add_option("--way", arguments->way,
                   "How: system-v, microsoft, windows or sys; without it, what the sources need")
      ->check(CLI::IsMember({"system-v", "microsoft", "windows", "sys"}));
  command->add_option("-o,--output", request.output, "The image (default: the first source's name)");
  command->add_option("-I,--include", request.includes, "A folder of headers (repeatable)")->allow_extra_args(false);
  command->add_option("-D,--define", request.defines, "NAME or NAME=VALUE (repeatable)")->allow_extra_args(false);
  command->add_option("-U,--undefine", request.undefines, "A name to undefine (repeatable)")->allow_extra_args(false);
  command->add_option("-X,--compiler-option", request.options, "An option for the compiler: -X=-maes (repeatable)")
      ->allow_extra_args(false);
  command->add_flag("--trap-missing", request.trap_missing,
                    "Make the image though functions it calls are not simulated: calling one ends the run");
  command->add_flag("-n,--dry-run", arguments->dry_run, "Print the commands instead of running them");
  command->add_flag("--replace", arguments->replace, "Let the image take the place of what is there");
  command->callback([arguments, &context] {
    if (const auto done = compile(*arguments, context); !done) {
      complain(done.error().message);
      context.exit_code = exit_code_of(done.error());
    }
  });
}

}  // namespace dumpsim::cli
