import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { joined, settle, until, world } from "./world.js";
import { Room } from "../stoa.js";

/** @type {Room} */
let room;
/** What the room told, in order. @type {[string, any][]} */
let told;

beforeEach(() => world.reset());
afterEach(() => room.leave());

const LISTENER = { role: "listener", muted: false, hand: false, invited: false };

test("a listener offers the microphone's line without opening a microphone", async () => {
  await enter();
  assert.deepEqual(world.peers[0]?.transceivers.map(({ direction }) => direction), ["sendonly", "recvonly", "recvonly", "recvonly"]);
  assert.equal(world.onTheLine, null);
  assert.equal(world.microphones.length, 0);
  assert.equal(room.maySpeak, false);
});

test("a raised hand opens the microphone and sends nothing of it", async () => {
  await enter();
  await room.raiseHand();
  assert.equal(world.microphones.length, 1);
  assert.equal(world.microphones[0]?.enabled, false);
  assert.equal(world.onTheLine, null);
  assert.equal(world.said("hand")[0].raised, true);
});

test("a hand is not raised where the microphone is refused", async () => {
  world.microphoneAllowed = false;
  await enter();
  await assert.rejects(room.raiseHand(), { kind: "microphone-denied" });
  assert.deepEqual(world.said("hand"), []);
});

test("a hand that the room refuses lets the microphone go", async () => {
  await enter();
  world.serve = () => ({ type: "error", problem: { type: "/problems/hands-closed", status: 403, detail: "No." } });
  await assert.rejects(room.raiseHand(), { kind: "forbidden", code: "hands-closed" });
  assert.equal(world.microphones[0]?.stopped, true);
});

test("coming to the stage is a replaced track: no description, no second join", async () => {
  await enter();
  await room.raiseHand();
  stand({ hand: true });
  stand({ role: "speaker" });
  await settle();
  assert.equal(room.maySpeak, true);
  assert.deepEqual(events("stage"), [true]);
  assert.equal(world.onTheLine, world.microphones[0]);
  assert.equal(world.microphones[0]?.enabled, false, "nobody speaks before he says so");
  await room.startSpeaking();
  assert.equal(world.microphones[0]?.enabled, true);
  assert.equal(world.said("mute").at(-1).muted, false);
  assert.equal(world.descriptions, 1);
  assert.equal(world.said("join").length, 1);
});

test("whoever comes to the stage silent tells the room so", async () => {
  await enter();
  stand({ role: "speaker" });
  await until(() => world.said("mute").length === 1);
  assert.equal(world.said("mute")[0].muted, true);
});

test("leaving the stage takes the track off the line and lets the microphone go", async () => {
  await enter();
  await room.raiseHand();
  stand({ role: "speaker" });
  await room.unmute();
  stand({ role: "listener", muted: false });
  await settle();
  assert.equal(world.onTheLine, null);
  assert.equal(world.microphones[0]?.stopped, true);
  assert.deepEqual(events("stage"), [true, false]);
  assert.equal(room.muted, true);
  await assert.rejects(room.unmute(), { kind: "forbidden" });
});

test("another microphone in the audience does not go on the line", async () => {
  await enter();
  await room.raiseHand();
  stand({ hand: true });
  await room.setInput("headset");
  await settle();
  assert.equal(world.microphones.length, 2);
  assert.equal(world.microphones[0]?.stopped, true);
  assert.equal(world.onTheLine, null);
  stand({ role: "speaker" });
  await settle();
  assert.equal(world.onTheLine, world.microphones[1]);
});

test("a declined hand lets the microphone go", async () => {
  await enter();
  await room.raiseHand();
  stand({ hand: true });
  await settle();
  assert.equal(world.microphones[0]?.stopped, false);
  stand({ hand: false });
  await settle();
  assert.equal(world.microphones[0]?.stopped, true);
});

test("following an invitation opens the microphone first", async () => {
  await enter();
  stand({ invited: true });
  await room.followInvitation();
  assert.equal(world.microphones.length, 1);
  assert.deepEqual(world.said("stage").map(({ action }) => action), ["follow"]);
});

test("a moderator's mute silences the microphone at once", async () => {
  await speak();
  assert.equal(room.muted, false);
  stand({ role: "speaker", muted: true });
  assert.equal(room.muted, true);
  assert.equal(world.microphones[0]?.enabled, false);
});

test("what the server said before it heard our word about our mute does not count", async () => {
  await speak();
  await room.mute();
  world.serve = () => [];
  void room.unmute().catch(() => {});
  await until(() => world.said("mute").at(-1)?.muted === false);
  stand({ role: "speaker", muted: true });
  assert.equal(room.muted, false);
});

test("who was a speaker by his token may find himself in the audience", async () => {
  world.serve = (message) => (message.type === "join" ? joined() : { type: "ok" });
  await enter({ publish: true });
  await settle();
  assert.equal(world.onTheLine, null);
  assert.equal(world.microphones[0]?.stopped, true);
});

test("a lost connection is taken up again while audio goes on, without a word of SDP", async () => {
  await speak();
  world.serve = (message) => (message.type === "resume" ? { ...joined(), type: "resumed", ...onStage(), listeners: 7, resume: "next" } : { type: "ok" });
  world.sockets[0]?.drop();
  await until(() => room.state === "connected" && world.sockets.length === 2);
  assert.deepEqual(world.sockets[1]?.said[0], { type: "resume", token: "token", resume: "secret", id: 1 });
  assert.equal(world.descriptions, 1);
  assert.equal(room.roster.listeners, 7);
  assert.equal(world.onTheLine, world.microphones[0]);
  assert.equal(room.muted, false);
  assert.deepEqual(events("state").map(({ state }) => state), ["connecting", "connected", "reconnecting", "connected"]);
});

