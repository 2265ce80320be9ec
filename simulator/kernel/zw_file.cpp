// SPDX-License-Identifier: Apache-2.0
// Files by path: opening, creating, reading, writing. The rules are NTFS's as they are documented for ZwCreateFile,
// ZwReadFile and ZwWriteFile [doc]; the order in which several mistakes of one call are found is [assumed].
#include <algorithm>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/open_file.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {
namespace {

using Node = FileTree::Node;

constexpr std::size_t sector_size = 512;

std::uint64_t now(Kernel& kernel) {
  return machine::boot_filetime + kernel.machine().clock.now;
}

std::u16string_view view(const UNICODE_STRING* string) {
  if (string == nullptr || string->Buffer == nullptr) return {};
  return {string->Buffer, string->Length / sizeof(WCHAR)};
}

std::uint32_t granted(ACCESS_MASK wanted) {
  std::uint32_t access = wanted;
  if ((access & MAXIMUM_ALLOWED) != 0 || (access & GENERIC_ALL) != 0) access |= FILE_ALL_ACCESS;
  if ((access & GENERIC_READ) != 0) access |= FILE_GENERIC_READ;
  if ((access & GENERIC_WRITE) != 0) access |= FILE_GENERIC_WRITE;
  if ((access & GENERIC_EXECUTE) != 0) access |= FILE_GENERIC_EXECUTE;
  return access & ~std::uint32_t{GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | MAXIMUM_ALLOWED};
}

constexpr std::uint32_t reading = FILE_READ_DATA | FILE_EXECUTE;
constexpr std::uint32_t writing = FILE_WRITE_DATA | FILE_APPEND_DATA;

/// Where a path leads: the folder, the last name ("" for the root itself) and whether it ended in a separator.
struct Target {
  Node* folder = nullptr;
  std::u16string name;
  bool separator = false;

  Node* node() const { return name.empty() ? folder : folder->child(name); }
};

NTSTATUS follow(Kernel& kernel, const OBJECT_ATTRIBUTES* attributes, Target& into) {
  if (attributes == nullptr || attributes->Length != sizeof(OBJECT_ATTRIBUTES)) return STATUS_INVALID_PARAMETER;
  std::u16string path(view(attributes->ObjectName));
  Node* from = &kernel.files().root();
  if (attributes->RootDirectory != nullptr) {
    const auto handle = reinterpret_cast<std::uintptr_t>(attributes->RootDirectory);
    OpenFile* base = kernel.file_of(handle);
    if (base == nullptr) return kernel.key_of(handle) == nullptr ? STATUS_INVALID_HANDLE : STATUS_OBJECT_TYPE_MISMATCH;
    if (!base->node->folder) return STATUS_NOT_A_DIRECTORY;
    if (!path.empty() && path.front() == u'\\') return STATUS_OBJECT_NAME_INVALID;
    from = base->node;
  } else {
    if (path.empty() || path.front() != u'\\') return STATUS_OBJECT_PATH_SYNTAX_BAD;
    auto rest = on_system_volume(path, kernel.volume_number());
    if (!rest) {
      // A directory of the object manager, or a device that is no volume with files.
      const bool last = path.find(u'\\', 1) == std::u16string::npos ||
                        path.find(u'\\', path.find(u'\\', 1) + 1) == std::u16string::npos;
      return last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
    }
    path = rest->substr(std::min<std::size_t>(rest->size(), 1));
  }
  into.folder = from;
  std::u16string_view rest = path;
  while (!rest.empty()) {
    const std::u16string_view name = rest.substr(0, rest.find(u'\\'));
    rest.remove_prefix(name.size());
    into.separator = !rest.empty();
    if (!rest.empty()) rest.remove_prefix(1);
    if (!is_file_name(name)) return STATUS_OBJECT_NAME_INVALID;
    if (!into.name.empty()) {
      Node* next = into.folder->child(into.name);
      if (next == nullptr || !next->folder) return STATUS_OBJECT_PATH_NOT_FOUND;
      into.folder = next;
    }
    into.name = name;
  }
  return STATUS_SUCCESS;
}

NTSTATUS check_request(ULONG disposition, ULONG options, ACCESS_MASK access, ULONG share) {
  constexpr ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
  if (disposition > FILE_MAXIMUM_DISPOSITION || (share & ~7u) != 0) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_DIRECTORY_FILE) != 0 &&
      ((options & FILE_NON_DIRECTORY_FILE) != 0 ||
       (disposition != FILE_CREATE && disposition != FILE_OPEN && disposition != FILE_OPEN_IF))) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((options & synchronous) == synchronous) return STATUS_INVALID_PARAMETER;
  const std::uint32_t rights = granted(access);
  if ((options & synchronous) != 0 && (rights & SYNCHRONIZE) == 0) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_DELETE_ON_CLOSE) != 0 && (rights & DELETE) == 0) return STATUS_INVALID_PARAMETER;
  // A handle without buffering may not append only: every write has to be aligned [doc].
  if ((options & FILE_NO_INTERMEDIATE_BUFFERING) != 0 && (access & FILE_APPEND_DATA) != 0 &&
      (access & FILE_WRITE_DATA) == 0) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((options & FILE_OPEN_BY_FILE_ID) != 0) return STATUS_NOT_SUPPORTED;
  return STATUS_SUCCESS;
}

