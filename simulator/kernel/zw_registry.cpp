// SPDX-License-Identifier: Apache-2.0
// The registry through handles. The size rules are the point: a buffer too short for the fixed part gets nothing and
// STATUS_BUFFER_TOO_SMALL, one too short for the rest gets what fits and STATUS_BUFFER_OVERFLOW, and both are told how
// much it takes [doc]; drivers call twice and depend on it.
#include <algorithm>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/registry_call.hpp"
#include "kernel/text.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::kernel {
namespace {

Registry::Key* key_of(HANDLE handle) {
  return current().key_of(reinterpret_cast<std::uintptr_t>(handle));
}

/// The key of a handle, or the status that says why there is none.
NTSTATUS resolve(HANDLE handle, Registry::Key*& key) {
  key = key_of(handle);
  if (key == nullptr) return STATUS_INVALID_HANDLE;
  return key->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

/// Collects an answer that may not fit.
class Answer {
 public:
  Answer(PVOID into, ULONG room, std::size_t fixed)
      : into_(static_cast<std::byte*>(into)), room_(room), fixed_(fixed) {}
  void put(std::size_t at, const void* bytes, std::size_t count) {
    needed_ = std::max(needed_, at + count);
    if (room_ < fixed_ || at >= room_ || count == 0) return;
    std::memcpy(into_ + at, bytes, std::min(count, room_ - at));
  }
  NTSTATUS finish(PULONG result_length) const {
    *result_length = static_cast<ULONG>(std::max(needed_, fixed_));
    if (room_ < fixed_) return STATUS_BUFFER_TOO_SMALL;
    return room_ < needed_ ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
  }

 private:
  std::byte* into_;
  std::size_t room_;
  std::size_t fixed_;
  std::size_t needed_ = 0;
};

NTSTATUS give_value(const Registry::Value& value, KEY_VALUE_INFORMATION_CLASS kind, PVOID into, ULONG room,
                    PULONG result_length) {
  const std::size_t name_bytes = value.name.size() * sizeof(WCHAR);
  const auto length = static_cast<ULONG>(value.bytes.size());
  switch (kind) {
    case KeyValueBasicInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
      Answer answer(into, room, fixed);
      const ULONG head[] = {0, value.type, static_cast<ULONG>(name_bytes)};
      answer.put(0, head, fixed);
      answer.put(fixed, value.name.data(), name_bytes);
      return answer.finish(result_length);
    }
    case KeyValueFullInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
      Answer answer(into, room, fixed);
      // Data lies behind the name, on a pointer's alignment [assumed: DataOffset says where].
      const std::size_t at = (fixed + name_bytes + 7) / 8 * 8;
      const ULONG head[] = {0, value.type, static_cast<ULONG>(at), length, static_cast<ULONG>(name_bytes)};
      answer.put(0, head, fixed);
      answer.put(fixed, value.name.data(), name_bytes);
      answer.put(at, value.bytes.data(), value.bytes.size());
      return answer.finish(result_length);
    }
    case KeyValuePartialInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
      Answer answer(into, room, fixed);
      const ULONG head[] = {0, value.type, length};
      answer.put(0, head, fixed);
      answer.put(fixed, value.bytes.data(), value.bytes.size());
      return answer.finish(result_length);
    }
    case KeyValuePartialInformationAlign64: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data);
      Answer answer(into, room, fixed);
      const ULONG head[] = {value.type, length};
      answer.put(0, head, fixed);
      answer.put(fixed, value.bytes.data(), value.bytes.size());
      return answer.finish(result_length);
    }
    default:
      return STATUS_INVALID_PARAMETER;
  }
}

