// SPDX-License-Identifier: Apache-2.0
// Writes the fuzz corpus and the golden files anew after the layout or the wording changed on purpose:
// `trace_make_corpus tests/fuzz/corpus/trace tests/trace/golden`. Tests compare what it would write with what is kept.
#include <cstdio>
#include <fstream>
#include <string>

#include "corpus.hpp"
#include "trace/jsonl.hpp"
#include "trace/reader.hpp"
#include "trace/text.hpp"

using namespace dumpsim::trace;

namespace {

bool write(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  return static_cast<bool>(file.flush());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER GOLDEN_FOLDER\n", argv[0]);
    return 2;
  }
  bool good = true;
  for (const auto& [name, bytes] : test::corpus_files()) good &= write(std::string(argv[1]) + "/" + name, bytes);
  const test::Block block(1 << 20);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, {});
  test::record_sample(recorder, clock, 1024);
  const auto view = TraceView::open(block.bytes());
  if (!view) return 1;
  good &= write(std::string(argv[2]) + "/sample.txt", to_text(*view));
  good &= write(std::string(argv[2]) + "/sample.jsonl", to_jsonl(*view));
  return good ? 0 : 1;
}
