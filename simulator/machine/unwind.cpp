// SPDX-License-Identifier: Apache-2.0
#include "machine/unwind.hpp"

#include <algorithm>
#include <cstring>

namespace dumpsim::machine {
namespace {

constexpr std::uint8_t flag_chained = 4;
constexpr std::size_t chain_limit = 32;

enum Operation : std::uint8_t {
  push_nonvolatile = 0,
  allocate_large = 1,
  allocate_small = 2,
  set_frame = 3,
  save_nonvolatile = 4,
  save_nonvolatile_far = 5,
  epilogue = 6,  // version 2; in version 1 a form of saving xmm registers that no compiler has emitted for decades
  save_xmm = 8,
  save_xmm_far = 9,
  push_machine_frame = 10,
};

template <class T>
bool read(const Memory& memory, std::uint64_t address, T& into) {
  return memory.read(address, std::as_writable_bytes(std::span(&into, 1)));
}

struct Code {
  std::uint8_t offset = 0;  // in the prologue, behind the instruction
  std::uint8_t operation = 0;
  std::uint8_t argument = 0;
  std::uint32_t slots = 1;

  std::uint32_t low = 0;   // the slot behind it
  std::uint32_t wide = 0;  // the two slots behind it
};

/// One UNWIND_INFO, copied and checked.
class Table {
 public:
  const char* load(const Memory& memory, const UnwindImage& image, std::uint32_t address) {
    std::array<std::uint8_t, 4> head{};
    if (!inside(image, address, sizeof head) || !read(memory, image.base + address, head)) {
      return "unwind information outside the image";
    }
    version = head[0] & 7;
    flags = head[0] >> 3;
    prologue = head[1];
    count = head[2];
    frame_register = head[3] & 15;
    frame_offset = (head[3] >> 4) * 16u;
    if (version != 1 && version != 2) return "unwind information of an unknown version";
    // The codes are followed by a chained row or by a handler's address, both aligned to four bytes.
    tail = address + 4 + (count + (count & 1)) * 2;
    const std::uint32_t bytes = count * 2;
    if (!inside(image, address + 4, bytes)) return "unwind codes outside the image";
    if (bytes != 0 && !memory.read(image.base + address + 4, std::as_writable_bytes(std::span(slots)).first(bytes))) {
      return "unwind codes outside the image";
    }
    return nullptr;
  }

  bool chained() const { return (flags & flag_chained) != 0; }

  /// The code at slot `at`; nullptr or what is wrong.
  const char* code(std::uint32_t at, Code& into) const {
    into = {};
    into.offset = static_cast<std::uint8_t>(slots[at]);
    into.operation = (slots[at] >> 8) & 15;
    into.argument = static_cast<std::uint8_t>(slots[at] >> 12);
    switch (into.operation) {
      case push_nonvolatile:
      case allocate_small:
      case set_frame:
      case push_machine_frame:
        break;
      case allocate_large:
        if (into.argument > 1) return "an unwind code that allocates in no known way";
        into.slots = 2 + into.argument;
        break;
      case save_nonvolatile:
      case save_xmm:
        into.slots = 2;
        break;
      case save_nonvolatile_far:
      case save_xmm_far:
        into.slots = 3;
        break;
      case epilogue:
        if (version == 1) into.slots = 2;
        break;
      default:
        return "an unknown unwind code";
    }
    if (into.slots > count - at) return "unwind codes that end in the middle of one";
    if (into.slots > 1) into.low = slots[at + 1];
    if (into.slots > 2) into.wide = into.low | static_cast<std::uint32_t>(slots[at + 2]) << 16;
    return nullptr;
  }

  /// Version 2 lists epilogues in pairs of slots; the second of the last pair may be empty.
  std::uint32_t padding_after_epilogues(std::uint32_t at, std::uint32_t epilogues) const {
    return version == 2 && epilogues % 2 == 1 && at < count && slots[at] == 0 ? 1 : 0;
  }

  static bool inside(const UnwindImage& image, std::uint64_t address, std::uint64_t bytes) {
    return address <= image.bytes && bytes <= image.bytes - address;
  }

  std::uint8_t version = 0;
  std::uint8_t flags = 0;
  std::uint32_t prologue = 0;
  std::uint32_t count = 0;
  std::uint8_t frame_register = 0;
  std::uint32_t frame_offset = 0;
  std::uint32_t tail = 0;  // address in the image of what follows the codes
  std::array<std::uint16_t, 256> slots{};
};

/// The instructions of an epilogue: an optional release of the fixed part of the frame, pops, then a return or a jump
/// that leaves the function [doc]. Tells what is left of one at the context's rip.
class Epilogue {
 public:
  Epilogue(const Memory& memory, const UnwindImage& image, FunctionRow row, const Table& table, const Context& context)
      : row_(row), table_(table), base_(image.base), context_(context) {
    constexpr std::uint64_t page = 4096;
    const std::uint64_t rip = context.rip;
    // All pops with a prefix, a release and a jump have room; what lies behind the function belongs to another.
    std::uint64_t wanted = std::min<std::uint64_t>(code_.size(), image.base + row.end - rip);
    if (!memory.read(rip, std::as_writable_bytes(std::span(code_)).first(wanted))) {
      wanted = std::min(wanted, page - rip % page);
      if (!memory.read(rip, std::as_writable_bytes(std::span(code_)).first(wanted))) wanted = 0;
    }
    size_ = wanted;
  }

