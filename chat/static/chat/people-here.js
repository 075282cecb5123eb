/* The faces of those who have the room open now. */
import { avatar } from "../js/avatar.js";
import { format, gettext } from "../realtime/words.js";

const FACES = 4;
const NAMES = 12;

class PeopleHere extends HTMLElement {
  show(people) {
    const names = people.slice(0, NAMES).map((person) => person.name).join(", ");
    this.replaceChildren(...people.slice(0, FACES).map((person) => avatar(person, "small")));
    this.title = names && format(gettext("Here now: %(names)s"), { names });
    this.toggleAttribute("hidden", !names);
    const words = document.createElement("span");
    words.className = "visually-hidden";
    words.textContent = names && `${format(gettext("%(names)s here now."), { names })} `;
    this.append(words);
  }
}

customElements.define("people-here", PeopleHere);
