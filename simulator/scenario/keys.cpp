// SPDX-License-Identifier: Apache-2.0
// The key table. A new key is a row here, a line in the docs, a property in the schema, and an accepted and a refused
// example in tests/scenario/examples.hpp; the tests say which of them is missing.
#include "scenario/keys.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "scenario/scenario.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::uint64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
constexpr std::uint64_t most_answer = mib;  // bytes a scripted device gives or keeps
constexpr std::uint64_t most_bytes = (std::uint64_t{1} << 63) - 1;

const auto table = std::to_array<Key>({
    {"title", Type::text, "the file's name", "what the scenario shows, for people"},
    {"timeline", Type::word_list, "[\"boot\", \"crash\", \"next-boot\"]", "the machine's life, step by step",
     words::timeline},
    {"sequence", Type::step_list, "none", "single steps of a dump stack, in any order, instead of a timeline",
     words::action},
    {"sequence[].load", Type::step, "none", "load the stack: DriverEntry of every filter"},
    {"sequence[].load.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].start", Type::step, "none", "DumpStart of every filter"},
    {"sequence[].start.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].open", Type::step, "none", "open the dump port"},
    {"sequence[].open.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].write", Type::step, "none", "write pages of memory through the filters"},
    {"sequence[].write.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].write.pages", Type::integer, "1", "how many pages", {}, 1, std::uint64_t{1} << 30},
    {"sequence[].write.first",
     Type::integer,
     "the first page of memory",
     "page frame number of the first page",
     {},
     0,
     highest_memory / page_size - 1},
    {"sequence[].write.offset",
     Type::size,
     "none",
     "where, from the start of the partition; may be outside the file",
     {},
     0,
     most_bytes},
    {"sequence[].write.file_offset",
     Type::size,
     "behind the write before it",
     "where, in the stack's file",
     {},
     0,
     most_bytes},
    {"sequence[].read", Type::step, "none", "read into fresh pages through the filters"},
    {"sequence[].read.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].read.pages", Type::integer, "1", "how many pages", {}, 1, std::uint64_t{1} << 30},
    {"sequence[].read.offset",
     Type::size,
     "none",
     "where, from the start of the partition; may be outside the file",
     {},
     0,
     most_bytes},
    {"sequence[].read.file_offset",
     Type::size,
     "behind the read before it",
     "where, in the stack's file",
     {},
     0,
     most_bytes},
    {"sequence[].finish", Type::step, "none", "DumpFinish of every filter"},
    {"sequence[].finish.stack", Type::word, "\"crash\"", "which stack", words::stack},
    {"sequence[].unload", Type::step, "none", "DumpUnload of every filter"},
    {"sequence[].unload.stack", Type::word, "\"crash\"", "which stack", words::stack},

    {"system", Type::table, "all defaults", "the simulated computer"},
    {"system.profile", Type::word, "\"windows-11\"", "which Windows: the defaults of every policy", words::profile},
    {"system.processors", Type::integer, "1", "processors", {}, 1, 64},
    {"system.memory", Type::table, "all defaults", "its RAM"},
    {"system.memory.size",
     Type::size,
     "\"16 MiB\", or what the image has",
     "RAM in one run from physical address 0",
     {},
     page_size,
     highest_memory},
    {"system.memory.runs", Type::table_list, "one run of size", "RAM with holes: ascending runs that do not touch"},
    {"system.memory.runs[].base", Type::size, "", "physical address of the run", {}, 0, highest_memory},
    {"system.memory.runs[].size", Type::size, "", "bytes of the run", {}, page_size, highest_memory},
    {"system.memory.fill", Type::word, "\"canary\"",
     "content: tagged sectors, zeros, random bytes, or an image's bytes", words::fill},
    {"system.memory.seed", Type::number, "1", "seed of random content"},
    {"system.memory.image", Type::path, "none", "raw file with the content of an image fill; byte 0 is address 0"},

    {"disk", Type::table, "all defaults", "the disk that holds the dump file"},
    {"disk.backend", Type::word, "\"memory\"", "where the bytes go: memory, a sparse file, or nowhere (counted)",
     words::backend},
    {"disk.path", Type::path, "a scratch file",
     "the file of the raw backend; it and the layout beside it appear when the run is complete"},
    {"disk.size", Type::size, "what the partitions need", "bytes of the disk", {}, 4096, most_bytes},
    {"disk.sector_size", Type::integer, "512", "bytes of a sector: 512 or 4096", {}, 512, 4096},
    {"disk.style", Type::word, "\"gpt\"", "partition table", words::style},
    {"disk.partition_offset", Type::size, "\"1 MiB\"", "where the only partition starts", {}, 0, most_bytes},
    {"disk.partition_size",
     Type::size,
     "the rest of the disk, or what the files need",
     "bytes of the only partition",
     {},
     512,
     most_bytes},
    {"disk.partitions", Type::table_list, "one partition", "several partitions instead of the only one"},
    {"disk.partitions[].offset", Type::size, "", "where it starts on the disk", {}, 0, most_bytes},
    {"disk.partitions[].size", Type::size, "", "its bytes", {}, 512, most_bytes},
    {"disk.dump_partition", Type::integer, "1", "which partition holds the files, counted from 1", {}, 1, 128},

    {"dump", Type::table, "all defaults", "the crash and its dump"},
    {"dump.kind", Type::word, "\"complete\"", "what a crash dumps", words::kind},
    {"dump.format", Type::word, "by policy complete_format", "file form of a complete dump: type 1, or bitmap",
     words::format},
    {"dump.file", Type::table, "all defaults", "the dump file on its partition"},
    {"dump.file.size",
     Type::size,
     "all of memory, header, bitmap and 1 MiB",
     "bytes; too few is a legal scenario",
     {},
     4096,
     most_bytes},
    {"dump.file.fragments", Type::integer, "1", "in how many extents the seed scatters it", {}, 1, 65536},
    {"dump.file.seed", Type::number, "1", "seed of the fragments"},
    {"dump.file.offset",
     Type::size,
     "chosen by the seed",
     "where on the partition an unfragmented file starts",
     {},
     0,
     most_bytes},
    {"dump.file.extents", Type::table_list, "none", "exactly these extents, in the order of the file"},
    {"dump.file.extents[].offset", Type::size, "", "where on the partition", {}, 0, most_bytes},
    {"dump.file.extents[].size", Type::size, "", "bytes of the extent", {}, 512, most_bytes},
    {"dump.bugcheck", Type::table, "all defaults", "why the machine crashes"},
    {"dump.bugcheck.code", Type::integer, "0xE2", "the bugcheck code", {}, 0, 0xffffffff},
    {"dump.bugcheck.parameters", Type::number_list, "[0, 0, 0, 0]", "up to four parameters"},
    {"dump.pages", Type::table, "all defaults", "which pages a kernel, automatic or active dump holds"},
    {"dump.pages.ranges", Type::table_list, "none", "exactly these, ascending and apart"},
    {"dump.pages.ranges[].first",
     Type::integer,
     "",
     "page frame number of the first page",
     {},
     0,
     highest_memory / page_size - 1},
    {"dump.pages.ranges[].count", Type::integer, "", "how many pages", {}, 1, highest_memory / page_size},
    {"dump.pages.share", Type::share, "0.4", "this part of memory, chosen by the seed"},
    {"dump.pages.seed", Type::number, "1", "seed of the choice"},
    {"dump.driver_memory", Type::boolean, "false", "the dump also holds the drivers' own memory: pool and images"},

    {"hibernation", Type::table, "all defaults", "the hibernation file, when hibernation takes part"},
    {"hibernation.file", Type::table, "all defaults", "the file on its partition"},
    {"hibernation.file.size", Type::size, "its pages and 1 MiB", "bytes", {}, 4096, most_bytes},
    {"hibernation.file.fragments", Type::integer, "1", "in how many extents the seed scatters it", {}, 1, 65536},
    {"hibernation.file.seed", Type::number, "1", "seed of the fragments"},
    {"hibernation.file.offset",
     Type::size,
     "chosen by the seed",
     "where on the partition an unfragmented file starts",
     {},
     0,
     most_bytes},
    {"hibernation.file.extents", Type::table_list, "none", "exactly these extents, in the order of the file"},
    {"hibernation.file.extents[].offset", Type::size, "", "where on the partition", {}, 0, most_bytes},
    {"hibernation.file.extents[].size", Type::size, "", "bytes of the extent", {}, 512, most_bytes},
    {"hibernation.pages",
     Type::integer,
     "all of memory",
     "how many pages the image holds",
     {},
     1,
     highest_memory / page_size},

    {"filter", Type::table_list, "none", "a filter of the stack, in DumpFilters order"},
    {"filter[].image", Type::text, "", "name on the filter path or, with a slash, file relative to the scenario"},
    {"filter[].name", Type::text, "the image's name without extension", "module and service name"},
    {"filter[].convention", Type::word, "the image's own", "calling convention of its functions", words::convention},
    {"filter[].redirects", Type::boolean, "false", "declares that it moves writes on purpose"},
    {"filter[].protects", Type::protection, "false",
     "promises to encrypt: everything on the files' partition, or these parts of it"},
    {"filter[].protects[].offset", Type::size, "", "where, from the start of the partition", {}, 0, most_bytes},
    {"filter[].protects[].size", Type::size, "", "bytes of it", {}, 512, most_bytes},
    {"filter[].parameters", Type::table, "none", "registry values of Services\\NAME\\Parameters"},
    {"filter[].parameters.*", Type::parameter, "none", "a value of the registry"},

    {"registry", Type::table, "what Windows has", "the machine's registry, beside its defaults"},
    {"registry.file", Type::path, "none", "a .reg file, version 5.00, applied before the keys below"},
    {"registry.*", Type::table, "none", "a key: HKLM\\… or \\Registry\\Machine\\…"},
    {"registry.*.*", Type::parameter, "none", "a value of the key, \"\" for its default one"},

    {"files", Type::table, "what Windows has", "files of the machine's system volume, beside its folders"},
    {"files.keep", Type::path, "none: gone with the run", "a folder that gets the files there are after the run"},
    {"files.*", Type::file, "none",
     "a file, C:\\…: text, \"hex:…\", { file = \"…\" }, { utf16 = \"…\" } or { folder = true }"},

    {"driver", Type::table_list, "none", "an ordinary driver beside the filters: a filter's main driver, say"},
    {"driver[].image", Type::text, "", "name on the filter path or, with a slash, file relative to the scenario"},
    {"driver[].name", Type::text, "the image's name without extension", "module and service name"},
    {"driver[].convention", Type::word, "the image's own", "calling convention of its functions", words::convention},
    {"driver[].start", Type::word, "\"boot\"", "loaded before the dump stack, or after it", words::driver_start},
    {"driver[].attach", Type::word, "none", "whose device stack its AddDevice is called for", words::attach},
    {"driver[].parameters", Type::table, "none", "registry values of Services\\NAME\\Parameters"},
    {"driver[].parameters.*", Type::parameter, "none", "a value of the registry"},

    {"device", Type::table_list, "none", "a device that answers from here, in place of a main driver"},
    {"device[].name", Type::text, "", "its name, \\Device\\…"},
    {"device[].links", Type::text_list, "none", "symbolic links to it, \\DosDevices\\…"},
    {"device[].open", Type::status, "\"STATUS_SUCCESS\"", "how opening it ends"},
    {"device[].reply", Type::table_list, "none", "what a control code gets; others get STATUS_INVALID_DEVICE_REQUEST"},
    {"device[].reply[].code", Type::integer, "", "the control code", {}, 0, 0xffffffff},
    {"device[].reply[].status", Type::status, "\"STATUS_SUCCESS\"", "the status; an error gives no bytes"},
    {"device[].reply[].bytes", Type::text, "none", "the answer, as hex digits"},
    {"device[].reply[].file", Type::path, "none", "the answer, as a file's content"},
    {"device[].reply[].information", Type::integer, "the answer's length", "IoStatus.Information", {}, 0, most_answer},
    {"device[].reply[].pending", Type::word, "answered at once",
     "STATUS_PENDING: completed before anybody waits, or never", words::pending},
    {"device[].reply[].pointers", Type::table_list, "none", "addresses of blocks in the answer"},
    {"device[].reply[].pointers[].at", Type::integer, "", "where the 8 bytes of the address go", {}, 0, most_answer},
    {"device[].reply[].pointers[].block", Type::text, "", "name of the block"},
    {"device[].block", Type::table_list, "none", "memory that answers point to"},
    {"device[].block[].name", Type::text, "", "what pointers call it"},
    {"device[].block[].size", Type::size, "its content's", "bytes, zeros behind the content", {}, 1, most_answer},
    {"device[].block[].bytes", Type::text, "none", "its content, as hex digits"},
    {"device[].block[].file", Type::path, "none", "its content, as a file's"},
    {"device[].block[].pointers", Type::table_list, "none", "addresses of blocks in it"},
    {"device[].block[].pointers[].at", Type::integer, "", "where the 8 bytes of the address go", {}, 0, most_answer},
    {"device[].block[].pointers[].block", Type::text, "", "name of the block"},

    {"policy", Type::table, "the profile's defaults", "what is not certain about Windows, by name"},
    {"policy.*", Type::value, "the profile's default", "a word, number or boolean of docs/fidelity.md"},

    {"recover", Type::table, "all defaults", "what the next boot does with the dump file"},
    {"recover.via", Type::way, "\"automatic\"",
     "reads it raw, through a fresh set of filters, the volume's drivers or a reader, by what works, or not",
     words::via},
    {"recover.shift", Type::signed_size, "0", "raw: the filter moved every write by so many bytes"},
    {"recover.output", Type::path, "none: judged only", "keeps the recovered dump here"},

    {"secrets", Type::text_list, "none", "bytes that must be found nowhere: \"hex:…\", \"text:…\""},
    {"verify", Type::table, "all defaults", "what is looked at beside the expectations"},
    {"verify.readable", Type::word, "\"final\"",
     "when protected sectors are looked at: in the end, or after every single write as well", words::readable},
    {"verify.anywhere", Type::boolean, "false",
     "looks for memory at any byte of what is protected, not only at sectors; slow"},
    {"verify.round_trip", Type::boolean, "false", "reads the dump back in every split of the transfers"},
    {"verify.reference", Type::boolean, "false", "the disk must be what a dump without filters leaves"},
    {"verify.mdl_shape", Type::word, "\"by-policy\"",
     "the shape of every write's MDL, on either stack; \"all\" runs once under each", words::mdl_shape},
    {"verify.repeat", Type::integer, "1", "runs so often, and all must come out the same", {}, 1, 16},
    {"verify.seed", Type::number, "1", "seed of the sample of reads, where there are too many splits"},

    {"trace", Type::table, "all defaults", "what is recorded"},
    {"trace.fold", Type::boolean, "true", "repeated steps become one line"},
    {"trace.digests", Type::boolean, "false", "digests of all data; costs time"},
    {"trace.limit", Type::size, "\"16 MiB\"", "bytes of trace; what does not fit is counted", {}, 64 * kib, 4 * gib},

    {"limits", Type::table, "all defaults", "when the host loses patience"},
    {"limits.cpu_seconds", Type::integer, "10", "processor time of one callback before it counts as hung", {}, 1, 3600},
    {"limits.memory",
     Type::size,
     "\"1 GiB\"",
     "what one driver may have allocated at once, before its allocations fail",
     {},
     64 * kib,
     8 * gib},

    {"rules", Type::table, "the rules' own", "severities of rules, by name"},
    {"rules.*", Type::word, "the rule's own", "severity of a rule of docs/rules.md", words::severity},

    {"expect", Type::table, "everything is normal", "what must happen; the rest must be normal"},
    {"expect.outcome", Type::word, "\"completed\"", "how the run ends", words::outcome},
    {"expect.recovered", Type::word, "\"identical\" where it can be judged", "the recovered dump against memory",
     words::recovered},
    {"expect.volume_path", Type::word, "not looked at",
     "the dump file through the volume's drivers, against DumpRead and memory, sector by sector", words::recovered},
    {"expect.readable_sectors_on_disk", Type::count, "any", "sectors of canary memory that stand on the disk in clear"},
    {"expect.calls", Type::pattern_list, "any", "all callbacks in order, as patterns"},
    {"expect.statuses", Type::table_list, "none negative", "statuses that must have been returned"},
    {"expect.statuses[].filter", Type::text, "any", "whose"},
    {"expect.statuses[].callback", Type::word, "", "by which callback", words::callback},
    {"expect.statuses[].status", Type::status, "", "at least one call returned this"},
    {"expect.disabled", Type::text_list, "nobody", "filters that end disabled"},
    {"expect.violations", Type::violation_list, "no errors", "rules that are broken: names, tables, or \"any\""},
    {"expect.violations[].rule", Type::text, "", "the rule"},
    {"expect.violations[].count", Type::integer, "at least 1", "exactly so often", {}, 0, most_bytes},
    {"expect.violations[].at_least", Type::integer, "1", "at least so often", {}, 0, most_bytes},
    {"expect.violations[].at_most", Type::integer, "any", "at most so often", {}, 0, most_bytes},
    {"expect.redirected", Type::count, "0 unless a filter redirects", "writes that filters sent outside their file"},
    {"expect.writes", Type::count, "any", "physical writes the port made"},
    {"expect.write_size", Type::count, "any", "bytes of each of them"},
    {"expect.bytes_on_disk", Type::count, "any", "bytes the port wrote"},
    {"expect.bugcheck",
     Type::integer,
     "any",
     "the code with which a filter, or a fault of it, stops the machine",
     {},
     0,
     0xffffffff},
    {"expect.secondary_data", Type::table_list, "any",
     "the blocks of secondary data that bug check callbacks give, exactly these"},
    {"expect.secondary_data[].guid", Type::text, "", "the block's tag"},
    {"expect.secondary_data[].filter", Type::text, "any", "whose"},
    {"expect.secondary_data[].size", Type::count, "any", "bytes of its data"},
    {"expect.secondary_data[].bytes", Type::text, "any", "its data: \"hex:…\""},
    {"expect.secondary_data[].contains", Type::text, "any", "a text, or \"hex:…\", that stands in its data"},
    {"expect.pages_added", Type::count, "any", "pages that bug check callbacks add to the dump"},
    {"expect.pages_removed", Type::count, "any", "pages that bug check callbacks take out of the dump"},
    {"expect.files", Type::table, "any", "what the system volume must hold in the end"},
    {"expect.files.*", Type::file, "any", "as in files; also { contains = \"…\" } and { absent = true }"},
    {"expect.registry", Type::table, "any", "what the registry must hold in the end"},
    {"expect.registry.*", Type::table, "any", "a key that must be there"},
    {"expect.registry.*.*", Type::parameter, "any", "a value it must have; { absent = true }: must not have"},
    {"expect.debug_output", Type::text_list, "any", "texts that must appear in what filters print"},
});

