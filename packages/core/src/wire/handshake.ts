// The handshake: both ends agree on the version and, where the mesh has a secret, prove that they know it, before anything else
// is read from the other. Client or predecessor on the left:
//
//   HELLO version, role, nonce, replica, epoch  →
//                                               ←  CHALLENGE version, nonce, whether a proof is wanted
//   PROOF of the secret over both nonces        →
//                                               ←  WELCOME proof, mesh, members, vectors, time  (or ERROR, and the end)
//
// Each proof is bound to its direction, so that one cannot be sent back as the other's, and to what both have said of their versions. Where the mesh has
// several secrets, the opener proves its first one, the acceptor takes any of its own, and answers with the one that was proved: so both ends need one secret
// in common, in this order.

import { equalBytes, hmacSha256 } from "../bytes/mac.js";
import type { ByteReader } from "../bytes/reader.js";
import { MalformedError } from "../bytes/reader.js";
import { encodeUtf8 } from "../bytes/utf8.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { Entropy } from "../clock.js";
import { MeshError } from "../errors.js";
import { MEMBERS_MAX } from "../limits.js";
import type { Member } from "../protocol/view.js";
import type { Vector } from "../protocol/vector.js";
import { beginFrame, CHALLENGE, endFrame, HELLO, PROOF, WELCOME } from "./frames.js";
import { ADDRESS_BYTES_MAX, readMembers, readNumbers, readShares, readVector, writeMembers, writeNumbers, writeVector } from "./messages.js";

/** The version that this release speaks at best. A release raises it by one at most. */
export const WIRE_VERSION = 2;
/** Ends whose versions are no further apart understand each other: they speak the older one. So the nodes of a mesh are updated one by one. */
const VERSIONS_APART_MAX = 1;
const RANDOM_BYTES = 16;
const MAGIC = 0x4d53_4d43; // "CMSM" as it stands on the wire
const MESH_ID_BYTES_MAX = 64;

export const enum Role {
  Client = 0,
  /** The predecessor in the ring. */
  Node = 1,
}

export interface Hello {
  readonly role: Role;
  /** As `newNonce` makes it. */
  readonly nonce: Uint8Array;
  /** Of a node: its replica id and the epoch of its view. 0 for clients. */
  readonly replica: number;
  readonly epoch: number;
  /** Whom it looks for: an address may have passed to another node. 0 for clients. */
  readonly target: number;
}

export interface Challenge {
  readonly nonce: Uint8Array;
  readonly authenticates: boolean;
}

export interface Welcome {
  readonly proof: Uint8Array;
  readonly meshId: string;
  readonly epoch: number;
  /** Whom the other end has reached. */
  readonly replica: number;
  readonly members: readonly Member[];
  /** Every replica id below it belongs to a member or to somebody who has left. */
  readonly nextReplica: number;
  readonly shares: number;
  /** To a client `applied`, to a node `received`. */
  readonly vector: Vector;
  /** The departed who have a slot in the vectors of this node. */
  readonly departed: readonly number[];
  /** Whether it has what its predecessor had when it joined. */
  readonly isComplete: boolean;
  readonly time: number;
}

export function writeHello(out: ByteWriter, hello: Hello): void {
  const at = beginFrame(out, HELLO, 0, 0);
  out.u32(MAGIC);
  out.u8(versionOf(hello.nonce));
  out.u8(hello.role);
  out.raw(hello.nonce.subarray(1));
  out.u32(hello.replica);
  out.u32(hello.epoch);
  out.u32(hello.target);
  endFrame(out, at);
}

export function readHello(reader: ByteReader): Hello {
  const version = readVersion(reader);
  const role = reader.u8();
  if (role !== Role.Client && role !== Role.Node) throw new MalformedError(`role ${role}`);
  const hello = { role, nonce: readNonce(reader, version), replica: reader.u32(), epoch: reader.u32(), target: reader.u32() };
  reader.finish();
  return hello;
}

export function writeChallenge(out: ByteWriter, challenge: Challenge): void {
  const at = beginFrame(out, CHALLENGE, 0, 0);
  out.u32(MAGIC);
  out.u8(versionOf(challenge.nonce));
  out.u8(challenge.authenticates ? 1 : 0);
  out.raw(challenge.nonce.subarray(1));
  endFrame(out, at);
}

export function readChallenge(reader: ByteReader): Challenge {
  const version = readVersion(reader);
  const challenge = { authenticates: reader.u8() === 1, nonce: readNonce(reader, version) };
  reader.finish();
  return challenge;
}

