// Records what the audio elements of a page play: whatever stands in one that is not muted, from when it does. Beside
// client.js, which hands the recording out.

globalThis.joins = [];
globalThis.WebSocket = class extends globalThis.WebSocket {
  send(text) {
    // An edge is where a join went to, and not where somebody merely knocked.
    if (JSON.parse(text).type === "join") globalThis.joins.push(new URL(this.url).host);
    super.send(text);
  }
};

/** @param {string} source of the worklet */
globalThis.record = async (source) => {
  const context = new AudioContext({ sampleRate: 48_000 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 1, numberOfOutputs: 0 });
  const blocks = [];
  recorder.port.onmessage = ({ data }) => blocks.push(data);
  /** By element: its source and how loud it is. */
  const taps = new Map();
  const element = HTMLMediaElement.prototype;
  const stream = Object.getOwnPropertyDescriptor(element, "srcObject");
  Object.defineProperty(element, "srcObject", {
    get() {
      return stream.get.call(this);
    },
    set(value) {
      stream.set.call(this, value);
      taps.get(this)?.forEach((node) => node.disconnect());
      taps.delete(this);
      if (!(value instanceof MediaStream) || value.getAudioTracks().length === 0) return;
      const tap = context.createMediaStreamSource(value);
      const gain = context.createGain();
      gain.gain.value = this.muted ? 0 : 1;
      tap.connect(gain).connect(recorder);
      taps.set(this, [tap, gain]);
    },
  });
  const muted = Object.getOwnPropertyDescriptor(element, "muted");
  Object.defineProperty(element, "muted", {
    get() {
      return muted.get.call(this);
    },
    set(value) {
      muted.set.call(this, value);
      const gain = taps.get(this)?.[1];
      if (gain !== undefined) gain.gain.value = value ? 0 : 1;
    },
  });
  await context.resume();
  globalThis.recording = { blocks };
};

/** A WHEP player that cannot be told anything. */
globalThis.play = async (path, token) => {
  const connection = new RTCPeerConnection();
  connection.addTransceiver("audio", { direction: "recvonly" });
  await exchange(path, token, connection);
  globalThis.recording = { connection };
};
