// SPDX-License-Identifier: Apache-2.0
// IRPs from building to completion, the dump volume's answers, and objects found by name.
#include <cstring>

#include "kernel/drivers.hpp"
#include "kernel/io_objects.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using trace::Kind;

class IoTest : public KernelTest {
 public:
  static VolumeFacts facts() {
    VolumeFacts facts;
    facts.disk_number = 2;
    facts.disk_size = 256 << 20;
    facts.mbr_signature = 0xCAFE1234;
    PartitionFacts partition;
    partition.number = 3;
    partition.start = DiskOffset{1 << 20};
    partition.length = 200 << 20;
    facts.partitions = {partition};
    return facts;
  }

  PDEVICE_OBJECT volume() { return static_cast<PDEVICE_OBJECT>(kernel().volume_device()); }

  /// As a filter asks: build, call, wait.
  NTSTATUS ask(ULONG code, void* out, ULONG out_bytes, const void* in = nullptr, ULONG in_bytes = 0) {
    KEVENT event;
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    information_ = 0x5555;
    IO_STATUS_BLOCK iosb{};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(code, volume(), const_cast<void*>(in), in_bytes, out, out_bytes, FALSE,
                                                &event, &iosb);
    EXPECT_NE(irp, nullptr);
    const NTSTATUS status = K(IofCallDriver)(volume(), irp);
    EXPECT_EQ(K(KeReadStateEvent)(&event), 1) << "completed before the call returned";
    EXPECT_EQ(iosb.Status, status);
    information_ = iosb.Information;
    return status;
  }
  ULONG_PTR information_ = 0;
};
DUMPSIM_BOTH_CONVENTIONS(IoTest);

TEST_P(IoTest, TheVolumeKnowsItsPartition) {
  kernel().create_volume(facts());
  STORAGE_DEVICE_NUMBER number{};
  EXPECT_EQ(ask(IOCTL_STORAGE_GET_DEVICE_NUMBER, &number, sizeof number), STATUS_SUCCESS);
  EXPECT_EQ(information_, sizeof number);
  EXPECT_EQ(number.DeviceType, ULONG{FILE_DEVICE_DISK});
  EXPECT_EQ(number.DeviceNumber, 2u);
  EXPECT_EQ(number.PartitionNumber, 3u);
  PARTITION_INFORMATION old{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_PARTITION_INFO, &old, sizeof old), STATUS_SUCCESS);
  EXPECT_EQ(old.StartingOffset.QuadPart, 1 << 20);
  EXPECT_EQ(old.HiddenSectors, 2048u);
  EXPECT_EQ(old.PartitionType, 7);
  PARTITION_INFORMATION_EX ex{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_PARTITION_INFO_EX, &ex, sizeof ex), STATUS_SUCCESS);
  EXPECT_EQ(ex.PartitionStyle, PARTITION_STYLE_MBR);
  EXPECT_EQ(ex.StartingOffset.QuadPart, 1 << 20);
  EXPECT_EQ(ex.PartitionLength.QuadPart, 200 << 20);
  EXPECT_EQ(ex.PartitionNumber, 3u);
  EXPECT_EQ(ex.Mbr.HiddenSectors, 2048u);
  GET_LENGTH_INFORMATION length{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_LENGTH_INFO, &length, sizeof length), STATUS_SUCCESS);
  EXPECT_EQ(length.Length.QuadPart, 200 << 20);
  DISK_GEOMETRY geometry{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_DRIVE_GEOMETRY, &geometry, sizeof geometry), STATUS_SUCCESS);
  EXPECT_EQ(geometry.BytesPerSector, 512u);
  EXPECT_EQ(geometry.Cylinders.QuadPart, (256 << 20) / (255 * 63 * 512));
  VOLUME_DISK_EXTENTS extents{};
  EXPECT_EQ(ask(IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, &extents, sizeof extents), STATUS_SUCCESS);
  EXPECT_EQ(extents.NumberOfDiskExtents, 1u);
  EXPECT_EQ(extents.Extents[0].StartingOffset.QuadPart, 1 << 20);
  SCSI_ADDRESS address{};
  EXPECT_EQ(ask(IOCTL_SCSI_GET_ADDRESS, &address, sizeof address), STATUS_SUCCESS);
  EXPECT_EQ(address.Length, sizeof address);
  const auto records = noted(Kind::device_control);
  ASSERT_EQ(records.size(), 7u);
  EXPECT_EQ(records[0].record.arg, 0x2D1080u);
  EXPECT_EQ(records[0].record.length, sizeof number);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u) << "IRPs and buffers are given back";
}

