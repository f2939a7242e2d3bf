// The host's dialog: what the room is called, what it is about, who finds it; and its end.

import { changeRoom, closeRoom, readRoom } from "./api.js";
import { byId, make } from "./dom.js";
import { languageName, languagesOffered } from "./languages.js";
import { sentence } from "./sentences.js";

/** The dialog behind the edit button. */
export class RoomForm {
  /** @type {(text: string) => void} */
  ontold = () => {};

  #dialog = byId("edit-dialog", HTMLDialogElement);
  #button = byId("edit", HTMLButtonElement);
  #form = byId("edit-form", HTMLFormElement);
  #name = byId("edit-name", HTMLInputElement);
  #topic = byId("edit-topic", HTMLInputElement);
  #hands = byId("edit-hands", HTMLInputElement);
  #muted = byId("edit-muted", HTMLInputElement);
  #language = byId("edit-language", HTMLSelectElement);
  #visibility = byId("edit-visibility", HTMLSelectElement);
  #problem = byId("edit-problem", HTMLParagraphElement);
  #question;
  #id = "";
  #token = "";

  /** @param {import("./question.js").Question} question */
  constructor(question) {
    this.#question = question;
    this.#button.addEventListener("click", () => void this.#open());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    byId("edit-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    byId("edit-end", HTMLButtonElement).addEventListener("click", () => void this.#end());
  }

  /**
   * @param {string} id
   * @param {string} token one's own; empty: not in a room
   */
  attach(id, token) {
    this.#id = id;
    this.#token = token;
    if (token === "") this.#dialog.close();
  }

  /** @param {boolean} isHost */
  allow(isHost) {
    this.#button.hidden = !isHost || this.#token === "";
    if (!isHost) this.#dialog.close();
  }

  async #open() {
    this.#problem.hidden = true;
    this.#dialog.showModal();
    try {
      const room = await readRoom(this.#id, this.#token);
      this.#name.value = room.name;
      this.#topic.value = room.topic ?? "";
      this.#hands.checked = room.hands !== false;
      this.#muted.checked = room.muted_on_entry === true;
      this.#offer(room.language ?? "");
      this.#visibility.value = room.visibility ?? "open";
    } catch (error) {
      this.#complain(error);
    }
  }

  /** The room's language may be one that is not offered elsewhere. @param {string} chosen */
  #offer(chosen) {
    const codes = new Set([...languagesOffered(), ...(chosen === "" ? [] : [chosen])]);
    this.#language.replaceChildren(make("option", { value: "" }, "Not said"),
      ...[...codes].map((code) => make("option", { value: code }, languageName(code))));
    this.#language.value = chosen;
  }

  async #save() {
    this.#problem.hidden = true;
    try {
      await changeRoom(this.#id, {
        name: this.#name.value.trim(), topic: this.#topic.value.trim(), hands: this.#hands.checked,
        visibility: this.#visibility.value, language: this.#language.value, muted_on_entry: this.#muted.checked,
      }, this.#token);
      this.#dialog.close();
      this.ontold("The room was changed.");
    } catch (error) {
      this.#complain(error);
    }
  }

  async #end() {
    this.#dialog.close();
    const answer = await this.#question.ask({
      title: "End the room?", text: "Everybody leaves, and the room is gone.", yes: "End the room", reason: "none",
    });
    if (answer === null) return;
    await closeRoom(this.#id, this.#token).catch((error) => this.ontold(sentence(error)));
  }

  /** @param {unknown} error */
  #complain(error) {
    this.#problem.textContent = sentence(error);
    this.#problem.hidden = false;
  }
}
