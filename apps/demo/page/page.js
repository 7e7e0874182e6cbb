// Shows each snapshot that the demo sends.

import { drawAnomalies, drawLatency, drawRing } from "./charts.js";

const byId = (id) => document.getElementById(id);
const KINDS = ["own write missing", "going backwards", "effect without its cause"];
let carriedBefore = [];

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

function showSystem(name, figures) {
  byId(`${name}-anomalies`).textContent = sum(figures.anomalies);
  byId(`${name}-workflows`).textContent = figures.workflows;
  byId(`${name}-rate`).textContent = figures.perSecond.toFixed(0);
}

function showKinds({ causalmesh, plain }) {
  const latency = (figures, name) => `${figures.latency[name].p50.toFixed(0)} / ${figures.latency[name].p99.toFixed(0)}`;
  const rows = KINDS.map((kind) => [kind, causalmesh.anomalies[kind], plain.anomalies[kind]]);
  for (const name of Object.keys(causalmesh.latency)) rows.push([`${name}, p50 / p99 ms`, latency(causalmesh, name), latency(plain, name)]);
  byId("kinds").replaceChildren(
    ...rows.map(([head, ...cells]) => {
      const row = document.createElement("tr");
      const title = document.createElement("th");
      title.scope = "row";
      title.textContent = head;
      row.append(title, ...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
      return row;
    }),
  );
}

function show(snapshot) {
  const { state, what, members, systems, timeline, workflowsTotal } = snapshot;
  const done = systems.causalmesh.workflows + systems.plain.workflows;
  const states = {
    starting: `${what} …`,
    running: `running: ${done} of ${2 * workflowsTotal} workflows`,
    done: `done: ${done} workflows in ${timeline.length} s`,
  };
  byId("state").textContent = states[state];
  document.body.dataset.state = state;
  showSystem("mesh", systems.causalmesh);
  showSystem("plain", systems.plain);
  showKinds(systems);
  const carried = members.map(({ linkBytes }, index) => linkBytes - (carriedBefore[index] ?? linkBytes));
  carriedBefore = members.map(({ linkBytes }) => linkBytes);
  drawRing(byId("ring"), members, state === "running" ? carried : carried.map(() => 0));
  drawAnomalies(byId("anomalies"), timeline);
  drawLatency(byId("latency"), timeline);
}

show(await (await fetch("/state")).json());

const events = new EventSource("/events");
events.addEventListener("message", ({ data }) => show(JSON.parse(data)));
events.addEventListener("error", () => {
  byId("state").textContent = "the demo has ended";
});
