/** What is half written in a room, kept for this tab until it is sent. */
export class Drafts {
  body = "";
  about = null;
  #key;

  constructor(feed) {
    this.#key = `chat.draft.${feed}`;
    try {
      Object.assign(this, JSON.parse(sessionStorage.getItem(this.#key)) ?? {});
    } catch {
      // No storage, or not ours: an empty draft.
    }
  }

  save(body, about) {
    this.body = body;
    this.about = about;
    try {
      if (body || about) sessionStorage.setItem(this.#key, JSON.stringify({ body, about }));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // It lives as long as the page.
    }
  }
}
