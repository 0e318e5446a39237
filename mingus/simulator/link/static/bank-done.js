/* The last page of a bank in a pop-up: Link has learnt the result from the server, so this window may go. */
import { paint } from "./stage.js";

paint(document.documentElement);
window.close();
