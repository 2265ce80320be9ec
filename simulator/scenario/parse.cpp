// SPDX-License-Identifier: Apache-2.0
// From text to scenario: document, tables, defaults, checks. A check runs when what it rests on is sound, so that one
// mistake is one line and not a cascade.
#include <algorithm>
#include <initializer_list>

#include "base/file.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::uint64_t largest_file = std::uint64_t{1} << 20;

void run_checks(const Node& root, Scenario& scenario, Mistakes& mistakes) {
  const auto clean = [&](std::initializer_list<std::string_view> sections) {
    return std::all_of(sections.begin(), sections.end(), [&](std::string_view each) { return mistakes.clean(each); });
  };
  if (clean({"timeline"})) check_timeline(root, scenario, mistakes);
  bool sized = clean({"system", "timeline", "sequence"});
  if (sized) fill_defaults(scenario);
  // An image that decides about memory is not opened here; whoever opens it meets what does not fit.
  sized = sized && !scenario.system.memory.runs.empty();
  if (sized && clean({"disk", "dump", "hibernation"})) {
    check_layout(root, scenario, mistakes);
    check_sequence(root, scenario, mistakes);
  }
  if (sized && clean({"dump", "hibernation"})) check_dump(root, scenario, mistakes);
  if (clean({"system", "disk", "dump", "timeline", "sequence", "recover", "expect"})) {
    check_judgement(root, scenario, mistakes);
  }
  if (clean({"system", "disk", "dump", "filter", "timeline", "sequence", "recover", "secrets", "verify"})) {
    check_verify(root, scenario, mistakes);
  }
}

}  // namespace

Result<Scenario> parse(std::string_view text, const std::filesystem::path& file) {
  Mistakes mistakes;
  Node root;
  if (text.size() > largest_file) {
    mistakes.add({}, "", "the scenario is larger than 1 MiB");
    return Error{mistakes.render(file)};
  }
  SyntaxError syntax;
  if (!parse_document(text, root, syntax)) {
    mistakes.add(syntax.place, "", std::move(syntax.message));
    return Error{mistakes.render(file)};
  }
  Scenario scenario;
  scenario.file = file;
  Section top(root, "", mistakes);
  Reading reading{top, scenario, mistakes, file.parent_path()};
  read_system(reading);
  read_policies(reading);
  read_disk(reading);
  read_dump(reading);
  read_filters(reading);
  read_drivers(reading);
  read_devices(reading);
  read_registry(reading);
  read_files(reading);
  read_life(reading);
  read_sequence(reading);
  read_verify(reading);
  read_run(reading);
  read_expect(reading);
  run_checks(root, scenario, mistakes);
  if (!mistakes.empty()) return Error{mistakes.render(file)};
  return scenario;
}

Result<Scenario> load(const std::filesystem::path& file) {
  Result<std::string> text = read_text(file, largest_file);
  if (!text) return std::move(text).error();
  return parse(*text, file);
}

}  // namespace dumpsim::scenario
