// Two fingers on a stage: how much closer they came since they began, and where the middle between them was and is.
export function pinch(stage, begin, move) {
  const fingers = new Map();
  let start = null;

  function now() {
    const [one, other] = [...fingers.values()];
    const box = stage.getBoundingClientRect();
    return {
      apart: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
      middle: ((one.x + other.x) / 2 - box.left) / box.width,
    };
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    start = fingers.size === 2 ? now() : null;
    if (start) begin();
  });
  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!start) return;
    const { apart, middle } = now();
    move(start.apart / apart, start.middle, middle);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      start = null;
    });
  }
}
