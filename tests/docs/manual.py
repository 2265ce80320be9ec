#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the manual pages to the program and to the scenario's schema, both ways.

manual.py SOURCE_TREE DUMPSIM MANUAL_FOLDER checks dumpsim.1 against --help, dumpsim-scenario.5 against
scenarios/scenario.schema.json, and has groff read both where it is installed. Controls are in controls.py.
"""
import json
import re
import shutil
import subprocess
import sys

import options


def plain(roff):
    """What is between \\fB and \\fR, as it is read."""
    return re.sub(r"\\f[BIR]", "", roff).replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")


def terms(page):
    """{section: its terms}: what stands behind each .TP."""
    found, section, lines = {}, "", page.split("\n")
    for i, line in enumerate(lines):
        if line.startswith(".SH "):
            section = plain(line[4:])
            found.setdefault(section, [])
        elif line == ".TP" and i + 1 < len(lines):
            found.setdefault(section, []).append(plain(lines[i + 1]))
    return found


def wrong_commands(page, helps):
    """Mistakes of dumpsim.1 against {command: --help}."""
    mistakes = []
    sections = terms(page)
    if not any(helps):
        mistakes.append("dumpsim --help names no command: there is nothing to check")
    for command in sorted(helps):
        title = f"dumpsim {command}".strip().upper()
        if title not in sections:
            mistakes.append(f"dumpsim.1: no section {title}")
            continue
        said = {term for term in sections[title] if term.startswith("--")}
        known = options.in_help(helps[command])[0] - ({"--help"} if command else set())
        mistakes += [f"dumpsim.1: {title}: {each} is missing" for each in sorted(known - said)]
        mistakes += [f"dumpsim.1: {title}: there is no {each}" for each in sorted(said - known)]
    for title in sections:
        if title.startswith("DUMPSIM ") and title[8:].lower() not in helps:
            mistakes.append(f"dumpsim.1: there is no command {title[8:].lower()}")
    return mistakes


def schema_keys(node, schema, path=""):
    """Every key a scenario may have, as the documents write it: filter[].image, policy.*."""
    if "$ref" in node:
        target = schema
        for step in node["$ref"].lstrip("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    keys = set()
    for each in [each for word in ("anyOf", "oneOf", "allOf") for each in node.get(word, [])]:
        keys |= schema_keys(each, schema, path)
    for key, value in node.get("properties", {}).items():
        below = f"{path}.{key}" if path else key
        keys |= {below} | schema_keys(value, schema, below)
    if isinstance(node.get("items"), dict):
        keys |= schema_keys(node["items"], schema, path + "[]")
    return keys


def wrong_keys(page, schema):
    """Mistakes of dumpsim-scenario.5. What has a free name (a parameter, a policy) is a pattern in the documents, and of a
    count or a status the ways to write it stand in a table of their own."""
    said = {term for rows in terms(page).values() for term in rows if re.fullmatch(r"[a-z_]+([.\[\]*]+[a-z_*]+)*", term)}
    known = schema_keys(schema, schema)
    if not known:
        return ["scenario.schema.json has no key: there is nothing to check"]
    of_values = {key for key in known if key.rsplit(".", 1)[0] in said and key not in said
                 and key.rsplit(".", 1)[-1] in ("at_least", "at_most")}
    policies = {key for key in known if re.fullmatch(r"(policy|rules)\.[^.]+", key)}
    words = set(terms(page).get("WHAT MAY BE WRITTEN", []))
    mistakes = [f"dumpsim-scenario.5: {each} is missing" for each in sorted(known - said - of_values - policies)]
    for each in sorted(said - known - words):
        top = each.split(".")[0].rstrip("[]")
        if "." in each and top in schema["properties"] and not re.search(r"\.\*", each):
            mistakes.append(f"dumpsim-scenario.5: there is no key {each}")
    return mistakes


def wrong_roff(path):
    if shutil.which("groff") is None:
        return []
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-K", "utf8", "-T", "utf8", path], capture_output=True, text=True,
                          timeout=60, check=False)
    return done.stderr.splitlines()


def main(source, program, folder):
    helps = {"": options.help_of(program, "")}
    for command in options.in_help(helps[""])[2]:
        helps[command] = options.help_of(program, command)
    with open(f"{folder}/dumpsim.1", encoding="utf-8") as file:
        mistakes = wrong_commands(file.read(), helps)
    with open(f"{folder}/dumpsim-scenario.5", encoding="utf-8") as file, \
            open(f"{source}/scenarios/scenario.schema.json", encoding="utf-8") as schema:
        mistakes += wrong_keys(file.read(), json.load(schema))
    mistakes += wrong_roff(f"{folder}/dumpsim.1") + wrong_roff(f"{folder}/dumpsim-scenario.5")
    print("\n".join(mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
