/* What can be done to notifications, wherever their buttons stand: the same forms, sent over the socket when there are scripts. */
import { socket } from "../realtime/socket.js";

/** Marks one or several. It is kept until it is done, also when the next page opens meanwhile. */
export function mark(feed, ids, what) {
  for (let start = 0; start < ids.length; start += 200) {
    socket.post({ type: "notifications.item.mark", feed, ids: ids.slice(start, start + 200).map(Number), mark: what });
  }
}

/** Marks everything: "read" or "done". */
export function markAll(feed, what) {
  socket.post({ type: "notifications.inbox.mark", feed, mark: what });
}

/** Carries out a button with name="mark" on the page. Returns whether it was one. */
export function carryOut(button, feed, ticked = []) {
  const [what, which] = button.value.split(":");
  if (what === "all") markAll(feed, which);
  else if (which) mark(feed, [which], what);
  else if (ticked.length) mark(feed, ticked, what);
  else return false;
  return true;
}

/** Following the link of a notification reads it. */
export function readByLink(event, feed) {
  const line = event.target.closest(".notification__link")?.closest(".notification");
  if (line && "unread" in line.dataset) mark(feed, [line.dataset.id], "read");
}
