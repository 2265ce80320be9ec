// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/file.hpp"
#include "machine/system_calls.hpp"

namespace dumpsim::engine {
namespace {

constexpr int poll_milliseconds = 100;
constexpr int poll_milliseconds_without_handle = 5;  // a kernel older than pidfd_open wakes nobody

/// How a process spends its time. One that is ready to run but gets no processor, on a machine with more to do than it
/// can, is neither asleep nor computing.
struct Activity {
  bool asleep = true;
  std::uint64_t computed = 0;  ///< milliseconds of processor time since it began
};

Activity activity_of(pid_t process) {
  Activity activity;
  auto file = File::open(fmt::format("/proc/{}/stat", process), File::Mode::read);
  if (!file) return activity;
  std::array<char, 1024> text{};
  const ssize_t length = read(file->fd(), text.data(), text.size() - 1);
  // The name stands in parentheses and may hold some itself; behind the last one come state, ten numbers, and times.
  const char* rest = length > 0 ? std::strrchr(text.data(), ')') : nullptr;
  char state = 'S';
  unsigned long user = 0, system = 0;
  if (rest == nullptr ||
      std::sscanf(rest, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &state, &user, &system) != 3) {
    return activity;
  }
  activity.asleep = state != 'R';
  activity.computed = (user + system) * 1000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return activity;
}

}  // namespace

Result<ChildEnd> run_in_child(const std::function<void()>& work, const stack::Totals& totals,
                              std::uint32_t stuck_seconds, const std::function<void()>& watch) {
  std::fflush(nullptr);  // what is buffered must not be written twice
  machine::prepare_system_call_wall();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0)
    return Error{.message = fmt::format("cannot start a process for the scenario: {}", std::strerror(errno)),
                 .host = true};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    work();
    _exit(0);  // no destructors, no atexit: a filter may have left anything behind
  }
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  std::uint64_t last = totals.ordinal.load(std::memory_order_relaxed);
  const int step = handle >= 0 ? poll_milliseconds : poll_milliseconds_without_handle;
  std::uint64_t waited = 0;    // milliseconds in which a callback slept or computed, and none was called
  std::uint64_t computed = 0;  // of the child, at the last look
  bool stuck = false;
  int status = 0;
  for (;;) {
    if (handle >= 0) {
      pollfd event{.fd = handle, .events = POLLIN, .revents = 0};
      poll(&event, 1, poll_milliseconds);
    } else {
      poll(nullptr, 0, poll_milliseconds_without_handle);
    }
    const pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child || (done < 0 && errno != EINTR)) break;
    if (watch) watch();
    const std::uint64_t now = totals.ordinal.load(std::memory_order_relaxed);
    const Activity activity = activity_of(child);
    if (now != last || totals.running.load(std::memory_order_relaxed) == 0) {
      waited = 0;
    } else {
      waited += activity.asleep ? static_cast<std::uint64_t>(step) : activity.computed - computed;
    }
    computed = activity.computed;
    last = now;
    if (waited > std::uint64_t{stuck_seconds} * 1000) {
      stuck = true;
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
  }
  if (handle >= 0) close(handle);
  if (stuck) return ChildEnd{ChildEnd::How::stuck, SIGKILL};
  if (WIFSIGNALED(status)) return ChildEnd{ChildEnd::How::killed, WTERMSIG(status)};
  const bool finished = totals.finished.load(std::memory_order_acquire) == 1;
  return ChildEnd{finished && WEXITSTATUS(status) == 0 ? ChildEnd::How::finished : ChildEnd::How::exited,
                  WEXITSTATUS(status)};
}

}  // namespace dumpsim::engine
