#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each demand of readers.py can fail: the golden files are sound, and with one thing wrong they are not.

controls.py SOURCE_TREE
"""
import copy
import json
import os
import sys

import readers

failures = []


def expect(what, condition):
    if not condition:
        failures.append(what)


def text_controls(name, check, text, changes):
    expect(f"{name}: the golden file has mistakes: {check(text)}", check(text) == [])
    for old, new, message in changes:
        expect(f"{name}: control {old!r} is not in the golden file", old in text)
        found = check(text.replace(old, new, 1))
        expect(f"{name}: with {new!r} for {old!r} expected {message!r}, got {found}", any(message in each for each in found))


JUNIT = [
    ('encoding="UTF-8"', 'encoding="latin-1"', "no XML declaration"),
    ("</testsuites>", "", "no XML"),
    ("␛", "\x1b", "no XML"),
    ("<testsuites ", "<testsuites host='a' ", "which not everybody reads"),
    (' classname="scenarios"', "", "<testcase> has no classname"),
    ("<system-out>Good", "<system-err>a</system-err><system-out>Good", "<system-err> is none of the common subset"),
    ('failures="1"', 'failures="2"', "<testsuites> says failures=2, there are 1"),
    ('<property name="command"', '<property name="commando"', "good.toml: no property command"),
    ('<failure message="violations', "<system-out>b</system-out><failure message=\"violations", "in that order"),
]
GITHUB = [
    ("::error file", ":error file", "no command"),
    ("::error title", "::failure title", "no command"),
    ("%2C100%25", ",100%25", "no property"),
    (",line=45", "", "a file and a line go together"),
    ("line=45", "line=0", "line '0'"),
    ("%0Aat 50%25", "%0Aat 50%", "a message that is not escaped"),
    ("::error file", "::notice file", "errors do not come first"),
]


def change(value, path, new):
    """A copy of a JSON value with what lies at `path` replaced, or removed when `new` is absent."""
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    if new is None:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return value


RUN, RESULT, SUPPRESSED = ("runs", 0), ("runs", 0, "results", 0), ("runs", 0, "results", 1)
STEPS = (*RESULT, "codeFlows", 0, "threadFlows", 0, "locations")
SARIF = [
    (("version",), "2.0.0", "log: version is not 2.1.0"),
    (("$schema",), None, "log: $schema"),
    ((*RUN, "tool"), None, "run: no tool"),
    ((*RUN, "results"), None, "run: no results"),
    ((*RUN, "invocations"), None, "run: no invocations"),
    ((*RUN, "invocations", 0, "executionSuccessful"), True, "success and an error do not go together"),
    ((*RUN, "invocations", 0, "exitCode"), "2", "no exitCode of type int"),
    ((*RUN, "tool", "driver", "rules", 0, "help"), None, "rule write.buffer-modified: help: no message object"),
    ((*RUN, "tool", "driver", "rules", 0, "id"), "Rule1", "rule Rule1: no stable dotted id"),
    ((*RUN, "tool", "driver", "rules", 1, "id"), "write.buffer-modified", "a rule stands there twice"),
    ((*RUN, "originalUriBaseIds"), None, "uriBaseId is not declared"),
    ((*RUN, "artifacts", 0, "location", "uri"), "a b.c", "is no URI reference"),
    ((*RUN, "artifacts", 0, "location", "uri"), "../a.c", "leads out of the repository"),
    ((*RESULT, "ruleIndex"), 999, "ruleIndex 999"),
    ((*RESULT, "ruleIndex"), 1, "ruleIndex leads to irql.too-high"),
    ((*RESULT, "level"), "fatal", "unknown level fatal"),
    ((*RESULT, "kind"), "pass", "a level and no failure"),
    ((*RESULT, "message", "text"), "", "a message without text"),
    ((*RESULT, "locations"), [], "not one location"),
    ((*RESULT, "locations", 0, "physicalLocation", "artifactLocation", "index"), 7, "artifact index 7"),
    ((*RESULT, "locations", 0, "physicalLocation", "artifactLocation", "index"), 1, "artifact 1 is another file"),
    ((*RESULT, "locations", 0, "physicalLocation", "region", "startLine"), 0, "startLine 0"),
    ((*RESULT, "partialFingerprints"), None, "no fingerprint"),
    ((*RESULT, "baselineState"), "old", "unknown baselineState"),
    ((*RUN, "tool", "driver", "semanticVersion"), "new", "driver: semanticVersion is none"),
    ((*RUN, "invocations", 0, "toolConfigurationNotifications", 0, "level"), "fatal", "notification: unknown level"),
    ((*RUN, "tool", "driver", "rules", 0, "name"), "a name", "no name in PascalCase"),
    ((*RUN, "tool", "driver", "rules", 0, "defaultConfiguration"), None, "no default level"),
    ((*RUN, "tool", "driver", "rules", 0, "properties", "tags"), ["a", "a"], "tags are no set"),
    ((*RUN, "artifacts", 0, "location", "uri"), "", "artifact: no uri"),
    ((*RUN, "artifacts", 0, "location", "uri"), "file:///a.c", "an absolute uri with a base"),
    ((*RESULT, "locations", 0, "physicalLocation"), None, "no physicalLocation"),
    ((*RESULT, "kind"), "odd", "unknown kind odd"),
    ((*SUPPRESSED, "suppressions", 0, "kind"), "mine", "a suppression of no kind"),
    ((*SUPPRESSED, "suppressions"), None, "suppressions are known of some results and not of others"),
    ((*RESULT, "codeFlows", 0, "threadFlows"), [], "a code flow without thread flows"),
    ((*STEPS, 1, "nestingLevel"), -1, "nestingLevel"),
    ((*STEPS, 1, "importance"), "odd", "importance"),
    ((*STEPS, 2, "importance"), "important", "the last step is not the violation"),
    ((*STEPS,), [], "an empty thread flow"),
    ((*STEPS, 1, "executionOrder"), 7, "executionOrder is not 1, 2, 3"),
    ((*STEPS, 1, "location", "message"), None, "step: no message object"),
    ((*STEPS, 2, "location", "physicalLocation", "region", "startLine"), 46, "the flow ends elsewhere"),
]
REPORT = [
    (("format",), "other", "$.format: 'other' is not 'dumpsim-report'"),
    (("exit_code",), 4, "$.exit_code: 4 is none of"),
    (("exit_code",), None, "$: no exit_code"),
    (("tool", "version"), "new", "$.tool.version: 'new' does not match"),
    (("scenarios", "all"), -1, "$.scenarios.all: -1 < 0"),
    (("scenarios", "all"), True, "$.scenarios.all: bool, expected integer"),
    (("scenarios", "more"), 1, "$.scenarios.more: nothing may stand here"),
    (("coverage", "percent"), 101, "$.coverage.percent: 101 > 100"),
    (("coverage", "dimensions", 0, "missing"), [1], "$.coverage.dimensions[0].missing[0]: int, expected string"),
    (("baseline", "new"), None, "$.baseline: no new"),
    (("runs", 2, "result"), {}, "$.runs[2].result: none of the alternatives"),
    (("runs", 2, "verdict"), "fine", "$.runs[2].verdict: 'fine' is none of"),
]


def with_rules(log):
    """The golden file stands without the rules and their numbers, which the program knows."""
    ids = [result["ruleId"] for result in log["runs"][0]["results"]]
    log["runs"][0]["tool"]["driver"]["rules"] = [
        {"id": name, "name": "Name", **{key: {"text": "words"} for key in ("shortDescription", "fullDescription", "help")},
         "defaultConfiguration": {"level": "error"}, "properties": {"tags": ["a", "b"]}} for name in ids]
    for index, result in enumerate(log["runs"][0]["results"]):
        result["ruleIndex"] = index
    return log


def main(source):
    def golden(name):
        with open(os.path.join(source, "tests", "report", "golden", f"formats.{name}"), encoding="utf-8", newline="") as file:
            return file.read()

    text_controls("junit", readers.junit, golden("junit"), JUNIT)
    text_controls("github", readers.github, golden("github"), GITHUB)

    log = with_rules(json.loads(golden("sarif")))
    expect(f"sarif: the golden file has mistakes: {readers.sarif(log)}", readers.sarif(log) == [])
    for path, new, message in SARIF:
        found = readers.sarif(change(log, path, new))
        expect(f"sarif: with {new!r} at {path} expected {message!r}, got {found}", any(message in each for each in found))

    with open(os.path.join(source, "docs", "report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    report = json.loads(golden("json"))
    for run in report["runs"]:
        run["result"] = None  # of a result the golden file has a token only
    expect(f"json: the golden file has mistakes: {readers.schema(report, schema, schema)}", readers.schema(report, schema, schema) == [])
    for path, new, message in REPORT:
        found = readers.schema(change(report, path, new), schema, schema)
        expect(f"json: with {new!r} at {path} expected {message!r}, got {found}", any(message in each for each in found))

    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
