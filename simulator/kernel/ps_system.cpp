// SPDX-License-Identifier: Apache-2.0
// What a driver asks about the system it runs on: version, processors, features, its process.
#include <cstring>

#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

KAFFINITY all_processors() {
  const std::uint32_t count = current().machine().processors;
  return count >= 64 ? ~KAFFINITY{0} : (KAFFINITY{1} << count) - 1;
}

}  // namespace

// FALSE: a free build of the kernel [doc].
BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber, PUNICODE_STRING CSDVersion) {
  const Config& config = current().config();
  if (MajorVersion != nullptr) *MajorVersion = config.major;
  if (MinorVersion != nullptr) *MinorVersion = config.minor;
  if (BuildNumber != nullptr) *BuildNumber = config.build;
  if (CSDVersion != nullptr) *CSDVersion = UNICODE_STRING{0, 0, nullptr};
  return FALSE;
}

NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation) {
  const Config& config = current().config();
  RTL_OSVERSIONINFOW& version = *lpVersionInformation;
  version.dwMajorVersion = config.major;
  version.dwMinorVersion = config.minor;
  version.dwBuildNumber = config.build;
  version.dwPlatformId = 2;  // VER_PLATFORM_WIN32_NT
  std::memset(version.szCSDVersion, 0, sizeof version.szCSDVersion);
  if (version.dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
    auto& more = *reinterpret_cast<PRTL_OSVERSIONINFOEXW>(lpVersionInformation);
    more.wServicePackMajor = more.wServicePackMinor = 0;
    more.wSuiteMask = 0x0100;  // VER_SUITE_SINGLEUSERTS, as a workstation has
    more.wProductType = VER_NT_WORKSTATION;
    more.wReserved = 0;
  }
  return STATUS_SUCCESS;
}

ULONG KeGetCurrentProcessorNumber(VOID) {
  return current().machine().processor.number;
}
ULONG KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber) {
  const std::uint32_t number = current().machine().processor.number;
  if (ProcNumber != nullptr) *ProcNumber = PROCESSOR_NUMBER{0, static_cast<UCHAR>(number), 0};
  return number;
}
ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors) {
  if (ActiveProcessors != nullptr) *ActiveProcessors = all_processors();
  return current().machine().processors;
}
// One group; a group that does not exist has no processors [doc].
ULONG KeQueryActiveProcessorCountEx(USHORT GroupNumber) {
  return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? current().machine().processors : 0;
}
USHORT KeQueryActiveGroupCount(VOID) {
  return 1;
}
ULONG KeQueryMaximumProcessorCount(VOID) {
  return current().machine().processors;
}
ULONG KeQueryMaximumProcessorCountEx(USHORT GroupNumber) {
  return kernel::KeQueryActiveProcessorCountEx(GroupNumber);
}
KAFFINITY KeQueryActiveProcessors(VOID) {
  return all_processors();
}

// The fixed id of the system process: DriverEntry runs in no other [doc].
HANDLE PsGetCurrentProcessId(VOID) {
  return reinterpret_cast<HANDLE>(std::uintptr_t{4});
}

HANDLE PsGetProcessId(PEPROCESS) {
  return kernel::PsGetCurrentProcessId();
}

PEPROCESS IoGetCurrentProcess(VOID) {
  Kernel& kernel = current();
  if (kernel.io().process == nullptr) {
    BlockRequest request;
    request.tag = 0x636F7250;  // "Proc"
    request.bytes = 0xB80;     // opaque: only the address means something
    request.zero = true;
    kernel.io().process = kernel.pool().allocate(request);
  }
  return static_cast<PEPROCESS>(kernel.io().process);
}

}  // namespace dumpsim::kernel
