// An answer on the page: a list of its pods where there are several, and all that
// there is to say of the one that is chosen.

import { curl, cli } from "./commands.js";
import { compare } from "./compare.js";
import { copyable, counted, h } from "./dom.js";
import { order } from "./order.js";
import { trace } from "./trace.js";
import { decidedBy, nameOf, notes, summary, verdict, verdictOf } from "./verdict.js";

// show puts an answer into an element. asked is { question, address, file }, and
// whatIf is called with a namespace that should be asked about otherwise.
export function show(into, answer, asked, whatIf) {
  const podAt = h("div", { class: "pod" });
  const choose = (pod) => podAt.replaceChildren(...podParts(pod, answer, whatIf));
  if (answer.pods.length > 0) choose(answer.pods[0]);
  into.replaceChildren(
    h("h2", { class: "hidden" }, "Answer"),
    ...[
      notes("About the question", answer.warnings),
      answer.pods.length > 1 ? chooser(answer.pods, choose, summary(answer)) : null,
      answer.pods.length === 0 ? h("p", { class: "problem" }, "There is no pod in this manifest.") : podAt,
      others(answer.others),
      section("Ask from a terminal", "ask-again", commands(asked)),
    ].filter(Boolean),
  );
  into.hidden = false;
}

function podParts(pod, answer, whatIf) {
  return [
    h("p", { class: "hint subject" }, h("strong", {}, nameOf(pod.manifest)), ` in document ${pod.manifest.document}, line ${pod.manifest.line}`),
    verdict(pod, { whatIf }),
    decidedBy(answer.configuration, [...(answer.timings ?? []), ...(pod.timings ?? [])]),
    section("Why", "why", trace(pod)),
    section("What starts when", "order", h("div", { class: "orders" }, order(pod.startOrder))),
    section("Before and after", "compare", compare(pod)),
    pod.patch.length > 0 ? section("The patch", "patch", patch(pod)) : null,
  ].filter(Boolean);
}

function section(title, id, content) {
  return h("section", { "aria-labelledby": id, class: "part" }, h("h3", { id }, title), content);
}

function patch(pod) {
  const text = `[\n${pod.patch.map((op) => "  " + JSON.stringify(op)).join(",\n")}\n]\n`;
  return [
    copyable(text, { label: "JSON Patch", look: "unwrapped",
      caption: `JSON Patch (RFC 6902), ${counted(pod.patch.length, "operation")}, ${counted(new Blob([text]).size, "byte")}` }),
    pod.diff ? h("details", {}, h("summary", {}, "Unified diff of the manifest"), copyable(pod.diff, { label: "unified diff" })) : null,
    pod.injected ? h("details", {}, h("summary", {}, "The manifest, injected"), copyable(pod.injected, { label: "injected manifest" })) : null,
  ];
}

function commands({ question, address, file }) {
  return h("div", { class: "commands" },
    copyable(curl(question, address, file), { label: "curl command", caption: "The same question with curl" }),
    copyable(cli(question, file), { label: "outrigger command", caption: "and on the command line" }));
}

// chooser lists the pods; the chosen one is marked as the current.
function chooser(pods, choose, said) {
  const buttons = pods.map((pod) => {
    const { word, sign } = verdictOf(pod);
    return h("button", { type: "button", class: `pick ${pod.outcome.verdict}`, click: () => pick(pod) },
      h("span", { class: "sign", "aria-hidden": "true" }, sign), " ", nameOf(pod.manifest), h("span", { class: "hint" }, ` ${word}, ${pod.outcome.reason}`));
  });
  function pick(pod) {
    for (const [i, button] of buttons.entries()) {
      if (pods[i] === pod) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    choose(pod);
  }
  buttons[0].setAttribute("aria-current", "true");
  return h("nav", { "aria-label": "Pods of the manifest", class: "chooser" }, h("p", {}, said), h("ul", {}, buttons.map((b) => h("li", {}, b))));
}

function others(manifests) {
  return notes("Without a pod, and left alone", manifests?.map(nameOf));
}
