// SPDX-License-Identifier: Apache-2.0
// The port believes only the MDL: which bytes it moves, in what pieces, and what it answers to an MDL that describes
// nothing. A filter can put any number into an MDL; none of them may take the host down.
#include "stack/dump_port.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"
#include "stack/transfer_mdl.hpp"
#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
constexpr std::uint64_t max_pages = 16;
constexpr std::uint64_t start = 64 * 1024;  // WorldOptions::partition_start

/// A world with a port, an MDL and some pages of pool to point it at.
struct Bench {
  explicit Bench(WorldOptions options = {})
      : world(std::move(options)),
        port(world.env(), max_pages + 1),
        transfer(world.memory(), max_pages, TransferMdl::Shape::nonpaged, false),
        pages(world.memory().allocate_pages(max_pages + 1, true)) {}
  ~Bench() { world.memory().free_pages(pages, max_pages + 1, true); }

  std::uint64_t* pfns() { return reinterpret_cast<std::uint64_t*>(transfer.mdl() + 1); }
  Pfn pfn(const std::byte* page) { return world.memory().pfn_of(page); }
  std::span<std::byte> fill(std::size_t bytes, std::uint64_t seed = 1) {
    const std::vector<std::byte> made = pattern(bytes, seed);
    std::memcpy(pages, made.data(), bytes);
    return {pages, bytes};
  }
  std::vector<std::byte> on_disk(std::uint64_t at, std::size_t bytes) {
    const auto from = world.disk().content().begin() + static_cast<std::ptrdiff_t>(at);
    return {from, from + static_cast<std::ptrdiff_t>(bytes)};
  }
  static std::vector<std::byte> copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

  World world;
  DumpPort port;
  TransferMdl transfer;
  std::byte* pages;
};

/// The last page of pool, holding other bytes than all before it: what a swapped pointer leads to.
std::byte* other_page(Bench& bench) {
  std::byte* other = bench.pages + max_pages * page_size;
  const std::vector<std::byte> bytes = pattern(page_size, 99);
  std::memcpy(other, bytes.data(), page_size);
  return other;
}

TEST(DumpPort, WritesWhereThePartitionIs) {
  Bench bench;
  const auto bytes = bench.fill(3 * page_size);
  bench.transfer.describe_write(bytes.data(), 3 * page_size, PartitionOffset{0x2000});
  ASSERT_EQ(bench.port.write(PartitionOffset{0x2000}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start + 0x2000, bytes.size()), Bench::copy(bytes));
  EXPECT_EQ(bench.world.disk().log, (std::vector<LoggingDisk::Transfer>{{true, start + 0x2000, bytes.size()}}));
}

TEST(DumpPort, FollowsThePfnsAsDmaDoes) {
  Bench bench({.policies = {{Policy::port_data_path, "pfn"}}});
  bench.fill(page_size);
  std::byte* other = other_page(bench);
  bench.transfer.describe_write(bench.pages, page_size, PartitionOffset{0});
  bench.pfns()[0] = bench.pfn(other);
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start, page_size), pattern(page_size, 99));
  // The control: a filter that swaps only the mapped address changes nothing for such a port.
  bench.transfer.describe_write(bench.pages, page_size, PartitionOffset{0});
  bench.transfer.mdl()->MappedSystemVa = other;
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start, page_size), pattern(page_size, 1));
}

TEST(DumpPort, FollowsTheMappedAddressAsProgrammedIoDoes) {
  Bench bench({.policies = {{Policy::port_data_path, "mapped-va"}}});
  bench.fill(page_size);
  std::byte* other = other_page(bench);
  bench.transfer.describe_write(bench.pages, page_size, PartitionOffset{0});
  bench.transfer.mdl()->MappedSystemVa = other;
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start, page_size), pattern(page_size, 99));
  bench.transfer.describe_write(bench.pages, page_size, PartitionOffset{0});
  bench.pfns()[0] = bench.pfn(other);
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start, page_size), pattern(page_size, 1));
}

TEST(DumpPort, TakesBothConventionsOfTheMappedAddress) {
  for (const bool at_page : {false, true}) {
    SCOPED_TRACE(at_page);
    Bench bench({.policies = {{Policy::port_data_path, "mapped-va"}}});
    const auto bytes = bench.fill(2 * page_size);
    TransferMdl transfer(bench.world.memory(), max_pages, TransferMdl::Shape::mapped, at_page);
    transfer.describe_write(bytes.data() + 1536, page_size, PartitionOffset{0});
    ASSERT_EQ(bench.port.write(PartitionOffset{0}, transfer.mdl()), STATUS_SUCCESS);
    EXPECT_EQ(bench.on_disk(start, page_size), Bench::copy(bytes.subspan(1536, page_size)));
  }
}

