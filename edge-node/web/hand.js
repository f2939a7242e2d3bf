// One's own way to the stage: the hand, and the answer to an invitation.

import { byId } from "./dom.js";
import { sentence } from "./sentences.js";

/** @import {Room} from "./stoa.js" */

/** The hand button and the dialog of an invitation. */
export class Hand {
  /** @type {(text: string) => void} */
  ontold = () => {};

  #button = byId("hand", HTMLButtonElement);
  #text = byId("hand-text", HTMLSpanElement);
  #dialog = byId("invited-dialog", HTMLDialogElement);
  /** @type {Room | null} */
  #room = null;
  #wasUp = false;
  #busy = false;

  constructor() {
    this.#button.addEventListener("click", () => void this.#toggle());
    byId("invited-follow", HTMLButtonElement).addEventListener("click", () => void this.#answer(true));
    byId("invited-refuse", HTMLButtonElement).addEventListener("click", () => void this.#answer(false));
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      void this.#answer(false);
    });
  }

  /** @param {Room | null} room the joined one */
  attach(room) {
    this.#room = room;
    this.#wasUp = false;
    if (room === null) this.#dialog.close();
    else this.show();
  }

  /** Shows how one stands. */
  show() {
    const room = this.#room;
    if (room === null) return;
    const { hand, invited } = room.standing;
    this.#button.toggleAttribute("data-up", hand);
    this.#text.textContent = hand ? "Lower hand" : "Raise hand";
    if (this.#wasUp && !hand && !invited && !room.maySpeak && !this.#busy) this.ontold("Your hand was taken down.");
    this.#wasUp = hand;
    const asked = invited && !room.maySpeak;
    if (asked && !this.#dialog.open) this.#dialog.showModal();
    if (!asked && this.#dialog.open) this.#dialog.close();
  }

  async #toggle() {
    const room = this.#room;
    if (room === null || this.#busy) return;
    const raises = !room.standing.hand;
    this.#busy = true;
    try {
      await (raises ? room.raiseHand() : room.lowerHand());
      this.ontold(raises ? "Your hand is up. A moderator can bring you to the stage." : "Your hand is down.");
    } catch (error) {
      this.ontold(sentence(error));
    }
    this.#busy = false;
    this.show();
  }

  /** @param {boolean} follows */
  async #answer(follows) {
    const room = this.#room;
    if (room === null || this.#busy) return;
    this.#busy = true;
    try {
      await (follows ? room.followInvitation() : room.refuseInvitation());
      this.#dialog.close();
    } catch (error) {
      this.#dialog.close();
      this.ontold(sentence(error));
    }
    this.#busy = false;
  }
}
