"use strict";
// What the page can do beyond reading: choose, sort, filter, tooltips, copy, print. It works over
// the tables and drawings that are in the page, adds only elements and text, and loads nothing.
// Data stays data: no markup is ever made of it, since a journal may come from any source.

const STATES = ["language", "spin", "placement", "size", "processes"];

/** Return all elements that match, as an array. */
function all(selector, root = document) {
  return [...root.querySelectorAll(selector)];
}

/** Make an element with attributes, and with children that are elements or text. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Return the text of an element on one line. */
function textOf(element) {
  return element.textContent.replace(/\s+/g, " ").trim();
}

// --- The chooser: rows of #choices that fit the form, one a case, in #chosen. Its state is in the
// fragment, so that a view can be sent and the browser's Back works.

function distance(row, name, wanted) {
  const own = row.dataset[name];
  return own === undefined || wanted === undefined ? 0 : Math.abs(Math.log2(own / wanted));
}

/** Return the row of a case that fits best, and the names of the values in which it differs. */
function fitting(rows, state) {
  const alike = (row, name) => row.dataset[name] === undefined || state[name] === undefined ||
    row.dataset[name] === state[name];
  const measured = rows.filter((row) => row.dataset.missing === undefined &&
    alike(row, "language") && alike(row, "placement"));
  const missing = rows.filter((row) => row.dataset.missing !== undefined);
  if (!measured.length) return [missing.find((row) => STATES.every((name) => alike(row, name))) ?? missing[0], []];
  const rank = (row) => [
    distance(row, "size", state.size) + distance(row, "processes", state.processes),
    alike(row, "spin") ? 0 : 1,
  ];
  const order = measured.map((row) => [row, rank(row)])
    .sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
  const best = order[0][0];
  return [best, ["size", "processes"].filter((name) => !alike(best, name))];
}

function startChooser() {
  const form = document.getElementById("chooser");
  const chosen = document.querySelector("#chosen tbody");
  const rows = all("#choices tbody tr[data-case]");
  if (!form || !chosen || !rows.length) return;
  const cases = Map.groupBy(rows, (row) => row.dataset.case);
  const status = make("p", { role: "status", class: "unseen" });
  const control = (name) => form.elements.namedItem(name);

  const state = () => {
    const found = {};
    for (const name of STATES) {
      const one = control(name);
      if (one) found[name] = one.type === "checkbox" ? String(Number(one.checked)) : one.value;
    }
    return found;
  };
  /** Set the form; values that the run does not have change nothing. */
  const set = (values) => {
    form.reset();
    for (const name of STATES) {
      const one = control(name), value = values.get(name);
      if (!one || value === null) continue;
      if (one.type === "checkbox") one.checked = value === "1";
      else if ([...(one.options ?? one)].some((each) => each.value === value)) one.value = value;
    }
  };
  const label = (name, value) => {
    const option = [...(control(name)?.options ?? [])].find((each) => each.value === value);
    return option ? textOf(option) : `${name} ${value}`;
  };
  const copy = (row, differs) => {
    const clone = row.cloneNode(true);
    for (const each of [clone, ...all("[id]", clone)]) each.removeAttribute("id");
    if (differs.length) {
      clone.classList.add("nearest");
      const values = differs.map((name) => name === "processes" ?
        `${row.dataset.processes} processes` : label(name, row.dataset[name]));
      clone.cells[0].append(" ", make("span", { class: "sub" }, `nearest measured: ${values.join(", ")}`));
    }
    return clone;
  };
  const show = () => {
    const wanted = state();
    const found = [...cases.values()].map((group) => fitting(group, wanted)).filter(([row]) => row);
    chosen.replaceChildren(...found.map(([row, differs]) => copy(row, differs)));
    const near = found.filter(([, differs]) => differs.length).length;
    const none = found.filter(([row]) => row.dataset.missing !== undefined).length;
    status.textContent = `${found.length} cases` + (near ? `, ${near} by the nearest measured values` : "") +
      (none ? `, ${none} not measured` : "");
  };
  const restore = () => {
    const values = new URLSearchParams(location.hash.slice(1));
    const empty = location.hash.length < 2;
    if (!empty && !STATES.some((name) => values.has(name))) return; // the id of an element
    set(values);
    show();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    show();
    location.hash = new URLSearchParams(state()).toString();
  });
  addEventListener("hashchange", restore);
  form.after(status);
  form.hidden = false;
  restore();
}

