// SPDX-License-Identifier: Apache-2.0
// The disk and its volumes: every request's answer with a buffer that is right, too short and absent, names, and
// transfers that reach the medium.
#include <cstring>
#include <map>

#include "kernel/drivers.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/volume_read.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using trace::Kind;

constexpr std::uint64_t mib = 1 << 20;

/// Eight MiB that count what is asked of them.
class MemoryMedium final : public Medium {
 public:
  Moved read(DiskOffset at, std::span<std::byte> into) override {
    if (fails) return Moved::failed;
    if (at.bytes + into.size() > bytes.size()) return Moved::beyond_the_end;
    std::memcpy(into.data(), bytes.data() + at.bytes, into.size());
    return Moved::all;
  }
  Moved write(DiskOffset at, std::span<const std::byte> from) override {
    if (fails) return Moved::failed;
    if (at.bytes + from.size() > bytes.size()) return Moved::beyond_the_end;
    std::memcpy(bytes.data() + at.bytes, from.data(), from.size());
    return Moved::all;
  }
  Moved flush() override {
    ++flushes;
    return fails ? Moved::failed : Moved::all;
  }
  std::vector<std::byte> bytes = std::vector<std::byte>(8 * mib);
  int flushes = 0;
  bool fails = false;
};

class StorageTest : public KernelTest {
 public:
  static VolumeFacts facts(VolumeFacts::Style style) {
    VolumeFacts facts;
    facts.style = style;
    facts.disk_size = 8 * mib;
    facts.mbr_signature = 0xCAFE1234;
    facts.gpt_disk[0] = 0xD1;
    facts.gpt_usable_start = DiskOffset{34 * 512};
    facts.gpt_usable_length = 8 * mib - 67 * 512;
    facts.scsi_target = 5;
    facts.transfer_limit = 65536;
    PartitionFacts first;
    first.start = DiskOffset{mib};
    first.length = 2 * mib;
    first.gpt_id[0] = 0x41;
    PartitionFacts second = first;
    second.number = 2;
    second.start = DiskOffset{4 * mib};
    second.length = 3 * mib;
    second.gpt_id[0] = 0x42;
    second.gpt_attributes = 0x8000000000000000;
    facts.partitions = {first, second};
    facts.dump_partition = 1;
    return facts;
  }
  void create(VolumeFacts::Style style = VolumeFacts::Style::mbr) { kernel().create_volume(facts(style), &medium_); }

  PDEVICE_OBJECT open(std::u16string name) {
    Counted text(std::move(name));
    PFILE_OBJECT file = nullptr;
    PDEVICE_OBJECT device = nullptr;
    if (K(IoGetDeviceObjectPointer)(&text, GENERIC_READ, &file, &device) != STATUS_SUCCESS) return nullptr;
    K(ObfDereferenceObject)(file);
    return device;
  }
  PDEVICE_OBJECT volume() { return static_cast<PDEVICE_OBJECT>(kernel().volume_device()); }
  PDEVICE_OBJECT disk() { return open(u"\\Device\\Harddisk0\\DR0"); }

  NTSTATUS ask(PDEVICE_OBJECT device, ULONG code, void* out, ULONG out_bytes, const void* in = nullptr,
               ULONG in_bytes = 0) {
    IO_STATUS_BLOCK iosb{};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(code, device, const_cast<void*>(in), in_bytes, out, out_bytes, FALSE,
                                                nullptr, &iosb);
    EXPECT_NE(irp, nullptr);
    const NTSTATUS status = K(IofCallDriver)(device, irp);
    EXPECT_EQ(iosb.Status, status);
    information_ = iosb.Information;
    return status;
  }
  template <class Answer>
  Answer answer(PDEVICE_OBJECT device, ULONG code, const void* in = nullptr, ULONG in_bytes = 0) {
    Answer out;
    std::memset(static_cast<void*>(&out), 0xEE, sizeof out);
    EXPECT_EQ(ask(device, code, &out, sizeof out, in, in_bytes), STATUS_SUCCESS);
    EXPECT_EQ(information_, sizeof out);
    return out;
  }
  NTSTATUS transfer(UCHAR major, PDEVICE_OBJECT device, void* buffer, ULONG length, LONGLONG at) {
    LARGE_INTEGER start{.QuadPart = at};
    IO_STATUS_BLOCK iosb{};
    iosb.Status = STATUS_PENDING;
    PIRP irp = K(IoBuildSynchronousFsdRequest)(major, device, buffer, length, &start, nullptr, &iosb);
    EXPECT_NE(irp, nullptr);
    const NTSTATUS status = K(IofCallDriver)(device, irp);
    EXPECT_EQ(iosb.Status, status);
    information_ = iosb.Information;
    return status;
  }

