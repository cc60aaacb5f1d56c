# clients.py - clients of the two-port-auth system, written from the description of its wire only, against our server;
# our client against its exit statuses; and the server's command line.  Usage: python3 clients.py PATH/runner
import concurrent.futures
import contextlib
import fcntl
import http.client
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from roles import LIMIT, Role, end_all, wait_for

RUNNER = os.path.abspath(sys.argv[1])
CODE = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}: \[success\] \((.*)\) (\S+) (\S+)"


def log_lines(server):
    with open(server.exports["log"], encoding="utf-8") as file:
        return file.read().split("\n")[:-1]


def logged(server, client):
    """The messages of this client."""
    found = [re.fullmatch("INFO:root:" + LINE, line) for line in log_lines(server)]
    assert all(found), log_lines(server)
    return [match[1] for match in found if match[2] == client]


def with_urllib(server):
    def post(url, **fields):
        request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode())
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.status, answer.headers, answer.read()

    me = str(uuid.uuid4())
    status, headers, body = post(server.exports["registration"], client_uuid=me)
    code = headers["Server-Uuid"]
    assert (status, body) == (200, b"") and re.fullmatch(CODE, code), (status, headers, body)
    status, headers, body = post(server.exports["authentication"], client_uuid=me, server_uuid=code, message="Привет & ok")
    assert (status, body, headers["Status"], headers["Server-Uuid"], headers["Client-Uuid"]) \
        == (200, b"", "Authentication success", code, me), (status, headers, body)
    status, headers, body = post(server.exports["authentication"], client_uuid=me, server_uuid="x", message="forged")
    assert (status, body, headers["Status"]) == (200, b"Error", "Authentication error"), (status, headers, body)
    status, headers, body = post(server.exports["registration"], client_uuid=me, server_uuid=code)
    assert (status, body, headers["Server-Uuid"]) == (200, b"Error", None), (status, headers, body)
    assert logged(server, me) == ["Привет & ok"], log_lines(server)


def with_one_connection(server):
    """Keeps its connections, as Locust and requests.Session do."""
    me = str(uuid.uuid4())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    where = {name: urllib.parse.urlsplit(server.exports[name]).netloc for name in ("registration", "authentication")}
    connections = {name: http.client.HTTPConnection(netloc, timeout=LIMIT) for name, netloc in where.items()}
    sockets = set()
    for i in range(5):
        connections["registration"].request("POST", "/any/path", f"client_uuid={me}", form)
        answer = connections["registration"].getresponse()
        assert answer.read() == b""
        body = f"client_uuid={me}&server_uuid={answer.headers['Server-Uuid']}&message=number+{i}"
        connections["authentication"].request("POST", "/", body, form)
        answer = connections["authentication"].getresponse()
        assert (answer.read(), answer.headers["Status"]) == (b"", "Authentication success")
        sockets |= {connection.sock.getsockname() for connection in connections.values()}
    assert len(sockets) == 2, "the server closed a connection that was to be kept"
    for connection in connections.values():
        connection.close()
    assert logged(server, me) == [f"number {i}" for i in range(5)], log_lines(server)


def with_http_1_0(server):
    """As ab does."""
    host, port = server.exports["registration"].removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), LIMIT) as connection:
        connection.sendall(b"POST / HTTP/1.0\r\nContent-length: 15\r\n"
                           b"Content-type: application/x-www-form-urlencoded\r\n\r\nclient_uuid=ab\n")
        answer = connection.makefile("rb").read().decode()
    assert re.match(r"HTTP/1\.[01] 200 ", answer) and re.search(rf"\r\nServer-Uuid: {CODE}\r\n", answer), answer


def with_curl(server):
    if not shutil.which("curl"):
        return
    def curl(*words):
        return subprocess.run(["curl", "-sS", "-i", *words], capture_output=True, text=True, timeout=LIMIT, check=True).stdout
    answer = curl("--data", "client_uuid=curl", server.exports["registration"])
    code = re.search(rf"(?m)^Server-Uuid: ({CODE})$", answer)[1]
    answer = curl("--data", "client_uuid=curl", "--data", f"server_uuid={code}", "--data-urlencode",
                  "message=two\nlines, 100% [success]", server.exports["authentication"])
    assert answer.startswith("HTTP/1.1 200 ") and "\nStatus: Authentication success\n" in answer, answer
    assert logged(server, "curl") == ["two\\nlines, 100% [success]"], log_lines(server)
    answer = curl(server.exports["authentication"])
    assert answer.startswith("HTTP/1.1 405 ") and "\nAllow: POST\n" in answer, answer


