// SPDX-License-Identifier: Apache-2.0
#include "engine/run_once.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "disk/backends.hpp"
#include "disk/layout.hpp"
#include "disk/memory_disk.hpp"
#include "dumpfile/compare.hpp"
#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/dump_account.hpp"
#include "engine/file_seed.hpp"
#include "engine/life.hpp"
#include "engine/oracles.hpp"
#include "engine/plan.hpp"
#include "engine/reader_plugin.hpp"
#include "engine/recover.hpp"
#include "engine/registry_seed.hpp"
#include "engine/sandbox.hpp"
#include "engine/shared_block.hpp"
#include "engine/source_lines.hpp"
#include "engine/verdict.hpp"
#include "engine/volume_path.hpp"
#include "engine/warm_host.hpp"
#include "kernel/pool.hpp"
#include "machine/shared_user_page.hpp"
#include "machine/system_calls.hpp"
#include "stack/export_table.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Outcome;
using scenario::Recovered;
using scenario::Scenario;

constexpr std::size_t readable_examples_kept = 8;

std::string_view scheme_of(scenario::Backend backend) {
  switch (backend) {
    case scenario::Backend::memory:
      return "memory";
    case scenario::Backend::raw:
      return "raw";
    case scenario::Backend::null:
      return "null";
  }
  return "memory";
}

/// What memory held, from where it lies: quicker than making it again.
class HeldMemory final : public dumpfile::MemorySource {
 public:
  explicit HeldMemory(machine::PhysicalMemory& memory) : memory_(memory) {}
  void read_pages(Pfn first, std::uint64_t count, std::byte* into) const override {
    for (std::uint64_t i = 0; i < count; ++i, into += page_size) {
      if (memory_.materialised() && memory_.is_ram(first + i)) {
        std::memcpy(into, memory_.show_ram(first + i, 1), page_size);
      } else {
        memory_.source().read_pages(first + i, 1, into);
      }
    }
  }
  const std::byte* lend_pages(Pfn first, std::uint64_t count) const override {
    if (!memory_.materialised()) return nullptr;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!memory_.is_ram(first + i)) return nullptr;
    }
    return memory_.show_ram(first, count);
  }
  Result<void> health() const override { return memory_.source().health(); }

 private:
  machine::PhysicalMemory& memory_;
};

