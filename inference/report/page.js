// What is selected: a step, and a particle; whoever changes one calls `goTo` or `select`.

const SHOWN = 20;  // texts listed at a step
let now = 0, picked = null, curves = null, tree = null, timer = null;

function stepName(k) {
  const step = steps[k];
  if (data.view === "chains") return "draw " + step.t;
  const alive = step.w.some((w) => w) ? "" : ", all dead";
  return "step " + step.t + (step.label ? ", after " + step.label : "") + (step.resampled ? ", resampled" : "") + alive;
}

function goTo(k) {
  now = k;
  byId("step").value = k;
  byId("step").setAttribute("aria-valuetext", stepName(k));
  byId("step-name").textContent = stepName(k);
  if (curves) curves(k);
  if (tree) { tree.step(k); tree.reveal(k); }
  (data.view === "chains" ? listChains : listTexts)(k);
}

// Particles that read the same are listed as one text, heaviest first.
function listTexts(k) {
  const groups = new Map();
  steps[k].slot.forEach((_, j) => {
    const parts = story(k, j), key = spelling(parts), w = steps[k].w[j] || 0;
    const group = groups.get(key);
    if (!group) groups.set(key, { parts, j, best: w, w, count: 1 });
    else {
      group.w += w;
      group.count++;
      if (w > group.best) [group.best, group.j] = [w, j];
    }
  });
  const sorted = [...groups.values()].sort((a, b) => b.w - a.w);
  const top = sorted[0].w || 1;
  const rows = sorted.slice(0, SHOWN).map((group) => {
    const row = element("li", group.w ? "" : "gone"), button = element("button", "", undefined, row);
    button.type = "button";
    const share = element("span", "share", undefined, button), part = group.w / steps[k].n;
    element("span", "", group.w ? (100 * part).toFixed(1) + " %" : "dead", share);
    if (group.count > 1) element("span", "count", "× " + group.count, share);
    const bar = drawing("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, button);
    drawing("rect", { width: 100 * group.w / top, height: 6 }, bar);
    button.addEventListener("click", () => select(k, group.j));
    write(element("div", "text", undefined, row), group.parts, { brief: steps.length > 1, fresh: steps.length > 1 ? k : -1 });
    return row;
  });
  byId("texts").replaceChildren(...rows);
  const left = sorted.length - rows.length;
  byId("texts-more").textContent = left > 0 ? "… and " + left + " more texts." : "";
}

function listChains(k) {
  byId("texts").replaceChildren(...steps[k].atoms.map((atoms, c) => {
    const row = element("li"), name = element("div", "", undefined, row);
    element("div", "", "chain " + (c + 1), name);
    if (k > 0) element("div", "count", atoms === null ? "stayed" : "moved", name);
    write(element("div", "text", undefined, row), story(k, c), { fresh: k > 0 ? k : -1 });
    return row;
  }));
}

function select(k, j) {
  picked = [k, j];
  showParticle(k, j);
  if (k !== now) goTo(k);
}

function showParticle(k, j) {
  const step = steps[k], parts = story(k, j), w = step.w[j];
  if (tree) tree.mark(k, j);
  byId("particle-title").textContent = "Particle " + step.slot[j] + (steps.length > 1 ? " at step " + step.t : "");
  const fate = steps.length < 2 ? "" : step.heir[j] ? "has descendants at the end" : "has no descendants at the end";
  byId("particle-facts").textContent = [w ? "weight " + w.toPrecision(3) + " times the mean" : "weight 0: dead", fate].filter((x) => x).join("; ");
  const text = byId("particle-text");
  text.replaceChildren();
  write(text, parts, { fresh: steps.length > 1 ? k : -1 });
  if (!text.childNodes.length) element("span", "site", "nothing was recorded of it", text);
  byId("particle-steps").hidden = steps.length < 2;
  const line = lineage(k, j);
  byId("particle-rows").replaceChildren(...line.map((at, s) => {
    const row = element("tr");
    element("td", "", String(steps[s].t) + (steps[s].resampled ? " ▼" : ""), row);
    element("td", "", signed(steps[s].gain[at]), row);
    element("td", "", (steps[s].w[at] || 0).toPrecision(3), row);
    const did = element("td", "text", undefined, row);
    if (steps[s].anew.includes(at)) element("span", "chip", "rewritten", did);
    write(did, [{ step: s, atoms: steps[s].atoms[at] }], { brief: true, fresh: s });
    return row;
  }));
}

function hover(k, j) {
  if (k === null) { if (picked) showParticle(...picked); } else showParticle(k, j);
}

function arrows(event) {
  let [k, j] = picked;
  if (event.key === "ArrowLeft" && k > 0) [k, j] = [k - 1, steps[k].parent[j]];
  else if (event.key === "ArrowRight" && k + 1 < steps.length) {
    const child = steps[k + 1].parent.indexOf(j);
    if (child < 0) return event.preventDefault();
    [k, j] = [k + 1, child];
  } else if (event.key === "ArrowUp" && j > 0) j--;
  else if (event.key === "ArrowDown" && j + 1 < steps[k].slot.length) j++;
  else return undefined;
  event.preventDefault();
  return select(k, j);
}

function play() {
  const button = byId("play"), playing = timer !== null;
  if (playing) { clearInterval(timer); timer = null; }
  else {
    if (now === steps.length - 1) goTo(0);
    timer = setInterval(() => { if (now + 1 < steps.length) goTo(now + 1); if (now + 1 >= steps.length && timer !== null) play(); },
      Math.max(120, Math.min(800, 15000 / steps.length)));
  }
  button.setAttribute("aria-pressed", String(!playing));
  button.textContent = playing ? "Play" : "Pause";
}

function plots() {
  if (data.curves && steps.length > 1) curves = drawCurves(goTo);
  if (data.view === "population" && steps.length > 1) {
    tree = drawTree(hover, select);
    tree.svg.addEventListener("keydown", arrows);
    if (picked) tree.mark(...picked);
  }
}

function start() {
  const population = data.view === "population";
  byId("player").hidden = false;
  byId("player-title").textContent = !population ? "Draws of the chains" : steps.length > 1 ? "Texts, step by step" : "Particles by weight";
  document.querySelector(".controls").hidden = steps.length < 2;
  byId("step-label").textContent = population ? "Step" : "Draw";
  byId("step").max = steps.length - 1;
  byId("step").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("play").addEventListener("click", play);
  for (const [id, shown] of [["curves", steps.length > 1], ["tree", population && steps.length > 1], ["particle", population]]) byId(id).hidden = !shown;
  byId("curves-title").textContent = population ? "ESS and log Z" : "Log density";
  byId("curves-hint").hidden = !population;
  legend();
  if (population) {
    const last = steps.length - 1, w = steps[last].w;
    picked = [last, w.indexOf(Math.max(...w))];
    showParticle(...picked);
  }
  plots();
  goTo(steps.length - 1);
  let wide = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === wide) return;
    wide = window.innerWidth;
    plots();
    goTo(now);
  });
}

if (steps.length) start();
