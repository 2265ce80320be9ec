#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the README shows: its terminal sessions word for word, and its filter, built and run by the commands it names.
The sessions of docs/real-filters.md run in tests/worked_example; those of docs/ci.md are ci.py's.

session.py SOURCE_TREE BUILD_TREE. A ```console block is a session: lines that begin with "$ " are commands, run in
SOURCE_TREE with the build's programs first on the path; the lines behind each are its output. Files that a session needs
and that are no part of the tree (the README's own filter) are the blocks that begin with a comment naming them. Controls
are in controls.py.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
# "// trace_writes.c" or "# trace_writes.toml" in a block's first line: the block is that file.
NAMED = re.compile(r"(?://|#) ([\w.-]+\.(?:c|toml))\n")


def blocks(text):
    """(language, content) of each fenced block."""
    return [(match.group(1), match.group(2)) for match in FENCE.finditer(text)]


def commands(session):
    """(command, expected output) of each command of a session; lines that end in a backslash go on."""
    found = []
    lines = iter(session.splitlines(keepends=True))
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\\n"):
                command += next(lines, "")
            found.append([command, ""])
        elif not found:
            raise SystemExit(f"a session begins with output: {line!r}")
        else:
            found[-1][1] += line
    return found


def run(command, folder, environment, last):
    """What a shell shows after `command`, and its exit code; `last` is what $? holds before it."""
    done = subprocess.run(["bash", "-c", f"(exit {last})\n{command}"], cwd=folder, env=environment, timeout=100,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode("utf-8", "replace"), done.returncode


def environment_of(build):
    environment = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR", "ASAN_OPTIONS") if key in os.environ}
    environment.update(PATH=f"{build}/bin:/usr/local/bin:/usr/bin:/bin", TERM="dumb", NO_COLOR="1", LC_ALL="C.UTF-8")
    return environment


def checked_folder(text, source, scratch):
    """The folder in which sessions run: the tree itself, seen through links, with the README's own files in it."""
    for name in os.listdir(source):
        if name not in (".git", "build"):
            os.symlink(os.path.join(source, name), os.path.join(scratch, name))
    for _, content in blocks(text):
        if name := NAMED.match(content):
            with open(os.path.join(scratch, name.group(1)), "w", encoding="utf-8") as file:
                file.write(content)
    return scratch


def differences(text, source, build):
    """What the sessions of `text` show against what happens, as lines; empty when all is as written."""
    scratch = tempfile.mkdtemp()
    try:
        folder = checked_folder(text, source, scratch)
        os.makedirs(os.path.join(folder, "build"))
        os.symlink(build, os.path.join(folder, "build", "dev"))
        return in_folder(text, folder, build)
    finally:
        shutil.rmtree(scratch)


def in_folder(text, folder, build):
    """The same for sessions that run in a folder that is there."""
    found, ran = [], 0
    for language, content in blocks(text):
        last = 0
        for command, expected in commands(content) if language == "console" else []:
            shown, last = run(command, folder, environment_of(build), last)
            ran += 1
            if shown != expected:
                found.append(f"$ {command.rstrip()} (exit code {last})")
                found += difflib.unified_diff(expected.splitlines(), shown.splitlines(), "written", "shown", lineterm="")
    if ran == 0:
        found.append("no command in any ```console block: there is nothing to check")
    return found


def failing_examples(text, build):
    """What the whole scenarios among the ```toml blocks of `text` (those with a title and expectations) fail in."""
    found, ran = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for language, content in blocks(text):
            if language != "toml" or not content.startswith("title = ") or "[expect]" not in content:
                continue
            with open(os.path.join(folder, "example.toml"), "w", encoding="utf-8") as file:
                file.write(content)
            shown, code = run("dumpsim run example.toml", folder, environment_of(build), 0)
            ran += 1
            if code != 0:
                found += [f"this example ends with exit code {code}:", *content.splitlines(), *shown.splitlines()[-12:]]
    if ran == 0:
        found.append("no ```toml block is a whole scenario: there is nothing to check")
    return found


def main(source, build):
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        found = differences(file.read(), source, build)
    with open(os.path.join(source, "docs", "real-filters.md"), encoding="utf-8") as file:
        found += differences(file.read(), os.path.join(source, "tests", "worked_example"), build)
    with open(os.path.join(source, "docs", "scenarios.md"), encoding="utf-8") as file:
        found += failing_examples(file.read(), build)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])))
