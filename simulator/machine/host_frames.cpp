// SPDX-License-Identifier: Apache-2.0
// A reader of .eh_frame [doc: DWARF 4, 6.4; Linux Standard Base, exception frames]. libgcc finds the entry and could
// undo frames too, but it keeps no xmm registers, which Microsoft's convention makes callee-saved.
#include "machine/host_frames.hpp"

#include <cstring>
#include <iterator>
#include <string_view>

extern "C" {
/// libgcc's, by name and layout part of its interface since GCC 3.
struct dwarf_eh_bases {
  void* text;
  void* data;
  void* function;
};
const void* _Unwind_Find_FDE(void* address, dwarf_eh_bases* bases);
}

namespace dumpsim::machine {
namespace {

// The columns of the x86-64 psABI.
constexpr std::size_t columns = 33;
constexpr std::size_t return_column = 16;
constexpr std::size_t first_xmm = 17;
constexpr std::size_t stack_column = 7;
constexpr std::uint8_t column_gpr[16] = {0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};

class Bytes {
 public:
  Bytes(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}
  bool more() const { return at_ < end_ && !bad_; }
  bool bad() const { return bad_; }
  const std::uint8_t* at() const { return at_; }
  void skip(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(end_ - at_)) {
      bad_ = true;
      at_ = end_;
      return;
    }
    at_ += count;
  }
  template <class T>
  T fixed() {
    T value{};
    if (static_cast<std::size_t>(end_ - at_) < sizeof value) {
      bad_ = true;
      at_ = end_;
      return value;
    }
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    bad_ = true;
    return 0;
  }
  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64;) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      shift += 7;
      if ((byte & 0x80) == 0) {
        if (shift < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << shift;
        return static_cast<std::int64_t>(value);
      }
    }
    bad_ = true;
    return 0;
  }
  std::string_view text() {
    const auto* start = reinterpret_cast<const char*>(at_);
    while (more() && *at_ != 0) ++at_;
    const std::string_view found(start, static_cast<std::size_t>(reinterpret_cast<const char*>(at_) - start));
    skip(1);
    return found;
  }
  /// Passes over a pointer of this encoding.
  void pointer(std::uint8_t encoding) {
    switch (encoding & 0x0F) {
      case 0x00:
      case 0x04:
      case 0x0C:
        return skip(8);
      case 0x01:
        uleb();
        return;
      case 0x09:
        sleb();
        return;
      case 0x02:
      case 0x0A:
        return skip(2);
      default:
        return skip(4);
    }
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool bad_ = false;
};

struct Rule {
  enum class How : std::uint8_t { same, undefined, offset, value_offset, column, expression, value_expression };
  How how = How::same;
  std::int64_t number = 0;                   // of offset and column
  const std::uint8_t* expression = nullptr;  // its length comes first
};

struct Row {
  Rule rules[columns];
  Rule cfa;  // column and offset: `column`, with `offset` beside; or an expression
  std::int64_t cfa_offset = 0;
};

/// Frames of instrumented functions are poisoned for the sanitizer; here bytes are bytes.
__attribute__((no_sanitize("address"))) std::uint64_t word(std::uint64_t address) {
  return *reinterpret_cast<const volatile std::uint64_t*>(address);
}

/// Kept off the stack: this runs on a driver's, which is small.
struct Scratch {
  Row row;
  Row initial;
  Row kept[4];
  Context after;
};
thread_local Scratch scratch;

class Machine {
 public:
  explicit Machine(Context& context)
      : context_(context), row_(scratch.row), initial_(scratch.initial), after_(scratch.after) {
    row_ = {};
    initial_ = {};
  }

