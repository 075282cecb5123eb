/** The frame, or null for anything that is not one. Servers get newer while tabs stay open; what we do not know, we skip. */
export function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
