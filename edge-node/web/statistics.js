// What the browser measures of a session, reduced to a few numbers.

/**
 * Figures over the time since the call before (the first time: since the start). A figure is `null` while unknown.
 * @typedef {object} Summary
 * @property {number | null} rttMs round trip to the edge
 * @property {number | null} jitterBufferMs mean delay in the jitter buffer
 * @property {number | null} lossDown share of packets lost on the way here, 0 to 1
 * @property {number | null} lossUp the same on the way up, as the edge reports it
 * @property {number | null} concealment share of audible samples that were invented because the real ones were late
 *   or lost, 0 to 1
 * @property {number} bitrateDown bit/s of RTP payload
 * @property {number} bitrateUp bit/s of RTP payload
 * @property {"udp" | "tcp" | "relay" | null} path how the audio gets through
 */

/**
 * Sums over all lines that only ever grow.
 * @typedef {object} Totals
 * @property {number} atMs
 * @property {number} received
 * @property {number} lost
 * @property {number} samples
 * @property {number} silent
 * @property {number} concealed
 * @property {number} bufferSeconds
 * @property {number} emitted
 * @property {number} bytesDown
 * @property {number} bytesUp
 */

/** Reduces reports; keeps the one before, since most figures are differences. */
export class Statistics {
  /** @type {Totals | null} */
  #before = null;

  /**
   * @param {Iterable<[string, any]>} report an `RTCStatsReport`, or anything shaped like one
   * @returns {Summary}
   */
  reduce(report) {
    const entries = new Map(report);
    const totals = sum(entries);
    const before = this.#before ?? zero(totals.atMs);
    this.#before = totals;
    const since = difference(totals, before);
    const heard = since.samples - since.silent;
    const seconds = since.atMs / 1000;
    const pair = selectedPair(entries);
    return {
      rttMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
      jitterBufferMs: ratio(since.bufferSeconds * 1000, since.emitted),
      lossDown: ratio(Math.max(0, since.lost), since.received + Math.max(0, since.lost)),
      lossUp: lossUp(entries),
      concealment: ratio(since.concealed - since.silent, heard),
      bitrateDown: seconds > 0 ? (since.bytesDown * 8) / seconds : 0,
      bitrateUp: seconds > 0 ? (since.bytesUp * 8) / seconds : 0,
      path: path(entries, pair),
    };
  }
}

/**
 * A word for people. Concealment weighs less than loss: a stream that stops in a pause is stretched for a moment by the
 * browser, and that counts as concealed although nothing is missing (1 to 3 % of lively talk).
 * @param {Summary} summary
 * @returns {"good" | "fair" | "poor"}
 */
export function quality({ rttMs, lossDown, lossUp, concealment }) {
  const loss = Math.max(lossDown ?? 0, lossUp ?? 0);
  const invented = concealment ?? 0;
  const rtt = rttMs ?? 0;
  if (loss > 0.1 || invented > 0.15 || rtt > 600) return "poor";
  if (loss > 0.02 || invented > 0.05 || rtt > 250) return "fair";
  return "good";
}

/**
 * @param {number} atMs
 * @returns {Totals}
 */
function zero(atMs) {
  return {
    atMs, received: 0, lost: 0, samples: 0, silent: 0, concealed: 0, bufferSeconds: 0, emitted: 0, bytesDown: 0, bytesUp: 0,
  };
}

/**
 * @param {Map<string, any>} entries
 * @returns {Totals}
 */
function sum(entries) {
  const totals = zero(0);
  for (const entry of entries.values()) {
    totals.atMs = Math.max(totals.atMs, entry.timestamp ?? 0);
    if (entry.type === "outbound-rtp") totals.bytesUp += entry.bytesSent ?? 0;
    if (entry.type !== "inbound-rtp") continue;
    totals.received += entry.packetsReceived ?? 0;
    totals.lost += entry.packetsLost ?? 0;
    totals.samples += entry.totalSamplesReceived ?? 0;
    totals.silent += entry.silentConcealedSamples ?? 0;
    totals.concealed += entry.concealedSamples ?? 0;
    totals.bufferSeconds += entry.jitterBufferDelay ?? 0;
    totals.emitted += entry.jitterBufferEmittedCount ?? 0;
    totals.bytesDown += entry.bytesReceived ?? 0;
  }
  return totals;
}

/**
 * @param {Totals} now
 * @param {Totals} before
 * @returns {Totals}
 */
function difference(now, before) {
  return {
    atMs: now.atMs - before.atMs,
    received: now.received - before.received,
    lost: now.lost - before.lost,
    samples: now.samples - before.samples,
    silent: now.silent - before.silent,
    concealed: now.concealed - before.concealed,
    bufferSeconds: now.bufferSeconds - before.bufferSeconds,
    emitted: now.emitted - before.emitted,
    bytesDown: now.bytesDown - before.bytesDown,
    bytesUp: now.bytesUp - before.bytesUp,
  };
}

/**
 * @param {number} part
 * @param {number} whole
 */
function ratio(part, whole) {
  return whole > 0 ? Math.max(0, part / whole) : null;
}

/** @param {Map<string, any>} entries */
function selectedPair(entries) {
  for (const entry of entries.values()) {
    if (entry.type === "transport" && entry.selectedCandidatePairId) return entries.get(entry.selectedCandidatePairId);
  }
  // Firefox marks the pair instead of the transport.
  for (const entry of entries.values()) {
    if (entry.type === "candidate-pair" && entry.selected) return entry;
  }
  return undefined;
}

/** @param {Map<string, any>} entries */
function lossUp(entries) {
  for (const entry of entries.values()) {
    if (entry.type === "remote-inbound-rtp" && typeof entry.fractionLost === "number") return entry.fractionLost;
  }
  return null;
}

/**
 * @param {Map<string, any>} entries
 * @param {any} pair
 * @returns {"udp" | "tcp" | "relay" | null}
 */
function path(entries, pair) {
  const local = entries.get(pair?.localCandidateId ?? "");
  if (local === undefined) return null;
  if (local.candidateType === "relay") return "relay";
  return local.protocol === "tcp" ? "tcp" : "udp";
}
