// SPDX-License-Identifier: Apache-2.0
// Entries one behind the other: what it is, about which page, of which image, how many bytes; then the bytes.
#include "engine/dump_account.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/guid.hpp"

namespace dumpsim::engine {
namespace {

enum Kind : std::uint32_t { kind_added = 1, kind_removed, kind_page, kind_blob };

struct Entry {
  std::uint32_t kind = 0;
  std::uint32_t image = 0;
  std::uint64_t about = 0;  // a page frame number
  std::uint64_t bytes = 0;
};
// What a child may claim: more pages or blocks than this are not looked at.
constexpr std::size_t entry_limit = std::size_t{1} << 24;
constexpr std::size_t compare_bytes = std::size_t{64} << 10;

class AccountSource final : public dumpfile::MemorySource {
 public:
  AccountSource(const dumpfile::MemorySource& memory, const DumpAccount& account, const File& file)
      : memory_(memory), account_(account), file_(file) {}

  void read_pages(Pfn first, std::uint64_t count, std::byte* into) const override {
    for (std::uint64_t done = 0; done < count;) {
      const auto next = account_.pages.lower_bound(first + done);
      const std::uint64_t plain = next == account_.pages.end()
                                      ? count - done
                                      : std::min<std::uint64_t>(count - done, next->first - first - done);
      if (plain != 0) memory_.read_pages(first + done, plain, into + done * page_size);
      done += plain;
      if (done == count) break;
      const std::span<std::byte> page(into + done * page_size, page_size);
      if (auto read = file_.read_at(next->second, page); !read) {
        std::fill(page.begin(), page.end(), std::byte{0});
        if (failure_.has_value()) failure_ = read;
      }
      ++done;
    }
  }
  Result<void> health() const override {
    if (!failure_) return failure_;
    return memory_.health();
  }

 private:
  const dumpfile::MemorySource& memory_;
  const DumpAccount& account_;
  const File& file_;
  mutable Result<void> failure_;
};

}  // namespace

void DumpAccountWriter::entry(std::uint32_t kind, std::uint64_t about, std::uint32_t image,
                              std::span<const std::byte> bytes) {
  // The head last: an entry that was not finished is none.
  const Entry head{kind, image, about, bytes.size()};
  if (!bytes.empty() && !file_.write_at(at_ + sizeof head, bytes)) return;
  if (!file_.write_at(at_, std::as_bytes(std::span(&head, 1)))) return;
  at_ += sizeof head + bytes.size();
}

void DumpAccountWriter::pages_changed(std::span<const dumpfile::PageRun> added,
                                      std::span<const dumpfile::PageRun> removed) {
  for (const dumpfile::PageRun& run : added) entry(kind_added, 0, 0, std::as_bytes(std::span(&run, 1)));
  for (const dumpfile::PageRun& run : removed) entry(kind_removed, 0, 0, std::as_bytes(std::span(&run, 1)));
}

void DumpAccountWriter::page_written(Pfn pfn, std::span<const std::byte> bytes) {
  entry(kind_page, pfn, 0, bytes);
}

void DumpAccountWriter::secondary(std::uint16_t image, const std::array<std::byte, 16>& guid,
                                  std::span<const std::byte> bytes) {
  std::vector<std::byte> all(guid.begin(), guid.end());
  all.insert(all.end(), bytes.begin(), bytes.end());
  entry(kind_blob, 0, image, all);
}

Result<DumpAccount> read_account(const File& file) {
  DumpAccount account;
  const auto size = file.size();
  if (!size) return size.error();
  const Error wrong{"what the child says of its dump is damaged"};
  std::size_t entries = 0;
  for (std::uint64_t at = 0; *size - at >= sizeof(Entry);) {
    Entry head;
    if (auto read = file.read_at(at, std::as_writable_bytes(std::span(&head, 1))); !read) return read.error();
    at += sizeof head;
    if (head.kind == 0) break;
    if (head.bytes > *size - at || ++entries > entry_limit) return wrong;
    if (head.kind == kind_added || head.kind == kind_removed) {
      dumpfile::PageRun run;
      if (head.bytes != sizeof run) return wrong;
      if (auto read = file.read_at(at, std::as_writable_bytes(std::span(&run, 1))); !read) return read.error();
      if (run.base >= dumpfile::pfn_limit || run.pages > dumpfile::pfn_limit - run.base) return wrong;
      (head.kind == kind_added ? account.added : account.removed).push_back(run);
    } else if (head.kind == kind_page) {
      if (head.bytes != page_size) return wrong;
      account.pages[head.about] = at;
    } else if (head.kind == kind_blob) {
      DumpAccount::Blob blob;
      if (head.bytes < blob.guid.size() || head.bytes - blob.guid.size() > UINT32_MAX) return wrong;
      if (auto read = file.read_at(at, blob.guid); !read) return read.error();
      blob.image = static_cast<std::uint16_t>(head.image);
      blob.at = at + blob.guid.size();
      blob.size = static_cast<std::uint32_t>(head.bytes - blob.guid.size());
      account.blobs.push_back(blob);
    } else {
      return wrong;
    }
    at += head.bytes;
  }
  return account;
}

Result<std::vector<std::byte>> bytes_of(const File& file, const DumpAccount::Blob& blob) {
  std::vector<std::byte> bytes(blob.size);
  if (auto read = file.read_at(blob.at, bytes); !read) return read.error();
  return bytes;
}

std::unique_ptr<dumpfile::MemorySource> with_account(const dumpfile::MemorySource& memory, const DumpAccount& account,
                                                     const File& file) {
  return std::make_unique<AccountSource>(memory, account, file);
}

Result<std::string> compare_blobs(const dumpfile::DumpReader& dump, const dumpfile::ByteReader& bytes,
                                  const DumpAccount& account, const File& file) {
  const std::span<const dumpfile::SecondaryPlace> there = dump.secondary();
  if (there.size() != account.blobs.size()) {
    return fmt::format("{} of {} blocks of secondary data are there", there.size(), account.blobs.size());
  }
  if (there.empty()) return std::string{};
  std::vector<std::byte> stored(compare_bytes), given(compare_bytes);
  for (std::size_t i = 0; i < there.size(); ++i) {
    const DumpAccount::Blob& blob = account.blobs[i];
    if (there[i].guid != blob.guid || there[i].size != blob.size) {
      return fmt::format("block {} of secondary data is {} with {} bytes, expected {} with {}", i + 1,
                         format_guid(there[i].guid), there[i].size, format_guid(blob.guid), blob.size);
    }
    for (std::uint64_t done = 0; done < blob.size;) {
      const std::size_t now = std::min<std::uint64_t>(compare_bytes, blob.size - done);
      const std::span<std::byte> a = std::span(stored).first(now), b = std::span(given).first(now);
      if (auto read = bytes.read_at(there[i].file_offset + done, a); !read) return read.error();
      if (auto read = file.read_at(blob.at + done, b); !read) return read.error();
      if (std::memcmp(a.data(), b.data(), now) != 0) {
        const auto at = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
        return fmt::format("secondary data {} differs at byte {:#x}", format_guid(blob.guid),
                           done + static_cast<std::uint64_t>(at));
      }
      done += now;
    }
  }
  return std::string{};
}

}  // namespace dumpsim::engine
