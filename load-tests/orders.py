"""Complete orders a second, against pgbench with the same statements on the same Postgres.

A complete order is what a guest sends: three books into a new cart, the order, its payment. Both sides buy of the same books,
at as many connections, in turns.

pgbench gets no copy of the queries. One order is placed while Postgres logs every statement; those that belong to it become
pgbench's script (load-tests/statements.py). So it always runs what the shop runs.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path

import statements
from common import API, Shop, find_pgbench, say, wrk

DEFAULTS = {"books": 10_000, "connections": 16, "rounds": 3, "seconds": 10}
# The books that are bought. They never run out.
BOOKS, COPIES = 1_000, 1_000_000
AIM = 0.7
ADDRESS = {"name": "Ada Lovelace", "line1": "Unter den Linden 1", "city": "Berlin", "postal_code": "10117", "country": "DE"}

PREPARE = f"""
CREATE SCHEMA load_test;
CREATE TABLE load_test.books AS
    SELECT (row_number() OVER (ORDER BY id) - 1)::integer AS n, id
    FROM (SELECT p.id FROM products p JOIN stock s ON s.product_id = p.id
          WHERE p.status = 'active' AND p.price_currency = 'USD' AND p.format NOT IN ('ebook', 'audiobook')
          ORDER BY p.id LIMIT {BOOKS}) AS chosen;
ALTER TABLE load_test.books ADD PRIMARY KEY (n);
GRANT USAGE ON SCHEMA load_test TO PUBLIC;
GRANT SELECT ON load_test.books TO PUBLIC;
UPDATE stock SET on_hand = reserved + {COPIES}, version = version + 1, reason = 'counted', updated_at = now()
    WHERE product_id IN (SELECT id FROM load_test.books);
VACUUM ANALYZE;
"""
COUNT = """
SELECT count(*), count(*) FILTER (WHERE o.state = 'paid'
    AND (SELECT count(*) FROM order_lines l WHERE l.order_id = o.id) = 3
    AND EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.state = 'succeeded' AND p.amount = o.total))
FROM orders o
"""
# Books whose ledger does not add up to their stock, or whose stock is not what was sold.
UNBALANCED = """
SELECT count(*) FROM stock s JOIN load_test.books b ON b.id = s.product_id
LEFT JOIN (SELECT product_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved, count(*) AS changes
           FROM stock_ledger GROUP BY product_id) l USING (product_id)
LEFT JOIN (SELECT product_id, sum(quantity) AS sold FROM order_lines GROUP BY product_id) o USING (product_id)
WHERE (l.on_hand, l.reserved, l.changes) IS DISTINCT FROM (s.on_hand, s.reserved, s.version)
    OR coalesce(o.sold, 0) <> s.reserved
"""


class OrderShop(Shop):
    """A shop that is made anew for each run, so that every run begins with the same tables."""

    kind = "orders"

    def __enter__(self):
        self.remove()
        super().__enter__()
        state = json.loads((self.directory / "state.json").read_text())
        self.servers = {"primary": state["primary_port"]} | {
            f"replica-{number}": port for number, port in enumerate(state["replica_ports"], 1)}
        self.password = state["admin_password"]
        return self

    def __exit__(self, *what):
        super().__exit__(*what)
        self.remove()

    def remove(self):
        directory = self.folder()
        if directory.exists():
            shutil.rmtree(directory)

    def sql(self, text, server="primary"):
        """What Postgres' superuser is told."""
        command = ["psql", "-XAtq", "-F", " ", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.servers[server]), "-U",
                   "postgres", "-d", "bookstore", "-f", "-"]
        run = subprocess.run(command, input=text, capture_output=True, text=True, env={**os.environ, "PGPASSWORD": self.password})
        if run.returncode:
            sys.exit(f"load-tests: psql failed:\n{run.stderr[-1000:]}")
        return run.stdout.strip()

    @contextmanager
    def paused(self):
        """The shop's own process stands still, so that the other side has the machine for itself; its servers go on."""
        time.sleep(0.5)
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            open_work = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bookstore' AND state LIKE 'idle in transaction%'"
            while self.sql(open_work) != "0":
                os.kill(self.process.pid, signal.SIGCONT)
                time.sleep(0.1)
                os.kill(self.process.pid, signal.SIGSTOP)
            yield
            # The shop would otherwise publish what others have left in its outbox.
            self.sql("UPDATE outbox SET published_at = now() WHERE published_at IS NULL")
        finally:
            os.kill(self.process.pid, signal.SIGCONT)
        time.sleep(1)
        self.wait()


