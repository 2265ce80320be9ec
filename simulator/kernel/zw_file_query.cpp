// SPDX-License-Identifier: Apache-2.0
// What a file says of itself, what can be changed about it, and what lies in a folder. A class that is not answered
// here is STATUS_INVALID_INFO_CLASS, as from a file system that does not support it [doc].
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/kernel.hpp"
#include "kernel/open_file.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

using Node = FileTree::Node;

constexpr std::uint64_t cluster_size = 4096;

LARGE_INTEGER large(std::uint64_t value) {
  LARGE_INTEGER result;
  result.QuadPart = static_cast<LONGLONG>(value);
  return result;
}

std::uint32_t attributes_of(const Node& node) {
  const std::uint32_t attributes = node.attributes | (node.folder ? FILE_ATTRIBUTE_DIRECTORY : 0u);
  return attributes == 0 ? std::uint32_t{FILE_ATTRIBUTE_NORMAL} : attributes;
}

std::uint64_t allocated(const Node& node) {
  return (node.bytes.size() + cluster_size - 1) / cluster_size * cluster_size;
}

std::string words_of(const Node& node) {
  return "C:" + to_utf8(node.path());
}

FILE_BASIC_INFORMATION basic_of(const Node& node) {
  FILE_BASIC_INFORMATION basic{};
  basic.CreationTime = large(node.created);
  basic.LastAccessTime = large(node.read);
  basic.LastWriteTime = large(node.written);
  basic.ChangeTime = large(node.changed);
  basic.FileAttributes = attributes_of(node);
  return basic;
}

FILE_STANDARD_INFORMATION standard_of(const Node& node) {
  FILE_STANDARD_INFORMATION standard{};
  standard.AllocationSize = large(allocated(node));
  standard.EndOfFile = large(node.bytes.size());
  standard.NumberOfLinks = node.delete_pending ? 0 : 1;
  standard.DeletePending = node.delete_pending ? TRUE : FALSE;
  standard.Directory = node.folder ? TRUE : FALSE;
  return standard;
}

FILE_NETWORK_OPEN_INFORMATION network_open_of(const Node& node) {
  const FILE_BASIC_INFORMATION basic = basic_of(node);
  FILE_NETWORK_OPEN_INFORMATION answer{};
  answer.CreationTime = basic.CreationTime;
  answer.LastAccessTime = basic.LastAccessTime;
  answer.LastWriteTime = basic.LastWriteTime;
  answer.ChangeTime = basic.ChangeTime;
  answer.AllocationSize = large(allocated(node));
  answer.EndOfFile = large(node.bytes.size());
  answer.FileAttributes = basic.FileAttributes;
  return answer;
}

/// The options that FILE_MODE_INFORMATION tells [doc].
std::uint32_t mode_of(const OpenFile& file) {
  return file.options & (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |
                         FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE);
}

/// A structure that fits or does not.
template <class T>
NTSTATUS give(const T& answer, PVOID into, ULONG room, std::size_t& written) {
  if (room < sizeof answer) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(into, &answer, sizeof answer);
  written = sizeof answer;
  return STATUS_SUCCESS;
}

