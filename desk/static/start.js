// The kit is a module that does nothing until it is asked to
import { initAll } from "/static/nhsuk-frontend.js";

initAll();
// What htmx brings in later is wired as well; it tells of the whole page first, which is wired by now
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) initAll({ scope: detail.elt });
});
