// SPDX-License-Identifier: Apache-2.0
// Debug output and formatted text: the kernel's conversions, in both conventions' variable arguments.
#include <cstring>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trace::Kind;
using trace::Rule;

class PrintTest : public KernelTest {
 public:
  template <class... Arguments>
  std::string print(const char* format, Arguments... arguments) {
    EXPECT_EQ(K(DbgPrint)(format, arguments...), 0u);
    return texts(Kind::debug_print).back();
  }
};
DUMPSIM_BOTH_CONVENTIONS(PrintTest);

TEST_P(PrintTest, Numbers) {
  EXPECT_EQ(print("%d %i %u", -5, 7, 0xFFFFFFFFu), "-5 7 4294967295");
  EXPECT_EQ(print("%lu %ld", 0xFFFFFFFFFFFFFFFFull, 0xFFFFFFFFull), "4294967295 -1") << "a Windows long has 32 bits";
  EXPECT_EQ(print("%I64u %I64d %llx", 1ull << 40, -1ll, 0xABCDEF0123ull), "1099511627776 -1 abcdef0123");
  EXPECT_EQ(print("%I32u %Iu %zu", 5u, 1ull << 33, 1ull << 34), "5 8589934592 17179869184");
  EXPECT_EQ(print("%hu %hd %hhx", 0x12345, 0x1FFFF, 0x1FF), "9029 -1 ff");
  EXPECT_EQ(print("[%5d|%-5d|%05d|%+d|% d]", 42, 42, 42, 42, 42), "[   42|42   |00042|+42| 42]");
  EXPECT_EQ(print("[%x|%X|%#x|%08X|%#010x|%o|%#o]", 255, 255, 255, 255, 255, 8, 8),
            "[ff|FF|0xff|000000FF|0x000000ff|10|010]");
  EXPECT_EQ(print("[%.3d|%8.3d|%-8.3d|%.0d]", 5, 5, 5, 0), "[005|     005|005     |]");
  EXPECT_EQ(print("[%*d|%-*d|%.*d|%*d]", 4, 7, 4, 7, 3, 7, -4, 7), "[   7|7   |007|7   ]");
  EXPECT_EQ(print("%d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), "1 2 3 4 5 6 7 8 9 10");
}

TEST_P(PrintTest, Text) {
  Counted counted(u"w\u00efde");
  ANSI_STRING narrow{3, 4, const_cast<PCHAR>("abcX")};
  EXPECT_EQ(print("%s %S %ws %hs %ls", "one", u"two", u"three", "four", u"five"), "one two three four five");
  EXPECT_EQ(print("%wZ|%Z|%.2wZ|%8Z", &counted, &narrow, &counted, &narrow), "w\u00efde|abc|w\u00ef|     abc");
  EXPECT_EQ(print("[%5s|%-5s|%.2s|%5.1s]", "abc", "abc", "abc", "abc"), "[  abc|abc  |ab|    a]");
  EXPECT_EQ(print("%c%C%wc%hc", 'a', u'\u00df', u'c', 'd'), "a\u00dfcd");
  EXPECT_EQ(print("%s %ws %wZ", static_cast<char*>(nullptr), static_cast<void*>(nullptr), static_cast<void*>(nullptr)),
            "(null) (null) (null)");
  EXPECT_EQ(print("%ws", u"\U0001F600"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(print("100%% %q %f"), "100% q f") << "no floating point: it takes no argument";
  EXPECT_EQ(print("one line\r\n"), "one line");
  EXPECT_EQ(print("%"), "");
}

TEST_P(PrintTest, PointersAreWords) {
  auto* block = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPool, 64, 1));
  EXPECT_EQ(
      print("%p %p %p", static_cast<void*>(block + 0x10), static_cast<void*>(nullptr), static_cast<void*>(&block)),
      "pool#1+0x10 null host");
  char text[32];
  EXPECT_EQ(K(_snprintf)(text, sizeof text, "%p", reinterpret_cast<void*>(0x1F)), 16);
  EXPECT_STREQ(text, "000000000000001F") << "a driver's own text is what it is on Windows";
}

TEST_P(PrintTest, LongTextIsCutAtTheTransmissionLimit) {
  const std::string text(700, 'x');
  EXPECT_EQ(print("%s", text.c_str()).size(), 512u);
  EXPECT_EQ(print("%1000000000d", 1).size(), 512u) << "a hostile width";
}

TEST_P(PrintTest, LevelsAndPrefixes) {
  K(DbgPrintEx)(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "bad %d\n", 1);
  K(DbgPrint)("fine\n");
  const auto prints = noted(Kind::debug_print);
  ASSERT_EQ(prints.size(), 2u);
  EXPECT_EQ(prints[0].record.arg, std::uint64_t{DPFLTR_ERROR_LEVEL});
  EXPECT_EQ(prints[0].text, "bad 1");
  EXPECT_EQ(prints[1].record.arg, std::uint64_t{DPFLTR_INFO_LEVEL});
  EXPECT_EQ(prints[0].record.image, image);
}

ULONG forward_system_v(const void* entry, const char* format, ...) {
  va_list list;
  va_start(list, format);
  using V = ULONG (*)(ULONG, ULONG, PCCH, va_list);
  const ULONG status = reinterpret_cast<V>(const_cast<void*>(entry))(
      DPFLTR_IHVDRIVER_ID, DPFLTR_TRACE_LEVEL, reinterpret_cast<PCCH>(reinterpret_cast<std::uintptr_t>(format)), list);
  va_end(list);
  return status;
}
__attribute__((ms_abi)) ULONG forward_microsoft(const void* entry, const char* format, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, format);
  using V = ULONG(__attribute__((ms_abi))*)(ULONG, ULONG, PCCH, __builtin_ms_va_list);
  const ULONG status = reinterpret_cast<V>(const_cast<void*>(entry))(
      DPFLTR_IHVDRIVER_ID, DPFLTR_TRACE_LEVEL, reinterpret_cast<PCCH>(reinterpret_cast<std::uintptr_t>(format)), list);
  __builtin_ms_va_end(list);
  return status;
}

TEST_P(PrintTest, AListOfArgumentsPassedOn) {
  const void* entry = find_export("vDbgPrintEx")->entry(GetParam());
  if (GetParam() == Convention::system_v) {
    forward_system_v(entry, "%s %d %I64x", "v", 2, 3ull);
  } else {
    forward_microsoft(entry, "%s %d %I64x", "v", 2, 3ull);
  }
  EXPECT_EQ(texts(Kind::debug_print).back(), "v 2 3");
}

TEST_P(PrintTest, AboveItsLevelIsInformation) {
  set_irql(12);
  print("fine %d", 1);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u);
  set_irql(HIGH_LEVEL);
  print("%d", 1);
  print("%d", 2);
  ASSERT_EQ(violations(Rule::irql_too_high), 1u);
  EXPECT_EQ(noted(Kind::violation)[0].record.flags, static_cast<std::uint32_t>(trace::Severity::information));
  EXPECT_THAT(noted(Kind::violation)[0].text, HasSubstr("DbgPrint called at IRQL 15, its documented maximum is 12"));
  kernel().set_current(image, trace::Callback::write);
  set_irql(APC_LEVEL);
  print("%d", 3);
  EXPECT_EQ(violations(Rule::irql_too_high), 1u);
  print("%ws", u"wide");
  EXPECT_EQ(violations(Rule::irql_too_high), 2u) << "wide text is for PASSIVE_LEVEL";
}

