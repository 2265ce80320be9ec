#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one scenario with every variant of its images, and says where two differ.

One source, built in several ways (calling convention, data model, ELF or PE), has to behave as one driver: the same
trace with digests of all data, the same disk, the same report. A variant that differs in one bit is a bug of ours in a
header, in an entry point or in a loader, so this is the test that covers them all at once. Each variant is put into a
folder of its own under its plain name, so that the name of the file can differ in nothing.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

# What the name of an image ends in, per way.
WAYS = {"system-v": ".so", "microsoft": "-ms.so", "windows": "-windows.so", "mingw": "-mingw.sys", "clang": "-clang.sys"}


class Failure(Exception):
    pass


def image_of(folders, name, way):
    for folder in folders:
        path = folder / f"{name}{WAYS[way]}"
        if path.exists():
            return path
    raise Failure(f"{name}{WAYS[way]} is in none of {', '.join(map(str, folders))}")


def with_disk(text, path):
    """The scenario with a disk that stays, unless it names its backend itself."""
    if re.search(r"^backend\s*=", text, re.M):
        return text
    kept = f'backend = "raw"\npath = "{path}"\n'
    changed, count = re.subn(r"^\[disk\]\n", lambda found: found.group(0) + kept, text, count=1, flags=re.M)
    return changed if count else text + "\n[disk]\n" + kept


def run(args, way, folder):
    """What came of one way: exit code, report, trace, disk."""
    images = folder / "images"
    images.mkdir(parents=True)
    for name in args.image:
        path = image_of(args.folder, name, way)
        (images / f"{name}{path.suffix}").symlink_to(path.resolve())
    text = args.scenario.read_text()
    # A scenario that wants one convention by name is about that; the images here say their own.
    text = re.sub(r'^convention\s*=.*\n', "", text, flags=re.M)
    for name in args.image:
        text = re.sub(rf'^(image\s*=\s*)"[^"]*?{re.escape(name)}(-ms)?(\.so)?"', rf'\1"{name}"', text, flags=re.M)
    scenario = folder / "scenario.toml"
    scenario.write_text(with_disk(text, "disk"))
    command = [args.dumpsim, "run", "--digests", "--no-fold", "--trace-file", "trace", "--replace", "--filter-path",
               "images", "scenario.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode != args.expect:
        raise Failure(f"{way}: exit code {done.returncode}, expected {args.expect}\n{done.stdout}{done.stderr}")
    disk = folder / "disk"
    # Where in the source a rule was broken is known of some ways only, and its compiler's; so is how deep a stack was.
    told = re.sub(r"^  at .*\n|^stack   .*\n", "", done.stdout, flags=re.M)
    return {"report": told.encode(), "trace": (folder / "trace").read_bytes(),
            "disk": disk.read_bytes() if disk.exists() else b""}


def difference(first, second):
    """Where two byte strings part, readable."""
    if b"\0" not in first[:4096]:
        left, right = first.decode().splitlines(), second.decode().splitlines()
        for number, (a, b) in enumerate(zip(left, right), 1):
            if a != b:
                return f"line {number}:\n  {a}\n  {b}"
        return f"{len(left)} lines and {len(right)}"
    at = next((index for index, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
    return f"byte {at:#x} of {len(first)} and {len(second)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dumpsim", required=True, type=pathlib.Path)
    parser.add_argument("--scenario", required=True, type=pathlib.Path)
    parser.add_argument("--folder", action="append", required=True, type=pathlib.Path, help="where images lie")
    parser.add_argument("--image", action="append", required=True, help="an image, as the scenario names it")
    parser.add_argument("--way", action="append", required=True, choices=WAYS)
    parser.add_argument("--expect", type=int, default=0, help="exit code of each run")
    args = parser.parse_args()
    if len(args.way) < 2:
        raise Failure("one way has nothing to be compared with")
    with tempfile.TemporaryDirectory() as folder:
        results = {way: run(args, way, pathlib.Path(folder) / way) for way in args.way}
    first = args.way[0]
    if not results[first]["trace"]:
        raise Failure("the trace is empty")
    for way in args.way[1:]:
        for what, content in results[way].items():
            if content != results[first][what]:
                raise Failure(f"the {what} of {way} differs from that of {first} at "
                              f"{difference(results[first][what], content)}")
    lines = results[first]["trace"].count(b"\n")
    print(f"{', '.join(args.way)}: one trace of {lines} lines, one disk of {len(results[first]['disk'])} bytes")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"variants.py: {failure}")
