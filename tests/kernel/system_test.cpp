// SPDX-License-Identifier: Apache-2.0
// What a driver asks of the system: its modules, version, processors, firmware; and the routines that come along
// (identifiers, event tracing without anybody who listens).
#include <cstring>
#include <set>

#include "kernel/modules.hpp"
#include "kernel_fixture.hpp"
#include "wdk/ntimage.h"

namespace dumpsim::kernel::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class SystemTest : public KernelTest {};
DUMPSIM_BOTH_CONVENTIONS(SystemTest);

struct ListedModule {
  std::uint64_t base;
  std::uint32_t bytes;
  std::string path, name;
};

TEST_P(SystemTest, ModulesStandInTheOrderOfAWindowsThatHasJustBooted) {
  kernel().register_image(0, "dump_xor", reinterpret_cast<const void*>(0x280000000000), 0x8000);
  kernel().register_image(7, "vendor", reinterpret_cast<const void*>(0x280000100000), 0x4000);
  ULONG needed = 0;
  EXPECT_EQ(K(ZwQuerySystemInformation)(11, nullptr, 0, &needed), STATUS_INFO_LENGTH_MISMATCH);
  std::vector<std::uint64_t> buffer(needed / 8 + 1);
  EXPECT_EQ(K(ZwQuerySystemInformation)(11, buffer.data(), needed - 1, &needed), STATUS_INFO_LENGTH_MISMATCH);
  ASSERT_EQ(K(ZwQuerySystemInformation)(11, buffer.data(), needed, &needed), STATUS_SUCCESS);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer.data());
  ULONG count = 0;
  std::memcpy(&count, bytes, sizeof count);
  EXPECT_EQ(needed, 8 + count * 296);
  std::vector<std::string> names;
  for (ULONG i = 0; i < count; ++i) {
    const std::byte* at = bytes + 8 + i * 296;
    USHORT offset = 0;
    std::memcpy(&offset, at + 38, sizeof offset);
    names.emplace_back(reinterpret_cast<const char*>(at + 40 + offset));
    EXPECT_EQ(reinterpret_cast<const char*>(at + 40)[offset - 1], '\\');
  }
  EXPECT_EQ(names[0], "ntoskrnl.exe");
  EXPECT_EQ(names[1], "hal.dll");
  const auto last = [&](std::size_t n) {
    return std::vector<std::string>(names.end() - static_cast<long>(n), names.end());
  };
  EXPECT_THAT(last(6), ElementsAre("CLASSPNP.SYS", "vendor.sys", "crashdmp.sys", "dump_diskdump.sys",
                                   "dump_stornvme.sys", "dump_xor.sys"));
  // The port's name in the loader's list is another than its file's, and another before Windows 10.
  EXPECT_EQ(loaded_modules(kernel())[count - 3].name, "dump_dumpstorport.sys");
  restart({.major = 6, .minor = 1, .build = 7601});
  kernel().register_image(1, "hiber_xor", reinterpret_cast<const void*>(0x280000000000), 0x8000);
  const std::vector<Module> modules = loaded_modules(kernel());
  EXPECT_EQ(modules[modules.size() - 3].name, "hiber_storport.sys");
  EXPECT_EQ(modules.back().path, "\\SystemRoot\\System32\\Drivers\\hiber_xor.sys");
  std::set<std::uint64_t> bases;
  for (const Module& module : modules) EXPECT_TRUE(bases.insert(module.base).second) << module.name;
  EXPECT_EQ(kernel().words(reinterpret_cast<const void*>(modules[0].base + 0x123)), "module ntoskrnl.exe+0x123");
}

