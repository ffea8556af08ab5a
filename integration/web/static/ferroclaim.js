// Comfort only: every page works without it.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The worklist: j and k move, x selects, r releases what is selected, Enter opens, Escape closes.
  const rows = () => all("[data-row]");
  const current = () => rows().find((row) => row.contains(document.activeElement)) || $("[data-row][aria-selected=true]");
  const go = (step) => {
    const every = rows();
    if (!every.length) return;
    const at = every.indexOf(current());
    const next = every[Math.min(every.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    const link = $("a.open", next);
    if (link) link.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const total = () => {
    const bar = $("[data-sum]");
    if (!bar) return;
    const chosen = all("[data-row] input[type=checkbox]:checked");
    const cents = chosen.reduce((sum, box) => sum + Math.round(100 * Number(box.dataset.value || 0)), 0);
    const money = (cents / 100).toLocaleString("en-US", { style: "currency", currency: "USD" });
    bar.textContent = chosen.length ? `${chosen.length} selected, ${money}` : "Nothing selected";
    for (const button of all("[data-needs-selection]")) button.disabled = chosen.length === 0;
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-all]")) for (const other of all("[data-row] input[type=checkbox]")) other.checked = box.checked;
    // A dose and its discard leave together.
    if (box.dataset.pair) for (const other of all("[data-row] input[type=checkbox]")) if (other.dataset.pair === box.dataset.pair) other.checked = box.checked;
    if (box.matches("input[type=checkbox]")) total();
    if (box.matches("[data-submits]")) box.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !$("[data-row]")) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const box = current() && $("input[type=checkbox]", current());
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "x" && box) box.click();
    else if (event.key === "r" && $("[data-release]")) $("[data-release]").focus();
    else if (event.key === "Escape" && $("[data-close]")) $("[data-close]").click();
    else return;
    event.preventDefault();
  });

  // After a swap the sentence that changed is read out; without a connection the page says so.
  document.addEventListener("htmx:afterSwap", () => {
    total();
    const said = $("[data-focus]");
    if (said) said.focus({ preventScroll: true });
  });
  const offline = (shown) => { const bar = $(".offline"); if (bar) bar.classList.toggle("shown", shown); };
  document.addEventListener("htmx:sendError", () => offline(true));
  document.addEventListener("htmx:afterOnLoad", () => offline(false));
  addEventListener("offline", () => offline(true));
  addEventListener("online", () => offline(false));
  // A refused request is answered with a page of its own, which is shown.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status >= 400 && event.detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  total();
})();
