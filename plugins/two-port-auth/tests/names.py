# names.py - our roles where /etc/hosts names nobody.  Without a name service localhost is this machine even so; while
# one, 127.0.0.1, hears and never answers, who waits for it can be stopped.  It needs a network of its own: see names.sh.  Usage: python3 names.py PATH/runner
import fcntl
import os
import shutil
import socket
import struct
import sys
import tempfile

from roles import LIMIT, Role, end_all

RUNNER = os.path.abspath(sys.argv[1])
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


def ends_when_stopped(folder, service, status, *role):
    """SIGTERM while it waits for the name service."""
    service.setblocking(False)
    try:
        while service.recv(4096):
            pass  # what others have asked
    except BlockingIOError:
        service.settimeout(LIMIT)
    waiting = Role(RUNNER, folder, *role, cwd=folder)
    assert service.recv(4096), "nobody asks"
    assert waiting.end() == status, (role, waiting.errors())


def main():
    raise_loopback()
    folder = tempfile.mkdtemp(prefix="two-port-auth-names-")
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server = Role(RUNNER, folder, "two-port-auth.server", "--host", "localhost", cwd=folder).ready()
        ports = [server.exports[name].rsplit(":", 1)[1] for name in ("registration", "authentication")]
        urls = [f"--{name}=http://localhost:{port}" for name, port in zip(("registration", "authentication"), ports)]
        client = Role(RUNNER, folder, "two-port-auth.client", *urls)
        assert client.process.wait(LIMIT) == 0, client.errors()
        service.bind(("127.0.0.1", 53))
        ends_when_stopped(folder, service, 2, "two-port-auth.client", "--registration=http://nobody.example:1")
        assert server.end() == 0, server.errors()
        ends_when_stopped(folder, service, 0, "two-port-auth.server", "--host", "nobody.example")
    finally:
        end_all()
        service.close()
        shutil.rmtree(folder)


main()
