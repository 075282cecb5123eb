/**
 * Keeps the reader where they are while the content grows, shrinks or is replaced: at the end if they were at the end,
 * else at the message they were looking at. The browser's own anchoring (switched off in CSS) knows nothing of the end.
 */
const NEAR_END = 48; // px that still count as the end

export class ScrollKeeper {
  isAtEnd = true;
  #scroller;
  #content;
  #onMove;
  #anchor = null;
  #observer = new ResizeObserver(() => this.#restore());

  constructor(scroller, content, onMove) {
    this.#scroller = scroller;
    this.#content = content;
    this.#onMove = onMove;
  }

  connect() {
    this.#scroller.addEventListener("scroll", this.#moved, { passive: true });
    this.#observer.observe(this.#scroller);
    this.#observer.observe(this.#content);
  }

  disconnect() {
    this.#scroller.removeEventListener("scroll", this.#moved);
    this.#observer.disconnect();
  }

  toEnd() {
    this.isAtEnd = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#moved();
  }

  /** Puts the element at a third of the window. */
  toElement(element, share = 1 / 3) {
    const distance = element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
    this.#scroller.scrollTop += distance - this.#scroller.clientHeight * share;
    this.#moved();
  }

  #moved = () => {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight <= NEAR_END;
    this.#anchor = this.#firstVisible();
    this.#onMove();
  };

  #restore() {
    if (this.isAtEnd) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
    } else if (this.#anchor) {
      const element = document.getElementById(this.#anchor.id); // by id: it may have been rendered anew
      if (element) this.#scroller.scrollTop += this.#offset(element) - this.#anchor.offset;
    }
    this.#moved();
  }

  #firstVisible() {
    const messages = this.#content.querySelectorAll(".message[id]");
    let [low, high] = [0, messages.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#offset(messages[middle]) + messages[middle].offsetHeight > 0) high = middle;
      else low = middle + 1;
    }
    const message = messages[low];
    return message ? { id: message.id, offset: this.#offset(message) } : null;
  }

  #offset(element) {
    return element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }
}
