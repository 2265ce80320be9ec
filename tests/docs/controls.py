#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each check of the documents can fail: a small sound example passes, and with one thing wrong it says so."""
import os
import sys
import tempfile

import ci
import completions
import manual
import options
import places
import rule_examples
import session

SOUND = {
    "simulator/CMakeLists.txt": "set(rooms base stack)\n",
    "simulator/base/offsets.hpp": "// a behaviour [doc]\n",
    "simulator/stack/port.cpp": "// another [assumed]\n",
    "docs/architecture.md": "# Map\n\n## The rooms\n\n| room | what it is | must never know |\n| --- | --- | --- |\n"
                            "| `simulator/stack` | the stack, in `port.cpp` | files |\n| `simulator/base` | basics | the rest |\n\n"
                            "## Processes\n\nSee [the map](#the-rooms) and [the ledger](fidelity.md).\n",
    "docs/fidelity.md": "## Other behaviour\n\n| behaviour | where | evidence |\n| --- | --- | --- |\n"
                        "| one | `simulator/base/offsets.hpp` | [doc] |\n| two | `simulator/stack/port.cpp` | [assumed] |\n",
}
PLACES = [
    ("docs/architecture.md", "`port.cpp`", "`porter.cpp`", "docs/architecture.md:7: names porter.cpp, and no file is called so"),
    ("docs/architecture.md", "See ", "See `simulator/attic` ", "docs/architecture.md:12: names simulator/attic, which does not exist"),
    ("docs/architecture.md", "(fidelity.md)", "(lost.md)", "docs/architecture.md:12: links to lost.md, which does not exist"),
    ("docs/architecture.md", "(#the-rooms)", "(#rooms)", "docs/architecture.md:12: links to #rooms, and there is no such heading"),
    ("docs/architecture.md", "| `simulator/base` | basics | the rest |\n", "",
     "docs/architecture.md:1: the map has no room base, which simulator/CMakeLists.txt builds"),
    ("simulator/CMakeLists.txt", "base stack", "base",
     "docs/architecture.md:1: the map has a room stack, which simulator/CMakeLists.txt does not build"),
    ("simulator/CMakeLists.txt", "base stack", "stack base", "docs/architecture.md:1: the map's rooms are not in the order of their floors"),
    ("simulator/CMakeLists.txt", "rooms", "halls", "simulator/CMakeLists.txt:1: no set(rooms …): there is nothing to check"),
    ("docs/architecture.md", "basics | the rest |", "basics |  |", "docs/architecture.md:1: the map says nothing about base"),
    ("docs/architecture.md", "basics", "basics; comes with its first real work",
     "docs/architecture.md:1: the map is wrong about whether simulator/base is there"),
    ("docs/fidelity.md", "| two | `simulator/stack/port.cpp` | [assumed] |\n", "",
     "simulator/stack/port.cpp:1: [assumed: and no row of docs/fidelity.md says what, with this file"),
    ("docs/fidelity.md", "offsets.hpp` | [doc]", "offsets.hpp` | [seen: it]", 'docs/fidelity.md:1: "one": simulator/base/offsets.hpp has no tag [seen'),
    ("docs/fidelity.md", "offsets.hpp` | [doc]", "offsets.hpp` | surely", 'docs/fidelity.md:1: "one": evidence "surely" begins with no tag'),
    ("docs/fidelity.md", "base/offsets.hpp", "base/gone.hpp", 'docs/fidelity.md:1: "one": simulator/base/gone.hpp does not exist'),
    ("docs/fidelity.md", "## Other behaviour", "## Others", 'docs/fidelity.md:1: no row under "## Other behaviour": there is nothing to check'),
]

