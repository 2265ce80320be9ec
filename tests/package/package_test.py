#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses dumpsim from outside.

package_test.py PART SOURCE_TREE BUILD_TREE CC CXX SANITIZERS, where PART is
  installed  cmake --install, the prefix moved, a filter of `dumpsim new filter` built and tested with three lines of CMake
  checkout   the same against the build folder
  several    two filters of `dumpsim new filter` in one project, and what a folder is told that has found no package
  flags      filters in a project whose flags and generator are not made for them
  corners    sources, definitions, folders and scenarios of which each convention makes the same
  keywords   what a wrong dumpsim_add_filter() is told
  deb        the .deb files unpacked and used, and what they say about themselves
  new        what `dumpsim new filter` refuses, and that it leaves nothing behind
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PART, SOURCE, BUILD, CC, CXX, SANITIZE = sys.argv[1:7]
SOURCE, BUILD = pathlib.Path(SOURCE), pathlib.Path(BUILD)
# Nothing of this build may be found by accident.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("DUMPSIM", "CMAKE", "CTEST"))}


def fail(what):
    sys.exit(f"package_test.py: {what}")


def run(command, folder, expect=0):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False,
                          env=ENVIRONMENT)
    if expect is not None and done.returncode != expect:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done


def configure(project, build, prefix, expect=0, options=()):
    return run(["cmake", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}",
                f"-DCMAKE_CXX_COMPILER={CXX}", "-Wno-dev"]
               + ([f"-DCMAKE_CXX_FLAGS=-fsanitize={SANITIZE}"] if SANITIZE else []) + list(options), project.parent, expect)


def build_and_test(project, prefix, tests):
    """The project builds and its tests pass; `tests` names some that have to be among them."""
    build = project / "build"
    configure(project, build, prefix)
    run(["cmake", "--build", build, "-j2"], project)
    said = run(["ctest", "--test-dir", build, "--output-on-failure"], project).stdout
    for test in tests:
        if test not in said:
            fail(f"no test {test} in {project.name}:\n{said}")
    return build


def outside_project(folder, prefix):
    program = prefix / "bin" / "dumpsim"
    said = run([program, "new", "filter", "my_filter"], folder).stdout
    if f"-DCMAKE_PREFIX_PATH={prefix}" not in said:
        fail(f"`dumpsim new` does not say where its package is:\n{said}")
    project = folder / "my_filter"
    build = build_and_test(project, prefix, ["MyFilter.CarriesAWholeDump", "MyFilter.HibernatesAndResumes",
                                             "my_filter.my_filter"])

    # A control: a filter that hides nothing fails its tests, each with a message of the kit.
    source = project / "my_filter.c"
    text = source.read_text()
    if "^ 0xA5" not in text:
        fail("the template's transform has changed; change the control with it")
    source.write_text(text.replace("^ 0xA5", "^ 0x00"))
    run(["cmake", "--build", build], project)
    done = run(["ctest", "--test-dir", build, "--output-on-failure"], project, expect=8)
    for expected in ("sectors lie readable, the first: disk offset", "readable_sectors_on_disk: expected 0",
                     "(carried other than the 4096 expected bytes)"):
        if expected not in done.stdout:
            fail(f"a filter that hides nothing is not told {expected!r}:\n{done.stdout}")
    return project