  MemoryMedium medium_;
  ULONG_PTR information_ = 0;
};
DUMPSIM_BOTH_CONVENTIONS(StorageTest);

TEST_P(StorageTest, EveryDeviceIsFoundByItsNames) {
  create();
  EXPECT_EQ(kernel().words(K(ExAllocatePoolWithTag)(NonPagedPoolNx, 16, 0x74736554)), "pool#1");
  ASSERT_NE(disk(), nullptr);
  EXPECT_EQ(view(disk()->DriverObject->DriverName), u"\\Driver\\partmgr") << "the top of the disk's stack";
  EXPECT_EQ(disk()->StackSize, 2);
  EXPECT_EQ(kernel().words(volume()).substr(0, 12), "system pool#") << "a driver's blocks are counted apart";
  for (const char16_t* name :
       {u"\\Device\\Harddisk0\\Partition0", u"\\??\\PhysicalDrive0", u"\\ArcName\\multi(0)disk(0)rdisk(0)"}) {
    EXPECT_EQ(open(name), disk());
  }
  for (const char16_t* name : {u"\\Device\\HarddiskVolume2", u"\\Device\\Harddisk0\\Partition2", u"\\??\\C:",
                               u"\\??\\HarddiskVolume2", u"\\ArcName\\multi(0)disk(0)rdisk(0)partition(2)"}) {
    EXPECT_EQ(open(name), volume());
  }
  PDEVICE_OBJECT other = open(u"\\Device\\HarddiskVolume1");
  ASSERT_NE(other, nullptr);
  EXPECT_NE(other, volume());
  EXPECT_EQ(open(u"\\??\\D:"), other);
  EXPECT_EQ(open(u"\\Device\\HarddiskVolume3"), nullptr);
  EXPECT_EQ(open(u"\\Device\\Harddisk1\\DR1"), nullptr);
}

