// How it looks: screenshots at both widths and in both schemes, which somebody is to
// look at; and at each, what can be measured: nothing is wider than the screen, and
// axe finds no serious fault.

import { join } from "node:path";
import { answered, assert, axeSource, explain, journeys } from "./browser.mjs";

const [name] = process.argv.slice(2);
const { SHOTS, MANIFEST, NAMESPACE, WORD } = process.env;

const screens = [1280, 400].flatMap((width) => ["light", "dark"].map((colorScheme) => ({
  viewport: { width, height: width === 400 ? 800 : 900 }, colorScheme, reducedMotion: "reduce",
})));

await journeys(screens, async (page) => {
  await page.locator("#live > *").first().waitFor();
  if (MANIFEST === undefined) return look(page, "start");
  await page.getByRole("textbox", { name: "Manifest" }).fill(MANIFEST);
  await page.getByLabel("Namespace", { exact: true }).fill(NAMESPACE);
  await explain(page);
  await answered(page, WORD);
  await page.locator("#answer .step details").evaluateAll((all) => all.forEach((d) => (d.open = true)));
  await look(page, "answer");
});

// look takes the picture, and measures.
async function look(page, what) {
  const { width } = page.viewportSize();
  const scheme = await page.evaluate(() => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${what}: ${wide} pixels wide on a screen of ${width}`);
  await page.screenshot({ path: join(SHOTS, `${name}-${what}-${width}-${scheme}.png`), fullPage: true });
  await audit(page, `${name} ${what} ${width} ${scheme}`);
}

async function audit(page, where) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const told = found.violations.map((v) => `${v.impact} ${v.id}: ${v.help}\n    ${v.nodes.slice(0, 5).map((n) => n.html).join("\n    ")}`);
  assert.deepEqual(told, [], `axe, ${where}:\n${told.join("\n")}`);
  assert.ok(found.passes.length > 20, "axe has looked");
}
