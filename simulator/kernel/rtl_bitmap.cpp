// SPDX-License-Identifier: Apache-2.0
// Bitmaps. Straight loops over bits: a filter's bitmaps are small, and the rules (where a search starts, that it wraps)
// are what has to be right.
#include <bit>

#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG nothing = 0xFFFFFFFF;

bool bit(const RTL_BITMAP& map, ULONG index) {
  return (map.Buffer[index / 32] >> index % 32 & 1) != 0;
}
void put(const RTL_BITMAP& map, ULONG index, bool set) {
  const ULONG mask = 1u << index % 32;
  ULONG& word = map.Buffer[index / 32];
  word = set ? word | mask : word & ~mask;
}
void fill(const RTL_BITMAP& map, ULONG start, ULONG count, bool set) {
  for (ULONG i = 0; i < count; ++i) put(map, start + i, set);
}

/// The length of the run of bits like `set` from `start`, at most `most`.
ULONG run_from(const RTL_BITMAP& map, ULONG start, ULONG most, bool set) {
  ULONG length = 0;
  while (length < most && start + length < map.SizeOfBitMap && bit(map, start + length) == set) ++length;
  return length;
}

ULONG find_between(const RTL_BITMAP& map, ULONG first, ULONG end, ULONG count, bool set) {
  for (ULONG at = first; at < end;) {
    const ULONG length = run_from(map, at, count, set);
    if (length == count) return at;
    at += length + 1;
  }
  return nothing;
}

/// From the hint to the end, then from the beginning [doc]. No bits are found at the hint itself, moved back to a
/// byte's boundary [doc].
ULONG find(const RTL_BITMAP& map, ULONG count, ULONG hint, bool set) {
  if (count > map.SizeOfBitMap) return nothing;
  if (hint >= map.SizeOfBitMap) hint = 0;
  if (count == 0) return hint & ~7u;
  const ULONG found = find_between(map, hint, map.SizeOfBitMap, count, set);
  return found != nothing || hint == 0 ? found : find_between(map, 0, hint, count, set);
}

ULONG number_of(const RTL_BITMAP& map, bool set) {
  ULONG count = 0;
  for (ULONG i = 0; i < map.SizeOfBitMap; ++i) count += bit(map, i) == set ? 1 : 0;
  return count;
}

BOOLEAN all_are(const RTL_BITMAP& map, ULONG start, ULONG length, bool set) {
  if (length == 0 || start >= map.SizeOfBitMap || length > map.SizeOfBitMap - start) return FALSE;
  return run_from(map, start, length, set) == length ? TRUE : FALSE;
}

/// The next clear run at or behind `from`; 0 when there is none.
ULONG next_clear(const RTL_BITMAP& map, ULONG from, ULONG& start) {
  for (start = from; start < map.SizeOfBitMap && bit(map, start); ++start) {
  }
  return run_from(map, start, nothing, false);
}

}  // namespace

VOID RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap) {
  *BitMapHeader = RTL_BITMAP{SizeOfBitMap, BitMapBuffer};
}
VOID RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
  put(*BitMapHeader, BitNumber, false);
}
VOID RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
  put(*BitMapHeader, BitNumber, true);
}
BOOLEAN RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
  return bit(*BitMapHeader, BitNumber) ? TRUE : FALSE;
}
// The whole words, whatever part of the last one belongs to the map [assumed].
VOID RtlClearAllBits(PRTL_BITMAP BitMapHeader) {
  for (ULONG i = 0; i < (BitMapHeader->SizeOfBitMap + 31) / 32; ++i) BitMapHeader->Buffer[i] = 0;
}
VOID RtlSetAllBits(PRTL_BITMAP BitMapHeader) {
  for (ULONG i = 0; i < (BitMapHeader->SizeOfBitMap + 31) / 32; ++i) BitMapHeader->Buffer[i] = 0xFFFFFFFF;
}
VOID RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear) {
  fill(*BitMapHeader, StartingIndex, NumberToClear, false);
}
VOID RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet) {
  fill(*BitMapHeader, StartingIndex, NumberToSet, true);
}
ULONG RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
  return find(*BitMapHeader, NumberToFind, HintIndex, false);
}
ULONG RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
  return find(*BitMapHeader, NumberToFind, HintIndex, true);
}
ULONG RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
  const ULONG at = find(*BitMapHeader, NumberToFind, HintIndex, false);
  if (at != nothing) fill(*BitMapHeader, at, NumberToFind, true);
  return at;
}
ULONG RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
  const ULONG at = find(*BitMapHeader, NumberToFind, HintIndex, true);
  if (at != nothing) fill(*BitMapHeader, at, NumberToFind, false);
  return at;
}
// The first runs, or the longest ones sorted from long to short [doc].
ULONG RtlFindClearRuns(PRTL_BITMAP BitMapHeader, PRTL_BITMAP_RUN RunArray, ULONG SizeOfRunArray,
                       BOOLEAN LocateLongestRuns) {
  ULONG count = 0, start = 0;
  if (SizeOfRunArray == 0) return 0;
  for (ULONG length = next_clear(*BitMapHeader, 0, start); length != 0;
       length = next_clear(*BitMapHeader, start + length, start)) {
    if (LocateLongestRuns == FALSE) {
      if (count == SizeOfRunArray) break;
      RunArray[count++] = RTL_BITMAP_RUN{start, length};
      continue;
    }
    ULONG place = count;
    while (place > 0 && RunArray[place - 1].NumberOfBits < length) --place;
    if (place == SizeOfRunArray) continue;
    if (count < SizeOfRunArray) ++count;
    for (ULONG i = count - 1; i > place; --i) RunArray[i] = RunArray[i - 1];
    RunArray[place] = RTL_BITMAP_RUN{start, length};
  }
  return count;
}
ULONG RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex) {
  RTL_BITMAP_RUN run{};
  if (kernel::RtlFindClearRuns(BitMapHeader, &run, 1, TRUE) == 0) {
    *StartingIndex = 0;
    return 0;
  }
  *StartingIndex = run.StartingIndex;
  return run.NumberOfBits;
}
ULONG RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex) {
  return kernel::RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}
ULONG RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex) {
  ULONG start = 0;
  const ULONG length = next_clear(*BitMapHeader, FromIndex, start);
  *StartingRunIndex = start;
  return length;
}
// The run that ends at or before the index, searched backwards from it [doc].
ULONG RtlFindLastBackwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex) {
  const RTL_BITMAP& map = *BitMapHeader;
  ULONG end = map.SizeOfBitMap == 0 ? 0 : (FromIndex < map.SizeOfBitMap ? FromIndex : map.SizeOfBitMap - 1) + 1;
  while (end > 0 && bit(map, end - 1)) --end;
  ULONG start = end;
  while (start > 0 && !bit(map, start - 1)) --start;
  *StartingRunIndex = start;
  return end - start;
}
ULONG RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader) {
  return number_of(*BitMapHeader, false);
}
ULONG RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader) {
  return number_of(*BitMapHeader, true);
}
BOOLEAN RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length) {
  return all_are(*BitMapHeader, StartingIndex, Length, false);
}
BOOLEAN RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length) {
  return all_are(*BitMapHeader, StartingIndex, Length, true);
}
CCHAR RtlFindLeastSignificantBit(ULONGLONG Set) {
  return static_cast<CCHAR>(Set == 0 ? -1 : std::countr_zero(Set));
}
CCHAR RtlFindMostSignificantBit(ULONGLONG Set) {
  return static_cast<CCHAR>(Set == 0 ? -1 : 63 - std::countl_zero(Set));
}

}  // namespace dumpsim::kernel