def installed():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        run(["cmake", "--install", BUILD, "--prefix", folder / "first"], folder)
        (folder / "first").rename(folder / "moved")
        prefix = folder / "moved"
        outside_project(folder, prefix)
        for expected in ("bin/dumpsim", "lib/dumpsim/filters/xor.so", "include/wdk/ntddk.h", "include/dumpsim/matchers.hpp",
                         "share/dumpsim/scenario.schema.json", "share/dumpsim/report.schema.json",
                         "share/doc/dumpsim/report.schema.json", "share/doc/dumpsim/examples/filters/xor/xor.c",
                         "share/doc/dumpsim/examples/filters/xor/CMakeLists.txt"):
            if not (prefix / expected).exists():
                fail(f"{expected} is not installed")
        for path in prefix.rglob("*"):
            if path.is_file() and path.suffix in (".cmake", ".hpp", ".h") and str(BUILD) in path.read_text():
                fail(f"{path.relative_to(prefix)} names the folder it was built in")
        # The program finds what lies beside it: filters for an example, headers and import libraries for cc.
        run([prefix / "bin" / "dumpsim", "run", "--quiet", "--trace", "none",
             prefix / "share/doc/dumpsim/examples/encrypted-dump.toml"], folder)
        run([prefix / "bin" / "dumpsim", "cc", SOURCE / "filters/passthrough/passthrough.c", "-o", "p.so"], folder)
        (folder / "p.toml").write_text('title = "p"\n[[filter]]\nimage = "./p.so"\n[expect]\nrecovered = "identical"\n')
        run([prefix / "bin" / "dumpsim", "run", "--quiet", "--trace", "none", "p.toml"], folder)
        embedding(folder, prefix)


def embedding(folder, prefix):
    """A project of several folders, each of which finds the package, with every kind of keyword."""
    project = folder / "larger"
    (project / "one").mkdir(parents=True)
    (project / "two").mkdir()
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(larger LANGUAGES C CXX)\nenable_testing()\n"
        "add_subdirectory(one)\nadd_subdirectory(two)\n")
    (project / "one" / "CMakeLists.txt").write_text(
        f"find_package(dumpsim 0.1 REQUIRED)\ndumpsim_add_filter(first SOURCES {SOURCE}/filters/passthrough/passthrough.c "
        "CONVENTION both SCENARIOS first.toml)\n")
    (project / "one" / "first.toml").write_text(
        'title = "first"\n[[filter]]\nimage = "first-ms"\n[expect]\nrecovered = "identical"\n')
    (project / "two" / "CMakeLists.txt").write_text(
        f"find_package(dumpsim REQUIRED)\ndumpsim_add_filter(second SOURCES {SOURCE}/filters/xor/xor.c)\n"
        "add_executable(embeds embeds.cpp)\ntarget_link_libraries(embeds PRIVATE dumpsim::dumpsim)\n"
        "add_dependencies(embeds filter_second)\nadd_test(NAME embeds COMMAND embeds $<TARGET_FILE:filter_second>)\n")
    (project / "two" / "embeds.cpp").write_text(
        "#include <dumpsim/dumpsim.hpp>\nint main(int, char** argv) {\n  dumpsim::api::Machine machine;\n"
        '  machine.add_filter(argv[1]).parameter("Key", 7u);\n'
        "  try {\n    machine.policy(\"no_such\", \"x\");\n    return 2;\n  } catch (const dumpsim::api::UsageError&) {}\n"
        '  return machine.run().outcome == "stack-not-loaded" ? 0 : 1;  // its key is sought under another name\n}\n')
    build_and_test(project, prefix, ["first.first", "embeds"])


def checkout():
    # What `scripts/dumpsim` builds is all that the package of a build folder takes.
    built = re.search(r"cmake --build .* --target (.*?) \|\|", (SOURCE / "scripts" / "dumpsim").read_text()).group(1).split()
    if "dumpsim" not in built or "dumpsim_library" not in built:
        fail(f"scripts/dumpsim builds {built}, and an outside project's tests link dumpsim_library")
    with tempfile.TemporaryDirectory() as scratch:
        outside_project(pathlib.Path(scratch), BUILD)


