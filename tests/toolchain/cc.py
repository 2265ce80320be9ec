#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds drivers with `dumpsim cc` as a user would, and with the commands it prints; both have to behave alike.

cc.py DUMPSIM SOURCE_TREE. Needs gcc and clang, which the project's own filters are built with.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, TREE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def run(command, folder, expect=0):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != expect:
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
    demand("built the windows way" in said and "a plain long" in said, f"llp64.c is not built the windows way: {said}")
    same_life(folder, "llp64.so", "tests/variants/llp64.toml", "llp64")
    _, said = run([PROGRAM, "cc", "-o", "seh.sys", source / "seh.c"], folder)
    demand("built the sys way" in said and "__try" in said, f"seh.c is not built the sys way: {said}")
    same_life(folder, "seh.sys", "tests/variants/seh.toml", "seh")
    run([PROGRAM, "cc", "--way", "system-v", "-o", "seh-v.so", source / "seh.c"], folder)
    # Its name is its service's too, whose key it queries.
    same_life(folder, "seh-v.so", "tests/variants/seh.toml", "seh")
    _, said = run([PROGRAM, "cc", "--way", "windows", "-o", "seh-w.so", source / "seh.c"], folder, expect=2)
    demand("build a .sys (--way sys)" in said, f"--way windows does not refuse __try: {said}")
    _, said = run([PROGRAM, "cc", "-o", "cpp.so", source / "cpp_filter.cpp"], folder)
    demand("built the system-v way" in said, f"cpp_filter.cpp is not built the system-v way: {said}")
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
        without_entry(folder)


if __name__ == "__main__":
    main()
