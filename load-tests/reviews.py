"""Everybody reviews the same book at once, against as many reviews of as many books, and against one transaction a review.

The first two are requests to the shop, all sent at the same moment, each on a connection of its own. The third is what a crowd
costs where each review locks the book's row for itself: pgbench runs such a transaction, reduced to what it cannot do without,
as often, on as many connections as the shop has for writing.
"""

import json
import secrets
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from argparse import Namespace
from pathlib import Path
from urllib.parse import urlsplit

from common import API, find_pgbench, say
from orders import OrderShop

DEFAULTS = {"books": 10_000, "rounds": 5}
# Connections of a process that write, and how many reviews each has to write when there are 208 of them.
WRITERS, EACH = 16, 13
PEOPLE = WRITERS * EACH
TEXT = "Read it in one go, and then once more aloud. " * 6

PREPARE = """
CREATE SCHEMA load_test;
CREATE TABLE load_test.tokens (token text);
COPY load_test.tokens FROM stdin;
{tokens}
\\.
WITH people AS (
    INSERT INTO users (id, email, password_hash, display_name, role, created_at, updated_at, password_changed_at)
    SELECT gen_random_uuid(), token || '@example.org', 'none', 'Reader', 'customer', now(), now(), now() FROM load_test.tokens
    RETURNING id, split_part(email, '@', 1) AS token
)
INSERT INTO sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at, confirmed_at, address)
SELECT gen_random_uuid(), id, sha256(token::bytea), now(), now(), now() + interval '1 day', now(), '127.0.0.1' FROM people;
VACUUM ANALYZE;
"""
# The shortest transaction that does it one by one: the row is locked from here on, and the counters move by their triggers.
ONE_BY_ONE = """
BEGIN;
SELECT rating_average, rating_count FROM products WHERE id = '{book}' FOR NO KEY UPDATE;
INSERT INTO reviews (id, product_id, rating, title, body, language, created_at, updated_at)
    VALUES (gen_random_uuid(), '{book}', 4, 'A title', '{text}', 'en', now(), now());
SELECT rating_average, rating_count FROM products WHERE id = '{book}';
INSERT INTO outbox (kind, payload, published_at)
    VALUES ('views_counted', '{{"kind": "views_counted", "books": 1, "views": 1}}', now());
COMMIT;
"""
# Books whose counters are not those of a recount.
WRONG = """
SELECT count(*) FROM products p LEFT JOIN (SELECT product_id, count(*) AS count, sum(rating) AS stars FROM reviews GROUP BY 1) r
    ON r.product_id = p.id
WHERE p.rating_count <> coalesce(p.imported_rating_count, 0) + coalesce(r.count, 0)
    OR abs(p.rating_average * p.rating_count
           - coalesce(p.imported_rating_average * p.imported_rating_count, 0) - coalesce(r.stars, 0)) > 1e-6
"""


def request(host, token, book, number):
    body = json.dumps({"rating": number % 5 + 1, "title": "A title", "text": TEXT, "language": "en"})
    return (f"POST {API}/products/{book}/reviews HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}").encode()


def crowd(shop, requests):
    """Sends all at once; gives how long each took to be answered, in milliseconds, and what was answered that is no review."""
    address = urlsplit(shop.url)
    connections = []
    for _ in requests:
        connection = socket.create_connection((address.hostname, address.port), timeout=30)
        connections.append(connection)
    time.sleep(0.3)
    selector, answers, times = selectors.DefaultSelector(), {}, []
    begun = time.perf_counter()
    for connection, text in zip(connections, requests):
        connection.sendall(text)
        answers[connection] = b""
        selector.register(connection, selectors.EVENT_READ)
    wrong = []
    while answers:
        ready = selector.select(timeout=60)
        if not ready:
            wrong.append(f"{len(answers)} reviews were not answered")
            break
        for key, _ in ready:
            connection = key.fileobj
            part = connection.recv(65536)
            answers[connection] += part
            if not part:
                selector.unregister(connection)
                connection.close()
                text = answers.pop(connection)
                times.append((time.perf_counter() - begun) * 1e3)
                if not text.startswith(b"HTTP/1.1 201"):
                    wrong.append(f"a review was answered with {text[9:12].decode() or 'nothing'}")
    return times, wrong


def one_by_one(program, shop, book, folder):
    script = folder / "review.sql"
    script.write_text(ONE_BY_ONE.format(book=book, text=TEXT))
    for old in folder.glob("reviews*"):
        old.unlink()
    command = [program, "--no-vacuum", f"--client={WRITERS}", "--jobs=2", "--protocol=prepared", f"--transactions={EACH}", "--log",
               f"--log-prefix={folder / 'reviews'}", f"--file={script}", shop.primary]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"load-tests: pgbench failed:\n{run.stderr[-2000:]}")
    rows = [line.split() for log in folder.glob("reviews*") for line in open(log)]
    ends = [int(row[4]) * 1e3 + int(row[5]) / 1e3 for row in rows]
    begun = min(end - int(row[2]) / 1e3 for end, row in zip(ends, rows))
    # All want it at the beginning; those for whom there is no connection yet wait.
    return [end - begun for end in ends], []


