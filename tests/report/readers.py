# SPDX-License-Identifier: Apache-2.0
"""What the readers of dumpsim's reports demand, as checks that return mistakes in words; an empty list is a sound report.

Written from the formats' specifications, without a network: JUnit as Jenkins, GitLab and GitHub's reporters read it, the
constraints of SARIF 2.1.0 that matter to code scanning, the subset of JSON Schema that docs/report.schema.json uses, and
GitHub's workflow commands.
"""
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote, urlsplit

# ---- JUnit ----

# element: (attributes it must have, attributes it may have, children it may have in this order)
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors"}, {"skipped", "time"}, ["testsuite"]),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, set(), ["properties", "testcase"]),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"classname", "name", "time"}, {"file", "line"}, ["failure", "error", "system-out"]),
    "failure": ({"message", "type"}, set(), []),
    "error": ({"message", "type"}, set(), []),
    "system-out": (set(), set(), []),
}


def junit(text):
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"no XML: {error}"]
    mistakes = [] if text.startswith('<?xml version="1.0" encoding="UTF-8"?>') else ["no XML declaration with its encoding"]
    if root.tag != "testsuites":
        return mistakes + [f"the root is <{root.tag}>"]
    for node in root.iter():
        if node.tag not in JUNIT:
            mistakes.append(f"<{node.tag}> is none of the common subset")
            continue
        must, may, children = JUNIT[node.tag]
        mistakes += [f"<{node.tag}> has no {name}" for name in sorted(must - set(node.attrib))]
        mistakes += [f"<{node.tag}> has {name}, which not everybody reads" for name in sorted(set(node.attrib) - must - may)]
        order = [child.tag for child in node]
        if [tag for tag in children for each in order if each == tag] != order:
            mistakes.append(f"<{node.tag}> has children {order}; expected {children}, in that order")
    for node in [root, *root.iter("testsuite")]:
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            if node.get(name) != str(len(list(node.iter(tag)))):
                mistakes.append(f"<{node.tag}> says {name}={node.get(name)}, there are {len(list(node.iter(tag)))}")
    for suite in root.iter("testsuite"):
        properties = {each.get("name") for each in suite.iter("property")}
        wanted = {"file", "line", "verdict"} | (set() if list(suite.iter("error")) else {"seed", "command"})
        mistakes += [f"{suite.get('name')}: no property {name}" for name in sorted(wanted - properties)]
    return mistakes


# ---- SARIF 2.1.0 ----

LEVELS = {"none", "note", "warning", "error"}
KINDS = {"notApplicable", "pass", "fail", "review", "open", "informational"}


