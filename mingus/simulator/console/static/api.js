/* The control API. Every call gives the answer's JSON or throws an Error with the sentence to show. */

async function call(method, path, body) {
  const options = { method };
  if (method !== "GET") {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body ?? {});
  }
  const response = await fetch(`/control/${path}`, options).catch(() => null);
  if (response === null) throw new Error("The simulator does not answer.");
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error_message || `The simulator answered ${response.status}.`);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);
