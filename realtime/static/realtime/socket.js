/**
 * The one socket of this tab:
 *
 *     import { socket } from "../realtime/socket.js";
 *     socket.join("chat.room.42", { rev: 17, onEvent: (frame) => ... });
 *     socket.post({ type: "chat.message.post", feed: "chat.room.42", body: "Hello" });
 *
 * Nothing connects before the first join, watch or post, unless an earlier page left something to send.
 */
import { Client } from "./client.js";
import { followPage, pageSettings } from "./page.js";

// Collected static files exist under two names, with and without a hash. A page that loads both has one socket.
const KEY = Symbol.for("realtime.socket");

function open() {
  const client = new Client(pageSettings());
  followPage(client);
  return client;
}

/** @type {Client} */
export const socket = (globalThis[KEY] ??= open());