TEST_P(StorageTest, EachDeviceKnowsItsOwnPartition) {
  create();
  const auto number_of = [&](PDEVICE_OBJECT device) {
    return answer<STORAGE_DEVICE_NUMBER>(device, IOCTL_STORAGE_GET_DEVICE_NUMBER).PartitionNumber;
  };
  EXPECT_EQ(number_of(volume()), 2u);
  EXPECT_EQ(number_of(open(u"\\Device\\HarddiskVolume1")), 1u);
  EXPECT_EQ(number_of(disk()), 0u);
  const auto length_of = [&](PDEVICE_OBJECT device) {
    return answer<GET_LENGTH_INFORMATION>(device, IOCTL_DISK_GET_LENGTH_INFO).Length.QuadPart;
  };
  EXPECT_EQ(length_of(volume()), static_cast<LONGLONG>(3 * mib));
  EXPECT_EQ(length_of(disk()), static_cast<LONGLONG>(8 * mib));
  const auto whole = answer<PARTITION_INFORMATION>(disk(), IOCTL_DISK_GET_PARTITION_INFO);
  EXPECT_EQ(whole.StartingOffset.QuadPart, 0);
  EXPECT_EQ(whole.PartitionNumber, 0u);
  EXPECT_EQ(ask(disk(), IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(ask(disk(), IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
}

// What a fixed-size answer needs, and that one byte less gets nothing.
TEST_P(StorageTest, ShortBuffersGetNothing) {
  create();
  const struct {
    ULONG code;
    ULONG bytes;
  } rows[] = {{IOCTL_STORAGE_GET_DEVICE_NUMBER, 12},
              {IOCTL_DISK_GET_PARTITION_INFO, 32},
              {IOCTL_DISK_GET_PARTITION_INFO_EX, 144},
              {IOCTL_DISK_GET_LENGTH_INFO, 8},
              {IOCTL_DISK_GET_DRIVE_GEOMETRY, 24},
              {IOCTL_DISK_GET_DRIVE_LAYOUT, 8 + 4 * 32},
              {IOCTL_DISK_GET_DRIVE_LAYOUT_EX, 48 + 4 * 144},
              {IOCTL_DISK_GET_CACHE_INFORMATION, 24},
              {IOCTL_STORAGE_GET_MEDIA_TYPES_EX, 40},
              {IOCTL_STORAGE_GET_HOTPLUG_INFO, 8},
              {IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, 32},
              {IOCTL_VOLUME_QUERY_VOLUME_NUMBER, 20},
              {IOCTL_SCSI_GET_ADDRESS, 8},
              {IOCTL_SCSI_GET_CAPABILITIES, 24},
              {IOCTL_SCSI_GET_DUMP_POINTERS, 56}};
  std::byte buffer[1024];
  for (const auto& row : rows) {
    SCOPED_TRACE(::testing::Message() << std::hex << row.code);
    std::memset(buffer, 0xEE, sizeof buffer);
    EXPECT_EQ(ask(volume(), row.code, buffer, row.bytes - 1), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(information_, 0u);
    EXPECT_EQ(ask(volume(), row.code, nullptr, 0), STATUS_BUFFER_TOO_SMALL);
    for (const std::byte byte : buffer) ASSERT_EQ(byte, std::byte{0xEE});
    EXPECT_EQ(ask(volume(), row.code, buffer, row.bytes), STATUS_SUCCESS);
    EXPECT_EQ(information_, row.bytes);
    EXPECT_EQ(buffer[row.bytes], std::byte{0xEE}) << "not a byte more";
  }
}

TEST_P(StorageTest, TheLayoutNamesEveryPartition) {
  create();
  struct Layout {
    DRIVE_LAYOUT_INFORMATION head;
    PARTITION_INFORMATION more[3];
  };
  const auto old = answer<Layout>(disk(), IOCTL_DISK_GET_DRIVE_LAYOUT);
  EXPECT_EQ(old.head.PartitionCount, 4u) << "an MBR has its entries in fours";
  EXPECT_EQ(old.head.Signature, 0xCAFE1234u);
  EXPECT_EQ(old.head.PartitionEntry[0].StartingOffset.QuadPart, static_cast<LONGLONG>(mib));
  EXPECT_EQ(old.more[0].PartitionNumber, 2u);
  EXPECT_EQ(old.more[0].HiddenSectors, 4 * mib / 512);
  EXPECT_EQ(old.more[1].PartitionType, PARTITION_ENTRY_UNUSED);
}

TEST_P(StorageTest, AGptLayoutHasItsOwnForm) {
  create(VolumeFacts::Style::gpt);
  struct Layout {
    DRIVE_LAYOUT_INFORMATION_EX head;
    PARTITION_INFORMATION_EX more;
  };
  const auto layout = answer<Layout>(volume(), IOCTL_DISK_GET_DRIVE_LAYOUT_EX);
  EXPECT_EQ(layout.head.PartitionStyle, ULONG{PARTITION_STYLE_GPT});
  EXPECT_EQ(layout.head.PartitionCount, 2u);
  EXPECT_EQ(layout.head.Gpt.DiskId.Data1, 0xD1u);
  EXPECT_EQ(layout.head.Gpt.StartingUsableOffset.QuadPart, 34 * 512);
  EXPECT_EQ(layout.head.Gpt.MaxPartitionCount, 128u);
  EXPECT_EQ(layout.more.Gpt.PartitionId.Data1, 0x42u);
  EXPECT_EQ(layout.more.StartingOffset.QuadPart, static_cast<LONGLONG>(4 * mib));
  EXPECT_EQ(ask(volume(), IOCTL_DISK_GET_DRIVE_LAYOUT, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(answer<VOLUME_GET_GPT_ATTRIBUTES_INFORMATION>(volume(), IOCTL_VOLUME_GET_GPT_ATTRIBUTES).GptAttributes,
            0x8000000000000000u);
  // 24 bytes on GPT: a mark and the partition's GUID.
  std::byte id[64];
  EXPECT_EQ(ask(volume(), IOCTL_MOUNTDEV_QUERY_UNIQUE_ID, id, sizeof id), STATUS_SUCCESS);
  EXPECT_EQ(information_, 26u);
  EXPECT_EQ(std::memcmp(id + 2, "DMIO:ID:\x42", 9), 0);
}

TEST_P(StorageTest, TheMountManagerLearnsNameAndIdentity) {
  create();
  std::byte buffer[128];
  MOUNTDEV_NAME name{};
  EXPECT_EQ(ask(volume(), IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, buffer, 3), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(ask(volume(), IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, &name, sizeof name), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(information_, sizeof name);
  EXPECT_EQ(name.NameLength, 23 * sizeof(WCHAR));
  EXPECT_EQ(ask(volume(), IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, buffer, sizeof buffer), STATUS_SUCCESS);
  EXPECT_EQ(information_, 2 + 23 * sizeof(WCHAR));
  EXPECT_EQ(std::memcmp(buffer + 2, u"\\Device\\HarddiskVolume2", 23 * sizeof(WCHAR)), 0);
  EXPECT_EQ(ask(volume(), IOCTL_MOUNTDEV_QUERY_UNIQUE_ID, buffer, sizeof buffer), STATUS_SUCCESS);
  EXPECT_EQ(information_, 2u + 12u);
  const std::uint32_t signature = 0xCAFE1234;
  const std::uint64_t start = 4 * mib;
  EXPECT_EQ(std::memcmp(buffer + 2, &signature, 4), 0);
  EXPECT_EQ(std::memcmp(buffer + 6, &start, 8), 0);
}

TEST_P(StorageTest, PropertiesFitThemselvesToTheBuffer) {
  create();
  STORAGE_PROPERTY_QUERY query{StorageDeviceProperty, PropertyStandardQuery, {0}};
  const auto header = answer<STORAGE_DESCRIPTOR_HEADER>(volume(), IOCTL_STORAGE_QUERY_PROPERTY, &query, sizeof query);
  std::vector<char> text(header.Size + 8);
  EXPECT_EQ(
      ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, text.data(), static_cast<ULONG>(text.size()), &query, sizeof query),
      STATUS_SUCCESS);
  EXPECT_EQ(information_, header.Size);
  STORAGE_DEVICE_DESCRIPTOR device;
  std::memcpy(&device, text.data(), sizeof device);
  EXPECT_STREQ(text.data() + device.ProductIdOffset, "simulated disk");
  EXPECT_EQ(device.SerialNumberOffset, 0u);
  EXPECT_EQ(device.RemovableMedia, FALSE);
  EXPECT_EQ(ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, text.data(), 7, &query, sizeof query), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, nullptr, 0, &query, 7), STATUS_INVALID_PARAMETER);
  query.PropertyId = StorageAdapterProperty;
  const auto adapter = answer<STORAGE_ADAPTER_DESCRIPTOR>(volume(), IOCTL_STORAGE_QUERY_PROPERTY, &query, sizeof query);
  EXPECT_EQ(adapter.MaximumTransferLength, 65536u);
  EXPECT_EQ(adapter.MaximumPhysicalPages, 17u);
  query.PropertyId = StorageDeviceSeekPenaltyProperty;
  EXPECT_EQ((answer<DEVICE_SEEK_PENALTY_DESCRIPTOR>(volume(), IOCTL_STORAGE_QUERY_PROPERTY, &query, sizeof query)
                 .IncursSeekPenalty),
            FALSE);
  query.PropertyId = StorageDeviceTrimProperty;
  EXPECT_EQ((answer<DEVICE_TRIM_DESCRIPTOR>(volume(), IOCTL_STORAGE_QUERY_PROPERTY, &query, sizeof query).TrimEnabled),
            FALSE);
  query.QueryType = PropertyExistsQuery;
  EXPECT_EQ(ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, nullptr, 0, &query, sizeof query), STATUS_SUCCESS);
  query.QueryType = PropertyMaskQuery;
  EXPECT_EQ(ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, nullptr, 0, &query, sizeof query), STATUS_INVALID_PARAMETER);
  query = {StorageMiniportProperty, PropertyExistsQuery, {0}};
  EXPECT_EQ(ask(volume(), IOCTL_STORAGE_QUERY_PROPERTY, nullptr, 0, &query, sizeof query),
            STATUS_INVALID_DEVICE_REQUEST);
}

TEST_P(StorageTest, DumpPointersComeInTheVersionAsked) {
  VolumeFacts known = facts(VolumeFacts::Style::mbr);
  known.dump_pointers_version = 3;
  kernel().create_volume(known, &medium_);
  const auto first = answer<DUMP_POINTERS>(volume(), IOCTL_SCSI_GET_DUMP_POINTERS);
  EXPECT_EQ(first.AllocateCommonBuffers, TRUE);
  EXPECT_NE(first.DeviceObject, nullptr);
  std::byte buffer[128];
  for (const auto& [version, size] : std::map<ULONG, ULONG>{{2, 48}, {3, 88}}) {
    SCOPED_TRACE(version);
    DUMP_POINTERS_VERSION asked{version, size};
    std::memset(buffer, 0xEE, sizeof buffer);
    EXPECT_EQ(ask(volume(), IOCTL_SCSI_GET_DUMP_POINTERS, buffer, sizeof buffer, &asked, sizeof asked), STATUS_SUCCESS);
    EXPECT_EQ(information_, size);
    EXPECT_EQ(buffer[size], std::byte{0xEE});
    DUMP_POINTERS_EX pointers{};
    std::memcpy(&pointers, buffer, size);
    EXPECT_EQ(pointers.Header.Version, version);
    EXPECT_EQ(pointers.Header.Size, size);
    EXPECT_EQ(pointers.CommonBufferSize, 0x10000u);
    EXPECT_EQ(pointers.MaxTransferSize, version == 3 ? 65536u : 0u);
    EXPECT_EQ(ask(volume(), IOCTL_SCSI_GET_DUMP_POINTERS, buffer, size - 1, &asked, sizeof asked),
              STATUS_BUFFER_TOO_SMALL);
    asked.Size = size - 1;
    EXPECT_EQ(ask(volume(), IOCTL_SCSI_GET_DUMP_POINTERS, buffer, sizeof buffer, &asked, sizeof asked),
              STATUS_INVALID_PARAMETER);
  }
  const DUMP_POINTERS_VERSION newer{4, 104};
  EXPECT_EQ(ask(volume(), IOCTL_SCSI_GET_DUMP_POINTERS, buffer, sizeof buffer, &newer, sizeof newer),
            STATUS_NOT_SUPPORTED)
      << "upon which the requester falls back";
  EXPECT_EQ(ask(volume(), IOCTL_SCSI_FREE_DUMP_POINTERS, nullptr, 0), STATUS_SUCCESS);
}

TEST_P(StorageTest, YesAndNoAreStatuses) {
  create();
  for (const ULONG code : std::initializer_list<ULONG>{IOCTL_VOLUME_ONLINE, IOCTL_VOLUME_IS_IO_CAPABLE,
                                                       IOCTL_VOLUME_IS_PARTITION, IOCTL_DISK_UPDATE_PROPERTIES,
                                                       IOCTL_DISK_IS_WRITABLE, IOCTL_STORAGE_CHECK_VERIFY2}) {
    EXPECT_EQ(ask(volume(), code, nullptr, 0), STATUS_SUCCESS) << std::hex << code;
  }
  EXPECT_EQ(ask(volume(), IOCTL_VOLUME_IS_OFFLINE, nullptr, 0), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(ask(volume(), IOCTL_VOLUME_IS_CLUSTERED, nullptr, 0), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(ask(volume(), 0x0007C088, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST) << "SMART";
}

TEST_P(StorageTest, OffsetsGoFromVolumeToDiskAndBack) {
  create();
  VOLUME_LOGICAL_OFFSET logical{4096};
  const auto physical =
      answer<VOLUME_PHYSICAL_OFFSETS>(volume(), IOCTL_VOLUME_LOGICAL_TO_PHYSICAL, &logical, sizeof logical);
  EXPECT_EQ(physical.PhysicalOffset[0].Offset, static_cast<LONGLONG>(4 * mib + 4096));
  const auto back = answer<VOLUME_LOGICAL_OFFSET>(volume(), IOCTL_VOLUME_PHYSICAL_TO_LOGICAL,
                                                  &physical.PhysicalOffset[0], sizeof physical.PhysicalOffset[0]);
  EXPECT_EQ(back.LogicalOffset, 4096);
  logical.LogicalOffset = 3 * mib;
  EXPECT_EQ(ask(volume(), IOCTL_VOLUME_LOGICAL_TO_PHYSICAL, nullptr, 0, &logical, sizeof logical),
            STATUS_INVALID_PARAMETER);
}

// ---- transfers ----

TEST_P(StorageTest, AVolumesSectorsAreThoseOfItsPartition) {
  create();
  std::vector<char> out(4096, 'w'), in(4096, 0);
  EXPECT_EQ(transfer(IRP_MJ_WRITE, volume(), out.data(), 4096, 8192), STATUS_SUCCESS);
  EXPECT_EQ(information_, 4096u);
  EXPECT_EQ(medium_.bytes[4 * mib + 8192], std::byte{'w'});
  EXPECT_EQ(medium_.bytes[4 * mib + 8191], std::byte{0});
  EXPECT_EQ(transfer(IRP_MJ_READ, disk(), in.data(), 4096, 4 * mib + 8192), STATUS_SUCCESS);
  EXPECT_EQ(in, out);
  in.assign(4096, 0);
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), in.data(), 512, 8192), STATUS_SUCCESS);
  EXPECT_EQ(in[511], 'w');
  EXPECT_EQ(in[512], 0);
  const auto reads = noted(Kind::disk_read);
  const auto writes = noted(Kind::disk_write);
  ASSERT_EQ(reads.size(), 2u);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].record.offset, 4 * mib + 8192);
  EXPECT_EQ(writes[0].record.length, 4096u);
  EXPECT_EQ(writes[0].record.image, image);
  EXPECT_EQ(reads[1].record.length, 512u);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(StorageTest, MemoryThatLiesApartIsMovedWhole) {
  create();
  for (std::size_t i = 0; i < 3 * 4096; ++i) medium_.bytes[4 * mib + i] = static_cast<std::byte>(i / 4096 + 1);
  // Three pages, described in an order that no contiguous buffer has.
  auto* pages = static_cast<std::byte*>(K(MmAllocateContiguousMemory)(3 * 4096, {.QuadPart = -1}));
  alignas(MDL) std::byte storage[sizeof(MDL) + 3 * sizeof(PFN_NUMBER)] = {};
  auto* mdl = reinterpret_cast<PMDL>(storage);
  mdl->Size = sizeof storage;
  mdl->MdlFlags = MDL_PAGES_LOCKED;
  mdl->ByteCount = 3 * 4096 - 512;
  mdl->ByteOffset = 512;
  const std::size_t order[] = {2, 0, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    MmGetMdlPfnArray(mdl)[i] = kernel().memory().pfn_of(pages + order[i] * 4096);
  }
  const auto read = [&] {
    PIRP irp = K(IoAllocateIrp)(volume()->StackSize, FALSE);
    irp->MdlAddress = mdl;
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_READ;
    stack->Parameters.Read.Length = 3 * 4096 - 512;
    IoSetCompletionRoutine(
        irp, +[](PDEVICE_OBJECT, PIRP, PVOID) -> NTSTATUS { return STATUS_MORE_PROCESSING_REQUIRED; }, nullptr, TRUE,
        TRUE, TRUE);
    const NTSTATUS status = K(IofCallDriver)(volume(), irp);
    information_ = irp->IoStatus.Information;
    irp->MdlAddress = nullptr;
    K(IoFreeIrp)(irp);
    return status;
  };
  EXPECT_EQ(read(), STATUS_SUCCESS);
  EXPECT_EQ(information_, 3u * 4096 - 512);
  EXPECT_EQ(pages[2 * 4096 + 511], std::byte{0}) << "before ByteOffset";
  EXPECT_EQ(pages[2 * 4096 + 512], std::byte{1});
  EXPECT_EQ(pages[511], std::byte{1}) << "the disk's first page ends 512 bytes into the second of memory";
  EXPECT_EQ(pages[512], std::byte{2});
  EXPECT_EQ(pages[4096 + 4095], std::byte{3});
  mdl->Size -= sizeof(PFN_NUMBER);
  EXPECT_EQ(read(), STATUS_INVALID_PARAMETER) << "fewer page frames than its ByteCount needs";
  mdl->Size += sizeof(PFN_NUMBER);
  MmGetMdlPfnArray(mdl)[1] = 0x7FFFFFFFFF;
  EXPECT_EQ(read(), STATUS_INVALID_PARAMETER) << "a page frame that does not exist";
  MmGetMdlPfnArray(mdl)[1] = 2;
  EXPECT_EQ(read(), STATUS_INVALID_PARAMETER) << "RAM, whose content is fixed";
}

TEST_P(StorageTest, WhatCannotBeMovedSaysWhy) {
  create();
  std::vector<char> buffer(8192);
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), buffer.data(), 512, 100), STATUS_INVALID_PARAMETER) << "no sector's start";
  EXPECT_EQ(information_, 0u);
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), buffer.data(), 100, 0), STATUS_INVALID_PARAMETER) << "no whole sector";
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), buffer.data(), 512, -512), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(transfer(IRP_MJ_WRITE, volume(), buffer.data(), 1024, 3 * mib - 512), STATUS_INVALID_PARAMETER)
      << "past the volume, where another may begin";
  EXPECT_EQ(transfer(IRP_MJ_READ, disk(), buffer.data(), 1024, 8 * mib - 512), STATUS_NONEXISTENT_SECTOR);
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), nullptr, 0, 0), STATUS_SUCCESS) << "nothing is always there";
  medium_.fails = true;
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), buffer.data(), 512, 0), STATUS_IO_DEVICE_ERROR);
}

