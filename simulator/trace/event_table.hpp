// SPDX-License-Identifier: Apache-2.0
// One table says for each kind of event which fields it has, what they are called and how they are written. JSON Lines
// are made from it and docs/trace.md is checked against it, so that neither can forget a field.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "trace/record.hpp"

namespace dumpsim::trace {

/// Where a field's value comes from in a record.
enum class Slot : std::uint8_t { image, callback, irql, status, length, offset, before, object, flags, arg, payload };

/// How it is written in JSON. Numbers that may exceed 2^53 are strings in hex.
enum class Format : std::uint8_t {
  image,          ///< the image's name, or null
  callback,       ///< "DumpWrite"
  number,         ///< a JSON number
  hex,            ///< "0x100000"
  status,         ///< "0xc000009a": always eight digits
  boolean,        ///< flags' bit 0
  mdl,            ///< "mdl#3"
  digest,         ///< sixteen hex digits
  changes,        ///< an array of Change names
  rule,           ///< a rule's slug
  severity,       ///< "warning"
  fault,          ///< "access"
  request,        ///< "IRP_MJ_DEVICE_CONTROL 0x222004"
  irql_from,      ///< bits 8 to 15 of arg
  irql_to,        ///< bits 0 to 7 of arg
  text,           ///< the payload as text
  before_nul,     ///< of a payload of two texts, the first
  after_nul,      ///< and the second
  registry_type,  ///< "REG_DWORD"
  parameters,     ///< the payload as an array of four hex numbers
  guid,           ///< the payload, 16 bytes, as a GUID
};

/// When it is written at all.
enum class When : std::uint8_t {
  always,
  if_set,       ///< the slot is not 0
  if_transfer,  ///< the event has a length: only write, read, port and disk records have one
};

struct FieldRow {
  std::string_view key;
  Slot slot;
  Format format;
  When when;
  std::string_view meaning;
};

struct EventRow {
  Kind kind;
  std::string_view meaning;
  std::span<const FieldRow> fields;
};

/// One row a kind, in the order of the enumeration (Kind::none has none).
std::span<const EventRow> all_events();
/// REQUIRES: `kind` is neither none nor count_.
const EventRow& row_of(Kind kind);

struct ChangeName {
  Change change;
  std::string_view key;   ///< in JSON: "mapped_va"
  std::string_view word;  ///< for people: "MappedSystemVa"
};
std::span<const ChangeName> all_changes();

}  // namespace dumpsim::trace
