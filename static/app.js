"use strict";

// Copy buttons, and what pages need that refresh themselves: unfolded details stay unfolded, a stop of buying is told
// at once, an expired session leads to the sign-in page, and silence of the portal is said aloud. Everything else
// works without script.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  root.dataset.script = "";

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const text = button.closest(".copyable").querySelector(".id");
      getSelection().selectAllChildren(text);
      if (!document.execCommand("copy")) return;
      getSelection().removeAllRanges();
    }
    const announce = byId("announce");
    announce.textContent = "";
    button.dataset.copied = "";
    setTimeout(() => (announce.textContent = announce.dataset.copied), 50);
    setTimeout(() => delete button.dataset.copied, 1600);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo } = event.detail;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== pathInfo.requestPath.split("?")[0]) {
      event.detail.shouldSwap = false;
      location.reload();
    }
    unfolded = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) byId(id)?.setAttribute("open", "");
  });

  // Where other stops stand by now, the answer brings a new banner along.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const shown = document.querySelectorAll("#stops [data-stop]");
    detail.headers["X-Stops"] = [...shown].map((stop) => stop.dataset.stop).join(" ");
  });

  // What is typed while the form's choices are being brought up to date is not overwritten by the answer.
  const typed = new Map();
  document.addEventListener("htmx:beforeRequest", () => typed.clear());
  document.addEventListener("input", ({ target }) => target.closest("#fields") && typed.set(target.id, target.value));
  document.addEventListener("htmx:afterSwap", () => {
    for (const [id, value] of typed) {
      const field = byId(id);
      if (field && !field.readOnly && field.matches("input:not([type=checkbox])")) field.value = value;
    }
  });

  const stale = (isStale) => () => (byId("stale").hidden = !isStale);
  document.addEventListener("htmx:sendError", stale(true));
  document.addEventListener("htmx:responseError", stale(true));
  document.addEventListener("htmx:afterOnLoad", stale(false));
})();
