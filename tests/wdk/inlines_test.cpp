// SPDX-License-Identifier: Apache-2.0
//
// The routines that the kit has inline, and so do our headers: they become part of a driver's image, where no kernel
// can check them. Lists and Interlocked operations are compared with models under a fixed seed.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "wdk/initguid.h"
#include "wdk/intrin.h"
#include "wdk/ntdddump.h"
#include "wdk/ntddk.h"
#include "wdk/ntddscsi.h"
#include "wdk/ntddvol.h"
#include "wdk/ntimage.h"
#include "wdk/ntstrsafe.h"
#include "wdk/windef.h"

namespace {

struct Node {
  int value;
  LIST_ENTRY link;
};

// A list that says nothing of its links but that they agree both ways.
std::vector<int> values_of(const LIST_ENTRY* head) {
  std::vector<int> values;
  for (const LIST_ENTRY* entry = head->Flink; entry != head; entry = entry->Flink) {
    EXPECT_EQ(entry->Flink->Blink, entry);
    values.push_back(CONTAINING_RECORD(entry, Node, link)->value);
  }
  return values;
}

TEST(WdkList, AgreesWithAModel) {
  const unsigned seed = 20240;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  LIST_ENTRY head;
  InitializeListHead(&head);
  std::deque<Node> nodes;
  std::deque<int> model;
  std::vector<Node*> live;
  for (int step = 0; step < 2000; ++step) {
    const unsigned action = random() % 5;
    if (action < 2) {
      nodes.push_back(Node{step, {}});
      if (action == 0) {
        InsertHeadList(&head, &nodes.back().link);
        model.push_front(step);
      } else {
        InsertTailList(&head, &nodes.back().link);
        model.push_back(step);
      }
      live.push_back(&nodes.back());
    } else if (IsListEmpty(&head)) {
      ASSERT_TRUE(model.empty());
    } else if (action == 4) {
      const size_t index = random() % live.size();
      Node* node = live[index];
      const bool became_empty = RemoveEntryList(&node->link);
      std::erase(model, node->value);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(index));
      ASSERT_EQ(became_empty, model.empty());
    } else {
      PLIST_ENTRY entry = action == 2 ? RemoveHeadList(&head) : RemoveTailList(&head);
      const int expected = action == 2 ? model.front() : model.back();
      action == 2 ? model.pop_front() : model.pop_back();
      ASSERT_EQ(CONTAINING_RECORD(entry, Node, link)->value, expected);
      std::erase_if(live, [&](const Node* node) { return node->value == expected; });
    }
    ASSERT_EQ(values_of(&head), std::vector<int>(model.begin(), model.end())) << "step " << step;
  }
}

TEST(WdkList, SinglyLinked) {
  SINGLE_LIST_ENTRY head{}, first{}, second{};
  EXPECT_EQ(PopEntryList(&head), nullptr);
  PushEntryList(&head, &first);
  PushEntryList(&head, &second);
  EXPECT_EQ(PopEntryList(&head), &second);
  EXPECT_EQ(PopEntryList(&head), &first);
  EXPECT_EQ(head.Next, nullptr);
}

template <class Type>
class WdkInterlocked : public testing::Test {};
// `long` has 64 bits here and LONG has 32: drivers pass pointers to either.
using Widths = testing::Types<LONG, ULONG, long, ULONG64, volatile LONG, volatile long>;
TYPED_TEST_SUITE(WdkInterlocked, Widths);

TYPED_TEST(WdkInterlocked, OldAndNewValuesAreTheKitsChoice) {
  TypeParam value = 5;
  EXPECT_EQ(InterlockedIncrement(&value), TypeParam(6));
  EXPECT_EQ(InterlockedDecrement(&value), TypeParam(5));
  EXPECT_EQ(InterlockedExchange(&value, 9), TypeParam(5));
  EXPECT_EQ(InterlockedExchangeAdd(&value, 3), TypeParam(9));
  EXPECT_EQ(InterlockedAdd(&value, 1), TypeParam(13));
  EXPECT_EQ(InterlockedCompareExchange(&value, 1, 2), TypeParam(13));
  EXPECT_EQ(value, TypeParam(13));
  EXPECT_EQ(InterlockedCompareExchange(&value, 6, 13), TypeParam(13));
  EXPECT_EQ(InterlockedAnd(&value, 4), TypeParam(6));
  EXPECT_EQ(InterlockedOr(&value, 3), TypeParam(4));
  EXPECT_EQ(InterlockedXor(&value, 2), TypeParam(7));
  EXPECT_EQ(value, TypeParam(5));
}