TEST_P(PrintTest, SnprintfCountsAsMicrosoftsDoes) {
  char text[8];
  std::memset(text, '#', sizeof text);
  EXPECT_EQ(K(_snprintf)(text, 8, "%d", 1234567), 7);
  EXPECT_STREQ(text, "1234567");
  EXPECT_EQ(K(_snprintf)(text, 7, "%d", 7654321), 7) << "fits without its terminator";
  EXPECT_EQ(std::memcmp(text, "7654321\0", 8), 0);
  EXPECT_EQ(K(_snprintf)(text, 7, "%d", 12345678), -1);
  EXPECT_EQ(K(_snprintf)(nullptr, 0, "%d", 12345678), 8);
  char16_t wide[16];
  EXPECT_EQ(K(dumpsim__snwprintf)(wide, 16, u"%s|%S|%hs|%d", u"a", "b", "c", 4), 7);
  EXPECT_EQ(std::u16string_view(wide), u"a|b|c|4");
  EXPECT_EQ(K(dumpsim_swprintf)(wide, u"%c%C", u'x', 'y'), 2);
  EXPECT_EQ(std::u16string_view(wide), u"xy");
}

TEST_P(PrintTest, PrintingWithASizeAlwaysEndsTheText) {
  constexpr std::size_t truncate = ~std::size_t{0};
  char text[8];
  EXPECT_EQ(K(sprintf_s)(text, 8, "%d", 1234567), 7);
  EXPECT_STREQ(text, "1234567");
  EXPECT_EQ(K(sprintf_s)(text, 7, "%d", 1234567), -1);
  EXPECT_STREQ(text, "") << "nothing of it";
  EXPECT_EQ(K(sprintf_s)(nullptr, 8, "x"), -1);
  EXPECT_EQ(K(sprintf_s)(nullptr, 0, "x"), -1);
  EXPECT_EQ(K(sprintf_s)(text, 0, "x"), -1);
  EXPECT_EQ(K(sprintf_s)(text, 8, nullptr), -1);
  EXPECT_EQ(K(_snprintf_s)(text, 8, 7, "%d", 1234567), 7);
  EXPECT_STREQ(text, "1234567");
  EXPECT_EQ(K(_snprintf_s)(text, 8, 3, "%d", 1234567), -1);
  EXPECT_STREQ(text, "123") << "cut where the caller said";
  EXPECT_EQ(K(_snprintf_s)(text, 4, truncate, "%d", 7654321), -1);
  EXPECT_STREQ(text, "765") << "cut where the buffer ends";
  EXPECT_EQ(K(_snprintf_s)(text, 4, 4, "%d", 7654321), -1);
  EXPECT_STREQ(text, "") << "a count that the buffer has no room for";
  EXPECT_EQ(K(_snprintf_s)(text, 4, 4, "%d", 765), 3) << "which the text does not need";
  EXPECT_EQ(K(_snprintf_s)(text, 4, 0, "x"), -1);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(K(_snprintf_s)(nullptr, 0, 0, "x"), 0);
  char16_t wide[8];
  EXPECT_EQ(K(dumpsim_swprintf_s)(wide, 8, u"%s|%S|%d", u"a", "b", 4), 5);
  EXPECT_EQ(std::u16string_view(wide), u"a|b|4");
  EXPECT_EQ(K(dumpsim_swprintf_s)(wide, 5, u"%s|%S|%d", u"a", "b", 4), -1);
  EXPECT_EQ(std::u16string_view(wide), u"");
  EXPECT_EQ(K(dumpsim__snwprintf_s)(wide, 5, truncate, u"%d", 123456), -1);
  EXPECT_EQ(std::u16string_view(wide), u"1234");
}

