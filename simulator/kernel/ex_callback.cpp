// SPDX-License-Identifier: Apache-2.0
// Callback objects. The system's own exist from the start: their names are documented, and so is what their arguments
// say. A notification calls everybody in the order of registration, at the IRQL it was made at [doc].
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/callbacks.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG object_tag = 0x6C6C6143;        // "Call"
constexpr ULONG registration_tag = 0x52426C43;  // "ClBR"
constexpr std::size_t object_bytes = 0x38;      // opaque: only the address means something

constexpr std::array<std::u16string_view, 4> system_names{u"\\Callback\\PowerState", u"\\Callback\\ProcessorAdd",
                                                          u"\\Callback\\SetSystemTime",
                                                          u"\\Callback\\Phase1InitComplete"};

void* allocate(Kernel& kernel, ULONG tag, std::size_t bytes) {
  BlockRequest request;
  request.image = trace::no_image;  // the executive's own
  request.tag = tag;
  request.bytes = bytes;
  request.zero = true;
  return kernel.pool().allocate(request);
}

CallbackObjects::Object* make(Kernel& kernel, std::u16string_view name, bool multiple) {
  void* address = allocate(kernel, object_tag, object_bytes);
  if (address == nullptr) return nullptr;
  auto object = std::make_unique<CallbackObjects::Object>();
  object->address = address;
  object->name = name;
  object->multiple = multiple;
  kernel.io().references[address] = 1;
  return kernel.callbacks().objects.emplace_back(std::move(object)).get();
}

/// The object of that name; one of the system's is made when first asked for.
CallbackObjects::Object* named(Kernel& kernel, std::u16string_view name) {
  if (CallbackObjects::Object* known = kernel.callbacks().find(name)) return known;
  const auto system = std::find_if(system_names.begin(), system_names.end(),
                                   [&](std::u16string_view each) { return equal_without_case(each, name); });
  return system == system_names.end() ? nullptr : make(kernel, *system, true);
}

void notify(Kernel& kernel, const CallbackObjects::Object& object, std::uint64_t first, std::uint64_t second) {
  // A routine may register and unregister: who stands there now is called, in order, each if it still does.
  std::vector<void*> handles;
  for (const auto& registration : object.registrations) handles.push_back(registration.handle);
  for (void* handle : handles) {
    const auto found = std::find_if(object.registrations.begin(), object.registrations.end(),
                                    [&](const auto& each) { return each.handle == handle; });
    if (found == object.registrations.end()) continue;
    const std::array<std::uint64_t, 3> arguments{reinterpret_cast<std::uintptr_t>(found->context), first, second};
    const Routine routine{.code = found->code,
                          .callback = trace::Callback::object_callback,
                          .image = found->image,
                          .returns_status = false};
    if (!kernel.call_routine(routine, arguments).returned) return;
  }
}

}  // namespace

CallbackObjects::Object* CallbackObjects::find(std::u16string_view name) const {
  const auto found = std::find_if(objects.begin(), objects.end(), [&](const auto& each) {
    return !each->name.empty() && equal_without_case(each->name, name);
  });
  return found == objects.end() ? nullptr : found->get();
}

CallbackObjects::Object* CallbackObjects::find(const void* address) const {
  const auto found =
      std::find_if(objects.begin(), objects.end(), [&](const auto& each) { return each->address == address; });
  return found == objects.end() ? nullptr : found->get();
}

void Kernel::notify_callback(std::u16string_view name, std::uint64_t first, std::uint64_t second) {
  const CallbackObjects::Object* object = callbacks_.find(name);
  if (object != nullptr) notify(*this, *object, first, second);
}

std::size_t Kernel::callbacks_of(std::uint16_t image) const {
  std::size_t count = 0;
  for (const auto& object : callbacks_.objects) {
    for (const auto& each : object->registrations) count += each.image == image ? 1 : 0;
  }
  return count;
}

// A name that exists already is opened, whatever is asked for otherwise [doc].
NTSTATUS ExCreateCallback(PCALLBACK_OBJECT* CallbackObject, PCOBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN Create,
                          BOOLEAN AllowMultipleCallbacks) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::ExCreateCallback)) return STATUS_INSUFFICIENT_RESOURCES;
  std::u16string_view name;
  if (ObjectAttributes != nullptr && ObjectAttributes->ObjectName != nullptr) {
    name = {ObjectAttributes->ObjectName->Buffer, ObjectAttributes->ObjectName->Length / sizeof(WCHAR)};
    if (name.empty() || name.front() != u'\\') return STATUS_OBJECT_PATH_SYNTAX_BAD;
  }
  CallbackObjects::Object* object = name.empty() ? nullptr : named(kernel, name);
  if (object != nullptr) {
    ++kernel.io().references[object->address];
  } else {
    if (Create == FALSE) return STATUS_OBJECT_NAME_NOT_FOUND;
    object = make(kernel, name, AllowMultipleCallbacks != FALSE);
    if (object == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  }
  *CallbackObject = static_cast<PCALLBACK_OBJECT>(object->address);
  return STATUS_SUCCESS;
}

// NULL when there may be only one and is one, or no memory [doc]. A registration holds the object.
PVOID ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction, PVOID CallbackContext) {
  Kernel& kernel = current();
  CallbackObjects::Object* object = kernel.callbacks().find(CallbackObject);
  if (object == nullptr) kernel.bugcheck(0x18, {0, number_of(CallbackObject), 0, 0});
  if (kernel.injected_failure(export_index::ExRegisterCallback)) return nullptr;
  if (!object->multiple && !object->registrations.empty()) return nullptr;
  void* handle = allocate(kernel, registration_tag, sizeof(void*) * 8);
  if (handle == nullptr) return nullptr;
  ++kernel.io().references[object->address];
  object->registrations.push_back(
      {handle, reinterpret_cast<const void*>(CallbackFunction), CallbackContext, kernel.image()});
  return handle;
}

VOID ExUnregisterCallback(PVOID CallbackRegistration) {
  Kernel& kernel = current();
  for (const auto& object : kernel.callbacks().objects) {
    const auto found = std::find_if(object->registrations.begin(), object->registrations.end(),
                                    [&](const auto& each) { return each.handle == CallbackRegistration; });
    if (found == object->registrations.end()) continue;
    object->registrations.erase(found);
    kernel.pool().free(static_cast<std::byte*>(CallbackRegistration));
    kernel::ObfDereferenceObject(object->address);
    return;
  }
  // Windows follows whatever lies there [assumed: a pointer of its own that is none].
  kernel.bugcheck(PAGE_FAULT_IN_NONPAGED_AREA, {number_of(CallbackRegistration), 0, 0, 0});
}

VOID ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2) {
  Kernel& kernel = current();
  const CallbackObjects::Object* object = kernel.callbacks().find(CallbackObject);
  if (object == nullptr) return;  // a NULL object is taken for nobody to notify [doc]
  notify(kernel, *object, number_of(Argument1), number_of(Argument2));
}

}  // namespace dumpsim::kernel
