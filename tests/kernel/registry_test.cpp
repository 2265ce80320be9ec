// SPDX-License-Identifier: Apache-2.0
// The registry: the two-call size rules, the table form with its types, defaults and required entries, and handles.
#include <cstring>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using trace::Kind;

constexpr const char* path = "Services\\dump_xor\\Parameters";
constexpr const char16_t* full = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\dump_xor\\Parameters";

class RegistryTest : public KernelTest {
 public:
  RegistryTest() {
    const std::byte key[] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}, std::byte{6}};
    const std::string list[] = {"one", "two"};
    kernel().registry().set_dword(path, "Level", 0x11223344);
    kernel().registry().set_qword(path, "Wide", 0x1122334455667788);
    kernel().registry().set_string(path, "Name", "v\u00e4lue");
    kernel().registry().set_binary(path, "Key", key);
    kernel().registry().set_strings(path, "List", list);
  }

  NTSTATUS open(const char16_t* name, HANDLE root, HANDLE* handle) {
    Counted counted(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &counted, OBJ_CASE_INSENSITIVE, root, nullptr);
    return K(ZwOpenKey)(handle, KEY_READ, &attributes);
  }
  HANDLE parameters() {
    HANDLE handle = nullptr;
    EXPECT_EQ(open(full, nullptr, &handle), STATUS_SUCCESS);
    return handle;
  }
};
DUMPSIM_BOTH_CONVENTIONS(RegistryTest);

TEST_P(RegistryTest, KeysOpenByPathInAnyCase) {
  HANDLE key = nullptr, child = nullptr, none = nullptr;
  EXPECT_EQ(open(u"\\REGISTRY\\machine\\System\\controlset001\\services\\DUMP_XOR", nullptr, &key), STATUS_SUCCESS);
  EXPECT_EQ(open(u"parameters", key, &child), STATUS_SUCCESS);
  EXPECT_NE(key, child);
  EXPECT_EQ(kernel().open_handles(image), 2u);
  EXPECT_EQ(open(u"absent", key, &none), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"Services", nullptr, &none), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(u"\\Registry", key, &none), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(K(ZwClose)(child), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwClose)(child), STATUS_INVALID_HANDLE);
  EXPECT_EQ(open(u"Parameters", child, &none), STATUS_INVALID_HANDLE);
  EXPECT_EQ(K(ZwClose)(key), STATUS_SUCCESS);
  EXPECT_EQ(kernel().open_handles(image), 0u);
}

