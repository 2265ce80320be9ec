// SPDX-License-Identifier: Apache-2.0
// Ordinary drivers: their objects, devices and links, what is sent to them and what they make of it.
#include "driver_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

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

TEST_P(DriverTest, AForwardedRequestThatIsPendingIsWaitedFor) {
  PDEVICE_OBJECT lower = nullptr, mine = nullptr, below = nullptr;
  load([&](PDRIVER_OBJECT driver) {
    lower = make(u"\\Device\\Lower");
    lower->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    K(IoCreateDevice)(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &mine);
    below = K(IoAttachDeviceToDeviceStack)(mine, lower);
  });
  enum class Completed { later, at_once, never } completed = Completed::later;
  PIRP kept = nullptr;
  std::vector<std::string> order;
  on_irp = [&](PDEVICE_OBJECT device, PIRP irp) {
    if (device == lower) {
      order.emplace_back("kept");
      IoMarkIrpPending(irp);
      kept = irp;
      if (completed == Completed::at_once) complete(irp, STATUS_DEVICE_BUSY, 7);
      return STATUS_PENDING;
    }
    const CHAR location = irp->CurrentLocation;
    EXPECT_EQ(K(IoForwardIrpSynchronously)(below, irp), TRUE);
    order.emplace_back("back");
    EXPECT_EQ(irp->CurrentLocation, location) << "this driver's again";
    EXPECT_EQ(irp->IoStatus.Status, STATUS_DEVICE_BUSY);
    EXPECT_EQ(irp->IoStatus.Information, 7u);
    EXPECT_EQ(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED, 0) << "it has waited";
    return complete(irp, irp->IoStatus.Status, 0);
  };
  on_thread = [&](PVOID) {
    order.emplace_back("completed");
    complete(kept, STATUS_DEVICE_BUSY, 7);
  };
  IO_STATUS_BLOCK iosb{};
  KEVENT event;
  const auto send = [&] {
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    iosb = {};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(0x222004, mine, nullptr, 0, nullptr, 0, FALSE, &event, &iosb);
    EXPECT_EQ(K(IofCallDriver)(mine, irp), STATUS_DEVICE_BUSY);
  };
  const auto is_done = [&] { return iosb.Status == STATUS_DEVICE_BUSY && K(KeReadStateEvent)(&event) != 0; };
  in_driver([&] {
    HANDLE thread = nullptr;
    EXPECT_EQ(K(PsCreateSystemThread)(&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr,
                                      as<PKSTART_ROUTINE>(OWN(thread)), nullptr),
              STATUS_SUCCESS);
    send();
    K(ZwClose)(thread);
  });
  EXPECT_TRUE(is_done());
  EXPECT_THAT(order, testing::ElementsAre("kept", "completed", "back"));
  completed = Completed::at_once;
  in_driver(send);
  EXPECT_TRUE(is_done());
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_EQ(kernel().pool().outstanding(driver_image).blocks, 0u) << "nothing of the wait is left";
  EXPECT_TRUE(noted(Kind::violation).empty());
  completed = Completed::never;
  EXPECT_FALSE(in_driver(send).returned);
  EXPECT_THAT(texts(Kind::fault),
              testing::ElementsAre(testing::HasSubstr("; it is that of IRP_MJ_DEVICE_CONTROL 0x222004 to "
                                                      "\\Device\\Lower, which nobody has completed")));
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
