// The pod before and after, side by side, with what was added coloured by who
// added it. Colour is never the only sign: each stretch says its origin in words.

import { copyable, counted, h } from "./dom.js";
import { rowsOf } from "./rows.js";

// origins finds who set a value: the origin with the longest path that the pointer
// is at or below. What was removed has origins of its own, for pointers into Before.
export function originsOf(list) {
  const [set, removed] = [new Map(), new Map()];
  for (const o of list ?? []) (o.op === "remove" ? removed : set).set(o.path, o.by);
  return ({ pointer, change }) => {
    if (change === "same") return undefined;
    const known = change === "remove" ? [removed, set] : [set];
    for (const paths of known) {
      for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
        if (paths.has(at)) return paths.get(at);
        if (at === "") break;
      }
    }
    return "injection"; // who within it, the server does not say
  };
}

// compare is the table, with a legend, and a switch for what stays the same.
export function compare(pod) {
  const originOf = originsOf(pod.origins);
  const rows = rowsOf(pod.before, pod.after).map((row) => ({ ...row, by: originOf(row) }));
  const changed = rows.filter((row) => row.by);
  if (changed.length === 0) {
    const text = rows.map((row) => row.right).join("\n") + "\n";
    return h("details", { class: "unchanged" }, h("summary", {}, "Nothing changes: the pod stays as it is"), copyable(text, { label: "pod" }));
  }
  const hues = new Map([...new Set(changed.map((row) => row.by))].map((by, i) => [by, `hue-${i % 8}`]));
  const shown = table(rows, hues);
  const only = h("input", { type: "checkbox", change: () => shown.classList.toggle("only-changes", only.checked) });
  return [
    h("div", { class: "row wrap" }, legend(changed, hues), h("label", { class: "choice" }, only, " Only what changes")),
    shown,
  ];
}

function legend(changed, hues) {
  const entries = [...hues].map(([by, hue]) => {
    const lines = changed.filter((row) => row.by === by).length;
    return h("li", {}, h("span", { class: `swatch ${hue}`, "aria-hidden": "true" }), h("code", {}, by), ` ${counted(lines, "line")}`);
  });
  return h("ul", { class: "legend", "aria-label": "Who set what" }, entries);
}

// Verbs for the column that says who did what.
const verbs = { add: "added by", replace: "changed by", remove: "removed by" };

function table(rows, hues) {
  let last = "";
  const body = rows.map((row) => {
    const stretch = row.by ? `${row.change} ${row.by}` : "";
    const begins = stretch !== last;
    last = stretch;
    return h(
      "tr",
      { role: "row", class: row.by ? `${row.change} ${hues.get(row.by)}` : "same" },
      cell("before", row.left, row.change === "remove" || row.change === "replace" ? "−" : ""),
      cell("after", row.right, row.change === "add" || row.change === "replace" ? "+" : ""),
      h("td", { role: "cell", class: "by" }, row.by && begins ? [h("span", { class: "verb" }, verbs[row.change], " "), row.by] : null),
    );
  });
  return h(
    "div",
    { class: "compare", tabindex: 0, role: "region", "aria-label": "The pod before and after" },
    h(
      "table",
      // The roles are said because browsers forget them where CSS lays a table out otherwise.
      { role: "table" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Before", "After", "Set by"].map((name) => h("th", { role: "columnheader", scope: "col" }, name)))),
      h("tbody", { role: "rowgroup" }, body),
    ),
  );
}

// A longer line, as a record of JSON in an annotation, is shown only as far as
// says what it is, until somebody wants it whole.
const long = 240;

// cell is one line of YAML. What is wrapped hangs below its own indent, which CSS
// knows by a class: there are no inline styles here.
function cell(side, text, sign) {
  if (text === undefined) return h("td", { role: "cell", class: `${side} empty` });
  const indent = Math.min(/^ */.exec(text)[0].length, 24);
  const line = text.slice(indent);
  const code = line.length <= long ? h("code", {}, line)
    : h("details", {}, h("summary", {}, h("code", {}, line.slice(0, long / 3) + "…"), ` ${line.length} characters`), h("code", {}, line));
  return h("td", { role: "cell", class: `${side} in-${indent}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign), code);
}
