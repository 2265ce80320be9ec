// SPDX-License-Identifier: Apache-2.0
// Files of the machine: where paths lead, what each disposition does, sharing, positions, deletion, folders. Nothing of
// the host is touched by any of it.
#include <cstring>

#include "kernel/open_file.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using trace::Kind;

constexpr ACCESS_MASK read_write = GENERIC_READ | GENERIC_WRITE;
constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr ULONG plain = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE;

class FileTest : public KernelTest {
 public:
  NTSTATUS create(const char16_t* path, ULONG disposition, HANDLE* handle, ACCESS_MASK access = read_write,
                  ULONG options = plain, ULONG share = 0, HANDLE root = nullptr) {
    Counted counted(path);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &counted, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, nullptr);
    return K(ZwCreateFile)(handle, access, &attributes, &io, nullptr, FILE_ATTRIBUTE_NORMAL, share, disposition,
                           options, nullptr, 0);
  }
  NTSTATUS open(const char16_t* path) {
    HANDLE handle = nullptr;
    const NTSTATUS status = create(path, FILE_OPEN, &handle, FILE_READ_ATTRIBUTES, 0, share_all);
    if (NT_SUCCESS(status)) close(handle);
    return status;
  }
  void close(HANDLE handle) { EXPECT_EQ(K(ZwClose)(handle), STATUS_SUCCESS); }
  HANDLE made(const char16_t* path, std::string_view content = {}) {
    HANDLE handle = nullptr;
    EXPECT_EQ(create(path, FILE_CREATE, &handle), STATUS_SUCCESS);
    if (!content.empty()) {
      EXPECT_EQ(write(handle, content), STATUS_SUCCESS);
    }
    return handle;
  }
  NTSTATUS write(HANDLE handle, std::string_view text, LONGLONG at = -2) {
    LARGE_INTEGER offset;
    offset.QuadPart = at;
    return K(ZwWriteFile)(handle, nullptr, nullptr, nullptr, &io, const_cast<char*>(text.data()),
                          static_cast<ULONG>(text.size()), at == -2 ? nullptr : &offset, nullptr);
  }
  NTSTATUS read(HANDLE handle, std::string& into, ULONG length, LONGLONG at = -2) {
    char buffer[64] = {};
    LARGE_INTEGER offset;
    offset.QuadPart = at;
    const NTSTATUS status =
        K(ZwReadFile)(handle, nullptr, nullptr, nullptr, &io, buffer, length, at == -2 ? nullptr : &offset, nullptr);
    into.assign(buffer, NT_SUCCESS(status) ? io.Information : 0);
    return status;
  }
  IO_STATUS_BLOCK io{};
};
DUMPSIM_BOTH_CONVENTIONS(FileTest);

TEST_P(FileTest, EveryNameOfTheVolumeLeadsToIt) {
  close(made(u"\\??\\C:\\Windows\\Temp\\a.txt"));
  for (const char16_t* path : {u"\\??\\c:\\windows\\TEMP\\A.TXT", u"\\DosDevices\\C:\\Windows\\Temp\\a.txt",
                               u"\\GLOBAL??\\C:\\Windows\\Temp\\a.txt", u"\\SystemRoot\\Temp\\a.txt",
                               u"\\Device\\HarddiskVolume1\\Windows\\Temp\\a.txt",
                               u"\\Device\\Harddisk0\\Partition1\\Windows\\Temp\\a.txt", u"\\??\\C:\\"}) {
    EXPECT_EQ(open(path), STATUS_SUCCESS) << to_utf8(path);
  }
  struct {
    const char16_t* path;
    NTSTATUS status;
  } const wrong[] = {{u"C:\\a", STATUS_OBJECT_PATH_SYNTAX_BAD},
                     {u"\\??\\D:\\a\\b", STATUS_OBJECT_PATH_NOT_FOUND},
                     {u"\\??\\D:", STATUS_OBJECT_NAME_NOT_FOUND},
                     {u"\\Device\\HarddiskVolume2\\a", STATUS_OBJECT_PATH_NOT_FOUND},
                     {u"\\Device\\HarddiskVolume1", STATUS_OBJECT_NAME_NOT_FOUND},
                     {u"\\??\\C:\\nowhere\\a", STATUS_OBJECT_PATH_NOT_FOUND},
                     {u"\\??\\C:\\Windows\\Temp\\a.txt\\b", STATUS_OBJECT_PATH_NOT_FOUND},
                     {u"\\??\\C:\\nothing", STATUS_OBJECT_NAME_NOT_FOUND},
                     {u"\\??\\C:\\Windows\\..\\..\\etc\\passwd", STATUS_OBJECT_NAME_INVALID},
                     {u"\\??\\C:\\Windows\\\\Temp", STATUS_OBJECT_NAME_INVALID},
                     {u"\\??\\C:\\a:stream", STATUS_OBJECT_NAME_INVALID},
                     {u"\\??\\C:\\a/b", STATUS_OBJECT_NAME_INVALID},
                     {u"\\??\\C:\\a*", STATUS_OBJECT_NAME_INVALID}};
  for (const auto& row : wrong) EXPECT_EQ(open(row.path), row.status) << to_utf8(row.path);
}

