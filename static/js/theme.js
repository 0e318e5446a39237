// Light, dark, or as the system: kept in a cookie, so that the server draws the next page right at once.
const CHOICES = ["system", "light", "dark"];
const YEAR_SECONDS = 31536000;
const CHANGED = "mingus:theme";

export function mount(button) {
  const labels = JSON.parse(button.dataset.labels);
  const show = () => {
    const choice = current();
    for (const sign of button.querySelectorAll("[data-theme-sign]")) {
      sign.hidden = sign.dataset.themeSign !== choice;
    }
    button.querySelector("[data-theme-label]").textContent = labels[CHOICES.indexOf(choice)];
  };
  show();
  button.hidden = false;
  document.addEventListener(CHANGED, show);
  button.addEventListener("click", () => choose(CHOICES[(CHOICES.indexOf(current()) + 1) % CHOICES.length]));
}

function current() {
  return document.documentElement.dataset.theme ?? "system";
}

function choose(choice) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${choice}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  document.dispatchEvent(new CustomEvent(CHANGED));
}
