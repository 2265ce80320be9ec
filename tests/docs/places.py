#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the documents to the tree: what they name exists, the map has every room, the ledger has every assumption.

places.py SOURCE_TREE prints each mistake as PATH:LINE: what, and exits with 1 when there is one. A control for each kind
of mistake is in controls.py.
"""
import os
import re
import sys

SKIPPED = {".git", ".cache", "build", "out", "__pycache__"}
TOP = ("simulator/", "include/", "filters/", "tests/", "scenarios/", "docs/", "scripts/", "cmake/", "bench/", "packaging/", ".ci/")
SOURCE = (".cpp", ".hpp", ".h", ".c", ".S", ".def")
COMING = "comes with its first real work"
# Tags that are rows of a table with a section or a reader of its own, not comments on a behaviour.
TABLES = {"simulator/policy/policy_table.cpp", "simulator/policy/policy.hpp", "simulator/trace/rules.cpp",
          "simulator/trace/rules.hpp"}


class Tree:
    """The files of a folder, or of a mapping from path to text (for controls)."""

    def __init__(self, root, texts=None):
        self.root, self.texts, self.mistakes = root, texts, []
        self.files = set(texts or [])
        for folder, folders, names in os.walk(root) if texts is None else []:
            folders[:] = [f for f in folders if f not in SKIPPED]
            self.files.update(os.path.relpath(os.path.join(folder, name), root) for name in names)
        self.folders = set()
        for path in self.files:
            while path := os.path.dirname(path):
                self.folders.add(path)

    def text(self, path):
        if self.texts is not None:
            return self.texts[path]
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def mistake(self, path, line, what):
        self.mistakes.append(f"{path}:{line}: {what}")

    def exists(self, path):
        path = os.path.normpath(path)
        if "*" in path:
            pattern = re.compile(re.escape(path).replace(r"\*", "[^/]*"))
            return any(pattern.fullmatch(each) for each in self.files)
        return path in self.files or path in self.folders

    def documents(self):
        """(path, its lines with those of code blocks blanked)."""
        for path in sorted(self.files):
            if path.endswith(".md") and (path.startswith("docs/") or path in ("README.md", "CONTRIBUTING.md", "bench/README.md")):
                inside, lines = False, []
                for line in self.text(path).split("\n"):
                    fence = line.startswith("```")
                    lines.append("" if fence or inside else line)
                    inside ^= fence
                yield path, lines

    def check_names(self):
        checked = 0
        for path, lines in self.documents():
            for number, line in enumerate(lines, 1):
                for target in re.findall(r"\]\(([^)\s]+)\)", line):
                    if re.match(r"[a-z]+:", target):
                        continue
                    checked += 1
                    file, _, anchor = target.partition("#")
                    leads = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                    if not self.exists(leads):
                        self.mistake(path, number, f"links to {target}, which does not exist")
                    elif anchor and anchor not in self.anchors(leads):
                        self.mistake(path, number, f"links to {target}, and there is no such heading")
                for word in re.findall(r"`([^`]+)`", line):
                    word = word.rstrip("/")
                    if word.startswith(TOP) and re.fullmatch(r"[\w./*-]+", word):
                        checked += 1
                        if not self.exists(word) and not self.is_coming(path, line):
                            self.mistake(path, number, f"names {word}, which does not exist")
                    elif path == "docs/architecture.md" and re.fullmatch(r"[\w*]+\.(cpp|hpp|S|def|py)", word):
                        checked += 1
                        pattern = re.compile(re.escape(word).replace(r"\*", "[^/]*"))
                        if not any(pattern.fullmatch(os.path.basename(each)) for each in self.files):
                            self.mistake(path, number, f"names {word}, and no file is called so")
        if checked == 0:
            self.mistake("docs", 1, "no document names a place: there is nothing to check")

    def is_coming(self, path, line):
        return path == "docs/architecture.md" and COMING in line

    def anchors(self, path):
        headings = re.findall(r"^#+ +(.*?) *$", self.text(path), flags=re.M)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def check_map(self):
        """The table of rooms has exactly those that are built, from the top floor down."""
        path = "docs/architecture.md"
        built = re.search(r"set\(rooms ([^)]*)\)", self.text("simulator/CMakeLists.txt"))
        rooms = built.group(1).split()[::-1] if built else []
        if not rooms:
            self.mistake("simulator/CMakeLists.txt", 1, "no set(rooms …): there is nothing to check")
        section = re.split(r"^## ", self.text(path), flags=re.M)
        table = next((part for part in section if part.startswith("The rooms\n")), "")
        rows = re.findall(r"^\| `simulator/(\w+)` \| (.*?) \| (.*?) \|$", table, flags=re.M)
        mapped = [row[0] for row in rows]
        for room in rooms:
            if room not in mapped:
                self.mistake(path, 1, f"the map has no room {room}, which simulator/CMakeLists.txt builds")
        for room, what, never in rows:
            if room not in rooms:
                self.mistake(path, 1, f"the map has a room {room}, which simulator/CMakeLists.txt does not build")
            if not what or not never:
                self.mistake(path, 1, f"the map says nothing about {room}")
            if (COMING in what) == (f"simulator/{room}" in self.folders):
                self.mistake(path, 1, f"the map is wrong about whether simulator/{room} is there")
        if sorted(mapped) == sorted(rooms) and mapped != rooms:
            self.mistake(path, 1, "the map's rooms are not in the order of their floors")

    def check_ledger(self):
        """Each file with an assumption is in the ledger; each row of the ledger leads to such a tag."""
        path = "docs/fidelity.md"
        section = re.split(r"^## ", self.text(path), flags=re.M)
        ledger = next((part for part in section if part.startswith("Other behaviour\n")), "")
        rows = [row for row in re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", ledger, flags=re.M)
                if row[0] not in ("behaviour", "---")]
        if not rows:
            self.mistake(path, 1, 'no row under "## Other behaviour": there is nothing to check')
        named = set()
        for behaviour, where, evidence in rows:
            tag = re.match(r"\[(doc|seen|assumed)[\]:]", evidence)
            if not tag:
                self.mistake(path, 1, f'"{behaviour}": evidence "{evidence}" begins with no tag')
                continue
            for file in re.findall(r"`([^`]+)`", where):
                if file not in self.files:
                    self.mistake(path, 1, f'"{behaviour}": {file} does not exist')
                elif not re.search(r"\[" + tag.group(1) + r"\b", self.text(file)):
                    self.mistake(path, 1, f'"{behaviour}": {file} has no tag [{tag.group(1)}')
                elif tag.group(1) == "assumed":
                    named.add(file)
        for file in sorted(self.files):
            if file.startswith("simulator/") and file.endswith(SOURCE) and file not in TABLES | named:
                at = self.text(file).find("[assumed")
                if at >= 0:
                    line = self.text(file).count("\n", 0, at) + 1
                    self.mistake(file, line, "[assumed: and no row of docs/fidelity.md says what, with this file")

    def check(self):
        self.check_names()
        self.check_map()
        self.check_ledger()
        return self.mistakes


if __name__ == "__main__":
    found = Tree(sys.argv[1]).check()
    print("\n".join(found))
    sys.exit(1 if found else 0)
