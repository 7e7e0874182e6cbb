// For tests: the simulator and the checkers. Not needed to run a mesh.
export { explore, type Exploration, type ExploreOptions, type FoundViolation } from "./explore.js";
export type { ExploredMesh, ExploredStep } from "./explored-world.js";
export { DrivenMesh, type DrivenSize } from "./driven-mesh.js";
export { stateOf, type DrivenNodeState, type DrivenSessionState, type DrivenState, type DrivenVersion } from "./driven-state.js";
export type { Deed, DrivenChange, DrivenRequest, DrivenStep, DrivenValues, DrivenWrite, SentWrite } from "./driven-steps.js";
export { SMALL_MESHES, type SmallMesh } from "./small-meshes.js";
export { runSeed, type RunOptions, type RunResult } from "./run.js";
export type { Mutation, MutationContext, Parts } from "./mutation.js";
export { MUTATIONS } from "./mutations.js";
export { startMutant } from "./mutant.js";
export { drawOptions, type SimulationOptions } from "./options.js";
export { checkHistory } from "./checkers/check-history.js";
export type { Violation } from "./checkers/violation.js";
export { History, type Observation, type Operation, type Outcome, type Sample, type Stamp, type StoredWrite, type StoreState, type Write } from "./history.js";
export { historyLines, type HistoryFileLine } from "./history-lines.js";
export { SeededRandom } from "./random.js";
export { Simulation, SimulationStalled, type Settle } from "./simulation.js";

// The parts of simulated worlds, for @causalmesh/testing.
export { SimulatedClock, WORLD_BEGINS_MS, type Life } from "./simulated-clock.js";
export type { LinkBehaviour } from "./simulated-pipe.js";
export { SimulatedStore, StoreContent } from "./simulated-store.js";
export { SimulatedNetwork } from "./simulated-transport.js";

// A node whose state can be looked at, for worlds of others' making.
export { MemberNode } from "../embedded/member.js";

// The wire, for systems that are measured beside a mesh: they speak the same frames through the same buffers.
export { ByteReader } from "../bytes/reader.js";
export { ByteWriter } from "../bytes/writer.js";
export { beginFrame, endFrame, FrameSplitter, type FrameHandler } from "../wire/frames.js";
export { Outbox } from "../wire/outbox.js";
