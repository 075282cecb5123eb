/* The faces of those who have the room open now. */
import { avatar } from "../js/avatar.js";

const FACES = 4;

class PeopleHere extends HTMLElement {
  show(people) {
    const names = people.map((person) => person.name);
    this.replaceChildren(...people.slice(0, FACES).map((person) => avatar(person, "small")));
    this.title = names.length ? `Here now: ${names.slice(0, 12).join(", ")}` : "";
    this.toggleAttribute("hidden", !names.length);
    const words = document.createElement("span");
    words.className = "visually-hidden";
    words.textContent = names.length ? `${names.slice(0, 12).join(", ")} here now. ` : "";
    this.append(words);
  }
}

customElements.define("people-here", PeopleHere);