TEST(WdkInterlockedPointer, ExchangesAnyPointer) {
  int a = 0, b = 0;
  int* pointer = &a;
  EXPECT_EQ(InterlockedExchangePointer(&pointer, &b), &a);
  EXPECT_EQ(InterlockedCompareExchangePointer(&pointer, nullptr, &a), &b);
  EXPECT_EQ(pointer, &b);
  EXPECT_EQ(InterlockedCompareExchangePointer(&pointer, nullptr, &b), &b);
  EXPECT_EQ(pointer, nullptr);
}

TEST(WdkInterlockedBits, OldBitComesBack) {
  LONG value = 0;
  EXPECT_EQ(InterlockedBitTestAndSet(&value, 13), 0);
  EXPECT_EQ(value, 1 << 13);
  EXPECT_EQ(InterlockedBitTestAndSet(&value, 13), 1);
  EXPECT_EQ(InterlockedBitTestAndReset(&value, 13), 1);
  EXPECT_EQ(InterlockedBitTestAndReset(&value, 13), 0);
  EXPECT_EQ(value, 0);
}

TEST(WdkMdl, InitializeCoversTheSpannedPages) {
  alignas(16) unsigned char storage[sizeof(MDL) + 20 * sizeof(PFN_NUMBER)] = {};
  PMDL mdl = reinterpret_cast<PMDL>(storage);
  struct Row {
    ULONG_PTR address;
    SIZE_T length;
    ULONG pages;
  };
  for (const Row& row : {Row{0x200000000000, 4096, 1}, Row{0x200000000001, 4096, 2}, Row{0x200000000FFF, 1, 1},
                         Row{0x200000000FFF, 2, 2}, Row{0x200000000200, 65536, 17}, Row{0x200000000000, 65536, 16},
                         Row{0x200000000123, 0, 1}, Row{0x200000000000, 0, 0}}) {
    PVOID address = reinterpret_cast<PVOID>(row.address);
    MmInitializeMdl(mdl, address, row.length);
    EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(address, row.length), row.pages) << std::hex << row.address;
    EXPECT_EQ(mdl->Size, static_cast<CSHORT>(48 + 8 * row.pages));
    EXPECT_EQ(MmGetMdlVirtualAddress(mdl), address);
    EXPECT_EQ(BYTE_OFFSET(mdl->StartVa), 0U);
    EXPECT_EQ(MmGetMdlByteCount(mdl), row.length);
    EXPECT_EQ(mdl->MdlFlags, 0);
    EXPECT_EQ(static_cast<void*>(MmGetMdlPfnArray(mdl)), storage + 48);
  }
}

TEST(WdkMdl, PageArithmetic) {
  EXPECT_EQ(ROUND_TO_PAGES(1), 4096U);
  EXPECT_EQ(ROUND_TO_PAGES(4096), 4096U);
  EXPECT_EQ(BYTES_TO_PAGES(4097), 2);
  EXPECT_EQ(PAGE_ALIGN(reinterpret_cast<PVOID>(0x200000001FFF)), reinterpret_cast<PVOID>(0x200000001000));
}

TEST(WdkIrp, StackLocationsMoveTogether) {
  struct {
    IRP irp;
    IO_STACK_LOCATION stack[3];
  } packet{};
  PIRP irp = &packet.irp;
  irp->CurrentLocation = 3;
  irp->Tail.Overlay.CurrentStackLocation = &packet.stack[2];
  packet.stack[2].MajorFunction = IRP_MJ_DEVICE_CONTROL;
  packet.stack[2].Parameters.DeviceIoControl.IoControlCode = IOCTL_DISK_GET_PARTITION_INFO_EX;
  packet.stack[2].Control = SL_PENDING_RETURNED;
  packet.stack[1].Context = irp;
  IoCopyCurrentIrpStackLocationToNext(irp);
  EXPECT_EQ(IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode, 0x70048U);
  EXPECT_EQ(IoGetNextIrpStackLocation(irp)->Control, 0);
  EXPECT_EQ(IoGetNextIrpStackLocation(irp)->Context, irp) << "the completion routine and its context stay";
  IoSetCompletionRoutine(irp, nullptr, &packet, TRUE, FALSE, TRUE);
  EXPECT_EQ(packet.stack[1].Control, SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_CANCEL);
  IoSetNextIrpStackLocation(irp);
  EXPECT_EQ(irp->CurrentLocation, 2);
  EXPECT_EQ(IoGetCurrentIrpStackLocation(irp), &packet.stack[1]);
  IoMarkIrpPending(irp);
  EXPECT_EQ(packet.stack[1].Control & SL_PENDING_RETURNED, SL_PENDING_RETURNED);
  IoSkipCurrentIrpStackLocation(irp);
  EXPECT_EQ(IoGetCurrentIrpStackLocation(irp), &packet.stack[2]);
}

