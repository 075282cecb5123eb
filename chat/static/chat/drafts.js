import { me } from "./page.js";

/** What one person has half written in a room, kept for this tab until it is sent: a message, and over it perhaps an edit. */
export class Drafts {
  body = "";
  about = null; // what the message answers
  edit = null; // {about, body}
  #key;

  constructor(feed) {
    this.#key = `chat.draft.${me}.${feed}`; // the next person in this tab must not read it
    try {
      Object.assign(this, JSON.parse(sessionStorage.getItem(this.#key)) ?? {});
    } catch {
      // No storage, or not ours: an empty draft.
    }
  }

  save(body, about) {
    [this.body, this.about] = [body, about];
    this.#store();
  }

  saveEdit(edit) {
    this.edit = edit;
    this.#store();
  }

  #store() {
    const { body, about, edit } = this;
    try {
      if (body || about || edit) sessionStorage.setItem(this.#key, JSON.stringify({ body, about, edit }));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // It lives as long as the page.
    }
  }
}
