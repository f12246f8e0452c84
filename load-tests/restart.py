"""The first minute after a restart, with and without reading ahead: how many answers come from the cache, and how fast.

A process that starts with an empty Redis answers a steady stream of requests, at a rate that it could stand many times over:
requests come when they are due, whether or not those before them are answered, and wait for nothing but their answer. Their
paths are drawn by Zipf's law (s = 1): of books, of lists by genre, sort and facets, and of searches. What is read most was
learnt from the same law by an earlier process, and comes from the ranking that it left.
"""

import asyncio
import copy
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from common import API, Shop, free_port, get, quoted, say, wrk, zipf
from mixed import catalogue

DEFAULTS = {"books": 50_000, "rounds": 2}
RATE, MINUTE, FIRST, LEARNING = 200, 60, 5, 20
CONNECTIONS = 64
SHARES = {"books": .6, "lists": .25, "searches": .15}
MODES = {"without": {"CACHE__HOT_KEYS": "0", "CACHE__WARM_BOOKS": "0"}, "with": {"CACHE__RANKING_INTERVAL": "5s"}}


class Server:
    """A process of its own over the servers of a shop: it lives while the block does."""

    def __init__(self, binary, shop, **settings):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {"HTTP__BIND": f"127.0.0.1:{port}", "METRICS__ENABLED": "false", "LIMITS__ENABLED": "false",
                    "TELEMETRY__LOG_FILTER": "warn", "CACHE__AUDIT_INTERVAL": "0s"} | settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BOOKSTORE_")}
        environment |= {f"BOOKSTORE_{name}": value for name, value in settings.items()}
        self.command = [binary, "--config", shop.directory / "bookstore.toml", "serve"]
        self.environment, self.log = environment, open(shop.log, "ab")

    def __enter__(self):
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        while time.monotonic() < begun + 60:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    self.ready = time.monotonic() - begun
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.01)
        self.__exit__()
        raise RuntimeError(f"the process is not ready after a minute; see {self.log.name}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def forget(shop):
    """Empties Redis."""
    url = re.search(r'redis.url = "redis://(?:[^:@]*:([^@]*)@)?([^:/]+):(\d+)', (shop.directory / "bookstore.toml").read_text())
    password, host, port = url.groups()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        file = connection.makefile("rwb")
        for command in [f"AUTH {password}"] * bool(password) + ["FLUSHALL"]:
            file.write(command.encode() + b"\r\n")
            file.flush()
            if not (answer := file.readline()).startswith(b"+OK"):
                raise RuntimeError(f"{command.split()[0]}: {answer!r}")


def kinds(url, draw):
    """What can be asked for, the most wanted first."""
    books = [f"{API}/products/{id}" for id in catalogue(url)]
    genres = [genre["slug"] for genre in get(url, "/genres")["items"]]
    shapes = ["", "&sort=newest", "&sort=rating", "&sort=-published", "&facets=format,price,rating", "&facets=language&limit=50"]
    lists = [f"{API}/products?genre={quoted(genre)}{shape}" for genre in genres for shape in shapes]
    words = {word for page in range(5) for book in get(url, f"/products?limit=100&sort={['popularity', 'newest', 'title', 'price', 'rating'][page]}")["items"]
             for word in re.findall(r"[a-z]{4,}", book["title"].lower())}
    searches = [f"{API}/products/search?q={quoted(word)}" for word in sorted(words)]
    for things in (books, lists, searches):
        draw.shuffle(things)
    return {"books": books, "lists": lists, "searches": searches}


def paths(things, count, draw):
    drawn = [path for kind, share in SHARES.items() for path in zipf(things[kind], round(count * share), draw)]
    draw.shuffle(drawn)
    return drawn


async def ask(reader, writer, path):
    """Sends a request and reads its answer. Says whether the cache had it."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(re.search(r"\r\ncontent-length: (\d+)", head).group(1)))
    if not head.startswith("http/1.1 200"):
        raise RuntimeError(f"{path}: {head.splitlines()[0]}")
    return "cache-status: bookstore; hit" in head


async def stream(url, wanted):
    """When each answer came after its request was due, in ms, and whether it was a hit."""
    host, port = url.removeprefix("http://").split(":")
    queue, answers, wrong = asyncio.Queue(), [], []

    async def client():
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        while (work := await queue.get()) is not None:
            due, path = work
            try:
                hit = await ask(reader, writer, path)
                answers.append((due - begun, (time.monotonic() - due) * 1e3, hit))
            except (RuntimeError, OSError, asyncio.IncompleteReadError, AttributeError) as error:
                wrong.append(str(error))
                writer.close()
                reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        writer.close()

    clients = [asyncio.create_task(client()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    for number, path in enumerate(wanted):
        due = begun + number / RATE
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        queue.put_nowait((due, path))
    for _ in clients:
        queue.put_nowait(None)
    await asyncio.gather(*clients)
    return answers, wrong


def figures(answers):
    times = sorted(time for _, time, _ in answers)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    return {"p50": at(.5), "p99": at(.99), "max": times[-1], "hits": sum(hit for *_, hit in answers) / len(times)}


def measure(shop, binary, rounds):
    draw = random.Random(20251)
    things, results, wrong = kinds(shop.url, draw), [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "paths"
        file.write_text("\n".join(paths(things, 200_000, draw)))
        with Server(binary, shop, **MODES["with"]) as server:
            say(f"restart: learning for {LEARNING} s what is read most")
            learning = copy.copy(shop.arguments)
            learning.seconds = LEARNING
            learnt = wrk("requests.lua", learning, server.url, file)["requests"]
    for number in range(1, rounds + 1):
        wanted, result = paths(things, RATE * MINUTE, draw), {}
        for mode in MODES if number % 2 else reversed(MODES):
            say(f"restart: round {number} of {rounds}, {mode} reading ahead")
            forget(shop)
            with Server(binary, shop, **MODES[mode]) as server:
                answers, failed = asyncio.run(stream(server.url, wanted))
            wrong += [f"{mode} reading ahead: {failed[0]} and {len(failed) - 1} more"] if failed else []
            first = figures([answer for answer in answers if answer[0] < FIRST])
            result[mode] = figures(answers) | {f"first {name}": value for name, value in first.items()} | {"ready": server.ready}
        results.append(result)
    return things, learnt, results, wrong


def run(arguments, binary):
    arguments = copy.copy(arguments)
    vars(arguments).update({**DEFAULTS, **{name: value for name, value in arguments.given.items() if name in DEFAULTS}})
    # The shop's own process is idle, and its settings must not write a ranking.
    with Shop(arguments, binary, LIMITS__ENABLED="false", TELEMETRY__LOG_FILTER="warn", **MODES["without"]) as shop:
        things, learnt, rounds, wrong = measure(shop, binary, arguments.rounds)
    value = lambda mode, name: statistics.median(result[mode][name] for result in rounds)
    lines = [f"The first minute after a restart with an empty Redis, {RATE} requests a second by Zipf's law (s = 1) for {len(things['books']):,} "
             f"books ({SHARES['books']:.0%}), {len(things['lists'])} lists ({SHARES['lists']:.0%}) and {len(things['searches'])} searches "
             f"({SHARES['searches']:.0%}), after {learnt:,} requests from which the ranking was learnt; medians of {len(rounds)} rounds:", "",
             f"| reading ahead | ready after s | p50 ms | p99 ms | longest ms | answered by the cache | p99 ms of the first {FIRST} s | answered by the "
             f"cache in the first {FIRST} s |", "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for mode in MODES:
        lines.append(f"| {mode} | {value(mode, 'ready'):.2f} | {value(mode, 'p50'):.2f} | {value(mode, 'p99'):.1f} | {value(mode, 'max'):.0f} | "
                     f"{value(mode, 'hits'):.2%} | {value(mode, 'first p99'):.1f} | {value(mode, 'first hits'):.2%} |")
    return lines, wrong
