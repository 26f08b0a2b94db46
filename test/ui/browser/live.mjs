// The state of the server: what it decides by, whom the API server calls in which
// order, and what was decided last, about whom.

import { assert, journey } from "./browser.mjs";

await journey(async (page) => {
  const server = page.getByRole("region", { name: "This server" });
  await server.locator(".tiles").waitFor();
  const said = await server.innerText();
  assert.match(said, /Configuration\s+[0-9a-f]{12}\s+\d+ (second|minute)s? old, from /);
  assert.match(said, /Certificate\s+\d+ days\s+until \d{4}-/);
  assert.match(said, /sidecar built-in\s*default/);
  assert.match(await page.locator("#state-line").innerText(), /configuration [0-9a-f]{12}, .* old; certificate for \d+ days more/);

  const webhooks = await server.locator(".webhooks li").allInnerTexts();
  assert.ok(webhooks.length >= 4, `webhooks: ${webhooks}`);
  assert.match(webhooks[0], /^outrigger-injector\/[a-z-]+\.injector\.outrigger\.dev\s*Outrigger\s*Fail, reinvoked/);

  const decided = server.locator(".recent tbody tr");
  assert.match(await decided.first().innerText(), /ago\s+enabled\s+Pod\s+Injected\s+policy/);
  assert.doesNotMatch(said, /secret-name/, "a pod's name is not told");

  await page.getByRole("link", { name: /configuration/ }).click();
  assert.ok(await server.evaluate((e) => e === document.activeElement || e.contains(document.activeElement) || location.hash === "#server"));
});