TEST(DumpPort, SplitsAtItsTransferLimitOnly) {
  Bench bench({.policies = {{Policy::port_transfer_limit, "8192"}}});
  const auto bytes = bench.fill(5 * page_size);
  bench.transfer.describe_write(bytes.data(), 5 * page_size, PartitionOffset{0});
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.world.disk().log, (std::vector<LoggingDisk::Transfer>{
                                        {true, start, 8192}, {true, start + 8192, 8192}, {true, start + 16384, 4096}}));
  EXPECT_EQ(bench.on_disk(start, bytes.size()), Bench::copy(bytes));
  EXPECT_EQ(bench.world.story(), (std::vector<std::string>{"port write 0x10000 +8192", "port write 0x12000 +8192",
                                                           "port write 0x14000 +4096"}))
      << "each command is an event";
}

TEST(DumpPort, TakesTimeForEachCommand) {
  std::uint64_t took[2];
  for (const bool split : {false, true}) {
    Bench bench({.policies = {{Policy::port_transfer_limit, split ? "4096" : "65536"}}});
    bench.transfer.describe_write(bench.fill(4 * page_size).data(), 4 * page_size, PartitionOffset{0});
    ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
    took[split] = bench.world.machine().clock.now;
  }
  EXPECT_GT(took[0], 0u);
  EXPECT_GT(took[1], took[0]);
}

TEST(DumpPort, GathersPagesThatLieApart) {
  for (const char* limit : {"65536", "4096"}) {
    for (const std::uint32_t byte_offset : {0u, 512u, 4088u - 4088u % 512u}) {
      SCOPED_TRACE(testing::Message() << limit << ", byte offset " << byte_offset);
      Bench bench({.policies = {{Policy::port_transfer_limit, limit}}});
      bench.fill(8 * page_size);
      const std::uint32_t length = 4 * page_size - byte_offset;
      bench.transfer.describe_write(bench.pages + byte_offset, length, PartitionOffset{0});
      // Page frames 6, 1, 2, 0 of the pool: one after the other on the disk.
      const std::array<std::size_t, 4> order{6, 1, 2, 0};
      std::vector<std::byte> expected;
      for (std::size_t i = 0; i < order.size(); ++i) {
        bench.pfns()[i] = bench.pfn(bench.pages + order[i] * page_size);
        const std::byte* page = bench.pages + order[i] * page_size;
        expected.insert(expected.end(), page + (i == 0 ? byte_offset : 0), page + page_size);
      }
      ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
      EXPECT_EQ(bench.on_disk(start, length), expected);
      // And back into the same scattered pages.
      for (const std::size_t page : order) std::memset(bench.pages + page * page_size, 0, page_size);
      ASSERT_EQ(bench.port.read(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
      std::vector<std::byte> got;
      for (std::size_t i = 0; i < order.size(); ++i) {
        const std::byte* page = bench.pages + order[i] * page_size;
        got.insert(got.end(), page + (i == 0 ? byte_offset : 0), page + page_size);
      }
      EXPECT_EQ(got, expected);
    }
  }
}

TEST(DumpPort, RefusesPfnsThatAreNotThere) {
  Bench bench;
  for (const Pfn wild : {Pfn{512}, Pfn{1} << 31, Pfn{1} << 40, ~Pfn{0}, ~Pfn{0} >> 12, Pfn{0x800000000000}}) {
    SCOPED_TRACE(wild);
    bench.transfer.describe_write(bench.fill(2 * page_size).data(), 2 * page_size, PartitionOffset{0});
    bench.pfns()[1] = wild;
    EXPECT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_INVALID_PARAMETER);
  }
  EXPECT_TRUE(bench.world.disk().log.empty()) << "nothing is written of a transfer that is refused";
}

TEST(DumpPort, RefusesAddressesThatAreNotThere) {
  Bench bench({.policies = {{Policy::port_data_path, "mapped-va"}}});
  void* gone = mmap(nullptr, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(gone, MAP_FAILED);
  munmap(gone, page_size);
  const auto bits = reinterpret_cast<std::uintptr_t>(gone);
  for (const std::uintptr_t wild :
       {std::uintptr_t{0}, std::uintptr_t{0x1B0}, bits, std::uintptr_t{0xFFFF800000000000}, ~std::uintptr_t{0},
        machine::arena_base - page_size, machine::arena_base + machine::arena_bytes - page_size,
        std::uintptr_t{0x5a5a5a5a5a5a5a5a}}) {
    SCOPED_TRACE(wild);
    bench.transfer.describe_write(bench.fill(page_size).data(), page_size, PartitionOffset{0});
    bench.transfer.mdl()->MappedSystemVa = reinterpret_cast<void*>(wild);
    EXPECT_LT(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), 0);
  }
  EXPECT_TRUE(bench.world.disk().log.empty());
}

TEST(DumpPort, RefusesAPoolPageThatWasFreed) {
  for (const char* path : {"pfn", "mapped-va"}) {
    SCOPED_TRACE(path);
    Bench bench({.policies = {{Policy::port_data_path, path}}});
    std::byte* page = bench.world.memory().allocate_pages(1, true);
    bench.transfer.describe_write(page, page_size, PartitionOffset{0});
    ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
    bench.world.memory().free_pages(page, 1, true);
    EXPECT_LT(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), 0);
  }
}

