// SPDX-License-Identifier: Apache-2.0
#include "stack/export_table.hpp"

#include <string_view>
#include <vector>

#include "kernel/exported_variables.hpp"
#include "kernel/exports.hpp"

namespace dumpsim::stack {

loader::ExportTable export_table() {
  struct Columns {
    std::vector<std::string_view> names;
    std::vector<const void*> system_v, microsoft;
  };
  static const Columns columns = [] {
    Columns made;
    // Data, which only a .sys imports. Before the functions: one of these has the variable's name, with a prefix.
    for (const kernel::ExportedVariable& variable : kernel::exported_variables()) {
      made.names.push_back(variable.name);
      made.system_v.push_back(variable.address);
      made.microsoft.push_back(variable.address);
    }
    for (const kernel::Export& row : kernel::all_exports()) {
      made.names.push_back(row.name);
      made.system_v.push_back(row.system_v);
      made.microsoft.push_back(row.microsoft);
    }
    return made;
  }();
  return {columns.names, columns.system_v, columns.microsoft};
}

}  // namespace dumpsim::stack
