// SPDX-License-Identifier: Apache-2.0
// What a scenario means once it is read: every value lands where the engine looks for it.
#include "scenario/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "scenario/keys.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Scenario read(std::string_view text) {
  Result<Scenario> scenario = parse(text, "folder/test.toml");
  EXPECT_TRUE(scenario.has_value()) << (scenario ? std::string() : scenario.error().message);
  return scenario ? std::move(*scenario) : Scenario{};
}

TEST(Scenario, ReadsTheTutorial) {
  const Scenario scenario = read(R"(
title = "An AES-XTS filter leaves no sector of memory readable on the disk"
[system]
profile = "windows-11"
memory = { size = "64 MiB", fill = "canary" }
[disk]
size = "256 MiB"
partition_offset = "1 MiB"
[dump]
kind = "complete"
file = { size = "80 MiB", fragments = 5, seed = 7 }
bugcheck = { code = 0xE2, parameters = [1, "0xFFFFF80000000000"] }
[[filter]]
image = "aes_xts"
parameters = { Key = "hex:00 ff" }
[expect]
outcome = "completed"
recovered = "identical"
readable_sectors_on_disk = 0
calls = ["DriverEntry", "DumpStart", "aes_xts:DumpWrite*", "DumpFinish"]
)");
  EXPECT_THAT(scenario.title, HasSubstr("AES-XTS"));
  EXPECT_EQ(scenario.system.profile, policy::Profile::windows_11);
  EXPECT_THAT(scenario.system.memory.runs, ElementsAre(dumpfile::PageRun{0, 16384}));
  EXPECT_EQ(scenario.disk.size, 256u << 20);
  ASSERT_EQ(scenario.disk.partitions.size(), 1u);
  EXPECT_EQ(scenario.disk.partitions[0].start, DiskOffset{1 << 20});
  EXPECT_EQ(scenario.disk.partitions[0].size, 254u << 20);
  EXPECT_EQ(scenario.dump.file.size, 80u << 20);
  EXPECT_EQ(scenario.dump.file.fragments, 5u);
  EXPECT_EQ(scenario.dump.file.seed, 7u);
  EXPECT_EQ(scenario.dump.bugcheck.code, 0xE2u);
  EXPECT_THAT(scenario.dump.bugcheck.parameters, ElementsAre(1u, 0xFFFFF80000000000u, 0u, 0u));
  ASSERT_EQ(scenario.filters.size(), 1u);
  EXPECT_EQ(scenario.filters[0].name, "aes_xts");
  EXPECT_EQ(scenario.filters[0].folder, "folder");
  EXPECT_EQ(scenario.filters[0].parameters.at("Key"), (RegistryValue{3, {std::byte{0}, std::byte{0xff}}}));
  EXPECT_THAT(scenario.timeline, ElementsAre(TimelineStep::boot, TimelineStep::crash, TimelineStep::next_boot));
  EXPECT_EQ(scenario.expect.recovered, Recovered::identical);
  ASSERT_TRUE(scenario.expect.readable_sectors.has_value());
  EXPECT_EQ(scenario.expect.readable_sectors->most, 0u);
  ASSERT_EQ(scenario.expect.calls.size(), 4u);
  EXPECT_EQ(scenario.expect.calls[2].filter, "aes_xts");
  EXPECT_EQ(scenario.expect.calls[2].callback, trace::Callback::write);
  EXPECT_EQ(scenario.expect.calls[2].repeat, '*');
  EXPECT_EQ(scenario.expect.calls[3].callback, trace::Callback::finish);
  EXPECT_EQ(scenario.expect.calls[3].repeat, 0);
}

