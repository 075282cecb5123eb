/* The avatar of a person a frame told us about; the same picture as {% avatar user %} draws on the server. */
export const HUES = 12;

export function avatar({ id, name }, size = "") {
  const element = document.createElement("span");
  element.className = size ? `avatar avatar--${size}` : "avatar";
  element.dataset.hue = String(id % HUES);
  element.setAttribute("aria-hidden", "true");
  element.textContent = initials(name);
  return element;
}

export function initials(name) {
  const words = name.split(/[\s._-]+/u).filter(Boolean);
  return [...words.slice(0, 2)].map((word) => [...word][0]).join("") || "?";
}