TEST_P(SystemTest, TheLibrarySaysTheSame) {
  ULONG size = 0;
  EXPECT_EQ(K(AuxKlibQueryModuleInformation)(&size, sizeof(AUX_MODULE_BASIC_INFO), nullptr), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(K(AuxKlibInitialize)(), STATUS_SUCCESS);
  EXPECT_EQ(K(AuxKlibQueryModuleInformation)(&size, 7, nullptr), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(K(AuxKlibQueryModuleInformation)(&size, sizeof(AUX_MODULE_EXTENDED_INFO), nullptr), STATUS_SUCCESS);
  std::vector<AUX_MODULE_EXTENDED_INFO> all(size / sizeof(AUX_MODULE_EXTENDED_INFO));
  ULONG less = size - 1;
  EXPECT_EQ(K(AuxKlibQueryModuleInformation)(&less, sizeof(AUX_MODULE_EXTENDED_INFO), all.data()),
            STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(less, size);
  ASSERT_EQ(K(AuxKlibQueryModuleInformation)(&size, sizeof(AUX_MODULE_EXTENDED_INFO), all.data()), STATUS_SUCCESS);
  EXPECT_STREQ(reinterpret_cast<const char*>(all[0].FullPathName), "\\SystemRoot\\system32\\ntoskrnl.exe");
  EXPECT_EQ(all[0].FileNameOffset, 21);
}

TEST_P(SystemTest, OtherClassesHaveTheirLengths) {
  alignas(8) unsigned char basic[64] = {};
  ULONG told = 0;
  EXPECT_EQ(K(ZwQuerySystemInformation)(0, basic, 60, &told), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(told, 64u);
  EXPECT_EQ(K(ZwQuerySystemInformation)(0, basic, 64, &told), STATUS_SUCCESS);
  std::uint64_t highest = 0;
  std::memcpy(&highest, basic + 40, sizeof highest);
  EXPECT_EQ(highest, highest_user_address);
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(*K(dumpsim_MmHighestUserAddress)()), highest_user_address);
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(*K(dumpsim_MmSystemRangeStart)()), system_range_start);
  EXPECT_EQ(*K(dumpsim_MmUserProbeAddress)(), user_probe_address);
  Counted limit(u"MmUserProbeAddress");
  EXPECT_EQ(K(MmGetSystemRoutineAddress)(&limit), K(dumpsim_MmUserProbeAddress)()) << "the variable's own address";
  ULONG integrity[2] = {0, 0};
  EXPECT_EQ(K(ZwQuerySystemInformation)(103, integrity, 8, &told), STATUS_INFO_LENGTH_MISMATCH);
  integrity[0] = 8;
  EXPECT_EQ(K(ZwQuerySystemInformation)(103, integrity, 8, &told), STATUS_SUCCESS);
  EXPECT_EQ(integrity[1], 1u);
  UCHAR debugger[2] = {};
  EXPECT_EQ(K(ZwQuerySystemInformation)(35, debugger, 2, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(debugger[1], TRUE);
  EXPECT_EQ(K(ZwQuerySystemInformation)(5, basic, 64, &told), STATUS_INVALID_INFO_CLASS);
}

TEST_P(SystemTest, HeadersAreFoundInImagesThatHaveThem) {
  std::vector<std::uint64_t> room(4096 / 8);
  auto* bytes = reinterpret_cast<std::byte*>(room.data());
  EXPECT_EQ(K(RtlImageNtHeader)(bytes), nullptr);
  IMAGE_DOS_HEADER dos{};
  dos.e_magic = IMAGE_DOS_SIGNATURE;
  dos.e_lfanew = 0x80;
  std::memcpy(bytes, &dos, sizeof dos);
  EXPECT_EQ(K(RtlImageNtHeader)(bytes), nullptr);
  IMAGE_NT_HEADERS64 nt{};
  nt.Signature = IMAGE_NT_SIGNATURE;
  nt.OptionalHeader.NumberOfRvaAndSizes = 16;
  nt.OptionalHeader.SizeOfHeaders = 0x400;
  nt.OptionalHeader.DataDirectory[1] = {0x800, 0x20};
  std::memcpy(bytes + 0x80, &nt, sizeof nt);
  EXPECT_EQ(K(RtlImageNtHeader)(bytes), bytes + 0x80);
  ULONG size = 0;
  EXPECT_EQ(K(RtlImageDirectoryEntryToData)(bytes, TRUE, 1, &size), bytes + 0x800);
  EXPECT_EQ(size, 0x20u);
  EXPECT_EQ(K(RtlImageDirectoryEntryToData)(bytes, TRUE, 2, &size), nullptr);
  EXPECT_EQ(K(RtlImageDirectoryEntryToData)(bytes, TRUE, 99, &size), nullptr);
  EXPECT_EQ(K(RtlImageNtHeader)(nullptr), nullptr);
  EXPECT_EQ(K(RtlImageNtHeader)(reinterpret_cast<void*>(loaded_modules(kernel())[0].base)), nullptr);
}

TEST_P(SystemTest, VersionsCompareByTheHighestPlaceThatDiffers) {
  restart({.major = 6, .minor = 1, .build = 7601});
  const auto at_least = [&](ULONG major, ULONG minor) {
    RTL_OSVERSIONINFOEXW wanted{};
    wanted.dwMajorVersion = major;
    wanted.dwMinorVersion = minor;
    ULONGLONG mask = K(VerSetConditionMask)(0, VER_MAJORVERSION, VER_GREATER_EQUAL);
    mask = K(VerSetConditionMask)(mask, VER_MINORVERSION, VER_GREATER_EQUAL);
    return NT_SUCCESS(K(RtlVerifyVersionInfo)(&wanted, VER_MAJORVERSION | VER_MINORVERSION, mask));
  };
  EXPECT_TRUE(at_least(5, 2));
  EXPECT_TRUE(at_least(6, 0));
  EXPECT_TRUE(at_least(6, 1));
  EXPECT_FALSE(at_least(6, 2));
  EXPECT_FALSE(at_least(10, 0));
  RTL_OSVERSIONINFOEXW build{};
  build.dwBuildNumber = 7600;
  EXPECT_EQ(K(RtlVerifyVersionInfo)(&build, VER_BUILDNUMBER, K(VerSetConditionMask)(0, VER_BUILDNUMBER, VER_EQUAL)),
            static_cast<NTSTATUS>(0xC0000059));
  EXPECT_EQ(K(RtlVerifyVersionInfo)(&build, 0, 0), STATUS_INVALID_PARAMETER);
  EXPECT_TRUE(K(RtlIsNtDdiVersionAvailable)(NTDDI_WIN7));
  EXPECT_FALSE(K(RtlIsNtDdiVersionAvailable)(NTDDI_WIN8));
  restart({});
  EXPECT_TRUE(K(RtlIsNtDdiVersionAvailable)(NTDDI_WIN10_CO));
  EXPECT_FALSE(K(RtlIsNtDdiVersionAvailable)(0x0A000010));
}

TEST_P(SystemTest, FirmwareVariablesAreTheFirmwares) {
  GUID vendor{1, 2, 3, {4}};
  Counted name(u"Key"), other(u"KEY");
  ULONG value = 7, length = sizeof value, attributes = 0;
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&name, &vendor, &value, &length, &attributes),
            static_cast<NTSTATUS>(0xC0000100));
  EXPECT_EQ(K(ExSetFirmwareEnvironmentVariable)(&name, &vendor, &value, sizeof value, 7), STATUS_SUCCESS);
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&other, &vendor, &value, &length, nullptr),
            static_cast<NTSTATUS>(0xC0000100));
  length = 3;
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&name, &vendor, &value, &length, &attributes), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(length, 4u);
  value = 0;
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&name, &vendor, &value, &length, &attributes), STATUS_SUCCESS);
  EXPECT_EQ(value, 7u);
  EXPECT_EQ(attributes, 7u);
  EXPECT_EQ(K(ExSetFirmwareEnvironmentVariable)(&name, &vendor, nullptr, 0, 7), STATUS_SUCCESS);
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&name, &vendor, &value, &length, &attributes),
            static_cast<NTSTATUS>(0xC0000100));
  restart({.uefi = false});
  EXPECT_EQ(K(ExGetFirmwareEnvironmentVariable)(&name, &vendor, &value, &length, &attributes), STATUS_NOT_IMPLEMENTED);
}

