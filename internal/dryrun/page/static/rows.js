// The rows of a comparison: two JSON values laid out as YAML, side by side, so
// that what is the same on both sides is on the same row.
//
// A row has left and right, the lines of either side, undefined where that side
// has none; pointer, the JSON Pointer of what the line is about (into the left
// value where only that side has it); and change, "same", "add", "remove" or "replace".

import { block, key, nests, scalar } from "./yaml.js";

export function rowsOf(before, after) {
  const out = [];
  nested(out, before, after, "", "", { left: "", right: "" });
  return out;
}

// nested lays out two values of which at least one nests. lead is what the first
// line of each side begins with in place of the indent: the dash of a list's element.
function nested(out, left, right, pointer, indent, lead) {
  const l = nests(left) ? left : undefined;
  const r = nests(right) ? right : undefined;
  if (l && r && Array.isArray(l) !== Array.isArray(r)) {
    nested(out, l, undefined, pointer, indent, lead);
    nested(out, undefined, r, pointer, indent, lead);
    return;
  }
  if (Array.isArray(l ?? r)) elements(out, l ?? [], r ?? [], pointer, indent, lead);
  else fields(out, l ?? {}, r ?? {}, pointer, indent, lead);
}

function fields(out, left, right, pointer, indent, lead) {
  for (const name of keysOf(left, right)) {
    const at = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const [l, r] = [own(left, name), own(right, name)];
    const begin = (side) => take(lead, side, indent) + key(name) + ":";
    entry(out, l, r, at, indent, begin);
  }
}

// entry is one key with its value, on either side or both.
function entry(out, l, r, at, indent, begin) {
  const [ln, rn] = [nests(l), nests(r)];
  if ((ln || l === undefined) && (rn || r === undefined)) {
    push(out, ln && begin("left"), rn && begin("right"), at);
    // A list is written at its key's indent, as kubectl does.
    const deeper = Array.isArray(l ?? r) ? indent : indent + "  ";
    nested(out, l, r, at, deeper, { left: deeper, right: deeper });
    return;
  }
  if (ln || rn) { // one side nests, the other has a scalar: they are not the same thing
    entry(out, l, undefined, at, indent, begin);
    entry(out, undefined, r, at, indent, begin);
    return;
  }
  lines(out, l, r, at, indent, begin);
}

// lines is a scalar, which may be a text of several lines.
function lines(out, l, r, at, indent, begin) {
  const [lb, rb] = [block(l), block(r)];
  if (!lb && !rb) {
    push(out, l !== undefined && `${begin("left")} ${scalar(l)}`, r !== undefined && `${begin("right")} ${scalar(r)}`, at);
    return;
  }
  const ls = l === undefined ? [] : (lb ?? [scalar(l)]);
  const rs = r === undefined ? [] : (rb ?? [scalar(r)]);
  for (let i = 0; i < Math.max(ls.length, rs.length); i++) {
    const text = (side, all) => i < all.length && (i === 0 ? `${begin(side)} ${all[0]}` : `${indent}  ${all[i]}`);
    push(out, text("left", ls), text("right", rs), at);
  }
}

function elements(out, left, right, pointer, indent, lead) {
  for (const [i, j] of aligned(left, right)) {
    const at = `${pointer}/${j ?? i}`;
    const [l, r] = [i === undefined ? undefined : left[i], j === undefined ? undefined : right[j]];
    const dashed = { left: take(lead, "left", indent, l) + "- ", right: take(lead, "right", indent, r) + "- " };
    if (!nests(l) && !nests(r)) {
      push(out, l !== undefined && dashed.left + scalar(l), r !== undefined && dashed.right + scalar(r), at);
    } else {
      nested(out, l, r, at, indent + "  ", dashed);
    }
  }
}

// take gives the lead once, and the indent from then on. A side without a value
// does not use its lead up.
function take(lead, side, indent, value = true) {
  const text = lead[side] ?? indent;
  if (value !== undefined) lead[side] = undefined;
  return text;
}

function push(out, left, right, pointer) {
  const row = { pointer, change: "same" };
  if (left !== false) row.left = left;
  if (right !== false) row.right = right;
  if (row.left === undefined) row.change = "add";
  else if (row.right === undefined) row.change = "remove";
  else if (left !== right) row.change = "replace";
  out.push(row);
}

// keysOf is the keys of both, in the order of the left side; what only the right
// one has comes after what it follows there.
function keysOf(left, right) {
  const keys = first(Object.keys(left));
  let at = 0;
  for (const name of first(Object.keys(right))) {
    const known = keys.indexOf(name);
    if (known >= 0) at = known + 1;
    else keys.splice(at++, 0, name);
  }
  return keys;
}

// What says which object it is stands first, as people write it: JSON that came
// through Go has its keys sorted.
const leading = ["apiVersion", "kind", "name", "metadata", "spec", "image"];
const first = (keys) => [...leading.filter((k) => keys.includes(k)), ...keys.filter((k) => !leading.includes(k))];

const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

// identity is what tells an element of a list from the others.
function identity(element) {
  if (!nests(element) || Array.isArray(element)) return JSON.stringify(element);
  const by = ["mountPath", "name", "containerPort", "ip", "key", "topologyKey"].find((k) => element[k] !== undefined);
  return by ? `${by} ${element[by]}` : JSON.stringify(element);
}

// aligned pairs the elements of two lists: [i, j], [i, undefined] or [undefined, j],
// by a longest common subsequence of what identifies them.
function aligned(left, right) {
  const [a, b] = [left.map(identity), right.map(identity)];
  const common = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) pairs.push([i++, j++]);
    else if (j < b.length && (i === a.length || common[i][j + 1] >= common[i + 1][j])) pairs.push([undefined, j++]);
    else pairs.push([i++, undefined]);
  }
  return pairs;
}
