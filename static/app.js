"use strict";

// Copy buttons, and what pages need that refresh themselves: unfolded details stay unfolded, the keyboard's focus stays
// where it was, a stop of buying is told at once, an expired session leads to the sign-in page, and silence of the
// portal is said aloud. Everything else works without script.
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

  // What has the focus is known by what it is: its id, where it leads, what it sends. Else by the nearest thing around
  // it that is known. A place in a list would not do: Enter must not open the order that came in between.
  const TELLING = ["href", "formaction", "data-copy", "name", "value"];
  const has = (element, name) => `[${name}="${CSS.escape(element.getAttribute(name))}"]`;
  const selectorOf = (element) => {
    if (element.id) return `#${CSS.escape(element.id)}`;
    const own = TELLING.filter((name) => element.hasAttribute(name)).map((name) => has(element, name));
    if (own.length) return element.localName + own.join("");
    const around = element.parentElement?.closest("[id], form[action]");
    return `${around ? (around.id ? selectorOf(around) : `form${has(around, "action")}`) : "body"} ${element.localName}`;
  };

  let focused = null;
  const rememberFocus = () => {
    const selector = selectorOf(document.activeElement);
    focused = { selector, nth: [...document.querySelectorAll(selector)].indexOf(document.activeElement) };
  };
  const focusAgain = () => {
    if (!focused || document.activeElement !== document.body) return;
    const found = document.querySelectorAll(focused.selector);
    for (const element of [found[focused.nth], found[0], byId("main")]) {
      element?.focus({ preventScroll: true });
      if (document.activeElement !== document.body) break;
    }
    focused = null;
  };

  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo } = event.detail;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== pathInfo.requestPath.split("?")[0]) {
      event.detail.shouldSwap = false;
      location.reload();
    }
    rememberFocus();
    unfolded = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) byId(id)?.setAttribute("open", "");
    focusAgain();
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