TEST(DumpPort, RefusesMoreThanTheMdlHasRoomFor) {
  Bench bench;
  for (const ULONG count : {ULONG{0xFFFFFFFF}, ULONG{0xFFFF0000}, ULONG{(max_pages + 2) * page_size}}) {
    bench.transfer.describe_write(bench.fill(page_size).data(), page_size, PartitionOffset{0});
    bench.transfer.mdl()->ByteCount = count;
    EXPECT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_INVALID_PARAMETER);
  }
}

TEST(DumpPort, TakesMemoryOfTheHostThatIsThere) {
  // A filter's image and its stack are host memory: a scratch buffer may be a static array.
  Bench bench;
  void* pages = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::vector<std::byte> bytes = pattern(page_size, 5);
  std::memcpy(pages, bytes.data(), page_size);
  bench.transfer.describe_write(static_cast<std::byte*>(pages), page_size, PartitionOffset{0});
  EXPECT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.on_disk(start, page_size), bytes);
  munmap(pages, page_size);
  EXPECT_LT(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), 0) << "and refuses it once it is gone";
}

TEST(DumpPort, AnswersAsAMiniportWould) {
  Bench bench;
  bench.transfer.describe_write(bench.fill(page_size).data(), page_size, PartitionOffset{0});
  const std::uint64_t end = bench.world.disk().size() - start;
  EXPECT_EQ(bench.port.write(PartitionOffset{end - page_size}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.port.write(PartitionOffset{end - 512}, bench.transfer.mdl()), STATUS_NONEXISTENT_SECTOR);
  EXPECT_EQ(bench.port.read(PartitionOffset{end}, bench.transfer.mdl()), STATUS_NONEXISTENT_SECTOR);
  EXPECT_EQ(bench.port.write(PartitionOffset{100}, bench.transfer.mdl()), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(bench.port.write(PartitionOffset{UINT64_MAX & ~std::uint64_t{511}}, bench.transfer.mdl()), STATUS_SUCCESS)
      << "a negative offset is a sector before the partition: the port knows no partitions";
  bench.world.disk().fails_from = 1;
  EXPECT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_IO_DEVICE_ERROR);
}

TEST(DumpPort, TellsDigestsWhenAsked) {
  for (const bool digests : {false, true}) {
    SCOPED_TRACE(digests);
    Bench bench({.digests = digests});
    const auto bytes = bench.fill(2 * page_size);
    bench.transfer.describe_write(bytes.data(), 2 * page_size, PartitionOffset{0});
    // Pages in the other order: the digest is of the bytes as the disk gets them.
    std::swap(bench.pfns()[0], bench.pfns()[1]);
    ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
    Digest expected;
    expected.add(bytes.subspan(page_size));
    expected.add(bytes.first(page_size));
    const trace::TraceView view = bench.world.view();
    ASSERT_EQ(view.count(trace::Kind::port_write), 1u);
    EXPECT_EQ((*view.begin()).record.object, digests ? expected.value() : 0);
  }
}

TEST(DumpPort, KeepsWhatItTookOnlyWhenAsked) {
  Bench bench;
  const auto bytes = bench.fill(page_size);
  bench.transfer.describe_write(bytes.data(), page_size, PartitionOffset{0});
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_TRUE(bench.port.kept().empty());
  bench.port.keep_data(true);
  ASSERT_EQ(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), STATUS_SUCCESS);
  EXPECT_EQ(bench.port.kept(), Bench::copy(bytes));
  bench.pfns()[0] = ~Pfn{0};
  ASSERT_LT(bench.port.write(PartitionOffset{0}, bench.transfer.mdl()), 0);
  EXPECT_TRUE(bench.port.kept().empty()) << "what an earlier write took is not this one's";
}

TEST(DumpPort, OpensAndFinishes) {
  Bench bench;
  EXPECT_FALSE(bench.port.is_open());
  EXPECT_EQ(bench.port.open(), STATUS_SUCCESS);
  EXPECT_TRUE(bench.port.is_open());
  EXPECT_EQ(bench.port.finish(), STATUS_SUCCESS);
  EXPECT_FALSE(bench.port.is_open());
  EXPECT_EQ(bench.world.disk().flushes, 1);
  bench.world.disk().flush_fails = true;
  EXPECT_EQ(bench.port.finish(), STATUS_IO_DEVICE_ERROR);
  EXPECT_EQ(bench.world.story(), (std::vector<std::string>{"port opened", "port finished", "port finished"}));
}

}  // namespace
}  // namespace dumpsim::stack
