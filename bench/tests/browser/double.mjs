// A double of an edge's WebSocket for one page, for what takes thousands of people or a certain moment: it speaks
// PROTOCOL.md and remembers what it was told. No audio: the page's peer connection says that it is connected.

/** Makes every peer connection of a page believe in its answer; for `addInitScript`. */
export function connectAlways() {
  globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
    #isUp = false;

    get iceConnectionState() {
      return this.#isUp ? "connected" : "new";
    }

    get connectionState() {
      return this.#isUp ? "connected" : "new";
    }

    async setRemoteDescription() {
      this.#isUp = true;
      this.dispatchEvent(new Event("connectionstatechange"));
    }
  };
}

/** Somebody of the double's. */
export function person(number, role = "listener") {
  return { participant: `p_${number}`, name: NAMES[number % NAMES.length] + (number < NAMES.length ? "" : ` ${number}`), role, muted: number % 3 === 1, hand: false };
}

const NAMES = ["Ada Lovelace", "Boris", "Cleo", "Diotima of Mantinea", "Eratosthenes", "Fatima al-Fihri", "Γαλήνη", "Hypatia", "Ibn Rushd", "木蘭", "Kofi", "Lê Thị"];

/** One room as one page sees it. */
export class Double {
  /** What the page has said. @type {any[]} */
  said = [];
  room = { id: "r_agora", name: "Evening at the agora", topic: "What the sea remembers" };
  own = { participant: "p_me", name: "Me", role: "host", muted: true };
  hand = false;
  invited = false;
  /** @type {any[]} */
  stage = [];
  /** @type {any[]} */
  audience = [];
  /** @type {any[]} */
  hands = [];
  #socket = null;

  /** @param {import("playwright-core").Page} page */
  async serve(page) {
    await page.addInitScript(connectAlways);
    await page.route("**/v1/rooms/*", (route) => route.fulfill({ json: { room: this.room.id, ...this.room, hands: true, visibility: "open" } }));
    await page.route("**/v1/rooms/*/tokens", (route) => route.fulfill({ status: 201, json: { token: `x.${btoa(JSON.stringify({ role: this.own.role }))}.x` } }));
    await page.route("**/v1/rooms/*/bans", (route) => route.fulfill({ json: { bans: [] } }));
    await page.route("**/v1/identities/*/blocks", (route) => route.fulfill({ json: { blocks: [] } }));
    await page.routeWebSocket("**/ws", (socket) => {
      this.#socket = socket;
      socket.onMessage((text) => this.#hear(JSON.parse(String(text))));
    });
  }

  /** @param {object} message */
  say(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  get standing() {
    const { role, muted } = this.own;
    return { role, muted, hand: this.hand, invited: this.invited };
  }

  /** Tells how the page's person stands. */
  stand(change) {
    const { role, muted, ...rest } = change;
    Object.assign(this, rest);
    if (role !== undefined) this.own.role = role;
    if (muted !== undefined) this.own.muted = muted;
    this.say({ type: "standing", ...this.standing });
  }

  roster() {
    const stage = this.own.role === "listener" ? this.stage : [...this.stage, this.own];
    return { stage, listeners: this.audience.length };
  }

  tellAll() {
    this.say({ type: "roster", ...this.roster() });
    this.say({ type: "counts", listeners: this.audience.length, hands: this.hands.length });
    if (this.own.role === "host" || this.own.role === "moderator") this.say({ type: "hands", hands: this.hands });
  }

  /** Ends the connection as a network does. */
  async drop() {
    await this.#socket?.close({ code: 4408 });
  }

  #hear(message) {
    this.said.push(message);
    const { id, type } = message;
    const reply = (answer) => this.say({ id, ...answer });
    if (type === "join") {
      reply({ type: "joined", participant: this.own.participant, room: this.room, role: this.own.role, sdp: "", slots: [], resume: "secret", standing: this.standing, ...this.roster() });
      this.tellAll();
    } else if (type === "participants") {
      const all = [...this.roster().stage.map((one) => ({ ...one, hand: false })), ...this.audience];
      const from = message.after ? all.findIndex(({ participant }) => participant === message.after) + 1 : 0;
      const page = all.slice(from, from + (message.limit ?? 50));
      const isEnd = from + page.length >= all.length;
      reply({ type: "participants", participants: page, ...(isEnd ? {} : { next: page.at(-1).participant }) });
    } else {
      reply({ type: "ok" });
      if (type === "hand") this.stand({ hand: message.raised });
      if (type === "stage" && message.action === "accept") this.#accept(message.participant);
    }
  }

  #accept(participant) {
    this.hands = this.hands.filter((hand) => hand.participant !== participant);
    const found = this.audience.find((one) => one.participant === participant);
    this.audience = this.audience.filter((one) => one !== found);
    if (found) this.stage = [...this.stage, { ...found, role: "speaker" }];
    this.tellAll();
  }
}
