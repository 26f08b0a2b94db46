// The state of the server: what it decides by, and what it did last.

import { live } from "./ask.js";
import { byId, counted, h } from "./dom.js";
import { verdicts } from "./verdict.js";

// refresh asks the server and shows its state, or why it cannot be had.
export async function refresh() {
  const into = byId("live");
  try {
    const state = await live();
    into.replaceChildren(...parts(state));
    byId("state-line").replaceChildren(h("a", { href: "#server" }, line(state)));
  } catch (problem) {
    into.replaceChildren(h("p", { class: "problem" }, problem.message));
  }
}

const expiresSoon = 7; // days: half of what a certificate of our own authority lives

function line({ configuration, certificate }) {
  return `configuration ${configuration.hash || "none"}, ${age(configuration.since)}; certificate ${days(certificate)}`;
}

const days = ({ expires, days }) => (expires ? `for ${counted(days, "day")} more` : "none yet");

// age is how long ago a time is, in one unit.
export function age(time, now = Date.now()) {
  if (!time) return "of unknown age";
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (seconds >= length) return `${counted(Math.floor(seconds / length), unit)} old`;
  }
  return `${counted(seconds, "second")} old`;
}

function parts(state) {
  const { configuration, certificate } = state;
  return [
    state.refused ? h("p", { class: "problem" }, "The newest configuration is refused, an older one serves on: ", state.refused) : null,
    certificate.fault ? h("p", { class: "problem" }, "Certificate: ", certificate.fault) : null,
    h(
      "dl",
      { class: "tiles" },
      tile("Configuration", h("code", {}, configuration.hash || "none"), `${age(configuration.since)}${configuration.from ? `, from ${configuration.from}` : ""}`),
      tile("Revision", h("code", {}, configuration.revision), `Outrigger ${state.version}`),
      tile("Certificate", certificate.expires ? counted(certificate.days, "day") : "none", certificate.expires ? `until ${certificate.expires}` : "the webhook cannot be called yet",
        !certificate.expires || certificate.days < expiresSoon),
    ),
    h("div", { class: "columns" }, templates(state.templates), webhooks(state)),
    recent(state.recent),
  ].filter(Boolean);
}

const tile = (name, value, below, alarming) =>
  h("div", { class: alarming ? "tile alarming" : "tile" }, h("dt", {}, name), h("dd", {}, h("span", { class: "value" }, value), h("span", { class: "hint" }, below)));

function templates(list) {
  const items = list.map((t) =>
    h("li", {}, h("code", {}, t.name), ` ${t.source}`, t.default ? h("strong", { class: "tag" }, "default") : null,
      t.aliases?.length ? h("span", { class: "hint" }, ` also as ${t.aliases.join(", ")}`) : null,
      t.quarantined ? h("p", { class: "fault" }, "kept out: ", t.quarantined) : null));
  return h("div", {}, h("h3", {}, "Templates"), items.length > 0 ? h("ul", { class: "plain" }, items) : h("p", { class: "hint" }, "None."));
}

function webhooks({ webhooks: list, webhooksError }) {
  const items = list.map((w) =>
    h("li", { class: w.ours ? "ours" : null }, h("code", {}, `${w.configuration}/${w.name}`), w.ours ? h("strong", { class: "tag" }, "Outrigger") : null,
      h("span", { class: "hint" }, ` ${w.failurePolicy}, reinvoked ${w.reinvocationPolicy === "IfNeeded" ? "if needed" : "never"}`)));
  return h("div", {}, h("h3", {}, "Mutating webhooks, in the order of their calls"),
    webhooksError ? h("p", { class: "problem" }, webhooksError) : null,
    items.length > 0 ? h("ol", { class: "webhooks" }, items) : null);
}

function recent(list) {
  const heads = ["When", "Namespace", "Owner", "Verdict", "Reason"];
  const rows = list.map((r) =>
    h("tr", {}, h("td", {}, h("time", { datetime: r.time }, age(r.time).replace(/ old$/, " ago"))), h("td", {}, r.namespace), h("td", {}, r.owner),
      h("td", {}, `${verdicts[r.verdict]?.word ?? r.verdict}${r.dryRun ? " (dry run)" : ""}`), h("td", {}, h("code", {}, r.reason))));
  return h("div", {}, h("h3", {}, "Recent decisions"),
    rows.length === 0 ? h("p", { class: "hint" }, "None since the server started.")
      : h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Recent decisions" },
          h("table", { class: "recent" }, h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows))));
}
