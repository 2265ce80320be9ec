// SPDX-License-Identifier: Apache-2.0
// Handles to the devices of ordinary drivers, what objects are called, and what is logged about them.
#include <cstring>

#include "driver_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

class DeviceHandleTest : public DriverTest {
 public:
  NTSTATUS open(const char16_t* name, HANDLE& handle, ULONG options = FILE_SYNCHRONOUS_IO_NONALERT) {
    Counted counted(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &counted, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    return K(ZwOpenFile)(&handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &io, 0, options);
  }
  NTSTATUS control(HANDLE handle, ULONG code, const void* in, ULONG in_bytes, void* out, ULONG out_bytes) {
    return K(ZwDeviceIoControlFile)(handle, nullptr, nullptr, nullptr, &io, code, const_cast<void*>(in), in_bytes, out,
                                    out_bytes);
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const Noted& one : noted(Kind::callback_entered)) {
      if (one.record.callback == Callback::dispatch) all.push_back(trace::request_words(one.record.arg));
    }
    return all;
  }
  IO_STATUS_BLOCK io{};
};
DUMPSIM_BOTH_CONVENTIONS(DeviceHandleTest);

TEST_P(DeviceHandleTest, ADeviceIsOpenedAskedAndClosed) {
  PDEVICE_OBJECT device = nullptr;
  PFILE_OBJECT file = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    EXPECT_NE(stack->FileObject, nullptr);
    if (file == nullptr) file = stack->FileObject;
    EXPECT_EQ(stack->FileObject, file) << "the same for all of a handle's requests";
    EXPECT_EQ(irp->RequestorMode, KernelMode);
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL) return complete(irp, STATUS_SUCCESS, 0);
    EXPECT_EQ(stack->Parameters.DeviceIoControl.InputBufferLength, 3u);
    auto* bytes = static_cast<char*>(irp->AssociatedIrp.SystemBuffer);
    EXPECT_EQ(std::string_view(bytes, 3), "in!");
    std::memcpy(bytes, "out", 3);
    return complete(irp, STATUS_SUCCESS, 3);
  };
  HANDLE handle = nullptr;
  ASSERT_EQ(open(u"\\Device\\main", handle), STATUS_SUCCESS);
  EXPECT_EQ(io.Information, ULONG_PTR{FILE_OPENED});
  EXPECT_EQ(device->ReferenceCount, 1);
  char out[8] = {};
  EXPECT_EQ(control(handle, 0x222004, "in!", 3, out, sizeof out), STATUS_SUCCESS);
  EXPECT_STREQ(out, "out");
  EXPECT_EQ(io.Information, 3u);
  EXPECT_EQ(K(ZwFsControlFile)(handle, nullptr, nullptr, nullptr, &io, 0x90018, nullptr, 99, nullptr, 99),
            STATUS_SUCCESS)
      << "lengths without a buffer are not looked at";
  EXPECT_EQ(K(ZwFlushBuffersFile)(handle, &io), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwClose)(handle), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwClose)(handle), STATUS_INVALID_HANDLE);
  EXPECT_EQ(device->ReferenceCount, 0);
  EXPECT_THAT(asked(), testing::ElementsAre("IRP_MJ_CREATE", "IRP_MJ_DEVICE_CONTROL 0x222004",
                                            "IRP_MJ_FILE_SYSTEM_CONTROL 0x90018", "IRP_MJ_FLUSH_BUFFERS",
                                            "IRP_MJ_CLEANUP", "IRP_MJ_CLOSE"));
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_TRUE(kernel().io().handle_requests.empty());
}

