// SPDX-License-Identifier: Apache-2.0
// .reg files as the registry editor writes them and as people mend them; every mistake with its place and a hint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/utf16.hpp"
#include "scenario/registry.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::scenario {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using What = RegistryEdit::What;

constexpr std::string_view header = "Windows Registry Editor Version 5.00\r\n\r\n";

std::vector<RegistryEdit> edits_of(std::string_view text) {
  auto edits = parse_registry_file(std::string(header) + std::string(text), "seed.reg");
  EXPECT_TRUE(edits) << edits.error().message;
  return edits ? *edits : std::vector<RegistryEdit>{};
}

std::string mistakes_of(std::string_view text) {
  auto edits = parse_registry_file(text, "seed.reg");
  EXPECT_FALSE(edits);
  return edits ? std::string() : edits.error().message;
}
std::string mistake_below_header(std::string_view text) {
  return mistakes_of(std::string(header) + std::string(text));
}

std::string words(const RegistryEdit& edit) {
  return edit.name + " " + trace::registry_type_name(edit.value.type) + " " +
         trace::registry_data_words(edit.value.type, edit.value.bytes);
}

std::string utf16le(std::string_view text) {
  const std::u16string units = to_utf16(text);
  std::string bytes = "\xff\xfe";
  bytes.append(reinterpret_cast<const char*>(units.data()), units.size() * 2);
  return bytes;
}

TEST(RegistryFile, HasEveryFormOfValue) {
  const auto edits = edits_of(
      "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\xor]\r\n"
      "@=\"default\"\r\n"
      "\"Start\"=dword:0000000A ; as it was\r\n"
      "\"a\\\\b \\\"c\\\"\"=\"x\\\\y\\\"z\"\r\n"
      "\"Bytes\"=hex:00,Ff,\\\r\n"
      "  7\r\n"
      "\"None\"=hex(0):\r\n"
      "\"ImagePath\"=hex(2):25,00,78,00,25,00,00,00\r\n"
      "\"List\"=hex(7):61,00,00,00,\\\r\n"
      "  62,00,00,00,00,00\r\n"
      "\"Wide\"=hex(b):01,00,00,00,00,00,00,80\r\n"
      "\"Odd\"=hex(1000):01\r\n"
      "\"Lines\"=\"one\r\ntwo\"\r\n"
      "; a comment\r\n"
      "\"Gone\"=-\r\n"
      "\r\n"
      "  [-HKLM\\SOFTWARE\\A[1]]\r\n");
  ASSERT_EQ(edits.size(), 13u);
  EXPECT_EQ(edits[0].what, What::key);
  EXPECT_EQ(edits[0].key, "\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Services\\xor");
  EXPECT_EQ(words(edits[1]), " REG_SZ \"default\"");
  EXPECT_EQ(words(edits[2]), "Start REG_DWORD 0xa");
  EXPECT_EQ(words(edits[3]), "a\\b \"c\" REG_SZ \"x\\y\\\"z\"");
  EXPECT_EQ(words(edits[4]), "Bytes REG_BINARY \"hex:00 ff 07\"");
  EXPECT_EQ(words(edits[5]), "None REG_NONE \"hex:\"");
  EXPECT_EQ(words(edits[6]), "ImagePath REG_EXPAND_SZ \"%x%\"");
  EXPECT_EQ(words(edits[7]), "List REG_MULTI_SZ [\"a\", \"b\"]");
  EXPECT_EQ(words(edits[8]), "Wide REG_QWORD 0x8000000000000001");
  EXPECT_EQ(words(edits[9]), "Odd type 0x1000 \"hex:01\"");
  EXPECT_EQ(words(edits[10]), "Lines REG_SZ \"one\\r\\ntwo\"");
  EXPECT_EQ(edits[11].what, What::no_value);
  EXPECT_EQ(edits[11].name, "Gone");
  EXPECT_EQ(edits[12].what, What::no_key);
  EXPECT_EQ(edits[12].key, "\\Registry\\Machine\\SOFTWARE\\A[1]");
  EXPECT_EQ(edits[2].line, 5u);
  EXPECT_EQ(edits[12].line, 20u);
  EXPECT_EQ(edits[12].column, 3u);
}