// --- Tables: sorted by a column, filtered by words, saved as CSV.

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Return what a cell sorts by: its raw number, else its text; NaN where it is empty. */
function keyOf(cell) {
  const raw = cell?.dataset.value;
  if (raw !== undefined) return raw.trim() === "" ? NaN : Number(raw);
  const text = cell ? textOf(cell) : "";
  return /[\p{L}\p{N}]/u.test(text) ? text : NaN;
}

/** Compare two keys in a direction; empty cells are last in both. */
function compare(a, b, direction) {
  const absent = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (absent || Number.isNaN(a)) return absent;
  if (typeof a === "number" && typeof b === "number") return direction * (a - b);
  return direction * collator.compare(a, b);
}

function makeSortable(table) {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  const regular = table.tHead?.rows.length === 1 && !all("[colspan], [rowspan]", table).length;
  if (!regular) return;
  const bodies = [...table.tBodies].map((body) => [body, [...body.rows]]);
  const sort = (column, direction) => {
    for (const [body, rows] of bodies) {
      const keyed = rows.map((row) => [keyOf(row.cells[column]), row]);
      if (direction) keyed.sort(([a], [b]) => compare(a, b, direction));
      body.append(...keyed.map(([, row]) => row));
    }
  };
  const choice = make("select", {}, make("option", { value: "" }, "the page's order"));
  const order = (wanted) => {
    const [column, direction] = wanted.split(" ");
    heads.forEach((head, at) => {
      if (direction && at === Number(column)) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    });
    choice.value = wanted;
    sort(Number(column), { ascending: 1, descending: -1 }[direction] ?? 0);
  };
  heads.forEach((head, column) => {
    const name = textOf(head);
    if (!name || head.querySelector("a, button, input, summary")) return;
    const button = make("button", { type: "button", class: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    for (const [direction, word] of [["ascending", "rising"], ["descending", "falling"]])
      choice.append(make("option", { value: `${column} ${direction}` }, `${name}, ${word}`));
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort")];
      const direction = next === undefined ? "ascending" : next;
      order(direction && `${column} ${direction}`);
    });
  });
  // Cards of a narrow screen have no heads to press.
  choice.addEventListener("change", () => order(choice.value));
  if (choice.options.length > 1) tools(table).append(make("label", { class: "sort-by" }, "sort by ", choice));
}

/** Hide the columns that few readers need, until a button is pressed. */
function makeFoldable(table) {
  const rare = all("thead .rare", table).length;
  if (!rare) return;
  const button = make("button", { type: "button", class: "fold" });
  const fold = (folded) => {
    table.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = `${rare} ${folded ? "more" : "fewer"} columns`;
  };
  button.addEventListener("click", () => fold(!table.classList.contains("folded")));
  tools(table).append(button);
  fold(true);
}

/** Return the element before which a table's controls stand: not inside what scrolls. */
function frameOf(table) {
  return table.closest(".scroll") ?? table;
}

/** Return a name of a table, for people. */
function nameOf(table) {
  const near = table.caption ?? table.closest("section, figure, details")?.querySelector("h2, h3, summary");
  return near ? textOf(near) : table.id || "table";
}

function makeFilterable(table) {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  if (rows.length < 2) return;
  const texts = new Map(rows.map((row) => [row, textOf(row).toLowerCase()]));
  const field = make("input", { type: "search", autocomplete: "off", spellcheck: "false",
    "aria-label": `Rows with these words: ${nameOf(table)}`, placeholder: "rows with these words" });
  const count = make("span", { role: "status" });
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of texts) {
      row.hidden = !words.every((word) => text.includes(word));
      shown += Number(!row.hidden);
    }
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  };
  field.addEventListener("input", show);
  tools(table).prepend(field, count);
}

/** Quote a field: RFC 4180. A text that a spreadsheet would compute begins with an apostrophe. */
function quoted(text) {
  const formula = /^[=+@\t\r]|^-(?!\s?[\d.])/.test(text);
  return `"${(formula ? "'" : "") + text.replaceAll('"', '""')}"`;
}

/** Return the rows that are shown, in their order, as CSV. */
function csvOf(table) {
  const rows = [...table.rows].filter((row) => !row.hidden);
  return rows.map((row) => [...row.cells].map((cell) => quoted(textOf(cell))).join(",") + "\r\n").join("");
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function addCsv(table) {
  const name = nameOf(table);
  const file = (table.id || name).toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60) || "table";
  const button = make("button", { type: "button", class: "csv", "aria-label": `CSV: ${name}` }, "CSV");
  button.addEventListener("click", () => save(`${file}.csv`, csvOf(table)));
  tools(table).append(button);
}