def several():
    with tempfile.TemporaryDirectory() as scratch:
        project = pathlib.Path(scratch) / "both"
        project.mkdir()
        for name in ("one", "two"):
            run([BUILD / "bin" / "dumpsim", "new", "filter", name], project)
        head = "cmake_minimum_required(VERSION 3.25)\nproject(both LANGUAGES C CXX)\nenable_testing()\n"
        lists = project / "CMakeLists.txt"
        lists.write_text(head + "add_subdirectory(one)\nadd_subdirectory(two)\n")
        build = project / "build"
        configure(project, build, BUILD)
        run(["cmake", "--build", build, "--target", "filter_one", "filter_two"], project)
        said = run(["ctest", "--test-dir", build, "--output-on-failure", "-R", "battery"], project).stdout
        for test in ("one.battery", "two.battery"):
            if test not in said:
                fail(f"no test {test}:\n{said}")
        # The functions of a folder beside this one are known here, and nothing that they need.
        for call in ("dumpsim_add_filter(x SOURCES one/one.c)", "dumpsim_add_sys(x SOURCES one/one.c)"):
            lists.write_text(head + f"add_subdirectory(one)\n{call}\n")
            said = " ".join(configure(project, build, BUILD, expect=1).stderr.split())
            expected = f"{call[:call.index('(')]}(x): call find_package(dumpsim) in this folder or above it"
            if expected not in said:
                fail(f"expected {expected!r}, got:\n{said}")


IN_CPP = """#include <ntddk.h>
#include <ntdddump.h>

static int Divide(int a, int b) { return a / b; }  // what -fsanitize=undefined looks at

static NTSTATUS OnWrite(PFILTER_EXTENSION, PLARGE_INTEGER, PMDL Mdl) {
  return Divide(static_cast<int>(Mdl->ByteCount), 512) < 0 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

extern "C" NTSTATUS DriverEntry(PFILTER_EXTENSION, PFILTER_INITIALIZATION_DATA InitializationData) {
  InitializationData->DumpWrite = OnWrite;
  return STATUS_SUCCESS;
}
"""


def is_gcc(compiler):
    return "clang" not in run([compiler, "--version"], "/").stdout


def flags():
    with tempfile.TemporaryDirectory() as scratch:
        project = pathlib.Path(scratch) / "flags"
        project.mkdir()
        shutil.copy(SOURCE / "filters/passthrough/passthrough.c", project / "in_c.c")
        (project / "in_cpp.cpp").write_text(IN_CPP)
        text = "cmake_minimum_required(VERSION 3.25)\nproject(flags LANGUAGES C CXX)\nfind_package(dumpsim REQUIRED)\n"
        tests = []
        for name, suffix in (("in_c", "c"), ("in_cpp", "cpp")):
            text += f"dumpsim_add_filter({name} SOURCES {name}.{suffix} CONVENTION both SCENARIOS {name}.toml BATTERY)\n"
            (project / f"{name}.toml").write_text(
                f'title = "{name}"\n[[filter]]\nimage = "{name}"\n[expect]\nrecovered = "identical"\n')
            tests += [f"{name}.{name}", f"{name}.battery", f"{name}.battery-ms"]
        (project / "CMakeLists.txt").write_text(text)

        def check(build, options, *when_run):
            configure(project, project / build, BUILD, options=options)
            run(["cmake", "--build", build, *when_run[:2]], project)
            said = run(["ctest", "--test-dir", build, "--output-on-failure", *(["-C", when_run[1]] if when_run else [])],
                       project).stdout
            for test in tests:
                if test not in said:
                    fail(f"no test {test} with {options}:\n{said}")

        for given in ["-fsanitize=address,undefined"] + (["--coverage"] if is_gcc(CC) else []):
            for variables in (("CMAKE_C_FLAGS", "CMAKE_CXX_FLAGS"), ("CMAKE_C_FLAGS_ODD", "CMAKE_CXX_FLAGS_ODD")):
                check(f"build{given}{variables[0]}", [f"-D{each}={given}" for each in variables] + ["-DCMAKE_BUILD_TYPE=Odd"])
        if not is_gcc(CC):
            said = configure(project, project / "refused", BUILD, 1, ["-DCMAKE_C_FLAGS=--coverage"]).stderr
            if "has no run time for the --coverage" not in " ".join(said.split()):
                fail(f"clang's --coverage is not refused:\n{said}")
        if shutil.which("ninja"):  # whose images would lie in a folder of the configuration
            check("several-configurations", ["-G", "Ninja Multi-Config"], "--config", "Debug")