  bool run(bool exact) {
    const std::uint64_t rip = context_.rip;
    if (rip < 4096) return false;
    dwarf_eh_bases bases{};
    const auto* entry =
        static_cast<const std::uint8_t*>(_Unwind_Find_FDE(reinterpret_cast<void*>(exact ? rip : rip - 1), &bases));
    if (entry == nullptr) return false;
    std::uint32_t length = 0;
    std::memcpy(&length, entry, 4);
    std::int32_t distance = 0;
    std::memcpy(&distance, entry + 4, 4);
    if (length == 0 || length == UINT32_MAX) return false;
    if (!read_common(entry + 4 - distance)) return false;
    Bytes bytes(entry + 8, entry + 4 + length);
    bytes.pointer(encoding_);
    bytes.pointer(encoding_ & 0x0F);
    if (augmented_) bytes.skip(bytes.uleb());
    initial_ = row_;
    location_ = reinterpret_cast<std::uint64_t>(bases.function);
    target_ = exact ? rip : rip - 1;
    return !bytes.bad() && interpret(bytes) && apply();
  }

 private:
  bool read_common(const std::uint8_t* at) {
    std::uint32_t length = 0;
    std::memcpy(&length, at, 4);
    if (length == 0 || length == UINT32_MAX) return false;
    Bytes bytes(at + 8, at + 4 + length);
    const auto version = bytes.fixed<std::uint8_t>();
    const std::string_view augmentation = bytes.text();
    code_factor_ = bytes.uleb();
    data_factor_ = bytes.sleb();
    const std::uint64_t column = version == 1 ? bytes.fixed<std::uint8_t>() : bytes.uleb();
    if (column != return_column) return false;
    for (const char letter : augmentation) {
      switch (letter) {
        case 'z':
          bytes.uleb();
          augmented_ = true;
          break;
        case 'R':
          encoding_ = bytes.fixed<std::uint8_t>();
          break;
        case 'P': {
          const auto encoding = bytes.fixed<std::uint8_t>();
          bytes.pointer(encoding);
          break;
        }
        case 'L':
          bytes.skip(1);
          break;
        case 'S':
          break;
        default:
          return false;
      }
    }
    location_ = 0;
    target_ = UINT64_MAX;
    return !bytes.bad() && interpret(bytes);
  }

  void set(std::uint64_t column, Rule rule) {
    if (column < columns) row_.rules[column] = rule;
  }
  void set_offset(std::uint64_t column, std::int64_t factored, Rule::How how) {
    set(column, {how, factored * data_factor_, nullptr});
  }
  void advance(std::uint64_t distance) { location_ += distance * code_factor_; }

  bool interpret(Bytes& bytes) {
    constexpr std::size_t depth_limit = std::size(scratch.kept);
    while (bytes.more() && location_ <= target_) {
      const auto operation = bytes.fixed<std::uint8_t>();
      const std::uint8_t low = operation & 0x3F;
      switch (operation >> 6) {
        case 1:
          advance(low);
          continue;
        case 2:
          set_offset(low, static_cast<std::int64_t>(bytes.uleb()), Rule::How::offset);
          continue;
        case 3:
          if (low < columns) row_.rules[low] = initial_.rules[low];
          continue;
        default:
          break;
      }
      switch (operation) {
        case 0x00:  // nop
          break;
        case 0x02:
          advance(bytes.fixed<std::uint8_t>());
          break;
        case 0x03:
          advance(bytes.fixed<std::uint16_t>());
          break;
        case 0x04:
          advance(bytes.fixed<std::uint32_t>());
          break;
        case 0x05: {  // offset_extended
          const std::uint64_t column = bytes.uleb();
          set_offset(column, static_cast<std::int64_t>(bytes.uleb()), Rule::How::offset);
          break;
        }
        case 0x06: {  // restore_extended
          const std::uint64_t column = bytes.uleb();
          if (column < columns) row_.rules[column] = initial_.rules[column];
          break;
        }
        case 0x07:
          set(bytes.uleb(), {Rule::How::undefined, 0, nullptr});
          break;
        case 0x08:
          set(bytes.uleb(), {});
          break;
        case 0x09: {  // register
          const std::uint64_t column = bytes.uleb();
          set(column, {Rule::How::column, static_cast<std::int64_t>(bytes.uleb()), nullptr});
          break;
        }
        case 0x0A:  // remember_state
          if (depth_ == depth_limit) return false;
          scratch.kept[depth_++] = row_;
          break;
        case 0x0B:  // restore_state
          if (depth_ == 0) return false;
          row_ = scratch.kept[--depth_];
          break;
        case 0x0C:  // def_cfa
          row_.cfa = {Rule::How::column, static_cast<std::int64_t>(bytes.uleb()), nullptr};
          row_.cfa_offset = static_cast<std::int64_t>(bytes.uleb());
          break;
        case 0x0D:
          row_.cfa = {Rule::How::column, static_cast<std::int64_t>(bytes.uleb()), nullptr};
          break;
        case 0x0E:
          row_.cfa_offset = static_cast<std::int64_t>(bytes.uleb());
          break;
        case 0x0F:
          row_.cfa = {Rule::How::expression, 0, bytes.at()};
          bytes.skip(bytes.uleb());
          break;
        case 0x10:
        case 0x16: {  // expression, val_expression
          const std::uint64_t column = bytes.uleb();
          set(column, {operation == 0x10 ? Rule::How::expression : Rule::How::value_expression, 0, bytes.at()});
          bytes.skip(bytes.uleb());
          break;
        }
        case 0x11: {  // offset_extended_sf
          const std::uint64_t column = bytes.uleb();
          set_offset(column, bytes.sleb(), Rule::How::offset);
          break;
        }
        case 0x12:  // def_cfa_sf
          row_.cfa = {Rule::How::column, static_cast<std::int64_t>(bytes.uleb()), nullptr};
          row_.cfa_offset = bytes.sleb() * data_factor_;
          break;
        case 0x13:
          row_.cfa_offset = bytes.sleb() * data_factor_;
          break;
        case 0x14: {
          const std::uint64_t column = bytes.uleb();
          set_offset(column, static_cast<std::int64_t>(bytes.uleb()), Rule::How::value_offset);
          break;
        }
        case 0x15: {
          const std::uint64_t column = bytes.uleb();
          set_offset(column, bytes.sleb(), Rule::How::value_offset);
          break;
        }
        case 0x2E:  // GNU_args_size
          bytes.uleb();
          break;
        default:
          return false;
      }
    }
    return !bytes.bad();
  }