def figures(times):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    return {"p50": at(.5), "p99": at(.99), "all": times[-1]}


def sign_in(shop, tokens):
    """Everybody has been there before: whose token it is does not have to be looked up first."""
    for token in tokens:
        known = urllib.request.Request(f"{shop.url}{API}/users/me", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(known, timeout=60) as answer:
            answer.read()


def measure(arguments, shop, folder):
    program = find_pgbench() or sys.exit("load-tests: there is no pgbench to compare with")
    tokens = [secrets.token_urlsafe(32) for _ in range(PEOPLE)]
    shop.sql(PREPARE.format(tokens="\n".join(tokens)))
    rounds_in_all = arguments.rounds + 1
    wanted = rounds_in_all * (PEOPLE + 2)
    books = shop.sql(f"SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT {wanted}").split()
    if len(books) < wanted:
        sys.exit(f"load-tests: {wanted} books are needed, there are {len(books)}")
    host, rounds, wrong, transactions = urlsplit(shop.url).netloc, [], [], []
    for number in range(rounds_in_all):
        say(f"reviews: round {number} of {arguments.rounds}" if number else "reviews: warming up")
        mine, books = books[:PEOPLE + 2], books[PEOPLE + 2:]
        hot, alone, many = mine[0], mine[1], mine[2:]
        texts = lambda of: [request(host, token, of(at), at) for at, token in enumerate(tokens)]
        sides = {
            "one book": lambda: crowd(shop, texts(lambda at: hot)),
            "as many books": lambda: crowd(shop, texts(lambda at: many[at])),
            "one by one": lambda: one_by_one(program, shop, alone, folder),
        }
        results = {}
        sign_in(shop, tokens)
        # Whoever comes first has the fresher machine: in turns.
        order = list(sides)
        for name in order[number % 3:] + order[:number % 3]:
            shop.sql("CHECKPOINT")
            before = int(shop.sql("SELECT count(*) FROM reviews"))
            times, differs = sides[name]()
            wrong += differs
            if (written := int(shop.sql("SELECT count(*) FROM reviews")) - before) != PEOPLE:
                wrong.append(f"{name}: {written} of {PEOPLE} reviews are there")
            results[name] = figures(times) if times else {"p50": 0, "p99": 0, "all": 0}
        transactions.append(int(shop.sql("SELECT count(DISTINCT xid::text) FROM outbox WHERE kind = 'review_created' "
                                         f"AND payload #>> '{{review,product}}' = '{hot}'")))
        rounds.append(results)
    if (differing := shop.sql(WRONG)) != "0":
        wrong.append(f"the counters of {differing} books are not those of a recount")
    return rounds[1:], transactions[1:], wrong


NAMES = {
    "one book": "the shop, one book",
    "as many books": f"the shop, {PEOPLE} books",
    "one by one": "pgbench, one book, one transaction a review",
}


def table(rounds, transactions):
    median = lambda side, figure: statistics.median(results[side][figure] for results in rounds)
    each = lambda side: ", ".join(f"{results[side]['all']:,.0f}" for results in rounds)
    lines = ["| | all written after ms | of the rounds | p50 ms | p99 ms |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {shown} | {median(side, 'all'):,.0f} | {each(side)} | {median(side, 'p50'):,.0f} | {median(side, 'p99'):,.0f} |"
              for side, shown in NAMES.items()]
    by = lambda side: statistics.median(results[side]["all"] / results["one book"]["all"] for results in rounds)
    return [*lines, "", f"Reviews of one book took {statistics.median(transactions):,.0f} transactions. As many of different books took "
            f"{by('as many books'):.1f} times as long, and one transaction a review {by('one by one'):.1f} times."]


def run(arguments, binary):
    arguments = Namespace(**{**vars(arguments), **DEFAULTS, **arguments.given})
    # Whoever waits for long is measured, not turned away.
    quiet = {"LIMITS__ENABLED": "false", "TELEMETRY__LOG_FILTER": "warn", "HTTP__REQUEST_TIMEOUT": "60s",
             "DATABASE__ACQUIRE_TIMEOUT": "60s", "DATABASE__STATEMENT_TIMEOUT": "60s", "DATABASE__LOCK_TIMEOUT": "50s"}
    with OrderShop(arguments, binary, **quiet) as shop, tempfile.TemporaryDirectory() as folder:
        rounds, transactions, wrong = measure(arguments, shop, Path(folder))
    title = f"{PEOPLE} people send a review at the same moment, each on a connection of their own; {arguments.rounds} rounds in turns:"
    return [title, "", *table(rounds, transactions)], wrong