TEST_P(DeviceHandleTest, ASynchronousHandleWaitsAndHasAPosition) {
  std::vector<PIRP> kept;
  std::vector<LONGLONG> at;
  load([&](PDRIVER_OBJECT) { make(u"\\Device\\Main")->Flags |= DO_BUFFERED_IO; });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (stack->MajorFunction != IRP_MJ_READ && stack->MajorFunction != IRP_MJ_WRITE) {
      return complete(irp, STATUS_SUCCESS, 0);
    }
    at.push_back(stack->Parameters.Read.ByteOffset.QuadPart);
    if (stack->MajorFunction == IRP_MJ_READ) std::memset(irp->AssociatedIrp.SystemBuffer, 'r', 16);
    IoMarkIrpPending(irp);
    kept.push_back(irp);
    return STATUS_PENDING;
  };
  const auto finish = [&] {
    while (!kept.empty()) {
      complete(kept.back(), STATUS_SUCCESS, 16);
      kept.pop_back();
    }
  };
  char buffer[17] = {};
  in_driver([&] {
    HANDLE handle = nullptr, thread = nullptr;
    EXPECT_EQ(open(u"\\Device\\Main", handle), STATUS_SUCCESS);
    on_thread = [&](PVOID) { finish(); };
    K(PsCreateSystemThread)
    (&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, as<PKSTART_ROUTINE>(OWN(thread)), nullptr);
    EXPECT_EQ(K(ZwReadFile)(handle, nullptr, nullptr, nullptr, &io, buffer, 16, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(io.Information, 16u);
    EXPECT_STREQ(buffer, "rrrrrrrrrrrrrrrr");
    K(ZwClose)(thread);
    K(PsCreateSystemThread)
    (&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, as<PKSTART_ROUTINE>(OWN(thread)), nullptr);
    EXPECT_EQ(K(ZwWriteFile)(handle, nullptr, nullptr, nullptr, &io, buffer, 16, nullptr, nullptr), STATUS_SUCCESS);
    K(ZwClose)(thread);
    K(ZwClose)(handle);
  });
  EXPECT_THAT(at, testing::ElementsAre(0, 16));
  EXPECT_FALSE(machine().bugcheck.raised);
}

TEST_P(DeviceHandleTest, AnAsynchronousHandleIsWaitedForByItself) {
  PIRP kept = nullptr;
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction != IRP_MJ_DEVICE_CONTROL) {
      return complete(irp, STATUS_SUCCESS, 0);
    }
    IoMarkIrpPending(irp);
    kept = irp;
    return STATUS_PENDING;
  };
  HANDLE handle = nullptr;
  ASSERT_EQ(open(u"\\Device\\Main", handle, 0), STATUS_SUCCESS);
  EXPECT_EQ(control(handle, 0x222004, nullptr, 0, nullptr, 0), STATUS_PENDING);
  LARGE_INTEGER none{};
  EXPECT_EQ(K(ZwWaitForSingleObject)(handle, FALSE, &none), STATUS_TIMEOUT);
  EXPECT_EQ(K(ZwReadFile)(handle, nullptr, nullptr, nullptr, &io, &none, 8, nullptr, nullptr), STATUS_INVALID_PARAMETER)
      << "it has no position";
  // The request keeps the file, and with it the event, beyond its handle.
  EXPECT_EQ(K(ZwClose)(handle), STATUS_SUCCESS);
  EXPECT_EQ(device->ReferenceCount, 1);
  complete(kept, STATUS_SUCCESS, 0);
  EXPECT_EQ(device->ReferenceCount, 0);
  EXPECT_EQ(asked().back(), "IRP_MJ_CLOSE");
}

