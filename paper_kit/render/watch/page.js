"use strict";
// Shows the newest state; a page that draws what it drew before keeps its picture, and the place that is read stays.
const by = (id) => document.getElementById(id);
const main = document.querySelector("main");
const PLACE = "paperkit.place";

function list(box, lines) {
  box.hidden = lines.length === 0;
  box.querySelector("ol").replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
}

function address(leaf, figure) {
  const width = Math.ceil(figure.clientWidth * window.devicePixelRatio) || 1600;
  return `leaf/${leaf.digest}.png?width=${width}`;
}

// The new picture takes the old one's place only when it is there: no flicker, no jump.
function picture(figure, leaf) {
  if (figure.dataset.digest === leaf.digest) return;
  figure.dataset.digest = leaf.digest;
  const next = new Image();
  next.alt = `page ${leaf.name}`;
  next.onload = () => {
    if (figure.dataset.digest !== leaf.digest) return;
    figure.style.aspectRatio = `${next.naturalWidth} / ${next.naturalHeight}`;
    figure.replaceChildren(next);
    figure.dataset.shown = leaf.digest;
  };
  next.src = address(leaf, figure);
}

function leaves(all) {
  while (main.children.length > all.length) main.lastChild.remove();
  const size = main.firstChild ? main.firstChild.style.aspectRatio : "17 / 22";
  all.forEach((leaf, place) => {
    let figure = main.children[place];
    if (!figure) {
      figure = document.createElement("figure");
      figure.style.aspectRatio = size;
      main.append(figure);
    }
    figure.dataset.name = leaf.name;
    picture(figure, leaf);
  });
  by("more").hidden = !all.some((leaf) => leaf.pdf === "supplement.pdf");
  restore();
}

function show(state) {
  const bad = state.problems.length > 0;
  by("lamp").className = state.building ? "wait" : bad ? "bad" : "good";
  by("lamp").textContent = state.building ? "building …" : bad ? "cannot be built" : state.told || "waiting";
  list(by("problems"), state.building ? [] : state.problems);
  list(by("findings"), state.findings);
  by("findings").querySelector("summary").textContent = `${state.findings.length} to put right`;
  main.classList.toggle("old", bad);
  leaves(state.leaves);
  document.body.dataset.version = state.version;
}

// Which page is read, and how far down in it: kept over a reload too.
function remember() {
  const middle = window.innerHeight / 3;
  const read = [...main.children].find((figure) => figure.getBoundingClientRect().bottom > middle);
  if (!read) return;
  by("where").textContent = `page ${read.dataset.name}`;
  sessionStorage.setItem(PLACE, String(window.scrollY));
}

let restored = false;
function restore() {
  if (restored || !main.children.length) return;
  restored = true;
  window.scrollTo(0, Number(sessionStorage.getItem(PLACE) || 0));
  remember();
}

window.addEventListener("scroll", remember, { passive: true });
history.scrollRestoration = "manual";
const events = new EventSource("events");
events.onmessage = (event) => show(JSON.parse(event.data));
events.onerror = () => {
  by("lamp").className = "bad";
  by("lamp").textContent = "paperkit watch has ended";
};
