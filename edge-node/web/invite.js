// Links for others, drawn where the node is open.

import { drawToken, roomLink } from "./api.js";
import { byId } from "./dom.js";
import { RoomError } from "./problem.js";

/** How long a button says that it has copied. */
const COPIED_MS = 2_000;

/** The dialog behind the invite button. */
export class Invite {
  #dialog = byId("invite-dialog", HTMLDialogElement);
  #button = byId("invite", HTMLButtonElement);
  #problem = byId("invite-problem", HTMLParagraphElement);
  #room = "";
  /** @type {string | null} */
  #token = null;
  #moderates = false;

  constructor() {
    this.#button.addEventListener("click", () => void this.#open());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    for (const button of this.#dialog.querySelectorAll("button[data-copies]")) {
      button.addEventListener("click", () => void this.#copy(/** @type {HTMLButtonElement} */ (button)));
    }
  }

  /**
   * @param {string} room
   * @param {string | null} token one's own; null hides the button
   */
  attach(room, token) {
    this.#room = room;
    this.#token = token;
    this.#button.hidden = token === null;
    if (token === null) this.#dialog.close();
    for (const input of this.#dialog.querySelectorAll("input")) input.value = "";
  }

  /** @param {boolean} moderates whether one may invite moderators */
  allow(moderates) {
    this.#moderates = moderates;
    byId("invite-moderators", HTMLDivElement).hidden = !moderates;
  }

  #fields() {
    const ids = ["invite-listener", "invite-speaker", ...(this.#moderates ? ["invite-moderator"] : [])];
    return ids.map((id) => byId(id, HTMLInputElement));
  }

  async #open() {
    this.#problem.hidden = true;
    byId("invite-links", HTMLDivElement).hidden = false;
    this.#dialog.showModal();
    const fields = this.#fields().filter(({ value }) => value === "");
    try {
      await Promise.all(fields.map(async (field) => {
        const role = /** @type {import("./options.js").Role} */ (field.dataset["role"] ?? "listener");
        field.value = roomLink(this.#room, await drawToken(this.#room, { role }, this.#token));
      }));
    } catch (error) {
      byId("invite-links", HTMLDivElement).hidden = true;
      this.#problem.textContent = refused(error);
      this.#problem.hidden = false;
    }
  }

  /** @param {HTMLButtonElement} button */
  async #copy(button) {
    const field = byId(button.dataset["copies"] ?? "", HTMLInputElement);
    if (field.value === "") return;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Without HTTPS there is no clipboard; the text is selected for the person's own copy.
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  }
}

/** @param {unknown} error */
function refused(error) {
  if (!(error instanceof RoomError)) return "The links could not be made.";
  if (error.kind === "token" || error.kind === "forbidden") return "On this server only its operator makes links.";
  return error.message;
}
