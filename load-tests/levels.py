"""The levels of the cache by themselves, by the program of load-tests/cache.rs, over a private Redis."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from common import ROOT, free_port, say


def run(arguments, _binary):
    say("building the benchmark of the cache")
    environment = {"SQLX_OFFLINE": "true", **os.environ}
    command = ["cargo", "bench", "--locked", "--bench", "cache"]
    subprocess.run([*command, "--no-run"], cwd=ROOT, check=True, stdout=sys.stderr, env=environment)
    port = free_port()
    server = os.environ.get("BOOKSTORE_REDIS_BIN") or shutil.which("redis-server") or shutil.which("valkey-server")
    with tempfile.TemporaryDirectory() as folder:
        redis = subprocess.Popen(
            [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder,
             "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lfu"], stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            environment["BENCH_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
            output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        finally:
            redis.terminate()
            redis.wait()
    return ["The levels of the cache by themselves:", "", *output.stdout.strip().splitlines()], []
