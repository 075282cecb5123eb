/* The members of a room; those who are here now are marked. */
class MemberList extends HTMLElement {
  /** `here`: the ids of the people who have the room open. */
  show(here) {
    this.toggleAttribute("data-presence", here.size > 0);
    for (const member of this.querySelectorAll(".member")) {
      const isHere = here.has(Number(member.dataset.user));
      member.toggleAttribute("data-here", isHere);
      member.querySelector("[data-here-words]").hidden = !isHere;
    }
  }

  /** Everybody: `{id, name}`, for mentions. */
  get people() {
    return [...this.querySelectorAll(".member")].map(({ dataset }) => ({ id: Number(dataset.user), name: dataset.name }));
  }
}

customElements.define("member-list", MemberList);
