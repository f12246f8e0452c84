"""A book's page from the cache against the same bytes as a file that a private, unprivileged Nginx serves.

Both write a line to an access log for every request and send the same header fields; the shop also counts metrics and rate
limits, and traces one request in a hundred. Requests and processor time are compared, the latter of all processes of each.
"""

import http.server
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from common import (API, Shop, free_port, get, install, median, processor_seconds, ratio, say, wrk)

CONNECTIONS = 64
# What Nginx sends by itself, or what is another one with every request.
OWN_FIELDS = {"content-length", "content-type", "content-encoding", "date", "etag", "last-modified", "connection",
              "transfer-encoding", "vary", "x-request-id", "traceparent"}

CONFIGURATION = """
daemon off; worker_processes auto; worker_rlimit_nofile 8192; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  log_format json escape=json '{{"timestamp":"$time_iso8601","level":"INFO","message":"request","method":"$request_method",'
    '"route":"$document_uri","path":"$uri","status":$status,"duration_ms":$request_time,"bytes":$body_bytes_sent,'
    '"request_id":"$request_id","trace_id":"$request_id","client":"$remote_addr","target":"access"}}';
  access_log {folder}/access.log json buffer=256k flush=1s;
  sendfile on; tcp_nopush on; open_file_cache max=1000 inactive=60s; gzip_static on; gzip_vary on;
  keepalive_requests 1000000000; keepalive_timeout 75s; default_type application/json;
  server {{
    listen 127.0.0.1:{port}; root {folder}/root;
    add_header X-Request-Id $request_id; add_header Traceparent "00-$request_id-b7ad6b7169203331-00";
    {fields}
  }}
}}
"""


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes traces, and looks at none of them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def fetch(url, encoding):
    request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), answer.headers


class Nginx:
    """Serves what the shop answers to one path, from files."""

    def __init__(self, url, path):
        self.path = path
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="bookstore-nginx-"))
        body, headers = fetch(url + path, "identity")
        packed, packed_headers = fetch(url + path, "gzip")
        file = self.folder / "root" / path.strip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(body)
        if packed_headers.get("content-encoding") == "gzip":
            file.with_name(file.name + ".gz").write_bytes(packed)
        quote = lambda value: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        fields = "\n".join(f"add_header {name} {quote(value)};" for name, value in headers.items()
                           if name.lower() not in OWN_FIELDS)
        (self.folder / "nginx.conf").write_text(
            CONFIGURATION.format(folder=self.folder, port=self.port, fields=fields))
        # As an ordinary user, which root is not.
        self.user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        if self.user:
            subprocess.run(["chown", "-R", "nobody:nogroup", self.folder], check=True)

    def __enter__(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [*self.user, program, "-p", f"{self.folder}/", "-c", self.folder / "nginx.conf", "-e",
             self.folder / "error.log"], stdin=subprocess.DEVNULL)
        for _ in range(100):
            try:
                fetch(self.url + self.path, "identity")
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f"nginx does not start; see {self.folder}/error.log")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def measure(arguments, shop, nginx, folder):
    file = folder / "path"
    file.write_text(f"{nginx.path}\n")
    sides = {"the shop": (shop.url, shop.process.pid, shop.log), "Nginx": (nginx.url, nginx.process.pid, None)}
    rounds = []
    for number in range(arguments.rounds + 1):
        say(f"static file: round {number} of {arguments.rounds}" if number else "static file: warming up")
        results = {}
        for encoding in ["identity", "gzip"]:
            for name, (url, process, log) in list(sides.items())[:: 1 if number % 2 else -1]:
                before = processor_seconds(process)
                result = wrk("requests.lua", arguments, url, file, encoding, connections=CONNECTIONS)
                result["processor"] = (processor_seconds(process) - before) / max(1, result["requests"]) * 1e6
                results[f"{name}, {encoding}"] = result
                # A line for each of millions of requests is not worth the disk that it takes.
                os.truncate(log or nginx.folder / "access.log", 0)
        rounds.append(results)
    return rounds[1:]


def table(rounds):
    lines = ["| a book's page | per second | p50 ms | p99 ms | processor us a request | rate / Nginx's | processor / Nginx's |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for name in rounds[0]:
        other = f"Nginx, {name.split(', ')[1]}"
        lines.append(f"| {name} | {median(rounds, name, 'rate'):,.0f} | {median(rounds, name, 'p50'):.2f} "
                     f"| {median(rounds, name, 'p99'):.2f} | {median(rounds, name, 'processor'):.1f} "
                     f"| {ratio(rounds, name, other, 'rate'):.2f} | {ratio(rounds, name, other, 'processor'):.2f} |")
    return lines


def run(arguments, binary):
    install("nginx", "nginx-light" if shutil.which("apt-get") else "nginx")
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    # As in production, but for a limit that one address does not reach.
    settings = {"LIMITS__READ_PER_ADDRESS": "4000000000/10s", "TELEMETRY__LOG_FILTER": "info", "TELEMETRY__LOG_FORMAT": "json",
                "TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}", "TELEMETRY__SAMPLE_RATIO": "0.01"}
    with Shop(arguments, binary, **settings) as shop, tempfile.TemporaryDirectory() as folder:
        id = get(shop.url, "/products?limit=1")["items"][0]["id"]
        with Nginx(shop.url, f"{API}/products/{id}") as nginx:
            rounds = measure(arguments, shop, nginx, Path(folder))
    collector.shutdown()
    wrong = [f"{name}: {count}" for results in rounds for name, result in results.items()
             if (count := result["refused"] + result["broken"])]
    return [f"From the cache, {CONNECTIONS} connections, with access log, metrics, rate limits and traces of 1% of the "
            "requests; Nginx with an access log and the same header fields:", "", *table(rounds)], wrong
