// One's own voice in a room: the microphone, and whether it is muted, by oneself or by a moderator.

import { Microphone } from "./microphone.js";

/** A roster may be this much older than our own word; until then our word counts. */
const ROSTER_LAG_MS = 1_500;

/**
 * How much silence follows the last word before the edge is told of a mute and drops the rest. Without it the
 * listeners' browsers stretch that word for up to half a second.
 */
const TAIL_MS = 120;

/** Lives as long as the room; the microphone comes and goes. */
export class Voice {
  /** @type {(muted: boolean) => void} */
  onmuted = () => {};
  /** The microphone was unplugged, or the system took it. */
  onended = () => {};

  /** @type {Microphone | null} */
  #microphone = null;
  #muted = false;
  #saidMs = -Infinity;
  /** Grows with each `close`, so that a microphone which opens afterwards is closed again. */
  #generation = 0;

  /** Whether a microphone is open. */
  get open() {
    return this.#microphone !== null;
  }

  get muted() {
    return this.#muted;
  }

  /** @returns {MediaStreamTrack | null} */
  get track() {
    return this.#microphone?.track ?? null;
  }

  /** How loud one is: root mean square, 0 to 1; 0 while muted. */
  get level() {
    return this.#microphone?.level() ?? 0;
  }

  /**
   * Opens a microphone, or takes a track that somebody else owns.
   * @param {true | MediaStreamTrack} source
   * @param {import("./microphone.js").MicrophoneOptions} [options]
   * @throws {import("./problem.js").RoomError}
   */
  async start(source, options) {
    const generation = this.#generation;
    const microphone = source === true ? await Microphone.open(options) : new Microphone(source, false);
    if (generation !== this.#generation) return microphone.stop();
    this.#microphone?.stop();
    this.#microphone = microphone;
    microphone.track.enabled = !this.#muted;
    microphone.onended = () => this.onended();
  }

  /**
   * Changes the device of an open microphone.
   * @param {import("./microphone.js").MicrophoneOptions} options
   * @throws {import("./problem.js").RoomError}
   */
  async change(options) {
    await this.#microphone?.change(options);
  }

  /**
   * Says whether one is muted; rosters that are under way are ignored for a moment.
   * @param {boolean} muted
   */
  say(muted) {
    this.#saidMs = performance.now();
    this.#apply(muted);
  }

  /**
   * Hears from a roster whether one is muted. A moderator may mute us; nobody may unmute us from afar.
   * @param {boolean} muted
   * @param {boolean} [isNewer] certainly newer than our own word
   */
  hear(muted, isNewer = false) {
    if (!muted || this.#muted) return;
    if (isNewer) return this.#apply(true);
    const waitMs = this.#saidMs + ROSTER_LAG_MS - performance.now();
    if (waitMs <= 0) this.#apply(true);
  }

  /**
   * Makes the microphone fit how one stands in the room, without renegotiation.
   * @param {import("./session.js").Session | undefined} session
   * @param {boolean} isOnStage only then it is on the line
   * @param {boolean} isWanted it may soon be; otherwise it is let go
   */
  async fit(session, isOnStage, isWanted) {
    if (!isWanted) {
      this.close();
      this.say(true);
    }
    await session?.setTrack(isOnStage ? this.track : null);
  }

  /** Resolves once silence has followed the last word. */
  async fallSilent() {
    if (this.#microphone !== null) await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
  }

  /** Lets the microphone go. */
  close() {
    this.#generation += 1;
    this.#microphone?.stop();
    this.#microphone = null;
  }

  /** @param {boolean} muted */
  #apply(muted) {
    if (this.#microphone !== null) this.#microphone.track.enabled = !muted;
    if (this.#muted === muted) return;
    this.#muted = muted;
    this.onmuted(muted);
  }
}
