// SPDX-License-Identifier: Apache-2.0
// Entries of the system's error log. There is no log and no Event Viewer: what a driver writes is an event of the
// trace, with everything in it that the log would have kept. What is allocated and neither written nor freed is the
// driver's leak.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG entry_tag = 0x72456F49;  // "IoEr"

/// The entry's object, and no longer an entry; nullptr, and reported, when it is none: also when it was freed as pool.
void* take(Kernel& kernel, const char* function, PVOID entry) {
  const auto known = kernel.io().error_log_entries.find(entry);
  if (known != kernel.io().error_log_entries.end()) {
    void* const object = known->second;
    kernel.io().error_log_entries.erase(known);
    const Block* const block = kernel.pool().block_at(entry);
    if (block != nullptr && block->tag == entry_tag) return object;
  }
  char text[160];
  Line line(text);
  line.put(function);
  line.put(": no entry from IoAllocateErrorLogEntry, or given up before: ");
  line.skip(kernel.words(entry, line.rest(), Words::canonical));
  kernel.violate(trace::Rule::pool_bad_free, line.text());
  return nullptr;
}

void put_object_name(Kernel& kernel, Line& line, void* object) {
  if (find_device_object(kernel, static_cast<PDEVICE_OBJECT>(object)) != nullptr) {
    return put_device_name(kernel, line, static_cast<PDEVICE_OBJECT>(object));
  }
  const UNICODE_STRING& name = static_cast<PDRIVER_OBJECT>(object)->DriverName;
  put_utf16(line, {name.Buffer, name.Length / sizeof(WCHAR)});
}

/// Strings and dump data of a packet whose lengths a driver has filled in.
void put_detail(Line& line, const IO_ERROR_LOG_PACKET& packet, std::size_t bytes) {
  const auto* at = reinterpret_cast<const std::byte*>(&packet);
  const char* separator = "";
  std::size_t offset = packet.StringOffset;
  for (USHORT i = 0; i < packet.NumberOfStrings && offset < bytes; ++i) {
    // A driver's offset may be odd.
    std::array<char16_t, ERROR_LOG_MAXIMUM_SIZE / sizeof(char16_t)> text{};
    const std::size_t room = (bytes - offset) / sizeof(char16_t);
    std::memcpy(text.data(), at + offset, room * sizeof(char16_t));
    std::size_t length = 0;
    while (length < room && text[length] != 0) ++length;
    line.put(separator);
    line.put("\"");
    put_utf16(line, {text.data(), length});
    line.put("\"");
    separator = ", ";
    offset += (length + 1) * sizeof(char16_t);
  }
  constexpr std::size_t data = offsetof(IO_ERROR_LOG_PACKET, DumpData);
  const std::size_t words = std::min<std::size_t>(packet.DumpDataSize, bytes - data) / sizeof(ULONG);
  for (std::size_t i = 0; i < words; ++i) {
    line.put(i == 0 ? separator : " ");
    if (i == 0) line.put("dump data ");
    line.put_hex(packet.DumpData[i]);
  }
}

}  // namespace

PVOID IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoAllocateErrorLogEntry)) return nullptr;
  const bool known = find_device_object(kernel, static_cast<PDEVICE_OBJECT>(IoObject)) != nullptr ||
                     find_driver(kernel, static_cast<PDRIVER_OBJECT>(IoObject)) != nullptr;
  if (!known) no_such_object(kernel, "IoAllocateErrorLogEntry", "device or driver", IoObject);
  // Less than the packet's fixed part cannot be filled in [assumed: refused like too much].
  if (EntrySize < offsetof(IO_ERROR_LOG_PACKET, DumpData) || EntrySize > ERROR_LOG_MAXIMUM_SIZE) return nullptr;
  BlockRequest request;
  request.image = kernel.image();
  request.tag = entry_tag;
  request.bytes = EntrySize;
  request.zero = true;
  void* const entry = kernel.pool().allocate(request);
  if (entry == nullptr) return nullptr;
  kernel::ObfReferenceObject(IoObject);
  kernel.io().error_log_entries[entry] = IoObject;
  return entry;
}

VOID IoWriteErrorLogEntry(PVOID ElEntry) {
  Kernel& kernel = current();
  void* const object = take(kernel, "IoWriteErrorLogEntry", ElEntry);
  if (object == nullptr) return;
  const auto& packet = *static_cast<const IO_ERROR_LOG_PACKET*>(ElEntry);
  char name[96], detail[640];
  Line device(name), words(detail);
  put_object_name(kernel, device, object);
  put_detail(words, packet, kernel.pool().block_at(ElEntry)->bytes);
  kernel.recorder().error_logged(kernel.image(), static_cast<std::uint32_t>(packet.ErrorCode), packet.FinalStatus,
                                 packet.UniqueErrorValue, device.text(), words.text());
  kernel.pool().free(static_cast<std::byte*>(ElEntry));
  kernel::ObfDereferenceObject(object);
}

VOID IoFreeErrorLogEntry(PVOID ElEntry) {
  Kernel& kernel = current();
  void* const object = take(kernel, "IoFreeErrorLogEntry", ElEntry);
  if (object == nullptr) return;
  kernel.pool().free(static_cast<std::byte*>(ElEntry));
  kernel::ObfDereferenceObject(object);
}

}  // namespace dumpsim::kernel
