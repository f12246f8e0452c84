"""Pages of books, lists, search and suggestions without any cache, against pgbench with the statement of a book's page.

Every round measures each kind of request once, and pgbench on the same Postgres, the same books and at as many connections.
"""

import os
import random
import subprocess
import sys
import tempfile
import urllib.error
from pathlib import Path

from common import API, find_pgbench, get, median, quoted, ratio, say, wrk, zipf

# What a page of a book costs the database: the statement of src/store/sql/products.rs, by_id.
DETAIL_SQL = """
SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn10, p.isbn13, p.language,
       p.format, p.publisher, p.published, p.published_precision, p.pages, p.description, p.genres, p.subjects,
       p.cover_url, p.price_amount, p.price_currency, p.status, p.rating_average, p.rating_count, p.rating_histogram,
       p.version, p.created_at, p.updated_at, s.on_hand - s.reserved
FROM products p JOIN stock s ON s.product_id = p.id WHERE p.id = '{id}';
"""
# pgbench takes at most 128 scripts; these books are also asked for over HTTP.
PROBE_BOOKS = 100

# The words that people look for, the most wanted first: they are drawn by Zipf's law.
SEARCHES = [
    "dragon", "garden", "murder", "winter", "the last dragon", "kitchen", "love", "algorithms", "the secret garden",
    "draagon", "murder at the vicarage", "rust", "jardin", "wizard", "hawthorne", "history of salt", "gardn", "python",
    "a season of", "shadow", "starship", "lisbon", "murdr", "cookbook", "the bookseller of", "quantum mechanics",
    "müller", "bread", "detective", "poems of love", "algoritms", "inspector", "le silence", "wolf", "duke", "sourdough",
    "kitchn", "whales", "silent witness", "democracy",
]
TARGETS = {"book, any of the catalogue": 5, "list": 20, "search": 50}


def workloads(url):
    """The kinds of requests, each as its paths, and the ids of the books that pgbench asks for, too."""
    draw = random.Random(1)
    books, cursor = [], ""
    while len(books) < 5_000 and cursor is not None:
        page = get(url, "/products?limit=100&sort=newest" + (f"&cursor={quoted(cursor)}" if cursor else ""))
        books += page["items"]
        cursor = page["next_cursor"]
    if len(books) < PROBE_BOOKS:
        sys.exit(f"load-tests: the catalogue has {len(books)} books; at least {PROBE_BOOKS} are needed")
    ids = [book["id"] for book in books]
    draw.shuffle(ids)
    probes = ids[:PROBE_BOOKS]
    author, = draw.sample([name for book in books[:500] for name in book["authors"]], 1)
    lists = ["/products", "/products?limit=100"]
    lists += [f"/products?sort={sort}" for sort in
              ["newest", "price", "-price", "rating", "title", "published", "-published"]]
    lists += ["/products?genre=fantasy", "/products?genre=cooking&sort=rating", "/products?genre=romance&sort=price",
              "/products?language=de&sort=newest", "/products?format=ebook&max_price=1000&sort=-price",
              "/products?min_rating=4.5", "/products?published_from=2020&genre=mystery", "/products?in_stock=false",
              f"/products?author={quoted(author)}", f"/products?sort=newest&cursor={quoted(cursor or '')}"]
    lists = lists if cursor else lists[:-1]
    facets = ["/products?facets=genre,format,language", "/products?genre=fantasy&facets=genre,format,price,rating",
              "/products?language=fr&facets=genre,decade"]
    words = zipf(SEARCHES, 400, draw)
    typed = [word[:length] for word in words for length in (2, 3, 4, 6) if length <= len(word)]
    kinds = {
        "book, one of a hundred": [f"/products/{id}" for id in probes],
        "book, any of the catalogue": [f"/products/{id}" for id in ids],
        "list": lists,
        "list with facets": facets,
        "search": [f"/products/search?q={quoted(word)}" for word in words],
        "search with facets": [f"/products/search?q={quoted(word)}&facets=genre,format" for word in words],
        "suggest, as one types": [f"/products/suggest?q={quoted(word)}" for word in typed],
    }
    for name, paths in list(kinds.items()):
        refused = [status for path in dict.fromkeys(paths[:40]) if (status := refusal(url, path))]
        if refused:
            say(f"left out: {name}: some of it is answered with {refused[0]}")
            del kinds[name]
    return kinds, probes


