// SPDX-License-Identifier: Apache-2.0
// The simulated disk as the kernel's devices reach it: the other way to the disk than the dump port's, over the same
// backend and at the same cost in virtual time.
#pragma once

#include "disk/block_device.hpp"
#include "kernel/volume.hpp"
#include "machine/machine.hpp"
#include "stack/dump_port.hpp"

namespace dumpsim::engine {

/// Both references outlive it.
class DiskMedium final : public kernel::Medium {
 public:
  DiskMedium(disk::BlockDevice& disk, machine::Clock& clock) : disk_(disk), clock_(clock) {}

  Moved read(DiskOffset at, std::span<std::byte> into) override {
    clock_.advance(stack::transfer_time(into.size()));
    return moved(disk_.read(at, into));
  }
  Moved write(DiskOffset at, std::span<const std::byte> bytes) override {
    clock_.advance(stack::transfer_time(bytes.size()));
    return moved(disk_.write(at, bytes));
  }
  Moved flush() override { return moved(disk_.flush()); }

 private:
  static Moved moved(disk::IoStatus status) {
    switch (status) {
      case disk::IoStatus::ok:
        return Moved::all;
      case disk::IoStatus::out_of_range:
        return Moved::beyond_the_end;
      case disk::IoStatus::misaligned:
      case disk::IoStatus::failed:
        break;
    }
    return Moved::failed;
  }

  disk::BlockDevice& disk_;
  machine::Clock& clock_;
};

}  // namespace dumpsim::engine
