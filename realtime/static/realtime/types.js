/**
 * One message on the wire. Frames about a feed name it; changes of a feed carry their revision.
 * @typedef {{type: string, feed?: string, rev?: number, [key: string]: unknown}} Frame
 */

/**
 * What a part of a page does with the frames of a feed. Every one is optional; they are called in the order of the frames.
 * @typedef {object} Handlers
 * @property {(frame: Frame) => void} [onEvent] an app's event; a change is handed over once, in order
 * @property {(frame: Frame) => void} [onLive] caught up: everything until `rev` has been handed over
 * @property {(frame: Frame) => (void | Promise<void | {rev: number}>)} [onReset] too far behind: fetch the page afresh.
 *   While the promise is pending, frames wait. It may resolve to the revision that the fresh page was rendered at.
 * @property {(frame: Frame) => void} [onRefused] not allowed (any more); nothing follows
 * @property {(frame: Frame) => void} [onHead] the head of this feed, if it is watched as well
 * @property {(frame: Frame) => void} [onPresence] a snapshot of who is here, or who came and went
 */

/**
 * A command that is not acked.
 * @typedef {{client_id: string, command: Frame, state: "queued" | "sending" | "failed", error?: Frame}} Waiting
 */

/**
 * What `socket` dispatches, as CustomEvents with these details. The page may be told twice that a command is queued.
 * @typedef {object} Events
 * @property {"connecting" | "live" | "reconnecting" | "offline" | "stopped" | "none"} status see also `socket.reason`, `retryAt`
 * @property {{client_id: string, command: Frame, restored: boolean, stored: boolean}} queued in the outbox: anew, again
 *   (retried), or `restored` from an earlier page or another tab; not `stored` when it would not survive this page
 * @property {{client_id: string, command: Frame, ack: Frame}} acked in the database. `ack.rev` and `ack.id` are missing
 *   when another page got it through while this one slept in the back-forward cache
 * @property {{client_id: string, command: Frame, error: Frame, retry_in: number, retry_at: number}} delayed the server
 *   asked for patience and we comply: in so many seconds, at that time in milliseconds since 1970
 * @property {{client_id: string, command: Frame, error: Frame, kept: boolean}} failed refused. If `kept` it stays in the
 *   outbox until retry() or discard(); if not, it was too much or too long for the outbox
 * @property {{client_id: string, command: Frame}} discarded by discard()
 */

export {};
