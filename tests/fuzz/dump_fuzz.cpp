// SPDX-License-Identifier: Apache-2.0
// Dumps, ELF cores and raw images are outside bytes: whatever they say, opening them ends in an error or in something
// that can be read to its end, described and compared. What a dump promises is checked, not only survived.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dumpfile/compare.hpp"
#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"

namespace {

using namespace dumpsim;
using namespace dumpsim::dumpfile;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_everything(const DumpReader& dump) {
  require(!describe(dump).empty());
  require(dump.primary_size() <= dump.file_size() && dump.secondary_end() <= dump.file_size());
  require(dump.recovered_size() <= dump.file_size());
  std::uint64_t blob_end = dump.primary_size();
  for (const SecondaryPlace& blob : dump.secondary()) {
    require(blob.file_offset > blob_end && blob.file_offset + blob.size <= dump.secondary_end());
    blob_end = blob.file_offset + blob.size;
  }
  const PageSet& pages = dump.pages();
  std::vector<std::byte> page(page_size);
  std::uint64_t read = 0;
  for (auto run = pages.next(0); run; run = pages.next(run->base + run->pages)) {
    for (Pfn pfn = run->base; pfn < run->base + run->pages; ++pfn, ++read) {
      require(dump.present(pfn) && pages.rank(pfn) == read && pages.at(read).base == pfn);
      require(dump.read_page(pfn, page).has_value());
    }
  }
  require(read == pages.count());
  const auto zeros = zero_source();
  const Result<Comparison> verdict = compare(dump, pages, *zeros);
  require(verdict.has_value() && verdict->missing == 0 && verdict->extra == 0);
  require(verdict->same + verdict->different == pages.count());
  require(!describe(*verdict).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size != 0) std::memcpy(bytes.data(), input, size);
  const std::shared_ptr<const ByteReader> reader = memory_bytes("input", std::move(bytes));
  const Result<DumpReader> dump = DumpReader::open(reader);
  if (dump)
    read_everything(*dump);
  else
    require(!dump.error().message.empty());

  const Result<ImageSource> image = open_image_source(reader);
  if (!image) return 0;
  require(!image->runs.empty() && PageSet::of_runs(image->runs).has_value());
  std::vector<std::byte> pages(4 * page_size);
  for (std::size_t i = 0; i < std::min<std::size_t>(image->runs.size(), 64); ++i) {
    const PageRun& run = image->runs[i];
    // One page before and one behind the run as well: what does not exist reads as zeros.
    image->source->read_pages(run.base == 0 ? 0 : run.base - 1, 4, pages.data());
    image->source->read_pages(run.base + run.pages - 1, 2, pages.data());
  }
  require(image->source->health().has_value());
  return 0;
}
