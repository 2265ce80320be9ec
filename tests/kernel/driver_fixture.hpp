// SPDX-License-Identifier: Apache-2.0
// One ordinary driver whose routines are what a test says: what the tests of drivers and of handles to their devices
// share.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernel/drivers.hpp"
#include "kernel/io_objects.hpp"
#include "kernel_fixture.hpp"
#include "trace/requests.hpp"

namespace dumpsim::kernel::test {

using trace::Callback;
using trace::Kind;

inline constexpr std::uint16_t driver_image = 9;

/// What the driver's routines do: set by each test.
inline std::function<NTSTATUS(PDRIVER_OBJECT, PUNICODE_STRING)> on_entry;
inline std::function<NTSTATUS(PDEVICE_OBJECT, PIRP)> on_irp;
inline std::function<NTSTATUS(PDEVICE_OBJECT, PIRP, PVOID)> on_completion;
inline std::function<void(PDEVICE_OBJECT, PIRP)> on_cancel;
inline std::function<NTSTATUS(PDRIVER_OBJECT, PDEVICE_OBJECT)> on_add_device;
inline std::function<void(PDRIVER_OBJECT)> on_unload;
inline std::function<void(PDRIVER_OBJECT, PVOID, ULONG)> on_reinitialize;
inline std::function<VOID(PVOID)> on_thread;

// One pair of routines each: a driver of either convention has those of its own.
#define ROUTINE(name, Return, parameters, arguments)                  \
  inline Return name##_system_v parameters {                          \
    return on_##name arguments;                                       \
  }                                                                   \
  __attribute__((ms_abi)) inline Return name##_microsoft parameters { \
    return on_##name arguments;                                       \
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
    prepare();
  }

  /// In a machine that has just been made, here or by restart().
  void prepare() {
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

}  // namespace dumpsim::kernel::test
