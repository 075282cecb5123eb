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

export {};