bool shares(const Node& node, std::uint32_t access, ULONG share) {
  const auto allowed = [&](bool wants, std::uint32_t sharing) { return !wants || sharing == node.opens; };
  const auto allows = [&](ULONG bit, std::uint32_t have) { return (share & bit) != 0 || have == 0; };
  return allowed((access & reading) != 0, node.share_readers) && allowed((access & writing) != 0, node.share_writers) &&
         allowed((access & DELETE) != 0, node.share_deleters) && allows(FILE_SHARE_READ, node.readers) &&
         allows(FILE_SHARE_WRITE, node.writers) && allows(FILE_SHARE_DELETE, node.deleters);
}

void count(Node& node, const OpenFile& file, bool opens) {
  const auto step = [opens](std::uint32_t& counter, bool counts) { counter += counts ? (opens ? 1u : ~0u) : 0u; };
  // Only who reads, writes or deletes takes part in sharing [doc].
  const std::uint32_t takes_part = file.access & (reading | writing | DELETE);
  step(node.opens, takes_part != 0);
  step(node.readers, (file.access & reading) != 0);
  step(node.writers, (file.access & writing) != 0);
  step(node.deleters, (file.access & DELETE) != 0);
  step(node.share_readers, takes_part != 0 && (file.share & FILE_SHARE_READ) != 0);
  step(node.share_writers, takes_part != 0 && (file.share & FILE_SHARE_WRITE) != 0);
  step(node.share_deleters, takes_part != 0 && (file.share & FILE_SHARE_DELETE) != 0);
}

struct Request {
  ACCESS_MASK access;
  ULONG attributes, share, disposition, options;
};

NTSTATUS open_existing(Kernel& kernel, Node& node, const Request& request, bool separator, ULONG_PTR& information) {
  const std::uint32_t access = granted(request.access);
  if (request.disposition == FILE_CREATE) {
    information = FILE_EXISTS;
    return STATUS_OBJECT_NAME_COLLISION;
  }
  if (node.folder && (request.options & FILE_NON_DIRECTORY_FILE) != 0) return STATUS_FILE_IS_A_DIRECTORY;
  if (!node.folder && ((request.options & FILE_DIRECTORY_FILE) != 0 || separator)) return STATUS_NOT_A_DIRECTORY;
  if (node.delete_pending) return STATUS_DELETE_PENDING;
  const bool replaces = request.disposition != FILE_OPEN && request.disposition != FILE_OPEN_IF;
  if (node.folder && replaces) return STATUS_FILE_IS_A_DIRECTORY;
  const bool read_only = (node.attributes & FILE_ATTRIBUTE_READONLY) != 0;
  if (read_only && !node.folder && (replaces || (access & writing) != 0)) return STATUS_ACCESS_DENIED;
  if (read_only && (request.options & FILE_DELETE_ON_CLOSE) != 0) return STATUS_CANNOT_DELETE;
  if (!shares(node, access | (replaces ? FILE_WRITE_DATA : 0u), request.share)) return STATUS_SHARING_VIOLATION;
  information = FILE_OPENED;
  if (replaces) {
    kernel.files().resize(node, 0);
    const std::uint32_t kept = request.disposition == FILE_SUPERSEDE ? 0 : node.attributes;
    node.attributes = kept |
                      (request.attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM)) |
                      FILE_ATTRIBUTE_ARCHIVE;
    node.written = node.changed = now(kernel);
    information = request.disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
  }
  return STATUS_SUCCESS;
}

