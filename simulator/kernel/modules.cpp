// SPDX-License-Identifier: Apache-2.0
#include "kernel/modules.hpp"

#include <array>

#include "kernel/kernel.hpp"

namespace dumpsim::kernel {
namespace {

/// A module of which nothing but the name exists. Sizes are plausible and fixed [assumed], so that addresses repeat.
struct Absent {
  std::string_view name;
  std::string_view folder;
  std::uint32_t bytes;
};

constexpr std::string_view system32 = "\\SystemRoot\\system32\\";
constexpr std::string_view drivers = "\\SystemRoot\\System32\\drivers\\";

// What stands in the list before a boot's dump stack, shortened to what drivers look for [seen: a dump taken 3.7 s
// after the boot of Windows 10; the names are older than Windows 7].
constexpr std::array boot_modules{
    Absent{"ntoskrnl.exe", system32, 0x1047000}, Absent{"hal.dll", system32, 0x6000},
    Absent{"kd.dll", system32, 0xb000},          Absent{"CLFS.SYS", drivers, 0x6a000},
    Absent{"tm.sys", drivers, 0x27000},          Absent{"PSHED.dll", system32, 0x1a000},
    Absent{"BOOTVID.dll", system32, 0xb000},     Absent{"FLTMGR.SYS", drivers, 0x74000},
    Absent{"ksecdd.sys", drivers, 0x2a000},      Absent{"CI.dll", system32, 0xe3000},
    Absent{"cng.sys", drivers, 0xbb000},         Absent{"Wdf01000.sys", drivers, 0xd1000},
    Absent{"WDFLDR.SYS", drivers, 0x13000},      Absent{"WppRecorder.sys", drivers, 0x11000},
    Absent{"ACPI.sys", drivers, 0xcc000},        Absent{"WMILIB.SYS", drivers, 0xc000},
    Absent{"msisadrv.sys", drivers, 0xb000},     Absent{"pci.sys", drivers, 0x6f000},
    Absent{"partmgr.sys", drivers, 0x2f000},     Absent{"volmgr.sys", drivers, 0x1a000},
    Absent{"volmgrx.sys", drivers, 0x63000},     Absent{"mountmgr.sys", drivers, 0x1f000},
    Absent{"storport.sys", drivers, 0xb0000},    Absent{"stornvme.sys", drivers, 0x2f000},
    Absent{"fileinfo.sys", drivers, 0x1c000},    Absent{"Ntfs.sys", drivers, 0x2de000},
    Absent{"Fs_Rec.sys", drivers, 0xd000},       Absent{"ndis.sys", drivers, 0x16f000},
    Absent{"NETIO.SYS", drivers, 0x98000},       Absent{"ksecpkg.sys", drivers, 0x33000},
    Absent{"fvevol.sys", drivers, 0xd6000},      Absent{"volume.sys", drivers, 0xb000},
    Absent{"volsnap.sys", drivers, 0x6e000},     Absent{"mup.sys", drivers, 0x26000},
    Absent{"disk.sys", drivers, 0x1c000},        Absent{"CLASSPNP.SYS", drivers, 0x72000},
    Absent{"crashdmp.sys", drivers, 0x1f000},
};

// The two modules below the filters of each stack. The port's module is not named like its file [seen: public module
// listings]; since Windows 10 it is storport's dump half.
constexpr std::uint32_t port_bytes = 0xf000;
constexpr std::uint32_t miniport_bytes = 0x33000;

// Nothing is ever mapped from here on: between the machine's own regions and those of the host.
constexpr std::uint64_t first_base = 0x480000000000;
constexpr std::uint64_t step = 0x10000;

constexpr std::uint64_t behind(std::uint64_t base, std::uint32_t bytes) {
  return (base + bytes + step - 1) / step * step;
}

constexpr std::uint64_t boot_end() {
  std::uint64_t base = first_base;
  for (const Absent& module : boot_modules) base = behind(base, module.bytes);
  return base;
}

constexpr std::uint64_t port_base(bool hibernation) {
  return boot_end() + (hibernation ? behind(behind(0, port_bytes), miniport_bytes) : 0);
}

bool belongs(std::string_view image, std::string_view prefix) {
  return image.starts_with(prefix);
}

void add_stack(const Kernel& kernel, std::string_view prefix, std::vector<Module>& all) {
  const bool hibernation = prefix == "hiber_";
  bool begun = false;
  for (const ImageRange& image : kernel.images()) {
    if (!belongs(image.name, prefix)) continue;
    if (!begun) {
      const std::string p(prefix);
      const std::uint64_t base = port_base(hibernation);
      const bool renamed = kernel.config().major >= 10;
      all.push_back({p + (renamed ? "dumpstorport.sys" : "storport.sys"),
                     "\\SystemRoot\\System32\\Drivers\\" + p + "diskdump.sys", base, port_bytes});
      all.push_back(
          {p + "stornvme.sys", std::string(drivers) + p + "stornvme.sys", behind(base, port_bytes), miniport_bytes});
      begun = true;
    }
    all.push_back({image.name + ".sys", "\\SystemRoot\\System32\\Drivers\\" + image.name + ".sys",
                   reinterpret_cast<std::uintptr_t>(image.base), static_cast<std::uint32_t>(image.bytes)});
  }
}

}  // namespace

std::vector<Module> loaded_modules(const Kernel& kernel) {
  std::vector<Module> all;
  std::uint64_t base = first_base;
  for (const Absent& module : boot_modules) {
    // Boot drivers of this machine come before crashdmp, which the kernel loads when it is done with them.
    if (module.name == "crashdmp.sys") {
      for (const ImageRange& image : kernel.images()) {
        if (belongs(image.name, "dump_") || belongs(image.name, "hiber_")) continue;
        all.push_back({image.name + ".sys", std::string(drivers) + image.name + ".sys",
                       reinterpret_cast<std::uintptr_t>(image.base), static_cast<std::uint32_t>(image.bytes)});
      }
    }
    all.push_back(
        {std::string(module.name), std::string(module.folder) + std::string(module.name), base, module.bytes});
    base = behind(base, module.bytes);
  }
  add_stack(kernel, "dump_", all);
  add_stack(kernel, "hiber_", all);
  return all;
}

std::string_view absent_module_at(std::uint64_t address, std::uint64_t& offset) {
  if (address < first_base || address >= port_base(true) + (1 << 20)) return {};
  std::uint64_t base = first_base;
  for (const Absent& module : boot_modules) {
    offset = address - base;
    if (offset < module.bytes) return module.name;
    base = behind(base, module.bytes);
  }
  for (const bool hibernation : {false, true}) {
    offset = address - port_base(hibernation);
    if (offset < port_bytes) return hibernation ? "hiber_diskdump.sys" : "dump_diskdump.sys";
    offset = address - behind(port_base(hibernation), port_bytes);
    if (offset < miniport_bytes) return hibernation ? "hiber_stornvme.sys" : "dump_stornvme.sys";
  }
  return {};
}

}  // namespace dumpsim::kernel
