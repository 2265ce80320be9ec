// SPDX-License-Identifier: Apache-2.0
// The object directory as far as devices go: names of devices and symbolic links to them. Directories need not be made
// first: \Device and \?? are there, and what another path would need is not told apart.
#include <algorithm>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

std::u16string_view view_of(const UNICODE_STRING* text) {
  return text == nullptr || text->Buffer == nullptr ? std::u16string_view()
                                                    : std::u16string_view(text->Buffer, text->Length / sizeof(WCHAR));
}

NTSTATUS create_link(PUNICODE_STRING link, PUNICODE_STRING target) {
  Kernel& kernel = current();
  if (!is_object_name(view_of(link))) return STATUS_OBJECT_PATH_SYNTAX_BAD;
  const std::u16string name = directory_name(view_of(link));
  if (find_name(kernel, name) != nullptr) return STATUS_OBJECT_NAME_COLLISION;
  kernel.io().names.push_back({name, nullptr, directory_name(view_of(target)), kernel.image()});
  return STATUS_SUCCESS;
}

}  // namespace

void put_utf16(Line& line, std::u16string_view text) {
  for (const char16_t unit : text) {
    char utf8[4];
    const std::size_t bytes = put_utf8(unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit, utf8, sizeof utf8);
    line.put(std::string_view(utf8, bytes));
  }
}

bool is_object_name(std::u16string_view name) {
  return name.size() > 1 && name.front() == u'\\' && name.back() != u'\\' &&
         name.find(u"\\\\") == std::u16string_view::npos;
}

std::u16string directory_name(std::u16string_view name) {
  for (const std::u16string_view alias : {u"\\DosDevices\\", u"\\GLOBAL??\\", u"\\??\\Global\\"}) {
    if (name.size() > alias.size() && equal_without_case(name.substr(0, alias.size()), alias)) {
      return u"\\??\\" + std::u16string(name.substr(alias.size()));
    }
  }
  return std::u16string(name);
}

const IoState::Name* find_name(Kernel& kernel, std::u16string_view name) {
  const IoState::Name* found = nullptr;
  for (const IoState::Name& entry : kernel.io().names) {
    if (equal_without_case(entry.name, name)) found = &entry;
  }
  return found;
}

PDEVICE_OBJECT find_device(Kernel& kernel, std::u16string_view name, std::u16string* rest) {
  constexpr int links_followed = 8;  // a loop of links ends somewhere
  std::u16string wanted = directory_name(name);
  std::u16string behind;
  for (int i = 0; i < links_followed; ++i) {
    const IoState::Name* found = find_name(kernel, wanted);
    while (found == nullptr && rest != nullptr) {
      const std::size_t cut = wanted.rfind(u'\\');
      if (cut == 0 || cut == std::u16string::npos) break;
      behind.insert(0, wanted, cut, std::u16string::npos);
      wanted.resize(cut);
      found = find_name(kernel, wanted);
    }
    if (found == nullptr) return nullptr;
    if (found->device != nullptr) {
      if (rest != nullptr) *rest = std::move(behind);
      return found->device;
    }
    wanted = found->link;
  }
  return nullptr;
}

void put_device_name(Kernel& kernel, Line& line, const DEVICE_OBJECT* device) {
  for (const DEVICE_OBJECT* at = device; at != nullptr; at = lower_device(kernel, at)) {
    for (const IoState::Name& entry : kernel.io().names) {
      if (entry.device == at) return put_utf16(line, entry.name);
    }
  }
  line.put("device of ");
  const UNICODE_STRING& driver = device->DriverObject->DriverName;
  put_utf16(line, {driver.Buffer, driver.Length / sizeof(WCHAR)});
}

void Kernel::name_device(std::string_view name, void* device_object) {
  io_->names.push_back({directory_name(to_utf16(name)), static_cast<PDEVICE_OBJECT>(device_object), {}, image()});
}

void Kernel::link_device(std::string_view link, std::string_view target) {
  io_->names.push_back({directory_name(to_utf16(link)), nullptr, directory_name(to_utf16(target)), trace::no_image});
}

NTSTATUS IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName) {
  if (current().injected_failure(export_index::IoCreateSymbolicLink)) return STATUS_INSUFFICIENT_RESOURCES;
  return create_link(SymbolicLinkName, DeviceName);
}

NTSTATUS IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName) {
  if (current().injected_failure(export_index::IoCreateUnprotectedSymbolicLink)) return STATUS_INSUFFICIENT_RESOURCES;
  return create_link(SymbolicLinkName, DeviceName);
}

NTSTATUS IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName) {
  Kernel& kernel = current();
  if (!is_object_name(view_of(SymbolicLinkName))) return STATUS_OBJECT_PATH_SYNTAX_BAD;
  const IoState::Name* found = find_name(kernel, directory_name(view_of(SymbolicLinkName)));
  if (found == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (found->device != nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
  kernel.io().names.erase(kernel.io().names.begin() + (found - kernel.io().names.data()));
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
