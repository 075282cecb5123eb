/*
 * Applies the stored theme before the first paint: a classic script that blocks in <head>, so that nobody sees a flash
 * of the other theme. A file, because the policy forbids inline scripts.
 */
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that refuses storage follows the system.
}