HELPS = {
    "": "dumpsim\nUsage: dumpsim [OPTIONS] SUBCOMMAND\n\nOptions:\n  -h,--help     Print this\n  -v,--verbose  More\n\n"
        "Subcommands:\n  run           Run files\n",
    "run": "Run files\nUsage: dumpsim run [OPTIONS] FILE...\n\nPositionals:\n  FILE TEXT REQUIRED\n\nOptions:\n  -h,--help     Print this\n"
           "  -j,--jobs UINT\n                More than one, not --none\n",
}
PAGE = "# Commands\n\n## dumpsim\n\n| `--help` | this |\n| `--verbose` | more (`-v`) |\n\n## dumpsim run\n\n| `--jobs` | how many (`-j`) |\n"
PAGES = [
    ("| `--jobs` | how many (`-j`) |\n", "", ["docs/cli.md: dumpsim run has an option --jobs that is not documented",
                                              "docs/cli.md: dumpsim run has -j, which is not documented"]),
    ("`--jobs`", "`--job`", ["docs/cli.md: dumpsim run has an option --jobs that is not documented", "docs/cli.md: dumpsim run has no option --job"]),
    ("(`-j`)", "(`-J`)", ["docs/cli.md: dumpsim run has -j, which is not documented", "docs/cli.md: dumpsim run has no -J"]),
    ("## dumpsim run", "## dumpsim walk", ["docs/cli.md: dumpsim run is not documented", "docs/cli.md: there is no command dumpsim walk"]),
    ("| `--verbose` | more (`-v`) |\n", "", ["docs/cli.md: dumpsim has an option --verbose that is not documented",
                                             "docs/cli.md: dumpsim has -v, which is not documented"]),
]
LINES = [
    ("run it with `dumpsim run --jobs 2 a.toml`", []),
    ("run it with `dumpsim walk a.toml`", ["x.md: `dumpsim walk a.toml`: there is no command walk"]),
    ("run it with `dumpsim run --job 2`", ["x.md: `dumpsim run --job 2`: run has no option --job"]),
    ("```sh\nscripts/dumpsim run -J 2  # --hidden\n```\n", ["x.md: `scripts/dumpsim run -J 2  # --hidden`: run has no option -J"]),
    ("```console\n$ dumpsim run a.toml | grep -m 2 b\n```\n", []),
    ("```console\n$ dumpsim --loud\n```\n", ["x.md: `dumpsim --loud`: dumpsim has no option --loud"]),
]

SESSION = '# Title\n\n```c\n// own.c\nint x;\n```\n\n```console\n$ cat own.c \\\n    one.txt\n// own.c\nint x;\nfirst\n$ false\n$ echo $?\n1\n```\n'
SESSIONS = [
    ("first", "last", ["$ cat own.c \\\n    one.txt (exit code 0)", "-last", "+first"]),
    ("\n1\n", "\n0\n", ["$ echo $? (exit code 0)", "-0", "+1"]),
    ("first\n$", "first\nsecond\n$", ["-second"]),
    ("$ false\n", "", ["-1", "+0"]),
    ("int x;\n```\n\n", "int y;\n```\n\n", ["-int x;", "+int y;"]),
    ("```console", "```", ["no command in any ```console block: there is nothing to check"]),
]

MANUAL = (".SH DUMPSIM\n.TP\n\\fB\\-\\-help\\fR\nthis\n.TP\n\\fB\\-\\-verbose\\fR\nmore\n"
          ".SH DUMPSIM RUN\n.TP\n\\fB\\-\\-jobs\\fR\nhow many\n")
MANUALS = [
    ("\\-\\-jobs", "\\-\\-job", ["dumpsim.1: DUMPSIM RUN: --jobs is missing", "dumpsim.1: DUMPSIM RUN: there is no --job"]),
    (".SH DUMPSIM RUN", ".SH DUMPSIM WALK", ["dumpsim.1: no section DUMPSIM RUN", "dumpsim.1: there is no command walk"]),
    (".TP\n\\fB\\-\\-verbose\\fR\nmore\n", "", ["dumpsim.1: DUMPSIM: --verbose is missing"]),
]
SCHEMA = {"properties": {"title": {}, "step": {"anyOf": [{"enum": ["a"]}, {"items": {"$ref": "#/definitions/one"}}]}},
          "definitions": {"one": {"properties": {"pages": {}}}}}
KEYS = ".SH WHAT\n.TP\n\\fBtitle\\fR\nx\n.TP\n\\fBstep\\fR\nx\n.TP\n\\fBstep[].pages\\fR\nx\n"
KEY_CONTROLS = [
    ("step[].pages", "step[].page", ["dumpsim-scenario.5: step[].pages is missing", "dumpsim-scenario.5: there is no key step[].page"]),
    (".TP\n\\fBtitle\\fR\nx\n", "", ["dumpsim-scenario.5: title is missing"]),
]