std::string choice_of(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    text += fmt::format("{}\"{}\"", i == 0 ? "" : last ? " or " : ", ", words[i]);
  }
  return text;
}

std::string bounded(std::string_view type, const Key& key) {
  if (key.most == UINT64_MAX || key.most == most_bytes) {
    return key.least == 0 ? std::string(type) : fmt::format("{}, at least {}", type, key.least);
  }
  return fmt::format("{}, {} to {}", type, key.least, key.most > 0xfffff ? hex(key.most) : std::to_string(key.most));
}

std::string bounded_size(const Key& key) {
  if (key.most == UINT64_MAX || key.most == most_bytes) {
    return key.least == 0 ? std::string("size") : fmt::format("size, at least {}", format_size(key.least));
  }
  return fmt::format("size, {} to {}", format_size(key.least), format_size(key.most));
}

}  // namespace

std::span<const Key> all_keys() {
  return table;
}

const Key* find_key(std::string_view path) {
  for (const Key& key : table) {
    if (key.path == path) return &key;
  }
  return nullptr;
}

std::vector<std::string_view> names_in(std::string_view path) {
  std::vector<std::string_view> names;
  for (const Key& key : table) {
    const std::string_view name = last_name(key.path);
    const std::string_view parent =
        key.path.substr(0, name.size() == key.path.size() ? 0 : key.path.size() - name.size() - 1);
    if (parent == path) names.push_back(name);
  }
  return names;
}

