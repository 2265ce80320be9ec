// SPDX-License-Identifier: Apache-2.0
// Handles of objects, and the type objects they are checked against. A type is an address that drivers compare and hand
// back; the variables that hold them are exported as data.
#include "kernel/object_types.hpp"
//
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

/// What *PsThreadType points at: opaque, so a few bytes of the host's that tell them apart.
struct TypeObject {
  const char* name;
};
TypeObject types[object_type_count] = {
#define OBJECT_TYPE(variable, name) {name},
#include "kernel/object_types.def"
#undef OBJECT_TYPE
};

POBJECT_TYPE variables[object_type_count] = {
#define OBJECT_TYPE(variable, name) \
  reinterpret_cast<POBJECT_TYPE>(&types[static_cast<std::size_t>(TypeIndex::type_##variable)]),
#include "kernel/object_types.def"
#undef OBJECT_TYPE
};

POBJECT_TYPE type_of(Kernel& kernel, void* object) {
  if (kernel.scheduler().thread_of(object) != nullptr)
    return variables[static_cast<std::size_t>(TypeIndex::type_PsThreadType)];
  const Block* block = kernel.pool().block_at(object);
  constexpr std::uint32_t file_tag = 0x656C6946;  // "File"
  if (block != nullptr && block->tag == file_tag) {
    return variables[static_cast<std::size_t>(TypeIndex::type_IoFileObjectType)];
  }
  return nullptr;
}

/// NULL asks for any type, in kernel mode only [doc].
NTSTATUS check_type(Kernel& kernel, void* object, POBJECT_TYPE wanted) {
  if (wanted == nullptr) return STATUS_SUCCESS;
  const POBJECT_TYPE type = type_of(kernel, object);
  return type == nullptr || type == wanted ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
}

}  // namespace

std::span<const ObjectTypeVariable> object_type_variables() {
  static const ObjectTypeVariable table[] = {
#define OBJECT_TYPE(variable, name) {#variable, &variables[static_cast<std::size_t>(TypeIndex::type_##variable)]},
#include "kernel/object_types.def"
#undef OBJECT_TYPE
  };
  return table;
}

#define OBJECT_TYPE(variable, name)                                          \
  POBJECT_TYPE* dumpsim_##variable(VOID) {                                   \
    return &variables[static_cast<std::size_t>(TypeIndex::type_##variable)]; \
  }
#include "kernel/object_types.def"
#undef OBJECT_TYPE

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
  if (kernel.scheduler().thread_of(object) == nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
  return kernel::KeWaitForSingleObject(object, UserRequest, KernelMode, Alertable, Timeout);
}

}  // namespace dumpsim::kernel