COMPLETIONS = {
    "bash": "    '')\n      options='--help -h --verbose -v'\n      places='run'\n      ;;\n"
            "    run)\n      options='--help -h --jobs -j'\n      places=''\n",
    "zsh": "  commands=(\n    'run:Run files'\n  )\n '--help[x]' '-h[x]' '--verbose[x]' '-v[x]'\n case $words[1] in\n"
           "        run)\n          _arguments '--help[x]' '-h[x]' '--jobs[a \\[b\\]]:value:_files' '-j[x]'\n          ;;\n",
    "fish": "complete -c dumpsim -n __fish_use_subcommand -l help -s h -d 'x'\n"
            "complete -c dumpsim -n __fish_use_subcommand -l verbose -s v -d 'x -l no'\n"
            "complete -c dumpsim -n __fish_use_subcommand -f -a run -d 'Run files'\n"
            "complete -c dumpsim -n '__fish_seen_subcommand_from run' -l help -s h -d 'x'\n"
            "complete -c dumpsim -n '__fish_seen_subcommand_from run' -l jobs -s j -r -d 'x'\n",
}
COMPLETED = [
    ("bash", "--jobs ", "", "bash: run --jobs is missing"), ("bash", "--jobs ", "--jobs --job ", "bash: run has no --job"),
    ("bash", "'run'", "''", "bash: completes the commands [], there are ['run']"),
    ("zsh", "'-j[x]'", "", "zsh: run -j is missing"), ("zsh", "run)", "walk)", "zsh: walk is no command"),
    ("fish", " -s v", " -s w", "fish: dumpsim has no -w"), ("fish", "-a run", "-a walk", "fish: completes the commands ['walk']"),
]

EXAMPLES = [
    ("```toml\ntitle = 1\n[expect]\nright = 1\n```\n", None),
    ("```toml\ntitle = 1\n[expect]\nwrong = 1\n```\n", "this example ends with exit code 1:"),
    ("```toml\n[expect]\nwrong = 1\n```\n", "no ```toml block is a whole scenario: there is nothing to check"),
]

RULES = "# Rules\n\n## a.b\n\n- severity: error\n\nWrong:\n\n```c\nint x = 1;\n```\n\nRight:\n\n```c\nint x = 2;\n```\n"
RULE_EXAMPLES = [
    ("Right:\n\n```c", "Right:\n\n```", 'docs/rules.md: a.b: no example: a line "Right:", an empty line, a block of C code'),
    ("Wrong:", "Bad:", 'docs/rules.md: a.b: no example: a line "Wrong:", an empty line, a block of C code'),
    ("x = 2", "x = 1", "docs/rules.md: a.b: the right way is the wrong way"),
    ("## a.b", "# a.b", "docs/rules.md: no section of a rule: there is nothing to check"),
]

STANZA = "```yaml\n# ci.yml\nscript:\n  - dumpsim/scripts/dumpsim cc a.c\n  - >-\n    dumpsim/scripts/dumpsim run\n    a.xml\n" \
         "coverage: '/total (\\d+)/'\npaths:\n  - a.xml\n```\n"
STANZAS = [
    ("run\n", "wrong\n", "ci.yml: `dumpsim/scripts/dumpsim wrong a.xml` ended with exit code 1:"),
    ("  - a.xml\n", "  - b.xml\n", "ci.yml: hands on b.xml, and nothing wrote it"),
    ("paths:\n  - a.xml\n", "", "ci.yml: hands on no file"),
    ("total (", "all (", "ci.yml: nothing in the output is the figure that all (\\d+) looks for"),
    ("```yaml", "```", "no ```yaml block calls dumpsim: there is nothing to check"),
]

failures = []


def expect(what, condition):
    if not condition:
        failures.append(what)


def changed(text, old, new):
    expect(f"control: {old!r} is not in the sound example", old in text)
    return text.replace(old, new, 1)