TEST(RegistryFile, EncodingsGiveTheSame) {
  const std::string text = std::string(header) + "[HKLM\\A\xC3\x84]\n\"\xF0\x9F\x98\x80\"=\"\xC3\xA9\"\n";
  for (const std::string& bytes : {text, "\xef\xbb\xbf" + text, utf16le(text)}) {
    const auto edits = parse_registry_file(bytes, "seed.reg");
    ASSERT_TRUE(edits) << edits.error().message;
    ASSERT_EQ(edits->size(), 2u);
    EXPECT_EQ((*edits)[0].key, "\\Registry\\Machine\\A\xC3\x84");
    EXPECT_EQ((*edits)[1].name, "\xF0\x9F\x98\x80");
    EXPECT_EQ((*edits)[1].value, RegistryValue::text("\xC3\xA9"));
  }
  // Columns are characters in either: the mistake below stands behind a character of two units.
  const std::string wrong = std::string(header) + "[HKLM\\A]\n\"\xF0\x9F\x98\x80\"=x\n";
  EXPECT_THAT(mistakes_of(wrong), StartsWith("seed.reg:4:5: expected a text"));
  EXPECT_THAT(mistakes_of(utf16le(wrong)), StartsWith("seed.reg:4:5: expected a text"));
  EXPECT_THAT(mistakes_of("\xfe\xff"), HasSubstr("with the high byte first"));
  EXPECT_THAT(mistakes_of("\xff\xfeW"), HasSubstr("odd number of bytes"));
  EXPECT_THAT(mistakes_of(std::string(header) + "; \xC3\xA9 \xFF"), StartsWith("seed.reg:3:5: neither UTF-16LE"));
}

