#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the built program from end to end, as a shell would: exit codes, streams, files that appear or do not.

usage: program_test.py DUMPSIM FILTER_FOLDER BAD_FILTER_FOLDER READ_DUMP.PY

Every test works in a folder of its own. Nothing here knows what the program is made of; what the words mean is
docs/scenarios.md and docs/cli.md.
"""
import hashlib
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import unittest

from harness import BAD_FILTERS, FILTERS, PROGRAM, ProgramTest

READ_DUMP = str(pathlib.Path(sys.argv[4]).resolve())

PLAIN = '[[filter]]\nimage = "passthrough"\n'
XOR = '[[filter]]\nimage = "xor"\nparameters = { Key = "hex:a5 01 fe" }\n'
CRASHES = '[[filter]]\nimage = "null_dereference"\n'
CALLS_LINUX = '[[filter]]\nimage = "system_call"\n'
TYPO = '[disk]\npartiton_offset = "1 MiB"\n'
RAW = '[disk]\nbackend = "raw"\npath = "disk.img"\n[dump]\nfile = { size = "2 MiB", fragments = 5, seed = 3 }\n'
PAGES = 64


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


ENVIRONMENT = {**os.environ, "DUMPSIM_FILTER_PATH": f"{FILTERS}:{BAD_FILTERS}"}


def in_session(session):
    """The processes of a session that have not ended."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(words[3]) == session and words[0] != "Z":
            found.append(int(entry.name))
    return found


class ExitCodes(ProgramTest):
    def test_as_expected_is_0(self):
        result = self.expect(0, "run", self.scenario(PLAIN))
        self.assertIn("as expected  completed", result.stdout)
        self.assertEqual(result.stderr, "")

    def test_not_as_expected_is_1(self):
        result = self.expect(1, "run", self.scenario(PLAIN + "[expect]\nreadable_sectors_on_disk = 0\n"))
        self.assertIn("NOT AS EXPECTED", result.stdout)
        self.assertIn("readable_sectors_on_disk: expected 0", result.stdout)
        self.assertEqual(result.stderr, "")

    def test_a_filter_that_dies_is_1_and_the_host_stands(self):
        for text, word in ((CRASHES, "crashed"), (CALLS_LINUX, "syscall 231 (exit_group)")):
            result = self.expect(1, "run", self.scenario(text))
            self.assertIn(word, result.stdout)

    def test_a_death_that_is_expected_is_0(self):
        self.expect(0, "run", self.scenario(CRASHES + '[expect]\noutcome = "crashed"\n'))

    def test_usage_is_2(self):
        for words in ((), ("nonsense",), ("run",), ("run", "--nonsense", "a.toml"), ("run", "-j", "many", "a.toml"),
                      ("run", "--trace", "xml", "a.toml"), ("lint",), ("recover",), ("recover", "disk.img"),
                      ("inspect",), ("policies", "windows-95"), ("policies", "windows-11", "more")):
            result = self.expect(2, *words)
            self.assertEqual(result.stdout, "", words)
            self.assertTrue(result.stderr.startswith("dumpsim: "), (words, result.stderr))

    def test_a_wrong_scenario_is_2_with_its_place_and_a_hint(self):
        result = self.expect(2, "run", self.scenario(TYPO))
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r'a\.toml:2:1: .*"partiton_offset".*did you mean "partition_offset"\?')

    def test_a_missing_file_is_2(self):
        for command in ("run", "lint", "inspect"):
            result = self.expect(2, command, "nothing.toml")
            self.assertIn("nothing.toml", result.stderr)
            self.assertEqual(result.stdout, "")

    def test_a_missing_filter_is_2_with_a_hint(self):
        result = self.expect(2, "run", self.scenario('[[filter]]\nimage = "pasthrough"\n'))
        self.assertIn('did you mean "passthrough"?', result.stderr)

    def test_an_image_that_is_none_is_2(self):
        self.file("broken.so", b"\x7fELF but no more")
        result = self.expect(2, "run", self.scenario('[[driver]]\nimage = "./broken.so"\n'))
        self.assertIn("broken.so", result.stderr)
        result = self.expect(2, "run", self.scenario('[[driver]]\nimage = "object_link_left"\nattach = "volume"\n'))
        self.assertIn("object_link_left has no AddDevice", result.stderr)
        result = self.expect(2, "run", self.scenario('[[filter]]\nimage = "./broken.so"\n'))
        self.assertIn("broken.so", result.stderr)

    def test_no_room_for_results_is_3(self):
        # /dev/full takes nothing: the host failed, whatever the scenario came to.
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "run", self.scenario(PLAIN)], stdout=full, stderr=subprocess.PIPE,
                                    env={**os.environ, "DUMPSIM_FILTER_PATH": FILTERS}, timeout=60)
        self.assertEqual(result.returncode, 3, result.stderr)

    def test_help_and_version_are_0(self):
        for words in (("--help",), ("run", "--help"), ("--version",)):
            result = self.expect(0, *words)
            self.assertNotEqual(result.stdout, "")
            self.assertEqual(result.stderr, "")
        self.assertRegex(self.expect(0, "--version").stdout, r"^dumpsim \d+\.\d+\.\d+\n$")