# Which of the definitions and include directories of a folder and of the call have come.
CORNER = """#include <ntddk.h>
#include <ntdddump.h>

#include "beside.h"
#include <from_folder.h>
#if OF_FOLDER != 1 || OF_CALL != 2 || !defined(PLAIN) || !defined(IN_C) || defined(IN_CPP) || !FROM_FOLDER || !BESIDE
#error "something is missing"
#endif

ULONG Other(void);

NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(Extension);
  UNREFERENCED_PARAMETER(InitializationData);
  return Other() == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
"""
IN_A_FOLDER = """find_package(dumpsim REQUIRED)
add_compile_definitions(OF_FOLDER=1 $<$<CONFIG:Never>:NEVER> $<$<COMPILE_LANGUAGE:C>:IN_C>
                        $<$<COMPILE_LANGUAGE:CXX>:IN_CPP>)
include_directories(include)
dumpsim_add_filter(corner SOURCES one/corner.c two/corner.c one/beside.h CONVENTION all DEFINITIONS -DOF_CALL=2 PLAIN
  OUTPUT_DIRECTORY images SCENARIOS corner.windows-8.toml corner.windows-10.toml)
dumpsim_add_sys(corner SOURCES one/corner.c two/corner.c one/beside.h DEFINITIONS -DOF_CALL=2 PLAIN OUTPUT_DIRECTORY images)
"""


def corners():
    with tempfile.TemporaryDirectory() as scratch:
        project = pathlib.Path(scratch) / "corners"
        inner = project / "inner"
        for folder in ("one", "two", "include"):
            (inner / folder).mkdir(parents=True)
        (inner / "one" / "corner.c").write_text(CORNER)
        (inner / "one" / "beside.h").write_text("#define BESIDE 1\n")
        (inner / "two" / "corner.c").write_text("unsigned Other(void);\nunsigned Other(void) { return 1; }\n")
        (inner / "include" / "from_folder.h").write_text("#define FROM_FOLDER 1\n")
        for version, image in (("8", "corner"), ("10", "corner-ms")):
            (inner / f"corner.windows-{version}.toml").write_text(
                f'title = "corner"\n[[filter]]\nimage = "{image}"\n[expect]\nrecovered = "identical"\n')
        (inner / "CMakeLists.txt").write_text(IN_A_FOLDER)
        # An old project's policies are not those of the package's own files.
        head = "cmake_minimum_required(VERSION 3.0)\nproject(corners LANGUAGES C CXX)\n"
        top = project / "CMakeLists.txt"
        top.write_text(head + "enable_testing()\nadd_subdirectory(inner)\n")
        before = sorted(project.rglob("*"))
        build = pathlib.Path(scratch) / "build"
        said = configure(project, build, BUILD).stderr
        if "enable_testing" in said:
            fail(f"a warning without a reason:\n{said}")
        run(["cmake", "--build", build], project)
        said = run(["ctest", "--test-dir", build, "--output-on-failure"], project).stdout
        for test in ("corner.corner.windows-8", "corner.corner.windows-10"):
            if test not in said:
                fail(f"no test {test}:\n{said}")
        if not (build / "inner" / "images" / "corner.so").exists():
            fail("a relative OUTPUT_DIRECTORY is not in the build folder")
        if sorted(project.rglob("*")) != before:
            fail("the build has written into the source tree")

        top.write_text(head + "add_subdirectory(inner)\n")
        said = " ".join(configure(project, build / "untested", BUILD).stderr.split())
        if said.count("are not seen by ctest in") != 1 or "call enable_testing() in" not in said:
            fail(f"nobody says that ctest sees no test:\n{said}")
        (inner / "CMakeLists.txt").write_text("find_package(dumpsim REQUIRED)\ndumpsim_add_filter(corner SOURCES one/corner.c "
                                              "CONVENTION windows)\n")
        said = " ".join(configure(project, build / "no-clang", BUILD, 1, ["-DDUMPSIM_WINDOWS_CC=OFF"]).stderr.split())
        if "dumpsim_add_filter(corner): CONVENTION windows takes clang, and there is none" not in said:
            fail(f"a filter of which no image is made is not told:\n{said}")


