// What every journey begins with: a browser, and a page that is watched. A journey
// fails if the page logs an error, throws, or asks anybody but its own server.
//
// The environment says: PAGE, where the page is; MODULES, the folder with npm's
// packages; CHROMIUM, the browser; SHOTS, the folder for screenshots.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

export { assert };

const { PAGE, MODULES, CHROMIUM } = process.env;
export const address = PAGE;
const modules = createRequire(MODULES + "/");
const { chromium } = modules("playwright-core");
export const axeSource = modules("axe-core").source;

// How long to wait for what should come. Long, for a machine that is busy.
const patience = 60_000;

// journey opens the page and has steps walk through it. expected are patterns of
// errors that the journey provokes and the browser logs.
export const journey = (steps, expected) => journeys([{}], steps, expected);

// journeys is the same once for each of several screens, in one browser: options of
// its contexts.
export async function journeys(screens, steps, expected = []) {
  // Chromium's own sandbox does not work for root, and all that it opens is ours.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"], timeout: patience });
  try {
    for (const screen of screens) await walk(await browser.newContext({ ...ordinary, ...screen }), steps, expected);
  } finally {
    await browser.close();
  }
}

const ordinary = { viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] };

async function walk(context, steps, expected) {
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const wrong = watch(page);
  await page.goto(PAGE);
  await steps(page);
  const unexpected = wrong.filter((text) => !expected.some((pattern) => pattern.test(text)));
  assert.deepEqual(unexpected, [], "the page logs no errors and asks nobody else");
  await context.close();
}

function watch(page) {
  const wrong = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(PAGE).origin) wrong.push(`asked ${request.url()}`);
  });
  return wrong;
}

// paste puts a text into the field that has the focus, as a person does.
export async function paste(page, text) {
  await page.evaluate((t) => navigator.clipboard.writeText(t), text);
  await page.keyboard.press("Control+V");
}

// clipboard is what a button has copied.
export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

// answered waits for the answer with a verdict, by its word, to what is asked now.
export const answered = (page, word) =>
  page.locator("#answer:not(.stale) .verdict .word", { hasText: new RegExp(`^\\S ${word}$`) }).waitFor();

// explain asks, once the form is filled in.
export const explain = (page) => page.getByRole("button", { name: "Explain" }).click();

// pod is a manifest, with what is given in it.
export const pod = ({ name = "web", labels = "{app: web}", spec = "" } = {}) => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: ${labels}
spec:
${spec}  containers:
  - name: web
    image: example.com/web:1.4
    ports:
    - containerPort: 8080
    readinessProbe:
      httpGet: {path: /ready, port: 8080}
`;
