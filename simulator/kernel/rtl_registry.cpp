// SPDX-License-Identifier: Apache-2.0
// RtlQueryRegistryValues and its kin: a table of wishes, answered by callback or straight into the driver's variables.
// The rules for the direct form differ by type and size, and getting them wrong is how drivers overflow their stacks.
#include <algorithm>
#include <cstring>

#include "kernel/crt.hpp"
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/registry_call.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

bool is_text(ULONG type) {
  return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/// The base of `relative_to`; a status for one that does not exist.
NTSTATUS base_of(ULONG relative_to, std::u16string& path) {
  switch (relative_to & 0xFFFF) {
    case RTL_REGISTRY_ABSOLUTE:
      break;
    case RTL_REGISTRY_SERVICES:
      path = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
      break;
    case RTL_REGISTRY_CONTROL:
      path = u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\";
      break;
    case RTL_REGISTRY_WINDOWS_NT:
      path = u"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\";
      break;
    case RTL_REGISTRY_DEVICEMAP:
      path = u"\\Registry\\Machine\\Hardware\\DeviceMap\\";
      break;
    case RTL_REGISTRY_USER:
      path = u"\\Registry\\User\\.Default\\";
      break;
    default:
      return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

/// Makes what is missing of a path, each key with its record.
Registry::Key* create(std::u16string_view path) {
  Registry& registry = current().registry();
  for (std::size_t end = path.find(u'\\', 1);; end = path.find(u'\\', end + 1)) {
    const std::u16string_view part = path.substr(0, end);
    const bool missing = registry.find(part) == nullptr;
    Registry::Key* key = registry.create(part);
    if (key == nullptr) return nullptr;
    if (missing) record_created(*key);
    if (end == std::u16string_view::npos) return key;
  }
}

NTSTATUS find(ULONG relative_to, PCWSTR path, bool make, Registry::Key*& key) {
  Kernel& kernel = current();
  if ((relative_to & RTL_REGISTRY_HANDLE) != 0) {
    key = kernel.key_of(reinterpret_cast<std::uintptr_t>(path));
    return key == nullptr ? STATUS_INVALID_HANDLE : STATUS_SUCCESS;
  }
  std::u16string whole;
  if (const NTSTATUS status = base_of(relative_to, whole); !NT_SUCCESS(status)) return status;
  if (path != nullptr) whole += path;
  key = make ? create(whole) : kernel.registry().find(whole);
  return key == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}

/// A value as the table sees it: what the registry holds, or the entry's default.
struct Found {
  std::u16string_view name;
  ULONG type = REG_NONE;
  const std::byte* bytes = nullptr;
  std::size_t length = 0;

  void copy_to(void* into) const {
    if (length != 0) std::memcpy(into, bytes, length);
  }
};

std::size_t default_length(const RTL_QUERY_REGISTRY_TABLE& entry) {
  const ULONG type = entry.DefaultType & 0xFF;
  if (entry.DefaultLength != 0 || !is_text(type) || entry.DefaultData == nullptr) return entry.DefaultLength;
  const auto* text = static_cast<PCWSTR>(entry.DefaultData);
  if (type != REG_MULTI_SZ) return (dumpsim_wcslen(text) + 1) * sizeof(WCHAR);
  std::size_t units = 0;
  while (text[units] != 0) units += dumpsim_wcslen(text + units) + 1;
  return (units + 1) * sizeof(WCHAR);
}

/// A string into a UNICODE_STRING: into its buffer if it has one, else into pool that RtlFreeUnicodeString frees [doc].
NTSTATUS store_text(const Found& found, PUNICODE_STRING into) {
  if (found.length > 0xFFFE) return STATUS_BUFFER_TOO_SMALL;
  if (into->Buffer == nullptr) {
    Kernel& kernel = current();
    BlockRequest request;
    request.paged = true;
    request.image = kernel.image();
    request.tag = 0x67727453;  // "Strg"
    request.bytes = found.length;
    into->Buffer = reinterpret_cast<PWCH>(kernel.pool().allocate(request));
    if (into->Buffer == nullptr) return STATUS_NO_MEMORY;
    into->MaximumLength = static_cast<USHORT>(found.length);
  } else if (found.length > into->MaximumLength) {
    return STATUS_BUFFER_TOO_SMALL;
  }
  found.copy_to(into->Buffer);
  // The terminator, which a registry string need not have, does not count.
  std::size_t length = found.length;
  if (length >= sizeof(WCHAR) && found.type != REG_MULTI_SZ && into->Buffer[length / sizeof(WCHAR) - 1] == 0) {
    length -= sizeof(WCHAR);
  }
  into->Length = static_cast<USHORT>(length);
  return STATUS_SUCCESS;
}

/// Up to four bytes go straight into the variable. Longer data goes into a buffer that begins with its own size: as a
/// negative number, plain data replaces it; as a positive one, length and type precede the data [doc].
NTSTATUS store_bytes(const Found& found, PVOID context) {
  auto* into = static_cast<std::byte*>(context);
  if (found.length <= sizeof(ULONG)) {
    found.copy_to(into);
    return STATUS_SUCCESS;
  }
  LONG room = 0;
  std::memcpy(&room, into, sizeof room);
  const std::size_t size =
      room < 0 ? static_cast<std::size_t>(-static_cast<LONGLONG>(room)) : static_cast<std::size_t>(room);
  if (room < 0) {
    if (size < found.length) return STATUS_BUFFER_TOO_SMALL;
    found.copy_to(into);
    return STATUS_SUCCESS;
  }
  const ULONG head[] = {static_cast<ULONG>(found.length), found.type};
  if (size < found.length + sizeof head) return STATUS_BUFFER_TOO_SMALL;
  std::memcpy(into, head, sizeof head);
  found.copy_to(into + sizeof head);
  return STATUS_SUCCESS;
}

NTSTATUS call_routine(const RTL_QUERY_REGISTRY_TABLE& entry, PCWSTR name, ULONG type, const void* bytes,
                      std::size_t length, PVOID context) {
  Kernel& kernel = current();
  const void* code = reinterpret_cast<const void*>(entry.QueryRoutine);
  const std::uint64_t arguments[] = {
      reinterpret_cast<std::uintptr_t>(name),    type,
      reinterpret_cast<std::uintptr_t>(bytes),   length,
      reinterpret_cast<std::uintptr_t>(context), reinterpret_cast<std::uintptr_t>(entry.EntryContext)};
  const machine::CallResult call = kernel.call_driver(code, arguments);
  const NTSTATUS status = call.returned ? static_cast<NTSTATUS>(call.value) : STATUS_UNSUCCESSFUL;
  return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;  // ignored [doc]
}

NTSTATUS deliver(const RTL_QUERY_REGISTRY_TABLE& entry, const Found& found, PVOID context) {
  if ((entry.Flags & RTL_QUERY_REGISTRY_DIRECT) != 0) {
    // A list must be asked for as it is [doc]; what happens otherwise is not documented [assumed].
    const bool list = found.type == REG_MULTI_SZ && (entry.Flags & RTL_QUERY_REGISTRY_NOEXPAND) == 0;
    if (entry.EntryContext == nullptr || list) return STATUS_INVALID_PARAMETER;
    return is_text(found.type) ? store_text(found, static_cast<PUNICODE_STRING>(entry.EntryContext))
                               : store_bytes(found, entry.EntryContext);
  }
  // Each string of a list on its own, as REG_SZ, unless asked for as it is [doc].
  const std::u16string name(found.name);
  if (found.type != REG_MULTI_SZ || (entry.Flags & RTL_QUERY_REGISTRY_NOEXPAND) != 0) {
    return call_routine(entry, name.c_str(), found.type, found.bytes, found.length, context);
  }
  const auto* text = reinterpret_cast<PCWSTR>(found.bytes);
  const std::size_t units = found.length / sizeof(WCHAR);
  for (std::size_t at = 0; at < units && text[at] != 0;) {
    const std::size_t length = dumpsim_wcsnlen(text + at, units - at);
    const std::size_t with_end = std::min(length + 1, units - at);
    const NTSTATUS status = call_routine(entry, name.c_str(), REG_SZ, text + at, with_end * sizeof(WCHAR), context);
    if (!NT_SUCCESS(status)) return status;
    at += with_end;
  }
  return STATUS_SUCCESS;
}

NTSTATUS query_named(Registry::Key* key, const RTL_QUERY_REGISTRY_TABLE& entry, PVOID context) {
  const Registry::Value* value = key == nullptr ? nullptr : key->find_value(entry.Name);
  Found found;
  found.name = entry.Name;
  if (value != nullptr) {
    const ULONG expected = entry.DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    if ((entry.Flags & RTL_QUERY_REGISTRY_TYPECHECK) != 0 && expected != value->type) {
      return STATUS_OBJECT_TYPE_MISMATCH;
    }
    found.type = value->type;
    found.bytes = value->bytes.data();
    found.length = value->bytes.size();
  } else {
    const ULONG type = entry.DefaultType & 0xFF;
    if ((entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0) return STATUS_OBJECT_NAME_NOT_FOUND;
    if (type == REG_NONE) return STATUS_SUCCESS;
    found.type = type;
    found.bytes = static_cast<const std::byte*>(entry.DefaultData);
    found.length = default_length(entry);
  }
  const NTSTATUS status = deliver(entry, found, context);
  if (value != nullptr && NT_SUCCESS(status) && (entry.Flags & RTL_QUERY_REGISTRY_DELETE) != 0) {
    delete_value(*key, entry.Name);
  }
  return status;
}

NTSTATUS query_all(Registry::Key* key, const RTL_QUERY_REGISTRY_TABLE& entry, PVOID context) {
  if (key == nullptr || key->values.empty()) {
    return (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
  }
  const std::vector<Registry::Value> values = key->values;  // the routine may change them
  for (const Registry::Value& value : values) {
    const NTSTATUS status = deliver(entry, {value.name, value.type, value.bytes.data(), value.bytes.size()}, context);
    record_read(*key, value.name, status);
    if (!NT_SUCCESS(status)) return status;
    if ((entry.Flags & RTL_QUERY_REGISTRY_DELETE) != 0) delete_value(*key, value.name);
  }
  return STATUS_SUCCESS;
}

}  // namespace

// An optional key that is missing counts as empty: required entries still fail, defaults still apply [assumed].
NTSTATUS RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                PVOID) {
  if (current().injected_failure(export_index::RtlQueryRegistryValues)) return STATUS_INSUFFICIENT_RESOURCES;
  Registry::Key* top = nullptr;
  NTSTATUS status = find(RelativeTo, Path, false, top);
  if (!NT_SUCCESS(status)) {
    if (status != STATUS_OBJECT_NAME_NOT_FOUND || (RelativeTo & RTL_REGISTRY_OPTIONAL) == 0) return status;
  }
  Registry::Key* key = top;
  for (; QueryTable->QueryRoutine != nullptr ||
         (QueryTable->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)) != 0;
       ++QueryTable) {
    const RTL_QUERY_REGISTRY_TABLE& entry = *QueryTable;
    const bool direct = (entry.Flags & RTL_QUERY_REGISTRY_DIRECT) != 0;
    if (direct &&
        (entry.Name == nullptr || entry.QueryRoutine != nullptr || (entry.Flags & RTL_QUERY_REGISTRY_SUBKEY) != 0)) {
      return STATUS_INVALID_PARAMETER;
    }
    if ((entry.Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) != 0) key = top;
    if ((entry.Flags & RTL_QUERY_REGISTRY_SUBKEY) != 0) {
      if (entry.Name == nullptr) return STATUS_INVALID_PARAMETER;
      key = top == nullptr ? nullptr : current().registry().find(entry.Name, top);
      if (key == nullptr && (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0) return STATUS_OBJECT_NAME_NOT_FOUND;
      if (entry.QueryRoutine == nullptr) continue;
      status = query_all(key, entry, Context);
    } else if (entry.Name != nullptr) {
      status = query_named(key, entry, Context);
      if (key != nullptr) record_read(*key, entry.Name, status);
    } else if ((entry.Flags & RTL_QUERY_REGISTRY_NOVALUE) != 0) {
      status = call_routine(entry, nullptr, REG_NONE, nullptr, 0, Context);
    } else {
      status = query_all(key, entry, Context);
    }
    if (!NT_SUCCESS(status)) return status;
  }
  return STATUS_SUCCESS;
}

NTSTATUS RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType, PVOID ValueData,
                               ULONG ValueLength) {
  if (current().injected_failure(export_index::RtlWriteRegistryValue)) return STATUS_INSUFFICIENT_RESOURCES;
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = find(RelativeTo, Path, true, key); !NT_SUCCESS(status)) return status;
  write_value(*key, ValueName == nullptr ? u"" : ValueName, ValueType,
              {static_cast<const std::byte*>(ValueData), ValueLength});
  return STATUS_SUCCESS;
}

NTSTATUS RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName) {
  Registry::Key* key = nullptr;
  if (const NTSTATUS status = find(RelativeTo, Path, false, key); !NT_SUCCESS(status)) return status;
  return delete_value(*key, ValueName);
}

NTSTATUS RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path) {
  Registry::Key* key = nullptr;
  return find(RelativeTo, Path, false, key);
}

NTSTATUS RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path) {
  Registry::Key* key = nullptr;
  return find(RelativeTo, Path, true, key);
}

}  // namespace dumpsim::kernel
