// A world for `Room` outside of a browser: a WebSocket with a scripted server behind it, peer connections that connect
// at once, a microphone. What happened is written down.

/** Resolves once everything that is due now has been done. */
export async function settle() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until something holds; fails after a second. @param {() => boolean} holds */
export async function until(holds) {
  const end = performance.now() + 1_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}`);
    await settle();
  }
}

class Track extends EventTarget {
  enabled = true;
  stopped = false;

  stop() {
    this.stopped = true;
  }
}

class Peer extends EventTarget {
  iceConnectionState = "new";
  connectionState = "new";
  /** @type {any[]} */
  transceivers = [];

  constructor() {
    super();
    world.peers.push(this);
  }

  /** @param {unknown} what @param {{direction: string}} how */
  addTransceiver(what, { direction }) {
    const sender = {
      track: typeof what === "string" ? null : what,
      /** @param {any} track */
      async replaceTrack(track) {
        sender.track = track;
      },
    };
    const receiver = { track: new Track(), getSynchronizationSources: () => [] };
    const made = { direction, sender, receiver, mid: String(this.transceivers.length), setCodecPreferences: () => {} };
    this.transceivers.push(made);
    return made;
  }

  async createOffer() {
    return { type: "offer", sdp: "offer" };
  }

  async setLocalDescription() {
    world.descriptions += 1;
  }

  async setRemoteDescription() {
    this.iceConnectionState = "connected";
    this.connectionState = "connected";
  }

  getConfiguration() {
    return {};
  }

  setConfiguration() {}

  close() {
    this.connectionState = "closed";
  }
}

/** The server's end of one connection. */
export class Socket {
  static OPEN = 1;
  readyState = 1;
  closed = false;
  /** @type {any[]} */
  said = [];
  /** @type {any} */
  onopen = null;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    world.sockets.push(this);
    const { host } = new URL(url);
    if (world.mute.has(host)) return;
    const isThere = world.reachable && !world.dead.has(host);
    setImmediate(() => (isThere ? this.onopen?.() : this.onclose?.({ code: 1006 })));
  }

  /** @param {string} text */
  send(text) {
    const message = JSON.parse(text);
    this.said.push(message);
    setImmediate(() => {
      for (const answer of [world.serve(message, this)].flat()) if (answer) this.hear({ id: message.id, ...answer });
    });
  }

  /** @param {object} message */
  hear(message) {
    if (!this.closed) this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The network goes. @param {number} code */
  drop(code = 1006) {
    this.closed = true;
    this.onclose?.({ code });
  }

  close() {
    this.closed = true;
  }
}

/** The answer to a join. @param {object} change */
export function joined(change = {}) {
  const standing = { role: "listener", muted: false, hand: false, invited: false };
  return {
    type: "joined", participant: "p_1", room: { id: "agora", name: "The Agora", topic: "" }, role: "listener", sdp: "answer",
    slots: [], stage: [], listeners: 1, resume: "secret", standing, ...change,
  };
}

/** What tests look at, and change. */
export const world = {
  /** @type {Socket[]} */
  sockets: [],
  /** @type {Peer[]} */
  peers: [],
  /** Offers applied so far. */
  descriptions: 0,
  /** Microphones opened, in order. @type {Track[]} */
  microphones: [],
  reachable: true,
  /** Hosts that refuse connections, and that do not even do that. @type {Set<string>} */
  dead: new Set(),
  /** @type {Set<string>} */
  mute: new Set(),
  microphoneAllowed: true,
  /** The server: what it answers to a message. @type {(message: any, socket: Socket) => any} */
  serve: () => ({ type: "ok" }),

  /** All messages of a type, over all connections. @param {string} type */
  said(type) {
    return this.sockets.flatMap(({ said }) => said).filter((message) => message.type === type);
  },

  /** The track on the line of the newest peer connection. */
  get onTheLine() {
    return this.peers.at(-1)?.transceivers[0].sender.track ?? null;
  },

  /** Everything anew; called before each test. */
  reset() {
    Object.assign(this, { sockets: [], peers: [], descriptions: 0, microphones: [], reachable: true, microphoneAllowed: true });
    this.dead.clear();
    this.mute.clear();
    this.serve = (message) => (message.type === "join" ? joined() : { type: "ok" });
  },
};

const audio = { play: async () => {}, pause: () => {}, autoplay: false, srcObject: null };
const devices = Object.assign(new EventTarget(), {
  async getUserMedia() {
    if (!world.microphoneAllowed) throw Object.assign(new Error("no"), { name: "NotAllowedError" });
    const track = new Track();
    world.microphones.push(track);
    return { getAudioTracks: () => [track] };
  },
});

for (const [name, value] of Object.entries({
  WebSocket: Socket, RTCPeerConnection: Peer, RTCRtpReceiver: { getCapabilities: () => ({ codecs: [] }) },
  Audio: function Audio() { return { ...audio }; }, MediaStream: class {}, isSecureContext: true,
  location: { href: "http://edge.example/" },
  addEventListener: () => {}, removeEventListener: () => {},
})) Reflect.set(globalThis, name, value);
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { onLine: true, mediaDevices: devices, languages: ["en"] } });