  std::uint64_t column_value(std::uint64_t column) const {
    if (column < return_column) return context_.gpr[column_gpr[column]];
    return column == return_column ? context_.rip : 0;
  }

  bool evaluate(const std::uint8_t* expression, bool with_cfa, std::uint64_t& result) const {
    Bytes head(expression, expression + 10);
    const std::uint64_t length = head.uleb();
    Bytes bytes(head.at(), head.at() + length);
    std::uint64_t stack[16];
    std::size_t depth = 0;
    bool good = true;
    const auto push = [&](std::uint64_t value) {
      if (depth == 16) {
        good = false;
        return;
      }
      stack[depth++] = value;
    };
    const auto pop = [&]() -> std::uint64_t {
      if (depth == 0) {
        good = false;
        return 0;
      }
      return stack[--depth];
    };
    if (with_cfa) push(cfa_);
    while (bytes.more() && good) {
      const auto operation = bytes.fixed<std::uint8_t>();
      if (operation >= 0x30 && operation <= 0x4F) {  // lit
        push(operation - 0x30u);
        continue;
      }
      if (operation >= 0x70 && operation <= 0x8F) {  // breg
        push(column_value(operation - 0x70u) + static_cast<std::uint64_t>(bytes.sleb()));
        continue;
      }
      switch (operation) {
        case 0x06:
          push(word(pop()));
          break;
        case 0x08:
          push(bytes.fixed<std::uint8_t>());
          break;
        case 0x09:
          push(static_cast<std::uint64_t>(std::int64_t{bytes.fixed<std::int8_t>()}));
          break;
        case 0x0A:
          push(bytes.fixed<std::uint16_t>());
          break;
        case 0x0B:
          push(static_cast<std::uint64_t>(std::int64_t{bytes.fixed<std::int16_t>()}));
          break;
        case 0x0C:
          push(bytes.fixed<std::uint32_t>());
          break;
        case 0x10:
          push(bytes.uleb());
          break;
        case 0x11:
          push(static_cast<std::uint64_t>(bytes.sleb()));
          break;
        case 0x12: {
          const std::uint64_t value = pop();
          push(value);
          push(value);
          break;
        }
        case 0x1A: {
          const std::uint64_t right = pop();
          push(pop() & right);
          break;
        }
        case 0x1C: {
          const std::uint64_t right = pop();
          push(pop() - right);
          break;
        }
        case 0x1E:
          push(pop() * pop());
          break;
        case 0x21: {
          const std::uint64_t right = pop();
          push(pop() | right);
          break;
        }
        case 0x22:
          push(pop() + pop());
          break;
        case 0x23: {
          const std::uint64_t more = bytes.uleb();
          push(pop() + more);
          break;
        }
        case 0x24: {
          const std::uint64_t count = pop() & 63;
          push(pop() << count);
          break;
        }
        case 0x25: {
          const std::uint64_t count = pop() & 63;
          push(pop() >> count);
          break;
        }
        case 0x2A: {  // ge
          const auto right = static_cast<std::int64_t>(pop());
          push(static_cast<std::int64_t>(pop()) >= right ? 1 : 0);
          break;
        }
        case 0x96:
          break;
        default:
          return false;
      }
    }
    result = pop();
    return good && !bytes.bad();
  }

