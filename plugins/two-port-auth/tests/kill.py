# kill.py - the server is killed (SIGKILL) at a random moment under many clients, again and again on the same files:
# no registration that was answered is missing, every line of the log is whole, every authentication that was
# answered is in it, and the server starts again.  Usage: python3 kill.py PATH/runner PATH/load
#
# KILL_ROUNDS=50 kills it so often.
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from roles import LIMIT, Role, end_all, wait_for

RUNNER, LOAD = map(os.path.abspath, sys.argv[1:3])
ROUNDS = int(os.environ.get("KILL_ROUNDS", "4"))
CLIENTS = 200
UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LINE = re.compile(rb"INFO:root:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}: \[success\] \((message \d+)\) (%s) (%s)" % (UUID, UUID))


def start(folder):  # on other ports each time: nobody else is in its way
    options = ["--database", os.path.join(folder, "db"), "--log", os.path.join(folder, "log")]
    return Role(RUNNER, folder, "two-port-auth.server", *options).ready()


def ports_of(server):
    return [server.exports[name].rsplit(":", 1)[1] for name in ("registration", "authentication")]


def has_message(record):
    try:
        with open(record, "rb") as file:
            return any(line.startswith(b"A ") for line in file)
    except FileNotFoundError:
        return False


def load_and_kill(server, folder, number):
    """What was answered until it was killed: lines `R client server` and `A message client server`."""
    record = os.path.join(folder, f"record-{number}")
    with subprocess.Popen([LOAD, str(CLIENTS), "60", *ports_of(server), record], stdout=subprocess.PIPE) as load:
        try:
            wait_for(lambda: has_message(record) or load.poll() is not None, "a message is answered")
            time.sleep(random.uniform(0, 0.6))  # this is the random moment
        finally:
            server.end(signal.SIGKILL)
        load.communicate(timeout=LIMIT)
    assert load.returncode == 0, f"the clients ended with status {load.returncode}"
    with open(record, "rb") as file:
        return file.read().split(b"\n")[:-1]


def check(folder, answered):
    with sqlite3.connect(f"file:{folder}/db?mode=ro", uri=True) as database:
        stored = set(database.execute("SELECT client_uuid, server_uuid FROM registrations"))
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    with open(os.path.join(folder, "log"), "rb") as file:
        text = file.read()
    assert not text or text.endswith(b"\n"), "the last line has no end"
    lines = [(line, LINE.fullmatch(line)) for line in text.split(b"\n")[:-1]]
    broken = [line for line, match in lines if not match]
    assert not broken, f"{len(broken)} lines are not whole: {broken[:3]}"
    logged = {match.groups() for _, match in lines}
    assert len(logged) == len(lines), "a message is logged twice"
    for line in answered:
        words = line.split(b" ")
        if words[0] == b"R":
            assert (words[1].decode(), words[2].decode()) in stored, f"it was answered, and is not stored: {line}"
        else:
            assert (b"message " + words[2], words[3], words[4]) in logged, f"it was answered, and is not logged: {line}"


def main():
    folder = tempfile.mkdtemp(prefix="two-port-auth-kill-")
    answered = []
    try:
        for number in range(ROUNDS):
            server = start(folder)
            check(folder, answered)
            answered += load_and_kill(server, folder, number)
        server = start(folder)
        check(folder, answered)
        assert server.end() == 0, server.errors()
        kinds = [line[:1] for line in answered]
        print(f"{ROUNDS} rounds: {kinds.count(b'R')} registrations and {kinds.count(b'A')} messages were answered, all are there")
        assert b"R" in kinds and b"A" in kinds, "nothing was answered: the server was killed too early"
    finally:
        end_all()
        shutil.rmtree(folder)


main()