def ask(shop, method, path, body, headers):
    request = urllib.request.Request(f"{shop.url}{API}{path}", json.dumps(body).encode(), method=method,
                                     headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"load-tests: {method} {path} was answered with {error.code}: {error.read().decode()[:500]}")


def buy(shop, books):
    """Places and pays one order; gives what is of this order alone, by the name that pgbench's script has for it."""
    guest = {}
    for book in books:
        headers, cart = ask(shop, "PUT", f"/cart/items/{book}", {"quantity": 1}, guest)
        guest = guest or {"Cart-Token": headers["Cart-Token"]}
    keys = [f"load-test-{uuid.uuid4()}" for _ in range(2)]
    _, order = ask(shop, "POST", "/orders", {"email": "guest@example.org", "shipping_address": ADDRESS},
                   {**guest, "Idempotency-Key": keys[0]})
    _, payment = ask(shop, "POST", f"/orders/{order['id']}/payments", {"method": "tok_success"},
                     {**guest, "Idempotency-Key": keys[1]})
    token = hashlib.sha256(guest["Cart-Token"].encode()).digest()
    return {
        "cart": cart["id"], "token": token.hex(), "owner": base64.urlsafe_b64encode(token).decode().rstrip("="),
        "order_key": keys[0], "payment_key": keys[1], "number": str(order["number"]), "order": order["id"],
        "payment": payment["id"], "payment_hex": uuid.UUID(payment["id"]).hex,
    } | {f"book{position}": book for position, book in enumerate(books)}


def capture(shop, books):
    """The statements of one order, in the order in which they ran."""
    for _ in range(20):
        buy(shop, books)
    for server in shop.servers:
        statements.start_log(shop, server)
    try:
        time.sleep(1)
        begin = {server: (shop.directory / f"{server}.log").stat().st_size for server in shop.servers}
        order = buy(shop, books)
        time.sleep(1)
        logs = []
        for server, position in begin.items():
            with open(shop.directory / f"{server}.log", "rb") as log:
                log.seek(position)
                logs.append(log.read().decode())
    finally:
        for server in shop.servers:
            statements.stop_log(shop, server)
    return statements.read(logs, order), order


def pgbench(program, arguments, shop, script, constants, folder):
    for old in folder.glob("transactions*"):
        old.unlink()
    command = [program, "--no-vacuum", f"--client={arguments.connections}", "--jobs=2", "--protocol=prepared",
               f"--time={arguments.seconds}", "--log", f"--log-prefix={folder / 'transactions'}", f"--file={script}",
               *(f"--define={name}={value}" for name, value in constants.items()), shop.primary]
    # As the service's connections have it.
    settings = {"PGOPTIONS": "-c max_parallel_workers_per_gather=0"}
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings})
    if run.returncode:
        sys.exit(f"load-tests: pgbench failed:\n{run.stderr[-2000:]}")
    times = sorted(int(line.split()[2]) / 1e3 for log in folder.glob("transactions*") for line in open(log))
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    rate = float(re.search(r"^tps = ([\d.]+)", run.stdout, re.MULTILINE).group(1))
    return {"orders": len(times), "rate": rate, "p50": at(.5), "p99": at(.99)}


def counted(shop, side, measure):
    """Runs one side, and compares what it says that it did with what is in the database."""
    before = [int(count) for count in shop.sql(COUNT).split()]
    shop.sql("CHECKPOINT")
    result = measure()
    after = [int(count) for count in shop.sql(COUNT).split()]
    placed, paid = after[0] - before[0], after[1] - before[1]
    wrong = []
    if placed != result["orders"] or paid != placed:
        wrong.append(f"{side} did {result['orders']} orders; {placed} are in the database, {paid} of them rightly paid")
    return result, wrong


