// Hands on what passes through, a tenth of a second at a time.

const FRAMES = 4_800;

class Recorder extends AudioWorkletProcessor {
  #block = new Float32Array(FRAMES);
  #filled = 0;

  process([[channel]]) {
    // A source that plays nothing yet has no channel; silence keeps the time.
    const samples = channel ?? new Float32Array(128);
    for (const sample of samples) {
      this.#block[this.#filled++] = sample;
      if (this.#filled === FRAMES) {
        this.port.postMessage(this.#block);
        this.#block = new Float32Array(FRAMES);
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
