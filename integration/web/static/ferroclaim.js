// Comfort only: every page works without it.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("script");

  // The worklist: j and k move, x selects, r releases what is selected, Enter opens, Escape closes.
  const rows = () => all("[data-row]");
  const opened = () => $("[data-row][aria-selected=true]");
  const current = () => rows().find((row) => row.contains(document.activeElement)) || opened();
  const go = (step) => {
    const every = rows();
    if (!every.length) return;
    const at = every.indexOf(current());
    const next = every[Math.min(every.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    const link = $("a.open", next);
    if (link) link.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  // The bar of actions stands there with a selection only, and offers what the selection allows.
  const total = () => {
    const bar = $("[data-bulk]");
    if (!bar) return;
    const chosen = all("[data-row] input[type=checkbox]:checked");
    const free = chosen.filter((box) => "releasable" in box.dataset);
    const cents = chosen.reduce((sum, box) => sum + Math.round(100 * Number(box.dataset.value || 0)), 0);
    const money = (cents / 100).toLocaleString("en-US", { style: "currency", currency: "USD" });
    bar.hidden = chosen.length === 0;
    $("[data-sum]").textContent = `${chosen.length} selected${cents ? `, ${money}` : ""}`;
    const release = $("[data-release]", bar);
    if (!release) return;
    release.hidden = free.length === 0;
    for (const part of all("[data-for-release]", bar)) part.hidden = free.length === 0;
    release.textContent = free.length < chosen.length ? `Release ${free.length} of ${chosen.length}` : "Release";
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-all]")) for (const other of all("[data-row] input[type=checkbox]")) other.checked = box.checked;
    // A dose and its discard leave together.
    if (box.dataset.pair) for (const other of all("[data-row] input[type=checkbox]")) if (other.dataset.pair === box.dataset.pair) other.checked = box.checked;
    if (box.matches("input[type=checkbox]")) total();
    if (box.matches("[data-submits]")) box.form.requestSubmit();
  });
  // What cannot be released is not sent with the others.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-release]")) {
      for (const box of all("[data-row] input[type=checkbox]:checked")) if (!("releasable" in box.dataset)) box.checked = false;
    }
    if (event.target.closest("[data-keys-open]")) $("#keys").showModal();
    // Back from what was told of a form, the form stands open as it was.
    if (!event.target.closest("dialog")) for (const open of all("details.more[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const menu = event.target.closest("details.more[open]");
    if (event.key === "Escape" && menu) { menu.open = false; $("summary", menu).focus(); event.preventDefault(); return; }
    if (!$("#desk") || $("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const box = current() && $("input[type=checkbox]", current());
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "x" && box) box.click();
    else if (event.key === "r" && $("[data-release]:not([hidden])")) $("[data-release]").focus();
    else if (event.key === "/" && $("#find")) $("#find").focus();
    else if (event.key === "?" && $("#keys")) $("#keys").showModal();
    else if (event.key === "Escape" && $("[data-close]")) $("[data-close]").click();
    else return;
    event.preventDefault();
  });

  // After a swap the sentence that changed is read out, an opened line has the focus, a closed one
  // gives it back to its row.
  let last = opened() && $("a.open", opened()).id;
  const focused = () => {
    const row = opened() && $("a.open", opened());
    const said = $("[data-focus]");
    if (said) {
      said.focus({ preventScroll: true });
      said.scrollIntoView({ block: "nearest" });
    }
    else if (row && row.id !== last) {
      $("#story").focus({ preventScroll: true });
      opened().scrollIntoView({ block: "nearest" });
    } else if (!row && last && $(`#${last}`)) $(`#${last}`).focus();
    last = row ? row.id : null;
  };
  document.addEventListener("htmx:afterSwap", () => { total(); focused(); });
  // Without a connection the page says so.
  const offline = (shown) => { const bar = $(".offline"); if (bar) bar.classList.toggle("shown", shown); };
  document.addEventListener("htmx:sendError", () => offline(true));
  document.addEventListener("htmx:afterOnLoad", () => offline(false));
  addEventListener("offline", () => offline(true));
  addEventListener("online", () => offline(false));
  // A page that is refused is opened, and says why. A form that is refused stays with what was entered; why is told above it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig, pathInfo } = event.detail;
    if (xhr.status < 400) return;
    event.detail.shouldSwap = false;
    event.detail.isError = false;
    if (requestConfig.verb === "get") location.assign(pathInfo.finalRequestPath);
    else refuse(xhr);
  });
  const refuse = (xhr) => {
    const isPage = xhr.getResponseHeader("Content-Type")?.startsWith("text/html");
    const said = isPage && $("main", new DOMParser().parseFromString(xhr.responseText, "text/html"));
    const told = $("[data-told]");
    told.replaceChildren(...(said ? said.childNodes : [xhr.status === 413 ? "It was not done: that is too large for this page. Choose fewer files at a time, or smaller ones." : `It was not done (${xhr.status}). Try again in a minute.`]));
    for (const link of all("a", told)) link.target = "_blank";
    $("#refused").showModal();
  };
  // Who signed in again elsewhere sends the form as it is; another person gets a page of their own.
  $("#refused")?.addEventListener("close", async () => {
    $("[data-told]").replaceChildren();
    const answer = await fetch("/session").catch(() => null);
    if (!answer?.ok) return;
    const { user, csrf } = await answer.json();
    if (user !== document.body.dataset.user) location.reload();
    for (const field of all("input[name=csrf]")) field.value = csrf;
  });
  for (const button of all("[data-keys-open]")) button.hidden = false;
  total();
})();
