// SPDX-License-Identifier: Apache-2.0
// Driver objects, from before DriverEntry to after DriverUnload.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernel/drivers.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG driver_tag = 0x76697244;            // "Driv"
constexpr ULONG client_extension_tag = 0x65767244;  // "Drve"
/// A routine that registers itself anew each time would go on for ever.
constexpr int most_reinitializations = 1000;

/// MajorFunction of a host-made driver: host code takes its IRPs through its HostDispatch, so this is only reached by a
/// driver that calls another's dispatch routine by hand, which goes around the I/O manager.
NTSTATUS host_dispatch_entry(PDEVICE_OBJECT device, PIRP irp) {
  const IoState::Driver* driver = find_driver(current(), device->DriverObject);
  return driver == nullptr || driver->dispatch == nullptr ? STATUS_INVALID_DEVICE_REQUEST
                                                          : driver->dispatch(device, irp);
}

// What MajorFunction holds until a driver sets it [doc]. A driver may call it, so each convention has its own.
NTSTATUS refuse(PIRP irp) {
  return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}
NTSTATUS refuse_system_v(PDEVICE_OBJECT, PIRP irp) {
  return refuse(irp);
}
__attribute__((ms_abi)) NTSTATUS refuse_microsoft(PDEVICE_OBJECT, PIRP irp) {
  return refuse(irp);
}

PWCH put_text(std::byte* at, std::u16string_view text, UNICODE_STRING& string) {
  auto* buffer = reinterpret_cast<PWCH>(at);
  if (!text.empty()) std::memcpy(buffer, text.data(), text.size() * sizeof(WCHAR));
  string.Buffer = buffer;
  string.Length = static_cast<USHORT>(text.size() * sizeof(WCHAR));
  string.MaximumLength = static_cast<USHORT>((text.size() + 1) * sizeof(WCHAR));
  return buffer;
}

/// Driver object, its extension and its texts in one block: they go together.
struct DriverBlock {
  DRIVER_OBJECT object;
  DRIVER_EXTENSION extension;
  UNICODE_STRING registry_path;
  UNICODE_STRING hardware;
};

PDRIVER_OBJECT create_object(Kernel& kernel, std::u16string_view name, std::u16string_view service,
                             std::u16string_view path, std::u16string_view hardware) {
  std::size_t units = 0;
  for (const std::u16string_view text : {name, service, path, hardware}) units += text.size() + 1;
  std::byte* at = allocate_object(kernel, driver_tag, sizeof(DriverBlock) + units * sizeof(WCHAR));
  if (at == nullptr) return nullptr;
  auto* block = reinterpret_cast<DriverBlock*>(at);
  at += sizeof(DriverBlock);
  const auto put = [&at](std::u16string_view text, UNICODE_STRING& string) {
    put_text(at, text, string);
    at += (text.size() + 1) * sizeof(WCHAR);
  };
  PDRIVER_OBJECT driver = &block->object;
  driver->Type = IO_TYPE_DRIVER;
  driver->Size = sizeof(DRIVER_OBJECT);
  driver->DriverExtension = &block->extension;
  block->extension.DriverObject = driver;
  put(name, driver->DriverName);
  put(service, block->extension.ServiceKeyName);
  put(path, block->registry_path);
  put(hardware, block->hardware);
  driver->HardwareDatabase = &block->hardware;
  kernel.io().references[driver] = 1;
  return driver;
}

std::uint64_t argument(const void* pointer) {
  return number_of(pointer);
}

DriverCall told(const machine::CallResult& call) {
  return {call.returned, call.returned ? static_cast<std::int32_t>(call.value) : STATUS_UNSUCCESSFUL};
}

/// A driver is being called from the host: nothing is half sent, whatever ended before.
void begin_at_top(Kernel& kernel) {
  if (!kernel.gate().active()) kernel.io().sendings.clear();
}

void register_reinitialization(PDRIVER_OBJECT driver, PDRIVER_REINITIALIZE routine, PVOID context, bool boot) {
  Kernel& kernel = current();
  if (find_driver(kernel, driver) == nullptr) {
    no_such_object(kernel, boot ? "IoRegisterBootDriverReinitialization" : "IoRegisterDriverReinitialization", "driver",
                   driver);
  }
  kernel.io().reinitializations.push_back({driver, reinterpret_cast<const void*>(routine), context, boot});
}

void add_word(std::string& into, std::string_view word) {
  constexpr std::size_t longest = 300;
  if (into.size() > longest) return;
  if (!into.empty()) into += ", ";
  into += word;
}

