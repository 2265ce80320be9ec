// SPDX-License-Identifier: Apache-2.0
// Runs that follow each other in one warm host give what each gives alone: report and trace, byte for byte, whatever
// ran before. The controls show that what is kept does reach the next run, so that a wrong thing kept would be seen.
#include "engine/warm_host.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>

#include "engine_fixture.hpp"
#include "report/run_report.hpp"

namespace dumpsim::engine {
namespace {

namespace fs = std::filesystem;
using scenario::Recovered;

/// Sizes, fills, disks, filters that behave and filters that do not, in a few pages each.
constexpr std::string_view lives[] = {
    "title = \"plain\"\n[[filter]]\nimage = \"passthrough\"\n",
    "title = \"no filter\"\n",
    "title = \"xor\"\n[[filter]]\nimage = \"xor\"\nparameters = { Key = \"hex:a5 01 fe\" }\n",
    "title = \"xor, another key and size\"\n[system]\nmemory = { size = \"1 MiB\" }\n[[filter]]\nimage = \"xor\"\n"
    "parameters = { Key = 7 }\n",
    "title = \"zeros\"\n[system]\nmemory = { size = \"256 KiB\", fill = \"zeros\" }\n[[filter]]\nimage = \"xor\"\n"
    "parameters = { Key = 90 }\n",
    "title = \"random\"\n[system]\nmemory = { size = \"256 KiB\", fill = \"random\", seed = 3 }\n",
    "title = \"other random\"\n[system]\nmemory = { size = \"256 KiB\", fill = \"random\", seed = 4 }\n[[filter]]\n"
    "image = \"xor\"\nparameters = { Key = 1 }\n",
    "title = \"two filters\"\n[[filter]]\nimage = \"logger\"\n[[filter]]\nimage = \"xor\"\nparameters = { Key = 3 }\n",
    "title = \"one image twice\"\n[[filter]]\nimage = \"xor\"\nname = \"inner\"\nparameters = { Key = 3 }\n[[filter]]\n"
    "image = \"xor\"\nname = \"outer\"\nparameters = { Key = 4 }\n",
    "title = \"the other convention\"\n[[filter]]\nimage = \"xor-ms\"\nparameters = { Key = 3 }\n",
    "title = \"moved\"\n[[filter]]\nimage = \"remap\"\nredirects = true\nparameters = { Delta = 8388608 }\n[recover]\n"
    "via = \"raw\"\nshift = \"8 MiB\"\n",
    "title = \"hibernation\"\ntimeline = [\"boot\", \"hibernate\", \"resume\", \"crash\", \"next-boot\"]\n[[filter]]\n"
    "image = \"xor\"\nparameters = { Key = 3 }\n",
    "title = \"dumps off and on\"\ntimeline = [\"boot\", \"disable-dumps\", \"enable-dumps\", \"crash\", "
    "\"next-boot\"]\n"
    "[[filter]]\nimage = \"xor\"\nparameters = { Key = 3 }\n",
    "title = \"large sectors, fragments\"\n[disk]\nsector_size = 4096\nsize = \"32 MiB\"\n[dump]\nfile = { size = "
    "\"4 MiB\", fragments = 12, seed = 5 }\n[[filter]]\nimage = \"xor\"\nparameters = { Key = 3 }\n",
    "title = \"every event\"\n[trace]\nfold = false\ndigests = true\n[[filter]]\nimage = \"passthrough\"\n",
    "title = \"null disk\"\n[disk]\nbackend = \"null\"\n[[filter]]\nimage = \"passthrough\"\n",
    "title = \"memory written to\"\n[[filter]]\nimage = \"write_buffer_modified\"\n",
    "title = \"bugcheck\"\n[[filter]]\nimage = \"bugcheck_in_write\"\n",
    "title = \"fault\"\n[[filter]]\nimage = \"null_dereference\"\n",
    "title = \"system call\"\n[[filter]]\nimage = \"system_call\"\n",
    "title = \"illegal instruction\"\n[[filter]]\nimage = \"illegal_instruction\"\n",
    "title = \"memory behind a block\"\n[[filter]]\nimage = \"pool_overrun\"\n",
    "title = \"stack overflow\"\n[[filter]]\nimage = \"stack_overflow\"\n",
    "title = \"leak\"\n[[filter]]\nimage = \"pool_leak\"\n",
    "title = \"read through the filters\"\n[recover]\nvia = \"filters\"\n[[filter]]\nimage = \"xor\"\nparameters = { "
    "Key = 11 }\n",
    "title = \"bugcheck, read through the filters\"\n[recover]\nvia = \"filters\"\n[[filter]]\n"
    "image = \"bugcheck_in_write\"\n",
    "title = \"fault, read through the filters\"\n[recover]\nvia = \"filters\"\n[[filter]]\n"
    "image = \"null_dereference\"\n",
    "title = \"hang, read through the filters\"\nlimits = { cpu_seconds = 1 }\n[recover]\nvia = \"filters\"\n"
    "[[filter]]\nimage = \"hang\"\n",
    "title = \"both machines wait for ever\"\n[recover]\nvia = \"filters\"\n[[filter]]\n"
    "image = \"entry_waits_forever\"\n",
    "title = \"memory written to, read through the filters\"\n[recover]\nvia = \"filters\"\n[[filter]]\n"
    "image = \"xor\"\nparameters = { Key = 12 }\n[[filter]]\nimage = \"write_buffer_modified\"\n",
    "title = \"no such image\"\n[[filter]]\nimage = \"./missing.so\"\n",
};

/// All that a run says. Evidence holds addresses, and says so; how deep the stack was depends on what was bound before.
std::string everything(Report report) {
  report.evidence.clear();
  report.stack_use.clear();
  return report::to_json(report, 1) + trace::to_jsonl(view_of(report));
}

std::string told_by(const scenario::Scenario& scenario, WarmHost* warm) {
  auto report = warm != nullptr ? warm->run(scenario, with_filters()) : run(scenario, with_filters());
  return report ? everything(*std::move(report)) : report.error().message;
}

TEST(WarmHost, ARunIsTheSameWhateverRanBefore) {
  std::vector<scenario::Scenario> scenarios;
  std::vector<std::string> cold;
  for (const std::string_view life : lives) {
    scenarios.push_back(scenario_of(life));
    cold.push_back(told_by(scenarios.back(), nullptr));
  }
  for (std::size_t i = 0; i < cold.size(); ++i) {
    EXPECT_EQ(std::ranges::count(cold, cold[i]), 1) << "the control: \"" << lives[i] << "\" is told apart";
    EXPECT_THAT(cold[i], testing::Not(testing::HasSubstr("on the filter path")))
        << "one that is not there lives no life: " << lives[i];
  }
  WarmHost warm;
  std::mt19937 order(20261127);
  std::vector<std::size_t> turns;
  for (std::size_t i = 0; i < scenarios.size(); ++i) turns.insert(turns.end(), 2, i);
  for (int round = 0; round < 2; ++round) {
    std::ranges::shuffle(turns, order);
    for (std::size_t i = 0; i < turns.size(); ++i) {
      EXPECT_TRUE(told_by(scenarios[turns[i]], &warm) == cold[turns[i]])
          << scenarios[turns[i]].title << ", round " << round << ", after "
          << (i == 0 ? "nothing" : scenarios[turns[i - 1]].title);
    }
  }
}

// The control of the test above: were the wrong memory kept, a run would show it.
TEST(WarmHost, MemoryThatIsKeptIsTheNextRunsMemory) {
  const scenario::Scenario scenario = scenario_of(lives[0]);
  const std::string cold = told_by(scenario, nullptr);
  WarmHost warm;
  EXPECT_EQ(told_by(scenario, &warm), cold);
  auto planned = plan(scenario);
  ASSERT_TRUE(planned);
  ASSERT_TRUE(warm.take_memory(scenario.system.memory, *planned)) << "gone again at once";
  auto zeros = machine::PhysicalMemory::create(planned->ram, std::shared_ptr(dumpfile::zero_source()), {});
  ASSERT_TRUE(zeros) << zeros.error().message;
  warm.give_back(*std::move(zeros));
  EXPECT_NE(told_by(scenario, &warm), cold);
  RunOptions here = with_filters();
  here.sandbox = false;
  const auto report = warm.run(scenario, here);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->recovered, Recovered::identical) << "in this process nothing that is kept is used";
}

// Fresh pages cost a run a third of its time.
TEST(WarmHost, TheNextRunGetsThePagesOfTheDiskAndOfWhatWasRead) {
  const std::string through_filters = "[recover]\nvia = \"filters\"\n[[filter]]\n";
  const scenario::Scenario good = scenario_of(through_filters + "image = \"xor\"\nparameters = { Key = 3 }\n");
  WarmHost warm;
  for (int i = 0; i < 3; ++i) {
    { EXPECT_EQ(warm.run(good, with_filters())->recovered, Recovered::identical); }
    EXPECT_EQ(warm.shelf().kept(), 2u) << "after run " << i;
  }
}

/// Open files of this process.
std::ptrdiff_t open_files() {
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

// The next boot's machine boots while the first still lives; whatever becomes of that one, none of the two is left.
TEST(WarmHost, NothingIsLeftOfRunsThatDie) {
  const std::string through_filters =
      "[recover]\nvia = \"filters\"\n[system]\nmemory = { size = \"64 KiB\" }\n[[filter]]\n";
  const scenario::Scenario lives_on = scenario_of(through_filters + "image = \"xor\"\nparameters = { Key = 3 }\n");
  const scenario::Scenario dies = scenario_of(through_filters + "image = \"null_dereference\"\n");
  WarmHost warm;
  std::string told[2];
  std::ptrdiff_t files = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string now = told_by(i % 2 == 0 ? lives_on : dies, &warm);
    if (i < 2) {
      told[i] = now;
    } else {
      ASSERT_TRUE(now == told[i % 2]) << "run " << i;
    }
    errno = 0;
    ASSERT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "run " << i << " leaves a process";
    ASSERT_EQ(errno, ECHILD);
    if (i == 19) files = open_files();
  }
  EXPECT_THAT(told[1], testing::HasSubstr("crashed")) << "the control: one of the two dies";
  EXPECT_EQ(open_files(), files);
}

TEST(WarmHost, AnImageThatChangedIsReadAgain) {
  ScratchFolder folder;
  const fs::path image = folder / "changing.so";
  const auto become = [&](const char* filter) {
    fs::copy_file(fs::path(DUMPSIM_FILTERS) / filter, image, fs::copy_options::overwrite_existing);
  };
  const scenario::Scenario scenario = scenario_of("[[filter]]\nimage = \"./changing.so\"\n", folder / "a.toml");
  const auto changes = [&](WarmHost* warm) {
    std::vector<std::string> told;
    become("passthrough.so");
    told.push_back(told_by(scenario, warm));
    become("logger.so");
    told.push_back(told_by(scenario, warm));
    std::ofstream(image) << "this is no image";
    told.push_back(told_by(scenario, warm));
    fs::remove(image);
    told.push_back(told_by(scenario, warm));
    become("passthrough.so");
    told.push_back(told_by(scenario, warm));
    return told;
  };
  const std::vector<std::string> cold = changes(nullptr);
  EXPECT_NE(cold[0], cold[1]) << "the control: one filter is told from the other";
  EXPECT_EQ(cold[0], cold[4]);
  WarmHost warm;
  EXPECT_EQ(changes(&warm), cold);
}

TEST(WarmHost, AReportStandsWhenTheNextRunIsOver) {
  WarmHost warm;
  std::vector<Report> reports;
  std::vector<std::string> told;
  for (int i = 0; i < 4; ++i) {
    auto report = warm.run(scenario_of(lives[i]), with_filters());
    ASSERT_TRUE(report) << report.error().message;
    reports.push_back(*std::move(report));
    told.push_back(trace::to_jsonl(view_of(reports.back())));
  }
  for (std::size_t i = 0; i < reports.size(); ++i) EXPECT_EQ(trace::to_jsonl(view_of(reports[i])), told[i]);
}

}  // namespace
}  // namespace dumpsim::engine
