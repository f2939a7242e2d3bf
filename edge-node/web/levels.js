// How loud each slot is right now, as a number from 0 to 1 (linear, 1 is full scale).

/** A slot without a new packet for this long is silent: packets of the audience hold up to 120 ms. */
const SILENT_AFTER_MS = 400;
/** How often statistics may be asked where packets carry no level. */
const STATISTICS_INTERVAL_MS = 200;

/** Reads levels off the receivers; costs a few microseconds a call. */
export class SlotLevels {
  /** @type {Map<number, {timestamp: number, sinceMs: number}>} */
  #newest = new Map();
  /** @type {Map<number, number>} */
  #measured = new Map();
  #measuredMs = -Infinity;

  /** @param {Map<number, RTCRtpReceiver>} receivers by slot number */
  constructor(receivers) {
    this.receivers = receivers;
  }

  /**
   * @param {number} nowMs of a monotonic clock
   * @returns {Map<number, number>} level by slot number
   */
  read(nowMs) {
    const levels = new Map();
    for (const [slot, receiver] of this.receivers) levels.set(slot, this.#level(slot, receiver, nowMs));
    return levels;
  }

  /**
   * @param {import("./signal.js").SlotUse[]} slots who is heard where
   * @param {number} nowMs of a monotonic clock
   * @returns {Map<string, number>} level by participant
   */
  ofParticipants(slots, nowMs) {
    const bySlot = this.read(nowMs);
    const levels = new Map();
    for (const { slot, participant } of slots) {
      if (participant !== null) levels.set(participant, bySlot.get(slot) ?? 0);
    }
    return levels;
  }

  /**
   * @param {number} slot
   * @param {RTCRtpReceiver} receiver
   * @param {number} nowMs
   */
  #level(slot, receiver, nowMs) {
    const source = receiver.getSynchronizationSources()[0];
    if (source === undefined) return 0;
    const newest = this.#newest.get(slot);
    // Browsers keep a source for 10 s after its last packet, so silence is told by a clock that stands.
    if (newest === undefined || newest.timestamp !== source.rtpTimestamp) {
      this.#newest.set(slot, { timestamp: source.rtpTimestamp, sinceMs: nowMs });
    } else if (nowMs - newest.sinceMs > SILENT_AFTER_MS) {
      return 0;
    }
    if (typeof source.audioLevel === "number") return source.audioLevel;
    this.#measure(nowMs);
    return this.#measured.get(slot) ?? 0;
  }

  /** @param {number} nowMs */
  #measure(nowMs) {
    if (nowMs - this.#measuredMs < STATISTICS_INTERVAL_MS) return;
    this.#measuredMs = nowMs;
    for (const [slot, receiver] of this.receivers) {
      receiver.getStats().then((report) => {
        report.forEach((entry) => {
          if (entry.type === "inbound-rtp") this.#measured.set(slot, entry.audioLevel ?? 0);
        });
      }, () => {});
    }
  }
}