TEST_P(DeviceHandleTest, WhatIsNoDeviceIsRefused) {
  load([&](auto) { make(u"\\Device\\Main"); });
  HANDLE handle = nullptr;
  EXPECT_EQ(open(u"\\Device\\Nobody", handle), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_THAT(texts(Kind::device_opened), testing::ElementsAre("\\Device\\Nobody"));
  EXPECT_EQ(open(u"\\SystemRoot\\Temp", handle), STATUS_SUCCESS);
  EXPECT_EQ(control(handle, 0x222004, nullptr, 0, nullptr, 0), STATUS_INVALID_PARAMETER) << "a folder";
  EXPECT_EQ(K(ZwFsControlFile)(handle, nullptr, nullptr, nullptr, &io, 0x90018, nullptr, 0, nullptr, 0),
            STATUS_INVALID_DEVICE_REQUEST);
  K(ZwClose)(handle);
  EXPECT_EQ(control(handle, 0x222004, nullptr, 0, nullptr, 0), STATUS_INVALID_HANDLE);
  ASSERT_EQ(open(u"\\Device\\Main", handle), STATUS_SUCCESS);
  FILE_STANDARD_INFORMATION standard;
  EXPECT_EQ(K(ZwQueryInformationFile)(handle, &io, &standard, sizeof standard, FileStandardInformation),
            STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(K(ZwDeviceIoControlFile)(handle, handle, nullptr, nullptr, &io, 0x222004, nullptr, 0, nullptr, 0),
            STATUS_INVALID_HANDLE)
      << "no event";
  const auto apc = as<PIO_APC_ROUTINE>(OWN(thread));
  const std::size_t before = asked().size();
  char buffer[8] = {};
  LARGE_INTEGER start{};
  EXPECT_EQ(K(ZwDeviceIoControlFile)(handle, nullptr, apc, nullptr, &io, 0x222004, nullptr, 0, nullptr, 0),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(ZwFsControlFile)(handle, nullptr, apc, nullptr, &io, 0x90018, nullptr, 0, nullptr, 0),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(ZwReadFile)(handle, nullptr, apc, nullptr, &io, buffer, 8, &start, nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(ZwWriteFile)(handle, nullptr, apc, nullptr, &io, buffer, 8, &start, nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(ZwReadFile)(handle, handle, nullptr, nullptr, &io, buffer, 8, &start, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(K(ZwFsControlFile)(handle, handle, nullptr, nullptr, &io, 0x90018, nullptr, 0, nullptr, 0),
            STATUS_INVALID_HANDLE);
  EXPECT_EQ(asked().size(), before) << "the driver hears of none of these";
  K(ZwClose)(handle);
}

TEST_P(DeviceHandleTest, AtARaisedIrqlAHandleIsAsThePolicySays) {
  const auto opened = [&](RaisedFiles policy) {
    restart({.raised_files = policy});
    prepare();
    load([&](auto) { make(u"\\Device\\Main")->Flags |= DO_BUFFERED_IO; });
    HANDLE handle = nullptr;
    EXPECT_EQ(open(u"\\Device\\Main", handle), STATUS_SUCCESS);
    return handle;
  };
  char buffer[8] = {};
  LARGE_INTEGER start{};
  const auto statuses = [&](HANDLE handle, KIRQL irql) {
    const KIRQL before = K(KfRaiseIrql)(irql);
    HANDLE another = nullptr;
    const std::vector<NTSTATUS> all{
        control(handle, 0x222004, nullptr, 0, nullptr, 0),
        K(ZwFsControlFile)(handle, nullptr, nullptr, nullptr, &io, 0x90018, nullptr, 0, nullptr, 0),
        K(ZwReadFile)(handle, nullptr, nullptr, nullptr, &io, buffer, 8, &start, nullptr),
        K(ZwWriteFile)(handle, nullptr, nullptr, nullptr, &io, buffer, 8, &start, nullptr),
        K(ZwFlushBuffersFile)(handle, &io),
        open(u"\\Device\\Main", another)};
    K(KeLowerIrql)(before);
    return all;
  };
  using testing::Each;
  HANDLE handle = opened(RaisedFiles::fail);
  EXPECT_THAT(statuses(handle, APC_LEVEL), Each(STATUS_SUCCESS));
  const std::size_t before = asked().size();
  EXPECT_GT(before, 5u);
  for (const KIRQL irql : {DISPATCH_LEVEL, HIGH_LEVEL}) {
    EXPECT_THAT(statuses(handle, irql), Each(STATUS_UNSUCCESSFUL)) << int{irql};
  }
  EXPECT_EQ(asked().size(), before) << "the driver is not asked";
  EXPECT_GT(violations(trace::Rule::irql_too_high), 0u);

  handle = opened(RaisedFiles::work);
  EXPECT_THAT(statuses(handle, DISPATCH_LEVEL), Each(STATUS_SUCCESS));
  EXPECT_THAT(asked(), testing::ElementsAre("IRP_MJ_CREATE", "IRP_MJ_DEVICE_CONTROL 0x222004",
                                            "IRP_MJ_FILE_SYSTEM_CONTROL 0x90018", "IRP_MJ_READ", "IRP_MJ_WRITE",
                                            "IRP_MJ_FLUSH_BUFFERS", "IRP_MJ_CREATE"));

  handle = opened(RaisedFiles::bugcheck);
  const auto stops = [&](std::function<void()> code) {
    set_irql(DISPATCH_LEVEL);
    EXPECT_EQ(bugcheck_of(IRQL_NOT_LESS_OR_EQUAL, std::move(code))[1], DISPATCH_LEVEL);
    set_irql(PASSIVE_LEVEL);
  };
  stops([&] { control(handle, 0x222004, nullptr, 0, nullptr, 0); });
  stops([&] { K(ZwReadFile)(handle, nullptr, nullptr, nullptr, &io, buffer, 8, &start, nullptr); });
  stops([&] { K(ZwFlushBuffersFile)(handle, &io); });
}

TEST_P(DeviceHandleTest, ObjectsTellTheirNames) {
  PDEVICE_OBJECT device = nullptr, nameless = nullptr;
  load([&](PDRIVER_OBJECT driver) {
    device = make(u"\\Device\\Main");
    K(IoCreateDevice)(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &nameless);
  });
  alignas(8) std::byte buffer[128];
  auto* answer = reinterpret_cast<POBJECT_NAME_INFORMATION>(buffer);
  const auto name_of = [&](void* object) {
    ULONG needed = 0;
    EXPECT_EQ(K(ObQueryNameString)(object, answer, sizeof buffer, &needed), STATUS_SUCCESS);
    EXPECT_EQ(needed, sizeof(OBJECT_NAME_INFORMATION) + answer->Name.MaximumLength);
    return answer->Name.Buffer == nullptr ? std::u16string(u"(none)") : std::u16string(view(answer->Name));
  };
  EXPECT_EQ(name_of(device), u"\\Device\\Main");
  EXPECT_EQ(answer->Name.Buffer[answer->Name.Length / sizeof(WCHAR)], 0);
  EXPECT_EQ(name_of(driver_), u"\\Driver\\main");
  EXPECT_EQ(name_of(nameless), u"(none)");
  PFILE_OBJECT file = nullptr;
  ASSERT_EQ(DriverTest::open(u"\\Device\\Main\\part", file), STATUS_SUCCESS);
  EXPECT_EQ(name_of(file), u"\\Device\\Main\\part");
  K(ObfDereferenceObject)(file);
  Counted callback_name(u"\\Callback\\Mine");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &callback_name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  PCALLBACK_OBJECT callback = nullptr;
  ASSERT_EQ(K(ExCreateCallback)(&callback, &attributes, TRUE, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(name_of(callback), u"\\Callback\\Mine");
  K(ObfDereferenceObject)(callback);
  in_driver([&] {
    on_thread = [](PVOID) {};
    HANDLE thread = nullptr;
    PVOID object = nullptr;
    ASSERT_EQ(K(PsCreateSystemThread)(&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr,
                                      as<PKSTART_ROUTINE>(OWN(thread)), nullptr),
              STATUS_SUCCESS);
    ASSERT_EQ(K(ObReferenceObjectByHandle)(thread, 0, nullptr, KernelMode, &object, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(name_of(object), u"(none)") << "a thread";
    EXPECT_EQ(answer->Name.Length, 0);
    K(KeWaitForSingleObject)(object, Executive, KernelMode, FALSE, nullptr);
    K(ObfDereferenceObject)(object);
    K(ZwClose)(thread);
  });
  ULONG needed = 0;
  EXPECT_EQ(K(ObQueryNameString)(device, nullptr, 0, &needed), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(needed, sizeof(OBJECT_NAME_INFORMATION) + 13 * sizeof(WCHAR));
  EXPECT_EQ(K(ObQueryNameString)(device, answer, needed - 1, &needed), STATUS_INFO_LENGTH_MISMATCH);
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(ObQueryNameString)(buffer, answer, 64, &needed); });
}

TEST_P(DeviceHandleTest, WhatIsLoggedIsInTheTrace) {
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  constexpr char16_t text[] = u"first\0second";
  constexpr UCHAR fixed = sizeof(IO_ERROR_LOG_PACKET) + sizeof(ULONG);
  auto* packet = static_cast<PIO_ERROR_LOG_PACKET>(K(IoAllocateErrorLogEntry)(device, fixed + sizeof text));
  ASSERT_NE(packet, nullptr);
  EXPECT_EQ(packet->ErrorCode, 0) << "zeroed";
  packet->ErrorCode = static_cast<NTSTATUS>(0xC0040001);
  packet->FinalStatus = STATUS_DEVICE_NOT_READY;
  packet->UniqueErrorValue = 0x17;
  packet->DumpDataSize = 2 * sizeof(ULONG);
  packet->DumpData[0] = 0xAB;
  packet->DumpData[1] = 0xCD;
  packet->NumberOfStrings = 3;  // one more than there are: what is not there is not shown
  packet->StringOffset = fixed;
  std::memcpy(reinterpret_cast<std::byte*>(packet) + fixed, text, sizeof text);
  K(IoWriteErrorLogEntry)(packet);
  const auto logged = noted(Kind::error_logged);
  ASSERT_EQ(logged.size(), 1u);
  EXPECT_EQ(logged[0].record.arg, 0xC0040001u);
  EXPECT_EQ(logged[0].record.status, STATUS_DEVICE_NOT_READY);
  EXPECT_EQ(logged[0].record.flags, 0x17u);
  EXPECT_EQ(logged[0].text, std::string("\\Device\\Main") + '\0' + "\"first\", \"second\", dump data 0xab 0xcd");
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_EQ(violations(trace::Rule::pool_bad_free), 0u);
  K(IoWriteErrorLogEntry)(packet);
  EXPECT_EQ(violations(trace::Rule::pool_bad_free), 1u) << "written before";
}

TEST_P(DeviceHandleTest, ErrorLogEntriesHaveTheirLimits) {
  load();
  EXPECT_EQ(K(IoAllocateErrorLogEntry)(driver_, ERROR_LOG_MAXIMUM_SIZE + 1), nullptr);
  EXPECT_EQ(K(IoAllocateErrorLogEntry)(driver_, sizeof(IO_ERROR_LOG_PACKET) / 2), nullptr);
  void* entry = K(IoAllocateErrorLogEntry)(driver_, ERROR_LOG_MAXIMUM_SIZE);
  ASSERT_NE(entry, nullptr);
  // A packet that says it is larger than it is: what lies behind it is not read.
  auto* packet = static_cast<PIO_ERROR_LOG_PACKET>(entry);
  packet->DumpDataSize = 0xFFFC;
  packet->NumberOfStrings = 0xFFFF;
  packet->StringOffset = 0xFFF0;
  K(IoWriteErrorLogEntry)(entry);
  packet = static_cast<PIO_ERROR_LOG_PACKET>(K(IoAllocateErrorLogEntry)(driver_, ERROR_LOG_MAXIMUM_SIZE));
  packet->NumberOfStrings = 1;
  packet->StringOffset = ERROR_LOG_MAXIMUM_SIZE - 5;
  std::memcpy(reinterpret_cast<std::byte*>(packet) + packet->StringOffset, u"ab", 4);
  K(IoWriteErrorLogEntry)(packet);
  EXPECT_THAT(texts(Kind::error_logged).back(), testing::HasSubstr("\"ab\"")) << "at an odd place, up to the end";
  EXPECT_THAT(texts(Kind::error_logged).back(), testing::StartsWith("\\Driver\\main"));
  entry = K(IoAllocateErrorLogEntry)(driver_, sizeof(IO_ERROR_LOG_PACKET));
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 1u) << "the driver's, until it is given up";
  K(IoFreeErrorLogEntry)(entry);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_EQ(noted(Kind::error_logged).size(), 2u) << "nothing is logged of one that was freed";
  for (const bool write : {false, true}) {
    entry = K(IoAllocateErrorLogEntry)(driver_, sizeof(IO_ERROR_LOG_PACKET));
    K(ExFreePool)(entry);
    const std::uint64_t before = violations(trace::Rule::pool_bad_free);
    write ? K(IoWriteErrorLogEntry)(entry) : K(IoFreeErrorLogEntry)(entry);
    EXPECT_EQ(violations(trace::Rule::pool_bad_free), before + 1) << "freed as pool";
  }
  EXPECT_EQ(noted(Kind::error_logged).size(), 2u);
}

}  // namespace
}  // namespace dumpsim::kernel::test
