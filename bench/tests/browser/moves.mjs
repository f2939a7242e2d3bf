// Edges that leave, die or fall silent while people speak and listen through stoa.js.
//
// Takes {scenario, speech, seconds, room, speaker, listener, operator, edges: [{origin, pid}], recordings: {near, far}}:
// the first edge is the one that something happens to. `near` listens there, `far` at the second edge; in `drain` the
// speaker is at the first, otherwise at the second edge. Tells what was seen; the recordings are what was heard.

import { readFile, writeFile } from "node:fs/promises";

import { launch, pause, tell, wishes } from "./chromium.mjs";
import { wave } from "./wave.mjs";

const wish = wishes();
/** What happens, happens this long after the speech has begun: when jitter buffers have found their length. */
const HAPPENS_AFTER_MS = 14_000;
/** How long an edge has to leave. */
const DEADLINE_S = 15;
/** How often an edge is asked whether it is still there. */
const LOOK_MS = 50;

const [first, second] = wish.edges;

/** A page of an edge that does nothing by itself, and records what its audio elements play. */
async function open(browser, origin) {
  const page = await (await browser.newContext()).newPage();
  page.on("console", (message) => process.stderr.write(`${message.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
  await page.goto(`${origin}/health/live`);
  for (const script of ["client.js", "ear.js"]) {
    await page.addScriptTag({ content: await readFile(new URL(script, import.meta.url), "utf8") });
  }
  await page.evaluate((source) => globalThis.record(source), await readFile(new URL("recorder.js", import.meta.url), "utf8"));
  return page;
}

/** Joins by stoa.js and writes down each state, with the edge that the newest WebSocket leads to. */
async function join({ room, token, publish }) {
  const { Room } = await import("/stoa.js");
  globalThis.states = [];
  globalThis.room = new Room({ room, token, name: publish ? "Mouth" : "Ear" });
  globalThis.room.on("state", ({ state, error }) => globalThis.states.push([state, error?.kind ?? null]));
  globalThis.room.on("error", (error) => console.log(`room: ${error.kind} ${error.message}`));
  const microphone = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  await globalThis.room.join({ publish, microphone });
}

const enter = (page, token, publish) => page.evaluate(`(${join})(${JSON.stringify({ room: wish.room, token, publish })})`);

/** What a page has seen. */
function seen(page) {
  return page.evaluate(() => ({
    states: globalThis.states,
    joins: globalThis.joins,
    participant: globalThis.room.self?.participant ?? null,
    role: globalThis.room.self?.role ?? null,
  }));
}

function drain(method, body) {
  const headers = { authorization: `Bearer ${wish.operator}`, "content-type": "application/json" };
  return fetch(`${first.origin}/v1/drain`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
}

/** Milliseconds until an edge answers nothing any more; null after the time given. */
async function goneAfter(origin, atMostMs) {
  const beganMs = performance.now();
  while (performance.now() - beganMs < atMostMs) {
    try {
      await fetch(`${origin}/health/live`);
    } catch {
      return Math.round(performance.now() - beganMs);
    }
    await pause(LOOK_MS);
  }
  return null;
}

async function isReady(origin) {
  return (await fetch(`${origin}/health/ready`)).status === 200;
}

/** What happens in each scenario, and what is to be told of it. */
const scenarios = {
  async drain() {
    const asked = await drain("POST", { deadline_s: DEADLINE_S });
    return { asked: asked.status, goneAfterMs: await goneAfter(first.origin, (DEADLINE_S + 5) * 1_000), deadlineMs: DEADLINE_S * 1_000 };
  },
  async kill() {
    process.kill(first.pid, "SIGKILL");
    return {};
  },
  async freeze() {
    process.kill(first.pid, "SIGSTOP");
    return {};
  },
};

/** Speech through all of it, recorded at both ends. */
async function spoken(happen) {
  const [speaking, listening] = await Promise.all([launch({ speech: wish.speech, once: true }), launch()]);
  try {
    const home = wish.scenario === "drain" ? first : second;
    const [near, far, mouth] = [await open(listening, first.origin), await open(listening, second.origin), await open(speaking, home.origin)];
    await enter(near, wish.listener, false);
    await enter(far, wish.listener, false);
    const before = await seen(near);
    await enter(mouth, wish.speaker, true);
    const beganMs = performance.now();
    const mouthBefore = await seen(mouth);
    await pause(HAPPENS_AFTER_MS);
    const place = (page) => page.evaluate(() => globalThis.recording.blocks.length / 10);
    const at = { near: await place(near), far: await place(far) };
    const told = await happen();
    await pause(Math.max(0, wish.seconds * 1_000 - (performance.now() - beganMs)));
    for (const [page, file] of [[near, wish.recordings.near], [far, wish.recordings.far]]) {
      await writeFile(file, wave(Buffer.from(await page.evaluate(() => recorded()), "base64")));
    }
    tell({ ...told, at, before, mouthBefore, near: await seen(near), far: await seen(far), mouth: await seen(mouth) });
  } finally {
    await Promise.all([speaking.close(), listening.close()]);
  }
}

/** A drain that is undone: by the API after the API, and after a signal. */
async function undone() {
  const browser = await launch();
  try {
    const page = await open(browser, first.origin);
    await enter(page, wish.listener, false);
    const player = await open(browser, first.origin);
    await player.evaluate(({ path, token }) => globalThis.play(path, token), { path: `/v1/rooms/${wish.room}/whep`, token: wish.listener });
    const before = await seen(page);
    const result = { asked: (await drain("POST", { deadline_s: 60 })).status };
    await page.waitForFunction(() => globalThis.joins.length === 2);
    await pause(3_000);
    result.readyWhileDraining = await isReady(first.origin);
    const visitor = await open(browser, second.origin);
    result.refused = await visitor.evaluate(async ({ room, token, origin }) => {
      const { Room } = await import("/stoa.js");
      const other = new Room({ room, token, url: origin });
      await other.join();
      const where = globalThis.joins.at(-1);
      await other.leave();
      return where;
    }, { room: wish.room, token: wish.listener, origin: first.origin });
    result.undone = await (await drain("DELETE")).json();
    result.readyAgain = await isReady(first.origin);
    process.kill(first.pid, "SIGTERM");
    await pause(1_000);
    result.readyAfterSignal = await isReady(first.origin);
    result.undoneAgain = await (await drain("DELETE")).json();
    await pause(3_000);
    result.readyAtLast = await isReady(first.origin);
    result.moved = { before, after: await seen(page) };
    result.playing = await player.evaluate(() => globalThis.recording.connection.connectionState);
    const late = await open(browser, first.origin);
    await enter(late, wish.listener, false);
    result.late = await seen(late);
    await late.close();
    await drain("POST", { deadline_s: 1 });
    result.goneAfterMs = await goneAfter(first.origin, 10_000);
    // Chromium tells so of the transport alone.
    result.playerTransport = await player.evaluate(() => globalThis.recording.connection.getReceivers()[0].transport.state);
    tell(result);
  } finally {
    await browser.close();
  }
}

await (wish.scenario === "undo" ? undone() : spoken(scenarios[wish.scenario]));
