/* A list of notifications kept up to date by the frames of the inbox: in the bell and on the page. */
import { gettext, language } from "../realtime/words.js";

/** The HTML of a frame as an element. Our own template made it, and escaped what people typed. */
export function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const line = template.content.firstElementChild;
  tellAges(line);
  return line;
}

export class Lines {
  #list;
  #belongs;
  #most;

  /** `belongs(frame)` says whether a notification is shown here; at most `most` are. */
  constructor(list, { belongs, most = Infinity }) {
    [this.#list, this.#belongs, this.#most] = [list, belongs, most];
    tellAges(list);
  }

  get all() {
    return [...this.#list.children];
  }

  find(id) {
    return this.all.find((line) => line.dataset.id === String(id));
  }

  /** Shows what a frame says. Returns the new line, if it is one that has just come. */
  apply(frame) {
    if (frame.type === "notifications.item.withdrawn") this.find(frame.id)?.remove();
    else if (frame.type === "notifications.inbox.read") this.#before(frame).forEach((line) => this.#read(line));
    else if (frame.type === "notifications.inbox.cleared") this.#before(frame).forEach((line) => this.#clear(line));
    else if (frame.html) return this.#put(frame);
    return null;
  }

  #put(frame) {
    const old = this.find(frame.id);
    const line = element(frame.html);
    if (old?.querySelector(".notification__tick").checked) line.querySelector(".notification__tick").checked = true;
    if (!this.#belongs(frame)) old?.remove();
    else if (old && old.dataset.raised === line.dataset.raised) this.#replace(old, line);
    else {
      const hadFocus = old?.contains(document.activeElement);
      old?.remove();
      const after = this.all.find((other) => Number(other.dataset.raised) < Number(line.dataset.raised));
      if (after || this.all.length < this.#most) this.#list.insertBefore(line, after ?? null);
      if (hadFocus) line.querySelector("a, button")?.focus();
      if (this.all.length > this.#most) this.#list.lastElementChild.remove();
      return line;
    }
    return null;
  }

  /** In its place, with the focus where it was. */
  #replace(old, line) {
    const focused = old.contains(document.activeElement) ? [...old.querySelectorAll("a, button, input")].indexOf(document.activeElement) : -1;
    if (old.hasAttribute("aria-current")) line.setAttribute("aria-current", "true");
    if (old.tabIndex === 0) line.tabIndex = 0;
    const isLine = document.activeElement === old;
    old.replaceWith(line);
    if (isLine) line.focus({ preventScroll: true });
    else if (focused >= 0) line.querySelectorAll("a, button, input")[focused]?.focus({ preventScroll: true });
  }

  /** What had come by then: a page may be fresher than the frame that it is told. */
  #before(frame) {
    return this.all.filter((line) => Number(line.dataset.raised) < frame.rev);
  }

  #facts(line) {
    return { kind: line.dataset.kind, is_unread: "unread" in line.dataset, is_done: "done" in line.dataset, is_saved: "saved" in line.dataset };
  }

  #read(line) {
    delete line.dataset.unread;
    line.querySelector(".notification__text > .visually-hidden")?.remove();
    const button = line.querySelector('[value^="read:"]');
    if (button) setButton(button, `unread:${line.dataset.id}`, gettext("Mark unread"), "eye");
    if (!this.#belongs(this.#facts(line))) line.remove();
  }

  #clear(line) {
    if ("saved" in line.dataset || "done" in line.dataset) return;
    line.dataset.done = "";
    this.#read(line);
  }
}

function setButton(button, value, title, icon) {
  button.setAttribute("aria-label", button.getAttribute("aria-label").replace(button.title, title));
  button.value = value;
  button.title = title;
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/u, `#${icon}`));
}

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** "5 minutes ago" in place of the date, which stays as the title. */
export function tellAges(root) {
  for (const time of root?.querySelectorAll("time[datetime]") ?? []) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => -seconds >= size) ?? ["second", 1];
    time.title ||= new Date(time.dateTime).toLocaleString(language);
    time.textContent = -seconds < 60 ? gettext("just now") : relative.format(Math.round(seconds / size), unit);
  }
}
