/* What a message looks like to this reader, beside that neighbour. The server's HTML is the same for everybody. */
import { gettext, language } from "../realtime/words.js";
import { me } from "./page.js";

const TOGETHER = 5 * 60_000; // ms between messages of one person that still read as one
const DAY = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const CLOCK = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const JUMBO = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u200d\ufe0f\s]){1,16}$/u;

/** Sets what depends on the reader and on the message before, and the dividers in front of it. */
export function arrange(message, firstUnread) {
  const before = previousMessage(message);
  const isNewDay = !before || dayOf(before) !== dayOf(message);
  const isUnread = firstUnread !== null && Number(message.dataset.seq) === firstUnread;
  message.toggleAttribute("data-continues", !isNewDay && !isUnread && continues(message, before));
  divide(message, [isNewDay && `day ${dayOf(message)}`, isUnread && "new"].filter(Boolean));
  if (message.dataset.looks === undefined) personalise(message);
}

function personalise(message) {
  message.dataset.looks = "";
  message.tabIndex = message.tabIndex === 0 ? 0 : -1;
  message.classList.toggle("message--mine", Number(message.dataset.author) === me);
  const link = message.querySelector(".message__time");
  link.tabIndex = -1; // one stop per message is enough
  link.setAttribute("aria-label", CLOCK.format(momentOf(message))); // also where it is not to be seen
  const body = message.querySelector(".message__body");
  message.toggleAttribute("data-jumbo", message.dataset.kind === "text" && JUMBO.test(body?.textContent.trim() || "."));
  for (const mention of message.querySelectorAll(`.mention[data-user="${me}"]`)) {
    mention.dataset.me = "";
    message.dataset.mentionsMe = "";
  }
  for (const reaction of message.querySelectorAll(".reaction")) {
    reaction.setAttribute("aria-pressed", String(reaction.dataset.users.split(" ").includes(String(me))));
  }
}

function continues(message, before) {
  if (message.dataset.author !== before.dataset.author || message.ariaLabel !== before.ariaLabel) return false;
  if (message.dataset.kind !== "text" || before.dataset.kind !== "text") return false;
  return !message.querySelector(".message__quote") && momentOf(message) - momentOf(before) < TOGETHER;
}

/** Dividers are only touched when they are not right already: whatever is added here is read aloud. */
function divide(message, wanted) {
  const existing = [];
  for (let sibling = message.previousElementSibling; sibling && !sibling.matches(".message"); sibling = sibling.previousElementSibling) {
    existing.unshift(sibling);
  }
  if (existing.map((divider) => divider.dataset.divider).join() === wanted.join()) return;
  existing.forEach((divider) => divider.remove());
  message.before(...wanted.map((key) => divider(key, message)));
}

function divider(key, message) {
  const element = document.createElement("p");
  const isDay = key.startsWith("day ");
  element.className = isDay ? "log__day" : "log__day log__new";
  element.dataset.divider = key;
  element.textContent = isDay ? nameOfDay(momentOf(message)) : gettext("New");
  return element;
}

function nameOfDay(moment) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return gettext("Today");
  if (days === 1) return gettext("Yesterday");
  return (days < 200 ? DAY : DAY_OF_YEAR).format(moment);
}

function previousMessage(message) {
  let sibling = message.previousElementSibling;
  while (sibling && !sibling.matches(".message")) sibling = sibling.previousElementSibling;
  return sibling;
}

const momentOf = (message) => new Date(message.querySelector("time").dateTime);
const dayOf = (message) => momentOf(message).toDateString();