std::string_view last_name(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

std::string describe_type(const Key& key) {
  switch (key.type) {
    case Type::text:
      return "text";
    case Type::path:
      return "path";
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return bounded("integer", key);
    case Type::number:
      return "number";
    case Type::size:
      return bounded_size(key);
    case Type::signed_size:
      return "size with a sign";
    case Type::share:
      return "number above 0, up to 1";
    case Type::word:
      return choice_of(key.words);
    case Type::way:
      return choice_of(key.words) + ", or \"reader:LIB.so\"";
    case Type::word_list:
      return "list of " + choice_of(key.words);
    case Type::text_list:
      return "list of texts";
    case Type::number_list:
      return "list of numbers";
    case Type::table:
    case Type::step:
      return "table";
    case Type::table_list:
      return "list of tables";
    case Type::count:
      return "count";
    case Type::status:
      return "status";
    case Type::step_list:
      return "list of steps: " + choice_of(key.words) + ", or a table of one of them";
    case Type::pattern_list:
      return "list of call patterns";
    case Type::violation_list:
      return "list of rules and tables, or \"any\"";
    case Type::protection:
      return "boolean, or list of tables";
    case Type::value:
      return "word, number or boolean";
    case Type::parameter:
      return "registry value";
    case Type::file:
      return "text or table";
  }
  return {};
}

}  // namespace dumpsim::scenario