NTSTATUS give_key(const Registry::Key& key, KEY_INFORMATION_CLASS kind, PVOID into, ULONG room, PULONG result_length) {
  const LONGLONG written = static_cast<LONGLONG>(machine::boot_filetime);
  const std::size_t name_bytes = key.name.size() * sizeof(WCHAR);
  constexpr ULONG no_class = 0xFFFFFFFF;
  switch (kind) {
    case KeyBasicInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name);
      Answer answer(into, room, fixed);
      const ULONG head[] = {0, static_cast<ULONG>(name_bytes)};
      answer.put(0, &written, sizeof written);
      answer.put(sizeof written, head, sizeof head);
      answer.put(fixed, key.name.data(), name_bytes);
      return answer.finish(result_length);
    }
    case KeyNodeInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_NODE_INFORMATION, Name);
      Answer answer(into, room, fixed);
      const ULONG head[] = {0, no_class, 0, static_cast<ULONG>(name_bytes)};
      answer.put(0, &written, sizeof written);
      answer.put(sizeof written, head, sizeof head);
      answer.put(fixed, key.name.data(), name_bytes);
      return answer.finish(result_length);
    }
    case KeyFullInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_FULL_INFORMATION, Class);
      Answer answer(into, room, fixed);
      std::size_t longest_key = 0, longest_value = 0, longest_bytes = 0;
      for (const auto& child : key.keys) longest_key = std::max(longest_key, child->name.size() * sizeof(WCHAR));
      for (const Registry::Value& value : key.values) {
        longest_value = std::max(longest_value, value.name.size() * sizeof(WCHAR));
        longest_bytes = std::max(longest_bytes, value.bytes.size());
      }
      const ULONG head[] = {0,
                            no_class,
                            0,
                            static_cast<ULONG>(key.keys.size()),
                            static_cast<ULONG>(longest_key),
                            0,
                            static_cast<ULONG>(key.values.size()),
                            static_cast<ULONG>(longest_value),
                            static_cast<ULONG>(longest_bytes)};
      answer.put(0, &written, sizeof written);
      answer.put(sizeof written, head, sizeof head);
      return answer.finish(result_length);
    }
    case KeyNameInformation: {
      constexpr std::size_t fixed = FIELD_OFFSET(KEY_NAME_INFORMATION, Name);
      Answer answer(into, room, fixed);
      const std::u16string path = key.path();
      const auto bytes = static_cast<ULONG>(path.size() * sizeof(WCHAR));
      answer.put(0, &bytes, sizeof bytes);
      answer.put(fixed, path.data(), bytes);
      return answer.finish(result_length);
    }
    default:
      return STATUS_INVALID_PARAMETER;
  }
}

std::u16string_view view(const UNICODE_STRING* string) {
  if (string == nullptr || string->Buffer == nullptr) return {};
  return {string->Buffer, string->Length / sizeof(WCHAR)};
}

/// Where a path starts: at RootDirectory, or absolute. A status when it is neither.
NTSTATUS start_of(const OBJECT_ATTRIBUTES* attributes, Registry::Key*& from) {
  from = nullptr;
  if (attributes->Length != sizeof(OBJECT_ATTRIBUTES)) return STATUS_INVALID_PARAMETER;
  const std::u16string_view path = view(attributes->ObjectName);
  if (attributes->RootDirectory != nullptr) {
    if (!path.empty() && path.front() == u'\\') return STATUS_OBJECT_PATH_SYNTAX_BAD;
    return resolve(attributes->RootDirectory, from);
  }
  return path.empty() || path.front() != u'\\' ? STATUS_OBJECT_PATH_SYNTAX_BAD : STATUS_SUCCESS;
}

NTSTATUS open(PHANDLE handle, const OBJECT_ATTRIBUTES* attributes) {
  Kernel& kernel = current();
  Registry::Key* from = nullptr;
  if (const NTSTATUS status = start_of(attributes, from); !NT_SUCCESS(status)) return status;
  Registry::Key* key = kernel.registry().find(view(attributes->ObjectName), from);
  if (key == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  *handle = reinterpret_cast<HANDLE>(kernel.open_handle(key));
  return STATUS_SUCCESS;
}

}  // namespace

NTSTATUS ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK, POBJECT_ATTRIBUTES ObjectAttributes) {
  if (current().injected_failure(export_index::ZwOpenKey)) return STATUS_INSUFFICIENT_RESOURCES;
  return open(KeyHandle, ObjectAttributes);
}
NTSTATUS ZwOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK, POBJECT_ATTRIBUTES ObjectAttributes, ULONG) {
  if (current().injected_failure(export_index::ZwOpenKeyEx)) return STATUS_INSUFFICIENT_RESOURCES;
  return open(KeyHandle, ObjectAttributes);
}

// Only the last component may be new [doc]. A key below a volatile one has to be
// volatile [doc].
NTSTATUS ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK, POBJECT_ATTRIBUTES ObjectAttributes, ULONG, PUNICODE_STRING,
                     ULONG CreateOptions, PULONG Disposition) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::ZwCreateKey)) return STATUS_INSUFFICIENT_RESOURCES;
  Registry::Key* from = nullptr;
  if (const NTSTATUS status = start_of(ObjectAttributes, from); !NT_SUCCESS(status)) return status;
  std::u16string_view path = view(ObjectAttributes->ObjectName);
  while (!path.empty() && path.back() == u'\\') path.remove_suffix(1);
  Registry::Key* key = kernel.registry().find(path, from);
  if (Disposition != nullptr) *Disposition = key != nullptr ? REG_OPENED_EXISTING_KEY : REG_CREATED_NEW_KEY;
  if (key == nullptr) {
    const std::size_t last = path.rfind(u'\\');
    Registry::Key* parent =
        last == std::u16string_view::npos ? from : kernel.registry().find(path.substr(0, last), from);
    if (parent == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
    const bool is_volatile = (CreateOptions & REG_OPTION_VOLATILE) != 0;
    if (parent->is_volatile && !is_volatile) return STATUS_CHILD_MUST_BE_VOLATILE;
    key = kernel.registry().create(last == std::u16string_view::npos ? path : path.substr(last + 1), parent);
    key->is_volatile = is_volatile;
    record_created(*key);
  }
  *KeyHandle = reinterpret_cast<HANDLE>(kernel.open_handle(key));
  return STATUS_SUCCESS;
}

