// SPDX-License-Identifier: Apache-2.0
// A run that is made only to be compared with another one of the same scenario: what a child left behind, before
// anybody has judged it.
#pragma once

#include <memory>
#include <string>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "engine/dump_places.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {

struct Rehearsal {
  Mapping trace;  ///< the recorder's block as the child left it
  std::unique_ptr<disk::BlockDevice> disk;
};

/// Where the two traces first part, in the words of the text that people see; empty when they are the same.
std::string difference_of_traces(const trace::TraceView& first, const trace::TraceView& second);

/// Traces and disks, byte for byte: the first difference in words, or empty. A disk that keeps nothing is not compared.
Result<std::string> difference_from(const Rehearsal& rehearsal, const trace::TraceView& view, disk::BlockDevice& disk,
                                    const DumpPlaces& places);

}  // namespace dumpsim::engine