/// A length and a name of which as much is given as fits: STATUS_BUFFER_OVERFLOW for the rest [doc].
NTSTATUS give_name(const Node& node, std::byte* into, std::size_t room, std::size_t& written) {
  const std::u16string name = node.path();
  const auto length = static_cast<ULONG>(name.size() * sizeof(WCHAR));
  constexpr std::size_t fixed = FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
  if (room < sizeof(FILE_NAME_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(into, &length, sizeof length);
  const std::size_t fits = std::min<std::size_t>(length, room - fixed);
  std::memcpy(into + fixed, name.data(), fits);
  written += fixed + fits;
  return fits < length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS give_all(const OpenFile& file, PVOID into, ULONG room, std::size_t& written) {
  FILE_ALL_INFORMATION all{};
  if (room < sizeof all) return STATUS_INFO_LENGTH_MISMATCH;
  const Node& node = *file.node;
  all.BasicInformation = basic_of(node);
  all.StandardInformation = standard_of(node);
  all.InternalInformation.IndexNumber = large(node.id);
  all.AccessInformation.AccessFlags = file.access;
  all.PositionInformation.CurrentByteOffset = large(file.position);
  all.ModeInformation.Mode = mode_of(file);
  constexpr std::size_t fixed = FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation);
  std::memcpy(into, &all, fixed);
  written = fixed;
  return give_name(node, static_cast<std::byte*>(into) + fixed, room - fixed, written);
}

// ---- changes ----

template <class T>
NTSTATUS take(const void* from, ULONG length, T& into) {
  if (length < sizeof into) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(&into, from, sizeof into);
  return STATUS_SUCCESS;
}

/// 0 leaves a time as it is, and so does -1, which also stops the file system from changing it [doc: the second half is
/// not simulated]; -2 undoes that.
void set_time(std::uint64_t& time, LARGE_INTEGER asked) {
  if (asked.QuadPart > 0) time = static_cast<std::uint64_t>(asked.QuadPart);
}

NTSTATUS set_basic(Node& node, const FILE_BASIC_INFORMATION& basic) {
  for (const LARGE_INTEGER& time : {basic.CreationTime, basic.LastAccessTime, basic.LastWriteTime, basic.ChangeTime}) {
    if (time.QuadPart < -2) return STATUS_INVALID_PARAMETER;
  }
  if ((basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 && !node.folder) return STATUS_INVALID_PARAMETER;
  set_time(node.created, basic.CreationTime);
  set_time(node.read, basic.LastAccessTime);
  set_time(node.written, basic.LastWriteTime);
  set_time(node.changed, basic.ChangeTime);
  if (basic.FileAttributes != 0) {
    node.attributes = basic.FileAttributes & ~std::uint32_t{FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_NORMAL};
  }
  return STATUS_SUCCESS;
}

NTSTATUS set_disposition(Node& node, BOOLEAN deletes) {
  if (deletes == FALSE) {
    node.delete_pending = false;
    return STATUS_SUCCESS;
  }
  if (node.parent == nullptr || (node.attributes & FILE_ATTRIBUTE_READONLY) != 0) return STATUS_CANNOT_DELETE;
  if (!node.children.empty()) return STATUS_DIRECTORY_NOT_EMPTY;
  node.delete_pending = true;
  return STATUS_SUCCESS;
}

bool is_below(const Node& node, const Node& ancestor) {
  for (const Node* each = &node; each != nullptr; each = each->parent) {
    if (each == &ancestor) return true;
  }
  return false;
}

NTSTATUS rename(Kernel& kernel, OpenFile& file, const std::byte* from, ULONG length, std::string& words) {
  constexpr std::size_t fixed = FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName);
  FILE_RENAME_INFORMATION head;
  if (length < sizeof head) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(&head, from, sizeof head);
  if (head.FileNameLength == 0 || head.FileNameLength % 2 != 0 || head.FileNameLength > length - fixed) {
    return STATUS_INVALID_PARAMETER;
  }
  std::u16string path(head.FileNameLength / 2, u'\0');
  std::memcpy(path.data(), from + fixed, head.FileNameLength);
  Node& node = *file.node;
  if (node.parent == nullptr) return STATUS_INVALID_PARAMETER;
  Node* folder = node.parent;
  if (head.RootDirectory != nullptr) {
    const OpenFile* base = kernel.file_of(reinterpret_cast<std::uintptr_t>(head.RootDirectory));
    if (base == nullptr) return STATUS_INVALID_HANDLE;
    folder = base->node;
  }
  if (path.front() == u'\\') {
    const auto rest = on_system_volume(path, kernel.volume_number());
    if (!rest) return STATUS_NOT_SAME_DEVICE;
    const std::size_t last = rest->rfind(u'\\');
    if (last == std::u16string::npos) return STATUS_OBJECT_NAME_INVALID;
    folder = kernel.files().find(rest->substr(0, last));
    path = rest->substr(last + 1);
  }
  if (folder == nullptr || !folder->folder) return STATUS_OBJECT_PATH_NOT_FOUND;
  if (!is_file_name(path)) return STATUS_OBJECT_NAME_INVALID;
  if (is_below(*folder, node)) return STATUS_INVALID_PARAMETER;
  Node* there = folder->child(path);
  if (there != nullptr && there != &node) {
    if (head.ReplaceIfExists == FALSE) return STATUS_OBJECT_NAME_COLLISION;
    if (there->folder || kernel.is_open(*there) || (there->attributes & FILE_ATTRIBUTE_READONLY) != 0) {
      return STATUS_ACCESS_DENIED;
    }
    kernel.files().remove(*there);
  }
  kernel.files().move(node, *folder, path);
  words = "renamed to " + words_of(node);
  return STATUS_SUCCESS;
}

NTSTATUS set_size(Kernel& kernel, const OpenFile& file, LARGE_INTEGER size, bool may_grow) {
  Node& node = *file.node;
  if (node.folder || size.QuadPart < 0) return STATUS_INVALID_PARAMETER;
  const auto bytes = static_cast<std::uint64_t>(size.QuadPart);
  if (!may_grow && bytes >= node.bytes.size()) return STATUS_SUCCESS;
  if (!kernel.files().resize(node, bytes)) return STATUS_DISK_FULL;
  node.written = node.changed = machine::boot_filetime + kernel.machine().clock.now;
  return STATUS_SUCCESS;
}

/// The rights that each class needs of the handle [doc]; FILE_SYNCHRONIZE-like ones are met by every handle.
std::uint32_t rights_for(FILE_INFORMATION_CLASS kind) {
  switch (kind) {
    case FileBasicInformation:
      return FILE_WRITE_ATTRIBUTES;
    case FileDispositionInformation:
    case FileRenameInformation:
      return DELETE;
    case FileEndOfFileInformation:
    case FileAllocationInformation:
      return FILE_WRITE_DATA;
    default:
      return 0;
  }
}

NTSTATUS change(Kernel& kernel, OpenFile& file, FILE_INFORMATION_CLASS kind, const void* from, ULONG length,
                std::string& words) {
  NTSTATUS status = STATUS_SUCCESS;
  switch (kind) {
    case FileBasicInformation: {
      FILE_BASIC_INFORMATION basic;
      status = take(from, length, basic);
      words = "times and attributes";
      return NT_SUCCESS(status) ? set_basic(*file.node, basic) : status;
    }
    case FileDispositionInformation: {
      FILE_DISPOSITION_INFORMATION disposition;
      status = take(from, length, disposition);
      if (!NT_SUCCESS(status)) return status;
      words = disposition.DeleteFile != FALSE ? "to be deleted with its last handle" : "to be kept";
      return set_disposition(*file.node, disposition.DeleteFile);
    }
    case FileRenameInformation:
      words = "renamed";
      return rename(kernel, file, static_cast<const std::byte*>(from), length, words);
    case FilePositionInformation: {
      FILE_POSITION_INFORMATION position;
      status = take(from, length, position);
      if (!NT_SUCCESS(status)) return status;
      if (position.CurrentByteOffset.QuadPart < 0) return STATUS_INVALID_PARAMETER;
      file.position = static_cast<std::uint64_t>(position.CurrentByteOffset.QuadPart);
      return STATUS_SUCCESS;
    }
    case FileEndOfFileInformation:
    case FileAllocationInformation: {
      FILE_END_OF_FILE_INFORMATION end;
      status = take(from, length, end);
      if (!NT_SUCCESS(status)) return status;
      words = "size " + std::to_string(end.EndOfFile.QuadPart);
      return set_size(kernel, file, end.EndOfFile, kind == FileEndOfFileInformation);
    }
    default:
      return STATUS_INVALID_INFO_CLASS;
  }
}

// ---- folders ----

/// `*` is any text, `?` one unit; case does not count [doc]. The DOS forms of both are not told apart from them.
bool matches(std::u16string_view name, std::u16string_view pattern) {
  std::size_t n = 0, p = 0, star = std::u16string_view::npos, from = 0;
  while (n < name.size()) {
    const char16_t unit = p < pattern.size() ? pattern[p] : u'\0';
    if (unit == u'*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && (unit == u'?' || upcase(unit) == upcase(name[n]))) {
      ++p;
      ++n;
    } else if (star != std::u16string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == u'*') ++p;
  return p == pattern.size();
}

struct Listed {
  std::u16string name;
  const Node* node;
};

/// Sorted by name as an index of NTFS is, behind the two entries for the folder and the one above it.
std::vector<Listed> listing(const OpenFile& file) {
  std::vector<Listed> all;
  const Node& folder = *file.node;
  if (folder.parent != nullptr) {
    all.push_back({u".", &folder});
    all.push_back({u"..", folder.parent});
  }
  const std::size_t first = all.size();
  for (const auto& child : folder.children) all.push_back({child->name, child.get()});
  std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), [](const Listed& a, const Listed& b) {
    return std::lexicographical_compare(a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
                                        [](char16_t x, char16_t y) { return upcase(x) < upcase(y); });
  });
  std::erase_if(all, [&](const Listed& each) { return !matches(each.name, *file.pattern); });
  return all;
}

/// Size of an entry without its name; 0 for a class that is none of a folder's.
std::size_t fixed_size(FILE_INFORMATION_CLASS kind) {
  switch (kind) {
    case FileDirectoryInformation:
      return FIELD_OFFSET(FILE_DIRECTORY_INFORMATION, FileName);
    case FileFullDirectoryInformation:
      return FIELD_OFFSET(FILE_FULL_DIR_INFORMATION, FileName);
    case FileBothDirectoryInformation:
      return FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName);
    case FileNamesInformation:
      return FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName);
    default:
      return 0;
  }
}