class Many(ProgramTest):
    def files(self):
        good = [self.scenario(PLAIN, f"good{i}.toml") for i in range(6)]
        return good

    def test_are_printed_in_order_with_the_worst_exit_code(self):
        good = self.files()
        bad = self.scenario(CRASHES, "bad.toml")
        wrong = self.scenario(TYPO, "wrong.toml")
        for jobs in ("1", "4", "0"):
            everything = [good[0], bad, *good[1:4], wrong, *good[4:]]
            result = self.expect(2, "run", "-j", jobs, *everything)
            names = re.findall(r"^(?:ok    |FAILED)  .*?(\w+)\.toml", result.stdout, re.M)
            self.assertEqual(names, [path.stem for path in everything if path.stem != "wrong"])
            self.assertIn("wrong.toml:2:1:", result.stderr)
            result = self.expect(1, "run", "-j", jobs, *good, bad)
            self.assertEqual(result.stderr, "")
            result = self.expect(0, "run", "-j", jobs, *good)
            self.assertEqual(len(result.stdout.splitlines()), len(good))

    def test_are_the_same_however_many_run_at_a_time(self):
        files = [*self.files(), self.scenario(XOR, "xor.toml"), self.scenario(CALLS_LINUX, "linux.toml")]
        outputs = {self.expect(1, "run", "-j", jobs, *files).stdout for jobs in ("1", "2", "8")}
        self.assertEqual(len(outputs), 1)

    def test_half_of_two_hundred_die_and_none_stays(self):
        deaths = ("null_dereference", "bugcheck_in_write", "illegal_instruction", "stack_overflow", "system_call",
                  "pool_overrun", "wild_pointer", "divide_by_zero", "pool_use_after_free", "entry_fails_critical")
        outcome = {"bugcheck_in_write": "bugchecked", "entry_fails_critical": "stack-not-loaded"}
        files, expected = [], []
        for i in range(100):
            files.append(self.scenario(PLAIN if i % 3 else XOR, f"lives{i}.toml"))
            expected.append((f"lives{i}", "ok", "completed"))
            death = deaths[i % len(deaths)]
            files.append(self.scenario(f'[[filter]]\nimage = "{death}"\n', f"dies{i}.toml"))
            expected.append((f"dies{i}", "FAILED", outcome.get(death, "crashed")))
        with subprocess.Popen([PROGRAM, "run", "-j2", *map(str, files)], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
                              env=ENVIRONMENT) as process:
            out, err = process.communicate(timeout=240)
            self.assertEqual((process.returncode, err), (1, b""))
            found = re.findall(r"^(ok|FAILED) +\S*?(\w+)\.toml  ([\w-]+)", out.decode(), re.M)
            self.assertEqual([(name, verdict, how) for verdict, name, how in found], expected)
            self.assertEqual(in_session(process.pid), [])
        # The control: one that stays is seen.
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
            self.assertEqual(in_session(process.pid), [process.pid])
            process.kill()

    def test_quiet_says_only_what_is_not_as_expected(self):
        good, bad = self.files(), self.scenario(CRASHES, "bad.toml")
        self.assertEqual(self.expect(0, "run", "-q", *good).stdout, "")
        result = self.expect(1, "run", "-q", *good, bad)
        self.assertNotIn("good", result.stdout)
        self.assertIn("bad.toml", result.stdout)

    def test_options_for_one_are_refused(self):
        files = self.files()[:2]
        for words in (("--trace-file", "t.txt"), ("--in-process",), ("--trace", "jsonl")):
            result = self.expect(2, "run", *words, *files)
            self.assertEqual(result.stdout, "")
            self.assertIn(words[0], result.stderr)
        self.assertNotIn("t.txt", self.names())

    def test_no_two_write_the_same_file(self):
        first, second = self.scenario(RAW, "first.toml"), self.scenario(RAW + XOR, "second.toml")
        for jobs in ("-j1", "-j2"):
            result = self.expect(2, "run", jobs, "--replace", first, second)
            self.assertEqual(result.stdout, "")
            self.assertIn("second.toml: disk.path", result.stderr)
            self.assertIn("that is disk.path of", result.stderr)
        self.assertNotIn("disk.img", self.names())
        own = self.scenario('[disk]\nbackend = "raw"\npath = "own.toml"\n' + PLAIN, "own.toml")
        before = digest(own)
        self.assertIn("that file is the scenario", self.expect(2, "run", "--replace", own).stderr)
        self.assertEqual(digest(own), before)
        dump = self.scenario(PLAIN + '[recover]\noutput = "both"\n', "dump.toml")
        self.assertIn("--trace-file both goes into that file", self.expect(2, "run", "--trace-file", "both", dump).stderr)
        layout = self.scenario(RAW, "layout.toml")
        self.assertIn("--report junit=disk.img.layout.json goes into that file",
                      self.expect(2, "run", "--report", "junit=disk.img.layout.json", layout).stderr)

    def test_nobody_outlives_who_is_killed(self):
        hangs = 'limits = { cpu_seconds = 600 }\n[[filter]]\nimage = "hang"\n'  # longer than this test may take
        files = [str(self.scenario(hangs, f"hang{i}.toml")) for i in range(2)]
        with subprocess.Popen([PROGRAM, "run", "-j2", *files], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, start_new_session=True, env=ENVIRONMENT) as process:
            while len(in_session(process.pid)) < 5:  # itself, two workers, a child each
                self.assertIsNone(process.poll())
            process.kill()
            process.stdout.read()  # to the end: nobody has it open any more, and whoever is left is on the way out
            while in_session(process.pid):
                pass

    def test_as_many_run_as_there_is_room_for(self):
        files = [str(self.scenario(PLAIN, f"{i}.toml")) for i in range(12)]
        result = subprocess.run(["sh", "-c", 'ulimit -n 20; exec "$@"', "sh", PROGRAM, "run", "-j64", *files], cwd=self.folder,
                                capture_output=True, text=True, timeout=100, check=False, env=ENVIRONMENT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class CommandLine(ProgramTest):
    def test_the_word_that_is_wrong_is_named(self):
        good = str(self.scenario(PLAIN, "good.toml"))
        self.file("a b.so", "no image")
        self.file("source.c", "int x;\n")
        self.file("file", "no folder")
        for words, message in (((), "no command is given; see dumpsim --help"),
                               (("-v",), "no command is given"),
                               (("rnu",), 'unknown command "rnu"; did you mean "run"?'),
                               (("--jsno", "run"), 'unknown option "--jsno"'),
                               (("--json", "run", good), "--json is an option of run: dumpsim run --json"),
                               (("-q", "run", good), "-q is an option of run: dumpsim run -q"),
                               (("--replace",), "--replace is an option of a command: dumpsim run --replace"),
                               (("run", "-v", good), "-v stands before the command: dumpsim -v run"),
                               (("run", good, "--jbos", "2"), 'unknown option "--jbos"; did you mean "--jobs"?'),
                               (("recover", "disk.img", "--ouput", "o"), 'unknown option "--ouput"; did you mean "--output"?'),
                               (("recover", "disk.img", "--shift", "-4096"), "--output is required"),
                               (("lint", "-x"), 'unknown option "-x"; see dumpsim lint --help'),
                               (("recover", "--via", "raw", "disk.img", "-o", "o"), "DISK is required before --via"),
                               (("recover", "nothing.img", "-o", "o"), "cannot open nothing.img: No such file"),
                               (("run", "--baseline", "", good), "--baseline: an empty value"),
                               (("run", "--baseline=", good), "--baseline: an empty value"),
                               (("run", "--json", "--trace", "jsonl", good), "--json and --trace both want standard output"),
                               (("run", "--trace", "none", "--trace-file", "t", good), "--trace none and --trace-file"),
                               (("try", "a b.so"), '"a b" is no name of a service'),
                               (("try", f"{FILTERS}/xor.so", str(pathlib.Path(FILTERS, "..", "filters", "xor.so"))), "have the same name"),
                               (("try", "--into", "file", f"{FILTERS}/xor.so"), "file is no folder"),
                               (("try", "--no-files", "--into", "z", f"{FILTERS}/xor.so"), "--no-files and --into"),
                               (("try", "--like", good, "--driver", "nothing.so"), "--driver and --like"),
                               (("compare", f"{FILTERS}/xor.so", f"{FILTERS}/xor.so"), "neither build loads in any of"),
                               (("compare", f"{FILTERS}/xor.so", f"{FILTERS}/xor.so", "--driver", "nope"), "nope does not exist"),
                               (("cc", "missing.c", "-n"), "missing.c: no such file"),
                               (("cc", "source.c", "-o", "x.sys"), "makes a .so; --way sys makes a .sys"),
                               (("cc", "source.c", "-o", "source.c", "--replace"), "that is a source")):
            result = self.expect(2, *words)
            self.assertEqual(result.stdout, "", words)
            self.assertIn(message, result.stderr)
        self.assertEqual(self.names(), ["a b.so", "file", "good.toml", "source.c"])
        self.assertEqual((self.folder / "source.c").read_text(), "int x;\n")

    def test_a_sign_between_a_letter_and_its_value_is_no_part_of_it(self):
        self.expect(0, "run", "-j=2", *[str(self.scenario(PLAIN, f"{i}.toml")) for i in range(3)])

    def test_two_builds_get_parameters_from_a_scenario(self):
        like = str(self.scenario(XOR, "like.toml"))
        self.assertIn("no difference", self.expect(0, "compare", "--like", like, f"{FILTERS}/xor.so", f"{FILTERS}/xor.so").stdout)
        self.assertIn("cases differ", self.expect(1, "compare", "--like", like, f"{FILTERS}/xor.so", f"{FILTERS}/passthrough.so").stdout)
        none = str(self.scenario(XOR + 'name = "a"\n' + XOR + 'name = "b"\n', "none.toml"))
        self.assertIn('no [[filter]] is called "xor"', self.expect(2, "compare", "--like", none, f"{FILTERS}/xor.so", f"{FILTERS}/xor.so").stderr)

    def test_what_is_read_is_not_written(self):
        self.expect(0, "run", self.scenario(RAW, "raw.toml"))
        disk, layout = digest(self.folder / "disk.img"), digest(self.folder / "disk.img.layout.json")
        for output in ("disk.img", "disk.img.layout.json"):
            self.assertIn("is what is read", self.expect(2, "recover", "disk.img", "-o", output, "--replace").stderr)
        self.assertEqual((digest(self.folder / "disk.img"), digest(self.folder / "disk.img.layout.json")), (disk, layout))


class Output(ProgramTest):
    def test_json_parses(self):
        result = self.expect(1, "run", "--json", self.scenario(CRASHES))
        found = json.loads(result.stdout)
        self.assertEqual(found["outcome"], "crashed")
        self.assertEqual(found["as_expected"], False)
        self.assertTrue(found["mismatches"])
        self.assertTrue(found["file"].endswith("a.toml"))
        found = json.loads(self.expect(0, "run", "--json", self.scenario(PLAIN)).stdout)
        self.assertEqual((found["outcome"], found["recovered"]), ("completed", "identical"))
        self.assertEqual(found["readable_sectors_on_disk"], PAGES * 8)

    def test_a_jsonl_trace_is_json_lines_and_nothing_else(self):
        result = self.expect(0, "run", "--trace", "jsonl", self.scenario(PLAIN))
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertGreater(len(events), 10)
        self.assertTrue(all(isinstance(event, dict) and "event" in event for event in events))
        self.assertEqual(events[-1]["event"], "ended")
        self.assertIn("completed", result.stderr)
        self.assertNotIn("completed;", result.stdout)

    def test_two_runs_are_the_same_byte_for_byte(self):
        for text in (PLAIN, XOR, '[[filter]]\nimage = "logger"\n', CRASHES):
            path = self.scenario(text)
            for form in ("jsonl", "text"):
                runs = {self.program("run", "--trace", form, path).stdout for _ in range(3)}
                if form == "text" and text == CRASHES:  # the evidence beside the trace is allowed to differ
                    runs = {re.sub(r"(?s)\nevidence.*?\n\n", "\n\n", run) for run in runs}
                self.assertEqual(len(runs), 1, (text, form))
        one = self.program("run", "--trace", "jsonl", self.scenario(PLAIN)).stdout
        self.assertNotEqual(one, self.program("run", "--trace", "jsonl", self.scenario(XOR)).stdout)

    def test_in_process_and_in_a_child_are_the_same(self):
        path = self.scenario(XOR)
        self.assertEqual(self.expect(0, "run", "--trace", "jsonl", path).stdout,
                         self.expect(0, "run", "--in-process", "--trace", "jsonl", path).stdout)

    def test_folding_and_digests_can_be_asked_for(self):
        path = self.scenario(PLAIN + '[policy]\nmax_pages_per_write = 1\n')
        folded = self.expect(0, "run", "--trace", "jsonl", path).stdout.splitlines()
        unfolded = self.expect(0, "run", "--trace", "jsonl", "--no-fold", path).stdout.splitlines()
        self.assertGreater(len(unfolded), len(folded) + PAGES)
        self.assertNotIn("digest", "".join(folded))
        self.assertIn("digest", self.expect(0, "run", "--trace", "jsonl", "--digests", path).stdout)

    def test_trace_none_leaves_the_verdict(self):
        result = self.expect(0, "run", "--trace", "none", self.scenario(PLAIN))
        self.assertNotIn("DumpWrite", result.stdout)
        self.assertIn("as expected", result.stdout)
        self.assertIn("DumpWrite", self.expect(0, "run", self.scenario(PLAIN)).stdout)

    def test_a_trace_file_is_not_overwritten_unasked(self):
        path = self.scenario(PLAIN)
        shown = self.expect(0, "run", "--trace", "jsonl", path).stdout
        result = self.expect(0, "run", "--trace", "jsonl", "--trace-file", "t.jsonl", path)
        self.assertIn("as expected", result.stdout)
        self.assertEqual((self.folder / "t.jsonl").read_text(), shown)
        self.file("t.jsonl", "precious")
        result = self.expect(2, "run", "--trace-file", "t.jsonl", path)
        self.assertIn("t.jsonl", result.stderr)
        self.assertEqual((self.folder / "t.jsonl").read_text(), "precious")
        self.expect(0, "run", "--trace", "jsonl", "--trace-file", "t.jsonl", "--replace", path)
        self.assertEqual((self.folder / "t.jsonl").read_text(), shown)

    def on_a_terminal(self, environment):
        parent, child = pty.openpty()
        process = subprocess.Popen([PROGRAM, "run", str(self.scenario(PLAIN))], stdout=child,
                                   stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   env={**os.environ, "TERM": "xterm", "DUMPSIM_FILTER_PATH": FILTERS, **environment})
        os.close(child)
        text = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
        os.close(parent)
        self.assertEqual(process.wait(60), 0)
        return text.decode()

    def test_colours_are_for_terminals_and_can_be_refused(self):
        without = {name: value for name, value in os.environ.items() if name == "NO_COLOR"}
        self.assertFalse(without, "this test runs without NO_COLOR")
        self.assertIn("\x1b[", self.on_a_terminal({}))
        self.assertNotIn("\x1b[", self.on_a_terminal({"NO_COLOR": "1"}))
        self.assertNotIn("\x1b[", self.on_a_terminal({"TERM": "dumb"}))
        self.assertNotIn("\x1b[", self.expect(0, "run", self.scenario(PLAIN)).stdout)

    def test_verbose_goes_to_standard_error(self):
        path = self.scenario(PLAIN)
        quiet, loud = self.expect(0, "run", path), self.expect(0, "-v", "run", path)
        self.assertEqual(quiet.stdout, loud.stdout)
        self.assertIn("a.toml", loud.stderr)


class Provider(ProgramTest):
    ASKS = '[[filter]]\nimage = "asks_provider"\n'

    def test_is_written_step_by_step_until_the_filter_has_what_it_asks_for(self):
        result = self.expect(1, "run", "--write-provider", "p.toml", self.scenario(self.ASKS))
        self.assertIn(r"dump_asks_provider opened \Device\Provider: STATUS_OBJECT_NAME_NOT_FOUND", result.stdout)
        frame = (self.folder / "p.toml").read_text()
        self.assertIn("name = '\\Device\\Provider'", frame)
        result = self.expect(1, "run", "--replace", "--write-provider", "p.toml", self.scenario(self.ASKS + frame))
        self.assertIn("0x222004 (FILE_DEVICE_UNKNOWN, function 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS), 0 bytes in, 16 bytes out",
                      result.stdout)
        frame = (self.folder / "p.toml").read_text()
        self.assertIn("code = 0x00222004", frame)
        self.assertIn("bytes = \"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\"", frame)
        self.expect(0, "lint", self.scenario(self.ASKS + frame))

    def test_is_not_overwritten_unasked_and_not_written_for_nothing(self):
        kept = self.file("p.toml", "mine\n")
        result = self.expect(2, "run", "--write-provider", "p.toml", self.scenario(self.ASKS))
        self.assertIn("p.toml", result.stderr)
        self.assertEqual(kept.read_text(), "mine\n")
        result = self.expect(2, "run", "--write-provider", "q.toml", self.scenario(PLAIN))
        self.assertIn("nothing was asked for that is not there", result.stderr)
        self.assertNotIn("q.toml", self.names())
        self.expect(2, "run", "--write-provider", "q.toml", self.scenario(PLAIN), self.scenario(PLAIN, "b.toml"))

    def test_a_reply_may_be_a_file_and_a_wrong_one_has_its_place(self):
        device = "[[device]]\nname = '\\Device\\Provider'\n[[device.reply]]\ncode = 0x222004\nfile = \"reply.bin\"\n"
        result = self.expect(2, "run", self.scenario(self.ASKS + device))
        self.assertRegex(result.stderr, r"a\.toml:7:8: .*reply\.bin")
        self.file("reply.bin", bytes(8))
        self.expect(2, "lint", self.scenario(self.ASKS + device + "information = 9\n"))
        result = self.expect(1, "run", self.scenario(self.ASKS + device))
        self.assertIn("STATUS_INFO_LENGTH_MISMATCH", result.stdout)


class Lint(ProgramTest):
    def test_says_ok_or_every_mistake(self):
        good = self.scenario(PLAIN, "good.toml")
        wrong = self.scenario(TYPO + 'backend = "memry"\n[expect]\noutcom = "completed"\n', "wrong.toml")
        result = self.expect(0, "lint", good)
        self.assertRegex(result.stdout, r"good\.toml: ok\n")
        self.assertEqual(self.expect(0, "lint", "-q", good).stdout, "")
        result = self.expect(2, "lint", wrong, good)
        self.assertRegex(result.stdout, r"^\S*good\.toml: ok\n$")
        for place in (r"wrong\.toml:2:1: ", r"wrong\.toml:3:\d+: .*memory", r"wrong\.toml:5:1: .*outcome"):
            self.assertRegex(result.stderr, place)

    def test_runs_nothing(self):
        self.expect(0, "lint", self.scenario(RAW + PLAIN))
        self.assertEqual(self.names(), ["a.toml"])

    def test_knows_what_the_text_cannot_show(self):
        result = self.expect(2, "lint", self.scenario('[[filter]]\nimage = "nobody"\n'))
        self.assertIn("nobody", result.stderr)


class Recover(ProgramTest):
    def expected_digest(self):
        """Of canary memory, as read_dump.py defines it: taken from a dump of the same memory written in clear."""
        self.scenario(PLAIN + '[recover]\noutput = "clear.dmp"\n', "clear.toml")
        self.expect(0, "run", "clear.toml")
        return self.read("clear.dmp")["sha256"]

    def read(self, name):
        result = subprocess.run([sys.executable, READ_DUMP, "--canary", self.folder / name], capture_output=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def check_dump(self, name):
        facts = self.read(name)
        self.assertEqual(facts["pages"], PAGES)
        self.assertEqual(facts["wrong_sectors"], 0)
        words = subprocess.run(["file", "-b", self.folder / name], capture_output=True, text=True, check=True).stdout
        self.assertIn("MS Windows 64bit crash dump", words)
        return facts["sha256"]

    def test_a_raw_disk_comes_back_as_a_dump(self):
        self.expect(0, "run", self.scenario(RAW + PLAIN))
        self.assertEqual(self.names(), ["a.toml", "disk.img", "disk.img.layout.json"])
        result = self.expect(0, "recover", "disk.img", "-o", "MEMORY.DMP")
        self.assertIn("MEMORY.DMP", result.stdout)
        self.assertEqual(result.stderr, "")
        self.assertEqual(self.check_dump("MEMORY.DMP"), self.expected_digest())

    def test_an_encrypted_disk_comes_back_through_its_filters(self):
        self.expect(0, "run", self.scenario(RAW + XOR))
        result = self.expect(2, "recover", "disk.img", "-o", "MEMORY.DMP")
        self.assertIn("--via filters", result.stderr)
        self.assertNotIn("MEMORY.DMP", self.names())
        self.expect(0, "recover", "disk.img", "-o", "MEMORY.DMP", "--via", "filters", "a.toml")
        self.assertEqual(self.check_dump("MEMORY.DMP"), self.expected_digest())

    def test_a_disk_without_a_layout_takes_options(self):
        self.expect(0, "run", self.scenario(RAW + PLAIN))
        layout = json.loads((self.folder / "disk.img.layout.json").read_text())
        (self.folder / "disk.img.layout.json").unlink()
        self.assertIn("--extent", self.expect(2, "recover", "disk.img", "-o", "MEMORY.DMP").stderr)
        pairs = re.findall(r"\d+", json.dumps(layout["dump_file"]))
        extents = [word for at, length in zip(pairs[::2], pairs[1::2]) for word in ("--extent", f"{at}:{length}")]
        self.assertEqual(len(extents), 10, layout)
        self.expect(0, "recover", "disk.img", "-o", "MEMORY.DMP", *extents)
        self.check_dump("MEMORY.DMP")

    def test_wrong_options_are_refused(self):
        self.file("disk.img", bytes(1 << 20))
        for words in (("--extent", "12"), ("--extent", "a:b"), ("--extent", "0:1.5 MiB"), ("--via", "magic"),
                      ("--via", "filters"), ("--via", "volume"), ("--via", "reader:"),
                      ("--via", "reader:./nobody.so"), ("--shift", "far"), ("--partition-offset", "-1"),
                      ("--sector-size", "777"),
                      ("--extent", "0:4096")):
            result = self.expect(2, "recover", "disk.img", "-o", "MEMORY.DMP", *words)
            self.assertEqual(result.stdout, "", words)
            self.assertNotEqual(result.stderr, "", words)
            self.assertNotIn("MEMORY.DMP", self.names())

    def test_nothing_is_overwritten_unasked(self):
        path = self.scenario(RAW + PLAIN)
        self.expect(0, "run", path)
        self.expect(0, "recover", "disk.img", "-o", "MEMORY.DMP")
        before = digest(self.folder / "disk.img")
        self.file("MEMORY.DMP", "precious")
        self.assertIn("MEMORY.DMP", self.expect(2, "recover", "disk.img", "-o", "MEMORY.DMP").stderr)
        self.assertIn("disk.img", self.expect(2, "run", path).stderr)
        self.assertEqual((self.folder / "MEMORY.DMP").read_text(), "precious")
        self.assertEqual(digest(self.folder / "disk.img"), before)
        self.expect(0, "recover", "disk.img", "-o", "MEMORY.DMP", "--replace")
        self.check_dump("MEMORY.DMP")
        self.expect(0, "run", "--replace", path)

    def test_a_run_that_is_a_mistake_leaves_nothing(self):
        self.file("broken.so", "no image")
        self.expect(2, "run", self.scenario(RAW + '[[filter]]\nimage = "./broken.so"\n'))
        self.assertEqual(self.names(), ["a.toml", "broken.so"])

    def test_a_run_that_is_a_mistake_replaces_nothing(self):
        self.file("broken.so", "no image")
        good = self.scenario(RAW, "good.toml")
        self.expect(0, "run", good)
        disk, layout = digest(self.folder / "disk.img"), digest(self.folder / "disk.img.layout.json")
        self.expect(2, "run", "--replace", self.scenario(RAW + '[[filter]]\nimage = "./broken.so"\n'))
        self.assertEqual((digest(self.folder / "disk.img"), digest(self.folder / "disk.img.layout.json")), (disk, layout))
        self.expect(0, "run", "--replace", self.scenario(RAW + XOR))
        self.assertNotEqual(digest(self.folder / "disk.img"), disk, "the control: a run that is none does")


class Inspect(ProgramTest):
    def test_shows_a_dump(self):
        self.expect(0, "run", self.scenario(PLAIN + '[recover]\noutput = "MEMORY.DMP"\n'))
        result = self.expect(0, "inspect", "MEMORY.DMP")
        self.assertIn("0xe2", result.stdout.lower())
        self.assertIn(str(PAGES), result.stdout)

    def test_shows_an_image_without_running_it(self):
        result = self.expect(0, "inspect", f"{FILTERS}/xor.so")
        for word in ("DriverEntry", "ExAllocatePoolWithTag", "KeBugCheckEx", "loads: every import is provided"):
            self.assertIn(word, result.stdout)
        self.assertIn("Microsoft x64", self.expect(0, "inspect", f"{FILTERS}/passthrough-ms.so").stdout)

    def test_refuses_garbage_by_name_and_shows_the_others(self):
        files = [self.file("empty", b""), self.file("garbage", b"garbage" * 1000), self.file("front", b"PAGEDU64"),
                 self.file("elf", b"\x7fELF" + bytes(60)), self.file("pe.sys", b"MZ" + bytes(100))]
        for path in files:
            result = self.expect(2, "inspect", path)
            self.assertIn(path.name, result.stderr)
            self.assertEqual(result.stdout, "")
        result = self.expect(2, "inspect", files[0], f"{FILTERS}/xor.so")
        self.assertIn("DriverEntry", result.stdout)


class Policies(ProgramTest):
    def test_lists_each_with_its_evidence(self):
        result = self.expect(0, "policies")
        self.assertRegex(result.stdout, r"(?m)^max_pages_per_write = 16$")
        self.assertEqual(result.stdout, self.expect(0, "policies", "windows-11").stdout)
        self.assertNotEqual(result.stdout, self.expect(0, "policies", "windows-7").stdout)
        heads = re.findall(r"(?m)^(\w+) = (\S+)$", result.stdout)
        evidence = re.findall(r"(?m)^  \[(?:doc|seen: [^]]+|assumed)\]", result.stdout)
        self.assertGreater(len(heads), 20)
        self.assertEqual(len(evidence), len(heads))

    def test_every_value_can_be_written_in_a_scenario(self):
        heads = re.findall(r"(?m)^(\w+) = (\S+)$", self.expect(0, "policies", "windows-10").stdout)
        lines = "".join(f'{key} = "{value}"\n' for key, value in heads)
        self.expect(0, "lint", self.scenario(f'{PLAIN}[system]\nprofile = "windows-10"\n[policy]\n{lines}'))

    def test_an_unknown_profile_has_a_hint(self):
        self.assertIn('did you mean "windows-11-25h2"?', self.expect(2, "policies", "windows-11-25h3").stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
