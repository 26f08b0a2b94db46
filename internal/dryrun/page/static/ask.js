// Asking the server. It is the one that the page came from: the page may be
// behind a port-forward or a proxy with a prefix, so addresses are relative.

// A Problem is an answer that says what is wrong with the question. Line and column
// count from 1 in the manifest; undefined where what is wrong is not there.
export class Problem extends Error {
  constructor(message, { line, column } = {}) {
    super(message);
    Object.assign(this, { line, column });
  }
}

// endpoint is the absolute address of a path of this server.
export const endpoint = (path) => new URL(path, document.baseURI).href;

// ask puts a Question and returns the Answer. It throws a Problem, or an
// AbortError when the signal says that nobody waits any more.
export async function ask(question, signal) {
  const response = await send("dryrun", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(question),
    signal,
  });
  return response.json();
}

// live is the state of the server.
export async function live() {
  return (await send("live", { headers: { Accept: "application/json" } })).json();
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(endpoint(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer. Is it running, or has a port-forward ended?");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

// problemOf reads what a refusal says: a list of errors as JSON, or text where it is
// not the dry run that answers.
async function problemOf(response) {
  const text = (await response.text()).trim();
  try {
    const { errors } = JSON.parse(text);
    const where = (e) => (e.line ? `Line ${e.line}, column ${e.column}: ${e.message}` : e.message);
    return new Problem(errors.map(where).join("\n"), errors.find((e) => e.line));
  } catch {
    return new Problem(text || `The server answered ${response.status} ${response.statusText}`);
  }
}
