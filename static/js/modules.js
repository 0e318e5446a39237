// Which module stands behind data-module="name"; each is fetched when the first element asks for it.
const MODULES = {
  back: () => import("./back.js"),
  "busy-form": () => import("./busy-form.js"),
  chart: () => import("./chart.js"),
  connect: () => import("./connect.js"),
  copy: () => import("./copy.js"),
  dialog: () => import("./dialog.js"),
  "category-picker": () => import("./category-picker.js"),
  focus: () => import("./focus.js"),
  "in-place": () => import("./in-place.js"),
  live: () => import("./live.js"),
  menu: () => import("./menu.js"),
  news: () => import("./news.js"),
  "open-dialog": () => import("./open-dialog.js"),
  "out-of-touch": () => import("./out-of-touch.js"),
  packed: () => import("./packed.js"),
  passkey: () => import("./passkey.js"),
  "relative-time": () => import("./relative-time.js"),
  reveal: () => import("./reveal.js"),
  theme: () => import("./theme.js"),
  "time-zone": () => import("./time-zone.js"),
  toast: () => import("./toast.js"),
  "tx-drawer": () => import("./tx-drawer.js"),
  "tx-endless": () => import("./tx-endless.js"),
  "tx-keys": () => import("./tx-keys.js"),
  "tx-picks": () => import("./tx-picks.js"),
  "tx-search": () => import("./tx-search.js"),
};

const mounted = new WeakSet();

// Mounts everything below root that is not mounted yet; safe to call again after a swap.
export async function mountAll(root) {
  const elements = [...root.querySelectorAll("[data-module]")].filter((element) => !mounted.has(element));
  for (const element of elements) mounted.add(element);
  await Promise.all(elements.map(mountOne));
}

async function mountOne(element) {
  const load = MODULES[element.dataset.module];
  if (!load) throw new Error(`no module named ${element.dataset.module}`);
  const { mount } = await load();
  mount(element);
}
