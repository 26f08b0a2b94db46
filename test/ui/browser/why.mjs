// Somebody pastes a manifest, reads why it is skipped, changes the namespace's label,
// and sees it injected, with the difference. The copied commands give the same answer.

import { execFileSync } from "node:child_process";
import { answered, assert, clipboard, explain, journey, paste, pod } from "./browser.mjs";

await journey(async (page) => {
  await page.getByRole("textbox", { name: "Manifest" }).click();
  await paste(page, pod());
  await page.getByLabel("Namespace", { exact: true }).fill("shop");
  await explain(page);

  await answered(page, "Not injected");
  assert.match(await page.locator(".verdict .sentence").innerText(), /Namespace "shop" is not labelled istio-injection=enabled/);
  assert.match(await page.locator(".verdict .reason").innerText(), /namespace-not-enabled.*does not call/s);
  const deciding = page.locator(".step.deciding");
  assert.equal(await deciding.count(), 1, "one step decides");
  assert.equal(await deciding.getAttribute("aria-current"), "true");
  assert.match(await deciding.innerText(), /does not call.*injector\.outrigger\.dev/s);
  assert.match(await deciding.locator(".conditions").innerText(), /does not hold[\s\S]*Selector/);
  assert.match(await page.locator(".stage").nth(1).innerText(), /It is not asked/);
  assert.equal(await page.locator(".order").count(), 1, "one picture: nothing changes");

  await page.getByRole("button", { name: "What if its labels were others?" }).click();
  const labels = page.getByLabel("Labels", { exact: true });
  assert.match(await labels.inputValue(), /kubernetes.io\/metadata.name=shop/, "the labels that it has are filled in");
  assert.ok(await labels.evaluate((e) => e === document.activeElement), "and are where the keyboard is");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\nistio-injection=enabled");
  assert.match(await page.locator("#status").innerText(), /question has changed/);
  await page.keyboard.press("Control+Enter");

  await answered(page, "Injected");
  assert.match(await page.locator("#status").textContent(), /^Injected: /, "and is read aloud");
  assert.match(await page.locator(".facts").innerText(), /shop, as the question describes it/);
  assert.match(await page.locator(".step.deciding").innerText(), /injects.*decides/s);

  const rows = page.locator(".compare tr.add");
  assert.ok((await rows.count()) > 50, "the sidecar is a good many lines");
  assert.match(await page.locator(".compare tr", { hasText: "name: istio-proxy" }).first().getAttribute("class"), /add/);
  assert.match(await page.locator(".legend").innerText(), /template sidecar \d+ lines/);
  const probe = page.locator(".compare tr.replace", { hasText: "15020" }).first();
  assert.match(await probe.locator(".before").innerText(), /8080/, "what was there stands beside it");
  assert.match(await page.locator(".compare tr.replace .by", { hasText: "probes" }).first().innerText(), /changed by probes/);
  await page.getByLabel("Only what changes").check();
  assert.equal(await page.locator(".compare tr.same:visible").count(), 0);

  const pictures = page.locator(".order");
  assert.equal(await pictures.count(), 2);
  assert.match(await pictures.nth(1).locator("p").innerText(), /istio-proxy \(injected\) starts and runs on.*then web starts\./);
  assert.equal(await pictures.nth(1).locator(".bar.injected").count(), 2);

  const curl = await copied(page, "curl command");
  const said = execFileSync("sh", ["-c", curl.replace(/^curl/, "curl -sS")], { encoding: "utf8" });
  assert.match(said, /Pod shop\/web: INJECT/, "the copied command gives the same answer");
  assert.match(await copied(page, "outrigger command"), /^outrigger explain --namespace shop .*--label istio-injection=enabled -f - <<'EOF'\n/);
  const patch = JSON.parse(await copied(page, "JSON Patch"));
  assert.ok(patch.some(({ op, path }) => op === "add" && path.startsWith("/spec/initContainers")));
});

async function copied(page, label) {
  await page.getByRole("button", { name: `Copy: ${label}` }).click();
  await page.locator(".copied", { hasText: "Copied" }).first().waitFor();
  return clipboard(page);
}