test("a connection that cannot be taken up is joined anew, as the same participant", async () => {
  await speak();
  world.serve = (message) => {
    if (message.type === "resume") return { type: "error", problem: { type: "/problems/forbidden", status: 403 } };
    return message.type === "join" ? joined({ ...onStage(), resume: "third" }) : { type: "ok" };
  };
  world.sockets[0]?.drop();
  await until(() => world.said("join").length === 2 && room.state === "connected");
  const [, again] = world.said("join");
  assert.equal(again.resume, "secret");
  assert.equal(again.muted, false);
  assert.equal(world.onTheLine, world.microphones[0], "he goes on speaking");
});

test("a server that does not know who one was takes one in as somebody new", async () => {
  await enter();
  world.serve = (message) => {
    if (message.type === "resume" || message.resume) return { type: "error", problem: { type: "/problems/forbidden", status: 403 } };
    return message.type === "join" ? joined({ participant: "p_2" }) : { type: "ok" };
  };
  world.sockets[0]?.drop();
  await until(() => room.self?.participant === "p_2");
  assert.equal(world.said("join").at(-1).resume, undefined);
});

test("who was replaced by himself does not come back", async () => {
  await enter();
  world.sockets[0]?.hear({ type: "closed", reason: "replaced" });
  world.sockets[0]?.drop(1000);
  await settle();
  assert.equal(room.state, "closed");
  assert.equal(events("state").at(-1).error.kind, "replaced");
  assert.equal(world.sockets.length, 1);
});

test("what is told of people becomes events, and counts reach the roster", async () => {
  await enter();
  const { hear } = server();
  hear({ type: "counts", listeners: 4_000, hands: 3 });
  hear({ type: "room", name: "The Stoa", topic: "Voices" });
  hear({ type: "reactions", reactions: { "👏": 3 } });
  assert.deepEqual(events("counts"), [{ listeners: 4_000, hands: 3 }]);
  assert.equal(events("roster").at(-1).listeners, 4_000);
  assert.deepEqual(room.self?.room, { id: "agora", name: "The Stoa", topic: "Voices" });
  assert.deepEqual(events("reactions"), [{ "👏": 3 }]);
});

test("who is no moderator any more sees no hands", async () => {
  world.serve = () => joined({ role: "moderator", standing: { ...LISTENER, role: "moderator" } });
  await enter();
  server().hear({ type: "hands", hands: [{ participant: "p_9", name: "Boris", raised_ms: 1, invited: false }] });
  assert.equal(room.hands.length, 1);
  stand({ role: "speaker" });
  assert.deepEqual(room.hands, []);
});

test("every deed says what PROTOCOL.md says", async () => {
  await enter();
  await room.acceptHand("p_9");
  await room.ban("p_9", { reason: "noise", seconds: 60 });
  await room.unban("boris");
  await room.setRole("p_9", "moderator");
  await room.muteAll();
  const said = world.said("stage").map(({ id, type, ...deed }) => deed);
  assert.deepEqual(said, [
    { action: "accept", participant: "p_9" },
    { action: "ban", participant: "p_9", reason: "noise", seconds: 60 },
    { action: "unban", identity: "boris" },
    { action: "role", participant: "p_9", role: "moderator" },
    { action: "mute-all" },
  ]);
});

test("a page of participants says where the next one begins", async () => {
  await enter();
  world.serve = ({ after }) => ({ type: "participants", participants: [], ...(after ? {} : { next: "p_50" }) });
  assert.deepEqual(await room.participants(), { participants: [], next: "p_50" });
  assert.deepEqual(await room.participants("p_50", 10), { participants: [], next: null });
  assert.deepEqual(world.said("participants").map(({ after, limit }) => [after, limit]), [[undefined, undefined], ["p_50", 10]]);
});

test("who somebody is, is looked for where his id stands, and nobody else is taken for him", async () => {
  await enter();
  const boris = { participant: "p_9b", name: "Boris", role: "listener", muted: false, hand: false, identity: "boris@example.org" };
  world.serve = () => ({ type: "participants", participants: [{ ...boris, participant: "p_9a", identity: "ada" }, boris], next: "p_9b" });
  assert.equal(await room.identityOf("p_9b"), "boris@example.org");
  assert.deepEqual(world.said("participants").map(({ after, limit }) => [after, limit]), [["p_9", 10]]);
  await assert.rejects(room.identityOf("p_9c"), { code: "participant-not-found" });
  world.serve = () => ({ type: "participants", participants: [{ ...boris, identity: undefined }] });
  await assert.rejects(room.identityOf("p_9b"), { code: "participant-not-found" });
});

/** @param {import("../options.js").JoinOptions} [options] */
async function enter(options) {
  room = new Room({ room: "agora", token: "token", name: "Ada" });
  told = [];
  for (const event of /** @type {const} */ (["state", "stage", "standing", "hands", "counts", "roster", "reactions"])) {
    room.on(event, (value) => told.push([event, value]));
  }
  await room.join(options);
}

/** Joins on the stage with an open microphone. */
async function speak() {
  world.serve = (message) => (message.type === "join" ? joined(onStage()) : { type: "ok" });
  await enter({ publish: true });
}

function onStage() {
  return { role: "speaker", standing: { ...LISTENER, role: "speaker" }, stage: [{ participant: "p_1", name: "Ada", role: "speaker", muted: false }] };
}

function server() {
  const socket = world.sockets.at(-1);
  return { hear: (/** @type {object} */ message) => socket?.hear(message) };
}

/** @param {Partial<import("../options.js").Standing>} change */
function stand(change) {
  server().hear({ type: "standing", ...LISTENER, ...change });
}

/** @param {string} type */
function events(type) {
  return told.filter(([event]) => event === type).map(([, value]) => value);
}
