// SPDX-License-Identifier: Apache-2.0
// `dumpsim try`: a verdict on filters for which nobody has written a scenario; `dumpsim compare`: what two builds of a
// filter do differently. Both run the filter battery, one case after the other in a warm host.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "engine/battery.hpp"
#include "report/try_report.hpp"
#include "scenario/services.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::cli {
namespace {

namespace fs = std::filesystem;

/// The first line of every scenario that was made here: only such a file is written over.
constexpr std::string_view made_here = "# Made by dumpsim try.";

struct Options {
  std::vector<fs::path> filters;
  std::vector<fs::path> drivers;
  fs::path like;
  std::vector<fs::path> filter_path;
  std::optional<std::string> boundary;
  fs::path into;
  bool no_files = false;
  bool json = false;
  bool trap_missing = false;
};

bool is_ours(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  return std::getline(stream, line) && line == made_here;
}

/// Fails where somebody else's file has the name of a scenario.
Result<void> may_be_written(const fs::path& folder, const std::vector<engine::BatteryCase>& cases) {
  std::error_code failed;
  for (const engine::BatteryCase& one : cases) {
    const fs::path file = folder / one.file_name();
    if (fs::exists(file, failed) && !is_ours(file)) {
      return Error{
          fmt::format("{} is there and was not made by dumpsim try; nothing was written (--into chooses another "
                      "folder, --no-files writes none)",
                      file.string())};
    }
  }
  return {};
}

/// Found out before the battery, which takes a while, and leaving nothing: what is missing is made when it is needed.
Result<void> can_be_written(const fs::path& folder) {
  std::error_code failed;
  fs::path there = fs::absolute(folder, failed);
  while (!fs::exists(there, failed) && there.has_relative_path()) there = there.parent_path();
  if (!fs::is_directory(there, failed)) {
    return Error{
        fmt::format("{} is no folder, and the scenarios are to go there (--into chooses another one, --no-files "
                    "writes none)",
                    there.string())};
  }
  if (auto probe = NewFile::create(there / ".dumpsim", true); !probe) {
    return Error{probe.error().message + " (--into chooses another folder, --no-files writes none)",
                 probe.error().host};
  }
  return {};
}

/// None has a name before all are written.
Result<void> write_scenarios(const fs::path& folder, const std::vector<engine::BatteryCase>& cases) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error{fmt::format("cannot make the folder {}: {}", folder.string(), failed.message())};
  std::vector<NewFile> files;
  for (const engine::BatteryCase& one : cases) {
    auto made = NewFile::create(folder / one.file_name(), true);
    if (!made) return made.error();
    if (auto written = made->fill(one.text()); !written) return written;
    files.push_back(*std::move(made));
  }
  for (NewFile& file : files) {
    if (auto kept = file.commit(); !kept) return kept;
  }
  return {};
}

Result<void> all_there(const std::vector<fs::path>& images) {
  for (const fs::path& image : images) {
    std::error_code ignored;
    if (!fs::exists(image, ignored)) {
      return Error{fmt::format("{} does not exist; expected a filter's image, .so or .sys{}", image.string(),
                               image.has_parent_path() ? "" : " (a path: the filter path is not looked at)")};
    }
    if (fs::is_directory(image, ignored))
      return Error{fmt::format("{} is a folder; expected a filter's image", image.string())};
  }
  return {};
}

/// The registry calls a filter what its file is called.
Result<void> usable_names(const std::vector<fs::path>& images) {
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string name = images[i].stem().string();
    if (!scenario::is_module_name(name)) {
      return Error{
          fmt::format("{}: \"{}\" is no name of a service; expected letters, digits, \"_\", \"-\" and "
                      "\".\": rename the file, or give it a name in a scenario (--like)",
                      trace::printable(images[i].string()), trace::printable(name))};
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (images[k].stem() == images[i].stem()) {
        return Error{fmt::format("{} and {} have the same name; rename one, or name them in a scenario (--like)",
                                 images[k].string(), images[i].string())};
      }
    }
    if (const std::string path = fs::absolute(images[i]).string(); trace::valid_utf8(path) != path)
      return Error{fmt::format("{}: the path is not UTF-8, which a scenario is", trace::printable(path))};
  }
  return {};
}

