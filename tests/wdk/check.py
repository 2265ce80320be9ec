#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the WDK headers the ways a driver author or the host does, and says what broke.

Header tests are about what compiles, so they drive the compilers themselves, at test time: a build that compiled them
once would not notice a compiler that is missing, nor that a wrong layout line still passes. Every check that accepts
has a control that must be refused, with its message.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WDK = HERE.parent.parent / "include" / "wdk"
PUBLIC = sorted(path.name for path in WDK.glob("*.h"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror"]
DRIVER = ["-fshort-wchar", "-fms-extensions"]
WIN7, WIN8, WIN10, NEWEST = "0x06010000", "0x06020000", "0x0A000000", "0x0A00000D"
# The ways an image or the host is compiled. -mabi=ms is GCC's; the Windows target with ELF objects is Clang's.
MODES = {
    "host": [],
    "driver": DRIVER,
    "freestanding": DRIVER + ["-ffreestanding"],
    "ms-gcc": DRIVER + ["-mabi=ms"],
    "ms-clang": ["-target", "x86_64-pc-windows-msvc-elf", "-fms-extensions", "-ffreestanding"],
    # As cmake/DumpsimWindows.cmake has it.
    "windows": ["--target=x86_64-pc-windows-itanium-elf", "-fms-extensions", "-fms-compatibility",
                "-fms-compatibility-version=19.29", "-fgnuc-version=0", "-mms-bitfields", "-ffreestanding", "-nostdlibinc",
                "-D__ELF__=1",
                f"-I{WDK / 'crt'}"],
}
LANGUAGES = {"c": ["-x", "c", "-std=c11"], "c++17": ["-x", "c++", "-std=c++17"], "c++20": ["-x", "c++", "-std=c++20"]}


class Failure(Exception):
    pass


def run(command, expect=True):
    """Runs a compiler; raises when it accepts or refuses against expectation. Returns what it said."""
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    said = result.stdout + result.stderr
    if (result.returncode == 0) != expect:
        raise Failure(f"{'refused' if expect else 'accepted'}: {' '.join(map(str, command))}\n{said[:4000]}")
    return said


def modes_of(compiler):
    others = ["ms-gcc"] if "clang" in pathlib.Path(compiler).name else ["ms-clang", "windows"]
    return {name: flags for name, flags in MODES.items() if name not in others}


def check_headers(args):
    """Each public header alone, in each mode, with each kit version."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "alone.c"
        for name, flags in modes_of(args.compiler).items():
            # C++17 adds little to C++20 here, so it gets the two modes that matter and one kit.
            if args.language == "c++17" and name not in ("host", "driver"):
                continue
            every_kit = name == "driver" and args.language != "c++17"
            for version in (WIN7, WIN8, WIN10, NEWEST) if every_kit else (WIN10,):
                for header in PUBLIC:
                    # Twice, and with a use: a header without a guard or that leaves a construct open shows.
                    source.write_text(f'#include "{header}"\n#include "{header}"\nextern int wdk_alone;\n')
                    run([args.compiler, *LANGUAGES[args.language], *flags, *STRICT, f"-DNTDDI_VERSION={version}",
                         f"-I{WDK}", "-fsyntax-only", source])
        source.write_text("struct _MDL;\nUNICODE_STRING name;\n")
        said = run([args.compiler, *LANGUAGES[args.language], *STRICT, f"-I{WDK}", "-fsyntax-only", source],
                   expect=False)
        if "UNICODE_STRING" not in said:
            raise Failure(f"control: the compiler did not name the type it lacks:\n{said}")
    print(f"{len(PUBLIC)} headers")


def check_layouts(args):
    """The layout facts against our headers; the filter structures for each kit version."""
    base = [args.compiler, *LANGUAGES[args.language], "-Wall", "-Werror", f"-I{WDK}", f"-I{HERE}", "-fsyntax-only"]
    source = HERE / "check_layouts.c"
    for flags in modes_of(args.compiler).values():
        run([*base, *flags, source])
        for version in (WIN7, WIN8, WIN10, NEWEST):
            run([*base, *flags, "-DWDK_TEST_FILTERS_ONLY", f"-DNTDDI_VERSION={version}", source])
    control(base, source)
    said = run([*base, "-DWDK_TEST_FILTERS_ONLY", "-DWDK_TEST_CONTROL", f"-DNTDDI_VERSION={WIN7}", source],
               expect=False)
    if "sizeof(MDL) is not 47" not in said:
        raise Failure(f"control: the wrong size of MDL was not named:\n{said}")


def control(base, source):
    said = run([*base, "-DWDK_TEST_CONTROL", source], expect=False)
    for text in ("sizeof(MDL) is not 47", "IRP.UserBuffer is not at 0x71", "MDL_PAGES_LOCKED is not 3",
                 "STATUS_PENDING is not 0x104", "sizeof(LIST_ENTRY) is not"):
        if text not in said:
            raise Failure(f'control: a wrong fact passed: "{text}" is not among\n{said}')


def oracle_command(args):
    return [args.compiler, "-std=c11", "-w", "-D_AMD64_", "-D_WIN32_WINNT=0x0A00", f"-DNTDDI_VERSION={WIN10}",
            "-DWDK_TEST_MINGW", "-isystem", args.ddk, f"-I{HERE}", "-fsyntax-only"]


def check_oracle(args):
    """The same facts against mingw-w64's headers, and that what we call absent there is absent."""
    if not args.ddk or not (pathlib.Path(args.ddk) / "ntifs.h").exists():
        raise Failure("the mingw-w64 DDK headers are missing: install the Debian package mingw-w64-x86-64-dev")
    base = oracle_command(args)
    source = HERE / "check_layouts.c"
    run([*base, source])
    control(base, source)

    rows = []
    for name in ("layouts_exceptions.def", "layouts_filters.def"):
        for kind, arguments in re.findall(r"^ABSENT_(\w+)\((.*)\)$", (HERE / name).read_text(), re.M):
            first, second = [part.strip() for part in arguments.split(",")][:2]
            rows.append({"SIZE": f"sizeof({first})", "FIELD": f"__builtin_offsetof({first}, {second})",
                         "VALUE": f"(long long)({first})"}[kind])
    includes = (HERE / "check_layouts.c").read_text().split("#else")[0] + "#endif\n"
    rows = sorted(set(rows))
    present = absent_lines(base, includes, [*rows, "sizeof(MDL)"])
    if present != ["sizeof(MDL)"]:
        raise Failure(f"called absent, but mingw-w64 has it (or the control failed): {present}")
    print(f"{len(rows)} things absent from mingw-w64")


def absent_lines(base, includes, rows):
    """The rows that the compiler accepts."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "absent.c"
        # A function each: a compiler names an undeclared identifier once a function.
        lines = [f"long long row{index}(void) {{ return {row}; }}" for index, row in enumerate(rows)]
        source.write_text(includes + "\n".join(lines) + "\n")
        first = includes.count("\n") + 1
        said = run([*base, "-fmax-errors=0", source], expect=False)
        refused = {int(line) - first for line in re.findall(r"absent\.c:(\d+):\d+: error", said)}
        return [row for index, row in enumerate(rows) if index not in refused]


def check_sample(args):
    """A realistic filter in C and in C++ compiles without a warning."""
    flags_of = modes_of(args.compiler)
    for name, source in (("c", HERE / "sample_filter.c"), ("c++17", HERE / "sample_filter.cpp"),
                         ("c++20", HERE / "sample_filter.cpp")):
        if (name == "c") != (args.language == "c") or (name != "c" and name != args.language):
            continue
        for mode, flags in flags_of.items():
            if mode == "host" or (mode in ("ms-clang", "windows") and name != "c"):  # no standard library for that target
                continue
            for debug in ("0", "1"):
                run([args.compiler, *LANGUAGES[name], *flags, "-Wall", "-Wextra", "-Wno-multichar",
                     "-Wno-four-char-constants", "-Werror", f"-DDBG={debug}", f"-I{WDK}",
                     *([] if name == "c" else ["-DWDK_NO_SAL1"]), "-fsyntax-only", source])


WIDE = ["wcslen", "wcsnlen", "wcscmp", "wcsncmp", "wcscpy", "wcsncpy", "wcscat", "wcsncat", "wcschr", "wcsrchr",
        "wcsstr", "_wcsicmp", "_wcsnicmp", "_wcslwr", "_wcsupr", "towlower", "towupper", "_snwprintf", "_vsnwprintf",
        "swprintf", "wcscpy_s", "wcsncpy_s", "wcscat_s", "wcsncat_s", "swprintf_s", "vswprintf_s", "_snwprintf_s",
        "_vsnwprintf_s"]


def check_wide(args):
    """No wide call of a driver binds to glibc's, whether <wchar.h> comes first, last or not at all."""
    cpp = args.language != "c"
    headers = ("<cwchar>", "<string>", "<cwctype>", "<cctype>") if cpp else ("<wchar.h>", "<stdlib.h>", "<wctype.h>")
    more = [] if cpp else ["wcstoul", "wcstombs", "mbstowcs"]
    body = """
    size_t wide(WCHAR *a, WCHAR *b, va_list list) {
      int sum = (int)wcslen(a) + (int)wcsnlen(a, 3) + wcscmp(a, b) + wcsncmp(a, b, 3);
      sum += _wcsicmp(a, b) + _wcsnicmp(a, b, 3);
      sum += *wcscpy(a, b) + *wcsncpy(a, b, 3) + *wcscat(a, b) + *wcsncat(a, b, 3) + *_wcslwr(a) + *_wcsupr(a);
      sum += *wcschr(a, L'x') + *wcsrchr(a, L'x') + *wcsstr(a, b) + towlower(a[0]) + towupper(a[1]);
      sum += wcscpy_s(a, 3, b) + wcsncpy_s(a, 3, b, 2) + wcscat_s(a, 3, b) + wcsncat_s(a, 3, b, _TRUNCATE);
      sum += swprintf_s(a, 3, b) + vswprintf_s(a, 3, b, list) + _snwprintf_s(a, 3, 2, b);
      sum += _vsnwprintf_s(a, 3, 2, b, list);
      return (size_t)(sum + _snwprintf(a, 3, b) + _vsnwprintf(a, 3, b, list) + swprintf(a, b));
    }
    """
    if more:
        body += "size_t c_only(WCHAR *a, char *b) {"
        body += " return wcstoul(a, 0, 8) + wcstombs(b, a, 3) + mbstowcs(a, b, 3); }\n"
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "wide.c"
        output = pathlib.Path(folder) / "wide.o"
        for before, after in ((), ()), (headers, ()), ((), headers):
            text = "".join(f"#include {name}\n" for name in before) + '#include "ntddk.h"\n'
            source.write_text(text + "".join(f"#include {name}\n" for name in after) + body)
            modes = [[*DRIVER, "-O0"], [*DRIVER, "-O2"]]
            if "windows" in modes_of(args.compiler) and not cpp:
                modes.append([*MODES["windows"], "-O2"])
            for flags in modes:
                run([args.compiler, *LANGUAGES[args.language], *flags, "-DWDK_NO_SAL1", "-w", f"-I{WDK}", "-c",
                     source, "-o", output])
                undefined = set(re.findall(r" U (\S+)", run(["nm", output])))
                expected = {f"dumpsim_{name}" for name in WIDE + more}
                if expected - undefined or undefined & set(WIDE + more):
                    glibc = sorted(undefined & set(WIDE + more))
                    raise Failure(f"missing {sorted(expected - undefined)}, bound to glibc {glibc}")
        source.write_text("#include <wchar.h>\nunsigned long f(const wchar_t *a) { return wcslen(a); }\n")
        run([args.compiler, *LANGUAGES[args.language], *DRIVER, "-c", source, "-o", output])
        if " U wcslen" not in run(["nm", output]):
            raise Failure("control: without the headers wcslen is not undefined, so this check sees nothing")


CHECKS = {"headers": check_headers, "layouts": check_layouts, "oracle": check_oracle, "sample": check_sample,
          "wide": check_wide}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--package", required=True, help="the Debian package that has the compiler")
    parser.add_argument("--language", choices=LANGUAGES, default="c")
    parser.add_argument("--ddk", default="", help="folder of the mingw-w64 DDK headers")
    args = parser.parse_args()
    try:
        if args.compiler.endswith("NOTFOUND"):
            raise Failure(f"the compiler is missing: install the Debian package {args.package}")
        CHECKS[args.check](args)
    except Failure as failure:
        print(f"wdk {args.check}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
