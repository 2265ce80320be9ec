// SPDX-License-Identifier: Apache-2.0
// The names of NTSTATUS values are the driver headers' own: all of them, so that whatever a driver author writes in a
// scenario is known, and what a trace shows is what the author would have written.
#include "trace/statuses.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <string>

namespace dumpsim::trace {
namespace {

TEST(Statuses, AreTheHeaders) {
  std::ifstream file(std::filesystem::path(DUMPSIM_TESTS) / "../include/wdk/ntstatus.h");
  const std::string header(std::istreambuf_iterator<char>(file), {});
  const std::regex define("#define (STATUS_[A-Z0-9_]+) +\\(\\(NTSTATUS\\)0x([0-9A-Fa-f]+)L?\\)");
  std::map<std::string, std::int32_t> declared;
  for (std::sregex_iterator at(header.begin(), header.end(), define), end; at != end; ++at) {
    declared[(*at)[1]] = static_cast<std::int32_t>(std::stoul((*at)[2], nullptr, 16));
  }
  EXPECT_GT(declared.size(), 100u);
  std::map<std::string, std::int32_t> known;
  for (const StatusName& status : all_statuses()) known[std::string(status.name)] = status.value;
  EXPECT_EQ(known, declared);
}

TEST(Statuses, HaveTheNameADriverAuthorWrites) {
  EXPECT_EQ(status_name(0), "STATUS_SUCCESS");  // and STATUS_WAIT_0
  EXPECT_EQ(format_status(static_cast<std::int32_t>(0xc000009a)), "STATUS_INSUFFICIENT_RESOURCES");
  EXPECT_EQ(format_status(static_cast<std::int32_t>(0xc0abcdef)), "0xc0abcdef");
  EXPECT_EQ(find_status("STATUS_INSUFFICIENT_RESOURCES"), static_cast<std::int32_t>(0xc000009a));
  EXPECT_EQ(find_status("STATUS_"), std::nullopt);
}

}  // namespace
}  // namespace dumpsim::trace
