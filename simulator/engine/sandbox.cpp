// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
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
#include <utility>

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

Result<Child> Child::start(const std::function<void()>& work) {
  std::fflush(nullptr);  // what is buffered must not be written twice
  machine::prepare_system_call_wall();
  const pid_t parent = getpid();
  Child child;
  child.pid_ = fork();
  if (child.pid_ < 0)
    return Error{.message = fmt::format("cannot start a process for the scenario: {}", std::strerror(errno)),
                 .host = true};
  if (child.pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    work();
    _exit(0);  // no destructors, no atexit: a filter may have left anything behind
  }
  child.handle_ = static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0));
  return child;
}

Child::~Child() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (handle_ >= 0) close(handle_);
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), handle_(std::exchange(other.handle_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(handle_, other.handle_);
  return *this;
}

ChildEnd Child::wait(const stack::Totals& totals, std::uint32_t stuck_seconds, const std::function<void()>& watch) {
  return *follow(totals, stuck_seconds, watch, -1);
}

std::optional<ChildEnd> Child::wait_until(const Signal& said, const stack::Totals& totals,
                                          std::uint32_t stuck_seconds) {
  return follow(totals, stuck_seconds, {}, said.fd_);
}

std::optional<ChildEnd> Child::follow(const stack::Totals& totals, std::uint32_t stuck_seconds,
                                      const std::function<void()>& watch, int said) {
  std::uint64_t last = totals.ordinal.load(std::memory_order_relaxed);
  const int step = handle_ >= 0 ? poll_milliseconds : poll_milliseconds_without_handle;
  std::uint64_t waited = 0;    // milliseconds in which a callback slept or computed, and none was called
  std::uint64_t computed = 0;  // of the child, at the last look
  bool stuck = false;
  int status = 0;
  for (;;) {
    // A negative one is passed over.
    std::array<pollfd, 2> events{
        {{.fd = said, .events = POLLIN, .revents = 0}, {.fd = handle_, .events = POLLIN, .revents = 0}}};
    poll(events.data(), events.size(), step);
    if ((events[0].revents & POLLIN) != 0) return std::nullopt;
    const pid_t done = waitpid(pid_, &status, WNOHANG);
    if (done == pid_ || (done < 0 && errno != EINTR)) break;
    if (watch) watch();
    const std::uint64_t now = totals.ordinal.load(std::memory_order_relaxed);
    const Activity activity = activity_of(pid_);
    if (now != last || totals.running.load(std::memory_order_relaxed) == 0) {
      waited = 0;
    } else {
      waited += activity.asleep ? static_cast<std::uint64_t>(step) : activity.computed - computed;
    }
    computed = activity.computed;
    last = now;
    if (waited > std::uint64_t{stuck_seconds} * 1000) {
      stuck = true;
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
  }
  pid_ = -1;
  if (stuck) return ChildEnd{ChildEnd::How::stuck, SIGKILL};
  if (WIFSIGNALED(status)) return ChildEnd{ChildEnd::How::killed, WTERMSIG(status)};
  const bool finished = totals.finished.load(std::memory_order_acquire) == 1;
  return ChildEnd{finished && WEXITSTATUS(status) == 0 ? ChildEnd::How::finished : ChildEnd::How::exited,
                  WEXITSTATUS(status)};
}

Result<Signal> Signal::create() {
  Signal signal;
  signal.fd_ = eventfd(0, EFD_CLOEXEC);
  if (signal.fd_ < 0)
    return Error{.message = fmt::format("cannot make an event: {}", std::strerror(errno)), .host = true};
  return signal;
}

Signal::~Signal() {
  if (fd_ >= 0) close(fd_);
}

Signal::Signal(Signal&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Signal& Signal::operator=(Signal&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Signal::give() const {
  const std::uint64_t one = 1;
  while (write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Signal::await() const {
  // Looked at, not read: it stays given.
  pollfd event{.fd = fd_, .events = POLLIN, .revents = 0};
  while (poll(&event, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace dumpsim::engine
