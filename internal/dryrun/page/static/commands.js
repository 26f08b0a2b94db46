// The same question for a terminal. Both commands carry the manifest with them,
// unless it is a file that the person has.

import { settings } from "./question.js";

// shell quotes a word for a POSIX shell, where it needs quotes.
export const shell = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

// here is a here-document with a text. Its end is a line that the text does not have.
function here(text) {
  let end = "EOF";
  while (text.split("\n").includes(end)) end += "_";
  return ` <<'${end}'\n${text}${text.endsWith("\n") ? "" : "\n"}${end}`;
}

// curl asks for the answer as text. The question's fields are parameters, which
// cannot say "a namespace without labels": then the body is the question itself.
export function curl(question, address, file) {
  const { name, labels, annotations } = question.namespace ?? {};
  const to = ["curl", "-H", "Accept: text/plain", "--data-binary"];
  const bare = labels && Object.keys({ ...labels, ...annotations }).length === 0;
  if (bare) return [...to, "@-", address].map(shell).join(" ") + here(JSON.stringify(question));
  const parameters = [];
  const add = (key, value) => value && parameters.push(`${key}=${encodeURIComponent(value)}`);
  add("namespace", name);
  for (const [key, value] of Object.entries(labels ?? {})) add("label", `${key}=${value}`);
  for (const [key, value] of Object.entries(annotations ?? {})) add("annotation", `${key}=${value}`);
  for (const key of settings) add(key, question[key]);
  const url = parameters.length > 0 ? `${address}?${parameters.join("&")}` : address;
  const command = (body) => [...to, body, url].map(shell).join(" ");
  return file ? command("@" + file) : command("@-") + here(question.manifest);
}

// cli asks the command line. What its flags cannot say of a namespace, annotations
// and that there are no labels, a document before the manifest says.
export function cli(question, file) {
  const words = ["outrigger", "explain"];
  const { name, labels, annotations } = question.namespace ?? {};
  if (name) words.push("--namespace", name);
  const byFlags = Object.keys(labels ?? {}).length > 0 && Object.keys(annotations ?? {}).length === 0;
  if (byFlags) for (const [key, value] of Object.entries(labels)) words.push("--label", `${key}=${value}`);
  const flag = (field) => "--" + field.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
  for (const field of settings) if (question[field]) words.push(flag(field), question[field]);
  const document = labels && !byFlags ? namespaceDocument(name || "default", labels, annotations) : "";
  if (file && !document) return [...words, "-f", file].map(shell).join(" ");
  return [...words, "-f", "-"].map(shell).join(" ") + here(document + question.manifest);
}

// namespaceDocument is JSON, which is YAML as well.
function namespaceDocument(name, labels, annotations) {
  const metadata = { name, labels, annotations };
  return JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata }) + "\n---\n";
}