TEST_P(IoTest, OnGptTheOldQuestionFails) {
  VolumeFacts gpt = facts();
  gpt.style = VolumeFacts::Style::gpt;
  gpt.partitions[0].gpt_id[0] = 0x42;
  gpt.partitions[0].gpt_name = u"Basic data partition";
  kernel().create_volume(gpt);
  PARTITION_INFORMATION old{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_PARTITION_INFO, &old, sizeof old), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(old.StartingOffset.QuadPart, 0);
  PARTITION_INFORMATION_EX ex{};
  EXPECT_EQ(ask(IOCTL_DISK_GET_PARTITION_INFO_EX, &ex, sizeof ex), STATUS_SUCCESS);
  EXPECT_EQ(ex.PartitionStyle, PARTITION_STYLE_GPT);
  EXPECT_EQ(ex.StartingOffset.QuadPart, 1 << 20);
  EXPECT_EQ(ex.Gpt.PartitionId.Data1, 0x42u);
  EXPECT_EQ(std::u16string_view(ex.Gpt.Name, 20), gpt.partitions[0].gpt_name);
}

TEST_P(IoTest, ShortBuffersGetNothing) {
  kernel().create_volume(facts());
  struct {
    ULONG code;
    ULONG bytes;
  } const rows[] = {{IOCTL_STORAGE_GET_DEVICE_NUMBER, sizeof(STORAGE_DEVICE_NUMBER)},
                    {IOCTL_DISK_GET_PARTITION_INFO, sizeof(PARTITION_INFORMATION)},
                    {IOCTL_DISK_GET_PARTITION_INFO_EX, sizeof(PARTITION_INFORMATION_EX)},
                    {IOCTL_DISK_GET_LENGTH_INFO, sizeof(GET_LENGTH_INFORMATION)},
                    {IOCTL_DISK_GET_DRIVE_GEOMETRY, sizeof(DISK_GEOMETRY)},
                    {IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, FIELD_OFFSET(DISK_GEOMETRY_EX, Data)},
                    {IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, sizeof(VOLUME_DISK_EXTENTS)},
                    {IOCTL_SCSI_GET_ADDRESS, sizeof(SCSI_ADDRESS)}};
  std::byte buffer[256];
  for (const auto& row : rows) {
    SCOPED_TRACE(row.code);
    std::memset(buffer, 0xEE, sizeof buffer);
    EXPECT_EQ(ask(row.code, buffer, row.bytes - 1), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(information_, 0u);
    EXPECT_EQ(ask(row.code, nullptr, 0), STATUS_BUFFER_TOO_SMALL);
    for (const std::byte byte : buffer) ASSERT_EQ(byte, std::byte{0xEE});
    EXPECT_EQ(ask(row.code, buffer, row.bytes), STATUS_SUCCESS);
    EXPECT_EQ(information_, row.bytes);
    EXPECT_EQ(buffer[row.bytes], std::byte{0xEE}) << "not a byte more";
  }
  EXPECT_EQ(ask(IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, buffer, sizeof buffer), STATUS_SUCCESS);
  DISK_GEOMETRY_EX geometry;
  std::memcpy(&geometry, buffer, sizeof geometry);
  EXPECT_EQ(geometry.DiskSize.QuadPart, 256 << 20);
  DISK_PARTITION_INFO identity;
  std::memcpy(&identity, buffer + FIELD_OFFSET(DISK_GEOMETRY_EX, Data), sizeof identity);
  EXPECT_EQ(identity.Mbr.Signature, 0xCAFE1234u);
  EXPECT_EQ(ask(0x00220000, buffer, sizeof buffer), STATUS_INVALID_DEVICE_REQUEST) << "a private code";
  EXPECT_EQ(ask(IOCTL_DISK_CHECK_VERIFY, nullptr, 0), STATUS_SUCCESS);
}

TEST_P(IoTest, APropertyQueryReadsItsInput) {
  kernel().create_volume(facts());
  STORAGE_PROPERTY_QUERY query{StorageAccessAlignmentProperty, PropertyStandardQuery, {0}};
  STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR alignment{};
  EXPECT_EQ(ask(IOCTL_STORAGE_QUERY_PROPERTY, &alignment, sizeof alignment, &query, sizeof query), STATUS_SUCCESS);
  EXPECT_EQ(alignment.BytesPerPhysicalSector, 512u);
  EXPECT_EQ(ask(IOCTL_STORAGE_QUERY_PROPERTY, &alignment, sizeof alignment, &query, 4), STATUS_INVALID_PARAMETER);
  query.PropertyId = StorageMiniportProperty;
  EXPECT_EQ(ask(IOCTL_STORAGE_QUERY_PROPERTY, &alignment, sizeof alignment, &query, sizeof query),
            STATUS_INVALID_DEVICE_REQUEST);
}

TEST_P(IoTest, DevicesHaveTheirTrueShape) {
  kernel().create_volume(facts());
  PDEVICE_OBJECT top = volume();
  EXPECT_EQ(sizeof(DEVICE_OBJECT), 0x150u);
  EXPECT_EQ(top->Type, IO_TYPE_DEVICE);
  EXPECT_EQ(top->StackSize, 8) << "volsnap, volmgr, partmgr, disk, and room for four on the disk";
  EXPECT_EQ(top->AttachedDevice, nullptr);
  EXPECT_EQ(view(top->DriverObject->DriverName), u"\\Driver\\volsnap");
  Counted name(u"\\device\\HARDDISKVOLUME3");
  PFILE_OBJECT file = nullptr;
  PDEVICE_OBJECT device = nullptr;
  EXPECT_EQ(K(IoGetDeviceObjectPointer)(&name, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
  EXPECT_EQ(device, top) << "the top of the stack";
  EXPECT_EQ(view(file->DeviceObject->DriverObject->DriverName), u"\\Driver\\volmgr");
  EXPECT_EQ(K(IoGetRelatedDeviceObject)(file), top);
  EXPECT_EQ(K(IoGetAttachedDeviceReference)(file->DeviceObject), top);
  EXPECT_EQ(K(ObfDereferenceObject)(top), 1);
  EXPECT_EQ(K(ObfReferenceObject)(file), 2);
  EXPECT_EQ(K(ObfDereferenceObject)(file), 1);
  EXPECT_EQ(K(ObfDereferenceObject)(file), 0);
  bugcheck_of(0x18, [&] { K(ObfDereferenceObject)(file); });
  Counted unknown(u"\\Device\\VeraCrypt");
  EXPECT_EQ(K(IoGetDeviceObjectPointer)(&unknown, GENERIC_ALL, &file, &device), STATUS_OBJECT_NAME_NOT_FOUND);
  Counted relative(u"VeraCrypt");
  EXPECT_EQ(K(IoGetDeviceObjectPointer)(&relative, GENERIC_ALL, &file, &device), STATUS_OBJECT_NAME_INVALID);
  kernel().name_device("\\Device\\VeraCrypt", top);
  EXPECT_EQ(K(IoGetDeviceObjectPointer)(&unknown, GENERIC_ALL, &file, &device), STATUS_SUCCESS);
  K(ObfDereferenceObject)(file);
}

TEST_P(IoTest, AFilterIsToldOfItsVolume) {
  kernel().create_volume(facts());
  FILTER_EXTENSION extension{};
  kernel().describe_volume(extension);
  EXPECT_EQ(extension.DeviceObject, volume());
  EXPECT_EQ(extension.DiskSize.QuadPart, 256 << 20);
  EXPECT_EQ(extension.Geometry.BytesPerSector, 512u);
  EXPECT_EQ(extension.PartitionInfo.PartitionStyle, PARTITION_STYLE_MBR);
}

// ---- a driver of our own, in either convention ----

struct Seen {
  ULONG code = 0, in = 0, out = 0;
  void* system = nullptr;
  void* user = nullptr;
  void* type3 = nullptr;
  PMDL mdl = nullptr;
  std::string input;
  int completions = 0;
  NTSTATUS completed_with = 0;
};
Seen seen;

NTSTATUS answer(PIRP irp) {
  const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  seen.code = stack->Parameters.DeviceIoControl.IoControlCode;
  seen.in = stack->Parameters.DeviceIoControl.InputBufferLength;
  seen.out = stack->Parameters.DeviceIoControl.OutputBufferLength;
  seen.system = irp->AssociatedIrp.SystemBuffer;
  seen.user = irp->UserBuffer;
  seen.type3 = stack->Parameters.DeviceIoControl.Type3InputBuffer;
  seen.mdl = irp->MdlAddress;
  if (seen.system != nullptr) seen.input.assign(static_cast<char*>(seen.system), seen.in);
  return complete(irp, STATUS_SUCCESS, 0);
}
NTSTATUS dispatch_system_v(PDEVICE_OBJECT, PIRP irp) {
  return answer(irp);
}
__attribute__((ms_abi)) NTSTATUS dispatch_microsoft(PDEVICE_OBJECT, PIRP irp) {
  return answer(irp);
}
NTSTATUS completion(PDEVICE_OBJECT, PIRP irp, PVOID context) {
  ++static_cast<Seen*>(context)->completions;
  static_cast<Seen*>(context)->completed_with = irp->IoStatus.Status;
  return STATUS_SUCCESS;
}

TEST_P(IoTest, EachMethodPassesItsBuffers) {
  // A driver that is not the host's: no HostDispatch, its entries are reached through the gate.
  const void* entry = GetParam() == Convention::system_v ? reinterpret_cast<const void*>(&dispatch_system_v)
                                                         : reinterpret_cast<const void*>(&dispatch_microsoft);
  kernel().register_image(9, "main", entry, 64, GetParam());
  PDRIVER_OBJECT driver = create_driver(kernel(), 9, "main", entry);
  driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = reinterpret_cast<PDRIVER_DISPATCH>(const_cast<void*>(entry));
  PDEVICE_OBJECT device = create_device(kernel(), driver, 0, FILE_DEVICE_UNKNOWN, 0);
  char in[] = "input";
  char out[64];
  for (const ULONG method : {METHOD_BUFFERED, METHOD_IN_DIRECT, METHOD_OUT_DIRECT, METHOD_NEITHER}) {
    SCOPED_TRACE(method);
    seen = {};
    IO_STATUS_BLOCK iosb{};
    const ULONG code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, method, FILE_ANY_ACCESS);
    PIRP irp = K(IoBuildDeviceIoControlRequest)(code, device, in, 5, out, 64, FALSE, nullptr, &iosb);
    EXPECT_EQ(irp->RequestorMode, KernelMode);
    IoSetCompletionRoutine(irp, completion, &seen, TRUE, TRUE, TRUE);
    EXPECT_EQ(K(IofCallDriver)(device, irp), STATUS_SUCCESS);
    EXPECT_EQ(seen.code, code);
    EXPECT_EQ(seen.in, 5u);
    EXPECT_EQ(seen.out, 64u);
    EXPECT_EQ(seen.completions, 1);
    if (method == METHOD_NEITHER) {
      EXPECT_EQ(seen.system, nullptr);
      EXPECT_EQ(seen.type3, in);
      EXPECT_EQ(seen.user, out);
    } else {
      EXPECT_EQ(seen.input, "input");
      EXPECT_EQ(seen.mdl != nullptr, method != METHOD_BUFFERED);
    }
  }
  seen = {};
  PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, device, nullptr, 0, nullptr, 0, TRUE, nullptr, nullptr);
  EXPECT_EQ(K(IofCallDriver)(device, irp), STATUS_INVALID_DEVICE_REQUEST) << "no entry for internal control";
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(IoTest, ReadsAndWritesFollowTheDevicesFlags) {
  PDRIVER_OBJECT driver = create_driver(kernel(), 9, "main", nullptr);
  PDEVICE_OBJECT device = create_device(kernel(), driver, 0, FILE_DEVICE_DISK, 0);
  char buffer[512] = "data";
  LARGE_INTEGER start{.QuadPart = 4096};
  IO_STATUS_BLOCK iosb{};
  device->Flags = DO_DIRECT_IO;
  PIRP irp = K(IoBuildSynchronousFsdRequest)(IRP_MJ_READ, device, buffer, 512, &start, nullptr, &iosb);
  ASSERT_NE(irp->MdlAddress, nullptr);
  EXPECT_TRUE(irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED);
  EXPECT_EQ(IoGetNextIrpStackLocation(irp)->Parameters.Read.ByteOffset.QuadPart, 4096);
  EXPECT_EQ(K(IofCallDriver)(device, irp), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(iosb.Status, STATUS_INVALID_DEVICE_REQUEST);
  device->Flags = DO_BUFFERED_IO;
  irp = K(IoBuildAsynchronousFsdRequest)(IRP_MJ_WRITE, device, buffer, 512, &start, &iosb);
  EXPECT_STREQ(static_cast<char*>(irp->AssociatedIrp.SystemBuffer), "data");
  K(IofCallDriver)(device, irp);
  device->Flags = 0;
  irp = K(IoBuildSynchronousFsdRequest)(IRP_MJ_WRITE, device, buffer, 512, &start, nullptr, &iosb);
  EXPECT_EQ(irp->UserBuffer, buffer);
  K(IofCallDriver)(device, irp);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(IoTest, ABufferThatCannotBeLockedMakesNoRequestAndLeaksNone) {
  PDRIVER_OBJECT driver = create_driver(kernel(), 9, "main", nullptr);
  PDEVICE_OBJECT device = create_device(kernel(), driver, 0, FILE_DEVICE_DISK, 0);
  device->Flags = DO_DIRECT_IO;
  auto* nowhere = reinterpret_cast<void*>(0x10000);
  LARGE_INTEGER start{.QuadPart = 4096};
  IO_STATUS_BLOCK iosb{};
  char in[4] = {};
  in_driver([&] {
    for (const ULONG method : {METHOD_IN_DIRECT, METHOD_OUT_DIRECT}) {
      const ULONG code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, method, FILE_ANY_ACCESS);
      EXPECT_EQ(K(IoBuildDeviceIoControlRequest)(code, device, in, 4, nowhere, 64, FALSE, nullptr, &iosb), nullptr);
    }
    EXPECT_EQ(K(IoBuildSynchronousFsdRequest)(IRP_MJ_READ, device, nowhere, 512, &start, nullptr, &iosb), nullptr);
    EXPECT_EQ(K(IoBuildAsynchronousFsdRequest)(IRP_MJ_WRITE, device, nowhere, 512, &start, &iosb), nullptr);
  });
  EXPECT_FALSE(machine().bugcheck.raised);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(IoTest, AForwardedIrpComesBackToItsSender) {
  kernel().create_volume(facts());
  STORAGE_DEVICE_NUMBER number{};
  const auto own = [&](CCHAR locations) {
    PIRP irp = K(IoAllocateIrp)(locations, FALSE);
    IoSetNextIrpStackLocation(irp);  // as if the sender had been called with it
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_STORAGE_GET_DEVICE_NUMBER;
    stack->Parameters.DeviceIoControl.OutputBufferLength = sizeof number;
    irp->AssociatedIrp.SystemBuffer = &number;
    return irp;
  };
  PIRP irp = own(static_cast<CCHAR>(volume()->StackSize + 1));
  const CHAR location = irp->CurrentLocation;
  EXPECT_EQ(K(IoForwardIrpSynchronously)(volume(), irp), TRUE);
  EXPECT_EQ(irp->IoStatus.Status, STATUS_SUCCESS);
  EXPECT_EQ(irp->IoStatus.Information, sizeof number);
  EXPECT_EQ(number.PartitionNumber, 3u);
  EXPECT_EQ(irp->CurrentLocation, location) << "the sender's again, to be completed by it";
  K(IoFreeIrp)(irp);
  // Without a location for the driver below nothing is sent.
  number = {};
  irp = own(1);
  EXPECT_EQ(K(IoForwardIrpSynchronously)(volume(), irp), FALSE);
  EXPECT_EQ(number.PartitionNumber, 0u);
  K(IoFreeIrp)(irp);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(IoTest, ARequestIsTheOneProcesss) {
  kernel().create_volume(facts());
  PIRP irp = K(IoBuildAsynchronousFsdRequest)(IRP_MJ_FLUSH_BUFFERS, volume(), nullptr, 0, nullptr, nullptr);
  ASSERT_NE(irp, nullptr);
  EXPECT_EQ(K(IoGetRequestorProcess)(irp), K(IoGetCurrentProcess)());
  EXPECT_EQ(K(IoGetRequestorProcessId)(irp), 4u);
  EXPECT_EQ(K(IoIs32bitProcess)(irp), FALSE);
  EXPECT_EQ(K(PsGetProcessId)(K(IoGetCurrentProcess)()), K(PsGetCurrentProcessId)());
  irp->Tail.Overlay.Thread = nullptr;
  EXPECT_EQ(K(IoGetRequestorProcess)(irp), nullptr) << "a driver's own IRP has no thread";
  EXPECT_EQ(K(IoGetRequestorProcessId)(irp), 0u);
  K(IoFreeIrp)(irp);
}

TEST_P(IoTest, MisusedIrpsStopTheMachine) {
  kernel().create_volume(facts());
  PIRP irp = K(IoAllocateIrp)(1, FALSE);
  EXPECT_EQ(irp->CurrentLocation, 2);
  EXPECT_EQ(irp->Size, sizeof(IRP) + sizeof(IO_STACK_LOCATION));
  EXPECT_EQ(K(IoAllocateIrp)(0, FALSE), nullptr);
  irp->IoStatus.Information = 5;
  K(IoReuseIrp)(irp, STATUS_PENDING);
  EXPECT_EQ(irp->IoStatus.Status, STATUS_PENDING);
  EXPECT_EQ(irp->IoStatus.Information, 0u);
  irp->CurrentLocation = 1;
  bugcheck_of(0x35, [&] { K(IofCallDriver)(volume(), irp); });
  K(IoFreeIrp)(irp);
  bugcheck_of(0x44, [&] { K(IoFreeIrp)(irp); });
  bugcheck_of(0x44, [&] { K(IofCompleteRequest)(irp, 0); });
}

}  // namespace
}  // namespace dumpsim::kernel::test
