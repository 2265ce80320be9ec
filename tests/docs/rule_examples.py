#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the examples of docs/rules.md: each rule has one, wrong and right differ, and both compile as a driver's source.

rule_examples.py SOURCE_TREE COMPILER. What an example leaves out of its filter is rule_examples.h beside this file. That the
wrong way is caught is shown by tests/bad_filters. Controls are in controls.py.
"""
import os
import re
import subprocess
import sys
import tempfile

EXAMPLE = re.compile(r"\n(Wrong|Right):\n\n```c\n(.*?)^```$", re.M | re.S)
HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = ["-fsyntax-only", "-std=gnu11", "-ffreestanding", "-fshort-wchar", "-fms-extensions", "-Wall", "-Wno-unknown-pragmas",
           "-Wno-multichar", "-Werror=implicit-function-declaration", "-Werror=int-conversion"]


def examples(manual):
    """({slug: {"Wrong": code, "Right": code}}, mistakes)."""
    found, mistakes = {}, []
    for part in re.split(r"^## ", manual, flags=re.M)[1:]:
        slug = part.split("\n", 1)[0]
        found[slug] = blocks = dict(EXAMPLE.findall(part))
        for word in ("Wrong", "Right"):
            if word not in blocks:
                mistakes.append(f'docs/rules.md: {slug}: no example: a line "{word}:", an empty line, a block of C code')
        if len(blocks) == 2 and blocks["Wrong"] == blocks["Right"]:
            mistakes.append(f"docs/rules.md: {slug}: the right way is the wrong way")
    if not found:
        mistakes.append("docs/rules.md: no section of a rule: there is nothing to check")
    return found, mistakes


def compile_errors(found, include, compiler):
    mistakes = []
    with tempfile.TemporaryDirectory() as folder:
        for slug, blocks in found.items():
            for word, code in blocks.items():
                path = os.path.join(folder, f"{slug}.{word.lower()}.c")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f'#include "rule_examples.h"\n#line 1 "{slug}, {word}"\n{code}')
                done = subprocess.run([compiler, *OPTIONS, f"-I{include}", f"-I{HERE}", path], capture_output=True, text=True,
                                      timeout=60, check=False)
                if done.returncode != 0 or done.stderr:
                    mistakes.append(f"docs/rules.md: {slug}: {word} does not compile:\n{done.stderr}")
    return mistakes


def main(source, compiler):
    with open(os.path.join(source, "docs", "rules.md"), encoding="utf-8") as file:
        found, mistakes = examples(file.read())
    mistakes += compile_errors(found, os.path.join(source, "include", "wdk"), compiler)
    print("\n".join(mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
