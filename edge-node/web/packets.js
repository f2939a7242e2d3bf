// How much audio comes in one packet: longer ones cost a phone less battery and a network less, and come later.

/** The lengths that an edge sends, in ms. */
export const PACKET_LENGTHS_MS = [20, 40, 60, 100, 120];
/** What the jitter buffer holds beside one packet while packets become longer, in ms. */
const RESERVE_MS = 60;
/** How long the jitter buffer takes to grow, by stretching pauses and vowels. */
const GROWTH_MS = 3_000;

/**
 * An offer that asks for packets of a length on every line that only receives (`ptime`, RFC 8866 section 6.4).
 * @param {string} sdp
 * @param {number} ms
 * @returns {string}
 */
export function withPacketLength(sdp, ms) {
  const sections = sdp.split(/(?=^m=)/m);
  const asking = (/** @type {string} */ section) => section.startsWith("m=audio") && section.includes("\na=recvonly");
  return sections.map((section) => (asking(section) ? `${section}a=ptime:${ms}\r\n` : section)).join("");
}

/**
 * Changes the length of the packets that come. Before they become longer the jitter buffer must hold more, or the
 * first long packet would come when the buffer has run dry.
 * @param {RTCRtpReceiver[]} receivers
 * @param {number} ms
 * @param {boolean} longer than now
 * @param {(message: import("./signal.js").Request) => Promise<unknown>} request
 */
export async function changePacketLength(receivers, ms, longer, request) {
  if (longer) {
    setBuffers(receivers, ms + RESERVE_MS);
    await new Promise((resolve) => setTimeout(resolve, GROWTH_MS));
  }
  await request({ type: "packets", ms });
  if (longer) await new Promise((resolve) => setTimeout(resolve, GROWTH_MS));
  // From here on the buffer follows what really comes.
  setBuffers(receivers, null);
}

/**
 * @param {RTCRtpReceiver[]} receivers
 * @param {number | null} ms null: as the browser likes
 */
function setBuffers(receivers, ms) {
  for (const receiver of receivers) {
    // Where the browser lacks it, a change costs one hole of some 10 ms.
    if ("jitterBufferTarget" in receiver) /** @type {any} */ (receiver).jitterBufferTarget = ms;
  }
}
