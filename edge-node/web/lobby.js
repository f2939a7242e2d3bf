// Before joining: name, to speak or to listen, which microphone, and whether it works.

import { byId, make, remember, remembered } from "./dom.js";
import { RoomError } from "./problem.js";
import { sentence } from "./sentences.js";
import { loudness } from "./stage.js";
import { Microphone, Room } from "./stoa.js";

/** How often the test meter moves, and how long a test lasts unless ended. */
const METER_INTERVAL_MS = 60;
const TEST_MS = 20_000;

/** @typedef {{name: string, speaks: boolean, deviceId: string}} Choice */

/** The form in front of a room. */
export class Lobby {
  /** The person has pressed Join; still inside the gesture. @type {(choice: Choice) => void} */
  onjoin = () => {};

  #form = byId("lobby", HTMLFormElement);
  #name = byId("lobby-name", HTMLInputElement);
  #input = byId("lobby-input", HTMLSelectElement);
  #join = byId("lobby-join", HTMLButtonElement);
  #test = byId("lobby-test", HTMLButtonElement);
  #meter = byId("lobby-meter", HTMLDivElement);
  #problem = byId("lobby-problem", HTMLParagraphElement);
  /** @type {Microphone | null} */
  #tested = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #moving;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #ending;

  constructor() {
    this.#name.value = remembered("name");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("change", () => this.#show());
    this.#test.addEventListener("click", () => void (this.#tested === null ? this.#startTest() : this.#endTest()));
    this.#input.addEventListener("change", () => {
      remember("microphone", this.#input.value);
      if (this.#tested !== null) void this.#startTest();
    });
    if (!globalThis.isSecureContext) this.#insecure();
    this.#show();
    void this.#listDevices();
  }

  /**
   * Fits the form to what the link allows.
   * @param {import("./options.js").Role | null} role null: not known yet, the person chooses
   */
  fit(role) {
    byId("lobby-part", HTMLFieldSetElement).hidden = role === "listener";
    if (role === "listener") this.#choose("listen");
    this.#show();
  }

  /** @param {boolean} busy while joining */
  busy(busy) {
    // Disabled for good it would lose the focus.
    this.#join.setAttribute("aria-disabled", String(busy));
    this.#join.textContent = busy ? "Joining…" : "Join";
    if (!busy) this.#show();
  }

  /** @param {RoomError} error why joining failed; the form stays */
  refuse(error) {
    this.#complain(error);
    if (MICROPHONE_KINDS.has(error.kind)) {
      this.#choose("listen");
      this.#problem.append(" Until then you can listen.");
    }
    this.busy(false);
  }

  get #isBusy() {
    return this.#join.getAttribute("aria-disabled") === "true";
  }

  #submit() {
    if (this.#isBusy) return;
    void this.#endTest();
    this.#problem.hidden = true;
    const name = this.#name.value.trim();
    remember("name", name);
    this.onjoin({ name, speaks: this.#speaks, deviceId: this.#input.value });
  }

  get #speaks() {
    return new FormData(this.#form).get("part") === "speak";
  }

  /** @param {"speak" | "listen"} part */
  #choose(part) {
    const radio = this.#form.querySelector(`input[name="part"][value="${part}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
    this.#show();
  }

  #show() {
    byId("lobby-microphone", HTMLDivElement).hidden = !this.#speaks;
    byId("lobby-advice", HTMLParagraphElement).hidden = !this.#speaks;
    if (!this.#speaks) void this.#endTest();
    if (!this.#isBusy) this.#join.textContent = this.#speaks ? "Join and speak" : "Join and listen";
  }

  #insecure() {
    this.#complain(new RoomError("insecure", ""));
    const speak = this.#form.querySelector('input[value="speak"]');
    if (speak instanceof HTMLInputElement) speak.disabled = true;
    this.#choose("listen");
  }

  /** @param {RoomError} error */
  #complain(error) {
    const hint = HINTS.get(error.kind);
    this.#problem.replaceChildren(...(hint === undefined ? [sentence(error)] : hint()));
    this.#problem.hidden = false;
  }

  async #startTest() {
    await this.#endTest();
    this.#problem.hidden = true;
    try {
      const microphone = await Microphone.open({ deviceId: this.#input.value });
      this.#tested = microphone;
    } catch (error) {
      if (error instanceof RoomError) this.#complain(error);
      return;
    }
    this.#test.textContent = "Stop";
    this.#meter.hidden = false;
    this.#moving = setInterval(() => this.#move(), METER_INTERVAL_MS);
    this.#ending = setTimeout(() => void this.#endTest(), TEST_MS);
    await this.#listDevices();
  }

  async #endTest() {
    clearInterval(this.#moving);
    clearTimeout(this.#ending);
    this.#tested?.stop();
    this.#tested = null;
    this.#test.textContent = "Test";
    this.#meter.hidden = true;
  }

  #move() {
    const share = loudness(this.#tested?.level() ?? 0);
    this.#meter.style.setProperty("--level", share.toFixed(2));
    this.#meter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  }

  async #listDevices() {
    const { inputs } = await Room.devices();
    fillDevices(this.#input, inputs, this.#input.value || remembered("microphone"));
  }
}

const MICROPHONE_KINDS = new Set(["microphone-denied", "microphone-missing", "microphone-busy", "insecure"]);

/** What to do about it, where a sentence of the error alone would leave one helpless. @type {Map<string, () => (Node | string)[]>} */
const HINTS = new Map([
  ["insecure", () => [
    "This page was not opened over HTTPS, so browsers give it no microphone. Start the server with ",
    make("code", {}, "--tls self-signed"), " and open the ", make("code", {}, "https://"), " address. Listening works as it is.",
  ]],
  ["microphone-denied", () => [
    "The microphone is blocked for this page. Allow it in the browser's address bar or settings, then choose to speak again.",
  ]],
]);

/**
 * Fills a menu of devices; the system's default comes first, under that name.
 * @param {HTMLSelectElement} select
 * @param {{id: string, label: string}[]} devices
 * @param {string} chosen
 */
export function fillDevices(select, devices, chosen) {
  const named = devices.filter(({ id, label }) => id !== "default" && id !== "communications" && label !== "");
  const options = [make("option", { value: "" }, "System default"), ...named.map(({ id, label }) => make("option", { value: id }, label))];
  const look = (/** @type {Iterable<HTMLOptionElement>} */ them) => JSON.stringify([...them].map(({ value, text }) => [value, text]));
  // Some readers read a menu out that is filled, although nobody is there.
  if (look(select.options) !== look(options)) select.replaceChildren(...options);
  select.value = named.some(({ id }) => id === chosen) ? chosen : "";
}
