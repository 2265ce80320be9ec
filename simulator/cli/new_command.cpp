// SPDX-License-Identifier: Apache-2.0
// `dumpsim new filter NAME`: a filter, a scenario, a GoogleTest test and their CMakeLists.txt, which build and pass as
// they are. Written whole or not at all, and never over what is there.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/templates.hpp"
#include "report/places.hpp"

namespace dumpsim::cli {
namespace fs = std::filesystem;
namespace {

// What a service's key, a file name and a C++ identifier all take; and "dump_NAME_test" stays a usual length.
constexpr std::size_t longest_name = 48;

// Targets that are there already.
constexpr std::string_view reserved[] = {"dumpsim", "test", "all", "clean", "install", "package", "help", "edit_cache"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A name that would do, as near to what was given as can be; empty when too little of it can be used.
std::string usable(std::string_view given) {
  const std::size_t dot = given.rfind('.');
  if (dot != std::string_view::npos && (given.substr(dot) == ".c" || given.substr(dot) == ".sys")) {
    given = given.substr(0, dot);
  }
  std::string name;
  std::size_t kept = 0;
  for (const char c : given) {
    if (is_letter(c) || is_digit(c)) {
      name += c;
      ++kept;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  if (kept * 2 < given.size()) return {};
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (!name.empty() && is_digit(name.front())) name = "filter_" + name;
  return name.substr(0, longest_name);
}

Result<void> check_name(std::string_view name) {
  bool good = !name.empty() && is_letter(name.front()) && name.size() <= longest_name;
  for (const char c : name) good = good && (is_letter(c) || is_digit(c) || c == '_');
  if (!good) {
    const std::string better = usable(name);
    return Error{fmt::format(
        "\"{}\" is no name for a filter: expected up to {} letters, digits and underscores, a "
        "letter first{}",
        name, longest_name, better.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", better))};
  }
  for (const std::string_view word : reserved) {
    if (name == word) {
      return Error{
          fmt::format("\"{0}\" is the name of a target that every build has; did you mean \"{0}_filter\"?", name)};
    }
  }
  return {};
}

/// "my_filter" to "MyFilter": GoogleTest wants no underscores.
std::string suite_of(std::string_view name) {
  std::string suite;
  bool first = true;
  for (const char c : name) {
    if (c == '_') {
      first = true;
    } else {
      suite += first ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      first = false;
    }
  }
  return suite;
}

std::string filled_in(std::string_view text, const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string filled(text);
  for (const auto& [placeholder, value] : values) {
    for (std::size_t at = filled.find(placeholder); at != std::string::npos; at = filled.find(placeholder, at)) {
      filled.replace(at, placeholder.size(), value);
      at += value.size();
    }
  }
  return filled;
}

/// All files of `folder`, or none of them.
Result<std::vector<fs::path>> write_filter(const std::string& name, const fs::path& folder) {
  std::error_code failed;
  const bool made = fs::create_directories(folder, failed);
  if (failed) return Error{fmt::format("cannot make the folder {}: {}", folder.string(), failed.message())};
  const auto give_up = [&](Error error) {
    std::error_code ignored;
    if (made) fs::remove(folder, ignored);
    return error;
  };
  std::vector<fs::path> paths;
  std::vector<NewFile> files;
  for (const Template& each : filter_templates) {
    paths.push_back(folder / filled_in(each.file, {{"NAME", name}}));
    if (fs::exists(fs::symlink_status(paths.back(), failed))) {
      return give_up(
          {fmt::format("{} is there already; nothing was written. Take another name, or another folder with "
                       "--into",
                       paths.back().string())});
    }
    auto file = NewFile::create(paths.back(), false);
    if (!file) return give_up(file.error());
    const std::string text = filled_in(each.text, {{"@NAME@", name}, {"@SUITE@", suite_of(name)}});
    if (auto done = file->fill(text); !done) return give_up(done.error());
    files.push_back(std::move(*file));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (auto done = files[i].commit(); !done) {
      for (std::size_t back = 0; back < i; ++back) fs::remove(paths[back], failed);
      return give_up(done.error());
    }
  }
  return paths;
}

/// Where find_package() has to be told to look, or empty where it looks anyway.
Result<std::string> prefix_option(const fs::path& program) {
  const fs::path prefix = program.parent_path().parent_path();
  std::error_code ignored;
  for (const auto& folder : {prefix / "lib", prefix / "lib" / "x86_64-linux-gnu"}) {
    if (!fs::exists(folder / "cmake" / "dumpsim" / "dumpsimConfig.cmake", ignored)) continue;
    if (prefix == "/usr" || prefix == "/usr/local") return std::string();
    return " " + report::shell_word("-DCMAKE_PREFIX_PATH=" + prefix.string());
  }
  return Error{fmt::format("the CMake package is not beside the program ({}/lib/cmake/dumpsim): install libdumpsim-dev",
                           prefix.string())};
}

void new_filter(const std::string& name, fs::path folder, Context& context) {
  if (const auto good = check_name(name); !good) {
    complain(good.error().message);
    context.exit_code = usage;
    return;
  }
  if (folder.empty()) folder = name;
  const auto written = write_filter(name, folder);
  if (!written) {
    complain(written.error().message);
    context.exit_code = exit_code_of(written.error());
    return;
  }
  for (const fs::path& path : *written) std::cout << path.string() << '\n';
  const auto prefix = prefix_option(context.program);
  if (!prefix) complain(prefix.error().message);
  // To be copied into a shell, whatever the folder is called.
  const std::string build = report::shell_word((folder / "build").string());
  std::cout << fmt::format("next:\n  cmake -S {} -B {}{}\n  cmake --build {}\n  ctest --test-dir {}\n",
                           report::shell_word(folder.string()), build, prefix ? *prefix : "", build, build);
}

}  // namespace

void add_new_command(CLI::App& app, Context& context) {
  struct Options {
    std::string kind;
    std::string name;
    fs::path into;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("new", "Make a filter with a scenario, a unit test and CMake that pass at once");
  command->add_option("KIND", options->kind, "What to make: filter")->required();
  command->add_option("NAME", options->name, "Its name: letters, digits and underscores")->required();
  command->add_option("--into", options->into, "The folder for its files (default: the name)");
  command->callback([options, &context] {
    if (options->kind != "filter") {
      const std::vector<std::string_view> kinds{"filter"};
      complain(
          fmt::format("new \"{}\": what can be made is a filter{}", options->kind, did_you_mean(options->kind, kinds)));
      context.exit_code = usage;
      return;
    }
    new_filter(options->name, options->into, context);
  });
}

}  // namespace dumpsim::cli
