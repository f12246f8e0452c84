"""How much of what readers ask for the cache answers while some of them write reviews: with the shop's tags, which say of each
list what it depends on, and with the rule that every review clears every list.

Seven of ten reads are books, one is a page of reviews, two are lists and searches; all are drawn by Zipf's law (s = 1), and so
are the books that are reviewed. The coarse rule is the shop itself, followed after every review by an administrator who clears
the tag of all lists.
"""

import base64
import hashlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import uuid
from argparse import Namespace
from pathlib import Path

from common import Shop, get, median, quoted, say, wrk
from mixed import catalogue, metrics, sign_in

DEFAULTS = {"books": 20_000, "rounds": 3, "seconds": 8}
# Seconds of reads alone, so that what is rare has been read once as well.
WARMING = 25
WRITES = 0.05
REVIEWERS = 5_000
GENRES, SEARCHES = 30, 60
SORTS = ["rating", "newest", "-published", "price", "-price", "title"]
FAMILIES = {"book_detail": "books", "book_list": "lists", "book_search": "searches", "book_reviews": "reviews"}
RULES = {"fine": "the shop's tags", "coarse": "every review clears every list"}


def psql(shop, text):
    run = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", shop.primary, "-f", "-"], input=text, capture_output=True,
                         text=True, env={**os.environ, "PGOPTIONS": "-c default_transaction_read_only=off"})
    if run.returncode:
        sys.exit(f"load-tests: psql failed:\n{run.stderr[-1000:]}")


def reviewers(shop):
    """People who are signed in, straight into the database."""
    people, tokens = [], []
    for _ in range(REVIEWERS):
        token = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        tokens.append(token)
        people.append((uuid.uuid4(), uuid.uuid4(), hashlib.sha256(token.encode()).hexdigest()))
    users = "".join(f"{user}\t{user}@example.org\tnone\tA Reader\tcustomer\tnow\tnow\tnow\n" for user, _, _ in people)
    sessions = "".join(f"{session}\t{user}\t\\\\x{hash}\tnow\tnow\ttomorrow\tnow\t127.0.0.1\n" for user, session, hash in people)
    psql(shop, f"""BEGIN;
COPY users (id, email, password_hash, display_name, role, created_at, updated_at, password_changed_at) FROM stdin;
{users}\\.
COPY sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at, confirmed_at, address) FROM stdin;
{sessions}\\.
COMMIT;
""")
    return tokens


def listed(shop):
    """Lists and searches, those that most people come to first."""
    genres = sorted(get(shop.url, "/genres")["items"], key=lambda genre: -genre["books"])[:GENRES]
    front = get(shop.url, "/products")
    paths = ["/products", f"/products?cursor={quoted(front['next_cursor'])}"]
    of_genres = [f"/products?genre={genre['slug']}" for genre in genres]
    sorts = [f"/products?sort={sort}" for sort in SORTS] + ["/products?min_rating=4", "/products?facets=genre,rating"]
    best = [f"/products?genre={genre['slug']}&sort=rating" for genre in genres[:10]]
    words = []
    for genre in genres:
        words += [book["title"].split()[-1] for book in get(shop.url, of_genres[genres.index(genre)])["items"][:4]]
    searches = [f"/products/search?q={quoted(word)}" for word in dict.fromkeys(words) if len(word) > 3][:SEARCHES]
    # In turns, so that each kind has its share of the heat.
    kinds = [sorts, of_genres, searches, best]
    while any(kinds):
        paths += [kind.pop(0) for kind in kinds if kind]
    return paths


def looks(before, after):
    """How often each level of the cache gave each result, by family."""
    found = {}
    for name, value in after.items():
        if name.startswith("cache_requests_total{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', name))
            if labels["family"] in FAMILIES:
                found[labels["family"], labels["level"], labels["result"]] = value - before.get(name, 0)
    return found


def answers(before, after):
    """How many reviews were answered with which status."""
    found = {}
    for name, value in after.items():
        if name.startswith("http_requests_total{") and 'method="POST"' in name and "/reviews" in name and value > before.get(name, 0):
            found[re.search(r'status="(\d+)"', name).group(1)] = value - before.get(name, 0)
    return found


def answered(found, families):
    of = lambda level, result: sum(found.get((family, level, result), 0) for family in families)
    asked = sum(count for (family, level, _), count in found.items() if level == "l1" and family in families) or 1
    return (sum(of("l1", result) for result in ["hit", "early", "stale"]) + of("l2", "hit")) / asked


def measure(arguments, shop):
    ids, paths, tokens, administrator = catalogue(shop.url), listed(shop), reviewers(shop), sign_in(shop)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, lines in {"ids": ids, "paths": paths, "tokens": tokens}.items():
            files.append(Path(folder) / name)
            files[-1].write_text("".join(f"{line}\n" for line in lines))
        say("rules: warming up")
        longer = Namespace(**{**vars(arguments), "seconds": WARMING})
        wrk("readers.lua", longer, shop.url, *files, 0, 0, administrator, secrets.randbelow(10**9))
        for number in range(arguments.rounds):
            say(f"rules: round {number + 1} of {arguments.rounds}")
            results = {}
            for rule in RULES:
                before = metrics(shop)
                result = wrk("readers.lua", arguments, shop.url, *files, WRITES, int(rule == "coarse"), administrator,
                             secrets.randbelow(10**9))
                after = metrics(shop)
                found = looks(before, after)
                result["answers"] = answers(before, after)
                result["all"] = answered(found, FAMILIES)
                result |= {family: answered(found, [family]) for family in FAMILIES}
                results[rule] = result
            rounds.append(results)
    return rounds, len(ids), len(paths)


def table(rounds):
    lines = [f"| | answered by the cache | {' | '.join(FAMILIES.values())} | requests per second | p99 ms |",
             f"|---|{'---:|' * (len(FAMILIES) + 3)}"]
    for rule, told in RULES.items():
        value = lambda figure: median(rounds, rule, figure)
        shares = " | ".join(f"{value(family):.2%}" for family in FAMILIES)
        lines.append(f"| {told} | {value('all'):.2%} | {shares} | {value('rate'):,.0f} | {value('p99'):.2f} |")
    return lines


def run(arguments, binary):
    settings = {"LIMITS__ENABLED": "false", "TELEMETRY__LOG_FILTER": "warn"}
    arguments = Namespace(**{**vars(arguments), **DEFAULTS, **arguments.given})
    with Shop(arguments, binary, **settings) as shop:
        rounds, books, pages = measure(arguments, shop)
    # Somebody who draws a book again that they have reviewed is refused, which is no failure of the shop.
    wrong = [f"{rule}: reviews were answered with {result['answers']}, {result['broken']} broke off" for results in rounds
             for rule, result in results.items()
             if result["broken"] or result["refused"] > result["answers"].get("409", 0) or "201" not in result["answers"]]
    head = (f"Reads of {books:,} books, their reviews, and {pages} lists and searches by Zipf's law (s = 1), {WRITES:.0%} reviews "
            "written:")
    return [head, "", *table(rounds)], wrong
