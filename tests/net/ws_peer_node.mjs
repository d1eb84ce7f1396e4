// SPDX-License-Identifier: MIT
// Node's ws, which is not ours, as a client of the echo server: node ws_peer_node.mjs ECHO_SERVER.
// Its packages are those of tests/browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

let WebSocket;
try {
  WebSocket = createRequire(new URL("../browser/package.json", import.meta.url))("ws");
} catch {
  console.log("1..0 # SKIP the npm package ws is not installed: make setup");
  process.exit(0);
}

const server = spawn(process.argv[2], ["--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
const [line] = await once(createInterface({ input: server.stdout }), "line");
const url = line.replace("listening on ", "");

async function open(options = {}) {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  await once(socket, "open");
  return socket;
}

async function echo(socket, data, options) {
  socket.send(data, options);
  const [message, isBinary] = await once(socket, "message");
  return isBinary ? message : message.toString();
}

async function close(socket, code = 1000, reason = "") {
  socket.close(code, reason);
  const [got] = await once(socket, "close");
  return got;
}

const cases = {
  async "echoes text and binary"() {
    const socket = await open();
    for (const text of ["", "hello", "Grüße, 世界 🚢", "x".repeat(70000)]) assert.equal(await echo(socket, text), text);
    for (const size of [0, 125, 126, 65535, 65536, 4 << 20]) {
      const data = randomBytes(size);
      assert.deepEqual(await echo(socket, data), data);
    }
    assert.equal(await close(socket), 1000);
  },
  async "joins fragments"() {
    const socket = await open();
    socket.send("one ", { fin: false });
    socket.ping("between");
    socket.send("two ", { fin: false });
    socket.send("three", { fin: true });
    const [message] = await once(socket, "message");
    assert.equal(message.toString(), "one two three");
    await close(socket);
  },
  async "answers pings"() {
    const socket = await open();
    socket.ping("are you there?");
    const [payload] = await once(socket, "pong");
    assert.equal(payload.toString(), "are you there?");
    await close(socket);
  },
  async "echoes close codes"() {
    for (const code of [1000, 1001, 3000, 4999]) assert.equal(await close(await open(), code, "done"), code);
  },
  async "negotiates no compression"() {
    const socket = await open({ perMessageDeflate: true });
    assert.equal(socket.extensions, "");
    assert.equal(await echo(socket, "plain"), "plain");
    await close(socket);
  },
  async "refuses another origin"() {
    const socket = new WebSocket(url, { origin: "http://elsewhere.example" });
    const [, response] = await once(socket, "unexpected-response");
    assert.equal(response.statusCode, 403);
    socket.on("error", () => {});
    socket.terminate();
  },
  async "says 1001 when it is stopped"() {
    const socket = await open();
    server.kill("SIGINT"); // by Wine, Ctrl-C
    const [code] = await once(socket, "close");
    assert.equal(code, 1001);
    if (server.exitCode === null) await once(server, "exit");
    assert.equal(server.exitCode, 0);
  },
};

let number = 0;
let failed = 0;
console.log(`1..${Object.keys(cases).length}`);
for (const [name, run] of Object.entries(cases)) {
  number += 1;
  try {
    await run();
    console.log(`ok ${number} - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} - ${name}\n# ${String(error.stack).replaceAll("\n", "\n# ")}`);
  }
}
server.kill("SIGKILL");
process.exit(failed ? 1 : 0);
