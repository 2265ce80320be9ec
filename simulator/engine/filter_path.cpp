// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "base/text.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "engine/scripted_devices.hpp"

namespace dumpsim::engine {
namespace fs = std::filesystem;

std::vector<fs::path> default_filter_path(const fs::path& program, const std::vector<fs::path>& given) {
  std::vector<fs::path> path = given;
  if (const char* text = std::getenv("DUMPSIM_FILTER_PATH"); text != nullptr) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (const std::string_view part = rest.substr(0, colon); !part.empty()) path.emplace_back(part);
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
  }
  const fs::path beside = program.parent_path();
  path.push_back(beside / ".." / "filters");
  path.push_back(beside / ".." / "lib" / "dumpsim" / "filters");
  return path;
}

Result<fs::path> find_image(const scenario::Service& filter, const RunOptions& options) {
  std::error_code ignored;
  if (filter.image.find('/') != std::string::npos) {
    const fs::path path = fs::path(filter.image).is_absolute() ? fs::path(filter.image) : filter.folder / filter.image;
    if (fs::exists(path, ignored)) return path;
    if (path == fs::path(filter.image)) {
      return Error{fmt::format("image {} does not exist{}", path.string(),
                               path.is_absolute() ? "" : "; it is relative to the current folder")};
    }
    return Error{
        fmt::format("image {} does not exist; \"{}\" is relative to the scenario", path.string(), filter.image)};
  }
  std::set<std::string> offered;
  for (const fs::path& folder : options.filter_path) {
    for (const std::string& name : {filter.image, filter.image + ".so", filter.image + ".sys"}) {
      if (fs::is_regular_file(folder / name, ignored)) return folder / name;
    }
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".so" || entry.path().extension() == ".sys")
        offered.insert(entry.path().stem().string());
    }
  }
  const std::vector<std::string_view> names(offered.begin(), offered.end());
  std::string looked;
  for (const fs::path& folder : options.filter_path)
    looked += (looked.empty() ? "" : ", ") + folder.lexically_normal().string();
  const fs::path ending = fs::path(filter.image).extension();
  return Error{fmt::format(
      "no filter \"{}\" on the filter path ({}){}; an image elsewhere is named with a slash: \"./{}{}\"", filter.image,
      looked, did_you_mean(filter.image, names), filter.image, ending == ".so" || ending == ".sys" ? "" : ".so")};
}

namespace {

/// The image, or the mistake with its place in the scenario.
Result<fs::path> find_in(const scenario::Scenario& scenario, const scenario::Service& service,
                         const RunOptions& options) {
  auto path = find_image(service, options);
  if (path || service.line == 0) return path;
  return Error{fmt::format("{}:{}:{}: {}", scenario.file.string(), service.line, service.column, path.error().message)};
}

std::optional<machine::Convention> convention_of(const scenario::Service& service) {
  switch (service.convention) {
    case scenario::Convention::from_image:
      break;
    case scenario::Convention::system_v:
      return machine::Convention::system_v;
    case scenario::Convention::microsoft:
      return machine::Convention::microsoft;
  }
  return std::nullopt;
}

}  // namespace

Result<Images> find_images(const scenario::Scenario& scenario, const RunOptions& options) {
  Images found;
  for (const scenario::Filter& filter : scenario.filters) {
    auto path = find_in(scenario, filter, options);
    if (!path) return path.error();
    found.filters.push_back({.path = path->string(),
                             .name = filter.name,
                             .redirects = filter.redirects,
                             .protects = filter.protects,
                             .convention = convention_of(filter),
                             .trap_missing = options.trap_missing});
  }
  for (const scenario::Driver& driver : scenario.drivers) {
    auto path = find_in(scenario, driver, options);
    if (!path) return path.error();
    found.drivers.push_back(
        {.path = path->string(),
         .name = driver.name,
         .convention = convention_of(driver),
         .trap_missing = options.trap_missing,
         .start = driver.start == scenario::Driver::Start::boot ? stack::DriverStart::boot : stack::DriverStart::system,
         .attach_to_volume = driver.attach_to_volume});
  }
  auto devices = scripted_devices(scenario);
  if (!devices) return devices.error();
  found.devices = std::move(*devices);
  return found;
}

}  // namespace dumpsim::engine