NTSTATUS create_new(Kernel& kernel, const Target& target, const Request& request, Node*& node, ULONG_PTR& information) {
  if (request.disposition == FILE_OPEN || request.disposition == FILE_OVERWRITE) {
    information = FILE_DOES_NOT_EXIST;
    return STATUS_OBJECT_NAME_NOT_FOUND;
  }
  const bool folder = (request.options & FILE_DIRECTORY_FILE) != 0;
  if (!folder && target.separator) return STATUS_OBJECT_NAME_INVALID;
  if (target.folder->delete_pending) return STATUS_DELETE_PENDING;
  if (!kernel.files().has_room()) return STATUS_DISK_FULL;
  node = &kernel.files().add(*target.folder, target.name, folder, now(kernel));
  node->attributes = request.attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |
                                           FILE_ATTRIBUTE_TEMPORARY);
  if (!folder) node->attributes |= FILE_ATTRIBUTE_ARCHIVE;
  information = FILE_CREATED;
  return STATUS_SUCCESS;
}

NTSTATUS create(PHANDLE handle, const OBJECT_ATTRIBUTES* attributes, PIO_STATUS_BLOCK status_block,
                const Request& request, PVOID ea_buffer) {
  Kernel& kernel = current();
  if (const NTSTATUS status = files_available(kernel); !NT_SUCCESS(status)) return status;
  if (ea_buffer != nullptr) return STATUS_EAS_NOT_SUPPORTED;
  NTSTATUS status = check_request(request.disposition, request.options, request.access, request.share);
  if (!NT_SUCCESS(status)) return status;
  const std::u16string_view name = attributes == nullptr ? std::u16string_view{} : view(attributes->ObjectName);
  if (!name.empty() && name.front() == u'\\' && attributes->RootDirectory == nullptr && is_device_path(kernel, name)) {
    return open_device(kernel, name, request.access, request.disposition, request.options, handle, status_block);
  }
  Target target;
  ULONG_PTR information = 0;
  Node* node = nullptr;
  status = follow(kernel, attributes, target);
  if (NT_SUCCESS(status)) {
    node = target.node();
    status = node != nullptr ? open_existing(kernel, *node, request, target.separator, information)
                             : create_new(kernel, target, request, node, information);
  }
  const std::u16string path = NT_SUCCESS(status) ? node->path() : std::u16string(view(attributes->ObjectName));
  kernel.recorder().file_opened(kernel.image(), status, static_cast<std::uint64_t>(information),
                                NT_SUCCESS(status) ? "C:" + to_utf8(path) : to_utf8(path));
  // Which of the two there was is said of a failure too [doc]; nothing else is written then.
  if (!NT_SUCCESS(status)) {
    if (information != 0) *status_block = IO_STATUS_BLOCK{{status}, information};
    return status;
  }
  auto file = std::make_unique<OpenFile>();
  file->node = node;
  file->access = granted(request.access);
  file->share = request.share;
  file->options = request.options;
  count(*node, *file, true);
  *handle = reinterpret_cast<HANDLE>(kernel.open_file_handle(std::move(file)));
  *status_block = IO_STATUS_BLOCK{{STATUS_SUCCESS}, information};
  return STATUS_SUCCESS;
}

}  // namespace

