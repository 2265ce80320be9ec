// SPDX-License-Identifier: Apache-2.0
// Comparing versions: RtlVerifyVersionInfo over a mask of conditions, and the shorter question for a kit's version.
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

// Three bits of the mask for each member, in the order of the members' type bits [doc: VerSetConditionMask].
constexpr unsigned bits_a_condition = 3;

unsigned place_of(ULONG type) {
  unsigned place = 0;
  while (place < 7 && (type >> place & 1) == 0) ++place;
  return place;
}

ULONG condition_of(ULONGLONG mask, ULONG type) {
  return static_cast<ULONG>(mask >> place_of(type) * bits_a_condition) & VER_CONDITION_MASK;
}

bool holds(ULONG condition, ULONG have, ULONG wanted) {
  switch (condition) {
    case VER_EQUAL:
      return have == wanted;
    case VER_GREATER:
      return have > wanted;
    case VER_GREATER_EQUAL:
      return have >= wanted;
    case VER_LESS:
      return have < wanted;
    case VER_LESS_EQUAL:
      return have <= wanted;
    default:
      return false;
  }
}

}  // namespace

ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition) {
  const unsigned shift = place_of(TypeMask) * bits_a_condition;
  return ConditionMask | static_cast<ULONGLONG>(Condition & VER_CONDITION_MASK) << shift;
}

// Major, minor and service pack are one number of several places: the condition of the highest one that is asked for
// decides, and a lower place only where the higher ones are equal [doc].
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask, ULONGLONG ConditionMask) {
  const Config& config = current().config();
  if (TypeMask == 0 || ConditionMask == 0) return STATUS_INVALID_PARAMETER;
  struct Place {
    ULONG type, have, wanted;
  };
  const Place places[] = {{VER_MAJORVERSION, config.major, VersionInfo->dwMajorVersion},
                          {VER_MINORVERSION, config.minor, VersionInfo->dwMinorVersion},
                          {VER_SERVICEPACKMAJOR, 0, VersionInfo->wServicePackMajor},
                          {VER_SERVICEPACKMINOR, 0, VersionInfo->wServicePackMinor}};
  ULONG condition = 0;
  bool decided = false;
  for (const Place& place : places) {
    if ((TypeMask & place.type) == 0 || decided) continue;
    if (condition == 0) condition = condition_of(ConditionMask, place.type);
    if (place.have == place.wanted) continue;
    decided = true;
    if (!holds(condition, place.have, place.wanted)) return STATUS_REVISION_MISMATCH;
  }
  if (!decided && condition != 0 && !holds(condition, 0, 0)) return STATUS_REVISION_MISMATCH;
  const Place others[] = {{VER_BUILDNUMBER, config.build, VersionInfo->dwBuildNumber},
                          {VER_PLATFORMID, 2, VersionInfo->dwPlatformId},
                          {VER_PRODUCT_TYPE, VER_NT_WORKSTATION, VersionInfo->wProductType}};
  for (const Place& other : others) {
    if ((TypeMask & other.type) != 0 && !holds(condition_of(ConditionMask, other.type), other.have, other.wanted)) {
      return STATUS_REVISION_MISMATCH;
    }
  }
  return STATUS_SUCCESS;
}

// A kit's version: major and minor in the upper half, service pack or release in the lower one [doc]. This machine's
// releases from Windows 10 on are told apart by their builds.
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG Version) {
  const Config& config = current().config();
  const ULONG have = config.major << 24 | config.minor << 16;
  const ULONG wanted = Version & 0xFFFF0000;
  if ((Version & 0xFFFF) != 0 && wanted < 0x0A000000) return FALSE;  // service packs are not asked for this way [doc]
  if (wanted != have) return wanted < have ? TRUE : FALSE;
  struct Release {
    ULONG build, version;
  };
  constexpr Release releases[] = {{26100, 0x10}, {22631, 0xD}, {22621, 0xC}, {22000, 0xB}, {19041, 0x8}, {0, 0}};
  for (const Release& release : releases) {
    if (config.build >= release.build) return (Version & 0xFFFF) <= release.version ? TRUE : FALSE;
  }
  return FALSE;
}

BOOLEAN RtlIsServicePackVersionInstalled(ULONG Version) {
  const Config& config = current().config();
  return (Version & 0xFFFF0000) == (config.major << 24 | config.minor << 16) && (Version & 0xFF00) == 0 ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
