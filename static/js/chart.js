// Pointing at a chart, or walking along it with the arrows, shows the nearest mark's name and figure.
export function mount(figure) {
  const stage = figure.querySelector(".chart__stage");
  const plot = stage.querySelector(".plot");
  const hits = [...plot.querySelectorAll(".plot__hit")];
  if (hits.length === 0) return;
  for (const hit of hits) hit.querySelector("title")?.remove();

  const cursor = part("chart__cursor");
  const tip = part("chart__tip");
  const label = tip.appendChild(part("chart__tip-label", "span"));
  const value = tip.appendChild(part("chart__tip-value", "span"));
  tip.setAttribute("role", "status");
  let at = -1;

  const show = (index) => {
    at = Math.max(0, Math.min(hits.length - 1, index));
    const { x, label: name, text } = hits[at].dataset;
    label.textContent = name;
    value.textContent = text.replaceAll(" · ", "\n");
    if (!tip.isConnected) stage.append(cursor, tip);
    cursor.style.insetInlineStart = `${x}%`;
    const room = stage.clientWidth - tip.offsetWidth;
    const place = (Number(x) / 100) * stage.clientWidth + 12;
    tip.style.insetInlineStart = `${place > room ? Math.max(0, place - tip.offsetWidth - 24) : place}px`;
  };
  const hide = () => {
    at = -1;
    cursor.remove();
    tip.remove();
  };

  stage.addEventListener("pointermove", (event) => show(nearest(hits, stage, event.clientX)));
  stage.addEventListener("pointerleave", hide);
  if (plot.getAttribute("role") === "img") walkable(plot, { show, hide, position: () => at, last: hits.length - 1 });
}

function part(name, tag = "div") {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function nearest(hits, stage, clientX) {
  const box = stage.getBoundingClientRect();
  const share = ((clientX - box.left) / box.width) * 100;
  const distances = hits.map((hit) => Math.abs(Number(hit.dataset.x) - share));
  return distances.indexOf(Math.min(...distances));
}

function walkable(plot, walk) {
  plot.setAttribute("tabindex", "0");
  plot.addEventListener("focus", () => walk.show(walk.last));
  plot.addEventListener("blur", walk.hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    walk.show(walk.position() + step);
  });
}
