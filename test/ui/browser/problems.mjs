// What is wrong with a question is said where it is looked for, with its place.

import { answered, assert, explain, journey, pod } from "./browser.mjs";

const selected = (page) =>
  page.locator("#manifest").evaluate((e) => e.value.slice(e.selectionStart, e.selectionEnd));

await journey(
  async (page) => {
    const alert = page.getByRole("alert");
    const manifest = page.getByRole("textbox", { name: "Manifest" });
    await explain(page);
    await alert.getByText("There is no manifest yet").waitFor();

    await manifest.fill(pod() + "  - name: [\n");
    await explain(page);
    await alert.getByText(/^Line \d+, column \d+: /).waitFor();
    assert.notEqual(await selected(page), "", "the line is marked");

    await manifest.fill(pod());
    await page.getByLabel("What if they were").check();
    await page.getByLabel("Labels", { exact: true }).fill("istio-injection");
    await explain(page);
    await alert.getByText("label on line 1, “istio-injection”: want key=value").waitFor();
    await page.getByLabel("Labels", { exact: true }).fill("-a=b");
    await explain(page);
    await alert.getByText(/^label "-a=b"/).waitFor();

    // A namespace without any label is a question too, not one to look up.
    await page.getByLabel("Labels", { exact: true }).fill("");
    await explain(page);
    await answered(page, "Not injected");
    assert.equal(await alert.count(), 0, "what was wrong is gone");

    await page.route("**/dryrun", (route) => route.abort());
    await explain(page);
    await alert.getByText("The server does not answer").waitFor();
  },
  [/status of 400|status of 422/, /ERR_FAILED/],
);
