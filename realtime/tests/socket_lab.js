/* The page of test_socket_js.py: a client whose patience the test sets, and a log of all that it says. */
import { Client } from "/static/realtime/client.js";
import { followPage, pageSettings } from "/static/realtime/page.js";

const EVENTS = ["status", "queued", "acked", "delayed", "failed", "discarded"];
const HANDLERS = ["onEvent", "onLive", "onReset", "onRefused", "onHead", "onPresence"];

window.log = [];
window.said = (name) => log.filter((line) => line.name === name).map((line) => line.detail);

window.start = (options = {}) => {
  window.client = new Client({ ...pageSettings(), ...options });
  for (const name of EVENTS) client.addEventListener(name, ({ detail }) => log.push({ name, detail }));
  followPage(client);
};

window.join = (feed, place = {}, prefix = "") => {
  const handlers = {};
  for (const name of HANDLERS) handlers[name] = (detail) => void log.push({ name: prefix + name, detail });
  return client.join(feed, { ...handlers, ...place });
};

window.post = (body, feed = "chat.room.1") => client.post({ type: "chat.message.post", feed, body });
window.isReady = true;
