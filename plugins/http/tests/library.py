#!/usr/bin/env python3
"""library.py COMMAND ARGUMENT... - runs the command with a server by Debian's python3-websockets, at WS_URL: other
hands than ours have written the other side."""
import asyncio
import os
import sys

import websockets


async def serve(socket):
    if socket.path.startswith("/push"):
        for i in range(1000):
            await socket.send('{"n": %d}' % i)
        await socket.close(1001, "bye")
        return
    if socket.path.startswith("/pieces"):
        await socket.send(["gr", "ü", "ße"])  # a frame each
        await (await socket.ping(b"are you there?"))
        await socket.send("answered")
    async for message in socket:
        await socket.send(message)


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["chat.v1"], max_size=None) as server:
        where = "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        command = await asyncio.create_subprocess_exec(*sys.argv[1:], env={**os.environ, "WS_URL": where})
        return await command.wait()


sys.exit(asyncio.run(main()))
