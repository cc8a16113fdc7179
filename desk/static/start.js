// The kit is a module that does nothing until it is asked to
import { initAll } from "/static/nhsuk-frontend.js";

initAll();
// What htmx brings in later is wired as well
document.addEventListener("htmx:load", (event) => initAll({ scope: event.target }));
