// The menu behind a "more" button, for the keyboard as for the pointer (WAI-ARIA's menu button pattern).

import { byId, make } from "./dom.js";
import { finder } from "./rows.js";

/** How far a menu stays from its button and from the window's edges. */
const GAP_PX = 6;

/** @typedef {{label: string, grave?: boolean, choose: () => void}} Item */

/** One menu, wherever it is asked for. */
export class Menu {
  #menu = byId("menu", HTMLDivElement);
  /** @type {HTMLElement | null} */
  #opener = null;
  #again = finder(null);

  constructor() {
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    this.#menu.addEventListener("toggle", (event) => {
      if (event instanceof ToggleEvent && event.newState === "closed") this.#closed();
    });
    this.#menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.#menu.contains(event.relatedTarget)) this.#menu.hidePopover();
    });
  }

  /**
   * @param {HTMLElement} opener a button with `aria-haspopup="menu"`
   * @param {string} label
   * @param {Item[]} items
   */
  open(opener, label, items) {
    if (this.#opener !== null) this.#menu.hidePopover();
    this.#opener = opener;
    this.#again = finder(opener);
    opener.setAttribute("aria-expanded", "true");
    this.#menu.setAttribute("aria-label", label);
    this.#menu.replaceChildren(...items.map(({ label: text, grave, choose }) => {
      const item = make("button", { type: "button", role: "menuitem", tabindex: "-1", ...(grave ? { class: "grave" } : {}) }, text);
      item.addEventListener("click", () => {
        this.#menu.hidePopover();
        choose();
      });
      return item;
    }));
    this.#menu.showPopover();
    this.#place(opener);
    this.#focus(0);
  }

  close() {
    if (this.#opener !== null) this.#menu.hidePopover();
  }

  #closed() {
    const opener = this.#opener;
    this.#opener = null;
    opener?.setAttribute("aria-expanded", "false");
    const lost = document.activeElement === document.body || this.#menu.contains(document.activeElement);
    if (lost) this.#again()?.focus();
  }

  /** @param {HTMLElement} opener */
  #place(opener) {
    const button = opener.getBoundingClientRect();
    const { width, height } = this.#menu.getBoundingClientRect();
    const below = button.bottom + GAP_PX;
    const top = below + height <= innerHeight ? below : Math.max(GAP_PX, button.top - GAP_PX - height);
    const left = Math.min(Math.max(GAP_PX, button.right - width), innerWidth - width - GAP_PX);
    this.#menu.style.top = `${top}px`;
    this.#menu.style.left = `${left}px`;
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#menu.children]);
  }

  /** @param {number} index wraps around */
  #focus(index) {
    const items = this.#items;
    items[(index + items.length) % items.length]?.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.findIndex((item) => item === document.activeElement);
    switch (event.key) {
      case "ArrowDown": this.#focus(at + 1); break;
      case "ArrowUp": this.#focus(at - 1); break;
      case "Home": this.#focus(0); break;
      case "End": this.#focus(-1); break;
      case "Tab": this.#menu.hidePopover(); return;
      default: {
        if (event.key.length !== 1 || event.key === " ") return;
        const starts = (/** @type {HTMLElement} */ item) => item.textContent?.toLowerCase().startsWith(event.key.toLowerCase()) ?? false;
        const found = [...items.slice(at + 1), ...items].find(starts);
        if (found === undefined) return;
        found.focus();
      }
    }
    event.preventDefault();
  }
}
