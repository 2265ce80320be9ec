// SPDX-License-Identifier: Apache-2.0
// What programs read: parsed by an independent JSON parser, with exactly the table's keys in the table's order.
#include "trace/jsonl.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sample.hpp"
#include "trace/event_table.hpp"
#include "trace/reader.hpp"

namespace dumpsim::trace {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> parse(const std::string& lines) {
  std::vector<Json> events;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) events.push_back(Json::parse(line));
  return events;
}

std::string json_of(const auto& life) {
  const test::Block block(1 << 20);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, {});
  life(recorder, clock);
  recorder.settle();
  const auto view = TraceView::open(block.bytes());
  return view ? to_jsonl(*view) : view.error().message;
}

TEST(Jsonl, TheGoldenLife) {
  std::ifstream file(std::filesystem::path(DUMPSIM_TESTS) / "trace/golden/sample.jsonl", std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(golden.empty());
  EXPECT_EQ(json_of([](Recorder& r, std::uint64_t& clock) { test::record_sample(r, clock, 1024); }), golden);
  EXPECT_NE(json_of([](Recorder& r, std::uint64_t& clock) { test::record_sample(r, clock, 1023); }), golden);
}

// Every kind with every slot set: all of its keys, in order, and nothing else.
TEST(Jsonl, EachEventHasItsTablesKeys) {
  for (const EventRow& row : all_events()) {
    const std::string lines = json_of([&](Recorder& r, std::uint64_t&) {
      r.emit({.kind = row.kind,
              .callback = Callback::write,
              .irql = 15,
              .image = 0,
              .status = test::unsuccessful,
              .length = 512,
              // A repeat of more than there is would be cut as garbled.
              .flags = 1,
              .arg = 1,
              .offset = 2,
              .before = 3,
              .object = 4},
             std::string_view("text"));
    });
    if (row.kind == Kind::repeat) continue;  // below, where there is a step to repeat
    const std::vector<Json> events = parse(lines);
    ASSERT_EQ(events.size(), 1u) << lines;
    std::vector<std::string> expected = {"event", "time"};
    for (const FieldRow& field : row.fields) expected.emplace_back(field.key);
    std::vector<std::string> keys;
    for (const auto& item : events[0].items()) keys.push_back(item.key());
    EXPECT_EQ(keys, expected);
    EXPECT_EQ(events[0]["event"], std::string(name_of(row.kind)));
  }
}

TEST(Jsonl, WritesValuesAsPromised) {
  const std::vector<Json> events = parse(json_of([](Recorder& r, std::uint64_t& clock) {
    clock = 77;
    r.callback_left(no_image, Callback::read, 2, static_cast<std::int32_t>(0xc000009a), change_pfns | (1u << 30), 4096,
                    UINT64_MAX, 0, 9);
    r.debug_print(0, 3, "\"quoted\\\" \x01 \xff ü\n");
    r.irql_changed(0, 2, 15);
    r.violation(0, Callback::write, static_cast<Rule>(999), static_cast<Severity>(9), "");
    r.fault(0, Callback::none, FaultKind::stack_overflow, "");
    r.crash_started(0xd1, {1, 2, 3, UINT64_MAX});
    r.callback_entered(0, Callback::start, 15);
    r.port_write(0, 0, 512, 0x1234);
    r.usage_notification(2, false, 0);
  }));
  ASSERT_EQ(events.size(), 9u);
  EXPECT_EQ(
      events[0].dump(),
      R"({"event":"callback_left","time":77,"filter":null,"callback":"DumpRead","irql":2,"status":"0xc000009a",)"
      R"("changes":["pfns","0x40000000"],"length":4096,"offset":"0xffffffffffffffff","before":"0x0","mdl":"mdl#9"})");
  EXPECT_EQ(events[1]["text"], "\"quoted\\\" \x01 \xef\xbf\xbd ü\n");
  EXPECT_EQ(events[2]["from"], 2);
  EXPECT_EQ(events[2]["to"], 15);
  EXPECT_EQ(events[3]["rule"], "rule#999");
  EXPECT_EQ(events[3]["severity"], "unknown");
  EXPECT_EQ(events[4]["fault"], "stack overflow");
  EXPECT_EQ(events[5]["parameters"].dump(), R"(["0x1","0x2","0x3","0xffffffffffffffff"])");
  EXPECT_FALSE(events[6].contains("offset")) << "DumpStart has no transfer";
  EXPECT_EQ(events[7]["digest"], "0000000000001234");
  EXPECT_EQ(events[8]["entering"], false);
}

TEST(Jsonl, AProgramCanExpandARepeat) {
  const std::vector<Json> events = parse(json_of([](Recorder& r, std::uint64_t&) {
    for (std::uint64_t i = 0; i < 5; ++i) test::write_step(r, 0x1000 + i * 512, 512);
  }));
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[3].dump(), R"({"event":"repeat","time":0,"count":4,"records":3,"length":512,"offset":"0x1200"})");
  EXPECT_EQ(events[1]["moves"].dump(), R"(["offset","before"])");
  EXPECT_EQ(events[2]["moves"].dump(), R"(["offset"])");
}

}  // namespace
}  // namespace dumpsim::trace
