// What a page may read from an access token: hints for the interface. Only the server's check counts.

/** @type {import("./signal.js").Role[]} */
const ROLES = ["host", "moderator", "speaker", "listener"];

/**
 * The claims of a JWT, unverified.
 * @param {string} token
 * @returns {Record<string, unknown> | null}
 */
export function claimsOf(token) {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/**
 * The role a token grants.
 * @param {string} token
 * @returns {import("./signal.js").Role | null} null when it cannot be read
 */
export function roleOf(token) {
  const role = claimsOf(token)?.role;
  return ROLES.find((known) => known === role) ?? null;
}
