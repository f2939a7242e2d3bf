// A joined room on the page: what it tells is shown, what the person does is asked of it.

import { moderates } from "./actions.js";
import { Announcer } from "./announcer.js";
import { Applause } from "./applause.js";
import { Controls } from "./controls.js";
import { Crowd } from "./crowd.js";
import { byId } from "./dom.js";
import { Hand } from "./hand.js";
import { Invite } from "./invite.js";
import { KeptOut } from "./kept-out.js";
import { Moderation } from "./moderation.js";
import { Question } from "./question.js";
import { RoomForm } from "./room-form.js";
import { sentence } from "./sentences.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { roleOf } from "./stoa.js";

/** So long after doing something to somebody one knows why he comes or goes. */
const OWN_DEED_MS = 3_000;
/** With more on the stage than this, who comes and goes is no news to a reader. */
const NEWS_OF_MAX = 30;

/** @import {Roster, Standing} from "./options.js" */
/** @import {Room} from "./stoa.js" */

/** Everything of the page that needs a room. */
export class Live {
  #stage = new Stage();
  #controls = new Controls();
  #settings = new Settings();
  #invite = new Invite();
  #announcer = new Announcer();
  #applause = new Applause();
  #hand = new Hand();
  #question = new Question();
  #moderation = new Moderation(this.#question);
  #crowd = new Crowd(this.#moderation);
  #kept = new KeptOut();
  #form = new RoomForm(this.#question);
  #banner = byId("banner", HTMLParagraphElement);
  #blocked = byId("blocked", HTMLButtonElement);
  /** @type {Room | null} */
  #room = null;
  /** Names on the stage by participant, as last seen. @type {Map<string, string>} */
  #seen = new Map();
  /** @type {Standing["role"] | null} */
  #role = null;
  #toggling = false;
  /** To whom one has done something last, and when. */
  #deed = { participant: "", atMs: -Infinity };