def main():
    expect(f"sound tree: {places.Tree('', SOUND).check()}", places.Tree("", SOUND).check() == [])
    for path, old, new, message in PLACES:
        found = places.Tree("", {**SOUND, path: changed(SOUND[path], old, new)}).check()
        expect(f"places: expected {message!r}, got {found}", message in found)

    expect(f"sound page: {options.compare(PAGE, HELPS)}", options.compare(PAGE, HELPS) == [])
    for old, new, messages in PAGES:
        found = options.compare(changed(PAGE, old, new), HELPS)
        expect(f"page: expected {messages}, got {found}", sorted(found) == sorted(messages))
    expect("no commands", options.compare(PAGE, {"": "Usage", "run": ""})[0].endswith("there is nothing to check"))
    for text, messages in LINES:
        found = options.wrong_lines("x.md", text, HELPS)
        expect(f"lines: expected {messages}, got {found}", found == messages)

    expect(f"sound examples: {rule_examples.examples(RULES)}", rule_examples.examples(RULES)[1] == [])
    for old, new, message in RULE_EXAMPLES:
        found = rule_examples.examples(changed(RULES, old, new))[1]
        expect(f"rule examples: expected {message!r}, got {found}", message in found)
    include = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include", "wdk")
    for code, sound in (("NTSTATUS Ours(PMDL Mdl);\n", True), ("NTSTATUS Ours(PNDL Mdl);\n", False), ("void f(void) { Unknown(); }\n", False)):
        found = rule_examples.compile_errors({"a.b": {"Wrong": code}}, include, sys.argv[1])
        expect(f"compiled example {code!r}: {found}", (found == []) == sound)
    expect(f"sound manual: {manual.wrong_commands(MANUAL, HELPS)}", manual.wrong_commands(MANUAL, HELPS) == [])
    for old, new, messages in MANUALS:
        found = manual.wrong_commands(changed(MANUAL, old, new), HELPS)
        expect(f"manual: expected {messages}, got {found}", sorted(found) == sorted(messages))
    expect(f"sound keys: {manual.wrong_keys(KEYS, SCHEMA)}", manual.wrong_keys(KEYS, SCHEMA) == [])
    for old, new, messages in KEY_CONTROLS:
        found = manual.wrong_keys(changed(KEYS, old, new), SCHEMA)
        expect(f"keys: expected {messages}, got {found}", sorted(found) == sorted(messages))
    expect("no keys", manual.wrong_keys(KEYS, {})[0].endswith("there is nothing to check"))

    for shell, text in COMPLETIONS.items():
        expect(f"sound {shell}: {completions.compare(shell, text, HELPS)}", completions.compare(shell, text, HELPS) == [])
    for shell, old, new, message in COMPLETED:
        found = completions.compare(shell, changed(COMPLETIONS[shell], old, new), HELPS)
        expect(f"completions: expected {message!r}, got {found}", any(each.startswith(message) for each in found))

    with tempfile.TemporaryDirectory() as tree:
        with open(os.path.join(tree, "one.txt"), "w", encoding="utf-8") as file:
            file.write("first\n")
        expect(f"sound session: {session.differences(SESSION, tree, tree)}", session.differences(SESSION, tree, tree) == [])
        for old, new, messages in SESSIONS:
            found = session.differences(changed(SESSION, old, new), tree, tree)
            expect(f"session: expected {messages}, got {found}", all(message in found for message in messages) and found)

        os.mkdir(os.path.join(tree, "bin"))
        with open(os.path.join(tree, "bin", "dumpsim"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho shown; grep -q right $2\n")
            os.fchmod(file.fileno(), 0o755)
        for text, message in EXAMPLES:
            found = session.failing_examples(text, tree)
            expect(f"examples: expected {message!r}, got {found}", message in found if message else found == [])

    with tempfile.TemporaryDirectory() as project:
        os.makedirs(os.path.join(project, "dumpsim", "scripts"))
        with open(os.path.join(project, ci.LAUNCHER), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n[ $1 = run ] && echo total 7 >$2 && cat $2\n[ $1 != wrong ]\n")
            os.fchmod(file.fileno(), 0o755)
        expect(f"sound stanza: {ci.wrong_stanzas(STANZA, project, project)}", ci.wrong_stanzas(STANZA, project, project) == [])
        for old, new, message in STANZAS:
            found = ci.wrong_stanzas(changed(STANZA, old, new), project, project)
            expect(f"stanza: expected {message!r}, got {found}", any(each.startswith(message) for each in found))

    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
