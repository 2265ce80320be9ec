// SPDX-License-Identifier: Apache-2.0
// A device that answers from a script, for a filter whose main driver is not at hand: which control codes it knows and
// what each gets. Free of WDK names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dumpsim::kernel {

struct ScriptedDevice {
  /// An address of a block, to stand at `at` in an answer or in another block.
  struct Pointer {
    std::size_t at = 0;
    std::size_t block = 0;  ///< index in `blocks`
  };
  /// Memory that answers point to: nonpaged pool from boot on.
  struct Block {
    std::vector<std::byte> bytes;
    std::vector<Pointer> pointers;
  };
  enum class Pending : std::uint8_t {
    no,
    completed,  ///< STATUS_PENDING, and completed before anybody can wait for it
    never       ///< STATUS_PENDING, and nobody ever completes it
  };
  struct Reply {
    std::uint32_t code = 0;
    std::int32_t status = 0;
    std::vector<std::byte> bytes;
    std::uint64_t information = 0;  ///< at most bytes.size()
    Pending pending = Pending::no;
    std::vector<Pointer> pointers;
  };

  std::string name;  ///< "\Device\VeraCrypt"
  std::vector<std::string> links;
  std::int32_t open_status = 0;
  std::vector<Reply> replies;
  std::vector<Block> blocks;
};

class Kernel;
/// Makes the device that answers from `script`, under its names. Once a device and boot.
void create_scripted_device(Kernel& kernel, const ScriptedDevice& script);

}  // namespace dumpsim::kernel
