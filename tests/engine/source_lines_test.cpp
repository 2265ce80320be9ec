// SPDX-License-Identifier: Apache-2.0
// Places in the source, for findings of several images of which some have been stripped.
#include "engine/source_lines.hpp"

#include <fstream>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using testing::IsEmpty;
using testing::Not;

TEST(Locate, AnImageOfWhichNothingIsKnownDoesNotKeepTheOthersFromTheirPlaces) {
  const ScratchFolder folder;
  std::ofstream(folder / "stripped.so", std::ios::binary) << "\177ELF and no more";
  const Report report = run_of("[[filter]]\nimage = \"pool_default_tag\"\n");
  ASSERT_THAT(report.findings, Not(IsEmpty()));
  const Finding& met = report.findings[0];
  ASSERT_THAT(met.function, Not(IsEmpty()));
  std::vector<Finding> findings(3);
  findings[0].filter = findings[1].filter = "dump_stripped";
  findings[0].site = findings[1].site = met.site;
  findings[2].filter = met.filter;
  findings[2].site = met.site;
  findings[2].site_exact = met.site_exact;
  Images images;
  images.filters.resize(2);
  images.filters[0].name = "stripped";
  images.filters[0].path = folder / "stripped.so";
  images.filters[1].name = "pool_default_tag";
  images.filters[1].path = std::filesystem::path(DUMPSIM_BAD_FILTERS) / "pool_default_tag.so";
  locate(findings, images);
  EXPECT_THAT(findings[0].function, IsEmpty());
  EXPECT_EQ(findings[2].function, met.function);
  EXPECT_EQ(findings[2].source, met.source);
  EXPECT_EQ(findings[2].line, met.line);
}

}  // namespace
}  // namespace dumpsim::engine
