#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the completions of each shell to --help, both ways, and has the shells that are installed complete something.

completions.py DUMPSIM FOLDER, with dumpsim.bash, dumpsim.zsh and dumpsim.fish in FOLDER. Controls are in controls.py.
"""
import re
import shutil
import subprocess
import sys
import tempfile

import options


def in_bash(text):
    """{command: what is completed behind it}, the commands themselves under "": {"--jobs", "-j", …}."""
    found = {}
    for match in re.finditer(r"^    (''|[a-z-]+)\)\n      options='([^']*)'\n      places='([^']*)'", text, re.M):
        found[match.group(1).strip("'")] = (set(match.group(2).split()), set(match.group(3).split()))
    return found


def in_zsh(text):
    specs = r"'(--?[\w-]+)\[(?:\\.|'\\''|[^\]'])*\]"
    head, _, rest = text.partition("case $words[1] in\n")
    commands = set(re.findall(r"^    '([a-z-]+):", head, re.M))
    found = {"": (set(re.findall(specs, head)), commands)}
    for match in re.finditer(r"^        ([a-z-]+)\)\n(.*?)^          ;;$", rest, re.M | re.S):
        places = re.search(r"'\*:word:\(([^)]*)\)'", match.group(2))
        found[match.group(1)] = (set(re.findall(specs, match.group(2))), set(places.group(1).split()) if places else set())
    return found


def in_fish(text):
    found = {}
    for line in text.splitlines():
        match = re.match(r"complete -c dumpsim -n (__fish_use_subcommand|'__fish_seen_subcommand_from ([a-z-]+)')(.*)", line)
        if not match:
            continue
        names, places = found.setdefault(match.group(2) or "", (set(), set()))
        rest = re.sub(r" -d '(?:\\.|[^'\\])*'$", "", match.group(3))
        names |= {"--" + name for name in re.findall(r" -l ([\w-]+)", rest)} | {"-" + name for name in re.findall(r" -s (\w)", rest)}
        if rest.startswith(" -f -a "):
            places |= set(rest[len(" -f -a "):].strip("'").split())
    return found


READERS = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}


def compare(shell, text, helps):
    found = READERS[shell](text)
    mistakes = []
    commands = options.in_help(helps[""])[2]
    if not commands:
        mistakes.append("dumpsim --help names no command: there is nothing to check")
    if found.get("", (0, set()))[1] != commands:
        mistakes.append(f"{shell}: completes the commands {sorted(found.get('', (0, set()))[1])}, there are {sorted(commands)}")
    for command in sorted(set(found) | set(helps)):
        if command not in helps or command not in found:
            mistakes.append(f"{shell}: {command or 'the program'} is {'no command' if command not in helps else 'missing'}")
            continue
        long, short, _ = options.in_help(helps[command])
        said, known = found[command][0], long | short
        mistakes += [f"{shell}: {command or 'dumpsim'} {each} is missing" for each in sorted(known - said)]
        mistakes += [f"{shell}: {command or 'dumpsim'} has no {each}" for each in sorted(said - known)]
    return mistakes


# (what is typed, one word that must be offered, one that must not)
TYPED = [
    (["dumpsim", "li"], "lint", "run"),
    (["dumpsim", "run", "--tra"], "--trace", "--jobs"),
    (["dumpsim", "run", "--trace", "js"], "jsonl", "text"),
    (["dumpsim", "--verbose", "cc", "--way", "s"], "sys", "microsoft"),
    (["dumpsim", "policies", "windows-1"], "windows-11", "windows-7"),
    (["dumpsim", "new", "f"], "filter", "run"),
]


def offered(shell, script, words):
    if shell == "bash":
        line = " ".join(f"'{word}'" for word in words)
        text = (f"source '{script}'; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _dumpsim; "
                'printf "%s\\n" "${COMPREPLY[@]}"')
        command = ["bash", "--norc", "-c", text]
    else:
        command = ["fish", "--no-config", "-c", f"source '{script}'; complete -C '{' '.join(words)}'"]
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=home,
                              env={"PATH": "/usr/bin:/bin", "HOME": home, "TERM": "dumb"})
    return {line.split("\t")[0] for line in done.stdout.splitlines()}, done.stderr


def live(shell, script):
    """What an installed shell makes of it."""
    if shutil.which(shell) is None:
        return []
    if shell == "zsh":  # completes on a terminal only; that it can read the file is what can be seen
        done = subprocess.run(["zsh", "-f", "-n", script], capture_output=True, text=True, timeout=60, check=False)
        return done.stderr.splitlines()
    mistakes = []
    for words, wanted, unwanted in TYPED:
        got, said = offered(shell, script, words)
        if wanted not in got or unwanted in got:
            mistakes.append(f"{shell}: {' '.join(words)} offers {sorted(got)}: expected {wanted} and not {unwanted} {said}")
    return mistakes


def main(program, folder):
    helps = {"": options.help_of(program, "")}
    for command in options.in_help(helps[""])[2]:
        helps[command] = options.help_of(program, command)
    mistakes = []
    for shell in READERS:
        with open(f"{folder}/dumpsim.{shell}", encoding="utf-8") as file:
            mistakes += compare(shell, file.read(), helps)
        mistakes += live(shell, f"{folder}/dumpsim.{shell}")
    print("\n".join(mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
