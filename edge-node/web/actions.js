// What one person may do to another, by the roles of both. The server decides; this only says what is worth offering.

/** @import {Role} from "./options.js" */

/** @type {Record<Role, number>} */
const RANKS = { listener: 0, speaker: 1, moderator: 2, host: 3 };

/**
 * @typedef {"mute" | "to-audience" | "step-down" | "accept" | "decline" | "invite" | "make-moderator" | "make-speaker"
 *   | "hand-over" | "remove" | "ban" | "block" | "report"} ActionName
 * @typedef {{participant: string, name: string, role: Role, muted?: boolean, hand?: boolean}} Target
 * @typedef {{name: ActionName, label: string, grave: boolean}} Action
 */

/** Whether somebody of this role runs the room. @param {Role | undefined} role */
export function moderates(role) {
  return role === "host" || role === "moderator";
}

/**
 * @param {{participant: string, role: Role}} self
 * @param {Target} other
 * @returns {Action[]} in the order of a menu
 */
export function actionsFor(self, other) {
  const { role } = other;
  if (self.participant === other.participant) {
    return role === "listener" || role === "host" ? [] : [action("step-down", "Leave the stage")];
  }
  /** @type {Action[]} */
  const actions = [];
  const above = moderates(self.role) && RANKS[self.role] > RANKS[role];
  if (above && role === "listener") {
    if (other.hand) actions.push(action("accept", "Accept the hand"), action("decline", "Decline the hand"));
    else actions.push(action("invite", "Invite to the stage"));
  }
  if (above && role !== "listener") {
    if (!other.muted) actions.push(action("mute", "Mute"));
    actions.push(action("to-audience", "Move to the audience"));
  }
  if (above && self.role === "host") {
    actions.push(role === "moderator" ? action("make-speaker", "Make a speaker") : action("make-moderator", "Make a moderator"));
    if (role !== "listener") actions.push(action("hand-over", "Hand over as host…", true));
  }
  if (above) actions.push(action("remove", "Remove from the room…", true), action("ban", "Ban from the room…", true));
  if (above && self.role === "host") actions.push(action("block", "Block from all your rooms…", true));
  actions.push(action("report", "Report…", true));
  return actions;
}

/**
 * @param {ActionName} name
 * @param {string} label
 * @param {boolean} [grave] asks before it is done
 * @returns {Action}
 */
function action(name, label, grave = false) {
  return { name, label, grave };
}
