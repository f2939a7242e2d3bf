// The microphone: opening it, changing it, its level.

import { RoomError, fromMicrophone } from "./problem.js";

/** Samples looked at for one level: 1024 are 21 ms at 48 kHz. */
const LEVEL_SAMPLES = 1024;

/**
 * How to open a microphone. The three treatments are on unless switched off.
 * @typedef {object} MicrophoneOptions
 * @property {string} [deviceId] empty or absent: the system's default
 * @property {boolean} [echoCancellation]
 * @property {boolean} [noiseSuppression]
 * @property {boolean} [autoGainControl]
 */

/** An open microphone. */
export class Microphone {
  /** The device went away, or the system took it. */
  onended = () => {};

  #owned;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #samples = new Float32Array(LEVEL_SAMPLES);

  /**
   * @param {MediaStreamTrack} track
   * @param {boolean} owned whether to stop it at the end
   */
  constructor(track, owned) {
    this.track = track;
    this.#owned = owned;
    this.#listen();
  }

  /**
   * Opens a microphone; a named device that is gone is replaced by the default.
   * @param {MicrophoneOptions} [options]
   * @returns {Promise<Microphone>}
   * @throws {RoomError} `insecure`, `microphone-denied`, `microphone-missing` or `microphone-busy`
   */
  static async open(options = {}) {
    return new Microphone(await capture(options), true);
  }

  /**
   * Changes the device. The old one stays open until the new one works, except where the system allows only one.
   * @param {MicrophoneOptions} options
   * @returns {Promise<MediaStreamTrack>} the new track, as enabled as the old one was
   * @throws {RoomError} as `open`
   */
  async change(options) {
    const old = this.track;
    let track;
    try {
      track = await capture(options);
    } catch (error) {
      if (!(error instanceof RoomError) || error.kind !== "microphone-busy") throw error;
      old.stop();
      track = await capture(options);
    }
    track.enabled = old.enabled;
    old.onended = null;
    if (this.#owned) old.stop();
    this.#owned = true;
    this.track = track;
    this.#listen();
    return track;
  }

  /** How loud it is now: root mean square, 0 to 1. */
  level() {
    if (this.#analyser === null || !this.track.enabled) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / LEVEL_SAMPLES));
  }

  /** Lets the device go. */
  stop() {
    this.track.onended = null;
    if (this.#owned) this.track.stop();
    this.#source?.disconnect();
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.#analyser = null;
  }

  #listen() {
    this.track.onended = () => this.onended();
    try {
      this.#context ??= new AudioContext();
      this.#analyser ??= new AnalyserNode(this.#context, { fftSize: LEVEL_SAMPLES });
      this.#source?.disconnect();
      this.#source = this.#context.createMediaStreamSource(new MediaStream([this.track]));
      this.#source.connect(this.#analyser);
      this.#context.resume().catch(() => {});
    } catch {
      // Without an audio context there is no meter for oneself; speaking works all the same.
      this.#analyser = null;
    }
  }
}

/**
 * @param {MicrophoneOptions} options
 * @returns {Promise<MediaStreamTrack>}
 */
async function capture({ deviceId = "", echoCancellation = true, noiseSuppression = true, autoGainControl = true }) {
  if (!globalThis.isSecureContext || navigator.mediaDevices === undefined) {
    throw new RoomError("insecure", "Browsers give the microphone only to pages served over HTTPS or from localhost.");
  }
  const treatment = { echoCancellation, noiseSuppression, autoGainControl, channelCount: 1 };
  try {
    const exact = deviceId === "" ? {} : { deviceId: { exact: deviceId } };
    return await firstTrack({ ...treatment, ...exact });
  } catch (cause) {
    const gone = cause instanceof Error && cause.name === "OverconstrainedError" && deviceId !== "";
    if (!gone) throw fromMicrophone(cause);
    return firstTrack(treatment).catch((second) => Promise.reject(fromMicrophone(second)));
  }
}

/**
 * Devices of a kind. Labels are empty until the microphone has been allowed once.
 * @param {"audioinput" | "audiooutput"} kind
 * @returns {Promise<{id: string, label: string}[]>}
 */
export async function devicesOf(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const known = all.filter((device) => device.kind === kind && device.deviceId !== "");
  return known.map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** @param {MediaTrackConstraints} audio */
async function firstTrack(audio) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const [track] = stream.getAudioTracks();
  if (track === undefined) throw new DOMException("The stream holds no audio.", "NotFoundError");
  return track;
}
