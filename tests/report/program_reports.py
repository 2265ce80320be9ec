#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program for a CI job: reports, baseline, coverage, exit codes; what it writes is held to readers.py.

usage: program_reports.py DUMPSIM FILTER_FOLDER BAD_FILTER_FOLDER SOURCE_TREE
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import readers

PROGRAM, FILTERS, BAD_FILTERS, SOURCE = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
SCHEMA = json.loads(pathlib.Path(SOURCE, "docs/report.schema.json").read_text())

SMALL = '[system.memory]\nsize = "256 KiB"\n'
GOOD = SMALL + '[[filter]]\nimage = "passthrough"\n'
MODIFIES = SMALL + '[[filter]]\nimage = "write_buffer_modified"\n'
TOO_HIGH = SMALL + '[[filter]]\nimage = "irql_too_high"\n'
CRASHES = SMALL + '[[filter]]\nimage = "null_dereference"\n'
DECLARED = MODIFIES + '[expect]\nviolations = ["write.buffer-modified"]\n'
WRONG = '[disk]\npartiton_offset = "1 MiB"\n'


def stripped(folder):
    """The bad filters without a word of their source: what is told by scenario is told so for them alone."""
    for name in ("write_buffer_modified", "irql_too_high", "null_dereference"):
        subprocess.run(["objcopy", "--strip-all", f"{BAD_FILTERS}/{name}.so", str(folder / f"{name}.so")], check=True)


