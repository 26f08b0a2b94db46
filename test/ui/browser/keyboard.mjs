// The same without a mouse: every control is reached by Tab, shows that it has the
// focus, and works.

import { answered, assert, journey, paste, pod } from "./browser.mjs";

// focused is what the keyboard is at: its id, or else its text.
const focused = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    return e.id || e.textContent.trim();
  });

// tabTo presses Tab until a control has the focus, and looks that it can be seen.
async function tabTo(page, name, key = "Tab") {
  const passed = [];
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press(key);
    const at = await focused(page);
    if (at === name) {
      const outline = await page.evaluate(() => {
        const e = document.activeElement;
        const shown = e.type === "file" ? e.closest("label") : e;
        return getComputedStyle(shown).outlineStyle;
      });
      assert.notEqual(outline, "none", `${name} shows that it has the focus`);
      return;
    }
    passed.push(at);
  }
  assert.fail(`${name} is not reached by ${key}, only ${passed.join(", ")}`);
}

await journey(async (page) => {
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the question");
  await page.keyboard.press("Enter");
  for (const control of ["example", "file"]) await tabTo(page, control);
  await tabTo(page, "manifest");
  await paste(page, pod({ spec: "  hostNetwork: true\n" }));
  await tabTo(page, "namespace");
  await page.keyboard.type("shop");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown"); // the next choice: what if
  await tabTo(page, "labels");
  await page.keyboard.type("istio-injection=enabled");
  await tabTo(page, "ask");
  await page.keyboard.press("Enter");

  await answered(page, "Not injected");
  assert.match(await page.locator(".verdict .reason").innerText(), /host-network/);
  // The first entry of the trace opens and closes.
  await page.locator(".step summary").first().focus();
  const open = () => page.locator(".step details").first().evaluate((d) => d.open);
  const before = await open();
  await page.keyboard.press("Enter");
  assert.equal(await open(), !before);
  await tabTo(page, "Copy");
  await tabTo(page, "refresh");
});
