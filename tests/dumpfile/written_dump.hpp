// SPDX-License-Identifier: Apache-2.0
// What the dump file tests share: requests, dumps written section by section as the dump stack writes them, and a
// scratch folder for what must be a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/dump_reader.hpp"

namespace dumpsim::dumpfile {

/// A request with every header value set to something of its own.
DumpRequest sample_request(DumpKind kind, DumpForm form, std::vector<PageRun> memory);

/// Ascending, separate runs with holes: about `runs` of them, each 1 to 40 pages.
std::vector<PageRun> random_runs(Random& random, std::size_t runs);
/// A selection of whole and cut runs of `memory`, never empty.
std::optional<PageSet> random_selection(Random& random, const std::vector<PageRun>& memory);

/// The file as the stack writes it: its sections in their order, pages by pages_at(), each byte exactly where it says.
std::vector<std::byte> write_dump(const DumpLayout& layout, const MemorySource& source, bool header_valid_last);
DumpLayout plan_or_fail(DumpRequest request);

std::shared_ptr<const ByteReader> bytes_of(std::vector<std::byte> bytes);
/// The message of the refusal, or "" when the bytes open.
std::string refusal(std::vector<std::byte> bytes);

template <class T>
void poke(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes.at(offset + i) = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8 * i);
  }
}
std::uint64_t peek(const std::vector<std::byte>& bytes, std::size_t offset, std::size_t size);

/// A folder of its own, removed with everything in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::filesystem::path file(const std::string& name, const std::vector<std::byte>& bytes) const;

 private:
  std::filesystem::path folder_;
};

/// Standard output of a shell command, and its exit code.
struct CommandResult {
  int exit_code = -1;
  std::string output;
};
CommandResult run_command(const std::string& command);

}  // namespace dumpsim::dumpfile
