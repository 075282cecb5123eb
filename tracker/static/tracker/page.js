/* What the parts of the map page say to its reader. */
import { gettext } from "../realtime/words.js";

export const me = Number(document.querySelector('meta[name="user-id"]')?.content) || null;

/** A note in the corner, with a button if `act` says so: `{label, run}`. Returns it. */
export function say(text, level = "info", act = null) {
  const toast = document.querySelector("toast-area")?.show(text, level);
  if (!toast || !act) return toast;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: act.label });
  button.addEventListener("click", () => {
    toast.remove();
    act.run();
  });
  toast.querySelector("p").after(button);
  return toast;
}

/** Where the reader is, by the browser; says why not. */
export function locate(then) {
  if (!navigator.geolocation) return say(gettext("This browser cannot say where you are."), "warning");
  const refused = ({ code }) =>
    say(code === 1 ? gettext("You have not allowed this page to know where you are.") : gettext("Where you are could not be found out."), "warning");
  navigator.geolocation.getCurrentPosition(({ coords }) => then(coords.latitude, coords.longitude), refused, {
    timeout: 10_000,
    maximumAge: 60_000,
  });
}