def with_requests(server):
    try:
        import requests
    except ImportError:
        return
    me = str(uuid.uuid4())
    code = requests.post(server.exports["registration"], data={"client_uuid": me}, timeout=LIMIT).headers["Server-Uuid"]
    answer = requests.post(server.exports["authentication"], timeout=LIMIT,
                           data={"client_uuid": me, "server_uuid": code, "message": "requests"})
    assert (answer.status_code, answer.headers["Status"]) == (200, "Authentication success"), answer.headers
    assert logged(server, me) == ["requests"], log_lines(server)


def with_the_database(server):
    """What another program writes into the database counts at once."""
    def authenticate():
        fields = {"client_uuid": "row", "server_uuid": code}
        request = urllib.request.Request(server.exports["authentication"], urllib.parse.urlencode(fields).encode())
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.headers["Status"]

    def change(statement, *values):
        with contextlib.closing(sqlite3.connect(server.exports["database"], timeout=LIMIT)) as database, database:
            assert database.execute(statement, values).rowcount == 1, statement

    with urllib.request.urlopen(server.exports["registration"], b"client_uuid=row", LIMIT) as answer:
        code = answer.headers["Server-Uuid"]
    assert authenticate() == "Authentication success"
    change("DELETE FROM registrations WHERE client_uuid = ? AND server_uuid = ?", "row", code)
    assert authenticate() == "Authentication error", "a code whose row is gone is still right"
    change("INSERT INTO registrations VALUES (?, ?, CURRENT_TIMESTAMP)", "row", code)
    assert authenticate() == "Authentication success", "a row of another program is not found"


def with_an_old_database(folder):
    """One that others have made: any code is right whose row is there."""
    path = os.path.join(folder, "old.db")
    code, bad = "old code (1)", "old\ncode"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE registrations (client_uuid, server_uuid, created)")
        database.executemany("INSERT INTO registrations VALUES ('old', ?, '2020-01-01')", [(code,), (bad,), ("x" * 513,)])
    server = Role(RUNNER, folder, "two-port-auth.server", "--database", path, cwd=folder).ready()

    def authenticate(code):
        form = urllib.parse.urlencode({"client_uuid": "old", "server_uuid": code, "message": "hi"}).encode()
        with urllib.request.urlopen(server.exports["authentication"], form, LIMIT) as answer:
            return answer.headers["Status"], answer.headers["Server-Uuid"]

    assert authenticate(code) == ("Authentication success", code)
    for wrong in ("old code", "", bad, "x" * 513):
        assert authenticate(wrong) == ("Authentication error", None), wrong
    with open(server.exports["log"], encoding="utf-8") as file:
        assert file.read().splitlines()[-1].endswith("[success] (hi) old old\\x20code\\x20(1)")
    assert server.end() == 0, server.errors()


def a_lost_database(folder):
    """Nobody gets a code that is forgotten at the next start."""
    path = os.path.join(folder, "lost.db")
    server = Role(RUNNER, folder, "two-port-auth.server", "--database", path, cwd=folder).ready()

    def status(name, form):
        try:
            with urllib.request.urlopen(server.exports[name], form, LIMIT) as answer:
                return answer.status
        except urllib.error.HTTPError as failure:
            return failure.code

    assert status("registration", b"client_uuid=a") == 200
    os.unlink(path)
    assert [status("registration", b"client_uuid=a") for _ in range(3)] == [503] * 3
    assert status("authentication", b"client_uuid=a&server_uuid=b") == 503
    with open(path, "wb"):
        pass
    assert status("registration", b"client_uuid=a") == 503
    told = [line for line in server.errors().splitlines() if "deleted; start the server again" in line]
    assert len(told) == 2, server.errors()  # of registrations and of authentications
    assert server.end() == 0, server.errors()


def our_client(server, folder):
    def run(*options):
        role = Role(RUNNER, folder, "two-port-auth.client", *options)
        return role.process.wait(LIMIT), role
    urls = [f"--{name}={server.exports[name]}" for name in ("registration", "authentication")]
    status, client = run(*urls, "--client-uuid", "ours", "--message", "from our own")
    assert status == 0, (status, client.errors())
    assert re.search(rf"^Server-Uuid: {CODE}$", client.text(), re.M), client.text()
    assert re.search("^Status: Authentication success$", client.text(), re.M), client.text()
    assert logged(server, "ours") == ["from our own"], log_lines(server)
    # both on one port: the code is refused there
    status, client = run(urls[0], f"--authentication={server.exports['registration']}")
    assert status == 1, (status, client.text(), client.errors())
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        status, client = run(f"--registration=http://127.0.0.1:{nobody.getsockname()[1]}", urls[1])
    assert status == 2 and "Connection refused" in client.errors(), (status, client.errors())


