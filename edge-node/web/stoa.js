// Stoa for web pages: join a room, speak, listen. No dependencies, no build step.
//
//     import { Room } from "/stoa.js";
//
//     const room = new Room({ room: "r_agora", token, name: "Ada" });   // url: of the edge, when it is another host
//     room.on("roster", ({ stage, listeners }) => ..);                  // who is there
//     room.on("levels", (levels) => ..);                                // Map of participant to 0..1, 12 times a second
//     room.on("state", ({ state, error }) => ..);                       // connecting, connected, reconnecting, closed
//     room.on("blocked", () => ..);                                     // ask for a tap, then room.resume()
//     button.onclick = () => room.join({ publish: true });              // in a gesture: phones play nothing before one
//
// Every event is also a `CustomEvent` for `addEventListener`, with the value as its `detail`. Errors are `RoomError`s
// with a `kind` (see problem.js). Echo cancellation, noise suppression and gain control are on unless switched off.
// When the network changes the room repairs itself: first by ICE restart, then by joining anew, for ten minutes.

import { Connection } from "./connection.js";
import { SlotLevels } from "./levels.js";
import { devicesOf } from "./microphone.js";
import { Playback } from "./playback.js";
import { RoomError } from "./problem.js";
import { Backoff, wait, watchNetwork } from "./recovery.js";
import { SLOTS_MAX, Session } from "./session.js";
import { Statistics } from "./statistics.js";
import { roleOf } from "./token.js";
import { Voice } from "./voice.js";

export { Microphone } from "./microphone.js";
export { RoomError } from "./problem.js";
export { quality } from "./statistics.js";
export { roleOf } from "./token.js";

/** How often levels are read. */
const LEVELS_INTERVAL_MS = 80;
/** How long to try to come back before giving up. */
const REJOIN_FOR_MS = 10 * 60_000;
/** When to look at the roster again after muting or unmuting: it may have been older than our word. */
const ROSTER_AGAIN_MS = 2_000;

/** @import {JoinOptions, RoomEvents, RoomOptions, Roster, Self, SlotUse, State} from "./options.js" */

