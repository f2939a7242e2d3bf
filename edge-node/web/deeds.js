// What people do in a room beside speaking, as methods. `Room` is one of these; who may do what, the server decides.

import { People } from "./people.js";
import { RoomError } from "./problem.js";

/** What can be given as a reaction. */
export const REACTIONS = ["👍", "👏", "❤️", "😂", "😮", "🎉"];

/** @import {RoomEvents, Role} from "./options.js" */

/**
 * Asks for things and tells of things. Every method resolves once the room's owner has agreed, and rejects with a
 * `RoomError` otherwise: `forbidden` when one's role does not allow it.
 */
export class Deeds extends EventTarget {
  /** @protected */
  people = new People();
  /** Requests under way that may bring one to the stage. @protected */
  asking = 0;

  /** How many listen, and how many have their hand up. */
  get counts() {
    return this.people.counts;
  }

  /** The queue of hands; empty for all but moderators and hosts. */
  get hands() {
    return this.people.hands;
  }

  /** How oneself stands in the room. */
  get standing() {
    return this.people.standing;
  }

  /**
   * @template {keyof RoomEvents} K
   * @param {K} type
   * @param {(value: RoomEvents[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const forward = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
    this.addEventListener(type, forward);
    return () => this.removeEventListener(type, forward);
  }

  /**
   * @protected
   * @template {keyof RoomEvents} K
   * @param {K} type
   * @param {RoomEvents[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * Sends a request to the room's edge.
   * @protected
   * @param {import("./signal.js").Request} _message
   * @returns {Promise<import("./signal.js").Answer>}
   */
  ask(_message) {
    return Promise.reject(new RoomError("unreachable", "The room is not joined."));
  }

  /** Opens the microphone, without a word going out. @protected @returns {Promise<void>} */
  async openMicrophone() {}

  /** Lets the microphone go, unless it is or soon may be wanted. @protected */
  closeMicrophone() {}

  /**
   * Asks to speak. The microphone opens now, so that the person's consent is there when the hand is accepted; nothing of
   * it is sent before.
   * @throws {RoomError} also when there is no microphone
   */
  async raiseHand() {
    await this.#comingUp({ type: "hand", raised: true });
  }

  /** Follows an invitation to the stage; opens the microphone as `raiseHand` does. */
  async followInvitation() {
    await this.#comingUp({ type: "stage", action: "follow" });
  }

  /** Takes one's own hand down. */
  async lowerHand() {
    await this.ask({ type: "hand", raised: false });
  }

  /** Brings the owner of a raised hand to the stage. @param {string} participant */
  async acceptHand(participant) {
    await this.#stage({ action: "accept", participant });
  }

  /** Takes somebody's hand down. @param {string} participant */
  async declineHand(participant) {
    await this.#stage({ action: "decline", participant });
  }

  /** Asks a listener to the stage. @param {string} participant */
  async invite(participant) {
    await this.#stage({ action: "invite", participant });
  }

  /** Takes an invitation back. @param {string} participant */
  async uninvite(participant) {
    await this.#stage({ action: "uninvite", participant });
  }

  /** Stays in the audience although invited. */
  async refuseInvitation() {
    await this.#stage({ action: "refuse" });
  }

  /** @param {string} participant @param {Role} role */
  async setRole(participant, role) {
    await this.#stage({ action: "role", participant, role });
  }

  /** Mutes somebody else. @param {string} participant */
  async muteOther(participant) {
    await this.ask({ type: "mute", muted: true, participant });
  }

  /** Mutes everybody on the stage of a lower role. */
  async muteAll() {
    await this.#stage({ action: "mute-all" });
  }

  /** Sends somebody out; he may come back. @param {string} participant @param {string} [reason] up to 200 characters */
  async remove(participant, reason) {
    await this.#stage({ action: "remove", participant, ...(reason ? { reason } : {}) });
  }

  /**
   * Sends somebody out and keeps his identity out.
   * @param {string} participant
   * @param {{reason?: string, seconds?: number}} [how] without `seconds` for good
   */
  async ban(participant, { reason, seconds } = {}) {
    const how = { ...(reason ? { reason } : {}), ...(seconds === undefined ? {} : { seconds }) };
    await this.#stage({ action: "ban", participant, ...how });
  }

  /** Lets an identity in again. @param {string} identity as in `participants()` */
  async unban(identity) {
    await this.#stage({ action: "unban", identity });
  }

  /** Makes somebody the host; oneself becomes a moderator. @param {string} participant */
  async handOver(participant) {
    await this.#stage({ action: "hand-over", participant });
  }

  /** Tells those who run the service. @param {string} participant @param {string} reason */
  async report(participant, reason) {
    await this.#stage({ action: "report", participant, reason });
  }

  /** Shows everybody how one feels. @param {string} reaction one of `REACTIONS` */
  async react(reaction) {
    await this.ask({ type: "react", reaction });
  }

  /**
   * A page of everybody in the room.
   * @param {string} [after] `next` of the page before
   * @param {number} [limit] 1 to 100
   * @returns {Promise<{participants: import("./signal.js").Person[], next: string | null}>} `next` is null at the end
   */
  async participants(after, limit) {
    const page = await this.ask({
      type: "participants", ...(after ? { after } : {}), ...(limit === undefined ? {} : { limit }),
    });
    if (page.type !== "participants") throw new RoomError("protocol", "The server answered something else.");
    return { participants: page.participants, next: page.next || null };
  }

  /**
   * Who somebody in the room is, as his token says; told to moderators and hosts.
   * @param {string} participant
   * @returns {Promise<string>}
   * @throws {RoomError}
   */
  async identityOf(participant) {
    // What sorts right before it, or nearly: lists begin behind a name, and ids are drawn at random.
    const page = await this.participants(participant.slice(0, -1), 10);
    const found = page.participants.find((one) => one.participant === participant);
    if (found?.identity) return found.identity;
    throw new RoomError("protocol", "Nobody here has this id.", { code: "participant-not-found" });
  }

  /** @param {import("./signal.js").Request} request */
  async #comingUp(request) {
    this.asking += 1;
    try {
      await this.openMicrophone();
      await this.ask(request);
    } catch (error) {
      this.asking -= 1;
      this.closeMicrophone();
      throw error;
    }
    this.asking -= 1;
  }

  /** @param {{action: string} & Record<string, unknown>} deed */
  async #stage(deed) {
    await this.ask({ type: "stage", ...deed });
  }
}