class Run {
 public:
  /// `host` is nobody else's meanwhile.
  Run(const Scenario& scenario, const RunOptions& options, WarmHost& host, std::vector<Rehearsal> rehearsals = {})
      : scenario_(scenario),
        options_(options),
        host_(host),
        ahead_(host.images()),
        rehearsals_(std::move(rehearsals)) {}
  ~Run() {
    // A mistake was found before anybody read; the reader may be anywhere.
    if (reading_) give_up_reading();
    if (machine_) host_.give_back(std::move(machine_->memory));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Result<Report> go() {
    report_.title = scenario_.title;
    report_.file = scenario_.file;
    if (auto done = prepare(); !done) return done.error();
    if (auto done = live(); !done) return done.error();
    auto view = trace::TraceView::open(report_.trace.bytes());
    if (!view) return view.error();
    if (auto done = tell_outcome(end_, shared_->texts(), *view, report_); !done) return done.error();
    report_.evidence = with_source_lines(report_.evidence, images_);
    if (trace_goes_on_) last_words(*view);
    if (auto done = tell_account(*view); !done) return done.error();
    if (auto done = recover(); !done) return done.error();
    if (auto done = volume_path(); !done) return done.error();
    if (auto done = count_readable(); !done) return done.error();
    if (auto done = end_recovery(); !done) return done.error();
    auto answers = questions(*view);
    if (!answers) return answers.error();
    if (trace_goes_on_) {
      for (const OracleFinding& each : answers->findings) {
        recorder_->violation(each.image, each.callback, each.rule, each.detail);
      }
      recorder_->ended(scenario::name_of(report_.outcome));
    }
    view = trace::TraceView::open(report_.trace.bytes());
    if (!view) return view.error();
    tell_trace(scenario_, shared_->totals(), *view, answers->findings, report_);
    locate(report_.findings, images_);
    if (options_.identify) options_.identify(report_);
    if (options_.with_disk) {
      if (auto done = options_.with_disk(*disk_, *plan_); !done) return done.error();
    }
    if (options_.judge) {
      judge(scenario_, shared_->totals(), *view, report_);
      judge_left_behind();
    }
    if (!scenario_.files.keep.empty()) {
      if (auto kept = keep_files(kept_.bytes(), scenario_.files.keep, options_.replace); !kept) return kept.error();
    }
    if (auto kept = keep_disk(); !kept) return kept.error();
    return std::move(report_);
  }

  /// What the child alone leaves behind, to be compared with another run's.
  Result<Rehearsal> rehearse() {
    if (auto done = prepare(); !done) return done.error();
    if (auto done = live(); !done) return done.error();
    return Rehearsal{std::move(report_.trace), std::move(disk_)};
  }

 private:
  Result<void> prepare() {
    auto found = find_images(scenario_, options_);
    if (!found) return found.error();
    images_ = std::move(*found);
    read_ahead();
    if (scenario_.recover.via == scenario::Recover::Via::reader) {
      auto reader = find_reader(scenario_.recover.reader, scenario_.file.parent_path(), options_);
      if (!reader) return in_file(reader.error());
      reader_ = std::move(*reader);
    }
    auto planned = plan(scenario_);
    if (!planned) return in_file(planned.error());
    plan_ = std::make_unique<Plan>(std::move(*planned));
    auto edits = registry_edits(scenario_);
    if (!edits) return edits.error();
    plan_->registry = std::move(*edits);
    for (const auto& [from, into] : {std::pair{&scenario_.files.files, &plan_->files},
                                     std::pair{&scenario_.expect.files, &plan_->expected_files}}) {
      auto files = with_host_files(scenario_, *from);
      if (!files) return files.error();
      *into = std::move(*files);
    }
    if (!scenario_.files.keep.empty()) {
      auto kept = Mapping::shared(kernel::FileTree::capacity + (std::uint64_t{1} << 20));
      if (!kept) return kept.error();
      kept_ = std::move(*kept);
    }
    auto memory = host_.take_memory(scenario_.system.memory, *plan_);
    if (!memory) return memory.error();
    machine_ = std::make_unique<machine::Machine>(machine::Machine{.memory = std::move(*memory)});
    machine_->processors = scenario_.system.processors;
    if (auto made = make_disk(); !made) return made;
    if (disk_->keeps_content()) {
      if (auto written = plan_->table.write(*disk_); !written) return written;
    }
    if (!scenario_.disk.path.empty()) {
      auto layout = disk::new_layout(scenario_.disk.path, plan_->on_disk, options_.replace);
      if (!layout) return layout.error();
      new_layout_ = *std::move(layout);
    }
    promises_ = promises_of(scenario_, *plan_);
    if (scenario_.verify.every_write && !promises_.empty()) {
      if (auto watched = watch_writes(); !watched) return watched;
    }
    auto account = File::in_memory("dumpsim-account");
    if (!account) return account.error();
    account_file_ = std::move(*account);
    auto shared = SharedBlock::create();
    if (!shared) return shared.error();
    shared_ = std::make_unique<SharedBlock>(std::move(*shared));
    auto trace = Mapping::shared(std::max<std::uint64_t>(scenario_.trace.limit, trace::Recorder::minimum_bytes()));
    if (!trace) return trace.error();
    report_.trace = std::move(*trace);
    trace::RecorderOptions options{.fold = scenario_.trace.fold, .digests = scenario_.trace.digests, .untouched = true};
    for (const auto& [rule, severity] : scenario_.severities)
      options.severities[static_cast<std::size_t>(rule)] = severity;
    recorder_ = std::make_unique<trace::Recorder>(report_.trace.bytes(), &machine_->clock.now, options);
    return {};
  }

  /// Readable sectors are looked for after each write: in the child, which tells what it saw.
  Result<void> watch_writes() {
    if (auto made = make_finder(); !made) return made;
    auto seen = Mapping::shared(Sightings::bytes_for(promises_.size()));
    if (!seen) return seen.error();
    seen_ = std::move(*seen);
    sightings_ = Sightings::in(seen_.bytes(), promises_.size());
    return {};
  }

  /// Once, and only for who looks: it may have to read all of memory.
  Result<void> make_finder() {
    if (finder_) return {};
    auto finder = SectorFinder::make(scenario_, *plan_, HeldMemory(machine_->memory));
    if (!finder) return finder.error();
    finder_ = std::move(*finder);
    return {};
  }

  /// What each child would otherwise do for itself.
  void read_ahead() {
    stack::export_table();  // made at the first call, as the answer of the next
    machine::processor_features();
    kernel::guarded_blocks_of_host();
    for (const stack::FilterSpec& filter : images_.filters) {
      std::string instance = "dump_";
      host_.images().read(filter.path, instance += filter.name);
    }
    for (const stack::DriverSpec& driver : images_.drivers) host_.images().read(driver.path, driver.name);
  }

  Result<void> make_disk() {
    disk::DiskOptions options{.size = scenario_.disk.size, .sector_size = scenario_.disk.sector_size};
    if (scenario_.disk.backend == scenario::Backend::memory) {
      auto made = disk::MemoryDisk::make(options, host_.shelf());
      if (!made) return made.error();
      disk_ = *std::move(made);
      return {};
    }
    if (!scenario_.disk.path.empty()) {
      if (auto sound = disk::check_geometry(options.size, options.sector_size); !sound) return sound;
      auto file = NewFile::create(scenario_.disk.path, options_.replace);
      if (!file) return file.error();
      if (auto sized = file->file().resize(options.size); !sized) return sized;
      new_disk_ = *std::move(file);
      options.path = fmt::format("/proc/self/fd/{}", new_disk_->file().fd());
      options.access = disk::Access::existing;
    }
    auto made = disk::make_disk(scheme_of(scenario_.disk.backend), options);
    if (!made) return made.error();
    disk_ = *std::move(made);
    return {};
  }

  /// The image and its layout take their names together, once the run is complete: one that came to nothing leaves
  /// nothing, and what was there before stays.
  Result<void> keep_disk() {
    for (std::optional<NewFile>* file : {&new_disk_, &new_layout_}) {
      if (!*file) continue;
      if (auto kept = (*file)->commit(); !kept) return kept;
    }
    return {};
  }

  Error in_file(const Error& error) const { return engine::in_file(scenario_, error); }

  /// The child's whole work. A user's mistake is a text; everything else is in the totals and the trace.
  void child(const std::function<void()>& crash_over) {
    std::unique_ptr<DiskWatch> watch;
    if (!sightings_.rows.empty())
      watch = std::make_unique<DiskWatch>(*disk_, promises_, *plan_, *finder_, sightings_, *recorder_);
    disk::BlockDevice& disk = watch ? static_cast<disk::BlockDevice&>(*watch) : *disk_;
    auto session = Session::create(scenario_, *plan_, images_, *machine_, disk, *recorder_, shared_->texts());
    DumpAccountWriter witness(account_file_);
    if (session) (*session)->environment().witness = &witness;
    if (!session) {
      write_text(shared_->texts().mistake, session.error().message);
    } else if (auto lived = (*session)->live(crash_over); !lived) {
      write_text(shared_->texts().mistake, lived.error().message);
    } else {
      write_text(shared_->texts().unmet, (*session)->unmet_expectations());
      shared_->texts().left_behind_judged.store(1, std::memory_order_release);
      if (!scenario_.files.keep.empty() && !hand_over((*session)->files(), kept_.bytes())) {
        write_text(shared_->texts().mistake, "files.keep: the files do not fit into what a run hands over");
      }
    }
    shared_->totals().finished.store(1, std::memory_order_release);
    // It would be taken down piece by piece; the child's end does that at once.
    if (options_.sandbox && session) static_cast<void>(session->release());
  }

  Result<void> live() {
    if (!options_.sandbox) {
      child({});
    } else {
      const auto watch = [this] {
        if (options_.progress) options_.progress(shared_->totals().bytes_done, shared_->totals().bytes_expected);
      };
      auto crash_over = Signal::create();
      if (!crash_over) return crash_over.error();
      auto living = Child::start([&] {
        forget_rehearsals();
        machine::raise_system_call_wall();
        child([&] { crash_over->give(); });
      });
      if (!living) return living.error();
      if (expects_to_read_through_filters()) {
        auto reading = begin_reading(&*crash_over);
        if (!reading) {
          host_.start_over();  // the first is killed wherever it is
          return reading.error();
        }
        reading_ = *std::move(reading);
      }
      end_ = living->wait(shared_->totals(), stuck_seconds(scenario_), watch);
      crash_over->give();
      // The first may have written to the disk after it said that all is over.
      if (end_.how != ChildEnd::How::finished) give_up_reading();
    }
    if (std::string mistake = read_text(shared_->texts().mistake); !mistake.empty())
      return in_file({std::move(mistake)});
    trace_goes_on_ = recorder_->catch_up();
    return {};
  }

  /// The next boot's machine. With `crash_over` it boots while this one lives.
  Result<ReadingChild> begin_reading(const Signal* crash_over) {
    return read_through_filters(next_boot(), plan_->dump_file, {}, host_.shelf(), crash_over);
  }

  /// Whatever is mapped for the parent and this run's child to share is none of a later child's business.
  NextBoot next_boot() {
    return {scenario_, *plan_, images_, *machine_, *disk_, [this] {
              shared_.reset();
              report_.trace = {};
              kept_ = {};
              sightings_ = {};
              seen_ = {};
              forget_rehearsals();
            }};
  }

  /// In a child: the traces of the runs before this one are shared memory, which none of its drivers may reach. Their
  /// disks' pages are not mapped in children.
  void forget_rehearsals() {
    for (Rehearsal& one : rehearsals_) one.trace = {};
  }

  void give_up_reading() {
    reading_.reset();
    host_.start_over();
  }

  /// A guess, which costs time when it is wrong.
  bool expects_to_read_through_filters() const {
    using Via = scenario::Recover::Via;
    return could_leave_a_dump() && (scenario_.recover.via == Via::filters ||
                                    (scenario_.recover.via == Via::automatic && host_.last_read_through_filters()));
  }

  /// What the child could not record itself: a death.
  void last_words(const trace::TraceView& view) {
    // The child's clock stopped with it; its last record shows when.
    for (const trace::Event& event : view) machine_->clock.now = std::max(machine_->clock.now, event.record.time);
    if (end_.how != ChildEnd::How::finished) {
      const std::uint32_t running = shared_->totals().running.load(std::memory_order_relaxed);
      const auto kind = report_.outcome == Outcome::hung     ? trace::FaultKind::hang
                        : report_.outcome == Outcome::exited ? trace::FaultKind::exit
                                                             : trace::FaultKind::other;
      recorder_->fault(static_cast<std::uint16_t>(running >> 8), static_cast<trace::Callback>(running & 0xff), kind,
                       report_.outcome_detail);
    }
  }

  /// What the scenario asks of the bytes that were left behind. `view` is the child's part of the trace.
  Result<OracleAnswers> questions(const trace::TraceView& view) {
    if (!asks_oracles(scenario_)) return OracleAnswers{};
    if (!promises_.empty()) {
      if (auto made = make_finder(); !made) return made.error();
    }
    const HeldMemory held(machine_->memory);
    const NextBoot next = next_boot();
    auto answers = ask_oracles({next, shared_->totals(), view, held, account_, account_file_, recovered_, promises_,
                                finder_.get(), sightings_, rehearsals_});
    if (!answers) return answers;
    if (!answers->ended_by_itself) host_.start_over();
    report_.verified = answers->told;
    if (options_.judge) report_.mismatches = answers->not_judged;
    return answers;
  }

  /// What bug check callbacks made of the dump, as the child tells it.
  Result<void> tell_account(const trace::TraceView& view) {
    auto account = read_account(account_file_);
    if (!account) return account.error();
    account_ = std::move(*account);
    report_.pages_added = shared_->totals().pages_added;
    report_.pages_removed = shared_->totals().pages_removed;
    for (const DumpAccount::Blob& blob : account_.blobs) {
      auto bytes = bytes_of(account_file_, blob);
      if (!bytes) return bytes.error();
      report_.secondary_data.push_back({view.image_name(blob.image), blob.guid, std::move(*bytes)});
    }
    return {};
  }

  /// What the machine leaves behind besides the disk, which only the child could look at.
  void judge_left_behind() {
    if (scenario_.expect.registry.empty() && scenario_.expect.files.empty()) return;
    if (shared_->texts().left_behind_judged.load(std::memory_order_acquire) == 0) {
      report_.mismatches.emplace_back("registry and files: not judged, a filter ended the process");
      return;
    }
    const std::string unmet = read_text(shared_->texts().unmet);
    for (std::size_t at = 0; at < unmet.size();) {
      const std::size_t end = std::min(unmet.find('\n', at), unmet.size());
      report_.mismatches.push_back(unmet.substr(at, end - at));
      at = end + 1;
    }
  }

  bool dump_was_made() const { return shared_->totals().dump == stack::DumpState::completed; }

  bool could_leave_a_dump() const {
    return disk_->keeps_content() && plan_->layout &&
           std::find(scenario_.timeline.begin(), scenario_.timeline.end(), scenario::TimelineStep::next_boot) !=
               scenario_.timeline.end();
  }
  /// Whether there is a dump, and a boot that could find it.
  bool leaves_a_dump() const { return could_leave_a_dump() && dump_was_made(); }
  bool recovers() const { return scenario_.recover.via != scenario::Recover::Via::none && leaves_a_dump(); }

  /// How the dump is read: as the scenario says, or by what works. Automatic when nothing does.
  scenario::Recover::Via way_to_read(const dumpfile::ByteReader& raw) const {
    using Via = scenario::Recover::Via;
    if (scenario_.recover.via != Via::automatic) return scenario_.recover.via;
    if (looks_like_dump(raw)) return Via::raw;
    if (shared_->totals().reads_through_filters != 0) return Via::filters;
    // There may still be what Windows itself would use.
    return driver_on_volume() ? Via::volume : Via::automatic;
  }

  Result<void> recover() {
    using Via = scenario::Recover::Via;
    if (!recovers()) {
      if (reading_) give_up_reading();
      return {};
    }
    const auto raw =
        raw_bytes("disk, dump file", *disk_, plan_->dump_file, plan_->partition_start, scenario_.recover.shift);
    const Via via = way_to_read(*raw);
    if (via != Via::filters && reading_) give_up_reading();
    host_.read_through_filters(via == Via::filters);
    if (via == Via::raw) return compare(raw, "raw");
    if (via == Via::reader) {
      return take(bytes_through_reader(reader_, *disk_, plan_->partition_start, plan_->partition_size, plan_->dump_file,
                                       stuck_seconds(scenario_), next_boot().give_up_shared),
                  "through the reader");
    }
    if (via == Via::filters) {
      if (!reading_) {
        auto begun = begin_reading(nullptr);
        if (!begun) return in_file(begun.error());
        reading_ = *std::move(begun);
      }
      return take(reading_->read(stuck_seconds(scenario_), death_through_filters), "through the filters");
    }
    if (via == Via::volume) {
      return take(bytes_through_volume(next_boot(), plan_->dump_file, {}, host_.shelf()), "through the volume");
    }
    report_.recovered = Recovered::unreadable;
    report_.recovered_detail =
        "the dump file's first bytes are no dump's, no filter has a read callback and no driver is on the volume";
    if (!options_.judge || !expects_content()) return {};
    return Error{
        fmt::format("{}: expect.recovered = \"{}\" cannot be judged: {}; leave it out, or give the filter a DumpRead, "
                    "or expect \"unreadable\"",
                    scenario_.file.empty() ? "scenario" : scenario_.file.string(),
                    scenario::name_of(*scenario_.expect.recovered), report_.recovered_detail)};
  }

  Result<void> take(const Result<ReadBack>& back, std::string_view how) {
    if (!back) return in_file(back.error());
    if (back->bytes) return compare(back->bytes, how);
    is_unreadable(*back);
    return {};
  }

  void is_unreadable(const ReadBack& back) {
    if (!back.ended_by_itself) host_.start_over();
    recovered_ = {};
    report_.recovered = Recovered::unreadable;
    report_.recovered_detail = back.why_not;
  }

  /// What it read counts only once it has ended well.
  void end_reader() {
    if (!reading_) return;
    const auto otherwise = reading_->ended_badly(stuck_seconds(scenario_), death_through_filters);
    reading_.reset();
    if (otherwise) is_unreadable(*otherwise);
  }

  /// The reader is taken down by the system while the rest of the disk is looked at.
  Result<void> end_recovery() {
    end_reader();
    if (!recovered_.bytes || scenario_.recover.output.empty()) return {};
    return copy_out(*recovered_.bytes, recovered_.size, scenario_.recover.output, options_.replace);
  }

  bool driver_on_volume() const {
    return std::any_of(images_.drivers.begin(), images_.drivers.end(),
                       [](const stack::DriverSpec& driver) { return driver.attach_to_volume; });
  }

  /// Both readings in children of their own, of as many bytes as the dump has.
  Result<void> volume_path() {
    if (!scenario_.expect.volume_path || !leaves_a_dump()) return {};
    end_reader();  // or these children would share its words
    const std::uint64_t dump = std::min<std::uint64_t>(shared_->totals().dump_bytes, plan_->dump_file.size());
    const std::uint64_t bytes = std::min((dump + page_size - 1) / page_size * page_size, plan_->dump_file.size());
    auto volume = bytes_through_volume(next_boot(), plan_->dump_file, bytes, host_.shelf());
    if (!volume) return in_file(volume.error());
    if (!volume->ended_by_itself) host_.start_over();
    auto filters = ReadBack{nullptr, "no filter has a read callback"};
    if (shared_->totals().reads_through_filters != 0) {
      auto read = bytes_through_filters(next_boot(), plan_->dump_file, bytes, host_.shelf());
      if (!read) return in_file(read.error());
      if (!read->ended_by_itself) host_.start_over();
      filters = std::move(*read);
    }
    auto compared = compare_volume_path(*volume, filters, plan_->dump_file, *plan_->source, scenario_.disk.sector_size);
    if (!compared) return compared.error();
    report_.volume_path = compared->found;
    report_.volume_path_detail = std::move(compared->detail);
    return {};
  }

  /// Whether the scenario says something about what a recovered dump holds.
  bool expects_content() const {
    const auto& expected = scenario_.expect.recovered;
    return expected && (*expected == Recovered::identical || *expected == Recovered::different);
  }

  Result<void> compare(const std::shared_ptr<const dumpfile::ByteReader>& bytes, std::string_view how) {
    auto dump = dumpfile::DumpReader::open(bytes);
    if (!dump) {
      is_unreadable({nullptr, fmt::format("{}: {}", how, dump.error().message)});
      return {};
    }
    recovered_ = {bytes, dump->recovered_size(), how == "raw"};
    auto comparison = compare_pages(*dump);
    if (!comparison) return comparison.error();
    auto blobs = compare_blobs(*dump, *bytes, account_, account_file_);
    if (!blobs) return blobs.error();
    report_.recovered = comparison->identical() && blobs->empty() ? Recovered::identical : Recovered::different;
    report_.recovered_detail = comparison->identical()
                                   ? fmt::format("{} pages, {}", with_thousands(comparison->expected), how)
                                   : fmt::format("{}, {}", dumpfile::describe(*comparison), how);
    if (!blobs->empty()) report_.recovered_detail += "; " + *blobs;
    return {};
  }

  /// With memory, and with the pages that callbacks added or took away.
  Result<dumpfile::Comparison> compare_pages(const dumpfile::DumpReader& dump) const {
    const HeldMemory held(machine_->memory);
    if (account_.empty()) return dumpfile::compare(dump, *plan_->stored, held);
    auto stored = plan_->stored->changed(account_.added, account_.removed);
    if (!stored) return stored.error();
    const auto source = with_account(held, account_, account_file_);
    return dumpfile::compare(dump, *stored, *source);
  }

  Result<void> count_readable() {
    if (scenario_.system.memory.fill != scenario::Fill::canary || !disk_->keeps_content()) return {};
    std::uint64_t found = 0;
    auto seen = disk_->for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
      dumpfile::scan_canary(bytes, [&](std::size_t offset, const dumpfile::CanaryTag& tag) {
        ++found;
        if (report_.readable_examples.size() < readable_examples_kept) {
          report_.readable_examples.push_back({at + offset, tag.pfn, tag.sector});
        }
      });
      return true;
    });
    if (!seen) return seen;
    report_.readable_sectors = found;
    return {};
  }

  const Scenario& scenario_;
  const RunOptions& options_;
  WarmHost& host_;
  loader::ReadAhead::Use ahead_;
  Report report_;
  std::optional<NewFile> new_disk_, new_layout_;  // of a disk that is to stay
  Images images_;
  std::filesystem::path reader_;  // when the dump is read through one
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<disk::BlockDevice> disk_;
  std::unique_ptr<SharedBlock> shared_;
  File account_file_;
  DumpAccount account_;
  std::vector<Promise> promises_;
  std::unique_ptr<SectorFinder> finder_;  // once somebody looks
  Mapping seen_;
  Sightings sightings_;  // in seen_; no rows unless every write is looked at
  RecoveredBytes recovered_;
  Mapping kept_;  // the files a child hands over, when they are to be kept
  std::unique_ptr<trace::Recorder> recorder_;
  bool trace_goes_on_ = false;  ///< what the child left of it can be continued
  ChildEnd end_;
  std::vector<Rehearsal> rehearsals_;
  std::optional<ReadingChild> reading_;  // begun in time for recover(), which may not need it
};

}  // namespace

Error in_file(const scenario::Scenario& scenario, const Error& error) {
  return scenario.file.empty() || error.host ? error
                                             : Error{fmt::format("{}: {}", scenario.file.string(), error.message)};
}

Result<Report> run_once(WarmHost& host, const scenario::Scenario& scenario, const RunOptions& options,
                        std::vector<Rehearsal> rehearsals) {
  return Run(scenario, options, host, std::move(rehearsals)).go();
}

Result<Rehearsal> rehearse(WarmHost& host, const scenario::Scenario& scenario, const RunOptions& options) {
  return Run(scenario, options, host).rehearse();
}

}  // namespace dumpsim::engine
