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
// A listener asks to speak by `raiseHand()`; when a moderator calls `acceptHand(..)`, a `stage` event says so and
// `startSpeaking()` is heard at once: the line is there from the start. The other deeds are in deeds.js.
//
// Every event is also a `CustomEvent` for `addEventListener`, with the value as its `detail`. Errors are `RoomError`s
// with a `kind` (see problem.js). Echo cancellation, noise suppression and gain control are on unless switched off.
// When the network changes the room repairs itself: first by ICE restart, then by joining anew, for ten minutes.

import { Changeover } from "./changeover.js";
import { Deeds } from "./deeds.js";
import { Door } from "./door.js";
import { SlotLevels } from "./levels.js";
import { People } from "./people.js";
import { devices } from "./playback.js";
import { RoomError } from "./problem.js";
import { Comeback, watchNetwork } from "./recovery.js";
import { SLOTS_MAX } from "./session.js";
import { Statistics } from "./statistics.js";
import { Voice } from "./voice.js";

export { REACTIONS } from "./deeds.js";
export { Microphone } from "./microphone.js";
export { RoomError } from "./problem.js";
export { quality } from "./statistics.js";
export { roleOf } from "./token.js";

/** How often levels are read. */
const LEVELS_INTERVAL_MS = 80;
/** When to look at the roster again after muting or unmuting: it may have been older than our word. */
const ROSTER_AGAIN_MS = 2_000;

/** @import {JoinOptions, RoomOptions, Self, SlotUse, State} from "./options.js" */

/** One room, joined or not. */
export class Room extends Deeds {
  #door;
  /** @type {JoinOptions} */
  #joining = {};
  /** @type {State} */
  #state = "idle";
  /** @type {import("./connection.js").Connection | null} */
  #connection = null;
  #voice = new Voice();
  #playback = new Changeover();
  /** @type {SlotLevels | null} */
  #levels = null;
  #statistics = new Statistics();
  /** @type {SlotUse[]} */
  #slots = [];
  /** Words about one's own mute that the server has not answered yet. */
  #saying = 0;
  /** Grows with each join and leave, so that what belongs to an older one knows that it is late. */
  #generation = 0;
  #comeback = new Comeback();
  /** @type {() => void} */
  #unwatch = () => {};
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /** @param {RoomOptions} options */
  constructor(options) {
    super();
    this.#door = new Door(options);
    this.#playback.onblocked = () => this.emit("blocked", null);
    this.#voice.onmuted = (muted) => {
      this.emit("muted", muted);
      this.emit("roster", this.roster);
    };
    this.#voice.onended = () => void this.setInput("").catch((error) => this.#complain(error));
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** Who is there, as last heard; about oneself one knows better. */
  get roster() {
    return this.people.roster(this.muted);
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
    return this.#voice.open && this.maySpeak;
  }

  /** Whether this participant is on the stage. */
  get maySpeak() {
    return this.#connection !== null && this.people.isOnStage;
  }

  /** Oneself, once joined. @returns {Self | null} */
  get self() {
    const joined = this.#connection?.joined;
    if (joined === undefined) return null;
    const { name, topic } = this.people.room;
    return { participant: joined.participant, role: this.people.standing.role, room: { id: joined.room.id, name, topic } };
  }

