// SPDX-License-Identifier: Apache-2.0
// ZwQuerySystemInformation, which the driver kit does not declare and drivers do themselves, and the library that says
// the same in documented words (aux_klib).
#include <algorithm>
#include <cstring>

#include "kernel/kernel.hpp"
#include "kernel/modules.hpp"
#include "wdk/aux_klib.h"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

// The classes that are answered; numbers and structures: [doc: winternl.h's page and public symbols].
enum SystemClass : ULONG {
  system_basic = 0,
  system_time_of_day = 3,
  system_modules = 11,
  system_kernel_debugger = 35,
  system_code_integrity = 103,
};

struct BasicAnswer {
  ULONG reserved;
  ULONG timer_resolution;  // 100 ns
  ULONG page_bytes;
  ULONG physical_pages;
  ULONG lowest_page, highest_page;
  ULONG allocation_granularity;
  std::uint64_t minimum_user_address, maximum_user_address;
  std::uint64_t active_processors;
  CHAR processors;
};
static_assert(sizeof(BasicAnswer) == 64);

struct TimeAnswer {
  LARGE_INTEGER boot_time, current_time, zone_bias;
  ULONG zone_id, reserved;
  std::uint64_t boot_time_bias, sleep_time_bias;
};
static_assert(sizeof(TimeAnswer) == 48);

struct ModuleAnswer {
  std::uint64_t section, mapped_base, image_base;
  ULONG image_bytes, flags;
  USHORT load_order, init_order, load_count, name_offset;
  UCHAR path[256];
};
static_assert(sizeof(ModuleAnswer) == 296);

struct CodeIntegrityAnswer {
  ULONG length, options;
};

NTSTATUS length_told(ULONG needed, PULONG told, NTSTATUS status) {
  if (told != nullptr) *told = needed;
  return status;
}

/// An answer of one size: all or nothing.
template <class T>
NTSTATUS give(const T& answer, PVOID into, ULONG room, PULONG told) {
  if (room != sizeof answer) return length_told(sizeof answer, told, STATUS_INFO_LENGTH_MISMATCH);
  std::memcpy(into, &answer, sizeof answer);
  return length_told(sizeof answer, told, STATUS_SUCCESS);
}

std::size_t name_offset(const Module& module) {
  return module.path.rfind('\\') + 1;
}

NTSTATUS give_modules(const Kernel& kernel, PVOID into, ULONG room, PULONG told) {
  const std::vector<Module> modules = loaded_modules(kernel);
  constexpr std::size_t first = 8;  // the count, padded
  const auto needed = static_cast<ULONG>(first + modules.size() * sizeof(ModuleAnswer));
  if (room < needed) return length_told(needed, told, STATUS_INFO_LENGTH_MISMATCH);
  std::memset(into, 0, first);
  const auto count = static_cast<ULONG>(modules.size());
  std::memcpy(into, &count, sizeof count);
  auto* at = static_cast<std::byte*>(into) + first;
  for (std::size_t i = 0; i < modules.size(); ++i, at += sizeof(ModuleAnswer)) {
    ModuleAnswer answer{};
    answer.image_base = modules[i].base;
    answer.image_bytes = modules[i].bytes;
    answer.load_order = static_cast<USHORT>(i);
    answer.load_count = 1;
    answer.name_offset = static_cast<USHORT>(name_offset(modules[i]));
    std::memcpy(answer.path, modules[i].path.data(), std::min(modules[i].path.size(), sizeof answer.path - 1));
    std::memcpy(at, &answer, sizeof answer);
  }
  return length_told(needed, told, STATUS_SUCCESS);
}

BasicAnswer basic_answer(Kernel& kernel) {
  BasicAnswer answer{};
  answer.timer_resolution = kernel::KeQueryTimeIncrement();
  answer.page_bytes = page_size;
  std::uint64_t pages = 0, highest = 0;
  for (const dumpfile::PageRun& run : kernel.memory().ram()) {
    pages += run.pages;
    highest = run.base + run.pages - 1;
  }
  const auto in_ulong = [](std::uint64_t value) {
    return static_cast<ULONG>(std::min<std::uint64_t>(value, 0xFFFFFFFF));
  };
  answer.physical_pages = in_ulong(pages);
  answer.lowest_page = kernel.memory().ram().empty() ? 0 : in_ulong(kernel.memory().ram().front().base);
  answer.highest_page = in_ulong(highest);
  answer.allocation_granularity = 0x10000;
  answer.minimum_user_address = 0x10000;
  answer.maximum_user_address = highest_user_address;
  answer.active_processors = kernel::KeQueryActiveProcessors();
  answer.processors = static_cast<CHAR>(kernel.machine().processors);
  return answer;
}

