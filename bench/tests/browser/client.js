// A WHIP publisher and a WHEP player as plain as can be; runs inside a page.

/** @param {string} url @param {string} token @param {RTCPeerConnection} connection */
async function exchange(url, token, connection) {
  await connection.setLocalDescription();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/sdp", authorization: `Bearer ${token}` },
    body: connection.localDescription.sdp,
  });
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  await new Promise((resolve, reject) => {
    const look = () => {
      if (connection.connectionState === "connected") resolve();
      if (connection.connectionState === "failed") reject(new Error("the connection failed"));
    };
    connection.addEventListener("connectionstatechange", look);
    setTimeout(() => reject(new Error(`still ${connection.connectionState} after 15 s`)), 15_000);
    look();
  });
}

/** Listens and records all that is played. */
async function listen(url, token) {
  const connection = new RTCPeerConnection();
  const { receiver } = connection.addTransceiver("audio", { direction: "recvonly" });
  const stream = new MediaStream([receiver.track]);
  // Chromium moves remote audio into the graph only while an element plays it.
  const element = new Audio();
  element.srcObject = stream;
  element.muted = true;
  await element.play().catch(() => {});
  const context = new AudioContext({ sampleRate: 48_000 });
  // By way of a blob: the test's routes see what pages fetch, not what worklets load.
  const source = await (await fetch("/test/recorder.js")).blob();
  await context.audioWorklet.addModule(URL.createObjectURL(source));
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 1, numberOfOutputs: 0 });
  const blocks = [];
  recorder.port.onmessage = ({ data }) => blocks.push(data);
  context.createMediaStreamSource(stream).connect(recorder);
  await context.resume();
  await exchange(url, token, connection);
  globalThis.recording = { connection, blocks };
}

/** Connects without a microphone, then speaks: what is said begins when everybody can hear it. */
async function speak(url, token) {
  const connection = new RTCPeerConnection();
  const { sender } = connection.addTransceiver("audio", { direction: "sendonly" });
  await exchange(url, token, connection);
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  await sender.replaceTrack(stream.getAudioTracks()[0]);
  globalThis.speaking = { connection, stream };
}

/** The recording as 16-bit samples in base64, which crosses from page to test fastest. */
function recorded() {
  const { blocks } = globalThis.recording;
  const samples = new Int16Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    for (const sample of block) samples[at++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)));
  }
  const bytes = new Uint8Array(samples.buffer);
  let text = "";
  for (let begin = 0; begin < bytes.length; begin += 32_768) {
    text += String.fromCharCode(...bytes.subarray(begin, begin + 32_768));
  }
  return btoa(text);
}

/** What Chromium counted of the audio it received. */
async function received() {
  const report = await globalThis.recording.connection.getStats();
  const inbound = [...report.values()].find((entry) => entry.type === "inbound-rtp");
  const { packetsReceived, packetsLost, packetsDiscarded, concealedSamples, silentConcealedSamples, concealmentEvents,
    totalSamplesReceived, jitterBufferDelay, jitterBufferEmittedCount } = inbound ?? {};
  return { packetsReceived, packetsLost, packetsDiscarded, concealedSamples, silentConcealedSamples, concealmentEvents,
    totalSamplesReceived, jitterBufferMs: (1_000 * jitterBufferDelay) / jitterBufferEmittedCount };
}