def refused(folder, *options):
    """What it says, of a server that does not start."""
    server = Role(RUNNER, folder, "two-port-auth.server", *options, cwd=folder)
    wait_for(lambda: os.path.exists(server.ready_file) or server.process.poll() is not None, "it ends")
    assert server.process.poll() == 1, (options, server.process.poll(), server.errors())
    return server.errors()


def command_line(folder):
    """Without options it uses files in the current folder; a second one on the same log does not start."""
    own = os.path.join(folder, "own")
    os.mkdir(own)
    server = Role(RUNNER, folder, "two-port-auth.server", cwd=own).ready()
    ports = [server.exports[name].rsplit(":", 1)[1] for name in ("registration", "authentication")]
    assert server.text() == "".join(f"Server started: http://localhost:{port}\n" for port in ports), server.text()
    assert {"database.db", "logfile.log"} <= set(os.listdir(own)), os.listdir(own)
    second = Role(RUNNER, folder, "two-port-auth.server", "--database", os.path.join(own, "other.db"), cwd=own)
    assert second.process.wait(LIMIT) == 1 and "another server writes to it" in second.errors(), second.errors()
    taken = Role(RUNNER, folder, "two-port-auth.server", "--registration-port", ports[0], cwd=folder)
    assert taken.process.wait(LIMIT) == 1 and "Address already in use" in taken.errors(), taken.errors()
    assert server.end() == 0, server.errors()
    same = refused(folder, "--registration-port", ports[0], "--authentication-port", ports[0])
    assert f"both ports are {ports[0]}: they must differ" in same, same
    wrong = Role(RUNNER, folder, "two-port-auth.server", "--registration-prot=1", cwd=folder)
    assert wrong.process.wait(LIMIT) == 2 and "did you mean --registration-port?" in wrong.errors(), wrong.errors()
    again = Role(RUNNER, folder, "two-port-auth.server", "--registration-port", ports[0], "--authentication-port",
                 ports[1], "--database", "database.db", "--log", "logfile.log", cwd=own).ready()
    assert again.exports["registration"].endswith(":" + ports[0]), again.exports
    assert again.end() == 0, again.errors()


def a_log_in_the_database(folder):
    """Each would destroy what the other one has written."""
    def clash(database, log):
        told = refused(folder, "--database", database, "--log", log)
        assert "the log would be a file of the database" in told, told

    for name in ("new", "new-wal", "new-shm", "new-journal"):
        clash("new", name)
        clash("new", os.path.join(folder, name))
    os.symlink("new", os.path.join(folder, "link"))
    clash("link", "new")
    clash("new", "link")
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "old"))) as database, database:
        database.execute("CREATE TABLE registrations (client_uuid, server_uuid, created)")
    clash("old", "old")
    clash("old", "old-wal")


def connect(server):
    host, port = server.exports["registration"].removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), LIMIT)


