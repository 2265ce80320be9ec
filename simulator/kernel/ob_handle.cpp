// SPDX-License-Identifier: Apache-2.0
// Handles and names of objects, and the type objects they are checked against. A type is an address that drivers
// compare and hand back; the variables that hold them are exported as data, and with them the limits of the address
// space.
#include "kernel/exported_variables.hpp"
//
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

/// What *PsThreadType points at: opaque, so a few bytes of the host's that tell them apart.
struct TypeObject {
  const char* name;
};

// The variables themselves: drivers may write to them, as on Windows, and harm themselves. With a prefix, since the
// headers make macros of their names.
#define OBJECT_TYPE(variable, name) \
  TypeObject type_##variable{name}; \
  POBJECT_TYPE value_##variable = reinterpret_cast<POBJECT_TYPE>(&type_##variable);
#define ADDRESS_LIMIT(variable, type, value) type value_##variable = (type)(value);
#include "kernel/exported_variables.def"

POBJECT_TYPE type_of(Kernel& kernel, void* object) {
  if (kernel.scheduler().thread_of(object) != nullptr) return value_PsThreadType;
  return find_file(kernel, object) != nullptr ? value_IoFileObjectType : nullptr;
}

/// NULL asks for any type, in kernel mode only [doc].
NTSTATUS check_type(Kernel& kernel, void* object, POBJECT_TYPE wanted) {
  if (wanted == nullptr) return STATUS_SUCCESS;
  const POBJECT_TYPE type = type_of(kernel, object);
  return type == nullptr || type == wanted ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
}

}  // namespace

std::span<const ExportedVariable> exported_variables() {
  static const ExportedVariable table[] = {
#define OBJECT_TYPE(variable, name) {#variable, &value_##variable},
#define ADDRESS_LIMIT(variable, type, value) {#variable, &value_##variable},
#include "kernel/exported_variables.def"
  };
  return table;
}

#define OBJECT_TYPE(variable, name)        \
  POBJECT_TYPE* dumpsim_##variable(VOID) { \
    return &value_##variable;              \
  }
#define ADDRESS_LIMIT(variable, type, value) \
  type* dumpsim_##variable(VOID) {           \
    return &value_##variable;                \
  }
#include "kernel/exported_variables.def"

void reference(Kernel& kernel, void* object) {
  ++kernel.io().references[object];
}

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE,
                                   PVOID* Object, POBJECT_HANDLE_INFORMATION HandleInformation) {
  Kernel& kernel = current();
  *Object = nullptr;
  // The pseudo handle of the current thread [doc].
  void* const object = Handle == reinterpret_cast<HANDLE>(~std::uintptr_t{1}) ? kernel::KeGetCurrentThread()
                                                                              : kernel.object_of(number_of(Handle));
  if (object == nullptr) return STATUS_INVALID_HANDLE;
  if (const NTSTATUS status = check_type(kernel, object, ObjectType); !NT_SUCCESS(status)) return status;
  reference(kernel, object);
  *Object = object;
  if (HandleInformation != nullptr) *HandleInformation = {0, DesiredAccess};
  return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK, POBJECT_TYPE ObjectType, KPROCESSOR_MODE) {
  Kernel& kernel = current();
  if (const NTSTATUS status = check_type(kernel, Object, ObjectType); !NT_SUCCESS(status)) return status;
  kernel::ObfReferenceObject(Object);
  return STATUS_SUCCESS;
}

NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG, PACCESS_STATE, ACCESS_MASK, POBJECT_TYPE ObjectType,
                               KPROCESSOR_MODE, PHANDLE Handle) {
  Kernel& kernel = current();
  *Handle = nullptr;
  if (const NTSTATUS status = check_type(kernel, Object, ObjectType); !NT_SUCCESS(status)) return status;
  kernel::ObfReferenceObject(Object);
  *Handle = reinterpret_cast<HANDLE>(kernel.open_object_handle(Object));
  return STATUS_SUCCESS;
}

NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout) {
  Kernel& kernel = current();
  void* const object = kernel.object_of(number_of(Handle));
  if (object == nullptr) {
    return kernel.key_of(number_of(Handle)) != nullptr ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_INVALID_HANDLE;
  }
  // A file is as good as the event in it, which the end of its last request signals [doc].
  const PFILE_OBJECT file = find_file(kernel, object);
  if (file == nullptr && kernel.scheduler().thread_of(object) == nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
  return kernel::KeWaitForSingleObject(file != nullptr ? &file->Event : object, UserRequest, KernelMode, Alertable,
                                       Timeout);
}

namespace {

/// As the object manager knows it; empty for what has none.
std::u16string name_of(Kernel& kernel, void* object) {
  const auto device_name = [&kernel](const DEVICE_OBJECT* device) -> std::u16string {
    for (const IoState::Name& entry : kernel.io().names) {
      if (entry.device == device) return entry.name;
    }
    return {};
  };
  const auto text = [](const UNICODE_STRING& string) -> std::u16string {
    return {string.Buffer, string.Length / sizeof(WCHAR)};
  };
  if (const PFILE_OBJECT file = find_file(kernel, object); file != nullptr) {
    return device_name(file->DeviceObject) + text(file->FileName);
  }
  if (find_device_object(kernel, static_cast<PDEVICE_OBJECT>(object)) != nullptr) {
    return device_name(static_cast<PDEVICE_OBJECT>(object));
  }
  if (find_driver(kernel, static_cast<PDRIVER_OBJECT>(object)) != nullptr) {
    return text(static_cast<PDRIVER_OBJECT>(object)->DriverName);
  }
  if (const CallbackObjects::Object* callback = kernel.callbacks().find(object); callback != nullptr)
    return callback->name;
  return {};
}

}  // namespace

NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length, PULONG ReturnLength) {
  Kernel& kernel = current();
  if (!kernel.io().references.contains(Object)) no_such_object(kernel, "ObQueryNameString", "named", Object);
  const std::u16string name = name_of(kernel, Object);
  const std::size_t bytes = name.size() * sizeof(WCHAR);
  *ReturnLength = static_cast<ULONG>(sizeof(OBJECT_NAME_INFORMATION) + (name.empty() ? 0 : bytes + sizeof(WCHAR)));
  if (Length < *ReturnLength) return STATUS_INFO_LENGTH_MISMATCH;
  UNICODE_STRING& into = ObjectNameInfo->Name;
  into = UNICODE_STRING{};
  if (name.empty()) return STATUS_SUCCESS;
  into.Buffer = reinterpret_cast<PWCH>(ObjectNameInfo + 1);
  std::memcpy(into.Buffer, name.c_str(), bytes + sizeof(WCHAR));
  into.Length = static_cast<USHORT>(bytes);
  into.MaximumLength = static_cast<USHORT>(bytes + sizeof(WCHAR));
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
