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

  /** Those who are listed: `{id, name}`, for mentions. */
  get people() {
    return [...this.querySelectorAll(".member")].map(({ dataset }) => ({ id: Number(dataset.user), name: dataset.name }));
  }

  /** Of a room with more members than are listed: those whose names begin so. Of any other, nobody else. */
  async find(beginning, signal) {
    if (!this.dataset.complete) return [];
    const url = `${this.dataset.complete}?${new URLSearchParams({ q: beginning })}`;
    const response = await fetch(url, { headers: { Accept: "application/json" }, signal });
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return (await response.json()).people;
  }
}

customElements.define("member-list", MemberList);
