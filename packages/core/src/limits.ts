// Every limit of the core in one place, with its unit last in the name and the reason beside it.

/** A key is an identifier and travels with every request; 1 KiB holds any path or composite key. */
export const KEY_BYTES_MAX = 1024;
/** A value is copied through every node; larger objects belong into an object store with their address in the mesh. */
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Changes in one write, and keys in one read: bounds the time for which one request holds the event loop. */
export const KEYS_PER_REQUEST_MAX = 1024;
/** Keys and values of one write together. A ring batch carries a write whole, after up to two batches of others, and has to fit into a frame. */
export const WRITE_BYTES_MAX = 4 * 1024 * 1024;
/** Values of one read of several keys together: its answer has to fit into a frame. */
export const READ_BYTES_MAX = 6 * 1024 * 1024;
/** The largest frame: a full multi-key write of small values or one large value, with room for its head. */
export const FRAME_BYTES_MAX = 8 * 1024 * 1024;
/** A handshake frame is read before the peer has proved itself, so it gets little. */
export const HANDSHAKE_BYTES_MAX = 4096;
/** Tokens ride in HTTP headers and queue attributes; 64 KiB is the most that any common carrier takes. */
export const TOKEN_BYTES_MAX = 64 * 1024;
/** Keys and values of own writes that ride in a token. With more of them in flight, handing on waits until they can be read everywhere: carriers such as headers and baggage hold 4 to 8 KiB. */
export const TOKEN_OWN_BYTES_AIM = 2 * 1024;
/** How long it waits for that, unless the call says otherwise: several trips round any ring. Then they ride after all, as far as the token's bound allows. */
export const TOKEN_WAIT_MS_DEFAULT = 1_000;
/** Members of one view: vectors are dense over the members and are copied with every header. */
export const MEMBERS_MAX = 256;
/** Shares of a value that merges, one for each member at a time: a read of it asks for all of them at once. */
export const SHARES_MAX = 1024;
/** Shares that a node remembers beside its cache, where it has made more that the cache shows: one less look-up for a counter in use. */
export const OWN_SHARES_MAX = 256;
/** A member of a set is an identifier, as a key is. */
export const MEMBER_LENGTH_MAX = 1024;
/** Entries of one vector: beside the members, those who have left and are not settled yet. Bounds what a decoder believes. */
export const VECTOR_ENTRIES_MAX = 4096;
/** Own writes in flight that a session may hold, in bytes of keys and values: they must fit into its token. */
export const OWN_WRITES_BYTES_MAX = 32 * 1024 * 1024;
/** Counters are 48-bit on the wire: 89 000 years at 100 writes per millisecond, and they stay safe integers. */
export const COUNTER_MAX = 2 ** 48 - 1;

/** Bytes of writes of this node that are not yet in the store, before new ones are refused with OVERLOADED. */
export const LOG_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes on one ring link that the successor has not acknowledged: enough for any real round trip, little enough for bounded buffers. */
export const LINK_WINDOW_BYTES_MAX = 1024 * 1024;
/** Bytes that one ring batch carries at most, so that a batch never holds a receiver's event loop for long. */
export const BATCH_BYTES_MAX = 256 * 1024;
/** Rows in one store transaction; batches beyond this gain nothing in any store that was measured. */
export const FLUSH_ROWS_MAX = 4096;
/** Bytes in one store transaction. */
export const FLUSH_BYTES_MAX = 4 * 1024 * 1024;
/** Keys in one multi-get from the store. */
export const LOAD_KEYS_MAX = 256;
/** Requests of one connection that may wait for the store or for durability at a time; beyond it, OVERLOADED. */
export const WAITING_REQUESTS_MAX = 65_536;

