#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks every wall once and expects exactly its message: a wall that nobody has seen stop anything is no wall.

Each control is a small sound tree with one change. The sound tree itself must pass, and so must near misses that only
look like a breach.
"""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import walls  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
ROOMS = "base trace policy disk dumpfile scenario machine fault kernel verifier loader toolchain stack engine report cli"


def source(*includes, more=""):
    return SPDX + "".join(f"#include {each}\n" for each in includes) + more


def room(name, depends=""):
    return f"# why\ndumpsim_room({name} SOURCES x.cpp\n             DEPENDS {depends}\n             LIBRARIES fmt::fmt)\n"


SOUND = {
    "simulator/CMakeLists.txt": f"# The rooms (from the ground up)\nset(rooms {ROOMS})\n",
    "simulator/base/CMakeLists.txt": "dumpsim_room(base SOURCES x.cpp LIBRARIES fmt::fmt)\n",
    "simulator/base/text.hpp": source("<string>"),
    "simulator/base/file.hpp": source("<string>"),
    "simulator/base/x.cpp": source('"base/text.hpp"', "<fmt/format.h>", "<unistd.h>"),
    "simulator/trace/CMakeLists.txt": room("trace", "base"),
    "simulator/trace/rules.hpp": source('"base/text.hpp"'),
    "simulator/disk/CMakeLists.txt": room("disk", "base"),
    "simulator/disk/extents.hpp": source('"base/text.hpp"', more="// an MDL is nothing a disk knows\n"),
    "simulator/disk/raw_disk.hpp": source('"base/file.hpp"'),
    "simulator/dumpfile/CMakeLists.txt": room("dumpfile", "base"),
    "simulator/dumpfile/x.cpp": source('"base/text.hpp"'),
    "simulator/scenario/CMakeLists.txt": room("scenario", "base trace disk dumpfile"),
    "simulator/scenario/x.cpp": source('"disk/extents.hpp"', '"base/file.hpp"', more='int f = g("File::open");\n'),
    "simulator/machine/CMakeLists.txt": room("machine", "base dumpfile"),
    "simulator/machine/gate.hpp": source('"base/text.hpp"'),
    "simulator/fault/CMakeLists.txt": room("fault", "disk"),
    "simulator/fault/x.cpp": source('"disk/extents.hpp"'),
    "simulator/kernel/CMakeLists.txt": room("kernel", "machine trace base"),
    "simulator/kernel/pool.hpp": source('"machine/gate.hpp"', "<ntddk.h>", '"wdk/ntddk.h"'),
    "simulator/verifier/CMakeLists.txt": room("verifier", "machine trace"),
    "simulator/verifier/x.cpp": source('"trace/rules.hpp"', '"wdk/ntddk.h"'),
    "simulator/loader/CMakeLists.txt": room("loader", "kernel"),
    "simulator/loader/image.hpp": source('"kernel/pool.hpp"', '"base/file.hpp"'),
    "simulator/toolchain/CMakeLists.txt": room("toolchain", "loader base"),
    "simulator/toolchain/x.cpp": source('"loader/image.hpp"', '"base/file.hpp"'),
    "simulator/stack/CMakeLists.txt": room("stack", "kernel verifier loader disk"),
    "simulator/stack/invoke.hpp": source('"loader/image.hpp"', '"disk/extents.hpp"', '"wdk/ntddk.h"'),
    "simulator/engine/CMakeLists.txt": room("engine", "stack scenario fault"),
    "simulator/engine/run.hpp": source('"stack/invoke.hpp"', more="// nothing here reads argv\n"),
    "simulator/report/CMakeLists.txt": room("report", "engine trace"),
    "simulator/report/x.cpp": source('"engine/run.hpp"', '"trace/rules.hpp"'),
    "simulator/cli/CMakeLists.txt": "add_executable(dumpsim x.cpp)\ntarget_link_libraries(dumpsim PRIVATE dumpsim_engine"
                                    " dumpsim_report)\n",
    "simulator/cli/x.cpp": source('"engine/run.hpp"', '"cli/version.hpp"', "<CLI/CLI.hpp>",
                                  more="int main(int argc, char** argv) { return printf(argv[0]); }\n"),
    "include/wdk/ntddk.h": source("<stddef.h>", "<string.h>", '"ntdef.h"'),
    "include/wdk/ntdef.h": source(),
    "include/dumpsim/dumpsim.hpp": source("<string>", more='// #include "engine/run.hpp"\n/*\n#include "engine/run.hpp"\n*/\n'),
    "filters/xor/xor.c": source("<ntddk.h>", '"key.h"', "<emmintrin.h>"),
    "filters/xor/key.h": source("<stdint.h>"),
    "filters/xor/xor_test.cpp": source('"key.h"', '"dumpsim/dumpsim.hpp"', "<gtest/gtest.h>", "<openssl/evp.h>"),
    "tests/base/x_test.cpp": source('"base/text.hpp"', '"suite.hpp"'),
    "tests/base/suite.hpp": source("<gtest/gtest.h>"),
    "tests/base/reader.py": "#!/usr/bin/env python3\n# SPDX-License-Identifier: Apache-2.0\n",
    "tests/fuzz/corpus/x/misc.c": "no source at all",
    "bench/x.cpp": source('"engine/run.hpp"'),
    "docs/information.md": "no breach: the whole word only\n",
}

# name: (changes to the sound tree, the one breach expected). A change of None removes the file.
CONTROLS = {
    "room not linked": (
        {"simulator/fault/x.cpp": source('"disk/extents.hpp"', '"trace/rules.hpp"')},
        'simulator/fault/x.cpp:3: includes "trace/rules.hpp", but fault does not link trace'),
    "room not linked, by a relative path": (
        {"simulator/fault/x.cpp": source('"../trace/rules.hpp"')},
        'simulator/fault/x.cpp:2: includes "../trace/rules.hpp", but fault does not link trace'),
    "room not linked, header not there": (
        {"simulator/fault/x.cpp": source("<trace/made_by_a_tool.hpp>")},
        'simulator/fault/x.cpp:2: includes "trace/made_by_a_tool.hpp", but fault does not link trace'),
    "room not linked, in an assembly file": (
        {"simulator/disk/x.S": source('"trace/rules.hpp"')},
        'simulator/disk/x.S:2: includes "trace/rules.hpp", but disk does not link trace'),
    "include after a block comment": (
        {"simulator/fault/x.cpp": SPDX + '/* a\n   b */ \n  #  include "trace/rules.hpp"\n'},
        'simulator/fault/x.cpp:4: includes "trace/rules.hpp", but fault does not link trace'),
    "arrow that points up": (
        {"simulator/trace/CMakeLists.txt": room("trace", "base disk")},
        "simulator/trace/CMakeLists.txt:1: trace links disk, which is not below it in simulator/CMakeLists.txt"),
    "arrow to itself": (
        {"simulator/trace/CMakeLists.txt": room("trace", "base trace")},
        "simulator/trace/CMakeLists.txt:1: trace links trace, which is not below it in simulator/CMakeLists.txt"),
    "arrow that points up by another door": (
        {"simulator/trace/CMakeLists.txt": room("trace", "base") + "target_link_libraries(dumpsim_trace PRIVATE dumpsim_engine)\n"},
        "simulator/trace/CMakeLists.txt:1: trace links engine, which is not below it in simulator/CMakeLists.txt"),
    "arrow to an empty place": (
        {"simulator/trace/CMakeLists.txt": room("trace", "base"), "simulator/disk/CMakeLists.txt": room("disk", "base policy")},
        "simulator/disk/CMakeLists.txt:1: disk links policy, which is no room here"),
    "room nobody names": (
        {"simulator/attic/CMakeLists.txt": room("attic", "base")},
        "simulator/attic:1: is no room: simulator/CMakeLists.txt does not name it"),
    "room nobody builds": (
        {"simulator/policy/x.cpp": source()},
        "simulator/policy:1: has no CMakeLists.txt: nothing builds it"),
    "no rooms at all": (
        {name: None for name in SOUND if name.startswith("simulator/") and name != "simulator/CMakeLists.txt"}
        | {"simulator/CMakeLists.txt": "# empty\n", "bench/x.cpp": None},
        "simulator/CMakeLists.txt:1: no set(rooms …): there is nothing to check"),
    "rooms without an include": (
        {name: None for name in SOUND if name.startswith("simulator/") and "/base/" not in name and name.count("/") > 1}
        | {"simulator/base/x.cpp": SPDX, "simulator/base/text.hpp": SPDX, "simulator/base/file.hpp": SPDX},
        "simulator:1: no include found: there is nothing to check"),

    "wdk includes ours": (
        {"include/wdk/ntdef.h": source('"base/text.hpp"')},
        'include/wdk/ntdef.h:2: includes "base/text.hpp"; the WDK headers know nothing of ours and no host'),
    "wdk includes the embedding API": (
        {"include/wdk/ntdef.h": source("<dumpsim/dumpsim.hpp>")},
        'include/wdk/ntdef.h:2: includes "dumpsim/dumpsim.hpp"; the WDK headers know nothing of ours and no host'),
    "wdk includes the host": (
        {"include/wdk/ntdef.h": source("<sys/types.h>")},
        'include/wdk/ntdef.h:2: includes "sys/types.h"; the WDK headers know nothing of ours and no host'),
    "wdk includes a host header without a folder": (
        {"include/wdk/ntdef.h": source("<unistd.h>")},
        'include/wdk/ntdef.h:2: includes "unistd.h"; the WDK headers know nothing of ours and no host'),
    "embedding API shows internals": (
        {"include/dumpsim/dumpsim.hpp": source('"engine/run.hpp"')},
        'include/dumpsim/dumpsim.hpp:2: includes "engine/run.hpp"; include/dumpsim shows no internals'),
    "filter includes the C library": (
        {"filters/xor/xor.c": source("<ntddk.h>", "<stdio.h>")},
        'filters/xor/xor.c:3: includes "stdio.h"; a filter sees include/wdk and its own folder'),
    "filter includes the simulator": (
        {"filters/xor/key.h": source('"base/text.hpp"')},
        'filters/xor/key.h:2: includes "base/text.hpp"; a filter sees include/wdk and its own folder'),
    "filter includes the embedding API": (
        {"filters/xor/xor.c": source('"dumpsim/dumpsim.hpp"')},
        'filters/xor/xor.c:2: includes "dumpsim/dumpsim.hpp"; a filter sees include/wdk and its own folder'),
    "filter includes another filter": (
        {"filters/logger/logger.c": source('"../xor/key.h"')},
        'filters/logger/logger.c:2: includes "../xor/key.h"; a filter sees include/wdk and its own folder'),
    "filter's test includes a room": (
        {"filters/xor/xor_test.cpp": source('"engine/run.hpp"')},
        'filters/xor/xor_test.cpp:2: includes "engine/run.hpp"; a filter\'s test sees include/ and its own folder'),
    "something includes tests": (
        {"simulator/base/x.cpp": source('"../../tests/base/suite.hpp"')},
        'simulator/base/x.cpp:2: includes "../../tests/base/suite.hpp"; nothing includes tests/'),
    "something includes tests by the name from the top": (
        {"bench/x.cpp": source('"tests/base/suite.hpp"')},
        'bench/x.cpp:2: includes "tests/base/suite.hpp"; nothing includes tests/'),
    "a test includes bench": (
        {"tests/base/suite.hpp": source('"bench/x.cpp"')},
        'tests/base/suite.hpp:2: includes "bench/x.cpp"; nothing includes bench/'),

    "licence missing": (
        {"simulator/base/text.hpp": "#pragma once\n#include <string>\n"},
        "simulator/base/text.hpp:1: does not begin with the SPDX line"),
    "licence not first": (
        {"simulator/base/text.hpp": "\n" + SPDX},
        "simulator/base/text.hpp:1: does not begin with the SPDX line"),
    "another licence": (
        {"simulator/base/text.hpp": "// SPDX-License-Identifier: MIT\n"},
        "simulator/base/text.hpp:1: does not begin with the SPDX line"),
    "licence missing after the interpreter": (
        {"tests/base/reader.py": "#!/usr/bin/env python3\nimport os\n"},
        "tests/base/reader.py:1: does not begin with the SPDX line"),
    "name that says nothing": (
        {"simulator/base/string_utils.hpp": SPDX},
        'simulator/base/string_utils.hpp:1: the word "utils" in its name says nothing'),
    "name that says nothing, in capitals": (
        {"docs/DiskManager.md": "x\n"},
        'docs/DiskManager.md:1: the word "manager" in its name says nothing'),

    "file left behind at the top": (
        {"formats.json": "{}\n"},
        "formats.json:1: is nothing that stands at the top"),

    # What each room must never know although it could link it.
    "base and the kernel's API": (
        {"simulator/base/x.cpp": source("<ntddk.h>")},
        "simulator/base/x.cpp:2: includes \"ntddk.h\"; base must never know the kernel's API"),
    "trace and the kernel's API": (
        {"simulator/trace/rules.hpp": source('"wdk/ntdef.h"')},
        "simulator/trace/rules.hpp:2: includes \"wdk/ntdef.h\"; trace must never know the kernel's API"),
    "policy and the kernel's API": (
        {"simulator/policy/CMakeLists.txt": room("policy", "base"), "simulator/policy/x.cpp": source('"wdk/ntdef.h"')},
        "simulator/policy/x.cpp:2: includes \"wdk/ntdef.h\"; policy must never know the kernel's API"),
    "disk and MDLs": (
        {"simulator/disk/extents.hpp": source(more="void write(PMDL mdl);\n")},
        "simulator/disk/extents.hpp:2: says PMDL; disk must never know filters and MDLs"),
    "dumpfile and disks": (
        {"simulator/dumpfile/CMakeLists.txt": room("dumpfile", "base disk")},
        "simulator/dumpfile/CMakeLists.txt:1: dumpfile links disk; it must never know disks and the kernel"),
    "scenario and a disk's backend": (
        {"simulator/scenario/x.cpp": source('"disk/raw_disk.hpp"')},
        'simulator/scenario/x.cpp:2: includes "disk/raw_disk.hpp"; scenario must never know any I/O beside reading its own text'),
    "scenario and the host's files": (
        {"simulator/scenario/x.cpp": source("<fstream>")},
        'simulator/scenario/x.cpp:2: includes "fstream"; scenario must never know any I/O beside reading its own text'),
    "scenario opens a file": (
        {"simulator/scenario/x.cpp": source('"base/file.hpp"', more="auto f = File::open(path);\n")},
        "simulator/scenario/x.cpp:3: says File::; scenario must never know any I/O beside reading its own text"),
    "machine and the kernel's API": (
        {"simulator/machine/gate.hpp": source('"wdk/ntddk.h"')},
        "simulator/machine/gate.hpp:2: includes \"wdk/ntddk.h\"; machine must never know the kernel's API"),
    "fault and scenario text": (
        {"simulator/fault/CMakeLists.txt": room("fault", "disk scenario")},
        "simulator/fault/CMakeLists.txt:1: fault links scenario; it must never know scenario text"),
    "kernel and disks": (
        {"simulator/kernel/CMakeLists.txt": room("kernel", "machine trace base disk")},
        "simulator/kernel/CMakeLists.txt:1: kernel links disk; it must never know disks, filters and the stack"),
    "verifier and how calls are made": (
        {"simulator/verifier/x.cpp": source('"machine/gate.hpp"')},
        'simulator/verifier/x.cpp:2: includes "machine/gate.hpp"; verifier must never know how calls are made'),
    "loader and rules": (
        {"simulator/loader/image.hpp": source('"trace/rules.hpp"')},
        'simulator/loader/image.hpp:2: includes "trace/rules.hpp"; loader must never know rules and scenarios'),
    "toolchain and how images run": (
        {"simulator/toolchain/x.cpp": source('"machine/gate.hpp"')},
        'simulator/toolchain/x.cpp:2: includes "machine/gate.hpp"; toolchain must never know the kernel\'s API and how images '
        "run"),
    "stack and scenario text": (
        {"simulator/stack/CMakeLists.txt": room("stack", "kernel verifier loader disk scenario")},
        "simulator/stack/CMakeLists.txt:1: stack links scenario; it must never know scenario text and host files"),
    "stack and host files": (
        {"simulator/stack/invoke.hpp": source('"base/file.hpp"')},
        'simulator/stack/invoke.hpp:2: includes "base/file.hpp"; stack must never know scenario text and host files'),
    "engine and argv": (
        {"simulator/engine/run.hpp": source('"stack/invoke.hpp"', more="int run(int argc, char** argv);\n")},
        "simulator/engine/run.hpp:3: says argv; engine must never know argv and the terminal"),
    "engine and the terminal": (
        {"simulator/engine/run.hpp": source(more='inline void f() { std::printf("x"); }\n')},
        "simulator/engine/run.hpp:2: says printf(; engine must never know argv and the terminal"),
    "engine and the log": (
        {"simulator/engine/run.hpp": source("<spdlog/spdlog.h>")},
        'simulator/engine/run.hpp:2: includes "spdlog/spdlog.h"; engine must never know argv and the terminal'),
    "report and the kernel": (
        {"simulator/report/x.cpp": source('"kernel/pool.hpp"')},
        'simulator/report/x.cpp:2: includes "kernel/pool.hpp"; report must never know the kernel and the stack'),
    "report links the stack": (
        {"simulator/report/CMakeLists.txt": room("report", "engine trace stack")},
        "simulator/report/CMakeLists.txt:1: report links stack; it must never know the kernel and the stack"),
    "cli and the WDK headers": (
        {"simulator/cli/x.cpp": source("<ntddk.h>")},
        'simulator/cli/x.cpp:2: includes "ntddk.h"; cli must never know the WDK headers and the kernel'),
    "cli and the kernel": (
        {"simulator/cli/x.cpp": source('"kernel/pool.hpp"')},
        'simulator/cli/x.cpp:2: includes "kernel/pool.hpp"; cli must never know the WDK headers and the kernel'),
}


def breaches_of(changes):
    return walls.Tree("", {path: text for path, text in (SOUND | changes).items()
                           if text is not None and "/corpus/" not in path}).check()


def run_on_files(changes):
    """The program itself on a real folder: (exit status, output)."""
    with tempfile.TemporaryDirectory(prefix="dumpsim-walls-") as root:
        for path, text in (SOUND | changes).items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, walls.__file__, root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Controls(unittest.TestCase):
    maxDiff = None

    def test_a_sound_tree_passes(self):
        self.assertEqual(breaches_of({}), [])

    def test_each_control_is_caught_alone(self):
        for name, (changes, expected) in CONTROLS.items():
            with self.subTest(name):
                self.assertEqual(breaches_of(changes), [expected])

    def test_every_row_of_the_table_has_a_control(self):
        messages = "\n".join(expected for _, expected in CONTROLS.values())
        for room_name, rows in walls.NEVER.items():
            for what, _, _ in rows:
                if (room_name, what) == ("scenario", "the engine"):
                    continue  # the engine is above: no change to one file reaches it without an arrow that points up
                self.assertIn(what, messages, f"no control for {room_name}: {what}")
                self.assertRegex(messages, f"simulator/{room_name}/[^\n]*must never know {walls.re.escape(what)}")

    def test_scenario_and_the_engine(self):
        found = breaches_of({"simulator/scenario/CMakeLists.txt": room("scenario", "base trace disk dumpfile engine")})
        self.assertIn("simulator/scenario/CMakeLists.txt:1: scenario links engine; it must never know the engine", found)

    def test_the_program_fails_on_a_breach_and_not_otherwise(self):
        self.assertEqual(run_on_files({}), (0, ""))
        status, output = run_on_files({"simulator/cli/x.cpp": source("<ntddk.h>")})
        self.assertEqual(status, 1)
        self.assertIn('simulator/cli/x.cpp:2: includes "ntddk.h"; cli must never know', output)

    def test_several_breaches_come_at_once(self):
        changes = {"simulator/base/info.hpp": "x\n", "filters/xor/xor.c": source("<stdio.h>")}
        self.assertEqual(len(breaches_of(changes)), 3)


if __name__ == "__main__":
    unittest.main()
