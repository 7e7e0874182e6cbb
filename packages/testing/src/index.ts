// For users.
export { testMesh } from "./test-mesh.js";
export type { TestMesh, TestMeshOptions } from "./test-mesh.js";
