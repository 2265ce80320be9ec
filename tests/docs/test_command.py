#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_command.py SOURCE_TREE: what scripts/test takes its first argument for, with stand-ins for what it starts."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
PRESETS = [preset["name"] for preset in json.loads((SOURCE / "CMakePresets.json").read_text())["testPresets"]]
STAND_IN = '#!/bin/sh\necho "$(basename "$0") $*" >>"$STARTED"\n'

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    (folder / "scripts").mkdir()
    (folder / "bin").mkdir()
    shutil.copy(SOURCE / "scripts" / "test", folder / "scripts" / "test")
    for name in ("scripts/install-packages", "bin/cmake", "bin/ctest"):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    started = folder / "started"
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STARTED": str(started)}

    def test(*arguments):
        """Exit code, what was complained, and the last thing that was started."""
        started.write_text("")
        done = subprocess.run([folder / "scripts" / "test", *arguments], env=environment, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stderr, (started.read_text().splitlines() or [""])[-1]

    for preset in PRESETS:
        code, _, last = test(preset, "-R", "Kit")
        if code != 0 or f"--preset {preset} " not in last or not last.endswith("-R Kit"):
            sys.exit(f"scripts/test {preset} -R Kit: exit code {code}, started {last!r}")
    for arguments in ([], ["-R", "Kit"]):
        code, _, last = test(*arguments)
        if code != 0 or not last.startswith("ctest --preset dev "):
            sys.exit(f"scripts/test {' '.join(arguments)}: exit code {code}, started {last!r}")
    for wrong in ("clagn", "release", "Kit"):
        code, said, last = test(wrong)
        if code != 2 or last or f'no preset "{wrong}"' not in said or any(preset not in said for preset in PRESETS):
            sys.exit(f"scripts/test {wrong}: exit code {code}, started {last!r}, expected a refusal that names the presets; "
                     f"got:\n{said}")
