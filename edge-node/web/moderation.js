// Doing to people what the menus offer: asks first where it is grave, says afterwards what came of it.

import { actionsFor } from "./actions.js";
import { block } from "./api.js";
import { icon, make } from "./dom.js";
import { rememberName } from "./kept-out.js";
import { Menu } from "./menu.js";
import { sentence } from "./sentences.js";
import { claimsOf } from "./token.js";

/** @import {ActionName, Target} from "./actions.js" */
/** @import {Room} from "./stoa.js" */

/** @type {Partial<Record<ActionName, (name: string) => import("./question.js").Asked>>} */
const QUESTIONS = {
  "remove": (name) => ({ title: `Remove ${name}?`, text: "They leave the room at once and may come back.", yes: "Remove", reason: "optional" }),
  "ban": (name) => ({ title: `Ban ${name}?`, text: "They leave the room at once and cannot come back until you let them in again.", yes: "Ban", reason: "optional" }),
  "block": (name) => ({ title: `Block ${name}?`, text: "They leave the room at once, and cannot enter any room while you are its host, until you let them in again.", yes: "Block", reason: "none" }),
  "hand-over": (name) => ({ title: `Make ${name} the host?`, text: "You become a moderator. Only the new host can give the room back.", yes: "Hand over", reason: "none" }),
  "report": (name) => ({ title: `Report ${name}?`, text: "Those who run this service are told. Nobody in the room is.", yes: "Report", reason: "needed" }),
};

/** @type {Partial<Record<ActionName, (name: string) => string>>} */
const DONE = {
  "mute": (name) => `${name} is muted.`,
  "to-audience": (name) => `${name} is in the audience.`,
  "accept": (name) => `${name} comes to the stage.`,
  "decline": (name) => `The hand of ${name} is down.`,
  "invite": (name) => `${name} is invited to the stage.`,
  "make-moderator": (name) => `${name} is a moderator.`,
  "make-speaker": (name) => `${name} is a speaker.`,
  "hand-over": (name) => `${name} is the host now.`,
  "remove": (name) => `${name} was removed.`,
  "ban": (name) => `${name} is banned. You can let them in again under People.`,
  "block": (name) => `${name} is blocked. You can let them in again under People.`,
  "report": () => "Thank you. It was reported.",
};

/** Menus and deeds, for cards and lists alike. */
export class Moderation {
  /** What came of it, for people. @type {(text: string) => void} */
  ontold = () => {};

  /** Something is about to be done to somebody. @type {(participant: string) => void} */
  onacting = () => {};

  #menu = new Menu();
  #question;
  /** @type {Room | null} */
  #room = null;
  #token = "";

  /** @param {import("./question.js").Question} question */
  constructor(question) {
    this.#question = question;
  }

  /** @param {Room | null} room the joined one @param {string} [token] with which it was joined */
  attach(room, token = "") {
    this.#room = room;
    this.#token = token;
    this.#menu.close();
    this.#question.close();
  }

  /**
   * A button that opens the menu for somebody; null where there is nothing to do.
   * @param {Target} target
   */
  button(target) {
    const self = this.#room?.self;
    if (!self || actionsFor(self, target).length === 0) return null;
    const button = make("button", {
      "class": "more", "type": "button", "data-action": "menu", "aria-haspopup": "menu", "aria-expanded": "false",
      "aria-label": `More about ${target.name}`,
    }, icon("more"));
    button.addEventListener("click", () => this.#open(button, target));
    return button;
  }

  /**
   * A button that does one thing.
   * @param {ActionName} name
   * @param {string} label
   * @param {Target} target
   * @param {string} kind a class
   * @param {string} [picture] an icon to show instead of the label
   */
  direct(name, label, target, kind, picture) {
    const button = make("button", {
      "class": `button small ${kind}`, "type": "button", "data-action": name, "aria-label": `${label} ${target.name}`,
      ...(picture === undefined ? {} : { title: label }),
    }, picture === undefined ? label : icon(picture));
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") void this.perform(name, target);
    });
    return button;
  }

  /**
   * @param {ActionName} name
   * @param {Target} target
   */
  async perform(name, target) {
    const room = this.#room;
    const question = QUESTIONS[name]?.(target.name);
    const reason = question === undefined ? "" : await this.#question.ask(question);
    if (room === null || room !== this.#room || reason === null) return;
    this.onacting(target.participant);
    try {
      if (name === "ban" || name === "block") await this.#keepOut(room, name, target, reason);
      else await act(room, name, target.participant, reason);
      const done = DONE[name]?.(target.name);
      if (done !== undefined) this.ontold(done);
    } catch (error) {
      this.ontold(sentence(error));
    }
  }

  /**
   * Both are kept by identity, and of an identity the server knows no name afterwards.
   * @param {Room} room
   * @param {"ban" | "block"} how
   * @param {Target} target
   * @param {string} reason
   */
  async #keepOut(room, how, target, reason) {
    const identity = await room.identityOf(target.participant);
    if (how === "block") await block(String(claimsOf(this.#token)?.["sub"] ?? ""), identity, this.#token);
    else await room.ban(target.participant, { reason });
    rememberName(identity, target.name);
  }

  /**
   * @param {HTMLElement} button
   * @param {Target} target
   */
  #open(button, target) {
    const self = this.#room?.self;
    if (!self) return;
    const items = actionsFor(self, target).map(({ name, label, grave }) => ({
      label, grave: grave && name !== "hand-over", choose: () => void this.perform(name, target),
    }));
    this.#menu.open(button, target.name, items);
  }
}

/**
 * @param {Room} room
 * @param {Exclude<ActionName, "ban" | "block">} name
 * @param {string} participant
 * @param {string} reason
 */
function act(room, name, participant, reason) {
  switch (name) {
    case "mute": return room.muteOther(participant);
    case "to-audience":
    case "step-down": return room.setRole(participant, "listener");
    case "accept": return room.acceptHand(participant);
    case "decline": return room.declineHand(participant);
    case "invite": return room.invite(participant);
    case "make-moderator": return room.setRole(participant, "moderator");
    case "make-speaker": return room.setRole(participant, "speaker");
    case "hand-over": return room.handOver(participant);
    case "remove": return room.remove(participant, reason);
    case "report": return room.report(participant, reason);
  }
}
