// SPDX-License-Identifier: Apache-2.0
// Callback objects: names, who may register, the order of notification, and changes from within a routine.
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;

std::vector<std::uintptr_t> told;
PVOID own_registration;

void note(PVOID context, PVOID first, PVOID second) {
  told.push_back(reinterpret_cast<std::uintptr_t>(context));
  told.push_back(reinterpret_cast<std::uintptr_t>(first));
  told.push_back(reinterpret_cast<std::uintptr_t>(second));
}
void note_once(PVOID context, PVOID first, PVOID second) {
  note(context, first, second);
  kernel::ExUnregisterCallback(own_registration);
}

PVOID pointer(std::uintptr_t number) {
  return reinterpret_cast<PVOID>(number);
}

class CallbackTest : public KernelTest {
 public:
  CallbackTest() { told.clear(); }
  NTSTATUS create(const char16_t* name, BOOLEAN make, BOOLEAN multiple, PCALLBACK_OBJECT* object) {
    Counted counted(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &counted, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return K(ExCreateCallback)(object, &attributes, make, multiple);
  }
};
DUMPSIM_BOTH_CONVENTIONS(CallbackTest);

TEST_P(CallbackTest, TheSystemsObjectsAreThere) {
  PCALLBACK_OBJECT object = nullptr, again = nullptr, none = nullptr;
  for (const char16_t* name : {u"\\Callback\\Phase1InitComplete", u"\\Callback\\PowerState",
                               u"\\Callback\\SetSystemTime", u"\\Callback\\ProcessorAdd"}) {
    EXPECT_EQ(create(name, FALSE, TRUE, &object), STATUS_SUCCESS) << to_utf8(name);
  }
  EXPECT_EQ(create(u"\\CALLBACK\\processoradd", FALSE, TRUE, &again), STATUS_SUCCESS);
  EXPECT_EQ(object, again);
  EXPECT_EQ(create(u"\\Callback\\Vendor", FALSE, TRUE, &none), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(create(u"Vendor", TRUE, TRUE, &none), STATUS_OBJECT_PATH_SYNTAX_BAD);
}

TEST_P(CallbackTest, EverybodyIsToldInOrder) {
  PCALLBACK_OBJECT object = nullptr;
  ASSERT_EQ(create(u"\\Callback\\Vendor", TRUE, TRUE, &object), STATUS_SUCCESS);
  EXPECT_NE(K(ExRegisterCallback)(object, note, pointer(1)), nullptr);
  own_registration = K(ExRegisterCallback)(object, note_once, pointer(2));
  EXPECT_NE(K(ExRegisterCallback)(object, note, pointer(3)), nullptr);
  EXPECT_EQ(kernel().callbacks_of(image), 3u);
  K(ExNotifyCallback)(object, pointer(7), pointer(8));
  EXPECT_THAT(told, ElementsAre(1, 7, 8, 2, 7, 8, 3, 7, 8));
  told.clear();
  kernel().notify_callback(u"\\Callback\\vendor", 5, 6);
  EXPECT_THAT(told, ElementsAre(1, 5, 6, 3, 5, 6));
  kernel().notify_callback(u"\\Callback\\PowerState", 5, 6);
  K(ExNotifyCallback)(nullptr, nullptr, nullptr);
  kernel().forget_image(image);
  EXPECT_EQ(kernel().callbacks_of(image), 0u);
}

TEST_P(CallbackTest, OneMayMeanOne) {
  PCALLBACK_OBJECT object = nullptr;
  EXPECT_EQ(K(ExCreateCallback)(&object, nullptr, TRUE, FALSE), STATUS_SUCCESS);
  PVOID first = K(ExRegisterCallback)(object, note, nullptr);
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(K(ExRegisterCallback)(object, note, nullptr), nullptr);
  K(ExUnregisterCallback)(first);
  EXPECT_NE(K(ExRegisterCallback)(object, note, nullptr), nullptr);
  bugcheck_of(PAGE_FAULT_IN_NONPAGED_AREA, [&] { K(ExUnregisterCallback)(pointer(0x1234)); });
}

}  // namespace
}  // namespace dumpsim::kernel::test
