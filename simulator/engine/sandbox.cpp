// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace dumpsim::engine {
namespace {

constexpr int poll_milliseconds = 100;
constexpr int poll_milliseconds_without_handle = 5;  // a kernel older than pidfd_open wakes nobody

}  // namespace

Result<ChildEnd> run_in_child(const std::function<void()>& work, const stack::Totals& totals,
                              std::uint32_t stuck_seconds, const std::function<void()>& watch) {
  std::fflush(nullptr);  // what is buffered must not be written twice
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
  std::uint64_t waited = 0;  // milliseconds in which nothing moved
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
    waited = now == last && totals.running.load(std::memory_order_relaxed) != 0
                 ? waited + static_cast<std::uint64_t>(step)
                 : 0;
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
