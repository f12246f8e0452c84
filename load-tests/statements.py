"""From Postgres' log of one order to a script of pgbench that does the same again and again.

Every parameter stays one. Its value is what it was, but for what is of one order alone (ids, keys, the hash of the guest's
token, the order's number) and the books: those come from pgbench's variables, also where they stand inside of a JSON document
or of the answer that is kept. One SELECT in front makes the variables; it is the only statement that the shop does not have.
"""

import hashlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass

from common import ROOT

MARK = "LOAD-TEST|"
SETTINGS = {"log_statement": "'all'", "log_line_prefix": f"'{MARK}%n|%p|'", "log_parameter_max_length": "-1"}
# Of the position that a write's readers have to see: it names no order.
FLOOR = "pg_logical_emit_message"
TYPES = {"Bool": "boolean", "Bytea": "bytea", "Int2": "smallint", "Int4": "integer", "Int8": "bigint", "Float8": "float8", "Text": "text",
         "Uuid": "uuid", "Jsonb": "jsonb", "Timestamptz": "timestamptz", "Date": "date"}


@dataclass
class Statement:
    """One that ran, with the text of its parameters; None is NULL."""
    moment: float
    sql: str
    parameters: list


def start_log(shop, server):
    shop.sql("".join(f"ALTER SYSTEM SET {name} = {value};\n" for name, value in SETTINGS.items()) + "SELECT pg_reload_conf()", server)


def stop_log(shop, server):
    shop.sql("".join(f"ALTER SYSTEM RESET {name};\n" for name in SETTINGS) + "SELECT pg_reload_conf()", server)


def entries(log):
    """The statements of one server's log, each with its process."""
    found = []
    for entry in re.split(rf"^{re.escape(MARK)}", log, flags=re.MULTILINE)[1:]:
        moment, process, text = entry.split("|", 2)
        kind, _, message = text.rstrip("\n").replace("\n\t", "\n").partition(":  ")
        if kind == "LOG" and (match := re.match(r"(?:statement|execute [^:]*): (.*)", message, re.DOTALL)):
            found.append((process, Statement(float(moment), match.group(1), [])))
        elif kind == "DETAIL" and (match := re.match(r"parameters: (.*)", message, re.DOTALL | re.IGNORECASE)):
            values = re.findall(r"\$\d+ = (?:(NULL)|'((?:[^']|'')*)')", match.group(1))
            last = next(statement for owner, statement in reversed(found) if owner == process)
            last.parameters = [None if null else value.replace("''", "'") for null, value in values]
    return found


def units(log):
    """Transactions, and statements that are one by themselves."""
    done, open_units = [], {}
    for process, statement in entries(log):
        word = statement.sql.split(None, 1)[0].upper().rstrip(";")
        if word == "BEGIN":
            open_units[process] = [statement]
        elif process in open_units:
            open_units[process].append(statement)
            if word in ("COMMIT", "ROLLBACK"):
                done.append(open_units.pop(process))
        else:
            done.append([statement])
    return done


def read(logs, order):
    """What belongs to the order, of the logs of all servers: it names something of it, is in one transaction with what does,
    or is the floor that follows a write. All else is the shop's work in the background, floors of its own included."""
    found, owed = [], 0
    values = [value for name, value in order.items() if not name.startswith(("book", "number"))]
    values += [value.encode().hex() for value in values]
    for unit in sorted((unit for log in logs for unit in units(log)), key=lambda unit: unit[0].moment):
        text = "\n".join(one.sql + "\n".join(value or "" for value in one.parameters) for one in unit)
        if any(value in text for value in values):
            found += unit
            owed += re.search(r"\b(INSERT INTO|UPDATE|DELETE FROM) ", text) is not None
        elif FLOOR in text and owed > 0:
            found += unit
            owed -= 1
    return found


def plain(sql):
    """Without comments, in one line."""
    return " ".join(re.sub(r"--[^\n]*", "", sql).split())


def parameter_types():
    """The types of the parameters of each of the shop's queries, as the compiler knows them."""
    known = {}
    for file in ROOT.glob(".sqlx/query-*.json"):
        query = json.loads(file.read_text())
        known[plain(query["query"])] = [
            TYPES.get(name) or TYPES[name.removesuffix("Array")] + "[]"
            for name in map(str, query["describe"]["parameters"]["Left"])]
    return known