  /// Whether rip is in one. `released`: it may begin with the release, which epilogues of version 2 do not hold.
  bool find(bool may_release) {
    at_ = 0;
    pops_ = 0;
    release_ = 0;
    frame_ = false;
    if (may_release && !take_release()) return false;
    while (take_pop()) {
      if (pops_ > 16) return false;
    }
    return leaves();
  }

  const char* undo(const Memory& memory, Context& context, SavedPlaces* places) const {
    std::uint64_t rsp = frame_ ? context.gpr[table_.frame_register] + release_ : context.rsp() + release_;
    for (std::size_t i = 0; i < pops_; ++i) {
      std::uint64_t value = 0;
      if (!read(memory, rsp, value)) return "a stack that ends in a frame";
      if (registers_[i] == gpr_rsp) return "an epilogue that pops the stack pointer";
      context.gpr[registers_[i]] = value;
      if (places != nullptr) places->gpr[registers_[i]] = rsp;
      rsp += 8;
    }
    context.gpr[gpr_rsp] = rsp;
    return nullptr;
  }

 private:
  bool have(std::size_t bytes) const { return bytes <= size_ - at_; }
  std::uint8_t byte(std::size_t ahead) const { return code_[at_ + ahead]; }
  std::int64_t short_number(std::size_t ahead) const { return std::int64_t{static_cast<std::int8_t>(byte(ahead))}; }
  std::int32_t number(std::size_t ahead) const {
    std::int32_t value = 0;
    std::memcpy(&value, &code_[at_ + ahead], sizeof value);
    return value;
  }

  /// False only for a lea of rsp that no epilogue has; nothing to take is fine.
  bool take_release() {
    if (!have(4)) return true;
    const std::uint8_t prefix = byte(0);
    if (prefix == 0x48 && byte(1) == 0x83 && byte(2) == 0xC4) {  // add rsp, imm8
      release_ = static_cast<std::uint64_t>(short_number(3));
      at_ += 4;
    } else if (have(7) && prefix == 0x48 && byte(1) == 0x81 && byte(2) == 0xC4) {  // add rsp, imm32
      release_ = static_cast<std::uint64_t>(number(3));
      at_ += 7;
    } else if ((prefix & 0xFE) == 0x48 && byte(1) == 0x8D && (byte(2) & 0x38) == 0x20) {  // lea rsp, [frame + …]
      const std::uint8_t from = static_cast<std::uint8_t>((byte(2) & 7) | (prefix & 1) << 3);
      if (table_.frame_register == 0 || from != table_.frame_register || (byte(2) & 7) == 4) return false;
      frame_ = true;
      if (byte(2) >> 6 == 1) {
        release_ = static_cast<std::uint64_t>(short_number(3));
        at_ += 4;
      } else if (byte(2) >> 6 == 2 && have(7)) {
        release_ = static_cast<std::uint64_t>(number(3));
        at_ += 7;
      } else if (byte(2) >> 6 == 0 && (byte(2) & 7) != 5) {
        at_ += 3;
      } else {
        return false;
      }
    }
    return true;
  }

  bool take_pop() {
    if (have(1) && (byte(0) & 0xF8) == 0x58) {
      registers_[pops_++ % registers_.size()] = byte(0) & 7;
      at_ += 1;
      return true;
    }
    if (have(2) && (byte(0) & 0xFE) == 0x40 + (byte(0) & 1) && (byte(1) & 0xF8) == 0x58) {
      registers_[pops_++ % registers_.size()] = static_cast<std::uint8_t>((byte(1) & 7) | (byte(0) & 1) << 3);
      at_ += 2;
      return true;
    }
    return false;
  }

  bool leaves() const {
    if (!have(1)) return false;
    const std::uint8_t first = byte(0);
    if (first == 0xC3) return true;                        // ret
    if (first == 0xC2) return have(3);                     // ret imm16
    if (first == 0xF3) return have(2) && byte(1) == 0xC3;  // rep ret
    if (first == 0xEB) return have(2) && outside(short_number(1), 2);
    if (first == 0xE9) return have(5) && outside(number(1), 5);
    if (first == 0xFF) return have(2) && byte(1) == 0x25;  // jmp [rip + …]
    if (first == 0x48 && have(3) && byte(1) == 0xFF) {     // the same with a prefix, and jmp register
      return byte(2) == 0x25 || (byte(2) & 0xF8) == 0xE0 || (byte(2) & 0x38) == 0x20;
    }
    return false;
  }

