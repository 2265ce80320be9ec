#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the walls of the house: which room may know which, and what a filter may see.

Reads the sources and the CMake files of a tree (the first argument), prints every breach as PATH:LINE: what, and exits
with 1 when there is one. The link graph says what a room may include; the tables below say what it must never know
although something it links does. controls.py breaks every wall once and expects the message.
"""
import os
import re
import sys

SOURCE = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".inc", ".def", ".S", ".in")
# What must begin with the licence.
LICENSED = tuple(suffix for suffix in SOURCE if suffix != ".in") + (".py", ".sh")
SKIPPED = {".git", ".cache", "build", "out", "__pycache__", "corpus"}
# What stands at the top beside dot files: the owner's frame. Whatever is in none of git's ignored names was left behind.
TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "bench", "cmake", "docs", "filters",
       "include", "packaging", "scenarios", "scripts", "simulator", "tests"}
TOP_IGNORED = ("compile_commands.json", ".dmp")
BANNED_WORDS = {"manager", "helper", "util", "common", "misc", "data", "info"}

# What a compiler brings by itself, without an operating system: all that a filter may use beside include/wdk.
FREESTANDING = {
    "stddef.h", "stdint.h", "stdarg.h", "stdbool.h", "stdalign.h", "stdnoreturn.h", "limits.h", "float.h", "iso646.h",
    "cpuid.h", "immintrin.h", "x86intrin.h", "emmintrin.h", "pmmintrin.h", "tmmintrin.h", "smmintrin.h", "nmmintrin.h",
    "wmmintrin.h", "xmmintrin.h", "cstddef", "cstdint", "cstdarg", "climits", "cfloat", "limits", "type_traits", "new",
    "concepts", "compare", "initializer_list", "utility", "bit", "version",
}

HOST_HEADERS = {"unistd.h", "pthread.h", "fcntl.h", "dlfcn.h", "sched.h", "poll.h", "dirent.h", "features.h"}

WDK = r"include/wdk/"
HOST_FILES = r"<(fstream|fcntl\.h|sys/stat\.h|dirent\.h|filesystem)>|simulator/base/file\.hpp"
ANY_IO = r"<(fstream|iostream|fcntl\.h|unistd\.h|sys/stat\.h|sys/mman\.h|sys/socket\.h|dirent\.h|stdio\.h)>"

# room: (what it must never know, includes that would show it, words that would show it). Includes are matched against
# where they lead ("simulator/kernel/pool.hpp") or, for what is not ours, against "<header>".
NEVER = {
    "base": [("the kernel's API", WDK, None)],
    "trace": [("the kernel's API", WDK, None)],
    "policy": [("the kernel's API", WDK, None)],
    "disk": [("filters and MDLs", WDK + r"|simulator/(kernel|machine|stack|loader)/", r"\bP?MDL\b")],
    "dumpfile": [("disks and the kernel", WDK + r"|simulator/(disk|kernel)/", None)],
    "scenario": [
        ("the engine", r"simulator/(machine|kernel|stack|engine)/", None),
        ("any I/O beside reading its own text", ANY_IO
         + r"|simulator/disk/(backends|block_device|memory_disk|raw_disk|null_disk|file_view)\.hpp|simulator/base/mapping\.hpp",
         r"\b(File|NewFile)::|\bwrite_text\b|\bfopen\b"),
    ],
    "machine": [("the kernel's API", WDK + r"|simulator/kernel/", None)],
    "fault": [("scenario text", r"simulator/scenario/", None)],
    "kernel": [("disks, filters and the stack", r"simulator/(disk|stack|loader|scenario)/", None)],
    "verifier": [("how calls are made", r"simulator/(stack|loader|scenario)/|simulator/machine/gate\.hpp", None)],
    "loader": [("rules and scenarios", r"simulator/(verifier|scenario)/|simulator/trace/rules\.hpp", None)],
    "toolchain": [("the kernel's API and how images run", WDK + r"|simulator/(kernel|machine|stack|engine)/", None)],
    "stack": [("scenario text and host files", r"simulator/scenario/|" + HOST_FILES, None)],
    "engine": [("argv and the terminal", r"<(CLI/.*|spdlog/.*|termios\.h|sys/ioctl\.h|iostream|fmt/color\.h)>",
                r"\bargv\b|\bisatty\b|\bTIOCGWINSZ\b|\bstd::c(out|err)\b|\bfmt::print\b|\b(printf|puts)\s*\(")],
    "report": [("the kernel and the stack", WDK + r"|simulator/(kernel|machine|stack|loader)/", None)],
    "cli": [("the WDK headers and the kernel", WDK + r"|simulator/(kernel|machine|stack)/", None)],
}

INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


def without_comments(text):
    """C and C++ text with comments and string literals blanked, line numbers kept. Include lines are read before."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\\ ]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def without_block_comments(text):
    return re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text, flags=re.S)


