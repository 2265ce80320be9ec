// SPDX-License-Identifier: Apache-2.0
// What the machine is and has: firmware variables, features of the processor, identifiers that are told apart.
#include <cpuid.h>

#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr NTSTATUS variable_not_found = static_cast<NTSTATUS>(0xC0000100);  // STATUS_VARIABLE_NOT_FOUND

FirmwareVariable* find(Kernel& kernel, const UNICODE_STRING& name, const GUID& vendor) {
  const std::u16string_view wanted(name.Buffer, name.Length / sizeof(WCHAR));
  for (FirmwareVariable& variable : kernel.firmware()) {
    if (variable.name == wanted && std::memcmp(variable.vendor.data(), &vendor, sizeof vendor) == 0) return &variable;
  }
  return nullptr;
}

bool cpu_has(unsigned leaf, unsigned which, unsigned bit) {
  unsigned registers[4] = {};
  if (__get_cpuid_count(leaf, 0, &registers[0], &registers[1], &registers[2], &registers[3]) == 0) return false;
  return (registers[which] >> bit & 1) != 0;
}

}  // namespace

// A machine whose disk has an MBR was started by a BIOS, which has no variables [doc: STATUS_NOT_IMPLEMENTED]. Names
// are case-sensitive, as the firmware's are [doc].
NTSTATUS ExGetFirmwareEnvironmentVariable(PUNICODE_STRING VariableName, LPGUID VendorGuid, PVOID Value,
                                          PULONG ValueLength, PULONG Attributes) {
  Kernel& kernel = current();
  if (!kernel.config().uefi) return STATUS_NOT_IMPLEMENTED;
  if (kernel.injected_failure(export_index::ExGetFirmwareEnvironmentVariable)) return STATUS_INSUFFICIENT_RESOURCES;
  if (VariableName == nullptr || VendorGuid == nullptr || ValueLength == nullptr) return STATUS_INVALID_PARAMETER;
  const FirmwareVariable* variable = find(kernel, *VariableName, *VendorGuid);
  if (variable == nullptr) return variable_not_found;
  const auto needed = static_cast<ULONG>(variable->value.size());
  const bool fits = *ValueLength >= needed && (Value != nullptr || needed == 0);
  *ValueLength = needed;
  if (!fits) return STATUS_BUFFER_TOO_SMALL;
  if (needed != 0) std::memcpy(Value, variable->value.data(), needed);
  if (Attributes != nullptr) *Attributes = variable->attributes;
  return STATUS_SUCCESS;
}

// Without a value, or without attributes, the variable is deleted [doc].
NTSTATUS ExSetFirmwareEnvironmentVariable(PUNICODE_STRING VariableName, LPGUID VendorGuid, PVOID Value,
                                          ULONG ValueLength, ULONG Attributes) {
  Kernel& kernel = current();
  if (!kernel.config().uefi) return STATUS_NOT_IMPLEMENTED;
  if (kernel.injected_failure(export_index::ExSetFirmwareEnvironmentVariable)) return STATUS_INSUFFICIENT_RESOURCES;
  if (VariableName == nullptr || VariableName->Length == 0 || VendorGuid == nullptr) return STATUS_INVALID_PARAMETER;
  FirmwareVariable* variable = find(kernel, *VariableName, *VendorGuid);
  if (ValueLength == 0 || Attributes == 0) {
    if (variable == nullptr) return variable_not_found;
    kernel.firmware().erase(kernel.firmware().begin() + (variable - kernel.firmware().data()));
    return STATUS_SUCCESS;
  }
  if (variable == nullptr) variable = &kernel.firmware().emplace_back();
  variable->name.assign(VariableName->Buffer, VariableName->Length / sizeof(WCHAR));
  std::memcpy(variable->vendor.data(), VendorGuid, sizeof(GUID));
  variable->attributes = Attributes;
  const auto* bytes = static_cast<const std::byte*>(Value);
  variable->value.assign(bytes, bytes + ValueLength);
  return STATUS_SUCCESS;
}

// The processor is the host's own: its instructions run natively, so the answer has to be its.
BOOLEAN ExIsProcessorFeaturePresent(ULONG ProcessorFeature) {
  constexpr unsigned ebx = 1, ecx = 2, edx = 3;
  bool present = false;
  switch (ProcessorFeature) {
    case PF_COMPARE_EXCHANGE_DOUBLE:
    case PF_MMX_INSTRUCTIONS_AVAILABLE:
    case PF_XMMI_INSTRUCTIONS_AVAILABLE:
    case PF_XMMI64_INSTRUCTIONS_AVAILABLE:
    case PF_RDTSC_INSTRUCTION_AVAILABLE:
    case PF_PAE_ENABLED:
    case PF_NX_ENABLED:
    case PF_FASTFAIL_AVAILABLE:
      present = true;  // of every x64 processor, or of the kernel itself
      break;
    case PF_SSE3_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(1, ecx, 0);
      break;
    case PF_COMPARE_EXCHANGE128:
      present = cpu_has(1, ecx, 13);
      break;
    case PF_XSAVE_ENABLED:
      present = cpu_has(1, ecx, 27);
      break;
    case PF_RDRAND_INSTRUCTION_AVAILABLE:
      present = cpu_has(1, ecx, 30);
      break;
    case PF_RDTSCP_INSTRUCTION_AVAILABLE:
      present = cpu_has(0x80000001, edx, 27);
      break;
    case PF_SSSE3_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(1, ecx, 9);
      break;
    case PF_SSE4_1_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(1, ecx, 19);
      break;
    case PF_SSE4_2_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(1, ecx, 20);
      break;
    case PF_AVX_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(1, ecx, 28);
      break;
    case PF_AVX2_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(7, ebx, 5);
      break;
    case PF_AVX512F_INSTRUCTIONS_AVAILABLE:
      present = cpu_has(7, ebx, 16);
      break;
    default:
      break;
  }
  return present ? TRUE : FALSE;
}

KPROCESSOR_MODE ExGetPreviousMode(VOID) {
  return KernelMode;
}

// Counted instead of drawn, so that runs repeat; marked as random ones (version 4) are [assumed].
NTSTATUS ExUuidCreate(UUID* Uuid) {
  const std::uint32_t count = current().next_uuid();
  *Uuid = UUID{count, 0, 0x4000, {0x80, 0, 'd', 'u', 'm', 'p', 's', 'm'}};
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
