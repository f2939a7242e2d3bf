// One audio element per slot, and what phones demand before they play.

import { devicesOf } from "./microphone.js";

/**
 * Devices by kind; loudspeakers only where one can be chosen.
 * @returns {Promise<{inputs: {id: string, label: string}[], outputs: {id: string, label: string}[]}>}
 */
export async function devices() {
  const [inputs, outputs] = await Promise.all([devicesOf("audioinput"), devicesOf("audiooutput")]);
  return { inputs, outputs: Playback.canChooseOutput ? outputs : [] };
}

/** Plays the slots. Elements live as long as the room, so a gesture that unlocked them counts for every rejoin. */
export class Playback {
  /** The browser plays nothing before a gesture; call `resume()` in one. */
  onblocked = () => {};

  /** @type {HTMLAudioElement[]} */
  #elements = [];
  #output = "";
  #muted = false;

  /** Whether `setOutput` can do anything in this browser. */
  static get canChooseOutput() {
    return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
  }

  /**
   * Makes elements that may play later; call it in a gesture. Phones remember the gesture by element.
   * @param {number} count
   */
  unlock(count) {
    while (this.#elements.length < count) this.#elements.push(this.#element());
    for (const element of this.#elements) {
      element.srcObject ??= new MediaStream();
      // Nothing plays yet, so this never settles or is cut off; only the attempt counts.
      element.play().catch(() => {});
    }
  }

  /**
   * Plays these tracks from now on, one element each.
   * @param {MediaStreamTrack[]} tracks
   */
  play(tracks) {
    while (this.#elements.length < tracks.length) this.#elements.push(this.#element());
    this.#elements.forEach((element, index) => {
      const track = tracks[index];
      element.srcObject = track === undefined ? null : new MediaStream([track]);
    });
    this.resume();
  }

  /** Whether nobody hears what is played: it runs on all the same. @param {boolean} muted */
  set muted(muted) {
    this.#muted = muted;
    for (const element of this.#elements) element.muted = muted;
  }

  /** Tries to play again, after the person's gesture. */
  resume() {
    for (const element of this.#elements) {
      if (element.srcObject === null) continue;
      element.play().catch((error) => {
        if (error instanceof DOMException && error.name === "NotAllowedError") this.onblocked();
      });
    }
  }

  /**
   * @param {string} deviceId empty: the system's default
   * @throws {DOMException} when the device is gone or not allowed
   */
  async setOutput(deviceId) {
    this.#output = deviceId;
    if (!Playback.canChooseOutput) return;
    await Promise.all(this.#elements.map((element) => element.setSinkId(deviceId)));
  }

  /** Ends playing. */
  stop() {
    for (const element of this.#elements) {
      element.pause();
      element.srcObject = null;
    }
  }

  #element() {
    const element = new Audio();
    element.autoplay = true;
    element.muted = this.#muted;
    if (this.#output !== "" && Playback.canChooseOutput) element.setSinkId(this.#output).catch(() => {});
    return element;
  }
}
