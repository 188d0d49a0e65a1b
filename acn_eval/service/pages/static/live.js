// A page that refreshes itself leaves focus, selection and screen readers in peace where nothing
// changed, says in words what did, and says so when the service does not answer.
const say = (text) => {
  const said = document.getElementById("said");
  if (said.textContent !== text) said.textContent = text;
};
let unfolded = [];
let shown = document.getElementById("live")?.outerHTML;

document.addEventListener("htmx:confirm", (event) => {
  if (document.hidden) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const found = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const live = found.getElementById("live");
  if (!live) {
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status < 400) location.reload();
    return;
  }
  event.detail.shouldSwap = live.outerHTML !== shown;
  unfolded = [...document.querySelectorAll("#live details[open]")].map((details) => details.id);
  shown = live.outerHTML;
  say(live.dataset.said);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
});
for (const kind of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  document.addEventListener(kind, () => say("The service does not answer; this is what it said before."));