NTSTATUS resolve_file(HANDLE handle, OpenFile*& file) {
  Kernel& kernel = current();
  if (const NTSTATUS status = files_available(kernel); !NT_SUCCESS(status)) return status;
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  file = kernel.file_of(value);
  if (file != nullptr) return STATUS_SUCCESS;
  if (device_behind(kernel, handle) != nullptr) return STATUS_INVALID_DEVICE_REQUEST;
  const bool other = kernel.key_of(value) != nullptr || kernel.object_of(value) != nullptr;
  return other ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_INVALID_HANDLE;
}

namespace {

/// What reading and writing check alike. An APC routine is for other callers than drivers [doc: they pass NULL]; an
/// event would have to be one that this kernel knows.
NTSTATUS check_notices(HANDLE event, PIO_APC_ROUTINE apc) {
  if (event != nullptr) return STATUS_INVALID_HANDLE;
  return apc != nullptr ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/// A transfer through a handle on a device.
NTSTATUS transfer_to_device(Kernel& kernel, PFILE_OBJECT device, UCHAR major, HANDLE event, PIO_APC_ROUTINE apc,
                            PIO_STATUS_BLOCK status_block, PVOID buffer, ULONG length, const LARGE_INTEGER* offset) {
  if (const NTSTATUS status = files_available(kernel); !NT_SUCCESS(status)) return status;
  if (const NTSTATUS status = check_notices(event, apc); !NT_SUCCESS(status)) return status;
  return transfer(kernel, device, major, buffer, length, offset, status_block);
}

/// Where a transfer begins. Only a synchronous handle has a position to fall back on [doc].
NTSTATUS start_of(const OpenFile& file, const LARGE_INTEGER* offset, bool writes, std::uint64_t& start) {
  const bool at_end = writes && offset != nullptr && offset->QuadPart == -1;
  const bool appends_only = writes && !file.may(FILE_WRITE_DATA);
  if (at_end || appends_only) {
    start = file.node->bytes.size();
    return STATUS_SUCCESS;
  }
  if (at_position(offset)) {
    if (!file.synchronous()) return STATUS_INVALID_PARAMETER;
    start = file.position;
    return STATUS_SUCCESS;
  }
  if (offset->QuadPart < 0) return STATUS_INVALID_PARAMETER;
  start = static_cast<std::uint64_t>(offset->QuadPart);
  return STATUS_SUCCESS;
}

NTSTATUS check_transfer(const OpenFile& file, std::uint32_t rights, HANDLE event, PIO_APC_ROUTINE apc,
                        const LARGE_INTEGER* offset, ULONG length, bool writes, std::uint64_t& start) {
  if (file.node->folder) return STATUS_INVALID_DEVICE_REQUEST;
  if ((file.access & rights) == 0) return STATUS_ACCESS_DENIED;
  if (const NTSTATUS status = check_notices(event, apc); !NT_SUCCESS(status)) return status;
  if (const NTSTATUS status = start_of(file, offset, writes, start); !NT_SUCCESS(status)) return status;
  if ((file.options & FILE_NO_INTERMEDIATE_BUFFERING) != 0 && (start % sector_size != 0 || length % sector_size != 0)) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

}  // namespace

bool OpenFile::synchronous() const {
  return (options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0;
}

void close_file(Kernel& kernel, OpenFile& file) {
  Node& node = *file.node;
  count(node, file, false);
  if ((file.options & FILE_DELETE_ON_CLOSE) != 0 && node.parent != nullptr) node.delete_pending = true;
  if (!node.delete_pending || kernel.is_open(node) || !node.children.empty()) return;
  kernel.recorder().file_changed(kernel.image(), STATUS_SUCCESS, "C:" + to_utf8(node.path()), "deleted");
  kernel.files().remove(node);
}

// After a crash nothing is behind a file system any more, and a call from that high is against its rules before.
std::int32_t files_available(Kernel& kernel) {
  const std::uint8_t irql = kernel.machine().processor.irql;
  if (irql < DISPATCH_LEVEL || kernel.config().raised_files == RaisedFiles::work) return STATUS_SUCCESS;
  if (kernel.config().raised_files == RaisedFiles::bugcheck) {
    kernel.bugcheck(IRQL_NOT_LESS_OR_EQUAL, {0, irql, 0, 0});
  }
  return STATUS_UNSUCCESSFUL;
}

NTSTATUS ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG) {
  if (current().injected_failure(export_index::ZwCreateFile)) return STATUS_INSUFFICIENT_RESOURCES;
  return create(FileHandle, ObjectAttributes, IoStatusBlock,
                {DesiredAccess, FileAttributes, ShareAccess, CreateDisposition, CreateOptions}, EaBuffer);
}

NTSTATUS ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                    PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions) {
  if (current().injected_failure(export_index::ZwOpenFile)) return STATUS_INSUFFICIENT_RESOURCES;
  return create(FileHandle, ObjectAttributes, IoStatusBlock, {DesiredAccess, 0, ShareAccess, FILE_OPEN, OpenOptions},
                nullptr);
}

// Pipes and mailslots are no files of this volume.
NTSTATUS IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG, CREATE_FILE_TYPE CreateFileType,
                      PVOID, ULONG) {
  if (current().injected_failure(export_index::IoCreateFile)) return STATUS_INSUFFICIENT_RESOURCES;
  if (CreateFileType != CreateFileTypeNone) return STATUS_NOT_SUPPORTED;
  return create(FileHandle, ObjectAttributes, IoStatusBlock,
                {DesiredAccess, FileAttributes, ShareAccess, Disposition, CreateOptions}, EaBuffer);
}