# What only a package in Debian's archive can meet: a maintainer's address, a bug that asked for it.
NOT_HERE = "bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs"
DEPENDS = {"dumpsim": ["libc6 (>= ", "libfmt9 ", "libspdlog1.10", "libzydis", "libssl3"],
           "libdumpsim0": ["libc6 (>= ", "libfmt9 ", "libzydis"],
           "libdumpsim-dev": ["libdumpsim0 (= VERSION)", "dumpsim (= VERSION)"]}


def deb():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        run(["cpack", "-B", folder / "packages"], BUILD)
        packages = sorted((folder / "packages").glob("*.deb"))
        names = [package.name.split("_")[0] for package in packages]
        if names != sorted(DEPENDS):
            fail(f"packages {names}, expected {sorted(DEPENDS)}")
        for name, package in zip(names, packages):
            depends = run(["dpkg-deb", "-f", package, "Depends"], folder).stdout
            for each in DEPENDS[name]:
                each = each.replace("VERSION", package.name.split("_")[1])
                if each not in depends:
                    fail(f"{name} does not depend on {each}: {depends}")
            run(["dpkg", "-x", package, folder / "root"], folder)
            if name == "dumpsim" and "libdumpsim" in depends:
                fail(f"the program needs no library of ours: {depends}")
        if shutil.which("lintian"):
            said = run(["lintian", "--allow-root", "--fail-on", "none", "--suppress-tags", NOT_HERE, *packages], folder).stdout
            complaints = [line for line in said.splitlines() if line.startswith(("E:", "W:"))]
            if complaints:
                fail("lintian:\n" + "\n".join(complaints))
        prefix = folder / "root" / "usr"
        for expected in ("share/man/man1/dumpsim.1.gz", "share/man/man5/dumpsim-scenario.5.gz", "share/doc/dumpsim/cli.md",
                         "share/bash-completion/completions/dumpsim", "share/zsh/vendor-completions/_dumpsim",
                         "share/fish/vendor_completions.d/dumpsim.fish", "share/doc/libdumpsim-dev/copyright"):
            if not (prefix / expected).exists():
                fail(f"no package has /usr/{expected}")
        run([prefix / "bin/dumpsim", "run", "--quiet", "--trace", "none",
             *sorted((prefix / "share/doc/dumpsim/examples").glob("*.toml"))], folder)
        outside_project(folder, prefix)


# Arguments of dumpsim_add_filter(a), or a whole call.
WRONG = [
    ("dumpsim_add_sys(a SOURCES a.c KIND clang)", "dumpsim_add_sys(a): unknown keyword KIND; did you mean KINDS?"),
    ("dumpsim_add_sys(a SOURCES a.c IMPORTS gone)", "there is no import library gone for"),
    ("SOURCES a.c TSETS a_test.cpp", "dumpsim_add_filter(a): unknown keyword TSETS; did you mean TESTS?"),
    ("SOURCES a.c SCENARIO a.toml", "unknown keyword SCENARIO; did you mean SCENARIOS?"),
    ("SORCES a.c", "unknown keyword SORCES; did you mean SOURCES?"),
    ("a.c", "unknown keyword a.c; expected one of BATTERY, CONVENTION"),
    ("SOURCES a.c DEFINITIONS FAST=1 OPTION -O1", "unknown keyword OPTION; did you mean OPTIONS?"),
    ("SOURCES a.c ABI microsoft", "unknown keyword ABI; expected one of BATTERY, CONVENTION"),
    ("SOURCES a.c CONVENTION", "CONVENTION has no value"),
    ("SOURCES a.c CONVENTION stdcall", "CONVENTION stdcall: expected system-v, microsoft, windows, both or all"),
    ("SOURCES a.c b.c", "SOURCES: "),
    ("SOURCES a.c SCENARIOS gone.toml", "gone.toml does not exist"),
    ("SOURCES a.c LIBRARIES m", "LIBRARIES are those of TESTS"),
    ("dumpsim_add_filter(my.filter SOURCES a.c)", '"my.filter" is no name for a filter: expected letters, digits and '
     'underscores; did you mean "my_filter"?'),
    ("dumpsim_add_sys(a.sys SOURCES a.c)", 'did you mean "a"?'),
    ("TESTS a_test.cpp", "dumpsim_add_filter(a): no SOURCES"),
]
RIGHT = "SOURCES a.c DEFINITIONS FAST VOLUME_CIPHER TESTING OPTIONS -O1 CONVENTION system-v BATTERY"


