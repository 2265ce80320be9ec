#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does what docs/ci.md shows: its session, then the jobs of its stanzas, in a folder that holds the page's own filter.

ci.py SOURCE_TREE BUILD_TREE. Of a stanza the commands that call dumpsim are run as a service would, in their order; each must end with
exit code 0, and every file that the stanza hands on must be there. Controls are in controls.py.
"""
import os
import re
import shutil
import sys
import tempfile

import session

LAUNCHER = "dumpsim/scripts/dumpsim"


def jobs(stanza):
    """The commands of a stanza that call dumpsim; one that is folded over several lines (">-") is one."""
    found, lines, at = [], stanza.splitlines(), 0
    while at < len(lines):
        line, at = lines[at], at + 1
        indent = len(line) - len(line.lstrip())
        text = re.sub(r"^\s*(?:- )?(?:run: )?", "", line)
        if text == ">-":
            folded = []
            while at < len(lines) and len(lines[at]) - len(lines[at].lstrip()) > indent:
                folded.append(lines[at].strip())
                at += 1
            text = " ".join(folded)
        if text.startswith(LAUNCHER):
            found.append(text)
    return found


def handed_on(stanza):
    """Files that a stanza gives to its service."""
    named = re.findall(r"^\s*(?:sarif_file|junit): (\S+)$", stanza, re.M)
    for block in re.findall(r"^(\s*)paths?:(?: \|)?\n((?:\1  .*\n)+)", stanza, re.M):
        named += [line.strip().removeprefix("- ") for line in block[1].splitlines()]
    return named


def fresh_checkout(folder):
    """Leaves what a repository holds: sources, scenarios, the baseline."""
    for name in os.listdir(folder):
        if not name.endswith((".c", ".toml", "-baseline.json")) and os.path.isfile(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))


def wrong_stanzas(text, folder, build):
    mistakes, ran = [], 0
    for language, stanza in session.blocks(text):
        if language != "yaml":
            continue
        name = stanza.splitlines()[0].removeprefix("# ")
        fresh_checkout(folder)
        output = ""
        for command in jobs(stanza):
            ran += 1
            shown, code = session.run(command, folder, session.environment_of(build), 0)
            output += shown
            if code != 0:
                mistakes.append(f"{name}: `{command}` ended with exit code {code}:\n{shown}")
        mistakes += [f"{name}: hands on {path}, and nothing wrote it" for path in handed_on(stanza)
                     if not os.path.exists(os.path.join(folder, path))]
        if not handed_on(stanza):
            mistakes.append(f"{name}: hands on no file")
        for pattern in re.findall(r"coverage: '/(.*)/'", stanza):
            if not re.search(pattern, output):
                mistakes.append(f"{name}: nothing in the output is the figure that {pattern} looks for")
    if ran == 0:
        mistakes.append("no ```yaml block calls dumpsim: there is nothing to check")
    return mistakes


def main(source, build):
    with open(os.path.join(source, "docs", "ci.md"), encoding="utf-8") as file:
        text = file.read()
    project = tempfile.mkdtemp()
    try:
        os.makedirs(os.path.join(project, "dumpsim", "scripts"))
        os.symlink(os.path.join(build, "bin", "dumpsim"), os.path.join(project, LAUNCHER))
        for _, content in session.blocks(text):
            if name := session.NAMED.match(content):
                with open(os.path.join(project, name.group(1)), "w", encoding="utf-8") as file:
                    file.write(content)
        found = session.in_folder(text, project, build)
        found += wrong_stanzas(text, project, build)
    finally:
        shutil.rmtree(project)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])))
