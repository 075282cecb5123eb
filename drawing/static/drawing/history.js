/* Undo and redo of what this person did here. What others did meanwhile stays: an element that they changed is left as it is. */
const KEPT = 500; // steps

export class History extends EventTarget {
  #outbox;
  #done = [];
  #undone = [];

  constructor(outbox) {
    super();
    this.#outbox = outbox;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** A step: `{made: items}`, `{erased: items}` or `{changed: [[item, before, after], ...]}` (shapes). */
  did(step) {
    this.#done.push(step);
    if (this.#done.length > KEPT) this.#done.shift();
    this.#undone = [];
    this.#report();
  }

  undo() {
    const step = this.#done.pop();
    if (!step) return false;
    if (step.made) this.#toggle("erase", step.made);
    else if (step.erased) this.#toggle("restore", step.erased);
    else for (const [item, before, after] of step.changed) this.#change(item, after, before);
    this.#undone.push(step);
    this.#report();
    return true;
  }

  redo() {
    const step = this.#undone.pop();
    if (!step) return false;
    if (step.made) this.#toggle("restore", step.made);
    else if (step.erased) this.#toggle("erase", step.erased);
    else for (const [item, before, after] of step.changed) this.#change(item, before, after);
    this.#done.push(step);
    this.#report();
    return true;
  }

  #toggle(type, items) {
    const meant = items.filter((item) => Boolean(item.shape) === (type === "erase"));
    if (meant.length) this.#outbox.add({ type, items: meant, item: meant[0] });
  }

  /** Only if it still looks as it did when the step was done. */
  #change(item, from, to) {
    const looks = item.shape?.data;
    if (!looks || looks.length !== from.data.length || looks.some((byte, at) => byte !== from.data[at])) return;
    this.#outbox.add({ type: "edit", item, data: to.data });
  }

  #report() {
    this.dispatchEvent(new Event("change"));
  }
}
