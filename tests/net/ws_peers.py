#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python3-websockets, which is not ours, as a client of the echo server: ws_peers.py ECHO_SERVER."""

import asyncio
import os
import sys

sys.dont_write_bytecode = True
try:
    import websockets
except ImportError:
    print("1..0 # SKIP python3-websockets is not installed")
    sys.exit(0)
from echo_program import echo_program  # noqa: E402


def connect(url, **more):
    return websockets.connect(url, compression=None, max_size=None, **more)


async def echoes_text_and_binary(url):
    async with connect(url) as peer:
        for message in ["", "hello", "Grüße, 世界 🚢", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536,
                        b"", b"\x00\xff" * 10, os.urandom(100000)]:
            await peer.send(message)
            assert await peer.recv() == message


async def echoes_large_messages(url):
    async with connect(url) as peer:
        message = os.urandom(8 << 20)
        await peer.send(message)
        assert await peer.recv() == message


async def echoes_fragments_as_one_message(url):
    async with connect(url) as peer:
        await peer.send(["one ", "two ", "three"])
        assert await peer.recv() == "one two three"
        await peer.send([b"a"] * 1000)
        assert await peer.recv() == b"a" * 1000


async def keeps_order_with_many_on_the_way(url):
    async with connect(url) as peer:
        messages = [f"message {i}" for i in range(2000)]

        async def send():
            for message in messages:
                await peer.send(message)

        sending = asyncio.ensure_future(send())
        for message in messages:
            assert await peer.recv() == message
        await sending


async def answers_pings(url):
    async with connect(url) as peer:
        for payload in [b"", b"x", b"x" * 125]:
            pong = await peer.ping(payload)
            await asyncio.wait_for(pong, 10)


async def echoes_close_codes(url):
    for code in [1000, 1001, 3000, 4999]:
        async with connect(url) as peer:
            await peer.close(code=code, reason="done")
            assert peer.close_code == code, peer.close_code


async def offers_compression_in_vain(url):
    async with websockets.connect(url) as peer:
        assert not peer.extensions
        await peer.send("plain")
        assert await peer.recv() == "plain"


async def serves_many_at_once(url):
    async def one(number):
        async with connect(url) as peer:
            for i in range(20):
                await peer.send(f"{number} {i}")
                assert await peer.recv() == f"{number} {i}"

    await asyncio.gather(*(one(number) for number in range(50)))


async def refuses_another_origin(url):
    try:
        async with connect(url, origin="http://elsewhere.example"):
            raise AssertionError("the connection was accepted")
    except websockets.exceptions.InvalidStatusCode as error:
        assert error.status_code == 403, error.status_code


CASES = [echoes_text_and_binary, echoes_large_messages, echoes_fragments_as_one_message,
         keeps_order_with_many_on_the_way, answers_pings, echoes_close_codes,
         offers_compression_in_vain, serves_many_at_once, refuses_another_origin]


def run(number, case, *arguments):
    try:
        asyncio.run(asyncio.wait_for(case(*arguments), 120))
    except Exception as error:  # any failure is a failed case
        print(f"not ok {number} - {case.__name__}\n# {type(error).__name__}: {error}", flush=True)
        return 1
    print(f"ok {number} - {case.__name__}", flush=True)
    return 0


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    with echo_program(sys.argv[1]) as url:
        for number, case in enumerate(CASES, 1):
            failed += run(number, case, url)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
