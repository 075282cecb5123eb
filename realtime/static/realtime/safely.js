/** Calls a handler of the page. What it throws is reported and ends there: one bad handler must not stop the socket. */
export function safely(handler, ...values) {
  try {
    return handler?.(...values);
  } catch (error) {
    reportError(error);
  }
}
