// The entry: mounts what the page's elements ask for, then says that they are ready to be used.
import { mountAll } from "./modules.js";

await mountAll(document);
document.documentElement.dataset.ready = "";
