// A long line is looked at in part: dragging chooses a part, then moves along it; two fingers, buttons and keys do too.
// All words are the server's: names and figures out of the table beside the chart.
import { part } from "./chart.js";
import { pinch } from "./chart-pinch.js";
import { unpack } from "./unpack.js";

const EDGES = ["chart__edge--high", "chart__edge--low", "chart__edge--from", "chart__edge--to"];
const LEAST = 6;
const MOST_POINTS = 400;
const ROOM = 0.08;
const LEAST_SHARE = 0.03;

export function mount(figure, reader) {
  const values = figure.dataset.values.split(" ").map(Number);
  const stage = figure.querySelector(".chart__stage");
  const plot = stage.querySelector(".plot");
  const bar = figure.querySelector(".chart__zoom");

  const last = values.length - 1;
  const line = plot.querySelector(".plot__line");
  const area = plot.querySelector(".plot__area");
  const whole = { line: line.getAttribute("d"), area: area?.getAttribute("d"), points: reader.points };
  const edges = EDGES.map((name) => part(`chart__edge ${name}`, "span"));
  const brush = part("chart__brush");
  const told = bar.querySelector("[data-zoom-range]");
  let [from, to] = [0, last];
  let dragged = null;
  let rows = null; // the table's, read when a part is looked at

  function look(start, end) {
    const width = Math.max(LEAST, Math.min(last, Math.round(end - start)));
    from = Math.max(0, Math.min(last - width, Math.round(start)));
    to = from + width;
    stage.classList.toggle("is-zoomed", isZoomed());
    isZoomed() ? drawPart() : drawWhole();
    for (const button of bar.querySelectorAll("button")) {
      button.disabled = button.dataset.zoom === "in" ? to - from <= LEAST : !isZoomed();
    }
    told.textContent = isZoomed() ? `${rows[from][0]} – ${rows[to][0]}` : "";
  }

  const isZoomed = () => from > 0 || to < last;

  function drawWhole() {
    line.setAttribute("d", whole.line);
    area?.setAttribute("d", whole.area);
    reader.points = whole.points;
    for (const edge of edges) edge.remove();
  }

  function drawPart() {
    rows ??= wordsOf(figure);
    const shown = values.slice(from, to + 1);
    const [high, low] = [Math.max(...shown), Math.min(...shown)];
    const room = (high - low || Math.abs(high) || 1) * ROOM;
    const [top, span] = [high + room, high - low + 2 * room];
    const x = (at) => (1000 * (at - from)) / (to - from);
    const y = (at) => (1000 * (top - values[at])) / span;
    const d = `M${kept(values, from, to).map((at) => `${x(at).toFixed(1)} ${y(at).toFixed(1)}`).join(" L")}`;
    line.setAttribute("d", d);
    area?.setAttribute("d", `${d} L1000 1000 L0 1000 Z`);
    reader.points = rows.slice(from, to + 1).map(([label, text], index) => ({ x: x(from + index) / 10, label, text }));
    const texts = [rows[values.indexOf(high, from)][1], rows[values.indexOf(low, from)][1], rows[from][0], rows[to][0]];
    edges.forEach((edge, index) => (edge.textContent = texts[index]));
    stage.append(...edges);
  }

  function zoom(factor, around = (from + to) / 2) {
    const width = (to - from) * factor;
    look(around - ((around - from) / (to - from)) * width, around + ((to - around) / (to - from)) * width);
  }

  const steps = {
    in: () => zoom(0.5),
    out: () => zoom(2),
    earlier: () => look(from - (to - from) / 2, to - (to - from) / 2),
    later: () => look(from + (to - from) / 2, to + (to - from) / 2),
    whole: () => look(0, last),
  };
  bar.addEventListener("click", (event) => steps[event.target.closest("button")?.dataset.zoom]?.());
  plot.addEventListener("keydown", (event) => {
    const step = { "+": "in", "=": "in", "-": "out", PageUp: "earlier", PageDown: "later", Escape: "whole" }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    steps[step]();
    reader.show(reader.points.length - 1);
  });
  stage.addEventListener("dblclick", steps.whole);

  const share = (event) => {
    const box = stage.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  stage.addEventListener("pointerdown", (event) => {
    // a finger on the whole line reads it; only in a part it moves it
    if (event.button !== 0 || (event.pointerType === "touch" && !isZoomed())) return;
    dragged = { start: share(event), from, to };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    if (isZoomed()) {
      const moved = (dragged.start - share(event)) * (dragged.to - dragged.from);
      look(dragged.from + moved, dragged.to + moved);
      return;
    }
    const [left, right] = [dragged.start, share(event)].sort((one, other) => one - other);
    brush.style.insetInlineStart = `${left * 100}%`;
    brush.style.inlineSize = `${(right - left) * 100}%`;
    if (!brush.isConnected) stage.append(brush);
  });
  const drop = (event) => {
    if (!dragged) return;
    const [left, right] = [dragged.start, share(event)].sort((one, other) => one - other);
    const chose = brush.isConnected && event.type === "pointerup" && right - left > LEAST_SHARE;
    dragged = null;
    brush.remove();
    if (chose) look(left * last, right * last);
  };
  stage.addEventListener("pointerup", drop);
  stage.addEventListener("pointercancel", drop);

  let held = null;
  pinch(
    stage,
    () => {
      held = { from, width: to - from };
      dragged = null;
      brush.remove();
    },
    (closer, was, is) => {
      const width = Math.min(last, held.width * closer);
      const start = held.from + was * held.width - is * width; // what was between the fingers stays there
      look(start, start + width);
    },
  );

  stage.classList.add("chart__stage--zoom");
  bar.hidden = false;
  look(0, last);
}

function wordsOf(figure) {
  unpack(figure);
  return [...figure.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
}

// At most so many indexes that no peak is lost: of every stretch its lowest and its highest.
function kept(values, from, to) {
  const all = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  if (all.length <= MOST_POINTS) return all;
  const found = new Set([from, to]);
  const size = Math.ceil((2 * all.length) / MOST_POINTS);
  for (let start = 0; start < all.length; start += size) {
    const stretch = all.slice(start, start + size);
    found.add(stretch.reduce((best, at) => (values[at] < values[best] ? at : best)));
    found.add(stretch.reduce((best, at) => (values[at] > values[best] ? at : best)));
  }
  return [...found].sort((one, other) => one - other);
}