/** One room, joined or not. */
export class Room extends EventTarget {
  #options;
  /** @type {JoinOptions} */
  #joining = {};
  /** @type {State} */
  #state = "idle";
  /** @type {Connection | null} */
  #connection = null;
  #voice = new Voice();
  #playback = new Playback();
  /** @type {SlotLevels | null} */
  #levels = null;
  #statistics = new Statistics();
  /** @type {Roster} */
  #roster = { stage: [], listeners: 0 };
  /** @type {SlotUse[]} */
  #slots = [];
  /** Who one was before rejoining: the server lists them until it notices. @type {Set<string>} */
  #former = new Set();
  /** Grows with each join and leave, so that what belongs to an older one knows that it is late. */
  #generation = 0;
  #nap = new AbortController();
  /** @type {() => void} */
  #unwatch = () => {};
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /** @param {RoomOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#playback.onblocked = () => this.#emit("blocked", null);
    this.#voice.onmuted = (muted) => {
      this.#emit("muted", muted);
      this.#emit("roster", this.roster);
    };
    this.#voice.onended = () => void this.setInput("").catch((error) => this.#emit("error", RoomError.from(error)));
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** Who is there, as last heard; about oneself one knows better. */
  get roster() {
    const { stage, listeners } = this.#roster;
    const own = this.self?.participant;
    const present = stage.filter(({ participant }) => !this.#former.has(participant));
    return { stage: present.map((one) => (one.participant === own ? { ...one, muted: this.muted } : one)), listeners };
  }

  /** Who is heard where, as last heard. */
  get slots() {
    return this.#slots;
  }

  /** Whether one's own microphone is muted. */
  get muted() {
    return this.#voice.muted;
  }

  /** Whether a microphone is open and on the line. */
  get publishing() {
    return this.#voice.open;
  }

  /** Whether this participant has a line to speak on. */
  get maySpeak() {
    return this.#connection?.session.maySpeak ?? false;
  }

  /** Oneself, once joined. @returns {Self | null} */
  get self() {
    const joined = this.#connection?.joined;
    return joined === undefined ? null : { participant: joined.participant, role: joined.role, room: joined.room };
  }

  /** The peer connection, for measurements and tests. */
  get peerConnection() {
    return this.#connection?.session.connection ?? null;
  }

  /**
   * @template {keyof RoomEvents} K
   * @param {K} type
   * @param {(value: RoomEvents[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const forward = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
    this.addEventListener(type, forward);
    return () => this.removeEventListener(type, forward);
  }

  /**
   * Joins. Call it in the handler of a click or tap, before any `await`: that gesture allows playing.
   * @param {JoinOptions} [options]
   * @throws {RoomError} then the state is `closed` again, and `join` may be called anew
   */
  async join(options = {}) {
    if (this.#state !== "idle" && this.#state !== "closed") throw new RoomError("protocol", "The room is already joined.");
    const generation = ++this.#generation;
    this.#joining = options;
    this.#nap = new AbortController();
    this.#voice.say(options.muted ?? !options.publish);
    this.#playback.unlock(SLOTS_MAX);
    this.#setState("connecting", null);
    try {
      if (options.publish) await this.#voice.start(options.publish, options.microphone);
      if (generation !== this.#generation) return;
      await this.#connectSomewhere(generation);
    } catch (error) {
      if (generation === this.#generation) this.#close(RoomError.from(error));
      throw error;
    }
  }

  /** Leaves; the state is `closed` at once, the server is told meanwhile. */
  async leave() {
    const connection = this.#connection;
    this.#connection = null;
    this.#close(null);
    await connection?.leave();
  }

  /** Mutes oneself, here and at the edge. */
  async mute() {
    await this.#setMuted(true);
  }

  /**
   * Unmutes oneself; opens the microphone when none was opened yet.
   * @throws {RoomError}
   */
  async unmute() {
    if (!this.#voice.open && this.maySpeak) {
      await this.#voice.start(true, this.#joining.microphone);
      await this.#connection?.session.setTrack(this.#voice.track);
    }
    await this.#setMuted(false);
  }

  /**
   * Mutes somebody else; for host and moderators.
   * @param {string} participant
   * @throws {RoomError} `forbidden` for everybody else
   */
  async muteOther(participant) {
    await this.#connection?.request({ type: "mute", muted: true, participant });
  }

  /**
   * Changes how much audio comes in one packet, without a hole where the browser can (then it takes some seconds).
   * @param {number} ms 20, 40, 60, 100 or 120; who may speak keeps hearing 20
   * @throws {RoomError}
   */
  async setPacketMs(ms) {
    const longer = ms > (this.#joining.packetMs ?? 0);
    this.#joining = { ...this.#joining, packetMs: ms };
    await this.#connection?.setPacketMs(ms, longer);
  }

  /** Plays again after a `blocked` event; call it in a gesture. */
  resume() {
    this.#playback.resume();
  }

  /**
   * Devices by kind. Labels are empty until the microphone has been allowed once.
   * @returns {Promise<{inputs: {id: string, label: string}[], outputs: {id: string, label: string}[]}>}
   */
  static async devices() {
    const [inputs, outputs] = await Promise.all([devicesOf("audioinput"), devicesOf("audiooutput")]);
    return { inputs, outputs: Playback.canChooseOutput ? outputs : [] };
  }

  /**
   * Changes the microphone, without renegotiation; before joining, or while only listening, it is remembered.
   * @param {string} deviceId empty: the default
   * @param {import("./microphone.js").MicrophoneOptions} [treatments] to switch on or off; the others stay
   * @throws {RoomError}
   */
  async setInput(deviceId, treatments = {}) {
    this.#joining = { ...this.#joining, microphone: { ...this.#joining.microphone, ...treatments, deviceId } };
    if (!this.#voice.open) return;
    await this.#voice.change(this.#joining.microphone ?? {});
    await this.#connection?.session.setTrack(this.#voice.track);
  }

  /**
   * Changes the loudspeaker where the browser can (see `Room.devices().outputs`).
   * @param {string} deviceId empty: the default
   */
  async setOutput(deviceId) {
    await this.#playback.setOutput(deviceId);
  }

  /**
   * Loss, concealment, delays and bitrates since the call before.
   * @returns {Promise<import("./statistics.js").Summary | null>} null while not connected
   */
  async statistics() {
    const report = await this.#connection?.session.connection.getStats();
    return report === undefined ? null : this.#statistics.reduce(report);
  }

  /** Connects to the room's edge, or to one that it recommends when full. @param {number} generation */
  async #connectSomewhere(generation) {
    const { url = globalThis.location.href } = this.#options;
    try {
      return await this.#connect(generation, url);
    } catch (cause) {
      for (const other of RoomError.from(cause).alternatives) {
        const failed = await this.#connect(generation, other).catch(RoomError.from);
        if (failed === undefined || generation !== this.#generation) return;
      }
      throw cause;
    }
  }

  /**
   * Makes a connection and takes it over from the one before, if any.
   * @param {number} generation
   * @param {string} url of the edge
   */
  async #connect(generation, url) {
    const { token, name, room } = this.#options;
    const current = typeof token === "string" ? token : await token();
    const uplink = (roleOf(current) ?? (this.#joining.publish ? "speaker" : "listener")) !== "listener";
    const { packetMs = null } = this.#joining;
    const session = new Session({ uplink, track: uplink ? this.#voice.track : null, packetMs });
    const address = new URL(`/v1/rooms/${encodeURIComponent(room)}/ws`, url);
    address.protocol = address.protocol.replace("http", "ws");
    const who = { token: current, muted: this.#voice.muted, ...(name ? { name } : {}) };
    const connection = await Connection.open(address.href, session, who);
    if (generation !== this.#generation) return connection.close();
    if (this.self !== null) this.#former.add(this.self.participant);
    this.#former.delete(connection.joined.participant);
    this.#connection?.close();
    this.#connection = connection;
    this.#take(connection);
  }

  /** @param {Connection} connection */
  #take(connection) {
    const { joined, session } = connection;
    this.#playback.play(session.tracks);
    this.#levels = new SlotLevels(session.receivers(joined.slots));
    this.#statistics = new Statistics();
    connection.ontold = (message) => {
      if (message.type === "slots") this.#setSlots(message.slots);
      else this.#setRoster(message);
    };
    connection.oninterrupted = () => this.#setState("reconnecting", null);
    connection.onrepaired = () => this.#setState("connected", null);
    connection.onlost = (error) => void this.#rejoin(error);
    this.#unwatch();
    this.#unwatch = watchNetwork(() => {
      this.#nap.abort();
      void this.#connection?.restart();
    });
    this.#ticking ??= setInterval(() => this.#readLevels(), LEVELS_INTERVAL_MS);
    this.#setSlots(session.tracks.map((_, slot) => ({ slot, participant: null })));
    this.#setState("connected", null);
    this.#setRoster(joined);
    connection.listen();
  }

  /** @param {RoomError} first why the connection was lost */
  async #rejoin(first) {
    const generation = this.#generation;
    const giveUpMs = performance.now() + REJOIN_FOR_MS;
    const backoff = new Backoff();
    let error = first;
    while (error.passing && performance.now() < giveUpMs) {
      this.#setState("reconnecting", error);
      this.#nap = new AbortController();
      await wait(backoff.next(error.retryAfterMs), this.#nap.signal);
      if (generation !== this.#generation) return;
      try {
        return await this.#connectSomewhere(generation);
      } catch (cause) {
        error = RoomError.from(cause);
      }
      if (generation !== this.#generation) return;
    }
    this.#close(error);
  }

  /** @param {RoomError | null} error */
  #close(error) {
    this.#generation += 1;
    this.#nap.abort();
    this.#unwatch();
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#connection?.close();
    this.#connection = null;
    this.#voice.close();
    this.#playback.stop();
    this.#levels = null;
    this.#setState("closed", error);
  }

  /** @param {boolean} muted */
  async #setMuted(muted) {
    const generation = this.#generation;
    this.#voice.say(muted);
    if (muted) await this.#voice.fallSilent(); // Whoever reconnects has nobody to tell: the next join says it.
    if (this.#state !== "connected" || this.#voice.muted !== muted) return;
    await this.#connection?.request({ type: "mute", muted });
    setTimeout(() => generation === this.#generation && this.#setRoster(this.#roster), ROSTER_AGAIN_MS);
  }

  /** @param {Roster} roster */
  #setRoster({ stage, listeners }) {
    this.#roster = { stage, listeners };
    const self = stage.find(({ participant }) => participant === this.self?.participant);
    this.#voice.hear(self?.muted ?? false);
    this.#emit("roster", this.roster);
  }

  /** @param {SlotUse[]} slots */
  #setSlots(slots) {
    this.#slots = slots;
    this.#emit("slots", slots);
  }

  #readLevels() {
    /** @type {Map<string, number>} */
    const levels = new Map();
    const bySlot = this.#levels?.read(performance.now()) ?? new Map();
    for (const { slot, participant } of this.#slots) {
      if (participant !== null) levels.set(participant, bySlot.get(slot) ?? 0);
    }
    if (this.self !== null && this.#voice.open) levels.set(this.self.participant, this.#voice.level);
    this.#emit("levels", levels);
  }

  /**
   * @param {State} state
   * @param {RoomError | null} error
   */
  #setState(state, error) {
    if (this.#state === state && error === null) return;
    this.#state = state;
    this.#emit("state", { state, error });
  }

  /**
   * @template {keyof RoomEvents} K
   * @param {K} type
   * @param {RoomEvents[K]} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