Result<engine::BatteryFilters> filters_of(const Options& options, const std::vector<fs::path>& images) {
  if (!options.like.empty()) return engine::battery_filters(options.like);
  if (auto there = all_there(images); !there) return there.error();
  if (auto usable = usable_names(images); !usable) return usable.error();
  if (auto there = all_there(options.drivers); !there) return there.error();
  return engine::battery_filters(images, options.drivers);
}

engine::RunOptions run_options(const Options& options, const Context& context) {
  return {.filter_path = engine::default_filter_path(context.program, options.filter_path),
          .trap_missing = options.trap_missing};
}

Result<std::vector<engine::Trial>> run(std::vector<engine::BatteryCase>& cases, const Options& options,
                                       const Context& context, std::string_view what) {
  ProgressBar bar{std::string(what)};
  const bool shown = isatty(STDERR_FILENO) == 1;
  auto trials = engine::try_battery(cases, run_options(options, context), [&](std::size_t done) {
    if (shown) bar.show(done, cases.size());
  });
  bar.clear();
  return trials;
}

std::string names_of(const std::vector<fs::path>& images) {
  std::string text;
  for (const fs::path& image : images) text += (text.empty() ? "" : ", ") + image.filename().string();
  return text;
}

void give_up(const Error& error, Context& context) {
  complain(error.message);
  context.exit_code = exit_code_of(error);
}

void try_filters(const Options& options, Context& context) {
  if (options.filters.empty() == options.like.empty()) {
    complain(options.like.empty()
                 ? "try: expected the image of a filter, or --like SCENARIO that has it"
                 : "try: images and --like do not go together; the scenario says which filters there are");
    context.exit_code = usage;
    return;
  }
  if (!options.like.empty() && !options.drivers.empty())
    return give_up({"try: --driver and --like do not go together; the scenario says which drivers there are"}, context);
  if (options.no_files && !options.into.empty())
    return give_up({"try: --no-files and --into do not go together"}, context);
  auto filters = filters_of(options, options.filters);
  if (!filters) return give_up(filters.error(), context);
  auto reads = engine::reads_back(*filters, run_options(options, context));
  if (!reads) return give_up(reads.error(), context);
  std::optional<engine::Boundary> boundary;
  if (options.boundary) {
    auto found = engine::find_boundary(*filters, *options.boundary, run_options(options, context));
    if (!found) return give_up(found.error(), context);
    boundary = *std::move(found);
  }
  std::vector<engine::BatteryCase> cases = engine::battery(*filters, *reads, boundary ? &*boundary : nullptr);
  const std::string what = options.like.empty() ? names_of(options.filters) : options.like.filename().string();
  fs::path folder;
  if (!options.no_files) {
    folder = options.into.empty()
                 ? fs::path(fmt::format("{}-battery",
                                        (options.like.empty() ? options.filters[0] : options.like).stem().string()))
                 : options.into;
    if (auto may = may_be_written(folder, cases); !may) return give_up(may.error(), context);
    if (auto can = can_be_written(folder); !can) return give_up(can.error(), context);
  }
  auto trials = run(cases, options, context, what);
  if (!trials) return give_up(trials.error(), context);
  // Only now: a case may have been made to expect what is right for this filter.
  Result<void> written;
  if (!folder.empty()) written = write_scenarios(folder, cases);
  if (!written) folder.clear();
  std::cout << (options.json
                    ? report::to_json(what, cases, *trials)
                    : report::to_text(what, cases, *trials, {.colour = colours(STDOUT_FILENO), .folder = folder}));
  context.exit_code = report::passes(*trials) ? as_expected : not_as_expected;
  if (!written) give_up(written.error(), context);
}