TEST_P(SystemTest, ProcessorsNodesAndGroupsAgree) {
  machine().processors = 4;
  GROUP_AFFINITY affinity{};
  USHORT count = 0;
  K(KeQueryNodeActiveAffinity)(0, &affinity, &count);
  EXPECT_EQ(affinity.Mask, 0xFu);
  EXPECT_EQ(count, 4);
  K(KeQueryNodeActiveAffinity)(1, &affinity, &count);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(K(KeQueryGroupAffinity)(0), 0xFu);
  PROCESSOR_NUMBER number{};
  EXPECT_EQ(K(KeGetProcessorNumberFromIndex)(3, &number), STATUS_SUCCESS);
  EXPECT_EQ(K(KeGetProcessorIndexFromNumber)(&number), 3u);
  EXPECT_EQ(K(KeGetProcessorNumberFromIndex)(4, &number), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(KeGetRecommendedSharedDataAlignment)(), 64u);
  EXPECT_TRUE(K(ExIsProcessorFeaturePresent)(PF_XMMI64_INSTRUCTIONS_AVAILABLE));
  EXPECT_FALSE(K(ExIsProcessorFeaturePresent)(PF_FLOATING_POINT_EMULATED));
  EXPECT_FALSE(K(ExIsProcessorFeaturePresent)(1000));
  EXPECT_EQ(K(ExGetPreviousMode)(), KernelMode);
  UUID first, second;
  EXPECT_EQ(K(ExUuidCreate)(&first), STATUS_SUCCESS);
  EXPECT_EQ(K(ExUuidCreate)(&second), STATUS_SUCCESS);
  EXPECT_NE(std::memcmp(&first, &second, sizeof first), 0);
}

