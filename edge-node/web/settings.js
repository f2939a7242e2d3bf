// The settings of a joined room: devices, treatments of the microphone, figures of the connection.

import { byId, make, remember, remembered } from "./dom.js";
import { fillDevices } from "./lobby.js";
import { Room, RoomError } from "./stoa.js";

const TREATMENTS = /** @type {const} */ (["echoCancellation", "noiseSuppression", "autoGainControl"]);

/** The dialog behind the settings button. */
export class Settings {
  #dialog = byId("settings-dialog", HTMLDialogElement);
  #input = byId("settings-input", HTMLSelectElement);
  #output = byId("settings-output", HTMLSelectElement);
  #problem = byId("settings-problem", HTMLParagraphElement);
  /** @type {Room | null} */
  #room = null;

  constructor() {
    byId("settings", HTMLButtonElement).addEventListener("click", () => void this.#open());
    byId("quality", HTMLButtonElement).addEventListener("click", () => void this.#open());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#input.addEventListener("change", () => void this.#apply());
    for (const treatment of TREATMENTS) byId(treatment, HTMLInputElement).addEventListener("change", () => void this.#apply());
    this.#output.addEventListener("change", () => void this.#tryTo(() => this.#room?.setOutput(this.#output.value)));
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#dialog.open && void this.#fill());
  }

  /** @param {Room | null} room the joined one */
  attach(room) {
    this.#room = room;
    if (room === null) this.#dialog.close();
  }

  /** @param {import("./statistics.js").Summary} summary */
  measured(summary) {
    const percent = (/** @type {number | null} */ share) => (share === null ? "–" : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`);
    const ms = (/** @type {number | null} */ value) => (value === null ? "–" : `${Math.round(value)} ms`);
    const rate = (/** @type {number} */ bits) => `${Math.round(bits / 1000)} kbit/s`;
    const rows = [
      ["Round trip", ms(summary.rttMs)],
      ["Buffered", ms(summary.jitterBufferMs)],
      ["Lost on the way", percent(summary.lossDown)],
      ["Concealed", percent(summary.concealment)],
      ["Down", rate(summary.bitrateDown)],
      ["Up", rate(summary.bitrateUp)],
    ];
    byId("figures", HTMLDListElement).replaceChildren(...rows.map(([term, value]) =>
      make("div", {}, make("dt", {}, term ?? ""), make("dd", {}, value ?? ""))));
  }

  async #open() {
    this.#problem.hidden = true;
    // Lists that are filled before one's ears are read out, although nobody is there.
    await this.#fill();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  async #fill() {
    const { inputs, outputs } = await Room.devices();
    byId("settings-microphone", HTMLDivElement).hidden = !this.#room?.publishing;
    byId("settings-speaker", HTMLDivElement).hidden = outputs.length === 0;
    fillDevices(this.#input, inputs, this.#input.value || remembered("microphone"));
    fillDevices(this.#output, outputs, this.#output.value);
  }

  async #apply() {
    remember("microphone", this.#input.value);
    const wanted = Object.fromEntries(TREATMENTS.map((name) => [name, byId(name, HTMLInputElement).checked]));
    await this.#tryTo(() => this.#room?.setInput(this.#input.value, wanted));
  }

  /** @param {() => Promise<void> | undefined} change */
  async #tryTo(change) {
    this.#problem.hidden = true;
    try {
      await change();
    } catch (error) {
      this.#problem.textContent = error instanceof RoomError ? error.message : "This device cannot be used.";
      this.#problem.hidden = false;
    }
  }
}
