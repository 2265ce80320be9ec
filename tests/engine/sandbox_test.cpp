// SPDX-License-Identifier: Apache-2.0
// How a child ends, told apart: it finished, it ended the process, it was killed, it sleeps. The only waiting here is
// the sandbox's own patience, the smallest it has.
#include "engine/sandbox.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>

#include "base/mapping.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::uint32_t patience = 1;  // seconds

class Sandbox : public testing::Test {
 protected:
  struct Shared {
    stack::Totals totals;
    std::atomic<std::uint32_t> looks{0};  // how often the parent looked
  };
  void SetUp() override {
    auto mapping = Mapping::shared(sizeof(Shared));
    ASSERT_TRUE(mapping);
    mapping_ = *std::move(mapping);
    shared_ = new (mapping_.begin()) Shared;
  }
  void TearDown() override {
    errno = 0;
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    EXPECT_EQ(errno, ECHILD);
  }
  ChildEnd end_of(const std::function<void()>& work) {
    auto child = Child::start(work);
    EXPECT_TRUE(child);
    return child ? child->wait(shared_->totals, patience, [this] { ++shared_->looks; }) : ChildEnd{};
  }
  void finish() { shared_->totals.finished.store(1); }
  /// In the child: until the parent has looked so many times more, which takes longer than its patience.
  void outlast(const std::function<void()>& each) {
    for (std::uint32_t seen = shared_->looks; seen < 15;) {
      if (const std::uint32_t now = shared_->looks; now != seen) {
        seen = now;
        each();
      }
      usleep(1000);
    }
  }

  Mapping mapping_;
  Shared* shared_ = nullptr;
};

TEST_F(Sandbox, AChildThatFinishes) {
  const ChildEnd end = end_of([this] { finish(); });
  EXPECT_EQ(end.how, ChildEnd::How::finished);
  EXPECT_EQ(end.detail, 0);
}

TEST_F(Sandbox, AChildThatEndsTheProcess) {
  ChildEnd end = end_of([] { _exit(17); });
  EXPECT_EQ(end.how, ChildEnd::How::exited);
  EXPECT_EQ(end.detail, 17);
  end = end_of([] { _exit(0); });
  EXPECT_EQ(end.how, ChildEnd::How::exited) << "a status of 0 is no finish: it did not say so";
  EXPECT_EQ(end.detail, 0);
  end = end_of([this] {
    finish();
    _exit(3);
  });
  EXPECT_EQ(end.how, ChildEnd::How::exited) << "what it said first does not count";
}

TEST_F(Sandbox, AChildThatIsKilled) {
  for (const int signal : {SIGKILL, SIGSEGV, SIGTERM}) {
    const ChildEnd end = end_of([signal] {
      std::signal(signal, SIG_DFL);
      kill(getpid(), signal);
      for (;;) pause();
    });
    EXPECT_EQ(end.how, ChildEnd::How::killed);
    EXPECT_EQ(end.detail, signal);
  }
}

TEST_F(Sandbox, AChildThatSleepsInACallback) {
  const ChildEnd end = end_of([this] {
    shared_->totals.running = 0x102;
    for (;;) pause();
  });
  EXPECT_EQ(end.how, ChildEnd::How::stuck);
}

// Its own timer ends such a child first, unless the filter takes that away. It is the processor's time that counts: a
// child that waits for a processor on a busy machine is not stuck.
TEST_F(Sandbox, AChildThatComputesInACallback) {
  const ChildEnd end = end_of([this] {
    shared_->totals.running = 0x102;
    for (volatile bool forever = true; forever;) {
    }
  });
  EXPECT_EQ(end.how, ChildEnd::How::stuck);
}

TEST_F(Sandbox, AChildThatGoesOnIsLeftAlone) {
  const ChildEnd end = end_of([this] {
    shared_->totals.running = 0x102;
    outlast([this] { ++shared_->totals.ordinal; });
    finish();
  });
  EXPECT_EQ(end.how, ChildEnd::How::finished);
  EXPECT_GE(shared_->looks.load(), 15u);
}

TEST_F(Sandbox, AHostThatWorksBetweenCallbacksIsLeftAlone) {
  const ChildEnd end = end_of([this] {
    outlast([] {});
    finish();
  });
  EXPECT_EQ(end.how, ChildEnd::How::finished);
}

TEST_F(Sandbox, AChildThatSaysItIsDoneIsNotWaitedForUntilItEnds) {
  auto done = Signal::create(), go_on = Signal::create();
  ASSERT_TRUE(done && go_on);
  auto child = Child::start([&] {
    finish();
    done->give();
    go_on->await();
    _exit(3);
  });
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->wait_until(*done, shared_->totals, patience)) << "it goes on when it is told to";
  EXPECT_FALSE(child->wait_until(*done, shared_->totals, patience)) << "what was said stays said";
  go_on->give();
  const ChildEnd end = child->wait(shared_->totals, patience, {});
  EXPECT_EQ(end.how, ChildEnd::How::exited);
  EXPECT_EQ(end.detail, 3);
}

TEST_F(Sandbox, AChildThatEndsBeforeItSaysAnything) {
  auto done = Signal::create();
  ASSERT_TRUE(done);
  auto child = Child::start([] { _exit(17); });
  ASSERT_TRUE(child);
  const auto end = child->wait_until(*done, shared_->totals, patience);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->how, ChildEnd::How::exited);
  EXPECT_EQ(end->detail, 17);
}

// TearDown() is what sees a child that is left.
TEST_F(Sandbox, AChildThatNobodyWaitsForIsKilled) {
  const auto sleep = [] {
    for (;;) pause();
  };
  auto one = Child::start(sleep), other = Child::start(sleep);
  ASSERT_TRUE(one && other);
  Child kept = *std::move(one);
  kept = *std::move(other);
}

TEST_F(Sandbox, TheParentsMemoryStaysItsOwn) {
  int mine = 1;
  end_of([&] {
    mine = 2;
    finish();
  });
  EXPECT_EQ(mine, 1);
}

}  // namespace
}  // namespace dumpsim::engine
