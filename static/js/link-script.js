// Link's own script, loaded when it is first needed, from the address that Plaid wants it loaded from.
const DEADLINE_MS = 10000;
const loading = new Map();

export class LinkBlocked extends Error {
  code = "blocked";
  requestId = null;
}

// window.Plaid, after one retry at the most; throws LinkBlocked, after which the next call tries anew.
export function loadLink(url) {
  if (window.Plaid) return Promise.resolve(window.Plaid);
  if (!loading.has(url)) {
    // browsers join a second request to one that hangs, unless its address differs
    const attempt = load(url).catch(() => load(`${url}?again`));
    loading.set(url, attempt);
    attempt.catch(() => loading.delete(url));
  }
  return loading.get(url);
}

function load(url) {
  const script = document.createElement("script");
  return new Promise((resolve, reject) => {
    const fail = () => {
      script.remove();
      reject(new LinkBlocked());
    };
    const timer = setTimeout(fail, DEADLINE_MS);
    const settle = () => {
      clearTimeout(timer);
      // a blocker may answer with an empty script
      if (window.Plaid) resolve(window.Plaid);
      else fail();
    };
    script.addEventListener("load", settle);
    script.addEventListener("error", settle);
    script.src = url;
    document.head.append(script);
  });
}
