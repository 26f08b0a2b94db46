// Making elements. Text always becomes a text node: what is shown comes from
// manifests, and none of it may become HTML.

const svg = "http://www.w3.org/2000/svg";

// h makes an HTML element. Attributes that are false, null or undefined are left
// out, true ones are there without a value, and functions are event listeners.
// Children may be nodes, text, lists of these, or nothing.
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// s makes an SVG element, in the same way.
export function s(name, attributes, ...children) {
  return fill(document.createElementNS(svg, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

// byId is for the elements that index.html has.
export const byId = (id) => document.getElementById(id);

// counted is "1 pod", "2 pods".
export const counted = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;

// copyable is text that a button copies, under a caption. label names it for those
// who do not see where it stands; look is a class more for the text. The button says
// what came of it.
export function copyable(text, { label, caption = "", look = "" }) {
  const pre = h("pre", { class: `code ${look}`, tabindex: 0, role: "region", "aria-label": label }, text);
  const button = h("button", { type: "button", class: "quiet copy", "aria-label": `Copy: ${label}`, click: copy }, "Copy");
  const said = h("span", { role: "status", class: "copied" });
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied";
    } catch {
      // Browsers give the clipboard to https and to this machine only.
      getSelection().selectAllChildren(pre);
      said.textContent = "Selected: copy it with Ctrl+C";
    }
    setTimeout(() => (said.textContent = ""), 3000);
  }
  return h("div", { class: "copyable" }, h("div", { class: "copy-row" }, h("span", { class: "hint" }, caption), said, button), pre);
}
