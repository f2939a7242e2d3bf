// One Chromium speaks, another listens through stoa.js with packets of every length, and changes between them; at the
// end the speaker's line is cut in the middle of a word.
//
// Takes {speech, origin, room, speaker, listener}: an edge, a room, tokens. Tells what the listening Chromium counted
// while each length was steady, around each change, and after the cut.

import { readFile } from "node:fs/promises";

import { launch, pause, tell, wishes } from "./chromium.mjs";

const wish = wishes();
/** For the jitter buffer to find its length after the first packets. */
const SETTLE_MS = 5_000;
/** How long a length is watched while nothing changes. */
const STEADY_MS = 3_000;
/** How long a change is watched beyond its own time: several packets of the longest length. */
const AFTER_MS = 2_000;
/** The first of all lengths, then those changed to: up and down, by one step and by all. */
const LENGTHS_MS = [60, 20, 60, 100, 120, 40, 120];

/** A page of the edge that does nothing by itself. One of the test's own would not be let to the edge's WebSocket. */
async function open(browser) {
  const page = await (await browser.newContext()).newPage();
  page.on("console", (message) => process.stderr.write(`${message.text()}\n`));
  await page.goto(`${wish.origin}/health/live`);
  return page;
}

/** Joins with packets of the first length. */
async function join({ room, listener }, packetMs) {
  const { Room } = await import("/stoa.js");
  globalThis.room = new Room({ room, token: listener, name: "Ear" });
  await globalThis.room.join({ publish: false, packetMs });
}

/** Sums over all slots. */
async function counted() {
  const sums = { packets: 0, samples: 0, concealed: 0, silent: 0, events: 0, lost: 0, delay: 0, emitted: 0 };
  for (const entry of (await globalThis.room.peerConnection.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    sums.packets += entry.packetsReceived;
    sums.samples += entry.totalSamplesReceived;
    sums.concealed += entry.concealedSamples;
    sums.silent += entry.silentConcealedSamples;
    sums.events += entry.concealmentEvents;
    sums.lost += entry.packetsLost;
    sums.delay += entry.jitterBufferDelay;
    sums.emitted += entry.jitterBufferEmittedCount;
  }
  return sums;
}

/** What was counted while something was done; sound that was invented, without what was silent anyway. */
async function during(page, act) {
  const before = await page.evaluate(counted);
  await act();
  const after = await page.evaluate(counted);
  const grown = (key) => after[key] - before[key];
  return {
    packets: grown("packets"),
    lost: grown("lost"),
    events: grown("events"),
    inventedMs: (grown("concealed") - grown("silent")) / 48,
    bufferMs: (1_000 * grown("delay")) / grown("emitted"),
  };
}

const [speaking, listening] = await Promise.all([launch({ speech: wish.speech }), launch()]);
try {
  const [speaker, listener] = [await open(speaking), await open(listening)];
  await speaker.addScriptTag({ content: await readFile(new URL("client.js", import.meta.url), "utf8") });
  await speaker.evaluate(({ path, token }) => speak(path, token), { path: `/v1/rooms/${wish.room}/whip`, token: wish.speaker });
  await listener.evaluate(`(${join})(${JSON.stringify(wish)}, ${LENGTHS_MS[0]})`);
  await pause(SETTLE_MS);
  const steps = [];
  for (const [index, ms] of LENGTHS_MS.entries()) {
    const change = index === 0 ? null : await during(listener, async () => {
      await listener.evaluate((length) => globalThis.room.setPacketMs(length), ms);
      await pause(AFTER_MS);
    });
    steps.push({ from: LENGTHS_MS[index - 1] ?? null, ms, change, steady: await during(listener, () => pause(STEADY_MS)) });
  }
  const cut = await during(listener, async () => {
    // Not a word to the edge: the frames just stop.
    await speaking.close();
    await pause(AFTER_MS);
  });
  tell({ steadyMs: STEADY_MS, steps, cut });
} finally {
  await Promise.all([speaking.close(), listening.close()]);
}
