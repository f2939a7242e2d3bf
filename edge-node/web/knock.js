// Which of several edges answers first: each has a head start over the next, so that a dead one costs a moment.

import { RoomError } from "./problem.js";
import { Signal } from "./signal.js";

/** How much sooner one is asked than the next; an edge that lives mostly answers within. */
const HEAD_START_MS = 300;

/**
 * Opens a WebSocket to the first edge that answers.
 * @param {string[]} urls of WebSockets, the dearest first
 * @returns {Promise<{signal: Signal, url: string}>}
 * @throws {RoomError} what the first one says, if none answers
 */
export function knock(urls) {
  return new Promise((resolve, reject) => {
    let next = 0;
    let open = 0;
    let isOver = false;
    /** @type {unknown} */
    let first;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const ask = () => {
      clearTimeout(timer);
      const url = urls[next];
      if (isOver || url === undefined) return;
      next += 1;
      open += 1;
      Signal.open(url).then((signal) => {
        if (isOver) return signal.close();
        isOver = true;
        clearTimeout(timer);
        resolve({ signal, url });
      }, (error) => {
        open -= 1;
        first ??= error;
        if (open === 0 && next === urls.length && !isOver) reject(RoomError.from(first));
        else ask();
      });
      timer = setTimeout(ask, HEAD_START_MS);
    };
    if (urls.length === 0) reject(new RoomError("unreachable", "There is no server to ask."));
    else ask();
  });
}
