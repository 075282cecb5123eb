import { format, gettext } from "./words.js";

const PATH = "/commands/";

/**
 * Sends a command over HTTP: the way out when the socket cannot be had, or does not answer. Returns the ack or the
 * error frame; throws when there was no answer worth the name, and the command is to be tried again.
 */
export async function submit({ command, fallback }, signal) {
  const response = await fetch(fallback?.url ?? PATH, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(command),
    redirect: "manual", // to a log-in page, which must not pass for an answer
    signal,
  });
  const frame = await response.json().catch(() => null);
  if (frame?.type === "realtime.ack" && frame.client_id === command.client_id) return frame;
  if (frame?.type === "realtime.error") return frame;
  if (response.type === "opaqueredirect") return problem("not_logged_in", gettext("You are logged out. Log in and try again."));
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    const message = gettext("The server refused this (%(status)s). Load the page again.");
    return problem("not_allowed", format(message, { status: response.status }));
  }
  throw new Error(`No answer to ${command.type} (${response.status})`);
}

/** An error frame of our own making, for what never reached the server or came back without words. */
export function problem(code, message) {
  return { type: "realtime.error", code, message };
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