  bool apply() {
    if (row_.cfa.how == Rule::How::expression) {
      if (!evaluate(row_.cfa.expression, false, cfa_)) return false;
    } else if (row_.cfa.how == Rule::How::column) {
      cfa_ = column_value(static_cast<std::uint64_t>(row_.cfa.number)) + static_cast<std::uint64_t>(row_.cfa_offset);
    } else {
      return false;
    }
    if (row_.rules[return_column].how == Rule::How::undefined) return false;
    for (std::size_t column = 0; column < columns; ++column) {
      const Rule& rule = row_.rules[column];
      std::uint64_t place = cfa_ + static_cast<std::uint64_t>(rule.number);
      std::uint64_t value = 0;
      bool is_value = false;
      switch (rule.how) {
        case Rule::How::same:
        case Rule::How::undefined:
          continue;
        case Rule::How::offset:
          break;
        case Rule::How::value_offset:
          value = place;
          is_value = true;
          break;
        case Rule::How::column:
          if (rule.number < 0 || static_cast<std::uint64_t>(rule.number) >= return_column) return false;
          value = context_.gpr[column_gpr[rule.number]];
          is_value = true;
          break;
        case Rule::How::expression:
          if (!evaluate(rule.expression, true, place)) return false;
          break;
        case Rule::How::value_expression:
          if (!evaluate(rule.expression, true, value)) return false;
          is_value = true;
          break;
      }
      if (column >= first_xmm) {
        if (is_value) return false;
        after_.xmm[column - first_xmm] = {word(place), word(place + 8)};
        xmm_restored_ |= 1u << (column - first_xmm);
        continue;
      }
      if (!is_value) value = word(place);
      if (column == return_column) {
        after_.rip = value;
      } else {
        after_.gpr[column_gpr[column]] = value;
        gpr_restored_ |= 1u << column_gpr[column];
      }
    }
    for (std::size_t i = 0; i < 16; ++i) {
      if ((gpr_restored_ >> i & 1) != 0) context_.gpr[i] = after_.gpr[i];
      if ((xmm_restored_ >> i & 1) != 0) context_.xmm[i] = after_.xmm[i];
    }
    context_.rip = after_.rip;
    if ((gpr_restored_ >> column_gpr[stack_column] & 1) == 0) context_.gpr[gpr_rsp] = cfa_;
    return true;
  }

  Context& context_;
  Row& row_;
  Row& initial_;
  Context& after_;
  std::uint32_t gpr_restored_ = 0;
  std::uint32_t xmm_restored_ = 0;
  std::size_t depth_ = 0;
  std::uint8_t encoding_ = 0;
  bool augmented_ = false;
  std::uint64_t code_factor_ = 1;
  std::int64_t data_factor_ = 1;
  std::uint64_t location_ = 0;
  std::uint64_t target_ = 0;
  std::uint64_t cfa_ = 0;
};

}  // namespace

bool unwind_host_frame(Context& context, bool exact) {
  return Machine(context).run(exact);
}

}  // namespace dumpsim::machine
