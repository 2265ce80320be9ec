// SPDX-License-Identifier: Apache-2.0
// Ordinary drivers: their objects, devices and links, what is sent to them and what they make of it.
#include <cstring>

#include "kernel/drivers.hpp"
#include "kernel/io_objects.hpp"
#include "kernel_fixture.hpp"
#include "trace/requests.hpp"

namespace dumpsim::kernel::test {
namespace {

using trace::Callback;
using trace::Kind;

constexpr std::uint16_t driver_image = 9;

/// What the driver's routines do: set by each test.
std::function<NTSTATUS(PDRIVER_OBJECT, PUNICODE_STRING)> on_entry;
std::function<NTSTATUS(PDEVICE_OBJECT, PIRP)> on_irp;
std::function<NTSTATUS(PDEVICE_OBJECT, PIRP, PVOID)> on_completion;
std::function<void(PDEVICE_OBJECT, PIRP)> on_cancel;
std::function<NTSTATUS(PDRIVER_OBJECT, PDEVICE_OBJECT)> on_add_device;
std::function<void(PDRIVER_OBJECT)> on_unload;
std::function<void(PDRIVER_OBJECT, PVOID, ULONG)> on_reinitialize;
std::function<VOID(PVOID)> on_thread;

// One pair of routines each: a driver of either convention has those of its own.
#define ROUTINE(name, Return, parameters, arguments)           \
  Return name##_system_v parameters {                          \
    return on_##name arguments;                                \
  }                                                            \
  __attribute__((ms_abi)) Return name##_microsoft parameters { \
    return on_##name arguments;                                \
  }
ROUTINE(entry, NTSTATUS, (PDRIVER_OBJECT a, PUNICODE_STRING b), (a, b))
ROUTINE(irp, NTSTATUS, (PDEVICE_OBJECT a, PIRP b), (a, b))
ROUTINE(completion, NTSTATUS, (PDEVICE_OBJECT a, PIRP b, PVOID c), (a, b, c))
ROUTINE(cancel, VOID, (PDEVICE_OBJECT a, PIRP b), (a, b))
ROUTINE(add_device, NTSTATUS, (PDRIVER_OBJECT a, PDEVICE_OBJECT b), (a, b))
ROUTINE(unload, VOID, (PDRIVER_OBJECT a), (a))
ROUTINE(reinitialize, VOID, (PDRIVER_OBJECT a, PVOID b, ULONG c), (a, b, c))
ROUTINE(thread, VOID, (PVOID a), (a))
#undef ROUTINE