TEST_P(RegistryTest, ThreeKindsOfShortBuffer) {
  HANDLE key = parameters();
  Counted name(u"KEY");
  struct {
    KEY_VALUE_INFORMATION_CLASS kind;
    ULONG fixed;
    ULONG whole;
  } const rows[] = {{KeyValuePartialInformation, 12, 18},
                    {KeyValueBasicInformation, 12, 18},
                    {KeyValueFullInformation, 20, 38},
                    {KeyValuePartialInformationAlign64, 8, 14}};
  for (const auto& row : rows) {
    for (ULONG room = 0; room <= row.whole + 2; ++room) {
      SCOPED_TRACE(room);
      unsigned char buffer[64];
      std::memset(buffer, 0xEE, sizeof buffer);
      ULONG needed = 0;
      const NTSTATUS status = K(ZwQueryValueKey)(key, &name, row.kind, buffer, room, &needed);
      EXPECT_EQ(status, room < row.fixed   ? STATUS_BUFFER_TOO_SMALL
                        : room < row.whole ? STATUS_BUFFER_OVERFLOW
                                           : STATUS_SUCCESS);
      EXPECT_EQ(needed, row.whole);
      for (std::size_t i = room; i < sizeof buffer; ++i) ASSERT_EQ(buffer[i], 0xEE) << "written behind the buffer";
      if (room < row.fixed) {
        ASSERT_EQ(buffer[0], 0xEE);
      }
    }
  }
  KEY_VALUE_PARTIAL_INFORMATION* partial = nullptr;
  alignas(8) unsigned char buffer[64];
  ULONG needed = 0;
  EXPECT_EQ(K(ZwQueryValueKey)(key, &name, KeyValuePartialInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
  partial = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer);
  EXPECT_EQ(partial->Type, ULONG{REG_BINARY});
  EXPECT_EQ(partial->DataLength, 6u);
  EXPECT_EQ(partial->Data[5], 6);
  EXPECT_EQ(K(ZwQueryValueKey)(key, &name, KeyValueFullInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
  const auto* whole = reinterpret_cast<KEY_VALUE_FULL_INFORMATION*>(buffer);
  EXPECT_EQ(whole->NameLength, 6u);
  EXPECT_EQ(buffer[whole->DataOffset], 1);
  Counted absent(u"Absent");
  EXPECT_EQ(K(ZwQueryValueKey)(key, &absent, KeyValuePartialInformation, buffer, 64, &needed),
            STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(K(ZwQueryValueKey)(key, &name, MaxKeyValueInfoClass, buffer, 64, &needed), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(K(ZwQueryValueKey)(nullptr, &name, KeyValuePartialInformation, buffer, 64, &needed), STATUS_INVALID_HANDLE);
  const auto reads = noted(Kind::registry_read);
  ASSERT_FALSE(reads.empty());
  EXPECT_EQ(reads.back().text, "\\Registry\\Machine\\System\\ControlSet001\\Services\\dump_xor\\Parameters\\KEY");
}

TEST_P(RegistryTest, ChangesAreRecordedWithTheirData) {
  HANDLE key = parameters();
  Counted level(u"Level"), absent(u"Absent");
  ULONG seven = 7;
  EXPECT_EQ(K(ZwSetValueKey)(key, &level, 0, REG_DWORD, &seven, sizeof seven), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwDeleteValueKey)(key, &level), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwDeleteValueKey)(key, &absent), STATUS_OBJECT_NAME_NOT_FOUND);
  std::u16string list = u"a.sys";
  list += std::u16string(2, u'\0');
  EXPECT_EQ(K(RtlWriteRegistryValue)(RTL_REGISTRY_CONTROL, u"New\\Inner", u"DumpFilters", REG_MULTI_SZ, list.data(),
                                     static_cast<ULONG>(list.size() * 2)),
            STATUS_SUCCESS);
  const auto written = noted(Kind::registry_written);
  ASSERT_EQ(written.size(), 2u);
  const std::string set = "\\Registry\\Machine\\System\\ControlSet001\\";
  EXPECT_EQ(written[0].text, set + "Services\\dump_xor\\Parameters\\Level" + std::string(1, '\0') + "7");
  EXPECT_EQ(written[0].record.arg, 4u);
  EXPECT_EQ(written[0].record.image, image);
  EXPECT_EQ(written[1].text, set + "Control\\New\\Inner\\DumpFilters" + std::string(1, '\0') + "[\"a.sys\"]");
  EXPECT_THAT(texts(Kind::registry_created), ElementsAre(set + "Control\\New", set + "Control\\New\\Inner"));
  const auto deleted = noted(Kind::registry_deleted);
  ASSERT_EQ(deleted.size(), 2u);
  EXPECT_EQ(deleted[0].text, set + "Services\\dump_xor\\Parameters\\Level");
  EXPECT_EQ(deleted[1].record.status, STATUS_OBJECT_NAME_NOT_FOUND);
  // They are recorded when calls are not: the machine is another one.
  kernel().set_record_calls(false);
  EXPECT_EQ(K(ZwSetValueKey)(key, &level, 0, REG_DWORD, &seven, sizeof seven), STATUS_SUCCESS);
  EXPECT_EQ(noted(Kind::registry_written).size(), 3u);
}

TEST_P(RegistryTest, VolatileKeysDoNotOutliveARestart) {
  HANDLE root = parameters(), made = nullptr, inner = nullptr;
  const auto create = [&](const char16_t* name, HANDLE below, ULONG options, HANDLE* handle) {
    Counted counted(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &counted, OBJ_CASE_INSENSITIVE, below, nullptr);
    return K(ZwCreateKey)(handle, KEY_ALL_ACCESS, &attributes, 0, nullptr, options, nullptr);
  };
  EXPECT_EQ(create(u"Now", root, REG_OPTION_VOLATILE, &made), STATUS_SUCCESS);
  EXPECT_EQ(create(u"Kept", made, REG_OPTION_NON_VOLATILE, &inner), static_cast<NTSTATUS>(0xC0000181));
  EXPECT_EQ(create(u"Too", made, REG_OPTION_VOLATILE, &inner), STATUS_SUCCESS);
  EXPECT_EQ(create(u"Kept", root, REG_OPTION_NON_VOLATILE, &inner), STATUS_SUCCESS);
  Registry restarted = std::move(kernel().registry());
  restarted.restart();
  EXPECT_NE(restarted.find(std::u16string(full) + u"\\Kept"), nullptr);
  EXPECT_EQ(restarted.find(std::u16string(full) + u"\\Now"), nullptr);
  EXPECT_NE(restarted.find(full)->find_value(u"Level"), nullptr);
}

TEST_P(RegistryTest, KeysAndValuesCanBeListed) {
  HANDLE key = parameters();
  alignas(8) unsigned char buffer[256];
  ULONG needed = 0;
  EXPECT_EQ(K(ZwQueryKey)(key, KeyFullInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
  const auto* whole = reinterpret_cast<KEY_FULL_INFORMATION*>(buffer);
  EXPECT_EQ(whole->Values, 5u);
  EXPECT_EQ(whole->SubKeys, 0u);
  EXPECT_EQ(whole->MaxValueNameLen, 10u);
  EXPECT_EQ(whole->MaxValueDataLen, 18u);
  std::vector<std::u16string> names;
  for (ULONG i = 0;; ++i) {
    const NTSTATUS status = K(ZwEnumerateValueKey)(key, i, KeyValueBasicInformation, buffer, sizeof buffer, &needed);
    if (status == STATUS_NO_MORE_ENTRIES) break;
    ASSERT_EQ(status, STATUS_SUCCESS);
    const auto* basic = reinterpret_cast<KEY_VALUE_BASIC_INFORMATION*>(buffer);
    names.emplace_back(basic->Name, basic->NameLength / 2);
  }
  EXPECT_THAT(names, ElementsAre(u"Level", u"Wide", u"Name", u"Key", u"List"));
  HANDLE services = nullptr;
  open(u"\\Registry\\Machine\\System\\CurrentControlSet\\Services", nullptr, &services);
  EXPECT_EQ(K(ZwEnumerateKey)(services, 0, KeyBasicInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
  const auto* basic = reinterpret_cast<KEY_BASIC_INFORMATION*>(buffer);
  EXPECT_EQ(std::u16string(basic->Name, basic->NameLength / 2), u"dump_xor");
  EXPECT_EQ(K(ZwEnumerateKey)(services, 1, KeyBasicInformation, buffer, sizeof buffer, &needed),
            STATUS_NO_MORE_ENTRIES);
  EXPECT_EQ(K(ZwEnumerateKey)(services, 0, KeyNodeInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwQueryKey)(key, KeyNameInformation, buffer, 4, &needed), STATUS_BUFFER_OVERFLOW);
}

TEST_P(RegistryTest, WritingThroughHandles) {
  HANDLE key = parameters(), child = nullptr;
  Counted name(u"Seen");
  ULONG value = 5;
  EXPECT_EQ(K(ZwSetValueKey)(key, &name, 0, REG_DWORD, &value, sizeof value), STATUS_SUCCESS);
  EXPECT_NE(kernel().registry().find(full)->find_value(u"seen"), nullptr);
  EXPECT_EQ(K(ZwDeleteValueKey)(key, &name), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwDeleteValueKey)(key, &name), STATUS_OBJECT_NAME_NOT_FOUND);
  Counted inner(u"Sub");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &inner, 0, key, nullptr);
  ULONG disposition = 0;
  EXPECT_EQ(K(ZwCreateKey)(&child, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, &disposition), STATUS_SUCCESS);
  EXPECT_EQ(disposition, ULONG{REG_CREATED_NEW_KEY});
  EXPECT_EQ(K(ZwCreateKey)(&child, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, &disposition), STATUS_SUCCESS);
  EXPECT_EQ(disposition, ULONG{REG_OPENED_EXISTING_KEY});
  Counted deep(u"A\\B");
  InitializeObjectAttributes(&attributes, &deep, 0, key, nullptr);
  EXPECT_EQ(K(ZwCreateKey)(&child, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(K(ZwDeleteKey)(key), STATUS_CANNOT_DELETE) << "it has a subkey";
  EXPECT_EQ(K(ZwDeleteKey)(child), STATUS_SUCCESS);
  EXPECT_EQ(static_cast<ULONG>(K(ZwFlushKey)(child)), 0xC000017Cu) << "a deleted key";
  EXPECT_EQ(K(ZwFlushKey)(key), STATUS_SUCCESS);
}

// ---- the table form ----

RTL_QUERY_REGISTRY_TABLE direct(const char16_t* name, void* into, ULONG flags = 0, ULONG type = REG_NONE) {
  RTL_QUERY_REGISTRY_TABLE row{};
  row.Flags = RTL_QUERY_REGISTRY_DIRECT | flags;
  row.Name = const_cast<PWSTR>(name);
  row.EntryContext = into;
  row.DefaultType = type;
  return row;
}

TEST_P(RegistryTest, DirectEntriesFollowTypeAndSize) {
  ULONG level = 0;
  alignas(8) LONG raw[4] = {-16, 0, 0, 0};
  alignas(8) LONG headed[6] = {24, 0, 0, 0, 0, 0};
  alignas(8) LONG narrow[2] = {-7, 0};
  UNICODE_STRING made{};
  WCHAR room[8] = {};
  UNICODE_STRING given{0, sizeof room, room};
  UNICODE_STRING list{};
  RTL_QUERY_REGISTRY_TABLE table[] = {
      direct(u"level", &level, RTL_QUERY_REGISTRY_TYPECHECK, REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT),
      direct(u"Wide", raw),
      direct(u"Wide", headed),
      direct(u"Key", narrow),
      direct(u"Name", &made),
      direct(u"Name", &given),
      direct(u"List", &list, RTL_QUERY_REGISTRY_NOEXPAND),
      {}};
  ASSERT_EQ(K(RtlQueryRegistryValues)(RTL_REGISTRY_SERVICES, u"dump_xor\\Parameters", table, nullptr, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(level, 0x11223344u);
  std::uint64_t wide = 0;
  std::memcpy(&wide, raw, 8);
  EXPECT_EQ(wide, 0x1122334455667788u) << "a negative size: data alone";
  EXPECT_EQ(headed[0], 8);
  EXPECT_EQ(headed[1], REG_QWORD);
  std::memcpy(&wide, headed + 2, 8);
  EXPECT_EQ(wide, 0x1122334455667788u) << "a positive one: length, type, data";
  EXPECT_EQ(std::memcmp(narrow, "\1\2\3\4\5\6", 6), 0);
  EXPECT_EQ(view(made), u"v\u00e4lue");
  EXPECT_EQ(made.MaximumLength, made.Length + 2);
  EXPECT_EQ(view(given), u"v\u00e4lue");
  EXPECT_EQ(list.Length, 18);
  K(RtlFreeUnicodeString)(&made);
  K(RtlFreeUnicodeString)(&list);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
}

TEST_P(RegistryTest, DirectEntriesThatCannotBeServed) {
  const auto query = [&](RTL_QUERY_REGISTRY_TABLE row) {
    RTL_QUERY_REGISTRY_TABLE table[] = {row, {}};
    return K(RtlQueryRegistryValues)(RTL_REGISTRY_ABSOLUTE, full, table, nullptr, nullptr);
  };
  ULONG value = 7;
  LONG small[2] = {-6, 0};
  WCHAR room[2] = {};
  UNICODE_STRING tight{0, sizeof room, room};
  UNICODE_STRING list{};
  EXPECT_EQ(query(direct(u"Absent", &value)), STATUS_SUCCESS);
  EXPECT_EQ(value, 7u) << "no default: left alone";
  EXPECT_EQ(query(direct(u"Absent", &value, RTL_QUERY_REGISTRY_REQUIRED)), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(query(direct(u"Level", &value, RTL_QUERY_REGISTRY_TYPECHECK, REG_SZ << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT)),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(query(direct(u"Wide", small)), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(query(direct(u"Name", &tight)), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(query(direct(u"List", &list)), STATUS_INVALID_PARAMETER) << "a list must be asked for as it is";
  EXPECT_EQ(query(direct(nullptr, &value)), STATUS_INVALID_PARAMETER);
  ULONG fallback = 42;
  RTL_QUERY_REGISTRY_TABLE defaulted = direct(u"Absent", &value, 0, REG_DWORD);
  defaulted.DefaultData = &fallback;
  defaulted.DefaultLength = sizeof fallback;
  EXPECT_EQ(query(defaulted), STATUS_SUCCESS);
  EXPECT_EQ(value, 42u);
  UNICODE_STRING text{};
  RTL_QUERY_REGISTRY_TABLE named = direct(u"Absent", &text, 0, REG_SZ);
  named.DefaultData = const_cast<char16_t*>(u"fallback");
  EXPECT_EQ(query(named), STATUS_SUCCESS);
  EXPECT_EQ(view(text), u"fallback") << "its length is found out";
}

TEST_P(RegistryTest, PathsAndOptionalKeys) {
  ULONG value = 0;
  RTL_QUERY_REGISTRY_TABLE required[] = {direct(u"Level", &value, RTL_QUERY_REGISTRY_REQUIRED), {}};
  RTL_QUERY_REGISTRY_TABLE optional[] = {direct(u"Level", &value), {}};
  const auto query = [&](ULONG base, const char16_t* name, PRTL_QUERY_REGISTRY_TABLE table) {
    return K(RtlQueryRegistryValues)(base, name, table, nullptr, nullptr);
  };
  EXPECT_EQ(query(RTL_REGISTRY_SERVICES, u"none", optional), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(query(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, u"none", optional), STATUS_SUCCESS);
  EXPECT_EQ(query(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, u"none", required), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(query(99, u"none", optional), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(query(RTL_REGISTRY_HANDLE, reinterpret_cast<PCWSTR>(parameters()), required), STATUS_SUCCESS);
  EXPECT_EQ(value, 0x11223344u);
  RTL_QUERY_REGISTRY_TABLE nested[] = {{}, direct(u"Level", &value, RTL_QUERY_REGISTRY_REQUIRED), {}};
  nested[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
  nested[0].Name = const_cast<PWSTR>(u"Parameters");
  value = 0;
  EXPECT_EQ(query(RTL_REGISTRY_SERVICES, u"dump_xor", nested), STATUS_SUCCESS);
  EXPECT_EQ(value, 0x11223344u);
  EXPECT_EQ(K(RtlCheckRegistryKey)(RTL_REGISTRY_SERVICES, const_cast<PWSTR>(u"dump_xor")), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlCheckRegistryKey)(RTL_REGISTRY_CONTROL, const_cast<PWSTR>(u"CrashControl")),
            STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(K(RtlCreateRegistryKey)(RTL_REGISTRY_CONTROL, const_cast<PWSTR>(u"CrashControl")), STATUS_SUCCESS);
  ULONG two = 2;
  EXPECT_EQ(K(RtlWriteRegistryValue)(RTL_REGISTRY_CONTROL, u"CrashControl", u"Enabled", REG_DWORD, &two, sizeof two),
            STATUS_SUCCESS);
  EXPECT_EQ(K(RtlCheckRegistryKey)(RTL_REGISTRY_CONTROL, const_cast<PWSTR>(u"CrashControl")), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlDeleteRegistryValue)(RTL_REGISTRY_CONTROL, u"CrashControl", u"Enabled"), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlDeleteRegistryValue)(RTL_REGISTRY_CONTROL, u"CrashControl", u"Enabled"), STATUS_OBJECT_NAME_NOT_FOUND);
}

struct Got {
  std::vector<std::string> values;
  NTSTATUS answer = STATUS_SUCCESS;
};
NTSTATUS take(PWSTR name, ULONG type, ULONG length, PVOID context) {
  auto& got = *static_cast<Got*>(context);
  got.values.push_back((name == nullptr ? "-" : to_utf8(name)) + ":" + std::to_string(type) + ":" +
                       std::to_string(length));
  return got.answer;
}
NTSTATUS routine_system_v(PWSTR name, ULONG type, PVOID, ULONG length, PVOID context, PVOID) {
  return take(name, type, length, context);
}
__attribute__((ms_abi)) NTSTATUS routine_microsoft(PWSTR name, ULONG type, PVOID, ULONG length, PVOID context, PVOID) {
  return take(name, type, length, context);
}

TEST_P(RegistryTest, RoutinesAreCalledInTheirImagesConvention) {
  const void* code = GetParam() == Convention::system_v ? reinterpret_cast<const void*>(&routine_system_v)
                                                        : reinterpret_cast<const void*>(&routine_microsoft);
  kernel().register_image(image, "dump_xor", code, 64, GetParam());
  auto* routine = reinterpret_cast<PRTL_QUERY_REGISTRY_ROUTINE>(const_cast<void*>(code));
  const auto query = [&](const char16_t* name, ULONG flags, Got& got) {
    RTL_QUERY_REGISTRY_TABLE table[2] = {};
    table[0].QueryRoutine = routine;
    table[0].Flags = flags;
    table[0].Name = const_cast<PWSTR>(name);
    return K(RtlQueryRegistryValues)(RTL_REGISTRY_ABSOLUTE, full, table, &got, nullptr);
  };
  Got all, list, raw, none, stop, ignored;
  EXPECT_EQ(query(nullptr, 0, all), STATUS_SUCCESS);
  EXPECT_THAT(all.values, ElementsAre("Level:4:4", "Wide:11:8", "Name:1:12", "Key:3:6", "List:1:8", "List:1:8"));
  EXPECT_EQ(query(u"List", 0, list), STATUS_SUCCESS);
  EXPECT_THAT(list.values, ElementsAre("List:1:8", "List:1:8")) << "one call a string";
  EXPECT_EQ(query(u"List", RTL_QUERY_REGISTRY_NOEXPAND, raw), STATUS_SUCCESS);
  EXPECT_THAT(raw.values, ElementsAre("List:7:18"));
  EXPECT_EQ(query(nullptr, RTL_QUERY_REGISTRY_NOVALUE, none), STATUS_SUCCESS);
  EXPECT_THAT(none.values, ElementsAre("-:0:0"));
  stop.answer = STATUS_UNSUCCESSFUL;
  EXPECT_EQ(query(nullptr, 0, stop), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(stop.values.size(), 1u);
  ignored.answer = STATUS_BUFFER_TOO_SMALL;
  EXPECT_EQ(query(nullptr, 0, ignored), STATUS_SUCCESS);
  Got deleted;
  EXPECT_EQ(query(u"Level", RTL_QUERY_REGISTRY_DELETE, deleted), STATUS_SUCCESS);
  EXPECT_EQ(kernel().registry().find(full)->find_value(u"Level"), nullptr);
}

}  // namespace
}  // namespace dumpsim::kernel::test
