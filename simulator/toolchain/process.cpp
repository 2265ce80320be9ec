// SPDX-License-Identifier: Apache-2.0
#include "toolchain/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace dumpsim::toolchain {
namespace {

constexpr std::size_t kept_bytes = std::size_t{16} << 20;

/// A pipe that ends with its owner.
struct Pipe {
  std::array<int, 2> ends = {-1, -1};
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (int& end : ends) shut(end);
  }
  bool open() { return pipe2(ends.data(), O_CLOEXEC) == 0; }
  static void shut(int& end) {
    if (end != -1) close(end);
    end = -1;
  }
};

std::vector<std::string> environment() {
  std::vector<std::string> values;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view value = *at;
    if (!value.starts_with("LC_ALL=") && !value.starts_with("LANGUAGE=")) values.emplace_back(value);
  }
  values.emplace_back("LC_ALL=C");
  return values;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Reads both pipes until both are closed.
void drain(Pipe& output, Pipe& errors, Said& said) {
  std::array<pollfd, 2> waiting = {{{output.ends[0], POLLIN, 0}, {errors.ends[0], POLLIN, 0}}};
  const std::array<std::string*, 2> into = {&said.output, &said.errors};
  std::array<char, 65536> bytes;
  while (waiting[0].fd != -1 || waiting[1].fd != -1) {
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    for (std::size_t index = 0; index < waiting.size(); ++index) {
      if (waiting[index].fd == -1 || (waiting[index].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const ssize_t count = read(waiting[index].fd, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        waiting[index].fd = -1;
      } else if (into[index]->size() < kept_bytes) {
        into[index]->append(bytes.data(), static_cast<std::size_t>(count));
      }
    }
  }
}

}  // namespace

std::filesystem::path find_program(const std::vector<std::string>& names) {
  const char* text = std::getenv("PATH");
  const std::string_view path = text == nullptr ? "/usr/local/bin:/usr/bin:/bin" : text;
  for (const std::string& name : names) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      std::filesystem::path candidate = std::filesystem::path(rest.substr(0, colon)) / name;
      std::error_code ignored;
      if (std::filesystem::is_regular_file(candidate, ignored) && access(candidate.c_str(), X_OK) == 0) {
        return candidate;
      }
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
  }
  return {};
}

Result<Said> run(const std::vector<std::string>& command) {
  Pipe output;
  Pipe errors;
  if (!output.open() || !errors.open()) {
    return Error{fmt::format("no pipe for {}: {}", command.front(), std::strerror(errno)), true};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, errors.ends[1], 2);
  std::vector<std::string> words = command;
  std::vector<std::string> variables = environment();
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, words[0].c_str(), &actions, nullptr, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error{fmt::format("cannot run {}: {}", command.front(), std::strerror(failed)), true};
  Pipe::shut(output.ends[1]);
  Pipe::shut(errors.ends[1]);
  Said said;
  drain(output, errors, said);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  said.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return said;
}

}  // namespace dumpsim::toolchain