  constructor() {
    const tell = (/** @type {string} */ text) => this.#announcer.tell(text);
    const whisper = (/** @type {string} */ text) => this.#announcer.whisper(text);
    this.#hand.ontold = tell;
    this.#moderation.ontold = (text) => {
      tell(text);
      this.#crowd.changed();
      this.#kept.changed();
    };
    this.#moderation.onacting = (participant) => {
      this.#deed = { participant, atMs: performance.now() };
    };
    this.#kept.ontold = tell;
    this.#crowd.onopen = () => this.#kept.changed();
    this.#form.ontold = tell;
    this.#crowd.onwhisper = whisper;
    this.#applause.onwhisper = whisper;
    this.#applause.onreact = (reaction) => void this.#room?.react(reaction).catch((error) => tell(sentence(error)));
    this.#stage.onmenu = (who) => this.#moderation.button(who);
    this.#controls.ontoggle = () => void this.#toggle();
    this.#controls.onleave = () => void this.#room?.leave();
    this.#controls.onmeasured = (/** @type {import("./statistics.js").Summary} */ summary) => this.#settings.measured(summary);
    this.#blocked.addEventListener("click", () => {
      this.#blocked.hidden = true;
      this.#room?.resume();
    });
  }

  /** Listens to a room, before it is joined. @param {Room} room */
  wire(room) {
    this.#room = room;
    this.#moderation.attach(room);
    /** What of an older room comes late is nobody's business. */
    const on = /** @type {Room["on"]} */ ((type, listener) => room.on(type, (value) => room === this.#room && listener(value)));
    on("roster", (roster) => room.self !== null && this.#showRoster(room, roster));
    on("levels", (levels) => {
      this.#stage.meter(levels);
      this.#controls.meter(levels.get(room.self?.participant ?? "") ?? 0);
    });
    on("muted", (muted) => this.#showMuted(room, muted));
    on("standing", () => this.#showStanding(room));
    on("stage", (isOnStage) => this.#announcer.tell(isOnStage ? "You are on the stage. Unmute to be heard." : "You are in the audience now."));
    on("hands", (hands) => this.#crowd.showHands(hands));
    on("counts", (counts) => this.#crowd.counted(counts));
    on("room", () => this.#showName(room));
    on("reactions", (reactions) => this.#applause.show(reactions));
    on("error", (error) => this.#announcer.tell(sentence(error)));
    on("blocked", () => {
      this.#blocked.hidden = false;
    });
    on("state", ({ state, error }) => this.#showState(room, state, error));
  }

  /**
   * The room has been joined.
   * @param {Room} room
   * @param {string} id
   * @param {string} token
   */
  enter(room, id, token) {
    this.#invite.attach(id, token);
    this.#invite.allow(moderates(roleOf(token) ?? undefined));
    this.#form.attach(id, token);
    this.#moderation.attach(room, token);
    this.#settings.attach(room);
    this.#crowd.attach(room);
    this.#kept.attach(id, token);
    this.#kept.allow(room.standing.role);
    this.#hand.attach(room);
    this.#role = room.standing.role;
    this.#showName(room);
    this.#showStanding(room);
    this.#showRoster(room, room.roster);
    this.#crowd.counted({ ...room.counts });
    this.#crowd.showHands(room.hands);
    this.#controls.show(room);
    this.#controls.measure(room);
    this.#controls.focus();
    this.#announcer.whisper(`You are in ${room.self?.room.name || id}.`);
  }

  /** The room is over, for oneself at least. */
  leave() {
    this.#room = null;
    this.#role = null;
    this.#seen.clear();
    this.#stage.clear();
    this.#controls.stop();
    this.#settings.attach(null);
    this.#invite.attach("", null);
    this.#form.attach("", "");
    this.#form.allow(false);
    this.#moderation.attach(null);
    this.#crowd.attach(null);
    this.#kept.attach("", "");
    this.#hand.attach(null);
    this.#applause.clear();
    this.#announcer.quiet();
    this.#blocked.hidden = true;
    this.showBanner("");
    byId("counts", HTMLSpanElement).textContent = "";
    byId("topic", HTMLSpanElement).textContent = "";
  }

  /** @param {string} text empty: no banner */
  showBanner(text) {
    this.#banner.textContent = text;
    this.#banner.hidden = text === "";
  }

  /** @param {Room} room */
  #showName(room) {
    const { name = "", topic = "" } = room.self?.room ?? {};
    if (name !== "") showTitle(name);
    byId("topic", HTMLSpanElement).textContent = topic;
  }

  /**
   * @param {Room} room
   * @param {Roster} roster
   */
  #showRoster(room, roster) {
    this.#stage.show(roster, room.self);
    const { length } = roster.stage;
    byId("counts", HTMLSpanElement).textContent = `${length} on stage · ${roster.listeners.toLocaleString()} listening`;
    const now = new Map(roster.stage.map(({ participant, name }) => [participant, name]));
    if (this.#seen.size > 0 && length <= NEWS_OF_MAX) {
      for (const [participant, name] of now) if (!this.#seen.has(participant)) this.#news(participant, `${name} is on the stage.`);
      for (const [participant, name] of this.#seen) if (!now.has(participant)) this.#news(participant, `${name} has left the stage.`);
    }
    this.#seen = now;
  }

  /**
   * What came of one's own deed is told already, and of one's own place there are better words.
   * @param {string} participant
   * @param {string} text
   */
  #news(participant, text) {
    const isOwn = participant === this.#deed.participant && performance.now() - this.#deed.atMs < OWN_DEED_MS;
    if (!isOwn && participant !== this.#room?.self?.participant) this.#announcer.whisper(text);
  }

  /** @param {Room} room */
  #showStanding(room) {
    const { role } = room.standing;
    this.#hand.show();
    this.#form.allow(role === "host");
    this.#kept.allow(role);
    if (role !== this.#role && this.#role !== null) {
      if (role === "host") this.#announcer.tell("You are the host now.");
      else if (role === "moderator") this.#announcer.tell("You are a moderator now.");
      this.#crowd.standing();
      this.#crowd.showHands(room.hands);
    }
    this.#role = this.#role === null ? null : role;
    if (room.state === "connected") this.#controls.show(room);
    if (room.self !== null) this.#stage.show(room.roster, room.self);
  }

  /**
   * @param {Room} room
   * @param {boolean} muted
   */
  #showMuted(room, muted) {
    if (room.state !== "connected" || !room.maySpeak) return;
    this.#controls.show(room);
    if (muted && !this.#toggling && this.#role !== null) this.#announcer.tell("A moderator muted you.");
    else this.#announcer.whisper(muted ? "You are muted." : "You are unmuted.");
  }

  /**
   * @param {Room} room
   * @param {import("./options.js").State} state
   * @param {import("./options.js").RoomError | null} error
   */
  #showState(room, state, error) {
    if (state === "connected") {
      this.showBanner("");
      if (document.body.dataset["view"] === "room") this.#controls.show(room);
    } else if (state === "reconnecting") {
      this.showBanner(error?.kind === "draining" ? "This server is being replaced. Moving you to another…" : "Connection lost. Reconnecting…");
    }
  }

  async #toggle() {
    const room = this.#room;
    if (room === null) return;
    this.#toggling = true;
    try {
      await (room.muted || !room.publishing ? room.unmute() : room.mute());
      this.#announcer.quiet();
    } catch (error) {
      this.#announcer.tell(sentence(error));
    }
    this.#toggling = false;
    if (room === this.#room) this.#controls.show(room);
  }
}

/** @param {string} name of the room */
export function showTitle(name) {
  byId("title", HTMLHeadingElement).textContent = name;
  document.title = `${name} · Stoa`;
}
