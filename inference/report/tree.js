// The genealogy: columns of particles, and lines to their ancestors. The order of the particles lets no lines cross.

function drawTree(hover, pick) {
  const box = byId("tree-plot"), K = steps.length, rows = Math.max(...steps.map((s) => s.slot.length));
  const pad = 24, top = 22, wide = Math.max(320, box.clientWidth);
  const dx = Math.min(260, Math.max(14, (wide - 2 * pad) / Math.max(1, K - 1)));
  const dy = Math.min(18, Math.max(5, 420 / rows));
  const width = Math.max(wide, 2 * pad + dx * (K - 1)), height = top + dy * rows + 26;
  const X = (k) => pad + dx * k;
  const Y = (k, j) => top + dy * (j + 0.5 + (rows - steps[k].slot.length) / 2);
  const svg = drawing("svg", {
    width, height, viewBox: "0 0 " + width + " " + height, tabindex: 0, role: "application", "aria-labelledby": "tree-title", "aria-describedby": "tree-hint",
  });
  const cursor = drawing("rect", { class: "cursor", y: top - 4, width: 12, height: height - top - 14, rx: 4 }, svg);

  const bend = (k, j) => {
    const x0 = X(k - 1), y0 = Y(k - 1, steps[k].parent[j]), x1 = X(k), y1 = Y(k, j), m = (x0 + x1) / 2;
    return "M" + x0 + " " + y0.toFixed(1) + "C" + m + " " + y0.toFixed(1) + " " + m + " " + y1.toFixed(1) + " " + x1 + " " + y1.toFixed(1);
  };
  const paths = new Map();  // a few paths of many lines each are quick to draw
  for (let k = 1; k < K; k++) {
    for (let j = 0; j < steps[k].slot.length; j++) {
      const level = Math.min(4, Math.round(2 * Math.sqrt(steps[k].w[j] || 0)));
      const key = (steps[k].heir[j] ? "h" : "t") + level;
      paths.set(key, (paths.get(key) || "") + bend(k, j));
    }
  }
  for (const [key, d] of [...paths].sort().reverse()) {  // twigs first
    const level = Number(key[1]), heir = key[0] === "h";
    drawing("path", {
      class: heir ? "branch" : "branch twig", d, "stroke-width": Math.min(dy / 2.5, 0.7 + 0.45 * level), "stroke-opacity": heir ? 0.4 + 0.12 * level : 0.55,
    }, svg);
  }
  const radius = (w) => Math.min(dy / 2 + 1, 1.1 + 1.5 * Math.sqrt(w));
  let crosses = "";
  for (let k = 0; k < K; k++) {
    steps[k].slot.forEach((_, j) => {
      const w = steps[k].w[j], x = X(k), y = Y(k, j), r = Math.min(3, dy / 2.5);
      if (w) drawing("circle", { class: steps[k].heir[j] ? "dot" : "dot twig", cx: x, cy: y.toFixed(1), r: radius(w).toFixed(1) }, svg);
      else crosses += "M" + (x - r) + " " + (y - r) + "l" + 2 * r + " " + 2 * r + "m" + -2 * r + " 0l" + 2 * r + " " + -2 * r;
    });
  }
  drawing("path", { class: "dead", d: crosses }, svg);
  const apart = Math.ceil(36 / dx);
  steps.forEach((step, k) => {
    if (step.resampled) drawing("path", { class: "event", d: "M" + (X(k) - dx / 2 - 4) + " 6h8l-4 7z" }, svg);
    if (k % apart === 0) label(svg, X(k), height - 6, String(step.t), "middle");
  });
  const line = drawing("path", { class: "lineage" }, svg), dot = drawing("circle", { class: "picked", r: 5 }, svg);

  const nearest = (event) => {
    const at = svg.getBoundingClientRect(), k = Math.max(0, Math.min(K - 1, Math.round(((event.clientX - at.left) * width / at.width - pad) / dx)));
    const n = steps[k].slot.length, y = (event.clientY - at.top) * height / at.height;
    return [k, Math.max(0, Math.min(n - 1, Math.round((y - top) / dy - 0.5 - (rows - n) / 2)))];
  };
  let asked = false;
  svg.addEventListener("pointermove", (event) => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; hover(...nearest(event)); });
  });
  svg.addEventListener("pointerleave", () => hover(null));
  svg.addEventListener("click", (event) => pick(...nearest(event)));
  box.replaceChildren(svg);
  return {
    svg, at: (k, j) => [X(k), Y(k, j)],
    mark(k, j) {  // the lineage of a particle
      const ancestors = lineage(k, j);
      line.setAttribute("d", ancestors.slice(1).map((at, i) => bend(i + 1, at)).join("") || "M0 0");
      dot.setAttribute("cx", X(k));
      dot.setAttribute("cy", Y(k, j));
    },
    step(k) { cursor.setAttribute("x", X(k) - 6); },
    reveal(k) {
      const left = X(k) - box.scrollLeft;
      if (left < 40 || left > box.clientWidth - 40) box.scrollLeft = X(k) - box.clientWidth / 2;
    },
  };
}