TEST_P(StorageTest, AnIrpMadeForFewerDriversStopsTheMachine) {
  create();
  PIRP irp = K(IoAllocateIrp)(1, FALSE);
  IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
  bugcheck_of(0x35, [&] { K(IofCallDriver)(volume(), irp); });
}

TEST_P(StorageTest, AFlushReachesTheMedium) {
  create();
  EXPECT_EQ(transfer(IRP_MJ_FLUSH_BUFFERS, volume(), nullptr, 0, 0), STATUS_SUCCESS);
  EXPECT_EQ(medium_.flushes, 1);
  medium_.fails = true;
  EXPECT_EQ(transfer(IRP_MJ_FLUSH_BUFFERS, disk(), nullptr, 0, 0), STATUS_IO_DEVICE_ERROR);
  EXPECT_EQ(noted(Kind::disk_flushed).size(), 2u);
}

TEST_P(StorageTest, WithoutAMediumTheDiskIsNotReady) {
  kernel().create_volume(facts(VolumeFacts::Style::mbr));
  char sector[512];
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), sector, 512, 0), STATUS_DEVICE_NOT_READY);
}

TEST_P(StorageTest, AtHighLevelNothingIsMovedAndNothingEnds) {
  create();
  char sector[512] = {};
  LARGE_INTEGER start{};
  IO_STATUS_BLOCK iosb{};
  iosb.Status = 0x1234;
  PIRP irp = K(IoBuildSynchronousFsdRequest)(IRP_MJ_WRITE, volume(), sector, 512, &start, nullptr, &iosb);
  set_irql(HIGH_LEVEL);
  EXPECT_EQ(K(IofCallDriver)(volume(), irp), STATUS_PENDING);
  set_irql(0);
  EXPECT_EQ(iosb.Status, 0x1234) << "never completed";
  const auto writes = noted(Kind::disk_write);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].record.status, STATUS_PENDING);
}

