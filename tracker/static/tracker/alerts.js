/* What is to be noticed on the map, until it is looked at; with a sound, if the reader wants one. */
const SOUND = "tracker.sound"; // in localStorage

export class Alerts extends EventTarget {
  #incidents = new Map(); // id to the names of areas

  /** An `alert` of one's own feed. */
  add({ feature, areas_of_interest }) {
    this.#incidents.set(feature.properties.pk, areas_of_interest.map(({ name }) => name));
    this.dispatchEvent(new Event("change"));
  }

  /** It was looked at, is closed, or gone. */
  dismiss(id) {
    if (this.#incidents.delete(id)) this.dispatchEvent(new Event("change"));
  }

  get ids() {
    return this.#incidents.keys();
  }

  get hasSound() {
    try {
      return localStorage.getItem(SOUND) === "on";
    } catch {
      return false; // a browser that refuses storage is silent
    }
  }

  set hasSound(isOn) {
    try {
      localStorage.setItem(SOUND, isOn ? "on" : "off");
    } catch {
      // see above
    }
  }

  /** Two short notes, higher for what is worse. */
  ring(severity) {
    if (!this.hasSound) return;
    const context = new AudioContext();
    const [base, volume] = [880 - severity * 90, 0.12];
    [0, 0.18].forEach((delay, i) => {
      const [note, gain] = [context.createOscillator(), context.createGain()];
      note.frequency.value = base * (i ? 1.26 : 1);
      gain.gain.setValueAtTime(volume, context.currentTime + delay);
      gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + delay + 0.3);
      note.connect(gain).connect(context.destination);
      note.start(context.currentTime + delay);
      note.stop(context.currentTime + delay + 0.32);
    });
    setTimeout(() => context.close(), 1_000);
  }
}
