// Names of languages, as the reader calls them.

/** Offered when a room is opened, beside those of the browser: the most spoken ones. */
const MOST_SPOKEN = ["ar", "bn", "de", "el", "en", "es", "fa", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sw", "tr", "uk", "ur", "vi", "zh"];

const names = new Intl.DisplayNames(navigator.languages, { type: "language", fallback: "code" });

/** @param {string} code RFC 5646 */
export function languageName(code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

/** The most useful codes, by name; the reader's own first. @returns {string[]} */
export function languagesOffered() {
  const own = navigator.languages.map((language) => language.split("-")[0] ?? "");
  const others = MOST_SPOKEN.filter((code) => !own.includes(code)).sort((a, b) => languageName(a).localeCompare(languageName(b)));
  return [...new Set([...own, ...others])].filter((code) => code !== "");
}
