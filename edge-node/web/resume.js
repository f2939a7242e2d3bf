// Coming back to a room whose WebSocket was lost while its audio goes on: no SDP, no ICE, nobody hears a thing.

import { RoomError } from "./problem.js";
import { Backoff, wait } from "./recovery.js";
import { Signal } from "./signal.js";

/** How long the WebSocket may take to open, at first. */
const OPEN_FIRST_MS = 1_500;
const OPEN_MAX_MS = 8_000;
/** How long to try; an edge whose WebSocket stays away for longer has other troubles. */
const RESUME_FOR_MS = 60_000;

/** What is known to be final; any other refusal leaves joining anew. @type {Set<import("./problem.js").ProblemKind>} */
const FINAL = new Set(["room-ended", "removed", "banned", "replaced"]);

/**
 * Where and as whom to come back.
 * @typedef {{url: string, token: () => Promise<string>}} Way
 */

/**
 * Takes up a lost connection.
 * @param {Way} way
 * @param {string} secret of the last `joined` or `resumed`
 * @param {AbortSignal} stop gives up; then the promise rejects
 * @param {{isLive: () => boolean, hears: () => boolean}} audio without it there is nothing to take up; where nothing is
 *   heard either, the edge has one chance
 * @returns {Promise<{signal: Signal, resumed: import("./signal.js").Resumed}>}
 * @throws {RoomError} `unreachable` where joining anew may help, or why one must stay out
 */
export async function resume(way, secret, stop, audio) {
  const backoff = new Backoff();
  const giveUpMs = performance.now() + RESUME_FOR_MS;
  for (let failures = 0; performance.now() < giveUpMs; failures++) {
    await wait(backoff.next(), stop);
    if (stop.aborted || !audio.isLive() || (failures > 0 && !audio.hears())) break;
    try {
      return await attempt(way, secret, stop, Math.min(OPEN_MAX_MS, OPEN_FIRST_MS * 2 ** failures));
    } catch (cause) {
      const error = RoomError.from(cause);
      if (FINAL.has(error.kind)) throw error;
      if (!error.passing) break;
    }
  }
  throw new RoomError("unreachable", "The connection to the server was lost.");
}

/**
 * @param {Way} way
 * @param {string} secret
 * @param {AbortSignal} stop
 * @param {number} openMs how long the WebSocket may take to open
 */
async function attempt(way, secret, stop, openMs) {
  const [signal, token] = await Promise.all([Signal.open(way.url, openMs), way.token()]);
  const resumed = await signal.request({ type: "resume", token, resume: secret }).catch((error) => {
    signal.close();
    throw error;
  });
  if (resumed.type === "resumed" && !stop.aborted) return { signal, resumed };
  signal.close();
  throw new RoomError("protocol", "The server answered something else to the resumption.");
}