def keywords():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        project = folder / "project"
        project.mkdir()
        (project / "a.c").write_text("int DriverEntry(void *a, void *b) { return a == b; }\n")
        (project / "a_test.cpp").write_text("")
        (project / "a.toml").write_text("")
        for arguments, message in [*WRONG, (RIGHT, None)]:
            if "IMPORTS" in arguments and not shutil.which("x86_64-w64-mingw32-gcc"):
                continue  # nothing would be linked
            (project / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(a LANGUAGES C CXX)\nfind_package(dumpsim REQUIRED)\n"
                + (arguments if arguments.startswith("dumpsim_") else f"dumpsim_add_filter(a {arguments})") + "\n")
            done = configure(project, folder / "build", BUILD, expect=0 if message is None else 1)
            said = " ".join(done.stderr.split())
            if message is not None and message not in said:
                fail(f"dumpsim_add_filter(a {arguments}): expected {message!r}, got:\n{done.stderr}")
        listed = run(["ctest", "--test-dir", folder / "build", "-N"], folder).stdout
        if "a.battery" not in listed:
            fail(f"BATTERY registers no test:\n{listed}")


REFUSED = [
    (["filter", "my-filter"], 'did you mean "my_filter"?'),
    (["filter", "9lives"], 'did you mean "filter_9lives"?'),
    (["filter", "crypt.sys"], 'did you mean "crypt"?'),
    (["filter", "test"], 'did you mean "test_filter"?'),
    (["filter", "../x"], "is no name for a filter"),
    (["filter", ""], "filter: an empty value"),
    (["filter", "a" * 49], "up to 48 letters"),
    (["filtr", "x"], 'did you mean "filter"?'),
    (["filter"], "NAME is required"),
    (["filter", "x", "--in", "y"], 'unknown option "--in"'),
    (["filter", "x", "--into", "a_file"], "a_file"),
]


def new():
    program = BUILD / "bin" / "dumpsim"
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "a_file").write_text("")
        for arguments, message in REFUSED:
            done = run([program, "new", *arguments], folder, expect=2)
            if message not in done.stderr or done.stdout:
                fail(f"new {arguments}: expected {message!r}, got:\n{done.stdout}{done.stderr}")
            if sorted(os.listdir(folder)) != ["a_file"]:
                fail(f"new {arguments} left something behind: {sorted(os.listdir(folder))}")
        run([program, "new", "filter", "x", "--into", "deep/folder"], folder)
        made = sorted(os.listdir(folder / "deep" / "folder"))
        if made != ["CMakeLists.txt", "x.c", "x.toml", "x_test.cpp"]:
            fail(f"new made {made}")
        for name in made:
            if "@" in (folder / "deep" / "folder" / name).read_text():
                fail(f"{name} has a placeholder left in it")
        # What it says to do next is for a shell.
        said = run([program, "new", "filter", "y", "--into", "a folder"], folder).stdout
        commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
        if len(commands) != 3 or not all("'a folder/build'" in command for command in commands):
            fail(f"new filter --into 'a folder' says what no shell takes:\n{said}")
        # Never over what is there, and not a part of it either.
        (folder / "deep" / "folder" / "x.c").write_text("mine")
        (folder / "deep" / "folder" / "x.toml").unlink()
        done = run([program, "new", "filter", "x", "--into", "deep/folder"], folder, expect=2)
        if "x.c is there already; nothing was written" not in done.stderr:
            fail(f"expected a refusal, got:\n{done.stderr}")
        if (folder / "deep" / "folder" / "x.toml").exists() or (folder / "deep" / "folder" / "x.c").read_text() != "mine":
            fail("a refused `new` wrote something")


if __name__ == "__main__":
    {"installed": installed, "checkout": checkout, "several": several, "flags": flags, "corners": corners, "keywords": keywords, "deb": deb, "new": new}[PART]()
