// The page's wiring: the form, what is asked with it, and where the answer goes.

import { show } from "./answer.js";
import { ask, endpoint } from "./ask.js";
import { byId } from "./dom.js";
import { accept } from "./file.js";
import { refresh } from "./live.js";
import { example, questionOf, unpaired } from "./question.js";
import { summary } from "./verdict.js";

const form = byId("question");
const manifest = byId("manifest");
const answerAt = byId("answer");
const problemAt = byId("problem");
const status = byId("status");

// The file that the manifest was read from, as long as it is not edited.
let file = "";
// Ends the request that is under way: only the newest question counts.
let waiting = new AbortController();

function filledIn() {
  return {
    manifest: manifest.value,
    namespace: byId("namespace").value.trim(),
    known: form.elements.known.value,
    labels: byId("labels").value,
    annotations: byId("annotations").value,
    revision: byId("revision").value.trim(),
    kubernetesVersion: byId("kubernetes").value.trim(),
    nativeSidecars: byId("native").value,
    path: byId("path").value.trim(),
  };
}

async function explain(event) {
  event?.preventDefault();
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  problemAt.hidden = true;
  if (manifest.value.trim() === "") return complain(new Error("There is no manifest yet: paste one, drop a file, or use the example."), manifest);
  let question;
  try {
    question = questionOf(filledIn());
  } catch (problem) {
    return complain(problem, byId(problem.message.startsWith("annotation") ? "annotations" : "labels"));
  }
  say("Asking…");
  let answer;
  try {
    answer = await ask(question, signal);
  } catch (problem) {
    if (problem.name !== "AbortError") complain(problem, manifest);
    return;
  }
  present(answer, question);
  refresh();
}

// say tells also those who do not see the page. look is a class for those who do.
function say(text, look = "") {
  status.className = `status ${look}`;
  status.textContent = text;
}

function present(answer, question) {
  const first = answerAt.hidden;
  show(answerAt, answer, { question, address: endpoint("dryrun"), file }, whatIf);
  answerAt.classList.remove("stale");
  say(summary(answer), "hidden"); // the answer itself is there to be seen
  // The first answer may be below what is seen; later ones come where they are looked for.
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (first) answerAt.scrollIntoView({ block: "nearest", behavior });
}

// complain shows what is wrong, and leads to where it is.
function complain(problem, field) {
  say("");
  answerAt.hidden = true;
  problemAt.textContent = problem.message;
  problemAt.hidden = false;
  field.focus();
  if (problem.line && field === manifest) select(problem.line);
}

// select marks a line of the manifest.
function select(line) {
  const lines = manifest.value.split("\n");
  const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  manifest.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
}

// whatIf fills in a namespace as it is, to be changed.
function whatIf(namespace) {
  byId("namespace").value = namespace.name;
  byId("labels").value = unpaired(namespace.labels);
  byId("annotations").value = unpaired(namespace.annotations);
  byId("given").checked = true;
  showWhatIf();
  byId("labels").focus();
}

function showWhatIf() {
  byId("what-if").hidden = form.elements.known.value !== "given";
}

// An answer to another question than the one in the form is no longer to be trusted.
function changed() {
  if (answerAt.hidden || answerAt.classList.contains("stale")) return;
  answerAt.classList.add("stale");
  say("The question has changed: explain again.");
}

function take({ text, name }) {
  manifest.value = text;
  file = name;
  byId("source").textContent = name ? `From ${name}.` : "";
  changed();
}

form.addEventListener("submit", explain);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) explain(event);
});
form.addEventListener("input", changed);
form.addEventListener("change", showWhatIf);
manifest.addEventListener("input", () => take({ text: manifest.value, name: "" }));
byId("example").addEventListener("click", () => {
  take({ text: example, name: "" });
  byId("ask").focus();
});
byId("refresh").addEventListener("click", refresh);
accept(byId("file"), manifest, take, (problem) => complain(problem, manifest));
showWhatIf(); // browsers keep what was chosen when a page is loaded again
refresh();
