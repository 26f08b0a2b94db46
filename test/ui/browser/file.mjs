// A manifest comes as a file, chosen or dropped. The commands name the file then,
// until the text is changed.

import { answered, assert, explain, journey, pod } from "./browser.mjs";

const several = `${pod({ name: "one" })}---\n${pod({ name: "two", labels: '{sidecar.istio.io/inject: "false"}' })}---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {}
`;

async function drop(page, files) {
  await page.evaluate((all) => {
    const data = new DataTransfer();
    for (const { name, text } of all) data.items.add(new File([text], name));
    const event = (type) => new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event("dragover"));
    document.body.dispatchEvent(event("drop"));
  }, files);
}

await journey(async (page) => {
  const manifest = page.getByRole("textbox", { name: "Manifest" });
  await page.locator("#file").setInputFiles({ name: "my pod.yaml", mimeType: "text/plain", buffer: Buffer.from(pod()) });
  await page.getByText("From my pod.yaml.").waitFor();
  assert.equal(await manifest.inputValue(), pod());

  await drop(page, [{ name: "all.yaml", text: several }]);
  await page.getByText("From all.yaml.").waitFor();
  await page.getByLabel("Namespace", { exact: true }).fill("enabled");
  await explain(page);
  await answered(page, "Injected");
  const pods = page.getByRole("navigation", { name: "Pods of the manifest" });
  assert.match(await pods.innerText(), /2 pods: 1 injected, 1 not injected/);
  assert.match(await page.getByText("curl -H").innerText(), /--data-binary @all\.yaml/);
  assert.match(await page.locator(".notes", { hasText: "left alone" }).innerText(), /Service (enabled\/)?web/);

  await pods.getByRole("button", { name: /two/ }).click();
  await answered(page, "Not injected");
  assert.match(await page.locator(".verdict .reason").innerText(), /pod-label/);
  assert.equal(await pods.locator("[aria-current]").innerText().then((t) => /two/.test(t)), true);

  await manifest.press("End");
  await manifest.press("Enter");
  await explain(page);
  await page.getByText("<<'EOF'").first().waitFor();
  assert.equal(await page.getByText("From all.yaml.").count(), 0, "it is no longer what the file has");

  await drop(page, [{ name: "a", text: "" }, { name: "b", text: "" }]);
  await page.getByRole("alert").getByText("One file at a time").waitFor();
});
