// SPDX-License-Identifier: Apache-2.0
// IOCTL_STORAGE_QUERY_PROPERTY and IOCTL_SCSI_GET_DUMP_POINTERS: answers whose form the request chooses.
#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/exports.hpp"
#include "kernel/io_storage.hpp"

namespace dumpsim::kernel {
namespace {

/// As much of a descriptor as the buffer holds: the header alone tells how many bytes the whole needs [doc].
NTSTATUS give_descriptor(PIRP irp, const void* descriptor, std::size_t size) {
  const std::size_t room = output_room(irp);
  if (room < sizeof(STORAGE_DESCRIPTOR_HEADER)) return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  const std::size_t given = std::min(room, size);
  std::memcpy(irp->AssociatedIrp.SystemBuffer, descriptor, given);
  return complete(irp, STATUS_SUCCESS, given);
}

template <class Descriptor>
Descriptor described() {
  auto descriptor = zeroed<Descriptor>();
  descriptor.Version = sizeof descriptor;
  descriptor.Size = sizeof descriptor;
  return descriptor;
}

NTSTATUS device_property(PIRP irp) {
  constexpr std::string_view vendor("dumpsim\0", 8);
  constexpr std::string_view product("simulated disk\0", 15);
  constexpr std::string_view revision("1\0", 2);
  std::array<std::byte, sizeof(STORAGE_DEVICE_DESCRIPTOR) + vendor.size() + product.size() + revision.size()> answer{};
  auto head = zeroed<STORAGE_DEVICE_DESCRIPTOR>();
  head.Version = sizeof head;
  head.Size = static_cast<ULONG>(answer.size());
  head.CommandQueueing = TRUE;
  head.BusType = BusTypeSata;
  std::size_t at = sizeof head;
  const auto add = [&](std::string_view text) {
    std::memcpy(answer.data() + at, text.data(), text.size());
    at += text.size();
    return static_cast<ULONG>(at - text.size());
  };
  head.VendorIdOffset = add(vendor);
  head.ProductIdOffset = add(product);
  head.ProductRevisionOffset = add(revision);
  std::memcpy(answer.data(), &head, sizeof head);
  return give_descriptor(irp, answer.data(), answer.size());
}

NTSTATUS adapter_property(PIRP irp, const VolumeFacts& facts) {
  auto answer = described<STORAGE_ADAPTER_DESCRIPTOR>();
  answer.MaximumTransferLength = facts.transfer_limit;
  answer.MaximumPhysicalPages = static_cast<ULONG>(facts.transfer_limit / page_size + 1);
  answer.CommandQueueing = TRUE;
  answer.AcceleratedTransfer = TRUE;
  answer.BusType = BusTypeSata;
  answer.BusMajorVersion = 1;
  answer.SrbType = SRB_TYPE_STORAGE_REQUEST_BLOCK;
  answer.AddressType = STORAGE_ADDRESS_TYPE_BTL8;
  return give_descriptor(irp, &answer, sizeof answer);
}

NTSTATUS alignment_property(PIRP irp, const VolumeFacts& facts) {
  auto answer = described<STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR>();
  answer.BytesPerLogicalSector = facts.sector_size;
  answer.BytesPerPhysicalSector = facts.sector_size;
  return give_descriptor(irp, &answer, sizeof answer);
}

}  // namespace

NTSTATUS query_property(PIRP irp) {
  const VolumeFacts& facts = current().io().volume;
  auto query = zeroed<STORAGE_PROPERTY_QUERY>();
  if (!take(irp, query, FIELD_OFFSET(STORAGE_PROPERTY_QUERY, AdditionalParameters))) {
    return complete(irp, STATUS_INVALID_PARAMETER, 0);
  }
  switch (query.PropertyId) {
    case StorageDeviceProperty:
    case StorageAdapterProperty:
    case StorageAccessAlignmentProperty:
    case StorageDeviceSeekPenaltyProperty:
    case StorageDeviceTrimProperty:
      break;
    default:
      return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
  if (query.QueryType == PropertyExistsQuery) return complete(irp, STATUS_SUCCESS, 0);
  if (query.QueryType != PropertyStandardQuery) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  if (query.PropertyId == StorageDeviceProperty) return device_property(irp);
  if (query.PropertyId == StorageAdapterProperty) return adapter_property(irp, facts);
  if (query.PropertyId == StorageAccessAlignmentProperty) return alignment_property(irp, facts);
  if (query.PropertyId == StorageDeviceSeekPenaltyProperty) {
    const auto answer = described<DEVICE_SEEK_PENALTY_DESCRIPTOR>();  // nothing turns
    return give_descriptor(irp, &answer, sizeof answer);
  }
  const auto answer = described<DEVICE_TRIM_DESCRIPTOR>();  // and nothing is discarded
  return give_descriptor(irp, &answer, sizeof answer);
}

// Version 1 is a structure of its own and is what a request without a header gets. From version 2 on the header comes
// in, and says by its size how much the requester knows [seen: crashdmp of Vista SP1 to 7]. A version that the port
// does not know is refused, upon which the requester asks for an older one [assumed].
NTSTATUS dump_pointers(PDEVICE_OBJECT device, PIRP irp) {
  constexpr ULONG common_buffer_bytes = 0x10000;  // crashdmp clamps it to this [seen: Windows 7]
  const VolumeFacts& facts = current().io().volume;
  auto asked = zeroed<DUMP_POINTERS_VERSION>();
  const bool versioned = take(irp, asked) && asked.Version != DUMP_POINTERS_VERSION_1;
  if (!versioned) {
    auto answer = zeroed<DUMP_POINTERS>();
    answer.CommonBufferSize = common_buffer_bytes;
    answer.AllocateCommonBuffers = TRUE;
    answer.DeviceObject = device;
    return give(irp, answer);
  }
  if (asked.Version == 0 || asked.Version > facts.dump_pointers_version) {
    return complete(irp, STATUS_NOT_SUPPORTED, 0);
  }
  const std::size_t size = asked.Version == DUMP_POINTERS_VERSION_2 ? FIELD_OFFSET(DUMP_POINTERS_EX, dwPortFlags)
                           : asked.Version == DUMP_POINTERS_VERSION_3
                               ? FIELD_OFFSET(DUMP_POINTERS_EX, DumpDevicePowerOn)
                               : sizeof(DUMP_POINTERS_EX);
  if (asked.Size < size) return complete(irp, STATUS_INVALID_PARAMETER, 0);
  auto answer = zeroed<DUMP_POINTERS_EX>();
  answer.Header.Version = asked.Version;
  answer.Header.Size = static_cast<ULONG>(size);
  answer.CommonBufferSize = common_buffer_bytes;
  answer.AllocateCommonBuffers = TRUE;
  answer.DeviceObject = device;
  answer.dwPortFlags = DUMP_EX_FLAG_SUPPORT_64BITMEMORY | DUMP_EX_FLAG_RESUME_SUPPORT;
  answer.MaxTransferSize = facts.transfer_limit;
  return give(irp, &answer, size);
}

}  // namespace dumpsim::kernel
