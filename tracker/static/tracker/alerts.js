/* What is to be noticed on the map, until it is looked at; with a sound, if the reader wants one. */
import { format, gettext, ngettext } from "../realtime/words.js";
import { NAMES } from "./severity.js";

const SOUND = "tracker.sound"; // in localStorage

export class Alerts extends EventTarget {
  #incidents = new Set();

  /** The `alert` events of one envelope. Rings, and returns the worst with a sentence about all of them. */
  add(alerts) {
    for (const { feature } of alerts) this.#incidents.add(feature.properties.pk);
    this.dispatchEvent(new Event("change"));
    const { feature, areas_of_interest: areas } = alerts.reduce((one, other) =>
      other.feature.properties.severity < one.feature.properties.severity ? other : one,
    );
    const { name, severity } = feature.properties;
    const facts = { severity: NAMES[severity], name, n: alerts.length - 1, areas: areas.map((area) => area.name).join(", ") };
    this.#ring(severity);
    return { feature, text: format(sentence(facts.n), facts) };
  }

  /** It was looked at, is closed, or gone. */
  dismiss(id) {
    if (this.#incidents.delete(id)) this.dispatchEvent(new Event("change"));
  }

  get ids() {
    return this.#incidents.values();
  }

  get hasSound() {
    try {
      return localStorage.getItem(SOUND) === "on";
    } catch {
      return false; // a browser that refuses storage is silent
    }
  }

  /** Returns whether it is on now, and lets it be heard. */
  toggleSound() {
    const isOn = !this.hasSound;
    try {
      localStorage.setItem(SOUND, isOn ? "on" : "off");
    } catch {
      // see above
    }
    this.#ring(2);
    return this.hasSound;
  }

  /** Two short notes, higher for what is worse. */
  #ring(severity) {
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

/** `more` others were told with it. */
function sentence(more) {
  if (!more) return gettext("%(severity)s: %(name)s, in %(areas)s");
  return ngettext("%(severity)s: %(name)s and %(n)s more, in %(areas)s", "%(severity)s: %(name)s and %(n)s more, in %(areas)s", more);
}
