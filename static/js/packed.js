// A <details> whose content is only made when it is first opened.
import { unpack } from "./unpack.js";

export function mount(details) {
  if (details.open) unpack(details);
  details.addEventListener("toggle", () => unpack(details), { once: true });
}