/** Answers that a client has not read yet, before no more of its requests are read. */
export const UNREAD_ANSWERS_BYTES_MAX = 8 * 1024 * 1024;
/** Multi-gets from the store at a time: enough to keep its connections busy. */
export const LOADS_IN_FLIGHT_MAX = 8;
/** Attempts at a read whose entries are evicted between load and answer: the cache is too small for it then. */
export const LOAD_ATTEMPTS_MAX = 64;
/** Pause before a flush, so that writes of one moment share a store transaction and overwritten ones never reach it. */
export const FLUSH_DELAY_MS = 2;
/** Time that a node takes at most to hand on and flush what it has when it is closed. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Default bound of the cache, in bytes of memory that its arena and index take. */
export const CACHE_BYTES_DEFAULT = 256 * 1024 * 1024;
/** How long a node keeps versions that were overwritten, for the snapshots of transactions: longer than most of them take. */
export const SNAPSHOT_RETENTION_MS_DEFAULT = 60_000;
/** Default bound of those versions in bytes: what 100 000 small writes per second leave behind in some seconds, and 10 000 in a minute. */
export const SNAPSHOT_BYTES_DEFAULT = 64 * 1024 * 1024;
/** Attempts at a transaction whose snapshot is too old, before the error is its caller's. */
export const TRANSACTION_RETRIES_DEFAULT = 3;
/** Commits that a node remembers, so that each happens once; some 100 bytes each. Older ones are looked up in the store. */
export const COMMITS_MAX = 65_536;
/** Default time for one call of a session. */
export const CALL_TIMEOUT_MS_DEFAULT = 5_000;
/** Time for a connection and its handshake. */
export const CONNECT_TIMEOUT_MS_DEFAULT = 2_000;
/** A secret shorter than this is guessed by trying, offline, with one token or one handshake that was overheard. */
export const SECRET_BYTES_MIN = 16;
/** Secrets that are accepted at a time: a stranger's proof is compared with each, so each costs a hash per connection. */
export const SECRETS_MAX = 8;
/** Connections that have not proved anything yet, at a time: enough for any honest rush, a few megabytes of sockets. Beyond it the oldest is closed. */
export const STRANGERS_MAX = 1_024;
/** Refused connections that a node tells its log of; of the others it tells the number. */
export const REFUSALS_TOLD_PER_SECOND_MAX = 10;
/** Time for one store call before it counts as failed. */
export const STORE_TIMEOUT_MS_DEFAULT = 10_000;
/** First and longest pause between attempts at a lost link or an absent store; the pause doubles and is jittered. */
export const RETRY_DELAY_MS_MIN = 20;
export const RETRY_DELAY_MS_MAX = 2_000;
/** The node's one coarse timer: deadlines, retries and heartbeats have this grain. */
export const TICK_MS = 25;
/** How far a peer's or a session's clock may be ahead before its timestamps are refused: they would win every conflict until then. */
export const CLOCK_AHEAD_MS_MAX = 60_000;
/** How long the mesh remembers what it kept of a departed node. A token that lives longer may name writes whose loss nobody notices any more. */
export const DEPARTED_TTL_MS = 7 * 24 * 60 * 60 * 1000;
/** A ring link that has nothing to say says so this often. */
export const HEARTBEAT_MS = 200;
/** Silence of a successor before it is suspected: at least this, and at most that, however the link has behaved. */
export const SUSPECT_MS_MIN = 1_000;
export const SUSPECT_MS_MAX = 5_000;
/** Time that a node which leaves alone takes at most to hand over, unless it is given another: enough for a silent successor to be replaced meanwhile. */
export const LEAVE_TIMEOUT_MS = 10_000;
/** Silence of a node, while a client waits for it, before it is asked for a sign of life, and time that it has for one. */
export const LINK_PING_MS = 500;
export const LINK_PONG_MS = 1_000;
/** Time in which a newcomer reaches no member before it takes the mesh for down and begins from the store. */
export const TAKE_OVER_MS = 8_000;
/** How often a node looks at the registry when nothing calls for it: bounds how long one that is cut off takes itself for a member. */
export const REGISTRY_POLL_MS = 5_000;
/** A wall clock that moves by more than this against the monotonic one has been set: the node goes on by the time it had. */
export const CLOCK_JUMP_MS_MAX = 30_000;
/** Life of a token unless the mesh says otherwise. */
export const TOKEN_TTL_MS_DEFAULT = 24 * 60 * 60 * 1000;
/** A hundred years: a longer time to live, timeout or token life is a mistake in the unit, and dates must stay safe integers. */
export const DURATION_MS_MAX = 100 * 365 * 24 * 60 * 60 * 1000;
/** How long a deletion stays known, so that an older write that arrives late cannot bring the key back. */
export const TOMBSTONE_TTL_MS = 24 * 60 * 60 * 1000;
