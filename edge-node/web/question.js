// A question before something that cannot be taken back lightly, with room for a reason.

import { byId } from "./dom.js";
import { finder } from "./rows.js";

/** A menu or another dialog has just closed: readers that miss what had the focus say nothing of what has it now. */
const TAKEN_IN_MS = 200;

/**
 * @typedef {object} Asked
 * @property {string} title
 * @property {string} text
 * @property {string} yes what the button says
 * @property {"none" | "optional" | "needed"} reason
 */

/** One dialog, asked again and again. */
export class Question {
  #dialog = byId("question-dialog", HTMLDialogElement);
  #form = byId("question-form", HTMLFormElement);
  #reason = byId("question-reason", HTMLInputElement);
  /** @type {(answer: string | null) => void} */
  #answer = () => {};
  #opener = finder(null);

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#end(this.#reason.value.trim());
    });
    byId("question-no", HTMLButtonElement).addEventListener("click", () => this.#end(null));
    this.#dialog.addEventListener("close", () => {
      this.#answer(null);
      if (document.activeElement === document.body) this.#opener()?.focus();
    });
  }

  /**
   * @param {Asked} asked
   * @returns {Promise<string | null>} the reason, perhaps empty; null: no
   */
  ask({ title, text, yes, reason }) {
    this.#end(null);
    this.#opener = finder(document.activeElement);
    byId("question-title", HTMLHeadingElement).textContent = title;
    byId("question-text", HTMLParagraphElement).textContent = text;
    byId("question-yes", HTMLButtonElement).textContent = yes;
    byId("question-why", HTMLDivElement).hidden = reason === "none";
    byId("question-label", HTMLLabelElement).textContent = reason === "needed" ? "Why?" : "Why? (optional, for the room's log)";
    this.#reason.required = reason === "needed";
    this.#reason.value = "";
    return new Promise((resolve) => {
      this.#answer = resolve;
      setTimeout(() => {
        if (this.#answer !== resolve) return;
        this.#dialog.showModal();
        if (reason === "none") byId("question-no", HTMLButtonElement).focus();
      }, TAKEN_IN_MS);
    });
  }

  /** Takes the question back. */
  close() {
    this.#end(null);
  }

  /** @param {string | null} answer */
  #end(answer) {
    this.#answer(answer);
    this.#answer = () => {};
    if (this.#dialog.open) this.#dialog.close();
  }
}
