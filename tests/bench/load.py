"""load.py - simulated users against nginx, beside wrk and Locust; a part of `run`.

nginx serves a static page of 612 bytes with keep-alive, by two processes.  The
generators take turns.  What they say of themselves is what is compared.
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

PAGE = "<!DOCTYPE html>\n<title>Welcome</title>\n"
LOCUST = """from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0)

    @task
    def page(self):
        with self.client.get("/", catch_response=True) as response:
            if response.status_code != 200:
                response.failure("status")
"""
NGINX = """daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
{user}
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 8000; }}
http {{
  access_log off;
  types {{ text/html html; }}
  sendfile on;
  open_file_cache max=10;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path {folder}/temp;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp;
  uwsgi_temp_path {folder}/temp;
  scgi_temp_path {folder}/temp;
  server {{ listen 127.0.0.1:{port} backlog=8192; root {folder}/pages; }}
}}
"""


class Failed(Exception):
    """A program did not do what it should."""


def find(name):
    """A program of this name, also where an ordinary user's PATH does not lead."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@contextlib.contextmanager
def nginx(folder):
    """Runs nginx; its port.  It inherits a socket that is listening already: no port is guessed."""
    os.makedirs(f"{folder}/pages")
    for path in (folder, f"{folder}/pages"):
        os.chmod(path, 0o755)
    with open(f"{folder}/pages/index.html", "w", encoding="ascii") as page:
        page.write(PAGE.ljust(611, ".") + "\n")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8192)
        listener.setblocking(False)  # nginx expects that of what it inherits: a worker would sleep in accept()
        port = listener.getsockname()[1]
        with open(f"{folder}/nginx.conf", "w", encoding="ascii") as conf:
            conf.write(NGINX.format(folder=folder, port=port, user="user root;" if os.geteuid() == 0 else ""))
        command = [find("nginx"), "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"]
        inherited = dict(os.environ, NGINX=f"{listener.fileno()};")
        with subprocess.Popen(command, pass_fds=[listener.fileno()], env=inherited, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as server:
            try:
                yield port
            finally:
                server.terminate()
                server.wait(10)


def output_of(command, seconds, **more):
    """What a command prints; it must end well, and in time."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=seconds + 60, **more)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(command)}: took more than {seconds + 60} s") from late
    if done.returncode:
        said = done.stdout[-2000:] + done.stderr[-2000:]
        raise Failed(f"{' '.join(command)}: exit status {done.returncode}\n{said}")
    return done.stdout


# ---- the generators: requests a second ----

def wrk_rate(port, users, seconds):
    command = ["wrk", "-t2", f"-c{users}", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    text = output_of(command, seconds)
    found = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not found or "Non-2xx" in text:
        raise Failed(f"{' '.join(command)}:\n{text}")
    return float(found[1])


def libcurl_rate(http_loop, port, users):
    """A bare loop in each of as many threads: the most that blocking users with libcurl could do."""
    each = 80_000 // users
    begin = time.monotonic()
    output_of([http_loop, f"http://127.0.0.1:{port}/", str(each), str(users)], 10)
    return each * users / (time.monotonic() - begin)


def json_texts(text):
    """Several of them, one behind the other: each of Locust's processes prints one."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        at += len(text[at:]) - len(text[at:].lstrip())


def locust_rate(folder, port, users, seconds):
    """One process for each processor, as its manual advises; start-up does not count."""
    with open(f"{folder}/visitor.py", "w", encoding="ascii") as file:
        file.write(LOCUST)
    processes = len(os.sched_getaffinity(0))
    command = ["locust", "-f", f"{folder}/visitor.py", "--headless", "--only-summary", "--json", "--reset-stats",
               "-u", str(users), "-r", str(users), "-t", f"{seconds + 1}s", "--host", f"http://127.0.0.1:{port}",
               "--processes", str(processes), "--loglevel", "ERROR"]
    printed = output_of(command, seconds, cwd=folder).strip()
    row = next((row for rows in json_texts(printed) for row in rows if row["name"] == "/"), None)
    if not row:
        raise Failed(f"Locust printed {printed[-2000:]}")
    if row["num_failures"]:
        raise Failed(f"Locust: {row['num_failures']} failures")
    span = row["last_request_timestamp"] - row["start_time"]
    return row["num_requests"] / span


def suite(folder, name, url, settings):
    path = f"{folder}/{name}.yaml"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"suite: load\ntests:\n  - test: {name}\n    timeout: 5m\n    steps:\n      - load:\n")
        file.writelines(f"          {line}\n" for line in settings)
        file.write(f'          steps:\n            - http.get: "{url}"\n              expect: {{status: 200}}\n')
    return path


def load_of(results):
    """What a run tells of its one load."""
    with open(f"{results}/events.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    return [load for event in events if event["event"] == "test" for load in event.get("loads", [])][0]


def total_of(results):
    """What a run with one load measured in all its steps; its seconds without the warm-up."""
    load = load_of(results)
    total = next(series for series in load["series"] if series["name"] == "total")
    return total, (load["duration_us"] - load.get("warmup_us", 0)) / 1e6


def runner_rate(runner, folder, port, users, seconds):
    path = suite(folder, f"users-{users}", f"http://127.0.0.1:{port}/",
                 [f"users: {users}", f"for: {seconds + 1}s", "warmup: 1s"])
    output_of([runner, "-o", f"{folder}/results", path], seconds)
    total, span = total_of(f"{folder}/results")
    return total["count"] / span


# ---- the measurements ----

def in_turns(generators, rounds):
    """The rates of each, of `rounds` runs one after the other."""
    rates = {name: [] for name in generators}
    for _ in range(rounds):
        for name, rate in generators.items():
            rates[name].append(rate())
    return rates


@contextlib.contextmanager
def stalling_server(build, requests, milliseconds):
    """Answers at once, but for one pause; its port."""
    command = [build + "/tests/cli/stalling-server", str(requests), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()  # it ends by that
            server.wait(10)


def stall_p99_ms(runner, folder, build):
    """1,000 requests a second for 4 s, of which the server sleeps one.  20 users: they alone would be 0.5 %."""
    with stalling_server(build, 1500, 1000) as port:
        path = suite(folder, "stall", f"http://127.0.0.1:{port}/",
                     ["rate: 1000/s", "users: 20", "for: 4s", "grace: 1m"])
        output_of([runner, "-o", f"{folder}/results", path], 4)
    return total_of(f"{folder}/results")[0]["p99_us"] / 1e3


def peak_of(child, look):
    """The most that `look` says until the process has ended."""
    peak = 0
    while child.poll() is None:
        peak = max(peak, look(child.pid))
        time.sleep(0.1)
    return peak


def many_users_mb(runner, folder, port, users, look):
    """Memory of all processes together while so many users are at work, each once a second."""
    path = suite(folder, "many", f"http://127.0.0.1:{port}/",
                 [f"users: {users}", f"spawn: {users // 4}/s", "for: 10s", "think: 1s", "grace: 1m"])
    command = [runner, "-o", f"{folder}/results", path]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as child:
        peak = peak_of(child, look)
    total, span = total_of(f"{folder}/results")
    if child.returncode or total.get("failed"):
        why = "; ".join(f"{error['count']} x {error['message']}" for error in load_of(f"{folder}/results").get("errors", []))
        raise Failed(f"{users:,} users: exit status {child.returncode}, {total.get('failed', 0)} failures: {why}")
    return peak * 1024 / 1e6, total["count"] / span


@contextlib.contextmanager
def folder_of_its_own():
    folder = tempfile.mkdtemp(prefix="runner-bench-load-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
