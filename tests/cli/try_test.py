#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dumpsim try` and `dumpsim compare`: the verdict, the exit codes, the scenarios that are left behind and run by themselves.

usage: try_test.py DUMPSIM FILTER_FOLDER BAD_FILTER_FOLDER BOUNDARY_FILTER_FOLDER CORRECT_FILTER_FOLDER

What the battery finds of filters that are right is tests/correct_filters; what it is made of, tests/engine.
"""
import json
import pathlib
import re
import sys
import unittest

from harness import BAD_FILTERS, FILTERS, ProgramTest

RIGHT = f"{FILTERS}/passthrough.so"
NOT_ENCRYPTED = f"{BAD_FILTERS}/says_not_encrypted.so"
MOVES = f"{BAD_FILTERS}/offset_outside_partition.so"
ROUNDS_DOWN, ROUNDS_UP = (f"{pathlib.Path(sys.argv[4]).resolve()}/rounds_boundary_{way}.so" for way in ("down", "up"))
PARTLY = f"{pathlib.Path(sys.argv[5]).resolve()}/partly_protected.so"
FIRST_LINE = "# Made by dumpsim try."


class Try(ProgramTest):
    def files(self, folder):
        return sorted((self.folder / folder).iterdir())

    def test_gives_a_verdict_on_one_screen(self):
        result = self.expect(0, "try", RIGHT)
        self.assertEqual(result.stderr, "")
        self.assertRegex(result.stdout, r"^passthrough\.so: \d+ cases\n")
        for line in (r"  loads\?      yes     in all of them; called: DumpStart, DumpWrite",
                     r"  protects\?   no      2,048 of 2,048 sectors of memory readable on the disk: right for a filter",
                     r"  reads back\? yes     \d+ dumps come back as they were",
                     r"  survives\?   yes     every case came out as it should"):
            self.assertRegex(result.stdout, f"(?m)^{line}")
        self.assertTrue(result.stdout.endswith("\nnothing to mend\nthe scenarios are in passthrough-battery\n"), result.stdout)

    def test_finds_what_is_to_be_mended_and_says_how_to_see_it_again(self):
        result = self.expect(1, "try", MOVES)
        self.assertIn("TO BE MENDED", result.stdout)
        self.assertNotIn("nothing to mend", result.stdout)
        self.assertRegex(result.stdout, r"(?m)^error offset\.outside-partition  offset_outside_partition in DumpWrite")
        again = re.search(r"(?m)^  again: dumpsim run (\S+)$", result.stdout).group(1)
        self.assertIn("offset.outside-partition", self.expect(1, "run", "--trace", "none", again).stdout)

    def test_writes_scenarios_that_are_as_expected_by_themselves(self):
        # One that is, and one whose cases are only so because of what the filter turned out to do.
        for into, image, words in (("right", RIGHT, ""), ("not", NOT_ENCRYPTED, "STATUS_FVE_NOT_ENCRYPTED")):
            with self.subTest(image=image):
                result = self.expect(0, "try", "--into", into, image)
                self.assertTrue(result.stdout.endswith(f"the scenarios are in {into}\n"))
                files = self.files(into)
                self.assertEqual(len(files), int(re.search(r": (\d+) cases", result.stdout).group(1)))
                for file in files:
                    self.assertRegex(file.name, r"^[a-z0-9]+(-[a-z0-9]+)*\.toml$")
                    self.assertTrue(file.read_text().startswith(FIRST_LINE + "\n"), file)
                self.assertIn("stacks-crash.toml", [file.name for file in files])
                crash = (self.folder / into / "stacks-crash.toml").read_text()
                self.assertIn(words, crash)
                self.expect(0, "lint", "-q", *files)
                self.assertEqual(self.expect(0, "run", "-j2", "-q", *files).stdout, "")
                if words:
                    # The control: without what was written into it, it is not.
                    self.file("bare.toml", crash.partition("\n[expect]\n")[0])
                    self.assertIn(words, self.expect(1, "run", "--trace", "none", "bare.toml").stdout)

    def test_replaces_its_own_files_and_nobody_elses(self):
        self.expect(0, "try", "--into", "mine", RIGHT)
        before = {file.name: file.read_text() for file in self.files("mine")}
        self.file("mine/notes.txt", "somebody's, under a name of no scenario")
        self.file("mine/stacks-crash.toml", f"{FIRST_LINE}\ntitle = \"an older one\"\n")
        self.expect(0, "try", "--into", "mine", RIGHT)
        self.assertEqual((self.folder / "mine/notes.txt").read_text(), "somebody's, under a name of no scenario")
        (self.folder / "mine/notes.txt").unlink()
        self.assertEqual({file.name: file.read_text() for file in self.files("mine")}, before)
        # Somebody else's, though it looks much like one of these.
        own = f"# A copy.\n{before['stacks-crash.toml']}"
        self.file("mine/stacks-crash.toml", own)
        (self.folder / "mine/sizes-one-page.toml").unlink()
        result = self.expect(2, "try", "--into", "mine", RIGHT)
        self.assertEqual(result.stdout, "")
        self.assertIn("mine/stacks-crash.toml is there and was not made by dumpsim try; nothing was written", result.stderr)
        self.assertIn("--no-files", result.stderr)
        self.assertEqual((self.folder / "mine/stacks-crash.toml").read_text(), own)
        self.assertNotIn("sizes-one-page.toml", [file.name for file in self.files("mine")])
        self.expect(0, "try", "--into", "another", RIGHT)

    def test_writes_nothing_where_it_shall_not(self):
        result = self.expect(0, "try", "--no-files", RIGHT)
        self.assertEqual(self.names(), [])
        self.assertTrue(result.stdout.endswith("\nnothing to mend\n"))
        told = json.loads(self.expect(1, "try", "--no-files", "--json", MOVES).stdout)
        self.assertEqual((told["filters"], told["passes"]), ("offset_outside_partition.so", False))
        self.assertEqual(self.names(), [])

    def test_wrong_command_lines_are_2(self):
        self.scenario('[[filter]]\nimage = "passthrough"\n')
        for words, says in (((), "--like"), ((RIGHT, "--like", "a.toml"), "do not go together"), (("nobody.so",), "does not exist"),
                            ((self.folder,), "is a folder"), (("--like", "nothing.toml"), "nothing.toml")):
            result = self.expect(2, "try", *words)
            self.assertIn(says, result.stderr)
            self.assertEqual((result.stdout, self.names()), ("", ["a.toml"]), words)


class Boundary(ProgramTest):
    """--boundary EncryptedEnd: protection ends in every sector of a write."""
    CASES = 128 + 16 + 2 * 2  # two sizes of sector, each with both sides of the file

    def boundary(self, code, *words):
        return self.expect(code, "try", "--boundary", "EncryptedEnd", *words)

    def test_a_filter_that_keeps_to_it_is_right(self):
        told = json.loads(self.boundary(0, "--no-files", "--json", PARTLY).stdout)
        cases = [case for case in told["cases"] if case["group"] == "boundary"]
        self.assertEqual(len(cases), self.CASES)
        readable = {case["name"]: case["readable_sectors_on_disk"] for case in cases}
        for i in range(128):
            self.assertEqual(readable[f"crash, at sector {i} of a write"], 2 * 128 - i)
        for i in range(16):
            self.assertEqual(readable[f"crash, sectors of 4096, at sector {i} of a write"], 2 * 128 - i * 8)
        for sectors in ("", "sectors of 4096, "):
            self.assertEqual(readable[f"crash, {sectors}in front of the file"], 3 * 128)
            self.assertEqual(readable[f"crash, {sectors}behind the file"], 0)
        self.assertEqual({case["recovered"] for case in cases}, {"identical"})
        plain = json.loads(self.expect(0, "try", "--no-files", "--json", PARTLY).stdout)
        self.assertEqual([case for case in told["cases"] if case["group"] != "boundary"], plain["cases"])

    def test_its_scenarios_say_where_and_run_by_themselves(self):
        result = self.boundary(0, "--into", "kept", PARTLY)
        self.assertRegex(result.stdout, rf"(?m)^  boundary\?   yes     kept to the sector in each of {self.CASES} places$")
        files = sorted((self.folder / "kept").glob("boundary-*.toml"))
        self.assertEqual(len(files), self.CASES)
        text = (self.folder / "kept/boundary-crash-at-sector-37-of-a-write.toml").read_text()
        end = (8 << 20) + 0x3000 + 0x10000 + 37 * 512
        for line in ('title = "boundary: crash, at sector 37 of a write"',
                     f'parameters = {{ EncryptedEnd = {{ type = "REG_QWORD", value = {end} }} }}',
                     f"protects = [{{ offset = 0, size = {end} }}]", 'recovered = "identical"',
                     f"readable_sectors_on_disk = {2 * 128 - 37}"):
            self.assertIn(f"{line}\n", text)
        self.expect(0, "lint", "-q", *files)
        self.assertEqual(self.expect(0, "run", "-j2", "-q", *files[::10]).stdout, "")

    def test_rounding_it_down_leaves_sectors_in_clear(self):
        self.expect(0, "try", "--no-files", ROUNDS_DOWN)  # the control: nothing else shows it
        stdout = self.boundary(1, "--into", "down", ROUNDS_DOWN).stdout
        self.assertRegex(stdout, r"(?m)^  boundary\?   no      right in 36 of 148 places; up to 7 sectors too few are protected$")
        self.assertRegex(stdout, r"(?m)^error data\.readable-sector  rounds_boundary_down in DumpWrite, 112 times\n")
        self.assertIn("  in boundary: crash, at sector 1 of a write; boundary: crash, at sector 2 of a write;", stdout)
        self.assertNotIn("boundary: sectors", stdout, "told by the rule, and once")
        again = re.search(r"(?m)^  again: dumpsim run (\S+)$", stdout).group(1)
        self.assertIn("data.readable-sector", self.expect(1, "run", "--trace", "none", again).stdout)

    def test_rounding_it_up_is_told_by_the_count_alone(self):
        self.expect(0, "try", "--no-files", ROUNDS_UP)
        stdout = self.boundary(1, "--into", "up", ROUNDS_UP).stdout
        self.assertRegex(stdout, r"(?m)^  boundary\?   no      right in 36 of 148 places; up to 7 sectors too many are protected$")
        self.assertNotIn("data.readable-sector", stdout)
        self.assertEqual(stdout.count("boundary: sectors behind it do not lie on the disk as memory held them"), 1, "one end, not 112")
        self.assertIn("  the first: readable_sectors_on_disk: expected 255, 248 sectors of memory lie readable", stdout)
        again = re.search(r"(?m)^  again: dumpsim run (\S+)$", stdout).group(1)
        self.expect(1, "run", "--trace", "none", again)

    def test_a_value_that_nobody_reads_is_2(self):
        for words, says in ((("--boundary", "EncrytedEnd", PARTLY), 'did you mean "EncryptedEnd"?'),
                            (("--boundary", "EncryptedEnd", RIGHT), r"no filter read the value EncryptedEnd of its Services\passthrough\Parameters"),
                            (("--boundary", "EncryptedEnd", RIGHT, MOVES), r"Services\NAME\Parameters"),
                            (("--boundary", "", PARTLY), "--boundary: an empty value"),
                            (("--boundary", r"Parameters\EncryptedEnd", PARTLY), "no name of a registry value")):
            result = self.expect(2, "try", *words)
            self.assertIn(says, result.stderr)
            self.assertEqual((result.stdout, self.names()), ("", []), words)
        self.scenario("")
        self.assertIn("there is no [[filter]]", self.boundary(2, "--like", "a.toml").stderr)
        # As the registry has it, case does not matter.
        self.expect(0, "try", "--no-files", "--boundary", "ENCRYPTEDEND", PARTLY)

    def test_it_takes_the_place_of_what_a_scenario_says(self):
        key = r"HKLM\SYSTEM\CurrentControlSet\Services\partly_protected\Parameters"
        long_key = key.replace("HKLM", "HKEY_LOCAL_MACHINE")
        self.file("machine.reg", f'Windows Registry Editor Version 5.00\n\n[{long_key}]\n"EncryptedEnd"=hex(b):00,00,f0,05,00,00,00,00\n')
        # Everything is encrypted in the cases of the other groups, whoever of the three says so.
        all_of_it = '{ type = "REG_QWORD", value = 0x5f00000 }'
        own = f'[[filter]]\nimage = "{PARTLY}"\nparameters = {{ encryptedend = {all_of_it} }}\n'
        lower = key.lower().replace("hklm", "HKLM")
        for name, more in (("a.toml", ""), ("b.toml", '[registry]\nfile = "machine.reg"\n'),
                           ("c.toml", f"[registry.'{lower}']\nencryptedEnd = {all_of_it}\nOther = 2\n")):
            self.scenario(own + more, name)
            told = json.loads(self.boundary(0, "--no-files", "--json", "--like", name).stdout)
            self.assertEqual(sum(case["group"] == "boundary" for case in told["cases"]), self.CASES, name)

    def test_every_filter_is_told(self):
        self.boundary(0, "--into", "two", RIGHT, PARTLY)
        text = (self.folder / "two/boundary-crash-at-sector-0-of-a-write.toml").read_text()
        self.assertEqual((text.count("EncryptedEnd = "), text.count("protects = ")), (2, 2))


class Compare(ProgramTest):
    def test_the_same_is_no_difference(self):
        for other in (RIGHT, f"{FILTERS}/passthrough-ms.so"):
            result = self.expect(0, "compare", RIGHT, other)
            self.assertRegex(result.stdout, r"^no difference  \d+ cases: same statuses, order and disk\n$")
            self.assertEqual((result.stderr, self.names()), ("", []))

    def test_a_difference_is_1_and_has_its_case(self):
        result = self.expect(1, "compare", RIGHT, NOT_ENCRYPTED)
        self.assertRegex(result.stdout, r"(?m)^stacks: crash\n")
        self.assertIn("dump_passthrough DumpStart STATUS_SUCCESS -> dump_passthrough DumpStart STATUS_FVE_NOT_ENCRYPTED", result.stdout,
                      "one service with two builds")
        differing, of = map(int, re.search(r"\n(\d+) of (\d+) cases differ\n$", result.stdout).groups())
        self.assertGreater(differing, 0)
        self.assertLessEqual(differing, of)
        self.assertEqual(self.names(), [])
        # Nothing of it is on the disk: both write what they were given.
        self.assertNotIn("  disk: ", result.stdout)

    def test_cases_in_which_two_builds_do_the_same_are_not_told(self):
        # Both differ in what they do to a write, and only there.
        stdout = self.expect(1, "compare", f"{BAD_FILTERS}/mdl_pfn_mismatch.so", f"{BAD_FILTERS}/mdl_next_set.so").stdout
        self.assertRegex(stdout, r"(?m)^stacks: crash\n")
        self.assertNotRegex(stdout, r"(?m)^loading: crash stack|^sizes: empty dump")

    def test_what_is_new_and_what_is_gone_follow_the_order(self):
        new, gone = self.expect(1, "compare", RIGHT, MOVES).stdout, self.expect(1, "compare", MOVES, RIGHT).stdout
        self.assertIn("  new: offset.outside-partition in DumpWrite\n", new)
        self.assertIn("  gone: offset.outside-partition in DumpWrite\n", gone)
        self.assertEqual(re.findall("new:", gone) + re.findall("gone:", new), [])

    def test_wrong_command_lines_are_2(self):
        for words in ((), (RIGHT,), (RIGHT, "nobody.so"), ("nobody.so", RIGHT), (self.folder, RIGHT)):
            result = self.expect(2, "compare", *words)
            self.assertEqual(result.stdout, "", words)
            self.assertNotEqual(result.stderr, "", words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
