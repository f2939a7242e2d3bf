import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Signal } from "../signal.js";

test("an answer finds its request by id, whatever the order", async () => {
  const { signal, socket } = connected();
  const first = signal.request({ type: "mute", muted: true });
  const second = signal.request({ type: "restart", sdp: "" });
  socket.hear({ type: "restarted", id: 2, sdp: "answer" });
  socket.hear({ type: "ok", id: 1 });
  assert.equal((await first).type, "ok");
  assert.equal((await second).type, "restarted");
  signal.close();
});

test("a refusal rejects the request and leaves the connection open", async () => {
  const { signal, socket } = connected();
  const request = signal.request({ type: "mute", muted: true, participant: "p_1" });
  socket.hear({ type: "error", id: 1, problem: { status: 403, detail: "Only a moderator may." } });
  await assert.rejects(request, { kind: "forbidden", message: "Only a moderator may." });
  assert.equal(socket.closed, false);
  signal.close();
});

test("what is not understood is passed over", () => {
  const { signal, socket } = connected();
  for (const text of ["", "{", "null", "[]", "{\"type\": 1}", "{\"type\": \"weather\"}"]) socket.onmessage?.({ data: text });
  assert.equal(socket.closed, false);
  signal.close();
});

test("the reason of a removal reaches whoever listens for the end", () => {
  const { signal, socket } = connected();
  /** @type {string[]} */
  const kinds = [];
  signal.onlost = (error) => kinds.push(error.kind);
  socket.hear({ type: "closed", reason: "removed" });
  socket.onclose?.({ code: 4403 });
  assert.deepEqual(kinds, ["removed"]);
});

test("a server that drains is told of at once, and the connection still answers", async () => {
  const { signal, socket } = connected();
  /** @type {string[]} */
  const told = [];
  signal.ondraining = (error) => told.push(`draining: ${error.kind}, ${error.passing}`);
  signal.onlost = (error) => told.push(`lost: ${error.kind}`);
  socket.hear({ type: "closed", reason: "draining" });
  assert.deepEqual(told, ["draining: draining, true"]);
  const leaving = signal.request({ type: "leave" });
  socket.hear({ type: "ok", id: 1 });
  assert.equal((await leaving).type, "ok");
  socket.onclose?.({ code: 4503 });
  assert.deepEqual(told.slice(1), ["lost: draining"]);
});

test("a connection that answers no ping is given up, and its requests with it", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { signal, socket } = connected();
  const lost = mock.fn();
  signal.onlost = lost;
  context.mock.timers.tick(10_000);
  assert.deepEqual(socket.sent, [{ type: "ping", id: 1 }]);
  context.mock.timers.tick(5_000);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  assert.equal(lost.mock.callCount(), 1);
  assert.equal(socket.closed, true);
  await assert.rejects(signal.request({ type: "ping" }), { kind: "unreachable" });
});

/** A stand-in for an open WebSocket. */
class Socket {
  readyState = 1;
  closed = false;
  /** @type {any[]} */
  sent = [];
  /** @type {((event: {data: unknown}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number}) => void) | null} */
  onclose = null;

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** @param {object} message */
  hear(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function connected() {
  // Node 20 has no WebSocket; only the constant is needed.
  Reflect.set(globalThis, "WebSocket", { OPEN: 1 });
  const socket = new Socket();
  return { socket, signal: new Signal(/** @type {any} */ (socket)) };
}
