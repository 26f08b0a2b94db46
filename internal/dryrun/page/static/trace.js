// The trace: every rule that was looked at, as a tree. The first level is who
// looked, the second what was looked at, the third the conditions of an entry.

import { counted, h } from "./dom.js";

const stages = {
  "api-server": { title: "The API server: does it call Outrigger?", others: "Also called about this pod" },
  outrigger: { title: "Outrigger: does it inject?" },
};

// Words for outcomes: what was answered, and how it looks.
const outcomes = {
  call: ["calls", "yes"],
  pass: ["goes on", "pass"],
  inject: ["injects", "yes"],
  skip: ["skips", "no"],
  deny: ["denies", "bad"],
  fault: ["fails", "bad"],
};

// trace is the tree of one pod.
export function trace(pod) {
  const entries = new Map((pod.call.entries ?? []).map((e) => [`${e.configuration}/${e.name}`, e]));
  return h(
    "ol",
    { class: "trace" },
    Object.entries(stages).map(([stage, { title }]) => {
      const steps = pod.trace.filter((step) => step.stage === stage);
      const moot = stage === "outrigger" && !pod.call.called;
      return h(
        "li",
        { class: "stage" },
        h("h4", {}, title),
        h("p", { class: "hint" }, stage === "api-server" ? aboutCall(pod.call) : moot ? "It is not asked. This is what it would say:" : null),
        h("ol", { class: "steps" }, steps.map((step) => node(step, entries.get(step.rule)))),
        stage === "api-server" ? others(pod.call.others) : null,
      );
    }),
  );
}

function aboutCall(call) {
  const known = {
    live: "By the webhook configurations that the cluster has now.",
    chart: "By the webhook configurations that the chart installs: the cluster’s cannot be read.",
    assumed: "Nothing is known of the namespace, so a call is assumed.",
  };
  return known[call.from];
}

// node is one step: a line, and below it the conditions where there are any.
function node(step, entry) {
  const [word, look] = outcomes[step.outcome || "pass"] ?? [step.outcome, "pass"];
  const said = step.stage === "api-server" && look === "pass" ? "does not call" : word;
  const line = [
    h("span", { class: `outcome ${look}` }, said),
    h("code", { class: "rule" }, step.rule),
    step.deciding ? h("strong", { class: "decides" }, "decides") : null,
    h("span", { class: "input" }, step.input),
  ];
  const attributes = { class: step.deciding ? "step deciding" : "step", "aria-current": step.deciding ? "true" : null };
  if (!entry) return h("li", attributes, h("div", { class: "line" }, line));
  // Open where it matters: the entry that calls, or the one that tells why none does.
  return h("li", attributes, h("details", { open: step.deciding }, h("summary", { class: "line" }, line), conditions(entry)));
}

function conditions(entry) {
  return h(
    "ul",
    { class: "conditions" },
    entry.conditions.map((c) =>
      h(
        "li",
        {},
        h("span", { class: `outcome ${c.holds ? "yes" : c.error ? "bad" : "no"}` }, c.holds ? "holds" : c.error ? "cannot be evaluated" : "does not hold"),
        h("code", { class: "rule" }, c.field),
        h("dl", { class: "held" }, pair("wants", c.wants), pair("has", c.has), pair("error", c.error)),
      ),
    ),
    settings(entry),
  );
}

function settings(entry) {
  const facts = [
    entry.order && `number ${entry.order} of all webhooks`,
    entry.failurePolicy && `failurePolicy ${entry.failurePolicy}`,
    entry.reinvocationPolicy && `reinvocationPolicy ${entry.reinvocationPolicy}`,
    entry.timeoutSeconds && `waits ${counted(entry.timeoutSeconds, "second")} at most`,
  ].filter(Boolean);
  return facts.length > 0 ? h("li", { class: "hint" }, facts.join(", ")) : null;
}

const pair = (name, text) => (text ? h("div", {}, h("dt", {}, name), h("dd", {}, h("code", {}, text))) : null);

// others are the webhooks of other people that see the pod as well.
function others(entries) {
  if (!entries?.length) return null;
  return h(
    "details",
    { class: "others" },
    h("summary", {}, `${counted(entries.length, "other webhook")} would be called about this pod too`),
    h("ol", { class: "steps" }, entries.map((e) => h("li", { class: "step" }, h("code", { class: "rule" }, `${e.configuration}/${e.name}`), settings(e)))),
  );
}
