// SPDX-License-Identifier: Apache-2.0
// Secrets of the scenario (keys, passphrases) are looked for wherever a machine that crashed leaves something behind:
// the raw disk, the recovered dump, secondary data, what drivers print. No secret is ever printed: they are counted.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_layout.hpp"
#include "engine/dump_account.hpp"
#include "engine/dump_places.hpp"
#include "engine/finding.hpp"
#include "engine/plan.hpp"
#include "engine/write_history.hpp"
#include "scenario/scenario.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {

struct SecretSearch {
  std::span<const scenario::Secret> secrets;
  const Plan& plan;
  const DumpPlaces& places;
  const WriteHistory& history;
  const trace::TraceView& view;
  disk::BlockDevice& disk;
  /// The dump as the next boot has it, and how many bytes of it; nullptr: there is none.
  const dumpfile::ByteReader* recovered = nullptr;
  std::uint64_t recovered_size = 0;
  bool recovered_raw = false;  ///< those bytes are the disk's
  const DumpAccount& account;
  const File& account_file;
};

/// One finding for each secret and kind of place: how often, and where first.
Result<std::vector<OracleFinding>> find_secrets(const SecretSearch& search);

}  // namespace dumpsim::engine
