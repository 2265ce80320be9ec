// SPDX-License-Identifier: Apache-2.0
// Devices that answer from a script. What is not in it is refused as a driver refuses a code it does not know; an
// answer that does not fit is refused as a driver refuses a short buffer.
#include <cassert>
#include <cstring>

#include "kernel/io_objects.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG block_tag = 0x6B6C4253;  // "SBlk"

const ScriptedDevice::Reply* reply_of(const ScriptedDevice& script, ULONG code) {
  for (const ScriptedDevice::Reply& reply : script.replies) {
    if (reply.code == code) return &reply;
  }
  return nullptr;
}

/// Where the answer to a control request goes, by the method of its code [doc].
std::byte* output_of(PIRP irp, const IO_STACK_LOCATION* stack) {
  switch (METHOD_FROM_CTL_CODE(stack->Parameters.DeviceIoControl.IoControlCode)) {
    case METHOD_BUFFERED:
      return static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer);
    case METHOD_NEITHER:
      return static_cast<std::byte*>(irp->UserBuffer);
    default:
      return irp->MdlAddress == nullptr
                 ? nullptr
                 : static_cast<std::byte*>(irp->MdlAddress->StartVa) + irp->MdlAddress->ByteOffset;
  }
}

NTSTATUS finish(PIRP irp, const ScriptedDevice::Reply& reply, NTSTATUS status, ULONG_PTR information) {
  if (reply.pending == ScriptedDevice::Pending::no) return complete(irp, status, information);
  IoMarkIrpPending(irp);
  if (reply.pending == ScriptedDevice::Pending::completed) complete(irp, status, information);
  return STATUS_PENDING;
}

NTSTATUS control(PIRP irp, const ScriptedDevice& script) {
  const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  const ScriptedDevice::Reply* reply = reply_of(script, stack->Parameters.DeviceIoControl.IoControlCode);
  if (reply == nullptr) return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  if (NT_ERROR(reply->status)) return finish(irp, *reply, reply->status, 0);
  const std::size_t room = stack->Parameters.DeviceIoControl.OutputBufferLength;
  std::byte* into = output_of(irp, stack);
  if (!reply->bytes.empty() && (into == nullptr || room < reply->bytes.size())) {
    return finish(irp, *reply, STATUS_BUFFER_TOO_SMALL, 0);
  }
  if (!reply->bytes.empty()) std::memcpy(into, reply->bytes.data(), reply->bytes.size());
  return finish(irp, *reply, reply->status, reply->information);
}

NTSTATUS scripted_dispatch(PDEVICE_OBJECT device, PIRP irp) {
  for (const IoState::Scripted& known : current().io().scripted) {
    if (known.device != device) continue;
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
      case IRP_MJ_CREATE:
        return complete(irp, known.script.open_status, 0);
      case IRP_MJ_CLEANUP:
      case IRP_MJ_CLOSE:
        return complete(irp, STATUS_SUCCESS, 0);
      case IRP_MJ_DEVICE_CONTROL:
      case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return control(irp, known.script);
      default:
        break;
    }
  }
  return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

void put_pointers(std::byte* into, const std::vector<ScriptedDevice::Pointer>& pointers,
                  const std::vector<std::byte*>& blocks) {
  for (const ScriptedDevice::Pointer& pointer : pointers) {
    const std::uint64_t address = number_of(blocks[pointer.block]);
    std::memcpy(into + pointer.at, &address, sizeof address);
  }
}

}  // namespace

void create_scripted_device(Kernel& kernel, const ScriptedDevice& script) {
  const std::u16string name = to_utf16(script.name);
  PDRIVER_OBJECT driver =
      create_host_driver(kernel, u"\\Driver\\" + name.substr(name.rfind(u'\\') + 1), scripted_dispatch);
  PDEVICE_OBJECT device =
      driver == nullptr ? nullptr : create_device(kernel, driver, 0, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN);
  if (device == nullptr) return;  // the pool's limit is below what a boot takes: whoever opens it is told so
  std::vector<std::byte*> blocks;
  for (const ScriptedDevice::Block& block : script.blocks) {
    std::byte* at = allocate_object(kernel, block_tag, block.bytes.size());
    if (at == nullptr) return;
    if (!block.bytes.empty()) std::memcpy(at, block.bytes.data(), block.bytes.size());
    blocks.push_back(at);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) put_pointers(blocks[i], script.blocks[i].pointers, blocks);
  kernel.io().scripted.push_back({device, script});
  for (ScriptedDevice::Reply& reply : kernel.io().scripted.back().script.replies) {
    put_pointers(reply.bytes.data(), reply.pointers, blocks);
  }
  kernel.name_device(script.name, device);
  for (const std::string& link : script.links) kernel.link_device(link, script.name);
}

}  // namespace dumpsim::kernel
