// SPDX-License-Identifier: Apache-2.0
#include "stack/dump_port.hpp"

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"
#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

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

// Batches are kept as what a write needs; a read's memory is the same bytes, which gather() found writable.
std::span<std::byte> writable(std::span<const std::byte> part) {
  return {const_cast<std::byte*>(part.data()), part.size()};
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
  // What is not mapped is found by its page frames: a port that wants an address maps it.
  const bool by_pfn = by_pfn_ || (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0;
  std::uint64_t left = mdl->ByteCount;
  std::uint64_t in_page = first;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const Pfn pfn =
        by_pfn ? pfns[i] : env_.machine.memory.pfn_of(reinterpret_cast<const void*>(mapped + i * page_size));
    std::byte* page = env_.machine.memory.address_of(pfn);
    if (page == nullptr) return false;
    env_.machine.sections.page_in_at(page);
    // Host memory may be gone, or never have been there: a filter can put any address into an MDL.
    const auto region = env_.machine.memory.region_of(page);
    if ((region == machine::PhysicalMemory::Region::unknown || region == machine::PhysicalMemory::Region::mapping) &&
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

// The next `length` bytes of the gathered memory, as a batch for one command.
void DumpPort::next_batch(std::uint64_t length) {
  batch_.clear();
  while (length != 0) {
    const std::span<std::byte> whole = pieces_[piece_];
    const std::uint64_t take = std::min<std::uint64_t>(length, whole.size() - used_);
    batch_.push_back(whole.subspan(used_, take));
    length -= take;
    used_ += take;
    if (used_ == whole.size()) {
      ++piece_;
      used_ = 0;
    }
  }
}

disk::IoStatus DumpPort::read_batch(DiskOffset at, std::uint64_t length) {
  if (batch_.size() == 1) return env_.disk.read(at, writable(batch_[0]));
  // Memory that lies apart need not break at sectors; the disk moves whole ones.
  bounce_.resize(length);
  const disk::IoStatus status = env_.disk.read(at, bounce_);
  std::size_t done = 0;
  for (const std::span<const std::byte> part : batch_) {
    if (status == disk::IoStatus::ok) std::memcpy(writable(part).data(), bounce_.data() + done, part.size());
    done += part.size();
  }
  return status;
}

std::uint64_t DumpPort::digest_of_batch() const {
  Digest digest;
  for (const std::span<const std::byte> part : batch_) digest.add(part);
  return digest.value();
}

std::int32_t DumpPort::transfer(PartitionOffset at, const _MDL* mdl, bool write) {
  const DiskOffset start = at.on_disk(env_.volume.partition_start);
  const std::uint32_t length = mdl->ByteCount;
  const auto record = [&](DiskOffset where, std::uint32_t bytes, NTSTATUS status, std::uint64_t digest) {
    if (write) {
      env_.recorder.port_write(status, where.bytes, bytes, digest);
    } else {
      env_.recorder.port_read(status, where.bytes, bytes, digest);
    }
    return status;
  };
  kept_.clear();
  // A page frame that is not there: the adapter would abort the transfer. [assumed]
  if (length == 0 || !gather(mdl)) return record(start, length, STATUS_INVALID_PARAMETER, 0);
  piece_ = 0;
  used_ = 0;
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t now = std::min<std::uint64_t>(limit_, length - done);
    next_batch(now);
    const DiskOffset where = start + done;
    const disk::IoStatus moved = !write               ? read_batch(where, now)
                                 : batch_.size() == 1 ? env_.disk.write(where, batch_[0])
                                                      : env_.disk.write_gathered(where, batch_);
    env_.machine.clock.advance(transfer_time(now));
    if (keep_) {
      for (const std::span<const std::byte> part : batch_) kept_.insert(kept_.end(), part.begin(), part.end());
    }
    const NTSTATUS status = record(where, static_cast<std::uint32_t>(now), status_of(moved),
                                   env_.recorder.digests() ? digest_of_batch() : 0);
    if (status != STATUS_SUCCESS) return status;
    done += now;
  }
  return STATUS_SUCCESS;
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