bool send_shutdown(Kernel& kernel, std::vector<PDEVICE_OBJECT>& registered) {
  // The last to register is the first to be told [doc].
  while (!registered.empty()) {
    PDEVICE_OBJECT device = registered.back();
    registered.pop_back();
    PDEVICE_OBJECT top = kernel::IoGetAttachedDevice(device);
    PIRP irp = new_irp(kernel, top->StackSize);
    if (irp == nullptr) return true;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SHUTDOWN;
    send_and_wait(kernel, top, irp);
    if (kernel.left()) return false;
  }
  return true;
}

}  // namespace

PDRIVER_OBJECT create_host_driver(Kernel& kernel, std::u16string_view name, HostDispatch dispatch) {
  PDRIVER_OBJECT driver = create_object(kernel, name, name.substr(name.rfind(u'\\') + 1), {}, {});
  if (driver == nullptr) return nullptr;
  driver->Flags = DRVO_BUILTIN_DRIVER;
  for (PDRIVER_DISPATCH& entry : driver->MajorFunction) entry = host_dispatch_entry;
  kernel.io().drivers.push_back({driver, dispatch, trace::no_image});
  return driver;
}

const IoState::Driver* find_driver(Kernel& kernel, const DRIVER_OBJECT* driver) {
  for (const IoState::Driver& known : kernel.io().drivers) {
    if (known.object == driver) return &known;
  }
  return nullptr;
}

bool is_unloading(const DRIVER_OBJECT* driver) {
  return (driver->Flags & DRVO_UNLOAD_INVOKED) != 0;
}

