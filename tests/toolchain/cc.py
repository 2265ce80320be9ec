#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds drivers with `dumpsim cc` as a user would, and with the commands it prints; both have to behave alike.

cc.py DUMPSIM SOURCE_TREE. Needs gcc and clang, which the project's own filters are built with.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, TREE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def run(command, folder, expect=0, env=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, env=env)
    if expect is not None and done.returncode != expect:
        sys.exit(f"cc.py: {command}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def demand(condition, what):
    if not condition:
        sys.exit(f"cc.py: {what}")


def same_life(folder, image, scenario, name):
    """The scenario with `image`, and its trace."""
    text = re.sub(r'^image = ".*"', f'image = "./{image}"', (TREE / scenario).read_text(), flags=re.M)
    # The name it would have by its file must not tell images apart.
    text = text.replace("[[filter]]\n", f'[[filter]]\nname = "{name}"\n')
    (folder / "one.toml").write_text(text)
    run([PROGRAM, "run", "--digests", "--trace-file", "trace", "--replace", "one.toml"], folder)
    return (folder / "trace").read_bytes()


def ways(folder):
    source = TREE / "filters" / "xor" / "xor.c"
    traces = {}
    for way, ending in (("system-v", ".so"), ("microsoft", ".so"), ("windows", ".so"), ("sys", ".sys")):
        run([PROGRAM, "cc", "--way", way, "-o", way + ending, source], folder)
        traces[way] = same_life(folder, way + ending, "filters/xor/scenarios/encrypts.toml", "xor")
        printed, _ = run([PROGRAM, "cc", "--way", way, "-n", "-o", f"plain-{way}{ending}", source], folder)
        for line in printed.splitlines():
            run(["sh", "-c", line], folder)
        traces[f"plain {way}"] = same_life(folder, f"plain-{way}{ending}", "filters/xor/scenarios/encrypts.toml", "xor")
    for way, trace in traces.items():
        demand(trace and trace == traces["system-v"], f"the trace of {way} differs from that of system-v")


def choice(folder):
    source = TREE / "tests" / "variants"
    _, said = run([PROGRAM, "cc", "-o", "llp64.so", source / "llp64.c", source / "llp64_cipher.c"], folder)
    demand("the windows way" in said and "a plain long" in said, f"llp64.c is not built the windows way: {said}")
    same_life(folder, "llp64.so", "tests/variants/llp64.toml", "llp64")
    _, said = run([PROGRAM, "cc", "-o", "seh.sys", source / "seh.c"], folder)
    demand("the sys way" in said and "__try" in said, f"seh.c is not built the sys way: {said}")
    same_life(folder, "seh.sys", "tests/variants/seh.toml", "seh")
    run([PROGRAM, "cc", "--way", "system-v", "-o", "seh-v.so", source / "seh.c"], folder)
    # Its name is its service's too, whose key it queries.
    same_life(folder, "seh-v.so", "tests/variants/seh.toml", "seh")
    _, said = run([PROGRAM, "cc", "--way", "windows", "-o", "seh-w.so", source / "seh.c"], folder, expect=2)
    demand("build a .sys (--way sys)" in said, f"--way windows does not refuse __try: {said}")
    (folder / "suffix.c").write_text("#include <ntddk.h>\nULONGLONG number = 0x10ui64;\n"
                                     "NTSTATUS DriverEntry(void* a, void* b) { return 0; }\n")
    _, said = run([PROGRAM, "cc", "-o", "suffix.so", "suffix.c"], folder)
    demand("the windows way" in said and "suffix ui64" in said, f"suffix.c is not built the windows way: {said}")
    _, said = run([PROGRAM, "cc", "--way", "system-v", "-o", "never", "suffix.c"], folder, expect=2)
    demand("suffix.c:2 has a number with the suffix ui64" in said and "--way windows fits that" in said,
           f"that the way does not fit is not said: {said}")
    _, said = run([PROGRAM, "cc", "-o", "cpp.so", source / "cpp_filter.cpp"], folder)
    demand("the system-v way" in said, f"cpp_filter.cpp is not built the system-v way: {said}")
    same_life(folder, "cpp.so", "tests/variants/cpp_filter.toml", "cpp")
    _, said = run([PROGRAM, "cc", "-o", "cpp.so", source / "cpp_filter.cpp"], folder, expect=2)
    demand("exists" in said, f"an image that is there is overwritten, or the message does not say so: {said}")


def missing(folder):
    (folder / "bad.c").write_text('#include <ntddk.h>\nvoid KeNoSuchThing(void);\n'
                                  'NTSTATUS DriverEntry(void* a, void* b) {\n  KeNoSuchThing();\n  return 0;\n}\n')
    (folder / "type.c").write_text("#include <ntddk.h>\nPFILTER_EXTENSION extension;\n")
    (folder / "header.c").write_text("#include <windows.h>\n")
    for way in ("system-v", "microsoft", "windows", "sys"):
        for source, words in (("bad.c", r"bad.c:4: KeNoSuchThing, used in DriverEntry, is not simulated"),
                              ("type.c", r"type.c:2: PFILTER_EXTENSION is declared in <ntdddump.h>"),
                              ("header.c", r"header.c:1: <windows.h> is a header of user mode")):
            before = sorted(os.listdir(folder))
            _, said = run([PROGRAM, "cc", "--way", way, "-o", "never", source], folder, expect=2)
            # A .sys carries CodeView, which linkers read lines from only in part.
            wanted = words if way != "sys" or source != "bad.c" else r"KeNoSuchThing, used in DriverEntry, is not simulated"
            demand(re.search(wanted, said), f"{way}: {source} is not explained: {said}")
            demand(sorted(os.listdir(folder)) == before, f"{way}: {source} left something behind")


def folder_as_source(folder):
    (folder / "inc").mkdir()
    _, said = run([PROGRAM, "cc", "-o", "never", "inc"], folder, expect=2)
    demand("a folder of headers is given as -I inc" in said, f"a folder as a source is not explained: {said}")


def words_before_headers(folder):
    """A product's own header uses the compiler's words before it includes anything of the kit's."""
    (folder / "own.h").write_text("typedef unsigned __int64 u64;\ntypedef signed __int8 s8;\n"
                                  "__forceinline u64 __cdecl twice(u64 n) { return n * 2; }\n"
                                  "typedef __declspec(align(16)) u64 aligned;\n")
    (folder / "words.c").write_text('#include "own.h"\n#include <ntddk.h>\n'
                                    "NTSTATUS DriverEntry(void* a, void* b) { return twice(2) == 4 ? 0 : 1; }\n")
    for way, ending in (("system-v", ".so"), ("microsoft", ".so"), ("windows", ".so"), ("sys", ".sys")):
        run([PROGRAM, "cc", "--way", way, "-o", f"words-{way}{ending}", "words.c"], folder)


def trapped(folder):
    """What is not simulated may stay missing: the image is made, says what it lacks, and ends where it calls it."""
    (folder / "lacks.c").write_text("""#include <ntddk.h>
#include <ntdddump.h>
NTSTATUS NTAPI ZwNoSuchThing(PVOID Argument);
static NTSTATUS OnFinish(PFILTER_EXTENSION Extension) {
  FreeNoSuchThing(Extension);
  return ZwNoSuchThing(Extension);
}
NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA Data) {
  UNREFERENCED_PARAMETER(Extension);
  Data->DumpFinish = OnFinish;
  return STATUS_SUCCESS;
}
""")
    (folder / "lacks.toml").write_text('[system.memory]\nsize = "256 KiB"\n[[filter]]\nimage = "./IMAGE"\n'
                                       'name = "lacks"\n[expect]\noutcome = "crashed"\n')
    for way, ending in (("system-v", ".so"), ("microsoft", ".so"), ("windows", ".so"), ("sys", ".sys")):
        image = f"lacks-{way}{ending}"
        run([PROGRAM, "cc", "--way", way, "-o", image, "lacks.c"], folder, expect=2)
        demand(not (folder / image).exists(), f"{way}: an image that lacks functions is made unasked")
        _, said = run([PROGRAM, "cc", "--way", way, "--trap-missing", "-o", image, "lacks.c"], folder)
        demand(re.search(r"FreeNoSuchThing, ZwNoSuchThing are not simulated: calling one of them ends the run", said),
               f"{way}: what is missing is not said: {said}")
        listed, _ = run([PROGRAM, "inspect", image], folder)
        demand("ZwNoSuchThing" in listed, f"{way}: inspect does not list what is missing: {listed}")
        text = (folder / "lacks.toml").read_text().replace("IMAGE", image)
        (folder / "lacks-one.toml").write_text(text)
        trap = [] if way == "sys" else ["--trap-missing"]
        shown, _ = run([PROGRAM, "run", *trap, "--trace", "none", "lacks-one.toml"], folder)
        demand("FreeNoSuchThing" in shown, f"{way}: the run does not name what was called: {shown}")
        if trap:
            run([PROGRAM, "run", "--trace", "none", "lacks-one.toml"], folder, expect=2)
    # A constant or type that is not there is a mistake with the option, too.
    (folder / "never.c").write_text("#include <ntddk.h>\nint number = STATUS_NO_SUCH_STATUS;\n")
    _, said = run([PROGRAM, "cc", "--trap-missing", "-o", "never.so", "never.c"], folder, expect=2)
    demand("STATUS_NO_SUCH_STATUS" in said and not (folder / "never.so").exists(), f"never.c is built: {said}")


def by_mingw(folder):
    """Where clang and lld-link are not, mingw-w64 makes a .sys: the same one, and what is missing is trapped too."""
    tools = ("x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-dlltool", "x86_64-w64-mingw32-as")
    path = folder / "only-mingw"
    path.mkdir()
    for tool in tools:
        found = shutil.which(tool)
        demand(found, f"{tool} is not installed; install the Debian package gcc-mingw-w64-x86-64")
        (path / tool).symlink_to(found)
    alone = {**os.environ, "PATH": str(path)}
    source = TREE / "filters" / "xor" / "xor.c"
    printed, _ = run([PROGRAM, "cc", "--way", "sys", "-n", "-o", "mingw.sys", source], folder, env=alone)
    demand(printed.startswith("x86_64-w64-mingw32-gcc"), f"mingw-w64 is not taken: {printed}")
    for way, name in ((["--way", "system-v"], "plain.so"), (["--way", "sys"], "mingw.sys")):
        run([PROGRAM, "cc", *way, "-o", name, source], folder, env=alone if name == "mingw.sys" else None)
    scenario = "filters/xor/scenarios/encrypts.toml"
    demand(same_life(folder, "mingw.sys", scenario, "xor") == same_life(folder, "plain.so", scenario, "xor"),
           "the trace of mingw-w64's image differs from that of system-v")
    # mingw-w64's own headers declare the functions with a size as well, for user mode.
    (folder / "sized.c").write_text("""#include <string.h>
#include <ntddk.h>
#include <stdlib.h>
NTSTATUS DriverEntry(void* Extension, void* Data) {
  char narrow[8];
  wchar_t wide[8];
  (void)Extension, (void)Data;
  if (sprintf_s(narrow, sizeof narrow, "%d", 12) != 2 || strcat_s(narrow, sizeof narrow, "x") != 0) return 1;
  DbgPrint("%s %d %d\\n", narrow, swprintf_s(wide, 8, L"%d", 123), wcscpy_s(wide, 2, L"abc"));
  return STATUS_UNSUCCESSFUL;
}
""")
    run([PROGRAM, "cc", "--way", "sys", "-X=-Werror", "-o", "sized.sys", "sized.c"], folder, env=alone)
    (folder / "sized.toml").write_text('[system.memory]\nsize = "256 KiB"\n[[filter]]\nimage = "./sized.sys"\n')
    shown, _ = run([PROGRAM, "run", "sized.toml"], folder, expect=None)
    demand('"12x 3 34"' in shown, f"mingw-w64: sized.sys did not print what it should: {shown}")
    # Written by trapped().
    lacks = [PROGRAM, "cc", "--way", "sys", "-o", "lacks-mingw.sys", "lacks.c"]
    _, said = run(lacks, folder, expect=2, env=alone)
    demand("FreeNoSuchThing" in said and not (folder / "lacks-mingw.sys").exists(), f"made unasked: {said}")
    _, said = run([*lacks, "--trap-missing"], folder, env=alone)
    demand(re.search(r"FreeNoSuchThing, ZwNoSuchThing are not simulated: calling one of them ends the run", said),
           f"mingw-w64: what is missing is not said: {said}")
    (folder / "lacks-one.toml").write_text((folder / "lacks.toml").read_text().replace("IMAGE", "lacks-mingw.sys"))
    shown, _ = run([PROGRAM, "run", "--trace", "none", "lacks-one.toml"], folder)
    demand("FreeNoSuchThing" in shown, f"mingw-w64: the run does not name what was called: {shown}")


def without_entry(folder):
    """A product's filter file without its main driver's: nothing calls it, so a linker would drop it all and be content."""
    (folder / "part.c").write_text('#include <ntddk.h>\nvoid Elsewhere(void);\n'
                                   'NTSTATUS VendorEntry(void* a, void* b) {\n  Elsewhere();\n  return 0;\n}\n')
    for way in ("system-v", "microsoft", "windows"):
        _, said = run([PROGRAM, "cc", "--way", way, "-o", "never", "part.c"], folder, expect=2)
        demand("has no DriverEntry" in said and "companion" in said, f"{way}: a missing entry is not explained: {said}")
        demand(not (folder / "never").exists(), f"{way}: an image without an entry was left behind")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ways(folder)
        choice(folder)
        missing(folder)
        folder_as_source(folder)
        words_before_headers(folder)
        trapped(folder)
        by_mingw(folder)
        without_entry(folder)


if __name__ == "__main__":
    main()