TEST(Scenario, ParametersTakeTheirRegistryTypes) {
  const Scenario scenario = read(
      "[[filter]]\nimage = \"x\"\nparameters = { D = 0xFFFFFFFF, Q = 0x100000000, S = \"a\", M = "
      "[\"a\", \"b\"], E = [], B = \"hex:\" }");
  const auto& parameters = scenario.filters.at(0).parameters;
  EXPECT_EQ(parameters.at("D"), RegistryValue::dword(0xFFFFFFFF));
  EXPECT_EQ(parameters.at("Q"), RegistryValue::qword(0x100000000));
  EXPECT_EQ(parameters.at("S"), RegistryValue::text("a"));
  EXPECT_EQ(parameters.at("M"), RegistryValue::list(std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parameters.at("E"), RegistryValue::list({}));
  EXPECT_EQ(parameters.at("B"), RegistryValue::binary({}));
}

TEST(Scenario, NamesOfFiltersComeFromTheirImages) {
  const Scenario scenario = read(
      "[[filter]]\nimage = \"a/b.so\"\n[[filter]]\nimage = \"../c.sys\"\n[[filter]]\nimage = "
      "\"d\"\n[[filter]]\nimage = \"d\"\nname = \"e\"\nconvention = \"system-v\"");
  EXPECT_EQ(scenario.filters.at(0).name, "b");
  EXPECT_EQ(scenario.filters.at(1).name, "c");
  EXPECT_EQ(scenario.filters.at(2).name, "d");
  EXPECT_EQ(scenario.filters.at(3).name, "e");
  EXPECT_EQ(scenario.filters.at(2).convention, Convention::from_image);
  EXPECT_EQ(scenario.filters.at(3).convention, Convention::system_v);
}

TEST(Scenario, PoliciesComeFromTheProfileAndAreOverridden) {
  const Scenario scenario = read(
      "[system]\nprofile = \"windows-7\"\n[policy]\nread_support = true\nport_transfer_limit = "
      "\"128 KiB\"");
  EXPECT_EQ(scenario.policies.profile(), policy::Profile::windows_7);
  EXPECT_EQ(scenario.policies.number(policy::Policy::init_size), 56u);
  EXPECT_TRUE(scenario.policies.is(policy::Policy::read_support, "yes"));
  EXPECT_TRUE(scenario.policies.overridden(policy::Policy::read_support));
  EXPECT_EQ(scenario.policies.number(policy::Policy::port_transfer_limit), 131072u);
  EXPECT_FALSE(scenario.policies.overridden(policy::Policy::init_size));
}

TEST(Scenario, SequencesKeepTheirOrderAndFillTheFile) {
  const Scenario scenario = read(R"(sequence = ["start", "load", "write", { write = { pages = 4 } }, "write", "read",
    { write = { offset = "1 MiB", first = 8 } }, { write = { file_offset = 512 } }, "write", { write = { stack = "hibernation" } },
    { unload = { stack = "hibernation" } }, "power-cut"])");
  ASSERT_EQ(scenario.sequence.size(), 12u);
  using Action = SequenceStep::Action;
  EXPECT_EQ(scenario.sequence[0].action, Action::start);
  EXPECT_EQ(scenario.sequence[1].action, Action::load);
  EXPECT_EQ(scenario.sequence[2].file_offset, 0u);
  EXPECT_EQ(scenario.sequence[3].file_offset, 4096u);
  EXPECT_EQ(scenario.sequence[3].pages, 4u);
  EXPECT_EQ(scenario.sequence[4].file_offset, 20480u);
  EXPECT_EQ(scenario.sequence[5].file_offset, 0u) << "reads count on their own";
  EXPECT_EQ(scenario.sequence[6].file_offset, std::nullopt);
  EXPECT_EQ(scenario.sequence[6].offset, PartitionOffset{1 << 20});
  EXPECT_EQ(scenario.sequence[6].first, 8u);
  EXPECT_EQ(scenario.sequence[7].file_offset, 512u);
  EXPECT_EQ(scenario.sequence[8].file_offset, 4608u) << "behind the one before it";
  EXPECT_EQ(scenario.sequence[9].file_offset, 0u) << "each stack has its file";
  EXPECT_TRUE(scenario.sequence[9].hibernation);
  EXPECT_EQ(scenario.sequence[10].action, Action::unload);
  EXPECT_EQ(scenario.sequence[11].action, Action::power_cut);
  EXPECT_TRUE(scenario.timeline.empty());
  EXPECT_GT(scenario.hibernation.file.size, 16u << 20) << "a hibernation step needs a file";
}

