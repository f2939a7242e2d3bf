// The vocabulary of a room: what one may ask of it and what it tells. Types only.

/**
 * @typedef {import("./signal.js").Participant} Participant
 * @typedef {import("./signal.js").SlotUse} SlotUse
 * @typedef {import("./signal.js").Role} Role
 * @typedef {import("./problem.js").RoomError} RoomError
 * @typedef {"idle" | "connecting" | "connected" | "reconnecting" | "closed"} State
 * @typedef {import("./signal.js").Standing} Standing
 * @typedef {import("./signal.js").Hand} Hand
 * @typedef {import("./signal.js").Person} Person
 * @typedef {{stage: Participant[], listeners: number}} Roster
 * @typedef {{participant: string, role: Role, room: {id: string, name: string, topic: string}}} Self
 *
 * @typedef {object} RoomOptions
 * @property {string} room the room's id
 * @property {string | (() => Promise<string>)} token access token, or a function that brings one: at the join, and
 *   when the one before has expired or is refused
 * @property {string} [name] 1 to 64 characters; absent: the token's
 * @property {string} [url] of the edge; absent: where the page came from
 *
 * @typedef {object} JoinOptions
 * @property {boolean | MediaStreamTrack} [publish] true: open the microphone; a track: send that; false: only listen
 * @property {boolean} [muted] start muted
 * @property {import("./microphone.js").MicrophoneOptions} [microphone] device, and treatments to switch off
 * @property {number} [packetMs] audio in one packet, 20 to 120 ms, for who only listens; absent: as the edge likes
 *
 * @typedef {object} RoomEvents
 * @property {{state: State, error: RoomError | null}} state
 * @property {Roster} roster
 * @property {SlotUse[]} slots who is heard where
 * @property {Map<string, number>} levels by participant, oneself included; linear, 1 is full scale
 * @property {boolean} muted oneself, by whomever
 * @property {Standing} standing how oneself stands in the room, whenever it may have changed
 * @property {boolean} stage oneself has come to the stage (true) or left it (false)
 * @property {Hand[]} hands the queue of hands, for moderators and hosts
 * @property {{listeners: number, hands: number}} counts
 * @property {{name: string, topic: string}} room what the room is called now
 * @property {Record<string, number>} reactions how often each was given since the last such event
 * @property {RoomError} error something failed that does not end the room, e.g. the microphone was unplugged
 * @property {null} blocked the browser wants a gesture before it plays
 */

export {};
