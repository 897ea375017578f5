"use strict";
// Improves the page. Without JavaScript, it is complete.
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const [input, count, nothing, theme] = ["filter", "count", "nothing", "theme"].map(byId);
  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const narrow = matchMedia("(max-width: 60rem)");

  // The theme: the system's, or the chosen one.
  const themes = ["auto", "light", "dark"];
  const show = (name) => {
    if (name === "auto") delete root.dataset.theme;
    else root.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
  };
  const remembered = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  let chosen = themes.includes(remembered()) ? remembered() : "auto";
  show(chosen);
  theme.hidden = false;
  theme.addEventListener("click", () => {
    chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
    show(chosen);
    try { localStorage.setItem("theme", chosen); } catch { /* The choice then lasts for this visit. */ }
  });

  // The filter. A section whose name or comment contains all words stays complete. Otherwise its matching rows stay.
  const sections = all(".entry").map((element) => {
    const heading = element.querySelector("h3");
    const comment = heading.nextElementSibling;
    const head = (heading.textContent + " " + (comment?.matches(".c") ? comment.textContent : "")).toLowerCase();
    const name = heading.textContent.toLowerCase();
    const rows = all("tbody tr, .item", element);
    return { element, head, rows: rows.map((row) => ({ row, text: `${name} ${row.textContent.toLowerCase()}` })) };
  });
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  let first = null;
  const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  const filter = () => {
    const words = wordsOf(input.value);
    const has = (text) => words.every((word) => text.includes(word));
    const is_on = words.length > 0;
    let shown = 0;
    let narrowed = 0;
    first = null;
    for (const { element, head, rows } of sections) {
      const whole = has(head);
      const hits = whole ? [] : rows.filter(({ text }) => has(text));
      for (const { row, text } of rows) row.hidden = !whole && !has(text);
      for (const part of all(".block, .figure, .prose, .facts, .partitions, .code", element)) {
        const holds = part.matches(".block") && part.querySelector("tbody tr:not([hidden]), .item:not([hidden])");
        const inside = part.parentElement.closest("tr, .item");
        part.hidden = !whole && !holds && !inside;
      }
      element.hidden = !whole && hits.length === 0;
      links.get(element.id)?.parentElement.toggleAttribute("hidden", element.hidden);
      if (element.hidden) continue;
      shown += 1;
      narrowed += hits.length;
      first ??= whole ? element : hits[0].row;
    }
    for (const part of all(".flow")) {
      part.hidden = is_on;
      links.get(part.id)?.parentElement.toggleAttribute("hidden", is_on);
    }
    for (const part of all(".group")) part.hidden = !part.querySelector(".entry:not([hidden])");
    for (const part of all("nav .part")) part.hidden = !part.querySelector("li:not([hidden])");
    nothing.hidden = !is_on || shown > 0;
    const rows = narrowed > 0 ? `${plural(narrowed, "row")} in ` : "";
    count.textContent = !is_on ? "" : shown === 0 ? "Nothing matches" : rows + plural(shown, "section");
  };
  const clear = () => {
    input.value = "";
    filter();
  };
  const go = (element) => {
    element.setAttribute("tabindex", "-1");
    element.focus({ preventScroll: true });
    element.scrollIntoView();
  };
  byId("search").hidden = false;
  input.addEventListener("input", () => {
    filter();
    scrollTo(0, 0);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim() && first) {
      event.preventDefault();
      go(first);
    }
  });
  nothing.querySelector("button").addEventListener("click", () => {
    clear();
    input.focus();
  });
  document.addEventListener("keydown", (event) => {
    const is_typing = event.target.matches?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !is_typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === "Escape" && input.value) {
      clear();
    }
  });

  // A link to a hidden element clears the filter.
  const reveal = () => {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target?.closest("[hidden]")) return;
    clear();
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    // Following the same link again doesn't change the hash.
    if (link && link.getAttribute("href") === location.hash) setTimeout(reveal);
  });

  for (const button of all(".copy")) {
    button.hidden = !navigator.clipboard && !document.execCommand;
    button.addEventListener("click", async () => {
      const code = button.nextElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        // Pages opened from a file may have no clipboard access.
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // The table of contents: collapsed on narrow screens, with the current section marked.
  const contents = document.querySelector("nav details");
  const fold = () => { contents.open = !narrow.matches; };
  addEventListener("beforeprint", () => all("main details").forEach((details) => { details.open = true; }));
  narrow.addEventListener("change", fold);
  fold();
  const seen = new Set();
  const mark = () => {
    const current = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target.id);
      else seen.delete(target.id);
    }
    mark();
  }, { rootMargin: "-80px 0px -60% 0px" });
  for (const id of links.keys()) {
    const section = byId(id);
    if (section) observer.observe(section);
  }
})();