def refusal(url, path):
    try:
        get(url, path)
    except urllib.error.HTTPError as error:
        return error.code
    return None


def pgbench(program, arguments, database, scripts, folder):
    for old in folder.glob("transactions*"):
        old.unlink()
    command = [program, "--no-vacuum", f"--client={arguments.connections}", "--jobs=1", "--protocol=prepared",
               f"--time={arguments.seconds}", "--log", f"--log-prefix={folder / 'transactions'}",
               *(f"--file={script}" for script in scripts), database]
    # As the service's connections have it.
    settings = {"PGOPTIONS": "-c plan_cache_mode=force_custom_plan -c default_transaction_read_only=on"}
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings})
    if run.returncode:
        sys.exit(f"load-tests: pgbench failed:\n{run.stderr[-1000:]}")
    times = sorted(int(line.split()[2]) / 1e3 for log in folder.glob("transactions*") for line in open(log))
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    return {"rate": len(times) / arguments.seconds, "p50": at(.5), "p95": at(.95), "p99": at(.99), "refused": 0,
            "broken": 0}


def measure(arguments, url, database):
    program = find_pgbench()
    if not program:
        say("there is no pgbench: nothing to compare with")
    kinds, probes = workloads(url)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = {}
        for number, (name, paths) in enumerate(kinds.items()):
            files[name] = folder / f"paths-{number}"
            files[name].write_text("".join(f"{API}{path}\n" for path in paths))
        scripts = []
        for number, id in enumerate(probes):
            scripts.append(folder / f"book-{number}.sql")
            scripts[-1].write_text(DETAIL_SQL.format(id=id))
        rounds = []
        # One round that nobody looks at warms connections and pages of the database.
        for number in range(arguments.rounds + 1):
            say(f"round {number} of {arguments.rounds}" if number else "warming up")
            results = {}
            order = list(files)
            if number % 2:
                order.reverse()
            if database and program:
                results["pgbench"] = pgbench(program, arguments, database, scripts, folder)
            for name in order:
                results[name] = wrk("requests.lua", arguments, url, files[name])
            rounds.append(results)
        return rounds[1:]


def table(rounds):
    names = [name for name in rounds[0] if name == "pgbench"]
    names += [name for name in [*TARGETS, *sorted(rounds[0])] if name in rounds[0] and name not in names]
    names = list(dict.fromkeys(names))
    compared = "pgbench" in rounds[0]
    lines = ["| requests | per second | p50 ms | p95 ms (best and worst round) | p99 ms | rate / pgbench's | p95 / pgbench's "
             "| target p95 ms |", "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name in names:
        p95 = [results[name]["p95"] for results in rounds]
        compare = f"{ratio(rounds, name, 'pgbench', 'rate'):.3f} | {ratio(rounds, name, 'pgbench', 'p95'):.1f}" if compared else "- | -"
        target = f"{TARGETS[name]}, {'met' if median(rounds, name, 'p95') < TARGETS[name] else 'MISSED'}" if name in TARGETS else ""
        title = "pgbench, the statement of a book's page" if name == "pgbench" else name
        lines.append(f"| {title} | {median(rounds, name, 'rate'):,.0f} | {median(rounds, name, 'p50'):.2f} | {median(rounds, name, 'p95'):.2f} "
                     f"({min(p95):.2f}-{max(p95):.2f}) | {median(rounds, name, 'p99'):.2f} | {compare} | {target} |")
    return lines




def report(arguments, url, database):
    """The table, and what went wrong."""
    rounds = measure(arguments, url, database)
    failed = [f"{name}: {count}" for results in rounds for name, result in results.items()
              if (count := result["refused"] + result["broken"])]
    return ["Without a cache, rate limits off:", "", *table(rounds)], failed
