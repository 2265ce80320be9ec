// SPDX-License-Identifier: Apache-2.0
// What compilers and linkers say of missing names, read back and explained.
#include "toolchain/explain.hpp"

#include <gmock/gmock.h>

namespace dumpsim::toolchain {
namespace {

using testing::HasSubstr;
using Kind = MissingName::Kind;

void expect(const MissingName& row, Kind kind, std::string_view name, std::string_view place,
            std::string_view function) {
  EXPECT_EQ(row.kind, kind);
  EXPECT_EQ(row.name, name);
  EXPECT_EQ(row.place, place);
  EXPECT_EQ(row.function, function);
}

TEST(Diagnostics, GnuLinker) {
  const auto rows = read_diagnostics(
      "/usr/bin/ld: /tmp/x/a.o: in function `Write':\n/src/a.c:12: undefined reference to `KeFoo'\n"
      "/usr/bin/ld: /src/a.c:13: undefined reference to `KeFoo'\ncollect2: error: ld returned 1 exit status\n");
  ASSERT_EQ(rows.size(), 1U);
  expect(rows[0], Kind::reference, "KeFoo", "/src/a.c:12", "Write");
}

TEST(Diagnostics, Lld) {
  const auto rows = read_diagnostics(
      "lld-link: error: undefined symbol: malloc\n>>> referenced by a.c:3\n>>>               a.obj:(Start)\n");
  ASSERT_EQ(rows.size(), 1U);
  expect(rows[0], Kind::reference, "malloc", "a.c:3", "Start");
}

TEST(Diagnostics, Compilers) {
  const auto rows = read_diagnostics(
      "a.c: In function 'Start':\na.c:4:3: error: 'STATUS_FOO' undeclared (first use in this function)\n"
      "b.c:5:1: error: unknown type name 'PFOO'\nb.c:9:10: fatal error: 'foo.h' file not found\n"
      "c.c:1:10: fatal error: bar.h: No such file or directory\n");
  ASSERT_EQ(rows.size(), 4U);
  expect(rows[0], Kind::undeclared, "STATUS_FOO", "a.c:4", "Start");
  EXPECT_EQ(rows[1].name, "PFOO");
  expect(rows[2], Kind::header, "foo.h", "b.c:9", "Start");
  expect(rows[3], Kind::header, "bar.h", "c.c:1", "Start");
}

TEST(Headers, WhatOneDeclares) {
  const auto names = declared_names(
      "#define PAGE_SIZE 4096\ntypedef struct _MDL { int ByteCount; } MDL, *PMDL;\nint KeStop(int Code);\n"
      "enum Kind { KindOne, KindTwo = 3 };\nstatic int Inline(int a) { int inside; return a; }\nextern int Variable;\n"
      "typedef int (*PROUTINE)(int Parameter);\n");
  EXPECT_THAT(names, testing::UnorderedElementsAre("PAGE_SIZE", "_MDL", "MDL", "PMDL", "KeStop", "Kind", "KindOne",
                                                   "KindTwo", "Inline", "Variable", "PROUTINE"));
}

TEST(Explain, EveryKindOfName) {
  const auto headers = HeaderIndex::read(DUMPSIM_WDK);
  ASSERT_TRUE(headers) << headers.error().message;
  const Known known{{"KeInitializeEvent", "DbgPrintEx"}, *headers, {"TCdefs.h"}};
  EXPECT_EQ(explain({Kind::reference, "malloc", "a.c:3", "Start"}, known),
            "a.c:3: malloc, used in Start, is of the C library, and a kernel has none: use ExAllocatePoolWithTag");
  EXPECT_EQ(explain({Kind::reference, "KeInitialiseEvent", "", ""}, known),
            "KeInitialiseEvent is not simulated; did you mean \"KeInitializeEvent\"?");
  EXPECT_THAT(explain({Kind::reference, "_Z17KeInitializeEventv", "", ""}, known), HasSubstr("extern \"C\""));
  EXPECT_THAT(explain({Kind::reference, "ProductEncrypt", "", ""}, known), HasSubstr("no source defines it"));
  EXPECT_THAT(explain({Kind::undeclared, "FILTER_EXTENSION", "", ""}, known), HasSubstr("<ntdddump.h>"));
  EXPECT_THAT(explain({Kind::undeclared, "KeInitializeEvent", "", ""}, known), HasSubstr("<ntddk.h>"));
  EXPECT_THAT(explain({Kind::header, "Tcdefs.h", "", ""}, known), HasSubstr("spelled TCdefs.h"));
  EXPECT_THAT(explain({Kind::header, "windows.h", "", ""}, known), HasSubstr("user mode"));
  EXPECT_THAT(explain({Kind::header, "ntddkk.h", "", ""}, known), HasSubstr("did you mean \"ntddk.h\"?"));
}

}  // namespace
}  // namespace dumpsim::toolchain
