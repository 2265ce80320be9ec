// SPDX-License-Identifier: Apache-2.0
// Two hundred runs in one host, every other of which ends in some way that a filter should not: each is told as it
// would be alone, the runs between are none the worse for it, and nothing is left behind.
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <vector>

#include "engine/warm_host.hpp"
#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Outcome;
using scenario::Recovered;
using testing::StartsWith;

struct Life {
  std::string text;
  Outcome outcome = Outcome::completed;
  std::string detail;  ///< begins like that
};

Life life_of(const std::string& filter, const std::string& rest, Outcome outcome, const std::string& detail) {
  return {"[[filter]]\nimage = \"" + filter + "\"\n" + rest, outcome, detail};
}

const std::vector<Life>& good_lives() {
  static const std::vector<Life> lives{
      life_of("passthrough", "", Outcome::completed, ""),
      life_of("xor", "parameters = { Key = \"hex:a5 01 fe\" }\n", Outcome::completed, ""),
      life_of("logger", "", Outcome::completed, ""),
      life_of("write_buffer_modified",
              "[expect]\nrecovered = \"unreadable\"\nviolations = [\"write.buffer-modified\"]\n", Outcome::completed,
              ""),
  };
  return lives;
}

const std::vector<Life>& deaths() {
  static const std::vector<Life> lives{
      life_of("bugcheck_in_write", "", Outcome::bugchecked,
              "dump_bugcheck_in_write in DumpWrite, callback 4: KeBugCheckEx(0x0000bad1)"),
      life_of("null_dereference", "", Outcome::crashed,
              "dump_null_dereference in DumpWrite, callback 2: read of null at image dump_null_dereference"),
      life_of("wild_pointer", "", Outcome::crashed, "dump_wild_pointer in DumpWrite, callback 2: read of "),
      life_of("illegal_instruction", "", Outcome::crashed, "dump_illegal_instruction in DumpWrite, callback 2: "),
      life_of("divide_by_zero", "", Outcome::crashed, "dump_divide_by_zero in DumpWrite, callback 2: "),
      life_of("stack_overflow", "", Outcome::crashed, "dump_stack_overflow in DumpWrite, callback 2: stack overflow"),
      life_of("system_call", "", Outcome::crashed,
              "dump_system_call in DumpWrite, callback 2: syscall 231 (exit_group)"),
      life_of("pool_overrun", "", Outcome::crashed,
              "dump_pool_overrun in DriverEntry, callback 1: write to pool#1+0x200 (behind its end) at image "
              "dump_pool_overrun"),
      life_of("pool_use_after_free", "", Outcome::crashed, "dump_pool_use_after_free in DumpWrite, callback "),
      life_of("entry_fails_critical", "", Outcome::stack_not_loaded, "stage 0x2006 ended with "),
      life_of("entry_waits_forever", "", Outcome::hung, "dump_entry_waits_forever in "),
  };
  return lives;
}

TEST(ManyDeaths, TwoHundredRunsOfWhichHalfDie) {
  WarmHost warm;
  std::size_t good = 0, died = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::vector<Life>& lives = i % 2 == 0 ? good_lives() : deaths();
    Life life = lives[i / 2 % lives.size()];
    // Endless computing ends by a second of processor time; once shows it.
    if (i == 99)
      life = life_of("hang", "[limits]\ncpu_seconds = 1\n", Outcome::hung, "dump_hang in DumpWrite, callback ");
    SCOPED_TRACE("run " + std::to_string(i) + "\n" + life.text);
    const auto report = warm.run(scenario_of(life.text), with_filters());
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->outcome, life.outcome) << report->outcome_detail;
    ASSERT_THAT(report->outcome_detail, StartsWith(life.detail));
    if (life.outcome == Outcome::completed) {
      ASSERT_TRUE(report->as_expected()) << report->mismatches.front();
      ASSERT_NE(report->recovered, Recovered::not_tried);
      ++good;
    } else {
      ASSERT_FALSE(report->as_expected());
      ++died;
    }
  }
  EXPECT_EQ(good, 100u);
  EXPECT_EQ(died, 100u);
  errno = 0;
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace dumpsim::engine
