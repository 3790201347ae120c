// Curves over steps: ESS and log Z of a population, the log density of chains.

function drawing(tag, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (parent) parent.append(node);
  return node;
}

function label(parent, x, y, text, anchor) {
  const node = drawing("text", { x, y, "text-anchor": anchor || "start" }, parent);
  node.textContent = text;
  return node;
}

const LEFT = 64, RIGHT = 14, PANEL = 104, GAP = 30;

// One panel: curves [[y]] over xs, its axis and its name; range: of y, by default that of the curves. Returns the x scale.
function panel(svg, top, width, name, xs, curves, range) {
  const ys = curves.flat().filter((y) => y !== null);
  let [low, high] = range || (ys.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1]);
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const last = Math.max(1, xs[xs.length - 1]);
  const x = (t) => LEFT + (width - LEFT - RIGHT) * (xs.length > 1 ? t / last : 0.5);
  const y = (v) => top + PANEL - (PANEL - 8) * (v - low) / (high - low);
  drawing("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: top + PANEL, y2: top + PANEL }, svg);
  label(svg, LEFT, top - 6, name);
  const digits = high - low >= 20 ? 0 : high - low >= 2 ? 1 : 2;
  for (const v of [low, high]) label(svg, LEFT - 8, y(v) + 4, v.toFixed(digits).replace("-", "−"), "end");
  for (const curve of curves) {
    let path = "";
    curve.forEach((v, i) => {
      if (v !== null) path += (path && curve[i - 1] !== null ? "L" : "M") + x(xs[i]).toFixed(1) + " " + y(v).toFixed(1);
    });
    const opacity = curves.length > 1 ? Math.max(0.35, 1 / Math.sqrt(curves.length)).toFixed(2) : 1;
    drawing("path", { class: "curve", d: path, "stroke-opacity": opacity }, svg);
    if (curve.length === 1 && curve[0] !== null) drawing("circle", { class: "dot", cx: x(xs[0]), cy: y(curve[0]), r: 3 }, svg);
  }
  return x;
}

function axis(svg, y, width, xs, x, name) {
  const last = xs[xs.length - 1], every = Math.max(1, Math.ceil(last / Math.max(2, (width - LEFT) / 70)));
  for (let t = 0; t <= last; t += every) label(svg, x(t), y, String(t), "middle");
  label(svg, 2, y, name);
}

// Draw the curves; returns a function that marks a step.
function drawCurves(pick) {
  const box = byId("curves-plot"), c = data.curves, population = data.view === "population";
  const width = Math.max(320, box.clientWidth), height = (population ? 2 : 1) * (PANEL + GAP) + 38;
  const svg = drawing("svg", { width: "100%", viewBox: "0 0 " + width + " " + height, role: "img" });
  const title = drawing("title", {}, svg);
  let x;
  if (population) {
    title.textContent = "Effective sample size and log Z by step; " + c.resampled.length + " resampling events";
    x = panel(svg, 34, width, "effective sample size", c.t, [c.ess], [0, Math.max(...c.n)]);
    panel(svg, 34 + PANEL + GAP, width, "log Z (nats)", c.t, [c.log_z]);
    for (const t of c.resampled) {
      const at = x(t);
      drawing("path", { class: "event", d: "M" + (at - 4) + " 4h8l-4 7z" }, svg);
    }
  } else {
    title.textContent = "Log density of each chain by draw";
    x = panel(svg, 34, width, "log density (nats)", c.t, c.log_p);
  }
  axis(svg, height - 8, width, c.t, x, population ? "step" : "draw");
  const cursor = drawing("rect", { class: "cursor", y: 32, width: 6, height: height - 56 }, svg);
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) * width / box.width;
    let best = 0;
    steps.forEach((step, k) => { if (Math.abs(x(step.t) - at) < Math.abs(x(steps[best].t) - at)) best = k; });
    pick(best);
  });
  box.replaceChildren(svg);
  return (k) => cursor.setAttribute("x", x(steps[k].t) - 3);
}
