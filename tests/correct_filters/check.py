#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the filter battery to its word that it reports nothing about a filter that is right.

check.py DUMPSIM SCENARIO [--filter-path FOLDER]... [--allow RULE]... [--boundary PARAMETER] [--control]: tries the filters of the scenario; every
case has to come out as it should, and no rule may be broken but those that the filter is known to break as the field does,
which have to be found. --control: the filter is wrong, and has to be found so.
"""
import argparse
import json
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dumpsim")
    parser.add_argument("scenario")
    parser.add_argument("--filter-path", action="append", default=[])
    parser.add_argument("--allow", action="append", default=[])
    parser.add_argument("--boundary")
    parser.add_argument("--control", action="store_true")
    args = parser.parse_args()
    command = [args.dumpsim, "try", "--json", "--no-files", "--like", args.scenario]
    for folder in args.filter_path:
        command += ["--filter-path", folder]
    if args.boundary:
        command += ["--boundary", args.boundary]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    wrong = [f"{case['group']}: {case['name']}: {text}" for case in result["cases"] for text in case["mismatches"]]
    found = {}
    for case in result["cases"]:
        for each in case["violations"]:
            found.setdefault(each["rule"], f"{case['group']}: {case['name']}: {each['filter']} in {each['callback']}: {each['detail']}")
    wrong += [f"{rule}: {where}" for rule, where in sorted(found.items()) if rule not in args.allow]
    wrong += [f"{rule}: allowed, and not found" for rule in args.allow if rule not in found]
    if result["passes"] != (done.returncode == 0):
        wrong.append(f"exit code {done.returncode} and passes {result['passes']}")
    if args.control:
        if not wrong:
            sys.exit("the control was found to be right")
        print("\n".join(wrong[:3]))
        return
    if wrong:
        sys.exit("\n".join(wrong[:20]))
    print(f"{len(result['cases'])} cases, nothing reported")


if __name__ == "__main__":
    main()
