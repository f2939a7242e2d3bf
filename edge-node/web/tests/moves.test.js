import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { joined, settle, world } from "./world.js";
import { Room } from "../stoa.js";

const HOME = "edge.example";
/** @type {Room} */
let room;
/** @type {string[]} */
let states;

beforeEach(() => world.reset());
afterEach(() => room.leave());

test("an asked client joins the edge that it is told, plays both for a moment, and leaves the first", async () => {
  await enter(["https://a.example"]);
  drain({ after_ms: 0, alternatives: ["https://b.example", "https://a.example"] });
  await until(() => world.said("join").length === 2);
  const [before, after] = world.sockets;
  assert.equal(new URL(after?.url ?? "").host, "b.example");
  assert.equal(world.said("join")[1].resume, "secret");
  assert.equal(world.peers[0]?.connectionState, "connected", "the first plays on");
  await until(() => world.said("leave").length === 1);
  assert.equal(before?.said.at(-1).type, "leave");
  assert.equal(world.peers[0]?.connectionState, "closed");
  assert.deepEqual(states, ["connecting", "connected"], "nobody notices");
});

test("an edge that takes nobody in is no alternative, and what it recommends is", async () => {
  await enter([]);
  world.serve = (message, { url }) => {
    if (message.type !== "join" || new URL(url).host !== "b.example") return message.type === "join" ? joined() : { type: "ok" };
    return { type: "error", problem: { type: "/problems/edge-full", status: 503, alternatives: ["https://c.example"] } };
  };
  drain({ after_ms: 0, alternatives: ["https://b.example"] });
  await until(() => hosts().includes("c.example") && world.said("leave").length === 1);
  assert.deepEqual(hosts(), [HOME, "b.example", "c.example"]);
});

test("who is asked to stay after all stays where he is", async () => {
  await enter(["https://a.example"]);
  drain({ after_ms: 60_000 });
  world.sockets[0]?.hear({ type: "staying" });
  await settle();
  await room.mute();
  assert.deepEqual([hosts(), states], [[HOME], ["connecting", "connected"]]);
  drain({ after_ms: 0 });
  await until(() => hosts().length === 2);
});

test("whose edge is gone asks it once more and then goes to the next", async () => {
  await enter(["https://a.example"]);
  world.dead.add(HOME);
  world.sockets[0]?.drop();
  await until(() => world.said("join").length === 2);
  assert.deepEqual(hosts(), [HOME, HOME, HOME, "a.example"]);
});

test("an edge that does not even refuse costs a moment", async () => {
  await enter(["https://a.example"]);
  world.mute.add(HOME);
  const peer = world.peers[0];
  if (peer !== undefined) peer.connectionState = peer.iceConnectionState = "failed";
  world.sockets[0]?.drop();
  const beganMs = performance.now();
  await until(() => world.said("join").length === 2);
  assert.ok(performance.now() - beganMs < 1_000);
  assert.equal(hosts().at(-1), "a.example");
});

/** @param {string[]} alternatives */
async function enter(alternatives) {
  world.serve = (message) => (message.type === "join" ? joined({ alternatives }) : { type: "ok" });
  room = new Room({ room: "agora", token: "token" });
  states = [];
  room.on("state", ({ state }) => states.push(state));
  await room.join();
}

/** @param {object} more */
function drain(more) {
  world.sockets[0]?.hear({ type: "closed", reason: "draining", ...more });
}

function hosts() {
  return world.sockets.map(({ url }) => new URL(url).host);
}

/** @param {() => boolean} holds */
async function until(holds) {
  const end = performance.now() + 4_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}; ${hosts()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