  /** The peer connection, for measurements and tests. */
  get peerConnection() {
    return this.#connection?.session.connection ?? null;
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
    this.people = new People();
    this.#door.secret = undefined;
    this.#comeback = new Comeback();
    this.#voice.say(options.muted ?? !options.publish);
    this.#playback.unlock(SLOTS_MAX);
    this.#setState("connecting", null);
    try {
      if (options.publish) await this.#voice.start(options.publish, options.microphone);
      if (generation !== this.#generation) return;
      await this.#connect(generation);
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
   * @throws {RoomError} `forbidden` in the audience
   */
  async unmute() {
    if (!this.people.isOnStage) throw new RoomError("forbidden", "Only those on the stage can speak.");
    await this.openMicrophone();
    await this.#connection?.session.setTrack(this.#voice.track);
    await this.#setMuted(false);
  }

  /** Speaks, once on the stage: `unmute` by the name that fits the moment. */
  async startSpeaking() {
    await this.unmute();
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

  /** Devices by kind. Labels are empty until the microphone has been allowed once. */
  static devices() {
    return devices();
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
    this.#settle(false);
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

  /** Connects, and takes over from the connection before, if any: without a gap if that works. @param {number} generation */
  async #connect(generation) {
    const isWanted = () => generation === this.#generation;
    const before = this.#connection;
    const pack = () => {
      const { publish, packetMs = null } = this.#joining;
      const speaks = this.people.own === "" ? publish : this.people.isOnStage;
      return { track: speaks ? this.#voice.track : null, muted: this.muted, packetMs };
    };
    const connection = await this.#door.enter(pack, isWanted, before?.isLeaving);
    if (isWanted() && before?.isAudible) await this.#playback.prepare(connection.session);
    if (!isWanted()) return connection.close();
    connection.check();
    this.people.enter(connection.joined);
    this.#connection = connection;
    this.#take(connection);
    before?.moveOn();
  }

  /** @param {import("./connection.js").Connection} connection */
  #take(connection) {
    const { joined, session } = connection;
    this.#playback.play(session);
    this.#levels = new SlotLevels(session.receivers(joined.slots));
    this.#statistics = new Statistics();
    connection.ontold = (message) => this.#hear(message);
    connection.onresumed = (resumed) => {
      this.people.enter(resumed);
      this.#enter(resumed.speaking);
    };
    connection.oninterrupted = () => this.#setState("reconnecting", null);
    connection.onrepaired = () => this.#setState("connected", null);
    connection.onlost = (error) => void this.#rejoin(error);
    connection.onleaving = (error) => void this.#rejoin(error);
    connection.onstaying = () => this.#comeback.hurry();
    this.#unwatch();
    this.#unwatch = watchNetwork(() => {
      this.#comeback.hurry();
      void this.#connection?.restart();
    });
    this.#ticking ??= setInterval(() => this.#readLevels(), LEVELS_INTERVAL_MS);
    this.#setState("connected", null);
    this.#enter(joined.speaking ?? session.tracks.map((_, slot) => ({ slot, participant: null })));
    connection.listen();
  }

  /** Tells the page how the room looks after a join or a resumption. @param {SlotUse[]} [speaking] */
  #enter(speaking = this.#slots) {
    this.#door.secret = this.#connection?.joined.resume;
    this.#setSlots(speaking);
    // This answers our own word about our mute, so it is newer.
    if (this.people.isOnStage) this.#voice.hear(this.standing.muted, true);
    this.#settle(true);
    this.emit("standing", this.standing);
    this.emit("hands", this.hands);
    this.#hearMuted();
  }

  /** @param {import("./signal.js").Told} message */
  #hear(message) {
    if (message.type === "slots") return this.#setSlots(message.slots);
    const changes = this.people.take(message, () => this.roster);
    if (message.type === "roster") this.#voice.hear(this.people.mutedOnStage);
    // What the server says of us while it has not answered us yet is older than our word.
    if (message.type === "standing" && this.people.isOnStage && this.#saying === 0) this.#voice.hear(message.muted, true);
    if (message.type === "standing") this.#settle(changes.some(([event]) => event === "stage"));
    for (const [event, value] of changes) this.emit(event, value);
  }

  /**
   * Makes the microphone fit one's standing: on the line on the stage, open while the hand is up, closed otherwise.
   * @param {boolean} isNew whether one has just come to the stage, or in
   */
  #settle(isNew) {
    const { isOnStage, standing } = this.people;
    const isWanted = isOnStage || standing.hand || standing.invited || this.asking > 0;
    this.#voice.fit(this.#connection?.session, isOnStage, isWanted).catch((error) => this.#complain(error));
    if (isNew && isOnStage && this.muted && !standing.muted) this.#setMuted(true).catch((error) => this.#complain(error));
  }

  /** @protected @override */
  async openMicrophone() {
    if (this.#voice.open) return;
    const { publish, microphone } = this.#joining;
    await this.#voice.start(typeof publish === "object" ? publish : true, microphone);
  }

  /** @protected @override */
  closeMicrophone() {
    this.#settle(false);
  }

  /** @param {RoomError} first why the connection was lost */
  async #rejoin(first) {
    const generation = this.#generation;
    const isWanted = () => generation === this.#generation;
    const error = await this.#comeback.run(first, (last) => {
      if (!this.#connection?.isLeaving) this.#setState("reconnecting", last);
    }, async () => {
      if (!isWanted() || this.#connection?.isFine) return null;
      return this.#connect(generation).then(() => null, (cause) => (isWanted() ? RoomError.from(cause) : null));
    });
    if (error !== null) this.#close(error);
  }

  /** @param {RoomError | null} error */
  #close(error) {
    this.#generation += 1;
    this.#comeback.hurry();
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
    this.#saying += 1;
    try {
      await this.#connection?.request({ type: "mute", muted });
    } finally {
      this.#saying -= 1;
    }
    setTimeout(() => generation === this.#generation && this.#hearMuted(), ROSTER_AGAIN_MS);
  }

  /** Hears from the roster whether a moderator has muted us. */
  #hearMuted() {
    this.#voice.hear(this.people.mutedOnStage);
    this.emit("roster", this.roster);
  }

  /** @param {SlotUse[]} slots */
  #setSlots(slots) {
    this.emit("slots", (this.#slots = slots));
  }

  #readLevels() {
    const levels = this.#levels?.ofParticipants(this.#slots, performance.now()) ?? new Map();
    if (this.publishing) levels.set(this.people.own, this.#voice.level);
    this.emit("levels", levels);
  }

  /** @protected @override @param {import("./signal.js").Request} message */
  ask(message) {
    return this.#connection?.request(message) ?? super.ask(message);
  }

  /** @param {unknown} error of something that nobody waits for */
  #complain = (error) => void this.emit("error", RoomError.from(error));

  /**
   * @param {State} state
   * @param {RoomError | null} error
   */
  #setState(state, error) {
    if (this.#state === state && error === null) return;
    this.#state = state;
    this.emit("state", { state, error });
  }
}