TimeAnswer time_answer(Kernel& kernel) {
  TimeAnswer answer{};
  answer.boot_time.QuadPart = static_cast<LONGLONG>(machine::boot_filetime);
  answer.current_time.QuadPart = static_cast<LONGLONG>(machine::boot_filetime + kernel.machine().clock.now);
  return answer;
}

}  // namespace

NTSTATUS ZwQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation, ULONG SystemInformationLength,
                                  PULONG ReturnLength) {
  Kernel& kernel = current();
  switch (SystemInformationClass) {
    case system_basic:
      return give(basic_answer(kernel), SystemInformation, SystemInformationLength, ReturnLength);
    case system_time_of_day: {
      // A shorter buffer gets what fits [seen: callers with 32 bytes].
      const TimeAnswer answer = time_answer(kernel);
      if (SystemInformationLength > sizeof answer) {
        return length_told(sizeof answer, ReturnLength, STATUS_INFO_LENGTH_MISMATCH);
      }
      std::memcpy(SystemInformation, &answer, SystemInformationLength);
      return length_told(SystemInformationLength, ReturnLength, STATUS_SUCCESS);
    }
    case system_modules:
      return give_modules(kernel, SystemInformation, SystemInformationLength, ReturnLength);
    case system_kernel_debugger: {
      constexpr UCHAR no_debugger[2] = {FALSE, TRUE};  // enabled, not present
      if (SystemInformationLength < sizeof no_debugger) {
        return length_told(sizeof no_debugger, ReturnLength, STATUS_INFO_LENGTH_MISMATCH);
      }
      std::memcpy(SystemInformation, no_debugger, sizeof no_debugger);
      return length_told(sizeof no_debugger, ReturnLength, STATUS_SUCCESS);
    }
    case system_code_integrity: {
      // The caller says in the structure how long it is [doc].
      CodeIntegrityAnswer answer{};
      if (SystemInformationLength < sizeof answer) {
        return length_told(sizeof answer, ReturnLength, STATUS_INFO_LENGTH_MISMATCH);
      }
      std::memcpy(&answer, SystemInformation, sizeof answer);
      if (answer.length != sizeof answer) return length_told(sizeof answer, ReturnLength, STATUS_INFO_LENGTH_MISMATCH);
      answer.options = 1;  // CODEINTEGRITY_OPTION_ENABLED: signatures are asked for, test signing is off [assumed]
      std::memcpy(SystemInformation, &answer, sizeof answer);
      return length_told(sizeof answer, ReturnLength, STATUS_SUCCESS);
    }
    default:
      return STATUS_INVALID_INFO_CLASS;
  }
}

NTSTATUS AuxKlibInitialize(VOID) {
  current().set_aux_klib_ready();
  return STATUS_SUCCESS;
}

// Asked without a buffer it says how many bytes it takes [doc]. Without AuxKlibInitialize it does not work [doc]; what
// it returns then is not said [assumed].
NTSTATUS AuxKlibQueryModuleInformation(PULONG BufferSize, ULONG ElementSize, PVOID QueryInfo) {
  Kernel& kernel = current();
  if (!kernel.aux_klib_ready()) return STATUS_UNSUCCESSFUL;
  if (ElementSize != sizeof(AUX_MODULE_BASIC_INFO) && ElementSize != sizeof(AUX_MODULE_EXTENDED_INFO)) {
    return STATUS_INVALID_PARAMETER_2;
  }
  const std::vector<Module> modules = loaded_modules(kernel);
  const auto needed = static_cast<ULONG>(modules.size() * ElementSize);
  if (QueryInfo == nullptr) {
    *BufferSize = needed;
    return STATUS_SUCCESS;
  }
  if (*BufferSize < needed) {
    *BufferSize = needed;
    return STATUS_BUFFER_TOO_SMALL;
  }
  auto* at = static_cast<std::byte*>(QueryInfo);
  for (const Module& module : modules) {
    AUX_MODULE_EXTENDED_INFO info{};
    info.BasicInfo.ImageBase = reinterpret_cast<PVOID>(module.base);
    info.ImageSize = module.bytes;
    info.FileNameOffset = static_cast<USHORT>(name_offset(module));
    std::memcpy(info.FullPathName, module.path.data(), std::min(module.path.size(), sizeof info.FullPathName - 1));
    std::memcpy(at, &info, ElementSize);
    at += ElementSize;
  }
  *BufferSize = needed;
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