TEST_P(FileTest, DispositionsDoWhatTheyAreNamedFor) {
  struct {
    ULONG disposition;
    NTSTATUS without;
    ULONG_PTR without_says;
    NTSTATUS with;
    ULONG_PTR with_says;
    std::size_t bytes_left;
  } const rows[] = {
      {FILE_SUPERSEDE, STATUS_SUCCESS, FILE_CREATED, STATUS_SUCCESS, FILE_SUPERSEDED, 0},
      {FILE_OPEN, STATUS_OBJECT_NAME_NOT_FOUND, FILE_DOES_NOT_EXIST, STATUS_SUCCESS, FILE_OPENED, 5},
      {FILE_CREATE, STATUS_SUCCESS, FILE_CREATED, STATUS_OBJECT_NAME_COLLISION, FILE_EXISTS, 5},
      {FILE_OPEN_IF, STATUS_SUCCESS, FILE_CREATED, STATUS_SUCCESS, FILE_OPENED, 5},
      {FILE_OVERWRITE, STATUS_OBJECT_NAME_NOT_FOUND, FILE_DOES_NOT_EXIST, STATUS_SUCCESS, FILE_OVERWRITTEN, 0},
      {FILE_OVERWRITE_IF, STATUS_SUCCESS, FILE_CREATED, STATUS_SUCCESS, FILE_OVERWRITTEN, 0},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.disposition);
    HANDLE handle = nullptr;
    EXPECT_EQ(create(u"\\??\\C:\\new", row.disposition, &handle), row.without);
    EXPECT_EQ(io.Information, row.without_says);
    if (NT_SUCCESS(row.without)) close(handle);
    kernel().files().put(u"\\old", std::as_bytes(std::span("hello", 5)), 0);
    EXPECT_EQ(create(u"\\??\\C:\\old", row.disposition, &handle), row.with);
    EXPECT_EQ(io.Information, row.with_says);
    if (NT_SUCCESS(row.with)) close(handle);
    EXPECT_EQ(kernel().files().find(u"\\old")->bytes.size(), row.bytes_left);
    if (FileTree::Node* node = kernel().files().find(u"\\new")) kernel().files().remove(*node);
  }
  HANDLE handle = nullptr;
  EXPECT_EQ(create(u"\\??\\C:\\x", 6, &handle), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(create(u"\\??\\C:\\x", FILE_CREATE, &handle, FILE_WRITE_DATA, plain), STATUS_INVALID_PARAMETER)
      << "synchronous without SYNCHRONIZE";
  EXPECT_EQ(create(u"\\??\\C:\\x", FILE_CREATE, &handle, read_write, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(create(u"\\??\\C:\\x", FILE_CREATE, &handle, read_write, FILE_DELETE_ON_CLOSE), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(create(u"\\??\\C:\\Windows", FILE_OPEN, &handle), STATUS_FILE_IS_A_DIRECTORY);
  EXPECT_EQ(create(u"\\??\\C:\\old", FILE_OPEN, &handle, GENERIC_READ, FILE_DIRECTORY_FILE), STATUS_NOT_A_DIRECTORY);
  EXPECT_EQ(kernel().open_handles(image), 0u);
}

TEST_P(FileTest, ReadsAndWritesKeepThePositionOfASynchronousHandle) {
  HANDLE file = made(u"\\??\\C:\\log", "one");
  EXPECT_EQ(write(file, "two"), STATUS_SUCCESS);
  EXPECT_EQ(io.Information, 3u);
  EXPECT_EQ(write(file, "X", 1), STATUS_SUCCESS);
  EXPECT_EQ(write(file, "end", -1), STATUS_SUCCESS);
  std::string text;
  EXPECT_EQ(read(file, text, 64, 0), STATUS_SUCCESS);
  EXPECT_EQ(text, "oXetwoend");
  EXPECT_EQ(read(file, text, 64), STATUS_END_OF_FILE);
  EXPECT_EQ(read(file, text, 0), STATUS_SUCCESS);
  EXPECT_EQ(read(file, text, 2, 7), STATUS_SUCCESS);
  EXPECT_EQ(text, "nd");
  EXPECT_EQ(read(file, text, 2, -5), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(write(file, "gap", 12), STATUS_SUCCESS);
  EXPECT_EQ(kernel().files().find(u"\\log")->bytes.size(), 15u);
  EXPECT_EQ(kernel().files().find(u"\\log")->bytes[10], std::byte{0});
  EXPECT_EQ(write(file, "x", LONGLONG{1} << 40), STATUS_DISK_FULL);
  close(file);
  EXPECT_EQ(read(file, text, 1, 0), STATUS_INVALID_HANDLE);
  HANDLE asynchronous = nullptr;
  EXPECT_EQ(create(u"\\??\\C:\\log", FILE_OPEN, &asynchronous, GENERIC_READ, 0), STATUS_SUCCESS);
  EXPECT_EQ(read(asynchronous, text, 1), STATUS_INVALID_PARAMETER) << "it has no position";
  EXPECT_EQ(read(asynchronous, text, 1, 0), STATUS_SUCCESS);
  EXPECT_EQ(write(asynchronous, "x", 0), STATUS_ACCESS_DENIED);
  close(asynchronous);
  const auto written = noted(Kind::file_written);
  ASSERT_EQ(written.size(), 6u);
  EXPECT_EQ(written[1].text, "C:\\log");
  EXPECT_EQ(written[1].record.offset, 3u);
  EXPECT_EQ(written[5].record.status, STATUS_DISK_FULL);
}

TEST_P(FileTest, AppendingAndUnbufferedHandlesHaveTheirRules) {
  close(made(u"\\??\\C:\\log", "old"));
  HANDLE file = nullptr;
  EXPECT_EQ(create(u"\\??\\C:\\log", FILE_OPEN, &file, FILE_APPEND_DATA | SYNCHRONIZE), STATUS_SUCCESS);
  EXPECT_EQ(write(file, "new", 0), STATUS_SUCCESS);
  close(file);
  EXPECT_EQ(kernel().files().find(u"\\log")->bytes.size(), 6u);
  EXPECT_EQ(create(u"\\??\\C:\\log", FILE_OPEN, &file, read_write, plain | FILE_NO_INTERMEDIATE_BUFFERING),
            STATUS_SUCCESS);
  EXPECT_EQ(write(file, "x", 0), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(write(file, std::string(512, 'x'), 512), STATUS_SUCCESS);
  close(file);
}

TEST_P(FileTest, SharingIsKept) {
  HANDLE first = nullptr, second = nullptr;
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_CREATE, &first, GENERIC_READ, plain, FILE_SHARE_READ), STATUS_SUCCESS);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &second, GENERIC_WRITE, plain, share_all), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &second, GENERIC_READ, plain, 0), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(open(u"\\??\\C:\\f"), STATUS_SUCCESS) << "attributes alone take no part in sharing";
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &second, GENERIC_READ, plain, FILE_SHARE_READ), STATUS_SUCCESS);
  close(first);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &first, GENERIC_WRITE, plain, share_all), STATUS_SHARING_VIOLATION);
  close(second);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &first, GENERIC_WRITE, plain, share_all), STATUS_SUCCESS);
  close(first);
}

