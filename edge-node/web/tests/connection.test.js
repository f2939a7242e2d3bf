import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../connection.js";
import { RoomError } from "../problem.js";

test("on a draining server audio plays on until a place elsewhere is found, then it is left", async () => {
  const { connection, signal, session, happened } = connected();
  assert.equal(connection.isFine, true);
  signal.ondraining(new RoomError("draining", "This server is being replaced.", { alternatives: ["https://a"] }));
  assert.deepEqual(happened, ["others: https://a", "leaving: draining"]);
  assert.deepEqual([connection.isFine, connection.isLeaving, connection.isAudible, session.closed], [false, true, true, false]);
  connection.moveOn();
  await settle();
  assert.deepEqual(happened.slice(2), ["said leave", "session closed", "signal closed"]);
});

test("a server that stays after all is as good as before", () => {
  const { connection, signal, happened } = connected();
  signal.ondraining(new RoomError("draining", "This server is being replaced."));
  signal.onstaying();
  assert.deepEqual(happened, ["others: ", "leaving: draining", "staying"]);
  assert.equal(connection.isFine, true);
  connection.check();
  connection.close();
});

test("a draining server whose time was up is lost", () => {
  const { connection, signal, happened } = connected();
  signal.ondraining(new RoomError("draining", "This server is being replaced."));
  signal.onlost(new RoomError("draining", "Its time was up."));
  assert.equal(happened.at(-1), "lost: draining");
  assert.equal(connection.isLeaving, false);
  assert.throws(() => connection.check(), { kind: "unreachable" });
});

test("a connection that is closed for another reason says nothing", async () => {
  const { connection, happened } = connected();
  connection.close();
  await settle();
  assert.deepEqual(happened, ["session closed", "signal closed"]);
});

test("who leaves a draining server says so once", async () => {
  const { connection, signal, happened } = connected();
  signal.ondraining(new RoomError("draining", "This server is being replaced."));
  await connection.leave();
  await settle();
  assert.deepEqual(happened.slice(2), ["said leave", "session closed", "signal closed"]);
});

async function settle() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

function connected() {
  /** @type {string[]} */
  const happened = [];
  const signal = {
    /** @type {(error: RoomError) => void} */
    ondraining: () => {},
    /** @type {(error: RoomError) => void} */
    onlost: () => {},
    onstaying: () => {},
    close: () => happened.push("signal closed"),
    /** @param {{type: string}} message */
    request: async (message) => {
      happened.push(`said ${message.type}`);
      return { type: "ok" };
    },
  };
  const session = {
    closed: false,
    receiving: [],
    close() {
      this.closed = true;
      happened.push("session closed");
    },
  };
  const connection = new Connection(/** @type {any} */ (signal), /** @type {any} */ (session), /** @type {any} */ ({}), []);
  connection.onlost = (error) => happened.push(`lost: ${error.kind}`);
  connection.onleaving = (error) => happened.push(`leaving: ${error.kind}`);
  connection.onstaying = () => happened.push("staying");
  connection.onothers = (others) => happened.push(`others: ${others}`);
  return { connection, signal, session, happened };
}
