/* The name of the board and its menu: export, print, replay, sheet, lock, keys. */
import { gettext } from "../realtime/words.js";
import { download, toPng, toSvg } from "./export.js";
import { Replay } from "./replay.js";

export class BoardMenu {
  #board;
  #title;
  #replay = null;

  constructor(board, signal) {
    this.#board = board;
    this.#title = board.querySelector(".board__title");
    board.addEventListener("click", (event) => this.#press(event), { signal });
    board.querySelector(".replay").addEventListener("input", (event) => this.#replay?.seek(Number(event.target.value)), { signal });
    if (this.#title.matches("input")) this.#editTitle(signal);
  }

  /** The name as the server has it. */
  rename(title) {
    document.title = document.title.replace(this.#board.dataset.title, title);
    this.#board.dataset.title = title;
    if (document.activeElement === this.#title) return;
    if (this.#title.matches("input")) this.#title.value = title;
    else this.#title.textContent = title;
  }

  help() {
    this.#board.querySelector("#keys").showModal();
  }

  stopReplay() {
    this.#replay?.stop();
    this.#replay = null;
  }

  #editTitle(signal) {
    this.#title.addEventListener("change", () => this.#set({ title: this.#title.value }), { signal });
    this.#title.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#board.focus(); // which is a change, if there was one
    });
    this.#title.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.#title.value = this.#board.dataset.title;
      this.#board.focus();
    });
  }

  #press(event) {
    const button = event.target.closest("[data-act], [data-background-choice]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    const { sheet } = this.#board;
    const name = this.#board.dataset.title.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || gettext("board");
    const acts = {
      png: async () => download(await toPng(sheet, { isDark: this.#board.painter.isDark }), `${name}.png`),
      svg: () => download(toSvg(sheet, this.#board.dataset.title), `${name}.svg`),
      print: () => this.#print(),
      replay: () => this.#startReplay(),
      "replay-toggle": () => this.#replay?.toggle(),
      "replay-close": () => this.stopReplay(),
      keys: () => this.help(),
      lock: () => this.#set({ is_locked: this.#board.isLocked ? "0" : "1" }),
    };
    const act = acts[button.dataset.act] ?? (button.dataset.backgroundChoice && (() => this.#set({ background: button.dataset.backgroundChoice })));
    if (!act) return;
    event.preventDefault(); // without a script, lock and sheet are a form
    button.closest("[popover]")?.hidePopover();
    if (["png", "svg", "print"].includes(button.dataset.act) && !sheet.shown.length) return this.#board.toast(gettext("Nothing is drawn yet."));
    act();
  }

  /** What changes comes back by the feed, as it does to everybody. */
  async #set(facts) {
    const headers = { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content, Accept: "application/json" };
    const answer = await fetch(this.#board.dataset.edit, { method: "POST", headers, body: new URLSearchParams(facts) }).catch(() => null);
    if (answer?.ok) return;
    const why = answer && answer.status < 500 && answer.headers.get("Content-Type")?.startsWith("text/plain") ? await answer.text() : "";
    this.#board.toast(why || gettext("That did not work. Check the connection and try again."), "error");
    if (this.#title.matches("input")) this.#title.value = this.#board.dataset.title;
  }

  async #print() {
    const picture = this.#board.querySelector(".board__print");
    const url = URL.createObjectURL(await toPng(this.#board.sheet));
    picture.src = url;
    await picture.decode();
    print();
    URL.revokeObjectURL(url);
  }

  async #startReplay() {
    this.stopReplay();
    const replay = (this.#replay = new Replay(this.#board, this.#board.querySelector(".replay")));
    try {
      await replay.start(this.#board.dataset.history);
    } catch (error) {
      console.warn(error);
      this.stopReplay();
      this.#board.toast(gettext("The replay could not be fetched. Try again in a moment."), "error");
    }
  }
}