TEST_P(FileTest, DeletionWaitsForTheLastHandle) {
  HANDLE first = nullptr, second = nullptr;
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_CREATE, &first, DELETE | SYNCHRONIZE, plain, share_all), STATUS_SUCCESS);
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_OPEN, &second, FILE_READ_ATTRIBUTES, 0, share_all), STATUS_SUCCESS);
  FILE_DISPOSITION_INFORMATION disposition{TRUE};
  EXPECT_EQ(K(ZwSetInformationFile)(second, &io, &disposition, sizeof disposition, FileDispositionInformation),
            STATUS_ACCESS_DENIED);
  EXPECT_EQ(K(ZwSetInformationFile)(first, &io, &disposition, sizeof disposition, FileDispositionInformation),
            STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\??\\C:\\f"), STATUS_DELETE_PENDING);
  FILE_STANDARD_INFORMATION standard{};
  EXPECT_EQ(K(ZwQueryInformationFile)(second, &io, &standard, sizeof standard, FileStandardInformation),
            STATUS_SUCCESS);
  EXPECT_EQ(standard.DeletePending, TRUE);
  close(first);
  EXPECT_NE(kernel().files().find(u"\\f"), nullptr);
  close(second);
  EXPECT_EQ(kernel().files().find(u"\\f"), nullptr);
  HANDLE third = nullptr;
  ASSERT_EQ(create(u"\\??\\C:\\g", FILE_CREATE, &third, DELETE | SYNCHRONIZE, plain | FILE_DELETE_ON_CLOSE),
            STATUS_SUCCESS);
  close(third);
  EXPECT_EQ(kernel().files().find(u"\\g"), nullptr);
  close(made(u"\\??\\C:\\h"));
  Counted name(u"\\??\\C:\\h"), folder(u"\\??\\C:\\Windows");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  EXPECT_EQ(K(ZwDeleteFile)(&attributes), STATUS_SUCCESS);
  EXPECT_EQ(K(ZwDeleteFile)(&attributes), STATUS_OBJECT_NAME_NOT_FOUND);
  InitializeObjectAttributes(&attributes, &folder, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  EXPECT_EQ(K(ZwDeleteFile)(&attributes), STATUS_DIRECTORY_NOT_EMPTY);
}

TEST_P(FileTest, InformationHasItsLengths) {
  machine().clock.now = 1000;
  HANDLE file = made(u"\\??\\C:\\f.bin", "hello");
  FILE_BASIC_INFORMATION basic{};
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, &basic, sizeof basic - 1, FileBasicInformation),
            STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, &basic, sizeof basic, FileBasicInformation), STATUS_SUCCESS);
  EXPECT_EQ(static_cast<std::uint64_t>(basic.CreationTime.QuadPart), machine::boot_filetime + 1000);
  EXPECT_EQ(basic.FileAttributes, ULONG{FILE_ATTRIBUTE_ARCHIVE});
  FILE_STANDARD_INFORMATION standard{};
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, &standard, sizeof standard, FileStandardInformation), STATUS_SUCCESS);
  EXPECT_EQ(standard.EndOfFile.QuadPart, 5);
  EXPECT_EQ(standard.AllocationSize.QuadPart, 4096);
  alignas(8) unsigned char name[64] = {};
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, name, 8, FileNameInformation), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, name, sizeof name, FileNameInformation), STATUS_SUCCESS);
  const auto* told = reinterpret_cast<FILE_NAME_INFORMATION*>(name);
  EXPECT_EQ(std::u16string(told->FileName, told->FileNameLength / 2), u"\\f.bin");
  EXPECT_EQ(K(ZwQueryInformationFile)(file, &io, name, sizeof name, FileLinkInformation), STATUS_INVALID_INFO_CLASS);
  FILE_END_OF_FILE_INFORMATION end{};
  end.EndOfFile.QuadPart = 2;
  EXPECT_EQ(K(ZwSetInformationFile)(file, &io, &end, sizeof end, FileEndOfFileInformation), STATUS_SUCCESS);
  EXPECT_EQ(kernel().files().find(u"\\f.bin")->bytes.size(), 2u);
  FILE_POSITION_INFORMATION position{};
  position.CurrentByteOffset.QuadPart = 1;
  EXPECT_EQ(K(ZwSetInformationFile)(file, &io, &position, sizeof position, FilePositionInformation), STATUS_SUCCESS);
  std::string text;
  EXPECT_EQ(read(file, text, 8), STATUS_SUCCESS);
  EXPECT_EQ(text, "e");
  EXPECT_EQ(K(ZwFlushBuffersFile)(file, &io), STATUS_SUCCESS);
  close(file);
  Counted path(u"\\??\\C:\\f.bin");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  FILE_NETWORK_OPEN_INFORMATION network{};
  EXPECT_EQ(K(ZwQueryFullAttributesFile)(&attributes, &network), STATUS_SUCCESS);
  EXPECT_EQ(network.EndOfFile.QuadPart, 2);
}

