// Sets the colours before anything is drawn: light, dark, or as the system has them. A plain script, since modules run later.

(() => {
  const root = document.documentElement;
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  try { apply(localStorage.getItem("theme")); } catch { /* Storage may be forbidden. */ }
  addEventListener("storage", (event) => { if (event.key === "theme") apply(event.newValue); });
  addEventListener("theme", (event) => {
    apply(event.detail);
    try { localStorage.setItem("theme", event.detail); } catch { /* Then it holds until the page is left. */ }
  });
})();
