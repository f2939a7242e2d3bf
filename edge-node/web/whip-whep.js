// WHIP (RFC 9725) and WHEP in their smallest form: one POST, one answer, one DELETE. For tests and for embedding.

/**
 * Listens to a room.
 * @param {string} url of the WHEP endpoint
 * @param {string} token
 * @returns {Promise<{pc: RTCPeerConnection, audio: HTMLAudioElement, stop: () => Promise<void>}>}
 */
export async function play(url, token) {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
  const { receiver } = pc.addTransceiver("audio", { direction: "recvonly" });
  const audio = new Audio();
  audio.srcObject = new MediaStream([receiver.track]);
  const hangUp = await exchange(pc, url, token);
  await audio.play().catch(() => {});
  return { pc, audio, stop: () => hangUp().finally(() => audio.pause()) };
}

/**
 * Speaks in a room.
 * @param {string} url of the WHIP endpoint
 * @param {string} token
 * @param {MediaStream} stream its first audio track is sent; it is not stopped at the end
 * @returns {Promise<{pc: RTCPeerConnection, stop: () => Promise<void>}>}
 */
export async function publish(url, token, stream) {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
  const [track] = stream.getAudioTracks();
  pc.addTransceiver(track ?? "audio", { direction: "sendonly" });
  return { pc, stop: await exchange(pc, url, token) };
}

/**
 * @param {RTCPeerConnection} pc
 * @param {string} url
 * @param {string} token
 * @returns {Promise<() => Promise<void>>} hangs up
 */
async function exchange(pc, url, token) {
  const authorization = `Bearer ${token}`;
  try {
    await pc.setLocalDescription();
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/sdp", authorization },
      body: pc.localDescription?.sdp ?? "",
    });
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
    const location = response.headers.get("location");
    await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
    return async () => {
      pc.close();
      if (location === null) return;
      await fetch(new URL(location, response.url), { method: "DELETE", headers: { authorization }, keepalive: true });
    };
  } catch (error) {
    pc.close();
    throw error;
  }
}
