// SPDX-License-Identifier: Apache-2.0
// The sections of loaded drivers that stay in memory, and which of them may be paged out; beside them blocks of paged
// pool. At DISPATCH_LEVEL and above no page fault can be served, so there what is pageable counts as paged out: it is
// inaccessible from the moment the IRQL reaches that level, as Driver Verifier makes it [doc: force IRQL checking], and
// what touches it is told by the fault. A machine without any of it pays one comparison a callback; one with some pays
// only where the IRQL crosses that level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dumpsim::machine {

struct DriverSection {
  std::string name;
  std::span<std::byte> pages;  ///< whole ones
  int protection = 0;          ///< PROT_ bits
  bool pageable = false;       ///< as it was linked
};

class DriverSections {
 public:
  /// What the kernel's functions speak of. Stays where it is until its image is forgotten.
  struct Row {
    std::uint16_t image = 0;
    DriverSection section;
    bool pageable = false;   ///< now
    unsigned locks = 0;      ///< how often it was locked more than unlocked
    bool paged_out = false;  ///< inaccessible
    bool pool = false;       ///< no section: a block of paged pool
  };

  void add(std::uint16_t image, std::span<const DriverSection> sections);
  /// Before the image is unmapped.
  void forget(std::uint16_t image);
  /// All of them: the power went. Changes no protection.
  void clear() { rows_.clear(), pool_blocks_ = 0; }

  /// Whole readable and writable pages of a block of paged pool, which `name` names. False when there are
  /// `pool_limit` already: each costs a system call where the IRQL crosses, and a driver may have thousands.
  bool add_pool(std::uint16_t image, std::string name, std::span<std::byte> pages);
  static constexpr std::size_t pool_limit = 256;
  /// Accessible from here on, whatever the IRQL. Nothing happens to pages that were not added.
  void forget_pool(const std::byte* first);

  /// The IRQL is `irql` from now on.
  void at_irql(std::uint8_t irql) {
    constexpr std::uint8_t dispatch = 2;
    if (const bool high = irql >= dispatch; high != high_) cross(high);
  }

  /// nullptr when no section of a driver lies there. Async-signal-safe, as page_in().
  Row* at(const void* address);
  /// Accessible, for as long as the IRQL stays where it is or the section is locked.
  void page_in(Row& row);
  /// For the host, which may hand the address to the system: whatever lies there is accessible.
  void page_in_at(const void* address) {
    if (!high_ || rows_.empty()) return;
    if (Row* row = at(address); row != nullptr) page_in(*row);
  }
  void lock(Row& row);
  /// Nothing happens to one that is not locked.
  void unlock(Row& row);
  /// All sections of the image around `address`: pageable, or as they were linked. False when there is none.
  bool make_pageable(const void* address);
  bool reset_paging(const void* address);

 private:
  void cross(bool high);
  void settle(Row& row);
  template <class Change>
  bool each_of(const void* address, Change change);

  std::vector<std::unique_ptr<Row>> rows_;
  std::size_t pool_blocks_ = 0;
  bool high_ = false;
};

}  // namespace dumpsim::machine