def through_shop(arguments, shop, file):
    # Some time on top, in which the last orders are brought to their end.
    longer = Namespace(**{**vars(arguments), "seconds": arguments.seconds + 3})
    result = wrk("orders.lua", longer, shop.url, file, arguments.seconds, uuid.uuid4(), threads=arguments.connections)
    return result | {"rate": result["orders"] / result["seconds"]}


def measure(arguments, shop, folder):
    program = find_pgbench() or sys.exit("load-tests: there is no pgbench to compare with")
    shop.sql(PREPARE)
    books = shop.sql("SELECT id FROM load_test.books ORDER BY n").split()
    if len(books) < BOOKS:
        sys.exit(f"load-tests: only {len(books)} books can be bought")
    file = folder / "books"
    file.write_text("".join(f"{book}\n" for book in books))
    found, order = capture(shop, books[:3])
    text, constants = statements.script(found, order, BOOKS)
    script = folder / "order.sql"
    script.write_text(text)
    rounds, wrong = [], []
    for number in range(arguments.rounds + 1):
        say(f"orders: round {number} of {arguments.rounds}" if number else "orders: warming up")
        brief = arguments if number else Namespace(**{**vars(arguments), "seconds": max(1, arguments.seconds // 2)})
        shop_side, differs = counted(shop, "the shop", lambda: through_shop(brief, shop, file))
        wrong += differs
        for kind in ("refused", "broken", "unfinished"):
            if shop_side[kind]:
                wrong.append(f"orders: {shop_side[kind]} {kind}: {shop_side['message']}")
        with shop.paused():
            other, differs = counted(shop, "pgbench", lambda: pgbench(program, brief, shop, script, constants, folder))
        wrong += differs
        rounds.append({"shop": shop_side, "pgbench": other})
    if (unbalanced := shop.sql(UNBALANCED)) != "0":
        wrong.append(f"the ledger of {unbalanced} books does not add up")
    return rounds[1:], found, wrong


def table(rounds, found, durability):
    rate = lambda side: statistics.median(results[side]["rate"] for results in rounds)
    ratio = statistics.median(results["shop"]["rate"] / results["pgbench"]["rate"] for results in rounds)
    each = lambda side: ", ".join(f"{results[side]['rate']:,.0f}" for results in rounds)
    step = lambda name, figure: statistics.median(results["shop"]["steps"][name][figure] for results in rounds)
    other = lambda figure: statistics.median(results["pgbench"][figure] for results in rounds)
    errors = sum(results["shop"][kind] for results in rounds for kind in ("refused", "broken", "unfinished"))
    lines = ["| | orders per second | of the rounds | p50 ms | p99 ms | errors |", "|---|---:|---:|---:|---:|---:|",
             f"| the shop | {rate('shop'):,.0f} | {each('shop')} | {step('all', 'p50'):.1f} | {step('all', 'p99'):.1f} | {errors} |",
             f"| pgbench | {rate('pgbench'):,.0f} | {each('pgbench')} | {other('p50'):.1f} | {other('p99'):.1f} | 0 |",
             f"| ratio | {ratio:.2f} (aim {AIM}: {'met' if ratio >= AIM else 'MISSED'}) | | | | |", "",
             "| step | p50 ms | p99 ms |", "|---|---:|---:|"]
    lines += [f"| {name} | {step(name, 'p50'):.2f} | {step(name, 'p99'):.2f} |" for name in rounds[0]["shop"]["steps"] if name != "all"]
    return [*lines, "", statements.summary(found), "", durability]


def run(arguments, binary):
    arguments = Namespace(**{**vars(arguments), **DEFAULTS, **arguments.given})
    quiet = {"LIMITS__ENABLED": "false", "TELEMETRY__LOG_FILTER": "warn"}
    with OrderShop(arguments, binary, **quiet) as shop, tempfile.TemporaryDirectory() as folder:
        rounds, found, wrong = measure(arguments, shop, Path(folder))
        shown = {name: shop.sql(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")}
    durability = "Both on the primary of the same private stack, which has one streaming replica, with " + ", ".join(
        f"{name} = {value}" for name, value in shown.items()) + "."
    title = (f"Complete orders, {arguments.connections} connections, {arguments.rounds} rounds of {arguments.seconds} s in turns: three "
             f"books into a guest's new cart, of {BOOKS:,}, the order, its payment:")
    return [title, "", *table(rounds, found, durability)], wrong