TEST_P(FileTest, RenamingMovesAFile) {
  HANDLE file = nullptr;
  ASSERT_EQ(create(u"\\??\\C:\\a", FILE_CREATE, &file, read_write | DELETE), STATUS_SUCCESS);
  close(made(u"\\??\\C:\\Windows\\Temp\\b"));
  const auto rename = [&](std::u16string target, BOOLEAN replace) {
    alignas(8) unsigned char buffer[128] = {};
    auto* asked = reinterpret_cast<FILE_RENAME_INFORMATION*>(buffer);
    asked->ReplaceIfExists = replace;
    asked->FileNameLength = static_cast<ULONG>(target.size() * 2);
    std::memcpy(asked->FileName, target.data(), asked->FileNameLength);
    return K(ZwSetInformationFile)(file, &io, buffer, sizeof buffer, FileRenameInformation);
  };
  EXPECT_EQ(rename(u"\\??\\C:\\Windows\\Temp\\b", FALSE), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(rename(u"\\??\\D:\\b", TRUE), STATUS_NOT_SAME_DEVICE);
  EXPECT_EQ(rename(u"\\??\\C:\\none\\b", TRUE), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(rename(u"\\??\\C:\\Windows\\Temp\\b", TRUE), STATUS_SUCCESS);
  EXPECT_EQ(rename(u"c", FALSE), STATUS_SUCCESS);
  close(file);
  EXPECT_EQ(kernel().files().find(u"\\a"), nullptr);
  EXPECT_NE(kernel().files().find(u"\\Windows\\Temp\\c"), nullptr);
  EXPECT_EQ(kernel().files().find(u"\\Windows\\Temp\\b"), nullptr);
}

TEST_P(FileTest, FoldersAreListed) {
  for (const char16_t* path :
       {u"\\??\\C:\\Windows\\Temp\\b.txt", u"\\??\\C:\\Windows\\Temp\\A.txt", u"\\??\\C:\\Windows\\Temp\\c.log"}) {
    close(made(path, "x"));
  }
  const auto list = [&](const char16_t* pattern, ULONG length, BOOLEAN single) {
    HANDLE folder = nullptr;
    EXPECT_EQ(create(u"\\SystemRoot\\Temp", FILE_OPEN, &folder, FILE_LIST_DIRECTORY | SYNCHRONIZE,
                     FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, share_all),
              STATUS_SUCCESS);
    std::vector<std::string> names;
    alignas(8) unsigned char buffer[512];
    Counted name(pattern);
    for (;;) {
      const NTSTATUS status = K(ZwQueryDirectoryFile)(folder, nullptr, nullptr, nullptr, &io, buffer, length,
                                                      FileNamesInformation, single, &name, FALSE);
      if (!NT_SUCCESS(status)) {
        if (names.empty()) names.push_back(status == STATUS_NO_SUCH_FILE ? "no such file" : "?");
        break;
      }
      for (std::size_t at = 0;;) {
        const auto* entry = reinterpret_cast<FILE_NAMES_INFORMATION*>(buffer + at);
        names.push_back(to_utf8(std::u16string(entry->FileName, entry->FileNameLength / 2)));
        if (entry->NextEntryOffset == 0) break;
        at += entry->NextEntryOffset;
      }
    }
    close(folder);
    return names;
  };
  EXPECT_THAT(list(u"*", 512, FALSE), ElementsAre(".", "..", "A.txt", "b.txt", "c.log"));
  EXPECT_THAT(list(u"*", 512, TRUE), ElementsAre(".", "..", "A.txt", "b.txt", "c.log"));
  EXPECT_THAT(list(u"*.TXT", 40, FALSE), ElementsAre("A.txt", "b.txt"));
  EXPECT_THAT(list(u"?.log", 512, FALSE), ElementsAre("c.log"));
  EXPECT_THAT(list(u"none*", 512, FALSE), ElementsAre("no such file"));
}

TEST_P(FileTest, PathsMayStartAtAFolder) {
  HANDLE folder = nullptr, file = nullptr;
  ASSERT_EQ(create(u"\\SystemRoot\\Temp", FILE_OPEN, &folder, FILE_LIST_DIRECTORY | SYNCHRONIZE,
                   FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, share_all),
            STATUS_SUCCESS);
  EXPECT_EQ(create(u"inner.txt", FILE_CREATE, &file, read_write, plain, 0, folder), STATUS_SUCCESS);
  close(file);
  EXPECT_EQ(create(u"\\inner.txt", FILE_OPEN, &file, read_write, plain, 0, folder), STATUS_OBJECT_NAME_INVALID);
  EXPECT_NE(kernel().files().find(u"\\Windows\\Temp\\inner.txt"), nullptr);
  close(folder);
}

TEST_P(FileTest, HighIrqlIsAMatterOfPolicy) {
  HANDLE file = made(u"\\??\\C:\\f", "x");
  std::string text;
  set_irql(HIGH_LEVEL);
  EXPECT_EQ(read(file, text, 1, 0), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(open(u"\\??\\C:\\f"), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(violations(trace::Rule::irql_too_high), 2u);
  set_irql(PASSIVE_LEVEL);
  close(file);
  restart({.raised_files = RaisedFiles::work});
  set_irql(HIGH_LEVEL);
  HANDLE again = nullptr;
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_CREATE, &again), STATUS_SUCCESS);
  restart({.raised_files = RaisedFiles::bugcheck});
  set_irql(HIGH_LEVEL);
  // Nothing that has to be destroyed stands in the frames that are left.
  Counted path(u"\\??\\C:\\f");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  bugcheck_of(IRQL_NOT_LESS_OR_EQUAL, [&] { K(ZwOpenFile)(&again, GENERIC_READ, &attributes, &io, 0, 0); });
}

TEST_P(FileTest, ARestartForgetsHandlesAndWhatWaitedForThem) {
  HANDLE file = nullptr;
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_CREATE, &file, DELETE | SYNCHRONIZE, plain, 0), STATUS_SUCCESS);
  kernel().files().find(u"\\f")->delete_pending = true;
  made(u"\\??\\C:\\g", "kept");
  FileTree files = std::move(kernel().files());
  files.restart();
  EXPECT_EQ(files.find(u"\\f"), nullptr);
  ASSERT_NE(files.find(u"\\g"), nullptr);
  EXPECT_EQ(files.find(u"\\g")->opens, 0u);
}

}  // namespace
}  // namespace dumpsim::kernel::test