def ask(connection, pieces=1):
    """Registers, and keeps the connection."""
    request = HEAD + b"client_uuid=slow"
    step = -(-len(request) // pieces)
    for i in range(0, len(request), step):
        connection.sendall(request[i:i + step])
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(4096)
        assert piece, "closed instead of answered"
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nServer-Uuid: " in answer, answer


def seconds_until_closed(connection, drip):
    """It gets the pieces of `drip`, one every 10 ms at most, and then nothing."""
    begun = time.monotonic()
    connection.settimeout(0.01)
    drip = iter(drip)
    try:
        while time.monotonic() < begun + LIMIT:
            try:
                connection.sendall(next(drip, b""))
                answer = connection.recv(4096)
                assert not answer, answer
                return time.monotonic() - begun
            except socket.timeout:
                pass
    except (ConnectionResetError, BrokenPipeError):
        return time.monotonic() - begun
    raise AssertionError("a slow client keeps its connection")


HEAD = (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 16\r\n\r\n")


def drips(begin):
    yield begin
    while True:
        yield b"x"


def slow_clients(folder):
    """One whose request is never whole does not keep its connection, however it comes; one that pauses between
    requests does."""
    limit = 6  # also the time in which the clients that are not slow must have asked
    server = Role(RUNNER, folder, "two-port-auth.server", "--request-limit", f"{limit}s", cwd=folder).ready()
    endless = HEAD.replace(b"16", b"60000")

    def slow(pieces, before=lambda connection: None):
        with connect(server) as connection:
            before(connection)
            seconds = seconds_until_closed(connection, pieces)
            assert seconds >= 0.9 * limit, f"closed after {seconds} s"

    with connect(server) as fresh, connect(server) as kept, concurrent.futures.ThreadPoolExecutor() as threads:
        ask(kept)
        kinds = [threads.submit(slow, drips(begin)) for begin in (b"P", b"POST / HTTP/1.1\r\nX-", endless)]
        kinds.append(threads.submit(slow, [endless]))
        kinds.append(threads.submit(slow, drips(endless), ask))
        for kind in kinds:
            kind.result()
        ask(kept, 10)
        ask(fresh)
    assert server.end() == 0, server.errors()


def silent_clients(folder):
    server = Role(RUNNER, folder, "two-port-auth.server", "--idle-limit", "6s", cwd=folder).ready()
    with connect(server) as fresh, connect(server) as kept, connect(server) as stuck:
        ask(kept)
        stuck.sendall(HEAD)
        for silent in (kept, fresh, stuck):
            seconds_until_closed(silent, [])
    assert server.end() == 0, server.errors()


def a_stopped_server(folder):
    """While it does not run, no request's time goes on."""
    limit = 6
    server = Role(RUNNER, folder, "two-port-auth.server", "--request-limit", f"{limit}s", cwd=folder).ready()
    with connect(server) as slow, connect(server) as other:
        slow.sendall(HEAD)
        time.sleep(limit / 6)  # it has begun, also for the server
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(limit)
        server.process.send_signal(signal.SIGCONT)
        ask(other)
        slow.sendall(b"client_uuid=slow")
        assert slow.recv(4096).startswith(b"HTTP/1.1 200 "), "the time was counted"
    assert server.end() == 0, server.errors()


def a_crowd(folder):
    """More idle clients on one port than the server may have descriptors: the other port still answers, and so does
    this one when they have gone."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder, before=few).ready()
    with contextlib.ExitStack() as crowd:
        for _ in range(600):
            crowd.enter_context(connect(server))
        wait_for(lambda: "connections are open" in server.errors(), "the port is full")
        with urllib.request.urlopen(server.exports["authentication"], b"client_uuid=a&server_uuid=b", LIMIT) as answer:
            assert answer.headers["Status"] == "Authentication error", answer.headers
        late = connect(server)
    with late:
        ask(late)
    lines = [line for line in server.errors().splitlines() if "connections are open" in line]
    assert len(lines) == 1 and "the registration port: it is full" in lines[0], server.errors()
    assert server.end() == 0, server.errors()


def stopped_under_load(folder):
    """Whatever its clients go on asking, it ends well and soon, and what it has answered is in the database."""
    server = Role(RUNNER, folder, "two-port-auth.server", "--database", os.path.join(folder, "load.db"), cwd=folder).ready()
    request = HEAD + b"client_uuid=slow"

    def codes(connection):
        """All that it is given until the server closes the connection."""
        text = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                text += piece
                answered.set()
        return re.findall(rb"\r\nServer-Uuid: (%s)\r\n" % CODE.encode(), text)

    def pipeline(connection):
        """Never waits for an answer."""
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(request * 1000)

    def one_by_one(connection):
        got = []
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(request)
                answer = b""
                while b"\r\n\r\n" not in answer:
                    piece = connection.recv(4096)
                    if not piece:
                        return got
                    answer += piece
                got += re.findall(rb"\r\nServer-Uuid: (\S+)\r\n", answer)
        return got

    def end(connection):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    answered = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(20) as threads, contextlib.ExitStack() as ends:
        fast, slow = [connect(server) for _ in range(4)], [connect(server) for _ in range(8)]
        for connection in fast + slow:  # whatever the server does, nobody goes on waiting
            ends.callback(end, connection)
        given = [threads.submit(codes, connection) for connection in fast]
        given += [threads.submit(one_by_one, connection) for connection in slow]
        for connection in fast:
            threads.submit(pipeline, connection)
        assert answered.wait(LIMIT), "nothing was answered"
        status = server.end()
        given = [code.decode() for one in given for code in one.result()]
    assert status == 0, (status, server.errors())
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "load.db"))) as database:
        stored = {row[0] for row in database.execute("SELECT server_uuid FROM registrations")}
    assert given and set(given) <= stored, f"of {len(given)} answered {len(set(given) - stored)} are not stored"


def rotation(folder):
    """As logrotate does it, with a signal and without."""
    server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder).ready()
    log = server.exports["log"]

    def say(message):
        form = urllib.parse.urlencode({"client_uuid": "turn", "server_uuid": code, "message": message}).encode()
        with urllib.request.urlopen(server.exports["authentication"], form, LIMIT) as answer:
            assert answer.headers["Status"] == "Authentication success", answer.headers

    with urllib.request.urlopen(server.exports["registration"], b"client_uuid=turn", LIMIT) as answer:
        code = answer.headers["Server-Uuid"]
    say("one")
    os.rename(log, log + ".1")
    say("two")
    assert logged(server, "turn") == ["two"], log_lines(server)
    os.rename(log, log + ".2")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: os.path.exists(log), "the log is there again")
    assert log_lines(server) == [], log_lines(server)
    say("three")
    assert logged(server, "turn") == ["three"], log_lines(server)
    assert server.end() == 0 and "log" not in server.errors().partition("two-port-auth.server: ")[2], server.errors()


def talk(server, count):
    """Each message prints a line of 5000 bytes and more."""
    with urllib.request.urlopen(server.exports["registration"], b"client_uuid=talk", LIMIT) as answer:
        code = answer.headers["Server-Uuid"]
    form = urllib.parse.urlencode({"client_uuid": "talk", "server_uuid": code, "message": "x" * 5000}).encode()
    for _ in range(count):
        with urllib.request.urlopen(server.exports["authentication"], form, LIMIT) as answer:
            assert answer.headers["Status"] == "Authentication success", answer.headers


def output_that_nobody_reads(folder):
    """It serves, and ends, whoever reads what it prints; lines are dropped, which it tells."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 16384)
    server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder, stdout=writing).ready()
    talk(server, 10)
    assert server.errors().count("nobody reads standard output: lines are dropped\n") == 1, server.errors()
    assert not fcntl.fcntl(writing, fcntl.F_GETFL) & os.O_NONBLOCK, "it changes what others share"
    text, sent = b"", 10
    while "is read again" not in server.errors():
        text += os.read(reading, 65536)
        talk(server, 1)
        sent += 1
        assert sent < 20, server.errors()
    lines = (text + os.read(reading, 65536)).decode().split("\n")[2:-1]
    assert all(re.fullmatch(LINE, line) for line in lines), [line[-80:] for line in lines]
    dropped = int(re.search(r"is read again; (\d+) lines were dropped\n", server.errors())[1])
    assert len(lines) + dropped == sent and dropped > 5, (len(lines), dropped, sent)
    talk(server, 5)
    assert server.end() == 0, server.errors()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder, stdout=writing, stderr=writing).ready()
    talk(server, 3)
    assert server.end(signal.SIGINT) == 0
    ours, theirs = socket.socketpair()
    terminal, theirs_too = os.openpty()
    termios.tcflow(theirs_too, termios.TCOOFF)  # as Ctrl-S does
    for output in (theirs.fileno(), theirs_too):
        server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder, stdout=output, stderr=output).ready()
        talk(server, 200)
        assert server.end() == 0
    for one in (reading, writing, terminal, theirs_too):
        os.close(one)
    ours.close()
    theirs.close()


def main():
    folder = tempfile.mkdtemp(prefix="two-port-auth-clients-")
    try:
        server = Role(RUNNER, folder, "two-port-auth.server", cwd=folder).ready()
        for client in (with_urllib, with_one_connection, with_http_1_0, with_curl, with_requests, with_the_database):
            client(server)
        our_client(server, folder)
        assert server.end() == 0, server.errors()
        printed = server.text().split("\n")[2:-1]
        assert printed == [line.removeprefix("INFO:root:") for line in log_lines(server)], printed
        command_line(folder)
        with concurrent.futures.ThreadPoolExecutor() as threads:  # each waits for some seconds
            together = [threads.submit(clients, tempfile.mkdtemp(dir=folder))
                        for clients in (slow_clients, silent_clients, a_stopped_server)]
            for clients in together:
                clients.result()
        for clients in (output_that_nobody_reads, a_log_in_the_database, stopped_under_load, a_crowd, rotation, with_an_old_database, a_lost_database):
            clients(folder)
    finally:
        end_all()
        shutil.rmtree(folder)


main()
