"""Reads of books by Zipf's law (s = 1) over the whole catalogue, some of them writes: how many the cache answers, how fast.

A write is a PATCH of the price by an administrator, of a book drawn by the same law: what is read most is written most.
"""

import json
import re
import tempfile
import urllib.request
from pathlib import Path

from common import API, Shop, get, median, quoted, say, wrk

WRITES = [0.0, 0.01, 0.05]
ADMINISTRATOR = "admin@bookstore.example"
ROUTE = 'method="GET",route="/api/v1/products/{id}",status="200"'


def catalogue(url):
    ids, cursor = [], ""
    while cursor is not None:
        page = get(url, "/products?limit=100&sort=newest" + (f"&cursor={quoted(cursor)}" if cursor else ""))
        ids += [book["id"] for book in page["items"]]
        cursor = page["next_cursor"]
    return ids


def sign_in(shop):
    password = (shop.directory / "administrator-password").read_text().strip()
    body = json.dumps({"email": ADMINISTRATOR, "password": password}).encode()
    request = urllib.request.Request(f"{shop.url}{API}/sessions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["token"]


def metrics(shop):
    with urllib.request.urlopen(shop.metrics, timeout=10) as answer:
        text = answer.read().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[:1] not in ("#", "")}


def looks(before, after):
    """How often each level of the cache gave each result for books."""
    found = {}
    for name, value in after.items():
        if name.startswith("cache_requests_total{") and 'family="book_detail"' in name:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', name))
            found[labels["level"], labels["result"]] = value - before.get(name, 0)
    return found


def read_time(before, after, share):
    """The bound of the bucket in which this share of the reads was answered, as the server saw it, in ms."""
    buckets = []
    for name, value in after.items():
        if name.startswith("http_request_duration_seconds_bucket{" + ROUTE):
            bound = re.search(r'le="([^"]*)"', name).group(1)
            buckets.append((float(bound.replace("+Inf", "inf")), value - before.get(name, 0)))
    total = max((count for _, count in buckets), default=0)
    return next((bound * 1e3 for bound, count in sorted(buckets) if count >= total * share), float("nan"))


def measure(arguments, shop):
    ids, token = catalogue(shop.url), sign_in(shop)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ids"
        file.write_text("".join(f"{id}\n" for id in ids))
        for number in range(arguments.rounds + 1):
            say(f"mixed: round {number} of {arguments.rounds}" if number else "mixed: warming up")
            results = {}
            for writes in WRITES:
                before = metrics(shop)
                result = wrk("zipf.lua", arguments, shop.url, file, writes, token)
                after = metrics(shop)
                found = looks(before, after)
                asked = sum(count for (level, _), count in found.items() if level == "l1") or 1
                local = sum(found.get(("l1", answer), 0) for answer in ["hit", "early", "stale"])
                result["local"] = local / asked
                result["hits"] = (local + found.get(("l2", "hit"), 0)) / asked
                result["read99"] = read_time(before, after, .99)
                results[writes] = result
            rounds.append(results)
    return rounds[1:], len(ids)


def table(rounds):
    lines = ["| writes | requests per second | p50 ms | p99 ms, writes included | p99 of the reads at most ms | answered by the "
             "cache | by the process's own |", "|---|---:|---:|---:|---:|---:|---:|"]
    for writes in WRITES:
        value = lambda figure: median(rounds, writes, figure)
        lines.append(f"| {writes:.0%} | {value('rate'):,.0f} | {value('p50'):.2f} | {value('p99'):.2f} | {value('read99'):.1f} "
                     f"| {value('hits'):.2%} | {value('local'):.2%} |")
    return lines


def run(arguments, binary):
    settings = {"LIMITS__READ_PER_ADDRESS": "4000000000/10s", "LIMITS__READ_PER_USER": "4000000000/10s", "LIMITS__WRITE_PER_USER": "4000000000/10s",
                "TELEMETRY__LOG_FILTER": "warn"}
    with Shop(arguments, binary, **settings) as shop:
        rounds, books = measure(arguments, shop)
    wrong = [f"{writes:.0%} writes: {count}" for results in rounds for writes, result in results.items()
             if (count := result["refused"] + result["broken"])]
    return [f"Reads of {books:,} books by Zipf's law (s = 1), some of them writes:", "", *table(rounds)], wrong