/** What an end says of itself at first: the version that it speaks, and random bytes behind it. Proofs cover both, so that nobody in between can change either. */
export function newNonce(entropy: Entropy): Uint8Array {
  return Uint8Array.of(WIRE_VERSION, ...entropy(RANDOM_BYTES));
}

/** The version that the sender of a nonce speaks at best. */
export function versionOf(nonce: Uint8Array): number {
  return nonce[0];
}

/** Throws PROTOCOL_VERSION where the two ends do not understand each other; the message is for both of them. */
function readVersion(reader: ByteReader): number {
  if (reader.u32() !== MAGIC) throw new MeshError("PROTOCOL", "the other end does not speak the CausalMesh protocol; check the address and the port");
  const version = reader.u8();
  if (Math.abs(version - WIRE_VERSION) > VERSIONS_APART_MAX)
    throw new MeshError(
      "PROTOCOL_VERSION",
      `one end speaks version ${version} of the protocol and the other ${WIRE_VERSION}; they may be ${VERSIONS_APART_MAX} apart: update the older one, to each release in between in turn`,
    );
  return version;
}

export function writeProof(out: ByteWriter, proof: Uint8Array): void {
  const at = beginFrame(out, PROOF, 0, 0);
  out.blob(proof);
  endFrame(out, at);
}

export function readProof(reader: ByteReader): Uint8Array {
  const proof = reader.blob(32);
  reader.finish();
  return proof;
}

export function writeWelcome(out: ByteWriter, welcome: Welcome): void {
  const at = beginFrame(out, WELCOME, 0, 0);
  out.blob(welcome.proof);
  out.text(welcome.meshId);
  out.u32(welcome.epoch);
  out.u32(welcome.replica);
  writeMembers(out, welcome.members);
  out.u32(welcome.nextReplica);
  out.varint(welcome.shares);
  writeVector(out, welcome.vector);
  writeNumbers(out, welcome.departed);
  out.u8(welcome.isComplete ? 1 : 0);
  out.f64(welcome.time);
  endFrame(out, at);
}

/** The longest welcome: a full view with long addresses. */
export const WELCOME_BYTES_MAX = 1024 + MEMBERS_MAX * (ADDRESS_BYTES_MAX + 12) + 4096 * 16;

export function readWelcome(reader: ByteReader): Welcome {
  const welcome = {
    proof: reader.blob(32),
    meshId: reader.text(MESH_ID_BYTES_MAX),
    epoch: reader.u32(),
    replica: reader.u32(),
    members: readMembers(reader),
    nextReplica: reader.u32(),
    shares: readShares(reader),
    vector: readVector(reader),
    departed: readNumbers(reader),
    isComplete: reader.u8() === 1,
    time: reader.f64(),
  };
  reader.finish();
  return welcome;
}

function readNonce(reader: ByteReader, version: number): Uint8Array {
  const at = reader.take(RANDOM_BYTES);
  return Uint8Array.of(version, ...reader.bytes.subarray(at, at + RANDOM_BYTES));
}

/** The proof of who opened the connection, or of who accepted it; empty where there is no secret. */
export function proofOf(secret: string | undefined, side: "opener" | "acceptor", openerNonce: Uint8Array, acceptorNonce: Uint8Array): Uint8Array {
  if (secret === undefined) return new Uint8Array(0);
  return hmacSha256(encodeUtf8(secret), encodeUtf8(`causalmesh ${side}`), openerNonce, acceptorNonce);
}

/** Which of the secrets the opener has proved; undefined where there are none. Throws UNAUTHENTICATED. */
export function provedSecret(proof: Uint8Array, secrets: readonly string[], openerNonce: Uint8Array, acceptorNonce: Uint8Array): string | undefined {
  const candidates = secrets.length === 0 ? [undefined] : secrets;
  const proved = candidates.filter((secret) => equalBytes(proof, proofOf(secret, "opener", openerNonce, acceptorNonce)));
  if (proved.length === 0) throw unauthenticated("the program that opened this connection");
  return proved[0];
}

/** Throws UNAUTHENTICATED unless the acceptor at `remote` has sent the proof that was expected. */
export function checkProof(proof: Uint8Array, expected: Uint8Array, remote: string): void {
  if (!equalBytes(proof, expected)) throw unauthenticated(remote);
}

/** `who` names the other end to either side. */
function unauthenticated(who: string): MeshError {
  return new MeshError("UNAUTHENTICATED", `${who} did not prove a secret of this mesh; give the same secret to every node and every client`);
}