template <class Pointer>
Pointer as(const void* code) {
  return reinterpret_cast<Pointer>(const_cast<void*>(code));
}
#define OWN(name)                                                                       \
  (GetParam() == Convention::system_v ? reinterpret_cast<const void*>(&name##_system_v) \
                                      : reinterpret_cast<const void*>(&name##_microsoft))

class DriverTest : public KernelTest {
 public:
  DriverTest() {
    on_entry = [](auto, auto) { return STATUS_SUCCESS; };
    on_irp = [](auto, PIRP irp) { return complete(irp, STATUS_SUCCESS, 0); };
    on_completion = [](auto, auto, auto) { return STATUS_SUCCESS; };
    on_cancel = [](auto, auto) {};
    on_add_device = [](auto, auto) { return STATUS_SUCCESS; };
    on_unload = [](auto) {};
    on_reinitialize = [](auto, auto, auto) {};
    // Only the address counts: nothing of an image is read. All of the host's code is its code.
    const auto* code = reinterpret_cast<const std::byte*>(OWN(entry));
    kernel().register_image(driver_image, "main", code - (std::size_t{64} << 20), std::size_t{128} << 20, GetParam());
    kernel().set_current(trace::no_image, Callback::none);
    driver_ = create_driver(kernel(), driver_image, "main", OWN(entry));
  }

  /// Loads it as one that handles every request with on_irp, and `more` in its DriverEntry.
  void load(std::function<void(PDRIVER_OBJECT)> more = [](auto) {}) {
    on_entry = [this, more](PDRIVER_OBJECT driver, PUNICODE_STRING) {
      for (PDRIVER_DISPATCH& function : driver->MajorFunction) function = as<PDRIVER_DISPATCH>(OWN(irp));
      driver->DriverUnload = as<PDRIVER_UNLOAD>(OWN(unload));
      driver->DriverExtension->AddDevice = as<PDRIVER_ADD_DEVICE>(OWN(add_device));
      more(driver);
      return STATUS_SUCCESS;
    };
    const DriverCall call = call_driver_entry(kernel(), driver_);
    EXPECT_TRUE(call.returned);
    EXPECT_EQ(call.status, STATUS_SUCCESS);
    kernel().set_current(image, Callback::driver_entry);
  }

  PDEVICE_OBJECT make(const char16_t* name, BOOLEAN exclusive = FALSE) {
    Counted text(name);
    PDEVICE_OBJECT device = nullptr;
    EXPECT_EQ(K(IoCreateDevice)(driver_, 16, &text, FILE_DEVICE_UNKNOWN, 0, exclusive, &device), STATUS_SUCCESS);
    return device;
  }

  NTSTATUS open(const char16_t* name, PFILE_OBJECT& file) {
    Counted text(name);
    PDEVICE_OBJECT device = nullptr;
    return K(IoGetDeviceObjectPointer)(&text, GENERIC_READ, &file, &device);
  }

  /// The callbacks in the trace, "main Dispatch IRP…" left out what they returned.
  std::vector<std::string> calls() const {
    std::vector<std::string> all;
    for (const Noted& one : noted(Kind::callback_entered)) all.emplace_back(trace::name_of(one.record.callback));
    return all;
  }

  PDRIVER_OBJECT driver_ = nullptr;
};
DUMPSIM_BOTH_CONVENTIONS(DriverTest);

TEST_P(DriverTest, ADriverObjectIsReadyForDriverEntry) {
  std::u16string path;
  on_entry = [&](PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    path = view(*registry_path);
    EXPECT_EQ(driver, driver_);
    EXPECT_EQ(kernel().image(), driver_image);
    return STATUS_UNSUCCESSFUL;
  };
  EXPECT_EQ(view(driver_->DriverName), u"\\Driver\\main");
  EXPECT_EQ(view(driver_->DriverExtension->ServiceKeyName), u"main");
  EXPECT_EQ(driver_->Type, IO_TYPE_DRIVER);
  EXPECT_EQ(driver_->Size, 0x150);
  EXPECT_EQ(call_driver_entry(kernel(), driver_).status, STATUS_UNSUCCESSFUL);
  EXPECT_EQ(path, u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\main");
  const auto left = noted(Kind::callback_left);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].record.status, STATUS_UNSUCCESSFUL);
  EXPECT_EQ(left[0].record.image, driver_image);
  remove_driver(kernel(), driver_);
}

TEST_P(DriverTest, OpeningADeviceTellsItsDriverThreeTimes) {
  std::vector<int> majors;
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    majors.push_back(IoGetCurrentIrpStackLocation(irp)->MajorFunction);
    EXPECT_NE(IoGetCurrentIrpStackLocation(irp)->FileObject, nullptr);
    EXPECT_EQ(irp->RequestorMode, KernelMode);
    return complete(irp, STATUS_SUCCESS, 0);
  };
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  EXPECT_EQ(device->Flags & DO_DEVICE_INITIALIZING, 0u) << "DriverEntry is over";
  PFILE_OBJECT file = nullptr;
  EXPECT_EQ(open(u"\\device\\MAIN", file), STATUS_SUCCESS);
  EXPECT_EQ(majors, (std::vector<int>{IRP_MJ_CREATE, IRP_MJ_CLEANUP}));
  EXPECT_EQ(device->ReferenceCount, 1);
  EXPECT_EQ(left_behind(kernel(), image).references, "\\Device\\Main");
  EXPECT_EQ(K(ObfDereferenceObject)(file), 0);
  EXPECT_EQ(majors, (std::vector<int>{IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE}));
  EXPECT_EQ(device->ReferenceCount, 0);
  EXPECT_EQ(left_behind(kernel(), image).references, "");
  EXPECT_EQ(open(u"\\Device\\Main\\some\\file", file), STATUS_SUCCESS);
  EXPECT_EQ(view(file->FileName), u"\\some\\file");
  K(ObfDereferenceObject)(file);
  on_irp = [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_ACCESS_DENIED, 0); };
  EXPECT_EQ(open(u"\\Device\\Main", file), STATUS_ACCESS_DENIED);
  EXPECT_EQ(device->ReferenceCount, 0);
  EXPECT_EQ(open(u"\\Device\\Other", file), STATUS_OBJECT_NAME_NOT_FOUND);
  const auto asked = noted(Kind::device_opened);
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_EQ(asked[3].text, "\\Device\\Other");
  EXPECT_EQ(asked[3].record.status, STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(DriverTest, ADriverWithoutACreateRoutineCannotBeOpened) {
  EXPECT_EQ(call_driver_entry(kernel(), driver_).status, STATUS_SUCCESS);
  PDEVICE_OBJECT device = make(u"\\Device\\Main");
  PFILE_OBJECT file = nullptr;
  EXPECT_EQ(open(u"\\Device\\Main", file), STATUS_NO_SUCH_DEVICE) << "made after DriverEntry, and not declared ready";
  device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
  EXPECT_EQ(open(u"\\Device\\Main", file), STATUS_INVALID_DEVICE_REQUEST);
}

TEST_P(DriverTest, NamesAndLinksCollideAndGo) {
  load([&](auto) { make(u"\\Device\\Main", TRUE); });
  Counted name(u"\\Device\\Main"), dos(u"\\DosDevices\\Main"), question(u"\\??\\main"), bad(u"Main");
  PDEVICE_OBJECT device = nullptr;
  EXPECT_EQ(K(IoCreateDevice)(driver_, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(device, nullptr);
  EXPECT_EQ(K(IoCreateDevice)(driver_, 0, &bad, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(K(IoCreateSymbolicLink)(&dos, &name), STATUS_SUCCESS);
  EXPECT_EQ(K(IoCreateUnprotectedSymbolicLink)(&question, &name), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(left_behind(kernel(), image).links, "\\??\\Main");
  PFILE_OBJECT file = nullptr, second = nullptr;
  EXPECT_EQ(open(u"\\GLOBAL??\\MAIN", file), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\Device\\Main", second), STATUS_ACCESS_DENIED) << "exclusive";
  K(ObfDereferenceObject)(file);
  EXPECT_EQ(K(IoDeleteSymbolicLink)(&name), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(K(IoDeleteSymbolicLink)(&question), STATUS_SUCCESS);
  EXPECT_EQ(K(IoDeleteSymbolicLink)(&question), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"\\DosDevices\\Main", file), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(DriverTest, ADeviceInUseOutlivesItsDeletion) {
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  PFILE_OBJECT file = nullptr;
  EXPECT_EQ(open(u"\\Device\\Main", file), STATUS_SUCCESS);
  K(IoDeleteDevice)(device);
  EXPECT_EQ(driver_->DeviceObject, nullptr);
  EXPECT_EQ(left_behind(kernel(), driver_image).devices, "a deleted device that is still in use");
  bugcheck_of(0x18, [&] { K(IoDeleteDevice)(device); });
  PFILE_OBJECT second = nullptr;
  EXPECT_EQ(open(u"\\Device\\Main", second), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(K(ObfDereferenceObject)(file), 0);
  EXPECT_EQ(left_behind(kernel(), driver_image).devices, "");
  bugcheck_of(0x18, [&] { K(IoDeleteDevice)(device); });
}

TEST_P(DriverTest, DevicesStandOnEachOther) {
  kernel().create_volume({});
  auto* volume = static_cast<PDEVICE_OBJECT>(kernel().volume_device());
  PDEVICE_OBJECT mine = nullptr, below = nullptr, physical = nullptr;
  on_add_device = [&](PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo) {
    physical = pdo;
    EXPECT_EQ(K(IoCreateDevice)(driver, 0, nullptr, FILE_DEVICE_DISK, 0, FALSE, &mine), STATUS_SUCCESS);
    below = K(IoAttachDeviceToDeviceStack)(mine, pdo);
    mine->Flags = (mine->Flags | below->Flags) & ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    return STATUS_SUCCESS;
  };
  load();
  ASSERT_TRUE(has_add_device(driver_));
  EXPECT_EQ(call_add_device(kernel(), driver_).status, STATUS_SUCCESS);
  kernel().set_current(image, Callback::driver_entry);
  EXPECT_EQ(view(physical->DriverObject->DriverName), u"\\Driver\\volmgr");
  EXPECT_EQ(below, volume) << "what was on top before";
  EXPECT_EQ(kernel().volume_device(), mine);
  EXPECT_EQ(mine->StackSize, volume->StackSize + 1);
  EXPECT_EQ(K(IoGetLowerDeviceObject)(mine), volume);
  K(ObfDereferenceObject)(volume);
  EXPECT_EQ(K(IoGetDeviceAttachmentBaseRef)(mine), physical);
  K(ObfDereferenceObject)(physical);
  EXPECT_EQ(K(IoGetLowerDeviceObject)(physical), nullptr);
  K(IoDetachDevice)(below);
  EXPECT_EQ(kernel().volume_device(), volume);
  PDEVICE_OBJECT attached = nullptr;
  EXPECT_EQ(K(IoAttachDeviceToDeviceStackSafe)(mine, physical, &attached), STATUS_SUCCESS);
  EXPECT_EQ(attached, volume);
  K(IoDetachDevice)(below);
  Counted name(u"\\Device\\HarddiskVolume1");
  EXPECT_EQ(K(IoAttachDevice)(mine, &name, &attached), STATUS_SUCCESS);
  EXPECT_EQ(attached, volume);
}

TEST_P(DriverTest, ADeviceIsDetachedBeforeItIsDeleted) {
  kernel().create_volume({});
  auto* volume = static_cast<PDEVICE_OBJECT>(kernel().volume_device());
  load();
  for (const bool detaches : {true, false}) {
    PDEVICE_OBJECT mine = nullptr;
    EXPECT_EQ(K(IoCreateDevice)(driver_, 0, nullptr, FILE_DEVICE_DISK, 0, FALSE, &mine), STATUS_SUCCESS);
    EXPECT_EQ(K(IoAttachDeviceToDeviceStack)(mine, volume), volume);
    if (detaches) K(IoDetachDevice)(volume);
    K(IoDeleteDevice)(mine);
    EXPECT_EQ(kernel().volume_device(), volume);
    EXPECT_EQ(violations(trace::Rule::object_device_left), detaches ? 0u : 1u);
  }
}

TEST_P(DriverTest, TheVolumesDriversAreToldOfUsageAndPower) {
  kernel().create_volume({});
  PDEVICE_OBJECT mine = nullptr;
  std::vector<std::string> told;
  NTSTATUS answer = STATUS_SUCCESS;
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    EXPECT_EQ(irp->IoStatus.Status, STATUS_NOT_SUPPORTED) << "as every PnP and power IRP begins";
    if (stack->MajorFunction == IRP_MJ_PNP) {
      told.push_back("usage " + std::to_string(stack->Parameters.UsageNotification.Type) +
                     (stack->Parameters.UsageNotification.InPath ? " in" : " out"));
    } else {
      told.push_back(std::string(stack->MinorFunction == IRP_MN_QUERY_POWER ? "may " : "do ") +
                     std::to_string(stack->Parameters.Power.State.SystemState));
    }
    return complete(irp, answer, 0);
  };
  load([&](PDRIVER_OBJECT driver) {
    K(IoCreateDevice)(driver, 0, nullptr, FILE_DEVICE_DISK, 0, FALSE, &mine);
    K(IoAttachDeviceToDeviceStack)(mine, static_cast<PDEVICE_OBJECT>(kernel().volume_device()));
  });
  kernel().set_current(trace::no_image, Callback::none);
  EXPECT_EQ(kernel().notify_usage(DeviceUsageTypeDumpFile, true), STATUS_SUCCESS);
  EXPECT_EQ(kernel().notify_usage(DeviceUsageTypeHibernation, false), STATUS_SUCCESS);
  EXPECT_EQ(kernel().send_power(PowerRequest::may_hibernate), STATUS_SUCCESS);
  EXPECT_EQ(kernel().send_power(PowerRequest::hibernate), STATUS_SUCCESS);
  EXPECT_EQ(kernel().send_power(PowerRequest::resume), STATUS_SUCCESS);
  EXPECT_EQ(told, (std::vector<std::string>{"usage 3 in", "usage 2 out", "may 5", "do 5", "do 1"}));
  EXPECT_TRUE(noted(Kind::request).empty()) << "nobody's but the system's";
  answer = STATUS_UNSUCCESSFUL;
  EXPECT_EQ(kernel().notify_usage(DeviceUsageTypeDumpFile, true), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(kernel().last_completed_by(), driver_image);
  on_irp = [](PDEVICE_OBJECT, PIRP irp) {
    IoMarkIrpPending(irp);
    return STATUS_PENDING;
  };
  EXPECT_FALSE(kernel().left());
  kernel().notify_usage(DeviceUsageTypeDumpFile, true);
  ASSERT_TRUE(kernel().left()) << "it never comes back";
  EXPECT_EQ(*kernel().left(), static_cast<std::uint64_t>(Left::deadlock));
  EXPECT_EQ(kernel().image(), driver_image);
  EXPECT_THAT(texts(Kind::fault).back(), testing::HasSubstr("IRP_MN_DEVICE_USAGE_NOTIFICATION"));
}

TEST_P(DriverTest, WhatADispatchRoutineOwesItsIrpIsJudged) {
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  const auto send = [&] {
    UCHAR out[4];
    IO_STATUS_BLOCK iosb{};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, device, nullptr, 0, out, 4, FALSE, nullptr, &iosb);
    K(IofCallDriver)(device, irp);
  };
  const auto broken = [&] {
    std::vector<std::size_t> counts;
    for (const trace::Rule rule : {trace::Rule::irp_not_completed, trace::Rule::irp_pending_mismatch,
                                   trace::Rule::irp_status_mismatch, trace::Rule::irp_information_beyond_buffer}) {
      counts.push_back(violations(rule));
    }
    return counts;
  };
  using Counts = std::vector<std::size_t>;
  send();
  on_irp = [](PDEVICE_OBJECT, PIRP irp) {
    IoMarkIrpPending(irp);
    complete(irp, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
  };
  send();
  EXPECT_EQ(broken(), (Counts{0, 0, 0, 0}));
  on_irp = [](auto, auto) { return STATUS_SUCCESS; };
  send();
  EXPECT_EQ(broken(), (Counts{1, 0, 0, 0}));
  on_irp = [](auto, auto) { return STATUS_PENDING; };
  send();
  EXPECT_EQ(broken(), (Counts{1, 1, 0, 0}));
  on_irp = [](PDEVICE_OBJECT, PIRP irp) {
    IoMarkIrpPending(irp);
    return complete(irp, STATUS_SUCCESS, 0);
  };
  send();
  EXPECT_EQ(broken(), (Counts{1, 2, 0, 0}));
  on_irp = [](PDEVICE_OBJECT, PIRP irp) {
    complete(irp, STATUS_SUCCESS, 0);
    return STATUS_ACCESS_DENIED;
  };
  send();
  EXPECT_EQ(broken(), (Counts{1, 2, 1, 0}));
  on_irp = [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, 5); };
  send();
  EXPECT_EQ(broken(), (Counts{1, 2, 1, 1}));
  EXPECT_EQ(noted(Kind::violation).back().text, "IoStatus.Information is 5, the requester's buffer has 4 bytes");
}

/// A driver that hands every IRP down through a completion routine.
TEST_P(DriverTest, CompletionRoutinesSeeWhatComesBack) {
  kernel().create_volume({});
  PDEVICE_OBJECT mine = nullptr, below = nullptr;
  bool wait_for_it = false;
  load([&](PDRIVER_OBJECT driver) {
    K(IoCreateDevice)(driver, 0, nullptr, FILE_DEVICE_DISK, 0, FALSE, &mine);
    below = K(IoAttachDeviceToDeviceStack)(mine, static_cast<PDEVICE_OBJECT>(kernel().volume_device()));
  });
  int completions = 0;
  on_completion = [&](PDEVICE_OBJECT device, PIRP irp, PVOID context) {
    ++completions;
    EXPECT_EQ(device, mine);
    EXPECT_EQ(context, &completions);
    EXPECT_EQ(irp->IoStatus.Status, STATUS_SUCCESS);
    return wait_for_it ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_SUCCESS;
  };
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, as<PIO_COMPLETION_ROUTINE>(OWN(completion)), &completions, TRUE, TRUE, TRUE);
    const NTSTATUS status = K(IofCallDriver)(below, irp);
    if (!wait_for_it) return status;
    EXPECT_EQ(irp->IoStatus.Information, sizeof(STORAGE_DEVICE_NUMBER));
    return complete(irp, STATUS_DEVICE_BUSY, 0);
  };
  for (const bool waits : {false, true}) {
    wait_for_it = waits;
    STORAGE_DEVICE_NUMBER number{};
    IO_STATUS_BLOCK iosb{};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(IOCTL_STORAGE_GET_DEVICE_NUMBER, mine, nullptr, 0, &number,
                                                sizeof number, FALSE, nullptr, &iosb);
    EXPECT_EQ(K(IofCallDriver)(mine, irp), waits ? STATUS_DEVICE_BUSY : STATUS_SUCCESS);
    EXPECT_EQ(number.DeviceType, waits ? 0u : ULONG{FILE_DEVICE_DISK});
    EXPECT_EQ(iosb.Status, waits ? STATUS_DEVICE_BUSY : STATUS_SUCCESS);
  }
  EXPECT_EQ(completions, 2);
  EXPECT_EQ(calls(), (std::vector<std::string>{"DriverEntry", "Dispatch", "Completion", "Dispatch", "Completion"}));
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(DriverTest, APendingRequestEndsWhenItIsCompleted) {
  PDEVICE_OBJECT device = nullptr;
  PIRP kept = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    IoMarkIrpPending(irp);
    kept = irp;
    return STATUS_PENDING;
  };
  KEVENT event;
  K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
  IO_STATUS_BLOCK iosb{};
  const auto send = [&] {
    PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, device, nullptr, 0, nullptr, 0, FALSE, &event, &iosb);
    EXPECT_EQ(K(IofCallDriver)(device, irp), STATUS_PENDING);
  };
  send();
  EXPECT_EQ(K(KeReadStateEvent)(&event), 0);
  complete(kept, STATUS_SUCCESS, 7);
  EXPECT_EQ(K(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, 7u);
  K(KeClearEvent)(&event);
  send();
  const machine::CallResult result = in_driver([&] {
    K(KeWaitForSingleObject)
    (&event, Executive, KernelMode, FALSE, nullptr);
  });
  EXPECT_FALSE(result.returned);
  EXPECT_THAT(texts(Kind::fault), testing::ElementsAre(testing::HasSubstr(
                                      "; it is that of IRP_MJ_DEVICE_CONTROL 0x222004 to \\Device\\Main, which nobody "
                                      "has completed")));
}

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
  K(ZwClose)(handle);
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

TEST_P(DriverTest, CompletingTwiceStopsTheMachine) {
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    complete(irp, STATUS_SUCCESS, 0);
    K(IofCompleteRequest)(irp, 0);
    return STATUS_SUCCESS;
  };
  PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, device, nullptr, 0, nullptr, 0, FALSE, nullptr, nullptr);
  bugcheck_of(0x44, [&] { K(IofCallDriver)(device, irp); });
}

TEST_P(DriverTest, ACancelRoutineIsCalledOnceWithTheLock) {
  PDEVICE_OBJECT device = nullptr;
  load([&](auto) { device = make(u"\\Device\\Main"); });
  PIRP kept = nullptr;
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, as<PDRIVER_CANCEL>(OWN(cancel)));
    kept = irp;
    return STATUS_PENDING;
  };
  int cancelled = 0;
  on_cancel = [&](PDEVICE_OBJECT given, PIRP irp) {
    ++cancelled;
    EXPECT_EQ(given, device);
    EXPECT_EQ(K(KeGetCurrentIrql)(), DISPATCH_LEVEL);
    K(IoReleaseCancelSpinLock)(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED, 0);
  };
  IO_STATUS_BLOCK iosb{};
  const auto send = [&] {
    PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, device, nullptr, 0, nullptr, 0, FALSE, nullptr, &iosb);
    EXPECT_EQ(K(IofCallDriver)(device, irp), STATUS_PENDING);
  };
  send();
  EXPECT_EQ(K(IoCancelIrp)(kept), TRUE);
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(iosb.Status, STATUS_CANCELLED);
  EXPECT_EQ(K(KeGetCurrentIrql)(), PASSIVE_LEVEL);
  EXPECT_EQ(violations(trace::Rule::irql_not_restored), 0u);
  send();
  bugcheck_of(0x48, [&] { complete(kept, STATUS_SUCCESS, 0); });
  IoSetCancelRoutine(kept, nullptr);
  EXPECT_EQ(K(IoCancelIrp)(kept), FALSE);
  EXPECT_EQ(kept->Cancel, TRUE);
  on_cancel = [](auto, auto) {};
  IoSetCancelRoutine(kept, as<PDRIVER_CANCEL>(OWN(cancel)));
  K(IoCancelIrp)(kept);
  EXPECT_EQ(violations(trace::Rule::irql_not_restored), 1u) << "the lock was not given back";
}

TEST_P(DriverTest, RemoveLocksCountTheirUsers) {
  IO_REMOVE_LOCK lock;
  K(IoInitializeRemoveLockEx)(&lock, 0, 0, 0, sizeof lock);
  EXPECT_EQ(K(IoAcquireRemoveLockEx)(&lock, &lock, "", 1, sizeof lock), STATUS_SUCCESS);
  EXPECT_EQ(K(IoAcquireRemoveLockEx)(&lock, nullptr, "", 1, sizeof lock), STATUS_SUCCESS);
  K(IoReleaseRemoveLockEx)(&lock, &lock, sizeof lock);
  K(IoReleaseRemoveLockAndWaitEx)(&lock, nullptr, sizeof lock);
  EXPECT_EQ(K(IoAcquireRemoveLockEx)(&lock, nullptr, "", 1, sizeof lock), STATUS_DELETE_PENDING);
  IO_REMOVE_LOCK held;
  K(IoInitializeRemoveLockEx)(&held, 0, 0, 0, sizeof held);
  K(IoAcquireRemoveLockEx)(&held, nullptr, "", 1, sizeof held);
  K(IoAcquireRemoveLockEx)(&held, nullptr, "", 1, sizeof held);
  EXPECT_FALSE(in_driver([&] {
                 K(IoReleaseRemoveLockAndWaitEx)
                 (&held, nullptr, sizeof held);
               }).returned)
      << "somebody still uses it: a wait without end";
}

TEST_P(DriverTest, ReinitializationComesInTwoRounds) {
  std::vector<ULONG> counts;
  on_reinitialize = [&](PDRIVER_OBJECT driver, PVOID context, ULONG count) {
    counts.push_back(count);
    if (context != nullptr) {
      K(IoRegisterDriverReinitialization)(driver, as<PDRIVER_REINITIALIZE>(OWN(reinitialize)), nullptr);
    }
  };
  load([&](PDRIVER_OBJECT driver) {
    K(IoRegisterDriverReinitialization)(driver, as<PDRIVER_REINITIALIZE>(OWN(reinitialize)), &counts);
    K(IoRegisterBootDriverReinitialization)(driver, as<PDRIVER_REINITIALIZE>(OWN(reinitialize)), nullptr);
  });
  EXPECT_TRUE(reinitialize_drivers(kernel(), true));
  EXPECT_EQ(counts, (std::vector<ULONG>{1}));
  EXPECT_TRUE(reinitialize_drivers(kernel(), false));
  EXPECT_EQ(counts, (std::vector<ULONG>{1, 2, 3})) << "also what was registered meanwhile";
  on_reinitialize = [&](PDRIVER_OBJECT driver, PVOID, ULONG) {
    K(IoRegisterDriverReinitialization)(driver, as<PDRIVER_REINITIALIZE>(OWN(reinitialize)), nullptr);
  };
  K(IoRegisterDriverReinitialization)(driver_, as<PDRIVER_REINITIALIZE>(OWN(reinitialize)), nullptr);
  EXPECT_TRUE(reinitialize_drivers(kernel(), false)) << "and even so it ends";
}

TEST_P(DriverTest, UnloadingShowsWhatIsLeft) {
  load([&](auto) { make(u"\\Device\\Main"); });
  kernel().set_current(driver_image, Callback::driver_entry);
  Counted link(u"\\DosDevices\\Main"), name(u"\\Device\\Main");
  K(IoCreateSymbolicLink)(&link, &name);
  PVOID extension = nullptr;
  EXPECT_EQ(K(IoAllocateDriverObjectExtension)(driver_, driver_, 32, &extension), STATUS_SUCCESS);
  EXPECT_EQ(K(IoGetDriverObjectExtension)(driver_, driver_), extension);
  EXPECT_EQ(K(IoAllocateDriverObjectExtension)(driver_, driver_, 32, &extension), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(K(IoGetDriverObjectExtension)(driver_, &link), nullptr);
  kernel().set_current(trace::no_image, Callback::none);
  LeftBehind left = left_behind(kernel(), driver_image);
  EXPECT_EQ(left.devices, "\\Device\\Main");
  EXPECT_EQ(left.links, "\\??\\Main");
  on_unload = [&](PDRIVER_OBJECT driver) {
    K(IoDeleteSymbolicLink)(&link);
    K(IoDeleteDevice)(driver->DeviceObject);
  };
  ASSERT_TRUE(has_unload(driver_));
  EXPECT_TRUE(call_driver_unload(kernel(), driver_).returned);
  left = left_behind(kernel(), driver_image);
  EXPECT_EQ(left.devices + left.links + left.references, "");
  remove_driver(kernel(), driver_);
  EXPECT_EQ(find_driver(kernel(), driver_), nullptr);
}

TEST_P(DriverTest, ShutdownIsToldLastRegisteredFirst) {
  std::vector<PDEVICE_OBJECT> told;
  on_irp = [&](PDEVICE_OBJECT device, PIRP irp) {
    EXPECT_EQ(IoGetCurrentIrpStackLocation(irp)->MajorFunction, IRP_MJ_SHUTDOWN);
    told.push_back(device);
    return complete(irp, STATUS_SUCCESS, 0);
  };
  PDEVICE_OBJECT a = nullptr, b = nullptr, c = nullptr;
  load([&](auto) {
    a = make(u"\\Device\\A");
    b = make(u"\\Device\\B");
    c = make(u"\\Device\\C");
    K(IoRegisterLastChanceShutdownNotification)(a);
    K(IoRegisterShutdownNotification)(b);
    K(IoRegisterShutdownNotification)(c);
  });
  K(IoUnregisterShutdownNotification)(b);
  kernel().set_current(trace::no_image, Callback::none);
  EXPECT_TRUE(shut_down_devices(kernel()));
  EXPECT_EQ(told, (std::vector<PDEVICE_OBJECT>{c, a}));
}

TEST_P(DriverTest, WhatARoutineDoesNotGiveBackIsReported) {
  load([&](auto) { make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP irp) {
    machine().processor.irql = DISPATCH_LEVEL;
    return complete(irp, STATUS_SUCCESS, 0);
  };
  PFILE_OBJECT file = nullptr;
  EXPECT_EQ(open(u"\\Device\\Main", file), STATUS_SUCCESS);
  EXPECT_EQ(violations(trace::Rule::irql_not_restored), 2u) << "IRP_MJ_CREATE and IRP_MJ_CLEANUP";
  EXPECT_EQ(machine().processor.irql, PASSIVE_LEVEL);
  const auto reports = noted(Kind::violation);
  EXPECT_EQ(reports[0].record.image, driver_image);
  EXPECT_EQ(reports[0].record.callback, Callback::dispatch);
}

TEST_P(DriverTest, ABugcheckInADispatchRoutineIsItsDrivers) {
  load([&](auto) { make(u"\\Device\\Main"); });
  on_irp = [&](PDEVICE_OBJECT, PIRP) -> NTSTATUS { kernel().bugcheck(0xE2, {1, 2, 3, 4}); };
  PFILE_OBJECT file = nullptr;
  Counted name(u"\\Device\\Main");  // out here: what the frames that a bugcheck leaves own is never freed
  PDEVICE_OBJECT device = nullptr;
  bugcheck_of(0xE2, [&] { K(IoGetDeviceObjectPointer)(&name, GENERIC_READ, &file, &device); });
  const auto records = noted(Kind::bugcheck);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].record.image, driver_image);
  EXPECT_EQ(records[0].record.callback, Callback::dispatch);
}

}  // namespace
}  // namespace dumpsim::kernel::test
