// SPDX-License-Identifier: Apache-2.0
// The unwinder: whatever an image's table, its code and a stack hold, a frame is undone or it is said what is wrong,
// and nothing outside of them is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "machine/unwind.hpp"

namespace {

using namespace dumpsim::machine;

constexpr std::uint64_t base = 0x140000000;
constexpr std::uint64_t stack = 0x700000;

/// The input is the image and its stack at once: half for each.
class Input final : public Memory {
 public:
  explicit Input(std::span<const std::uint8_t> bytes)
      : image_(bytes.first(bytes.size() / 2)), stack_(bytes.subspan(bytes.size() / 2)) {}
  bool read(std::uint64_t address, std::span<std::byte> into) const override {
    return copy(image_, base, address, into) || copy(stack_, stack, address, into);
  }
  std::uint64_t image_bytes() const { return image_.size(); }

 private:
  static bool copy(std::span<const std::uint8_t> from, std::uint64_t begin, std::uint64_t address,
                   std::span<std::byte> into) {
    if (address < begin || address - begin > from.size() || into.size() > from.size() - (address - begin)) return false;
    if (!into.empty()) std::memcpy(into.data(), from.data() + (address - begin), into.size());
    return true;
  }
  std::span<const std::uint8_t> image_, stack_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Where in the function, which row; then the image.
  if (size < 16) return 0;
  FunctionRow row;
  std::memcpy(&row, bytes, sizeof row);
  std::uint32_t at = 0;
  std::memcpy(&at, bytes + 12, sizeof at);
  const Input input(std::span(bytes, size).subspan(16));
  const auto image_bytes = static_cast<std::uint32_t>(input.image_bytes());
  if (image_bytes == 0) return 0;
  row.begin %= image_bytes;
  row.end = row.begin + 1 + row.end % (image_bytes - row.begin);
  const UnwindImage image{base, image_bytes, std::span(&row, 1)};
  Context context;
  for (std::size_t i = 0; i < context.gpr.size(); ++i) context.gpr[i] = stack + i * 8;
  context.rip = base + row.begin + at % (row.end - row.begin);
  if (find_function(image, context.rip) != &row) std::abort();
  UnwoundFrame frame;
  SavedPlaces places;
  const char* wrong = unwind_frame(input, image, row, HandlerKind::exception, context, frame, &places);
  if (wrong == nullptr && frame.handler != 0 && !image.contains(frame.handler)) std::abort();
  return 0;
}
