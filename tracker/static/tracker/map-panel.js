/* The panel over the map: details of an incident, or a form. One at a time; Escape closes it; focus goes there and back. */
export class MapPanel extends EventTarget {
  #page;
  #returnTo = null;
  #shown = null;

  constructor(page) {
    super();
    this.#page = page;
  }

  /** The panel that is open: "details", "incident", "area" or null. */
  get shown() {
    return this.#shown;
  }

  element(name) {
    return this.#page.querySelector(`[data-panel="${name}"]`);
  }

  form(name) {
    return this.#page.querySelector(`form[data-form="${name}"]`);
  }

  open(name, title, { takesFocus = true } = {}) {
    const wasOpen = this.#shown;
    if (wasOpen && wasOpen !== name) this.close({ isReplaced: true });
    if (!wasOpen) this.#returnTo = document.activeElement;
    this.#shown = name;
    const panel = this.element(name);
    panel.hidden = false;
    const heading = panel.querySelector("h2");
    heading.textContent = title;
    if (takesFocus) (panel.querySelector("input:not([type=hidden])") ?? heading).focus({ preventScroll: true });
  }

  close({ isReplaced = false } = {}) {
    if (!this.#shown) return;
    const name = this.#shown;
    this.#shown = null;
    const panel = this.element(name);
    const hadFocus = panel.contains(document.activeElement);
    panel.hidden = true;
    this.dispatchEvent(new CustomEvent("closed", { detail: name }));
    if (!isReplaced && hadFocus && this.#returnTo?.isConnected) this.#returnTo.focus({ preventScroll: true });
  }

  /** Fills a form; fields that are not named are left alone. */
  fill(name, values) {
    const form = this.form(name);
    for (const [field, value] of Object.entries(values)) {
      const control = form.elements[field];
      if (!control) continue;
      if (control.type === "checkbox") control.checked = value;
      else control.value = value;
    }
    this.complain(name, "");
  }

  /** Says what is wrong, at the field it is about if there is one. */
  complain(name, message, field = "") {
    const form = this.form(name);
    for (const control of form.elements) control.removeAttribute("aria-invalid");
    const errors = form.querySelector("[data-errors]");
    errors.textContent = message;
    errors.hidden = !message;
    const control = field && form.elements[field];
    if (message && control instanceof HTMLElement) {
      control.setAttribute("aria-invalid", "true");
      control.focus();
    }
  }
}
