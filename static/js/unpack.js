// What few people open stands in a <noscript>: without scripts it is there at once, with them when it is opened.
import { toPage } from "./fragment.js";

export function unpack(place) {
  const packed = place.querySelector("noscript");
  packed?.replaceWith(...toPage(packed.textContent).body.childNodes);
}