// ---- reading as a file system does ----

TEST_P(StorageTest, AVolumeIsReadThroughTheTopOfItsStack) {
  create();
  medium_.bytes[4 * mib + 4096] = std::byte{'v'};
  std::byte* page = kernel().memory().allocate_pages(1, true);
  const VolumeReading read = read_volume(kernel(), PartitionOffset{4096}, page, 4096);
  EXPECT_EQ(read.status, STATUS_SUCCESS);
  EXPECT_EQ(read.bytes, 4096u);
  EXPECT_EQ(page[0], std::byte{'v'});
  const VolumeReading beyond = read_volume(kernel(), PartitionOffset{3 * mib}, page, 4096);
  EXPECT_EQ(beyond.status, STATUS_INVALID_PARAMETER);
  EXPECT_EQ(beyond.bytes, 0u);
}

// ---- a driver on the disk ----

int seen_reads = 0;
PDEVICE_OBJECT below_filter = nullptr;
NTSTATUS watch_system_v(PDEVICE_OBJECT, PIRP irp) {
  ++seen_reads;
  IoSkipCurrentIrpStackLocation(irp);
  return kernel::IofCallDriver(below_filter, irp);
}
__attribute__((ms_abi)) NTSTATUS watch_microsoft(PDEVICE_OBJECT device, PIRP irp) {
  return watch_system_v(device, irp);
}

