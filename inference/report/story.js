"use strict";
// The data of the page, and texts as coloured tokens. Strings come from a language model: they are only ever set as
// textContent, never read as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const steps = data.steps || [];
const byId = (id) => document.getElementById(id);
const IMPOSSIBLE = -99999;
const WEIGHING = new Set(["factor", "condition", "observe", "twist"]);

function element(tag, className, text, parent) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

function signed(nats) {
  if (nats === null) return "−∞";
  return (nats < 0 ? "−" : "+") + Math.abs(nats).toFixed(2);
}

const nats = (cents) => (cents === IMPOSSIBLE ? null : cents / 100);

// The ancestors of particle j of step k, [j at step 0, ..., j at step k].
function lineage(k, j) {
  const line = new Array(k + 1);
  for (let s = k; s >= 0; s--) {
    line[s] = j;
    if (s > 0) j = steps[s].parent[j];
  }
  return line;
}

// What particle j of step k has done: [{step, atoms}], from where it was last rewritten on.
function story(k, j) {
  if (data.view === "chains") {
    let s = k;
    while (s > 0 && steps[s].atoms[j] === null) s--;
    return [{ step: s, atoms: steps[s].atoms[j] || [] }];
  }
  const line = lineage(k, j);
  let first = k;
  while (first > 0 && !steps[first].anew.includes(line[first])) first--;
  return line.slice(first).map((at, i) => ({ step: first + i, atoms: steps[first + i].atoms[at] }));
}

// The same string for executions that read the same.
function spelling(parts) {
  return parts.map((part) => part.atoms.filter((_, i) => i % 4 < 2).join()).filter((text) => text).join();
}

// Write atoms into an element. fresh: the step whose atoms are new. brief: leave out the addresses of texts, and what
// steps before the fresh one have observed and weighed.
function write(parent, parts, { brief = false, fresh = -1 } = {}) {
  let last = null;
  for (const { step, atoms } of parts) {
    for (let i = 0; i < atoms.length; i += 4) {
      const [address, kind] = data.places[atoms[i]];
      const piece = atoms[i + 1] < 0 ? null : data.pieces[atoms[i + 1]];
      if (kind === "text" && last !== atoms[i]) {
        if (!brief) element("span", "site", address, parent);
        else if (last !== null) element("span", "site", "│", parent).title = address;
      }
      last = atoms[i];
      if (brief && step !== fresh && WEIGHING.has(kind)) continue;
      const node = kind === "text" || kind === "token" ? token(piece, nats(atoms[i + 2]), nats(atoms[i + 3]))
        : chip(address, kind, piece, nats(atoms[i + 3]));
      node.title = note(address, kind, nats(atoms[i + 2]), nats(atoms[i + 3]));
      if (step === fresh) node.classList.add("fresh");
      parent.append(node);
    }
  }
}

// Characters that change the direction of what follows are named, so that no text turns its surroundings around.
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

function token(piece, logP, gain) {
  const named = (c) => "⟨U+" + c.charCodeAt(0).toString(16).toUpperCase() + "⟩";
  const node = element("span", "tok", piece === null ? "∎" : piece.replace(TURNING, named));
  const level = logP === null ? 6 : Math.min(6, Math.floor(-logP));
  if (level > 0) node.classList.add("p" + level);
  if (gain === null || gain <= -0.005) node.classList.add("down");
  else if (gain >= 0.005) node.classList.add("up");
  return node;
}

function chip(address, kind, piece, gain) {
  if (kind === "sample") return element("span", "chip", address + " = " + (piece === null ? "" : piece));
  if (kind === "killed") return element("span", "chip killed", "✗ " + address);
  if (kind === "condition") return element("span", "chip", "✓ " + address);
  const node = element("span", "chip", (address.startsWith(kind) ? "" : kind + " ") + address + " " + signed(gain));
  if (kind !== "twist" && gain !== 0) node.classList.add(gain > 0 ? "more" : "less");
  return node;
}

function note(address, kind, logP, gain) {
  if (kind === "killed") return "died at " + address;
  if (kind === "condition") return "condition " + address + " holds";
  let text = kind + " " + address;
  if (kind === "text" || kind === "token" || kind === "sample") {
    text += ": log p " + signed(logP);
    if (gain !== 0) text += ", log weight " + signed(gain);
  } else text += ": " + signed(gain) + " nats";
  return text;
}

function legend() {
  const line = byId("legend");
  line.append("token colour by −log p: ");
  for (let level = 0; level <= 6; level++) {
    element("span", "tok p" + level, level === 6 ? "6 +" : String(level), line);
  }
  line.append(" nats; ");
  element("span", "tok up", "raises", line);
  line.append(" or ");
  element("span", "tok down", "lowers", line);
  line.append(" the weight; ∎ end of text");
}
