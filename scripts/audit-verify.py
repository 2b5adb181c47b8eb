#!/usr/bin/env python3
"""Checks an export of the audit without the daemon and without its code.

    audit-verify.py DIR [--since CHECKPOINT ...] [--key audit_key.pub]
    audit-verify.py --proof PROOF.json [--key audit_key.pub]

DIR is what `tctl audit export` wrote; CHECKPOINT is one that somebody kept, and must be of the beginning of the log; PROOF.json is what
`tctl audit prove --format=json` printed. Each fault is a line on stderr, and the exit code is then 1. It needs Python 3.9 and ssh-keygen.
"""
import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PURPOSE = "certauthority-audit-checkpoint"


def hash_of(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(peaks, digest, height=0):
    """Adds a leaf to the complete subtrees of a tree, from the left; two of one height become one."""
    while peaks and peaks[-1][0] == height:
        digest, height = hash_of(b"\1", peaks.pop()[1], digest), height + 1
    peaks.append((height, digest))


def root_of(peaks):
    root = peaks[-1][1] if peaks else hash_of()
    for _, peak in reversed(peaks[:-1]):
        root = hash_of(b"\1", peak, root)
    return root


def read_checkpoint(note):
    text, _, signatures = note.partition("\n\n")
    origin, size, root = text.split("\n")
    if not signatures.startswith("\u2014 %s " % origin) or not size.isdecimal() or str(int(size)) != size:
        raise ValueError("that is no checkpoint")
    return origin, int(size), base64.b64decode(root, validate=True)


def check_signature(note, signature, key, faults):
    with tempfile.TemporaryDirectory() as folder:
        signers, sig = Path(folder, "signers"), Path(folder, "sig")
        signers.write_text('audit namespaces="%s" %s\n' % (PURPOSE, " ".join(key.split()[:2])))
        sig.write_text(signature)
        ran = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "audit", "-n", PURPOSE, "-s", sig],
                             input=note.encode(), capture_output=True)
    if ran.returncode != 0:
        faults.append("the checkpoint was not signed by the key: " + (ran.stderr or ran.stdout).decode(errors="replace").split("\n")[0])


def path_of(kind, number, width):
    path, rest = "%03d" % (number % 1000), number // 1000
    while rest:
        path, rest = "x%03d/%s" % (rest % 1000, path), rest // 1000
    return "tile/%s/%s%s" % (kind, path, "" if width == 256 else ".p/%d" % width)


def read_bundle(data):
    while data:
        length = 2 + int.from_bytes(data[:2], "big")
        if len(data) < length:
            raise ValueError("a bundle ends within an entry")
        yield data[2:length]
        data = data[length:]


def verify_export(folder, kept, key, faults):
    note = Path(folder, "checkpoint").read_text("utf-8")
    origin, size, root = read_checkpoint(note)
    check_signature(note, Path(folder, "checkpoint.sig").read_text("utf-8"), key or Path(folder, "audit_key.pub").read_text("utf-8"), faults)
    roots = [(size, root)]
    for name in kept:
        kept_origin, *kept_root = read_checkpoint(Path(name).read_text("utf-8"))
        if kept_origin != origin:
            faults.append("%s is of the log %s, and this is %s" % (name, kept_origin, origin))
        elif kept_root[0] > size:
            faults.append("%s has %d entries, and the log has %d: entries are missing" % (name, kept_root[0], size))
        roots.append(tuple(kept_root))
    peaks, levels, done = [], [[] for _ in range(8)], 0
    while done < size:
        width = min(256, size - done)
        entries = list(read_bundle(Path(folder, path_of("entries", done // 256, width)).read_bytes()))
        if len(entries) != width:
            raise ValueError("there are %d entries where there should be %d" % (done + len(entries), size))
        for entry in entries:
            levels[0].append(hash_of(b"\0", entry))
            add(peaks, levels[0][-1])
            done += 1
            if any(at == done and kept_root != root_of(peaks) for at, kept_root in roots):
                faults.append("the first %d entries are not those of the checkpoint with %d entries" % (done, done))
        for level, hashes in enumerate(levels):
            tile = path_of(level, (done - 1) // 256 ** (level + 1), len(hashes))
            if hashes and (len(hashes) == 256 or done == size) and Path(folder, tile).read_bytes() != b"".join(hashes):
                faults.append("%s has other hashes than its entries" % tile)
            if len(hashes) == 256:
                above = []
                for digest in hashes:
                    add(above, digest)
                levels[level + 1].append(root_of(above))
                levels[level] = []
    return "%d entries of %s are checked" % (size, origin)


def verify_proof(proven, key, faults):
    text, _, note = proven["proof"].partition("\n\n")
    title, index, *path = text.split("\n")
    origin, size, root = read_checkpoint(note)
    at, last, digest = proven["index"], size - 1, hash_of(b"\0", proven["entry"].encode())
    if title != "c2sp.org/tlog-proof@v1" or index != "index %d" % at or not 0 <= at < size:
        raise ValueError("that is no proof")
    check_signature(note, proven["signature"], key or proven["key"], faults)
    for beside in path:
        beside = base64.b64decode(beside, validate=True)
        digest = hash_of(b"\1", beside, digest) if at % 2 or at == last else hash_of(b"\1", digest, beside)
        while at % 2 == 0 and at == last > 0:
            at, last = at // 2, last // 2
        at, last = at // 2, last // 2
    if last or digest != root:
        faults.append("the entry is not in the log with that checkpoint")
    return "entry %d of %d in %s is checked: %s" % (proven["index"] + 1, size, origin, ascii(proven["entry"])[1:-1])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("dir", nargs="?")
    arguments.add_argument("--since", action="append", default=[])
    arguments.add_argument("--key", type=argparse.FileType())
    arguments.add_argument("--proof", type=argparse.FileType())
    given = arguments.parse_args()
    if (given.dir is None) == (given.proof is None):
        arguments.error("name a directory or a proof")
    key, faults, said = given.key.read() if given.key else None, [], ""
    try:
        said = verify_proof(json.load(given.proof), key, faults) if given.proof else verify_export(given.dir, given.since, key, faults)
    except (OSError, ValueError, KeyError, TypeError) as why:
        faults.append("it cannot be checked: %s" % why)
    for fault in faults:
        print("audit-verify: error: %s" % fault, file=sys.stderr)
    if not faults:
        print(said)
    sys.exit(1 if faults else 0)
