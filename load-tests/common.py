"""What the parts of the load tests share: where things are, the private shop, wrk, and a little arithmetic."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
WORK = TARGET / "load-tests"
API = "/api/v1"


def say(text):
    print(text, file=sys.stderr, flush=True)


def install(program, package):
    """Installs what only the load tests need."""
    if not shutil.which(program):
        command = ["brew", "install", package] if shutil.which("brew") else ["apt-get", "install", "-y", package]
        if command[0] == "apt-get" and os.geteuid() != 0:
            command.insert(0, "sudo")
        say(f"installing {program}: {' '.join(command)}")
        # Debian starts a server when it is installed, unless this says no.
        environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, stdout=sys.stderr, env=environment).returncode or not shutil.which(program):
            sys.exit(f"load-tests: {program} is missing, please install it")


def find_pgbench():
    candidates = [shutil.which("pgbench"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True),
                  *Path("/").glob("opt/homebrew/opt/postgresql@*/bin/pgbench")]
    return next((str(found) for found in candidates if found), None)


def build(arguments):
    """The program that is measured."""
    if arguments.binary:
        return arguments.binary
    say("building the release")
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True, stdout=sys.stderr,
                   env={"SQLX_OFFLINE": "true", **os.environ})
    return TARGET / "release" / "bookstore"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Shop:
    """A private shop: it lives while the block does. `settings` are variables of the environment without their prefix."""

    kind = "stack"

    def __init__(self, arguments, binary, **settings):
        self.arguments = arguments
        self.binary = binary
        self.settings = settings
        self.process = None

    def folder(self):
        # A changed schema starts anew.
        schema = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(ROOT.glob("migrations/*.sql"))))
        return WORK / f"{self.kind}-{self.arguments.books}-{schema.hexdigest()[:8]}"

    def __enter__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.directory = directory = self.folder()
        self.log = WORK / "shop.log"
        port, metrics = free_port(), free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BOOKSTORE_")}
        environment |= {
            "BOOKSTORE_HTTP__BIND": f"127.0.0.1:{port}",
            "BOOKSTORE_METRICS__BIND": f"127.0.0.1:{metrics}",
        } | {f"BOOKSTORE_{name}": value for name, value in self.settings.items()}
        self.log.write_bytes(b"")
        say(f"starting the shop with {self.arguments.books:,} books (log: {self.log})")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "dev", "--dir", directory, "--books", str(self.arguments.books)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url, self.metrics = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics}/metrics"
        try:
            self.wait()
            settings = (directory / "bookstore.toml").read_text()
            replicas = re.search(r'database\.replicas = \["([^"]+)"', settings)
            primary = re.search(r'database\.url = "([^"]+)"', settings)
            # Books are read from the replica while it is up to date.
            self.primary = primary.group(1)
            self.database = (replicas or primary).group(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self):
        end = time.monotonic() + 900
        while time.monotonic() < end:
            if self.process.poll() is not None:
                sys.exit(f"load-tests: the shop did not start:\n{self.log.read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        sys.exit(f"load-tests: the shop is not ready after 15 minutes; see {self.log}")

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                say("the shop does not stop; killing it")
                self.process.kill()
                self.process.wait()


def get(url, path):
    with urllib.request.urlopen(url + API + path, timeout=30) as answer:
        return json.load(answer)


def zipf(things, count, draw):
    weights = [1 / rank for rank in range(1, len(things) + 1)]
    return draw.choices(things, weights, k=count)


def quoted(text):
    return urllib.parse.quote(text, safe="")


def wrk(script, arguments, url, *words, connections=None, threads=1):
    """Runs a script of this folder, and gives back what it measured."""
    command = ["wrk", f"-t{threads}", f"-c{connections or arguments.connections}", f"-d{arguments.seconds}s",
               "--timeout", "30s", "-s", str(HERE / script), url, "--", *map(str, words)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(re.search(r"^RESULT (.*)$", output, re.MULTILINE).group(1))
    result["rate"] = result["requests"] / result["seconds"]
    return result


def median(rounds, name, figure):
    return statistics.median(results[name][figure] for results in rounds)


def ratio(rounds, name, other, figure):
    """The median of the ratios within the rounds, which the machine's other work disturbs least."""
    return statistics.median(results[name][figure] / results[other][figure] for results in rounds)


def processes(root):
    """A process and all that came from it."""
    found = [root]
    for process in found:
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass
    return found


def processor_seconds(root):
    """Processor time of a process, its threads, and all that came from it; none where the system does not tell."""
    total = 0
    for process in processes(root):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