TEST(RegistryFile, EveryMistakeHasAPlaceAndAHint) {
  struct {
    std::string_view text, message;
  } const rows[] = {
      {"[HKLN\\A]", "seed.reg:3:2: \"HKLN\" is no root of the registry; did you mean \"HKLM\"?"},
      {"[HKEY_CURRENT_USER\\A]", "seed.reg:3:2: \"HKEY_CURRENT_USER\": no user is logged on"},
      {"[HKLM\\A", "seed.reg:3:1: the bracket that opens here is not closed"},
      {"[HKLM\\A] x", "seed.reg:3:1: the bracket that opens here is not closed"},
      {"[-HKLM]", "seed.reg:3:3: a root of the registry cannot be deleted"},
      {"[HKLM\\A\\\\B]", "seed.reg:3:2: \"HKLM\\A\\\\B\" has an empty name"},
      {"\"A\"=dword:1", "seed.reg:3:1: a value stands before any key"},
      {"[-HKLM\\A]\n\"A\"=dword:1", "seed.reg:4:1: a value stands below a key that is deleted"},
      {"[HKLM\\A]\nStart=1", "seed.reg:4:1: expected [KEY], \"NAME\"=, @= or a comment"},
      {"[HKLM\\A]\n\"Start\" dword:1", "seed.reg:4:9: expected \"=\""},
      {"[HKLM\\A]\n\"S\"=1", "seed.reg:4:5: expected a text in quotes, dword:, hex:, hex(N): or -, got \"1\""},
      {"[HKLM\\A]\n\"S\"=qword:1", "seed.reg:4:5: expected a text in quotes"},
      {"[HKLM\\A]\n\"S\"=dword:", "seed.reg:4:11: expected one to eight hex digits"},
      {"[HKLM\\A]\n\"S\"=dword:0x1",
       "seed.reg:4:12: expected the end of the line behind a number (hex digits, without 0x)"},
      {"[HKLM\\A]\n\"S\"=dword:123456789", "seed.reg:4:11: expected one to eight hex digits"},
      {"[HKLM\\A]\n\"S\"=hex:0g", "seed.reg:4:10: expected the end of the line behind a list of bytes"},
      {"[HKLM\\A]\n\"S\"=hex:001", "seed.reg:4:9: expected bytes of two hex digits"},
      {"[HKLM\\A]\n\"S\"=hex:00,", "seed.reg:4:12: a byte is missing behind the comma"},
      {"[HKLM\\A]\n\"S\"=hex:00,\\\n\n\"T\"=dword:1", "seed.reg:5:1: a byte is missing behind the comma"},
      {"[HKLM\\A]\n\"S\"=hex(z):00", "seed.reg:4:5: \"hex(z)\" names no type"},
      {"[HKLM\\A]\n\"S\"=hex(4):00", "seed.reg:4:5: a REG_DWORD has 4 bytes, got 1"},
      {"[HKLM\\A]\n\"S\"=hex(b):00,00,00,00", "seed.reg:4:5: a REG_QWORD has 8 bytes, got 4"},
      {"[HKLM\\A]\n\"S\"=hex(7):61", "seed.reg:4:5: a REG_MULTI_SZ is text of two bytes a character, got 1"},
      {"[HKLM\\A]\n\"S\"=\"a\\n\"", "seed.reg:4:7: a backslash in a text"},
      {"[HKLM\\A]\n\"S\"=\"a", "seed.reg:4:5: the quote that opens a text here is never closed"},
      {"[HKLM\\A]\n\"S\"=\"a\" b", "seed.reg:4:9: expected the end of the line behind a text, got \"b\""},
      {"[HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl]\n\"DumpFilters\"=\"a.sys\"",
       "seed.reg:4:15: DumpFilters is a REG_MULTI_SZ, got a REG_SZ"},
      {"[HKLM\\SYSTEM\\ControlSet001\\Services\\a]\n\"Start\"=\"0\"",
       "seed.reg:4:9: Start is a REG_DWORD, got a REG_SZ"},
  };
  for (const auto& row : rows)
    EXPECT_THAT(mistake_below_header(row.text), StartsWith(std::string(row.message))) << row.text;
  EXPECT_THAT(mistakes_of(""),
              StartsWith("seed.reg:1:1: expected the line \"Windows Registry Editor Version 5.00\", got nothing"));
  EXPECT_THAT(mistakes_of("REGEDIT4\n"), HasSubstr("export it again"));
  EXPECT_THAT(mistakes_of("[HKLM\\A]\n"), HasSubstr("expected the line"));
}

TEST(RegistryFile, AllMistakesAreToldAndOneIsNotTwo) {
  const std::string text = mistake_below_header(
      "[HKLN\\A]\n\"Fine\"=dword:1\n[HKLM\\A]\n\"S\"=hex:0g,\\\n 00,\\\n 01\n\"T\"=1\n\"Fine\"=dword:1\n");
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_THAT(lines,
              ElementsAre(StartsWith("seed.reg:3:2:"), StartsWith("seed.reg:6:10:"), StartsWith("seed.reg:9:5:")));
}

TEST(RegistryWords, AreWhatAScenarioWouldSay) {
  const auto words_of = [](const RegistryValue& value) { return trace::registry_data_words(value.type, value.bytes); };
  EXPECT_EQ(words_of(RegistryValue::dword(7)), "7");
  EXPECT_EQ(words_of(RegistryValue::qword(0x10)), "0x10");
  EXPECT_EQ(words_of({trace::reg_dword, {}}), "\"hex:\"");
  EXPECT_EQ(words_of({trace::reg_sz, {std::byte{0x41}, std::byte{0}}}), "\"hex:41 00\"") << "no terminator";
  EXPECT_EQ(words_of(RegistryValue::list({})), "[]");
  EXPECT_EQ(words_of({trace::reg_multi_sz, {std::byte{0x41}, std::byte{0}, std::byte{0}, std::byte{0}}}),
            "\"hex:41 00 00 00\"");
  const std::string cut = words_of(RegistryValue::text(std::string(300, 'x')));
  EXPECT_LT(cut.size(), 210u);
  EXPECT_TRUE(cut.ends_with("…"));
  EXPECT_EQ(trace::find_registry_type("REG_QWORD"), 11u);
}

}  // namespace
}  // namespace dumpsim::scenario
