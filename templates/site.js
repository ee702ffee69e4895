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
    ["[ ]", "previous, next benchmark or machine; of a run, the one before"], ["← →", "point of a chart"],
    ["Home End", "first, last point"], ["Enter", "run of the point"],
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
  /* A table that is wider than its place becomes a list of its rows, each cell with the name of its column. */
  const MOST = 400;
  const stack = (holder, names, rows) => {
    if (rows.length > MOST) return;
    let width = -1;
    const fit = () => {
      if (holder.clientWidth === width) return;
      width = holder.clientWidth;
      holder.classList.remove("asrows");
      if (!width || holder.scrollWidth <= width + 1) return;
      if (!rows[0]?.cells[0]?.dataset.h) {
        for (const row of rows) [...row.cells].forEach((cell, place) => { cell.dataset.h = names[place] ?? ""; });
      }
      holder.classList.add("asrows");
    };
    fit();
    /* Not within the notice itself: it would be told of the change it makes. */
    new ResizeObserver(() => requestAnimationFrame(fit)).observe(holder);
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
    if (!chart) stack(holder, names, first);
  }
  const copyNear = () => {
    const near = document.activeElement?.closest?.(".scroll, figure");
    const inSight = (holder) => holder.checkVisibility() && holder.getBoundingClientRect().bottom > 0;
    const holder = tables.find((table) => near?.contains(table)) ?? tables.find(inSight);
    holder?.previousElementSibling?.querySelector("button")?.click();
  };

  /* Trends can begin at zero and show their newest runs alone: what is drawn is moved, nothing is asked for. */
  const SPANS = [30, 90];
  const lenses = [];
  const drawn = (name, attributes, to) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    to.append(made);
    return made;
  };
  const round = (value) => Math.round(value * 10) / 10;
  const steps = (low, high, wanted) => {
    const raw = (high - low) / wanted;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * unit).find((one) => one >= raw) ?? 10 * unit;
    const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const list = [];
    for (let count = Math.ceil(low / step - 1e-9); count * step <= high + step * 1e-9 && list.length < 20; count += 1) {
      list.push([count * step, (count * step).toFixed(places).replace("-", "\u2212")]);
    }
    return list;
  };
  /* `original` are the points as they were drawn; `told` is given their new places and the first one that is shown. */
  const lens = (figure, svg, original, told) => {
    const [left, right, top, bottom, from, to, low, high, start] = (figure.dataset.axes ?? "").split(" ").map(Number);
    if (!Number.isFinite(start) || !original.length) return null;
    const X = (x) => from + (x - left) / (right - left) * (to - from);
    const Y = (y) => high - (y - top) / (bottom - top) * (high - low);
    const pairs = (text) => [...text.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const [grid, paths, dots, labels, marks, band] = [[], [], [], [], [], []];
    let limit = null;
    for (const one of svg.querySelectorAll("path, circle, text")) {
      const kind = one.classList[one.classList.length - 1] ?? "";
      const upright = /^k-(reg|imp|same)$/.test(kind);
      const [x, y, anchor] = ["x", "y", "text-anchor"].map((key) => one.getAttribute(key));
      if (one.localName === "circle") {
        dots.push([one, Number(one.getAttribute("cx")), Number(one.getAttribute("cy"))]);
      } else if (one.localName === "text") {
        if (upright) labels.push({ one, x: Number(x), width: [...one.textContent].length * 7.54 });
        else if (kind === "k-unsure") limit = { ...limit, one, text: Number(y) };
        else if (anchor === "middle" || (anchor === "end" && Number(x) < left)) grid.push(one);
      } else if (kind === "k-grid") {
        grid.push(one);
      } else if (kind !== "k-axis") {
        const d = one.getAttribute("d") ?? "";
        if (upright) marks.push(...pairs(d).map(([place]) => place));
        if (kind === "k-haze") band.push(...pairs(d));
        if (kind === "k-ref") limit = { ...limit, y: pairs(d)[0]?.[1] };
        paths.push({ one, d, across: kind !== "k-ref", along: !upright });
      }
    }
    for (const label of labels) {
      const ends = [label.x + 2, label.x + label.width - 2];
      const far = (mark) => Math.min(...ends.map((end) => Math.abs(end - mark)));
      label.mark = marks.reduce((best, mark) => far(mark) < far(best) ? mark : best, marks[0] ?? ends[0]);
    }
    const own = drawn("g", {}, svg);
    svg.querySelector("desc")?.after(own);
    const id = svg.getAttribute("aria-labelledby").split(" ")[0] + "-clip";
    const shown = drawn("clipPath", { id }, svg);
    drawn("rect", { x: left - 6, y: top - 6, width: right - left + 12, height: bottom - top + 12 }, shown);
    const plain = () => {
      own.replaceChildren();
      for (const one of grid) one.removeAttribute("visibility");
      for (const { one, d } of paths) { one.setAttribute("d", d); one.removeAttribute("clip-path"); }
      for (const [one, x, y] of dots) { one.setAttribute("cx", x); one.setAttribute("cy", y); one.removeAttribute("visibility"); }
      for (const { one, x } of labels) { one.setAttribute("x", x); one.removeAttribute("visibility"); }
      if (limit?.one) { limit.one.setAttribute("y", limit.text); limit.one.removeAttribute("visibility"); }
      told(original, 0, "");
    };
    return () => {
      const zero = state.get("y") === "0" && low > 0;
      const newest = Number(state.get("n"));
      const first = SPANS.includes(newest) && original.length > newest ? original.length - newest : 0;
      plain();
      if (!zero && !first) return;
      let [x0, x1, y0, y1] = [from, to, low, high];
      const [begin, end] = [X(original[first][0]), X(original[original.length - 1][0])];
      if (first) {
        const room = (end - begin) * 0.02 || 0.5;
        [x0, x1] = [begin - room, end + room];
        const values = original.slice(first).map(([, y]) => Y(y));
        const [least, most] = [Math.min(...values), Math.max(...values)];
        const span = Math.max(most - least, Math.abs(most) * 0.01);
        [y0, y1] = [least, most];
        for (const [x, y] of band) {
          if (X(x) < begin - (to - from) * 1e-3) continue;
          y0 = Math.min(y0, Math.max(Y(y), least - span));
          y1 = Math.max(y1, Math.min(Y(y), most + span));
        }
        const line = limit?.y === undefined ? NaN : Y(limit.y);
        if (line > least - 2 * span && line < most + 2 * span) [y0, y1] = [Math.min(y0, line), Math.max(y1, line)];
        const air = Math.max((y1 - y0) * 0.06, Math.abs(most) * 0.002);
        [y0, y1] = [y0 - air, y1 + air];
      }
      if (zero) y0 = 0;
      const across = (x) => round(left + (X(x) - x0) / (x1 - x0) * (right - left));
      const along = (y) => round(top + (y1 - Y(y)) / (y1 - y0) * (bottom - top));
      const show = (one, seen) => one.setAttribute("visibility", seen ? "visible" : "hidden");
      for (const one of grid) show(one, false);
      for (const path of paths) {
        path.one.setAttribute("d", path.d.replace(/([ML])(-?[\d.]+) (-?[\d.]+)/g, (_, act, x, y) =>
          act + (path.across ? across(Number(x)) : x) + " " + (path.along ? along(Number(y)) : y)));
        path.one.setAttribute("clip-path", "url(#" + id + ")");
      }
      for (const [one, x, y] of dots) {
        one.setAttribute("cx", across(x));
        one.setAttribute("cy", along(y));
        show(one, across(x) > left - 1);
      }
      for (const label of labels) {
        const at = across(label.mark);
        label.one.setAttribute("x", round(at > (left + right) / 2 ? at + 2 - label.width : at - 2));
        show(label.one, at > left - 1);
      }
      if (limit?.one && limit.y !== undefined) {
        const at = along(limit.y);
        limit.one.setAttribute("y", round(limit.text + at - limit.y));
        show(limit.one, at > top && at < bottom);
      }
      for (const [value, text] of steps(y0, y1, 5)) {
        const at = round(top + (y1 - value) / (y1 - y0) * (bottom - top));
        drawn("path", { class: "s k-grid", "stroke-width": 1, d: "M" + left + " " + at + "L" + right + " " + at }, own);
        drawn("text", { class: "k-text", x: left - 6, y: at + 4.7, "font-size": 13, "text-anchor": "end" }, own).textContent = text;
      }
      const seen = new Set();
      for (const part of [0, 1, 2, 3]) {
        const day = begin + (end - begin) * part / 3;
        const text = new Date(start + day * 864e5).toISOString().slice(0, 10).replace(/-/g, "\u2010");
        if (seen.has(text)) continue;
        seen.add(text);
        const at = round(left + (day - x0) / (x1 - x0) * (right - left));
        drawn("path", { class: "s k-grid", "stroke-width": 1, d: "M" + at + " " + top + "L" + at + " " + bottom }, own);
        drawn("text", { class: "k-text", x: at, y: bottom + 15.9, "font-size": 13, "text-anchor": "middle" }, own).textContent = text;
      }
      told(original.map(([x, y]) => [across(x), along(y)]), first, zero ? ", from zero" : "");
    };
  };
  /* The two choices of a trend; all trends of a page follow them. */
  const choices = (count, zero) => {
    const bar = make("div");
    bar.className = "acts";
    const choose = (words, key, options) => {
      if (options.length < 2) return;
      const holder = make("label", words + " ", bar);
      const list = make("select", "", holder);
      for (const [value, text] of options) make("option", text, list).value = value;
      list.dataset.key = key;
      list.addEventListener("change", () => { write(key, list.value); lenses.forEach((redraw) => redraw()); });
    };
    choose("axis", "y", zero ? [["", "zoomed"], ["0", "from zero"]] : []);
    choose("runs", "n", [["", "all"], ...SPANS.filter((span) => count > span).map((span) => [String(span), "newest " + span])]);
    return bar;
  };

  /* Charts: the rows of a chart's table are its points. */
  document.querySelectorAll("figure[data-at]").forEach((figure, ordinal) => {
    const svg = figure.querySelector("svg");
    const table = figure.querySelector("table");
    if (!svg || !table?.tBodies[0]) return;
    const original = figure.dataset.at.split(" ").map((pair) => pair.split(",").map(Number));
    let points = original;
    let first = 0;
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const plot = make("div");
    plot.className = "plot";
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    const title = svg.querySelector("title")?.textContent ?? "chart";
    const named = (more) => plot.setAttribute("aria-label", title + ": " + (points.length - first) + " points" + more + ", arrow keys move");
    named("");
    svg.before(plot);
    plot.append(svg);
    const told = make("p", "← → move from point to point, a click keeps one");
    told.className = "told";
    told.setAttribute("aria-live", "polite");
    plot.after(told);
    const rest = told.textContent;
    let at = -1;
    let show = () => {};
    const redraw = lens(figure, svg, original, (moved, begin, more) => {
      [points, first] = [moved, begin];
      named(more);
      for (const list of figure.querySelectorAll("select")) {
        list.value = state.get(list.dataset.key) ?? "";
        if (list.selectedIndex < 0) list.selectedIndex = 0;
      }
      show(at);
    });
    const shape = (name, kind) => drawn(name, { class: kind, visibility: "hidden" }, svg);
    const [rule, ring] = [shape("line", "rule"), shape("circle", "cursor")];
    ring.setAttribute("r", "6");
    const [, , , height] = svg.getAttribute("viewBox").split(" ").map(Number);
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
    show = (wanted) => {
      const place = wanted < first ? -1 : wanted;
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
      const to = { ArrowRight: at < 0 ? first : Math.min(at + 1, last), ArrowLeft: at < 0 ? last : Math.max(at - 1, first), Home: first, End: last, Escape: -1 }[event.key];
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
      let best = first;
      let least = Infinity;
      points.forEach(([x, y], place) => {
        const far = 4 * (x - spot.x) ** 2 + (y - spot.y) ** 2;
        if (place >= first && far < least) { least = far; best = place; }
      });
      if (best !== at) show(best);
    };
    plot.addEventListener("pointermove", nearest);
    plot.addEventListener("pointerdown", (event) => { nearest(event); keepPoint(at); });
    plot.addEventListener("pointerleave", () => { if (document.activeElement !== plot) show(kept); });
    plot.addEventListener("blur", () => show(kept));
    const chosen = Number(state.get("p." + ordinal) ?? -1);
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < points.length) { kept = chosen; show(chosen); }
    if (redraw) {
      const bar = choices(original.length, Number(figure.dataset.axes.split(" ")[6]) > 0);
      if (bar.firstChild) { plot.after(bar); lenses.push(redraw); redraw(); }
    }
  });

  /* Keys. */
  const sections = [...document.querySelectorAll("main section")];
  document.addEventListener("keydown", (event) => {
    /* On some keyboards brackets are typed with AltGr. */
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if ((held && !event.getModifierState("AltGraph")) || !box.checked) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || help.open) return;
    const step = (way) => {
      const here = sections.findIndex((section) => section.getBoundingClientRect().top > 4);
      const place = way > 0 ? (here < 0 ? sections.length - 1 : here) : (here < 0 ? sections.length : here) - 2;
      sections[Math.max(0, Math.min(sections.length - 1, place))]?.scrollIntoView();
    };
    const acts = { "?": () => help.showModal(), t: turn, c: copyNear, "/": () => {
      const field = filters.find((one) => one.checkVisibility());
      if (field) field.focus(); else document.querySelector('.bar a[href$="benchmarks.html"]')?.click();
    }, j: () => step(1), k: () => step(-1),
      "[": () => document.querySelector('.bar a[rel="prev"]')?.click(),
      "]": () => document.querySelector('.bar a[rel="next"]')?.click() };
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
