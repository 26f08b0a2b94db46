// The verdict on one pod, in words, with what it rests on.

import { counted, h } from "./dom.js";

export const verdicts = {
  inject: { word: "Injected", sign: "✓" },
  skip: { word: "Not injected", sign: "○" },
  deny: { word: "Refused", sign: "✕" },
  fault: { word: "Outrigger fails", sign: "!" },
};

export const verdictOf = (pod) => verdicts[pod.outcome.verdict] ?? { word: pod.outcome.verdict, sign: "?" };

// nameOf is a manifest as a person calls it.
export function nameOf({ kind, namespace, name }) {
  const path = [namespace, name].filter(Boolean).join("/");
  return path ? `${kind} ${path}` : kind;
}

const deciders = {
  "api-server": "The API server decides: it does not call Outrigger.",
  outrigger: "Outrigger decides, when the API server calls it.",
};

// verdict is the card. whatIf is called to ask again with the namespace otherwise.
export function verdict(pod, { whatIf }) {
  const { word, sign } = verdictOf(pod);
  const { outcome } = pod;
  return h(
    "div",
    { class: `verdict ${outcome.verdict}` },
    h("h3", { class: "word", id: "verdict", tabindex: -1 }, h("span", { class: "sign", "aria-hidden": "true" }, sign), " ", word),
    h("p", { class: "sentence" }, sentence(outcome.sentence)),
    h("p", { class: "reason" }, "Reason ", h("code", {}, outcome.reason), ". ", deciders[outcome.by]),
    pod.fault ? h("p", { class: "fault" }, pod.fault) : null,
    facts(pod, whatIf),
    notes("Warnings that kubectl prints", pod.warnings),
    checks(pod.checks),
  );
}

const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : "");

function facts(pod, whatIf) {
  const { namespace, owner, templates, native } = pod;
  const from = {
    live: "as it is in the cluster",
    given: "as the question describes it",
    missing: "there is none of that name, so it counts as without labels",
    unknown: "it could not be looked up, so it counts as enabled",
  };
  return h(
    "dl",
    { class: "facts" },
    fact("Namespace", [h("code", {}, namespace.name), `, ${from[namespace.from] ?? namespace.from}`, labels(namespace.labels),
      namespace.from === "given" ? null : h("button", { type: "button", class: "quiet", id: "change-labels", click: () => whatIf(namespace) }, "What if its labels were others?")]),
    owner?.kind && owner.kind !== "Pod" ? fact("Owner", `${owner.kind} ${owner.name ?? ""}`) : null,
    templates?.length ? fact(templates.length > 1 ? "Templates" : "Template", listed(templates.map((t) => [h("code", {}, t.name), `, ${t.source}: ${t.why}`]))) : null,
    native ? fact("Native sidecar", `${native.sidecar ? "yes" : "no"}: ${native.why}`) : null,
  );
}

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
const listed = (items) => (items.length === 1 ? items[0] : h("ul", {}, items.map((i) => h("li", {}, i))));

function labels(map) {
  const all = Object.entries(map ?? {});
  if (all.length === 0) return h("p", { class: "labels" }, "without labels");
  return h("p", { class: "labels" }, all.map(([key, value]) => [h("code", { class: "label" }, `${key}=${value}`), " "]));
}

// notes is a list under a title, or nothing.
export function notes(title, texts) {
  if (!texts?.length) return null;
  return h("div", { class: "notes" }, h("h4", {}, title), h("ul", {}, texts.map((t) => h("li", {}, t))));
}

const checkers = { "pod-security": "Pod Security", "limit-range": "LimitRange", "resource-quota": "ResourceQuota" };
const said = { ok: "would admit the pod", warn: "would warn", refuse: "would refuse the pod", unknown: "could not be found out" };

// checks are what admission after Outrigger would say.
function checks(list) {
  if (!list?.length) return null;
  const items = list.map((c) =>
    h("li", { class: `check ${c.verdict}` },
      h("strong", {}, checkers[c.by] ?? c.by), " ", h("code", {}, c.name), ` ${said[c.verdict] ?? c.verdict}`,
      c.byInjection ? ", which without the injection it would not" : "",
      c.sentences?.length ? h("ul", {}, c.sentences.map((t) => h("li", {}, t))) : null));
  return h("div", { class: "notes" }, h("h4", {}, "Admission after Outrigger"), h("ul", {}, items));
}

// decidedBy says which configuration it was decided by.
export function decidedBy(configuration, timings) {
  const took = (timings ?? []).reduce((sum, t) => sum + t.seconds, 0);
  const assumed = configuration.assumed?.length ? ` Otherwise than this server has it: ${configuration.assumed.join(", ")}.` : "";
  return h("p", { class: "hint" }, "By configuration ", h("code", {}, configuration.hash), ` of revision ${configuration.revision}`,
    took > 0 ? `, in ${milliseconds(took)}` : "", ".", assumed);
}

const milliseconds = (seconds) => `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 0)} ms`;

// summary is what is read aloud when an answer arrives.
export function summary(answer) {
  const { pods } = answer;
  if (pods.length === 0) return "The manifest has no pods.";
  if (pods.length === 1) return `${verdictOf(pods[0]).word}: ${sentence(pods[0].outcome.sentence)}`;
  const counts = Object.entries(verdicts)
    .map(([v, { word }]) => [pods.filter((p) => p.outcome.verdict === v).length, word.toLowerCase()])
    .filter(([n]) => n > 0);
  return `${counted(pods.length, "pod")}: ${counts.map(([n, word]) => `${n} ${word}`).join(", ")}.`;
}