TEST_P(StorageTest, ADriverOnTheDiskSeesWhatTheVolumeReads) {
  create();
  const void* entry = GetParam() == Convention::system_v ? reinterpret_cast<const void*>(&watch_system_v)
                                                         : reinterpret_cast<const void*>(&watch_microsoft);
  kernel().register_image(9, "diskfilter", entry, 64, GetParam());
  PDRIVER_OBJECT driver = create_driver(kernel(), 9, "diskfilter", entry);
  driver->MajorFunction[IRP_MJ_READ] = reinterpret_cast<PDRIVER_DISPATCH>(const_cast<void*>(entry));
  below_filter = disk();
  PDEVICE_OBJECT filter = create_device(kernel(), driver, 0, FILE_DEVICE_DISK, 0);
  filter->Flags = DO_DIRECT_IO;
  attach_device(filter, below_filter);
  seen_reads = 0;
  medium_.bytes[4 * mib] = std::byte{'x'};
  char sector[512] = {};
  EXPECT_EQ(transfer(IRP_MJ_READ, volume(), sector, 512, 0), STATUS_SUCCESS);
  EXPECT_EQ(seen_reads, 1);
  EXPECT_EQ(sector[0], 'x');
}

}  // namespace
}  // namespace dumpsim::kernel::test
