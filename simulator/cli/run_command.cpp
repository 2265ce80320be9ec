// SPDX-License-Identifier: Apache-2.0
// `dumpsim run`: one scenario with its trace, or many with a line each. Many run side by side in worker processes,
// since each scenario forks and a process with threads must not; their output comes in the order of the files all the
// same.
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/run_reports.hpp"
#include "engine/run.hpp"
#include "engine/warm_host.hpp"
#include "report/entry.hpp"
#include "report/job.hpp"
#include "report/provider.hpp"
#include "report/run_report.hpp"
#include "scenario/scenario.hpp"
#include "trace/jsonl.hpp"
#include "trace/reader.hpp"
#include "trace/text.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::cli {
namespace {

struct Options {
  std::vector<std::filesystem::path> files;
  std::vector<Result<scenario::Scenario>> scenarios;  // of the files, read once: before anything runs
  std::vector<std::filesystem::path> filter_path;
  unsigned jobs = 1;
  std::string trace;  // "", "text", "jsonl", "none"
  std::filesystem::path trace_file;
  std::filesystem::path provider;
  ReportOptions reports;
  bool json = false;
  bool in_process = false;
  bool trap_missing = false;
  bool replace = false;
  bool quiet = false;
  bool no_fold = false;
  bool digests = false;
  bool twice = false;
};

/// What one scenario came to, as text for standard output and standard error, and for reports when there are some.
struct Done {
  int exit_code = as_expected;
  std::string out;
  std::string err;
  std::string entry;
};

engine::RunOptions run_options(const Options& options, const Context& context, const RunReports& reports) {
  return {.filter_path = engine::default_filter_path(context.program, options.filter_path),
          .sandbox = !options.in_process,
          .trap_missing = options.trap_missing,
          .replace = options.replace,
          .identify = reports.identify()};
}

/// What a person types to see this one run again.
std::string command_for(const std::filesystem::path& file, const Options& options) {
  std::string text;
  if (const char* path = std::getenv("DUMPSIM_FILTER_PATH"); path != nullptr && *path != '\0')
    text += fmt::format("DUMPSIM_FILTER_PATH={} ", report::shell_word(path));
  text += "dumpsim run";
  for (const std::filesystem::path& folder : options.filter_path)
    text += fmt::format(" --filter-path {}", report::shell_word(folder.string()));
  if (options.trap_missing) text += " --trap-missing";
  if (options.twice) text += " --twice";
  const std::string name = file.string();
  return trace::valid_utf8(text + " " + report::shell_word(name.starts_with('-') ? "./" + name : name));
}

/// Files of one run, made before it begins.
struct Outputs {
  std::optional<NewFile> trace;
  std::optional<NewFile> provider;
};

Result<void> write_trace(const Options& options, const engine::Report& report, NewFile& into) {
  auto view = trace::TraceView::open(report.trace.bytes());
  if (!view) return view.error();
  std::uint64_t at = 0;
  Result<void> written;
  const auto sink = [&](std::string_view line) {
    if (!written) return;
    written = into.file().write_at(at, std::as_bytes(std::span(line)));
    at += line.size();
  };
  if (options.trace == "jsonl") {
    trace::write_jsonl(*view, sink);
  } else {
    trace::write_text(*view, sink);
  }
  if (!written) return written;
  return into.commit();
}

Result<void> write_provider(const engine::Report& report, NewFile& into) {
  const std::string text = report::to_provider(report);
  if (text.empty()) {
    return Error{fmt::format("{}: nothing was asked for that is not there, so there is no provider to write",
                             report.file.string())};
  }
  if (auto written = into.fill(text); !written) return written;
  return into.commit();
}

/// A scenario that came to nothing.
Done failed(const std::filesystem::path& file, int exit_code, std::string why, const Options& options,
            const RunReports& reports) {
  // The host's troubles do not know whose they are.
  if (exit_code == host_failure && !why.starts_with(file.string())) why = fmt::format("{}: {}", file.string(), why);
  Done done{exit_code, {}, why, {}};
  if (reports.wanted()) {
    report::Entry entry = report::failed_entry(file, why, exit_code == host_failure, reports.places());
    entry.command = command_for(file, options);
    done.entry = report::pack(entry);
  }
  return done;
}
Done failed(const std::filesystem::path& file, const Error& error, const Options& options, const RunReports& reports) {
  return failed(file, exit_code_of(error), error.message, options, reports);
}

/// `warm` is the worker's that runs it among others; none: it is run alone.
Done run_one(std::size_t index, const Options& options, const Context& context, const RunReports& reports,
             engine::WarmHost* warm, Outputs outputs = {}) {
  const bool alone = warm == nullptr;
  Done done;
  const std::filesystem::path& file = options.files.at(index);
  auto scenario = options.scenarios.at(index);
  if (!scenario) return failed(file, scenario.error(), options, reports);
  if (options.no_fold) scenario->trace.fold = false;
  if (options.digests) scenario->trace.digests = true;
  if (options.twice) scenario->verify.repeat = std::max(scenario->verify.repeat, 2u);
  engine::RunOptions run = run_options(options, context, reports);
  ProgressBar bar(file.string());
  if (alone && isatty(STDERR_FILENO) == 1)
    run.progress = [&bar](std::uint64_t now, std::uint64_t all) { bar.show(now, all); };
  spdlog::info("running {}", file.string());
  auto report = warm != nullptr ? warm->run(*scenario, run) : engine::run(*scenario, run);
  bar.clear();
  if (!report) return failed(file, report.error(), options, reports);
  done.exit_code = report->as_expected() ? as_expected : not_as_expected;
  // A file that could not be written takes nothing away from what the run came to.
  std::string not_written;
  const auto check = [&](const Result<void>& written) {
    if (written) return;
    done.exit_code = std::max<int>(done.exit_code, exit_code_of(written.error()));
    not_written += (not_written.empty() ? "" : "\n") + written.error().message;
  };
  if (outputs.trace) check(write_trace(options, *report, *outputs.trace));
  if (outputs.provider) check(write_provider(*report, *outputs.provider));
  const bool to_file = !options.trace_file.empty();
  const report::TextOptions text{.colour = colours(STDOUT_FILENO) && !to_file,
                                 .trace = !to_file && (options.trace == "text" || (options.trace.empty() && alone))};
  if (reports.wanted()) {
    report::Entry entry = report::entry_of(*scenario, *report, reports.places());
    entry.command = command_for(file, options);
    done.entry = report::pack(entry);
  }
  if (reports.own_output()) {
    // As with a trace of JSON Lines, the verdict goes to where it does not mix with what a program reads.
    if (!options.quiet || !report->as_expected())
      done.err = report::to_line(*report, {.colour = colours(STDERR_FILENO)});
  } else if (options.json) {
    done.out = report::to_json(*report, alone && !options.reports.coverage ? 2 : -1);
  } else if (options.trace == "jsonl" && !to_file) {
    auto view = trace::TraceView::open(report->trace.bytes());
    if (!view) return failed(file, host_failure, view.error().message, options, reports);
    done.out = trace::to_jsonl(*view);
    // The verdict is no event: it goes where it does not mix with them.
    done.err = report::to_line(*report, {.colour = colours(STDERR_FILENO)});
  } else if (!options.quiet || !report->as_expected()) {
    done.out = alone && !options.quiet ? report::to_text(*report, text) : report::to_line(*report, text);
  }
  if (!done.err.empty() && done.err.back() == '\n') done.err.pop_back();
  if (!not_written.empty()) done.err += (done.err.empty() ? "" : "\n") + not_written;
  return done;
}

void print(const Done& done) {
  std::cout << done.out << std::flush;
  complain(done.err);
}

/// A worker's result on its way to the parent: code and lengths, the texts.
void send_result(int channel, const Done& done) {
  const std::string message = fmt::format("{} {} {} {}\n{}{}{}", done.exit_code, done.out.size(), done.err.size(),
                                          done.entry.size(), done.out, done.err, done.entry);
  for (std::size_t at = 0; at < message.size();) {
    const ssize_t n = ::send(channel, message.data() + at, message.size() - at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(host_failure);
    at += static_cast<std::size_t>(n);
  }
}

/// The result that `message` holds, once all of it is there.
std::optional<Done> received(const std::string& message) {
  const std::size_t line = message.find('\n');
  if (line == std::string::npos) return {};
  Done done;
  std::size_t out = 0, err = 0, entry = 0;
  if (std::sscanf(message.c_str(), "%d %zu %zu %zu", &done.exit_code, &out, &err, &entry) != 4) return {};
  if (message.size() - line - 1 != out + err + entry) return {};
  done.out = message.substr(line + 1, out);
  done.err = message.substr(line + 1 + out, err);
  done.entry = message.substr(line + 1 + out + err);
  return done;
}

int worse(int a, int b) {
  // A wrong scenario says nothing about the filter, so it weighs more than a failed expectation.
  return std::max(a, b);
}

/// Prints a result and keeps what the reports need of it; the exit code so far.
int settle(const Done& done, int exit_code, RunReports& reports) {
  print(done);
  if (!done.entry.empty()) {
    auto entry = report::unpack(done.entry);
    if (entry) {
      reports.add(*std::move(entry));
    } else {
      complain(entry.error().message);
      exit_code = host_failure;
    }
  }
  return worse(exit_code, done.exit_code);
}

/// A process that runs one scenario after the other, and so keeps what they have in common.
struct Worker {
  pid_t process = -1;
  int channel = -1;
  std::optional<std::size_t> index;  ///< of the scenario it runs
  std::string message;               ///< what has come of its result
};

class Pool {
 public:
  Pool(const Options& options, Context& context, RunReports& reports)
      : options_(options),
        context_(context),
        reports_(reports),
        results_(options.files.size()),
        ready_(options.files.size()) {}
  ~Pool() {
    for (const Worker& worker : workers_) dismiss(worker);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void run() {
    std::size_t printed = 0;
    while (printed < options_.files.size()) {
      while (next_ < options_.files.size() && assign()) ++next_;
      wait();
      for (; printed < ready_.size() && ready_[printed]; ++printed) {
        context_.exit_code = settle(results_[printed], context_.exit_code, reports_);
        results_[printed] = {};
      }
    }
  }

 private:
  /// Gives the next scenario to a worker that is free, or to a new one; false when all are busy.
  bool assign() {
    auto worker = std::ranges::find_if(workers_, [](const Worker& one) { return !one.index; });
    if (worker == workers_.end()) {
      if (workers_.size() >= most_) return false;
      if (!start()) return workers_.empty();
      worker = std::prev(workers_.end());
    }
    // A worker that died while it had nothing to do is met with the next look at its channel.
    (void)::send(worker->channel, &next_, sizeof next_, MSG_NOSIGNAL);
    worker->index = next_;
    return true;
  }

  bool start() {
    int ends[2];
    std::cout.flush();
    std::cerr.flush();
    const pid_t parent = getpid();
    const bool paired = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
    const pid_t process = paired ? fork() : -1;
    if (process < 0) {
      // Those that run already are as many as there is room for.
      if (workers_.empty()) fail(next_, fmt::format("cannot start a worker: {}", std::strerror(errno)));
      most_ = std::max<std::size_t>(workers_.size(), 1);
      if (paired) {
        close(ends[0]);
        close(ends[1]);
      }
      return false;
    }
    if (process == 0) {
      close(ends[0]);
      for (const Worker& other : workers_) close(other.channel);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(host_failure);
      work(ends[1]);
    }
    close(ends[1]);
    workers_.push_back({process, ends[0], {}, {}});
    return true;
  }

  [[noreturn]] void work(int channel) {
    engine::WarmHost warm;
    for (;;) {
      std::size_t index = 0;
      const ssize_t n = recv(channel, &index, sizeof index, MSG_WAITALL);
      if (n < 0 && errno == EINTR) continue;
      if (n != sizeof index) _exit(0);  // no more of them, or no parent
      try {
        send_result(channel, run_one(index, options_, context_, reports_, &warm));
      } catch (const std::exception& error) {
        complain(error.what());  // as in main(), which is the parent's
        _exit(host_failure);
      }
    }
  }

  static void dismiss(const Worker& worker) {
    close(worker.channel);
    int status = 0;
    while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
  }

  void fail(std::size_t index, std::string_view why) {
    const std::filesystem::path& file = options_.files[index];
    results_[index] = failed(file, host_failure, std::string(why), options_, reports_);
    ready_[index] = true;
  }

  void wait() {
    std::vector<pollfd> events;
    for (const Worker& worker : workers_) events.push_back({.fd = worker.channel, .events = POLLIN, .revents = 0});
    const bool busy = std::ranges::any_of(workers_, [](const Worker& worker) { return worker.index.has_value(); });
    if (!busy || poll(events.data(), events.size(), -1) < 0) return;
    for (std::size_t i = events.size(); i-- > 0;) {
      if ((events[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      Worker& worker = workers_[i];
      char piece[65536];
      const ssize_t n = read(worker.channel, piece, sizeof piece);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        worker.message.append(piece, static_cast<std::size_t>(n));
        auto done = received(worker.message);
        if (!done || !worker.index) continue;
        results_[*worker.index] = *std::move(done);
        ready_[*worker.index] = true;
        worker.index.reset();
        worker.message.clear();
        continue;
      }
      if (worker.index) fail(*worker.index, "the worker that ran it died");
      dismiss(worker);
      workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  const Options& options_;
  Context& context_;
  RunReports& reports_;
  std::size_t next_ = 0;              // the first scenario that nobody has run
  std::size_t most_ = options_.jobs;  // workers
  std::vector<Worker> workers_;
  std::vector<Done> results_;
  std::vector<bool> ready_;
};

/// Combinations that CLI11 cannot express.
std::string conflict(const Options& options) {
  if (options.files.size() > 1 && !options.trace_file.empty())
    return "--trace-file takes one scenario; it would hold only the last one's trace";
  if (options.files.size() > 1 && !options.provider.empty())
    return "--write-provider takes one scenario; it would hold only the last one's devices";
  if (options.files.size() > 1 && options.in_process) return "--in-process takes one scenario: it is for a debugger";
  if (options.in_process && options.jobs > 1) return "--in-process runs in this process; -j does not go with it";
  if (options.reports.min_coverage && std::isnan(*options.reports.min_coverage))
    return "--min-coverage nan: expected a number from 0 to 100";
  if (options.json && !options.trace.empty() && options.trace != "none" && options.trace_file.empty())
    return "--json and --trace both want standard output; use --trace-file";
  if (options.trace == "none" && !options.trace_file.empty()) return "--trace none and --trace-file do not go together";
  if (options.files.size() > 1 && options.trace == "jsonl")
    return "--trace jsonl takes one scenario; use --trace-file with each";
  return {};
}

/// Two outputs in one file, or one in the place of a scenario: found before anything runs. Of two scenarios with one
/// disk, whichever came last would have it, and side by side neither. A baseline may take the place of the one that was
/// read.
std::string shared_file(const Options& options) {
  std::map<std::filesystem::path, std::string> taken;
  // What is said of a file when somebody else wants it too; empty, or what is wrong.
  const auto take = [&](const std::string& who, const std::filesystem::path& path, std::string says) -> std::string {
    std::error_code unknown;
    const auto file = std::filesystem::weakly_canonical(std::filesystem::absolute(path, unknown), unknown);
    const auto [other, is_new] = taken.emplace(file, std::move(says));
    return is_new ? std::string() : fmt::format("{}: {}", who, other->second);
  };
  for (const std::filesystem::path& file : options.files)
    take({}, file,
         fmt::format("that file is the scenario {}", file.string()));  // one that stands there twice is run twice
  std::vector<std::pair<std::string, std::filesystem::path>> named;
  for (const std::string& word : options.reports.reports) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos && word.substr(equals + 1) != "-")
      named.emplace_back("--report " + word, word.substr(equals + 1));
  }
  for (const auto& [option, path] :
       {std::pair{"--write-baseline", &options.reports.write_baseline}, std::pair{"--trace-file", &options.trace_file},
        std::pair{"--write-provider", &options.provider}}) {
    named.emplace_back(fmt::format("{} {}", option, path->string()), *path);
  }
  for (const auto& [who, path] : named) {
    if (path.empty()) continue;
    if (std::string found = take(who, path, who + " goes into that file"); !found.empty()) return found;
  }
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    if (!options.scenarios[i]) continue;  // told when it is its turn
    const std::string file = options.files[i].string();
    for (const auto& [key, path] : engine::outputs_of(*options.scenarios[i])) {
      const std::string who = fmt::format("{}: {} {}", file, key, path.string());
      if (std::string found = take(who, path, fmt::format("that is {} of {} too", key, file)); !found.empty())
        return found;
    }
  }
  return {};
}

/// The same for a report on standard output, which has nothing else there.
std::string conflict(const Options& options, const RunReports& reports) {
  if (!reports.own_output()) return {};
  if (options.json) return "--json and a report both want standard output; write the report to a file";
  if (!options.trace.empty() && options.trace != "none" && options.trace_file.empty())
    return "--trace and a report both want standard output; use --trace-file";
  return {};
}

}  // namespace

void add_run_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  options->jobs = 1;
  CLI::App* command = app.add_subcommand("run", "Run scenario files and judge what the filters did");
  command->add_option("FILE", options->files, "Scenario files")->required();
  command->add_option("-j,--jobs", options->jobs, "How many scenarios to run at a time (0: one per processor)")
      ->check(CLI::Range(0u, 1024u));
  command
      ->add_option("--filter-path", options->filter_path,
                   "Folder in which images named without a slash are looked up (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--trace", options->trace,
                   "How the trace is shown: text (the default for one scenario), jsonl, none")
      ->check(CLI::IsMember({"text", "jsonl", "none"}));
  command->add_option("--trace-file", options->trace_file, "Write the trace there instead");
  command->add_option("--write-provider", options->provider,
                      "Write [[device]] tables for what was asked for and is not there, to be filled in");
  command
      ->add_option("--report", options->reports.reports,
                   "FORMAT=FILE: a report of all scenarios, as junit, sarif, json or github; without =FILE to standard "
                   "output (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--baseline", options->reports.baseline, "Findings that are known: they do not fail a run");
  command->add_option("--write-baseline", options->reports.write_baseline,
                      "Write down the findings, which are known from then on");
  command->add_flag("--coverage", options->reports.coverage,
                    "How much of the contract was exercised, and what was not");
  command->add_option("--min-coverage", options->reports.min_coverage, "Fail below so many percent of coverage")
      ->check(CLI::Range(0.0, 100.0));
  command->add_flag("--json", options->json, "The result as JSON");
  command->add_flag("--in-process", options->in_process,
                    "No child process: for a debugger. A filter's crash is then this program's");
  command->add_flag("--trap-missing", options->trap_missing,
                    "Load a .so though functions it needs are not simulated: calling one ends the run, as in a .sys");
  command->add_flag("--replace", options->replace,
                    "Let outputs (disk, dump, trace, reports) take the place of what is there");
  command->add_flag("-q,--quiet", options->quiet, "Only what is not as expected");
  command->add_flag("--no-fold", options->no_fold, "Do not fold repeats in the trace");
  command->add_flag("--digests", options->digests, "Digests of all data in the trace");
  command->add_flag("--twice", options->twice, "Run each scenario twice: traces and disks must come out the same");
  command->callback([options, &context] {
    if (options->jobs == 0) options->jobs = std::max(1u, std::thread::hardware_concurrency());
    if (const std::string text = conflict(*options); !text.empty()) {
      complain(text);
      context.exit_code = usage;
      return;
    }
    for (const std::filesystem::path& file : options->files) options->scenarios.push_back(scenario::load(file));
    if (const std::string text = shared_file(*options); !text.empty()) {
      complain(text);
      context.exit_code = usage;
      return;
    }
    options->reports.json = options->json;
    options->reports.replace = options->replace;
    RunReports reports;
    if (auto ready = reports.prepare(options->reports, context.command_line); !ready) {
      complain(ready.error().message);
      context.exit_code = exit_code_of(ready.error());
      return;
    }
    if (const std::string text = conflict(*options, reports); !text.empty()) {
      complain(text);
      context.exit_code = usage;
      return;
    }
    Outputs outputs;
    for (const auto& [path, output] :
         {std::pair{&options->trace_file, &outputs.trace}, std::pair{&options->provider, &outputs.provider}}) {
      if (path->empty()) continue;
      auto made = NewFile::create(*path, options->replace);
      if (!made) {
        complain(made.error().message);
        context.exit_code = exit_code_of(made.error());
        return;
      }
      *output = *std::move(made);
    }
    if (options->files.size() == 1) {
      context.exit_code =
          settle(run_one(0, *options, context, reports, nullptr, std::move(outputs)), as_expected, reports);
    } else {
      Pool(*options, context, reports).run();
    }
    context.exit_code = reports.finish(context.exit_code);
  });
}

}  // namespace dumpsim::cli
