// SPDX-License-Identifier: Apache-2.0
// The words a scenario may choose from, each list in the order of its enumerators. The key table, the reader and
// name_of() share them. Inside the room only.
#pragma once

#include <array>
#include <string_view>

namespace dumpsim::scenario::words {

template <std::size_t N>
using List = std::array<std::string_view, N>;

inline constexpr List<5> profile{"windows-7", "windows-8.1", "windows-10", "windows-11", "windows-11-25h2"};
inline constexpr List<4> fill{"canary", "zeros", "random", "image"};
inline constexpr List<3> backend{"memory", "raw", "null"};
inline constexpr List<3> style{"mbr", "gpt", "none"};
inline constexpr List<5> kind{"none", "complete", "kernel", "automatic", "active"};
inline constexpr List<2> format{"full", "bitmap"};             // from Format::full on
inline constexpr List<2> convention{"system-v", "microsoft"};  // from Convention::system_v on
inline constexpr List<9> timeline{"boot",  "disable-dumps", "enable-dumps", "hibernate", "resume",
                                  "crash", "next-boot",     "stop-drivers", "shutdown"};
inline constexpr List<2> driver_start{"boot", "system"};
inline constexpr List<2> pending{"completed", "never"};  // from Device::Pending::completed on
inline constexpr List<1> attach{"volume"};
inline constexpr List<8> action{"load", "start", "open", "write", "read", "finish", "unload", "power-cut"};
inline constexpr List<2> stack{"crash", "hibernation"};
inline constexpr List<5> via{"automatic", "raw", "filters", "volume", "none"};
inline constexpr List<2> readable{"final", "every-write"};
inline constexpr List<4> severity{"off", "information", "warning", "error"};
inline constexpr List<7> outcome{"completed", "bugchecked",       "crashed",    "hung",
                                 "exited",    "stack-not-loaded", "dump-failed"};
inline constexpr List<4> recovered{"identical", "different", "unreadable", "not-tried"};
// From Callback::driver_entry on.
// From Callback::driver_entry on.
inline constexpr List<20> callback{
    "DriverEntry",  "DumpStart",    "DumpWrite",        "DumpRead",          "DumpFinish",
    "DumpUnload",   "AddDevice",    "Dispatch",         "Completion",        "Cancel",
    "Reinitialize", "DriverUnload", "BugCheckCallback", "SecondaryDumpData", "SecondaryMultiPartDumpData",
    "DumpIo",       "AddPages",     "RemovePages",      "TriageDumpData",    "CallbackFunction"};

}  // namespace dumpsim::scenario::words
