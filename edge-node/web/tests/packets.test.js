// Offers that ask for longer packets, and the order of things when they change.

import assert from "node:assert/strict";
import { test } from "node:test";

import { changePacketLength, withPacketLength } from "../packets.js";

const SDP = [
  "v=0", "s=-", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=sendonly",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:1", "a=recvonly", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:2", "a=recvonly", "",
].join("\r\n");

test("only lines that receive ask for a length", () => {
  const sections = withPacketLength(SDP, 120).split(/(?=^m=)/m);
  assert.deepEqual(sections.map((section) => section.includes("\r\na=ptime:120\r\n")), [false, false, true, true]);
  assert.equal(withPacketLength(SDP, 60).replaceAll("a=ptime:60\r\n", ""), SDP);
});

test("the buffer grows before packets do and is let go afterwards", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const receiver = /** @type {any} */ ({ jitterBufferTarget: null });
  /** @type {unknown[]} */
  const asked = [];
  const request = async (/** @type {unknown} */ message) => asked.push([message, receiver.jitterBufferTarget]);
  const longer = changePacketLength([receiver], 120, true, request);
  assert.deepEqual([asked, receiver.jitterBufferTarget], [[], 180]);
  for (let turn = 0; turn < 4; turn++) {
    await Promise.resolve();
    context.mock.timers.tick(3_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await longer;
  assert.deepEqual(asked, [[{ type: "packets", ms: 120 }, 180]]);
  assert.equal(receiver.jitterBufferTarget, null);
  await changePacketLength([receiver], 20, false, request);
  assert.deepEqual(asked[1], [{ type: "packets", ms: 20 }, null]);
});
