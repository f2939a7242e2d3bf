// Whether sound comes, and whether the edge still lives when it breaks off.

/** Packets hold up to 120 ms, and pauses are told every 400 ms; who is silent for longer may be muted, or gone. */
const SILENT_MS = 400;
/** How often it is looked. */
const LOOK_MS = 100;
/** How long the edge may take to say that it lives, once its sound has broken off. */
const ANSWER_MS = 600;

/** Listens to the receivers of one session. */
export class Hearing {
  /** By receiver. @type {Map<RTCRtpReceiver, number>} */
  #newest = new Map();
  #heardMs = -Infinity;
  #sinceMs = Infinity;
  #receivers;

  /** @param {RTCRtpReceiver[]} receivers */
  constructor(receivers) {
    this.#receivers = receivers;
  }

  /**
   * Looks at the newest packets; call it every 100 ms or so.
   * @param {number} nowMs of a monotonic clock
   */
  look(nowMs) {
    let isNew = false;
    for (const receiver of this.#receivers) {
      const timestamp = receiver.getSynchronizationSources()[0]?.rtpTimestamp;
      if (timestamp === undefined || this.#newest.get(receiver) === timestamp) continue;
      this.#newest.set(receiver, timestamp);
      isNew = true;
    }
    if (!isNew) return;
    if (!this.hears(nowMs)) this.#sinceMs = nowMs;
    this.#heardMs = nowMs;
  }

  /** Whether something has come just now. @param {number} nowMs */
  hears(nowMs) {
    return nowMs - this.#heardMs < SILENT_MS;
  }

  /** For how long something has come, in milliseconds. @param {number} nowMs */
  hasHeardFor(nowMs) {
    return this.hears(nowMs) ? nowMs - this.#sinceMs : 0;
  }
}

/** Watches one connection: a WebSocket that is cut off in silence would be noticed ten seconds later. */
export class Pulse {
  #hearing;
  #timer;
  #heard = false;
  #asking = false;

  /**
   * @param {RTCRtpReceiver[]} receivers
   * @param {(timeoutMs: number) => Promise<unknown>} ask whether the edge lives
   * @param {(error: unknown) => void} ondead it does not
   */
  constructor(receivers, ask, ondead) {
    this.#hearing = new Hearing(receivers);
    this.#timer = setInterval(() => this.#look(ask, ondead), LOOK_MS);
  }

  /** Whether sound comes right now. */
  get hears() {
    return this.#hearing.hears(performance.now());
  }

  stop() {
    clearInterval(this.#timer);
  }

  /**
   * @param {(timeoutMs: number) => Promise<unknown>} ask
   * @param {(error: unknown) => void} ondead
   */
  #look(ask, ondead) {
    this.#hearing.look(performance.now());
    const { hears } = this;
    if (this.#heard && !hears && !this.#asking) {
      this.#asking = true;
      ask(ANSWER_MS).then(() => {
        this.#asking = false;
      }, ondead);
    }
    this.#heard = hears;
  }
}

/**
 * Waits until sound has come for a while, or until it is clear that nobody says anything.
 * @param {RTCRtpReceiver[]} receivers
 * @param {{forMs: number, atMostMs: number}} patience
 * @returns {Promise<void>}
 */
export function heard(receivers, { forMs, atMostMs }) {
  const hearing = new Hearing(receivers);
  const beganMs = performance.now();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      hearing.look(nowMs);
      if (hearing.hasHeardFor(nowMs) < forMs && nowMs - beganMs < atMostMs) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS / 2);
  });
}