TEST(WdkCrt, RotationsHaveWindowsWidths) {
  EXPECT_EQ(_rotl(0x80000001U, 1), 3U);
  EXPECT_EQ(_rotr(3U, 1), 0x80000001U);
  EXPECT_EQ(_lrotl(0x80000000U, 1), 1U) << "a Windows long has 32 bits";
  EXPECT_EQ(_lrotr(1U, 33), 0x80000000U);
  EXPECT_EQ(_rotl64(0x8000000000000001ULL, 1), 3ULL);
  EXPECT_EQ(_rotr64(3, 0), 3ULL);
  EXPECT_EQ(_rotl8(0x81, 1), 3);
  EXPECT_EQ(_rotr16(3, 1), 0x8001);
  EXPECT_EQ(_byteswap_ulong(0x11223344U), 0x44332211U);
  EXPECT_EQ(_byteswap_uint64(0x1122334455667788ULL), 0x8877665544332211ULL);
  EXPECT_EQ(_byteswap_ushort(0x1122), 0x2211);
}

TEST(WdkCrt, BitScansAndWideProducts) {
  ULONG index = 99;
  EXPECT_EQ(_BitScanForward(&index, 0), 0);
  EXPECT_EQ(_BitScanForward(&index, 0x50), 1);
  EXPECT_EQ(index, 4U);
  EXPECT_EQ(_BitScanReverse64(&index, 0x500000000000), 1);
  EXPECT_EQ(index, 46U);
  ULONGLONG high = 0;
  EXPECT_EQ(_umul128(0xFFFFFFFFFFFFFFFFULL, 2, &high), 0xFFFFFFFFFFFFFFFEULL);
  EXPECT_EQ(high, 1ULL);
  UCHAR bytes[5] = {};
  __stosb(bytes, 7, 4);
  EXPECT_EQ(bytes[3], 7);
  EXPECT_EQ(bytes[4], 0);
}

TEST(WdkRtl, SecureZeroWipes) {
  UCHAR bytes[4] = {1, 2, 3, 4};
  RtlSecureZeroMemory(bytes, 3);
  EXPECT_EQ(bytes[0] + bytes[1] + bytes[2], 0);
  EXPECT_EQ(bytes[3], 4);
}

TEST(WdkStrSafe, CutsTerminatesAndReports) {
  CHAR narrow[5];
  WCHAR wide[5];
  EXPECT_EQ(RtlStringCchCopyA(narrow, 5, "dump"), STATUS_SUCCESS);
  EXPECT_STREQ(narrow, "dump");
  EXPECT_EQ(RtlStringCchCopyA(narrow, 5, "dumpx"), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(narrow, "dump");
  EXPECT_EQ(RtlStringCchCopyA(narrow, 0, "d"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCbCopyW(wide, sizeof(wide), u"hiber"), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::u16string(wide), u"hibe");
  EXPECT_EQ(RtlStringCchCopyNW(wide, 5, u"abcdef", 2), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchCatW(wide, 5, u"cd"), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(wide), u"abcd");
  EXPECT_EQ(RtlStringCchCatW(wide, 5, u"e"), STATUS_BUFFER_OVERFLOW);
  SIZE_T length = 99;
  EXPECT_EQ(RtlStringCbLengthW(wide, sizeof(wide), &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 8U);
  EXPECT_EQ(RtlStringCchLengthW(wide, 4, &length), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(length, 0U);
}

DEFINE_GUID(WDK_TEST_GUID, 0x65755a40, 0xf146, 0x43ea, 0x8c, 0x91, 0x36, 0xb8, 0x57, 0x28, 0xfd, 0x35);

TEST(WdkGuid, DefinedByInitguid) {
  EXPECT_EQ(WDK_TEST_GUID.Data1, 0x65755a40U);
  EXPECT_TRUE(IsEqualGUID(WDK_TEST_GUID, WDK_TEST_GUID));
  EXPECT_FALSE(WDK_TEST_GUID == GUID{});
}

// The codes that crashdmp and filters send to the dump volume, as the field has seen them.
TEST(WdkCodes, ControlCodesAreTheKnownNumbers) {
  EXPECT_EQ(IOCTL_STORAGE_GET_DEVICE_NUMBER, 0x2D1080);
  EXPECT_EQ(IOCTL_DISK_GET_PARTITION_INFO, 0x74004);
  EXPECT_EQ(IOCTL_DISK_GET_PARTITION_INFO_EX, 0x70048);
  EXPECT_EQ(IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, 0x700A0);
  EXPECT_EQ(IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, 0x560000U);
  EXPECT_EQ(IOCTL_SCSI_GET_ADDRESS, 0x41018);
  EXPECT_EQ(IOCTL_SCSI_GET_DUMP_POINTERS, 0x41020);
  EXPECT_EQ(static_cast<ULONG>(STATUS_FVE_NOT_ENCRYPTED), 0xC0210001U);
}

}  // namespace
