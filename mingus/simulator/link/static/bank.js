/* A bank's page: gives it the bank's colour. */
import { paint } from "./stage.js";

paint(document.documentElement);