NTSTATUS ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation, ULONG Length,
                    PULONG ResultLength) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  return give_key(*key, KeyInformationClass, KeyInformation, Length, ResultLength);
}

NTSTATUS ZwEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                        ULONG Length, PULONG ResultLength) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  if (Index >= key->keys.size()) return STATUS_NO_MORE_ENTRIES;
  return give_key(*key->keys[Index], KeyInformationClass, KeyInformation, Length, ResultLength);
}

NTSTATUS ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation, ULONG Length,
                         PULONG ResultLength) {
  if (current().injected_failure(export_index::ZwQueryValueKey)) return STATUS_INSUFFICIENT_RESOURCES;
  Registry::Key* key = nullptr;
  NTSTATUS status = resolve(KeyHandle, key);
  if (!NT_SUCCESS(status)) return status;
  const Registry::Value* value = key->find_value(view(ValueName));
  status = value == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND
                            : give_value(*value, KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
  record_read(*key, view(ValueName), status);
  return status;
}

NTSTATUS ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index, KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                             PVOID KeyValueInformation, ULONG Length, PULONG ResultLength) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  if (Index >= key->values.size()) return STATUS_NO_MORE_ENTRIES;
  const Registry::Value& value = key->values[Index];
  const NTSTATUS status = give_value(value, KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
  record_read(*key, value.name, status);
  return status;
}

NTSTATUS ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG, ULONG Type, PVOID Data, ULONG DataSize) {
  if (current().injected_failure(export_index::ZwSetValueKey)) return STATUS_INSUFFICIENT_RESOURCES;
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  write_value(*key, view(ValueName), Type, {static_cast<const std::byte*>(Data), DataSize});
  return STATUS_SUCCESS;
}

NTSTATUS ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  return delete_value(*key, view(ValueName));
}

NTSTATUS ZwDeleteKey(HANDLE KeyHandle) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = resolve(KeyHandle, key); !NT_SUCCESS(status)) return status;
  Kernel& kernel = current();
  const std::string path = to_utf8(key->path());
  const NTSTATUS status = kernel.registry().remove(*key) ? STATUS_SUCCESS : STATUS_CANNOT_DELETE;
  kernel.recorder().registry_deleted(kernel.image(), status, path);
  return status;
}

NTSTATUS ZwFlushKey(HANDLE KeyHandle) {
  Registry::Key* key = nullptr;
  return resolve(KeyHandle, key);
}

NTSTATUS ZwClose(HANDLE Handle) {
  Kernel& kernel = current();
  const std::uint64_t handle = reinterpret_cast<std::uintptr_t>(Handle);
  void* const object = kernel.object_of(handle);
  if (!kernel.close_handle(handle)) return STATUS_INVALID_HANDLE;
  if (object == nullptr) return STATUS_SUCCESS;
  if (PFILE_OBJECT file = find_file(kernel, object); file != nullptr && !kernel.is_open(object)) {
    close_handle(kernel, file);
  }
  kernel::ObfDereferenceObject(object);
  return STATUS_SUCCESS;
}

void record_read(const Registry::Key& key, std::u16string_view value, std::int32_t status) {
  Kernel& kernel = current();
  if (!kernel.config().record_calls) return;
  kernel.recorder().registry_read(kernel.image(), status, to_utf8(key.path()), to_utf8(value));
}

void write_value(Registry::Key& key, std::u16string_view name, std::uint32_t type, std::span<const std::byte> bytes) {
  Kernel& kernel = current();
  Registry::set(key, name, type, bytes);
  kernel.recorder().registry_written(kernel.image(), STATUS_SUCCESS, to_utf8(key.path()), to_utf8(name), type,
                                     trace::registry_data_words(type, bytes));
}

std::int32_t delete_value(Registry::Key& key, std::u16string_view name) {
  Kernel& kernel = current();
  const NTSTATUS status = Registry::remove_value(key, name) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
  kernel.recorder().registry_deleted(kernel.image(), status, to_utf8(key.path()), to_utf8(name));
  return status;
}

void record_created(const Registry::Key& key) {
  Kernel& kernel = current();
  kernel.recorder().registry_created(kernel.image(), STATUS_SUCCESS, to_utf8(key.path()));
}

}  // namespace dumpsim::kernel
