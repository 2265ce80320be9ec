// SPDX-License-Identifier: Apache-2.0
// A scenario as a checked value: what a TOML file says once every mistake in it has been reported. Nothing here opens
// an image or a disk; paths are kept as written with the folder they are relative to. docs/scenarios.md is its manual
// and scenarios/scenario.schema.json its schema; a test holds the three together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/memory_source.hpp"
#include "policy/policy.hpp"
#include "scenario/registry.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"

namespace dumpsim::scenario {

enum class Fill : std::uint8_t { canary, zeros, random, image };

struct Memory {
  std::vector<dumpfile::PageRun>
      runs;  ///< from `size` (one run from PFN 0) or `runs`; checked: ascending, apart, page sized. Empty: those of
             ///< the image; whoever opens it fills them in and calls fill_defaults() again
  Fill fill = Fill::canary;
  std::uint64_t seed = 1;       ///< for random
  std::filesystem::path image;  ///< for image, resolved against the scenario's folder
};

struct System {
  policy::Profile profile = policy::Profile::windows_11;
  std::uint32_t processors = 1;
  Memory memory;
};

enum class Backend : std::uint8_t { memory, raw, null };
enum class PartitionStyle : std::uint8_t { mbr, gpt, none };

struct Partition {
  DiskOffset start;
  std::uint64_t size = 0;
};

struct Disk {
  Backend backend = Backend::memory;
  std::filesystem::path path;  ///< raw: where the image goes; empty: a scratch file that goes with the run
  std::uint64_t size = 0;
  std::uint32_t sector_size = 512;
  PartitionStyle style = PartitionStyle::gpt;
  std::vector<Partition> partitions;  ///< at least one unless style is none; then one spanning the disk
  std::size_t dump_partition = 0;     ///< index of the one that holds the dump file
};

/// A file's place on its partition: given, or fragmented by a seed when the engine lays it out.
struct FilePlace {
  std::uint64_t size = 0;
  std::uint32_t fragments = 1;
  std::uint64_t seed = 1;
  std::optional<PartitionOffset> offset;                           ///< where an unfragmented file begins
  std::vector<std::pair<PartitionOffset, std::uint64_t>> extents;  ///< non-empty: exactly these {offset, bytes}
};

enum class DumpKind : std::uint8_t { none, complete, kernel, automatic, active };
enum class Format : std::uint8_t { by_profile, full, bitmap };

struct Bugcheck {
  std::uint32_t code = 0xE2;  ///< MANUALLY_INITIATED_CRASH
  std::array<std::uint64_t, 4> parameters{};
};

struct Dump {
  DumpKind kind = DumpKind::complete;
  Format format = Format::by_profile;
  FilePlace file;
  Bugcheck bugcheck;
  /// Which pages a kernel, automatic or active dump holds: these ranges, or this share (per mille) chosen by seed.
  std::vector<dumpfile::PageRun> pages;
  std::uint32_t share_per_mille = 400;
  std::uint64_t share_seed = 1;
};

struct Hibernation {
  FilePlace file;           ///< size 0: no hibernation takes part; see fill_defaults()
  std::uint64_t pages = 0;  ///< how many pages the image holds; 0: all of memory
};

enum class Convention : std::uint8_t { from_image, system_v, microsoft };

/// What filters and ordinary drivers have in common: an image and the service it is the driver of.
struct Service {
  std::string image;             ///< as written: a name looked up on the filter path, or a path with a slash
  std::filesystem::path folder;  ///< what a path is relative to
  std::string name;              ///< module and service name
  Convention convention = Convention::from_image;
  std::map<std::string, RegistryValue> parameters;  ///< Services\NAME\Parameters
  /// Where in the file `image` stands, for messages about it; 0 when built in code.
  std::uint32_t line = 0, column = 0;
};

/// Of its name "xor" an instance is called dump_xor or hiber_xor.
struct Filter : Service {
  bool redirects = false;  ///< declares that it moves offsets on purpose
};

/// An ordinary driver beside the filters; it may have a filter's name, being the same service.
struct Driver : Service {
  enum class Start : std::uint8_t { boot, system };
  Start start = Start::boot;
  bool attach_to_volume = false;  ///< its AddDevice is called for the dump volume
};

/// A device that answers from the scenario instead of a driver.
struct Device {
  struct Pointer {
    std::uint32_t at = 0;   ///< where its 8 bytes go
    std::size_t block = 0;  ///< index in `blocks`
  };
  /// Bytes as given or, with a file, the file's.
  struct Content {
    std::vector<std::byte> bytes;
    std::filesystem::path file;
    std::vector<Pointer> pointers;
    std::uint32_t line = 0, column = 0;  ///< where `file` stands
  };
  struct Block {
    std::string name;
    std::uint64_t size = 0;  ///< 0: as its content; else padded with zeros to this
    Content content;
  };
  enum class Pending : std::uint8_t { no, completed, never };
  struct Reply {
    std::uint32_t code = 0;
    std::int32_t status = 0;
    Content content;
    std::optional<std::uint64_t> information;  ///< the content's length where not given
    Pending pending = Pending::no;
  };
  std::string name;
  std::vector<std::string> links;
  std::int32_t open_status = 0;
  std::vector<Reply> replies;
  std::vector<Block> blocks;
};

/// What the machine's registry has beside its defaults and the filters' parameters: first the file's edits, then these.
struct Registry {
  std::filesystem::path file;  ///< a .reg file, resolved against the scenario's folder; empty: none
  std::vector<RegistryEdit> edits;
  std::uint32_t line = 0, column = 0;  ///< where `file` stands, for messages
};

/// A file of the machine's system volume: put there, or expected there in the end.
struct FileSpec {
  enum class What : std::uint8_t { content, host_file, folder, contains, absent };
  What what = What::content;
  std::string path;                ///< `\Windows\Temp\a.txt`, UTF-8
  std::vector<std::byte> content;  ///< of content and contains; what host_file holds is read by the engine
  std::filesystem::path host;      ///< of host_file, resolved against the scenario's folder
  std::uint32_t line = 1, column = 1;
};

struct Files {
  std::filesystem::path keep;  ///< a folder for what is there after the run; empty: nothing is kept
  std::vector<FileSpec> files;
};

enum class TimelineStep : std::uint8_t {
  boot,
  disable_dumps,
  enable_dumps,
  hibernate,
  resume,
  crash,
  next_boot,
  stop_drivers,  ///< DriverUnload of each ordinary driver, as `sc stop` does
  shutdown       ///< an orderly end: IRP_MJ_SHUTDOWN to the devices that registered for it
};

/// One single step of `sequence`, legal or not.
struct SequenceStep {
  enum class Action : std::uint8_t { load, start, open, write, read, finish, unload, power_cut };
  Action action = Action::load;
  bool hibernation = false;  ///< which stack: "crash" (default) or "hibernation"
  /// write, read: where in the stack's file, which its extents map to the disk. The default, so that a sequence of
  /// plain writes fills the file; it follows the write (read) of the same stack before it.
  std::optional<std::uint64_t> file_offset;
  PartitionOffset offset;   ///< write, read without file_offset: where, partition-relative, inside the file or not
  std::uint64_t pages = 1;  ///< write, read: how many
  Pfn first = 0;            ///< write: from which page of memory on
};

struct Recover {
  enum class Via : std::uint8_t { automatic, raw, filters, volume, none, reader };
  Via via = Via::automatic;
  std::string reader;            ///< of Via::reader: the shared library as written, found as a filter's image is
  std::int64_t shift = 0;        ///< raw: the filter moved every write by this many bytes
  std::filesystem::path output;  ///< keeps MEMORY.DMP here; empty: only judged
};

struct TraceOptions {
  bool fold = true;
  bool digests = false;
  std::uint64_t limit = 16u << 20;  ///< bytes
};

struct Limits {
  std::uint32_t cpu_seconds = 10;  ///< processor time of one callback before it counts as hung
  std::uint64_t memory = std::uint64_t{1} << 30;  ///< bytes that one driver may have allocated at once
};

enum class Outcome : std::uint8_t {
  completed,         ///< everything asked for happened
  bugchecked,        ///< a filter called KeBugCheck(Ex)
  crashed,           ///< a filter faulted
  hung,              ///< a filter used up its processor time
  exited,            ///< a filter ended the process
  stack_not_loaded,  ///< a critical filter failed, or the usage notification was vetoed: no dump at all
  dump_failed,       ///< the dump was begun and not finished: port error, file too small
  count_
};
std::string_view name_of(Outcome outcome);  ///< "stack-not-loaded"

enum class Recovered : std::uint8_t { identical, different, unreadable, not_tried, count_ };
std::string_view name_of(Recovered recovered);

/// One item of `calls`: "DumpWrite*" is zero or more, "DumpWrite+" one or more, "xor:DumpStart" names the filter.
/// `filter` is a filter's name, which matches both its instances, or one instance: "dump_xor", "hiber_xor".
struct CallPattern {
  std::string filter;  ///< empty: any
  trace::Callback callback = trace::Callback::none;
  char repeat = 0;  ///< 0, '*', '+' or '?'
};

struct StatusExpectation {
  std::string filter;  ///< empty: any; else as in CallPattern
  trace::Callback callback = trace::Callback::none;
  std::int32_t status = 0;  ///< at least one call ended so
};

struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

struct ViolationExpectation {
  trace::Rule rule;
  CountRange count{1, UINT64_MAX};
};

/// A block that a bug check callback adds to the dump.
struct SecondaryExpectation {
  std::array<std::byte, 16> guid{};
  std::string filter;  ///< empty: any; else as in CallPattern
  std::optional<CountRange> size;
  std::optional<std::vector<std::byte>> bytes;
  std::vector<std::byte> contains;  ///< empty: anything
};

/// What is asked for, over a closed world: whatever is not asked for must be normal (docs/scenarios.md says what that
/// is).
struct Expect {
  Outcome outcome = Outcome::completed;
  std::optional<Recovered> recovered;  ///< absent: identical, wherever a dump was made and something can read the disk
  std::optional<Recovered>
      volume_path;  ///< the dump through the volume's drivers, beside DumpRead; absent: not looked at
  std::optional<CountRange> readable_sectors;
  std::vector<CallPattern> calls;
  std::vector<StatusExpectation> statuses;
  std::vector<std::string> disabled;  ///< filters that must end disabled
  std::vector<ViolationExpectation> violations;
  std::optional<CountRange> redirected;  ///< writes that went elsewhere
  std::optional<CountRange> writes;      ///< physical writes the port made
  std::optional<CountRange> write_size;  ///< bytes of each
  std::optional<CountRange> bytes_on_disk;
  std::optional<std::uint32_t> bugcheck;  ///< the code a filter stops with
  std::vector<std::string> debug_output;  ///< texts that DbgPrint must have printed
  /// Exactly these, in any order; absent: any.
  std::optional<std::vector<SecondaryExpectation>> secondary_data;
  std::optional<CountRange> pages_added, pages_removed;  ///< by bug check callbacks
  std::vector<FileSpec> files;                           ///< what the system volume must hold, or not hold, in the end
  std::vector<RegistryEdit> registry;                    ///< what the registry must hold, or not hold, in the end
  bool any_violation = false;                            ///< `violations = "any"`: not judged
};

struct Scenario {
  std::filesystem::path file;  ///< for messages; empty when built in code
  std::string title;
  System system;
  Disk disk;
  Dump dump;
  Hibernation hibernation;
  std::vector<Filter> filters;  ///< in DumpFilters order
  std::vector<Driver> drivers;  ///< in the order of their start
  std::vector<Device> devices;
  Registry registry;
  Files files;
  policy::Policies policies{policy::Profile::windows_11};
  std::vector<TimelineStep> timeline;  ///< default: boot, crash, next-boot; empty when `sequence` is given
  std::vector<SequenceStep> sequence;
  Recover recover;
  TraceOptions trace;
  Limits limits;
  std::map<trace::Rule, trace::Severity> severities;  ///< [rules]
  Expect expect;
};

/// Sizes and places left 0 become what the rest implies: a dump file that holds all of memory, a hibernation file when
/// hibernation takes part, one partition that holds both in whatever order they are laid out, a disk that holds the
/// partitions, the timeline boot, crash, next-boot. Nothing that follows from memory while an image decides its runs.
/// parse() has done this; also for scenarios built in code. REQUIRES: memory below highest_memory.
void fill_defaults(Scenario& scenario);
/// Physical addresses end here: what the bitmaps of the dump room reach.
inline constexpr std::uint64_t highest_memory = std::uint64_t{16} << 40;

/// Text to a checked value. On failure the error holds every mistake of the file, one a line and sorted by place, each
/// as `FILE:LINE:COLUMN: what; hint`. Relative paths in it are relative to the folder of `file`, which is not opened.
Result<Scenario> parse(std::string_view text, const std::filesystem::path& file);
/// The same for a file; a scenario larger than 1 MiB is refused.
Result<Scenario> load(const std::filesystem::path& file);

}  // namespace dumpsim::scenario
