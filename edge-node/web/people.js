// Who is in the room and how oneself stands there, put together from what the server tells bit by bit.

/** @import {Joined, Resumed, Standing, Told} from "./signal.js" */
/** @import {RoomEvents, Roster} from "./options.js" */

/** @typedef {{[K in keyof RoomEvents]: [K, RoomEvents[K]]}[keyof RoomEvents]} Change an event and its value */

/** Remembers what was told last. */
export class People {
  /** @type {import("./signal.js").Participant[]} */
  #stage = [];
  #counts = { listeners: 0, hands: 0 };
  /** The queue of hands, for moderators. @type {import("./signal.js").Hand[]} */
  hands = [];
  /** @type {{name: string, topic: string}} */
  room = { name: "", topic: "" };
  /** @type {Standing} */
  standing = { role: "listener", muted: false, hand: false, invited: false };
  /** One's own id; empty before the first join. */
  own = "";
  /** Who one was before rejoining: the server lists them until it notices. @type {Set<string>} */
  #former = new Set();

  /** Whether one may speak. */
  get isOnStage() {
    return this.standing.role !== "listener";
  }

  get counts() {
    return { ...this.#counts };
  }

  /**
   * Who is there, without those whom oneself was before.
   * @param {boolean} muted about oneself one knows better
   * @returns {Roster}
   */
  roster(muted) {
    const present = this.#stage.filter(({ participant }) => !this.#former.has(participant));
    const stage = present.map((one) => (one.participant === this.own ? { ...one, muted } : one));
    return { stage, listeners: this.#counts.listeners };
  }

  /** Whether the stage shows oneself as muted. */
  get mutedOnStage() {
    return this.#stage.find(({ participant }) => participant === this.own)?.muted ?? false;
  }

  /** @param {Joined | Resumed} joined */
  enter(joined) {
    if (this.own !== "") this.#former.add(this.own);
    this.own = joined.participant;
    this.#former.delete(this.own);
    this.#stage = joined.stage;
    this.#counts = { ...this.#counts, listeners: joined.listeners };
    this.room = { name: joined.room.name, topic: joined.room.topic ?? "" };
    // Older servers say the role only.
    const { role, muted, hand, invited } = joined.standing ?? { role: joined.role, muted: false, hand: false, invited: false };
    this.standing = { role, muted, hand, invited };
    if (role !== "host" && role !== "moderator") this.hands = [];
  }

  /**
   * Takes what the server tells of people.
   * @param {Told} message
   * @param {() => Roster} roster as it is to be shown
   * @returns {Change[]} what has changed
   */
  take(message, roster) {
    switch (message.type) {
      case "roster":
        this.#stage = message.stage;
        this.#counts = { ...this.#counts, listeners: message.listeners };
        return [["roster", roster()]];
      case "counts":
        this.#counts = { listeners: message.listeners, hands: message.hands };
        return [["counts", this.counts], ["roster", roster()]];
      case "hands":
        this.hands = message.hands;
        return [["hands", this.hands]];
      case "room":
        this.room = { name: message.name, topic: message.topic };
        return [["room", this.room]];
      case "reactions":
        return [["reactions", message.reactions]];
      case "standing":
        return this.#stand(message);
      default:
        return [];
    }
  }

  /** @param {Standing} told @returns {Change[]} */
  #stand({ role, muted, hand, invited }) {
    const wasOnStage = this.isOnStage;
    this.standing = { role, muted, hand, invited };
    /** @type {Change[]} */
    const changes = [["standing", this.standing]];
    if (this.isOnStage !== wasOnStage) changes.push(["stage", this.isOnStage]);
    if (role !== "host" && role !== "moderator" && this.hands.length > 0) {
      this.hands = [];
      changes.push(["hands", this.hands]);
    }
    return changes;
  }
}
