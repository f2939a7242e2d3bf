// One peer connection with the room: a line for the microphone, then the slots.
//
// The lines never change after the offer: who speaks and who is heard in which slot are messages, not SDP. A listener has
// the microphone's line too, without a track, so that he can come to the stage at once.

import { withPacketLength } from "./packets.js";
import { RoomError } from "./problem.js";

/** Downlink lines; the server offers no more. */
export const SLOTS_MAX = 3;
/** How long the first connection, or one after an ICE restart, may take. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How long ICE may be `disconnected` before somebody is told: it often comes back by itself. */
const DISCONNECTED_MS = 2_000;

/** A peer connection that is offered once and answered once. */
export class Session {
  /** ICE has failed or stayed disconnected for 2 s: time to restart it. */
  oninterrupted = () => {};
  /** Audio flows again after an interruption. */
  onconnected = () => {};

  #connection;
  /** @type {number | null} */
  #packetMs;
  #uplink;
  /** @type {RTCRtpTransceiver[]} */
  #slots = [];
  /** @type {RTCSessionDescriptionInit | null} */
  #offered = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #disconnected;

  /**
   * @param {object} options
   * @param {MediaStreamTrack | null} options.track the microphone; null: nothing to say yet
   * @param {number | null} [options.packetMs] how much audio to ask for in one packet; null: as the edge likes
   * @throws {RoomError} `unsupported`
   */
  constructor({ track, packetMs = null }) {
    if (typeof RTCPeerConnection === "undefined") throw new RoomError("unsupported", "This browser has no WebRTC.");
    this.#packetMs = packetMs;
    this.#connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    // The uplink comes first: the server, and people who read the SDP, expect it there.
    this.#uplink = this.#connection.addTransceiver(track ?? "audio", { direction: "sendonly" });
    preferRedundancy(this.#uplink);
    for (let slot = 0; slot < SLOTS_MAX; slot++) {
      this.#slots.push(this.#connection.addTransceiver("audio", { direction: "recvonly" }));
    }
    this.#connection.addEventListener("iceconnectionstatechange", () => this.#watch());
  }

  /** The peer connection, for statistics and for tests. */
  get connection() {
    return this.#connection;
  }

  /** Whether audio can flow right now. */
  get isLive() {
    const { iceConnectionState: ice, connectionState } = this.#connection;
    return (ice === "connected" || ice === "completed") && connectionState === "connected";
  }

  /**
   * The tracks of the slots, in the order of their lines; they exist before anything is connected, so that they can
   * be given to audio elements while the person's gesture still counts.
   * @returns {MediaStreamTrack[]}
   */
  get tracks() {
    return this.#slots.map((transceiver) => transceiver.receiver.track);
  }

  /** What receives, in the order of the lines. */
  get receiving() {
    return this.#slots.map((transceiver) => transceiver.receiver);
  }

  /**
   * Receivers by slot number.
   * @param {{slot: number, mid: string}[]} layout of the `joined` message
   * @returns {Map<number, RTCRtpReceiver>}
   */
  receivers(layout) {
    const byMid = new Map(this.#slots.map((transceiver) => [transceiver.mid, transceiver.receiver]));
    const receivers = new Map();
    for (const { slot, mid } of layout) {
      const receiver = byMid.get(mid);
      if (receiver !== undefined) receivers.set(slot, receiver);
    }
    return receivers;
  }

  /**
   * Makes the offer. It takes effect in `accept`, so that the ICE servers which come with the answer are used from
   * the first gathering on.
   * @returns {Promise<string>} SDP
   */
  async offer() {
    this.#offered = await this.#connection.createOffer();
    const sdp = this.#offered.sdp ?? "";
    return this.#packetMs === null ? sdp : withPacketLength(sdp, this.#packetMs);
  }

  /**
   * Takes the answer and waits until audio can flow.
   * @param {string} sdp
   * @param {RTCIceServer[]} iceServers
   * @throws {RoomError} `no-path` when ICE or DTLS fail, `protocol` when the answer does not fit
   */
  async accept(sdp, iceServers) {
    if (iceServers.length > 0) this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers });
    await this.#apply(this.#offered ?? {}, sdp);
    await this.#connected();
  }

  /**
   * Restarts ICE: new credentials, same lines.
   * @param {(offer: string) => Promise<string>} exchange brings the offer to the server and its answer back
   * @throws {RoomError} `no-path`, `protocol`, or what `exchange` threw
   */
  async restart(exchange) {
    const offer = await this.#connection.createOffer({ iceRestart: true });
    const answer = await exchange(offer.sdp ?? "");
    await this.#apply(offer, answer);
    await this.#connected();
  }

  /**
   * Puts a microphone on the uplink, or takes it off, without renegotiation.
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(track) {
    await this.#uplink.sender.replaceTrack(track);
  }

  /** Ends everything; nothing is called afterwards. */
  close() {
    this.oninterrupted = () => {};
    this.onconnected = () => {};
    clearTimeout(this.#disconnected);
    this.#connection.close();
  }

  /**
   * @param {RTCSessionDescriptionInit | {}} offer
   * @param {string} sdp
   */
  async #apply(offer, sdp) {
    try {
      await this.#connection.setLocalDescription(/** @type {RTCLocalSessionDescriptionInit} */ (offer));
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
    } catch (cause) {
      throw new RoomError("protocol", "The browser did not accept the server's answer.", { cause });
    }
  }

  /** @returns {Promise<void>} once the connection stands */
  #connected() {
    const connection = this.#connection;
    return new Promise((resolve, reject) => {
      const finish = (/** @type {boolean} */ good) => {
        clearTimeout(timer);
        connection.removeEventListener("connectionstatechange", look);
        connection.removeEventListener("iceconnectionstatechange", look);
        if (good) resolve();
        else reject(new RoomError("no-path", "No audio connection could be set up. A firewall may block it."));
      };
      const look = () => {
        if (this.isLive) finish(true);
        else if (connection.connectionState === "failed" || connection.connectionState === "closed") finish(false);
      };
      const timer = setTimeout(() => finish(false), CONNECT_TIMEOUT_MS);
      connection.addEventListener("connectionstatechange", look);
      connection.addEventListener("iceconnectionstatechange", look);
      look();
    });
  }

  #watch() {
    clearTimeout(this.#disconnected);
    switch (this.#connection.iceConnectionState) {
      case "connected":
      case "completed":
        return this.onconnected();
      case "disconnected":
        this.#disconnected = setTimeout(() => this.oninterrupted(), DISCONNECTED_MS);
        return;
      case "failed":
        return this.oninterrupted();
      default:
    }
  }
}

/**
 * Asks for RED (RFC 2198) around Opus where the browser can, so that single losses on the way up repair themselves.
 * @param {RTCRtpTransceiver} transceiver
 */
function preferRedundancy(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  const named = (/** @type {string} */ name) => codecs.filter((codec) => codec.mimeType.toLowerCase() === name);
  const wanted = [...named("audio/red"), ...named("audio/opus")];
  if (wanted.length < 2) return;
  try {
    transceiver.setCodecPreferences(wanted);
  } catch {
    // Browsers disagree on which capabilities are allowed here; Opus alone works everywhere.
  }
}