/// As a driver's own function with an ellipsis passes its arguments on.
template <class Unit, class... Sizes>
struct PassOn {
  static int system_v(const void* entry, Unit* buffer, Sizes... sizes, const Unit* format, ...) {
    using Entry = int (*)(Unit*, Sizes..., const Unit*, va_list);
    va_list list;
    va_start(list, format);
    const int length = reinterpret_cast<Entry>(const_cast<void*>(entry))(buffer, sizes..., format, list);
    va_end(list);
    return length;
  }
  __attribute__((ms_abi)) static int microsoft(const void* entry, Unit* buffer, Sizes... sizes, const Unit* format,
                                               ...) {
    using Entry = int(__attribute__((ms_abi))*)(Unit*, Sizes..., const Unit*, __builtin_ms_va_list);
    __builtin_ms_va_list list;
    __builtin_ms_va_start(list, format);
    const int length = reinterpret_cast<Entry>(const_cast<void*>(entry))(buffer, sizes..., format, list);
    __builtin_ms_va_end(list);
    return length;
  }
};

TEST_P(PrintTest, AListIsPrintedWithASizeToo) {
  const bool system_v = GetParam() == Convention::system_v;
  const auto entry = [&](const char* name) { return find_export(name)->entry(GetParam()); };
  char text[8];
  char16_t wide[8];
  const auto all = [&](std::size_t size) {
    using Call = PassOn<char, std::size_t>;
    return system_v ? Call::system_v(entry("vsprintf_s"), text, size, "%s %d", "v", 23)
                    : Call::microsoft(entry("vsprintf_s"), text, size, "%s %d", "v", 23);
  };
  const auto some = [&](std::size_t size, std::size_t count) {
    using Call = PassOn<char, std::size_t, std::size_t>;
    return system_v ? Call::system_v(entry("_vsnprintf_s"), text, size, count, "%s %d", "v", 23)
                    : Call::microsoft(entry("_vsnprintf_s"), text, size, count, "%s %d", "v", 23);
  };
  const auto wide_all = [&](std::size_t size) {
    using Call = PassOn<char16_t, std::size_t>;
    return system_v ? Call::system_v(entry("vswprintf_s"), wide, size, u"%s %d", u"v", 23)
                    : Call::microsoft(entry("vswprintf_s"), wide, size, u"%s %d", u"v", 23);
  };
  const auto wide_some = [&](std::size_t size, std::size_t count) {
    using Call = PassOn<char16_t, std::size_t, std::size_t>;
    return system_v ? Call::system_v(entry("_vsnwprintf_s"), wide, size, count, u"%s %d", u"v", 23)
                    : Call::microsoft(entry("_vsnwprintf_s"), wide, size, count, u"%s %d", u"v", 23);
  };
  EXPECT_EQ(all(8), 4);
  EXPECT_STREQ(text, "v 23");
  EXPECT_EQ(all(4), -1);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(some(8, 4), 4);
  EXPECT_EQ(some(8, 3), -1);
  EXPECT_STREQ(text, "v 2");
  EXPECT_EQ(wide_all(8), 4);
  EXPECT_EQ(std::u16string_view(wide), u"v 23");
  EXPECT_EQ(wide_some(8, 3), -1);
  EXPECT_EQ(std::u16string_view(wide), u"v 2");
}

TEST_P(PrintTest, AnAssertionStops) {
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] {
    K(RtlAssert)(const_cast<char*>("a == b"), const_cast<char*>("filter.c"), 12, nullptr);
  });
  EXPECT_THAT(texts(Kind::debug_print).back(), HasSubstr("Assertion failed: a == b"));
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(DbgBreakPointWithStatus)(7); });
}

}  // namespace
}  // namespace dumpsim::kernel::test
