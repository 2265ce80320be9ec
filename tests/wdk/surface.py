#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles and links every name that dump filters in the field need (surface.txt) the way a driver is built.

A name that the headers do not know, a routine that no import library has, a constant of another value, a type of another
size: each is one line of the answer. With --control the list has one wrong entry of each kind, and all of them must be
found.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WDK = HERE.parent.parent / "include" / "wdk"
FLAGS = ["-std=gnu11", "-fPIC", "-fshort-wchar", "-fms-extensions", "-fno-stack-protector", "-Wno-multichar", "-O1",
         f"-I{WDK}"]
CONTROL = """
header no_such_header.h
function NoSuchRoutine
macro NO_SUCH_MACRO
type NO_SUCH_TYPE 8
type KEVENT 25
constant PAGE_SHIFT 13
word no_such_word
"""
HEADERS = ["ntifs.h", "ntddk.h", "wdm.h", "ntdddump.h", "ntdddisk.h", "ntddstor.h", "ntddvol.h", "ntddscsi.h", "windef.h",
           "ntimage.h", "mountdev.h", "mountmgr.h", "ntstrsafe.h", "aux_klib.h", "intrin.h", "excpt.h", "initguid.h", "ntintsafe.h"]


def rows(text):
    """(kind, name, value or None) of every line that is no comment; several names may stand in one."""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] in ("type", "constant"):
            yield words[0], words[1], words[2]
        else:
            for name in words[1:]:
                yield words[0], name, None


def snippet(kind, name, value, number):
    if kind == "header":
        return f"#include <{name}>\n"
    if kind == "function":
        # Volatile, so that the reference stays and the linker has to find the routine.
        return f"void* volatile wdk_reference_{number} = (void*)&{name};\n"
    if kind == "macro":
        return f"#ifndef {name}\n#error missing\n#endif\n"
    if kind == "type":
        size = f"_Static_assert(sizeof({name}) == {value}, \"another size\");\n" if value != "-" else ""
        return f"typedef {name}* wdk_pointer_{number};\n{size}"
    if kind == "constant":
        return f"_Static_assert((unsigned long long)({name}) == (unsigned long long)({value}), \"another value\");\n"
    if kind == "word":  # a macro, an inline function or a type: known to the preprocessor or spelled in a header
        return f"#ifndef {name}\nvoid wdk_word_{number}(void) {{ (void)sizeof({name}); }}\n#endif\n"
    raise SystemExit(f"surface.txt: unknown kind {kind}")


def wrong_rows(listed, compiler, library, folder):
    """The rows that do not compile or link. All at once first; one by one only where that fails."""
    prelude = "".join(f"#include <{header}>\n" for header in HEADERS)

    def build(chosen, name):
        source = folder / f"{name}.c"
        source.write_text(prelude + "".join(snippet(*row, number) for number, row in enumerate(chosen)))
        command = [compiler, *FLAGS, "-shared", "-nostdlib", "-Wl,-z,defs", str(source), "-o", str(folder / f"{name}.so"),
                   f"-L{library}", "-lntoskrnl"]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace")
        return result.returncode == 0, result.stderr

    good, _ = build(listed, "all")
    if good:
        return []
    wrong = []
    pieces = [listed]
    while pieces:
        piece = pieces.pop()
        good, said = build(piece, "piece")
        if good:
            continue
        if len(piece) > 1:
            pieces += [piece[: len(piece) // 2], piece[len(piece) // 2:]]
            continue
        first = re.search(r"(error|undefined reference).*", said)
        wrong.append((piece[0], first.group(0) if first else said.strip()[:200]))
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--library", required=True, help="the folder of libntoskrnl.so")
    parser.add_argument("--control", action="store_true")
    args = parser.parse_args()
    listed = list(rows((HERE / "surface.txt").read_text()))
    bad = list(rows(CONTROL)) if args.control else []
    with tempfile.TemporaryDirectory() as folder:
        wrong = wrong_rows(listed + bad, args.compiler, args.library, pathlib.Path(folder))
    for (kind, name, _), said in wrong:
        print(f"{kind} {name}: {said}")
    if args.control:
        missed = [row for row in bad if row not in [found for found, _ in wrong]]
        extra = [found for found, _ in wrong if found not in bad]
        if missed or extra:
            sys.exit(f"control: not found {missed}; found besides {extra}")
        print(f"control: all {len(bad)} wrong rows were found")
        return
    if wrong:
        sys.exit(f"{len(wrong)} of {len(listed)} names are missing or different")
    print(f"all {len(listed)} names are there")


if __name__ == "__main__":
    main()
