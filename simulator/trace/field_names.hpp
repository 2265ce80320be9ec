// SPDX-License-Identifier: Apache-2.0
// The field's own names for numbers that stand in a trace: bugcheck codes, crashdmp's stages.
#pragma once

#include <cstdint>
#include <string_view>

namespace dumpsim::trace {

/// "MANUALLY_INITIATED_CRASH", or empty.
std::string_view bugcheck_name(std::uint64_t code);
/// What crashdmp does at a stage code: 0x2005 is "load filters"; or empty. [seen: Windows 7's CrashdmpLoadDumpStack]
std::string_view stage_name(std::uint64_t stage);
/// DEVICE_USAGE_NOTIFICATION_TYPE in words: 2 is "hibernation"; or empty. [doc]
std::string_view usage_name(std::uint64_t type);

}  // namespace dumpsim::trace
