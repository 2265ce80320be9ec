// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "engine/recover_disk.hpp"

namespace dumpsim::cli {
namespace {

constexpr std::string_view reader_prefix = "reader:";

struct Options {
  engine::RecoverRequest request;
  std::vector<std::string> via{"raw"};
  std::vector<std::string> extents;
  std::string partition_offset, partition_size, shift;
  std::uint32_t sector_size = 0;
  std::vector<std::filesystem::path> filter_path;
};

Result<std::uint64_t> size_of(std::string_view option, std::string_view text) {
  auto size = parse_size(text);
  if (!size) return Error{fmt::format("{}: {}", option, size.error().message)};
  return size;
}

Result<void> read_options(Options& options) {
  engine::RecoverRequest& request = options.request;
  const std::string& way = options.via[0];
  if (way == "filters" || way == "volume") {
    if (options.via.size() != 2) {
      return Error{fmt::format("--via {0} needs the scenario whose {1} read the disk: --via {0} SCENARIO", way,
                               way == "filters" ? "filters" : "drivers")};
    }
    (way == "filters" ? request.via_filters_of : request.via_volume_of) = options.via[1];
  } else if (options.via.size() == 1 && way.starts_with(reader_prefix)) {
    request.via_reader = way.substr(reader_prefix.size());
    if (request.via_reader.empty()) return Error{"--via reader: needs the reader's file: --via reader:LIB.so"};
  } else if (way != "raw" || options.via.size() != 1) {
    return Error{
        fmt::format("--via \"{}\": expected \"raw\", \"filters SCENARIO\", \"volume SCENARIO\" or \"reader:LIB.so\"",
                    fmt::join(options.via, " "))};
  }
  for (const std::string& text : options.extents) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos)
      return Error{fmt::format("--extent \"{}\": expected OFFSET:LENGTH, partition-relative", text)};
    auto at = size_of("--extent", std::string_view(text).substr(0, colon));
    if (!at) return at.error();
    auto length = size_of("--extent", std::string_view(text).substr(colon + 1));
    if (!length) return length.error();
    request.extents.push_back({PartitionOffset{*at}, *length});
  }
  if (options.sector_size != 0) request.sector_size = options.sector_size;
  if (!options.partition_offset.empty()) {
    auto size = size_of("--partition-offset", options.partition_offset);
    if (!size) return size.error();
    request.partition_offset = *size;
  }
  if (!options.partition_size.empty()) {
    auto size = size_of("--partition-size", options.partition_size);
    if (!size) return size.error();
    request.partition_size = *size;
  }
  if (!options.shift.empty()) {
    const bool negative = options.shift.starts_with('-');
    auto size = size_of("--shift", std::string_view(options.shift).substr(negative ? 1 : 0));
    if (!size) return size.error();
    if (*size > static_cast<std::uint64_t>(INT64_MAX)) return Error{"--shift: more than 63 bits"};
    request.shift = negative ? -static_cast<std::int64_t>(*size) : static_cast<std::int64_t>(*size);
  }
  return {};
}

}  // namespace

void add_recover_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("recover", "Take the dump off a disk image, as the next boot would");
  command->add_option("DISK", options->request.disk, "Raw disk image; a layout file beside it says where the dump lies")
      ->required();
  command->add_option("-o,--output", options->request.output, "Where MEMORY.DMP goes")->required();
  command
      ->add_option(
          "--via", options->via,
          "\"raw\", \"filters SCENARIO\": through a fresh instance of its filters, \"volume SCENARIO\": through its "
          "drivers, or \"reader:LIB.so\": through a reader of include/dumpsim/reader.h; DISK stands before it")
      ->expected(1, 2);
  command->add_flag("--replace", options->request.replace, "Let the output take the place of what is there");
  command->add_option("--sector-size", options->sector_size, "512 or 4096")->check(CLI::IsMember({512u, 4096u}));
  command->add_option("--partition-offset", options->partition_offset,
                      "Where the partition begins on the disk (\"1 MiB\")");
  command->add_option("--partition-size", options->partition_size, "How large it is");
  command
      ->add_option("--extent", options->extents,
                   "OFFSET:LENGTH of a piece of the dump file, partition-relative, in file order (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--shift", options->shift, "What filters added to every offset they wrote to");
  command
      ->add_option("--filter-path", options->filter_path,
                   "Folder in which images named without a slash are looked up (repeatable)")
      ->allow_extra_args(false);
  command->callback([options, &context] {
    if (auto read = read_options(*options); !read) {
      complain(read.error().message);
      context.exit_code = usage;
      return;
    }
    auto recovered = engine::recover_disk(
        options->request, {.filter_path = engine::default_filter_path(context.program, options->filter_path)});
    if (!recovered) {
      complain(recovered.error().message);
      context.exit_code = exit_code_of(recovered.error());
      return;
    }
    std::cout << *recovered;
  });
}

}  // namespace dumpsim::cli