class Sarif:
    def __init__(self, log):
        self.log, self.mistakes = log, []

    def need(self, condition, what):
        if not condition:
            self.mistakes.append(what)
        return condition

    def has(self, value, key, kind, where):
        return self.need(isinstance(value, dict) and isinstance(value.get(key), kind), f"{where}: no {key} of type {kind.__name__}")

    def message(self, value, where):
        if self.need(isinstance(value, dict), f"{where}: no message object"):
            self.need(isinstance(value.get("text"), str) and value["text"] != "", f"{where}: a message without text")

    def check(self):
        if not self.has(self.log, "runs", list, "log"):
            return self.mistakes
        self.need(self.log.get("version") == "2.1.0", "log: version is not 2.1.0")
        self.need("sarif-schema-2.1.0" in str(self.log.get("$schema")), "log: $schema is not that of 2.1.0")
        for run in self.log["runs"]:
            self.run(run)
        return self.mistakes

    def run(self, run):
        if not (self.has(run, "tool", dict, "run") and self.has(run["tool"], "driver", dict, "tool")):
            return
        driver = run["tool"]["driver"]
        self.has(driver, "name", str, "driver")
        self.need(re.fullmatch(r"\d+\.\d+\.\d+.*", driver.get("semanticVersion", "")), "driver: semanticVersion is none")
        self.rules = driver.get("rules", [])
        for rule in self.rules:
            self.rule(rule)
        names = [rule.get("id") for rule in self.rules]
        self.need(len(names) == len(set(names)), "driver: a rule stands there twice")
        self.bases = run.get("originalUriBaseIds", {})
        self.artifacts = run.get("artifacts", [])
        for artifact in self.artifacts:
            self.uri(artifact.get("location", {}), "artifact")
        for invocation in run.get("invocations", []):
            self.has(invocation, "executionSuccessful", bool, "invocation")
            self.has(invocation, "exitCode", int, "invocation")
            told = invocation.get("toolConfigurationNotifications", []) + invocation.get("toolExecutionNotifications", [])
            for each in told:
                self.message(each.get("message"), "notification")
                self.need(each.get("level") in LEVELS, "notification: unknown level")
                for location in each.get("locations", []):
                    self.location(location, "notification")
            failed = any(each.get("level") == "error" for each in told)
            self.need(invocation.get("executionSuccessful") != failed, "invocation: success and an error do not go together")
        self.need("invocations" in run, "run: no invocations")
        if self.has(run, "results", list, "run"):
            for result in run["results"]:
                self.result(result)
            said = {"suppressions" in result for result in run["results"]}
            self.need(len(said) <= 1, "run: suppressions are known of some results and not of others")

    def rule(self, rule):
        where = f"rule {rule.get('id')}"
        self.need(re.fullmatch(r"[a-z-]+\.[a-z-]+", str(rule.get("id"))), f"{where}: no stable dotted id")
        self.need(re.fullmatch(r"[A-Z][A-Za-z]+", str(rule.get("name"))), f"{where}: no name in PascalCase")
        for key in ("shortDescription", "fullDescription", "help"):
            self.message(rule.get(key), f"{where}: {key}")
        self.need(rule.get("defaultConfiguration", {}).get("level") in LEVELS, f"{where}: no default level")
        tags = rule.get("properties", {}).get("tags")
        self.need(isinstance(tags, list) and len(tags) == len(set(tags)), f"{where}: tags are no set")

    def uri(self, location, where):
        uri = location.get("uri")
        if not self.need(isinstance(uri, str) and uri, f"{where}: no uri"):
            return
        self.need(re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+", uri), f"{where}: {uri} is no URI reference")
        if urlsplit(uri).scheme:
            self.need("uriBaseId" not in location, f"{where}: an absolute uri with a base")
        else:
            self.need(not unquote(uri).startswith(("/", "..")), f"{where}: {uri} leads out of the repository")
            self.need(location.get("uriBaseId") in self.bases, f"{where}: uriBaseId is not declared")

    def location(self, location, where):
        place = location.get("physicalLocation")
        if not self.need(isinstance(place, dict), f"{where}: no physicalLocation"):
            return
        at = place.get("artifactLocation", {})
        self.uri(at, where)
        index = at.get("index")
        sound = isinstance(index, int) and 0 <= index < len(self.artifacts)
        if self.need(sound, f"{where}: artifact index {index} of {len(self.artifacts)}"):
            self.need(self.artifacts[index]["location"]["uri"] == at.get("uri"), f"{where}: artifact {index} is another file")
        line = place.get("region", {}).get("startLine")
        self.need(isinstance(line, int) and line >= 1, f"{where}: startLine {line}")

    def result(self, result):
        where = f"result {result.get('ruleId')}"
        index = result.get("ruleIndex")
        if self.need(isinstance(index, int) and 0 <= index < len(self.rules), f"{where}: ruleIndex {index}"):
            self.need(self.rules[index].get("id") == result.get("ruleId"), f"{where}: ruleIndex leads to {self.rules[index].get('id')}")
        self.message(result.get("message"), where)
        self.need(result.get("level") in LEVELS, f"{where}: unknown level {result.get('level')}")
        self.need(result.get("kind", "fail") in KINDS, f"{where}: unknown kind {result.get('kind')}")
        self.need(result.get("kind", "fail") == "fail" or result.get("level") == "none", f"{where}: a level and no failure")
        self.need(isinstance(result.get("locations"), list) and len(result["locations"]) == 1, f"{where}: not one location")
        for location in result.get("locations", []) + result.get("relatedLocations", []):
            self.location(location, where)
        names = result.get("partialFingerprints", {})
        self.need(names and all(re.fullmatch(r"[0-9a-f]{16}", str(value)) for value in names.values()), f"{where}: no fingerprint")
        self.need(result.get("baselineState", "new") in ("new", "unchanged", "updated", "absent"), f"{where}: unknown baselineState")
        for each in result.get("suppressions", []):
            self.need(each.get("kind") in ("inSource", "external"), f"{where}: a suppression of no kind")
        for flow in result.get("codeFlows", []):
            if not self.need(flow.get("threadFlows"), f"{where}: a code flow without thread flows"):
                continue
            for thread in flow["threadFlows"]:
                steps = thread.get("locations", [])
                self.need(steps, f"{where}: an empty thread flow")
                orders = [step.get("executionOrder") for step in steps]
                self.need(orders == list(range(1, len(steps) + 1)), f"{where}: executionOrder is not 1, 2, 3 …")
                for step in steps:
                    self.location(step.get("location", {}), f"{where}: step")
                    self.message(step.get("location", {}).get("message"), f"{where}: step")
                    self.need(step.get("nestingLevel", 0) >= 0, f"{where}: nestingLevel")
                    self.need(step.get("importance") in ("important", "essential", "unimportant"), f"{where}: importance")
                if steps and result.get("locations"):
                    self.need(steps[-1].get("importance") == "essential", f"{where}: the last step is not the violation")
                    last = steps[-1].get("location", {}).get("physicalLocation")
                    self.need(last == result["locations"][0].get("physicalLocation"), f"{where}: the flow ends elsewhere")


def sarif(log):
    return Sarif(log).check()


# ---- JSON Schema, the words that docs/report.schema.json uses ----

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
NOTES = {"$schema", "$id", "title", "description", "$defs"}


def is_of(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def schema(value, rule, root, at="$"):
    """Mistakes of a value by a rule of the schema `root`."""
    if rule is True or rule is False:
        return [] if rule else [f"{at}: nothing may stand here"]
    mistakes = []
    for word, want in rule.items():
        if word == "$ref":
            target = root
            for name in want.removeprefix("#/").split("/"):
                target = target[name]
            mistakes += schema(value, target, root, at)
        elif word == "type":
            names = want if isinstance(want, list) else [want]
            if not any(is_of(value, name) for name in names):
                mistakes.append(f"{at}: {type(value).__name__}, expected {want}")
        elif word == "enum":
            if value not in want:
                mistakes.append(f"{at}: {value!r} is none of {want}")
        elif word == "const":
            if value != want:
                mistakes.append(f"{at}: {value!r} is not {want!r}")
        elif word == "anyOf":
            if all(schema(value, each, root, at) for each in want):
                mistakes.append(f"{at}: none of the alternatives: {schema(value, want[-1], root, at)}")
        elif word == "minimum":
            if is_of(value, "number") and value < want:
                mistakes.append(f"{at}: {value} < {want}")
        elif word == "maximum":
            if is_of(value, "number") and value > want:
                mistakes.append(f"{at}: {value} > {want}")
        elif word == "pattern":
            if isinstance(value, str) and not re.search(want, value):
                mistakes.append(f"{at}: {value!r} does not match {want}")
        elif word == "required":
            if isinstance(value, dict):
                mistakes += [f"{at}: no {name}" for name in want if name not in value]
        elif word == "items":
            if isinstance(value, list):
                for i, each in enumerate(value):
                    mistakes += schema(each, want, root, f"{at}[{i}]")
        elif word == "properties":
            if isinstance(value, dict):
                for name, each in value.items():
                    if name in want:
                        mistakes += schema(each, want[name], root, f"{at}.{name}")
        elif word == "additionalProperties":
            if isinstance(value, dict):
                for name, each in value.items():
                    if name not in rule.get("properties", {}):
                        mistakes += schema(each, want, root, f"{at}.{name}")
        elif word not in NOTES:
            raise SystemExit(f"this checker does not know the schema's word {word}")
    return mistakes


# ---- GitHub's workflow commands ----

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def github(text):
    mistakes, levels = [], []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        if not match:
            mistakes.append(f"no command: {line!r}")
            continue
        level, properties, message = match.groups()
        levels.append(("error", "warning", "notice").index(level))
        keys = {}
        for each in properties.split(","):
            name, equals, value = each.partition("=")
            if not equals or name not in ("file", "line", "title"):
                mistakes.append(f"no property: {each!r}")
            keys[name] = value
        if not re.fullmatch(r"[1-9]\d*", keys.get("line", "1")):
            mistakes.append(f"line {keys.get('line')!r}")
        if ("file" in keys) != ("line" in keys):
            mistakes.append("a file and a line go together")
        if not message or re.search(r"%(?!25|0D|0A)", message):
            mistakes.append(f"a message that is not escaped: {message!r}")
    if levels != sorted(levels):
        mistakes.append("errors do not come first")
    if text and not text.endswith("\n"):
        mistakes.append("no newline at the end")
    return mistakes
