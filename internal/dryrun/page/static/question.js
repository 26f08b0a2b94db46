// From what a person filled in to a Question, and back. No element is touched
// here: what the form holds comes in as plain text.

// The fields of a question that stand for something of the server's.
export const settings = ["revision", "nativeSidecars", "kubernetesVersion", "path"];

// questionOf is the Question that the filled-in form asks. Problems with what was
// typed are thrown as an Error for people.
export function questionOf(form) {
  const question = { apiVersion: "dryrun.outrigger.dev/v1", kind: "Question", manifest: form.manifest };
  const namespace = {};
  if (form.namespace) namespace.name = form.namespace;
  if (form.known === "given") {
    // Both are there, even empty: that is what says "do not look it up".
    namespace.labels = pairs(form.labels, "label");
    namespace.annotations = pairs(form.annotations, "annotation");
  }
  if (Object.keys(namespace).length > 0) question.namespace = namespace;
  for (const name of settings) {
    if (form[name]) question[name] = form[name];
  }
  return question;
}

// pairs reads one key=value a line. "key: value" is taken as well: that is how
// they look where they are copied from.
export function pairs(text, what) {
  const found = {};
  for (const [i, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const parts = /^([^=:\s]+?)\s*(?:=|:(?:\s+|$))\s*(.*)$/.exec(trimmed);
    if (!parts) throw new Error(`${what} on line ${i + 1}, “${trimmed}”: want key=value`);
    found[parts[1]] = parts[2].replace(/^(["'])(.*)\1$/, "$2");
  }
  return found;
}

// unpaired is the text that pairs reads.
export function unpaired(map) {
  return Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`).join("\n");
}

// example is a workload without anything that asks for a sidecar, and with what
// injection has to take care of: a probe, a port, an init container.
export const example = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      initContainers:
      - name: migrate
        image: example.com/web:1.4
        args: [migrate]
      containers:
      - name: web
        image: example.com/web:1.4
        ports:
        - containerPort: 8080
        readinessProbe:
          httpGet: {path: /ready, port: 8080}
`;
