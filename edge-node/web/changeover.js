// What is heard, and what is made ready beside it, so that nobody hears a gap when one edge follows another.

import { Playback } from "./playback.js";
import { heard } from "./pulse.js";

/** What is new is heard once it has come for so long: its jitter buffer has found its length then. */
const READY_AFTER_MS = 400;
/** Where nobody says anything, nothing can be missed either. */
const READY_AT_MOST_MS = 1_500;

/** Two sets of audio elements, both unlocked by the gesture of the join. */
export class Changeover {
  /** The browser plays nothing before a gesture; call `resume()` in one. */
  onblocked = () => {};

  #heard = new Playback();
  #next = new Playback();
  /** @type {import("./session.js").Session | null} */
  #prepared = null;

  constructor() {
    this.#heard.onblocked = () => this.onblocked();
    this.#next.muted = true;
  }

  /** @param {number} count of elements */
  unlock(count) {
    this.#heard.unlock(count);
    this.#next.unlock(count);
  }

  /**
   * Plays a session from now on, and no other: seamlessly, if it was prepared.
   * @param {import("./session.js").Session} session
   */
  play(session) {
    if (this.#prepared === session) this.#change();
    else this.#heard.play(session.tracks);
    this.#prepared = null;
  }

  /**
   * Plays a session that nobody hears yet, until it can follow what is heard.
   * @param {import("./session.js").Session} session
   */
  async prepare(session) {
    this.#prepared = session;
    this.#next.play(session.tracks);
    await heard(session.receiving, { forMs: READY_AFTER_MS, atMostMs: READY_AT_MOST_MS });
  }

  /** What was made ready is heard from now on, and what was heard no longer. */
  #change() {
    [this.#heard, this.#next] = [this.#next, this.#heard];
    this.#heard.onblocked = () => this.onblocked();
    this.#heard.muted = false;
    this.#next.onblocked = () => {};
    this.#next.muted = true;
    this.#next.stop();
  }

  /** Tries to play again, after the person's gesture. */
  resume() {
    this.#heard.resume();
    this.#next.resume();
  }

  /** @param {string} deviceId empty: the system's default */
  async setOutput(deviceId) {
    await Promise.all([this.#heard.setOutput(deviceId), this.#next.setOutput(deviceId)]);
  }

  /** Ends playing. */
  stop() {
    this.#heard.stop();
    this.#next.stop();
  }
}
