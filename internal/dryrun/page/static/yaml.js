// Scalars and keys as YAML writes them. Only what compare.js needs: it lays out
// the lines itself, two documents beside each other.

// What YAML 1.1 or 1.2 would not read as a string, written without quotes.
const notText = /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?[.\d].*|0[xo].*)$/i;
// Signs that mean something at the start of a scalar, or within one.
const startsOdd = /^[-?:](?:\s|$)|^[[\]{},#&*!|>'"%@`]/;
const holdsOdd = /:(?:\s|$)|\s#|[\u0000-\u001f\u007f\u0085\u2028\u2029\ufeff]/;

const plain = (text) => text !== "" && text === text.trim() && !notText.test(text) && !startsOdd.test(text) && !holdsOdd.test(text);

// A value that has lines of its own: an object or a list with something in it.
export const nests = (value) => typeof value === "object" && value !== null && Object.keys(value).length > 0;

// scalar is a value that nests nothing, on one line.
export function scalar(value) {
  if (typeof value === "string") return plain(value) ? value : quoted(value);
  return JSON.stringify(value); // numbers, booleans, null, {} and []
}

export const key = (name) => (plain(name) ? name : quoted(name));

// quoted has single quotes where that spares backslashes, as for JSON in an annotation.
function quoted(text) {
  if (text.includes('"') && !/[\u0000-\u001f\u007f\\\u0085\u2028\u2029\ufeff]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return JSON.stringify(text);
}

// block is the lines of a text that has several: the header, then each line as it
// stands. Null where a block could not give the text back exactly.
export function block(text) {
  if (typeof text !== "string" || !/\n./.test(text)) return null;
  if (/^[\s]|[ \t]\n|[^\P{C}\n\t]/u.test(text)) return null;
  const ends = /\n*$/.exec(text)[0].length;
  const lines = text.slice(0, text.length - ends).split("\n");
  if (ends > 1) return null;
  return [ends === 1 ? "|" : "|-", ...lines];
}
