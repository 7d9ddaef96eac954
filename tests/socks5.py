#!/usr/bin/env python3
"""A SOCKS5 server without a password, for the tests: `tests/socks5.py HOST:PORT`.

It says `ready`, and then `asked HOST:PORT` for each connection that somebody wants through it.
"""
import asyncio
import socket
import struct
import sys


async def pass_on(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def target(reader):
    """Where a request leads, if it is for a connection by an address or a name."""
    _, command, _, kind = await reader.readexactly(4)
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    else:
        host = socket.inet_ntop(*((socket.AF_INET6, await reader.readexactly(16)) if kind == 4
                                  else (socket.AF_INET, await reader.readexactly(4))))
    port, = struct.unpack("!H", await reader.readexactly(2))
    return (host, port) if command == 1 else None


async def serve(reader, writer):
    try:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        where = await target(reader)
        print(f"asked {where[0]}:{where[1]}", flush=True)
        to_reader, to_writer = await asyncio.open_connection(*where)
    except (OSError, TypeError, asyncio.IncompleteReadError):
        writer.write(b"\x05\x05\x00\x01" + bytes(6))
        writer.close()
        return
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    await asyncio.gather(pass_on(reader, to_writer), pass_on(to_reader, writer))
    to_writer.close()
    writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(serve, host, int(port))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
