// SPDX-License-Identifier: Apache-2.0
// Devices that answer from a script, by every method, and what they do with buffers that do not fit.
#include <cstring>

#include "kernel/io_objects.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

constexpr ULONG code(ULONG function, ULONG method) {
  return CTL_CODE(FILE_DEVICE_UNKNOWN, function, method, FILE_ANY_ACCESS);
}

ScriptedDevice::Reply answers(ULONG control_code, std::vector<std::byte> bytes) {
  ScriptedDevice::Reply reply;
  reply.code = control_code;
  reply.information = bytes.size();
  reply.bytes = std::move(bytes);
  return reply;
}

class ScriptedTest : public KernelTest {
 public:
  PDEVICE_OBJECT open(const ScriptedDevice& script) {
    create_scripted_device(kernel(), script);
    Counted name(u"\\DosDevices\\Main");
    PFILE_OBJECT file = nullptr;
    PDEVICE_OBJECT device = nullptr;
    EXPECT_EQ(K(IoGetDeviceObjectPointer)(&name, GENERIC_READ, &file, &device), STATUS_SUCCESS);
    return device;
  }
  NTSTATUS ask(PDEVICE_OBJECT device, ULONG control_code, void* out, ULONG bytes) {
    KEVENT event;
    K(KeInitializeEvent)(&event, NotificationEvent, FALSE);
    IO_STATUS_BLOCK iosb{};
    PIRP irp = K(IoBuildDeviceIoControlRequest)(control_code, device, nullptr, 0, out, bytes, FALSE, &event, &iosb);
    returned_ = K(IofCallDriver)(device, irp);
    if (K(KeReadStateEvent)(&event) == 0) return STATUS_PENDING;
    information_ = iosb.Information;
    return iosb.Status;
  }
  NTSTATUS returned_ = 0;
  ULONG_PTR information_ = 0;
};
DUMPSIM_BOTH_CONVENTIONS(ScriptedTest);

TEST_P(ScriptedTest, AnswersByEveryMethod) {
  ScriptedDevice script{.name = "\\Device\\Main", .links = {"\\DosDevices\\Main"}};
  for (const ULONG method : {METHOD_BUFFERED, METHOD_IN_DIRECT, METHOD_OUT_DIRECT, METHOD_NEITHER}) {
    script.replies.push_back(answers(code(0x800 + method, method), {std::byte{7}, std::byte(method)}));
  }
  PDEVICE_OBJECT device = open(script);
  for (const ULONG method : {METHOD_BUFFERED, METHOD_IN_DIRECT, METHOD_OUT_DIRECT, METHOD_NEITHER}) {
    SCOPED_TRACE(method);
    UCHAR out[4] = {0xEE, 0xEE, 0xEE, 0xEE};
    EXPECT_EQ(ask(device, code(0x800 + method, method), out, sizeof out), STATUS_SUCCESS);
    EXPECT_EQ(information_, 2u);
    EXPECT_EQ(out[0], 7);
    EXPECT_EQ(out[1], method);
    EXPECT_EQ(out[2], 0xEE);
    EXPECT_EQ(ask(device, code(0x800 + method, method), out, 1), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(ask(device, code(0x800 + method, method), nullptr, 0), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(information_, 0u);
  }
  UCHAR out[4];
  EXPECT_EQ(ask(device, code(0x900, METHOD_BUFFERED), out, sizeof out), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  const auto records = noted(trace::Kind::device_control);
  EXPECT_EQ(records.back().text, "\\Device\\Main");
}

TEST_P(ScriptedTest, ErrorsShortAndPendingAnswers) {
  ScriptedDevice script{.name = "\\Device\\Main", .links = {"\\DosDevices\\Main"}};
  script.replies = {answers(1 << 2, {std::byte{1}, std::byte{2}}), answers(2 << 2, {std::byte{1}, std::byte{2}}),
                    answers(3 << 2, {std::byte{1}}), answers(4 << 2, {})};
  script.replies[0].status = STATUS_NOT_SUPPORTED;
  script.replies[1].information = 1;
  script.replies[2].pending = ScriptedDevice::Pending::completed;
  script.replies[3].pending = ScriptedDevice::Pending::never;
  PDEVICE_OBJECT device = open(script);
  UCHAR out[2] = {0xEE, 0xEE};
  EXPECT_EQ(ask(device, 1 << 2, out, 2), STATUS_NOT_SUPPORTED);
  EXPECT_EQ(out[0], 0xEE) << "an error gives no bytes";
  EXPECT_EQ(ask(device, 2 << 2, out, 2), STATUS_SUCCESS);
  EXPECT_EQ(information_, 1u);
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], 0xEE) << "only what Information says comes back";
  EXPECT_EQ(ask(device, 3 << 2, out, 2), STATUS_SUCCESS);
  EXPECT_EQ(returned_, STATUS_PENDING);
  EXPECT_EQ(ask(device, 4 << 2, out, 2), STATUS_PENDING);
}

TEST_P(ScriptedTest, AnswersPointToMemoryThatStays) {
  ScriptedDevice script{.name = "\\Device\\Main", .links = {"\\DosDevices\\Main"}};
  script.blocks = {{std::vector<std::byte>(16, std::byte{0x42}), {{8, 1}}}, {{std::byte{9}}, {}}};
  script.replies = {answers(1 << 2, std::vector<std::byte>(16))};
  script.replies[0].pointers = {{8, 0}};
  PDEVICE_OBJECT device = open(script);
  std::uint64_t answer[2] = {};
  EXPECT_EQ(ask(device, 1 << 2, answer, sizeof answer), STATUS_SUCCESS);
  EXPECT_EQ(answer[0], 0u);
  std::uint64_t block[2];
  std::memcpy(block, reinterpret_cast<const void*>(answer[1]), sizeof block);
  EXPECT_EQ(block[0], 0x4242424242424242u);
  EXPECT_EQ(*reinterpret_cast<const std::uint8_t*>(block[1]), 9);
  EXPECT_EQ(kernel().words(reinterpret_cast<const void*>(block[1])).substr(0, 12), "system pool#");
}

TEST_P(ScriptedTest, MayRefuseToBeOpened) {
  create_scripted_device(kernel(), {.name = "\\Device\\Shut", .open_status = STATUS_ACCESS_DENIED});
  Counted name(u"\\Device\\Shut");
  PFILE_OBJECT file = nullptr;
  PDEVICE_OBJECT device = nullptr;
  EXPECT_EQ(K(IoGetDeviceObjectPointer)(&name, GENERIC_READ, &file, &device), STATUS_ACCESS_DENIED);
}

}  // namespace
}  // namespace dumpsim::kernel::test
