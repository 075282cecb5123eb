/* `<my-location>` around two fields lat and lon, and a button that fills them with where the reader is. */
class MyLocation extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!navigator.geolocation) return;
    button.hidden = false;
    button.addEventListener("click", () => this.#find());
  }

  #find() {
    const say = (text) => document.querySelector("toast-area")?.show(text, "warning");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        this.querySelector('[name="lat"]').value = coords.latitude.toFixed(5);
        this.querySelector('[name="lon"]').value = coords.longitude.toFixed(5);
      },
      ({ code }) => say(code === 1 ? "You have not allowed this page to know where you are." : "Where you are could not be found out."),
      { timeout: 10_000 },
    );
  }
}

customElements.define("my-location", MyLocation);
