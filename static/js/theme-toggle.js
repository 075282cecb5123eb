/* Light, dark or as the system says: three buttons, one of them pressed, in step across tabs. */
class ThemeToggle extends HTMLElement {
  #controller;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.addEventListener("click", (event) => this.#choose(event.target.closest("button")?.value), { signal });
    window.addEventListener("storage", (event) => event.key === "theme" && this.#show(event.newValue ?? "system"), { signal });
    this.#show(document.documentElement.dataset.theme ?? "system");
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  #choose(theme) {
    if (!theme) return;
    try {
      if (theme === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", theme);
    } catch {
      // Not stored: it holds for this page.
    }
    this.#show(theme);
  }

  #show(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    for (const button of this.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  }
}

customElements.define("theme-toggle", ThemeToggle);