/** Return the line of controls of a table. */
function tools(table) {
  const frame = frameOf(table);
  if (!frame.previousElementSibling?.classList.contains("tools"))
    frame.before(make("div", { class: "tools" }));
  return frame.previousElementSibling;
}

// --- Marks of the charts: a tooltip on hover and focus, arrow keys from mark to mark.

function startMarks() {
  const tip = make("div", { role: "tooltip", id: "tip", hidden: "" });
  let shown = null;
  document.body.append(tip);

  const place = () => {
    const mark = shown.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth - own.width - 8;
    const left = Math.min(Math.max(8, mark.x + (mark.width - own.width) / 2), Math.max(8, room));
    const above = mark.y - own.height;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 8 ? mark.bottom : above}px`;
  };
  const show = (mark) => {
    shown = mark;
    mark.querySelector("title")?.remove(); // the browser's own tooltip would cover this one
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    place();
  };
  const hide = () => {
    shown = null;
    tip.hidden = true;
  };
  const markOf = (target) => target instanceof Element ? target.closest("svg .mark[aria-label]") : null;
  const besides = (mark) => all(".mark[aria-label]", mark.ownerSVGElement);
  /** Hide the tooltip of a mark that the pointer left, or show that of the focused one. */
  const leave = () => {
    const focused = markOf(document.activeElement);
    if (focused) show(focused);
    else hide();
  };

  const drawings = new Set();
  for (const mark of all("svg .mark[aria-label]")) {
    mark.setAttribute("role", "img");
    mark.setAttribute("tabindex", drawings.has(mark.ownerSVGElement) ? "-1" : "0");
    drawings.add(mark.ownerSVGElement);
  }
  // The content of an image is hidden from screen readers.
  for (const drawing of drawings) drawing.setAttribute("role", "group");

  // On the document: Chromium makes an SVG element focusable that listens to focus itself.
  addEventListener("focusin", (event) => {
    const mark = markOf(event.target);
    if (!mark) return;
    for (const each of besides(mark)) each.setAttribute("tabindex", each === mark ? "0" : "-1");
    show(mark);
  });
  addEventListener("focusout", hide);
  addEventListener("pointerover", (event) => {
    const mark = markOf(event.target);
    if (mark) show(mark);
  });
  addEventListener("pointerout", (event) => {
    if (shown && event.relatedTarget !== tip && markOf(event.relatedTarget) !== shown &&
      markOf(event.target) === shown) leave();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const mark = markOf(event.target);
    if (!mark || event.altKey || event.ctrlKey || event.metaKey) return;
    const marks = besides(mark), at = marks.indexOf(mark), last = marks.length - 1;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    marks[Math.min(Math.max(to, 0), last)].focus();
  });
  tip.addEventListener("pointerleave", leave);
  addEventListener("scroll", () => shown && place(), { passive: true, capture: true });
}

// --- Closed parts: opened by a link to what is in them, and for the printer.

/** Open the closed parts around the target of a fragment, and the target itself. */
function reveal(fragment) {
  let name = fragment.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    return; // no percent-encoding, so no link of this page
  }
  const target = name && document.getElementById(name);
  if (!target) return;
  let opened = false;
  for (let each = target.closest("details"); each; each = each.parentElement?.closest("details")) {
    opened ||= !each.open;
    each.open = true;
  }
  if (opened) target.scrollIntoView();
}

function startDetails() {
  addEventListener("hashchange", () => reveal(location.hash));
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest('a[href^="#"]');
    if (link) reveal(link.getAttribute("href")); // also where the fragment is the same as before
  });
  reveal(location.hash);
}

function startPrinting() {
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
    closed = [];
  });
  const button = make("button", { type: "button", class: "print" }, "print");
  button.addEventListener("click", () => print());
  const links = all("header a.csv").at(-1);
  if (links) links.after(" ", button);
  else document.querySelector("header")?.append(button);
}

startChooser();
for (const table of all("table.sortable")) {
  makeSortable(table);
  makeFoldable(table);
  addCsv(table);
}
for (const table of all("table.filterable")) makeFilterable(table);
startMarks();
startDetails();
startPrinting();
