#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other programs agree about the partition tables on a simulated disk.

Three readers that share no code with the simulator (the one below, sfdisk, fdisk) must find what the writer says it
wrote, for both styles and both sector sizes. The control damages a table and expects each reader to notice.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib


class Wrong(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Wrong(message)


def read_mbr(image, sector):
    image.seek(0)
    first = image.read(512)
    expect(first[510:] == b"\x55\xaa", "no 55 AA at the end of the first sector")
    found = []
    for slot in range(4):
        status, _, _, _, kind, _, _, _, start, count = struct.unpack_from("<8BII", first, 446 + 16 * slot)
        expect(status in (0, 0x80), f"slot {slot}: status {status:#x}")
        if kind:
            found.append({"start": start * sector, "size": count * sector, "id": "", "type": f"{kind:x}"})
    return {"id": f"0x{struct.unpack_from('<I', first, 440)[0]:08x}", "partitions": found}


def read_gpt_copy(image, sector, lba):
    image.seek(lba * sector)
    header = image.read(sector)
    (magic, revision, size, crc, zero, own, other, first, last, disk, array, count, width, array_crc) = struct.unpack_from(
        "<8sIIIIQQQQ16sQIII", header)
    expect(magic == b"EFI PART", f"sector {lba}: no EFI PART")
    expect(revision == 0x10000 and size == 92 and zero == 0, f"sector {lba}: revision or size")
    expect(zlib.crc32(header[:16] + bytes(4) + header[20:92]) == crc, f"sector {lba}: header crc")
    expect(not any(header[92:]), f"sector {lba}: the rest of the header's sector is not zero")
    expect(own == lba, f"sector {lba}: says it is in {own}")
    image.seek(array * sector)
    entries = image.read(count * width)
    expect(zlib.crc32(entries) == array_crc, f"sector {lba}: crc of the entries")
    found = []
    for slot in range(count):
        kind, ident, begin, end, _, name = struct.unpack_from("<16s16sQQQ72s", entries, slot * width)
        if any(kind):
            expect(first <= begin <= end <= last, f"entry {slot}: outside the usable sectors")
            expect(name.decode("utf-16-le").rstrip("\0") == "Basic data partition", f"entry {slot}: name {name!r}")
            found.append({"start": begin * sector, "size": (end + 1 - begin) * sector,
                          "id": str(uuid.UUID(bytes_le=ident)), "type": str(uuid.UUID(bytes_le=kind))})
    return {"id": str(uuid.UUID(bytes_le=disk)), "partitions": found}, other


def read_gpt(image, sector):
    last = os.fstat(image.fileno()).st_size // sector - 1
    image.seek(446)
    protective = struct.unpack("<8BII", image.read(16))
    expect(protective[4] == 0xEE and protective[8] == 1 and protective[9] == min(last, 0xFFFFFFFF), "protective entry")
    primary, other = read_gpt_copy(image, sector, 1)
    expect(other == last, "the backup is not in the last sector")
    backup, other = read_gpt_copy(image, sector, last)
    expect(other == 1, "the backup does not point at sector 1")
    expect(primary == backup, "the two copies differ")
    return primary


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    expect(done.returncode == 0, f"{command[0]} failed: {done.stderr.strip()}")
    return done


def read_sfdisk(program, path):
    done = run(program, "--json", path)
    expect(not done.stderr.strip(), f"sfdisk warns: {done.stderr.strip()}")
    table = json.loads(done.stdout)["partitiontable"]
    found = [{"start": each["start"] * 512, "size": each["size"] * 512, "id": each.get("uuid", "").lower(),
              "type": each["type"].lower()} for each in table.get("partitions", [])]
    return {"id": table["id"].lower(), "partitions": found}


def read_fdisk(program, path, sector, style):
    kinds = "Type-UUID" if style == "gpt" else "Id"
    columns = f"Start,Sectors,{kinds}" + (",UUID" if style == "gpt" else "")
    done = run(program, "-b", str(sector), "-o", columns, "-l", path)
    expect("corrupt" not in done.stderr, f"fdisk warns: {done.stderr.strip()}")
    lines = done.stdout.splitlines()
    ident = [line.split(": ")[1].lower() for line in lines if line.startswith("Disk identifier: ")]
    expect(len(ident) == 1, f"fdisk sees no table: {done.stdout.strip()}")
    heading = [i for i, line in enumerate(lines) if line.split()[:2] == ["Start", "Sectors"]]
    found = []
    for line in lines[heading[0] + 1:] if heading else []:
        words = line.lower().split()
        if not words or not words[0].isdigit():
            break
        found.append({"start": int(words[0]) * sector, "size": int(words[1]) * sector,
                      "id": words[3] if style == "gpt" else "", "type": words[2]})
    return {"id": ident[0], "partitions": found}


def readers(sfdisk, fdisk, path, sector, style):
    with open(path, "rb") as image:
        yield "table_reader", lambda: (read_gpt if style == "gpt" else read_mbr)(image, sector)
        if sector == 512:  # sfdisk knows no other for an image
            yield "sfdisk", lambda: read_sfdisk(sfdisk, path)
        yield "fdisk", lambda: read_fdisk(fdisk, path, sector, style)


def compare(found, expected):
    expect(found["id"] == expected["id"], f"disk id {found['id']}, expected {expected['id']}")
    expect(found["partitions"] == expected["partitions"],
           f"partitions {found['partitions']}, expected {expected['partitions']}")


def main(writer, sfdisk, fdisk):
    failures = 0
    for program in (sfdisk, fdisk):
        if not os.access(program, os.X_OK):
            print(f"{program or 'sfdisk or fdisk'} is not installed; the Debian package fdisk has it")
            return 1
    with tempfile.TemporaryDirectory(prefix="dumpsim-tables-") as folder:
        for style in ("mbr", "gpt"):
            for sector in (512, 4096):
                path = os.path.join(folder, f"{style}-{sector}.img")
                expected = json.loads(run(writer, style, str(sector), path).stdout)
                expect(len(expected["partitions"]) == 3, "the writer wrote no three partitions")
                for name, read in readers(sfdisk, fdisk, path, sector, style):
                    try:
                        compare(read(), expected)
                        print(f"ok: {name} agrees about {style} with sectors of {sector}")
                    except Wrong as wrong:
                        failures += 1
                        print(f"FAILED: {name}, {style} with sectors of {sector}: {wrong}")
                # The control: one bit of the first partition's start, or of where the entries' checksum covers it.
                with open(path, "r+b") as image:
                    at = 446 + 8 if style == "mbr" else 2 * sector + 32
                    image.seek(at)
                    byte = image.read(1)[0] ^ 0x08
                    image.seek(at)
                    image.write(bytes([byte]))
                for name, read in readers(sfdisk, fdisk, path, sector, style):
                    try:
                        compare(read(), expected)
                        failures += 1
                        print(f"FAILED: {name} did not notice a damaged {style} table with sectors of {sector}")
                    except Wrong as wrong:
                        print(f"ok: {name} noticed: {str(wrong)[:60]}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