def cmake_calls(text):
    """(name, [arguments]) of each call, comments gone."""
    text = re.sub(r"#[^\n]*", "", text)
    for name, arguments in re.findall(r"(\w+)\s*\(([^()]*)\)", text):
        yield name.lower(), arguments.split()


class Tree:
    """The files of a folder, or of a mapping from path to text."""

    def __init__(self, root, texts=None):
        self.root = root
        self.texts = texts
        self.files = list(texts or [])
        self.breaches = []
        for folder, folders, names in os.walk(root) if texts is None else []:
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
            for name in sorted(names):
                self.files.append(os.path.relpath(os.path.join(folder, name), root))
        self.present = set(self.files)

    def text(self, path):
        if self.texts is not None:
            return self.texts[path]
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def breach(self, path, line, what):
        self.breaches.append(f"{path}:{line}: {what}")

    def under(self, *folders, suffixes=SOURCE):
        return [f for f in self.files if f.startswith(tuple(d + "/" for d in folders)) and f.endswith(suffixes)]

    def includes(self, path):
        """(line, as written, where it leads): a path of this tree, or "<header>" when it is none of ours."""
        text = without_block_comments(self.text(path))
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(1) if match.group(1) else match.start(2)) + 1
            written = match.group(1) or match.group(2)
            places = ["simulator", "include", "include/wdk", ""]
            if match.group(1):
                places.insert(0, os.path.dirname(path))
            for place in places:
                leads = os.path.normpath(os.path.join(place, written))
                if leads in self.present:
                    break
            else:
                first = written.split("/")[0]
                # A room's header that is generated, or that somebody forgot: it still names the room.
                leads = f"simulator/{written}" if "/" in written and first in self.rooms else f"<{written}>"
            yield line, written, leads

    # --- the rooms -----------------------------------------------------------------------------------------------

    def read_rooms(self):
        self.rooms = []
        self.depends = {}
        for name, arguments in cmake_calls(self.text("simulator/CMakeLists.txt")):
            if name == "set" and arguments[:1] == ["rooms"]:
                self.rooms = arguments[1:]
        if not self.rooms:
            self.breach("simulator/CMakeLists.txt", 1, "no set(rooms …): there is nothing to check")
        built = {}
        for path in self.files:
            parts = path.split("/")
            if parts[0] != "simulator" or len(parts) < 3:
                continue
            built.setdefault(parts[1], False)
            if parts[2] == "CMakeLists.txt":
                built[parts[1]] = True
        for room, has_list in sorted(built.items()):
            listed = f"simulator/{room}/CMakeLists.txt"
            if room not in self.rooms:
                self.breach(f"simulator/{room}", 1, "is no room: simulator/CMakeLists.txt does not name it")
            elif not has_list:
                self.breach(f"simulator/{room}", 1, "has no CMakeLists.txt: nothing builds it")
            else:
                self.depends[room] = self.linked(listed)
        for room, linked in self.depends.items():
            for other in linked:
                if other in self.rooms and self.rooms.index(other) >= self.rooms.index(room):
                    self.breach(f"simulator/{room}/CMakeLists.txt", 1,
                                f"{room} links {other}, which is not below it in simulator/CMakeLists.txt")
                elif other in self.rooms and other not in self.depends:
                    self.breach(f"simulator/{room}/CMakeLists.txt", 1, f"{room} links {other}, which is no room here")
                for what, includes, _ in NEVER.get(room, []):
                    if re.match(includes, f"simulator/{other}/"):
                        self.breach(f"simulator/{room}/CMakeLists.txt", 1,
                                    f"{room} links {other}; it must never know {what}")

    def linked(self, path):
        """The rooms a CMakeLists.txt links: DEPENDS of dumpsim_room, and targets named otherwise."""
        found = []
        for name, arguments in cmake_calls(self.text(path)):
            if name == "dumpsim_room" and "DEPENDS" in arguments:
                rest = arguments[arguments.index("DEPENDS") + 1:]
                for argument in rest:
                    if argument in ("SOURCES", "LIBRARIES"):
                        break
                    found.append(argument)
            if name == "target_link_libraries":
                found += [a[len("dumpsim_"):] for a in arguments[1:]
                          if a.startswith("dumpsim_") and a[len("dumpsim_"):] in self.rooms]
        return list(dict.fromkeys(found))

    def closure(self, room):
        reached, waiting = set(), [room]
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting += self.depends.get(each, [])
        return reached

    def check_rooms(self):
        checked = 0
        for path in self.under("simulator"):
            room = path.split("/")[1]
            if room not in self.depends:
                continue
            allowed = self.closure(room)
            for line, written, leads in self.includes(path):
                checked += 1
                other = leads.split("/")[1] if leads.startswith("simulator/") else None
                if other is not None and other in self.rooms and other not in allowed:
                    self.breach(path, line, f'includes "{written}", but {room} does not link {other}')
                    continue
                for what, includes, _ in NEVER.get(room, []):
                    if re.match(includes, leads):
                        self.breach(path, line, f'includes "{written}"; {room} must never know {what}')
            if not path.endswith((".S", ".in")):
                self.check_words(path, room)
        if self.depends and checked == 0:
            self.breach("simulator", 1, "no include found: there is nothing to check")

    def check_words(self, path, room):
        words = [(what, word) for what, _, word in NEVER.get(room, []) if word is not None]
        if not words:
            return
        text = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", without_comments(self.text(path)), flags=re.M)
        for what, word in words:
            for match in re.finditer(word, text):
                line = text.count("\n", 0, match.start()) + 1
                self.breach(path, line, f"says {match.group(0).strip()}; {room} must never know {what}")

    # --- the other walls -----------------------------------------------------------------------------------------

    def check_wdk(self):
        for path in self.under("include/wdk"):
            for line, written, leads in self.includes(path):
                if leads.startswith("include/wdk/"):
                    continue
                # Standard C has no folder in its names; the host's own headers are known by theirs.
                if leads.startswith("<") and "/" not in written and written not in HOST_HEADERS:
                    continue
                self.breach(path, line, f'includes "{written}"; the WDK headers know nothing of ours and no host')

    def check_embedding(self):
        for path in self.under("include/dumpsim"):
            for line, written, leads in self.includes(path):
                if leads.startswith(("simulator/", "tests/", "bench/")):
                    self.breach(path, line, f'includes "{written}"; include/dumpsim shows no internals')

    def check_filters(self):
        for path in self.under("filters"):
            parts = path.split("/")
            if len(parts) < 3:
                continue
            own = f"filters/{parts[1]}/"
            # A test and what only tests read (.hpp) see the embedding API; a filter is .c, .cpp and .h.
            is_test = path.endswith(("_test.cpp", ".hpp"))
            for line, written, leads in self.includes(path):
                if leads.startswith((own, "include/wdk/")):
                    if is_test or not leads.endswith(".hpp"):
                        continue
                if is_test:
                    if not leads.startswith(("simulator/", "tests/", "bench/", "filters/")):
                        continue
                    self.breach(path, line, f'includes "{written}"; a filter\'s test sees include/ and its own folder')
                elif not (leads.startswith("<") and written in FREESTANDING):
                    self.breach(path, line, f'includes "{written}"; a filter sees include/wdk and its own folder')

    def check_nothing_includes_tests(self):
        for path in self.under("simulator", "include", "filters", "tests", "bench"):
            for line, written, leads in self.includes(path):
                for folder in ("tests", "bench"):
                    if path.startswith(folder + "/"):
                        continue
                    if leads.startswith(folder + "/") or leads.startswith(f"<{folder}/"):
                        self.breach(path, line, f'includes "{written}"; nothing includes {folder}/')

    def check_licence(self):
        for path in self.files:
            if not path.startswith(("simulator/", "include/", "filters/", "tests/", "bench/", "scripts/", ".ci/", "cmake/")):
                continue
            if not path.endswith(LICENSED):
                continue
            lines = self.text(path).split("\n", 2)
            if lines[0].startswith("#!"):
                lines = lines[1:]
            first = lines[0] if lines else ""
            if not re.fullmatch(r"(//|#|/\*) SPDX-License-Identifier: Apache-2\.0( \*/)?", first.rstrip()):
                self.breach(path, 1, "does not begin with the SPDX line")

    def check_top(self):
        for path in self.files:
            top = path.split(os.sep)[0]
            if top not in TOP and not top.startswith(".") and not top.endswith(TOP_IGNORED):
                self.breach(path, 1, "is nothing that stands at the top")

    def check_names(self):
        for path in self.files:
            name = os.path.basename(path)
            if path.startswith("tests/bad_filters/data_"):
                name = name[len("data_"):]  # named after the rules of that topic
            for word in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()):
                if word in BANNED_WORDS or word.rstrip("s") in BANNED_WORDS:
                    self.breach(path, 1, f'the word "{word}" in its name says nothing')

    def check(self):
        self.read_rooms()
        self.check_rooms()
        self.check_wdk()
        self.check_embedding()
        self.check_filters()
        self.check_nothing_includes_tests()
        self.check_licence()
        self.check_names()
        self.check_top()
        return self.breaches


def main(root):
    breaches = Tree(root).check()
    for breach in breaches:
        print(breach)
    if breaches:
        print(f"{len(breaches)} breach(es) of the walls; docs/architecture.md says which room may know which")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
