// SPDX-License-Identifier: Apache-2.0
// What bug check callbacks made of a dump, carried from the child that writes it to the parent that judges it, in a
// file in memory. To the parent it is outside bytes, as everything of the child's is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"
#include "stack/dump_witness.hpp"

namespace dumpsim::engine {

/// The child's end. What does not fit into the file is missing in the account, and the verdict says so.
class DumpAccountWriter final : public stack::DumpWitness {
 public:
  /// `file` outlives it.
  explicit DumpAccountWriter(const File& file) : file_(file) {}
  void pages_changed(std::span<const dumpfile::PageRun> added, std::span<const dumpfile::PageRun> removed) override;
  void page_written(Pfn pfn, std::span<const std::byte> bytes) override;
  void secondary(std::uint16_t image, const std::array<std::byte, 16>& guid, std::span<const std::byte> bytes) override;

 private:
  void entry(std::uint32_t kind, std::uint64_t about, std::uint32_t image, std::span<const std::byte> bytes);
  const File& file_;
  std::uint64_t at_ = 0;
};

struct DumpAccount {
  struct Blob {
    std::array<std::byte, 16> guid{};
    std::uint16_t image = 0;
    std::uint64_t at = 0;  ///< in the file
    std::uint32_t size = 0;
  };
  std::vector<dumpfile::PageRun> added, removed;
  std::map<Pfn, std::uint64_t> pages;  ///< that are no RAM: where their content lies in the file
  std::vector<Blob> blobs;

  bool empty() const { return added.empty() && removed.empty() && blobs.empty(); }
};

/// Fails when the file is no account; what a child left behind half written counts as not there.
Result<DumpAccount> read_account(const File& file);
Result<std::vector<std::byte>> bytes_of(const File& file, const DumpAccount::Blob& blob);

/// Memory with the pages of the account in it. All outlive it.
std::unique_ptr<dumpfile::MemorySource> with_account(const dumpfile::MemorySource& memory, const DumpAccount& account,
                                                     const File& file);
/// What is wrong with the dump's blobs against those that were given; empty when nothing.
Result<std::string> compare_blobs(const dumpfile::DumpReader& dump, const dumpfile::ByteReader& bytes,
                                  const DumpAccount& account, const File& file);

}  // namespace dumpsim::engine
