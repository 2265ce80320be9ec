// SPDX-License-Identifier: Apache-2.0
// Files: errors that name them, and files that are there whole or not at all, also when the writer is killed halfway.
#include "base/file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <system_error>

namespace dumpsim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "dumpsim-base-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "MEMORY.DMP";
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) all.insert(entry.path().filename());
    return all;
  }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(FileTest, ErrorsNameThePathAndTheReason) {
  EXPECT_EQ(File::open(path_, File::Mode::read).error().message,
            "cannot open " + path_.string() + ": No such file or directory");
  EXPECT_EQ(File::open(folder_, File::Mode::read).error().message,
            "cannot open " + folder_.string() + ": Is a directory");
  EXPECT_EQ(File::create(folder_ / "none" / "x", false).error().message,
            "cannot create " + (folder_ / "none" / "x").string() + ": No such file or directory");
  EXPECT_EQ(read_text(path_, 10).error().message, "cannot open " + path_.string() + ": No such file or directory");
}

TEST_F(FileTest, ReadsAndWritesWhereItIsTold) {
  auto file = File::create(path_, false);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->write_at(4, bytes_of("there")));
  EXPECT_EQ(*file->size(), 9U);
  std::string got(5, ' ');
  ASSERT_TRUE(file->read_at(4, std::as_writable_bytes(std::span(got))));
  EXPECT_EQ(got, "there");
  const auto past = file->read_at(6, std::as_writable_bytes(std::span(got)));
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().message, path_.string() + ": expected 5 bytes at offset 0x6, the file ends after 3");
  ASSERT_TRUE(file->resize(2));
  EXPECT_EQ(*file->size(), 2U);
}

TEST_F(FileTest, RefusesWritesToWhatIsOpenForReading) {
  ASSERT_TRUE(write_text(path_, "kept", false));
  auto file = File::open(path_, File::Mode::read);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->write_at(0, bytes_of("x")).error().message,
            "cannot write " + path_.string() + ": Bad file descriptor");
  EXPECT_EQ(content(), "kept");
}

TEST_F(FileTest, CreateRefusesWhatIsThereUnlessTold) {
  ASSERT_TRUE(write_text(path_, "precious", false));
  EXPECT_EQ(File::create(path_, false).error().message, "cannot create " + path_.string() + ": File exists");
  EXPECT_EQ(content(), "precious");
  ASSERT_TRUE(File::create(path_, true));
  EXPECT_EQ(content(), "");
}

TEST_F(FileTest, AFileInMemoryHasNoName) {
  auto file = File::in_memory("scratch");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->write_at(0, bytes_of("abc")));
  EXPECT_EQ(*file->size(), 3U);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FileTest, ClosesItsDescriptorOnceHoweverItIsMoved) {
  int fd = -1;
  {
    auto made = File::create(path_, false);
    ASSERT_TRUE(made);
    fd = made->fd();
    File moved = std::move(*made);
    File assigned;
    assigned = std::move(moved);
    EXPECT_EQ(assigned.fd(), fd);
    struct stat status {};
    EXPECT_EQ(fstat(fd, &status), 0);
  }
  struct stat status {};
  EXPECT_NE(fstat(fd, &status), 0);
}

TEST_F(FileTest, ANewFileAppearsOnlyOnCommit) {
  auto made = NewFile::create(path_, false);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(made->file().write_at(0, bytes_of("whole")));
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE(made->commit());
  EXPECT_EQ(content(), "whole");
  EXPECT_THAT(names(), ElementsAre("MEMORY.DMP"));
}

TEST_F(FileTest, ANewFileNeverReplacesWhatIsNoFile) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  for (const std::filesystem::path& path : {path_, folder_, std::filesystem::path("/dev/null")}) {
    EXPECT_EQ(NewFile::create(path, true).error().message,
              path.string() + " is no regular file, and is not replaced; nothing was written");
  }
}

TEST_F(FileTest, ANewFileThatIsAbandonedLeavesNothing) {
  {
    auto made = NewFile::create(path_, false);
    ASSERT_TRUE(made);
    ASSERT_TRUE(made->file().write_at(0, bytes_of("half")));
    EXPECT_EQ(*made->file().size(), 4U);  // the control: there is something to take away
    NewFile moved = std::move(*made);
    NewFile assigned;
    assigned = std::move(moved);
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FileTest, ANewFileKeepsTheOldOneWhenTheWriterIsKilled) {
  ASSERT_TRUE(write_text(path_, "old", false));
  const pid_t child = fork();
  if (child == 0) {
    auto made = NewFile::create(path_, true);
    if (made && made->file().write_at(0, bytes_of("half"))) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(content(), "old");
  // Nothing stays behind where a file can do without a name; the folder itself says whether it can.
  const int nameless = ::open(folder_.c_str(), O_TMPFILE | O_RDWR, 0600);
  EXPECT_EQ(names().size(), nameless >= 0 ? 1U : 2U);
  if (nameless >= 0) ::close(nameless);
}

TEST_F(FileTest, ANewFileRefusesAtOnceAndAgainOnCommit) {
  ASSERT_TRUE(write_text(path_, "precious", false));
  EXPECT_EQ(NewFile::create(path_, false).error().message, path_.string() + " exists already; nothing was written");
  std::filesystem::remove(path_);
  auto made = NewFile::create(path_, false);
  ASSERT_TRUE(made);
  ASSERT_TRUE(write_text(path_, "came meanwhile", false));
  EXPECT_EQ(made->commit().error().message, "cannot create " + path_.string() + ": File exists");
  EXPECT_EQ(content(), "came meanwhile");
  *made = NewFile();
  EXPECT_THAT(names(), ElementsAre("MEMORY.DMP"));
}

TEST_F(FileTest, ANewFileReplacesWhenTold) {
  ASSERT_TRUE(write_text(path_, "old and longer", false));
  ASSERT_TRUE(write_text(path_, "new", true));
  EXPECT_EQ(content(), "new");
  EXPECT_THAT(names(), ElementsAre("MEMORY.DMP"));
}

TEST_F(FileTest, AWriteTheHostRefusesLeavesNothing) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{16, 16};
    const bool limited = setrlimit(RLIMIT_FSIZE, &small) == 0;
    const auto written = write_text(path_, std::string(1000, 'x'), false);
    _exit(limited && !written && written.error().message.find("File too large") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FileTest, ReadTextIsBounded) {
  ASSERT_TRUE(write_text(path_, std::string(100, 'x'), false));
  EXPECT_EQ(*read_text(path_, 100), std::string(100, 'x'));
  EXPECT_EQ(read_text(path_, 99).error().message,
            path_.string() + " is larger than 99 bytes, the most that is read of such a file");
  // A file that never ends is stopped by the limit, not by memory.
  EXPECT_THAT(read_text("/dev/zero", 1 << 20).error().message, HasSubstr("/dev/zero is larger than 1048576 bytes"));
}

}  // namespace
}  // namespace dumpsim