void put_entry(std::byte* into, FILE_INFORMATION_CLASS kind, const Listed& entry, std::size_t name_room) {
  const auto length = static_cast<ULONG>(entry.name.size() * sizeof(WCHAR));
  const std::size_t fixed = fixed_size(kind);
  std::memset(into, 0, fixed);
  if (kind == FileNamesInformation) {
    auto& head = *reinterpret_cast<FILE_NAMES_INFORMATION*>(into);
    head.FileNameLength = length;
  } else {
    // The three longer forms begin alike.
    auto& head = *reinterpret_cast<FILE_DIRECTORY_INFORMATION*>(into);
    const FILE_BASIC_INFORMATION basic = basic_of(*entry.node);
    head.CreationTime = basic.CreationTime;
    head.LastAccessTime = basic.LastAccessTime;
    head.LastWriteTime = basic.LastWriteTime;
    head.ChangeTime = basic.ChangeTime;
    head.EndOfFile = large(entry.node->bytes.size());
    head.AllocationSize = large(allocated(*entry.node));
    head.FileAttributes = basic.FileAttributes;
    head.FileNameLength = length;
  }
  std::memcpy(into + fixed, entry.name.data(), std::min<std::size_t>(length, name_room));
}

}  // namespace

NTSTATUS ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                                FILE_INFORMATION_CLASS FileInformationClass) {
  OpenFile* file = nullptr;
  NTSTATUS status = resolve_file(FileHandle, file);
  if (!NT_SUCCESS(status)) return status;
  const Node& node = *file->node;
  std::size_t written = 0;
  switch (FileInformationClass) {
    case FileBasicInformation:
      status = file->may(FILE_READ_ATTRIBUTES) ? give(basic_of(node), FileInformation, Length, written)
                                               : STATUS_ACCESS_DENIED;
      break;
    case FileStandardInformation:
      status = give(standard_of(node), FileInformation, Length, written);
      break;
    case FileInternalInformation:
      status = give(FILE_INTERNAL_INFORMATION{large(node.id)}, FileInformation, Length, written);
      break;
    case FileEaInformation:
      status = give(FILE_EA_INFORMATION{0}, FileInformation, Length, written);
      break;
    case FileAccessInformation:
      status = give(FILE_ACCESS_INFORMATION{file->access}, FileInformation, Length, written);
      break;
    case FilePositionInformation:
      status = give(FILE_POSITION_INFORMATION{large(file->position)}, FileInformation, Length, written);
      break;
    case FileModeInformation:
      status = give(FILE_MODE_INFORMATION{mode_of(*file)}, FileInformation, Length, written);
      break;
    case FileAlignmentInformation:
      status = give(FILE_ALIGNMENT_INFORMATION{0}, FileInformation, Length, written);
      break;
    case FileNetworkOpenInformation:
      status = give(network_open_of(node), FileInformation, Length, written);
      break;
    case FileAttributeTagInformation:
      status = give(FILE_ATTRIBUTE_TAG_INFORMATION{attributes_of(node), 0}, FileInformation, Length, written);
      break;
    case FileNameInformation:
      status = give_name(node, static_cast<std::byte*>(FileInformation), Length, written);
      break;
    case FileAllInformation:
      status =
          file->may(FILE_READ_ATTRIBUTES) ? give_all(*file, FileInformation, Length, written) : STATUS_ACCESS_DENIED;
      break;
    default:
      return STATUS_INVALID_INFO_CLASS;
  }
  if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW) return status;
  *IoStatusBlock = IO_STATUS_BLOCK{{status}, written};
  return status;
}

