// SPDX-License-Identifier: Apache-2.0
// The list of loaded modules, as drivers ask for it: the kernel and the boot drivers of the profile, the dump stacks'
// own modules, and the images that this machine has really loaded. Of the first two only names, order and addresses
// exist: nothing lies at their addresses, and a driver that reads there faults with the module's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::kernel {

class Kernel;

struct Module {
  std::string name;  ///< as in the loader's list: "dump_dumpstorport.sys"
  std::string path;  ///< `\SystemRoot\System32\Drivers\dump_diskdump.sys`
  std::uint64_t base = 0;
  std::uint32_t bytes = 0;
};

/// In load order. [doc: the kernel is the first; seen: a dump of Windows 10 for what stands before crashdmp and behind]
std::vector<Module> loaded_modules(const Kernel& kernel);

/// The module without content that an address belongs to, and its offset; empty when it belongs to none.
std::string_view absent_module_at(std::uint64_t address, std::uint64_t& offset);

}  // namespace dumpsim::kernel
