#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The corpus of a target: a folder of named seeds, and beside it in FOLDER.found what fuzzing found, each
input behind its length (four bytes, most significant first).

corpus.py unpack FOLDER WORK   seeds and findings become files in WORK, for libFuzzer
corpus.py pack WORK FOLDER     the files of WORK become FOLDER.found, shortest first
"""
import hashlib
import os
import struct
import sys

LONGEST = 4096


def files_of(folder):
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            yield file.read()


def found_by(folder):
    try:
        with open(folder + ".found", "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return
    while data:
        size = struct.unpack(">I", data[:4])[0]
        yield data[4:4 + size]
        data = data[4 + size:]


def unpack(folder, work):
    for data in (*files_of(folder), *found_by(folder)):
        with open(os.path.join(work, hashlib.sha1(data).hexdigest()), "wb") as file:
            file.write(data)


def pack(work, folder):
    seeds = set(files_of(folder))
    found = sorted((data for data in files_of(work) if data not in seeds and len(data) <= LONGEST),
                   key=lambda data: (len(data), data))
    with open(folder + ".found", "wb") as file:
        for data in found:
            file.write(struct.pack(">I", len(data)) + data)


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
