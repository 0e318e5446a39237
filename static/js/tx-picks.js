// Tells how many rows are ticked, ticks a day or all that is shown, and asks again before all of the list is meant.
export function mount(panel) {
  const count = panel.querySelector("[data-picks-count]");
  const every = panel.querySelector("[data-picks-page]");
  const none = panel.querySelector("[data-picks-none]");
  const root = document.getElementById("tx-days");
  const all = panel.querySelector("[name=all]");
  const boxes = () => [...root.querySelectorAll(".tx-row__pick")];

  const tell = () => {
    const picked = boxes().filter((box) => box.checked).length;
    count.textContent = picked === 1 ? count.dataset.one : count.dataset.many.replace("#", picked);
    if (!picked) all.checked = false;
    for (const day of root.querySelectorAll(".tx-day")) showDay(day);
  };
  every.hidden = none.hidden = false;
  every.addEventListener("click", () => tick(boxes(), true, tell));
  none.addEventListener("click", () => tick(boxes(), false, tell));
  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-day]")) {
      const day = event.target.closest(".tx-day");
      tick([...day.querySelectorAll(".tx-row__pick")], event.target.checked, tell);
    } else tell();
  });
  tell();
}

function tick(boxes, checked, tell) {
  for (const box of boxes) box.checked = checked;
  tell();
}

// The day's own box follows its rows.
function showDay(day) {
  const box = day.querySelector("[data-pick-day]");
  if (!box) return;
  const rows = [...day.querySelectorAll(".tx-row__pick")];
  const picked = rows.filter((row) => row.checked).length;
  box.hidden = false;
  box.checked = picked > 0 && picked === rows.length;
  box.indeterminate = picked > 0 && picked < rows.length;
}