class Job(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.images = tempfile.TemporaryDirectory(prefix="dumpsim-images-")
        stripped(pathlib.Path(cls.images.name))

    @classmethod
    def tearDownClass(cls):
        cls.images.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dumpsim-reports-")
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        (self.top / ".git").mkdir()
        self.folder = self.top / "drivers"
        self.folder.mkdir()

    def scenario(self, name, text):
        (self.folder / name).write_text(text)
        return name

    def run_it(self, code, *words, folder=None, env=None):
        result = subprocess.run([PROGRAM, "run", *map(str, words)], cwd=folder or self.folder, capture_output=True, text=True, timeout=100,
                                stdin=subprocess.DEVNULL, check=False,
                                env={**os.environ, "DUMPSIM_FILTER_PATH": f"{FILTERS}:{self.images.name}", **(env or {})})
        self.assertEqual(result.returncode, code, f"{words}\n{result.stdout}\n{result.stderr}")
        return result

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def text(self, name):
        return (self.folder / name).read_bytes().decode()

    def one_of_each(self):
        return [self.scenario("good.toml", GOOD), self.scenario("modifies.toml", MODIFIES), self.scenario("crashes.toml", CRASHES),
                self.scenario("too-high.toml", TOO_HIGH), self.scenario("declared.toml", DECLARED), self.scenario("wrong.toml", WRONG)]


class Formats(Job):
    def all_formats(self, files, *options):
        self.run_it(2, "--report", "junit=a.xml", "--report", "sarif=a.sarif", "--report=json=a.json", "--report", "github=a.txt", "-q",
                    *options, *files)

    def test_are_what_their_readers_demand(self):
        self.all_formats(self.one_of_each())
        self.assertEqual(readers.junit(self.text("a.xml")), [])
        log = json.loads(self.text("a.sarif"))
        self.assertEqual(readers.sarif(log), [])
        self.assertEqual(readers.github(self.text("a.txt")), [])
        report = json.loads(self.text("a.json"))
        self.assertEqual(readers.schema(report, SCHEMA, SCHEMA), [])
        self.assertEqual(report["scenarios"], {"all": 6, "as_expected": 3, "not_as_expected": 2, "mistake": 1, "host_failure": 0})
        self.assertEqual(report["exit_code"], 2)
        # The control: one key too many in a real result.
        report["runs"][0]["result"]["more"] = 1
        self.assertIn("none of the alternatives", readers.schema(report, SCHEMA, SCHEMA)[0])

    def test_say_the_same_of_the_same_findings(self):
        self.all_formats(self.one_of_each())
        results = json.loads(self.text("a.sarif"))["runs"][0]["results"]
        rules = [result["ruleId"] for result in results]
        # What declared.toml declares is no alert; the crash and what became of the dump are the scenarios'.
        self.assertEqual(rules.count("write.buffer-modified"), 1)
        self.assertIn("irql.too-high", rules)
        self.assertIn("scenario.not-as-expected", rules)
        modified = next(result for result in results if result["ruleId"] == "write.buffer-modified")
        self.assertEqual(modified["properties"]["scenario"], "drivers/modifies.toml")
        steps = [step["location"]["message"]["text"] for step in modified["codeFlows"][0]["threadFlows"][0]["locations"]]
        self.assertEqual(steps[0], "boot")
        self.assertRegex(steps[-2], r"^DumpWrite of dump_write_buffer_modified: \d+ KiB at 0x")
        self.assertRegex(steps[-1], r"^write\.buffer-modified: wrote")
        annotations = self.text("a.txt")
        self.assertRegex(annotations, r"(?m)^::error file=drivers/modifies\.toml,line=1,title=write\.buffer-modified::")
        self.assertRegex(annotations, r"(?m)^::warning file=drivers/too-high\.toml,line=1,title=irql\.too-high::")
        self.assertRegex(annotations, r"(?m)^::error file=drivers/wrong\.toml,line=2,title=scenario cannot be run::.*did you mean")
        self.assertNotIn("declared.toml", annotations)
        report = json.loads(self.text("a.json"))
        fingerprints = {each["fingerprint"] for run in report["runs"] if run["result"] for each in run["result"]["violations"]}
        self.assertIn(modified["partialFingerprints"]["dumpsimFinding/v1"], fingerprints)

    def test_tell_a_violation_under_one_of_all_mdl_shapes_once(self):
        # A warning under each shape up to the one under which it crashes, before it could warn.
        every = TOO_HIGH + '[verify]\nmdl_shape = "all"\n'
        shapes = self.scenario("shapes.toml", every)
        words = ("--report", "sarif=a.sarif", "--report", "github=a.txt", "--report", "json=a.json", "--write-baseline", "known.json")
        self.run_it(1, *words, shapes)
        log = json.loads(self.text("a.sarif"))
        self.assertEqual(readers.sarif(log), [])
        results = log["runs"][0]["results"]
        self.assertEqual(sorted(result["ruleId"] for result in results), ["irql.too-high", "mdl.stale-startva-used", "scenario.not-as-expected"])
        rest = next(result for result in results if result["ruleId"] == "scenario.not-as-expected")
        self.assertNotIn("mdl.stale-startva-used", rest["message"]["text"])
        self.assertEqual(self.text("a.txt").count("mdl.stale-startva-used by"), 0, self.text("a.txt"))
        report = json.loads(self.text("a.json"))
        self.assertEqual(readers.schema(report, SCHEMA, SCHEMA), [])
        self.assertEqual(report["runs"][0]["result"]["mdl_shape"], "unmapped")
        # The baseline knows what only the shapes before met.
        self.assertIn("irql.too-high", self.text("known.json"))
        result = self.run_it(1, "--baseline", "known.json", "--json", shapes)
        found = json.loads(result.stdout)["violations"]
        self.assertEqual([(each["rule"], each["known"]) for each in found], [("mdl.stale-startva-used", True), ("irql.too-high", True)])
        self.assertEqual(result.stderr, "")

    def test_repeat_a_run_by_the_command_they_give(self):
        self.all_formats(self.one_of_each())
        root = ElementTree.fromstring(self.text("a.xml"))
        suite = next(each for each in root if each.get("name") == "drivers/modifies.toml")
        properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
        self.assertEqual((properties["file"], properties["line"]), ("drivers/modifies.toml", "1"))
        command = properties["command"]
        self.assertIn(f"repeat with: {command}\n", suite.find("testcase/failure").text)
        self.assertIn(f"repeat with: {command}\n", suite.find("testcase/system-out").text)
        words = command.replace("dumpsim run", f"{shlex.quote(PROGRAM)} run", 1)
        again = subprocess.run(["bash", "-c", words], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn("write.buffer-modified", again.stdout)

    def test_are_the_same_however_many_run_at_a_time_and_again(self):
        files = [name for name in self.one_of_each() if name != "crashes.toml"]  # its evidence is allowed to differ
        texts = set()
        for jobs in ("1", "3", "3"):
            self.all_formats(files, "-j", jobs, "--replace")
            found = [self.text(name) for name in ("a.xml", "a.sarif", "a.json", "a.txt")]
            texts.add("\n".join(found).replace(f"-j {jobs}", "-j N"))
        self.assertEqual(len(texts), 1)

    def test_stand_what_a_scenario_is_called(self):
        name = self.scenario("a b,c:d%&<'\"ü.toml", 'title = "<&> ]]> \\u001b[31m"\n' + MODIFIES)
        self.run_it(1, "-q", "--report", "junit=a.xml", "--report", "sarif=a.sarif", "--report", "github=a.txt", "--report", "json=a.json", name)
        self.assertEqual(readers.junit(self.text("a.xml")), [])
        self.assertEqual(ElementTree.fromstring(self.text("a.xml"))[0].get("name"), f"drivers/{name}")
        self.assertEqual(readers.sarif(json.loads(self.text("a.sarif"))), [])
        self.assertEqual(readers.github(self.text("a.txt")), [])
        self.assertEqual(readers.schema(json.loads(self.text("a.json")), SCHEMA, SCHEMA), [])

    def test_leave_a_file_outside_the_repository_where_it_is(self):
        (self.top / "repo" / ".git").mkdir(parents=True)
        name = self.scenario("modifies.toml", MODIFIES)
        result = self.run_it(1, "--report", "sarif", f"../drivers/{name}", folder=self.top / "repo")
        log = json.loads(result.stdout)
        self.assertEqual(readers.sarif(log), [])
        self.assertTrue(log["runs"][0]["artifacts"][0]["location"]["uri"].startswith("file:///"))
        result = self.run_it(1, "--report", "github", f"../drivers/{name}", folder=self.top / "repo")
        self.assertEqual(readers.github(result.stdout), [])
        self.assertIn("::error title=", result.stdout)

    def test_places_are_the_repositorys_by_whatever_way_the_shell_came(self):
        self.scenario("modifies.toml", MODIFIES)
        with tempfile.TemporaryDirectory(prefix="dumpsim-link-") as elsewhere:
            way = pathlib.Path(elsewhere, "link")
            way.symlink_to(self.top)
            for shells in (str(way / "drivers"), str(self.folder)):
                self.run_it(1, "--replace", "--report", "json=a.json", f"{shells}/modifies.toml", folder=shells, env={"PWD": shells})
                self.assertEqual(json.loads(self.text("a.json"))["runs"][0]["path"], "drivers/modifies.toml", shells)

    def test_the_command_to_repeat_has_what_the_run_had(self):
        name = "-x.toml"
        self.scenario(name, MODIFIES)
        self.run_it(1, "--replace", "--twice", "--report", "json=a.json", f"./{name}")
        self.assertIn("dumpsim run --twice ./-x.toml", json.loads(self.text("a.json"))["runs"][0]["command"])

    def test_json_of_a_run_has_the_schema_of_a_result(self):
        rule = SCHEMA["$defs"]["result"]
        for text in (GOOD, MODIFIES, CRASHES, TOO_HIGH):
            result = self.run_it(0 if text in (GOOD, TOO_HIGH) else 1, "--json", self.scenario("a.toml", text))
            self.assertEqual(readers.schema(json.loads(result.stdout), rule, SCHEMA), [])
        lines = self.run_it(0, "--json", "--coverage", self.scenario("a.toml", GOOD), self.scenario("b.toml", GOOD)).stdout.splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines[:2]:
            self.assertEqual(readers.schema(json.loads(line), rule, SCHEMA), [])
        self.assertEqual(readers.schema(json.loads(lines[2]), SCHEMA["$defs"]["coverage_line"], SCHEMA), [])


class Streams(Job):
    def test_a_report_has_standard_output_for_itself(self):
        files = [self.scenario("good.toml", GOOD), self.scenario("modifies.toml", MODIFIES)]
        for word in ("junit", "junit=-"):
            result = self.run_it(1, "--report", word, *files)
            self.assertEqual(readers.junit(result.stdout), [])
            self.assertRegex(result.stderr, r"ok +good\.toml")
        self.assertEqual(readers.junit(self.run_it(1, "--report", "junit", "--coverage", files[1]).stdout), [])
        self.assertNotIn("good.toml", self.run_it(1, "-q", "--report", "junit", *files).stderr)

    def test_a_report_in_a_file_leaves_the_output_as_it_was(self):
        files = [self.scenario("good.toml", GOOD), self.scenario("modifies.toml", MODIFIES)]
        plain, with_report = self.run_it(1, *files), self.run_it(1, "--report", "junit=a.xml", *files)
        self.assertEqual((plain.stdout, plain.stderr), (with_report.stdout, with_report.stderr))

    def test_mistakes_are_found_before_anything_runs(self):
        name = self.scenario("good.toml", GOOD)
        (self.folder / "there.xml").write_text("precious")
        for words, message in ((("--report", "junitt=a.xml"), 'unknown format "junitt"; expected one of junit, sarif, json, github; did you mean "junit"?'),
                               (("--report", "junit="), "no file behind"),
                               (("--report", "junit=there.xml"), "there.xml"),
                               (("--report", "junit=no/such/folder.xml"), "no/such/folder.xml"),
                               (("--report", "junit", "--report", "sarif"), "standard output has a report already"),
                               (("--report", "junit=a", "--report", "sarif=./a"), "--report junit=a goes into that file"),
                               (("--report", "junit=a", "--write-baseline", "a"), "--report junit=a goes into that file"),
                               (("--report", "junit=a", "--trace-file", "./a"), "--report junit=a goes into that file"),
                               (("--replace", "--report", "junit=./good.toml"), "that file is the scenario"),
                               (("--replace", "--trace-file", "good.toml"), "that file is the scenario"),
                               (("--replace", "--report", "junit=."), ". is no regular file"),
                               (("--trace-file", "there.xml"), "there.xml exists already"),
                               (("--trace-file", "no/such/folder"), "no/such/folder"),
                               (("--min-coverage", "nan"), "--min-coverage nan: expected a number from 0 to 100"),
                               (("--report", "junit", "--json"), "--json and a report both want standard output"),
                               (("--report", "junit", "--trace", "jsonl"), "--trace and a report both want standard output"),
                               (("--min-coverage", "101"), "min-coverage"),
                               (("--baseline", "nothing.json"), "nothing.json")):
            result = self.run_it(2, *words, name)
            self.assertEqual(result.stdout, "", words)
            self.assertIn(message, result.stderr)
        self.assertEqual(self.names(), ["good.toml", "there.xml"])
        self.assertEqual(self.text("there.xml"), "precious")
        self.run_it(0, "--replace", "--report", "junit=there.xml", name)
        self.assertEqual(readers.junit(self.text("there.xml")), [])


    def test_a_closed_stream_is_no_place_for_what_belongs_elsewhere(self):
        files = [self.scenario(f"{letter}.toml", MODIFIES) for letter in "abcd"]
        for closed in (0, 1, 2):
            words = [PROGRAM, "run", "-j1", "--replace", "--report", "junit=a.xml", "--write-baseline", "a.json", *files]
            script = "exec " + shlex.join(words) + {0: " <&-", 1: " >&-", 2: " 2>&-"}[closed]
            result = subprocess.run(["sh", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=100, check=False,
                                    env={**os.environ, "DUMPSIM_FILTER_PATH": f"{FILTERS}:{self.images.name}"})
            self.assertEqual(readers.junit(self.text("a.xml")), [], closed)
            self.assertEqual(len(json.loads(self.text("a.json"))["findings"]), 4, closed)
            self.assertNotIn("died", result.stderr)

    def test_a_name_that_is_no_utf8_is_told_as_well_as_it_can_be(self):
        name = os.fsdecode(b"bad\xff.toml")
        self.scenario(name, MODIFIES)
        self.run_it(1, "--report", "junit=a.xml", "--report", "json=a.json", "--report", "sarif=a.sarif", name)
        self.assertEqual(readers.junit(self.text("a.xml")), [])
        self.assertIn("bad\ufffd.toml", self.text("a.json"))


class WithSource(Job):
    """Where the image knows its source, the place in it is the finding's."""
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(SOURCE) / "tests" / "bad_filters"

    def with_source(self, *words):
        return subprocess.run([PROGRAM, "run", *words, "--filter-path", BAD_FILTERS], cwd=self.folder, capture_output=True, text=True,
                              timeout=100, check=False).stdout

    def test_is_where_the_rule_was_broken(self):
        line = next(number for number, text in enumerate((self.folder / "write_buffer_modified.c").read_text().splitlines(), 1) if "^=" in text)
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as scenario:
            scenario.write(MODIFIES)
            scenario.flush()
            self.assertIn(f"at write_buffer_modified.c:{line}, in BadWrite", self.with_source(scenario.name))
            result = json.loads(self.with_source("--report", "sarif", scenario.name))["runs"][0]["results"][0]
            place = result["locations"][0]["physicalLocation"]
            self.assertTrue(place["artifactLocation"]["uri"].endswith("tests/bad_filters/write_buffer_modified.c"), place)
            self.assertEqual(place["region"]["startLine"], line)


class Baseline(Job):
    def test_only_new_findings_fail(self):
        old = self.scenario("old.toml", MODIFIES)
        self.run_it(1, old)
        self.run_it(0, "--write-baseline", "base.json", old)
        first = self.text("base.json")
        result = self.run_it(0, "--baseline", "base.json", old)
        self.assertIn("write.buffer-modified  dump_write_buffer_modified in DumpWrite", result.stdout)
        self.assertIn(", known\n", result.stdout)
        self.assertEqual(result.stderr, "")
        new = self.scenario("new.toml", MODIFIES)  # another scenario, and no source to tell that it is the same
        result = self.run_it(1, "--baseline", "base.json", "--report", "sarif=a.sarif", "--report", "github=a.txt", "--report", "json=a.json",
                             old, new)
        self.assertRegex(result.stdout, r"ok +old\.toml")
        self.assertRegex(result.stdout, r"FAILED +new\.toml")
        log = json.loads(self.text("a.sarif"))
        self.assertEqual(readers.sarif(log), [])
        states = {each["properties"]["scenario"]: each["baselineState"] for each in log["runs"][0]["results"]}
        self.assertEqual(states, {"drivers/old.toml": "unchanged", "drivers/new.toml": "new"})
        self.assertNotIn("drivers/old.toml", self.text("a.txt"))
        self.assertIn("drivers/new.toml", self.text("a.txt"))
        self.assertEqual(json.loads(self.text("a.json"))["baseline"], {"known": 1, "new": 1, "no_longer_found": []})
        # Written anew it is the same, and with both it has a line more.
        self.run_it(0, "--replace", "--write-baseline", "base.json", old)
        self.assertEqual(self.text("base.json"), first)
        self.run_it(0, "--replace", "--baseline", "base.json", "--write-baseline", "base.json", new, old)
        added = set(self.text("base.json").splitlines()) - set(first.splitlines())
        self.assertEqual(len([line for line in added if "drivers/new.toml" in line]), 1)

    def test_other_mismatches_fail_all_the_same(self):
        name = self.scenario("a.toml", MODIFIES + "[expect]\nwrites = 9999\n")
        self.run_it(1, "--write-baseline", "base.json", name)
        result = self.run_it(1, "--baseline", "base.json", name)
        self.assertIn("writes: expected 9,999", result.stdout)
        self.assertNotIn("violations:", result.stdout)

    def test_what_is_no_longer_found_is_told(self):
        name, other = self.scenario("a.toml", TOO_HIGH), self.scenario("b.toml", TOO_HIGH)
        self.run_it(0, "--write-baseline", "base.json", name, other)
        self.scenario("a.toml", GOOD)
        result = self.run_it(0, "--baseline", "base.json", name)
        self.assertEqual(result.stderr, "dumpsim: base.json: no longer found: irql.too-high by irql_too_high in DumpWrite: drivers/a.toml\n")
        self.assertEqual(self.run_it(0, "--baseline", "base.json", other).stderr, "", "a.toml was not run")

    def test_a_damaged_or_foreign_file_is_2(self):
        name = self.scenario("a.toml", TOO_HIGH)
        for text, message in (("", "no JSON at line 1"), ('{\n"format": "other"}', "no baseline"), ('{"format": "dumpsim-baseline"', "no JSON")):
            (self.folder / "base.json").write_text(text)
            result = self.run_it(2, "--baseline", "base.json", name)
            self.assertIn(f"base.json: {message}", result.stderr)
            self.assertEqual(result.stdout, "")

    def test_none_is_written_when_a_scenario_could_not_run(self):
        result = self.run_it(2, "--write-baseline", "base.json", self.scenario("a.toml", GOOD), self.scenario("b.toml", WRONG))
        self.assertIn("base.json: not written", result.stderr)
        self.assertNotIn("base.json", self.names())


class Coverage(Job):
    def figures(self, text):
        return {name: int(count) for name, count in re.findall(r"(?m)^  (\w+) +(\d+) of", text)}

    def test_grows_with_what_is_run(self):
        crash = self.scenario("crash.toml", GOOD)
        hibernates = self.scenario("hibernates.toml", 'timeline = ["boot", "hibernate", "resume"]\n' + GOOD)
        old = self.scenario("old.toml", '[system]\nprofile = "windows-7"\n' + GOOD)
        one = self.run_it(0, "-q", "--coverage", crash).stdout
        all_three = self.run_it(0, "-q", "--coverage", "-j", "2", crash, hibernates, old).stdout
        few, more = self.figures(one), self.figures(all_three)
        self.assertEqual((few["profiles"], more["profiles"]), (1, 2))
        self.assertTrue(all(few[name] <= more[name] for name in few), (few, more))
        self.assertLess(few["callbacks"], more["callbacks"])
        self.assertLess(few["shapes"], more["shapes"])
        self.assertIn("  hibernation DumpWrite\n", one)
        self.assertNotIn("  hibernation DumpWrite\n", all_three)
        self.assertEqual(few["total"], sum(few.values()) - few["total"])

    def test_can_be_gated_on(self):
        name = self.scenario("a.toml", GOOD)
        self.run_it(0, "--min-coverage", "10", name)
        result = self.run_it(1, "--min-coverage", "99.5", "--report", "json=a.json", name)
        self.assertRegex(result.stderr, r"coverage is \d+\.\d %, less than --min-coverage 99\.5")
        self.assertIn("not exercised, profiles\n", result.stderr.replace("dumpsim: ", ""))
        self.assertIn("  windows-7\n", result.stderr.replace("dumpsim: ", ""))
        self.assertEqual(json.loads(self.text("a.json"))["exit_code"], 1)
        self.run_it(2, "--min-coverage", "99.5", self.scenario("wrong.toml", WRONG))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
