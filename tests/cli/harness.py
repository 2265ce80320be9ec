# SPDX-License-Identifier: Apache-2.0
"""The built program, run as a shell would in a folder of each test's own. The command line of every test here begins

PROGRAM FILTER_FOLDER BAD_FILTER_FOLDER
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, FILTERS, BAD_FILTERS = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:4])

SMALL = '[system.memory]\nsize = "256 KiB"\n'


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dumpsim-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return path

    def scenario(self, text, name="a.toml"):
        return self.file(name, text if "memory" in text else text + SMALL)

    def program(self, *words, environment=None):
        paths = f"{FILTERS}:{BAD_FILTERS}"
        result = subprocess.run(
            [PROGRAM, *map(str, words)], cwd=self.folder, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
            env={**os.environ, "DUMPSIM_FILTER_PATH": paths, **(environment or {})})
        result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
        return result

    def expect(self, code, *words, **options):
        result = self.program(*words, **options)
        self.assertEqual(result.returncode, code, f"{words}\n{result.stdout}\n{result.stderr}")
        return result

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())
