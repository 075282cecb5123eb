/* The row of tools, undo and redo. A button shows which tool is chosen, and what its key is. */
export class Toolbar {
  #board;
  #element;

  constructor(board, signal) {
    this.#board = board;
    this.#element = board.querySelector(".toolbar");
    board.addEventListener("click", (event) => this.#press(event.target.closest("button")), { signal });
    this.#element.addEventListener("keydown", (event) => this.#walk(event), { signal });
    board.tools.addEventListener("change", () => this.follow());
    board.history.addEventListener("change", () => this.follow());
    this.follow();
  }

  follow() {
    const { tools, history } = this.#board;
    for (const button of this.#element.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tools.name));
    }
    this.#board.stage.dataset.tool = tools.name;
    this.#able("undo", history.canUndo);
    this.#able("redo", history.canRedo);
  }

  #able(name, is) {
    for (const button of this.#board.querySelectorAll(`[data-act="${name}"]`)) button.setAttribute("aria-disabled", String(!is));
  }

  #press(button) {
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    if (button.dataset.tool) {
      this.#board.tools.choose(button.dataset.tool);
      this.#board.announce(`${button.getAttribute("aria-label").split(" (")[0]}.`);
    }
    const acts = { undo: () => this.#board.undo(), redo: () => this.#board.redo() };
    acts[button.dataset.act]?.();
  }

  /** The arrow keys go from tool to tool, as in any toolbar. */
  #walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...this.#element.querySelectorAll("button")].filter((button) => button.offsetParent);
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus();
  }
}