TEST(Scenario, ExpectationsKeepTheirBounds) {
  const Scenario scenario = read(R"([[filter]]
image = "xor"
[expect]
writes = 7
write_size = { at_most = 65536 }
bytes_on_disk = { at_least = 1 }
redirected = { at_least = 1, at_most = 2 }
violations = ["pool.leak", { rule = "irql.too-high", count = 3 }, { rule = "mdl.size-changed", at_most = 2 }]
statuses = [{ filter = "xor", callback = "DumpWrite", status = "STATUS_UNSUCCESSFUL" }, { callback = "DumpStart", status = 0x103 }]
disabled = ["xor"]
debug_output = ["one", "two"]
)");
  const Expect& expect = scenario.expect;
  EXPECT_EQ(expect.writes->least, 7u);
  EXPECT_EQ(expect.writes->most, 7u);
  EXPECT_EQ(expect.write_size->least, 0u);
  EXPECT_EQ(expect.bytes_on_disk->most, UINT64_MAX);
  EXPECT_EQ(expect.redirected->most, 2u);
  ASSERT_EQ(expect.violations.size(), 3u);
  EXPECT_EQ(expect.violations[0].rule, trace::Rule::pool_leak);
  EXPECT_EQ(expect.violations[0].count.least, 1u);
  EXPECT_EQ(expect.violations[1].count.least, 3u);
  EXPECT_EQ(expect.violations[1].count.most, 3u);
  EXPECT_EQ(expect.violations[2].count.least, 0u);
  ASSERT_EQ(expect.statuses.size(), 2u);
  EXPECT_EQ(expect.statuses[0].status, static_cast<std::int32_t>(0xC0000001));
  EXPECT_EQ(expect.statuses[0].callback, trace::Callback::write);
  EXPECT_EQ(expect.statuses[1].status, 0x103);
  EXPECT_THAT(expect.disabled, ElementsAre("xor"));
  EXPECT_THAT(expect.debug_output, ElementsAre("one", "two"));
  EXPECT_FALSE(expect.any_violation);
  EXPECT_TRUE(read("[expect]\nviolations = \"any\"").expect.any_violation);
}

TEST(Scenario, PathsAreRelativeToItsFolder) {
  const Scenario scenario = read(
      "[system]\nmemory = { fill = \"image\", image = \"ram.bin\" }\n[disk]\nbackend = \"raw\"\npath "
      "= \"/var/disk.img\"\n[recover]\noutput = \"out/MEMORY.DMP\"");
  EXPECT_EQ(scenario.system.memory.image, "folder/ram.bin");
  EXPECT_EQ(scenario.disk.path, "/var/disk.img");
  EXPECT_EQ(scenario.recover.output, "folder/out/MEMORY.DMP");
}

TEST(Scenario, RulesTakeSeverities) {
  const Scenario scenario = read("[rules]\n\"irql.too-high\" = \"error\"\n\"pool.leak\" = \"off\"");
  EXPECT_EQ(scenario.severities.at(trace::Rule::irql_too_high), trace::Severity::error);
  EXPECT_EQ(scenario.severities.at(trace::Rule::pool_leak), trace::Severity::off);
  EXPECT_EQ(scenario.severities.size(), 2u);
}

