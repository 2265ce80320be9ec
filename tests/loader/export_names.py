#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the kernel's export table with what binaries show: the import libraries have every name, the host none,
since a WDK name in the host's global scope would capture the callers of the other calling convention."""
import argparse
import re
import subprocess
import sys


def table_names(path):
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    names = re.findall(r"^\s*EXPORT\(\s*(\w+)\s*,", text, flags=re.M)
    if len(names) < 20 or len(set(names)) != len(names):
        sys.exit(f"{path}: {len(names)} exports, {len(set(names))} different: expected a table without duplicates")
    return names


def defined_names(path):
    done = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{path}: nm failed: {done.stderr.strip()}")
    return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines() if line.strip()}


parser = argparse.ArgumentParser()
parser.add_argument("--table", required=True)
parser.add_argument("--has", action="append", default=[])
parser.add_argument("--lacks", action="append", default=[])
options = parser.parse_args()
if not options.has and not options.lacks:
    sys.exit("nothing to compare")

names = table_names(options.table)
wrong = []
for path in options.has:
    found = defined_names(path)
    wrong += [f"{path}: lacks {name}" for name in names if name not in found]
for path in options.lacks:
    found = defined_names(path)
    wrong += [f"{path}: has {name} in its global scope" for name in names if name in found]
for line in wrong:
    print(line)
print(f"{len(names)} names compared with {len(options.has) + len(options.lacks)} binaries")
sys.exit(1 if wrong else 0)
