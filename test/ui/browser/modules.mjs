// The page's modules that touch no element, tried in the browser that runs them.

import { assert, journey } from "./browser.mjs";

await journey(async (page) => {
  const call = (module, name, ...args) =>
    page.evaluate(async ([m, n, a]) => (await import(`/page/${m}.js`))[n](...a), [module, name, args]);

  // Rows: what is the same stands on one row, and each side reads as YAML.
  const rows = await call(
    "rows", "rowsOf",
    { kind: "Pod", spec: { containers: [{ name: "web", args: ["a"], image: "one" }] } },
    { kind: "Pod", spec: { containers: [{ name: "proxy" }, { name: "web", args: ["a"], image: "two", env: [{ name: "x", value: "1\n2\n" }] }] } },
  );
  assert.deepEqual(rows.map((r) => `${r.change} ${r.pointer}|${r.left ?? ""}|${r.right ?? ""}`), [
    "same /kind|kind: Pod|kind: Pod",
    "same /spec|spec:|spec:",
    "same /spec/containers|  containers:|  containers:",
    "add /spec/containers/0/name||  - name: proxy",
    "same /spec/containers/1/name|  - name: web|  - name: web",
    "replace /spec/containers/1/image|    image: one|    image: two",
    "same /spec/containers/1/args|    args:|    args:",
    "same /spec/containers/1/args/0|    - a|    - a",
    "add /spec/containers/1/env||    env:",
    "add /spec/containers/1/env/0/name||    - name: x",
    "add /spec/containers/1/env/0/value||      value: |",
    "add /spec/containers/1/env/0/value||        1",
    "add /spec/containers/1/env/0/value||        2",
  ]);
  const removed = await call("rows", "rowsOf", { a: { b: 1 }, c: [] }, { a: 2, c: [] });
  assert.deepEqual(removed.map((r) => `${r.change}|${r.left ?? ""}|${r.right ?? ""}`), ["remove|a:|", "remove|  b: 1|", "add||a: 2", "same|c: []|c: []"]);

  // Scalars: what YAML would take for something else has quotes.
  for (const [value, want] of [
    ["plain", "plain"], ["true", '"true"'], ["no", '"no"'], ["1e3", '"1e3"'], ["-", '"-"'], ["a: b", '"a: b"'], ["a #b", '"a #b"'],
    ["", '""'], [" a", '" a"'], ['{"a": 1}', `'{"a": 1}'`], ["it's", "it's"], ["\u0000", '"\\u0000"'], [null, "null"], [0, "0"], [{}, "{}"],
    ["*a", '"*a"'], ["http://a:80/b", "http://a:80/b"], ["a:", '"a:"'],
  ]) assert.equal(await call("yaml", "scalar", value), want, JSON.stringify(value));

  // Pairs: as typed, or as copied from a manifest.
  assert.deepEqual(await call("question", "pairs", 'a/b=c\n\n# no\nd: "e"\nf=\n', "label"), { "a/b": "c", d: "e", f: "" });
  await assert.rejects(call("question", "pairs", "a=b\nc", "label"), /label on line 2, “c”: want key=value/);

  // The order of start: an init container ends, a sidecar runs on, containers start together.
  const { steps, places } = await call("order", "plan", [
    { name: "init", kind: "init" }, { name: "proxy", kind: "sidecar" }, { name: "a", kind: "container", holds: true }, { name: "b", kind: "container" }, { name: "c", kind: "container" },
  ]);
  assert.equal(steps, 4);
  assert.deepEqual(places.map((p) => [p.name, p.from, p.to]), [["init", 0, 1], ["proxy", 1, 4], ["a", 2, 4], ["b", 3, 4], ["c", 3, 4]]);

  // Commands: nothing that is in a manifest or a name gets out of its quotes.
  const hostile = { manifest: "a: '$(id)'\nEOF\n", namespace: { name: "shop", labels: { "a/b": "it's $HOME & more" } } };
  assert.equal(
    await call("commands", "curl", hostile, "http://localhost:1/dryrun", ""),
    "curl -H 'Accept: text/plain' --data-binary @- 'http://localhost:1/dryrun?namespace=shop&label=a%2Fb%3Dit'\\''s%20%24HOME%20%26%20more' <<'EOF_'\na: '$(id)'\nEOF\nEOF_",
  );
  assert.equal(await call("commands", "cli", { manifest: "", revision: "canary", kubernetesVersion: "1.33" }, "it's.yaml"),
    "outrigger explain --revision canary --kubernetes-version 1.33 -f 'it'\\''s.yaml'");
  const annotated = { manifest: "x", namespace: { name: "shop", labels: { a: "b" }, annotations: { c: "d" } } };
  assert.equal(await call("commands", "cli", annotated, "pod.yaml"),
    `outrigger explain --namespace shop -f - <<'EOF'\n{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"a":"b"},"annotations":{"c":"d"}}}\n---\nx\nEOF`);
  assert.match(await call("commands", "curl", { manifest: "x", namespace: { labels: {}, annotations: {} } }, "http://localhost:1/dryrun", ""), /@- http:\/\/localhost:1\/dryrun <<'EOF'\n\{"manifest":"x"/);

  assert.equal(await call("live", "age", "2026-01-01T00:00:00Z", Date.parse("2026-01-03T01:00:00Z")), "2 days old");
  assert.equal(await call("live", "age", "2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:01Z")), "1 second old");
});