TEST(Scenario, WordsFollowTheNamesOfOtherRooms) {
  ASSERT_EQ(words::profile.size(), policy::all_profiles().size());
  for (std::size_t i = 0; i < words::profile.size(); ++i) EXPECT_EQ(words::profile[i], policy::all_profiles()[i].name);
  for (std::size_t i = 0; i < words::callback.size(); ++i) {
    EXPECT_EQ(words::callback[i], trace::name_of(static_cast<trace::Callback>(i + 1)));
  }
  EXPECT_EQ(words::callback.size() + 1, static_cast<std::size_t>(trace::Callback::thread)) << "a filter's own";
  for (std::size_t i = 0; i < words::severity.size(); ++i) {
    EXPECT_EQ(words::severity[i], trace::name_of(static_cast<trace::Severity>(i)));
  }
  EXPECT_EQ(name_of(Outcome::stack_not_loaded), "stack-not-loaded");
  EXPECT_EQ(name_of(Outcome::dump_failed), "dump-failed");
  EXPECT_EQ(name_of(Recovered::not_tried), "not-tried");
  EXPECT_EQ(name_of(Recovered::identical), "identical");
}

/// Each word means the enumerator it stands for, not its neighbour.
TEST(Scenario, WordsMeanTheirEnumerators) {
  EXPECT_EQ(read("[system]\nmemory = { fill = \"random\" }").system.memory.fill, Fill::random);
  EXPECT_EQ(read("[disk]\nbackend = \"null\"").disk.backend, Backend::null);
  EXPECT_EQ(read("[disk]\nbackend = \"raw\"").disk.backend, Backend::raw);
  EXPECT_EQ(read("[disk]\nstyle = \"mbr\"").disk.style, PartitionStyle::mbr);
  EXPECT_EQ(read("[dump]\nkind = \"active\"").dump.kind, DumpKind::active);
  EXPECT_EQ(read("[dump]\nformat = \"full\"").dump.format, Format::full);
  EXPECT_EQ(read("[dump]\nformat = \"bitmap\"").dump.format, Format::bitmap);
  EXPECT_EQ(read("").dump.format, Format::by_profile);
  EXPECT_EQ(read("[[filter]]\nimage = \"x\"\nconvention = \"microsoft\"").filters[0].convention, Convention::microsoft);
  EXPECT_EQ(read("[recover]\nvia = \"filters\"").recover.via, Recover::Via::filters);
  const Recover through_reader = read("[recover]\nvia = \"reader:lib/x.so\"").recover;
  EXPECT_EQ(through_reader.via, Recover::Via::reader);
  EXPECT_EQ(through_reader.reader, "lib/x.so");
  EXPECT_EQ(read("[recover]\nvia = \"raw\"\nshift = \"-4 KiB\"").recover.shift, -4096);
  EXPECT_EQ(read("timeline = [\"boot\", \"hibernate\", \"resume\"]").timeline[1], TimelineStep::hibernate);
  EXPECT_EQ(read("[expect]\noutcome = \"hung\"").expect.outcome, Outcome::hung);
}

TEST(Scenario, LoadsFilesAndNamesTheOnesItCannot) {
  const std::filesystem::path folder = ::testing::TempDir();
  const std::filesystem::path file = folder / "dumpsim_scenario_test.toml";
  std::ofstream(file) << "[disk]\nsise = 1\n";
  const Result<Scenario> wrong = load(file);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message, file.string() + ":2:1: unknown key \"sise\" in disk; did you mean \"size\"?");
  std::ofstream(file) << "title = \"fine\"\n";
  const Result<Scenario> fine = load(file);
  ASSERT_TRUE(fine.has_value());
  EXPECT_EQ(fine->file, file);
  std::ofstream(file) << std::string((1u << 20) + 1, '#');
  EXPECT_FALSE(load(file).has_value());
  std::filesystem::remove(file);
  const Result<Scenario> missing = load(file);
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("dumpsim_scenario_test.toml"));
  EXPECT_FALSE(load(folder).has_value()) << "a folder is no scenario";
}

}  // namespace
}  // namespace dumpsim::scenario