TEST_P(SystemTest, StateIsSavedAndAttachingIsBeingThere) {
  XSTATE_SAVE save;
  EXPECT_EQ(K(KeSaveExtendedProcessorState)(XSTATE_MASK_AVX, &save), STATUS_SUCCESS);
  EXPECT_EQ(save.XStateContext.Mask, std::uint64_t{XSTATE_MASK_AVX});
  K(KeRestoreExtendedProcessorState)(&save);
  KFLOATING_SAVE floating;
  EXPECT_EQ(K(KeSaveFloatingPointState)(&floating), STATUS_SUCCESS);
  EXPECT_EQ(K(KeRestoreFloatingPointState)(&floating), STATUS_SUCCESS);
  KAPC_STATE state;
  auto process = reinterpret_cast<PRKPROCESS>(K(IoGetCurrentProcess)());
  K(KeStackAttachProcess)(process, &state);
  EXPECT_EQ(state.Process, process);
  K(KeUnstackDetachProcess)(&state);
}

TEST_P(SystemTest, NobodyListensToEvents) {
  GUID provider{};
  REGHANDLE handle = 0;
  EXPECT_EQ(K(EtwRegister)(&provider, nullptr, nullptr, &handle), STATUS_SUCCESS);
  EXPECT_NE(handle, 0u);
  EVENT_DESCRIPTOR event{};
  EXPECT_FALSE(K(EtwEventEnabled)(handle, &event));
  EXPECT_FALSE(K(EtwProviderEnabled)(handle, 4, 0));
  EXPECT_EQ(K(EtwWrite)(handle, &event, nullptr, 0, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(K(EtwUnregister)(handle), STATUS_SUCCESS);
  EXPECT_EQ(K(EtwUnregister)(handle), STATUS_INVALID_HANDLE);
  EXPECT_EQ(K(EtwWrite)(handle, &event, nullptr, 0, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(K(IoWMIRegistrationControl)(nullptr, WMIREG_ACTION_REGISTER), STATUS_INVALID_PARAMETER);
}

}  // namespace
}  // namespace dumpsim::kernel::test
