// Meshes that are small enough for every interleaving to be played (explore.ts), each for something that the protocol does.

import type { ExploredMesh } from "./explored-world.js";

export interface SmallMesh {
  readonly name: string;
  readonly mesh: ExploredMesh;
  /** More than ten seconds. */
  readonly takesLong?: boolean;
}

const KEYS = ["x", "y"];

export const SMALL_MESHES: readonly SmallMesh[] = [
  {
    name: "a session reads at one node what it wrote at another",
    mesh: {
      nodes: 2,
      keys: KEYS,
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, read: KEYS },
        ],
      ],
    },
  },
  {
    name: "the same, with a store that takes time",
    mesh: {
      nodes: 2,
      keys: KEYS,
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, read: KEYS },
        ],
      ],
      hasSlowStore: true,
    },
  },
  {
    name: "two sessions write one key, and one of them reads it elsewhere",
    mesh: {
      nodes: 2,
      keys: ["x"],
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, read: ["x"] },
        ],
        [{ at: 2, write: ["x"] }],
      ],
    },
    takesLong: true,
  },
  {
    name: "a write at another node follows a write, and a third node is asked for both",
    mesh: {
      nodes: 3,
      keys: KEYS,
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, write: ["y"] },
        ],
        [{ at: 3, read: KEYS }],
      ],
    },
    takesLong: true,
  },
  {
    name: "a session writes two keys at two nodes while another one reads both, twice",
    mesh: {
      nodes: 2,
      keys: KEYS,
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, write: ["y"] },
        ],
        [
          { at: 2, read: ["y"] },
          { at: 1, read: KEYS },
        ],
      ],
    },
    takesLong: true,
  },
  {
    name: "a transaction reads at two nodes and commits while both keys are written at once",
    mesh: { nodes: 2, keys: KEYS, programs: [[{ at: 1, transact: KEYS, commitAt: 2, write: ["x"] }], [{ at: 2, write: KEYS }]] },
  },
  {
    name: "a node joins while a session writes at one node and reads at the other",
    mesh: {
      nodes: 2,
      keys: ["x"],
      programs: [
        [
          { at: 1, write: ["x"] },
          { at: 2, read: ["x"] },
        ],
        [{ join: 3 }],
      ],
    },
    takesLong: true,
  },
];