  bool outside(std::int64_t distance, std::size_t length) const {
    const std::uint64_t target = context_.rip + at_ + length + static_cast<std::uint64_t>(distance) - base_;
    return target < row_.begin || target >= row_.end || (target == row_.begin && !table_.chained());
  }

  FunctionRow row_;
  const Table& table_;
  std::uint64_t base_;
  const Context& context_;
  std::array<std::uint8_t, 48> code_{};
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  std::uint64_t release_ = 0;
  bool frame_ = false;
  std::size_t pops_ = 0;
  std::array<std::uint8_t, 17> registers_{};
};

/// Whether the table of version 2 says that `offset` of `row` is in an epilogue.
bool in_listed_epilogue(const Table& table, FunctionRow row, std::uint32_t offset) {
  std::uint32_t size = 0;
  bool first = true;
  for (std::uint32_t at = 0; at < table.count; ++at) {
    const std::uint16_t slot = table.slots[at];
    if (((slot >> 8) & 15) != epilogue) break;
    std::uint32_t from_end = 0;
    if (first) {
      first = false;
      size = slot & 0xFF;
      if ((slot >> 12 & 1) == 0) continue;  // none at the function's end
      from_end = size;
    } else {
      from_end = (slot & 0xFFu) | (slot >> 12 & 0xFu) << 8;
      if (from_end == 0) continue;
    }
    const std::uint32_t length = row.end - row.begin;
    if (from_end > length) continue;
    const std::uint32_t start = length - from_end;
    if (offset >= start && offset - start < size) return true;
  }
  return false;
}

/// Undoes what the codes say happened by `offset` into the prologue; all of it when the prologue is over.
class Codes {
 public:
  Codes(const Memory& memory, Context& context, SavedPlaces* places)
      : memory_(memory), context_(context), places_(places) {}

  const char* undo(const Table& table, bool all, std::uint32_t offset, std::uint64_t frame_base) {
    std::uint32_t epilogues = 0;
    for (std::uint32_t at = 0; at < table.count;) {
      if (const std::uint32_t padding = table.padding_after_epilogues(at, epilogues); padding != 0) {
        epilogues = 0;
        at += padding;
        continue;
      }
      Code code;
      if (const char* wrong = table.code(at, code); wrong != nullptr) return wrong;
      at += code.slots;
      if (code.operation == epilogue) {
        ++epilogues;
        continue;
      }
      epilogues = 0;
      if (!all && code.offset > offset) continue;
      if (const char* wrong = undo(table, code, frame_base); wrong != nullptr) return wrong;
    }
    return nullptr;
  }
  bool machine_frame() const { return machine_frame_; }

 private:
  const char* undo(const Table& table, const Code& code, std::uint64_t frame_base) {
    constexpr const char* no_stack = "a stack that ends in a frame";
    std::uint64_t& rsp = context_.gpr[gpr_rsp];
    switch (code.operation) {
      case push_nonvolatile:
        if (code.argument == gpr_rsp) return "an unwind code that pushes the stack pointer";
        if (!restore(code.argument, rsp)) return no_stack;
        rsp += 8;
        break;
      case allocate_large:
        rsp += code.argument == 0 ? code.low * 8 : code.wide;
        break;
      case allocate_small:
        rsp += code.argument * 8u + 8;
        break;
      case set_frame:
        if (table.frame_register == 0) return "an unwind code that sets a frame register, and no such register";
        rsp = context_.gpr[table.frame_register] - table.frame_offset;
        break;
      case save_nonvolatile:
      case save_nonvolatile_far: {
        const std::uint64_t place = frame_base + (code.operation == save_nonvolatile ? code.low * 8 : code.wide);
        if (code.argument == gpr_rsp) return "an unwind code that saves the stack pointer";
        if (!restore(code.argument, place)) return no_stack;
        break;
      }
      case save_xmm:
      case save_xmm_far: {
        const std::uint64_t place = frame_base + (code.operation == save_xmm ? code.low * 16 : code.wide);
        if (!read(memory_, place, context_.xmm[code.argument])) return no_stack;
        if (places_ != nullptr) places_->xmm[code.argument] = place;
        break;
      }
      case push_machine_frame: {
        if (code.argument > 1) return "a machine frame of no known kind";
        const std::uint64_t frame = rsp + code.argument * 8u;
        std::uint64_t stack = 0;
        if (!read(memory_, frame, context_.rip) || !read(memory_, frame + 24, stack)) return no_stack;
        rsp = stack;
        machine_frame_ = true;
        break;
      }
      default:
        break;
    }
    return nullptr;
  }

