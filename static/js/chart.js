// Pointing at a chart, or walking along it with the arrows, shows the nearest mark's name and figure.
export function mount(figure) {
  const stage = figure.querySelector(".chart__stage");
  const plot = stage.querySelector(".plot");
  const hits = [...plot.querySelectorAll(".plot__hit")];
  if (hits.length === 0) return;
  const withoutTitles = () => {
    for (const hit of hits) hit.querySelector("title")?.remove(); // the browser would show them beside ours
  };
  stage.addEventListener("pointerenter", withoutTitles, { once: true });
  const points = hits.map(({ dataset }) => ({ x: Number(dataset.x), label: dataset.label, text: dataset.text }));

  const reader = readout(stage, points);
  stage.addEventListener("pointermove", (event) => reader.point(event.clientX));
  stage.addEventListener("pointerleave", reader.hide);
  if (plot.getAttribute("role") === "img") walkable(plot, reader);
  if (figure.dataset.values) import("./chart-zoom.js").then((zoom) => zoom.mount(figure, reader));
}

// What stands at one place of the chart, and the place itself; `points` may be exchanged for those of a part.
function readout(stage, points) {
  const cursor = part("chart__cursor");
  const tip = part("chart__tip");
  const label = tip.appendChild(part("chart__tip-label", "span"));
  const value = tip.appendChild(part("chart__tip-value", "span"));
  tip.setAttribute("role", "status");
  const reader = { points, at: -1, show, hide, point };
  return reader;

  function show(index) {
    reader.at = Math.max(0, Math.min(reader.points.length - 1, index));
    const { x, label: name, text } = reader.points[reader.at];
    label.textContent = name;
    value.textContent = text.replaceAll(" · ", "\n");
    if (!tip.isConnected) stage.append(cursor, tip);
    cursor.style.insetInlineStart = `${x}%`;
    const room = stage.clientWidth - tip.offsetWidth;
    const place = (x / 100) * stage.clientWidth + 12;
    tip.style.insetInlineStart = `${place > room ? Math.max(0, place - tip.offsetWidth - 24) : place}px`;
  }

  function hide() {
    reader.at = -1;
    cursor.remove();
    tip.remove();
  }

  function point(clientX) {
    const box = stage.getBoundingClientRect();
    const share = ((clientX - box.left) / box.width) * 100;
    const distances = reader.points.map(({ x }) => Math.abs(x - share));
    show(distances.indexOf(Math.min(...distances)));
  }
}

export function part(name, tag = "div") {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function walkable(plot, reader) {
  plot.setAttribute("tabindex", "0");
  plot.addEventListener("focus", () => reader.show(reader.points.length - 1));
  plot.addEventListener("blur", reader.hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    reader.show(reader.at + step);
  });
}
