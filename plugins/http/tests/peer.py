#!/usr/bin/env python3
"""The other side of the plugin's tests: HTTP servers that behave, and some that do not.

    peer.py COMMAND ARGUMENT...

starts them on free ports, tells the command by its environment where they are,
and ends with the command's exit status:

    HTTP_URL     a server with the paths of class Friendly
    HTTP_TLS     the same by TLS; HTTP_CA verifies it; HTTP_CERT and HTTP_KEY are a client's
    HTTP_UNIX    the same on a Unix socket
    HTTP_RAW     a server with the paths of HOSTILE, which break the protocol
    HTTP_CLOSED  a port on which nobody listens
"""
import base64
import collections
import gzip
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import zlib

import ws_peer

NOTES = """<?xml version="1.0"?>
<notes xmlns="urn:notes" xmlns:x="urn:extra" count="2">
  <note id="1" x:by="ada">first</note><note id="2" x:by="bob">second &amp; last</note>
</notes>
"""
ENTITIES = "".join(f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in zip("abcdefgh", "bcdefghi"))
BOMB = f'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]><b>&i;</b>'


class Friendly(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "peer"
    disable_nagle_algorithm = True
    waiting = collections.Counter()
    lock = threading.Lock()

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "peer"

    def answer(self, status=200, body=b"", kind="text/plain", headers=()):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def handle_any(self):
        self.body = self.read_body()
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        first, _, self.rest = url.path.removeprefix("/").partition("/")
        handler = getattr(self, "path_" + first.replace("-", "_"), None)
        if self.path.startswith("http://"):
            handler = self.path_echo
        if self.command == "CONNECT":
            handler = self.tunnel
        if handler:
            handler()
        else:
            self.answer(404, "there is nothing here\n")

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def path_echo(self):
        headers = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        certificate = self.connection.getpeercert() if hasattr(self.connection, "getpeercert") else None
        subject = {name: value for part in (certificate or {}).get("subject", ()) for name, value in part}
        self.answer(body=json.dumps({
            "method": self.command, "path": self.path, "version": self.request_version, "headers": headers,
            "body": self.body.decode("latin-1"), "size": len(self.body), "query": self.query,
            "sum": hashlib.sha256(self.body).hexdigest(), "client": subject.get("commonName"),
            "form": urllib.parse.parse_qs(self.body.decode("latin-1"), keep_blank_values=True)
            if "urlencoded" in self.headers.get("Content-Type", "") else None,
            "parts": self.parts(), "connection": id(self.connection),
        }), kind="application/json")

    def parts(self):
        found = re.match(r"multipart/form-data; boundary=(\S+)", self.headers.get("Content-Type", ""))
        parts = []
        for part in self.body.split(b"--" + found[1].encode())[1:-1] if found else ():
            head, _, text = part.partition(b"\r\n\r\n")
            parts.append({"head": head.decode("latin-1").strip(), "text": text[:-2].decode("latin-1")})
        return parts

    def path_status(self):
        bodiless = self.rest in ("204", "304")
        self.answer(int(self.rest), "" if bodiless else f"this is\nstatus {self.rest}\n")

    def path_redirect(self):
        left = int(self.rest)
        self.answer(302, headers=[("Location", f"/redirect/{left - 1}" if left > 1 else "/echo")])

    def path_redirect_to(self):
        self.answer(int(self.query["code"][0]), headers=[("Location", self.query["to"][0])])

    def path_cookie(self):
        session = self.rest or "abc"
        self.answer(headers=[("Set-Cookie", f"session={session}; Path=/; HttpOnly"), ("Set-Cookie", "color=blue; Path=/")])

    def path_logout(self):
        self.answer(headers=[("Set-Cookie", "session=; Path=/; Max-Age=0")])

    def path_headers(self):
        self.answer(headers=[("X-Many", "one"), ("x-many", "two"), ("X-Empty", ""), ("X-Odd", " spaced  ")])

    def path_bad_json(self):
        self.answer(body='{"a": 1,}', kind="application/problem+json; charset=utf-8")

    def path_plain_json(self):
        self.answer(body=' [1, {"a": null}]', kind="text/plain")

    def path_bytes(self):
        self.answer(body=bytes(range(256)), kind="application/octet-stream")

    def path_xml(self):
        self.answer(body=NOTES, kind="application/xml")

    def path_html(self):
        self.answer(body="<html><body><p class=a>one<br>two<p>three</body>", kind="text/html; charset=utf-8")

    def path_entities(self):
        self.answer(body='<!DOCTYPE b [<!ENTITY a "text">]><b>&a;</b>', kind="text/xml")

    def path_bomb(self):
        self.answer(body=BOMB, kind="text/xml")

    def path_large(self):
        self.answer(body=b"0123456789" * (int(self.rest) // 10))

    def path_gzip(self):
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        text = b"0" * int(self.rest)
        self.answer(body=gzip.compress(text) if accepted else text,
                    headers=[("Content-Encoding", "gzip")] if accepted else [])

    def path_basic(self):
        wanted = "Basic " + base64.b64encode(b"ada:lovelace").decode()
        if self.headers.get("Authorization") == wanted:
            self.path_echo()
        else:
            self.answer(401, headers=[("WWW-Authenticate", 'Basic realm="peer"')])

    def path_bearer(self):
        self.answer(200 if self.headers.get("Authorization") == "Bearer a-token" else 401)

    def path_digest(self):
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
        if fields:
            secret = md5("ada:peer:lovelace")
            request = md5(f"{self.command}:{self.path}")
            wanted = md5(":".join((secret, fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"], request)))
            if fields["response"] == wanted:
                return self.path_echo()
        self.answer(401, headers=[("WWW-Authenticate", 'Digest realm="peer", nonce="n0nce", qop="auth"')])

    def path_trailers(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Sum")
        self.end_headers()
        self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n")

    def path_set_cookies(self):
        self.answer(headers=[("Set-Cookie", cookie) for cookie in self.query["cookie"]])

    def tunnel(self):
        """CONNECT, as a proxy has it; who asked is kept for /waiting/tunnels."""
        host, _, port = self.path.replace("localhost:", "127.0.0.1:").rpartition(":")  # there may be no /etc/hosts
        with self.lock:
            self.waiting["tunnels"] += 1
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pass_on, args=(far, self.connection), daemon=True).start()
            pass_on(self.connection, far)
        self.close_connection = True

    def path_ws(self):
        ws_peer.serve(self)

    def path_silent(self):
        """Never answers; ends when the client goes."""
        with self.lock:
            self.waiting[self.rest] += 1
        try:
            self.connection.recv(1)
        finally:
            with self.lock:
                self.waiting[self.rest] -= 1
        self.close_connection = True

    def path_waiting(self):
        """How many clients of /silent/NAME are there."""
        self.answer(body=str(self.waiting[self.rest]), kind="application/json")

    def path_stalled(self):
        """Half of a body, and no more."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
        self.path_silent()


class Local(Friendly):
    disable_nagle_algorithm = False  # a Unix socket has none


def pass_on(here, there):
    """All that comes here goes there."""
    try:
        while data := here.recv(65536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def until_gone(connection, chunk):
    """Sends as long as the client takes it."""
    try:
        while True:
            connection.sendall(chunk)
    except OSError:
        pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def endless_gzip(connection):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    zeros = bytes(1 << 20)
    try:
        while True:
            connection.sendall(packer.compress(zeros))
    except OSError:
        pass


OK = b"HTTP/1.1 200 OK\r\n"
HOSTILE = {
    "close": lambda c: None,
    "reset": reset,
    "garbage": lambda c: c.sendall(b"\x00\x01\x02 hello\r\n\r\n"),
    "http09": lambda c: c.sendall(b"<p>hello</p>"),
    "short": lambda c: c.sendall(OK + b"Content-Length: 100\r\n\r\nonly this"),
    "negative": lambda c: c.sendall(OK + b"Content-Length: -5\r\n\r\nabc"),
    "bad-chunk": lambda c: c.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
    "bad-gzip": lambda c: c.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
    "endless-line": lambda c: (c.sendall(OK + b"X-Long: "), until_gone(c, b"x" * 4096)),
    "endless-headers": lambda c: (c.sendall(OK), until_gone(c, b"X-Header: one more\r\n" * 100)),
    "endless-1xx": lambda c: until_gone(c, b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless-body": lambda c: (c.sendall(OK + b"\r\n"), until_gone(c, b"x" * 65536)),
    "endless-chunks": lambda c: (c.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n"), until_gone(c, b"1\r\nx\r\n" * 1000)),
    "endless-gzip": endless_gzip,
    "endless-trailers": lambda c: (c.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
                                   until_gone(c, b"X-Header: one more\r\n" * 100)),
    "folded": lambda c: c.sendall(OK + b"X-Folded: one\r\n  two\r\nContent-Length: 0\r\n\r\n"),
    "no-colon": lambda c: c.sendall(OK + b"No colon here\r\nContent-Length: 0\r\n\r\n"),
    "to-file": lambda c: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
}


class Raw(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.request.recv(4096)
            if not more:
                return
            head += more
        name = head.split()[1].decode().lstrip("/")
        HOSTILE[name](self.request)
        try:
            self.request.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Quiet:
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client)


class Server(Quiet, http.server.ThreadingHTTPServer):
    request_queue_size = 128


class RawServer(Quiet, socketserver.ThreadingTCPServer):
    pass


class UnixServer(Quiet, socketserver.ThreadingUnixStreamServer):
    pass


class TlsServer(Server):
    def finish_request(self, request, client):
        """The handshake is done in the connection's own thread."""
        request.settimeout(10)
        request.do_handshake()
        request.settimeout(None)
        super().finish_request(request, client)


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address


def make_certificates(folder):
    """An authority, and certificates of it for a server and a client."""
    run = lambda *words: subprocess.run(("openssl",) + words, cwd=folder, check=True, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
    with open(folder + "/names", "w", encoding="ascii") as names:
        names.write("subjectAltName=DNS:localhost\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=the authority", "-days", "2")
    for name in ("server", "client"):
        run("req", *key, "-keyout", name + ".key", "-out", name + ".csr", "-subj", f"/CN=the {name}")
        run("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", name + ".pem", "-days", "2", "-extfile", "names")


def start(folder):
    make_certificates(folder)
    tls = TlsServer(("127.0.0.1", 0), Friendly, bind_and_activate=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    context.load_verify_locations(folder + "/ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    tls.socket = context.wrap_socket(tls.socket, server_side=True, do_handshake_on_connect=False)
    tls.server_bind()
    tls.server_activate()
    serve(UnixServer(folder + "/socket", Local))
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    return closed, {
        "HTTP_URL": "http://127.0.0.1:%d" % serve(Server(("127.0.0.1", 0), Friendly))[1],
        "HTTP_RAW": "http://127.0.0.1:%d" % serve(RawServer(("127.0.0.1", 0), Raw))[1],
        "HTTP_TLS": "https://localhost:%d" % serve(tls)[1],
        "HTTP_UNIX": folder + "/socket",
        "HTTP_CLOSED": "http://127.0.0.1:%d" % closed.getsockname()[1],
        "HTTP_CA": folder + "/ca.pem", "HTTP_CERT": folder + "/client.pem", "HTTP_KEY": folder + "/client.key",
    }


def main():
    folder = tempfile.mkdtemp(prefix="http-peer-")
    try:
        closed, where = start(folder)
        status = subprocess.call(sys.argv[1:], env={**os.environ, **where})
        closed.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
