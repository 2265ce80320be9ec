#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the documented command line to the program's, both ways.

options.py SOURCE_TREE DUMPSIM compares docs/cli.md with what --help says of each command, and checks every command line that a
document shows. Controls are in controls.py.
"""
import os
import re
import subprocess
import sys


def help_of(program, command):
    """The text of --help."""
    arguments = [program] + ([command] if command else []) + ["--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True,
                          env={"PATH": "/usr/bin:/bin", "TERM": "dumb"})
    return done.stdout


def in_help(text):
    """(long options, short options, commands) that a --help names."""
    long, short, commands = set(), set(), set()
    section = ""
    for line in text.splitlines():
        if re.match(r"\w[\w ]*:$", line):
            section = line
        elif match := re.match(r" {2}(-[^ ]+)", line):
            for name in match.group(1).split(","):
                (long if name.startswith("--") else short).add(name)
        elif section == "Subcommands:" and (match := re.match(r" {2}([a-z][\w-]*)", line)):
            commands.add(match.group(1))
    return long, short, commands


def documented(text):
    """{command: (long options, short options)} of docs/cli.md; the program itself is ""."""
    found = {}
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        if not (match := re.match(r"dumpsim *(\S*)\n", part)):
            continue
        rows = re.findall(r"^\| `(--[\w-]+)` \|(.*)", part, flags=re.M)
        short = {name for _, rest in rows for name in re.findall(r"`(-\w)`", rest)}
        found[match.group(1)] = ({name for name, _ in rows}, short)
    return found


def compare(page, helps):
    """Mistakes of docs/cli.md (`page`) against {command: --help}."""
    mistakes = []
    pages = documented(page)
    commands = in_help(helps[""])[2]
    if not commands:
        mistakes.append("dumpsim --help names no command: there is nothing to check")
    for command in sorted(commands | {""} - set(pages)):
        if command not in pages:
            mistakes.append(f"docs/cli.md: dumpsim {command} is not documented")
    for command, (long, short) in sorted(pages.items()):
        if command not in commands | {""}:
            mistakes.append(f"docs/cli.md: there is no command dumpsim {command}")
            continue
        in_long, in_short, _ = in_help(helps[command])
        if command:
            in_long, in_short = in_long - {"--help"}, in_short - {"-h"}
        else:
            in_short -= {"-h"}
        name = f"dumpsim {command}".rstrip()
        mistakes += [f"docs/cli.md: {name} has an option {each} that is not documented" for each in sorted(in_long - long)]
        mistakes += [f"docs/cli.md: {name} has no option {each}" for each in sorted(long - in_long)]
        mistakes += [f"docs/cli.md: {name} has {each}, which is not documented" for each in sorted(in_short - short)]
        mistakes += [f"docs/cli.md: {name} has no {each}" for each in sorted(short - in_short)]
    return mistakes


def command_lines(text):
    """Each `dumpsim …` that a document shows: in code, or as a line of a block."""
    shown = re.findall(r"`((?:scripts/)?dumpsim [^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```$", text, flags=re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if match := re.match(r"(?:\$ )?(?:gdb --args )?((?:scripts/)?dumpsim .*)", line):
                shown.append(match.group(1))
    return shown


def wrong_lines(path, text, helps):
    mistakes = []
    for line in command_lines(text):
        words = re.sub(r" [#|].*", "", line).split()[1:]
        command = words[0] if words and not words[0].startswith("-") else ""
        if command in ("COMMAND", "…") or not re.fullmatch(r"[a-z-]*", command):
            continue
        if command not in helps:
            mistakes.append(f"{path}: `{line}`: there is no command {command}")
            continue
        long, short, _ = in_help(helps[command])
        for word in words:
            name = word.split("=")[0]
            if re.fullmatch(r"--?[A-Za-z][\w-]*", name) and name not in long | short:
                mistakes.append(f"{path}: `{line}`: {command or 'dumpsim'} has no option {name}")
    return mistakes


def documents(source):
    for folder in ("", "docs", "bench", *(f"filters/{name}" for name in sorted(os.listdir(f"{source}/filters")))):
        for name in sorted(os.listdir(os.path.join(source, folder))) if os.path.isdir(os.path.join(source, folder)) else []:
            if name.endswith(".md"):
                with open(os.path.join(source, folder, name), encoding="utf-8") as file:
                    yield os.path.join(folder, name), file.read()


def main(source, program):
    helps = {"": help_of(program, "")}
    for command in in_help(helps[""])[2]:
        helps[command] = help_of(program, command)
    texts = dict(documents(source))
    mistakes = compare(texts["docs/cli.md"], helps)
    for path, text in texts.items():
        mistakes += wrong_lines(path, text, helps)
    print("\n".join(mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
