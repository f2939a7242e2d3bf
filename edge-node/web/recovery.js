// When to restart ICE or to join anew, and how long to wait in between.

/** Waits of a reconnect: doubled each time, within these bounds, drawn at random so that a thousand clients that
 * lost the same server do not come back in the same instant. */
const WAIT_FIRST_MS = 250;
const WAIT_MAX_MS = 8_000;
/** How long to try to come back before giving up. */
const TRY_FOR_MS = 10 * 60_000;
/** A burst of network events within this time is one change. */
const NETWORK_SETTLE_MS = 300;

/** How long to wait before the next attempt. */
export class Backoff {
  #attempts = 0;
  #random;

  /** @param {() => number} [random] uniform in 0..1 */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /**
   * @param {number} [atLeastMs] what the server asked for
   * @returns {number} milliseconds; half to all of the current bound, or a little over what the server asked for
   */
  next(atLeastMs = 0) {
    const bound = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    const wait = (bound / 2) * (1 + this.#random());
    return Math.max(wait, atLeastMs * (1 + this.#random() / 4));
  }
}

/**
 * Calls back when the network has changed: back online, another interface, or awake after a sleep.
 * @param {() => void} changed
 * @returns {() => void} stops watching
 */
export function watchNetwork(changed) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (navigator.onLine) changed();
    }, NETWORK_SETTLE_MS);
  };
  // Chromium fires `change` for every new estimate of the rate; only another kind of network matters.
  const connection = /** @type {(EventTarget & {type?: string}) | undefined} */ (Reflect.get(navigator, "connection"));
  let kind = connection?.type;
  const look = () => {
    if (connection?.type === kind) return;
    kind = connection?.type;
    settle();
  };
  globalThis.addEventListener("online", settle);
  connection?.addEventListener("change", look);
  return () => {
    clearTimeout(timer);
    globalThis.removeEventListener("online", settle);
    connection?.removeEventListener("change", look);
  };
}

/**
 * @param {number} ms
 * @param {AbortSignal} stop ends the wait early
 * @returns {Promise<void>}
 */
export function wait(ms, stop) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

/** Comes back to a room: one attempt after the other, however often it is asked for. */
export class Comeback {
  #nap = new AbortController();
  #isUnderWay = false;

  /** Ends a wait: the next attempt is made at once. */
  hurry() {
    this.#nap.abort();
  }

  /**
   * As `tryAgain`; while that is under way, it is only hurried.
   * @param {import("./problem.js").RoomError} first why a first attempt is needed
   * @param {(error: import("./problem.js").RoomError) => void} onwait called before each wait
   * @param {() => Promise<import("./problem.js").RoomError | null>} attempt null: nothing more to do
   * @returns {Promise<import("./problem.js").RoomError | null>} why it was given up
   */
  async run(first, onwait, attempt) {
    if (this.#isUnderWay) {
      this.hurry();
      return null;
    }
    this.#isUnderWay = true;
    const error = await tryAgain(first, (last) => {
      onwait(last);
      this.#nap = new AbortController();
      return this.#nap.signal;
    }, attempt);
    this.#isUnderWay = false;
    return error;
  }
}

/**
 * Tries again and again, while that may help.
 * @param {import("./problem.js").RoomError} first why a first attempt is needed
 * @param {(error: import("./problem.js").RoomError) => AbortSignal} onwait called before each wait, which the signal ends
 * @param {() => Promise<import("./problem.js").RoomError | null>} attempt null: nothing more to do
 * @returns {Promise<import("./problem.js").RoomError | null>} why it was given up
 */
export async function tryAgain(first, onwait, attempt) {
  const giveUpMs = performance.now() + TRY_FOR_MS;
  const backoff = new Backoff();
  /** @type {import("./problem.js").RoomError | null} */
  let error = first;
  while (error !== null && error.passing && performance.now() < giveUpMs) {
    await wait(backoff.next(error.retryAfterMs), onwait(error));
    error = await attempt();
  }
  return error;
}