NTSTATUS ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass) {
  Kernel& kernel = current();
  OpenFile* file = nullptr;
  NTSTATUS status = resolve_file(FileHandle, file);
  if (!NT_SUCCESS(status)) return status;
  const std::uint32_t rights = rights_for(FileInformationClass);
  std::string words;
  const std::string path = words_of(*file->node);
  status = file->may(rights) ? change(kernel, *file, FileInformationClass, FileInformation, Length, words)
                             : STATUS_ACCESS_DENIED;
  if (!words.empty()) kernel.recorder().file_changed(kernel.image(), status, path, words);
  if (!NT_SUCCESS(status)) return status;
  *IoStatusBlock = IO_STATUS_BLOCK{{status}, 0};
  return status;
}

NTSTATUS ZwQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                   PFILE_NETWORK_OPEN_INFORMATION FileInformation) {
  HANDLE handle = nullptr;
  IO_STATUS_BLOCK status_block;
  const NTSTATUS status = kernel::ZwOpenFile(&handle, FILE_READ_ATTRIBUTES, ObjectAttributes, &status_block,
                                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0);
  if (!NT_SUCCESS(status)) return status;
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  *FileInformation = network_open_of(*current().file_of(value)->node);
  current().close_handle(value);
  return STATUS_SUCCESS;
}

