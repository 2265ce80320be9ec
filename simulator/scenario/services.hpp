// SPDX-License-Identifier: Apache-2.0
// The part of a scenario that says which drivers there are and what they are given, as text for other scenarios: from
// images alone, or out of a scenario that has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "scenario/document.hpp"

namespace dumpsim::scenario {

/// What a filter or driver can be called: a part of registry keys, of file names and of the trace's columns.
bool is_module_name(std::string_view text);

/// [[filter]] and [[driver]] tables for images, in this order. `twice`: each filter once more, as NAME_again. `name` is
/// the filter's instead of the one its file gives it. REQUIRES: one filter, or no name.
std::string service_tables(const std::vector<std::filesystem::path>& filters,
                           const std::vector<std::filesystem::path>& drivers, bool twice, std::string_view name = {});

/// The tables filter, driver, device, registry and files of `file`, a valid scenario, with its paths made absolute.
/// `twice`: as above. On failure the error is parse()'s.
Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice);
/// The same with `image` in the place of the filter that is called `name`, or of the only one; fails when there is none
/// of either. It is called `name` then.
Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice, const std::filesystem::path& image,
                                      const std::string& name);

/// Tables as above whose filters all protect the partition up to one place, and are told where it is by a REG_QWORD
/// among their parameters.
class BoundedTables {
 public:
  /// `parameter` is the value's name; what the tables say of it and of `protects` is replaced. Fails when no filter is
  /// among them, when it is no name of a value, and as parse() does.
  static Result<BoundedTables> make(std::string_view tables, std::string parameter);

  const std::string& parameter() const { return parameter_; }
  /// Of the filters, in their order.
  const std::vector<std::string>& names() const { return names_; }
  /// `end` counts from the start of the partition. REQUIRES: whole sectors, not 0, within the partition.
  std::string up_to(std::uint64_t end) const;

 private:
  BoundedTables() = default;
  Node root_;
  std::string parameter_;
  std::vector<std::string> names_;
};

}  // namespace dumpsim::scenario