NTSTATUS IoCreateFileEx(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                        PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER, ULONG FileAttributes, ULONG ShareAccess,
                        ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG, CREATE_FILE_TYPE CreateFileType,
                        PVOID, ULONG, PIO_DRIVER_CREATE_CONTEXT DriverContext) {
  if (current().injected_failure(export_index::IoCreateFileEx)) return STATUS_INSUFFICIENT_RESOURCES;
  if (CreateFileType != CreateFileTypeNone) return STATUS_NOT_SUPPORTED;
  // Extra parameters, hints and transactions change where a request goes; nothing here has such places.
  if (DriverContext != nullptr &&
      (DriverContext->ExtraCreateParameter != nullptr || DriverContext->DeviceObjectHint != nullptr ||
       DriverContext->TxnParameters != nullptr)) {
    return STATUS_NOT_SUPPORTED;
  }
  return create(FileHandle, ObjectAttributes, IoStatusBlock,
                {DesiredAccess, FileAttributes, ShareAccess, Disposition, CreateOptions}, EaBuffer);
}

NTSTATUS ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID, PIO_STATUS_BLOCK IoStatusBlock,
                    PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::ZwReadFile)) return STATUS_INSUFFICIENT_RESOURCES;
  if (PFILE_OBJECT device = device_behind(kernel, FileHandle); device != nullptr) {
    return transfer_to_device(kernel, device, IRP_MJ_READ, Event, ApcRoutine, IoStatusBlock, Buffer, Length,
                              ByteOffset);
  }
  OpenFile* file = nullptr;
  NTSTATUS status = resolve_file(FileHandle, file);
  if (!NT_SUCCESS(status)) return status;
  std::uint64_t start = 0;
  status = check_transfer(*file, reading, Event, ApcRoutine, ByteOffset, Length, false, start);
  if (!NT_SUCCESS(status)) return status;
  Node& node = *file->node;
  std::size_t bytes = 0;
  if (start >= node.bytes.size() && Length != 0) {
    status = STATUS_END_OF_FILE;
  } else if (Length != 0) {
    bytes = std::min<std::size_t>(Length, node.bytes.size() - start);
    std::memcpy(Buffer, node.bytes.data() + start, bytes);
    node.read = now(kernel);
  }
  if (file->synchronous() && NT_SUCCESS(status)) file->position = start + bytes;
  if (kernel.config().record_calls) {
    kernel.recorder().file_read(kernel.image(), status, start, static_cast<std::uint32_t>(bytes),
                                "C:" + to_utf8(node.path()));
  }
  *IoStatusBlock = IO_STATUS_BLOCK{{status}, bytes};
  return status;
}

