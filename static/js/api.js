// Calls to our own API: the page's CSRF token goes along, and whatever goes wrong is one kind of error.
export class ApiFailure extends Error {
  constructor({ code, message = "", requestId = null, status = 0, retryAfterMs = 0, details = {} }) {
    super(message);
    Object.assign(this, { code, requestId, status, retryAfterMs, details });
  }

  // it may be better in a moment, and asking again changes nothing
  get isPassing() {
    return this.code === "offline" || this.code === "in_progress" || [429, 503, 504].includes(this.status);
  }
}

// The answer's JSON, or null where there is none; throws ApiFailure.
export async function call(url, { method = "GET", body, keepalive = false } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, keepalive, body: body === undefined ? null : JSON.stringify(body) });
  } catch {
    throw new ApiFailure({ code: "offline" });
  }
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok) throw failureOf(response, answer);
  return answer;
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function failureOf(response, answer) {
  const { code, message, request_id: requestId, ...details } = answer?.error ?? {};
  return new ApiFailure({
    code: code ?? "refused",
    message,
    requestId: details.plaid_request_id ?? requestId ?? response.headers.get("X-Request-ID"),
    status: response.status,
    retryAfterMs: Number(response.headers.get("Retry-After") ?? 0) * 1000,
    details,
  });
}