_DRIVER_OBJECT* create_driver(Kernel& kernel, std::uint16_t image, std::string_view name, const void* entry) {
  const std::u16string service = to_utf16(name);
  PDRIVER_OBJECT driver = create_object(kernel, u"\\Driver\\" + service, service,
                                        u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\" + service,
                                        u"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
  if (driver == nullptr) return nullptr;
  driver->Flags = DRVO_LEGACY_DRIVER;
  driver->DriverInit = reinterpret_cast<PDRIVER_INITIALIZE>(const_cast<void*>(entry));
  if (const ImageRange* range = kernel.image_at(entry); range != nullptr) {
    driver->DriverStart = const_cast<std::byte*>(range->base);
    driver->DriverSize = static_cast<ULONG>(range->bytes);
  }
  const void* refuses = kernel.convention_of(entry) == machine::Convention::system_v
                            ? reinterpret_cast<const void*>(&refuse_system_v)
                            : reinterpret_cast<const void*>(&refuse_microsoft);
  for (PDRIVER_DISPATCH& function : driver->MajorFunction) {
    function = reinterpret_cast<PDRIVER_DISPATCH>(const_cast<void*>(refuses));
  }
  kernel.io().drivers.push_back({driver, nullptr, image});
  return driver;
}

DriverCall call_driver_entry(Kernel& kernel, _DRIVER_OBJECT* driver) {
  begin_at_top(kernel);
  auto* block = reinterpret_cast<DriverBlock*>(driver);
  const std::uint64_t arguments[] = {argument(driver), argument(&block->registry_path)};
  const DriverCall call = told(kernel.call_routine({.code = reinterpret_cast<const void*>(driver->DriverInit),
                                                    .callback = trace::Callback::driver_entry,
                                                    .image = find_driver(kernel, driver)->image},
                                                   arguments));
  if (!call.returned) return call;
  if (call.status < 0) driver->Flags |= DRVO_UNLOAD_INVOKED;
  if (driver->DriverExtension->AddDevice != nullptr) driver->Flags &= ~static_cast<ULONG>(DRVO_LEGACY_DRIVER);
  // Devices made in DriverEntry are ready now; for later ones the driver says so itself [doc].
  for (PDEVICE_OBJECT device = driver->DeviceObject; device != nullptr; device = device->NextDevice) {
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
  }
  return call;
}

bool has_add_device(const _DRIVER_OBJECT* driver) {
  return driver->DriverExtension->AddDevice != nullptr;
}

DriverCall call_add_device(Kernel& kernel, _DRIVER_OBJECT* driver) {
  begin_at_top(kernel);
  PDEVICE_OBJECT physical = kernel.io().volume_device;
  while (PDEVICE_OBJECT lower = lower_device(kernel, physical)) physical = lower;
  const std::uint64_t arguments[] = {argument(driver), argument(physical)};
  return told(kernel.call_routine({.code = reinterpret_cast<const void*>(driver->DriverExtension->AddDevice),
                                   .callback = trace::Callback::add_device,
                                   .image = find_driver(kernel, driver)->image},
                                  arguments));
}

bool reinitialize_drivers(Kernel& kernel, bool boot) {
  begin_at_top(kernel);
  auto& queue = kernel.io().reinitializations;
  for (int i = 0; i < most_reinitializations; ++i) {
    const auto next = std::find_if(queue.begin(), queue.end(), [boot](const auto& each) { return each.boot == boot; });
    if (next == queue.end()) return true;
    const IoState::Reinitialization routine = *next;
    queue.erase(next);
    const std::uint64_t arguments[] = {argument(routine.driver), argument(routine.context),
                                       ++routine.driver->DriverExtension->Count};
    const machine::CallResult call = kernel.call_routine({.code = routine.routine,
                                                          .callback = trace::Callback::reinitialize,
                                                          .image = find_driver(kernel, routine.driver)->image,
                                                          .returns_status = false},
                                                         arguments);
    if (!call.returned) return false;
  }
  return true;
}

bool has_unload(const _DRIVER_OBJECT* driver) {
  return driver->DriverUnload != nullptr;
}

DriverCall call_driver_unload(Kernel& kernel, _DRIVER_OBJECT* driver) {
  begin_at_top(kernel);
  driver->Flags |= DRVO_UNLOAD_INVOKED;
  const std::uint64_t arguments[] = {argument(driver)};
  return told(kernel.call_routine({.code = reinterpret_cast<const void*>(driver->DriverUnload),
                                   .callback = trace::Callback::driver_unload,
                                   .image = find_driver(kernel, driver)->image,
                                   .returns_status = false},
                                  arguments));
}

void remove_driver(Kernel& kernel, _DRIVER_OBJECT* driver) {
  IoState& io = kernel.io();
  std::erase_if(io.reinitializations, [driver](const auto& each) { return each.driver == driver; });
  for (const IoState::DriverExtension& extension : io.driver_extensions) {
    if (extension.driver == driver) kernel.pool().free(static_cast<std::byte*>(extension.bytes));
  }
  std::erase_if(io.driver_extensions, [driver](const auto& each) { return each.driver == driver; });
  // While a device leads to it, it stays: whoever calls that device jumps to where the driver was.
  if (driver->DeviceObject != nullptr) return;
  std::erase_if(io.drivers, [driver](const IoState::Driver& known) { return known.object == driver; });
  io.references.erase(driver);
  kernel.pool().free(reinterpret_cast<std::byte*>(driver));
}

bool shut_down_devices(Kernel& kernel) {
  begin_at_top(kernel);
  return send_shutdown(kernel, kernel.io().shutdown) && send_shutdown(kernel, kernel.io().last_chance_shutdown);
}

LeftBehind left_behind(Kernel& kernel, std::uint16_t image) {
  LeftBehind left;
  const auto name_of_device = [&](const DEVICE_OBJECT* device) {
    char text[128];
    Line line(text);
    put_device_name(kernel, line, device);
    return std::string(line.text());
  };
  for (const IoState::Device& device : kernel.io().devices) {
    const IoState::Driver* driver = find_driver(kernel, device.object->DriverObject);
    if (driver == nullptr || driver->image != image || image == trace::no_image) continue;
    if (device.deleted) {
      add_word(left.devices, "a deleted device that is still in use");
    } else {
      add_word(left.devices, name_of_device(device.object));
    }
  }
  for (const IoState::Name& name : kernel.io().names) {
    if (name.device == nullptr && name.image == image) add_word(left.links, to_utf8(name.name));
  }
  for (const IoState::OpenFile& file : kernel.io().files) {
    if (file.image == image) add_word(left.references, name_of_device(file.object->DeviceObject));
  }
  return left;
}

VOID IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject, PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                      PVOID Context) {
  register_reinitialization(DriverObject, DriverReinitializationRoutine, Context, false);
}

VOID IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                          PDRIVER_REINITIALIZE DriverReinitializationRoutine, PVOID Context) {
  register_reinitialization(DriverObject, DriverReinitializationRoutine, Context, true);
}

NTSTATUS IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress,
                                         ULONG DriverObjectExtensionSize, PVOID* DriverObjectExtension) {
  Kernel& kernel = current();
  *DriverObjectExtension = nullptr;
  if (kernel.injected_failure(export_index::IoAllocateDriverObjectExtension)) return STATUS_INSUFFICIENT_RESOURCES;
  if (kernel::IoGetDriverObjectExtension(DriverObject, ClientIdentificationAddress) != nullptr) {
    return STATUS_OBJECT_NAME_COLLISION;
  }
  std::byte* at = allocate_object(kernel, client_extension_tag, DriverObjectExtensionSize);
  if (at == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  kernel.io().driver_extensions.push_back({DriverObject, ClientIdentificationAddress, at});
  *DriverObjectExtension = at;
  return STATUS_SUCCESS;
}

PVOID IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress) {
  for (const IoState::DriverExtension& extension : current().io().driver_extensions) {
    if (extension.driver == DriverObject && extension.client == ClientIdentificationAddress) return extension.bytes;
  }
  return nullptr;
}

}  // namespace dumpsim::kernel
