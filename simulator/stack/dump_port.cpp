// SPDX-License-Identifier: Apache-2.0
#include "stack/dump_port.hpp"

#include <algorithm>
#include <cassert>

#include "base/digest.hpp"
#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

// What a transfer costs in virtual time: a disk of 512 MB/s behind a fixed 20 us a command. [assumed] Only order
// matters.
constexpr std::uint64_t command_100ns = 200;
constexpr std::uint64_t bytes_per_100ns = 51;

NTSTATUS status_of(disk::IoStatus status) {
  switch (status) {
    case disk::IoStatus::ok:
      return STATUS_SUCCESS;
    case disk::IoStatus::out_of_range:
      return STATUS_NONEXISTENT_SECTOR;
    case disk::IoStatus::misaligned:
      return STATUS_INVALID_PARAMETER;
    case disk::IoStatus::failed:
      break;
  }
  return STATUS_IO_DEVICE_ERROR;
}

}  // namespace

DumpPort::DumpPort(Environment& env, std::size_t pages_capacity)
    : env_(env),
      pages_capacity_(pages_capacity),
      limit_(env.policies.number(policy::Policy::port_transfer_limit)),
      by_pfn_(env.policies.is(policy::Policy::port_data_path, "pfn")) {
  pieces_.reserve(pages_capacity);
  batch_.reserve(pages_capacity);
}

std::int32_t DumpPort::open() {
  open_ = true;
  env_.recorder.emit({.kind = trace::Kind::port_opened, .offset = env_.volume.partition_start.bytes});
  return STATUS_SUCCESS;
}

bool DumpPort::gather(const _MDL* mdl) {
  pieces_.clear();
  const std::uint64_t first = mdl->ByteOffset & (page_size - 1);
  const std::uint64_t pages = (first + mdl->ByteCount + page_size - 1) / page_size;
  if (pages > pages_capacity_) return false;
  const auto* pfns = reinterpret_cast<const std::uint64_t*>(mdl + 1);
  // Both conventions of MappedSystemVa are met in the field, so the page counts and ByteOffset says where in it.
  const auto mapped = reinterpret_cast<std::uintptr_t>(mdl->MappedSystemVa) & ~(page_size - 1);
  std::uint64_t left = mdl->ByteCount;
  std::uint64_t in_page = first;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const Pfn pfn =
        by_pfn_ ? pfns[i] : env_.machine.memory.pfn_of(reinterpret_cast<const void*>(mapped + i * page_size));
    std::byte* page = env_.machine.memory.address_of(pfn);
    if (page == nullptr) return false;
    // Host memory may be gone, or never have been there: a filter can put any address into an MDL.
    if (env_.machine.memory.region_of(page) == machine::PhysicalMemory::Region::unknown &&
        !env_.machine.memory.is_readable(page)) {
      return false;
    }
    const std::uint64_t length = std::min(left, page_size - in_page);
    if (!pieces_.empty() && pieces_.back().data() + pieces_.back().size() == page + in_page) {
      pieces_.back() = {pieces_.back().data(), pieces_.back().size() + length};
    } else {
      pieces_.push_back({page + in_page, length});
    }
    left -= length;
    in_page = 0;
  }
  return true;
}

std::int32_t DumpPort::transfer(PartitionOffset at, const _MDL* mdl, bool write) {
  const DiskOffset start = at.on_disk(env_.volume.partition_start);
  const std::uint32_t length = mdl->ByteCount;
  NTSTATUS status = STATUS_SUCCESS;
  std::uint64_t content = 0;
  if (!gather(mdl)) {
    // A page frame that is not there: the adapter would abort the transfer. [assumed]
    status = STATUS_INVALID_PARAMETER;
  } else {
    std::uint64_t done = 0;
    std::size_t piece = 0;
    std::uint64_t used = 0;  // of pieces_[piece]
    while (done < length && status == STATUS_SUCCESS) {
      const std::uint64_t now = std::min<std::uint64_t>(limit_, length - done);
      batch_.clear();
      std::uint64_t batched = 0;
      while (batched < now) {
        const std::span<std::byte> whole = pieces_[piece];
        const std::uint64_t take = std::min<std::uint64_t>(now - batched, whole.size() - used);
        const std::span<std::byte> part = whole.subspan(used, take);
        if (write) {
          batch_.push_back(part);
        } else if (status == STATUS_SUCCESS) {
          status = status_of(env_.disk.read(start + done + batched, part));
        }
        batched += take;
        used += take;
        if (used == whole.size()) {
          ++piece;
          used = 0;
        }
      }
      if (write) {
        status = status_of(batch_.size() == 1 ? env_.disk.write(start + done, batch_[0])
                                              : env_.disk.write_gathered(start + done, batch_));
      }
      env_.machine.clock.advance(command_100ns + now / bytes_per_100ns);
      done += now;
    }
    if (env_.recorder.digests() || keep_) {
      Digest digest;
      kept_.clear();
      for (const std::span<std::byte> part : pieces_) {
        if (env_.recorder.digests()) digest.add(part);
        if (keep_) kept_.insert(kept_.end(), part.begin(), part.end());
      }
      if (env_.recorder.digests()) content = digest.value();
    }
  }
  env_.recorder.emit({.kind = write ? trace::Kind::port_write : trace::Kind::port_read,
                      .status = status,
                      .length = length,
                      .offset = start.bytes,
                      .object = content});
  return status;
}

std::int32_t DumpPort::write(PartitionOffset at, const _MDL* mdl) {
  return transfer(at, mdl, true);
}

std::int32_t DumpPort::read(PartitionOffset at, const _MDL* mdl) {
  return transfer(at, mdl, false);
}

std::int32_t DumpPort::finish() {
  open_ = false;
  const NTSTATUS status = status_of(env_.disk.flush());
  env_.recorder.emit({.kind = trace::Kind::port_finished, .status = status});
  return status;
}

}  // namespace dumpsim::stack
