// SPDX-License-Identifier: Apache-2.0
#include "machine/driver_sections.hpp"

#include <sys/mman.h>

#include <utility>

namespace dumpsim::machine {

void DriverSections::add(std::uint16_t image, std::span<const DriverSection> sections) {
  forget(image);
  for (const DriverSection& section : sections) {
    rows_.push_back(std::make_unique<Row>(Row{image, section, section.pageable}));
    settle(*rows_.back());
  }
}

void DriverSections::forget(std::uint16_t image) {
  std::erase_if(rows_, [image](const std::unique_ptr<Row>& row) { return row->image == image && !row->pool; });
}

bool DriverSections::add_pool(std::uint16_t image, std::string name, std::span<std::byte> pages) {
  if (pool_blocks_ == pool_limit) return false;
  ++pool_blocks_;
  const DriverSection section{std::move(name), pages, PROT_READ | PROT_WRITE, true};
  rows_.push_back(std::make_unique<Row>(Row{.image = image, .section = section, .pageable = true, .pool = true}));
  settle(*rows_.back());
  return true;
}

void DriverSections::forget_pool(const std::byte* first) {
  for (auto row = rows_.begin(); row != rows_.end(); ++row) {
    if (!(*row)->pool || (*row)->section.pages.data() != first) continue;
    page_in(**row);
    rows_.erase(row);
    --pool_blocks_;
    return;
  }
}

DriverSections::Row* DriverSections::at(const void* address) {
  const auto* byte = static_cast<const std::byte*>(address);
  for (const std::unique_ptr<Row>& row : rows_) {
    const std::span<std::byte> pages = row->section.pages;
    if (byte >= pages.data() && byte < pages.data() + pages.size()) return row.get();
  }
  return nullptr;
}

void DriverSections::page_in(Row& row) {
  if (!row.paged_out) return;
  mprotect(row.section.pages.data(), row.section.pages.size(), row.section.protection);
  row.paged_out = false;
}

void DriverSections::settle(Row& row) {
  const bool out = high_ && row.pageable && row.locks == 0;
  if (out == row.paged_out) return;
  if (!out) return page_in(row);
  mprotect(row.section.pages.data(), row.section.pages.size(), PROT_NONE);
  row.paged_out = true;
}

void DriverSections::cross(bool high) {
  high_ = high;
  for (const std::unique_ptr<Row>& row : rows_) settle(*row);
}

void DriverSections::lock(Row& row) {
  ++row.locks;
  settle(row);
}

void DriverSections::unlock(Row& row) {
  if (row.locks == 0) return;
  --row.locks;
  settle(row);
}

template <class Change>
bool DriverSections::each_of(const void* address, Change change) {
  const Row* found = at(address);
  if (found == nullptr || found->pool) return false;
  for (const std::unique_ptr<Row>& row : rows_) {
    if (row->image != found->image || row->pool) continue;
    change(*row);
    settle(*row);
  }
  return true;
}

bool DriverSections::make_pageable(const void* address) {
  return each_of(address, [](Row& row) { row.pageable = true; });
}

bool DriverSections::reset_paging(const void* address) {
  return each_of(address, [](Row& row) { row.pageable = row.section.pageable; });
}

}  // namespace dumpsim::machine
