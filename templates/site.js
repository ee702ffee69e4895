/* The one script of the site. Everything can be read without it; it adds a cursor on charts, sorting, filters, copies, the
   theme and keys. It asks for nothing and keeps its state in the address. */
(() => {
  "use strict";
  const root = document.documentElement;
  const make = (name, text, to) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (to) to.append(made);
    return made;
  };
  const keep = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* a browser that keeps nothing still works */ }
    return null;
  };
  /* State in the address: #section or #~key=value&key=value. */
  const state = new Map();
  const read = () => {
    state.clear();
    if (!location.hash.startsWith("#~")) return;
    for (const [key, value] of new URLSearchParams(location.hash.slice(2))) state.set(key, value);
  };
  const write = (key, value) => {
    if (value) state.set(key, value); else state.delete(key);
    const text = new URLSearchParams([...state]).toString();
    try { history.replaceState(null, "", text ? "#~" + text : location.pathname.split("/").pop() || "#"); } catch { /* kept on the page only */ }
  };
  read();

  /* Theme. */
  const themes = ["auto", "light", "dark"];
  const themed = make("button");
  themed.type = "button";
  const wear = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    themed.textContent = "theme: " + theme;
    themed.value = theme;
  };
  wear(themes.includes(state.get("theme")) ? state.get("theme") : themes.includes(keep("theme")) ? keep("theme") : "auto");
  const turn = () => {
    const next = themes[(themes.indexOf(themed.value) + 1) % 3];
    wear(next);
    keep("theme", next);
  };
  themed.addEventListener("click", turn);

  /* Pages are dated by the newest run and not by the clock; only the reader's clock knows how long ago that is. */
  const dated = document.querySelector("[data-newest]");
  const days = dated ? (Date.now() - Date.parse(dated.dataset.newest)) / 864e5 : 0;
  if (days > 1.5) {
    const told = make("p", "These pages know nothing newer than " + Math.floor(days * 24) + " hours: nothing was measured since, or they were not written again.", dated.querySelector(".wide"));
    if (days > 3) told.textContent = told.textContent.replace(/\d+ hours/, Math.floor(days) + " days");
    told.className = "age";
  }

  /* Help. */
  const help = make("dialog");
  help.setAttribute("aria-labelledby", "help-title");
  const keys = [["?", "this list"], ["t", "theme: auto, light, dark"], ["/", "filter the first table, or look for a benchmark"],
    ["c", "copy the table in focus, or the first in sight, as Markdown"], ["j k", "next, previous section"],
    ["← →", "point of a chart"], ["Home End", "first, last point"], ["Enter", "run of the point"],
    ["Shift Enter", "copy the command that compares the point with the one before"],
    ["Esc", "leave a point, a filter, this list"]];
  make("h2", "Keys", help).id = "help-title";
  const rows = make("dl", "", help);
  for (const [key, text] of keys) {
    make("kbd", key, make("dt", "", rows));
    make("dd", text, rows);
  }
  const single = make("label", "", make("p", "", help));
  const box = make("input", "", single);
  box.type = "checkbox";
  box.checked = keep("keys") !== "off";
  single.append(" single-letter keys are on");
  box.addEventListener("change", () => keep("keys", box.checked ? "on" : "off"));
  const close = make("button", "Close", help);
  close.addEventListener("click", () => help.close());
  document.body.append(help);
  const asked = make("button", "? keys");
  asked.type = "button";
  asked.addEventListener("click", () => help.showModal());
  const bar = document.querySelector(".bar .wide");
  if (bar) {
    const tools = make("div", "", bar);
    tools.className = "tools";
    tools.append(themed, asked);
  }

  /* Tables. */
  const cellText = (cell) => cell.innerText.trim().replace(/\s+/g, " ");
  const value = (cell) => {
    if (cell.dataset.k) return Number(cell.dataset.k);
    const text = cell.textContent.trim().replace(/\u2212/g, "-");
    const number = /^[-+]?[\d.]+/.exec(text);
    return number && cell.classList.contains("n") ? Number(number[0]) : text.toLowerCase();
  };
  const copies = {
    Markdown(heads, body, command) {
      const clean = (text) => text.replace(/[\\|`*_<>\[\]]/g, "\\$&");
      const line = (cells) => "| " + cells.map(clean).join(" | ") + " |";
      return [line(heads), "|" + heads.map(() => "---|").join(""), ...body.map(line), "", command ? "`" + command.replace(/`/g, "'") + "`" : ""].join("\n");
    },
    CSV(heads, body, command) {
      /* A cell that a spreadsheet would take for a formula is made a text. */
      const quote = (text) => "\x22" + (/^[=@+\-\t]/.test(text) && !/^[-+]?[\d.]/.test(text) ? "'" : "") + text.replace(/\x22/g, "\x22\x22") + "\x22";
      return [heads, ...body].map((cells) => cells.map(quote).join(",")).join("\n") + (command ? "\n# " + command : "") + "\n";
    },
    JSON(heads, body, command) {
      const items = body.map((cells) => Object.fromEntries(heads.map((head, place) => [head, cells[place] ?? ""])));
      return JSON.stringify({ command, items }, null, 1);
    },
  };
  const say = make("p");
  say.className = "skip";
  say.setAttribute("role", "status");
  document.body.append(say);
  const copy = async (text, button) => {
    const word = button?.textContent;
    try {
      await navigator.clipboard.writeText(text);
      say.textContent = word ? "copied as " + word : "copied";
      if (!button) return;
      button.textContent = "copied";
      setTimeout(() => { button.textContent = word; }, 1500);
    } catch {
      const shown = make("dialog", "", document.body);
      const area = make("textarea", "", shown);
      area.setAttribute("aria-label", "text to copy");
      area.value = text;
      const done = make("button", "Close", make("p", "", shown));
      done.addEventListener("click", () => { shown.close(); shown.remove(); });
      shown.showModal();
      area.select();
    }
  };
  const filters = [];
  const tables = [];
  const fallback = document.querySelector("main")?.dataset.command ?? "";
  let number = 0;
  for (const holder of document.querySelectorAll(".scroll")) {
    const table = holder.querySelector("table");
    if (!table?.tBodies[0]) continue;
    const id = holder.id || "t" + (number += 1);
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const names = heads.map((head) => head.textContent);
    const first = [...body.rows];
    const chart = holder.closest("figure[data-at]");
    const acts = make("div");
    acts.className = "acts";
    const shown = make("span", "", acts);
    shown.className = "shown";
    const sort = (column, down) => {
      const order = column < 0 ? first : [...body.rows].sort((a, b) => {
        const [x, y] = [value(a.cells[column]), value(b.cells[column])];
        const way = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === "number" ? -1 : 1;
        return down ? -way : way;
      });
      body.append(...order);
      heads.forEach((head, place) => {
        if (place === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
    };
    /* The table of a chart keeps its order: its rows are the chart's points. */
    if (!chart && first.length > 2) {
      heads.forEach((head, place) => {
        const button = make("button", names[place]);
        button.type = "button";
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          const down = head.getAttribute("aria-sort") === "ascending";
          sort(place, down);
          write("s." + id, place + (down ? "d" : "a"));
        });
      });
      const sorted = /^(\d+)([ad])$/.exec(state.get("s." + id) ?? "");
      if (sorted && Number(sorted[1]) < heads.length) sort(Number(sorted[1]), sorted[2] === "d");
    }
    if (first.length > 7) {
      const field = make("input");
      field.type = "search";
      field.placeholder = "filter";
      field.setAttribute("aria-label", "filter " + (holder.getAttribute("aria-label") ?? "the table"));
      const filter = () => {
        const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
        let left = 0;
        for (const row of first) {
          const text = row.textContent.toLowerCase();
          const fits = words.every((word) => text.includes(word));
          row.classList.toggle("hidden", !fits);
          left += fits ? 1 : 0;
        }
        shown.textContent = words.length ? left + " of " + first.length + " rows" : "";
        write("q." + id, field.value);
      };
      field.addEventListener("input", filter);
      field.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { field.value = ""; filter(); field.blur(); }
      });
      if (state.get("q." + id)) { field.value = state.get("q." + id); filter(); }
      acts.prepend(field);
      if (!chart) filters.push(field);
    }
    if (first.length) {
      make("span", "copy as", acts);
      for (const format of Object.keys(copies)) {
        const button = make("button", format, acts);
        button.type = "button";
        button.title = "copy as " + format;
        button.addEventListener("click", () => {
          const rows = [...body.rows].filter((row) => !row.classList.contains("hidden")).map((row) => [...row.cells].map(cellText));
          copy(copies[format](names, rows, holder.dataset.command || fallback), button);
        });
      }
      tables.push(holder);
      holder.before(acts);
    }
  }
  const copyNear = () => {
    const near = document.activeElement?.closest?.(".scroll, figure");
    const inSight = (holder) => holder.checkVisibility() && holder.getBoundingClientRect().bottom > 0;
    const holder = tables.find((table) => near?.contains(table)) ?? tables.find(inSight);
    holder?.previousElementSibling?.querySelector("button")?.click();
  };

  /* Charts: the rows of a chart's table are its points. */
  document.querySelectorAll("figure[data-at]").forEach((figure, ordinal) => {
    const svg = figure.querySelector("svg");
    const table = figure.querySelector("table");
    if (!svg || !table?.tBodies[0]) return;
    const points = figure.dataset.at.split(" ").map((pair) => pair.split(",").map(Number));
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const plot = make("div");
    plot.className = "plot";
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    const title = svg.querySelector("title")?.textContent ?? "chart";
    plot.setAttribute("aria-label", title + ": " + points.length + " points, arrow keys move");
    svg.before(plot);
    plot.append(svg);
    const told = make("p", "← → move from point to point, a click keeps one");
    told.className = "told";
    told.setAttribute("aria-live", "polite");
    plot.after(told);
    const rest = told.textContent;
    const shape = (name, kind) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      made.setAttribute("class", kind);
      made.setAttribute("visibility", "hidden");
      svg.append(made);
      return made;
    };
    const [rule, ring] = [shape("line", "rule"), shape("circle", "cursor")];
    ring.setAttribute("r", "6");
    const [, , , height] = svg.getAttribute("viewBox").split(" ").map(Number);
    let at = -1;
    /* A point that was chosen, not only passed over, is part of the address. */
    let kept = -1;
    let later = 0;
    const keepPoint = (place) => {
      kept = place;
      /* Browsers complain about an address that changes with each press of a held key. */
      clearTimeout(later);
      later = setTimeout(() => write("p." + ordinal, place < 0 ? "" : String(place)), 300);
    };
    const runOf = (place) => /([0-9A-Z]{26})\.html$/.exec(rows[place]?.querySelector("a")?.getAttribute("href") ?? "")?.[1];
    const show = (place) => {
      at = place;
      figure.dataset.point = place;
      const seen = place >= 0 ? "visible" : "hidden";
      ring.setAttribute("visibility", seen);
      rule.setAttribute("visibility", seen);
      if (place < 0) { told.textContent = rest; return; }
      const [x, y] = points[place];
      ring.setAttribute("cx", x);
      ring.setAttribute("cy", y);
      for (const [name, value] of [["x1", x], ["x2", x], ["y1", 30], ["y2", height - 40]]) rule.setAttribute(name, value);
      const cells = [...rows[place].cells];
      told.textContent = cells.map((cell, column) => [heads[column], cell.textContent.trim()])
        .filter(([, text]) => text).map(([head, text]) => head + ": " + text).join(" · ");
    };
    plot.addEventListener("keydown", (event) => {
      const last = points.length - 1;
      const to = { ArrowRight: Math.min(at + 1, last), ArrowLeft: at < 0 ? last : Math.max(at - 1, 0), Home: 0, End: last, Escape: -1 }[event.key];
      if (to !== undefined) { show(to); keepPoint(to); event.preventDefault(); event.stopPropagation(); }
      if (event.key !== "Enter" || at < 0) return;
      if (!event.shiftKey) { rows[at].querySelector("a")?.click(); return; }
      const [before, after] = [runOf(at - 1), runOf(at)];
      if (before && after) copy("bench-runner compare " + before + " " + after);
    });
    const nearest = (event) => {
      const matrix = svg.getScreenCTM();
      if (!matrix) return;
      const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
      let best = 0;
      let least = Infinity;
      points.forEach(([x, y], place) => {
        const far = 4 * (x - spot.x) ** 2 + (y - spot.y) ** 2;
        if (far < least) { least = far; best = place; }
      });
      if (best !== at) show(best);
    };
    plot.addEventListener("pointermove", nearest);
    plot.addEventListener("pointerdown", (event) => { nearest(event); keepPoint(at); });
    plot.addEventListener("pointerleave", () => { if (document.activeElement !== plot) show(kept); });
    plot.addEventListener("blur", () => show(kept));
    const chosen = Number(state.get("p." + ordinal) ?? -1);
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < points.length) { kept = chosen; show(chosen); }
  });

  /* Keys. */
  const sections = [...document.querySelectorAll("main section")];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !box.checked) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || help.open) return;
    const step = (way) => {
      const here = sections.findIndex((section) => section.getBoundingClientRect().top > 4);
      const place = way > 0 ? (here < 0 ? sections.length - 1 : here) : (here < 0 ? sections.length : here) - 2;
      sections[Math.max(0, Math.min(sections.length - 1, place))]?.scrollIntoView();
    };
    const acts = { "?": () => help.showModal(), t: turn, c: copyNear, "/": () => {
      const field = filters.find((one) => one.checkVisibility());
      if (field) field.focus(); else document.querySelector('.bar a[href$="benchmarks.html"]')?.click();
    }, j: () => step(1), k: () => step(-1) };
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