class Script:
    """pgbench's script as it grows."""

    def __init__(self, order):
        self.constants, self.lines = {}, []
        # The longest first: none is a part of another one.
        names = sorted(order, key=lambda name: -len(order[name]))
        self.of_value = {order[name]: name for name in names}
        special = [re.escape(order[name]) for name in names if name != "number"]
        # A number may stand anywhere by chance; the order's is that of a member of this name.
        special.append(rf'(?<="number":){order["number"]}(?!\d)')
        special.append(rf'(?<="number": ){order["number"]}(?!\d)')
        self.pattern = re.compile("|".join(special))
        self.number = order["number"]

    def constant(self, text):
        for name, value in self.constants.items():
            if value == text:
                return f":{name}"
        name = f"c{len(self.constants)}"
        self.constants[name] = text
        return f":{name}"

    def text(self, value):
        """An expression for a text, and whether anything in it changes from order to order."""
        pieces, end = [], 0
        for match in self.pattern.finditer(value):
            if match.start() > end:
                pieces.append(self.constant(value[end:match.start()]))
            pieces.append(f":{self.of_value[match.group()]}")
            end = match.end()
        if end < len(value) or not pieces:
            pieces.append(self.constant(value[end:]))
        if len(pieces) == 1:
            return pieces[0]
        return f"concat({', '.join(f'{piece}::text' for piece in pieces)})"

    def value(self, value, kind):
        if value is None:
            return f"NULL::{kind}"
        if kind == "bigint" and value == self.number:
            return ":number::bigint"
        if kind == "bytea" and value[2:] not in self.of_value:
            try:
                content = bytes.fromhex(value[2:]).decode()
            except UnicodeDecodeError:
                return f"{self.constant(value)}::bytea"
            return f"convert_to({self.text(content)}::text, 'UTF8')"
        if kind == "bytea":
            return f"decode(:{self.of_value[value[2:]]}, 'hex')"
        return f"{self.text(value)}::{kind}"

    def add(self, statement, known):
        sql = plain(statement.sql)
        types = known.get(sql, [])
        if len(types) != len(statement.parameters):
            raise SystemExit(f"load-tests: it is not known what parameters this has (`make prepare`?):\n{sql}")
        values = [self.value(value, kind) for value, kind in zip(statement.parameters, types)]
        self.lines.append(re.sub(r"\$(\d+)", lambda match: values[int(match.group(1)) - 1], sql).rstrip(";") + ";")


def variables(books):
    """What differs from order to order. The ids of orders and payments grow with time, as the shop's own (UUIDv7) do."""
    grows = ("(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || "
             "substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid::text")
    half = books // 2 - 1
    return [
        f"\\set n0 random(0, {books - 1})",
        f"\\set n1 (:n0 + random(1, {half})) % {books}",
        f"\\set n2 (:n1 + random(1, {half})) % {books}",
        "SELECT made.*, replace(payment, '-', '') AS payment_hex, "
        "translate(encode(decode(token, 'hex'), 'base64'), '+/=', '-_') AS owner, "
        "b0.id::text AS book0, b1.id::text AS book1, b2.id::text AS book2 "
        f"FROM (SELECT {grows} AS \"order\", {grows} AS payment, gen_random_uuid()::text AS cart, "
        "md5(random()::text) || md5(random()::text) AS token, 'load-test-' || gen_random_uuid() AS order_key, "
        "'load-test-' || gen_random_uuid() AS payment_key, nextval('order_numbers')::text AS number) AS made, "
        "load_test.books b0, load_test.books b1, load_test.books b2 WHERE b0.n = :n0 AND b1.n = :n1 AND b2.n = :n2 \\gset",
    ]


def script(found, order, books):
    """The text of the script, and the constants that it names."""
    made, known = Script(order), parameter_types() | {word: [] for word in ("BEGIN", "COMMIT")}
    for statement in found:
        made.add(statement, known)
    return "\n".join([*variables(books), *made.lines]) + "\n", made.constants


def name(sql):
    """What a statement is about, for people."""
    words = plain(sql)
    if FLOOR in words:
        return "floor"
    if words in ("BEGIN", "COMMIT"):
        return words
    verbs = re.findall(r"\b(INSERT INTO|UPDATE|DELETE FROM) ([a-z_]+)", words)
    if verbs:
        return " + ".join(dict.fromkeys(f"{verb.split()[0].lower()} {table}" for verb, table in verbs))
    return "select " + ", ".join(dict.fromkeys(re.findall(r"\b(?:FROM|JOIN) ([a-z_]+)", words)))


def summary(found):
    counts = Counter(name(statement.sql) for statement in found)
    listed = "; ".join(f"{count} x {what}" if count > 1 else what for what, count in counts.items())
    return (f"An order is {len(found)} statements: {listed}. pgbench runs each of them, and before them one more that makes what differs "
            "from order to order. The shop writes one floor for several writers at once where it can.")
