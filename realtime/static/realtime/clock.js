/** Time and chance in one place, so that a test can bring its own. */
export const clock = {
  /** Milliseconds since 1970. */
  now: () => Date.now(),

  /** At least 0, below 1. */
  random: () => Math.random(),

  /** Runs `task` in `milliseconds`; what it returns calls that off. */
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => clearTimeout(timer);
  },
};
