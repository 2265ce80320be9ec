// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over a folder of inputs, so that every test run replays what a fuzzer (or a person) once found,
// with any compiler and without libFuzzer. An empty or missing folder fails: a replay of nothing proves nothing.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::error_code failure;
  std::vector<std::filesystem::path> inputs;
  std::filesystem::directory_iterator entry(argv[1], failure);
  for (const std::filesystem::directory_iterator end; !failure && entry != end; entry.increment(failure)) {
    if (entry->is_regular_file(failure)) inputs.push_back(entry->path());
  }
  if (failure) {
    std::fprintf(stderr, "%s: cannot read the folder: %s\n", argv[1], failure.message().c_str());
    return 1;
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "%s: no inputs in the folder, expected a corpus\n", argv[1]);
    return 1;
  }
  std::sort(inputs.begin(), inputs.end());
  for (const std::filesystem::path& input : inputs) {
    std::ifstream file(input, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "%s: cannot be opened\n", input.c_str());
      return 1;
    }
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    // Named before it runs, so that the input that crashes the target is the last line printed.
    std::printf("%s (%zu bytes)\n", input.filename().c_str(), bytes.size());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%zu inputs replayed\n", inputs.size());
  return 0;
}
