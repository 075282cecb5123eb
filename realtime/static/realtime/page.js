/** What the page says about its reader and its server. */
export function pageSettings() {
  const path = metaContent("socket-url") ?? "/ws/";
  return {
    url: path && socketUrl(path), // none: a server of pages only
    user: metaContent("user-id") ?? "",
  };
}

/** Tells `client` what happens to the page: networks come and go, tabs are hidden, the back-forward cache freezes pages. */
export function followPage(client) {
  addEventListener("online", () => client.check());
  addEventListener("offline", () => client.check());
  document.addEventListener("visibilitychange", () => document.hidden || client.check());
  addEventListener("pagehide", () => client.suspend());
  addEventListener("pageshow", (event) => event.persisted && client.wake());
}

function metaContent(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content;
}

function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}
