/* `<my-location>` around two fields lat and lon, and a button that fills them with where the reader is. */
import { locate } from "./page.js";

class MyLocation extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = !navigator.geolocation;
    button.addEventListener("click", () =>
      locate((lat, lon) => {
        this.querySelector('[name="lat"]').value = lat.toFixed(5);
        this.querySelector('[name="lon"]').value = lon.toFixed(5);
      }),
    );
  }
}

customElements.define("my-location", MyLocation);
