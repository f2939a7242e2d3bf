// Coming back to a room whose WebSocket was lost while its audio goes on: no SDP, no ICE, nobody hears a thing.

import { RoomError } from "./problem.js";
import { Backoff, wait } from "./recovery.js";
import { Signal } from "./signal.js";

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
 * @param {() => boolean} isAlive whether audio still flows; without it there is nothing to take up
 * @returns {Promise<{signal: Signal, resumed: import("./signal.js").Resumed}>}
 * @throws {RoomError} `unreachable` where joining anew may help, or why one must stay out
 */
export async function resume(way, secret, stop, isAlive) {
  const backoff = new Backoff();
  const giveUpMs = performance.now() + RESUME_FOR_MS;
  while (performance.now() < giveUpMs) {
    await wait(backoff.next(), stop);
    if (stop.aborted || !isAlive()) break;
    try {
      return await attempt(way, secret, stop);
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
 */
async function attempt(way, secret, stop) {
  const [signal, token] = await Promise.all([Signal.open(way.url), way.token()]);
  const resumed = await signal.request({ type: "resume", token, resume: secret }).catch((error) => {
    signal.close();
    throw error;
  });
  if (resumed.type === "resumed" && !stop.aborted) return { signal, resumed };
  signal.close();
  throw new RoomError("protocol", "The server answered something else to the resumption.");
}