  bool restore(std::uint8_t gpr, std::uint64_t place) {
    std::uint64_t value = 0;
    if (!read(memory_, place, value)) return false;
    context_.gpr[gpr] = value;
    if (places_ != nullptr) places_->gpr[gpr] = place;
    return true;
  }

  const Memory& memory_;
  Context& context_;
  SavedPlaces* places_;
  bool machine_frame_ = false;
};

/// The frame as the function's handlers are given it: what the frame register holds once it is set, the stack pointer
/// before that and where there is none.
std::uint64_t establisher_of(const Table& table, const Context& context, bool in_prologue, std::uint32_t offset) {
  if (table.frame_register == 0) return context.rsp();
  bool set = !in_prologue || table.chained();
  for (std::uint32_t at = 0; !set && at < table.count;) {
    Code code;
    if (table.code(at, code) != nullptr) break;
    if (code.operation == set_frame && code.offset <= offset) set = true;
    at += code.slots;
  }
  return set ? context.gpr[table.frame_register] - table.frame_offset : context.rsp();
}

}  // namespace

const FunctionRow* find_function(const UnwindImage& image, std::uint64_t address) {
  if (!image.contains(address)) return nullptr;
  const auto relative = static_cast<std::uint32_t>(address - image.base);
  const auto after = std::upper_bound(image.rows.begin(), image.rows.end(), relative,
                                      [](std::uint32_t value, const FunctionRow& row) { return value < row.begin; });
  if (after == image.rows.begin()) return nullptr;
  const FunctionRow& row = *(after - 1);
  return relative < row.end ? &row : nullptr;
}

const char* unwind_frame(const Memory& memory, const UnwindImage& image, FunctionRow row, HandlerKind wanted,
                         Context& context, UnwoundFrame& frame, SavedPlaces* places) {
  constexpr std::uint32_t indirect = 1;
  frame = {};
  const auto offset = static_cast<std::uint32_t>(context.rip - image.base) - row.begin;
  if ((row.unwind & indirect) != 0) {  // the row stands for another one
    const std::uint32_t at = row.unwind & ~indirect;
    FunctionRow other;
    if (!Table::inside(image, at, sizeof other) || !read(memory, image.base + at, other)) {
      return "a row that leads outside the image";
    }
    row.unwind = other.unwind;
    if ((row.unwind & indirect) != 0) return "a row that leads to a row that leads on";
  }
  Table table;
  if (const char* wrong = table.load(memory, image, row.unwind); wrong != nullptr) return wrong;
  const bool in_prologue = offset < table.prologue && !table.chained();
  frame.establisher = establisher_of(table, context, in_prologue, offset);

  bool in_epilogue = false;
  if (!in_prologue && (table.version == 1 || in_listed_epilogue(table, row, offset))) {
    Epilogue here(memory, image, row, table, context);
    if (here.find(table.version == 1)) {
      in_epilogue = true;
      if (const char* wrong = here.undo(memory, context, places); wrong != nullptr) return wrong;
    }
  }
  Codes codes(memory, context, places);
  if (!in_epilogue) {
    bool all = !in_prologue;
    std::uint64_t frame_base = frame.establisher;
    for (std::size_t links = 0;; ++links) {
      if (const char* wrong = codes.undo(table, all, offset, frame_base); wrong != nullptr) return wrong;
      if (!table.chained()) break;
      if (links == chain_limit) return "unwind information chained in a circle";
      FunctionRow next;
      if (!Table::inside(image, table.tail, sizeof next) || !read(memory, image.base + table.tail, next)) {
        return "chained unwind information outside the image";
      }
      if (const char* wrong = table.load(memory, image, next.unwind); wrong != nullptr) return wrong;
      all = true;
      frame_base = table.frame_register == 0 ? context.rsp() : context.gpr[table.frame_register] - table.frame_offset;
    }
    if (!in_prologue && wanted != HandlerKind::none && (table.flags & static_cast<std::uint8_t>(wanted)) != 0) {
      std::uint32_t handler = 0;
      if (!Table::inside(image, table.tail, sizeof handler) || !read(memory, image.base + table.tail, handler)) {
        return "a handler's address outside the image";
      }
      if (handler == 0 || handler >= image.bytes) return "a handler outside the image";
      frame.handler = image.base + handler;
      frame.handler_data = image.base + table.tail + sizeof handler;
    }
  }
  return codes.machine_frame() ? nullptr : unwind_leaf(memory, context);
}

const char* unwind_leaf(const Memory& memory, Context& context) {
  std::uint64_t& rsp = context.gpr[gpr_rsp];
  if (!read(memory, rsp, context.rip)) return "a stack that ends before a return address";
  rsp += 8;
  return nullptr;
}

}  // namespace dumpsim::machine
