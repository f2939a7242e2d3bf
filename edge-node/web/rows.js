// Lists that change under one's hands: a row is drawn anew only when it looks different, and focus is never lost.

import { make } from "./dom.js";

/**
 * How a list draws its items.
 * @template T
 * @typedef {object} Drawing
 * @property {(item: T) => string} key the same item, before and after
 * @property {(item: T) => string} look changes whenever the row must be drawn anew
 * @property {(item: T, row: HTMLLIElement) => void} draw fills a row; buttons carry a `data-action`
 */

/**
 * Finds a button of a row again, although the row may be drawn anew meanwhile.
 * @param {Element | null} element
 * @returns {() => HTMLElement | null} itself, as long as it is there; null if nothing is
 */
export function finder(element) {
  const row = element?.closest("[data-key]");
  const key = CSS.escape(row?.getAttribute("data-key") ?? "");
  const action = CSS.escape(element?.getAttribute("data-action") ?? "");
  const list = row?.parentElement;
  return () => {
    if (element instanceof HTMLElement && element.isConnected) return element;
    const again = list?.querySelector(`[data-key="${key}"] [data-action="${action}"]`);
    return again instanceof HTMLElement ? again : null;
  };
}

/** @template T */
export class Rows {
  #list;
  #drawing;
  #fallback;
  /** @type {Map<string, {row: HTMLLIElement, look: string}>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} list
   * @param {Drawing<T>} drawing
   * @param {HTMLElement} [fallback] takes the focus when the last row that had it is gone
   */
  constructor(list, drawing, fallback) {
    this.#list = list;
    this.#drawing = drawing;
    this.#fallback = fallback;
  }

  /** @param {string} key @returns {HTMLLIElement | undefined} */
  row(key) {
    return this.#rows.get(key)?.row;
  }

  /** @param {readonly T[]} items in their order; each key once */
  show(items) {
    const focused = this.#focused();
    const present = new Set(items.map(this.#drawing.key));
    for (const [key, { row }] of this.#rows) {
      if (present.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    items.forEach((item, index) => {
      const row = this.#draw(item);
      const there = this.#list.children[index];
      // A row that stands in its place is not moved, because moving takes the focus away.
      if (there !== row) this.#list.insertBefore(row, there ?? null);
    });
    if (focused !== null && !this.#list.contains(document.activeElement)) this.#refocus(focused);
  }

  /** @param {T} item */
  #draw(item) {
    const { key: keyOf, look: lookOf, draw } = this.#drawing;
    const key = keyOf(item);
    const look = lookOf(item);
    const known = this.#rows.get(key);
    if (known?.look === look) return known.row;
    const row = known?.row ?? make("li", { "data-key": key });
    row.replaceChildren();
    draw(item, row);
    this.#rows.set(key, { row, look });
    return row;
  }

  #focused() {
    const active = document.activeElement;
    if (!(active instanceof HTMLElement) || !this.#list.contains(active)) return null;
    const index = [...this.#list.children].findIndex((row) => row.contains(active));
    const key = this.#list.children[index]?.getAttribute("data-key") ?? "";
    return { index, key, action: active.dataset["action"] ?? "" };
  }

  /** @param {{index: number, key: string, action: string}} focused */
  #refocus({ index, key, action }) {
    const { children } = this.#list;
    const row = this.row(key) ?? children[Math.min(index, children.length - 1)];
    const again = row?.querySelector(`[data-action="${CSS.escape(action)}"]`) ?? row?.querySelector("button, a");
    const target = again instanceof HTMLElement ? again : this.#fallback;
    target?.focus();
  }
}
