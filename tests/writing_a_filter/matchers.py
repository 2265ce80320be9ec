#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/testing-a-filter.md to the kit: every matcher of include/dumpsim/matchers.hpp and every keyword of
dumpsim_add_filter() has a row, and every row one of them.

matchers.py MANUAL MATCHERS_HPP FILTER_CMAKE; a control of each comparison runs first.
"""
import re
import sys


def matchers_of(header):
    public = header[header.index("// ---- of a Run ----"):]
    return set(re.findall(r"^MATCHER\w*\((\w+)", public, re.M)) | set(re.findall(r"^(?:inline )?auto (\w+)\(", public, re.M))


def keywords_of(cmake):
    body = cmake[cmake.index("function(dumpsim_add_filter name)"):]
    words = set()
    for kind in ("options", "values", "lists"):
        words |= set(re.search(rf"set\({kind} ([A-Z_ ]+)\)", body).group(1).split())
    return words


def rows(manual, heading):
    part = manual[manual.index(heading):].split("\n\n")[0]
    found = set()
    for line in part.split("\n")[2:]:
        found |= set(re.findall(r"`(\w+)(?:\([^`]*\))?`", line.split("|")[1]))
    return found


def compare(manual, header, cmake):
    mistakes = []
    for heading, known in (("| matcher |", matchers_of(header)), ("| keyword |", keywords_of(cmake))):
        said = rows(manual, heading)
        if not known:
            mistakes.append(f"{heading} there is nothing to check")
        mistakes += [f"{heading} {each} is not documented" for each in sorted(known - said)]
        mistakes += [f"{heading} there is no {each}" for each in sorted(said - known)]
    return mistakes


def main(paths):
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    manual, header, cmake = texts
    failures = compare(manual, header, cmake)
    for old, new, message in (("`Protects()`", "`Protect()`", "there is no Protect"), ("`StillRuns()`", "", "StillRuns is not documented"),
                              ("`SCENARIOS`", "`SCENARIO`", "SCENARIOS is not documented")):
        if not any(message in each for each in compare(manual.replace(f"| {old} |", f"| {new} |"), header, cmake)):
            failures.append(f"control: {old} to {new!r} does not give {message!r}")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:4]))
