import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { block, listBans, listBlocks, unban, unblock } from "../api.js";

const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
});

/** @param {number} status @param {string | null} body */
function answering(status, body) {
  /** @type {[string, any][]} */
  const asked = [];
  globalThis.fetch = async (path, how) => {
    asked.push([String(path), how]);
    return new Response(body, { status });
  };
  return asked;
}

test("a block is put and taken back where both identities stand, whatever letters they hold", async () => {
  const asked = answering(204, null);
  await block("ad a/b", "pläto?", "token");
  await unblock("ad a/b", "pläto?", "token");
  const path = "/v1/identities/ad%20a%2Fb/blocks/pl%C3%A4to%3F";
  assert.deepEqual(asked.map(([path, { method }]) => [path, method]), [[path, "PUT"], [path, "DELETE"]]);
  assert.equal(asked[0]?.[1].headers.get("authorization"), "Bearer token");
});

test("a full list of blocks is told by its code", async () => {
  answering(409, JSON.stringify({ type: "/problems/blocks-full", status: 409, detail: "Full." }));
  await assert.rejects(block("ada", "boris", "token"), { code: "blocks-full", message: "Full." });
});

test("who is kept out is read page by page, and an end has no next page", async () => {
  const asked = answering(200, JSON.stringify({ bans: [{ identity: "boris", at_ms: 1, until_ms: 0, reason: "" }], blocks: [], next: "boris" }));
  assert.deepEqual(await listBans("a/b", "token"), { kept: [{ identity: "boris", at_ms: 1, until_ms: 0, reason: "" }], next: "boris" });
  await listBlocks("ada", "token", "bo ris");
  assert.deepEqual(asked.map(([path]) => path), ["/v1/rooms/a%2Fb/bans", "/v1/identities/ada/blocks?after=bo%20ris"]);
  answering(200, JSON.stringify({ bans: [] }));
  assert.deepEqual(await listBans("agora", "token"), { kept: [], next: "" });
});

test("a ban is taken back where room and identity stand", async () => {
  const asked = answering(204, null);
  await unban("agora", "pläto", "token");
  assert.deepEqual(asked.map(([path, { method }]) => [path, method]), [["/v1/rooms/agora/bans/pl%C3%A4to", "DELETE"]]);
});
