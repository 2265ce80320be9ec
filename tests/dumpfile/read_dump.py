#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a 64-bit kernel dump and prints what it holds as JSON, with a digest of all its pages.

Written from the description of the format alone, with nothing but the standard library, so that the tests have a second
opinion on the dumps that dumpsim writes: a mistake that its writer and its reader share is noticed here.

usage: read_dump.py [--canary] FILE
  --canary  also count the 512-byte sectors whose tag does not name their own page and sector

The digest is SHA-256 over, for each stored page in file order, its PFN as 8 little-endian bytes and its 4096 bytes.
A file that is no such dump, or contradicts itself, is an error on stderr and exit code 1.
"""
import hashlib
import json
import os
import struct
import sys
import uuid

PAGE = 4096
UNSET = b"PAGE"


class Bad(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Bad(message)


def read_at(file, offset, length, what):
    file.seek(offset)
    found = file.read(length)
    need(len(found) == length, f"{what} at {offset:#x}: {len(found)} bytes, expected {length}")
    return found


def header_facts(head):
    u32 = lambda at: struct.unpack_from("<I", head, at)[0]
    u64 = lambda at: struct.unpack_from("<Q", head, at)[0]
    return {
        "major": u32(0x08),
        "build": u32(0x0C),
        "directory_table_base": u64(0x10),
        "machine": u32(0x30),
        "processors": u32(0x34),
        "bugcheck": u32(0x38),
        "parameters": list(struct.unpack_from("<4Q", head, 0x40)),
        "kd_debugger_block": u64(0x80),
        "mxcsr": [u32(0x348 + 0x34), u32(0x348 + 0x118)],
        "rip": u64(0x348 + 0xF8),
        "exception": [u32(0xF00), u32(0xF04), u64(0xF10)],
        "type": u32(0xF98),
        "required_space": u64(0xFA0),
        "system_time": u64(0xFA8),
        "up_time": u64(0x1030),
        "attributes": None if head[0x1050:0x1054] == UNSET else u32(0x1050),
        "comment": None if head[0xFB0:0xFB4] == UNSET else head[0xFB0:0x1030].split(b"\0")[0].decode("ascii"),
    }


def header_runs(head):
    if head[0x88:0x8C] == UNSET:
        return None
    count = struct.unpack_from("<I", head, 0x88)[0]
    need(1 <= count <= 42, f"{count} runs in the header, expected 1 to 42")
    runs = [struct.unpack_from("<QQ", head, 0x98 + 16 * i) for i in range(count)]
    need(all(pages > 0 for _, pages in runs), "an empty run")
    for before, after in zip(runs, runs[1:]):
        need(before[0] + before[1] <= after[0], f"runs overlap or descend at pfn {after[0]:#x}")
    total = struct.unpack_from("<Q", head, 0x90)[0]
    need(total == sum(pages for _, pages in runs), f"NumberOfPages is {total}, the runs hold another number")
    return runs


def bitmap_pages(file, facts):
    block = read_at(file, 0x2000, 0x38, "bitmap header")
    need(block[0:4] in (b"SDMP", b"FDMP") and block[4:8] == b"DUMP", f"bitmap magic {block[0:8]!r}")
    first_page, present, bits = struct.unpack_from("<QQQ", block, 0x20)
    raw = read_at(file, 0x2038, (bits + 7) // 8, "bitmap")
    need(first_page >= 0x2038 + len(raw), "the first page lies inside the bitmap")
    facts["bitmap"] = {
        "signature": block[0:4].decode("ascii"),
        "options": struct.unpack_from("<I", block, 8)[0],
        "bits": bits,
        "present": present,
    }
    pfns = [8 * i + bit for i, byte in enumerate(raw) if byte for bit in range(8) if byte >> bit & 1]
    need(not pfns or pfns[-1] < bits, "a bit beyond the bitmap's end is set")
    need(len(pfns) == present, f"{len(pfns)} bits are set, the header says {present}")
    return first_page, pfns


def blobs_from(file, offset, size):
    found = []
    if size - offset < 16:
        return found, offset
    front = read_at(file, offset, 16, "blob section")
    if front[0:8] != b"DumpBlob":
        return found, offset
    need(struct.unpack_from("<I", front, 8)[0] == 16, "size of the blob section's header")
    offset += 16
    while offset < size:
        header = read_at(file, offset, 32, "blob header")
        length, tag, data_bytes, pre, post = struct.unpack("<I16sIII", header)
        need(length == 32, f"a blob header of {length} bytes at {offset:#x}")
        data = read_at(file, offset + 32 + pre, data_bytes, "blob")
        found.append({"tag": tag.hex(), "guid": str(uuid.UUID(bytes_le=tag)), "size": data_bytes, "sha256": hashlib.sha256(data).hexdigest()})
        offset += 32 + pre + data_bytes + post
    need(offset == size, f"the blobs end at {offset:#x}, the file at {size:#x}")
    return found, offset


def wrong_sectors(pfn, page):
    wrong = 0
    for sector in range(8):
        magic, tagged_pfn, tagged_sector = struct.unpack_from("<8sQI", page, 512 * sector)
        wrong += (magic, tagged_pfn, tagged_sector) != (b"DsCANARY", pfn, sector)
    return wrong


def facts_of(path, canary):
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = read_at(file, 0, 0x2000, "header")
        need(head[0:8] == b"PAGEDU64", f"magic {head[0:8]!r}, expected b'PAGEDU64'")
        facts = header_facts(head)
        facts["size"] = size
        facts["header_runs"] = header_runs(head)
        if facts["type"] == 1:
            need(facts["header_runs"] is not None, "a full dump without runs")
            first_page = 0x2000
            pfns = [pfn for base, pages in facts["header_runs"] for pfn in range(base, base + pages)]
        else:
            need(facts["type"] in (5, 6), f"dump type {facts['type']}, expected 1, 5 or 6")
            first_page, pfns = bitmap_pages(file, facts)
        facts["first_page"] = first_page
        facts["pages"] = len(pfns)
        digest, wrong = hashlib.sha256(), 0
        file.seek(first_page)
        for pfn in pfns:
            page = file.read(PAGE)
            need(len(page) == PAGE, f"the file ends inside the page of pfn {pfn:#x}")
            digest.update(struct.pack("<Q", pfn))
            digest.update(page)
            if canary:
                wrong += wrong_sectors(pfn, page)
        facts["sha256"] = digest.hexdigest()
        if canary:
            facts["wrong_sectors"] = wrong
        facts["blobs"], facts["end"] = blobs_from(file, first_page + PAGE * len(pfns), size)
    return facts


def main(arguments):
    canary = "--canary" in arguments
    paths = [argument for argument in arguments if argument != "--canary"]
    if len(paths) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(json.dumps(facts_of(paths[0], canary), indent=1))
    except (Bad, OSError) as problem:
        print(f"{paths[0]}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
