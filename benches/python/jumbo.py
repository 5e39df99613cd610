"""Encodes and decodes long values with the Python simpleflow, as it is told.

Makes the bucket, and says `ready`; then reads lines `WHAT,SIZE` from stdin and prints how many seconds each took, on a
line. WHAT is `encode`, `decode cold`, `decode disk` or `decode memory`.

Usage: jumbo.py BUCKET CACHE_DIRECTORY
"""

import json
import os
import sys
import time

os.environ["LOG_LEVEL"] = "ERROR"
bucket, cache = sys.argv[1:]
os.environ["SIMPLEFLOW_JUMBO_FIELDS_BUCKET"] = bucket

import boto3
from simpleflow import constants, format

constants.CACHE_DIR = cache
boto3.client("s3").create_bucket(Bucket=bucket)
print("ready", flush=True)
signatures = {}


def measured(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def prepared(size):
    """A text, and the signature of it, which is in both caches."""
    text = json.dumps(("0123456789abcdef" * (size // 16))[: size - 2])
    if size not in signatures:
        format.SIMPLEFLOW_ENABLE_DISK_CACHE = True
        signatures[size] = format.encode(text, 32768)
    return text, signatures[size]


for line in sys.stdin:
    what, size = line.strip().split(",")
    text, signature = prepared(int(size))
    format.SIMPLEFLOW_ENABLE_DISK_CACHE = what == "decode disk"
    if what != "decode memory":
        format.JUMBO_FIELDS_MEMORY_CACHE.clear()
    if what == "encode":
        seconds = measured(lambda: format.encode(text, 32768))
    else:
        # Its readers get the text; that JSON is parsed too belongs to neither side.
        seconds = measured(lambda: format.decode(signature, parse_json=False, use_proxy=False))
    if what == "decode memory":
        format.decode(signature, parse_json=False, use_proxy=False)
    print(seconds, flush=True)
