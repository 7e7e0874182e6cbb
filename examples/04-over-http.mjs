// A mesh behind HTTP: two functions, each with nothing but fetch and the session header, as any language would have it.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { connectHttp } from "@causalmesh/transport-http";
import { serveHttp } from "@causalmesh/transport-http/node";

const store = memoryStore();
const mesh = await createMesh({ nodes: 3, store, secret: "shared by all nodes and clients" });
const apiKeys = [{ name: "shop", key: "a key that only the shop has".replaceAll(" ", "-"), role: "write", namespaces: ["shop"] }];
const [first, second] = await Promise.all(["node-1", "node-3"].map((node) => serveHttp(mesh, { node, apiKeys })));
const authorization = `Bearer ${apiKeys[0].key}`;

// The first function asks the front of one node …
const put = await fetch(`${first.url}/v1/shop/cart:42`, {
  method: "PUT",
  headers: { authorization, "content-type": "application/json" },
  body: JSON.stringify({ items: ["tea"] }),
});
const session = put.headers.get("causalmesh-session");

// … and the next one that of another: the header is all that it needs.
const got = await fetch(`${second.url}/v1/shop/cart:42`, { headers: { authorization, "causalmesh-session": session } });
console.log(got.status, await got.json());

// A client with the interface of every other mesh goes on from the same session.
const client = connectHttp({ url: second.url, namespace: "shop", apiKey: apiKeys[0].key });
console.log(await client.session(got.headers.get("causalmesh-session")).get("cart:42"));

await Promise.all([first.close(), second.close()]);
await mesh.close();