NTSTATUS ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID, PIO_STATUS_BLOCK IoStatusBlock,
                     PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::ZwWriteFile)) return STATUS_INSUFFICIENT_RESOURCES;
  if (PFILE_OBJECT device = device_behind(kernel, FileHandle); device != nullptr) {
    return transfer_to_device(kernel, device, IRP_MJ_WRITE, Event, ApcRoutine, IoStatusBlock, Buffer, Length,
                              ByteOffset);
  }
  OpenFile* file = nullptr;
  NTSTATUS status = resolve_file(FileHandle, file);
  if (!NT_SUCCESS(status)) return status;
  std::uint64_t start = 0;
  status = check_transfer(*file, writing, Event, ApcRoutine, ByteOffset, Length, true, start);
  if (!NT_SUCCESS(status)) return status;
  Node& node = *file->node;
  std::size_t bytes = 0;
  if (Length != 0) {
    const bool fits = start <= FileTree::capacity &&
                      (start + Length <= node.bytes.size() || kernel.files().resize(node, start + Length));
    status = fits ? STATUS_SUCCESS : STATUS_DISK_FULL;
    if (fits) {
      bytes = Length;
      std::memcpy(node.bytes.data() + start, Buffer, bytes);
      node.written = node.changed = now(kernel);
      node.attributes |= FILE_ATTRIBUTE_ARCHIVE;
    }
  }
  if (file->synchronous() && NT_SUCCESS(status)) file->position = start + bytes;
  kernel.recorder().file_written(kernel.image(), status, start, static_cast<std::uint32_t>(bytes),
                                 "C:" + to_utf8(node.path()));
  *IoStatusBlock = IO_STATUS_BLOCK{{status}, bytes};
  return status;
}

// Nothing is held back: what was written is in the file.
NTSTATUS ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock) {
  Kernel& kernel = current();
  if (PFILE_OBJECT device = device_behind(kernel, FileHandle); device != nullptr) {
    const NTSTATUS status = files_available(kernel);
    return NT_SUCCESS(status) ? flush(kernel, device, IoStatusBlock) : status;
  }
  OpenFile* file = nullptr;
  if (const NTSTATUS status = resolve_file(FileHandle, file); !NT_SUCCESS(status)) return status;
  if ((file->access & writing) == 0) return STATUS_ACCESS_DENIED;
  *IoStatusBlock = IO_STATUS_BLOCK{{STATUS_SUCCESS}, 0};
  return STATUS_SUCCESS;
}

NTSTATUS ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes) {
  HANDLE handle = nullptr;
  IO_STATUS_BLOCK status_block;
  const NTSTATUS status =
      create(&handle, ObjectAttributes, &status_block,
             {DELETE, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN, 0}, nullptr);
  if (!NT_SUCCESS(status)) return status;
  OpenFile* file = current().file_of(reinterpret_cast<std::uintptr_t>(handle));
  const NTSTATUS refused = file->node->parent == nullptr || (file->node->attributes & FILE_ATTRIBUTE_READONLY) != 0
                               ? STATUS_CANNOT_DELETE
                           : !file->node->children.empty() ? STATUS_DIRECTORY_NOT_EMPTY
                                                           : STATUS_SUCCESS;
  if (NT_SUCCESS(refused)) file->node->delete_pending = true;
  current().close_handle(reinterpret_cast<std::uintptr_t>(handle));
  return refused;
}

}  // namespace dumpsim::kernel
