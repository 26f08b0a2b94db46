// The order in which a pod's containers start, drawn: time goes to the right, a
// row a container. What runs to its end is a closed bar; what runs on is open to
// the right. Places are percentages, so that the picture takes any width while
// its text keeps its size.

import { h, s } from "./dom.js";

const [rowHeight, barHeight, top] = [30, 24, 6];

// plan gives each container its place: from when on it runs, and until when, in steps.
export function plan(containers) {
  let step = 0;
  const places = containers.map((c) => {
    const place = { ...c, from: step, to: null };
    if (c.kind === "init") place.to = step + 1;
    // Containers start one right after the other, unless one is held for.
    if (c.kind !== "container" || c.holds) step++;
    return place;
  });
  const steps = Math.max(step, ...places.map((p) => p.from)) + 1;
  return { steps, places: places.map((p) => ({ ...p, to: p.to ?? steps })) };
}

// words says the same as the picture.
export function words(containers) {
  if (containers.length === 0) return "The pod has no containers.";
  const last = containers.findLastIndex((c) => c.kind !== "container");
  return containers
    .map((c, i) => {
      const whose = c.injected ? `${c.name} (injected)` : c.name;
      if (c.kind === "init") return `${whose} runs to its end`;
      const waits = c.holds && i < containers.length - 1 ? ", and what follows waits until it has started" : "";
      if (c.kind === "sidecar") return `${whose} starts and runs on${waits}`;
      return `${whose} starts${i > last + 1 && !containers[i - 1].holds ? " beside it" : ""}${waits}`;
    })
    .join("; then ") + ".";
}

// order is both pictures, or one where nothing changes.
export function order({ before, after }) {
  if (JSON.stringify(before) === JSON.stringify(after)) return picture("Before and after", after);
  return [picture("Before", before), picture("After", after)];
}

function picture(title, containers) {
  const { steps, places } = plan(containers);
  const height = top * 2 + rowHeight * Math.max(places.length, 1);
  const said = words(containers);
  return h(
    "figure",
    { class: "order" },
    h("figcaption", {}, title),
    s(
      "svg",
      { role: "img", "aria-label": `Order of start, ${title.toLowerCase()}`, width: "100%", height, class: "order-picture" },
      ticks(steps, height),
      places.map((p, i) => bar(p, i, steps)),
    ),
    h("p", { class: "hint" }, said),
  );
}

const percent = (part, whole) => `${((part / whole) * 100).toFixed(3)}%`;

function ticks(steps, height) {
  return Array.from({ length: steps + 1 }, (_, i) =>
    s("line", { class: "tick", x1: percent(i, steps), x2: percent(i, steps), y1: 0, y2: height }));
}

function bar(place, row, steps) {
  const y = top + row * rowHeight;
  const x = percent(place.from, steps);
  const runsOn = place.kind !== "init";
  const name = { init: "init", sidecar: "native sidecar", container: "container" }[place.kind];
  // What starts late has its name before the bar, where there is room for it. A nested
  // svg is the place for the text, and clips it.
  const late = place.from * 2 > steps;
  return s(
    "g",
    { class: `bar ${place.kind}${place.injected ? " injected" : ""}` },
    s("title", {}, `${place.name}: ${name}${place.injected ? ", injected" : ""}`),
    s("rect", { x, y, width: percent(place.to - place.from, steps), height: barHeight, rx: runsOn ? 0 : 5 }),
    runsOn ? s("rect", { class: "start", x, y, width: 4, height: barHeight }) : null,
    s("svg", { x: late ? 0 : x, y, width: percent(late ? place.from : steps - place.from, steps), height: barHeight },
      s("text", { x: late ? "100%" : 12, dx: late ? -8 : 0, y: 16.5, "text-anchor": late ? "end" : "start" },
        place.name, s("tspan", { class: "kind", dx: 8 }, place.injected ? `${name}, injected` : name))),
  );
}