// The first call fixes the pattern for the handle; STATUS_NO_SUCH_FILE when nothing matches it, STATUS_NO_MORE_FILES
// when everything has been given [doc].
NTSTATUS ZwQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID,
                              PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass, BOOLEAN ReturnSingleEntry,
                              PUNICODE_STRING FileName, BOOLEAN RestartScan) {
  OpenFile* file = nullptr;
  const NTSTATUS found = resolve_file(FileHandle, file);
  if (!NT_SUCCESS(found)) return found;
  const std::size_t fixed = fixed_size(FileInformationClass);
  if (fixed == 0) return STATUS_INVALID_INFO_CLASS;
  if (!file->node->folder || Event != nullptr || ApcRoutine != nullptr) return STATUS_INVALID_PARAMETER;
  if (!file->may(FILE_LIST_DIRECTORY)) return STATUS_ACCESS_DENIED;
  if (Length < fixed + sizeof(WCHAR)) return STATUS_INFO_LENGTH_MISMATCH;
  const bool first = !file->pattern;
  if (first) {
    const bool given = FileName != nullptr && FileName->Length != 0;
    file->pattern = given ? std::u16string(FileName->Buffer, FileName->Length / sizeof(WCHAR)) : std::u16string(u"*");
  }
  if (RestartScan != FALSE) file->given = 0;
  const std::vector<Listed> all = listing(*file);
  auto* into = static_cast<std::byte*>(FileInformation);
  std::size_t at = 0, end = 0, last = 0;
  NTSTATUS status = STATUS_SUCCESS;
  while (file->given < all.size()) {
    const Listed& entry = all[file->given];
    const std::size_t name_bytes = entry.name.size() * sizeof(WCHAR);
    if (end != 0) {
      at = (end + 7) / 8 * 8;
      if (at + fixed + name_bytes > Length) break;
      const auto step = static_cast<ULONG>(at - last);
      std::memcpy(into + last, &step, sizeof step);
    }
    const std::size_t room = Length - at - fixed;
    put_entry(into + at, FileInformationClass, entry, room);
    ++file->given;
    last = at;
    end = at + fixed + std::min(name_bytes, room);
    if (room < name_bytes) status = STATUS_BUFFER_OVERFLOW;
    if (ReturnSingleEntry != FALSE || status != STATUS_SUCCESS) break;
  }
  if (end == 0) status = first && all.empty() ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
  *IoStatusBlock = IO_STATUS_BLOCK{{status}, end};
  return status;
}

}  // namespace dumpsim::kernel