/// Both builds as the same service, so that only what they do can differ.
Result<std::vector<engine::BatteryCase>> cases_of(const fs::path& image, const fs::path& name, const Options& options,
                                                  const Context& context, std::optional<bool>& reads) {
  if (auto there = all_there({image}); !there) return there.error();
  if (auto usable = usable_names({name}); !usable) return usable.error();
  if (auto there = all_there(options.drivers); !there) return there.error();
  auto filters = options.like.empty() ? engine::battery_filters({image}, options.drivers, name.stem().string())
                                      : engine::battery_filters(options.like, image, name.stem().string());
  if (!filters) return filters.error();
  // The cases are the old build's, for both.
  if (!reads) {
    auto found = engine::reads_back(*filters, run_options(options, context));
    if (!found) return found.error();
    reads = *found;
  }
  return engine::battery(*filters, *reads);
}

void compare(const fs::path& before, const fs::path& after, const Options& options, Context& context) {
  if (!options.like.empty() && !options.drivers.empty()) {
    return give_up({"compare: --driver and --like do not go together; the scenario says which drivers there are"},
                   context);
  }
  std::optional<bool> reads;
  auto old_cases = cases_of(before, before, options, context, reads);
  if (!old_cases) return give_up(old_cases.error(), context);
  auto new_cases = cases_of(after, before, options, context, reads);
  if (!new_cases) return give_up(new_cases.error(), context);
  auto was = run(*old_cases, options, context, before.filename().string());
  if (!was) return give_up(was.error(), context);
  auto is = run(*new_cases, options, context, after.filename().string());
  if (!is) return give_up(is.error(), context);
  const report::Comparison found =
      report::compare(*old_cases, *was, *is, {.colour = colours(STDOUT_FILENO), .folder = {}});
  if (found.differing == 0 && !found.never_loaded.empty()) {
    return give_up(
        {fmt::format("neither build loads in any of {} cases (DriverEntry: {}): there is nothing to compare; "
                     "--like SCENARIO gives parameters",
                     was->size(), found.never_loaded)},
        context);
  }
  std::cout << found.text;
  context.exit_code = found.differing == 0 ? as_expected : not_as_expected;
}

void add_shared_options(CLI::App& command, Options& options) {
  command.add_option("--driver", options.drivers, "An ordinary driver that starts with the boot (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--filter-path", options.filter_path,
                  "Folder in which images named without a slash are looked up (repeatable)")
      ->allow_extra_args(false);
  command.add_flag("--trap-missing", options.trap_missing,
                   "Load a .so though functions it needs are not simulated: calling one ends the run, as in a .sys");
}

}  // namespace

void add_try_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("try", "Try filters without a scenario: loads? protects? survives?");
  command->add_option("FILE", options->filters, "Images of dump filters, in the order of DumpFilters");
  command->add_option("--like", options->like,
                      "Take filters, parameters, drivers, devices, registry and files from this scenario instead");
  command->add_option("--boundary", options->boundary,
                      "REG_QWORD among each filter's parameters that says where protection ends, in bytes from the "
                      "start of the partition: it comes to lie in every sector of a write");
  command->add_option("--into", options->into, "Folder for the scenarios it used (default: NAME-battery)");
  command->add_flag("--no-files", options->no_files, "Do not write the scenarios");
  command->add_flag("--json", options->json, "The result as JSON");
  add_shared_options(*command, *options);
  command->callback([options, &context] { try_filters(*options, context); });
}

void add_compare_command(CLI::App& app, Context& context) {
  struct Two {
    Options options;
    fs::path before, after;
  };
  const auto two = std::make_shared<Two>();
  CLI::App* command =
      app.add_subcommand("compare", "Run two builds of a filter through the same and show what differs");
  command->add_option("OLD", two->before, "The image to compare with")->required();
  command->add_option("NEW", two->after, "The image to compare")->required();
  command->add_option(
      "--like", two->options.like,
      "Take parameters, other filters, drivers, devices, registry and files from this scenario; OLD and "
      "NEW stand for its filter of OLD's name, or its only one");
  add_shared_options(*command, two->options);
  command->callback([two, &context] { compare(two->before, two->after, two->options, context); });
}

}  // namespace dumpsim::cli
