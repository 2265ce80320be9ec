// SPDX-License-Identifier: Apache-2.0
// What tells a finding from another one, from run to run and from commit to commit. Of where it is, the source file and
// the function count and the line does not; where neither is known, the scenario stands for them. The words, counts and
// addresses of a finding change with everything and count nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/run.hpp"
#include "report/places.hpp"

namespace dumpsim::report {

/// One a finding, in their order: sixteen hex digits. Findings that agree in everything that counts are told apart by
/// their order.
std::vector<std::string> fingerprints(const engine::Report& report, const Places& places);

/// "dump_xor" and "hiber_xor" are instances of the one filter "xor".
std::string_view service_of(std::string_view instance);

}  // namespace dumpsim::report
