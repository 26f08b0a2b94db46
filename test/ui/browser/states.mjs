// Answers that a well-kept cluster hardly gives: a refusal, a fault, checks that fail,
// text from somebody who means harm. The server of this journey gives them by the
// name of the pod that is asked about.

import { answered, assert, explain, journey } from "./browser.mjs";

await journey(async (page) => {
  const ask = async (name, word) => {
    await page.getByRole("textbox", { name: "Manifest" }).fill(name);
    await explain(page);
    await answered(page, word);
  };
  await ask("deny", "Refused");
  assert.match(await page.locator(".verdict .sentence").innerText(), /Template "nope" is not there/);
  await ask("fault", "Outrigger fails");
  assert.match(await page.locator(".verdict .fault").innerText(), /does not render/);

  await ask("checks", "Injected");
  assert.match(await page.locator(".check.refuse").innerText(), /Pod Security enforce: baseline would refuse the pod, which without the injection it would not[\s\S]*NET_ADMIN/);
  assert.match(await page.locator(".notes", { hasText: "Warnings that kubectl prints" }).innerText(), /dnsPolicy/);
  await page.getByText("1 other webhook would be called about this pod too").click();
  assert.match(await page.locator(".others").innerText(), /policies\/mutate\.example\.com\s*number 5 of all webhooks, failurePolicy Ignore/);
  assert.match(await page.locator("#answer").innerText(), /Otherwise than this server has it: revision/);
  assert.match(await page.locator(".compare tr.remove").innerText(), /removed by retired/);

  await ask("hostile", "Not injected");
  assert.equal(await page.locator("#answer img, #answer script, #answer b").count(), 0, "text stays text");
  assert.match(await page.locator(".verdict .sentence").innerText(), /<img src=x onerror=alert\(1\)>/);

  await page.getByRole("textbox", { name: "Manifest" }).fill("none");
  await explain(page);
  await page.getByText("There is no pod in this manifest.").waitFor();

  const server = page.getByRole("region", { name: "This server" });
  assert.match(await server.innerText(), /newest configuration is refused[\s\S]*line 3/);
  assert.match(await server.locator(".tile.alarming").innerText(), /1 day/);
  assert.match(await server.innerText(), /kept out: nil data/);
  assert.match(await server.innerText(), /cannot be listed/);
});
