/* Undo and redo of what this person did here. What others did meanwhile stays: an element that they changed is left as it is. */
import { isEqual } from "./bytes.js";

const KEPT = 500; // steps
const AT_ONCE = 1_000; // elements in one operation

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
    else this.#change(step.changed.map(([item, before, after]) => [item, after, before]));
    this.#undone.push(step);
    this.#report();
    return true;
  }

  redo() {
    const step = this.#undone.pop();
    if (!step) return false;
    if (step.made) this.#toggle("restore", step.made);
    else if (step.erased) this.#toggle("erase", step.erased);
    else this.#change(step.changed);
    this.#done.push(step);
    this.#report();
    return true;
  }

  #toggle(type, items) {
    const meant = items.filter((item) => Boolean(item.shape) === (type === "erase"));
    this.#outbox.addAll(togglings(type, meant));
  }

  /** Only what still looks as it did when the step was done. */
  #change(changed) {
    const meant = changed.filter(([item, from]) => item.shape && isEqual(item.shape.data, from.data));
    this.#outbox.addAll(meant.map(([item, , to]) => ({ type: "edit", item, data: to.data })));
  }

  #report() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Entries of the outbox that erase or restore these items. */
export function togglings(type, items) {
  const entries = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const some = items.slice(at, at + AT_ONCE);
    entries.push({ type, items: some, item: some[0] });
  }
  return entries;
}
