import assert from "node:assert/strict";
import { test } from "node:test";
import { Statistics, quality } from "../statistics.js";

test("figures are differences between two reports", () => {
  const statistics = new Statistics();
  statistics.reduce(report({ timestamp: 0, packetsReceived: 100, packetsLost: 50, bytesReceived: 9_000, bytesSent: 5_000 }));
  const summary = statistics.reduce(report({ timestamp: 2_000, packetsReceived: 190, packetsLost: 60, bytesReceived: 19_000, bytesSent: 15_000 }));
  assert.equal(summary.lossDown, 0.1);
  assert.equal(summary.bitrateDown, 40_000);
  assert.equal(summary.bitrateUp, 40_000);
});

test("silence that was filled with silence is no concealment", () => {
  const statistics = new Statistics();
  statistics.reduce(report({ timestamp: 0 }));
  const summary = statistics.reduce(report({
    timestamp: 1_000, totalSamplesReceived: 48_000, concealedSamples: 24_240, silentConcealedSamples: 24_000,
  }));
  assert.equal(summary.concealment, 0.01);
});

test("the selected pair tells round trip and path", () => {
  const entries = /** @type {[string, any][]} */ ([
    ["T", { type: "transport", timestamp: 1, selectedCandidatePairId: "P" }],
    ["Q", { type: "candidate-pair", timestamp: 1, currentRoundTripTime: 9 }],
    ["P", { type: "candidate-pair", timestamp: 1, currentRoundTripTime: 0.045, localCandidateId: "L" }],
    ["L", { type: "local-candidate", timestamp: 1, candidateType: "host", protocol: "tcp" }],
  ]);
  const summary = new Statistics().reduce(entries);
  assert.equal(summary.rttMs, 45);
  assert.equal(summary.path, "tcp");
  assert.equal(summary.lossDown, null);
});

test("an empty report knows nothing and calls it good", () => {
  const summary = new Statistics().reduce([]);
  assert.equal(summary.rttMs, null);
  assert.equal(quality(summary), "good");
});

test("loss in either direction makes the connection fair, then poor", () => {
  const summary = new Statistics().reduce([]);
  assert.equal(quality({ ...summary, lossUp: 0.05 }), "fair");
  assert.equal(quality({ ...summary, lossDown: 0.2 }), "poor");
});

/**
 * @param {Record<string, number>} figures
 * @returns {[string, any][]}
 */
function report({ timestamp, bytesSent = 0, ...inbound }) {
  return [
    ["I", { type: "inbound-rtp", timestamp, ...inbound }],
    ["O", { type: "outbound-rtp", timestamp, bytesSent }],
  ];
}
